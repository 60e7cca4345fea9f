//! What the sensor sees, and over it what the device makes of it, what is drawn to count by, and what is true.

use bevy_egui::egui::{self, Align2, Color32, Painter, Pos2, Rect, Sense, Shape, Stroke, StrokeKind, Ui, Vec2, vec2};
use firmware_shim::RgbImage;
use glam::DVec2;

use super::canvas::{Canvas, Pixels};
use super::desk::{Action, Desk};
use super::history::Seen;
use super::layout::Layer;
use super::theme;

/// Trails reach back so far, s.
const TRAIL_S: f64 = 3.0;

/// The picture that is shown.
#[derive(Default)]
pub struct SensorPicture {
    pub canvas: Canvas,
    /// Of which frame, and whether as it was.
    shown: Option<(u64, bool)>,
}

impl SensorPicture {
    /// The pixels of this moment, unless they are shown already.
    pub fn change_to(&mut self, seen: &Seen) -> Option<Pixels> {
        let shown = (seen.seq, seen.fresh.is_some());
        // A picture that was shown as it was does not get worse for being compressed.
        if self.shown == Some(shown) || self.shown == Some((seen.seq, true)) {
            return None;
        }
        self.shown = Some(shown);
        let RgbImage { width, height, pixels } = seen.picture()?;
        let rgba = pixels.chunks_exact(3).flat_map(|rgb| [rgb[0], rgb[1], rgb[2], u8::MAX]).collect();
        Some(Pixels { width, height, rgba })
    }
}

/// The largest rectangle of a shape in another, in its middle.
pub fn fitted(into: Rect, width: f32, height: f32) -> Rect {
    let scale = (into.width() / width).min(into.height() / height);
    Rect::from_center_size(into.center(), vec2(width * scale, height * scale))
}

/// The switches of the layers.
pub fn switches_ui(ui: &mut Ui, desk: &Desk, actions: &mut Vec<Action>) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 3.0;
        ui.spacing_mut().button_padding.x = 6.0;
        for (i, layer) in Layer::ALL.into_iter().enumerate() {
            let words = egui::RichText::new(layer.name()).size(theme::SMALL);
            let hint = format!("{} ({})", layer.hint(), i + 1);
            if theme::switch(ui, desk.layout.shows(layer), words).on_hover_text(hint).clicked() {
                actions.push(Action::Switch(layer));
            }
        }
    });
}

/// The picture with its layers.
pub fn picture_ui(ui: &mut Ui, desk: &Desk, picture: &SensorPicture) {
    let (area, _) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
    let lens = desk.scenario.lens();
    let rect = fitted(area, lens.width as f32, lens.height as f32);
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 0.0, theme::GROUND);
    let Some(seen) = desk.shown().filter(|_| !picture.canvas.is_empty()) else {
        let words =
            if desk.made_by.is_empty() { "starting the renderer …" } else { "waiting for the first frame …" };
        painter.text(rect.center(), Align2::CENTER_CENTER, words, theme::font(theme::BODY), theme::WEAK);
        return;
    };
    picture.canvas.paint(&painter, rect);
    let pen = Pen { painter, rect, size: DVec2::new(f64::from(lens.width), f64::from(lens.height)) };
    pen.drawn(desk, seen);
    if desk.layout.shows(Layer::Truth) {
        pen.truth(seen);
    }
    if desk.layout.shows(Layer::Detections) {
        pen.detections(seen);
    }
    if desk.layout.shows(Layer::Trails) {
        pen.trails(desk, seen);
    }
    if desk.layout.shows(Layer::Tracks) {
        pen.tracks(seen);
    }
    if !seen.is_up {
        pen.banner("the device is not up: nobody looks at this picture");
    }
}

/// Draws in the picture's pixels.
struct Pen {
    painter: Painter,
    rect: Rect,
    size: DVec2,
}

impl Pen {
    fn normalised(&self, at: DVec2) -> Pos2 {
        self.rect.min + vec2(at.x as f32, at.y as f32) * self.rect.size()
    }

    fn px(&self, at: DVec2) -> Pos2 {
        self.normalised(at / self.size)
    }

    fn label(&self, at: Pos2, words: &str, color: Color32) {
        let galley = self.painter.layout_no_wrap(words.to_owned(), theme::font(theme::SMALL), color);
        let rect = Rect::from_min_size(at, galley.size()).expand2(vec2(4.0, 1.0));
        // Nothing is written where it would be cut off.
        let rect = inside(rect, self.rect);
        self.painter.rect_filled(rect, 3.0, Color32::from_black_alpha(190));
        self.painter.galley(rect.min + vec2(4.0, 1.0), galley, color);
    }

    fn outline(&self, corners: &[DVec2], color: Color32, filled: u8) {
        let points: Vec<Pos2> = corners.iter().map(|corner| self.normalised(*corner)).collect();
        if filled > 0 {
            let [r, g, b, _] = color.to_array();
            let fill = Color32::from_rgba_unmultiplied(r, g, b, filled);
            for triangle in triangles(&points) {
                self.painter.add(Shape::convex_polygon(triangle.to_vec(), fill, Stroke::NONE));
            }
        }
        self.painter.add(Shape::closed_line(points, Stroke::new(1.5, color)));
    }

