//! One thing that is not as the golden file says, in a form for people (one line) and for machines (serde).
//!
//! Knows nothing of how it was found.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::golden_file::Report;

/// Something that differs from what was recorded, or a value that is not of the form a rule says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Which report; `None` when it concerns the whole run.
    pub report: Option<ReportPlace>,
    /// Path of the field, such as `time_info.end_time`; `at_s` and `to` are those of the report itself. `None` when it
    /// concerns a whole report.
    pub field: Option<String>,
    /// What was recorded.
    pub golden: Option<Value>,
    /// What came this time.
    pub got: Option<Value>,
    /// What is wrong, as a lowercase fragment, without the two values.
    pub message: String,
}

/// Names one report of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReportPlace {
    /// Counted from 1, in the golden file; for a report that is not in it, in this run.
    pub number: usize,
    /// When it was sent, in seconds since the run began.
    pub at_s: f64,
    /// Where to.
    pub to: String,
}

impl ReportPlace {
    /// The place of `report`, which is the one at `index` (from 0) in its list.
    pub fn of(index: usize, report: &Report) -> ReportPlace {
        ReportPlace { number: index + 1, at_s: report.at_s, to: report.to.clone() }
    }
}

impl fmt::Display for ReportPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "report {} at {} s ({})", self.number, self.at_s, self.to)
    }
}

/// `report 3 at 20 s (POST http://192.168.0.9:80/): current_total: values differ: golden 4, got 5`
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(report) = &self.report {
            write!(f, "{report}: ")?;
        }
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        write!(f, "{}", self.message)?;
        match (&self.golden, &self.got) {
            (None, None) => Ok(()),
            (Some(golden), None) => write!(f, ": golden {}", shortened(golden)),
            (None, Some(got)) => write!(f, ": got {}", shortened(got)),
            (Some(golden), Some(got)) => write!(f, ": golden {}, got {}", shortened(golden), shortened(got)),
        }
    }
}

/// A snapshot can be megabytes of base64; a line stays a line.
fn shortened(value: &Value) -> String {
    const CHARACTERS_MAX: usize = 160;
    let text = value.to_string();
    match text.char_indices().nth(CHARACTERS_MAX) {
        None => text,
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], text.chars().count()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_difference_is_one_readable_line() {
        let mut difference = Difference {
            report: Some(ReportPlace { number: 3, at_s: 20.5, to: "POST http://192.168.0.9:80/".into() }),
            field: Some("current_total".into()),
            golden: Some(json!(4)),
            got: Some(json!(5)),
            message: "values differ".into(),
        };
        assert_eq!(
            difference.to_string(),
            "report 3 at 20.5 s (POST http://192.168.0.9:80/): current_total: values differ: golden 4, got 5"
        );
        difference.got = Some(json!("x".repeat(10_000)));
        let line = difference.to_string();
        assert!(line.len() < 400 && !line.contains('\n'), "{line}");
        assert!(line.ends_with("… (10002 characters)"), "{line}");
    }
}
