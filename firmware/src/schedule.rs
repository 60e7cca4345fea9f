//! When a periodic report is due, and which interval it covers.
//!
//! *From Now On* runs on monotonic time; a jumping clock does not touch it. *On the Dot* runs on the calendar, and the
//! calendar may jump: a jump re-aligns it, never makes a second report for one slot, and never skips a slot that was not
//! jumped over. Knows nothing of what is reported.

use std::cell::Cell;
use std::time::Duration;

use chrono::Weekday;
use firmware_shim::{RtcTime, Uptime};

use crate::calendar::{Slots, Zone, minute_of_week, next_slot};
use crate::configuration::{Day, DotMinutes, ReportRegularly, ResetOnSchedule, TimeSchedule};

/// A dot is still reported when it is noticed this late; one that lies further back was jumped over by the clock. A
/// decision: longer than any step of a synchronised clock, far shorter than the shortest interval (5 min).
const LATE_MAX_NS: i64 = 10_000_000_000;

const MINUTE_NS: i64 = 60_000_000_000;

/// The least time between two looks at the clock before a dot.
const ASK_AGAIN: Duration = Duration::from_millis(1);

/// Unbroken runs of reported slots that are remembered. One is added by each clock jump, and two by each day whose hours end between
/// slots, so that what lies further back than some weeks may be forgotten.
const RUNS_MAX: usize = 64;

/// First and last slot of each unbroken run of reported slots.
pub(crate) type ReportedSlots = Vec<(RtcTime, RtcTime)>;

/// The schedule of periodic reports, from one moment on.
#[derive(Clone, Debug)]
pub(crate) enum Schedule {
    Off,
    FromNowOn { interval: Duration, due: Uptime },
    OnTheDot(Dots),
}

/// Slots of the calendar, as of *On the Dot*. They are instants, so that a repeated hour of a daylight saving change is not taken
/// for its first pass.
#[derive(Clone, Debug)]
pub(crate) struct Dots {
    slots: Slots,
    zone: Zone,
    next: RtcTime,
    last_reading: RtcTime,
    reported: ReportedSlots,
}

impl Schedule {
    /// A schedule that starts now. `before` is the one it replaces: an unchanged On the Dot remembers its slots.
    pub fn start(scheme: ReportRegularly, zone: Zone, now: Uptime, rtc: RtcTime, before: Option<Schedule>) -> Self {
        match scheme {
            ReportRegularly::Off => Schedule::Off,
            ReportRegularly::FromNowOn { interval_s } => {
                let interval = Duration::from_secs(u64::from(u32::from(interval_s)));
                Schedule::FromNowOn { interval, due: now + interval }
            }
            ReportRegularly::OnTheDot { interval_min } => {
                let before = match before {
                    Some(Schedule::OnTheDot(dots)) => Some(dots),
                    _ => None,
                };
                Schedule::OnTheDot(Dots::start(slots(interval_min), zone, rtc, before))
            }
        }
    }

    /// Whether an interval that ends before it is due is to be reported, because hours end. Ask once for each such end.
    pub fn ends_early(&mut self, rtc: RtcTime) -> bool {
        match self {
            Schedule::Off => false,
            Schedule::FromNowOn { .. } => true,
            // Hours end with whole minutes, and the clock is looked at a little later.
            Schedule::OnTheDot(dots) => dots.note(RtcTime(rtc.0 - rtc.0.rem_euclid(MINUTE_NS))),
        }
    }

    /// Whether it goes by slots of the calendar.
    pub fn is_on_the_dot(&self) -> bool {
        matches!(self, Schedule::OnTheDot(_))
    }

    /// Whether these settings change nothing, so that the interval under way goes on: *On the Dot* alone does not count from when it was saved.
    pub fn runs_on(&self, scheme: ReportRegularly, zone: Zone) -> bool {
        match (self, scheme) {
            (Schedule::OnTheDot(dots), ReportRegularly::OnTheDot { interval_min }) => {
                (dots.slots, dots.zone) == (slots(interval_min), zone)
            }
            _ => false,
        }
    }

    /// The slots of the calendar that were reported; none unless *On the Dot*.
    pub fn reported(&self) -> &[(RtcTime, RtcTime)] {
        if let Schedule::OnTheDot(dots) = self { &dots.reported } else { &[] }
    }

    /// These were reported before the device was switched on.
    pub fn remember(&mut self, reported: ReportedSlots) {
        if let Schedule::OnTheDot(dots) = self {
            dots.reported = reported;
        }
    }

