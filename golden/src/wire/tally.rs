//! The account of one wire: what the relays have taken in from the device, what must therefore come out of the receivers,
//! and what has. Its balance is the barrier by which virtual time waits for the wire.
//!
//! Knows nothing of sockets and protocols.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::error::WireError;
use crate::delivery::{Delivery, Transport};

/// Names one connection from the device; never used twice in a wire, and greater than that of any it made before to the same recipient.
pub(super) type Connection = u64;

/// What a relay understood of the device's bytes.
pub(super) enum Heard {
    /// A complete HTTP request; its method and path.
    Request(String),
    /// An MQTT PUBLISH. The broker passes it on at once for QoS 0 and 1, for QoS 2 only at its PUBREL.
    Publish {
        publish: Publish,
        /// The client id, in a session that outlasts its connections.
        session: Option<String>,
    },
    /// A PUBREL.
    Release { packet_id: u16, session: Option<String> },
    /// A client began a session of which nothing was before.
    Anew { client_id: String },
    /// Nothing, and why.
    Malformed(String),
}

/// A PUBLISH as the device sent it.
#[derive(Clone, Debug)]
pub(super) struct Publish {
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub retain: bool,
    pub dup: bool,
    /// `None` for QoS 0.
    pub packet_id: Option<u16>,
}

pub(super) struct Tally {
    accounts: Mutex<Vec<Account>>,
    /// For `settle`, which blocks its thread.
    changed: Condvar,
    /// For the relays, which must not.
    captured: Notify,
}

/// The account of one recipient.
struct Account {
    recipient: String,
    is_secure: bool,
    bytes: u64,
    /// How often the wire was at rest.
    rests: u64,
    /// In the order sent; taken out from any place once delivered.
    awaited: VecDeque<Awaited>,
    /// The beginning of a packet whose rest has not come, by connection.
    half_sent: BTreeMap<Connection, String>,
    /// The address from which a relay talks to the receiver, by which the HTTP receiver tells connections apart.
    relays: BTreeMap<SocketAddr, Connection>,
    malformed: Option<String>,
    stray: Option<String>,
}

struct Awaited {
    /// Sent after the wire was at rest so often.
    rests: u64,
    connection: Connection,
    what: What,
    delivery: Option<Delivery>,
}

enum What {
    Request(String),
    Publish { publish: Publish, released: bool, session: Option<String> },
}

impl Awaited {
    /// Whether it must come out by itself, with nothing more from the device.
    fn is_due(&self) -> bool {
        self.delivery.is_none() && !matches!(self.what, What::Publish { released: false, .. })
    }
}

impl Tally {
    /// An account for each recipient, who may speak TLS.
    pub fn new(recipients: impl IntoIterator<Item = (String, bool)>) -> Tally {
        let account = |(recipient, is_secure)| Account {
            recipient,
            is_secure,
            bytes: 0,
            rests: 0,
            awaited: VecDeque::new(),
            half_sent: BTreeMap::new(),
            relays: BTreeMap::new(),
            malformed: None,
            stray: None,
        };
        let accounts = Mutex::new(recipients.into_iter().map(account).collect());
        Tally { accounts, changed: Condvar::new(), captured: Notify::new() }
    }

