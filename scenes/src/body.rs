//! A person's body: a dozen and a half solids that hang together in a pose.
//!
//! Proportions are those of Drillis and Contini (1966), as fractions of stature, rounded. They make a body that looks
//! right from a ceiling; they are no anatomy.

use glam::{DQuat, DVec2, DVec3};
use serde::{Deserialize, Serialize};

use crate::furniture::SEAT_HEIGHT_M;
use crate::motion::Moment;
use crate::{Color, Shape, Solid};

/// What a person looks like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Body {
    /// Stature, 1.0 to 2.2 m.
    pub height_m: f64,
    /// Width and depth of the trunk relative to a slim adult's, 0.8 to 1.6.
    pub build: f64,
    /// How the hair is worn.
    pub hair: Hair,
    /// Hair, or whatever covers it.
    pub hair_color: Color,
    /// Face and hands.
    pub skin: Color,
    /// Trunk and arms.
    pub top: Color,
    /// Legs.
    pub trousers: Color,
    /// Feet.
    pub shoes: Color,
}

/// Kinds of hair, as far as their outline from above differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hair {
    /// None; the skin shows.
    Bald,
    /// Close to the skull.
    Short,
    /// Down to the shoulders.
    Long,
    /// A ball at the back.
    Bun,
}

impl Default for Body {
    fn default() -> Self {
        Body {
            height_m: 1.72,
            build: 1.0,
            hair: Hair::Short,
            hair_color: Color::new(58, 42, 30),
            skin: Color::new(214, 170, 140),
            top: Color::new(70, 95, 140),
            trousers: Color::new(45, 48, 58),
            shoes: Color::new(30, 28, 26),
        }
    }
}

/// A body in a pose.
pub(crate) struct Posed {
    /// The middle of the head.
    pub head: DVec3,
    /// Everything there is to see.
    pub solids: Vec<Solid>,
}

impl Body {
    /// The body at a moment of its motion. `moment.sit` 0 is upright, 1 is on a chair.
    pub(crate) fn pose(&self, moment: &Moment) -> Posed {
        let h = self.height_m;
        let (thigh, shin, foot) = (0.245 * h, 0.246 * h, 0.039 * h);
        let (trunk, neck, head_half) = (0.288 * h, 0.052 * h, 0.068 * h);
        let (upper_arm, forearm) = (0.186 * h, 0.146 * h);
        let wide = self.build;

        let frame = Frame::new(moment.at, moment.heading);
        let sit = smooth(moment.sit);
        let bend = sit * std::f64::consts::FRAC_PI_2;
        let standing_hip = thigh + shin + foot;
        // On a chair the thighs lie on the seat, whoever sits.
        let hip_height = standing_hip + (SEAT_HEIGHT_M + 0.075 * wide - standing_hip) * sit;
        let swing = moment.gait.sin() * moment.stride * (1.0 - sit);
        let sway = moment.idle;

        let hip = DVec3::new(0.0, 0.0, hip_height);
        // People who sit lean a little, those who walk fast lean forward.
        let lean = 0.10 * sit + 0.10 * moment.stride + 0.05 * sway * sit;
        let up = DVec3::new(0.0, lean.sin(), lean.cos());
        let chest = hip + up * (0.62 * trunk);
        let shoulders = hip + up * trunk;
        let head = shoulders + up * (neck + 0.9 * head_half) + DVec3::Y * 0.02;

        let mut solids = Vec::with_capacity(20);
        let mut place = |solid: Solid| solids.push(frame.place(solid));

        let shoulder_half = 0.115 * h * (0.7 + 0.3 * wide);
        let hip_half = 0.052 * h;
        let trunk_tilt = DQuat::from_rotation_x(-lean);
        let ellipsoid = |axes: DVec3, at: DVec3, color: Color| Solid {
            shape: Shape::Ellipsoid(axes),
            at,
            turned: trunk_tilt,
            color,
        };
        place(ellipsoid(DVec3::new(0.098 * h * wide, 0.068 * h * wide, 0.40 * trunk), chest, self.top));
        place(ellipsoid(
            DVec3::new(0.092 * h * wide, 0.068 * h * wide, 0.34 * trunk),
            hip + up * 0.22 * trunk,
            self.top,
        ));
        let across = DVec3::X * (shoulder_half - 0.02);
        place(Solid::limb(shoulders - across - up * 0.03, shoulders + across - up * 0.03, 0.038 * h, self.top));
        place(ellipsoid(DVec3::new(0.088 * h * wide, 0.066 * h * wide, 0.06 * h), hip, self.trousers));

        for side in [-1.0, 1.0] {
            let leg_swing = side * swing;
            let thigh_angle = bend + 0.45 * leg_swing;
            let knee_bend = bend + 0.55 * (-leg_swing).max(0.0);
            let hip_joint = hip + DVec3::X * (side * hip_half);
            let direction = |angle: f64| DVec3::new(0.0, angle.sin(), -angle.cos());
            let knee = hip_joint + direction(thigh_angle) * thigh;
            // The shin hangs back from the thigh by the knee's bend; on a chair it is upright whatever the seat's height.
            let mut ankle = knee + direction(thigh_angle - knee_bend) * shin;
            ankle.z = ankle.z.max(foot);
            place(Solid::limb(hip_joint, knee, 0.046 * h * (0.6 + 0.4 * wide), self.trousers));
            place(Solid::limb(knee, ankle, 0.030 * h, self.trousers));
            let toes = ankle + DVec3::new(0.0, 0.055 * h, 0.02 - foot);
            let shoe = Shape::Ellipsoid(DVec3::new(0.026 * h, 0.072 * h, 0.024 * h));
            place(Solid::new(shoe, toes, self.shoes));

            // Walking, an arm swings against its leg; seated, hands rest towards the table and move a little.
            let shoulder = shoulders + DVec3::X * (side * shoulder_half) - up * 0.03;
            let arm_angle = (0.55 + 0.12 * sway * side) * sit - 0.5 * leg_swing * (1.0 - sit);
            let outwards = DVec3::X * (side * (0.10 + 0.05 * sit));
            let elbow = shoulder + (direction(arm_angle) + outwards).normalize() * upper_arm;
            let forearm_angle = arm_angle + 0.25 + 0.85 * sit + 0.25 * moment.stride;
            let inwards = DVec3::X * (-side * 0.35 * sit);
            let wrist = elbow + (direction(forearm_angle) + inwards).normalize() * forearm;
            place(Solid::limb(shoulder, elbow, 0.029 * h * (0.7 + 0.3 * wide), self.top));
            place(Solid::limb(elbow, wrist, 0.023 * h, self.top));
            let hand = Shape::Ellipsoid(DVec3::splat(0.028 * h));
            place(Solid::new(hand, wrist + (wrist - elbow).normalize() * 0.04, self.skin));
        }

        place(Solid::limb(shoulders, head, 0.034 * h, self.skin));
        let face = DVec3::new(0.046 * h, 0.056 * h, head_half);
        place(Solid::new(Shape::Ellipsoid(face), head, self.skin));
        // Hair is the skull a little larger, moved up and back, so that the face stays free.
        let back = DVec3::new(0.0, -0.012 * h, 0.012 * h);
        match self.hair {
            Hair::Bald => {}
            Hair::Short | Hair::Bun | Hair::Long => {
                place(Solid::new(Shape::Ellipsoid(face * DVec3::new(1.09, 1.04, 1.0)), head + back, self.hair_color));
            }
        }
        match self.hair {
            Hair::Bald | Hair::Short => {}
            Hair::Long => {
                let fall = Shape::Ellipsoid(DVec3::new(0.056 * h, 0.030 * h, 0.10 * h));
                let at = head + DVec3::new(0.0, -0.038 * h, -0.055 * h);
                place(Solid::new(fall, at, self.hair_color));
            }
            Hair::Bun => {
                let bun = Shape::Ellipsoid(DVec3::splat(0.028 * h));
                place(Solid::new(bun, head + DVec3::new(0.0, -0.062 * h, 0.028 * h), self.hair_color));
            }
        }
        Posed { head: frame.point(head), solids }
    }

