//! A client that nobody here wrote.

use std::time::Duration;

use golden::Wire;
use rumqttc::{Client, Event, MqttOptions, Packet, QoS};

use crate::{MQTT, message, mqtt};

#[test]
fn another_clients_messages_arrive_with_every_qos() {
    let wire = Wire::start(&[mqtt(MQTT)]).unwrap();
    let address = wire.address_map()[&("192.168.0.8".to_owned(), 1883)];
    let mut options = MqttOptions::new("foreign", address.ip().to_string(), address.port());
    options.set_keep_alive(Duration::from_secs(5));
    let (client, mut connection) = Client::new(options, 10);
    client.publish("a", QoS::AtMostOnce, false, "zero").unwrap();
    client.publish("b", QoS::AtLeastOnce, false, "one").unwrap();
    client.publish("c", QoS::ExactlyOnce, false, "two").unwrap();
    // What came before the last acknowledgement has been taken in.
    let last = |event: &Event| matches!(event, Event::Incoming(Packet::PubComp(_)));
    assert!(connection.iter().any(|event| last(&event.unwrap())));
    wire.settle(0).unwrap();
    assert_eq!(wire.drain(), [message("a", 0, "zero"), message("b", 1, "one"), message("c", 2, "two")]);
}
