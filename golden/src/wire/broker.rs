//! The embedded MQTT brokers, one for each MQTT recipient of a wire, so that no wire sees another's messages.
//!
//! A rumqttd router has no way to stop: its thread outlives everything. So brokers belong to the process and are lent: a wire
//! that ends gives its broker back, swept of what its devices left, and the next wire takes it. A process therefore has as
//! many as it ever used at the same time.
//!
//! Knows nothing of what the messages mean.

use std::collections::BTreeSet;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::Poll;

use bytes::Bytes;
use rumqttd::local::{LinkBuilder, LinkError, LinkRx, LinkTx};
use rumqttd::protocol::v4::V4;
use rumqttd::protocol::{Disconnect, DisconnectReasonCode, Packet};
use rumqttd::{ConnectionSettings, LinkType, Router, RouterConfig, Server, ServerSettings};
use tokio::runtime::{Builder, Runtime};
use tokio::task::AbortHandle;

use super::mqtt_stream::PACKET_BYTES_MAX;

/// The capture's own client id. A device's would have to be this to the letter to disturb it.
const CAPTURE: &str = "golden capture";

/// What devices left behind in a broker: it must not show in the next wire.
#[derive(Clone, Default)]
pub(super) struct Traces {
    /// Client ids of sessions that outlive their connections.
    pub persistent: BTreeSet<String>,
    /// Topics with a retained message.
    pub retained: BTreeSet<String>,
    /// Whether any session had a will, which may be published after everything else is over.
    pub will: bool,
}

/// A broker lent to one recipient.
pub(super) struct Lease {
    broker: Broker,
    capture: LinkTx,
}

struct Broker {
    address: SocketAddr,
    link: Link,
    accepting: AbortHandle,
}

/// Connects a clean session within the process. (A closure, as the type of the router's channel has no public name.)
type Link = Box<dyn Fn(&str) -> Result<(LinkTx, LinkRx), Box<LinkError>> + Send>;

static IDLE: Mutex<Vec<Broker>> = Mutex::new(Vec::new());

/// The threads on which brokers talk to their clients.
fn threads() -> Result<&'static Runtime, String> {
    static THREADS: OnceLock<Result<Runtime, io::Error>> = OnceLock::new();
    THREADS
        .get_or_init(|| Builder::new_multi_thread().worker_threads(1).thread_name("mqtt-broker").enable_all().build())
        .as_ref()
        .map_err(|error| format!("failed to start the broker's thread: {error}"))
}

impl Lease {
    /// Takes an idle broker or starts one. The link gives every message published to it from now on.
    pub fn take() -> Result<(Lease, LinkRx), String> {
        let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        // One whose router died of a message (a bug in it) is good for nothing, but a fresh one is.
        if let Some(lent) = idle.and_then(|broker| Lease::of(broker).ok()) {
            return Ok(lent);
        }
        Lease::of(start()?).map_err(|error| format!("the broker does not take the capture's session: {error}"))
    }

    fn of(broker: Broker) -> Result<(Lease, LinkRx), Box<LinkError>> {
        let (mut capture, messages) = (broker.link)(CAPTURE)?;
        // The router takes events in order, so this holds before any device's CONNECT.
        capture.subscribe("#")?;
        Ok((Lease { broker, capture }, messages))
    }

    /// Where the broker listens.
    pub fn address(&self) -> SocketAddr {
        self.broker.address
    }

    /// Gives the broker back once no relay is connected to it any more, swept of `traces`.
    pub fn give_back(mut self, traces: &Traces) {
        match self.sweep(traces) {
            Ok(()) if !traces.will => IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(self.broker),
            _ => self.retire(),
        }
    }

    /// Takes the broker out of use: nothing connects to it any more, and its router's thread stays idle.
    pub fn retire(self) {
        self.broker.accepting.abort();
    }

    fn sweep(&mut self, traces: &Traces) -> Result<(), Box<LinkError>> {
        for topic in &traces.retained {
            // MQTT 3.1.1 §3.3.1.3: an empty message takes the retained one away.
            self.capture.publish(topic.clone(), Bytes::new())?;
        }
        for client_id in &traces.persistent {
            // MQTT 3.1.1 §3.1.2.4: a clean session takes the saved one away.
            let (mut link, _) = (self.broker.link)(client_id)?;
            disconnect(&mut link)?;
        }
        disconnect(&mut self.capture)
    }
}

