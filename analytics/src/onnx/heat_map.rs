//! From a model's maps to people: peaks of the heat map, and what the other maps say there (`MODEL.md`, decoding).
//!
//! Knows nothing of runtimes and pictures.

use glam::DVec2;

use super::contract::{COLUMNS, MODEL_HEIGHT, MODEL_WIDTH, ROWS, STRIDE};
use crate::{Detection, Posture};

/// Cells in one map.
const CELLS: usize = ROWS * COLUMNS;

/// Two peaks nearer than this part of the stronger one's body, the square root of its box's area, are one head. Heads shoulder
/// to shoulder are about twice as far apart, under a ceiling of any height.
const SAME_HEAD: f64 = 0.25;
/// However small or large the body is told to be, pixels.
const SAME_HEAD_PX: std::ops::RangeInclusive<f64> = 6.0..=40.0;
/// How far outside the picture a head is told to be at most, in cells. Under a low ceiling people are in sight from the
/// shoulders down.
const BEYOND_CELLS: f64 = 10.0;

/// More people than fit under one sensor; only a model gone wrong finds more, and the strongest then stand for all.
const PEOPLE_MAX: usize = 128;

/// A model's outputs for one picture, finite, channel by channel, row by row.
pub(super) struct Maps<'a> {
    /// Probability that a head's centre is in the cell.
    pub heat: &'a [f32],
    /// Head's centre from the cell's top left corner, in cells: x, y.
    pub offset: &'a [f32],
    /// Distances from the head's centre to the body's box in pixels: left, top, right, bottom.
    pub extent: &'a [f32],
    /// Probability that the person is seated.
    pub seated: &'a [f32],
}

/// The people in the maps, the surest first, and from the top left where two are as sure.
pub(super) fn people(maps: &Maps<'_>, threshold: f64) -> Vec<Detection> {
    let mut peaks: Vec<usize> =
        (0..CELLS).filter(|&cell| f64::from(maps.heat[cell]) >= threshold && is_peak(maps.heat, cell)).collect();
    // Stable, so that equals stay in reading order.
    peaks.sort_by(|&a, &b| maps.heat[b].total_cmp(&maps.heat[a]));
    let mut people: Vec<Detection> = Vec::new();
    let mut reaches: Vec<f64> = Vec::new();
    for cell in peaks {
        let (person, reach) = person(maps, cell);
        let mut taken = people.iter().zip(&reaches);
        if !taken.any(|(other, reach)| other.head_px.distance(person.head_px) < *reach) {
            people.push(person);
            reaches.push(reach);
        }
        if people.len() == PEOPLE_MAX {
            break;
        }
    }
    people
}

/// Whether no neighbour is warmer; of equally warm neighbours the first in reading order is the peak.
fn is_peak(heat: &[f32], cell: usize) -> bool {
    let (row, column) = (cell / COLUMNS, cell % COLUMNS);
    let rows = row.saturating_sub(1)..=(row + 1).min(ROWS - 1);
    rows.flat_map(|row| {
        let columns = column.saturating_sub(1)..=(column + 1).min(COLUMNS - 1);
        columns.map(move |column| row * COLUMNS + column)
    })
    .all(|neighbour| if neighbour < cell { heat[neighbour] < heat[cell] } else { heat[neighbour] <= heat[cell] })
}

