//! The optics a sensor is calibrated with: which way a pixel looks, and where a point of the room is seen. Pure maths.
//!
//! The lens is the generic wide-angle model of Kannala and Brandt ("A generic camera model and calibration method for
//! conventional, wide-angle, and fish-eye lenses", IEEE PAMI 28(8), 2006), which OpenCV calls *fisheye*:
//! `r = f·(θ + k1·θ³ + k2·θ⁵ + k3·θ⁷ + k4·θ⁹)`, with `θ` the angle to the optical axis and `r` the distance to the
//! principal point in pixels.
//!
//! Image coordinates are pixels with the origin at the outer corner of the top left pixel, x right, y down, so the centre
//! of that pixel is (0.5, 0.5). The camera frame is x right, y down, z forward. The sensor frame has its origin on the
//! floor below the sensor, x and y along the room's axes, z up, all in metres.

use glam::{DMat3, DVec2, DVec3};
use serde::{Deserialize, Serialize};

/// A lens on an image of a given size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lens {
    /// Image width in pixels.
    pub width: u32,
    /// Image height in pixels.
    pub height: u32,
    /// Focal length in pixels.
    pub focal_px: f64,
    /// Distortion k1 … k4; all zero is an equidistant fisheye.
    pub distortion: [f64; 4],
}

/// The largest angle to the axis the model is used at: beyond it the polynomial need not be monotonic.
const THETA_MAX: f64 = 1.45;

impl Lens {
    /// A lens that shows `full_angle_rad` across the image's width at its middle row.
    pub fn with_horizontal_angle(width: u32, height: u32, full_angle_rad: f64, distortion: [f64; 4]) -> Self {
        let unit = Lens { width, height, focal_px: 1.0, distortion };
        let focal_px = f64::from(width) / 2.0 / unit.radius(full_angle_rad / 2.0);
        Lens { focal_px, ..unit }
    }

    /// The principal point: the middle of the image.
    fn centre(&self) -> DVec2 {
        DVec2::new(f64::from(self.width), f64::from(self.height)) / 2.0
    }

    fn radius(&self, theta: f64) -> f64 {
        let t2 = theta * theta;
        let [k1, k2, k3, k4] = self.distortion;
        self.focal_px * theta * (1.0 + t2 * (k1 + t2 * (k2 + t2 * (k3 + t2 * k4))))
    }

    fn radius_slope(&self, theta: f64) -> f64 {
        let t2 = theta * theta;
        let [k1, k2, k3, k4] = self.distortion;
        self.focal_px * (1.0 + t2 * (3.0 * k1 + t2 * (5.0 * k2 + t2 * (7.0 * k3 + t2 * 9.0 * k4))))
    }

    /// Where a direction of the camera frame is seen, or `None` when it is behind the lens or beyond its field. The pixel
    /// may lie outside the image.
    pub fn project(&self, direction: DVec3) -> Option<DVec2> {
        let across = direction.truncate();
        let theta = across.length().atan2(direction.z);
        if theta > THETA_MAX {
            return None;
        }
        let outwards = across.try_normalize().unwrap_or(DVec2::ZERO);
        Some(self.centre() + outwards * self.radius(theta))
    }

    /// The unit direction in the camera frame that a pixel looks at, or `None` beyond the lens's field.
    pub fn unproject(&self, pixel: DVec2) -> Option<DVec3> {
        let from_centre = pixel - self.centre();
        let radius = from_centre.length();
        if radius > self.radius(THETA_MAX) {
            return None;
        }
        // Newton's method on a function that grows ever faster: it converges from above, and 16 steps reach machine
        // precision for any lens from an equidistant to an all but rectilinear one.
        let mut theta = (radius / self.focal_px).min(THETA_MAX);
        for _ in 0..16 {
            let next = (theta - (self.radius(theta) - radius) / self.radius_slope(theta)).clamp(0.0, THETA_MAX);
            if next == theta {
                break;
            }
            theta = next;
        }
        let outwards = from_centre.try_normalize().unwrap_or(DVec2::ZERO);
        Some((outwards * theta.sin()).extend(theta.cos()))
    }

    /// Whether a pixel position lies in the image.
    pub fn contains(&self, pixel: DVec2) -> bool {
        pixel.x >= 0.0 && pixel.y >= 0.0 && pixel.x < f64::from(self.width) && pixel.y < f64::from(self.height)
    }
}

/// How the sensor hangs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mounting {
    /// Height of the lens above the floor in metres.
    pub height_m: f64,
    /// Turn about the vertical in radians, counter-clockwise seen from above. At 0 the image's up is the room's +y.
    pub rotation_rad: f64,
    /// Tilt in radians: by how much the optical axis leans from straight down towards the image's up.
    pub tilt_rad: f64,
}

/// A lens, mounted: the map between the image and the room around the sensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// The lens.
    pub lens: Lens,
    /// How it hangs.
    pub mounting: Mounting,
}

