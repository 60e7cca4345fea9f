//! `twin coverage`: what a sensor will cover, for whoever has to say so before anybody drills.

// One thread more looks at pictures; what it adds up depends on their order alone, which is that of taking them.
#![allow(clippy::disallowed_methods)]

mod floor_plan;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use analytics::{DetectError, Detector, OnnxDetector};
use anyhow::{Context, anyhow, bail};
use firmware::Configuration;
use firmware_shim::{Frame, Mounting, Uptime};
use glam::DVec2;
use indicatif::{ProgressBar, ProgressStyle};
use scenarios::Scenario;
use scenarios::coverage::{
    Advice, Coverage, Found, Placed, Prediction, Signed, Site, Suggestion, Tally, Together, Units, Weight, page,
    page_of_several, take_pictures,
};
use scenes::{Light, Room, Scene};
use serde::Serialize;

use super::scene::{is_scenario, lens, read};
use crate::inference::{self, Model};
use crate::light::HeadlessLight;
use crate::outcome::{say, write_json};
use crate::paper;
use crate::watch::today;

/// Show what a sensor will cover: on the floor, at the heads of people who sit and who stand, what furniture hides, how light it is, and what the
/// guide advises (its sections are named).
///
/// In a scene the sensor hangs below the middle of the ceiling unless `--at` and `--height` say otherwise, in a scenario where that has it. `--room`
/// makes an empty room. Without --png, --svg, --pdf or --json it is only told.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  twin coverage meeting-room --pdf coverage.pdf
  twin coverage meeting-room --no-predict --png coverage.png          # without rendering: at once
  twin coverage --room 8x6 --height 3.2 --lens standard --lux 120 --at 4,3 --rotate 90 --png coverage.png
  twin coverage --room 14x9 --suggest --pdf sensors.pdf
  twin coverage --room 14x9 --at 4,4 --floor-plan plan.dxf --pdf sensors.pdf
  twin coverage open-office --at 3,4 --at 7,4 --rotate 90 --png two.png
  twin coverage scenarios/library/corridor-crossings.ron --feet --svg corridor.svg --json corridor.json")]
