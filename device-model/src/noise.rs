//! The randomness of one frame: every sample's noise depends on the seed, the frame's number and the sample's place, and on
//! nothing else, so any frame can be made again.
//!
//! A table of normal variates is drawn once; a counter-based hash picks from it. That is an order of magnitude faster than
//! drawing a quarter of a million normals per frame, and needs no state.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

const TABLE_BITS: u32 = 16;
const TABLE_LEN: usize = 1 << TABLE_BITS;

/// Above this mean, in electrons, a Poisson variate is as good as normal: read noise of a few electrons hides the rest.
const POISSON_MEAN_MAX: f32 = 30.0;

pub(crate) struct Noise {
    normals: Box<[f32; TABLE_LEN]>,
    seed: u64,
}

impl Noise {
    pub fn new(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let drawn: Vec<f64> = (0..TABLE_LEN).map(|_| StandardNormal.sample(&mut rng)).collect();
        // Mean 0 and variance 1 exactly, so that no seed makes a sensor a little brighter or noisier than its figures.
        let count = drawn.len() as f64;
        let mean = drawn.iter().sum::<f64>() / count;
        let deviation = (drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt();
        let mut normals = Box::new([0.0; TABLE_LEN]);
        for (normal, x) in normals.iter_mut().zip(drawn) {
            *normal = ((x - mean) / deviation) as f32;
        }
        Noise { normals, seed }
    }

    pub fn frame(&self, seq: u64) -> FrameNoise<'_> {
        FrameNoise { normals: &self.normals, key: mix(self.seed ^ mix(seq.wrapping_add(GOLDEN))) }
    }
}

pub(crate) struct FrameNoise<'n> {
    normals: &'n [f32; TABLE_LEN],
    key: u64,
}

impl FrameNoise<'_> {
    /// The random bits of one pixel: [`TABLE_BITS`] for each of its channels.
    #[inline]
    pub fn pixel(&self, index: usize) -> u64 {
        mix(self.key.wrapping_add((index as u64).wrapping_mul(GOLDEN)))
    }

    /// Electrons read from a channel that expects `mean`, with the variance `read_variance` of the read noise.
    #[inline(always)]
    pub fn electrons(&self, pixel: u64, channel: usize, mean: f32, read_variance: f32) -> f32 {
        let bits = (pixel >> (channel as u32 * TABLE_BITS)) as usize;
        let normal = self.normals[bits % TABLE_LEN];
        if mean > POISSON_MEAN_MAX {
            mean + (mean + read_variance).sqrt() * normal
        } else {
            few_photons(pixel.wrapping_add(channel as u64 + 1), mean) + read_variance.sqrt() * normal
        }
    }
}

/// Kept out of the loop over bright pixels.
#[inline(never)]
fn few_photons(random: u64, mean: f32) -> f32 {
    poisson(mean, (mix(random) >> 40) as f32 / (1u32 << 24) as f32)
}

/// The Poisson variate of a mean below [`POISSON_MEAN_MAX`] at a quantile in [0, 1), by inversion.
fn poisson(mean: f32, quantile: f32) -> f32 {
    // Most of a dark picture; 1 - x is below exp(-x).
    if quantile < 1.0 - mean {
        return 0.0;
    }
    let mut count = 0.0;
    let mut probability = (-mean).exp();
    let mut rest = quantile - probability;
    // The bound ends the sum where f32 has no more to add.
    while rest >= 0.0 && count < 4.0 * POISSON_MEAN_MAX {
        count += 1.0;
        probability *= mean / count;
        rest -= probability;
    }
    count
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
#[inline]
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn electrons_have_the_mean_and_variance_of_photons_and_read_noise() {
        let noise = Noise::new(7);
        let frame = noise.frame(3);
        let n = 200_000;
        for mean in [0.0, 0.3, 5.0, 29.0, 31.0, 4000.0] {
            for channel in 0..3 {
                let drawn: Vec<f64> =
                    (0..n).map(|i| f64::from(frame.electrons(frame.pixel(i), channel, mean, 9.0))).collect();
                let (measured, variance) = mean_and_variance(&drawn);
                let (mean, expected) = (f64::from(mean), f64::from(mean) + 9.0);
                // Five standard errors; the fourth moment of the sum is at most that of a Poisson variate.
                let mean_error = 5.0 * (expected / n as f64).sqrt();
                let variance_error = 5.0 * expected * ((2.0 + 1.0 / expected) / n as f64).sqrt();
                assert!((measured - mean).abs() < mean_error, "mean {measured} for {mean}");
                assert!((variance - expected).abs() < variance_error, "variance {variance} for {expected}");
            }
        }
    }

    #[test]
    fn the_quantiles_of_a_poisson_variate_are_right() {
        // P(0) = 0.1353, P(≤1) = 0.4060, P(≤2) = 0.6767 for a mean of 2.
        let at = |quantile| poisson(2.0, quantile);
        assert_eq!([at(0.0), at(0.13), at(0.14), at(0.40), at(0.41), at(0.67), at(0.68)], [0., 0., 1., 1., 2., 2., 3.]);
        assert_eq!(poisson(0.0, 0.999_999), 0.0);
    }

    #[test]
    fn neighbouring_pixels_channels_and_frames_are_uncorrelated() {
        let noise = Noise::new(7);
        let n: usize = 50_000;
        let sample = |seq, channel: usize, offset| -> Vec<f64> {
            let frame = noise.frame(seq);
            (0..n).map(|i| f64::from(frame.electrons(frame.pixel(i + offset), channel, 100.0, 0.0))).collect()
        };
        let here = sample(5, 0, 0);
        for other in [sample(5, 1, 0), sample(5, 0, 1), sample(5, 0, 320), sample(6, 0, 0), sample(5, 2, 0)] {
            let (mean, variance) = mean_and_variance(&here);
            let product: f64 = here.iter().zip(&other).map(|(a, b)| (a - mean) * (b - mean)).sum();
            let correlation = product / n as f64 / variance;
            assert!(correlation.abs() < 5.0 / (n as f64).sqrt(), "correlation {correlation}");
        }
    }

    fn mean_and_variance(values: &[f64]) -> (f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0))
    }
}
