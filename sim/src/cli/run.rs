//! `twin run`: scenarios, their verdicts, and what is kept of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use analytics::{DEFAULT_MODEL, OnnxDetector};
use anyhow::{Context, anyhow, bail};
use clap::ValueEnum;
use golden::Transport;
use scenarios::{Lane, RunRecord, Scenario, contact_sheet, judge};
use serde::Serialize;

use crate::inference::{self, Inference};
use crate::light::HeadlessLight;
use crate::outcome::{self, Outcome, ReportCounts, Verdict};
use crate::watch::Watch;

/// Run scenarios and judge them.
///
/// Exit code 0: all hold; 1: one failed; 2: one could not be run, which outranks 1.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  twin run scenarios/library/meeting-room.ron
  twin run scenarios/library --lane oracle --junit results.xml
  twin run 'my-scenarios/*.ron' --out /tmp/look

Golden files: the reports of scenario NAME are compared with NAME.json in --golden DIR. Without the option it is looked
for in `golden/library`, else in `golden`, of the nearest folder above the scenario that has one; without any, in a
folder `golden` beside the scenario.")]
pub struct Args {
    /// Files, folders (every .ron file in them) or globs in quotes.
    #[arg(required = true)]
    scenarios: Vec<String>,
    /// rendered: light, sensor, network. oracle: no pixels, the detector knows the truth; exact and very fast.
    #[arg(long, value_enum, default_value_t = LaneName::Rendered)]
    lane: LaneName,
    /// Instead of the scenarios' own seeds.
    #[arg(long)]
    seed: Option<u64>,
    /// Where the golden files are.
    #[arg(long, value_name = "DIR")]
    golden: Option<PathBuf>,
    /// Keep reports, transcript and a contact sheet of each scenario in DIR/NAME.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write the verdicts as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the verdicts as JUnit XML.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Another model than the built-in one (contract: analytics/MODEL.md).
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

/// The lanes by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LaneName {
    /// Pixels.
    Rendered,
    /// Truth.
    Oracle,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let paths = find(&args.scenarios)?;
    let mut bench = match args.lane {
        LaneName::Rendered => Some(Eye::open(args.model.as_deref())?),
        LaneName::Oracle if args.model.is_some() => bail!("--model has no use in the oracle lane, which has no pixels"),
        LaneName::Oracle => None,
    };
    if let Some(eye) = &bench {
        println!("rendering on {}; inference by {}", eye.light.adapter(), eye.inference.describe());
    }
    let mut outcomes = Vec::new();
    for path in &paths {
        let outcome = run_one(path, args, bench.as_mut());
        outcome::print(&outcome);
        outcomes.push(outcome);
    }
    if let Some(file) = &args.json {
        outcome::write_json(file, &outcomes)?;
    }
    if let Some(file) = &args.junit {
        outcome::write_junit(file, &outcomes)?;
    }
    outcome::print_sum(&outcomes);
    // An error outranks a failure: a run that was not made says nothing.
    Ok(match outcomes.iter().map(|outcome| outcome.verdict).max() {
        Some(Verdict::Error) => ExitCode::from(2),
        Some(Verdict::Fail) => ExitCode::from(1),
        Some(Verdict::Pass) | None => ExitCode::SUCCESS,
    })
}

/// What the rendered lane needs, once for all scenarios.
struct Eye {
    light: HeadlessLight,
    inference: Inference,
    model: Vec<u8>,
    model_name: String,
}

impl Eye {
    fn open(model: Option<&Path>) -> anyhow::Result<Self> {
        let (bytes, name) = match model {
            Some(path) => {
                let bytes = fs::read(path).with_context(|| format!("failed to read the model {}", path.display()))?;
                (bytes, path.display().to_string())
            }
            None => (DEFAULT_MODEL.to_vec(), "the built-in model".to_owned()),
        };
        let inference = inference::choose()?;
        // A model that is none is an error before anything is rendered.
        OnnxDetector::from_bytes(&bytes, &name)?;
        Ok(Eye { light: HeadlessLight::start()?, inference, model: bytes, model_name: name })
    }
}

fn run_one(path: &Path, args: &Args, eye: Option<&mut Eye>) -> Outcome {
    let mut outcome = Outcome::new(path, args.lane);
    if let Some(eye) = &eye {
        outcome.inference = eye.inference.name();
    }
    if let Err(error) = try_one(path, args, eye, &mut outcome) {
        outcome.verdict = Verdict::Error;
        outcome.error = Some(format!("{error:#}"));
    }
    outcome
}

