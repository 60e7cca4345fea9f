//! Reports by MQTT v3.1.1, against the server role of the protocol library.

use std::collections::BTreeMap;

use firmware::Configuration;
use firmware::configuration::ReportProtocol;
use firmware_shim::{ConnId, NetAction, NetEvent};
use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::Event;
use mqtt_protocol_core::mqtt::packet::v3_1_1::{Connack, Connect, Pingresp, Puback, Pubcomp, Publish, Pubrec};
use mqtt_protocol_core::mqtt::packet::{GenericPacketTrait, Packet};
use mqtt_protocol_core::mqtt::result_code::ConnectReturnCode;
use mqtt_protocol_core::mqtt::{Connection, Version, role};

use crate::bench::{Bench, BlackHole, Listening, NobodyThere, Peer};

fn settings(qos: u8, interval_s: u32) -> Configuration {
    let text = format!(
        r#"(region_people_counting: (
            report_regularly: FromNowOn(interval_s: {interval_s}),
            protocol: Mqtt(
                host: "broker", client_id: "sensor-1", user_name: "u", password: "p",
                topic: "office/people", qos: {qos}, keep_alive_s: 15,
            ),
        ))"#
    );
    ron_file::RonFile::embedded("settings", text).parse().expect("settings without mistakes")
}

/// What a broker leaves unanswered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Silence {
    Never,
    OnConnect,
    OnPublish,
    OnPubrel,
    OnPing,
}

struct Broker {
    wire: Listening,
    sessions: BTreeMap<ConnId, Connection<role::Server>>,
    return_code: ConnectReturnCode,
    silence: Silence,
    connects: Vec<Connect>,
    publishes: Vec<Publish>,
    /// Every packet that came, by name.
    heard: Vec<String>,
}

impl Broker {
    fn new() -> Self {
        Broker {
            wire: Listening::default(),
            sessions: BTreeMap::new(),
            return_code: ConnectReturnCode::Accepted,
            silence: Silence::Never,
            connects: Vec::new(),
            publishes: Vec::new(),
            heard: Vec::new(),
        }
    }

    fn silent(silence: Silence) -> Self {
        Broker { silence, ..Broker::new() }
    }

    /// The CONNACK this broker kept back.
    fn accepts_at_last(&mut self, conn: ConnId) -> NetEvent {
        self.silence = Silence::Never;
        let connack: Packet = Connack::builder()
            .session_present(false)
            .return_code(ConnectReturnCode::Accepted)
            .build()
            .expect("complete")
            .into();
        let bytes = connack.to_continuous_buffer();
        self.sessions.get_mut(&conn).expect("has introduced itself").send(connack);
        NetEvent::Received { conn, bytes }
    }

    /// What this broker says to a packet.
    fn answer(&mut self, packet: &Packet) -> Option<Packet> {
        self.heard.push(packet.packet_type().to_string().trim_matches('"').to_owned());
        let (trigger, answer): (Silence, Packet) = match packet {
            Packet::V3_1_1Connect(connect) => {
                self.connects.push(connect.clone());
                let connack = Connack::builder().session_present(false).return_code(self.return_code);
                (Silence::OnConnect, connack.build().expect("complete").into())
            }
            Packet::V3_1_1Publish(publish) => {
                self.publishes.push(publish.clone());
                let id = publish.packet_id()?;
                let answer = match publish.qos() as u8 {
                    1 => Puback::builder().packet_id(id).build().expect("complete").into(),
                    _ => Pubrec::builder().packet_id(id).build().expect("complete").into(),
                };
                (Silence::OnPublish, answer)
            }
            Packet::V3_1_1Pubrel(pubrel) => {
                (Silence::OnPubrel, Pubcomp::builder().packet_id(pubrel.packet_id()).build().expect("complete").into())
            }
            Packet::V3_1_1Pingreq(_) => (Silence::OnPing, Pingresp::builder().build().expect("complete").into()),
            _ => return None,
        };
        (self.silence != trigger).then_some(answer)
    }
}

