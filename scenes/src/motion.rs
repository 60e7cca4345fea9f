//! How one person moves: a timeline of stretches, so that the state at any time is a function of the time alone.

use glam::DVec2;

use crate::gait::{Foot, Walk, beside, shortest_turn};

/// Seconds that sitting down or getting up takes.
pub(crate) const SIT_S: f64 = 1.4;
/// Seconds that turning on the spot takes.
pub(crate) const TURN_S: f64 = 0.6;
/// Points nearer than this are one.
const APART_M: f64 = 1e-6;
/// How long somebody who sits does one thing.
const HABIT_S: f64 = 6.0;

/// What a person is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// On foot.
    Walking,
    /// Upright in one place.
    Standing,
    /// From upright to seated.
    SittingDown,
    /// From seated to upright.
    GettingUp,
    /// Seated, hands on the table.
    Typing,
    /// Seated, leaning back.
    Leaning,
    /// Seated, turned to a side.
    Turning,
    /// Seated, reaching for something.
    Reaching,
    /// Upright in one place, talking to somebody, with gestures.
    Talking,
    /// On the way in a wheelchair.
    Rolling,
    /// Seated in a wheelchair that stands.
    Resting,
}

/// What people who sit do, in turn.
const HABITS: [Activity; 6] =
    [Activity::Typing, Activity::Leaning, Activity::Typing, Activity::Turning, Activity::Typing, Activity::Reaching];

/// A person at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// The floor point below the pelvis, metres.
    pub at: DVec2,
    /// Where the body faces, radians counter-clockwise from +x.
    pub heading: f64,
    /// 0 upright … 1 seated.
    pub sit: f64,
    /// What the person is doing.
    pub activity: Activity,
    /// What the person was doing before, and how far that has given way to `activity`, 0 to 1.
    pub before: (Activity, f64),
    /// Left, right.
    pub feet: [Foot; 2],
    /// A slow movement of people who stay where they are, −1 … 1.
    pub idle: f64,
    /// How far the left and the right arm are raised in talking, 0 to 1.
    pub gesture: [f64; 2],
    /// How far the hands have pushed the wheels ahead, −1 … 1; 0 of those who walk.
    pub push: f64,
}

/// The measures of a body that its feet depend on, metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Build {
    /// From the middle between the feet to each.
    pub half_m: f64,
    /// From the pelvis of somebody who sits to the feet.
    pub seated_reach_m: f64,
    /// From hip to ankle.
    pub leg_m: f64,
}

#[derive(Clone, Debug, PartialEq)]
enum Act {
    Walk(Walk),
    /// Anything that begins and ends in one place: the feet take at most a step each.
    Shift {
        from: Spot,
        to: Spot,
        activity: Activity,
    },
}

/// Where and how somebody is at rest.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Spot {
    at: DVec2,
    heading: f64,
    sit: f64,
    feet: [Foot; 2],
}

impl Spot {
    fn new(build: &Build, at: DVec2, heading: f64, seated: bool) -> Self {
        let ahead = if seated { DVec2::from_angle(heading) * build.seated_reach_m } else { DVec2::ZERO };
        let feet = [1.0, -1.0]
            .map(|side| Foot::planted(at + ahead + beside(heading, side * build.half_m), heading + side * 0.08));
        Spot { at, heading, sit: if seated { 1.0 } else { 0.0 }, feet }
    }
}

/// One stretch of a timeline.
#[derive(Clone, Debug, PartialEq)]
struct Stretch {
    from_s: f64,
    until_s: f64,
    act: Act,
}

/// All of a person's movement.
#[derive(Clone, Debug, PartialEq)]
pub struct Motion {
    stretches: Vec<Stretch>,
    /// Where the person is at the end of what is planned so far.
    last: Spot,
    build: Build,
    appears_s: f64,
    leaves_s: Option<f64>,
    /// Shifts the idle movement, so that people do not nod in step.
    phase: f64,
    /// Whether the person rolls in a wheelchair instead of walking.
    rolls: bool,
}

/// Metres that one push of a wheelchair's wheels takes it.
const PUSH_M: f64 = 1.3;
/// The height of a wheelchair's footrests, m.
pub(crate) const FOOTREST_M: f64 = 0.10;

impl Motion {
    /// A person who appears at `appears_s` seconds, standing or seated.
    pub(crate) fn new(build: Build, appears_s: f64, at: DVec2, heading: f64, seated: bool, phase: f64) -> Self {
        let last = Spot::new(&build, at, heading, seated);
        Motion { stretches: Vec::new(), last, build, appears_s, leaves_s: None, phase, rolls: false }
    }

