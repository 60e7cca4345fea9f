//! People who come in through one edge of a triangle or quadrangle and go out through another (guide §5.3.3). Knows nothing of reports,
//! edges' names and schedules.

use std::collections::BTreeMap;

use firmware_shim::View;
use geo::Polygon;
use glam::DVec2;

use crate::outline::{Outline, Placed, lies_in};

/// How far behind an edge somebody must be to have come in or gone out, m; see [`CLEAR_M`](crate::CLEAR_M) of lines.
const CLEAR_M: f64 = crate::CLEAR_M;

/// Somebody went through the region. Edges are counted from 0: from the first corner drawn to the second, and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Who.
    pub id: u64,
    /// The edge through which the person came.
    pub from: usize,
    /// And that through which the person went; the same one after a U-turn.
    pub to: usize,
}

/// Counts who goes through.
#[derive(Clone, Debug)]
pub struct FlowCounter {
    edges: Outline,
    area: Polygon,
    people: BTreeMap<u64, Walker>,
}

#[derive(Clone, Debug)]
struct Walker {
    at: DVec2,
    stage: Stage,
}

/// Where somebody is on the way through. Edges are unknown of who was inside when first seen.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Outside,
    /// Over an edge, not yet far.
    Entering(usize),
    Inside(Option<usize>),
    /// Out again, not yet far.
    Leaving(Option<usize>, usize),
}

impl FlowCounter {
    /// A region by its corners, normalised; `None` where the view shows no floor. [`flow_region_problem`] finds nothing wrong with it.
    pub fn new(view: &View, corners: &[DVec2]) -> Option<Self> {
        let edges = Outline::new(view, corners, true)?;
        let area = edges.area();
        Some(FlowCounter { edges, area, people: BTreeMap::new() })
    }

    /// Takes where everybody is now, and tells who has gone through. Whoever was inside when first seen, or is lost inside, came
    /// or went through no edge and is not told of.
    pub fn update(&mut self, people: &[Placed]) -> Vec<Passage> {
        self.people.retain(|id, _| people.iter().any(|person| person.id == *id));
        let mut passages = Vec::new();
        for person in people {
            let inside = lies_in(person.floor, &self.area);
            let Some(walker) = self.people.get_mut(&person.id) else {
                let stage = if inside { Stage::Inside(None) } else { Stage::Outside };
                self.people.insert(person.id, Walker { at: person.floor, stage });
                continue;
            };
            let cuts = self.edges.cuts(walker.at, person.floor);
            // Between two frames one may go in and out again: then the first edge is that of coming, the last that of going.
            if let (Some(first), Some(last)) = (cuts.first(), cuts.last()) {
                walker.stage = match (walker.stage, inside) {
                    (Stage::Outside, true) => Stage::Entering(last.edge),
                    (Stage::Outside, false) if first.edge != last.edge => Stage::Leaving(Some(first.edge), last.edge),
                    (Stage::Outside, false) => Stage::Outside,
                    (Stage::Entering(from), true) => Stage::Entering(from),
                    // Over a corner, or nothing but a brush.
                    (Stage::Entering(from), false) if from != last.edge => Stage::Leaving(Some(from), last.edge),
                    (Stage::Entering(_), false) => Stage::Outside,
                    (Stage::Inside(from) | Stage::Leaving(from, _), true) => Stage::Inside(from),
                    (Stage::Inside(from) | Stage::Leaving(from, _), false) => Stage::Leaving(from, last.edge),
                };
            }
            walker.at = person.floor;
            if !person.seen || self.edges.distance(person.floor) < CLEAR_M {
                continue;
            }
            match walker.stage {
                Stage::Entering(from) => walker.stage = Stage::Inside(Some(from)),
                Stage::Leaving(from, to) => {
                    passages.extend(from.map(|from| Passage { id: person.id, from, to }));
                    walker.stage = Stage::Outside;
                }
                Stage::Outside | Stage::Inside(_) => {}
            }
        }
        passages
    }
}

