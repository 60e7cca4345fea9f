//! A configuration as people write it, and what they are told of its mistakes.

use firmware::Configuration;
use ron_file::RonFile;

fn parse(text: &str) -> Result<Configuration, String> {
    RonFile::embedded("settings.ron", text).parse().map_err(|error| error.to_string())
}

#[test]
fn everything_can_be_left_out() {
    assert_eq!(parse("()"), Ok(Configuration::default()));
    assert!(Configuration::default().validate().is_empty());
}

#[test]
fn everything_can_be_written_down() {
    let text = r#"(
        device: (name: "Room 5", ip_address: "192.168.0.99"),
        time_zone: "Europe/Berlin",
        mounting: (height_m: 2.8, rotation_deg: 90.0, tilt_deg: 5.0),
        region_people_counting: (
            enable: true,
            report_regularly: OnTheDot(interval_min: 10),
            report_by_result: ZeroNonZero,
            protocol: Mqtt(
                host: "192.168.0.9", port: 1883, client_id: "room-5", user_name: "u", password: "p",
                topic: "office/people", qos: 2, keep_alive_s: 30,
            ),
            detection_region: (
                enable: true, area: Mapped, reporting_type: Occupancy,
                regions: [(id: 1, name: "Table", polygon: [(0.1, 0.1), (0.4, 0.1), (0.4, 0.4)])],
            ),
            stable_for_s: 0.5,
        ),
    )"#;
    let configuration = parse(text).expect("no mistakes");
    assert!(configuration.validate().is_empty());
    let written = serde_json::to_string(&configuration).expect("JSON");
    let read: Configuration = serde_json::from_str(&written).expect("what was written");
    assert_eq!(read, configuration);
}

