//! Where a function's reports go (guide §5.3, *Report Protocol*).

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU16;

use rustls::pki_types::ServerName;
use serde::{Deserialize, Serialize};
use ureq_proto::http::Uri;
use ureq_proto::http::uri::Scheme;

use super::json::Json;
use super::problem::Problems;
use super::reading::{Place, Read, StandIn};
use crate::tls;

/// URL 1, URL 2 and URL 3.
pub const URLS_MAX: usize = 3;
/// Ours, as those below: the guide gives no limit, and everything has a bound, or flash would have no room for 3,000 reports and whom they are for.
const CREDENTIAL_BYTES_MAX: usize = 256;
/// Passwords of brokers may be signed tokens.
const BROKER_PASSWORD_BYTES_MAX: usize = 1024;
/// Of a URL or a topic.
const ADDRESS_BYTES_MAX: usize = 1024;
/// Of a host's name (RFC 1035 §2.3.4).
const HOST_BYTES_MAX: usize = 253;

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
        /// TCP port. Brokers that speak MQTTS mostly do so at 8883.
        #[serde(default = "mqtt_port")]
        port: NonZeroU16,
        /// MQTTS: how the two know each other. Plain MQTT without.
        #[serde(default)]
        tls: Option<CertificateType>,
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
    /// *Snapshot*: reports carry a picture. Only in the privacy mode *Normal*.
    #[serde(default)]
    pub snapshot: bool,
    /// The address.
    pub url: HttpUrl,
    /// *User Name*, for a server that asks for one, by Basic or by Digest.
    #[serde(default)]
    pub user_name: Option<String>,
    /// *Password*.
    #[serde(default)]
    pub password: Option<String>,
    /// For an `https://` address: how the two know each other.
    #[serde(default)]
    pub certificate_type: CertificateType,
}

/// *Certificate Type*: how the device knows whom it speaks to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum CertificateType {
    /// By an authority that the device came with.
    #[default]
    CaSigned,
    /// By an authority of one's own; and who the device is, if it is asked. All are uploaded, in PEM.
    SelfSigned {
        /// *Custom CA certificate*.
        ca_certificate: String,
        /// *Client certificate*.
        #[serde(default)]
        client_certificate: Option<String>,
        /// *Secret key* of the client certificate.
        #[serde(default)]
        client_key: Option<String>,
    },
}

impl CertificateType {
    fn check(&self, place: &str, problems: &mut Problems) {
        for tls::CertificateProblem { field, about, words } in tls::problems(self) {
            let about: Vec<String> = about.iter().map(|field| format!("{place}.{field}")).collect();
            let about: Vec<&str> = about.iter().map(String::as_str).collect();
            problems.add_between(format!("{place}.{field}"), &about, words);
        }
    }
}

fn enabled() -> bool {
    true
}