    /// Whether a report is due at this instant. Asking moves the schedule on, so ask once per step.
    pub fn is_due(&mut self, now: Uptime, rtc: RtcTime) -> bool {
        match self {
            Schedule::Off => false,
            Schedule::FromNowOn { interval, due } => {
                let reached = now >= *due;
                // A caller that steps late gets one report over the longer interval, and the grid stays.
                while *due <= now {
                    *due = *due + *interval;
                }
                reached
            }
            Schedule::OnTheDot(dots) => dots.is_due(rtc),
        }
    }

    /// When to ask again at the latest.
    pub fn next_wake(&self, now: Uptime, rtc: RtcTime) -> Option<Uptime> {
        match self {
            Schedule::Off => None,
            Schedule::FromNowOn { due, .. } => Some(*due),
            Schedule::OnTheDot(dots) => Some(dots.next_wake(now, rtc)),
        }
    }
}

impl Dots {
    /// Slots from now on. `before` are those they replace: the same go on, so that one that is due at this very instant is not lost.
    fn start(slots: Slots, zone: Zone, rtc: RtcTime, before: Option<Dots>) -> Self {
        let same = before.filter(|dots| dots.slots == slots && dots.zone == zone);
        same.unwrap_or_else(|| Dots {
            slots,
            zone,
            next: next_slot(rtc, &slots, zone),
            last_reading: rtc,
            reported: Vec::new(),
        })
    }

    /// When cumulative values begin anew; `None` when never.
    pub fn of_reset(reset: ResetOnSchedule, zone: Zone, rtc: RtcTime, before: Option<Dots>) -> Option<Self> {
        let (day, at) = match reset {
            ResetOnSchedule::Off => return None,
            ResetOnSchedule::EveryDay { at } => (None, at),
            ResetOnSchedule::Weekly { day, at } => (Some(weekday(day)), at),
        };
        let time = chrono::NaiveTime::MIN + chrono::Duration::minutes(i64::from(at.minutes()));
        Some(Dots::start(Slots::At(day, time), zone, rtc, before))
    }

    /// When to ask again at the latest.
    pub fn next_wake(&self, now: Uptime, rtc: RtcTime) -> Uptime {
        wake_at(self.next, now, rtc)
    }

    /// Whether a slot is reached at this instant. Asking moves on, so ask once per step.
    pub fn is_due(&mut self, rtc: RtcTime) -> bool {
        let went_back = rtc < self.last_reading;
        self.last_reading = rtc;
        if went_back {
            self.next = next_slot(rtc, &self.slots, self.zone);
            return false;
        }
        if rtc < self.next {
            return false;
        }
        self.next = next_slot(rtc, &self.slots, self.zone);
        let slot = next_slot(RtcTime(rtc.0.saturating_sub(LATE_MAX_NS)), &self.slots, self.zone);
        slot <= rtc && self.note(slot)
    }

    /// Remembers a slot as reported; false if it already was.
    fn note(&mut self, slot: RtcTime) -> bool {
        if self.reported.iter().any(|(first, last)| (*first..=*last).contains(&slot)) {
            return false;
        }
        match self.reported.last_mut() {
            Some((_, last)) if next_slot(*last, &self.slots, self.zone) == slot => *last = slot,
            _ => self.reported.push((slot, slot)),
        }
        if self.reported.len() > RUNS_MAX {
            self.reported.remove(0);
        }
        true
    }
}

fn slots(interval: DotMinutes) -> Slots {
    Slots::Every(chrono::Duration::minutes(i64::from(u32::from(interval))))
}

/// When the calendar will read `next`, about. The two clocks need not run at one rate: waking a little early means asking once more, and
/// a clock that stands still just before a slot must not keep the device from sleeping.
fn wake_at(next: RtcTime, now: Uptime, rtc: RtcTime) -> Uptime {
    let wait = u64::try_from(next.0.saturating_sub(rtc.0)).unwrap_or(0);
    now + Duration::from_nanos(wait).max(ASK_AGAIN)
}

/// When a function works: its *Time Schedule* on the device's calendar.
#[derive(Clone, Debug)]
pub(crate) struct WorkingHours {
    schedule: TimeSchedule,
    zone: Zone,
    never_end: bool,
    /// The last answer: every frame asks.
    minute: Cell<Option<Minute>>,
}

/// What holds up to the next whole minute of the wall clock: edges are whole minutes.
#[derive(Clone, Copy, Debug)]
struct Minute {
    from: RtcTime,
    until: RtcTime,
    is_included: bool,
}

