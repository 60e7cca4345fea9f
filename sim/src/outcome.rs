//! What came of a scenario, for people, for machines (JSON) and for CI systems (JUnit). The JSON names are stable.

use std::io::Write as _;
use std::path::Path;
use std::{fs, io};

use anyhow::Context;
use golden::Difference;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde::Serialize;

use crate::cli::LaneName;

/// Ascending by rank: the worst of many is their maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It holds.
    Pass,
    /// It was run and does not hold.
    Fail,
    /// It could not be run.
    Error,
}

/// One scenario's result.
#[derive(Debug, Serialize)]
pub struct Outcome {
    pub name: String,
    pub verdict: Verdict,
    pub lane: LaneName,
    /// `"tract"`, `"onnxruntime"` or `"none"`.
    pub inference: &'static str,
    pub simulated_s: f64,
    pub wall_s: f64,
    pub realtime_factor: f64,
    /// Analysed frames.
    pub frames: usize,
    pub reports: ReportCounts,
    /// `null` when no frame was analysed.
    pub count_accuracy: Option<f64>,
    pub differences: Vec<Difference>,
    /// Why it could not be run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Reports that arrived.
#[derive(Debug, Default, Serialize)]
pub struct ReportCounts {
    pub http: usize,
    pub mqtt: usize,
    /// Reports that the device gave up, for some recipient.
    pub dropped: u64,
}

impl Outcome {
    /// Nothing is known yet of the scenario at `path`.
    pub fn new(path: &Path, lane: LaneName) -> Self {
        Outcome {
            name: path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default(),
            verdict: Verdict::Error,
            lane,
            inference: "none",
            simulated_s: 0.0,
            wall_s: 0.0,
            realtime_factor: 0.0,
            frames: 0,
            reports: ReportCounts::default(),
            count_accuracy: None,
            differences: Vec::new(),
            error: None,
        }
    }

    /// The scenario at `path` could not be run.
    pub fn unrun(path: &Path, lane: LaneName, error: String) -> Self {
        Outcome { error: Some(error), ..Outcome::new(path, lane) }
    }

    fn lines(&self) -> Vec<String> {
        self.differences.iter().map(Difference::to_string).chain(self.error.clone()).collect()
    }
}

/// Prints a line. Whoever closes the pipe early has read enough.
pub fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// More differences than this are counted, not printed.
const LINES_MAX: usize = 20;

/// The verdict and what led to it. Errors go to standard error.
pub fn print(outcome: &Outcome) {
    let lines = outcome.lines();
    match outcome.verdict {
        Verdict::Pass => say(&format!("pass  {}  {}", outcome.name, figures(outcome))),
        Verdict::Fail => {
            say(&format!("FAIL  {}  {}", outcome.name, figures(outcome)));
            for line in lines.iter().take(LINES_MAX) {
                say(&format!("      {line}"));
            }
            if lines.len() > LINES_MAX {
                say(&format!("      … and {} more (--json FILE lists all)", lines.len() - LINES_MAX));
            }
        }
        Verdict::Error => {
            eprintln!("ERROR {}", outcome.name);
            for line in lines.iter().flat_map(|line| line.lines()) {
                eprintln!("      {line}");
            }
        }
    }
}

fn figures(outcome: &Outcome) -> String {
    let accuracy = outcome
        .count_accuracy
        .map_or("no frame analysed".to_owned(), |accuracy| format!("count accuracy {:.2} %", accuracy * 100.0));
    let reports = &outcome.reports;
    let dropped = if reports.dropped > 0 {
        format!(", {} given up (see the transcript, --out)", reports.dropped)
    } else {
        String::new()
    };
    format!(
        "{accuracy}; {} HTTP and {} MQTT reports{dropped}; {} s in {:.2} s, {:.1} × real time",
        reports.http, reports.mqtt, outcome.simulated_s, outcome.wall_s, outcome.realtime_factor
    )
}

/// How many of each, when there are several.
pub fn print_sum(outcomes: &[Outcome]) {
    if outcomes.len() < 2 {
        return;
    }
    let count = |verdict| outcomes.iter().filter(|outcome| outcome.verdict == verdict).count();
    say(&format!(
        "{} scenarios: {} hold, {} failed, {} could not be run",
        outcomes.len(),
        count(Verdict::Pass),
        count(Verdict::Fail),
        count(Verdict::Error)
    ));
}

/// Writes a document for machines.
pub fn write_json(file: &Path, document: &impl Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(document)?;
    text.push('\n');
    fs::write(file, text).with_context(|| format!("failed to write {}", file.display()))
}

/// One test case a scenario.
pub fn write_junit(file: &Path, outcomes: &[Outcome]) -> anyhow::Result<()> {
    let mut suite = TestSuite::new("scenarios");
    for outcome in outcomes {
        let status = match outcome.verdict {
            Verdict::Pass => TestCaseStatus::success(),
            Verdict::Fail | Verdict::Error => {
                let kind =
                    if outcome.verdict == Verdict::Fail { NonSuccessKind::Failure } else { NonSuccessKind::Error };
                let mut status = TestCaseStatus::non_success(kind);
                status.set_message(outcome.lines().first().cloned().unwrap_or_default());
                status.set_description(outcome.lines().join("\n"));
                status
            }
        };
        let mut case = TestCase::new(outcome.name.clone(), status);
        case.set_classname("scenarios");
        case.set_time(std::time::Duration::from_secs_f64(outcome.wall_s));
        suite.add_test_case(case);
    }
    let mut report = Report::new("twin run");
    report.add_test_suite(suite);
    let text = report.to_string().context("failed to make JUnit XML")?;
    fs::write(file, text).with_context(|| format!("failed to write {}", file.display()))
}
