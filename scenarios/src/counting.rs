//! How well crossings, flow and stays are counted: what the device counted against what the people truly did.
//!
//! The truth is a second path: it looks at where people walk in the scene, finely sampled, and shares neither counters nor their
//! geometry with analytics.

use std::collections::BTreeMap;

use analytics::Direction;
use firmware::configuration::Area;
use firmware::{Configuration, Counted};
use firmware_shim::View;
use glam::DVec2;
use serde::{Deserialize, Serialize};

use crate::record::FrameTracks;
use crate::truth::is_inside;
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
    let truth = truth(scenario);
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

// What the device tells --------------------------------------------------------------------------------------------------------------------

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

// What happened ----------------------------------------------------------------------------------------------------------------------------

/// How far from a line somebody must be to be on one side of it, m; so it is decided for the device.
const CLEAR_M: f64 = 0.15;
/// A line is looked at in so many points on the floor.
const POINTS: u32 = 100;

/// What is drawn, and where its lines lie on the floor.
struct Drawn<'a> {
    line: &'a [DVec2],
    u_turn_area: &'a [DVec2],
    flow_region: &'a [DVec2],
    line_m: Vec<DVec2>,
    region_m: Vec<DVec2>,
}

impl<'a> Drawn<'a> {
    fn new(configuration: &'a Configuration, view: &View) -> Self {
        let size = DVec2::new(f64::from(view.lens.width), f64::from(view.lens.height));
        let on_floor = |from: DVec2, to: DVec2| {
            let at = move |i: u32| (from + (to - from) * (f64::from(i) / f64::from(POINTS))) * size;
            (0..=POINTS).filter_map(move |i| Some(view.point_at_height(at(i), 0.0)?.truncate()))
        };
        let crossing = &configuration.line_crossing_counting;
        let line = crossing.line.as_ref().filter(|_| crossing.enable).map_or(&[][..], |line| line.points());
        let area = crossing.u_turn_area.as_ref().filter(|_| crossing.enable && crossing.filter_u_turns);
        let flow = &configuration.people_flow_analysis;
        let flow_region = flow.region.as_ref().filter(|_| flow.enable).map_or(&[][..], |region| region.corners());
        let line_m = line.windows(2).flat_map(|pair| on_floor(pair[0], pair[1])).collect();
        let region_m = edges(flow_region).flat_map(|(from, to)| on_floor(from, to)).collect();
        Drawn { line, u_turn_area: area.map_or(&[][..], |area| area.corners()), flow_region, line_m, region_m }
    }
}

fn edges(corners: &[DVec2]) -> impl Iterator<Item = (DVec2, DVec2)> {
    (0..corners.len()).map(|i| (corners[i], corners[(i + 1) % corners.len()]))
}

fn is_clear_of(points_m: &[DVec2], floor: DVec2) -> bool {
    points_m.iter().all(|point| point.distance(floor) >= CLEAR_M)
}

/// Somebody's way past everything that is drawn.
#[derive(Default)]
struct Way {
    /// Where the person was last, in the picture.
    last: Option<DVec2>,
    /// Where on the floor that was looked at last.
    judged_at: Option<DVec2>,
    /// Whether that is where the person was the time before, too.
    is_settled: bool,
    /// Crossings In less Out since the person was last clear of the line, or since coming into the U-turn area.
    net: i32,
    /// Edges of the flow region that were crossed since the person was last clear of them.
    crossed: Vec<usize>,
    /// Where that was: within the region or not; and through which edge the person had come.
    was_within: Option<bool>,
    came_through: Option<usize>,
    /// By region: since and until when the person was there.
    stays: BTreeMap<u32, (f64, f64)>,
}

