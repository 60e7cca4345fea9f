//! What furniture leaves of the light at a place, and at many places near one another.

use glam::{DMat3, DVec3};

use super::{Illuminance, Illumination};
use crate::Occluder;
use crate::occlusion::SightLine;
use crate::sunlight::SUN_AT_M;

/// Furniture that is further away shuts off no diffuse light: it sends some itself.
const FURNITURE_REACH_M: f64 = 1.2;
/// Surfaces are left by so much before looking for what is in the way: what lies flat on them darkens what it covers, which
/// cannot be seen.
const LIFT_M: f64 = 0.03;

/// So far, m, from where what may shade was looked for it is not looked for again: the more, the rarer, but the more that does not.
const AROUND_M: f64 = 0.5;

/// Furniture that may shade the places around one.
pub(super) struct Surroundings<'i> {
    illumination: &'i Illumination,
    /// That may shut off diffuse light.
    near: Vec<&'i Occluder>,
    /// That may stand before each lamp.
    before_lamps: Vec<Vec<&'i Occluder>>,
    before_sun: Vec<&'i Occluder>,
}

impl<'i> Surroundings<'i> {
    /// What may be in the way of light to any place within `radius` of `middle`.
    pub fn of(illumination: &'i Illumination, middle: DVec3, radius: f64) -> Self {
        let Illumination { fixed, lamps, sun, .. } = illumination;
        let radius = radius + LIFT_M;
        let between = |to: DVec3, reach: f64| -> Vec<&'i Occluder> {
            fixed.iter().filter(|o| o.may_hide_from(middle, to, reach + radius)).collect()
        };
        Surroundings {
            illumination,
            near: fixed.iter().filter(|o| o.is_within(middle, FURNITURE_REACH_M + radius)).collect(),
            before_lamps: lamps.iter().map(|lamp| between(lamp.at, lamp.reach())).collect(),
            before_sun: sun.as_ref().map_or(vec![], |sun| between(middle + sun.direction * SUN_AT_M, 0.0)),
        }
    }

    /// What arrives at a place in reach.
    pub fn at(&self, place: DVec3, normal: DVec3) -> Illuminance {
        let lit = self.illumination;
        let from = place + normal * LIFT_M;
        let free = |among: &[&Occluder], to: DVec3| {
            let way = SightLine::new(from, to);
            !among.iter().any(|occluder| occluder.stands_in(&way))
        };
        let is_near = |o: &&&Occluder| o.is_within(from, FURNITURE_REACH_M) && o.is_before(from, normal);
        let near: Vec<&Occluder> = self.near.iter().filter(is_near).copied().collect();
        let side = normal.any_orthonormal_vector();
        let basis = DMat3::from_cols(side, normal.cross(side), normal);
        let is_open = |ray: &&DVec3| free(&near, from + basis * **ray * FURNITURE_REACH_M);
        let open = lit.diffuse_rays.iter().filter(is_open).count() as f64 / lit.diffuse_rays.len() as f64;
        let direct = lit.lamps.iter().zip(&self.before_lamps).map(|(lamp, before)| {
            let lux = lamp.lux(place, normal);
            if lux == 0.0 {
                return 0.0;
            }
            lux * lamp.quarters().into_iter().filter(|part| free(before, *part)).count() as f64 / 4.0
        });
        let sun = lit.sun.as_ref().map_or(0.0, |sun| {
            let lux = lit.sun_lux(normal);
            // Off the beams it does not matter what is in the way.
            let lit = lux > 0.0 && sun.may_reach(place) && free(&self.before_sun, from + sun.direction * SUN_AT_M);
            if lit { lux } else { 0.0 }
        });
        Illuminance { diffuse: lit.diffuse * open * (0.7 + 0.3 * normal.z), direct: direct.collect(), sun }
    }
}

/// What arrives at many places among the furniture, one after the other. It remembers what is around the last ones, so that it is fast where
/// they are near one another.
pub struct FurnitureLight<'i> {
    illumination: &'i Illumination,
    /// The middle of the surroundings, and they.
    last: Option<(DVec3, Surroundings<'i>)>,
}

impl<'i> FurnitureLight<'i> {
    /// Of a room.
    pub fn new(illumination: &'i Illumination) -> Self {
        FurnitureLight { illumination, last: None }
    }

    /// What [`Illumination::among_furniture`] gives.
    pub fn at(&mut self, place: DVec3, normal: DVec3) -> Illuminance {
        let last = self.last.take().filter(|(middle, _)| middle.distance_squared(place) <= AROUND_M * AROUND_M);
        let (_, around) =
            self.last.insert(last.unwrap_or_else(|| (place, Surroundings::of(self.illumination, place, AROUND_M))));
        around.at(place, normal)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{GREY, lamp_at, room, south_window};
    use super::*;
    use crate::{Light, LuminaireKind, Shape, Solid, Sun};

    #[test]
    fn places_one_after_the_other_get_the_light_that_they_would_get_alone() {
        let mut fixed = Vec::new();
        for i in 0..60 {
            let at = DVec3::new(0.13 * f64::from(i), 0.37 * f64::from(i % 16), 0.1 * f64::from(i % 9));
            fixed.push(Solid::new(Shape::Cuboid(DVec3::new(0.2, 0.1, 0.05 + 0.01 * f64::from(i % 30))), at, GREY));
        }
        let sun = Sun { azimuth_deg: -90.0, elevation_deg: 45.0, lux: 20_000.0, turns_deg_per_min: 0.0 };
        let luminaires = [(2.0, 3.0), (6.0, 2.0)].map(|at_m| lamp_at(at_m, LuminaireKind::Panel)).to_vec();
        let light = Light { windows: vec![south_window()], luminaires, sun: Some(sun), ..Light::default() };
        let illumination = Illumination::new(&room(), &light, &fixed, 0.0);
        let mut walk = FurnitureLight::new(&illumination);
        let (mut shaded, mut sunny) = (0, 0);
        for i in 0..4000 {
            let t = f64::from(i);
            // There and back, now and then across the room.
            let place =
                DVec3::new(4.0 + 3.9 * (t * 0.011).sin(), 3.0 + 2.9 * (t * 0.0037).cos(), 1.2 + (t * 0.7).sin());
            let normal = DVec3::new((t * 0.3).sin(), (t * 0.2).cos(), 0.5).normalize();
            let (with, alone) = (walk.at(place, normal), illumination.among_furniture(place, normal));
            assert_eq!(with, alone, "at {place}");
            // And alone nothing that hides is missed.
            let from = place + normal * LIFT_M;
            for (lamp, lux) in illumination.lamps.iter().zip(&alone.direct) {
                let free = |part: &DVec3| !illumination.fixed.iter().any(|occluder| occluder.hides(from, *part));
                let quarters = lamp.quarters().iter().filter(|part| free(part)).count();
                assert_eq!(*lux, lamp.lux(place, normal) * quarters as f64 / 4.0, "at {place}");
                shaded += usize::from(quarters < 4);
            }
            sunny += usize::from(alone.sun > 0.0);
        }
        assert!(shaded > 400 && sunny > 100, "{shaded} shaded, {sunny} sunny");
    }
}
