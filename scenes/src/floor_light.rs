//! The light on the floor, and what the shadows of people and doors leave of it.
//!
//! Each part of a body darkens only the places its shadow may reach, lamp by lamp, so that a crowd costs as much as its people.

use std::ops::Range;

use glam::{DVec3, Mat3, Quat, Vec3};

use crate::sunlight::{SUN_AT_M, SUN_EDGE_M};
use crate::{FurnitureLight, Illumination, PersonState, Shape, Solid, SurfaceLux};

/// What is further away from a part of a body gets all of the diffuse light past it: so many of the part's mean radii, which
/// cover half a percent of the sky there, and in m.
const DIFFUSE_REACH_RADII: f64 = 14.0;
const DIFFUSE_REACH_M: f64 = 1.5;
/// The ellipsoids of a body overlap: each counts for less than it would alone.
const BLOB_OVERLAP: f32 = 0.8;
/// No edge of a person's shadow is harder than this: what throws it are ellipsoids for want of an outline, and light is asked
/// for at places not much nearer to one another.
const SOFT_MIN_M: f32 = 0.08;

/// Rows of places that are lit column by column.
const STRIP: usize = 6;

/// What arrives at places of the floor when nobody is in, by its ways, so that somebody who stands in one of them takes just
/// that.
pub struct FloorLight {
    /// Ascending.
    xs: Vec<f32>,
    ys: Vec<f32>,
    /// From everywhere, at a level of 1 lx; row by row, as are the others.
    diffuse: Vec<f32>,
    /// Of each lamp, at a level of 1 lx.
    direct: Vec<Vec<f32>>,
    /// Of the sun, lx.
    sun: Vec<f32>,
    lamps: Vec<Source>,
    sunlight: Option<Source>,
}

/// Where light comes from.
#[derive(Clone, Copy)]
enum Source {
    /// A lamp at a place, this wide.
    Near { at: DVec3, edge_m: f64 },
    /// The sun, towards which this unit vector points.
    Far { to: DVec3 },
}

impl FloorLight {
    /// The light at all places with these x and y, both ascending.
    pub fn new(illumination: &Illumination, xs: Vec<f64>, ys: Vec<f64>) -> Self {
        let lamps: Vec<Source> = illumination.lamps().map(|(at, edge_m)| Source::Near { at, edge_m }).collect();
        let sunlight = illumination.sun().map(|sun| Source::Far { to: sun.direction });
        let places = xs.len() * ys.len();
        let (mut diffuse, mut sun) = (vec![0.0; places], vec![0.0; places]);
        let mut direct = vec![vec![0.0; places]; lamps.len()];
        let mut furniture_light = FurnitureLight::new(illumination);
        // Strip by strip, so that one place is near the next.
        for strip in (0..ys.len()).step_by(STRIP) {
            for (column, x) in xs.iter().enumerate() {
                for (row, y) in ys.iter().enumerate().skip(strip).take(STRIP) {
                    let light = furniture_light.at(DVec3::new(*x, *y, 0.0), DVec3::Z);
                    let place = row * xs.len() + column;
                    diffuse[place] = light.diffuse as f32;
                    sun[place] = light.sun as f32;
                    direct.iter_mut().zip(&light.direct).for_each(|(all, lux)| all[place] = *lux as f32);
                }
            }
        }
        let [xs, ys] = [xs, ys].map(|all| all.into_iter().map(|v| v as f32).collect());
        FloorLight { xs, ys, diffuse, direct, sun, lamps, sunlight }
    }

    /// What people and the leaves of doors leave of the light, place by place and row by row: x by x for the first y, and so on.
    pub fn among(&self, people: &[PersonState], doors: &[Solid]) -> impl Iterator<Item = SurfaceLux> {
        let (mut diffuse, mut direct, mut sun) = (self.diffuse.clone(), self.direct.clone(), self.sun.clone());
        let solids = people.iter().flat_map(PersonState::solids).chain(doors.iter().cloned());
        for blob in solids.map(|solid| Blob::new(&solid)) {
            let around = blob.around();
            self.darken(&mut diffuse, blob.surroundings(), |place| 1.0 - around.shuts_off(place));
            for (source, lux) in self.lamps.iter().zip(&mut direct).chain(self.sunlight.iter().zip([&mut sun])) {
                let cover = blob.cover(source);
                self.darken(lux, blob.shadow(source), |place| 1.0 - cover.of(place));
            }
        }
        for lux in &direct {
            diffuse.iter_mut().zip(lux).for_each(|(sum, lux)| *sum += lux);
        }
        diffuse.into_iter().zip(sun).map(|(per_lux, sun)| SurfaceLux { per_lux, sun })
    }

