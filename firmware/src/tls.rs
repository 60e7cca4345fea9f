//! Transport security (guide §5.3, *Certificate Type*): whom the device trusts, and who it says it is.
//!
//! Certificates are judged by the device's calendar. The keys of a connection come from the operating system and from nowhere else: they are the one thing about a
//! run that no seed makes. Knows nothing of sockets.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use firmware_shim::RtcTime;
use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use crate::configuration::CertificateType;

/// The device's calendar as certificates are judged by it: seconds since 1970.
#[derive(Debug, Default)]
pub(crate) struct Calendar(AtomicI64);

impl Calendar {
    pub fn set(&self, now: RtcTime) {
        self.0.store(now.unix_millis().div_euclid(1000), Ordering::Relaxed);
    }
}

impl TimeProvider for Calendar {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.load(Ordering::Relaxed)).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// What the device needs to make secure connections.
#[derive(Clone)]
pub(crate) struct Trust {
    calendar: Arc<Calendar>,
    /// The device's own store.
    authorities: Arc<RootCertStore>,
}

impl Trust {
    /// The authorities of Mozilla's store, and these (PEM).
    pub fn new(more: &[String], calendar: Arc<Calendar>) -> Result<Self, String> {
        let mut authorities = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for pem in more {
            add(&mut authorities, pem)?;
        }
        Ok(Trust { calendar, authorities: Arc::new(authorities) })
    }

    /// How to speak to a host under a type of certificate.
    pub fn towards(&self, host: &str, certificates: &CertificateType) -> Result<Secure, String> {
        let name =
            ServerName::try_from(host.to_owned()).map_err(|_| format!("`{host}` is no name a certificate can have"))?;
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_details(provider, self.calendar.clone());
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
        let mut config = match certificates {
            CertificateType::CaSigned => {
                builder.with_root_certificates(Arc::clone(&self.authorities)).with_no_client_auth()
            }
            CertificateType::SelfSigned { ca_certificate, client_certificate, client_key } => {
                let mut authority = RootCertStore::empty();
                add(&mut authority, ca_certificate).map_err(|words| format!("ca_certificate: {words}"))?;
                let builder = builder.with_root_certificates(authority);
                match client_certificate.as_ref().zip(client_key.as_ref()) {
                    Some((certificate, key)) => {
                        let key = key_in(key).map_err(|words| format!("client_key: {words}"))?;
                        let chain =
                            certificates_in(certificate).map_err(|words| format!("client_certificate: {words}"))?;
                        let config = builder.with_client_auth_cert(chain, key);
                        config.map_err(|error| format!("client_key: must be of the client certificate: {error}"))?
                    }
                    None => builder.with_no_client_auth(),
                }
            }
        };
        // A resumed session would not look at the certificate again, which may have ended meanwhile.
        config.resumption = Resumption::disabled();
        Ok(Secure { name, config: Arc::new(config) })
    }
}

/// What is wrong with one of the files of a certificate type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateProblem {
    pub field: &'static str,
    /// What it is wrong together with.
    pub about: &'static [&'static str],
    pub words: String,
}

/// All that is wrong with certificates.
pub(crate) fn problems(certificates: &CertificateType) -> Vec<CertificateProblem> {
    let CertificateType::SelfSigned { ca_certificate, client_certificate, client_key } = certificates else {
        return vec![];
    };
    let problem = |field, words: String| CertificateProblem { field, about: &[], words };
    let mut found = Vec::new();
    found.extend(authority_problem(ca_certificate).map(|words| problem("ca_certificate", words)));
    let chain = client_certificate.as_ref().map(|pem| {
        let chain = certificates_in(pem)?;
        let wrong = chain.iter().find_map(|certificate| ParsedCertificate::try_from(certificate).err());
        wrong.map_or(Ok(chain), |error| Err(format!("must hold certificates: {error}")))
    });
    let key = client_key.as_ref().map(|pem| key_in(pem));
    if let Some(Err(words)) = &chain {
        found.push(problem("client_certificate", words.clone()));
    }
    if let Some(Err(words)) = &key {
        found.push(problem("client_key", words.clone()));
    }
    let words = match (chain, key) {
        (None, Some(Ok(_))) | (Some(Ok(_)), None) => Some("a client certificate and its key go together".to_owned()),
        (Some(Ok(chain)), Some(Ok(key))) => {
            let ring = ring::default_provider();
            CertifiedKey::from_der(chain, key, &ring)
                .err()
                .map(|error| format!("must be of the client certificate: {error}"))
        }
        _ => None,
    };
    let about = &["client_certificate"];
    found.extend(words.map(|words| CertificateProblem { field: "client_key", about, words }));
    found
}

