//! How much light arrives where: what a lux meter would read anywhere in a room.
//!
//! Direct light of lamps and windows with soft shadows, the sun's beams, and diffuse light that things near shut off. Light
//! that is thrown back by single surfaces is part of the diffuse light.

use glam::{DVec3, Vec3};

use crate::lamp::{Lamp, luminaire, window};
use crate::room::{Light, Room};
use crate::sunlight::Sunlight;
use crate::{Occluder, SkinPoint, Solid};
use furniture_light::Surroundings;

pub use furniture_light::FurnitureLight;

mod furniture_light;

/// Where a room's `lux` is meant: the height of a desk.
pub(crate) const MEASURED_AT_M: f64 = 0.8;
/// Rays by which diffuse light is judged.
const DIFFUSE_RAYS: usize = 24;
/// A room's light at a level of 1 lx. All of it but the sun's is in proportion to the level.
pub struct Illumination {
    /// The part that comes from everywhere.
    diffuse: f64,
    /// Luminaires and pieces of windows.
    lamps: Vec<Lamp>,
    /// Luminance of the windows, cd/m².
    window_luminance: f64,
    sun: Option<Sunlight>,
    /// Furniture.
    fixed: Vec<Occluder>,
    /// Directions over a surface that faces up, spread by the cosine.
    diffuse_rays: Vec<DVec3>,
}

/// What arrives at a point: by its ways, so that somebody who stands in one of them takes just that.
#[derive(Clone, Debug, PartialEq)]
pub struct Illuminance {
    /// From everywhere, when the room's level is 1 lx.
    pub diffuse: f64,
    /// One a lamp or piece of a window, when the room's level is 1 lx.
    pub direct: Vec<f64>,
    /// Of the sun, lx, if a window is in the way to it and nothing else.
    pub sun: f64,
}

/// What arrives at a point of a surface, as pictures need it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SurfaceLux {
    /// At a level of 1 lx, without the sun's.
    pub per_lux: f32,
    /// Of the sun where a beam is, lx.
    pub sun: f32,
}

impl SurfaceLux {
    /// Both, in the order of the fields.
    pub fn to_array(self) -> [f32; 2] {
        [self.per_lux, self.sun]
    }
}

impl Illuminance {
    /// All but the sun's, at a level of 1 lx.
    pub fn per_lux(&self) -> f64 {
        self.diffuse + self.direct.iter().sum::<f64>()
    }
}

impl Illumination {
    /// Lamps and windows which, with the diffuse share, give 1 lx on average over the empty room, 0.8 m above the floor; `fixed`
    /// is what stands in it. The sun stands where it does `t_s` seconds after the scene's start.
    pub fn new(room: &Room, light: &Light, fixed: &[Solid], t_s: f64) -> Self {
        let scale = |lamps: &[Lamp], share: f64| {
            let mean = mean_lux(room, lamps);
            if mean > 0.0 { share / mean } else { 0.0 }
        };
        let shining = |lamps: &mut Vec<Lamp>, share: f64| {
            let scale = scale(lamps, share);
            lamps.iter_mut().for_each(|lamp| lamp.candela *= scale);
        };
        let mut lamps: Vec<Lamp> = light.luminaires.iter().map(|l| luminaire(l, room)).collect();
        shining(&mut lamps, light.lamp_share());
        let windows: Vec<_> = light.windows.iter().map(|part| room.part(part)).collect();
        let mut daylight: Vec<Lamp> = windows.iter().flat_map(|glass| window(glass, MEASURED_AT_M)).collect();
        // Intensity before it is scaled is area.
        let window_luminance = scale(&daylight, light.daylight_share);
        shining(&mut daylight, light.daylight_share);
        lamps.append(&mut daylight);
        Illumination {
            diffuse: light.diffuse_share,
            lamps,
            window_luminance,
            sun: light.sun.as_ref().map(|sun| Sunlight { direction: sun.direction(t_s), lux: sun.lux, windows }),
            fixed: fixed.iter().map(Occluder::new).collect(),
            diffuse_rays: cosine_directions(DIFFUSE_RAYS),
        }
    }