impl Peer for Broker {
    fn carry_out(&mut self, actions: &[NetAction]) -> Vec<NetEvent> {
        let (mut events, sent) = self.wire.take(actions);
        for (conn, bytes) in sent {
            let mut session = self.sessions.remove(&conn).unwrap_or_else(|| Connection::new(Version::V3_1_1));
            let mut cursor = Cursor::new(bytes.as_slice());
            while cursor.position() < bytes.len() as u64 {
                for event in session.recv(&mut cursor) {
                    match event {
                        Event::NotifyPacketReceived(packet) => {
                            let Some(answer) = self.answer(&packet) else { continue };
                            for event in session.send(answer) {
                                if let Event::RequestSendPacket { packet, .. } = event {
                                    events.push(NetEvent::Received { conn, bytes: packet.to_continuous_buffer() });
                                }
                            }
                        }
                        Event::NotifyError(error) => panic!("the device broke the protocol: {error}"),
                        _ => {}
                    }
                }
            }
            self.sessions.insert(conn, session);
        }
        events
    }
}

fn bench<P: Peer>(qos: u8, peer: P, until_ms: u64) -> Bench<P> {
    let mut bench = Bench::new(settings(qos, 20), peer);
    bench.run_until_ms(until_ms);
    bench
}

#[test]
fn the_device_introduces_itself_as_configured() {
    let bench = bench(1, Broker::new(), 0);
    let connect = &bench.peer.connects[0];
    assert_eq!((connect.client_id(), connect.clean_session(), connect.keep_alive()), ("sensor-1", true, 15));
    assert_eq!((connect.user_name(), connect.password()), (Some("u"), Some(&b"p"[..])));
    assert_eq!(bench.peer.wire.connected_to[&ConnId(1)], ("broker".to_owned(), 1883));
    assert_eq!(bench.transcript(), ["0.000 s connected to mqtt://broker:1883"]);
    assert!(bench.awaiting.is_empty());
}

#[test]
fn each_quality_of_service_takes_its_handshake() {
    for (qos, handshake, receipt) in
        [(0, &["publish"][..], None), (1, &["publish"], Some("PUBACK")), (2, &["publish", "pubrel"], Some("PUBCOMP"))]
    {
        let bench = bench(qos, Broker::new(), 20_000);
        let heard: Vec<&str> = bench.peer.heard.iter().map(String::as_str).filter(|h| h.starts_with("pub")).collect();
        assert_eq!(heard, handshake);
        let publish = &bench.peer.publishes[0];
        assert_eq!((publish.topic_name(), publish.qos() as u8), ("office/people", qos));
        assert_eq!((publish.retain(), publish.dup()), (false, false));
        assert_eq!(publish.payload().as_slice(), bench.documents()[0].as_bytes());
        let last = bench.transcript().pop().expect("something was said");
        let expected = receipt.map_or_else(
            || "20.000 s report 1 sent to mqtt://broker:1883/office/people".to_owned(),
            |receipt| format!("20.000 s report 1 delivered to mqtt://broker:1883/office/people: {receipt}"),
        );
        assert_eq!(last, expected);
        assert!(bench.awaiting.is_empty());
    }
}

#[test]
fn a_quiet_connection_is_kept_alive() {
    // Reports every 20 s, keep-alive 15 s: a ping comes 15 s after each.
    let bench = bench(0, Broker::new(), 59_000);
    let heard: Vec<&str> = bench.peer.heard.iter().map(String::as_str).collect();
    assert_eq!(heard, ["connect", "pingreq", "publish", "pingreq", "publish", "pingreq"]);
    assert_eq!(bench.peer.connects.len(), 1);
}

#[test]
fn a_broker_that_vanishes_is_noticed_however_much_is_published_and_however_often_it_is_asked() {
    for (interval_s, keep_alive_s, noticed) in [(5, 15, "25.000 s"), (3600, 5, "15.000 s"), (3600, 1, "11.000 s")] {
        let mut configuration = settings(0, interval_s);
        let ReportProtocol::Mqtt { keep_alive_s: set, .. } = &mut configuration.region_people_counting.protocol else {
            panic!("these settings are of MQTT");
        };
        *set = keep_alive_s.try_into().expect("not zero");
        let mut bench = Bench::new(configuration, Broker::silent(Silence::OnPing));
        bench.run_until_ms(30_000);
        let lost = troubles(&bench).into_iter().find(|line| line.contains("not connected")).unwrap_or_default();
        assert!(lost.starts_with(noticed), "{interval_s} s, {keep_alive_s} s: {lost}");
    }
}

