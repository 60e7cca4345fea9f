//! Pictures with truth: random rooms under random sensors for training, or every frame of a scenario, through the same light,
//! lens and noise as a run.

use std::ops::Range;
use std::sync::Arc;

use device_model::{Camera, Light, Profile};
use firmware_shim::{CameraSettings, Mounting, PowerLineFrequency, RgbImage, Uptime, View};
use glam::DVec2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scenes::{Clutter, Scene, random_scene};

use crate::Scenario;
use crate::error::BrokenRun;
use crate::light::{self, Exposure, LightError, LightSource, Stage, scene_light};
use crate::truth::{TruePerson, Truth};
use crate::twin::{Lane, Tracks, run};

/// The most people of a random scene.
const PEOPLE_MAX: usize = 12;
/// Exposures of a scene lie within this many seconds.
const SCENE_S: f64 = 4.0;

/// A picture and everybody in it.
pub struct Sample {
    /// As the analysis gets it.
    pub image: RgbImage,
    /// The lens and how it hung.
    pub view: View,
    /// The room's level of light, lx.
    pub lux: f64,
    /// Everybody of whom anything may be in the picture.
    pub people: Vec<SamplePerson>,
}

/// A person of a sample.
pub struct SamplePerson {
    /// The truth.
    pub person: TruePerson,
    /// Neither hit nor miss: hardly visible, or the floor point is outside the picture.
    pub ignored: bool,
}

/// Pictures of random rooms.
#[derive(Clone, Copy, Debug)]
pub struct RandomRooms {
    /// Another seed gives other rooms.
    pub seed: u64,
    /// Pictures in all.
    pub count: u64,
    /// Pictures of each room.
    pub per_room: u32,
    /// What stands in the rooms.
    pub clutter: Clutter,
}

impl RandomRooms {
    fn rooms(&self) -> u64 {
        self.count.div_ceil(u64::from(self.per_room))
    }

    /// The pictures of part `part` (from 1) of `parts`: whole rooms, about as many in each part.
    pub fn part(&self, part: u64, parts: u64) -> Range<u64> {
        let until = |part: u64| (self.rooms() * part / parts * u64::from(self.per_room)).min(self.count);
        until(part - 1)..until(part)
    }

    /// Exports the pictures of a range that [`part`](Self::part) gave, with their numbers. The same seed gives the same
    /// pictures on the same graphics driver, however they are divided.
    pub fn export<E: From<LightError>>(
        &self,
        light: &mut dyn LightSource,
        profile: &Profile,
        pictures: Range<u64>,
        sink: &mut dyn FnMut(u64, Sample) -> Result<(), E>,
    ) -> Result<(), E> {
        let per_room = u64::from(self.per_room);
        for room in pictures.start / per_room..pictures.end.div_ceil(per_room) {
            // A stream of its own for every room: room 500 is the same however many came before.
            let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
            rng.set_stream(room);
            let first = room * per_room;
            let frames = (pictures.end - first).min(per_room) as u32;
            let mut number = first;
            export_scene(light, profile, self.clutter, &mut rng, frames, &mut |sample| {
                number += 1;
                sink(number - 1, sample)
            })?;
        }
        Ok(())
    }
}

/// Exports every frame of a scenario as its device takes them, with its number from 0. What the device sets its camera to is known from a run in the
/// oracle lane.
pub fn export_sequence<E: From<LightError> + From<Box<BrokenRun>>>(
    light: &mut dyn LightSource,
    scenario: &Scenario,
    sink: &mut dyn FnMut(u64, Sample) -> Result<(), E>,
) -> Result<(), E> {
    let (profile, view) = (&scenario.profile, scenario.view());
    let ran = run(scenario, Lane::Oracle, Tracks::Dropped, &mut |_| {})?;
    // What is set when the device is through with a frame is for those after it.
    let settings = |seq: u64| ran.camera_after(scenario.due(seq - 1)).unwrap_or(scenario.configuration.image);
    light.set_stage(&scenario.stage(profile))?;
    let truth = Truth::new(Arc::clone(&scenario.scene), scenario.sensor_at, view);
    let mut camera = Camera::new(profile, scenario.seed);
    let frames = scenario.frames();
    let exposure =
        |seq: u64, camera: &Camera| (seq < frames).then(|| scenario.exposure(seq, camera.settings(seq).time_s));
    camera.configure(scenario.configuration.image);
    light.expose(exposure(0, &camera).as_ref(), &mut |_| {})?;
    for seq in 0..frames {
        if seq > 0 {
            camera.configure(settings(seq));
        }
        let radiance = light::take(light, seq, exposure(seq + 1, &camera).as_ref(), &mut |_| {})?;
        let image = camera.expose(seq, scenario.light(seq, &radiance));
        sink(
            seq,
            sample(image, &truth, scenario.lux_at(scenario.taken_at(seq).as_secs_f64()), scenario.taken_at(seq)),
        )?;
    }
    Ok(())
}

fn sample(image: RgbImage, truth: &Truth, lux: f64, taken_at: Uptime) -> Sample {
    let lens = truth.view().lens;
    let frame = truth.at(taken_at);
    let people = frame.people.iter().filter(|person| person.box_px.is_some()).map(|person| {
        let foot_in_view = person.foot_px.is_some_and(|foot| lens.contains(foot));
        SamplePerson { person: person.clone(), ignored: !foot_in_view || !person.is_visible() }
    });
    Sample { image, view: *truth.view(), lux, people: people.collect() }
}

