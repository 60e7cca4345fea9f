//! One MQTT v3.1.1 broker: a connection that is kept, and reports published on it one after the other, whatever their topics.
//!
//! Reports wait while a connection is being opened; while there is none and none is being tried those that are not kept are dropped.
//! Without *Data Retransmission* sessions are clean, and a report that was under way when the connection broke is not sent again: the device
//! cannot know whether it arrived, and twice would be worse than once with a diagnostic. With it, what is kept is published once more, which
//! at QoS 1 may be the second time.
//!
//! With it, too, a broker to which something is published at QoS 2 is asked to remember the device (a persistent session), and such a
//! report arrives exactly once: how far it has come is on flash before the packet concerned goes out, and on the next connection, or when the power
//! is back, the handshake goes on from there, with the same packet identifier (MQTT 3.1.1 §4.4). A handshake that was begun is ended, so
//! a report of a kind that is not kept is on flash, too, while it is under way so. When the broker has lost the session, what it had not yet confirmed by
//! PUBREC is published anew, and what it had counts as delivered: it said that it has it. (All of these are decisions.)

use std::time::Duration;

use firmware_shim::{ConnId, NetEvent, Uptime};
use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::{ConnectionOptions, Event};
use mqtt_protocol_core::mqtt::packet::v3_1_1::{Connack, Disconnect};
use mqtt_protocol_core::mqtt::packet::{GenericPacketTrait, Packet};
use mqtt_protocol_core::mqtt::result_code::{ConnectReturnCode, MqttError};
use mqtt_protocol_core::mqtt::{Connection, Version, role};

use super::broker::{Broker, publish_packet, resuming_packet};
use super::session::{Session, SessionState};
use super::{ANSWER_MAX, CHECKED, ConnectionState, Letter, Outbox, Waiting, back_off};
use crate::configuration::QualityOfService;
use crate::diagnostic::{Diagnostic, Failure, Receipt};
use crate::storage::Handshake;
use crate::tls::{Secure, Trust};

/// A broker that is not subscribed to has nothing longer to say.
const PACKET_BYTES_MAX: u32 = 64 * 1024;

pub(crate) struct MqttRecipient {
    broker: Broker,
    /// For MQTTS.
    secure: Option<Secure>,
    name: String,
    /// Whether the broker is to remember the device from one connection to the next.
    is_lasting: bool,
    /// The report whose handshake the end of a connection broke off.
    half_way: Option<Letter>,
    waiting: Waiting,
    /// Connections that failed or broke since the broker last confirmed anything: one that only lets the device in is not well.
    failures: usize,
    /// Why the connection was lost last.
    last_failure: Option<Failure>,
    link: Link,
}

enum Link {
    Down { retry_at: Uptime },
    Opening { conn: ConnId, deadline: Uptime },
    Open(Box<Session>),
}

impl MqttRecipient {
    /// A broker to connect to at once.
    pub fn new(broker: Broker, trust: &Trust, now: Uptime) -> Self {
        let secure = broker.tls.as_ref().map(|tls| trust.towards(&broker.host, tls).expect(CHECKED));
        MqttRecipient {
            secure,
            name: broker.name(),
            broker,
            is_lasting: false,
            half_way: None,
            waiting: Waiting::default(),
            failures: 0,
            last_failure: None,
            link: Link::Down { retry_at: now },
        }
    }

    pub fn broker(&self) -> &Broker {
        &self.broker
    }

    /// Whether reports are published here at QoS 2 that are kept. A session that lasts needs a name to be known by.
    pub fn publish_exactly_once(&mut self, does: bool) {
        self.is_lasting = does && !self.broker.client_id.is_empty();
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
        let mut go: Vec<Letter> = self.half_way.take_if(|letter| !stays(letter)).into_iter().collect();
        go.extend(self.waiting.take_unless(stays));
        go
    }

    pub fn offer(&mut self, mut letter: Letter, outbox: &mut Outbox) {
        if let Some(handshake) = &letter.handshake {
            let is_open = matches!(self.link, Link::Open(_));
            if handshake.client_id == self.broker.client_id && self.half_way.is_none() && !is_open {
                self.half_way = Some(letter);
                return;
            }
            // Nobody here knows of it.
            if handshake.is_released {
                return outbox.note_delivered(letter, Receipt::Pubrec);
            }
            outbox.forget_handshake(&mut letter);
        }
        if matches!(self.link, Link::Down { .. }) && letter.entry.is_none() {
            return outbox.drop_letter(letter, Failure::NotConnected);
        }
        let under_way = self.under_way().filter(|under_way| under_way.recipient == letter.recipient);
        let under_way = under_way.filter(|under_way| under_way.entry.is_some()).into_iter().count();
        self.waiting.push(letter, under_way, outbox);
    }

