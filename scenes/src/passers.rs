//! People who pass through a room one after another or together: for measuring how well those who cross a line are counted.

use glam::DVec2;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::library::library_looks;
use crate::{Person, Scene, Start, Step};

/// Who passes together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    /// One by one, in either direction.
    Alone,
    /// Two side by side.
    Abreast,
    /// Two who meet, shoulder to shoulder.
    Opposite,
    /// Two pairs, one behind the other.
    GroupOfFour,
}

/// Where people pass.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// From here, or to here.
    pub from: DVec2,
    /// To here, or from here.
    pub to: DVec2,
    /// To either side of the way, m: those alone walk anywhere within.
    pub half_width_m: f64,
}

/// From shoulder to shoulder, between the middles of two people, m.
const ABREAST_M: f64 = 0.65;
/// From one pair to the next, m.
const BEHIND_M: f64 = 1.0;
/// The slowest and the fastest, m/s.
const SPEED_M_S: std::ops::Range<f64> = 0.5..2.0;
/// The longest time without anybody, s.
const GAP_S: f64 = 1.5;

impl Scene {
    /// The same room in which about `people` pass, dressed as those of the library are, and when the last has passed, s. Whoever comes
    /// starts when those before have gone.
    pub fn with_passers(&self, rng: &mut ChaCha8Rng, passing: Passing, way: Way, people: usize) -> (Self, f64) {
        let looks = library_looks();
        let along = (way.to - way.from).normalize();
        let aside = along.perp();
        let mut passers: Vec<Person> = Vec::new();
        let mut t_s = 0.5;
        while passers.len() < people {
            // Each: to which side of the way, how far behind, which way round, how fast.
            let speed: f64 = rng.random_range(SPEED_M_S);
            let back = rng.random_bool(0.5);
            let side = rng.random_range(-1.0..1.0) * (way.half_width_m - ABREAST_M / 2.0).max(0.0);
            let half = ABREAST_M / 2.0;
            let group: Vec<(f64, f64, bool, f64)> = match passing {
                Passing::Alone => vec![(rng.random_range(-1.0..1.0) * way.half_width_m, 0.0, back, speed)],
                Passing::Abreast => vec![(side - half, 0.0, back, speed), (side + half, 0.0, back, speed)],
                Passing::Opposite => vec![(side - half, 0.0, back, speed), (side + half, 0.0, !back, speed)],
                Passing::GroupOfFour => vec![
                    (side - half, 0.0, back, speed),
                    (side + half, 0.0, back, speed),
                    (side - half, BEHIND_M, back, speed),
                    (side + half, BEHIND_M, back, speed),
                ],
            };
            let mut gone_s: f64 = t_s;
            for (side_m, behind_m, back, speed_m_s) in group {
                let (from, to) = if back { (way.to, way.from) } else { (way.from, way.to) };
                let (from, to) = (from + aside * side_m, to + aside * side_m);
                let appears_s = t_s + behind_m / speed_m_s;
                // Starting to walk takes a moment, too.
                gone_s = gone_s.max(appears_s + from.distance(to) / speed_m_s + 2.0);
                passers.push(Person {
                    name: format!("passer-{}", passers.len() + 1),
                    body: looks[rng.random_range(0..looks.len())].clone(),
                    starts: Start::Stands { at_m: from.into(), facing_deg: (to - from).to_angle().to_degrees() },
                    appears_s,
                    carries: vec![],
                    does: vec![Step::Walk { via_m: vec![to.into()], speed_m_s }, Step::Leave],
                });
            }
            t_s = gone_s + rng.random_range(0.0..GAP_S);
        }
        let scene = self.with_people(passers);
        let scene =
            scene.unwrap_or_else(|(field, words)| panic!("people pass against the rules of scenes: {field}: {words}"));
        (scene, t_s)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn people_pass_from_end_to_end_and_keep_apart() {
        let corridor = Scene::from_library("corridor").expect("listed").unwrap_or_else(|errors| panic!("{errors}"));
        let way = Way { from: DVec2::new(1.0, 1.6), to: DVec2::new(8.0, 1.6), half_width_m: 0.8 };
        for (passing, together) in
            [(Passing::Alone, 1), (Passing::Abreast, 2), (Passing::Opposite, 2), (Passing::GroupOfFour, 4)]
        {
            let rng = &mut ChaCha8Rng::seed_from_u64(3);
            let (scene, until_s) = corridor.with_passers(rng, passing, way, 8);
            assert_eq!(scene.people.len(), 8);
            assert!(scene.at(until_s).people.is_empty(), "{passing:?}: all have passed by {until_s} s");
            let mut most = 0;
            for step in 0..(until_s * 5.0) as u32 {
                let people = scene.at(f64::from(step) / 5.0).people;
                most = most.max(people.len());
                for (i, person) in people.iter().enumerate() {
                    assert!((person.floor.y - 1.6).abs() < 0.85, "{passing:?}: {}", person.floor);
                    for other in &people[..i] {
                        assert!(person.floor.distance(other.floor) > 0.5, "{passing:?} at {} s", f64::from(step) / 5.0);
                    }
                }
            }
            assert_eq!(most, together, "{passing:?}");
        }
    }
}
