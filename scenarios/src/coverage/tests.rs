use std::sync::Arc;

use device_model::Profile;
use firmware::Configuration;
use firmware_shim::Mounting;
use glam::DVec2;
use scenes::{Color, Furniture, Light, Piece, Room, Scene};

use super::*;

/// Below the middle of an empty room's ceiling.
fn site(room_m: (f64, f64), height_m: f64, lens: &str) -> Site {
    furnished(room_m, height_m, lens, vec![])
}

fn furnished(room_m: (f64, f64), height_m: f64, lens: &str, furniture: Vec<Furniture>) -> Site {
    let scene = Scene::new(Room::empty(room_m, height_m), Light::default(), furniture, vec![]).expect("no mistakes");
    Site {
        name: "a room".to_owned(),
        scene: Arc::new(scene),
        profile: Profile::library(lens).expect("a lens"),
        profile_name: lens.to_owned(),
        sensor_at: DVec2::new(room_m.0, room_m.1) / 2.0,
        mounting: Mounting { height_m, rotation_rad: 0.0, tilt_rad: 0.0 },
        configuration: Configuration::default(),
        floor_plan: None,
    }
}

fn library(name: &str) -> Site {
    let scene = Scene::from_library(name).expect("listed").unwrap_or_else(|errors| panic!("{errors}"));
    let (room_m, ceiling_m) = (scene.room.size_m, scene.room.ceiling_m);
    Site { scene: Arc::new(scene), ..site(room_m, ceiling_m, "vs121-p-standard") }
}

fn topics(site: &Site) -> Vec<&'static str> {
    Coverage::of(site, Units::Metres).advice.iter().map(|advice| advice.topic).collect()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 0.005
}

#[test]
fn recommended_ranges_are_the_guides_to_the_centimetre_and_lie_between_its_rows() {
    let standard = [(2.5, [4.0, 3.0]), (3.0, [5.7, 4.4]), (3.5, [6.4, 4.9]), (4.0, [7.4, 5.6])];
    let high = [(5.0, [10.0, 3.5]), (6.0, [12.0, 4.5]), (7.0, [14.0, 5.5])];
    for (lens, rows) in [("vs121-p-standard", &standard[..]), ("vs121-p-high-ceiling", &high)] {
        for (height_m, size_m) in rows {
            let found = Recommended::of(&site((30.0, 20.0), *height_m, lens)).expect("the lens has a table");
            assert_eq!(found.from, RecommendedFrom::Row);
            assert!(close(found.size_m[0], size_m[0]) && close(found.size_m[1], size_m[1]), "{height_m}: {found:?}");
            assert!(close(found.area_m2, size_m[0] * size_m[1]), "{height_m}: {found:?}");
        }
    }
    let between = Recommended::of(&site((30.0, 20.0), 3.2, "vs121-p-standard")).expect("a table");
    assert_eq!(between.from, RecommendedFrom::Between { below_m: 3.0, above_m: 3.5 });
    // Two fifths of the way from 5.7 m to 6.4 m, and from 4.4 m to 4.9 m.
    assert!(close(between.size_m[0], 5.98) && close(between.size_m[1], 4.6), "{between:?}");
    let beyond = Recommended::of(&site((30.0, 20.0), 4.6, "vs121-p-standard")).expect("a table");
    assert_eq!(beyond.from, RecommendedFrom::Beyond { nearest_m: 4.0 });
}

#[test]
fn a_turned_sensor_turns_what_it_covers() {
    let mut turned = site((8.0, 8.0), 3.0, "vs121-p-standard");
    turned.mounting.rotation_rad = 90f64.to_radians();
    let found = Recommended::of(&turned).expect("a table");
    assert!(found.contains(DVec2::new(4.0, 6.8)) && !found.contains(DVec2::new(6.8, 4.0)), "long from south to north");
    let straight = Outline::of(&site((8.0, 8.0), 3.0, "vs121-p-standard"), 1.7);
    let outline = Outline::of(&turned, 1.7);
    assert_eq!(outline.size_m, straight.size_m, "of the picture");
    let spread = |outline: &Outline, axis: usize| {
        outline.corners_m.iter().map(|corner| (corner[axis] - 4.0).abs()).fold(0.0, f64::max)
    };
    assert!(close(spread(&outline, 1), spread(&straight, 0)) && close(spread(&outline, 0), spread(&straight, 1)));
}

#[test]
fn the_detection_area_is_as_long_as_the_planners_formula_has_it() {
    let site = site((30.0, 20.0), 3.0, "vs121-p-standard");
    let half_angle = (site.profile.optics.horizontal_angle_deg / 2.0).to_radians();
    for height_m in [0.0, SEATED_HEAD_M, STANDING_HEAD_M] {
        // 2·tan(α/2)·(H − h).
        let length_m = 2.0 * half_angle.tan() * (3.0 - height_m);
        let outline = Outline::of(&site, height_m);
        let size_m = outline.size_m.expect("it looks straight down");
        assert!(close(size_m[0], length_m), "{height_m} m: {size_m:?}, by the formula {length_m}");
    }
    assert_eq!(Outline::of(&site, 3.0).corners_m, [[0.0; 2]; 0], "nothing is seen of what is as high as the lens");
}

