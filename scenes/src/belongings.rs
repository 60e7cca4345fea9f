//! What the things that go with people are made of, and where they are beside a posed body.

use glam::{DQuat, DVec2, DVec3};

use crate::anatomy::Physique;
use crate::carry::{AXLE, BOX_HALF, Carried, HANDLE_M, LAPTOP_HALF, RIM_M, Thing};
use crate::furniture::SEAT_HEIGHT_M;
use crate::motion::{FOOTREST_M, Moment};
use crate::skeleton::{Bone, Pose};
use crate::{Color, Shape, Solid};

const METAL: Color = Color::new(120, 124, 130);
const RUBBER: Color = Color::new(32, 32, 34);

impl Thing {
    fn usual_color(self) -> Color {
        match self {
            Thing::Backpack => Color::new(46, 58, 74),
            Thing::Handbag => Color::new(96, 58, 40),
            Thing::Laptop => Color::new(150, 153, 158),
            Thing::Box | Thing::Trolley => Color::new(172, 132, 88),
            Thing::Umbrella => Color::new(34, 38, 52),
            Thing::Wheelchair => Color::new(28, 30, 36),
        }
    }
}

/// A place in the room and a turn, to which the parts of a thing are relative.
#[derive(Clone, Copy)]
struct Place {
    at: DVec3,
    turned: DQuat,
}

impl Place {
    fn solid(&self, shape: Shape, at: DVec3, color: Color) -> Solid {
        self.turned_solid(shape, at, DQuat::IDENTITY, color)
    }

    fn turned_solid(&self, shape: Shape, at: DVec3, turned: DQuat, color: Color) -> Solid {
        Solid { turned: self.turned * turned, ..Solid::new(shape, self.at + self.turned * at, color) }
    }

    /// A place relative to this one.
    fn place(&self, at: DVec3, turned: DQuat) -> Place {
        Place { at: self.at + self.turned * at, turned: self.turned * turned }
    }

    fn towards(&self, other: &Place, part: f64) -> Place {
        Place { at: self.at.lerp(other.at, part), turned: self.turned.slerp(other.turned, part) }
    }
}

/// A cuboid by its edge lengths.
fn cuboid(x: f64, y: f64, z: f64) -> Shape {
    Shape::Cuboid(DVec3::new(x, y, z) / 2.0)
}

/// A wheel whose axle runs along x.
fn wheel(place: &Place, radius: f64, width: f64, at: DVec3, color: Color) -> Solid {
    let shape = Shape::Cylinder { radius, half_height: width / 2.0 };
    place.turned_solid(shape, at, DQuat::from_rotation_arc(DVec3::Z, DVec3::X), color)
}

/// A rod from one point of a place to another.
fn rod(place: &Place, from: DVec3, to: DVec3, radius: f64, color: Color) -> Solid {
    let way = to - from;
    let turned = DQuat::from_rotation_arc(DVec3::Z, way.normalize_or(DVec3::Z));
    place.turned_solid(Shape::Cylinder { radius, half_height: way.length() / 2.0 }, (from + to) / 2.0, turned, color)
}

/// The solids of all that goes with a body in a pose, and the corners of those that count to its outline.
pub(crate) fn all(carries: &[Carried], physique: &Physique, moment: &Moment, pose: &Pose) -> (Vec<Solid>, Vec<DVec3>) {
    let (mut things, mut outline) = (Vec::new(), Vec::new());
    for carried in carries {
        let solids = solids(carried, carries, physique, moment, pose);
        if carried.thing.is_in_outline() {
            outline.extend(solids.iter().flat_map(Solid::corners));
        }
        things.extend(solids);
    }
    (things, outline)
}

