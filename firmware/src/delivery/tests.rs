use firmware_shim::NetAction;

use super::*;
use crate::configuration::{CertificateType, HttpUrl};
use crate::diagnostic::Diagnostic;
use crate::firmware::Tally;
use crate::storage::{Journal, blank_image, perform};

fn http(addresses: &[&str]) -> ReportProtocol {
    let url = |address: &&str| HttpUrl::try_from((*address).to_owned()).expect("an address");
    let entry = |address| NotificationUrl {
        enable: true,
        url: url(address),
        user_name: None,
        password: None,
        certificate_type: CertificateType::CaSigned,
        snapshot: false,
    };
    ReportProtocol::Http { urls: addresses.iter().map(entry).collect() }
}

fn mqtt(topic: &str) -> ReportProtocol {
    ReportProtocol::Mqtt {
        host: "broker".into(),
        port: 1883.try_into().expect("a port"),
        tls: None,
        client_id: "sensor".into(),
        user_name: None,
        password: None,
        topic: Topic::try_from(topic.to_owned()).expect("a topic"),
        qos: QualityOfService::AtLeastOnce,
        keep_alive_s: 60.try_into().expect("not zero"),
    }
}

fn outbox() -> Outbox {
    Outbox::new(1, Journal::open(&blank_image()).0, 0)
}

fn delivery() -> Delivery {
    Delivery::new(Vec::new(), Trust::new(&[], Arc::default()).expect("no authorities but Mozilla's"))
}

fn offer(delivery: &mut Delivery, protocol: &ReportProtocol, report: u64, outbox: &mut Outbox) {
    delivery.offer(protocol, &Offer { report, document: &"{}".into(), is_kept: true, snapshot: None }, outbox);
}

fn lines(outbox: &Outbox) -> Vec<String> {
    outbox.diagnostics.iter().map(Diagnostic::to_string).collect()
}

#[test]
fn the_oldest_of_too_many_waiting_reports_goes() {
    let protocol = http(&["http://192.168.0.9/"]);
    let (mut outbox, mut delivery) = (outbox(), delivery());
    delivery.reconfigure(&[&protocol], false, Uptime::ZERO, &mut outbox);
    for report in 1..=102 {
        offer(&mut delivery, &protocol, report, &mut outbox);
    }
    let dropped =
        |report| format!("report {report} dropped for http://192.168.0.9/: 100 newer reports are waiting already");
    assert_eq!(lines(&outbox), [dropped(1), dropped(2)]);
    assert_eq!(outbox.tally, Tally { offered: 102, dropped: 2, ..Tally::default() });
}

#[test]
fn functions_with_the_same_address_share_it_and_what_one_gives_up_the_other_keeps() {
    let (one, other) = (http(&["http://a/", "http://b/"]), http(&["http://b/"]));
    let (mut outbox, mut delivery) = (outbox(), delivery());
    delivery.reconfigure(&[&one, &other], false, Uptime::ZERO, &mut outbox);
    offer(&mut delivery, &one, 1, &mut outbox);
    offer(&mut delivery, &other, 2, &mut outbox);
    assert_eq!((delivery.http.len(), outbox.tally.offered), (2, 3));
    delivery.reconfigure(&[&other], false, Uptime::ZERO, &mut outbox);
    assert_eq!(lines(&outbox), ["report 1 dropped for http://a/: recipient no longer configured"]);
}

#[test]
fn topics_of_one_client_share_a_connection() {
    let (one, other) = (mqtt("people"), mqtt("lines"));
    let (mut outbox, mut delivery) = (outbox(), delivery());
    delivery.reconfigure(&[&one, &other], false, Uptime::ZERO, &mut outbox);
    delivery.proceed(Uptime::ZERO, &mut outbox);
    offer(&mut delivery, &one, 1, &mut outbox);
    offer(&mut delivery, &other, 2, &mut outbox);
    let opened = outbox.network.iter().filter(|action| matches!(action, NetAction::Connect { .. })).count();
    assert_eq!((opened, outbox.tally.offered), (1, 2));
    delivery.reconfigure(&[&other], false, Uptime::ZERO, &mut outbox);
    assert_eq!(lines(&outbox), ["report 1 dropped for mqtt://broker:1883/people: recipient no longer configured"]);
}

