//! Sharpening: an unsharp mask on the luminance of an encoded picture.

/// Adds to each pixel `strength` times what its luma exceeds its 3×3 binomial blur by; the same to R, G and B, so that
/// colours stay. Beyond the border is as on it.
pub(crate) fn sharpen(pixels: &mut [u8], width: usize, strength: f64) {
    // In 1/256 of a level per 1/16 of a level.
    let factor = (strength * 16.0).round() as i32;
    if factor == 0 || pixels.is_empty() {
        return;
    }
    let luma: Vec<i16> = pixels.as_chunks().0.iter().map(luma).collect();
    let rows = luma.len() / width;
    let row = |y: usize| &luma[y * width..(y + 1) * width];
    // One more on either side.
    let mut columns = vec![0i16; width + 2];
    let mut add = vec![0i16; width];
    for (y, pixels) in pixels.chunks_exact_mut(3 * width).enumerate() {
        let (above, here, below) = (row(y.saturating_sub(1)), row(y), row((y + 1).min(rows - 1)));
        for (((column, above), here), below) in columns[1..].iter_mut().zip(above).zip(here).zip(below) {
            *column = above + 2 * here + below;
        }
        (columns[0], columns[width + 1]) = (columns[1], columns[width]);
        for (((add, left), middle), (right, here)) in
            add.iter_mut().zip(&columns).zip(&columns[1..]).zip(columns[2..].iter().zip(here))
        {
            let excess = i32::from(16 * here - (left + 2 * middle + right));
            *add = ((excess * factor + 128) >> 8) as i16;
        }
        for (pixel, add) in pixels.as_chunks_mut::<3>().0.iter_mut().zip(&add) {
            *pixel = pixel.map(|level| (i16::from(level) + add).clamp(0, 255) as u8);
        }
    }
}

/// Rec. 709 luma of encoded levels.
fn luma([red, green, blue]: &[u8; 3]) -> i16 {
    ((54 * u32::from(*red) + 183 * u32::from(*green) + 19 * u32::from(*blue) + 128) >> 8) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sharpened(grey: &[u8], width: usize, strength: f64) -> Vec<u8> {
        let mut pixels: Vec<u8> = grey.iter().flat_map(|&level| [level; 3]).collect();
        sharpen(&mut pixels, width, strength);
        assert!(pixels.chunks(3).all(|pixel| pixel == [pixel[0]; 3]), "grey stays grey");
        pixels.into_iter().step_by(3).collect()
    }

    #[test]
    fn an_edge_gets_steeper_and_a_flat_picture_stays() {
        let edge: Vec<u8> = [100, 100, 100, 140, 140, 140].repeat(4);
        // The blur moves a quarter of the step to either side.
        assert_eq!(sharpened(&edge, 6, 0.5), [100, 100, 95, 145, 140, 140].repeat(4));
        assert_eq!(sharpened(&edge, 6, 0.0), edge);
        assert_eq!(sharpened(&[77; 30], 5, 2.0), [77; 30]);
        let ends: Vec<u8> = [0, 0, 255, 255].repeat(3);
        assert_eq!(sharpened(&ends, 4, 4.0), ends, "no level beyond black and white");
    }

    #[test]
    fn a_dot_stands_out_of_its_surroundings() {
        let mut dot = [100u8; 25];
        dot[12] = 132;
        let out = sharpened(&dot, 5, 1.0);
        // The binomial kernel has 1/4 in the middle, 1/8 beside it and 1/16 in its corners.
        assert_eq!([out[12], out[11], out[7], out[6], out[10]], [156, 96, 96, 98, 100]);
    }
}
