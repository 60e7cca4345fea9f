//! Points of a figure placed about: in single precision, as somebody sees them who looks from one place.
//!
//! Where a point is to the last bit takes several times as long, and most questions about points need to know no more than
//! that they are far from where the answer changes. Knows nothing of these questions.

use glam::{DMat3, DVec3, Vec3, Vec3A, Vec4};

use crate::anatomy::Influences;
use crate::skeleton::{BONES, Bone, Pose};

/// How far a point placed about is at most from where it is, m: some roundings of a single precision at 60 m.
pub const ABOUT_M: f64 = 1e-4;

/// Points of a body at rest with what carries them.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Marks {
    marks: Vec<Mark>,
    /// A bone, and the point times the bone's weight with that weight: a row for each bone that carries a point.
    carried: Vec<(Bone, Vec4)>,
}

#[derive(Debug, PartialEq)]
struct Mark {
    /// The end of its rows; they begin where those of the mark before end.
    end: u32,
    /// By how much its weights sum to more than 1.
    excess: f32,
}

impl Marks {
    /// The points of a body at rest that `chosen` names.
    pub fn new(chosen: &[u16], points: &[Vec3], influences: &[Influences]) -> Self {
        let mut all = Marks::default();
        for index in chosen.iter().map(|index| usize::from(*index)) {
            let weighing = influences[index].iter().filter(|(_, weight)| *weight > 0.0);
            let sum: f64 = weighing.clone().map(|(_, weight)| f64::from(*weight)).sum();
            all.carried.extend(weighing.map(|(bone, weight)| (*bone, (points[index] * *weight).extend(*weight))));
            all.marks.push(Mark { end: all.carried.len() as u32, excess: (sum - 1.0) as f32 });
        }
        all
    }

    /// Where they are, in the order in which they were chosen.
    pub fn seen<'a>(&'a self, bones: &'a BonesSeen) -> impl Iterator<Item = Vec3A> + 'a {
        let mut begin = 0;
        self.marks.iter().map(move |mark| {
            let rows = &self.carried[begin..mark.end as usize];
            begin = mark.end as usize;
            let carry = |sum: Vec4, (bone, point): &(Bone, Vec4)| {
                let [x, y, z, w] = &bones.columns[*bone as usize];
                sum + *x * point.x + *y * point.y + *z * point.z + *w * point.w
            };
            Vec3A::from_vec4(rows.iter().fold(bones.origin * mark.excess, carry))
        })
    }
}

/// The bones of a body in a pose, as somebody sees them.
pub struct BonesSeen {
    /// What takes a point of the body at rest, with a 1, to where the bone carries it.
    columns: [[Vec4; 4]; BONES],
    /// The onlooker's place, as the room's origin sees it along the onlooker's axes.
    origin: Vec4,
    from: DVec3,
    axes: DMat3,
}

impl BonesSeen {
    /// From a place in the room, by somebody to whose axes `axes` turns the room's.
    pub(crate) fn new(pose: &Pose, joints: &[Vec3; BONES], from: DVec3, axes: &DMat3) -> Self {
        let column = |vector: DVec3| vector.as_vec3().extend(0.0);
        let columns = std::array::from_fn(|bone| {
            let turned = DMat3::from_quat(pose[bone].turned);
            let moved = pose[bone].at - from - turned * joints[bone].as_dvec3();
            let turned = *axes * turned;
            [turned.x_axis, turned.y_axis, turned.z_axis, *axes * moved].map(column)
        });
        BonesSeen { columns, origin: column(*axes * from), from, axes: *axes }
    }

    /// A point of the room as the onlooker sees it.
    pub(crate) fn turn(&self, point: DVec3) -> Vec3A {
        (self.axes * (point - self.from)).as_vec3a()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use glam::{DQuat, DVec2};

    use crate::anatomy::anatomy;
    use crate::motion::Motion;
    use crate::{Body, Figure, PosedFigure};

    use super::*;

    #[test]
    fn points_placed_about_are_where_they_are() {
        let from = DVec3::new(3.0, 2.0, 3.2);
        let axes = DMat3::from_quat(DQuat::from_rotation_z(0.7) * DQuat::from_rotation_x(2.9));
        for physique in anatomy().bodies.values() {
            let mut motion = Motion::new(physique.build(), 0.0, DVec2::new(55.0, 58.0), 1.0, false, 0.3);
            motion.walk(DVec2::new(52.0, 58.0), 1.2);
            motion.sit_down(DVec2::new(52.0, 57.5), 2.0);
            let figure = Arc::new(Figure::new(&Body::default(), physique));
            for step in 0..40 {
                let moment = motion.at(f64::from(step) * 0.13).expect("there from the start");
                let (pose, belongings) = (physique.at(&moment, &[]), vec![DVec3::new(50.0, 58.0, 0.3)]);
                let posed = PosedFigure { figure: Arc::clone(&figure), pose, belongings };
                let seen = posed.bones_seen(from, &axes);
                let exact: Vec<DVec3> = posed.samples().into_iter().chain(posed.outline()).collect();
                let about: Vec<Vec3A> = posed.samples_seen(&seen).chain(posed.outline_seen(&seen)).collect();
                assert_eq!(exact.len(), about.len());
                for (i, (exact, about)) in exact.into_iter().zip(about).enumerate() {
                    let off = (axes * (exact - from)).distance(about.as_dvec3());
                    assert!(off < 0.5 * ABOUT_M, "point {i} is off by {off} m");
                }
            }
        }
    }
}
