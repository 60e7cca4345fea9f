//! The `twin` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    sim::cli::main()
}
