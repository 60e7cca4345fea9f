//! How well crossings, flow and stays are counted: what analytics makes of a run's tracks against what the people truly did.
//!
//! The truth is a second path: it looks at where people walk in the scene, finely sampled, and shares neither counters nor their
//! geometry with analytics.

use std::collections::BTreeMap;

use analytics::{CLEAR_M, Direction, DwellTimer, FlowCounter, LineCounter, Placed, Region, Track};
use firmware_shim::View;
use glam::DVec2;
use serde::{Deserialize, Serialize};

use crate::record::FrameTracks;
use crate::truth::is_inside;
use crate::{RunRecord, Scenario};

/// What is counted besides regions: drawn in the picture, in normalised image coordinates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counting {
    /// The detection line, of up to four segments; none without points.
    #[serde(default)]
    pub line: Vec<DVec2>,
    /// Its U-turn area; none without points.
    #[serde(default)]
    pub u_turn_area: Vec<DVec2>,
    /// A triangle or convex quadrangle; none without points.
    #[serde(default)]
    pub flow_region: Vec<DVec2>,
    /// Where stays are timed, numbered from 1; the regions that the device is configured with when there are none.
    #[serde(default)]
    pub dwell_regions: Vec<Vec<DVec2>>,
}

impl Counting {
    /// What is wrong, as (field, words).
    pub(crate) fn problems(&self) -> Vec<(&'static str, String)> {
        let drawn = |points: &[DVec2], problem: fn(&[DVec2]) -> Option<String>| {
            if points.is_empty() { None } else { problem(points) }
        };
        let mut problems = Vec::new();
        problems.extend(drawn(&self.line, analytics::line_problem).map(|words| ("line", words)));
        problems.extend(drawn(&self.u_turn_area, analytics::polygon_problem).map(|words| ("u_turn_area", words)));
        problems.extend(drawn(&self.flow_region, analytics::flow_region_problem).map(|words| ("flow_region", words)));
        let regions = self.dwell_regions.iter().find_map(|region| analytics::polygon_problem(region));
        problems.extend(regions.map(|words| ("dwell_regions", words)));
        if self.line.is_empty() && !self.u_turn_area.is_empty() {
            problems.push(("u_turn_area", "there is no `line` that it could be around".to_owned()));
        }
        problems
    }
}

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

/// What a run's counts are worth.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CountingScores {
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

