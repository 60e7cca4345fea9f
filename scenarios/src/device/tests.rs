//! Power cuts at random instants, at random bytes of whatever the device is writing to flash.

use std::collections::{BTreeMap, BTreeSet};

use firmware::{Configuration, Diagnostic};
use firmware_shim::{ConnId, Level, Mounting, NetAction, NetEvent};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

mod broker;

use broker::{Answer, Broker};

const CUTS: usize = 1000;

struct SeesNobody;

impl Detector for SeesNobody {
    fn detect(&mut self, _: &Frame) -> Result<Vec<Detection>, DetectError> {
        Ok(vec![])
    }

    fn believes_from(&self) -> f64 {
        0.0
    }
}

/// Reports to two servers and, at QoS 2, to a broker; the name tells configurations apart.
fn settings(name: u64) -> Configuration {
    let text = format!(
        r#"(device: (name: "{name}"), general: (data_retransmission: true), region_people_counting: (
            report_regularly: FromNowOn(interval_s: 5),
            protocol: Http(urls: [(url: "http://a/"), (url: "http://b/")]),
        ), line_crossing_counting: (
            enable: true, report_regularly: FromNowOn(interval_s: 5), line: [(0.5, 0.8), (0.5, 0.2)],
            protocol: Mqtt(host: "c", client_id: "sensor", topic: "lines", qos: 2),
        ))"#
    );
    ron_file::RonFile::embedded("settings", text).parse().expect("settings without mistakes")
}

/// Two servers and a broker, of whom one may be away.
struct Servers {
    away: Option<&'static str>,
    hosts: BTreeMap<ConnId, String>,
    /// What arrived, by host.
    bodies: BTreeMap<String, Vec<String>>,
    /// And in the step under way.
    arrived: Vec<(String, String)>,
    broker: Broker,
    rng: ChaCha8Rng,
}

impl Servers {
    fn carry_out(&mut self, actions: &[NetAction]) -> Vec<NetEvent> {
        let mut events = Vec::new();
        for action in actions {
            match action {
                NetAction::Connect { conn, host, .. } if self.away == Some(host) => {
                    events.push(NetEvent::ConnectFailed { conn: *conn, reason: "away".to_owned() });
                }
                NetAction::Connect { conn, host, .. } => {
                    self.hosts.insert(*conn, host.clone());
                    if host == "c" {
                        self.broker.connect();
                    }
                    events.push(NetEvent::Connected { conn: *conn });
                }
                // Connections break, and what is sent after that goes nowhere.
                NetAction::Send { conn, .. } if !self.hosts.contains_key(conn) => {}
                NetAction::Send { conn, .. } if self.hosts[conn] == "c" && self.away == Some("c") => {
                    self.hosts.remove(conn);
                    events.push(NetEvent::Closed { conn: *conn, reason: None });
                }
                NetAction::Send { conn, bytes } if self.hosts[conn] == "c" => {
                    match self.broker.hear(bytes, &mut self.rng) {
                        Answer::Bytes(bytes) if bytes.is_empty() => {}
                        Answer::Bytes(bytes) => events.push(NetEvent::Received { conn: *conn, bytes }),
                        Answer::Breaks => {
                            self.hosts.remove(conn);
                            events.push(NetEvent::Closed { conn: *conn, reason: None });
                        }
                    }
                }
                NetAction::Send { conn, bytes } => {
                    let request = String::from_utf8(bytes.clone()).expect("text");
                    let body = request.split_once("\r\n\r\n").expect("a head and a body").1.to_owned();
                    self.arrived.push((self.hosts[conn].clone(), body.clone()));
                    self.bodies.entry(self.hosts[conn].clone()).or_default().push(body);
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec();
                    events.push(NetEvent::Received { conn: *conn, bytes: answer });
                }
                NetAction::Close { .. } => {}
                other => panic!("nothing else is set: {other:?}"),
            }
        }
        events
    }
}