    /// The sun's beams.
    pub fn sun(&self) -> Option<&Sunlight> {
        self.sun.as_ref()
    }

    /// Luminance of the windows when the room's level is 1 lx, cd/m².
    pub fn window_luminance(&self) -> f64 {
        self.window_luminance
    }

    /// The illuminance, at a level of 1 lx and without the sun's, of a surface at `place` that faces along the unit vector
    /// `normal`, in a room without furniture or people. `open` is the part of the hemisphere over it that nothing near shuts
    /// off from diffuse light.
    ///
    /// Diffuse light comes a little more from above than from below, as it does under a bright ceiling: a horizontal
    /// surface that faces up gets all of it, one that faces down 0.4 of it.
    pub fn per_lux(&self, place: DVec3, normal: DVec3, open: f64) -> f64 {
        let direct: f64 = self.lamps.iter().map(|lamp| lamp.lux(place, normal)).sum();
        self.diffuse * open * (0.7 + 0.3 * normal.z) + direct
    }

    /// The illuminance by the sun of a surface that faces along `normal`, if nothing is in the way, lx.
    pub fn sun_lux(&self, normal: DVec3) -> f64 {
        self.sun.as_ref().map_or(0.0, |sun| sun.lux * normal.dot(sun.direction).max(0.0))
    }

    /// [`Illumination::per_lux`] and [`Illumination::sun_lux`] at all points of a skin, in their order.
    pub fn on_skin(&self, skin: &[SkinPoint]) -> Vec<SurfaceLux> {
        let diffuse = self.diffuse as f32;
        let sun = self.sun.as_ref().map_or((Vec3::ZERO, 0.0), |sun| (sun.direction.as_vec3(), sun.lux as f32));
        let mut lit: Vec<SurfaceLux> = (skin.iter())
            .map(|point| SurfaceLux {
                per_lux: diffuse * point.open * (0.7 + 0.3 * point.normal.z),
                sun: sun.1 * point.normal.dot(sun.0).max(0.0),
            })
            .collect();
        for lamp in &self.lamps {
            lamp.add_to_skin(skin, &mut lit);
        }
        lit
    }

    /// [`Illumination::per_lux`] and [`Illumination::sun_lux`] at one point.
    pub fn in_the_open(&self, place: DVec3, normal: DVec3) -> SurfaceLux {
        SurfaceLux { per_lux: self.per_lux(place, normal, 1.0) as f32, sun: self.sun_lux(normal) as f32 }
    }

    /// What arrives at a surface among the furniture, by its ways.
    pub fn among_furniture(&self, place: DVec3, normal: DVec3) -> Illuminance {
        Surroundings::of(self, place, 0.0).at(place, normal)
    }

    /// What a lux meter reads at `place` that faces along the unit vector `normal`, among the furniture, lx. `level` is the
    /// room's level of light, lx.
    pub fn meter(&self, place: DVec3, normal: DVec3, level: f64) -> f64 {
        let light = self.among_furniture(place, normal);
        let through = self.sun.as_ref().is_some_and(|sun| sun.reaches(place));
        light.per_lux() * level + if through { light.sun } else { 0.0 }
    }

    /// Where the lamps and pieces of windows are, and how wide, m.
    pub(crate) fn lamps(&self) -> impl Iterator<Item = (DVec3, f64)> {
        self.lamps.iter().map(|lamp| (lamp.at, lamp.edge()))
    }
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

/// The mean horizontal illuminance of lamps in lx, 0.8 m above the floor.
fn mean_lux(room: &Room, lamps: &[Lamp]) -> f64 {
    const GRID: usize = 24;
    let mut sum = 0.0;
    for i in 0..GRID {
        for j in 0..GRID {
            let part = |k: usize| (k as f64 + 0.5) / GRID as f64;
            let point = DVec3::new(room.size_m.0 * part(i), room.size_m.1 * part(j), MEASURED_AT_M);
            sum += lamps.iter().map(|lamp| lamp.lux(point, DVec3::Z)).sum::<f64>();
        }
    }
    sum / (GRID * GRID) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Color, Finish, Luminaire, LuminaireKind, Shape, Sun, Wall, WallPart};

