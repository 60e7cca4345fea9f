//! What is wrong with what people ask for, and how it is said.

// A test's own socket, to have a busy port.
#![allow(clippy::disallowed_methods)]

use std::fs;
use std::net::TcpListener;

use crate::bench::{Bench, edit};
use crate::{MEETING_ROOM, short_meeting};

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
    let scene = include_str!("../../scenes/library/meeting-room.ron");
    let device = include_str!("../../device-model/library/vs121-p-standard.ron");
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
        ("\"Europe/Berlin\"", "\"Berlin\"", &["time_zone", "did you mean `Europe/Berlin`"]),
        ("\"192.168.0.99\"", "\"192.168.0\"", &["ip_address", "such as `192.168.5.220`"]),
        ("sn: \"369362028335\"", "sn: \"\"", &["device.sn", "such as `6600D0233093`"]),
        ("mac: \"00:16:28:FA:8E:68\"", "mac: \"00:16\"", &["device.mac", "six pairs"]),
        (
            "address: \"192.168.0.9:80\"",
            "address: \"192.168.0.9:80\", listen: \"8080\"",
            &["recipients[0].listen", "such as `127.0.0.1:8080`"],
        ),
        (
            "address: \"192.168.0.9:80\"",
            "address: \"192.168.0.9:80\", tls: (until: \"7 July\")",
            &["recipients[0].tls.until", "such as `2026-07-07`"],
        ),
        ("(0.353, 0.317)", "(1.353, 0.317)", &["polygon"]),
        ("id: 2", "id: 1", &["regions[1].id"]),
        ("\"http://192.168.0.9:80/reports\"", "\"192.168.0.9/reports\"", &["url"]),
        ("address: \"192.168.0.9:80\"", "address: \"192.168.0.9\"", &["recipients[0].address"]),
        ("address: \"192.168.0.9:80\"", "address: \"192.168.0.9:0\"", &["recipients[0].address", "1 to 65535"]),
        ("kind: Http, ", "kind: Ntp, tls: (), ", &["recipients[0].tls", "not for time servers"]),
        (
            "kind: Http, ",
            "kind: Mqtt, admits: Basic(user_name: \"a\", password: \"b\"), ",
            &["recipients[0].admits", "is for HTTP"],
        ),
        (
            "recipients: [",
            "recipients: [(kind: Http, address: \"a:80\"), (kind: Http, address: \"A:80\"), ",
            &["recipients[1].address", "A:80 is listed twice"],
        ),
        ("seed: 1", "seed: 1, timeline: [(at_s: 1, event: PowerOn)]", &["timeline[0].event", "no power was cut"]),
        ("seed: 1", "seed: 1, timeline: [(at_s: 1, event: PowerCut)]", &["timeline[0].event", "`PowerCut()`"]),
        ("at_m: (3.0, 2.3)", "power: [], at_m: (3.0, 2.3)", &["device.power", "[Poe], [Dc]"]),
        ("at_least: 0.97", "at_least: 0.9), Runs(software_version: \"\"", &["expect[1].software_version", "is empty"]),
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
