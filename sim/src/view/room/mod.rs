//! The room from outside: the renderer that gives the sensor its light, with a camera that goes around the room, and over its
//! picture the sensor, what it sees of the floor, and who is followed.

mod camera;
mod painter;

use std::sync::Arc;

use bevy_egui::egui::{self, Align2, Color32, PointerButton, Pos2, Rect, Sense, Shape, Stroke, Ui, vec2};
use glam::{DVec2, DVec3};
use scenarios::Scenario;

use self::camera::Camera;
use self::painter::{Asked, Painter};
use super::canvas::{Canvas, Pixels};
use super::desk::{Action, Desk};
use super::layout::{Layer, Orbit};
use super::theme;

/// The camera's lowest and highest place above the horizon, degrees.
const ELEVATION_DEG: std::ops::RangeInclusive<f64> = 8.0..=90.0;
/// From how near to how far one can go, times the distance that shows the whole room.
const DISTANCE: std::ops::RangeInclusive<f64> = 0.3..=1.6;

/// The room's picture.
pub struct RoomPicture {
    painter: Painter,
    pub canvas: Canvas,
    /// The camera of the picture on the canvas.
    camera: Option<Camera>,
}

impl RoomPicture {
    /// Starts the renderer; `wake` has the window look for its pictures.
    pub fn start(scenario: Arc<Scenario>, wake: impl Fn() + Send + 'static) -> Self {
        RoomPicture { painter: Painter::start(scenario, wake), canvas: Canvas::default(), camera: None }
    }

    /// The pixels of a picture that has come since.
    pub fn change(&mut self) -> Option<Pixels> {
        let (camera, pixels) = self.painter.finished()?;
        self.camera = Some(camera);
        Some(pixels)
    }
}

pub fn room_ui(ui: &mut Ui, desk: &Desk, picture: &mut RoomPicture, actions: &mut Vec<Action>) {
    let (area, response) = ui.allocate_exact_size(ui.available_size(), Sense::click_and_drag());
    let painter = ui.painter_at(area);
    painter.rect_filled(area, 0.0, theme::GROUND);
    let scenario = &desk.scenario;
    let room = &scenario.scene.room;
    let size_m = DVec3::new(room.size_m.0, room.size_m.1, room.ceiling_m);
    let orbit = moved(ui, &response, area, desk.layout.orbit, size_m);
    if orbit != desk.layout.orbit {
        actions.push(Action::Orbit(orbit));
    }
    let shape = f64::from(area.width() / area.height().max(1.0));
    let camera = Camera::around(size_m, &orbit, shape);
    let pixels = ui.ctx().pixels_per_point();
    if let Some(seen) = desk.shown() {
        picture.painter.ask(Asked {
            camera,
            t_s: seen.taken_at_s,
            lux: seen.lux,
            width: area.width() * pixels,
            height: area.height() * pixels,
        });
    }
    let Some(camera) = picture.camera else {
        let words = picture.painter.problem().unwrap_or("drawing the room …");
        painter.text(area.center(), Align2::CENTER_CENTER, words, theme::font(theme::BODY), theme::WEAK);
        return;
    };
    picture.canvas.paint(&painter, area);
    // Over a picture that is a moment old lies what belongs to it.
    Overlay { painter, area, camera }.draw(desk, size_m);
}

/// The orbit after what the pointer did.
fn moved(ui: &Ui, response: &egui::Response, area: Rect, orbit: Orbit, size_m: DVec3) -> Orbit {
    let mut orbit = orbit;
    let drag = response.drag_delta();
    if response.dragged_by(PointerButton::Primary) {
        orbit.azimuth_deg = (orbit.azimuth_deg - f64::from(drag.x) * 0.4).rem_euclid(360.0);
        let elevation = orbit.elevation_deg + f64::from(drag.y) * 0.3;
        orbit.elevation_deg = elevation.clamp(*ELEVATION_DEG.start(), *ELEVATION_DEG.end());
    } else if response.dragged_by(PointerButton::Secondary) || response.dragged_by(PointerButton::Middle) {
        let per_point = size_m.truncate().max_element() / f64::from(area.width().max(1.0)) * orbit.distance * 1.4;
        let (sin, cos) = orbit.azimuth_deg.to_radians().sin_cos();
        let (right, away) = (DVec2::new(-sin, cos), DVec2::new(-cos, -sin));
        let by = (-right * f64::from(drag.x) + away * f64::from(drag.y)) * per_point;
        let half = size_m.truncate() / 2.0;
        let aside = (DVec2::from(orbit.aside_m) + by).clamp(-half, half);
        orbit.aside_m = aside.into();
    }
    if response.hovered() {
        let scrolled = f64::from(ui.input(|input| input.smooth_scroll_delta().y));
        orbit.distance = (orbit.distance * (-scrolled / 300.0).exp()).clamp(*DISTANCE.start(), *DISTANCE.end());
    }
    if response.double_clicked() {
        orbit = Orbit::default();
    }
    orbit
}

