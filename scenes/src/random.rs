//! Random rooms with random people, for training. The library is for testing and is not drawn from here.

use glam::DVec2;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::footprint::Footprint;
use crate::{
    Color, Finish, Light, Luminaire, LuminaireKind, Person, Piece, Room, Scene, Start, Step, Sun, Thing, Wall, WallPart,
};
use furnishing::furnish;
pub(crate) use looks::random_body;
use looks::{THINGS, random_things};

mod furnishing;
mod looks;

/// What may be taken for people in a random room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clutter {
    /// From hardly anything to a lot.
    #[default]
    Any,
    /// Tables, chairs and what lies on tables: a simple and clean environment, as guide §5.3.4 calls meeting rooms.
    None,
}

/// A room of random size, colours, light and furniture with up to `people_max` people who walk, stand and sit. Some rooms
/// are empty.
pub fn random_scene(rng: &mut ChaCha8Rng, people_max: usize, clutter: Clutter) -> Scene {
    // Many are halls, where people are small and need more practice.
    let hall = rng.random_bool(0.35);
    let size = if hall {
        DVec2::new(rng.random_range(4.0..14.0), rng.random_range(4.0..9.0))
    } else {
        DVec2::new(rng.random_range(3.0..9.0), rng.random_range(3.0..7.5))
    };
    let ceiling_m = if hall { rng.random_range(4.3..7.2) } else { rng.random_range(2.5..4.3) };
    let room = random_room(rng, size, ceiling_m);
    let light = random_light(rng, &room);

    let furniture = furnish(rng, size, ceiling_m, clutter);
    let taken = Footprint::all(&furniture);
    let mut people: Vec<Person> = Vec::new();
    let wanted = if rng.random_bool(0.06) { 0 } else { rng.random_range(1..=people_max) };
    let mut free_chairs: Vec<(String, DVec2)> =
        furniture.iter().filter(|f| f.piece == Piece::Chair).map(|f| (f.name.clone(), f.place())).collect();
    let mut places: Vec<DVec2> = Vec::new();
    for index in 0..wanted {
        let name = format!("person-{index}");
        let body = random_body(rng);
        if !free_chairs.is_empty() && rng.random_bool(0.65) {
            let (on, place) = free_chairs.swap_remove(rng.random_range(0..free_chairs.len()));
            if places.iter().any(|other| other.distance(place) < 0.5) {
                continue;
            }
            places.push(place);
            people.push(Person {
                name,
                body,
                starts: Start::Sits { on },
                appears_s: 0.0,
                carries: random_things(rng, &[Thing::Backpack, Thing::Handbag, Thing::Laptop]),
                does: vec![],
            });
            continue;
        }
        let at = within(rng, size, 0.25);
        let place = DVec2::new(at.0, at.1);
        if places.iter().any(|other| other.distance(place) < 0.42)
            || taken.iter().any(|piece| piece.distance(place) < 0.15)
        {
            continue;
        }
        places.push(place);
        let facing_deg = rng.random_range(0.0..360.0);
        let carries = random_things(rng, &THINGS);
        let rolls = carries.iter().any(|carried| carried.thing == Thing::Wheelchair);
        let fastest = if rolls { 1.5 } else { 2.2 };
        let does = if rng.random_bool(0.6) {
            vec![Step::Walk { via_m: vec![within(rng, size, 0.2)], speed_m_s: rng.random_range(0.4..fastest) }]
        } else {
            vec![]
        };
        let starts = Start::Stands { at_m: at, facing_deg };
        people.push(Person { name, body, starts, appears_s: 0.0, carries, does });
    }
    Scene::new(room, light, furniture, people)
        .unwrap_or_else(|(field, words)| panic!("a random scene broke the rules of scenes: {field}: {words}"))
}

fn random_room(rng: &mut ChaCha8Rng, size: DVec2, ceiling_m: f64) -> Room {
    let floors = [
        Finish::Plain,
        Finish::Wood,
        Finish::Carpet,
        Finish::Concrete,
        Finish::Tiles { edge_m: rng.random_range(0.15..1.0) },
    ];
    let walls = [Finish::Plaster, Finish::Plaster, Finish::Concrete, Finish::Tiles { edge_m: 0.2 }, Finish::Wood];
    let mut room = Room {
        size_m: (size.x, size.y),
        ceiling_m,
        floor: lining(rng, FLOORS, 0.25),
        floor_finish: floors[rng.random_range(0..floors.len())],
        walls: lining(rng, WALLS, 0.15),
        walls_finish: walls[rng.random_range(0..walls.len())],
        mirrors: vec![],
    };
    if rng.random_bool(0.12) {
        let mirror = random_part(rng, &room, 0.0..1.0);
        room.mirrors.push(mirror);
    }
    room
}

/// A window or a mirror somewhere on a wall, its lower edge within a range.
fn random_part(rng: &mut ChaCha8Rng, room: &Room, bottom_m: std::ops::Range<f64>) -> WallPart {
    let wall = Wall::ALL[rng.random_range(0..4)];
    let length = room.wall(wall).u.length();
    let wide = rng.random_range(0.6..3.0f64).min(length * 0.8);
    let from_m = rng.random_range(0.0..length - wide);
    let bottom_m = rng.random_range(bottom_m);
    // High enough to give some light where it is measured.
    let top_m = (bottom_m + rng.random_range(0.9..2.0)).min(room.ceiling_m);
    WallPart { wall, from_m, to_m: from_m + wide, bottom_m, top_m }
}

