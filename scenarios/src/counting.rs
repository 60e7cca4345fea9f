//! How well crossings, flow and stays are counted: what the device counted against what the people truly did.
//!
//! The truth is a second path: it looks at where people walk in the scene, finely sampled, and shares neither counters nor their
//! geometry with analytics.

mod happened;

use std::collections::BTreeMap;

use analytics::Direction;
use firmware::Counted;
use firmware::configuration::Area;
use firmware_shim::View;
use glam::DVec2;
use serde::{Deserialize, Serialize};

use crate::record::FrameTracks;
use crate::{RunRecord, Scenario};

/// An event counts as found when one like it is told within this time, s.
const MATCH_S: f64 = 1.0;
/// The truth is looked at this often, s: nobody walks over a hand's breadth in between.
const SAMPLE_S: f64 = 0.04;
/// Shorter stays are not asked for, s.
const STAY_MIN_S: f64 = 10.0;
/// A stay is unbroken when one told covers this share of it, but for so many seconds of coming and going.
const STAY_SHARE: f64 = 0.95;
const STAY_SLACK_S: f64 = 3.0;
/// Leaving for less does not end a stay, s; so it is decided for the device.
const STAY_GRACE_S: f64 = 5.0;

/// Events of one kind, matched one to one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventScore {
    /// That happened.
    pub happened: u32,
    /// That were told.
    pub told: u32,
    /// That happened and were told.
    pub matched: u32,
}

impl EventScore {
    /// Of what was told, the part that happened.
    pub fn precision(&self) -> Option<f64> {
        (self.told > 0).then(|| f64::from(self.matched) / f64::from(self.told))
    }

    /// Of what happened, the part that was told.
    pub fn recall(&self) -> Option<f64> {
        (self.happened > 0).then(|| f64::from(self.matched) / f64::from(self.happened))
    }

    /// Adds those of another run.
    pub fn add(&mut self, other: EventScore) {
        self.happened += other.happened;
        self.told += other.told;
        self.matched += other.matched;
    }
}

/// How far from where people are tracks say that they are, means over frames, metres; of tracks less than 0.7 m from somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlaceError {
    /// Of the places that are counted: below the head, by its height and that of the mount.
    pub below_head_m: f64,
    /// Of the places of the floor that are seen where the heads are, which would be counted without a correction of the parallax.
    pub at_head_m: f64,
    /// Tracks of frames that the means are of.
    pub tracks: u32,
}

impl PlaceError {
    /// Adds that of another run.
    pub fn add(&mut self, other: PlaceError) {
        let (own, its) = (f64::from(self.tracks), f64::from(other.tracks));
        let mean = |a: f64, b: f64| (a * own + b * its) / (own + its).max(1.0);
        self.below_head_m = mean(self.below_head_m, other.below_head_m);
        self.at_head_m = mean(self.at_head_m, other.at_head_m);
        self.tracks += other.tracks;
    }
}

/// What a run's counts are worth.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CountingScores {
    /// Of everybody who was seen.
    pub place: PlaceError,
    /// Along the line's arrow.
    pub line_in: EventScore,
    /// Against it.
    pub line_out: EventScore,
    /// By pair of edges, such as `A-C`.
    pub flow: BTreeMap<String, EventScore>,
    /// Stays of at least ten seconds in a region.
    pub stays: u32,
    /// Those of them that are told in one piece.
    pub stays_unbroken: u32,
}

/// Judges what the device counted in a run, by the line and the regions that it is configured with at first.
pub fn counting_scores(scenario: &Scenario, record: &RunRecord) -> CountingScores {
    let told = told(record);
    let truth = happened::truth(scenario);
    let mut scores = CountingScores {
        line_in: matched(&truth.crossings[0], &told.crossings[0]),
        line_out: matched(&truth.crossings[1], &told.crossings[1]),
        place: place_error(scenario, record),
        ..CountingScores::default()
    };
    let none = Vec::new();
    for pair in truth.flow.keys().chain(told.flow.keys()) {
        let times = |events: &Events| events.flow.get(pair).unwrap_or(&none).clone();
        scores.flow.insert(pair.clone(), matched(&times(&truth), &times(&told)));
    }
    let asked: Vec<&TimedStay> = truth.stays.iter().filter(|stay| stay.until_s - stay.since_s >= STAY_MIN_S).collect();
    scores.stays = asked.len() as u32;
    scores.stays_unbroken = unbroken(&asked, &told.stays);
    scores
}

/// A track farther than this from everybody is nobody's, m.
const NEAR_M: f64 = 0.7;

