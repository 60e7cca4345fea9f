//! Receivers that speak TLS: a certificate of their own, and whose certificates they ask for.
//!
//! One authority signs for all of them: `certificates/authority.pem`, made by `cargo run -p golden --example certificates`. Knows nothing of devices.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use chrono::{Datelike, NaiveDate};
use rcgen::{CertificateParams, DnType, Issuer, KeyPair};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// The certificate of the authority that signs for receivers, in PEM: what a device has to trust.
pub const AUTHORITY: &str = include_str!("../../certificates/authority.pem");
/// Its key. There is nothing to it that it could betray.
const AUTHORITY_KEY: &str = include_str!("../../certificates/authority.key");

/// How a receiver proves who it is, and whom it lets in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// Names and addresses that its certificate is for; that of the recipient's address if there are none.
    pub names: Vec<String>,
    /// The certificate's first day; 1975-01-01 if not given.
    #[serde(deserialize_with = "date")]
    pub from: Option<NaiveDate>,
    /// The day on which it ends; 2100-01-01 if not given.
    #[serde(deserialize_with = "date")]
    pub until: Option<NaiveDate>,
    /// Whether the certificate is signed by nobody but itself.
    pub signs_itself: bool,
    /// Whether devices must show a certificate that the authority signed.
    pub asks_devices: bool,
}

fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    let date = |text: String| {
        text.parse().map_err(|_| D::Error::custom(format!("must be a date such as `2026-07-07`, not `{text}`")))
    };
    text.map(date).transpose()
}

impl Tls {
    /// What is wrong with it, in words of what would be right.
    pub(super) fn problem(&self) -> Option<String> {
        let (from, until) = self.days();
        (from >= until)
            .then(|| format!("the certificate is to end on {until}, which is not after its first day, {from}"))
    }

    fn days(&self) -> (NaiveDate, NaiveDate) {
        let day = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default();
        (self.from.unwrap_or(day(1975)), self.until.unwrap_or(day(2100)))
    }

    /// What takes connections of a receiver at `host`.
    pub(super) fn acceptor(&self, host: &str) -> Result<TlsAcceptor, String> {
        let words = |error: &dyn std::fmt::Display| error.to_string();
        let (certificate, key) = self.certificate(host)?;
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(|error| words(&error))?;
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| words(&error))?;
        let builder = if self.asks_devices {
            let mut authority = RootCertStore::empty();
            let certificate = CertificateDer::from_pem_slice(AUTHORITY.as_bytes()).map_err(|error| words(&error))?;
            authority.add(certificate).map_err(|error| words(&error))?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authority), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| words(&error))?)
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| words(&error))?;
        let config = builder.with_single_cert(vec![certificate], key).map_err(|error| words(&error))?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// A fresh certificate for a receiver at `host`, and its key, both in PEM.
    ///
    /// # Errors
    /// What is wrong with a name.
    pub fn certificate(&self, host: &str) -> Result<(String, String), String> {
        let names = if self.names.is_empty() { vec![host.to_owned()] } else { self.names.clone() };
        let ((from, until), words) = (self.days(), |error: rcgen::Error| error.to_string());
        let date = |day: NaiveDate| rcgen::date_time_ymd(day.year(), day.month() as u8, day.day() as u8);
        let mut params = CertificateParams::new(names).map_err(words)?;
        params.distinguished_name.push(DnType::CommonName, "a receiver of reports");
        (params.not_before, params.not_after) = (date(from), date(until));
        let key = KeyPair::generate().map_err(words)?;
        let certificate = if self.signs_itself {
            params.self_signed(&key)
        } else {
            let authority = KeyPair::from_pem(AUTHORITY_KEY).map_err(words)?;
            params.signed_by(&key, &Issuer::from_ca_cert_pem(AUTHORITY, authority).map_err(words)?)
        };
        Ok((certificate.map_err(words)?.pem(), key.serialize_pem()))
    }
}

/// The device's end of a connection, which counts the bytes that come.
pub(super) struct Counted {
    stream: TcpStream,
    came: Arc<Came>,
}

/// Books so many bytes.
type Book = Box<dyn Fn(usize) + Send>;

/// Bytes that came and are not booked yet.
#[derive(Default)]
pub(super) struct Came {
    bytes: AtomicUsize,
    /// While there is nothing to be understood they are booked as they come: the other side may wait for long in between.
    at_once: Mutex<Option<Book>>,
}

impl Came {
    /// Takes out what is to be booked.
    pub fn take(&self) -> usize {
        self.bytes.swap(0, Ordering::Relaxed)
    }

    /// From now on has bytes booked as they come, or no longer.
    pub fn book(&self, at_once: Option<Book>) {
        *self.at_once.lock().unwrap_or_else(PoisonError::into_inner) = at_once;
    }

    fn add(&self, bytes: usize) {
        match &*self.at_once.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(book) => book(bytes),
            None => drop(self.bytes.fetch_add(bytes, Ordering::Relaxed)),
        }
    }
}

impl Counted {
    /// The stream, and what counts its bytes.
    pub fn new(stream: TcpStream) -> (Self, Arc<Came>) {
        let came = Arc::new(Came::default());
        (Counted { stream, came: Arc::clone(&came) }, came)
    }

    /// Reads what still comes, for its number.
    pub async fn drain(mut self) {
        let mut buffer = vec![0; 4096];
        while matches!(self.read(&mut buffer).await, Ok(1..)) {}
    }
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.came.add(buf.filled().len() - before);
        read
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
