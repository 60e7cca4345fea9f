//! Floor plans that others drew, to lie under ours.

use std::fs::{self, File};
use std::io::{BufReader, Cursor};
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dxf::Drawing;
use dxf::entities::EntityType;
use dxf::enums::Units;
use glam::DVec2;
use image::{ImageFormat, ImageReader};
use resvg::usvg::{Options, Tree};
use scenarios::coverage::{FloorPlan, PlanDrawing};

use crate::outcome::say;

/// Chords that a circle is drawn by.
const CHORDS: u32 = 48;

/// Reads a PNG or JPEG, an SVG or a DXF. `scale_m` is the length of one of its units in the room: of a pixel, of SVG's own unit, of a unit of the
/// DXF, which may say so itself.
pub fn read(path: &Path, scale_m: Option<f64>, at_m: DVec2) -> anyhow::Result<FloorPlan> {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let scale = |unit: &str| {
        scale_m.ok_or_else(|| anyhow!("--floor-plan-scale is missing: how many metres {unit} of {} is", path.display()))
    };
    let cannot = || format!("failed to read the floor plan {}", path.display());
    let drawing = match ending.as_str() {
        "png" | "jpg" | "jpeg" => {
            let picture = ImageReader::open(path).with_context(cannot)?.with_guessed_format().with_context(cannot)?;
            let picture = picture.decode().with_context(cannot)?;
            let mut png = Vec::new();
            picture.write_to(&mut Cursor::new(&mut png), ImageFormat::Png).with_context(cannot)?;
            let size = DVec2::new(f64::from(picture.width()), f64::from(picture.height()));
            embedded("image/png", &png, size * scale("a pixel")?)
        }
        "svg" => {
            let text = fs::read_to_string(path).with_context(cannot)?;
            let size = Tree::from_str(&text, &Options::default()).with_context(cannot)?.size();
            let size = DVec2::new(size.width().into(), size.height().into());
            embedded("image/svg+xml", text.as_bytes(), size * scale("a unit")?)
        }
        "dxf" => {
            let file = File::open(path).with_context(cannot)?;
            let drawing = Drawing::load(&mut BufReader::new(file)).map_err(|error| anyhow!("{}: {error}", cannot()))?;
            let unit_m = match scale_m {
                Some(scale_m) => scale_m,
                None => unit_m(drawing.header.default_drawing_units).ok_or(()).or_else(|()| scale("a unit"))?,
            };
            PlanDrawing::Lines(lines(&drawing, unit_m, path)?)
        }
        _ => bail!("{} is no floor plan: expected .png, .jpg, .svg or .dxf", path.display()),
    };
    Ok(FloorPlan { at_m, drawing })
}

fn embedded(kind: &str, bytes: &[u8], size_m: DVec2) -> PlanDrawing {
    PlanDrawing::Picture { data_uri: format!("data:{kind};base64,{}", STANDARD.encode(bytes)), size_m }
}

/// What a DXF says that its unit is, metres.
fn unit_m(units: Units) -> Option<f64> {
    match units {
        Units::Millimeters => Some(1e-3),
        Units::Centimeters => Some(1e-2),
        Units::Decimeters => Some(0.1),
        Units::Meters => Some(1.0),
        Units::Inches => Some(0.0254),
        Units::Feet => Some(0.3048),
        _ => None,
    }
}

/// Lines, polylines, circles and arcs, in metres. What else there is, is left out and said so.
fn lines(drawing: &Drawing, unit_m: f64, path: &Path) -> anyhow::Result<Vec<Vec<DVec2>>> {
    let mut lines: Vec<Vec<DVec2>> = Vec::new();
    let mut left_out = 0;
    let round = |x: f64, y: f64, radius: f64, from_deg: f64, to_deg: f64| -> Vec<DVec2> {
        let angle = |i: u32| (from_deg + (to_deg - from_deg) * f64::from(i) / f64::from(CHORDS)).to_radians();
        (0..=CHORDS).map(|i| DVec2::new(x, y) + radius * DVec2::from_angle(angle(i))).collect()
    };
    for entity in drawing.entities() {
        let line = match &entity.specific {
            EntityType::Line(line) => vec![DVec2::new(line.p1.x, line.p1.y), DVec2::new(line.p2.x, line.p2.y)],
            EntityType::LwPolyline(line) => {
                closed(line.vertices.iter().map(|vertex| DVec2::new(vertex.x, vertex.y)).collect(), line.is_closed())
            }
            EntityType::Polyline(line) => {
                let vertices = line.vertices().map(|vertex| DVec2::new(vertex.location.x, vertex.location.y));
                closed(vertices.collect(), line.is_closed())
            }
            EntityType::Circle(circle) => round(circle.center.x, circle.center.y, circle.radius, 0.0, 360.0),
            EntityType::Arc(arc) => {
                let turn = (arc.end_angle - arc.start_angle).rem_euclid(360.0);
                round(arc.center.x, arc.center.y, arc.radius, arc.start_angle, arc.start_angle + turn)
            }
            _ => {
                left_out += 1;
                continue;
            }
        };
        lines.push(line.into_iter().map(|point| point * unit_m).collect());
    }
    if left_out > 0 {
        say(&format!("{}: {left_out} entities are no lines, circles or arcs and are left out", path.display()));
    }
    if lines.is_empty() {
        bail!("{} has no lines, circles or arcs", path.display());
    }
    Ok(lines)
}

fn closed(mut points: Vec<DVec2>, is_closed: bool) -> Vec<DVec2> {
    points.extend(points.first().copied().filter(|_| is_closed));
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_rounds_of_a_dxf_are_in_metres() {
        let mut drawing = Drawing::new();
        let line = dxf::entities::Line::new(dxf::Point::new(0.0, 0.0, 0.0), dxf::Point::new(3000.0, 0.0, 0.0));
        let circle = dxf::entities::Circle::new(dxf::Point::new(1000.0, 1000.0, 0.0), 500.0);
        for entity in [EntityType::Line(line), EntityType::Circle(circle), EntityType::Text(Default::default())] {
            drawing.add_entity(dxf::entities::Entity::new(entity));
        }
        let lines = lines(&drawing, 1e-3, Path::new("plan.dxf")).expect("there are some");
        assert_eq!((lines.len(), lines[0].clone()), (2, vec![DVec2::ZERO, DVec2::new(3.0, 0.0)]));
        assert!(lines[1].iter().all(|point| (point.distance(DVec2::ONE) - 0.5).abs() < 1e-9));
        assert!(lines[1][0].distance(lines[1][CHORDS as usize]) < 1e-9);
    }
}
