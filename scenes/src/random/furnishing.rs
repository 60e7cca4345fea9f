//! How random rooms are furnished: as offices, classrooms and canteens are, and as rooms happen to be; with much that
//! looks like a head or like somebody on a chair.

use std::ops::Range;

use glam::DVec2;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{Clutter, surface, vividness, within};
use crate::{Color, Finish, Furniture, Piece};

/// What stands in a room of this size under a ceiling of this height, m.
pub(super) fn furnish(rng: &mut ChaCha8Rng, size: DVec2, ceiling_m: f64, clutter: Clutter) -> Vec<Furniture> {
    let mut room = Furnishing { size, ceiling_m, clutter, vivid: vividness(rng), pieces: vec![] };
    if clutter == Clutter::None {
        match rng.random_range(0..3) {
            0 => room.add_rows_of_chairs(rng),
            1 => room.add_long_tables(rng),
            _ => (0..rng.random_range(1..4)).for_each(|_| room.add_table_with_chairs(rng)),
        }
        return room.pieces;
    }
    // Corridors and lobbies are all but bare.
    if rng.random_bool(0.15) {
        for _ in 0..rng.random_range(0..4) {
            let piece = any_clutter(rng);
            room.add(rng, piece);
        }
        return room.pieces;
    }
    match rng.random_range(0..10) {
        0 | 1 => room.add_workplaces(rng),
        2 | 3 => room.add_rows_of_chairs(rng),
        4 => room.add_long_tables(rng),
        _ => {
            for _ in 0..rng.random_range(0..4) {
                room.add_table_with_chairs(rng);
            }
            for _ in 0..rng.random_range(0..5) {
                room.add(rng, Piece::Chair);
            }
        }
    }
    if rng.random_bool(0.25) {
        room.add_shelves(rng);
    }
    if rng.random_bool(0.15) {
        room.add_coat_stand(rng);
    }
    for _ in 0..rng.random_range(0..9) {
        let piece = any_clutter(rng);
        room.add(rng, piece);
    }
    if rng.random_bool(0.3) {
        for _ in 0..rng.random_range(1..5) {
            let spot = Spot { middle: room.anywhere(rng, 0.2), turn_deg: any_turn(rng) };
            room.add_pile(rng, spot, 0.0);
        }
    }
    room.pieces
}

/// Where a group of pieces stands, and how it is turned, counter-clockwise.
#[derive(Clone, Copy)]
struct Spot {
    middle: DVec2,
    turn_deg: f64,
}

impl Spot {
    fn moved(self, offset: DVec2) -> Spot {
        Spot { middle: self.middle + DVec2::from_angle(self.turn_deg.to_radians()).rotate(offset), ..self }
    }

    fn turned(self, by_deg: f64) -> Spot {
        Spot { turn_deg: (self.turn_deg + by_deg).rem_euclid(360.0), ..self }
    }
}

/// A room that is being furnished.
struct Furnishing {
    size: DVec2,
    ceiling_m: f64,
    clutter: Clutter,
    vivid: f64,
    pieces: Vec<Furniture>,
}

impl Furnishing {
    fn anywhere(&self, rng: &mut ChaCha8Rng, margin: f64) -> DVec2 {
        within(rng, self.size, margin).into()
    }

    fn color(&self, rng: &mut ChaCha8Rng, saturation: f64) -> Color {
        surface(rng, saturation * self.vivid)
    }

    /// Puts a piece where there is room for its middle; what would be outside or reach the ceiling is left out.
    fn put(&mut self, spot: Spot, piece: Piece, color: Color, finish: Option<Finish>) {
        let at = spot.middle;
        const MARGIN_M: f64 = 0.05;
        if at.min(self.size - at).min_element() < MARGIN_M {
            return;
        }
        let name = format!("piece-{}", self.pieces.len());
        let piece = Furniture { name, piece, at_m: at.into(), turn_deg: spot.turn_deg, color, finish };
        if piece.top_m() < self.ceiling_m {
            self.pieces.push(piece);
        }
    }

