//! *Realtime Location Push*: who connects is told where everybody is.

use firmware::{Configuration, Net, TAKES_NOTHING};
use firmware_shim::{ConnId, NetAction, NetEvent};

use crate::bench::{Bench, Peer};

/// The device's neighbours.
#[derive(Default)]
struct Neighbours {
    ports: Vec<u16>,
    told: Vec<(u64, String)>,
    closed: Vec<u64>,
}

const FIRST: u64 = ConnId::ACCEPTED.0;

fn guest(n: u64) -> ConnId {
    ConnId(FIRST + n)
}

impl Peer for Neighbours {
    fn carry_out(&mut self, actions: &[NetAction]) -> Vec<NetEvent> {
        for action in actions {
            match action {
                NetAction::Listen { port } => self.ports.push(*port),
                NetAction::Unlisten { port } => self.ports.retain(|one| one != port),
                NetAction::Send { conn, bytes } => {
                    self.told.push((conn.0 - FIRST, String::from_utf8(bytes.clone()).expect("text")));
                }
                NetAction::Close { conn } => self.closed.push(conn.0 - FIRST),
                other => panic!("nothing else is set: {other:?}"),
            }
        }
        vec![]
    }
}

/// Nothing but the push is on.
fn settings(more: &str) -> Configuration {
    let text = format!(
        "(time_zone: \"Europe/Berlin\", general: (realtime_location_push: (enable: true, port: 9100)),
          region_people_counting: (enable: false, {more}))"
    );
    ron_file::RonFile::embedded("settings", text).parse().expect("settings without mistakes")
}

#[test]
fn whoever_listens_is_told_of_every_frame_where_everybody_is() {
    let regions =
        "detection_region: (regions: [(id: 4, name: \"left\", polygon: [(0, 0), (0.5, 0), (0.5, 1), (0, 1)])])";
    let mut bench = Bench::new(settings(regions), Neighbours::default());
    assert_eq!(bench.peer.ports, [9100]);
    bench.people_stand_at(&[(0.5, 0.5), (-0.8, 0.2)]);
    bench.run_until_ms(2_000);
    assert_eq!(bench.peer.told, [], "nobody listens, and nothing is looked at");

    bench.hears(NetEvent::Accepted { conn: guest(0), port: 9100 });
    bench.run_until_ms(3_000);
    assert_eq!(bench.peer.told.len(), 10, "a line a frame");
    let (_, last) = bench.peer.told.last().expect("ten");
    assert!(last.ends_with("}\n") && last.matches('\n').count() == 1);
    insta::assert_snapshot!(last.trim_end());

    bench.people_stand_at(&[]);
    bench.run_until_ms(5_000);
    assert!(bench.peer.told.last().expect("it goes on").1.contains("\"people\":[]"));
    // Without anybody to tell it looks no more.
    bench.hears(NetEvent::Closed { conn: guest(0), reason: None });
    let told = bench.peer.told.len();
    bench.run_until_ms(6_000);
    assert_eq!(bench.peer.told.len(), told);
}

#[test]
fn a_ninth_client_is_turned_away_and_another_port_ends_all_connections() {
    let mut bench = Bench::new(settings(""), Neighbours::default());
    (0..9).for_each(|n| bench.hears(NetEvent::Accepted { conn: guest(n), port: 9100 }));
    assert_eq!(bench.peer.closed, [8]);
    bench.run_until_ms(100);
    let told: Vec<u64> = bench.peer.told.iter().map(|(n, _)| *n).collect();
    assert_eq!(told, [0, 1, 2, 3, 4, 5, 6, 7]);
    let mut elsewhere = settings("");
    elsewhere.general.realtime_location_push.port = 9200.try_into().expect("not zero");
    bench.configure(elsewhere);
    assert_eq!(bench.peer.ports, [9200]);
    assert_eq!(bench.peer.closed, [8, 0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn the_ports_of_other_services_are_in_use() {
    for (port, service) in [(22, "ssh"), (80, "web"), (554, "rtsp")] {
        let mut taken = settings("");
        taken.general.realtime_location_push.port = port.try_into().expect("not zero");
        let problems: Vec<String> = taken.validate().iter().map(ToString::to_string).collect();
        let expected =
            format!("general.realtime_location_push.port: {port} is in use: it is network.ports.{service}, too");
        assert_eq!(problems, [expected]);
    }
}

/// Over real sockets: what is told arrives, and whoever takes nothing is closed without anybody having waited.
#[test]
#[allow(clippy::disallowed_methods)] // A client of the test's own.
fn a_client_that_takes_nothing_is_closed_and_holds_nobody_up() {
    use std::io::Read;

    let mut net = Net::new([].into());
    assert_eq!(net.accept(9100), None);
    net.carry_out(&[NetAction::Listen { port: 9100 }]);
    let address = net.listening_at(9100).expect("it listens");
    let _takes_nothing = std::net::TcpStream::connect(address).expect("it listens");
    let Some(NetEvent::Accepted { conn, port: 9100 }) = net.accept(9100) else { panic!("somebody has connected") };
    let line = vec![b'x'; 64 * 1024];
    let mut events = vec![];
    while events.is_empty() {
        events = net.carry_out(&[NetAction::Send { conn, bytes: line.clone() }]);
    }
    assert_eq!(events, [NetEvent::Closed { conn, reason: Some(TAKES_NOTHING.to_owned()) }]);

    let mut takes = std::net::TcpStream::connect(address).expect("it listens");
    let Some(NetEvent::Accepted { conn: second, .. }) = net.accept(9100) else { panic!("somebody has connected") };
    assert!(second > conn);
    let events = net.carry_out(&[
        NetAction::Send { conn: second, bytes: b"one\n".to_vec() },
        NetAction::Close { conn: second },
        NetAction::Unlisten { port: 9100 },
    ]);
    assert_eq!(events, []);
    let mut told = String::new();
    takes.read_to_string(&mut told).expect("all of it");
    assert_eq!(told, "one\n");
    assert!(std::net::TcpStream::connect(address).is_err());
    assert_eq!(net.bytes_sent(), 0, "what is told is no report on its way");
}
