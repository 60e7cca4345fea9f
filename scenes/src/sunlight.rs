//! The sun's beams through the windows.

use glam::DVec3;

use crate::room::Rectangle;

/// As far off as the sun need be.
pub(crate) const SUN_AT_M: f64 = 100.0;
/// Its width there: it looks 0.53° wide.
pub(crate) const SUN_EDGE_M: f64 = 0.93;
/// Places where light is known, corners of triangles and those of the floor, are no further apart than this: so near a beam
/// they have a part of it.
const NEAR_M: f64 = 1.2;

/// The sun as it shines on the windows.
#[derive(Clone, Debug, PartialEq)]
pub struct Sunlight {
    /// Unit vector to it.
    pub direction: DVec3,
    /// Illuminance behind the glass of what faces it, lx.
    pub lux: f64,
    /// What it shines through, seen from inside.
    pub windows: Vec<Rectangle>,
}

/// A beam: where a point lies in the window, seen from the point towards the sun, is `u = u_of · (x, y, z, 1)`, likewise v; it is
/// in the beam when both are within 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beam {
    /// Along the window's edge u.
    pub u_of: [f64; 4],
    /// Along the window's edge v.
    pub v_of: [f64; 4],
    /// Lengths of the window's edges u and v, m.
    pub window_m: [f64; 2],
}

impl Sunlight {
    /// A beam for each window that the sun shines on from outside.
    pub fn beams(&self) -> impl Iterator<Item = Beam> {
        let outside = self.windows.iter().filter(|glass| glass.normal().dot(self.direction) < -1e-6);
        outside.map(|glass| {
            // The way to the sun meets the window's plane at p + d·((c − p)·n)/(d·n), which is affine in p.
            let (normal, to) = (glass.normal(), self.direction);
            let onto_plane = |axis: DVec3| {
                let per = axis / axis.length_squared();
                let slope = per - normal * (per.dot(to) / to.dot(normal));
                [slope.x, slope.y, slope.z, -slope.dot(glass.corner)]
            };
            Beam {
                u_of: onto_plane(glass.u),
                v_of: onto_plane(glass.v),
                window_m: [glass.u.length(), glass.v.length()],
            }
        })
    }

    /// Whether a point inside the room is in a beam.
    pub fn reaches(&self, place: DVec3) -> bool {
        self.beams().any(|beam| beam.at(place).into_iter().all(|part| (0.0..=1.0).contains(&part)))
    }

    /// A quick no: whether anything about a place may be in a beam.
    pub(crate) fn may_reach(&self, place: DVec3) -> bool {
        // A step in the room is a longer one on a window that the sun strikes aslant.
        let near = |part: f64, of: &[f64; 4]| {
            let step = NEAR_M * DVec3::new(of[0], of[1], of[2]).length();
            (-step..=1.0 + step).contains(&part)
        };
        self.beams().any(|beam| {
            let [u, v] = beam.at(place);
            near(u, &beam.u_of) && near(v, &beam.v_of)
        })
    }
}

impl Beam {
    /// Where a point lies in the window.
    pub fn at(&self, place: DVec3) -> [f64; 2] {
        let part = |of: &[f64; 4]| DVec3::new(of[0], of[1], of[2]).dot(place) + of[3];
        [part(&self.u_of), part(&self.v_of)]
    }
}
