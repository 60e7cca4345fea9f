//! *Line Crossing Counting* (guide §5.3.2): from crossings to reports.
//!
//! Knows nothing of pictures, and nothing of how a report travels.

use std::time::Duration;

use analytics::{Direction, LineCounter, Placed};
use firmware_shim::{RtcTime, Uptime, View};

use crate::configuration::{Configuration, LineCrossingCounting};
use crate::counted::Counted;
use crate::report::{Letterhead, Passed, Report, interval_line, trigger_line};
use crate::rota::{Duty, Rota};
use crate::schedule::Dots;

/// After a signal at DI the next count within this time is left out (guide §5.3.2, *Filter Staff/Deliverer*).
const STAFF_WINDOW: Duration = Duration::from_secs(8);

/// The function at work.
pub(crate) struct LineCrossing {
    settings: LineCrossingCounting,
    head: Letterhead,
    view: View,
    /// `None` without a line, or where the view shows no floor below it or its area.
    counter: Option<LineCounter>,
    rota: Rota,
    reset: Option<Dots>,
    /// Until when the next count is left out. Windows never stack.
    staff_until: Option<Uptime>,
    /// In the interval under way.
    passed: Passed,
    /// Since the last reset.
    total: Passed,
}

impl LineCrossing {
    /// Starts the function with a configuration saved now. `before` is the function as it was until now: it goes on as it is when nothing
    /// that concerns it has changed; else its totals go on, and what was going on at a line that is still there.
    pub fn start(
        configuration: &Configuration,
        head: &Letterhead,
        view: &View,
        now: Uptime,
        rtc: RtcTime,
        before: Option<LineCrossing>,
    ) -> Self {
        let settings = &configuration.line_crossing_counting;
        let zone = head.zone;
        let (regularly, hours) = (settings.report_regularly, &settings.time_schedule);
        let rota = |before| Rota::start(settings.enable, regularly, hours, zone, now, rtc, before);
        let drawn = |of: &LineCrossingCounting| (of.line.clone(), of.u_turn_area.clone(), of.filter_u_turns);
        let mut function = match before {
            Some(before) if (&before.settings, &before.head, &before.view) == (settings, head, view) => return before,
            Some(before) => {
                let is_same_line = drawn(&before.settings) == drawn(settings) && before.view == *view;
                let counter = if is_same_line { before.counter } else { counter(settings, view) };
                LineCrossing { counter, rota: rota(Some(before.rota)), ..before }
            }
            None => LineCrossing {
                settings: settings.clone(),
                head: head.clone(),
                view: *view,
                counter: counter(settings, view),
                rota: rota(None),
                reset: None,
                staff_until: None,
                passed: Passed::default(),
                total: Passed::default(),
            },
        };
        function.reset = Dots::of_reset(settings.reset, zone, rtc, function.reset);
        function.staff_until = function.staff_until.filter(|_| settings.filter_staff);
        if !(function.rota.interval_goes_on() && settings.enable) {
            function.passed = Passed::default();
        }
        (function.settings, function.head, function.view) = (settings.clone(), head.clone(), *view);
        function
    }

    /// The reports this instant brings. `signal`: the level at DI has just risen. `people`: where everybody is, if a frame came.
    pub fn step(
        &mut self,
        now: Uptime,
        rtc: RtcTime,
        signal: bool,
        people: Option<&[Placed]>,
        counted: &mut Vec<Counted>,
    ) -> Vec<Report> {
        let duty = self.rota.turn(rtc);
        if signal && self.settings.filter_staff {
            self.staff_until = Some(now + STAFF_WINDOW);
        }
        let mut reports = Vec::new();
        if matches!(duty, Duty::Off | Duty::Closing) {
            if let Some(counter) = &mut self.counter {
                counter.update(&[]);
            }
        } else if let (Some(counter), Some(people)) = (&mut self.counter, people) {
            let crossings = counter.update(people);
            for crossing in crossings {
                if self.staff_until.take().is_some_and(|until| now <= until) {
                    continue;
                }
                let change = match crossing.direction {
                    Direction::In => Passed { line_in: 1, line_out: 0 },
                    Direction::Out => Passed { line_in: 0, line_out: 1 },
                };
                counted.push(Counted::Crossing(crossing.direction));
                self.passed.add(change);
                self.total.add(change);
                if self.settings.trigger_report {
                    reports.push(trigger_line(&self.head, change, rtc));
                }
            }
        }
        if let Some((start, end)) = self.rota.interval_ended(duty, now, rtc) {
            reports.push(interval_line(&self.head, self.passed, self.total, start, end));
            self.passed = Passed::default();
        }
        // After the report of this instant, which is of the time until now.
        if self.reset.as_mut().is_some_and(|reset| reset.is_due(rtc)) {
            self.total = Passed::default();
        }
        reports
    }

