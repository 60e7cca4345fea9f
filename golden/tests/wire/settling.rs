use std::time::Duration;

use golden::{Wire, WireError};

use crate::device::{Device, connect, post, publish};
use crate::{HTTP, MQTT, bodies, http, mqtt};

/// For what will never come; long enough to be no matter of luck that it did not.
const SHORT: Duration = Duration::from_millis(200);

fn missing(settled: Result<(), WireError>) -> String {
    match settled {
        Err(WireError::Unsettled { missing, .. }) => missing.join("; "),
        other => panic!("{other:?} should say what is missing"),
    }
}

#[test]
fn half_a_packet_is_said_to_be_missing() {
    let wire = Wire::start(&[mqtt(MQTT)]).unwrap();
    let mut device = Device::session(&wire, MQTT, "sensor", true);
    let packet = publish("t", 0, 0, "hello");
    device.send(&packet[..6]);
    let error = missing(wire.settle_within(device.sent, SHORT));
    assert_eq!(error, "192.168.0.8:1883 was sent only 6 of 10 bytes of an MQTT packet (type 3)");
    device.send(&packet[6..]);
    wire.settle(device.sent).unwrap();
    assert_eq!(bodies(&wire), ["hello"]);
}

#[test]
fn half_a_packet_of_a_device_that_is_gone_holds_nothing_up() {
    let wire = Wire::start(&[mqtt(MQTT)]).unwrap();
    let mut device = Device::session(&wire, MQTT, "sensor", true);
    device.send(&publish("t", 0, 0, "hello")[..6]);
    let sent = device.close();
    wire.settle(sent).unwrap();
    assert_eq!(wire.drain(), []);
}

#[test]
fn bytes_that_have_not_come_are_said_to_be_missing() {
    let wire = Wire::start(&[http(HTTP), mqtt(MQTT)]).unwrap();
    wire.settle(0).unwrap();
    let mut device = Device::session(&wire, MQTT, "sensor", true);
    device.send(publish("t", 0, 0, "x"));
    wire.settle(device.sent).unwrap();
    let error = missing(wire.settle_within(device.sent + 1, SHORT));
    assert_eq!(error, format!("{} of {} bytes sent have been taken in", device.sent, device.sent + 1));
}

#[test]
fn bytes_to_all_recipients_count_together() {
    let wire = Wire::start(&[http(HTTP), mqtt(MQTT)]).unwrap();
    let mut by_http = Device::connect(&wire, HTTP);
    let mut by_mqtt = Device::session(&wire, MQTT, "sensor", true);
    by_mqtt.send(publish("t", 0, 0, "by mqtt"));
    by_http.send(post("/", "by http"));
    wire.settle(by_http.sent + by_mqtt.sent).unwrap();
    assert_eq!(bodies(&wire), ["by http", "by mqtt"]);
}

#[test]
fn what_is_not_spoken_there_is_told_at_once() {
    let wire = Wire::start(&[http(HTTP), mqtt(MQTT)]).unwrap();
    let mut device = Device::connect(&wire, MQTT);
    device.send(post("/", "hello"));
    let error = wire.settle(device.sent).unwrap_err().to_string();
    assert_eq!(
        error,
        "192.168.0.8:1883 was sent what it cannot take: a connection that does not begin with an MQTT CONNECT, or has a \
         second one"
    );
    assert_eq!(device.receive_all(), b"", "the connection is closed");

    let wire = Wire::start(&[http(HTTP)]).unwrap();
    let mut device = Device::connect(&wire, HTTP);
    device.send(connect("sensor", true, 60));
    assert!(wire.settle(device.sent).unwrap_err().to_string().contains("no HTTP/1.1 request"));
    assert!(device.receive_all().starts_with(b"HTTP/1.1 400"), "the server answers for itself");
}
