//! *People Flow Analysis* (guide §5.3.3): from passages through a region to reports.
//!
//! Knows nothing of pictures, and nothing of how a report travels.

use analytics::{FlowCounter, Placed};
use firmware_shim::{RtcTime, Uptime, View};

use crate::configuration::{Configuration, FlowRegion, PeopleFlowAnalysis};
use crate::counted::Counted;
use crate::report::{Letterhead, Report, interval_flow};
use crate::rota::{Duty, Rota};

/// The function at work.
pub(crate) struct PeopleFlow {
    settings: PeopleFlowAnalysis,
    head: Letterhead,
    view: View,
    /// `None` without a region, or where the view shows no floor below it.
    counter: Option<FlowCounter>,
    rota: Rota,
    /// In the interval under way: `passed[from][to]`, by edge.
    passed: Vec<Vec<u64>>,
}

impl PeopleFlow {
    /// Starts the function with a configuration saved now. `before` is the function as it was until now: it goes on as it is when nothing
    /// that concerns it has changed.
    pub fn start(
        configuration: &Configuration,
        head: &Letterhead,
        view: &View,
        now: Uptime,
        rtc: RtcTime,
        before: Option<PeopleFlow>,
    ) -> Self {
        let settings = &configuration.people_flow_analysis;
        let zone = head.zone;
        let edges = settings.region.as_ref().map_or(0, |region| region.corners().len());
        let nobody = || vec![vec![0; edges]; edges];
        let counter =
            || settings.region.as_ref().map(FlowRegion::corners).and_then(|region| FlowCounter::new(view, region));
        let (rota, kept) = match before {
            Some(before) if (&before.settings, &before.head, &before.view) == (settings, head, view) => return before,
            Some(before) => {
                let is_same_place = before.settings.region == settings.region && before.view == *view;
                (Some(before.rota), is_same_place.then_some((before.counter, before.passed)))
            }
            None => (None, None),
        };
        let (regularly, hours) = (settings.report_regularly, &settings.time_schedule);
        let rota = Rota::start(settings.enable, regularly, hours, zone, now, rtc, rota);
        let (counter, passed) = kept.unwrap_or_else(|| (counter(), nobody()));
        let passed = if rota.interval_goes_on() && settings.enable { passed } else { nobody() };
        PeopleFlow { settings: settings.clone(), head: head.clone(), view: *view, counter, rota, passed }
    }

    /// The reports this instant brings. `people`: where everybody is, if a frame came.
    pub fn step(
        &mut self,
        now: Uptime,
        rtc: RtcTime,
        people: Option<&[Placed]>,
        counted: &mut Vec<Counted>,
    ) -> Vec<Report> {
        let duty = self.rota.turn(rtc);
        if matches!(duty, Duty::Off | Duty::Closing) {
            if let Some(counter) = &mut self.counter {
                counter.update(&[]);
            }
        } else if let (Some(counter), Some(people)) = (&mut self.counter, people) {
            for passage in counter.update(people) {
                counted.push(Counted::Passage { from: passage.from, to: passage.to });
                self.passed[passage.from][passage.to] += 1;
            }
        }
        let ended = self.rota.interval_ended(duty, now, rtc);
        let report = ended.map(|(start, end)| interval_flow(&self.head, &self.passed, start, end));
        if report.is_some() {
            self.passed.iter_mut().for_each(|row| row.fill(0));
        }
        report.into_iter().collect()
    }

    /// Whether the region is drawn where there is no floor to count on.
    pub fn sees_no_floor(&self) -> bool {
        self.settings.enable && self.settings.region.is_some() && self.counter.is_none()
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
        self.rota.next_wake(now, rtc)
    }
}

#[cfg(test)]
mod tests {
    use glam::DVec2;
    use serde_json::Value;

    use super::*;
    use crate::configuration::{IntervalSeconds, ReportRegularly};
    use crate::report::tests::head_of;
    use crate::test_view::{seen, view};

    /// The reports of a square of 2 m, every 10 s, when somebody new walks along each of these ways within 2 s. A is the south edge, B the
    /// east one, C and D follow.
    #[track_caller]
    fn check(ways: &[&[(f64, f64)]], expected: &[&[(&str, u64)]]) {
        let mut configuration = Configuration::default();
        let settings = &mut configuration.people_flow_analysis;
        settings.enable = true;
        let corners = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)].map(|corner| seen(DVec2::from(corner)));
        settings.region = Some(FlowRegion::try_from(corners.to_vec()).expect("a square"));
        let interval_s = IntervalSeconds::try_from(10).expect("an interval");
        settings.report_regularly = ReportRegularly::FromNowOn { interval_s };
        let clock = |ms: u64| RtcTime(ms as i64 * 1_000_000);
        let mut flow =
            PeopleFlow::start(&configuration, &head_of(&configuration), &view(), Uptime::ZERO, clock(0), None);
        let mut told: Vec<Vec<(String, u64)>> = Vec::new();
        for step in 0..100 * expected.len() as u64 + 1 {
            let (id, part) = (step / 20, (step % 20) as f64 / 19.0);
            let people: Vec<Placed> = ways.get(id as usize).map_or(vec![], |way| {
                let at = part * (way.len() - 1) as f64;
                let leg = (at as usize).min(way.len() - 2);
                let floor = DVec2::from(way[leg]).lerp(DVec2::from(way[leg + 1]), at - leg as f64);
                vec![Placed { id, floor, foot: seen(floor), seen: true }]
            });
            for report in flow.step(Uptime::from_millis(100 * step), clock(100 * step), Some(&people), &mut vec![]) {
                let document: Value = serde_json::from_str(&report.document).expect("JSON");
                let pairs = document["flow_data"].as_object().expect("an object");
                assert_eq!(pairs.len(), 16);
                let counted = pairs.iter().filter_map(|(pair, count)| Some((pair.clone(), count.as_u64()?)));
                told.push(counted.filter(|(_, count)| *count > 0).collect());
            }
        }
        let told: Vec<Vec<(&str, u64)>> =
            told.iter().map(|pairs| pairs.iter().map(|(pair, count)| (pair.as_str(), *count)).collect()).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn passages_are_counted_by_edge_and_interval() {
        let north: &[(f64, f64)] = &[(0.0, -1.4), (0.0, 1.4)];
        let east: &[(f64, f64)] = &[(0.0, -1.4), (0.0, 0.0), (1.4, 0.0)];
        let back: &[(f64, f64)] = &[(1.4, 0.0), (0.2, 0.0), (1.4, 0.3)];
        check(&[north, east, north, back], &[&[("A-B", 1), ("A-C", 2), ("B-B", 1)], &[]]);
        check(&[north, east, north, back, north, back], &[&[("A-B", 1), ("A-C", 3), ("B-B", 1)], &[("B-B", 1)]]);
    }

    #[test]
    fn who_only_brushes_the_region_went_nowhere() {
        check(&[&[(-1.4, -1.4), (1.4, -1.4)], &[(0.0, 0.0), (0.0, 1.4)], &[(0.0, -1.4), (0.0, 0.0)]], &[&[]]);
    }
}