fn export_scene<E: From<LightError>>(
    light: &mut dyn LightSource,
    profile: &Profile,
    clutter: Clutter,
    rng: &mut ChaCha8Rng,
    frames: u32,
    sink: &mut dyn FnMut(Sample) -> Result<(), E>,
) -> Result<(), E> {
    let scene = Arc::new(random_scene(rng, PEOPLE_MAX, clutter));
    let profile = vary(profile, rng);
    let view = View { lens: profile.lens(), mounting: random_mounting(&scene, rng) };
    let size = DVec2::new(scene.room.size_m.0, scene.room.size_m.1);
    let sensor_at = size * DVec2::new(rng.random_range(0.3..0.7), rng.random_range(0.3..0.7));
    light.set_stage(&Stage { scene: Arc::clone(&scene), sensor_at, view, pinhole: profile.pinhole() })?;

    let truth = Truth::new(Arc::clone(&scene), sensor_at, view);
    let mut camera = Camera::new(&profile, rng.random());
    camera.configure(random_settings(rng));
    let times: Vec<f64> = (0..frames).map(|_| rng.random_range(0.0..SCENE_S)).collect();
    let time_s = exposure_time_s(&profile, scene.light.lux);
    let exposure = |seq: usize| {
        let worlds = light::instants(&scene, &view, *times.get(seq)?, time_s);
        Some(Exposure { seq: seq as u64, worlds, lux: scene.light.lux })
    };
    light.expose(exposure(0).as_ref(), &mut |_| {})?;
    for (seq, t_s) in times.iter().enumerate() {
        let due = seq as u64;
        let radiance = light::take(light, due, exposure(seq + 1).as_ref(), &mut |_| {})?;
        let light = scene_light(&scene, &radiance, *t_s);
        // Give or take: the automatic is not always through with its work.
        let exposure = settled_product(&camera, &profile, due, light) * rng.random_range(0.6..1.5);
        let image = camera.take(due, camera.split(exposure), light).image;
        sink(sample(image, &truth, scene.light.lux, Uptime((t_s * 1e9) as u64)))?;
    }
    Ok(())
}

/// What somebody may have set, right or wrong for the place.
fn random_settings(rng: &mut ChaCha8Rng) -> CameraSettings {
    let sixty = rng.random_bool(0.3);
    CameraSettings {
        power_line_frequency: if sixty { PowerLineFrequency::Hz60 } else { PowerLineFrequency::Hz50 },
        wide_dynamic_range: rng.random_bool(0.25),
    }
}

/// A device like the profile's, with another lens and sensor, so that the network learns no lens by heart.
fn vary(profile: &Profile, rng: &mut ChaCha8Rng) -> Profile {
    let mut profile = profile.clone();
    profile.optics.horizontal_angle_deg *= rng.random_range(0.75..1.02);
    let straightness = rng.random_range(0.5..1.4);
    profile.optics.distortion = profile.optics.distortion.map(|k| k * straightness);
    profile.sensor.read_noise_e *= rng.random_range(0.5..2.5);
    profile.sensor.quantum_efficiency *= rng.random_range(0.6..1.1);
    profile
}

fn random_mounting(scene: &Scene, rng: &mut ChaCha8Rng) -> Mounting {
    let quarter_turns = f64::from(rng.random_range(0..4));
    let tilt_deg: f64 = if rng.random_bool(0.3) { rng.random_range(-8.0..8.0) } else { 0.0 };
    Mounting {
        height_m: scene.room.ceiling_m,
        rotation_rad: (90.0 * quarter_turns + rng.random_range(-10.0..10.0f64)).to_radians(),
        tilt_rad: tilt_deg.to_radians(),
    }
}

/// About how long the automatic would expose, which starts with what is right for 300 lx.
pub(crate) fn exposure_time_s(profile: &Profile, lux: f64) -> f64 {
    let control = &profile.exposure;
    1e-3 * (control.start_time_ms * 300.0 / lux).clamp(control.time_min_ms, control.time_max_ms)
}

/// The product of time and gain the automatic would settle at: what it measures, scaled to its target.
pub(crate) fn settled_product(camera: &Camera, profile: &Profile, seq: u64, light: Light) -> f64 {
    let control = &profile.exposure;
    let mut product = control.start_time_ms * 1e-3 * control.start_gain;
    let target = control.target();
    // Twice: the first measurement may be clipped.
    for _ in 0..2 {
        let measured = camera.take(seq, camera.split(product), light).mean_signal.max(1e-4);
        product *= (target / measured).clamp(0.02, 50.0);
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_whole_rooms_and_add_up() {
        for (count, per_room, parts) in [(10, 2, 3), (7, 2, 4), (100, 3, 7), (1, 1, 5), (0, 4, 2)] {
            let rooms = RandomRooms { seed: 1, count, per_room, clutter: Clutter::Any };
            let mut next = 0;
            for part in 1..=parts {
                let range = rooms.part(part, parts);
                assert_eq!(range.start, next, "{rooms:?}, part {part} of {parts}");
                assert!(range.start.is_multiple_of(u64::from(per_room)) || range.is_empty());
                next = range.end;
            }
            assert_eq!(next, count, "{rooms:?} in {parts} parts");
        }
    }
}
