//! How well a scenario's crossings, flow and stays are counted.

use std::path::Path;

use analytics::OnnxDetector;
use anyhow::bail;
use scenarios::{CountingScores, EventScore, Lane, Scenario, Tracks, counting_scores};
use serde_json::json;

use crate::cli::LaneName;
use crate::inference::{self, Model};
use crate::light::HeadlessLight;
use crate::outcome::{say, write_json};

/// Runs a scenario and tells what of its counting is right.
pub(super) fn judge_scenario(
    path: &Path,
    model: Option<&Path>,
    lane: LaneName,
    json: Option<&Path>,
) -> anyhow::Result<()> {
    let scenario = Scenario::read(path)?;
    let scores = match lane {
        LaneName::Rendered => {
            let model = Model::read(model)?;
            inference::choose()?;
            let detector = Box::new(OnnxDetector::from_bytes(&model.bytes, &model.name)?);
            let mut light = HeadlessLight::start()?;
            scores(&scenario, Lane::Rendered { light: &mut light, detector })?
        }
        LaneName::Oracle if model.is_some() => bail!("the oracle lane has no pictures that a --model could look at"),
        LaneName::Oracle => scores(&scenario, Lane::Oracle)?,
    };
    say(&format!("{}, {:.0} s", scenario.name, scenario.duration_s));
    for (name, score) in [("In", scores.line_in), ("Out", scores.line_out)] {
        tell(name, score);
    }
    scores.flow.iter().for_each(|(pair, score)| tell(pair, *score));
    say(&format!("  stays of 10 s and more: {}, told in one piece: {}", scores.stays, scores.stays_unbroken));
    let place = scores.place;
    say(&format!(
        "  places off by {:.2} m; without the correction of the parallax by {:.2} m",
        place.below_head_m, place.at_head_m
    ));
    if let Some(file) = json {
        write_json(file, &json!({ "scenario": scenario.name, "counting": scores }))?;
    }
    Ok(())
}

/// Runs a scenario and judges its counting.
fn scores<'a>(scenario: &'a Scenario, lane: Lane<'a>) -> anyhow::Result<CountingScores> {
    let record = scenarios::run(scenario, lane, Tracks::Kept, &mut |_| {}).map_err(|broken| broken.error)?;
    Ok(counting_scores(scenario, &record))
}

fn tell(name: &str, score: EventScore) {
    let percent = |part: Option<f64>| part.map_or("-".to_owned(), |part| format!("{:.1} %", 100.0 * part));
    say(&format!(
        "  {name}: {} happened, {} told; precision {}, recall {}",
        score.happened,
        score.told,
        percent(score.precision()),
        percent(score.recall())
    ));
}
