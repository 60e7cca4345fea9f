//! The light on the floor, and what people's shadows leave of it.
//!
//! Each part of a body darkens only the places its shadow may reach, lamp by lamp, so that a crowd costs as much as its people.

use std::ops::Range;

use glam::{DVec3, Mat3, Quat, Vec3};

use crate::sunlight::{SUN_AT_M, SUN_EDGE_M};
use crate::{Illumination, PersonState, Shape, Solid};

/// What is further away from a part of a body gets all of the diffuse light past it, m.
const DIFFUSE_REACH_M: f64 = 1.5;
/// The ellipsoids of a body overlap: each counts for less than it would alone.
const BLOB_OVERLAP: f32 = 0.8;
/// No edge of a person's shadow is harder than this: what throws it are ellipsoids for want of an outline, and light is asked
/// for at places not much nearer to one another.
const SOFT_MIN_M: f32 = 0.08;

/// What arrives at places of the floor when nobody is in, by its ways, so that somebody who stands in one of them takes just
/// that.
pub struct FloorLight {
    /// Ascending.
    xs: Vec<f64>,
    ys: Vec<f64>,
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

/// What arrives at a place of the floor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FloorLux {
    /// At a level of 1 lx, without the sun's.
    pub per_lux: f64,
    /// Of the sun where a beam is, lx.
    pub sun: f64,
}

impl FloorLight {
    /// The light at all places with these x and y, both ascending.
    pub fn new(illumination: &Illumination, xs: Vec<f64>, ys: Vec<f64>) -> Self {
        let lamps: Vec<Source> = illumination.lamps().map(|(at, edge_m)| Source::Near { at, edge_m }).collect();
        let sunlight = illumination.sun().map(|sun| Source::Far { to: sun.direction });
        let (mut diffuse, mut sun, mut direct) = (Vec::new(), Vec::new(), vec![Vec::new(); lamps.len()]);
        for y in &ys {
            for x in &xs {
                let light = illumination.among_furniture(DVec3::new(*x, *y, 0.0), DVec3::Z);
                diffuse.push(light.diffuse as f32);
                sun.push(light.sun as f32);
                direct.iter_mut().zip(&light.direct).for_each(|(all, lux)| all.push(*lux as f32));
            }
        }
        FloorLight { xs, ys, diffuse, direct, sun, lamps, sunlight }
    }

    /// The places, row by row: x by x for the first y, and so on.
    pub fn places(&self) -> impl Iterator<Item = DVec3> {
        self.ys.iter().flat_map(|y| self.xs.iter().map(|x| DVec3::new(*x, *y, 0.0)))
    }

    /// What people leave of the light, in the order of the places.
    pub fn among(&self, people: &[PersonState]) -> impl Iterator<Item = FloorLux> {
        let (mut diffuse, mut direct, mut sun) = (self.diffuse.clone(), self.direct.clone(), self.sun.clone());
        for blob in people.iter().flat_map(PersonState::solids).map(|solid| Blob::new(&solid)) {
            self.darken(&mut diffuse, blob.surroundings(), |place| 1.0 - blob.shuts_off(place));
            for (source, lux) in self.lamps.iter().zip(&mut direct).chain(self.sunlight.iter().zip([&mut sun])) {
                let cover = blob.cover(source);
                self.darken(lux, blob.shadow(source), |place| 1.0 - cover.of(place));
            }
        }
        for lux in &direct {
            diffuse.iter_mut().zip(lux).for_each(|(sum, lux)| *sum += lux);
        }
        diffuse.into_iter().zip(sun).map(|(per_lux, sun)| FloorLux { per_lux: per_lux.into(), sun: sun.into() })
    }

