//! The image signal processor: from conversion results to an 8-bit picture, and the statistics exposure is controlled by.

use firmware_shim::RgbImage;

use crate::profile::Profile;
use crate::sensor::{RawImage, falloff};

/// A developed picture and what the processor measured on the way.
#[derive(Clone, Debug, PartialEq)]
pub struct Developed {
    /// The picture, sRGB-encoded.
    pub image: RgbImage,
    /// Mean linear luminance signal as a fraction of white, clipped values included as they are.
    pub mean_signal: f64,
}

/// Black level, lens shading, encoding.
///
/// White balance is perfect by construction: the channels of [`Radiance`](crate::Radiance) are taken to be what the colour
/// filters pass. There is no sharpening and no noise reduction.
pub struct Isp {
    black_level: f32,
    /// Per pixel, what the lens's fall-off took.
    shading_gain: Vec<f32>,
    /// 8-bit sRGB by linear signal, black to white in steps of the converter.
    encode: Vec<u8>,
}

/// Rec. 709.
const LUMINANCE_WEIGHTS: [f64; 3] = [0.2126, 0.7152, 0.0722];

impl Isp {
    /// The processor that matches a device's sensor and lens.
    pub fn new(profile: &Profile) -> Self {
        let white = profile.sensor.dn_max() - profile.sensor.black_level_dn;
        Isp {
            black_level: f32::from(profile.sensor.black_level_dn),
            shading_gain: falloff(profile).iter().map(|passed| 1.0 / passed).collect(),
            encode: (0..=white).map(|signal| encode_srgb(f64::from(signal) / f64::from(white))).collect(),
        }
    }

    /// Develops what the sensor read out.
    pub fn develop(&self, raw: &RawImage) -> Developed {
        let white = (self.encode.len() - 1) as f32;
        let mut pixels = vec![0; raw.dn.len() * 3];
        let mut sums = [0u64; 3];
        for ((dn, gain), pixel) in raw.dn.iter().zip(&self.shading_gain).zip(pixels.chunks_exact_mut(3)) {
            for channel in 0..3 {
                let signal = (f32::from(dn[channel]) - self.black_level) * gain + 0.5;
                let signal = signal.clamp(0.0, white) as usize;
                sums[channel] += signal as u64;
                pixel[channel] = self.encode[signal];
            }
        }
        let total: f64 = sums.iter().zip(LUMINANCE_WEIGHTS).map(|(sum, weight)| *sum as f64 * weight).sum();
        Developed {
            image: RgbImage { width: raw.width, height: raw.height, pixels: pixels.into() },
            mean_signal: total / f64::from(white) / raw.dn.len().max(1) as f64,
        }
    }
}

/// The sRGB transfer function (IEC 61966-2-1) of a linear signal in [0, 1], as an 8-bit level.
fn encode_srgb(linear: f64) -> u8 {
    let encoded = if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 };
    (encoded * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_srgb() {
        // Middle grey, the ends, and the linear foot.
        assert_eq!([0.0, 0.002, 0.18, 0.5, 1.0].map(encode_srgb), [0, 7, 118, 188, 255]);
    }

    #[test]
    fn the_black_level_is_black_and_the_converters_end_is_white() {
        let mut profile = Profile::library("vs121-p-standard").unwrap();
        (profile.image.width, profile.image.height, profile.optics.falloff_exponent) = (16, 16, 0.0);
        let isp = Isp::new(&profile);
        let developed = |dn| {
            let Developed { image, mean_signal } =
                isp.develop(&RawImage { width: 16, height: 16, dn: vec![[dn; 3]; 256] });
            assert!(image.pixels.iter().all(|&level| level == image.pixels[0]));
            (image.pixels[0], (mean_signal * 1e4).round() / 1e4)
        };
        assert_eq!(developed(168), (0, 0.0));
        assert_eq!(developed(0), (0, 0.0));
        assert_eq!(developed(4095), (255, 1.0));
        assert_eq!(developed(168 + 707), (118, 0.18));
    }
}