    fn add(&mut self, rng: &mut ChaCha8Rng, piece: Piece) {
        let spot = Spot { middle: self.anywhere(rng, 0.2), turn_deg: any_turn(rng) };
        let color = self.color(rng, 0.6);
        let finish = finish(rng);
        self.put(spot, piece, color, finish);
    }

    /// A table of any size with up to five chairs around it.
    fn add_table_with_chairs(&mut self, rng: &mut ChaCha8Rng) {
        let (length, depth): (f64, f64) = (rng.random_range(0.8..2.6), rng.random_range(0.6..1.2));
        let height = table_height(rng);
        let round = rng.random_bool(0.25);
        let spot = Spot { middle: self.anywhere(rng, 0.6), turn_deg: turn(rng) };
        let color = self.color(rng, 0.4);
        let chair_color = self.color(rng, 0.5);
        let piece = if round {
            Piece::RoundTable { diameter_m: depth.max(0.8), height_m: height }
        } else {
            Piece::Table { size_m: (length, depth, height) }
        };
        self.put(spot, piece, color, None);
        let reach = if round { depth.max(0.8) / 2.0 } else { depth / 2.0 };
        for _ in 0..rng.random_range(0..6) {
            let side = if round {
                any_turn(rng)
            } else if rng.random_bool(0.5) {
                0.0
            } else {
                180.0
            };
            let along = if round { 0.0 } else { rng.random_range(-0.4..0.4) * length };
            let place = spot.turned(side).moved(DVec2::new(along, -reach));
            self.add_chair(rng, place, 0.1..0.35, 20.0, chair_color);
            // What lies before a sitter, under the hands: a laptop, a pad, papers.
            if rng.random_bool(0.5) {
                let before = DVec2::new(rng.random_range(-0.15..0.15), rng.random_range(0.12..0.3));
                let size_m = (rng.random_range(0.18..0.45), rng.random_range(0.15..0.35), 0.02);
                let color = self.color(rng, 0.4);
                let lies = place.moved(before).turned(rng.random_range(-25.0..25.0));
                self.put(lies, Piece::Slab { size_m, above_m: height }, color, None);
            }
        }
        for _ in 0..rng.random_range(0..5) {
            let on = DVec2::new(rng.random_range(-0.4..0.4) * length, rng.random_range(-0.35..0.35) * depth);
            self.add_top_thing(rng, spot.moved(on), height);
        }
    }

    /// A chair before the middle of a table's edge, which it faces: how far from it, and turned by up to how many
    /// degrees; now and then with what a person is most easily taken for.
    fn add_chair(&mut self, rng: &mut ChaCha8Rng, edge: Spot, away_m: Range<f64>, turned_deg: f64, color: Color) {
        let chair = edge.moved(DVec2::new(0.0, -rng.random_range(away_m)));
        let chair = chair.turned(rng.random_range(-1.0..1.0) * turned_deg);
        self.put(chair, Piece::Chair, color, None);
        if self.clutter == Clutter::None {
            return;
        }
        match rng.random_range(0..16) {
            0 | 1 => {
                let color = self.color(rng, 0.5);
                self.put(chair, Piece::Coat, color, None);
            }
            2 => {
                let piece =
                    Piece::Ball { diameter_m: rng.random_range(0.15..0.35), above_m: rng.random_range(0.5..0.8) };
                let color = self.color(rng, 0.6);
                self.put(chair.moved(DVec2::new(0.0, -0.1)), piece, color, finish(rng));
            }
            3 => {
                let piece = bag(rng, 0.45);
                let color = self.color(rng, 0.6);
                self.put(chair, piece, color, finish(rng));
            }
            4 => {
                let piece = bag(rng, 0.0);
                let color = self.color(rng, 0.6);
                let beside = DVec2::new(rng.random_range(-0.5..0.5), -0.25);
                self.put(chair.moved(beside), piece, color, finish(rng));
            }
            _ => {}
        }
    }

