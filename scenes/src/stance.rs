//! From what a person does to how the body is held: the stance of a [`Moment`].
//!
//! Angles and rhythms are ours, judged by eye against how people look from above; they are no biomechanics.

use glam::{DVec2, DVec3};

use crate::anatomy::Physique;
use crate::carry::Carried;
use crate::furniture::SEAT_HEIGHT_M;
use crate::gait::{Foot, shortest_turn};
use crate::motion::{Activity, Build, Moment};
use crate::skeleton::{Arm, Bone, Leg, Pose, SIDES, Stance};

/// From the ankle ahead to the ball of the foot, as a part of stature.
const BALL_AHEAD: f64 = 0.075;
/// The part of a leg's length that is used at most, as the leg lands: knees are never locked.
const STRAIGHT: f64 = 0.997;
/// How much knees that bear weight give while the other foot passes, m off the body's height: so the body rises less over a
/// foot than a stiff leg would lift it.
const KNEES_GIVE_M: f64 = 0.03;
/// From the seat up to the pelvis's joint, as a part of stature.
const SEATED_PELVIS: f64 = 0.062;

impl Physique {
    /// What the feet depend on.
    pub fn build(&self) -> Build {
        let thigh = self.joint(Bone::RightThigh).distance(self.joint(Bone::RightShin));
        Build {
            half_m: self.joint(Bone::RightFoot).x.abs().max(0.06),
            seated_reach_m: 0.95 * thigh,
            leg_m: self.leg_length(),
        }
    }

    /// How the body is at a moment, in the room, with what it carries.
    pub fn at(&self, moment: &Moment, carries: &[Carried]) -> Pose {
        self.pose(&self.stance(moment, carries), moment.at, moment.heading)
    }

    /// Where the ball of a foot is in a pose: what a shoe's mark on the floor would show.
    #[cfg(test)]
    pub fn ball(&self, pose: &Pose, foot: Bone) -> DVec3 {
        let ankle = self.joint(foot);
        let rest = DVec3::new(ankle.x, ankle.y + BALL_AHEAD * f64::from(self.stature()), 0.0);
        let placed = pose[foot as usize];
        placed.at + placed.turned * (rest - ankle)
    }

    fn stance(&self, moment: &Moment, carries: &[Carried]) -> Stance {
        let stature = f64::from(self.stature());
        let sit = smooth(moment.sit);
        let ahead = DVec2::from_angle(moment.heading);
        // How far the left foot is ahead of the right one, in long steps.
        let spread = (moment.feet[0].at - moment.feet[1].at).dot(ahead) / 0.75;
        let stride = if moment.activity == Activity::Walking { spread.clamp(-1.2, 1.2) } else { 0.0 };
        let habit = Habit::at(moment);

        let legs = [0, 1].map(|i| self.leg_in_frame(&moment.feet[i], moment, stature));
        // Upright, the pelvis is as high as both legs allow; on a chair, as the chair has it.
        let hip_drop = self.joint(Bone::Pelvis).z - self.joint(Bone::RightThigh).z;
        let highest = |i: usize| {
            let leg = &legs[i];
            let hip_x = self.joint(SIDES[i].thigh).x;
            let out = DVec2::new(leg.ankle.x - hip_x, leg.ankle.y).length();
            let length = STRAIGHT * self.leg_length();
            leg.ankle.z + (length * length - out * out).max(0.01).sqrt() + hip_drop
        };
        // Also a foot in the air: it comes down where it is, and the body must not drop when it does.
        let stepping = moment.feet.iter().map(|foot| foot.lift_m / 0.06).fold(spread.abs() / 0.5, f64::max);
        let at_most = self.joint(Bone::Pelvis).z - KNEES_GIVE_M * smooth(stepping.min(1.0));
        let upright = (0..2).map(highest).fold(at_most, f64::min);
        let seated = SEAT_HEIGHT_M + SEATED_PELVIS * stature;
        let height = upright + (seated - upright) * sit;
        // Whoever sits down or gets up bends over the feet.
        let bow = 0.55 * (std::f64::consts::PI * moment.sit).sin().max(0.0);
        let sway = 0.012 * moment.idle * (1.0 - sit);

        let lean = 0.04 + 0.05 * stride.abs() + bow + sit * habit.lean;
        let twist = 0.14 * stride + sit * habit.twist + 0.05 * moment.idle * (1.0 - sit);
        Stance {
            pelvis: DVec3::new(sway, -0.02 * sit, height),
            pelvis_pitch: 0.12 * sit - 0.3 * bow,
            pelvis_yaw: -0.08 * stride,
            lean,
            twist,
            nod: 0.10 + sit * habit.nod - 0.3 * bow,
            look: sit * habit.look + 0.35 * moment.idle * (1.0 - stride.abs().min(1.0)) * (1.0 - 0.6 * sit),
            legs,
            arms: [0, 1].map(|i| Arm {
                hold: self.hold(carries, i, height - self.joint(Bone::Pelvis).z, moment),
                ..arm(SIDES[i].side, stride, sit, moment.gesture[i], &habit, twist)
            }),
        }
    }