/// What is wrong with a flow region in normalised image coordinates, as a fragment to follow its name; `None` for a triangle or a convex
/// quadrangle inside the image.
pub fn flow_region_problem(corners: &[DVec2]) -> Option<String> {
    if !(3..=4).contains(&corners.len()) {
        return Some(format!("has {} corners: it is a triangle or a convex quadrangle", corners.len()));
    }
    if let Some(words) = crate::polygon_problem(corners) {
        return Some(words);
    }
    let count = corners.len();
    let turns = (0..count).map(|i| {
        let (a, b, c) = (corners[i], corners[(i + 1) % count], corners[(i + 2) % count]);
        (b - a).perp_dot(c - b)
    });
    let turns: Vec<f64> = turns.collect();
    let convex = turns.iter().all(|turn| *turn > 0.0) || turns.iter().all(|turn| *turn < 0.0);
    (!convex).then(|| "is not convex: each of its corners must point outwards".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outline::tests::{placed, seen_at, view};

    /// A: south, B: east, C: north, D: west.
    fn square() -> FlowCounter {
        let corners = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)].map(|(x, y)| seen_at(x, y));
        FlowCounter::new(&view(), &corners).unwrap()
    }

    #[track_caller]
    fn check(mut counter: FlowCounter, step_m: f64, way: &[(f64, f64)], expected: &[&str]) {
        let mut told = Vec::new();
        for pair in way.windows(2) {
            let (from, to) = (DVec2::from(pair[0]), DVec2::from(pair[1]));
            let steps = (from.distance(to) / step_m).ceil().max(1.0) as u32;
            for step in 0..=steps {
                let at = from.lerp(to, f64::from(step) / f64::from(steps));
                let letter = |edge: usize| char::from(b'A' + edge as u8);
                let passages = counter.update(&[placed(1, at.x, at.y)]);
                told.extend(passages.iter().map(|passage| format!("{}-{}", letter(passage.from), letter(passage.to))));
            }
        }
        assert_eq!(told, expected, "{way:?}");
    }

    #[test]
    fn whoever_goes_through_is_counted_by_both_edges() {
        for step_m in [0.02, 0.1, 0.3, 5.0] {
            check(square(), step_m, &[(0.0, -1.6), (0.0, 1.6)], &["A-C"]);
            check(square(), step_m, &[(1.8, 0.2), (-1.8, 0.1)], &["B-D"]);
            check(square(), step_m, &[(0.0, -1.6), (0.0, 0.0), (1.8, 0.0)], &["A-B"]);
            check(square(), step_m, &[(0.0, 1.6), (0.0, 0.0), (0.3, 1.6)], &["C-C"]);
            check(square(), step_m, &[(1.5, -1.6), (1.5, 1.6)], &[]);
        }
        check(square(), 0.1, &[(0.0, -1.6), (0.0, 1.6), (0.3, -1.6)], &["A-C", "C-A"]);
    }

    #[test]
    fn a_brush_with_an_edge_is_nothing_and_standing_on_one_is_no_turn() {
        check(square(), 0.02, &[(0.0, -1.6), (0.0, -0.95), (0.0, -1.6)], &[]);
        check(square(), 0.02, &[(0.0, -1.6), (0.0, 0.0), (0.0, 1.12), (0.0, 0.0), (0.0, 1.6)], &["A-C"]);
        check(square(), 0.02, &[(0.0, -1.6), (0.0, -0.9), (0.0, -1.1), (0.0, -0.9), (0.0, 1.6)], &["A-C"]);
    }

    #[test]
    fn who_was_inside_at_first_came_through_no_edge() {
        check(square(), 0.1, &[(0.0, 0.0), (0.0, 1.6), (0.0, -1.6)], &["C-A"]);
        let mut counter = square();
        counter.update(&[placed(1, 0.0, -1.5)]);
        counter.update(&[placed(1, 0.0, 0.0)]);
        counter.update(&[]);
        counter.update(&[placed(1, 0.0, 0.1)]);
        assert_eq!(counter.update(&[placed(1, 0.0, 1.6)]), [], "lost inside");
    }

    #[test]
    fn a_triangle_has_three_edges() {
        let corners = [(-1.2, -1.0), (1.2, -1.0), (0.0, 1.2)].map(|(x, y)| seen_at(x, y));
        let counter = FlowCounter::new(&view(), &corners).unwrap();
        check(counter.clone(), 0.1, &[(0.0, -1.6), (0.0, -0.3), (1.6, 0.4)], &["A-B"]);
        check(counter.clone(), 0.1, &[(-1.6, 0.4), (0.0, -0.3), (0.1, -1.6)], &["C-A"]);
        check(counter, 0.1, &[(1.6, 0.4), (-1.6, 0.4)], &["B-C"]);
    }

    #[test]
    fn a_flow_region_is_a_triangle_or_a_convex_quadrangle() {
        let check = |corners: &[(f64, f64)], words: Option<&str>| {
            let corners: Vec<DVec2> = corners.iter().copied().map(DVec2::from).collect();
            let problem = flow_region_problem(&corners);
            assert_eq!(problem.is_some(), words.is_some(), "{corners:?}: {problem:?}");
            assert!(problem.unwrap_or_default().contains(words.unwrap_or_default()), "{corners:?}");
        };
        check(&[(0.1, 0.1), (0.9, 0.1), (0.5, 0.9)], None);
        check(&[(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)], None);
        check(&[(0.1, 0.9), (0.9, 0.9), (0.9, 0.1), (0.1, 0.1)], None);
        check(&[(0.1, 0.1), (0.9, 0.1)], Some("has 2 corners"));
        check(&[(0.1, 0.1), (0.5, 0.05), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)], Some("has 5 corners"));
        check(&[(0.1, 0.1), (0.9, 0.1), (0.3, 0.3), (0.1, 0.9)], Some("not convex"));
        check(&[(0.1, 0.1), (0.9, 0.9), (0.9, 0.1), (0.1, 0.9)], Some("crosses"));
        check(&[(0.1, 0.1), (0.9, 0.1), (0.5, 1.9)], Some("point 3"));
    }
}