    /// Desks in rows or back to back, each with its chair and what one works with.
    fn add_workplaces(&mut self, rng: &mut ChaCha8Rng) {
        let desk: (f64, f64) = (rng.random_range(1.1..1.9), rng.random_range(0.6..0.9));
        let height = table_height(rng);
        let (desk_color, chair_color) = (self.color(rng, 0.4), self.color(rng, 0.5));
        let back_to_back = rng.random_bool(0.6);
        let aisle = rng.random_range(1.3..2.4);
        let pitch = DVec2::new(
            desk.0 + rng.random_range(0.0..0.4),
            if back_to_back { 2.0 * desk.1 + 2.0 * aisle } else { desk.1 + aisle },
        );
        let used = rng.random_range(0.5..1.0);
        let partition = rng.random_bool(0.25).then(|| rng.random_range(1.05..1.5));
        let screen_color = Color::new(24, 26, 30);
        for spot in self.grid(rng, pitch, 16) {
            let sides: &[f64] = if back_to_back { &[0.0, 180.0] } else { &[0.0] };
            for side in sides {
                let place = spot.turned(*side).moved(DVec2::new(0.0, -desk.1 / 2.0 - 0.01));
                self.put(place, Piece::Table { size_m: (desk.0, desk.1, height) }, desk_color, None);
                let edge = place.moved(DVec2::new(rng.random_range(-0.2..0.2), -desk.1 / 2.0));
                if rng.random_bool(0.9) {
                    self.add_chair(rng, edge, 0.05..0.5, 40.0, chair_color);
                }
                if !rng.random_bool(used) {
                    continue;
                }
                for _ in 0..rng.random_range(0..3) {
                    let at = DVec2::new(rng.random_range(-0.3..0.3), 0.25 * desk.1);
                    let size_m =
                        (rng.random_range(0.4..0.7), rng.random_range(0.03..0.08), rng.random_range(0.25..0.4));
                    let screen = Piece::Slab { size_m, above_m: height + rng.random_range(0.05..0.15) };
                    let color = if rng.random_bool(0.7) { screen_color } else { self.color(rng, 0.3) };
                    self.put(place.moved(at).turned(rng.random_range(-15.0..15.0)), screen, color, None);
                }
                let keys = Piece::Slab { size_m: (rng.random_range(0.28..0.46), 0.14, 0.02), above_m: height };
                let color = self.color(rng, 0.2);
                self.put(edge.moved(DVec2::new(0.0, 0.2)).turned(rng.random_range(-8.0..8.0)), keys, color, None);
                for _ in 0..rng.random_range(0..4) {
                    let on = DVec2::new(rng.random_range(-0.45..0.45) * desk.0, rng.random_range(-0.4..0.4) * desk.1);
                    self.add_top_thing(rng, place.moved(on), height);
                }
            }
            if let Some(high) = partition {
                let color = self.color(rng, 0.5);
                self.put(spot, Piece::Block { size_m: (desk.0, 0.05, high) }, color, Some(Finish::Fabric));
            }
        }
    }

    /// Chairs side by side in rows, all facing one way, with desks before them or without.
    fn add_rows_of_chairs(&mut self, rng: &mut ChaCha8Rng) {
        let abreast = rng.random_range(1..5);
        let apart = rng.random_range(0.5..0.85);
        let width = f64::from(abreast) * apart;
        let depth = rng.random_range(0.35..0.7);
        let desks = rng.random_bool(0.6);
        let height = table_height(rng);
        let pitch = DVec2::new(
            width + rng.random_range(0.1..1.0),
            if desks { depth + rng.random_range(0.6..1.1) } else { rng.random_range(0.75..1.3) },
        );
        let (desk_color, chair_color) = (self.color(rng, 0.4), self.color(rng, 0.6));
        let untidy = rng.random_range(0.0..1.0f64).powi(2);
        let missing = if rng.random_bool(0.5) { 0.0 } else { rng.random_range(0.0..0.4) };
        for spot in self.grid(rng, pitch, 40 / abreast as usize) {
            if desks {
                self.put(spot, Piece::Table { size_m: (width.max(0.5), depth, height) }, desk_color, None);
            }
            for chair in 0..abreast {
                if rng.random_bool(missing) {
                    continue;
                }
                let along = (f64::from(chair) + 0.5) * apart - width / 2.0;
                let color = if rng.random_bool(0.1) { self.color(rng, 0.6) } else { chair_color };
                let edge = spot.moved(DVec2::new(along, -depth / 2.0));
                self.add_chair(rng, edge, 0.15..0.2 + 0.3 * untidy, 40.0 * untidy, color);
                if desks && rng.random_bool(0.3) {
                    let on = edge.moved(DVec2::new(rng.random_range(-0.1..0.1), 0.5 * depth));
                    self.add_top_thing(rng, on, height);
                }
            }
        }
    }

