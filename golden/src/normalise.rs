//! From what arrived to what can be compared: bodies become documents, and values that differ from device to device and
//! run to run are replaced by placeholders, each after a check of its form. Nothing is replaced silently: a value of the
//! wrong form stays, and is reported; so is a rule that never applied.
//!
//! Knows nothing of how reports are made, and nothing of what was recorded before.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::delivery::Delivery;
use crate::difference::{Difference, ReportPlace};
use crate::field_path::FieldPath;
use crate::form::Form;
use crate::golden_file::{GoldenFile, Report, VERSION};

/// Replace the value at `field` by the placeholder of `form`, if it has that form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Where in a report's document.
    pub field: FieldPath,
    /// What the value must look like.
    pub form: Form,
}

/// A delivery and when it was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    /// Seconds since the run began.
    pub at_s: f64,
    /// What came.
    pub delivery: Delivery,
}

/// Makes a golden file of what arrived in a run, and lists what is wrong with it by itself: bodies that are no JSON, values
/// that have not the form their rule says, rules that applied to no report.
pub fn record(scenario: &str, rules: &[Rule], arrivals: &[Arrival]) -> (GoldenFile, Vec<Difference>) {
    let mut differences = Vec::new();
    let mut reports = Vec::new();
    let mut applied = vec![false; rules.len()];
    for (index, arrival) in arrivals.iter().enumerate() {
        let mut report = document(arrival);
        let place = ReportPlace::of(index, &report);
        if let Some(note) = &report.note {
            differences.push(difference(Some(&place), None, Some(report.document.clone()), note.clone()));
        }
        for (rule, applied) in rules.iter().zip(&mut applied) {
            rule.field.visit_mut(&mut report.document, &mut |field, value| {
                *applied = true;
                if value.as_str().is_some_and(|text| rule.form.admits(text)) {
                    *value = Value::from(rule.form.placeholder());
                } else {
                    let message = format!("is not {}", rule.form.described());
                    differences.push(difference(Some(&place), Some(field), Some(value.clone()), message));
                }
            });
        }
        reports.push(report);
    }
    for (rule, _) in rules.iter().zip(applied).filter(|(_, applied)| !applied) {
        let message = format!("the rule for {:?} is dead: no report has this field", rule.form);
        differences.push(difference(None, Some(&rule.field.to_string()), None, message));
    }
    (GoldenFile { version: VERSION, scenario: scenario.to_owned(), rules: rules.to_vec(), reports }, differences)
}

fn document(arrival: &Arrival) -> Report {
    let body = &arrival.delivery.body;
    let (document, note) = match serde_json::from_slice(body) {
        Ok(document) => (document, None),
        Err(error) => {
            (Value::from(String::from_utf8_lossy(body).into_owned()), Some(format!("the body is no JSON: {error}")))
        }
    };
    Report { at_s: arrival.at_s, to: arrival.delivery.to_string(), note, document }
}

fn difference(report: Option<&ReportPlace>, field: Option<&str>, got: Option<Value>, message: String) -> Difference {
    Difference { report: report.cloned(), field: field.map(str::to_owned), golden: None, got, message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::Transport;
    use serde_json::json;

    fn posted(at_s: f64, body: impl Into<Vec<u8>>) -> Arrival {
        let transport = Transport::Http {
            method: "POST".into(),
            path: "/reports".into(),
            content_type: Some("application/json".into()),
            host: None,
        };
        Arrival {
            at_s,
            delivery: Delivery { recipient: "192.168.0.9:80".into(), is_secure: false, transport, body: body.into() },
        }
    }

    fn rule(field: &str, form: Form) -> Rule {
        Rule { field: field.parse().unwrap(), form }
    }

    fn lines(differences: &[Difference]) -> Vec<String> {
        differences.iter().map(Difference::to_string).collect()
    }

    #[test]
    fn values_of_the_right_form_become_placeholders() {
        let body = json!({"device_info": {"device_sn": "369362028335"}, "data": [
            {"start": "2022-12-20T18:15:52+03:00"}, {"start": "2022-12-20T19:15:52+03:00"}]});
        let rules = [rule("device_info.device_sn", Form::Serial), rule("data[*].start", Form::Iso8601)];
        let (file, differences) = record("x", &rules, &[posted(1.5, body.to_string())]);
        assert_eq!(lines(&differences), [""; 0]);
        assert_eq!(file.rules, rules);
        assert_eq!(
            file.reports,
            [Report {
                at_s: 1.5,
                to: "POST http://192.168.0.9:80/reports".into(),
                note: None,
                document: json!({"device_info": {"device_sn": "<serial>"},
                    "data": [{"start": "<iso 8601>"}, {"start": "<iso 8601>"}]}),
            }]
        );
    }

    #[test]
    fn a_value_of_the_wrong_form_stays_and_is_reported() {
        let rules = [rule("sn[*]", Form::Serial)];
        let (file, differences) = record("x", &rules, &[posted(2.0, r#"{"sn": ["369362028335", "36936", 7]}"#)]);
        assert_eq!(file.reports[0].document, json!({"sn": ["<serial>", "36936", 7]}));
        let place = "report 1 at 2 s (POST http://192.168.0.9:80/reports)";
        assert_eq!(
            lines(&differences),
            [
                format!("{place}: sn[1]: is not a serial number (12 characters of 0-9, A-F): got \"36936\""),
                format!("{place}: sn[2]: is not a serial number (12 characters of 0-9, A-F): got 7"),
            ]
        );
    }

    #[test]
    fn a_dead_rule_is_reported() {
        let rules = [rule("device_info.ip", Form::Ipv4), rule("ip", Form::Ipv4)];
        let (_, differences) = record("x", &rules, &[posted(2.0, r#"{"ip": "10.0.0.1", "device_info": {}}"#)]);
        assert_eq!(lines(&differences), ["device_info.ip: the rule for Ipv4 is dead: no report has this field"]);
    }

    #[test]
    fn a_body_that_is_no_json_is_kept_and_reported() {
        let (file, differences) = record("x", &[], &[posted(2.0, "{\"a\": 1,}")]);
        assert_eq!(file.reports[0].document, json!("{\"a\": 1,}"));
        assert!(file.reports[0].note.as_deref().unwrap().starts_with("the body is no JSON: trailing comma"));
        assert_eq!(differences.len(), 1);
        let (file, _) = record("x", &[], &[posted(2.0, [b'a', 0xFF])]);
        assert_eq!(file.reports[0].document, json!("a\u{FFFD}"));
    }
}
