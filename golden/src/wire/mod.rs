//! Real receivers on loopback for everything a device sends: an axum server or an embedded rumqttd broker, each behind a
//! relay that knows what the device sent. [`Wire::settle`] is the barrier by which virtual time waits for the wire.
//!
//! Knows nothing of what the reports say, of virtual time, or of the device beyond its bytes.

// This is the one part of the crate that lives in real time and has sockets: everything arrives over real loopback
// connections, and their receivers answer when they answer.
#![allow(clippy::disallowed_methods)]

mod admission;
mod broker;
mod client;
mod error;
mod handshakes;
mod http_receiver;
mod http_stream;
mod mqtt_stream;
mod relay;
mod secure;
mod sessions;
mod tally;
mod time_server;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rumqttd::Notification;
use rumqttd::local::LinkRx;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use tokio::net::{TcpListener, UdpSocket};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::delivery::Delivery;
pub use admission::Admits;
use broker::Lease;
pub use client::Client;
pub use error::WireError;
use relay::Relay;
pub use secure::{AUTHORITY, Tls};
use sessions::Sessions;
use tally::Tally;
use time_server::Calendar;

/// A directive for the log filter of the program: rumqttd reports every connection that ends, and much else, through
/// `tracing`. Without a subscriber it is silent; with one, this keeps it so.
pub const LOG_FILTER: &str = "rumqttd=off";

/// How long the wire may take to come to rest, in real time. It takes about a millisecond; this long means that something
/// is missing.
const SETTLE_WITHIN: Duration = Duration::from_secs(30);
/// How long receivers may take to finish when a wire ends, in real time.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// Someone a device reports to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// What is spoken there.
    pub kind: RecipientKind,
    /// Host and port as the device is configured with them, such as `192.168.0.9:80`.
    pub address: String,
    /// Where to listen on this machine, for a device outside this process; without it, a free port of loopback.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read_listen")]
    pub listen: Option<SocketAddr>,
    /// Whom an HTTP receiver lets in; everybody without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admits: Option<Admits>,
    /// HTTPS or MQTTS: how the two prove who they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
}

impl Recipient {
    /// What is wrong with it, in words of what would be right, and the field.
    pub fn problem(&self) -> Option<(&'static str, String)> {
        if let Err(error) = host_and_port(&self.address) {
            return Some(("address", error.to_string()));
        }
        if self.kind != RecipientKind::Http && self.admits.is_some() {
            return Some(("admits", "is for HTTP; others let everybody in".to_owned()));
        }
        let tls = self.tls.as_ref()?;
        if self.kind == RecipientKind::Ntp {
            return Some(("tls", "is not for time servers".to_owned()));
        }
        tls.problem().map(|words| ("tls.until", words))
    }
}

fn read_listen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    let address = |text: String| {
        let words = || format!("must be an address of this machine and a port, such as `127.0.0.1:8080`, not `{text}`");
        text.parse().map_err(|_| D::Error::custom(words()))
    };
    text.map(address).transpose()
}

/// What is spoken at a recipient's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecipientKind {
    /// HTTP/1.1; every request that is let in is answered with 200.
    Http,
    /// SNTP over UDP: the time it is told by [`Wire::set_calendar`].
    Ntp,
    /// MQTT 3.1.1; any client, user name and password are let in.
    Mqtt,
}

/// Receivers for one run. Its methods block their thread, so it is not for use within an async runtime.
///
/// Dropping it closes every port it listens on.
pub struct Wire {
    runtime: Runtime,
    tally: Arc<Tally>,
    addresses: BTreeMap<(String, u16), SocketAddr>,
    /// Set true to end.
    closing: watch::Sender<bool>,
    relays: Vec<JoinHandle<()>>,
    calendar: Arc<Calendar>,
    brokers: Vec<(Lease, Arc<Sessions>)>,
}