#[test]
fn walls_end_what_is_covered() {
    let small = Outline::of(&site((3.0, 2.0), 3.0, "vs121-p-standard"), 0.0);
    assert!(close(small.area_m2, 6.0), "{}", small.area_m2);
    let mut aside = site((30.0, 20.0), 3.0, "vs121-p-standard");
    let whole = Outline::of(&aside, 0.0).area_m2;
    aside.sensor_at.x = 0.0;
    assert!(close(Outline::of(&aside, 0.0).area_m2, whole / 2.0));
}

#[test]
fn what_stands_in_the_way_hides_what_is_behind_it() {
    let cupboard = Furniture {
        name: "cupboard".to_owned(),
        piece: Piece::Block { size_m: (0.5, 4.0, 2.0) },
        at_m: (6.0, 3.0),
        turn_deg: 0.0,
        color: Color::new(90, 90, 90),
        finish: None,
    };
    let coverage = Coverage::of(&furnished((8.0, 6.0), 3.0, "vs121-p-standard", vec![cupboard]), Units::Metres);
    let at = |x: f64, y: f64| {
        let mut cells = coverage.grid.iter();
        let near = |place: DVec2| (place - DVec2::new(x, y)).abs().max_element() <= 0.126;
        *cells.find(|(place, _)| near(*place)).expect("a cell").1
    };
    assert_eq!(at(6.0, 3.0).floor, Level::Filled);
    assert_eq!(at(6.0, 3.0).lux, None);
    // From the lens over the cupboard's edge, 1 m below it and 2.25 m away, the floor is hidden up to 6.75 m away.
    assert_eq!((at(6.6, 3.0).floor, at(6.6, 3.0).seated), (Level::Hidden, Level::Hidden));
    assert!(at(4.1, 3.0).floor.is_seen() && at(4.1, 3.0).standing.is_seen());
    assert_eq!(at(0.2, 0.2).standing, Level::Outside, "too near to the ceiling, too far from the lens");
}

#[test]
fn heads_are_larger_nearer_to_the_lens() {
    let low = Coverage::of(&site((6.0, 6.0), 3.0, "vs121-p-standard"), Units::Metres);
    let high = Coverage::of(&site((6.0, 6.0), 4.0, "vs121-p-standard"), Units::Metres);
    let middle = |coverage: &Coverage| coverage.grid.rows[12][12];
    let px = |level: Level| level.head_px().expect("in sight");
    assert!(px(middle(&low).standing) > px(middle(&low).seated));
    assert!(px(middle(&low).standing) > px(middle(&high).standing));
    // Below the lens a length is as many pixels as the focal length times its angle.
    let site = site((6.0, 6.0), 3.0, "vs121-p-standard");
    let expected = site.profile.lens().focal_px * 0.175 / 1.8;
    assert!((px(middle(&low).seated) / expected - 1.0).abs() < 0.02, "{} and {expected}", px(middle(&low).seated));
}

#[test]
fn heights_are_held_against_the_guide() {
    let at = |height_m| topics(&site((8.0, 6.0), height_m, "vs121-p-standard"));
    assert_eq!(at(2.2), ["too-low-seated", "beyond-the-table"]);
    assert_eq!(at(2.5), ["too-low-standing"]);
    assert_eq!(at(3.0), [""; 0]);
    assert_eq!(at(3.2), ["between-rows"]);
    assert_eq!(at(5.0), ["beyond-the-table"]);
    let mut leaning = site((8.0, 6.0), 3.0, "vs121-p-standard");
    leaning.mounting.tilt_rad = 0.2;
    assert_eq!(topics(&leaning), ["tilted"]);
}

#[test]
fn light_is_held_against_the_guide() {
    let lit = |lux| {
        let mut site = site((8.0, 6.0), 3.0, "vs121-p-standard");
        Arc::make_mut(&mut site.scene).light.lux = lux;
        topics(&site)
    };
    assert_eq!(lit(15.0), ["too-dark-for-regions", "too-dark-for-lines"]);
    assert_eq!(lit(35.0), ["too-dark-for-lines"]);
    assert_eq!(lit(60.0), [""; 0]);
}

#[test]
fn what_the_guide_warns_of_is_found_in_the_scenes_that_have_it() {
    for (scene, topic) in [
        ("factor-mirror", "mirror-in-view"),
        ("factor-sun", "sunlight"),
        ("factor-camouflage", "clothes-like-the-floor"),
        ("factor-door", "door-in-view"),
    ] {
        let found = topics(&library(scene));
        assert!(found.contains(&topic), "{scene}: {found:?}");
        assert!(!topics(&library("meeting-room")).contains(&topic), "{topic}");
    }
    let mut black = site((8.0, 6.0), 3.0, "vs121-p-standard");
    Arc::make_mut(&mut black.scene).room.floor = Color::new(20, 20, 20);
    assert_eq!(topics(&black), ["black-floor"]);
}

