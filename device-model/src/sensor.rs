//! The image sensor behind its lens: luminance in, digital numbers out.
//!
//! Illuminance on the chip is `E = T·π·L / (4·N²)` for a lens of f-number `N` and transmission `T`, less the lens's fall-off.
//! Lumens become photons as if all light were green: 683 lm/W at 555 nm, so 4.09·10¹⁵ photons per lumen-second. White light
//! carries more photons per lumen, and a colour filter keeps about a third of them; the two roughly cancel, and the
//! quantum efficiency of a profile is assumed anyway.

use std::borrow::Cow;

use firmware_shim::Lens;
use glam::{DVec2, DVec3};

use crate::exposure::Exposure;
use crate::light::Light;
use crate::noise::Noise;
use crate::profile::Profile;
use crate::radiance::Radiance;
use crate::sampling::{Sampling, physical};

/// What the converter delivers for one frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawImage {
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Digital numbers R G B, row by row from the top left, black level included.
    pub dn: Vec<[u16; 3]>,
}

/// Lens, photodiodes and converter.
pub struct ImageSensor {
    width: u32,
    height: u32,
    /// Per pixel, where it looks in the rectilinear picture, in [0, 1] from its top left.
    looks_at: Vec<[f32; 2]>,
    /// The same in a picture of the size that is asked for.
    sampling: Sampling,
    /// Per pixel and channel, electrons per second for 1 cd/m²: lens, chip, and how this very photosite responds.
    responsivity: Vec<f32>,
    /// Per pixel and channel, electrons that this very photosite delivers in darkness, more or less than most.
    dark_e: Vec<f32>,
    full_well_e: f32,
    read_variance_e2: f32,
    dn_per_e: f32,
    black_level: f32,
    dn_max: f32,
    line_time_s: f64,
    noise: Noise,
}

/// Photons per lumen-second at 555 nm: λ / (h·c) / (683 lm/W).
const PHOTONS_PER_LUMEN_SECOND: f64 = 555e-9 / (6.626_070_15e-34 * 299_792_458.0) / 683.0;

impl ImageSensor {
    /// The sensor of a device; its noise descends from `seed`.
    pub fn new(profile: &Profile, seed: u64) -> Self {
        let (lens, pinhole, chip) = (profile.lens(), profile.pinhole(), &profile.sensor);
        let pinhole_size = DVec2::new(f64::from(pinhole.width), f64::from(pinhole.height));
        let rays = rays(&lens);
        let looks_at = rays.iter().map(|ray| {
            // Beyond the lens's field there is no light: far outside the picture.
            let Some(direction) = *ray else { return [-1e6; 2] };
            (pinhole.project(direction) / pinhole_size).as_vec2().to_array()
        });
        let photosites = f64::from(chip.photosites_per_channel);
        let area_m2 = (chip.pixel_pitch_um * 1e-6).powi(2) * photosites;
        let lux_per_nit = profile.optics.transmission * std::f64::consts::PI / (4.0 * profile.optics.f_number.powi(2));
        let on_axis = lux_per_nit * PHOTONS_PER_LUMEN_SECOND * area_m2 * chip.quantum_efficiency;
        let full_well_e = chip.full_well_e * photosites;
        let looks_at: Vec<[f32; 2]> = looks_at.collect();
        let noise = Noise::new(seed);
        // Sums of several photosites vary by the root of their number; their mean response by as much less.
        let prnu = chip.prnu_percent / 100.0 / photosites.sqrt();
        let dsnu_e = chip.dsnu_e * photosites.sqrt();
        let mut pattern = vec![0.0; looks_at.len() * 3 * 2];
        noise.fixed().normals(0, &mut pattern);
        let (response, dark) = pattern.split_at(looks_at.len() * 3);
        let falloff = falloff(profile, &rays);
        let respond = |(normal, passed): (&f32, &f32)| passed * on_axis as f32 * (1.0 + prnu as f32 * normal);
        ImageSensor {
            width: lens.width,
            height: lens.height,
            sampling: Sampling::new(pinhole.width, pinhole.height, &looks_at),
            looks_at,
            responsivity: response.iter().zip(falloff.iter().flat_map(|passed| [passed; 3])).map(respond).collect(),
            dark_e: dark.iter().map(|normal| dsnu_e as f32 * normal).collect(),
            full_well_e: full_well_e as f32,
            read_variance_e2: (chip.read_noise_e.powi(2) * photosites) as f32,
            dn_per_e: (f64::from(chip.dn_max() - chip.black_level_dn) / full_well_e) as f32,
            black_level: f32::from(chip.black_level_dn),
            dn_max: f32::from(chip.dn_max()),
            line_time_s: chip.readout_ms * 1e-3 / f64::from(lens.height.max(2) - 1),
            noise,
        }
    }