    pub(super) const GREY: Color = Color::new(128, 128, 128);

    pub(super) fn room() -> Room {
        let (floor, walls) = (GREY, GREY);
        let (floor_finish, walls_finish) = (Finish::Plain, Finish::Plain);
        Room { size_m: (8.0, 6.0), ceiling_m: 3.0, floor, floor_finish, walls, walls_finish, mirrors: vec![] }
    }

    pub(super) fn lamp_at(at_m: (f64, f64), kind: LuminaireKind) -> Luminaire {
        Luminaire { at_m, kind, flux: 1.0 }
    }

    /// A window 2 m wide in the south wall.
    pub(super) fn south_window() -> WallPart {
        WallPart { wall: Wall::South, from_m: 3.0, to_m: 5.0, bottom_m: 1.0, top_m: 2.5 }
    }

    fn lit(diffuse_share: f64, luminaires: &[(f64, f64)], fixed: &[Solid]) -> Illumination {
        let luminaires = luminaires.iter().map(|at_m| lamp_at(*at_m, LuminaireKind::Panel)).collect();
        Illumination::new(&room(), &Light { diffuse_share, luminaires, ..Light::default() }, fixed, 0.0)
    }

    #[test]
    fn a_lux_meter_reads_one_on_average_at_desk_height() {
        let made = |light: Light| Illumination::new(&room(), &light, &[], 0.0);
        let kinds = [
            lamp_at((2.0, 3.0), LuminaireKind::Batten { turn_deg: 90.0 }),
            lamp_at((6.0, 3.0), LuminaireKind::Downlight),
            Luminaire { flux: 3.0, ..lamp_at((4.0, 3.0), LuminaireKind::Pendant { height_m: 2.2 }) },
        ];
        let lights = [
            Light::default(),
            Light { diffuse_share: 0.5, luminaires: kinds.to_vec(), ..Light::default() },
            Light { diffuse_share: 0.0, luminaires: kinds[..1].to_vec(), ..Light::default() },
            Light { diffuse_share: 0.4, daylight_share: 0.6, windows: vec![south_window()], ..Light::default() },
            Light {
                diffuse_share: 0.3,
                daylight_share: 0.3,
                windows: vec![south_window()],
                luminaires: kinds.to_vec(),
                ..Light::default()
            },
        ];
        for light in lights.map(made) {
            // Another grid than the one it was calibrated on.
            let cells = (0..31).flat_map(|i| (0..31).map(move |j| (i, j)));
            let part = |k: i32| (f64::from(k) + 0.5) / 31.0;
            let at = |(i, j)| DVec3::new(8.0 * part(i), 6.0 * part(j), 0.8);
            let (mut mean, mut shaded) = (0.0, 0.0);
            for place in cells.map(at) {
                mean += light.per_lux(place, DVec3::Z, 1.0) / (31.0 * 31.0);
                shaded += light.among_furniture(place, DVec3::Z).per_lux() / (31.0 * 31.0);
            }
            assert!((mean - 1.0).abs() < 0.005, "{mean}");
            assert!((shaded - mean).abs() < 1e-9, "without furniture there are no shadows: {shaded}");
        }
    }

