//! Reports by HTTP POST, at the level of bytes.

use firmware::{Answer, Command, CommandError, Configuration, Connection, ConnectionState, Failure, Function, Query};
use firmware_shim::{ConnId, NetAction, NetEvent, RtcTime};

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
fn a_connection_test_sends_its_message_at_once_to_any_address_that_is_set() {
    let test = |url| Command::TestConnection { function: Function::RegionPeopleCounting, url };
    let urls = r#"(url: "http://a/"), (enable: false, url: "http://b/x")"#;
    let mut bench = Bench::new(settings(urls), Server::answering(OK));
    bench.run_until_ms(1_000);
    bench.command(test(2));
    let request = String::from_utf8(bench.peer.wire.received[&ConnId(1)].clone()).expect("text");
    insta::assert_snapshot!(request.split_once("\r\n\r\n").expect("a head and a body").1);
    assert_eq!(bench.transcript(), ["1.000 s test message delivered to http://b/x: HTTP 200"]);
    assert_eq!(bench.firmware.tally(), Default::default(), "it is no report");
    let refused = bench.firmware.command(bench.now, RtcTime(0), test(3));
    assert_eq!(refused, Err(CommandError::NoSuchUrl { url: 3 }));
    let of_a_broker = r#"(region_people_counting: (protocol: Mqtt(host: "h", client_id: "c", topic: "t")))"#;
    let of_a_broker: Configuration = ron_file::RonFile::embedded("settings", of_a_broker).parse().expect("no mistakes");
    bench.configure(of_a_broker);
    let refused = bench.firmware.command(bench.now, RtcTime(0), test(1)).expect_err("the guide has none");
    assert!(refused.to_string().contains("reports by MQTT"), "{refused}");

    let mut bench = Bench::new(settings(urls), BlackHole);
    bench.run_until_ms(1_000);
    bench.command(test(1));
    bench.run_until_ms(12_000);
    assert_eq!(bench.transcript(), ["11.000 s test message not delivered to http://a/: no answer within 10 s"]);
}

