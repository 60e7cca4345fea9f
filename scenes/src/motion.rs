//! How one person moves: a timeline of stretches, so that the state at any time is a function of the time alone.

use glam::DVec2;

/// Seconds that sitting down or getting up takes.
pub(crate) const SIT_S: f64 = 1.4;
/// Seconds over which a change of direction is smoothed.
const TURN_S: f64 = 0.4;
/// Metres a walker covers in one gait cycle (two steps) at ordinary speed.
const CYCLE_M: f64 = 1.35;

/// A person at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// The floor point below the pelvis, metres.
    pub at: DVec2,
    /// Where the body faces, radians counter-clockwise from +x.
    pub heading: f64,
    /// 0 upright … 1 seated.
    pub sit: f64,
    /// Phase of the gait cycle, radians.
    pub gait: f64,
    /// 0 still … 1 a full stride.
    pub stride: f64,
    /// A slow movement of people who stay where they are, −1 … 1.
    pub idle: f64,
}

/// One stretch of a timeline, from the end of the one before until `until_s`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stretch {
    from_s: f64,
    until_s: f64,
    from: DVec2,
    to: DVec2,
    heading: f64,
    sit_from: f64,
    sit_to: f64,
    /// Metres walked before this stretch; the gait carries on from there.
    walked_m: f64,
    walking: bool,
}

/// All of a person's movement.
#[derive(Clone, Debug, PartialEq)]
pub struct Motion {
    stretches: Vec<Stretch>,
    appears_s: f64,
    leaves_s: Option<f64>,
    /// Shifts the idle movement, so that people do not nod in step.
    phase: f64,
}

impl Motion {
    /// A person who appears at `appears_s` seconds, standing or seated.
    pub(crate) fn new(appears_s: f64, at: DVec2, heading: f64, seated: bool, phase: f64) -> Self {
        let sit = if seated { 1.0 } else { 0.0 };
        let start = Stretch {
            from_s: appears_s,
            until_s: appears_s,
            from: at,
            to: at,
            heading,
            sit_from: sit,
            sit_to: sit,
            walked_m: 0.0,
            walking: false,
        };
        Motion { stretches: vec![start], appears_s, leaves_s: None, phase }
    }

    fn last(&self) -> &Stretch {
        self.stretches.last().expect("a motion starts with one stretch and never loses it")
    }

    /// Where the person is at the end of what is planned so far.
    pub(crate) fn end(&self) -> DVec2 {
        self.last().to
    }

    /// When what is planned so far ends.
    pub(crate) fn end_s(&self) -> f64 {
        self.last().until_s
    }

    /// Where the person faces at the end of what is planned so far.
    pub(crate) fn end_heading(&self) -> f64 {
        self.last().heading
    }

    fn push(&mut self, duration_s: f64, to: DVec2, heading: f64, sit_to: f64, walking: bool) {
        let last = *self.last();
        let walked_m = last.walked_m + if last.walking { last.from.distance(last.to) } else { 0.0 };
        self.stretches.push(Stretch {
            from_s: last.until_s,
            until_s: last.until_s + duration_s,
            from: last.to,
            to,
            heading,
            sit_from: last.sit_to,
            sit_to,
            walked_m,
            walking,
        });
    }

    /// Walks straight to a point at a speed in m/s.
    pub(crate) fn walk(&mut self, to: DVec2, speed_m_s: f64) {
        let way = to - self.end();
        if way.length() > 1e-6 {
            self.push(way.length() / speed_m_s, to, way.y.atan2(way.x), 0.0, true);
        }
    }

    /// Stays as it is for some seconds.
    pub(crate) fn stay(&mut self, for_s: f64) {
        let last = *self.last();
        self.push(for_s, last.to, last.heading, last.sit_to, false);
    }

    /// Turns on the spot.
    pub(crate) fn face(&mut self, heading: f64) {
        let last = *self.last();
        self.push(TURN_S, last.to, heading, last.sit_to, false);
    }

