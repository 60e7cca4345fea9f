//! The document of *People Flow Analysis* (guide §7.7).

use firmware_shim::RtcTime;
use serde::{Serialize, Serializer};

use super::{Head, IntervalTime, Letterhead, Report};
use crate::diagnostic::ReportKind;

#[derive(Serialize)]
struct IntervalReport<'a> {
    #[serde(flatten)]
    head: Head<IntervalTime>,
    flow_data: FlowData<'a>,
}

/// How many went from each edge to each: the key `A-B` is from the first edge to the second.
struct FlowData<'a>(&'a [Vec<u64>]);

impl Serialize for FlowData<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let letters = || 'A'..='Z';
        let pairs =
            letters().zip(self.0).flat_map(|(from, row)| letters().zip(row).map(move |(to, count)| (from, to, count)));
        serializer.collect_map(pairs.map(|(from, to, count)| (format!("{from}-{to}"), count)))
    }
}

/// The periodic report of the interval between two readings of the clock. `passed[from][to]`: how many went from edge to edge.
pub(crate) fn interval_flow(head: &Letterhead, passed: &[Vec<u64>], start: RtcTime, end: RtcTime) -> Report {
    let document =
        IntervalReport { head: head.interval("People Flow Analysis", start, end), flow_data: FlowData(passed) };
    Report::new(ReportKind::Interval, &document)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{END, START, head};
    use super::*;

    #[test]
    fn flow_through_a_quadrangle() {
        let passed = (0..4).map(|from| (0..4).map(|to| 4 * from + to).collect()).collect::<Vec<_>>();
        insta::assert_snapshot!(interval_flow(&head(), &passed, START, END).document);
    }

    #[test]
    fn flow_through_a_triangle_has_nine_keys() {
        insta::assert_snapshot!(interval_flow(&head(), &vec![vec![1, 0, 2]; 3], START, END).document);
    }
}