    /// Multiplies what arrives within a rectangle by what is left there.
    fn darken(&self, lux: &mut [f32], [x, y]: [Range<f64>; 2], left: impl Fn(Vec3) -> f32) {
        let within = |all: &[f64], range: Range<f64>| {
            all.partition_point(|v| *v < range.start)..all.partition_point(|v| *v <= range.end)
        };
        let (columns, rows) = (within(&self.xs, x), within(&self.ys, y));
        for row in rows {
            for column in columns.clone() {
                let lux = &mut lux[row * self.xs.len() + column];
                if *lux > 0.0 {
                    *lux *= left(Vec3::new(self.xs[column] as f32, self.ys[row] as f32, 0.0));
                }
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
    far: bool,
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

    /// Where it shuts off diffuse light.
    fn surroundings(&self) -> [Range<f64>; 2] {
        [self.at.x, self.at.y].map(|middle| middle - DIFFUSE_REACH_M..middle + DIFFUSE_REACH_M)
    }

    /// The part of the diffuse light that it shuts off: a ball of radius r at distance d covers cos θ (r/d)² of the hemisphere.
    fn shuts_off(&self, place: Vec3) -> f32 {
        let way = self.at.as_vec3() - place;
        let (squared, own) = (way.length_squared(), self.radius * self.radius);
        // Fades out where it ends.
        let fades = 1.0 - (way.x * way.x + way.y * way.y) / (DIFFUSE_REACH_M * DIFFUSE_REACH_M) as f32;
        let cos = (way.z / squared.max(own).sqrt()).clamp(0.0, 1.0);
        BLOB_OVERLAP * cos * (own / squared.max(own)) * fades.max(0.0)
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
                let along = |middle: f64, lamp_at: f64| {
                    // Tangents from the lamp to a circle around the blob, seen along the floor.
                    let aside = middle - lamp_at;
                    let (angle, half) = (aside.atan2(depth), (radius / aside.hypot(depth)).asin());
                    let reaches = |angle: f64| {
                        let right = std::f64::consts::FRAC_PI_2;
                        if angle.abs() < right {
                            lamp_at + lamp.z * angle.tan()
                        } else {
                            angle.signum() * f64::INFINITY
                        }
                    };
                    reaches(angle - half)..reaches(angle + half)
                };
                [along(self.at.x, lamp.x), along(self.at.y, lamp.y)]
            }
        }
    }

    fn cover(&self, source: &Source) -> Cover {
        let (to, edge_m, far) = match *source {
            Source::Near { at, edge_m } => (at - self.at, edge_m, false),
            Source::Far { to } => (to * SUN_AT_M, SUN_EDGE_M, true),
        };
        Cover {
            at: self.at.as_vec3(),
            to_ball: self.to_ball,
            radius: self.radius,
            edge_m: edge_m as f32,
            to: self.to_ball * to.as_vec3(),
            far,
        }
    }
}

impl Cover {
    /// The part of the source that is covered, seen from `place`: all of it when the way passes through the middle, none when it
    /// passes by, and in between as soft as the source is wide.
    fn of(&self, place: Vec3) -> f32 {
        let from = self.to_ball * (place - self.at);
        let along = if self.far { self.to } else { self.to - from };
        let part = -from.dot(along) / along.length_squared();
        if !(0.0..=1.0).contains(&part) {
            return 0.0;
        }
        let passes = (from + along * part).length();
        // The source's half width where the way passes the blob, in the blob's radii.
        let soft = (0.5 * self.edge_m * part).max(SOFT_MIN_M) / self.radius;
        let part = ((1.0 + soft - passes) / (2.0 * soft)).clamp(0.0, 1.0);
        // A source that looks larger than the blob is never covered wholly.
        part * part * (3.0 - 2.0 * part) * (1.0 / (soft * soft)).min(1.0)
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
    fn at(illumination: &Illumination, person: &PersonState, x: f64, y: f64) -> (FloorLux, FloorLux) {
        let light = FloorLight::new(illumination, vec![x], vec![y]);
        let only = |people: &[PersonState]| light.among(people).next().expect("one place");
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
        let diffuse = 0.3 / light.among_furniture(DVec3::new(5.026, 3.0, 0.0), DVec3::Z).per_lux();
        assert!(left(5.026, 3.0) < diffuse + 0.2, "{}", left(5.026, 3.0));
        assert!(left(5.026, 4.5) > 0.97, "beside the shadow");
        assert!(left(3.0, 3.0) > 0.9, "before the ball");
        let below = left(4.0, 3.0);
        assert!((0.8..0.99).contains(&below), "a ball overhead takes some of the diffuse light: {below}");
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
