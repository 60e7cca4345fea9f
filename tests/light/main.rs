//! The light the sensor sees: every frame is the scene at its own exposure's time, in the units it claims.

mod sun;

use std::sync::Arc;

use device_model::{Pinhole, Radiance};
use firmware_shim::{Lens, Mounting, View};
use glam::{DVec2, DVec3};
use scenarios::{Exposure, LightSource, Stage};
use scenes::{
    Activity, Color, Finish, Furniture, Illumination, Light, Luminaire, LuminaireKind, PersonState, Piece, Posture,
    Room, Scene, Shape, Solid, Sun, Wall, WallPart, WorldState,
};
use sim::light::HeadlessLight;

const CEILING_M: f64 = 3.0;
const PINHOLE: Pinhole = Pinhole { width: 320, height: 240, tan_half_x: 1.2, tan_half_y: 0.9 };

fn renderer() -> HeadlessLight {
    HeadlessLight::start().unwrap_or_else(|error| panic!("{error}"))
}

fn room(floor: Color, light: Light, furniture: Vec<Furniture>) -> Scene {
    let (size_m, walls) = ((8.0, 6.0), Color::new(90, 90, 90));
    let (floor_finish, walls_finish) = (Finish::Plain, Finish::Plain);
    let room = Room { size_m, ceiling_m: CEILING_M, floor, floor_finish, walls, walls_finish, mirrors: vec![] };
    Scene::new(room, light, furniture, vec![]).expect("a scene without mistakes")
}

fn stage(scene: &Scene) -> Stage {
    let lens = Lens { width: 320, height: 240, focal_px: 180.0, distortion: [0.0; 4] };
    let mounting = Mounting { height_m: CEILING_M, rotation_rad: 0.0, tilt_rad: 0.0 };
    let scene = Arc::new(scene.clone());
    Stage { scene, sensor_at: DVec2::new(4.0, 3.0), view: View { lens, mounting }, pinhole: PINHOLE }
}

fn diffuse(lux: f64) -> Light {
    Light { lux, ..Light::default() }
}

/// Where the marker is at exposure `seq`: far from where it was, and never twice at the same place.
fn marker_at(seq: u64) -> DVec3 {
    let part = |step: f64| (seq as f64 * step).fract();
    DVec3::new(1.2 + 5.6 * part(0.618_034), 1.2 + 3.6 * part(0.414_214), 0.2)
}

/// Somebody who is but one thing.
fn marker(thing: Solid) -> PersonState {
    PersonState {
        index: 0,
        floor: thing.at.truncate(),
        head: thing.at,
        posture: Posture::Standing,
        activity: Activity::Standing,
        body: None,
        things: vec![thing],
    }
}

fn marker_exposure(seq: u64) -> Exposure {
    let at = marker_at(seq);
    let ball = Solid::new(Shape::Ellipsoid(DVec3::splat(0.2)), at, Color::new(255, 255, 255));
    let person = marker(ball);
    // The light changes, too: a stale uniform would be as wrong as a stale mesh.
    let lux = if seq.is_multiple_of(3) { 100.0 } else { 300.0 };
    let world = WorldState { t_s: seq as f64 * 0.1, people: vec![person], doors: vec![] };
    Exposure { seq, worlds: vec![world], lux }
}

/// The middle of everything brighter than the floor can be, and the brightest value.
fn bright_spot(light: &Radiance) -> (DVec2, f32) {
    let brightest = light.pixels.iter().map(|pixel| pixel[1]).fold(0.0, f32::max);
    let (mut sum, mut count) = (DVec2::ZERO, 0.0);
    for (i, pixel) in light.pixels.iter().enumerate() {
        if pixel[1] > 0.5 * brightest {
            sum += DVec2::new((i as u32 % light.width) as f64 + 0.5, (i as u32 / light.width) as f64 + 0.5);
            count += 1.0;
        }
    }
    (sum / count, brightest)
}