    #[test]
    fn skin_is_lit_as_the_formulas_say() {
        let luminaires = vec![lamp_at((2.0, 3.0), LuminaireKind::Panel), lamp_at((6.0, 3.0), LuminaireKind::Downlight)];
        let sun = Sun { azimuth_deg: -70.0, elevation_deg: 40.0, lux: 9000.0, turns_deg_per_min: 0.0 };
        let light =
            Light { diffuse_share: 0.3, luminaires, windows: vec![south_window()], sun: Some(sun), ..Light::default() };
        // Also beside, above and behind lamps and windows, facing them or not.
        let point = |i: usize| {
            let part = |step: f64| (i as f64 * step).fract();
            let at = DVec3::new(8.0 * part(0.618), 6.0 * part(0.414), 3.0 * part(0.732));
            let normal = DVec3::new(part(0.303) - 0.5, part(0.882) - 0.5, part(0.217) - 0.5).normalize();
            SkinPoint { at: at.as_vec3(), normal: normal.as_vec3(), open: part(0.141) as f32 }
        };
        let skin: Vec<SkinPoint> = (1..500).map(point).collect();
        // All of a skin is lit by cells of a window as small as its nearest point needs; a place by those that it needs itself, which
        // tells where most of the window is behind it.
        for (daylight_share, allowed, least) in [(0.0, 1e-3, 1e-3), (0.2, 0.05, 0.5)] {
            let light = Illumination::new(&room(), &Light { daylight_share, ..light.clone() }, &[], 0.0);
            for (point, lit) in skin.iter().zip(light.on_skin(&skin)) {
                let normal = point.normal.as_dvec3();
                let expected = (light.per_lux(point.at.as_dvec3(), normal, point.open.into()), light.sun_lux(normal));
                let off = |found: f32, expected: f64| (f64::from(found) - expected).abs() / expected.max(least);
                assert!(
                    off(lit.per_lux, expected.0) < allowed && off(lit.sun, expected.1) < 1e-3,
                    "{point:?}: {lit:?}, expected {expected:?}"
                );
            }
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
            light.among_furniture(place, DVec3::Z).per_lux() / light.per_lux(place, DVec3::Z, 1.0)
        };
        assert!(at(4.0) < 0.2, "{}", at(4.0));
        assert!(at(7.0) > 0.95, "{}", at(7.0));
        // The shadow's edge lies at 1.34 m from the middle, and is as soft as the lamp is wide.
        let edge = [at(5.1), at(5.34), at(5.6)];
        assert!(edge[0] < edge[1] && edge[1] < edge[2], "{edge:?}");
    }

    #[test]
    fn windows_are_as_bright_as_their_share_of_the_light_makes_them() {
        for (bottom_m, top_m) in [(0.0, 2.4), (0.3, 1.4), (0.4, 1.21), (0.9, 2.0), (1.0, 2.5)] {
            let windows = vec![WallPart { bottom_m, top_m, ..south_window() }];
            let light = Light { diffuse_share: 0.4, daylight_share: 0.6, windows, ..Light::default() };
            let light = Illumination::new(&room(), &light, &[], 0.0);
            // The integral of Lambert's law over the glass, L·cos θ·cos θ'·dA/d², on average over the room.
            let (mut mean, cell) = (0.0, 0.05);
            // As fine as its light, which is brightest by far before the window.
            for k in 0..40 * 60 {
                let place =
                    DVec3::new((f64::from(k % 40) + 0.5) / 5.0, (f64::from(k / 40) + 0.5) / 10.0, MEASURED_AT_M);
                for i in 0..40 {
                    for j in 0..((top_m - bottom_m) / cell).round() as u32 {
                        let glass =
                            DVec3::new(3.0 + cell * (f64::from(i) + 0.5), 0.0, bottom_m + cell * (f64::from(j) + 0.5));
                        let way = glass - place;
                        let (leaves, arrives) = (-way.y / way.length(), way.z.max(0.0) / way.length());
                        mean += leaves * arrives * cell * cell / way.length_squared() / (40.0 * 60.0);
                    }
                }
            }
            let share = light.window_luminance() * mean;
            assert!((share / 0.6 - 1.0).abs() < 0.08, "{bottom_m} to {top_m} m: {share}");
        }
    }

