//! Walking: where the feet are while the body goes along a path. A foot that bears weight does not move.
//!
//! Everything is a function of the distance walked, so that any moment can be had without those before it.

use glam::DVec2;

use crate::motion::Build;

/// Metres a step of somebody with legs of [`LEG_M`] covers at a speed in m/s: at a constant ratio of step length to cadence,
/// 0.0065 m/(steps/min), which people keep over a wide range of speeds (Sekiya et al., "Optimal walking in terms of
/// variability in step length", 1997), but no more than legs without a rolling ankle reach. Other legs take steps in proportion.
fn step_m(speed_m_s: f64) -> f64 {
    (0.0065 * 60.0 * speed_m_s).sqrt().min(0.85 * LEG_M)
}

/// Hip to ankle of somebody 1.75 m tall.
pub(crate) const LEG_M: f64 = 0.83;

/// A foot swings while the body covers 0.8 of a step, from 1.3 to 0.5 of a step before it is over the place to be stepped on:
/// it bears weight from half a step ahead of the body to 0.7 of a step behind it, where the risen heel makes the leg longer.
const SWING_STARTS: f64 = 1.3;
const SWING_ENDS: f64 = 0.5;
/// The first step has less time than the others, but need not end as long before the next one begins.
const FIRST_SWING_ENDS: f64 = 0.4;
/// The last foot, which joins the other, has less time, too, and starts as soon as the other stands.
const LAST_SWING_STARTS: f64 = 1.48;
/// How far the heel has risen when a foot leaves the floor, radians.
const HEEL_RISE: f64 = 0.6;
/// How far toes are up when a heel lands.
const TOES_UP: f64 = 0.15;

/// Where a foot is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Foot {
    /// The point of the floor below the ankle when the foot is flat on it.
    pub at: DVec2,
    /// Where the toes point, radians counter-clockwise from +x.
    pub yaw: f64,
    /// How high the ball of the foot is off the floor, m. 0 when it bears weight.
    pub lift_m: f64,
    /// Toes down (positive: the heel is up), radians.
    pub pitch: f64,
}

impl Foot {
    /// Flat on the floor.
    pub(crate) fn planted(at: DVec2, yaw: f64) -> Self {
        Foot { at, yaw, lift_m: 0.0, pitch: 0.0 }
    }

    /// A foot on its way, `part` (0 to 1) of a step done.
    pub(crate) fn swung(from: Foot, to: Foot, part: f64, lift_m: f64) -> Self {
        if part <= 0.0 {
            return from;
        }
        if part >= 1.0 {
            return to;
        }
        // Fast in the middle, at rest at both ends.
        let moved = part * part * (3.0 - 2.0 * part);
        let rises = HEEL_RISE * (1.0 - part / 0.45).clamp(0.0, 1.0);
        let lands = TOES_UP * ((part - 0.5) / 0.3).clamp(0.0, 1.0) * ((1.0 - part) / 0.1).clamp(0.0, 1.0);
        Foot {
            at: from.at.lerp(to.at, moved),
            yaw: from.yaw + shortest_turn(from.yaw, to.yaw) * moved,
            lift_m: lift_m * (std::f64::consts::PI * part).sin(),
            pitch: if from.pitch > 0.0 { from.pitch / HEEL_RISE * rises - lands } else { 0.0 },
        }
    }
}

/// The turn from one heading to another, −π … π.
pub(crate) fn shortest_turn(from: f64, to: f64) -> f64 {
    let tau = std::f64::consts::TAU;
    (to - from + std::f64::consts::PI).rem_euclid(tau) - std::f64::consts::PI
}

/// A walk along a polyline, at a speed of its own on each stretch of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Walk {
    /// Way points; at least two.
    points: Vec<DVec2>,
    /// Metres from the start to each way point.
    along_m: Vec<f64>,
    /// Seconds from the start to each way point.
    at_s: Vec<f64>,
    /// Strides of the length that suits the speed, from the start to each way point. The steps really taken are a whole number
    /// of nearly these.
    strides: Vec<f64>,
    /// Where the walker faced before.
    faced: f64,
    /// Left, right, as they stood before.
    stood: [Foot; 2],
    build: Build,
}

/// Seconds over which a change of direction is smoothed.
const TURN_S: f64 = 0.4;

impl Walk {
    pub fn new(from: DVec2, faced: f64, stood: [Foot; 2], build: Build) -> Self {
        Walk { points: vec![from], along_m: vec![0.0], at_s: vec![0.0], strides: vec![0.0], faced, stood, build }
    }

