//! Points of a figure placed about: in single precision, as somebody sees them who looks from one place.
//!
//! Where a point is to the last bit takes several times as long, and most questions about points need to know no more than
//! that they are far from where the answer changes. Knows nothing of these questions.

use glam::{DMat3, DVec3, Mat3A, Vec3, Vec3A, Vec4};

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

    /// How many they are.
    #[inline]
    pub fn len(&self) -> usize {
        self.marks.len()
    }

    /// Where point `i` is seen, in the order in which they were chosen.
    #[inline]
    pub fn seen(&self, i: usize, bones: &BonesSeen) -> Vec3A {
        let carry = |sum: Vec4, (bone, point): &(Bone, Vec4)| {
            let [x, y, z, w] = &bones.columns[*bone as usize];
            sum + *x * point.x + *y * point.y + *z * point.z + *w * point.w
        };
        Vec3A::from_vec4(self.rows(i).iter().fold(bones.origin * self.marks[i].excess, carry))
    }

    /// Whether all the bones that carry point `i` are among some.
    #[inline]
    pub fn is_carried_by(&self, i: usize, bones: Bones) -> bool {
        self.rows(i).iter().all(|(bone, _)| bones.0 >> *bone as usize & 1 == 1)
    }

    #[inline]
    fn rows(&self, i: usize) -> &[(Bone, Vec4)] {
        let begin = i.checked_sub(1).map_or(0, |before| self.marks[before].end);
        &self.carried[begin as usize..self.marks[i].end as usize]
    }

    /// How far from its joint each bone carries any of them, m.
    pub fn reach_m(&self, points: impl Iterator<Item = Vec3>, joints: &[Vec3; BONES]) -> [f64; BONES] {
        let mut reach_m = [0f64; BONES];
        for (i, rest) in points.enumerate() {
            for (bone, _) in self.rows(i) {
                let reach = &mut reach_m[*bone as usize];
                *reach = reach.max(f64::from(rest.distance(joints[*bone as usize])));
            }
        }
        reach_m
    }
}

/// Some of a body's bones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bones(pub(crate) u32);

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
        let turn = Mat3A::from(axes.as_mat3());
        let columns = std::array::from_fn(|bone| {
            let turned = turn * Mat3A::from_quat(pose[bone].turned.as_quat());
            let moved = (*axes * (pose[bone].at - from)).as_vec3a() - turned * Vec3A::from(joints[bone]);
            [turned.x_axis, turned.y_axis, turned.z_axis, moved].map(|column| column.extend(0.0))
        });
        BonesSeen { columns, origin: (*axes * from).as_vec3().extend(0.0), from, axes: *axes }
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
                let (pose, belongings) = (physique.at(&moment, &[]), vec![moment.at.extend(0.3)]);
                let posed = PosedFigure { figure: Arc::clone(&figure), pose, belongings };
                let seen = posed.bones_seen(from, &axes);
                let exact: Vec<DVec3> = posed.samples().into_iter().chain(posed.outline()).collect();
                let samples = (0..posed.sample_count()).map(|i| posed.sample_seen(i, &seen));
                let outline = (0..posed.outline_count()).map(|i| posed.outline_seen(i, &seen));
                let about: Vec<Vec3A> = samples.chain(outline).collect();
                assert_eq!(exact.len(), about.len());
                for (i, (exact, about)) in exact.into_iter().zip(about).enumerate() {
                    let off = (axes * (exact - from)).distance(about.as_dvec3());
                    assert!(off < 0.5 * ABOUT_M, "point {i} is off by {off} m");
                }
            }
        }
    }

    #[test]
    fn no_point_moves_farther_than_its_bones_say() {
        let mut near_the_bound = 0;
        for physique in anatomy().bodies.values().step_by(5) {
            let mut motion = Motion::new(physique.build(), 0.0, DVec2::ZERO, 1.0, false, 0.3);
            motion.walk(DVec2::new(2.0, 0.0), 1.2);
            motion.sit_down(DVec2::new(2.0, 0.5), 2.0);
            motion.stay(40.0);
            let figure = Arc::new(Figure::new(&Body::default(), physique));
            let posed = |t_s: f64| {
                let pose = physique.at(&motion.at(t_s).expect("there from the start"), &[]);
                PosedFigure { figure: Arc::clone(&figure), pose, belongings: vec![] }
            };
            for step in 0..80 {
                let (before, after) = (posed(f64::from(step) * 0.4), posed(f64::from(step) * 0.4 + 0.1));
                let (moved_m, same) = (after.moved_m(&before), after.bones_as_in(&before));
                let points = |posed: &PosedFigure| [posed.samples(), posed.outline()].concat();
                let ways = points(&before).into_iter().zip(points(&after)).map(|(a, b)| a.distance(b));
                let most = ways.clone().fold(0.0, f64::max);
                assert!(most <= moved_m + 1e-9, "{most} m, and {moved_m} m are said");
                near_the_bound += u32::from(most > 0.4 * moved_m);
                let stay = ways.enumerate().filter(|(i, _)| *i < 40 && after.sample_is_carried_by(*i, same));
                assert!(stay.clone().all(|(_, moved)| moved == 0.0));
                assert!(step < 20 || stay.count() > 5, "legs of somebody who sits");
            }
        }
        assert!(near_the_bound > 100, "the bound is worth something");
    }
}
