//! Furniture: named pieces of a few kinds, each made of solids.

use glam::{DQuat, DVec2, DVec3};
use serde::{Deserialize, Serialize};

use crate::{Color, Finish, Shape, Solid};

/// A piece of furniture in a scene file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Furniture {
    /// Names it for `Sit(on: …)`; unique in the scene.
    pub name: String,
    /// What it is.
    pub piece: Piece,
    /// Its middle on the floor, x and y.
    pub at_m: (f64, f64),
    /// Turned counter-clockwise seen from above. At 0 a chair faces +y.
    #[serde(default)]
    pub turn_deg: f64,
    /// Its colour.
    pub color: Color,
    /// What it is made of: wood for tables, cloth for chairs and plain for the rest unless stated.
    #[serde(default)]
    pub finish: Option<Finish>,
}

/// The kinds of furniture. Sizes are x, y, z in metres before turning.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Piece {
    /// A top on four legs.
    Table {
        /// Outer size; z is the height of the top.
        size_m: (f64, f64, f64),
    },
    /// A round top on one leg.
    RoundTable {
        /// Of the top.
        diameter_m: f64,
        /// Of the top's surface.
        height_m: f64,
    },
    /// A seat 0.45 m high with a back; people can sit on it.
    Chair,
    /// A closed box on the floor: a cupboard, a crate, a bag, a pillar.
    Block {
        /// Outer size.
        size_m: (f64, f64, f64),
    },
    /// A flat thing that lies or stands on something: paper, a laptop, a screen.
    Slab {
        /// Outer size.
        size_m: (f64, f64, f64),
        /// Height of its lower side above the floor.
        above_m: f64,
    },
    /// A round thing: a bin, a stool, a lamp shade, a plant pot.
    Drum {
        /// Across.
        diameter_m: f64,
        /// Lower side to upper side.
        height_m: f64,
        /// Height of its lower side above the floor.
        above_m: f64,
    },
    /// A ball: a lamp, a plant's crown, a bag.
    Ball {
        /// Across.
        diameter_m: f64,
        /// Height of its lowest point above the floor.
        above_m: f64,
    },
    /// A soft bag, a cushion, a beanbag: round on all sides.
    Bag {
        /// Outer size.
        size_m: (f64, f64, f64),
        /// Height of its lowest point above the floor.
        above_m: f64,
    },
    /// A coat over the back of a chair that stands at the same place, turned as it is.
    Coat,
    /// A plant of long leaves in a pot.
    Plant {
        /// Across all leaves.
        diameter_m: f64,
        /// Of the highest leaf.
        height_m: f64,
    },
    /// A lamp on a pole.
    Lamp {
        /// Of its shade.
        diameter_m: f64,
        /// Of the shade's upper side.
        height_m: f64,
    },
}

/// The height of a chair's seat.
pub(crate) const SEAT_HEIGHT_M: f64 = 0.45;

impl Furniture {
    /// The middle on the floor.
    pub fn place(&self) -> DVec2 {
        DVec2::new(self.at_m.0, self.at_m.1)
    }

    /// The direction a chair's sitter looks, counter-clockwise from +x, radians.
    pub fn heading(&self) -> f64 {
        self.turn_deg.to_radians() + std::f64::consts::FRAC_PI_2
    }

    /// What its surface is made of.
    pub fn surface(&self) -> Finish {
        self.finish.unwrap_or(match self.piece {
            Piece::Table { .. } | Piece::RoundTable { .. } => Finish::Wood,
            Piece::Chair | Piece::Bag { .. } | Piece::Coat => Finish::Fabric,
            Piece::Plant { .. } => Finish::Leaves,
            Piece::Lamp { .. } | Piece::Block { .. } | Piece::Slab { .. } | Piece::Drum { .. } | Piece::Ball { .. } => {
                Finish::Plaster
            }
        })
    }

