//! A room seen from above, on a sheet.

use glam::DVec2;
use scenes::{Shape, Solid, WallPart};

use super::sheet::{At, Sheet};
use super::{FAINT, INK, SMALL, Site, Style, Units};
use crate::coverage::{FloorPlan, Found, PlanDrawing, Prediction};

/// What a part of the floor is filled with.
pub(super) type Shade = Option<&'static str>;

/// Where a room is on the paper.
pub(super) struct Plan {
    room: DVec2,
    /// The top left of the room, millimetres.
    at: At,
    mm_per_m: f64,
}

/// Cells narrower than this have no room for a number.
const NUMBER_MM: f64 = 3.6;
/// A bar of this part of the room's length tells the scale.
const BAR_SHARE: f64 = 0.3;

impl Plan {
    /// As large as fits, in the middle across.
    pub fn fitting(room: DVec2, at: At, size: (f64, f64)) -> Self {
        let mm_per_m = (size.0 / room.x).min(size.1 / room.y);
        let at = (at.0 + (size.0 - room.x * mm_per_m) / 2.0, at.1);
        Plan { room, at, mm_per_m }
    }

    /// The lowest that is drawn, millimetres from the top.
    pub fn bottom(&self) -> f64 {
        self.at.1 + self.room.y * self.mm_per_m
    }

    /// North is up.
    fn place(&self, place: DVec2) -> At {
        (self.at.0 + place.x * self.mm_per_m, self.bottom() - place.y * self.mm_per_m)
    }

    fn frame(&self) -> (At, (f64, f64)) {
        (self.at, (self.room.x * self.mm_per_m, self.room.y * self.mm_per_m))
    }

    /// Fills the cells, as few rectangles as rows and their colours make.
    pub fn shade<C>(&self, sheet: &mut Sheet, [wide, high]: [f64; 2], rows: &[Vec<C>], of: impl Fn(&C) -> Shade) {
        for (j, row) in rows.iter().enumerate() {
            let mut i = 0;
            while i < row.len() {
                let shade = of(&row[i]);
                let end = (i..row.len()).find(|k| of(&row[*k]) != shade).unwrap_or(row.len());
                if let Some(color) = shade {
                    let (x, y) = self.place(DVec2::new(i as f64 * wide, (j + 1) as f64 * high));
                    // A little over the edge, so that no light comes through between them.
                    let size = ((end - i) as f64 * wide * self.mm_per_m + 0.05, high * self.mm_per_m + 0.05);
                    sheet.rect((x, y), size, Some(color), None);
                }
                i = end;
            }
        }
    }

    /// How many are found in each cell, by colour, and as a percentage where there is room for it.
    pub fn found(
        &self,
        sheet: &mut Sheet,
        prediction: &Prediction,
        found: &[Vec<Option<Found>>],
        shade: impl Fn(Found) -> &'static str,
    ) {
        let cell_m = DVec2::from(prediction.cell_m);
        let (wide, high) = (cell_m.x * self.mm_per_m, cell_m.y * self.mm_per_m);
        for (j, row) in found.iter().enumerate() {
            for (i, cell) in row.iter().enumerate().filter_map(|(i, cell)| Some((i, (*cell)?))) {
                let corner = self.place(cell_m * DVec2::new(i as f64, (j + 1) as f64));
                sheet.rect(corner, (wide + 0.05, high + 0.05), Some(shade(cell)), None);
                if wide.min(high) >= NUMBER_MM {
                    let middle = (corner.0 + wide / 2.0, corner.1 + high / 2.0 + 0.6);
                    let style = Style { size_mm: 1.7, color: INK, is_bold: false };
                    sheet.text_about(middle, &format!("{:.0}", 100.0 * cell.share()), style, 0.0);
                }
            }
        }
    }

