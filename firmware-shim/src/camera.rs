//! What a user sets of the picture while the device runs: guide §5.3, *Image*.

use serde::{Deserialize, Serialize};

/// The image settings of guide §5.3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CameraSettings {
    /// Of the mains that feed the lamps.
    pub power_line_frequency: PowerLineFrequency,
    /// Whether each frame is merged from a long and a short exposure.
    pub wide_dynamic_range: bool,
}

/// The frequency of the mains. The guide gives no default; 50 Hz is ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PowerLineFrequency {
    /// Most of the world.
    #[default]
    Hz50,
    /// The Americas, Taiwan, Korea, half of Japan.
    Hz60,
}

impl PowerLineFrequency {
    /// The period in which lamps on these mains swing: half of the mains' own, in seconds.
    pub fn light_period_s(self) -> f64 {
        match self {
            PowerLineFrequency::Hz50 => 1.0 / 100.0,
            PowerLineFrequency::Hz60 => 1.0 / 120.0,
        }
    }
}
