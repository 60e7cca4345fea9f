//! Scenario files: which scene, which device, what happens, and what must be true.

mod problems;
mod writing;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Datelike, Utc};
use device_model::{Light, PowerSource, Profile, Radiance};
use firmware::configuration::{ReportByResult, ReportRegularly};
use firmware::{Configuration, Factory, Identity, MacAddress, Query, SerialNumber};
use firmware_shim::{Lens, Mounting, RtcTime, Uptime, View};
use glam::DVec2;
use golden::{Recipient, Rule, Tolerance, host_and_port};
use ron_file::{FileError, FileErrors, RonFile};
use scenes::Scene;
use serde::{Deserialize, Serialize};

use crate::expect::Expectation;
use crate::happening::{Event, Happening};
use crate::light::{self, Exposure, Stage};
use crate::locations::LocationJudge;
use crate::oracle::{self, OracleErrors};
use crate::truth::{Drawn, TrueArea};
use crate::twin::run_time;
use crate::vendor;

/// What a scenario file says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioFile {
    /// A scene of the library by name, or a path (ending in `.ron`) relative to this file.
    scene: String,
    #[serde(default)]
    seed: u64,
    duration_s: f64,
    /// Whether `twin run` takes the oracle lane whatever lane it is asked for: for runs of hours.
    #[serde(default)]
    oracle_only: bool,
    /// Whether reports are held to a golden file, beside what is expected.
    #[serde(default = "yes")]
    golden_file: bool,
    device: DeviceFile,
    /// Who the device can reach.
    #[serde(default)]
    recipients: Vec<Recipient>,
    #[serde(default)]
    timeline: Vec<Event>,
    #[serde(default)]
    oracle: OracleErrors,
    /// What a golden file must not hold to: each rule checks a value's form and then replaces it.
    #[serde(default)]
    normalise: Vec<Rule>,
    /// How far the rendered lane may be from the golden file; the oracle lane is exact.
    #[serde(default)]
    rendered_tolerance: Tolerance,
    #[serde(default)]
    expect: Vec<Expectation>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceFile {
    /// A device profile of the library by name, or a path (ending in `.ron`) relative to this file.
    #[serde(default = "default_profile")]
    profile: String,
    /// The sensor's place below the ceiling, in the room's x and y.
    at_m: (f64, f64),
    /// Height of the lens above the floor; the ceiling's unless said otherwise.
    #[serde(default)]
    height_m: Option<f64>,
    #[serde(default)]
    rotation_deg: f64,
    #[serde(default)]
    tilt_deg: f64,
    /// What the device's clock reads when the run begins.
    clock: DateTime<Utc>,
    /// How much the crystal of the device's clock is fast, microseconds a second.
    #[serde(default)]
    clock_drift_ppm: f64,
    /// What supplies it.
    #[serde(default = "default_power")]
    power: Vec<PowerSource>,
    /// The device's serial number; the guide's unless said otherwise.
    #[serde(default = "guide_sn")]
    sn: SerialNumber,
    /// Its hardware address; likewise.
    #[serde(default = "guide_mac")]
    mac: MacAddress,
    /// What is set on the device. Its mounting is the true one unless set.
    #[serde(default)]
    configuration: Configuration,
    /// Certificates, in PEM, of authorities that the device came with, besides those of Mozilla's store.
    #[serde(default)]
    authorities: Vec<String>,
}

fn yes() -> bool {
    true
}

fn default_power() -> Vec<PowerSource> {
    vec![PowerSource::Poe]
}

fn guide_sn() -> SerialNumber {
    Identity::default().sn
}

fn guide_mac() -> MacAddress {
    Identity::default().mac
}

fn default_profile() -> String {
    "vs121-p-standard".to_owned()
}

