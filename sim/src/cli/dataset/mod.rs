//! `twin dataset`: pictures with the truth about them, of random rooms or of a scenario.

mod coco;
mod mot;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context, bail};
use device_model::Profile;
use firmware_shim::RgbImage;
use indicatif::{ProgressBar, ProgressStyle};
use scenarios::{BrokenRun, LightError, RandomRooms, Sample, Scenario, export_sequence};
use scenes::Clutter;

use self::coco::Coco;
use super::JPEG_QUALITY;
use crate::light::HeadlessLight;
use crate::outcome::say;
use crate::watch::Watch;

/// Unless other is asked for.
const PER_ROOM: u32 = 2;
const PROFILE: &str = "vs121-p-standard";

/// Export pictures with the truth about them: random rooms in COCO's format, or a scenario's frames in MOTChallenge's.
///
/// The scene library and its people never appear in random rooms. The same seed gives the same files.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  twin dataset --out /tmp/train --count 5000 --seed 1
  twin dataset --out /tmp/train --count 5000 --seed 1 --partition 2/4     # on the second of four machines
  twin dataset --out /tmp/train --merge                                   # when all parts are in one folder
  twin dataset --out /tmp/mot --scenario scenarios/library/corridor.ron

COCO: annotations.json and images/*.jpg. Of people: boxes, the head as keypoint, posture, activity, visible fraction, and
where floor point and head are in the room; of images: lux, lens and mounting (docs/datasets.md). People who can hardly be
seen, or whose feet are outside the picture, are `iscrowd`. MOTChallenge: NAME/img1/*.jpg, NAME/gt/gt.txt, NAME/seqinfo.ini.")]
pub struct Args {
    /// The folder to write to; must not hold the same dataset, or the same part of it, yet.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Pictures of random rooms, in all parts together.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    count: u64,
    /// Pictures of each random room.
    #[arg(long, value_name = "N", default_value_t = PER_ROOM, value_parser = clap::value_parser!(u32).range(1..=1000))]
    per_room: u32,
    /// Another seed gives other rooms.
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    seed: u64,
    /// Rooms with nothing in them but tables, chairs and what lies on tables.
    #[arg(long)]
    clean: bool,
    /// The device whose lens and sensor are varied around, by its name in the library.
    #[arg(long, default_value = PROFILE)]
    profile: String,
    /// Pictures that are made at once; the result is the same. As many as there are processors, up to 8, when not stated.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=64))]
    jobs: Option<u64>,
    /// Only part M of N: the parts of all N add up exactly.
    #[arg(long, value_name = "M/N")]
    partition: Option<Partition>,
    /// Put the annotations of parts that were copied into one folder together.
    #[arg(long, conflicts_with_all = ["count", "per_room", "seed", "clean", "profile", "partition", "scenario", "jobs"])]
    merge: bool,
    /// Every frame of this scenario instead of random rooms.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["count", "per_room", "seed", "clean", "profile", "partition", "jobs"])]
    scenario: Option<PathBuf>,
}

/// Part `part` (from 1) of `parts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Partition {
    pub part: u64,
    pub parts: u64,
}

/// More parts than anybody has machines.
const PARTS_MAX: u64 = 10_000;

impl FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(m, n)| Some((m.parse().ok()?, n.parse().ok()?)));
        match numbers {
            Some((part, parts)) if (1..=parts).contains(&part) && parts <= PARTS_MAX => Ok(Partition { part, parts }),
            _ => Err(format!("write M/N with M from 1 to N and N up to {PARTS_MAX}, such as 2/4")),
        }
    }
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.merge {
        coco::merge(&args.out)?;
    } else if let Some(file) = &args.scenario {
        export_scenario(&args.out, file)?;
    } else {
        export_rooms(args)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Pictures a second, when `count` of random rooms are exported to a folder that is then removed.
pub(super) fn speed(count: u64) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir().context("failed to make a folder for pictures")?;
    let rooms = RandomRooms { seed: 1, count, per_room: PER_ROOM, clutter: Clutter::Any };
    let watch = Watch::start();
    export(folder.path(), &Profile::library(PROFILE)?, rooms, None, cores())?;
    Ok(count as f64 / watch.elapsed_s())
}

fn export_rooms(args: &Args) -> anyhow::Result<()> {
    let profile = Profile::library(&args.profile)?;
    let clutter = if args.clean { Clutter::None } else { Clutter::Any };
    let rooms = RandomRooms { seed: args.seed, count: args.count, per_room: args.per_room, clutter };
    let exported = export(&args.out, &profile, rooms, args.partition, args.jobs.unwrap_or_else(cores))?;
    say(&format!("{exported} pictures in {}", args.out.display()));
    Ok(())
}

/// Exports all pictures, or those of a part; how many.
fn export(
    out: &Path,
    profile: &Profile,
    rooms: RandomRooms,
    partition: Option<Partition>,
    jobs: u64,
) -> anyhow::Result<u64> {
    let (pictures, annotations) = match partition {
        Some(Partition { part, parts }) => (rooms.part(part, parts), coco::part_file(out, part, parts)),
        None => (0..rooms.count, out.join(coco::ALL)),
    };
    if annotations.exists() {
        bail!("{} is there already; choose another folder with --out", annotations.display());
    }
    let images = create(out.join("images"))?;
    let progress = progress(pictures.end - pictures.start)?;
    let exported = pictures.end - pictures.start;
    let export = |part: u64, parts: u64| -> Result<Coco, ExportError> {
        let mut coco = Coco::default();
        if rooms.part(part, parts).is_empty() {
            return Ok(coco);
        }
        rooms.export(&mut HeadlessLight::start()?, profile, rooms.part(part, parts), &mut |number, sample| {
            progress.inc(1);
            let name = format!("{number:06}.jpg");
            write_jpeg(&images.join(&name), &sample.image)?;
            coco.add(number, &name, &sample);
            Ok::<(), ExportError>(())
        })?;
        Ok(coco)
    };
    // Each job takes a part of the part.
    let Partition { part, parts } = partition.unwrap_or(Partition { part: 1, parts: 1 });
    let mine = |job: u64| export((part - 1) * jobs + job, parts * jobs);
    let done: Vec<Result<Coco, ExportError>> = std::thread::scope(|scope| {
        let mine = &mine;
        let threads: Vec<_> = (1..=jobs).map(|job| scope.spawn(move || mine(job))).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined.map(|done| done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let mut coco = Coco::default();
    for part in done {
        coco.append(part.map_err(|error| error.0)?);
    }
    progress.finish_and_clear();
    // Written last: a folder with annotations is complete.
    coco.write(&annotations)?;
    Ok(exported)
}

/// How many processors there are, up to as many as one graphics driver is good for.
pub(super) fn cores() -> u64 {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(8) as u64)
}

fn export_scenario(out: &Path, file: &Path) -> anyhow::Result<()> {
    let scenario = Scenario::read(file)?;
    let folder = out.join(&scenario.name);
    if folder.exists() {
        bail!("{} is there already; choose another folder with --out", folder.display());
    }
    let images = create(folder.join("img1"))?;
    let progress = progress(scenario.frames())?;
    let mut tracks = mot::Tracks::default();
    export_sequence::<ExportError>(&mut HeadlessLight::start()?, &scenario, &mut |number, sample: Sample| {
        progress.inc(1);
        // MOTChallenge counts frames from 1.
        write_jpeg(&images.join(format!("{:06}.jpg", number + 1)), &sample.image)?;
        tracks.add(number + 1, &sample);
        Ok(())
    })
    .map_err(|error| error.0)?;
    progress.finish_and_clear();
    tracks.write(&folder, &scenario)?;
    say(&format!("{} frames in {}", tracks.frames(), folder.display()));
    Ok(())
}

fn create(folder: PathBuf) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(&folder).with_context(|| format!("failed to create {}", folder.display()))?;
    Ok(folder)
}

fn progress(pictures: u64) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} pictures, {eta} left")?;
    Ok(ProgressBar::new(pictures).with_style(style))
}

fn write_jpeg(path: &Path, image: &RgbImage) -> anyhow::Result<()> {
    let file = firmware::jpeg(image, JPEG_QUALITY).with_context(|| format!("failed to encode {}", path.display()))?;
    fs::write(path, file).with_context(|| format!("failed to write {}", path.display()))
}

/// Whatever stops an export.
struct ExportError(anyhow::Error);

impl From<Box<BrokenRun>> for ExportError {
    fn from(broken: Box<BrokenRun>) -> Self {
        ExportError(broken.error.into())
    }
}

impl From<LightError> for ExportError {
    fn from(error: LightError) -> Self {
        ExportError(error.into())
    }
}

impl From<anyhow::Error> for ExportError {
    fn from(error: anyhow::Error) -> Self {
        ExportError(error)
    }
}