#[test]
fn the_status_tells_whether_a_server_took_what_was_sent_last() {
    let state = |bench: &Bench<Server>| match bench.firmware.ask(Query::Connections(Function::RegionPeopleCounting)) {
        Ok(Answer::Connections(connections)) => connections,
        other => panic!("{other:?}"),
    };
    let connection =
        |state| vec![Some(Connection { recipient: "http://192.168.0.9:8080/reports?room=1".into(), state })];
    let mut bench = Bench::new(settings(ONE_URL), Server::answering(OK));
    assert_eq!(state(&bench), connection(ConnectionState::Untried));
    bench.run_until_ms(20_000);
    assert_eq!(state(&bench), connection(ConnectionState::Up));
    bench.peer.answer = b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n";
    bench.run_until_ms(40_000);
    assert_eq!(state(&bench), connection(ConnectionState::Down { failure: Failure::HttpStatus(503) }));
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
    assert_eq!(bench.firmware.tally(), firmware::Tally { offered: 2, delivered: 2, ..Default::default() });
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

/// Asks who is there, and takes in what has the right first word in its answer. Nonces are good for two requests.
struct Asking {
    wire: Listening,
    challenge: &'static str,
    answers_begin: &'static str,
    /// The request lines and `Authorization` of all requests.
    heard: Vec<Option<String>>,
    taken: usize,
    nonce: usize,
    /// So many answers come too late: others have used up the nonce.
    too_late: usize,
}

impl Asking {
    fn new(challenge: &'static str, answers_begin: &'static str) -> Self {
        Asking { wire: Listening::default(), challenge, answers_begin, heard: vec![], taken: 0, nonce: 0, too_late: 0 }
    }
}

impl Peer for Asking {
    fn carry_out(&mut self, actions: &[NetAction]) -> Vec<NetEvent> {
        let (mut events, sent) = self.wire.take(actions);
        for (conn, bytes) in sent {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let header = text.lines().find_map(|line| line.strip_prefix("authorization: ")).map(str::to_owned);
            let is_current = |answer: &String| {
                answer.starts_with(self.answers_begin)
                    && (self.answers_begin != "Digest" || answer.contains(&format!("nonce=\"n{}\"", self.nonce)))
            };
            let is_right = header.as_ref().is_some_and(is_current);
            let is_let_in = is_right && self.too_late == 0;
            if is_right && !is_let_in {
                self.too_late -= 1;
                self.nonce += 1;
            }
            self.heard.push(header);
            let answer = if is_let_in {
                self.taken += 1;
                if self.taken.is_multiple_of(2) {
                    self.nonce += 1;
                }
                String::from_utf8_lossy(OK).into_owned()
            } else {
                let challenge = self.challenge.replace("NONCE", &format!("n{}", self.nonce));
                let challenge = challenge.replace("STALE", &is_right.to_string());
                format!("HTTP/1.1 401 Unauthorized\r\n{challenge}content-length: 0\r\n\r\n")
            };
            events.push(NetEvent::Received { conn, bytes: answer.into_bytes() });
        }
        events
    }
}

const WITH_NAME: &str = r#"(url: "http://192.168.0.9/", user_name: "sensor", password: "s3cret")"#;

#[test]
fn a_server_that_asks_for_basic_is_answered_and_not_asked_again() {
    let server = Asking::new("WWW-Authenticate: Basic realm=\"reports\"\r\n", "Basic");
    let mut bench = Bench::new(settings(WITH_NAME), server);
    bench.run_until_ms(60_000);
    let answer = Some("Basic c2Vuc29yOnMzY3JldA==".to_owned());
    assert_eq!(bench.peer.heard, [None, answer.clone(), answer.clone(), answer]);
    assert_eq!(bench.firmware.tally().delivered, 3);
}

#[test]
fn digest_is_preferred_counts_its_requests_and_takes_a_new_nonce() {
    let challenge = "WWW-Authenticate: Basic realm=\"r\"\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"NONCE\", qop=\"auth\"\r\n";
    let mut bench = Bench::new(settings(WITH_NAME), Asking::new(challenge, "Digest"));
    bench.run_until_ms(80_000);
    let parts = |answer: &Option<String>| {
        let answer = answer.as_ref()?;
        let part =
            |name: &str| answer.split(&[' ', ','][..]).find_map(|part| part.strip_prefix(name)).map(str::to_owned);
        Some((part("nonce=")?, part("nc=")?))
    };
    let told = |nonce: &str, count: &str| Some((format!("\"{nonce}\""), count.to_owned()));
    assert_eq!(
        bench.peer.heard.iter().map(parts).collect::<Vec<_>>(),
        [
            None,
            told("n0", "00000001"),
            told("n0", "00000002"),
            // The server has another nonce by now, and says so.
            told("n0", "00000003"),
            told("n1", "00000001"),
            told("n1", "00000002"),
        ]
    );
    assert_eq!(bench.firmware.tally().delivered, 4);
    let cnonces: std::collections::BTreeSet<_> = bench
        .peer
        .heard
        .iter()
        .flatten()
        .map(|answer| answer.split("cnonce=").nth(1).map(|rest| &rest[..34]))
        .collect();
    assert_eq!(cnonces.len(), 5, "each is new");
}

#[test]
fn whoever_is_told_to_have_been_too_late_answers_again_but_not_for_ever() {
    let challenge = "WWW-Authenticate: Digest realm=\"r\", nonce=\"NONCE\", qop=\"auth\", stale=STALE\r\n";
    for (too_late, requests, delivered) in [(1, 3, 1), (3, 5, 1), (4, 5, 0)] {
        let server = Asking { too_late, ..Asking::new(challenge, "Digest") };
        let mut bench = Bench::new(settings(WITH_NAME), server);
        bench.run_until_ms(20_000);
        assert_eq!((bench.peer.heard.len(), bench.firmware.tally().delivered), (requests, delivered), "{too_late}");
    }
}

#[test]
fn whoever_is_not_let_in_asks_no_third_time() {
    // The wrong word, no name to give, or a question that is none.
    let basic = "WWW-Authenticate: Basic realm=\"r\"\r\n";
    for (settings_of, challenge, requests) in
        [(WITH_NAME, basic, 2), (ONE_URL, basic, 1), (WITH_NAME, "", 1), (WITH_NAME, "WWW-Authenticate: Bearer\r\n", 1)]
    {
        let mut bench = Bench::new(settings(settings_of), Asking::new(challenge, "never"));
        bench.run_until_ms(20_000);
        let tally = bench.firmware.tally();
        assert_eq!((bench.peer.heard.len(), tally.delivered, tally.dropped), (requests, 0, 1), "{challenge}");
    }
}

#[test]
fn names_and_passwords_that_cannot_be_are_refused() {
    let problems = |entry: &str| {
        let problems = settings(&format!(r#"(url: "http://a/", {entry})"#)).validate();
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    let path = "region_people_counting.protocol.urls[0]";
    assert_eq!(problems(r#"password: "x""#), format!("{path}.password: needs a user_name beside it"));
    assert_eq!(problems(r#"user_name: "a:b""#), format!("{path}.user_name: must hold no `:` (RFC 7617 §2)"));
    let bytes = "must be 1 to 256 bytes long and hold no control characters";
    assert_eq!(problems(r#"user_name: "a\nb""#), format!("{path}.user_name: {bytes}"));
    assert_eq!(problems(r#"user_name: "a", password: """#), format!("{path}.password: {bytes}"));
}
