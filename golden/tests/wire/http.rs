use golden::{Delivery, Transport, Wire};

use crate::device::{Device, post};
use crate::{HTTP, bodies, http};

#[test]
fn a_post_is_delivered_as_it_was_sent() {
    let wire = Wire::start(&[http(HTTP)]).unwrap();
    let mut device = Device::connect(&wire, HTTP);
    device.send(post("/reports?a=b", "{\"n\": 1}"));
    wire.settle(device.sent).unwrap();
    let transport = Transport::Http {
        method: "POST".into(),
        path: "/reports?a=b".into(),
        content_type: Some("application/json".into()),
        host: Some("192.168.0.9".into()),
    };
    let delivered = wire.drain();
    assert_eq!(
        delivered,
        [Delivery { recipient: HTTP.into(), is_secure: false, transport, body: b"{\"n\": 1}".into() }]
    );
    assert_eq!(delivered[0].to_string(), "POST http://192.168.0.9:80/reports?a=b");
    assert!(device.receive(17).starts_with(b"HTTP/1.1 200 OK\r\n"));
    assert_eq!(wire.drain(), [], "delivered once");
}

#[test]
fn requests_come_in_the_order_sent_over_several_connections() {
    let wire = Wire::start(&[http(HTTP)]).unwrap();
    let mut devices: Vec<Device> = (0..3).map(|_| Device::connect(&wire, HTTP)).collect();
    let mut sent = 0;
    let mut expected = Vec::new();
    for n in 0..30 {
        let body = format!("report {n}");
        let device = &mut devices[n * 7 % 3];
        let before = device.sent;
        device.send(post("/", &body));
        sent += device.sent - before;
        wire.settle(sent).unwrap();
        expected.push(body);
    }
    assert_eq!(bodies(&wire), expected);
}

#[test]
fn requests_sent_in_one_go_all_arrive_in_order() {
    let wire = Wire::start(&[http(HTTP)]).unwrap();
    let mut device = Device::connect(&wire, HTTP);
    let expected: Vec<String> = (0..20).map(|n| format!("report {n}")).collect();
    device.send(expected.iter().map(|body| post("/", body)).collect::<String>());
    wire.settle(device.sent).unwrap();
    assert_eq!(bodies(&wire), expected);
}

#[test]
fn a_chunked_body_and_a_large_one_arrive_whole() {
    let wire = Wire::start(&[http(HTTP)]).unwrap();
    let mut device = Device::connect(&wire, HTTP);
    device.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n");
    // A snapshot is far larger than axum's usual limit of 2 MB.
    let snapshot = "x".repeat(5 << 20);
    device.send(post("/", &snapshot));
    wire.settle(device.sent).unwrap();
    assert!(bodies(&wire) == ["hello", &snapshot]);
}

#[test]
fn a_request_whose_sender_is_gone_at_once_still_arrives() {
    let wire = Wire::start(&[http(HTTP)]).unwrap();
    let mut sent = 0;
    for n in 0..50 {
        let mut device = Device::connect(&wire, HTTP);
        device.send(post("/", &n.to_string()));
        sent += device.close();
        wire.settle(sent).unwrap();
        assert_eq!(bodies(&wire), [n.to_string()]);
    }
}

#[test]
fn an_incomplete_request_is_not_delivered_and_holds_nothing_up() {
    let wire = Wire::start(&[http(HTTP)]).unwrap();
    let mut device = Device::connect(&wire, HTTP);
    let request = post("/", "hello");
    device.send(&request[..request.len() - 1]);
    wire.settle(device.sent).unwrap();
    assert_eq!(wire.drain(), []);
    device.send(&request[request.len() - 1..]);
    wire.settle(device.sent).unwrap();
    assert_eq!(bodies(&wire), ["hello"]);
}

#[test]
fn recipients_are_told_apart_and_drained_in_their_order() {
    let other = "collector.example:8080";
    let wire = Wire::start(&[http(HTTP), http(other)]).unwrap();
    let (mut first, mut second) = (Device::connect(&wire, HTTP), Device::connect(&wire, other));
    second.send(post("/", "to the other"));
    wire.settle(second.sent).unwrap();
    first.send(post("/", "to the first"));
    wire.settle(first.sent + second.sent).unwrap();
    let delivered: Vec<(String, Vec<u8>)> = wire.drain().into_iter().map(|d| (d.recipient, d.body)).collect();
    assert_eq!(delivered, [(HTTP.into(), b"to the first".into()), (other.into(), b"to the other".into())]);
}

#[test]
fn what_is_sent_on_several_connections_at_once_is_drained_in_the_order_in_which_they_were_made() {
    let wire = Wire::start(&[http(HTTP)]).unwrap();
    let mut devices: Vec<Device> = (0..8).map(|_| Device::connect(&wire, HTTP)).collect();
    for round in 0..20 {
        // The other way round.
        for (i, device) in devices.iter_mut().enumerate().rev() {
            device.send(post("/", &format!("{round}.{i}")));
        }
        wire.settle(devices.iter().map(|device| device.sent).sum()).unwrap();
        assert_eq!(bodies(&wire), (0..8).map(|i| format!("{round}.{i}")).collect::<Vec<_>>());
    }
}
