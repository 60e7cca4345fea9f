//! The light of one exposure: a picture of it, and how lamps on the mains make it swing. It does not know which lamps.

use std::f64::consts::TAU;

use crate::radiance::Radiance;

/// How all light of a scene swings with the mains: by the factor `1 + depth·cos(2π·frequency·t + phase)`.
///
/// A scene in which only some lamps flicker has the depth of the whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flicker {
    /// Of the light, so twice the mains': 100 or 120 Hz.
    pub frequency_hz: f64,
    /// Half of the swing from darkest to brightest over their mean, 0 to 1 (IES: flicker percent / 100).
    pub depth: f64,
    /// Of the light at time 0, in radians.
    pub phase_rad: f64,
}

impl Flicker {
    /// The mean of the light, as a factor, over `time_s` seconds around `middle_s`: the integral of a cosine over a window
    /// is the cosine at its middle times `sin(π·f·T) / (π·f·T)`.
    pub fn mean(&self, middle_s: f64, time_s: f64) -> f64 {
        let half_angle = TAU * self.frequency_hz * time_s / 2.0;
        let part = if half_angle == 0.0 { 1.0 } else { half_angle.sin() / half_angle };
        1.0 + self.depth * part * (TAU * self.frequency_hz * middle_s + self.phase_rad).cos()
    }
}

/// What an exposure is taken of. A [`Radiance`] alone is steady light.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Light<'r> {
    /// The light's mean over time, with the field of [`Profile::pinhole`](crate::Profile::pinhole).
    pub radiance: &'r Radiance,
    /// How it swings around that mean.
    pub flicker: Option<Flicker>,
    /// The time of [`Flicker`] at the middle of the middle row's exposure, in seconds.
    pub middle_s: f64,
}

impl<'r> From<&'r Radiance> for Light<'r> {
    fn from(radiance: &'r Radiance) -> Self {
        Light { radiance, flicker: None, middle_s: 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_over_a_window_is_that_of_many_instants() {
        let flicker = Flicker { frequency_hz: 100.0, depth: 0.4, phase_rad: 0.3 };
        for (middle_s, time_s) in [(0.0, 0.001), (0.0021, 0.004), (7.3, 0.013), (1.0, 0.033)] {
            let instants = 10_000;
            let sum: f64 = (0..instants)
                .map(|i| middle_s + ((f64::from(i) + 0.5) / f64::from(instants) - 0.5) * time_s)
                .map(|t| 1.0 + 0.4 * (TAU * 100.0 * t + 0.3).cos())
                .sum();
            let expected = sum / f64::from(instants);
            assert!((flicker.mean(middle_s, time_s) - expected).abs() < 1e-6, "{time_s} s around {middle_s} s");
        }
        assert!((flicker.mean(0.123, 0.02) - 1.0).abs() < 1e-12, "whole periods");
        assert!((flicker.mean(0.01, 0.0) - 1.0 - 0.4 * 0.3f64.cos()).abs() < 1e-12, "an instant");
    }
}
