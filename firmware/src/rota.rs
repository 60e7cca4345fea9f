//! The hours and intervals of a function: when it works, and when an interval ends that a periodic report is of.
//!
//! Knows nothing of what is counted or reported.

use chrono_tz::Tz;
use firmware_shim::{RtcTime, Uptime};

use crate::configuration::{ReportRegularly, TimeSchedule};
use crate::schedule::{Schedule, WorkingHours};

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

/// The rota of one function.
#[derive(Clone, Debug)]
pub(crate) struct Rota {
    hours: WorkingHours,
    schedule: Schedule,
    is_on: bool,
    /// What the clock read when the interval under way began, or the hours within it.
    interval_start: RtcTime,
}

impl Rota {
    /// Starts with settings saved now: intervals begin anew. `before` is the rota they replace.
    pub fn start(
        regularly: ReportRegularly,
        hours: &TimeSchedule,
        zone: Tz,
        now: Uptime,
        rtc: RtcTime,
        before: Option<Rota>,
    ) -> Self {
        let hours = WorkingHours::new(hours, zone);
        let (is_on, schedule) =
            before.map_or((hours.include(rtc), None), |before| (before.is_on, Some(before.schedule)));
        let schedule = Schedule::start(regularly, zone, now, rtc, schedule);
        Rota { hours, schedule, is_on, interval_start: rtc }
    }

    /// Moves on to a reading of the clock. Ask once per step.
    pub fn turn(&mut self, rtc: RtcTime) -> Duty {
        let was_on = std::mem::replace(&mut self.is_on, self.hours.include(rtc));
        match (was_on, self.is_on) {
            (false, false) => Duty::Off,
            (true, false) => Duty::Closing,
            (false, true) => {
                self.interval_start = rtc;
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
    /// An interval that ends as the hours do is reported: it lies within them. One that they cut short is not: what it counted is in
    /// the cumulative values. When they begin within an interval its report is of what is left. (Decisions.)
    pub fn interval_ended(&mut self, duty: Duty, now: Uptime, rtc: RtcTime) -> Option<(RtcTime, RtcTime)> {
        if !self.schedule.is_due(now, rtc) {
            return None;
        }
        let start = std::mem::replace(&mut self.interval_start, rtc);
        matches!(duty, Duty::On | Duty::Closing).then_some((start, rtc))
    }

    /// When to turn again at the latest.
    pub fn next_wake(&self, now: Uptime, rtc: RtcTime) -> Option<Uptime> {
        self.schedule.next_wake(now, rtc).into_iter().chain(self.hours.next_wake(now, rtc)).min()
    }
}
