//! Mistakes in a configuration, named by the path of the setting.

use std::fmt;

/// A mistake in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The setting, such as `region_people_counting.detection_region.regions[1].id`. A variant's contents are reached
    /// without its name.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// A mistake, and what else it is about.
#[derive(Debug)]
pub(super) struct Finding {
    pub problem: Problem,
    /// The paths of other settings without which it would be none.
    pub about: Vec<String>,
}

/// Collects the mistakes of a group of settings.
pub(super) struct Problems<'a> {
    /// The group's own path, with a dot behind it; empty at the top.
    prefix: String,
    found: &'a mut Vec<Finding>,
}

impl<'a> Problems<'a> {
    pub fn new(found: &'a mut Vec<Finding>) -> Self {
        Problems { prefix: String::new(), found }
    }

    /// Notes what is wrong with a setting of the group.
    pub fn add(&mut self, setting: impl fmt::Display, message: impl Into<String>) {
        self.add_between(setting, &[], message);
    }

    /// The same where it is wrong only together with others of the group.
    pub fn add_between(&mut self, setting: impl fmt::Display, others: &[&str], message: impl Into<String>) {
        let path = |setting: &dyn fmt::Display| format!("{}{setting}", self.prefix);
        let about = others.iter().map(|other| path(other)).collect();
        let problem = Problem { path: path(&setting), message: message.into() };
        self.found.push(Finding { problem, about });
    }

    /// A group within this one.
    pub fn below(&mut self, group: &str) -> Problems<'_> {
        Problems { prefix: format!("{}{group}.", self.prefix), found: self.found }
    }
}
