//! A picture as it leaves the device: a JPEG file.

use firmware_shim::RgbImage;
use image::ImageError;
use image::codecs::jpeg::JpegEncoder;

/// Little loss at a fifth of the size of a PNG, which cannot compress noise.
const QUALITY: u8 = 95;

/// A picture as a JPEG file (ITU-T T.81). Pictures of more than 65,535 columns or rows are an error.
pub fn snapshot(picture: &RgbImage) -> Result<Vec<u8>, ImageError> {
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, QUALITY).encode(
        &picture.pixels,
        picture.width,
        picture.height,
        image::ExtendedColorType::Rgb8,
    )?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_shows_what_the_picture_does() {
        let (width, height) = (64, 48);
        // Smooth, with noise of a level or two, as pictures are.
        let channel = |i: u32| ((i / 3 % width) * 3 + (i / 3 / width) + i % 3 * 20 + i * 7 % 3) as u8;
        let picture = RgbImage { width, height, pixels: (0..width * height * 3).map(channel).collect() };
        let file = snapshot(&picture).expect("a picture of common size");
        assert!(file.len() < picture.pixels.len() / 2, "{} bytes", file.len());
        let format = image::guess_format(&file).expect("a file of some format");
        assert_eq!(format, image::ImageFormat::Jpeg);
        let read = image::load_from_memory(&file).expect("a file that can be read").to_rgb8();
        assert_eq!(read.dimensions(), (width, height));
        let off: u32 = read.as_raw().iter().zip(picture.pixels.iter()).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        let mean = f64::from(off) / picture.pixels.len() as f64;
        assert!(mean < 4.0, "{mean} levels off");
    }
}
