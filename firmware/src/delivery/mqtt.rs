//! One MQTT v3.1.1 broker: a connection that is kept, and reports published on it one after the other, whatever their topics.
//!
//! Sessions are clean, so a report that was under way when the connection broke is not sent again unless it is kept: the device cannot know
//! whether it arrived, and twice would be worse than once with a diagnostic. Reports wait while a connection is being
//! opened; while there is none and none is being tried those that are not kept are dropped. (Both are decisions.)

use std::time::Duration;

use firmware_shim::{ConnId, NetEvent, Uptime};
use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::{ConnectionOptions, Event, TimerKind};
use mqtt_protocol_core::mqtt::packet::v3_1_1::{Connect, Disconnect, Publish};
use mqtt_protocol_core::mqtt::packet::{GenericPacketTrait, Packet, Qos};
use mqtt_protocol_core::mqtt::result_code::{ConnectReturnCode, MqttError};
use mqtt_protocol_core::mqtt::{Connection, Version, role};

use super::{ANSWER_MAX, CHECKED, ConnectionState, Letter, Outbox, Publication, Waiting, back_off};
use crate::configuration::{CertificateType, QualityOfService, ReportProtocol};
use crate::diagnostic::{Diagnostic, Failure, Receipt};
use crate::tls::{Secure, Trust};

/// A broker that is not subscribed to has nothing longer to say.
const PACKET_BYTES_MAX: u32 = 64 * 1024;

pub(crate) struct MqttRecipient {
    broker: Broker,
    /// For MQTTS.
    secure: Option<Secure>,
    name: String,
    waiting: Waiting,
    /// Connections that failed or broke since the broker last confirmed anything: one that only lets the device in is not well.
    failures: usize,
    /// Why the connection was lost last.
    last_failure: Option<Failure>,
    link: Link,
}

/// A broker, and as whom the device speaks to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broker {
    host: String,
    port: u16,
    tls: Option<CertificateType>,
    client_id: String,
    user_name: Option<String>,
    password: Option<String>,
    keep_alive_s: u16,
}

enum Link {
    Down { retry_at: Uptime },
    Opening { conn: ConnId, deadline: Uptime },
    Open(Box<Session>),
}

/// A TCP connection on which MQTT is spoken.
struct Session {
    conn: ConnId,
    protocol: Connection<role::Client>,
    state: SessionState,
    ping_at: Option<Uptime>,
    pong_by: Option<Uptime>,
}

enum SessionState {
    /// CONNACK has yet to come.
    Greeting {
        deadline: Uptime,
    },
    Idle,
    /// At QoS 1 and 2: the broker has yet to confirm.
    Publishing {
        letter: Letter,
        deadline: Uptime,
    },
}

impl MqttRecipient {
    /// A broker to connect to at once.
    pub fn new(broker: Broker, trust: &Trust, now: Uptime) -> Self {
        let secure = broker.tls.as_ref().map(|tls| trust.towards(&broker.host, tls).expect(CHECKED));
        MqttRecipient {
            secure,
            name: broker.name(),
            broker,
            waiting: Waiting::default(),
            failures: 0,
            last_failure: None,
            link: Link::Down { retry_at: now },
        }
    }

    pub fn broker(&self) -> &Broker {
        &self.broker
    }

    pub fn connection(&self) -> super::Connection {
        let state = match &self.link {
            Link::Open(session) if !matches!(session.state, SessionState::Greeting { .. }) => ConnectionState::Up,
            _ => match self.last_failure.clone() {
                Some(failure) => ConnectionState::Down { failure },
                None => ConnectionState::Untried,
            },
        };
        super::Connection { recipient: self.name.clone(), state }
    }

    pub fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    pub fn waiting_mut(&mut self) -> &mut Waiting {
        &mut self.waiting
    }

    /// Gives out what waits, but for what stays. What is under way and does not stay has had its last attempt.
    pub fn take_unless(&mut self, stays: impl Fn(&Letter) -> bool, outbox: &mut Outbox) -> Vec<Letter> {
        if let Link::Open(session) = &mut self.link
            && let SessionState::Publishing { letter, .. } = &mut session.state
            && !stays(letter)
        {
            outbox.strike(letter);
        }
        self.waiting.take_unless(stays)
    }

    pub fn offer(&mut self, letter: Letter, outbox: &mut Outbox) {
        if matches!(self.link, Link::Down { .. }) && letter.entry.is_none() {
            return outbox.drop_letter(letter, Failure::NotConnected);
        }
        let under_way = self.under_way().filter(|under_way| under_way.recipient == letter.recipient);
        let under_way = under_way.filter(|under_way| under_way.entry.is_some()).into_iter().count();
        self.waiting.push(letter, under_way, outbox);
    }

