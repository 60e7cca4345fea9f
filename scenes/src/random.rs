//! Random rooms with random people, for training. The library is for testing and is not drawn from here.

use glam::DVec2;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::library::library_looks;
use crate::{
    Body, Carried, Color, Finish, Furniture, Hair, Light, Luminaire, LuminaireKind, Person, Piece, Room, Scene, Start,
    Step, Sun, Thing, Wall, WallPart, Wear,
};

/// A room of random size, colours, light and clutter with up to `people_max` people who walk, stand and sit. Some rooms
/// are empty.
pub fn random_scene(rng: &mut ChaCha8Rng, people_max: usize) -> Scene {
    // Every fourth is a hall, where people are small.
    let hall = rng.random_bool(0.25);
    let size = if hall {
        DVec2::new(rng.random_range(4.0..14.0), rng.random_range(4.0..9.0))
    } else {
        DVec2::new(rng.random_range(3.0..9.0), rng.random_range(3.0..7.5))
    };
    let ceiling_m = if hall { rng.random_range(4.3..7.2) } else { rng.random_range(2.5..4.3) };
    let room = random_room(rng, size, ceiling_m);
    let light = random_light(rng, &room);

    let mut furniture = Vec::new();
    let vivid = vividness(rng);
    for _ in 0..rng.random_range(0..4) {
        add_table_with_chairs(rng, size, vivid, &mut furniture);
    }
    for _ in 0..rng.random_range(0..5) {
        add(rng, size, Piece::Chair, vivid, &mut furniture);
    }
    for _ in 0..rng.random_range(0..9) {
        let piece = clutter(rng);
        add(rng, size, piece, vivid, &mut furniture);
    }

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
        if places.iter().any(|other| other.distance(place) < 0.42) || furniture.iter().any(|f| blocks(f, place)) {
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
        floor: surface(rng, 0.25),
        floor_finish: floors[rng.random_range(0..floors.len())],
        walls: surface(rng, 0.15),
        walls_finish: walls[rng.random_range(0..walls.len())],
        mirrors: vec![],
    };
    if rng.random_bool(0.08) {
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

fn blocks(piece: &Furniture, place: DVec2) -> bool {
    let reach = match piece.piece {
        Piece::Table { size_m } | Piece::Block { size_m } => size_m.0.max(size_m.1) / 2.0,
        Piece::RoundTable { diameter_m, .. } => diameter_m / 2.0,
        Piece::Chair => 0.25,
        Piece::Bag { size_m, .. } => size_m.0.max(size_m.1) / 2.0,
        Piece::Plant { diameter_m, .. } => diameter_m / 2.0,
        Piece::Slab { .. } | Piece::Drum { .. } | Piece::Ball { .. } | Piece::Coat | Piece::Lamp { .. } => 0.2,
    };
    piece.place().distance(place) < reach + 0.15
}

fn add(rng: &mut ChaCha8Rng, size: DVec2, piece: Piece, vivid: f64, furniture: &mut Vec<Furniture>) {
    let at_m = within(rng, size, 0.2);
    let turn_deg = rng.random_range(0.0..360.0);
    let color = surface(rng, 0.6 * vivid);
    let finish = finish(rng);
    furniture.push(Furniture { name: format!("piece-{}", furniture.len()), piece, at_m, turn_deg, color, finish });
}

fn add_table_with_chairs(rng: &mut ChaCha8Rng, size: DVec2, vivid: f64, furniture: &mut Vec<Furniture>) {
    let (length, depth): (f64, f64) = (rng.random_range(0.8..2.6), rng.random_range(0.6..1.2));
    let height = rng.random_range(0.70..0.78);
    let round = rng.random_bool(0.25);
    let centre = within(rng, size, 0.6);
    let turn =
        if rng.random_bool(0.6) { 90.0 * f64::from(rng.random_range(0..4)) } else { rng.random_range(0.0..360.0) };
    let color = surface(rng, 0.4 * vivid);
    let chair_color = surface(rng, 0.5 * vivid);
    let mut put = |piece: Piece, offset: DVec2, turn_deg: f64, color: Color| {
        let at = DVec2::new(centre.0, centre.1) + DVec2::from_angle(turn.to_radians()).rotate(offset);
        if at.x < 0.05 || at.y < 0.05 || at.x > size.x - 0.05 || at.y > size.y - 0.05 {
            return;
        }
        let name = format!("piece-{}", furniture.len());
        furniture.push(Furniture {
            name,
            piece,
            at_m: (at.x, at.y),
            turn_deg: (turn + turn_deg).rem_euclid(360.0),
            color,
            finish: None,
        });
    };
    let piece = if round {
        Piece::RoundTable { diameter_m: depth.max(0.8), height_m: height }
    } else {
        Piece::Table { size_m: (length, depth, height) }
    };
    put(piece, DVec2::ZERO, 0.0, color);
    let reach = if round { depth.max(0.8) / 2.0 } else { depth / 2.0 };
    for _ in 0..rng.random_range(0..6) {
        let side = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
        let along = if round { 0.0 } else { rng.random_range(-0.4..0.4) * length };
        let offset = DVec2::new(along, side * (reach + rng.random_range(0.1..0.35)));
        let turn_deg = if side > 0.0 { 180.0 } else { 0.0 } + rng.random_range(-20.0..20.0);
        put(Piece::Chair, offset, turn_deg, chair_color);
        // What lies before a sitter, under the hands: a laptop, a pad, papers.
        if rng.random_bool(0.5) {
            let before =
                DVec2::new(along + rng.random_range(-0.15..0.15), side * (reach - rng.random_range(0.12..0.3)));
            let size_m = (rng.random_range(0.18..0.45), rng.random_range(0.15..0.35), 0.02);
            let thing = Piece::Slab { size_m, above_m: height };
            put(thing, before, rng.random_range(-25.0..25.0), surface(rng, 0.4 * vivid));
        }
        // Over, on or beside a chair: what a person is most easily taken for.
        match rng.random_range(0..12) {
            0 | 1 => put(Piece::Coat, offset, turn_deg, surface(rng, 0.5 * vivid)),
            2 => {
                let diameter_m = rng.random_range(0.15..0.35);
                let above_m = rng.random_range(0.5..0.8);
                put(Piece::Ball { diameter_m, above_m }, offset * 1.15, 0.0, surface(rng, 0.6 * vivid));
            }
            3 => put(bag(rng, 0.45), offset, turn_deg, surface(rng, 0.6 * vivid)),
            4 => put(bag(rng, 0.0), offset * 1.3, turn_deg, surface(rng, 0.6 * vivid)),
            _ => {}
        }
    }
    for _ in 0..rng.random_range(0..5) {
        let on = DVec2::new(rng.random_range(-0.4..0.4) * length, rng.random_range(-0.35..0.35) * depth);
        let thing = match rng.random_range(0..4) {
            0 => Piece::Slab { size_m: (0.3, 0.21, 0.01), above_m: height },
            1 => Piece::Slab { size_m: (0.55, 0.06, 0.35), above_m: height },
            2 => Piece::Drum { diameter_m: rng.random_range(0.08..0.3), height_m: 0.15, above_m: height },
            _ => Piece::Ball { diameter_m: rng.random_range(0.1..0.3), above_m: height },
        };
        put(thing, on, rng.random_range(0.0..360.0), surface(rng, 0.7 * vivid));
    }
}

/// What clutter is made of; now and then what its kind is usually made of.
fn finish(rng: &mut ChaCha8Rng) -> Option<Finish> {
    let finishes = [Finish::Plain, Finish::Wood, Finish::Fabric, Finish::Concrete, Finish::Leaves, Finish::Stripes];
    finishes.get(rng.random_range(0..2 * finishes.len())).copied()
}

fn clutter(rng: &mut ChaCha8Rng) -> Piece {
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

/// Every other room, and every other person, is dressed as most are: in hardly any colour.
fn vividness(rng: &mut ChaCha8Rng) -> f64 {
    if rng.random_bool(0.5) { 1.0 } else { 0.25 }
}

/// A colour of any brightness; `saturation` bounds how far it is from grey.
fn surface(rng: &mut ChaCha8Rng, saturation: f64) -> Color {
    let value: f64 = rng.random_range(0.06..0.95);
    let mut channel = || ((value * (1.0 + saturation * rng.random_range(-1.0..0.4))).clamp(0.0, 1.0) * 255.0) as u8;
    Color::new(channel(), channel(), channel())
}

/// What people on foot or wheels may have with them; umbrellas, which hide their heads, are rare.
const THINGS: [Thing; 13] = [
    Thing::Backpack,
    Thing::Backpack,
    Thing::Backpack,
    Thing::Handbag,
    Thing::Handbag,
    Thing::Laptop,
    Thing::Laptop,
    Thing::Box,
    Thing::Box,
    Thing::Trolley,
    Thing::Wheelchair,
    Thing::Wheelchair,
    Thing::Umbrella,
];

/// Now and then something.
fn random_things(rng: &mut ChaCha8Rng, things: &[Thing]) -> Vec<Carried> {
    if !rng.random_bool(0.25) {
        return vec![];
    }
    let color = rng.random_bool(0.6).then(|| surface(rng, 0.7));
    vec![Carried { thing: things[rng.random_range(0..things.len())], color }]
}

/// Yellow, orange and red as EN ISO 20471 has them for clothes that are to be seen.
const VISIBLE: [Color; 3] = [Color::new(205, 225, 40), Color::new(245, 130, 30), Color::new(225, 60, 45)];

/// Somebody whom nobody of the scene library looks like.
pub(crate) fn random_body(rng: &mut ChaCha8Rng) -> Body {
    loop {
        let body = any_body(rng);
        if !library_looks().iter().any(|reserved| reserved.is_dressed_like(&body)) {
            return body;
        }
    }
}

fn any_body(rng: &mut ChaCha8Rng) -> Body {
    let figures = Body::random_figures();
    let hair = [
        Hair::Bald,
        Hair::Short,
        Hair::Short,
        Hair::Short,
        Hair::Long,
        Hair::Long,
        Hair::Bun,
        Hair::Cap,
        Hair::Hood,
        Hair::Headscarf,
    ];
    let clothes =
        [Wear::Shirt, Wear::Shirt, Wear::TShirt, Wear::TShirt, Wear::Jacket, Wear::Coat, Wear::Skirt, Wear::Vest];
    let hair_colors = [
        Color::new(28, 22, 18),
        Color::new(58, 42, 30),
        Color::new(92, 62, 38),
        Color::new(150, 105, 60),
        Color::new(205, 170, 110),
        Color::new(190, 186, 180),
        Color::new(225, 222, 216),
        Color::new(120, 116, 112),
    ];
    let skins = [
        Color::new(236, 200, 175),
        Color::new(214, 170, 140),
        Color::new(180, 132, 98),
        Color::new(122, 84, 60),
        Color::new(78, 52, 38),
    ];
    let hair = hair[rng.random_range(0..hair.len())];
    // Caps and scarves have any colour, and now and then hair has.
    let covered = matches!(hair, Hair::Cap | Hair::Headscarf);
    let hair_color = if covered || rng.random_bool(0.05) {
        surface(rng, 0.8)
    } else {
        hair_colors[rng.random_range(0..hair_colors.len())]
    };
    let wears = clothes[rng.random_range(0..clothes.len())];
    let vivid = vividness(rng);
    // A vest is there to be seen.
    let top = if wears == Wear::Vest { VISIBLE[rng.random_range(0..VISIBLE.len())] } else { surface(rng, 0.7 * vivid) };
    Body {
        figure: figures[rng.random_range(0..figures.len())].to_owned(),
        height_m: None,
        hair,
        wears,
        hair_color,
        skin: skins[rng.random_range(0..skins.len())],
        top,
        pattern: match rng.random_range(0..8) {
            0 => Finish::Stripes,
            1 => Finish::Checks,
            2 => Finish::Plain,
            _ => Finish::Fabric,
        },
        trousers: surface(rng, 0.5 * vivid),
        shoes: surface(rng, 0.3),
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn nobody_random_is_dressed_as_somebody_of_the_library() {
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let dressed_like = |body: &Body| library_looks().iter().any(|reserved| reserved.is_dressed_like(body));
        assert!(library_looks().len() >= 40, "{}", library_looks().len());
        let mut met = 0;
        for _ in 0..20_000 {
            met += u32::from(dressed_like(&any_body(rng)));
            let body = random_body(rng);
            assert!(!dressed_like(&body), "{body:?}");
        }
        assert!(met > 0, "nobody like the library's is ever drawn, so this shows nothing");
    }

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
            let scene = random_scene(&mut ChaCha8Rng::seed_from_u64(seed), 10);
            let again = random_scene(&mut ChaCha8Rng::seed_from_u64(seed), 10);
            assert_eq!(scene.at(1.5), again.at(1.5));
            assert!(scene.people.len() <= 10);
            empty += u32::from(scene.people.is_empty());
        }
        assert!((9..=40).contains(&empty), "{empty} of 300 rooms are empty");
    }
}
