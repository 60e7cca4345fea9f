//! What a person may have the device do, and why it refuses. Pages, API and scenarios all say it so.

use std::fmt;

use firmware_shim::RtcTime;
use serde::{Deserialize, Serialize};

use crate::account::{AccountCommand, AccountError};
use crate::configuration::{Configuration, Problem, ReportProtocol};
use crate::storage::{TooLarge, VALUE_BYTES_MAX};
use crate::upgrade::UpgradeError;

/// What a person may tell the device to do.
#[derive(Clone, Debug)]
pub enum Command {
    /// Replaces the whole configuration, or nothing of it.
    Configure(Box<Configuration>),
    /// *Import Config File* (guide §5.4): what [`Configuration::export`] gave.
    Import(String),
    /// *Reset* to the factory's settings (guide §5.4); the device starts anew.
    Reset {
        /// *Keep the IP Configuration*.
        keep_ip: bool,
        /// *Keep the User Information*: the account, and with it the privacy mode.
        keep_users: bool,
    },
    /// Starts anew.
    Reboot,
    /// *Manual* or *Synchronize with computer time* (guide §5.4.3): sets the clock.
    SetClock(RtcTime),
    /// *System Upgrade* (guide §5.4): what is in the package is tried at once, and stays if it comes up.
    Upgrade {
        /// The package.
        file: Vec<u8>,
        /// *Reset after Upgrading*: to the factory's settings, once it has come up.
        reset_after: bool,
    },
    /// Something about the account.
    Account(AccountCommand),
    /// *Connection Test*: sends a test message to a function's address, enabled or not. The guide has none of brokers.
    TestConnection {
        /// Whose.
        function: Function,
        /// *URL 1*, *URL 2* or *URL 3*.
        url: usize,
    },
}

/// A function that counts and reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Function {
    /// Guide §5.3.1.
    RegionPeopleCounting,
    /// Guide §5.3.2.
    LineCrossingCounting,
    /// Guide §5.3.3.
    PeopleFlowAnalysis,
}

impl Function {
    pub(crate) fn protocol(self, configuration: &Configuration) -> &ReportProtocol {
        match self {
            Function::RegionPeopleCounting => &configuration.region_people_counting.protocol,
            Function::LineCrossingCounting => &configuration.line_crossing_counting.protocol,
            Function::PeopleFlowAnalysis => &configuration.people_flow_analysis.protocol,
        }
    }
}

/// Why a command was refused. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// The configuration has mistakes; all of them.
    Configuration(Vec<Problem>),
    /// The configuration does not fit onto the flash.
    TooLarge {
        /// What it takes there.
        bytes: usize,
        /// What there is.
        max: usize,
    },
    /// The package is not for it.
    Upgrade(UpgradeError),
    /// The account is not for it.
    Account(AccountError),
    /// The device is about to start anew.
    Restarting,
    /// The clock cannot be set by hand.
    Clock(&'static str),
    /// The function has no address of this number.
    NoSuchUrl {
        /// Counted from 1.
        url: usize,
    },
    /// The function reports to a broker.
    NoTestOfBrokers,
}

/// How many mistakes are told in words; those beyond are counted. Ours: nobody reads more at once.
const TOLD_MAX: usize = 100;

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommandError::Configuration(problems) => {
                let lines: Vec<String> = problems.iter().take(TOLD_MAX).map(Problem::to_string).collect();
                write!(f, "failed to configure: {}", lines.join("; "))?;
                match problems.len().saturating_sub(TOLD_MAX) {
                    0 => Ok(()),
                    more => write!(f, "; and {more} more"),
                }
            }
            CommandError::Account(error) => error.fmt(f),
            CommandError::Upgrade(error) => error.fmt(f),
            CommandError::Restarting => f.write_str("the device is about to start anew"),
            CommandError::NoSuchUrl { url } => write!(f, "no URL {url} is set to be tested"),
            CommandError::NoTestOfBrokers => {
                f.write_str("the function reports by MQTT, and the device tests connections by HTTP only: see the status of its connection")
            }
            CommandError::Clock(words) => write!(f, "clock: {words}"),
            CommandError::TooLarge { bytes, max } => {
                write!(f, "failed to configure: the configuration takes {bytes} bytes, and there is room for {max}; ")?;
                f.write_str("upload shorter certificates, draw regions with fewer corners")
            }
        }
    }
}

impl From<TooLarge> for CommandError {
    fn from(TooLarge { bytes }: TooLarge) -> Self {
        CommandError::TooLarge { bytes, max: VALUE_BYTES_MAX }
    }
}

impl std::error::Error for CommandError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_that_are_too_many_to_be_told_are_counted() {
        let told = |count: usize| {
            let problem = |i| Problem { path: format!("setting_{i}"), message: "is wrong".to_owned() };
            CommandError::Configuration((1..=count).map(problem).collect()).to_string()
        };
        assert_eq!(told(2), "failed to configure: setting_1: is wrong; setting_2: is wrong");
        assert!(told(100).ends_with("; setting_100: is wrong"), "{}", told(100));
        assert!(told(137).ends_with("; setting_100: is wrong; and 37 more"), "{}", told(137));
    }
}