    fn under_way(&self) -> Option<&Letter> {
        match &self.link {
            Link::Open(session) => match &session.state {
                SessionState::Publishing { letter, .. } => Some(letter),
                SessionState::Greeting { .. } | SessionState::Idle => self.half_way.as_ref(),
            },
            Link::Down { .. } | Link::Opening { .. } => self.half_way.as_ref(),
        }
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

    fn open(&mut self, now: Uptime, outbox: &mut Outbox) {
        let conn = outbox.connect(&self.broker.host, self.broker.port, self.secure.as_ref());
        self.link = Link::Opening { conn, deadline: now + ANSWER_MAX };
    }

    /// Opens the session on a fresh connection, and has the handshake that was broken off go on if the broker remembers it.
    fn greet(&mut self, conn: ConnId, now: Uptime, outbox: &mut Outbox) {
        let options = ConnectionOptions::new().maximum_packet_size_recv(PACKET_BYTES_MAX);
        let mut protocol = Connection::with_options(Version::V3_1_1, options);
        protocol.set_auto_pub_response(true);
        protocol.set_pingresp_recv_timeout(u64::try_from(ANSWER_MAX.as_millis()).unwrap_or(u64::MAX));
        let half_way = self.half_way.as_ref();
        let resuming = half_way.and_then(|letter| resuming_packet(letter, letter.handshake.as_ref()?)).transpose();
        let is_lasting = self.is_lasting || half_way.is_some();
        let packets = resuming.and_then(|resuming| Ok((resuming, self.broker.connect_packet(is_lasting)?)));
        let events = match packets {
            Ok((resuming, connect)) => {
                protocol.restore_packets(resuming.into_iter().collect());
                protocol.send(connect.into())
            }
            Err(error) => vec![Event::NotifyError(error)],
        };
        let state = SessionState::Greeting { deadline: now + ANSWER_MAX };
        self.link = Link::Open(Box::new(Session { conn, protocol, is_lasting, state, ping_at: None, pong_by: None }));
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
        session.ping_at = Some(now + Duration::from_secs(u64::from(self.broker.keep_alive_s)));
        match packet {
            Packet::V3_1_1Connack(connack) if connack.return_code() == ConnectReturnCode::Accepted => {
                self.begin(connack, now, outbox);
            }
            Packet::V3_1_1Connack(connack) => {
                let failure = Failure::Refused { code: connack.return_code().to_string() };
                self.close(outbox);
                self.fall(failure, now, outbox);
            }
            Packet::V3_1_1Puback(puback) => self.confirm(puback.packet_id(), Receipt::Puback, outbox),
            Packet::V3_1_1Pubcomp(pubcomp) => self.confirm(pubcomp.packet_id(), Receipt::Pubcomp, outbox),
            // Half of the handshake: the broker has again as long for the rest.
            Packet::V3_1_1Pubrec(pubrec) => {
                if let SessionState::Publishing { letter, packet_id, deadline } = &mut session.state
                    && *packet_id == pubrec.packet_id()
                {
                    *deadline = now + ANSWER_MAX;
                    if let Some(handshake) = letter.handshake.clone() {
                        outbox.note_handshake(letter, Handshake { is_released: true, ..handshake });
                    }
                }
            }
            Packet::V3_1_1Pingresp(_) => self.failures = 0,
            _ => {}
        }
    }

    /// The broker has let the device in.
    fn begin(&mut self, connack: &Connack, now: Uptime, outbox: &mut Outbox) {
        let Link::Open(session) = &mut self.link else { return };
        if !matches!(session.state, SessionState::Greeting { .. }) {
            return;
        }
        session.state = SessionState::Idle;
        outbox.diagnostics.push(Diagnostic::ConnectionUp { recipient: self.name.clone() });
        let Some(mut letter) = self.half_way.take() else { return };
        let Some(Handshake { packet_id, is_released, .. }) = letter.handshake else { return };
        match (connack.session_present(), is_released) {
            // The protocol has already sent what it was given to resume.
            (true, _) => {
                if !is_released {
                    outbox.note_sent(&letter);
                }
                session.state = SessionState::Publishing { letter, packet_id, deadline: now + ANSWER_MAX };
            }
            (false, true) => outbox.note_delivered(letter, Receipt::Pubrec),
            (false, false) => {
                outbox.forget_handshake(&mut letter);
                self.waiting.put_back(letter);
            }
        }
    }

    /// A publish is confirmed: the one under way, or one that was given up meanwhile.
    fn confirm(&mut self, confirmed: u16, receipt: Receipt, outbox: &mut Outbox) {
        let Link::Open(session) = &mut self.link else { return };
        match std::mem::replace(&mut session.state, SessionState::Idle) {
            SessionState::Publishing { letter, packet_id, .. } if packet_id == confirmed => {
                self.failures = 0;
                outbox.note_delivered(letter, receipt);
            }
            other => session.state = other,
        }
    }

    pub fn proceed(&mut self, now: Uptime, outbox: &mut Outbox) {
        match &mut self.link {
            Link::Down { retry_at } if now >= *retry_at => self.open(now, outbox),
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
            let Some(publication) = letter.publication.clone() else { continue };
            if publication.qos == QualityOfService::ExactlyOnce && self.is_lasting && !session.is_lasting {
                // The session was begun before the settings asked for one that lasts.
                self.waiting.put_back(letter);
                self.say_goodbye(outbox);
                return self.open(now, outbox);
            }
            let packet_id = match publication.qos {
                QualityOfService::AtMostOnce => Ok(None),
                QualityOfService::ExactlyOnce if self.is_lasting => {
                    begin_handshake(&mut letter, &self.broker, &mut session.protocol, outbox).map(Some)
                }
                _ => session.protocol.acquire_packet_id().map(Some),
            };
            let packet = packet_id.and_then(|id| Ok((id, publish_packet(&publication, id, &letter.document)?)));
            let (packet_id, events) = match packet {
                Ok((packet_id, packet)) => (packet_id, session.protocol.send(packet.into())),
                Err(error) => {
                    self.waiting.put_back(letter);
                    return self.carry_out(vec![Event::NotifyError(error)], now, outbox);
                }
            };
            outbox.note_sent(&letter);
            match packet_id {
                Some(packet_id) => {
                    session.state = SessionState::Publishing { letter, packet_id, deadline: now + ANSWER_MAX };
                }
                // Nobody will ever confirm it.
                None => outbox.strike(&mut letter),
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

    /// Has what is under way wait again, or go on where it was broken off.
    fn interrupt(&mut self, link: Link) {
        if let Link::Open(session) = std::mem::replace(&mut self.link, link)
            && let SessionState::Publishing { letter, .. } = session.state
        {
            match letter.entry.and(letter.handshake.as_ref()) {
                Some(_) => self.half_way = Some(letter),
                None => self.waiting.put_back(letter),
            }
        }
    }

    /// Takes leave of the broker for good, and gives out what is kept; the rest is dropped.
    pub fn give_up(&mut self, failure: &Failure, outbox: &mut Outbox) -> Vec<Letter> {
        self.say_goodbye(outbox);
        self.interrupt(Link::Down { retry_at: Uptime(u64::MAX) });
        self.waiting.drop_unkept(failure, outbox);
        self.take_unless(|_| false, outbox)
    }

    fn say_goodbye(&mut self, outbox: &mut Outbox) {
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
    }

    /// *Data Retransmission* is off: drops what is kept, and has what is under way be the last attempt.
    pub fn keep_none(&mut self, outbox: &mut Outbox) {
        if let Link::Open(session) = &mut self.link
            && let SessionState::Publishing { letter, .. } = &mut session.state
        {
            outbox.strike(letter);
        }
        let waiting = self.waiting.take_unless(|letter| letter.entry.is_none());
        for letter in self.half_way.take().into_iter().chain(waiting) {
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

/// Writes down that a report is going to be published with QoS 2, and gives the packet identifier, which goes with its number in the journal: no
/// other report has it for a long time, whatever becomes of this one.
fn begin_handshake(
    letter: &mut Letter,
    broker: &Broker,
    protocol: &mut Connection<role::Client>,
    outbox: &mut Outbox,
) -> Result<u16, MqttError> {
    // One of a kind that is not kept while it waits, too, for as long as it is under way.
    outbox.keep(letter);
    // Flash is full, and that was said.
    let Some(entry) = letter.entry else { return protocol.acquire_packet_id() };
    let packet_id = u16::try_from(entry % u64::from(u16::MAX)).expect("it is below") + 1;
    let client_id = broker.client_id.clone();
    outbox.note_handshake(letter, Handshake { client_id, packet_id, is_released: false });
    protocol.register_packet_id(packet_id).map(|()| packet_id)
}
