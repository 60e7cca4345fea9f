use std::num::NonZeroU32;

use analytics::RegionCount;
use glam::DVec2;
use serde_json::Value;

use super::*;
use crate::configuration::{
    IntervalSeconds, Period, Polygon, RegionSettings, ReportRegularly, ReportingType, StableSeconds, TimeSchedule,
};
use crate::report::tests::head_of;
use crate::test_view::view;

/// A room with two tables, 1 and 2, looked at ten times a second. Power-on is 2022/12/20 10:00:00 UTC.
struct Room {
    configuration: Configuration,
    counting: Option<RegionCounting>,
    now_ms: u64,
    /// What the calendar was put forward by.
    clock_put_by_s: i64,
    /// Where everybody is, for those who time stays.
    people: Vec<Placed>,
    reports: Vec<Value>,
}

const POWER_ON_S: i64 = 1_671_530_400;

impl Room {
    fn new() -> Self {
        let mut configuration = Configuration::default();
        let corners = [(0.1, 0.1), (0.4, 0.1), (0.4, 0.4)].map(|(x, y)| DVec2::new(x, y)).to_vec();
        let table = |id| RegionSettings {
            id: NonZeroU32::new(id).expect("from 1"),
            name: format!("Table {id}"),
            polygon: Polygon::try_from(corners.clone()).expect("a triangle"),
        };
        let settings = &mut configuration.region_people_counting;
        settings.report_regularly = ReportRegularly::Off;
        settings.detection_region.regions = vec![table(2), table(1)];
        Room { configuration, counting: None, now_ms: 0, clock_put_by_s: 0, people: vec![], reports: Vec::new() }
    }

    fn reporting_every(mut self, interval_s: i64) -> Self {
        let interval_s = IntervalSeconds::try_from(interval_s).expect("5 to 86400 s");
        self.configuration.region_people_counting.report_regularly = ReportRegularly::FromNowOn { interval_s };
        self
    }

    fn reporting_results(mut self, mode: ReportByResult) -> Self {
        self.configuration.region_people_counting.report_by_result = mode;
        self
    }

    fn reporting(mut self, reporting_type: ReportingType) -> Self {
        self.configuration.region_people_counting.detection_region.reporting_type = reporting_type;
        self
    }

    fn believing_after(mut self, seconds: f64) -> Self {
        self.configuration.region_people_counting.stable_for_s = StableSeconds::try_from(seconds).expect("0 to 10 s");
        self
    }

    fn instant(&self) -> (Uptime, RtcTime) {
        let rtc = (POWER_ON_S + self.clock_put_by_s) * 1_000_000_000 + self.now_ms as i64 * 1_000_000;
        (Uptime::from_millis(self.now_ms), RtcTime(rtc))
    }

    fn saved(mut self) -> Self {
        let (now, rtc) = self.instant();
        self.counting = Some(RegionCounting::start(
            &self.configuration,
            &head_of(&self.configuration),
            &view(),
            now,
            rtc,
            self.counting.take(),
        ));
        self
    }

    /// `total` people are seen, so many of them at each table, from now on for some seconds.
    fn shows(mut self, total: u32, tables: [u32; 2], for_s: f64) -> Self {
        if self.counting.is_none() {
            self = self.saved();
        }
        let regions = vec![RegionCount { id: 1, count: tables[0] }, RegionCount { id: 2, count: tables[1] }];
        let counts = Counts { total, regions };
        let end_ms = self.now_ms + (for_s * 1000.0) as u64;
        while self.now_ms < end_ms {
            let (now, rtc) = self.instant();
            let seen = Seen { taken_at: now, counts: &counts, people: &self.people };
            let reports = self.counting.as_mut().expect("saved").step(now, rtc, Some(seen), &mut vec![]);
            self.reports.extend(reports.iter().map(|report| serde_json::from_str(&report.document).expect("JSON")));
            self.now_ms += 100;
        }
        self
    }

    fn clock_put_forward(mut self, seconds: i64) -> Self {
        self.clock_put_by_s += seconds;
        self
    }

    /// Some keys of every report so far, the times without their date.
    fn reports(&self, keys: &[&str]) -> Vec<String> {
        let value = |report: &Value, key: &str| match &report.pointer(&format!("/{key}")) {
            Some(Value::String(text)) => text.rsplit(' ').next().unwrap_or_default().to_owned(),
            Some(other) => other.to_string(),
            None => "-".to_owned(),
        };
        let line = |report: &Value| keys.iter().map(|key| value(report, key)).collect::<Vec<_>>().join(" ");
        self.reports.iter().map(line).collect()
    }
}

const PERIOD: [&str; 4] = ["time_info/start_time", "time_info/end_time", "current_total", "Max_counted"];

