//! The image sensor behind its lens: luminance in, digital numbers out.
//!
//! Illuminance on the chip is `E = T·π·L / (4·N²)` for a lens of f-number `N` and transmission `T`, less the lens's fall-off.
//! Lumens become photons as if all light were green: 683 lm/W at 555 nm, so 4.09·10¹⁵ photons per lumen-second. White light
//! carries more photons per lumen, and a colour filter keeps about a third of them; the two roughly cancel, and the
//! quantum efficiency of a profile is assumed anyway.

use firmware_shim::Lens;
use glam::DVec2;

use crate::exposure::Exposure;
use crate::noise::Noise;
use crate::profile::Profile;
use crate::radiance::Radiance;

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
    /// Per pixel, electrons per second and channel for 1 cd/m².
    responsivity: Vec<f32>,
    full_well_e: f32,
    read_variance_e2: f32,
    dn_per_e: f32,
    black_level: f32,
    dn_max: f32,
    noise: Noise,
}

/// Photons per lumen-second at 555 nm: λ / (h·c) / (683 lm/W).
const PHOTONS_PER_LUMEN_SECOND: f64 = 555e-9 / (6.626_070_15e-34 * 299_792_458.0) / 683.0;

impl ImageSensor {
    /// The sensor of a device; its noise descends from `seed`.
    pub fn new(profile: &Profile, seed: u64) -> Self {
        let (lens, pinhole, chip) = (profile.lens(), profile.pinhole(), &profile.sensor);
        let pinhole_size = DVec2::new(f64::from(pinhole.width), f64::from(pinhole.height));
        let looks_at = pixel_centres(&lens).map(|pixel| {
            // Beyond the lens's field there is no light: far outside the picture.
            let Some(direction) = lens.unproject(pixel) else { return [-1e6; 2] };
            (pinhole.project(direction) / pinhole_size).as_vec2().to_array()
        });
        let photosites = f64::from(chip.photosites_per_channel);
        let area_m2 = (chip.pixel_pitch_um * 1e-6).powi(2) * photosites;
        let lux_per_nit = profile.optics.transmission * std::f64::consts::PI / (4.0 * profile.optics.f_number.powi(2));
        let on_axis = lux_per_nit * PHOTONS_PER_LUMEN_SECOND * area_m2 * chip.quantum_efficiency;
        let full_well_e = chip.full_well_e * photosites;
        ImageSensor {
            width: lens.width,
            height: lens.height,
            looks_at: looks_at.collect(),
            responsivity: falloff(profile).iter().map(|passed| passed * on_axis as f32).collect(),
            full_well_e: full_well_e as f32,
            read_variance_e2: (chip.read_noise_e.powi(2) * photosites) as f32,
            dn_per_e: (f64::from(chip.dn_max() - chip.black_level_dn) / full_well_e) as f32,
            black_level: f32::from(chip.black_level_dn),
            dn_max: f32::from(chip.dn_max()),
            noise: Noise::new(seed),
        }
    }

    /// Takes frame `seq`. The radiance must have the field of [`Profile::pinhole`]; its resolution may differ. The result
    /// depends on nothing but the sensor's profile and seed and these arguments.
    ///
    /// # Panics
    /// When the radiance has not as many pixels as its size says, or none.
    pub fn read_out(&self, seq: u64, exposure: Exposure, radiance: &Radiance) -> RawImage {
        let sampler = Sampler::new(radiance);
        let noise = self.noise.frame(seq);
        let time_s = exposure.time_s as f32;
        let dn_per_e = self.dn_per_e * exposure.gain as f32;
        // Half a step up, since the conversion to an integer rounds down.
        let offset = self.black_level + 0.5;
        let read_out_pixel = |(index, (at, responsivity)): (usize, (&[f32; 2], &f32))| {
            let electrons_per_nit = responsivity * time_s;
            let bits = noise.pixel(index);
            let light = sampler.at(*at);
            std::array::from_fn(|channel| {
                // Twice the full well is as saturated as any.
                let mean = (light[channel] * electrons_per_nit).min(2.0 * self.full_well_e);
                let electrons = noise.electrons(bits, channel, mean, self.read_variance_e2).min(self.full_well_e);
                (electrons * dn_per_e + offset).clamp(0.0, self.dn_max) as u16
            })
        };
        let dn = self.looks_at.iter().zip(&self.responsivity).enumerate().map(read_out_pixel).collect();
        RawImage { width: self.width, height: self.height, dn }
    }
}

