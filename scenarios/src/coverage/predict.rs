//! How surely people are found, cell by cell: the real detector on pictures of people in this very room.
//!
//! People are placed at random in each cell, several in a picture, until each cell has had so many; those who sit have chairs set out for them
//! where there is room, besides the room's own. Somebody is found when a detection's head is on his or hers. Who cannot be found because something is
//! in the way, or because the head is just out of the picture, counts as missed: an installer wants to know.

use std::sync::Arc;

use analytics::Detection;
use firmware_shim::RgbImage;
use glam::DVec2;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scenes::{Color, Furniture, Looks, Piece, Posture, Scene, Start};
use serde::Serialize;

use super::grid::Eye;
use super::{SEATED_HEAD_M, STANDING_HEAD_M, Site};
use crate::light::{LightError, LightSource};
use crate::sweep;

/// Cells are no wider, m.
const CELL_M: f64 = 0.5;
/// How often somebody is placed in each cell.
pub const PLACEMENTS: u32 = 30;
/// The most people of a picture.
const PEOPLE_MAX: usize = 12;
/// How far people who stand keep from each other, and chairs from one another, m.
const STANDING_APART_M: f64 = 0.6;
const CHAIRS_APART_M: f64 = 0.9;
/// How far feet keep from walls and furniture, and chairs, m.
const FEET_CLEAR_M: f64 = 0.15;
const CHAIR_CLEAR_M: f64 = 0.4;
/// Places tried in a cell before it is taken to be full.
const TRIES: u32 = 12;
/// A detection is somebody's when its head is no farther from his or hers than this part of the head's width, and never asked for closer than so
/// many pixels.
const ON_HEAD: f64 = 0.75;
const ON_HEAD_PX: f64 = 4.0;

/// What is predicted of a room.
#[derive(Clone, Debug, Serialize)]
pub struct Prediction {
    /// Cells along x and along y.
    pub cells: [usize; 2],
    /// A cell's lengths along x and y, metres.
    pub cell_m: [f64; 2],
    /// Of people who sit, from the south-west corner row by row; `None` where nobody can, or where no head would be in the picture.
    pub seated: Vec<Vec<Option<Found>>>,
    /// Of people who stand.
    pub standing: Vec<Vec<Option<Found>>>,
    /// Pictures that were looked at.
    pub pictures: u32,
    /// Detections in them that were nobody's.
    pub phantoms: u32,
}

/// How many of whom were placed were found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Found {
    /// People placed.
    pub placed: u32,
    /// Of them found.
    pub found: u32,
}

impl Found {
    /// The share that was found.
    pub fn share(self) -> f64 {
        f64::from(self.found) / f64::from(self.placed.max(1))
    }

    /// Between what it lies with 95 % (Wilson, JASA 22, 1927).
    pub fn interval(self) -> (f64, f64) {
        const Z: f64 = 1.959_964;
        let (n, share) = (f64::from(self.placed.max(1)), self.share());
        let middle = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
        let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        ((middle - half).max(0.0), (middle + half).min(1.0))
    }
}

/// A picture of people whose places are known.
pub struct Placed {
    /// As the device takes it.
    pub image: RgbImage,
    /// How many of all that have to be placed have been, 0 to 1.
    pub progress: f64,
    posture: Posture,
    heads: Vec<Head>,
}

impl Placed {
    /// A picture with nothing in it, of heads by their cells, places and widths.
    #[cfg(test)]
    pub(super) fn new(posture: Posture, heads: impl Iterator<Item = (usize, DVec2, f64)>) -> Self {
        let heads = heads.map(|(cell, at_px, width_px)| Head { cell, seen: Some((at_px, width_px)) }).collect();
        Placed { image: RgbImage { width: 0, height: 0, pixels: Arc::default() }, progress: 1.0, posture, heads }
    }
}

struct Head {
    cell: usize,
    /// Where it is, and how wide, pixels; `None` out of the lens's field.
    seen: Option<(DVec2, f64)>,
}

/// Where people are still to be placed.
struct Plan {
    cells: [usize; 2],
    cell_m: DVec2,
    /// By cell: how often somebody is still to be placed.
    wanted: Vec<u32>,
}

impl Plan {
    fn new(site: &Site) -> Self {
        let counts = (site.room_m() / CELL_M).ceil();
        let cells = [counts.x as usize, counts.y as usize];
        Plan { cells, cell_m: site.room_m() / counts, wanted: vec![0; cells[0] * cells[1]] }
    }

    fn cell_of(&self, place: DVec2) -> usize {
        let at = (place / self.cell_m).floor();
        (at.y as usize).min(self.cells[1] - 1) * self.cells[0] + (at.x as usize).min(self.cells[0] - 1)
    }

    fn place_in(&self, cell: usize, rng: &mut ChaCha8Rng) -> DVec2 {
        let corner = DVec2::new((cell % self.cells[0]) as f64, (cell / self.cells[0]) as f64);
        (corner + DVec2::new(rng.random(), rng.random())) * self.cell_m
    }

