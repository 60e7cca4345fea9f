//! What crosses the boundary in one step: pins, clock, picture and network, as plain values.

use serde::{Deserialize, Serialize};

use crate::{CameraSettings, FlashOp, Frame, RgbImage, RtcTime, Uptime};

/// A digital level at a pin, after the electrics and before any debouncing by firmware.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// At most 0.5 V at the wet contact.
    #[default]
    Low,
    /// At least 3 V.
    High,
}

/// The DO–COM contact (guide §2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Contact {
    /// Not conducting; so is an unpowered device.
    #[default]
    Open,
    /// Conducting: the number of people is within the threshold.
    Closed,
}

/// Names one TCP connection, or one exchange of datagrams; firmware chooses the numbers, in ascending order, and never uses one twice. Those of connections that others open
/// are the network's, from [`ConnId::ACCEPTED`] on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConnId(pub u64);

impl ConnId {
    /// The lowest number of a connection that somebody else opened.
    pub const ACCEPTED: ConnId = ConnId(1 << 63);
}

/// What the network did since the last step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetEvent {
    /// The connection asked for is open.
    Connected {
        /// Which one.
        conn: ConnId,
    },
    /// Somebody has opened a connection to a port that is listened at.
    Accepted {
        /// Its number, chosen by the network.
        conn: ConnId,
        /// The port.
        port: u16,
    },
    /// The connection asked for could not be opened; the number is spent.
    ConnectFailed {
        /// Which one.
        conn: ConnId,
        /// The network's words for it.
        reason: String,
    },
    /// Bytes arrived, in order, in pieces of any size.
    Received {
        /// On which connection.
        conn: ConnId,
        /// At least one byte.
        bytes: Vec<u8>,
    },
    /// The peer closed the connection, or it broke. No further event comes for it.
    Closed {
        /// Which one.
        conn: ConnId,
        /// The network's words for it, `None` for an orderly close.
        reason: Option<String>,
    },
}

impl NetEvent {
    /// The connection this event is about.
    pub fn conn(&self) -> ConnId {
        match self {
            NetEvent::Connected { conn }
            | NetEvent::Accepted { conn, .. }
            | NetEvent::ConnectFailed { conn, .. }
            | NetEvent::Received { conn, .. }
            | NetEvent::Closed { conn, .. } => *conn,
        }
    }
}

/// What firmware asks of the network, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetAction {
    /// Open a TCP connection; answered by `Connected` or `ConnectFailed`.
    Connect {
        /// A fresh number.
        conn: ConnId,
        /// As configured: a name or an address.
        host: String,
        /// TCP port.
        port: u16,
    },
    /// Listen at a TCP port. On connections that come that way a send never waits: a peer that does not take what it is sent, until the
    /// buffers are full, is `Closed`.
    Listen {
        /// The port, as the device's neighbours know it.
        port: u16,
    },
    /// Listen there no longer. Connections stay.
    Unlisten {
        /// The port.
        port: u16,
    },
    /// Send one UDP datagram, from a port of its own; what comes back to it is `Received`, as often as something does. No `Connected` follows.
    Ask {
        /// A fresh number.
        conn: ConnId,
        /// As configured: a name or an address.
        host: String,
        /// UDP port.
        port: u16,
        /// The datagram.
        bytes: Vec<u8>,
    },
    /// Send these bytes.
    Send {
        /// An open connection.
        conn: ConnId,
        /// All of them, in order.
        bytes: Vec<u8>,
    },
    /// Close; no event follows.
    Close {
        /// Which one.
        conn: ConnId,
    },
}

/// Everything firmware may know in one step besides the time.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// The real-time clock's reading at this instant.
    pub rtc: RtcTime,
    /// A frame, when one is due at this instant.
    pub frame: Option<Frame>,
    /// The DI pin.
    pub di: Level,
    /// Whether the reset button is held down.
    pub reset_pressed: bool,
    /// What has come by RS485 since the last step.
    pub rs485: Vec<u8>,
    /// What the network did, in order.
    pub network: Vec<NetEvent>,
    /// The picture that the step before asked for ([`Outputs::take_picture`]); `None` when the camera has none.
    pub picture: Option<RgbImage>,
}

/// Everything firmware does in one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outputs {
    /// For the flash, in this order. All of it is done before anything for the network is.
    pub flash: Vec<FlashOp>,
    /// For the network, in this order.
    pub network: Vec<NetAction>,
    /// Connections on which an answer is outstanding, ascending. While there are any, the wire is not at rest.
    pub awaiting: Vec<ConnId>,
    /// When to step next at the latest, even if nothing happens.
    pub next_wake: Option<Uptime>,
    /// What the camera is set to.
    pub camera: CameraSettings,
    /// How the DO contact is driven.
    pub do_contact: Contact,
    /// What the real-time clock is set to, at this instant.
    pub set_rtc: Option<RtcTime>,
    /// Of which frame all pixels of the chip are wanted. The next step comes at this very instant and brings them.
    pub take_picture: Option<u64>,
    /// Whether the LED is driven on.
    pub led_on: bool,
    /// Whether the device is to start anew: this was the last step of this start.
    pub restart: bool,
}