/// The solids of one thing beside a body in a pose.
fn solids(carried: &Carried, all: &[Carried], physique: &Physique, moment: &Moment, pose: &Pose) -> Vec<Solid> {
    let color = carried.color.unwrap_or(carried.thing.usual_color());
    let turned = DQuat::from_rotation_z(moment.heading - std::f64::consts::FRAC_PI_2);
    let body = Place { at: moment.at.extend(0.0), turned };
    let rise = pose[Bone::Pelvis as usize].at.z - physique.joint(Bone::Pelvis).z;
    // Beside somebody who sits, on the floor.
    let sit = moment.sit * moment.sit * (3.0 - 2.0 * moment.sit);
    let beside = |side: f64, height: f64| body.place(DVec3::new(side * 0.42, 0.02, height / 2.0), DQuat::IDENTITY);
    match carried.thing {
        Thing::Backpack => {
            let chest = pose[Bone::Chest as usize];
            let joint = physique.joint(Bone::Chest);
            let (back, _) = physique.depth(joint.z - 0.1, joint.z + 0.2);
            let worn = Place {
                at: chest.at + chest.turned * DVec3::new(0.0, back - joint.y - 0.10, 0.04),
                turned: chest.turned,
            };
            let rolls = all.iter().any(|other| other.thing == Thing::Wheelchair);
            // On the back of a wheelchair, or on the floor.
            let put =
                if rolls { body.place(DVec3::new(0.0, -0.34, 0.66), DQuat::IDENTITY) } else { beside(-1.0, 0.46) };
            let place = worn.towards(&put, sit);
            vec![
                place.solid(cuboid(0.30, 0.16, 0.46), DVec3::ZERO, color),
                place.solid(cuboid(0.24, 0.07, 0.24), DVec3::new(0.0, -0.11, -0.08), color),
            ]
        }
        Thing::Handbag => {
            let hand = Place { at: physique.palm(pose, 0), turned };
            let held = hand.place(DVec3::new(0.0, 0.0, -0.24), DQuat::IDENTITY);
            let place = held.towards(&beside(-1.0, 0.24), sit);
            // Two straps up to the hand.
            let strap = |ahead: f64| {
                rod(&place, DVec3::new(0.0, ahead, 0.12), DVec3::new(0.0, ahead * 0.3, 0.24), 0.008, color)
            };
            vec![place.solid(cuboid(0.12, 0.32, 0.24), DVec3::ZERO, color), strap(-0.09), strap(0.09)]
        }
        Thing::Laptop => {
            let held = body.place(physique.laptop_at(rise), DQuat::IDENTITY);
            vec![held.towards(&beside(1.0, 2.0 * LAPTOP_HALF.z), sit).solid(
                Shape::Cuboid(LAPTOP_HALF),
                DVec3::ZERO,
                color,
            )]
        }
        Thing::Box => {
            let place = body.place(physique.box_at(rise), DQuat::IDENTITY);
            let tape = Color::new(196, 168, 120);
            vec![
                place.solid(Shape::Cuboid(BOX_HALF), DVec3::ZERO, color),
                place.solid(cuboid(0.05, 0.302, 0.01), DVec3::new(0.0, 0.0, BOX_HALF.z), tape),
            ]
        }
        Thing::Trolley => trolley(&body.place(DVec3::Y * physique.handle_ahead(), DQuat::IDENTITY), color),
        Thing::Umbrella => {
            let (grip, top) = physique.umbrella_at(rise);
            let along = (top - grip).normalize();
            let cover = body.place(top, DQuat::from_rotation_arc(DVec3::Z, along));
            vec![
                rod(&body, grip - along * 0.06, top + along * 0.12, 0.012, METAL),
                cover.solid(Shape::Ellipsoid(DVec3::new(0.50, 0.50, 0.10)), DVec3::ZERO, color),
            ]
        }
        Thing::Wheelchair => wheelchair(&body, physique, color),
    }
}

/// A trolley whose handle is at the place's origin, 0.9 m long.
fn trolley(place: &Place, parcels: Color) -> Vec<Solid> {
    const DECK_M: f64 = 0.20;
    let mut solids = vec![
        place.solid(cuboid(0.56, 0.80, 0.03), DVec3::new(0.0, 0.50, DECK_M - 0.015), METAL),
        rod(place, DVec3::new(-0.26, 0.0, HANDLE_M), DVec3::new(0.26, 0.0, HANDLE_M), 0.015, METAL),
        place.solid(cuboid(0.50, 0.42, 0.34), DVec3::new(0.0, 0.42, DECK_M + 0.17), parcels),
        place.solid(cuboid(0.40, 0.30, 0.26), DVec3::new(-0.04, 0.40, DECK_M + 0.47), parcels),
        place.solid(cuboid(0.44, 0.26, 0.22), DVec3::new(0.0, 0.76, DECK_M + 0.11), parcels),
    ];
    for side in [-0.26, 0.26] {
        solids.push(rod(place, DVec3::new(side, 0.0, HANDLE_M), DVec3::new(side, 0.12, DECK_M), 0.014, METAL));
        for ahead in [0.18, 0.82] {
            solids.push(wheel(place, 0.085, 0.03, DVec3::new(side, ahead, 0.085), RUBBER));
        }
    }
    solids
}

