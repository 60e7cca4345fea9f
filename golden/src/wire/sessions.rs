//! The MQTT sessions that go through one relay. A client id has one session at a time, and the relay sees to that itself, so
//! that the broker sees one session end before the next with the same client id begins.
//!
//! rumqttd 0.20 numbers its connections and uses a number again at once. When it ends a connection itself (for a DISCONNECT, or
//! a CONNECT with the same client id) while the other side closes too, the end may be reported by number a second time, and cut
//! the next connection, which has the number by then. So of the relay and the broker only ever one ends a connection.
//!
//! Knows nothing of sockets.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::broker::Traces;
use super::handshakes::{Course, Handshakes};
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
    handshakes: Handshakes,
}

struct Session {
    client_id: String,
    /// Tells the session's relay to end it.
    end: Arc<Notify>,
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session. One with the same client id ends first (MQTT 3.1.1 §3.1.4). `end` is notified when the session is to
    /// end in turn.
    pub async fn begin(&self, connection: Connection, client_id: &str, end: Arc<Notify>) {
        let others = |state: &State| -> Vec<Connection> {
            let same = |(other, session): &(&Connection, &Session)| {
                **other < connection && session.client_id == client_id && !client_id.is_empty()
            };
            state.live.iter().filter(same).map(|(other, _)| *other).collect()
        };
        {
            let mut state = self.lock();
            for other in others(&state) {
                state.live[&other].end.notify_one();
            }
            state.live.insert(connection, Session { client_id: client_id.to_owned(), end });
        }
        loop {
            let mut gone = std::pin::pin!(self.gone.notified());
            // Before looking, so that an end between looking and waiting is not missed.
            gone.as_mut().enable();
            if others(&self.lock()).is_empty() {
                return;
            }
            gone.await;
        }
    }

    /// The broker has closed its side.
    pub fn gone(&self, connection: Connection) {
        self.lock().live.remove(&connection);
        self.gone.notify_waiters();
    }

    /// What to do with a packet of this client, whose session outlasts its connections.
    pub fn course(&self, client_id: &str, connection: Connection, cut: &Cut) -> Course {
        self.lock().handshakes.course(client_id, connection, cut)
    }

    /// Notes what a packet leaves behind in the broker.
    pub fn note(&self, cut: &Cut) {
        let State { traces, handshakes, .. } = &mut *self.lock();
        match &cut.packet {
            DevicePacket::Connect { client_id, persistent, has_will } => {
                traces.will |= has_will;
                if *persistent {
                    traces.persistent.insert(client_id.clone());
                } else {
                    handshakes.forget(client_id);
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
        self.lock().traces.clone()
    }
}
