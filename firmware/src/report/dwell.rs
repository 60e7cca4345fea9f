//! The documents of *Dwell Time Detection* (guide §7.3 and §7.4).

use analytics::Stay;
use firmware_shim::RtcTime;
use serde::Serialize;

use super::{Head, Letterhead, Report};
use crate::calendar::iso_8601;
use crate::diagnostic::ReportKind;

const EVENT: &str = "Dwell Time Detection";

#[derive(Serialize)]
struct Document<Time, Data> {
    #[serde(flatten)]
    head: Head<Time>,
    dwell_time_data: Vec<Data>,
}

/// How long people have stayed in a region since the last reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct DwellFigures {
    /// Its number; 0 when none is drawn.
    pub region: u32,
    /// Whole seconds.
    #[serde(rename = "max_dwell_time")]
    pub max_s: u64,
    #[serde(rename = "avg_dwell_time")]
    pub avg_s: u64,
}

/// A stay that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EndedStay {
    pub stay: Stay,
    /// What the clock read.
    pub start: RtcTime,
    pub end: RtcTime,
}

#[derive(Serialize)]
struct StayData {
    region: u32,
    people_id: u64,
    dwell_start_time: String,
    dwell_end_time: String,
    duration: u64,
}

/// The periodic report of the interval between two readings of the clock.
pub(crate) fn interval_dwell(head: &Letterhead, figures: Vec<DwellFigures>, start: RtcTime, end: RtcTime) -> Report {
    let document = Document { head: head.interval(EVENT, start, end), dwell_time_data: figures };
    Report::new(ReportKind::Interval, &document).fleeting()
}

/// The trigger report, made when the clock reads `time`, of stays that have ended.
pub(crate) fn trigger_dwell(head: &Letterhead, stays: &[EndedStay], time: RtcTime) -> Report {
    let data = |ended: &EndedStay| StayData {
        region: ended.stay.region,
        people_id: ended.stay.id,
        dwell_start_time: iso_8601(ended.start, head.zone),
        dwell_end_time: iso_8601(ended.end, head.zone),
        duration: u64::try_from(ended.stay.duration().as_millis()).unwrap_or(u64::MAX),
    };
    let dwell_time_data = stays.iter().map(data).collect();
    let document = Document { head: head.trigger(EVENT, time), dwell_time_data };
    Report::new(ReportKind::Trigger, &document).fleeting()
}

#[cfg(test)]
mod tests {
    use firmware_shim::Uptime;

    use super::super::tests::{END, START, head};
    use super::*;

    #[test]
    fn periodic_dwell() {
        let figures = |region| DwellFigures { region, max_s: 156_464, avg_s: 56_464 };
        insta::assert_snapshot!(interval_dwell(&head(), vec![figures(1), figures(2)], START, END).document);
    }

    #[test]
    fn trigger_dwell_of_two_stays() {
        let (since, until) = (Uptime::ZERO, Uptime::from_millis(3_600_000));
        let stay = |region| EndedStay { stay: Stay { region, id: 7, since, until }, start: START, end: END };
        insta::assert_snapshot!(trigger_dwell(&head(), &[stay(1), stay(2)], END).document);
    }
}
