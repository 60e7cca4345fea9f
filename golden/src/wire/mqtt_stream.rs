//! A device's byte stream cut into MQTT 3.1.1 packets, with what a relay must know of each.
//!
//! Decodes with the broker's own protocol module: the firmware has another one, so a mistake in either shows. Knows nothing
//! of sockets.

use bytes::{BufMut, Bytes, BytesMut};
use rumqttd::protocol::v4::{V4, check};
use rumqttd::protocol::{Error, Packet, Protocol};

use super::tally::Publish;

/// The largest packet a recipient takes, in bytes. Reports by MQTT carry no picture and stay far below.
pub(super) const PACKET_BYTES_MAX: usize = 16 << 20;

/// The packet type of a CONNECT (MQTT 3.1.1 §2.2.1).
const CONNECT: u8 = 1;

/// One packet from the device.
pub(super) struct Cut {
    /// To be passed on to the broker.
    pub bytes: Bytes,
    pub packet: DevicePacket,
}

pub(super) enum DevicePacket {
    Connect { client_id: String, persistent: bool, has_will: bool },
    Publish(Publish),
    Release { packet_id: u16 },
    Disconnect,
    Other,
}

#[derive(Default)]
pub(super) struct MqttStream {
    buffer: BytesMut,
    /// A CONNECT has come.
    begun: bool,
}

impl MqttStream {
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next packet, if it is complete.
    pub fn cut(&mut self) -> Result<Option<Cut>, String> {
        let packet_type = self.buffer.first().map(|byte| byte >> 4);
        if packet_type.is_some_and(|packet_type| self.begun == (packet_type == CONNECT)) {
            return Err("a connection that does not begin with an MQTT CONNECT, or has a second one".to_owned());
        }
        let header = match check(self.buffer.iter(), PACKET_BYTES_MAX) {
            Ok(header) => header,
            Err(Error::InsufficientBytes(_)) => return Ok(None),
            Err(error) => return Err(format!("no MQTT 3.1.1 packet: {error}")),
        };
        let mut bytes = self.buffer.split_to(header.frame_length());
        let packet = V4
            .read_mut(&mut bytes.clone(), PACKET_BYTES_MAX)
            .map_err(|error| format!("no valid MQTT 3.1.1 packet: {error}"))?;
        let packet = match packet {
            Packet::Connect(connect, _, will, _, _) => {
                self.begun = true;
                lengthen_keep_alive(&mut bytes, header.fixed_header_len);
                DevicePacket::Connect {
                    client_id: connect.client_id,
                    persistent: !connect.clean_session,
                    has_will: will.is_some(),
                }
            }
            Packet::Publish(publish, _) => {
                let topic = routable_topic(&publish.topic)?;
                let qos = (header.byte1 >> 1) & 0b11;
                let id_at = header.fixed_header_len + 2 + topic.len();
                let packet_id = (qos > 0).then(|| u16::from_be_bytes([bytes[id_at], bytes[id_at + 1]]));
                let dup = header.byte1 & 0b1000 != 0;
                let payload = publish.payload.to_vec();
                DevicePacket::Publish(Publish { topic, payload, qos, retain: publish.retain, dup, packet_id })
            }
            Packet::PubRel(release, _) => DevicePacket::Release { packet_id: release.pkid },
            Packet::Disconnect(..) => DevicePacket::Disconnect,
            _ => DevicePacket::Other,
        };
        Ok(Some(Cut { bytes: bytes.freeze(), packet }))
    }

    /// The beginning of a packet whose rest has not come, in words.
    pub fn half_sent(&self) -> Option<String> {
        let have = self.buffer.len();
        let rest = match check(self.buffer.iter(), PACKET_BYTES_MAX) {
            Err(Error::InsufficientBytes(rest)) if have > 0 => rest,
            _ => return None,
        };
        // Of a single byte not even the length of the packet is known.
        let of = if have < 2 { "more".to_owned() } else { (have + rest).to_string() };
        Some(format!("{have} of {of} bytes of an MQTT packet (type {})", self.buffer[0] >> 4))
    }

    /// What is left, as it came.
    pub fn rest(&mut self) -> Bytes {
        self.buffer.split().freeze()
    }
}

