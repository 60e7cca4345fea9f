//! The bones of a body, and poses: where each bone is when the limbs point somewhere.
//!
//! A pose is made in the body's own frame (x to its right, y ahead, z up, the origin on the floor below the pelvis at
//! rest) and then placed in the room.

use glam::{DMat3, DQuat, DVec2, DVec3, Vec3};

use crate::anatomy::Physique;

macro_rules! bones {
    ($($bone:ident $name:literal $parent:expr;)*) => {
        /// The bones, parents before children. Left is −x.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Bone { $($bone),* }

        impl Bone {
            pub const ALL: [Bone; BONES] = [$(Bone::$bone),*];

            /// As the file of bodies calls it.
            pub fn name(self) -> &'static str {
                match self { $(Bone::$bone => $name),* }
            }

            /// What it hangs on; `None` for the pelvis, on which all else hangs.
            pub fn parent(self) -> Option<Bone> {
                match self { $(Bone::$bone => $parent),* }
            }
        }
    };
}

/// How many bones there are.
pub(crate) const BONES: usize = 19;

bones! {
    Pelvis "pelvis" None;
    Belly "belly" Some(Bone::Pelvis);
    Chest "chest" Some(Bone::Belly);
    Neck "neck" Some(Bone::Chest);
    Head "head" Some(Bone::Neck);
    LeftShoulder "left_shoulder" Some(Bone::Chest);
    LeftUpperArm "left_upper_arm" Some(Bone::LeftShoulder);
    LeftForearm "left_forearm" Some(Bone::LeftUpperArm);
    LeftHand "left_hand" Some(Bone::LeftForearm);
    LeftThigh "left_thigh" Some(Bone::Pelvis);
    LeftShin "left_shin" Some(Bone::LeftThigh);
    LeftFoot "left_foot" Some(Bone::LeftShin);
    RightShoulder "right_shoulder" Some(Bone::Chest);
    RightUpperArm "right_upper_arm" Some(Bone::RightShoulder);
    RightForearm "right_forearm" Some(Bone::RightUpperArm);
    RightHand "right_hand" Some(Bone::RightForearm);
    RightThigh "right_thigh" Some(Bone::Pelvis);
    RightShin "right_shin" Some(Bone::RightThigh);
    RightFoot "right_foot" Some(Bone::RightShin);
}

/// The bones of one side.
pub(crate) struct Limbs {
    pub forearm: Bone,
    pub hand: Bone,
    pub thigh: Bone,
    pub shin: Bone,
    pub foot: Bone,
    /// −1 left, 1 right.
    pub side: f64,
}

/// Left, right.
pub(crate) const SIDES: [Limbs; 2] = [
    Limbs {
        forearm: Bone::LeftForearm,
        hand: Bone::LeftHand,
        thigh: Bone::LeftThigh,
        shin: Bone::LeftShin,
        foot: Bone::LeftFoot,
        side: -1.0,
    },
    Limbs {
        forearm: Bone::RightForearm,
        hand: Bone::RightHand,
        thigh: Bone::RightThigh,
        shin: Bone::RightShin,
        foot: Bone::RightFoot,
        side: 1.0,
    },
];

/// Where a bone is: a point `p` of the body at rest is at `at + turned * (p - joint)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BoneAt {
    pub at: DVec3,
    pub turned: DQuat,
}

/// Every bone of a body, in the room.
pub(crate) type Pose = [BoneAt; BONES];

/// What a body does with itself, in its own frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stance {
    /// Of the pelvis's joint.
    pub pelvis: DVec3,
    /// The pelvis, about x (positive: tilting back) and z.
    pub pelvis_pitch: f64,
    pub pelvis_yaw: f64,
    /// The trunk: leaning ahead, and turning left.
    pub lean: f64,
    pub twist: f64,
    /// The head: nodding down against half the trunk's lean, and turning left against the chest.
    pub nod: f64,
    pub look: f64,
    /// Left, right.
    pub legs: [Leg; 2],
    pub arms: [Arm; 2],
}

/// Where a foot is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leg {
    /// The ankle's joint.
    pub ankle: DVec3,
    /// Toes down, radians.
    pub pitch: f64,
    /// Toes to the left, radians.
    pub yaw: f64,
}