    /// Whether the line or its area is drawn where there is no floor to count on.
    pub fn sees_no_floor(&self) -> bool {
        self.settings.enable && self.settings.line.is_some() && self.counter.is_none()
    }

    /// Whether the function works at present.
    pub fn is_on(&self) -> bool {
        self.rota.is_on()
    }

    /// Its hours and intervals.
    pub fn rota(&self) -> &Rota {
        &self.rota
    }

    /// The same, for what it is to remember.
    pub fn rota_mut(&mut self) -> &mut Rota {
        &mut self.rota
    }

    /// When to step at the latest.
    pub fn next_wake(&self, now: Uptime, rtc: RtcTime) -> Option<Uptime> {
        let reset = self.reset.as_ref().map(|reset| reset.next_wake(now, rtc));
        self.rota.next_wake(now, rtc).into_iter().chain(reset).min()
    }
}

fn counter(settings: &LineCrossingCounting, view: &View) -> Option<LineCounter> {
    let line = settings.line.as_ref()?;
    let area = settings.u_turn_area.as_ref().filter(|_| settings.filter_u_turns);
    LineCounter::new(view, line.points(), area.map(|area| area.corners()))
}

#[cfg(test)]
mod tests {
    use glam::DVec2;
    use serde_json::Value;

    use super::*;
    use crate::configuration::{
        Day, DetectionLine, DotMinutes, IntervalSeconds, Period, Polygon, ReportRegularly, ResetOnSchedule, TimeOfDay,
        TimeSchedule,
    };
    use crate::report::tests::head_of;
    use crate::test_view::{seen, view};

    fn at_floor(x: f64, y: f64) -> DVec2 {
        seen(DVec2::new(x, y))
    }

    /// A door that is passed towards +y when coming in, looked at ten times a second. Power-on is Tuesday, 2022/12/20 10:00:00 UTC.
    struct Door {
        configuration: Configuration,
        function: Option<LineCrossing>,
        now_ms: u64,
        people: u64,
        reports: Vec<Value>,
    }

    const POWER_ON_S: i64 = 1_671_530_400;

    impl Door {
        fn new(set: impl FnOnce(&mut LineCrossingCounting)) -> Self {
            let mut configuration = Configuration::default();
            let settings = &mut configuration.line_crossing_counting;
            settings.line =
                Some(DetectionLine::try_from(vec![at_floor(-1.5, 0.0), at_floor(1.5, 0.0)]).expect("a line"));
            (settings.enable, settings.report_regularly) = (true, ReportRegularly::Off);
            set(settings);
            Door { configuration, function: None, now_ms: 0, people: 0, reports: vec![] }
        }

        /// Settings are changed and saved.
        fn set(mut self, set: impl FnOnce(&mut LineCrossingCounting)) -> Self {
            set(&mut self.configuration.line_crossing_counting);
            self.saved()
        }

        fn saved(mut self) -> Self {
            let rtc = self.rtc();
            let now = Uptime::from_millis(self.now_ms);
            self.function = Some(LineCrossing::start(
                &self.configuration,
                &head_of(&self.configuration),
                &view(),
                now,
                rtc,
                self.function.take(),
            ));
            self
        }

        fn rtc(&self) -> RtcTime {
            RtcTime(POWER_ON_S * 1_000_000_000 + self.now_ms as i64 * 1_000_000)
        }

        fn steps(&mut self, signal: bool, people: &[Placed]) {
            let (now, rtc) = (Uptime::from_millis(self.now_ms), self.rtc());
            let reports = self.function.as_mut().expect("saved").step(now, rtc, signal, Some(people), &mut vec![]);
            self.reports.extend(reports.iter().map(|r| serde_json::from_str::<Value>(&r.document).expect("JSON")));
            self.now_ms += 100;
        }

        /// Somebody new walks along the y of these places within two seconds, and is gone.
        fn passed(mut self, ways: &[f64]) -> Self {
            if self.function.is_none() {
                self = self.saved();
            }
            self.people += 1;
            for i in 0..20 {
                let at = f64::from(i) / 19.0 * (ways.len() - 1) as f64;
                let leg = (at as usize).min(ways.len() - 2);
                let y = ways[leg] + (ways[leg + 1] - ways[leg]) * (at - leg as f64);
                let floor = DVec2::new(0.1, y);
                self.steps(false, &[Placed { id: self.people, floor, foot: seen(floor), seen: true }]);
            }
            self
        }

