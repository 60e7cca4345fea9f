//! The oracle lane's detector: it knows the scene's truth, sees it through the device's lens, and errs as it is told to.

use std::sync::Arc;

use analytics::{DetectError, Detection, Detector, Posture};
use firmware_shim::Frame;
use glam::DVec2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::truth::Truth;

/// How the oracle errs. By default it does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OracleErrors {
    /// The part of visible people it misses in a frame, 0 to 1.
    pub miss: f64,
    /// How far a head point is off at most along each axis, pixels.
    pub jitter_px: f64,
    /// The chance of somebody who is not there in a frame, 0 to 1.
    pub false_alarm: f64,
}

/// Tells who is there from the truth.
pub(crate) struct OracleDetector {
    truth: Arc<Truth>,
    errors: OracleErrors,
    seed: u64,
}

impl OracleDetector {
    pub(crate) fn new(truth: Arc<Truth>, errors: OracleErrors, seed: u64) -> Self {
        OracleDetector { truth, errors, seed }
    }
}

impl Detector for OracleDetector {
    fn detect(&mut self, frame: &Frame) -> Result<Vec<Detection>, DetectError> {
        // A stream of its own for every frame: what happens in one cannot shift the errors of the next.
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(frame.seq);
        let lens = self.truth.view().lens;
        let mut found = Vec::new();
        for person in &self.truth.at(frame.taken_at).people {
            let (Some(head), Some((box_min, box_max))) = (person.head_px, person.box_px) else { continue };
            let missed = rng.random_bool(self.errors.miss);
            let jitter = self.errors.jitter_px * DVec2::new(rng.random_range(-1.0..=1.0), rng.random_range(-1.0..=1.0));
            if person.is_visible() && !missed {
                found.push(Detection {
                    head_px: head + jitter,
                    box_min_px: box_min,
                    box_max_px: box_max,
                    posture: person.posture,
                    confidence: 0.9,
                });
            }
        }
        if rng.random_bool(self.errors.false_alarm) {
            let head = DVec2::new(f64::from(lens.width), f64::from(lens.height))
                * DVec2::new(rng.random_range(0.05..0.95), rng.random_range(0.05..0.95));
            let half = DVec2::splat(18.0);
            found.push(Detection {
                head_px: head,
                box_min_px: head - half,
                box_max_px: head + half,
                posture: Posture::Standing,
                confidence: 0.9,
            });
        }
        Ok(found)
    }
}
