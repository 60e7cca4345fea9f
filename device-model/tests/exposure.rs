//! Automatic exposure: what it aims at, how it follows the light, and where its limits are.

use device_model::{Camera, Exposure, Profile, Radiance};
use firmware_shim::{CameraSettings, PowerLineFrequency};

/// Exposure does not depend on the number of pixels; few make a long film quick.
fn small() -> Profile {
    let mut profile = Profile::library("vs121-p-standard").unwrap();
    (profile.image.width, profile.image.height) = (64, 48);
    profile
}

fn flat(profile: &Profile, luminance: f64) -> Radiance {
    let pinhole = profile.pinhole();
    Radiance::uniform(pinhole.width, pinhole.height, luminance as f32)
}

#[test]
fn what_is_seen_on_one_frame_does_not_change_the_next() {
    let profile = small();
    for luminance in [0.0, 0.1, 10.0, 1e4] {
        let mut camera = Camera::new(&profile, 1);
        for seq in 0..20 {
            let next = camera.settings(seq + 1);
            camera.expose(seq, &flat(&profile, if seq % 3 == 0 { luminance } else { 30.0 }));
            assert_eq!(camera.settings(seq + 1), next, "frame {seq}");
        }
    }
}

/// The mean signal of each frame while the light follows `luminance`, in units of the target.
fn brightness(luminance: impl Fn(u64) -> f64, frames: u64) -> Vec<f64> {
    let profile = small();
    let target = (((110.0f64 / 255.0) + 0.055) / 1.055).powf(2.4);
    let mut camera = Camera::new(&profile, 3);
    let film = (0..frames).map(|seq| {
        let light = flat(&profile, luminance(seq));
        let mean = camera.take(seq, camera.settings(seq), &light).mean_signal;
        camera.expose(seq, &light);
        mean / target
    });
    film.collect()
}

#[test]
fn exposure_follows_the_light_in_a_second_and_does_not_swing() {
    // An office at 300 lx with a floor of 30 %: 29 cd/m². Then the lights go down or up; from below the guide's 20 lx to sun.
    for after in [0.9, 3.0, 12.0, 60.0, 300.0, 3000.0] {
        let seen = brightness(|seq| if seq < 15 { 29.0 } else { after }, 45);
        let settled: Vec<f64> = [&seen[10..15], &seen[27..]].concat();
        assert!(settled.iter().all(|b| (b.ln()).abs() < 0.08), "to {after} cd/m²: {seen:.2?}");
        let errors: Vec<f64> = seen[15..].iter().map(|b| b.ln()).collect();
        // Towards the target from one side, but for noise and what the dead band lets pass.
        for pair in errors.windows(2) {
            assert!(pair[1].abs() <= (pair[0].abs() + 0.02).max(0.08), "to {after} cd/m² it moves away: {seen:.2?}");
            assert!(pair[1] * errors[0] > 0.0 || pair[1].abs() < 0.08, "to {after} cd/m² it overshoots: {seen:.2?}");
        }
        // And then it rests: frames of odd and even number alike.
        let last = &seen[35..];
        assert!(last.iter().all(|b| (b / last[0] - 1.0).abs() < 0.01), "to {after} cd/m² it flickers: {last:.3?}");
    }
}

#[test]
fn a_flash_on_one_frame_leaves_no_flicker_between_odd_and_even_frames() {
    // So weak that the frame corrected for it comes back into the dead band with an exposure of its own.
    let seen = brightness(|seq| if seq == 20 { 29.0 * 1.15 } else { 29.0 }, 40);
    assert!(seen[22] < 0.96 * seen[21], "the flash is answered: {seen:.3?}");
    let last = &seen[30..];
    assert!(last.iter().all(|b| (b / last[0] - 1.0).abs() < 0.01), "{seen:.3?}");
}

/// The promise of the documentation: a tenfold step of light either way is settled within 10 frames.
#[test]
fn a_tenfold_step_of_light_is_settled_within_10_frames() {
    for (before, after) in [(10.0, 100.0), (100.0, 10.0), (3.0, 30.0), (30.0, 3.0)] {
        let seen = brightness(|seq| if seq < 15 { before } else { after }, 40);
        let wrong = |b: &f64| b.ln().abs() > 0.08;
        assert!(wrong(&seen[15]) && wrong(&seen[16]), "two frames are taken before anything can be known: {seen:.2?}");
        assert!(!seen[15 + 10..].iter().any(wrong), "{before} to {after} cd/m²: {seen:.2?}");
    }
}

