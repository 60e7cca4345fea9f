//! *People Flow Analysis* (guide §5.3.3): from passages through a region to reports.
//!
//! Knows nothing of pictures, and nothing of how a report travels.

use analytics::{FlowCounter, Placed};
use firmware_shim::{RtcTime, Uptime, View};

use crate::configuration::{Configuration, FlowRegion};
use crate::report::{Letterhead, Report, interval_flow};
use crate::rota::{Duty, Rota};

/// The function at work.
pub(crate) struct PeopleFlow {
    head: Letterhead,
    /// `None` without a region, or where the view shows no floor below it.
    counter: Option<FlowCounter>,
    rota: Rota,
    /// In the interval under way: `passed[from][to]`, by edge.
    passed: Vec<Vec<u64>>,
}

impl PeopleFlow {
    /// Starts the function with a configuration saved now. `before` is the function as it was until now.
    pub fn start(
        configuration: &Configuration,
        view: &View,
        now: Uptime,
        rtc: RtcTime,
        before: Option<PeopleFlow>,
    ) -> Self {
        let settings = &configuration.people_flow_analysis;
        let rota = before.map(|before| before.rota);
        let edges = settings.region.as_ref().map_or(0, |region| region.corners().len());
        let zone = configuration.time_zone;
        PeopleFlow {
            head: Letterhead::new(configuration),
            counter: settings
                .region
                .as_ref()
                .map(FlowRegion::corners)
                .and_then(|region| FlowCounter::new(view, region)),
            rota: Rota::start(settings.report_regularly, &settings.time_schedule, zone, now, rtc, rota),
            passed: vec![vec![0; edges]; edges],
        }
    }

    /// The reports this instant brings. `people`: where everybody is, if a frame came.
    pub fn step(&mut self, now: Uptime, rtc: RtcTime, people: Option<&[Placed]>) -> Vec<Report> {
        let duty = self.rota.turn(rtc);
        if duty == Duty::Opening {
            self.passed.iter_mut().for_each(|row| row.fill(0));
        }
        if matches!(duty, Duty::Off | Duty::Closing) {
            if let Some(counter) = &mut self.counter {
                counter.update(&[]);
            }
        } else if let (Some(counter), Some(people)) = (&mut self.counter, people) {
            for passage in counter.update(people) {
                self.passed[passage.from][passage.to] += 1;
            }
        }
        let ended = self.rota.interval_ended(duty, now, rtc);
        let report = ended.map(|(start, end)| interval_flow(&self.head, &self.passed, start, end));
        if report.is_some() {
            self.passed.iter_mut().for_each(|row| row.fill(0));
        }
        report.into_iter().collect()
    }

    /// Whether the function works at present.
    pub fn is_on(&self) -> bool {
        self.rota.is_on()
    }

    /// When to step at the latest.
    pub fn next_wake(&self, now: Uptime, rtc: RtcTime) -> Option<Uptime> {
        self.rota.next_wake(now, rtc)
    }
}
