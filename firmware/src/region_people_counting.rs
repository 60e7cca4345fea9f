//! *Region People Counting* (guide §5.3.1): from counts to reports.
//!
//! Knows nothing of pictures, and nothing of how a report travels.

use std::time::Duration;

use analytics::{Counts, DetectionArea, Placed, Region, Stay};
use firmware_shim::{Contact, RtcTime, Uptime, View};

use crate::configuration::{
    Area, Configuration, DetectionRegion, OvercrowdingAlarm, RegionPeopleCounting, ReportByResult,
};
use crate::counted::Counted;
use crate::dwell::{Dwell, RegionPassages};
use crate::report::{EndedStay, Letterhead, Profile, Report, interval_dwell, trigger_dwell};
use crate::rota::{Duty, Rota};
use crate::schedule::Dots;
use crate::stability::Stability;

/// The function at work.
pub(crate) struct RegionCounting {
    settings: RegionPeopleCounting,
    profile: Profile,
    view: View,
    stability: Stability,
    dwell: Dwell,
    rota: Rota,
    reset: Option<Dots>,
    /// The largest total believed in the interval under way, and that interval only.
    total_max: u32,
}

/// What a frame showed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub taken_at: Uptime,
    pub counts: &'a Counts,
    pub people: &'a [Placed],
}

impl RegionCounting {
    /// Starts the function with a configuration saved now. `before` is the function as it was until now: it goes on as it is when nothing
    /// that concerns it has changed; else what is believed stays believed, and totals and stays go on. Stays end where the device looks from
    /// elsewhere, or does not look any more.
    pub fn start(
        configuration: &Configuration,
        head: &Letterhead,
        view: &View,
        now: Uptime,
        rtc: RtcTime,
        before: Option<RegionCounting>,
    ) -> Self {
        let settings = &configuration.region_people_counting;
        let (zone, profile) = (head.zone, Profile::new(configuration, head));
        let (area, regions) = detection_area(&settings.detection_region);
        let (stability, dwell, rota, reset, total_max) = match before {
            Some(before) if (&before.settings, &before.profile, &before.view) == (settings, &profile, view) => {
                return before;
            }
            Some(mut before) => {
                if before.view != *view || !settings.enable {
                    before.dwell.close();
                }
                before.stability.reconfigure(stable_for(settings), &reported_ids(settings));
                let stability = if settings.enable { before.stability } else { believing_nobody(settings) };
                (stability, Some(before.dwell), Some(before.rota), before.reset, before.total_max)
            }
            None => (believing_nobody(settings), None, None, None, 0),
        };
        let least = Duration::from_secs(u64::from(u32::from(settings.min_dwell_s)));
        let (regularly, hours) = (settings.report_regularly, &settings.time_schedule);
        let rota = Rota::start(settings.enable, regularly, hours, zone, now, rtc, rota);
        RegionCounting {
            profile,
            view: *view,
            dwell: Dwell::start(area, regions, settings.dwell_time_detection.then_some(least), dwell),
            reset: Dots::of_reset(settings.reset, zone, rtc, reset),
            total_max: if rota.interval_goes_on() && settings.enable { total_max } else { stability.believed().total },
            rota,
            stability,
            settings: settings.clone(),
        }
    }

    /// The reports this instant brings. `seen` is what a frame showed, if one came.
    pub fn step(&mut self, now: Uptime, rtc: RtcTime, seen: Option<Seen>, counted: &mut Vec<Counted>) -> Vec<Report> {
        let duty = self.rota.turn(rtc);
        let mut reports = Vec::new();
        let ended = match duty {
            Duty::Off => vec![],
            // As its last act the function tells what its end puts an end to.
            Duty::Closing => self.dwell.close(),
            Duty::Opening | Duty::On => {
                let before = self.stability.believed();
                self.look(now, seen.map(|seen| seen.counts));
                let believed = self.stability.believed();
                if self.is_result(&before, &believed) {
                    reports.push(self.profile.trigger(&believed, rtc));
                }
                seen.map_or(vec![], |seen| self.dwell.see(seen.taken_at, now, rtc, seen.people))
            }
        };
        counted.extend(ended.iter().map(|ended| Counted::Stay(ended.stay)));
        let told = self.dwell_trigger(&ended, rtc);
        let interval = self.rota.interval_ended(duty, now, rtc);
        if let Some((start, end)) = interval {
            let believed = self.stability.believed();
            reports.push(self.profile.interval(&believed, self.total_max, start, end));
            self.total_max = if duty == Duty::Closing { 0 } else { believed.total };
        }
        reports.extend(told);
        if let Some((start, end)) = interval.filter(|_| self.settings.dwell_time_detection) {
            reports.push(interval_dwell(&self.profile.head, self.dwell.figures(), start, end));
        }
        if duty == Duty::Closing {
            self.stability = believing_nobody(&self.settings);
        }
        // After the reports of this instant, which are of the time until now.
        if self.reset.as_mut().is_some_and(|reset| reset.is_due(rtc)) {
            self.dwell.reset();
        }
        reports
    }

