//! *Data Retransmission* (guide §5.3.4): reports that cannot be delivered are kept, and sent when their recipient is back.

use std::collections::BTreeMap;

use firmware::{Command, Configuration, Diagnostic, Failure, Tally};
use firmware_shim::{ConnId, NetAction, NetEvent, Uptime};

use crate::bench::{Bench, BlackHole, Peer};

/// A server for each host; those that are away refuse connections.
#[derive(Default)]
struct Servers {
    away: Vec<&'static str>,
    /// What those who are there answer with instead of 200.
    status: Option<u16>,
    /// Whether they ask who the device is.
    ask: bool,
    hosts: BTreeMap<ConnId, String>,
    /// What arrived, by host, or by who the device is there.
    bodies: BTreeMap<String, Vec<String>>,
}

impl Peer for Servers {
    fn carry_out(&mut self, actions: &[NetAction]) -> Vec<NetEvent> {
        let mut events = Vec::new();
        for action in actions {
            match action {
                NetAction::Connect { conn, host, .. } if self.away.contains(&host.as_str()) => {
                    events.push(NetEvent::ConnectFailed { conn: *conn, reason: "connection refused".to_owned() });
                }
                NetAction::Connect { conn, host, .. } => {
                    self.hosts.insert(*conn, host.clone());
                    events.push(NetEvent::Connected { conn: *conn });
                }
                NetAction::Send { conn, bytes } => {
                    let request = String::from_utf8(bytes.clone()).expect("text");
                    let (head, body) = request.split_once("\r\n\r\n").expect("a head and a body");
                    let who = head.lines().find_map(|line| line.strip_prefix("authorization: "));
                    if self.ask && who.is_none() {
                        let answer = b"HTTP/1.1 401 No\r\nwww-authenticate: Basic realm=\"r\"\r\n\r\n".to_vec();
                        events.push(NetEvent::Received { conn: *conn, bytes: answer });
                        continue;
                    }
                    if self.status.is_none() {
                        let at = who.unwrap_or(&self.hosts[conn]);
                        self.bodies.entry(at.to_owned()).or_default().push(body.to_owned());
                    }
                    let status = self.status.unwrap_or(200);
                    let answer = format!("HTTP/1.1 {status} So\r\ncontent-length: 0\r\n\r\n").into_bytes();
                    events.push(NetEvent::Received { conn: *conn, bytes: answer });
                }
                NetAction::Close { .. } => {}
                other => panic!("nothing else is set: {other:?}"),
            }
        }
        events
    }
}

fn settings(retransmission: bool, interval_s: u32, hosts: &[&str], more: &str) -> Configuration {
    let urls: Vec<String> = hosts.iter().map(|host| format!(r#"(url: "http://{host}/")"#)).collect();
    let text = format!(
        "(general: (data_retransmission: {retransmission}), region_people_counting: (
            report_regularly: FromNowOn(interval_s: {interval_s}), {more}
            protocol: Http(urls: [{}]),
        ))",
        urls.join(", ")
    );
    ron_file::RonFile::embedded("settings", text).parse().expect("settings without mistakes")
}

