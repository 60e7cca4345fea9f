//! The documents of *Line Crossing Counting* (guide §7.5 and §7.6).

use firmware_shim::RtcTime;
use serde::Serialize;

use super::{Head, IntervalTime, Letterhead, Report, TriggerTime};
use crate::diagnostic::ReportKind;

const EVENT: &str = "Line Crossing Counting";

/// How many went In and Out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Passed {
    pub line_in: u64,
    pub line_out: u64,
}

impl Passed {
    pub fn add(&mut self, more: Passed) {
        self.line_in += more.line_in;
        self.line_out += more.line_out;
    }

    /// Who came less who went.
    fn capacity(self) -> i64 {
        self.line_in as i64 - self.line_out as i64
    }
}

#[derive(Serialize)]
struct IntervalReport {
    #[serde(flatten)]
    head: Head<IntervalTime>,
    in_counted: u64,
    out_counted: u64,
    capacity_counted: i64,
    total_data: TotalData,
}

#[derive(Serialize)]
struct TotalData {
    in_cumulative_counted: u64,
    out_cumulative_counted: u64,
    capacity_cumulative_counted: i64,
}

#[derive(Serialize)]
struct TriggerReport {
    #[serde(flatten)]
    head: Head<TriggerTime>,
    line_trigger_data: TriggerData,
}

#[derive(Serialize)]
struct TriggerData {
    #[serde(rename = "in")]
    line_in: u64,
    out: u64,
}

/// The periodic report of the interval between two readings of the clock: who passed in it, and since the last reset.
pub(crate) fn interval_line(head: &Letterhead, now: Passed, total: Passed, start: RtcTime, end: RtcTime) -> Report {
    let document = IntervalReport {
        head: head.interval(EVENT, start, end),
        in_counted: now.line_in,
        out_counted: now.line_out,
        capacity_counted: now.capacity(),
        total_data: TotalData {
            in_cumulative_counted: total.line_in,
            out_cumulative_counted: total.line_out,
            capacity_cumulative_counted: total.capacity(),
        },
    };
    Report::new(ReportKind::Interval, &document)
}

/// The trigger report, made when the clock reads `time`, of one change of the count.
pub(crate) fn trigger_line(head: &Letterhead, change: Passed, time: RtcTime) -> Report {
    let document = TriggerReport {
        head: head.trigger(EVENT, time),
        line_trigger_data: TriggerData { line_in: change.line_in, out: change.line_out },
    };
    Report::new(ReportKind::Trigger, &document)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{END, START, head};
    use super::*;

    #[test]
    fn periodic_line_crossing() {
        let (now, total) = (Passed { line_in: 3, line_out: 5 }, Passed { line_in: 20, line_out: 12 });
        insta::assert_snapshot!(interval_line(&head(), now, total, START, END).document);
    }

    #[test]
    fn trigger_line_crossing() {
        insta::assert_snapshot!(trigger_line(&head(), Passed { line_in: 1, line_out: 0 }, END).document);
    }
}
