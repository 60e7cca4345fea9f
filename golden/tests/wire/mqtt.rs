use golden::Wire;

use crate::device::{DISCONNECT, Device, PING, connect, publish, publish_retained, release, subscribe};
use crate::{MQTT, bodies, message, mqtt};

#[test]
fn qos_0_1_and_2_are_delivered_with_the_qos_the_device_chose() {
    let wire = Wire::start(&[mqtt(MQTT)]).unwrap();
    let mut device = Device::session(&wire, MQTT, "sensor", true);
    device.send(publish("a/b", 0, 0, "zero"));
    wire.settle(device.sent).unwrap();
    device.send(publish("a/b", 1, 7, "one"));
    wire.settle(device.sent).unwrap();
    assert_eq!(device.receive(4), b"\x40\x02\x00\x07", "PUBACK");
    device.send(publish("a/c", 2, 8, "two"));
    assert_eq!(device.receive(4), b"\x50\x02\x00\x08", "PUBREC");
    device.send(release(8));
    wire.settle(device.sent).unwrap();
    assert_eq!(device.receive(4), b"\x70\x02\x00\x08", "PUBCOMP");
    let delivered = wire.drain();
    assert_eq!(delivered, [message("a/b", 0, "zero"), message("a/b", 1, "one"), message("a/c", 2, "two")]);
    assert_eq!(delivered[2].to_string(), "MQTT 192.168.0.8:1883 a/c qos 2");
}

#[test]
fn a_qos_2_message_is_due_only_once_released() {
    let wire = Wire::start(&[mqtt(MQTT)]).unwrap();
    let mut device = Device::session(&wire, MQTT, "sensor", true);
    device.send(publish("t", 2, 1, "held"));
    wire.settle(device.sent).unwrap();
    assert_eq!(wire.drain(), []);
    assert_eq!(device.receive(4), b"\x50\x02\x00\x01");
    device.send(release(1));
    wire.settle(device.sent).unwrap();
    assert_eq!(wire.drain(), [message("t", 2, "held")]);
}

#[test]
fn many_messages_at_once_keep_their_order() {
    let wire = Wire::start(&[mqtt(MQTT)]).unwrap();
    let mut device = Device::session(&wire, MQTT, "sensor", true);
    let expected: Vec<String> = (0..1000).map(|n| format!("{n} {}", "x".repeat(500))).collect();
    let all: Vec<u8> =
        expected.iter().enumerate().flat_map(|(n, body)| publish("t", (n % 2) as u8, n as u16 + 1, body)).collect();
    device.send(all);
    wire.settle(device.sent).unwrap();
    assert!(bodies(&wire) == expected);
}

#[test]
fn equal_messages_are_delivered_as_often_as_sent() {
    let wire = Wire::start(&[mqtt(MQTT)]).unwrap();
    let mut device = Device::session(&wire, MQTT, "sensor", true);
    let mut again = publish("t", 1, 5, "same");
    device.send(&again);
    assert_eq!(device.receive(4), b"\x40\x02\x00\x05");
    again[0] |= 0b1000; // DUP
    device.send(&again);
    wire.settle(device.sent).unwrap();
    assert_eq!(wire.drain(), [message("t", 1, "same"), message("t", 1, "same")]);
}

#[test]
fn a_message_whose_sender_is_gone_at_once_still_arrives() {
    let wire = Wire::start(&[mqtt(MQTT)]).unwrap();
    let mut sent = 0;
    for n in 0..50 {
        // The same client id each time, ended by DISCONNECT, by closing, or by the next one's CONNECT.
        let mut device = Device::connect(&wire, MQTT);
        device.send(connect("sensor", true, 60));
        device.send(publish("t", 1, 1, &n.to_string()));
        if n % 3 == 0 {
            device.send(DISCONNECT);
        }
        sent += device.sent;
        if n % 3 == 2 {
            wire.settle(sent).unwrap();
            std::mem::forget(device);
        } else {
            device.close();
            wire.settle(sent).unwrap();
        }
        assert_eq!(bodies(&wire), [n.to_string()]);
    }
}

