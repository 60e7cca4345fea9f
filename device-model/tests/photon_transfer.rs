//! The photon transfer method of EMVA 1288 on raw flat fields: what varies from frame to frame is photons, reading and
//! rounding; what varies from pixel to pixel and stays is the fixed pattern.

use std::f64::consts::PI;

use device_model::{Exposure, ImageSensor, Profile, Radiance, RawImage};
use glam::DVec2;

/// Luminance of a grey card of 18 % under an illuminance in lux.
fn grey_card(lux: f64) -> f64 {
    0.18 * lux / PI
}

fn flat(profile: &Profile, luminance: f64) -> Radiance {
    let pinhole = profile.pinhole();
    Radiance::uniform(pinhole.width, pinhole.height, luminance as f32)
}

/// What the data sheet promises of one channel of one pixel.
struct Model {
    electrons: f64,
    dn_per_e: f64,
    mean_dn: f64,
    /// Photons, reading and rounding.
    variance_dn2: f64,
}

fn model(profile: &Profile, luminance: f64, exposure: Exposure, passed: f64) -> Model {
    let chip = &profile.sensor;
    let sites = f64::from(chip.photosites_per_channel);
    // Illuminance on the chip, and 4.0907e15 photons of 555 nm per lumen-second.
    let lux = profile.optics.transmission * PI * luminance / (4.0 * profile.optics.f_number.powi(2)) * passed;
    let area_m2 = sites * (chip.pixel_pitch_um * 1e-6).powi(2);
    let electrons = lux * 4.0907e15 * area_m2 * exposure.time_s * chip.quantum_efficiency;
    let white_dn = f64::from((1u32 << chip.adc_bits) - 1) - f64::from(chip.black_level_dn);
    let dn_per_e = exposure.gain * white_dn / (chip.full_well_e * sites);
    let read_variance_e2 = chip.read_noise_e.powi(2) * sites;
    Model {
        electrons,
        dn_per_e,
        mean_dn: f64::from(chip.black_level_dn) + electrons * dn_per_e,
        variance_dn2: (electrons + read_variance_e2) * dn_per_e.powi(2) + 1.0 / 12.0,
    }
}

/// Pixels by how much of the light the lens passes to them: eight rings of nearly the same, with its mean.
fn rings(profile: &Profile) -> Vec<(f64, Vec<usize>)> {
    let lens = profile.lens();
    let passed = |index: u32| {
        let pixel = DVec2::new(f64::from(index % lens.width) + 0.5, f64::from(index / lens.width) + 0.5);
        lens.unproject(pixel).unwrap().z.powf(profile.optics.falloff_exponent)
    };
    let mut pixels: Vec<(f64, usize)> =
        (0..lens.width * lens.height).map(|index| (passed(index), index as usize)).collect();
    pixels.sort_by(|a, b| a.0.total_cmp(&b.0));
    let ring = |pixels: &[(f64, usize)]| {
        let mean = pixels.iter().map(|(passed, _)| passed).sum::<f64>() / pixels.len() as f64;
        (mean, pixels.iter().map(|(_, index)| *index).collect())
    };
    pixels.chunks(pixels.len().div_ceil(8)).map(ring).collect()
}

/// All channels of some pixels.
fn samples<'r>(raw: &'r RawImage, ring: &'r [usize]) -> impl Iterator<Item = f64> + Clone + 'r {
    ring.iter().flat_map(|&index| raw.dn[index]).map(f64::from)
}

fn mean_and_variance(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let n = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / n;
    (mean, values.map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0))
}

