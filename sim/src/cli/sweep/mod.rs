//! `twin sweep`: how good the detector is in a room, by height, light, posture and crowding.

pub(super) mod plan;
pub(super) mod store;
mod table;

use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

use analytics::{Detector, OnnxDetector};
use anyhow::{Context, bail};
use firmware_shim::{Frame, Uptime};
use indicatif::{ProgressBar, ProgressStyle};
use scenarios::{Sample, take_placed};

use self::plan::{Activity, Plan, Target, fingerprint, numbers};
use self::store::{Header, Picture, Store};
use super::dataset::{Partition, cores};
use crate::inference::{self, Model};
use crate::light::HeadlessLight;
use crate::outcome::say;

/// Measure the detector in a room, by height, light, posture and crowding: pictures of people placed at random, dressed as those of
/// the scene library are, within the device's recommended range.
///
/// Writes sweep.csv, sweep.png and what was seen in each picture (pictures.jsonl) to --out. A sweep that was stopped goes on when it is
/// asked for again.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "Examples:
  twin sweep meeting-room --height 2.5,3,3.5 --lux 20,50,300 --seeds 100 --out /tmp/sweep
  twin sweep scenarios/library/corridor.ron --lux 5,50 --seeds 200 --out /tmp/corridor     # where its sensor hangs
  twin sweep lobby shop-entrance --lens high-ceiling --height 5,6,7 --lux 300 --seeds 500 --partition 1/2 --out /tmp/halls
  twin sweep merge /tmp/halls          # when pictures-1of2.jsonl and pictures-2of2.jsonl are in it

Count accuracy of a picture is 1 − |counted − true| / true; `at least` is the lower 95 % bound of its mean. AP50 is COCO's average
precision at an overlap of 0.5. People of whom less than 0.3 can be seen may be counted or not.")]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Scenes of the library by name, .ron files of scenes, or scenarios; in a scene by itself the device hangs anywhere near the middle.
    #[arg(required = true, value_name = "SCENARIO")]
    targets: Vec<String>,
    /// Heights of the ceiling, and of the sensor below it, in metres, such as 2.5,3,3.5; those the device is recommended for when not stated.
    #[arg(long, value_name = "M,…")]
    height: Option<String>,
    /// Levels of light in lux, such as 20,50,300.
    #[arg(long, value_name = "LX,…", default_value = "300")]
    lux: String,
    /// What people do.
    #[arg(long, value_name = "POSTURE,…", value_delimiter = ',', default_value = "standing,seated")]
    posture: Vec<Activity>,
    /// `standard` or `high-ceiling`; what a scenario says, and by height for a scene, when not stated.
    #[arg(long)]
    lens: Option<String>,
    /// Pictures of each height, light and posture.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    seeds: u64,
    /// The first seed; others give other people.
    #[arg(long, value_name = "N", default_value_t = 1)]
    first_seed: u64,
    /// Another model than the built-in one (contract: analytics/MODEL.md).
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Pictures that are made at once; the result is the same. As many as there are processors, up to 8, when not stated.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=64))]
    jobs: Option<u64>,
    /// Only part M of N: `merge` puts the parts of all N together.
    #[arg(long, value_name = "M/N")]
    partition: Option<Partition>,
    /// The folder to write to.
    #[arg(long, value_name = "DIR", required = true)]
    out: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Put the parts in a folder together, to what the whole sweep would be.
    Merge {
        /// Holds pictures-1ofN.jsonl to pictures-NofN.jsonl; sweep.csv and sweep.png are written there.
        folder: PathBuf,
    },
}

const HEIGHTS_M: RangeInclusive<f64> = 1.8..=20.0;
const LUX: RangeInclusive<f64> = 0.1..=100_000.0;
/// What is found with less confidence than this tells nothing.
const WEAKEST: f64 = 0.02;

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if let Some(Command::Merge { folder }) = &args.command {
        return merge(folder);
    }
    let out = args.out.as_deref().context("--out is missing")?;
    let model = Model::read(args.model.as_deref())?;
    let inference = inference::choose()?;
    let detector = OnnxDetector::from_bytes(&model.bytes, &model.name)?;
    let header = header(args, &model, detector.confidence_threshold)?;
    let plan = plan_of(&header)?;
    plan.left_out.iter().for_each(|words| say(&format!("left out: {words}")));
    if plan.cells.is_empty() {
        bail!("nothing is left to take pictures of");
    }
    fs::create_dir_all(out).with_context(|| format!("failed to create {}", out.display()))?;
    let file = store::path(out, args.partition);
    let mine = indices(&plan, args.partition);
    say(&format!(
        "{} pictures of {} kinds; inference by {}",
        mine.end - mine.start,
        plan.cells.len(),
        inference.describe()
    ));
    take(&plan, &mine, &model, &mut Store::open(&file, &header, &mine)?, args.jobs.unwrap_or_else(cores))?;
    match args.partition {
        None => tell(out, &plan, &file)?,
        Some(_) => say(&format!("{}: `twin sweep merge` puts the parts together", file.display())),
    }
    Ok(ExitCode::SUCCESS)
}

fn header(args: &Args, model: &Model, threshold: f64) -> anyhow::Result<Header> {
    let heights_m = args.height.as_deref().map(|text| numbers(text, HEIGHTS_M).context("--height")).transpose()?;
    Ok(Header {
        targets: args.targets.clone(),
        lens: args.lens.clone(),
        heights_m: heights_m.unwrap_or_default(),
        lux: numbers(&args.lux, LUX).context("--lux")?,
        activities: {
            let mut activities = args.posture.clone();
            activities.sort();
            activities.dedup();
            activities
        },
        seeds: args.seeds,
        first_seed: args.first_seed,
        model: model.name.clone(),
        model_fingerprint: fingerprint(&model.bytes),
        threshold,
        fingerprint: rooms(&args.targets, args.lens.as_deref())?,
    })
}

