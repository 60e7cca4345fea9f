//! The sensor's firmware: configuration, schedules, reports and their delivery.
//!
//! [`Firmware`] is a sans-IO core: `step(now, inputs) -> outputs`, plain values, every wait a wake-up on the device's own
//! monotonic time. [`Net`] is its only shell, and carries out what the core asks of the network on real sockets.
//!
//! The way of a count: frame → `analytics` → one of the functions, `region_people_counting` (with `stability`: when is a count believed;
//! and `dwell`), `line_crossing_counting` and `people_flow_analysis`, each on its `rota` (when does it work, when does it report) → `report`
//! (in what words) → `delivery` (how it travels). What outlasts the power is in `storage`.
//!
//! This crate does not know that it is simulated, and reads no file and no clock.

mod account;
mod calendar;
mod command;
pub mod configuration;
mod counted;
mod debounce;
mod delivery;
mod diagnostic;
mod dwell;
mod factory;
mod firmware;
mod line_crossing_counting;
mod location_push;
mod net;
mod ntp;
mod people_flow_analysis;
mod query;
mod region_people_counting;
mod report;
mod reset_button;
mod rota;
mod schedule;
mod snapshot;
mod stability;
mod storage;
#[cfg(test)]
mod test_view;
mod tls;
mod upgrade;

pub use account::{AccountCommand, AccountError, PrivacyMode, SECURITY_QUESTIONS, SecurityQuestion, USER_NAME};
pub use command::{Command, CommandError, Function};
pub use configuration::{Configuration, Problem};
pub use counted::Counted;
pub use delivery::{Connection, ConnectionState};
pub use diagnostic::{Diagnostic, Failure, Receipt, ReportKind};
pub use dwell::RegionPassages;
pub use factory::{Factory, Identity, Information, MacAddress, SerialNumber};
pub use firmware::{Firmware, Stage, Step, Tally, set_up_flash};
pub use net::{Net, NetError, TAKES_NOTHING};
pub use query::{Answer, Query};
pub use snapshot::jpeg;
pub use tls::authority_problem;
pub use upgrade::{Boot, Manifest, PROGRAM, UpgradeError, boot};
