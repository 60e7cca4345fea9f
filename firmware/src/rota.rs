//! The hours and intervals of a function: when it works, and when an interval ends that a periodic report is of.
//!
//! Knows nothing of what is counted or reported.

use firmware_shim::{RtcTime, Uptime};

use crate::calendar::Zone;
use crate::configuration::{ReportRegularly, TimeSchedule};
use crate::schedule::{ReportedSlots, Schedule, WorkingHours};

/// What a function has to do at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duty {
    /// Nothing: it is out of its hours.
    Off,
    /// Its hours end at this instant: to tell what has come to an end, and to forget everybody.
    Closing,
    /// Its hours begin at this instant.
    Opening,
    /// To go on.
    On,
}

/// A clock that is set back by less than this is corrected, and not set to another time: hours that have begun, or ended, do not do so once more when
/// a time server takes back some milliseconds. A decision.
const CORRECTION_MAX_NS: i64 = 60_000_000_000;

/// The rota of one function.
#[derive(Clone, Debug)]
pub(crate) struct Rota {
    enabled: bool,
    hours: WorkingHours,
    schedule: Schedule,
    is_on: bool,
    /// The clock by which hours are judged: it does not go back by a correction.
    furthest: RtcTime,
    /// What the clock read when the interval under way began, or the hours within it.
    interval_start: RtcTime,
    /// Whether the interval under way goes on over the time out of hours: it ended with them where a report had ended already.
    spans_closing: bool,
    /// Whether the interval under way began under other settings.
    goes_on: bool,
    /// Slots of the calendar that were reported before the schedule was one without any.
    reported_before: ReportedSlots,
}

impl Rota {
    /// Starts with settings saved now. `before` is the rota they replace. A function that has just been enabled, or disabled, opens at the next
    /// turn, or has nothing to do any more.
    pub fn start(
        enabled: bool,
        regularly: ReportRegularly,
        hours: &TimeSchedule,
        zone: Zone,
        now: Uptime,
        rtc: RtcTime,
        before: Option<Rota>,
    ) -> Self {
        let hours = WorkingHours::new(hours, zone);
        let goes_on = before.as_ref().is_some_and(|before| before.schedule.runs_on(regularly, zone));
        let interval_start = before.as_ref().filter(|_| goes_on).map_or(rtc, |before| before.interval_start);
        let furthest = before.as_ref().map_or(rtc, |before| before.furthest);
        let spans_closing = before.as_ref().is_some_and(|before| before.spans_closing);
        let reported_before = before.as_ref().map(|before| before.reported().to_vec()).unwrap_or_default();
        let (is_on, schedule) =
            before.map_or((hours.include(rtc), None), |before| (before.is_on, Some(before.schedule)));
        let mut schedule = Schedule::start(regularly, zone, now, rtc, schedule);
        if !goes_on {
            // Slots are instants, and stay reported whatever is set. What lay between them on another grid is not known to be.
            schedule.remember(reported_before.iter().map(|(_, last)| (*last, *last)).collect());
        }
        Rota {
            enabled,
            hours,
            schedule,
            is_on: is_on && enabled,
            furthest,
            interval_start,
            spans_closing: goes_on && enabled && spans_closing,
            goes_on,
            reported_before,
        }
    }

    /// Whether the interval under way began before the present settings were saved.
    pub fn interval_goes_on(&self) -> bool {
        self.goes_on
    }

    /// The slots of the calendar that were reported.
    pub fn reported(&self) -> &[(RtcTime, RtcTime)] {
        if self.schedule.is_on_the_dot() { self.schedule.reported() } else { &self.reported_before }
    }

    /// These were reported before the device was switched on.
    pub fn remember(&mut self, reported: ReportedSlots) {
        self.schedule.remember(reported.clone());
        self.reported_before = reported;
    }