#[test]
fn what_was_kept_goes_out_as_surely_as_it_was_to_when_two_functions_share_a_topic() {
    let surely = |of: QualityOfService| match mqtt("people") {
        ReportProtocol::Mqtt { host, port, tls, client_id, user_name, password, topic, keep_alive_s, .. } => {
            ReportProtocol::Mqtt { host, port, tls, client_id, user_name, password, topic, qos: of, keep_alive_s }
        }
        http => http,
    };
    let protocols = [QualityOfService::AtMostOnce, QualityOfService::ExactlyOnce].map(surely);
    for (first, second) in [(0, 1), (1, 0)] {
        let (mut outbox, mut delivery) = (outbox(), delivery());
        let both = [&protocols[first], &protocols[second]];
        delivery.reconfigure(&both, true, Uptime::ZERO, &mut outbox);
        offer(&mut delivery, &protocols[0], 1, &mut outbox);
        offer(&mut delivery, &protocols[1], 2, &mut outbox);
        let mut image = blank_image();
        perform(&mut image, &outbox.take_flash_ops());
        let (journal, kept, _) = Journal::open(&image);
        let trust = Trust::new(&[], Arc::default()).expect("no authorities but Mozilla's");
        let (mut delivery, mut outbox) = (Delivery::new(kept, trust), Outbox::new(2, journal, 2));
        delivery.reconfigure(&both, true, Uptime::ZERO, &mut outbox);
        let waiting = delivery.mqtt[0].waiting_mut();
        let mut next = || waiting.pop().and_then(|letter| letter.publication).map(|to| to.qos);
        assert_eq!([next(), next()], [Some(QualityOfService::AtMostOnce), Some(QualityOfService::ExactlyOnce)]);
    }
}

#[test]
fn what_waits_at_a_broker_for_a_topic_that_is_now_told_to_another_is_dropped() {
    let elsewhere = |protocol: ReportProtocol| match protocol {
        ReportProtocol::Mqtt { port, tls, client_id, user_name, password, topic, qos, keep_alive_s, .. } => {
            let host = "elsewhere".into();
            ReportProtocol::Mqtt { host, port, tls, client_id, user_name, password, topic, qos, keep_alive_s }
        }
        http => http,
    };
    let (mut outbox, mut delivery) = (outbox(), delivery());
    delivery.reconfigure(&[&mqtt("people"), &mqtt("lines")], false, Uptime::ZERO, &mut outbox);
    delivery.proceed(Uptime::ZERO, &mut outbox);
    offer(&mut delivery, &mqtt("lines"), 1, &mut outbox);
    delivery.reconfigure(&[&mqtt("people"), &elsewhere(mqtt("lines"))], false, Uptime::ZERO, &mut outbox);
    assert_eq!(lines(&outbox), ["report 1 dropped for mqtt://broker:1883/lines: recipient no longer configured"]);
}

#[test]
fn what_goes_out_as_somebody_else_does_so_after_the_next_start_too() {
    let of = |name: &str| match http(&["http://a/"]) {
        ReportProtocol::Http { mut urls } => {
            urls[0].user_name = Some(name.to_owned());
            ReportProtocol::Http { urls }
        }
        mqtt => mqtt,
    };
    let (bob, eve) = (of("bob"), of("eve"));
    let (mut outbox, mut delivery) = (outbox(), delivery());
    delivery.reconfigure(&[&bob], true, Uptime::ZERO, &mut outbox);
    offer(&mut delivery, &bob, 1, &mut outbox);
    let mut image = blank_image();
    perform(&mut image, &outbox.take_flash_ops());
    let senders = |image: &[u8]| -> Vec<Option<String>> {
        Journal::open(image).1.into_iter().map(|kept| kept.sender.user_name).collect()
    };
    assert_eq!(senders(&image), [Some("bob".to_owned())]);
    delivery.reconfigure(&[&eve], true, Uptime::ZERO, &mut outbox);
    perform(&mut image, &outbox.take_flash_ops());
    assert_eq!(senders(&image), [Some("eve".to_owned())]);
}