    /// What it is made of, in the room.
    pub fn solids(&self) -> Vec<Solid> {
        let turn = DQuat::from_rotation_z(self.turn_deg.to_radians());
        let origin = self.place().extend(0.0);
        let mut solids = Vec::new();
        let (color, finish) = (self.color, self.surface());
        let mut add = |shape: Shape, at: DVec3| {
            solids.push(Solid { shape, at: origin + turn * at, turned: turn, color, finish });
        };
        let half = |size: (f64, f64, f64)| DVec3::new(size.0, size.1, size.2) / 2.0;
        let cuboid = |size: DVec3| Shape::Cuboid(size / 2.0);
        match self.piece {
            Piece::Table { size_m } => {
                let h = half(size_m);
                const TOP: f64 = 0.03;
                add(Shape::Cuboid(DVec3::new(h.x, h.y, TOP / 2.0)), DVec3::new(0.0, 0.0, size_m.2 - TOP / 2.0));
                let leg_height = size_m.2 - TOP;
                for (sx, sy) in [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)] {
                    let at = DVec3::new(sx * (h.x - 0.06), sy * (h.y - 0.06), leg_height / 2.0);
                    add(cuboid(DVec3::new(0.05, 0.05, leg_height)), at);
                }
            }
            Piece::RoundTable { diameter_m, height_m } => {
                const TOP: f64 = 0.03;
                let top = Shape::Cylinder { radius: diameter_m / 2.0, half_height: TOP / 2.0 };
                add(top, DVec3::new(0.0, 0.0, height_m - TOP / 2.0));
                let leg_height = height_m - TOP;
                let leg = Shape::Cylinder { radius: 0.04, half_height: leg_height / 2.0 };
                add(leg, DVec3::new(0.0, 0.0, leg_height / 2.0));
            }
            Piece::Chair => {
                add(cuboid(DVec3::new(0.46, 0.44, 0.05)), DVec3::new(0.0, 0.0, SEAT_HEIGHT_M - 0.025));
                add(cuboid(DVec3::new(0.42, 0.04, 0.42)), DVec3::new(0.0, -0.22, SEAT_HEIGHT_M + 0.22));
                for (sx, sy) in [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)] {
                    add(cuboid(DVec3::new(0.03, 0.03, 0.40)), DVec3::new(sx * 0.20, sy * 0.19, 0.20));
                }
            }
            Piece::Block { size_m } => add(Shape::Cuboid(half(size_m)), DVec3::new(0.0, 0.0, size_m.2 / 2.0)),
            Piece::Slab { size_m, above_m } => {
                add(Shape::Cuboid(half(size_m)), DVec3::new(0.0, 0.0, above_m + size_m.2 / 2.0));
            }
            Piece::Drum { diameter_m, height_m, above_m } => {
                let shape = Shape::Cylinder { radius: diameter_m / 2.0, half_height: height_m / 2.0 };
                add(shape, DVec3::new(0.0, 0.0, above_m + height_m / 2.0));
            }
            Piece::Ball { diameter_m, above_m } => {
                let radius = diameter_m / 2.0;
                add(Shape::Ellipsoid(DVec3::splat(radius)), DVec3::new(0.0, 0.0, above_m + radius));
            }
            Piece::Bag { size_m, above_m } => {
                add(Shape::Ellipsoid(half(size_m)), DVec3::new(0.0, 0.0, above_m + size_m.2 / 2.0));
            }
            Piece::Coat => {
                // Shoulders over the back's upper edge, what hangs behind it, two sleeves.
                add(Shape::Ellipsoid(DVec3::new(0.24, 0.09, 0.05)), DVec3::new(0.0, -0.22, 0.87));
                add(Shape::Ellipsoid(DVec3::new(0.22, 0.06, 0.32)), DVec3::new(0.0, -0.27, 0.58));
                for side in [-1.0, 1.0] {
                    add(Shape::Ellipsoid(DVec3::new(0.05, 0.06, 0.26)), DVec3::new(0.23 * side, -0.22, 0.62));
                }
            }
            Piece::Plant { diameter_m, height_m } => {
                let pot_height = 0.3 * height_m;
                let pot = Shape::Cylinder { radius: 0.2 * diameter_m, half_height: pot_height / 2.0 };
                add(pot, DVec3::new(0.0, 0.0, pot_height / 2.0));
                // They rise from the pot to all sides, every other one steeper.
                const LEAVES: u32 = 10;
                for leaf in 0..LEAVES {
                    let around = DQuat::from_rotation_z(f64::from(leaf) * std::f64::consts::TAU / f64::from(LEAVES));
                    let (reach, rise) = if leaf % 2 == 0 { (0.5, 0.35) } else { (0.25, 0.7) };
                    let along = DVec3::new(reach * diameter_m, 0.0, rise * height_m);
                    let half_length = along.length() / 2.0;
                    let tilt = DQuat::from_rotation_y(-along.z.atan2(along.x));
                    let shape = Shape::Ellipsoid(DVec3::new(half_length, 0.12 * diameter_m, 0.012));
                    let at = origin + turn * (around * (along / 2.0) + DVec3::new(0.0, 0.0, pot_height));
                    solids.push(Solid { shape, at, turned: turn * around * tilt, color, finish });
                }
            }
            Piece::Lamp { diameter_m, height_m } => {
                let shade_height = (0.8 * diameter_m).min(height_m / 2.0);
                let pole_height = height_m - shade_height;
                let round = |radius: f64, height: f64| Shape::Cylinder { radius, half_height: height / 2.0 };
                add(round(0.4 * diameter_m, 0.02), DVec3::new(0.0, 0.0, 0.01));
                add(round(0.015, pole_height), DVec3::new(0.0, 0.0, pole_height / 2.0));
                add(round(diameter_m / 2.0, shade_height), DVec3::new(0.0, 0.0, pole_height + shade_height / 2.0));
            }
        }
        solids
    }

    /// The height of its highest point, m.
    pub(crate) fn top_m(&self) -> f64 {
        self.solids().iter().flat_map(Solid::corners).map(|corner| corner.z).fold(0.0, f64::max)
    }

    /// What is wrong with its measures, as (field, words).
    pub(crate) fn problem(&self) -> Option<(&'static str, String)> {
        if !(-360.0..=360.0).contains(&self.turn_deg) {
            return Some(("turn_deg", format!("{}° is out of −360° to 360°", self.turn_deg)));
        }
        if let Some(words) = self.finish.and_then(Finish::problem) {
            return Some(("finish.edge_m", words));
        }
        // What is thinner than its own top has no legs.
        const TABLE_HEIGHT_MIN_M: f64 = 0.05;
        let size = |field, metres: f64, least: f64| (field, metres, least, 20.0);
        let measures = match self.piece {
            Piece::Chair | Piece::Coat => vec![],
            Piece::Table { size_m: (x, y, z) } => vec![
                size("piece.size_m[0]", x, 0.2),
                size("piece.size_m[1]", y, 0.2),
                size("piece.size_m[2]", z, TABLE_HEIGHT_MIN_M),
            ],
            Piece::Plant { diameter_m, height_m } | Piece::Lamp { diameter_m, height_m } => {
                vec![size("piece.diameter_m", diameter_m, 0.05), size("piece.height_m", height_m, 0.05)]
            }
            Piece::RoundTable { diameter_m, height_m } => {
                vec![size("piece.diameter_m", diameter_m, 0.2), size("piece.height_m", height_m, TABLE_HEIGHT_MIN_M)]
            }
            Piece::Block { size_m: (x, y, z) } => vec![
                size("piece.size_m[0]", x, 0.001),
                size("piece.size_m[1]", y, 0.001),
                size("piece.size_m[2]", z, 0.001),
            ],
            Piece::Slab { size_m: (x, y, z), above_m } | Piece::Bag { size_m: (x, y, z), above_m } => vec![
                size("piece.size_m[0]", x, 0.001),
                size("piece.size_m[1]", y, 0.001),
                size("piece.size_m[2]", z, 0.001),
                size("piece.above_m", above_m, 0.0),
            ],
            Piece::Drum { diameter_m, height_m, above_m } => vec![
                size("piece.diameter_m", diameter_m, 0.001),
                size("piece.height_m", height_m, 0.001),
                size("piece.above_m", above_m, 0.0),
            ],
            Piece::Ball { diameter_m, above_m } => {
                vec![size("piece.diameter_m", diameter_m, 0.001), size("piece.above_m", above_m, 0.0)]
            }
        };
        let wrong = measures.into_iter().find(|(_, metres, least, most)| !(*least..=*most).contains(metres));
        wrong.map(|(field, metres, least, most)| (field, format!("{metres} m is out of {least} to {most} m")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_reaches_from_where_to_where_its_measures_say() {
        let above_m = 0.5;
        let cases = [
            (Piece::Table { size_m: (1.6, 0.8, 0.74) }, 0.0, 0.74, 1.6),
            (Piece::RoundTable { diameter_m: 1.2, height_m: 0.72 }, 0.0, 0.72, 1.2),
            (Piece::Chair, 0.0, 0.88, 0.46),
            (Piece::Block { size_m: (0.4, 0.3, 1.1) }, 0.0, 1.1, 0.4),
            (Piece::Slab { size_m: (0.3, 0.2, 0.02), above_m }, 0.5, 0.52, 0.3),
            (Piece::Drum { diameter_m: 0.3, height_m: 0.4, above_m }, 0.5, 0.9, 0.3),
            (Piece::Ball { diameter_m: 0.6, above_m }, 0.5, 1.1, 0.6),
            (Piece::Bag { size_m: (0.5, 0.3, 0.2), above_m }, 0.5, 0.7, 0.5),
            (Piece::Coat, 0.26, 0.92, 0.56),
            (Piece::Lamp { diameter_m: 0.4, height_m: 1.7 }, 0.0, 1.7, 0.4),
        ];
        for (piece, low, high, wide) in cases {
            let color = Color::new(0, 0, 0);
            // Turned by a quarter, x lies along y.
            let furniture =
                Furniture { name: String::new(), piece, at_m: (2.0, 3.0), turn_deg: 90.0, color, finish: None };
            let (mut least, mut most) = (DVec3::MAX, DVec3::MIN);
            for solid in furniture.solids() {
                let own = match solid.shape {
                    Shape::Cuboid(half) => half,
                    Shape::Cylinder { radius, half_height } => DVec3::new(radius, radius, half_height),
                    Shape::Ellipsoid(axes) => axes,
                };
                let reach = DVec3::new(own.y, own.x, own.z);
                (least, most) = (least.min(solid.at - reach), most.max(solid.at + reach));
            }
            let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
            assert!(close(least.z, low) && close(most.z, high), "{piece:?}: {least} to {most}");
            assert!(close(most.y - least.y, wide), "{piece:?}: {least} to {most}");
            assert!(close((most.y + least.y) / 2.0, 3.0), "{piece:?}: {least} to {most}");
        }
    }

    #[test]
    fn a_plant_spreads_and_rises_about_as_far_as_it_says() {
        let piece = Piece::Plant { diameter_m: 0.8, height_m: 1.2 };
        let color = Color::new(40, 90, 30);
        let plant = Furniture { name: String::new(), piece, at_m: (2.0, 3.0), turn_deg: 30.0, color, finish: None };
        // The ends of its leaves, which are thin.
        let ends: Vec<DVec3> = plant.solids()[1..]
            .iter()
            .flat_map(|leaf| {
                let Shape::Ellipsoid(axes) = leaf.shape else { panic!("a leaf is {:?}", leaf.shape) };
                [leaf.at - leaf.turned * (axes.x * DVec3::X), leaf.at + leaf.turned * (axes.x * DVec3::X)]
            })
            .collect();
        let highest = ends.iter().map(|end| end.z).fold(0.0, f64::max);
        let widest = ends.iter().map(|end| end.truncate().distance(plant.place())).fold(0.0, f64::max);
        assert!((highest - 1.2).abs() < 1e-9, "{highest}");
        assert!((widest - 0.4).abs() < 1e-9, "{widest}");
        assert!(ends.iter().all(|end| end.z > 0.35), "leaves grow out of the pot: {ends:?}");
    }
}