/// Where an arm points (directions of any length), unless it holds something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arm {
    pub upper: DVec3,
    pub lower: DVec3,
    pub hold: Option<Hold>,
}

/// What an arm reaches for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hold {
    /// Where the palm is wanted.
    pub palm: DVec3,
    /// Roughly where the elbow goes, as a direction from the shoulder.
    pub elbow: DVec3,
    /// How far the arm does so, 0 (it hangs) to 1.
    pub part: f64,
}

/// From the wrist to the middle of the palm, as a part of stature: half of a hand's length.
const PALM: f64 = 0.05;

/// What poses ask of a body at rest: of the left side, of the right one.
#[derive(Debug)]
pub(crate) struct Rest {
    legs: [LegRest; 2],
    /// Where upper arm and forearm point.
    arms: [[DVec3; 2]; 2],
}

#[derive(Debug)]
struct LegRest {
    thigh_m: f64,
    shin_m: f64,
    /// From the body's axes to those of the thigh and of the shin.
    thigh: DMat3,
    shin: DMat3,
}

impl Rest {
    pub fn of(joints: &[Vec3; BONES]) -> Self {
        let joint = |bone: Bone| joints[bone as usize].as_dvec3();
        let leg = |limbs: &Limbs| {
            let [hip, knee, ankle] = [limbs.thigh, limbs.shin, limbs.foot].map(joint);
            LegRest {
                thigh_m: hip.distance(knee),
                shin_m: knee.distance(ankle),
                thigh: frame(knee - hip, DVec3::Y).transpose(),
                shin: frame(ankle - knee, DVec3::Y).transpose(),
            }
        };
        let arm = |upper: Bone, limbs: &Limbs| {
            let [shoulder, elbow, wrist] = [upper, limbs.forearm, limbs.hand].map(joint);
            [(elbow - shoulder).normalize(), (wrist - elbow).normalize()]
        };
        let arms = [arm(Bone::LeftUpperArm, &SIDES[0]), arm(Bone::RightUpperArm, &SIDES[1])];
        Rest { legs: [leg(&SIDES[0]), leg(&SIDES[1])], arms }
    }
}

/// The axes of a leg's bone that points along `axis` and whose front looks to `front`.
fn frame(axis: DVec3, front: DVec3) -> DMat3 {
    let z = -axis.normalize();
    let x = front.cross(z).normalize();
    DMat3::from_cols(x, z.cross(x), z)
}

impl Physique {
    /// A bone's joint at rest.
    pub fn joint(&self, bone: Bone) -> DVec3 {
        self.joints[bone as usize].as_dvec3()
    }

    /// Hip to ankle with the knee straight, m.
    pub fn leg_length(&self) -> f64 {
        let [hip, knee, ankle] = [Bone::RightThigh, Bone::RightShin, Bone::RightFoot].map(|bone| self.joint(bone));
        hip.distance(knee) + knee.distance(ankle)
    }

