//! Parts of the picture that nothing may be known of: privacy masks. Knows nothing of colours' meaning and of who wants what covered.

use firmware_shim::RgbImage;
use geo::{Coord, Intersects, Polygon, Rect};
use glam::DVec2;

use crate::count::{is_inside, polygon};

/// What is covered.
#[derive(Clone, Debug, Default)]
pub struct Cover {
    polygons: Vec<Polygon>,
    /// Of the picture size that was last painted: the pixels below, ascending.
    pixels: Option<((u32, u32), Vec<usize>)>,
}

impl Cover {
    /// Covers simple polygons in normalised image coordinates.
    pub fn new(polygons: &[&[DVec2]]) -> Self {
        Cover { polygons: polygons.iter().map(|corners| polygon(corners)).collect(), pixels: None }
    }

    /// Whether anything is covered at all.
    pub fn is_empty(&self) -> bool {
        self.polygons.is_empty()
    }

    /// Whether a point in normalised image coordinates is covered. An edge is.
    pub fn hides(&self, point: DVec2) -> bool {
        self.polygons.iter().any(|polygon| is_inside(point, polygon))
    }

    /// The picture with every pixel painted over of which any part is covered.
    pub fn painted(&mut self, picture: &RgbImage, color: [u8; 3]) -> RgbImage {
        let size = (picture.width, picture.height);
        if self.pixels.as_ref().is_none_or(|(of, _)| *of != size) {
            self.pixels = Some((size, self.covered_pixels(size)));
        }
        let mut pixels = picture.pixels.to_vec();
        for pixel in self.pixels.iter().flat_map(|(_, pixels)| pixels) {
            pixels[3 * pixel..3 * pixel + 3].copy_from_slice(&color);
        }
        RgbImage { pixels: pixels.into(), ..*picture }
    }

    fn covered_pixels(&self, (width, height): (u32, u32)) -> Vec<usize> {
        let corner = |x: u32, y: u32| Coord { x: f64::from(x) / f64::from(width), y: f64::from(y) / f64::from(height) };
        let is_covered = |(x, y): &(u32, u32)| {
            let square = Rect::new(corner(*x, *y), corner(x + 1, y + 1));
            self.polygons.iter().any(|polygon| square.intersects(polygon))
        };
        let all = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        all.filter(is_covered).map(|(x, y)| (y * width + x) as usize).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(corners: &[(f64, f64)]) -> Vec<String> {
        let corners: Vec<DVec2> = corners.iter().copied().map(DVec2::from).collect();
        let picture = RgbImage { width: 8, height: 4, pixels: vec![9; 3 * 8 * 4].into() };
        let painted = Cover::new(&[&corners]).painted(&picture, [1, 2, 3]);
        let sign = |pixel: &[u8]| match pixel {
            [9, 9, 9] => '.',
            [1, 2, 3] => '#',
            other => panic!("{other:?}"),
        };
        painted.pixels.chunks(24).map(|row| row.chunks(3).map(sign).collect()).collect()
    }

    #[test]
    fn whatever_a_cover_touches_is_painted() {
        assert_eq!(
            painted(&[(0.26, 0.3), (0.6, 0.3), (0.6, 0.7), (0.26, 0.7)]),
            ["........", "..###...", "..###...", "........"]
        );
        assert_eq!(painted(&[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]), ["########"; 4]);
        // Thinner than a pixel, and between the middles of pixels.
        assert_eq!(
            painted(&[(0.05, 0.04), (0.95, 0.04), (0.95, 0.05)]),
            ["########", "........", "........", "........"]
        );
    }

    #[test]
    fn an_edge_is_covered() {
        let corners = [(0.2, 0.2), (0.4, 0.2), (0.4, 0.4), (0.2, 0.4)].map(DVec2::from);
        let cover = Cover::new(&[&corners]);
        assert!(cover.hides(DVec2::new(0.4, 0.3)) && cover.hides(DVec2::splat(0.3)));
        assert!(!cover.hides(DVec2::new(0.41, 0.3)));
        assert!(!Cover::default().hides(DVec2::splat(0.3)) && Cover::default().is_empty());
    }
}