/// A checked scenario, ready to run.
pub struct Scenario {
    /// The file's name without its ending.
    pub name: String,
    /// Where the file is.
    pub path: PathBuf,
    /// How a file names the scene wherever it is: of the library, or by an absolute path.
    pub scene_reference: String,
    /// The world.
    pub scene: Arc<Scene>,
    /// Every random number descends from it.
    pub seed: u64,
    /// How long the run takes, seconds of virtual time.
    pub duration_s: f64,
    /// Never rendered: too long.
    pub oracle_only: bool,
    /// Held to a golden file, and not to its expectations alone.
    pub golden_file: bool,
    /// The device's hardware.
    pub profile: Profile,
    /// Its name in the library, or that of its file without its ending.
    pub profile_name: String,
    /// How a file names it wherever that is, as [`scene_reference`](Self::scene_reference).
    pub profile_reference: String,
    /// Where the sensor hangs, in the room's x and y.
    pub sensor_at: DVec2,
    /// How it hangs.
    pub mounting: Mounting,
    /// What the device's clock reads when the run begins.
    pub clock: RtcTime,
    /// How much its crystal is fast, microseconds a second.
    pub clock_drift_ppm: f64,
    /// What supplies it.
    pub power: Vec<PowerSource>,
    /// Which device it is.
    pub identity: Identity,
    /// What is set on the device at first.
    pub configuration: Configuration,
    /// Certificates, in PEM, of authorities that the device came with, besides those of Mozilla's store.
    pub authorities: Vec<String>,
    /// Who the device can reach.
    pub recipients: Vec<Recipient>,
    /// What happens, in the order of time.
    pub timeline: Vec<Event>,
    /// How the oracle errs.
    pub oracle: OracleErrors,
    /// What a golden file must not hold to.
    pub normalise: Vec<Rule>,
    /// How far the rendered lane may be from the golden file.
    pub rendered_tolerance: Tolerance,
    /// What must be true.
    pub expect: Vec<Expectation>,
}

/// Longer runs are a slip of the pen: a week.
pub(crate) const DURATION_MAX_S: f64 = 7.0 * 86_400.0;

impl Scenario {
    /// Reads a scenario and everything it refers to; all mistakes of a file at once.
    pub fn read(path: &Path) -> Result<Self, FileErrors> {
        Self::from_file(RonFile::read(path)?, path)
    }

    /// The same of a text that is in hand; what it refers to is beside `path`.
    pub fn from_file(source: RonFile, path: &Path) -> Result<Self, FileErrors> {
        let file: ScenarioFile = source.parse()?;
        let problem = |field: &str, words: String| FileErrors::from(source.problem(field, words));
        let beside = path.parent().unwrap_or(Path::new("."));

        let scene = if file.scene.ends_with(".ron") {
            Scene::from_file(&referred(&source, "scene", beside, &file.scene)?)?
        } else {
            Scene::from_library(&file.scene).ok_or_else(|| problem("scene", scenes::no_such_scene(&file.scene)))??
        };
        let name = &file.device.profile;
        let profile = if name.ends_with(".ron") {
            Profile::from_file(&referred(&source, "device.profile", beside, name)?)?
        } else if Profile::library_names().contains(name) {
            Profile::library(name)?
        } else {
            let known = Profile::library_names().join(", ");
            let words = format!("there is no device profile `{name}` in the library: {known}; or name a .ron file");
            return Err(problem("device.profile", words));
        };

        let problems: Vec<FileError> = file
            .problems(&scene, &profile.power)
            .into_iter()
            .map(|(field, words)| source.problem(&field, words))
            .collect();
        if !problems.is_empty() {
            return Err(FileErrors(problems));
        }
        Ok(file.into_scenario(path, scene, profile))
    }

