//! How many people are where: regions, and who is inside. Knows no pictures and no tracks, only floor points.

use geo::coordinate_position::{CoordPos, CoordinatePosition};
use geo::line_intersection::{LineIntersection, line_intersection};
use geo::{Coord, Line, LineString, Polygon, Validation};
use glam::DVec2;
use serde::{Deserialize, Serialize};

/// A detection region, as drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Its number: from 1, and kept when others are deleted.
    pub id: u32,
    /// What people call it.
    pub name: String,
    /// A simple polygon in normalised image coordinates; [`polygon_problem`] finds nothing wrong with it.
    pub polygon: Vec<DVec2>,
}

impl Region {
    /// Whether somebody whose floor point is there, in normalised image coordinates, is in it; an edge belongs to it.
    pub fn contains(&self, foot: DVec2) -> bool {
        in_image(foot) && is_inside(foot, &polygon(&self.polygon))
    }
}

/// What part of the view is counted (guide §5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DetectionArea {
    /// All of it; regions play no part.
    WholeView,
    /// What lies in at least one region. Without any region: all of the view.
    Mapped,
    /// What lies in no region. Without any region: all of the view.
    NonMapped,
}

/// How many people are in the detection area.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Distinct people in the detection area: somebody in two overlapping regions is one.
    pub total: u32,
    /// Region by region, in the order given; somebody in two overlapping regions is in both. Empty unless the area is
    /// [`DetectionArea::Mapped`].
    pub regions: Vec<RegionCount>,
}

/// How many people are in one region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegionCount {
    /// The region's number.
    pub id: u32,
    /// The people in it.
    pub count: u32,
}

/// Counts people by their floor points, `feet`, in normalised image coordinates.
///
/// An edge belongs to what it bounds: somebody exactly on it is inside the region, inside both of two regions that share
/// it, and never "in no region"; so is the image's edge part of the view. That is our decision: the guide is silent, and
/// this way the mapped and the non-mapped total always make up the whole view. Points outside the image are not counted.
pub fn count(area: DetectionArea, regions: &[Region], feet: &[DVec2]) -> Counts {
    Counter::new(area, regions).count(feet)
}

/// An area with its regions, ready to [`count`] in.
pub(crate) struct Counter {
    area: DetectionArea,
    /// With their numbers.
    regions: Vec<(u32, Polygon)>,
}

impl Counter {
    pub fn new(area: DetectionArea, regions: &[Region]) -> Self {
        Counter { area, regions: regions.iter().map(|region| (region.id, polygon(&region.polygon))).collect() }
    }

    pub fn count(&self, feet: &[DVec2]) -> Counts {
        let in_view = feet.iter().copied().filter(|&foot| in_image(foot));
        if self.area == DetectionArea::WholeView || self.regions.is_empty() {
            return Counts { total: number(in_view), regions: Vec::new() };
        }
        let mut in_any = 0;
        let mut counts: Vec<RegionCount> =
            self.regions.iter().map(|(id, _)| RegionCount { id: *id, count: 0 }).collect();
        for foot in in_view.clone() {
            let mut is_in_any = false;
            for (count, (_, polygon)) in counts.iter_mut().zip(&self.regions) {
                let is_in = is_inside(foot, polygon);
                count.count += u32::from(is_in);
                is_in_any |= is_in;
            }
            in_any += u32::from(is_in_any);
        }
        match self.area {
            DetectionArea::NonMapped => Counts { total: number(in_view) - in_any, regions: Vec::new() },
            DetectionArea::Mapped | DetectionArea::WholeView => Counts { total: in_any, regions: counts },
        }
    }
}

fn number(people: impl Iterator<Item = DVec2>) -> u32 {
    u32::try_from(people.count()).unwrap_or(u32::MAX)
}

/// Whether a normalised point lies in the image; what is not a number does not.
fn in_image(point: DVec2) -> bool {
    (0.0..=1.0).contains(&point.x) && (0.0..=1.0).contains(&point.y)
}

pub(crate) fn is_inside(point: DVec2, polygon: &Polygon) -> bool {
    polygon.coordinate_position(&Coord { x: point.x, y: point.y }) != CoordPos::Outside
}

pub(crate) fn polygon(points: &[DVec2]) -> Polygon {
    let ring = points.iter().map(|point| Coord { x: point.x, y: point.y });
    Polygon::new(LineString::from_iter(ring), Vec::new())
}

/// The most points of a polygon. Ours: people draw a dozen, and every frame looks at all of them.
const POINTS_MAX: usize = 64;