#[test]
fn a_line_is_in_the_middle_across_the_way_and_has_room() {
    let with_line = |line: &str| {
        let mut site = site((8.0, 6.0), 3.0, "vs121-p-standard");
        let text = format!("(line_crossing_counting: (enable: true, line: {line}))");
        site.configuration = ron_file::RonFile::embedded("line", text).parse().expect("a line");
        topics(&site)
    };
    assert_eq!(with_line("[(0.5, 0.6), (0.5, 0.4)]"), [""; 0]);
    assert_eq!(with_line("[(0.72, 0.6), (0.72, 0.4)]"), ["line-off-centre", "line-without-margin"]);
}

fn placed(heads: &[(usize, f64)]) -> Placed {
    let heads = heads.iter().map(|(cell, x)| (*cell, DVec2::new(*x, 100.0), 12.0));
    Placed::new(scenes::Posture::Standing, heads)
}

fn detection(x: f64) -> analytics::Detection {
    let (head_px, box_min_px, box_max_px) = (DVec2::new(x, 100.0), DVec2::ZERO, DVec2::ONE);
    analytics::Detection { head_px, box_min_px, box_max_px, posture: analytics::Posture::Standing, confidence: 0.9 }
}

#[test]
fn somebody_is_found_by_one_detection_on_the_head_and_the_rest_are_nobodys() {
    let mut tally = Tally::new(&site((1.0, 1.0), 3.0, "vs121-p-standard"));
    // Two of the second cell near each other, of whom one is detected between them, nearer to the first; and somebody far off.
    tally.add(&placed(&[(1, 50.0), (1, 60.0), (0, 200.0)]), &[detection(54.0), detection(120.0)]);
    tally.add(&placed(&[(1, 50.0), (1, 60.0)]), &[detection(51.0), detection(61.0)]);
    let prediction = tally.into_prediction();
    let standing =
        vec![vec![Some(Found { placed: 1, found: 0 }), Some(Found { placed: 4, found: 3 })], vec![None, None]];
    assert_eq!((prediction.standing, prediction.seated), (standing, vec![vec![None, None]; 2]));
    assert_eq!((prediction.pictures, prediction.phantoms), (2, 1));
}

#[test]
fn a_share_has_wilsons_interval() {
    // By hand, with z = 1.959964.
    let (least, most) = Found { placed: 30, found: 27 }.interval();
    assert!((least - 0.743_789).abs() < 1e-5 && (most - 0.965_400).abs() < 1e-5, "{least} {most}");
}

#[test]
fn sensors_are_suggested_where_they_cover_most_and_no_more_than_are_worth_it() {
    // Of 4.4 m × 5.7 m each, straight down at 3 m.
    let small = site((5.0, 4.0), 3.0, "vs121-p-standard");
    let suggestion = Suggestion::of(&small);
    assert_eq!(suggestion.sensors, [([2.5, 2.0], 0.0)], "the middle of a room that one covers");
    assert!(suggestion.reason().starts_with("1 covers 100 %"), "{}", suggestion.reason());
    let long = site((11.0, 4.2), 3.0, "vs121-p-standard");
    let suggestion = Suggestion::of(&long);
    assert_eq!(suggestion.sensors.len(), 2, "{suggestion:?}");
    let hung: Vec<Site> = (suggestion.sensors.iter())
        .map(|(at, degrees)| {
            let mounting = Mounting { rotation_rad: degrees.to_radians(), ..long.mounting };
            Site { sensor_at: DVec2::from(*at), mounting, ..long.clone() }
        })
        .collect();
    let together = Together::of(&hung[0], &hung[1..]);
    assert!(together.share() > 0.97 && (together.share() - suggestion.shares[1]).abs() < 1e-9, "{together:?}");
    assert!(suggestion.shares[0] < 0.6, "{:?}", suggestion.shares);
}

#[test]
fn sensors_overlap_and_leave_gaps() {
    let one = site((20.0, 4.0), 3.0, "vs121-p-standard");
    let at = |x: f64| Site { sensor_at: DVec2::new(x, 2.0), ..one.clone() };
    let alone = Together::of(&at(5.0), &[]);
    assert!((alone.wanted_m2 - 80.0).abs() < 0.1 && alone.overlap_m2 == 0.0);
    // 5.7 m of the room's length; cells are a quarter of a metre.
    assert!((alone.covered_m2 - 4.0 * 5.7).abs() < 1.0, "{}", alone.covered_m2);
    let apart = Together::of(&at(5.0), &[at(15.0)]);
    assert!((apart.covered_m2 - 2.0 * alone.covered_m2).abs() < 1.1 && apart.overlap_m2 == 0.0);
    let same = Together::of(&at(5.0), &[at(5.0)]);
    assert_eq!((same.covered_m2, same.overlap_m2), (alone.covered_m2, alone.covered_m2));
    assert!((apart.gap_m2() + apart.covered_m2 - apart.wanted_m2).abs() < 1e-9);
}
