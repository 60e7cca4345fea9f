//! The built program as its users meet it: on scenarios that hold, that fail and that are wrong, from any folder.

// A test's own socket, to have a busy port.
#![allow(clippy::disallowed_methods)]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

const MEETING_ROOM: &str = include_str!("../scenarios/library/meeting-room.ron");
const CORRIDOR: &str = include_str!("../scenarios/library/corridor.ron");

/// A folder somewhere outside the repository, with the files a test puts there.
struct Bench {
    folder: TempDir,
}

/// What a command did.
struct Done {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        // A repository of its own: golden files are not looked for above it, wherever temporary folders are.
        fs::create_dir(folder.path().join(".git")).expect("a folder in it");
        Bench { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, text: &str) -> &Self {
        fs::create_dir_all(self.path(name).parent().expect("a file has a folder")).unwrap();
        fs::write(self.path(name), text).unwrap();
        self
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).expect("JSON")
    }

    /// Runs `twin` in the folder.
    fn twin(&self, arguments: &[&str]) -> Done {
        self.twin_with(arguments, &[])
    }

    fn twin_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Done {
        let output = Command::new(env!("CARGO_BIN_EXE_twin"))
            .args(arguments)
            .envs(environment.iter().copied())
            .current_dir(self.folder.path())
            .output()
            .expect("twin starts");
        Done {
            code: output.status.code().expect("twin ends by itself"),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs scenarios in the oracle lane.
    fn oracle(&self, arguments: &[&str]) -> Done {
        self.twin(&[&["run", "--lane", "oracle"], arguments].concat())
    }
}

impl Done {
    #[track_caller]
    fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Standard error names all of this, and nothing panicked.
    #[track_caller]
    fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is not in:\n{}", self.stderr);
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }
}

/// Replaces text that must be there.
#[track_caller]
fn edit(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "`{from}` is not there to be edited");
    text.replacen(from, to, 1)
}

fn library() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/library"))
}

/// The meeting room for `seconds`, with nothing demanded of it.
fn short_meeting(seconds: f64) -> String {
    let text = edit(MEETING_ROOM, "duration_s: 60", &format!("duration_s: {seconds}"));
    let (before, _) = text.split_once("    expect: [").expect("the scenario expects something");
    format!("{before})\n")
}

#[test]
fn the_library_holds_in_the_oracle_lane() {
    let bench = Bench::new();
    let library = library().to_str().unwrap();
    bench.oracle(&[library, "--json", "verdicts.json"]).exits(0);
    let verdicts = bench.json("verdicts.json");
    let scenarios = verdicts["scenarios"].as_array().expect("a list");
    assert_eq!(scenarios.len(), 2);
    for scenario in scenarios {
        assert_eq!(scenario["verdict"], "pass");
        assert_eq!(scenario["lane"], "oracle");
        assert_eq!(scenario["inference"], "none");
        assert_eq!(scenario["differences"], Value::Array(vec![]));
        assert!(scenario["frames"].as_u64() > Some(400), "{scenario}");
        assert!(scenario["wall_s"].is_f64() && scenario["realtime_factor"].is_f64());
        assert!(scenario["count_accuracy"].as_f64() > Some(0.9));
    }
    let by_name = |name: &str| scenarios.iter().find(|scenario| scenario["name"] == name).expect("ran");
    assert_eq!(by_name("meeting-room")["reports"]["mqtt"], 0);
    assert_eq!(by_name("corridor")["reports"]["http"], 0);
    assert_eq!(by_name("meeting-room")["simulated_s"], 60.0);
}

#[test]
fn the_library_holds_in_the_rendered_lane() {
    let bench = Bench::new();
    let library = library().to_str().unwrap();
    bench.twin(&["run", library, "--json", "verdicts.json", "--out", "kept"]).exits(0);
    for scenario in bench.json("verdicts.json")["scenarios"].as_array().expect("a list") {
        assert_eq!(scenario["lane"], "rendered");
        assert!(["tract", "onnxruntime"].contains(&scenario["inference"].as_str().expect("a name")));
    }
    let sheet = image::open(bench.path("kept/meeting-room/contact-sheet.png")).expect("a picture").into_rgb8();
    assert!(sheet.width() >= 4 * 320 && sheet.height() >= 3 * 240);
}