fn try_one(path: &Path, args: &Args, eye: Option<&mut Eye>, outcome: &mut Outcome) -> anyhow::Result<()> {
    let mut scenario = Scenario::read(path)?;
    if let Some(seed) = args.seed {
        scenario.seed = seed;
    }
    let lane = match eye {
        Some(eye) => {
            let detector = Box::new(OnnxDetector::from_bytes(&eye.model, &eye.model_name)?);
            Lane::Rendered { light: &mut eye.light, detector }
        }
        None => Lane::Oracle,
    };
    let watch = Watch::start();
    let record = scenarios::run(&scenario, lane, &mut |_| {})?;
    outcome.wall_s = watch.elapsed_s();
    outcome.simulated_s = scenario.duration_s;
    outcome.realtime_factor = scenario.duration_s / outcome.wall_s.max(1e-9);
    outcome.frames = record.frames.len();
    outcome.reports = count_reports(&record);
    outcome.count_accuracy = record.count_accuracy();
    // What one wants to look at is kept before judging: a verdict may fail to come about, too.
    if let Some(folder) = &args.out {
        keep(&folder.join(&scenario.name), &scenario, &record)?;
    }
    let golden = golden_folder(args.golden.as_deref(), path);
    let judgement = judge(&scenario, &record, &golden, args.lane == LaneName::Oracle)?;
    outcome.verdict = if judgement.differences.is_empty() { Verdict::Pass } else { Verdict::Fail };
    outcome.differences = judgement.differences;
    Ok(())
}

fn count_reports(record: &RunRecord) -> ReportCounts {
    let mut counts = ReportCounts::default();
    for capture in &record.captures {
        match capture.delivery.transport {
            Transport::Http { .. } => counts.http += 1,
            Transport::Mqtt { .. } => counts.mqtt += 1,
        }
    }
    counts
}

/// The scenario files that patterns mean, each once, sorted. A pattern that means none is an error.
fn find(patterns: &[String]) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = BTreeSet::new();
    for pattern in patterns {
        let path = Path::new(pattern);
        let matches = if path.exists() {
            vec![path.to_owned()]
        } else {
            let paths = glob::glob(pattern).map_err(|error| anyhow!("`{pattern}` is no glob: {error}"))?;
            paths.collect::<Result<Vec<_>, _>>().with_context(|| format!("failed to look for {pattern}"))?
        };
        let mut files = Vec::new();
        for path in matches {
            if path.is_dir() { files.extend(scenarios_in(&path)?) } else { files.push(path) }
        }
        if files.is_empty() {
            bail!("no scenario matches `{pattern}`: expected a .ron file, a folder with .ron files, or a glob in quotes");
        }
        found.extend(files);
    }
    Ok(found.into_iter().collect())
}

/// Every `.ron` file in a folder, not in folders below it.
fn scenarios_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let reading = || format!("failed to read {}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(reading)? {
        let path = entry.with_context(reading)?.path();
        if path.is_file() && path.extension().is_some_and(|ending| ending == "ron") {
            files.push(path);
        }
    }
    Ok(files)
}

/// Where a scenario's golden file is; see the command's help.
fn golden_folder(asked_for: Option<&Path>, scenario: &Path) -> PathBuf {
    if let Some(folder) = asked_for {
        return folder.to_owned();
    }
    let absolute = std::path::absolute(scenario).unwrap_or_else(|_| scenario.to_owned());
    let beside = absolute.parent().unwrap_or(Path::new("."));
    let above = beside.ancestors().flat_map(|folder| [folder.join("golden/library"), folder.join("golden")]);
    above.into_iter().find(|folder| folder.is_dir()).unwrap_or_else(|| beside.join("golden"))
}

/// Reports as they arrived, the transcript, and the contact sheet.
fn keep(folder: &Path, scenario: &Scenario, record: &RunRecord) -> anyhow::Result<()> {
    let reports = folder.join("reports");
    if reports.exists() {
        fs::remove_dir_all(&reports).with_context(|| format!("failed to clear {}", reports.display()))?;
    }
    fs::create_dir_all(&reports).with_context(|| format!("failed to create {}", reports.display()))?;
    let write = |path: PathBuf, bytes: &[u8]| {
        fs::write(&path, bytes).with_context(|| format!("failed to write {}", path.display()))
    };
    for (i, capture) in record.captures.iter().enumerate() {
        let name = format!("{:04}-{:09.3}s.json", i + 1, capture.at.as_secs_f64());
        write(reports.join(name), &capture.delivery.body)?;
    }
    let mut transcript = record.transcript.join("\n");
    transcript.push('\n');
    write(folder.join("transcript.txt"), transcript.as_bytes())?;
    let sheet = contact_sheet(&scenario.name, &scenario.lens(), &record.sheet);
    let path = folder.join("contact-sheet.png");
    sheet.save(&path).with_context(|| format!("failed to write {}", path.display()))
}
