//! Lamps: flat surfaces that shine, luminaires and windows alike.

use glam::DVec3;

use crate::room::{Luminaire, LuminaireKind, Rectangle, Room};
use crate::{SkinPoint, SurfaceLux};

/// Luminaires at the ceiling hang a little below it.
const DROP_M: f64 = 0.05;
/// A lamp's formula is exact before its middle only: by pieces of about this size windows are measured.
const FINE_M: f64 = 0.2;
/// More pieces would measure no better.
const FINE_MAX: f64 = 60.0;

/// A rectangle that shines to one side.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lamp {
    /// Its middle.
    pub at: DVec3,
    /// Unit vector to the side it shines to.
    facing: DVec3,
    /// Halves of its edges.
    half: [DVec3; 2],
    /// Luminous intensity along `facing`, cd.
    pub candela: f64,
    /// The intensity falls off with this power of the cosine: 1 as of paper, more for a spot.
    power: i32,
}

impl Lamp {
    /// m².
    pub fn area(&self) -> f64 {
        4.0 * self.half[0].length() * self.half[1].length()
    }

    /// Of the square of the same area, m.
    pub fn edge(&self) -> f64 {
        self.area().sqrt()
    }

    /// Radius of a ball around its middle that holds it, m.
    pub fn reach(&self) -> f64 {
        (self.half[0] + self.half[1]).length()
    }

    /// The middles of its quarters, which stand for all of it.
    pub fn quarters(&self) -> [DVec3; 4] {
        [(-0.5, -0.5), (-0.5, 0.5), (0.5, -0.5), (0.5, 0.5)].map(|(u, v)| self.at + self.half[0] * u + self.half[1] * v)
    }

    /// The illuminance at `place` of a surface that faces along the unit vector `normal`, lx: the cosine at the surface, the
    /// intensity in that direction, and the inverse square of the distance as it is before the middle of a disc of the lamp's
    /// area: exact there, and finite however near.
    pub fn lux(&self, place: DVec3, normal: DVec3) -> f64 {
        let way = self.at - place;
        let squared = way.length_squared().max(1e-12);
        let distance = squared.sqrt();
        let leaves = -way.dot(self.facing) / distance;
        let arrives = way.dot(normal) / distance;
        if leaves <= 0.0 || arrives <= 0.0 {
            return 0.0;
        }
        self.candela * leaves.powi(self.power) * arrives / (squared + self.area() / std::f64::consts::PI)
    }

    /// Adds [`Lamp::lux`] to what falls on the points of a skin. Written for the compiler to take several points at once, since
    /// a crowd has tens of thousands.
    pub fn add_to_skin(&self, skin: &[SkinPoint], lit: &mut [SurfaceLux]) {
        match self.power {
            1 => self.add_with(skin, lit, |cosine| cosine),
            power => self.add_with(skin, lit, |cosine| cosine.powi(power)),
        }
    }

    #[inline(always)]
    fn add_with(&self, skin: &[SkinPoint], lit: &mut [SurfaceLux], falls_off: impl Fn(f32) -> f32) {
        let (at, facing, candela) = (self.at.as_vec3(), self.facing.as_vec3(), self.candela as f32);
        let near = (self.area() / std::f64::consts::PI) as f32;
        for (point, lit) in skin.iter().zip(lit) {
            let way = at - point.at;
            let squared = way.length_squared().max(1e-12);
            let per_distance = squared.sqrt().recip();
            let leaves = (-way.dot(facing) * per_distance).max(0.0);
            let arrives = (way.dot(point.normal) * per_distance).max(0.0);
            lit.per_lux += candela * falls_off(leaves) * arrives / (squared + near);
        }
    }
}

/// A luminaire; its intensity in cd is its flux beside the others.
pub(crate) fn luminaire(luminaire: &Luminaire, room: &Room) -> Lamp {
    let (mut height, mut turn, mut power) = (room.ceiling_m - DROP_M, 0.0f64, 1);
    let (length, width) = match luminaire.kind {
        LuminaireKind::Panel => (0.6, 0.6),
        LuminaireKind::Batten { turn_deg } => {
            turn = turn_deg.to_radians();
            (1.2, 0.1)
        }
        LuminaireKind::Downlight => {
            power = 3;
            (0.1, 0.1)
        }
        LuminaireKind::Pendant { height_m } => {
            height = height_m;
            (0.3, 0.3)
        }
    };
    let (sin, cos) = turn.sin_cos();
    Lamp {
        at: DVec3::new(luminaire.at_m.0, luminaire.at_m.1, height),
        facing: DVec3::NEG_Z,
        half: [DVec3::new(cos, sin, 0.0) * (length / 2.0), DVec3::new(-sin, cos, 0.0) * (width / 2.0)],
        candela: luminaire.flux,
        power,
    }
}

/// A window by the pieces that light and shadows are computed with: at most two side by side, and cut where `height_m` is, since
/// what is below gives nothing to a surface there. The intensity of each in cd is its area in m².
pub(crate) fn window(glass: &Rectangle, height_m: f64) -> Vec<Lamp> {
    let part = ((height_m - glass.corner.z) / glass.v.z).clamp(0.0, 1.0);
    let columns = if glass.u.length() > glass.v.length() { 2 } else { 1 };
    let bands = [(0.0, part), (part, 1.0)].into_iter().filter(|(from, to)| to - from > 1e-6);
    bands
        .flat_map(|(from, to)| {
            let band = Rectangle { corner: glass.corner + glass.v * from, v: glass.v * (to - from), ..*glass };
            pieces(&band, columns, 1)
        })
        .collect()
}

/// A window by pieces so small that they measure what it gives. The intensity of each in cd is its area in m².
pub(crate) fn fine_window(glass: &Rectangle) -> Vec<Lamp> {
    let count = |edge: DVec3| (edge.length() / FINE_M).ceil().clamp(1.0, FINE_MAX) as u32;
    pieces(glass, count(glass.u), count(glass.v))
}

fn pieces(glass: &Rectangle, columns: u32, rows: u32) -> Vec<Lamp> {
    let (u, v) = (glass.u / f64::from(columns), glass.v / f64::from(rows));
    let piece = |column: u32, row: u32| Lamp {
        at: glass.corner + u * (f64::from(column) + 0.5) + v * (f64::from(row) + 0.5),
        facing: glass.normal(),
        half: [u / 2.0, v / 2.0],
        candela: u.length() * v.length(),
        power: 1,
    };
    (0..rows).flat_map(|row| (0..columns).map(move |column| piece(column, row))).collect()
}
