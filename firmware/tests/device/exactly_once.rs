//! QoS 2 of reports that are kept: each arrives exactly once, wherever in its handshake the connection breaks or the power fails.

use std::collections::BTreeMap;

use firmware::{Configuration, Diagnostic, Tally};
use firmware_shim::{ConnId, NetAction, NetEvent};
use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::Event;
use mqtt_protocol_core::mqtt::packet::v3_1_1::{Connack, Connect, Pingresp, Puback, Pubcomp, Publish, Pubrec};
use mqtt_protocol_core::mqtt::packet::{GenericPacketTrait, Packet, Qos};
use mqtt_protocol_core::mqtt::result_code::ConnectReturnCode;
use mqtt_protocol_core::mqtt::{Connection, Version, role};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::bench::{Bench, Listening, Peer};

/// The packet that is lost, with its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Break {
    Publish,
    Pubrec,
    Pubrel,
    Pubcomp,
}

const BREAKS: [Break; 4] = [Break::Publish, Break::Pubrec, Break::Pubrel, Break::Pubcomp];

/// A broker passes a message on when it comes or when it is released (MQTT 3.1.1 §4.3.3, methods B and A).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PassesOn {
    AtPublish,
    AtPubrel,
}

/// The end of a connection: it breaks, or the device is without power for a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Connection,
    Power,
}

/// A broker with one client, whose session it remembers.
struct Broker {
    wire: Listening,
    conns: BTreeMap<ConnId, Connection<role::Server>>,
    passes_on: PassesOn,
    /// Messages that are published and not released, by packet identifier.
    session: Option<BTreeMap<u16, String>>,
    passed_on: Vec<String>,
    breaks: Option<Break>,
    /// The connection that broke: nothing goes over it any more.
    broken: Option<ConnId>,
    last: Option<ConnId>,
    connects: Vec<Connect>,
    /// Packets of the handshake as they came, such as `publish 2 dup`.
    heard: Vec<String>,
}

impl Broker {
    fn new(passes_on: PassesOn) -> Self {
        Broker {
            wire: Listening::default(),
            conns: BTreeMap::new(),
            passes_on,
            session: None,
            passed_on: vec![],
            breaks: None,
            broken: None,
            last: None,
            connects: vec![],
            heard: vec![],
        }
    }

    /// Whether the connection breaks off here.
    fn breaks_off(&mut self, here: Break) -> bool {
        let breaks = self.breaks.take_if(|at| *at == here).is_some();
        if breaks {
            self.broken = self.last;
        }
        breaks
    }

    /// What this broker says to a packet.
    fn answer(&mut self, packet: &Packet) -> Option<Packet> {
        match packet {
            Packet::V3_1_1Connect(connect) => {
                let is_present = !connect.clean_session() && self.session.is_some();
                if !is_present {
                    self.session = (!connect.clean_session()).then(BTreeMap::new);
                }
                self.connects.push(connect.clone());
                let connack = Connack::builder().session_present(is_present);
                Some(connack.return_code(ConnectReturnCode::Accepted).build().expect("complete").into())
            }
            Packet::V3_1_1Publish(publish) => self.take_in(publish),
            Packet::V3_1_1Pubrel(pubrel) => {
                if self.breaks_off(Break::Pubrel) {
                    return None;
                }
                let id = pubrel.packet_id();
                self.heard.push(format!("pubrel {id}"));
                // One that it knows nothing of it answers all the same.
                let released = self.session.as_mut().and_then(|session| session.remove(&id));
                self.passed_on.extend(released.filter(|_| self.passes_on == PassesOn::AtPubrel));
                let answer = Pubcomp::builder().packet_id(id).build().expect("complete").into();
                (!self.breaks_off(Break::Pubcomp)).then_some(answer)
            }
            Packet::V3_1_1Pingreq(_) => Some(Pingresp::builder().build().expect("complete").into()),
            _ => None,
        }
    }

