//! The camera as physics sees it: where light lands, and how much of it is counted.

use std::f64::consts::PI;

use device_model::{Camera, Exposure, ImageSensor, Profile, Radiance};
use glam::{DVec2, DVec3};

fn standard() -> Profile {
    Profile::library("vs121-p-standard").unwrap()
}

/// A profile whose lens passes as much light at the edge as on the axis.
fn without_falloff() -> Profile {
    let mut profile = standard();
    profile.optics.falloff_exponent = 0.0;
    profile
}

fn flat(profile: &Profile, luminance: f64) -> Radiance {
    let pinhole = profile.pinhole();
    Radiance::uniform(pinhole.width, pinhole.height, luminance as f32)
}

fn mean_and_variance(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let n = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / n;
    (mean, values.map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0))
}

/// Photon transfer: the mean follows the light, the variance is that of photons, reading and rounding.
#[test]
fn a_flat_field_has_the_mean_and_variance_of_the_photon_transfer_curve() {
    let mut profile = without_falloff();
    (profile.sensor.dsnu_e, profile.sensor.prnu_percent) = (0.0, 0.0);
    let sensor = ImageSensor::new(&profile, 11);
    // From 2 to 34,000 electrons of the 40,000 that the four photosites hold.
    for (luminance, time_s, gain) in [
        (0.02, 0.001, 16.0),
        (0.5, 0.001, 8.0),
        (5.0, 0.01, 4.0),
        (30.0, 0.01, 1.0),
        (30.0, 0.033, 1.0),
        (400.0, 0.004, 1.0),
    ] {
        let raw = sensor.read_out(4, 0, Exposure { time_s, gain }, &flat(&profile, luminance));
        // π·L/(4·2²) lx behind 90 % glass; 4.0907e15 photons per lumen-second; 4 sites of 3.75 µm; half of them counted.
        let lux = 0.9 * PI * luminance / 16.0;
        let electrons = lux * 4.0907e15 * 4.0 * 3.75e-6f64.powi(2) * time_s * 0.5;
        let dn_per_e = gain * (4095.0 - 168.0) / 40_000.0;
        let expected_mean = 168.0 + electrons * dn_per_e;
        let expected_variance = (electrons + 4.0 * 25.0) * dn_per_e.powi(2) + 1.0 / 12.0;
        for channel in 0..3 {
            let values = raw.dn.iter().map(|dn| f64::from(dn[channel]));
            let n = raw.dn.len() as f64;
            let (mean, variance) = mean_and_variance(values);
            // Five standard errors, and the five digits of the photon constant above.
            let mean_bound = 5.0 * (expected_variance / n).sqrt() + 1e-5 * expected_mean;
            assert!(
                (mean - expected_mean).abs() < mean_bound,
                "{electrons:.1} e: mean {mean}, expected {expected_mean}"
            );
            let variance_bound = 5.0 * expected_variance * (2.0 / n).sqrt();
            assert!(
                (variance - expected_variance).abs() < variance_bound,
                "{electrons:.1} e: variance {variance}, expected {expected_variance}"
            );
        }
    }
}

#[test]
fn more_light_than_the_photosites_hold_is_white() {
    let profile = standard();
    let camera = Camera::new(&profile, 1);
    let exposure = Exposure { time_s: 0.033, gain: 1.0 };
    for luminance in [1e5, 1e30, f64::INFINITY] {
        let white = camera.take(0, exposure, &flat(&profile, luminance));
        assert!(white.image.pixels.iter().all(|&level| level == 255), "{luminance} cd/m²");
        assert!((white.mean_signal - 1.0).abs() < 1e-6);
    }
    for luminance in [0.0, -5.0, f64::NAN] {
        let black = camera.take(0, exposure, &flat(&profile, luminance));
        assert!(black.image.pixels.iter().all(|&level| level < 25), "{luminance} cd/m²");
    }
}

#[test]
fn the_processor_takes_the_lens_shading_out_and_leaves_its_noise() {
    let profile = standard();
    let camera = Camera::new(&profile, 5);
    let picture = camera.take(0, Exposure { time_s: 0.01, gain: 1.0 }, &flat(&profile, 25.0)).image;
    let patch = |x0: usize, y0: usize| {
        let rows = (y0..y0 + 20).flat_map(move |y| (x0..x0 + 20).map(move |x| (y * 320 + x) * 3 + 1));
        mean_and_variance(rows.map(|i| f64::from(picture.pixels[i])).collect::<Vec<_>>().into_iter())
    };
    let ((centre, centre_noise), (corner, corner_noise)) = (patch(150, 110), patch(0, 0));
    assert!((centre - corner).abs() < 2.0, "centre {centre}, corner {corner}");
    assert!(corner_noise > 1.5 * centre_noise, "centre {centre_noise}, corner {corner_noise}");
}

