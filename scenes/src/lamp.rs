//! Lamps: flat surfaces that shine, luminaires and windows alike.

use glam::DVec3;

use crate::room::{Luminaire, LuminaireKind, Rectangle, Room};
use crate::{SkinPoint, SurfaceLux};

/// Luminaires at the ceiling hang a little below it.
const DROP_M: f64 = 0.05;
/// A lamp's formula is exact before its middle only. What is near a window is lit by cells of the largest of these edges that is
/// no more than [`CELL_PER_DISTANCE`] of its distance.
const CELLS_M: [f64; 5] = [2.0, 1.0, 0.5, 0.25, 0.12];
const CELL_PER_DISTANCE: f64 = 0.35;
/// About the most cells of a piece of a window, however large: a glass wall of 60 m would have tens of thousands.
const CELLS_COUNT_MAX: f64 = 2500.0;

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
    /// Of a window, by [`CELLS_M`]; a luminaire is small enough as it is.
    cells: Vec<Cells>,
}

/// A lamp in equal cells.
#[derive(Clone, Debug, PartialEq)]
struct Cells {
    middles: Vec<DVec3>,
    /// Of each, m².
    area: f64,
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

    /// How far a place is from the nearest of its surface, m.
    fn distance(&self, place: DVec3) -> f64 {
        let way = place - self.at;
        let along = |half: DVec3| {
            let length = half.length();
            (way.dot(half) / length).clamp(-length, length) * half / length
        };
        (way - along(self.half[0]) - along(self.half[1])).length()
    }

    /// The cells by which it lights what is so far away, or all of it as one.
    fn cells_at(&self, distance_m: f64) -> (&[DVec3], f64) {
        let fit = CELLS_M.iter().position(|edge| *edge <= CELL_PER_DISTANCE * distance_m);
        match self.cells.get(fit.unwrap_or(CELLS_M.len() - 1)) {
            Some(Cells { middles, area }) => (middles, *area),
            None => (std::slice::from_ref(&self.at), self.area()),
        }
    }

    /// The illuminance at `place` of a surface that faces along the unit vector `normal`, lx: the cosine at the surface, the
    /// intensity in that direction, and the inverse square of the distance as it is before the middle of a disc of the lamp's
    /// area, or of each of its cells: exact there, and finite however near.
    pub fn lux(&self, place: DVec3, normal: DVec3) -> f64 {
        let nearest = if self.cells.is_empty() { 0.0 } else { self.distance(place) };
        let (cells, area) = self.cells_at(nearest);
        let lux = |at: &DVec3| {
            let way = *at - place;
            let squared = way.length_squared().max(1e-12);
            let distance = squared.sqrt();
            let leaves = (-way.dot(self.facing) / distance).max(0.0);
            let arrives = (way.dot(normal) / distance).max(0.0);
            leaves.powi(self.power) * arrives / (squared + area / std::f64::consts::PI)
        };
        self.candela / cells.len() as f64 * cells.iter().map(lux).sum::<f64>()
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
        let nearest = match self.cells[..] {
            [] => 0.0,
            _ => skin.iter().map(|point| self.distance(point.at.as_dvec3())).fold(f64::INFINITY, f64::min),
        };
        let (cells, area) = self.cells_at(nearest);
        let (facing, candela) = (self.facing.as_vec3(), (self.candela / cells.len() as f64) as f32);
        let near = (area / std::f64::consts::PI) as f32;
        for at in cells.iter().map(|at| at.as_vec3()) {
            for (point, lit) in skin.iter().zip(&mut *lit) {
                let way = at - point.at;
                let squared = way.length_squared().max(1e-12);
                let per_distance = squared.sqrt().recip();
                let leaves = (-way.dot(facing) * per_distance).max(0.0);
                let arrives = (way.dot(point.normal) * per_distance).max(0.0);
                lit.per_lux += candela * falls_off(leaves) * arrives / (squared + near);
            }
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
        cells: Vec::new(),
    }
}

/// A window by the pieces whose shadows are computed: at most two side by side, and cut where `height_m` is, since
/// what is below gives nothing to a surface there. The intensity of each in cd is its area in m².
pub(crate) fn window(glass: &Rectangle, height_m: f64) -> Vec<Lamp> {
    let part = ((height_m - glass.corner.z) / glass.v.z).clamp(0.0, 1.0);
    let columns = if glass.u.length() > glass.v.length() { 2 } else { 1 };
    let bands = [(0.0, part), (part, 1.0)].into_iter().filter(|(from, to)| to - from > 1e-6);
    let bands = bands.map(|(from, to)| (glass.corner + glass.v * from, glass.v * (to - from)));
    let u = glass.u / f64::from(columns);
    let piece = |corner: DVec3, v: DVec3| Lamp {
        at: corner + u / 2.0 + v / 2.0,
        facing: glass.normal(),
        half: [u / 2.0, v / 2.0],
        candela: u.length() * v.length(),
        power: 1,
        cells: CELLS_M.iter().map(|edge_m| cells(corner, u, v, *edge_m)).collect(),
    };
    let beside = |(corner, v)| (0..columns).map(move |i| (corner + u * f64::from(i), v));
    bands.flat_map(beside).map(|(corner, v)| piece(corner, v)).collect()
}

/// A rectangle in cells whose edges are no longer than `edge_m`.
fn cells(corner: DVec3, u: DVec3, v: DVec3, edge_m: f64) -> Cells {
    let edge_m = edge_m.max((u.length() * v.length() / CELLS_COUNT_MAX).sqrt());
    let count = |edge: DVec3| (edge.length() / edge_m).ceil().max(1.0) as u32;
    let (columns, rows) = (count(u), count(v));
    let (u, v) = (u / f64::from(columns), v / f64::from(rows));
    let middle = |column: u32, row: u32| corner + u * (f64::from(column) + 0.5) + v * (f64::from(row) + 0.5);
    let middles = (0..rows).flat_map(|row| (0..columns).map(move |column| middle(column, row))).collect();
    Cells { middles, area: u.length() * v.length() }
}
