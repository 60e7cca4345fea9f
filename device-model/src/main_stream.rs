//! The main stream: the same exposure with every pixel of the chip, of which the analysis picture is the reduction.
//!
//! Each pixel has one photosite of each colour, and its noise. (That a colour mosaic has but one of the three, and that
//! neighbours' noise is alike where the others are filled in, is left out.) Then every block is shifted until its mean is
//! exactly what the analysis frame has there: noise and pattern of the two are of one chip.

use firmware_shim::RgbImage;

use crate::camera::Camera;
use crate::exposure::Exposure;
use crate::isp::Isp;
use crate::light::Light;
use crate::profile::Profile;
use crate::radiance::Radiance;
use crate::sensor::{ImageSensor, RawImage};

/// What pictures of the main stream are made with. It is large; make it when the first one is asked for.
pub struct MainStream {
    sensor: ImageSensor,
    isp: Isp,
    block: usize,
    dn_max: u16,
}

impl MainStream {
    /// That of the camera of this profile and seed.
    pub fn new(profile: &Profile, seed: u64) -> Self {
        let mut all_pixels = profile.main_stream();
        all_pixels.sensor.photosites_per_channel = 1;
        MainStream {
            sensor: ImageSensor::new(&all_pixels, seed),
            isp: Isp::new(&all_pixels),
            block: profile.image.main_stream_factor as usize,
            dn_max: profile.sensor.dn_max(),
        }
    }