pub struct Args {
    /// A scene of the library by name, or the .ron file of a scene or scenario.
    #[arg(required_unless_present = "room", conflicts_with = "room")]
    scene: Option<String>,
    /// An empty room of so many metres along x and y, instead of a scene.
    #[arg(long, value_name = "XxY")]
    room: Option<Size>,
    /// Of the lens above the floor, metres, 1 to 20; the ceiling of a room made by --room.
    #[arg(long, value_name = "M", value_parser = metres)]
    height: Option<f64>,
    /// `standard` or `high-ceiling`; what a scenario says, and by height for a scene or a room, when not stated.
    #[arg(long)]
    lens: Option<String>,
    /// The level of light 0.8 m above the floor, lx; the scene's own when not stated.
    #[arg(long, value_name = "LX", value_parser = lux)]
    lux: Option<f64>,
    /// Where the sensor hangs, metres along x and y from the south-west corner; given more than once, so many sensors.
    #[arg(long, value_name = "X,Y", allow_hyphen_values = true)]
    at: Vec<Place>,
    /// How far the sensor is turned, degrees counter-clockwise seen from above; at 0 the picture's up is north. Of several sensors once for each, or
    /// once for all.
    #[arg(long, value_name = "DEG", allow_hyphen_values = true, value_parser = degrees)]
    rotate: Vec<f64>,
    /// Say where to hang how many sensors, so that they cover what can be covered.
    #[arg(long, conflicts_with_all = ["at", "rotate"])]
    suggest: bool,
    /// Do not predict, by the detector on rendered people in this very room, how surely people are found where. That takes most of the time.
    #[arg(long)]
    no_predict: bool,
    /// Another detector than the built-in one, in ONNX.
    #[arg(long, value_name = "FILE", conflicts_with = "no_predict")]
    model: Option<PathBuf>,
    /// A floor plan to lie under the drawing: .png, .jpg, .svg or .dxf.
    #[arg(long, value_name = "FILE")]
    floor_plan: Option<PathBuf>,
    /// Metres of one of the floor plan's units: a pixel, or a unit of the SVG or DXF. A DXF may say itself.
    #[arg(long, value_name = "M", requires = "floor_plan", value_parser = scale)]
    floor_plan_scale: Option<f64>,
    /// Where the floor plan's south-west corner (of a DXF, its origin) lies in the room, metres.
    #[arg(long, value_name = "X,Y", requires = "floor_plan", allow_hyphen_values = true)]
    floor_plan_at: Option<Place>,
    /// Lengths in feet.
    #[arg(long)]
    feet: bool,
    /// Write the page to this file as a picture.
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
    /// Write the page to this file as a drawing.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Write the page to this file, to be printed and signed.
    #[arg(long, value_name = "FILE")]
    pdf: Option<PathBuf>,
    /// Write everything to this file; lengths are metres.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// When nothing else is said of an empty room.
const ROOM_LUX: f64 = 300.0;
/// From here on the high ceiling mount version is used; guide §6.1.
const HIGH_FROM_M: f64 = 4.5;

fn metres(text: &str) -> Result<f64, String> {
    let parsed = text.parse::<f64>().ok().filter(|metres| (1.0..=20.0).contains(metres));
    parsed.ok_or_else(|| "write metres from 1 to 20".to_owned())
}

fn scale(text: &str) -> Result<f64, String> {
    let parsed = text.parse::<f64>().ok().filter(|metres| (1e-6..=1e3).contains(metres));
    parsed.ok_or_else(|| "write metres from 0.000001 to 1000, such as 0.02".to_owned())
}

fn lux(text: &str) -> Result<f64, String> {
    let parsed = text.parse::<f64>().ok().filter(|lux| (0.0..=100_000.0).contains(lux));
    parsed.ok_or_else(|| "write lux from 0 to 100,000".to_owned())
}

fn degrees(text: &str) -> Result<f64, String> {
    let parsed = text.parse::<f64>().ok().filter(|degrees| (-360.0..=360.0).contains(degrees));
    parsed.ok_or_else(|| "write degrees from -360 to 360".to_owned())
}

#[derive(Clone, Copy, Debug)]
struct Size(f64, f64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lengths =
            text.split_once(['x', '×']).and_then(|(x, y)| Some((x.trim().parse().ok()?, y.trim().parse().ok()?)));
        match lengths {
            Some((x, y)) if (1.0..=60.0).contains(&x) && (1.0..=60.0).contains(&y) => Ok(Size(x, y)),
            _ => Err("write two lengths from 1 to 60 m, such as 8x6".to_owned()),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Place(DVec2);

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once(',').and_then(|(x, y)| Some((x.trim().parse().ok()?, y.trim().parse().ok()?)));
        let place = numbers.map(|(x, y)| DVec2::new(x, y)).filter(|place| place.is_finite());
        place.map(Place).ok_or_else(|| "write metres as X,Y, such as 4,3".to_owned())
    }
}

/// What the JSON has.
#[derive(Serialize)]
struct Document<'a> {
    name: &'a str,
    lens: &'a str,
    room_m: [f64; 2],
    ceiling_m: f64,
    height_m: f64,
    at_m: [f64; 2],
    rotation_deg: f64,
    tilt_deg: f64,
    lux: f64,
    #[serde(flatten)]
    coverage: &'a Coverage,
    #[serde(skip_serializing_if = "Option::is_none")]
    prediction: Option<&'a Prediction>,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut sites = sites(args)?;
    let units = if args.feet { Units::Feet } else { Units::Metres };
    let suggestion = args.suggest.then(|| Suggestion::of(&sites[0]));
    if let Some(suggestion) = &suggestion {
        let hung = |(at, degrees): &([f64; 2], f64)| {
            let mounting = Mounting { rotation_rad: degrees.to_radians(), tilt_rad: 0.0, ..sites[0].mounting };
            Site { sensor_at: DVec2::from(*at), mounting, ..sites[0].clone() }
        };
        sites = suggestion.sensors.iter().map(hung).collect();
    }
    if suggestion.is_some() || sites.len() > 1 {
        several(args, sites, suggestion.as_ref(), units)?;
    } else if let Some(site) = sites.pop() {
        one(args, &site, units)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What the JSON has of several sensors.
#[derive(Serialize)]
struct SeveralDocument<'a> {
    name: &'a str,
    lens: &'a str,
    room_m: [f64; 2],
    height_m: f64,
    sensors: Vec<Sensor<'a>>,
    together: &'a Together,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<&'a Suggestion>,
}

#[derive(Serialize)]
struct Sensor<'a> {
    at_m: [f64; 2],
    rotation_deg: f64,
    advice: &'a [Advice],
}

