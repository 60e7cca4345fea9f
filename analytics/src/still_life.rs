//! Things that look like people and never move: a coat on a chair, a lamp on a table. Who looks long enough tells them from people, for
//! nobody keeps quite still.
//!
//! It looks at pixels around detections and knows nothing of how they are found or followed.

use std::time::Duration;

use firmware_shim::{RgbImage, Uptime};
use glam::DVec2;

use crate::Detection;

/// How long nothing may change around a detection until it is a thing. Seated people who read or type move their heads and
/// hands every few seconds; a minute spares those who think.
const STILL_FOR: Duration = Duration::from_secs(60);
/// A detection this near to a known place, as a part of its body's size (the square root of its box's area), and at least so many pixels, is of it.
const SAME_PLACE: f64 = 0.2;
const SAME_PLACE_PX: f64 = 6.0;
/// What is looked at is a square around the head, this part of the body's size to each side: head and shoulders. All of the body's box
/// would have neighbours' arms in it, which move.
const HEAD_SHARE: f64 = 0.4;
/// It is looked at in so many cells each way: means of pixels, in which there is less noise than in pixels.
const CELLS: usize = 12;
/// More than noise explains, by this factor, is a change; so many cells' root mean square varies by 6 % from picture to picture.
const OVER_NOISE: f64 = 1.3;
/// And more than this, of 255: pixels are rounded.
const LEAST: f64 = 0.5;
/// How much less or more contrast light alone can make.
const GAIN: (f64, f64) = (0.4, 2.5);
/// Places remembered; the ones longest unseen are forgotten.
const PLACES_MAX: usize = 64;
/// Every so many pixels one is looked at to see how much pictures tremble.
const NOISE_STRIDE: usize = 37;
/// Standard deviation of a normal distribution over its median absolute deviation.
const SIGMA_OF_MEDIAN: f64 = 1.4826;

/// Luminance of the cells of a square.
type Patch = [f64; CELLS * CELLS];

/// Remembers where nothing moves.
#[derive(Clone, Debug, Default)]
pub(crate) struct StillLife {
    places: Vec<Place>,
    /// Some pixels of the last picture.
    before: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Place {
    head_px: DVec2,
    area: (DVec2, DVec2),
    /// As it looked when it last changed.
    patch: Patch,
    changed_at: Uptime,
    seen_at: Uptime,
    /// As it looks with nothing but a thing in it.
    thing: Option<Patch>,
}

impl StillLife {
    /// Leaves out the detections around which nothing has changed for a minute, and those that look again as they did then.
    pub fn without_things(&mut self, now: Uptime, picture: &RgbImage, detections: Vec<Detection>) -> Vec<Detection> {
        let noise = self.noise(picture);
        let mut people = Vec::with_capacity(detections.len());
        for detection in detections {
            if !self.is_thing(now, picture, noise, &detection) {
                people.push(detection);
            }
        }
        while self.places.len() > PLACES_MAX {
            let oldest = (0..self.places.len()).min_by_key(|i| self.places[*i].seen_at).expect("there are some");
            self.places.swap_remove(oldest);
        }
        people
    }

    fn is_thing(&mut self, now: Uptime, picture: &RgbImage, noise: f64, detection: &Detection) -> bool {
        let size = (detection.box_max_px - detection.box_min_px).max(DVec2::ONE).element_product().sqrt();
        let area = (detection.head_px - HEAD_SHARE * size, detection.head_px + HEAD_SHARE * size);
        let reach = (SAME_PLACE * size).max(SAME_PLACE_PX);
        let distance = |place: &Place| place.head_px.distance(detection.head_px);
        let nearest = self.places.iter_mut().min_by(|a, b| distance(a).total_cmp(&distance(b)));
        let Some(place) = nearest.filter(|place| distance(place) < reach) else {
            let patch = look(picture, area).0;
            let head_px = detection.head_px;
            self.places.push(Place { head_px, area, patch, changed_at: now, seen_at: now, thing: None });
            return false;
        };
        place.seen_at = now;
        let (patch, pixels) = look(picture, place.area);
        // Two pictures differ by the noise of both.
        let limit = LEAST + OVER_NOISE * std::f64::consts::SQRT_2 * noise / pixels.max(1.0).sqrt();
        if difference(&place.patch, &patch) > limit {
            (place.patch, place.changed_at) = (patch, now);
        } else if now.since(place.changed_at) >= STILL_FOR {
            place.thing = Some(place.patch);
        }
        place.thing.is_some_and(|thing| difference(&thing, &patch) <= limit)
    }

