//! The documents of *Region People Counting* (guide §7.1 and §7.2).

use std::collections::BTreeMap;

use analytics::Counts;
use firmware_shim::RtcTime;
use serde::Serialize;

use super::{DeviceInfo, Head, IntervalTime, Letterhead, Report, TriggerTime};
use crate::configuration::{Area, Configuration, ReportingType};
use crate::diagnostic::ReportKind;

const EVENT: &str = "Region People Counting";

#[derive(Serialize)]
struct IntervalReport {
    #[serde(flatten)]
    head: Head<IntervalTime>,
    current_total: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_counted: Option<u32>,
    #[serde(rename = "Max_counted", skip_serializing_if = "Option::is_none")]
    capital_max_counted: Option<u32>,
    #[serde(flatten)]
    regions: RegionKeys,
}

/// Its kind comes later than in the others.
#[derive(Serialize)]
struct TriggerReport {
    event: &'static str,
    device_info: DeviceInfo,
    time_info: TriggerTime,
    report_type: &'static str,
    current_total: u32,
    #[serde(flatten)]
    regions: RegionKeys,
}

/// The keys that tell of regions: only their number, 0, when none are reported.
#[derive(Serialize)]
struct RegionKeys {
    total_mapped_regions: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    regions_name: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    numbering_regions: Option<Vec<u32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    occupancy: Option<Vec<u8>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_counted: Option<Vec<u32>>,
}

/// What of the configuration shapes a report.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Profile {
    pub head: Letterhead,
    reporting_type: ReportingType,
    /// Whether regions are reported at all: some are drawn, in use, and mapped.
    with_regions: bool,
    /// What the regions are called, by their numbers, when reports say so.
    names: Option<BTreeMap<u32, String>>,
}

impl Profile {
    pub fn new(configuration: &Configuration, head: &Letterhead) -> Self {
        let detection = &configuration.region_people_counting.detection_region;
        let mapped = detection.enable && detection.area == Area::Mapped;
        Profile {
            head: head.clone(),
            // The guide offers the choice with mapped regions only; elsewhere the report is the one that counts people.
            reporting_type: if mapped { detection.reporting_type } else { ReportingType::RegionPeopleCounting },
            with_regions: mapped && !detection.regions.is_empty(),
            names: configuration
                .general
                .regions_name
                .then(|| detection.regions.iter().map(|region| (region.id.get(), region.name.clone())).collect()),
        }
    }

    /// The periodic report of the interval between two readings of the clock.
    pub fn interval(&self, counts: &Counts, total_max: u32, start: RtcTime, end: RtcTime) -> Report {
        let of_type = |reporting_type| (self.reporting_type == reporting_type).then_some(total_max);
        let document = IntervalReport {
            head: self.head.interval(EVENT, start, end),
            current_total: counts.total,
            max_counted: of_type(ReportingType::Occupancy),
            capital_max_counted: of_type(ReportingType::RegionPeopleCounting),
            regions: self.regions(counts),
        };
        Report::new(ReportKind::Interval, &document)
    }

    /// The trigger report made when the clock reads `time`.
    pub fn trigger(&self, counts: &Counts, time: RtcTime) -> Report {
        let Head { event, report_type, device_info, time_info } = self.head.trigger(EVENT, time);
        let (current_total, regions) = (counts.total, self.regions(counts));
        let document = TriggerReport { event, device_info, time_info, report_type, current_total, regions };
        Report::new(ReportKind::Trigger, &document)
    }

    /// The numbers a report of these counts shows: what *Once result changes* compares.
    pub fn reported_numbers(&self, counts: &Counts) -> Vec<u32> {
        let regions = self.regions(counts);
        let occupancy = regions.occupancy.unwrap_or_default().into_iter().map(u32::from);
        let counted = regions.current_counted.unwrap_or_default();
        std::iter::once(counts.total).chain(occupancy).chain(counted).collect()
    }

    /// Which reported elements are above zero: what *Zero to Non-zero/Non-zero to Zero* compares. Each region, or the
    /// total when no region is reported.
    pub fn reported_occupancy(&self, counts: &Counts) -> Vec<bool> {
        if self.with_regions {
            counts.regions.iter().map(|region| region.count > 0).collect()
        } else {
            vec![counts.total > 0]
        }
    }

    fn regions(&self, counts: &Counts) -> RegionKeys {
        let mut keys = RegionKeys {
            total_mapped_regions: 0,
            regions_name: None,
            numbering_regions: None,
            occupancy: None,
            current_counted: None,
        };
        if self.with_regions {
            let regions = counts.regions.iter();
            keys.total_mapped_regions = regions.len();
            keys.regions_name = self.names.as_ref().map(|names| {
                regions.clone().map(|region| names.get(&region.id).cloned().unwrap_or_default()).collect()
            });
            keys.numbering_regions = Some(regions.clone().map(|region| region.id).collect());
            match self.reporting_type {
                ReportingType::Occupancy => {
                    keys.occupancy = Some(regions.map(|region| u8::from(region.count > 0)).collect());
                }
                ReportingType::RegionPeopleCounting => {
                    keys.current_counted = Some(regions.map(|region| region.count).collect());
                }
            }
        }
        keys
    }
}

