//! What finishes look like: one square picture each, in the layers of one texture. A picture holds the reflectance over its
//! mean, so that a surface keeps the colour its file states on average.

use std::f64::consts::TAU;

use bevy::asset::RenderAssetUsages;
use bevy::image::{Image, ImageAddressMode, ImageFilterMode, ImageSampler, ImageSamplerDescriptor};
use bevy::render::render_resource::{Extent3d, TextureDataOrder, TextureDimension, TextureFormat};
use noise::{NoiseFn, Perlin};
use scenes::Finish;

/// Edge of a picture, texels; a power of two.
const SIZE: usize = 256;
/// The texel that stands for the mean. The shader divides by it.
const MEAN_TEXEL: f64 = 128.0;

/// All finishes, by [`Finish::kind`], with every level of detail.
pub(super) fn texture() -> Image {
    let mut data = Vec::new();
    for (layer, finish) in Finish::KINDS.into_iter().enumerate() {
        let mut picture = picture(finish, layer as u32);
        loop {
            data.extend(picture.iter().map(|over_mean| (over_mean * MEAN_TEXEL).round().clamp(0.0, 255.0) as u8));
            if picture.len() == 1 {
                break;
            }
            picture = halved(&picture);
        }
    }
    let size = Extent3d { width: SIZE as u32, height: SIZE as u32, depth_or_array_layers: Finish::KINDS.len() as u32 };
    let mut image =
        Image::new_uninit(size, TextureDimension::D2, TextureFormat::R8Unorm, RenderAssetUsages::RENDER_WORLD);
    image.texture_descriptor.mip_level_count = SIZE.ilog2() + 1;
    image.data_order = TextureDataOrder::LayerMajor;
    image.data = Some(data);
    image.sampler = ImageSampler::Descriptor(ImageSamplerDescriptor {
        address_mode_u: ImageAddressMode::Repeat,
        address_mode_v: ImageAddressMode::Repeat,
        // The camera smooths what is rendered denser than its own pixels; on a CPU every texel costs.
        mag_filter: ImageFilterMode::Nearest,
        min_filter: ImageFilterMode::Nearest,
        mipmap_filter: ImageFilterMode::Nearest,
        ..Default::default()
    });
    image
}

/// A picture of half the edge: means of four.
fn halved(picture: &[f64]) -> Vec<f64> {
    let edge = picture.len().isqrt();
    let half = edge / 2;
    let mean = |i: usize| {
        let first = (i / half) * 2 * edge + (i % half) * 2;
        (picture[first] + picture[first + 1] + picture[first + edge] + picture[first + edge + 1]) / 4.0
    };
    (0..half * half).map(mean).collect()
}

/// Reflectance over its mean, row by row.
fn picture(finish: Finish, seed: u32) -> Vec<f64> {
    let look = Look { perlin: Perlin::new(seed) };
    let at = |i: usize| ((i as f64 + 0.5) / SIZE as f64).fract();
    let pattern = |u: f64, v: f64| match finish {
        Finish::Plain => 1.0,
        Finish::Wood => look.wood(u, v),
        Finish::Carpet => 1.0 + 0.10 * look.clouds(u, v, 3.0) + 0.30 * look.smooth(u, v, 70.0, 70.0),
        Finish::Tiles { .. } => look.tiles(u, v),
        Finish::Concrete => 1.0 + 0.22 * look.clouds(u, v, 4.0) + 0.12 * look.smooth(u, v, 60.0, 60.0),
        Finish::Plaster => 1.0 + 0.06 * look.clouds(u, v, 3.0),
        Finish::Fabric => 1.0 + 0.05 * (64.0 * TAU * u).sin() * (64.0 * TAU * v).sin() + 0.16 * look.clouds(u, v, 5.0),
        Finish::Stripes => look.cloth(u, v, stripe(v * 4.0)),
        Finish::Checks => look.cloth(u, v, 0.5 * (stripe(u * 3.0) + stripe(v * 3.0))),
        Finish::Leaves => 1.0 + 0.9 * look.smooth(u, v, 9.0, 9.0) + 0.4 * look.smooth(u, v, 23.0, 23.0),
        Finish::Hair => 1.0 + 0.45 * look.smooth(u, v, 24.0, 3.0),
    };
    let picture: Vec<f64> = (0..SIZE * SIZE).map(|i| pattern(at(i % SIZE), at(i / SIZE)).max(0.05)).collect();
    let mean = picture.iter().sum::<f64>() / picture.len() as f64;
    picture.into_iter().map(|value| value / mean).collect()
}