    /// Goes on to another point, which must be apart from the last.
    pub fn extend(&mut self, to: DVec2, speed_m_s: f64) {
        let way_m = self.end().distance(to);
        self.along_m.push(self.length_m() + way_m);
        self.at_s.push(self.duration_s() + way_m / speed_m_s);
        self.strides.push(self.strides[self.strides.len() - 1] + way_m / self.step_m(speed_m_s));
        self.points.push(to);
    }

    pub fn end(&self) -> DVec2 {
        self.points[self.points.len() - 1]
    }

    pub fn length_m(&self) -> f64 {
        self.along_m[self.along_m.len() - 1]
    }

    pub fn duration_s(&self) -> f64 {
        self.at_s[self.at_s.len() - 1]
    }

    fn step_m(&self, speed_m_s: f64) -> f64 {
        step_m(speed_m_s) * self.build.leg_m / LEG_M
    }

    /// How far the walker has come after `seconds`.
    pub fn metres(&self, seconds: f64) -> f64 {
        between(&self.at_s, &self.along_m, seconds)
    }

    /// Where the walker is after `metres`.
    pub fn at(&self, metres: f64) -> DVec2 {
        let i = self.segment(metres);
        let length = self.along_m[i + 1] - self.along_m[i];
        self.points[i].lerp(self.points[i + 1], ((metres - self.along_m[i]) / length).clamp(0.0, 1.0))
    }

    /// Where the walker faces after `metres`, radians.
    pub fn heading(&self, metres: f64) -> f64 {
        let i = self.segment(metres);
        let length = self.along_m[i + 1] - self.along_m[i];
        let turning_m = TURN_S * length / (self.at_s[i + 1] - self.at_s[i]);
        let turn = |before: f64, to: f64, done_m: f64, over_m: f64| {
            before + shortest_turn(before, to) * (done_m / over_m).clamp(0.0, 1.0)
        };
        // A stretch that is shorter than a turn takes is long enough for a fast one.
        let before = self.direction(i.saturating_sub(1));
        let along = turn(before, self.direction(i), metres - self.along_m[i], turning_m.min(length));
        turn(self.faced, along, metres, turning_m.min(self.length_m()))
    }

    fn segment(&self, metres: f64) -> usize {
        segment(&self.along_m, metres)
    }

    fn direction(&self, segment: usize) -> f64 {
        let way = self.points[segment + 1] - self.points[segment];
        way.y.atan2(way.x)
    }

    /// How many steps the walk has, and how many of them a stride is.
    fn steps(&self) -> (u32, f64) {
        let strides = self.strides[self.strides.len() - 1];
        let steps = strides.ceil().max(1.0);
        (steps as u32, steps / strides)
    }

    /// How far along the walk step `k` is put down.
    fn plant_m(&self, k: u32) -> f64 {
        let (steps, of_stride) = self.steps();
        if k >= steps { self.length_m() } else { between(&self.strides, &self.along_m, f64::from(k) / of_stride) }
    }

    /// Where a foot (0 left, 1 right) is after `metres`.
    pub fn foot(&self, foot: usize, metres: f64) -> Foot {
        let (steps, of_stride) = self.steps();
        // From here on the way is measured in steps.
        let now = between(&self.along_m, &self.strides, metres) * of_stride;
        // The left foot takes the odd steps, the right one the even ones; after the last step the other foot follows.
        let mine = |k: u32| k % 2 == 1 - foot as u32;
        let from = |k: u32| f64::from(k) - if k > steps { LAST_SWING_STARTS } else { SWING_STARTS };
        let starts = |k: u32| from(k).max(0.0);
        let until = |k: u32| f64::from(k) - if k == 1 { FIRST_SWING_ENDS } else { SWING_ENDS };
        let ends = |k: u32| until(k).min(f64::from(steps));
        let soonest = (now + SWING_STARTS.max(LAST_SWING_STARTS)).ceil() as u32;
        let current = (1..=soonest.min(steps + 1)).rev().find(|&k| mine(k) && starts(k) < now);
        let Some(k) = current else { return self.heel(self.stood[foot], 0, mine(1), now) };
        let (from, begun) = if k > 2 { (self.plant(foot, k - 2), k - 2) } else { (self.stood[foot], 0) };
        if now >= ends(k) {
            let last = k + 2 > steps + 1;
            return self.heel(self.plant(foot, k), k, last, now);
        }
        let part = (now - starts(k)) / (ends(k) - starts(k));
        let left = self.heel(from, begun, k == 1, starts(k));
        let step_m = self.plant_m(k.min(steps)) - self.plant_m(k.min(steps) - 1);
        Foot::swung(left, self.plant(foot, k), part, 0.05 + 0.05 * step_m)
    }