impl<'a> Sensor<'a> {
    fn of((site, coverage): &'a (Site, Coverage)) -> Self {
        let (at_m, rotation_deg) = (site.sensor_at.into(), site.mounting.rotation_rad.to_degrees());
        Sensor { at_m, rotation_deg, advice: &coverage.advice }
    }
}

fn several(args: &Args, sites: Vec<Site>, suggestion: Option<&Suggestion>, units: Units) -> anyhow::Result<()> {
    let Some((first, others)) = sites.split_first() else {
        bail!("no sensor covers anything: something stands everywhere, or the ceiling is too low");
    };
    let together = Together::of(first, others);
    let sensors: Vec<(Site, Coverage)> = sites.iter().map(|site| (site.clone(), Coverage::of(site, units))).collect();
    let drawing = || page_of_several(&sensors, &together, suggestion, units, &signed());
    draw(args, &first.name, drawing)?;
    if let Some(path) = &args.json {
        let document = SeveralDocument {
            name: &first.name,
            lens: &first.profile_name,
            room_m: first.room_m().into(),
            height_m: first.mounting.height_m,
            sensors: sensors.iter().map(Sensor::of).collect(),
            together: &together,
            suggestion,
        };
        write_json(path, &document)?;
        say(&path.display().to_string());
    }
    say(&format!(
        "{}: {} sensors, lens {} above the floor",
        first.name,
        sites.len(),
        units.length(first.mounting.height_m)
    ));
    for (i, site) in sites.iter().enumerate() {
        let degrees = site.mounting.rotation_rad.to_degrees();
        say(&format!("  {}: at {}, turned {degrees:.0}°", i + 1, units.place(site.sensor_at.into())));
    }
    say(&format!(
        "  together {} of {} ({:.0} %), {} twice or more",
        units.area(together.covered_m2),
        units.area(together.wanted_m2),
        100.0 * together.share(),
        units.area(together.overlap_m2)
    ));
    if let Some(suggestion) = suggestion {
        say(&format!("  {}", suggestion.reason()));
    }
    for (i, (_, coverage)) in sensors.iter().enumerate() {
        tell_advice(&coverage.advice, &format!("{}: ", i + 1));
    }
    Ok(())
}

fn signed() -> Signed {
    Signed { date: today(), program: concat!("twin ", env!("CARGO_PKG_VERSION")).to_owned() }
}

/// Writes the page wherever it is wanted.
fn draw(args: &Args, name: &str, page: impl Fn() -> svg::Document) -> anyhow::Result<()> {
    if args.svg.is_none() && args.png.is_none() && args.pdf.is_none() {
        return Ok(());
    }
    let drawing = page().to_string();
    if let Some(path) = &args.svg {
        write(path, drawing.as_bytes())?;
    }
    if let Some(path) = &args.png {
        write(path, &paper::png(&drawing)?)?;
    }
    if let Some(path) = &args.pdf {
        write(path, &paper::pdf(&drawing, &format!("Coverage of {name}"))?)?;
    }
    Ok(())
}

