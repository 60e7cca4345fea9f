//! Where furniture stands in the way of people.

use glam::DVec2;

use crate::Furniture;

/// What is lower than this can be stepped over, what is higher walked under, m.
const IN_THE_WAY_M: (f64, f64) = (0.06, 1.9);

/// A rectangle of the floor that nobody walks through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Footprint {
    middle: DVec2,
    half: DVec2,
    /// A unit vector along the first of `half`.
    along: DVec2,
}

impl Footprint {
    /// What a piece of furniture takes of the floor; `None` of what lies flat or hangs high.
    pub fn of(piece: &Furniture) -> Option<Self> {
        let along = DVec2::from_angle(piece.turn_deg.to_radians());
        let (mut least, mut most) = (DVec2::MAX, DVec2::MIN);
        for solid in piece.solids() {
            let corners = solid.corners();
            let low = corners.iter().map(|corner| corner.z).fold(f64::MAX, f64::min);
            let high = corners.iter().map(|corner| corner.z).fold(f64::MIN, f64::max);
            if high < IN_THE_WAY_M.0 || low > IN_THE_WAY_M.1 {
                continue;
            }
            for corner in corners {
                let own = turned_back(along, corner.truncate());
                (least, most) = (least.min(own), most.max(own));
            }
        }
        let half = (most - least) / 2.0;
        (half.x > 0.0).then(|| Footprint { middle: along.rotate((least + most) / 2.0), half, along })
    }

    /// Everything of the furniture that is in the way; what stands within another piece is left out.
    pub fn all(furniture: &[Furniture]) -> Vec<Self> {
        let all: Vec<Footprint> = furniture.iter().filter_map(Footprint::of).collect();
        let within = |a: &Footprint, b: &Footprint| a.corners().iter().all(|corner| b.distance(*corner) < 1e-6);
        let needed = |i: usize| {
            // Of two that are alike the first one stays.
            !all.iter()
                .enumerate()
                .any(|(j, other)| i != j && within(&all[i], other) && (j < i || !within(other, &all[i])))
        };
        (0..all.len()).filter(|i| needed(*i)).map(|i| all[i]).collect()
    }

    /// From a point to the nearest of the rectangle; 0 within.
    pub fn distance(&self, point: DVec2) -> f64 {
        let own = turned_back(self.along, point - self.middle).abs() - self.half;
        own.max(DVec2::ZERO).length()
    }

    /// Counter-clockwise.
    pub fn corners(&self) -> [DVec2; 4] {
        [(1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0)]
            .map(|(x, y)| self.middle + self.along.rotate(self.half * DVec2::new(x, y)))
    }
}

/// Turns back what `along.rotate` turns.
fn turned_back(along: DVec2, point: DVec2) -> DVec2 {
    DVec2::new(along.x, -along.y).rotate(point)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Color, Piece};

    fn piece(piece: Piece, turn_deg: f64) -> Furniture {
        Furniture { name: String::new(), piece, at_m: (2.0, 1.0), turn_deg, color: Color::new(0, 0, 0), finish: None }
    }

    #[test]
    fn a_table_is_in_the_way_with_all_of_its_top_and_what_stands_on_it_not_once_more() {
        let table = piece(Piece::Table { size_m: (1.6, 0.8, 0.74) }, 90.0);
        let on_it = piece(Piece::Slab { size_m: (0.3, 0.2, 0.02), above_m: 0.74 }, 10.0);
        let all = Footprint::all(&[on_it, table.clone(), table]);
        assert_eq!(all.len(), 1);
        // Turned by a quarter, it is long along y.
        assert!((all[0].distance(DVec2::new(2.0, 2.0)) - 0.2).abs() < 1e-9);
        assert!((all[0].distance(DVec2::new(2.7, 1.0)) - 0.3).abs() < 1e-9);
        assert_eq!(all[0].distance(DVec2::new(2.3, 1.7)), 0.0);
        let [a, b, c, _] = all[0].corners();
        assert!((b - a).perp_dot(c - b) > 0.0, "counter-clockwise");
    }

    #[test]
    fn papers_on_the_floor_and_lamps_at_the_ceiling_are_not_in_the_way() {
        let flat = piece(Piece::Slab { size_m: (0.3, 0.2, 0.02), above_m: 0.0 }, 0.0);
        let high = piece(Piece::Ball { diameter_m: 0.4, above_m: 2.2 }, 0.0);
        assert_eq!(Footprint::all(&[flat, high]), []);
    }
}
