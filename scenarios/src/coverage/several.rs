//! Several sensors in one room: what they cover together, where they overlap, what is left out; and where to hang them.

use firmware_shim::Mounting;
use glam::DVec2;
use serde::Serialize;

use super::grid::Eye;
use super::{Grid, Level, Recommended, SEATED_HEAD_M, Site};

/// What sensors cover together. A place is covered where it is in the recommended range of one (anywhere in its picture where nothing is
/// recommended) and the head of somebody who sits there is in sight.
#[derive(Clone, Debug, Serialize)]
pub struct Together {
    /// Cells along x and along y.
    pub cells: [usize; 2],
    /// A cell's lengths along x and y, metres.
    pub cell_m: [f64; 2],
    /// By how many sensors each cell is covered, row by row; `None` where something stands and nobody can be.
    pub covered_by: Vec<Vec<Option<u32>>>,
    /// Of all that can be covered, square metres.
    pub wanted_m2: f64,
    /// By one sensor or more.
    pub covered_m2: f64,
    /// By two or more.
    pub overlap_m2: f64,
}

impl Together {
    /// What these sensors cover of their room, which is that of the first.
    pub fn of(first: &Site, others: &[Site]) -> Self {
        let floor = Floor::new(first);
        let covers: Vec<Vec<bool>> = std::iter::once(first).chain(others).map(|site| floor.covered_by(site)).collect();
        floor.together(&covers.iter().collect::<Vec<_>>())
    }

    /// What is not covered, square metres.
    pub fn gap_m2(&self) -> f64 {
        self.wanted_m2 - self.covered_m2
    }

    /// The part of what can be covered that is, 0 to 1.
    pub fn share(&self) -> f64 {
        if self.wanted_m2 > 0.0 { self.covered_m2 / self.wanted_m2 } else { 0.0 }
    }
}

/// Where to hang sensors, and why so many.
#[derive(Clone, Debug, Serialize)]
pub struct Suggestion {
    /// Places in the room, metres, and how far turned, degrees.
    pub sensors: Vec<([f64; 2], f64)>,
    /// What one sensor would cover, two, …, up to one more than suggested: parts of what can be covered.
    pub shares: Vec<f64>,
}

/// Enough is covered from here on.
const ENOUGH: f64 = 0.97;
/// One more sensor has to add as much.
const WORTH: f64 = 0.03;
/// More are not suggested.
const SENSORS_MAX: usize = 20;
/// Places are tried so far from one another, m, where that does not make too many.
const STEP_M: f64 = 0.5;
const PLACES_MAX: f64 = 400.0;
/// How far sensors keep from walls, m.
const WALL_M: f64 = 0.5;

