//! How much light arrives where: what a lux meter would read anywhere in a room.
//!
//! Direct light of the lamps with soft shadows, and diffuse light that things near shut off. Light that is thrown back by single
//! surfaces is part of the diffuse light.

use glam::{DMat3, DVec3};

use crate::occlusion::distance_to_segment;
use crate::room::{Light, Room};
use crate::{Occluder, PersonState, Shape, Solid};

/// Where a room's `lux` is meant: the height of a desk.
const MEASURED_AT_M: f64 = 0.8;
/// Lamps hang a little below the ceiling.
const LAMP_DROP_M: f64 = 0.05;
/// Lamps are square panels with this edge, the size of a ceiling tile.
const LAMP_EDGE_M: f64 = 0.6;
/// Rays by which diffuse light is judged.
const DIFFUSE_RAYS: usize = 24;
/// What is further away shuts off no diffuse light: it sends some itself.
const DIFFUSE_REACH_M: f64 = 1.2;
/// The ellipsoids of a body overlap: each counts for less than it would alone.
const BLOB_OVERLAP: f64 = 0.8;
/// No edge of a shadow is harder than this part of what throws it, which is an ellipsoid for want of an outline.
const SOFT_MIN: f64 = 0.05;
/// Surfaces are left by so much before looking for what is in the way: what lies flat on them darkens what it covers, which
/// cannot be seen.
const LIFT_M: f64 = 0.03;

/// A room's light at a level of 1 lx. All of it is in proportion to the level.
pub struct Illumination {
    /// The part that comes from everywhere.
    diffuse: f64,
    lamps: Vec<DVec3>,
    /// Luminous intensity of each lamp straight down, cd.
    candela: f64,
    /// Furniture.
    fixed: Vec<Occluder>,
    /// Directions over a surface that faces up, spread by the cosine.
    diffuse_rays: Vec<DVec3>,
}

/// What arrives at a point when the room's level is 1 lx, lx: by its ways, so that somebody who stands in one of them takes
/// just that.
#[derive(Clone, Debug, PartialEq)]
pub struct Illuminance {
    /// From everywhere.
    pub diffuse: f64,
    /// One a lamp.
    pub direct: Vec<f64>,
}

impl Illuminance {
    /// All of it, lx.
    pub fn total(&self) -> f64 {
        self.diffuse + self.direct.iter().sum::<f64>()
    }
}

impl Illumination {
    /// Lamps of equal strength which, with the diffuse share, give 1 lx on average over the empty room, 0.8 m above the floor;
    /// `fixed` is what stands in it.
    pub fn new(room: &Room, light: &Light, fixed: &[Solid]) -> Self {
        let lamps: Vec<DVec3> =
            (light.luminaires.iter()).map(|l| DVec3::new(l.at_m.0, l.at_m.1, room.ceiling_m - LAMP_DROP_M)).collect();
        let share = if lamps.is_empty() { 0.0 } else { 1.0 - light.diffuse_share };
        let per_candela = mean_lux_per_candela(room, &lamps);
        let candela = if per_candela > 0.0 { share / per_candela } else { 0.0 };
        let diffuse_rays = cosine_directions(DIFFUSE_RAYS);
        Illumination {
            diffuse: 1.0 - share,
            lamps,
            candela,
            fixed: fixed.iter().map(Occluder::new).collect(),
            diffuse_rays,
        }
    }

    /// The illuminance of a surface at `place` that faces along the unit vector `normal`, in a room without furniture or
    /// people. `open` is the part of the hemisphere over it that nothing near shuts off from diffuse light.
    ///
    /// Diffuse light comes a little more from above than from below, as it does under a bright ceiling: a horizontal
    /// surface that faces up gets all of it, one that faces down 0.4 of it.
    pub fn per_lux(&self, place: DVec3, normal: DVec3, open: f64) -> f64 {
        let direct: f64 = self.lamps.iter().map(|lamp| lux_per_candela(*lamp, place, normal)).sum();
        self.diffuse * open * (0.7 + 0.3 * normal.z) + self.candela * direct
    }

