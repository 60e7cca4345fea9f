//! Reports by HTTP POST, at the level of bytes.

use firmware::Configuration;
use firmware_shim::{ConnId, NetAction, NetEvent};

use crate::bench::{Bench, BlackHole, Listening, NobodyThere, Peer};

/// Settings as a person writes them.
fn settings(urls: &str) -> Configuration {
    let text = format!(
        "(region_people_counting: (
            report_regularly: FromNowOn(interval_s: 20),
            protocol: Http(urls: [{urls}]),
        ))"
    );
    ron_file::RonFile::embedded("settings", text).parse().expect("settings without mistakes")
}

const ONE_URL: &str = r#"(url: "http://192.168.0.9:8080/reports?room=1")"#;

/// Answers every request with the same bytes, in pieces of a given size; with nothing at all if there are none.
struct Server {
    wire: Listening,
    answer: &'static [u8],
    piece: usize,
    then_closes: bool,
}

impl Server {
    fn answering(answer: &'static [u8]) -> Self {
        Server { wire: Listening::default(), answer, piece: usize::MAX, then_closes: false }
    }
}

impl Peer for Server {
    fn carry_out(&mut self, actions: &[NetAction]) -> Vec<NetEvent> {
        let (mut events, sent) = self.wire.take(actions);
        for (conn, _) in sent {
            let pieces = self.answer.chunks(self.piece.min(self.answer.len().max(1)));
            events.extend(pieces.map(|bytes| NetEvent::Received { conn, bytes: bytes.to_vec() }));
            if self.then_closes {
                events.push(NetEvent::Closed { conn, reason: None });
            }
        }
        events
    }
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

fn bench_20_s<P: Peer>(urls: &str, peer: P) -> Bench<P> {
    let mut bench = Bench::new(settings(urls), peer);
    bench.run_until_ms(20_000);
    bench
}

#[test]
fn a_report_is_one_post_on_a_connection_of_its_own() {
    let mut bench = bench_20_s(ONE_URL, Server::answering(OK));
    let document = &bench.documents()[0];
    let request = String::from_utf8(bench.peer.wire.received[&ConnId(1)].clone()).expect("text");
    let (head, body) = request.split_once("\r\n\r\n").expect("a head and a body");
    assert_eq!(body, document);
    insta::assert_snapshot!(head.replace("\r\n", "\n"));
    assert_eq!(bench.peer.wire.connected_to[&ConnId(1)], ("192.168.0.9".to_owned(), 8080));
    assert_eq!(
        bench.transcript(),
        [
            "20.000 s report 1 (interval) made",
            "20.000 s report 1 sent to http://192.168.0.9:8080/reports?room=1",
            "20.000 s report 1 delivered to http://192.168.0.9:8080/reports?room=1: HTTP 200",
        ]
    );
    assert_eq!((bench.awaiting.len(), &bench.peer.wire.closed[..]), (0, &[ConnId(1)][..]));
    bench.run_until_ms(40_000);
    assert_eq!(bench.peer.wire.connected_to.len(), 2);
}

#[test]
fn any_2xx_is_success_however_the_answer_comes_in() {
    for (answer, piece) in [
        (&b"HTTP/1.1 204 No Content\r\n\r\n"[..], usize::MAX),
        (b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 1),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\ncontent-length: 4\r\n\r\ndone", 7),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", usize::MAX),
        (b"HTTP/1.0 200 OK\r\n\r\n", 3),
    ] {
        let server = Server { piece, then_closes: true, ..Server::answering(answer) };
        let transcript = bench_20_s(ONE_URL, server).transcript();
        assert!(transcript.len() == 3 && transcript[2].contains("delivered"), "{transcript:?}");
    }
}

/// How report 1 fared, without time and name.
fn fate<P: Peer>(peer: P, until_ms: u64) -> String {
    let mut bench = bench_20_s(ONE_URL, peer);
    bench.run_until_ms(until_ms);
    assert!(bench.awaiting.is_empty(), "nothing is awaited any more");
    let transcript = bench.transcript();
    let lines: Vec<&String> = transcript.iter().filter(|line| line.contains("report 1 dropped")).collect();
    assert_eq!(lines.len(), 1, "dropped once: {transcript:?}");
    lines[0].replace("report 1 dropped for http://192.168.0.9:8080/reports?room=1: ", "")
}