        fn comes(self) -> Self {
            self.passed(&[-1.0, 1.0])
        }

        fn goes(self) -> Self {
            self.passed(&[1.0, -1.0])
        }

        fn signalled(mut self) -> Self {
            if self.function.is_none() {
                self = self.saved();
            }
            self.steps(true, &[]);
            self
        }

        fn waits(mut self, seconds: f64) -> Self {
            if self.function.is_none() {
                self = self.saved();
            }
            let end_ms = self.now_ms + (seconds * 1000.0) as u64;
            while self.now_ms < end_ms {
                self.steps(false, &[]);
            }
            self
        }

        /// Trigger reports as `+` for In and `-` for Out; periodic ones as In/Out of the interval and, behind a colon, in all.
        fn told(&self) -> Vec<String> {
            let line = |report: &Value| match report.get("line_trigger_data") {
                Some(data) => if data["in"] == 1 { "+" } else { "-" }.to_owned(),
                None => {
                    let total = &report["total_data"];
                    let (now, all) = (&report["capacity_counted"], &total["capacity_cumulative_counted"]);
                    let (line_in, line_out) = (&report["in_counted"], &report["out_counted"]);
                    assert_eq!(now.as_i64(), line_in.as_i64().zip(line_out.as_i64()).map(|(i, o)| i - o));
                    let (all_in, all_out) = (&total["in_cumulative_counted"], &total["out_cumulative_counted"]);
                    assert_eq!(all.as_i64(), all_in.as_i64().zip(all_out.as_i64()).map(|(i, o)| i - o));
                    format!("{line_in}/{line_out}: {all_in}/{all_out}")
                }
            };
            self.reports.iter().map(line).collect()
        }
    }

    fn every(interval_s: i64) -> ReportRegularly {
        ReportRegularly::FromNowOn { interval_s: IntervalSeconds::try_from(interval_s).expect("an interval") }
    }

    fn at(text: &str) -> TimeOfDay {
        TimeOfDay::try_from(text.to_owned()).expect("a time")
    }

    #[test]
    fn each_crossing_is_reported_by_the_arrow() {
        let door = Door::new(|settings| settings.trigger_report = true).comes().comes().goes();
        assert_eq!(door.told(), ["+", "+", "-"]);
    }

    #[test]
    fn intervals_begin_anew_and_totals_go_on() {
        let door = Door::new(|settings| settings.report_regularly = every(10));
        let door = door.goes().comes().comes().waits(5.0).goes().waits(17.5);
        assert_eq!(door.told(), ["2/1: 2/1", "0/1: 2/2", "0/0: 2/2"]);
    }

    #[test]
    fn settings_saved_anew_keep_the_total_and_begin_the_interval_anew() {
        let door = || Door::new(|settings| settings.report_regularly = every(10)).comes();
        assert_eq!(door().set(|settings| settings.trigger_report = true).waits(10.5).told(), ["0/0: 1/0"]);
        assert_eq!(door().set(|settings| settings.report_regularly = every(20)).waits(18.1).told(), [""; 0]);
        assert_eq!(door().saved().waits(8.5).told(), ["1/0: 1/0"], "nothing has changed");
        let renamed = |mut door: Door| {
            door.configuration.privacy_mask.enable = false;
            door.saved()
        };
        assert_eq!(renamed(door()).waits(8.5).told(), ["1/0: 1/0"], "nothing that concerns it");
    }

    #[test]
    fn who_is_on_the_way_over_a_line_that_stays_is_counted() {
        let half = Door::new(|settings| settings.trigger_report = true).passed(&[-1.0, -0.05]);
        let mut moved = half.set(|settings| settings.report_regularly = every(50));
        moved.people -= 1;
        assert_eq!(moved.passed(&[-0.05, 1.0]).told(), ["+"]);
    }

    #[test]
    fn a_function_that_was_disabled_for_a_while_keeps_its_total() {
        let door = Door::new(|settings| settings.report_regularly = every(10)).comes();
        let door = door.set(|settings| settings.enable = false).comes().waits(20.0);
        assert_eq!(door.told(), [""; 0]);
        assert_eq!(door.set(|settings| settings.enable = true).goes().waits(8.5).told(), ["0/1: 1/1"]);
    }

    #[test]
    fn on_the_dot_a_save_at_the_very_instant_loses_no_slot() {
        let dots = || ReportRegularly::OnTheDot { interval_min: DotMinutes::try_from(5).expect("a choice") };
        let door = Door::new(|settings| settings.report_regularly = dots()).comes().waits(298.0);
        assert_eq!((door.now_ms, door.told()), (300_000, vec![]));
        assert_eq!(door.set(|settings| settings.trigger_report = true).waits(1.0).told(), ["1/0: 1/0"]);
    }

