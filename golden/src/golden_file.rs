//! Golden files: what a scenario's recipients received when a person last looked and said "this is right". One JSON file
//! per scenario, named after it, written to be read and reviewed.
//!
//! Knows nothing of how reports arrive, and nothing of how two golden files are compared.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::normalise::Rule;

/// The version of the file format that this crate writes, and the only one it reads.
pub const VERSION: u32 = 1;

/// What a scenario's recipients received, with what varies from run to run replaced by placeholders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoldenFile {
    /// [`VERSION`].
    pub version: u32,
    /// The scenario's name; the file is called after it.
    pub scenario: String,
    /// The rules by which values were replaced.
    pub rules: Vec<Rule>,
    /// In the order sent.
    pub reports: Vec<Report>,
}

/// One report as received.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// When it was sent, in seconds since the run began.
    pub at_s: f64,
    /// Where to and how, such as `POST http://192.168.0.9:80/reports` or `MQTT 192.168.0.8:1883 topic/x qos 1`.
    pub to: String,
    /// Why the document is only text, when the body was no JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The body.
    pub document: Value,
}

/// Why a golden file could not be read, written or accepted.
#[derive(Debug, thiserror::Error)]
pub enum GoldenError {
    /// The file system said no.
    #[error("failed to {action} {}: {source}", path.display())]
    File {
        /// Such as `read`.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// The file system's words.
        source: io::Error,
    },
    /// The text is no golden file.
    #[error(
        "{}:{line}:{column}: {field}{message}; golden files are written by the program: restore this one, or delete it, run the \
         scenario and accept anew",
        path.display()
    )]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// The field's path and `: `, or empty.
        field: String,
        /// What is wrong there.
        message: String,
    },
    /// Written by another version of this program.
    #[error(
        "{}: this golden file has format version {found}, and this program reads version {VERSION}: run the scenario and accept anew",
        path.display()
    )]
    Version {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// The file belongs to another scenario than its name says.
    #[error("{}: the file says it is of scenario `{scenario}`, so it should be called {scenario}.json", path.display())]
    Misnamed {
        /// Which file.
        path: PathBuf,
        /// The scenario in the file.
        scenario: String,
    },
    /// A scenario's name that cannot be a file's.
    #[error("`{scenario}` cannot name a golden file: use letters, digits, `-`, `_` and `.`, not beginning with `.`")]
    Name {
        /// The name.
        scenario: String,
    },
    /// Nothing to accept at a path named by a person.
    #[error("{}: there is no golden file waiting to be accepted here; a run that differs leaves a NAME.json.new", path.display())]
    NothingNew {
        /// The path.
        path: PathBuf,
    },
}

