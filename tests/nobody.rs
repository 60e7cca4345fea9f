//! A device under which nobody is.

use analytics::{DetectError, Detection, Detector};
use firmware_shim::Frame;

/// Sees nobody.
pub struct Nobody;

impl Detector for Nobody {
    fn detect(&mut self, _: &Frame) -> Result<Vec<Detection>, DetectError> {
        Ok(vec![])
    }

    fn believes_from(&self) -> f64 {
        0.0
    }
}
