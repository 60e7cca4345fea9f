//! What a run did, against what was recorded: which reports are missing or new, and which fields differ.
//!
//! Knows nothing of how reports are made or what their numbers mean, apart from which fields are counts of people.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::align::{GAP_COST, Step, align};
use crate::difference::{Difference, ReportPlace};
use crate::field_path::child_place;
use crate::form::{iso_8601, local_time};
use crate::golden_file::{GoldenFile, Report};

/// How far a run may be from what was recorded. The default allows nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tolerance {
    /// Seconds by which a report may be sent earlier or later, and times in it differ; spans of time (`duration`, `max_dwell_time`,
    /// `avg_dwell_time`) by twice as much, since both of their ends may.
    pub time_s: f64,
    /// People by which `current_total`, `max_counted`, `Max_counted` and each `current_counted` may differ.
    pub count: u32,
}

/// Everything in which `got` is not as `golden` says, in the order of the reports.
pub fn compare(golden: &GoldenFile, got: &GoldenFile, tolerance: &Tolerance) -> Vec<Difference> {
    let mut differences = Vec::new();
    if golden.scenario != got.scenario {
        let names = (Value::from(golden.scenario.as_str()), Value::from(got.scenario.as_str()));
        differences.push(of_run("scenario", names, "recorded from another scenario"));
    }
    if !same_rules(golden, got) {
        differences.push(of_run("rules", (rules(golden), rules(got)), "recorded under other rules: accept anew"));
    }
    let cost = |i: usize, j: usize| change_cost(&golden.reports[i], &got.reports[j], tolerance);
    for step in align(golden.reports.len(), got.reports.len(), cost) {
        match step {
            Step::Both(i, j) => differences.extend(compare_reports(i, &golden.reports[i], &got.reports[j], tolerance)),
            Step::Missing(i) => differences.push(Difference {
                report: Some(ReportPlace::of(i, &golden.reports[i])),
                field: None,
                golden: Some(golden.reports[i].document.clone()),
                got: None,
                message: "missing: this run did not send it".to_owned(),
            }),
            Step::Extra(j) => differences.push(Difference {
                report: Some(ReportPlace::of(j, &got.reports[j])),
                field: None,
                golden: None,
                got: Some(got.reports[j].document.clone()),
                message: "extra: the golden file has no such report".to_owned(),
            }),
        }
    }
    differences
}

fn of_run(field: &str, (golden, got): (Value, Value), message: &str) -> Difference {
    let field = Some(field.to_owned());
    Difference { report: None, field, golden: Some(golden), got: Some(got), message: message.to_owned() }
}

fn same_rules(golden: &GoldenFile, got: &GoldenFile) -> bool {
    let sorted = |file: &GoldenFile| {
        let mut rules = file.rules.clone();
        rules.sort();
        rules
    };
    sorted(golden) == sorted(got)
}

fn rules(file: &GoldenFile) -> Value {
    file.rules.iter().map(|rule| Value::from(format!("{}: {:?}", rule.field, rule.form))).collect()
}

/// How unlike two reports are, for deciding which is which: `None` for different kinds, and always cheaper than one missing
/// and one extra unless they are far apart in time.
fn change_cost(golden: &Report, got: &Report, tolerance: &Tolerance) -> Option<u32> {
    const OTHER_RECIPIENT: u32 = GAP_COST / 2;
    const FAR_IN_TIME: f64 = 2.0 * GAP_COST as f64;
    /// A report this late costs half of that.
    const LATE_S: f64 = 10.0;
    const OTHER_CONTENT: usize = GAP_COST as usize * 6 / 10;

    if ["event", "report_type"].iter().any(|key| golden.document.get(key) != got.document.get(key)) {
        return None;
    }
    let mut cost = if golden.to == got.to { 0 } else { OTHER_RECIPIENT };
    if !near(golden.at_s, got.at_s, tolerance.time_s) {
        let late_s = (golden.at_s - got.at_s).abs();
        cost += (FAR_IN_TIME * late_s / (late_s + LATE_S)) as u32;
    }
    let mut fields = Vec::new();
    compare_values("", &golden.document, &got.document, tolerance, &mut fields);
    let leaves = leaves(&golden.document).max(fields.len()).max(1);
    Some(cost + (OTHER_CONTENT * fields.len()).div_ceil(leaves) as u32)
}

fn leaves(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(leaves).sum(),
        Value::Object(entries) => entries.values().map(leaves).sum(),
        _ => 1,
    }
}