    #[test]
    fn a_reset_is_of_the_total_and_comes_after_the_report_of_its_instant() {
        let door = Door::new(|settings| {
            settings.report_regularly = every(60);
            settings.reset = ResetOnSchedule::Weekly { day: Day::Tuesday, at: at("10:01") };
        });
        let door = door.comes().waits(58.5).comes().waits(60.0);
        assert_eq!(door.told(), ["1/0: 1/0", "1/0: 1/0"]);
    }

    #[test]
    fn staff_signal_and_are_not_counted() {
        let door = || Door::new(|settings| (settings.trigger_report, settings.filter_staff) = (true, true));
        assert_eq!(door().signalled().comes().comes().told(), ["+"], "one pulse, one count");
        assert_eq!(door().signalled().goes().told(), [""; 0], "either way");
        assert_eq!(door().signalled().signalled().comes().comes().told(), ["+"], "windows never stack");
        // The crossing is told 1.2 s after the wait is over.
        assert_eq!(door().signalled().waits(6.7).comes().told(), [""; 0], "7.9 s");
        assert_eq!(door().signalled().waits(6.9).comes().told(), ["+"], "8.1 s: too early");
        assert_eq!(door().comes().signalled().waits(9.0).goes().told(), ["+", "-"], "too late");
        assert_eq!(door().signalled().waits(5.0).signalled().waits(5.0).comes().comes().told(), ["+"], "begun anew");
        let deaf = Door::new(|settings| settings.trigger_report = true);
        assert_eq!(deaf.signalled().comes().told(), ["+"], "the filter is off");
    }

    #[test]
    fn u_turns_are_filtered_within_the_area_only() {
        let area = || {
            Polygon::try_from(vec![at_floor(-1.0, -0.6), at_floor(1.0, -0.6), at_floor(1.0, 0.6), at_floor(-1.0, 0.6)])
        };
        let door = |filter: bool| {
            Door::new(|settings| {
                (settings.trigger_report, settings.filter_u_turns) = (true, filter);
                settings.u_turn_area = Some(area().expect("a square"));
            })
        };
        let loiters = [-1.0, 0.4, -0.4, 0.4, -1.0];
        assert_eq!(door(true).passed(&loiters).comes().told(), ["+"]);
        assert_eq!(door(false).passed(&loiters).told(), ["+", "-", "+", "-"]);
    }

    #[test]
    fn out_of_its_hours_nobody_is_counted_and_totals_are_kept() {
        let period = |text: &str| Period::try_from(text.to_owned()).expect("a period");
        let door = Door::new(|settings| {
            (settings.trigger_report, settings.report_regularly) = (true, every(60));
            let tuesday = vec![period("09:00-10:01"), period("10:02-24:00")].try_into().expect("two");
            settings.time_schedule = TimeSchedule { tuesday, ..TimeSchedule::default() };
        });
        // One crosses within the hours, one over their end, one outside of them, one within again.
        let door = door.comes().waits(57.0).passed(&[-1.0, -0.2, 1.0]).comes().waits(60.0).goes().waits(60.0);
        assert_eq!(door.told(), ["+", "1/0: 1/0", "-", "0/1: 1/1"]);
    }

    #[test]
    fn hours_that_end_within_an_interval_end_it_and_it_is_reported() {
        let period = |text: &str| Period::try_from(text.to_owned()).expect("a period");
        let door = Door::new(|settings| {
            settings.report_regularly = every(100);
            let tuesday = vec![period("09:00-10:01"), period("10:02-24:00")].try_into().expect("two");
            settings.time_schedule = TimeSchedule { tuesday, ..TimeSchedule::default() };
        });
        let door = door.comes().waits(58.0).comes().waits(58.0).goes().waits(80.0);
        assert_eq!(door.told(), ["1/0: 1/0", "0/1: 1/1"]);
        let times = door.reports.iter().map(|report| {
            let part = |key: &str| report["time_info"][key].as_str().map(|time| time[11..].to_owned());
            part("start_time").zip(part("end_time"))
        });
        let expected = [("10:00:00", "10:01:00"), ("10:02:00", "10:03:20")];
        let expected = expected.map(|(start, end)| Some((start.to_owned(), end.to_owned())));
        assert_eq!(times.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn without_a_line_there_is_nothing_to_count_and_reports_say_so() {
        let door =
            Door::new(|settings| (settings.line, settings.report_regularly) = (None, every(5))).comes().waits(3.5);
        assert_eq!(door.told(), ["0/0: 0/0"]);
    }
}