/// Draws over the room's picture in the room's own metres.
struct Overlay {
    painter: egui::Painter,
    area: Rect,
    camera: Camera,
}

impl Overlay {
    fn place(&self, at: DVec3) -> Option<Pos2> {
        let on = self.camera.project(at)?;
        Some(self.area.min + vec2(on.x as f32, on.y as f32) * self.area.size())
    }

    fn draw(&self, desk: &Desk, size_m: DVec3) {
        let (scenario, view) = (&desk.scenario, desk.scenario.view());
        let lens_at = scenario.sensor_at.extend(view.mounting.height_m);
        let footprint = footprint(scenario, size_m.truncate());
        let outline: Vec<Pos2> = footprint.iter().filter_map(|at| self.place(at.extend(0.0))).collect();
        let color = theme::ACCENT;
        if let Some(lens) = self.place(lens_at) {
            for corner in camera::corners(&footprint) {
                if let Some(to) = self.place(corner.extend(0.0)) {
                    self.painter.line_segment([lens, to], Stroke::new(1.0, theme::ACCENT.gamma_multiply(0.6)));
                }
            }
            self.painter.add(Shape::closed_line(outline, Stroke::new(1.5, color)));
            self.painter.circle_filled(lens, 5.0, Color32::WHITE);
            self.painter.circle_stroke(lens, 5.0, Stroke::new(2.0, theme::ACCENT));
        }
        let Some((analysis, _)) = desk.shown().and_then(|seen| seen.analysed.as_ref()) else { return };
        if !desk.layout.shows(Layer::Tracks) {
            return;
        }
        for track in &analysis.tracks {
            let floor = scenario.sensor_at + track.floor;
            let (Some(foot), Some(above)) = (self.place(floor.extend(0.0)), self.place(floor.extend(1.9))) else {
                continue;
            };
            let color = if track.coasting { theme::TRACKED.gamma_multiply(0.55) } else { theme::TRACKED };
            self.painter.line_segment([foot, above], Stroke::new(1.0, color.gamma_multiply(0.6)));
            self.painter.circle_filled(foot, 3.0, color);
            let galley = self.painter.layout_no_wrap(track.id.to_string(), theme::font(theme::SMALL), color);
            let rect = Rect::from_center_size(above - vec2(0.0, 8.0), galley.size() + vec2(8.0, 2.0));
            self.painter.rect_filled(rect, 3.0, Color32::from_black_alpha(205));
            self.painter.galley(rect.min + vec2(4.0, 1.0), galley, color);
        }
    }
}

/// What of the floor the sensor's picture shows, inside the room.
fn footprint(scenario: &Scenario, size_m: DVec2) -> Vec<DVec2> {
    let (view, lens) = (scenario.view(), scenario.lens());
    let (width, height) = (f64::from(lens.width), f64::from(lens.height));
    const STEPS: u32 = 12;
    let corners = [DVec2::ZERO, DVec2::new(width, 0.0), DVec2::new(width, height), DVec2::new(0.0, height)];
    let sides = (0..4).flat_map(|i| (0..STEPS).map(move |step| (i, f64::from(step) / f64::from(STEPS))));
    let border = sides.map(|(i, part)| corners[i].lerp(corners[(i + 1) % 4], part));
    let on_floor = border.filter_map(|pixel| view.point_at_height(pixel, 0.0));
    camera::clipped(on_floor.map(|at| scenario.sensor_at + at.truncate()).collect(), size_m)
}