fn assert_shows(light: &Radiance, seq: u64) {
    let (spot, brightest) = bright_spot(light);
    let direction = marker_at(seq) - DVec3::new(4.0, 3.0, CEILING_M);
    let expected = PINHOLE.project(DVec3::new(direction.x, -direction.y, -direction.z));
    // Half of a ball's outline seen from the side is off its centre by a little.
    assert!(spot.distance(expected) < 3.0, "frame {seq} shows the marker at {spot}, it was at {expected}");
    let white = marker_exposure(seq).lux / std::f64::consts::PI;
    assert!(
        (f64::from(brightest) / white - 1.0).abs() < 0.05,
        "frame {seq} has luminance {brightest}, expected {white}"
    );
}

#[test]
fn every_frame_shows_the_scene_at_its_own_exposure() {
    let scene = room(Color::new(40, 40, 40), diffuse(200.0), vec![]);
    let mut light = renderer();
    light.set_stage(&stage(&scene)).unwrap();
    const FRAMES: u64 = 60;
    assert!(light.expose(Some(&marker_exposure(0)), &mut |_| {}).unwrap().is_none(), "nothing was asked for before");
    for seq in 0..FRAMES {
        let next = (seq + 1 < FRAMES).then(|| marker_exposure(seq + 1));
        let (got, radiance) = light.expose(next.as_ref(), &mut |_| {}).unwrap().expect("one was asked for before");
        assert_eq!(got, seq);
        assert_shows(&radiance, seq);
    }
    assert!(light.expose(None, &mut |_| {}).unwrap().is_none(), "nothing is left over");
}

#[test]
fn a_new_stage_shows_nothing_of_the_old_one_from_its_first_frame_on() {
    let mut light = renderer();
    for (seq, grey) in [(7, 30), (8, 200), (9, 90)] {
        let floor = Color::new(grey, grey, grey);
        let scene = room(floor, diffuse(100.0), vec![]);
        light.set_stage(&stage(&scene)).unwrap();
        let exposure = Exposure { seq, worlds: vec![scene.at(0.0)], lux: 100.0 };
        light.expose(Some(&exposure), &mut |_| {}).unwrap();
        let (got, radiance) = light.expose(None, &mut |_| {}).unwrap().expect("one was asked for");
        assert_eq!(got, seq);
        let expected = 100.0 / std::f32::consts::PI * floor.reflectance()[0];
        let centre = radiance.pixels[(120 * 320 + 160) as usize][0];
        assert!((centre / expected - 1.0).abs() < 0.02, "floor {grey}: {centre}, expected {expected}");
    }
}

#[test]
fn the_first_picture_of_any_stage_is_as_good_as_the_second() {
    let mut light = renderer();
    let window = || vec![WallPart { wall: Wall::South, from_m: 3.0, to_m: 5.0, bottom_m: 1.0, top_m: 2.5 }];
    let sun = || Some(Sun { azimuth_deg: -90.0, elevation_deg: 45.0, lux: 1000.0, turns_deg_per_min: 0.0 });
    let lit = |sunny: bool, lux: f64| match sunny {
        true => Light { windows: window(), sun: sun(), ..diffuse(lux) },
        false => diffuse(lux),
    };
    // With and without sun, of so many lux, with so many mirrors, so many times as wide and high.
    let cases = [
        (false, 0.0, 0, 1),
        (false, 100.0, 0, 1),
        (true, 0.0, 0, 1),
        (true, 300.0, 2, 1),
        (false, 50.0, 1, 4),
        (false, 100.0, 0, 1),
        (false, 100.0, 2, 1),
        (true, 100.0, 0, 4),
    ];
    for (seq, (sunny, lux, mirrors, times)) in cases.into_iter().enumerate() {
        let grey = 40 + 20 * seq as u8;
        let piece = Piece::Block { size_m: (1.0 + 0.5 * seq as f64, 1.0, 1.0) };
        let color = Color::new(200, grey, 90);
        let block = Furniture { name: "block".into(), piece, at_m: (4.0, 3.0), turn_deg: 0.0, color, finish: None };
        let plain = room(Color::new(grey, grey, grey), lit(sunny, lux), vec![block]);
        let mirror = |wall: Wall| WallPart { wall, from_m: 1.0, to_m: 5.0, bottom_m: 0.2, top_m: 2.8 };
        let mirrors = [Wall::North, Wall::West].map(mirror)[..mirrors].to_vec();
        let scene =
            Scene::new(Room { mirrors, ..plain.room }, plain.light, plain.furniture, vec![]).expect("no mistakes");
        let mut stage = stage(&scene);
        (stage.pinhole.width, stage.pinhole.height) = ((320 + 8 * (seq as u32 % 2)) * times, 240 * times);
        light.set_stage(&stage).unwrap();
        let exposure = |seq: u64| Exposure { seq, worlds: vec![scene.at(0.0)], lux: 200.0 };
        light.expose(Some(&exposure(0)), &mut |_| {}).unwrap();
        let (_, first) = light.expose(Some(&exposure(1)), &mut |_| {}).unwrap().expect("one was asked for");
        let (_, second) = light.expose(None, &mut |_| {}).unwrap().expect("one was asked for");
        assert_eq!(first.pixels.len(), (stage.pinhole.width * stage.pinhole.height) as usize);
        assert!(first.pixels.iter().any(|pixel| pixel[1] > 1.0), "stage {seq} is lit");
        assert!(first.pixels == second.pixels, "stage {seq} differs from itself");
    }
}