    /// Long tables with chairs along both sides, and what one eats from.
    fn add_long_tables(&mut self, rng: &mut ChaCha8Rng) {
        let length: f64 = rng.random_range(1.4..3.4);
        let depth: f64 = rng.random_range(0.65..1.0);
        let height = table_height(rng);
        let apart = rng.random_range(0.5..0.8);
        let pitch = DVec2::new(length + rng.random_range(0.0..0.8), depth + rng.random_range(1.1..2.2));
        let (table_color, chair_color) = (self.color(rng, 0.4), self.color(rng, 0.6));
        let served = rng.random_range(0.0..0.7);
        let seats = (length / apart) as i32;
        for spot in self.grid(rng, pitch, 6) {
            self.put(spot, Piece::Table { size_m: (length, depth, height) }, table_color, None);
            for (side, seat) in [0.0, 180.0].into_iter().flat_map(|side| (0..seats).map(move |seat| (side, seat))) {
                let along = (f64::from(seat) + 0.5 - f64::from(seats) / 2.0) * apart;
                let edge = spot.turned(side).moved(DVec2::new(along, -depth / 2.0));
                if rng.random_bool(0.9) {
                    self.add_chair(rng, edge, 0.1..0.35, 15.0, chair_color);
                }
                if rng.random_bool(served) {
                    let tray = Piece::Slab { size_m: (0.4, 0.3, 0.015), above_m: height };
                    let plate = Piece::Drum {
                        diameter_m: rng.random_range(0.15..0.28),
                        height_m: 0.02,
                        above_m: height + 0.016,
                    };
                    let (tray_color, plate_color) = (self.color(rng, 0.6), self.color(rng, 0.2));
                    let at = edge.moved(DVec2::new(0.0, 0.2)).turned(rng.random_range(-15.0..15.0));
                    self.put(at, tray, tray_color, None);
                    self.put(at, plate, plate_color, None);
                }
            }
            for _ in 0..rng.random_range(0..4) {
                let on = DVec2::new(rng.random_range(-0.4..0.4) * length, rng.random_range(-0.3..0.3) * depth);
                self.add_top_thing(rng, spot.moved(on), height);
            }
        }
    }

    /// The places of a grid that covers part of the room or all of it: at most so many, all turned alike.
    fn grid(&self, rng: &mut ChaCha8Rng, pitch: DVec2, most: usize) -> Vec<Spot> {
        let first = Spot { middle: self.anywhere(rng, 0.3), turn_deg: turn(rng) };
        let (columns, rows) = (rng.random_range(1..7), rng.random_range(1..7));
        // Around the middle of the room rather than off to one side of it.
        let shift = DVec2::new(f64::from(columns / 2), f64::from(rows / 2)) * pitch;
        let places = (0..columns).flat_map(|column| (0..rows).map(move |row| (f64::from(column), f64::from(row))));
        let spots = places.map(|(column, row)| first.moved(DVec2::new(column, row) * pitch - shift));
        let inside = |spot: &Spot| spot.middle.min(self.size - spot.middle).min_element() > 0.3;
        spots.filter(inside).take(most).collect()
    }