/// Who is at a peak, and how far around no other peak is somebody else, pixels.
fn person(maps: &Maps<'_>, cell: usize) -> (Detection, f64) {
    let at = |map: &[f32], channel: usize| f64::from(map[channel * CELLS + cell]);
    let stride = STRIDE as f64;
    let corner = DVec2::new((cell % COLUMNS) as f64, (cell / COLUMNS) as f64) * stride;
    let offset = DVec2::new(at(maps.offset, 0), at(maps.offset, 1));
    let offset = offset.clamp(DVec2::splat(-BEYOND_CELLS), DVec2::splat(BEYOND_CELLS + 1.0));
    let head_px = corner + offset * stride;
    let to_min = DVec2::new(at(maps.extent, 0), at(maps.extent, 1)).max(DVec2::ZERO);
    let to_max = DVec2::new(at(maps.extent, 2), at(maps.extent, 3)).max(DVec2::ZERO);
    let image = DVec2::new(f64::from(MODEL_WIDTH), f64::from(MODEL_HEIGHT));
    let body = to_min + to_max;
    let reach = (SAME_HEAD * (body.x * body.y).sqrt()).clamp(*SAME_HEAD_PX.start(), *SAME_HEAD_PX.end());
    let person = Detection {
        head_px,
        box_min_px: (head_px - to_min).clamp(DVec2::ZERO, image),
        box_max_px: (head_px + to_max).clamp(DVec2::ZERO, image),
        posture: if at(maps.seated, 0) >= 0.5 { Posture::Seated } else { Posture::Standing },
        confidence: at(maps.heat, 0).clamp(0.0, 1.0),
    };
    (person, reach)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Maps of an empty room, to be filled in.
    struct Room {
        heat: Vec<f32>,
        offset: Vec<f32>,
        extent: Vec<f32>,
        seated: Vec<f32>,
    }

    impl Room {
        fn empty() -> Self {
            Room {
                heat: vec![0.01; CELLS],
                offset: vec![0.5; 2 * CELLS],
                extent: vec![0.0; 4 * CELLS],
                seated: vec![0.0; CELLS],
            }
        }

        fn with(mut self, heads: &[(usize, usize, f32)]) -> Self {
            for &(row, column, heat) in heads {
                self.heat[row * COLUMNS + column] = heat;
            }
            self
        }

        fn people(&self) -> Vec<Detection> {
            let Room { heat, offset, extent, seated } = self;
            people(&Maps { heat, offset, extent, seated }, 0.5)
        }

        fn heads(&self) -> Vec<(f64, f64)> {
            self.people().iter().map(|person| (person.head_px.x, person.head_px.y)).collect()
        }
    }

    #[test]
    fn an_empty_room_has_nobody() {
        assert!(Room::empty().people().is_empty());
    }

    #[test]
    fn a_peak_is_a_person_where_the_other_maps_say() {
        let mut room = Room::empty().with(&[(10, 20, 0.9), (10, 21, 0.8), (11, 20, 0.7)]);
        let cell = 10 * COLUMNS + 20;
        room.offset[cell] = 0.25;
        room.offset[CELLS + cell] = 0.75;
        for (channel, distance) in [20.0, 10.0, 300.0, 30.0].into_iter().enumerate() {
            room.extent[channel * CELLS + cell] = distance;
        }
        room.seated[cell] = 0.6;
        let people = room.people();
        let [person] = people.as_slice() else { panic!("one person: {people:?}") };
        assert_eq!(person.head_px, DVec2::new(81.0, 43.0));
        assert_eq!(person.box_min_px, DVec2::new(61.0, 33.0));
        assert_eq!(person.box_max_px, DVec2::new(320.0, 73.0), "clipped to the image");
        assert_eq!(person.posture, Posture::Seated);
        assert!((person.confidence - 0.9).abs() < 1e-6);
    }

    #[test]
    fn a_peak_under_the_threshold_is_nobody_and_one_at_it_is_somebody() {
        assert!(Room::empty().with(&[(5, 5, 0.499)]).people().is_empty());
        assert_eq!(Room::empty().with(&[(5, 5, 0.5)]).people().len(), 1);
    }

    #[test]
    fn the_surest_come_first_and_equals_in_reading_order() {
        let room = Room::empty().with(&[(50, 10, 0.7), (20, 60, 0.7), (20, 30, 0.7), (40, 40, 0.9)]);
        assert_eq!(room.heads(), [(162.0, 162.0), (122.0, 82.0), (242.0, 82.0), (42.0, 202.0)]);
    }

    #[test]
    fn a_flat_top_is_one_person_at_its_first_cell() {
        let room = Room::empty().with(&[20, 21, 22, 23, 24].map(|column| (10, column, 0.8)));
        assert_eq!(room.heads(), [(82.0, 42.0)]);
    }

    #[test]
    fn two_peaks_on_one_body_are_one_person_and_shoulder_to_shoulder_are_two() {
        let mut room = Room::empty().with(&[(10, 20, 0.8), (10, 23, 0.7)]);
        room.extent.fill(30.0);
        assert_eq!(room.heads().len(), 1, "12 px apart on a body of 60 px");
        room.extent.fill(20.0);
        assert_eq!(room.heads().len(), 2, "12 px apart, bodies of 40 px");
        room.extent.fill(1.0);
        assert_eq!(room.heads().len(), 2, "12 px apart, however small");
        assert_eq!(Room::empty().with(&[(10, 20, 0.8), (10, 21, 0.8)]).heads().len(), 1, "4 px apart, however small");
    }

    #[test]
    fn a_head_may_be_outside_the_picture_but_not_anywhere() {
        let mut room = Room::empty().with(&[(10, 0, 0.9)]);
        let cell = 10 * COLUMNS;
        (room.offset[cell], room.offset[CELLS + cell]) = (-5.0, 1e6);
        room.extent[2 * CELLS + cell] = 50.0;
        let people = room.people();
        assert_eq!(people[0].head_px, DVec2::new(-20.0, 84.0));
        assert_eq!((people[0].box_min_px.x, people[0].box_max_px.x), (0.0, 30.0), "what is in the picture");
    }

    #[test]
    fn heads_at_the_corners_are_found() {
        let last = (ROWS - 1, COLUMNS - 1);
        let room = Room::empty().with(&[(0, 0, 0.9), (last.0, last.1, 0.8)]);
        assert_eq!(room.heads(), [(2.0, 2.0), (318.0, 238.0)]);
    }

    #[test]
    fn a_model_gone_wrong_finds_a_bounded_crowd() {
        let mut room = Room::empty();
        for row in (0..ROWS).step_by(3) {
            for column in (0..COLUMNS).step_by(3) {
                room.heat[row * COLUMNS + column] = 0.9;
            }
        }
        assert_eq!(room.people().len(), PEOPLE_MAX);
    }
}
