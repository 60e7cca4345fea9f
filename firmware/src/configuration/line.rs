//! *Line Crossing Counting* (guide §5.3.2).

use glam::DVec2;
use serde::{Deserialize, Serialize};

use super::json::Json;
use super::problem::Problems;
use super::protocol::ReportProtocol;
use super::reading::{Place, Read};
use super::region::Polygon;
use super::times::{ReportRegularly, ResetOnSchedule, TimeSchedule};

/// *Line Crossing Counting* (guide §5.3.2). Off unless set: without a line there is nothing to count.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LineCrossingCounting {
    /// Whether the function counts and reports at all.
    pub enable: bool,
    /// Periodic reports.
    pub report_regularly: ReportRegularly,
    /// *Trigger Report*: of each count.
    pub trigger_report: bool,
    /// *Filter U-turns*: with an area drawn, who crosses the line must have gone through it.
    pub filter_u_turns: bool,
    /// *Filter Staff/Deliverer*: after a signal at DI the next count within 8 s is left out.
    pub filter_staff: bool,
    /// Where reports go.
    pub protocol: ReportProtocol,
    /// *Reset Cumulative Count on Schedule*.
    pub reset: ResetOnSchedule,
    /// *Set Detection Line*.
    pub line: Option<DetectionLine>,
    /// The area of *Filter U-turns*.
    pub u_turn_area: Option<Polygon>,
    /// *Time Schedule*.
    pub time_schedule: TimeSchedule,
}

impl LineCrossingCounting {
    pub(super) fn check(&self, problems: &mut Problems) {
        self.protocol.check(&mut problems.below("protocol"));
        if self.enable && self.line.is_none() {
            problems.add_between(
                "line",
                &["enable"],
                "must be drawn: without one there is nothing that people could cross",
            );
        } else if self.line.is_none() && self.u_turn_area.is_some() {
            problems.add_between("u_turn_area", &["line"], "needs a `line` that it is around");
        }
    }
}

/// A line of one to four segments in normalised image coordinates: [0, 1] from the top left. Its arrow points to the left of the
/// direction of drawing as seen on the screen; crossing along it is In.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<DVec2>", into = "Vec<DVec2>")]
pub struct DetectionLine(Vec<DVec2>);

impl DetectionLine {
    /// In the order of drawing.
    pub fn points(&self) -> &[DVec2] {
        &self.0
    }
}

impl TryFrom<Vec<DVec2>> for DetectionLine {
    type Error = String;

    fn try_from(points: Vec<DVec2>) -> Result<Self, String> {
        analytics::line_problem(&points).map_or(Ok(DetectionLine(points)), Err)
    }
}

impl From<DetectionLine> for Vec<DVec2> {
    fn from(line: DetectionLine) -> Vec<DVec2> {
        line.0
    }
}

impl Read for LineCrossingCounting {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        place.group(json, |group| LineCrossingCounting {
            enable: group.or("enable", false),
            report_regularly: group.or("report_regularly", ReportRegularly::default()),
            trigger_report: group.or("trigger_report", false),
            filter_u_turns: group.or("filter_u_turns", false),
            filter_staff: group.or("filter_staff", false),
            protocol: group.or("protocol", ReportProtocol::default()),
            reset: group.or("reset", ResetOnSchedule::Off),
            line: group.or("line", None),
            u_turn_area: group.or("u_turn_area", None),
            time_schedule: group.or("time_schedule", TimeSchedule::default()),
        })
    }
}

impl Read for DetectionLine {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        place.points(json)
    }
}
