//! Getting reports to their recipients: MQTT brokers and HTTP addresses, of all functions together.
//!
//! Functions that name the same address, credentials and topic share a recipient and its queue; those that name the same broker, client and
//! credentials share the connection, for a broker has one client of a name.
//!
//! A report that cannot be delivered is dropped with a diagnostic; with *Data Retransmission* (guide §5.3.4) one of a kind that is kept waits in
//! the journal instead, from before it is first sent until its recipient has confirmed it.
//!
//! Sans-IO: network events and the time go in, network actions and diagnostics come out. Every time-out is on the device's
//! monotonic time. Knows nothing of what a report says.

mod authentication;
mod broker;
mod http;
mod mqtt;
mod outbox;
mod session;
mod status;
mod waiting;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use firmware_shim::{ConnId, NetEvent, Uptime};

use crate::configuration::{NotificationUrl, QualityOfService, ReportProtocol, Topic};
use crate::diagnostic::Failure;
use crate::snapshot::Snapshot;
use crate::storage::{Handshake, Kept, Sender};
use crate::tls::Trust;
use broker::Broker;
use http::{HttpAddress, HttpRecipient};
use mqtt::MqttRecipient;
pub(crate) use outbox::Outbox;
use waiting::Waiting;

/// How long the device waits for an answer: to a connection, a request, a publish or a ping. A decision: the guide is
/// silent.
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Seconds until the next attempt, after the first that failed, the second, …; then the last again and again. A decision.
const BACK_OFF_S: [u64; 7] = [1, 2, 4, 8, 16, 32, 60];

/// Why certificates cannot fail here: a configuration in which they do is refused.
const CHECKED: &str = "certificates of a valid configuration are sound";

/// How long to wait after so many attempts that failed.
fn back_off(failures: usize) -> Duration {
    Duration::from_secs(BACK_OFF_S[failures.saturating_sub(1).min(BACK_OFF_S.len() - 1)])
}

/// Reports kept for all recipients together (guide §5.3.4).
const KEPT_MAX: usize = 3000;

/// A report on its way to one recipient.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    /// The report's number; a connection test has none.
    pub report: Option<u64>,
    /// The document.
    pub document: Arc<str>,
    /// The recipient's name, for people.
    pub recipient: Arc<str>,
    /// As whom the device sends it.
    pub sender: Sender,
    /// Where on a broker it is published.
    pub publication: Option<Publication>,
    /// Its number in the journal, if it is kept until it has arrived.
    pub entry: Option<u64>,
    /// How far it has come at QoS 2, if that is under way.
    pub handshake: Option<Handshake>,
    /// What goes with it at the first attempt, and not with what is stored (guide §5.3.4).
    pub snapshot: Option<Snapshot>,
}

impl Letter {
    /// What is sent.
    fn body(&self) -> Arc<str> {
        match &self.snapshot {
            Some(snapshot) => snapshot.beside(&self.document).into(),
            None => Arc::clone(&self.document),
        }
    }
}

/// How it stands with a recipient (guide §5.3, *Status*).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The recipient's name, for people.
    pub recipient: String,
    /// How it stands.
    pub state: ConnectionState,
}

/// Whether a recipient can be reached, as far as is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ConnectionState {
    /// Nothing was sent yet, or the first attempt is under way.
    #[default]
    Untried,
    /// A broker has accepted the connection; a server has accepted what was sent last.
    Up,
    /// The last attempt came to nothing.
    Down {
        /// Why.
        failure: Failure,
    },
}

/// A topic and how surely reports on it arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Publication {
    pub topic: Topic,
    pub qos: QualityOfService,
}

/// A report as its function hands it over.
pub(crate) struct Offer<'r> {
    pub report: u64,
    pub document: &'r Arc<str>,
    /// Whether it is of a kind that is kept until it has arrived.
    pub is_kept: bool,
    /// For the addresses that want one.
    pub snapshot: Option<&'r Snapshot>,
}

/// Everything on its way.
pub(crate) struct Delivery {
    /// *Data Retransmission*.
    retransmits: bool,
    http: Vec<HttpRecipient>,
    mqtt: Vec<MqttRecipient>,
    /// Kept reports that belong to no recipient yet: what the journal held at power-on.
    unclaimed: Vec<Letter>,
    /// How surely those were to go to a broker, by their number in the journal.
    kept_qos: BTreeMap<u64, QualityOfService>,
    /// The recipients there were before the last settings, by name and as whom the device spoke to them.
    known: Vec<(String, Sender)>,
    /// Connection tests under way, which wait for nothing and nobody.
    tests: Vec<HttpRecipient>,
    trust: Trust,
}