    /// Takes the `nth` exposure of frame `seq`: 0, or 1 for the short one of a wide dynamic range. The radiance must have the field of [`Profile::pinhole`]; its resolution may
    /// differ. The result depends on nothing but the sensor's profile and seed and these arguments.
    ///
    /// # Panics
    /// When the radiance has not as many pixels as its size says, or fewer than 2×2.
    pub fn read_out<'r>(&self, seq: u64, nth: u64, exposure: Exposure, light: impl Into<Light<'r>>) -> RawImage {
        let light = light.into();
        let pixels = physical(light.radiance);
        let sampling = self.sampling(light.radiance);
        self.read_out_rows(seq, nth, exposure, &light, |y, row| sampling.sample(y * row.len() / 3, &pixels, row))
    }

    /// The same of light in cd/m² that `fill_row` says: three channels a pixel.
    pub(crate) fn read_out_rows(
        &self,
        seq: u64,
        nth: u64,
        exposure: Exposure,
        light: &Light<'_>,
        mut fill_row: impl FnMut(usize, &mut [f32]),
    ) -> RawImage {
        let noise = self.noise.exposure(seq, nth);
        let dn_per_e = self.dn_per_e * exposure.gain as f32;
        let width = self.width as usize;
        let mut dn = vec![[0; 3]; self.looks_at.len()];
        let (mut electrons, mut normals) = (vec![0.0; 3 * width], vec![0.0; 3 * width]);
        // One row at a time, step by step, so that each step is a plain loop over numbers in the fastest memory.
        for (y, row) in dn.chunks_exact_mut(width).enumerate() {
            let (first, samples) = (y * width, y * width * 3..(y + 1) * width * 3);
            fill_row(y, &mut electrons);
            noise.normals(first, &mut normals);
            let lit_s = exposure.time_s * self.light_of_row(y, exposure.time_s, light);
            self.count(lit_s as f32, &self.responsivity[samples.clone()], &mut electrons);
            noise.electrons(first, &mut electrons, &normals, self.read_variance_e2);
            self.convert(dn_per_e, &electrons, &self.dark_e[samples], row.as_flattened_mut());
        }
        RawImage { width: self.width, height: self.height, dn }
    }

    /// The light in cd/m² that falls on each pixel and channel.
    pub(crate) fn light(&self, light: &Light<'_>) -> Vec<f32> {
        let mut light_of_pixels = vec![0.0; self.responsivity.len()];
        self.sampling(light.radiance).sample(0, &physical(light.radiance), &mut light_of_pixels);
        light_of_pixels
    }

    /// The light in cd/m² that just makes white, for each pixel and channel of row `y`.
    pub(crate) fn white(&self, y: usize, exposure: Exposure, light: &Light<'_>) -> impl Iterator<Item = f32> {
        let lit_s = exposure.time_s * self.light_of_row(y, exposure.time_s, light);
        let white_e_per_s = (f64::from(self.full_well_e) / exposure.gain / lit_s) as f32;
        let width = 3 * self.width as usize;
        self.responsivity[y * width..(y + 1) * width].iter().map(move |per_nit| white_e_per_s / per_nit)
    }

    fn sampling(&self, radiance: &Radiance) -> Cow<'_, Sampling> {
        if self.sampling.fits(radiance) {
            return Cow::Borrowed(&self.sampling);
        }
        Cow::Owned(Sampling::new(radiance.width, radiance.height, &self.looks_at))
    }

    /// The mean of the light over the exposure of row `y`, as a factor: the rows are exposed one after the other.
    fn light_of_row(&self, y: usize, time_s: f64, light: &Light<'_>) -> f64 {
        let after_middle_s = (y as f64 - (f64::from(self.height) - 1.0) / 2.0) * self.line_time_s;
        light.flicker.map_or(1.0, |flicker| flicker.mean(light.middle_s + after_middle_s, time_s))
    }

    /// From light in cd/m² to the mean of the electrons it frees.
    fn count(&self, time_s: f32, responsivity: &[f32], light: &mut [f32]) {
        for (light, responsivity) in light.iter_mut().zip(responsivity) {
            // Twice the full well is as saturated as any.
            *light = (*light * responsivity * time_s).min(2.0 * self.full_well_e);
        }
    }

    fn convert(&self, dn_per_e: f32, electrons: &[f32], dark_e: &[f32], dn: &mut [u16]) {
        for ((dn, electrons), dark) in dn.iter_mut().zip(electrons).zip(dark_e) {
            let electrons = (electrons + dark).min(self.full_well_e);
            *dn = round((electrons * dn_per_e + self.black_level).clamp(0.0, self.dn_max));
        }
    }
}

