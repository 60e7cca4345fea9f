//! `twin bench`: where the time of a frame goes.

mod light;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use analytics::{DEFAULT_MODEL, OnnxDetector};
use anyhow::bail;
use scenarios::{Lane, Scenario, Tracks, Work};
use serde_json::{Value, json};

use super::LaneName;
use crate::inference;
use crate::light::{HeadlessLight, Spent};
use crate::outcome::{say, write_json};
use crate::watch::{Watch, WorkTimes, peak_memory_bytes};

/// Measure milliseconds per frame by stage of the loop; without a scenario, of rendering alone, and a dataset's pictures a second.
///
/// The stages from `light` to `rest` add up to what a frame costs; `light` is the wait for the renderer, which has a thread of
/// its own and works on the next frame meanwhile: `render` and `readback` are what that takes. Without a scenario: a room with 8 and
/// with 30 people who walk, for the analysis stream and for 640×480.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  twin bench scenarios/library/meeting-room.ron --json bench.json\n  twin bench")]
pub struct Args {
    /// The scenario to measure.
    scenario: Option<PathBuf>,
    /// rendered or oracle.
    #[arg(long, value_enum, default_value_t = LaneName::Rendered, requires = "scenario")]
    lane: LaneName,
    /// Write the figures as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Stages of the loop, in their order; without one, the whole frame.
const STAGES: [(&str, Option<Work>); 7] = [
    ("light", Some(Work::Light)),
    ("sensor", Some(Work::Sensor)),
    ("inference", Some(Work::Inference)),
    ("tracking", Some(Work::Tracking)),
    ("firmware", Some(Work::Firmware)),
    ("rest", Some(Work::Rest)),
    ("frame", None),
];
/// The first exposures warm up.
const WARM_UP: usize = 10;

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let figures = match &args.scenario {
        Some(scenario) => scenario_figures(scenario, args.lane)?,
        None => light::figures()?,
    };
    if let Some(file) = &args.json {
        write_json(file, &figures)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn scenario_figures(file: &Path, lane_name: LaneName) -> anyhow::Result<Value> {
    let watch = Watch::start();
    let scenario = Scenario::read(file)?;
    let mut light = None;
    let (lane, inference, adapter) = match lane_name {
        LaneName::Rendered => {
            let inference = inference::choose()?;
            let detector = Box::new(OnnxDetector::from_bytes(DEFAULT_MODEL, "the built-in model")?);
            let light = light.insert(HeadlessLight::start()?);
            let adapter = light.adapter();
            (Lane::Rendered { light, detector }, inference.name(), adapter)
        }
        LaneName::Oracle => (Lane::Oracle, "none", "none".to_owned()),
    };
    let mut times = WorkTimes::start();
    let mut first_frame_s = None;
    // A frame begins with its light, or without one with its analysis.
    let first = if lane_name == LaneName::Rendered { Work::Light } else { Work::Inference };
    let started_s = watch.elapsed_s();
    scenarios::run(&scenario, lane, Tracks::Dropped, &mut |work| {
        times.enter(work, work == first);
        if work == Work::Tracking {
            first_frame_s.get_or_insert_with(|| watch.elapsed_s());
        }
    })?;
    let wall_s = watch.elapsed_s() - started_s;
    if times.sorted_ms(None, WARM_UP).is_empty() {
        bail!("{} is too short to measure: the first frames only warm up; make duration_s 5 or more", scenario.name);
    }

    let realtime = scenario.duration_s / wall_s;
    say(&format!(
        "{}: {} s simulated in {wall_s:.2} s, {realtime:.1} × real time; adapter {adapter}; inference {inference}",
        scenario.name, scenario.duration_s
    ));
    head();
    let mut stages = serde_json::Map::new();
    let mut row = |name: &str, sorted: &[f64]| {
        stages.insert(name.to_owned(), self::row(name, sorted));
    };
    if let Some(light) = &light {
        row("render", &sorted_ms(light.spent(), |spent| spent.render_s));
        row("readback", &sorted_ms(light.spent(), |spent| spent.readback_s));
    }
    for (name, work) in STAGES {
        row(name, &times.sorted_ms(work, WARM_UP));
    }
    let first_frame_s = first_frame_s.unwrap_or_default();
    let peak_mb = peak_memory_bytes().map(|bytes| bytes / 1_000_000);
    let memory = peak_mb.map_or(String::new(), |mb| format!("; at most {mb} MB of memory"));
    say(&format!("first frame analysed {first_frame_s:.2} s after the start{memory}"));
    Ok(json!({
        "scenario": scenario.name, "lane": lane_name, "inference": inference, "adapter": adapter,
        "simulated_s": scenario.duration_s, "wall_s": wall_s, "realtime_factor": realtime,
        "first_frame_s": first_frame_s, "peak_memory_mb": peak_mb, "stages": stages,
    }))
}

/// The table's head.
fn head() {
    say(&format!("{:24}{:>12}{:>12}", "", "median ms", "95 % ms"));
}

/// Prints a row of the table, and gives it.
fn row(name: &str, sorted: &[f64]) -> Value {
    let (median, p95) = (quantile(sorted, 0.5), quantile(sorted, 0.95));
    say(&format!("{name:24}{median:12.3}{p95:12.3}"));
    json!({ "median_ms": median, "p95_ms": p95 })
}

/// What exposures took, in milliseconds, ascending, without those that warm up.
fn sorted_ms(spent: &[Spent], part: impl Fn(&Spent) -> f64) -> Vec<f64> {
    let mut all: Vec<f64> = spent.iter().skip(WARM_UP).map(|spent| part(spent) * 1e3).collect();
    all.sort_by(f64::total_cmp);
    all
}

/// The smallest value that `part` of the values do not exceed.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let index = (sorted.len() as f64 * part).ceil() as usize;
    sorted.get(index.saturating_sub(1)).copied().unwrap_or(0.0)
}
