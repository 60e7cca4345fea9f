//! A broker as the device is configured with it, and the packets it is sent.
//!
//! Knows nothing of connections and of when something is sent.

use mqtt_protocol_core::mqtt::packet::v3_1_1::{Connect, Publish, Pubrel};
use mqtt_protocol_core::mqtt::packet::{Qos, StorePacket};
use mqtt_protocol_core::mqtt::result_code::MqttError;

use super::{Letter, Publication};
use crate::configuration::{CertificateType, QualityOfService, ReportProtocol};
use crate::storage::{Handshake, Sender};

/// A broker, and as whom the device speaks to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broker {
    pub host: String,
    pub port: u16,
    pub tls: Option<CertificateType>,
    pub client_id: String,
    pub user_name: Option<String>,
    pub password: Option<String>,
    pub keep_alive_s: u16,
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

    /// As whom the device speaks to it.
    pub fn sender(&self) -> Sender {
        Sender { client_id: self.client_id.clone(), user_name: self.user_name.clone() }
    }

    /// For people.
    pub fn name(&self) -> String {
        let scheme = if self.tls.is_some() { "mqtts" } else { "mqtt" };
        format!("{scheme}://{}:{}", self.host, self.port)
    }

    /// Introduces the device, which the broker remembers from one connection to the next or not.
    pub fn connect_packet(&self, is_lasting: bool) -> Result<Connect, MqttError> {
        let packet = Connect::builder().client_id(self.client_id.as_str())?;
        let mut packet = packet.clean_session(!is_lasting).keep_alive(self.keep_alive_s);
        if let Some(user_name) = &self.user_name {
            packet = packet.user_name(user_name.as_str())?;
        }
        if let Some(password) = &self.password {
            packet = packet.password(password.as_str())?;
        }
        packet.build()
    }
}

/// A report, with a packet identifier above QoS 0.
pub(super) fn publish_packet(
    publication: &Publication,
    packet_id: Option<u16>,
    document: &str,
) -> Result<Publish, MqttError> {
    let qos = match publication.qos {
        QualityOfService::AtMostOnce => Qos::AtMostOnce,
        QualityOfService::AtLeastOnce => Qos::AtLeastOnce,
        QualityOfService::ExactlyOnce => Qos::ExactlyOnce,
    };
    let mut packet = Publish::builder().topic_name(publication.topic.as_str())?.qos(qos).payload(document);
    if let Some(packet_id) = packet_id {
        packet = packet.packet_id(packet_id);
    }
    packet.build()
}

/// What goes on with a handshake on another connection (MQTT 3.1.1 §4.4).
pub(super) fn resuming_packet(letter: &Letter, handshake: &Handshake) -> Option<Result<StorePacket, MqttError>> {
    let id = handshake.packet_id;
    if handshake.is_released {
        return Some(Pubrel::builder().packet_id(id).build().map(StorePacket::V3_1_1Pubrel));
    }
    let publication = letter.publication.as_ref()?;
    let packet = || {
        let packet = Publish::builder().topic_name(publication.topic.as_str())?.qos(Qos::ExactlyOnce).dup(true);
        packet.packet_id(id).payload(&*letter.document).build()
    };
    Some(packet().map(StorePacket::V3_1_1Publish))
}
