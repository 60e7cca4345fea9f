//! The `twin` command and the headless light behind it: a hardware-in-the-loop simulator and digital twin of a
//! ceiling-mounted people-counting sensor.
//!
//! Only this crate knows Bevy and egui. The work is done by the crates below it; here are light, the window, the command line,
//! the choice of the inference runtime, and the watch.

pub mod cli;
mod inference;
pub mod light;
mod outcome;
mod paper;
mod view;
mod watch;
