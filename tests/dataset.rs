//! Exported pictures and their truth, as the program writes them and as the tools of the field read them.

// Starts processes; nothing here has a virtual time.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use firmware_shim::{Lens, Mounting, View};
use glam::{DVec2, DVec3};
use serde_json::Value;

mod skip;

/// `twin dataset` with arguments, in a folder.
fn dataset(folder: &Path, arguments: &[&str]) -> Output {
    let mut twin = Command::new(env!("CARGO_BIN_EXE_twin"));
    twin.arg("dataset").args(arguments).current_dir(folder).output().expect("twin starts")
}

#[track_caller]
fn exported(folder: &Path, arguments: &[&str]) {
    let output = dataset(folder, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[track_caller]
fn refused(folder: &Path, arguments: &[&str], words: &str) {
    let output = dataset(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(words) && !said.contains("panicked"), "`{words}` is not in: {said}");
}

/// Every file below a folder, by its path.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            let below = files(&path).into_iter();
            found.extend(below.map(|(name, bytes)| (Path::new(path.file_name().unwrap()).join(name), bytes)));
        } else {
            found.insert(PathBuf::from(path.file_name().unwrap()), fs::read(&path).expect("a file"));
        }
    }
    found
}

/// The lens and how it hung, as a picture's entry says.
fn view(image: &Value) -> View {
    let number = |value: &Value| value.as_f64().expect("a number");
    let (lens, mounting) = (&image["lens"], &image["mounting"]);
    let distortion = [0, 1, 2, 3].map(|i| number(&lens["distortion"][i]));
    View {
        lens: Lens { width: 320, height: 240, focal_px: number(&lens["focal_px"]), distortion },
        mounting: Mounting {
            height_m: number(&mounting["height_m"]),
            rotation_rad: number(&mounting["rotation_deg"]).to_radians(),
            tilt_rad: number(&mounting["tilt_deg"]).to_radians(),
        },
    }
}

fn coco(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("annotations.json")).expect("annotations")).expect("JSON")
}

#[test]
fn a_dataset_has_its_pictures_and_the_truth_about_them_and_its_parts_add_up() {
    let bench = tempfile::tempdir().unwrap();
    let here = bench.path();
    exported(here, &["--out", "whole", "--count", "7", "--per-room", "2", "--seed", "5", "--jobs", "3"]);
    let truth = coco(&here.join("whole"));
    let images = truth["images"].as_array().expect("a list");
    assert_eq!(images.len(), 7);
    for image in images {
        let path = here.join("whole").join(image["file_name"].as_str().unwrap());
        let picture = image::open(path).expect("a picture");
        assert_eq!((picture.width(), picture.height()), (320, 240));
    }
    let people = truth["annotations"].as_array().expect("a list");
    assert!(people.len() > 7, "{} people", people.len());
    for person in people {
        let number = |field: &str, i: usize| person[field][i].as_f64().expect("a number");
        let (x, y) = (number("head", 0), number("head", 1));
        let inside = (0.0..320.0).contains(&x) && (0.0..240.0).contains(&y);
        let keypoint = [0, 1, 2].map(|i| number("keypoints", i));
        let expected = if inside { [x, y, keypoint[2].clamp(1.0, 2.0)] } else { [0.0; 3] };
        assert_eq!((keypoint, person["num_keypoints"].as_u64()), (expected, Some(inside.into())), "{person}");
        let image = images.iter().find(|image| image["id"] == person["image_id"]).expect("its picture");
        let place = DVec3::from_array([0, 1, 2].map(|i| number("head_m", i)));
        let seen = view(image).pixel(place).expect("in the lens's field");
        // Places are told to the centimetre.
        assert!(seen.distance(DVec2::new(x, y)) < 4.0, "{person} is seen at {seen}");
        let bounds = |field: &str| [0, 1, 2, 3].map(|i| number(field, i));
        let [left, top, width, height] = bounds("whole_bbox");
        assert!(left <= x && x <= left + width && top <= y && y <= top + height, "the head is in the box: {person}");
        let clipped = [left.max(0.0), top.max(0.0), (left + width).min(320.0), (top + height).min(240.0)];
        let [left, top, width, height] = bounds("bbox");
        let off = [left, top, left + width, top + height].into_iter().zip(clipped).map(|(a, b)| (a - b).abs());
        assert!(width > 0.0 && height > 0.0 && off.fold(0.0, f64::max) < 0.03, "what is in the picture: {person}");
    }
    refused(here, &["--out", "whole"], "is there already");

    for part in ["3/3", "1/3", "2/3"] {
        let division = ["--count", "7", "--per-room", "2", "--seed", "5", "--jobs", "1", "--partition", part];
        refused(here, &["--out", "parts", "--merge"], "parts");
        exported(here, &[&["--out", "parts"], &division[..]].concat());
    }
    exported(here, &["--out", "parts", "--merge"]);
    let mut parts = files(&here.join("parts"));
    parts.retain(|name, _| !name.to_string_lossy().contains("of3"));
    let whole = files(&here.join("whole"));
    assert_eq!(parts.keys().collect::<Vec<_>>(), whole.keys().collect::<Vec<_>>());
    for (name, bytes) in &whole {
        assert!(parts[name] == *bytes, "{} differs", name.display());
    }
}