impl WorkingHours {
    pub fn new(schedule: &TimeSchedule, zone: Zone) -> Self {
        let never_end = *schedule == TimeSchedule::default();
        WorkingHours { schedule: schedule.clone(), zone, never_end, minute: Cell::new(None) }
    }

    /// Whether the function works at a reading of the clock.
    pub fn include(&self, rtc: RtcTime) -> bool {
        self.never_end || self.minute(rtc).is_included
    }

    fn minute(&self, rtc: RtcTime) -> Minute {
        if let Some(minute) = self.minute.get().filter(|minute| (minute.from..minute.until).contains(&rtc)) {
            return minute;
        }
        let (today, minute) = minute_of_week(rtc, self.zone);
        let is_included = DAYS.iter().any(|day| weekday(*day) == today && self.schedule.of(*day).contain(minute));
        let until = next_slot(rtc, &Slots::Every(chrono::Duration::minutes(1)), self.zone);
        let minute = Minute { from: rtc, until, is_included };
        self.minute.set(Some(minute));
        minute
    }

    /// When to ask again at the latest; `None` when it never ends.
    pub fn next_wake(&self, now: Uptime, rtc: RtcTime) -> Option<Uptime> {
        // All edges are whole minutes of the wall clock; to look at each of them costs next to nothing.
        (!self.never_end).then(|| wake_at(self.minute(rtc).until, now, rtc))
    }
}

const DAYS: [Day; 7] =
    [Day::Sunday, Day::Monday, Day::Tuesday, Day::Wednesday, Day::Thursday, Day::Friday, Day::Saturday];