#[cfg(test)]
mod tests {
    use analytics::RegionCount;
    use chrono_tz::Tz;

    use super::super::tests::head_of;
    use super::*;
    use crate::configuration::{Polygon, RegionSettings};

    fn configuration(area: Area, reporting_type: ReportingType, region_ids: &[u32]) -> Configuration {
        let mut configuration = Configuration { time_zone: Tz::Asia__Shanghai, ..Configuration::default() };
        let corners = [(0.1, 0.1), (0.4, 0.1), (0.4, 0.4)].map(|(x, y)| glam::DVec2::new(x, y)).to_vec();
        let region = |id: &u32| RegionSettings {
            id: (*id).try_into().expect("from 1"),
            name: String::new(),
            polygon: Polygon::try_from(corners.clone()).expect("a triangle"),
        };
        let detection = &mut configuration.region_people_counting.detection_region;
        detection.area = area;
        detection.reporting_type = reporting_type;
        detection.regions = region_ids.iter().map(region).collect();
        configuration
    }

    const START: RtcTime = RtcTime(1_671_531_352_000_000_000);
    const END: RtcTime = RtcTime(1_671_534_952_000_000_000);

    fn counts() -> Counts {
        let region = |id, count| RegionCount { id, count };
        Counts { total: 9, regions: vec![region(1, 5), region(2, 0), region(4, 4)] }
    }

    fn profile_of(area: Area, reporting_type: ReportingType, region_ids: &[u32]) -> Profile {
        let configuration = configuration(area, reporting_type, region_ids);
        Profile::new(&configuration, &head_of(&configuration))
    }

    fn profile(reporting_type: ReportingType) -> Profile {
        profile_of(Area::Mapped, reporting_type, &[1, 2, 4])
    }

    #[test]
    fn periodic_occupancy() {
        insta::assert_snapshot!(profile(ReportingType::Occupancy).interval(&counts(), 12, START, END).document);
    }

    #[test]
    fn periodic_region_people_counting() {
        let report = profile(ReportingType::RegionPeopleCounting).interval(&counts(), 12, START, END);
        insta::assert_snapshot!(report.document);
    }

    #[test]
    fn trigger_occupancy() {
        insta::assert_snapshot!(profile(ReportingType::Occupancy).trigger(&counts(), END).document);
    }

    #[test]
    fn trigger_region_people_counting() {
        insta::assert_snapshot!(profile(ReportingType::RegionPeopleCounting).trigger(&counts(), END).document);
    }

    #[test]
    fn regions_are_named_if_that_is_set_and_any_is_reported() {
        let reports = |area, reporting_type, ids: &[u32]| {
            let mut configuration = configuration(area, reporting_type, ids);
            configuration.general.regions_name = true;
            for (region, name) in
                configuration.region_people_counting.detection_region.regions.iter_mut().zip(["Door", "", "Desk"])
            {
                region.name = name.to_owned();
            }
            let profile = Profile::new(&configuration, &head_of(&configuration));
            let counts = if ids.is_empty() { Counts { total: 9, regions: vec![] } } else { counts() };
            [profile.interval(&counts, 12, START, END).document, profile.trigger(&counts, END).document]
        };
        let all = [
            reports(Area::Mapped, ReportingType::Occupancy, &[1, 2, 4]),
            reports(Area::Mapped, ReportingType::RegionPeopleCounting, &[1, 2, 4]),
        ];
        insta::assert_snapshot!(all.concat().join("\n"));
        let unnamed = [
            reports(Area::Mapped, ReportingType::Occupancy, &[]),
            reports(Area::NonMapped, ReportingType::RegionPeopleCounting, &[1, 2, 4]),
        ];
        assert!(unnamed.concat().iter().all(|document| !document.contains("regions_name")), "{unnamed:?}");
    }

    #[test]
    fn without_regions_there_are_no_region_keys() {
        let profile = profile_of(Area::Mapped, ReportingType::Occupancy, &[]);
        let counts = Counts { total: 2, regions: Vec::new() };
        insta::assert_snapshot!(profile.interval(&counts, 3, START, END).document);
    }

    #[test]
    fn outside_the_regions_there_are_no_region_keys() {
        let profile = profile_of(Area::NonMapped, ReportingType::RegionPeopleCounting, &[1, 2, 4]);
        insta::assert_snapshot!(profile.trigger(&counts(), END).document);
    }
}
