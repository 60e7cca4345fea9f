//! A dressed body in a pose: where its skin, its flesh and its head are in the room.

use std::sync::Arc;

use glam::{Affine3A, DMat3, DQuat, DVec3, Vec3, Vec3A};

use crate::figure::{Figure, Flesh};
use crate::marks::{Bones, BonesSeen};
use crate::skeleton::{Bone, BoneAt, Pose};
use crate::{Color, Shape, Solid};

/// A figure in a pose: a body in the room, with what it carries.
#[derive(Clone, Debug)]
pub struct PosedFigure {
    /// What is posed.
    pub figure: Arc<Figure>,
    pub(crate) pose: Pose,
    /// Corners of what is carried on the body and counts to its outline.
    pub(crate) belongings: Vec<DVec3>,
}

impl PartialEq for PosedFigure {
    fn eq(&self, other: &Self) -> bool {
        self.pose == other.pose
            && self.belongings == other.belongings
            && (Arc::ptr_eq(&self.figure, &other.figure) || self.figure == other.figure)
    }
}

/// A point of a skin in the room.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SkinPoint {
    /// Where it is, m.
    pub at: Vec3,
    /// Unit vector out of the body.
    pub normal: Vec3,
    /// The part of the hemisphere over it that the body itself leaves open, 0 to 1.
    pub open: f32,
}

impl PosedFigure {
    #[inline]
    fn place(&self, bone: Bone, rest: DVec3) -> DVec3 {
        let placed = self.pose[bone as usize];
        placed.at + placed.turned * (rest - self.figure.joints[bone as usize].as_dvec3())
    }

    /// The middle of the head.
    pub fn head(&self) -> DVec3 {
        self.place(Bone::Head, self.figure.head().as_dvec3())
    }

    /// About the body's flesh: what hides things and throws shadows.
    pub fn flesh(&self) -> Vec<Solid> {
        let solid = |flesh: &Flesh| {
            let (shape, at) = (Shape::Ellipsoid(flesh.half.as_dvec3()), flesh.middle.as_dvec3());
            let turned = self.pose[flesh.bone as usize].turned;
            Solid { turned, ..Solid::new(shape, self.place(flesh.bone, at), Color::new(0, 0, 0)) }
        };
        self.figure.flesh.iter().map(solid).collect()
    }

    /// A ball that holds all of the flesh: its middle and its radius.
    pub fn ball(&self) -> (DVec3, f64) {
        let middle = self.pose[Bone::Belly as usize].at;
        let reach = |flesh: &Flesh| self.pose[flesh.bone as usize].at.distance(middle) + flesh.reach_m;
        (middle, self.figure.flesh.iter().map(reach).fold(0.0, f64::max))
    }

    /// Points of the surface that stand for all of it.
    pub fn samples(&self) -> Vec<DVec3> {
        (0..self.figure.samples.len()).map(|i| self.sample(i)).collect()
    }

    /// One of them.
    #[inline]
    pub fn sample(&self, i: usize) -> DVec3 {
        self.placed(self.figure.samples[i])
    }

    /// Points that bound the dressed body and what is carried on it.
    pub fn outline(&self) -> Vec<DVec3> {
        (0..self.figure.outline.len() + self.belongings.len()).map(|i| self.outline_point(i)).collect()
    }

    /// One of them.
    #[inline]
    pub fn outline_point(&self, i: usize) -> DVec3 {
        let worn = i.checked_sub(self.figure.outline.len());
        worn.map_or_else(|| self.placed(self.figure.outline[i]), |worn| self.belongings[worn])
    }

    #[inline]
    fn placed(&self, index: u16) -> DVec3 {
        let index = usize::from(index);
        let rest = self.figure.points[index].as_dvec3();
        let carried = self.figure.influences[index].iter().filter(|(_, weight)| *weight > 0.0);
        carried.map(|(bone, weight)| self.place(*bone, rest) * f64::from(*weight)).sum()
    }