impl Delivery {
    /// What the journal held goes out to whoever is then configured.
    pub fn new(kept: Vec<Kept>, trust: Trust) -> Self {
        let letter = |kept: Kept| Letter {
            report: Some(kept.report),
            document: kept.document,
            recipient: kept.recipient.into(),
            sender: kept.sender,
            publication: None,
            entry: Some(kept.id),
            handshake: kept.handshake,
            snapshot: None,
        };
        let kept_qos = kept.iter().filter_map(|kept| Some((kept.id, kept.qos?))).collect();
        let unclaimed = kept.into_iter().map(letter).collect();
        Delivery {
            retransmits: false,
            http: Vec::new(),
            mqtt: Vec::new(),
            unclaimed,
            kept_qos,
            known: Vec::new(),
            tests: Vec::new(),
            trust,
        }
    }

    /// Delivers by these settings from now on. Recipients that stay keep their connection and what waits for them, and so do those of
    /// whom only the credentials change what is kept for them; what waits for others is dropped.
    pub fn reconfigure(&mut self, protocols: &[&ReportProtocol], retransmits: bool, now: Uptime, outbox: &mut Outbox) {
        self.retransmits = retransmits;
        self.http.iter_mut().for_each(HttpRecipient::take_pictures_out);
        let mut http = std::mem::take(&mut self.http);
        let mut mqtt = std::mem::take(&mut self.mqtt);
        for protocol in protocols {
            for (address, _) in addresses(protocol) {
                if self.http.iter().all(|recipient| *recipient.address() != address) {
                    let known = http.iter().position(|recipient| *recipient.address() == address);
                    let kept = known.map(|i| http.swap_remove(i));
                    self.http.push(kept.unwrap_or_else(|| HttpRecipient::new(address, &self.trust)));
                }
            }
            if let Some(broker) = Broker::of(protocol)
                && self.mqtt.iter().all(|recipient| *recipient.broker() != broker)
            {
                let known = mqtt.iter().position(|recipient| *recipient.broker() == broker);
                let kept = known.map(|i| mqtt.swap_remove(i));
                self.mqtt.push(kept.unwrap_or_else(|| MqttRecipient::new(broker, &self.trust, now)));
            }
        }
        let mut unclaimed = std::mem::take(&mut self.unclaimed);
        unclaimed.extend(http.iter_mut().flat_map(|removed| removed.give_up(&Failure::RecipientRemoved, outbox)));
        unclaimed.extend(mqtt.iter_mut().flat_map(|removed| removed.give_up(&Failure::RecipientRemoved, outbox)));
        for recipient in &mut self.mqtt {
            let broker = recipient.broker().clone();
            let at_it = || protocols.iter().filter(|protocol| Broker::of(protocol).as_ref() == Some(&broker));
            let publications: Vec<Publication> = at_it().filter_map(|protocol| publication(protocol)).collect();
            let is_exact = |publication: &Publication| publication.qos == QualityOfService::ExactlyOnce;
            recipient.publish_exactly_once(retransmits && publications.iter().any(is_exact));
            let topics: Vec<&Topic> = publications.iter().map(|publication| &publication.topic).collect();
            let is_wanted = |letter: &Letter| letter.publication.as_ref().is_some_and(|to| topics.contains(&&to.topic));
            unclaimed.extend(recipient.take_unless(is_wanted, outbox));
        }
        if !retransmits {
            self.http.iter_mut().for_each(|recipient| recipient.keep_none(outbox));
            self.mqtt.iter_mut().for_each(|recipient| recipient.keep_none(outbox));
        }
        unclaimed.sort_by_key(|letter| letter.entry);
        for letter in unclaimed {
            self.claim(letter, protocols, outbox);
        }
        self.kept_qos.clear();
        let http = self.http.iter().map(|recipient| (recipient.name().to_string(), recipient.address().sender()));
        let mqtt = told(protocols).map(|(broker, publication)| (name_at(&broker, &publication), broker.sender()));
        self.known = http.chain(mqtt).collect();
    }