#[test]
fn the_same_seed_gives_the_same_bytes_in_both_lanes() {
    let bench = Bench::new();
    bench
        .put("meeting.ron", &short_meeting(12.0))
        .put("corridor.ron", &edit(CORRIDOR, "duration_s: 45", "duration_s: 12"));
    for lane in ["oracle", "rendered"] {
        for out in ["first", "second"] {
            // Without golden files both fail; that is not what this is about.
            bench.twin(&["run", ".", "--lane", lane, "--out", &format!("{lane}-{out}")]).exits(1);
        }
        for scenario in ["meeting", "corridor"] {
            let [first, second] = ["first", "second"].map(|out| kept(&bench.path(&format!("{lane}-{out}/{scenario}"))));
            assert!(first.len() > 2, "{lane}: {scenario} has reports");
            assert_eq!(first, second, "{lane}: {scenario}");
        }
    }
}

/// Transcript and reports of a run, by name.
fn kept(folder: &Path) -> Vec<(String, String)> {
    let mut files = vec![("transcript".to_owned(), fs::read_to_string(folder.join("transcript.txt")).unwrap())];
    for entry in fs::read_dir(folder.join("reports")).unwrap() {
        let path = entry.unwrap().path();
        files.push((path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(path).unwrap()));
    }
    files.sort();
    files
}

#[test]
fn a_missing_golden_file_fails_and_is_accepted_after_a_look() {
    let bench = Bench::new();
    bench.put("meeting.ron", &short_meeting(12.0));
    let done = bench.oracle(&["meeting.ron"]).exits(1);
    assert!(done.stdout.contains("twin accept"), "{}", done.stdout);
    assert!(!bench.path("golden/meeting.json").exists(), "nothing is accepted unseen");
    assert_eq!(bench.json("golden/meeting.json.new")["scenario"], "meeting");
    bench.twin(&["accept", "golden"]).exits(0);
    bench.oracle(&["meeting.ron"]).exits(0);
    assert!(!bench.path("golden/meeting.json.new").exists());
}

#[test]
fn golden_files_are_looked_for_up_to_the_root_of_the_repository_and_no_further() {
    let bench = Bench::new();
    fs::remove_dir(bench.path(".git")).unwrap();
    fs::create_dir(bench.path("golden")).unwrap();
    bench.put("project/scenarios/day/meeting.ron", &short_meeting(12.0));
    let run = || bench.oracle(&["project/scenarios/day/meeting.ron"]).exits(1);
    // Outside of a repository: beside the scenario.
    run();
    assert!(bench.path("project/scenarios/day/golden/meeting.json.new").exists());
    fs::remove_dir_all(bench.path("project/scenarios/day/golden")).unwrap();
    // In one: in the nearest folder that there is.
    fs::create_dir(bench.path("project/.git")).unwrap();
    fs::create_dir(bench.path("project/golden")).unwrap();
    run();
    assert!(bench.path("project/golden/meeting.json.new").exists());
    fs::create_dir(bench.path("project/golden/library")).unwrap();
    run();
    assert!(bench.path("project/golden/library/meeting.json.new").exists());
    assert!(fs::read_dir(bench.path("golden")).unwrap().next().is_none(), "what is above the repository is left alone");
}

#[test]
fn a_golden_file_that_says_otherwise_fails_the_run_and_the_report_and_field_are_named() {
    let bench = Bench::new();
    bench.put("meeting.ron", &short_meeting(12.0));
    bench.oracle(&["meeting.ron"]).exits(1);
    bench.twin(&["accept", "golden"]).exits(0);
    let golden = bench.read("golden/meeting.json");
    bench.put("golden/meeting.json", &edit(&golden, "\"current_total\": 4", "\"current_total\": 7"));
    let done = bench.oracle(&["meeting.ron", "--junit", "junit.xml", "--json", "verdicts.json"]).exits(1);
    assert!(done.stdout.contains("current_total") && done.stdout.contains("golden 7, got 4"), "{}", done.stdout);
    let difference = &bench.json("verdicts.json")["scenarios"][0]["differences"][0];
    assert_eq!(difference["field"], "current_total");
    assert_eq!(difference["report"]["number"], 1);
    let junit = bench.read("junit.xml");
    assert!(junit.contains("failures=\"1\"") && junit.contains("current_total"), "{junit}");
}

