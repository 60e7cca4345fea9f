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

/// Above this mean, in electrons, a Poisson variate is as good as normal (its skewness is below 0.18).
const POISSON_MEAN_MAX: f32 = 30.0;

/// With more read noise than this, in electrons squared, photons and read noise together are never more skewed than that:
/// a mean of twice the read variance σ² is the worst, with a skewness of 0.385/σ.
const READ_VARIANCE_MAX: f32 = 4.6;

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

    /// The noise of the `nth` exposure of frame `seq`.
    pub fn exposure(&self, seq: u64, nth: u64) -> ExposureNoise<'_> {
        self.keyed(mix(seq.wrapping_add(GOLDEN)).wrapping_add(mix(nth)))
    }

    /// What is drawn once and stays.
    pub fn fixed(&self) -> ExposureNoise<'_> {
        self.keyed(FIXED)
    }

    fn keyed(&self, key: u64) -> ExposureNoise<'_> {
        ExposureNoise { normals: &self.normals, key: mix(self.seed ^ key) }
    }
}

/// Normal variates of a sample's place.
pub(crate) struct ExposureNoise<'n> {
    normals: &'n [f32; TABLE_LEN],
    key: u64,
}

impl ExposureNoise<'_> {
    /// The random bits of one pixel: [`TABLE_BITS`] for each of its channels.
    #[inline]
    fn pixel(&self, index: usize) -> u64 {
        mix(self.key.wrapping_add((index as u64).wrapping_mul(GOLDEN)))
    }

    /// A normal variate for each channel of pixels `first..`, as many as `normals` has room for.
    pub fn normals(&self, first: usize, normals: &mut [f32]) {
        for (index, normals) in normals.chunks_exact_mut(3).enumerate() {
            let bits = self.pixel(first + index);
            for (channel, normal) in normals.iter_mut().enumerate() {
                *normal = self.normals[(bits >> (channel as u32 * TABLE_BITS)) as usize % TABLE_LEN];
            }
        }
    }

    /// Turns the mean electrons of pixels `first..` into what is read, with the variance `read_variance` of the read noise.
    /// `normals` are those of [`Self::normals`] of the same pixels.
    pub fn electrons(&self, first: usize, means: &mut [f32], normals: &[f32], read_variance: f32) {
        if read_variance > READ_VARIANCE_MAX {
            for (mean, normal) in means.iter_mut().zip(normals) {
                *mean += (*mean + read_variance).sqrt() * normal;
            }
            return;
        }
        let deviation = read_variance.sqrt();
        for (index, (mean, normal)) in means.iter_mut().zip(normals).enumerate() {
            *mean = if *mean > POISSON_MEAN_MAX {
                *mean + (*mean + read_variance).sqrt() * normal
            } else {
                few_photons(self.pixel(first + index / 3).wrapping_add((index % 3) as u64 + 1), *mean)
                    + deviation * normal
            };
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

/// What no [`mix`] of a frame's number is likely to be.
const FIXED: u64 = 0x0DD5_EED0_F1CE_D0D0;

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
        let n = 200_000;
        // With little read noise photons are counted one by one.
        for (read_variance, mean) in
            [9.0, 1.0].into_iter().flat_map(|r| [0.0, 0.3, 5.0, 29.0, 31.0, 4000.0].map(|m| (r, m)))
        {
            let drawn = electrons(&noise, 3, n, mean, read_variance);
            for channel in 0..3 {
                let (measured, variance) = mean_and_variance(drawn.iter().skip(channel).step_by(3).copied());
                let (mean, expected) = (f64::from(mean), f64::from(mean + read_variance));
                // Five standard errors; the fourth moment of the sum is at most that of a Poisson variate.
                let mean_error = 5.0 * (expected / n as f64).sqrt();
                let variance_error = 5.0 * expected * ((2.0 + 1.0 / expected) / n as f64).sqrt();
                assert!((measured - mean).abs() < mean_error, "mean {measured} for {mean}");
                assert!((variance - expected).abs() < variance_error, "variance {variance} for {expected}");
            }
        }
    }

    #[test]
    fn with_little_read_noise_photons_are_whole() {
        let drawn = electrons(&Noise::new(7), 3, 1000, 2.0, 0.0);
        assert!(drawn.iter().all(|electrons| electrons.fract() == 0.0));
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
        let drawn = |exposure: ExposureNoise<'_>| {
            let mut normals = vec![0.0; 3 * (n + 320)];
            exposure.normals(0, &mut normals);
            normals
        };
        let (frame, next, short) = (noise.exposure(5, 0), noise.exposure(6, 0), noise.exposure(5, 1));
        let (frame, others) = (drawn(frame), [drawn(next), drawn(short), drawn(noise.fixed())]);
        let sample = |normals: &[f32], channel: usize, offset: usize| -> Vec<f64> {
            normals.iter().skip(3 * offset + channel).step_by(3).take(n).copied().map(f64::from).collect()
        };
        let here = sample(&frame, 0, 0);
        let near = [(1, 0), (2, 0), (0, 1), (0, 320)].map(|(channel, offset)| sample(&frame, channel, offset));
        for other in near.into_iter().chain(others.map(|normals| sample(&normals, 0, 0))) {
            let (mean, variance) = mean_and_variance(here.iter().copied());
            let product: f64 = here.iter().zip(&other).map(|(a, b)| (a - mean) * (b - mean)).sum();
            let correlation = product / n as f64 / variance;
            assert!(correlation.abs() < 5.0 / (n as f64).sqrt(), "correlation {correlation}");
        }
    }

    fn electrons(noise: &Noise, seq: u64, pixels: usize, mean: f32, read_variance: f32) -> Vec<f64> {
        let exposure = noise.exposure(seq, 0);
        let (mut normals, mut electrons) = (vec![0.0; 3 * pixels], vec![mean; 3 * pixels]);
        exposure.normals(0, &mut normals);
        exposure.electrons(0, &mut electrons, &normals, read_variance);
        electrons.into_iter().map(f64::from).collect()
    }

    fn mean_and_variance(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
        let n = values.clone().count() as f64;
        let mean = values.clone().sum::<f64>() / n;
        (mean, values.map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0))
    }
}
