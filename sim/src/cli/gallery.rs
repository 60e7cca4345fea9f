//! `twin gallery`: scenes as the sensor sees them, by light and height.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use device_model::Profile;
use firmware_shim::{CameraSettings, RgbImage};
use ron_file::RonFile;
use scenarios::{Stills, picture_sheet};
use scenes::{Scene, library_names};

use crate::light::HeadlessLight;

/// Take pictures of scenes as the sensor sees them: a sheet for each, by light and height, and an overview.
///
/// The sensor hangs below the middle of the ceiling, at the ceiling's own height and at others; above 4.5 m it is the high
/// ceiling mount version. WDR is wide dynamic range.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  twin gallery --out /tmp/gallery
  twin gallery --out /tmp/gallery meeting-room my-office.ron --at-s 12")]
pub struct Args {
    /// Scenes of the library by name, or .ron files; the whole library when none is named.
    scenes: Vec<String>,
    /// The folder to write SCENE.png and overview.png to.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Seconds after the scene's start.
    #[arg(long, value_name = "S", default_value_t = 12.0)]
    at_s: f64,
    /// Only the overview.
    #[arg(long)]
    overview: bool,
}

const LUX: [f64; 4] = [5.0, 20.0, 50.0, 300.0];
const HEIGHTS_M: [f64; 4] = [2.5, 3.0, 4.0, 6.0];
/// From here on the high ceiling mount version is used; guide §6.1.
const HIGH_FROM_M: f64 = 4.5;
/// Pictures in a row of the overview.
const OVERVIEW_COLUMNS: usize = 4;

/// Takes the pictures.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let names = if args.scenes.is_empty() { library_names() } else { args.scenes.clone() };
    let scenes = names.iter().map(|name| read(name)).collect::<anyhow::Result<Vec<_>>>()?;
    fs::create_dir_all(&args.out).with_context(|| format!("failed to create {}", args.out.display()))?;
    let mut light = HeadlessLight::start()?;
    let mut overview = Vec::new();
    for (name, scene) in &scenes {
        let own = take(&mut light, scene, args.at_s, scene.light.lux, false)?;
        overview.push((name.clone(), own));
        if !args.overview {
            let sheet = sheet(&mut light, name, scene, args.at_s)?;
            save(&args.out.join(format!("{name}.png")), &sheet)?;
        }
    }
    let rows: Vec<_> = overview.chunks(OVERVIEW_COLUMNS).map(<[_]>::to_vec).collect();
    save(&args.out.join("overview.png"), &picture_sheet("", &rows))?;
    Ok(ExitCode::SUCCESS)
}

/// A scene with its name.
fn read(name: &str) -> anyhow::Result<(String, Scene)> {
    if !name.ends_with(".ron") {
        let known = library_names().join(", ");
        let words = || anyhow!("there is no scene `{name}` in the library: {known}; or name a .ron file");
        return Ok((name.to_owned(), Scene::from_library(name).ok_or_else(words)??));
    }
    let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok((stem, Scene::from_file(&RonFile::read(Path::new(name))?)?))
}

fn take(light: &mut HeadlessLight, scene: &Scene, at_s: f64, lux: f64, wide: bool) -> anyhow::Result<RgbImage> {
    let high = scene.room.ceiling_m >= HIGH_FROM_M;
    let profile = Profile::library(if high { "vs121-p-high-ceiling" } else { "vs121-p-standard" })?;
    let settings = CameraSettings { wide_dynamic_range: wide, ..CameraSettings::default() };
    Ok(Stills::new(Arc::new(scene.clone()), profile, light)?.take(at_s, lux, settings)?)
}

/// A scene by light, from above to below, and by height and WDR, from left to right.
fn sheet(light: &mut HeadlessLight, name: &str, scene: &Scene, at_s: f64) -> anyhow::Result<image::RgbImage> {
    let own_m = scene.room.ceiling_m;
    let others = HEIGHTS_M.into_iter().filter(|height_m| (height_m - own_m).abs() > 0.2);
    let columns: Vec<(Scene, bool)> = [(own_m, false), (own_m, true)]
        .into_iter()
        .chain(others.map(|height_m| (height_m, false)))
        .filter_map(|(height_m, wide)| Some((scene.with_ceiling(height_m)?, wide)))
        .collect();
    let mut rows = Vec::new();
    for lux in LUX {
        let mut row = Vec::new();
        for (scene, wide) in &columns {
            let words = format!("{:.1} m, {lux} lx{}", scene.room.ceiling_m, if *wide { ", WDR" } else { "" });
            row.push((words, take(light, scene, at_s, lux, *wide)?));
        }
        rows.push(row);
    }
    Ok(picture_sheet(name, &rows))
}

fn save(path: &Path, picture: &image::RgbImage) -> anyhow::Result<()> {
    picture.save(path).with_context(|| format!("failed to write {}", path.display()))?;
    println!("{}", path.display());
    Ok(())
}