    fn left(&self) -> u32 {
        self.wanted.iter().sum()
    }

    /// Cells in which people are still to be placed, those with most to come first, else in any order.
    fn open(&self, rng: &mut ChaCha8Rng) -> Vec<usize> {
        let mut open: Vec<usize> = (0..self.wanted.len()).filter(|cell| self.wanted[*cell] > 0).collect();
        open.shuffle(rng);
        open.sort_by_key(|cell| std::cmp::Reverse(self.wanted[*cell]));
        open
    }
}

/// Takes the pictures, and hands out each. The same room and the same `seed` give the same pictures on the same graphics driver.
///
/// # Errors
/// The renderer fails.
pub fn take_pictures(
    site: &Site,
    light: &mut dyn LightSource,
    seed: u64,
    each: &mut dyn FnMut(Placed),
) -> Result<(), LightError> {
    let mut photographer =
        Photographer { site, eye: Eye::new(site), rng: ChaCha8Rng::seed_from_u64(seed), done: 0, all: 0 };
    let mut standing = photographer.standing_plan();
    let rooms = photographer.furnished();
    let mut seated: Vec<Plan> = rooms.iter().map(|room| photographer.seated_plan(room)).collect();
    photographer.all = standing.left() + seated.iter().map(Plan::left).sum::<u32>();
    let own = Furnished { scene: Arc::clone(&site.scene), chairs: vec![] };
    photographer.photograph(&own, &mut standing, Posture::Standing, light, each)?;
    for (room, plan) in rooms.iter().zip(&mut seated) {
        photographer.photograph(room, plan, Posture::Seated, light, each)?;
    }
    Ok(())
}

/// A room with chairs set out for people to sit on.
struct Furnished {
    scene: Arc<Scene>,
    /// Names and places of those that people are to sit on.
    chairs: Vec<(String, DVec2)>,
}

struct Photographer<'s> {
    site: &'s Site,
    eye: Eye,
    rng: ChaCha8Rng,
    /// Placements so far, and all of them.
    done: u32,
    all: u32,
}

impl Photographer<'_> {
    /// Everywhere that somebody can stand with the head in the picture.
    fn standing_plan(&mut self) -> Plan {
        let mut plan = Plan::new(self.site);
        let free = self.site.scene.free_floor(FEET_CLEAR_M);
        for cell in 0..plan.wanted.len() {
            let places: Vec<DVec2> = (0..TRIES).map(|_| plan.place_in(cell, &mut self.rng)).collect();
            if places.iter().any(|place| free(*place) && self.eye.is_in_picture(place.extend(STANDING_HEAD_M))) {
                plan.wanted[cell] = PLACEMENTS;
            }
        }
        plan
    }

    /// The room with its own chairs, and then with others, until there was one in each cell that has room for it.
    fn furnished(&mut self) -> Vec<Furnished> {
        let scene = &self.site.scene;
        let is_chair = |piece: &&Furniture| piece.piece == Piece::Chair;
        let own = scene.furniture.iter().filter(is_chair).map(|chair| (chair.name.clone(), chair.place())).collect();
        let mut rooms = vec![Furnished { scene: Arc::clone(scene), chairs: own }];
        let plan = Plan::new(self.site);
        let free = scene.free_floor(CHAIR_CLEAR_M);
        let mut had: Vec<bool> = vec![false; plan.wanted.len()];
        rooms[0].chairs.iter().for_each(|(_, place)| had[plan.cell_of(*place)] = true);
        loop {
            let mut chairs: Vec<Furniture> = Vec::new();
            let mut cells: Vec<usize> = (0..had.len()).filter(|cell| !had[*cell]).collect();
            cells.shuffle(&mut self.rng);
            for cell in cells {
                let mut tries = (0..TRIES).map(|_| plan.place_in(cell, &mut self.rng));
                let is_apart =
                    |place: &DVec2| chairs.iter().all(|other| other.place().distance(*place) >= CHAIRS_APART_M);
                let Some(place) = tries.find(|place| free(*place) && is_apart(place)) else { continue };
                let turn_deg = self.rng.random_range(0.0..360.0);
                chairs.push(chair(format!("chair-set-out-{}", chairs.len()), place, turn_deg));
            }
            // What is left has no room for a chair.
            if chairs.is_empty() {
                break;
            }
            chairs.iter().for_each(|chair| had[plan.cell_of(chair.place())] = true);
            let names = chairs.iter().map(|chair| (chair.name.clone(), chair.place())).collect();
            let Some(scene) = scene.with_furniture(chairs) else { break };
            rooms.push(Furnished { scene: Arc::new(scene), chairs: names });
        }
        rooms
    }

    fn seated_plan(&self, room: &Furnished) -> Plan {
        let mut plan = Plan::new(self.site);
        for (_, place) in &room.chairs {
            if self.eye.is_in_picture(place.extend(SEATED_HEAD_M)) {
                let cell = plan.cell_of(*place);
                plan.wanted[cell] = PLACEMENTS;
            }
        }
        plan
    }

    fn photograph(
        &mut self,
        room: &Furnished,
        plan: &mut Plan,
        posture: Posture,
        light: &mut dyn LightSource,
        each: &mut dyn FnMut(Placed),
    ) -> Result<(), LightError> {
        let free = self.site.scene.free_floor(FEET_CLEAR_M);
        while plan.left() > 0 {
            let mut places: Vec<DVec2> = Vec::new();
            let mut starts = Vec::new();
            let open = plan.open(&mut self.rng);
            for cell in &open {
                if starts.len() == PEOPLE_MAX {
                    break;
                }
                if posture == Posture::Seated {
                    let here: Vec<_> = room.chairs.iter().filter(|(_, place)| plan.cell_of(*place) == *cell).collect();
                    if let Some((name, place)) = here.choose(&mut self.rng) {
                        places.push(*place);
                        starts.push((Start::Sits { on: name.clone() }, vec![]));
                    }
                    continue;
                }
                let mut tries = (0..TRIES).map(|_| plan.place_in(*cell, &mut self.rng));
                let is_apart = |place: &DVec2| places.iter().all(|other| other.distance(*place) >= STANDING_APART_M);
                if let Some(place) = tries.find(|place| free(*place) && is_apart(place)) {
                    places.push(place);
                    let facing_deg = self.rng.random_range(-180.0..180.0);
                    starts.push((Start::Stands { at_m: place.into(), facing_deg }, vec![]));
                }
            }
            if starts.is_empty() {
                // Too narrow to be hit by chance.
                open.iter().for_each(|cell| plan.wanted[*cell] = 0);
                break;
            }
            let scene = Arc::new(room.scene.with_people_starting(&mut self.rng, starts, Looks::Library));
            let (site, view, t_s) = (self.site, self.site.view(), self.rng.random_range(0.0..1.0));
            let (settings, lux) = (site.configuration.image, site.scene.light.lux);
            let seed = self.rng.random();
            let image = sweep::take(light, (&scene, site.sensor_at, view), (&site.profile, settings, seed), t_s, lux)?;
            let mut heads = Vec::new();
            for person in scene.at(t_s).people {
                let cell = plan.cell_of(places[person.index]);
                self.done += 1;
                plan.wanted[cell] = plan.wanted[cell].saturating_sub(1);
                heads.push(Head { cell, seen: self.eye.head(person.head) });
            }
            each(Placed { image, progress: f64::from(self.done) / f64::from(self.all.max(1)), posture, heads });
        }
        Ok(())
    }
}

