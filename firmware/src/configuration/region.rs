//! *Region People Counting* (guide §5.3.1).

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use glam::DVec2;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::NAME_BYTES_MAX;
use super::json::Json;
use super::problem::Problems;
use super::protocol::ReportProtocol;
use super::reading::{Place, Read, StandIn};
use super::times::{ReportRegularly, ResetOnSchedule, TimeSchedule};
use super::within;

/// Regions a device can hold (guide §5.3.1).
pub const REGIONS_MAX: u32 = 16;

/// *Region People Counting* (guide §5.3.1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegionPeopleCounting {
    /// Whether the function counts and reports at all.
    pub enable: bool,
    /// Periodic reports.
    pub report_regularly: ReportRegularly,
    /// Trigger reports.
    pub report_by_result: ReportByResult,
    /// Where reports go.
    pub protocol: ReportProtocol,
    /// Where people are counted.
    pub detection_region: DetectionRegion,
    /// A count is believed when it has lasted this long, 0 to 10 s.
    pub stable_for_s: StableSeconds,
    /// *Dwell Time Detection*.
    pub dwell_time_detection: bool,
    /// *Min. Dwell Time*: shorter stays are none. 2 s unless set, as the guide pictures.
    pub min_dwell_s: DwellSeconds,
    /// *Trigger Report (Dwell)*: of each stay that ends.
    pub trigger_report_dwell: bool,
    /// *Overcrowding Alarm* on DO.
    pub overcrowding_alarm: OvercrowdingAlarm,
    /// *Reset Cumulative Count on Schedule*: of dwell times and each region's In and Out.
    pub reset: ResetOnSchedule,
    /// *Time Schedule*.
    pub time_schedule: TimeSchedule,
}

impl Default for RegionPeopleCounting {
    fn default() -> Self {
        RegionPeopleCounting {
            enable: true,
            report_regularly: ReportRegularly::default(),
            report_by_result: ReportByResult::Off,
            protocol: ReportProtocol::default(),
            detection_region: DetectionRegion::default(),
            stable_for_s: StableSeconds::try_from(1.0).expect("1 s is within 0 to 10 s"),
            dwell_time_detection: false,
            min_dwell_s: DwellSeconds(2),
            trigger_report_dwell: false,
            overcrowding_alarm: OvercrowdingAlarm::Off,
            reset: ResetOnSchedule::Off,
            time_schedule: TimeSchedule::default(),
        }
    }
}

/// *Report by Result* and its mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReportByResult {
    /// No trigger reports.
    #[default]
    Off,
    /// Whenever any reported number changes.
    OnceResultChanges,
    /// Whenever any reported element moves between zero and more than zero.
    ZeroNonZero,
}

/// *Overcrowding Alarm*: the DO contact opens while the number is over the threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum OvercrowdingAlarm {
    /// The contact stays closed.
    #[default]
    Off,
    /// By the people of all drawn regions, each once; of the whole view when none is drawn.
    TotalNumber {
        /// More people than this are too many: 0 to 1000.
        #[serde(deserialize_with = "read_threshold")]
        threshold: u32,
    },
    /// By the people of any one region; of the whole view when none is drawn.
    NumberInArea {
        /// More people than this are too many: 0 to 1000.
        #[serde(deserialize_with = "read_threshold")]
        threshold: u32,
    },
}

/// *Trigger Threshold*. The guide gives no limit; no view holds a thousand people.
fn threshold(people: i64) -> Result<u32, String> {
    within(people, 0..=1000, "people")
}