/// The part of the light on the axis that reaches each pixel: `cosᵖ θ`.
pub(crate) fn falloff(profile: &Profile) -> Vec<f32> {
    let lens = profile.lens();
    let passed = |pixel| {
        let cosine = lens.unproject(pixel).map_or(1.0, |direction| direction.z);
        cosine.powf(profile.optics.falloff_exponent) as f32
    };
    pixel_centres(&lens).map(passed).collect()
}

fn pixel_centres(lens: &Lens) -> impl Iterator<Item = DVec2> {
    let (width, height) = (lens.width, lens.height);
    (0..height).flat_map(move |y| (0..width).map(move |x| DVec2::new(f64::from(x) + 0.5, f64::from(y) + 0.5)))
}

/// Bilinear sampling of a radiance picture.
struct Sampler<'r> {
    pixels: &'r [[f32; 3]],
    width: usize,
    size: [f32; 2],
    /// The last pixel that has a neighbour to the right and below.
    last: [f32; 2],
}

impl<'r> Sampler<'r> {
    fn new(radiance: &'r Radiance) -> Self {
        let (width, height) = (radiance.width as usize, radiance.height as usize);
        assert!(
            width >= 2 && height >= 2 && radiance.pixels.len() == width * height,
            "a radiance picture of {width}×{height} with {} pixels",
            radiance.pixels.len()
        );
        Sampler {
            pixels: &radiance.pixels,
            width,
            size: [width as f32, height as f32],
            last: [(width - 2) as f32, (height - 2) as f32],
        }
    }

    #[inline]
    fn at(&self, place: [f32; 2]) -> [f32; 3] {
        // A pixel's value stands for its centre.
        let (x, y) = (place[0] * self.size[0] - 0.5, place[1] * self.size[1] - 0.5);
        let (left, top) = (x.clamp(0.0, self.last[0]) as usize, y.clamp(0.0, self.last[1]) as usize);
        let (right_part, lower_part) = ((x - left as f32).clamp(0.0, 1.0), (y - top as f32).clamp(0.0, 1.0));
        let index = top * self.width + left;
        let (upper, lower) = (&self.pixels[index..index + 2], &self.pixels[index + self.width..index + self.width + 2]);
        std::array::from_fn(|c| {
            let [upper, lower] = [upper, lower].map(|row| [row[0][c], row[1][c]].map(physical));
            let above = upper[0] + (upper[1] - upper[0]) * right_part;
            let below = lower[0] + (lower[1] - lower[0]) * right_part;
            above + (below - above) * lower_part
        })
    }
}

/// A luminance as it can be: a renderer's overflow to infinity is very bright, and what is no number is dark.
#[inline]
#[allow(clippy::manual_clamp)] // `clamp` would let through what is no number.
fn physical(luminance: f32) -> f32 {
    luminance.max(0.0).min(1e20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_between_rendered_pixels_is_in_proportion_and_beyond_the_border_like_it() {
        let grey = |levels: [f32; 4]| Radiance { width: 2, height: 2, pixels: levels.map(|level| [level; 3]).to_vec() };
        let radiance = grey([10.0, 20.0, 50.0, 60.0]);
        let at = |x: f32, y: f32| Sampler::new(&radiance).at([x / 2.0, y / 2.0])[1];
        assert_eq!([at(0.5, 0.5), at(1.5, 0.5), at(0.5, 1.5), at(1.5, 1.5)], [10.0, 20.0, 50.0, 60.0]);
        assert_eq!([at(0.75, 0.5), at(0.5, 0.75), at(1.0, 1.0)], [12.5, 20.0, 35.0]);
        assert_eq!([at(-9.0, 0.0), at(0.0, 0.0), at(9.0, 9.0)], [10.0, 10.0, 60.0]);
        let odd = grey([f32::INFINITY, f32::NAN, -1.0, 8.0]);
        let at = |x: f32, y: f32| Sampler::new(&odd).at([x / 2.0, y / 2.0])[0];
        assert!(at(1.0, 1.0) > 1e9, "an overflow spreads light");
        assert_eq!([at(1.5, 0.5), at(0.5, 1.5), at(1.5, 1.5)], [0.0, 0.0, 8.0]);
    }
}