/// Cards of 18 % grey all over the room, their tops 0.8 m above the floor, where lux is meant.
#[test]
fn grey_cards_have_the_luminance_that_the_lux_meter_reads_and_that_the_scenes_lux_means() {
    let grey = Color::new(118, 118, 118);
    let reflectance = f64::from(grey.reflectance()[1]);
    let (columns, rows) = (8, 6);
    let cell = |i: u32, count: u32, length: f64| (f64::from(i) + 0.5) / f64::from(count) * length;
    let mut cards = Vec::new();
    for i in 0..columns {
        for j in 0..rows {
            let at_m = (cell(i, columns, 8.0), cell(j, rows, 6.0));
            let piece = Piece::Block { size_m: (0.3, 0.3, 0.8) };
            cards.push(Furniture {
                name: format!("card-{i}-{j}"),
                piece,
                at_m,
                turn_deg: 0.0,
                color: grey,
                finish: None,
            });
        }
    }
    let mut light = renderer();
    for lux in [5.0, 20.0, 50.0, 300.0, 1000.0] {
        let luminaires =
            [(2.0, 3.0), (6.0, 3.0)].map(|at_m| Luminaire { at_m, kind: LuminaireKind::Panel, flux: 1.0 }).to_vec();
        let scene =
            room(Color::new(20, 20, 20), Light { diffuse_share: 0.5, luminaires, ..diffuse(lux) }, cards.clone());
        // From 12 m up the whole room is in view; the camera may hang above the ceiling, which is not drawn.
        let mut stage = stage(&scene);
        stage.view.mounting.height_m = 12.0;
        stage.pinhole = Pinhole { width: 640, height: 480, tan_half_x: 0.4, tan_half_y: 0.3 };
        light.set_stage(&stage).unwrap();
        light.expose(Some(&stage.first_exposure()), &mut |_| {}).unwrap();
        let (_, radiance) = light.expose(None, &mut |_| {}).unwrap().expect("one was asked for");
        let luminances: Vec<f64> = cards
            .iter()
            .map(|card| {
                let direction = DVec3::new(card.at_m.0 - 4.0, 3.0 - card.at_m.1, 12.0 - 0.8);
                let pixel = stage.pinhole.project(direction);
                f64::from(radiance.pixels[(pixel.y as u32 * 640 + pixel.x as u32) as usize][1])
            })
            .collect();
        let mean = luminances.iter().sum::<f64>() / luminances.len() as f64;
        let expected = reflectance * lux / std::f64::consts::PI;
        assert!((mean / expected - 1.0).abs() < 0.05, "{lux} lx: {mean} cd/m², expected {expected}");
        // And each has what the lux meter reads where it lies.
        let illumination = Illumination::new(&scene.room, &scene.light, &scene.fixed_solids(), 0.0);
        for (card, luminance) in cards.iter().zip(&luminances) {
            let at = DVec3::new(card.at_m.0, card.at_m.1, 0.8);
            let expected = reflectance * illumination.meter(at, DVec3::Z, lux) / std::f64::consts::PI;
            let name = &card.name;
            assert!((luminance / expected - 1.0).abs() < 0.05, "{name} at {lux} lx: {luminance}, expected {expected}");
        }
    }
}

