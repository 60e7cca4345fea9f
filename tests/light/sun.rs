//! The beams of the sun.

use super::*;

#[test]
fn the_sun_lights_the_floor_where_its_beam_falls() {
    let window = WallPart { wall: Wall::South, from_m: 3.0, to_m: 5.0, bottom_m: 1.0, top_m: 2.5 };
    let sun = Sun { azimuth_deg: -90.0, elevation_deg: 45.0, lux: 1000.0, turns_deg_per_min: 0.0 };
    let grey = Color::new(118, 118, 118);
    let scene = room(grey, Light { windows: vec![window], sun: Some(sun), ..diffuse(100.0) }, vec![]);
    let stage = stage(&scene);
    let picture = picture(&mut renderer(), &stage, vec![]);
    let per_lux = f64::from(grey.reflectance()[1]) / std::f64::consts::PI;
    // The beam goes from (3, 1) to (5, 2.5); a pixel is 2 cm wide on the floor.
    for (x, y, in_beam) in [
        (4.0, 1.75, true),
        (3.06, 1.06, true),
        (4.94, 2.44, true),
        (2.94, 1.75, false),
        (5.06, 1.75, false),
        (4.0, 2.56, false),
        (4.0, 0.94, false),
    ] {
        let lux = 100.0 + if in_beam { 1000.0 * 0.5f64.sqrt() } else { 0.0 };
        let seen = luminance(&picture, &stage, DVec3::new(x, y, 0.0));
        assert!((seen / (per_lux * lux) - 1.0).abs() < 0.05, "({x}, {y}): {seen}, expected {}", per_lux * lux);
    }
}

#[test]
fn a_beam_of_the_sun_crosses_the_shadow_of_a_lamp() {
    let window = WallPart { wall: Wall::South, from_m: 3.0, to_m: 5.0, bottom_m: 1.0, top_m: 2.5 };
    let sun = Sun { azimuth_deg: -90.0, elevation_deg: 45.0, lux: 1000.0, turns_deg_per_min: 0.0 };
    let luminaires = vec![Luminaire { at_m: (2.0, 1.5), kind: LuminaireKind::Downlight, flux: 1.0 }];
    let light = Light { diffuse_share: 0.02, luminaires, windows: vec![window], sun: Some(sun), ..diffuse(300.0) };
    let grey = Color::new(118, 118, 118);
    let piece = Piece::Slab { size_m: (0.8, 1.0, 0.02), above_m: 0.7 };
    let table = Furniture { name: "table".into(), piece, at_m: (3.2, 1.5), turn_deg: 0.0, color: grey, finish: None };
    let scene = room(grey, light, vec![table]);
    let stage = stage(&scene);
    let picture = picture(&mut renderer(), &stage, vec![]);
    let illumination = Illumination::new(&scene.room, &scene.light, &scene.fixed_solids(), 0.0);
    let meter = |x: f64, y: f64| illumination.meter(DVec3::new(x, y, 0.0), DVec3::Z, 300.0);
    let per_lux = f64::from(grey.reflectance()[1]) / std::f64::consts::PI;
    let (mut least, mut most) = (f64::MAX, 0.0f64);
    for i in 0..10 {
        for j in 0..4 {
            // In the middle of pieces of the floor, which are 0.125 m long: between what is at their corners.
            let (x, y) = (3.6875 + 0.125 * f64::from(i), 1.1875 + 0.125 * f64::from(j));
            let corners = [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)]
                .map(|(a, b)| meter(x + 0.0625 * a, y + 0.0625 * b));
            let (low, high) =
                corners.iter().fold((f64::MAX, 0.0f64), |(low, high), lux| (low.min(*lux), high.max(*lux)));
            let seen = luminance(&picture, &stage, DVec3::new(x, y, 0.0)) / per_lux;
            assert!(
                (0.97 * low..1.03 * high).contains(&seen),
                "({x}, {y}): {seen} lx, at its corners {low} to {high} lx"
            );
            (least, most) = (least.min(seen), most.max(seen));
        }
    }
    assert!(most > 1.2 * least, "there is a shadow of the lamp: {least} to {most} lx");
}