    /// What is drawn on the device.
    fn drawn(&self, desk: &Desk, seen: &Seen) {
        let (shows, settings) = (|layer| desk.layout.shows(layer), &seen.configuration);
        if shows(Layer::Masks) {
            settings.privacy_mask.in_use().for_each(|mask| self.outline(mask.polygon.corners(), theme::MASK, 90));
        }
        let detection = &settings.region_people_counting.detection_region;
        if shows(Layer::Regions) && settings.region_people_counting.enable && detection.enable {
            for region in &detection.regions {
                let corners = region.polygon.corners();
                self.outline(corners, theme::REGION, 0);
                let top_left = corners.iter().copied().reduce(|a, b| if a.x + a.y <= b.x + b.y { a } else { b });
                let at = self.normalised(top_left.unwrap_or_default()) + vec2(7.0, 5.0);
                let name = if region.name.is_empty() { format!("region {}", region.id) } else { region.name.clone() };
                self.label(at, &name, theme::REGION);
            }
        }
        let crossing = &settings.line_crossing_counting;
        if shows(Layer::Line) && crossing.enable {
            if let Some(area) = &crossing.u_turn_area {
                self.outline(area.corners(), theme::LINE.gamma_multiply(0.6), 0);
            }
            if let Some(line) = &crossing.line {
                self.line(line.points());
            }
        }
        let flow = &settings.people_flow_analysis;
        if shows(Layer::Flow)
            && flow.enable
            && let Some(region) = &flow.region
        {
            self.outline(region.corners(), theme::FLOW, 26);
            let corners = region.corners();
            for (i, (corner, letter)) in corners.iter().zip(["A", "B", "C", "D"]).enumerate() {
                let middle = (*corner + corners[(i + 1) % corners.len()]) / 2.0;
                self.label(self.normalised(middle) - vec2(4.0, 8.0), letter, theme::FLOW);
            }
        }
    }

    /// The line, with an arrow from its middle to In, which is to the left of the direction of drawing.
    fn line(&self, points: &[DVec2]) {
        let points: Vec<Pos2> = points.iter().map(|point| self.normalised(*point)).collect();
        self.painter.add(Shape::line(points.clone(), Stroke::new(2.5, theme::LINE)));
        let Some([from, to]) = middle_piece(&points) else { return };
        let along = (to - from).normalized();
        let left = vec2(along.y, -along.x);
        let start = from + (to - from) / 2.0;
        self.painter.arrow(start, left * 34.0, Stroke::new(2.5, theme::LINE));
        self.label(start + left * 46.0 - vec2(7.0, 8.0), "In", theme::LINE);
    }

    fn truth(&self, seen: &Seen) {
        for person in &seen.truth.people {
            let color = if person.is_visible() { theme::TRUE } else { theme::HARDLY_VISIBLE };
            if let Some(head) = person.head_px {
                self.painter.circle_stroke(self.px(head), 8.0, Stroke::new(1.5, color));
            }
            if let Some(foot) = person.foot_px {
                let square = Rect::from_center_size(self.px(foot), Vec2::splat(7.0));
                self.painter.rect_stroke(square, 0.0, Stroke::new(1.5, color), StrokeKind::Middle);
            }
        }
    }

    fn detections(&self, seen: &Seen) {
        let Some((analysis, _)) = &seen.analysed else { return };
        for detection in &analysis.detections {
            let rect = Rect::from_min_max(self.px(detection.box_min_px), self.px(detection.box_max_px));
            let width = if detection.posture == analytics::Posture::Standing { 2.0 } else { 1.0 };
            self.painter.rect_stroke(rect, 2.0, Stroke::new(width, theme::DETECTED), StrokeKind::Middle);
            self.painter.circle_filled(self.px(detection.head_px), 2.5, theme::DETECTED);
            let percent = format!("{:.0} %", detection.confidence * 100.0);
            self.label(rect.left_bottom() + vec2(1.0, 2.0), &percent, theme::DETECTED);
        }
    }

    fn trails(&self, desk: &Desk, seen: &Seen) {
        let Some((analysis, _)) = &seen.analysed else { return };
        for track in &analysis.tracks {
            let before = desk.history.before(seen.seq, TRAIL_S).map_while(|earlier| {
                let (analysis, _) = earlier.analysed.as_ref()?;
                Some(self.px(analysis.tracks.iter().find(|other| other.id == track.id)?.foot_px))
            });
            let points: Vec<Pos2> = before.collect();
            let count = points.len().max(2) as f32 - 1.0;
            for (i, pair) in points.windows(2).enumerate() {
                let fresh = 1.0 - i as f32 / count;
                let stroke = Stroke::new(2.0, theme::TRACKED.gamma_multiply(0.15 + 0.75 * fresh));
                self.painter.line_segment([pair[0], pair[1]], stroke);
            }
        }
    }

