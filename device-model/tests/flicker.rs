//! Lamps on the mains seen by a rolling shutter.

use std::f64::consts::{PI, TAU};

use device_model::{Camera, Exposure, Flicker, ImageSensor, Light, Profile, Radiance};
use firmware_shim::{CameraSettings, PowerLineFrequency};

const LAMPS: Flicker = Flicker { frequency_hz: 100.0, depth: 0.5, phase_rad: 0.7 };

/// Without the lens's fall-off and the chip's pattern, rows differ by nothing but time.
fn even() -> Profile {
    let mut profile = Profile::library("vs121-p-standard").unwrap();
    (profile.optics.falloff_exponent, profile.sensor.prnu_percent, profile.sensor.dsnu_e) = (0.0, 0.0, 0.0);
    profile
}

fn flat(profile: &Profile, luminance: f32) -> Radiance {
    let pinhole = profile.pinhole();
    Radiance::uniform(pinhole.width, pinhole.height, luminance)
}

/// The mean signal of each row over that in steady light.
fn rows(profile: &Profile, flicker: Flicker, time_s: f64, middle_s: f64) -> Vec<f64> {
    let sensor = ImageSensor::new(profile, 1);
    let radiance = flat(profile, (0.2 / time_s) as f32);
    let exposure = Exposure { time_s, gain: 1.0 };
    let means = |light: Light<'_>| -> Vec<f64> {
        let raw = sensor.read_out(0, 0, exposure, light);
        let mean = |row: &[[u16; 3]]| row.as_flattened().iter().map(|&dn| f64::from(dn) - 168.0).sum::<f64>() / 960.0;
        raw.dn.chunks(320).map(mean).collect()
    };
    let lit = means(Light { radiance: &radiance, flicker: Some(flicker), middle_s });
    lit.iter().zip(means(Light::from(&radiance))).map(|(lit, steady)| lit / steady).collect()
}

#[test]
fn every_row_gets_the_light_of_its_own_time() {
    let profile = even();
    let line_s = 0.032 / 239.0;
    for (time_s, middle_s) in [(0.001, 0.0), (0.004, 12.3456), (0.007, 1.0), (0.013, 0.003), (0.025, 100.0)] {
        for (y, seen) in rows(&profile, LAMPS, time_s, middle_s).into_iter().enumerate() {
            let at_s = middle_s + (y as f64 - 119.5) * line_s;
            let part = (PI * 100.0 * time_s).sin() / (PI * 100.0 * time_s);
            let expected = 1.0 + 0.5 * part * (TAU * 100.0 * at_s + 0.7).cos();
            assert!((seen - expected).abs() < 0.01, "{time_s} s, row {y}: {seen}, expected {expected}");
        }
    }
}

/// Michelson contrast of the bands.
fn contrast(rows: &[f64]) -> f64 {
    let (least, most) = rows.iter().fold((f64::INFINITY, 0.0f64), |(l, m), r| (l.min(*r), m.max(*r)));
    (most - least) / (most + least)
}

#[test]
fn bands_have_the_contrast_of_the_formula_and_vanish_at_whole_periods() {
    let profile = even();
    for frequency_hz in [100.0, 120.0] {
        let lamps = Flicker { frequency_hz, ..LAMPS };
        for periods in [0.1, 0.5, 1.5, 2.5] {
            let seen = contrast(&rows(&profile, lamps, periods / frequency_hz, 0.0));
            let expected = (0.5 * (PI * periods).sin() / (PI * periods)).abs();
            assert!((seen - expected).abs() < 0.01, "{periods} periods: {seen}, expected {expected}");
        }
        for periods in [1.0, 2.0, 3.0] {
            let seen = contrast(&rows(&profile, lamps, periods / frequency_hz, 0.0));
            assert!(seen < 0.006, "{periods} periods: {seen}");
        }
    }
}

#[test]
fn without_a_rolling_shutter_a_frame_is_brighter_or_darker_as_a_whole() {
    let mut profile = even();
    profile.sensor.readout_ms = 0.0;
    let seen = rows(&profile, LAMPS, 0.001, 0.005);
    assert!(contrast(&seen) < 0.006);
    let expected = 1.0 + 0.5 * (0.1 * PI).sin() / (0.1 * PI) * (PI + 0.7).cos();
    assert!((seen[7] - expected).abs() < 0.01, "{} for {expected}", seen[7]);
}

/// How far apart the rows of a settled picture are, in 8-bit levels.
fn banding(power_line_frequency: PowerLineFrequency, luminance: f32) -> f64 {
    let profile = even();
    let mut camera = Camera::new(&profile, 4);
    camera.configure(CameraSettings { power_line_frequency, ..CameraSettings::default() });
    let radiance = flat(&profile, luminance);
    let pictures = (0..16).map(|seq| {
        let middle_s = 0.1 * seq as f64 + 0.05;
        camera.expose(seq, Light { radiance: &radiance, flicker: Some(LAMPS), middle_s })
    });
    let last = pictures.last().unwrap();
    let means: Vec<f64> =
        last.pixels.chunks(960).map(|row| row.iter().map(|&level| f64::from(level)).sum::<f64>() / 960.0).collect();
    means.iter().copied().fold(0.0, f64::max) - means.iter().copied().fold(255.0, f64::min)
}

#[test]
fn the_right_power_line_frequency_takes_the_bands_away_and_very_bright_light_brings_them_back() {
    let [right, wrong] = [PowerLineFrequency::Hz50, PowerLineFrequency::Hz60].map(|frequency| banding(frequency, 25.0));
    assert!(right < 2.0, "{right} levels with the right frequency");
    assert!(wrong > 6.0, "{wrong} levels with the wrong one");
    let bright = banding(PowerLineFrequency::Hz50, 150.0);
    assert!(bright > 20.0, "{bright} levels where not even one period fits");
}