    /// The picture of which frame `seq` of `camera`, taken with this exposure, these settings and this light, is the
    /// reduction. `detail` is the light's radiance again, with the field of [`Profile::main_stream`]'s pinhole.
    pub fn picture<'r>(
        &self,
        camera: &Camera,
        seq: u64,
        exposure: Exposure,
        light: impl Into<Light<'r>>,
        detail: &Radiance,
    ) -> RgbImage {
        let developed = camera.take_with(&self.isp, seq, exposure, light.into(), |nth, exposure, light| {
            let reduced = camera.sensor().read_out(seq, nth, exposure, light);
            self.read_out(seq, nth, exposure, Light { radiance: detail, ..light }, &reduced)
        });
        developed.image
    }

    fn read_out(&self, seq: u64, nth: u64, exposure: Exposure, detail: Light<'_>, reduced: &RawImage) -> RawImage {
        let mut raw = self.sensor.read_out(seq, nth, exposure, detail);
        let width = raw.width as usize;
        for (index, dn) in reduced.dn.iter().enumerate() {
            let (x, y) = (index % reduced.width as usize, index / reduced.width as usize);
            let first = (y * width + x) * self.block;
            for (channel, mean) in dn.iter().enumerate() {
                self.shift(&mut raw.dn, |i| first + i / self.block * width + i % self.block, channel, *mean);
            }
        }
        raw
    }

    /// Changes all pixels of a block alike until their mean is `mean`, but for what the converter's ends and whole numbers
    /// leave over.
    fn shift(&self, dn: &mut [[u16; 3]], at: impl Fn(usize) -> usize, channel: usize, mean: u16) {
        let count = (self.block * self.block) as i64;
        let sum: i64 = (0..count as usize).map(|i| i64::from(dn[at(i)][channel])).sum();
        let mut missing = i64::from(mean) * count - sum;
        // Ends: the mean lies between the converter's ends, so while something is missing some pixel has room for it.
        while missing != 0 {
            let step = if missing.abs() >= count { missing / count } else { missing.signum() };
            for i in 0..count as usize {
                let pixel = &mut dn[at(i)][channel];
                let shifted = (i64::from(*pixel) + step).clamp(0, i64::from(self.dn_max));
                missing -= shifted - i64::from(*pixel);
                *pixel = shifted as u16;
                if missing == 0 {
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firmware_shim::CameraSettings;

    fn small() -> Profile {
        let mut profile = Profile::library("vs121-p-standard").unwrap();
        (profile.image.width, profile.image.height) = (64, 48);
        profile
    }

    /// Stripes finer than a pixel of the analysis frame, on a ramp from black to far beyond white.
    fn stripes(profile: &Profile) -> Radiance {
        let pinhole = profile.pinhole();
        let level = |i: u32| {
            let (x, y) = (f64::from(i % pinhole.width) / f64::from(pinhole.width), i / pinhole.width);
            let ramp = 600.0 * x.powi(3);
            [(ramp * [0.6, 1.4][(y / 3 % 2) as usize]) as f32; 3]
        };
        Radiance {
            width: pinhole.width,
            height: pinhole.height,
            pixels: (0..pinhole.width * pinhole.height).map(level).collect(),
        }
    }

    #[test]
    fn the_analysis_frame_is_its_exact_reduction() {
        let profile = small();
        let (camera, stream) = (Camera::new(&profile, 7), MainStream::new(&profile, 7));
        let (light, detail) = (stripes(&profile), stripes(&profile.main_stream()));
        for gain in [1.0, 16.0] {
            let exposure = Exposure { time_s: 0.01, gain };
            let reduced = camera.sensor().read_out(5, 0, exposure, &light);
            let raw = stream.read_out(5, 0, exposure, Light::from(&detail), &reduced);
            assert_eq!((raw.width, raw.height), (256, 192));
            let mut sums = vec![[0u32; 3]; reduced.dn.len()];
            for (i, dn) in raw.dn.iter().enumerate() {
                let (x, y) = (i % 256, i / 256);
                (0..3).for_each(|c| sums[y / 4 * 64 + x / 4][c] += u32::from(dn[c]));
            }
            let expected: Vec<[u32; 3]> = reduced.dn.iter().map(|dn| dn.map(|dn| 16 * u32::from(dn))).collect();
            assert!(sums == expected, "gain {gain}");
            assert!(reduced.dn.iter().any(|dn| dn[1] == 4095), "some of it is clipped");
        }
    }

    #[test]
    fn it_shows_what_the_analysis_frame_cannot_and_its_noise_is_a_photosites() {
        let profile = small();
        let (camera, stream) = (Camera::new(&profile, 7), MainStream::new(&profile, 7));
        let exposure = Exposure { time_s: 0.01, gain: 1.0 };
        let picture = stream.picture(&camera, 5, exposure, &stripes(&profile), &stripes(&profile.main_stream()));
        let level = |x: usize, y: usize| f64::from(picture.pixels[(y * 256 + x) * 3 + 1]);
        let column: Vec<f64> = (0..192).map(|y| (100..110).map(|x| level(x, y)).sum::<f64>() / 10.0).collect();
        let swing = column.windows(8).map(|rows| {
            let (least, most) = rows.iter().fold((255.0f64, 0.0f64), |(l, m), level| (l.min(*level), m.max(*level)));
            most - least
        });
        assert!(swing.fold(255.0, f64::min) > 15.0, "{column:.0?}");

        // In flat light behind an even lens neighbours within a block differ by the noise of photosites: four times the variance.
        let mut profile = small();
        profile.optics.falloff_exponent = 0.0;
        let (camera, stream) = (Camera::new(&profile, 7), MainStream::new(&profile, 7));
        let flat = |profile: &Profile| {
            let pinhole = profile.pinhole();
            Radiance::uniform(pinhole.width, pinhole.height, 20.0)
        };
        let reduced = camera.sensor().read_out(5, 0, exposure, &flat(&profile));
        let raw = stream.read_out(5, 0, exposure, Light::from(&flat(&profile.main_stream())), &reduced);
        let variance = |raw: &RawImage, apart: usize| {
            let middle = raw.height as usize / 2 * raw.width as usize;
            let pairs = raw.dn[middle..].as_flattened().chunks_exact(6 * apart);
            let squares = pairs.clone().map(|pair| (f64::from(pair[0]) - f64::from(pair[3 * apart])).powi(2) / 2.0);
            squares.sum::<f64>() / pairs.len() as f64
        };
        let ratio = variance(&raw, 1) / variance(&reduced, 1);
        assert!((3.2..4.8).contains(&ratio), "{ratio}");
    }

    #[test]
    fn wide_dynamic_range_and_settings_are_the_cameras() {
        let profile = small();
        let (mut camera, stream) = (Camera::new(&profile, 7), MainStream::new(&profile, 7));
        let (light, detail) = (stripes(&profile), stripes(&profile.main_stream()));
        let exposure = Exposure { time_s: 0.01, gain: 1.0 };
        let off = stream.picture(&camera, 5, exposure, &light, &detail);
        camera.configure(CameraSettings { wide_dynamic_range: true, ..CameraSettings::default() });
        let on = stream.picture(&camera, 5, exposure, &light, &detail);
        let frame = camera.take(5, exposure, &light).image;
        let mean = |image: &RgbImage, from: f64| {
            let width = image.width as usize * 3;
            let part = |row: &[u8]| row[(width as f64 * from) as usize..].iter().map(|&l| f64::from(l)).sum::<f64>();
            image.pixels.chunks(width).map(part).sum::<f64>() / image.pixels.len() as f64 / (1.0 - from)
        };
        let [off, on, frame] = [&off, &on, &frame].map(|image| mean(image, 0.9));
        assert!(off > on + 40.0, "{off} without, {on} with");
        // Stripes that only the main stream shows are darker in their mean, for the encoding is not linear.
        assert!(on < frame && frame - on < 15.0, "{on}, as in the analysis frame, {frame}");
    }
}