    /// Multiplies what arrives within a rectangle by what is left there. Written for the compiler to take several places at once:
    /// `left` must not branch.
    #[inline(always)]
    fn darken(&self, lux: &mut [f32], [x, y]: [Range<f64>; 2], left: impl Fn(Vec3) -> f32) {
        let within = |all: &[f32], range: Range<f64>| {
            all.partition_point(|v| f64::from(*v) < range.start)..all.partition_point(|v| f64::from(*v) <= range.end)
        };
        let (columns, rows) = (within(&self.xs, x), within(&self.ys, y));
        let xs = &self.xs[columns.clone()];
        for row in rows {
            let y = self.ys[row];
            let lux = &mut lux[row * self.xs.len()..][columns.clone()];
            for (lux, x) in lux.iter_mut().zip(xs) {
                *lux *= left(Vec3::new(*x, y, 0.0));
            }
        }
    }
}

/// A part of a body, as an ellipsoid.
struct Blob {
    at: DVec3,
    /// To the space in which it is the unit ball.
    to_ball: Mat3,
    /// Geometric mean of its half axes, m.
    radius: f32,
    /// Its longest half axis, m.
    reach: f64,
}

/// How a part of a body covers a source of light.
struct Cover {
    at: Vec3,
    to_ball: Mat3,
    radius: f32,
    edge_m: f32,
    /// To the source in the ball's space, from the ball; or from everywhere, when it is far.
    to: Vec3,
    /// 1 when it is near, 0 when it is far.
    near: f32,
}

impl Blob {
    fn new(solid: &Solid) -> Self {
        let half = match solid.shape {
            Shape::Cuboid(half) | Shape::Ellipsoid(half) => half,
            Shape::Cylinder { radius, half_height } => DVec3::new(radius, radius, half_height),
        };
        let turned: Quat = solid.turned.as_quat();
        let to_ball = Mat3::from_diagonal(half.as_vec3().recip()) * Mat3::from_quat(turned.inverse());
        Blob { at: solid.at, to_ball, radius: (half.x * half.y * half.z).cbrt() as f32, reach: half.max_element() }
    }

    /// How far from it on the floor it shuts off diffuse light, m.
    fn diffuse_reach(&self) -> f64 {
        (DIFFUSE_REACH_RADII * f64::from(self.radius)).min(DIFFUSE_REACH_M)
    }

    /// Where it shuts off diffuse light.
    fn surroundings(&self) -> [Range<f64>; 2] {
        let reach = self.diffuse_reach();
        [self.at.x, self.at.y].map(|middle| middle - reach..middle + reach)
    }

    fn around(&self) -> Around {
        let reach = self.diffuse_reach() as f32;
        Around { at: self.at.as_vec3(), own: self.radius * self.radius, per_squared_reach: 1.0 / (reach * reach) }
    }

    /// A rectangle of the floor that holds all of its shadow.
    fn shadow(&self, source: &Source) -> [Range<f64>; 2] {
        let everywhere = || [f64::NEG_INFINITY..f64::INFINITY, f64::NEG_INFINITY..f64::INFINITY];
        // The shadow's soft edge is outside of the body's own.
        let grown = |soft_m: f64| self.reach * (1.0 + soft_m.max(SOFT_MIN_M.into()) / f64::from(self.radius));
        match *source {
            Source::Far { to } => {
                let radius = grown(0.0);
                let along = |middle: f64, axis: f64| {
                    let slope = axis / to.z;
                    let (centre, half) = (middle - slope * self.at.z, radius * (1.0 + slope * slope).sqrt());
                    centre - half..centre + half
                };
                [along(self.at.x, to.x), along(self.at.y, to.y)]
            }
            Source::Near { at: lamp, edge_m } => {
                let part = ((self.at.z + self.reach) / lamp.z).min(1.0);
                let radius = grown(0.5 * edge_m * part);
                let depth = lamp.z - self.at.z;
                // From beside or below a lamp shadows have no end.
                if depth < radius * 1.05 {
                    return everywhere();
                }
                // Tangents from the lamp to a circle around the blob, seen along the floor: the circle is below the lamp, so both
                // of them reach the floor.
                let along = |middle: f64, lamp_at: f64| {
                    let aside = middle - lamp_at;
                    let to_tangent = radius * (aside * aside + depth * depth - radius * radius).sqrt();
                    let reaches = |root: f64| lamp.z * (aside * depth + root) / (depth * depth - radius * radius);
                    lamp_at + reaches(-to_tangent)..lamp_at + reaches(to_tangent)
                };
                [along(self.at.x, lamp.x), along(self.at.y, lamp.y)]
            }
        }
    }