fn weekday(day: Day) -> Weekday {
    match day {
        Day::Sunday => Weekday::Sun,
        Day::Monday => Weekday::Mon,
        Day::Tuesday => Weekday::Tue,
        Day::Wednesday => Weekday::Wed,
        Day::Thursday => Weekday::Thu,
        Day::Friday => Weekday::Fri,
        Day::Saturday => Weekday::Sat,
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;
    use crate::configuration::{DayPeriods, Period, TimeOfDay};

    /// A device at whose wall clock reading (`HH:MM:SS`, UTC) something is asked.
    struct Clock {
        schedule: Schedule,
        reading_s: i64,
        reports: Vec<String>,
    }

    fn seconds(text: &str) -> i64 {
        text.split(':').fold(0, |total, part| total * 60 + part.parse::<i64>().expect("a number"))
    }

    fn reading(seconds: i64) -> RtcTime {
        RtcTime(1_660_000_000_000_000_000 / 86_400_000_000_000 * 86_400_000_000_000 + seconds * 1_000_000_000)
    }

    impl Clock {
        fn every_ten_minutes_from(start: &str) -> Clock {
            let scheme = ReportRegularly::OnTheDot { interval_min: DotMinutes::try_from(10).expect("a choice") };
            let rtc = reading(seconds(start));
            let schedule = Schedule::start(scheme, Tz::UTC.into(), Uptime::ZERO, rtc, None);
            Clock { schedule, reading_s: seconds(start), reports: Vec::new() }
        }

        fn runs_to(mut self, end: &str) -> Clock {
            while self.reading_s < seconds(end) {
                self.reading_s += 1;
                self.ask();
            }
            self
        }

        fn jumps_to(mut self, time: &str) -> Clock {
            self.reading_s = seconds(time);
            self.ask();
            self
        }

        fn ask(&mut self) {
            if self.schedule.is_due(Uptime::ZERO, reading(self.reading_s)) {
                let s = self.reading_s;
                self.reports.push(format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60));
            }
        }
    }

    #[test]
    fn each_dot_is_reported_once() {
        let clock = Clock::every_ten_minutes_from("10:00:00").runs_to("10:31:00");
        assert_eq!(clock.reports, ["10:10:00", "10:20:00", "10:30:00"]);
    }

    #[test]
    fn a_clock_put_forward_skips_the_slots_it_jumped_and_no_more() {
        let clock = Clock::every_ten_minutes_from("10:05:00").runs_to("10:12:00").jumps_to("10:45:00");
        assert_eq!(clock.runs_to("11:01:00").reports, ["10:10:00", "10:50:00", "11:00:00"]);
    }

    #[test]
    fn a_clock_put_forward_by_a_second_over_a_dot_still_reports_it() {
        let clock = Clock::every_ten_minutes_from("10:05:00").runs_to("10:09:59").jumps_to("10:10:01");
        assert_eq!(clock.runs_to("10:21:00").reports, ["10:10:01", "10:20:00"]);
    }

    #[test]
    fn a_clock_put_back_reports_no_slot_twice() {
        let clock = Clock::every_ten_minutes_from("10:05:00").runs_to("10:32:00").jumps_to("10:07:00");
        assert_eq!(clock.runs_to("10:51:00").reports, ["10:10:00", "10:20:00", "10:30:00", "10:40:00", "10:50:00"]);
        let clock = Clock::every_ten_minutes_from("10:05:00").runs_to("10:10:00").jumps_to("10:09:59");
        assert_eq!(clock.runs_to("10:21:00").reports, ["10:10:00", "10:20:00"]);
    }

    #[test]
    fn a_clock_put_back_reports_the_slots_it_had_not_reported() {
        let clock = Clock::every_ten_minutes_from("10:32:00").jumps_to("10:07:00");
        assert_eq!(clock.runs_to("10:21:00").reports, ["10:10:00", "10:20:00"]);
    }

    #[test]
    fn waking_follows_the_calendar_and_never_stands_still() {
        let clock = Clock::every_ten_minutes_from("10:05:00");
        let now = Uptime::from_millis(7000);
        assert_eq!(clock.schedule.next_wake(now, reading(seconds("10:05:00"))), Some(now + Duration::from_secs(300)));
        // A real-time clock that runs slow reads a little less than the dot when the device wakes.
        let short = RtcTime(reading(seconds("10:10:00")).0 - 5);
        assert_eq!(clock.schedule.next_wake(now, short), Some(now + ASK_AGAIN));
    }

    /// Asked every second for some days from 2022/10/28 (a Friday) 00:00 UTC on; the local times at which it was due.
    fn resets(reset: ResetOnSchedule, days: i64) -> Vec<String> {
        let start = 1_666_915_200;
        let at = |second: i64| RtcTime((start + second) * 1_000_000_000);
        let mut dots = Dots::of_reset(reset, Tz::Europe__Berlin.into(), at(0), None).expect("there are resets");
        let due = (0..days * 86_400).filter(|second| dots.is_due(at(*second)));
        due.map(|second| crate::calendar::local_time(at(second), Tz::Europe__Berlin.into()).text).collect()
    }

    #[test]
    fn resets_come_once_a_day_or_week() {
        let at = |text: &str| TimeOfDay::try_from(text.to_owned()).expect("a time");
        let daily = resets(ResetOnSchedule::EveryDay { at: at("02:30") }, 3);
        assert_eq!(daily, ["2022/10/28 02:30:00", "2022/10/29 02:30:00", "2022/10/30 02:30:00"]);
        let weekly = resets(ResetOnSchedule::Weekly { day: Day::Sunday, at: at("18:04") }, 12);
        assert_eq!(weekly, ["2022/10/30 18:04:00", "2022/11/06 18:04:00"]);
        assert!(Dots::of_reset(ResetOnSchedule::Off, Tz::UTC.into(), RtcTime(0), None).is_none());
    }

    #[test]
    fn working_hours_go_by_the_weekday_and_the_wall_clock() {
        let periods = |texts: &[&str]| {
            let periods =
                texts.iter().map(|text| Period::try_from((*text).to_owned()).expect("a period")).collect::<Vec<_>>();
            DayPeriods::try_from(periods).expect("at most three")
        };
        let schedule = TimeSchedule {
            friday: periods(&["08:00-12:00", "13:00-17:30"]),
            saturday: periods(&[]),
            ..TimeSchedule::default()
        };
        let hours = WorkingHours::new(&schedule, Tz::Europe__Berlin.into());
        // 2022/10/28, a Friday, at 02:00 in Berlin.
        let at = |minutes: i64| RtcTime((1_666_915_200 + 60 * minutes) * 1_000_000_000);
        let edges: Vec<i64> = (1..72 * 60).filter(|m| hours.include(at(*m)) != hours.include(at(m - 1))).collect();
        let sunday = 22 * 60 + 24 * 60;
        assert_eq!(edges, [6 * 60, 10 * 60, 11 * 60, 15 * 60 + 30, sunday], "minutes from 02:00 on Friday on");
        assert!(!hours.include(at(0)));
        let now = Uptime::from_millis(1_000);
        assert_eq!(hours.next_wake(now, RtcTime(at(0).0 + 59_000_000_000)), Some(Uptime::from_millis(2_000)));
        let always = WorkingHours::new(&TimeSchedule::default(), Tz::UTC.into());
        assert!(always.include(at(0)) && always.next_wake(now, at(0)).is_none());
    }
}