    /// The pose of a stance, placed in the room: the body's origin at `at`, its y along `heading`.
    pub fn pose(&self, stance: &Stance, at: DVec2, heading: f64) -> Pose {
        let mut pose = [BoneAt { at: DVec3::ZERO, turned: DQuat::IDENTITY }; BONES];
        let mut lower_arms = stance.arms.map(|arm| arm.lower);
        let pelvis = DQuat::from_rotation_z(stance.pelvis_yaw) * DQuat::from_rotation_x(stance.pelvis_pitch);
        let chest = DQuat::from_rotation_z(stance.twist) * DQuat::from_rotation_x(-stance.lean);
        let head = DQuat::from_rotation_z(stance.twist + stance.look)
            * DQuat::from_rotation_x(-0.5 * stance.lean - stance.nod);
        let legs = [0, 1].map(|i| self.leg(&SIDES[i], stance, pelvis));
        for bone in Bone::ALL {
            let parent = bone.parent().map(|parent| (pose[parent as usize], self.joint(parent)));
            let at =
                parent.map_or(stance.pelvis, |(placed, rest)| placed.at + placed.turned * (self.joint(bone) - rest));
            let turned = match bone {
                Bone::Pelvis => pelvis,
                Bone::Belly => pelvis.slerp(chest, 0.5),
                Bone::Chest => chest,
                Bone::Neck => chest.slerp(head, 0.5),
                Bone::Head => head,
                Bone::LeftShoulder | Bone::RightShoulder => chest,
                Bone::LeftThigh => legs[0][0],
                Bone::LeftShin => legs[0][1],
                Bone::LeftFoot => legs[0][2],
                Bone::RightThigh => legs[1][0],
                Bone::RightShin => legs[1][1],
                Bone::RightFoot => legs[1][2],
                Bone::LeftUpperArm | Bone::RightUpperArm => {
                    let i = usize::from(bone == Bone::RightUpperArm);
                    let (upper, lower) = self.arm(&stance.arms[i], at);
                    lower_arms[i] = lower;
                    points_to(self.rest.arms[i][0], upper)
                }
                Bone::LeftForearm => points_to(self.rest.arms[0][1], lower_arms[0]),
                Bone::RightForearm => points_to(self.rest.arms[1][1], lower_arms[1]),
                Bone::LeftHand | Bone::RightHand => parent.expect("a hand hangs on an arm").0.turned,
            };
            pose[bone as usize] = BoneAt { at, turned };
        }
        let turn = DQuat::from_rotation_z(heading - std::f64::consts::FRAC_PI_2);
        pose.map(|bone| BoneAt { at: at.extend(0.0) + turn * bone.at, turned: turn * bone.turned })
    }

    /// The middle of a palm in a pose; 0 is the left one.
    pub fn palm(&self, pose: &Pose, side: usize) -> DVec3 {
        let Limbs { forearm, hand, .. } = SIDES[side];
        let rest = self.joint(hand) - self.joint(forearm);
        let placed = pose[hand as usize];
        placed.at + placed.turned * rest.normalize() * self.palm_m()
    }

    fn palm_m(&self) -> f64 {
        PALM * f64::from(self.stature())
    }

    /// Where upper arm and forearm of an arm point whose upper arm begins at `from`: two bones and the cosine rule, if it holds
    /// something.
    fn arm(&self, arm: &Arm, from: DVec3) -> (DVec3, DVec3) {
        let Some(Hold { palm, elbow, part }) = arm.hold else { return (arm.upper, arm.lower) };
        let [shoulder, bend, wrist] =
            [Bone::RightUpperArm, Bone::RightForearm, Bone::RightHand].map(|bone| self.joint(bone));
        let (upper, lower) = (shoulder.distance(bend), bend.distance(wrist) + self.palm_m());
        let way = palm - from;
        let reach = way.length().clamp((upper - lower).abs() + 0.01, (upper + lower) * 0.9995);
        let along = way.try_normalize().unwrap_or(DVec3::NEG_Z);
        let aside = (elbow - along * along.dot(elbow)).try_normalize().unwrap_or(DVec3::NEG_Y);
        let cosine = ((upper * upper + reach * reach - lower * lower) / (2.0 * upper * reach)).clamp(-1.0, 1.0);
        let to_elbow = along * cosine + aside * (1.0 - cosine * cosine).sqrt();
        let to_palm = along * reach - to_elbow * upper;
        let turn = |hanging: DVec3, holding: DVec3| hanging.normalize_or(holding).lerp(holding.normalize(), part);
        (turn(arm.upper, to_elbow), turn(arm.lower, to_palm))
    }

