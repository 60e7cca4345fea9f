//! Getting reports to their recipients: one MQTT broker, or up to three HTTP addresses.
//!
//! Sans-IO: network events and the time go in, network actions and diagnostics come out. Every time-out is on the device's
//! monotonic time. A report that cannot be delivered is dropped with a diagnostic: keeping it for later is a setting of
//! its own (guide §5.3.4), and off. Knows nothing of what a report says.

mod http;
mod mqtt;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use firmware_shim::{ConnId, NetAction, NetEvent, Uptime};

use crate::configuration::ReportProtocol;
use crate::diagnostic::{Diagnostic, Failure, Receipt};
use crate::firmware::Tally;
use http::HttpRecipient;
use mqtt::MqttRecipient;

/// How long the device waits for an answer: to a connection, a request, a publish or a ping. A decision: the guide is
/// silent.
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(10);

/// How many reports wait for one recipient while it is being connected to or has yet to answer earlier ones. A decision.
const WAITING_MAX: usize = 100;

/// A report on its way.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    /// The report's number.
    pub report: u64,
    /// The document.
    pub document: Arc<str>,
}

/// Collects what delivery does in a step.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    last_conn: u64,
    pub network: Vec<NetAction>,
    pub diagnostics: Vec<Diagnostic>,
    pub tally: Tally,
}

impl Outbox {
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

    fn note_sent(&mut self, letter: &Letter, recipient: &str) {
        let (report, recipient) = (letter.report, recipient.to_owned());
        self.diagnostics.push(Diagnostic::ReportSent { report, recipient });
    }

    fn note_delivered(&mut self, letter: &Letter, recipient: &str, receipt: Receipt) {
        self.tally.delivered += 1;
        let (report, recipient) = (letter.report, recipient.to_owned());
        self.diagnostics.push(Diagnostic::ReportDelivered { report, recipient, receipt });
    }

    fn drop_letter(&mut self, letter: Letter, recipient: &str, failure: Failure) {
        self.tally.dropped += 1;
        let (report, recipient) = (letter.report, recipient.to_owned());
        self.diagnostics.push(Diagnostic::ReportDropped { report, recipient, failure });
    }
}

/// Reports waiting for one recipient, oldest first.
#[derive(Debug, Default)]
struct Waiting(VecDeque<Letter>);

impl Waiting {
    fn push(&mut self, letter: Letter, recipient: &str, outbox: &mut Outbox) {
        self.0.push_back(letter);
        if self.0.len() > WAITING_MAX
            && let Some(oldest) = self.0.pop_front()
        {
            outbox.drop_letter(oldest, recipient, Failure::QueueFull { waiting_max: WAITING_MAX });
        }
    }

    fn pop(&mut self) -> Option<Letter> {
        self.0.pop_front()
    }

    fn drop_all(&mut self, recipient: &str, failure: &Failure, outbox: &mut Outbox) {
        for letter in self.0.drain(..) {
            outbox.drop_letter(letter, recipient, failure.clone());
        }
    }
}

/// Everything on its way by the protocol that is set.
pub(crate) enum Delivery {
    Http(Vec<HttpRecipient>),
    Mqtt(Box<MqttRecipient>),
}

impl Delivery {
    /// To nobody.
    pub fn none() -> Self {
        Delivery::Http(Vec::new())
    }

    /// Takes other settings. Recipients that stay keep their connection and what waits for them; what waits for others is
    /// dropped.
    pub fn reconfigure(self, protocol: &ReportProtocol, now: Uptime, outbox: &mut Outbox) -> Self {
        match (self, protocol) {
            (Delivery::Mqtt(recipient), _) if recipient.is_configured_by(protocol) => Delivery::Mqtt(recipient),
            (Delivery::Http(before), ReportProtocol::Http { urls }) => {
                let mut before: Vec<Option<HttpRecipient>> = before.into_iter().map(Some).collect();
                let keep_or_open = |entry: &crate::configuration::NotificationUrl| {
                    let is_same = |r: &Option<HttpRecipient>| r.as_ref().is_some_and(|r| *r.url() == entry.url);
                    let kept = before.iter_mut().find(|r| is_same(r)).and_then(Option::take);
                    kept.unwrap_or_else(|| HttpRecipient::new(entry.url.clone()))
                };
                let recipients = urls.iter().filter(|entry| entry.enable).map(keep_or_open).collect();
                before.into_iter().flatten().for_each(|mut removed| removed.give_up(outbox));
                Delivery::Http(recipients)
            }
            (mut before, _) => {
                before.give_up(outbox);
                match protocol {
                    ReportProtocol::Mqtt { .. } => MqttRecipient::new(protocol, now)
                        .map_or_else(Delivery::none, |new| Delivery::Mqtt(Box::new(new))),
                    ReportProtocol::Http { .. } => Delivery::none().reconfigure(protocol, now, outbox),
                }
            }
        }
    }

