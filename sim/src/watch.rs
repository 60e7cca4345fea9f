//! The wall clock, for figures only: nothing that is simulated ever sees it.

// The one place outside the wire that looks at real time; it measures, and decides nothing.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Utc};
use scenarios::Work;

/// A stopwatch.
pub struct Watch(Instant);

impl Watch {
    /// Starts now.
    pub fn start() -> Self {
        Watch(Instant::now())
    }

    /// Seconds since the start.
    pub fn elapsed_s(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

/// The day it is, in UTC, such as `2026-03-02`.
pub fn today() -> String {
    DateTime::<Utc>::from(SystemTime::now()).format("%Y-%m-%d").to_string()
}

/// How long each kind of work took, frame by frame.
pub struct WorkTimes {
    doing: Work,
    since: Instant,
    /// Of the frame that is being worked on.
    frame: BTreeMap<Work, Duration>,
    /// Of the frames before.
    frames: Vec<BTreeMap<Work, Duration>>,
}

impl WorkTimes {
    /// Starts now, with [`Work::Rest`].
    pub fn start() -> Self {
        WorkTimes { doing: Work::Rest, since: Instant::now(), frame: BTreeMap::new(), frames: Vec::new() }
    }

    /// A piece of work begins, and the one before ends. A frame begins with its light, or without one with its inference.
    pub fn enter(&mut self, work: Work, begins_frame: bool) {
        let now = Instant::now();
        *self.frame.entry(self.doing).or_default() += now - self.since;
        self.since = now;
        self.doing = work;
        if begins_frame {
            self.frames.push(std::mem::take(&mut self.frame));
        }
    }

    /// Milliseconds of `work` in each frame but the first `warm_up`; ascending.
    pub fn sorted_ms(&self, work: Option<Work>, warm_up: usize) -> Vec<f64> {
        let ms = |frame: &BTreeMap<Work, Duration>| match work {
            Some(work) => frame.get(&work).copied().unwrap_or_default().as_secs_f64() * 1e3,
            None => frame.values().sum::<Duration>().as_secs_f64() * 1e3,
        };
        let mut all: Vec<f64> = self.frames.iter().skip(warm_up).map(ms).collect();
        all.sort_by(f64::total_cmp);
        all
    }
}

/// The most memory the process ever had resident, bytes; `None` where the system does not tell as Linux does.
pub fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
