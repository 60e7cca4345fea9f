//! What happens and what must be true: scenario files, the loop that runs them, the ground truth that judges them.
//!
//! A [`Scenario`] is read from a file, [`run`] in one of two [`Lane`]s into a [`RunRecord`], and judged by [`judge`]. The
//! loop asks a [`LightSource`] for light and does not know who renders it.

mod counting;
pub mod coverage;
mod dataset;
mod device;
mod error;
mod expect;
mod file;
mod happening;
mod heat_table;
mod light;
mod locations;
mod network;
mod oracle;
mod order;
mod record;
mod schematic;
mod sheet;
mod still;
mod sweep;
mod truth;
mod twin;
mod vendor;
mod verdict;

pub use counting::{CountingScores, EventScore, PlaceError, counting_scores};
pub use dataset::{RandomRooms, Sample, SamplePerson, export_sequence};
pub use error::{BrokenRun, RunError};
pub use expect::{ConnectionStatus, Expectation, LedLook};
pub use file::Scenario;
pub use happening::{Event, Happening};
pub use heat_table::{HeatTable, heat_tables};
pub use light::{Exposure, LightError, LightSource, Stage};
pub use locations::LocationJudge;
pub use network::Fault;
pub use oracle::OracleErrors;
pub use record::{Asked, Capture, FrameRecord, FrameTracks, RunRecord, SheetFrame};
pub use schematic::schematic;
pub use sheet::{contact_sheet, detections_drawn, picture_sheet};
pub use still::Stills;
pub use sweep::{Circumstances, Subject, take_placed};
pub use truth::{Drawn, TrueArea, TrueCount, TrueFrame, TruePerson, Truth};
pub use twin::{Lane, Moment, Observer, Tracks, Work, run, run_observed};
pub use vendor::Package;
pub use verdict::{Judgement, RunKind, judge};
