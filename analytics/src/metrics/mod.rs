//! How good detections are, by the definitions that researchers use. Knows nothing of pictures, files or simulation.

mod average_precision;

pub use average_precision::{DETECTIONS_MAX, Judged, Sheet, TrueBox};
