//! What a person sets on the device, with the device's defaults, and everything that can be wrong with it.
//!
//! Knows nothing of files: a configuration arrives through serde, typically as RON inside a larger file. A value that can
//! be judged alone is refused while it is read, so that a parser can point at the place; what depends on several values is found by
//! [`Configuration::validate`].
//!
//! Defaults are the guide's where it names or pictures one (§4, §5.3.1, §5.4.2); the doc comments say where we decided.

mod clock;
mod device;
mod flow;
mod json;
mod line;
mod network;
mod privacy;
mod problem;
mod protocol;
mod reading;
mod recipients;
mod region;
mod times;
mod transfer;

use std::num::NonZeroU16;
use std::ops::RangeInclusive;

use analytics::RecognitionScheme;
use chrono_tz::Tz;
use firmware_shim::{CameraSettings, PowerLineFrequency};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

pub use clock::{ClockSettings, ClockSource, Host, SyncHours};
pub use device::{Device, MountingSettings};
pub use flow::{FlowRegion, PeopleFlowAnalysis};
pub use line::{DetectionLine, LineCrossingCounting};
pub use network::{NetworkSettings, Ports};
pub use privacy::{Mask, MaskColor, PrivacyMask};
pub use problem::Problem;
pub use protocol::{CertificateType, HttpUrl, NotificationUrl, QualityOfService, ReportProtocol, Topic, URLS_MAX};
pub use region::{
    Area, DetectionRegion, DwellSeconds, OvercrowdingAlarm, Polygon, REGIONS_MAX, RegionPeopleCounting, RegionSettings,
    ReportByResult, ReportingType, StableSeconds,
};
pub use times::{
    Day, DayPeriods, DotMinutes, IntervalSeconds, Period, ReportRegularly, ResetOnSchedule, TimeOfDay, TimeSchedule,
};

use crate::calendar::Zone;
use json::Json;
use problem::{Finding, Problems};
use reading::{Place, Read};
pub(crate) use transfer::ConfigFile;

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Configuration {
    /// What the device is called, and where it is.
    pub device: Device,
    /// By its IANA name, such as `Europe/Berlin`. Default UTC, a decision: the guide pictures a device set to Pacific time
    /// and reports of one set to China's, and calls neither the default.
    #[serde(deserialize_with = "read_zone")]
    pub time_zone: Tz,
    /// Guide §5.4.3.
    pub clock: ClockSettings,
    /// The ports of the device's services.
    pub network: NetworkSettings,
    /// How the device hangs, where that differs from what it was calibrated for.
    pub mounting: MountingSettings,
    /// Guide §5.3, *Image*.
    pub image: CameraSettings,
    /// Guide §5.3.4.
    pub general: General,
    /// Guide §5.3.1.
    pub region_people_counting: RegionPeopleCounting,
    /// Guide §5.3.2.
    pub line_crossing_counting: LineCrossingCounting,
    /// Guide §5.3.3.
    pub people_flow_analysis: PeopleFlowAnalysis,
    /// Guide §5.3.5.
    pub privacy_mask: PrivacyMask,
}

/// Guide §5.3.4.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct General {
    /// *Data Retransmission*: reports that cannot be delivered are kept, and sent once their recipient can be reached. Off unless set, a
    /// decision: the guide is silent.
    pub data_retransmission: bool,
    /// Whether reports of regions tell their names, as `regions_name` after `total_mapped_regions`. V1.3 of the guide has no such key and newer
    /// documentation has, so that it is off unless set: a decision.
    pub regions_name: bool,
    /// *Recognition Scheme*. The guide tells of region people counting alone; it holds for all functions, a decision: there is one detector at
    /// work, and who is taken for a person at the table is one at the line.
    pub recognition_scheme: RecognitionScheme,
    /// *Realtime Location Push*.
    pub realtime_location_push: LocationPushSettings,
}

/// *Realtime Location Push*: a TCP server that tells where people are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LocationPushSettings {
    /// Off unless set.
    pub enable: bool,
    /// *TCP Port*; 9000 unless set, a decision.
    pub port: NonZeroU16,
}

impl Default for LocationPushSettings {
    fn default() -> Self {
        LocationPushSettings { enable: false, port: NonZeroU16::new(9000).expect("not zero") }
    }
}

impl Default for Configuration {
    fn default() -> Self {
        Configuration {
            device: Device::default(),
            time_zone: Tz::UTC,
            clock: ClockSettings::default(),
            network: NetworkSettings::default(),
            mounting: MountingSettings::default(),
            image: CameraSettings::default(),
            general: General::default(),
            region_people_counting: RegionPeopleCounting::default(),
            line_crossing_counting: LineCrossingCounting::default(),
            people_flow_analysis: PeopleFlowAnalysis::default(),
            privacy_mask: PrivacyMask::default(),
        }
    }
}

/// The longest name, bytes. Ours: the guide gives no limit, and everything has a bound.
const NAME_BYTES_MAX: usize = 64;

impl Configuration {
    /// The time zone as it is kept.
    pub(crate) fn zone(&self) -> Zone {
        Zone { tz: self.time_zone, daylight_saving: self.clock.daylight_saving }
    }

    /// All mistakes, in the order of the settings; empty when the configuration can be used.
    pub fn validate(&self) -> Vec<Problem> {
        self.findings().into_iter().map(|finding| finding.problem).collect()
    }

