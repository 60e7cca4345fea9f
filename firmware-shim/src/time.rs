//! The two clocks firmware sees. They are separate types because they are separate things: one never jumps, the other may.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Monotonic time since power-on, in nanoseconds, as firmware sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Uptime(pub u64);

impl Uptime {
    /// Power-on.
    pub const ZERO: Uptime = Uptime(0);

    /// `ms` milliseconds after power-on.
    pub const fn from_millis(ms: u64) -> Self {
        Uptime(ms * 1_000_000)
    }

    /// Seconds since power-on, for display and for physics; not for comparing instants.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The time passed since `earlier`, zero if `earlier` is later.
    pub fn since(self, earlier: Uptime) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Uptime {
    type Output = Uptime;

    fn add(self, rhs: Duration) -> Uptime {
        let nanos = u64::try_from(rhs.as_nanos()).unwrap_or(u64::MAX);
        Uptime(self.0.saturating_add(nanos))
    }
}

impl Sub<Duration> for Uptime {
    type Output = Uptime;

    fn sub(self, rhs: Duration) -> Uptime {
        let nanos = u64::try_from(rhs.as_nanos()).unwrap_or(u64::MAX);
        Uptime(self.0.saturating_sub(nanos))
    }
}

impl fmt::Display for Uptime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} s", self.0 / 1_000_000_000, self.0 / 1_000_000 % 1000)
    }
}

/// What the real-time clock chip reads: nanoseconds since 1970-01-01T00:00:00Z. It may drift and jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RtcTime(pub i64);

impl RtcTime {
    /// Whole milliseconds since the Unix epoch, rounded down.
    pub fn unix_millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }
}
