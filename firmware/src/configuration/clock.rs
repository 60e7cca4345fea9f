//! What the clock is kept by (guide §5.4.3).

use serde::{Deserialize, Serialize};

/// *Time & Date*, but for the time zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClockSettings {
    /// *Daylight Saving Time*: kept as the time zone has it, or not at all.
    pub daylight_saving: bool,
    /// What sets the clock.
    pub source: ClockSource,
}

impl Default for ClockSettings {
    fn default() -> Self {
        ClockSettings { daylight_saving: true, source: ClockSource::Manual }
    }
}

/// What sets the clock. A person unless set otherwise, a decision: the guide pictures a device that asks `pool.ntp.org` once a day, and calls nothing
/// the default; a device that is told of nobody speaks to nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ClockSource {
    /// *Manual* or *Synchronize with computer time*.
    #[default]
    Manual,
    /// *NTP server*.
    Ntp {
        /// *Server Address*.
        #[serde(default = "pool")]
        server: Host,
        /// *NTP Sync* and its interval; `None`: once, when the device is up or this is saved.
        #[serde(default = "daily")]
        sync_every_h: Option<SyncHours>,
    },
}

fn pool() -> Host {
    Host("pool.ntp.org".to_owned())
}

fn daily() -> Option<SyncHours> {
    Some(SyncHours(24))
}

/// The name or address of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Host(String);

impl Host {
    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Host {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
        if (1..=253).contains(&text.len()) && text.chars().all(is_part) {
            Ok(Host(text))
        } else {
            Err(format!("`{text}` is no host: expected a name or an address without port, such as \"pool.ntp.org\""))
        }
    }
}

impl From<Host> for String {
    fn from(host: Host) -> String {
        host.0
    }
}

/// Hours between two synchronisations, 1 to 720: a month. A decision; the guide pictures one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct SyncHours(u32);

impl TryFrom<u32> for SyncHours {
    type Error = String;

    fn try_from(hours: u32) -> Result<Self, String> {
        if (1..=720).contains(&hours) { Ok(SyncHours(hours)) } else { Err(format!("{hours} h is out of 1 to 720 h")) }
    }
}

impl From<SyncHours> for u32 {
    fn from(hours: SyncHours) -> u32 {
        hours.0
    }
}
