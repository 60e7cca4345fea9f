//! The functions of guide §5.3 together.

use crate::line_crossing_counting::LineCrossing;
use crate::people_flow_analysis::PeopleFlow;
use crate::region_people_counting::RegionCounting;
use crate::rota::Rota;

/// What counts and reports. Each is `None` until the first step.
#[derive(Default)]
pub struct Functions {
    pub region: Option<RegionCounting>,
    pub line: Option<LineCrossing>,
    pub flow: Option<PeopleFlow>,
}

impl Functions {
    /// Whether any works at present, so that frames need to be analysed.
    pub fn are_on(&self) -> bool {
        self.region.as_ref().is_some_and(RegionCounting::is_on)
            || self.line.as_ref().is_some_and(LineCrossing::is_on)
            || self.flow.as_ref().is_some_and(PeopleFlow::is_on)
    }

    /// The hours and intervals of each.
    pub fn rotas(&self) -> [Option<&Rota>; 3] {
        [
            self.region.as_ref().map(RegionCounting::rota),
            self.line.as_ref().map(LineCrossing::rota),
            self.flow.as_ref().map(PeopleFlow::rota),
        ]
    }

    pub fn rotas_mut(&mut self) -> [Option<&mut Rota>; 3] {
        [
            self.region.as_mut().map(RegionCounting::rota_mut),
            self.line.as_mut().map(LineCrossing::rota_mut),
            self.flow.as_mut().map(PeopleFlow::rota_mut),
        ]
    }
}
