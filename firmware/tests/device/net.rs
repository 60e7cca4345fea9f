//! The shell on real loopback sockets.
#![allow(clippy::disallowed_methods)] // The peers of the sockets under test.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use firmware::{Net, NetError};
use firmware_shim::{ConnId, NetAction, NetEvent};

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    (listener, address)
}

fn net(addresses: &[(&str, u16, SocketAddr)]) -> Net {
    let map: BTreeMap<_, _> = addresses.iter().map(|(host, port, at)| (((*host).to_owned(), *port), *at)).collect();
    Net::new(map)
}

fn connect(conn: u64, host: &str, port: u16) -> NetAction {
    NetAction::Connect { conn: ConnId(conn), host: host.to_owned(), port }
}

fn send(conn: u64, bytes: &[u8]) -> NetAction {
    NetAction::Send { conn: ConnId(conn), bytes: bytes.to_vec() }
}

fn received(conn: u64, bytes: &[u8]) -> NetEvent {
    NetEvent::Received { conn: ConnId(conn), bytes: bytes.to_vec() }
}

/// A net with one open connection, and its peer.
fn connected() -> (Net, TcpStream) {
    let (listener, address) = listener();
    let mut net = net(&[("broker", 1883, address)]);
    assert_eq!(net.carry_out(&[connect(1, "broker", 1883)]), [NetEvent::Connected { conn: ConnId(1) }]);
    let (peer, _) = listener.accept().expect("the device has connected");
    (net, peer)
}

#[test]
fn bytes_go_there_and_come_back() {
    let (mut net, mut peer) = connected();
    assert_eq!(net.carry_out(&[send(1, b"hel"), send(1, b"lo")]), []);
    let mut heard = [0; 5];
    peer.read_exact(&mut heard).expect("five bytes");
    assert_eq!((&heard, net.bytes_sent()), (b"hello", 5));
    peer.write_all(b"welcome").expect("the device listens");
    assert_eq!(net.receive(&[ConnId(1)]), Ok(vec![received(1, b"welcome")]));
    drop(peer);
    assert_eq!(net.receive(&[ConnId(1)]), Ok(vec![NetEvent::Closed { conn: ConnId(1), reason: None }]));
    assert_eq!(net.receive(&[ConnId(1)]), Ok(Vec::new()), "nothing comes after the close");
}

#[test]
fn an_address_that_is_not_in_the_map_has_no_route() {
    let (_listener, address) = listener();
    let mut net = net(&[("192.168.0.9", 80, address)]);
    for (host, port) in [("192.168.0.9", 81), ("192.168.0.8", 80), ("127.0.0.1", address.port())] {
        let reason = format!("no route to {host}:{port}");
        assert_eq!(net.carry_out(&[connect(1, host, port)]), [NetEvent::ConnectFailed { conn: ConnId(1), reason }]);
    }
}

#[test]
fn a_port_nobody_listens_on_refuses() {
    let (listener, address) = listener();
    drop(listener);
    let mut net = net(&[("h", 80, address)]);
    let reason = "connection refused".to_owned();
    assert_eq!(net.carry_out(&[connect(1, "h", 80)]), [NetEvent::ConnectFailed { conn: ConnId(1), reason }]);
}

#[test]
fn sending_to_a_peer_that_has_gone_ends_the_connection() {
    let (mut net, peer) = connected();
    drop(peer);
    // The first bytes may still be taken by the system; the answer to them is the reset.
    let mut events = Vec::new();
    for _ in 0..1000 {
        events.extend(net.carry_out(&[send(1, &[0; 65536])]));
    }
    let reason = Some("reset by the peer".to_owned());
    assert_eq!(events, [NetEvent::Closed { conn: ConnId(1), reason }]);
}

#[test]
fn the_lowest_connection_is_heard_first_whoever_is_faster() {
    let (first, at_first) = listener();
    let (second, at_second) = listener();
    let mut net = net(&[("a", 80, at_first), ("b", 80, at_second)]);
    net.carry_out(&[connect(1, "a", 80), connect(2, "b", 80)]);
    let (mut first, _) = first.accept().expect("connected");
    let (mut second, _) = second.accept().expect("connected");
    second.write_all(b"two").expect("open");
    first.write_all(b"one").expect("open");
    let awaiting = [ConnId(1), ConnId(2)];
    assert_eq!(net.receive(&awaiting), Ok(vec![received(1, b"one")]));
    assert_eq!(net.receive(&awaiting[1..]), Ok(vec![received(2, b"two")]));
}

#[test]
fn a_peer_that_stalls_is_named() {
    let (net, _peer) = connected();
    let patience = Duration::from_millis(20);
    let (listener, address) = listener();
    let mut net = {
        drop(net);
        self::net(&[("192.168.0.9", 8080, address)]).with_patience(patience)
    };
    net.carry_out(&[connect(1, "192.168.0.9", 8080)]);
    let _silent = listener.accept().expect("connected");
    let error = net.receive(&[ConnId(1)]).expect_err("nothing was said");
    assert_eq!(error, NetError::Stalled { peer: "192.168.0.9:8080".to_owned(), patience });
    assert_eq!(error.to_string(), "192.168.0.9:8080 did not answer within 0.02 s of real time");
}

#[test]
fn a_closed_connection_is_gone() {
    let (mut net, mut peer) = connected();
    assert_eq!(net.carry_out(&[NetAction::Close { conn: ConnId(1) }, send(1, b"late")]), []);
    let mut heard = Vec::new();
    peer.read_to_end(&mut heard).expect("closed in order");
    assert!(heard.is_empty());
    assert_eq!((net.receive(&[ConnId(1)]), net.bytes_sent()), (Ok(Vec::new()), 0));
}