impl Suggestion {
    /// For sensors like that of a site, straight down, at its height.
    pub fn of(site: &Site) -> Self {
        let floor = Floor::new(site);
        let candidates = candidates(site);
        let covers: Vec<Vec<bool>> = candidates.iter().map(|candidate| floor.covered_by(candidate)).collect();
        let mut chosen: Vec<usize> = Vec::new();
        let mut shares: Vec<f64> = Vec::new();
        let mut best: Vec<usize> = Vec::new();
        for _ in 0..=SENSORS_MAX {
            let Some(next) =
                (0..candidates.len()).max_by_key(|i| (floor.gain(&covers, &chosen, *i), std::cmp::Reverse(*i)))
            else {
                break;
            };
            chosen.push(next);
            floor.improve(&covers, &mut chosen);
            let share = floor.together(&chosen.iter().map(|i| &covers[*i]).collect::<Vec<_>>()).share();
            let before = shares.last().copied().unwrap_or(0.0);
            shares.push(share);
            if before >= ENOUGH || share - before < WORTH || chosen.len() > SENSORS_MAX {
                break;
            }
            best.clone_from(&chosen);
        }
        let mut sensors: Vec<([f64; 2], f64)> = (best.iter().map(|i| &candidates[*i]))
            .map(|site| (site.sensor_at.into(), site.mounting.rotation_rad.to_degrees()))
            .collect();
        sensors.sort_by(|(a, _), (b, _)| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
        Suggestion { sensors, shares }
    }

    /// Why so many.
    pub fn reason(&self) -> String {
        let percent = |share: f64| format!("{:.0} %", 100.0 * share);
        let told = self.shares.iter().enumerate().take(self.sensors.len());
        let told: Vec<String> = told
            .map(|(i, share)| format!("{} cover{} {}", i + 1, if i == 0 { "s" } else { "" }, percent(*share)))
            .collect();
        let more = self.shares.get(self.sensors.len()).map(|share| {
            let added = share - self.shares.get(self.sensors.len().wrapping_sub(1)).copied().unwrap_or(0.0);
            format!("; one more would add {}", percent(added.max(0.0)))
        });
        format!("{} of the floor where somebody can be{}", told.join(", "), more.unwrap_or_default())
    }
}

/// Everywhere a sensor may hang, as it is and turned by a quarter.
fn candidates(site: &Site) -> Vec<Site> {
    let room = site.room_m();
    let step = STEP_M.max((room.x * room.y / PLACES_MAX).sqrt());
    let along = |length: f64| {
        let free = (length - 2.0 * WALL_M).max(0.0);
        let steps = (free / step).round().max(1.0);
        (0..=steps as u32).map(move |i| (length - free) / 2.0 + free * f64::from(i) / steps)
    };
    let places = along(room.x).flat_map(|x| along(room.y).map(move |y| DVec2::new(x, y)));
    let hung = |(sensor_at, degrees): (DVec2, f64)| Site {
        sensor_at,
        mounting: Mounting { rotation_rad: f64::to_radians(degrees), tilt_rad: 0.0, ..site.mounting },
        ..site.clone()
    };
    // From the middle outwards: of places as good, the first is taken.
    let mut places: Vec<DVec2> = places.collect();
    places.sort_by(|a, b| a.distance(room / 2.0).total_cmp(&b.distance(room / 2.0)));
    places.into_iter().flat_map(|place| [0.0, 90.0].map(|degrees| hung((place, degrees)))).collect()
}

/// The floor of a room in cells.
struct Floor {
    grid: Grid,
    middles: Vec<DVec2>,
    /// Where somebody can be.
    open: Vec<bool>,
}

impl Floor {
    fn new(site: &Site) -> Self {
        let grid = Grid::of(site);
        let (middles, open) = grid.iter().map(|(middle, cell)| (middle, cell.floor != Level::Filled)).unzip();
        Floor { grid, middles, open }
    }

    fn covered_by(&self, site: &Site) -> Vec<bool> {
        let eye = Eye::new(site);
        let recommended = Recommended::of(site);
        let is_covered = |place: DVec2| {
            recommended.as_ref().is_none_or(|range| range.contains(place))
                && eye.look(place.extend(SEATED_HEAD_M)).is_seen()
        };
        self.middles.iter().zip(&self.open).map(|(middle, open)| *open && is_covered(*middle)).collect()
    }

    /// How many cells one more sensor covers that the others do not.
    fn gain(&self, covers: &[Vec<bool>], others: &[usize], one: usize) -> usize {
        let is_new = |cell: &usize| covers[one][*cell] && !others.iter().any(|other| covers[*other][*cell]);
        (0..self.middles.len()).filter(is_new).count()
    }

    /// Moves each sensor to where it covers most of what the others leave, until none can be moved for the better.
    fn improve(&self, covers: &[Vec<bool>], chosen: &mut [usize]) {
        loop {
            let mut is_better = false;
            for i in 0..chosen.len() {
                let others: Vec<usize> =
                    chosen.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, one)| *one).collect();
                let own = self.gain(covers, &others, chosen[i]);
                let best = (0..covers.len()).map(|one| (self.gain(covers, &others, one), std::cmp::Reverse(one))).max();
                if let Some((gain, std::cmp::Reverse(one))) = best
                    && gain > own
                {
                    (chosen[i], is_better) = (one, true);
                }
            }
            if !is_better {
                return;
            }
        }
    }

    fn together(&self, covers: &[&Vec<bool>]) -> Together {
        let Grid { cells, cell_m, .. } = self.grid;
        let count = |cell: usize| covers.iter().filter(|covered| covered[cell]).count() as u32;
        let by_cell: Vec<Option<u32>> =
            (0..self.middles.len()).map(|cell| self.open[cell].then(|| count(cell))).collect();
        let area = |is_so: &dyn Fn(u32) -> bool| {
            by_cell.iter().flatten().filter(|count| is_so(**count)).count() as f64 * cell_m[0] * cell_m[1]
        };
        Together {
            cells,
            cell_m,
            wanted_m2: area(&|_| true),
            covered_m2: area(&|count| count > 0),
            overlap_m2: area(&|count| count > 1),
            covered_by: by_cell.chunks(cells[0]).map(<[_]>::to_vec).collect(),
        }
    }
}
