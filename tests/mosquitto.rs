//! The device against a broker that we did not write: mosquitto. It runs at its own pace, so nothing here depends on when
//! something arrives, only on what.

// A test's own sockets and processes; the device's virtual time stays virtual.
#![allow(clippy::disallowed_methods)]

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};

use firmware::Configuration;
use firmware::configuration::{CertificateType, ReportProtocol};
use ron_file::RonFile;
use serde_json::Value;

mod cable;
mod device;
mod nobody;
mod process;
mod skip;

use cable::Cut;
use device::{kinds, run_device};
use process::Running;
use skip::skip;

/// A mosquitto of our own.
struct Broker {
    process: Running,
    address: SocketAddr,
    /// What it says of its work, from the moment it listens.
    log: Box<dyn Iterator<Item = String> + Send>,
}

impl Broker {
    /// Somebody who listens, until so many messages have come; `None` where the program is not installed.
    fn subscriber(&mut self, messages: usize, arguments: &[&str]) -> Option<Running> {
        let started = Command::new("mosquitto_sub")
            .args(["-h", "127.0.0.1", "-p", &self.address.port().to_string(), "-t", "counts", "-q", "2"])
            .args(["-C", &messages.to_string(), "-W", "60"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn();
        let subscriber = Running(started.ok()?);
        assert!(self.log.any(|line| line.contains("Sending SUBACK")), "somebody listens before the device speaks");
        Some(subscriber)
    }
}

/// The messages that a subscriber printed.
fn messages(subscriber: &mut Running) -> Vec<Value> {
    let lines = BufReader::new(subscriber.0.stdout.take().expect("piped")).lines();
    lines.map(|line| serde_json::from_str(&line.expect("text")).expect("a JSON document")).collect()
}

/// What the two sides of a secure connection know each other by, as files for mosquitto.
struct Certificates {
    folder: tempfile::TempDir,
    /// Whether the broker wants to see those of devices.
    asks_devices: bool,
}

const DEVICE: &str = include_str!("../golden/certificates/device.pem");
const DEVICE_KEY: &str = include_str!("../golden/certificates/device.key");

impl Certificates {
    fn new(asks_devices: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let tls = golden::Tls { names: vec!["broker".into(), "127.0.0.1".into()], ..golden::Tls::default() };
        let (certificate, key) = tls.certificate("broker").expect("a certificate");
        for (name, text) in [
            ("authority.pem", golden::AUTHORITY),
            ("broker.pem", &certificate),
            ("broker.key", &key),
            ("device.pem", DEVICE),
            ("device.key", DEVICE_KEY),
        ] {
            std::fs::write(folder.path().join(name), text).expect("written");
        }
        Certificates { folder, asks_devices }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Lets in whom the authority signed for, and nobody else; or everybody.
    fn mosquitto_conf(&self, port: u16) -> String {
        let [ca, certificate, key] = ["authority.pem", "broker.pem", "broker.key"].map(|name| self.path(name));
        let conf = format!(
            "user root\nlistener {port} 127.0.0.1\nallow_anonymous true\ncafile {ca}\ncertfile {certificate}\nkeyfile {key}\n\
             require_certificate {asks_devices}\n",
            asks_devices = self.asks_devices,
        );
        std::fs::write(self.folder.path().join("mosquitto.conf"), conf).expect("written");
        self.path("mosquitto.conf")
    }
}

/// A mosquitto on a free port, or `None` where it is not installed.
fn broker(certificates: Option<&Certificates>) -> Option<Broker> {
    // Between choosing a port and mosquitto's opening it somebody else may take it; then another is tried.
    for _ in 0..10 {
        let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        let program =
            if std::path::Path::new("/usr/sbin/mosquitto").exists() { "/usr/sbin/mosquitto" } else { "mosquitto" };
        // Given a port and no configuration, mosquitto listens on loopback only and lets anybody in.
        let arguments = match certificates {
            None => ["-v".to_owned(), "-p".to_owned(), address.port().to_string()],
            Some(certificates) => ["-v".to_owned(), "-c".to_owned(), certificates.mosquitto_conf(address.port())],
        };
        let started = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = Running(started.ok()?);
        // It says so when it listens; a port that is taken ends it, and with it its words.
        let words = BufReader::new(child.0.stderr.take().expect("piped"));
        let mut lines = words.lines().map_while(Result::ok);
        // "mosquitto version … running"; it speaks of clients running on this machine before it listens. Where one of its two
        // addresses is taken it runs with the other one.
        let runs = lines.any(|line| line.ends_with(" running")) && child.0.try_wait().expect("can be asked").is_none();
        if runs && TcpStream::connect(address).is_ok() {
            return Some(Broker { process: child, address, log: Box::new(lines) });
        }
    }
    panic!("mosquitto did not start on any of ten ports");
}

fn configuration(qos: u8, tls: Option<CertificateType>) -> Configuration {
    let text = format!(
        "(region_people_counting: (
            report_regularly: FromNowOn(interval_s: 5),
            report_by_result: OnceResultChanges,
            protocol: Mqtt(host: \"broker\", client_id: \"twin\", topic: \"counts\", qos: {qos}),
        ))"
    );
    let mut configuration: Configuration = RonFile::embedded("configuration", text).parse().expect("a configuration");
    if let ReportProtocol::Mqtt { tls: setting, .. } = &mut configuration.region_people_counting.protocol {
        *setting = tls;
    }
    configuration
}

/// Runs the device, which reports to this broker.
fn run(qos: u8, tls: Option<CertificateType>, broker: SocketAddr) -> Vec<String> {
    run_knowing(&[], qos, tls, broker)
}

/// The same on a device that came with these authorities.
fn run_knowing(authorities: &[&str], qos: u8, tls: Option<CertificateType>, broker: SocketAddr) -> Vec<String> {
    let authorities = authorities.iter().map(|&pem| pem.to_owned()).collect();
    run_device(&configuration(qos, tls), authorities, [(("broker".to_owned(), 1883), broker)].into())
}

#[test]
fn mosquitto_lets_in_over_tls_a_device_that_shows_its_certificate_and_no_other() {
    let certificates = Certificates::new(true);
    let shows = |certificate: Option<(&str, &str)>| CertificateType::SelfSigned {
        ca_certificate: golden::AUTHORITY.to_owned(),
        client_certificate: certificate.map(|(certificate, _)| certificate.to_owned()),
        client_key: certificate.map(|(_, key)| key.to_owned()),
    };
    let Some(mut broker) = broker(Some(&certificates)) else {
        return skip("mosquitto is not installed (apt-get install mosquitto mosquitto-clients)");
    };
    let [ca, certificate, key] = ["authority.pem", "device.pem", "device.key"].map(|name| certificates.path(name));
    let Some(mut subscriber) = broker.subscriber(3, &["--cafile", &ca, "--cert", &certificate, "--key", &key]) else {
        return skip("mosquitto_sub is not installed (apt-get install mosquitto-clients)");
    };
    // Somebody has to read what it says, or it stops.
    std::thread::spawn(move || broker.log.for_each(drop));
    let nobody = run(1, Some(shows(None)), broker.address);
    assert!(nobody.iter().any(|line| line.contains("received fatal alert: CertificateRequired")), "{nobody:?}");
    let stranger = run(1, Some(CertificateType::CaSigned), broker.address);
    assert!(stranger.iter().any(|line| line.contains("invalid peer certificate: UnknownIssuer")), "{stranger:?}");
    run(1, Some(shows(Some((DEVICE, DEVICE_KEY)))), broker.address);
    assert_eq!(kinds(&messages(&mut subscriber)), ["trigger", "interval", "interval"]);
}

#[test]
fn mosquitto_is_trusted_when_an_authority_that_the_device_came_with_signed_for_it() {
    let certificates = Certificates::new(false);
    let Some(mut broker) = broker(Some(&certificates)) else {
        return skip("mosquitto is not installed (apt-get install mosquitto mosquitto-clients)");
    };
    let Some(mut subscriber) = broker.subscriber(3, &["--cafile", &certificates.path("authority.pem")]) else {
        return skip("mosquitto_sub is not installed (apt-get install mosquitto-clients)");
    };
    // Somebody has to read what it says, or it stops.
    std::thread::spawn(move || broker.log.for_each(drop));
    run_knowing(&[golden::AUTHORITY], 1, Some(CertificateType::CaSigned), broker.address);
    assert_eq!(kinds(&messages(&mut subscriber)), ["trigger", "interval", "interval"]);
}

#[test]
fn mosquitto_delivers_what_the_device_publishes_at_every_quality_of_service() {
    for qos in 0..=2 {
        let Some(mut broker) = broker(None) else {
            return skip("mosquitto is not installed (apt-get install mosquitto mosquitto-clients)");
        };
        let Some(mut subscriber) = broker.subscriber(3, &[]) else {
            return skip("mosquitto_sub is not installed (apt-get install mosquitto-clients)");
        };
        let log = std::thread::spawn(move || broker.log.collect::<Vec<String>>());
        run(qos, None, broker.address);
        let reports = messages(&mut subscriber);
        drop(broker.process);
        let log = log.join().expect("the log was read to its end");
        let received = log.iter().filter_map(|line| line.split_once("Received PUBLISH from twin (d0, q"));
        let received_qos: Vec<char> = received.filter_map(|(_, rest)| rest.chars().next()).collect();
        let expected = char::from(b'0' + qos);
        assert_eq!(received_qos, [expected; 3]);
        assert_eq!(kinds(&reports), ["trigger", "interval", "interval"]);
    }
}

#[test]
fn mosquitto_passes_on_once_what_is_published_at_qos_2_wherever_the_cable_is_cut() {
    let text = "(general: (data_retransmission: true), region_people_counting: (
            report_regularly: FromNowOn(interval_s: 5),
            protocol: Mqtt(host: \"broker\", client_id: \"twin\", topic: \"counts\", qos: 2),
        ))";
    let settings: Configuration = RonFile::embedded("configuration", text.to_owned()).parse().expect("a configuration");
    for (cut, again) in [
        (Cut::Publish, "Received PUBLISH from twin (d1, q2"),
        (Cut::Pubrec, "Received PUBLISH from twin (d1, q2"),
        (Cut::Pubrel, "Received PUBREL from twin"),
        (Cut::Pubcomp, "Received PUBREL from twin"),
    ] {
        for with_power in [false, true] {
            let Some(mut broker) = broker(None) else {
                return skip("mosquitto is not installed (apt-get install mosquitto mosquitto-clients)");
            };
            let Some(mut subscriber) = broker.subscriber(4, &[]) else {
                return skip("mosquitto_sub is not installed (apt-get install mosquitto-clients)");
            };
            let log = std::thread::spawn(move || broker.log.collect::<Vec<String>>());
            let mut device = cable::Device::new(&settings, broker.address);
            device.run_until_delivered(1);
            device.cut(cut, with_power);
            device.run_until_delivered(4);
            let made: Vec<Value> =
                device.documents.iter().map(|document| serde_json::from_str(document).expect("JSON")).collect();
            assert_eq!(messages(&mut subscriber), made, "{cut:?}, with the power: {with_power}");
            drop(broker.process);
            let log = log.join().expect("the log was read to its end");
            let heard = |words: &str| log.iter().filter(|line| line.contains(words)).count();
            assert!(heard(again) > 0, "{cut:?}: {log:?}");
            // What was sent before it was cut off, and the four.
            let (published, released) = match cut {
                Cut::Publish | Cut::Pubrel => (4, 4),
                Cut::Pubrec => (5, 4),
                Cut::Pubcomp => (4, 5),
            };
            assert_eq!(
                (heard("Received PUBLISH from twin"), heard("Received PUBREL from twin")),
                (published, released)
            );
        }
    }
}