#[test]
fn the_light_of_an_exposure_is_the_mean_of_its_instants() {
    let scene = room(Color::new(40, 40, 40), diffuse(200.0), vec![]);
    let mut light = renderer();
    light.set_stage(&stage(&scene)).unwrap();
    let worlds: Vec<WorldState> = (1..4).flat_map(|seq| marker_exposure(seq).worlds).collect();
    let mut taken = |seq: u64, worlds: &[WorldState]| {
        light.expose(Some(&Exposure { seq, worlds: worlds.to_vec(), lux: 100.0 }), &mut |_| {}).unwrap();
        let (got, radiance) = light.expose(None, &mut |_| {}).unwrap().expect("one was asked for");
        assert_eq!(got, seq);
        radiance.pixels
    };
    let together = taken(0, &worlds);
    let alone: Vec<_> =
        worlds.iter().enumerate().map(|(i, world)| taken(1 + i as u64, std::slice::from_ref(world))).collect();
    for (i, blurred) in together.iter().enumerate() {
        let mean = alone.iter().map(|picture| picture[i][1]).sum::<f32>() / alone.len() as f32;
        assert!((blurred[1] - mean).abs() < 1e-3 * mean.max(1.0), "pixel {i}: {}, expected {mean}", blurred[1]);
    }
    assert_ne!(alone[0], alone[2], "the marker moves");
}

/// The light of a scene at its start, and where a point of the room is in its picture.
fn picture(light: &mut HeadlessLight, stage: &Stage, people: Vec<PersonState>) -> Radiance {
    let scene = &stage.scene;
    light.set_stage(stage).unwrap();
    let world = WorldState { people, ..scene.at(0.0) };
    light.expose(Some(&Exposure { seq: 0, worlds: vec![world], lux: scene.light.lux }), &mut |_| {}).unwrap();
    light.expose(None, &mut |_| {}).unwrap().expect("one was asked for").1
}

fn pixel(stage: &Stage, point: DVec3) -> DVec2 {
    let direction = point - stage.sensor_at.extend(stage.view.mounting.height_m);
    PINHOLE.project(DVec3::new(direction.x, -direction.y, -direction.z))
}

fn luminance(light: &Radiance, stage: &Stage, point: DVec3) -> f64 {
    let at = pixel(stage, point);
    f64::from(light.pixels[(at.y as u32 * light.width + at.x as u32) as usize][1])
}

#[test]
fn a_mirror_shows_who_stands_before_it() {
    let plain = room(Color::new(40, 40, 40), diffuse(100.0), vec![]);
    let mirror = WallPart { wall: Wall::North, from_m: 2.0, to_m: 6.0, bottom_m: 0.2, top_m: 2.8 };
    let with_mirror = Room { mirrors: vec![mirror], ..plain.room.clone() };
    let scene = Scene::new(with_mirror, diffuse(100.0), vec![], vec![]).expect("a scene without mistakes");
    let at = DVec3::new(4.4, 5.4, 0.5);
    let ball = || marker(Solid::new(Shape::Ellipsoid(DVec3::splat(0.3)), at, Color::new(255, 255, 255)));
    let mut renderer = renderer();
    let mut seen = |scene: &Scene, people: Vec<PersonState>| {
        // From above the ceiling, which is not drawn, more of the mirror is in the picture.
        let mut stage = stage(scene);
        stage.view.mounting.height_m = 5.0;
        // As far behind the wall, at y = 6 m, as the ball is before it.
        luminance(&picture(&mut renderer, &stage, people), &stage, DVec3::new(4.4, 6.6, 0.5))
    };
    // A mirror keeps a tenth.
    let white = 100.0 / std::f64::consts::PI;
    let mirrored = seen(&scene, vec![ball()]);
    assert!((0.6..0.95).contains(&(mirrored / white)), "{mirrored} of {white} cd/m²");
    for (scene, people) in [(&scene, vec![]), (&plain, vec![ball()])] {
        let nothing = seen(scene, people);
        assert!(nothing < 0.3 * white, "without ball or mirror there is nothing to see: {nothing}");
    }
}