fn random_light(rng: &mut ChaCha8Rng, room: &Room) -> Light {
    let size = DVec2::new(room.size_m.0, room.size_m.1);
    let kind = match rng.random_range(0..5) {
        0 => LuminaireKind::Batten { turn_deg: 90.0 * f64::from(rng.random_range(0..2)) },
        1 => LuminaireKind::Downlight,
        2 => LuminaireKind::Pendant { height_m: rng.random_range(1.9..room.ceiling_m) },
        _ => LuminaireKind::Panel,
    };
    let mut luminaire =
        || Luminaire { at_m: within(rng, size, 0.3), kind, flux: if rng.random_bool(0.1) { 0.0 } else { 1.0 } };
    let mut luminaires: Vec<Luminaire> = (0..4).map(|_| luminaire()).collect();
    luminaires.truncate(rng.random_range(1..5));
    luminaires[0].flux = 1.0;
    // 8 to 1,200 lx, evenly on a logarithmic scale: eyes and cameras judge light by ratios.
    let lux = 8.0 * 150f64.powf(rng.random_range(0.0..1.0));
    let diffuse_share = rng.random_range(0.25..0.9);
    let mut light = Light { lux, diffuse_share, luminaires, ..Light::default() };
    if rng.random_bool(0.2) {
        light.flicker = rng.random_range(0.0..0.6);
    }
    if rng.random_bool(0.25) {
        let count = rng.random_range(1..3);
        for _ in 0..count {
            let window = random_part(rng, room, 0.0..1.2);
            if room.is_free(&window, &light.windows) {
                light.windows.push(window);
            }
        }
    }
    if !light.windows.is_empty() {
        light.daylight_share = (1.0 - diffuse_share) * rng.random_range(0.0..1.0);
        if rng.random_bool(0.4) {
            // It stands before the first window, more or less.
            let out = -room.part(&light.windows[0]).normal();
            light.sun = Some(Sun {
                azimuth_deg: out.y.atan2(out.x).to_degrees() + rng.random_range(-60.0..60.0),
                elevation_deg: rng.random_range(15.0..60.0),
                lux: lux * rng.random_range(2.0..30.0),
                turns_deg_per_min: 0.0,
            });
        }
    }
    light
}

fn within(rng: &mut ChaCha8Rng, size: DVec2, margin: f64) -> (f64, f64) {
    (rng.random_range(margin..size.x - margin), rng.random_range(margin..size.y - margin))
}

/// Most rooms, and most people, are dressed in hardly any colour.
fn vividness(rng: &mut ChaCha8Rng) -> f64 {
    if rng.random_bool(0.35) { 1.0 } else { 0.25 }
}

/// Reflectances that rooms for work should have (EN 12464-1:2011, 4.2.2); most rooms have them.
const FLOORS: std::ops::Range<f64> = 0.2..0.4;
const WALLS: std::ops::Range<f64> = 0.5..0.8;

/// A floor's or a wall's colour, of a usual reflectance more often than not.
fn lining(rng: &mut ChaCha8Rng, usual: std::ops::Range<f64>, saturation: f64) -> Color {
    if rng.random_bool(0.4) {
        return surface(rng, saturation);
    }
    // The sRGB encoding of IEC 61966-2-1.
    let value = 1.055 * rng.random_range(usual).powf(1.0 / 2.4) - 0.055;
    tinted(rng, value, saturation)
}

/// A colour of any brightness; `saturation` bounds how far it is from grey.
fn surface(rng: &mut ChaCha8Rng, saturation: f64) -> Color {
    let value = rng.random_range(0.06..0.95);
    tinted(rng, value, saturation)
}

fn tinted(rng: &mut ChaCha8Rng, value: f64, saturation: f64) -> Color {
    let mut channel = || ((value * (1.0 + saturation * rng.random_range(-1.0..0.4))).clamp(0.0, 1.0) * 255.0) as u8;
    Color::new(channel(), channel(), channel())
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn random_rooms_and_their_light_keep_the_rules_however_rare_the_draw() {
        for seed in 0..30_000 {
            let rng = &mut ChaCha8Rng::seed_from_u64(seed);
            let ceiling_m = rng.random_range(2.5..7.2);
            let room = random_room(rng, DVec2::new(3.0, 3.0), ceiling_m);
            let light = random_light(rng, &room);
            let problems = [room.problems(), light.problems(&room)].concat();
            assert!(problems.is_empty(), "seed {seed}: {problems:?}");
        }
    }

    #[test]
    fn random_scenes_keep_the_rules_of_scenes_and_repeat_with_their_seed() {
        let mut empty = 0;
        for seed in 0..300 {
            let scene = random_scene(&mut ChaCha8Rng::seed_from_u64(seed), 10, Clutter::Any);
            let again = random_scene(&mut ChaCha8Rng::seed_from_u64(seed), 10, Clutter::Any);
            assert_eq!(scene.at(1.5), again.at(1.5));
            assert!(scene.people.len() <= 10);
            empty += u32::from(scene.people.is_empty());
        }
        assert!((9..=40).contains(&empty), "{empty} of 300 rooms are empty");
    }
}