/// Light and dark bands of woven colour, one of each over a period.
fn stripe(v: f64) -> f64 {
    if v.fract() < 0.65 { 1.18 } else { 0.66 }
}

struct Look {
    perlin: Perlin,
}

impl Look {
    /// Noise of about −0.5 to 0.5 with so many waves along u and v, that repeats: two circles in four dimensions have no ends.
    fn smooth(&self, u: f64, v: f64, waves_u: f64, waves_v: f64) -> f64 {
        let circle = |part: f64, waves: f64| {
            let (sin, cos) = (part * TAU).sin_cos();
            [cos * waves / TAU, sin * waves / TAU]
        };
        let ([a, b], [c, d]) = (circle(u, waves_u), circle(v, waves_v));
        self.perlin.get([a + 7.3, b + 1.9, c + 3.1, d + 5.7])
    }

    /// The sum of three octaves.
    fn clouds(&self, u: f64, v: f64, waves: f64) -> f64 {
        let octave = |k: f64| self.smooth(u, v, waves * k, waves * k) / k.sqrt();
        octave(1.0) + octave(2.7) + octave(7.0)
    }

    /// A number from −1 to 1 that a whole number has.
    fn of(&self, index: u32) -> f64 {
        2.0 * self.perlin.get([f64::from(index) * 0.73 + 0.5, 0.37]).clamp(-0.5, 0.5)
    }

    fn wood(&self, u: f64, v: f64) -> f64 {
        const BOARDS: f64 = 12.0;
        let board = (v * BOARDS) as u32;
        // Boards end at different places.
        let along = (u + 0.381_966 * f64::from(board)).fract();
        let second = u32::from(along > 0.5);
        let joint = (v * BOARDS).fract() < 0.05 || (along * 2.0).fract() < 0.006;
        let grain = self.smooth(u, v, 5.0, 90.0) + 0.6 * self.smooth(u, v, 11.0, 200.0);
        (1.0 + 0.22 * self.of(board * 2 + second) + 0.22 * grain) * if joint { 0.62 } else { 1.0 }
    }

    fn tiles(&self, u: f64, v: f64) -> f64 {
        let count = f64::from(Finish::TILES);
        let (a, b) = (u * count, v * count);
        let joint = a.fract() < 0.03 || b.fract() < 0.03;
        let own = self.of(a as u32 * Finish::TILES + b as u32);
        (1.0 + 0.06 * own + 0.07 * self.clouds(u, v, 6.0)) * if joint { 0.66 } else { 1.0 }
    }

    fn cloth(&self, u: f64, v: f64, woven: f64) -> f64 {
        woven * (1.0 + 0.10 * self.smooth(u, v, 30.0, 30.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finish_keeps_the_mean_and_all_but_plain_vary() {
        for (seed, finish) in Finish::KINDS.into_iter().enumerate() {
            let picture = picture(finish, seed as u32);
            let mean = picture.iter().sum::<f64>() / picture.len() as f64;
            let deviation = (picture.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / picture.len() as f64).sqrt();
            assert!((mean - 1.0).abs() < 1e-9, "{finish:?}: {mean}");
            assert!(picture.iter().all(|v| (0.0..1.99).contains(v)), "{finish:?} fits a texel");
            assert_eq!(deviation > 0.015, finish != Finish::Plain, "{finish:?}: {deviation}");
        }
    }

    #[test]
    fn finishes_repeat_without_a_seam() {
        // Where no joint or stripe lies at the border, neighbours across it differ no more than others do.
        for finish in [Finish::Carpet, Finish::Concrete, Finish::Plaster, Finish::Leaves, Finish::Hair] {
            let picture = picture(finish, 1);
            let step = |from: usize, to: usize| {
                (0..SIZE).map(|row| (picture[row * SIZE + from] - picture[row * SIZE + to]).abs()).sum::<f64>()
            };
            let inside = (1..SIZE).map(|column| step(column - 1, column)).fold(0.0, f64::max);
            assert!(step(SIZE - 1, 0) <= inside, "{finish:?}");
        }
    }

    #[test]
    fn the_texture_has_all_its_layers_and_levels() {
        let image = texture();
        let texels: usize = (0..=SIZE.ilog2()).map(|level| (SIZE >> level).pow(2)).sum();
        assert_eq!(image.data.as_ref().map(Vec::len), Some(texels * Finish::KINDS.len()));
    }
}
