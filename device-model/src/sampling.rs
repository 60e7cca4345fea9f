//! Where in a rendered picture each pixel looks. It knows places and weights, and nothing of what light becomes.

use std::borrow::Cow;

use crate::radiance::Radiance;

/// Bilinear sampling of one pixel: the upper left of four neighbours, and the part of each.
#[derive(Clone, Copy)]
struct Tap {
    upper_left: u32,
    /// Upper left, upper right, lower left, lower right; they add up to 1.
    parts: [f32; 4],
}

/// The taps of all pixels in a rendered picture of one size.
#[derive(Clone)]
pub(crate) struct Sampling {
    width: u32,
    height: u32,
    taps: Vec<Tap>,
}

impl Sampling {
    /// For a picture of `width` × `height`, at places in [0, 1] from its top left; beyond its border is as on it.
    ///
    /// # Panics
    /// When the picture is narrower or lower than two pixels.
    pub fn new(width: u32, height: u32, places: &[[f32; 2]]) -> Self {
        assert!(width >= 2 && height >= 2, "a radiance picture of {width}×{height}");
        let taps = places.iter().map(|place| {
            // A pixel's value stands for its centre.
            let (x, y) = (place[0] * width as f32 - 0.5, place[1] * height as f32 - 0.5);
            // The last pixel that has a neighbour to the right and below.
            let (left, top) = (x.clamp(0.0, (width - 2) as f32) as u32, y.clamp(0.0, (height - 2) as f32) as u32);
            let (right, lower) = ((x - left as f32).clamp(0.0, 1.0), (y - top as f32).clamp(0.0, 1.0));
            let (left_part, upper) = (1.0 - right, 1.0 - lower);
            Tap {
                upper_left: top * width + left,
                parts: [upper * left_part, upper * right, lower * left_part, lower * right],
            }
        });
        Sampling { width, height, taps: taps.collect() }
    }

    /// Whether this is for pictures of that picture's size.
    pub fn fits(&self, radiance: &Radiance) -> bool {
        (self.width, self.height) == (radiance.width, radiance.height)
    }

    /// The light that pixels `first..` get, three channels each, as many as `light` has room for. `pixels` are those of
    /// [`physical`].
    pub fn sample(&self, first: usize, pixels: &[[f32; 3]], light: &mut [f32]) {
        let width = self.width as usize;
        for (tap, light) in self.taps[first..].iter().zip(light.chunks_exact_mut(3)) {
            let above = tap.upper_left as usize;
            let (upper, lower) = (&pixels[above..above + 2], &pixels[above + width..above + width + 2]);
            for channel in 0..3 {
                light[channel] = upper[0][channel] * tap.parts[0]
                    + upper[1][channel] * tap.parts[1]
                    + lower[0][channel] * tap.parts[2]
                    + lower[1][channel] * tap.parts[3];
            }
        }
    }
}

/// The brightest that is taken for light, in cd/m².
const LUMINANCE_MAX: f32 = 1e20;

/// Luminances as they can be: a renderer's overflow to infinity is very bright, and what is no number is dark.
///
/// # Panics
/// When the picture has not as many pixels as its size says.
pub(crate) fn physical(radiance: &Radiance) -> Cow<'_, [[f32; 3]]> {
    let Radiance { width, height, pixels } = radiance;
    assert!(
        pixels.len() == *width as usize * *height as usize,
        "a radiance picture of {width}×{height} with {} pixels",
        pixels.len()
    );
    // As integers, infinity, what is no number and everything negative come after the largest.
    let odd = |value: &f32| value.to_bits() > LUMINANCE_MAX.to_bits();
    if !pixels.as_flattened().iter().fold(false, |found, value| found | odd(value)) {
        return Cow::Borrowed(pixels);
    }
    #[allow(clippy::manual_clamp)] // `clamp` would let through what is no number.
    Cow::Owned(pixels.iter().map(|pixel| pixel.map(|value| value.max(0.0).min(LUMINANCE_MAX))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_between_rendered_pixels_is_in_proportion_and_beyond_the_border_like_it() {
        let sample = |levels: [f32; 4], x: f32, y: f32| {
            let radiance = Radiance { width: 2, height: 2, pixels: levels.map(|level| [level; 3]).to_vec() };
            let mut light = [0.0; 3];
            Sampling::new(2, 2, &[[x / 2.0, y / 2.0]]).sample(0, &physical(&radiance), &mut light);
            light[1]
        };
        let at = |x: f32, y: f32| sample([10.0, 20.0, 50.0, 60.0], x, y);
        assert_eq!([at(0.5, 0.5), at(1.5, 0.5), at(0.5, 1.5), at(1.5, 1.5)], [10.0, 20.0, 50.0, 60.0]);
        assert_eq!([at(0.75, 0.5), at(0.5, 0.75), at(1.0, 1.0)], [12.5, 20.0, 35.0]);
        assert_eq!([at(-9.0, 0.0), at(0.0, 0.0), at(9.0, 9.0)], [10.0, 10.0, 60.0]);
        let at = |x: f32, y: f32| sample([f32::INFINITY, f32::NAN, -1.0, 8.0], x, y);
        assert!(at(1.0, 1.0) > 1e9, "an overflow spreads light");
        assert_eq!([at(1.5, 0.5), at(0.5, 1.5), at(1.5, 1.5)], [0.0, 0.0, 8.0]);
    }
}
