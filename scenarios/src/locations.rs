//! What clients of *Realtime Location Push* were told, judged by where people truly were.

use std::collections::BTreeMap;
use std::sync::Arc;

use glam::DVec2;
use serde::Deserialize;

use crate::truth::{TrueArea, TruePerson, Truth};
use crate::{RunRecord, Scenario};

/// The part of the frames in which somebody who is sure to be seen may not be told of: nobody is believed in at first sight.
const MISSED_MAX: f64 = 0.1;

/// What of a line is judged (docs/location-push.md).
#[derive(Deserialize)]
struct Line {
    frame: u64,
    people: Vec<PersonAt>,
}

#[derive(Deserialize)]
struct PersonAt {
    seen: bool,
    floor_m: [f64; 2],
}

/// What is wrong with the lines of all clients, a line each.
pub(crate) fn false_locations(scenario: &Scenario, record: &RunRecord, within_m: f64, at_least: usize) -> Vec<String> {
    let truth = Truth::new(Arc::clone(&scenario.scene), scenario.sensor_at, scenario.view());
    let place = |person: &TruePerson| person.foot_px.map(|foot| truth.view().normalised(foot));
    // Feet below a mask's edge may be taken for feet beside it; of whom head and feet are below it nothing is known.
    let is_masked = |person: &TruePerson, area: &TrueArea| {
        let hides = |pixel: Option<DVec2>| pixel.is_some_and(|pixel| area.masks(truth.view().normalised(pixel)));
        hides(person.foot_px) && hides(person.head_px)
    };
    let mut failures = Vec::new();
    let mut told_of = 0;
    // By person: frames in which he or she is sure to be seen, and those of them in which nobody is told of there.
    let mut seen: BTreeMap<usize, (u32, u32)> = BTreeMap::new();
    for (client, text) in &record.locations {
        for (i, line) in text.lines().enumerate() {
            let line: Line = match serde_json::from_str(line) {
                Ok(line) => line,
                Err(error) => {
                    failures.push(format!("line {} that {client} was sent is none: {error}", i + 1));
                    continue;
                }
            };
            let (frame, due) = (truth.at(scenario.taken_at(line.frame)), scenario.due(line.frame));
            let Some((_, area)) = record.areas.iter().rfind(|(since, _)| *since <= due) else { continue };
            let place_of = |person: &PersonAt| DVec2::from_array(person.floor_m);
            let told: Vec<DVec2> = line.people.iter().map(place_of).collect();
            told_of += told.len();
            for at in line.people.iter().filter(|person| person.seen).map(place_of) {
                let off = |person: &TruePerson| person.floor.distance(at);
                let nearest = frame.people.iter().min_by(|a, b| off(a).total_cmp(&off(b)));
                let words = match nearest.map(|person| (off(person), is_masked(person, area))) {
                    Some((off_m, is_masked)) if off_m <= within_m && !is_masked => continue,
                    Some((off_m, true)) if off_m <= within_m => "who is under a mask".to_owned(),
                    Some((off_m, _)) => format!("and the nearest is {off_m:.2} m off"),
                    None => "and nobody is there".to_owned(),
                };
                failures.push(format!("frame {}: {client} is told of somebody at {at:.2} m, {words}", line.frame));
            }
            let is_sure = |person: &&TruePerson| {
                let is_free = !person.head_px.is_some_and(|head| area.masks(truth.view().normalised(head)));
                is_free
                    && person.is_visible()
                    && person.head_in_sight
                    && place(person).is_some_and(|foot| area.contains(foot))
            };
            for person in frame.people.iter().filter(is_sure) {
                let (frames, missed) = seen.entry(person.index).or_default();
                *frames += 1;
                *missed += u32::from(told.iter().all(|at| at.distance(person.floor) > within_m));
            }
        }
    }
    for (index, (frames, missed)) in seen {
        if f64::from(missed) > MISSED_MAX * f64::from(frames) {
            let name = &scenario.scene.people[index].name;
            failures.push(format!("{name} could be seen in {frames} frames and is not told of in {missed}"));
        }
    }
    if told_of < at_least {
        failures.push(format!("people are told of {told_of} times, expected at least {at_least}"));
    }
    failures
}