#[test]
fn a_report_without_success_is_dropped_and_says_why() {
    let check = |answer: &'static [u8], then_closes, words: &str| {
        assert_eq!(fate(Server { then_closes, ..Server::answering(answer) }, 20_000), format!("20.000 s {words}"));
    };
    let error = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n";
    check(error, false, "answered with HTTP 500, success is 2xx");
    let redirect = b"HTTP/1.1 302 Found\r\nlocation: http://elsewhere/\r\ncontent-length: 0\r\n\r\n";
    check(redirect, false, "answered with HTTP 302, success is 2xx");
    check(b"HTTP/1.1 200 O", true, "closed by the other side");
    assert_eq!(fate(NobodyThere, 20_000), "20.000 s failed to connect: connection refused");
    let garbage = fate(Server::answering(b"\x16\x03\x01 nonsense\r\n\r\n"), 20_000);
    assert!(garbage.contains("protocol violated"), "{garbage}");
}

#[test]
fn a_silent_recipient_is_given_up_after_ten_seconds_of_device_time() {
    assert_eq!(fate(Server::answering(b""), 30_000), "30.000 s no answer within 10 s");
    assert_eq!(fate(BlackHole, 30_000), "30.000 s no answer within 10 s");
}

#[test]
fn an_outstanding_answer_is_awaited() {
    let bench = bench_20_s(ONE_URL, Server::answering(b"HTTP/1.1 200 OK\r\n"));
    assert_eq!(bench.awaiting, [ConnId(1)]);
    let bench = bench_20_s(ONE_URL, BlackHole);
    assert_eq!(bench.awaiting, [ConnId(1)]);
}

#[test]
fn an_endless_answer_is_cut_off() {
    let mut bench = bench_20_s(ONE_URL, Server::answering(b"HTTP/1.1 200 OK\r\nx: "));
    for _ in 0..80 {
        bench.hears(NetEvent::Received { conn: ConnId(1), bytes: vec![b'x'; 1024] });
    }
    assert!(bench.awaiting.is_empty());
    assert_eq!(bench.peer.wire.closed, [ConnId(1)]);
}

#[test]
fn each_report_goes_to_every_enabled_address() {
    let urls = r#"(url: "http://a/x"), (enable: false, url: "http://b/x"), (url: "http://c:81")"#;
    let bench = bench_20_s(urls, Server::answering(OK));
    assert_eq!(bench.firmware.tally(), firmware::Tally { offered: 2, delivered: 2, dropped: 0 });
    let hosts: Vec<_> = bench.peer.wire.connected_to.values().map(|(host, port)| format!("{host}:{port}")).collect();
    assert_eq!(hosts, ["a:80", "c:81"]);
    for request in bench.peer.wire.received.values() {
        assert!(request.ends_with(bench.documents()[0].as_bytes()));
    }
}

#[test]
fn reports_for_a_slow_recipient_wait_their_turn() {
    let mut configuration = settings(ONE_URL);
    let five = firmware::configuration::IntervalSeconds::try_from(5).expect("5 to 86400 s");
    configuration.region_people_counting.report_regularly =
        firmware::configuration::ReportRegularly::FromNowOn { interval_s: five };
    let mut bench = Bench::new(configuration, Server::answering(b""));
    bench.run_until_ms(10_000);
    bench.peer.answer = OK;
    assert_eq!(bench.awaiting, [ConnId(1)]);
    bench.hears(NetEvent::Received { conn: ConnId(1), bytes: OK.to_vec() });
    let delivered: Vec<String> = bench.transcript().into_iter().filter(|line| line.contains("delivered")).collect();
    assert!(delivered[0].starts_with("10.000 s report 1 ") && delivered[1].starts_with("10.000 s report 2 "));
}

#[test]
fn bytes_on_a_connection_that_was_given_up_are_nobodys() {
    let mut bench = bench_20_s(ONE_URL, Server::answering(OK));
    let before = bench.said.len();
    bench.hears(NetEvent::Received { conn: ConnId(1), bytes: b"late".to_vec() });
    bench.hears(NetEvent::Closed { conn: ConnId(1), reason: None });
    bench.hears(NetEvent::Connected { conn: ConnId(99) });
    assert_eq!(bench.said.len(), before);
}
