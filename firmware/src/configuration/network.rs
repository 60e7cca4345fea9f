//! The ports of the device's services.

use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

use super::LocationPushSettings;
use super::json::Json;
use super::problem::Problems;
use super::reading::{Place, Read};

/// The network, but for the address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkSettings {
    /// What listens where.
    pub ports: Ports,
}

/// The TCP ports of the device's services. Nothing listens there yet; no other service can have them all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ports {
    /// The web page; 80 unless set. That it can be set is ours.
    pub web: NonZeroU16,
    /// RTSP; 554 unless set.
    pub rtsp: NonZeroU16,
    /// SSH; 22 unless set.
    pub ssh: NonZeroU16,
}

impl Default for Ports {
    fn default() -> Self {
        let port = |number| NonZeroU16::new(number).expect("not zero");
        Ports { web: port(80), rtsp: port(554), ssh: port(22) }
    }
}

impl NetworkSettings {
    /// Each port has one service.
    pub(super) fn check(&self, push: &LocationPushSettings, problems: &mut Problems) {
        let Ports { web, rtsp, ssh } = self.ports;
        let push_port = push.enable.then_some(("general.realtime_location_push.port", push.port));
        let used = [("network.ports.web", web), ("network.ports.rtsp", rtsp), ("network.ports.ssh", ssh)];
        let used: Vec<(&str, NonZeroU16)> = used.into_iter().chain(push_port).collect();
        for (i, (setting, port)) in used.iter().enumerate() {
            for (other, _) in used[..i].iter().filter(|(_, same)| same == port) {
                let about = [*other, "general.realtime_location_push.enable"];
                let about = if push_port.is_some_and(|(push, _)| push == *setting) { &about[..] } else { &about[..1] };
                problems.add_between(setting, about, format!("{port} is in use: it is {other}, too"));
            }
        }
    }
}

impl Read for NetworkSettings {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        place.group(json, |group| NetworkSettings { ports: group.or("ports", Ports::default()) })
    }
}

impl Read for Ports {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        let Ports { web, rtsp, ssh } = Ports::default();
        place.group(json, |group| Ports {
            web: group.or("web", web),
            rtsp: group.or("rtsp", rtsp),
            ssh: group.or("ssh", ssh),
        })
    }
}
