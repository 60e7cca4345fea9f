//! One picture of the image sensor, as the analysis sees it.

use std::sync::Arc;

use crate::Uptime;

/// A frame of the analysis stream.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Counts exposures since power-on, without gaps.
    pub seq: u64,
    /// The middle of the exposure.
    pub taken_at: Uptime,
    /// The pixels; a detector that does not look at pixels may be fed frames without them.
    pub image: Option<RgbImage>,
}

/// 8-bit sRGB-encoded pixels, row by row from the top left, three bytes each. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RgbImage {
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `3 * width * height` bytes, R G B.
    pub pixels: Arc<[u8]>,
}
