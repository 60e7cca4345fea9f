//! Reports with a picture of what the device sees, and what is never in one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use firmware::{AccountCommand, Command, Configuration, PrivacyMode};
use firmware_shim::{ConnId, NetAction, NetEvent, RgbImage};
use serde_json::Value;

use crate::bench::{Bench, Peer};

/// Keeps the bodies it is sent, and answers all with one status.
struct Server {
    status: u16,
    bodies: Vec<String>,
}

impl Peer for Server {
    fn carry_out(&mut self, actions: &[NetAction]) -> Vec<NetEvent> {
        let mut events = Vec::new();
        for action in actions {
            match action {
                NetAction::Connect { conn, .. } => events.push(NetEvent::Connected { conn: *conn }),
                NetAction::Send { conn, bytes } => events.push(self.take(*conn, bytes)),
                _ => {}
            }
        }
        events
    }
}

impl Server {
    fn take(&mut self, conn: ConnId, bytes: &[u8]) -> NetEvent {
        let request = String::from_utf8(bytes.to_vec()).expect("text");
        let (head, body) = request.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        self.bodies.push(body.to_owned());
        let answer = format!("HTTP/1.1 {} So\r\ncontent-length: 0\r\n\r\n", self.status);
        NetEvent::Received { conn, bytes: answer.into_bytes() }
    }
}

/// Reports every 5 s, with a picture of 640 × 480 grey pixels, the left quarter of which is under a mask.
fn bench(privacy: Option<PrivacyMode>, has_picture: bool, status: u16) -> Bench<Server> {
    let text = "(
        general: (data_retransmission: true),
        region_people_counting: (
            report_regularly: FromNowOn(interval_s: 5),
            protocol: Http(urls: [(url: \"http://192.168.0.9/\", snapshot: true)]),
        ),
        privacy_mask: (color: Black, masks: [(name: \"left\", polygon: [(0, 0), (0.2499, 0), (0.2499, 1), (0, 1)])]),
    )";
    let settings: Configuration =
        ron_file::RonFile::embedded("settings", text.to_owned()).parse().expect("settings without mistakes");
    let mut bench = Bench::new(settings, Server { status, bodies: vec![] });
    bench.camera = has_picture.then(|| RgbImage { width: 640, height: 480, pixels: vec![150; 3 * 640 * 480].into() });
    if let Some(privacy) = privacy {
        let password = "a password with 1 digit".to_owned();
        bench.command(Command::Account(AccountCommand::Activate { password, privacy }));
    }
    bench
}

fn documents(bench: &Bench<Server>) -> Vec<Value> {
    bench.peer.bodies.iter().map(|body| serde_json::from_str(body).expect("JSON")).collect()
}

#[test]
fn in_normal_mode_a_report_carries_the_picture_with_its_masks_on() {
    let mut bench = bench(Some(PrivacyMode::Normal), true, 200);
    bench.run_until_ms(5_500);
    let [document] = &documents(&bench)[..] else { panic!("one report") };
    assert_eq!(document.as_object().and_then(|keys| keys.keys().next_back()).map(String::as_str), Some("snapshot"));
    let file = STANDARD.decode(document["snapshot"].as_str().expect("text")).expect("base64");
    let picture = image::load_from_memory(&file).expect("a JPEG").to_rgb8();
    assert_eq!(picture.dimensions(), (640, 480));
    for (x, _, pixel) in picture.enumerate_pixels() {
        let expected = if x < 160 { 0 } else { 150u8 };
        assert!(pixel.0.iter().all(|value| value.abs_diff(expected) <= 2), "column {x}: {pixel:?}");
    }
}

#[test]
fn no_picture_leaves_the_device_in_blur_mode_or_before_anybody_has_chosen() {
    for privacy in [Some(PrivacyMode::Blur), None] {
        let mut bench = bench(privacy, true, 200);
        bench.run_until_ms(12_000);
        let documents = documents(&bench);
        assert_eq!(documents.len(), 2);
        assert!(documents.iter().all(|document| document.get("snapshot").is_none()), "{privacy:?}");
    }
}

#[test]
fn what_is_sent_again_goes_without_its_picture() {
    let mut bench = bench(Some(PrivacyMode::Normal), true, 503);
    bench.run_until_ms(6_500);
    let sent = documents(&bench);
    let has_picture: Vec<bool> = sent.iter().map(|document| document.get("snapshot").is_some()).collect();
    assert_eq!(has_picture, [true, false]);
    let mut first = sent[0].clone();
    first.as_object_mut().expect("an object").shift_remove("snapshot");
    assert_eq!(first, sent[1]);
}

#[test]
fn what_was_made_in_an_outage_goes_without_pictures_and_so_does_all_that_waits_when_settings_change() {
    let mut bench = bench(Some(PrivacyMode::Normal), true, 503);
    bench.run_until_ms(28_000);
    bench.peer.status = 200;
    bench.peer.bodies.clear();
    bench.run_until_ms(39_000);
    let pictures: Vec<bool> = documents(&bench).iter().map(|document| document.get("snapshot").is_some()).collect();
    assert!(pictures.len() >= 6, "{pictures:?}");
    // Only what is made and sent at once has one again.
    let first_new = pictures.iter().position(|has| *has).unwrap_or(pictures.len());
    assert!(first_new >= 5 && pictures[first_new..].iter().all(|has| *has), "{pictures:?}");
}

#[test]
fn a_camera_without_a_picture_holds_no_report_up() {
    let mut bench = bench(Some(PrivacyMode::Normal), false, 200);
    bench.run_until_ms(5_500);
    assert_eq!(documents(&bench).len(), 1);
    assert!(
        bench.transcript().iter().any(|line| line.contains("report 1 goes without a snapshot: the camera has none"))
    );
}