    /// A device below a scene's ceiling with nothing to do but to look: it reports nothing.
    pub fn watching(
        name: &str,
        scene: impl Into<Arc<Scene>>,
        profile: Profile,
        profile_name: &str,
        sensor_at: DVec2,
        duration_s: f64,
    ) -> Self {
        let mut configuration = Configuration::default();
        configuration.region_people_counting.report_regularly = ReportRegularly::Off;
        configuration.region_people_counting.report_by_result = ReportByResult::Off;
        let scene = scene.into();
        let mounting = Mounting { height_m: scene.room.ceiling_m, rotation_rad: 0.0, tilt_rad: 0.0 };
        Scenario {
            name: name.to_owned(),
            path: PathBuf::new(),
            scene_reference: name.to_owned(),
            scene,
            seed: 1,
            duration_s,
            oracle_only: false,
            golden_file: true,
            profile,
            profile_name: profile_name.to_owned(),
            profile_reference: profile_name.to_owned(),
            sensor_at,
            mounting,
            clock: RtcTime(0),
            clock_drift_ppm: 0.0,
            power: default_power(),
            identity: Identity::default(),
            configuration,
            authorities: vec![],
            recipients: vec![],
            timeline: vec![],
            oracle: OracleErrors::default(),
            normalise: vec![],
            rendered_tolerance: Tolerance::default(),
            expect: vec![],
        }
    }

    /// The analysed picture's lens.
    pub fn lens(&self) -> Lens {
        self.profile.lens()
    }

    /// What the factory put into the device. It is calibrated for how it hangs.
    pub(crate) fn factory(&self) -> Factory {
        let authorities = self.authorities.clone();
        let (identity, upgrade_key) = (self.identity.clone(), Some(vendor::public_key()));
        Factory { identity, authorities, upgrade_key, ..Factory::new(self.lens(), self.mounting) }
    }

    /// The lens as it really hangs.
    pub fn view(&self) -> View {
        View { lens: self.lens(), mounting: self.mounting }
    }

    /// What a camera of this profile, where the device hangs, has rendered.
    pub(crate) fn stage(&self, profile: &Profile) -> Stage {
        let view = View { lens: profile.lens(), mounting: self.mounting };
        Stage { scene: Arc::clone(&self.scene), sensor_at: self.sensor_at, view, pinhole: profile.pinhole() }
    }

    /// The light at a time, lx.
    pub fn lux_at(&self, t_s: f64) -> f64 {
        self.lux_by(&self.timeline, t_s)
    }

    /// The same where something else happens.
    pub(crate) fn lux_by(&self, timeline: &[Event], t_s: f64) -> f64 {
        let changes = timeline.iter().take_while(|event| event.at_s <= t_s);
        let levels = changes.filter_map(|event| if let Happening::Lux(lux) = event.event { Some(lux) } else { None });
        levels.last().unwrap_or(self.scene.light.lux)
    }

    /// The middle of exposure `seq`.
    pub(crate) fn taken_at(&self, seq: u64) -> Uptime {
        oracle::taken_at(seq, self.profile.frame_period())
    }

    /// When frame `seq` is handed to the device.
    pub(crate) fn due(&self, seq: u64) -> Uptime {
        self.taken_at(seq) + self.profile.latency()
    }

    /// How many frames the device has before the end.
    pub fn frames(&self) -> u64 {
        let (end, latency) = (run_time(self.duration_s), self.profile.latency());
        (0..).take_while(|&seq| self.taken_at(seq) + latency <= end).count() as u64
    }

    /// What exposure `seq` is of, which lasts `time_s` seconds.
    pub(crate) fn exposure(&self, seq: u64, time_s: f64) -> Exposure {
        self.exposure_by(&self.timeline, seq, time_s)
    }

    /// The same where something else happens.
    pub(crate) fn exposure_by(&self, timeline: &[Event], seq: u64, time_s: f64) -> Exposure {
        let t_s = self.taken_at(seq).as_secs_f64();
        let lux = self.lux_by(timeline, t_s);
        Exposure { seq, worlds: light::instants(&self.scene, &self.view(), t_s, time_s), lux }
    }