    fn under_way(&self) -> Option<&Letter> {
        let Link::Open(session) = &self.link else { return None };
        let SessionState::Publishing { letter, .. } = &session.state else { return None };
        Some(letter)
    }

    pub fn hear(&mut self, event: &NetEvent, now: Uptime, outbox: &mut Outbox) {
        if self.conn() != Some(event.conn()) {
            return;
        }
        match event {
            NetEvent::Connected { conn } if matches!(self.link, Link::Opening { .. }) => self.greet(*conn, now, outbox),
            NetEvent::Connected { .. } | NetEvent::Accepted { .. } => {}
            NetEvent::ConnectFailed { reason, .. } => {
                self.fall(Failure::ConnectFailed { reason: reason.clone() }, now, outbox);
            }
            NetEvent::Closed { reason, .. } => {
                self.fall(Failure::ConnectionLost { reason: reason.clone() }, now, outbox);
            }
            NetEvent::Received { bytes, .. } => {
                let mut cursor = Cursor::new(bytes.as_slice());
                while cursor.position() < bytes.len() as u64
                    && let Link::Open(session) = &mut self.link
                {
                    let events = session.protocol.recv(&mut cursor);
                    self.carry_out(events, now, outbox);
                }
            }
        }
        self.proceed(now, outbox);
    }

    /// Opens the session on a fresh connection.
    fn greet(&mut self, conn: ConnId, now: Uptime, outbox: &mut Outbox) {
        let options = ConnectionOptions::new().maximum_packet_size_recv(PACKET_BYTES_MAX);
        let mut protocol = Connection::with_options(Version::V3_1_1, options);
        protocol.set_auto_pub_response(true);
        protocol.set_pingresp_recv_timeout(u64::try_from(ANSWER_MAX.as_millis()).unwrap_or(u64::MAX));
        let events = match self.broker.connect_packet() {
            Ok(packet) => protocol.send(packet.into()),
            Err(error) => vec![Event::NotifyError(error)],
        };
        let state = SessionState::Greeting { deadline: now + ANSWER_MAX };
        self.link = Link::Open(Box::new(Session { conn, protocol, state, ping_at: None, pong_by: None }));
        self.carry_out(events, now, outbox);
    }

    /// Does what the protocol asks for.
    fn carry_out(&mut self, events: Vec<Event>, now: Uptime, outbox: &mut Outbox) {
        // Our own time-outs come as `RequestClose`; a violation names itself.
        let mut broken = None;
        for event in events {
            let Link::Open(session) = &mut self.link else { return };
            match event {
                Event::RequestSendPacket { packet, .. } => outbox.send(session.conn, packet.to_continuous_buffer()),
                Event::RequestTimerReset { kind, duration_ms } => {
                    session.set_timer(kind, Some(now + Duration::from_millis(duration_ms)));
                }
                Event::RequestTimerCancel(kind) => session.set_timer(kind, None),
                Event::NotifyPacketReceived(packet) => self.read(&packet, now, outbox),
                Event::NotifyError(error) => broken = Some(Failure::Protocol { reason: error.to_string() }),
                Event::RequestClose => {
                    broken = broken.or(Some(Failure::NoAnswer { waited: ANSWER_MAX }));
                }
                Event::NotifyPacketIdReleased(_) => {}
            }
        }
        if let Some(failure) = broken {
            self.close(outbox);
            self.fall(failure, now, outbox);
        }
    }

    fn read(&mut self, packet: &Packet, now: Uptime, outbox: &mut Outbox) {
        let Link::Open(session) = &mut self.link else { return };
        match packet {
            Packet::V3_1_1Connack(connack) if connack.return_code() == ConnectReturnCode::Accepted => {
                if matches!(session.state, SessionState::Greeting { .. }) {
                    session.state = SessionState::Idle;
                    // The protocol's own timer may have run out unused while CONNACK was late.
                    let keep_alive = Duration::from_secs(u64::from(self.broker.keep_alive_s));
                    session.ping_at.get_or_insert(now + keep_alive);
                    outbox.diagnostics.push(Diagnostic::ConnectionUp { recipient: self.name.clone() });
                }
            }
            Packet::V3_1_1Connack(connack) => {
                let failure = Failure::Refused { code: connack.return_code().to_string() };
                self.close(outbox);
                self.fall(failure, now, outbox);
            }
            Packet::V3_1_1Puback(_) => self.confirm(Receipt::Puback, outbox),
            Packet::V3_1_1Pubcomp(_) => self.confirm(Receipt::Pubcomp, outbox),
            // Half of the handshake: the broker has again as long for the rest.
            Packet::V3_1_1Pubrec(_) => {
                if let SessionState::Publishing { deadline, .. } = &mut session.state {
                    *deadline = now + ANSWER_MAX;
                }
            }
            Packet::V3_1_1Pingresp(_) => self.failures = 0,
            _ => {}
        }
    }

