//! `twin card`: everything that is measured of a model, written as its card.

mod counting;
mod detection;
mod page;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use analytics::OnnxDetector;
use anyhow::Context;

use self::counting::{Crossings, Schemes, Stays};
use self::detection::Detection;
use super::dataset::cores;
use super::sweep::plan::fingerprint;
use crate::inference::{self, Model};
use crate::outcome::say;

/// Measure all that the model card tells, and write it.
///
/// Pictures of the ordinary scenes of the library under all recommended heights, at 50 and 300 lx and at 20 and 35 lx, with the library's
/// people placed at random within the recommended range; the adverse scenes beside their clean twins; heights and light beyond what is
/// recommended; crossings of a line at 3 m; stays of half an hour; both recognition schemes. What was measured is kept in --work, so that a card that was stopped
/// goes on when it is asked for again.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  twin card --out analytics/models/detector.md --work /tmp/card       # an hour or two on two cores
  twin card --out /tmp/card.md --work /tmp/quick --pictures 100 --crossings 50 --stays 0 --model mine.onnx")]
pub struct Args {
    /// The card, in Markdown.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Where to keep what was measured.
    #[arg(long, value_name = "DIR")]
    work: PathBuf,
    /// Pictures with somebody in each cell of height, lens and posture, and without anybody altogether.
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pictures: u64,
    /// Crossings of each kind.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(0..=1_000_000))]
    crossings: u64,
    /// Stays of half an hour.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(0..=1_000_000))]
    stays: u64,
    /// Leave out the comparison of the recognition schemes.
    #[arg(long)]
    no_schemes: bool,
    /// Another model than the built-in one (contract: analytics/MODEL.md).
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// What is measured at once; the figures are the same. As many as there are processors, up to 8, when not stated.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=64))]
    jobs: Option<u64>,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let model = Model::read(args.model.as_deref())?;
    let inference = inference::choose()?;
    let threshold = OnnxDetector::from_bytes(&model.bytes, &model.name)?.confidence_threshold;
    // Another model, or another build of this program, begins anew.
    let program = std::env::current_exe().and_then(fs::read).context("failed to read this program's own file")?;
    let work = args.work.join(format!("{:016x}", fingerprint(&model.bytes) ^ fingerprint(&program)));
    fs::create_dir_all(&work).with_context(|| format!("failed to create {}", work.display()))?;
    say(&format!("{}; inference by {}", model.name, inference.describe()));
    let jobs = args.jobs.unwrap_or_else(cores);
    let detection = Detection::measure(&work, &model, threshold, args.pictures, jobs)?;
    let crossings = Crossings::measure(&work, &model, args.crossings, jobs)?;
    let stays = Stays::measure(&work, &model, args.stays, jobs)?;
    let schemes = Schemes::measure(&work, &model, !args.no_schemes, jobs)?;
    let counted = page::Counted { crossings, schemes, stays };
    let page = page::write(args, &model, threshold, inference.name(), &detection, &counted);
    fs::write(&args.out, page).with_context(|| format!("failed to write {}", args.out.display()))?;
    say(&args.out.display().to_string());
    Ok(ExitCode::SUCCESS)
}
