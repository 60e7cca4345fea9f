//! The time server (guide §5.4.3): asks it by SNTP (RFC 5905, section 14) and says how far off the clock is.
//!
//! Sans-IO like everything in the core: a request goes out as one datagram, and what comes back is heard. Knows nothing of what else the clock is for.

use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::time::Duration;

use firmware_shim::{ConnId, NetEvent, RtcTime, Uptime};
use rand::RngExt;
use sntpc::{NtpContext, NtpTimestampGenerator, NtpUdpSocket, SendRequestResult};

use crate::calendar::{CLOCK_YEARS, year};
use crate::configuration::{ClockSource, Host};
use crate::delivery::{ANSWER_MAX, Outbox};
use crate::diagnostic::{Diagnostic, Failure};
use crate::storage::at_once;

/// The port of time servers.
const PORT: u16 = 123;
/// Until the next attempt after the first that failed; each time twice as long, up to an hour. Servers ask for at least 15 s (RFC 4330,
/// section 10); the rest is a decision.
const RETRY_FIRST: Duration = Duration::from_secs(16);
const RETRY_MAX: Duration = Duration::from_secs(3600);

/// Keeps the clock by a time server.
#[derive(Default)]
pub(crate) struct NtpClient {
    server: Option<Server>,
    failures: u32,
    state: State,
}

#[derive(Clone, PartialEq, Eq)]
struct Server {
    host: Host,
    every: Option<Duration>,
}

#[derive(Default)]
enum State {
    /// Nothing more is to be asked.
    #[default]
    Done,
    Waiting {
        until: Uptime,
    },
    Asked {
        conn: ConnId,
        request: SendRequestResult,
        stamp: Stamp,
        /// When, and what the clock read then: it may jump before the answer comes.
        at: Uptime,
        read: RtcTime,
        deadline: Uptime,
    },
}

impl NtpClient {
    /// Asks the server that is set, if it is another than before, at once.
    pub fn configure(&mut self, source: &ClockSource, now: Uptime, outbox: &mut Outbox) {
        let server = match source {
            ClockSource::Manual => None,
            ClockSource::Ntp { server, sync_every_h } => {
                let every = sync_every_h.map(|hours| Duration::from_secs(3600 * u64::from(u32::from(hours))));
                Some(Server { host: server.clone(), every })
            }
        };
        if server == self.server {
            return;
        }
        if let State::Asked { conn, .. } = self.state {
            outbox.close(conn);
        }
        self.failures = 0;
        self.state = if server.is_some() { State::Waiting { until: now } } else { State::Done };
        self.server = server;
    }

    /// Takes in what the network did; what the clock should read, if that was the server's answer.
    pub fn hear(&mut self, event: &NetEvent, now: Uptime, rtc: RtcTime, outbox: &mut Outbox) -> Option<RtcTime> {
        let State::Asked { conn, request, stamp, at, read, .. } = self.state else { return None };
        if conn != event.conn() {
            return None;
        }
        let failure = match event {
            NetEvent::Received { bytes, .. } => {
                outbox.close(conn);
                let answer = stamp.taken_from(bytes);
                let exchange = Exchange { sent: RefCell::default(), answer: &answer };
                // As a clock reads that goes on from the request.
                let reads = RtcTime(read.0.saturating_add_unsigned(now.0 - at.0));
                match at_once(sntpc::sntp_process_response(SERVER, &exchange, context(reads), request)) {
                    Ok(answer) => match in_reach(reads, answer.offset()) {
                        Some(time) => return Some(self.take(rtc, time, now, outbox)),
                        None => Failure::Protocol { reason: "its time is out of the years 2000 to 2099".to_owned() },
                    },
                    Err(error) => Failure::Protocol { reason: format!("{error:?}") },
                }
            }
            NetEvent::ConnectFailed { reason, .. } => Failure::ConnectFailed { reason: reason.clone() },
            NetEvent::Closed { reason, .. } => Failure::ConnectionLost { reason: reason.clone() },
            NetEvent::Connected { .. } | NetEvent::Accepted { .. } => return None,
        };
        self.fail(failure, now, outbox);
        None
    }

    fn take(&mut self, rtc: RtcTime, time: RtcTime, now: Uptime, outbox: &mut Outbox) -> RtcTime {
        self.failures = 0;
        let every = self.server.as_ref().and_then(|server| server.every);
        self.state = every.map_or(State::Done, |every| State::Waiting { until: now + every });
        let offset_us = time.0.saturating_sub(rtc.0) / 1000;
        outbox.diagnostics.push(Diagnostic::ClockSet { offset_us, server: self.name() });
        time
    }

    fn fail(&mut self, failure: Failure, now: Uptime, outbox: &mut Outbox) {
        let retry_in = RETRY_FIRST.saturating_mul(2u32.saturating_pow(self.failures)).min(RETRY_MAX);
        self.failures += 1;
        self.state = State::Waiting { until: now + retry_in };
        outbox.diagnostics.push(Diagnostic::NoTime { server: self.name(), failure, retry_in });
    }