fn place_error(scenario: &Scenario, record: &RunRecord) -> PlaceError {
    let view = believed_view(scenario);
    let mut error = PlaceError::default();
    for FrameTracks { seq, tracks } in record.tracks.iter().step_by(PLACES_EVERY) {
        let floors: Vec<DVec2> =
            scenario.scene.floors_at(scenario.taken_at(*seq).as_secs_f64()).map(|(_, floor)| floor).collect();
        for track in tracks.iter().filter(|track| !track.coasting) {
            let places = floors.iter().map(|floor| *floor - scenario.sensor_at);
            let nearest = places.min_by(|a, b| a.distance(track.floor).total_cmp(&b.distance(track.floor)));
            let Some(truly) = nearest.filter(|truly| truly.distance(track.floor) < NEAR_M) else { continue };
            let Some(seen) = view.point_at_height(track.head_px, 0.0) else { continue };
            let (below_head_m, at_head_m) = (truly.distance(track.floor), truly.distance(seen.truncate()));
            error.add(PlaceError { below_head_m, at_head_m, tracks: 1 });
        }
    }
    error
}

/// Of so many frames one is looked at for places.
const PLACES_EVERY: usize = 5;

/// What happened, or was told; times in seconds, in no order.
#[derive(Debug, Default)]
struct Events {
    /// In, Out.
    crossings: [Vec<f64>; 2],
    flow: BTreeMap<String, Vec<f64>>,
    stays: Vec<TimedStay>,
}

#[derive(Clone, Copy, Debug)]
struct TimedStay {
    region: u32,
    since_s: f64,
    until_s: f64,
}

/// Pairs events one to one, in the order of time.
fn matched(happened: &[f64], told: &[f64]) -> EventScore {
    let sorted = |times: &[f64]| {
        let mut times = times.to_vec();
        times.sort_by(f64::total_cmp);
        times
    };
    let (truth, said) = (sorted(happened), sorted(told));
    let (mut i, mut j, mut matched) = (0, 0, 0);
    // Both ascend, so that pairing the earliest that go together pairs as many as can be.
    while i < truth.len() && j < said.len() {
        if (truth[i] - said[j]).abs() <= MATCH_S {
            (i, j, matched) = (i + 1, j + 1, matched + 1);
        } else if truth[i] < said[j] {
            i += 1;
        } else {
            j += 1;
        }
    }
    EventScore { happened: truth.len() as u32, told: said.len() as u32, matched }
}

/// Of true stays those that one stay told covers, each told stay for one true one: the longest common times first.
fn unbroken(truth: &[&TimedStay], told: &[TimedStay]) -> u32 {
    let common = |a: &TimedStay, b: &TimedStay| a.until_s.min(b.until_s) - a.since_s.max(b.since_s);
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (i, stay) in truth.iter().enumerate() {
        let same_region = told.iter().enumerate().filter(|(_, other)| other.region == stay.region);
        pairs.extend(same_region.map(|(j, other)| (common(stay, other), i, j)));
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut used_truth, mut used_told, mut unbroken) = (vec![false; truth.len()], vec![false; told.len()], 0);
    for (common_s, i, j) in pairs {
        let wanted_s = STAY_SHARE * (truth[i].until_s - truth[i].since_s) - STAY_SLACK_S;
        if !used_truth[i] && !used_told[j] && common_s >= wanted_s {
            (used_truth[i], used_told[j]) = (true, true);
            unbroken += 1;
        }
    }
    unbroken
}

fn told(record: &RunRecord) -> Events {
    let mut events = Events::default();
    for (at, counted) in &record.counted {
        match counted {
            Counted::Crossing(direction) => {
                events.crossings[usize::from(*direction == Direction::Out)].push(at.as_secs_f64());
            }
            Counted::Passage { from, to } => {
                events.flow.entry(pair_name(*from, *to)).or_default().push(at.as_secs_f64());
            }
            Counted::Stay(stay) => events.stays.push(TimedStay {
                region: stay.region,
                since_s: stay.since.as_secs_f64(),
                until_s: stay.until.as_secs_f64(),
            }),
        }
    }
    events
}

/// The lens as the device is told that it hangs: its tracks are on that floor.
fn believed_view(scenario: &Scenario) -> View {
    let mounting = scenario.configuration.mounting.resolve(scenario.mounting);
    View { lens: scenario.lens(), mounting }
}

/// Where stays are judged: in the regions that the device counts one by one.
fn regions(scenario: &Scenario) -> Vec<(u32, &[DVec2])> {
    let detection = &scenario.configuration.region_people_counting.detection_region;
    if !detection.enable || detection.area == Area::NonMapped {
        return vec![];
    }
    detection.regions.iter().map(|region| (region.id.get(), region.polygon.corners())).collect()
}

/// Edges by letters, as in the device's reports.
fn pair_name(from: usize, to: usize) -> String {
    let letter = |edge: usize| char::from(b'A' + (edge % 26) as u8);
    format!("{}-{}", letter(from), letter(to))
}