    /// The same among the furniture.
    pub fn among_furniture(&self, place: DVec3, normal: DVec3) -> Illuminance {
        let from = place + normal * LIFT_M;
        let free = |among: &[&Occluder], to: DVec3| !among.iter().any(|occluder| occluder.hides(from, to));
        let side = normal.any_orthonormal_vector();
        let basis = DMat3::from_cols(side, normal.cross(side), normal);
        let near: Vec<&Occluder> = self.fixed.iter().filter(|o| o.is_within(from, DIFFUSE_REACH_M)).collect();
        let open = self.diffuse_rays.iter().filter(|ray| free(&near, from + basis * **ray * DIFFUSE_REACH_M)).count();
        let direct = self.lamps.iter().map(|lamp| {
            let lux = self.candela * lux_per_candela(*lamp, place, normal);
            if lux == 0.0 {
                return 0.0;
            }
            let between: Vec<&Occluder> =
                self.fixed.iter().filter(|o| o.may_hide_from(from, *lamp, LAMP_EDGE_M / 2.0)).collect();
            lux * panel(*lamp).into_iter().filter(|part| free(&between, *part)).count() as f64 / 4.0
        });
        let open = open as f64 / self.diffuse_rays.len() as f64;
        Illuminance { diffuse: self.diffuse * open * (0.7 + 0.3 * normal.z), direct: direct.collect() }
    }

    /// The shade that people throw on surfaces that face up.
    pub fn shade(&self, people: &[PersonState]) -> Shade<'_> {
        Shade { lamps: &self.lamps, people: people.iter().map(Silhouette::new).collect() }
    }
}

/// Four points of a lamp that stand for all of it.
fn panel(lamp: DVec3) -> [DVec3; 4] {
    [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)]
        .map(|(x, y)| lamp + DVec3::new(x, y, 0.0) * (LAMP_EDGE_M / 4.0))
}

/// Directions over the plane z = 0, as dense as the cosine of their angle to z: points of a Fibonacci spiral on the unit disc,
/// lifted to the sphere (Malley's method).
fn cosine_directions(count: usize) -> Vec<DVec3> {
    let golden_angle = std::f64::consts::PI * (3.0 - 5f64.sqrt());
    let direction = |i: usize| {
        let squared = (i as f64 + 0.5) / count as f64;
        let (sin, cos) = (i as f64 * golden_angle).sin_cos();
        DVec3::new(squared.sqrt() * cos, squared.sqrt() * sin, (1.0 - squared).sqrt())
    };
    (0..count).map(direction).collect()
}

/// People as what stands in the light.
pub struct Shade<'i> {
    lamps: &'i [DVec3],
    people: Vec<Silhouette>,
}

struct Silhouette {
    middle: DVec3,
    radius: f64,
    blobs: Vec<Blob>,
}

/// An ellipsoid.
struct Blob {
    at: DVec3,
    /// To the space in which it is the unit ball.
    to_ball: DMat3,
    /// Geometric mean of its half axes.
    radius: f64,
}

impl Silhouette {
    fn new(person: &PersonState) -> Self {
        let blob = |solid: &Solid| {
            let half = match solid.shape {
                Shape::Cuboid(half) | Shape::Ellipsoid(half) => half,
                Shape::Cylinder { radius, half_height } => DVec3::new(radius, radius, half_height),
            };
            let to_ball = DMat3::from_diagonal(half.recip()) * DMat3::from_quat(solid.turned.inverse());
            Blob { at: solid.at, to_ball, radius: (half.x * half.y * half.z).cbrt() }
        };
        let blobs: Vec<Blob> = person.solids().iter().map(blob).collect();
        let middle = blobs.iter().map(|blob| blob.at).sum::<DVec3>() / blobs.len().max(1) as f64;
        let radius = blobs.iter().map(|blob| blob.at.distance(middle) + 2.0 * blob.radius).fold(0.0, f64::max);
        Silhouette { middle, radius, blobs }
    }
}

