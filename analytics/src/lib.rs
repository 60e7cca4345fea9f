//! Pixels → detections → tracks → counts. Knows nothing of reports, sockets or simulation.

mod count;
mod detect;
mod letterbox;
pub mod metrics;
mod onnx;
mod pipeline;
mod track;

pub use count::{Counts, DetectionArea, Region, RegionCount, count, polygon_problem};
pub use detect::{DetectError, Detection, Detector, Posture};
pub use letterbox::detect_in_picture;
pub use onnx::{DEFAULT_MODEL, Inference, MODEL_HEIGHT, MODEL_WIDTH, OnnxDetector, OnnxError, choose_runtime};
pub use pipeline::{Analysis, Pipeline};
pub use track::{Track, Tracker};
