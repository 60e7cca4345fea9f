//! *People Flow Analysis* (guide §5.3.3).

use glam::DVec2;
use serde::{Deserialize, Serialize};

use super::NAME_BYTES_MAX;
use super::json::Json;
use super::problem::Problems;
use super::protocol::ReportProtocol;
use super::reading::{Place, Read};
use super::times::{ReportRegularly, TimeSchedule};

/// Edges of a quadrangle.
const EDGES_MAX: usize = 4;

/// *People Flow Analysis* (guide §5.3.3). Off unless set: without a region there is nothing to count.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PeopleFlowAnalysis {
    /// Whether the function counts and reports at all.
    pub enable: bool,
    /// Periodic reports; this function has no others.
    pub report_regularly: ReportRegularly,
    /// Where reports go.
    pub protocol: ReportProtocol,
    /// *Set Detection Region*.
    pub region: Option<FlowRegion>,
    /// What people call the edges, from the one between the first two corners on. Reports say A to D all the same.
    pub edge_names: Vec<String>,
    /// *Time Schedule*.
    pub time_schedule: TimeSchedule,
}

impl PeopleFlowAnalysis {
    pub(super) fn check(&self, problems: &mut Problems) {
        self.protocol.check(&mut problems.below("protocol"));
        if self.report_regularly == ReportRegularly::Off {
            problems.add(
                "report_regularly",
                "must be FromNowOn or OnTheDot: people flow has no other reports; to have none, turn `enable` off",
            );
        }
        if self.enable && self.region.is_none() {
            problems.add_between(
                "region",
                &["enable"],
                "must be drawn: without one there is no edge that people could come through",
            );
        }
        if self.edge_names.len() > EDGES_MAX {
            problems.add("edge_names", format!("must be at most {EDGES_MAX} names, not {}", self.edge_names.len()));
        }
        let edges = self.region.as_ref().map_or(0, |region| region.corners().len());
        if (edges + 1..=EDGES_MAX).contains(&self.edge_names.len()) {
            problems.add_between(
                "edge_names",
                &["region"],
                format!("must be at most {edges}, one for each edge of the region, not {}", self.edge_names.len()),
            );
        }
        for (i, name) in self.edge_names.iter().enumerate().filter(|(_, name)| name.len() > NAME_BYTES_MAX) {
            problems.add(
                format!("edge_names[{i}]"),
                format!("must be at most {NAME_BYTES_MAX} bytes long, not {}", name.len()),
            );
        }
    }
}

/// A triangle or a convex quadrangle in normalised image coordinates: [0, 1] from the top left. Edge A is from the first corner drawn
/// to the second, B from the second to the third, and so on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<DVec2>", into = "Vec<DVec2>")]
pub struct FlowRegion(Vec<DVec2>);

impl FlowRegion {
    /// In the order of drawing.
    pub fn corners(&self) -> &[DVec2] {
        &self.0
    }
}

impl TryFrom<Vec<DVec2>> for FlowRegion {
    type Error = String;

    fn try_from(corners: Vec<DVec2>) -> Result<Self, String> {
        analytics::flow_region_problem(&corners).map_or(Ok(FlowRegion(corners)), Err)
    }
}

impl From<FlowRegion> for Vec<DVec2> {
    fn from(region: FlowRegion) -> Vec<DVec2> {
        region.0
    }
}

impl Read for PeopleFlowAnalysis {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        place.group(json, |group| PeopleFlowAnalysis {
            enable: group.or("enable", false),
            report_regularly: group.or("report_regularly", ReportRegularly::default()),
            protocol: group.or("protocol", ReportProtocol::default()),
            region: group.or("region", None),
            edge_names: group.or("edge_names", vec![]),
            time_schedule: group.or("time_schedule", TimeSchedule::default()),
        })
    }
}

impl Read for FlowRegion {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        place.points(json)
    }
}