    fn cover(&self, source: &Source) -> Cover {
        let (to, edge_m, near) = match *source {
            Source::Near { at, edge_m } => (at - self.at, edge_m, 1.0),
            Source::Far { to } => (to * SUN_AT_M, SUN_EDGE_M, 0.0),
        };
        Cover {
            at: self.at.as_vec3(),
            to_ball: self.to_ball,
            radius: self.radius,
            edge_m: edge_m as f32,
            to: self.to_ball * to.as_vec3(),
            near,
        }
    }
}

/// How a part of a body shuts off diffuse light.
struct Around {
    at: Vec3,
    /// Its squared mean radius, m².
    own: f32,
    per_squared_reach: f32,
}

impl Around {
    /// The part of the diffuse light that it shuts off: a ball of radius r at distance d covers cos θ (r/d)² of the hemisphere.
    #[inline(always)]
    fn shuts_off(&self, place: Vec3) -> f32 {
        let way = self.at - place;
        let squared = way.length_squared().max(self.own);
        // Fades out where it ends.
        let fades = 1.0 - (way.x * way.x + way.y * way.y) * self.per_squared_reach;
        let cos = (way.z / squared.sqrt()).max(0.0);
        BLOB_OVERLAP * cos * (self.own / squared) * fades.max(0.0)
    }
}

