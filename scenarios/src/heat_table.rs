//! Tables of shares, coloured from bad to good, as a picture.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

use crate::sheet::text;

/// Shares from 0 to 1 by row and column.
pub struct HeatTable {
    /// Above it.
    pub title: String,
    /// Above the columns.
    pub columns: Vec<String>,
    /// Each with what stands before it; empty where nothing was measured.
    pub rows: Vec<(String, Vec<Option<f64>>)>,
}

const CELL: (u32, u32) = (52, 18);
const GAP: u32 = 8;
const LINE: u32 = 14;
/// What stands before the rows, px.
const MARGIN: u32 = 52;
const TABLE_WIDTH_MIN: u32 = 290;
/// Letters are eight pixels wide; larger they are easier to read.
const SCALE: u32 = 2;

const GROUND: Rgb<u8> = Rgb([250, 250, 248]);
const INK: [u8; 3] = [30, 30, 34];
/// From this share on a cell is all green; from [`BAD`] down all red.
const GOOD: f64 = 0.98;
const BAD: f64 = 0.6;

/// Draws tables under a title, `across` of them side by side.
pub fn heat_tables(title: &str, across: usize, tables: &[HeatTable]) -> RgbImage {
    let columns = tables.iter().map(|table| table.columns.len()).max().unwrap_or(0) as u32;
    let lines = tables.iter().map(|table| table.rows.len()).max().unwrap_or(0) as u32;
    let width = (MARGIN + columns * CELL.0).max(TABLE_WIDTH_MIN) + 2 * GAP;
    let height = 2 * LINE + lines * CELL.1 + 2 * GAP;
    let across = across.clamp(1, tables.len().max(1));
    let down = tables.len().div_ceil(across) as u32;
    let mut picture = RgbImage::from_pixel(across as u32 * width + GAP, LINE + GAP + down * height + GAP, GROUND);
    text(&mut picture, GAP, GAP, title, INK);
    for (i, table) in tables.iter().enumerate() {
        let (column, row) = (i % across, i / across);
        draw(&mut picture, GAP + column as u32 * width, LINE + 2 * GAP + row as u32 * height, table);
    }
    let (wide, high) = picture.dimensions();
    imageops::resize(&picture, SCALE * wide, SCALE * high, FilterType::Nearest)
}

fn draw(picture: &mut RgbImage, left: u32, top: u32, table: &HeatTable) {
    text(picture, left, top, &table.title, INK);
    for (i, words) in table.columns.iter().enumerate() {
        text(picture, left + MARGIN + i as u32 * CELL.0 + 2, top + LINE, words, INK);
    }
    for (j, (words, cells)) in table.rows.iter().enumerate() {
        let y = top + 2 * LINE + j as u32 * CELL.1;
        text(picture, left, y + 5, words, INK);
        for (i, share) in cells.iter().enumerate() {
            let Some(share) = share else { continue };
            let x = left + MARGIN + i as u32 * CELL.0;
            let ground = color(*share);
            for (dx, dy) in (0..CELL.0 - 1).flat_map(|dx| (0..CELL.1 - 1).map(move |dy| (dx, dy))) {
                picture.put_pixel(x + dx, y + dy, ground);
            }
            text(picture, x + 4, y + 5, &format!("{:.1}", 100.0 * share), INK);
        }
    }
}

/// From red over yellow to green, light enough for dark letters.
fn color(share: f64) -> Rgb<u8> {
    let part = ((share - BAD) / (GOOD - BAD)).clamp(0.0, 1.0);
    let mix = |from: [f64; 3], to: [f64; 3], part: f64| {
        std::array::from_fn(|i| (from[i] + (to[i] - from[i]) * part).round() as u8)
    };
    let (red, yellow, green) = ([236.0, 110.0, 96.0], [248.0, 220.0, 110.0], [120.0, 200.0, 130.0]);
    Rgb(if part < 0.5 { mix(red, yellow, 2.0 * part) } else { mix(yellow, green, 2.0 * part - 1.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_the_colour_of_its_share_and_an_empty_one_none() {
        let rows = vec![("3 m".to_owned(), vec![Some(1.0), None]), ("4 m".to_owned(), vec![Some(0.3), Some(0.79)])];
        let columns = vec!["20 lx".to_owned(), "50 lx".to_owned()];
        let picture = heat_tables("all", 4, &[HeatTable { title: "seated".into(), columns, rows }]);
        let at = |column: u32, row: u32| {
            let x = GAP + MARGIN + column * CELL.0 + 1;
            let y = 2 * GAP + LINE + 2 * LINE + row * CELL.1 + 1;
            *picture.get_pixel(SCALE * x, SCALE * y)
        };
        assert_eq!([at(0, 0), at(1, 0)], [Rgb([120, 200, 130]), GROUND]);
        assert_eq!(at(0, 1), Rgb([236, 110, 96]));
        assert_eq!(at(1, 1), Rgb([248, 220, 110]));
    }
}