    /// Cupboards and shelves along a wall, with things on top.
    fn add_shelves(&mut self, rng: &mut ChaCha8Rng) {
        let (depth, high): (f64, f64) = (rng.random_range(0.25..0.6), rng.random_range(0.5..2.1));
        let color = self.color(rng, 0.4);
        let finish = finish(rng);
        // Seen from the wall, the room begins at half the depth.
        let (wall, along_x) = (rng.random_bool(0.5), rng.random_bool(0.5));
        let across = if along_x { self.size.y } else { self.size.x };
        let length = if along_x { self.size.x } else { self.size.y };
        let off = if wall { depth / 2.0 } else { across - depth / 2.0 };
        let mut at = rng.random_range(0.0..1.0);
        for _ in 0..rng.random_range(1..5) {
            let wide = rng.random_range(0.4..1.6);
            if at + wide > length {
                break;
            }
            let middle = at + wide / 2.0;
            let middle = if along_x { DVec2::new(middle, off) } else { DVec2::new(off, middle) };
            let spot = Spot { middle, turn_deg: if along_x { 0.0 } else { 90.0 } };
            self.put(spot, Piece::Block { size_m: (wide, depth, high) }, color, finish);
            for _ in 0..rng.random_range(0..3) {
                let on = DVec2::new(rng.random_range(-0.4..0.4) * wide, 0.0);
                self.add_top_thing(rng, spot.moved(on), high);
            }
            at += wide + if rng.random_bool(0.7) { 0.01 } else { rng.random_range(0.1..1.5) };
        }
    }

    /// A pole with what hangs on it: from above, and from the side, almost a person.
    fn add_coat_stand(&mut self, rng: &mut ChaCha8Rng) {
        let spot = Spot { middle: self.anywhere(rng, 0.2), turn_deg: any_turn(rng) };
        let high = rng.random_range(1.5..1.9);
        let color = self.color(rng, 0.3);
        self.put(spot, Piece::Drum { diameter_m: 0.05, height_m: high, above_m: 0.0 }, color, None);
        for _ in 0..rng.random_range(0..4) {
            let long = rng.random_range(0.5..0.95);
            let size_m = (rng.random_range(0.3..0.5), rng.random_range(0.12..0.3), long);
            let off = DVec2::from_angle(rng.random_range(0.0..std::f64::consts::TAU)) * rng.random_range(0.05..0.18);
            let piece = Piece::Bag { size_m, above_m: high - 0.1 - long };
            let color = self.color(rng, 0.6);
            self.put(spot.moved(off).turned(any_turn(rng)), piece, color, Some(Finish::Fabric));
        }
        if rng.random_bool(0.4) {
            let color = self.color(rng, 0.5);
            let piece = Piece::Ball { diameter_m: rng.random_range(0.18..0.34), above_m: high - 0.12 };
            self.put(spot, piece, color, Some(Finish::Fabric));
        }
    }

    /// Something on a table, a shelf or a cupboard.
    fn add_top_thing(&mut self, rng: &mut ChaCha8Rng, spot: Spot, above_m: f64) {
        let spot = spot.turned(any_turn(rng));
        let color = self.color(rng, 0.7);
        let piece = match rng.random_range(0..10) {
            0..=2 => Piece::Slab { size_m: (0.3, 0.21, 0.01), above_m },
            3 => Piece::Slab { size_m: (rng.random_range(0.35..0.6), 0.06, rng.random_range(0.25..0.4)), above_m },
            4 => Piece::Drum { diameter_m: rng.random_range(0.07..0.12), height_m: 0.1, above_m },
            5 => Piece::Drum { diameter_m: rng.random_range(0.1..0.3), height_m: rng.random_range(0.1..0.3), above_m },
            6 => Piece::Ball { diameter_m: rng.random_range(0.1..0.3), above_m },
            7 => bag(rng, above_m),
            8 => {
                self.add_desk_lamp(rng, spot, above_m, color);
                return;
            }
            _ => {
                self.add_pile(rng, spot, above_m);
                return;
            }
        };
        self.put(spot, piece, color, finish(rng));
    }

