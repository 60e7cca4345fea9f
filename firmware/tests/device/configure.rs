//! From people on the floor to reports, and what other settings do to a running device.

use firmware::{Command, CommandError, Configuration, Stage};
use firmware_shim::{Contact, Frame, Inputs, Level, NetAction, NetEvent, RtcTime, Uptime};

use crate::bench::{Bench, BlackHole, Listening, NobodyThere, Peer};

fn settings(text: &str) -> Configuration {
    ron_file::RonFile::embedded("settings", format!("(region_people_counting: ({text}))"))
        .parse()
        .expect("settings without mistakes")
}

const BY_RESULT: &str = "report_regularly: Off, report_by_result: OnceResultChanges,";

fn totals<P: Peer>(bench: &Bench<P>) -> Vec<String> {
    let total = |document: String| {
        let value: serde_json::Value = serde_json::from_str(&document).expect("JSON");
        format!("{} {}", value["current_total"], value["current_counted"])
    };
    bench.documents().into_iter().map(total).collect()
}

#[test]
fn people_who_stay_are_reported_and_so_is_their_leaving() {
    let mut bench = Bench::new(settings(BY_RESULT), NobodyThere);
    bench.run_until_ms(1_000);
    bench.people_stand_at(&[(0.5, 0.5), (-0.8, 0.2)]);
    bench.run_until_ms(5_000);
    assert_eq!(bench.firmware.believed().total, 2);
    bench.people_stand_at(&[]);
    bench.run_until_ms(10_000);
    assert_eq!(totals(&bench), ["2 null", "0 null"]);
}