    /// Changes one account. A thread that panicked in between left plain data behind, which stays usable.
    fn change<T>(&self, recipient: usize, change: impl FnOnce(&mut Account) -> T) -> T {
        let result = change(&mut self.lock()[recipient]);
        self.changed.notify_all();
        result
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Account>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Books bytes read from the device together with all that was understood of them: had the bytes been booked first, the
    /// wire could seem at rest in between. `half_sent` describes the beginning of a packet left over.
    pub fn took_in(
        &self,
        recipient: usize,
        connection: Connection,
        bytes: usize,
        heard: Vec<Heard>,
        half_sent: Option<String>,
    ) {
        self.change(recipient, |account| {
            account.bytes += bytes as u64;
            for heard in heard {
                account.hear(connection, heard);
            }
            match half_sent {
                Some(beginning) => account.half_sent.insert(connection, beginning),
                None => account.half_sent.remove(&connection),
            };
        });
    }

    /// Books the address from which `connection` goes on to the receiver.
    pub fn relayed_from(&self, recipient: usize, connection: Connection, address: SocketAddr) {
        self.change(recipient, |account| account.relays.insert(address, connection));
    }

    /// Books the end of a connection: of what it began, nothing more will come.
    pub fn ended(&self, recipient: usize, connection: Connection) {
        self.change(recipient, |account| {
            account.half_sent.remove(&connection);
            account.relays.retain(|_, relayed| *relayed != connection);
            // A QoS 2 message that was not released is forgotten with its session.
            account.awaited.retain(|awaited| {
                let is_half = matches!(awaited.what, What::Publish { released: false, session: None, .. });
                awaited.connection != connection || !is_half
            });
        });
    }

    /// Books a request that came out of the HTTP receiver.
    pub fn captured_request(&self, recipient: usize, from: SocketAddr, transport: Transport, body: Vec<u8>) {
        self.change(recipient, |account| {
            let connection = account.relays.get(&from).copied();
            let delivery =
                Delivery { recipient: account.recipient.clone(), is_secure: account.is_secure, transport, body };
            let due = account.awaited.iter_mut().find(|awaited| {
                awaited.is_due() && Some(awaited.connection) == connection && matches!(awaited.what, What::Request(_))
            });
            match due {
                Some(awaited) => awaited.delivery = Some(delivery),
                None => account.stray = Some(delivery.to_string()),
            }
        });
        self.captured.notify_waiters();
    }

    /// Books a request that the HTTP receiver did not let in: nothing was delivered by it.
    pub fn refused_request(&self, recipient: usize, from: SocketAddr) {
        self.change(recipient, |account| {
            let connection = account.relays.get(&from).copied();
            let is_it = |awaited: &Awaited| {
                awaited.is_due() && Some(awaited.connection) == connection && matches!(awaited.what, What::Request(_))
            };
            match account.awaited.iter().position(is_it) {
                Some(refused) => drop(account.awaited.remove(refused)),
                None => account.stray = Some(format!("a request to {} that was not let in", account.recipient)),
            }
        });
        self.captured.notify_waiters();
    }

    /// Books a message that came out of the broker.
    pub fn captured_message(&self, recipient: usize, topic: &[u8], payload: &[u8]) {
        self.change(recipient, |account| {
            let due = account.awaited.iter_mut().filter(|awaited| awaited.is_due()).find_map(|awaited| {
                let What::Publish { publish, .. } = &awaited.what else { return None };
                let same = publish.topic.as_bytes() == topic && publish.payload == payload;
                same.then_some((publish.qos, publish.retain, &mut awaited.delivery))
            });
            let topic = String::from_utf8_lossy(topic).into_owned();
            match due {
                Some((qos, retain, delivery)) => {
                    let transport = Transport::Mqtt { topic, qos, retain };
                    *delivery = Some(Delivery {
                        recipient: account.recipient.clone(),
                        is_secure: account.is_secure,
                        transport,
                        body: payload.to_vec(),
                    });
                }
                None => account.stray = Some(format!("a message of {} bytes to {topic}", payload.len())),
            }
        });
        self.captured.notify_waiters();
    }

    /// Waits until everything due from `connection` has come out.
    pub async fn until_captured(&self, recipient: usize, connection: Connection) {
        loop {
            let mut captured = std::pin::pin!(self.captured.notified());
            // Before looking, so that a capture between looking and waiting is not missed.
            captured.as_mut().enable();
            let due = self.lock()[recipient].awaited.iter().any(|a| a.connection == connection && a.is_due());
            if !due {
                return;
            }
            captured.await;
        }
    }

    /// Blocks until `bytes` have been taken in in all and everything due has come out.
    pub fn settle(&self, bytes: u64, within: Duration) -> Result<(), WireError> {
        let unsettled = |accounts: &mut Vec<Account>| !is_settled(accounts, bytes);
        let (mut accounts, _) =
            self.changed.wait_timeout_while(self.lock(), within, unsettled).unwrap_or_else(PoisonError::into_inner);
        for account in accounts.iter() {
            let recipient = account.recipient.clone();
            if let Some(reason) = account.malformed.clone() {
                return Err(WireError::Malformed { recipient, reason });
            }
            if let Some(what) = account.stray.clone() {
                return Err(WireError::Stray { recipient, what });
            }
        }
        accounts.iter_mut().for_each(|account| account.rests += 1);
        let missing = missing(&accounts, bytes);
        if missing.is_empty() { Ok(()) } else { Err(WireError::Unsettled { waited: within, missing }) }
    }

    /// Takes out what has been delivered: recipient after recipient, each in the order sent. Of what was sent on several connections without the wire being
    /// at rest in between, which is read first is chance: that is in the order in which the connections were made.
    pub fn drain(&self) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        for account in self.lock().iter_mut() {
            let mut delivered = Vec::new();
            account.awaited.retain_mut(|awaited| match awaited.delivery.take() {
                Some(delivery) => {
                    delivered.push(((awaited.rests, awaited.connection), delivery));
                    false
                }
                None => true,
            });
            delivered.sort_by_key(|(sent, _)| *sent);
            deliveries.extend(delivered.into_iter().map(|(_, delivery)| delivery));
        }
        deliveries
    }
}