    /// Walls, and what stands in the room.
    pub fn furnish(&self, sheet: &mut Sheet, site: &Site) {
        let scene = &site.scene;
        if let Some(floor_plan) = &site.floor_plan {
            self.lay_under(sheet, floor_plan);
        }
        for solid in scene.furniture.iter().flat_map(scenes::Furniture::solids) {
            self.solid(sheet, &solid);
        }
        self.walls(sheet);
        for (parts, color) in [(&scene.light.windows, "#7ab8e6"), (&scene.room.mirrors, "#a45fc4")] {
            parts.iter().for_each(|part| self.on_wall(sheet, site, part, color));
        }
        for door in &scene.doors {
            let hinge = DVec2::from(door.hinge_m);
            let swings = door.swings.iter().map(|swing| swing.to_deg).chain([door.points_deg]);
            let (from, to) = swings.fold((f64::MAX, f64::MIN), |(from, to), angle| (from.min(angle), to.max(angle)));
            let edge = |part: f64| hinge + door.width_m * DVec2::from_angle((from + (to - from) * part).to_radians());
            let arc: Vec<At> = (0..=16).map(|i| self.place(edge(f64::from(i) / 16.0))).collect();
            sheet.line(&arc, FAINT, 0.15, true);
            let leaf = hinge + door.width_m * DVec2::from_angle(door.points_deg.to_radians());
            sheet.line(&[self.place(hinge), self.place(leaf)], INK, 0.6, false);
        }
    }

    fn lay_under(&self, sheet: &mut Sheet, floor_plan: &FloorPlan) {
        match &floor_plan.drawing {
            PlanDrawing::Picture { data_uri, size_m } => {
                let top_left = self.place(floor_plan.at_m + DVec2::Y * size_m.y);
                let size = (size_m.x * self.mm_per_m, size_m.y * self.mm_per_m);
                sheet.picture(data_uri, (top_left, size), self.frame());
            }
            PlanDrawing::Lines(lines) => {
                for line in lines {
                    let points: Vec<At> = line.iter().map(|point| self.place(floor_plan.at_m + *point)).collect();
                    sheet.clipped(&points, self.frame(), FAINT, 0.2, false);
                }
            }
        }
    }

