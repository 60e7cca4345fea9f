//! Wide dynamic range: a long and a short exposure made one linear picture, and its contrast made to fit the screen's.
//!
//! Tone mapping is local: a region darker or brighter than the target is moved towards it by part of the difference, while
//! the contrast within it all but stays. What that costs is noise: a dark region is brightened together with its own.

use crate::isp::luminance;
use crate::profile::{Profile, WideDynamicRange};
use crate::regions::{Census, LEAST};

/// The linear signal of one sample from its long and short exposure, in steps of the converter above black. `ratio` is that
/// of the exposures, `white` the largest signal. Where the long one comes near white the short one takes over.
#[inline]
pub(crate) fn merge(long: f32, short: f32, ratio: f32, white: f32) -> f32 {
    let short_part = ((long - 0.8 * white) * (1.0 / 0.15 / white)).clamp(0.0, 1.0);
    long + (short * ratio - long) * short_part
}

/// Signals above this part of white are bent so that none is lost in white.
const SHOULDER: f32 = 0.8;

/// How the contrast between regions is reduced.
pub(crate) struct ToneMapping {
    width: usize,
    height: usize,
    target: f32,
    control: WideDynamicRange,
}

impl ToneMapping {
    pub fn new(profile: &Profile) -> Self {
        ToneMapping {
            width: profile.image.width as usize,
            height: profile.image.height as usize,
            target: profile.exposure.target() as f32,
            control: profile.wide_dynamic_range.clone(),
        }
    }

    /// Maps linear signals R G B, which go far beyond `white`, to below it.
    pub fn map(&self, signals: &mut [f32], white: f32) {
        // Brightness as a logarithm over the target; less than the least is noise.
        let scale = 1.0 / (white * self.target);
        let brightness = |pixel: &[f32; 3]| (luminance(pixel) * scale + LEAST).ln();
        let mut census = Census::new(self.width, self.height);
        let pixels = signals.as_chunks_mut::<3>().0;
        for y in (0..self.height).step_by(2) {
            for x in (0..self.width).step_by(2) {
                census.count(x, y, brightness(&pixels[y * self.width + x]));
            }
        }
        let regions = census.regions();
        let (compression, lift_max) = (self.control.compression as f32, self.control.lift_max as f32);
        for (y, row) in pixels.chunks_exact_mut(self.width).enumerate() {
            let regions = regions.row(y);
            for (x, pixel) in row.iter_mut().enumerate() {
                let gain = (-compression * regions.brightness(x, brightness(pixel))).exp().min(lift_max);
                for signal in pixel {
                    *signal = white * shoulder(*signal * (gain / white));
                }
            }
        }
    }
}

/// Nearly white approaches white and never reaches it.
fn shoulder(signal: f32) -> f32 {
    if signal <= SHOULDER {
        return signal;
    }
    let beyond = (signal - SHOULDER) / (1.0 - SHOULDER);
    SHOULDER + (1.0 - SHOULDER) * beyond / (1.0 + beyond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_exposures_are_linear_from_black_to_far_beyond_white() {
        let white = 4000.0f32;
        for light in [0.0f32, 100.0, 3000.0, 3300.0, 3700.0, 4000.0, 20_000.0, 64_000.0] {
            let merged = merge(light.min(white), (light / 16.0).min(white), 16.0, white);
            assert!((merged - light).abs() < 1e-2, "{light} became {merged}");
        }
        assert_eq!(merge(white, white, 16.0, white), 64_000.0);
    }

    #[test]
    fn a_region_comes_nearer_to_the_target_and_all_but_keeps_its_contrast() {
        let profile = Profile::library("vs121-p-standard").unwrap();
        let mapping = ToneMapping::new(&profile);
        let target = mapping.target;
        // A chequer of ±20 % in one brightness.
        let mapped = |brightness: f32| {
            let level = |i: usize| target * brightness * [0.8, 1.2][(i % 320 / 2 + i / 640) % 2];
            let mut signals: Vec<f32> = (0..320 * 240).flat_map(|i| [level(i); 3]).collect();
            mapping.map(&mut signals, 1.0);
            (signals[0] / target, signals[6] / target)
        };
        for (brightness, expected) in [(1.0f32, 1.0), (0.1, 0.1f32.powf(0.3)), (30.0, 30.0f32.powf(0.3)), (0.01, 0.08)]
        {
            let (dark, bright) = mapped(brightness);
            assert!((1.4..1.51).contains(&(bright / dark)), "{brightness}: contrast {}", bright / dark);
            let ratio = (dark * bright).sqrt() / (0.96f32.sqrt() * expected);
            assert!((ratio - 1.0).abs() < 0.08, "{brightness}: {ratio} of {expected}");
        }
    }
}