    /// A foot put down at step `k`, after `now` steps: its heel rises when the body has passed, unless it stays.
    fn heel(&self, planted: Foot, k: u32, stays: bool, now: f64) -> Foot {
        let passed = now - f64::from(k);
        let part = if stays { 0.0 } else { ((passed - 0.1) / (2.0 - SWING_STARTS - 0.1)).clamp(0.0, 1.0) };
        Foot { pitch: HEEL_RISE * part * part * (3.0 - 2.0 * part), ..planted }
    }

    /// Where step `k` is put down.
    fn plant(&self, foot: usize, k: u32) -> Foot {
        let metres = self.plant_m(k);
        // The heading that the body will have when it is over the foot, turned out a little.
        let heading =
            if metres < self.length_m() { self.heading(metres) } else { self.direction(self.points.len() - 2) };
        let side = if foot == 0 { 1.0 } else { -1.0 };
        Foot::planted(self.at(metres) + beside(heading, side * self.build.half_m), heading + side * 0.08)
    }
}

/// The stretch of an ascending list that a value is on.
fn segment(ascending: &[f64], value: f64) -> usize {
    ascending.partition_point(|end| *end <= value).clamp(1, ascending.len() - 1) - 1
}

/// What `to` has, linearly, where `from` (ascending) has `value`; its ends beyond its ends.
fn between(from: &[f64], to: &[f64], value: f64) -> f64 {
    let i = segment(from, value);
    let part = ((value - from[i]) / (from[i + 1] - from[i])).clamp(0.0, 1.0);
    to[i] + (to[i + 1] - to[i]) * part
}

/// A step to the left (in metres; negative: right) of somebody with a heading.
pub(crate) fn beside(heading: f64, left_m: f64) -> DVec2 {
    DVec2::new(-heading.sin(), heading.cos()) * left_m
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILD: Build = Build { half_m: 0.09, seated_reach_m: 0.4, leg_m: LEG_M };

    fn walk(speed_m_s: f64) -> Walk {
        let stood = [0.09, -0.09].map(|left| Foot::planted(beside(0.0, left), 0.0));
        let mut walk = Walk::new(DVec2::ZERO, 0.0, stood, BUILD);
        walk.extend(DVec2::new(4.0, 0.0), speed_m_s);
        walk.extend(DVec2::new(4.0, 3.0), speed_m_s);
        walk
    }

    #[test]
    fn a_foot_on_the_floor_stays_where_it_is_and_one_is_always_there() {
        for speed in [0.3, 0.8, 1.3, 2.5] {
            let walk = walk(speed);
            let mut stood: [Option<DVec2>; 2] = [None, None];
            for millimetre in 0..=7000 {
                let feet = [0, 1].map(|foot| walk.foot(foot, f64::from(millimetre) * 1e-3));
                assert!(
                    feet.iter().any(|foot| foot.lift_m < 1e-9),
                    "{speed} m/s: nothing on the floor at {millimetre} mm"
                );
                for (foot, stood) in feet.iter().zip(&mut stood) {
                    if foot.lift_m > 0.0 {
                        *stood = None;
                    } else if let Some(before) = stood {
                        assert!(foot.at.distance(*before) < 1e-3, "{speed} m/s: slips at {millimetre} mm");
                    } else {
                        *stood = Some(foot.at);
                    }
                }
            }
        }
    }

    #[test]
    fn feet_move_without_jumps_keep_near_the_body_and_end_side_by_side() {
        for speed in [0.3, 1.2, 2.5] {
            let walk = walk(speed);
            let mut before = [0, 1].map(|foot| walk.foot(foot, 0.0));
            for millimetre in 1..=7000 {
                let metres = f64::from(millimetre) * 1e-3;
                for (foot, before) in before.iter_mut().enumerate() {
                    let now = walk.foot(foot, metres);
                    assert!(now.at.distance(before.at) < 0.02, "{speed} m/s: foot {foot} jumps at {metres} m");
                    assert!((now.pitch - before.pitch).abs() < 0.05, "{speed} m/s: heel {foot} jumps at {metres} m");
                    assert!((now.lift_m - before.lift_m).abs() < 0.01, "{speed} m/s: foot {foot} hops at {metres} m");
                    assert!(
                        now.at.distance(walk.at(metres)) < 0.85 * step_m(speed) + 0.12,
                        "{speed} m/s at {metres} m"
                    );
                    *before = now;
                }
            }
            let end = [0, 1].map(|foot| walk.foot(foot, walk.length_m()).at);
            assert!((end[0] + end[1]).distance(DVec2::new(8.0, 6.0)) < 1e-6, "{end:?}");
        }
    }

    #[test]
    fn steps_are_as_long_as_peoples() {
        // Sekiya et al.: about 0.68 m at 1.2 m/s.
        assert!((step_m(1.2) - 0.68).abs() < 0.01);
        assert!(step_m(0.3) > 0.3 && step_m(2.5) < 0.75);
    }
}