/// The part of the light on the axis that reaches each pixel, of which these are the [`rays`]: `cosᵖ θ`.
pub(crate) fn falloff(profile: &Profile, rays: &[Option<DVec3>]) -> Vec<f32> {
    let passed = |ray: &Option<DVec3>| {
        let cosine = ray.map_or(1.0, |direction| direction.z);
        cosine.powf(profile.optics.falloff_exponent) as f32
    };
    rays.iter().map(passed).collect()
}

/// Where the centres of a picture's pixels look; `None` beyond the lens's field. A quarter is computed, the rest is like it.
pub(crate) fn rays(lens: &Lens) -> Vec<Option<DVec3>> {
    let (width, height) = (lens.width as usize, lens.height as usize);
    let (columns, rows) = (width.div_ceil(2), height.div_ceil(2));
    let centre = |i: usize| DVec2::new((i % columns) as f64 + 0.5, (i / columns) as f64 + 0.5);
    let quarter: Vec<Option<DVec3>> = (0..columns * rows).map(|i| lens.unproject(centre(i))).collect();
    let ray = |i: usize| {
        let (x, y) = (i % width, i / width);
        let (from_left, from_top) = (x.min(width - 1 - x), y.min(height - 1 - y));
        let mirrored = |at: usize, from_edge: usize| if at == from_edge { 1.0 } else { -1.0 };
        let sign = DVec3::new(mirrored(x, from_left), mirrored(y, from_top), 1.0);
        quarter[from_top * columns + from_left].map(|direction| direction * sign)
    };
    (0..width * height).map(ray).collect()
}

/// The nearest integer of a number in [0, 65535]. Where a step between floats is 1, the last bits are the integer; unlike a
/// conversion this has no case to tell apart, and eight are done at once.
#[inline]
pub(crate) fn round(value: f32) -> u16 {
    const STEP_1: f32 = 8_388_608.0;
    (value + STEP_1).to_bits() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_looks_where_the_lens_says() {
        for (width, height) in [(8, 6), (7, 5), (1, 2)] {
            let lens = Lens::with_horizontal_angle(width, height, 2.0, [0.1, 0.02, 0.0, 0.0]);
            for (i, ray) in rays(&lens).into_iter().enumerate() {
                let (x, y) = (i as u32 % width, i as u32 / width);
                let expected = lens.unproject(DVec2::new(f64::from(x) + 0.5, f64::from(y) + 0.5)).unwrap();
                assert!(ray.unwrap().distance(expected) < 1e-12, "({x}, {y}) of {width}×{height}");
            }
        }
    }

    #[test]
    fn numbers_are_rounded_to_the_nearest_integer() {
        let numbers = [0.0, 0.49, 0.51, 1.0, 167.9, 4094.4, 4095.0, 65_534.6, 65_535.0];
        assert_eq!(numbers.map(round), [0, 0, 1, 1, 168, 4094, 4095, 65_535, 65_535]);
    }
}
