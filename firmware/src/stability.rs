//! When a count is believed.
//!
//! A change is a change when it has lasted for the configured time (0–10 s, 1 s by default). Between two looks a count is
//! taken to stay as it was last seen, so that the moment of belief does not depend on the frame rate. Each region and the
//! total are judged by themselves. Everything starts from nobody, so that people found at power-on are a change.
//!
//! Knows nothing of reports.

use std::time::Duration;

use analytics::{Counts, RegionCount};
use firmware_shim::Uptime;

/// A number that is believed, and another one seen lately that is not yet.
#[derive(Clone, Copy, Debug, Default)]
struct Number {
    believed: u32,
    candidate: Option<(u32, Uptime)>,
}

impl Number {
    fn settle(&mut self, now: Uptime, stable_for: Duration) {
        if let Some((value, since)) = self.candidate
            && now >= since + stable_for
        {
            *self = Number { believed: value, candidate: None };
        }
    }

    fn see(&mut self, value: u32, now: Uptime) {
        match self.candidate {
            _ if value == self.believed => self.candidate = None,
            Some((candidate, _)) if candidate == value => {}
            _ => self.candidate = Some((value, now)),
        }
    }
}

/// The counts that are believed.
#[derive(Clone, Debug)]
pub(crate) struct Stability {
    stable_for: Duration,
    total: Number,
    /// By region id, ascending.
    regions: Vec<(u32, Number)>,
}

impl Stability {
    /// Believes that nobody is there.
    pub fn new(stable_for: Duration, region_ids: &[u32]) -> Self {
        let mut stability = Stability { stable_for, total: Number::default(), regions: Vec::new() };
        stability.reconfigure(stable_for, region_ids);
        stability
    }

    /// Takes other settings. A region that stays keeps what is believed of it; a new one starts from nobody.
    pub fn reconfigure(&mut self, stable_for: Duration, region_ids: &[u32]) {
        self.stable_for = stable_for;
        let number =
            |id: &u32| self.regions.iter().find(|(known, _)| known == id).map_or_else(Number::default, |r| r.1);
        let mut regions: Vec<(u32, Number)> = region_ids.iter().map(|id| (*id, number(id))).collect();
        regions.sort_by_key(|(id, _)| *id);
        self.regions = regions;
    }

    /// Believes what has lasted long enough by now.
    pub fn settle(&mut self, now: Uptime) {
        let stable_for = self.stable_for;
        self.numbers_mut().for_each(|number| number.settle(now, stable_for));
    }

    /// Takes a look. What had lasted long enough before it is believed first.
    pub fn see(&mut self, counts: &Counts, now: Uptime) {
        self.settle(now);
        self.total.see(counts.total, now);
        for (id, number) in &mut self.regions {
            if let Some(seen) = counts.regions.iter().find(|region| region.id == *id) {
                number.see(seen.count, now);
            }
        }
        self.settle(now);
    }

    /// What is believed, regions by ascending id.
    pub fn believed(&self) -> Counts {
        let regions = self.regions.iter().map(|(id, number)| RegionCount { id: *id, count: number.believed }).collect();
        Counts { total: self.total.believed, regions }
    }

    /// When the next candidate will be believed if nothing else is seen.
    pub fn next_wake(&self) -> Option<Uptime> {
        let numbers = std::iter::once(&self.total).chain(self.regions.iter().map(|(_, number)| number));
        numbers.filter_map(|number| number.candidate).map(|(_, since)| since + self.stable_for).min()
    }

    fn numbers_mut(&mut self) -> impl Iterator<Item = &mut Number> {
        std::iter::once(&mut self.total).chain(self.regions.iter_mut().map(|(_, number)| number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is believed of the total after each look, one look every 500 ms.
    fn believed(stable_for_s: f64, seen: &[u32]) -> Vec<u32> {
        let mut stability = Stability::new(Duration::from_secs_f64(stable_for_s), &[]);
        let look = |(i, total): (usize, &u32)| {
            let counts = Counts { total: *total, regions: Vec::new() };
            stability.see(&counts, Uptime::from_millis(i as u64 * 500));
            stability.believed().total
        };
        seen.iter().enumerate().map(look).collect()
    }

    #[test]
    fn a_change_is_believed_when_it_has_lasted() {
        assert_eq!(believed(1.0, &[2, 2, 2, 2]), [0, 0, 2, 2]);
        assert_eq!(believed(0.0, &[2, 3, 0]), [2, 3, 0]);
    }

    #[test]
    fn a_flicker_is_not_a_change() {
        assert_eq!(believed(1.0, &[2, 2, 2, 1, 2, 1, 2, 2, 2]), [0, 0, 2, 2, 2, 2, 2, 2, 2]);
    }

    #[test]
    fn another_number_starts_the_wait_anew() {
        assert_eq!(believed(1.0, &[2, 3, 3, 3]), [0, 0, 0, 3]);
    }

    #[test]
    fn belief_comes_between_looks_too() {
        let mut stability = Stability::new(Duration::from_secs(1), &[]);
        stability.see(&Counts { total: 1, regions: Vec::new() }, Uptime::from_millis(200));
        assert_eq!(stability.next_wake(), Some(Uptime::from_millis(1200)));
        stability.settle(Uptime::from_millis(1199));
        assert_eq!(stability.believed().total, 0);
        stability.settle(Uptime::from_millis(1200));
        assert_eq!((stability.believed().total, stability.next_wake()), (1, None));
    }

    #[test]
    fn regions_are_judged_by_themselves_and_outlive_other_settings() {
        let mut stability = Stability::new(Duration::from_secs(1), &[3, 1]);
        let seen = |one, three| {
            let regions = vec![RegionCount { id: 3, count: three }, RegionCount { id: 1, count: one }];
            Counts { total: 2, regions }
        };
        stability.see(&seen(1, 1), Uptime::from_millis(0));
        stability.see(&seen(2, 1), Uptime::from_millis(500));
        stability.settle(Uptime::from_millis(1000));
        let believed = |id: u32, count| RegionCount { id, count };
        assert_eq!(stability.believed().regions, [believed(1, 0), believed(3, 1)]);
        stability.reconfigure(Duration::from_secs(1), &[2, 3]);
        assert_eq!(stability.believed().regions, [believed(2, 0), believed(3, 1)]);
    }
}
