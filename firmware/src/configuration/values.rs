//! Single settings that can be judged alone. Each is checked while it is read, so that a parser can point at the place.
//!
//! Knows nothing of how settings depend on each other; that is `Configuration::validate`.

use std::fmt;

use glam::DVec2;
use serde::{Deserialize, Serialize};
use ureq_proto::http::Uri;
use ureq_proto::http::uri::Scheme;

/// The interval of *From Now On* reports: 5 to 86400 s (guide §5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct IntervalSeconds(u32);

impl TryFrom<u32> for IntervalSeconds {
    type Error = String;

    fn try_from(seconds: u32) -> Result<Self, String> {
        if (5..=86_400).contains(&seconds) {
            Ok(IntervalSeconds(seconds))
        } else {
            Err(format!("must be 5 to 86400 seconds, not {seconds}"))
        }
    }
}

impl From<IntervalSeconds> for u32 {
    fn from(interval: IntervalSeconds) -> u32 {
        interval.0
    }
}

/// The interval of *On the Dot* reports in minutes: every choice divides the day, so slots align to local midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct DotMinutes(u32);

impl DotMinutes {
    /// 5, 10, 15, 30 minutes and 1, 4, 6, 8, 12 hours.
    pub const CHOICES: [u32; 9] = [5, 10, 15, 30, 60, 240, 360, 480, 720];
}

impl TryFrom<u32> for DotMinutes {
    type Error = String;

    fn try_from(minutes: u32) -> Result<Self, String> {
        if Self::CHOICES.contains(&minutes) {
            Ok(DotMinutes(minutes))
        } else {
            Err(format!("must be one of 5, 10, 15, 30, 60, 240, 360, 480, 720 minutes, not {minutes}"))
        }
    }
}

impl From<DotMinutes> for u32 {
    fn from(interval: DotMinutes) -> u32 {
        interval.0
    }
}

/// How long a count must last to be believed: 0 to 10 s.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct StableSeconds(f64);

impl TryFrom<f64> for StableSeconds {
    type Error = String;

    fn try_from(seconds: f64) -> Result<Self, String> {
        if (0.0..=10.0).contains(&seconds) {
            Ok(StableSeconds(seconds))
        } else {
            Err(format!("must be 0 to 10 seconds, not {seconds}"))
        }
    }
}

impl From<StableSeconds> for f64 {
    fn from(stable: StableSeconds) -> f64 {
        stable.0
    }
}

/// An MQTT quality of service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum QualityOfService {
    /// 0: sent once, never acknowledged.
    #[default]
    AtMostOnce,
    /// 1: acknowledged by PUBACK.
    AtLeastOnce,
    /// 2: the four-way handshake that ends with PUBCOMP.
    ExactlyOnce,
}

impl TryFrom<u8> for QualityOfService {
    type Error = String;

    fn try_from(qos: u8) -> Result<Self, String> {
        match qos {
            0 => Ok(QualityOfService::AtMostOnce),
            1 => Ok(QualityOfService::AtLeastOnce),
            2 => Ok(QualityOfService::ExactlyOnce),
            other => Err(format!("must be 0, 1 or 2, not {other}")),
        }
    }
}

impl From<QualityOfService> for u8 {
    fn from(qos: QualityOfService) -> u8 {
        match qos {
            QualityOfService::AtMostOnce => 0,
            QualityOfService::AtLeastOnce => 1,
            QualityOfService::ExactlyOnce => 2,
        }
    }
}

/// An MQTT topic to publish to: text without wildcards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Topic(String);

impl Topic {
    /// The topic's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Topic {
    type Error = String;

    fn try_from(topic: String) -> Result<Self, String> {
        if topic.is_empty() {
            Err("must name a topic such as `office/people`".to_owned())
        } else if topic.len() > 1024 {
            Err(format!("must be at most 1024 bytes long, not {}", topic.len()))
        } else if topic.contains(['+', '#', '\0']) {
            Err("must not hold `+`, `#` or NUL: reports are published to one topic, not to a pattern".to_owned())
        } else {
            Ok(Topic(topic))
        }
    }
}

impl From<Topic> for String {
    fn from(topic: Topic) -> String {
        topic.0
    }
}

/// A hardware address, written as six pairs of hexadecimal digits with colons between.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MacAddress(String);

impl MacAddress {
    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for MacAddress {
    type Error = String;

    fn try_from(address: String) -> Result<Self, String> {
        let is_pair = |pair: &str| pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
        if address.split(':').count() == 6 && address.split(':').all(is_pair) {
            Ok(MacAddress(address))
        } else {
            Err(format!("must be six pairs of hexadecimal digits such as `24:E1:24:F5:4E:2F`, not `{address}`"))
        }
    }
}

impl From<MacAddress> for String {
    fn from(address: MacAddress) -> String {
        address.0
    }
}

/// The address of an HTTP recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HttpUrl {
    uri: Uri,
    host: String,
    port: u16,
}

impl HttpUrl {
    /// The address in the form a request takes.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Name or address of the host, an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// TCP port, 80 unless the address says otherwise.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.uri)
    }
}

impl TryFrom<String> for HttpUrl {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        const EXAMPLE: &str = "such as `http://192.168.0.9:8080/reports`";
        let uri: Uri = url.parse().map_err(|error| format!("must be an address {EXAMPLE}: {error}"))?;
        if uri.scheme() != Some(&Scheme::HTTP) {
            return Err(format!("must start with `http://`, {EXAMPLE}"));
        }
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        if authority.contains('@') {
            return Err(format!("must not hold a user name or password; write it {EXAMPLE}"));
        }
        let host = uri.host().unwrap_or("").trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(format!("must name a host, {EXAMPLE}"));
        }
        // `Uri` lets any text after the colon stand and merely finds no port in it.
        let port = match (uri.port_u16(), authority.ends_with(']'), authority.rsplit_once(':')) {
            (Some(0), ..) => return Err("must not name port 0".to_owned()),
            (Some(port), ..) => port,
            (None, false, Some((_, port))) => return Err(format!("must name a port from 1 to 65535, not `{port}`")),
            (None, ..) => 80,
        };
        Ok(HttpUrl { uri, host, port })
    }
}

impl From<HttpUrl> for String {
    fn from(url: HttpUrl) -> String {
        url.uri.to_string()
    }
}

/// The outline of a region in normalised image coordinates: [0, 1] from the top left, at least three corners, no side
/// crossing another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<DVec2>", into = "Vec<DVec2>")]
pub struct Polygon(Vec<DVec2>);

impl Polygon {
    /// The corners in drawing order.
    pub fn corners(&self) -> &[DVec2] {
        &self.0
    }
}

impl TryFrom<Vec<DVec2>> for Polygon {
    type Error = String;

    fn try_from(corners: Vec<DVec2>) -> Result<Self, String> {
        match analytics::polygon_problem(&corners) {
            Some(problem) => Err(problem),
            None => Ok(Polygon(corners)),
        }
    }
}

impl From<Polygon> for Vec<DVec2> {
    fn from(polygon: Polygon) -> Vec<DVec2> {
        polygon.0
    }
}
