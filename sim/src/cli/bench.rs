//! `twin bench`: where the time of a frame goes.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use analytics::{DEFAULT_MODEL, OnnxDetector};
use anyhow::{Context, bail};
use scenarios::{Lane, Scenario, Work};
use serde_json::json;

use super::LaneName;
use crate::inference;
use crate::light::HeadlessLight;
use crate::outcome::say;
use crate::watch::{Watch, WorkTimes};

/// Measure milliseconds per frame by stage of the loop.
///
/// The stages add up to what a frame costs. Rendering overlaps with the analysis of the frame before, so `render` is what
/// is left to wait for, and the work of starting the next frame.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  twin bench scenarios/library/meeting-room.ron --json bench.json")]
pub struct Args {
    /// The scenario to measure.
    scenario: PathBuf,
    /// rendered or oracle.
    #[arg(long, value_enum, default_value_t = LaneName::Rendered)]
    lane: LaneName,
    /// Write the figures as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

const STAGES: [(&str, Option<Work>); 8] = [
    ("render", Some(Work::Render)),
    ("readback", Some(Work::Readback)),
    ("sensor", Some(Work::Sensor)),
    ("inference", Some(Work::Inference)),
    ("tracking", Some(Work::Tracking)),
    ("firmware", Some(Work::Firmware)),
    ("rest", Some(Work::Rest)),
    ("frame", None),
];

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let scenario = Scenario::read(&args.scenario)?;
    let mut light;
    let (lane, inference, adapter) = match args.lane {
        LaneName::Rendered => {
            let inference = inference::choose()?;
            let detector = Box::new(OnnxDetector::from_bytes(DEFAULT_MODEL, "the built-in model")?);
            light = HeadlessLight::start()?;
            let adapter = light.adapter();
            (Lane::Rendered { light: &mut light, detector }, inference.name(), adapter)
        }
        LaneName::Oracle => (Lane::Oracle, "none", "none".to_owned()),
    };
    let watch = Watch::start();
    let mut times = WorkTimes::start();
    // A frame begins with its light, or without one with its analysis.
    let first = if args.lane == LaneName::Rendered { Work::Render } else { Work::Inference };
    scenarios::run(&scenario, lane, &mut |work| times.enter(work, work == first))?;
    let wall_s = watch.elapsed_s();
    if times.sorted_ms(None).is_empty() {
        bail!("{} is too short to measure: the first frames only warm up; make duration_s 5 or more", scenario.name);
    }

    say(&format!(
        "{}: {} s simulated in {wall_s:.2} s; adapter {adapter}; inference {inference}",
        scenario.name, scenario.duration_s
    ));
    say(&format!("{:12}{:>12}{:>12}", "stage", "median ms", "95 % ms"));
    let mut stages = serde_json::Map::new();
    for (name, work) in STAGES {
        let sorted = times.sorted_ms(work);
        let (median, p95) = (quantile(&sorted, 0.5), quantile(&sorted, 0.95));
        say(&format!("{name:12}{median:12.3}{p95:12.3}"));
        stages.insert(name.to_owned(), json!({ "median_ms": median, "p95_ms": p95 }));
    }
    if let Some(file) = &args.json {
        let lane = args.lane;
        let all = json!({
            "scenario": scenario.name, "lane": lane, "inference": inference, "adapter": adapter,
            "simulated_s": scenario.duration_s, "wall_s": wall_s, "stages": stages,
        });
        fs::write(file, serde_json::to_string_pretty(&all)? + "\n")
            .with_context(|| format!("failed to write {}", file.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The smallest value that `part` of the values do not exceed.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let index = (sorted.len() as f64 * part).ceil() as usize;
    sorted.get(index.saturating_sub(1)).copied().unwrap_or(0.0)
}
