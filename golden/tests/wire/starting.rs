use std::net::{SocketAddr, TcpListener, TcpStream};

use golden::{Recipient, Wire, WireError};

use crate::device::{Device, post, publish};
use crate::{HTTP, MQTT, bodies, http, mqtt};

#[test]
fn a_busy_port_is_named_with_its_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for recipient in [http(HTTP), mqtt(MQTT)] {
        let recipient = Recipient { listen: Some(address), ..recipient };
        let error = Wire::start(&[recipient]).err().expect("the port is taken").to_string();
        assert!(error.contains(&format!("port {} ", address.port())), "{error}");
        assert!(error.contains("is busy") && error.contains("leave `listen` out"), "{error}");
    }
}

#[test]
fn a_fixed_port_is_listened_on_and_free_again_afterwards() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for _ in 0..3 {
        let wire = Wire::start(&[Recipient { listen: Some(free), ..http(HTTP) }]).unwrap();
        assert_eq!(wire.address_map()[&("192.168.0.9".to_owned(), 80)], free);
        let mut device = Device::connect_to(free);
        device.send(post("/", "x"));
        wire.settle(device.sent).unwrap();
        assert_eq!(bodies(&wire), ["x"]);
    }
}

#[test]
fn addresses_must_be_usable_and_different() {
    for address in ["192.168.0.9", "192.168.0.9:", ":80", "192.168.0.9:99999", "http://192.168.0.9:80"] {
        assert!(matches!(Wire::start(&[http(address)]), Err(WireError::Address { .. })), "{address}");
    }
    assert!(matches!(Wire::start(&[http(HTTP), mqtt(HTTP)]), Err(WireError::AddressTwice { .. })));
    let map = Wire::start(&[http("collector.example:80"), http("[fe80::1]:80")]).unwrap().address_map();
    let names: Vec<&str> = map.keys().map(|(host, _)| host.as_str()).collect();
    assert_eq!(names, ["collector.example", "fe80::1"]);
}

#[test]
fn two_wires_at_once_see_only_their_own_messages() {
    let wires = [Wire::start(&[http(HTTP), mqtt(MQTT)]).unwrap(), Wire::start(&[http(HTTP), mqtt(MQTT)]).unwrap()];
    // The same addresses, client ids and topics on both.
    let mut devices =
        wires.each_ref().map(|wire| (Device::connect(wire, HTTP), Device::session(wire, MQTT, "sensor", true)));
    for round in 0..10 {
        for (n, (by_http, by_mqtt)) in devices.iter_mut().enumerate() {
            by_http.send(post("/", &format!("http {n} {round}")));
            by_mqtt.send(publish("t", 0, 0, &format!("mqtt {n} {round}")));
        }
        for (n, wire) in wires.iter().enumerate() {
            wire.settle(devices[n].0.sent + devices[n].1.sent).unwrap();
            assert_eq!(bodies(wire), [format!("http {n} {round}"), format!("mqtt {n} {round}")]);
        }
    }
}

#[test]
fn one_wire_after_another_sees_only_its_own_messages() {
    for n in 0..20 {
        let wire = Wire::start(&[mqtt(MQTT)]).unwrap();
        assert_eq!(wire.drain(), []);
        let mut device = Device::session(&wire, MQTT, "sensor", n % 2 == 0);
        device.send(publish("t", 1, 1, &n.to_string()));
        wire.settle(device.sent).unwrap();
        assert_eq!(bodies(&wire), [n.to_string()]);
    }
}

#[test]
fn a_dropped_wire_listens_no_more() {
    let wire = Wire::start(&[http(HTTP), mqtt(MQTT)]).unwrap();
    let addresses: Vec<SocketAddr> = wire.address_map().into_values().collect();
    let mut device = Device::session(&wire, MQTT, "sensor", true);
    drop(wire);
    for address in addresses {
        assert!(TcpStream::connect(address).is_err(), "{address} still answers");
    }
    assert_eq!(device.receive_all(), b"", "its connections are closed");
}
