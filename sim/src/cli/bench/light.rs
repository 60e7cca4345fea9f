//! What rendering costs alone: a room with people who walk, exposure after exposure.

use std::sync::Arc;

use device_model::Profile;
use firmware_shim::View;
use glam::DVec2;
use ron_file::RonFile;
use scenarios::{Exposure, LightSource, Stage};
use scenes::Scene;
use serde_json::{Map, Value, json};

use super::{head, row, sorted_ms};
use crate::cli::dataset;
use crate::light::HeadlessLight;
use crate::outcome::say;

/// Exposures of each measurement.
const EXPOSURES: u64 = 120;

/// Pictures of random rooms to export.
const PICTURES: u64 = 200;

/// People, and the size of the sensor's picture.
const CASES: [(u32, u32, u32); 3] = [(8, 320, 240), (8, 640, 480), (30, 320, 240)];

/// Measures, prints, and gives what was printed.
pub(super) fn figures() -> anyhow::Result<Value> {
    let mut light = HeadlessLight::start()?;
    let adapter = light.adapter();
    say(&format!("rendering and readback of a room with soft shadows; adapter {adapter}"));
    head();
    let mut figures = Map::new();
    for (people, width, height) in CASES {
        let mut profile = Profile::library("vs121-p-standard")?;
        (profile.image.width, profile.image.height) = (width, height);
        let scene = Arc::new(Scene::from_file(&RonFile::embedded("a room for measuring", room(people)))?);
        let view = View { lens: profile.lens(), mounting: profile.mounting.mounting() };
        let sensor_at = DVec2::new(4.0, 3.0);
        light.set_stage(&Stage { scene: Arc::clone(&scene), sensor_at, view, pinhole: profile.pinhole() })?;
        let before = light.spent().len();
        for seq in 0..EXPOSURES {
            let worlds = vec![scene.at(seq as f64 * 0.1)];
            light.expose(Some(&Exposure { seq, worlds, lux: scene.light.lux }), &mut |_| {})?;
        }
        light.expose(None, &mut |_| {})?;
        let sorted = sorted_ms(&light.spent()[before..], |spent| spent.render_s + spent.readback_s);
        let name = format!("{people} people, {width}×{height}");
        figures.insert(name.clone(), row(&name, &sorted));
    }
    drop(light);
    let speed = dataset::speed(PICTURES)?;
    say(&format!("dataset: {speed:.1} pictures a second, of {PICTURES}"));
    Ok(json!({ "adapter": adapter, "light": figures, "dataset_pictures_per_s": speed }))
}

/// A room of 8 m × 6 m with tables and chairs, and people who walk up and down in rows.
fn room(people: u32) -> String {
    let figures = ["man-medium", "woman-tall", "man-heavy", "woman-slim", "man-old", "woman-sturdy"];
    let person = |i: u32| {
        let (column, row) = (i % 6, i / 6);
        let (x, y) = (0.8 + 1.25 * f64::from(column), 0.7 + 1.1 * f64::from(row));
        let figure = figures[(i % 6) as usize];
        let there = format!("({:.2}, {y:.2})", x + 0.6);
        let walk = format!("Walk(via_m: [{there}, ({x:.2}, {y:.2}), {there}, ({x:.2}, {y:.2})], speed_m_s: 0.6)");
        format!(
            "(name: \"p{i}\", body: (figure: \"{figure}\"), starts: Stands(at_m: ({x:.2}, {y:.2})), does: [{walk}, {walk}, {walk}]),"
        )
    };
    let people: String = (0..people).map(person).collect();
    format!(
        "(
            room: (size_m: (8.0, 6.0), ceiling_m: 3.0, floor_finish: Carpet),
            light: (lux: 300, luminaires: [(at_m: (2, 1.5)), (at_m: (6, 1.5)), (at_m: (2, 4.5)), (at_m: (6, 4.5))]),
            furniture: [
                (name: \"table\", piece: Table(size_m: (1.6, 0.8, 0.74)), at_m: (4.0, 3.0), color: \"#c9a77c\"),
                (name: \"chair\", piece: Chair, at_m: (4.0, 2.4), color: \"#3d4a57\"),
            ],
            people: [{people}],
        )"
    )
}
