//! Commands about scenes alone.

use crate::bench::{Bench, edit};

const HUDDLE: &str = include_str!("../../scenes/library/huddle-room.ron");

#[test]
fn a_gallery_shows_scenes_of_the_library_and_of_ones_own_and_refuses_what_it_cannot_show() {
    let bench = Bench::new();
    bench.put("own.ron", HUDDLE);
    bench.twin(&["gallery", "--out", "g", "--overview", "--main-stream", "own.ron", "factor-mirror"]).exits(0);
    let size = |name: &str| image::image_dimensions(bench.path(name)).expect("a picture");
    assert_eq!(size("g/own-main-stream.jpg"), (1280, 960));
    let (width, height) = size("g/overview.png");
    assert!(width > 640 && height > 240, "two pictures beside each other: {width}×{height}");
    for (arguments, words) in [
        (["--at-s", "NaN", "own.ron"], "0 to 1,000,000"),
        (["--at-s", "-3", "own.ron"], "0 to 1,000,000"),
        (["--overview", "own.ron", "./own.ron"], "own.png"),
        (["--overview", "own.ron", "nowhere"], "no scene `nowhere`"),
        (["--overview", "own.ron", "nowhere.ron"], "nowhere.ron"),
    ] {
        bench.twin(&[&["gallery", "--out", "h"], &arguments[..]].concat()).exits(2).says(&[words]);
    }
}

#[test]
fn a_lux_meter_reads_what_the_scene_says_on_average_and_says_where_it_cannot_lie() {
    let bench = Bench::new();
    let stated = HUDDLE.split("lux: ").nth(1).and_then(|rest| rest.split(',').next()).expect("its light");
    let (lux, raised) = (stated.parse::<f64>().expect("a number"), 1234.0);
    bench.put("own.ron", &edit(HUDDLE, &format!("lux: {stated}"), &format!("lux: {raised}")));
    let mean = |scene: &str| -> f64 {
        let told = bench.twin(&["lux", scene]).exits(0).stdout;
        let line = told.lines().find(|line| line.contains("on average")).expect("the mean");
        line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
    };
    assert!((mean("huddle-room") / lux - 1.0).abs() < 0.05);
    assert!((mean("own.ron") / raised - 1.0).abs() < 0.05);
    bench.twin(&["lux", "own.ron", "--at", "0.5,0.5", "--at", "0.5,0.5,0", "--json", "lux.json"]).exits(0);
    let readings = &bench.json("lux.json")["readings"];
    assert_eq!(readings[1]["at_m"], serde_json::json!([0.5, 0.5, 0.0]));
    assert!(readings[0]["lux"].as_f64() > Some(0.1 * raised));
    for (arguments, words) in [
        (["own.ron", "--at", "-1,2"], "outside the room"),
        (["own.ron", "--at", "1"], "such as 1.5,2"),
        (["own.ron", "--at", "NaN,1"], "outside the room"),
        (["nowhere", "--at", "1,1"], "no scene `nowhere`"),
        (["meeting-room", "--at", "3,2.3,0.73"], "inside `table`"),
    ] {
        bench.twin(&[&["lux"], &arguments[..]].concat()).exits(2).says(&[words]);
    }
}