    /// Hands a kept report of a recipient that is no more, or was before the power was cut, to the one that is now of the same name and knows the
    /// device as the same; or to the only one of that name, when that is new: then what changed is as whom the device speaks to it.
    fn claim(&mut self, mut letter: Letter, protocols: &[&ReportProtocol], outbox: &mut Outbox) {
        if letter.entry.is_none() {
            return outbox.drop_letter(letter, Failure::RecipientRemoved);
        }
        if !self.retransmits {
            return outbox.drop_letter(letter, Failure::NotRetransmitted);
        }
        let named = self.http.iter_mut().filter(|recipient| recipient.name() == letter.recipient).collect();
        let is_new = |sender: &Sender| !self.known.iter().any(|(name, it)| **name == *letter.recipient && it == sender);
        if let Some(recipient) = the_one(named, &letter.sender, |recipient| recipient.address().sender(), is_new) {
            outbox.send_as(&mut letter, recipient.address().sender());
            return recipient.offer(letter, outbox);
        }
        let mut named: Vec<(Broker, Publication)> = Vec::new();
        for told in told(protocols) {
            let is_known = named.iter().any(|(broker, _)| *broker == told.0);
            if *letter.recipient == *name_at(&told.0, &told.1) && !is_known {
                named.push(told);
            }
        }
        if let Some((broker, publication)) = the_one(named, &letter.sender, |(broker, _)| broker.sender(), is_new)
            && let Some(recipient) = self.mqtt.iter_mut().find(|recipient| *recipient.broker() == broker)
        {
            // Two functions may publish on one topic, each as surely as is set for it.
            let kept_qos = letter.entry.and_then(|entry| self.kept_qos.get(&entry).copied());
            let qos = letter.publication.map(|was| was.qos).or(kept_qos).unwrap_or(publication.qos);
            letter.publication = Some(Publication { qos, ..publication });
            outbox.send_as(&mut letter, broker.sender());
            return recipient.offer(letter, outbox);
        }
        outbox.drop_letter(letter, Failure::RecipientRemoved);
    }

    /// Hands a report to every recipient of a function.
    pub fn offer(&mut self, protocol: &ReportProtocol, offer: &Offer<'_>, outbox: &mut Outbox) {
        let is_kept = self.retransmits && offer.is_kept;
        let letter = |recipient: Arc<str>, sender, publication, snapshot, outbox: &mut Outbox| {
            outbox.tally.offered += 1;
            let mut letter = Letter {
                report: Some(offer.report),
                document: Arc::clone(offer.document),
                recipient,
                sender,
                publication,
                entry: None,
                handshake: None,
                snapshot,
            };
            if is_kept {
                outbox.keep(&mut letter);
            }
            letter
        };
        for (address, wants_snapshot) in addresses(protocol) {
            let snapshot = offer.snapshot.filter(|_| wants_snapshot).cloned();
            if let Some(recipient) = self.http.iter_mut().find(|recipient| *recipient.address() == address) {
                recipient.offer(letter(recipient.name(), address.sender(), None, snapshot, outbox), outbox);
            }
        }
        if let Some((broker, publication)) = Broker::of(protocol).zip(publication(protocol))
            && let Some(recipient) = self.mqtt.iter_mut().find(|recipient| *recipient.broker() == broker)
        {
            let name = name_at(&broker, &publication);
            recipient.offer(letter(name.into(), broker.sender(), Some(publication), None, outbox), outbox);
        }
        while outbox.tally.kept > KEPT_MAX as u64 && self.drop_oldest_kept(outbox) {}
    }

    /// Drops the oldest of all reports that are kept and wait; `false` when all are under way.
    fn drop_oldest_kept(&mut self, outbox: &mut Outbox) -> bool {
        let waiting =
            || self.http.iter().map(HttpRecipient::waiting).chain(self.mqtt.iter().map(MqttRecipient::waiting));
        let Some(oldest) = waiting().filter_map(Waiting::oldest_entry).min() else { return false };
        let http = self.http.iter_mut().map(HttpRecipient::waiting_mut);
        let mut waiting = http.chain(self.mqtt.iter_mut().map(MqttRecipient::waiting_mut));
        let Some(letter) = waiting.find_map(|waiting| waiting.take_entry(oldest)) else { return false };
        outbox.drop_letter(letter, Failure::QueueFull { waiting_max: KEPT_MAX });
        true
    }

