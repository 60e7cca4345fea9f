//! The real-time clock chip: a calendar that runs with the oscillator and can be set.

use firmware_shim::{RtcTime, Uptime};

/// A calendar clock. It runs at the pace of its crystal and jumps when it is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rtc {
    /// When it was set last, and to what.
    set_at: Uptime,
    set_to: RtcTime,
    /// How much its crystal is fast, parts per billion.
    drift_ppb: i64,
}

impl Rtc {
    /// A clock that reads `start` at the beginning, and gains `drift_ppm` microseconds a second.
    pub fn starting_at(start: RtcTime, drift_ppm: f64) -> Self {
        Rtc { set_at: Uptime::ZERO, set_to: start, drift_ppb: (drift_ppm * 1000.0).round() as i64 }
    }

    /// What the clock reads at an instant.
    pub fn read(&self, now: Uptime) -> RtcTime {
        let passed = i128::from(now.0) - i128::from(self.set_at.0);
        let shown = i128::from(self.set_to.0) + passed + passed * i128::from(self.drift_ppb) / 1_000_000_000;
        RtcTime(i64::try_from(shown).unwrap_or(if shown < 0 { i64::MIN } else { i64::MAX }))
    }

    /// Makes the clock read `time` at `now`, and run on from there.
    pub fn set(&mut self, now: Uptime, time: RtcTime) {
        (self.set_at, self.set_to) = (now, time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_runs_from_its_start_and_from_where_it_is_set() {
        let mut rtc = Rtc::starting_at(RtcTime(1_700_000_000_000_000_000), 0.0);
        let later = Uptime::from_millis(2500);
        assert_eq!(rtc.read(Uptime::ZERO).unix_millis(), 1_700_000_000_000);
        assert_eq!(rtc.read(later).unix_millis(), 1_700_000_002_500);
        rtc.set(later, RtcTime(0));
        assert_eq!(rtc.read(later), RtcTime(0));
        assert_eq!(rtc.read(Uptime::from_millis(3500)).unix_millis(), 1000);
        assert_eq!(rtc.read(Uptime::ZERO).unix_millis(), -2500);
    }

    #[test]
    fn a_fast_crystal_gains() {
        let day = Uptime::from_millis(86_400_000);
        let gained_ms = |ppm: f64| Rtc::starting_at(RtcTime(0), ppm).read(day).unix_millis() - 86_400_000;
        assert_eq!([20.0, -20.0, 0.0].map(gained_ms), [1728, -1728, 0]);
    }
}