fn read_threshold<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    threshold(i64::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// *Min. Dwell Time*: 0 to 86400 s. The range is ours, as the guide names none; a day is as long as the longest interval of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct DwellSeconds(u32);

impl TryFrom<i64> for DwellSeconds {
    type Error = String;

    fn try_from(seconds: i64) -> Result<Self, String> {
        within(seconds, 0..=86_400, "seconds").map(DwellSeconds)
    }
}

impl From<DwellSeconds> for i64 {
    fn from(seconds: DwellSeconds) -> i64 {
        seconds.0.into()
    }
}

impl From<DwellSeconds> for u32 {
    fn from(seconds: DwellSeconds) -> u32 {
        seconds.0
    }
}

/// *Set Detection Region*.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DetectionRegion {
    /// Off: people are counted in the whole view.
    pub enable: bool,
    /// Inside or outside the regions.
    pub area: Area,
    /// What is reported of each region.
    pub reporting_type: ReportingType,
    /// At most 16. None: people are counted in the whole view.
    pub regions: Vec<RegionSettings>,
}

impl Default for DetectionRegion {
    fn default() -> Self {
        DetectionRegion {
            enable: true,
            area: Area::Mapped,
            reporting_type: ReportingType::RegionPeopleCounting,
            regions: Vec::new(),
        }
    }
}

/// *Detection Area*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Area {
    /// People in at least one region.
    #[default]
    Mapped,
    /// People in none.
    NonMapped,
}

/// *Reporting Type*, a choice only with mapped regions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReportingType {
    /// Whether anybody is in each region.
    Occupancy,
    /// How many people are in each region.
    #[default]
    RegionPeopleCounting,
}

/// One region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionSettings {
    /// Its number in reports, from 1; kept when another region is deleted.
    pub id: NonZeroU32,
    /// A name for people.
    #[serde(default)]
    pub name: String,
    /// Its outline in normalised image coordinates.
    pub polygon: Polygon,
}

impl RegionPeopleCounting {
    pub(super) fn check(&self, problems: &mut Problems) {
        self.protocol.check(&mut problems.below("protocol"));
        self.detection_region.check(&mut problems.below("detection_region"));
    }
}

impl DetectionRegion {
    fn check(&self, problems: &mut Problems) {
        if self.area == Area::NonMapped && self.reporting_type == ReportingType::Occupancy {
            let message =
                "must be RegionPeopleCounting when area is NonMapped: occupancy is of mapped regions".to_owned();
            problems.add_between("reporting_type", &["area"], message);
        }
        let regions = &self.regions;
        if regions.len() > REGIONS_MAX as usize {
            problems.add("regions", format!("must be at most {REGIONS_MAX} regions, not {}", regions.len()));
        }
        let mut first: BTreeMap<NonZeroU32, usize> = BTreeMap::new();
        for (i, region) in regions.iter().enumerate() {
            let before = *first.entry(region.id).or_insert(i);
            if before != i {
                let message = format!("must differ from the id of regions[{before}], which is {}, too", region.id);
                problems.add_between(format!("regions[{i}].id"), &[&format!("regions[{before}].id")], message);
            }
            if region.name.len() > NAME_BYTES_MAX {
                let message = format!("must be at most {NAME_BYTES_MAX} bytes long, not {}", region.name.len());
                problems.add(format!("regions[{i}].name"), message);
            }
        }
    }
}

/// How long a count must last to be believed: 0 to 10 s.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct StableSeconds(f64);

impl TryFrom<f64> for StableSeconds {
    type Error = String;

    fn try_from(seconds: f64) -> Result<Self, String> {
        if (0.0..=10.0).contains(&seconds) {
            Ok(StableSeconds(seconds))
        } else {
            Err(format!("must be 0 to 10 seconds, not {seconds}"))
        }
    }
}

impl From<StableSeconds> for f64 {
    fn from(stable: StableSeconds) -> f64 {
        stable.0
    }
}

/// The outline of a region in normalised image coordinates: [0, 1] from the top left, at least three corners, no side
/// crossing another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<DVec2>", into = "Vec<DVec2>")]
pub struct Polygon(Vec<DVec2>);

impl Polygon {
    /// The corners in drawing order.
    pub fn corners(&self) -> &[DVec2] {
        &self.0
    }
}

impl TryFrom<Vec<DVec2>> for Polygon {
    type Error = String;