/// A lamp in a known direction lands where the lens the firmware is calibrated with says.
#[test]
fn a_bright_dot_lands_on_the_pixel_that_the_lens_projects_it_to() {
    let mut wide = standard();
    wide.optics.horizontal_angle_deg = 110.0;
    wide.optics.distortion = [0.02, -0.01, 0.0, 0.0];
    for profile in [standard(), wide] {
        let (lens, pinhole) = (profile.lens(), profile.pinhole());
        let sensor = ImageSensor::new(&profile, 2);
        // A round lamp about two pixels wide, as seen on the axis.
        let width_rad = 1.0 / lens.focal_px;
        for target in
            [(160.0, 120.0), (161.3, 119.2), (60.4, 77.7), (300.5, 120.0), (160.0, 12.0), (10.2, 228.9), (311.0, 9.0)]
        {
            let direction = lens.unproject(DVec2::from(target)).unwrap();
            let pixels = (0..pinhole.width * pinhole.height).map(|i| {
                let pixel = DVec2::new(f64::from(i % pinhole.width) + 0.5, f64::from(i / pinhole.width) + 0.5);
                let angle = pinhole.unproject(pixel).angle_between(direction);
                [(200.0 * (-0.5 * (angle / width_rad).powi(2)).exp()) as f32; 3]
            });
            let radiance = Radiance { width: pinhole.width, height: pinhole.height, pixels: pixels.collect() };
            let raw = sensor.read_out(0, 0, Exposure { time_s: 0.004, gain: 1.0 }, &radiance);
            // Everything clearly above the noise of darkness.
            let lit = raw.dn.iter().enumerate().filter(|(_, dn)| dn[1] > 180);
            let (weight, moment) = lit.fold((0.0, DVec2::ZERO), |(weight, moment), (i, dn)| {
                let (x, y) = (i as u32 % raw.width, i as u32 / raw.width);
                let light = f64::from(dn[1]) - 168.0;
                (weight + light, moment + light * DVec2::new(f64::from(x) + 0.5, f64::from(y) + 0.5))
            });
            let expected = lens.project(direction).unwrap();
            let seen = moment / weight;
            assert!((seen - expected).length() < 0.6, "{direction}: seen at {seen}, projected to {expected}");
        }
    }
}

#[test]
fn the_picture_is_neither_mirrored_nor_does_it_depend_on_the_rendered_resolution() {
    let profile = standard();
    let pinhole = profile.pinhole();
    let sensor = ImageSensor::new(&profile, 2);
    let exposure = Exposure { time_s: 0.01, gain: 1.0 };
    // Red grows to the right, green downwards, over the same field.
    let ramps = |width: u32, height: u32| {
        let pixels = (0..width * height).map(|i| {
            let (x, y) = (f64::from(i % width) + 0.5, f64::from(i / width) + 0.5);
            [(30.0 * x / f64::from(width)) as f32, (30.0 * y / f64::from(height)) as f32, 0.0]
        });
        Radiance { width, height, pixels: pixels.collect() }
    };
    let once = sensor.read_out(0, 0, exposure, &ramps(pinhole.width, pinhole.height));
    let twice = sensor.read_out(0, 0, exposure, &ramps(2 * pinhole.width, 2 * pinhole.height));
    let apart = once.dn.iter().zip(&twice.dn).map(|(a, b)| (0..3).map(|c| a[c].abs_diff(b[c])).max().unwrap()).max();
    assert!(apart.unwrap() <= 2, "{apart:?} apart");
    let at = |x: usize, y: usize| once.dn[y * 320 + x];
    assert!(at(240, 120)[0] > at(80, 120)[0] + 100, "right is right");
    assert!(at(160, 180)[1] > at(160, 60)[1] + 100, "down is down");
}

#[test]
fn a_seed_makes_the_same_frames_again_and_no_two_frames_alike() {
    let profile = standard();
    let light = flat(&profile, 20.0);
    let film = |seed| {
        let mut camera = Camera::new(&profile, seed);
        (0..6).map(|seq| camera.expose(seq, &light)).collect::<Vec<_>>()
    };
    let first = film(9);
    assert_eq!(first, film(9));
    assert_ne!(first[4], first[5]);
    assert_ne!(first[5], film(10)[5]);

    // Any frame alone, afterwards, with the settings it had.
    let mut camera = Camera::new(&profile, 9);
    for seq in 0..6 {
        camera.expose(seq, &light);
    }
    assert_eq!(camera.take(3, camera.settings(3), &light).image, first[3]);
}

#[test]
fn the_direction_straight_ahead_is_the_middle_of_the_rendered_picture() {
    let pinhole = standard().pinhole();
    let middle = DVec2::new(f64::from(pinhole.width), f64::from(pinhole.height)) / 2.0;
    assert_eq!(pinhole.project(DVec3::Z), middle);
    let corner = pinhole.unproject(DVec2::ZERO);
    assert!((corner - DVec3::new(-pinhole.tan_half_x, -pinhole.tan_half_y, 1.0)).length() < 1e-12);
}