/// A wheelchair whose sitter's pelvis is over the place's origin.
fn wheelchair(place: &Place, physique: &Physique, cloth: Color) -> Vec<Solid> {
    let build = physique.build();
    let mut solids = vec![
        place.solid(cuboid(0.44, 0.44, 0.05), DVec3::new(0.0, 0.02, SEAT_HEIGHT_M - 0.025), cloth),
        place.solid(cuboid(0.42, 0.03, 0.46), DVec3::new(0.0, -0.23, SEAT_HEIGHT_M + 0.23), cloth),
    ];
    for side in [-1.0, 1.0] {
        let axle = DVec3::new(side * AXLE.x, AXLE.y, AXLE.z);
        solids.push(wheel(place, 0.30, 0.03, axle - DVec3::X * side * 0.03, RUBBER));
        solids.push(wheel(place, RIM_M, 0.012, axle, METAL));
        solids.push(wheel(place, 0.08, 0.03, DVec3::new(side * 0.22, 0.34, 0.08), RUBBER));
        let handle = DVec3::new(side * 0.20, -0.24, 0.92);
        solids.push(rod(place, handle, handle - DVec3::Y * 0.12, 0.015, RUBBER));
        // From the seat's front edge down to the rest under each foot.
        let rest = DVec3::new(side * build.half_m, build.seated_reach_m + 0.05, FOOTREST_M - 0.01);
        solids.push(rod(place, DVec3::new(side * 0.19, 0.24, SEAT_HEIGHT_M - 0.04), rest, 0.012, METAL));
        solids.push(place.solid(cuboid(0.13, 0.20, 0.02), rest, METAL));
    }
    solids
}