    /// The standard deviation of a pixel from picture to picture, of 255: what most pixels do.
    fn noise(&mut self, picture: &RgbImage) -> f64 {
        let now: Vec<u8> = picture.pixels.iter().skip(1).step_by(3 * NOISE_STRIDE).copied().collect();
        let mut differences: Vec<u8> = now.iter().zip(&self.before).map(|(a, b)| a.abs_diff(*b)).collect();
        self.before = now;
        differences.sort_unstable();
        let median = differences.get(differences.len() / 2).map_or(0.0, |median| f64::from(*median));
        SIGMA_OF_MEDIAN * median / std::f64::consts::SQRT_2
    }
}

/// The cells of a part of the picture, and how many pixels a cell has.
fn look(picture: &RgbImage, (min, max): (DVec2, DVec2)) -> (Patch, f64) {
    let mut patch = [0.0; CELLS * CELLS];
    let mut pixels = 0.0;
    let cell = (max - min).max(DVec2::ONE) / CELLS as f64;
    for (i, value) in patch.iter_mut().enumerate() {
        let from = min + cell * DVec2::new((i % CELLS) as f64, (i / CELLS) as f64);
        let range = |from: f64, to: f64, end: u32| {
            let first = from.clamp(0.0, f64::from(end - 1)) as u32;
            first..(to.ceil().clamp(0.0, f64::from(end)) as u32).max(first + 1)
        };
        let (columns, rows) =
            (range(from.x, from.x + cell.x, picture.width), range(from.y, from.y + cell.y, picture.height));
        let (mut sum, mut count) = (0.0, 0.0);
        for row in rows {
            for column in columns.clone() {
                let at = 3 * (row * picture.width + column) as usize;
                sum += f64::from(picture.pixels[at + 1]);
                count += 1.0;
            }
        }
        *value = sum / count;
        pixels += count / (CELLS * CELLS) as f64;
    }
    (patch, pixels)
}

/// The root mean square by which one patch differs from the other after it was made as bright and as rich in contrast: a shadow over a
/// thing, or another exposure, moves nothing.
fn difference(before: &Patch, now: &Patch) -> f64 {
    let count = (CELLS * CELLS) as f64;
    let mean = |patch: &Patch| patch.iter().sum::<f64>() / count;
    let (mean_before, mean_now) = (mean(before), mean(now));
    let (mut together, mut alone) = (0.0, 0.0);
    for (a, b) in before.iter().zip(now) {
        together += (a - mean_before) * (b - mean_now);
        alone += (a - mean_before).powi(2);
    }
    // A shadow takes some of the light; what is without any contrast, or has it the other way round, is not the same thing in a shadow.
    let gain = if alone > 0.0 { (together / alone).clamp(GAIN.0, GAIN.1) } else { 1.0 };
    let rest = |(a, b): (&f64, &f64)| (b - mean_now - gain * (a - mean_before)).powi(2);
    (before.iter().zip(now).map(rest).sum::<f64>() / count).sqrt()
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::Posture;

    const SIZE: u32 = 100;

    /// Stripes that lie at `x`, in a room that trembles by `noise` and is `light` times as bright.
    fn picture(rng: &mut ChaCha8Rng, x: f64, noise: f64, light: f64) -> RgbImage {
        let value = |i: u32| {
            let column = f64::from(i % SIZE) - x;
            light * (120.0 + 60.0 * (column * 0.7).sin())
        };
        let pixels: Vec<u8> = (0..SIZE * SIZE)
            .flat_map(|i| {
                let trembling: f64 = (0..4).map(|_| rng.random_range(-1.0..1.0)).sum::<f64>() * 0.87 * noise;
                [(value(i) + trembling).clamp(0.0, 255.0) as u8; 3]
            })
            .collect();
        RgbImage { width: SIZE, height: SIZE, pixels: pixels.into() }
    }

    fn detection() -> Detection {
        Detection {
            head_px: DVec2::new(50.0, 50.0),
            box_min_px: DVec2::new(35.0, 30.0),
            box_max_px: DVec2::new(65.0, 75.0),
            posture: Posture::Seated,
            confidence: 0.8,
        }
    }

    /// Seconds, where the stripes lie as a function of time, noise and light.
    type Stretch = (u64, fn(f64) -> f64, f64, f64);

    /// Looks twice a second. How many half seconds of each stretch somebody was seen.
    fn seen(stretches: &[Stretch]) -> Vec<usize> {
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let (mut still_life, mut half_seconds) = (StillLife::default(), 0);
        let mut stretch = |(seconds, place, noise, light): &Stretch| {
            let mut frame = || {
                half_seconds += 1;
                let now = Uptime::from_millis(500 * half_seconds);
                let picture = picture(rng, place(now.as_secs_f64()), *noise, *light);
                still_life.without_things(now, &picture, vec![detection()]).len()
            };
            (0..2 * seconds).map(|_| frame()).sum()
        };
        stretches.iter().map(&mut stretch).collect()
    }

    #[test]
    fn what_does_not_move_for_a_minute_is_a_thing_in_any_noise() {
        for noise in [0.0, 2.0, 6.0] {
            let told = seen(&[(62, |_| 0.0, noise, 1.0), (100, |_| 0.0, noise, 1.0)]);
            assert!((118..=122).contains(&told[0]) && told[1] == 0, "noise {noise}: {told:?}");
        }
    }

    #[test]
    fn who_moves_a_little_now_and_then_is_a_person() {
        for noise in [0.0, 2.0, 6.0] {
            let told = seen(&[(300, |t_s| (t_s * 0.4).sin(), noise, 1.0)]);
            assert_eq!(told, [600], "noise {noise}");
            let told = seen(&[(300, |t_s| (t_s / 40.0).floor() * 2.0, noise, 1.0)]);
            assert_eq!(told, [600], "every 40 s, noise {noise}");
        }
    }

    #[test]
    fn a_shadow_moves_nothing_and_a_thing_is_known_again_after_somebody_stood_there() {
        let thing = |_: f64| 0.0;
        let told = seen(&[
            (70, thing, 2.0, 1.0),
            (20, thing, 2.0, 0.7),
            (20, |t_s| 4.0 + t_s.sin(), 2.0, 1.0),
            (20, thing, 2.0, 1.0),
        ]);
        assert_eq!(told[1], 0, "in a shadow");
        assert!(told[2] >= 38, "somebody walks before it: {told:?}");
        assert!(told[3] <= 1, "the thing again: {told:?}");
    }

    #[test]
    fn places_are_not_remembered_without_end() {
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let mut still_life = StillLife::default();
        for i in 0..1000u64 {
            let at = DVec2::new((i * 37 % 100) as f64, (i * 53 % 90) as f64);
            let detection = Detection { head_px: at, box_min_px: at - 2.0, box_max_px: at + 2.0, ..detection() };
            let picture = picture(rng, i as f64, 1.0, 1.0);
            still_life.without_things(Uptime::from_millis(100 * i), &picture, vec![detection]);
        }
        assert_eq!(still_life.places.len(), PLACES_MAX);
    }
}