/// A message for the broker that needs no answer.
pub(super) fn publish_at_most_once(publish: &Publish) -> Bytes {
    let retain = u8::from(publish.retain);
    let mut bytes = BytesMut::new();
    bytes.put_u8(0x30 | retain);
    let mut rest = 2 + publish.topic.len() + publish.payload.len();
    // Seven bits a byte, the lowest first (MQTT 3.1.1 §2.2.3).
    while rest > 127 {
        bytes.put_u8((rest % 128) as u8 | 128);
        rest /= 128;
    }
    bytes.put_u8(rest as u8);
    bytes.put_u16(publish.topic.len() as u16);
    bytes.put_slice(publish.topic.as_bytes());
    bytes.put_slice(&publish.payload);
    bytes.freeze()
}

/// What there is of whole packets; all there is, when that is none of MQTT.
pub(super) fn take_whole_packets(bytes: &mut BytesMut) -> Bytes {
    let mut whole = 0;
    while whole < bytes.len() {
        match check(bytes[whole..].iter(), PACKET_BYTES_MAX) {
            Ok(header) => whole += header.frame_length(),
            Err(Error::InsufficientBytes(_)) => break,
            Err(_) => whole = bytes.len(),
        }
    }
    bytes.split_to(whole).freeze()
}

/// A topic that the embedded broker can route to its capture.
fn routable_topic(topic: &[u8]) -> Result<String, String> {
    let topic = std::str::from_utf8(topic).map_err(|_| "a PUBLISH whose topic is not UTF-8".to_owned())?;
    let first = topic.chars().next().ok_or_else(|| "a PUBLISH with an empty topic".to_owned())?;
    if topic.contains(['+', '#', '\0']) {
        return Err(format!("a PUBLISH to `{topic}`: `+`, `#` and NUL may not be in a topic (MQTT 3.1.1 §3.3.2.1)"));
    }
    if first == '$' {
        return Err(format!("a PUBLISH to `{topic}`: topics that begin with `$` are the broker's own"));
    }
    // rumqttd 0.20 slices the topic after its first byte (`protocol::matches`) and would panic.
    if !first.is_ascii() {
        return Err(format!(
            "a PUBLISH to `{topic}`: the embedded broker needs a topic that begins with an ASCII character"
        ));
    }
    Ok(topic.to_owned())
}

