//! Demands on what the device answers when a person asks.

use firmware::{AccountError, Answer, CommandError, ConnectionState, Information, Query};
use serde::{Deserialize, Serialize};

use super::Expectation;
use crate::record::{Asked, RunRecord};
use crate::twin::run_time;

/// *Status* of a place that a function sends to (guide §5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConnectionStatus {
    /// Nothing is sent there: it is not enabled.
    Off,
    /// Nothing was sent yet.
    Untried,
    /// The broker has accepted the connection; the server has accepted what was sent last.
    Connected,
    /// The last attempt came to nothing.
    Disconnected,
}

/// A field of *Device Information*: what it is to say, and what it says.
type Field<'e> = (&'static str, &'e Option<String>, fn(&Information) -> &str);

impl Expectation {
    /// What *Device Information* is to say.
    pub(super) fn information(&self) -> Vec<Field<'_>> {
        match self {
            Expectation::Information { name, model, sn, mac, hardware_version, software_version, .. } => vec![
                ("name", name, |told| &told.name),
                ("model", model, |told| &told.model),
                ("sn", sn, |told| &told.sn),
                ("mac", mac, |told| &told.mac),
                ("hardware_version", hardware_version, |told| &told.hardware_version),
                ("software_version", software_version, |told| &told.software_version),
            ],
            _ => vec![],
        }
    }

    /// What the device has to be asked for it, and when, seconds.
    pub(crate) fn query(&self) -> Option<(f64, Query)> {
        match self {
            Expectation::Connection { at_s, function, .. } => Some((*at_s, Query::Connections(*function))),
            Expectation::Information { at_s, .. } => Some((*at_s, Query::Information)),
            Expectation::RegionTotals { at_s, .. } => Some((*at_s, Query::RegionTotals)),
            Expectation::SecurityQuestions { at_s, .. } => Some((*at_s, Query::SecurityQuestions)),
            _ => None,
        }
    }

    /// What is wrong with the device's answer, if anything is.
    pub(super) fn answer_failure(&self, record: &RunRecord) -> Option<String> {
        let (at_s, query) = self.query()?;
        let is_it = |asked: &&Asked| asked.at == run_time(at_s) && asked.query == query;
        let Some(Asked { answer, .. }) = record.answers.iter().find(is_it) else {
            return Some(format!("the run ended before {at_s} s"));
        };
        let Some(answer) = answer else { return Some(format!("at {at_s} s the device is not up and answers nothing")) };
        match (self, answer) {
            (Expectation::Information { .. }, Ok(Answer::Information(told))) => {
                let wrong = self.information().into_iter().filter_map(|(field, expected, says)| {
                    let (expected, told) = (expected.as_deref()?, says(told));
                    (expected != told).then(|| format!("{field} is {told}, expected {expected}"))
                });
                let wrong: Vec<String> = wrong.collect();
                (!wrong.is_empty()).then(|| format!("at {at_s} s {}", wrong.join(", ")))
            }
            (Expectation::Connection { url, status, function, .. }, Ok(Answer::Connections(told))) => {
                let told = match told.get(url - 1).map(|connection| connection.as_ref().map(|it| &it.state)) {
                    None => return Some(format!("at {at_s} s {function:?} has no URL {url}")),
                    Some(None) => ConnectionStatus::Off,
                    Some(Some(ConnectionState::Untried)) => ConnectionStatus::Untried,
                    Some(Some(ConnectionState::Up)) => ConnectionStatus::Connected,
                    Some(Some(ConnectionState::Down { .. })) => ConnectionStatus::Disconnected,
                };
                let words = || format!("at {at_s} s URL {url} of {function:?} is {told:?}, expected {status:?}");
                (told != *status).then(words)
            }
            (Expectation::RegionTotals { region, r#in, out, .. }, Ok(Answer::RegionTotals(told))) => {
                match told.iter().find(|totals| totals.region == *region) {
                    None => Some(format!("at {at_s} s there are no totals of region {region}")),
                    Some(totals) if (totals.came, totals.went) == (*r#in, *out) => None,
                    Some(totals) => Some(format!(
                        "at {at_s} s region {region} has {} In and {} Out, expected {} and {out}",
                        totals.came, totals.went, r#in
                    )),
                }
            }
            (Expectation::SecurityQuestions { questions, .. }, answer) => match (questions, answer) {
                (None, Err(CommandError::Account(AccountError::NoQuestions | AccountError::NotActive))) => None,
                (Some(questions), Ok(Answer::SecurityQuestions(told))) if questions[..] == told[..] => None,
                (expected, told) => Some(format!("at {at_s} s the questions are {told:?}, expected {expected:?}")),
            },
            (_, Err(error)) => Some(format!("at {at_s} s the device does not answer: {error}")),
            (_, Ok(answer)) => Some(format!("at {at_s} s the device answers something else: {answer:?}")),
        }
    }
}
