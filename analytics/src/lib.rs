//! Pixels → detections → tracks → counts. Knows nothing of reports, sockets or simulation.

mod count;
mod detect;
mod onnx;
mod pipeline;
mod track;

pub use count::{Counts, DetectionArea, Region};
pub use detect::{DetectError, Detection, Detector, Posture};
pub use onnx::{DEFAULT_MODEL, Inference, OnnxDetector, OnnxError};
pub use pipeline::{Analysis, Pipeline};
pub use track::{Track, Tracker};
