//! The MQTT sessions that go through one relay, so that the broker sees one end before the next begins.
//!
//! rumqttd 0.20 numbers its connections and uses a number again at once. A connection that ends by a DISCONNECT, or is taken
//! over by one with the same client id, may report its end by number a second time, when the number already belongs to the
//! next connection, which is then cut. That report is queued before its socket closes. So a relay lets no new session begin
//! while one is ending: that is, until the broker has closed the other's socket.
//!
//! Knows nothing of sockets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::broker::Traces;
use super::mqtt_stream::{Cut, DevicePacket};
use super::tally::Connection;

#[derive(Default)]
pub(super) struct Sessions {
    state: Mutex<State>,
    /// A session is gone.
    gone: Notify,
}

#[derive(Default)]
struct State {
    live: BTreeMap<Connection, Session>,
    traces: Traces,
}

struct Session {
    client_id: String,
    /// Tells the session's relay to end it.
    end: Arc<Notify>,
    ending: bool,
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session, once none is ending. One with the same client id ends now (MQTT 3.1.1 §3.1.4). `end` is notified
    /// when this session is to end in turn.
    pub async fn begin(&self, connection: Connection, client_id: &str, end: Arc<Notify>) {
        {
            let mut state = self.lock();
            for session in state.live.values_mut().filter(|s| s.client_id == client_id && !client_id.is_empty()) {
                session.ending = true;
                session.end.notify_one();
            }
            state.live.insert(connection, Session { client_id: client_id.to_owned(), end, ending: false });
        }
        loop {
            let mut gone = std::pin::pin!(self.gone.notified());
            // Before looking, so that an end between looking and waiting is not missed.
            gone.as_mut().enable();
            if !self.lock().live.iter().any(|(other, session)| *other != connection && session.ending) {
                return;
            }
            gone.await;
        }
    }

    /// Nothing more will come from the device on this connection.
    pub fn ending(&self, connection: Connection) {
        if let Some(session) = self.lock().live.get_mut(&connection) {
            session.ending = true;
        }
    }

    /// The broker has closed its side.
    pub fn gone(&self, connection: Connection) {
        self.lock().live.remove(&connection);
        self.gone.notify_waiters();
    }

    /// Notes what a packet leaves behind in the broker.
    pub fn note(&self, cut: &Cut) {
        let traces = &mut self.lock().traces;
        match &cut.packet {
            DevicePacket::Connect { client_id, persistent, has_will } => {
                traces.will |= has_will;
                if *persistent {
                    traces.persistent.insert(client_id.clone());
                }
            }
            DevicePacket::Publish(publish) if publish.retain => {
                traces.retained.insert(publish.topic.clone());
            }
            _ => {}
        }
    }

    /// Everything noted.
    pub fn traces(&self) -> Traces {
        let traces = &self.lock().traces;
        let (persistent, retained): (BTreeSet<_>, BTreeSet<_>) = (traces.persistent.clone(), traces.retained.clone());
        Traces { persistent, retained, will: traces.will }
    }
}