    /// A foot as the leg in the body's frame has it.
    fn leg_in_frame(&self, foot: &Foot, moment: &Moment, stature: f64) -> Leg {
        let turn = std::f64::consts::FRAC_PI_2 - moment.heading;
        let at = DVec2::from_angle(turn).rotate(foot.at - moment.at);
        let yaw = shortest_turn(moment.heading, foot.yaw);
        let ankle_m = self.joint(Bone::RightFoot).z;
        let ball_m = BALL_AHEAD * stature;
        // The heel turns up about the ball, which stays; the toes turn up about the ankle.
        let (sin, cos) = foot.pitch.max(0.0).sin_cos();
        let ahead = ball_m - ball_m * cos + ankle_m * sin;
        let up = ball_m * sin + ankle_m * cos + foot.lift_m;
        let toes = DVec2::from_angle(std::f64::consts::FRAC_PI_2 + yaw);
        Leg { ankle: (at + toes * ahead).extend(up), pitch: foot.pitch, yaw }
    }
}

fn arm(side: f64, stride: f64, sit: f64, gesture: f64, habit: &Habit, twist: f64) -> Arm {
    // An arm swings against its leg; the left leg is ahead when `stride` is positive.
    let swing = side * stride * 0.42;
    let hanging = DVec3::new(side * 0.17, swing.sin() - 0.02, -1.0);
    let hanging_lower = DVec3::new(side * 0.04, swing.sin() + 0.22 + 0.12 * stride.abs(), -1.0);
    // Talking, the forearm comes up before the belly and moves out.
    let raised = DVec3::new(side * 0.25, 0.12 + 0.25 * gesture, -1.0);
    let raised_lower = DVec3::new(side * (0.45 * gesture - 0.15), 1.0, 0.35 * gesture - 0.2);
    let (hanging, hanging_lower) = (hanging.lerp(raised, gesture), hanging_lower.lerp(raised_lower, gesture));
    let reach = if side > 0.0 { habit.reach } else { 0.0 };
    let turn = glam::DQuat::from_rotation_z(twist);
    let seated = turn * DVec3::new(side * 0.22, 0.42 + 0.9 * reach - 0.3 * habit.slack, -1.0 + 0.45 * reach);
    let seated_lower = turn * DVec3::new(-side * (0.28 - 0.25 * reach), 1.0, -0.12 + 0.25 * reach - 0.35 * habit.slack);
    Arm { upper: hanging.lerp(seated, sit), lower: hanging_lower.lerp(seated_lower, sit), hold: None }
}

/// What somebody who sits does with trunk, head and arms.
#[derive(Clone, Copy)]
struct Habit {
    lean: f64,
    twist: f64,
    nod: f64,
    look: f64,
    reach: f64,
    /// Hands in the lap.
    slack: f64,
}

impl Habit {
    fn of(activity: Activity, idle: f64) -> Self {
        let still = Habit { lean: 0.10, twist: 0.0, nod: 0.20, look: 0.15 * idle, reach: 0.0, slack: 0.0 };
        match activity {
            Activity::Leaning => Habit { lean: -0.28, nod: -0.05, look: 0.4 * idle, slack: 1.0, ..still },
            Activity::Turning => Habit { twist: 0.45, look: 0.45, nod: 0.05, slack: 0.6, ..still },
            Activity::Reaching => Habit { lean: 0.38, twist: 0.25, nod: 0.05, reach: 1.0, ..still },
            Activity::Resting => Habit { lean: 0.02, nod: 0.08, look: 0.35 * idle, ..still },
            Activity::Rolling => Habit { lean: 0.14, nod: 0.05, ..still },
            Activity::Typing
            | Activity::SittingDown
            | Activity::GettingUp
            | Activity::Walking
            | Activity::Standing
            | Activity::Talking => Habit { lean: 0.12 + 0.04 * idle, ..still },
        }
    }

    fn at(moment: &Moment) -> Self {
        let (before, part) = moment.before;
        let (a, b, part) = (Habit::of(before, moment.idle), Habit::of(moment.activity, moment.idle), smooth(part));
        let mix = |a: f64, b: f64| a + (b - a) * part;
        Habit {
            lean: mix(a.lean, b.lean),
            twist: mix(a.twist, b.twist),
            nod: mix(a.nod, b.nod),
            look: mix(a.look, b.look),
            reach: mix(a.reach, b.reach),
            slack: mix(a.slack, b.slack),
        }
    }
}