impl View {
    /// The camera's axes in the sensor frame, as columns: image right, image down, optical axis.
    pub fn axes(&self) -> DMat3 {
        let (sin, cos) = self.mounting.tilt_rad.sin_cos();
        let (down, forward) = (DVec3::NEG_Y, DVec3::NEG_Z);
        let tilted = DMat3::from_cols(DVec3::X, down * cos + forward * sin, forward * cos - down * sin);
        DMat3::from_rotation_z(self.mounting.rotation_rad) * tilted
    }

    /// Where a point of the sensor frame (metres) is seen; `None` when it is out of the lens's field. The pixel may lie
    /// outside the image.
    pub fn pixel(&self, point: DVec3) -> Option<DVec2> {
        let from_lens = point - DVec3::new(0.0, 0.0, self.mounting.height_m);
        self.lens.project(self.axes().transpose() * from_lens)
    }

    /// The point at `height_m` above the floor that a pixel shows, or `None` when the pixel does not look down on that
    /// height.
    pub fn point_at_height(&self, pixel: DVec2, height_m: f64) -> Option<DVec3> {
        let [point] = self.points_at_heights(pixel, [height_m]);
        point
    }

    /// The same at several heights, for hardly more than one costs.
    pub fn points_at_heights<const N: usize>(&self, pixel: DVec2, heights_m: [f64; N]) -> [Option<DVec3>; N] {
        let Some(direction) = self.lens.unproject(pixel).map(|direction| self.axes() * direction) else {
            return [None; N];
        };
        heights_m.map(|height_m| self.point_along(direction, height_m))
    }

    fn point_along(&self, direction: DVec3, height_m: f64) -> Option<DVec3> {
        let drop = self.mounting.height_m - height_m;
        if direction.z >= -1e-6 || drop <= 0.0 {
            return None;
        }
        let lens = DVec3::new(0.0, 0.0, self.mounting.height_m);
        Some(lens + direction * (drop / -direction.z))
    }

    /// A pixel in normalised image coordinates, in which regions, lines and masks are drawn: [0, 1] from the top left.
    pub fn normalised(&self, pixel: DVec2) -> DVec2 {
        pixel / DVec2::new(f64::from(self.lens.width), f64::from(self.lens.height))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(rotation_deg: f64, tilt_deg: f64) -> View {
        let lens = Lens::with_horizontal_angle(320, 240, 95f64.to_radians(), [1.0 / 12.0, 0.0, 0.0, 0.0]);
        let mounting =
            Mounting { height_m: 3.0, rotation_rad: rotation_deg.to_radians(), tilt_rad: tilt_deg.to_radians() };
        View { lens, mounting }
    }

    #[test]
    fn a_pixel_and_the_point_it_shows_agree_over_the_whole_image() {
        // Up to the ninth power, the series of tan θ: all but rectilinear.
        let tangent = [1.0 / 3.0, 2.0 / 15.0, 17.0 / 315.0, 62.0 / 2835.0];
        let wide = Lens::with_horizontal_angle(320, 240, 116f64.to_radians(), tangent);
        for (rotation, tilt) in [(0.0, 0.0), (90.0, 0.0), (30.0, 15.0), (-120.0, 10.0)] {
            let mut view = view(rotation, tilt);
            if tilt == 0.0 {
                view.lens = wide;
            }
            for y in (0..=240).step_by(20) {
                for x in (0..=320).step_by(20) {
                    let pixel = DVec2::new(f64::from(x), f64::from(y));
                    let point = view.point_at_height(pixel, 0.3).expect("looks down");
                    let back = view.pixel(point).expect("in the field");
                    assert!((back - pixel).length() < 1e-6, "{pixel} came back as {back}");
                }
            }
        }
    }

    #[test]
    fn unrotated_the_image_is_a_map_with_north_up() {
        let view = view(0.0, 0.0);
        let centre = view.pixel(DVec3::ZERO).unwrap();
        assert!((centre - DVec2::new(160.0, 120.0)).length() < 1e-9);
        let north = view.pixel(DVec3::new(0.0, 1.0, 0.0)).unwrap();
        assert!(north.y < 119.0 && (north.x - 160.0).abs() < 1e-9, "room +y is up: {north}");
        let east = view.pixel(DVec3::new(1.0, 0.0, 0.0)).unwrap();
        assert!(east.x > 161.0, "room +x is right: {east}");
    }

    #[test]
    fn rotation_turns_the_sensor_and_tilt_leans_it_towards_the_images_up() {
        let turned = view(90.0, 0.0);
        let west = turned.pixel(DVec3::new(-1.0, 0.0, 0.0)).unwrap();
        assert!(west.y < 119.0, "turned counter-clockwise, the image's up is the room's -x: {west}");
        let leaning = view(0.0, 20.0);
        let axis = leaning.point_at_height(DVec2::new(160.0, 120.0), 0.0).unwrap();
        assert!((axis.y - 3.0 * 20f64.to_radians().tan()).abs() < 1e-9, "{axis}");
    }

    #[test]
    fn the_horizontal_angle_is_what_was_asked_for() {
        let lens = view(0.0, 0.0).lens;
        let edge = lens.unproject(DVec2::new(320.0, 120.0)).unwrap();
        assert!((edge.x.atan2(edge.z) - 47.5f64.to_radians()).abs() < 1e-9);
    }
}
