//! The main stream: an exposure with every pixel of the chip, and the analysis picture that is its reduction.
//!
//! Each pixel has one photosite of each colour, and its noise. (That a colour mosaic has but one of the three, and that
//! neighbours' noise is alike where the others are filled in, is left out.) The analysis frame's light is the mean of its
//! block's; then every block is shifted until its mean is exactly what the analysis frame has there: noise and pattern of the
//! two are of one chip.

use std::cell::RefCell;

use firmware_shim::RgbImage;

use crate::camera::Camera;
use crate::exposure::Exposure;
use crate::isp::Isp;
use crate::light::Light;
use crate::profile::Profile;
use crate::sensor::{ImageSensor, RawImage};

/// What pictures of the main stream are made with. It is large; make it when the first one is asked for.
pub struct MainStream {
    sensor: ImageSensor,
    isp: Isp,
    block: usize,
    dn_max: u16,
    black_level_dn: u16,
}

/// One exposure in both its streams.
pub struct BothStreams {
    /// All pixels of the chip.
    pub main: RgbImage,
    /// Their reduction, as the analysis gets it.
    pub analysis: RgbImage,
}

/// A block of which no more than this is missing to white is all white.
const ALL_WHITE: f32 = 0.999;
/// It is taken for so many times as bright, as far beyond white as it may be: noise makes it no darker.
const BEYOND_WHITE: f32 = 2.0;

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
            black_level_dn: profile.sensor.black_level_dn,
        }
    }

    /// Frame `seq` of `camera`, taken with this exposure and these settings. The light is rendered as finely as
    /// [`Profile::main_stream`]'s pinhole says; what [`Camera::take`] makes of coarser light differs a little along edges.
    pub fn take<'r>(&self, camera: &Camera, seq: u64, exposure: Exposure, light: impl Into<Light<'r>>) -> BothStreams {
        let (light, reductions) = (light.into(), RefCell::new(Vec::new()));
        let main = camera.take_with(&self.isp, seq, exposure, light, |nth, exposure, light| {
            let (raw, reduced) = self.read_out(camera, seq, nth, exposure, light);
            reductions.borrow_mut().push(reduced);
            raw
        });
        let reduced = reductions.into_inner();
        let analysis = camera.take_with(camera.isp(), seq, exposure, light, |nth, _, _| reduced[nth as usize].clone());
        BothStreams { main: main.image, analysis: analysis.image }
    }

    /// All pixels of the chip, and their reduction.
    fn read_out(
        &self,
        camera: &Camera,
        seq: u64,
        nth: u64,
        exposure: Exposure,
        light: Light<'_>,
    ) -> (RawImage, RawImage) {
        let pixels = self.sensor.light(&light);
        let mut raw = self.sensor.read_out_rows(seq, nth, exposure, &light, |y, row| {
            row.copy_from_slice(&pixels[y * row.len()..(y + 1) * row.len()]);
        });
        let width = raw.width as usize;
        let lines = self.block * width * 3;
        let reduced = camera.sensor().read_out_rows(seq, nth, exposure, &light, |y, row| {
            let white: Vec<f32> = camera.sensor().white(y, exposure, &light).collect();
            self.reduce(&pixels[y * lines..(y + 1) * lines], &white, row);
        });
        for (index, dn) in reduced.dn.iter().enumerate() {
            let (x, y) = (index % reduced.width as usize, index / reduced.width as usize);
            let first = (y * width + x) * self.block;
            for (channel, mean) in dn.iter().enumerate() {
                self.shift(&mut raw.dn, |i| first + i / self.block * width + i % self.block, channel, *mean);
            }
        }
        (raw, reduced)
    }

    /// The mean light of each block of a row of them, where what is brighter than white counts as white.
    fn reduce(&self, lines: &[f32], white: &[f32], row: &mut [f32]) {
        row.fill(0.0);
        let part = ((self.block * self.block) as f32).recip();
        for line in lines.chunks_exact(row.len() * self.block) {
            let blocks = line.chunks_exact(3 * self.block);
            for ((sum, white), block) in row.chunks_exact_mut(3).zip(white.chunks_exact(3)).zip(blocks) {
                for pixel in block.chunks_exact(3) {
                    (0..3).for_each(|channel| sum[channel] += part * pixel[channel].min(white[channel]));
                }
            }
        }
        for (mean, white) in row.iter_mut().zip(white) {
            if *mean > ALL_WHITE * white {
                *mean = BEYOND_WHITE * white;
            }
        }
    }

    /// Changes the pixels of a block until their mean is `mean`: each in proportion to its signal, for where there is more light there
    /// is more noise; what the converter's ends and whole numbers leave over, all alike.
    fn shift(&self, dn: &mut [[u16; 3]], at: impl Fn(usize) -> usize, channel: usize, mean: u16) {
        let count = (self.block * self.block) as i64;
        let sum: i64 = (0..count as usize).map(|i| i64::from(dn[at(i)][channel])).sum();
        let mut missing = i64::from(mean) * count - sum;
        let signal = |dn: u16| i64::from(dn.saturating_sub(self.black_level_dn));
        let (whole, signals) = (missing, (0..count as usize).map(|i| signal(dn[at(i)][channel])).sum::<i64>().max(1));
        for i in 0..count as usize {
            let pixel = &mut dn[at(i)][channel];
            let shifted = i64::from(*pixel) + whole * signal(*pixel) / signals;
            let shifted = shifted.clamp(0, i64::from(self.dn_max));
            missing -= shifted - i64::from(*pixel);
            *pixel = shifted as u16;
        }
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
    use firmware_shim::CameraSettings;

    use super::*;
    use crate::radiance::{Pinhole, Radiance};

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
            let ramp = 3000.0 * x.powi(3);
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
        let light = stripes(&profile.main_stream());
        for gain in [1.0, 16.0] {
            let exposure = Exposure { time_s: 0.01, gain };
            let (raw, reduced) = stream.read_out(&camera, 5, 0, exposure, Light::from(&light));
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
        let picture = stream.take(&camera, 5, exposure, &stripes(&profile.main_stream())).main;
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
        let flat = Radiance::uniform(64, 48, 20.0);
        let (raw, reduced) = stream.read_out(&camera, 5, 0, exposure, Light::from(&flat));
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
    fn the_analysis_picture_of_both_streams_is_that_of_the_camera() {
        let profile = small();
        // Waves of several pixels: as sharp as both renderings show.
        let waves = |profile: &Profile, level: f64| {
            let Pinhole { width, height, .. } = profile.pinhole();
            let part = |i: u32, of: u32| (f64::from(i) + 0.5) / f64::from(of);
            let wave = |i: u32| (30.0 * part(i % width, width)).sin() * (20.0 * part(i / width, height)).cos();
            Radiance {
                width,
                height,
                pixels: (0..width * height).map(|i| [(level * (4.0 + 3.0 * wave(i))) as f32; 3]).collect(),
            }
        };
        // With wide dynamic range most of it is too bright for the long one of the two exposures.
        for (wide_dynamic_range, level) in [(false, 10.0), (true, 100.0)] {
            let (mut camera, stream) = (Camera::new(&profile, 7), MainStream::new(&profile, 7));
            camera.configure(CameraSettings { wide_dynamic_range, ..CameraSettings::default() });
            let exposure = Exposure { time_s: 0.01, gain: 1.0 };
            let both = stream.take(&camera, 5, exposure, &waves(&profile.main_stream(), level));
            let alone = camera.take(5, exposure, &waves(&profile, level)).image;
            assert_eq!((both.analysis.width, both.analysis.height), (alone.width, alone.height));
            let off = both.analysis.pixels.iter().zip(alone.pixels.iter()).map(|(a, b)| a.abs_diff(*b));
            // The very noise is the same, too: other noise is off by more.
            let mean = off.clone().map(f64::from).sum::<f64>() / alone.pixels.len() as f64;
            assert!(mean < 0.6 && off.max() < Some(12), "{mean}");
            let other = camera.take(6, exposure, &waves(&profile, level)).image;
            let noise = other.pixels.iter().zip(alone.pixels.iter()).map(|(a, b)| f64::from(a.abs_diff(*b)));
            assert!(noise.sum::<f64>() / alone.pixels.len() as f64 > 2.0 * mean);
        }
    }

    #[test]
    fn an_edge_through_blocks_leaves_both_its_sides_as_they_are() {
        let mut profile = small();
        profile.optics.falloff_exponent = 0.0;
        let (camera, stream) = (Camera::new(&profile, 7), MainStream::new(&profile, 7));
        let (width, height) = (256, 192);
        // The last is a window: white many times over.
        for bright in [20.0, 5000.0] {
            // A little off the upright, so that it passes each column of blocks once.
            let bright_at = |x: f64, y: f64| x - 128.3 > 0.1 * (y - 96.0);
            let level = |i: usize| {
                let (x, y) = ((i % (4 * width)) as f64 / 4.0, (i / (4 * width)) as f64 / 4.0);
                [if bright_at(x, y) { bright } else { 1.0f32 }; 3]
            };
            let pixels = (0..16 * width * height).map(level).collect();
            let light = Radiance { width: 4 * width as u32, height: 4 * height as u32, pixels };
            let exposure = Exposure { time_s: 0.01, gain: 1.0 };
            let (raw, _) = stream.read_out(&camera, 5, 0, exposure, Light::from(&light));
            let (mut near, mut far) = (vec![], vec![]);
            // Less than a block from the edge, and far from it, on its dark side.
            for y in 0..height {
                for x in 0..width {
                    let edge = 128.3 + 0.1 * (y as f64 - 96.0) - x as f64;
                    let level = f64::from(raw.dn[y * width + x][1]);
                    if (2.0..4.0).contains(&edge) {
                        near.push(level)
                    } else if (20.0..40.0).contains(&edge) {
                        far.push(level)
                    }
                }
            }
            let mean = |levels: &[f64]| levels.iter().sum::<f64>() / levels.len() as f64;
            let spread = |levels: &[f64]| {
                (levels.iter().map(|l| (l - mean(levels)).powi(2)).sum::<f64>() / levels.len() as f64).sqrt()
            };
            assert!(
                (mean(&near) - mean(&far)).abs() < 2.0,
                "{bright}: {} beside the edge, {} far",
                mean(&near),
                mean(&far)
            );
            assert!(
                spread(&near) < 1.2 * spread(&far),
                "{bright}: {} beside the edge, {} far",
                spread(&near),
                spread(&far)
            );
        }
    }

    #[test]
    fn wide_dynamic_range_and_settings_are_the_cameras() {
        let profile = small();
        let (mut camera, stream) = (Camera::new(&profile, 7), MainStream::new(&profile, 7));
        let detail = stripes(&profile.main_stream());
        let exposure = Exposure { time_s: 0.01, gain: 1.0 };
        let off = stream.take(&camera, 5, exposure, &detail).main;
        camera.configure(CameraSettings { wide_dynamic_range: true, ..CameraSettings::default() });
        let on = stream.take(&camera, 5, exposure, &detail).main;
        let frame = camera.take(5, exposure, &stripes(&profile)).image;
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