    fn look(&mut self, now: Uptime, counts: Option<&Counts>) {
        self.stability.settle(now);
        self.note_max();
        if let Some(counts) = counts {
            self.stability.see(counts, now);
            self.note_max();
        }
    }

    fn note_max(&mut self) {
        self.total_max = self.total_max.max(self.stability.believed().total);
    }

    fn is_result(&self, before: &Counts, after: &Counts) -> bool {
        match self.settings.report_by_result {
            ReportByResult::Off => false,
            ReportByResult::OnceResultChanges => {
                self.profile.reported_numbers(before) != self.profile.reported_numbers(after)
            }
            ReportByResult::ZeroNonZero => {
                self.profile.reported_occupancy(before) != self.profile.reported_occupancy(after)
            }
        }
    }

    fn dwell_trigger(&self, ended: &[EndedStay], rtc: RtcTime) -> Option<Report> {
        let is_told = self.settings.dwell_time_detection && self.settings.trigger_report_dwell && !ended.is_empty();
        is_told.then(|| trigger_dwell(&self.profile.head, ended, rtc))
    }

    /// How *Overcrowding Alarm* drives the contact: open while there are too many. Out of its hours it is closed.
    pub fn do_contact(&self) -> Contact {
        if !self.rota.is_on() {
            return Contact::Closed;
        }
        let believed = self.stability.believed();
        let is_over = match self.settings.overcrowding_alarm {
            OvercrowdingAlarm::Off => false,
            OvercrowdingAlarm::TotalNumber { threshold } => believed.total > threshold,
            OvercrowdingAlarm::NumberInArea { threshold } if believed.regions.is_empty() => believed.total > threshold,
            OvercrowdingAlarm::NumberInArea { threshold } => {
                believed.regions.iter().any(|region| region.count > threshold)
            }
        };
        if is_over { Contact::Open } else { Contact::Closed }
    }

    /// Whether the function works at present.
    pub fn is_on(&self) -> bool {
        self.rota.is_on()
    }

    /// Its hours and intervals.
    pub fn rota(&self) -> &Rota {
        &self.rota
    }

    /// The same, for what it is to remember.
    pub fn rota_mut(&mut self) -> &mut Rota {
        &mut self.rota
    }

    /// The counts that are believed.
    pub fn believed(&self) -> Counts {
        self.stability.believed()
    }

    /// Stays that have not ended.
    pub fn stays_under_way(&self) -> impl Iterator<Item = Stay> {
        self.dwell.stays_under_way()
    }

    /// Who came into and went out of each region since the last reset.
    pub fn passages(&self) -> Vec<RegionPassages> {
        self.dwell.passages()
    }

    /// When to step at the latest.
    pub fn next_wake(&self, now: Uptime, rtc: RtcTime) -> Option<Uptime> {
        let reset = self.reset.as_ref().map(|reset| reset.next_wake(now, rtc));
        [self.stability.next_wake(), self.rota.next_wake(now, rtc), reset].into_iter().flatten().min()
    }
}

fn believing_nobody(settings: &RegionPeopleCounting) -> Stability {
    Stability::new(stable_for(settings), &reported_ids(settings))
}

fn stable_for(settings: &RegionPeopleCounting) -> Duration {
    Duration::from_secs_f64(f64::from(settings.stable_for_s))
}

/// The regions that are counted each by itself.
fn reported_ids(settings: &RegionPeopleCounting) -> Vec<u32> {
    match detection_area(&settings.detection_region) {
        (DetectionArea::Mapped, regions) => regions.iter().map(|region| region.id).collect(),
        _ => Vec::new(),
    }
}

/// What the analytics has to count, regions by ascending id.
pub(crate) fn detection_area(settings: &DetectionRegion) -> (DetectionArea, Vec<Region>) {
    if !settings.enable || settings.regions.is_empty() {
        return (DetectionArea::WholeView, Vec::new());
    }
    let area = match settings.area {
        Area::Mapped => DetectionArea::Mapped,
        Area::NonMapped => DetectionArea::NonMapped,
    };
    let mut regions: Vec<Region> = settings
        .regions
        .iter()
        .map(|region| Region {
            id: region.id.get(),
            name: region.name.clone(),
            polygon: region.polygon.corners().to_vec(),
        })
        .collect();
    regions.sort_by_key(|region| region.id);
    (area, regions)
}

#[cfg(test)]
mod tests;
