//! A broker that remembers its one client and takes each message once (MQTT 3.1.1 §4.3.3), of bytes and nothing else.

use std::collections::BTreeMap;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// What becomes of a connection.
pub enum Answer {
    Bytes(Vec<u8>),
    /// It breaks before the answer.
    Breaks,
}

#[derive(Default)]
pub struct Broker {
    /// The beginning of a packet.
    buffer: Vec<u8>,
    is_known: bool,
    /// What was published and not released, by packet identifier.
    published: BTreeMap<u16, String>,
    pub passed_on: Vec<String>,
    /// How often a handshake went on that was broken off.
    pub resumed: usize,
}

impl Broker {
    pub fn connect(&mut self) {
        self.buffer.clear();
    }

    /// Takes bytes in. Of answers, some are lost with their connection.
    pub fn hear(&mut self, bytes: &[u8], rng: &mut ChaCha8Rng) -> Answer {
        self.buffer.extend_from_slice(bytes);
        let mut answers = vec![];
        while let Some((first, packet)) = self.packet() {
            if first >> 4 != 1 && rng.random_bool(0.05) {
                // It did not arrive, or the answer does not.
                if rng.random_bool(0.5) {
                    self.answer(first, &packet);
                }
                return Answer::Breaks;
            }
            answers.extend(self.answer(first, &packet));
        }
        Answer::Bytes(answers)
    }

    /// The first byte of the next packet, and what follows its length.
    fn packet(&mut self) -> Option<(u8, Vec<u8>)> {
        let (mut length, mut at) = (0, 1);
        loop {
            let byte = usize::from(*self.buffer.get(at)?);
            length |= (byte & 0x7F) << (7 * (at - 1));
            at += 1;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let rest = self.buffer.get(at..at + length)?.to_vec();
        let first = self.buffer[0];
        self.buffer.drain(..at + length);
        Some((first, rest))
    }

    fn answer(&mut self, first: u8, packet: &[u8]) -> Vec<u8> {
        let number = |at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
        match first >> 4 {
            1 => {
                let is_clean = packet[7] & 2 != 0;
                assert!(!is_clean, "what is published here once is to be remembered");
                let was_known = std::mem::replace(&mut self.is_known, true);
                vec![0x20, 2, u8::from(was_known), 0]
            }
            3 => {
                assert_eq!(first & 0b0110, 0b0100, "QoS 2");
                let id_at = 2 + usize::from(number(0));
                let (id, is_again) = (number(id_at), first & 0b1000 != 0);
                let message = String::from_utf8(packet[id_at + 2..].to_vec()).expect("text");
                self.resumed += usize::from(is_again);
                if let Some(known) = self.published.insert(id, message.clone()) {
                    assert!(is_again && known == message, "identifier {id} is another message's");
                }
                vec![0x50, 2, packet[id_at], packet[id_at + 1]]
            }
            6 => {
                match self.published.remove(&number(0)) {
                    Some(message) => self.passed_on.push(message),
                    None => self.resumed += 1,
                }
                vec![0x70, 2, packet[0], packet[1]]
            }
            12 => vec![0xD0, 0],
            14 => vec![],
            other => panic!("a device does not send packets of type {other}"),
        }
    }
}
