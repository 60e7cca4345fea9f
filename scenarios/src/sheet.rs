//! The contact sheet: sensor frames of a run with what was detected, the regions, and what was true drawn in.
//!
//! It is for the observers of the twin, who stand outside the device.

use analytics::{Detection, Posture, Track};
use firmware_shim::{Lens, RgbImage};
use font8x8::{BASIC_FONTS, UnicodeFonts};
use glam::DVec2;
use image::{Rgb, RgbImage as Canvas};
use tiny_skia::{Color, Paint, PathBuilder, Pixmap, Rect, Stroke, Transform};

use crate::record::SheetFrame;
use crate::truth::TruePerson;

/// Frames per row.
const COLUMNS: u32 = 4;
/// Pixels between frames and around them.
const GAP: u32 = 8;
/// Pixels for the line of text above each frame.
const CAPTION: u32 = 16;
/// Pixels for the title and the legend.
const HEADER: u32 = 44;
const TEXT_HEIGHT: u32 = 8;

const GROUND: Rgb<u8> = Rgb([24, 26, 30]);
const DETECTED: [u8; 3] = [255, 205, 40];
const TRACKED: [u8; 3] = [70, 200, 255];
const TRUE: [u8; 3] = [90, 230, 110];
const HARDLY_VISIBLE: [u8; 3] = [150, 150, 150];
const REGION: [u8; 3] = [255, 110, 200];
const MASK: [u8; 3] = [255, 255, 255];
const TEXT: [u8; 3] = [225, 225, 225];
const WRONG: [u8; 3] = [255, 110, 90];

/// Draws frames in rows. `lens` is the one they were taken with.
pub fn contact_sheet(title: &str, lens: &Lens, frames: &[SheetFrame]) -> Canvas {
    let rows = (frames.len() as u32).div_ceil(COLUMNS).max(1);
    let (cell_width, cell_height) = (lens.width + GAP, lens.height + CAPTION + GAP);
    let mut sheet = Canvas::from_pixel(COLUMNS * cell_width + GAP, HEADER + rows * cell_height + GAP, GROUND);
    text(&mut sheet, GAP, GAP, title, TEXT);
    let mut x = GAP;
    for (words, color) in [
        ("box and dot: detected", DETECTED),
        ("cross and number: followed on the floor", TRACKED),
        ("ring: true head, square: true floor point", TRUE),
        ("the same, hardly visible", HARDLY_VISIBLE),
        ("region", REGION),
        ("mask", MASK),
    ] {
        text(&mut sheet, x, GAP + 16, words, color);
        x += (words.len() as u32 + 3) * TEXT_HEIGHT;
    }
    for (i, frame) in frames.iter().enumerate() {
        let (column, row) = (i as u32 % COLUMNS, i as u32 / COLUMNS);
        let (left, top) = (GAP + column * cell_width, HEADER + row * cell_height);
        let counts = &frame.counts;
        let wrong = counts.truth.error(counts.counted) > 0;
        let words =
            format!("{:8.2} s  counted {}  true {}", counts.taken_at.as_secs_f64(), counts.counted, counts.truth.sure);
        text(&mut sheet, left, top + 3, &words, if wrong { WRONG } else { TEXT });
        image::imageops::replace(&mut sheet, &draw(lens, frame), i64::from(left), i64::from(top + CAPTION));
    }
    sheet
}

/// Pictures in rows, each with its caption; all have one size.
pub fn picture_sheet(title: &str, rows: &[Vec<(String, RgbImage)>]) -> Canvas {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0) as u32;
    let size = rows.iter().flatten().next().map_or((0, 0), |(_, picture)| (picture.width, picture.height));
    let (cell_width, cell_height) = (size.0 + GAP, size.1 + CAPTION + GAP);
    let header = if title.is_empty() { 0 } else { CAPTION };
    let (width, height) = (columns * cell_width + GAP, header + rows.len() as u32 * cell_height + GAP);
    let mut sheet = Canvas::from_pixel(width, height, GROUND);
    text(&mut sheet, GAP, GAP, title, TEXT);
    for (j, row) in rows.iter().enumerate() {
        for (i, (words, picture)) in row.iter().enumerate() {
            let (left, top) = (GAP + i as u32 * cell_width, header + GAP + j as u32 * cell_height);
            text(&mut sheet, left, top, words, TEXT);
            let picture = Canvas::from_raw(picture.width, picture.height, picture.pixels.to_vec());
            let picture = picture.expect("a picture has the pixels that its size says");
            image::imageops::replace(&mut sheet, &picture, i64::from(left), i64::from(top + CAPTION - 4));
        }
    }
    sheet
}

/// A picture with what was detected in it: boxes, thick around people who stand and thin around those who sit, and heads.
pub fn detections_drawn(picture: &RgbImage, detections: &[Detection]) -> Canvas {
    let mut pen = Pen::on((picture.width, picture.height), Some(picture));
    // As thick as in a picture of the analysis stream.
    pen.width = (picture.width as f32 / 320.0).max(1.0);
    detections.iter().for_each(|person| pen.detection(person));
    pen.into_canvas()
}