    /// The same, in a wheelchair.
    pub(crate) fn in_wheelchair(self) -> Self {
        Motion { rolls: true, ..self }
    }

    /// The places where the person stays for at least so many seconds.
    pub(crate) fn stays_at(&self, least_s: f64) -> Vec<DVec2> {
        let stays = self.stretches.iter().filter_map(|stretch| match &stretch.act {
            Act::Shift { from, to, .. } if from.at == to.at && stretch.until_s - stretch.from_s >= least_s => {
                Some(to.at)
            }
            Act::Shift { .. } | Act::Walk(_) => None,
        });
        stays.chain(self.leaves_s.is_none().then_some(self.last.at)).collect()
    }

    /// When the person appears.
    pub(crate) fn appears_s(&self) -> f64 {
        self.appears_s
    }

    /// Where the person faces at the end of what is planned so far.
    pub(crate) fn heading(&self) -> f64 {
        self.last.heading
    }

    /// Where the person is at the end of what is planned so far.
    pub(crate) fn end(&self) -> DVec2 {
        self.last.at
    }

    /// When what is planned so far ends.
    fn end_s(&self) -> f64 {
        self.stretches.last().map_or(self.appears_s, |stretch| stretch.until_s)
    }

    fn shift(&mut self, duration_s: f64, to: Spot, activity: Activity) {
        let from_s = self.end_s();
        let act = Act::Shift { from: self.last, to, activity };
        self.stretches.push(Stretch { from_s, until_s: from_s + duration_s, act });
        self.last = to;
    }

    /// Walks straight to a point at a speed in m/s; walks that follow one another are one.
    pub(crate) fn walk(&mut self, to: DVec2, speed_m_s: f64) {
        self.follow(&[(to, speed_m_s)]);
    }

    /// Walks from point to point, to each at a speed in m/s.
    pub(crate) fn follow(&mut self, way: &[(DVec2, f64)]) {
        let from_s = self.end_s();
        // Where the person is already needs no walk.
        let Some(first) = way.iter().position(|(to, _)| self.end().distance(*to) >= APART_M) else { return };
        if !matches!(self.stretches.last(), Some(Stretch { act: Act::Walk(_), .. })) {
            let walk = Walk::new(self.last.at, self.last.heading, self.last.feet, self.build);
            self.stretches.push(Stretch { from_s, until_s: from_s, act: Act::Walk(walk) });
        }
        let Some(Stretch { from_s, until_s, act: Act::Walk(walk) }) = self.stretches.last_mut() else { return };
        for (to, speed_m_s) in &way[first..] {
            if walk.end().distance(*to) >= APART_M {
                walk.extend(*to, *speed_m_s);
            }
        }
        *until_s = *from_s + walk.duration_s();
        let length = walk.length_m();
        let heading = walk.heading(length);
        self.last = Spot { at: walk.end(), heading, sit: 0.0, feet: [0, 1].map(|foot| walk.foot(foot, length)) };
    }

    /// Stays as it is for some seconds.
    pub(crate) fn stay(&mut self, for_s: f64) {
        let activity = if self.last.sit > 0.5 { Activity::Typing } else { Activity::Standing };
        self.shift(for_s, self.last, activity);
    }

    /// Turns on the spot.
    pub(crate) fn face(&mut self, heading: f64) {
        let to = Spot::new(&self.build, self.last.at, heading, false);
        self.shift(TURN_S, to, Activity::Standing);
    }

    /// Stands and talks for some seconds.
    pub(crate) fn talk(&mut self, for_s: f64) {
        self.shift(for_s, self.last, Activity::Talking);
    }

    /// Sits down on a seat at `on`.
    pub(crate) fn sit_down(&mut self, on: DVec2, heading: f64) {
        self.shift(SIT_S, Spot::new(&self.build, on, heading, true), Activity::SittingDown);
    }

    /// Gets up and steps to `to`.
    pub(crate) fn get_up(&mut self, to: DVec2) {
        self.shift(SIT_S, Spot::new(&self.build, to, self.last.heading, false), Activity::GettingUp);
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
        let moment = self.on_foot(t_s);
        Some(if self.rolls { self.on_wheels(moment, t_s) } else { moment })
    }

