//! The sensor, its processor and the exposure control as one device: light in, frames out.

use firmware_shim::RgbImage;

use crate::exposure::{AutoExposure, Exposure};
use crate::isp::{Developed, Isp};
use crate::profile::Profile;
use crate::radiance::Radiance;
use crate::sensor::ImageSensor;

/// The camera of a device.
pub struct Camera {
    sensor: ImageSensor,
    isp: Isp,
    exposure: AutoExposure,
}

impl Camera {
    /// The camera a profile describes. All its noise descends from `seed`.
    pub fn new(profile: &Profile, seed: u64) -> Self {
        Camera {
            sensor: ImageSensor::new(profile, seed),
            isp: Isp::new(profile),
            exposure: AutoExposure::new(&profile.exposure),
        }
    }

    /// How frame `seq` is taken; settled once frame `seq - 2` was exposed.
    pub fn settings(&self, seq: u64) -> Exposure {
        self.exposure.settings(seq)
    }

    /// Takes frame `seq` and lets the exposure control learn from it. The radiance has the field of
    /// [`Profile::pinhole`](crate::Profile::pinhole).
    pub fn expose(&mut self, seq: u64, radiance: &Radiance) -> RgbImage {
        let Developed { image, mean_signal } = self.take(seq, self.settings(seq), radiance);
        self.exposure.measure(seq, mean_signal);
        image
    }

    /// Takes a picture with given settings, without touching the exposure control. With the settings and the light of
    /// frame `seq` this is that frame again, to the bit.
    pub fn take(&self, seq: u64, exposure: Exposure, radiance: &Radiance) -> Developed {
        self.isp.develop(&self.sensor.read_out(seq, 0, exposure, radiance))
    }
}