    /// Moves on to a reading of the clock. Ask once per step.
    pub fn turn(&mut self, rtc: RtcTime) -> Duty {
        if !(0..CORRECTION_MAX_NS).contains(&self.furthest.0.saturating_sub(rtc.0)) {
            self.furthest = rtc;
        }
        let was_on = std::mem::replace(&mut self.is_on, self.enabled && self.hours.include(self.furthest));
        match (was_on, self.is_on) {
            (false, false) => Duty::Off,
            (true, false) => Duty::Closing,
            (false, true) => {
                if !self.spans_closing {
                    self.interval_start = rtc;
                }
                Duty::Opening
            }
            (true, true) => Duty::On,
        }
    }

    /// Whether the function works.
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// What the clock read at both ends of an interval that ends at this instant and is to be reported. Ask once per step, after
    /// [`turn`](Self::turn), whose answer `duty` is.
    ///
    /// Where hours end within an interval it ends with them and is reported, shorter than others, so that nothing that was counted is
    /// lost; where they begin within one, it begins with them. When they end once more, for the clock was put back, and that end was
    /// reported, the interval goes on to the next that is. (Decisions.)
    pub fn interval_ended(&mut self, duty: Duty, now: Uptime, rtc: RtcTime) -> Option<(RtcTime, RtcTime)> {
        let is_due = self.schedule.is_due(now, rtc);
        let is_told = match duty {
            Duty::Off | Duty::Opening => false,
            Duty::On => is_due,
            // Settings saved at this instant may have ended hours that had just begun an interval.
            Duty::Closing => is_due || rtc != self.interval_start && self.schedule.ends_early(rtc),
        };
        let start = self.interval_start;
        if is_told || is_due && !self.spans_closing {
            self.interval_start = rtc;
        }
        match duty {
            Duty::Closing => self.spans_closing = self.schedule.is_on_the_dot() && !is_told && start != rtc,
            Duty::On => self.spans_closing &= !is_told,
            Duty::Off | Duty::Opening => {}
        }
        is_told.then_some((start, rtc))
    }

    /// When to turn again at the latest.
    pub fn next_wake(&self, now: Uptime, rtc: RtcTime) -> Option<Uptime> {
        if !self.enabled {
            return None;
        }
        self.schedule.next_wake(now, rtc).into_iter().chain(self.hours.next_wake(now, rtc)).min()
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;

    /// 2026-03-04T06:00:00Z, a Wednesday, and so many milliseconds.
    fn clock(ms: i64) -> RtcTime {
        RtcTime((1_772_604_000_000 + ms) * 1_000_000)
    }

    fn duties(readings_ms: &[i64]) -> Vec<Duty> {
        let text = r#"(wednesday: ["06:00-07:00"])"#;
        let hours: TimeSchedule = ron_file::RonFile::embedded("hours", text).parse().expect("hours");
        let (zone, first) = (Tz::UTC.into(), clock(readings_ms[0]));
        let mut rota = Rota::start(true, ReportRegularly::Off, &hours, zone, Uptime::ZERO, first, None);
        readings_ms.iter().map(|ms| rota.turn(clock(*ms))).collect()
    }

    #[test]
    fn hours_begin_and_end_once_when_the_clock_is_corrected() {
        use Duty::{Closing, Off, On, Opening};
        assert_eq!(duties(&[-1000, 0, -72, -1, 0, 1]), [Off, Opening, On, On, On, On]);
        let end = 3_600_000;
        assert_eq!(duties(&[end - 1000, end, end - 72, end, end + 1]), [On, Closing, Off, Off, Off]);
    }

    #[test]
    fn a_clock_that_is_set_to_another_time_is_followed() {
        use Duty::{Closing, Off, On, Opening};
        assert_eq!(duties(&[-1000, 0, -60_000, -1, 0]), [Off, Opening, Closing, Off, Opening]);
        assert_eq!(duties(&[0, 600_000, 500_000, -1000]), [On, On, On, Closing]);
    }
}
