//! What the image signal processor does to colours and edges.

use device_model::{Camera, Profile, Radiance};
use firmware_shim::RgbImage;

/// A profile without noise and pattern to speak of, and few pixels: what is left is processing.
fn quiet() -> Profile {
    let mut profile = Profile::library("vs121-p-standard").unwrap();
    (profile.image.width, profile.image.height) = (64, 48);
    (profile.sensor.prnu_percent, profile.sensor.dsnu_e, profile.sensor.read_noise_e) = (0.0, 0.0, 0.0);
    // More electrons, and room for them.
    profile.sensor.photosites_per_channel = 1024;
    profile
}

/// Luminance by place, in parts of the picture's width and height.
fn scene(profile: &Profile, luminance: impl Fn(f64, f64) -> [f32; 3]) -> Radiance {
    let pinhole = profile.pinhole();
    let (width, height) = (f64::from(pinhole.width), f64::from(pinhole.height));
    let place = |i: u32| (f64::from(i % pinhole.width) / width, f64::from(i / pinhole.width) / height);
    let pixels = (0..pinhole.width * pinhole.height).map(|i| luminance(place(i).0, place(i).1));
    Radiance { width: pinhole.width, height: pinhole.height, pixels: pixels.collect() }
}

fn film(profile: &Profile, light: &Radiance, frames: u64) -> Vec<RgbImage> {
    let mut camera = Camera::new(profile, 8);
    (0..frames).map(|seq| camera.expose(seq, light)).collect()
}

/// Mean levels R G B in a part of the picture's width.
fn colour(image: &RgbImage, from: usize, to: usize) -> [f64; 3] {
    let mut sums = [0.0; 3];
    for row in image.pixels.chunks(image.width as usize * 3) {
        for pixel in row[from * 3..to * 3].chunks(3) {
            (0..3).for_each(|c| sums[c] += f64::from(pixel[c]));
        }
    }
    sums.map(|sum| sum / f64::from(image.height) / (to - from) as f64)
}

fn spread(levels: [f64; 3]) -> f64 {
    levels.iter().copied().fold(0.0, f64::max) - levels.iter().copied().fold(255.0, f64::min)
}

#[test]
fn a_neutral_scene_stays_neutral_from_dark_to_bright() {
    // The true sensor, noise and all.
    let mut profile = Profile::library("vs121-p-standard").unwrap();
    (profile.image.width, profile.image.height) = (160, 120);
    for luminance in [1.0f32, 30.0, 3000.0] {
        let light = scene(&profile, |x, _| [luminance * if x < 0.5 { 0.4 } else { 1.6 }; 3]);
        for image in film(&profile, &light, 40) {
            for (from, to) in [(8, 72), (88, 152)] {
                let grey = colour(&image, from, to);
                assert!(spread(grey) <= 1.0, "{luminance} cd/m²: {grey:.2?}");
            }
        }
    }
}

/// Grey walls around a carpet of a colour.
fn room(light: [f32; 3], carpet: [f32; 3]) -> impl Fn(f64, f64) -> [f32; 3] {
    move |x, _| {
        let reflectance = if (0.3..0.7).contains(&x) { carpet } else { [0.5; 3] };
        [0, 1, 2].map(|c| 60.0 * light[c] * reflectance[c])
    }
}

#[test]
fn a_cast_of_the_light_goes_within_a_few_seconds_and_a_coloured_carpet_stays() {
    let profile = quiet();
    let carpet = [0.5, 0.25, 0.12];
    let light = scene(&profile, room([1.08, 1.0, 0.86], carpet));
    let film = film(&profile, &light, 100);
    let (before, after) = (colour(&film[1], 0, 16), colour(&film[99], 0, 16));
    assert!(spread(before) > 9.0 && spread(after) < 1.5, "the wall: {before:.1?}, then {after:.1?}");
    // Slowly: no two frames differ in colour by much.
    for pair in film.windows(2).skip(10) {
        let [red, blue] = [0, 2].map(|c| {
            let excess = |image: &RgbImage| colour(image, 0, 16)[c] - colour(image, 0, 16)[1];
            (excess(&pair[1]) - excess(&pair[0])).abs()
        });
        assert!(red < 1.5 && blue < 1.5, "{red} and {blue}");
    }
    // In white light the carpet would have looked like that from the start.
    let white = colour(&self::film(&profile, &scene(&profile, room([1.0; 3], carpet)), 100)[99], 26, 38);
    let seen = colour(&film[99], 26, 38);
    assert!((0..3).all(|c| (white[c] - seen[c]).abs() < 4.0), "the carpet: {seen:.1?}, in white light {white:.1?}");
    assert!(spread(seen) > 60.0, "{seen:.1?}");
}

#[test]
fn a_picture_that_is_all_carpet_keeps_its_colour() {
    let profile = quiet();
    let film = film(&profile, &scene(&profile, |_, _| [20.0, 10.0, 5.0]), 60);
    let (before, after) = (colour(&film[20], 8, 56), colour(&film[59], 8, 56));
    assert!((0..3).all(|c| (before[c] - after[c]).abs() < 1.0), "{before:.1?} became {after:.1?}");
}

#[test]
fn sharpening_steepens_edges_and_leaves_areas_alone() {
    let overshoot = |sharpening: f64| {
        let mut profile = quiet();
        profile.processing.sharpening = sharpening;
        let light = scene(&profile, |x, _| if x < 0.5 { [15.0; 3] } else { [45.0; 3] });
        let image = film(&profile, &light, 20).pop().unwrap();
        let levels = |from, to| colour(&image, from, to)[1];
        let area = levels(50, 60);
        ((30..36).map(|x| levels(x, x + 1)).fold(0.0, f64::max) - area, area)
    };
    let ((none, area), (some, sharpened_area)) = (overshoot(0.0), overshoot(1.0));
    assert!(none < 0.7 && some > 5.0, "{none} without, {some} with");
    assert!((area - sharpened_area).abs() < 0.5, "{area} became {sharpened_area}");
}
