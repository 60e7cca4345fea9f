//! What people carry, push or sit in, as scene files state it, and which hands hold it where.
//!
//! Knows nothing of what it is made of (`belongings.rs`).

use glam::DVec3;
use serde::{Deserialize, Serialize};

use crate::Color;
use crate::anatomy::Physique;
use crate::motion::Moment;
use crate::skeleton::{Bone, Hold, SIDES};

/// A thing that goes with a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carried {
    /// What it is.
    pub thing: Thing,
    /// Its colour; a usual one when not stated.
    #[serde(default)]
    pub color: Option<Color>,
}

/// The kinds of things that go with people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Thing {
    /// On the back; on the floor beside somebody who sits.
    Backpack,
    /// In the left hand; on the floor beside somebody who sits.
    Handbag,
    /// Closed, under the right arm; on the floor beside somebody who sits.
    Laptop,
    /// Before the belly, in both hands.
    Box,
    /// A delivery trolley with parcels, about 0.9 m ahead, pushed with both hands.
    Trolley,
    /// Open, held over the head with the right hand.
    Umbrella,
    /// The person sits in it, pushes its wheels with both hands, and rolls wherever others walk.
    Wheelchair,
}

/// The fastest a wheelchair rolls, m/s.
pub(crate) const ROLL_MAX_M_S: f64 = 1.6;

impl Thing {
    /// Whether it takes the left and the right hand.
    fn hands(self) -> [bool; 2] {
        match self {
            Thing::Backpack => [false, false],
            Thing::Handbag => [true, false],
            Thing::Laptop | Thing::Umbrella => [false, true],
            Thing::Box | Thing::Trolley | Thing::Wheelchair => [true, true],
        }
    }

    /// Whether somebody with it can sit down on a chair.
    pub(crate) fn can_sit(self) -> bool {
        matches!(self, Thing::Backpack | Thing::Handbag | Thing::Laptop)
    }

    /// Whether it is part of what a picture's box around the person holds: what is pushed or held over the head is not.
    pub(crate) fn is_in_outline(self) -> bool {
        !matches!(self, Thing::Trolley | Thing::Umbrella)
    }
}

/// What is wrong with all a person carries, as (index, words).
pub(crate) fn problem(carries: &[Carried]) -> Option<(usize, String)> {
    carries.iter().enumerate().find_map(|(i, carried)| {
        carries[..i].iter().find_map(|other| {
            let (one, two) = (carried.thing, other.thing);
            if one == two {
                return Some((i, format!("the person has a {one:?} already")));
            }
            let same_hand = one.hands().into_iter().zip(two.hands()).any(|(a, b)| a && b);
            same_hand.then(|| (i, format!("{one:?} and {two:?} take the same hand: people have one of them at a time")))
        })
    })
}

/// Half of a box's width, depth and height, m.
pub(crate) const BOX_HALF: DVec3 = DVec3::new(0.20, 0.15, 0.14);
/// Of a closed laptop held upright along the side, m.
pub(crate) const LAPTOP_HALF: DVec3 = DVec3::new(0.011, 0.16, 0.115);
/// The height of a trolley's handle, m.
pub(crate) const HANDLE_M: f64 = 1.0;
/// Where the wheels of a wheelchair turn, from the floor below the pelvis, m.
pub(crate) const AXLE: DVec3 = DVec3::new(0.29, -0.05, 0.30);
/// The radius of the rims by which they are pushed.
pub(crate) const RIM_M: f64 = 0.26;
/// From the laptop's middle out and down to the palm that holds it.
const UNDER: DVec3 = DVec3::new(0.02, 0.04, -0.10);

/// Where things are in the body's frame (x to its right, y ahead, z up, the origin on the floor below the pelvis).
impl Physique {
    /// The middle of a box held before a body whose pelvis is `rise` higher than at rest.
    pub(crate) fn box_at(&self, rise: f64) -> DVec3 {
        let z = self.joint(Bone::Belly).z + 0.05;
        let (_, front) = self.depth(z - BOX_HALF.z, z + BOX_HALF.z);
        DVec3::new(0.0, front + 0.04 + BOX_HALF.y, z + rise)
    }

