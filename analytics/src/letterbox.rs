//! Pictures of any size before a detector that takes one: scaled as a whole, with even bars where they are narrower or lower.

use firmware_shim::{Frame, RgbImage, Uptime};
use glam::DVec2;
use image::imageops::{self, FilterType};
use image::{ImageBuffer, Rgb};

use crate::onnx::{MODEL_HEIGHT, MODEL_WIDTH};
use crate::{DetectError, Detection, Detector};

/// What the bars are filled with: neither bright nor dark, so that their edges look like little.
const BARS: Rgb<u8> = Rgb([114, 114, 114]);

/// All that a detector tells of a picture of any size, in its own pixels, the surest first. Less sure than
/// [`Detector::believes_from`] is only who is somebody when there was somebody a moment ago.
///
/// # Errors
/// Those of the detector.
///
/// # Panics
/// When the picture has not as many bytes as its size says, or none.
pub fn detect_in_picture(detector: &mut dyn Detector, picture: &RgbImage) -> Result<Vec<Detection>, DetectError> {
    let letterbox = Letterbox::new(picture.width, picture.height);
    let frame = Frame { seq: 0, taken_at: Uptime::ZERO, image: Some(letterbox.fit(picture)) };
    let mut people = detector.detect(&frame)?;
    people.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    Ok(people.into_iter().filter_map(|person| letterbox.back(person)).collect())
}

/// How a picture lies in the detector's.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Letterbox {
    /// Of the picture, px.
    own: DVec2,
    /// Of what is left of it in the detector's picture, px.
    scaled: (u32, u32),
    /// Its top left corner there.
    corner: (u32, u32),
}

impl Letterbox {
    fn new(width: u32, height: u32) -> Self {
        let own = DVec2::new(f64::from(width), f64::from(height));
        let scale = (f64::from(MODEL_WIDTH) / own.x).min(f64::from(MODEL_HEIGHT) / own.y);
        let scaled = [own.x, own.y].map(|length| (length * scale).round().max(1.0) as u32);
        let scaled = (scaled[0].min(MODEL_WIDTH), scaled[1].min(MODEL_HEIGHT));
        Letterbox { own, scaled, corner: ((MODEL_WIDTH - scaled.0) / 2, (MODEL_HEIGHT - scaled.1) / 2) }
    }

    fn fit(&self, picture: &RgbImage) -> RgbImage {
        if (picture.width, picture.height) == (MODEL_WIDTH, MODEL_HEIGHT) {
            return picture.clone();
        }
        let own: ImageBuffer<Rgb<u8>, &[u8]> =
            ImageBuffer::from_raw(picture.width, picture.height, &picture.pixels[..]).expect("a picture has its bytes");
        // A triangle as wide as what becomes one pixel: nothing of a large picture is passed over.
        let scaled = imageops::resize(&own, self.scaled.0, self.scaled.1, FilterType::Triangle);
        let mut whole = image::RgbImage::from_pixel(MODEL_WIDTH, MODEL_HEIGHT, BARS);
        imageops::replace(&mut whole, &scaled, self.corner.0.into(), self.corner.1.into());
        RgbImage { width: MODEL_WIDTH, height: MODEL_HEIGHT, pixels: whole.into_raw().into() }
    }