impl Wire {
    /// Starts a receiver for each recipient.
    pub fn start(recipients: &[Recipient]) -> Result<Wire, WireError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("wire")
            .enable_all()
            .build()
            .map_err(WireError::Threads)?;
        let tally = Arc::new(Tally::new(
            recipients.iter().map(|recipient| (recipient.address.clone(), recipient.tls.is_some())),
        ));
        let mut wire = Wire {
            runtime,
            tally,
            addresses: BTreeMap::new(),
            closing: watch::Sender::new(false),
            relays: Vec::new(),
            calendar: Arc::default(),
            brokers: Vec::new(),
        };
        for (index, recipient) in recipients.iter().enumerate() {
            wire.lay_to(index, recipient)?;
        }
        Ok(wire)
    }

    fn lay_to(&mut self, index: usize, recipient: &Recipient) -> Result<(), WireError> {
        let address = host_and_port(&recipient.address)?;
        if self.addresses.contains_key(&address) {
            return Err(WireError::AddressTwice { address: recipient.address.clone() });
        }
        let failed = |reason: String| WireError::Receiver { recipient: recipient.address.clone(), reason };
        let (receiver, sessions) = match recipient.kind {
            RecipientKind::Http => {
                let started = self.runtime.block_on(http_receiver::start(
                    index,
                    recipient.admits.clone(),
                    Arc::clone(&self.tally),
                ));
                (started.map_err(|error| failed(error.to_string()))?, None)
            }
            RecipientKind::Mqtt => {
                let (lease, messages) = Lease::take().map_err(failed)?;
                self.runtime.spawn(capture(messages, index, Arc::clone(&self.tally)));
                let (receiver, sessions) = (lease.address(), Arc::new(Sessions::default()));
                self.brokers.push((lease, Arc::clone(&sessions)));
                (receiver, Some(sessions))
            }
            RecipientKind::Ntp => {
                let socket = self.runtime.block_on(listen(recipient, UdpSocket::bind))?;
                let listening = socket.local_addr().map_err(|error| failed(error.to_string()))?;
                let serving = time_server::serve(socket, Arc::clone(&self.calendar), self.closing.subscribe());
                self.relays.push(self.runtime.spawn(serving));
                self.addresses.insert(address, reachable(listening));
                return Ok(());
            }
        };
        let listener = self.runtime.block_on(listen(recipient, TcpListener::bind))?;
        let listening = listener.local_addr().map_err(|error| failed(error.to_string()))?;
        let tls = recipient.tls.as_ref().map(|tls| tls.acceptor(&address.0)).transpose().map_err(failed)?;
        let (tally, closing) = (Arc::clone(&self.tally), self.closing.subscribe());
        let relay = Arc::new(Relay { recipient: index, tally, receiver, sessions, tls, closing });
        self.relays.push(self.runtime.spawn(relay.serve(listener)));
        self.addresses.insert(address, reachable(listening));
        Ok(())
    }

    /// What time servers tell from now on: nanoseconds since 1970-01-01T00:00:00Z.
    pub fn set_calendar(&self, unix_ns: i64) {
        self.calendar.set(unix_ns);
    }

    /// Where on this machine each recipient is that the device knows by host and port.
    pub fn address_map(&self) -> BTreeMap<(String, u16), SocketAddr> {
        self.addresses.clone()
    }

    /// Blocks until `bytes_sent` bytes in all have come from the device since the wire was started, every complete HTTP
    /// request among them has been received and every complete PUBLISH has come out of the broker (one with QoS 2 once its
    /// PUBREL is among them). An error after 30 s of real time says what is missing.
    pub fn settle(&self, bytes_sent: u64) -> Result<(), WireError> {
        self.settle_within(bytes_sent, SETTLE_WITHIN)
    }

    /// [`settle`](Wire::settle) with another limit, in real time.
    pub fn settle_within(&self, bytes_sent: u64, limit: Duration) -> Result<(), WireError> {
        self.tally.settle(bytes_sent, limit)
    }

    /// Takes out what was delivered since the last time: recipient after recipient in the order they were given, for each in
    /// the order in which the device sent it; what it sent on several connections without [`settle`](Wire::settle) in between, in the order of the
    /// connections.
    pub fn drain(&self) -> Vec<Delivery> {
        self.tally.drain()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.closing.send_replace(true);
        let relays = std::mem::take(&mut self.relays);
        let ending = async {
            for relay in relays {
                let _ = relay.await;
            }
        };
        let ended = self.runtime.block_on(async { timeout(CLOSE_WITHIN, ending).await.is_ok() });
        for (lease, sessions) in self.brokers.drain(..) {
            if ended { lease.give_back(&sessions.traces()) } else { lease.retire() }
        }
    }
}

/// Host and port of a recipient's address: an IPv6 address without its brackets, a name in lower case, for names are the same however they are
/// capitalised.
///
/// # Errors
/// It has no host or no port, or port 0, at which nobody can listen.
pub fn host_and_port(address: &str) -> Result<(String, u16), WireError> {
    let parts = address.rsplit_once(':').and_then(|(host, port)| {
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let port = port.parse().ok().filter(|port| *port != 0)?;
        (!host.is_empty() && !host.contains('/')).then(|| (host.to_ascii_lowercase(), port))
    });
    parts.ok_or_else(|| WireError::Address { address: address.to_owned() })
}

/// Where a program on this machine finds what listens at an address.
fn reachable(mut listening: SocketAddr) -> SocketAddr {
    if listening.ip().is_unspecified() {
        listening.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    listening
}

async fn listen<Socket>(
    recipient: &Recipient,
    bind: impl AsyncFnOnce(SocketAddr) -> io::Result<Socket>,
) -> Result<Socket, WireError> {
    let listen = recipient.listen.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    bind(listen).await.map_err(|source| {
        let recipient = recipient.address.clone();
        match source.kind() {
            io::ErrorKind::AddrInUse => WireError::PortBusy { recipient, listen },
            _ => WireError::Listen { recipient, listen, source },
        }
    })
}

/// Books every message that comes out of a broker, until it ends the capture's session.
async fn capture(mut messages: LinkRx, recipient: usize, tally: Arc<Tally>) {
    while let Ok(notification) = messages.next().await {
        match notification {
            Some(Notification::Forward(forward)) => {
                tally.captured_message(recipient, &forward.publish.topic, &forward.publish.payload);
            }
            // The router has filled the link and waits to be told that there is room again.
            Some(Notification::Unschedule) => drop(messages.wake().await),
            _ => {}
        }
    }
}