fn truth(scenario: &Scenario) -> Events {
    let view = scenario.view();
    let drawn = Drawn::new(&scenario.configuration, &view);
    let regions = regions(scenario);
    let mut events = Events::default();
    let samples = (scenario.duration_s / SAMPLE_S) as u64;
    let at_s = |sample: u64| sample as f64 * SAMPLE_S;
    for index in 0..scenario.scene.people.len() {
        let mut way = Way::default();
        let mut sample = 0;
        while sample <= samples {
            let (floor, until_s) = scenario.scene.floor_until(index, at_s(sample));
            let foot = floor.and_then(|floor| {
                let seen_at = |floor: DVec2| view.pixel(floor.extend(0.0)).map(|pixel| view.normalised(pixel));
                way.see(at_s(sample), floor - scenario.sensor_at, &seen_at, &drawn, &mut events)
            });
            // Nothing happens while somebody is away or settled, but for the time.
            let settled = floor.is_none() || foot.is_none() || way.is_settled;
            let mut last =
                if settled { ((until_s / SAMPLE_S) as u64).saturating_add(1).clamp(sample, samples) } else { sample };
            while last > sample && at_s(last) >= until_s {
                last -= 1;
            }
            for (region, _) in regions.iter().filter(|(_, polygon)| foot.is_some_and(|foot| is_inside(polygon, foot))) {
                let stay = way.stays.entry(*region).or_insert((at_s(sample), at_s(sample)));
                if at_s(sample) - stay.1 > STAY_GRACE_S {
                    events.stays.push(TimedStay { region: *region, since_s: stay.0, until_s: stay.1 });
                    stay.0 = at_s(sample);
                }
                stay.1 = at_s(last);
            }
            sample = last + 1;
        }
        let ended = way.stays.into_iter();
        events.stays.extend(ended.map(|(region, (since_s, until_s))| TimedStay { region, since_s, until_s }));
    }
    events
}

impl Way {
    /// Somebody is at a place of the floor; gives where the feet are in the picture, if they are in the lens's field.
    fn see(
        &mut self,
        t_s: f64,
        floor: DVec2,
        seen_at: &dyn Fn(DVec2) -> Option<DVec2>,
        drawn: &Drawn,
        events: &mut Events,
    ) -> Option<DVec2> {
        // Who stays where he or she is crosses nothing, and is as clear of everything as before.
        self.is_settled = self.judged_at == Some(floor);
        let Some(foot) = self.last.filter(|_| self.is_settled).or_else(|| seen_at(floor)) else {
            // Out of the lens's field: what was begun there is not known to have ended.
            *self = Way { stays: std::mem::take(&mut self.stays), ..Way::default() };
            return None;
        };
        if let Some(before) = self.last.replace(foot).filter(|_| !self.is_settled) {
            self.judged_at = Some(floor);
            self.line(t_s, floor, (before, foot), drawn, events);
            self.flow(t_s, floor, (before, foot), drawn, events);
        }
        Some(foot)
    }

    fn line(&mut self, t_s: f64, floor: DVec2, step: (DVec2, DVec2), drawn: &Drawn, events: &mut Events) {
        let Drawn { line, u_turn_area, .. } = drawn;
        let sign: i32 = line.windows(2).filter_map(|pair| crossed(step, (pair[0], pair[1]))).sum();
        let complete = if u_turn_area.is_empty() {
            self.net += sign;
            is_clear_of(&drawn.line_m, floor)
        } else {
            let (was_inside, inside) = (is_inside(u_turn_area, step.0), is_inside(u_turn_area, step.1));
            if was_inside || inside {
                self.net += sign;
            }
            !inside
        };
        if complete {
            match self.net.signum() {
                1 => events.crossings[0].push(t_s),
                -1 => events.crossings[1].push(t_s),
                _ => {}
            }
            self.net = 0;
        }
    }

    fn flow(&mut self, t_s: f64, floor: DVec2, step: (DVec2, DVec2), drawn: &Drawn, events: &mut Events) {
        let region = drawn.flow_region;
        if region.is_empty() {
            return;
        }
        let cut = edges(region).enumerate().filter(|(_, edge)| crossed(step, *edge).is_some()).map(|(i, _)| i);
        self.crossed.extend(cut);
        if !is_clear_of(&drawn.region_m, floor) {
            return;
        }
        let within = is_inside(region, step.1);
        let (first, last) = (self.crossed.first().copied(), self.crossed.last().copied());
        let came_and_went = match (self.was_within, within) {
            (Some(true), false) => self.came_through.take().zip(last),
            // Over a corner.
            (Some(false), false) => first.zip(last).filter(|(first, last)| first != last),
            _ => None,
        };
        if let Some((from, to)) = came_and_went {
            events.flow.entry(pair_name(from, to)).or_default().push(t_s);
        }
        if self.was_within == Some(false) && within {
            self.came_through = last;
        }
        self.was_within = Some(within);
        self.crossed.clear();
    }
}

