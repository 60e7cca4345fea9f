//! What truly happened: everybody's way over what is drawn.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Duration, TimeZone, Timelike, Weekday};
use chrono_tz::OffsetComponents;
use firmware::Configuration;
use firmware::configuration::{Day, TimeSchedule};
use firmware_shim::View;
use glam::DVec2;

use super::{Events, SAMPLE_S, STAY_GRACE_S, TimedStay, pair_name, regions};
use crate::Scenario;
use crate::truth::is_inside;

/// How far from a line somebody must be to be on one side of it, m; so it is decided for the device.
const CLEAR_M: f64 = 0.15;
/// A line is looked at in so many points on the floor.
const POINTS: u32 = 100;

/// Whoever walks has the middle of the head about so high, m: for who is hidden by a mask that is too exact by far.
const HEAD_M: f64 = 1.6;

/// What is drawn, and where its lines lie on the floor.
struct Drawn<'a> {
    masks: Vec<&'a [DVec2]>,
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
        let masks = configuration.privacy_mask.in_use().map(|mask| mask.polygon.corners()).collect();
        Drawn { masks, line, u_turn_area: area.map_or(&[][..], |area| area.corners()), flow_region, line_m, region_m }
    }
}

impl Drawn<'_> {
    /// Where the feet of somebody upright are in the picture; `None` when out of the lens's field, or when feet or head are masked.
    fn foot(&self, view: &View, floor: DVec2) -> Option<DVec2> {
        let seen_at = |height_m: f64| view.pixel(floor.extend(height_m)).map(|pixel| view.normalised(pixel));
        let is_masked = |at: DVec2| self.masks.iter().any(|mask| is_inside(mask, at));
        let foot = seen_at(0.0).filter(|foot| !is_masked(*foot))?;
        (self.masks.is_empty() || !seen_at(HEAD_M).is_some_and(is_masked)).then_some(foot)
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

/// What is to be counted.
pub(super) fn truth(scenario: &Scenario) -> Events {
    let mut events = of_all_day(scenario);
    let Configuration { line_crossing_counting: line, people_flow_analysis: flow, .. } = &scenario.configuration;
    let retain = |times: &mut Vec<f64>, hours| times.retain(|t_s| is_within_hours(scenario, hours, *t_s));
    events.crossings.iter_mut().for_each(|times| retain(times, &line.time_schedule));
    events.flow.values_mut().for_each(|times| retain(times, &flow.time_schedule));
    events
}

fn of_all_day(scenario: &Scenario) -> Events {
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
            let foot =
                floor.and_then(|floor| way.see(at_s(sample), floor - scenario.sensor_at, &view, &drawn, &mut events));
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

/// Whether a function works at a time of the run, by a clock that nobody sets.
fn is_within_hours(scenario: &Scenario, hours: &TimeSchedule, t_s: f64) -> bool {
    if *hours == TimeSchedule::default() {
        return true;
    }
    let Configuration { time_zone, clock, .. } = &scenario.configuration;
    let utc = DateTime::from_timestamp_nanos(scenario.clock.0 + (t_s * 1e9) as i64).naive_utc();
    let offset = time_zone.offset_from_utc_datetime(&utc);
    let saving = if clock.daylight_saving { offset.dst_offset() } else { Duration::zero() };
    let local = utc + offset.base_utc_offset() + saving;
    let day = match local.weekday() {
        Weekday::Sun => Day::Sunday,
        Weekday::Mon => Day::Monday,
        Weekday::Tue => Day::Tuesday,
        Weekday::Wed => Day::Wednesday,
        Weekday::Thu => Day::Thursday,
        Weekday::Fri => Day::Friday,
        Weekday::Sat => Day::Saturday,
    };
    hours.of(day).contain((60 * local.hour() + local.minute()) as u16)
}

impl Way {
    /// Somebody is at a place of the floor; gives where the feet are in the picture, if they are in the lens's field.
    fn see(&mut self, t_s: f64, floor: DVec2, view: &View, drawn: &Drawn, events: &mut Events) -> Option<DVec2> {
        // Who stays where he or she is crosses nothing, and is as clear of everything as before.
        self.is_settled = self.judged_at == Some(floor);
        let Some(foot) = self.last.filter(|_| self.is_settled).or_else(|| drawn.foot(view, floor)) else {
            // Out of the lens's field, or masked: what was begun there is not known to have ended.
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

    /// Everybody at every instant: what all that [`of_all_day`] leaves out must not change.
    fn plainly(scenario: &Scenario) -> Events {
        let view = scenario.view();
        let drawn = Drawn::new(&scenario.configuration, &view);
        let regions = regions(scenario);
        let mut events = Events::default();
        let mut ways: BTreeMap<usize, Way> = BTreeMap::new();
        for sample in 0..=(scenario.duration_s / SAMPLE_S) as u64 {
            let t_s = sample as f64 * SAMPLE_S;
            for (index, floor) in scenario.scene.floors_at(t_s) {
                let way = ways.entry(index).or_default();
                let foot = way.see(t_s, floor - scenario.sensor_at, &view, &drawn, &mut events);
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
            let (events, plain) = (of_all_day(&scenario), plainly(&scenario));
            found[0] += plain.crossings.iter().map(Vec::len).sum::<usize>();
            found[1] += plain.flow.values().map(Vec::len).sum::<usize>();
            found[2] += plain.stays.len();
            assert_eq!(in_order(events), in_order(plain), "{}", file.display());
        }
        assert!(found.iter().all(|found| *found > 20), "{found:?}");
    }

    #[test]
    fn what_happens_out_of_hours_or_under_a_mask_is_not_to_be_counted() {
        let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("library");
        let mut scenario =
            Scenario::read(&library.join("corridor-crossings.ron")).unwrap_or_else(|errors| panic!("{errors}"));
        let all = truth(&scenario);
        // A Monday, at 8:59:45 in Berlin.
        scenario.clock = firmware_shim::RtcTime(1_772_438_385_000_000_000);
        let hours = r#"(monday: ["08:00-09:00"])"#;
        scenario.configuration.line_crossing_counting.time_schedule =
            ron_file::RonFile::embedded("hours", hours).parse().expect("hours");
        let within = truth(&scenario);
        for (all, within) in all.crossings.iter().zip(&within.crossings) {
            assert!(all.iter().any(|t_s| *t_s > 15.0) && !within.is_empty(), "{all:?}");
            assert_eq!(*within, all.iter().copied().filter(|t_s| *t_s < 15.0).collect::<Vec<_>>());
        }
        let mask = r#"(masks: [(polygon: [(0.4, 0.0), (0.6, 0.0), (0.6, 1.0), (0.4, 1.0)])])"#;
        scenario.configuration.privacy_mask = ron_file::RonFile::embedded("mask", mask).parse().expect("a mask");
        assert!(truth(&scenario).crossings.iter().all(Vec::is_empty), "the line is in the middle of the picture");
    }
}
