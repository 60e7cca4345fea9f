//! People who cross a line, In along its arrow and Out against it (guide §5.3.2), with or without a U-turn area around it. Knows
//! nothing of reports, totals and schedules.

use std::collections::BTreeMap;

use firmware_shim::View;
use geo::Polygon;
use glam::DVec2;

use crate::outline::{Outline, Placed, lies_in};

/// Points of a line: at most four segments; guide §5.3.2.
pub const LINE_POINTS: std::ops::RangeInclusive<usize> = 2..=5;
/// How far behind the line somebody must be to have crossed it, m. A decision of ours: whoever stands on the line sways, and a place that
/// is measured trembles, by less.
pub const CLEAR_M: f64 = 0.15;

/// Which way somebody crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// Along the arrow, which points to the left of the direction of drawing as seen on the screen.
    In,
    /// Against it.
    Out,
}

/// Somebody crossed the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// Who.
    pub id: u64,
    /// Which way.
    pub direction: Direction,
}

/// Counts who crosses.
#[derive(Clone, Debug)]
pub struct LineCounter {
    line: Outline,
    area: Option<Polygon>,
    people: BTreeMap<u64, Walker>,
}

#[derive(Clone, Debug)]
struct Walker {
    at: DVec2,
    /// Crossings In less crossings Out that are not yet told of.
    net: i32,
}

impl LineCounter {
    /// A line by its points in the order of drawing, and the area outside which a crossing is complete; normalised. `None` where the view
    /// shows no floor. [`line_problem`] and [`polygon_problem`](crate::polygon_problem) find nothing wrong with them.
    pub fn new(view: &View, line: &[DVec2], u_turn_area: Option<&[DVec2]>) -> Option<Self> {
        let area = match u_turn_area {
            Some(points) => Some(Outline::new(view, points, true)?.area()),
            None => None,
        };
        Some(LineCounter { line: Outline::new(view, line, false)?, area, people: BTreeMap::new() })
    }

    /// Takes where everybody is now, and tells who has crossed.
    ///
    /// Without an area a crossing is complete when the person is seen [`CLEAR_M`] behind the line; whoever turns back before has not
    /// crossed. With an area it is complete when the person leaves the area on another side of the line than that of entering: people who
    /// remain in it or loiter are not counted (guide §5.3.2, *U-turn filter*), nor is who crosses the line outside of it.
    pub fn update(&mut self, people: &[Placed]) -> Vec<Crossing> {
        self.people.retain(|id, _| people.iter().any(|person| person.id == *id));
        let mut crossings = Vec::new();
        for person in people {
            let in_area = self.area.as_ref().is_some_and(|area| lies_in(person.floor, area));
            let Some(walker) = self.people.get_mut(&person.id) else {
                self.people.insert(person.id, Walker { at: person.floor, net: 0 });
                continue;
            };
            let cuts = self.line.cuts(walker.at, person.floor);
            let complete = match &self.area {
                None => {
                    walker.net += cuts.iter().map(|cut| cut.sign).sum::<i32>();
                    person.seen && self.line.distance(person.floor) >= CLEAR_M
                }
                Some(area) => {
                    let within = |part: f64| lies_in(walker.at.lerp(person.floor, part), area);
                    walker.net += cuts.iter().filter(|cut| within(cut.part)).map(|cut| cut.sign).sum::<i32>();
                    person.seen && !in_area
                }
            };
            walker.at = person.floor;
            if complete {
                let direction = match walker.net.signum() {
                    1 => Some(Direction::In),
                    -1 => Some(Direction::Out),
                    _ => None,
                };
                crossings.extend(direction.map(|direction| Crossing { id: person.id, direction }));
                walker.net = 0;
            }
        }
        crossings
    }
}

