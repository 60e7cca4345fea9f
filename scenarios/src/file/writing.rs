//! Scenarios as files: what was read, or put together otherwise, with what really happened in its timeline.

use chrono::DateTime;
use ron_file::RonFile;

use super::{DeviceFile, Scenario, ScenarioFile};
use crate::happening::Event;

impl Scenario {
    /// The text of a file of this scenario in which this happens. What was expected is left out, for it was expected of another timeline; scene
    /// and device profile are named so that the file can lie anywhere on this machine.
    pub fn to_file(&self, timeline: &[Event]) -> String {
        // Angles are read in degrees; that they were kept in radians must not show.
        let degrees = |radians: f64| (radians.to_degrees() * 1e9).round() / 1e9;
        let file = ScenarioFile {
            scene: self.scene_reference.clone(),
            seed: self.seed,
            duration_s: self.duration_s,
            oracle_only: self.oracle_only,
            golden_file: true,
            device: DeviceFile {
                profile: self.profile_reference.clone(),
                at_m: self.sensor_at.into(),
                height_m: Some(self.mounting.height_m),
                rotation_deg: degrees(self.mounting.rotation_rad),
                tilt_deg: degrees(self.mounting.tilt_rad),
                clock: DateTime::from_timestamp_nanos(self.clock.0),
                clock_drift_ppm: self.clock_drift_ppm,
                power: self.power.clone(),
                sn: self.identity.sn.clone(),
                mac: self.identity.mac.clone(),
                configuration: self.configuration.clone(),
                authorities: self.authorities.clone(),
            },
            recipients: self.recipients.clone(),
            timeline: timeline.to_vec(),
            oracle: self.oracle,
            normalise: self.normalise.clone(),
            rendered_tolerance: self.rendered_tolerance,
            expect: vec![],
        };
        RonFile::written(&file)
    }
}