impl ReportProtocol {
    /// The addresses of HTTP.
    pub(crate) fn urls(&self) -> &[NotificationUrl] {
        match self {
            ReportProtocol::Http { urls } => urls,
            ReportProtocol::Mqtt { .. } => &[],
        }
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        match self {
            ReportProtocol::Http { urls } => {
                if urls.len() > URLS_MAX {
                    problems.add("urls", format!("must be at most {URLS_MAX} addresses, not {}", urls.len()));
                }
                // The same address twice would be one recipient, so that a second entry can only be a slip of the pen.
                let mut first: BTreeMap<String, usize> = BTreeMap::new();
                for (i, url) in urls.iter().enumerate() {
                    let texts = [("user_name", &url.user_name), ("password", &url.password)];
                    for (field, text) in texts.into_iter().filter_map(|(field, text)| Some((field, text.as_ref()?))) {
                        if text.is_empty() || text.len() > CREDENTIAL_BYTES_MAX || text.chars().any(char::is_control) {
                            let message = format!(
                                "must be 1 to {CREDENTIAL_BYTES_MAX} bytes long and hold no control characters"
                            );
                            problems.add(format!("urls[{i}].{field}"), message);
                        }
                    }
                    if url.user_name.as_ref().is_some_and(|name| name.contains(':')) {
                        problems.add(format!("urls[{i}].user_name"), "must hold no `:` (RFC 7617 §2)");
                    }
                    if url.password.is_some() && url.user_name.is_none() {
                        let user_name = format!("urls[{i}].user_name");
                        problems.add_between(
                            format!("urls[{i}].password"),
                            &[&user_name],
                            "needs a user_name beside it",
                        );
                    }
                }
                for (i, url) in urls.iter().enumerate() {
                    url.certificate_type.check(&format!("urls[{i}].certificate_type"), problems);
                    let name = ServerName::try_from(url.url.host());
                    if url.url.is_secure() && name.is_err() {
                        problems.add(format!("urls[{i}].url"), "must name a host that a certificate can name");
                    }
                }
                for (i, url) in urls.iter().enumerate().filter(|(_, url)| url.enable) {
                    let before = *first.entry(url.url.canonical()).or_insert(i);
                    if before != i {
                        let message = format!("must differ from urls[{before}]: each report goes to an address once");
                        let about = [format!("urls[{before}]"), format!("urls[{i}].enable")];
                        problems.add_between(format!("urls[{i}].url"), &about.each_ref().map(String::as_str), message);
                    }
                }
            }
            ReportProtocol::Mqtt { host, tls, client_id, user_name, password, .. } => {
                if let Some(certificates) = tls {
                    certificates.check("tls", problems);
                }
                if host.is_empty()
                    || host.len() > HOST_BYTES_MAX
                    || host.contains(|c: char| c.is_whitespace() || "/@:".contains(c))
                    || tls.is_some() && ServerName::try_from(host.as_str()).is_err()
                {
                    let shown: String = host.chars().take(80).collect();
                    let message = format!(
                        "must be a host name or address such as `192.168.0.9`, without a port and of at most {HOST_BYTES_MAX} bytes, not `{shown}`"
                    );
                    problems.add_between("host", &["tls"], message);
                }
                let texts = [
                    ("client_id", Some(client_id), CREDENTIAL_BYTES_MAX),
                    ("user_name", user_name.as_ref(), CREDENTIAL_BYTES_MAX),
                    ("password", password.as_ref(), BROKER_PASSWORD_BYTES_MAX),
                ];
                for (field, text, max) in texts.into_iter().filter_map(|(field, text, max)| Some((field, text?, max))) {
                    if text.is_empty() || text.len() > max || text.contains('\0') {
                        problems.add(field, format!("must be 1 to {max} bytes long and hold no NUL"));
                    }
                }
                if password.is_some() && user_name.is_none() {
                    problems.add_between(
                        "password",
                        &["user_name"],
                        "needs a user_name beside it (MQTT 3.1.1 §3.1.2.9)",
                    );
                }
            }
        }
    }
}

/// An MQTT quality of service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub enum QualityOfService {
    /// 0: sent once, never acknowledged.
    #[default]
    AtMostOnce,
    /// 1: acknowledged by PUBACK.
    AtLeastOnce,
    /// 2: the four-way handshake that ends with PUBCOMP.
    ExactlyOnce,
}

impl TryFrom<i64> for QualityOfService {
    type Error = String;

    fn try_from(qos: i64) -> Result<Self, String> {
        match qos {
            0 => Ok(QualityOfService::AtMostOnce),
            1 => Ok(QualityOfService::AtLeastOnce),
            2 => Ok(QualityOfService::ExactlyOnce),
            other => Err(format!("must be 0, 1 or 2, not {other}")),
        }
    }
}

