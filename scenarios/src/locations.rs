//! What clients of *Realtime Location Push* were told, judged by where people truly were.

use std::collections::BTreeMap;

use firmware_shim::{Uptime, View};
use glam::DVec2;
use scenes::Scene;
use serde::Deserialize;

use crate::Scenario;
use crate::truth::{TrueArea, TrueFrame, TruePerson, Truth};

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

/// More failures than these are counted and not told: a day has a million lines.
const FAILURES_MAX: usize = 100;

/// Judges lines as they come, for those of a day are hundreds of megabytes.
#[derive(Clone, Debug)]
pub struct LocationJudge {
    /// How far off anybody told of may be from somebody who is there, metres.
    within_m: f64,
    failures: Vec<String>,
    /// Those beyond.
    more_failures: usize,
    told_of: usize,
    /// By person: frames in which he or she is sure to be seen, and those of them in which nobody is told of there.
    seen: BTreeMap<usize, (u32, u32)>,
}

impl LocationJudge {
    /// One that has heard nothing.
    pub(crate) fn new(within_m: f64) -> Self {
        LocationJudge { within_m, failures: vec![], more_failures: 0, told_of: 0, seen: BTreeMap::new() }
    }

    /// How far off it lets anybody be, metres.
    pub(crate) fn within_m(&self) -> f64 {
        self.within_m
    }

    /// Takes in whole lines that a client was sent. `areas` are where people were counted, from when on.
    pub(crate) fn hear(
        &mut self,
        client: &str,
        text: &str,
        scenario: &Scenario,
        truth: &Truth,
        areas: &[(Uptime, TrueArea)],
    ) {
        for text in text.split_inclusive('\n') {
            let parsed = text.strip_suffix('\n').ok_or("does not end".to_owned());
            let line: Line = match parsed.and_then(|text| serde_json::from_str(text).map_err(|error| error.to_string()))
            {
                Ok(line) => line,
                Err(error) => {
                    self.fail(format!("a line that {client} was sent is none: {error}: {text}"));
                    continue;
                }
            };
            let due = scenario.due(line.frame);
            let Some((_, area)) = areas.iter().rfind(|(since, _)| *since <= due) else { continue };
            self.judge(client, &line, &truth.at(scenario.taken_at(line.frame)), truth.view(), area);
        }
    }

    fn judge(&mut self, client: &str, line: &Line, frame: &TrueFrame, view: &View, area: &TrueArea) {
        // Feet below a mask's edge may be taken for feet beside it; of whom head and feet are below it nothing is known.
        let hides = |pixel: Option<DVec2>| pixel.is_some_and(|pixel| area.masks(view.normalised(pixel)));
        let is_masked = |person: &TruePerson| hides(person.foot_px) && hides(person.head_px);
        let place_of = |person: &PersonAt| DVec2::from_array(person.floor_m);
        self.told_of += line.people.len();
        for at in line.people.iter().filter(|person| person.seen).map(place_of) {
            let off = |person: &TruePerson| person.floor.distance(at);
            let nearest = frame.people.iter().min_by(|a, b| off(a).total_cmp(&off(b)));
            let words = match nearest.map(|person| (off(person), is_masked(person))) {
                Some((off_m, is_masked)) if off_m <= self.within_m && !is_masked => continue,
                Some((off_m, true)) if off_m <= self.within_m => "who is under a mask".to_owned(),
                Some((off_m, _)) => format!("and the nearest is {off_m:.2} m off"),
                None => "and nobody is there".to_owned(),
            };
            self.fail(format!("frame {}: {client} is told of somebody at {at:.2} m, {words}", line.frame));
        }
        let is_sure = |person: &&TruePerson| {
            person.is_visible()
                && person.head_in_sight
                && !hides(person.head_px)
                && person.foot_px.is_some_and(|foot| area.contains(view.normalised(foot)))
        };
        for person in frame.people.iter().filter(is_sure) {
            let is_told_of = line.people.iter().any(|told| place_of(told).distance(person.floor) <= self.within_m);
            let (frames, missed) = self.seen.entry(person.index).or_default();
            *frames += 1;
            *missed += u32::from(!is_told_of);
        }
    }

    fn fail(&mut self, words: String) {
        if self.failures.len() < FAILURES_MAX {
            self.failures.push(words);
        } else {
            self.more_failures += 1;
        }
    }

    /// What is wrong with all it has heard, a line each.
    pub(crate) fn failures(&self, scene: &Scene, at_least: usize) -> Vec<String> {
        let mut failures = self.failures.clone();
        if self.more_failures > 0 {
            failures.push(format!("and {} more such lines", self.more_failures));
        }
        for (index, (frames, missed)) in &self.seen {
            if f64::from(*missed) > MISSED_MAX * f64::from(*frames) {
                let name = &scene.people[*index].name;
                failures.push(format!("{name} could be seen in {frames} frames and is not told of in {missed}"));
            }
        }
        if self.told_of < at_least {
            failures.push(format!("people are told of {} times, expected at least {at_least}", self.told_of));
        }
        failures
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_is_told_is_judged_line_by_line_and_only_so_many_failures_are_kept() {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/library/meeting-room.ron"));
        let scenario = Scenario::read(path).unwrap_or_else(|errors| panic!("{errors}"));
        let truth = Truth::new(std::sync::Arc::clone(&scenario.scene), scenario.sensor_at, scenario.view());
        let areas = [(Uptime::ZERO, Scenario::true_area(&scenario.configuration))];
        let told = |lines: &[String]| {
            let mut judge = LocationJudge::new(0.3);
            lines.iter().for_each(|line| judge.hear("display", line, &scenario, &truth, &areas));
            judge.failures(&scenario.scene, 4)
        };
        let people = |places: &[DVec2]| {
            let people = places.iter().map(|at| format!("{{\"seen\":true,\"floor_m\":[{},{}]}}", at.x, at.y));
            format!("{{\"frame\":0,\"people\":[{}]}}\n", people.collect::<Vec<_>>().join(","))
        };
        let seated: Vec<DVec2> = truth.at(scenario.taken_at(0)).people.iter().map(|person| person.floor).collect();
        assert_eq!(told(&[people(&seated)]), [] as [String; 0]);

        let wrong = told(&[people(&[DVec2::new(2.5, 2.0)])]);
        assert!(
            wrong[0].contains("frame 0: display is told of somebody at [2.50, 2.00] m, and the nearest is"),
            "{wrong:?}"
        );
        assert!(wrong[1].ends_with("could be seen in 1 frames and is not told of in 1"), "{wrong:?}");
        assert_eq!(wrong.last().map(String::as_str), Some("people are told of 1 times, expected at least 4"));
        let cut_short = told(&["{\"frame\":0".to_owned()]);
        assert!(cut_short[0].starts_with("a line that display was sent is none: does not end"), "{cut_short:?}");

        let many = told(&vec!["nonsense\n".to_owned(); FAILURES_MAX + 7]);
        assert_eq!((many.len(), many[FAILURES_MAX].as_str()), (FAILURES_MAX + 2, "and 7 more such lines"));
    }
}