/// Changes with the rooms and devices of targets, which must differ in their names.
fn rooms(targets: &[String], lens: Option<&str>) -> anyhow::Result<u64> {
    let mut names: Vec<String> = Vec::new();
    let mut all = Vec::new();
    for target in targets {
        let target = Target::read(target, lens)?;
        if names.contains(&target.name().to_owned()) {
            bail!("two of the scenes are called `{}`: sweep them one by one", target.name());
        }
        names.push(target.name().to_owned());
        all.push(target.fingerprint());
    }
    Ok(fingerprint(format!("{all:?}").as_bytes()))
}

fn plan_of(header: &Header) -> anyhow::Result<Plan> {
    let mut plan = Plan { cells: vec![], seeds: header.seeds, first_seed: header.first_seed, left_out: vec![] };
    for name in &header.targets {
        let target = Target::read(name, header.lens.as_deref())?;
        plan.add(&target, &header.heights_m, &header.lux, &header.activities)?;
    }
    Ok(plan)
}

/// The pictures of a part.
fn indices(plan: &Plan, partition: Option<Partition>) -> std::ops::Range<u64> {
    let Partition { part, parts } = partition.unwrap_or(Partition { part: 1, parts: 1 });
    // In wider numbers: a million pictures in ten thousand parts.
    let until = |part: u64| (u128::from(plan.pictures()) * u128::from(part) / u128::from(parts)) as u64;
    until(part - 1)..until(part)
}

/// Takes those of the pictures that the store does not hold yet, several at a time, and adds them in order.
pub(super) fn take(
    plan: &Plan,
    mine: &std::ops::Range<u64>,
    model: &Model,
    store: &mut Store,
    jobs: u64,
) -> anyhow::Result<()> {
    let first = mine.start + store.done;
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} pictures, {eta} left")?;
    let progress = ProgressBar::new(mine.end - mine.start).with_style(style).with_position(store.done);
    let next = AtomicU64::new(first);
    std::thread::scope(|scope| {
        // Those that are through wait in `waiting` for a slower one before them: a few lines of text each.
        let (sender, taken) = mpsc::sync_channel(4 * jobs as usize);
        for _ in 0..jobs.min(mine.end.saturating_sub(first)) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                let ended = pictures(plan, mine.end, model, next, &mut |picture| sender.send(Ok(picture)).is_ok());
                if let Err(error) = ended {
                    // Nobody listens once another has failed.
                    let _ = sender.send(Err(error));
                }
            });
        }
        drop(sender);
        let mut waiting = std::collections::BTreeMap::new();
        for picture in taken {
            let picture: Picture = picture?;
            waiting.insert(picture.index, picture);
            while let Some(picture) = waiting.remove(&(mine.start + store.done)) {
                store.add(&picture)?;
                progress.inc(1);
            }
        }
        progress.finish_and_clear();
        Ok(())
    })
}

/// Takes pictures, one number after another, until there are none or nobody wants them.
fn pictures(
    plan: &Plan,
    end: u64,
    model: &Model,
    next: &AtomicU64,
    sink: &mut dyn FnMut(Picture) -> bool,
) -> anyhow::Result<()> {
    let mut light = HeadlessLight::start()?;
    let mut detector = OnnxDetector::from_bytes(&model.bytes, &model.name)?;
    detector.weakest = WEAKEST;
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        if index >= end {
            return Ok(());
        }
        let (cell, seed) = plan.picture(index);
        let Sample { image, view, people, .. } =
            take_placed(&mut light, &cell.subject, &cell.circumstances(), seed, cell.stream())?;
        let found = detector.detect(&Frame { seq: index, taken_at: Uptime::ZERO, image: Some(image) })?;
        if !sink(Picture::new(index, &view.lens, &people, &found)) {
            return Ok(());
        }
    }
}

fn merge(folder: &Path) -> anyhow::Result<ExitCode> {
    let whole = folder.join(store::WHOLE);
    if whole.exists() {
        bail!("{} is there already: the sweep is whole", whole.display());
    }
    let listed = fs::read_dir(folder).with_context(|| format!("failed to read {}", folder.display()))?;
    let mut files: Vec<PathBuf> = listed.filter_map(|entry| Some(entry.ok()?.path())).collect();
    let is_part = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with("pictures-") && name.ends_with(".jsonl")
    };
    files.retain(is_part);
    files.sort();
    if files.is_empty() {
        bail!("{} has no pictures-1ofN.jsonl: copy the files of all parts into it", folder.display());
    }
    let pictures = |header: &Header| {
        if rooms(&header.targets, header.lens.as_deref())? != header.fingerprint {
            bail!("{} is of rooms or devices that have changed since", folder.display());
        }
        Ok(plan_of(header)?.pictures())
    };
    let header = store::merge(&files, &whole, pictures)?;
    tell(folder, &plan_of(&header)?, &whole)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes and says what came of all pictures.
fn tell(out: &Path, plan: &Plan, file: &Path) -> anyhow::Result<()> {
    let (header, pictures) = store::read(file)?;
    let seen: Vec<_> = pictures.iter().map(|picture| picture.judged(header.threshold)).collect();
    let rows = table::rows(plan, &seen, header.threshold);
    table::write_csv(&out.join("sweep.csv"), &rows)?;
    table::write_picture(&out.join("sweep.png"), &rows)?;
    for row in rows.iter().filter(|row| row.is_of_all()) {
        say(&row.words());
    }
    say(&format!("{} and sweep.png", out.join("sweep.csv").display()));
    Ok(())
}
