use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::*;

const AUTHORITY: &str = include_str!("../../../../golden/certificates/authority.pem");
const CERTIFICATE: &str = include_str!("../../../../golden/certificates/device.pem");
const KEY: &str = include_str!("../../../../golden/certificates/device.key");
const OTHER_KEY: &str = include_str!("../../../../golden/certificates/authority.key");

fn mistakes(text: &str) -> Vec<String> {
    let imported = Configuration::import(text);
    imported.err().unwrap_or_default().iter().map(Problem::to_string).collect()
}

/// What is found in a file with this configuration.
fn mistakes_of(configuration: &str) -> Vec<String> {
    mistakes(&format!(r#"{{"version": 1, "configuration": {configuration}}}"#))
}

#[track_caller]
fn check(configuration: &str, expected: &[&str]) {
    assert_eq!(mistakes_of(configuration), expected, "{configuration}");
}

#[test]
fn what_is_exported_is_imported_to_the_last_bit() {
    let mut configuration = Configuration::default();
    configuration.mounting.height_m = Some(0.1 + 2.7);
    configuration.device.name = "Büro \"3\"".to_owned();
    assert_eq!(Configuration::import(&configuration.export()), Ok(configuration));
    let full = full();
    assert_eq!(full.validate(), []);
    let marked = format!("\u{feff}{}", full.export());
    assert_eq!(Configuration::import(&full.export()), Ok(full.clone()));
    assert_eq!(Configuration::import(&marked), Ok(full), "with a byte order mark");
}

#[test]
fn what_is_left_out_is_the_default() {
    let imported = Configuration::import(r#"{"version": 1, "configuration": {"device": {"name": "x"}}}"#);
    let mut expected = Configuration::default();
    expected.device.name = "x".to_owned();
    assert_eq!(imported, Ok(expected));
}

#[test]
fn what_is_left_out_within_a_choice_is_what_it_is_on_flash() {
    // Both readers of the form are held to each other: what serde makes of a document is what an import makes of it.
    let text = format!(
        r#"{{
        "clock": {{"source": {{"Ntp": {{}}}}}},
        "region_people_counting": {{
            "protocol": {{"Mqtt": {{"host": "h", "client_id": "c", "topic": "t"}}}},
            "detection_region": {{"regions": [{{"id": 2, "polygon": [[0, 0], [1, 0], [1, 1]]}}]}}
        }},
        "line_crossing_counting": {{"protocol": {{"Http": {{"urls": [{{"url": "http://a/"}}]}}}}}},
        "people_flow_analysis": {{"protocol": {{"Http": {{"urls": [
            {{"url": "https://a/", "certificate_type": {{"SelfSigned": {{"ca_certificate": {AUTHORITY:?}}}}}}}
        ]}}}}}},
        "privacy_mask": {{"masks": [{{"polygon": [[0, 0], [1, 0], [1, 1]]}}]}}
    }}"#
    );
    let by_serde: Configuration = serde_json::from_str(&text).expect("a configuration");
    assert_eq!(Configuration::import(&format!(r#"{{"version": 1, "configuration": {text}}}"#)), Ok(by_serde));
}

#[test]
fn one_mistake_does_not_hide_another() {
    let region = "region_people_counting";
    check(
        r#"{"region_people_counting": {"protocol": {"Mqtt": {"host": "h", "topic": "a/#"}}}}"#,
        &[
            "region_people_counting.protocol.client_id: is missing",
            "region_people_counting.protocol.topic: must not hold `+`, `#` or NUL: reports are published to one topic, not to a pattern",
        ],
    );
    check(
        r#"{"region_people_counting": {"protocol": {"Http": {"urls": [{"snapshot": 3}]}}}}"#,
        &[
            "region_people_counting.protocol.urls[0].snapshot: must be true or false, not 3",
            "region_people_counting.protocol.urls[0].url: is missing",
        ],
    );
    check(
        r#"{"region_people_counting": {"detection_region": {"regions": [{"id": 0}]}}}"#,
        &[
            "region_people_counting.detection_region.regions[0].id: must be a whole number, 1 to 4294967295, not 0",
            "region_people_counting.detection_region.regions[0].polygon: is missing",
        ],
    );
    check(
        r#"{"line_crossing_counting": {"time_schedule": {"monday": ["08:00-09:00", "10:00-11:00", "12:00", "13:00-14:00"]}}}"#,
        &[
            "line_crossing_counting.time_schedule.monday[2]: must be a period such as `08:00-17:30`, from `00:00` to `24:00`, not `12:00`",
            "line_crossing_counting.time_schedule.monday: must be at most 3 periods, not 4",
        ],
    );
    let regions: Vec<Value> = (1..=17)
        .map(|id| match id {
            3 => json!({"id": id, "polygon": [[0.1, 0.1], [0.9, 0.9]]}),
            5 => json!(5),
            17 => json!({"id": 16, "polygon": [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]}),
            _ => json!({"id": id, "polygon": [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]}),
        })
        .collect();
    check(
        &json!({region: {"detection_region": {"regions": regions}}}).to_string(),
        &[
            "region_people_counting.detection_region.regions[2].polygon: has 2 of the at least 3 points that a polygon needs",
            "region_people_counting.detection_region.regions[4]: must be settings in braces `{…}`, not 5",
            "region_people_counting.detection_region.regions: must be at most 16 regions, not 17",
            "region_people_counting.detection_region.regions[16].id: must differ from the id of regions[15], which is 16, too",
        ],
    );
    check(
        r#"{"privacy_mask": {"masks": [{"polygon": [[0.1, 1.2], [0.2, "a"]]}]}}"#,
        &[
            "privacy_mask.masks[0].polygon[0][1]: is outside the image: must be from 0 to 1, not 1.2",
            "privacy_mask.masks[0].polygon[1][1]: must be a number from 0 to 1, not `a`",
            "privacy_mask.masks[0].polygon: has 2 of the at least 3 points that a polygon needs",
        ],
    );
}

#[test]
fn of_certificates_each_that_is_bad_is_named() {
    let with = |ca: &str, certificate: Value, key: Value| {
        let tls = json!({"SelfSigned": {"ca_certificate": ca, "client_certificate": certificate, "client_key": key}});
        let protocol = json!({"Mqtt": {"host": "h", "client_id": "c", "topic": "t", "tls": tls}});
        let found = mistakes_of(&json!({"line_crossing_counting": {"protocol": protocol}}).to_string());
        let place = "line_crossing_counting.protocol.tls.";
        found.iter().map(|words| words.trim_start_matches(place).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(with(AUTHORITY, CERTIFICATE.into(), KEY.into()), [""; 0]);
    assert_eq!(
        with("a", "b".into(), "c".into()),
        [
            "ca_certificate: must hold a certificate in PEM",
            "client_certificate: must hold a certificate in PEM",
            "client_key: must be a private key in PEM"
        ]
    );
    assert_eq!(
        with("a", CERTIFICATE.into(), 3.into()),
        ["client_key: must be text, not 3", "ca_certificate: must hold a certificate in PEM"]
    );
    assert_eq!(with(AUTHORITY, Value::Null, KEY.into()), ["client_key: a client certificate and its key go together"]);
    let words = with(AUTHORITY, CERTIFICATE.into(), OTHER_KEY.into());
    assert!(words.len() == 1 && words[0].starts_with("client_key: must be of the client certificate"), "{words:?}");
}

#[test]
fn what_follows_from_a_mistake_alone_is_none() {
    check(
        r#"{"people_flow_analysis": {"enable": true, "region": [[0.1, 0.1], [0.9, 0.1], [0.5, 0.2], [0.5, 0.9]], "edge_names": ["a"]}}"#,
        &["people_flow_analysis.region: is not convex: each of its corners must point outwards"],
    );
    check(
        r#"{"people_flow_analysis": {"enable": true, "region": [[0.1, 0.1], [0.9, 0.1], [null, 0.9]], "edge_names": ["a"]}}"#,
        &["people_flow_analysis.region[2][0]: must be a number from 0 to 1, not null"],
    );
    check(
        r#"{"line_crossing_counting": {"line": 3, "u_turn_area": [[0, 0], [1, 0], [1, 1]]}}"#,
        &["line_crossing_counting.line: must be a list `[…]`, not 3"],
    );
    check(
        r#"{"region_people_counting": {"protocol": {"Http": {"urls": [{"url": "http://a", "user_name": 3, "password": "p"}]}}}}"#,
        &["region_people_counting.protocol.urls[0].user_name: must be text, not 3"],
    );
    // Which of two URLs is in use is not known.
    check(
        r#"{"region_people_counting": {"protocol": {"Http": {"urls": [{"url": "http://a", "enable": "no"}, {"url": "http://a"}]}}}}"#,
        &["region_people_counting.protocol.urls[0].enable: must be true or false, not `no`"],
    );
    let mqtt = |host: &str, more: &str| {
        format!(
            r#"{{"enable": true, "protocol": {{"Mqtt": {{"host": {host}, "client_id": "c", "topic": "t"{more}}}}}}}"#
        )
    };
    let two = |a: &str, b: &str| {
        let a = a.replacen('{', r#"{"line": [[0.1, 0.5], [0.9, 0.5]], "#, 1);
        format!(r#"{{"line_crossing_counting": {a}, "region_people_counting": {b}}}"#)
    };
    check(
        &two(&mqtt("3", r#", "user_name": "u""#), &mqtt(r#""h""#, "")),
        &["line_crossing_counting.protocol.host: must be text, not 3"],
    );
    let found = mistakes_of(&two(&mqtt(r#""h""#, r#", "user_name": "u", "qos": 3"#), &mqtt(r#""h""#, "")));
    assert_eq!(found[0], "line_crossing_counting.protocol.qos: must be 0, 1 or 2, not 3");
    assert!(
        found.len() == 2 && found[1].starts_with("line_crossing_counting.protocol.client_id: must differ"),
        "{found:?}"
    );
}

#[test]
fn mistakes_are_told_in_a_persons_words() {
    check(
        r#"{
            "colour": "white",
            "device": {"name": "", "sn": "6600D0233093", "ip_address": "10.0.0"},
            "time_zone": "Berlin",
            "mounting": {"height_m": 0.2, "tilt_deg": "5"},
            "general": {"realtime_location_push": {"port": 70000}},
            "region_people_counting": {
                "report_regularly": {"FromNowOn": {"interval_s": 4}},
                "report_by_result": "Sometimes",
                "stable_for_s": 11,
                "min_dwell_s": 2.5,
                "overcrowding_alarm": {"TotalNumber": {"threshold": -1}},
                "reset": {"Weekly": {"day": "Someday"}}
            },
            "line_crossing_counting": {"report_regularly": {"OnTheDot": {"interval_min": 7}}, "reset": "EveryDay", "line": [[0.5, 0.5]]},
            "people_flow_analysis": [1]
        }"#,
        &[
            "device.sn: is the device's own and no setting: leave the serial number out",
            "device.ip_address: must be an address such as `192.168.5.220`, not `10.0.0`",
            "time_zone: must be the IANA name of a time zone, not `Berlin`: did you mean `Europe/Berlin`?",
            "mounting.tilt_deg: must be a number, not `5`",
            "general.realtime_location_push.port: must be a whole number, 1 to 65535, not 70000",
            "region_people_counting.report_regularly.interval_s: must be 5 to 86400 seconds, not 4",
            "region_people_counting.report_by_result: must be `Off`, `OnceResultChanges` or `ZeroNonZero`, not `Sometimes`",
            "region_people_counting.stable_for_s: must be 0 to 10 seconds, not 11",
            "region_people_counting.min_dwell_s: must be a whole number, 0 to 86400 seconds, not 2.5",
            "region_people_counting.overcrowding_alarm.threshold: must be 0 to 1000 people, not -1",
            "region_people_counting.reset.day: must be `Sunday`, `Monday`, `Tuesday`, `Wednesday`, `Thursday`, `Friday` or `Saturday`, not `Someday`",
            "region_people_counting.reset.at: is missing",
            "line_crossing_counting.report_regularly.interval_min: must be one of 5, 10, 15, 30, 60, 240, 360, 480, 720 minutes, not 7",
            "line_crossing_counting.reset: must be `Off`, `{\"EveryDay\": …}` or `{\"Weekly\": …}`, not `EveryDay`",
            "line_crossing_counting.line: has 1 points: it takes 1 to 4 segments, which are one point more",
            "people_flow_analysis: must be settings in braces `{…}`, not a list `[…]`",
            "colour: is no setting: expected `device`, `time_zone`, `clock`, `network`, `mounting`, `image`, `general`, `region_people_counting`, \
             `line_crossing_counting`, `people_flow_analysis` or `privacy_mask`",
            "device.name: must be 1 to 64 bytes long, not 0",
            "mounting.height_m: must be 1 to 20 metres, not 0.2",
        ],
    );
    check("null", &["configuration: must be settings in braces `{…}`, not null"]);
    check("[1]", &["configuration: must be settings in braces `{…}`, not a list `[…]`"]);
}

#[test]
fn a_port_is_of_one_service() {
    check(
        r#"{"network": {"ports": {"rtsp": 80, "ssh": 0}}}"#,
        &[
            "network.ports.ssh: must be a whole number, 1 to 65535, not 0",
            "network.ports.rtsp: 80 is in use: it is network.ports.web, too",
        ],
    );
    let push = |ports: &str, push: &str| {
        mistakes_of(&format!(
            r#"{{"network": {{"ports": {{{ports}}}}}, "general": {{"realtime_location_push": {{{push}}}}}}}"#
        ))
    };
    for (port, service) in [(22, "ssh"), (80, "web"), (554, "rtsp")] {
        let expected =
            format!("general.realtime_location_push.port: {port} is in use: it is network.ports.{service}, too");
        assert_eq!(push("", &format!(r#""enable": true, "port": {port}"#)), [expected]);
        assert_eq!(push("", &format!(r#""port": {port}"#)), [""; 0], "nobody listens there");
        assert_eq!(push(&format!(r#""{service}": 9999"#), &format!(r#""enable": true, "port": {port}"#)), [""; 0]);
    }
    // What the web page's port is, is not known, and that of RTSP is.
    assert_eq!(
        push(r#""web": "x", "rtsp": 80"#, r#""enable": true, "port": 80"#),
        [
            "network.ports.web: must be a whole number, 1 to 65535, not `x`",
            "general.realtime_location_push.port: 80 is in use: it is network.ports.rtsp, too",
        ]
    );
}

#[test]
fn what_is_given_twice_is_a_mistake() {
    check(
        r#"{"device": {"name": "a", "name": "b", "name": "c"}, "time_zone": "UTC", "time_zone": 3, "x": 1, "x": 2}"#,
        &[
            "device.name: is given twice",
            "time_zone: must be the IANA name of a time zone, such as `Europe/Berlin`, not 3",
            "time_zone: is given twice",
            "x: is no setting: expected `device`, `time_zone`, `clock`, `network`, `mounting`, `image`, `general`, `region_people_counting`, \
             `line_crossing_counting`, `people_flow_analysis` or `privacy_mask`",
            "x: is given twice",
        ],
    );
    check(
        r#"{"line_crossing_counting": {"protocol": {"Http": {"urls": []}, "Http": {}}}}"#,
        &["line_crossing_counting.protocol: must be `{\"Http\": …}` or `{\"Mqtt\": …}`, not `{\"Http\": …, …}`"],
    );
    assert_eq!(mistakes(r#"{"version": 1, "version": 1, "configuration": {}}"#), ["version: is given twice"]);
}

#[test]
fn what_is_no_file_of_ours_is_refused() {
    assert!(mistakes("")[0].starts_with("file: must be an exported configuration"));
    assert_eq!(mistakes("{}"), ["version: is missing", "configuration: is missing"]);
    assert_eq!(mistakes("[]"), ["file: must be settings in braces `{…}`, not a list `[…]`"]);
    assert_eq!(
        mistakes(r#"{"version": 2, "configuration": {"more": 1}}"#),
        ["version: is 2, of newer firmware; this firmware reads version 1"]
    );
    assert_eq!(mistakes(r#"{"version": 0, "configuration": {}}"#), ["version: must be 1, not 0"]);
    assert_eq!(
        mistakes(r#"{"version": 1, "configuration": {}, "more stuff": 1}"#),
        [r#"["more stuff"]: is no setting: expected `version` or `configuration`"#]
    );
}

/// With every setting there is.
fn full() -> Configuration {
    let own =
        format!("SelfSigned(ca_certificate: {AUTHORITY:?}, client_certificate: {CERTIFICATE:?}, client_key: {KEY:?})");
    let text = format!(
        r#"(
        device: (name: "Lobby", ip_address: "10.0.0.9"),
        time_zone: "Europe/Berlin",
        clock: (daylight_saving: false, source: Ntp(server: "pool.ntp.org", sync_every_h: 12)),
        network: (ports: (web: 8080, rtsp: 8554, ssh: 2222)),
        mounting: (height_m: 2.9, rotation_deg: 90, tilt_deg: 3),
        image: (power_line_frequency: Hz60, wide_dynamic_range: true),
        general: (data_retransmission: true, regions_name: true, recognition_scheme: Algorithm1, realtime_location_push: (enable: true, port: 9100)),
        region_people_counting: (
            report_regularly: OnTheDot(interval_min: 10),
            report_by_result: OnceResultChanges,
            protocol: Http(urls: [
                (url: "http://192.168.0.9/a", user_name: "u", password: "p", snapshot: true),
                (enable: false, url: "https://b.example/", certificate_type: {own}),
                (url: "http://192.168.0.9/c"),
            ]),
            detection_region: (reporting_type: Occupancy, regions: [
                (id: 1, name: "Door", polygon: [(0.1, 0.1), (0.9, 0.1), (0.5, 0.9)]),
                (id: 3, name: "Desk", polygon: [(0.1, 0.1), (0.9, 0.1), (0.9, 0.5), (0.1, 0.5)]),
            ]),
            stable_for_s: 0.5,
            dwell_time_detection: true,
            trigger_report_dwell: true,
            overcrowding_alarm: NumberInArea(threshold: 4),
            reset: Weekly(day: Monday, at: "00:00"),
            time_schedule: (sunday: [], monday: ["08:00-12:00", "13:00-17:30"]),
        ),
        line_crossing_counting: (
            enable: true,
            protocol: Mqtt(host: "broker.example", port: 8883, tls: {own}, client_id: "c", user_name: "u", password: "p", topic: "t", qos: 2),
            reset: EveryDay(at: "18:04"),
            line: [(0.5, 0.7), (0.5, 0.3), (0.6, 0.2)],
            u_turn_area: [(0.3, 0.8), (0.7, 0.8), (0.7, 0.2), (0.3, 0.2)],
        ),
        people_flow_analysis: (
            enable: true,
            region: [(0.36, 0.72), (0.64, 0.72), (0.64, 0.28), (0.36, 0.28)],
            edge_names: ["south", "east", "north", "west"],
        ),
        privacy_mask: (color: Black, masks: [(name: "window", enable: false, polygon: [(0.2, 0.2), (0.5, 0.2), (0.5, 0.8)])]),
    )"#
    );
    ron_file::RonFile::embedded("full", text).parse().expect("settings without mistakes")
}

/// Where in a document a single value stands: a pointer to it, and its path as it is told. The name of a choice is not told.
fn leaves(value: &Value, pointer: &str, path: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(settings) if !settings.is_empty() => {
            for (key, value) in settings {
                let is_choice = key.starts_with(|c: char| c.is_ascii_uppercase());
                let path = match (is_choice, path) {
                    (true, _) => path.to_owned(),
                    (false, "") => key.clone(),
                    (false, _) => format!("{path}.{key}"),
                };
                leaves(value, &format!("{pointer}/{key}"), &path, found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (i, item) in items.iter().enumerate() {
                leaves(item, &format!("{pointer}/{i}"), &format!("{path}[{i}]"), found);
            }
        }
        _ => found.push((pointer.to_owned(), path.to_owned())),
    }
}

#[test]
fn whatever_is_broken_is_named_and_nothing_else() {
    let file: Value = serde_json::from_str(&full().export()).expect("JSON");
    let mut places = Vec::new();
    leaves(&file["configuration"], "/configuration", "", &mut places);
    assert!(places.len() > 140, "only {} settings", places.len());
    let broken = |places: &[&(String, String)], rng: &mut ChaCha8Rng| {
        let mut file = file.clone();
        for (pointer, _) in places {
            let value = file.pointer_mut(pointer).expect("a leaf");
            // Where a text stands or could stand, another is no mistake.
            let is_no_text = value.is_number() || value.is_boolean();
            *value = if is_no_text && rng.random() { json!("?") } else { json!({"?": 1}) };
        }
        let problems = Configuration::import(&file.to_string()).err().unwrap_or_default();
        let mut found: Vec<String> = problems.into_iter().map(|problem| problem.path).collect();
        let mut expected: Vec<String> = places.iter().map(|(_, path)| path.clone()).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    };
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for place in &places {
        broken(&[place], &mut rng);
    }
    for _ in 0..500 {
        let count = rng.random_range(2..=60);
        let some: Vec<&(String, String)> = places.sample(&mut rng, count).collect();
        broken(&some, &mut rng);
    }
    broken(&places.iter().collect::<Vec<_>>(), &mut rng);
}
