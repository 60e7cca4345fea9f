//! Whole days: too long for a golden file, and for being rendered.

use std::path::Path;

use scenarios::Scenario;

use crate::bench::{Bench, edit};
use crate::{MEETING_ROOM, short_meeting};

const OFFICE_DAY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/days/office-day.ron");

#[test]
fn a_day_of_an_office_holds_with_every_function_on() {
    let bench = Bench::new();
    bench.oracle(&[OFFICE_DAY, "--json", "verdicts.json"]).exits(0);
    let verdict = &bench.json("verdicts.json")["scenarios"][0];
    assert_eq!(verdict["simulated_s"], 86400.0);
    assert_eq!(verdict["frames"], 864_000, "ten a second, night and day");
    let [http, mqtt] = ["http", "mqtt"].map(|transport| verdict["reports"][transport].as_u64().expect("a number"));
    assert!(http + mqtt >= 2000 && http > 300 && mqtt > 300, "{http} by HTTP, {mqtt} by MQTT");
    assert_eq!(verdict["reports"]["dropped"], 0, "what the broker missed was kept for it");
}

#[test]
fn twelve_people_are_in_the_office_from_nine_to_six_and_nobody_at_night() {
    let scenario = Scenario::read(Path::new(OFFICE_DAY)).unwrap_or_else(|errors| panic!("{errors}"));
    let people = |t_s: u32| scenario.scene.floors_at(f64::from(t_s)).map(|(_, floor)| floor).collect::<Vec<_>>();
    let day = (9 * 3600..18 * 3600).step_by(10);
    let mean = day.clone().map(|t_s| people(t_s).len()).sum::<usize>() as f64 / day.count() as f64;
    assert!((11.8..12.2).contains(&mean), "{mean} people in the mean");
    assert!((0..7 * 3600).chain(20 * 3600..24 * 3600).step_by(60).all(|t_s| people(t_s).is_empty()));
    for t_s in 7 * 3600..20 * 3600 {
        let people = people(t_s);
        for (i, person) in people.iter().enumerate() {
            let near = people[..i].iter().find(|other| other.distance(*person) < 0.5);
            assert_eq!(near, None, "somebody walks into somebody else at {t_s} s, {person}");
        }
    }
}

#[test]
fn who_has_no_golden_file_must_expect_something() {
    let bench = Bench::new();
    let without = |text: &str| edit(text, "    seed: 1,", "    seed: 1,\n    golden_file: false,");
    let bare = short_meeting(12.0);
    bench.put("bare.ron", &without(&bare));
    bench.oracle(&["bare.ron"]).exits(2).says(&["golden_file", "nothing is judged", "normalise"]);
    let (before, after) = MEETING_ROOM.split_once("    // What differs from device to device").expect("it normalises");
    let (_, after) = after.split_once("    ],\n").expect("the end of a list");
    bench.put("day.ron", &without(&format!("{before}{after}")));
    bench.oracle(&["day.ron"]).exits(0);
    assert!(!bench.path("golden").exists() && !bench.path("day.json.new").exists(), "nothing is left to accept");
    let late = edit(
        &format!("{before}{after}"),
        "                report_regularly:",
        "                stable_for_s: 8,\n                report_regularly:",
    );
    bench.put("late.ron", &without(&late));
    let done = bench.oracle(&["late.ron"]).exits(1);
    assert!(done.stdout.contains("the nearest true count"), "{}", done.stdout);
}
