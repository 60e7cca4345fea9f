//! Light on its way to the lens, as a renderer delivers it.

use glam::{DVec2, DVec3};

/// A picture of linear luminance on a rectilinear grid along the optical axis; see [`Pinhole`] for its field.
#[derive(Clone, Debug, PartialEq)]
pub struct Radiance {
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Row by row from the top left, cd/m² per Rec. 709 channel: a grey surface of luminance `L` has `[L, L, L]`.
    pub pixels: Vec<[f32; 3]>,
}

impl Radiance {
    /// The same luminance everywhere, in cd/m².
    pub fn uniform(width: u32, height: u32, luminance: f32) -> Self {
        Radiance { width, height, pixels: vec![[luminance; 3]; width as usize * height as usize] }
    }
}

/// The rectilinear picture a renderer must make so that all that the lens sees is in it.
///
/// The camera frame is that of [`firmware_shim::Lens`]: x right, y down, z along the optical axis. The grid's pixels are
/// square.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pinhole {
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Tangent of half the horizontal angle between the outer edges.
    pub tan_half_x: f64,
    /// Tangent of half the vertical angle between the outer edges.
    pub tan_half_y: f64,
}

impl Pinhole {
    /// Where a direction of the camera frame with `z > 0` falls, in pixels from the outer corner of the top left pixel.
    pub fn project(&self, direction: DVec3) -> DVec2 {
        let half = DVec2::new(self.tan_half_x, self.tan_half_y);
        let size = DVec2::new(f64::from(self.width), f64::from(self.height));
        (direction.truncate() / direction.z / half + 1.0) / 2.0 * size
    }

    /// The direction, of depth 1, in which a pixel position looks.
    pub fn unproject(&self, pixel: DVec2) -> DVec3 {
        let half = DVec2::new(self.tan_half_x, self.tan_half_y);
        let size = DVec2::new(f64::from(self.width), f64::from(self.height));
        ((pixel / size * 2.0 - 1.0) * half).extend(1.0)
    }
}