fn one(args: &Args, site: &Site, units: Units) -> anyhow::Result<()> {
    let coverage = Coverage::of(site, units);
    let prediction = if args.no_predict { None } else { Some(predict(site, args.model.as_deref())?) };
    draw(args, &site.name, || page(site, &coverage, prediction.as_ref(), units, &signed()))?;
    if let Some(path) = &args.json {
        let document = Document {
            name: &site.name,
            lens: &site.profile_name,
            room_m: site.room_m().into(),
            ceiling_m: site.scene.room.ceiling_m,
            height_m: site.mounting.height_m,
            at_m: site.sensor_at.into(),
            rotation_deg: site.mounting.rotation_rad.to_degrees(),
            tilt_deg: site.mounting.tilt_rad.to_degrees(),
            lux: site.scene.light.lux,
            coverage: &coverage,
            prediction: prediction.as_ref(),
        };
        write_json(path, &document)?;
        say(&path.display().to_string());
    }
    tell(site, &coverage, prediction.as_ref(), units);
    Ok(())
}

/// Pictures that wait for the detector, at most.
const WAITING: usize = 8;
/// Of the places of people in predictions.
const SEED: u64 = 1;

/// Has the detector look at pictures of people in the room: one thread takes them, another looks.
fn predict(site: &Site, model: Option<&Path>) -> anyhow::Result<Prediction> {
    let model = Model::read(model)?;
    inference::choose()?;
    let mut detector = OnnxDetector::from_bytes(&model.bytes, &model.name)?;
    detector.weakest = detector.confidence_threshold;
    let mut light = HeadlessLight::start()?;
    let bar = ProgressBar::new(100).with_style(ProgressStyle::with_template("predicting {bar:40} {percent} %")?);
    let (hand_over, taken) = sync_channel::<Placed>(WAITING);
    let mut tally = Tally::new(site);
    let looked = std::thread::spawn(move || -> Result<Tally, DetectError> {
        for (seq, placed) in (0..).zip(taken) {
            let frame = Frame { seq, taken_at: Uptime::ZERO, image: Some(placed.image.clone()) };
            let detections = detector.detect(&frame)?;
            tally.add(&placed, &detections);
        }
        Ok(tally)
    });
    let taken = take_pictures(site, &mut light, SEED, &mut |placed| {
        bar.set_position((100.0 * placed.progress) as u64);
        // A detector that failed says why below.
        hand_over.send(placed).ok();
    });
    drop(hand_over);
    bar.finish_and_clear();
    let tally = looked.join().map_err(|_| anyhow!("the detector's thread ended by a panic"))?;
    taken?;
    Ok(tally?.into_prediction())
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(path, bytes).with_context(|| format!("failed to write {}", path.display()))?;
    say(&path.display().to_string());
    Ok(())
}

fn tell(site: &Site, coverage: &Coverage, prediction: Option<&Prediction>, units: Units) {
    let level = |size: Option<[f64; 2]>| size.map_or("no end".to_owned(), |size| units.size(size));
    say(&format!(
        "{}: lens {} above the floor, at {}",
        site.name,
        units.length(site.mounting.height_m),
        units.place(site.sensor_at.into())
    ));
    say(&format!("  monitored (floor)          {}", level(coverage.monitored.size_m)));
    say(&format!("  detection, seated heads    {}", level(coverage.seated.size_m)));
    say(&format!("  detection, standing heads  {}", level(coverage.standing.size_m)));
    if let Some(recommended) = &coverage.recommended {
        say(&format!("  recommended                {}", units.size(recommended.size_m)));
    }
    for (who, cells) in prediction.iter().flat_map(|it| [("seated", &it.seated), ("standing", &it.standing)]) {
        let (placed, found) = cells
            .iter()
            .flatten()
            .flatten()
            .fold((0, 0), |(placed, found), cell| (placed + cell.placed, found + cell.found));
        let whole = Found { placed, found };
        let (least, most) = whole.interval();
        if placed > 0 {
            let percent = |share: f64| 100.0 * share;
            say(&format!(
                "  predicted, {who:<8}        {:.1} % of {placed} found (95 %: {:.1} to {:.1} %)",
                percent(whole.share()),
                percent(least),
                percent(most)
            ));
        }
    }
    tell_advice(&coverage.advice, "");
}

