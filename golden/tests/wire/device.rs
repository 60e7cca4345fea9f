//! Devices as plain as can be: bytes on a socket, counted. They share no code with the wire.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use golden::Wire;

/// One connection of a device.
pub struct Device {
    stream: TcpStream,
    /// Bytes sent so far.
    pub sent: u64,
}

impl Device {
    pub fn connect(wire: &Wire, address: &str) -> Device {
        let (host, port) = address.rsplit_once(':').unwrap();
        Device::connect_to(wire.address_map()[&(host.to_owned(), port.parse().unwrap())])
    }

    pub fn connect_to(address: SocketAddr) -> Device {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Device { stream, sent: 0 }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
        self.sent += bytes.as_ref().len() as u64;
    }

    pub fn receive(&mut self, bytes: usize) -> Vec<u8> {
        let mut buffer = vec![0; bytes];
        self.stream.read_exact(&mut buffer).unwrap();
        buffer
    }

    /// Everything until the other end closes.
    pub fn receive_all(&mut self) -> Vec<u8> {
        let mut buffer = Vec::new();
        self.stream.read_to_end(&mut buffer).unwrap();
        buffer
    }

    pub fn close(self) -> u64 {
        let _ = self.stream.shutdown(Shutdown::Both);
        self.sent
    }

    /// Connects an MQTT session.
    pub fn session(wire: &Wire, address: &str, client_id: &str, clean: bool) -> Device {
        let mut device = Device::connect(wire, address);
        device.send(connect(client_id, clean, 60));
        let acknowledgement = device.receive(4);
        assert_eq!((acknowledgement[0], acknowledgement[3]), (0x20, 0), "CONNACK, accepted");
        device
    }
}

pub fn connect(client_id: &str, clean: bool, keep_alive_s: u16) -> Vec<u8> {
    let mut rest = b"\x00\x04MQTT\x04".to_vec();
    rest.push(if clean { 2 } else { 0 });
    rest.extend(keep_alive_s.to_be_bytes());
    rest.extend(with_length(client_id));
    packet(0x10, &rest)
}

pub fn publish(topic: &str, qos: u8, packet_id: u16, body: &str) -> Vec<u8> {
    let mut rest = with_length(topic);
    if qos > 0 {
        rest.extend(packet_id.to_be_bytes());
    }
    rest.extend(body.as_bytes());
    packet(0x30 | qos << 1, &rest)
}

pub fn publish_retained(topic: &str, body: &str) -> Vec<u8> {
    let mut publish = publish(topic, 0, 0, body);
    publish[0] |= 1;
    publish
}

pub fn release(packet_id: u16) -> Vec<u8> {
    packet(0x62, &packet_id.to_be_bytes())
}

pub fn subscribe(packet_id: u16, filter: &str) -> Vec<u8> {
    packet(0x82, &[&packet_id.to_be_bytes()[..], &with_length(filter), &[0]].concat())
}

pub const PING: &[u8] = b"\xc0\x00";
pub const DISCONNECT: &[u8] = b"\xe0\x00";

fn with_length(text: &str) -> Vec<u8> {
    [&u16::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat()
}

fn packet(first: u8, rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mut length = rest.len();
    loop {
        let more = if length > 127 { 128 } else { 0 };
        bytes.push((length % 128) as u8 | more);
        length /= 128;
        if length == 0 {
            break;
        }
    }
    bytes.extend(rest);
    bytes
}

pub fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: 192.168.0.9\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}
