//! The oracle lane's detector: it knows the scene's truth, sees it through the device's lens, and errs as it is told to.

use std::sync::Arc;
use std::time::Duration;

use analytics::{DetectError, Detection, Detector, Posture};
use firmware_shim::{Frame, Uptime};
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
    /// Between exposures.
    frame_period: Duration,
}

impl OracleDetector {
    pub(crate) fn new(truth: Arc<Truth>, errors: OracleErrors, seed: u64, frame_period: Duration) -> Self {
        OracleDetector { truth, errors, seed, frame_period }
    }
}

/// The middle of exposure `seq`, in run time.
pub(crate) fn taken_at(seq: u64, frame_period: Duration) -> Uptime {
    Uptime::ZERO + frame_period.mul_f64(seq as f64 + 0.5)
}

impl Detector for OracleDetector {
    fn detect(&mut self, frame: &Frame) -> Result<Vec<Detection>, DetectError> {
        // A stream of its own for every frame: what happens in one cannot shift the errors of the next.
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(frame.seq);
        let lens = self.truth.view().lens;
        let mut found = Vec::new();
        // By its number, for the device tells time from its own start.
        for person in &self.truth.at(taken_at(frame.seq, self.frame_period)).people {
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

    fn believes_from(&self) -> f64 {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use firmware_shim::{Mounting, View};
    use scenes::Scene;

    use super::*;

    /// Two in the open and one behind a wall.
    fn oracle(errors: OracleErrors) -> OracleDetector {
        let text = r##"(
            room: (size_m: (8, 6), ceiling_m: 3),
            light: (lux: 300, diffuse_share: 1),
            furniture: [(name: "wall", piece: Block(size_m: (0.05, 3, 2.8)), at_m: (5, 3), color: "#888888")],
            people: [
                (name: "a", starts: Stands(at_m: (4, 2))),
                (name: "b", starts: Stands(at_m: (4, 4))),
                (name: "hidden", starts: Stands(at_m: (5.4, 3))),
            ],
        )"##;
        let scene = Scene::from_file(&ron_file::RonFile::embedded("room", text)).unwrap_or_else(|e| panic!("{e}"));
        let profile = device_model::Profile::library("vs121-p-standard").unwrap_or_else(|e| panic!("{e}"));
        let mounting = Mounting { height_m: 3.0, rotation_rad: 0.0, tilt_rad: 0.0 };
        let view = View { lens: profile.lens(), mounting };
        OracleDetector::new(
            Arc::new(Truth::new(Arc::new(scene), DVec2::new(4.0, 3.0), view)),
            errors,
            7,
            profile.frame_period(),
        )
    }

    fn seen(oracle: &mut OracleDetector, seq: u64) -> Vec<Detection> {
        oracle.detect(&Frame { seq, taken_at: Uptime::ZERO, image: None }).unwrap()
    }

    #[test]
    fn the_oracle_sees_who_can_be_seen() {
        assert_eq!(seen(&mut oracle(OracleErrors::default()), 0).len(), 2);
    }

    #[test]
    fn its_errors_are_as_frequent_as_it_is_told_and_depend_on_nothing_but_seed_and_frame() {
        let errors = OracleErrors { miss: 0.25, jitter_px: 2.0, false_alarm: 0.1 };
        let mut one_by_one = oracle(errors);
        let frames: Vec<Vec<Detection>> = (0..400).map(|seq| seen(&mut one_by_one, seq)).collect();
        let found = frames.iter().map(Vec::len).sum::<usize>() as f64 / 400.0;
        // 2 × 0.75 + 0.1 on average, with a standard error of 0.034.
        assert!((found - 1.6).abs() < 0.14, "{found} a frame");
        assert_eq!(seen(&mut oracle(errors), 321), frames[321], "a frame alone is as it is among others");
        let exact = seen(&mut oracle(OracleErrors::default()), 0)[0].head_px;
        let off = frames.iter().flatten().filter(|d| d.confidence > 0.0).map(|d| (d.head_px - exact).abs());
        let near: Vec<DVec2> = off.filter(|off| off.max_element() <= 2.0).collect();
        assert!(near.len() > 250 && near.iter().any(|off| off.max_element() > 1.8), "jitter reaches as far as it may");
    }
}