    fn tracks(&self, seen: &Seen) {
        let Some((analysis, _)) = &seen.analysed else { return };
        for track in &analysis.tracks {
            let color = if track.coasting { theme::TRACKED.gamma_multiply(0.55) } else { theme::TRACKED };
            let (foot, head) = (self.px(track.foot_px), self.px(track.head_px));
            self.painter.line_segment([foot, head], Stroke::new(1.0, color.gamma_multiply(0.5)));
            let stroke = Stroke::new(2.0, color);
            for arm in [vec2(5.0, 0.0), vec2(0.0, 5.0)] {
                self.painter.line_segment([foot - arm, foot + arm], stroke);
            }
            self.label(head + vec2(9.0, -18.0), &track.id.to_string(), color);
        }
    }

    fn banner(&self, words: &str) {
        let rect = Rect::from_center_size(self.rect.center(), vec2(self.rect.width(), 34.0));
        self.painter.rect_filled(rect, 0.0, Color32::from_black_alpha(190));
        self.painter.text(rect.center(), Align2::CENTER_CENTER, words, theme::font(theme::BODY), theme::WARNING);
    }
}

/// A rectangle moved into another.
fn inside(rect: Rect, into: Rect) -> Rect {
    let right = (into.max - rect.max).min(Vec2::ZERO);
    let left = (into.min - rect.min).max(Vec2::ZERO);
    rect.translate(right + left)
}

/// The piece in which the middle of a line's length lies.
fn middle_piece(points: &[Pos2]) -> Option<[Pos2; 2]> {
    let length: f32 = points.windows(2).map(|pair| pair[0].distance(pair[1])).sum();
    let mut passed = 0.0;
    points.windows(2).find_map(|pair| {
        passed += pair[0].distance(pair[1]);
        (passed >= length / 2.0 && pair[0] != pair[1]).then_some([pair[0], pair[1]])
    })
}

/// A simple polygon as triangles, by cutting off ears.
fn triangles(polygon: &[Pos2]) -> Vec<[Pos2; 3]> {
    let cross = |a: Pos2, b: Pos2, c: Pos2| (b - a).x * (c - b).y - (b - a).y * (c - b).x;
    let ring = |i: usize, n: usize| [(i + n - 1) % n, i, (i + 1) % n];
    let mut left: Vec<Pos2> = polygon.to_vec();
    let area: f32 = (0..left.len())
        .map(|i| left[i].to_vec2())
        .zip(left.iter().cycle().skip(1))
        .map(|(a, b)| a.x * b.y - a.y * b.x)
        .sum();
    if area < 0.0 {
        left.reverse();
    }
    let mut ears = Vec::new();
    while left.len() > 3 {
        let n = left.len();
        let is_ear = |i: &usize| {
            let [a, b, c] = ring(*i, n).map(|k| left[k]);
            let holds = |p: &Pos2| cross(a, b, *p) > 0.0 && cross(b, c, *p) > 0.0 && cross(c, a, *p) > 0.0;
            cross(a, b, c) >= 0.0 && !left.iter().any(holds)
        };
        let Some(i) = (0..n).find(is_ear) else { return ears };
        ears.push(ring(i, n).map(|k| left[k]));
        left.remove(i);
    }
    ears.extend(<[Pos2; 3]>::try_from(left).ok());
    ears
}

#[cfg(test)]
mod tests {
    use bevy_egui::egui::pos2;

    use super::*;

    fn area(triangles: &[[Pos2; 3]]) -> f32 {
        triangles.iter().map(|[a, b, c]| ((*b - *a).x * (*c - *a).y - (*b - *a).y * (*c - *a).x).abs() / 2.0).sum()
    }

    #[test]
    fn a_polygon_is_cut_into_triangles_of_the_same_area() {
        let l = [(0.0, 0.0), (4.0, 0.0), (4.0, 1.0), (1.0, 1.0), (1.0, 3.0), (0.0, 3.0)].map(|(x, y)| pos2(x, y));
        let mut other_way = l;
        other_way.reverse();
        for polygon in [l, other_way] {
            let cut = triangles(&polygon);
            assert_eq!(cut.len(), 4);
            assert!((area(&cut) - 6.0).abs() < 1e-4, "{cut:?}");
        }
        assert!(triangles(&l[..2]).is_empty());
    }

    #[test]
    fn a_picture_fits_its_place_whatever_shape_that_has() {
        let wide = Rect::from_min_size(pos2(10.0, 10.0), vec2(1000.0, 300.0));
        assert_eq!(fitted(wide, 320.0, 240.0), Rect::from_center_size(wide.center(), vec2(400.0, 300.0)));
        let high = Rect::from_min_size(pos2(10.0, 10.0), vec2(320.0, 900.0));
        assert_eq!(fitted(high, 320.0, 240.0), Rect::from_center_size(high.center(), vec2(320.0, 240.0)));
    }

    #[test]
    fn the_arrow_stands_on_the_middle_of_the_line() {
        let bent = [pos2(0.0, 0.0), pos2(1.0, 0.0), pos2(1.0, 5.0), pos2(2.0, 5.0)];
        assert_eq!(middle_piece(&bent), Some([bent[1], bent[2]]));
        assert_eq!(middle_piece(&bent[..1]), None);
    }
}