    /// Thigh, shin and foot of a leg that reaches for its ankle: two bones and the cosine rule, the knee ahead. An ankle out of
    /// reach is reached for.
    fn leg(&self, limbs: &Limbs, stance: &Stance, pelvis: DQuat) -> [DQuat; 3] {
        let leg = &stance.legs[usize::from(limbs.side > 0.0)];
        let rest = &self.rest.legs[usize::from(limbs.side > 0.0)];
        let (thigh, shin) = (rest.thigh_m, rest.shin_m);
        let from = stance.pelvis + pelvis * (self.joint(limbs.thigh) - self.joint(Bone::Pelvis));
        let way = leg.ankle - from;
        let reach = way.length().clamp(0.2 * thigh, (thigh + shin) * 0.9995);
        let along = way.try_normalize().unwrap_or(DVec3::NEG_Z);
        // Toes and knee look the same way, a little outwards.
        let ahead = DQuat::from_rotation_z(leg.yaw * 0.7) * DVec3::new(0.06 * limbs.side, 1.0, 0.35);
        let bent = (ahead - along * ahead.dot(along)).normalize();
        let cosine = (thigh * thigh + reach * reach - shin * shin) / (2.0 * thigh * reach);
        let angle = cosine.clamp(-1.0, 1.0).acos();
        let knee_at = from + (along * angle.cos() + bent * angle.sin()) * thigh;
        let ankle_at = from + along * reach;
        let turn = |rest: DMat3, now: DVec3| DQuat::from_mat3(&(frame(now, bent) * rest));
        let foot = DQuat::from_rotation_z(leg.yaw) * DQuat::from_rotation_x(-leg.pitch);
        [turn(rest.thigh, knee_at - from), turn(rest.shin, ankle_at - knee_at), foot]
    }
}

/// The turn after which a bone that points along `rest` points along `direction`.
fn points_to(rest: DVec3, direction: DVec3) -> DQuat {
    direction.try_normalize().map_or(DQuat::IDENTITY, |direction| DQuat::from_rotation_arc(rest, direction))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anatomy::anatomy;

    fn upright(physique: &Physique) -> Stance {
        let leg = |bone: Bone| Leg { ankle: physique.joint(bone), pitch: 0.0, yaw: 0.0 };
        let arm = |[upper, lower, hand]: [Bone; 3]| Arm {
            upper: physique.joint(lower) - physique.joint(upper),
            lower: physique.joint(hand) - physique.joint(lower),
            hold: None,
        };
        Stance {
            pelvis: physique.joint(Bone::Pelvis),
            pelvis_pitch: 0.0,
            pelvis_yaw: 0.0,
            lean: 0.0,
            twist: 0.0,
            nod: 0.0,
            look: 0.0,
            legs: [leg(Bone::LeftFoot), leg(Bone::RightFoot)],
            arms: [
                arm([Bone::LeftUpperArm, Bone::LeftForearm, Bone::LeftHand]),
                arm([Bone::RightUpperArm, Bone::RightForearm, Bone::RightHand]),
            ],
        }
    }

    #[test]
    fn the_stance_of_rest_is_the_body_at_rest() {
        for physique in anatomy().bodies.values() {
            let pose = physique.pose(&upright(physique), DVec2::new(2.0, 3.0), std::f64::consts::FRAC_PI_2);
            for bone in Bone::ALL {
                let expected = physique.joint(bone) + DVec3::new(2.0, 3.0, 0.0);
                let found = pose[bone as usize].at;
                // Knees are never quite straight, and may bend ahead a little more or less than at rest.
                let tolerance = if matches!(bone, Bone::LeftShin | Bone::RightShin) { 0.05 } else { 0.005 };
                assert!(found.distance(expected) < tolerance, "{}: {found}, expected {expected}", bone.name());
            }
        }
    }

    #[test]
    fn feet_are_where_they_are_wanted_and_bones_keep_their_lengths() {
        let physique = &anatomy().bodies["man-medium"];
        let mut stance = upright(physique);
        stance.pelvis.z -= 0.3;
        stance.lean = 0.4;
        stance.legs[0].ankle += DVec3::new(0.0, 0.3, 0.1);
        let pose = physique.pose(&stance, DVec2::ZERO, std::f64::consts::FRAC_PI_2);
        assert!(pose[Bone::LeftFoot as usize].at.distance(stance.legs[0].ankle) < 1e-6);
        assert!(pose[Bone::RightFoot as usize].at.distance(stance.legs[1].ankle) < 1e-6);
        for bone in Bone::ALL {
            let Some(parent) = bone.parent() else { continue };
            let rest = physique.joint(bone).distance(physique.joint(parent));
            let now = pose[bone as usize].at.distance(pose[parent as usize].at);
            assert!((rest - now).abs() < 1e-6, "{}: {rest} m at rest, {now} m now", bone.name());
        }
        let (hip, knee) = (pose[Bone::RightThigh as usize].at, pose[Bone::RightShin as usize].at);
        assert!(knee.y > hip.y + 0.1, "a bent knee is ahead");
    }
}