#[test]
fn from_now_on_reports_once_per_interval() {
    let room = Room::new().reporting_every(10).shows(0, [0, 0], 31.0);
    assert_eq!(room.reports(&PERIOD[..2]), ["10:00:00 10:00:10", "10:00:10 10:00:20", "10:00:20 10:00:30"]);
}

#[test]
fn saving_the_setting_begins_the_interval_anew() {
    let room = Room::new().reporting_every(20).shows(0, [0, 0], 7.0);
    let room = room.reporting_every(10).saved().shows(0, [0, 0], 11.0);
    assert_eq!(room.reports(&PERIOD[..2]), ["10:00:07 10:00:17"]);
    // What is saved as it was is no change.
    let room = Room::new().reporting_every(10).shows(0, [0, 0], 7.0).saved().shows(0, [0, 0], 11.0);
    assert_eq!(room.reports(&PERIOD[..2]), ["10:00:00 10:00:10"]);
}

#[test]
fn a_clock_jump_within_an_interval_shows_at_its_ends_and_changes_nothing_else() {
    let room = Room::new().reporting_every(10).shows(0, [0, 0], 5.0).clock_put_forward(3600).shows(0, [0, 0], 16.0);
    assert_eq!(room.reports(&PERIOD[..2]), ["10:00:00 11:00:10", "11:00:10 11:00:20"]);
}

#[test]
fn the_maximum_is_of_the_interval_and_begins_with_what_is_believed() {
    let room = Room::new().reporting_every(10).shows(3, [3, 0], 4.0).shows(1, [1, 0], 16.5).shows(0, [0, 0], 10.0);
    // 3 people are believed from second 1 to 5; 1 at the end of the second interval and so at the start of the third.
    assert_eq!(room.reports(&PERIOD[2..]), ["1 3", "1 1", "0 1"]);
}

#[test]
fn who_leaves_just_after_an_interval_began_still_makes_its_maximum() {
    let room = Room::new().reporting_every(10).shows(3, [3, 0], 9.1).shows(1, [1, 0], 11.0);
    assert_eq!(room.reports(&PERIOD[2..]), ["3 3", "1 3"]);
}

#[test]
fn a_flicker_is_no_maximum() {
    let room = Room::new().reporting_every(10).shows(2, [2, 0], 3.0).shows(4, [4, 0], 0.9).shows(2, [2, 0], 7.0);
    assert_eq!(room.reports(&PERIOD[2..]), ["2 2"]);
}

#[test]
fn a_change_that_lasts_is_reported_once_and_a_flicker_never() {
    let room = Room::new().reporting_results(ReportByResult::OnceResultChanges);
    let room = room.shows(0, [0, 0], 2.0).shows(2, [1, 1], 5.0).shows(3, [2, 1], 0.9).shows(2, [1, 1], 5.0);
    assert_eq!(room.reports(&["time_info/time", "current_total", "current_counted"]), ["10:00:03 2 [1,1]"]);
}

#[test]
fn somebody_changing_tables_changes_the_result() {
    let room = Room::new().reporting_results(ReportByResult::OnceResultChanges);
    let room = room.shows(2, [2, 0], 5.0).shows(2, [1, 1], 5.0);
    assert_eq!(room.reports(&["current_total", "current_counted"]), ["2 [2,0]", "2 [1,1]"]);
}

#[test]
fn a_number_that_is_not_reported_is_no_result() {
    let room = Room::new().reporting_results(ReportByResult::OnceResultChanges).reporting(ReportingType::Occupancy);
    let room = room.shows(4, [3, 1], 5.0).shows(4, [2, 2], 5.0).shows(4, [4, 0], 5.0);
    assert_eq!(room.reports(&["current_total", "occupancy"]), ["4 [1,1]", "4 [1,0]"]);
}

#[test]
fn zero_to_non_zero_looks_at_each_region() {
    let room = Room::new().reporting_results(ReportByResult::ZeroNonZero);
    let room = room.shows(1, [1, 0], 3.0).shows(3, [3, 0], 3.0).shows(3, [2, 1], 3.0).shows(0, [0, 0], 3.0);
    assert_eq!(room.reports(&["current_counted"]), ["[1,0]", "[2,1]", "[0,0]"]);
}

#[test]
fn zero_to_non_zero_looks_at_the_total_without_regions() {
    let mut room = Room::new().reporting_results(ReportByResult::ZeroNonZero);
    room.configuration.region_people_counting.detection_region.regions.clear();
    let room = room.shows(2, [0, 0], 3.0).shows(5, [0, 0], 3.0).shows(0, [0, 0], 3.0);
    assert_eq!(room.reports(&["current_total", "total_mapped_regions"]), ["2 0", "0 0"]);
}

