//! `twin coverage`, as an installer uses it.

use serde_json::Value;

use crate::bench::{Bench, edit};

const HUDDLE: &str = include_str!("../../scenes/library/huddle-room.ron");

fn json(bench: &Bench, file: &str) -> Value {
    serde_json::from_slice(&std::fs::read(bench.path(file)).expect("it was written")).expect("JSON")
}

#[test]
fn what_a_sensor_covers_is_drawn_printed_and_told() {
    let bench = Bench::new();
    let done = bench.twin(&[
        "coverage",
        "meeting-room",
        "--no-predict",
        "--png",
        "c.png",
        "--svg",
        "c.svg",
        "--pdf",
        "c.pdf",
        "--json",
        "c.json",
    ]);
    let told = done.exits(0).stdout;
    assert!(told.contains("recommended                5.7 m × 4.4 m"), "{told}");
    let (width, height) = image::image_dimensions(bench.path("c.png")).expect("a picture");
    assert!((width.abs_diff(1191), height.abs_diff(1684)) <= (1, 1), "A4 at 144 dots per inch: {width}×{height}");
    let drawing = std::fs::read_to_string(bench.path("c.svg")).expect("a drawing");
    for words in ["Coverage of meeting-room", "monitored: the floor", "Signature"] {
        assert!(drawing.contains(words), "{words}");
    }
    let page = std::fs::read(bench.path("c.pdf")).expect("a page");
    assert!(page.starts_with(b"%PDF-") && page.len() > 10_000, "{} bytes", page.len());
    let told = json(&bench, "c.json");
    assert_eq!((told["height_m"].as_f64(), told["recommended"]["from"].as_str()), (Some(3.0), Some("row")));
    let cells = |i: usize| told["grid"]["cells"][i].as_u64().expect("a number") as usize;
    let rows = told["grid"]["rows"].as_array().expect("rows");
    assert!(rows.len() == cells(1) && rows.iter().all(|row| row.as_array().is_some_and(|row| row.len() == cells(0))));
}

