//! How good detections and tracks are, by the definitions that researchers use. Knows nothing of pictures, files or simulation.

mod average_precision;
mod tracking;

pub use average_precision::{DETECTIONS_MAX, Judged, Sheet, TrueBox};
pub use tracking::{Followed, FollowedFrame, TrackingScores, tracking_scores};
