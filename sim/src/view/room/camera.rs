//! The camera that goes around the room: where it is, what it sees, and where in its picture a place of the room is.

use device_model::Pinhole;
use firmware_shim::{Lens, Mounting, View};
use glam::{DVec2, DVec3};
use scenarios::Stage;

use crate::view::layout::Orbit;

/// Half of its vertical angle, as a tangent: 32° in all.
const TAN_HALF_Y: f64 = 0.287;

/// A camera without a lens's bends, that looks at the room.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    at: DVec3,
    /// Turned about the vertical, and leant from straight down.
    mounting: Mounting,
    /// Tangents of half its angles.
    tan_half: DVec2,
}

impl Camera {
    /// Where an orbit is, so that at a distance of 1 all of a room can be seen; `shape` is the picture's width by its height.
    pub fn around(size_m: DVec3, orbit: &Orbit, shape: f64) -> Self {
        let tan_half = DVec2::new(TAN_HALF_Y * shape, TAN_HALF_Y);
        let middle = size_m * DVec3::new(0.5, 0.5, 0.4) + DVec2::from(orbit.aside_m).extend(0.0);
        let (tilt, rotation) = ((90.0 - orbit.elevation_deg).to_radians(), (orbit.azimuth_deg + 90.0).to_radians());
        let looks = |mounting: Mounting| {
            let lens = Lens { width: 1, height: 1, focal_px: 1.0, distortion: [0.0; 4] };
            View { lens, mounting }.axes()
        };
        let mounting = Mounting { height_m: 0.0, rotation_rad: rotation, tilt_rad: tilt };
        let axes = looks(mounting);
        // Each corner must be in the picture: it is so far to the side, and that much nearer or farther than the middle.
        let corners = (0..8u8).map(|i| {
            let side = |bit: u8| if i & bit == 0 { -0.5 } else { 0.5 };
            size_m * DVec3::new(side(1), side(2), side(4) + 0.1)
        });
        let needed = corners.map(|corner| {
            let own = axes.transpose() * corner;
            (own.truncate().abs() / tan_half).max_element() - own.z
        });
        let distance_m = needed.fold(0.0, f64::max) * 1.04 * orbit.distance;
        let at = middle - axes.z_axis * distance_m;
        Camera { at, mounting: Mounting { height_m: at.z, ..mounting }, tan_half }
    }

    /// What the renderer is asked for, in so many pixels.
    pub fn stage(&self, scene: std::sync::Arc<scenes::Scene>, lens: Lens, width: u32, height: u32) -> Stage {
        let view = View { lens, mounting: self.mounting };
        let pinhole = Pinhole { width, height, tan_half_x: self.tan_half.x, tan_half_y: self.tan_half.y };
        Stage { scene, sensor_at: self.at.truncate(), view, pinhole }
    }

    /// Where a place of the room is seen: [0, 1] from the top left, beyond that outside the picture; `None` behind the camera.
    pub fn project(&self, place: DVec3) -> Option<DVec2> {
        let lens = Lens { width: 1, height: 1, focal_px: 1.0, distortion: [0.0; 4] };
        let own = View { lens, mounting: self.mounting }.axes().transpose() * (place - self.at);
        (own.z > 0.05).then(|| (own.truncate() / own.z / self.tan_half + 1.0) / 2.0)
    }
}

/// A polygon's part that lies in a room (Sutherland and Hodgman).
pub fn clipped(polygon: Vec<DVec2>, size_m: DVec2) -> Vec<DVec2> {
    let walls = [(DVec2::X, 0.0), (DVec2::Y, 0.0), (DVec2::NEG_X, -size_m.x), (DVec2::NEG_Y, -size_m.y)];
    walls.into_iter().fold(polygon, |polygon, (inwards, from)| {
        let depth = |at: DVec2| at.dot(inwards) - from;
        let mut kept = Vec::new();
        for (i, here) in polygon.iter().enumerate() {
            let next = polygon[(i + 1) % polygon.len()];
            let (a, b) = (depth(*here), depth(next));
            if a >= 0.0 {
                kept.push(*here);
            }
            if (a >= 0.0) != (b >= 0.0) {
                kept.push(here.lerp(next, a / (a - b)));
            }
        }
        kept
    })
}