    /// The protocol has matched the packet to the one publish under way.
    fn confirm(&mut self, receipt: Receipt, outbox: &mut Outbox) {
        let Link::Open(session) = &mut self.link else { return };
        match std::mem::replace(&mut session.state, SessionState::Idle) {
            SessionState::Publishing { letter, .. } => {
                self.failures = 0;
                outbox.note_delivered(letter, receipt);
            }
            other => session.state = other,
        }
    }

    pub fn proceed(&mut self, now: Uptime, outbox: &mut Outbox) {
        match &mut self.link {
            Link::Down { retry_at } if now >= *retry_at => {
                let conn = outbox.connect(&self.broker.host, self.broker.port, self.secure.as_ref());
                self.link = Link::Opening { conn, deadline: now + ANSWER_MAX };
            }
            Link::Opening { deadline, .. } if now >= *deadline => self.time_out(now, outbox),
            Link::Open(session) if session.answer_by().is_some_and(|by| now >= by) => self.time_out(now, outbox),
            Link::Open(session) => {
                if let Some(kind) = session.fired(now) {
                    let events = session.protocol.notify_timer_fired(kind);
                    self.carry_out(events, now, outbox);
                }
                self.publish(now, outbox);
            }
            _ => {}
        }
    }

    /// Publishes what waits, as far as the broker has confirmed what went before.
    fn publish(&mut self, now: Uptime, outbox: &mut Outbox) {
        while let Link::Open(session) = &mut self.link
            && matches!(session.state, SessionState::Idle)
            && let Some(mut letter) = self.waiting.pop()
        {
            let Some(publication) = &letter.publication else { continue };
            let events = match publish_packet(publication, &mut session.protocol, &letter.document) {
                Ok(packet) => session.protocol.send(packet.into()),
                Err(error) => vec![Event::NotifyError(error)],
            };
            outbox.note_sent(&letter);
            if publication.qos == QualityOfService::AtMostOnce {
                // Nobody will ever confirm it.
                outbox.strike(&mut letter);
            } else {
                session.state = SessionState::Publishing { letter, deadline: now + ANSWER_MAX };
            }
            self.carry_out(events, now, outbox);
        }
    }

    fn time_out(&mut self, now: Uptime, outbox: &mut Outbox) {
        self.close(outbox);
        self.fall(Failure::NoAnswer { waited: ANSWER_MAX }, now, outbox);
    }

    fn close(&mut self, outbox: &mut Outbox) {
        if let Some(conn) = self.conn() {
            outbox.close(conn);
        }
    }

    /// The connection is gone: what was on its way and is not kept is lost, and the next attempt is some time off.
    fn fall(&mut self, failure: Failure, now: Uptime, outbox: &mut Outbox) {
        self.failures += 1;
        self.last_failure = Some(failure.clone());
        let retry_in = back_off(self.failures);
        let recipient = self.name.clone();
        outbox.diagnostics.push(Diagnostic::ConnectionDown { recipient, failure: failure.clone(), retry_in });
        self.interrupt(Link::Down { retry_at: now + retry_in });
        self.waiting.drop_unkept(&failure, outbox);
    }

    /// Has what is under way wait again.
    fn interrupt(&mut self, link: Link) {
        if let Link::Open(session) = std::mem::replace(&mut self.link, link)
            && let SessionState::Publishing { letter, .. } = session.state
        {
            self.waiting.put_back(letter);
        }
    }

    /// Takes leave of the broker for good, and gives out what is kept; the rest is dropped.
    pub fn give_up(&mut self, outbox: &mut Outbox) -> Vec<Letter> {
        if let Link::Open(session) = &mut self.link
            && let Ok(packet) = Disconnect::builder().build()
        {
            for event in session.protocol.send(packet.into()) {
                if let Event::RequestSendPacket { packet, .. } = event {
                    outbox.send(session.conn, packet.to_continuous_buffer());
                }
            }
        }
        self.close(outbox);
        self.interrupt(Link::Down { retry_at: Uptime(u64::MAX) });
        self.waiting.drop_unkept(&Failure::RecipientRemoved, outbox);
        self.waiting.take_unless(|_| false)
    }

