//! `twin accept`: new golden files, after somebody looked at them.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use golden::accept;

use crate::outcome::say;

/// Promote new golden files (`NAME.json.new`) that runs have left, after you looked at them.
///
/// A missing golden file is left by any run; a changed one by the oracle lane, which is exact.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  twin accept golden/library\n  twin accept golden/library/meeting-room.json")]
pub struct Args {
    /// A golden folder, or one file with or without `.new`.
    #[arg(default_value = "golden/library")]
    path: PathBuf,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if !args.path.exists() && !args.path.with_added_extension("new").exists() {
        bail!("there is no {}; name the golden folder that the run printed", args.path.display());
    }
    let accepted = accept(&args.path)?;
    if accepted.is_empty() {
        say(&format!("nothing to accept in {}", args.path.display()));
    }
    for path in accepted {
        say(&format!("accepted {}", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}
