//! The device against a broker that we did not write: mosquitto. It runs at its own pace, so nothing here depends on when
//! something arrives, only on what.

// A test's own sockets and processes; the device's virtual time stays virtual.
#![allow(clippy::disallowed_methods)]

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use analytics::{DetectError, Detection, Detector, Posture};
use firmware::{Configuration, Firmware, Net};
use firmware_shim::{Frame, Inputs, Lens, Level, Mounting, RtcTime, Uptime};
use glam::DVec2;
use ron_file::RonFile;
use serde_json::Value;

mod skip;

use skip::skip;

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A mosquitto of our own.
struct Broker {
    process: Running,
    address: SocketAddr,
    /// What it says of its work, from the moment it listens.
    log: Box<dyn Iterator<Item = String> + Send>,
}

/// A mosquitto on a free port, or `None` where it is not installed.
fn broker() -> Option<Broker> {
    // Between choosing a port and mosquitto's opening it somebody else may take it; then another is tried.
    for _ in 0..10 {
        let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        let program =
            if std::path::Path::new("/usr/sbin/mosquitto").exists() { "/usr/sbin/mosquitto" } else { "mosquitto" };
        // Given a port and no configuration, mosquitto listens on loopback only and lets anybody in.
        let started = Command::new(program)
            .args(["-v", "-p", &address.port().to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
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

/// Somebody stands in the middle from the first frame on.
struct OnePerson;

impl Detector for OnePerson {
    fn detect(&mut self, _: &Frame) -> Result<Vec<Detection>, DetectError> {
        let head_px = DVec2::new(160.0, 120.0);
        let half = DVec2::splat(20.0);
        Ok(vec![Detection {
            head_px,
            box_min_px: head_px - half,
            box_max_px: head_px + half,
            posture: Posture::Standing,
            confidence: 0.9,
        }])
    }

    fn believes_from(&self) -> f64 {
        0.0
    }
}

fn configuration(qos: u8) -> Configuration {
    let text = format!(
        "(region_people_counting: (
            report_regularly: FromNowOn(interval_s: 5),
            report_by_result: OnceResultChanges,
            protocol: Mqtt(host: \"broker\", client_id: \"twin\", topic: \"counts\", qos: {qos}),
        ))"
    );
    RonFile::embedded("configuration", text).parse().expect("a configuration")
}

/// Runs the device for 12 virtual seconds: a trigger report, and interval reports at 5 s and 10 s.
fn run_device(qos: u8, broker: SocketAddr) {
    let lens = Lens { width: 320, height: 240, focal_px: 100.0, distortion: [0.0; 4] };
    let mounting = Mounting { height_m: 3.0, rotation_rad: 0.0, tilt_rad: 0.0 };
    let mut firmware = Firmware::new(&configuration(qos), &firmware::Factory { lens, mounting, authorities: vec![] }, Box::new(OnePerson), 1).expect("no mistakes");
    let mut net = Net::new([(("broker".to_owned(), 1883), broker)].into());
    for seq in 0..120 {
        let now = Uptime::from_millis(seq * 100);
        let mut frame = Some(Frame { seq, taken_at: now, image: None });
        let mut network = Vec::new();
        loop {
            let rtc = RtcTime(1_770_000_000_000_000_000 + now.0 as i64);
            let step = firmware.step(now, Inputs { rtc, frame: frame.take(), di: Level::Low, network });
            network = net.carry_out(&step.outputs.network);
            if network.is_empty() && !step.outputs.awaiting.is_empty() {
                network = net.receive(&step.outputs.awaiting).expect("mosquitto answers");
            }
            if network.is_empty() {
                break;
            }
        }
    }
}

#[test]
fn mosquitto_delivers_what_the_device_publishes_at_every_quality_of_service() {
    for qos in 0..=2 {
        let Some(mut broker) = broker() else {
            return skip("mosquitto is not installed (apt-get install mosquitto mosquitto-clients)");
        };
        // -C 3: it ends by itself after three messages.
        let subscriber = Command::new("mosquitto_sub")
            .args(["-h", "127.0.0.1", "-p", &broker.address.port().to_string(), "-t", "counts", "-q", "2", "-C", "3"])
            .stdout(Stdio::piped())
            .spawn();
        let Ok(subscriber) = subscriber else {
            return skip("mosquitto_sub is not installed (apt-get install mosquitto-clients)");
        };
        let mut subscriber = Running(subscriber);
        assert!(broker.log.any(|line| line.contains("Sending SUBACK")), "somebody listens before the device speaks");
        let log = std::thread::spawn(move || broker.log.collect::<Vec<String>>());
        run_device(qos, broker.address);
        let lines = BufReader::new(subscriber.0.stdout.take().expect("piped")).lines();
        let reports: Vec<Value> =
            lines.map(|line| serde_json::from_str(&line.expect("text")).expect("a JSON document")).collect();
        drop(broker.process);
        let log = log.join().expect("the log was read to its end");
        let received = log.iter().filter_map(|line| line.split_once("Received PUBLISH from twin (d0, q"));
        let received_qos: Vec<char> = received.filter_map(|(_, rest)| rest.chars().next()).collect();
        let expected = char::from(b'0' + qos);
        assert_eq!(received_qos, [expected; 3]);
        let kinds: Vec<_> = reports.iter().map(|report| report["report_type"].as_str().expect("a kind")).collect();
        assert_eq!(kinds, ["trigger", "interval", "interval"]);
        assert!(reports.iter().all(|report| report["current_total"] == 1), "{reports:?}");
    }
}