/// What is wrong with a detection line in normalised image coordinates, as a fragment to follow its name; `None` for one of one to
/// four segments inside the image that does not cross itself.
pub fn line_problem(points: &[DVec2]) -> Option<String> {
    if !LINE_POINTS.contains(&points.len()) {
        let (least, most) = (LINE_POINTS.start() - 1, LINE_POINTS.end() - 1);
        return Some(format!(
            "has {} points: it takes {least} to {most} segments, which are one point more",
            points.len()
        ));
    }
    if let Some(words) = crate::count::outside_image(points) {
        return Some(words);
    }
    if let Some(i) = points.windows(2).position(|pair| pair[0] == pair[1]) {
        return Some(format!("has points {} and {} at the same place", i + 1, i + 2));
    }
    let touches =
        |i: usize, j: usize| crate::count::segments_meet((points[i], points[i + 1]), (points[j], points[j + 1]));
    let segments = points.len() - 1;
    let meets = (0..segments).flat_map(|i| (i + 1..segments).map(move |j| (i, j))).find(|(i, j)| match j - i {
        1 => crate::count::folds_over((points[*i], points[i + 1]), (points[*j], points[j + 1])),
        _ => touches(*i, *j),
    });
    meets.map(|(i, j)| format!("has segments {} and {} that cross or touch each other", i + 1, j + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outline::tests::{placed, seen_at, view};

    /// From (−1.5, 0) to the right: In is up, towards +y.
    fn line() -> Vec<DVec2> {
        vec![seen_at(-1.5, 0.0), seen_at(1.5, 0.0)]
    }

    fn square(reach: f64) -> Vec<DVec2> {
        [(-reach, -reach), (reach, -reach), (reach, reach), (-reach, reach)].map(|(x, y)| seen_at(x, y)).to_vec()
    }

    /// Walks one person along places, 0.1 m a step, and tells what was counted: `i` for In, `o` for Out.
    #[track_caller]
    fn check(mut counter: LineCounter, way: &[(f64, f64)], expected: &str) {
        let mut told = String::new();
        for pair in way.windows(2) {
            let (from, to) = (DVec2::from(pair[0]), DVec2::from(pair[1]));
            let steps = (from.distance(to) / 0.1).ceil().max(1.0) as u32;
            for step in 0..=steps {
                let at = from.lerp(to, f64::from(step) / f64::from(steps));
                told.extend(counter.update(&[placed(1, at.x, at.y)]).iter().map(|crossing| match crossing.direction {
                    Direction::In => 'i',
                    Direction::Out => 'o',
                }));
            }
        }
        assert_eq!(told, expected, "{way:?}");
    }

    fn plain() -> LineCounter {
        LineCounter::new(&view(), &line(), None).unwrap()
    }

    fn with_area() -> LineCounter {
        LineCounter::new(&view(), &line(), Some(&square(0.8))).unwrap()
    }

    #[test]
    fn whoever_crosses_is_counted_once_and_by_the_arrow() {
        check(plain(), &[(0.0, -1.0), (0.0, 1.0)], "i");
        check(plain(), &[(0.5, 1.0), (-0.5, -1.0)], "o");
        check(plain(), &[(0.0, -1.0), (0.0, 1.0), (0.2, -1.0), (0.2, 1.0)], "ioi");
        check(plain(), &[(2.0, -1.0), (2.0, 1.0)], "");
        check(plain(), &[(0.0, -1.0), (2.0, -1.0), (2.0, 1.0), (0.0, 1.0)], "");
        let backwards: Vec<DVec2> = line().into_iter().rev().collect();
        check(LineCounter::new(&view(), &backwards, None).unwrap(), &[(0.0, -1.0), (0.0, 1.0)], "o");
    }

    #[test]
    fn whoever_stands_on_the_line_or_turns_on_it_has_not_crossed() {
        check(plain(), &[(0.0, -1.0), (0.0, 0.1), (0.0, -0.1), (0.1, 0.1), (0.0, -1.0)], "");
        check(plain(), &[(0.0, -1.0), (0.0, 0.05)], "");
        check(plain(), &[(0.0, -1.0), (0.0, 0.05), (0.0, -0.05), (0.0, 0.05), (0.0, 0.5)], "i");
        // Along the line, trembling over it.
        let along: Vec<(f64, f64)> =
            (0..20).map(|i| (f64::from(i) * 0.1 - 1.0, if i % 2 == 0 { 0.08 } else { -0.08 })).collect();
        check(plain(), &along, "");
    }

    #[test]
    fn somebody_lost_behind_the_line_has_crossed_only_when_seen_there() {
        let mut counter = plain();
        assert_eq!(counter.update(&[placed(1, 0.0, -0.3)]), []);
        let unseen = Placed { seen: false, ..placed(1, 0.0, 0.4) };
        assert_eq!(counter.update(&[unseen]), []);
        let crossed = [Crossing { id: 1, direction: Direction::In }];
        assert_eq!(counter.clone().update(&[placed(1, 0.0, 0.5)]), crossed);
        assert_eq!(counter.update(&[]), []);
        assert_eq!(counter.update(&[placed(1, 0.0, 0.5)]), [], "forgotten with the track");
    }

    #[test]
    fn a_line_of_four_segments_is_crossed_wherever_it_is() {
        // A box open to the south, drawn so that In is out of the box: left of up, of right, of down.
        let points = [(-1.0, -1.0), (-1.0, 1.0), (0.0, 1.2), (1.0, 1.0), (1.0, -1.0)].map(|(x, y)| seen_at(x, y));
        let counter = LineCounter::new(&view(), &points, None).unwrap();
        check(counter.clone(), &[(0.0, 0.0), (-2.0, 0.0)], "i");
        check(counter.clone(), &[(0.0, 0.0), (0.5, 1.8)], "i");
        check(counter.clone(), &[(2.0, 0.0), (0.0, 0.0)], "o");
        check(counter.clone(), &[(2.0, 0.5), (-2.0, 0.5)], "oi");
        check(counter, &[(0.0, 0.0), (0.0, -1.8)], "");
    }

    #[test]
    fn with_an_area_only_who_goes_through_it_is_counted() {
        check(with_area(), &[(0.0, -1.5), (0.0, 1.5)], "i");
        check(with_area(), &[(0.0, 1.5), (0.0, -1.5)], "o");
        check(with_area(), &[(0.0, -1.5), (0.0, 0.5), (0.3, -1.5)], "");
        check(with_area(), &[(0.0, -1.5), (0.0, 0.5), (0.3, -0.5), (-0.3, 0.6), (0.0, -0.4)], "");
        check(with_area(), &[(0.0, -1.5), (0.0, 0.5), (0.3, -0.5), (0.0, 1.5)], "i");
        check(with_area(), &[(1.2, -1.0), (1.2, 1.0)], "");
        check(with_area(), &[(0.0, -0.3), (0.0, 1.5)], "i");
        check(with_area(), &[(0.0, -1.5), (0.0, 0.5), (1.5, 0.5)], "i");
        // Lost in it, and only believed to have left.
        let mut counter = with_area();
        counter.update(&[placed(7, 0.0, -1.0)]);
        counter.update(&[placed(7, 0.0, 0.5)]);
        assert_eq!(counter.update(&[Placed { seen: false, ..placed(7, 0.0, 1.0) }]), []);
        assert_eq!(counter.update(&[placed(7, 0.0, -1.0)]), []);
        // Through all of it between two frames.
        let mut counter = with_area();
        counter.update(&[placed(7, 0.0, -1.0)]);
        assert_eq!(counter.update(&[placed(7, 0.0, 1.0)]), [Crossing { id: 7, direction: Direction::In }]);
    }

    #[test]
    fn two_people_at_once_are_two() {
        let mut counter = plain();
        counter.update(&[placed(1, -0.3, -0.5), placed(2, 0.3, 0.5)]);
        let told = counter.update(&[placed(1, -0.3, 0.5), placed(2, 0.3, -0.5)]);
        assert_eq!(told, [Crossing { id: 1, direction: Direction::In }, Crossing { id: 2, direction: Direction::Out }]);
    }

    #[test]
    fn a_line_must_have_one_to_four_segments_inside_the_image() {
        let check = |points: &[(f64, f64)], words: Option<&str>| {
            let points: Vec<DVec2> = points.iter().copied().map(DVec2::from).collect();
            let problem = line_problem(&points);
            assert_eq!(problem.is_some(), words.is_some(), "{points:?}: {problem:?}");
            assert!(problem.unwrap_or_default().contains(words.unwrap_or_default()), "{points:?}");
        };
        check(&[(0.1, 0.5), (0.9, 0.5)], None);
        check(&[(0.1, 0.1), (0.3, 0.5), (0.5, 0.1), (0.7, 0.5), (0.9, 0.1)], None);
        check(&[(0.1, 0.5)], Some("has 1 points"));
        check(&[(0.1, 0.5); 6], Some("has 6 points"));
        check(&[(0.1, 0.5), (1.1, 0.5)], Some("point 2 at (1.1, 0.5)"));
        check(&[(0.1, 0.5), (0.1, 0.5)], Some("points 1 and 2"));
        check(&[(0.1, 0.1), (0.9, 0.9), (0.9, 0.1), (0.1, 0.9)], Some("segments 1 and 3"));
        check(&[(0.1, 0.1), (0.9, 0.1), (0.5, 0.1)], Some("segments 1 and 2"));
    }
}
