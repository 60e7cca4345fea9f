//! Wide dynamic range: "capture and display both bright and dark areas in the same frame" (guide §5.3).

use device_model::{Camera, Profile, Radiance};
use firmware_shim::CameraSettings;
use firmware_shim::RgbImage;

/// A room with a sunny view from its window on the left and a dark corner on the right, each with stripes of ±33 % and
/// ±50 %; in parts of the picture's width and height.
fn corridor(profile: &Profile) -> Radiance {
    let pinhole = profile.pinhole();
    let (width, height) = (f64::from(pinhole.width), f64::from(pinhole.height));
    let pixels = (0..pinhole.width * pinhole.height).map(|i| {
        let x = (f64::from(i % pinhole.width) + 0.5) / width;
        let y = (f64::from(i / pinhole.width) + 0.5) / height;
        let stripe = (y * 8.0) as usize % 2;
        let luminance = match x {
            _ if x < 0.25 => [4000.0, 2000.0][stripe],
            _ if x > 0.75 => [0.9, 0.3][stripe],
            _ => 30.0,
        };
        [luminance; 3]
    });
    Radiance { width: pinhole.width, height: pinhole.height, pixels: pixels.collect() }
}

/// The settled picture of a scene.
fn picture(profile: &Profile, light: &Radiance, wide_dynamic_range: bool) -> RgbImage {
    let mut camera = Camera::new(profile, 8);
    camera.configure(CameraSettings { wide_dynamic_range, ..CameraSettings::default() });
    (0..14).map(|seq| camera.expose(seq, light)).last().unwrap()
}

/// Mean level and its standard deviation in the middle of a stripe.
fn stripe(image: &RgbImage, x: usize, stripe: usize) -> (f64, f64) {
    let (x0, y0) = (x - 10, stripe * 30 + 10);
    let pixels = (y0..y0 + 10).flat_map(|y| (x0..x0 + 20).map(move |x| f64::from(image.pixels[(y * 320 + x) * 3 + 1])));
    let mean = pixels.clone().sum::<f64>() / 200.0;
    (mean, (pixels.map(|level| (level - mean).powi(2)).sum::<f64>() / 199.0).sqrt())
}

#[test]
fn window_and_dark_corner_hold_detail_only_with_wide_dynamic_range() {
    let profile = Profile::library("vs121-p-standard").unwrap();
    let light = corridor(&profile);
    let [off, on] = [false, true].map(|wide| picture(&profile, &light, wide));
    let detail = |image: &RgbImage, x| stripe(image, x, 4).0 - stripe(image, x, 3).0;
    let (window, corner, room) = (40, 280, 160);
    assert_eq!(stripe(&off, window, 3).0.min(stripe(&off, window, 4).0), 255.0, "the window is white");
    assert!(stripe(&off, corner, 4).0 < 25.0, "the corner is nearly black: {:?}", stripe(&off, corner, 4));
    assert!(detail(&on, window) > 30.0, "window: {}", detail(&on, window));
    assert!(detail(&on, corner) > 25.0, "corner: {} after {}", detail(&on, corner), detail(&off, corner));
    // The room is as it was, give or take, and the corner is noisy.
    let (room_off, room_on) = (stripe(&off, room, 4).0, stripe(&on, room, 4).0);
    assert!((room_on - room_off).abs() < 25.0, "{room_off} and {room_on}");
    let noise = |image: &RgbImage, x| stripe(image, x, 4).1;
    assert!(noise(&on, corner) > 1.5 * noise(&off, corner), "{} and {}", noise(&off, corner), noise(&on, corner));
}

#[test]
fn an_evenly_lit_room_looks_the_same_either_way() {
    let profile = Profile::library("vs121-p-standard").unwrap();
    let pinhole = profile.pinhole();
    let light = Radiance::uniform(pinhole.width, pinhole.height, 30.0);
    let [off, on] = [false, true].map(|wide| stripe(&picture(&profile, &light, wide), 160, 4).0);
    assert!((on - off).abs() < 4.0, "{off} and {on}");
}

#[test]
fn both_exposures_find_room_in_a_frame() {
    let mut profile = Profile::library("vs121-p-standard").unwrap();
    // Three periods of lamps on 50 Hz would fit, but not together with a sixteenth of them.
    profile.exposure.time_max_ms = 31.0;
    let mut camera = Camera::new(&profile, 8);
    camera.configure(CameraSettings { wide_dynamic_range: true, ..CameraSettings::default() });
    for product_s in [1e-6, 1e-4, 0.004, 0.02, 1.0] {
        let time_s = camera.split(product_s).time_s;
        let short_s = (time_s / 16.0).max(1e-4);
        assert!(time_s >= 1e-4 && time_s + short_s <= 0.031, "{time_s} s and {short_s} s");
    }
}

#[test]
fn the_same_seed_makes_the_same_picture() {
    let profile = Profile::library("vs121-p-standard").unwrap();
    let light = corridor(&profile);
    assert_eq!(picture(&profile, &light, true), picture(&profile, &light, true));
}
