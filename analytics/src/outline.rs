//! Lines that people drew in the picture, laid on the floor, where people move and metres can be measured. A straight line in the
//! picture of a wide-angle lens is a bent one on the floor.

use firmware_shim::View;
use geo::coordinate_position::{CoordPos, CoordinatePosition};
use geo::{Coord, LineString, Polygon};
use glam::DVec2;

/// Each line is laid on the floor in so many straight pieces.
const PIECES: u32 = 8;

/// Somebody at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// Who.
    pub id: u64,
    /// Where on the floor: metres in the sensor frame.
    pub floor: DVec2,
    /// Where that is seen, in normalised image coordinates.
    pub foot: DVec2,
    /// Seen at this instant, not only believed to be there.
    pub seen: bool,
}

/// A step over a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cut {
    /// Which of the lines, from 0.
    pub edge: usize,
    /// The part of the step that was made by then, 0 to 1.
    pub part: f64,
    /// 1 to the left of the line's direction as seen on the screen, −1 to the right.
    pub sign: i32,
}

/// Lines on the floor, one after another.
#[derive(Clone, Debug)]
pub(crate) struct Outline {
    /// From, to, and of which line.
    pieces: Vec<(DVec2, DVec2, usize)>,
}

impl Outline {
    /// The lines from point to point, normalised; from the last one back to the first when `closed`. `None` where the view shows no
    /// floor.
    pub fn new(view: &View, points: &[DVec2], closed: bool) -> Option<Self> {
        let size = DVec2::new(f64::from(view.lens.width), f64::from(view.lens.height));
        let floor = |point: DVec2| view.point_at_height(point * size, 0.0).map(|point| point.truncate());
        let edges = if closed { points.len() } else { points.len().saturating_sub(1) };
        let mut pieces = Vec::new();
        for edge in 0..edges {
            let (from, to) = (points[edge], points[(edge + 1) % points.len()]);
            for piece in 0..PIECES {
                let at = |piece: u32| floor(from.lerp(to, f64::from(piece) / f64::from(PIECES)));
                pieces.push((at(piece)?, at(piece + 1)?, edge));
            }
        }
        Some(Outline { pieces })
    }

    /// Where a step goes over the lines, in the order in which it does.
    pub fn cuts(&self, from: DVec2, to: DVec2) -> Vec<Cut> {
        let mut cuts: Vec<Cut> = self.pieces.iter().filter_map(|(a, b, edge)| cut(from, to, *a, *b, *edge)).collect();
        cuts.sort_by(|a, b| a.part.total_cmp(&b.part));
        cuts
    }

    /// Metres to the nearest of the lines.
    pub fn distance(&self, point: DVec2) -> f64 {
        let to_piece = |(a, b, _): &(DVec2, DVec2, usize)| {
            let along = *b - *a;
            let part = ((point - *a).dot(along) / along.length_squared().max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
            point.distance(*a + along * part)
        };
        self.pieces.iter().map(to_piece).fold(f64::INFINITY, f64::min)
    }

    /// What closed lines enclose.
    pub fn area(&self) -> Polygon {
        let ring = self.pieces.iter().map(|(from, _, _)| Coord { x: from.x, y: from.y });
        Polygon::new(LineString::from_iter(ring), Vec::new())
    }
}

/// Whether a point lies in an area or on its edge.
pub(crate) fn lies_in(point: DVec2, area: &Polygon) -> bool {
    area.coordinate_position(&Coord { x: point.x, y: point.y }) != CoordPos::Outside
}

/// The sensor frame has y up where the picture has it down, so the left on the screen is the left on the floor. Who stands on the line
/// is on its left, so that nobody crosses it twice in one direction.
fn cut(from: DVec2, to: DVec2, a: DVec2, b: DVec2, edge: usize) -> Option<Cut> {
    let along = b - a;
    let (before, after) = (along.perp_dot(from - a), along.perp_dot(to - a));
    if (before >= 0.0) == (after >= 0.0) {
        return None;
    }
    let part = before / (before - after);
    let at = from.lerp(to, part);
    let place = (at - a).dot(along) / along.length_squared();
    (0.0..1.0).contains(&place).then_some(Cut { edge, part, sign: if after >= 0.0 { 1 } else { -1 } })
}

#[cfg(test)]
pub(crate) mod tests {
    use firmware_shim::{Lens, Mounting};

    use super::*;

    /// 3 m high, looking straight down.
    pub fn view() -> View {
        let tangent = [1.0 / 3.0, 2.0 / 15.0, 17.0 / 315.0, 62.0 / 2835.0];
        let lens = Lens::with_horizontal_angle(320, 240, 110f64.to_radians(), tangent.map(|term| 0.7 * term));
        View { lens, mounting: Mounting { height_m: 3.0, rotation_rad: 0.0, tilt_rad: 0.0 } }
    }

    /// Somebody at a place on the floor.
    pub fn placed(id: u64, x: f64, y: f64) -> Placed {
        let floor = DVec2::new(x, y);
        let foot = view().normalised(view().pixel(floor.extend(0.0)).expect("in the lens's field"));
        Placed { id, floor, foot, seen: true }
    }

    /// Where a place on the floor is seen.
    pub fn seen_at(x: f64, y: f64) -> DVec2 {
        placed(0, x, y).foot
    }

    #[test]
    fn lines_lie_on_the_floor_where_they_are_seen() {
        let points = [seen_at(-1.5, 1.0), seen_at(1.5, 1.0)];
        let outline = Outline::new(&view(), &points, false).unwrap();
        assert!(outline.distance(DVec2::new(-1.5, 1.0)) < 1e-9 && outline.distance(DVec2::new(1.5, 1.0)) < 1e-9);
        // Straight in the picture, it bends outwards on the floor, as every straight line of a barrel lens's picture does.
        let bend = outline.distance(DVec2::new(0.0, 1.0));
        assert!((0.01..0.3).contains(&bend), "{bend} m");
        assert!((outline.distance(DVec2::new(-2.5, 1.0)) - 1.0).abs() < 1e-9, "beyond its end");
        let tilted = View { mounting: Mounting { tilt_rad: 1.4, ..view().mounting }, ..view() };
        assert!(Outline::new(&tilted, &[DVec2::ZERO, DVec2::ONE], false).is_none(), "it looks above the horizon");
    }

    #[test]
    fn a_step_cuts_a_line_once_and_to_the_side_it_goes_to() {
        let outline = Outline::new(&view(), &[seen_at(-1.0, 0.0), seen_at(1.0, 0.0)], false).unwrap();
        let signs = |from: (f64, f64), to: (f64, f64)| -> Vec<i32> {
            outline.cuts(from.into(), to.into()).iter().map(|cut| cut.sign).collect()
        };
        // Drawn to the right: left of it is up.
        assert_eq!(signs((0.3, -0.5), (0.3, 0.5)), [1]);
        assert_eq!(signs((0.3, 0.5), (0.3, -0.5)), [-1]);
        assert_eq!(signs((1.3, -0.5), (1.3, 0.5)), [0; 0], "past its end");
        assert_eq!(signs((0.3, 0.1), (0.3, 0.5)), [0; 0], "on one side");
        // In two steps that meet on the line.
        assert_eq!([signs((0.3, -0.5), (0.3, 0.0)), signs((0.3, 0.0), (0.3, 0.5))].concat(), [1]);
    }
}