#[test]
fn who_leaves_is_gone_and_who_changes_clothes_is_seen_in_the_new_ones() {
    let luminaires = vec![Luminaire { at_m: (2.0, 1.5), kind: LuminaireKind::Panel, flux: 1.0 }];
    let grey = Color::new(118, 118, 118);
    let scene = room(grey, Light { diffuse_share: 0.2, luminaires, ..diffuse(100.0) }, vec![]);
    let (white, black) = (Color::new(255, 255, 255), Color::new(10, 10, 10));
    let ball =
        |x: f64, color: Color| marker(Solid::new(Shape::Ellipsoid(DVec3::splat(0.3)), DVec3::new(x, 3.0, 1.0), color));
    let exposures =
        [vec![], vec![ball(3.0, white), ball(5.0, black)], vec![ball(3.0, black), ball(5.0, white)], vec![]];
    let mut light = renderer();
    light.set_stage(&stage(&scene)).unwrap();
    let pictures: Vec<Radiance> = exposures
        .into_iter()
        .map(|people| {
            let world = WorldState { t_s: 0.0, people, doors: vec![] };
            light.expose(Some(&Exposure { seq: 0, worlds: vec![world], lux: 100.0 }), &mut |_| {}).unwrap();
            light.expose(None, &mut |_| {}).unwrap().expect("one was asked for").1
        })
        .collect();
    let at = |picture: usize, x: f64| luminance(&pictures[picture], &stage(&scene), DVec3::new(x, 3.0, 1.0));
    assert!(at(1, 3.0) > 10.0 * at(1, 5.0) && at(2, 5.0) > 10.0 * at(2, 3.0), "colours are swapped");
    assert!(pictures[0].pixels != pictures[1].pixels && pictures[0].pixels == pictures[3].pixels, "all is as before");
}

#[test]
fn what_a_stage_shows_does_not_depend_on_the_one_before() {
    let grey = Color::new(118, 118, 118);
    let block = |at_m: (f64, f64), color: Color| {
        let piece = Piece::Block { size_m: (1.0, 0.6, 1.0) };
        vec![Furniture { name: "block".into(), piece, at_m, turn_deg: 0.0, color, finish: None }]
    };
    let windows = vec![WallPart { wall: Wall::South, from_m: 3.0, to_m: 5.0, bottom_m: 1.0, top_m: 2.5 }];
    let sun = Some(Sun { azimuth_deg: -90.0, elevation_deg: 45.0, lux: 3000.0, turns_deg_per_min: 10.0 });
    let sunny = || Light { windows: windows.clone(), sun, ..diffuse(100.0) };
    let white = Color::new(250, 250, 250);
    let first = room(grey, sunny(), block((5.0, 3.0), grey));
    let mut renderer = renderer();
    let others = [
        first.clone(),
        room(white, sunny(), block((5.0, 3.0), grey)),
        room(grey, Light { windows: vec![WallPart { to_m: 4.0, ..windows[0] }], ..sunny() }, block((5.0, 3.0), grey)),
        room(grey, sunny(), block((3.0, 3.0), grey)),
        room(grey, sunny(), block((5.0, 3.0), white)),
    ];
    let alone = picture(&mut renderer, &stage(&first), vec![]);
    for (i, other) in others.iter().enumerate() {
        let changed = picture(&mut renderer, &stage(other), vec![]);
        assert_eq!(changed.pixels == alone.pixels, i == 0, "other {i}");
        // The sun moves on before the room is the first one again.
        let later = Exposure { seq: 0, worlds: vec![other.at(300.0)], lux: 100.0 };
        renderer.expose(Some(&later), &mut |_| {}).unwrap();
        assert!(renderer.expose(None, &mut |_| {}).unwrap().unwrap().1.pixels != changed.pixels, "the sun moves");
        assert!(picture(&mut renderer, &stage(&first), vec![]).pixels == alone.pixels, "after other {i}");
    }
}