#[test]
fn the_sun_wanders_over_the_floor() {
    let window = WallPart { wall: Wall::South, from_m: 3.0, to_m: 5.0, bottom_m: 1.0, top_m: 2.5 };
    let sun = Sun { azimuth_deg: -90.0, elevation_deg: 45.0, lux: 1000.0, turns_deg_per_min: 10.0 };
    let grey = Color::new(118, 118, 118);
    let piece = Piece::Slab { size_m: (0.9, 0.9, 0.02), above_m: 0.9 };
    let table = Furniture { name: "table".into(), piece, at_m: (4.0, 0.9), turn_deg: 0.0, color: grey, finish: None };
    let scene = room(grey, Light { windows: vec![window], sun: Some(sun), ..diffuse(100.0) }, vec![table]);
    let stage = stage(&scene);
    let per_lux = f64::from(grey.reflectance()[1]) / std::f64::consts::PI;
    let mut light = renderer();
    light.set_stage(&stage).unwrap();
    let (mut lit, mut shaded) = ([0, 0], [0, 0]);
    for (i, t_s) in [0.0, 180.0].into_iter().enumerate() {
        light.expose(Some(&Exposure { seq: 0, worlds: vec![scene.at(t_s)], lux: 100.0 }), &mut |_| {}).unwrap();
        let picture = light.expose(None, &mut |_| {}).unwrap().expect("one was asked for").1;
        let illumination = Illumination::new(&scene.room, &scene.light, &scene.fixed_solids(), t_s);
        for (x, y) in (0..40).flat_map(|i| (0..12).map(move |j| (2.0 + 0.11 * f64::from(i), 0.9 + 0.17 * f64::from(j))))
        {
            // Neither at an edge of the beam nor of a shadow, be there sun or not; nor under the table.
            let around = (0..9).map(|i| [i % 3 - 1, i / 3 - 1].map(|side| 0.14 * f64::from(side)));
            let around: Vec<DVec3> = around.map(|[a, b]| DVec3::new(x + a, y + b, 0.0)).collect();
            let shadow = |at: &DVec3| illumination.among_furniture(*at, DVec3::Z).sun == 0.0;
            if around.iter().any(|at| shadow(at) != shadow(&around[4])) {
                continue;
            }
            let around: Vec<f64> = around.iter().map(|at| illumination.meter(*at, DVec3::Z, 100.0)).collect();
            let (low, high) = around.iter().fold((f64::MAX, 0.0f64), |(l, h), lux| (l.min(*lux), h.max(*lux)));
            let point = DVec3::new(x, y, 0.0);
            let seen_past = (x - 4.0).abs() > 0.65 || (y - 0.9).abs() > 0.75;
            if high < 1.15 * low && seen_past {
                let seen = luminance(&picture, &stage, point) / per_lux;
                assert!(
                    (0.9 * low..1.1 * high).contains(&seen),
                    "{t_s} s, ({x}, {y}): {seen}, expected {low} to {high}"
                );
                *(if low > 400.0 { &mut lit[i] } else { &mut shaded[i] }) += 1;
            }
        }
    }
    assert!(lit.into_iter().chain(shaded).all(|count| count > 20), "places in the beam: {lit:?}, others: {shaded:?}");
}

#[test]
fn a_beam_of_the_sun_is_seen_in_a_mirror() {
    let window = WallPart { wall: Wall::South, from_m: 2.0, to_m: 4.0, bottom_m: 1.0, top_m: 2.5 };
    let sun = Sun { azimuth_deg: -90.0, elevation_deg: 45.0, lux: 1000.0, turns_deg_per_min: 0.0 };
    let grey = Color::new(118, 118, 118);
    let sunny = Light { windows: vec![window], sun: Some(sun), ..diffuse(100.0) };
    let plain = room(grey, sunny.clone(), vec![]);
    let mirror = WallPart { wall: Wall::West, from_m: 0.5, to_m: 5.5, bottom_m: 0.0, top_m: 2.9 };
    let scene = Scene::new(Room { mirrors: vec![mirror], ..plain.room }, sunny, vec![], vec![]).expect("no mistakes");
    let stage = Stage { sensor_at: DVec2::new(0.6, 2.0), ..stage(&scene) };
    let picture = picture(&mut renderer(), &stage, vec![]);
    // The beam goes from (2, 1) to (4, 2.5), its image as far behind the wall at x = 0 m.
    for (x, y, in_beam) in [(2.3, 1.5, true), (2.6, 2.2, true), (1.8, 1.5, false), (2.4, 2.8, false)] {
        let [direct, mirrored] = [x, -x].map(|x| luminance(&picture, &stage, DVec3::new(x, y, 0.0)));
        assert!((mirrored / direct - 0.9).abs() < 0.02, "({x}, {y}): {direct} and in the mirror {mirrored} cd/m²");
        let lit = direct > 200.0 * f64::from(grey.reflectance()[1]) / std::f64::consts::PI;
        assert_eq!(lit, in_beam, "({x}, {y}): {direct} cd/m²");
    }
}
