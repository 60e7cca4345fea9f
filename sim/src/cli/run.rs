//! `twin run`: scenarios, their verdicts, and what is kept of them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use analytics::{MODEL_HEIGHT, MODEL_WIDTH, OnnxDetector};
use anyhow::{Context, anyhow, bail};
use clap::ValueEnum;
use golden::{GoldenFile, Transport};
use indicatif::{ProgressBar, ProgressStyle};
use scenarios::{FrameTracks, Lane, RunKind, RunRecord, Scenario, Tracks, Work, contact_sheet, judge};
use serde::Serialize;
use serde_json::json;

use crate::inference::{self, Inference, Model};
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
for in `golden/library`, else in `golden`, of the nearest folder above the scenario that has one, up to the root of its
git repository; outside of a repository, and without any, in a folder `golden` beside the scenario.")]
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
    /// Keep reports, transcript, tracks and a contact sheet of each scenario in DIR/NAME.
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
    if args.lane == LaneName::Oracle && args.model.is_some() {
        bail!("--model has no use in the oracle lane, which has no pixels");
    }
    let paths = find(&args.scenarios)?;
    let eye = match args.lane {
        LaneName::Rendered => Eye::open(args.model.as_deref()).map(Some),
        LaneName::Oracle => Ok(None),
    };
    let mut eye = match eye {
        Ok(eye) => eye,
        Err(error) => {
            // Nothing can run; whoever reads the files must learn it of each scenario.
            let unrun = |path: &PathBuf| Outcome::unrun(path, args.lane, format!("{error:#}"));
            let written = write_verdicts(args, &paths.iter().map(unrun).collect::<Vec<_>>());
            return Err(match written {
                Ok(()) => error,
                Err(unwritten) => error.context(format!("{unwritten:#}")),
            });
        }
    };
    if let Some(eye) = &eye {
        outcome::say(&format!("rendering on {}; inference by {}", eye.light.adapter(), eye.inference.describe()));
    }
    let mut outcomes = Vec::new();
    for path in &paths {
        let outcome = run_one(path, args, eye.as_mut());
        outcome::print(&outcome);
        outcomes.push(outcome);
    }
    outcome::print_sum(&outcomes);
    write_verdicts(args, &outcomes)?;
    // An error outranks a failure: a run that was not made says nothing.
    Ok(match outcomes.iter().map(|outcome| outcome.verdict).max() {
        Some(Verdict::Error) => ExitCode::from(2),
        Some(Verdict::Fail) => ExitCode::from(1),
        Some(Verdict::Pass) | None => ExitCode::SUCCESS,
    })
}

/// For machines and CI systems; one file that cannot be written does not keep the other from being.
fn write_verdicts(args: &Args, outcomes: &[Outcome]) -> anyhow::Result<()> {
    let json = args.json.as_ref().map_or(Ok(()), |file| outcome::write_json(file, &json!({ "scenarios": outcomes })));
    let junit = args.junit.as_ref().map_or(Ok(()), |file| outcome::write_junit(file, outcomes));
    json.and(junit)
}

/// What the rendered lane needs, once for all scenarios.
struct Eye {
    light: HeadlessLight,
    inference: Inference,
    model: Model,
}

impl Eye {
    fn open(model: Option<&Path>) -> anyhow::Result<Self> {
        let model = Model::read(model)?;
        let inference = inference::choose()?;
        // A model that is none is an error before anything is rendered.
        OnnxDetector::from_bytes(&model.bytes, &model.name)?;
        Ok(Eye { light: HeadlessLight::start()?, inference, model })
    }
}

fn run_one(path: &Path, args: &Args, eye: Option<&mut Eye>) -> Outcome {
    let mut outcome = Outcome::new(path, args.lane);
    // A panic is a fault of ours; it must not take the other scenarios' verdicts with it.
    let tried = catch_unwind(AssertUnwindSafe(|| try_one(path, args, eye, &mut outcome)));
    let error = match tried {
        Ok(Ok(())) => return outcome,
        Ok(Err(error)) => format!("{error:#}"),
        Err(_) => "a fault of the program, which panicked; please report it with the scenario".to_owned(),
    };
    outcome.verdict = Verdict::Error;
    outcome.error = Some(error);
    outcome
}

