//! Getting reports to their recipients: MQTT brokers and HTTP addresses, of all functions together.
//!
//! Functions that name the same address, credentials and topic share a recipient and its queue; those that name the same broker, client and
//! credentials share the connection, for a broker has one client of a name.
//!
//! Sans-IO: network events and the time go in, network actions and diagnostics come out. Every time-out is on the device's
//! monotonic time. A report that cannot be delivered is dropped with a diagnostic: keeping it for later is a setting of
//! its own (guide §5.3.4), and off. Knows nothing of what a report says.

mod authentication;
mod http;
mod mqtt;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use firmware_shim::{ConnId, NetAction, NetEvent, Uptime};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::configuration::{QualityOfService, ReportProtocol, Topic};
use crate::diagnostic::{Diagnostic, Failure, Receipt};
use crate::firmware::Tally;
use http::{HttpAddress, HttpRecipient};
use mqtt::{Broker, MqttRecipient};

/// How long the device waits for an answer: to a connection, a request, a publish or a ping. A decision: the guide is
/// silent.
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(10);

/// How many reports wait for one connection while it is being opened or its other end has yet to answer earlier ones. A decision.
const WAITING_MAX: usize = 100;

/// A report on its way to one recipient.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    /// The report's number.
    pub report: u64,
    /// The document.
    pub document: Arc<str>,
    /// The recipient's name, for people.
    pub recipient: Arc<str>,
    /// Where on a broker it is published.
    pub publication: Option<Publication>,
}

/// A topic and how surely reports on it arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Publication {
    pub topic: Topic,
    pub qos: QualityOfService,
}

/// Collects what delivery does in a step.
#[derive(Debug)]
pub(crate) struct Outbox {
    last_conn: u64,
    /// For what nobody must be able to foretell.
    pub rng: ChaCha8Rng,
    pub network: Vec<NetAction>,
    pub diagnostics: Vec<Diagnostic>,
    pub tally: Tally,
}

impl Outbox {
    pub fn new(entropy: u64) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(entropy);
        Outbox { last_conn: 0, rng, network: vec![], diagnostics: vec![], tally: Tally::default() }
    }

    fn connect(&mut self, host: &str, port: u16) -> ConnId {
        self.last_conn += 1;
        let conn = ConnId(self.last_conn);
        self.network.push(NetAction::Connect { conn, host: host.to_owned(), port });
        conn
    }

    fn send(&mut self, conn: ConnId, bytes: Vec<u8>) {
        self.network.push(NetAction::Send { conn, bytes });
    }

    fn close(&mut self, conn: ConnId) {
        self.network.push(NetAction::Close { conn });
    }

    fn note_sent(&mut self, letter: &Letter) {
        let (report, recipient) = (letter.report, letter.recipient.to_string());
        self.diagnostics.push(Diagnostic::ReportSent { report, recipient });
    }

    fn note_delivered(&mut self, letter: &Letter, receipt: Receipt) {
        self.tally.delivered += 1;
        let (report, recipient) = (letter.report, letter.recipient.to_string());
        self.diagnostics.push(Diagnostic::ReportDelivered { report, recipient, receipt });
    }

    fn drop_letter(&mut self, letter: Letter, failure: Failure) {
        self.tally.dropped += 1;
        let (report, recipient) = (letter.report, letter.recipient.to_string());
        self.diagnostics.push(Diagnostic::ReportDropped { report, recipient, failure });
    }
}

/// Reports waiting for one connection, oldest first.
#[derive(Debug, Default)]
struct Waiting(VecDeque<Letter>);

impl Waiting {
    fn push(&mut self, letter: Letter, outbox: &mut Outbox) {
        self.0.push_back(letter);
        if self.0.len() > WAITING_MAX
            && let Some(oldest) = self.0.pop_front()
        {
            outbox.drop_letter(oldest, Failure::QueueFull { waiting_max: WAITING_MAX });
        }
    }

    fn pop(&mut self) -> Option<Letter> {
        self.0.pop_front()
    }

    fn drop_all(&mut self, failure: &Failure, outbox: &mut Outbox) {
        self.drop_unless(|_| false, failure, outbox);
    }

    fn drop_unless(&mut self, keep: impl Fn(&Letter) -> bool, failure: &Failure, outbox: &mut Outbox) {
        let (kept, dropped) = self.0.drain(..).partition(|letter| keep(letter));
        self.0 = kept;
        let dropped: VecDeque<Letter> = dropped;
        dropped.into_iter().for_each(|letter| outbox.drop_letter(letter, failure.clone()));
    }
}

/// Everything on its way.
#[derive(Default)]
pub(crate) struct Delivery {
    http: Vec<HttpRecipient>,
    mqtt: Vec<MqttRecipient>,
}