    #[test]
    fn before_a_wall_of_glass_it_is_as_bright_as_lamberts_law_says_however_near() {
        let glass = WallPart { wall: Wall::South, from_m: 0.2, to_m: 7.8, bottom_m: 0.05, top_m: 2.5 };
        let light = Light { diffuse_share: 0.0, daylight_share: 1.0, windows: vec![glass], ..Light::default() };
        let light = Illumination::new(&room(), &light, &[], 0.0);
        let tilted = DVec3::new(0.3, -0.8, 0.5).normalize();
        for (place, normal) in [
            (DVec3::new(4.0, 0.15, 0.0), DVec3::Z),
            (DVec3::new(2.1, 0.5, 0.0), DVec3::Z),
            (DVec3::new(4.0, 0.5, 0.8), DVec3::Z),
            (DVec3::new(4.0, 4.0, 0.8), DVec3::Z),
            (DVec3::new(0.0, 0.4, 1.2), DVec3::X),
            (DVec3::new(5.3, 0.3, 1.6), tilted),
        ] {
            let (mut expected, cell) = (0.0, 0.0125);
            for i in 0..608 {
                for j in 0..196 {
                    let at = DVec3::new(0.2 + cell * (f64::from(i) + 0.5), 0.0, 0.05 + cell * (f64::from(j) + 0.5));
                    let way = at - place;
                    let (leaves, arrives) = (-way.y / way.length(), way.dot(normal).max(0.0) / way.length());
                    expected += light.window_luminance() * leaves * arrives * cell * cell / way.length_squared();
                }
            }
            let lux = light.per_lux(place, normal, 0.0);
            assert!((lux / expected - 1.0).abs() < 0.06, "{place} to {normal}: {lux}, expected {expected}");
        }
    }

    #[test]
    fn a_window_is_a_bright_surface_and_near_it_is_brighter() {
        let windows = vec![south_window()];
        let light = Light { diffuse_share: 0.2, daylight_share: 0.8, windows, ..Light::default() };
        let light = Illumination::new(&room(), &light, &[], 0.0);
        let at = |y: f64| light.per_lux(DVec3::new(4.0, y, 0.8), DVec3::Z, 1.0);
        assert!(at(1.0) > 2.0 * at(3.0) && at(3.0) > at(5.0), "{} {} {}", at(1.0), at(3.0), at(5.0));
        // Far off on its axis a window of area A and luminance L gives L·A/d².
        let far = light.per_lux(DVec3::new(4.0, 40.0, 1.75), DVec3::NEG_Y, 0.0);
        let expected = light.window_luminance() * 3.0 / (40.0 * 40.0);
        assert!((far / expected - 1.0).abs() < 0.01, "{far}, expected {expected}");
        // Nothing shines out of the back of it.
        assert_eq!(light.per_lux(DVec3::new(4.0, -1.0, 1.75), DVec3::Y, 0.0), 0.0);
    }

    #[test]
    fn the_sun_shines_through_windows_only_and_moves() {
        // It stands in the south, 45° high: the window's beam falls on the floor from 1 m to 2.5 m.
        let sun = Sun { azimuth_deg: -90.0, elevation_deg: 45.0, lux: 20_000.0, turns_deg_per_min: -15.0 };
        let (windows, table) = (vec![south_window()], Shape::Cuboid(DVec3::new(0.3, 0.3, 0.02)));
        let light = Light { windows, sun: Some(sun), ..Light::default() };
        let table = Solid::new(table, DVec3::new(3.6, 1.5, 0.5), GREY);
        let at = |t_s: f64, x: f64, y: f64| {
            let light = Illumination::new(&room(), &light, &[table], t_s);
            light.meter(DVec3::new(x, y, 0.0), DVec3::Z, 100.0)
        };
        let full = 20_000.0 * 0.5f64.sqrt();
        for (x, y, lit) in
            [(4.5, 1.5, true), (4.5, 0.9, false), (4.5, 2.6, false), (2.9, 1.5, false), (5.1, 1.5, false)]
        {
            let expected = if lit { full + 100.0 } else { 100.0 };
            assert!(
                (at(0.0, x, y) / expected - 1.0).abs() < 0.06,
                "({x}, {y}): {}, expected {expected}",
                at(0.0, x, y)
            );
        }
        assert!(at(0.0, 3.6, 1.9) < 101.0, "in the table's shadow");
        // After three minutes it stands 45° further west, and the beam lies further east.
        assert!(at(180.0, 5.5, 1.5) > 1000.0 && at(180.0, 3.2, 1.5) < 101.0);
    }
}
