//! *Dwell Time Detection* (guide §5.3.1): how long people stay in each region, and how many have come and gone.
//!
//! Knows nothing of pictures and of how a report travels.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use analytics::{DetectionArea, DwellTimer, Placed, Region, Stay, count};
use firmware_shim::{RtcTime, Uptime};
use glam::DVec2;

use crate::report::{DwellFigures, EndedStay};

/// The number that stands for all of the detection area where no region is drawn.
const NO_REGION: u32 = 0;

/// How many have come into a region and gone out of it since the last reset (guide §5.3.1: *Total In/Out counting of each detection
/// region*). V1.3's reports do not carry it. Whoever is there when hours end, or the device is set to look from elsewhere, has gone;
/// whoever is there at a reset goes out after it all the same. (Decisions.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegionPassages {
    /// The region's number; 0 when none is drawn.
    pub region: u32,
    /// People who came.
    pub came: u64,
    /// People who went.
    pub went: u64,
}

/// The stays of a function.
#[derive(Clone, Debug)]
pub(crate) struct Dwell {
    area: DetectionArea,
    drawn: Vec<Region>,
    /// Where stays are timed.
    timed: Vec<Region>,
    /// Shorter stays are none; `None` when only who comes and goes is counted.
    least: Option<Duration>,
    timer: DwellTimer,
    /// What the clock read when each stay under way began, and when it was last certain.
    under_way: BTreeMap<(u32, u64, Uptime), (RtcTime, RtcTime)>,
    /// Since the last reset, by region.
    totals: BTreeMap<u32, Total>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Total {
    stays: u64,
    sum: Duration,
    max: Duration,
    came: u64,
    went: u64,
}

impl Dwell {
    /// Times stays of at least so long, or none. `before` is what it replaces: stays and totals of regions that are still there go on.
    pub fn start(area: DetectionArea, drawn: Vec<Region>, least: Option<Duration>, before: Option<Dwell>) -> Self {
        let timed = match area {
            DetectionArea::Mapped => drawn.clone(),
            DetectionArea::NonMapped | DetectionArea::WholeView => {
                let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)];
                vec![Region { id: NO_REGION, name: String::new(), polygon: corners.map(DVec2::from).to_vec() }]
            }
        };
        let (mut timer, mut under_way, mut totals): (DwellTimer, BTreeMap<_, _>, BTreeMap<_, _>) =
            before.map_or_else(Default::default, |before| (before.timer, before.under_way, before.totals));
        let is_there = |id: u32| timed.iter().any(|region| region.id == id);
        timer.retain(is_there);
        under_way.retain(|(region, ..), _| is_there(*region));
        totals.retain(|region, _| is_there(*region));
        Dwell { area, drawn, timed, least, timer, under_way, totals }
    }

    /// Takes where everybody was when the frame was taken; gives the stays that have ended and were long enough.
    pub fn see(&mut self, taken_at: Uptime, now: Uptime, rtc: RtcTime, people: &[Placed]) -> Vec<EndedStay> {
        let inside: Vec<Placed> = match self.area {
            DetectionArea::NonMapped => {
                let is_outside = |person: &&Placed| count(self.area, &self.drawn, &[person.foot]).total > 0;
                people.iter().filter(is_outside).copied().collect()
            }
            DetectionArea::Mapped | DetectionArea::WholeView => people.to_vec(),
        };
        let ended = self.timer.update(taken_at, &self.timed, &inside);
        for stay in self.timer.open().filter(|stay| stay.until == taken_at) {
            let read = clock_at(taken_at, now, rtc);
            match self.under_way.entry(key(&stay)) {
                Entry::Occupied(mut known) => known.get_mut().1 = read,
                Entry::Vacant(new) => {
                    new.insert((read, read));
                    self.totals.entry(stay.region).or_default().came += 1;
                }
            }
        }
        self.end(ended)
    }

    /// Ends everything, as at the edge of a schedule; gives what was long enough.
    pub fn close(&mut self) -> Vec<EndedStay> {
        let ended = self.timer.end_all();
        self.end(ended)
    }

    fn end(&mut self, stays: Vec<Stay>) -> Vec<EndedStay> {
        let mut told = Vec::new();
        for stay in stays {
            let (start, end) =
                self.under_way.remove(&key(&stay)).expect("every stay under way was noted when it began");
            let is_long_enough = self.is_long_enough(&stay);
            let total = self.totals.entry(stay.region).or_default();
            total.went += 1;
            if !is_long_enough {
                continue;
            }
            total.add(stay.duration());
            told.push(EndedStay { stay, start, end });
        }
        told
    }

    /// Figures by region since the last reset, stays under way included.
    pub fn figures(&self) -> Vec<DwellFigures> {
        let figures = |region: &Region| {
            let mut total = self.totals.get(&region.id).copied().unwrap_or_default();
            self.stays_under_way().filter(|stay| stay.region == region.id).for_each(|stay| total.add(stay.duration()));
            let mean_s = total.sum.as_secs().checked_div(total.stays).unwrap_or(0);
            DwellFigures { region: region.id, max_s: total.max.as_secs(), avg_s: mean_s }
        };
        self.timed.iter().map(figures).collect()
    }

    /// Stays that have not ended and are long enough already.
    pub fn stays_under_way(&self) -> impl Iterator<Item = Stay> {
        self.timer.open().filter(|stay| self.is_long_enough(stay))
    }

    fn is_long_enough(&self, stay: &Stay) -> bool {
        self.least.is_some_and(|least| stay.duration() >= least)
    }

    /// Who came and went, by region.
    pub fn passages(&self) -> Vec<RegionPassages> {
        let of = |region: &Region| {
            let total = self.totals.get(&region.id).copied().unwrap_or_default();
            RegionPassages { region: region.id, came: total.came, went: total.went }
        };
        self.timed.iter().map(of).collect()
    }

    /// Begins anew to count. Stays under way go on, and count with all of their time when they end.
    pub fn reset(&mut self) {
        self.totals.clear();
    }
}