/// What is wrong with the certificate of an authority.
pub fn authority_problem(pem: &str) -> Option<String> {
    add(&mut RootCertStore::empty(), pem).err()
}

fn add(store: &mut RootCertStore, pem: &str) -> Result<(), String> {
    for certificate in certificates_in(pem)? {
        store.add(certificate).map_err(|error| format!("must be that of an authority: {error}"))?;
    }
    Ok(())
}

fn certificates_in(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or_else(|| "must hold a certificate in PEM".to_owned())
}

fn key_in(pem: &str) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| "must be a private key in PEM".to_owned())
}

/// How to speak to one host.
#[derive(Clone)]
pub(crate) struct Secure {
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
}

/// A secure connection under way.
pub(crate) struct Session {
    connection: ClientConnection,
    /// Both sides have said who they are.
    is_up: bool,
}

/// What came of bytes from the other side.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// The connection is up from now on.
    pub is_now_up: bool,
    pub plain: Vec<u8>,
    /// The other side has said goodbye.
    pub is_over: bool,
}

impl Session {
    pub fn new(secure: &Secure) -> Result<Self, String> {
        let connection = ClientConnection::new(Arc::clone(&secure.config), secure.name.clone());
        let mut connection = connection.map_err(|error| error.to_string())?;
        // Reports are as long as they are.
        connection.set_buffer_limit(None);
        Ok(Session { connection, is_up: false })
    }

    pub fn is_up(&self) -> bool {
        self.is_up
    }

    /// Takes in bytes of the other side.
    ///
    /// # Errors
    /// Why it cannot be trusted, or not be understood; what is still to be sent says so.
    pub fn hear(&mut self, mut bytes: &[u8]) -> Result<Heard, String> {
        use std::io::Read;
        let mut heard = Heard::default();
        while !bytes.is_empty() {
            let taken = self.connection.read_tls(&mut bytes).map_err(|error| error.to_string())?;
            let state = self.connection.process_new_packets().map_err(|error| error.to_string())?;
            let mut piece = vec![0; state.plaintext_bytes_to_read()];
            self.connection.reader().read_exact(&mut piece).map_err(|error| error.to_string())?;
            heard.plain.append(&mut piece);
            heard.is_over |= state.peer_has_closed();
            // What comes after a goodbye is nobody's.
            if heard.is_over || taken == 0 {
                break;
            }
        }
        heard.is_now_up = !self.is_up && !self.connection.is_handshaking();
        self.is_up |= heard.is_now_up;
        Ok(heard)
    }

    /// Takes in what is to be sent.
    pub fn send(&mut self, plain: &[u8]) {
        use std::io::Write;
        // Its buffer has no limit, so that it takes all.
        let _ = self.connection.writer().write_all(plain);
    }

    pub fn say_goodbye(&mut self) {
        self.connection.send_close_notify();
    }

    /// What has to go over the wire.
    pub fn take_bytes(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.connection.wants_write() {
            // Memory takes all.
            if !matches!(self.connection.write_tls(&mut bytes), Ok(1..)) {
                break;
            }
        }
        bytes
    }
}

impl fmt::Debug for Secure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secure").field("name", &self.name).finish_non_exhaustive()
    }
}