impl Shade<'_> {
    /// What is left of an illuminance at a point whose surface faces up, lx.
    pub fn left(&self, place: DVec3, light: &Illuminance) -> f64 {
        let mut diffuse = light.diffuse;
        for person in &self.people {
            // A ball of radius r at distance d shuts off cos θ (r/d)² of the hemisphere.
            if person.middle.distance_squared(place) < (person.radius + DIFFUSE_REACH_M).powi(2) {
                for blob in &person.blobs {
                    let way = blob.at - place;
                    let squared = way.length_squared().max(blob.radius * blob.radius);
                    let cos = (way.z / squared.sqrt()).clamp(0.0, 1.0);
                    diffuse *= 1.0 - BLOB_OVERLAP * cos * (blob.radius * blob.radius / squared).min(1.0);
                }
            }
        }
        let mut left = diffuse;
        for (lamp, direct) in self.lamps.iter().zip(&light.direct) {
            let mut through = 1.0;
            for person in self.people.iter().filter(|_| *direct > 0.0) {
                if distance_to_segment(person.middle, place, *lamp) < person.radius {
                    through *= person.blobs.iter().map(|blob| 1.0 - blob.covers(place, *lamp)).product::<f64>();
                }
            }
            left += direct * through;
        }
        left
    }
}

impl Blob {
    /// The part of a lamp that it covers, seen from `place`: all of it when the way passes through its middle, none when it
    /// passes by, and in between as soft as the lamp is wide.
    fn covers(&self, place: DVec3, lamp: DVec3) -> f64 {
        let (from, to) = (self.to_ball * (place - self.at), self.to_ball * (lamp - self.at));
        let along = to - from;
        let part = -from.dot(along) / along.length_squared();
        if !(0.0..=1.0).contains(&part) {
            return 0.0;
        }
        let passes = (from + along * part).length();
        // The lamp's half width where the way passes the blob, in the blob's radii.
        let soft = (0.5 * LAMP_EDGE_M * part / self.radius).max(SOFT_MIN);
        let part = ((1.0 + soft - passes) / (2.0 * soft)).clamp(0.0, 1.0);
        // A lamp that looks larger than the blob is never covered wholly.
        part * part * (3.0 - 2.0 * part) * (1.0 / (soft * soft)).min(1.0)
    }
}

/// The mean horizontal illuminance in lx, 0.8 m above the floor, of lamps of 1 cd each.
fn mean_lux_per_candela(room: &Room, lamps: &[DVec3]) -> f64 {
    const GRID: usize = 24;
    let mut sum = 0.0;
    for i in 0..GRID {
        for j in 0..GRID {
            let part = |k: usize| (k as f64 + 0.5) / GRID as f64;
            let point = DVec3::new(room.size_m.0 * part(i), room.size_m.1 * part(j), MEASURED_AT_M);
            sum += lamps.iter().map(|lamp| lux_per_candela(*lamp, point, DVec3::Z)).sum::<f64>();
        }
    }
    sum / (GRID * GRID) as f64
}

