//! Automatic exposure: the brightness of what was taken decides how long and with how much gain the next are taken.
//!
//! A frame is still being read out when the next one starts, so what is measured on frame *n* acts on frame *n + 2* at the
//! earliest, and frame *n + 1* can be rendered while *n* is analysed. To stay stable under that delay the control corrects
//! the exposure frame *n* had, rather than the one last asked for.

use std::collections::BTreeMap;

use crate::profile::ExposureControl;

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
    /// Target of the mean linear signal as a fraction of white.
    target: f64,
    /// What was decided, by the first frame it applies to.
    decided: BTreeMap<u64, Exposure>,
}

/// How many decisions are kept, so that a recent frame can be taken again.
const REMEMBERED: usize = 64;

/// The largest change in one decision: black and white-out frames say that exposure is wrong, not how much.
const RATIO_MAX: f64 = 8.0;

impl AutoExposure {
    /// A loop at its start values.
    pub fn new(control: &ExposureControl) -> Self {
        let target = srgb_to_linear(f64::from(control.target_level) / 255.0);
        AutoExposure { control: control.clone(), target, decided: BTreeMap::new() }
    }

    /// How frame `seq` is taken: known once frame `seq - 2` was measured. The last 64 decisions are kept.
    pub fn settings(&self, seq: u64) -> Exposure {
        let latest = self.decided.range(..=seq).next_back();
        latest.map_or_else(|| self.split(self.control.start_time_ms * 1e-3 * self.control.start_gain), |(_, e)| *e)
    }

    /// Takes in the mean linear signal of frame `seq`, as a fraction of white. Decides frame `seq + 2`.
    pub fn measure(&mut self, seq: u64, mean_signal: f64) {
        let ratio = (self.target / mean_signal.max(1e-6)).clamp(RATIO_MAX.powi(-2), RATIO_MAX.powi(2));
        let next = if ratio.ln().abs() <= self.control.dead_band {
            // Not this frame's own exposure: then frames of odd and even number could settle apart and flicker.
            self.settings(seq + 1)
        } else {
            let had = self.settings(seq);
            let step = ratio.powf(self.control.speed).clamp(1.0 / RATIO_MAX, RATIO_MAX);
            self.split(had.time_s * had.gain * step)
        };
        self.decided.insert(seq + 2, next);
        while self.decided.len() > REMEMBERED {
            self.decided.pop_first();
        }
    }

    /// Time before gain: gain amplifies noise as well.
    fn split(&self, product_s: f64) -> Exposure {
        let (shortest, longest) = (self.control.time_min_ms * 1e-3, self.control.time_max_ms * 1e-3);
        let time_s = product_s.min(longest).max(shortest);
        Exposure { time_s, gain: (product_s / time_s).min(self.control.gain_max).max(1.0) }
    }
}

/// The inverse of the sRGB transfer function (IEC 61966-2-1), both in [0, 1].
fn srgb_to_linear(encoded: f64) -> f64 {
    if encoded <= 0.04045 { encoded / 12.92 } else { ((encoded + 0.055) / 1.055).powf(2.4) }
}
