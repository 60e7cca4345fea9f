//! *Export Config File* and *Import Config File* (guide §5.4): a configuration as JSON that a person can read and edit. It is stored in the same form.
//!
//! It holds passwords and keys, as it must to be imported again.

use serde::{Deserialize, Serialize};

use super::Configuration;
use super::json::Json;
use super::problem::Problem;
use super::reading::{Place, Read, Reading, StandIn};

/// The version of the form; a file of a newer one is refused.
const VERSION: u64 = 1;

/// A configuration, and of which version of the form it is.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfigFile {
    version: u64,
    pub configuration: Configuration,
}

impl ConfigFile {
    pub fn new(configuration: Configuration) -> Self {
        ConfigFile { version: VERSION, configuration }
    }

    /// Whether this firmware can use it.
    pub fn is_usable(&self) -> bool {
        self.version == VERSION && self.configuration.validate().is_empty()
    }
}

impl Configuration {
    /// The configuration as a file.
    pub fn export(&self) -> String {
        let file = ConfigFile::new(self.clone());
        serde_json::to_string_pretty(&file).expect("text keys and finite numbers always serialise")
    }

    /// The configuration of an exported file. What a person left out is as it comes from the factory.
    ///
    /// # Errors
    /// All mistakes: what cannot be what it says, then what is wrong between settings that can.
    pub fn import(text: &str) -> Result<Configuration, Vec<Problem>> {
        let problem = |path: &str, message: String| vec![Problem { path: path.to_owned(), message }];
        // Editors put a byte order mark before it (RFC 8259 §8.1 lets readers ignore it).
        let file: Json = serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text))
            .map_err(|error| problem("file", format!("must be an exported configuration: {error}")))?;
        let mut reading = Reading::default();
        let configuration = reading.begin("file").group(&file, |file| {
            let Version(version) = file.must("version");
            (version, file.part::<Configuration>("configuration"))
        });
        let Some((version, configuration)) = configuration else { return Err(reading.problems) };
        // Of what a newer one means nothing is known.
        if version > VERSION {
            let message = format!("is {version}, of newer firmware; this firmware reads version {VERSION}");
            return Err(problem("version", message));
        }
        let findings = configuration.findings().into_iter().filter(|finding| reading.is_real(finding));
        let findings: Vec<Problem> = findings.map(|finding| finding.problem).collect();
        reading.problems.extend(findings);
        if reading.problems.is_empty() { Ok(configuration) } else { Err(reading.problems) }
    }
}

/// Of the form.
struct Version(u64);

impl Read for Version {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        let version = if let Json::Number(number) = json { number.as_u64() } else { None };
        match version {
            Some(VERSION..) => version.map(Version),
            _ => place.wrong(format!("must be {VERSION}, not {json}")),
        }
    }
}

impl StandIn for Version {
    fn stand_in() -> Self {
        Version(VERSION)
    }
}

#[cfg(test)]
mod tests;