    fn findings(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut problems = Problems::new(&mut found);
        let name = &self.device.name;
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            problems.add("device.name", format!("must be 1 to {NAME_BYTES_MAX} bytes long, not {}", name.len()));
        } else if name.chars().any(char::is_control) {
            problems.add("device.name", "must be one line: without control characters");
        }
        let mounting = [
            ("mounting.height_m", self.mounting.height_m, 1.0..=20.0, "metres"),
            ("mounting.rotation_deg", self.mounting.rotation_deg, -360.0..=360.0, "degrees"),
            ("mounting.tilt_deg", self.mounting.tilt_deg, -60.0..=60.0, "degrees"),
        ];
        for (path, value, range, unit) in mounting {
            if let Some(value) = value.filter(|value| !range.contains(value)) {
                problems.add(path, format!("must be {} to {} {unit}, not {value}", range.start(), range.end()));
            }
        }
        self.network.check(&self.general.realtime_location_push, &mut problems);
        self.region_people_counting.check(&mut problems.below("region_people_counting"));
        self.line_crossing_counting.check(&mut problems.below("line_crossing_counting"));
        self.people_flow_analysis.check(&mut problems.below("people_flow_analysis"));
        self.privacy_mask.check(&mut problems.below("privacy_mask"));
        self.check_recipients(&mut problems);
        found
    }
}

/// A number within a range, or what it must be.
fn within(number: i64, range: RangeInclusive<u32>, unit: &str) -> Result<u32, String> {
    let found = u32::try_from(number).ok().filter(|number| range.contains(number));
    found.ok_or_else(|| format!("must be {} to {} {unit}, not {number}", range.start(), range.end()))
}

/// A time zone by its IANA name.
fn zone(name: &str) -> Result<Tz, String> {
    name.parse().map_err(|_| {
        let plain = |name: &str| name.to_lowercase().replace([' ', '-'], "_");
        let wanted = plain(name);
        let is_near = |zone: &&str| {
            let city = plain(zone.rsplit('/').next().unwrap_or(zone));
            city.len().min(wanted.len()) >= 4 && (wanted.contains(&city) || city.contains(&wanted))
        };
        let near = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).filter(is_near);
        let near: Vec<String> = near.map(|name| format!("`{name}`")).collect();
        match near.as_slice() {
            [] => format!("must be the IANA name of a time zone, such as `Europe/Berlin`, not `{name}`"),
            [first @ .., last] if first.len() < 3 => {
                let either = if first.is_empty() { String::new() } else { format!("{} or ", first.join(", ")) };
                format!("must be the IANA name of a time zone, not `{name}`: did you mean {either}{last}?")
            }
            [first, ..] => format!("must be the IANA name of a time zone, such as {first}, not `{name}`"),
        }
    })
}

fn read_zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tz, D::Error> {
    zone(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

impl Read for Configuration {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        let default = Configuration::default();
        place.group(json, |group| Configuration {
            device: group.or("device", default.device),
            time_zone: group.or("time_zone", default.time_zone),
            clock: group.or("clock", default.clock),
            network: group.or("network", default.network),
            mounting: group.or("mounting", default.mounting),
            image: group.or("image", default.image),
            general: group.or("general", default.general),
            region_people_counting: group.or("region_people_counting", default.region_people_counting),
            line_crossing_counting: group.or("line_crossing_counting", default.line_crossing_counting),
            people_flow_analysis: group.or("people_flow_analysis", default.people_flow_analysis),
            privacy_mask: group.or("privacy_mask", default.privacy_mask),
        })
    }
}

impl Read for Tz {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        match json {
            Json::Text(name) => place.accept(zone(name)),
            _ => place.wrong(format!("must be the IANA name of a time zone, such as `Europe/Berlin`, not {json}")),
        }
    }
}

impl Read for CameraSettings {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        let CameraSettings { power_line_frequency, wide_dynamic_range } = CameraSettings::default();
        place.group(json, |group| CameraSettings {
            power_line_frequency: group.or("power_line_frequency", power_line_frequency),
            wide_dynamic_range: group.or("wide_dynamic_range", wide_dynamic_range),
        })
    }
}

impl Read for PowerLineFrequency {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        place.name(json, &[("Hz50", PowerLineFrequency::Hz50), ("Hz60", PowerLineFrequency::Hz60)])
    }
}

impl Read for General {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        let default = General::default();
        place.group(json, |group| General {
            data_retransmission: group.or("data_retransmission", default.data_retransmission),
            regions_name: group.or("regions_name", default.regions_name),
            recognition_scheme: group.or("recognition_scheme", default.recognition_scheme),
            realtime_location_push: group.or("realtime_location_push", default.realtime_location_push),
        })
    }
}

impl Read for RecognitionScheme {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        use RecognitionScheme::{Algorithm1, Algorithm2};
        place.name(json, &[("Algorithm1", Algorithm1), ("Algorithm2", Algorithm2)])
    }
}

impl Read for LocationPushSettings {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        let LocationPushSettings { enable, port } = LocationPushSettings::default();
        place.group(json, |group| LocationPushSettings {
            enable: group.or("enable", enable),
            port: group.or("port", port),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::zone;

    #[test]
    fn a_time_zone_that_is_none_brings_the_ones_that_are_near() {
        let words = |name: &str| zone(name).expect_err(name);
        assert_eq!(zone("Europe/Berlin"), Ok(chrono_tz::Tz::Europe__Berlin));
        for name in ["Berlin", "Europe/Berlinn", "berlin", "Europe-Berlin"] {
            assert!(words(name).ends_with(&format!("not `{name}`: did you mean `Europe/Berlin`?")), "{}", words(name));
        }
        assert!(words("new york").ends_with("did you mean `America/New_York`?"), "{}", words("new york"));
        assert!(words("US").contains("such as `Europe/Berlin`, not `US`"), "{}", words("US"));
    }
}
