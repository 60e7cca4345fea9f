//! `twin sweep`, and counting judged by `twin evaluate`.

use std::fs;

use crate::bench::{Bench, edit};

const CORRIDOR: &str = include_str!("../../scenarios/library/corridor-crossings.ron");
const HUDDLE: &str = include_str!("../../scenes/library/huddle-room.ron");
const SWEEP: [&str; 9] = ["sweep", "own.ron", "--height", "2.8,3", "--lux", "300", "--seeds", "3", "--out"];

#[test]
fn a_sweep_in_parts_or_cut_short_comes_to_the_same_bytes() {
    let bench = Bench::new();
    bench.put("own.ron", HUDDLE);
    let sweep = |more: &[&str]| bench.twin(&[&SWEEP, more].concat());
    sweep(&["whole", "--jobs", "1"]).exits(0);
    let table = bench.read("whole/sweep.csv");
    assert!(table.starts_with("scene,lens,height_m,lux,posture,crowding,pictures,people,count_accuracy,"), "{table}");
    for wanted in ["own,standard,2.8,300,standing,all,3,", "own,standard,3,300,seated,all,3,"] {
        assert!(table.lines().any(|line| line.starts_with(wanted)), "{wanted} is not in\n{table}");
    }
    let (width, height) = image::image_dimensions(bench.path("whole/sweep.png")).expect("a picture");
    assert!(width > 400 && height > 100, "{width}×{height}");
    let same = |folder: &str| {
        for file in ["pictures.jsonl", "sweep.csv", "sweep.png"] {
            let read = |folder: &str| fs::read(bench.path(folder).join(file)).expect("it was written");
            assert!(read(folder) == read("whole"), "{folder}/{file} differs");
        }
    };

    // In the middle of a line, as when the power fails.
    let text = bench.read("whole/pictures.jsonl");
    let cut = text.match_indices('\n').nth(4).expect("five lines").0 + 20;
    bench.put("cut/pictures.jsonl", &text[..cut]);
    sweep(&["cut", "--jobs", "2"]).exits(0);
    same("cut");

    for part in ["1/2", "2/2"] {
        sweep(&["parts", "--partition", part]).exits(0);
    }
    bench.twin(&["sweep", "merge", "parts"]).exits(0);
    same("parts");
    bench.twin(&["sweep", "merge", "parts"]).exits(2).says(&["parts/pictures.jsonl is there already"]);
    fs::remove_file(bench.path("parts/pictures.jsonl")).unwrap();
    fs::remove_file(bench.path("parts/pictures-2of2.jsonl")).unwrap();
    bench.twin(&["sweep", "merge", "parts"]).exits(2).says(&["6 of 12 pictures", "the first that is missing is 6"]);

    // A file that somebody edited.
    let lines: Vec<&str> = text.lines().collect();
    bench.put("edited/pictures.jsonl", &[lines[0], lines[2], "\n"].join("\n"));
    sweep(&["edited"]).exits(2).says(&["edited/pictures.jsonl:2: picture 1 is not the next one"]);

    bench.put("own.ron", &edit(HUDDLE, "lux: ", "lux: 1"));
    bench.twin(&["sweep", "merge", "parts"]).exits(2).says(&["have changed since"]);
    sweep(&["whole"]).exits(2).says(&["whole/pictures.jsonl", "another sweep"]);
}

#[test]
fn a_sweep_says_what_it_cannot_do() {
    let bench = Bench::new();
    bench.put("own.ron", HUDDLE);
    for (arguments, words) in [
        (&["own.ron", "--height", "3,x"][..], "--height: `x` is no number from 1.8 to 20"),
        (&["own.ron", "--height", "300"], "--height: `300` is no number"),
        (&["own.ron", "--lux", "300,300"], "--lux: 300 is there twice"),
        (&["own.ron", "./own.ron"], "two of the scenes are called `own`"),
        (&["own.ron", "--lux", "0"], "--lux: `0` is no number from 0.1"),
        (&["own.ron", "--lens", "wide"], "no lens `wide`: expected high-ceiling or standard"),
        (&["own.ron", "--posture", "lying"], "standing, seated, nobody"),
        (&["own.ron", "--partition", "3/2"], "M from 1 to N"),
        (&["own.ron", "--model", "own.ron"], "own.ron is no ONNX model"),
        (&["nowhere"], "no scene `nowhere`"),
        (&["corridor", "--posture", "seated"], "nothing is left"),
    ] {
        let done = bench.twin(&[&["sweep"], arguments, &["--out", "s", "--seeds", "1"]].concat()).exits(2);
        assert!((done.stdout.clone() + &done.stderr).contains(words), "{arguments:?}: {} {}", done.stdout, done.stderr);
    }
    bench.twin(&["sweep", "own.ron"]).exits(2).says(&["--out"]);
    bench.twin(&["sweep", "merge", "nowhere"]).exits(2).says(&["failed to read nowhere"]);
    bench.put("odd/pictures-1of1.jsonl", "{}\n");
    bench.twin(&["sweep", "merge", "odd"]).exits(2).says(&["odd/pictures-1of1.jsonl:1: this is no line of a sweep"]);
}

#[test]
fn crossings_and_flow_of_a_scenario_are_judged_by_what_people_did() {
    let bench = Bench::new();
    bench.put("corridor.ron", CORRIDOR);
    let score = |file: &str| {
        bench.twin(&["evaluate", file, "--lane", "oracle", "--json", "verdict.json"]).exits(0);
        bench.json("verdict.json")["counting"].clone()
    };
    // Three walk west, two east.
    let counting = score("corridor.ron");
    let all = |count: u32| serde_json::json!({ "happened": count, "told": count, "matched": count });
    assert_eq!((&counting["line_in"], &counting["line_out"]), (&all(3), &all(2)));
    assert_eq!(counting["flow"], serde_json::json!({ "B-D": all(3), "D-B": all(2) }));

    let off = |place: &str| counting["place"][place].as_f64().expect("metres");
    assert!(off("below_head_m") < 0.2 && off("at_head_m") > 1.0, "{}", counting["place"]);

    // Drawn the other way round, In is Out, for the device and for the truth.
    bench.put("turned.ron", &edit(CORRIDOR, "[(0.5, 0.72), (0.5, 0.28)]", "[(0.5, 0.28), (0.5, 0.72)]"));
    let turned = score("turned.ron");
    assert_eq!((&turned["line_in"], &turned["line_out"]), (&all(2), &all(3)));

    // A device that is told to hang twice as high as it does takes people for a metre farther out than they are, and loses some.
    let mounting = "configuration: (\n            mounting: (height_m: 6.0, rotation_deg: 0, tilt_deg: 0),";
    bench.put("misled.ron", &edit(CORRIDOR, "configuration: (", mounting));
    let misled = score("misled.ron");
    assert_ne!(misled["flow"], counting["flow"]);

    bench.put("wrong.ron", &edit(CORRIDOR, "[(0.5, 0.72), (0.5, 0.28)]", "[(0.5, 0.72)]"));
    bench.twin(&["evaluate", "wrong.ron"]).exits(2).says(&["wrong.ron", "line_crossing_counting.line", "has 1 points"]);
    bench
        .twin(&["evaluate", "corridor.ron", "--lane", "oracle", "--model", "corridor.ron"])
        .exits(2)
        .says(&["the oracle lane has no pictures"]);
}
