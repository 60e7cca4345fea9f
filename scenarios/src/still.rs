//! Single pictures of a scene, as a sensor takes them once its automatic exposure has settled.

use std::sync::Arc;

use device_model::{BothStreams, Camera, MainStream, Profile, Radiance};
use firmware_shim::{CameraSettings, Mounting, RgbImage, View};
use glam::DVec2;
use scenes::Scene;

use crate::light::{self, Exposure, LightError, LightSource, Stage};

/// So many frames of the same light settle exposure and white balance from anywhere.
const SETTLES_IN: u64 = 60;
/// Noise of every still is drawn from this.
const SEED: u64 = 1;

/// A camera below the middle of a scene's ceiling, looking straight down.
pub struct Stills<'a> {
    scene: Arc<Scene>,
    profile: Profile,
    light: &'a mut dyn LightSource,
}

impl<'a> Stills<'a> {
    /// Hangs a device below the ceiling.
    pub fn new(scene: Arc<Scene>, profile: Profile, light: &'a mut dyn LightSource) -> Result<Self, LightError> {
        let mut stills = Stills { scene, profile, light };
        stills.set_stage(&stills.profile.clone())?;
        Ok(stills)
    }

    fn view(&self, profile: &Profile) -> View {
        let mounting = Mounting { height_m: self.scene.room.ceiling_m, ..profile.mounting.mounting() };
        View { lens: profile.lens(), mounting }
    }

    fn set_stage(&mut self, profile: &Profile) -> Result<(), LightError> {
        let (x, y) = self.scene.room.size_m;
        let (sensor_at, view) = (DVec2::new(x, y) / 2.0, self.view(profile));
        self.light.set_stage(&Stage { scene: Arc::clone(&self.scene), sensor_at, view, pinhole: profile.pinhole() })
    }

    fn radiance(&mut self, t_s: f64, lux: f64, time_s: f64) -> Result<Radiance, LightError> {
        let worlds = light::instants(&self.scene, &self.view(&self.profile), t_s, time_s);
        self.light.expose(Some(&Exposure { seq: 0, worlds, lux }), &mut |_| {})?;
        light::take(self.light, 0, None, &mut |_| {})
    }

    /// The camera after it has seen the scene for a while.
    fn settled(&mut self, t_s: f64, lux: f64, settings: CameraSettings) -> Result<Camera, LightError> {
        let still = self.radiance(t_s, lux, 0.0)?;
        let mut camera = Camera::new(&self.profile, SEED);
        camera.configure(settings);
        (0..SETTLES_IN).for_each(|seq| {
            camera.expose(seq, light::scene_light(&self.scene, &still, t_s));
        });
        Ok(camera)
    }

    /// A picture of the instant `t_s` seconds after the scene's start, at a level of `lux`.
    pub fn take(&mut self, t_s: f64, lux: f64, settings: CameraSettings) -> Result<RgbImage, LightError> {
        let camera = self.settled(t_s, lux, settings)?;
        let exposure = camera.settings(SETTLES_IN);
        let radiance = self.radiance(t_s, lux, exposure.time_s)?;
        let light = light::scene_light(&self.scene, &radiance, t_s);
        Ok(camera.take(SETTLES_IN, exposure, light).image)
    }

    /// The same in both streams: with all pixels of the chip, and its reduction.
    pub fn take_both(&mut self, t_s: f64, lux: f64, settings: CameraSettings) -> Result<BothStreams, LightError> {
        let camera = self.settled(t_s, lux, settings)?;
        let exposure = camera.settings(SETTLES_IN);
        self.set_stage(&self.profile.main_stream())?;
        let detail = self.radiance(t_s, lux, exposure.time_s)?;
        self.set_stage(&self.profile.clone())?;
        let light = light::scene_light(&self.scene, &detail, t_s);
        Ok(MainStream::new(&self.profile, SEED).take(&camera, SETTLES_IN, exposure, light))
    }
}