fn bench(retransmission: bool, hosts: &[&str], away: &[&'static str]) -> Bench<Servers> {
    let servers = Servers { away: away.to_vec(), ..Servers::default() };
    Bench::new(settings(retransmission, 10, hosts, ""), servers)
}

#[test]
fn what_was_missed_arrives_first_in_order_and_unchanged_when_the_recipient_is_back() {
    let mut bench = bench(true, &["a"], &["a"]);
    bench.run_until_ms(35_000);
    assert_eq!((bench.documents().len(), bench.peer.bodies.len()), (3, 0));
    assert_eq!(bench.firmware.tally(), Tally { offered: 3, kept: 3, ..Tally::default() });
    assert_eq!(
        bench.transcript()[..4],
        [
            "10.000 s report 1 (interval) made",
            "10.000 s report 1 held back for http://a/: failed to connect: connection refused; next attempt in 1 s",
            "11.000 s report 1 held back for http://a/: failed to connect: connection refused; next attempt in 2 s",
            "13.000 s report 1 held back for http://a/: failed to connect: connection refused; next attempt in 4 s",
        ]
    );
    bench.peer.away.clear();
    // Attempts were made at 17 and 25 s; the next is at 41 s, after the fourth report.
    bench.run_until_ms(42_000);
    assert_eq!(bench.peer.bodies["a"], bench.documents());
    assert_eq!(bench.firmware.tally(), Tally { offered: 4, delivered: 4, ..Tally::default() });
}

#[test]
fn a_server_in_trouble_is_asked_again_and_again_and_less_and_less_often() {
    let mut bench = bench(true, &["a"], &[]);
    bench.peer.status = Some(500);
    bench.run_until_ms(600_000);
    let held: Vec<u64> = (bench.said.iter())
        .filter(|(_, said)| matches!(said, Diagnostic::ReportHeldBack { failure: Failure::HttpStatus(500), .. }))
        .map(|(at_ms, _)| at_ms / 1000)
        .collect();
    assert_eq!(held, [10, 11, 13, 17, 25, 41, 73, 133, 193, 253, 313, 373, 433, 493, 553]);
    bench.peer.status = None;
    bench.run_until_ms(620_000);
    assert_eq!(bench.peer.bodies["a"], bench.documents());
    assert_eq!(bench.documents().len(), 62);
}

#[test]
fn one_who_is_away_holds_up_nobody_else() {
    let mut bench = bench(true, &["a", "b"], &["a"]);
    bench.run_until_ms(30_000);
    assert_eq!(bench.peer.bodies["b"], bench.documents());
    assert_eq!(bench.firmware.tally(), Tally { offered: 6, delivered: 3, kept: 3, ..Tally::default() });
}

#[test]
fn without_it_what_cannot_be_delivered_is_dropped() {
    let mut bench = bench(false, &["a"], &["a"]);
    bench.run_until_ms(30_000);
    bench.peer.away.clear();
    bench.run_until_ms(40_000);
    assert_eq!(bench.peer.bodies["a"], bench.documents()[3..]);
    assert_eq!(bench.firmware.tally(), Tally { offered: 4, delivered: 1, dropped: 3, kept: 0 });
}

#[test]
fn of_one_recipient_the_newest_thousand_are_kept_and_of_all_three_thousand() {
    let hosts = ["a", "b", "c"];
    let servers = Servers { away: hosts.to_vec(), ..Servers::default() };
    let mut bench = Bench::new(settings(true, 5, &hosts[..1], ""), servers);
    bench.run_until_ms(1_003 * 5_000);
    assert_eq!(bench.firmware.tally(), Tally { offered: 1003, dropped: 3, kept: 1000, ..Tally::default() });
    let dropped = |bench: &Bench<Servers>| -> Vec<u64> {
        let report = |(_, said): &(u64, Diagnostic)| match said {
            Diagnostic::ReportDropped { report, .. } => Some(*report),
            _ => None,
        };
        bench.said.iter().filter_map(report).collect()
    };
    assert_eq!(dropped(&bench), [1, 2, 3]);

    // A fourth recipient brings the sum over 3,000: the oldest of all goes.
    let both = settings(true, 5, &hosts, "");
    let mut four = both.clone();
    four.people_flow_analysis = ron_file::RonFile::embedded(
        "flow",
        r#"(enable: true, region: [(0.2, 0.2), (0.8, 0.2), (0.5, 0.8)], report_regularly: FromNowOn(interval_s: 5),
            protocol: Http(urls: [(url: "http://d/")]))"#
            .to_owned(),
    )
    .parse()
    .expect("settings without mistakes");
    bench.peer.away.push("d");
    bench.configure(four);
    let before = bench.firmware.tally();
    assert_eq!(before.kept, 1000, "what is kept for a recipient that stays is kept on");
    bench.run_until_ms(bench.now.0 / 1_000_000 + 700 * 5_000);
    assert_eq!(bench.firmware.tally().kept, 3000);
    let entries_of_a = dropped(&bench);
    assert!(entries_of_a.windows(2).all(|pair| pair[0] <= pair[1]), "the oldest first: {entries_of_a:?}");

    for host in &hosts {
        bench.peer.away.retain(|away| away != host);
    }
    bench.run_until_ms(bench.now.0 / 1_000_000 + 65_000);
    // Each gets the newest of what was made for it, without a gap, in order and once.
    let counts: Vec<String> = bench.documents().into_iter().filter(|made| made.contains("Region People")).collect();
    let mut arrived = 0;
    for host in &hosts {
        let bodies = &bench.peer.bodies[*host];
        assert_eq!(bodies[..], counts[counts.len() - bodies.len()..], "to {host}");
        arrived += bodies.len() as u64;
    }
    let newer = 3 * 13;
    assert!(arrived > 2000 && arrived <= 3000 + newer, "{arrived}");
    assert!(bench.firmware.tally().kept < 1000, "only what is for `d` is still kept");
}

