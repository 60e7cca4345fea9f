//! The image signal processor: from conversion results to an 8-bit picture, and the statistics that exposure and white
//! balance are controlled by.

use firmware_shim::RgbImage;

use crate::metering::{Histogram, Meter};
use crate::profile::{Processing, Profile};
use crate::sensor::{RawImage, falloff, rays, round};
use crate::sharpening::sharpen;
use crate::tone_mapping::{ToneMapping, merge};
use crate::white_balance::{Gains, Grey};

/// A developed picture and what the processor measured on the way.
#[derive(Clone, Debug, PartialEq)]
pub struct Developed {
    /// The picture, sRGB-encoded.
    pub image: RgbImage,
    /// Linear luminance signal as a fraction of white, as exposure meters it: that of a flat picture that would need the same
    /// correction. The target over it is that correction; clipped values count as they are.
    pub mean_signal: f64,
    /// Mean linear signals R G B, as fractions of white, of what is nearly grey; none when too little is.
    pub grey: Option<[f64; 3]>,
}

/// Black level, lens shading, white balance, tone mapping when the dynamic range is wide, encoding, sharpening.
///
/// The channels of [`Radiance`](crate::Radiance) are taken to be what the colour filters pass; there is no mosaic to undo,
/// since an image pixel sums photosites of all colours. There is no noise reduction.
pub struct Isp {
    width: usize,
    black_level: f32,
    /// The largest signal in steps of the converter.
    white: f32,
    /// Per pixel, what the lens's fall-off took.
    shading_gain: Vec<f32>,
    /// 8-bit sRGB by linear signal, black to white in steps of the converter.
    encode: Vec<u8>,
    meter: Meter,
    tone_mapping: ToneMapping,
    processing: Processing,
}

/// Every so many pixels and rows one is measured.
const MEASURED_STEP: usize = 2;

impl Isp {
    /// The processor that matches a device's sensor and lens.
    pub fn new(profile: &Profile) -> Self {
        let white = profile.sensor.dn_max() - profile.sensor.black_level_dn;
        Isp {
            width: profile.image.width as usize,
            black_level: f32::from(profile.sensor.black_level_dn),
            white: f32::from(white),
            shading_gain: falloff(profile, &rays(&profile.lens())).iter().map(|passed| 1.0 / passed).collect(),
            encode: (0..=white).map(|signal| encode_srgb(f64::from(signal) / f64::from(white))).collect(),
            meter: Meter::new(profile),
            tone_mapping: ToneMapping::new(profile),
            processing: profile.processing.clone(),
        }
    }

    /// Develops what the sensor read out.
    pub fn develop(&self, raw: &RawImage, balance: Gains) -> Developed {
        let mut statistics = Statistics::new(self);
        let mut pixels = vec![0; 3 * raw.dn.len()];
        let mut signals = vec![0.0; 3 * self.width];
        for (y, (dn, pixels)) in
            raw.dn.chunks_exact(self.width).zip(pixels.chunks_exact_mut(3 * self.width)).enumerate()
        {
            let shading = &self.shading_gain[y * self.width..];
            for ((dn, gain), signal) in dn.iter().zip(shading).zip(signals.as_chunks_mut::<3>().0) {
                for c in 0..3 {
                    let above_black = f32::from(dn[c]) - self.black_level;
                    signal[c] = (above_black * (gain * balance[c])).clamp(0.0, self.white);
                }
            }
            statistics.measure(y, &signals);
            self.encode(&signals, pixels);
        }
        self.finish(raw, pixels, &statistics)
    }

    /// Develops one picture from two exposures, the first `ratio` times as long as the second.
    pub fn develop_wide(&self, long: &RawImage, short: &RawImage, ratio: f64, balance: Gains) -> Developed {
        let mut statistics = Statistics::new(self);
        let mut signals = vec![0.0; 3 * long.dn.len()];
        let exposures = long.dn.iter().zip(&short.dn).zip(&self.shading_gain);
        for (((long, short), gain), signal) in exposures.zip(signals.as_chunks_mut::<3>().0) {
            for c in 0..3 {
                let [long, short] = [long[c], short[c]].map(|dn| f32::from(dn) - self.black_level);
                signal[c] = (merge(long, short, ratio as f32, self.white) * (gain * balance[c])).max(0.0);
            }
        }
        for (y, row) in signals.chunks_exact(3 * self.width).enumerate() {
            statistics.measure(y, row);
        }
        let mut pixels = vec![0; signals.len()];
        self.tone_mapping.map(&mut signals, self.white);
        self.encode(&signals, &mut pixels);
        self.finish(long, pixels, &statistics)
    }

    fn encode(&self, signals: &[f32], pixels: &mut [u8]) {
        for (signal, level) in signals.iter().zip(pixels) {
            *level = self.encode[usize::from(round(*signal))];
        }
    }

    fn finish(&self, raw: &RawImage, mut pixels: Vec<u8>, statistics: &Statistics<'_>) -> Developed {
        sharpen(&mut pixels, self.width, self.processing.sharpening);
        Developed {
            image: RgbImage { width: raw.width, height: raw.height, pixels: pixels.into() },
            mean_signal: self.meter.signal(&statistics.histogram),
            grey: statistics.grey.means(),
        }
    }
}

/// What is measured of a picture, from signals in steps of the converter.
struct Statistics<'i> {
    isp: &'i Isp,
    histogram: Histogram,
    grey: Grey,
}

impl<'i> Statistics<'i> {
    fn new(isp: &'i Isp) -> Self {
        Statistics { isp, histogram: Histogram::new(), grey: Grey::new(&isp.processing.white_balance) }
    }

    fn measure(&mut self, y: usize, signals: &[f32]) {
        if !y.is_multiple_of(MEASURED_STEP) {
            return;
        }
        let Isp { white, encode, meter, .. } = self.isp;
        let to_part = 1.0 / white;
        for (x, signal) in signals.as_chunks::<3>().0.iter().enumerate().step_by(MEASURED_STEP) {
            let luminance = luminance(signal).min(*white);
            let level = encode[usize::from(round(luminance))];
            self.histogram.count(level, meter.weight(x, y), luminance * to_part);
            self.grey.count(signal.map(|signal| signal * to_part));
        }
    }
}

/// Rec. 709 luminance of linear signals.
#[inline]
pub(crate) fn luminance([red, green, blue]: &[f32; 3]) -> f32 {
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/// The sRGB transfer function (IEC 61966-2-1) of a linear signal in [0, 1], as an 8-bit level.
fn encode_srgb(linear: f64) -> u8 {
    let encoded = if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 };
    (encoded * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::white_balance::NEUTRAL;

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
            let raw = RawImage { width: 16, height: 16, dn: vec![[dn; 3]; 256] };
            let Developed { image, mean_signal, .. } = isp.develop(&raw, NEUTRAL);
            assert!(image.pixels.iter().all(|&level| level == image.pixels[0]));
            (image.pixels[0], (mean_signal * 1e4).round() / 1e4)
        };
        assert_eq!(developed(168), (0, 0.0));
        assert_eq!(developed(0), (0, 0.0));
        assert_eq!(developed(4095), (255, 1.0));
        assert_eq!(developed(168 + 707), (118, 0.18));
    }
}