    fn try_from(corners: Vec<DVec2>) -> Result<Self, String> {
        match analytics::polygon_problem(&corners) {
            Some(problem) => Err(problem),
            None => Ok(Polygon(corners)),
        }
    }
}

impl From<Polygon> for Vec<DVec2> {
    fn from(polygon: Polygon) -> Vec<DVec2> {
        polygon.0
    }
}

impl Read for RegionPeopleCounting {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        let default = RegionPeopleCounting::default();
        place.group(json, |group| RegionPeopleCounting {
            enable: group.or("enable", default.enable),
            report_regularly: group.or("report_regularly", default.report_regularly),
            report_by_result: group.or("report_by_result", default.report_by_result),
            protocol: group.or("protocol", default.protocol),
            detection_region: group.or("detection_region", default.detection_region),
            stable_for_s: group.or("stable_for_s", default.stable_for_s),
            dwell_time_detection: group.or("dwell_time_detection", default.dwell_time_detection),
            min_dwell_s: group.or("min_dwell_s", default.min_dwell_s),
            trigger_report_dwell: group.or("trigger_report_dwell", default.trigger_report_dwell),
            overcrowding_alarm: group.or("overcrowding_alarm", default.overcrowding_alarm),
            reset: group.or("reset", default.reset),
            time_schedule: group.or("time_schedule", default.time_schedule),
        })
    }
}

impl Read for ReportByResult {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        use ReportByResult::{Off, OnceResultChanges, ZeroNonZero};
        place.name(json, &[("Off", Off), ("OnceResultChanges", OnceResultChanges), ("ZeroNonZero", ZeroNonZero)])
    }
}

/// *Trigger Threshold*.
struct Threshold(u32);

impl Read for Threshold {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        place.number_within(json, "0 to 1000 people", threshold).map(Threshold)
    }
}

impl StandIn for Threshold {
    fn stand_in() -> Self {
        Threshold(0)
    }
}

impl Read for OvercrowdingAlarm {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        let (name, settings) = place.choice(json, &["Off"], &["TotalNumber", "NumberInArea"])?;
        if name == "Off" {
            return Some(OvercrowdingAlarm::Off);
        }
        place.group(settings, |group| {
            let Threshold(threshold) = group.must("threshold");
            match name {
                "TotalNumber" => OvercrowdingAlarm::TotalNumber { threshold },
                _ => OvercrowdingAlarm::NumberInArea { threshold },
            }
        })
    }
}

impl Read for DwellSeconds {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        place.whole(json, "0 to 86400 seconds")
    }
}

impl Read for StableSeconds {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        let seconds = f64::read(json, place)?;
        place.accept(StableSeconds::try_from(seconds))
    }
}

impl Read for DetectionRegion {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        let default = DetectionRegion::default();
        place.group(json, |group| DetectionRegion {
            enable: group.or("enable", default.enable),
            area: group.or("area", default.area),
            reporting_type: group.or("reporting_type", default.reporting_type),
            regions: group.or("regions", default.regions),
        })
    }
}

impl Read for Area {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        place.name(json, &[("Mapped", Area::Mapped), ("NonMapped", Area::NonMapped)])
    }
}

impl Read for ReportingType {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        use ReportingType::{Occupancy, RegionPeopleCounting};
        place.name(json, &[("Occupancy", Occupancy), ("RegionPeopleCounting", RegionPeopleCounting)])
    }
}

impl Read for RegionSettings {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        place.group(json, |group| RegionSettings {
            id: group.must("id"),
            name: group.or("name", String::new()),
            polygon: group.must("polygon"),
        })
    }
}

impl StandIn for RegionSettings {
    fn stand_in() -> Self {
        RegionSettings { id: NonZeroU32::stand_in(), name: String::new(), polygon: Polygon::stand_in() }
    }
}

impl Read for Polygon {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        place.points(json)
    }
}

impl StandIn for Polygon {
    fn stand_in() -> Self {
        Polygon(vec![DVec2::ZERO, DVec2::X, DVec2::ONE])
    }
}