    /// What is wrong with its measures, as (field, words).
    pub(crate) fn problem(&self) -> Option<(&'static str, String)> {
        if !(1.0..=2.2).contains(&self.height_m) {
            return Some(("height_m", format!("{} m is out of 1.0 to 2.2 m", self.height_m)));
        }
        if !(0.8..=1.6).contains(&self.build) {
            return Some(("build", format!("{} is out of 0.8 to 1.6 (1 is slim)", self.build)));
        }
        None
    }
}

/// The body's own frame: x to the right, y ahead, z up, the origin on the floor.
struct Frame {
    origin: DVec3,
    turned: DQuat,
}

impl Frame {
    fn new(at: DVec2, heading: f64) -> Self {
        let turned = DQuat::from_rotation_z(heading - std::f64::consts::FRAC_PI_2);
        Frame { origin: at.extend(0.0), turned }
    }

    fn point(&self, own: DVec3) -> DVec3 {
        self.origin + self.turned * own
    }

    fn place(&self, own: Solid) -> Solid {
        Solid { at: self.point(own.at), turned: self.turned * own.turned, ..own }
    }
}

/// Eases 0…1 so that motion starts and ends softly.
fn smooth(x: f64) -> f64 {
    let x = x.clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(sit: f64) -> Moment {
        Moment { at: DVec2::new(2.0, 3.0), heading: 0.7, sit, gait: 0.0, stride: 0.0, idle: 0.0 }
    }

    #[test]
    fn a_body_stands_on_the_floor_and_is_as_tall_as_it_says() {
        for height_m in [1.5, 1.72, 1.95] {
            let body = Body { height_m, hair: Hair::Bald, ..Body::default() };
            let posed = body.pose(&moment(0.0));
            let top = posed.solids.iter().map(top_of).fold(f64::MIN, f64::max);
            assert!((top - height_m).abs() < 0.03, "{height_m} m tall body ends at {top}");
            assert!((posed.head.truncate() - DVec2::new(2.0, 3.0)).length() < 0.1);
        }
    }

    #[test]
    fn a_seated_head_is_where_seated_heads_are() {
        let head = Body::default().pose(&moment(1.0)).head;
        assert!((1.1..1.35).contains(&head.z), "{head}");
    }

    #[test]
    fn nothing_of_a_body_is_below_the_floor_at_any_phase() {
        for step in 0..24 {
            let gait = f64::from(step) / 24.0 * std::f64::consts::TAU;
            for sit in [0.0, 0.5, 1.0] {
                let moment = Moment { gait, stride: 1.0, ..moment(sit) };
                for solid in Body::default().pose(&moment).solids {
                    assert!(solid.at.z > 0.0, "{solid:?} at gait {gait}, sit {sit}");
                }
            }
        }
    }

    fn top_of(solid: &Solid) -> f64 {
        let up = solid.turned.inverse() * DVec3::Z;
        solid.at.z
            + match solid.shape {
                Shape::Cuboid(half) => (up.abs() * half).element_sum(),
                Shape::Ellipsoid(axes) => (up * axes).length(),
                Shape::Capsule { radius, half_length } => radius + half_length * up.z.abs(),
                Shape::Cylinder { radius, half_height } => radius * up.truncate().length() + half_height * up.z.abs(),
            }
    }
}