/// An office chair.
fn chair(name: String, place: DVec2, turn_deg: f64) -> Furniture {
    Furniture { name, piece: Piece::Chair, at_m: place.into(), turn_deg, color: Color::new(58, 62, 70), finish: None }
}

/// Adds up what a detector makes of the pictures.
pub struct Tally {
    prediction: Prediction,
}

impl Tally {
    /// Of a room, with nothing in it yet.
    pub fn new(site: &Site) -> Self {
        let Plan { cells, cell_m, .. } = Plan::new(site);
        let nobody = vec![vec![None; cells[0]]; cells[1]];
        let (seated, standing) = (nobody.clone(), nobody);
        Tally { prediction: Prediction { cells, cell_m: cell_m.into(), seated, standing, pictures: 0, phantoms: 0 } }
    }

    /// What was found in a picture, of what the device takes for somebody.
    pub fn add(&mut self, placed: &Placed, detections: &[Detection]) {
        let Prediction { cells, seated, standing, pictures, phantoms, .. } = &mut self.prediction;
        let by_cell = if placed.posture == Posture::Seated { seated } else { standing };
        // The nearest pairs first: each detection is of one, each person found once.
        let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
        for (i, head) in placed.heads.iter().enumerate() {
            let Some((at_px, width_px)) = head.seen else { continue };
            let reach_px = (ON_HEAD * width_px).max(ON_HEAD_PX);
            let near = detections.iter().map(|detection| detection.head_px.distance(at_px)).enumerate();
            pairs.extend(near.filter(|(_, apart)| *apart <= reach_px).map(|(j, apart)| (apart, i, j)));
        }
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut found, mut used) = (vec![false; placed.heads.len()], vec![false; detections.len()]);
        for (_, i, j) in pairs {
            if !found[i] && !used[j] {
                (found[i], used[j]) = (true, true);
            }
        }
        for (head, found) in placed.heads.iter().zip(found) {
            let cell = by_cell[head.cell / cells[0]][head.cell % cells[0]].get_or_insert_default();
            cell.placed += 1;
            cell.found += u32::from(found);
        }
        *pictures += 1;
        *phantoms += used.iter().filter(|used| !**used).count() as u32;
    }

    /// What all of it comes to.
    pub fn into_prediction(self) -> Prediction {
        self.prediction
    }
}