#[test]
fn a_scenarios_frames_are_taken_as_its_device_is_set() {
    let bench = tempfile::tempdir().unwrap();
    let here = bench.path();
    let scenario = |name: &str, image: &str, timeline: &str| {
        let text = format!(
            "(scene: \"factor-backlight\", duration_s: 0.6, device: (at_m: (3.5, 1.5), clock: \"2026-03-02T08:00:00Z\",
              configuration: (image: (wide_dynamic_range: {image}))), timeline: [{timeline}])"
        );
        fs::write(here.join(format!("{name}.ron")), text).unwrap();
        exported(here, &["--out", "out", "--scenario", &format!("{name}.ron")]);
        (1..=5).map(|n| fs::read(here.join(format!("out/{name}/img1/{n:06}.jpg"))).unwrap()).collect::<Vec<_>>()
    };
    let off = scenario("off", "false", "");
    let on = scenario("on", "true", "");
    let later = scenario("later", "false", "(at_s: 0.2, event: Configure((image: (wide_dynamic_range: true))))");
    assert!(off[0] != on[0] && off[4] != on[4]);
    // Set at 0.2 s, when the second frame has come: the third is on its way, and is taken so.
    assert!(later[1] == off[1] && later[2] != off[2], "set when it is set, and not before");
}

#[test]
fn what_cannot_be_exported_is_refused_with_the_reason() {
    let bench = tempfile::tempdir().unwrap();
    let here = bench.path();
    refused(here, &["--out", "x", "--partition", "0/3"], "M from 1 to N");
    refused(here, &["--out", "x", "--partition", "1/99999999999"], "N up to 10000");
    refused(here, &["--out", "x", "--count", "99999999999"], "1000000");
    refused(here, &["--out", "x", "--profile", "vs999"], "vs121-p-standard");
    refused(here, &["--out", "x", "--scenario", "missing.ron"], "missing.ron");
    refused(here, &["--out", "x", "--scenario", "a.ron", "--count", "5"], "cannot be used with");
    refused(here, &["--out", ".", "--merge"], "no annotations-1ofN.json");
}

