//! The judgement of a run: its golden file, and what the scenario demands beside it.

use std::path::Path;

use firmware_shim::Uptime;
use golden::{Arrival, Difference, GoldenError, GoldenFile, Tolerance, compare, remove_new, write_new};

use crate::Scenario;
use crate::record::RunRecord;

/// What is wrong with a run: nothing, if it holds.
#[derive(Debug, Default)]
pub struct Judgement {
    /// Against the golden file, and failed demands.
    pub differences: Vec<Difference>,
}

/// What kind of run is judged, as far as golden files go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunKind {
    /// Of the oracle lane, which is held to the golden file exactly.
    pub exact: bool,
    /// With the scenario's own seed; with another, nothing is left to be accepted.
    pub own_seed: bool,
}

/// Judges a run against the golden file of its scenario in `folder`. An exact run that differs leaves a `.new` to be
/// accepted; so does any run when there is no golden file. A scenario may say that it has none, and is judged by its demands alone.
pub fn judge(scenario: &Scenario, record: &RunRecord, folder: &Path, kind: RunKind) -> Result<Judgement, GoldenError> {
    let mut differences = if scenario.golden_file { against_golden(scenario, record, folder, kind)? } else { vec![] };
    let failures = scenario.expect.iter().flat_map(|expectation| expectation.failures(scenario, record));
    differences.extend(failures.map(of_run));
    let is_unforeseen = |(at, error): &&(Uptime, String)| !scenario.expect.iter().any(|it| it.allows(*at, error));
    let refused = record.refused.iter().filter(is_unforeseen);
    differences
        .extend(refused.map(|(at, error)| of_run(format!("at {} s the device refuses: {error}", at.as_secs_f64()))));
    Ok(Judgement { differences })
}

/// What differs from the golden file.
fn against_golden(
    scenario: &Scenario,
    record: &RunRecord,
    folder: &Path,
    kind: RunKind,
) -> Result<Vec<Difference>, GoldenError> {
    let arrivals: Vec<Arrival> = (record.captures.iter())
        .map(|capture| Arrival { at_s: capture.at.as_secs_f64(), delivery: capture.delivery.clone() })
        .collect();
    let (got, mut differences) = golden::record(&scenario.name, &scenario.normalise, &arrivals);
    let tolerance = if kind.exact { Tolerance::default() } else { scenario.rendered_tolerance };
    match GoldenFile::load(folder, &scenario.name)? {
        None => differences.push(of_run(missing(folder, &got, kind)?)),
        Some(golden) => {
            let compared = compare(&golden, &got, &tolerance);
            match (compared.is_empty(), kind) {
                (true, RunKind { exact: true, own_seed: true }) => remove_new(folder, &scenario.name)?,
                (false, RunKind { exact: true, own_seed: true }) => drop(write_new(folder, &got)?),
                _ => {}
            }
            differences.extend(compared);
        }
    }
    Ok(differences)
}

/// What to do about a golden file that is not there.
fn missing(folder: &Path, got: &GoldenFile, kind: RunKind) -> Result<String, GoldenError> {
    if !kind.own_seed {
        return Ok("there is no golden file, and a run with another seed than the scenario's leaves none".to_owned());
    }
    let new = write_new(folder, got)?;
    let caution = if kind.exact { "" } else { " (better one of the oracle lane, which will be held to it exactly)" };
    Ok(format!(
        "there is no golden file; what arrived is in {}: look at it, then accept it{caution} with `twin accept {}`",
        new.display(),
        folder.display()
    ))
}

fn of_run(message: String) -> Difference {
    Difference { report: None, field: None, golden: None, got: None, message }
}
