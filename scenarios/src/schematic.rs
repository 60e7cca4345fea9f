//! What the camera of a device shows in the oracle lane, where nothing is rendered: who is where, as a drawing through the lens.

use firmware_shim::{RgbImage, View};
use glam::{DVec2, DVec3};
use tiny_skia::{Color, FillRule, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, Transform};

use crate::truth::TrueFrame;

/// The floor's lines lie so far apart, metres.
const GRID_M: f64 = 1.0;
/// And reach so far from the device, lines to each side.
const GRID_LINES: i32 = 8;
/// A head's radius, metres.
const HEAD_M: f64 = 0.12;

const FLOOR: [u8; 3] = [176, 172, 164];
const LINES: [u8; 3] = [150, 146, 138];
const BODY: [u8; 3] = [70, 92, 128];
const HEAD: [u8; 3] = [196, 152, 122];

/// Everybody of a frame, seen through a lens that shows the same as that of the frame in `scale` times as many pixels a row.
pub fn schematic(frame: &TrueFrame, view: &View, scale: u32) -> RgbImage {
    let (width, height, scale) = (view.lens.width * scale, view.lens.height * scale, f64::from(scale));
    let mut pixmap = Pixmap::new(width, height).expect("a picture has some size");
    let [r, g, b] = FLOOR;
    pixmap.fill(Color::from_rgba8(r, g, b, 255));
    let mut draw = |path: Option<Path>, color: [u8; 3], line: Option<f32>| {
        let Some(path) = path else { return };
        let mut paint = Paint::default();
        paint.set_color_rgba8(color[0], color[1], color[2], 255);
        match line {
            Some(width) => {
                let stroke = Stroke { width, ..Stroke::default() };
                pixmap.stroke_path(&path, &paint, &stroke, Transform::identity(), None);
            }
            None => pixmap.fill_path(&path, &paint, FillRule::Winding, Transform::identity(), None),
        }
    };
    let end = f64::from(GRID_LINES) * GRID_M;
    for i in -GRID_LINES..=GRID_LINES {
        let at = f64::from(i) * GRID_M;
        for (from, to) in [(DVec2::new(at, -end), DVec2::new(at, end)), (DVec2::new(-end, at), DVec2::new(end, at))] {
            // The lens bends straight lines.
            let points = (0..=64).filter_map(|k| view.pixel(from.lerp(to, f64::from(k) / 64.0).extend(0.0)));
            draw(open_path(points.map(|point| point * scale)), LINES, Some(scale as f32));
        }
    }
    for person in &frame.people {
        if let Some((min, max)) = person.box_px {
            let (min, max) = (min * scale, max * scale);
            let rect = Rect::from_ltrb(min.x as f32, min.y as f32, max.x as f32, max.y as f32);
            draw(rect.and_then(PathBuilder::from_oval), BODY, None);
        }
        let beside = view.pixel(person.head + DVec3::new(HEAD_M, 0.0, 0.0));
        if let Some((head, beside)) = person.head_px.zip(beside) {
            let (at, radius) = (head * scale, head.distance(beside) * scale);
            draw(PathBuilder::from_circle(at.x as f32, at.y as f32, radius as f32), HEAD, None);
        }
    }
    let pixels = pixmap.pixels().iter().flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]);
    RgbImage { width, height, pixels: pixels.collect() }
}

fn open_path(points: impl Iterator<Item = DVec2>) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (i, point) in points.enumerate() {
        let (x, y) = (point.x as f32, point.y as f32);
        if i == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
    }
    path.finish()
}