    /// The bones as somebody at `from` sees them, to whose axes `axes` turns the room's.
    pub fn bones_seen(&self, from: DVec3, axes: &DMat3) -> BonesSeen {
        BonesSeen::new(&self.pose, &self.figure.joints, from, axes)
    }

    /// How many points the [`samples`](Self::samples) are.
    #[inline]
    pub fn sample_count(&self) -> usize {
        self.figure.samples.len()
    }

    /// How many points the [`outline`](Self::outline) is.
    #[inline]
    pub fn outline_count(&self) -> usize {
        self.figure.outline.len() + self.belongings.len()
    }

    /// Where the onlooker sees one of the [`samples`](Self::samples), to [`ABOUT_M`](crate::ABOUT_M).
    #[inline]
    pub fn sample_seen(&self, i: usize, bones: &BonesSeen) -> Vec3A {
        self.figure.sample_marks.seen(i, bones)
    }

    /// Where the onlooker sees one point of the [`outline`](Self::outline), to [`ABOUT_M`](crate::ABOUT_M).
    #[inline]
    pub fn outline_seen(&self, i: usize, bones: &BonesSeen) -> Vec3A {
        match i.checked_sub(self.figure.outline_marks.len()) {
            None => self.figure.outline_marks.seen(i, bones),
            Some(worn) => bones.turn(self.belongings[worn]),
        }
    }

    /// Whether one of the [`samples`](Self::samples) is carried by no other than these bones.
    #[inline]
    pub fn sample_is_carried_by(&self, i: usize, bones: Bones) -> bool {
        self.figure.sample_marks.is_carried_by(i, bones)
    }

    /// The bones that are exactly where they were in another pose of the same figure.
    pub fn bones_as_in(&self, other: &PosedFigure) -> Bones {
        let same = self.pose.iter().zip(&other.pose).enumerate().filter(|(_, (a, b))| a == b);
        Bones(same.fold(0, |bones, (bone, _)| bones | 1 << bone))
    }

    /// As far as this, m, any of the samples and any point of the outline is at most from where it is in another pose of the same figure.
    pub fn moved_m(&self, other: &PosedFigure) -> f64 {
        let turned = |a: DQuat, b: DQuat| (a - b).length().min((a + b).length());
        let moved = |(a, b): (&BoneAt, &BoneAt), reach_m: &f64| {
            a.at.distance(b.at) + 2.0 * turned(a.turned, b.turned) * reach_m
        };
        let bones = self.pose.iter().zip(&other.pose).zip(&self.figure.reach_m);
        let body_m = bones.map(|(bone, reach_m)| moved(bone, reach_m)).fold(0.0, f64::max);
        if self.belongings.len() != other.belongings.len() {
            return f64::INFINITY;
        }
        let worn = self.belongings.iter().zip(&other.belongings).map(|(a, b)| a.distance(*b));
        worn.fold(body_m, f64::max)
    }

    /// All points, as linear blend skinning has them.
    pub fn skin(&self) -> Vec<SkinPoint> {
        let bones: Vec<Affine3A> = (self.pose.iter().zip(&self.figure.joints))
            .map(|(bone, joint)| {
                let moved = bone.at - bone.turned * joint.as_dvec3();
                Affine3A::from_rotation_translation(bone.turned.as_quat(), moved.as_vec3())
            })
            .collect();
        let figure = &*self.figure;
        (figure.points.iter().zip(&figure.normals).zip(&figure.influences).zip(&figure.open))
            .map(|(((point, normal), influences), open)| {
                let (point, normal) = (Vec3A::from(*point), Vec3A::from(*normal));
                let (mut at, mut out) = (Vec3A::ZERO, Vec3A::ZERO);
                for (bone, weight) in influences.iter().filter(|(_, weight)| *weight > 0.0) {
                    let bone = &bones[*bone as usize];
                    at += bone.transform_point3a(point) * *weight;
                    out += (bone.matrix3 * normal) * *weight;
                }
                let (at, out) = (Vec3::from(at), Vec3::from(out));
                SkinPoint { at, normal: out.normalize_or(Vec3::Z), open: *open }
            })
            .collect()
    }
}
