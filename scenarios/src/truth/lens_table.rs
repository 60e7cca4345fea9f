//! Where the lens sees things, about: from a table instead of an arc tangent.
//!
//! How far from the middle of the picture something is seen, over the tangent of its angle to the axis, is smooth in the square of that
//! tangent. Nothing here decides: whoever asks must ask the lens itself when the answer hangs on less than [`LensTable::off_px`].

use firmware_shim::Lens;
use glam::{DVec2, DVec3, Vec2, Vec3A};

/// The square of the tangent up to which there is a table: 71.6°.
const SQUARE_MAX: f32 = 9.0;
const STEPS: usize = 2048;
const PER_STEP: f32 = STEPS as f32 / SQUARE_MAX;
/// Nearer to the lens's plane than this, single precision is not enough, m.
const NEAREST_M: f32 = 0.1;
/// What roundings of single precision may add, px.
const ROUNDING_PX: f32 = 0.02;

pub(super) struct LensTable {
    centre: Vec2,
    /// Pixels per tangent at each step.
    per_tangent: Vec<f32>,
    /// The most that an answer is off, px.
    pub off_px: f32,
}

impl LensTable {
    pub fn new(lens: &Lens) -> Self {
        let centre = DVec2::new(f64::from(lens.width), f64::from(lens.height)) / 2.0;
        let pixels = |square: f64| {
            let tangent = square.sqrt().max(1e-6);
            let seen = lens.project(DVec3::new(tangent, 0.0, 1.0)).unwrap_or(DVec2::splat(f64::NAN));
            ((seen.x - centre.x) / tangent, tangent)
        };
        let square = |step: f64| step / f64::from(PER_STEP);
        let per_tangent: Vec<f32> = (0..=STEPS + 1).map(|step| pixels(square(step as f64)).0 as f32).collect();
        let mut table = LensTable { centre: centre.as_vec2(), per_tangent, off_px: 0.0 };
        // It is worst in the middle between two steps, or near there.
        let between = (0..4 * STEPS).map(|quarter| square(quarter as f64 / 4.0));
        let off = between.map(|square| {
            let (exact, tangent) = pixels(square);
            (f64::from(table.look_up(square as f32)) - exact).abs() * tangent
        });
        table.off_px = 2.0 * off.fold(0.0, f64::max) as f32 + ROUNDING_PX;
        table
    }

    fn look_up(&self, square: f32) -> f32 {
        let at = square * PER_STEP;
        let step = at as usize;
        let (low, high) = (self.per_tangent[step], self.per_tangent[step + 1]);
        low + (high - low) * (at - step as f32)
    }

    /// Where a direction of the camera frame is seen, to [`off_px`](Self::off_px); `None` where the table does not reach.
    pub fn pixel(&self, direction: Vec3A) -> Option<Vec2> {
        let tangents = Vec2::new(direction.x, direction.y) / direction.z;
        let square = tangents.length_squared();
        (direction.z >= NEAREST_M && square < SQUARE_MAX).then(|| self.centre + tangents * self.look_up(square))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_off_by_no_more_than_it_says_and_that_is_little() {
        for name in ["vs121-p-standard", "vs121-p-high-ceiling"] {
            let lens = device_model::Profile::library(name).unwrap_or_else(|e| panic!("{e}")).lens();
            let table = LensTable::new(&lens);
            assert!(table.off_px < 0.05, "{name}: {} px", table.off_px);
            for i in 0..20_000 {
                // All around, ever further out.
                let tangent = 2.99 * f64::from(i) / 20_000.0;
                let direction = (DVec2::from_angle(2.4 * f64::from(i)) * tangent).extend(1.0) * (0.2 + 0.0003 * f64::from(i));
                let exact = lens.project(direction).expect("in the lens's field");
                let about = table.pixel(direction.as_vec3a()).expect("within the table");
                assert!(about.as_dvec2().distance(exact) <= f64::from(table.off_px), "{name}: {about}, {exact}");
            }
            assert_eq!(table.pixel(Vec3A::new(3.01, 0.0, 1.0)), None);
            assert_eq!(table.pixel(Vec3A::new(0.1, 0.0, -1.0)), None);
        }
    }
}