impl GoldenFile {
    /// Where the golden file of `scenario` is in `folder`.
    pub fn path(folder: &Path, scenario: &str) -> Result<PathBuf, GoldenError> {
        let usable = !scenario.is_empty()
            && !scenario.starts_with('.')
            && scenario.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c));
        if !usable {
            return Err(GoldenError::Name { scenario: scenario.to_owned() });
        }
        Ok(folder.join(format!("{scenario}.json")))
    }

    /// Reads the golden file of `scenario` in `folder`; `None` when there is none yet.
    pub fn load(folder: &Path, scenario: &str) -> Result<Option<GoldenFile>, GoldenError> {
        let path = GoldenFile::path(folder, scenario)?;
        if !path.exists() {
            return Ok(None);
        }
        let file = GoldenFile::read(&path)?;
        if file.scenario != scenario {
            return Err(GoldenError::Misnamed { path, scenario: file.scenario });
        }
        Ok(Some(file))
    }

    /// Reads one file.
    pub fn read(path: &Path) -> Result<GoldenFile, GoldenError> {
        let text = fs::read_to_string(path).map_err(|source| file_error("read", path, source))?;
        // The version first: another version's fields would only confuse.
        if let Ok(any) = serde_json::from_str::<Value>(&text)
            && let Some(found) = any.get("version").and_then(Value::as_u64)
            && found != u64::from(VERSION)
        {
            return Err(GoldenError::Version { path: path.to_owned(), found });
        }
        let mut json = serde_json::Deserializer::from_str(&text);
        let file = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let place = error.path().to_string();
            // `?` stands for a key that could not be read.
            let place = place.trim_end_matches(".?");
            let field = if place == "." { String::new() } else { format!("{place}: ") };
            malformed(path, field, &error.into_inner())
        })?;
        json.end().map_err(|error| malformed(path, String::new(), &error))?;
        Ok(file)
    }

    /// Writes the file, in the form meant for reading.
    pub fn write(&self, path: &Path) -> Result<(), GoldenError> {
        fs::write(path, self.to_text()).map_err(|source| file_error("write", path, source))
    }

    /// The file's text: pretty JSON, with each rule and each short array on a line of its own.
    pub fn to_text(&self) -> String {
        let mut text = format!("{{\n  \"version\": {},\n", self.version);
        let _ = writeln!(text, "  \"scenario\": {},", Value::from(self.scenario.as_str()));
        let rules = self.rules.iter().map(|rule| {
            let (field, form) = (Value::from(rule.field.to_string()), Value::from(format!("{:?}", rule.form)));
            format!("{{ \"field\": {field}, \"form\": {form} }}")
        });
        let _ = writeln!(text, "  \"rules\": {},", one_per_line(rules.collect()));
        let reports = self.reports.iter().map(|report| {
            let to = Value::from(report.to.as_str());
            let note = report.note.as_deref().map(|note| format!("      \"note\": {},\n", Value::from(note)));
            let document = pretty(&report.document, 6);
            let (at, note) = (Value::from(report.at_s), note.unwrap_or_default());
            format!("{{\n      \"at_s\": {at},\n      \"to\": {to},\n{note}      \"document\": {document}\n    }}")
        });
        let _ = writeln!(text, "  \"reports\": {}\n}}", one_per_line(reports.collect()));
        text
    }
}

pub(crate) fn file_error(action: &'static str, path: &Path, source: io::Error) -> GoldenError {
    GoldenError::File { action, path: path.to_owned(), source }
}

fn malformed(path: &Path, field: String, error: &serde_json::Error) -> GoldenError {
    let (line, column) = (error.line(), error.column());
    // serde_json repeats the place at the end of its message.
    let message = error.to_string().replace(&format!(" at line {line} column {column}"), "");
    GoldenError::Malformed { path: path.to_owned(), line, column, field, message }
}

fn one_per_line(items: Vec<String>) -> String {
    if items.is_empty() { "[]".to_owned() } else { format!("[\n    {}\n  ]", items.join(",\n    ")) }
}

