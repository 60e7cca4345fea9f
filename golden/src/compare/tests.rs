use super::*;
use crate::form::Form;
use crate::golden_file::VERSION;
use crate::normalise::Rule;
use serde_json::json;

fn interval(at_s: f64, people: u32) -> Report {
    let document = json!({
        "event": "Region People Counting",
        "report_type": "interval",
        "device_info": {"device_sn": "<serial>"},
        "time_info": {"dst_status": false, "end_time": format!("2022/12/20 18:15:{:02}", at_s as u32 % 60)},
        "current_total": people,
        "max_counted": people,
        "current_counted": [people, 0],
    });
    Report { at_s, to: "POST http://192.168.0.9:80/".into(), note: None, document }
}

fn run(reports: Vec<Report>) -> GoldenFile {
    GoldenFile { version: VERSION, scenario: "x".into(), rules: Vec::new(), reports }
}

fn meeting() -> Vec<Report> {
    vec![interval(10.0, 1), interval(20.0, 2), interval(30.0, 3), interval(40.0, 4)]
}

fn check(got: Vec<Report>, tolerance: Tolerance, expected: &[&str]) {
    let differences = compare(&run(meeting()), &run(got), &tolerance);
    let lines: Vec<String> = differences
        .iter()
        .map(|difference| difference.to_string().replace(" (POST http://192.168.0.9:80/)", ""))
        .collect();
    assert_eq!(lines, expected);
}

const EXACT: Tolerance = Tolerance { time_s: 0.0, count: 0 };

#[test]
fn the_same_reports_hold() {
    check(meeting(), EXACT, &[]);
}

#[test]
fn a_changed_count_is_named_by_report_and_field() {
    let mut got = meeting();
    got[2].document["current_total"] = json!(5);
    got[3].document["current_counted"][1] = json!(1);
    check(
        got,
        EXACT,
        &[
            "report 3 at 30 s: current_total: values differ: golden 3, got 5",
            "report 4 at 40 s: current_counted[1]: values differ: golden 0, got 1",
        ],
    );
}

#[test]
fn a_missing_report_does_not_make_the_others_differ() {
    let mut got = meeting();
    got.remove(1);
    let differences = compare(&run(meeting()), &run(got), &EXACT);
    assert_eq!(differences.len(), 1);
    assert_eq!(differences[0].report, Some(ReportPlace::of(1, &meeting()[1])));
    assert_eq!((differences[0].golden.as_ref(), differences[0].got.as_ref()), (Some(&meeting()[1].document), None));
    assert!(differences[0].to_string().contains("missing: this run did not send it"));
}

#[test]
fn an_extra_report_does_not_make_the_others_differ() {
    let mut got = meeting();
    got.insert(1, interval(15.0, 7));
    let differences = compare(&run(meeting()), &run(got.clone()), &EXACT);
    assert_eq!(differences.len(), 1);
    assert_eq!(differences[0].report, Some(ReportPlace::of(1, &got[1])));
    assert!(differences[0].to_string().contains("extra: the golden file has no such report"));
}

#[test]
fn missing_and_changed_together_are_told_apart() {
    let mut got = meeting();
    got[3].document["current_total"] = json!(9);
    got.remove(0);
    let differences = compare(&run(meeting()), &run(got), &EXACT);
    assert_eq!(differences.len(), 2);
    assert!(differences[0].to_string().contains("report 1 at 10 s") && differences[0].message.starts_with("missing"));
    assert_eq!(differences[1].field.as_deref(), Some("current_total"));
    assert_eq!(differences[1].report.as_ref().unwrap().number, 4);
}

#[test]
fn a_late_report_is_late_and_not_missing_and_extra() {
    let mut got = meeting();
    got[1].at_s = 24.5;
    check(got.clone(), EXACT, &["report 2 at 20 s: at_s: sent later: golden 20.0, got 24.5"]);
    check(got, Tolerance { time_s: 4.5, count: 0 }, &[]);
}

#[test]
fn a_report_of_the_same_kind_an_hour_away_is_another_one() {
    let mut got = meeting();
    got[3].at_s = 3640.0;
    got[3].document["current_total"] = json!(0);
    got[3].document["current_counted"] = json!([0, 0]);
    let differences = compare(&run(meeting()), &run(got), &EXACT);
    let mut messages: Vec<&str> = differences.iter().map(|d| &d.message[..5]).collect();
    messages.sort_unstable();
    assert_eq!(messages, ["extra", "missi"]);
}

#[test]
fn a_trigger_report_is_never_taken_for_an_interval_report() {
    let mut got = meeting();
    got[1].document["report_type"] = json!("trigger");
    let differences = compare(&run(meeting()), &run(got), &EXACT);
    assert_eq!(differences.len(), 2);
    assert!(differences.iter().all(|difference| difference.field.is_none()));
}

#[test]
fn a_report_to_elsewhere_is_one_difference() {
    let mut got = meeting();
    got[1].to = "POST http://192.168.0.9:80/other".into();
    let expected = "report 2 at 20 s: to: sent elsewhere or otherwise: golden \"POST http://192.168.0.9:80/\", \
        got \"POST http://192.168.0.9:80/other\"";
    check(got, EXACT, &[expected]);
}

