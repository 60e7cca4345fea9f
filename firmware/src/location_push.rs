//! *Realtime Location Push* (guide §5.3.4): a TCP server that tells whoever connects where everybody is, frame by frame.
//!
//! The guide names the function and not the form: a line of JSON a frame is ours (docs/location-push.md), and its `version` says which. Clients are told and
//! not asked: what they send is not read, and the network closes the connection of one that does not take what it is sent.

use analytics::{Analysis, Posture, Region};
use chrono_tz::Tz;
use firmware_shim::{ConnId, NetEvent, RtcTime, Uptime, View};
use glam::DVec2;
use serde::Serialize;

use crate::calendar::{Zone, iso_8601_ms};
use crate::configuration::{Configuration, LocationPushSettings};
use crate::delivery::Outbox;
use crate::diagnostic::Diagnostic;
use crate::region_people_counting::detection_area;

/// The version of the lines.
const VERSION: u32 = 1;
/// More clients than this are turned away. A decision.
const CLIENTS_MAX: usize = 8;

/// The server at work.
pub(crate) struct LocationPush {
    /// While it is enabled.
    port: Option<u16>,
    zone: Zone,
    regions: Vec<Region>,
    clients: Vec<ConnId>,
}

impl Default for LocationPush {
    fn default() -> Self {
        LocationPush { port: None, zone: Tz::UTC.into(), regions: vec![], clients: vec![] }
    }
}

#[derive(Serialize)]
struct Line {
    version: u32,
    time: String,
    frame: u64,
    people: Vec<PersonAt>,
}

#[derive(Serialize)]
struct PersonAt {
    people_id: u64,
    seen: bool,
    head: [f64; 2],
    foot: [f64; 2],
    floor_m: [f64; 2],
    posture: &'static str,
    regions: Vec<u32>,
}

impl LocationPush {
    /// Serves by these settings from now on. Clients stay connected as long as the port is the same.
    pub fn configure(&mut self, configuration: &Configuration, outbox: &mut Outbox) {
        let LocationPushSettings { enable, port } = configuration.general.realtime_location_push;
        let port = enable.then_some(port.get());
        if port != self.port {
            self.clients.drain(..).for_each(|client| outbox.close(client));
            self.port.into_iter().for_each(|port| outbox.unlisten(port));
            port.into_iter().for_each(|port| outbox.listen(port));
            self.port = port;
        }
        self.zone = configuration.zone();
        self.regions = detection_area(&configuration.region_people_counting.detection_region).1;
    }

    /// Takes in who comes and who goes.
    pub fn hear(&mut self, event: &NetEvent, outbox: &mut Outbox) {
        match event {
            NetEvent::Accepted { conn, port } => {
                let is_let_in = Some(*port) == self.port && self.clients.len() < CLIENTS_MAX;
                match is_let_in {
                    true => self.clients.push(*conn),
                    false => outbox.close(*conn),
                }
                outbox.diagnostics.push(Diagnostic::ClientCame { port: *port, is_let_in });
            }
            NetEvent::Closed { conn, reason } if self.clients.contains(conn) => {
                self.clients.retain(|client| client != conn);
                outbox.diagnostics.push(Diagnostic::ClientGone { reason: reason.clone() });
            }
            _ => {}
        }
    }

    /// Whether anybody listens.
    pub fn has_clients(&self) -> bool {
        !self.clients.is_empty()
    }

    /// Tells everybody who listens where people were in a frame.
    pub fn tell(&self, analysis: &Analysis, view: &View, now: Uptime, rtc: RtcTime, outbox: &mut Outbox) {
        if !self.has_clients() {
            return;
        }
        let age_ns = i64::try_from(now.since(analysis.taken_at).as_nanos()).unwrap_or(0);
        let people = analysis.tracks.iter().map(|track| {
            let foot = view.normalised(track.foot_px);
            let regions = self.regions.iter().filter(|region| region.contains(foot));
            PersonAt {
                people_id: track.id,
                seen: !track.coasting,
                head: rounded(view.normalised(track.head_px), 1e4),
                foot: rounded(foot, 1e4),
                floor_m: rounded(track.floor, 1e3),
                posture: match track.posture {
                    Posture::Standing => "standing",
                    Posture::Seated => "seated",
                },
                regions: regions.map(|region| region.id).collect(),
            }
        });
        let line = Line {
            version: VERSION,
            time: iso_8601_ms(RtcTime(rtc.0.saturating_sub(age_ns)), self.zone),
            frame: analysis.seq,
            people: people.collect(),
        };
        let mut line = serde_json::to_vec(&line).expect("text keys and finite numbers always serialise");
        line.push(b'\n');
        self.clients.iter().for_each(|client| outbox.send(*client, line.clone()));
    }
}

/// To so many parts of one; more digits would only be noise.
fn rounded(point: DVec2, parts: f64) -> [f64; 2] {
    point.to_array().map(|value| (value * parts).round() / parts)
}
