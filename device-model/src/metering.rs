//! Metering: how bright a picture is for the purpose of exposing the next one.
//!
//! The mean would let a bright wall or a window darken the people whom this device is to see. Here the centre counts more
//! than the corners, where a ceiling camera sees walls, and no pixel counts more than a few times the target. The metered
//! signal is that of a flat picture that would need the same correction: the target over the factor `k` that solves
//! `Σ weight · min(k·signal, cap·target) = target · Σ weight`. The sum grows with `k`, so there is one solution, and a picture
//! taken with another exposure leads to the same.

use crate::profile::Profile;

/// How a device meters.
pub(crate) struct Meter {
    /// The weight of a pixel is the sum of its column's and its row's.
    column_weights: Vec<f32>,
    row_weights: Vec<f32>,
    target: f64,
    highlight_cap: f64,
}

/// Signals by brightness: 256 bins, each with the weight in it and the weighted sum of signals.
pub(crate) struct Histogram {
    bins: Box<[(f64, f64); 256]>,
}

impl Histogram {
    pub fn new() -> Self {
        Histogram { bins: Box::new([(0.0, 0.0); 256]) }
    }

    /// Counts a linear signal as a fraction of white in a bin that grows with it.
    #[inline]
    pub fn count(&mut self, bin: u8, weight: f32, signal: f32) {
        let (weights, signals) = &mut self.bins[usize::from(bin)];
        *weights += f64::from(weight);
        *signals += f64::from(weight * signal);
    }
}

impl Meter {
    pub fn new(profile: &Profile) -> Self {
        let (width, height) = (profile.image.width, profile.image.height);
        let centre_more = 1.0 - profile.exposure.corner_weight;
        let corner_px_2 = (f64::from(width).powi(2) + f64::from(height).powi(2)) / 4.0;
        // Falls with the square of the distance from the centre; half of the centre's weight is in each part.
        let weights = |size: u32| -> Vec<f32> {
            let from_centre_px = |i: u32| f64::from(i) + 0.5 - f64::from(size) / 2.0;
            (0..size).map(|i| (0.5 - centre_more * from_centre_px(i).powi(2) / corner_px_2) as f32).collect()
        };
        Meter {
            column_weights: weights(width),
            row_weights: weights(height),
            target: profile.exposure.target(),
            highlight_cap: profile.exposure.highlight_cap,
        }
    }

    #[inline]
    pub fn weight(&self, x: usize, y: usize) -> f32 {
        self.column_weights[x] + self.row_weights[y]
    }

    /// The metered signal as a fraction of white; 0 for a black picture.
    pub fn signal(&self, histogram: &Histogram) -> f64 {
        let bins = histogram.bins.iter().copied();
        let lit = bins.clone().rev().filter(|&(_, sum)| sum > 0.0);
        let (weights, mut sum) = bins.fold((0.0, 0.0), |(w, s), (weight, signals)| (w + weight, s + signals));
        let cap = self.highlight_cap * self.target;
        // From the brightest down: what is above the cap counts as that, and the rest has to make up the remainder.
        let mut remainder = self.target * weights;
        for (weight, signals) in lit {
            if remainder * (signals / weight) <= cap * sum {
                return self.target * sum / remainder;
            }
            remainder -= cap * weight;
            sum -= signals;
        }
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The signal metered in a picture of the standard size, in units of the target.
    fn metered(signal: impl Fn(usize, usize) -> f64) -> f64 {
        let meter = Meter::new(&Profile::library("vs121-p-standard").unwrap());
        let mut histogram = Histogram::new();
        for (x, y) in (0..240).flat_map(|y| (0..320).map(move |x| (x, y))) {
            let signal = (signal(x, y) * meter.target).min(1.0);
            histogram.count((signal * 255.0) as u8, meter.weight(x, y), signal as f32);
        }
        meter.signal(&histogram) / meter.target
    }

    #[test]
    fn a_flat_picture_is_metered_as_it_is() {
        for level in [0.01, 0.5, 1.0, 2.0, 5.0] {
            let ratio = metered(|_, _| level) / level;
            assert!((ratio - 1.0).abs() < 1e-4, "{level}: {ratio}");
        }
        assert_eq!(metered(|_, _| 0.0), 0.0);
    }

    #[test]
    fn walls_at_the_border_count_less_than_the_floor_in_the_middle() {
        // The same share of the picture bright: along the border, and in the middle.
        let border = metered(|x, _| if !(40..280).contains(&x) { 1.8 } else { 1.0 });
        let middle = metered(|x, _| if (120..200).contains(&x) { 1.8 } else { 1.0 });
        assert!(border > 1.1 && border < 1.17, "{border}");
        assert!(middle > 1.22, "{middle}");
    }

    #[test]
    fn a_window_darkens_the_room_a_little_however_bright_it_is() {
        let window = |brightness: f64| metered(|x, y| if x < 80 && y < 120 { brightness } else { 1.0 });
        // A tenth of the weight counts as twice the target and no more: the rest gets 0.88 of its own.
        for brightness in [3.0, 6.0, 1000.0] {
            assert!((1.08..1.15).contains(&window(brightness)), "{brightness}: {}", window(brightness));
        }
        let mean = (80.0 * 120.0 * 6.0 + (320.0 * 240.0 - 80.0 * 120.0)) / (320.0 * 240.0);
        assert!(mean > 1.6, "the mean would have made it {mean}");
    }

    #[test]
    fn what_is_metered_is_in_proportion_to_the_exposure_until_it_clips() {
        let scene = |x: usize| if x < 100 { 4.0 } else { 0.3 };
        let (once, half) = (metered(|x, _| scene(x)), metered(|x, _| scene(x) / 2.0));
        assert!((once / half - 2.0).abs() < 0.02, "{once} and {half}");
    }
}