    /// Sits down on a seat at `on`.
    pub(crate) fn sit_down(&mut self, on: DVec2, heading: f64) {
        self.push(SIT_S, on, heading, 1.0, false);
    }

    /// Gets up and steps to `to`.
    pub(crate) fn get_up(&mut self, to: DVec2) {
        let heading = self.end_heading();
        self.push(SIT_S, to, heading, 0.0, false);
    }

    /// Is gone from the end of what is planned so far.
    pub(crate) fn leave(&mut self) {
        self.leaves_s = Some(self.end_s());
    }

    /// The person at `t_s` seconds, or `None` when not there.
    pub fn at(&self, t_s: f64) -> Option<Moment> {
        if t_s < self.appears_s || self.leaves_s.is_some_and(|gone| t_s >= gone) {
            return None;
        }
        let index = self.stretches.partition_point(|s| s.until_s <= t_s).min(self.stretches.len() - 1);
        let now = &self.stretches[index];
        let span = now.until_s - now.from_s;
        let part = if span > 0.0 { ((t_s - now.from_s) / span).clamp(0.0, 1.0) } else { 1.0 };

        let before = index.checked_sub(1).map_or(now.heading, |i| self.stretches[i].heading);
        let turned = ((t_s - now.from_s) / TURN_S).clamp(0.0, 1.0);
        let heading = before + shortest_turn(before, now.heading) * turned;

        let walked = now.walked_m + if now.walking { now.from.distance(now.to) * part } else { 0.0 };
        // A stride grows over the first and shrinks over the last steps of a walk.
        let stride = if now.walking { ((t_s - now.from_s).min(now.until_s - t_s) / 0.3).clamp(0.0, 1.0) } else { 0.0 };
        let gait = walked / CYCLE_M * std::f64::consts::TAU;
        let idle = (0.9 * t_s + self.phase).sin() * (0.37 * t_s + 2.0 * self.phase).sin();
        let sit = now.sit_from + (now.sit_to - now.sit_from) * part;
        Some(Moment { at: now.from.lerp(now.to, part), heading, sit, gait, stride, idle })
    }
}

/// The turn from one heading to another, −π … π.
fn shortest_turn(from: f64, to: f64) -> f64 {
    let tau = std::f64::consts::TAU;
    (to - from + std::f64::consts::PI).rem_euclid(tau) - std::f64::consts::PI
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walker_arrives_when_the_speed_says_and_is_gone_after_leaving() {
        let mut motion = Motion::new(2.0, DVec2::ZERO, 0.0, false, 0.0);
        motion.walk(DVec2::new(3.0, 4.0), 1.25);
        motion.leave();
        assert_eq!(motion.at(1.99), None);
        let half = motion.at(4.0).expect("on the way");
        assert!((half.at - DVec2::new(1.5, 2.0)).length() < 1e-9);
        assert!(half.stride > 0.9);
        assert_eq!(motion.at(6.0), None);
    }

    #[test]
    fn motion_has_no_jumps() {
        let mut motion = Motion::new(0.0, DVec2::ZERO, 3.0, false, 0.3);
        motion.walk(DVec2::new(2.0, 0.0), 1.2);
        motion.sit_down(DVec2::new(2.0, 0.4), -3.0);
        motion.stay(3.0);
        motion.get_up(DVec2::new(2.0, 0.0));
        motion.walk(DVec2::ZERO, 1.2);
        let step_s = 0.01;
        let mut last = motion.at(0.0).unwrap();
        for i in 1..1200 {
            let now = motion.at(f64::from(i) * step_s).unwrap();
            assert!(now.at.distance(last.at) < 1.3 * step_s, "jump at {i}");
            assert!(shortest_turn(last.heading, now.heading).abs() < 0.2, "spin at {i}");
            assert!((now.sit - last.sit).abs() < 0.02, "drop at {i}");
            last = now;
        }
    }
}