/// Judges what analytics makes of a run's tracks: crossings of the line and passages through the flow region by those that the scenario's
/// `counting` draws, stays by its regions or those that the
/// device is configured with at first. `None` where the device's view shows no floor.
pub fn counting_scores(scenario: &Scenario, record: &RunRecord) -> Option<CountingScores> {
    let told = told(scenario, record)?;
    let truth = truth(scenario);
    let mut scores = CountingScores {
        line_in: matched(&truth.crossings[0], &told.crossings[0]),
        line_out: matched(&truth.crossings[1], &told.crossings[1]),
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
    Some(scores)
}

/// What happened, or was told; times in seconds.
#[derive(Default)]
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

// What analytics tells ---------------------------------------------------------------------------------------------------------------------

fn told(scenario: &Scenario, record: &RunRecord) -> Option<Events> {
    let (view, counting) = (scenario.view(), &scenario.counting);
    let drawn = |points: &[DVec2]| (!points.is_empty()).then(|| points.to_vec());
    let area = drawn(&counting.u_turn_area);
    let mut line = match drawn(&counting.line) {
        Some(points) => Some(LineCounter::new(&view, &points, area.as_deref())?),
        None => None,
    };
    let mut flow = match drawn(&counting.flow_region) {
        Some(corners) => Some(FlowCounter::new(&view, &corners)?),
        None => None,
    };
    let regions = regions(scenario);
    let mut dwell = DwellTimer::default();
    let mut events = Events::default();
    let mut stays = Vec::new();
    for FrameTracks { seq, tracks } in &record.tracks {
        let at = scenario.taken_at(*seq);
        let people: Vec<Placed> = tracks.iter().map(|track| placed(&view, track)).collect();
        for crossing in line.iter_mut().flat_map(|line| line.update(&people)) {
            let side = usize::from(crossing.direction == Direction::Out);
            events.crossings[side].push(at.as_secs_f64());
        }
        for passage in flow.iter_mut().flat_map(|flow| flow.update(&people)) {
            let pair = pair_name(passage.from, passage.to);
            events.flow.entry(pair).or_default().push(at.as_secs_f64());
        }
        stays.extend(dwell.update(at, &regions, &people));
    }
    stays.extend(dwell.end_all());
    let timed = |stay: analytics::Stay| TimedStay {
        region: stay.region,
        since_s: stay.since.as_secs_f64(),
        until_s: stay.until.as_secs_f64(),
    };
    events.stays = stays.into_iter().map(timed).collect();
    Some(events)
}

fn placed(view: &View, track: &Track) -> Placed {
    Placed { id: track.id, floor: track.floor, foot: view.normalised(track.foot_px), seen: !track.coasting }
}

fn regions(scenario: &Scenario) -> Vec<Region> {
    let own = &scenario.counting.dwell_regions;
    if !own.is_empty() {
        let region = |(id, polygon): (u32, &Vec<DVec2>)| Region { id, name: String::new(), polygon: polygon.clone() };
        return (1..).zip(own).map(region).collect();
    }
    let detection = &scenario.configuration.region_people_counting.detection_region;
    let region = |region: &firmware::configuration::RegionSettings| Region {
        id: region.id.get(),
        name: region.name.clone(),
        polygon: region.polygon.corners().to_vec(),
    };
    detection.regions.iter().map(region).collect()
}

/// Edges by letters, as in the device's reports.
fn pair_name(from: usize, to: usize) -> String {
    let letter = |edge: usize| char::from(b'A' + (edge % 26) as u8);
    format!("{}-{}", letter(from), letter(to))
}

// What happened ----------------------------------------------------------------------------------------------------------------------------

/// Somebody's way past everything that is drawn.
#[derive(Default)]
struct Way {
    /// Where the person was last: on the floor, and in the picture.
    last: Option<(DVec2, DVec2)>,
    /// A crossing of the line that is not yet certain: when, where on the floor, which way.
    pending: Option<(f64, DVec2, i32)>,
    /// Crossings In less Out since coming into the U-turn area.
    net: i32,
    /// When, where and through which edge the person came into the flow region, and whether far enough to be inside.
    inside_flow: Option<(DVec2, Option<usize>, bool)>,
    /// By region: since and until when the person was there.
    stays: BTreeMap<u32, (f64, f64)>,
}

fn truth(scenario: &Scenario) -> Events {
    let (view, counting) = (scenario.view(), &scenario.counting);
    let regions = regions(scenario);
    let mut events = Events::default();
    let mut ways: BTreeMap<usize, Way> = BTreeMap::new();
    let samples = (scenario.duration_s / SAMPLE_S) as u64;
    for sample in 0..=samples {
        let t_s = sample as f64 * SAMPLE_S;
        let world = scenario.scene.at(t_s);
        for person in &world.people {
            let floor = person.floor - scenario.sensor_at;
            let Some(foot) = view.pixel(floor.extend(0.0)).map(|pixel| view.normalised(pixel)) else { continue };
            let way = ways.entry(person.index).or_default();
            if let Some((_, before)) = way.last {
                way.cross_line(t_s, floor, before, foot, counting, &mut events);
                way.flow(t_s, floor, before, foot, &counting.flow_region, &mut events);
            } else if is_drawn_around(&counting.flow_region, foot) {
                way.inside_flow = Some((floor, None, true));
            }
            for region in regions.iter().filter(|region| is_inside(&region.polygon, foot)) {
                let stay = way.stays.entry(region.id).or_insert((t_s, t_s));
                if t_s - stay.1 > STAY_GRACE_S {
                    events.stays.push(TimedStay { region: region.id, since_s: stay.0, until_s: stay.1 });
                    stay.0 = t_s;
                }
                stay.1 = t_s;
            }
            way.last = Some((floor, foot));
        }
    }
    for (region, (since_s, until_s)) in ways.into_values().flat_map(|way| way.stays) {
        events.stays.push(TimedStay { region, since_s, until_s });
    }
    events
}

fn is_drawn_around(polygon: &[DVec2], point: DVec2) -> bool {
    !polygon.is_empty() && is_inside(polygon, point)
}

impl Way {
    fn cross_line(
        &mut self,
        t_s: f64,
        floor: DVec2,
        before: DVec2,
        foot: DVec2,
        drawn: &Counting,
        events: &mut Events,
    ) {
        let signs = drawn.line.windows(2).filter_map(|pair| crossed((before, foot), (pair[0], pair[1])));
        let sign: i32 = signs.sum();
        let mut tell = |sign: i32, t_s: f64| match sign.signum() {
            1 => events.crossings[0].push(t_s),
            -1 => events.crossings[1].push(t_s),
            _ => {}
        };
        if drawn.u_turn_area.is_empty() {
            if sign != 0 {
                // Back again before it was certain: nothing happened.
                self.pending = match self.pending {
                    Some((_, _, before)) if before == -sign => None,
                    _ => Some((t_s, floor, sign)),
                };
            }
            if let Some((at_s, _, sign)) = self.pending.filter(|(_, at, _)| at.distance(floor) >= CLEAR_M) {
                tell(sign, at_s);
                self.pending = None;
            }
            return;
        }
        let (was_inside, inside) = (is_inside(&drawn.u_turn_area, before), is_inside(&drawn.u_turn_area, foot));
        if was_inside || inside {
            self.net += sign;
        }
        if !inside {
            tell(self.net, t_s);
            self.net = 0;
        }
    }

    fn flow(&mut self, t_s: f64, floor: DVec2, before: DVec2, foot: DVec2, region: &[DVec2], events: &mut Events) {
        if region.is_empty() {
            return;
        }
        let edge = || {
            let edges = (0..region.len()).map(|i| (region[i], region[(i + 1) % region.len()]));
            edges.enumerate().find(|(_, edge)| crossed((before, foot), *edge).is_some()).map(|(i, _)| i)
        };
        let inside = is_inside(region, foot);
        match (self.inside_flow, inside) {
            (None, true) => self.inside_flow = Some((floor, edge(), false)),
            (Some((at, from, deep)), true) => {
                self.inside_flow = Some((at, from, deep || at.distance(floor) >= CLEAR_M));
            }
            (Some((_, from, deep)), false) => {
                if let (Some(from), Some(to), true) = (from, edge(), deep) {
                    events.flow.entry(pair_name(from, to)).or_default().push(t_s);
                }
                self.inside_flow = None;
            }
            (None, false) => {}
        }
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