/// Eases 0…1 so that motion starts and ends softly.
fn smooth(x: f64) -> f64 {
    let x = x.clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::anatomy::anatomy;
    use crate::motion::Motion;
    use crate::{Body, Figure, PosedFigure};

    #[test]
    fn a_foot_that_bears_weight_moves_less_than_a_centimetre_at_any_speed_and_in_any_body() {
        for (name, physique) in &anatomy().bodies {
            for speed in [0.3, 0.9, 1.4, 2.5] {
                let mut motion = Motion::new(physique.build(), 0.0, DVec2::ZERO, 0.0, false, 0.0);
                motion.walk(DVec2::new(6.0, 0.0), speed);
                for (foot, bone) in [(0, Bone::LeftFoot), (1, Bone::RightFoot)] {
                    let mut mark: Option<DVec3> = None;
                    for step in 0..(6.0 / speed * 100.0) as u32 {
                        let moment = motion.at(f64::from(step) * 0.01).expect("on the way");
                        let at = physique.ball(&physique.at(&moment, &[]), bone);
                        if moment.feet[foot].lift_m > 0.0 {
                            mark = None;
                            continue;
                        }
                        let slip = mark.get_or_insert(at).distance(at);
                        assert!(slip < 0.01, "{name} at {speed} m/s: {} slips by {slip:.3} m", bone.name());
                        assert!(at.z.abs() < 0.01, "{name} at {speed} m/s: {} is at {} m", bone.name(), at.z);
                    }
                }
            }
        }
    }

    #[test]
    fn a_seated_head_is_where_seated_heads_are_and_a_standing_one_under_the_crown() {
        for (name, physique) in &anatomy().bodies {
            let seated = Motion::new(physique.build(), 0.0, DVec2::ZERO, 0.0, true, 0.0);
            let standing = Motion::new(physique.build(), 0.0, DVec2::ZERO, 0.0, false, 0.0);
            let stature = f64::from(physique.stature());
            let head = |motion: &Motion| {
                physique.at(&motion.at(0.0).expect("there from the start"), &[])[Bone::Head as usize].at
            };
            let (sitting, upright) = (head(&seated), head(&standing));
            // Sitting height is 0.52 of stature and a seat 0.45 m high; the head's joint is 0.13 below the crown.
            let expected = SEAT_HEIGHT_M + (0.52 - 0.13) * stature;
            assert!((sitting.z - expected).abs() < 0.09, "{name}: {} m, expected {expected} m", sitting.z);
            assert!(((0.83 * stature)..(0.93 * stature)).contains(&upright.z), "{name}: {} m", upright.z);
        }
    }

    #[test]
    fn a_walkers_head_bobs_by_some_centimetres_and_never_jumps() {
        // People bob by 0.03 to 0.08 m, the more the faster they are; the first step comes down from standing height.
        for (speed, bob_max) in [(0.6, 0.05), (1.2, 0.09), (2.0, 0.10)] {
            for (name, physique) in &anatomy().bodies {
                let mut motion = Motion::new(physique.build(), 0.0, DVec2::ZERO, 0.0, false, 0.0);
                motion.walk(DVec2::new(6.0, 0.0), speed);
                let heads: Vec<f64> = (0..(6.0 / speed * 200.0) as u32)
                    .map(|step| {
                        physique.at(&motion.at(f64::from(step) * 0.005).expect("on the way"), &[])[Bone::Head as usize]
                            .at
                            .z
                    })
                    .collect();
                let jump = heads.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f64::max);
                assert!(jump < 0.02, "{name} at {speed} m/s: jumps by {jump:.3} m in 5 ms");
                let (low, high) = heads.iter().fold((f64::MAX, 0f64), |(l, h), z| (l.min(*z), h.max(*z)));
                assert!(high - low < bob_max, "{name} at {speed} m/s: bobs by {:.3} m", high - low);
            }
        }
    }

    #[test]
    fn nothing_but_pressed_toes_is_below_the_floor() {
        for physique in anatomy().bodies.values() {
            let mut motion = Motion::new(physique.build(), 0.0, DVec2::ZERO, 0.0, false, 0.0);
            motion.walk(DVec2::new(3.0, 0.0), 1.3);
            motion.sit_down(DVec2::new(3.0, 0.5), 2.0);
            motion.stay(5.0);
            motion.get_up(DVec2::new(3.0, 0.0));
            let figure = Arc::new(Figure::new(&Body::default(), physique));
            for step in 0..110 {
                let moment = motion.at(f64::from(step) * 0.1).expect("there from the start");
                let posed =
                    PosedFigure { figure: Arc::clone(&figure), pose: physique.at(&moment, &[]), belongings: vec![] };
                let lowest = posed.skin().into_iter().map(|point| point.at.z).fold(f32::MAX, f32::min);
                // Toes do not bend: they are pressed into the floor when the heel rises.
                assert!(lowest > -0.05, "{lowest} m at {:.1} s", f64::from(step) * 0.1);
            }
        }
    }
}