    /// [`Moment::at`] at `t_s` seconds alone, and before when it does not change for sure: at `t_s` itself of who is on the way.
    pub(crate) fn place_until(&self, t_s: f64) -> (Option<DVec2>, f64) {
        if t_s < self.appears_s {
            return (None, self.appears_s);
        }
        let gone_s = self.leaves_s.unwrap_or(f64::INFINITY);
        if t_s >= gone_s {
            return (None, f64::INFINITY);
        }
        let index = self.stretches.partition_point(|s| s.until_s <= t_s);
        let (place, until_s) = match self.stretches.get(index) {
            None => (self.last.at, f64::INFINITY),
            Some(Stretch { from_s, act: Act::Walk(walk), .. }) => (walk.at(walk.metres(t_s - from_s)), t_s),
            Some(Stretch { until_s, act: Act::Shift { from, to, activity }, .. })
                if from == to || *activity == Activity::Talking =>
            {
                (to.at, *until_s)
            }
            Some(Stretch { from_s, until_s, act: Act::Shift { from, to, .. } }) => {
                (from.at.lerp(to.at, ((t_s - from_s) / (until_s - from_s)).clamp(0.0, 1.0)), t_s)
            }
        };
        (Some(place), until_s.min(gone_s))
    }

    /// The person at a time, as somebody who walks.
    fn on_foot(&self, t_s: f64) -> Moment {
        let idle = (0.9 * t_s + self.phase).sin() * (0.37 * t_s + 2.0 * self.phase).sin();
        let index = self.stretches.partition_point(|s| s.until_s <= t_s);
        match self.stretches.get(index) {
            None => self.rest(&self.last, t_s - self.end_s(), idle),
            Some(Stretch { from_s, act: Act::Walk(walk), .. }) => {
                let metres = walk.metres(t_s - from_s);
                Moment {
                    at: walk.at(metres),
                    heading: walk.heading(metres),
                    sit: 0.0,
                    activity: Activity::Walking,
                    before: (Activity::Walking, 1.0),
                    feet: [0, 1].map(|foot| walk.foot(foot, metres)),
                    idle,
                    gesture: [0.0; 2],
                    push: 0.0,
                }
            }
            Some(Stretch { from_s, until_s, act: Act::Shift { to, activity: Activity::Talking, .. } }) => {
                let moment = self.rest(to, t_s - from_s, idle);
                let activity = Activity::Talking;
                let before = (activity, 1.0);
                Moment { activity, before, gesture: self.gesture(t_s, t_s - from_s, until_s - t_s), ..moment }
            }
            Some(Stretch { from_s, act: Act::Shift { from, to, .. }, .. }) if from == to => {
                self.rest(to, t_s - from_s, idle)
            }
            Some(Stretch { from_s, until_s, act: Act::Shift { from, to, activity } }) => {
                let part = ((t_s - from_s) / (until_s - from_s)).clamp(0.0, 1.0);
                // One foot after the other.
                let feet = [0, 1].map(|foot| {
                    let part = 2.0 * part - foot as f64;
                    let near = from.feet[foot].at.distance(to.feet[foot].at) < 1e-3
                        && shortest_turn(from.feet[foot].yaw, to.feet[foot].yaw).abs() < 0.02;
                    Foot::swung(from.feet[foot], to.feet[foot], part, if near { 0.0 } else { 0.04 })
                });
                // Whoever gets up comes from what he or she did on the chair.
                let rested_s = match index.checked_sub(1).map(|before| &self.stretches[before]) {
                    Some(Stretch { from_s, until_s, act: Act::Shift { from, to, .. } }) if from == to => {
                        until_s - from_s
                    }
                    _ => 0.0,
                };
                let (before, _) = self.habit(from, rested_s);
                Moment {
                    at: from.at.lerp(to.at, part),
                    heading: from.heading + shortest_turn(from.heading, to.heading) * (part / 0.6).min(1.0),
                    sit: from.sit + (to.sit - from.sit) * part,
                    activity: *activity,
                    before: (before, (part / 0.4).min(1.0)),
                    feet,
                    idle,
                    gesture: [0.0; 2],
                    push: 0.0,
                }
            }
        }
    }