#[test]
fn a_floor_of_another_size_has_its_own_light() {
    let mut renderer = renderer();
    let grey = Color::new(118, 118, 118);
    let per_lux = f64::from(grey.reflectance()[1]) / std::f64::consts::PI;
    for size_m in [(8.0, 6.0), (5.1, 4.3), (8.0, 6.0), (4.0, 9.0)] {
        let luminaires = vec![Luminaire { at_m: (1.0, 1.0), kind: LuminaireKind::Downlight, flux: 1.0 }];
        let light = Light { diffuse_share: 0.1, luminaires, ..diffuse(100.0) };
        let room = Room { size_m, ..room(grey, diffuse(100.0), vec![]).room };
        let scene = Scene::new(room, light, vec![], vec![]).expect("a scene without mistakes");
        let stage = Stage { sensor_at: DVec2::new(2.0, 2.0), ..stage(&scene) };
        let picture = picture(&mut renderer, &stage, vec![]);
        let illumination = Illumination::new(&scene.room, &scene.light, &[], 0.0);
        for (x, y) in [(0.1, 0.1), (1.0, 1.0), (1.6, 0.7), (3.0, 3.0), (3.9, 4.2)] {
            let point = DVec3::new(x, y, 0.0);
            let (seen, lux) =
                (luminance(&picture, &stage, point) / per_lux, illumination.meter(point, DVec3::Z, 100.0));
            assert!((seen / lux - 1.0).abs() < 0.03, "{size_m:?} at ({x}, {y}): {seen} lx, the meter reads {lux} lx");
        }
    }
}

#[test]
fn a_floors_finish_varies_its_colour_and_keeps_it_on_average() {
    let mut renderer = renderer();
    let grey = Color::new(118, 118, 118);
    let expected = f64::from(grey.reflectance()[1]) * 100.0 / std::f64::consts::PI;
    for finish in Finish::KINDS {
        let plain = room(grey, diffuse(100.0), vec![]);
        let made = Room { floor_finish: finish, ..plain.room.clone() };
        let scene = Scene::new(made, diffuse(100.0), vec![], vec![]).expect("a scene without mistakes");
        let stage = stage(&scene);
        let picture = picture(&mut renderer, &stage, vec![]);
        let (low, high) = (pixel(&stage, DVec3::new(1.0, 5.0, 0.0)), pixel(&stage, DVec3::new(7.0, 1.0, 0.0)));
        let inside = |i: &usize| {
            let at = DVec2::new((i % picture.width as usize) as f64, (i / picture.width as usize) as f64);
            at.cmpge(low).all() && at.cmple(high).all()
        };
        let floor: Vec<f64> =
            (0..picture.pixels.len()).filter(inside).map(|i| f64::from(picture.pixels[i][1]) / expected).collect();
        let mean = floor.iter().sum::<f64>() / floor.len() as f64;
        let deviation = (floor.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / floor.len() as f64).sqrt();
        assert!((mean - 1.0).abs() < 0.03, "{finish:?}: {mean}");
        // Fine cloth is grey from 3 m away.
        let fine = matches!(finish, Finish::Plain | Finish::Fabric | Finish::Hair | Finish::Plaster);
        assert!(fine || deviation > 0.02, "{finish:?}: {deviation}");
    }
}
