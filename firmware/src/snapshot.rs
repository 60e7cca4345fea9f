//! Pictures as JPEG files, and reports with one.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use firmware_shim::RgbImage;
use image::ImageError;
use image::codecs::jpeg::JpegEncoder;

/// By the quantisation tables with which the snapshots of the guide's samples (§7) begin: `/9j/…2wDFABALDA4MCh…` are those of quality 50 in Annex K of
/// ITU-T T.81.
const QUALITY: u8 = 50;

/// A picture as a JPEG file (ITU-T T.81) of a quality of 1 to 100. Pictures of more than 65,535 columns or rows are an error.
pub fn jpeg(picture: &RgbImage, quality: u8) -> Result<Vec<u8>, ImageError> {
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, quality).encode(
        &picture.pixels,
        picture.width,
        picture.height,
        image::ExtendedColorType::Rgb8,
    )?;
    Ok(file)
}

/// A picture as reports carry it: a JPEG file in base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot(Arc<str>);

impl Snapshot {
    pub fn of(picture: &RgbImage) -> Result<Self, ImageError> {
        Ok(Snapshot(STANDARD.encode(jpeg(picture, QUALITY)?).into()))
    }

    /// The document with the picture as its last key.
    pub fn beside(&self, document: &str) -> String {
        let open = document.strip_suffix('}').expect("a document is an object");
        format!(r#"{open},"snapshot":"{}"}}"#, self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> RgbImage {
        let (width, height) = (64, 48);
        // Smooth, with noise of a level or two, as pictures are.
        let channel = |i: u32| ((i / 3 % width) * 3 + (i / 3 / width) + i % 3 * 20 + i * 7 % 3) as u8;
        RgbImage { width, height, pixels: (0..width * height * 3).map(channel).collect() }
    }

    #[test]
    fn a_jpeg_shows_what_the_picture_does() {
        let picture = picture();
        let file = jpeg(&picture, 95).expect("a picture of common size");
        assert!(file.len() < picture.pixels.len() / 2, "{} bytes", file.len());
        let format = image::guess_format(&file).expect("a file of some format");
        assert_eq!(format, image::ImageFormat::Jpeg);
        let read = image::load_from_memory(&file).expect("a file that can be read").to_rgb8();
        assert_eq!(read.dimensions(), (picture.width, picture.height));
        let off: u32 = read.as_raw().iter().zip(picture.pixels.iter()).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        let mean = f64::from(off) / picture.pixels.len() as f64;
        assert!(mean < 4.0, "{mean} levels off");
    }

    #[test]
    fn a_snapshot_begins_as_the_guide_s_and_comes_last() {
        let snapshot = Snapshot::of(&picture()).expect("a picture of common size");
        // "/9j/4AAQSkZJRgABAQAAAQABAAD/2w" in the guide: a JFIF file of version 1.1 or 1.2 with 1:1 pixels, then the tables.
        assert!(snapshot.0.starts_with("/9j/4AAQSkZJRgAB"), "{}", &snapshot.0[..40]);
        let bytes = STANDARD.decode(&*snapshot.0).expect("base64");
        let tables = bytes.windows(2).position(|marker| marker == [0xFF, 0xDB]).expect("tables");
        assert_eq!(bytes[tables + 5..tables + 10], [0x10, 0x0B, 0x0C, 0x0E, 0x0C], "those of the guide's sample");
        let document = snapshot.beside(r#"{"event":"x","current_total":3}"#);
        assert!(
            document.starts_with(r#"{"event":"x","current_total":3,"snapshot":"/9j/"#) && document.ends_with("\"}")
        );
        assert!(serde_json::from_str::<serde_json::Value>(&document).is_ok());
    }
}