/// A device, its servers, and what it has said so far.
struct Bench {
    device: Device,
    servers: Servers,
    now: Uptime,
    next_wake: Option<Uptime>,
    /// Documents of reports that were made in steps that came to their end, by number and in order.
    made: Vec<(u64, String)>,
    /// Which of them arrived where, as far as the device has come to know.
    known: BTreeSet<(String, String)>,
    /// Those that were sent once more all the same.
    doubled: Vec<(String, String)>,
    said: Vec<String>,
}

impl Bench {
    fn step(&mut self) {
        let mut network = Vec::new();
        loop {
            let rtc = RtcTime(1_700_000_000_000_000_000 + self.now.0 as i64);
            let inputs = Inputs {
                rtc,
                frame: None,
                di: Level::Low,
                reset_pressed: false,
                rs485: vec![],
                network,
                picture: None,
            };
            let Ok(Some(step)) = self.device.step(self.now, inputs, &mut |_| {}) else {
                self.next_wake = None;
                return;
            };
            for diagnostic in &step.diagnostics {
                match diagnostic {
                    Diagnostic::ReportMade { report, document, .. } => self.made.push((*report, document.clone())),
                    Diagnostic::ReportDelivered { report, recipient, .. } => {
                        let host = recipient.trim_start_matches("http://").trim_end_matches('/').to_owned();
                        let host = host.replace("mqtt://c:1883/lines", "c");
                        let document = self.made.iter().rev().find(|(number, _)| number == report);
                        self.known.extend(document.map(|(_, document)| (host, document.clone())));
                    }
                    other => self.said.push(format!("{} {other}", self.now)),
                }
            }
            self.next_wake = step.outputs.next_wake;
            network = self.servers.carry_out(&step.outputs.network);
            self.doubled.extend(self.servers.arrived.drain(..).filter(|arrival| self.known.contains(arrival)));
            if network.is_empty() {
                return;
            }
        }
    }

    fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let next = [self.next_wake, self.device.next_change()].into_iter().flatten().min();
            let Some(at) = next.filter(|at| *at <= end) else { break };
            self.now = at.max(self.now);
            self.step();
        }
        self.now = end;
    }

    fn configure(&mut self, name: u64) {
        let rtc = RtcTime(1_700_000_000_000_000_000 + self.now.0 as i64);
        let command = Command::Configure(Box::new(settings(name)));
        self.device.command(self.now, rtc, command).expect("it is up").expect("no mistakes");
        self.step();
    }

    fn name(&self) -> Option<u64> {
        Some(self.device.configuration()?.device.name.parse().expect("a number"))
    }
}

