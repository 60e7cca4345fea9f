//! One connection on which MQTT is spoken: what is under way on it, and by when what must happen.
//!
//! Knows nothing of what waits, and nothing of other connections.

use firmware_shim::{ConnId, Uptime};
use mqtt_protocol_core::mqtt::connection::TimerKind;
use mqtt_protocol_core::mqtt::{Connection, role};

use super::Letter;

/// A TCP connection on which MQTT is spoken.
pub(super) struct Session {
    pub conn: ConnId,
    pub protocol: Connection<role::Client>,
    /// Whether the broker was asked to remember it.
    pub is_lasting: bool,
    pub state: SessionState,
    /// When the broker is asked whether it is still there: it has not been heard for so long. What the device sends meanwhile does not
    /// count, for at QoS 0 that goes on into a void.
    pub ping_at: Option<Uptime>,
    pub pong_by: Option<Uptime>,
}

pub(super) enum SessionState {
    /// CONNACK has yet to come.
    Greeting {
        deadline: Uptime,
    },
    Idle,
    /// At QoS 1 and 2: the broker has yet to confirm.
    Publishing {
        letter: Letter,
        packet_id: u16,
        deadline: Uptime,
    },
}

impl Session {
    /// By when CONNACK or the next word on a publish must have come.
    pub fn answer_by(&self) -> Option<Uptime> {
        match &self.state {
            SessionState::Greeting { deadline } | SessionState::Publishing { deadline, .. } => Some(*deadline),
            SessionState::Idle => None,
        }
    }

    /// What the protocol wants a timer to be.
    pub fn set_timer(&mut self, kind: TimerKind, at: Option<Uptime>) {
        match kind {
            TimerKind::PingrespRecv => self.pong_by = at,
            // By when the device has to have sent something, which it has as it asks in time; and a broker's timer.
            TimerKind::PingreqSend | TimerKind::PingreqRecv => {}
        }
    }

    /// A timer of the protocol that has run out.
    pub fn fired(&mut self, now: Uptime) -> Option<TimerKind> {
        if self.pong_by.take_if(|at| now >= *at).is_some() {
            return Some(TimerKind::PingrespRecv);
        }
        self.ping_at.take_if(|at| now >= *at).map(|_| TimerKind::PingreqSend)
    }
}
