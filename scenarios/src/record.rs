//! What is kept of a run: enough to judge it, to print it and to draw it.

use std::collections::BTreeMap;

use analytics::Track;
use firmware::{Answer, CommandError, Counted, Diagnostic, Query};
use firmware_shim::{CameraSettings, Contact, RgbImage, Uptime};
use golden::Delivery;

use crate::locations::LocationJudge;
use crate::truth::{TrueArea, TrueCount, TrueFrame};

/// A report off the wire, with the instant at which virtual time waited for it.
#[derive(Clone, Debug)]
pub struct Capture {
    /// Run time.
    pub at: Uptime,
    /// What arrived, where.
    pub delivery: Delivery,
}

/// What was counted in a frame, and what was true.
#[derive(Clone, Copy, Debug)]
pub struct FrameRecord {
    /// The middle of the exposure.
    pub taken_at: Uptime,
    /// People counted in the detection area.
    pub counted: u32,
    /// People who were there.
    pub truth: TrueCount,
}

/// Who was followed in a frame.
#[derive(Clone, Debug)]
pub struct FrameTracks {
    /// The frame's number.
    pub seq: u64,
    /// Ascending by id.
    pub tracks: Vec<Track>,
}

/// Something that the device was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// When.
    pub at: Uptime,
    /// What.
    pub query: Query,
    /// Its answer; `None` when it was not up.
    pub answer: Option<Result<Answer, CommandError>>,
}

/// A frame kept for the contact sheet.
#[derive(Clone, Debug)]
pub struct SheetFrame {
    /// What the analysis saw; the oracle lane has no picture.
    pub image: Option<RgbImage>,
    /// What it made of it.
    pub analysis: analytics::Analysis,
    /// What was true.
    pub truth: std::sync::Arc<TrueFrame>,
    /// Where people were counted.
    pub area: TrueArea,
    /// Counted, and how many there were.
    pub counts: FrameRecord,
}

/// A run.
#[derive(Clone, Debug, Default)]
pub struct RunRecord {
    /// Every analysed frame.
    pub frames: Vec<FrameRecord>,
    /// Who was followed in each of these frames; nothing unless it was to be kept.
    pub tracks: Vec<FrameTracks>,
    /// What the device counted one by one, and when: the middle of the exposure that showed it, or the instant of a step without one. Stays that had
    /// not ended at the end come last.
    pub counted: Vec<(Uptime, Counted)>,
    /// How the DO contact was, from when on; the first is that of power-on.
    pub do_contact: Vec<(Uptime, Contact)>,
    /// Whether the LED was lit, from when on; the first is that of power-on.
    pub led: Vec<(Uptime, bool)>,
    /// What the device set its camera to, from when on.
    pub camera: Vec<(Uptime, CameraSettings)>,
    /// Every report, in the order of arrival.
    pub captures: Vec<Capture>,
    /// When each document was first made.
    pub made: BTreeMap<String, Uptime>,
    /// Where people were counted, from when on.
    pub areas: Vec<(Uptime, TrueArea)>,
    /// What is to be said of what clients of *Realtime Location Push* were sent: one judge for each demand.
    pub location_judges: Vec<LocationJudge>,
    /// What they were sent, by their names; nothing unless tracks are kept.
    pub locations: BTreeMap<String, String>,
    /// What happened, a line each.
    pub transcript: Vec<String>,
    /// What was wanted of the device and it did not do, and why: commands, and clients who found nobody.
    pub refused: Vec<(Uptime, String)>,
    /// What the device was asked because the scenario expects something of the answer.
    pub answers: Vec<Asked>,
    /// Reports that the device gave up for some recipient.
    pub dropped: u64,
    /// Of the program that ran at the end; `None` when none did.
    pub software_version: Option<String>,
    /// Frames for the contact sheet.
    pub sheet: Vec<SheetFrame>,
}

impl RunRecord {
    /// What the device says of itself.
    pub(crate) fn note(&mut self, at: Uptime, said: &Diagnostic) {
        self.transcript.push(format!("{at} device: {said}"));
        if let Diagnostic::ReportMade { document, .. } = said {
            self.made.entry(document.clone()).or_insert(at);
        }
    }

    /// What the camera is set to for what it takes after `at`; `None` before anything was set.
    pub fn camera_after(&self, at: Uptime) -> Option<CameraSettings> {
        self.camera.iter().rfind(|(since, _)| *since <= at).map(|(_, settings)| *settings)
    }

    /// The mean over analysed frames of 1 − |counted − true| / max(true, 1), floored at 0; `None` without a frame.
    pub fn count_accuracy(&self) -> Option<f64> {
        let sum: f64 = self.frames.iter().map(|frame| frame.truth.accuracy(frame.counted)).sum();
        (!self.frames.is_empty()).then(|| sum / self.frames.len() as f64)
    }
}