/// What is wrong with a polygon drawn in normalised image coordinates, as a fragment to follow its name ("region 2 …");
/// `None` for a simple polygon inside the image.
pub fn polygon_problem(points: &[DVec2]) -> Option<String> {
    if points.len() < 3 {
        return Some(format!("has {} of the at least 3 points that a polygon needs", points.len()));
    }
    if points.len() > POINTS_MAX {
        return Some(format!("has {} points, more than {POINTS_MAX}", points.len()));
    }
    if let Some(words) = outside_image(points) {
        return Some(words);
    }
    let polygon = polygon(points);
    if polygon.is_valid() && !folds_back(polygon.exterior()) {
        return None;
    }
    Some("crosses or touches itself, or has no area: draw its edges so that they meet only at their ends".to_owned())
}

/// The first of points that is outside the image, in words.
pub(crate) fn outside_image(points: &[DVec2]) -> Option<String> {
    let (index, point) = points.iter().enumerate().find(|(_, point)| !in_image(**point))?;
    Some(format!("has point {} at ({}, {}), outside the image: x and y go from 0 to 1", index + 1, point.x, point.y))
}

/// Whether two edges run over one another. `geo`'s validation takes no notice where they are neighbours.
fn folds_back(ring: &LineString) -> bool {
    let edges: Vec<Line> = ring.lines().collect();
    (1..edges.len()).any(|later| edges[..later].iter().any(|&earlier| overlap(earlier, edges[later])))
}

/// Whether two lines have more than a point in common.
fn overlap(a: Line, b: Line) -> bool {
    match line_intersection(a, b) {
        Some(LineIntersection::Collinear { intersection }) => intersection.start != intersection.end,
        _ => false,
    }
}

/// The same of segments given by their ends.
pub(crate) fn folds_over(a: (DVec2, DVec2), b: (DVec2, DVec2)) -> bool {
    overlap(segment(a), segment(b))
}

/// Whether two segments have any point in common.
pub(crate) fn segments_meet(a: (DVec2, DVec2), b: (DVec2, DVec2)) -> bool {
    line_intersection(segment(a), segment(b)).is_some()
}

