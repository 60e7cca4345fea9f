//! What a person sets on the device, with the device's defaults, and everything that can be wrong with it.
//!
//! Knows nothing of files: a configuration arrives through serde, typically as RON inside a larger file. A value that can
//! be judged alone is refused while it is read (see `values`); what depends on several values is found by
//! [`Configuration::validate`].
//!
//! Defaults are the guide's where it names or pictures one (§4, §5.3.1, §5.4.2); the doc comments say where we decided.

mod values;

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;
use std::num::{NonZeroU16, NonZeroU32};

use analytics::RecognitionScheme;
use chrono_tz::Tz;
use firmware_shim::CameraSettings;
use serde::{Deserialize, Serialize};

pub use values::{DotMinutes, HttpUrl, IntervalSeconds, MacAddress, Polygon, QualityOfService, StableSeconds, Topic};

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Configuration {
    /// Who the device is.
    pub device: Device,
    /// By its IANA name, such as `Europe/Berlin`. Default UTC, a decision: the guide pictures a device set to Pacific time
    /// and reports of one set to China's, and calls neither the default.
    pub time_zone: Tz,
    /// How the device hangs, where that differs from what it was calibrated for.
    pub mounting: MountingSettings,
    /// Guide §5.3, *Image*.
    pub image: CameraSettings,
    /// Guide §5.3.4.
    pub general: General,
    /// Guide §5.3.1.
    pub region_people_counting: RegionPeopleCounting,
}

/// Guide §5.3.4.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct General {
    /// *Recognition Scheme*.
    pub recognition_scheme: RecognitionScheme,
}

impl Default for Configuration {
    fn default() -> Self {
        Configuration {
            device: Device::default(),
            time_zone: Tz::UTC,
            mounting: MountingSettings::default(),
            image: CameraSettings::default(),
            general: General::default(),
            region_people_counting: RegionPeopleCounting::default(),
        }
    }
}

/// Guide §5.4.2, and the address of §4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Device {
    /// Device name.
    pub name: String,
    /// Serial number; text, since samples hold letters.
    pub sn: String,
    /// Hardware address.
    pub mac: MacAddress,
    /// The device's own address, as it reports it.
    pub ip_address: Ipv4Addr,
}

impl Default for Device {
    fn default() -> Self {
        Device {
            name: "Workplace Sensor".to_owned(),
            sn: "6600D0233093".to_owned(),
            mac: MacAddress::try_from("24:E1:24:F5:4E:2F".to_owned()).expect("the guide's address is one"),
            ip_address: Ipv4Addr::new(192, 168, 5, 220),
        }
    }
}

/// How the device hangs. What is not set is as the device was calibrated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MountingSettings {
    /// Height of the lens above the floor, metres.
    pub height_m: Option<f64>,
    /// Turn about the vertical, degrees, counter-clockwise seen from above.
    pub rotation_deg: Option<f64>,
    /// Lean of the optical axis from straight down towards the image's up, degrees.
    pub tilt_deg: Option<f64>,
}

impl MountingSettings {
    /// The mounting in force on a device calibrated for `default`.
    pub fn resolve(&self, default: firmware_shim::Mounting) -> firmware_shim::Mounting {
        firmware_shim::Mounting {
            height_m: self.height_m.unwrap_or(default.height_m),
            rotation_rad: self.rotation_deg.map_or(default.rotation_rad, f64::to_radians),
            tilt_rad: self.tilt_deg.map_or(default.tilt_rad, f64::to_radians),
        }
    }
}

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
        }
    }
}

/// *Report Regularly* and its *Periodic Report Scheme*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ReportRegularly {
    /// No periodic reports.
    Off,
    /// Counted from the moment the setting is saved.
    FromNowOn {
        /// Seconds between reports, 5 to 86400.
        interval_s: IntervalSeconds,
    },
    /// At fixed times of the local day, counted from midnight.
    OnTheDot {
        /// Minutes between reports: 5, 10, 15, 30, 60, 240, 360, 480 or 720.
        interval_min: DotMinutes,
    },
}

impl Default for ReportRegularly {
    /// What the guide's §5.3.1 pictures: on, from now on, every 10 s.
    fn default() -> Self {
        ReportRegularly::FromNowOn { interval_s: IntervalSeconds::try_from(10).expect("10 s is within 5 to 86400 s") }
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

/// *Report Protocol*: one broker, or up to three addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ReportProtocol {
    /// HTTP POST to every enabled URL.
    Http {
        /// URL 1 to URL 3.
        #[serde(default)]
        urls: Vec<NotificationUrl>,
    },
    /// Publishing to one MQTT v3.1.1 broker.
    Mqtt {
        /// Name or address of the broker.
        host: String,
        /// TCP port.
        #[serde(default = "mqtt_port")]
        port: NonZeroU16,
        /// Unique among the broker's clients.
        client_id: String,
        /// User name, if the broker asks for one.
        #[serde(default)]
        user_name: Option<String>,
        /// Password, if the broker asks for one.
        #[serde(default)]
        password: Option<String>,
        /// Topic reports are published to.
        topic: Topic,
        /// 0, 1 or 2.
        #[serde(default)]
        qos: QualityOfService,
        /// After how many seconds without traffic the device pings the broker. The guide has no such setting; 60 is ours.
        #[serde(default = "keep_alive")]
        keep_alive_s: NonZeroU16,
    },
}

fn mqtt_port() -> NonZeroU16 {
    NonZeroU16::new(1883).expect("not zero")
}

fn keep_alive() -> NonZeroU16 {
    NonZeroU16::new(60).expect("not zero")
}

impl Default for ReportProtocol {
    fn default() -> Self {
        ReportProtocol::Http { urls: Vec::new() }
    }
}

/// One *HTTP Notification URL*.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotificationUrl {
    /// Whether reports go there. On unless said otherwise: an address is written down to be used.
    #[serde(default = "enabled")]
    pub enable: bool,
    /// The address.
    pub url: HttpUrl,
}

