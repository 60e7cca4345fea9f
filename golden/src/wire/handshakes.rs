//! Handshakes of QoS 2 in sessions that outlast their connections, of which the embedded broker has no memory.
//!
//! rumqttd 0.20 says that it remembers such a session, but forgets with each connection what was published on it and not released, records
//! what is published twice as two messages, and ends a connection for the release of a message that it does not know. MQTT 3.1.1 wants the
//! first passed on at its release, the second taken for one, and the third answered (§4.3.3, §4.4). So the relay makes up for these three, and for
//! nothing else: as long as a handshake stays on one connection, it is the broker's own.
//!
//! Knows nothing of sockets, and nothing of what is awaited.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::mqtt_stream::{Cut, DevicePacket, publish_at_most_once};
use super::tally::{Connection, Publish};

const PUBREC: u8 = 0x50;
const PUBCOMP: u8 = 0x70;

/// What was published and not released, by client id and packet identifier, and on which connection the broker heard of it last.
#[derive(Default)]
pub(super) struct Handshakes(BTreeMap<String, BTreeMap<u16, (Connection, Publish)>>);

/// What is done with a packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Course {
    /// What the broker is given.
    pub onward: Option<Bytes>,
    /// What the device is answered in the broker's stead.
    pub answer: Option<Bytes>,
}

impl Handshakes {
    /// A client begins a session of which nothing was before.
    pub fn forget(&mut self, client_id: &str) {
        self.0.remove(client_id);
    }

    /// What to do with a packet of a session that outlasts its connections.
    pub fn course(&mut self, client_id: &str, connection: Connection, cut: &Cut) -> Course {
        let session = self.0.entry(client_id.to_owned()).or_default();
        let pass_on = Course { onward: Some(cut.bytes.clone()), answer: None };
        match &cut.packet {
            DevicePacket::Publish(publish @ Publish { packet_id: Some(id), qos: 2, .. }) => {
                let heard_on = session.insert(*id, (connection, publish.clone()));
                match heard_on {
                    Some((on, _)) if on == connection => Course { onward: None, answer: Some(answer(PUBREC, *id)) },
                    _ => pass_on,
                }
            }
            DevicePacket::Release { packet_id } => match session.remove(packet_id) {
                Some((on, _)) if on == connection => pass_on,
                Some((_, publish)) => {
                    let onward = Some(publish_at_most_once(&publish));
                    Course { onward, answer: Some(answer(PUBCOMP, *packet_id)) }
                }
                None => Course { onward: None, answer: Some(answer(PUBCOMP, *packet_id)) },
            },
            _ => pass_on,
        }
    }
}

fn answer(packet: u8, packet_id: u16) -> Bytes {
    let [high, low] = packet_id.to_be_bytes();
    Bytes::copy_from_slice(&[packet, 2, high, low])
}
