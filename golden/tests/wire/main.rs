//! The wire, over real sockets: what a device sends by HTTP or MQTT is what is delivered, once, in order, and to nobody else.

// Real devices have sockets. Nothing here sleeps or needs a certain speed: every wait is for something that must come, and
// the limits only end a test that would fail anyway.
#![allow(clippy::disallowed_methods)]

mod device;
mod foreign_client;
mod http;
mod mqtt;
mod settling;
mod starting;

use golden::{Delivery, Recipient, RecipientKind, Transport, Wire};

const HTTP: &str = "192.168.0.9:80";
const MQTT: &str = "192.168.0.8:1883";

fn http(address: &str) -> Recipient {
    Recipient { kind: RecipientKind::Http, address: address.into(), listen: None, admits: None, tls: None }
}

fn mqtt(address: &str) -> Recipient {
    Recipient { kind: RecipientKind::Mqtt, address: address.into(), listen: None, admits: None, tls: None }
}

fn message(topic: &str, qos: u8, body: &str) -> Delivery {
    let transport = Transport::Mqtt { topic: topic.into(), qos, retain: false };
    Delivery { recipient: MQTT.into(), is_secure: false, transport, body: body.into() }
}

fn bodies(wire: &Wire) -> Vec<String> {
    wire.drain().into_iter().map(|delivery| String::from_utf8(delivery.body).unwrap()).collect()
}
