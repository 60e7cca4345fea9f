//! Solids: what furniture is made of, and what hides things behind it.

use glam::{DQuat, DVec3};

use crate::{Color, Finish};

/// A shape around its own origin, metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Half the edge lengths.
    Cuboid(DVec3),
    /// Upright along its own z.
    Cylinder {
        /// Radius.
        radius: f64,
        /// Half the height.
        half_height: f64,
    },
    /// Half axes.
    Ellipsoid(DVec3),
}

/// A shape somewhere in the room, of one material.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Solid {
    /// What it is.
    pub shape: Shape,
    /// Its middle.
    pub at: DVec3,
    /// How it is turned.
    pub turned: DQuat,
    /// Its surface.
    pub color: Color,
    /// What the surface is made of.
    pub finish: Finish,
}

impl Solid {
    /// A shape whose axes are the room's, in a plain colour.
    pub fn new(shape: Shape, at: DVec3, color: Color) -> Self {
        Solid { shape, at, turned: DQuat::IDENTITY, color, finish: Finish::Plain }
    }

    /// The corners of the box around it that is turned as it is.
    pub fn corners(&self) -> [DVec3; 8] {
        let half = match self.shape {
            Shape::Cuboid(half) | Shape::Ellipsoid(half) => half,
            Shape::Cylinder { radius, half_height } => DVec3::new(radius, radius, half_height),
        };
        std::array::from_fn(|i| {
            let sign = |bit: usize| if i >> bit & 1 == 0 { -1.0 } else { 1.0 };
            self.at + self.turned * (half * DVec3::new(sign(0), sign(1), sign(2)))
        })
    }

    /// Whether a point is inside it; its surface is not.
    pub fn contains(&self, point: DVec3) -> bool {
        let own = self.turned.inverse() * (point - self.at);
        match self.shape {
            Shape::Cuboid(half) => own.abs().cmplt(half).all(),
            Shape::Cylinder { radius, half_height } => own.truncate().length() < radius && own.z.abs() < half_height,
            Shape::Ellipsoid(axes) => (own / axes).length() < 1.0,
        }
    }

    /// One of the same kind that holds all that is within `by_m` of this one.
    pub fn grown(&self, by_m: f64) -> Solid {
        let shape = match self.shape {
            Shape::Cuboid(half) => Shape::Cuboid(half + by_m),
            Shape::Cylinder { radius, half_height } => {
                Shape::Cylinder { radius: radius + by_m, half_height: half_height + by_m }
            }
            // Longer axes alone would not do: beside its tips an ellipsoid is narrower than what is so far from the smaller one.
            Shape::Ellipsoid(axes) => Shape::Ellipsoid(axes * (1.0 + by_m / axes.min_element())),
        };
        Solid { shape, ..*self }
    }

    /// The radius of a ball around [`Solid::at`] that holds all of it.
    pub fn bounding_radius(&self) -> f64 {
        match self.shape {
            Shape::Cuboid(half) => half.length(),
            Shape::Cylinder { radius, half_height } => radius.hypot(half_height),
            Shape::Ellipsoid(axes) => axes.max_element(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_inside_a_shape_however_it_is_turned() {
        let shapes = [
            (Shape::Cuboid(DVec3::new(1.0, 0.2, 0.3)), DVec3::new(0.9, 0.1, 0.2)),
            (Shape::Cylinder { radius: 0.2, half_height: 1.0 }, DVec3::new(0.1, 0.1, 0.9)),
            (Shape::Ellipsoid(DVec3::new(1.0, 0.2, 0.2)), DVec3::new(0.9, 0.0, 0.05)),
        ];
        let turned = DQuat::from_rotation_z(1.0) * DQuat::from_rotation_x(0.5);
        for (shape, inside) in shapes {
            let solid = Solid { turned, ..Solid::new(shape, DVec3::new(3.0, 2.0, 1.0), Color::new(0, 0, 0)) };
            assert!(solid.contains(solid.at + turned * inside), "{shape:?}");
            assert!(!solid.contains(solid.at + turned * (inside * 1.3)), "{shape:?}");
        }
    }

    #[test]
    fn what_is_grown_holds_all_that_is_near() {
        let shapes = [
            Shape::Cuboid(DVec3::new(0.8, 0.2, 0.01)),
            Shape::Cylinder { radius: 0.3, half_height: 0.02 },
            Shape::Ellipsoid(DVec3::new(0.5, 0.1, 0.05)),
        ];
        for shape in shapes {
            let solid = Solid::new(shape, DVec3::new(1.0, 2.0, 0.7), Color::new(0, 0, 0));
            let grown = solid.grown(0.03);
            let reach = solid.bounding_radius();
            let steps = || (-20..=20).map(|i| f64::from(i) * reach / 20.0);
            let inside = steps().flat_map(|x| steps().flat_map(move |y| steps().map(move |z| DVec3::new(x, y, z))));
            for at in inside.map(|off| solid.at + off).filter(|at| solid.contains(*at)) {
                for way in steps().map(|angle| DQuat::from_rotation_z(5.0 * angle) * DVec3::new(0.6, 0.0, 0.8)) {
                    assert!(grown.contains(at + way * 0.0299), "{shape:?}: {at} and {way}");
                }
            }
        }
    }
}