fn compare_reports(index: usize, golden: &Report, got: &Report, tolerance: &Tolerance) -> Vec<Difference> {
    let mut fields = Vec::new();
    if !near(golden.at_s, got.at_s, tolerance.time_s) {
        let message = if got.at_s > golden.at_s { "sent later" } else { "sent earlier" };
        fields.push(FieldDifference::new("at_s", Some(&golden.at_s.into()), Some(&got.at_s.into()), message));
    }
    if golden.to != got.to {
        let (golden, got) = (Value::from(golden.to.as_str()), Value::from(got.to.as_str()));
        fields.push(FieldDifference::new("to", Some(&golden), Some(&got), "sent elsewhere or otherwise"));
    }
    compare_values("", &golden.document, &got.document, tolerance, &mut fields);
    let report = ReportPlace::of(index, golden);
    let difference = |field: FieldDifference| Difference {
        report: Some(report.clone()),
        field: Some(field.place),
        golden: field.golden,
        got: field.got,
        message: field.message.to_owned(),
    };
    fields.into_iter().map(difference).collect()
}

struct FieldDifference {
    place: String,
    golden: Option<Value>,
    got: Option<Value>,
    message: &'static str,
}

impl FieldDifference {
    fn new(place: &str, golden: Option<&Value>, got: Option<&Value>, message: &'static str) -> FieldDifference {
        FieldDifference { place: place.to_owned(), golden: golden.cloned(), got: got.cloned(), message }
    }
}

fn compare_values(
    place: &str,
    golden: &Value,
    got: &Value,
    tolerance: &Tolerance,
    differences: &mut Vec<FieldDifference>,
) {
    match (golden, got) {
        (Value::Object(golden), Value::Object(got)) => {
            for (key, golden) in golden {
                let place = child_place(place, key);
                match got.get(key) {
                    Some(got) => compare_values(&place, golden, got, tolerance, differences),
                    None => differences.push(FieldDifference::new(&place, Some(golden), None, "missing")),
                }
            }
            for (key, got) in got.iter().filter(|(key, _)| !golden.contains_key(*key)) {
                differences.push(FieldDifference::new(&child_place(place, key), None, Some(got), "extra"));
            }
        }
        (Value::Array(golden), Value::Array(got)) if golden.len() == got.len() => {
            for (i, (golden, got)) in golden.iter().zip(got).enumerate() {
                compare_values(&format!("{place}[{i}]"), golden, got, tolerance, differences);
            }
        }
        (Value::Array(_), Value::Array(_)) => {
            differences.push(FieldDifference::new(place, Some(golden), Some(got), "lengths differ"));
        }
        (golden, got) if golden == got || tolerable(place, golden, got, tolerance) => {}
        (golden, got) => differences.push(FieldDifference::new(place, Some(golden), Some(got), "values differ")),
    }
}

fn tolerable(place: &str, golden: &Value, got: &Value, tolerance: &Tolerance) -> bool {
    match (golden, got) {
        (Value::Number(golden), Value::Number(got)) if is_count(place) => match (golden.as_i64(), got.as_i64()) {
            (Some(golden), Some(got)) => golden.abs_diff(got) <= u64::from(tolerance.count),
            _ => false,
        },
        (Value::Number(golden), Value::Number(got)) => {
            let (Some(unit_s), Some(golden), Some(got)) = (span_unit_s(place), golden.as_f64(), got.as_f64()) else {
                return false;
            };
            // Whole units: what is as good as the same may be one apart.
            tolerance.time_s > 0.0 && (golden - got).abs() <= 2.0 * tolerance.time_s / unit_s + 1.0
        }
        (Value::String(golden), Value::String(got)) => {
            apart(golden, got).is_some_and(|apart| near(apart.num_milliseconds() as f64 / 1e3, 0.0, tolerance.time_s))
        }
        _ => false,
    }
}

/// The time between two strings that are both a local time, or both ISO 8601 with the same offset.
fn apart(golden: &str, got: &str) -> Option<TimeDelta> {
    if let (Some(golden), Some(got)) = (local_time(golden), local_time(got)) {
        return Some(got - golden);
    }
    let (golden, got) = (iso_8601(golden)?, iso_8601(got)?);
    (golden.offset() == got.offset()).then(|| got - golden)
}

fn is_count(place: &str) -> bool {
    matches!(place, "current_total" | "max_counted" | "Max_counted") || place.starts_with("current_counted[")
}

/// In how many seconds a span of time is told; `None` for what is none.
fn span_unit_s(place: &str) -> Option<f64> {
    match place.rsplit('.').next()? {
        "duration" => Some(1e-3),
        "max_dwell_time" | "avg_dwell_time" => Some(1.0),
        _ => None,
    }
}

fn near(a_s: f64, b_s: f64, tolerance_s: f64) -> bool {
    /// Half a nanosecond: virtual time has nanoseconds, and their sums in f64 may be off in the last digit.
    const ROUNDING_S: f64 = 0.5e-9;
    (a_s - b_s).abs() <= tolerance_s + ROUNDING_S
}

#[cfg(test)]
mod tests;
