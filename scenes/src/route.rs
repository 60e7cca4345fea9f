//! Ways round furniture: how far it is from everywhere on the floor to one place.
//!
//! Knows nothing of people; who gives way to whom is decided in `steering.rs`.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use glam::DVec2;

use crate::footprint::Footprint;

/// How far from furniture and walls a way keeps, m: half a person's width and some air.
const CLEAR_M: f64 = 0.28;
/// Nearer than this to either, a way counts as longer, so that people cut no corners.
const ROOMY_M: f64 = 0.55;
/// Cells of larger rooms are larger.
const SMALL_ROOM_M2: f64 = 400.0;
/// How far ahead a walker looks, m.
const LOOK_M: f64 = 2.5;
/// The cost of a step to the side and to a corner of a cell in the open.
const COSTS: (u32, u32) = (10, 14);

/// The most that a cell costs where one can walk straight.
const OPEN: u32 = 2;
/// What a cell costs beside somebody who stays there, and how far that reaches, m.
const STANDS: (u32, f64) = (12, 0.6);

/// The floor as cells that can be walked on or not.
pub(crate) struct Grid {
    cell_m: f64,
    columns: usize,
    rows: usize,
    /// How dear a cell is, 1 in the open, up to [`OPEN`] near furniture, more beside somebody who stays there; 0 where nobody
    /// can be.
    weight: Vec<u32>,
}

/// How far it is to a place, cell by cell.
pub(crate) struct Way {
    target: DVec2,
    left: Vec<u32>,
}

impl Grid {
    /// The floor of a room between footprints, with people who stay where they stand.
    pub fn new(size: DVec2, footprints: &[Footprint], standing: &[DVec2]) -> Self {
        let cell_m = if size.x * size.y <= SMALL_ROOM_M2 { 0.1 } else { 0.2 };
        let (columns, rows) = ((size.x / cell_m).ceil() as usize, (size.y / cell_m).ceil() as usize);
        let mut grid = Grid { cell_m, columns, rows, weight: Vec::new() };
        let weight = |cell: usize| {
            let middle = grid.middle(cell);
            let to_wall = middle.min(size - middle).min_element();
            let room = footprints.iter().map(|footprint| footprint.distance(middle)).fold(to_wall, f64::min);
            let beside = standing.iter().any(|person| person.distance(middle) < STANDS.1);
            match room {
                ..CLEAR_M => 0,
                _ if beside => STANDS.0,
                ..ROOMY_M => OPEN,
                _ => 1,
            }
        };
        let weights = (0..columns * rows).map(weight).collect();
        grid.weight = weights;
        grid
    }

    fn middle(&self, cell: usize) -> DVec2 {
        DVec2::new((cell % self.columns) as f64 + 0.5, (cell / self.columns) as f64 + 0.5) * self.cell_m
    }

    fn cell(&self, point: DVec2) -> usize {
        let at = (point / self.cell_m).max(DVec2::ZERO);
        (at.y as usize).min(self.rows - 1) * self.columns + (at.x as usize).min(self.columns - 1)
    }

    fn is_open(&self, point: DVec2) -> bool {
        (1..=OPEN).contains(&self.weight[self.cell(point)])
    }

    /// Whether one can walk straight from a point to another.
    pub fn is_clear(&self, from: DVec2, to: DVec2) -> bool {
        let parts = (from.distance(to) / (0.5 * self.cell_m)).ceil().max(1.0) as u32;
        (0..=parts).all(|part| self.is_open(from.lerp(to, f64::from(part) / f64::from(parts))))
    }

    /// The nearest cell at most a metre away that can be walked on: doors are in walls.
    fn nearest_free(&self, point: DVec2) -> Option<usize> {
        let reach = (1.0 / self.cell_m) as i64;
        let (column, row) = ((point.x / self.cell_m) as i64, (point.y / self.cell_m) as i64);
        let near = (-reach..=reach).flat_map(|dy| (-reach..=reach).map(move |dx| (column + dx, row + dy)));
        let inside = near.filter(|(x, y)| (0..self.columns as i64).contains(x) && (0..self.rows as i64).contains(y));
        let free = inside.map(|(x, y)| y as usize * self.columns + x as usize).filter(|cell| self.weight[*cell] > 0);
        free.min_by(|a, b| self.middle(*a).distance(point).total_cmp(&self.middle(*b).distance(point)))
    }