#[test]
fn a_room_of_ones_own_is_looked_at_from_where_one_wants_in_feet_too() {
    let bench = Bench::new();
    let room = ["coverage", "--room", "8x6", "--height", "3.2", "--lens", "standard", "--lux", "15", "--no-predict"];
    let told = bench.twin(&[&room[..], &["--at", "2,3", "--rotate", "90", "--json", "r.json", "--feet"]].concat());
    let told = told.exits(0).stdout;
    assert!(told.contains("recommended                19.6 ft × 15.1 ft"), "{told}");
    for words in ["PROBLEM", "20 lx", "(§6.2)", "between those of 9.8 ft and 11.5 ft"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let told = json(&bench, "r.json");
    assert_eq!(
        (told["at_m"][0].as_f64(), told["room_m"][1].as_f64(), told["lux"].as_f64()),
        (Some(2.0), Some(6.0), Some(15.0))
    );
    let corner = |i: usize, axis: usize| told["recommended"]["corners_m"][i][axis].as_f64().expect("a number");
    assert!(
        (corner(2, 1) - corner(0, 1)).abs() > (corner(2, 0) - corner(0, 0)).abs(),
        "turned: long from south to north"
    );
}

#[test]
fn a_scenarios_sensor_hangs_where_the_scenario_has_it() {
    let bench = Bench::new();
    let library = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/library/corridor-crossings.ron");
    bench.twin(&["coverage", library, "--no-predict", "--json", "c.json", "--svg", "c.svg"]).exits(0);
    let told = json(&bench, "c.json");
    assert_eq!((told["at_m"][0].as_f64(), told["at_m"][1].as_f64()), (Some(4.5), Some(1.6)));
    let drawing = std::fs::read_to_string(bench.path("c.svg")).expect("a drawing");
    assert!(drawing.contains("#c2185b"), "the detection line is drawn");
}

#[test]
fn who_will_be_found_where_is_predicted_for_each_cell() {
    let bench = Bench::new();
    let told = bench.twin(&["coverage", "--room", "3x2", "--height", "3", "--json", "p.json"]).exits(0).stdout;
    assert!(told.contains("predicted, seated") && told.contains("predicted, standing"), "{told}");
    let prediction = &json(&bench, "p.json")["prediction"];
    assert_eq!((prediction["cells"][0].as_u64(), prediction["cells"][1].as_u64()), (Some(6), Some(4)));
    for who in ["seated", "standing"] {
        let rows = prediction[who].as_array().expect("rows").iter().filter_map(Value::as_array);
        let cells: Vec<(u64, u64)> = rows
            .flatten()
            .filter(|cell| !cell.is_null())
            .map(|cell| (cell["placed"].as_u64().expect("a number"), cell["found"].as_u64().expect("a number")))
            .collect();
        assert!(cells.len() > 4 && cells.iter().all(|(placed, _)| *placed >= 30), "{who}: {cells:?}");
        let (placed, found) = cells.iter().fold((0, 0), |all, cell| (all.0 + cell.0, all.1 + cell.1));
        assert!(found * 10 > placed * 8, "{who}: {found} of {placed} found in an empty room");
    }
}

#[test]
fn several_sensors_are_shown_together_and_suggested() {
    let bench = Bench::new();
    let two = ["coverage", "--room", "11x4.2", "--at", "3,2", "--at", "8,2", "--rotate", "0", "--rotate", "180"];
    let told = bench.twin(&[&two[..], &["--png", "two.png", "--json", "two.json"]].concat()).exits(0).stdout;
    assert!(told.contains("2: at (8, 2) m, turned 180°") && told.contains("together"), "{told}");
    assert!(image::image_dimensions(bench.path("two.png")).is_ok());
    assert_eq!(json(&bench, "two.json")["sensors"][1]["rotation_deg"].as_f64().map(f64::round), Some(180.0));
    let told = bench.twin(&["coverage", "--room", "11x4.2", "--suggest", "--json", "s.json"]).exits(0).stdout;
    assert!(told.contains("2 sensors") && told.contains("one more would add"), "{told}");
    let told = json(&bench, "s.json");
    assert_eq!(told["suggestion"]["sensors"].as_array().map(Vec::len), Some(2));
    assert!(told["together"]["covered_m2"].as_f64() > told["together"]["wanted_m2"].as_f64().map(|it| 0.97 * it));
}

#[test]
fn floor_plans_of_others_lie_under_the_drawing() {
    let bench = Bench::new();
    image::GrayImage::from_pixel(400, 300, image::Luma([120])).save(bench.path("plan.png")).expect("a picture");
    bench.put(
        "plan.svg",
        "<svg xmlns='http://www.w3.org/2000/svg' width='400' height='300'><path d='M0 0L400 300' stroke='black'/></svg>",
    );
    let line = "0\nLINE\n8\n0\n10\n0\n20\n0\n11\n4000\n21\n3000\n0\nTEXT\n8\n0\n1\nLab\n";
    let header = "0\nSECTION\n2\nHEADER\n9\n$INSUNITS\n70\n4\n0\nENDSEC\n";
    bench.put("plan.dxf", &format!("{header}0\nSECTION\n2\nENTITIES\n{line}0\nENDSEC\n0\nEOF\n"));
    bench.put("bare.dxf", &format!("0\nSECTION\n2\nENTITIES\n{line}0\nENDSEC\n0\nEOF\n"));
    let coverage = ["coverage", "--room", "4x3", "--no-predict", "--svg", "c.svg", "--png", "c.png", "--pdf", "c.pdf"];
    bench.twin(&coverage).exits(0);
    let drawing = || std::fs::read_to_string(bench.path("c.svg")).expect("a drawing");
    let plain = (drawing(), image::open(bench.path("c.png")).expect("a picture"));
    for (plan, more, words) in [
        ("plan.png", &["--floor-plan-scale", "0.01"][..], "data:image/png"),
        ("plan.svg", &["--floor-plan-scale", "0.01"], "data:image/svg+xml"),
        ("plan.dxf", &[], "clip-path"),
    ] {
        let done = bench.twin(&[&coverage[..], &["--floor-plan", plan], more].concat()).exits(0);
        assert!(drawing().len() > plain.0.len() + 100 && drawing().contains(words), "{plan}");
        assert!(image::open(bench.path("c.png")).expect("a picture") != plain.1, "{plan} is not seen");
        assert_eq!(done.stdout.contains("1 entities are no lines"), plan == "plan.dxf", "{}", done.stdout);
    }
    for (plan, words) in [
        ("plan.png", "--floor-plan-scale is missing"),
        ("bare.dxf", "--floor-plan-scale is missing"),
        ("nowhere.png", "failed to read the floor plan nowhere.png"),
        ("c.pdf", "expected .png, .jpg, .svg or .dxf"),
    ] {
        bench.twin(&[&coverage[..], &["--floor-plan", plan]].concat()).exits(2).says(&[words]);
    }
}

#[test]
fn mistakes_of_installers_are_told() {
    let bench = Bench::new();
    bench.put("own.ron", HUDDLE);
    bench.put("broken.ron", &edit(HUDDLE, "ceiling_m:", "ceilling_m:"));
    for (arguments, words) in [
        (&["--room", "8"][..], "such as 8x6"),
        (&["--room", "80x6"], "1 to 60 m"),
        (&["own.ron", "--height", "0.3"], "metres from 1 to 20"),
        (&["own.ron", "--height", "9"], "the ceiling of own is at"),
        (&["own.ron", "--at", "3"], "such as 4,3"),
        (&["own.ron", "--at", "30,1"], "the room of own is"),
        (&["own.ron", "--at", "1,1", "--at", "2,1", "--at", "1,2", "--rotate", "0", "--rotate", "9"], "2 times for 3"),
        (&["own.ron", "--at", "1,1", "--suggest"], "cannot be used with"),
        (&["own.ron", "--lens", "fisheye"], "there is no lens `fisheye`: expected high-ceiling or standard"),
        (&["own.ron", "--png", "nowhere/c.png"], "failed to write nowhere/c.png"),
        (&["broken.ron"], "did you mean `ceiling_m`"),
        (&["nowhere"], "no scene `nowhere`"),
        (&["own.ron", "--room", "8x6"], "cannot be used with"),
        (&[], "required"),
    ] {
        bench.twin(&[&["coverage"], arguments].concat()).exits(2).says(&[words]);
    }
}