#[test]
fn at_zero_seconds_everything_is_believed_at_once() {
    let room = Room::new().reporting_results(ReportByResult::OnceResultChanges).believing_after(0.0);
    let room = room.shows(1, [1, 0], 0.1).shows(2, [2, 0], 0.1).shows(1, [1, 0], 0.1);
    assert_eq!(room.reports(&["current_total"]), ["1", "2", "1"]);
}

#[test]
fn other_settings_are_no_result() {
    let mut room = Room::new().reporting_results(ReportByResult::OnceResultChanges).shows(2, [2, 0], 3.0);
    room.configuration.region_people_counting.detection_region.regions.truncate(1);
    let room = room.saved().shows(2, [2, 0], 3.0);
    assert_eq!(room.reports(&["current_counted"]), ["[2,0]"]);
}

#[test]
fn a_trigger_report_goes_before_the_periodic_one_of_the_same_instant() {
    let room = Room::new().reporting_every(5).reporting_results(ReportByResult::OnceResultChanges);
    let room = room.shows(0, [0, 0], 4.0).shows(1, [1, 0], 1.1);
    assert_eq!(room.reports(&["report_type", "current_total"]), ["trigger 1", "interval 1"]);
}

#[test]
fn the_contact_opens_while_there_are_too_many() {
    let contact = |alarm: OvercrowdingAlarm, total: u32, tables: [u32; 2]| {
        let mut room = Room::new();
        room.configuration.region_people_counting.overcrowding_alarm = alarm;
        let room = room.shows(total, tables, 3.0);
        room.counting.as_ref().expect("saved").do_contact()
    };
    use OvercrowdingAlarm::{NumberInArea, TotalNumber};
    assert_eq!(contact(TotalNumber { threshold: 5 }, 5, [3, 2]), Contact::Closed, "within");
    assert_eq!(contact(TotalNumber { threshold: 5 }, 6, [3, 3]), Contact::Open);
    assert_eq!(contact(NumberInArea { threshold: 5 }, 8, [3, 5]), Contact::Closed);
    assert_eq!(contact(NumberInArea { threshold: 5 }, 6, [0, 6]), Contact::Open);
    assert_eq!(contact(OvercrowdingAlarm::Off, 60, [30, 30]), Contact::Closed);
    let mut bare = Room::new();
    bare.configuration.region_people_counting.overcrowding_alarm = NumberInArea { threshold: 5 };
    bare.configuration.region_people_counting.detection_region.regions.clear();
    let bare = bare.shows(6, [0, 0], 0.9);
    assert_eq!(bare.counting.as_ref().expect("saved").do_contact(), Contact::Closed, "not yet believed");
    let bare = bare.shows(6, [0, 0], 1.0);
    assert_eq!(bare.counting.as_ref().expect("saved").do_contact(), Contact::Open, "all of the view");
}

#[test]
fn hours_end_with_their_reports_and_begin_with_nobody() {
    let period = |text: &str| Period::try_from(text.to_owned()).expect("a period");
    let mut room = Room::new().reporting_every(60).reporting_results(ReportByResult::OnceResultChanges);
    let settings = &mut room.configuration.region_people_counting;
    let tuesday = vec![period("08:00-10:01"), period("10:03-24:00")].try_into().expect("two");
    settings.time_schedule = TimeSchedule { tuesday, ..TimeSchedule::default() };
    (settings.dwell_time_detection, settings.trigger_report_dwell) = (true, true);
    settings.overcrowding_alarm = OvercrowdingAlarm::TotalNumber { threshold: 1 };
    let foot = DVec2::new(0.3, 0.2);
    room.people = vec![Placed { id: 9, floor: DVec2::ZERO, foot, seen: true }];
    let room = room.shows(2, [2, 0], 60.0);
    assert_eq!(room.counting.as_ref().expect("saved").do_contact(), Contact::Open);
    let room = room.shows(2, [2, 0], 60.0);
    assert_eq!(room.counting.as_ref().expect("saved").do_contact(), Contact::Closed);
    let room = room.shows(2, [2, 0], 120.1);
    assert_eq!(
        room.reports(&[
            "event",
            "report_type",
            "time_info/start_time",
            "time_info/time",
            "current_total",
            "Max_counted"
        ]),
        [
            "Counting trigger - 10:00:01 2 -",
            "Counting interval 10:00:00 - 2 2",
            "Detection trigger - 10:01:00 - -",
            "Detection interval 10:00:00 - - -",
            "Counting trigger - 10:03:01 2 -",
            "Counting interval 10:03:00 - 2 2",
            "Detection interval 10:03:00 - - -",
        ]
    );
}