    fn take_in(&mut self, publish: &Publish) -> Option<Packet> {
        if self.breaks_off(Break::Publish) {
            return None;
        }
        let payload = String::from_utf8(publish.payload().as_slice().to_vec()).expect("text");
        let Some(id) = publish.packet_id() else {
            self.passed_on.push(payload);
            return None;
        };
        self.heard.push(format!("publish {id}{}", if publish.dup() { " dup" } else { "" }));
        if publish.qos() == Qos::AtLeastOnce {
            self.passed_on.push(payload);
            return Some(Puback::builder().packet_id(id).build().expect("complete").into());
        }
        let session = self.session.get_or_insert_default();
        match session.get(&id) {
            Some(known) => assert!(publish.dup() && *known == payload, "identifier {id} is another report's"),
            None => {
                session.insert(id, payload.clone());
                self.passed_on.extend(Some(payload).filter(|_| self.passes_on == PassesOn::AtPublish));
            }
        }
        let answer = Pubrec::builder().packet_id(id).build().expect("complete").into();
        (!self.breaks_off(Break::Pubrec)).then_some(answer)
    }
}

impl Peer for Broker {
    fn carry_out(&mut self, actions: &[NetAction]) -> Vec<NetEvent> {
        let (mut events, sent) = self.wire.take(actions);
        for event in &events {
            // After a start of the device numbers begin anew.
            self.conns.insert(event.conn(), Connection::new(Version::V3_1_1));
            (self.last, self.broken) = (Some(event.conn()), None);
        }
        for (conn, bytes) in sent {
            let mut protocol = self.conns.remove(&conn).expect("it is open");
            let mut cursor = Cursor::new(bytes.as_slice());
            while cursor.position() < bytes.len() as u64 && self.broken != Some(conn) {
                for event in protocol.recv(&mut cursor) {
                    match event {
                        Event::NotifyPacketReceived(packet) => {
                            let Some(answer) = self.answer(&packet) else { continue };
                            for event in protocol.send(answer) {
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
            self.conns.insert(conn, protocol);
        }
        events
    }
}

fn settings(retransmission: bool, qos: u8, more: &str) -> Configuration {
    let text = format!(
        r#"(general: (data_retransmission: {retransmission}), region_people_counting: (
            report_regularly: FromNowOn(interval_s: 10), {more}
            protocol: Mqtt(host: "broker", client_id: "sensor-1", topic: "people", qos: {qos}),
        ))"#
    );
    ron_file::RonFile::embedded("settings", text).parse().expect("settings without mistakes")
}

fn bench(passes_on: PassesOn) -> Bench<Broker> {
    Bench::new(settings(true, 2, ""), Broker::new(passes_on))
}

/// The connection that broke off is at its end, or the device is without power for a moment.
fn end(bench: &mut Bench<Broker>, end: End) {
    let broken = bench.peer.broken.take().expect("a connection broke off");
    match end {
        End::Connection => bench.hears(NetEvent::Closed { conn: broken, reason: None }),
        End::Power => bench.restarts(),
    }
}

/// Has time pass, and the connection break off here at the next opportunity.
fn breaks_within_ms(bench: &mut Bench<Broker>, here: Break, within_ms: u64) {
    bench.peer.breaks = Some(here);
    let start_ms = bench.now.0 / 1_000_000;
    let mut instants_ms = (start_ms..=start_ms + within_ms).step_by(100);
    while bench.peer.breaks.is_some() {
        bench.run_until_ms(instants_ms.next().unwrap_or_else(|| panic!("{here:?} does not happen")));
    }
}

fn delivered(bench: &Bench<Broker>) -> Vec<String> {
    let line = |(_, said): &(u64, Diagnostic)| match said {
        Diagnostic::ReportDelivered { report, receipt, .. } => Some(format!("{report} {receipt}")),
        _ => None,
    };
    bench.said.iter().filter_map(line).collect()
}

#[test]
fn wherever_a_handshake_breaks_off_each_report_arrives_once() {
    for passes_on in [PassesOn::AtPublish, PassesOn::AtPubrel] {
        for here in BREAKS {
            for how in [End::Connection, End::Power] {
                let mut bench = bench(passes_on);
                bench.run_until_ms(15_000);
                breaks_within_ms(&mut bench, here, 6_000);
                end(&mut bench, how);
                bench.run_until_ms(55_000);
                let about = format!("{here:?}, {how:?} ends, passes on {passes_on:?}: {:?}", bench.peer.heard);
                assert_eq!(bench.peer.passed_on, bench.documents(), "{about}");
                assert!(bench.peer.passed_on.len() >= 4, "{about}");
                assert_eq!(bench.firmware.tally().kept, 0, "{about}");
                assert_eq!(bench.peer.session, Some(BTreeMap::new()), "nothing is left half way, {about}");
            }
        }
    }
}

#[test]
fn what_breaks_off_again_and_again_arrives_once() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for passes_on in [PassesOn::AtPublish, PassesOn::AtPubrel] {
        let mut bench = bench(passes_on);
        for _ in 0..300 {
            // Several times within one handshake, when it is to break off further on.
            breaks_within_ms(&mut bench, BREAKS[rng.random_range(0..4)], 80_000);
            bench.run_until_ms(bench.now.0 / 1_000_000 + rng.random_range(0..15_000));
            // Unless it noticed by itself, and is connected once more.
            if bench.peer.broken.is_some() {
                end(&mut bench, [End::Connection, End::Power][rng.random_range(0..2)]);
            }
        }
        bench.run_until_ms(bench.now.0 / 1_000_000 + 80_000);
        assert_eq!(bench.peer.passed_on.len(), bench.documents().len());
        assert_eq!(bench.peer.passed_on, bench.documents());
        assert!(bench.documents().len() > 150, "{}", bench.documents().len());
    }
}

#[test]
fn the_handshake_goes_on_where_it_broke_off_under_the_same_identifier() {
    let heard = |here, how| {
        let mut bench = bench(PassesOn::AtPubrel);
        breaks_within_ms(&mut bench, here, 11_000);
        end(&mut bench, how);
        bench.run_until_ms(19_000);
        assert!(bench.peer.connects.iter().all(|connect| !connect.clean_session()));
        bench.peer.heard.join(", ")
    };
    for how in [End::Connection, End::Power] {
        assert_eq!(heard(Break::Publish, how), "publish 2 dup, pubrel 2", "{how:?}");
        assert_eq!(heard(Break::Pubrec, how), "publish 2, publish 2 dup, pubrel 2", "{how:?}");
        assert_eq!(heard(Break::Pubrel, how), "publish 2, pubrel 2", "{how:?}");
        assert_eq!(heard(Break::Pubcomp, how), "publish 2, pubrel 2, pubrel 2", "{how:?}");
    }
}

#[test]
fn a_broker_that_lost_the_session_is_told_anew_what_it_had_not_confirmed_and_nothing_else() {
    for (here, expected_heard, expected_delivered) in [
        (Break::Publish, "publish 2, pubrel 2", "1 PUBCOMP"),
        (Break::Pubrec, "publish 2, publish 2, pubrel 2", "1 PUBCOMP"),
        (Break::Pubrel, "publish 2", "1 PUBREC"),
        (Break::Pubcomp, "publish 2, pubrel 2", "1 PUBREC"),
    ] {
        for how in [End::Connection, End::Power] {
            let mut bench = bench(PassesOn::AtPubrel);
            breaks_within_ms(&mut bench, here, 11_000);
            bench.peer.session = None;
            end(&mut bench, how);
            bench.run_until_ms(19_000);
            assert_eq!(bench.peer.heard.join(", "), expected_heard, "{here:?}, {how:?}");
            assert_eq!(delivered(&bench), [expected_delivered], "{here:?}, {how:?}");
            // Those after it come as ever.
            bench.run_until_ms(45_000);
            let documents = bench.documents();
            let came = bench.peer.passed_on.len();
            assert_eq!(bench.peer.passed_on[came - 2..], documents[documents.len() - 2..]);
            assert_eq!(bench.firmware.tally().kept, 0);
        }
    }
}

#[test]
fn the_broker_is_to_remember_only_a_device_that_keeps_what_it_publishes_at_qos_2() {
    for (retransmission, qos, is_clean) in [(false, 2, true), (true, 1, true), (true, 0, true), (true, 2, false)] {
        let bench = Bench::new(settings(retransmission, qos, ""), Broker::new(PassesOn::AtPubrel));
        assert_eq!(bench.peer.connects[0].clean_session(), is_clean, "{retransmission}, QoS {qos}");
    }
}

#[test]
fn a_session_that_is_to_last_is_begun_when_the_settings_come_to_ask_for_it() {
    let mut bench = Bench::new(settings(true, 1, ""), Broker::new(PassesOn::AtPubrel));
    bench.run_until_ms(5_000);
    bench.configure(settings(true, 2, ""));
    breaks_within_ms(&mut bench, Break::Pubrel, 11_000);
    end(&mut bench, End::Power);
    bench.run_until_ms(30_000);
    let clean: Vec<bool> = bench.peer.connects.iter().map(Connect::clean_session).collect();
    assert_eq!(clean, [true, false, false]);
    assert_eq!(bench.peer.passed_on, bench.documents());
}

#[test]
fn a_handshake_that_was_begun_is_ended_whatever_the_settings_are_by_then() {
    let mut bench = bench(PassesOn::AtPubrel);
    breaks_within_ms(&mut bench, Break::Pubrel, 11_000);
    bench.configure(settings(true, 1, ""));
    end(&mut bench, End::Connection);
    bench.run_until_ms(25_000);
    assert_eq!(bench.peer.passed_on, bench.documents());
    assert_eq!(bench.peer.heard[..2], ["publish 2", "pubrel 2"]);
}

#[test]
fn another_client_knows_nothing_of_the_handshakes_of_the_one_before() {
    for (here, expected) in [(Break::Pubrec, "1 PUBCOMP"), (Break::Pubrel, "1 PUBREC")] {
        let mut bench = bench(PassesOn::AtPubrel);
        breaks_within_ms(&mut bench, here, 11_000);
        let text = r#"(general: (data_retransmission: true), region_people_counting: (
            report_regularly: FromNowOn(interval_s: 10),
            protocol: Mqtt(host: "broker", client_id: "sensor-2", topic: "people", qos: 2),
        ))"#;
        // Another client has another session.
        bench.peer.session = None;
        bench.configure(ron_file::RonFile::embedded("settings", text.to_owned()).parse().expect("no mistakes"));
        bench.run_until_ms(18_000);
        assert_eq!(delivered(&bench), [expected], "{here:?}: {:?}", bench.peer.heard);
    }
}

#[test]
fn a_stay_that_is_under_way_arrives_once_and_one_that_waits_is_not_kept() {
    for here in BREAKS {
        for how in [End::Connection, End::Power] {
            let more = "report_regularly: Off, dwell_time_detection: true, min_dwell_s: 1, trigger_report_dwell: true,";
            let mut settings = settings(true, 2, "");
            settings.region_people_counting = ron_file::RonFile::embedded(
                "settings",
                format!(r#"({more} protocol: Mqtt(host: "broker", client_id: "sensor-1", topic: "people", qos: 2))"#),
            )
            .parse()
            .expect("settings without mistakes");
            let mut bench = Bench::new(settings, Broker::new(PassesOn::AtPubrel));
            bench.people_stand_at(&[(0.5, 0.5)]);
            bench.run_until_ms(5_000);
            bench.people_stand_at(&[]);
            breaks_within_ms(&mut bench, here, 10_000);
            end(&mut bench, how);
            bench.run_until_ms(40_000);
            assert_eq!(bench.documents().len(), 1);
            assert_eq!(bench.peer.passed_on, bench.documents(), "{here:?}, {how:?}");
            assert_eq!(bench.firmware.tally(), Tally { kept: 0, ..bench.firmware.tally() });
        }
    }
}