/// The illuminance of a lamp of 1 cd straight down that shines with the cosine of the angle to it: cos θ of the lamp, cos θ
/// of the surface, and the inverse square of the distance, as it is below the middle of a disc of the lamp's area: exact there,
/// and finite however near.
fn lux_per_candela(lamp: DVec3, place: DVec3, normal: DVec3) -> f64 {
    let to_lamp = lamp - place;
    let squared = to_lamp.length_squared().max(1e-12);
    let disc = LAMP_EDGE_M * LAMP_EDGE_M / std::f64::consts::PI;
    to_lamp.z.max(0.0) * normal.dot(to_lamp).max(0.0) / (squared * (squared + disc))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activity, Color, Luminaire, Posture};

    const GREY: Color = Color::new(128, 128, 128);

    fn lit(diffuse_share: f64, luminaires: &[(f64, f64)], fixed: &[Solid]) -> Illumination {
        let room = Room { size_m: (8.0, 6.0), ceiling_m: 3.0, floor: GREY, floor_tile_m: 0.0, walls: GREY };
        let luminaires = luminaires.iter().map(|at_m| Luminaire { at_m: *at_m }).collect();
        Illumination::new(&room, &Light { lux: 300.0, diffuse_share, luminaires }, fixed)
    }

    #[test]
    fn a_lux_meter_reads_one_on_average_at_desk_height() {
        for light in [lit(1.0, &[], &[]), lit(0.5, &[(2.0, 3.0), (6.0, 3.0)], &[]), lit(0.0, &[(1.0, 1.0)], &[])] {
            // Another grid than the one it was calibrated on.
            let cells = (0..31).flat_map(|i| (0..31).map(move |j| (i, j)));
            let part = |k: i32| (f64::from(k) + 0.5) / 31.0;
            let at = |(i, j)| DVec3::new(8.0 * part(i), 6.0 * part(j), 0.8);
            let (mut mean, mut shaded) = (0.0, 0.0);
            for place in cells.map(at) {
                mean += light.per_lux(place, DVec3::Z, 1.0) / (31.0 * 31.0);
                shaded += light.among_furniture(place, DVec3::Z).total() / (31.0 * 31.0);
            }
            assert!((mean - 1.0).abs() < 0.005, "{mean}");
            assert!((shaded - mean).abs() < 1e-9, "without furniture there are no shadows: {shaded}");
        }
    }

    #[test]
    fn a_lamp_fades_with_the_square_of_distance_and_the_cosines() {
        let light = lit(0.0, &[(4.0, 3.0)], &[]);
        let up = |x: f64, z: f64| light.per_lux(DVec3::new(x, 3.0, z), DVec3::Z, 1.0);
        // 2.95 m is where the lamp hangs; its area is that of a disc with a squared radius of 0.1146 m².
        let below = up(4.0, 1.95);
        let disc = 0.36 / std::f64::consts::PI;
        assert!((up(4.0, 0.95) / below - (1.0 + disc) / (4.0 + disc)).abs() < 1e-12);
        // 45° to the side at the same depth: cos² θ and about half of the inverse square.
        assert!((up(5.0, 1.95) / below - 0.5 * (1.0 + disc) / (2.0 + disc)).abs() < 1e-12);
        assert!(up(4.0, 2.95).is_finite() && up(4.0, 2.949) < 30.0 * below, "finite at the lamp itself");
        assert_eq!(light.per_lux(DVec3::new(4.0, 3.0, 1.0), DVec3::NEG_Z, 1.0), 0.0);
    }

    #[test]
    fn under_a_table_it_is_dark_and_beside_it_is_not() {
        let table = Solid::new(Shape::Cuboid(DVec3::new(1.0, 0.5, 0.02)), DVec3::new(4.0, 3.0, 0.74), GREY);
        let light = lit(0.5, &[(4.0, 3.0)], &[table]);
        let at = |x: f64| {
            let place = DVec3::new(x, 3.0, 0.0);
            light.among_furniture(place, DVec3::Z).total() / light.per_lux(place, DVec3::Z, 1.0)
        };
        assert!(at(4.0) < 0.2, "{}", at(4.0));
        assert!(at(7.0) > 0.95, "{}", at(7.0));
        // The shadow's edge lies at 1.34 m from the middle, and is as soft as the lamp is wide.
        let edge = [at(5.1), at(5.34), at(5.6)];
        assert!(edge[0] < edge[1] && edge[1] < edge[2], "{edge:?}");
    }

    #[test]
    fn somebody_who_stands_in_the_light_takes_it() {
        let light = lit(0.3, &[(2.0, 3.0)], &[]);
        let ball = Solid::new(Shape::Ellipsoid(DVec3::splat(0.3)), DVec3::new(4.0, 3.0, 1.0), GREY);
        let person = PersonState {
            index: 0,
            floor: glam::DVec2::new(4.0, 3.0),
            head: ball.at,
            posture: Posture::Standing,
            activity: Activity::Standing,
            body: None,
            things: vec![ball],
        };
        let people = [person];
        let shade = light.shade(&people);
        let left = |x: f64, y: f64| {
            let place = DVec3::new(x, y, 0.0);
            let all = light.among_furniture(place, DVec3::Z);
            (shade.left(place, &all) / all.total(), all)
        };
        // The lamp at 2.95 m is seen past the ball's middle from 5.03 m.
        let (shadow, all) = left(5.026, 3.0);
        assert!(shadow * all.total() < all.diffuse + 0.2 * all.direct[0], "{shadow}");
        assert!(left(5.026, 4.5).0 > 0.97, "beside the shadow");
        assert!(left(3.0, 3.0).0 > 0.9, "before the ball");
        let below = left(4.0, 3.0).0;
        assert!((0.8..0.99).contains(&below), "a ball overhead takes some of the diffuse light: {below}");
    }
}
