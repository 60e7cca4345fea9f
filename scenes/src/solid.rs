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
}
