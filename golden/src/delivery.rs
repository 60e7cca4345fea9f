//! One document as it came off the wire.
//!
//! Knows nothing of sockets, and nothing of what is in the document.

use std::fmt;

/// What a recipient received, once, in one piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The recipient's address as the device is configured with it, such as `192.168.0.9:80`.
    pub recipient: String,
    /// Whether it came over TLS.
    pub is_secure: bool,
    /// How it was sent.
    pub transport: Transport,
    /// Exactly the bytes that came out of the HTTP server or the broker.
    pub body: Vec<u8>,
}

/// How a document was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// In the body of an HTTP request.
    Http {
        /// Such as `POST`.
        method: String,
        /// Path and query, as in the request line.
        path: String,
        /// The `Content-Type` header, if there was one.
        content_type: Option<String>,
        /// The `Host` header, if there was one.
        host: Option<String>,
    },
    /// As an MQTT message.
    Mqtt {
        /// As it came out of the broker.
        topic: String,
        /// Quality of service 0, 1 or 2 that the device published with: a broker tells a subscriber only that of the
        /// subscription, so this comes from the device's own packet.
        qos: u8,
        /// Whether the device asked the broker to retain it; from its own packet, for the same reason.
        retain: bool,
    },
}

/// Where it went and how, on one line: `POST http://192.168.0.9:80/reports`, `MQTT 192.168.0.8:1883 topic/x qos 1`.
impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = if self.is_secure { "s" } else { "" };
        match &self.transport {
            Transport::Http { method, path, .. } => write!(f, "{method} http{s}://{}{path}", self.recipient),
            Transport::Mqtt { topic, qos, retain } => {
                let retained = if *retain { " retained" } else { "" };
                write!(f, "MQTT{} {} {topic} qos {qos}{retained}", s.to_uppercase(), self.recipient)
            }
        }
    }
}