    pub fn walls(&self, sheet: &mut Sheet) {
        let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0)].map(DVec2::from);
        let corners = corners.map(|part| self.place(part * self.room));
        sheet.line(&corners, INK, 0.7, false);
    }

    fn solid(&self, sheet: &mut Sheet, solid: &Solid) {
        let (fill, stroke) = ("#ffffff59", "#7d8996");
        if let Shape::Cylinder { radius, .. } = solid.shape {
            return sheet.circle(self.place(solid.at.truncate()), radius * self.mm_per_m, fill, stroke);
        }
        let corners = hull(solid.corners().map(|corner| corner.truncate()).to_vec());
        let corners: Vec<At> = corners.into_iter().map(|corner| self.place(corner)).collect();
        sheet.area(&corners, fill, stroke);
    }

    fn on_wall(&self, sheet: &mut Sheet, site: &Site, part: &WallPart, color: &str) {
        let plane = site.scene.room.part(part);
        let ends = [plane.corner, plane.corner + plane.u].map(|end| self.place(end.truncate()));
        sheet.line(&ends, color, 1.2, false);
    }

    /// What a level is seen of; what is outside of the walls is not shown.
    pub fn outline(&self, sheet: &mut Sheet, corners_m: &[[f64; 2]], color: &str, is_dashed: bool) {
        let closed = corners_m.iter().chain(corners_m.first());
        let corners: Vec<At> = closed.map(|corner| self.place(DVec2::from(*corner))).collect();
        sheet.clipped(&corners, self.frame(), color, 0.45, is_dashed);
    }

    /// The detection line with its arrow.
    pub fn line(&self, sheet: &mut Sheet, site: &Site) {
        let crossing = &site.configuration.line_crossing_counting;
        let Some(line) = crossing.line.as_ref().filter(|_| crossing.enable) else { return };
        let view = site.view();
        let picture = DVec2::new(f64::from(view.lens.width), f64::from(view.lens.height));
        let on_floor =
            |point: &DVec2| view.point_at_height(*point * picture, 0.0).map(|place| site.sensor_at + place.truncate());
        let Some(points) = line.points().iter().map(on_floor).collect::<Option<Vec<DVec2>>>() else { return };
        let drawn: Vec<At> = points.iter().map(|point| self.place(*point)).collect();
        sheet.line(&drawn, "#c2185b", 0.7, false);
        // To the left of the drawing direction as seen on the screen, which shows the floor as it is from above.
        let (first, last) = (points[0], points[points.len() - 1]);
        let (middle, along) = ((first + last) / 2.0, (last - first).normalize_or_zero());
        let tip = middle + along.perp() * 0.5;
        let barbs = [0.7, -0.7].map(|side| self.place(tip - along.perp() * 0.15 + along * side * 0.15));
        sheet.line(&[self.place(middle), self.place(tip)], "#c2185b", 0.5, false);
        sheet.line(&[barbs[0], self.place(tip), barbs[1]], "#c2185b", 0.5, false);
    }

    /// The sensor, and which way is up in its picture.
    pub fn sensor(&self, sheet: &mut Sheet, site: &Site) {
        let at = self.place(site.sensor_at);
        let up = DVec2::from_angle(site.mounting.rotation_rad).perp();
        let tip = (at.0 + 5.0 * up.x, at.1 - 5.0 * up.y);
        sheet.line(&[at, tip], INK, 0.4, false);
        sheet.circle(at, 1.5, "#ffffff", INK);
        sheet.circle(at, 0.7, INK, INK);
    }

    /// One of several sensors, by its number.
    pub fn numbered(&self, sheet: &mut Sheet, site: &Site, number: usize) {
        self.sensor(sheet, site);
        let at = self.place(site.sensor_at);
        sheet.circle(at, 2.1, INK, "#ffffff");
        let style = Style { size_mm: 2.6, color: "#ffffff", is_bold: true };
        sheet.text_about((at.0, at.1 + 0.95), &number.to_string(), style, 0.0);
    }

    /// How long the walls are, and a bar for the scale.
    pub fn measures(&self, sheet: &mut Sheet, units: Units) {
        let (at, size) = self.frame();
        sheet.text_about((at.0 + size.0 / 2.0, self.bottom() + 4.2), &units.length(self.room.x), SMALL, 0.0);
        sheet.text_about((at.0 - 2.2, at.1 + size.1 / 2.0), &units.length(self.room.y), SMALL, 90.0);
        let unit_m = 1.0 / units.of(1.0);
        let steps = [1.0, 2.0, 5.0, 10.0, 20.0].map(|step| step * unit_m);
        let fits = steps.into_iter().rev().find(|step| *step <= BAR_SHARE * self.room.x).unwrap_or(steps[0]);
        let (x, y) = (at.0 + size.0 - fits * self.mm_per_m, self.bottom() + 3.2);
        let bar = [(x, y - 1.0), (x, y), (at.0 + size.0, y), (at.0 + size.0, y - 1.0)];
        sheet.line(&bar, INK, 0.3, false);
        let words = units.length(fits);
        sheet.text_about((x + fits * self.mm_per_m / 2.0, y + 3.0), &words, Style { color: INK, ..SMALL }, 0.0);
    }
}

/// The convex hull of points, counter-clockwise (Andrew's monotone chain, 1979).
fn hull(mut points: Vec<DVec2>) -> Vec<DVec2> {
    points.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    let half = |points: &mut dyn Iterator<Item = DVec2>| {
        let mut chain: Vec<DVec2> = Vec::new();
        for point in points {
            while let [.., a, b] = chain[..]
                && (b - a).perp_dot(point - a) <= 0.0
            {
                chain.pop();
            }
            chain.push(point);
        }
        chain.pop();
        chain
    };
    let mut hull = half(&mut points.iter().copied());
    hull.extend(half(&mut points.iter().rev().copied()));
    hull
}