/// Sets the keep-alive of a CONNECT to the longest there is. The device keeps it in virtual time, which runs at any speed and
/// stands still while light is rendered; rumqttd enforces it in real time and would cut a slow run's connection. It refuses 0
/// (never) outright, so 65,535 s it is, of which it waits one and a half times: 27 hours.
fn lengthen_keep_alive(connect: &mut BytesMut, fixed_header_bytes: usize) {
    let name = u16::from_be_bytes([connect[fixed_header_bytes], connect[fixed_header_bytes + 1]]);
    // After the protocol's name: its level and the flags, one byte each.
    let keep_alive_at = fixed_header_bytes + 2 + usize::from(name) + 2;
    (&mut connect[keep_alive_at..keep_alive_at + 2]).put_u16(u16::MAX);
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &[u8] = b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x0a\x00\x03dev";

    /// The first packet, after a CONNECT if it is none itself.
    fn cut(bytes: &[u8]) -> Result<Option<Cut>, String> {
        let mut stream = MqttStream { begun: bytes[0] >> 4 != CONNECT, ..MqttStream::default() };
        stream.push(bytes);
        stream.cut()
    }

    #[test]
    fn only_the_keep_alive_of_a_connect_is_changed() {
        let connect = cut(HELLO).unwrap().unwrap();
        assert!(matches!(
            connect.packet,
            DevicePacket::Connect { ref client_id, persistent: false, has_will: false } if client_id == "dev"
        ));
        assert_eq!(&connect.bytes[..], b"\x10\x0f\x00\x04MQTT\x04\x02\xff\xff\x00\x03dev");
    }

    #[test]
    fn a_publish_is_read_to_the_last_flag_and_passed_on_unchanged() {
        let bytes = b"\x3d\x07\x00\x01t\x12\x34hi";
        let publish = cut(bytes).unwrap().unwrap();
        assert_eq!(&publish.bytes[..], bytes);
        let DevicePacket::Publish(publish) = publish.packet else { panic!("no PUBLISH") };
        assert_eq!((publish.topic.as_str(), &publish.payload[..]), ("t", &b"hi"[..]));
        assert_eq!((publish.qos, publish.retain, publish.dup, publish.packet_id), (2, true, true, Some(0x1234)));
    }

    #[test]
    fn a_message_is_put_into_other_words_without_a_handshake() {
        for payload in [vec![b'x'; 3], vec![b'y'; 130], vec![b'z'; 20_000]] {
            let publish = Publish { topic: "a/b".into(), payload, qos: 2, retain: true, dup: true, packet_id: Some(7) };
            let DevicePacket::Publish(read) = cut(&publish_at_most_once(&publish)).unwrap().unwrap().packet else {
                panic!("no PUBLISH")
            };
            assert_eq!((read.topic, read.payload), (publish.topic, publish.payload));
            assert_eq!((read.qos, read.retain, read.dup, read.packet_id), (0, true, false, None));
        }
    }

    #[test]
    fn the_brokers_packets_are_passed_back_whole() {
        let bytes = b"\x20\x02\x00\x00\x50\x02\x00\x07\xd0\x00";
        for split in 0..bytes.len() {
            let mut buffer = BytesMut::from(&bytes[..split]);
            let first = take_whole_packets(&mut buffer);
            assert!([0, 4, 8].contains(&first.len()) && split - first.len() < 4, "split at {split}");
            buffer.extend_from_slice(&bytes[split..]);
            assert_eq!([first, take_whole_packets(&mut buffer)].concat(), bytes);
        }
    }

    #[test]
    fn packets_are_cut_wherever_the_bytes_are_split() {
        let bytes = [HELLO, b"\x30\x05\x00\x01thi", b"\x62\x02\x00\x01", b"\xe0\x00"].concat();
        for split in 0..=bytes.len() {
            let mut stream = MqttStream::default();
            let mut whole = 0;
            for part in [&bytes[..split], &bytes[split..]] {
                stream.push(part);
                while stream.cut().unwrap().is_some() {
                    whole += 1;
                }
            }
            assert_eq!((whole, stream.half_sent()), (4, None), "split at {split}");
        }
    }

    #[test]
    fn half_a_packet_is_described() {
        let mut stream = MqttStream { begun: true, ..MqttStream::default() };
        stream.push(b"\x30\x05\x00\x01t");
        assert!(stream.cut().unwrap().is_none());
        assert_eq!(stream.half_sent().unwrap(), "5 of 7 bytes of an MQTT packet (type 3)");
        assert_eq!(&stream.rest()[..], b"\x30\x05\x00\x01t");
        stream.push(b"\x30");
        assert_eq!(stream.half_sent().unwrap(), "1 of more bytes of an MQTT packet (type 3)");
    }

    #[test]
    fn a_connection_begins_with_one_connect() {
        let mut stream = MqttStream::default();
        stream.push(b"POST");
        assert!(stream.cut().err().unwrap().contains("does not begin with an MQTT CONNECT"));
        let mut stream = MqttStream::default();
        stream.push(&[HELLO, HELLO].concat());
        assert!(stream.cut().unwrap().is_some());
        assert!(stream.cut().is_err());
    }

    #[test]
    fn what_the_broker_could_not_take_is_refused() {
        let refused = |bytes: &[u8]| cut(bytes).err().expect("should be refused");
        assert!(refused(b"\x10\x04\x00\x02HI").contains("MQTT 3.1.1"));
        assert!(refused(b"\x30\xff\xff\xff\xff\xff").contains("MQTT 3.1.1"));
        assert!(refused(b"\x36\x05\x00\x01t\x00\x01").contains("MQTT 3.1.1"), "there is no QoS 3");
        assert!(refused(b"\x30\x04\x00\x02$S").contains("broker's own"));
        assert!(refused("\x30\x04\x00\x02ü".as_bytes()).contains("ASCII"));
        assert!(refused(b"\x30\x05\x00\x03a/#").contains("may not be in a topic"));
        assert!(refused(b"\x30\x02\x00\x00").contains("empty topic"));
    }
}