impl Delivery {
    /// Delivers by these settings from now on. Recipients that stay keep their connection and what waits for them; what waits for others
    /// is dropped.
    pub fn reconfigure(&mut self, protocols: &[&ReportProtocol], now: Uptime, outbox: &mut Outbox) {
        let mut http = std::mem::take(&mut self.http);
        let mut mqtt = std::mem::take(&mut self.mqtt);
        for protocol in protocols {
            for address in addresses(protocol) {
                if self.http.iter().all(|recipient| *recipient.address() != address) {
                    let known = http.iter().position(|recipient| *recipient.address() == address);
                    let kept = known.map(|i| http.swap_remove(i));
                    self.http.push(kept.unwrap_or_else(|| HttpRecipient::new(address)));
                }
            }
            if let Some(broker) = Broker::of(protocol)
                && self.mqtt.iter().all(|recipient| *recipient.broker() != broker)
            {
                let known = mqtt.iter().position(|recipient| *recipient.broker() == broker);
                let kept = known.map(|i| mqtt.swap_remove(i));
                self.mqtt.push(kept.unwrap_or_else(|| MqttRecipient::new(broker, now)));
            }
        }
        http.iter_mut().for_each(|removed| removed.give_up(outbox));
        mqtt.iter_mut().for_each(|removed| removed.give_up(outbox));
        for recipient in &mut self.mqtt {
            let broker = recipient.broker().clone();
            let at_it = || protocols.iter().filter(|protocol| Broker::of(protocol).as_ref() == Some(&broker));
            let topics: Vec<Topic> = at_it().filter_map(|protocol| Some(publication(protocol)?.topic)).collect();
            let is_wanted = |letter: &Letter| letter.publication.as_ref().is_some_and(|to| topics.contains(&to.topic));
            recipient.drop_unless(is_wanted, outbox);
        }
    }

    /// Hands a report to every recipient of a function.
    pub fn offer(&mut self, protocol: &ReportProtocol, report: u64, document: &Arc<str>, outbox: &mut Outbox) {
        for address in addresses(protocol) {
            if let Some(recipient) = self.http.iter_mut().find(|recipient| *recipient.address() == address) {
                let (document, recipient_name) = (Arc::clone(document), recipient.name());
                outbox.tally.offered += 1;
                recipient.offer(Letter { report, document, recipient: recipient_name, publication: None }, outbox);
            }
        }
        if let Some((broker, publication)) = Broker::of(protocol).zip(publication(protocol))
            && let Some(recipient) = self.mqtt.iter_mut().find(|recipient| *recipient.broker() == broker)
        {
            let name = format!("{}/{}", recipient.name(), publication.topic.as_str());
            let letter = Letter {
                report,
                document: Arc::clone(document),
                recipient: name.into(),
                publication: Some(publication),
            };
            outbox.tally.offered += 1;
            recipient.offer(letter, outbox);
        }
    }

    /// Takes in what the network did. An event of a connection that was given up meanwhile is nobody's.
    pub fn hear(&mut self, event: &NetEvent, now: Uptime, outbox: &mut Outbox) {
        self.http.iter_mut().for_each(|recipient| recipient.hear(event, now, outbox));
        self.mqtt.iter_mut().for_each(|recipient| recipient.hear(event, now, outbox));
    }

    /// Does what is due: time-outs, pings, attempts to connect, the next report.
    pub fn proceed(&mut self, now: Uptime, outbox: &mut Outbox) {
        self.http.iter_mut().for_each(|recipient| recipient.proceed(now, outbox));
        self.mqtt.iter_mut().for_each(|recipient| recipient.proceed(now, outbox));
    }

    /// Connections on which an answer is outstanding, ascending.
    pub fn awaiting(&self) -> Vec<ConnId> {
        let http = self.http.iter().filter_map(HttpRecipient::awaiting);
        let mut conns: Vec<ConnId> = http.chain(self.mqtt.iter().filter_map(MqttRecipient::awaiting)).collect();
        conns.sort();
        conns
    }

    /// When to proceed at the latest.
    pub fn next_wake(&self) -> Option<Uptime> {
        let http = self.http.iter().filter_map(HttpRecipient::next_wake);
        http.chain(self.mqtt.iter().filter_map(MqttRecipient::next_wake)).min()
    }
}

fn addresses(protocol: &ReportProtocol) -> impl Iterator<Item = HttpAddress> {
    let urls = match protocol {
        ReportProtocol::Http { urls } => urls.as_slice(),
        ReportProtocol::Mqtt { .. } => &[],
    };
    urls.iter().filter(|entry| entry.enable).map(HttpAddress::new)
}