/// The four places of an outline that are farthest towards the diagonals: its corners, where it has some.
pub fn corners(outline: &[DVec2]) -> Vec<DVec2> {
    let diagonals = [DVec2::new(1.0, 1.0), DVec2::new(-1.0, 1.0), DVec2::new(-1.0, -1.0), DVec2::new(1.0, -1.0)];
    let farthest = |way: DVec2| outline.iter().copied().max_by(|a, b| a.dot(way).total_cmp(&b.dot(way)));
    diagonals.into_iter().filter_map(farthest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: DVec3 = DVec3::new(6.0, 4.5, 3.0);

    #[test]
    fn from_everywhere_the_whole_room_is_in_the_picture() {
        for azimuth_deg in [-120.0, 0.0, 45.0, 90.0, 200.0] {
            for elevation_deg in [8.0, 42.0, 90.0] {
                for shape in [0.8, 1.3, 2.2] {
                    let orbit = Orbit { azimuth_deg, elevation_deg, ..Orbit::default() };
                    let camera = Camera::around(ROOM, &orbit, shape);
                    for i in 0..8u8 {
                        let corner = ROOM * DVec3::new(f64::from(i & 1), f64::from(i >> 1 & 1), f64::from(i >> 2));
                        let on = camera.project(corner).expect("it is before the camera");
                        let inside = on.cmpge(DVec2::ZERO).all() && on.cmple(DVec2::ONE).all();
                        assert!(inside, "{corner} at {on}: {orbit:?}, {shape}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_higher_is_above_and_what_is_to_the_right_is_to_the_right() {
        // From the south, as if one stood before the room's y = 0.
        let orbit = Orbit { azimuth_deg: -90.0, elevation_deg: 30.0, ..Orbit::default() };
        let camera = Camera::around(ROOM, &orbit, 1.3);
        let on = |x, y, z| camera.project(DVec3::new(x, y, z)).expect("it is before the camera");
        assert!(on(3.0, 2.0, 2.0).y < on(3.0, 2.0, 0.0).y, "higher");
        assert!(on(5.0, 2.0, 0.0).x > on(1.0, 2.0, 0.0).x, "further along x");
        assert!(on(3.0, 4.0, 0.0).y < on(3.0, 1.0, 0.0).y, "farther away");
        let top = Camera::around(ROOM, &Orbit { elevation_deg: 90.0, ..orbit }, 1.3);
        let on = |x, y| top.project(DVec3::new(x, y, 0.0)).expect("it is before the camera");
        assert!(on(3.0, 4.0).y < on(3.0, 1.0).y && on(5.0, 2.0).x > on(1.0, 2.0).x, "a plan with y upwards");
    }

    #[test]
    fn what_lies_outside_the_room_is_cut_off_at_its_walls() {
        let room = DVec2::new(6.0, 4.0);
        let square = |half: f64| {
            [(-half, -half), (half, -half), (half, half), (-half, half)]
                .map(|(x, y)| DVec2::new(3.0 + x, 2.0 + y))
                .to_vec()
        };
        assert_eq!(clipped(square(1.0), room), square(1.0));
        let cut = clipped(square(2.5), room);
        let least = cut.iter().copied().fold(DVec2::MAX, DVec2::min);
        let most = cut.iter().copied().fold(DVec2::MIN, DVec2::max);
        assert!(
            least.abs_diff_eq(DVec2::new(0.5, 0.0), 1e-9) && most.abs_diff_eq(DVec2::new(5.5, 4.0), 1e-9),
            "{cut:?}"
        );
        assert_eq!(corners(&cut).len(), 4);
        assert!(clipped(square(1.0).iter().map(|at| *at + 20.0).collect(), room).is_empty());
    }
}