#[test]
fn a_connection_accepted_late_is_kept_alive_too() {
    let mut configuration = settings(0, 3600);
    let ReportProtocol::Mqtt { keep_alive_s, .. } = &mut configuration.region_people_counting.protocol else {
        panic!("these settings are of MQTT");
    };
    *keep_alive_s = 5.try_into().expect("not zero");
    let mut bench = Bench::new(configuration, Broker::silent(Silence::OnConnect));
    bench.run_until_ms(6_000);
    let accepted = bench.peer.accepts_at_last(ConnId(1));
    bench.hears(accepted);
    bench.run_until_ms(11_000);
    assert_eq!(bench.peer.heard, ["connect", "pingreq"]);
}

/// What is said of the connection and of drops.
fn troubles<P: Peer>(bench: &Bench<P>) -> Vec<String> {
    let short = |line: String| {
        line.replace("mqtt://broker:1883/office/people", "broker").replace("mqtt://broker:1883", "broker")
    };
    bench
        .transcript()
        .into_iter()
        .filter(|line| line.contains("connected") || line.contains("dropped"))
        .map(short)
        .collect()
}

#[test]
fn attempts_to_connect_back_off_and_reports_meanwhile_are_dropped() {
    let bench = bench(1, NobodyThere, 130_000);
    let attempts: Vec<String> = troubles(&bench).into_iter().filter(|line| line.contains("not connected")).collect();
    let at: Vec<&str> = attempts.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(at, ["0.000", "1.000", "3.000", "7.000", "15.000", "31.000", "63.000", "123.000"]);
    assert_eq!(
        attempts[6],
        "63.000 s not connected to broker: failed to connect: connection refused; next attempt in 60 s"
    );
    let drops: Vec<String> = troubles(&bench).into_iter().filter(|line| line.contains("dropped")).collect();
    assert_eq!(drops.len(), bench.documents().len());
    assert_eq!(bench.firmware.tally(), firmware::Tally { offered: 6, dropped: 6, ..Default::default() });
    assert_eq!(drops[0], "20.000 s report 1 dropped for broker: no connection");
}

#[test]
fn a_broker_that_comes_back_is_found_and_the_back_off_forgotten() {
    let mut bench = bench(1, Broker::new(), 5_000);
    bench.peer.return_code = ConnectReturnCode::ServerUnavailable;
    bench.hears(NetEvent::Closed { conn: ConnId(1), reason: None });
    bench.run_until_ms(7_000);
    bench.peer.return_code = ConnectReturnCode::Accepted;
    // It confirms the report of 20 s.
    bench.run_until_ms(21_000);
    bench.hears(NetEvent::Closed { conn: ConnId(3), reason: Some("reset by the peer".to_owned()) });
    assert_eq!(
        troubles(&bench),
        [
            "0.000 s connected to broker",
            "5.000 s not connected to broker: closed by the other side; next attempt in 1 s",
            "6.000 s not connected to broker: refused by the broker: ServerUnavailable; next attempt in 2 s",
            "8.000 s connected to broker",
            "21.000 s not connected to broker: connection lost: reset by the peer; next attempt in 1 s",
        ]
    );
    assert_eq!(bench.peer.wire.closed, [ConnId(2)]);
}

