//! What a mask covers reaches nobody, the analytics included.

use std::sync::{Arc, Mutex};

use analytics::{DetectError, Detection, Detector, Posture};
use firmware::{Command, Configuration, Firmware};
use firmware_shim::{Frame, Inputs, Lens, Level, Mounting, RgbImage, RtcTime, Uptime, View};
use glam::{DVec2, DVec3};

/// Sees a person at each of these places, and remembers what it was shown.
struct Witness {
    view: View,
    places: Vec<DVec2>,
    shown: Arc<Mutex<Vec<RgbImage>>>,
}

impl Detector for Witness {
    fn detect(&mut self, frame: &Frame) -> Result<Vec<Detection>, DetectError> {
        self.shown.lock().expect("unbroken").push(frame.image.clone().expect("a picture"));
        let detection = |place: &DVec2| {
            let head_px = self.view.pixel(place.extend(1.62)).expect("in view");
            let half = DVec2::splat(15.0);
            let (box_min_px, box_max_px) = (head_px - half, head_px + half);
            Detection { head_px, box_min_px, box_max_px, posture: Posture::Standing, confidence: 0.9 }
        };
        Ok(self.places.iter().map(detection).collect())
    }

    fn believes_from(&self) -> f64 {
        0.0
    }
}

fn view() -> View {
    let lens = Lens::with_horizontal_angle(320, 240, 95f64.to_radians(), [0.0; 4]);
    View { lens, mounting: Mounting { height_m: 3.0, rotation_rad: 0.0, tilt_rad: 0.0 } }
}

fn settings(masks: &str) -> Configuration {
    let text = format!("(region_people_counting: (report_regularly: Off), privacy_mask: ({masks}))");
    ron_file::RonFile::embedded("settings", text).parse().expect("settings without mistakes")
}

/// How many people are believed in with these masks, and the last picture that the analytics was shown: grey where it is not masked.
fn look(before: &str, masks: &str, places: &[(f64, f64)]) -> (u32, RgbImage) {
    let shown = Arc::new(Mutex::new(Vec::new()));
    let places = places.iter().copied().map(DVec2::from).collect();
    let witness = Witness { view: view(), places, shown: Arc::clone(&shown) };
    let View { lens, mounting } = view();
    let mut firmware = Firmware::new(&settings(before), &firmware::Factory::new(lens, mounting), Box::new(witness), 1)
        .expect("no mistakes");
    let image = RgbImage { width: 320, height: 240, pixels: vec![100; 3 * 320 * 240].into() };
    for seq in 0..60 {
        let now = Uptime::from_millis(100 * seq);
        let rtc = RtcTime(now.0 as i64);
        if seq == 20 {
            firmware.command(now, rtc, Command::Configure(Box::new(settings(masks)))).expect("no mistakes");
        }
        let frame = Some(Frame { seq, taken_at: now, image: Some(image.clone()) });
        firmware.step(
            now,
            Inputs { rtc, frame, di: Level::Low, reset_pressed: false, rs485: vec![], network: vec![], picture: None },
        );
    }
    let last = shown.lock().expect("unbroken").pop().expect("frames");
    (firmware.believed().total, last)
}

/// How many pixels are of one grey.
fn pixels(image: &RgbImage, grey: u8) -> usize {
    image.pixels.chunks(3).filter(|pixel| **pixel == [grey; 3]).count()
}

const LEFT_HALF: &str = "polygon: [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)]";

#[test]
fn nothing_below_a_mask_is_seen_and_nobody_there_is_counted() {
    let places = [(-0.8, 0.0), (0.8, 0.0), (0.8, 0.8)];
    let (people, image) = look("", &format!("masks: [({LEFT_HALF})]"), &places);
    // The edge runs between two columns of pixels and is covered on both of its sides.
    assert_eq!((people, pixels(&image, 255), pixels(&image, 100)), (2, 161 * 240, 159 * 240));
    let (people, image) = look("", &format!("color: Black, masks: [({LEFT_HALF})]"), &places);
    assert_eq!((people, pixels(&image, 0)), (2, 161 * 240));
}

#[test]
fn masks_are_lifted_one_by_one_or_all_together() {
    let places = [(-0.8, 0.0), (0.8, 0.0)];
    let mask = format!("masks: [({LEFT_HALF})]");
    for lifted in ["".to_owned(), format!("enable: false, {mask}"), format!("masks: [(enable: false, {LEFT_HALF})]")] {
        let (people, image) = look(&mask, &lifted, &places);
        assert_eq!((people, pixels(&image, 100)), (2, 320 * 240), "{lifted}");
    }
}

#[test]
fn whoever_has_feet_or_head_below_a_mask_is_not_counted() {
    // Around where the feet of somebody at (0.9, 0) are seen, and around the head, which is seen farther out.
    let around = |height_m: f64| {
        let at = view().normalised(view().pixel(DVec3::new(0.9, 0.0, height_m)).expect("in view"));
        let corners = [(-0.03, -0.03), (0.03, -0.03), (0.03, 0.03), (-0.03, 0.03)];
        let corners = corners.map(|(x, y)| format!("({}, {})", at.x + x, at.y + y));
        format!("masks: [(polygon: [{}])]", corners.join(", "))
    };
    for height_m in [0.0, 1.62] {
        assert_eq!(look("", &around(height_m), &[(0.9, 0.0)]).0, 0, "{height_m}");
    }
    assert_eq!(look("", &around(1.0), &[(0.9, 0.0)]).0, 1, "a mask between the two covers neither");
}

#[test]
fn nine_masks_are_too_many() {
    let masks = settings(&format!("masks: [{}]", vec![format!("({LEFT_HALF})"); 9].join(", ")));
    let problems: Vec<String> = masks.validate().iter().map(ToString::to_string).collect();
    assert_eq!(problems, ["privacy_mask.masks: must be at most 8 masks, not 9"]);
}

#[test]
fn a_mask_over_somebodys_head_is_in_force_at_once() {
    let at = view().normalised(view().pixel(DVec3::new(0.9, 0.0, 1.62)).expect("in view"));
    let corners = [(-0.03, -0.03), (0.03, -0.03), (0.03, 0.03), (-0.03, 0.03)];
    let corners = corners.map(|(x, y)| format!("({}, {})", at.x + x, at.y + y)).join(", ");
    let places = vec![DVec2::new(0.9, 0.0)];
    let witness = Witness { view: view(), places, shown: Arc::default() };
    let View { lens, mounting } = view();
    let mut firmware = Firmware::new(&settings(""), &firmware::Factory::new(lens, mounting), Box::new(witness), 1)
        .expect("no mistakes");
    let image = RgbImage { width: 320, height: 240, pixels: vec![100; 3 * 320 * 240].into() };
    let mut told = Vec::new();
    for seq in 0..22 {
        let now = Uptime::from_millis(100 * seq);
        let rtc = RtcTime(now.0 as i64);
        if seq == 20 {
            let masked = settings(&format!("masks: [(polygon: [{corners}])]"));
            firmware.command(now, rtc, Command::Configure(Box::new(masked))).expect("no mistakes");
        }
        let frame = Some(Frame { seq, taken_at: now, image: Some(image.clone()) });
        let step = firmware.step(
            now,
            Inputs { rtc, frame, di: Level::Low, reset_pressed: false, rs485: vec![], network: vec![], picture: None },
        );
        told.push(step.analysis.expect("a frame").tracks.len());
    }
    assert_eq!(told[18..], [1, 1, 0, 0], "nobody is followed under it, not even for a moment");
}
