//! The sensor, its processor and the control of exposure and white balance as one device: light in, frames out.

use firmware_shim::{CameraSettings, RgbImage};

use crate::exposure::{AutoExposure, Exposure};
use crate::isp::{Developed, Isp};
use crate::light::Light;
use crate::profile::Profile;
use crate::sensor::{ImageSensor, RawImage};
use crate::white_balance::WhiteBalance;

/// The camera of a device.
pub struct Camera {
    sensor: ImageSensor,
    isp: Isp,
    settings: CameraSettings,
    exposure: AutoExposure,
    white_balance: WhiteBalance,
    /// Long over short exposure of a wide dynamic range.
    wide_ratio: f64,
    shortest_s: f64,
}

impl Camera {
    /// The camera a profile describes, with default settings. All its noise descends from `seed`.
    pub fn new(profile: &Profile, seed: u64) -> Self {
        Camera {
            sensor: ImageSensor::new(profile, seed),
            isp: Isp::new(profile),
            settings: CameraSettings::default(),
            exposure: AutoExposure::new(profile),
            white_balance: WhiteBalance::new(&profile.processing.white_balance),
            wide_ratio: profile.wide_dynamic_range.exposure_ratio,
            shortest_s: profile.exposure.time_min_ms * 1e-3,
        }
    }

    /// Changes the settings: pictures taken from now on are developed by them, exposures not yet settled decided by them.
    pub fn configure(&mut self, settings: CameraSettings) {
        self.settings = settings;
        self.exposure.configure(settings);
    }

    /// How frame `seq` is taken; settled once frame `seq - 2` was exposed.
    pub fn settings(&self, seq: u64) -> Exposure {
        self.exposure.settings(seq)
    }

    /// How a product of time in seconds and gain is taken under the present settings.
    pub fn split(&self, product_s: f64) -> Exposure {
        self.exposure.split(product_s)
    }

    /// Takes frame `seq` and lets the control of exposure and white balance learn from it. The radiance has the field of
    /// [`Profile::pinhole`](crate::Profile::pinhole).
    pub fn expose<'r>(&mut self, seq: u64, light: impl Into<Light<'r>>) -> RgbImage {
        let Developed { image, mean_signal, grey } = self.take(seq, self.settings(seq), light);
        self.exposure.measure(seq, mean_signal);
        self.white_balance.measure(seq, grey);
        image
    }

    /// Takes a picture with a given exposure, without touching any control. With the exposure, the settings and the light of
    /// frame `seq` this is that frame again, to the bit.
    pub fn take<'r>(&self, seq: u64, exposure: Exposure, light: impl Into<Light<'r>>) -> Developed {
        self.take_with(&self.isp, seq, exposure, light.into(), |nth, exposure, light| {
            self.sensor.read_out(seq, nth, exposure, light)
        })
    }

    /// What develops the analysis stream.
    pub(crate) fn isp(&self) -> &Isp {
        &self.isp
    }

    /// The chip behind the lens.
    pub(crate) fn sensor(&self) -> &ImageSensor {
        &self.sensor
    }

    /// One or two exposures of frame `seq`, whose number, time and light `read_out` is told, developed by `isp`.
    pub(crate) fn take_with<'r>(
        &self,
        isp: &Isp,
        seq: u64,
        exposure: Exposure,
        light: Light<'r>,
        read_out: impl Fn(u64, Exposure, Light<'r>) -> RawImage,
    ) -> Developed {
        let balance = self.white_balance.gains(seq);
        let long = read_out(0, exposure, light);
        if !self.settings.wide_dynamic_range {
            return isp.develop(&long, balance);
        }
        // The short exposure follows the long one, row by row.
        let time_s = (exposure.time_s / self.wide_ratio).max(self.shortest_s).min(exposure.time_s);
        let middle_s = light.middle_s + (exposure.time_s + time_s) / 2.0;
        let short = read_out(1, Exposure { time_s, ..exposure }, Light { middle_s, ..light });
        isp.develop_wide(&long, &short, exposure.time_s / time_s, balance)
    }
}
