//! Single pictures of people placed at random in a known room, for measuring what a detector makes of height, light, posture and
//! crowding. The sensor, its lens and its exposure are those of a run.

use std::sync::Arc;

use analytics::Posture;
use device_model::{Camera, Profile};
use firmware_shim::{CameraSettings, Mounting, RgbImage, Uptime, View};
use glam::DVec2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scenes::{Looks, Scene};

use crate::Scenario;
use crate::dataset::{self, Sample, SamplePerson};
use crate::light::{self, Exposure, LightError, LightSource, Stage, scene_light};
use crate::truth::Truth;

/// The most people of a picture.
const PEOPLE_MAX: usize = 10;
/// When pictures are taken, seconds after the scene's start: who walks is in the middle of a step.
const TAKEN_S: std::ops::Range<f64> = 0.2..1.2;
/// Where the sensor of a scene by itself may hang, as parts of the room's length and width.
const MIDDLE: std::ops::Range<f64> = 0.35..0.65;

/// A room and a device to measure in it.
#[derive(Clone)]
pub struct Subject {
    /// What to call it.
    pub name: String,
    /// The room. Its own people do not come.
    pub scene: Arc<Scene>,
    /// The device.
    pub profile: Profile,
    /// Where it hangs, in the room's x and y, and how it is turned and tilted; anywhere near the middle, turned by any number of
    /// quarters, when not stated.
    pub place: Option<(DVec2, Mounting)>,
    /// What its camera is set to.
    pub settings: CameraSettings,
    /// How the people are dressed.
    pub looks: Looks,
}

impl Subject {
    /// A scene with a device anywhere near the middle of its ceiling.
    pub fn of_scene(name: &str, scene: Arc<Scene>, profile: Profile) -> Self {
        let (settings, looks) = (CameraSettings::default(), Looks::Library);
        Subject { name: name.to_owned(), scene, profile, place: None, settings, looks }
    }

    /// A scenario's room and device, as it hangs there and as it is configured at first.
    pub fn of_scenario(scenario: &Scenario) -> Self {
        Subject {
            name: scenario.name.clone(),
            scene: Arc::clone(&scenario.scene),
            profile: scenario.profile.clone(),
            place: Some((scenario.sensor_at, scenario.mounting)),
            settings: scenario.configuration.image,
            looks: Looks::Library,
        }
    }

    /// The room under another ceiling; `None` when something of it does not fit below.
    pub fn under(&self, height_m: f64) -> Option<Self> {
        Some(Subject { scene: Arc::new(self.scene.with_ceiling(height_m)?), ..self.clone() })
    }
}

/// What is the same in many pictures. The height is that of the subject's ceiling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Circumstances {
    /// The level of light, lx.
    pub lux: f64,
    /// What everybody does; nobody is there without.
    pub posture: Option<Posture>,
}

/// A picture of people within the device's recommended range, of one to ten, or as many as find room, whose number, looks and places
/// depend on `seed` and `stream` alone. The same numbers give the same picture on the same graphics driver.
pub fn take_placed(
    light: &mut dyn LightSource,
    subject: &Subject,
    circumstances: &Circumstances,
    seed: u64,
    stream: u64,
) -> Result<Sample, LightError> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    let height_m = subject.scene.room.ceiling_m;
    let (sensor_at, mounting) = match subject.place {
        Some((at, mounting)) => (at, Mounting { height_m, ..mounting }),
        None => {
            let size = DVec2::new(subject.scene.room.size_m.0, subject.scene.room.size_m.1);
            let at = size * DVec2::new(rng.random_range(MIDDLE), rng.random_range(MIDDLE));
            let quarters = f64::from(rng.random_range(0..4));
            (at, Mounting { height_m, rotation_rad: (90.0 * quarters).to_radians(), tilt_rad: 0.0 })
        }
    };
    let half = subject.profile.recommended_range(height_m) / 2.0;
    let turned_back = DVec2::from_angle(-mounting.rotation_rad);
    let within = |place: DVec2| turned_back.rotate(place - sensor_at).abs().cmple(half).all();
    let wanted = rng.random_range(1..=PEOPLE_MAX);
    let (posture, wanted) = match circumstances.posture {
        Some(Posture::Seated) => (scenes::Posture::Seated, wanted),
        Some(Posture::Standing) => (scenes::Posture::Standing, wanted),
        None => (scenes::Posture::Standing, 0),
    };
    let scene = Arc::new(subject.scene.with_people_placed(&mut rng, posture, wanted, &within, subject.looks));

    let view = View { lens: subject.profile.lens(), mounting };
    let (seed, t_s) = (rng.random(), rng.random_range(TAKEN_S));
    let site = (&scene, sensor_at, view);
    let image = take(light, site, (&subject.profile, subject.settings, seed), t_s, circumstances.lux)?;
    let truth = Truth::new(scene, sensor_at, view).at(Uptime((t_s * 1e9) as u64));
    let people = truth.people.iter().filter(|person| person.box_px.is_some());
    let people = people.map(|person| SamplePerson { person: person.clone(), ignored: !person.is_visible() }).collect();
    Ok(Sample { image, view, lux: circumstances.lux, people })
}

/// A picture of a scene at a time, seconds, under so many lx, as a camera takes it whose exposure has settled. `seed` is of its noise.
pub(crate) fn take(
    light: &mut dyn LightSource,
    (scene, sensor_at, view): (&Arc<Scene>, DVec2, View),
    (profile, settings, seed): (&Profile, CameraSettings, u64),
    t_s: f64,
    lux: f64,
) -> Result<RgbImage, LightError> {
    light.set_stage(&Stage { scene: Arc::clone(scene), sensor_at, view, pinhole: profile.pinhole() })?;
    let mut camera = Camera::new(profile, seed);
    camera.configure(settings);
    let worlds = light::instants(scene, &view, t_s, dataset::exposure_time_s(profile, lux));
    light.expose(Some(&Exposure { seq: 0, worlds, lux }), &mut |_| {})?;
    let radiance = light::take(light, 0, None, &mut |_| {})?;
    let light = scene_light(scene, &radiance, t_s);
    let settled = dataset::settled_product(&camera, profile, 0, light);
    Ok(camera.take(0, camera.split(settled), light).image)
}