#[test]
fn stays_are_not_kept() {
    let mut bench = Bench::new(
        settings(true, 10, &["a"], "dwell_time_detection: true, min_dwell_s: 1,"),
        Servers { away: vec!["a"], ..Servers::default() },
    );
    bench.people_stand_at(&[(0.5, 0.5)]);
    bench.run_until_ms(25_000);
    bench.peer.away.clear();
    bench.run_until_ms(50_000);
    let (stays, counts): (Vec<&String>, Vec<&String>) =
        bench.peer.bodies["a"].iter().partition(|body| body.contains("Dwell Time Detection"));
    let made = bench.documents();
    let counts_made: Vec<&String> = made.iter().filter(|document| !document.contains("Dwell Time")).collect();
    assert_eq!(counts, counts_made);
    assert!(stays.len() < made.len() - counts_made.len() && !stays.is_empty(), "{} of {}", stays.len(), made.len());
}

#[test]
fn what_is_kept_outlasts_the_power() {
    let mut bench = bench(true, &["a", "b"], &["a"]);
    bench.run_until_ms(35_000);
    bench.restarts();
    assert_eq!(bench.firmware.tally().kept, 3);
    bench.peer.away.clear();
    bench.run_until_ms(60_000);
    let made = bench.documents();
    assert_eq!(bench.peer.bodies["a"], made);
    assert_eq!(bench.peer.bodies["b"], made);
    assert_eq!(bench.firmware.tally().kept, 0);
    // Numbers go on, so that nobody takes one report for another.
    assert!(bench.transcript().iter().any(|line| line.contains("report 4 (interval) made")));
}

#[test]
fn a_recipient_that_is_no_more_gets_nothing_and_one_with_another_password_gets_all() {
    let mut bench = bench(true, &["a", "b"], &["a", "b"]);
    bench.run_until_ms(15_000);
    let text = r#"(general: (data_retransmission: true), region_people_counting: (
        report_regularly: FromNowOn(interval_s: 10),
        protocol: Http(urls: [(url: "http://a/", user_name: "u", password: "p")]),
    ))"#;
    bench.configure(ron_file::RonFile::embedded("settings", text.to_owned()).parse().expect("no mistakes"));
    let last = bench.transcript().pop().expect("something was said");
    assert!(
        bench.transcript().iter().any(|line| line.ends_with("dropped for http://b/: recipient no longer configured"))
    );
    bench.peer.away.clear();
    bench.run_until_ms(24_000);
    assert_eq!(bench.peer.bodies["a"], bench.documents(), "{last}");
}

/// Counts as `counts` and flow as `flow` to one address, each every 5 s.
fn one_address_for_two(counts: &str, flow: &str) -> Configuration {
    let text = format!(
        r#"(general: (data_retransmission: true),
            region_people_counting: (
                report_regularly: FromNowOn(interval_s: 5),
                protocol: Http(urls: [(url: "http://a/", user_name: "{counts}", password: "p")])),
            people_flow_analysis: (
                enable: true, region: [(0.2, 0.2), (0.8, 0.2), (0.5, 0.8)], report_regularly: FromNowOn(interval_s: 5),
                protocol: Http(urls: [(url: "http://a/", user_name: "{flow}", password: "p")])))"#
    );
    ron_file::RonFile::embedded("settings", text).parse().expect("settings without mistakes")
}