    /// The same in a wheelchair: seated, the feet on its rests, pushing while it rolls.
    fn on_wheels(&self, moment: Moment, t_s: f64) -> Moment {
        let rolls = moment.activity == Activity::Walking;
        let push = match self.stretches.iter().find(|stretch| t_s < stretch.until_s) {
            Some(Stretch { from_s, act: Act::Walk(walk), .. }) => {
                let metres = walk.metres(t_s - from_s);
                let nearest_end_m = metres.min(walk.length_m() - metres);
                (metres / PUSH_M * std::f64::consts::TAU).sin() * (nearest_end_m / 0.3).min(1.0)
            }
            _ => 0.0,
        };
        let activity = if rolls { Activity::Rolling } else { Activity::Resting };
        let Spot { sit, feet, .. } = Spot::new(&self.build, moment.at, moment.heading, true);
        let feet = feet.map(|foot| Foot { lift_m: FOOTREST_M, ..foot });
        Moment { sit, activity, before: (activity, 1.0), feet, gesture: [0.0; 2], push, ..moment }
    }

    /// How far somebody raises the arms who has talked for some seconds and will for some more: people speak in turns of
    /// several seconds, and move the hands while they do.
    fn gesture(&self, t_s: f64, since_s: f64, left_s: f64) -> [f64; 2] {
        let speaks = ((0.55 * t_s + 2.3 * self.phase).sin() * 2.0).clamp(0.0, 1.0);
        let within = (since_s.min(left_s) / 0.8).clamp(0.0, 1.0);
        [0.0, 1.9].map(|apart| speaks * within * (0.55 + 0.45 * (2.1 * t_s + apart + self.phase).sin()))
    }

    /// Somebody who has stayed where he or she is for some seconds.
    fn rest(&self, spot: &Spot, rested_s: f64, idle: f64) -> Moment {
        let (activity, before) = self.habit(spot, rested_s);
        let Spot { at, heading, sit, feet } = *spot;
        Moment { at, heading, sit, activity, before, feet, idle, gesture: [0.0; 2], push: 0.0 }
    }

    /// What somebody does who has rested for some seconds, and what gives way to it how far.
    fn habit(&self, spot: &Spot, rested_s: f64) -> (Activity, (Activity, f64)) {
        if spot.sit <= 0.5 {
            return (Activity::Standing, (Activity::Standing, 1.0));
        }
        // Everybody begins with the first habit, for a time of his or her own.
        let since = (rested_s - (self.phase * 2.9).rem_euclid(HABIT_S)) / HABIT_S;
        let habit = |i: f64| if i < 0.0 { HABITS[0] } else { HABITS[1 + i as usize % (HABITS.len() - 1)] };
        (habit(since.floor()), (habit(since.floor() - 1.0), (since.rem_euclid(1.0) * HABIT_S / 0.8).min(1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILD: Build = Build { half_m: 0.09, seated_reach_m: 0.4, leg_m: 0.83 };

    #[test]
    fn a_walker_arrives_when_the_speed_says_and_is_gone_after_leaving() {
        let mut motion = Motion::new(BUILD, 2.0, DVec2::ZERO, 0.0, false, 0.0);
        motion.walk(DVec2::new(3.0, 4.0), 1.25);
        motion.leave();
        assert_eq!(motion.at(1.99), None);
        let half = motion.at(4.0).expect("on the way");
        assert!((half.at - DVec2::new(1.5, 2.0)).length() < 1e-9);
        assert_eq!(half.activity, Activity::Walking);
        assert_eq!(motion.at(6.0), None);
    }

    #[test]
    fn motion_has_no_jumps() {
        let mut motion = Motion::new(BUILD, 0.0, DVec2::ZERO, 3.0, false, 0.3);
        motion.walk(DVec2::new(2.0, 0.0), 1.2);
        motion.walk(DVec2::new(2.0, 0.5), 1.2);
        motion.sit_down(DVec2::new(2.0, 0.4), -3.0);
        motion.stay(3.0);
        motion.get_up(DVec2::new(2.0, 0.0));
        motion.face(1.0);
        motion.walk(DVec2::ZERO, 1.2);
        let step_s = 0.01;
        let mut last = motion.at(0.0).unwrap();
        for i in 1..1300 {
            let now = motion.at(f64::from(i) * step_s).unwrap();
            assert!(now.at.distance(last.at) < 1.3 * step_s, "jump at {i}");
            assert!(shortest_turn(last.heading, now.heading).abs() < 0.2, "spin at {i}");
            assert!((now.sit - last.sit).abs() < 0.02, "drop at {i}");
            for (before, foot) in last.feet.iter().zip(&now.feet) {
                assert!(foot.at.distance(before.at) < 0.05, "a foot jumps at {i}: {before:?} to {foot:?}");
            }
            last = now;
        }
    }
}