#[test]
fn a_broker_that_only_lets_the_device_in_is_asked_less_and_less_often() {
    let mut bench = bench(1, Broker::new(), 1_000);
    for (at_ms, conn) in [(2_000, 1), (4_000, 2), (7_000, 3)] {
        bench.run_until_ms(at_ms);
        bench.hears(NetEvent::Closed { conn: ConnId(conn), reason: None });
    }
    let lost: Vec<String> = troubles(&bench).into_iter().filter(|line| line.contains("closed")).collect();
    let waits: Vec<&str> = lost.iter().filter_map(|line| line.rsplit_once(" in ").map(|(_, wait)| wait)).collect();
    assert_eq!(waits, ["1 s", "2 s", "4 s"]);
}

#[test]
fn an_answer_that_never_comes_ends_the_connection() {
    let check = |silence, qos, expected: &[&str]| {
        let found = troubles(&bench(qos, Broker::silent(silence), 32_000));
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        assert_eq!(&found[..expected.len()], expected, "{silence:?}");
    };
    check(Silence::OnConnect, 1, &["10.000 s not connected to broker: no answer within 10 s; next attempt in 1 s"]);
    let publish = [
        "0.000 s connected to broker",
        "30.000 s not connected to broker: no answer within 10 s; next attempt in 1 s",
        "30.000 s report 1 dropped for broker: no answer within 10 s",
        "31.000 s connected to broker",
    ];
    check(Silence::OnPublish, 1, &publish);
    check(Silence::OnPublish, 2, &publish);
    check(Silence::OnPubrel, 2, &publish);
    check(
        Silence::OnPing,
        0,
        &[
            "0.000 s connected to broker",
            "25.000 s not connected to broker: no answer within 10 s; next attempt in 1 s",
            "26.000 s connected to broker",
        ],
    );
    let found = troubles(&bench(1, BlackHole, 11_000));
    assert_eq!(found, ["10.000 s not connected to broker: no answer within 10 s; next attempt in 1 s"]);
}

#[test]
fn what_the_broker_owes_is_awaited() {
    for (silence, qos, at_ms) in [
        (Silence::OnConnect, 1, 0),
        (Silence::OnPublish, 1, 20_000),
        (Silence::OnPublish, 2, 20_000),
        (Silence::OnPubrel, 2, 20_000),
        (Silence::OnPing, 1, 15_000),
    ] {
        assert_eq!(bench(qos, Broker::silent(silence), at_ms).awaiting, [ConnId(1)], "{silence:?} at QoS {qos}");
    }
}

#[test]
fn reports_wait_for_the_connection_and_go_out_in_order() {
    let mut bench = Bench::new(settings(1, 5), Broker::silent(Silence::OnConnect));
    // The broker is found at the second attempt; two reports are made while it is being waited for.
    bench.run_until_ms(20_500);
    let accepted = bench.peer.accepts_at_last(ConnId(2));
    bench.hears(accepted);
    let fates: Vec<String> = bench
        .transcript()
        .iter()
        .filter(|line| line.contains("dropped") || line.contains("delivered"))
        .map(|line| line.split(' ').take(5).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        fates,
        [
            "10.000 s report 1 dropped",
            "10.000 s report 2 dropped",
            "20.500 s report 3 delivered",
            "20.500 s report 4 delivered",
        ]
    );
    let payloads: Vec<&[u8]> = bench.peer.publishes.iter().map(|publish| publish.payload().as_slice()).collect();
    let documents = bench.documents();
    assert_eq!(payloads, [documents[2].as_bytes(), documents[3].as_bytes()]);
}

#[test]
fn nonsense_from_a_broker_ends_the_connection_and_nothing_else() {
    for bytes in [&[b'H'; 100][..], &[0x40, 2, 0, 7], &[0x82, 0], &[0xff; 64], &[0x20, 0xff, 0xff, 0xff, 0xff]] {
        let mut bench = bench(1, Broker::new(), 5_000);
        bench.hears(NetEvent::Received { conn: ConnId(1), bytes: bytes.to_vec() });
        let found = troubles(&bench);
        assert!(found[1].contains("not connected to broker: protocol violated"), "{bytes:?}: {found:?}");
        assert_eq!(bench.peer.wire.closed, [ConnId(1)]);
        bench.run_until_ms(6_500);
        assert_eq!(troubles(&bench).last().map(String::as_str), Some("6.000 s connected to broker"));
    }
}
