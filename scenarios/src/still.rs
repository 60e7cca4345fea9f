//! Single pictures of a scene, as a sensor takes them once its automatic exposure has settled.

use std::sync::Arc;

use device_model::{Camera, Profile};
use firmware_shim::{CameraSettings, Mounting, RgbImage, View};
use glam::DVec2;
use scenes::Scene;

use crate::light::{self, Exposure, LightError, LightSource, Stage};

/// So many frames of the same light settle exposure and white balance from anywhere.
const SETTLES_IN: u64 = 60;

/// A camera below the middle of a scene's ceiling, looking straight down.
pub struct Stills<'a> {
    scene: Arc<Scene>,
    profile: Profile,
    light: &'a mut dyn LightSource,
}

impl<'a> Stills<'a> {
    /// Hangs a device below the ceiling.
    pub fn new(scene: Arc<Scene>, profile: Profile, light: &'a mut dyn LightSource) -> Result<Self, LightError> {
        let (x, y) = scene.room.size_m;
        let mounting = Mounting { height_m: scene.room.ceiling_m, ..profile.mounting.mounting() };
        let view = View { lens: profile.lens(), mounting };
        let sensor_at = DVec2::new(x, y) / 2.0;
        light.set_stage(&Stage { scene: Arc::clone(&scene), sensor_at, view, pinhole: profile.pinhole() })?;
        Ok(Stills { scene, profile, light })
    }

    /// A picture of the instant `t_s` seconds after the scene's start, at a level of `lux`.
    pub fn take(&mut self, t_s: f64, lux: f64, settings: CameraSettings) -> Result<RgbImage, LightError> {
        let exposure = Exposure { seq: 0, worlds: vec![self.scene.at(t_s)], lux };
        self.light.expose(Some(&exposure), &mut |_| {})?;
        let radiance = light::take(self.light, 0, None, &mut |_| {})?;
        let mut camera = Camera::new(&self.profile, 1);
        camera.configure(settings);
        (0..SETTLES_IN).for_each(|seq| {
            camera.expose(seq, &radiance);
        });
        Ok(camera.expose(SETTLES_IN, &radiance))
    }
}