#[test]
fn regions_drawn_while_people_stand_in_them_count_from_then_on() {
    let mut bench = Bench::new(settings(BY_RESULT), NobodyThere);
    bench.people_stand_at(&[(0.8, 0.5), (-0.8, 0.5)]);
    bench.run_until_ms(3_000);
    let corners = [(0.2, 0.0), (1.4, 0.0), (1.4, 1.2), (0.2, 1.2)].map(|(x, y)| bench.on_image(x, y));
    let polygon: Vec<String> = corners.iter().map(|corner| format!("({}, {})", corner.x, corner.y)).collect();
    let region = format!(r#"detection_region: (regions: [(id: 7, name: "East", polygon: [{}])])"#, polygon.join(", "));
    bench.configure(settings(&format!("{BY_RESULT} {region}")));
    bench.run_until_ms(6_000);
    assert_eq!(totals(&bench), ["2 null", "1 [1]"]);
    assert_eq!(bench.documents()[1].matches(r#""numbering_regions":[7]"#).count(), 1);
}

#[test]
fn a_frame_that_cannot_be_analysed_is_said_and_changes_no_count() {
    let mut bench = Bench::new(settings(BY_RESULT), NobodyThere);
    bench.people_stand_at(&[(0.5, 0.5)]);
    bench.run_until_ms(3_000);
    bench.detector_breaks();
    bench.run_until_ms(6_000);
    assert_eq!(totals(&bench), ["1 null"]);
    let failed = bench.transcript().iter().filter(|line| line.contains("failed to analyse frame")).count();
    assert_eq!(failed, 30);
}

#[test]
fn a_disabled_function_neither_counts_nor_reports_nor_connects() {
    let mqtt = r#"protocol: Mqtt(host: "broker", client_id: "c", topic: "t"),"#;
    let mut bench = Bench::new(settings(&format!("enable: false, {mqtt}")), NobodyThere);
    bench.people_stand_at(&[(0.5, 0.5)]);
    bench.run_until_ms(30_000);
    assert_eq!((bench.said.len(), bench.firmware.believed().total), (0, 0));
}

#[test]
fn a_bad_configuration_changes_nothing() {
    let mut bench = Bench::new(settings(BY_RESULT), NobodyThere);
    let before = bench.firmware.configuration().clone();
    let mut bad = before.clone();
    bad.device.name = String::new();
    bad.mounting.height_m = Some(-3.0);
    bad.time_zone = "Europe/Berlin".parse().expect("a zone");
    let command = Command::Configure(Box::new(bad));
    let Err(CommandError::Configuration(problems)) = bench.firmware.command(bench.now, RtcTime(0), command) else {
        panic!("mistakes must be refused");
    };
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["device.name", "mounting.height_m"]);
    assert_eq!(*bench.firmware.configuration(), before);
}

#[test]
fn a_recipient_that_stays_keeps_its_report_and_one_that_goes_is_taken_leave_of() {
    let http =
        |urls: &str| settings(&format!("report_regularly: FromNowOn(interval_s: 5), protocol: Http(urls: [{urls}]),"));
    let (a, b) = (r#"(url: "http://a/")"#, r#"(url: "http://b/")"#);
    let mut bench = Bench::new(http(&format!("{a}, {b}")), BlackHole);
    bench.run_until_ms(5_000);
    bench.configure(http(a));
    let dropped: Vec<String> = bench.transcript().into_iter().filter(|line| line.contains("dropped")).collect();
    assert_eq!(dropped, ["5.000 s report 1 dropped for http://b/: recipient no longer configured"]);
    assert_eq!(bench.awaiting.len(), 1);
}

#[test]
fn on_the_dot_is_on_the_dot_of_the_local_day() {
    // 10:00:00 UTC at power-on is 15:45 in Kathmandu.
    let mut configuration = settings("report_regularly: OnTheDot(interval_min: 10)");
    configuration.time_zone = "Asia/Kathmandu".parse().expect("a zone");
    let mut bench = Bench::new(configuration, NobodyThere);
    bench.run_until_ms(899_900);
    let made: Vec<&u64> = bench.said.iter().map(|(at_ms, _)| at_ms).collect();
    assert_eq!(made, [&300_000]);
    bench.run_until_ms(900_000);
    let second: serde_json::Value = serde_json::from_str(&bench.documents()[1]).expect("JSON");
    assert_eq!(second["time_info"]["start_time"], "2022/12/20 15:50:00");
    assert_eq!(second["time_info"]["end_time"], "2022/12/20 16:00:00");
}

#[test]
fn watching_a_step_does_not_change_it() {
    let mut bench = Bench::new(settings(BY_RESULT), NobodyThere);
    let frame = Frame { seq: 1, taken_at: Uptime::ZERO, image: None };
    let inputs = |frame| Inputs {
        rtc: RtcTime(0),
        frame,
        di: Level::Low,
        reset_pressed: false,
        rs485: vec![],
        network: Vec::new(),
        picture: None,
    };
    let mut stages = Vec::new();
    let step = bench.firmware.step_observed(bench.now, inputs(Some(frame)), &mut |stage| stages.push(stage));
    assert_eq!(stages, [Stage::Reporting, Stage::Inference, Stage::Tracking, Stage::Reporting]);
    assert!(step.analysis.is_some_and(|analysis| analysis.seq == 1));
    stages.clear();
    bench.firmware.step_observed(bench.now, inputs(None), &mut |stage| stages.push(stage));
    assert_eq!(stages, [Stage::Reporting]);
}

#[test]
fn firmware_can_be_stepped_on_any_thread() {
    fn sendable<T: Send>(_: &T) {}
    sendable(&Bench::new(settings(BY_RESULT), NobodyThere).firmware);
}

/// Takes connections, and remembers what it was asked.
#[derive(Default)]
struct Recorder(Listening);

impl Peer for Recorder {
    fn carry_out(&mut self, actions: &[NetAction]) -> Vec<NetEvent> {
        self.0.take(actions).0
    }
}

#[test]
fn changing_from_a_broker_to_an_address_closes_the_connection() {
    let mqtt = settings(r#"report_regularly: Off, protocol: Mqtt(host: "broker", client_id: "c", topic: "t"),"#);
    let mut bench = Bench::new(mqtt, Recorder::default());
    bench.hears(NetEvent::Received { conn: firmware_shim::ConnId(1), bytes: vec![0x20, 2, 0, 0] });
    let sent = bench.peer.0.received[&firmware_shim::ConnId(1)].len();
    bench.configure(settings(r#"report_regularly: Off, protocol: Http(urls: [(url: "http://a/")]),"#));
    // DISCONNECT, then the close.
    assert_eq!(bench.peer.0.received[&firmware_shim::ConnId(1)][sent..], [0xe0, 0]);
    assert_eq!(bench.peer.0.closed, [firmware_shim::ConnId(1)]);
}

#[test]
fn another_mounting_moves_people_on_the_floor() {
    let mut bench = Bench::new(settings(BY_RESULT), NobodyThere);
    bench.people_stand_at(&[(0.5, 0.5)]);
    bench.run_until_ms(3_000);
    let mut higher = settings(BY_RESULT);
    higher.mounting.height_m = Some(4.0);
    bench.configure(higher);
    assert_eq!(bench.firmware.view().mounting.height_m, 4.0);
    bench.run_until_ms(6_000);
    // The detector is the same, the person is still seen, and nothing was worth a report.
    assert_eq!((totals(&bench), bench.firmware.believed().total), (vec!["1 null".to_owned()], 1));
}

#[test]
fn a_device_at_its_defaults_is_on_and_its_contact_closed() {
    let lens = firmware_shim::Lens::with_horizontal_angle(320, 240, 1.6, [0.0; 4]);
    let mounting = firmware_shim::Mounting { height_m: 3.0, rotation_rad: 0.0, tilt_rad: 0.0 };
    struct SeesNobody;
    impl analytics::Detector for SeesNobody {
        fn detect(&mut self, _: &firmware_shim::Frame) -> Result<Vec<analytics::Detection>, analytics::DetectError> {
            Ok(Vec::new())
        }

        fn believes_from(&self) -> f64 {
            0.0
        }
    }
    let firmware = firmware::Firmware::new(
        &Configuration::default(),
        &firmware::Factory::new(lens, mounting),
        Box::new(SeesNobody),
        1,
    );
    let mut firmware = firmware.expect("the defaults have no mistakes");
    let inputs = Inputs {
        rtc: RtcTime(0),
        frame: None,
        di: Level::Low,
        reset_pressed: false,
        rs485: vec![],
        network: Vec::new(),
        picture: None,
    };
    let outputs = firmware.step(Uptime::ZERO, inputs).outputs;
    assert_eq!((outputs.do_contact, outputs.led_on), (Contact::Closed, true));
    assert_eq!(outputs.next_wake, Some(Uptime::from_millis(10_000)));
}

/// Settings of any functions, as a person writes them.
fn all_settings(text: &str) -> Configuration {
    ron_file::RonFile::embedded("settings", format!("({text})")).parse().expect("settings without mistakes")
}

#[test]
fn who_is_seen_from_elsewhere_is_somebody_else_and_stays_end() {
    let seated = |height_m: f64| {
        all_settings(&format!(
            "mounting: (height_m: {height_m}), region_people_counting: (report_regularly: Off, dwell_time_detection: true)"
        ))
    };
    let mut bench = Bench::new(seated(3.0), NobodyThere);
    bench.people_stand_at(&[(0.5, 0.5)]);
    bench.run_until_ms(10_000);
    let before = bench.firmware.stays_under_way();
    assert_eq!(before.iter().map(|stay| stay.id).collect::<Vec<_>>(), [1]);
    bench.configure(seated(2.8));
    assert_eq!(bench.firmware.stays_under_way(), []);
    bench.run_until_ms(20_000);
    let after = bench.firmware.stays_under_way();
    assert_eq!(after.iter().map(|stay| stay.id).collect::<Vec<_>>(), [2], "no number is given twice");
    assert!(after[0].since >= Uptime::from_millis(10_000));
    assert_eq!(bench.firmware.region_passages().iter().map(|of| (of.came, of.went)).collect::<Vec<_>>(), [(2, 1)]);
}

#[test]
fn a_line_where_no_floor_is_in_view_is_said() {
    let tilted = "mounting: (tilt_deg: 60),
        line_crossing_counting: (enable: true, line: [(0.1, 0.01), (0.9, 0.01)]),
        people_flow_analysis: (enable: true, region: [(0.1, 0.01), (0.9, 0.01), (0.5, 0.2)])";
    let bench = Bench::new(all_settings(tilted), NobodyThere);
    assert_eq!(
        bench.transcript(),
        [
            "0.000 s line_crossing_counting.line, or its u_turn_area, lies where no floor is in view: nobody is counted by it",
            "0.000 s people_flow_analysis.region lies where no floor is in view: nobody is counted by it",
        ]
    );
    let disabled = Bench::new(all_settings(&tilted.replace("enable: true", "enable: false")), NobodyThere);
    assert!(disabled.transcript().is_empty());
}

#[test]
fn two_clients_of_one_name_at_one_broker_are_refused() {
    let function = |name: &str, more: &str| {
        format!("{name}: (enable: true, protocol: Mqtt(host: \"b\", client_id: \"c\", topic: \"{name}\"{more})")
    };
    let both = |more: &str| {
        let more = format!("{more}), line: [(0.1, 0.5), (0.9, 0.5)]");
        let text = [function("region_people_counting", ")"), function("line_crossing_counting", &more)].join(", ");
        all_settings(&text).validate().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert!(both("").is_empty() && both(", port: 1884").is_empty());
    for more in [", user_name: \"u\"", ", keep_alive_s: 30"] {
        let problems = both(more);
        assert_eq!(problems.len(), 1);
        assert!(problems[0].starts_with("line_crossing_counting.protocol.client_id: must differ"), "{problems:?}");
    }
}

#[test]
fn a_region_is_needed_to_tell_of_flow() {
    let problems = all_settings("people_flow_analysis: (enable: true)").validate();
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let words = "must be drawn: without one there is no edge that people could come through";
    assert_eq!(problems, [format!("people_flow_analysis.region: {words}")]);
}
