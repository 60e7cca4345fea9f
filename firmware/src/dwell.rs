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
/// region*). V1.3's reports do not carry it.
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
    least: Duration,
    timer: DwellTimer,
    /// What the clock read when each stay under way began.
    begun: BTreeMap<(u32, u64, Uptime), RtcTime>,
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
    /// Times stays of at least so long. `before` is what it replaces: stays and totals of regions that are still there go on.
    pub fn start(area: DetectionArea, drawn: Vec<Region>, least: Duration, before: Option<Dwell>) -> Self {
        let timed = match area {
            DetectionArea::Mapped => drawn.clone(),
            DetectionArea::NonMapped | DetectionArea::WholeView => {
                let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)];
                vec![Region { id: NO_REGION, name: String::new(), polygon: corners.map(DVec2::from).to_vec() }]
            }
        };
        let (timer, mut begun, mut totals) =
            before.map_or_else(Default::default, |before| (before.timer, before.begun, before.totals));
        let is_there = |id: u32| timed.iter().any(|region| region.id == id);
        begun.retain(|(region, ..), _| is_there(*region));
        totals.retain(|region, _| is_there(*region));
        Dwell { area, drawn, timed, least, timer, begun, totals }
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
        for stay in self.timer.open() {
            let is_there = self.timed.iter().any(|region| region.id == stay.region);
            if is_there && let Entry::Vacant(entry) = self.begun.entry(key(&stay)) {
                entry.insert(clock_at(stay.since, now, rtc));
                self.totals.entry(stay.region).or_default().came += 1;
            }
        }
        self.end(ended, now, rtc)
    }

    /// Ends everything, as at the edge of a schedule; gives what was long enough.
    pub fn close(&mut self, now: Uptime, rtc: RtcTime) -> Vec<EndedStay> {
        let ended = self.timer.end_all();
        self.end(ended, now, rtc)
    }

    fn end(&mut self, stays: Vec<Stay>, now: Uptime, rtc: RtcTime) -> Vec<EndedStay> {
        let mut told = Vec::new();
        for stay in stays {
            // Of a region that has been deleted meanwhile nobody wants to know.
            let Some(start) = self.begun.remove(&key(&stay)) else { continue };
            let total = self.totals.entry(stay.region).or_default();
            total.went += 1;
            if stay.duration() < self.least {
                continue;
            }
            total.add(stay.duration());
            told.push(EndedStay {
                region: stay.region,
                people_id: stay.id,
                start,
                end: clock_at(stay.until, now, rtc),
                duration_ms: u64::try_from(stay.duration().as_millis()).unwrap_or(u64::MAX),
            });
        }
        told
    }

    /// Figures by region since the last reset, stays under way included.
    pub fn figures(&self) -> Vec<DwellFigures> {
        let figures = |region: &Region| {
            let mut total = self.totals.get(&region.id).copied().unwrap_or_default();
            let open = self.timer.open().filter(|stay| stay.region == region.id && stay.duration() >= self.least);
            open.for_each(|stay| total.add(stay.duration()));
            let mean_s = total.sum.as_secs().checked_div(total.stays).unwrap_or(0);
            DwellFigures { region: region.id, max_s: total.max.as_secs(), avg_s: mean_s }
        };
        self.timed.iter().map(figures).collect()
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