    fn neighbours(&self, cell: usize) -> impl Iterator<Item = (usize, u32)> + '_ {
        let (x, y) = ((cell % self.columns) as i64, (cell / self.columns) as i64);
        let around = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dx, dy))).filter(|way| *way != (0, 0));
        around.filter_map(move |(dx, dy)| {
            let (nx, ny) = (x + dx, y + dy);
            let inside = (0..self.columns as i64).contains(&nx) && (0..self.rows as i64).contains(&ny);
            let cost = if dx == 0 || dy == 0 { COSTS.0 } else { COSTS.1 };
            inside.then(|| (ny as usize * self.columns + nx as usize, cost))
        })
    }

    /// The way to a place from everywhere; `None` when nobody can stand there.
    pub fn way_to(&self, target: DVec2) -> Option<Way> {
        let start = self.nearest_free(target)?;
        let mut left = vec![u32::MAX; self.weight.len()];
        let mut next = BinaryHeap::from([Reverse((0, start))]);
        left[start] = 0;
        while let Some(Reverse((so_far, cell))) = next.pop() {
            if so_far > left[cell] {
                continue;
            }
            for (other, cost) in self.neighbours(cell) {
                let through = so_far + cost * self.weight[other];
                if self.weight[other] > 0 && through < left[other] {
                    left[other] = through;
                    next.push(Reverse((through, other)));
                }
            }
        }
        Some(Way { target, left })
    }
}

impl Way {
    /// Whether one can come from a place.
    pub fn leads_from(&self, grid: &Grid, from: DVec2) -> bool {
        grid.nearest_free(from).is_some_and(|cell| self.left[cell] < u32::MAX)
    }

    /// The point to head for from a place: as far along the way as one can walk straight.
    pub fn ahead(&self, grid: &Grid, from: DVec2) -> DVec2 {
        if from.distance(self.target) < LOOK_M && grid.is_clear(from, self.target) {
            return self.target;
        }
        let Some(mut cell) = grid.nearest_free(from) else { return self.target };
        let mut best = grid.middle(cell);
        for step in 0..(LOOK_M / grid.cell_m) as u32 {
            let Some((next, _)) = grid.neighbours(cell).min_by_key(|(other, _)| self.left[*other]) else { break };
            if self.left[next] >= self.left[cell] {
                // At the way's end there is still the target itself, which may be in a door.
                return if step == 0 { self.target } else { best };
            }
            cell = next;
            // The first steps are taken anyway, since whoever was pushed aside may stand where nobody should.
            if step < 3 || grid.is_clear(from, grid.middle(cell)) {
                best = grid.middle(cell);
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Color, Furniture, Piece};

    fn block(at_m: (f64, f64), size_m: (f64, f64, f64)) -> Furniture {
        let piece = Piece::Block { size_m };
        Furniture { name: String::new(), piece, at_m, turn_deg: 0.0, color: Color::new(0, 0, 0), finish: None }
    }

    #[test]
    fn a_way_leads_round_what_stands_in_it_and_keeps_off_it() {
        let footprints = Footprint::all(&[block((3.0, 1.5), (0.4, 3.0, 1.0))]);
        let grid = Grid::new(DVec2::new(6.0, 5.0), &footprints, &[]);
        let way = grid.way_to(DVec2::new(5.9, 1.0)).expect("free floor");
        let mut at = DVec2::new(1.0, 1.0);
        let mut walked = 0.0;
        while at.distance(DVec2::new(5.9, 1.0)) > 0.2 {
            let ahead = way.ahead(&grid, at);
            at += (ahead - at).normalize() * 0.05;
            walked += 0.05;
            assert!(footprints[0].distance(at) > 0.2, "{at} is too near");
            assert!(walked < 9.0, "the way has no end");
        }
        // The shortest way round the block's corner, 0.28 m off it.
        assert!((6.0..7.5).contains(&walked), "{walked} m");
    }

    #[test]
    fn a_way_does_not_squeeze_between_somebody_who_stands_there_and_a_table() {
        let table = Footprint::all(&[block((3.0, 3.2), (1.0, 1.0, 0.7))]);
        let (from, to) = (DVec2::new(1.0, 2.2), DVec2::new(5.0, 2.2));
        let nearest = |standing: &[DVec2]| {
            let grid = Grid::new(DVec2::new(6.0, 5.0), &table, standing);
            let way = grid.way_to(to).expect("free floor");
            let mut at = from;
            let mut least = f64::MAX;
            for _ in 0..200 {
                at += (way.ahead(&grid, at) - at).normalize_or_zero() * 0.05;
                least = least.min(at.distance(DVec2::new(3.0, 2.0)));
            }
            assert!(at.distance(to) < 0.3, "{at}");
            least
        };
        assert!(nearest(&[]) < 0.3);
        assert!(nearest(&[DVec2::new(3.0, 2.0)]) > 0.45);
    }

    #[test]
    fn there_is_no_way_through_a_closed_wall_or_to_where_a_cupboard_stands() {
        let wall = Footprint::all(&[block((3.0, 2.5), (0.2, 5.0, 2.0))]);
        let grid = Grid::new(DVec2::new(6.0, 5.0), &wall, &[]);
        let way = grid.way_to(DVec2::new(5.0, 2.5)).expect("free floor");
        assert!(!way.leads_from(&grid, DVec2::new(1.0, 2.5)));
        assert!(way.leads_from(&grid, DVec2::new(4.0, 1.0)));
        let cupboard = Footprint::all(&[block((3.0, 2.5), (3.0, 3.0, 2.0))]);
        assert!(Grid::new(DVec2::new(6.0, 5.0), &cupboard, &[]).way_to(DVec2::new(3.0, 2.5)).is_none());
    }
}
