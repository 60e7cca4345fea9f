//! The `twin` command: a hardware-in-the-loop simulator and digital twin of a ceiling-mounted people-counting sensor.
//!
//! Only this crate knows Bevy. The work is done by the crates below it; here are light, the command line, the choice of the
//! inference runtime, and the watch.

mod cli;
mod inference;
mod light;
mod outcome;
mod watch;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
