//! What a detector says of one frame.

use firmware_shim::Frame;
use glam::DVec2;
use serde::{Deserialize, Serialize};

/// How a person holds the body, as far as the height of the head goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Posture {
    /// Standing or walking.
    Standing,
    /// Sitting.
    Seated,
}

/// One person seen in one frame. Positions in pixels of the analysed image, origin top left.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// The middle of the head.
    pub head_px: DVec2,
    /// Top left corner of the body's bounding box.
    pub box_min_px: DVec2,
    /// Bottom right corner of the body's bounding box.
    pub box_max_px: DVec2,
    /// Standing or seated.
    pub posture: Posture,
    /// How sure the detector is, 0 to 1.
    pub confidence: f64,
}

/// Finds the people in a frame: the network, or the oracle of a twin that knows the truth.
pub trait Detector: Send {
    /// The people in `frame`, in an order that depends on the frame alone.
    fn detect(&mut self, frame: &Frame) -> Result<Vec<Detection>, DetectError>;

    /// The confidence from which a detection is believed by itself. A weaker one is somebody only where somebody was a moment
    /// ago.
    fn believes_from(&self) -> f64;
}

/// Why a frame could not be analysed.
#[derive(Debug, thiserror::Error)]
pub enum DetectError {
    /// The detector looks at pixels and the frame has none.
    #[error("frame {seq} has no picture")]
    NoPicture {
        /// The frame's number.
        seq: u64,
    },
    /// The frame is not of the size the model takes.
    #[error("frame {seq} is {width}×{height}, the model takes {model_width}×{model_height}")]
    WrongSize {
        /// The frame's number.
        seq: u64,
        /// The frame's width in pixels.
        width: u32,
        /// The frame's height in pixels.
        height: u32,
        /// The width the model takes.
        model_width: u32,
        /// The height the model takes.
        model_height: u32,
    },
    /// The inference runtime failed.
    #[error("failed to run the model on frame {seq}: {reason}")]
    Inference {
        /// The frame's number.
        seq: u64,
        /// The runtime's words.
        reason: String,
    },
}
