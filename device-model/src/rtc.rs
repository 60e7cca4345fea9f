//! The real-time clock chip: a calendar that runs with the oscillator and can be set.

use firmware_shim::{RtcTime, Uptime};

/// A calendar clock. It runs at the pace of uptime and jumps when it is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rtc {
    at_power_on: RtcTime,
}

impl Rtc {
    /// A clock that reads `start` at power-on.
    pub fn starting_at(start: RtcTime) -> Self {
        Rtc { at_power_on: start }
    }

    /// What the clock reads at an instant.
    pub fn read(&self, now: Uptime) -> RtcTime {
        RtcTime(self.at_power_on.0.saturating_add_unsigned(now.0))
    }

    /// Makes the clock read `time` at `now`, and run on from there.
    pub fn set(&mut self, now: Uptime, time: RtcTime) {
        self.at_power_on = RtcTime(time.0.saturating_sub_unsigned(now.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_runs_from_its_start_and_from_where_it_is_set() {
        let mut rtc = Rtc::starting_at(RtcTime(1_700_000_000_000_000_000));
        let later = Uptime::from_millis(2500);
        assert_eq!(rtc.read(Uptime::ZERO).unix_millis(), 1_700_000_000_000);
        assert_eq!(rtc.read(later).unix_millis(), 1_700_000_002_500);
        rtc.set(later, RtcTime(0));
        assert_eq!(rtc.read(later), RtcTime(0));
        assert_eq!(rtc.read(Uptime::from_millis(3500)).unix_millis(), 1000);
        assert_eq!(rtc.read(Uptime::ZERO).unix_millis(), -2500);
    }
}
