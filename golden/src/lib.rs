//! The other end of the wire, and the judge: real receivers that take what a device sends ([`Wire`]), normalisation of what
//! varies from run to run ([`record`]), golden files of what was once found right ([`GoldenFile`], [`accept`]), and the
//! comparison of the two ([`compare`]).
//!
//! Knows nothing of how reports are made: it shares no code with what it judges, so that an in-process firmware, one in
//! another process and a device on a bench are judged alike.

mod accept;
mod align;
mod compare;
mod delivery;
mod difference;
mod field_path;
mod form;
mod golden_file;
mod normalise;
mod wire;

pub use accept::{accept, remove_new, write_new};
pub use compare::{Tolerance, compare};
pub use delivery::{Delivery, Transport};
pub use difference::{Difference, ReportPlace};
pub use field_path::{FieldPath, FieldPathError};
pub use form::Form;
pub use golden_file::{GoldenError, GoldenFile, Report, VERSION};
pub use normalise::{Arrival, Rule, record};
pub use wire::{AUTHORITY, Admits, Client, LOG_FILTER, Recipient, RecipientKind, Tls, Wire, WireError, host_and_port};