fn publication(protocol: &ReportProtocol) -> Option<Publication> {
    match protocol {
        ReportProtocol::Http { .. } => None,
        ReportProtocol::Mqtt { topic, qos, .. } => Some(Publication { topic: topic.clone(), qos: *qos }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::{HttpUrl, NotificationUrl};

    fn http(addresses: &[&str]) -> ReportProtocol {
        let url = |address: &&str| HttpUrl::try_from((*address).to_owned()).expect("an address");
        let entry = |address| NotificationUrl { enable: true, url: url(address), user_name: None, password: None };
        ReportProtocol::Http { urls: addresses.iter().map(entry).collect() }
    }

    fn mqtt(topic: &str) -> ReportProtocol {
        ReportProtocol::Mqtt {
            host: "broker".into(),
            port: 1883.try_into().expect("a port"),
            client_id: "sensor".into(),
            user_name: None,
            password: None,
            topic: Topic::try_from(topic.to_owned()).expect("a topic"),
            qos: QualityOfService::AtLeastOnce,
            keep_alive_s: 60.try_into().expect("not zero"),
        }
    }

    fn lines(outbox: &Outbox) -> Vec<String> {
        outbox.diagnostics.iter().map(Diagnostic::to_string).collect()
    }

    #[test]
    fn the_oldest_of_too_many_waiting_reports_goes() {
        let protocol = http(&["http://192.168.0.9/"]);
        let (mut outbox, mut delivery) = (Outbox::new(1), Delivery::default());
        delivery.reconfigure(&[&protocol], Uptime::ZERO, &mut outbox);
        for report in 1..=WAITING_MAX as u64 + 2 {
            delivery.offer(&protocol, report, &"{}".into(), &mut outbox);
        }
        let dropped =
            |report| format!("report {report} dropped for http://192.168.0.9/: 100 newer reports are waiting already");
        assert_eq!(lines(&outbox), [dropped(1), dropped(2)]);
        assert_eq!(outbox.tally, Tally { offered: 102, delivered: 0, dropped: 2 });
    }

    #[test]
    fn functions_with_the_same_address_share_it_and_what_one_gives_up_the_other_keeps() {
        let (one, other) = (http(&["http://a/", "http://b/"]), http(&["http://b/"]));
        let (mut outbox, mut delivery) = (Outbox::new(1), Delivery::default());
        delivery.reconfigure(&[&one, &other], Uptime::ZERO, &mut outbox);
        delivery.offer(&one, 1, &"{}".into(), &mut outbox);
        delivery.offer(&other, 2, &"{}".into(), &mut outbox);
        assert_eq!((delivery.http.len(), outbox.tally.offered), (2, 3));
        delivery.reconfigure(&[&other], Uptime::ZERO, &mut outbox);
        assert_eq!(lines(&outbox), ["report 1 dropped for http://a/: recipient no longer configured"]);
    }

    #[test]
    fn topics_of_one_client_share_a_connection() {
        let (one, other) = (mqtt("people"), mqtt("lines"));
        let (mut outbox, mut delivery) = (Outbox::new(1), Delivery::default());
        delivery.reconfigure(&[&one, &other], Uptime::ZERO, &mut outbox);
        delivery.proceed(Uptime::ZERO, &mut outbox);
        delivery.offer(&one, 1, &"{}".into(), &mut outbox);
        delivery.offer(&other, 2, &"{}".into(), &mut outbox);
        let opened = outbox.network.iter().filter(|action| matches!(action, NetAction::Connect { .. })).count();
        assert_eq!((opened, outbox.tally.offered), (1, 2));
        delivery.reconfigure(&[&other], Uptime::ZERO, &mut outbox);
        assert_eq!(lines(&outbox), ["report 1 dropped for mqtt://broker:1883/people: recipient no longer configured"]);
    }

    #[test]
    fn what_waits_at_a_broker_for_a_topic_that_is_now_told_to_another_is_dropped() {
        let elsewhere = |protocol: ReportProtocol| match protocol {
            ReportProtocol::Mqtt { port, client_id, user_name, password, topic, qos, keep_alive_s, .. } => {
                let host = "elsewhere".into();
                ReportProtocol::Mqtt { host, port, client_id, user_name, password, topic, qos, keep_alive_s }
            }
            http => http,
        };
        let (mut outbox, mut delivery) = (Outbox::new(1), Delivery::default());
        delivery.reconfigure(&[&mqtt("people"), &mqtt("lines")], Uptime::ZERO, &mut outbox);
        delivery.proceed(Uptime::ZERO, &mut outbox);
        delivery.offer(&mqtt("lines"), 1, &"{}".into(), &mut outbox);
        delivery.reconfigure(&[&mqtt("people"), &elsewhere(mqtt("lines"))], Uptime::ZERO, &mut outbox);
        assert_eq!(lines(&outbox), ["report 1 dropped for mqtt://broker:1883/lines: recipient no longer configured"]);
    }
}