#[test]
fn who_knows_the_device_under_another_name_at_the_same_address_is_another_recipient_also_after_the_power_was_cut() {
    let away = Servers { away: vec!["a"], ask: true, ..Servers::default() };
    let mut bench = Bench::new(one_address_for_two("alice", "bob"), away);
    bench.run_until_ms(700 * 5_000);
    let tally = Tally { offered: 1400, kept: 1400, ..Tally::default() };
    assert_eq!(bench.firmware.tally(), tally);
    bench.restarts();
    // Power-on reads what is kept, and each recipient has room for a thousand.
    assert_eq!(bench.firmware.tally(), Tally { kept: 1400, ..Tally::default() });
    bench.peer.away.clear();
    bench.run_until_ms(700 * 5_000 + 4_000);
    let made = bench.documents();
    let (counts, flow): (Vec<String>, _) = made.into_iter().partition(|made| made.contains("Region People Counting"));
    let [alice, bob] = ["Basic YWxpY2U6cA==", "Basic Ym9iOnA="].map(|who| &bench.peer.bodies[who]);
    assert_eq!((alice, bob), (&counts, &flow));
    assert_eq!(bench.firmware.tally().kept, 0);
}

#[test]
fn what_is_kept_for_somebody_who_is_no_more_goes_to_nobody_else_of_several_at_the_address() {
    let away = Servers { away: vec!["a"], ask: true, ..Servers::default() };
    let mut bench = Bench::new(one_address_for_two("alice", "bob"), away);
    bench.run_until_ms(24_000);
    assert_eq!(bench.firmware.tally().kept, 8);
    bench.configure(one_address_for_two("alice", "carol"));
    assert_eq!(bench.firmware.tally(), Tally { offered: 8, dropped: 4, kept: 4, ..Tally::default() });
    bench.peer.away.clear();
    bench.run_until_ms(38_000);
    let made = bench.documents();
    let (counts, flow): (Vec<String>, _) = made.into_iter().partition(|made| made.contains("Region People Counting"));
    let [alice, carol] = ["Basic YWxpY2U6cA==", "Basic Y2Fyb2w6cA=="].map(|who| &bench.peer.bodies[who][..]);
    assert_eq!((alice, carol), (&counts[..], &flow[4..]));
}

#[test]
fn what_is_kept_for_somebody_who_is_no_more_goes_to_nobody_else_who_was_there_before() {
    let away = Servers { away: vec!["a"], ask: true, ..Servers::default() };
    let both = one_address_for_two("alice", "bob");
    let mut bench = Bench::new(both.clone(), away);
    bench.run_until_ms(24_000);
    let mut one = both.clone();
    one.region_people_counting.enable = false;
    bench.configure(one);
    assert_eq!(bench.firmware.tally(), Tally { offered: 8, dropped: 4, kept: 4, ..Tally::default() });
    bench.peer.away.clear();
    bench.run_until_ms(38_000);
    let bodies: Vec<&String> = bench.peer.bodies.values().flatten().collect();
    assert!(bodies.len() >= 4 && bodies.iter().all(|body| body.contains("People Flow")), "{bodies:?}");
}

#[test]
fn switched_off_it_forgets_what_it_kept() {
    let mut bench = bench(true, &["a"], &["a"]);
    bench.run_until_ms(25_000);
    bench.configure(settings(false, 10, &["a"], ""));
    assert_eq!(bench.firmware.tally(), Tally { offered: 2, dropped: 2, ..Tally::default() });
    assert!(bench.transcript().iter().any(|line| line.ends_with("data retransmission switched off")));
    bench.restarts();
    assert_eq!(bench.firmware.tally().kept, 0);
}

#[test]
fn what_is_not_kept_when_the_device_starts_anew_is_counted_as_lost_and_what_is_kept_comes_after() {
    for kept in [false, true] {
        let mut bench = Bench::new(settings(kept, 8, &["a"], ""), BlackHole);
        bench.run_until_ms(15_900);
        // The second report is made in the very step that is the last.
        bench.now = Uptime::from_millis(16_000);
        bench.command(Command::Reboot);
        let dropped: Vec<String> =
            bench.transcript().into_iter().filter(|line| line.contains("the device starts anew")).collect();
        let lost = |report| format!("16.000 s report {report} dropped for http://a/: the device starts anew");
        assert_eq!(dropped, if kept { vec![] } else { vec![lost(1), lost(2)] });
        assert_eq!(bench.firmware.tally().kept, if kept { 2 } else { 0 });
    }
}
