//! What a person may ask the device. Pages, API and scenarios all ask it so; what refuses a command refuses a query in the same words.
//!
//! Asking changes nothing. Whether somebody has logged in is known to whoever passes the question on, as for commands.

use crate::command::Function;
use crate::delivery::Connection;
use crate::dwell::RegionPassages;
use crate::factory::Information;

/// What a person may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Query {
    /// *Device Information* (guide §5.4.2).
    Information,
    /// *Status* of what a function sends to (guide §5.3).
    Connections(Function),
    /// *Total In/Out counting of each detection region* (guide §5.3.1).
    RegionTotals,
    /// What whoever forgot the password has to answer (guide §4); asked without having logged in.
    SecurityQuestions,
    /// *Export Config File* (guide §5.4.5).
    Export,
}

/// What the device answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To [`Query::Information`].
    Information(Information),
    /// To [`Query::Connections`]: of each URL in its order, or of the broker alone; `None` where nothing is sent to.
    Connections(Vec<Option<Connection>>),
    /// To [`Query::RegionTotals`]: ascending by number; nothing while the function is disabled.
    RegionTotals(Vec<RegionPassages>),
    /// To [`Query::SecurityQuestions`].
    SecurityQuestions([String; 3]),
    /// To [`Query::Export`]: what a person may import.
    Export(String),
}
