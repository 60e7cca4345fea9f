//! What the clock is kept by (guide §5.4.3).

use std::net::Ipv6Addr;

use serde::{Deserialize, Serialize};

use super::json::Json;
use super::reading::{Place, Read};
use super::within;

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
        let is_part = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        let is_name = (1..=253).contains(&text.len()) && text.chars().all(is_part);
        if is_name || text.parse::<Ipv6Addr>().is_ok() {
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
#[serde(try_from = "i64", into = "i64")]
pub struct SyncHours(u32);

impl TryFrom<i64> for SyncHours {
    type Error = String;

    fn try_from(hours: i64) -> Result<Self, String> {
        within(hours, 1..=720, "hours").map(SyncHours)
    }
}

impl From<SyncHours> for i64 {
    fn from(hours: SyncHours) -> i64 {
        hours.0.into()
    }
}

impl From<SyncHours> for u32 {
    fn from(hours: SyncHours) -> u32 {
        hours.0
    }
}

impl Read for ClockSettings {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        let ClockSettings { daylight_saving, source } = ClockSettings::default();
        place.group(json, |group| ClockSettings {
            daylight_saving: group.or("daylight_saving", daylight_saving),
            source: group.or("source", source),
        })
    }
}

impl Read for ClockSource {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        let (name, settings) = place.choice(json, &["Manual"], &["Ntp"])?;
        if name == "Manual" {
            return Some(ClockSource::Manual);
        }
        place.group(settings, |group| ClockSource::Ntp {
            server: group.or("server", pool()),
            sync_every_h: group.or("sync_every_h", daily()),
        })
    }
}

impl Read for Host {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        place.text(json, "the name or address of a host, such as `pool.ntp.org`")
    }
}

impl Read for SyncHours {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        place.whole(json, "1 to 720 hours")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_without_a_port() {
        for good in ["pool.ntp.org", "192.168.0.1", "fe80::1"] {
            assert!(Host::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["", "pool.ntp.org:123", "ntp://pool.ntp.org", "a b", "192.168.0.1:123"] {
            let words = Host::try_from(bad.to_owned()).expect_err(bad);
            assert!(words.contains("without port"), "{words}");
        }
    }
}
