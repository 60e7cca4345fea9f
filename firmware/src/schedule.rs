//! When a periodic report is due, and which interval it covers.
//!
//! *From Now On* runs on monotonic time; a jumping clock does not touch it. *On the Dot* runs on the calendar, and the
//! calendar may jump: a jump re-aligns it, never makes a second report for one slot, and never skips a slot that was not
//! jumped over. Knows nothing of what is reported.

use std::time::Duration;

use chrono_tz::Tz;
use firmware_shim::{RtcTime, Uptime};

use crate::calendar::next_dot;
use crate::configuration::ReportRegularly;

/// A dot is still reported when it is noticed this late; one that lies further back was jumped over by the clock. A
/// decision: longer than any step of a synchronised clock, far shorter than the shortest interval (5 min).
const LATE_MAX_NS: i64 = 10_000_000_000;

/// The least time between two looks at the clock before a dot.
const ASK_AGAIN: Duration = Duration::from_millis(1);

/// Unbroken runs of reported slots that are remembered. One is added by each clock jump, so a device whose clock jumps
/// more often than this forgets the oldest.
const RUNS_MAX: usize = 64;

/// The schedule of periodic reports, from one moment on.
#[derive(Clone, Debug)]
pub(crate) enum Schedule {
    Off,
    FromNowOn { interval: Duration, due: Uptime },
    OnTheDot(Dots),
}

/// *On the Dot*: slots are instants, so that a repeated hour of a daylight saving change is not taken for its first pass.
#[derive(Clone, Debug)]
pub(crate) struct Dots {
    every: chrono::Duration,
    zone: Tz,
    next: RtcTime,
    last_reading: RtcTime,
    /// First and last slot of each run of reported slots.
    reported: Vec<(RtcTime, RtcTime)>,
}

impl Schedule {
    /// A schedule that starts now. `before` is the one it replaces: an unchanged On the Dot remembers its slots.
    pub fn start(scheme: ReportRegularly, zone: Tz, now: Uptime, rtc: RtcTime, before: Option<Schedule>) -> Self {
        match scheme {
            ReportRegularly::Off => Schedule::Off,
            ReportRegularly::FromNowOn { interval_s } => {
                let interval = Duration::from_secs(u64::from(u32::from(interval_s)));
                Schedule::FromNowOn { interval, due: now + interval }
            }
            ReportRegularly::OnTheDot { interval_min } => {
                let every = chrono::Duration::minutes(i64::from(u32::from(interval_min)));
                let reported = match before {
                    Some(Schedule::OnTheDot(dots)) if dots.every == every && dots.zone == zone => dots.reported,
                    _ => Vec::new(),
                };
                let next = next_dot(rtc, every, zone);
                Schedule::OnTheDot(Dots { every, zone, next, last_reading: rtc, reported })
            }
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
            Schedule::OnTheDot(dots) => {
                // The two clocks need not run at one rate: waking a little early means asking once more, and a clock that
                // stands still just before a dot must not keep the device from sleeping.
                let wait = u64::try_from(dots.next.0.saturating_sub(rtc.0)).unwrap_or(0);
                Some(now + Duration::from_nanos(wait).max(ASK_AGAIN))
            }
        }
    }
}

impl Dots {
    fn is_due(&mut self, rtc: RtcTime) -> bool {
        let went_back = rtc < self.last_reading;
        self.last_reading = rtc;
        if went_back {
            self.next = next_dot(rtc, self.every, self.zone);
            return false;
        }
        if rtc < self.next {
            return false;
        }
        self.next = next_dot(rtc, self.every, self.zone);
        let slot = next_dot(RtcTime(rtc.0.saturating_sub(LATE_MAX_NS)), self.every, self.zone);
        slot <= rtc && self.note(slot)
    }

    /// Remembers a slot as reported; false if it already was.
    fn note(&mut self, slot: RtcTime) -> bool {
        if self.reported.iter().any(|(first, last)| (*first..=*last).contains(&slot)) {
            return false;
        }
        match self.reported.last_mut() {
            Some((_, last)) if next_dot(*last, self.every, self.zone) == slot => *last = slot,
            _ => self.reported.push((slot, slot)),
        }
        if self.reported.len() > RUNS_MAX {
            self.reported.remove(0);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::DotMinutes;

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
            let schedule = Schedule::start(scheme, Tz::UTC, Uptime::ZERO, rtc, None);
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
}