    /// *Connection Test* (guide §5.3): sends a test message to an address at once, whatever waits for it.
    pub fn test(&mut self, entry: &NotificationUrl, document: Arc<str>, outbox: &mut Outbox) {
        let mut recipient = HttpRecipient::new(HttpAddress::new(entry), &self.trust);
        let letter = Letter {
            report: None,
            document,
            recipient: recipient.name(),
            sender: Sender::default(),
            publication: None,
            entry: None,
            handshake: None,
            snapshot: None,
        };
        recipient.offer(letter, outbox);
        self.tests.push(recipient);
    }

    /// Takes in what the network did. An event of a connection that was given up meanwhile is nobody's.
    pub fn hear(&mut self, event: &NetEvent, now: Uptime, outbox: &mut Outbox) {
        for event in outbox.open(event) {
            self.http.iter_mut().for_each(|recipient| recipient.hear(&event, now, outbox));
            self.mqtt.iter_mut().for_each(|recipient| recipient.hear(&event, now, outbox));
            self.tests.iter_mut().for_each(|recipient| recipient.hear(&event, now, outbox));
        }
        outbox.bury(event.conn());
    }

    /// Does what is due: time-outs, pings, attempts to connect, the next report.
    pub fn proceed(&mut self, now: Uptime, outbox: &mut Outbox) {
        self.http.iter_mut().for_each(|recipient| recipient.proceed(now, outbox));
        self.mqtt.iter_mut().for_each(|recipient| recipient.proceed(now, outbox));
        self.tests.iter_mut().for_each(|recipient| recipient.proceed(now, outbox));
        self.tests.retain(|recipient| !recipient.is_done());
    }

    /// Takes leave of everybody, for the device starts anew: what is kept goes out after that, and nothing else does.
    pub fn shut_down(&mut self, outbox: &mut Outbox) {
        for recipient in self.http.iter_mut().chain(&mut self.tests) {
            recipient.give_up(&Failure::Restarting, outbox);
        }
        for recipient in &mut self.mqtt {
            recipient.give_up(&Failure::Restarting, outbox);
        }
    }

    /// Connections on which an answer is outstanding, ascending.
    pub fn awaiting(&self) -> Vec<ConnId> {
        let http = self.http.iter().chain(&self.tests).filter_map(HttpRecipient::awaiting);
        let mut conns: Vec<ConnId> = http.chain(self.mqtt.iter().filter_map(MqttRecipient::awaiting)).collect();
        conns.sort();
        conns
    }

    /// When to proceed at the latest.
    pub fn next_wake(&self) -> Option<Uptime> {
        let http = self.http.iter().chain(&self.tests).filter_map(HttpRecipient::next_wake);
        http.chain(self.mqtt.iter().filter_map(MqttRecipient::next_wake)).min()
    }
}

/// Where a function's reports go, and whether with a snapshot.
fn addresses(protocol: &ReportProtocol) -> impl Iterator<Item = (HttpAddress, bool)> {
    protocol.urls().iter().filter(|entry| entry.enable).map(|entry| (HttpAddress::new(entry), entry.snapshot))
}

/// The brokers and topics that functions report to.
fn told(protocols: &[&ReportProtocol]) -> impl Iterator<Item = (Broker, Publication)> {
    protocols.iter().filter_map(|protocol| Broker::of(protocol).zip(publication(protocol)))
}

/// Of some of one name the one that is meant: the first to whom the device speaks as `sender`, or the only one there is, if it is new.
fn the_one<T>(
    mut named: Vec<T>,
    sender: &Sender,
    of: impl Fn(&T) -> Sender,
    is_new: impl Fn(&Sender) -> bool,
) -> Option<T> {
    let only = || (named.len() == 1 && is_new(&of(&named[0]))).then_some(0);
    let meant = named.iter().position(|it| of(it) == *sender).or_else(only)?;
    Some(named.swap_remove(meant))
}

/// What a topic of a broker is called, for people and in the journal.
fn name_at(broker: &Broker, publication: &Publication) -> String {
    format!("{}/{}", broker.name(), publication.topic.as_str())
}

fn publication(protocol: &ReportProtocol) -> Option<Publication> {
    match protocol {
        ReportProtocol::Http { .. } => None,
        ReportProtocol::Mqtt { topic, qos, .. } => Some(Publication { topic: topic.clone(), qos: *qos }),
    }
}

#[cfg(test)]
mod tests;
