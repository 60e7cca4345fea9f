//! Pixels → detections → tracks → counts. Knows nothing of reports, sockets or simulation.

mod count;
mod cover;
mod detect;
mod dwell;
mod flow;
mod letterbox;
mod line;
pub mod metrics;
mod onnx;
mod outline;
mod pipeline;
mod still_life;
mod track;

pub use count::{Counts, DetectionArea, Region, RegionCount, count, polygon_problem};
pub use cover::Cover;
pub use detect::{DetectError, Detection, Detector, Posture};
pub use dwell::{DwellTimer, Stay};
pub use flow::{FlowCounter, Passage, flow_region_problem};
pub use letterbox::detect_in_picture;
pub use line::{CLEAR_M, Crossing, Direction, LINE_POINTS, LineCounter, line_problem};
pub use onnx::{DEFAULT_MODEL, Inference, MODEL_HEIGHT, MODEL_WIDTH, OnnxDetector, OnnxError, choose_runtime};
pub use outline::Placed;
pub use pipeline::{Analysis, Pipeline, RecognitionScheme};
pub use track::{Track, Tracker};