/// JSON with two spaces of indentation, but an array of plain values on one line while it is short.
fn pretty(value: &Value, indent: usize) -> String {
    const LINE_CHARACTERS_MAX: usize = 100;
    let inner = " ".repeat(indent + 2);
    let outer = " ".repeat(indent);
    match value {
        Value::Array(items) if items.iter().all(|item| !item.is_array() && !item.is_object()) => {
            let items: Vec<String> = items.iter().map(Value::to_string).collect();
            let line = format!("[{}]", items.join(", "));
            if line.len() <= LINE_CHARACTERS_MAX {
                return line;
            }
            format!("[\n{inner}{}\n{outer}]", items.join(&format!(",\n{inner}")))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| pretty(item, indent + 2)).collect();
            format!("[\n{inner}{}\n{outer}]", items.join(&format!(",\n{inner}")))
        }
        Value::Object(entries) if !entries.is_empty() => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{}: {}", Value::from(key.as_str()), pretty(value, indent + 2)))
                .collect();
            format!("{{\n{inner}{}\n{outer}}}", entries.join(&format!(",\n{inner}")))
        }
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::Form;
    use serde_json::json;

    fn example() -> GoldenFile {
        GoldenFile {
            version: VERSION,
            scenario: "meeting-room".into(),
            rules: vec![Rule { field: "device_info.device_sn".parse().unwrap(), form: Form::Serial }],
            reports: vec![
                Report {
                    at_s: 10.1,
                    to: "POST http://192.168.0.9:80/reports".into(),
                    note: None,
                    document: json!({"event": "x", "device_info": {"device_sn": "<serial>"}, "current_counted": [5, 5],
                        "empty": {}, "none": [], "data": [{"region": 1}], "long": vec![123_456; 40], "ratio": 0.1}),
                },
                Report {
                    at_s: 20.0,
                    to: "MQTT a:1 t qos 0".into(),
                    note: Some("no \"JSON\"".into()),
                    document: json!("hello\n"),
                },
            ],
        }
    }

    #[test]
    fn a_file_reads_back_as_it_was_and_keeps_short_arrays_on_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = GoldenFile::path(folder.path(), "meeting-room").unwrap();
        example().write(&path).unwrap();
        assert_eq!(GoldenFile::load(folder.path(), "meeting-room").unwrap(), Some(example()));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(
            r#"{
  "version": 1,
  "scenario": "meeting-room",
  "rules": [
    { "field": "device_info.device_sn", "form": "Serial" }
  ],
  "reports": [
    {
      "at_s": 10.1,
      "to": "POST http://192.168.0.9:80/reports",
      "document": {
        "event": "x",
        "device_info": {
          "device_sn": "<serial>"
        },
        "current_counted": [5, 5],
"#
        ));
    }

    #[test]
    fn a_run_without_reports_is_a_golden_file_too() {
        let folder = tempfile::tempdir().unwrap();
        let silent = GoldenFile { rules: Vec::new(), reports: Vec::new(), ..example() };
        silent.write(&folder.path().join("meeting-room.json")).unwrap();
        assert_eq!(GoldenFile::load(folder.path(), "meeting-room").unwrap(), Some(silent));
    }

    #[test]
    fn no_file_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(GoldenFile::load(folder.path(), "corridor").unwrap(), None);
    }

    fn error_of(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("x.json"), text).unwrap();
        let message = GoldenFile::load(folder.path(), "x").unwrap_err().to_string();
        message.replace(&format!("{}/", folder.path().display()), "")
    }

    #[test]
    fn errors_name_file_line_and_field() {
        let good = GoldenFile { scenario: "x".into(), ..example() }.to_text();
        let line = good.lines().position(|line| line.contains("\"at_s\": 20.0")).unwrap() + 1;
        let typo = error_of(&good.replacen("\"at_s\": 20.0", "\"at\": 20.0", 1));
        assert!(typo.starts_with(&format!("x.json:{line}:")), "{typo}");
        assert!(typo.contains("reports[1]") && typo.contains("unknown field `at`"), "{typo}");
        let broken = error_of(&good.replace("\"event\"", "event"));
        assert!(broken.starts_with("x.json:12:"), "{broken}");
        let rule = error_of(&good.replace("device_info.device_sn", "device_info..device_sn"));
        assert!(rule.contains("x.json:5:") && rule.contains("is no field path"), "{rule}");
        assert!(error_of(&format!("{good}x")).contains("trailing"));
        assert!(error_of("{\"version\": 2}").contains("format version 2"));
        assert!(error_of(&good.replace("\"x\",\n  \"rules\"", "\"y\",\n  \"rules\"")).contains("called y.json"));
    }

    #[test]
    fn a_name_that_leaves_the_folder_is_refused() {
        for name in ["", "..", ".hidden", "a/b", "../a", "a\\b"] {
            assert!(matches!(GoldenFile::path(Path::new("g"), name), Err(GoldenError::Name { .. })), "{name:?}");
        }
    }
}
