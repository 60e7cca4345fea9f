//! What hides what from where: solids as ray casting shapes.

use glam::{DQuat, DVec3};
use parry3d::math::Vec3 as ParryVec;
use parry3d::query::{Ray, RayCast};
use parry3d::shape::{Ball, Cuboid, Cylinder};

use crate::{Shape, Solid};

/// A solid that can hide things.
#[derive(Clone)]
pub struct Occluder {
    at: DVec3,
    /// From the room's axes to the shape's own.
    unturn: DQuat,
    /// Along which the shape's own axes are stretched: an ellipsoid is a stretched ball.
    stretch: DVec3,
    hull: Hull,
    bounding_radius: f64,
}

#[derive(Clone)]
enum Hull {
    Cuboid(Cuboid),
    Cylinder(Cylinder),
    Ball(Ball),
}

impl Occluder {
    /// The occluder of a solid.
    pub fn new(solid: &Solid) -> Self {
        let mut stretch = DVec3::ONE;
        // Cylinders of the library stand along y, ours along z.
        let mut unturn = solid.turned.inverse();
        let z_to_y = DQuat::from_rotation_x(-std::f64::consts::FRAC_PI_2);
        let hull = match solid.shape {
            Shape::Cuboid(half) => Hull::Cuboid(Cuboid::new(parry(half))),
            Shape::Cylinder { radius, half_height } => {
                unturn = z_to_y * unturn;
                Hull::Cylinder(Cylinder::new(half_height as f32, radius as f32))
            }
            Shape::Ellipsoid(axes) => {
                stretch = axes;
                Hull::Ball(Ball::new(1.0))
            }
        };
        Occluder { at: solid.at, unturn, stretch, hull, bounding_radius: solid.bounding_radius() }
    }

    /// A ball that holds all of it: its middle and its radius.
    pub fn ball(&self) -> (DVec3, f64) {
        (self.at, self.bounding_radius)
    }

    /// Whether any of it may be within `radius` of `point`.
    pub fn is_within(&self, point: DVec3, radius: f64) -> bool {
        self.at.distance_squared(point) <= (self.bounding_radius + radius).powi(2)
    }

    /// A quick no: whether this may hide anything within `radius` of `middle` from `lens`.
    pub fn may_hide_from(&self, lens: DVec3, middle: DVec3, radius: f64) -> bool {
        distance_to_segment(self.at, lens, middle) <= self.bounding_radius + radius
    }

    /// A quick no: whether any of it may be before the plane through `point` with the unit vector `normal`.
    pub(crate) fn is_before(&self, point: DVec3, normal: DVec3) -> bool {
        (self.at - point).dot(normal) > -self.bounding_radius
    }

    /// Whether this stands between `lens` and `point`.
    #[inline]
    pub fn hides(&self, lens: DVec3, point: DVec3) -> bool {
        self.stands_in(&SightLine::new(lens, point))
    }

    /// Whether this stands in a way.
    #[inline]
    pub fn stands_in(&self, way: &SightLine) -> bool {
        if way.squared_distance(self.at) > self.bounding_radius * self.bounding_radius {
            return false;
        }
        let own = |p: DVec3| (self.unturn * (p - self.at)) / self.stretch;
        let (from, to) = (own(way.from), own(way.from + way.along));
        // The ray's parameter runs from 0 at the lens to 1 at the point.
        let ray = Ray::new(parry(from), parry(to - from));
        match &self.hull {
            Hull::Cuboid(cuboid) => cuboid.intersects_local_ray(&ray, 1.0),
            Hull::Cylinder(cylinder) => cylinder.intersects_local_ray(&ray, 1.0),
            Hull::Ball(ball) => ball.intersects_local_ray(&ray, 1.0),
        }
    }
}

/// From one point straight to another; what is the same for everything that may stand in it.
pub struct SightLine {
    from: DVec3,
    along: DVec3,
    per_squared_length: f64,
}

impl SightLine {
    /// From `from` to `to`.
    #[inline]
    pub fn new(from: DVec3, to: DVec3) -> Self {
        let along = to - from;
        SightLine { from, along, per_squared_length: along.length_squared().recip() }
    }

    #[inline]
    fn squared_distance(&self, point: DVec3) -> f64 {
        let off = point - self.from;
        let part = (off.dot(self.along) * self.per_squared_length).clamp(0.0, 1.0);
        (off - self.along * part).length_squared()
    }
}

fn parry(v: DVec3) -> ParryVec {
    ParryVec::new(v.x as f32, v.y as f32, v.z as f32)
}

pub(crate) fn distance_to_segment(point: DVec3, from: DVec3, to: DVec3) -> f64 {
    SightLine::new(from, to).squared_distance(point).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Color;

    const LENS: DVec3 = DVec3::new(0.0, 0.0, 3.0);

    fn occluder(shape: Shape, at: DVec3, turned: DQuat) -> Occluder {
        Occluder::new(&Solid { turned, ..Solid::new(shape, at, Color::new(0, 0, 0)) })
    }

    #[test]
    fn a_table_top_hides_what_is_below_it_and_nothing_above() {
        let top = occluder(Shape::Cuboid(DVec3::new(0.5, 0.5, 0.02)), DVec3::new(0.0, 0.0, 0.75), DQuat::IDENTITY);
        assert!(top.hides(LENS, DVec3::new(0.1, 0.1, 0.2)));
        assert!(!top.hides(LENS, DVec3::new(0.1, 0.1, 1.2)));
        assert!(!top.hides(LENS, DVec3::new(0.9, 0.0, 0.2)));
    }

    #[test]
    fn round_things_hide_along_their_own_axis() {
        // A post that lies along x at 1 m height hides what is below its ends, not what is beside it.
        let lying = DQuat::from_rotation_arc(DVec3::Z, DVec3::X);
        let shape = Shape::Cylinder { radius: 0.1, half_height: 1.0 };
        let post = occluder(shape, DVec3::new(0.0, 0.0, 1.0), lying);
        assert!(post.hides(LENS, DVec3::new(1.2, 0.0, 0.2)));
        assert!(!post.hides(LENS, DVec3::new(0.0, 0.5, 0.2)));
        let egg = occluder(Shape::Ellipsoid(DVec3::new(1.0, 0.1, 0.1)), DVec3::new(0.0, 0.0, 1.0), DQuat::IDENTITY);
        assert!(egg.hides(LENS, DVec3::new(1.0, 0.0, 0.5)));
        assert!(!egg.hides(LENS, DVec3::new(0.0, 0.4, 0.5)));
    }
}