/// One frame with everything drawn in.
fn draw(lens: &Lens, frame: &SheetFrame) -> Canvas {
    let mut pen = Pen::on((lens.width, lens.height), frame.image.as_ref());
    let size = DVec2::new(f64::from(lens.width), f64::from(lens.height));
    let regions = frame.area.polygons().iter().map(|outline| (outline, REGION));
    for (region, color) in regions.chain(frame.area.masks.iter().map(|outline| (outline, MASK))) {
        let corners: Vec<DVec2> = region.iter().map(|corner| *corner * size).collect();
        pen.polygon(&corners, color);
    }
    for person in &frame.truth.people {
        pen.truth(person);
    }
    for detection in &frame.analysis.detections {
        pen.detection(detection);
    }
    for track in &frame.analysis.tracks {
        pen.track(track);
    }
    let mut canvas = pen.into_canvas();
    for track in &frame.analysis.tracks {
        let at = track.foot_px + DVec2::new(5.0, -9.0);
        if at.x >= 0.0 && at.y >= 0.0 {
            text(&mut canvas, at.x as u32, at.y as u32, &track.id.to_string(), TRACKED);
        }
    }
    canvas
}

/// Strokes on a picture.
struct Pen {
    pixmap: Pixmap,
    /// Of a line that is meant to be one pixel wide.
    width: f32,
}

impl Pen {
    /// On the picture, or where there is none on a dark ground.
    fn on((width, height): (u32, u32), image: Option<&RgbImage>) -> Self {
        let mut pixmap = Pixmap::new(width.max(1), height.max(1)).expect("a picture has some size");
        pixmap.fill(Color::from_rgba8(44, 48, 54, 255));
        if let Some(image) = image {
            for (to, from) in pixmap.data_mut().chunks_exact_mut(4).zip(image.pixels.chunks_exact(3)) {
                to[..3].copy_from_slice(from);
                to[3] = 255;
            }
        }
        Pen { pixmap, width: 1.0 }
    }

    fn stroke(&mut self, path: Option<tiny_skia::Path>, color: [u8; 3], width: f32) {
        let Some(path) = path else { return };
        let mut paint = Paint::default();
        paint.set_color_rgba8(color[0], color[1], color[2], 255);
        paint.anti_alias = true;
        let stroke = Stroke { width: width * self.width, ..Stroke::default() };
        self.pixmap.stroke_path(&path, &paint, &stroke, Transform::identity(), None);
    }

    fn polygon(&mut self, corners: &[DVec2], color: [u8; 3]) {
        let mut path = PathBuilder::new();
        for (i, corner) in corners.iter().enumerate() {
            let (x, y) = (corner.x as f32, corner.y as f32);
            if i == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
        }
        path.close();
        self.stroke(path.finish(), color, 1.5);
    }

    fn rectangle(&mut self, min: DVec2, max: DVec2, color: [u8; 3], width: f32) {
        let rect = Rect::from_ltrb(min.x as f32, min.y as f32, max.x as f32, max.y as f32);
        self.stroke(rect.map(PathBuilder::from_rect), color, width);
    }

    fn ring(&mut self, at: DVec2, radius: f32, color: [u8; 3]) {
        self.stroke(PathBuilder::from_circle(at.x as f32, at.y as f32, radius), color, 1.2);
    }

    fn truth(&mut self, person: &TruePerson) {
        let color = if person.is_visible() { TRUE } else { HARDLY_VISIBLE };
        if let Some(head) = person.head_px {
            self.ring(head, 7.0, color);
        }
        if let Some(foot) = person.foot_px {
            self.rectangle(foot - DVec2::splat(3.0), foot + DVec2::splat(3.0), color, 1.2);
        }
    }

    fn detection(&mut self, detection: &Detection) {
        let width = if detection.posture == Posture::Seated { 1.0 } else { 2.0 };
        self.rectangle(detection.box_min_px, detection.box_max_px, DETECTED, width);
        self.ring(detection.head_px, 1.5 * self.width, DETECTED);
    }

    fn track(&mut self, track: &Track) {
        let (x, y) = (track.foot_px.x as f32, track.foot_px.y as f32);
        let mut cross = PathBuilder::new();
        cross.move_to(x - 4.0, y - 4.0);
        cross.line_to(x + 4.0, y + 4.0);
        cross.move_to(x - 4.0, y + 4.0);
        cross.line_to(x + 4.0, y - 4.0);
        self.stroke(cross.finish(), TRACKED, 1.5);
    }

    fn into_canvas(self) -> Canvas {
        let (width, height) = (self.pixmap.width(), self.pixmap.height());
        Canvas::from_fn(width, height, |x, y| {
            let pixel = self.pixmap.pixel(x, y).expect("inside").demultiply();
            Rgb([pixel.red(), pixel.green(), pixel.blue()])
        })
    }
}

/// Writes a line of text; what does not fit is cut off at the picture's edge.
pub(crate) fn text(canvas: &mut Canvas, left: u32, top: u32, words: &str, color: [u8; 3]) {
    for (i, letter) in words.chars().enumerate() {
        let glyph = BASIC_FONTS.get(letter).unwrap_or([0; 8]);
        for (row, bits) in glyph.iter().enumerate() {
            for column in (0..8).filter(|column| bits >> column & 1 == 1) {
                let (x, y) = (left + i as u32 * 8 + column, top + row as u32);
                if x < canvas.width() && y < canvas.height() {
                    canvas.put_pixel(x, y, Rgb(color));
                }
            }
        }
    }
}
