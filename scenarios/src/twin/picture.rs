//! The rendered lane's camera in the loop: light that is asked for ahead, frames, and pictures with all pixels.

use device_model::{Camera, MainStream};
use firmware_shim::{Frame, RgbImage, Uptime};

use super::{Twin, Work};
use crate::light::{self, Exposure, LightSource};
use crate::schematic::schematic;
use crate::{LightError, RunError};

/// The rendered lane's hardware.
pub(super) struct Picture<'a> {
    light: &'a mut dyn LightSource,
    pub(super) camera: Camera,
    /// What is being rendered meanwhile.
    under_way: Option<Exposure>,
    /// Made when the first picture with all pixels is asked for.
    main_stream: Option<MainStream>,
}

impl<'a> Picture<'a> {
    pub(super) fn new(light: &'a mut dyn LightSource, camera: Camera) -> Self {
        Picture { light, camera, under_way: None, main_stream: None }
    }
}

impl Twin<'_, '_> {
    /// What exposure `seq` of `frames` is of; none without pictures.
    pub(super) fn next_exposure(&self, seq: u64, frames: u64) -> Option<Exposure> {
        let picture = self.picture.as_ref().filter(|_| seq < frames)?;
        Some(self.scenario.exposure_by(&self.timeline, seq, picture.camera.settings(seq).time_s))
    }

    pub(super) fn start_light(&mut self, first: Option<Exposure>) -> Result<(), RunError> {
        if let Some(picture) = &mut self.picture {
            picture.light.expose(first.as_ref(), &mut |_| {})?;
            picture.under_way = first;
        }
        Ok(())
    }

    /// The light has changed while an exposure was under way: that exposure is begun anew if it is of a later time.
    pub(super) fn light_changes(&mut self) -> Result<(), LightError> {
        let Some(picture) = &mut self.picture else { return Ok(()) };
        let Some(before) = &mut picture.under_way else { return Ok(()) };
        let taken_at = self.scenario.taken_at(before.seq);
        let lux = self.scenario.lux_by(&self.timeline, taken_at.as_secs_f64());
        if lux != before.lux {
            before.lux = lux;
            let seq = before.seq;
            light::take(picture.light, seq, Some(before), &mut |_| {})?;
        }
        Ok(())
    }

    /// The frame `seq`; meanwhile the light of the next one is on its way.
    pub(super) fn take_frame(
        &mut self,
        seq: u64,
        taken_at: Uptime,
        next: Option<Exposure>,
        enter: &mut dyn FnMut(Work),
    ) -> Result<Frame, RunError> {
        let Some(picture) = &mut self.picture else { return Ok(Frame { seq, taken_at, image: None }) };
        let radiance = light::take(picture.light, seq, next.as_ref(), enter)?;
        enter(Work::Sensor);
        picture.under_way = next;
        let image = picture.camera.expose(seq, self.scenario.light(seq, &radiance));
        enter(Work::Rest);
        Ok(Frame { seq, taken_at, image: Some(image) })
    }

    /// Frame `seq` with all pixels of the chip, while time stands still: rendered, or in the oracle lane drawn.
    pub(super) fn take_picture(&mut self, seq: u64) -> Result<RgbImage, RunError> {
        let scenario = self.scenario;
        let Some(picture) = &mut self.picture else {
            let frame = self.truth.at(scenario.taken_at(seq));
            let scale = scenario.profile.image.main_stream_factor;
            return Ok(schematic(&frame, self.truth.view(), scale));
        };
        let exposure = picture.camera.settings(seq);
        let detailed = scenario.stage(&scenario.profile.main_stream());
        picture.light.set_stage(&detailed)?;
        let again = scenario.exposure_by(&self.timeline, seq, exposure.time_s);
        picture.light.expose(Some(&again), &mut |_| {})?;
        let radiance = light::take(picture.light, seq, None, &mut |_| {})?;
        picture.light.set_stage(&scenario.stage(&scenario.profile))?;
        picture.light.expose(picture.under_way.as_ref(), &mut |_| {})?;
        let stream = || MainStream::new(&scenario.profile, scenario.seed);
        let stream = picture.main_stream.get_or_insert_with(stream);
        Ok(stream.take(&picture.camera, seq, exposure, scenario.light(seq, &radiance)).main)
    }
}