fn enabled() -> bool {
    true
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

/// A mistake in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The setting, such as `region_people_counting.detection_region.regions[1].id`. A variant's contents are reached
    /// without its name.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// Regions a device can hold (guide §5.3.1).
const REGIONS_MAX: usize = 16;
/// URL 1, URL 2 and URL 3.
const URLS_MAX: usize = 3;
/// The longest name or number that goes into reports, bytes. Ours: the guide gives no limit, and everything has a bound.
const IDENTITY_BYTES_MAX: usize = 64;

impl Configuration {
    /// All mistakes, in the order of the settings; empty when the configuration can be used.
    pub fn validate(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut problem = |path: &str, message: String| problems.push(Problem { path: path.to_owned(), message });

        for (path, text) in [("device.name", &self.device.name), ("device.sn", &self.device.sn)] {
            if text.is_empty() || text.len() > IDENTITY_BYTES_MAX {
                problem(path, format!("must be 1 to {IDENTITY_BYTES_MAX} bytes long, not {}", text.len()));
            }
        }
        let mounting = [
            ("mounting.height_m", self.mounting.height_m, 1.0..=20.0, "metres"),
            ("mounting.rotation_deg", self.mounting.rotation_deg, -360.0..=360.0, "degrees"),
            ("mounting.tilt_deg", self.mounting.tilt_deg, -60.0..=60.0, "degrees"),
        ];
        for (path, value, range, unit) in mounting {
            if let Some(value) = value.filter(|value| !range.contains(value)) {
                problem(path, format!("must be {} to {} {unit}, not {value}", range.start(), range.end()));
            }
        }
        protocol_problems(&self.region_people_counting.protocol, &mut problem);
        region_problems(&self.region_people_counting.detection_region, &mut problem);
        problems
    }
}

fn protocol_problems(protocol: &ReportProtocol, problem: &mut impl FnMut(&str, String)) {
    const PATH: &str = "region_people_counting.protocol";
    match protocol {
        ReportProtocol::Http { urls } => {
            if urls.len() > URLS_MAX {
                problem(&format!("{PATH}.urls"), format!("must be at most {URLS_MAX} addresses, not {}", urls.len()));
            }
            // The same address twice would be one recipient, so that a second entry can only be a slip of the pen.
            let mut first: BTreeMap<String, usize> = BTreeMap::new();
            for (i, url) in urls.iter().enumerate().filter(|(_, url)| url.enable) {
                let before = *first.entry(url.url.to_string()).or_insert(i);
                if before != i {
                    let message = format!("must differ from urls[{before}]: each report goes to an address once");
                    problem(&format!("{PATH}.urls[{i}].url"), message);
                }
            }
        }
        ReportProtocol::Mqtt { host, client_id, user_name, password, .. } => {
            if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c == '/' || c == '@') {
                let message = format!("must be a host name or address such as `192.168.0.9`, not `{host}`");
                problem(&format!("{PATH}.host"), message);
            }
            let texts =
                [("client_id", Some(client_id)), ("user_name", user_name.as_ref()), ("password", password.as_ref())];
            for (field, text) in texts.into_iter().filter_map(|(field, text)| Some((field, text?))) {
                if text.is_empty() || text.len() > 1024 || text.contains('\0') {
                    let message = "must be 1 to 1024 bytes long and hold no NUL".to_owned();
                    problem(&format!("{PATH}.{field}"), message);
                }
            }
            if password.is_some() && user_name.is_none() {
                problem(&format!("{PATH}.password"), "needs a user_name beside it (MQTT 3.1.1 §3.1.2.9)".to_owned());
            }
        }
    }
}

fn region_problems(detection: &DetectionRegion, problem: &mut impl FnMut(&str, String)) {
    const PATH: &str = "region_people_counting.detection_region";
    if detection.area == Area::NonMapped && detection.reporting_type == ReportingType::Occupancy {
        let message = "must be RegionPeopleCounting when area is NonMapped: occupancy is of mapped regions".to_owned();
        problem(&format!("{PATH}.reporting_type"), message);
    }
    let regions = &detection.regions;
    if regions.len() > REGIONS_MAX {
        problem(&format!("{PATH}.regions"), format!("must be at most {REGIONS_MAX} regions, not {}", regions.len()));
    }
    let mut first: BTreeMap<NonZeroU32, usize> = BTreeMap::new();
    for (i, region) in regions.iter().enumerate() {
        let before = *first.entry(region.id).or_insert(i);
        if before != i {
            let message = format!("must differ from the id of regions[{before}], which is {}, too", region.id);
            problem(&format!("{PATH}.regions[{i}].id"), message);
        }
        if region.name.len() > IDENTITY_BYTES_MAX {
            let message = format!("must be at most {IDENTITY_BYTES_MAX} bytes long, not {}", region.name.len());
            problem(&format!("{PATH}.regions[{i}].name"), message);
        }
    }
}