fn tell_advice(advice: &[Advice], of: &str) {
    for Advice { weight, section, words, .. } in advice {
        let weight = match weight {
            Weight::Problem => "PROBLEM",
            Weight::Warning => "warning",
            Weight::Hint => "hint   ",
        };
        say(&format!("  {weight}  {of}{words} ({section})"));
    }
}

/// The sensors as they are asked for, one at least; of a suggestion, one that others are to be like.
fn sites(args: &Args) -> anyhow::Result<Vec<Site>> {
    let mut site = match (&args.scene, args.room) {
        (Some(name), _) if is_scenario(Path::new(name)) => Site::of(&Scenario::read(Path::new(name))?),
        (Some(name), _) => {
            let (name, scene) = read(name)?;
            below_the_middle(name, scene)?
        }
        (None, Some(Size(x, y))) => {
            let ceiling_m = args.height.unwrap_or(3.0);
            let room = Room::empty((x, y), ceiling_m);
            let light = Light { lux: args.lux.unwrap_or(ROOM_LUX), ..Light::default() };
            let scene = Scene::new(room, light, vec![], vec![]);
            let scene = scene.map_err(|(field, words)| anyhow!("{field}: {words}"))?;
            below_the_middle(format!("a room of {x} m × {y} m"), Arc::new(scene))?
        }
        (None, None) => bail!("name a scene, or give --room"),
    };
    if let Some(height_m) = args.height {
        let ceiling_m = site.scene.room.ceiling_m;
        if height_m > ceiling_m {
            bail!("--height {height_m}: the ceiling of {} is at {ceiling_m} m", site.name);
        }
        site.mounting.height_m = height_m;
    }
    if let Some(lux) = args.lux {
        let mut scene = Scene::clone(&site.scene);
        scene.light.lux = lux;
        site.scene = Arc::new(scene);
    }
    let is_own = args.scene.as_ref().is_some_and(|name| is_scenario(Path::new(name)));
    let by_height = if site.mounting.height_m >= HIGH_FROM_M { "high-ceiling" } else { "standard" };
    if let Some(name) = args.lens.as_deref().or((!is_own).then_some(by_height)) {
        (site.profile, site.profile_name) = lens(name)?;
    }
    if let Some(path) = &args.floor_plan {
        let at = args.floor_plan_at.map_or(DVec2::ZERO, |Place(at)| at);
        site.floor_plan = Some(Arc::new(floor_plan::read(path, args.floor_plan_scale, at)?));
    }
    let room = site.room_m();
    for Place(at) in &args.at {
        if !(at.cmpge(DVec2::ZERO).all() && at.cmple(room).all()) {
            bail!("--at {},{}: the room of {} is {} m × {} m", at.x, at.y, site.name, room.x, room.y);
        }
    }
    let places: Vec<DVec2> =
        if args.at.is_empty() { vec![site.sensor_at] } else { args.at.iter().map(|Place(at)| *at).collect() };
    if args.rotate.len() > 1 && args.rotate.len() != places.len() {
        bail!(
            "--rotate is given {} times for {} sensors: give it once for each, or once",
            args.rotate.len(),
            places.len()
        );
    }
    let turned =
        |i: usize| args.rotate.get(i).or(args.rotate.first()).map_or(site.mounting.rotation_rad, |it| it.to_radians());
    let hung = |(i, at): (usize, &DVec2)| Site {
        sensor_at: *at,
        mounting: Mounting { rotation_rad: turned(i), ..site.mounting },
        ..site.clone()
    };
    Ok(places.iter().enumerate().map(hung).collect())
}

/// A sensor that looks straight down from the middle of a ceiling.
fn below_the_middle(name: String, scene: Arc<Scene>) -> anyhow::Result<Site> {
    let (profile, profile_name) = lens("standard")?;
    let sensor_at = DVec2::new(scene.room.size_m.0, scene.room.size_m.1) / 2.0;
    let mounting = Mounting { height_m: scene.room.ceiling_m, rotation_rad: 0.0, tilt_rad: 0.0 };
    Ok(Site {
        name,
        scene,
        profile,
        profile_name,
        sensor_at,
        mounting,
        configuration: Configuration::default(),
        floor_plan: None,
    })
}
