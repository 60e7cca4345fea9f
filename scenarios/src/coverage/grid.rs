//! The floor, cell by cell: what of it is seen, how large heads are there, how light it is.

use firmware_shim::View;
use glam::{DVec2, DVec3};
use scenes::{Illumination, Occluder, SightLine, Solid};
use serde::Serialize;

use super::{SEATED_HEAD_M, STANDING_HEAD_M, Site};

/// Cells are so wide where that does not make too many, m.
const CELL_M: f64 = 0.25;
/// More cells than this say no more in a picture of the room.
const CELLS_MAX: f64 = 6000.0;
/// A lux meter is held so high above the floor, m, as for the level of light of a scene.
const METER_M: f64 = 0.8;
/// The mean of a head's length and breadth seen from above, m (ISO 7250-3: about 0.195 m and 0.155 m).
const HEAD_M: f64 = 0.175;

/// The floor in cells, from the south-west corner on, row by row to the north.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Grid {
    /// Cells along x and along y.
    pub cells: [usize; 2],
    /// A cell's lengths along x and y, metres.
    pub cell_m: [f64; 2],
    /// Row by row; the middle of the cell stands for all of it.
    pub rows: Vec<Vec<Cell>>,
}

/// A part of the floor.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cell {
    /// The floor itself.
    pub floor: Level,
    /// Where the head of somebody who sits would be.
    pub seated: Level,
    /// Where the head of somebody who stands would be.
    pub standing: Level,
    /// What a lux meter reads 0.8 m above it, lx; `None` inside of furniture.
    pub lux: Option<f64>,
}

/// Whether a level above a part of the floor is seen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Something stands there.
    Filled,
    /// Not in the picture.
    Outside,
    /// In the picture, behind something.
    Hidden,
    /// In sight; a head is so wide there, pixels.
    Seen {
        /// Of a head's diameter.
        head_px: f64,
    },
}

impl Level {
    /// Whether it is in sight.
    pub fn is_seen(self) -> bool {
        matches!(self, Level::Seen { .. })
    }

    /// How wide a head is there, pixels.
    pub fn head_px(self) -> Option<f64> {
        if let Level::Seen { head_px } = self { Some(head_px) } else { None }
    }
}

impl Grid {
    pub(super) fn of(site: &Site) -> Self {
        let room = site.room_m();
        let wanted_m = CELL_M.max((room.x * room.y / CELLS_MAX).sqrt());
        let counts = (room / wanted_m).ceil();
        let cell = room / counts;
        let eye = Eye::new(site);
        let fixed = site.scene.fixed_solids();
        let illumination = Illumination::new(&site.scene.room, &site.scene.light, &fixed, 0.0);
        let lux = |place: DVec2| {
            let meter = place.extend(METER_M);
            let is_filled = fixed.iter().any(|solid| solid.contains(meter));
            (!is_filled).then(|| illumination.meter(meter, DVec3::Z, site.scene.light.lux))
        };
        let look = |i: u32, j: u32| {
            let place = cell * (DVec2::new(f64::from(i), f64::from(j)) + 0.5);
            let [floor, seated, standing] =
                [0.0, SEATED_HEAD_M, STANDING_HEAD_M].map(|height_m| eye.look(place.extend(height_m)));
            Cell { floor, seated, standing, lux: lux(place) }
        };
        let rows = (0..counts.y as u32).map(|j| (0..counts.x as u32).map(|i| look(i, j)).collect()).collect();
        Grid { cells: [counts.x as usize, counts.y as usize], cell_m: cell.into(), rows }
    }

    /// All cells with their middles in the room, metres.
    pub fn iter(&self) -> impl Iterator<Item = (DVec2, &Cell)> {
        let middle = |i: usize, j: usize| DVec2::from(self.cell_m) * (DVec2::new(i as f64, j as f64) + 0.5);
        let row = move |(j, row)| -> Vec<(DVec2, &Cell)> {
            let row: &Vec<Cell> = row;
            row.iter().enumerate().map(|(i, cell)| (middle(i, j), cell)).collect()
        };
        self.rows.iter().enumerate().flat_map(row)
    }

    /// The part of the floor of which something is so, square metres.
    pub fn area_m2(&self, is_so: impl Fn(DVec2, &Cell) -> bool) -> f64 {
        let cells = self.iter().filter(|(place, cell)| is_so(*place, cell)).count();
        cells as f64 * self.cell_m[0] * self.cell_m[1]
    }
}

/// The lens in the furnished room.
pub(super) struct Eye {
    view: View,
    sensor_at: DVec2,
    lens: DVec3,
    solids: Vec<Solid>,
    occluders: Vec<Occluder>,
}

impl Eye {
    pub fn new(site: &Site) -> Self {
        // Doors stand as they do at first.
        let mut solids = site.scene.fixed_solids();
        solids.extend(site.scene.at(0.0).doors);
        let occluders = solids.iter().map(Occluder::new).collect();
        let lens = site.sensor_at.extend(site.mounting.height_m);
        Eye { view: site.view(), sensor_at: site.sensor_at, lens, solids, occluders }
    }

    /// Whether a point of the room is in sight.
    pub fn look(&self, point: DVec3) -> Level {
        // What stands on the floor has its surface there.
        if self.solids.iter().any(|solid| solid.contains(point + 0.01 * DVec3::Z)) {
            return Level::Filled;
        }
        let head = self.head(point).filter(|(pixel, _)| self.view.lens.contains(*pixel));
        let Some((_, head_px)) = head else { return Level::Outside };
        let way = SightLine::new(self.lens, point);
        let is_hidden = self.occluders.iter().any(|occluder| occluder.stands_in(&way));
        if is_hidden { Level::Hidden } else { Level::Seen { head_px } }
    }

    /// Whether a point of the room is in the picture, be it hidden or not.
    pub fn is_in_picture(&self, point: DVec3) -> bool {
        self.head(point).is_some_and(|(pixel, _)| self.view.lens.contains(pixel))
    }

    /// Where a head with its middle at a point of the room is seen, pixels, and how wide; it may be outside of the picture, and is `None`
    /// out of the lens's field.
    pub fn head(&self, point: DVec3) -> Option<(DVec2, f64)> {
        let from_sensor = point - self.sensor_at.extend(0.0);
        let pixel = self.view.pixel(from_sensor).filter(|_| point.z < self.lens.z)?;
        Some((pixel, self.head_px(from_sensor, pixel)?))
    }

    /// How wide a ball as large as a head is in the picture: the geometric mean of its width along and across the way from the picture's
    /// middle.
    fn head_px(&self, head: DVec3, pixel: DVec2) -> Option<f64> {
        let way = head - DVec3::new(0.0, 0.0, self.view.mounting.height_m);
        let across = way.normalize().any_orthonormal_vector();
        let along = way.normalize().cross(across);
        let small = HEAD_M / 100.0;
        let u = (self.view.pixel(head + across * small)? - pixel) / small;
        let v = (self.view.pixel(head + along * small)? - pixel) / small;
        Some(HEAD_M * u.perp_dot(v).abs().sqrt())
    }
}