/// Where the trolley of somebody at a place with a heading has its middle.
pub(crate) fn trolley_middle(physique: &Physique, at: DVec2, heading: f64) -> DVec2 {
    at + DVec2::from_angle(heading) * (physique.handle_ahead() + 0.45)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anatomy::anatomy;
    use crate::motion::Motion;
    use crate::occlusion::Occluder;
    use crate::{Body, Figure};

    /// From a point to the surface of a solid, or 0 within.
    fn distance(solid: &Solid, point: DVec3) -> f64 {
        let own = (solid.turned.inverse() * (point - solid.at)).abs();
        match solid.shape {
            Shape::Cuboid(half) => (own - half).max(DVec3::ZERO).length(),
            Shape::Cylinder { radius, half_height } => {
                DVec2::new(own.truncate().length() - radius, own.z - half_height).max(DVec2::ZERO).length()
            }
            // Good enough for flat ones: along the line from the middle.
            Shape::Ellipsoid(half) => own.length() * (1.0 - 1.0 / (own / half).length()).max(0.0),
        }
    }

    /// Everything about a person with things who goes 4 m, a quarter turn to the left on the way, instant by instant.
    fn on_the_way(physique: &Physique, things: &[Thing], check: &mut dyn FnMut(&Moment, &Pose, &[Solid])) {
        let carries: Vec<Carried> = things.iter().map(|thing| Carried { thing: *thing, color: None }).collect();
        let mut motion = Motion::new(physique.build(), 0.0, DVec2::ZERO, 0.0, false, 0.3);
        if things.contains(&Thing::Wheelchair) {
            motion = motion.in_wheelchair();
        }
        motion.walk(DVec2::new(2.5, 0.0), 1.3);
        motion.walk(DVec2::new(2.5, 1.5), 1.3);
        for step in 0..36 {
            let moment = motion.at(f64::from(step) * 0.1).expect("there from the start");
            let pose = physique.at(&moment, &carries);
            let (solids, _) = all(&carries, physique, &moment, &pose);
            check(&moment, &pose, &solids);
        }
    }

    #[test]
    fn hands_are_at_what_they_hold_in_every_body() {
        let both = [true, true];
        let cases = [
            (Thing::Handbag, [true, false]),
            (Thing::Laptop, [false, true]),
            (Thing::Umbrella, [false, true]),
            (Thing::Box, both),
            (Thing::Trolley, both),
            (Thing::Wheelchair, both),
        ];
        for (name, physique) in &anatomy().bodies {
            for (thing, hands) in cases {
                on_the_way(physique, &[thing], &mut |moment, pose, solids| {
                    for side in (0..2).filter(|side| hands[*side]) {
                        let palm = physique.palm(pose, side);
                        let off = solids.iter().map(|solid| distance(solid, palm)).fold(f64::MAX, f64::min);
                        assert!(off < 0.05, "{name}, {thing:?}: hand {side} is {off:.3} m off at {}", moment.at);
                    }
                });
            }
        }
    }

    #[test]
    fn an_umbrella_hides_the_head_from_above_and_its_shaft_goes_from_the_hand_to_over_the_crown() {
        for (name, physique) in &anatomy().bodies {
            let figure = Figure::new(&Body::default(), physique);
            let crown = figure.head().as_dvec3().z.max(f64::from(physique.stature()));
            on_the_way(physique, &[Thing::Umbrella], &mut |_, pose, solids| {
                let head = pose[Bone::Head as usize];
                let middle = head.at + head.turned * (figure.head().as_dvec3() - physique.joint(Bone::Head));
                let hides = |solid: &Solid| Occluder::new(solid).hides(middle.with_z(6.0), middle);
                assert!(solids.iter().any(hides), "{name}: the head shows");
                let ends = solids[0].corners();
                assert!(ends.iter().any(|end| end.z > crown + 0.1), "{name}: the shaft ends below the crown");
                let cover = Occluder::new(&solids[1]);
                assert!(!cover.hides(middle, middle + DVec3::Z * 0.13), "{name}: the cover cuts the head");
            });
        }
    }

    #[test]
    fn a_trolley_is_ahead_on_its_wheels_a_backpack_behind_and_a_wheelchair_below() {
        for (name, physique) in &anatomy().bodies {
            on_the_way(physique, &[Thing::Trolley, Thing::Backpack], &mut |moment, _, solids| {
                let ahead = |solid: &Solid| (solid.at.truncate() - moment.at).dot(DVec2::from_angle(moment.heading));
                let lowest = |solids: &[Solid]| {
                    let corners = solids.iter().flat_map(Solid::corners);
                    corners.map(|corner| corner.z).fold(f64::MAX, f64::min)
                };
                let (trolley, pack) = solids.split_at(solids.len() - 2);
                assert!(lowest(trolley).abs() < 1e-6, "{name}: the trolley is {} m up", lowest(trolley));
                let middle = trolley.iter().map(ahead).sum::<f64>() / trolley.len() as f64;
                assert!((0.6..1.1).contains(&middle), "{name}: the trolley is {middle} m ahead");
                assert!(pack.iter().all(|solid| ahead(solid) < -0.05), "{name}: the backpack is not behind");
            });
            on_the_way(physique, &[Thing::Wheelchair], &mut |moment, pose, solids| {
                let seat = &solids[0];
                assert!(seat.at.truncate().distance(moment.at) < 0.1 && moment.sit == 1.0);
                for foot in [Bone::LeftFoot, Bone::RightFoot] {
                    let ankle = pose[foot as usize].at;
                    let off = solids.iter().map(|solid| distance(solid, ankle)).fold(f64::MAX, f64::min);
                    assert!(off < 0.14, "{name}: a foot is {off} m from its rest");
                }
            });
        }
    }

    #[test]
    fn what_is_put_down_stands_on_the_floor_and_counts_to_the_outline_but_trolley_and_umbrella_do_not() {
        let physique = &anatomy().bodies["man-medium"];
        let carried = |thing: Thing| Carried { thing, color: None };
        let seated = Motion::new(physique.build(), 0.0, DVec2::ZERO, 0.0, true, 0.0).at(0.0).expect("there");
        for thing in [Thing::Backpack, Thing::Handbag, Thing::Laptop] {
            let carries = [carried(thing)];
            let (solids, outline) = all(&carries, physique, &seated, &physique.at(&seated, &carries));
            let low = solids[0].corners().iter().map(|corner| corner.z).fold(f64::MAX, f64::min);
            assert!(low.abs() < 0.01, "{thing:?}: {low} m");
            assert_eq!(outline.len(), solids.len() * 8);
        }
        let standing = Motion::new(physique.build(), 0.0, DVec2::ZERO, 0.0, false, 0.0).at(0.0).expect("there");
        for thing in [Thing::Trolley, Thing::Umbrella] {
            let carries = [carried(thing)];
            let (solids, outline) = all(&carries, physique, &standing, &physique.at(&standing, &carries));
            assert!(!solids.is_empty() && outline.is_empty());
        }
    }
}