/// Ends a link within the process. Merely dropped, it would stay connected, and what it subscribed to would pile up.
fn disconnect(link: &mut LinkTx) -> Result<(), Box<LinkError>> {
    let packet = Packet::Disconnect(Disconnect { reason_code: DisconnectReasonCode::NormalDisconnection }, None);
    link.buffer().push_back(packet);
    // `LinkTx::send` is an async function that never waits; a publication wakes the router just as well, and comes after.
    link.publish("", Bytes::new())?;
    Ok(())
}

fn start() -> Result<Broker, String> {
    const ATTEMPTS: u32 = 16;
    let mut failure = String::new();
    for _ in 0..ATTEMPTS {
        match free_port().map_err(|error| error.to_string()).and_then(start_on) {
            Ok(broker) => return Ok(broker),
            Err(error) => failure = error,
        }
    }
    Err(format!("no broker started in {ATTEMPTS} attempts; the last one: {failure}"))
}

/// A port that is free now. Another process may take it before the broker does; then the next one is tried.
fn free_port() -> io::Result<SocketAddr> {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

fn start_on(address: SocketAddr) -> Result<Broker, String> {
    let router_tx = Router::new(0, router_config()).spawn();
    let mut server = Server::new(server_settings(address), router_tx.clone(), V4);
    let accepting = threads()?.block_on(async {
        let mut serving = Box::pin(async move { server.start(LinkType::Remote).await });
        // The first poll binds the port and then waits for a client, or gives the reason why it can't. So it is this broker
        // that answers there, not some other process.
        match std::future::poll_fn(|context| Poll::Ready(serving.as_mut().poll(context))).await {
            Poll::Pending => Ok(tokio::spawn(serving).abort_handle()),
            Poll::Ready(Ok(())) => Err("the broker ended at once".to_owned()),
            Poll::Ready(Err(error)) => Err(format!("failed to listen on {address}: {error}")),
        }
    })?;
    let link: Link = Box::new(move |client_id| {
        let link = LinkBuilder::new(client_id, router_tx.clone()).clean_session(true).build();
        link.map(|(link_tx, link_rx, _)| (link_tx, link_rx)).map_err(Box::new)
    });
    Ok(Broker { address, link, accepting })
}

fn router_config() -> RouterConfig {
    RouterConfig {
        // Of one recipient: the capture, and the device's few.
        max_connections: 64,
        max_outgoing_packet_count: 200,
        // The log drops its oldest segment when there are too many, read or not. A wire is brought to rest long before the
        // capture could be 48 MiB behind.
        max_segment_size: 16 << 20,
        max_segment_count: 3,
        ..RouterConfig::default()
    }
}

fn server_settings(address: SocketAddr) -> ServerSettings {
    ServerSettings {
        name: "golden".to_owned(),
        listen: address,
        tls: None,
        next_connection_delay_ms: 0,
        connections: ConnectionSettings {
            // In real time, from the relay's connecting to its CONNECT, which it has in hand by then.
            connection_timeout_ms: u16::MAX,
            max_payload_size: PACKET_BYTES_MAX,
            max_inflight_count: 200,
            auth: None,
            external_auth: None,
            dynamic_filters: false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_another_process_took_is_noticed() {
        let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = taken.local_addr().unwrap();
        let error = start_on(address).err().expect("the port is taken");
        assert!(error.contains(&format!("failed to listen on {address}")), "{error}");
    }

    #[test]
    fn a_broker_given_back_is_lent_again_unless_a_will_may_still_come() {
        let first = Lease::take().unwrap().0;
        let (address, second) = (first.address(), Lease::take().unwrap().0);
        assert_ne!(second.address(), address, "a broker lent is nobody else's");
        first.give_back(&Traces { persistent: ["sensor".to_owned()].into(), ..Traces::default() });
        let again = Lease::take().unwrap().0;
        assert_eq!(again.address(), address);
        again.give_back(&Traces { will: true, ..Traces::default() });
        assert_ne!(Lease::take().unwrap().0.address(), address);
    }
}