fn segment((from, to): (DVec2, DVec2)) -> Line {
    Line::new(Coord { x: from.x, y: from.y }, Coord { x: to.x, y: to.y })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rectangle(id: u32, min: (f64, f64), max: (f64, f64)) -> Region {
        let polygon = [(min.0, min.1), (max.0, min.1), (max.0, max.1), (min.0, max.1)].map(DVec2::from).to_vec();
        Region { id, name: format!("Region {id}"), polygon }
    }

    /// Left and right of the image, overlapping from 0.4 to 0.6; numbered with a gap.
    fn overlapping() -> [Region; 2] {
        [rectangle(1, (0.0, 0.0), (0.6, 0.5)), rectangle(3, (0.4, 0.0), (1.0, 0.5))]
    }

    fn check(area: DetectionArea, regions: &[Region], feet: &[(f64, f64)], total: u32, by_region: &[(u32, u32)]) {
        let feet: Vec<DVec2> = feet.iter().copied().map(DVec2::from).collect();
        let counts = count(area, regions, &feet);
        let counted: Vec<(u32, u32)> = counts.regions.iter().map(|region| (region.id, region.count)).collect();
        assert_eq!((counts.total, counted.as_slice()), (total, by_region), "{area:?}, feet at {feet:?}");
    }

    /// In region 1, in both, in region 3, in none.
    const FOUR_PEOPLE: [(f64, f64); 4] = [(0.2, 0.2), (0.5, 0.2), (0.8, 0.2), (0.5, 0.8)];

    #[test]
    fn mapped_counts_everybody_once_in_the_total_and_in_every_region_they_are_in() {
        check(DetectionArea::Mapped, &overlapping(), &FOUR_PEOPLE, 3, &[(1, 2), (3, 2)]);
    }

    #[test]
    fn non_mapped_counts_those_in_no_region() {
        check(DetectionArea::NonMapped, &overlapping(), &FOUR_PEOPLE, 1, &[]);
    }

    #[test]
    fn the_whole_view_takes_no_notice_of_regions() {
        check(DetectionArea::WholeView, &overlapping(), &FOUR_PEOPLE, 4, &[]);
    }

    #[test]
    fn without_a_region_the_whole_view_is_counted() {
        for area in [DetectionArea::Mapped, DetectionArea::NonMapped, DetectionArea::WholeView] {
            check(area, &[], &FOUR_PEOPLE, 4, &[]);
        }
    }

    #[test]
    fn people_beyond_the_image_are_not_counted() {
        let beyond = [(-0.01, 0.5), (0.5, 1.01), (f64::NAN, 0.5)];
        for area in [DetectionArea::Mapped, DetectionArea::NonMapped, DetectionArea::WholeView] {
            check(area, &[], &beyond, 0, &[]);
        }
        check(DetectionArea::NonMapped, &overlapping(), &beyond, 0, &[]);
    }

    #[test]
    fn an_edge_belongs_to_the_regions_it_bounds_and_to_no_non_mapped_area() {
        let neighbours = [rectangle(1, (0.0, 0.0), (0.5, 1.0)), rectangle(2, (0.5, 0.0), (1.0, 1.0))];
        let on_edges = [(0.5, 0.5), (0.5, 0.0), (0.0, 0.0), (1.0, 1.0), (1.0, 0.3)];
        check(DetectionArea::Mapped, &neighbours, &on_edges, 5, &[(1, 3), (2, 4)]);
        check(DetectionArea::NonMapped, &neighbours, &on_edges, 0, &[]);
        check(DetectionArea::WholeView, &neighbours, &on_edges, 5, &[]);
    }

    #[test]
    fn mapped_and_non_mapped_make_up_the_whole_view() {
        let regions = overlapping();
        for x in 0..=20 {
            for y in 0..=20 {
                let foot = [DVec2::new(f64::from(x), f64::from(y)) / 20.0];
                let total = |area| count(area, &regions, &foot).total;
                assert_eq!(total(DetectionArea::Mapped) + total(DetectionArea::NonMapped), 1, "at {foot:?}");
            }
        }
    }

    #[test]
    fn a_notch_in_a_region_is_outside_it() {
        let polygon = [(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.5, 0.3), (0.1, 0.9)].map(DVec2::from).to_vec();
        let notched = [Region { id: 1, name: "desk".to_owned(), polygon }];
        check(DetectionArea::Mapped, &notched, &[(0.5, 0.2), (0.5, 0.6), (0.2, 0.6)], 2, &[(1, 2)]);
    }

    #[track_caller]
    fn check_polygon(points: &[(f64, f64)], problem: Option<&str>) {
        let points: Vec<DVec2> = points.iter().copied().map(DVec2::from).collect();
        let found = polygon_problem(&points);
        match (problem, &found) {
            (None, None) => {}
            (Some(words), Some(found)) if found.contains(words) => {}
            _ => panic!("{points:?}: expected {problem:?}, found {found:?}"),
        }
    }

    #[test]
    fn a_polygon_must_be_simple_and_inside_the_image() {
        check_polygon(&[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)], None);
        check_polygon(&[(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.5, 0.3), (0.1, 0.9)], None);
        check_polygon(&[], Some("has 0 of the at least 3"));
        check_polygon(&[(0.1, 0.1), (0.9, 0.9)], Some("has 2 of the at least 3"));
        check_polygon(&[(0.1, 0.1), (1.2, 0.1), (0.5, 0.9)], Some("point 2 at (1.2, 0.1)"));
        check_polygon(&[(0.1, 0.1), (0.9, 0.1), (0.5, f64::NAN)], Some("point 3"));
        check_polygon(&[(0.1, f64::NEG_INFINITY), (0.9, 0.1), (0.5, 0.5)], Some("point 1"));
        check_polygon(&[(0.1, 0.1), (0.9, 0.9), (0.9, 0.1), (0.1, 0.9)], Some("crosses"));
        check_polygon(&[(0.1, 0.1), (0.5, 0.1), (0.9, 0.1)], Some("no area"));
        check_polygon(&[(0.1, 0.1), (0.1, 0.1), (0.1, 0.1)], Some("no area"));
        check_polygon(&[(0.1, 0.1), (0.1, 0.1), (0.9, 0.5)], Some("no area"));
        check_polygon(&[(0.1, 0.1), (0.9, 0.1), (0.9, 0.1), (0.5, 0.9)], None);
        check_polygon(&[(0.1, 0.1), (0.9, 0.1), (0.5, 0.5), (0.9, 0.9), (0.1, 0.9), (0.5, 0.5)], Some("touches"));
        check_polygon(&[(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.9, 0.95), (0.9, 0.9), (0.1, 0.9)], Some("touches"));
    }
}