#[test]
fn a_thousand_power_cuts_lose_no_report_that_was_written_down_and_no_configuration() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let lens = device_model::Profile::library("vs121-p-standard").expect("a profile").lens();
    let mounting = Mounting { height_m: 3.0, rotation_rad: 0.0, tilt_rad: 0.0 };
    let factory = Factory::new(lens, mounting);
    let device = Device::new(&settings(0), factory, Box::new(SeesNobody), 3).expect("no mistakes");
    let mut bench = Bench {
        device,
        servers: Servers {
            away: None,
            hosts: BTreeMap::new(),
            bodies: BTreeMap::new(),
            arrived: vec![],
            broker: Broker::default(),
            rng: ChaCha8Rng::seed_from_u64(12),
        },
        now: Uptime::ZERO,
        next_wake: Some(Uptime::ZERO),
        made: vec![],
        known: BTreeSet::new(),
        doubled: vec![],
        said: vec![],
    };
    let (mut torn, mut saved, mut unsaved) = (0, 0, 0);
    for cut in 1..=CUTS as u64 {
        bench.servers.away = [None, None, Some("a"), Some("b"), Some("c")][rng.random_range(0..5)];
        bench.run_for(Duration::from_millis(rng.random_range(0..30_000)));
        let before = bench.name().expect("it is up");
        // Most cuts tear what is written next: a report, its end, or a configuration.
        if rng.random_bool(0.8) {
            // A block that is erased counts for 65,536 bytes.
            let bytes = if rng.random_bool(0.5) { 3_000 } else { 100_000 };
            bench.device.cut_power(Some(rng.random_range(0..bytes)));
        }
        let configures = rng.random_bool(0.5);
        if configures {
            bench.configure(cut);
        }
        bench.run_for(Duration::from_millis(rng.random_range(0..20_000)));
        torn += u32::from(!bench.device.is_up());
        bench.device.cut_power(None);
        bench.device.power_on(bench.now, Duration::from_secs(2)).expect("it was off");
        bench.run_for(Duration::from_secs(2));
        let after = bench.name().expect("it is up again");
        match (configures, after) {
            (true, after) if after == cut => saved += 1,
            (_, after) => {
                assert_eq!(after, before, "cut {cut}: the one before or the new one, no other");
                unsaved += u32::from(configures);
            }
        }
    }
    bench.servers.away = None;
    bench.run_for(Duration::from_secs(200));
    let is_usual = |line: &&String| [" held back ", " sent to ", "connected to "].iter().any(|it| line.contains(it));
    let lost: Vec<&String> = bench.said.iter().filter(|line| !is_usual(line)).collect();
    assert!(lost.is_empty(), "{:?}", &lost[..lost.len().min(5)]);
    assert!(torn > 200 && saved > 100 && unsaved > 20, "{torn} torn, {saved} configurations saved, {unsaved} not");

    assert_eq!(bench.doubled, [], "what the device knew to have arrived");
    assert!(bench.made.len() > 4000, "{}", bench.made.len());
    let (lines, regions): (Vec<&String>, Vec<&String>) =
        bench.made.iter().map(|(_, document)| document).partition(|document| document.contains("Line Crossing"));
    exactly_once(&bench.servers.broker, &lines);
    for host in ["a", "b"] {
        let bodies = &bench.servers.bodies[host];
        let mut first: BTreeMap<&str, usize> = BTreeMap::new();
        let mut twice = 0;
        for (at, body) in bodies.iter().enumerate() {
            if first.insert(body, at).is_some() {
                twice += 1;
            }
        }
        let missing = regions.iter().filter(|document| !first.contains_key(document.as_str())).count();
        assert_eq!(missing, 0, "of {} reports for {host}", regions.len());
        // The answer was lost with the power, before it was written down.
        assert!(twice <= torn as usize, "{twice} came twice to {host} in {torn} torn steps");
        let mut order: Vec<&String> = bodies.iter().collect();
        order.dedup();
        let place: BTreeMap<&str, usize> =
            regions.iter().enumerate().map(|(i, document)| (document.as_str(), i)).collect();
        let places: Vec<usize> = order.iter().filter_map(|body| place.get(body.as_str()).copied()).collect();
        assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "in order to {host}");
        let known = bench.known.iter().filter(|(to, _)| to == host).count();
        assert!(known + torn as usize >= regions.len(), "{known} confirmed at {host}");
    }
}

/// The broker passed on all of these reports, in order, and nothing twice: not even of those that were made in a step that the power ended.
#[track_caller]
fn exactly_once(broker: &Broker, made: &[&String]) {
    let all: BTreeSet<&String> = broker.passed_on.iter().collect();
    assert_eq!(all.len(), broker.passed_on.len(), "nothing is passed on twice");
    let of_made: BTreeSet<&String> = made.iter().copied().collect();
    let passed_on: Vec<&String> = broker.passed_on.iter().filter(|document| of_made.contains(document)).collect();
    assert_eq!(passed_on.len(), made.len());
    assert!(passed_on == made, "in order");
    assert!(broker.resumed > 100, "{} handshakes went on", broker.resumed);
}
