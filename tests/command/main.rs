//! The built program as its users meet it: on scenarios that hold, that fail and that are wrong, from any folder.

mod bench;
mod coverage;
mod days;
mod mistakes;
mod pictures;
mod report_form;
mod retention;
mod scenes;
mod sweep;

use std::fs;
use std::path::Path;

use serde_json::Value;

use bench::{Bench, edit};

const MEETING_ROOM: &str = include_str!("../../scenarios/library/meeting-room.ron");
const CORRIDOR: &str = include_str!("../../scenarios/library/corridor.ron");
const CROSSINGS: &str = include_str!("../../scenarios/library/corridor-crossings.ron");
const OVERCROWDED: &str = include_str!("../../scenarios/library/meeting-room-overcrowded.ron");

fn library() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/library"))
}

/// The meeting room for `seconds`, with nothing demanded of it.
fn short_meeting(seconds: f64) -> String {
    let text = edit(MEETING_ROOM, "duration_s: 60", &format!("duration_s: {seconds}"));
    let (before, _) = text.split_once("    expect: [").expect("the scenario expects something");
    format!("{before})\n")
}

fn is_scenario(entry: &std::io::Result<fs::DirEntry>) -> bool {
    entry.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "ron")
}

#[test]
fn the_library_holds_in_the_oracle_lane() {
    let bench = Bench::new();
    let library = library().to_str().unwrap();
    bench.oracle(&[library, "--json", "verdicts.json"]).exits(0);
    let verdicts = bench.json("verdicts.json");
    let scenarios = verdicts["scenarios"].as_array().expect("a list");
    assert_eq!(scenarios.len(), fs::read_dir(library).unwrap().filter(is_scenario).count());
    for scenario in scenarios {
        assert_eq!(scenario["verdict"], "pass");
        assert_eq!(scenario["lane"], "oracle");
        assert_eq!(scenario["inference"], "none");
        assert_eq!(scenario["differences"], Value::Array(vec![]));
        assert!(scenario["frames"].as_u64() >= Some(200), "{scenario}");
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
    let mut rendered = 0;
    for scenario in bench.json("verdicts.json")["scenarios"].as_array().expect("a list") {
        if scenario["lane"] == "oracle" {
            assert_eq!(scenario["inference"], "none", "long runs are not rendered");
            continue;
        }
        rendered += 1;
        assert!(["tract", "onnxruntime"].contains(&scenario["inference"].as_str().expect("a name")));
    }
    assert!(rendered >= 18, "{rendered} scenarios were rendered");
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

#[test]
fn what_goes_to_one_receiver_at_one_instant_is_always_in_the_same_order() {
    let who = "user_name: \"sensor\", password: \"s3cret\"";
    for admits in ["", &format!("admits: Digest({who})")] {
        always_in_the_same_order(who, admits);
    }
}

/// As somebody whom the receiver lets in.
#[track_caller]
fn always_in_the_same_order(who: &str, admits: &str) {
    let bench = Bench::new();
    let url = |url: u32| format!("(url: \"http://192.168.0.9/{url}\", {who}),");
    let urls: String = (1..=3).map(url).collect();
    let scenario = format!(
        "(
            scene: \"meeting-room\",
            seed: 1,
            duration_s: 60,
            golden_file: false,
            device: (
                profile: \"vs121-p-standard\",
                at_m: (3.0, 2.5),
                clock: \"2026-07-06T06:59:50Z\",
                configuration: (
                    region_people_counting: (report_regularly: FromNowOn(interval_s: 5), protocol: Http(urls: [{urls}])),
                    line_crossing_counting: (
                        enable: true,
                        line: [(0.5, 0.9), (0.5, 0.1)],
                        report_regularly: FromNowOn(interval_s: 5),
                        protocol: Http(urls: [{}]),
                    ),
                ),
            ),
            recipients: [(kind: Http, address: \"192.168.0.9:80\", {admits})],
            expect: [Reports(at_least: 44)],
        )",
        url(4)
    );
    bench.put("run.ron", &scenario);
    let runs = ["first", "second", "third", "fourth"].map(|out| {
        bench.oracle(&["run.ron", "--out", out]).exits(0);
        kept(&bench.path(&format!("{out}/run")))
    });
    assert!(runs.iter().all(|run| *run == runs[0]), "not the same in all runs");
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
fn what_is_expected_of_crossings_contact_and_kinds_of_reports_can_fail() {
    let bench = Bench::new();
    let demanding = |text: &str, demand: &str, words: &str| {
        let (before, _) = text.split_once("    expect: [").expect("the scenario expects something");
        bench.put("demanding.ron", &format!("{before}    expect: [{demand}],\n)\n"));
        bench.oracle(&["demanding.ron"]);
        bench.twin(&["accept", "golden"]).exits(0);
        let done = bench.oracle(&["demanding.ron"]).exits(if words.is_empty() { 0 } else { 1 });
        assert!(done.stdout.contains(words), "{demand}: {}", done.stdout);
    };
    demanding(CROSSINGS, "CrossingsAreTrue()", "");
    let blind = edit(CROSSINGS, "    recipients:", "    oracle: (miss: 0.97),\n    recipients:");
    demanding(&blind, "CrossingsAreTrue()", "In: of 3 that happened");
    demanding(&blind, "CrossingsAreTrue()", "B-D: of 3 that happened");
    demanding(&blind, "CrossingsAreTrue(except: 3)", "except: 3 allows all of them to be missed");
    let hazy = edit(CROSSINGS, "    recipients:", "    oracle: (miss: 0.5),\n    recipients:");
    demanding(&hazy, "CrossingsAreTrue(except: 2)", "");
    let seeing = edit(CROSSINGS, "    recipients:", "    oracle: (false_alarm: 1.0, jitter_px: 60),\n    recipients:");
    demanding(&seeing, "CrossingsAreTrue()", "told that never were");

    demanding(OVERCROWDED, "DoContact(changes: [(9.3, Open), (43.3, Closed)], within_s: 0.1)", "");
    for changes in ["", "(9.3, Open)", "(9.3, Closed), (43.3, Open)", "(9.5, Open), (43.3, Closed)"] {
        demanding(OVERCROWDED, &format!("DoContact(changes: [{changes}], within_s: 0.1)"), "the DO contact changed so");
    }

    let reports =
        |event: &str| format!("Reports(event: \"{event}\", report_type: \"interval\", at_least: 3, at_most: 3)");
    demanding(CROSSINGS, &reports("People Flow Analysis"), "");
    demanding(
        CROSSINGS,
        &reports("Dwell Time Detection"),
        "0 Dwell Time Detection interval reports arrived, expected at least 3",
    );
    bench.put("demanding.ron", &edit(CROSSINGS, "CrossingsAreTrue()", "Reports(event: \"Flow\", at_least: 1)"));
    bench.oracle(&["demanding.ron"]).exits(2).says(&["expect[0]", "`Flow` is none of Region People Counting"]);
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
