//! The DI pin: a wet contact with hysteresis, and a button on it that bounces.

use std::collections::VecDeque;
use std::time::Duration;

use firmware_shim::{Level, Uptime};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// At most this reads low (guide §2.2).
const LOW_MAX_V: f64 = 0.5;
/// At least this reads high, up to 5 V (guide §2.2). Between the two the last level holds.
const HIGH_MIN_V: f64 = 3.0;
/// What a button gives while it is pressed. Assumed: what microcontrollers run on.
const BUTTON_V: f64 = 3.3;
/// How long a button's contact bounces when it closes or opens. Assumed: few take longer than 5 ms (J. Ganssle, *A Guide to Debouncing*, 2004).
const BOUNCE: Duration = Duration::from_millis(5);
/// How often it opens and closes again meanwhile, at most.
const BOUNCES_MAX: u32 = 4;

/// The pin and what is put on it.
#[derive(Clone, Debug, Default)]
pub struct DigitalInput {
    level: Level,
    /// Voltages to come, in the order of time.
    changes: VecDeque<(Uptime, f64)>,
}

impl DigitalInput {
    /// Puts a voltage on the pin from `at` on. What was to come later is no more.
    pub fn put(&mut self, at: Uptime, volts: f64) {
        self.changes.retain(|(when, _)| *when < at);
        self.changes.push_back((at, volts));
    }

    /// Has somebody press a button at `at` for so long. Its contact bounces at both ends, as `rng` has it.
    pub fn press(&mut self, at: Uptime, held: Duration, rng: &mut ChaCha8Rng) {
        self.changes.retain(|(when, _)| *when < at);
        for (edge, volts) in [(at, BUTTON_V), (at + held, 0.0)] {
            self.changes.push_back((edge, volts));
            let mut times: Vec<Duration> =
                (0..2 * rng.random_range(0..=BOUNCES_MAX)).map(|_| BOUNCE.mul_f64(rng.random())).collect();
            times.sort();
            let other = BUTTON_V - volts;
            let bounces = times.into_iter().enumerate();
            self.changes.extend(bounces.map(|(i, after)| (edge + after, if i % 2 == 0 { other } else { volts })));
        }
        // Who lets go at once does so while the contact still bounces.
        self.changes.make_contiguous().sort_by_key(|(at, _)| *at);
    }

    /// What the pin reads at `now`, which never lies before the last time.
    pub fn read(&mut self, now: Uptime) -> Level {
        while let Some((_, volts)) = self.changes.pop_front_if(|(at, _)| *at <= now) {
            if volts <= LOW_MAX_V {
                self.level = Level::Low;
            } else if volts >= HIGH_MIN_V {
                self.level = Level::High;
            }
        }
        self.level
    }

    /// When the voltage changes next.
    pub fn next_change(&self) -> Option<Uptime> {
        self.changes.front().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn between_the_levels_the_last_one_holds() {
        let mut pin = DigitalInput::default();
        let volts = [0.0, 2.9, 3.0, 0.6, 5.0, 0.5, 2.9];
        let read = volts.iter().zip(1..).map(|(volts, ms)| {
            pin.put(Uptime::from_millis(ms), *volts);
            pin.read(Uptime::from_millis(ms))
        });
        use Level::{High, Low};
        assert_eq!(read.collect::<Vec<_>>(), [Low, Low, High, High, High, Low, Low]);
    }

    #[test]
    fn a_button_bounces_and_comes_to_rest() {
        let mut bounces = 0;
        for seed in 0..50 {
            let mut pin = DigitalInput::default();
            let (at, held) = (Uptime::from_millis(100), Duration::from_millis(200));
            pin.press(at, held, &mut ChaCha8Rng::seed_from_u64(seed));
            let mut told = vec![(Uptime::ZERO, pin.read(Uptime::ZERO))];
            while let Some(at) = pin.next_change() {
                let level = pin.read(at);
                if told.last().is_some_and(|(_, last)| *last != level) {
                    told.push((at, level));
                }
            }
            let rests = |from: Uptime, until: Uptime| told.iter().all(|(at, _)| *at < from || *at > until);
            assert!(rests(at + BOUNCE, at + held - Duration::from_nanos(1)) && told.len() % 2 == 1, "{told:?}");
            assert_eq!((told[1].0, told.last().map(|(_, level)| *level)), (at, Some(Level::Low)));
            bounces += told.len() - 3;
        }
        assert!(bounces > 100, "{bounces}");
    }
}