#[test]
fn a_gallery_shows_scenes_of_the_library_and_of_ones_own_and_refuses_what_it_cannot_show() {
    let bench = Bench::new();
    let huddle = include_str!("../scenes/library/huddle-room.ron");
    bench.put("own.ron", huddle);
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
fn what_is_kept_of_a_run_is_of_the_last_one_alone() {
    let bench = Bench::new();
    let reports = || kept(&bench.path("out/meeting")).len();
    bench.put("meeting.ron", &short_meeting(40.0)).oracle(&["meeting.ron", "--out", "out"]).exits(1);
    let long = reports();
    bench.put("meeting.ron", &short_meeting(8.0)).oracle(&["meeting.ron", "--out", "out"]).exits(1);
    assert!(reports() < long, "{} of {long} are left", reports());
}

#[test]
fn what_a_scenario_expects_can_fail() {
    let bench = Bench::new();
    let blind = edit(MEETING_ROOM, "    recipients:", "    oracle: (miss: 0.9),\n    recipients:");
    bench.put("blind.ron", &blind);
    bench.oracle(&["blind.ron"]).exits(1);
    bench.twin(&["accept", "golden"]).exits(0);
    let done = bench.oracle(&["blind.ron"]).exits(1);
    assert!(done.stdout.contains("count accuracy is"), "{}", done.stdout);
}

#[test]
fn reports_travel_at_the_quality_of_service_that_is_set() {
    let bench = Bench::new();
    let mut travelled = Vec::new();
    for qos in ["0", "1", "2"] {
        let text = edit(&edit(CORRIDOR, "qos: 1", &format!("qos: {qos}")), "duration_s: 45", "duration_s: 16");
        bench.put(&format!("qos{qos}.ron"), &text);
        bench.oracle(&[&format!("qos{qos}.ron")]).exits(1);
        let mut golden = bench.json(&format!("golden/qos{qos}.json.new"));
        let reports = golden["reports"].as_array_mut().expect("a list");
        assert!(reports.len() >= 3, "{reports:?}");
        for report in reports.iter_mut() {
            let to = format!("MQTT 192.168.0.8:1883 building/1/corridor/east qos {qos}");
            assert_eq!(report["to"].take(), Value::from(to));
            assert_eq!(report["document"]["event"], "Region People Counting");
        }
        travelled.push(reports.clone());
    }
    // Virtual time waits for the wire: how a report travels changes nothing else, nor when it arrives.
    assert_eq!(travelled[0], travelled[1]);
    assert_eq!(travelled[2], travelled[1]);
}

/// Documents of the reports a run left to be accepted.
fn documents(bench: &Bench, scenario: &str) -> Vec<Value> {
    let golden = bench.json(&format!("golden/{scenario}.json.new"));
    golden["reports"].as_array().expect("a list").iter().map(|report| report["document"].clone()).collect()
}

#[test]
fn the_timeline_sets_the_clock_and_the_configuration_at_its_instants() {
    let bench = Bench::new();
    // Summer time begins between the first and the second report; then the device counts the whole view, every 5 s.
    let timeline = "    timeline: [
        (at_s: 12, event: Clock(\"2026-03-29T01:00:00Z\")),
        (at_s: 21, event: Configure((
            time_zone: \"Europe/Berlin\",
            region_people_counting: (
                report_regularly: FromNowOn(interval_s: 5),
                protocol: Http(urls: [(url: \"http://192.168.0.9:80/other\")]),
            ),
        ))),
    ],
    recipients:";
    let quiet = edit(&short_meeting(30.0), "OnceResultChanges", "Off");
    bench.put("changes.ron", &edit(&quiet, "    recipients:", timeline));
    bench.oracle(&["changes.ron", "--json", "changes.json"]).exits(1);
    // What is demanded of the count changes with the configuration: an oracle that errs nowhere is right but for the moments
    // it takes to believe in somebody.
    let accuracy = bench.json("changes.json")["scenarios"][0]["count_accuracy"].as_f64().expect("frames were analysed");
    assert!(accuracy > 0.98, "{accuracy}");
    let documents = documents(&bench, "changes");
    let ends: Vec<&str> = documents.iter().map(|d| d["time_info"]["end_time"].as_str().expect("a time")).collect();
    assert_eq!(ends, ["2026/03/02 09:00:10", "2026/03/29 03:00:08", "2026/03/29 03:00:14"]);
    assert_eq!(documents[0]["time_info"]["dst_status"], false);
    assert_eq!(documents[1]["time_info"]["dst_status"], true);
    assert_eq!(documents[1]["total_mapped_regions"], 2);
    assert_eq!(documents[2]["total_mapped_regions"], 0, "the new configuration has no regions");
    assert_eq!(documents[2]["current_total"], 5);
}

#[test]
fn another_seed_errs_otherwise_and_leaves_nothing_to_accept() {
    let bench = Bench::new();
    let erring =
        edit(&short_meeting(20.0), "    recipients:", "    oracle: (miss: 0.4, false_alarm: 0.3),\n    recipients:");
    bench.put("erring.ron", &erring);
    bench.oracle(&["erring.ron", "--out", "own"]).exits(1);
    bench.twin(&["accept", "golden"]).exits(0);
    bench.oracle(&["erring.ron", "--seed", "7", "--out", "other"]).exits(1);
    assert!(!bench.path("golden/erring.json.new").exists());
    assert_ne!(kept(&bench.path("own/erring")), kept(&bench.path("other/erring")));
}

#[test]
fn totals_that_were_never_true_fail_the_run() {
    let bench = Bench::new();
    // The device believes a change after 8 s, the scenario gives it 2.5 s.
    let late = edit(
        MEETING_ROOM,
        "                report_regularly:",
        "                stable_for_s: 8,\n                report_regularly:",
    );
    bench.put("late.ron", &late);
    let done = bench.oracle(&["late.ron"]).exits(1);
    assert!(done.stdout.contains("the nearest true count"), "{}", done.stdout);
}

#[test]
fn reports_that_reach_nobody_are_counted() {
    let bench = Bench::new();
    bench.put("lost.ron", &edit(&short_meeting(12.0), "address: \"192.168.0.9:80\"", "address: \"192.168.0.7:80\""));
    let done = bench.oracle(&["lost.ron", "--out", "out"]).exits(1);
    assert!(done.stdout.contains("given up"), "{}", done.stdout);
    assert!(bench.read("out/lost/transcript.txt").contains("no route"));
    bench.put("lost.ron", &edit(&short_meeting(12.0), "kind: Http", "kind: Mqtt"));
    bench.oracle(&["lost.ron"]).exits(2).says(&["lost.ron:", "urls[0].url", "Mqtt"]);
}

#[test]
fn two_scenarios_of_one_name_are_refused_and_one_named_twice_runs_once() {
    let bench = Bench::new();
    bench.put("a/same.ron", &short_meeting(2.0)).put("b/same.ron", &short_meeting(2.0));
    bench.oracle(&["a/same.ron", "b/same.ron"]).exits(2).says(&["same name"]);
    bench.oracle(&["a/same.ron", "./a/same.ron", "--json", "verdicts.json"]).exits(1);
    assert_eq!(bench.json("verdicts.json")["scenarios"].as_array().unwrap().len(), 1);
}

#[test]
fn the_bench_prints_every_stage() {
    let bench = Bench::new();
    bench.put("meeting.ron", &short_meeting(5.0));
    bench.twin(&["bench", "meeting.ron", "--json", "bench.json"]).exits(0);
    let stages = &bench.json("bench.json")["stages"];
    for stage in ["render", "readback", "sensor", "inference", "tracking", "firmware", "rest", "frame"] {
        let (median, p95) = (&stages[stage]["median_ms"], &stages[stage]["p95_ms"]);
        assert!(median.as_f64() >= Some(0.0) && p95.as_f64() >= median.as_f64(), "{stage}: {median} {p95}");
    }
    for stage in ["render", "readback", "sensor", "inference"] {
        assert!(stages[stage]["median_ms"].as_f64() > Some(0.05), "{stage} does work");
    }
    bench.put("short.ron", &short_meeting(0.5));
    bench.twin(&["bench", "short.ron", "--lane", "oracle"]).exits(2).says(&["too short"]);
}

#[test]
fn an_error_outranks_a_failure_and_neither_stops_the_others() {
    let bench = Bench::new();
    bench.put("a-fails.ron", &short_meeting(2.0)).put("b-wrong.ron", "(").put("c-fails.ron", &short_meeting(2.0));
    let done = bench.oracle(&["a-fails.ron", "b-wrong.ron", "c-fails.ron", "--json", "verdicts.json"]).exits(2);
    assert!(done.stdout.contains("2 failed, 1 could not be run"), "{}", done.stdout);
    let verdicts = bench.json("verdicts.json");
    let found: Vec<&str> =
        verdicts["scenarios"].as_array().unwrap().iter().map(|s| s["verdict"].as_str().unwrap()).collect();
    assert_eq!(found, ["fail", "error", "fail"]);
}

#[test]
fn a_pattern_that_matches_nothing_is_an_error() {
    let bench = Bench::new();
    bench.put("empty/readme.txt", "");
    for pattern in ["nowhere.ron", "empty", "*.ron"] {
        bench.oracle(&[pattern]).exits(2).says(&["no scenario matches", pattern]);
    }
}

#[test]
fn a_scene_and_a_device_of_ones_own_are_found_beside_the_scenario() {
    let bench = Bench::new();
    let scene = include_str!("../scenes/library/meeting-room.ron");
    let device = include_str!("../device-model/library/vs121-p-standard.ron");
    let scenario = edit(&short_meeting(5.0), "scene: \"meeting-room\"", "scene: \"rooms/mine.ron\"");
    let scenario = edit(&scenario, "profile: \"vs121-p-standard\"", "profile: \"devices/mine.ron\"");
    bench.put("rooms/mine.ron", scene).put("devices/mine.ron", device).put("mine.ron", &scenario);
    bench.oracle(&["mine.ron"]).exits(1);
    assert!(bench.path("golden/mine.json.new").exists());

    bench.put("rooms/mine.ron", &edit(scene, "ceiling_m: 3.0", "ceiling_cm: 300"));
    bench.oracle(&["mine.ron"]).exits(2).says(&["rooms/mine.ron:", "ceiling_cm", "ceiling_m"]);
    bench.put("rooms/mine.ron", &edit(scene, "ceiling_m: 3.0", "ceiling_m: 300"));
    bench.oracle(&["mine.ron"]).exits(2).says(&["rooms/mine.ron:6:", "room.ceiling_m", "2 to 12 m"]);
    bench.put("rooms/mine.ron", scene).put("devices/mine.ron", &edit(device, "f_number: 2.0", "f_number: \"2.0\""));
    bench.oracle(&["mine.ron"]).exits(2).says(&["devices/mine.ron:", "f_number"]);
    fs::remove_file(bench.path("devices/mine.ron")).unwrap();
    bench.oracle(&["mine.ron"]).exits(2).says(&["mine.ron:", "device.profile", "devices/mine.ron"]);
}

#[test]
fn every_mistake_in_a_scenario_is_named_by_file_line_and_field() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("duration_s: 60", "duraton_s: 60", &["duraton_s", "did you mean `duration_s`"]),
        ("duration_s: 60", "duration_s: \"60 s\"", &["duration_s"]),
        ("duration_s: 60", "duration_s: -1", &["duration_s", "0.1 s to a week"]),
        ("seed: 1", "seed: -1", &["seed"]),
        ("scene: \"meeting-room\"", "scene: \"meting-room\"", &["scene", "meeting-room"]),
        ("scene: \"meeting-room\"", "scene: \"mine.ron\"", &["scene", "there is no file"]),
        ("\"vs121-p-standard\"", "\"vs999\"", &["device.profile", "vs121-p-standard"]),
        ("at_m: (3.0, 2.3)", "at_m: (30.0, 2.3)", &["device.at_m", "outside the scene's room"]),
        ("interval_s: 10", "interval_s: 3", &["interval_s", "5"]),
        ("clock: \"2026-03-02T08:00:00Z\"", "clock: \"yesterday\"", &["clock"]),
        ("\"Europe/Berlin\"", "\"Europe/Berlinn\"", &["time_zone"]),
        ("(0.353, 0.317)", "(1.353, 0.317)", &["polygon"]),
        ("id: 2", "id: 1", &["regions[1].id"]),
        ("\"http://192.168.0.9:80/reports\"", "\"192.168.0.9/reports\"", &["url"]),
        ("address: \"192.168.0.9:80\"", "address: \"192.168.0.9\"", &["recipients[0].address"]),
        ("form: Mac", "form: Mack", &["normalise[1].form", "Mac"]),
        ("at_least: 0.97", "at_least: 97", &["expect[0]", "0 to 1"]),
        ("clock: \"2026-03-02T08:00:00Z\"", "clock: \"2500-03-02T08:00:00Z\"", &["device.clock", "2000 to 2199"]),
        ("within: 0, ", "within: 0 ", &["xpected"]),
    ];
    let bench = Bench::new();
    for (from, to, words) in cases {
        bench.put("wrong.ron", &edit(MEETING_ROOM, from, to));
        // The line on which the mistake was made; of the missing comma the parser hears behind it.
        let line = 1 + MEETING_ROOM.lines().position(|line| line.contains(from)).unwrap();
        let done = bench.oracle(&["wrong.ron"]).exits(2).says(&["wrong.ron:"]).says(words);
        assert!(done.stderr.contains(&format!("wrong.ron:{line}:")), "{from} → {to}: line {line}: {}", done.stderr);
    }
}

#[test]
fn no_truncated_scenario_makes_the_program_panic() {
    let bench = Bench::new();
    // A sample of places to break off at, spread over the file.
    let breaks = (0..MEETING_ROOM.len()).step_by(97).filter(|&at| MEETING_ROOM.is_char_boundary(at));
    let mut names = Vec::new();
    for at in breaks {
        let name = format!("cut-{at:04}.ron");
        bench.put(&name, &MEETING_ROOM[..at]);
        names.push(name);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    bench.oracle(&names).exits(2).says(&["cut-0097.ron:"]);
}

#[test]
fn what_the_machine_lacks_is_said_with_the_remedy() {
    let bench = Bench::new();
    bench.put("meeting.ron", &short_meeting(1.0)).put("no-model.onnx", "this is no model");
    let no_driver = [("VK_DRIVER_FILES", "/nonexistent.json"), ("VK_ICD_FILENAMES", "/nonexistent.json")];
    bench
        .twin_with(&["run", "meeting.ron", "--json", "unrun.json"], &no_driver)
        .exits(2)
        .says(&["Vulkan", "apt-get install mesa-vulkan-drivers"]);
    let unrun = &bench.json("unrun.json")["scenarios"][0];
    assert_eq!((&unrun["name"], &unrun["verdict"]), (&"meeting".into(), &"error".into()));
    assert!(unrun["error"].as_str().unwrap().contains("apt-get install mesa-vulkan-drivers"), "{unrun}");
    bench.twin(&["run", "meeting.ron", "--model", "no-model.onnx"]).exits(2).says(&["no-model.onnx", "ONNX"]);
    bench.twin(&["run", "meeting.ron", "--model", "missing.onnx"]).exits(2).says(&["missing.onnx"]);
    let no_library = [("ORT_DYLIB_PATH", "no-model.onnx")];
    bench.twin_with(&["run", "meeting.ron"], &no_library).exits(2).says(&["no-model.onnx", "ORT_DYLIB_PATH"]);

    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = busy.local_addr().unwrap().port();
    let listen = format!("address: \"192.168.0.9:80\", listen: \"127.0.0.1:{port}\"");
    bench.put("busy.ron", &edit(&short_meeting(1.0), "address: \"192.168.0.9:80\"", &listen));
    bench.oracle(&["busy.ron"]).exits(2).says(&[&port.to_string(), "192.168.0.9:80"]);
}
