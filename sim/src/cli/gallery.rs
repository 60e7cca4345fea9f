//! `twin gallery`: scenes as the sensor sees them, by light and height.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use device_model::Profile;
use firmware_shim::CameraSettings;
use scenarios::{Stills, picture_sheet};
use scenes::{Scene, library_names};

use super::JPEG_QUALITY;
use super::scene::{read, seconds};
use crate::light::HeadlessLight;
use crate::outcome::say;

/// Take pictures of scenes as the sensor sees them: a sheet for each, by light and height, and an overview.
///
/// The sensor hangs below the middle of the ceiling, at the ceiling's own height and at others, to which the whole room is
/// stretched; heights below a window or a lamp are left out. From 4.5 m on it is the high ceiling mount version. WDR is wide
/// dynamic range.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  twin gallery --out /tmp/gallery
  twin gallery --out /tmp/gallery meeting-room my-office.ron --at-s 12
  twin gallery --out /tmp/gallery --overview --main-stream lobby")]
pub struct Args {
    /// Scenes of the library by name, or .ron files; the whole library when none is named.
    scenes: Vec<String>,
    /// The folder to write SCENE.png and overview.png to.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Seconds after the scene's start, 0 to 1,000,000.
    #[arg(long, value_name = "S", default_value_t = 12.0, value_parser = seconds, allow_negative_numbers = true)]
    at_s: f64,
    /// Only the overview, no sheets.
    #[arg(long)]
    overview: bool,
    /// Also each scene as a snapshot of the main stream, 1280×960, to SCENE-main-stream.jpg.
    #[arg(long)]
    main_stream: bool,
}

const LUX: [f64; 4] = [5.0, 20.0, 50.0, 300.0];
const HEIGHTS_M: [f64; 5] = [2.5, 3.0, 4.0, 5.5, 7.0];
/// From here on the high ceiling mount version is used; guide §6.1.
const HIGH_FROM_M: f64 = 4.5;
/// Pictures in a row of the overview.
const OVERVIEW_COLUMNS: usize = 4;
const OVERVIEW: &str = "overview";

/// Takes the pictures.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let names = if args.scenes.is_empty() { library_names() } else { args.scenes.clone() };
    let scenes = names.iter().map(|name| read(name)).collect::<anyhow::Result<Vec<_>>>()?;
    for (i, (name, _)) in scenes.iter().enumerate() {
        if name == OVERVIEW || scenes[..i].iter().any(|(other, _)| other == name) {
            bail!("two pictures would be called `{name}.png`: take them one by one, or rename the scene");
        }
    }
    fs::create_dir_all(&args.out).with_context(|| format!("failed to create {}", args.out.display()))?;
    let mut light = HeadlessLight::start()?;
    let mut overview = Vec::new();
    for (name, scene) in &scenes {
        let mut own = stills(scene, &mut light)?;
        let (lux, settings) = (scene.light.lux, CameraSettings::default());
        if args.main_stream {
            let both = own.take_both(args.at_s, lux, settings)?;
            overview.push((name.clone(), both.analysis));
            let path = args.out.join(format!("{name}-main-stream.jpg"));
            let file = firmware::jpeg(&both.main, JPEG_QUALITY)
                .with_context(|| format!("failed to encode {}", path.display()))?;
            fs::write(&path, file).with_context(|| format!("failed to write {}", path.display()))?;
            say(&path.display().to_string());
        } else {
            overview.push((name.clone(), own.take(args.at_s, lux, settings)?));
        }
        if !args.overview {
            save(&args.out.join(format!("{name}.png")), &sheet(&mut light, name, scene, args.at_s)?)?;
        }
    }
    let rows: Vec<_> = overview.chunks(OVERVIEW_COLUMNS).map(<[_]>::to_vec).collect();
    save(&args.out.join(format!("{OVERVIEW}.png")), &picture_sheet("", &rows))?;
    Ok(ExitCode::SUCCESS)
}

fn stills<'l>(scene: &Arc<Scene>, light: &'l mut HeadlessLight) -> anyhow::Result<Stills<'l>> {
    let high = scene.room.ceiling_m >= HIGH_FROM_M;
    let profile = Profile::library(if high { "vs121-p-high-ceiling" } else { "vs121-p-standard" })?;
    Ok(Stills::new(Arc::clone(scene), profile, light)?)
}

/// A scene by light, from above to below, and by height and WDR, from left to right.
fn sheet(light: &mut HeadlessLight, name: &str, scene: &Arc<Scene>, at_s: f64) -> anyhow::Result<image::RgbImage> {
    let own_m = scene.room.ceiling_m;
    let others = HEIGHTS_M.into_iter().filter(|height_m| (height_m - own_m).abs() > 0.2);
    let mut rows = vec![Vec::new(); LUX.len()];
    for (height_m, wide) in [(own_m, false), (own_m, true)].into_iter().chain(others.map(|height_m| (height_m, false)))
    {
        let Some(scene) = scene.with_ceiling(height_m) else { continue };
        let mut stills = stills(&Arc::new(scene), light)?;
        let settings = CameraSettings { wide_dynamic_range: wide, ..CameraSettings::default() };
        for (row, lux) in rows.iter_mut().zip(LUX) {
            let words = format!("{height_m:.1} m, {lux} lx{}", if wide { ", WDR" } else { "" });
            row.push((words, stills.take(at_s, lux, settings)?));
        }
    }
    Ok(picture_sheet(name, &rows))
}

fn save(path: &Path, picture: &image::RgbImage) -> anyhow::Result<()> {
    picture.save(path).with_context(|| format!("failed to write {}", path.display()))?;
    say(&path.display().to_string());
    Ok(())
}
