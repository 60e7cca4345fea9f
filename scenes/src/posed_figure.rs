//! A dressed body in a pose: where its skin, its flesh and its head are in the room.

use std::sync::Arc;

use glam::{Affine3A, DVec3, Vec3, Vec3A};

use crate::figure::{Figure, Flesh};
use crate::skeleton::{Bone, Pose};
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

    /// Points of the surface that stand for all of it.
    pub fn samples(&self) -> Vec<DVec3> {
        self.placed(&self.figure.samples)
    }

    /// Points that bound the dressed body and what is carried on it.
    pub fn outline(&self) -> Vec<DVec3> {
        let mut points = self.placed(&self.figure.outline);
        points.extend(&self.belongings);
        points
    }

    fn placed(&self, points: &[u16]) -> Vec<DVec3> {
        let point = |index: &u16| {
            let index = usize::from(*index);
            let rest = self.figure.points[index].as_dvec3();
            let carried = self.figure.influences[index].iter().filter(|(_, weight)| *weight > 0.0);
            carried.map(|(bone, weight)| self.place(*bone, rest) * f64::from(*weight)).sum()
        };
        points.iter().map(point).collect()
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