#[test]
fn the_mean_variance_curve_of_grey_cards_is_the_models_within_5_percent() {
    for (adc_bits, black_level_dn) in [(12, 168), (10, 42)] {
        let mut profile = Profile::library("vs121-p-standard").unwrap();
        (profile.sensor.adc_bits, profile.sensor.black_level_dn) = (adc_bits, black_level_dn);
        let sensor = ImageSensor::new(&profile, 11);
        let rings = rings(&profile);
        // From 8 electrons in the corners under 1 lx to 15,000 in the middle under 1,000. With 8 ms and 10 bits rounding makes
        // up to a third of the variance. (Where all noise is below 0.4 DN, rounding no longer adds 1/12.)
        let exposures =
            [(1.0, 0.03, 16.0), (10.0, 0.03, 8.0), (100.0, 0.02, 2.0), (100.0, 0.008, 1.0), (1000.0, 0.013, 1.0)];
        for (lux, time_s, gain) in exposures {
            let (exposure, luminance) = (Exposure { time_s, gain }, grey_card(lux));
            let light = flat(&profile, luminance);
            let pair = [0, 1].map(|seq| sensor.read_out(seq, 0, exposure, &light));
            for (passed, ring) in &rings {
                let Model { electrons, mean_dn, variance_dn2, .. } = model(&profile, luminance, exposure, *passed);
                let what = format!("{adc_bits} bit, {lux} lx, {electrons:.0} electrons");
                let (mean, _) = mean_and_variance(pair.iter().flat_map(|raw| samples(raw, ring)));
                let signal = mean_dn - f64::from(black_level_dn);
                assert!((mean - mean_dn).abs() < 0.02 * signal, "{what}: mean {mean}, expected {mean_dn}");
                let differences = samples(&pair[0], ring).zip(samples(&pair[1], ring)).map(|(a, b)| a - b);
                let variance = mean_and_variance(differences).1 / 2.0;
                let ratio = variance / variance_dn2;
                assert!((0.95..1.05).contains(&ratio), "{what}: variance {variance}, expected {variance_dn2}");
            }
        }
    }
}

/// Mean of many frames: noise is gone, what stays is the fixed pattern.
fn pattern(profile: &Profile, seed: u64, luminance: f64, exposure: Exposure, frames: u64) -> Vec<f64> {
    let sensor = ImageSensor::new(profile, seed);
    let light = flat(profile, luminance);
    let mut sum = vec![0.0; profile.image.width as usize * profile.image.height as usize * 3];
    for seq in 0..frames {
        let raw = sensor.read_out(seq, 0, exposure, &light);
        for (sum, dn) in sum.iter_mut().zip(raw.dn.as_flattened()) {
            *sum += f64::from(*dn) / frames as f64;
        }
    }
    sum
}

#[test]
fn the_fixed_pattern_has_the_size_of_the_data_sheet_and_stays() {
    let mut profile = Profile::library("vs121-p-standard").unwrap();
    (profile.image.width, profile.image.height, profile.optics.falloff_exponent) = (160, 120, 0.0);
    let frames = 40;
    let (dark, bright) = (Exposure { time_s: 0.01, gain: 16.0 }, Exposure { time_s: 0.03, gain: 1.0 });
    for (luminance, exposure) in [(0.0, dark), (grey_card(500.0), bright)] {
        let Model { electrons, dn_per_e, variance_dn2, .. } = model(&profile, luminance, exposure, 1.0);
        // Four photosites: twice the deviation of one in darkness, half the relative one in light.
        let (dsnu_e, prnu_e) = (2.0 * 2.5, electrons * 0.01 / 2.0);
        let expected = (dsnu_e * dn_per_e).powi(2) + (prnu_e * dn_per_e).powi(2);
        let first = pattern(&profile, 5, luminance, exposure, frames);
        let (mean, variance) = mean_and_variance(first.iter().copied());
        let measured = variance - variance_dn2 / frames as f64;
        assert!((measured / expected - 1.0).abs() < 0.05, "variance {measured}, expected {expected}");
        // The same chip again, in other light or not; another chip is another.
        let other = pattern(&profile, 6, luminance, exposure, frames);
        let correlation = |other: &[f64]| {
            let (other_mean, other_variance) = mean_and_variance(other.iter().copied());
            let products = first.iter().zip(other).map(|(a, b)| (a - mean) * (b - other_mean));
            products.sum::<f64>() / first.len() as f64 / (variance * other_variance).sqrt()
        };
        assert!(correlation(&other).abs() < 0.03, "{}", correlation(&other));
        let dimmer = Exposure { time_s: exposure.time_s * 0.8, ..exposure };
        let again = pattern(&profile, 5, luminance, dimmer, frames);
        assert!(correlation(&again) > 0.8, "{}", correlation(&again));
    }
}
