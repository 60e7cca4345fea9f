//! Automatic exposure: the brightness of what was taken decides how long and with how much gain the next are taken.
//!
//! What is measured on frame *n* acts on frame *n + 2*. To stay stable under that delay the control corrects the exposure
//! frame *n* had, rather than the one last asked for. A correction takes a part of the error away
//! ([`ExposureControl::speed`](crate::ExposureControl)) and two more follow it blindly, so a step of light by ten either way
//! is settled within 10 frames.
//!
//! It does not know how brightness is metered.

use firmware_shim::CameraSettings;

use crate::decisions::Decisions;
use crate::profile::{ExposureControl, Profile};

/// How one frame is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exposure {
    /// Integration time in seconds.
    pub time_s: f64,
    /// Analogue gain, 1 or more.
    pub gain: f64,
}

/// The exposure control loop.
#[derive(Clone, Debug)]
pub struct AutoExposure {
    control: ExposureControl,
    wide_ratio: f64,
    settings: CameraSettings,
    decided: Decisions<Exposure>,
}

/// The largest change in one decision: black and white-out frames say that exposure is wrong, not how much.
const RATIO_MAX: f64 = 8.0;

impl AutoExposure {
    /// A loop at its start values.
    pub fn new(profile: &Profile) -> Self {
        AutoExposure {
            control: profile.exposure.clone(),
            wide_ratio: profile.wide_dynamic_range.exposure_ratio,
            settings: CameraSettings::default(),
            decided: Decisions::new(),
        }
    }

    /// From now on, exposures are decided for these settings.
    pub fn configure(&mut self, settings: CameraSettings) {
        self.settings = settings;
    }

    /// How frame `seq` is taken: known once frame `seq - 2` was measured. The last 64 decisions are kept.
    pub fn settings(&self, seq: u64) -> Exposure {
        let start = || self.split(self.control.start_time_ms * 1e-3 * self.control.start_gain);
        self.decided.at(seq).unwrap_or_else(start)
    }

    /// Takes in the metered signal of frame `seq`, as a fraction of white. Decides frame `seq + 2`.
    pub fn measure(&mut self, seq: u64, signal: f64) {
        let ratio = (self.control.target() / signal.max(1e-6)).clamp(RATIO_MAX.powi(-2), RATIO_MAX.powi(2));
        let next = if ratio.ln().abs() <= self.control.dead_band {
            // Not this frame's own exposure: then frames of odd and even number could settle apart and flicker.
            self.settings(seq + 1)
        } else {
            let had = self.settings(seq);
            let step = ratio.powf(self.control.speed).clamp(1.0 / RATIO_MAX, RATIO_MAX);
            Exposure { time_s: had.time_s, gain: had.gain * step }
        };
        // Split anew either way: the settings may have changed since.
        self.decided.after(seq, self.split(next.time_s * next.gain));
    }

    /// Splits a product of time in seconds and gain within the device's limits. Time comes before gain, since gain amplifies
    /// noise as well; but a time that holds at least one period of lamps on the mains is a whole number of them.
    pub fn split(&self, product_s: f64) -> Exposure {
        let (shortest_s, frame_s) = (self.control.time_min_ms * 1e-3, self.control.time_max_ms * 1e-3);
        // Both exposures of a wide dynamic range have to find room.
        let longest_s = match self.settings.wide_dynamic_range {
            true => (frame_s / (1.0 + 1.0 / self.wide_ratio)).max(shortest_s),
            false => frame_s,
        };
        // A product that was split before is split alike, whatever its last digits.
        let period_s = self.settings.power_line_frequency.light_period_s();
        let periods = (product_s.min(longest_s) / period_s + 1e-9).floor();
        let time_s = if periods >= 1.0 && periods * period_s >= shortest_s {
            periods * period_s
        } else {
            product_s.min(longest_s).max(shortest_s)
        };
        Exposure { time_s, gain: (product_s / time_s).min(self.control.gain_max).max(1.0) }
    }
}