    /// The light of exposure `seq` on its way to the lens.
    pub(crate) fn light<'r>(&self, seq: u64, radiance: &'r Radiance) -> Light<'r> {
        light::scene_light(&self.scene, radiance, self.taken_at(seq).as_secs_f64())
    }

    /// What is expected to be answered, and when, in the order of time.
    pub(crate) fn asks(&self) -> VecDeque<(Uptime, Query)> {
        let asks = self.expect.iter().filter_map(Expectation::query).map(|(at_s, query)| (run_time(at_s), query));
        let mut asks: Vec<(Uptime, Query)> = asks.collect();
        asks.sort_by_key(|(at, _)| *at);
        asks.into()
    }

    /// Whoever judges where clients are told that people are: one for each distance that is demanded.
    pub(crate) fn location_judges(&self) -> Vec<LocationJudge> {
        let within_m = self.expect.iter().filter_map(|expectation| match expectation {
            Expectation::LocationsAreTrue { within_m, .. } => Some(*within_m),
            _ => None,
        });
        within_m.map(LocationJudge::new).collect()
    }

    /// Where people are to be counted under a configuration.
    pub fn true_area(configuration: &Configuration) -> TrueArea {
        let detection = &configuration.region_people_counting.detection_region;
        let polygons = || detection.regions.iter().map(|region| region.polygon.corners().to_vec()).collect();
        let drawn = match detection.area {
            _ if !detection.enable || detection.regions.is_empty() => Drawn::WholeView,
            firmware::configuration::Area::Mapped => Drawn::Mapped(polygons()),
            firmware::configuration::Area::NonMapped => Drawn::NonMapped(polygons()),
        };
        let masks = configuration.privacy_mask.in_use().map(|mask| mask.polygon.corners().to_vec());
        TrueArea { drawn, masks: masks.collect() }
    }
}

/// What a file names, for files in other folders.
fn reference(file: &Path, name: String) -> String {
    if !name.ends_with(".ron") {
        return name;
    }
    let path = file.parent().unwrap_or(Path::new(".")).join(name);
    std::path::absolute(&path).unwrap_or(path).display().to_string()
}

/// A file that another refers to.
fn referred(source: &RonFile, field: &str, beside: &Path, name: &str) -> Result<RonFile, FileErrors> {
    let path = beside.join(name);
    if path.is_file() {
        Ok(RonFile::read(path)?)
    } else {
        Err(source.problem(field, format!("there is no file {}", path.display())).into())
    }
}

impl ScenarioFile {
    fn into_scenario(self, path: &Path, scene: Scene, profile: Profile) -> Scenario {
        let device = self.device;
        let mounting = Mounting {
            height_m: device.height_m.unwrap_or(scene.room.ceiling_m),
            rotation_rad: device.rotation_deg.to_radians(),
            tilt_rad: device.tilt_deg.to_radians(),
        };
        Scenario {
            name: file_stem(path),
            path: path.to_owned(),
            scene_reference: reference(path, self.scene),
            scene: Arc::new(scene),
            seed: self.seed,
            duration_s: self.duration_s,
            oracle_only: self.oracle_only,
            golden_file: self.golden_file,
            profile,
            profile_name: file_stem(Path::new(&device.profile)),
            profile_reference: reference(path, device.profile),
            sensor_at: DVec2::new(device.at_m.0, device.at_m.1),
            mounting,
            clock: rtc(device.clock),
            clock_drift_ppm: device.clock_drift_ppm,
            power: device.power,
            identity: Identity { sn: device.sn, mac: device.mac },
            configuration: device.configuration,
            authorities: device.authorities,
            recipients: self.recipients,
            timeline: self.timeline,
            oracle: self.oracle,
            normalise: self.normalise,
            rendered_tolerance: self.rendered_tolerance,
            expect: self.expect,
        }
    }
}

/// Whether a recipient is the one at an address.
pub(crate) fn is_at(recipient: &Recipient, address: &str) -> bool {
    host_and_port(address).is_ok_and(|it| host_and_port(&recipient.address).is_ok_and(|other| other == it))
}

fn file_stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// What the clock chip cannot hold, and what can only be a slip of the pen.
pub(crate) fn clock_problem(time: &DateTime<Utc>) -> Option<String> {
    let years = 2000..=2199;
    (!years.contains(&time.year())).then(|| format!("{time} is out of the years 2000 to 2199"))
}

/// A calendar time as the clock chip holds it; far-off years are held at its ends.
pub(crate) fn rtc(time: DateTime<Utc>) -> RtcTime {
    let end = if time.timestamp() < 0 { i64::MIN } else { i64::MAX };
    RtcTime(time.timestamp_nanos_opt().unwrap_or(end))
}