    /// *Data Retransmission* is off: drops what is kept, and has what is under way be the last attempt.
    pub fn keep_none(&mut self, outbox: &mut Outbox) {
        if let Link::Open(session) = &mut self.link
            && let SessionState::Publishing { letter, .. } = &mut session.state
        {
            outbox.strike(letter);
        }
        for letter in self.waiting.take_unless(|letter| letter.entry.is_none()) {
            outbox.drop_letter(letter, Failure::NotRetransmitted);
        }
    }

    fn conn(&self) -> Option<ConnId> {
        match &self.link {
            Link::Down { .. } => None,
            Link::Opening { conn, .. } => Some(*conn),
            Link::Open(session) => Some(session.conn),
        }
    }

    pub fn awaiting(&self) -> Option<ConnId> {
        match &self.link {
            Link::Down { .. } => None,
            Link::Opening { conn, .. } => Some(*conn),
            Link::Open(session) => (session.answer_by().is_some() || session.pong_by.is_some()).then_some(session.conn),
        }
    }

    pub fn next_wake(&self) -> Option<Uptime> {
        match &self.link {
            Link::Down { retry_at } => Some(*retry_at),
            Link::Opening { deadline, .. } => Some(*deadline),
            Link::Open(session) => [session.answer_by(), session.ping_at, session.pong_by].into_iter().flatten().min(),
        }
    }
}

impl Session {
    /// By when CONNACK or the next word on a publish must have come.
    fn answer_by(&self) -> Option<Uptime> {
        match &self.state {
            SessionState::Greeting { deadline } | SessionState::Publishing { deadline, .. } => Some(*deadline),
            SessionState::Idle => None,
        }
    }

    fn set_timer(&mut self, kind: TimerKind, at: Option<Uptime>) {
        match kind {
            TimerKind::PingreqSend => self.ping_at = at,
            TimerKind::PingrespRecv => self.pong_by = at,
            // A broker's timer; the client role never asks for it.
            TimerKind::PingreqRecv => {}
        }
    }

    /// A timer of the protocol that has run out.
    fn fired(&mut self, now: Uptime) -> Option<TimerKind> {
        if self.pong_by.take_if(|at| now >= *at).is_some() {
            return Some(TimerKind::PingrespRecv);
        }
        self.ping_at.take_if(|at| now >= *at).map(|_| TimerKind::PingreqSend)
    }
}

impl Broker {
    /// The broker that a function reports to, if it reports to one.
    pub fn of(protocol: &ReportProtocol) -> Option<Self> {
        let ReportProtocol::Mqtt { host, port, tls, client_id, user_name, password, keep_alive_s, .. } = protocol
        else {
            return None;
        };
        Some(Broker {
            host: host.clone(),
            port: port.get(),
            tls: tls.clone(),
            client_id: client_id.clone(),
            user_name: user_name.clone(),
            password: password.clone(),
            keep_alive_s: keep_alive_s.get(),
        })
    }

    /// For people.
    pub fn name(&self) -> String {
        let scheme = if self.tls.is_some() { "mqtts" } else { "mqtt" };
        format!("{scheme}://{}:{}", self.host, self.port)
    }

    fn connect_packet(&self) -> Result<Connect, MqttError> {
        let mut packet =
            Connect::builder().client_id(self.client_id.as_str())?.clean_session(true).keep_alive(self.keep_alive_s);
        if let Some(user_name) = &self.user_name {
            packet = packet.user_name(user_name.as_str())?;
        }
        if let Some(password) = &self.password {
            packet = packet.password(password.as_str())?;
        }
        packet.build()
    }
}

fn publish_packet(
    publication: &Publication,
    protocol: &mut Connection<role::Client>,
    document: &str,
) -> Result<Publish, MqttError> {
    let qos = match publication.qos {
        QualityOfService::AtMostOnce => Qos::AtMostOnce,
        QualityOfService::AtLeastOnce => Qos::AtLeastOnce,
        QualityOfService::ExactlyOnce => Qos::ExactlyOnce,
    };
    let mut packet = Publish::builder().topic_name(publication.topic.as_str())?.qos(qos).payload(document);
    if qos != Qos::AtMostOnce {
        packet = packet.packet_id(protocol.acquire_packet_id()?);
    }
    packet.build()
}
