//! The device on real sockets, with somebody under it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use analytics::{DetectError, Detection, Detector, Posture};
use firmware::{Configuration, Factory, Firmware, Net};
use firmware_shim::{Frame, Inputs, Lens, Level, Mounting, RtcTime, Uptime};
use glam::DVec2;
use serde_json::Value;

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

/// Runs the device for 12 virtual seconds, and tells what it said. It knows the authorities of these certificates, and finds peers where the
/// map says.
pub fn run_device(
    configuration: &Configuration,
    authorities: Vec<String>,
    peers: BTreeMap<(String, u16), SocketAddr>,
) -> Vec<String> {
    let lens = Lens { width: 320, height: 240, focal_px: 100.0, distortion: [0.0; 4] };
    let mounting = Mounting { height_m: 3.0, rotation_rad: 0.0, tilt_rad: 0.0 };
    let factory = Factory { authorities, ..Factory::new(lens, mounting) };
    let mut firmware = Firmware::new(configuration, &factory, Box::new(OnePerson), 1).expect("no mistakes");
    let mut said = Vec::new();
    let mut net = Net::new(peers);
    for seq in 0..120 {
        let now = Uptime::from_millis(seq * 100);
        let mut frame = Some(Frame { seq, taken_at: now, image: None });
        let mut network = Vec::new();
        loop {
            let rtc = RtcTime(1_770_000_000_000_000_000 + now.0 as i64);
            let frame = frame.take();
            let inputs =
                Inputs { rtc, frame, di: Level::Low, reset_pressed: false, rs485: vec![], network, picture: None };
            let step = firmware.step(now, inputs);
            said.extend(step.diagnostics.iter().map(ToString::to_string));
            network = net.carry_out(&step.outputs.network);
            if network.is_empty() && !step.outputs.awaiting.is_empty() {
                network = net.receive(&step.outputs.awaiting).expect("the peer answers");
            }
            if network.is_empty() {
                break;
            }
        }
    }
    said
}

/// Of reports of that run, of which one is made when the person is seen and one every 5 s.
pub fn kinds(reports: &[Value]) -> Vec<&str> {
    assert!(reports.iter().all(|report| report["current_total"] == 1), "{reports:?}");
    reports.iter().map(|report| report["report_type"].as_str().expect("a kind")).collect()
}
