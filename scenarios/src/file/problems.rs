//! What is wrong with a scenario file whose every value by itself is right.

use device_model::PowerInputs;
use firmware::Configuration;
use firmware::configuration::{ClockSource, ReportProtocol};
use golden::RecipientKind;
use scenes::Scene;

use super::{DURATION_MAX_S, ScenarioFile, clock_problem, is_at};
use crate::expect::{Expectation, crossings};
use crate::happening::Happening;
use crate::order;

/// The worst crystal anybody sells is a hundred times better.
const DRIFT_MAX_PPM: f64 = 10_000.0;

impl ScenarioFile {
    /// All mistakes, as (field, words).
    pub(super) fn problems(&self, scene: &Scene, power: &PowerInputs) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut report = |field: String, words: String| problems.push((field, words));
        if !(0.1..=DURATION_MAX_S).contains(&self.duration_s) {
            report("duration_s".into(), format!("{} s is out of 0.1 s to a week (604,800 s)", self.duration_s));
        }
        let device = &self.device;
        let (x, y) = scene.room.size_m;
        if !(0.0..=x).contains(&device.at_m.0) || !(0.0..=y).contains(&device.at_m.1) {
            let words = format!("{:?} is outside the scene's room of {x} m × {y} m", device.at_m);
            report("device.at_m".into(), words);
        }
        let height = device.height_m.unwrap_or(scene.room.ceiling_m);
        if !(1.8..=scene.room.ceiling_m).contains(&height) {
            let words = format!("{height} m is out of 1.8 m to the ceiling at {} m", scene.room.ceiling_m);
            report("device.height_m".into(), words);
        }
        if !(-360.0..=360.0).contains(&device.rotation_deg) {
            report("device.rotation_deg".into(), format!("{}° is out of −360° to 360°", device.rotation_deg));
        }
        if !(-60.0..=60.0).contains(&device.tilt_deg) {
            report("device.tilt_deg".into(), format!("{}° is out of −60° to 60°", device.tilt_deg));
        }
        if device.clock_drift_ppm.abs() > DRIFT_MAX_PPM || device.clock_drift_ppm.is_nan() {
            let words = format!("{} is out of ±{DRIFT_MAX_PPM} microseconds a second", device.clock_drift_ppm);
            report("device.clock_drift_ppm".into(), words);
        }
        if device.power.is_empty() {
            report("device.power".into(), "nothing supplies it: [Poe], [Dc] or [Poe, Dc]".into());
        }
        if let Some(words) = clock_problem(&device.clock) {
            report("device.clock".into(), words);
        }
        for problem in device.configuration.validate() {
            report(format!("device.configuration.{}", problem.path), problem.message);
        }
        for (i, authority) in device.authorities.iter().enumerate() {
            if let Some(words) = firmware::authority_problem(authority) {
                report(format!("device.authorities[{i}]"), words);
            }
        }
        for (field, words) in self.kind_problems() {
            report(field, words);
        }
        let mut before = 0.0;
        for (i, event) in self.timeline.iter().enumerate() {
            if !(0.0..=self.duration_s).contains(&event.at_s) {
                let words = format!("{} s is outside the run of {} s", event.at_s, self.duration_s);
                report(format!("timeline[{i}].at_s"), words);
            }
            if event.at_s < before {
                let words = format!("{} s is before the event above it, at {before} s", event.at_s);
                report(format!("timeline[{i}].at_s"), words);
            }
            before = event.at_s;
            for (field, words) in event.event.problems(&self.recipients) {
                report(format!("timeline[{i}].event{field}"), words);
            }
        }
        order::problems(&self.timeline, power, &device.power)
            .into_iter()
            .for_each(|(field, words)| report(field, words));
        for (field, value) in [("miss", self.oracle.miss), ("false_alarm", self.oracle.false_alarm)] {
            if !(0.0..=1.0).contains(&value) {
                report(format!("oracle.{field}"), format!("{value} is out of 0 to 1"));
            }
        }
        if !(0.0..=100.0).contains(&self.oracle.jitter_px) {
            report("oracle.jitter_px".into(), format!("{} pixels are out of 0 to 100", self.oracle.jitter_px));
        }
        for (i, recipient) in self.recipients.iter().enumerate() {
            if let Some((field, words)) = recipient.problem() {
                report(format!("recipients[{i}].{field}"), words);
            }
            if self.recipients[..i].iter().any(|other| is_at(other, &recipient.address)) {
                report(format!("recipients[{i}].address"), format!("{} is listed twice", recipient.address));
            }
        }
        if !self.golden_file && self.expect.is_empty() {
            report(
                "golden_file".into(),
                "without a golden file something must be expected, or nothing is judged".into(),
            );
        }
        if !self.golden_file && !self.normalise.is_empty() {
            report("normalise".into(), "is for a golden file, and `golden_file` says that there is none".into());
        }
        for (i, expectation) in self.expect.iter().enumerate() {
            if let Expectation::Refused { at_s, .. } = expectation
                && !self.timeline.iter().any(|event| event.at_s == *at_s && event.event.can_be_refused())
            {
                report(format!("expect[{i}].at_s"), format!("at {at_s} s nothing is wanted of the device"));
            }
            if let Expectation::CrossingsAreTrue { .. } = expectation
                && let Some(words) = crossings::problem(&device.configuration, &self.timeline)
            {
                report(format!("expect[{i}]"), words);
            }
            if let Some((field, words)) = expectation.problem(self.duration_s) {
                report(format!("expect[{i}]{field}"), words);
            }
        }
        if !(0.0..=60.0).contains(&self.rendered_tolerance.time_s) {
            let words = format!("{} s is out of 0 to 60 s", self.rendered_tolerance.time_s);
            report("rendered_tolerance.time_s".into(), words);
        }
        problems
    }

    /// Where the device would speak MQTT to an HTTP server or the other way round, at first or later, as (setting, words).
    fn kind_problems(&self) -> Vec<(String, String)> {
        let first = ("device.configuration".to_owned(), &self.device.configuration);
        let later = self.timeline.iter().enumerate().filter_map(|(i, event)| match &event.event {
            Happening::Configure(configuration) => Some((format!("timeline[{i}].event"), &**configuration)),
            _ => None,
        });
        let mut problems = Vec::new();
        for (place, configuration) in std::iter::once(first).chain(later) {
            let Configuration { region_people_counting, line_crossing_counting, people_flow_analysis, .. } =
                configuration;
            if let ClockSource::Ntp { server, .. } = &configuration.clock.source {
                let address = address(server.as_str(), 123);
                let other = self.recipients.iter().find(|r| is_at(r, &address) && r.kind != RecipientKind::Ntp);
                problems.extend(other.map(|other| {
                    let words =
                        format!("{address} is a recipient of kind {:?}, and this asks for the time", other.kind);
                    (format!("{place}.clock.source.server"), words)
                }));
            }
            let functions = [
                ("region_people_counting", region_people_counting.enable, &region_people_counting.protocol),
                ("line_crossing_counting", line_crossing_counting.enable, &line_crossing_counting.protocol),
                ("people_flow_analysis", people_flow_analysis.enable, &people_flow_analysis.protocol),
            ];
            for (function, _, protocol) in functions.into_iter().filter(|(_, enable, _)| *enable) {
                for (field, address, kind) in wanted(protocol) {
                    let other = self.recipients.iter().find(|r| is_at(r, &address) && r.kind != kind);
                    problems.extend(other.map(|other| {
                        let words =
                            format!("{address} is a recipient of kind {:?}, and this speaks {kind:?}", other.kind);
                        (format!("{place}.{function}.protocol.{field}"), words)
                    }));
                }
            }
        }
        problems
    }
}

/// Whom a protocol speaks to: the setting, the address, and what is spoken.
fn wanted(protocol: &ReportProtocol) -> Vec<(String, String, RecipientKind)> {
    match protocol {
        ReportProtocol::Http { urls } => (urls.iter().enumerate().filter(|(_, url)| url.enable))
            .map(|(i, url)| (format!("urls[{i}].url"), address(url.url.host(), url.url.port()), RecipientKind::Http))
            .collect(),
        ReportProtocol::Mqtt { host, port, .. } => {
            vec![("host".to_owned(), address(host, port.get()), RecipientKind::Mqtt)]
        }
    }
}

fn address(host: &str, port: u16) -> String {
    format!("{host}:{port}")
}