    /// Hands a report to every recipient.
    pub fn offer(&mut self, letter: &Letter, outbox: &mut Outbox) {
        match self {
            Delivery::Http(recipients) => {
                outbox.tally.offered += recipients.len() as u64;
                recipients.iter_mut().for_each(|r| r.offer(letter.clone(), outbox));
            }
            Delivery::Mqtt(recipient) => {
                outbox.tally.offered += 1;
                recipient.offer(letter.clone(), outbox);
            }
        }
    }

    /// Takes in what the network did. An event of a connection that was given up meanwhile is nobody's.
    pub fn hear(&mut self, event: &NetEvent, now: Uptime, outbox: &mut Outbox) {
        match self {
            Delivery::Http(recipients) => recipients.iter_mut().for_each(|r| r.hear(event, now, outbox)),
            Delivery::Mqtt(recipient) => recipient.hear(event, now, outbox),
        }
    }

    /// Does what is due: time-outs, pings, attempts to connect, the next report.
    pub fn proceed(&mut self, now: Uptime, outbox: &mut Outbox) {
        match self {
            Delivery::Http(recipients) => recipients.iter_mut().for_each(|r| r.proceed(now, outbox)),
            Delivery::Mqtt(recipient) => recipient.proceed(now, outbox),
        }
    }

    /// Closes everything and drops what waits.
    pub fn give_up(&mut self, outbox: &mut Outbox) {
        match self {
            Delivery::Http(recipients) => recipients.iter_mut().for_each(|r| r.give_up(outbox)),
            Delivery::Mqtt(recipient) => recipient.give_up(outbox),
        }
    }

    /// Connections on which an answer is outstanding, ascending.
    pub fn awaiting(&self) -> Vec<ConnId> {
        let mut conns: Vec<ConnId> = match self {
            Delivery::Http(recipients) => recipients.iter().filter_map(HttpRecipient::awaiting).collect(),
            Delivery::Mqtt(recipient) => recipient.awaiting().into_iter().collect(),
        };
        conns.sort();
        conns
    }

    /// When to proceed at the latest.
    pub fn next_wake(&self) -> Option<Uptime> {
        match self {
            Delivery::Http(recipients) => recipients.iter().filter_map(HttpRecipient::next_wake).min(),
            Delivery::Mqtt(recipient) => recipient.next_wake(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::{HttpUrl, NotificationUrl};

    #[test]
    fn the_oldest_of_too_many_waiting_reports_goes() {
        let url = HttpUrl::try_from("http://192.168.0.9/".to_owned()).expect("an address");
        let protocol = ReportProtocol::Http { urls: vec![NotificationUrl { enable: true, url }] };
        let mut outbox = Outbox::default();
        let mut delivery = Delivery::none().reconfigure(&protocol, Uptime::ZERO, &mut outbox);
        for report in 1..=WAITING_MAX as u64 + 2 {
            delivery.offer(&Letter { report, document: "{}".into() }, &mut outbox);
        }
        let lines: Vec<String> = outbox.diagnostics.iter().map(Diagnostic::to_string).collect();
        let dropped =
            |report| format!("report {report} dropped for http://192.168.0.9/: 100 newer reports are waiting already");
        assert_eq!(lines, [dropped(1), dropped(2)]);
        assert_eq!(outbox.tally, Tally { offered: 102, delivered: 0, dropped: 2 });
    }
}