    fn add_desk_lamp(&mut self, rng: &mut ChaCha8Rng, spot: Spot, above_m: f64, color: Color) {
        let stem = rng.random_range(0.2..0.45);
        self.put(spot, Piece::Drum { diameter_m: 0.18, height_m: 0.03, above_m }, color, None);
        self.put(spot, Piece::Drum { diameter_m: 0.03, height_m: stem, above_m }, color, None);
        let (diameter_m, above_m) = (rng.random_range(0.14..0.32), above_m + stem);
        let shade = if rng.random_bool(0.5) {
            Piece::Ball { diameter_m, above_m }
        } else {
            Piece::Drum { diameter_m, height_m: 0.8 * diameter_m, above_m }
        };
        let color = if rng.random_bool(0.5) { color } else { self.color(rng, 0.4) };
        self.put(spot, shade, color, None);
    }

    /// Books, papers or boxes on each other, none quite straight.
    fn add_pile(&mut self, rng: &mut ChaCha8Rng, spot: Spot, above_m: f64) {
        let scale = if rng.random_bool(0.8) { 1.0 } else { 1.8 };
        let same = rng.random_bool(0.3).then(|| self.color(rng, 0.6));
        let mut top = above_m;
        for _ in 0..rng.random_range(2..7) {
            let thick = scale * rng.random_range(0.015..0.07);
            let size_m = (scale * rng.random_range(0.2..0.34), scale * rng.random_range(0.14..0.26), thick);
            let off = DVec2::new(rng.random_range(-0.03..0.03), rng.random_range(-0.03..0.03));
            let color = same.unwrap_or_else(|| self.color(rng, 0.8));
            let lies = spot.moved(off).turned(rng.random_range(-30.0..30.0));
            self.put(lies, Piece::Slab { size_m, above_m: top }, color, None);
            top += thick;
        }
    }
}

fn any_turn(rng: &mut ChaCha8Rng) -> f64 {
    rng.random_range(0.0..360.0)
}

/// Most tables stand along the walls.
fn turn(rng: &mut ChaCha8Rng) -> f64 {
    if rng.random_bool(0.6) { 90.0 * f64::from(rng.random_range(0..4)) } else { any_turn(rng) }
}

fn table_height(rng: &mut ChaCha8Rng) -> f64 {
    rng.random_range(0.70..0.78)
}

/// What clutter is made of; now and then what its kind is usually made of.
fn finish(rng: &mut ChaCha8Rng) -> Option<Finish> {
    let finishes = [Finish::Plain, Finish::Wood, Finish::Fabric, Finish::Concrete, Finish::Leaves, Finish::Stripes];
    finishes.get(rng.random_range(0..2 * finishes.len())).copied()
}

fn any_clutter(rng: &mut ChaCha8Rng) -> Piece {
    let kind = rng.random_range(0..9);
    let mut size = |low: f64, high: f64| rng.random_range(low..high);
    let (a, b) = (size(0.2, 0.9), size(0.2, 0.9));
    match kind {
        0 => Piece::Block { size_m: (a, b, size(0.2, 1.8)) },
        1 => Piece::Drum { diameter_m: a * 0.7, height_m: b, above_m: 0.0 },
        2 => Piece::Ball { diameter_m: size(0.15, 0.6), above_m: size(0.0, 1.4) },
        3 => Piece::Slab { size_m: (a, b, 0.02), above_m: 0.0 },
        4 | 5 => Piece::Plant { diameter_m: size(0.3, 1.2), height_m: size(0.4, 1.9) },
        6 => Piece::Lamp { diameter_m: size(0.2, 0.6), height_m: size(1.2, 1.9) },
        7 => bag(rng, 0.0),
        _ => Piece::Drum { diameter_m: size(0.15, 0.5), height_m: 0.2, above_m: size(1.2, 2.0) },
    }
}

fn bag(rng: &mut ChaCha8Rng, above_m: f64) -> Piece {
    let mut size = |low: f64, high: f64| rng.random_range(low..high);
    Piece::Bag { size_m: (size(0.25, 0.6), size(0.15, 0.45), size(0.15, 0.45)), above_m }
}

#[cfg(test)]
mod tests;