    /// A detection in the picture's own pixels; `None` when it lies in a bar. Somebody whose head is outside the picture is told of by the
    /// body: half of its box must be in the picture.
    fn back(&self, person: Detection) -> Option<Detection> {
        let corner = DVec2::new(f64::from(self.corner.0), f64::from(self.corner.1));
        let scaled = DVec2::new(f64::from(self.scaled.0), f64::from(self.scaled.1));
        let place = |at: DVec2| (at - corner) / scaled * self.own;
        let inside = |at: DVec2| at.cmpge(DVec2::ZERO).all() && at.cmple(self.own).all();
        let area = |min: DVec2, max: DVec2| (max - min).max(DVec2::ZERO).element_product();
        let (head_px, min, max) = (place(person.head_px), place(person.box_min_px), place(person.box_max_px));
        let (box_min_px, box_max_px) = (min.clamp(DVec2::ZERO, self.own), max.clamp(DVec2::ZERO, self.own));
        let seen = area(box_min_px, box_max_px);
        let is_in = inside(head_px) || seen > 0.0 && seen >= 0.5 * area(min, max);
        is_in.then_some(Detection { head_px, box_min_px, box_max_px, ..person })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Posture;

    /// Finds two people at the middle of all that is red, and one in the top left corner.
    struct Red;

    impl Detector for Red {
        fn detect(&mut self, frame: &Frame) -> Result<Vec<Detection>, DetectError> {
            let image = frame.image.as_ref().expect("a picture");
            assert_eq!((image.width, image.height), (MODEL_WIDTH, MODEL_HEIGHT));
            let (mut sum, mut weight) = (DVec2::ZERO, 0.0);
            for (i, rgb) in image.pixels.chunks_exact(3).enumerate() {
                let red = (f64::from(rgb[0]) - f64::from(rgb[1])).max(0.0);
                sum += red * DVec2::new((i as u32 % image.width) as f64 + 0.5, (i as u32 / image.width) as f64 + 0.5);
                weight += red;
            }
            let head_px = sum / weight;
            let person = |confidence: f64, at: DVec2| Detection {
                head_px: at,
                box_min_px: at - 30.0,
                box_max_px: at + 30.0,
                posture: Posture::Standing,
                confidence,
            };
            // Two, and one in a bar.
            Ok(vec![person(0.6, head_px), person(0.4, head_px), person(0.9, DVec2::new(1.0, 1.0))])
        }

        fn believes_from(&self) -> f64 {
            0.0
        }
    }

    #[test]
    fn people_are_found_where_they_are_in_pictures_of_any_size() {
        for (width, height) in [(1600, 1200), (1000, 3000), (3000, 700), (80, 60), (50, 200)] {
            let (x, y) = (width * 7 / 10, height / 4);
            let near = |i: u32, middle: u32, length: u32| i.abs_diff(middle) <= length / 50;
            let pixel = |i: u32| {
                let red = near(i % width, x, width) && near(i / width, y, height);
                if red { [250, 10, 10] } else { [90, 90, 90] }
            };
            let pixels: Vec<u8> = (0..width * height).flat_map(pixel).collect();
            let picture = RgbImage { width, height, pixels: pixels.into() };
            let found = detect_in_picture(&mut Red, &picture).unwrap();
            let person = found.iter().find(|person| person.confidence == 0.6).expect("the one who is surer");
            let expected = DVec2::new(f64::from(x) + 0.5, f64::from(y) + 0.5);
            let pixel = (f64::from(width) / 320.0).max(f64::from(height) / 240.0).max(1.0);
            assert!(
                person.head_px.distance(expected) < 0.7 * pixel,
                "{width}×{height}: {} not {expected}",
                person.head_px
            );
            assert!(person.box_max_px.x <= f64::from(width) && person.box_min_px.y >= 0.0);
            let bars = (width * 3).abs_diff(height * 4) > width;
            assert_eq!(found.len(), if bars { 2 } else { 3 }, "{width}×{height}: {found:?}");
        }
    }

    #[test]
    fn whose_head_is_outside_the_picture_is_told_of_by_the_body() {
        let somebody = |head: (f64, f64), min: (f64, f64), max: (f64, f64)| Detection {
            head_px: head.into(),
            box_min_px: min.into(),
            box_max_px: max.into(),
            posture: Posture::Standing,
            confidence: 0.9,
        };
        // As large as the model's, and one twice as wide with bars of 60 px above and below.
        let (same, wide) = (Letterbox::new(320, 240), Letterbox::new(640, 240));
        let beyond = same.back(somebody((330.0, 100.0), (280.0, 60.0), (320.0, 140.0))).expect("by the body");
        assert_eq!((beyond.head_px, beyond.box_max_px), (DVec2::new(330.0, 100.0), DVec2::new(320.0, 140.0)));
        let cut = wide.back(somebody((100.0, 50.0), (80.0, 45.0), (120.0, 95.0))).expect("mostly in the picture");
        assert_eq!((cut.head_px.y, cut.box_min_px, cut.box_max_px.y), (-20.0, DVec2::new(160.0, 0.0), 70.0));
        assert!(wide.back(somebody((100.0, 40.0), (80.0, 10.0), (120.0, 70.0))).is_none(), "mostly in the bar");
        assert!(wide.back(somebody((100.0, 40.0), (80.0, 40.0), (120.0, 40.0))).is_none(), "of no size");
    }

    #[test]
    fn a_picture_of_the_models_size_is_taken_as_it_is() {
        let pixels: Vec<u8> = (0..MODEL_WIDTH * MODEL_HEIGHT * 3).map(|i| (i % 251) as u8).collect();
        let picture = RgbImage { width: MODEL_WIDTH, height: MODEL_HEIGHT, pixels: pixels.into() };
        assert_eq!(Letterbox::new(MODEL_WIDTH, MODEL_HEIGHT).fit(&picture), picture);
    }
}