impl Cover {
    /// The part of the source that is covered, seen from `place`: all of it when the way passes through the middle, none when it
    /// passes by, and in between as soft as the source is wide.
    #[inline(always)]
    fn of(&self, place: Vec3) -> f32 {
        let from = self.to_ball * (place - self.at);
        let along = self.to - from * self.near;
        let part = -from.dot(along) / along.length_squared();
        let passes = (from + along * part).length();
        // The source's half width where the way passes the blob, in the blob's radii.
        let soft = (0.5 * self.edge_m * part).max(SOFT_MIN_M) / self.radius;
        let covered = ((1.0 + soft - passes) / (2.0 * soft)).clamp(0.0, 1.0);
        // A source that looks larger than the blob is never covered wholly; one that is not behind it not at all.
        let covered = covered * covered * (3.0 - 2.0 * covered) * (1.0 / (soft * soft)).min(1.0);
        // From 0 to 1, in one comparison.
        if (part - 0.5).abs() <= 0.5 { covered } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use glam::DVec2;

    use super::*;
    use crate::{Activity, Color, Finish, Light, Luminaire, LuminaireKind, Posture, Room, Sun, Wall, WallPart};

    const GREY: Color = Color::new(128, 128, 128);

    fn illumination(light: &Light) -> Illumination {
        let (floor, walls) = (GREY, GREY);
        let (floor_finish, walls_finish) = (Finish::Plain, Finish::Plain);
        let room =
            Room { size_m: (8.0, 6.0), ceiling_m: 3.0, floor, floor_finish, walls, walls_finish, mirrors: vec![] };
        Illumination::new(&room, light, &[], 0.0)
    }

    fn ball(x: f64, y: f64) -> PersonState {
        let ball = Solid::new(Shape::Ellipsoid(DVec3::splat(0.3)), DVec3::new(x, y, 1.0), GREY);
        PersonState {
            index: 0,
            floor: DVec2::new(x, y),
            head: ball.at,
            posture: Posture::Standing,
            activity: Activity::Standing,
            body: None,
            things: vec![ball],
        }
    }

    /// The light at one place, with somebody and without.
    fn at(illumination: &Illumination, person: &PersonState, x: f64, y: f64) -> (SurfaceLux, SurfaceLux) {
        let light = FloorLight::new(illumination, vec![x], vec![y]);
        let only = |people: &[PersonState]| light.among(people, &[]).next().expect("one place");
        (only(std::slice::from_ref(person)), only(&[]))
    }

    #[test]
    fn somebody_who_stands_in_the_light_takes_it() {
        let luminaires = vec![Luminaire { at_m: (2.0, 3.0), kind: LuminaireKind::Panel, flux: 1.0 }];
        let light = illumination(&Light { diffuse_share: 0.3, luminaires, ..Light::default() });
        let person = ball(4.0, 3.0);
        let left = |x: f64, y: f64| {
            let (with, without) = at(&light, &person, x, y);
            with.per_lux / without.per_lux
        };
        // The lamp at 2.95 m is seen past the ball's middle from 5.03 m; diffuse light is about half of all there.
        let diffuse = (0.3 / light.among_furniture(DVec3::new(5.026, 3.0, 0.0), DVec3::Z).per_lux()) as f32;
        assert!(left(5.026, 3.0) < diffuse + 0.2, "{}", left(5.026, 3.0));
        assert!(left(5.026, 4.5) > 0.97, "beside the shadow");
        assert!(left(3.0, 3.0) > 0.9, "before the ball");
        let below = left(4.0, 3.0);
        assert!((0.8..0.99).contains(&below), "a ball overhead takes some of the diffuse light: {below}");
    }

    #[test]
    fn a_door_throws_a_shadow_away_from_the_lamp() {
        let luminaires = vec![Luminaire { at_m: (2.0, 3.0), kind: LuminaireKind::Panel, flux: 1.0 }];
        let light = illumination(&Light { diffuse_share: 0.3, luminaires, ..Light::default() });
        let leaf = Solid::new(Shape::Cuboid(DVec3::new(0.02, 0.45, 1.0)), DVec3::new(4.0, 3.0, 1.0), GREY);
        let floor = FloorLight::new(&light, vec![2.5, 4.8], vec![3.0]);
        let [with, without] = [&[leaf][..], &[]].map(|doors| floor.among(&[], doors).collect::<Vec<_>>());
        assert!(with[0].per_lux > 0.97 * without[0].per_lux, "before the door: {with:?}, {without:?}");
        assert!(with[1].per_lux < 0.7 * without[1].per_lux, "behind the door: {with:?}, {without:?}");
    }

    #[test]
    fn somebody_in_the_beam_takes_the_suns_light_and_leaves_the_rest() {
        let window = WallPart { wall: Wall::South, from_m: 3.0, to_m: 5.0, bottom_m: 1.0, top_m: 2.5 };
        let sun = Sun { azimuth_deg: -90.0, elevation_deg: 45.0, lux: 20_000.0, turns_deg_per_min: 0.0 };
        let light = illumination(&Light { windows: vec![window], sun: Some(sun), ..Light::default() });
        let (with, without) = at(&light, &ball(4.0, 1.0), 4.0, 2.0);
        assert!(without.sun > 10_000.0 && with.sun < 0.01 * without.sun && with.per_lux > 0.8, "{with:?}, {without:?}");
        let (beside, without) = at(&light, &ball(4.0, 1.0), 4.8, 2.0);
        assert_eq!(beside.sun, without.sun);
    }

    #[test]
    fn a_shadow_ends_where_its_rectangle_does() {
        let lamps = [
            Source::Near { at: DVec3::new(2.0, 3.0, 2.95), edge_m: 0.6 },
            Source::Near { at: DVec3::new(4.0, 0.0, 1.6), edge_m: 1.2 },
            Source::Far { to: DVec3::new(-0.5, 0.3, 0.6).normalize() },
        ];
        for source in &lamps {
            let person = ball(4.0, 3.0);
            let blob = Blob::new(&person.things[0]);
            let (cover, [xs, ys]) = (blob.cover(source), blob.shadow(source));
            let mut dark = 0;
            for i in -200..400 {
                for j in -200..400 {
                    let (x, y) = (f64::from(i) * 0.05, f64::from(j) * 0.05);
                    if cover.of(Vec3::new(x as f32, y as f32, 0.0)) > 0.0 {
                        dark += 1;
                        assert!(xs.contains(&x) && ys.contains(&y), "({x}, {y}) is outside {xs:?}, {ys:?}");
                    }
                }
            }
            assert!(dark > 20, "there is a shadow: {dark} places");
        }
    }
}