impl From<QualityOfService> for i64 {
    fn from(qos: QualityOfService) -> i64 {
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
        } else if topic.len() > ADDRESS_BYTES_MAX {
            Err(format!("must be at most {ADDRESS_BYTES_MAX} bytes long, not {}", topic.len()))
        } else if topic.contains(['+', '#', '\0']) {
            Err("must not hold `+`, `#` or NUL: reports are published to one topic, not to a pattern".to_owned())
        } else if topic.starts_with('$') {
            Err("must not begin with `$`: such topics are the broker's own (MQTT 3.1.1 §4.7.2)".to_owned())
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

/// The address of an HTTP recipient. Two are equal when they lead to the same place, however they are written.
#[derive(Clone, Debug, Serialize, Deserialize)]
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

    /// Whether it is an `https://` address.
    pub fn is_secure(&self) -> bool {
        self.uri.scheme() == Some(&Scheme::HTTPS)
    }

    /// TCP port, 80 or for `https://` 443 unless the address says otherwise.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address without what goes without saying.
    pub fn canonical(&self) -> String {
        let (scheme, usual) = if self.is_secure() { ("https", 443) } else { ("http", 80) };
        let host = self.uri.host().unwrap_or("").to_ascii_lowercase();
        let port = if self.port == usual { String::new() } else { format!(":{}", self.port) };
        format!("{scheme}://{host}{port}{}", self.uri.path_and_query().map_or("/", |path| path.as_str()))
    }
}

impl PartialEq for HttpUrl {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

impl Eq for HttpUrl {}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.uri)
    }
}

impl TryFrom<String> for HttpUrl {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        const EXAMPLE: &str = "such as `http://192.168.0.9:8080/reports`";
        if url.len() > ADDRESS_BYTES_MAX {
            return Err(format!("must be at most {ADDRESS_BYTES_MAX} bytes long, not {}", url.len()));
        }
        let uri: Uri = url.parse().map_err(|error| format!("must be an address {EXAMPLE}: {error}"))?;
        if uri.scheme() != Some(&Scheme::HTTP) && uri.scheme() != Some(&Scheme::HTTPS) {
            return Err(format!("must start with `http://` or `https://`, {EXAMPLE}"));
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
            (None, ..) if uri.scheme() == Some(&Scheme::HTTPS) => 443,
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

impl Read for ReportProtocol {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        let (name, settings) = place.choice(json, &[], &["Http", "Mqtt"])?;
        place.group(settings, |group| match name {
            "Http" => ReportProtocol::Http { urls: group.or("urls", vec![]) },
            _ => ReportProtocol::Mqtt {
                host: group.must("host"),
                port: group.or("port", mqtt_port()),
                tls: group.or("tls", None),
                client_id: group.must("client_id"),
                user_name: group.or("user_name", None),
                password: group.or("password", None),
                topic: group.must("topic"),
                qos: group.or("qos", QualityOfService::default()),
                keep_alive_s: group.or("keep_alive_s", keep_alive()),
            },
        })
    }
}

impl Read for NotificationUrl {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        place.group(json, |group| NotificationUrl {
            enable: group.or("enable", enabled()),
            snapshot: group.or("snapshot", false),
            url: group.must("url"),
            user_name: group.or("user_name", None),
            password: group.or("password", None),
            certificate_type: group.or("certificate_type", CertificateType::default()),
        })
    }
}

impl StandIn for NotificationUrl {
    fn stand_in() -> Self {
        NotificationUrl {
            enable: false,
            snapshot: false,
            url: HttpUrl::stand_in(),
            user_name: None,
            password: None,
            certificate_type: CertificateType::default(),
        }
    }
}

impl Read for CertificateType {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        let (name, settings) = place.choice(json, &["CaSigned"], &["SelfSigned"])?;
        if name == "CaSigned" {
            return Some(CertificateType::CaSigned);
        }
        place.group(settings, |group| CertificateType::SelfSigned {
            ca_certificate: group.must("ca_certificate"),
            client_certificate: group.or("client_certificate", None),
            client_key: group.or("client_key", None),
        })
    }
}

impl Read for QualityOfService {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        place.whole(json, "0, 1 or 2")
    }
}

impl Read for Topic {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        place.text(json, "a topic such as `office/people`")
    }
}

impl StandIn for Topic {
    fn stand_in() -> Self {
        Topic("stand-in".to_owned())
    }
}

impl Read for HttpUrl {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        place.text(json, "an address such as `http://192.168.0.9:8080/reports`")
    }
}

impl StandIn for HttpUrl {
    fn stand_in() -> Self {
        HttpUrl::try_from("http://stand-in.invalid/".to_owned()).expect("an address")
    }
}