    /// The middle of a laptop under the right arm.
    pub(crate) fn laptop_at(&self, rise: f64) -> DVec3 {
        let z = self.joint(Bone::Belly).z + 0.03;
        DVec3::new(self.half_width(z - LAPTOP_HALF.z, z + LAPTOP_HALF.z) + 0.03, 0.03, z + rise)
    }

    /// Where the right hand holds an umbrella, and where the middle of its cover is.
    pub(crate) fn umbrella_at(&self, rise: f64) -> (DVec3, DVec3) {
        let shoulder = self.joint(Bone::RightUpperArm);
        let grip = DVec3::new(shoulder.x - 0.01, 0.24, shoulder.z - 0.14 + rise);
        (grip, DVec3::new(0.04, 0.07, f64::from(self.stature()) + 0.24 + rise))
    }

    /// How far ahead the handle of a trolley is.
    pub(crate) fn handle_ahead(&self) -> f64 {
        0.25 * f64::from(self.stature())
    }

    /// What an arm (0 left, 1 right) does for the things carried; `rise` is how much higher the pelvis is than at rest.
    pub(crate) fn hold(&self, carries: &[Carried], side: usize, rise: f64, moment: &Moment) -> Option<Hold> {
        let held = carries.iter().find(|carried| carried.thing.hands()[side])?;
        let out = SIDES[side].side;
        let upright = 1.0 - moment.sit;
        let (palm, elbow, part) = match held.thing {
            // An arm that hangs holds it well.
            Thing::Backpack | Thing::Handbag => return None,
            Thing::Laptop => (self.laptop_at(rise) + UNDER, DVec3::new(0.3, -1.0, 0.0), upright),
            Thing::Box => {
                let side = DVec3::new(out * (BOX_HALF.x + 0.015), 0.0, -0.06);
                (self.box_at(rise) + side, DVec3::new(out * 0.5, -1.0, -0.5), upright)
            }
            Thing::Trolley => {
                (DVec3::new(out * 0.19, self.handle_ahead(), HANDLE_M), DVec3::new(out * 0.6, -0.4, -1.0), upright)
            }
            Thing::Umbrella => (self.umbrella_at(rise).0, DVec3::new(0.3, -0.5, -1.0), upright),
            Thing::Wheelchair => {
                // From the rim's top back to its front, radians from straight ahead.
                let angle = 1.45 - 0.5 * moment.push;
                let rim = AXLE + RIM_M * DVec3::new(0.0, angle.cos(), angle.sin());
                (DVec3::new(out * (rim.x + 0.02), rim.y, rim.z), DVec3::new(out * 0.7, -1.0, 0.2), 1.0)
            }
        };
        Some(Hold { palm, elbow, part })
    }

    /// How far the trunk reaches back and ahead between two heights, at rest.
    pub(crate) fn depth(&self, low: f64, high: f64) -> (f64, f64) {
        let trunk = self.points.iter().map(|point| point.as_dvec3());
        let trunk = trunk.filter(|point| point.x.abs() < 0.12 && (low..high).contains(&point.z));
        trunk.fold((0.0, 0.0), |(back, front), point| (point.y.min(back), point.y.max(front)))
    }

    /// How far the trunk reaches to the side between two heights, at rest: as far as it goes between the arms.
    fn half_width(&self, low: f64, high: f64) -> f64 {
        let influences = &crate::anatomy::anatomy().influences;
        let trunk = (self.points.iter().zip(influences)).filter(|(point, influences)| {
            let carried = |(bone, weight): &(Bone, f32)| {
                *weight > 0.5 && matches!(bone, Bone::Pelvis | Bone::Belly | Bone::Chest)
            };
            (low..high).contains(&f64::from(point.z)) && influences.iter().any(carried)
        });
        trunk.map(|(point, _)| f64::from(point.x.abs())).fold(0.0, f64::max)
    }
}
