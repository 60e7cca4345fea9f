//! `twin lux`: a lux meter in a scene.

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::bail;
use glam::DVec3;
use scenes::Illumination;
use serde::Serialize;

use super::scene::{read, seconds};
use crate::outcome::{say, write_json};

/// Read a lux meter in a scene: horizontal illuminance in its light and sun, among its furniture, without people.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  twin lux meeting-room                                # darkest, mean and brightest, 0.8 m above the floor
  twin lux my-office.ron --at 1.5,2 --at 1.5,2,0       # at a place 0.8 m above the floor, and on the floor there
  twin lux factor-sun --at 3,1.2,0 --at-s 30 --json lux.json")]
pub struct Args {
    /// A scene of the library by name, or a .ron file.
    scene: String,
    /// Metres along x and y from the south-west corner, and above the floor; may be given more than once.
    #[arg(long, value_name = "X,Y[,Z]", allow_hyphen_values = true)]
    at: Vec<Place>,
    /// Seconds after the scene's start, 0 to 1,000,000; only the sun moves.
    #[arg(long, value_name = "S", default_value_t = 0.0, value_parser = seconds, allow_negative_numbers = true)]
    at_s: f64,
    /// Also write the readings to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Where the meter lies when nothing else is said, and where `lux` of a scene is meant; m.
const HEIGHT_M: f64 = 0.8;
/// Readings of a whole room are about so far from one another, m.
const GRID_M: f64 = 0.25;

#[derive(Clone, Copy, Debug)]
struct Place(DVec3);

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Option<Vec<f64>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
        match numbers.as_deref() {
            Some([x, y]) => Ok(Place(DVec3::new(*x, *y, HEIGHT_M))),
            Some([x, y, z]) => Ok(Place(DVec3::new(*x, *y, *z))),
            _ => Err("write metres as X,Y or X,Y,Z, such as 1.5,2 or 1.5,2,0".to_owned()),
        }
    }
}

/// What the meter reads at a place.
#[derive(Clone, Copy, Debug, Serialize)]
struct Reading {
    at_m: [f64; 3],
    lux: f64,
}

/// All readings, as the JSON has them.
#[derive(Serialize)]
struct Readings {
    scene: String,
    at_s: f64,
    readings: Vec<Reading>,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (name, scene) = read(&args.scene)?;
    let room = &scene.room;
    let size = DVec3::new(room.size_m.0, room.size_m.1, room.ceiling_m);
    for Place(at) in &args.at {
        let inside = at.cmpge(DVec3::ZERO).all() && at.cmple(size).all();
        if !inside {
            bail!("({}, {}, {}) is outside the room of {} m × {} m × {} m", at.x, at.y, at.z, size.x, size.y, size.z);
        }
    }
    let solids = scene.fixed_solids();
    let inside = |at: DVec3| solids.iter().any(|solid| solid.contains(at));
    for Place(at) in &args.at {
        if let Some(piece) = scene.furniture.iter().find(|piece| piece.solids().iter().any(|solid| solid.contains(*at)))
        {
            bail!("({}, {}, {}) is inside `{}`: there is no light", at.x, at.y, at.z, piece.name);
        }
    }
    let illumination = Illumination::new(room, &scene.light, &solids, args.at_s);
    let read = |at: DVec3| {
        let lux = illumination.meter(at, DVec3::Z, scene.light.lux);
        Reading { at_m: at.to_array(), lux: (lux * 10.0).round() / 10.0 }
    };
    let readings: Vec<Reading> = if args.at.is_empty() {
        let (columns, rows) = ((size.x / GRID_M).round().max(1.0), (size.y / GRID_M).round().max(1.0));
        let cell = |i: u32, count: f64, length: f64| (f64::from(i) + 0.5) / count * length;
        let row = |j: u32| (0..columns as u32).map(move |i| (i, j));
        let places = (0..rows as u32).flat_map(row).map(|(i, j)| (cell(i, columns, size.x), cell(j, rows, size.y)));
        places.map(|(x, y)| DVec3::new(x, y, HEIGHT_M)).filter(|at| !inside(*at)).map(read).collect()
    } else {
        args.at.iter().map(|Place(at)| read(*at)).collect()
    };
    if readings.is_empty() {
        bail!("`{name}` is filled with furniture {HEIGHT_M} m above the floor: name a free place with --at");
    }
    let tell = |Reading { at_m: [x, y, z], lux }: &Reading| {
        format!("{lux:8.1} lx at ({x:.2}, {y:.2}), {z:.2} m above the floor")
    };
    if args.at.is_empty() {
        let by_lux = |a: &&Reading, b: &&Reading| a.lux.total_cmp(&b.lux);
        let mean = readings.iter().map(|reading| reading.lux).sum::<f64>() / readings.len() as f64;
        let [least, most] = [readings.iter().min_by(by_lux), readings.iter().max_by(by_lux)];
        least.into_iter().for_each(|reading| say(&tell(reading)));
        say(&format!(
            "{mean:8.1} lx on average; `lux` of the scene is {}, without the sun and furniture",
            scene.light.lux
        ));
        most.into_iter().for_each(|reading| say(&tell(reading)));
    } else {
        readings.iter().for_each(|reading| say(&tell(reading)));
    }
    if let Some(file) = &args.json {
        write_json(file, &Readings { scene: name, at_s: args.at_s, readings })?;
    }
    Ok(ExitCode::SUCCESS)
}
