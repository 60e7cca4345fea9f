//! Answering what a person asks.

use super::Firmware;
use crate::account::AccountError;
use crate::command::{CommandError, Function};
use crate::factory::{Factory, Information};
use crate::query::{Answer, Query};

impl Firmware {
    /// Answers a person.
    ///
    /// # Errors
    /// As for commands: the device is about to start anew, or there is no account, or nothing in it, that could be asked for.
    pub fn ask(&self, query: Query) -> Result<Answer, CommandError> {
        if self.restarts {
            return Err(CommandError::Restarting);
        }
        Ok(match query {
            Query::Information => Answer::Information(self.information()),
            Query::Connections(function) => {
                let is_on = match function {
                    Function::RegionPeopleCounting => self.configuration.region_people_counting.enable,
                    Function::LineCrossingCounting => self.configuration.line_crossing_counting.enable,
                    Function::PeopleFlowAnalysis => self.configuration.people_flow_analysis.enable,
                };
                let status = self.delivery.status(function.protocol(&self.configuration));
                Answer::Connections(status.into_iter().map(|connection| connection.filter(|_| is_on)).collect())
            }
            Query::RegionTotals => Answer::RegionTotals(self.region_passages()),
            Query::SecurityQuestions => {
                let account = match &self.account {
                    Some(account) => Ok(account),
                    None if self.account_is_lost => Err(AccountError::Lost),
                    None => Err(AccountError::NotActive),
                };
                let questions = account.and_then(|account| account.questions().ok_or(AccountError::NoQuestions));
                Answer::SecurityQuestions(questions.map_err(CommandError::Account)?.map(str::to_owned))
            }
            Query::Export => Answer::Export(self.configuration.export()),
        })
    }

    /// *Device Information*.
    pub fn information(&self) -> Information {
        let Factory { identity, .. } = &self.factory;
        Information {
            name: self.configuration.device.name.clone(),
            model: self.factory.model.clone(),
            sn: identity.sn.as_str().to_owned(),
            mac: identity.mac.as_str().to_owned(),
            hardware_version: self.factory.hardware_version.clone(),
            software_version: self.software_version.clone(),
        }
    }
}
