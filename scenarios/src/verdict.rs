//! The judgement of a run: its golden file, and what the scenario demands beside it.

use std::path::Path;

use golden::{remove_new, write_new};
use golden::{Tolerance, compare};
use golden::Difference;
use golden::{GoldenError, GoldenFile};
use golden::{Arrival, record as record_golden};

use crate::record::RunRecord;
use crate::Scenario;

/// What is wrong with a run: nothing, if it holds.
#[derive(Debug, Default)]
pub struct Judgement {
    /// Against the golden file, and failed demands.
    pub differences: Vec<Difference>,
}

/// Judges a run against the golden file of its scenario in `folder`. An exact run, which is one of the oracle lane, that
/// differs leaves a `.new` to be accepted; so does any run when there is no golden file.
pub fn judge(scenario: &Scenario, record: &RunRecord, folder: &Path, exact: bool) -> Result<Judgement, GoldenError> {
    let arrivals: Vec<Arrival> = (record.captures.iter())
        .map(|capture| Arrival { at_s: capture.at.as_secs_f64(), delivery: capture.delivery.clone() })
        .collect();
    let (got, mut differences) = record_golden(&scenario.name, &scenario.normalise, &arrivals);
    let tolerance = if exact { Tolerance::default() } else { scenario.rendered_tolerance };
    match GoldenFile::load(folder, &scenario.name)? {
        None => {
            let new = write_new(folder, &got)?;
            let words = format!(
                "there is no golden file; what arrived is in {}: look at it, then accept it with `twin accept {}`",
                new.display(),
                folder.display()
            );
            differences.push(of_run(words));
        }
        Some(golden) => {
            let compared = compare(&golden, &got, &tolerance);
            if compared.is_empty() {
                remove_new(folder, &scenario.name)?;
            } else if exact {
                write_new(folder, &got)?;
            }
            differences.extend(compared);
        }
    }
    let failures = scenario.expect.iter().flat_map(|expectation| expectation.failures(record));
    differences.extend(failures.map(of_run));
    Ok(Judgement { differences })
}

fn of_run(message: String) -> Difference {
    Difference { report: None, field: None, golden: None, got: None, message }
}