#[test]
fn a_session_is_never_cut_for_the_end_of_the_one_before() {
    let wire = Wire::start(&[mqtt(MQTT)]).unwrap();
    let mut sent = 0;
    for n in 0..300 {
        // Nothing is waited for in between. A different client id, so that the broker sees no take-over.
        let mut ended = Device::connect(&wire, MQTT);
        ended.send(connect("before", true, 60));
        ended.receive(4);
        ended.send(DISCONNECT);
        sent += ended.close();
        let mut device = Device::connect(&wire, MQTT);
        device.send(connect("after", true, 60));
        assert_eq!(device.receive(4), b"\x20\x02\x00\x00");
        for packet_id in 1..4 {
            device.send(publish("t", 1, packet_id, &n.to_string()));
            assert_eq!(device.receive(4), [0x40, 2, 0, packet_id as u8]);
        }
        device.send(DISCONNECT);
        sent += device.close();
    }
    wire.settle(sent).unwrap();
    assert_eq!(wire.drain().len(), 900);
}

#[test]
fn a_session_taken_over_is_ended_and_the_new_one_works() {
    let wire = Wire::start(&[mqtt(MQTT)]).unwrap();
    let mut device = Device::session(&wire, MQTT, "sensor", true);
    let mut sent = 0;
    for n in 0..200 {
        let mut next = Device::session(&wire, MQTT, "sensor", true);
        if n % 2 == 0 {
            assert_eq!(device.receive_all(), b"", "the one before is closed");
        }
        sent += device.close();
        next.send(publish("t", 1, 1, "x"));
        assert_eq!(next.receive(4), b"\x40\x02\x00\x01");
        device = next;
    }
    wire.settle(sent + device.sent).unwrap();
    assert_eq!(wire.drain().len(), 200);
}

#[test]
fn a_broker_carries_two_sessions_at_once() {
    let wire = Wire::start(&[mqtt(MQTT)]).unwrap();
    let mut counting = Device::session(&wire, MQTT, "counting", true);
    let mut dwell = Device::session(&wire, MQTT, "dwell", true);
    let mut expected = Vec::new();
    for n in 0..20 {
        let device = if n % 2 == 0 { &mut counting } else { &mut dwell };
        device.send(publish("t", 1, n + 1, &n.to_string()));
        wire.settle(counting.sent + dwell.sent).unwrap();
        expected.push(n.to_string());
    }
    assert_eq!(bodies(&wire), expected);
}

#[test]
fn the_devices_keep_alive_does_not_count_in_real_time() {
    // 0 means never, which rumqttd refuses; 1 s would run out while light is rendered.
    for keep_alive_s in [0, 1] {
        let wire = Wire::start(&[mqtt(MQTT)]).unwrap();
        let mut device = Device::connect(&wire, MQTT);
        device.send(connect("sensor", true, keep_alive_s));
        assert_eq!(device.receive(4), b"\x20\x02\x00\x00");
        device.send(PING);
        assert_eq!(device.receive(2), b"\xd0\x00");
        wire.settle(device.sent).unwrap();
    }
}

#[test]
fn what_one_wire_left_in_its_broker_is_not_in_the_next() {
    let left = {
        let wire = Wire::start(&[mqtt(MQTT)]).unwrap();
        let mut device = Device::session(&wire, MQTT, "sensor", false);
        device.send(subscribe(1, "commands/#"));
        assert_eq!(device.receive(5), b"\x90\x03\x00\x01\x00");
        device.send(publish_retained("status", "online"));
        wire.settle(device.sent).unwrap();
        let delivered = wire.drain();
        assert_eq!(delivered[0].to_string(), "MQTT 192.168.0.8:1883 status qos 0 retained");
        device
    };
    drop(left);
    // Brokers are lent to whoever comes next; other tests take some too, so several are looked at.
    for _ in 0..5 {
        let wire = Wire::start(&[mqtt(MQTT)]).unwrap();
        let mut device = Device::connect(&wire, MQTT);
        device.send(connect("sensor", false, 60));
        assert_eq!(device.receive(4), b"\x20\x02\x00\x00", "no session is present");
        device.send(subscribe(1, "#"));
        assert_eq!(device.receive(5), b"\x90\x03\x00\x01\x00");
        device.send(PING);
        assert_eq!(device.receive(2), b"\xd0\x00", "and no retained message comes before");
        device.send(publish("commands/x", 0, 0, "?"));
        wire.settle(device.sent).unwrap();
        assert_eq!(bodies(&wire), ["?"]);
    }
}

/// A connection of a client whose session the broker remembers, or is to remember.
fn resumed(wire: &Wire, is_known: bool) -> Device {
    let mut device = Device::connect(wire, MQTT);
    device.send(connect("sensor", false, 60));
    assert_eq!(device.receive(4), [0x20, 2, u8::from(is_known), 0]);
    device
}