#[test]
fn exposure_stays_within_the_limits_of_the_device() {
    use PowerLineFrequency::{Hz50, Hz60};
    let profile = small();
    // The longest exposure is the most whole periods of the light that 33 ms hold.
    for (power_line_frequency, luminance, time_s, gain) in [
        (Hz50, 0.0, 0.030, 16.0),
        (Hz60, 0.0, 0.025, 16.0),
        (Hz50, 0.001, 0.030, 16.0),
        (Hz50, 1e6, 0.0001, 1.0),
        (Hz60, 1e6, 0.0001, 1.0),
    ] {
        let mut camera = Camera::new(&profile, 3);
        camera.configure(CameraSettings { power_line_frequency, ..CameraSettings::default() });
        for seq in 0..40 {
            camera.expose(seq, &flat(&profile, luminance));
            let now = camera.settings(seq + 2);
            assert!((0.0001..=0.033).contains(&now.time_s) && (1.0..=16.0).contains(&now.gain), "{now:?}");
        }
        let Exposure { time_s: longest_s, gain: most } = camera.settings(41);
        assert!((longest_s - time_s).abs() < 1e-9 && most == gain, "{luminance} cd/m²: {longest_s} s, {most}");
    }
}

#[test]
fn exposure_times_are_whole_periods_of_the_lamps_wherever_they_hold_one() {
    use PowerLineFrequency::{Hz50, Hz60};
    let mut camera = Camera::new(&small(), 3);
    for (power_line_frequency, wanted_ms, time_ms, gain) in [
        (Hz50, 4.0, 4.0, 1.0),
        (Hz50, 9.99, 9.99, 1.0),
        (Hz50, 10.0, 10.0, 1.0),
        (Hz50, 19.0, 10.0, 1.9),
        (Hz50, 25.0, 20.0, 1.25),
        (Hz50, 60.0, 30.0, 2.0),
        (Hz60, 8.0, 8.0, 1.0),
        (Hz60, 10.0, 25.0 / 3.0, 1.2),
        (Hz60, 20.0, 50.0 / 3.0, 1.2),
        (Hz60, 50.0, 25.0, 2.0),
    ] {
        camera.configure(CameraSettings { power_line_frequency, ..CameraSettings::default() });
        let exposure = camera.split(wanted_ms * 1e-3);
        let right = (exposure.time_s * 1e3 - time_ms).abs() < 1e-9 && (exposure.gain - gain).abs() < 1e-9;
        assert!(right, "{power_line_frequency:?}, {wanted_ms} ms: {exposure:?}");
    }
}

#[test]
fn a_changed_setting_takes_effect_in_unchanged_light() {
    let profile = small();
    let mut camera = Camera::new(&profile, 3);
    let light = flat(&profile, 10.0);
    for seq in 0..30 {
        camera.expose(seq, &light);
    }
    let before = camera.settings(30);
    assert!((before.time_s % 0.01).min(0.01 - before.time_s % 0.01) < 1e-9, "{before:?}");
    let hz60 = PowerLineFrequency::Hz60;
    camera.configure(CameraSettings { power_line_frequency: hz60, ..CameraSettings::default() });
    assert_eq!(camera.settings(30), before, "frames already settled stay");
    camera.expose(30, &light);
    let after = camera.settings(32);
    assert!((after.time_s * 120.0 - (after.time_s * 120.0).round()).abs() < 1e-9, "{after:?}");
    assert!((after.time_s * after.gain / before.time_s / before.gain - 1.0).abs() < 0.07, "{before:?}, {after:?}");
}

/// The level a floor of 30 cd/m² comes to rest at, at the middle of a picture in which something else is very bright.
fn level_of_the_floor(bright: impl Fn(f64, f64) -> Option<f32>) -> u8 {
    let profile = small();
    let pinhole = profile.pinhole();
    let pixels = (0..pinhole.width * pinhole.height).map(|i| {
        let (x, y) = (f64::from(i % pinhole.width) + 0.5, f64::from(i / pinhole.width) + 0.5);
        [bright(x / f64::from(pinhole.width), y / f64::from(pinhole.height)).unwrap_or(30.0); 3]
    });
    let light = Radiance { width: pinhole.width, height: pinhole.height, pixels: pixels.collect() };
    let mut camera = Camera::new(&profile, 3);
    let last = (0..30).map(|seq| camera.expose(seq, &light)).last().unwrap();
    let (width, middle) = (last.width as usize, last.height as usize / 2);
    let floor = &last.pixels[(middle * width + width / 2 - 5) * 3..(middle * width + width / 2 + 5) * 3];
    (floor.iter().map(|&level| u32::from(level)).sum::<u32>() / 30) as u8
}

#[test]
fn neither_bright_walls_nor_a_window_make_the_floor_dark() {
    let alone = level_of_the_floor(|_, _| None);
    assert!((105..=115).contains(&alone), "{alone}");
    let window = level_of_the_floor(|x, y| (x < 0.2 && (0.2..0.8).contains(&y)).then_some(3000.0));
    assert!((95..alone).contains(&window), "{window}");
    let walls = level_of_the_floor(|x, y| (!(0.12..0.88).contains(&x) || !(0.12..0.88).contains(&y)).then_some(90.0));
    assert!((75..alone).contains(&walls), "{walls}");
}
