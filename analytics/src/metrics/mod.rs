//! How good detections and tracks are, by the definitions that researchers use. Knows nothing of pictures, files or simulation.

use glam::DVec2;

mod average_precision;
mod tracking;

pub use average_precision::{DETECTIONS_MAX, Judged, Sheet, TrueBox};
pub use tracking::{Followed, FollowedFrame, TrackingScores, tracking_scores};

/// Of a box from its top left to its bottom right corner, px².
fn area(min: DVec2, max: DVec2) -> f64 {
    (max - min).max(DVec2::ZERO).element_product()
}

/// What two boxes have in common, px².
fn common_area(a: (DVec2, DVec2), b: (DVec2, DVec2)) -> f64 {
    area(a.0.max(b.0), a.1.min(b.1))
}