/// Whether a step in the picture goes over a segment: 1 to its left as seen on the screen, where y points down, −1 to its right.
fn crossed(step: (DVec2, DVec2), segment: (DVec2, DVec2)) -> Option<i32> {
    // Where step.0 + u·way meets segment.0 + v·along, by Cramer's rule.
    let (way, along) = (step.1 - step.0, segment.1 - segment.0);
    let determinant = along.x * way.y - along.y * way.x;
    let gap = segment.0 - step.0;
    let (u, v) = ((along.x * gap.y - along.y * gap.x) / determinant, (way.x * gap.y - way.y * gap.x) / determinant);
    let meets = determinant != 0.0 && (0.0..1.0).contains(&u) && (0.0..1.0).contains(&v);
    // Downwards over a line drawn to the right is to its right.
    meets.then_some(if determinant > 0.0 { -1 } else { 1 })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Everybody at every instant: what all that [`truth`] leaves out must not change.
    fn plainly(scenario: &Scenario) -> Events {
        let view = scenario.view();
        let drawn = Drawn::new(&scenario.configuration, &view);
        let regions = regions(scenario);
        let mut events = Events::default();
        let mut ways: BTreeMap<usize, Way> = BTreeMap::new();
        let seen_at = |floor: DVec2| view.pixel(floor.extend(0.0)).map(|pixel| view.normalised(pixel));
        for sample in 0..=(scenario.duration_s / SAMPLE_S) as u64 {
            let t_s = sample as f64 * SAMPLE_S;
            for (index, floor) in scenario.scene.floors_at(t_s) {
                let way = ways.entry(index).or_default();
                let foot = way.see(t_s, floor - scenario.sensor_at, &seen_at, &drawn, &mut events);
                for (region, _) in regions.iter().filter(|(_, area)| foot.is_some_and(|foot| is_inside(area, foot))) {
                    let stay = way.stays.entry(*region).or_insert((t_s, t_s));
                    if t_s - stay.1 > STAY_GRACE_S {
                        events.stays.push(TimedStay { region: *region, since_s: stay.0, until_s: stay.1 });
                        stay.0 = t_s;
                    }
                    stay.1 = t_s;
                }
            }
        }
        for (region, (since_s, until_s)) in ways.into_values().flat_map(|way| way.stays) {
            events.stays.push(TimedStay { region, since_s, until_s });
        }
        events
    }

    fn in_order(mut events: Events) -> String {
        let times = events.crossings.iter_mut().chain(events.flow.values_mut());
        times.for_each(|times| times.sort_by(f64::total_cmp));
        events.stays.sort_by(|a, b| {
            let key = |stay: &TimedStay| (stay.since_s, stay.until_s);
            a.region.cmp(&b.region).then(key(a).partial_cmp(&key(b)).expect("times are numbers"))
        });
        format!("{events:?}")
    }

    #[test]
    fn looking_away_while_nothing_happens_misses_nothing() {
        let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("library");
        let mut found = [0; 3];
        for file in library.read_dir().expect("the library").map(|entry| entry.expect("a file").path()) {
            if file.extension().is_none_or(|extension| extension != "ron") {
                continue;
            }
            let mut scenario = Scenario::read(&file).unwrap_or_else(|errors| panic!("{errors}"));
            scenario.duration_s = scenario.duration_s.min(600.0);
            let (events, plain) = (truth(&scenario), plainly(&scenario));
            found[0] += plain.crossings.iter().map(Vec::len).sum::<usize>();
            found[1] += plain.flow.values().map(Vec::len).sum::<usize>();
            found[2] += plain.stays.len();
            assert_eq!(in_order(events), in_order(plain), "{}", file.display());
        }
        assert!(found.iter().all(|found| *found > 20), "{found:?}");
    }
}