fn try_one(path: &Path, args: &Args, eye: Option<&mut Eye>, outcome: &mut Outcome) -> anyhow::Result<()> {
    let mut scenario = Scenario::read(path)?;
    if let Some(seed) = args.seed {
        scenario.seed = seed;
    }
    let eye = eye.filter(|_| !scenario.oracle_only);
    match &eye {
        Some(eye) => outcome.inference = eye.inference.name(),
        None => outcome.lane = LaneName::Oracle,
    }
    let golden = golden_folder(args.golden.as_deref(), path);
    // A name that cannot be a golden file's is said before the run.
    GoldenFile::path(&golden, &scenario.name)?;
    if eye.is_some() {
        check_picture_size(&scenario)?;
    }
    let lane = match eye {
        Some(eye) => {
            let detector = Box::new(OnnxDetector::from_bytes(&eye.model.bytes, &eye.model.name)?);
            Lane::Rendered { light: &mut eye.light, detector }
        }
        None => Lane::Oracle,
    };
    let folder = args.out.as_ref().map(|out| out.join(&scenario.name));
    let progress = progress(&scenario);
    let watch = Watch::start();
    let tracks = if folder.is_some() { Tracks::Kept } else { Tracks::Dropped };
    let ran = scenarios::run(&scenario, lane, tracks, &mut |work| {
        if work == Work::Tracking {
            progress.inc(1);
        }
    });
    outcome.wall_s = watch.elapsed_s();
    progress.finish_and_clear();
    let (record, broken) = match ran {
        Ok(record) => (record, None),
        Err(broken) => (broken.record, Some(broken.error)),
    };
    // What one wants to look at is kept before judging, and just when a run breaks off.
    if let Some(folder) = folder {
        keep(&folder, &scenario, &record)?;
    }
    if let Some(error) = broken {
        return Err(error.into());
    }
    outcome.simulated_s = scenario.duration_s;
    outcome.realtime_factor = scenario.duration_s / outcome.wall_s.max(1e-9);
    outcome.frames = record.frames.len();
    outcome.reports = count_reports(&record);
    outcome.count_accuracy = record.count_accuracy();
    let kind = RunKind { exact: outcome.lane == LaneName::Oracle, own_seed: args.seed.is_none() };
    let judgement = judge(&scenario, &record, &golden, kind)?;
    outcome.verdict = if judgement.differences.is_empty() { Verdict::Pass } else { Verdict::Fail };
    outcome.differences = judgement.differences;
    Ok(())
}

/// Holds a device's pictures to what the detector takes.
pub fn check_picture_size(scenario: &Scenario) -> anyhow::Result<()> {
    let lens = scenario.lens();
    if (lens.width, lens.height) != (MODEL_WIDTH, MODEL_HEIGHT) {
        bail!(
            "{}: device.profile: its image is {}×{} pixels, the detector takes {MODEL_WIDTH}×{MODEL_HEIGHT} \
             (image.width, image.height)",
            scenario.path.display(),
            lens.width,
            lens.height
        );
    }
    Ok(())
}

/// Shown on a terminal only, and only when it takes longer than a moment.
fn progress(scenario: &Scenario) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} frames, {eta} left").expect("a template");
    ProgressBar::new(scenario.frames()).with_style(style).with_message(scenario.name.clone())
}

fn count_reports(record: &RunRecord) -> ReportCounts {
    let mut counts = ReportCounts { dropped: record.dropped, ..ReportCounts::default() };
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
    let mut found = BTreeMap::new();
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
            bail!(
                "no scenario matches `{pattern}`: expected a .ron file, a folder with .ron files, or a glob in quotes"
            );
        }
        for file in files {
            found.insert(fs::canonicalize(&file).unwrap_or(file.clone()), file);
        }
    }
    let mut named: BTreeMap<OsString, &PathBuf> = BTreeMap::new();
    for path in found.values() {
        let stem = path.file_stem().unwrap_or_default().to_owned();
        if let Some(other) = named.insert(stem, path) {
            let (a, b) = (other.display(), path.display());
            bail!("{a} and {b} have the same name, which names golden files and results: run them one by one");
        }
    }
    Ok(found.into_values().collect())
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
    // Somebody else's `golden` higher up, in a home or in /tmp, is none of ours: the repository is the bound.
    let root = beside.ancestors().position(|folder| folder.join(".git").exists()).unwrap_or(0);
    let within = beside.ancestors().take(root + 1);
    let candidates = within.flat_map(|folder| [folder.join("golden/library"), folder.join("golden")]);
    candidates.into_iter().find(|folder| folder.is_dir()).unwrap_or_else(|| beside.join("golden"))
}

/// Who was followed where, in MOTChallenge's format: frame from 1, identity, box, confidence, and three places it does not use.
fn tracks_file(frames: &[FrameTracks]) -> String {
    let mut lines = String::new();
    for FrameTracks { seq, tracks } in frames {
        for track in tracks {
            let (min, size) = (track.box_min_px, track.box_max_px - track.box_min_px);
            lines += &format!(
                "{},{},{:.2},{:.2},{:.2},{:.2},{:.4},-1,-1,-1\n",
                seq + 1,
                track.id,
                min.x,
                min.y,
                size.x,
                size.y,
                track.confidence
            );
        }
    }
    lines
}

/// Reports as they arrived, the transcript, the tracks, and the contact sheet.
fn keep(folder: &Path, scenario: &Scenario, record: &RunRecord) -> anyhow::Result<()> {
    let reports = folder.join("reports");
    // What an earlier run left would look like this one's.
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
    let locations = folder.join("locations");
    if locations.exists() {
        fs::remove_dir_all(&locations).with_context(|| format!("failed to clear {}", locations.display()))?;
    }
    if !record.locations.is_empty() {
        fs::create_dir_all(&locations).with_context(|| format!("failed to create {}", locations.display()))?;
    }
    for (client, lines) in &record.locations {
        write(locations.join(format!("{client}.ndjson")), lines.as_bytes())?;
    }
    write(folder.join("tracks.txt"), tracks_file(&record.tracks).as_bytes())?;
    let sheet = contact_sheet(&scenario.name, &scenario.lens(), &record.sheet);
    let path = folder.join("contact-sheet.png");
    sheet.save(&path).with_context(|| format!("failed to write {}", path.display()))
}
