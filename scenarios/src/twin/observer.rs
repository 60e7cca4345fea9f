//! Somebody who looks on while a scenario runs, and has a hand in it.
//!
//! An observer is shown every frame once it has been analysed, and may take its time: virtual time waits. What it has happen
//! goes into the timeline a moment later, and happens from there like all that the scenario's file says. So a run that was
//! interfered with is a run of that timeline, and can be made again without anybody.

use std::ops::ControlFlow;
use std::time::Duration;

use analytics::Analysis;
use firmware::Configuration;
use firmware_shim::{RgbImage, Uptime};

use super::{Twin, run_time};
use crate::happening::{Event, Happening};
use crate::order;
use crate::record::{FrameRecord, RunRecord};
use crate::truth::TrueFrame;
use crate::{RunError, Scenario};

/// Hands are so much later than what they react to: what is seen of a frame cannot change what was made of it.
const REACTION: Duration = Duration::from_millis(1);

/// Is shown every moment of a run; tells what is to happen then, or that it is to end.
pub type Observer<'o> = &'o mut dyn FnMut(&Moment) -> ControlFlow<(), Vec<Happening>>;

/// What is known when a frame was analysed.
pub struct Moment<'m> {
    /// The frame's number.
    pub seq: u64,
    /// When it was handed to the device: now.
    pub at: Uptime,
    /// The middle of its exposure.
    pub taken_at: Uptime,
    /// As the sensor took it; the oracle lane has no picture.
    pub image: Option<&'m RgbImage>,
    /// What the device made of it, and how that compares with the truth; `None` when it was not up.
    pub analysed: Option<(&'m Analysis, FrameRecord)>,
    /// Who was there.
    pub truth: &'m TrueFrame,
    /// The level of light, lx.
    pub lux: f64,
    /// What is set on the device, while it is up.
    pub configuration: Option<&'m Configuration>,
    /// Whether something supplies the device.
    pub has_power: bool,
    /// Whether its network cable is in.
    pub cable_is_in: bool,
    /// Reports that it gave up for some recipient.
    pub dropped: u64,
    /// All that has happened and is going to.
    pub timeline: &'m [Event],
    /// What has been kept of the run up to now.
    pub record: &'m RunRecord,
}

impl Twin<'_, '_> {
    /// Shows the observer a frame, and takes what it has happen into the timeline.
    pub(super) fn show(
        &mut self,
        seq: u64,
        at: Uptime,
        taken_at: Uptime,
        image: Option<&RgbImage>,
        analysed: Option<(&Analysis, FrameRecord)>,
    ) -> Result<(), RunError> {
        let Some(observer) = &mut self.observer else { return Ok(()) };
        let moment = Moment {
            seq,
            at,
            taken_at,
            image,
            analysed,
            truth: &self.truth.at(taken_at),
            lux: self.scenario.lux_by(&self.timeline, at.as_secs_f64()),
            configuration: self.device.configuration(),
            has_power: self.power.is_on(),
            cable_is_in: self.power.cable_is_in(),
            dropped: self.device.dropped(),
            timeline: &self.timeline,
            record: &self.record,
        };
        let ControlFlow::Continue(happenings) = observer(&moment) else { return Err(RunError::Stopped { at }) };
        for event in happenings {
            let event = Event { at_s: (at + REACTION).as_secs_f64(), event };
            match self.scenario.with(&self.timeline, event) {
                Ok(timeline) => self.timeline = timeline,
                Err(words) => {
                    self.note(at, format!("this cannot happen: {words}"));
                    self.record.refused.push((at, words));
                }
            }
        }
        Ok(self.light_changes()?)
    }
}

impl Scenario {
    /// A timeline with one event more, after all that happens at the same time. What could not stand in a scenario's file is refused.
    fn with(&self, timeline: &[Event], event: Event) -> Result<Vec<Event>, String> {
        if run_time(event.at_s) > run_time(self.duration_s) {
            return Err(format!("the run ends at {} s", self.duration_s));
        }
        let problems = event.event.problems(&self.recipients);
        let mut timeline = timeline.to_vec();
        let place = timeline.partition_point(|other| other.at_s <= event.at_s);
        timeline.insert(place, event);
        let problems = problems.into_iter().chain(order::problems(&timeline, &self.profile.power, &self.power));
        match problems.map(|(_, words)| words).next() {
            Some(words) => Err(words),
            None => Ok(timeline),
        }
    }
}

#[cfg(test)]
mod tests;
