//! Where the lens sees things, about: from a table instead of an arc tangent.
//!
//! How far from the middle of the picture something is seen, over the tangent of its angle to the axis, is smooth in the square of that
//! tangent. Nothing here decides: whoever asks must ask the lens itself when the answer hangs on less than [`LensTable::off_px`].

use firmware_shim::Lens;
use glam::{DVec2, DVec3, Vec2, Vec3A};

/// The square of the tangent up to which there is a table: 71.6°.
const SQUARE_MAX: f32 = 9.0;
const STEPS: usize = 4096;
const PER_STEP: f32 = STEPS as f32 / SQUARE_MAX;
/// Nearer to the lens's plane than this, single precision is not enough, m.
const NEAREST_M: f32 = 0.1;
/// What roundings of single precision may add, px.
const ROUNDING_PX: f32 = 0.005;

pub(super) struct LensTable {
    centre: Vec2,
    /// Pixels per tangent at each step.
    per_tangent: Vec<f32>,
    /// The most pixels per radian, outwards or around, up to each step.
    per_radian: Vec<f32>,
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
        let mut most = 0f64;
        let per_radian = (0..=STEPS).map(|step| {
            let ((near, near_tangent), (far, far_tangent)) =
                (pixels(square(step as f64)), pixels(square(step as f64 + 1.0)));
            let outwards = (far * far_tangent - near * near_tangent) / (far_tangent.atan() - near_tangent.atan());
            // Around, a radian is as long as the sine says.
            most = most.max(outwards).max(far * far_tangent.hypot(1.0)).max(near);
            (1.02 * most) as f32
        });
        let per_radian = per_radian.collect();
        let mut table = LensTable { centre: centre.as_vec2(), per_tangent, per_radian, off_px: 0.0 };
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
    #[inline]
    pub fn pixel(&self, direction: Vec3A) -> Option<Vec2> {
        self.pixel_and_square(direction).map(|(pixel, _)| pixel)
    }

    /// The same with the square of the tangent.
    #[inline]
    pub fn pixel_and_square(&self, direction: Vec3A) -> Option<(Vec2, f32)> {
        let tangents = Vec2::new(direction.x, direction.y) / direction.z;
        let square = tangents.length_squared();
        let reaches = direction.z >= NEAREST_M && square < SQUARE_MAX;
        reaches.then(|| (self.centre + tangents * self.look_up(square), square))
    }

    /// How far off [`pixel`](Self::pixel) may be when the point itself is off by `by_m`, at most 0.1 m; `None` where the table does not reach.
    pub fn off_by(&self, direction: Vec3A, by_m: f32) -> Option<f32> {
        let tangent = Vec2::new(direction.x, direction.y).length() / direction.z;
        self.off_at(tangent, direction.length(), by_m).filter(|_| direction.z >= NEAREST_M)
    }

    /// The same of all points that are no farther out than a tangent and no nearer than `distance_m`.
    pub fn off_at(&self, tangent: f32, distance_m: f32, by_m: f32) -> Option<f32> {
        // A tangent grows by the square of its secant; a chord is hardly shorter than its arc.
        let radians = 1.05 * by_m / distance_m;
        let farther = tangent + 2.0 * radians * (1.0 + tangent * tangent);
        let reaches = radians < 0.1 && farther * farther < SQUARE_MAX;
        reaches.then(|| self.off_px + radians * self.per_radian[(farther * farther * PER_STEP) as usize])
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
                let direction =
                    (DVec2::from_angle(2.4 * f64::from(i)) * tangent).extend(1.0) * (0.2 + 0.0003 * f64::from(i));
                let exact = lens.project(direction).expect("in the lens's field");
                let about = table.pixel(direction.as_vec3a()).expect("within the table");
                assert!(about.as_dvec2().distance(exact) <= f64::from(table.off_px), "{name}: {about}, {exact}");
            }
            assert_eq!(table.pixel(Vec3A::new(3.01, 0.0, 1.0)), None);
            assert_eq!(table.pixel(Vec3A::new(0.1, 0.0, -1.0)), None);
        }
    }

    #[test]
    fn what_moves_a_little_is_seen_to_move_no_more_than_the_table_says() {
        let lens = device_model::Profile::library("vs121-p-standard").unwrap_or_else(|e| panic!("{e}")).lens();
        let table = LensTable::new(&lens);
        let mut near_the_bound = 0;
        for i in 0..20_000 {
            let turn = f64::from(i);
            let from = (DVec2::from_angle(2.4 * turn) * (2.0 * turn / 20_000.0)).extend(1.0) * (0.8 + 0.0003 * turn);
            let way = DVec3::new((1.7 * turn).cos(), (1.7 * turn).sin(), 0.8 * (0.9 * turn).sin()).normalize() * 0.05;
            let [before, after] = [from, from + way].map(|point| lens.project(point).expect("in the lens's field"));
            let at_most = table.off_by(from.as_vec3a(), 0.05).expect("within the table");
            assert!(before.distance(after) <= f64::from(at_most), "{from} {way}: {} px", before.distance(after));
            near_the_bound += u32::from(before.distance(after) > 0.7 * f64::from(at_most));
        }
        assert!(near_the_bound > 100, "the bound is worth something");
    }
}
