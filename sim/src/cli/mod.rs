//! The command line: one module a command.

mod accept;
mod bench;
mod card;
mod coverage;
mod dataset;
mod detect;
mod evaluate;
mod gallery;
mod lux;
mod run;
mod scene;
mod sweep;
mod tally;
mod view;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use run::LaneName;

/// Of pictures for people and for training: little loss at a fifth of the size of a PNG, which cannot compress noise.
const JPEG_QUALITY: u8 = 95;

/// A digital twin of the Milesight VS121-P people-counting sensor: simulated rooms, real pixels, a trained network, real
/// reports.
///
/// Exit codes: 0 it holds, 1 a verdict failed, 2 it could not be run.
#[derive(Parser)]
#[command(name = "twin", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Args),
    Coverage(coverage::Args),
    View(view::Args),
    Accept(accept::Args),
    Dataset(dataset::Args),
    Detect(detect::Args),
    Evaluate(evaluate::Args),
    Sweep(sweep::Args),
    Card(card::Args),
    Bench(bench::Args),
    Gallery(gallery::Args),
    Lux(lux::Args),
}

/// Parses and runs.
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Coverage(args) => coverage::run(&args),
        Command::View(args) => view::run(&args),
        Command::Accept(args) => accept::run(&args),
        Command::Dataset(args) => dataset::run(&args),
        Command::Detect(args) => detect::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Sweep(args) => sweep::run(&args),
        Command::Card(args) => card::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Gallery(args) => gallery::run(&args),
        Command::Lux(args) => lux::run(&args),
    };
    result.unwrap_or_else(|error| {
        eprintln!("twin: {error:#}");
        ExitCode::from(2)
    })
}
