//! The photon transfer method of EMVA 1288 on flat fields out of the whole chain: a lit room, rendered, through lens and sensor.

use std::f64::consts::PI;
use std::sync::Arc;

use device_model::{Exposure, ImageSensor, Profile};
use glam::{DVec2, DVec3};
use scenarios::{LightSource, Stage};
use scenes::{Color, Finish, Illumination, Light, Room, Scene};
use sim::light::HeadlessLight;

/// A pixel that shows the floor well away from the walls.
struct Pixel {
    index: usize,
    /// Of a channel, by the data sheet.
    electrons: f64,
}

/// A grey floor under even light, 18 %.
fn scene(lux: f64) -> Scene {
    let grey = Color::new(118, 118, 118);
    let room = Room {
        size_m: (8.0, 6.0),
        ceiling_m: 3.0,
        floor: grey,
        floor_finish: Finish::Plain,
        walls: grey,
        walls_finish: Finish::Plain,
        mirrors: vec![],
    };
    Scene::new(room, Light { lux, ..Light::default() }, vec![], vec![]).expect("a scene without mistakes")
}

/// What is expected of the floor, from the lux meter over Lambert's law, the lens and the chip's figures.
fn floor_pixels(profile: &Profile, stage: &Stage, exposure: Exposure) -> Vec<Pixel> {
    let (lens, chip) = (stage.view.lens, &profile.sensor);
    let sites = f64::from(chip.photosites_per_channel);
    let illumination = Illumination::new(&stage.scene.room, &stage.scene.light, &[], 0.0);
    let reflectance = f64::from(stage.scene.room.floor.reflectance()[1]);
    let mut pixels = Vec::new();
    for index in 0..lens.width * lens.height {
        let centre = DVec2::new(f64::from(index % lens.width) + 0.5, f64::from(index / lens.width) + 0.5);
        let ray = lens.unproject(centre).expect("in the lens's field");
        let below = DVec2::new(ray.x, -ray.y) / ray.z * stage.view.mounting.height_m;
        if below.x.abs() > 3.0 || below.y.abs() > 2.0 {
            continue;
        }
        let at = (stage.sensor_at + below).extend(0.0);
        let luminance = reflectance * illumination.meter(at, DVec3::Z, stage.scene.light.lux) / PI;
        let passed = ray.z.powf(profile.optics.falloff_exponent);
        let chip_lux = profile.optics.transmission * PI * luminance / (4.0 * profile.optics.f_number.powi(2)) * passed;
        let area_m2 = sites * (chip.pixel_pitch_um * 1e-6).powi(2);
        // 4.0907e15 photons of 555 nm per lumen-second.
        let electrons = chip_lux * 4.0907e15 * area_m2 * exposure.time_s * chip.quantum_efficiency;
        pixels.push(Pixel { index: index as usize, electrons });
    }
    // Alike ones together.
    pixels.sort_by(|a, b| a.electrons.total_cmp(&b.electrons));
    pixels
}

#[test]
fn rendered_flat_fields_have_the_mean_and_variance_of_the_data_sheet_within_5_percent() {
    let mut renderer = HeadlessLight::start().unwrap_or_else(|error| panic!("{error}"));
    let profile = Profile::library("vs121-p-standard").unwrap();
    let sensor = ImageSensor::new(&profile, 11);
    for (lux, time_s, gain) in [(1.0, 0.03, 16.0), (10.0, 0.03, 8.0), (100.0, 0.02, 2.0), (1000.0, 0.013, 1.0)] {
        let exposure = Exposure { time_s, gain };
        let scene = Arc::new(scene(lux));
        let (sensor_at, pinhole) = (DVec2::new(4.0, 3.0), profile.pinhole());
        let stage = Stage { scene, sensor_at, view: profile.view(), pinhole };
        renderer.set_stage(&stage).unwrap();
        let mut frame = |seq: u64| {
            renderer.expose(Some(&scenarios::Exposure { seq, ..stage.first_exposure() }), &mut |_| {}).unwrap();
            let (_, radiance) = renderer.expose(None, &mut |_| {}).unwrap().expect("one was asked for");
            sensor.read_out(seq, 0, exposure, &radiance)
        };
        let pair = [frame(0), frame(1)];
        let sites = f64::from(profile.sensor.photosites_per_channel);
        let black = f64::from(profile.sensor.black_level_dn);
        let white = f64::from((1u32 << profile.sensor.adc_bits) - 1);
        let dn_per_e = gain * (white - black) / (profile.sensor.full_well_e * sites);
        let pixels = floor_pixels(&profile, &stage, exposure);
        assert!(pixels.len() > 20_000, "{} pixels of floor", pixels.len());
        for group in pixels.chunks(pixels.len().div_ceil(4)) {
            let n = (group.len() * 3) as f64;
            let electrons = group.iter().map(|pixel| pixel.electrons).sum::<f64>() / group.len() as f64;
            let dn = |frame: usize, pixel: &Pixel| pair[frame].dn[pixel.index].map(f64::from);
            let both = [0, 1].into_iter().flat_map(|frame| group.iter().flat_map(move |pixel| dn(frame, pixel)));
            let mean = both.sum::<f64>() / (2.0 * n) - black;
            let expected = electrons * dn_per_e;
            assert!((mean / expected - 1.0).abs() < 0.05, "{lux} lx: signal {mean} DN, expected {expected}");
            // The difference of two frames has no fixed pattern, and twice the variance of one.
            let differences = group.iter().flat_map(|pixel| {
                let [a, b] = [0, 1].map(|frame| dn(frame, pixel));
                [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
            });
            let shift = differences.clone().sum::<f64>() / n;
            let variance = differences.map(|d| (d - shift).powi(2)).sum::<f64>() / (n - 1.0) / 2.0;
            let model = (electrons + profile.sensor.read_noise_e.powi(2) * sites) * dn_per_e.powi(2) + 1.0 / 12.0;
            let what = format!("{lux} lx, {electrons:.0} electrons");
            assert!((variance / model - 1.0).abs() < 0.05, "{what}: variance {variance}, expected {model}");
        }
    }
}