    /// Does what is due.
    pub fn proceed(&mut self, now: Uptime, rtc: RtcTime, outbox: &mut Outbox) {
        match (&self.state, &self.server) {
            (State::Asked { conn, deadline, .. }, _) if now >= *deadline => {
                outbox.close(*conn);
                self.fail(Failure::NoAnswer { waited: ANSWER_MAX }, now, outbox);
            }
            (State::Waiting { until }, Some(server)) if now >= *until => {
                let exchange = Exchange { sent: RefCell::default(), answer: &[] };
                let Ok(request) = at_once(sntpc::sntp_send_request(SERVER, &exchange, context(rtc))) else {
                    unreachable!("memory takes everything");
                };
                let mut request_bytes = exchange.sent.take();
                let stamp = Stamp::put_on(&mut request_bytes, outbox.rng.random());
                let conn = outbox.ask(server.host.as_str(), PORT, request_bytes);
                self.state = State::Asked { conn, request, stamp, at: now, read: rtc, deadline: now + ANSWER_MAX };
            }
            _ => {}
        }
    }

    fn name(&self) -> String {
        self.server.as_ref().map_or_else(String::new, |server| server.host.as_str().to_owned())
    }

    pub fn awaiting(&self) -> Option<ConnId> {
        if let State::Asked { conn, .. } = self.state { Some(conn) } else { None }
    }

    pub fn next_wake(&self) -> Option<Uptime> {
        match self.state {
            State::Done => None,
            State::Waiting { until } => Some(until),
            State::Asked { deadline, .. } => Some(deadline),
        }
    }
}

/// What stands in a request instead of the clock's time: a random number, which the answer has to repeat. The time could be guessed, and with it an answer be forged
/// by somebody who never saw the request (RFC 9109 says the same of ports, and draft-ietf-ntp-data-minimization of this field). The protocol's library reckons with the time, and
/// finds it in what it is given.
#[derive(Clone, Copy)]
struct Stamp {
    /// The time of the request, as the library wrote it.
    time: [u8; 8],
    random: [u8; 8],
}

/// The transmit timestamp of a packet (RFC 5905, section 7.3), and the origin timestamp, which repeats it.
const TRANSMIT: Range<usize> = 40..48;
const ORIGIN: Range<usize> = 24..32;

impl Stamp {
    fn put_on(request: &mut [u8], random: [u8; 8]) -> Self {
        let mut time = [0; 8];
        time.copy_from_slice(&request[TRANSMIT]);
        request[TRANSMIT].copy_from_slice(&random);
        Stamp { time, random }
    }

    /// The answer as the library expects it; one without the stamp is none to it, whatever it says.
    fn taken_from(self, answer: &[u8]) -> Vec<u8> {
        let mut answer = answer.to_vec();
        if let Some(origin) = answer.get_mut(ORIGIN) {
            let time = if *origin == self.random { self.time } else { self.time.map(|byte| !byte) };
            origin.copy_from_slice(&time);
        }
        answer
    }
}

/// What a clock should read that reads `rtc` and is off by so much. NTP's eras of 2³² s look alike: it is the one that a clock can be set to, if any.
fn in_reach(rtc: RtcTime, offset_us: i64) -> Option<RtcTime> {
    const ERA_NS: i64 = (1 << 32) * 1_000_000_000;
    let time = rtc.0.saturating_add(offset_us.saturating_mul(1000));
    let eras = [0, -ERA_NS, ERA_NS].map(|era| RtcTime(time.saturating_add(era)));
    eras.into_iter().find(|time| CLOCK_YEARS.contains(&year(*time)))
}

/// Stands for the server where the protocol compares addresses: the network sees to it that only the server's answers come.
const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), PORT);

/// What goes out and what came in, as the protocol's socket.
struct Exchange<'a> {
    sent: RefCell<Vec<u8>>,
    answer: &'a [u8],
}

impl NtpUdpSocket for Exchange<'_> {
    async fn send_to(&self, bytes: &[u8], _: SocketAddr) -> sntpc::Result<usize> {
        *self.sent.borrow_mut() = bytes.to_vec();
        Ok(bytes.len())
    }

    async fn recv_from(&self, buffer: &mut [u8]) -> sntpc::Result<(usize, SocketAddr)> {
        let length = self.answer.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.answer[..length]);
        Ok((length, SERVER))
    }
}

/// The clock, as the protocol reads it.
#[derive(Clone, Copy)]
struct Reading(RtcTime);

fn context(rtc: RtcTime) -> NtpContext<Reading> {
    NtpContext::new(Reading(rtc))
}

impl NtpTimestampGenerator for Reading {
    fn init(&mut self) {}

    fn timestamp_sec(&self) -> u64 {
        // A clock before 1970 is one that was never set.
        u64::try_from(self.0.0.div_euclid(1_000_000_000)).unwrap_or(0)
    }

    fn timestamp_subsec_micros(&self) -> u32 {
        (self.0.0.rem_euclid(1_000_000_000) / 1000) as u32
    }
}