impl Account {
    fn hear(&mut self, connection: Connection, heard: Heard) {
        let what = match heard {
            Heard::Request(line) => What::Request(line),
            Heard::Publish { publish, session } => {
                if let Some(known) = self.half_way(session.as_deref(), publish.packet_id).filter(|_| publish.qos == 2) {
                    if !is_again(known, &publish) {
                        let reason = format!("{publish}, an identifier that another one has");
                        self.malformed.get_or_insert(reason);
                    }
                    return;
                }
                What::Publish { released: publish.qos < 2, publish, session }
            }
            Heard::Release { packet_id, session: session @ Some(_) } => {
                if let Some(known) = self.half_way(session.as_deref(), Some(packet_id))
                    && let What::Publish { released, .. } = &mut known.what
                {
                    *released = true;
                }
                return;
            }
            Heard::Release { session: None, .. } => {
                // In the order published, whatever the packet id: MQTT 3.1.1 §4.6 requires it of the device, and the broker
                // goes by it.
                let mut sent = self.awaited.iter_mut().filter(|awaited| awaited.connection == connection);
                let next = sent.find_map(|awaited| match &mut awaited.what {
                    What::Publish { released, .. } if !*released => Some(released),
                    _ => None,
                });
                if let Some(released) = next {
                    *released = true;
                }
                return;
            }
            Heard::Anew { client_id } => {
                self.awaited.retain(|awaited| match &awaited.what {
                    What::Publish { released: false, session, .. } => session.as_ref() != Some(&client_id),
                    _ => true,
                });
                return;
            }
            Heard::Malformed(reason) => {
                self.malformed.get_or_insert(reason);
                return;
            }
        };
        self.awaited.push_back(Awaited { rests: self.rests, connection, what, delivery: None });
    }

    /// What a client has published and not released, on whichever connection.
    fn half_way(&mut self, client_id: Option<&str>, packet_id: Option<u16>) -> Option<&mut Awaited> {
        let client_id = client_id?;
        self.awaited.iter_mut().find(|awaited| match &awaited.what {
            What::Publish { publish, released: false, session } => {
                session.as_deref() == Some(client_id) && publish.packet_id == packet_id
            }
            _ => false,
        })
    }
}

/// Whether a PUBLISH says of itself that it came before, and it did (MQTT 3.1.1 §3.3.1.1).
fn is_again(known: &Awaited, publish: &Publish) -> bool {
    let What::Publish { publish: before, .. } = &known.what else { return false };
    publish.dup && (&before.topic, &before.payload) == (&publish.topic, &publish.payload)
}

fn is_settled(accounts: &[Account], bytes: u64) -> bool {
    let hopeless = |account: &Account| account.malformed.is_some() || account.stray.is_some();
    accounts.iter().any(hopeless)
        || accounts.iter().map(|account| account.bytes).sum::<u64>() >= bytes
            && accounts
                .iter()
                .all(|account| account.half_sent.is_empty() && !account.awaited.iter().any(Awaited::is_due))
}

fn missing(accounts: &[Account], bytes: u64) -> Vec<String> {
    let mut missing = Vec::new();
    let taken_in: u64 = accounts.iter().map(|account| account.bytes).sum();
    if taken_in < bytes {
        missing.push(format!("{taken_in} of {bytes} bytes sent have been taken in"));
    }
    for account in accounts {
        let recipient = &account.recipient;
        missing.extend(account.half_sent.values().map(|beginning| format!("{recipient} was sent only {beginning}")));
        for awaited in account.awaited.iter().filter(|awaited| awaited.is_due()) {
            missing.push(match &awaited.what {
                What::Request(line) => format!("{recipient} has taken in {line}, but not answered it"),
                What::Publish { publish, .. } => format!("{recipient} has taken in {publish}, but not passed it on"),
            });
        }
    }
    missing
}

impl std::fmt::Display for Publish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PUBLISH to {} of {} bytes, qos {}", self.topic, self.payload.len(), self.qos)?;
        if let Some(id) = self.packet_id {
            write!(f, ", packet id {id}")?;
        }
        if self.dup { write!(f, ", dup") } else { Ok(()) }
    }
}