impl Total {
    fn add(&mut self, stay: Duration) {
        self.stays += 1;
        self.sum += stay;
        self.max = self.max.max(stay);
    }
}

fn key(stay: &Stay) -> (u32, u64, Uptime) {
    (stay.region, stay.id, stay.since)
}

/// What the clock read at an earlier instant, if it has not been set since.
fn clock_at(earlier: Uptime, now: Uptime, rtc: RtcTime) -> RtcTime {
    let ago = i64::try_from(now.since(earlier).as_nanos()).unwrap_or(i64::MAX);
    RtcTime(rtc.0.saturating_sub(ago))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A desk on the left of the picture and one on the right.
    fn desks() -> Vec<Region> {
        let desk = |id: u32, x: f64| Region {
            id,
            name: String::new(),
            polygon: [(x, 0.2), (x + 0.3, 0.2), (x + 0.3, 0.8), (x, 0.8)].map(DVec2::from).to_vec(),
        };
        vec![desk(1, 0.1), desk(2, 0.6)]
    }

    const LEFT: f64 = 0.2;
    const BETWEEN: f64 = 0.5;
    const RIGHT: f64 = 0.7;

    /// Somebody by number, and where: the x in the picture.
    fn at(id: u64, x: f64) -> Placed {
        Placed { id, floor: DVec2::new(10.0 * x, id as f64), foot: DVec2::new(x, 0.5), seen: true }
    }

    /// Looked at ten times a second; the clock reads the uptime.
    struct Room {
        dwell: Dwell,
        now_ms: u64,
        /// What the calendar was put forward by.
        clock_put_by_s: i64,
        ended: Vec<EndedStay>,
    }

    impl Room {
        fn new(area: DetectionArea, least_s: u64) -> Self {
            let dwell = Dwell::start(area, desks(), Some(Duration::from_secs(least_s)), None);
            Room { dwell, now_ms: 0, clock_put_by_s: 0, ended: vec![] }
        }

        fn with(mut self, people: &[Placed], for_s: u64) -> Self {
            for _ in 0..10 * for_s {
                let now = Uptime::from_millis(self.now_ms);
                let rtc = RtcTime(self.now_ms as i64 * 1_000_000 + self.clock_put_by_s * 1_000_000_000);
                self.ended.extend(self.dwell.see(now, now, rtc, people));
                self.now_ms += 100;
            }
            self
        }

        /// (region, who, from, to) in seconds.
        fn ended(&self) -> Vec<(u32, u64, i64, i64)> {
            let s = |time: RtcTime| (time.0 as f64 / 1e9).round() as i64;
            let all = self.ended.iter();
            all.map(|ended| (ended.stay.region, ended.stay.id, s(ended.start), s(ended.end))).collect()
        }

        /// (region, longest, mean) in seconds.
        fn figures(&self) -> Vec<(u32, u64, u64)> {
            self.dwell.figures().iter().map(|of| (of.region, of.max_s, of.avg_s)).collect()
        }

        fn passages(&self) -> Vec<(u64, u64)> {
            self.dwell.passages().iter().map(|of| (of.came, of.went)).collect()
        }
    }

    #[test]
    fn a_stay_is_told_when_it_has_ended_and_counted_while_it_lasts() {
        let room = Room::new(DetectionArea::Mapped, 2).with(&[at(7, LEFT)], 30);
        assert_eq!((room.ended(), room.figures()), (vec![], vec![(1, 29, 29), (2, 0, 0)]));
        let room = room.with(&[at(7, RIGHT)], 10).with(&[], 10);
        assert_eq!(room.ended(), [(1, 7, 0, 30), (2, 7, 30, 40)]);
        assert_eq!(room.figures(), [(1, 29, 29), (2, 9, 9)]);
        assert_eq!(room.passages(), [(1, 1), (1, 1)]);
    }

    #[test]
    fn a_stay_too_short_is_none_but_somebody_came_and_went() {
        let room = Room::new(DetectionArea::Mapped, 5).with(&[at(7, LEFT)], 4).with(&[at(8, LEFT)], 9).with(&[], 10);
        assert_eq!(room.ended(), [(1, 8, 4, 13)]);
        assert_eq!((room.figures()[0], room.passages()[0]), ((1, 8, 8), (2, 2)));
    }

    #[test]
    fn a_mean_is_of_all_stays_since_the_reset() {
        let mut room = Room::new(DetectionArea::Mapped, 0);
        room = room.with(&[at(1, LEFT)], 10).with(&[], 6).with(&[at(2, LEFT)], 20).with(&[], 6);
        assert_eq!(room.figures()[0], (1, 19, 14));
        room.dwell.reset();
        assert_eq!((room.figures()[0], room.passages()[0]), ((1, 0, 0), (0, 0)));
        assert_eq!(room.with(&[at(3, LEFT)], 3).figures()[0], (1, 2, 2));
    }

    #[test]
    fn without_regions_and_outside_of_them_the_number_is_0() {
        let whole = Room::new(DetectionArea::WholeView, 0).with(&[at(1, LEFT), at(2, BETWEEN)], 10);
        assert_eq!(whole.figures(), [(0, 9, 9)]);
        let outside = Room::new(DetectionArea::NonMapped, 0).with(&[at(1, LEFT), at(2, BETWEEN)], 10).with(&[], 10);
        assert_eq!(outside.ended(), [(0, 2, 0, 10)]);
    }

    #[test]
    fn a_region_that_is_deleted_takes_its_stays_along_and_others_go_on() {
        let mut room = Room::new(DetectionArea::Mapped, 0).with(&[at(1, LEFT), at(2, RIGHT)], 10);
        let dwell = room.dwell.clone();
        room.dwell = Dwell::start(DetectionArea::Mapped, desks()[1..].to_vec(), Some(Duration::ZERO), Some(dwell));
        let room = room.with(&[at(1, LEFT), at(2, RIGHT)], 5).with(&[], 10);
        assert_eq!((room.ended(), room.figures()), (vec![(2, 2, 0, 15)], vec![(2, 14, 14)]));
    }

    #[test]
    fn stays_in_a_region_that_is_drawn_anew_begin_with_it() {
        let mut room = Room::new(DetectionArea::Mapped, 0).with(&[at(1, LEFT)], 10);
        for regions in [&desks()[1..], &desks()] {
            let dwell = room.dwell.clone();
            room.dwell = Dwell::start(DetectionArea::Mapped, regions.to_vec(), Some(Duration::ZERO), Some(dwell));
            room = room.with(&[at(1, LEFT)], 2);
        }
        assert_eq!((room.figures()[0], room.with(&[], 10).ended()), ((1, 1, 1), vec![(1, 1, 12, 14)]));
    }

    #[test]
    fn closing_ends_all_stays() {
        let mut room = Room::new(DetectionArea::Mapped, 0).with(&[at(1, LEFT)], 10);
        room.ended = room.dwell.close();
        assert_eq!((room.ended(), room.passages()[0]), (vec![(1, 1, 0, 10)], (1, 1)));
    }

    #[test]
    fn a_stay_is_told_by_what_the_clock_read_at_its_ends() {
        let mut room = Room::new(DetectionArea::Mapped, 0).with(&[at(1, LEFT)], 10);
        room.clock_put_by_s = 1000;
        let mut room = room.with(&[at(1, LEFT)], 10).with(&[], 3);
        room.clock_put_by_s = 5000;
        assert_eq!(room.with(&[], 3).ended(), [(1, 1, 0, 1020)]);
    }

    #[test]
    fn without_dwell_detection_people_come_and_go_and_no_stay_is_timed() {
        let dwell = Dwell::start(DetectionArea::Mapped, desks(), None, None);
        let room = Room { dwell, now_ms: 0, clock_put_by_s: 0, ended: vec![] };
        let mut room = room.with(&[at(1, LEFT)], 10).with(&[], 6).with(&[at(2, LEFT)], 1);
        assert_eq!((room.ended(), room.figures()[0], room.passages()[0]), (vec![], (1, 0, 0), (2, 1)));
        let dwell = room.dwell.clone();
        room.dwell = Dwell::start(DetectionArea::Mapped, desks(), Some(Duration::ZERO), Some(dwell));
        assert_eq!(
            room.with(&[at(2, LEFT)], 3).figures()[0],
            (1, 3, 3),
            "of who was there before, but not of who had gone"
        );
    }
}