/// The Python that has pycocotools and trackeval, or why there is none.
fn python() -> Option<String> {
    let python = std::env::var("TWIN_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let works = Command::new(&python).args(["-c", "import pycocotools, trackeval"]).output();
    if works.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    skip::skip(&format!(
        "{python} lacks pycocotools or trackeval (pip install pycocotools trackeval; TWIN_PYTHON names another)"
    ));
    None
}

#[track_caller]
fn run_python(python: &str, folder: &Path, program: &str) -> String {
    let output = Command::new(python).args(["-c", program]).current_dir(folder).output().expect("python starts");
    let (said, failed) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{failed}");
    said.into_owned()
}

#[test]
fn pycocotools_reads_the_annotations_and_scores_the_truth_itself_perfect() {
    let Some(python) = python() else { return };
    let bench = tempfile::tempdir().unwrap();
    exported(bench.path(), &["--out", "set", "--count", "4", "--per-room", "1", "--seed", "11"]);
    let program = r#"
import json
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
truth = COCO("set/annotations.json")
people = [a for a in truth.anns.values() if not a["iscrowd"]]
assert people, "nobody is in the pictures"
found = truth.loadRes([dict(image_id=a["image_id"], category_id=1, bbox=a["bbox"], score=1.0) for a in people])
judge = COCOeval(truth, found, "bbox")
judge.evaluate(); judge.accumulate(); judge.summarize()
print("AP", judge.stats[0])
"#;
    let said = run_python(&python, bench.path(), program);
    assert!(said.lines().last().is_some_and(|line| line == "AP 1.0"), "{said}");
}

#[test]
fn trackeval_reads_a_scenarios_sequence_and_scores_the_truth_itself_perfect() {
    let Some(python) = python() else { return };
    let bench = tempfile::tempdir().unwrap();
    let library = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/library/corridor.ron");
    let text = fs::read_to_string(library).unwrap().replace("duration_s: 45", "duration_s: 12");
    fs::write(bench.path().join("walk.ron"), text).unwrap();
    exported(bench.path(), &["--out", "set", "--scenario", "walk.ron"]);
    assert_eq!(files(&bench.path().join("set/walk/img1")).len(), 120, "10 frames a second for 12 s");
    let program = r#"
import os, shutil, trackeval
os.makedirs("found/truth/data")
shutil.copy("set/walk/gt/gt.txt", "found/truth/data/walk.txt")
data = trackeval.datasets.MotChallenge2DBox(dict(
    GT_FOLDER="set", TRACKERS_FOLDER="found", OUTPUT_FOLDER="out", TRACKERS_TO_EVAL=["truth"], SKIP_SPLIT_FOL=True,
    SEQ_INFO={"walk": None}, DO_PREPROC=False, PRINT_CONFIG=False))
judge = trackeval.Evaluator(dict(PRINT_RESULTS=False, PRINT_CONFIG=False, TIME_PROGRESS=False, OUTPUT_SUMMARY=False,
    OUTPUT_DETAILED=False, PLOT_CURVES=False, LOG_ON_ERROR=None, BREAK_ON_ERROR=True))
results, _ = judge.evaluate([data], [trackeval.metrics.HOTA(), trackeval.metrics.CLEAR(), trackeval.metrics.Identity()])
scores = results["MotChallenge2DBox"]["truth"]["walk"]["pedestrian"]
print("people", len({line.split(",")[1] for line in open("set/walk/gt/gt.txt")}))
print("recall", scores["CLEAR"]["CLR_Re"], scores["Identity"]["IDR"])
"#;
    let said = run_python(&python, bench.path(), program);
    assert!(said.contains("recall 1.0 1.0"), "{said}");
    let people = said.lines().find_map(|line| line.strip_prefix("people ")?.parse::<u32>().ok());
    assert!(people.is_some_and(|people| people >= 2), "{said}");
}

fn evaluate(folder: &Path, arguments: &[&str]) -> Output {
    let mut twin = Command::new(env!("CARGO_BIN_EXE_twin"));
    twin.arg("evaluate").args(arguments).current_dir(folder).output().expect("twin starts")
}

#[test]
fn a_detectors_average_precision_is_that_of_pycocotools() {
    let Some(python) = python() else { return };
    let bench = tempfile::tempdir().unwrap();
    let here = bench.path();
    exported(here, &["--out", "set", "--count", "40", "--per-room", "1", "--seed", "12"]);
    let done = evaluate(here, &["set", "--json", "verdict.json", "--detections", "found.json"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let verdict: Value = serde_json::from_slice(&fs::read(here.join("verdict.json")).unwrap()).expect("JSON");
    let ours = verdict["models"][0]["ap50"].as_f64().expect("somebody is there");
    assert!((0.2..0.99).contains(&ours), "neither all nor nothing is found: {ours}");
    let done = evaluate(here, &["set", "--threshold", "0.9", "--json", "strict.json"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let strict: Value = serde_json::from_slice(&fs::read(here.join("strict.json")).unwrap()).expect("JSON");
    let recall = |verdict: &Value| verdict["models"][0]["recall"].as_f64().expect("somebody is there");
    assert!(recall(&strict) < recall(&verdict), "who demands more believes in fewer: {strict}");
    assert_eq!(strict["models"][0]["ap50"], verdict["models"][0]["ap50"], "which is of all confidences");
    let program = r#"
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
truth = COCO("set/annotations.json")
assert any(a["iscrowd"] for a in truth.anns.values()), "nobody is to be ignored"
judge = COCOeval(truth, truth.loadRes("found.json"), "bbox")
judge.evaluate(); judge.accumulate(); judge.summarize()
print("AP50", repr(float(judge.stats[1])))
"#;
    let said = run_python(&python, here, program);
    let theirs = said.lines().find_map(|line| line.strip_prefix("AP50 ")?.parse::<f64>().ok());
    assert!(theirs.is_some_and(|theirs| (theirs - ours).abs() < 1e-9), "{ours}; {said}");
}

#[test]
fn a_detector_is_judged_by_annotations_of_others_and_what_is_none_is_named() {
    let bench = tempfile::tempdir().unwrap();
    let here = bench.path();
    fs::create_dir(here.join("photos")).unwrap();
    image::RgbImage::from_pixel(640, 400, image::Rgb([90, 90, 90])).save(here.join("photos/a.png")).unwrap();
    let coco = |images: &str, annotations: &str| {
        let categories = r#"[{"id": 3, "name": "chair"}, {"id": 7, "name": "person"}]"#;
        format!(r#"{{"images": [{images}], "annotations": [{annotations}], "categories": {categories}, "info": {{}}}}"#)
    };
    let image = r#"{"id": 5, "file_name": "a.png", "width": 640, "height": 400}"#;
    let chair = r#"{"id": 1, "image_id": 5, "category_id": 3, "bbox": [1, 2, 3, 4], "iscrowd": 0}"#;
    let person = r#"{"id": 2, "image_id": 5, "category_id": 7, "bbox": [100, 100, 50, 50]}"#;
    fs::write(here.join("theirs.json"), coco(image, &[chair, person].join(", "))).unwrap();
    let done = evaluate(here, &["theirs.json", "--images", "photos", "--json", "verdict.json"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let verdict: Value = serde_json::from_slice(&fs::read(here.join("verdict.json")).unwrap()).expect("JSON");
    let figures = &verdict["models"][0];
    // Nobody is found in an even grey, and the chair is nobody.
    assert_eq!((&figures["recall"], &figures["count_accuracy"]), (&0.0.into(), &0.0.into()), "{figures}");
    assert!(figures["false_alarms_per_1000"].is_null() && figures["posture_accuracy"].is_null());

    fs::write(here.join("stray.json"), coco(image, &person.replace("\"image_id\": 5", "\"image_id\": 6"))).unwrap();
    fs::write(here.join("none.json"), coco("", "")).unwrap();
    fs::write(here.join("other.json"), "[]").unwrap();
    for (arguments, words) in [
        (["theirs.json"].as_slice(), "a.png"),
        (&["stray.json", "--images", "photos"], "image 6"),
        (&["none.json"], "lists no images"),
        (&["other.json"], "not as COCO's files are"),
        (&["nowhere"], "nowhere"),
        (&["photos"], "photos/annotations.json"),
        (&["theirs.json", "--images", "photos", "--model", "other.json"], "other.json"),
        (&["theirs.json", "--model", "x", "--model", "y", "--detections", "z"], "name one --model"),
        (&["theirs.json", "--threshold", "1.5"], "a confidence over 0, up to 1"),
        (&["a.ron", "--threshold", "0.5"], "--threshold is for pictures"),
    ] {
        let done = evaluate(here, arguments);
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(words) && !said.contains("panicked"), "`{words}` is not in: {said}");
    }
}

#[test]
fn tracks_of_a_run_score_what_trackeval_says() {
    let Some(python) = python() else { return };
    let bench = tempfile::tempdir().unwrap();
    let here = bench.path();
    let library = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/library/corridor.ron");
    // The oracle errs: people are missed for long enough to be somebody else afterwards.
    let text = fs::read_to_string(library).unwrap();
    let text = text.replace("    expect: [", "    oracle: (miss: 0.8, jitter_px: 3, false_alarm: 0.3),\n    expect: [");
    fs::write(here.join("walk.ron"), &text).unwrap();
    exported(here, &["--out", "set", "--scenario", "walk.ron"]);
    // A reflection goes where somebody goes, who is then nobody to be followed; and somebody stands who does not count.
    let truth_file = here.join("set/walk/gt/gt.txt");
    let mut truth = fs::read_to_string(&truth_file).unwrap();
    let (mut reflections, mut uncounted) = (0, 0);
    for line in truth.clone().lines() {
        let columns: Vec<&str> = line.split(',').collect();
        reflections += u32::from(columns[1] == "1");
        uncounted += u32::from(columns[6] == "0");
    }
    truth = truth
        .lines()
        .map(|line| {
            let mut columns: Vec<&str> = line.split(',').collect();
            if columns[1] == "1" {
                columns[7] = "12";
            }
            columns.join(",") + "\n"
        })
        .collect();
    assert!(reflections > 10 && uncounted > 0, "{reflections} lines of the first, {uncounted} that do not count");
    fs::write(&truth_file, truth).unwrap();
    let mut run = Command::new(env!("CARGO_BIN_EXE_twin"));
    // What it reports is judged elsewhere.
    run.args(["run", "walk.ron", "--lane", "oracle", "--out", "out"]).current_dir(here).output().expect("twin starts");
    let done = evaluate(here, &["set/walk", "--tracks", "out/walk/tracks.txt", "--json", "scores.json"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let ours: Value = serde_json::from_slice(&fs::read(here.join("scores.json")).unwrap()).expect("JSON");
    let program = r#"
import os, shutil, trackeval
os.makedirs("found/ours/data")
shutil.copy("out/walk/tracks.txt", "found/ours/data/walk.txt")
data = trackeval.datasets.MotChallenge2DBox(dict(
    GT_FOLDER="set", TRACKERS_FOLDER="found", OUTPUT_FOLDER="judged", TRACKERS_TO_EVAL=["ours"], SKIP_SPLIT_FOL=True,
    SEQ_INFO={"walk": None}, PRINT_CONFIG=False))
judge = trackeval.Evaluator(dict(PRINT_RESULTS=False, PRINT_CONFIG=False, TIME_PROGRESS=False, OUTPUT_SUMMARY=False,
    OUTPUT_DETAILED=False, PLOT_CURVES=False, LOG_ON_ERROR=None, BREAK_ON_ERROR=True))
results, _ = judge.evaluate([data], [trackeval.metrics.HOTA(), trackeval.metrics.CLEAR(), trackeval.metrics.Identity()])
scores = results["MotChallenge2DBox"]["ours"]["walk"]["pedestrian"]
for name, value in [("hota", scores["HOTA"]["HOTA"].mean()), ("det_a", scores["HOTA"]["DetA"].mean()),
                    ("ass_a", scores["HOTA"]["AssA"].mean()), ("mota", scores["CLEAR"]["MOTA"]),
                    ("idf1", scores["Identity"]["IDF1"]), ("id_switches", scores["CLEAR"]["IDSW"])]:
    print("score", name, repr(float(value)))
"#;
    let said = run_python(&python, here, program);
    let theirs = said.lines().filter_map(|line| line.strip_prefix("score ")?.split_once(' '));
    let mut compared = 0;
    for (name, value) in theirs {
        let (ours, theirs) = (ours[name].as_f64().expect(name), value.parse::<f64>().expect("a number"));
        assert!((ours - theirs).abs() < 1e-6, "{name}: {ours}, trackeval has {theirs}");
        compared += 1;
    }
    assert_eq!(compared, 6, "{said}");
    let hota = ours["hota"].as_f64().expect("a number");
    assert!((0.1..0.999).contains(&hota), "neither nothing nor all is right: {hota}");
    assert!(ours["id_switches"].as_u64() > Some(0), "{ours}");

    for (name, line, words) in [
        ("short.txt", "1,2,3", "short.txt:1: expected frame,id"),
        ("words.txt", "1,1,0,0,9,9,1\n1,two,0,0,9,9,1", "words.txt:2: expected frame,id"),
        ("twice.txt", "1,1,0,0,9,9,1\n1,1,5,5,9,9,1", "twice.txt:2: 1 is twice in frame 1"),
    ] {
        fs::write(here.join(name), line).unwrap();
        let done = evaluate(here, &["set/walk", "--tracks", name]);
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.code() == Some(2) && said.contains(words), "`{words}` is not in: {said}");
    }
}