#[test]
fn a_mistake_is_pointed_at() {
    let counting = |text: &str| parse(&format!("(\n region_people_counting: ({text}),\n)")).expect_err("a mistake");
    let mistakes = [
        counting("enable: 1"),
        counting("report_regularly: FromNowOn(interval_s: 3)"),
        counting("report_regularly: OnTheDot(interval_min: 7)"),
        counting("stable_for_s: 10.5"),
        counting("stable_for: 1.0"),
        counting(r#"protocol: Http(urls: [(url: "ftp://a/")])"#),
        counting(r#"protocol: Http(urls: [(url: "http://u:p@a/")])"#),
        counting(r#"protocol: Http(urls: [(url: "http://a:99999/")])"#),
        counting(r#"protocol: Http(urls: [(url: "http://a:0/")])"#),
        counting(r#"protocol: Http(urls: [(url: "a b")])"#),
        counting(r#"protocol: Mqtt(host: "h", client_id: "c", topic: "a/#")"#),
        counting(r#"protocol: Mqtt(host: "h", client_id: "c", topic: "a", qos: 3)"#),
        counting(r#"protocol: Mqtt(host: "h", client_id: "c", topic: "a", port: 0)"#),
        counting(r#"protocol: Mqtt(host: "h", client_id: "c", topic: "a", qoss: 1)"#),
        counting("detection_region: (regions: [(id: 0, polygon: [])])"),
        counting("overcrowding_alarm: TotalNumber(threshold: -1)"),
        counting("min_dwell_s: -1"),
        counting("detection_region: (regions: [(id: 1, polygon: [(0.1, 0.1), (0.9, 0.9)])])"),
    ]
    .join("\n");
    insta::assert_snapshot!(mistakes);
}

#[test]
fn all_mistakes_that_take_several_settings_are_found_at_once() {
    let mut regions: Vec<String> =
        (1..=17).map(|id| format!("(id: {id}, polygon: [(0.1, 0.1), (0.4, 0.1), (0.4, 0.4)])")).collect();
    regions[3] = regions[2].clone();
    let text = format!(
        r#"(
            device: (name: ""),
            mounting: (height_m: 0.0, rotation_deg: 400.0, tilt_deg: 75.0),
            region_people_counting: (
                protocol: Http(urls: [
                    (url: "http://a/"), (url: "http://b/"), (enable: false, url: "http://a/"), (url: "http://a/"),
                ]),
                detection_region: (area: NonMapped, reporting_type: Occupancy, regions: [{}]),
            ),
        )"#,
        regions.join(",")
    );
    let problems = parse(&text).expect("each value by itself is right").validate();
    insta::assert_snapshot!(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    let mqtt = r#"(region_people_counting: (
        protocol: Mqtt(host: "http://broker", client_id: "", topic: "t", password: "p"),
    ))"#;
    let problems = parse(mqtt).expect("each value by itself is right").validate();
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    let protocol = "region_people_counting.protocol";
    let expected = ["host", "client_id", "password"].map(|field| format!("{protocol}.{field}"));
    assert_eq!(paths, expected.each_ref().map(String::as_str));
}

#[test]
fn every_text_of_a_recipient_has_a_limit_that_is_named() {
    let x = |count: usize| "x".repeat(count);
    let mqtt = |host: usize, client_id: usize, user_name: usize, password: usize, topic: usize| {
        let [host, client_id, user_name] = [host, client_id, user_name].map(x);
        let host = host.as_bytes().chunks(50).map(|label| String::from_utf8_lossy(label)).collect::<Vec<_>>().join(".");
        parse(&format!(
            r#"(region_people_counting: (protocol: Mqtt(host: "{host}", client_id: "{client_id}",
                user_name: "{user_name}", password: "{}", topic: "{}")))"#,
            x(password),
            x(topic),
        ))
        .map(|configuration| configuration.validate().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    };
    // The host's labels are joined by four dots.
    assert_eq!(mqtt(249, 256, 256, 1024, 1024), Ok(String::new()));
    let problems = mqtt(250, 257, 257, 1025, 1024).expect("each value by itself is right");
    let lines: Vec<&str> = problems.lines().collect();
    let says = |line: usize, field: &str, limit: &str| {
        assert!(lines[line].contains(&format!("protocol.{field}: ")) && lines[line].contains(limit), "{}", lines[line]);
    };
    assert_eq!(lines.len(), 4, "{problems}");
    says(0, "host", "at most 253 bytes");
    says(1, "client_id", "1 to 256 bytes");
    says(2, "user_name", "1 to 256 bytes");
    says(3, "password", "1 to 1024 bytes");
    assert!(mqtt(1, 1, 1, 1, 1025).expect_err("too long").contains("must be at most 1024 bytes long, not 1025"));
    let url = |bytes: usize| {
        let url = format!("http://a/{}", x(bytes - 9));
        parse(&format!(r#"(region_people_counting: (protocol: Http(urls: [(url: "{url}")])))"#))
    };
    assert!(url(1024).is_ok());
    assert!(url(1025).expect_err("too long").contains("must be at most 1024 bytes long, not 1025"));
}

#[test]
fn functions_that_are_one_user_at_a_server_agree_in_how_it_is_known() {
    let told = |first: &str, second: &str| {
        let text = format!(
            r#"(
                region_people_counting: (protocol: {first}),
                line_crossing_counting: (enable: true, line: [(0.1, 0.5), (0.9, 0.5)], protocol: {second}),
            )"#
        );
        let problems = parse(&text).expect("each value by itself is right").validate();
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let http = |entry: &str| format!(r#"Http(urls: [(url: "http://a/", {entry})])"#);
    let bob = http(r#"user_name: "bob", password: "1""#);
    for (other, words) in [
        (r#"user_name: "bob", password: "1""#, ""),
        (r#"user_name: "eve", password: "2""#, ""),
        (r#"enable: false, user_name: "bob", password: "2""#, ""),
        (
            r#"user_name: "bob", password: "2""#,
            "line_crossing_counting.protocol.urls[0]: must agree in password and certificate_type with \
             region_people_counting.protocol.urls[0], which has its url and user_name: a server has one user of a name",
        ),
    ] {
        assert_eq!(told(&bob, &http(other)), words, "{other}");
    }
}

#[test]
fn a_line_is_drawn_where_it_is_enabled_and_a_name_is_one_line() {
    let text = r#"(
        device: (name: "Lobby\n2"),
        line_crossing_counting: (enable: true),
    )"#;
    let problems = parse(text).expect("each value by itself is right").validate();
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["device.name", "line_crossing_counting.line"]);
}