fn again(mut publish: Vec<u8>) -> Vec<u8> {
    publish[0] |= 0b1000; // DUP
    publish
}

const PUBREC_7: &[u8] = b"\x50\x02\x00\x07";
const PUBCOMP_7: &[u8] = b"\x70\x02\x00\x07";

#[test]
fn a_qos_2_message_whose_handshake_goes_on_on_another_connection_is_delivered_once() {
    // How often the connection breaks after the first PUBLISH, and after the first PUBREL.
    for (publishes, releases) in [(2, 1), (3, 1), (1, 2), (1, 3), (2, 2)] {
        for ends in [Device::close, |mut device: Device| {
            device.send(DISCONNECT);
            device.close()
        }] {
            let wire = Wire::start(&[mqtt(MQTT)]).unwrap();
            let mut sent = 0;
            let mut device = resumed(&wire, false);
            device.send(publish("t", 2, 7, "held"));
            assert_eq!(device.receive(4), PUBREC_7);
            for _ in 1..publishes {
                sent += ends(device);
                device = resumed(&wire, true);
                device.send(again(publish("t", 2, 7, "held")));
                assert_eq!(device.receive(4), PUBREC_7);
            }
            wire.settle(sent + device.sent).unwrap();
            assert_eq!(wire.drain(), [], "it is not released");
            sent += ends(device);
            device = resumed(&wire, true);
            for _ in 0..releases {
                device.send(release(7));
                assert_eq!(device.receive(4), PUBCOMP_7);
                sent += ends(device);
                device = resumed(&wire, true);
            }
            device.send(publish("t", 2, 7, "next"));
            assert_eq!(device.receive(4), PUBREC_7);
            device.send(release(7));
            assert_eq!(device.receive(4), PUBCOMP_7);
            wire.settle(sent + device.sent).unwrap();
            let delivered = wire.drain();
            assert_eq!(delivered, [message("t", 2, "held"), message("t", 2, "next")], "{publishes}, {releases}");
        }
    }
}

#[test]
fn what_is_published_twice_on_one_connection_is_one_message_only_if_it_says_so() {
    let wire = Wire::start(&[mqtt(MQTT)]).unwrap();
    let mut device = resumed(&wire, false);
    for packet in [publish("t", 2, 7, "once"), again(publish("t", 2, 7, "once"))] {
        device.send(packet);
        assert_eq!(device.receive(4), PUBREC_7);
    }
    device.send(release(7));
    assert_eq!(device.receive(4), PUBCOMP_7);
    wire.settle(device.sent).unwrap();
    assert_eq!(wire.drain(), [message("t", 2, "once")]);

    // A report that is published anew, under another identifier or after its release, comes twice, and that is seen.
    for packet in [publish("t", 2, 7, "twice"), again(publish("t", 2, 7, "twice"))] {
        device.send(packet);
        assert_eq!(device.receive(4), PUBREC_7);
        device.send(release(7));
        assert_eq!(device.receive(4), PUBCOMP_7);
    }
    wire.settle(device.sent).unwrap();
    assert_eq!(bodies(&wire), ["twice", "twice"]);

    for wrong in [publish("t", 2, 7, "one"), again(publish("t", 2, 7, "another"))] {
        let wire = Wire::start(&[mqtt(MQTT)]).unwrap();
        let mut device = resumed(&wire, false);
        device.send(publish("t", 2, 7, "one"));
        assert_eq!(device.receive(4), PUBREC_7);
        device.send(wrong);
        let error = wire.settle(device.sent).unwrap_err().to_string();
        assert!(error.contains("packet id 7"), "{error}");
    }
}

#[test]
fn a_clean_session_knows_of_no_handshake_before() {
    let wire = Wire::start(&[mqtt(MQTT)]).unwrap();
    let mut device = resumed(&wire, false);
    device.send(publish("t", 2, 7, "forgotten"));
    assert_eq!(device.receive(4), PUBREC_7);
    let mut sent = device.close();
    sent += Device::session(&wire, MQTT, "sensor", true).close();
    let mut device = resumed(&wire, false);
    device.send(publish("t", 2, 7, "new"));
    assert_eq!(device.receive(4), PUBREC_7);
    device.send(release(7));
    assert_eq!(device.receive(4), PUBCOMP_7);
    wire.settle(sent + device.sent).unwrap();
    assert_eq!(bodies(&wire), ["new"]);
}