#[test]
fn times_are_compared_as_times_within_the_tolerance() {
    let mut got = meeting();
    got[1].document["time_info"]["end_time"] = json!("2022/12/20 18:15:22");
    let line = "report 2 at 20 s: time_info.end_time: values differ: golden \"2022/12/20 18:15:20\", got \"2022/12/20 18:15:22\"";
    check(got.clone(), Tolerance { time_s: 1.9, count: 9 }, &[line]);
    check(got.clone(), Tolerance { time_s: 2.0, count: 0 }, &[]);
    // Only what has the form is a time: a text that merely looks alike must be equal.
    got[1].document["time_info"]["end_time"] = json!("2022-12-20 18:15:20");
    assert_eq!(compare(&run(meeting()), &run(got), &Tolerance { time_s: 60.0, count: 0 }).len(), 1);
}

#[test]
fn iso_times_tolerate_seconds_but_no_other_offset() {
    let at = |time: &str| {
        run(vec![Report { at_s: 0.0, to: "t".into(), note: None, document: json!({"dwell_end_time": time}) }])
    };
    let tolerance = Tolerance { time_s: 5.0, count: 0 };
    let golden = at("2022-12-20T18:15:52+03:00");
    assert_eq!(compare(&golden, &at("2022-12-20T18:15:57+03:00"), &tolerance), []);
    assert_eq!(compare(&golden, &at("2022-12-20T18:15:58+03:00"), &tolerance).len(), 1);
    assert_eq!(compare(&golden, &at("2022-12-20T16:15:52+01:00"), &tolerance).len(), 1);
}

#[test]
fn counts_tolerate_people_and_nothing_else_does() {
    let tolerance = Tolerance { time_s: 0.0, count: 1 };
    let changed = |key: &str, value: Value| {
        let mut got = meeting();
        got[0].document[key] = value;
        compare(&run(meeting()), &run(got), &tolerance).len()
    };
    assert_eq!(changed("current_total", json!(2)), 0);
    assert_eq!(changed("current_total", json!(3)), 1);
    assert_eq!(changed("current_total", json!("1")), 1);
    assert_eq!(changed("current_total", json!(1.5)), 1);
    assert_eq!(changed("max_counted", json!(0)), 0);
    assert_eq!(changed("current_counted", json!([2, 1])), 0);
    assert_eq!(changed("current_counted", json!([2, 2])), 1);
    assert_eq!(changed("current_counted", json!([1])), 1);
    let totals = |regions: u32| {
        run(vec![Report { at_s: 0.0, to: "t".into(), note: None, document: json!({"total_mapped_regions": regions}) }])
    };
    assert_eq!(compare(&totals(1), &totals(2), &tolerance).len(), 1);
}

#[test]
fn keys_may_come_in_any_order_but_none_may_be_missing_or_new() {
    let one = |text: &str| {
        let document = serde_json::from_str(text).unwrap();
        run(vec![Report { at_s: 0.0, to: "t".into(), note: None, document }])
    };
    let golden = one(r#"{"a": 1, "b": {"c": null}}"#);
    assert_eq!(compare(&golden, &one(r#"{"b": {"c": null}, "a": 1}"#), &EXACT), []);
    let lines: Vec<String> =
        compare(&golden, &one(r#"{"a": 1, "b": {"d": 2}}"#), &EXACT).iter().map(Difference::to_string).collect();
    assert_eq!(lines, ["report 1 at 0 s (t): b.c: missing: golden null", "report 1 at 0 s (t): b.d: extra: got 2"]);
}

#[test]
fn other_rules_than_recorded_ask_for_accepting_anew() {
    let rule = |field: &str, form| Rule { field: field.parse().unwrap(), form };
    let with = |rules: Vec<Rule>| GoldenFile { rules, ..run(meeting()) };
    let (serial, mac) = (rule("device_info.device_sn", Form::Serial), rule("device_info.device_mac", Form::Mac));
    let golden = with(vec![serial.clone(), mac.clone()]);
    assert_eq!(compare(&golden, &with(vec![mac, serial.clone()]), &EXACT), []);
    let differences = compare(&golden, &with(vec![serial]), &EXACT);
    assert_eq!(differences.len(), 1);
    assert!(differences[0].to_string().contains("accept anew"), "{}", differences[0]);
}

#[test]
fn nanoseconds_survive_being_written_and_read() {
    let golden = run((1..500).map(|n| interval(f64::from(n) * 0.1 + 86_400.0 * 3.0, 1)).collect());
    let read: GoldenFile = serde_json::from_str(&golden.to_text()).unwrap();
    assert_eq!(compare(&read, &golden, &EXACT), []);
    let mut late = golden.clone();
    late.reports[7].at_s += 1e-6;
    assert_eq!(compare(&golden, &late, &EXACT).len(), 1);
}

#[test]
fn spans_tolerate_twice_what_their_ends_do() {
    let run = |duration_ms: u64, mean_s: u64| {
        let mut report = interval(10.0, 0);
        report.document["dwell_time_data"] =
            json!([{ "region": 1, "duration": duration_ms, "avg_dwell_time": mean_s }]);
        run(vec![report])
    };
    let golden = run(20_000, 20);
    let differ = |duration_ms, mean_s, time_s| {
        compare(&golden, &run(duration_ms, mean_s), &Tolerance { time_s, count: 0 }).len()
    };
    assert_eq!(differ(20_001, 21, 0.0), 2, "exact");
    assert_eq!((differ(23_001, 24, 1.5), differ(16_999, 16, 1.5)), (0, 0));
    assert_eq!((differ(23_002, 20, 1.5), differ(20_000, 25, 1.5)), (1, 1));
}
