//! The device against a web server that we did not write: Apache, which wants to know by Digest or Basic who posts to it over HTTPS.

// A test's own sockets and processes; the device's virtual time stays virtual.
#![allow(clippy::disallowed_methods)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use firmware::Configuration;
use firmware::configuration::{CertificateType, ReportProtocol};
use ron_file::RonFile;
use serde_json::Value;
use tempfile::TempDir;

mod device;
mod process;
mod skip;

use device::{kinds, run_device};
use process::Running;
use skip::skip;

const APACHE: &str = "/usr/sbin/apache2";
const MODULES: &str = "/usr/lib/apache2/modules";
const NOT_INSTALLED: &str = "apache2 is not installed (apt-get install apache2-bin)";

/// Who may post, in Apache's files: `md5(sensor:reports:s3cret-1)`, and `sha1(s3cret-1)` in base64.
const DIGEST_USER: &str = "sensor:reports:a47fff5438b25186bc9b74e9f1303a15\n";
const BASIC_USER: &str = "sensor:{SHA}cRAOVX5D58dHgWK53wpR4yvlTjI=\n";
/// Keeps what is posted, a line each.
const KEEP: &str = "#!/bin/sh\ncat >>reports\necho >>reports\nprintf 'Status: 204\\r\\n\\r\\n'\n";

/// Everything in `folder`, on this port. Who starts it as root finds it at work as somebody else.
fn apache_conf(folder: &Path, port: u16, asks_devices: bool) -> String {
    let load = |module: &str| format!("LoadModule {module}_module {MODULES}/mod_{module}.so\n");
    let modules = [
        "mpm_prefork",
        "authn_core",
        "authn_file",
        "authz_core",
        "authz_user",
        "auth_basic",
        "auth_digest",
        "alias",
        "cgi",
        "ssl",
    ];
    format!(
        "ServerRoot {folder}\nServerName reports.example\nDefaultRuntimeDir {folder}\nPidFile {folder}/pid\n\
         User nobody\nGroup nogroup\nListen 127.0.0.1:{port}\n{modules}\
         ErrorLog /dev/stderr\nLogLevel info\nLogFormat \"%>s %{{Authorization}}i\" asked\nCustomLog /dev/stdout asked\n\
         SSLEngine on\nSSLCertificateFile server.pem\nSSLCertificateKeyFile server.key\n{verify}\
         ScriptAlias /digest {folder}/keep\nScriptAlias /once {folder}/keep\nScriptAlias /basic {folder}/keep\n\
         <Location />\nAuthName reports\nRequire valid-user\n</Location>\n\
         <Location /digest>\nAuthType Digest\nAuthUserFile digest-user\n</Location>\n\
         <Location /once>\nAuthType Digest\nAuthUserFile digest-user\nAuthDigestNonceLifetime 0\n</Location>\n\
         <Location /basic>\nAuthType Basic\nAuthUserFile basic-user\n</Location>\n",
        folder = folder.display(),
        modules = modules.map(load).concat(),
        verify = if asks_devices { "SSLVerifyClient require\nSSLCACertificateFile authority.pem\n" } else { "" },
    )
}

/// An Apache of our own: one process, which answers one request after another.
struct Server {
    _process: Running,
    address: SocketAddr,
    folder: TempDir,
    /// What is asked of it: with which status it answered, and how `Authorization` read.
    asked: Box<dyn Iterator<Item = String>>,
}

/// An Apache on a free port with a certificate for this name, or `None` where it is not installed.
fn server(name: &str) -> Option<Server> {
    server_that_asks(name, false)
}

/// The same, which may want to see certificates of devices, too.
fn server_that_asks(name: &str, asks_devices: bool) -> Option<Server> {
    if !Path::new(APACHE).exists() {
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str, text: &str, mode: u32| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("ours");
    };
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    let (certificate, key) = golden::Tls::default().certificate(name).expect("a certificate");
    put("server.pem", &certificate, 0o644);
    put("server.key", &key, 0o600);
    put("authority.pem", golden::AUTHORITY, 0o644);
    put("digest-user", DIGEST_USER, 0o644);
    put("basic-user", BASIC_USER, 0o644);
    put("keep", KEEP, 0o755);
    put("reports", "", 0o666);
    // Between choosing a port and Apache's opening it somebody else may take it; then another is tried.
    for _ in 0..10 {
        let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        put("apache.conf", &apache_conf(folder.path(), address.port(), asks_devices), 0o644);
        let started = Command::new(APACHE)
            .args(["-X", "-f"])
            .arg(folder.path().join("apache.conf"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut process = Running(started.expect("Apache starts"));
        // It goes through its configuration twice; when it is done with TLS it listens. A port that is taken ends it, and with it its words.
        let words = BufReader::new(process.0.stderr.take().expect("piped"));
        let mut words = words.lines().map_while(Result::ok);
        if words.by_ref().filter(|line| line.contains("AH01876: mod_ssl/")).nth(1).is_some() {
            // Somebody has to read what it says, or it stops.
            std::thread::spawn(move || words.for_each(drop));
            let asked = BufReader::new(process.0.stdout.take().expect("piped"));
            let asked = Box::new(asked.lines().map_while(Result::ok));
            return Some(Server { _process: process, address, folder, asked });
        }
    }
    panic!("Apache did not start on any of ten ports");
}

impl Server {
    /// Runs the device, which trusts these authorities and posts to `/PATH` with this password; and tells what it said.
    fn run_device(&self, path: &str, password: &str, authorities: &[&str]) -> Vec<String> {
        self.run_device_by(CertificateType::CaSigned, path, password, authorities)
    }

    /// The same under a type of certificate.
    fn run_device_by(
        &self,
        certificates: CertificateType,
        path: &str,
        password: &str,
        authorities: &[&str],
    ) -> Vec<String> {
        let text = format!(
            "(region_people_counting: (
                report_regularly: FromNowOn(interval_s: 5),
                report_by_result: OnceResultChanges,
                protocol: Http(urls: [
                    (url: \"https://reports.example/{path}\", user_name: \"sensor\", password: \"{password}\"),
                ]),
            ))"
        );
        let mut configuration: Configuration =
            RonFile::embedded("configuration", text).parse().expect("a configuration");
        if let ReportProtocol::Http { urls } = &mut configuration.region_people_counting.protocol {
            urls[0].certificate_type = certificates;
        }
        let authorities = authorities.iter().map(|&pem| pem.to_owned()).collect();
        run_device(&configuration, authorities, [(("reports.example".to_owned(), 443), self.address)].into())
    }

    /// What was asked of it since this was called last.
    fn asked(&mut self) -> Vec<String> {
        // It answers one after another, and tells of this, which is no TLS, when it has told of all before.
        let mut last = TcpStream::connect(self.address).expect("it listens");
        last.write_all(b"GET / HTTP/1.0\r\n\r\n").expect("it takes a request");
        last.read_to_end(&mut Vec::new()).expect("it answers");
        self.asked.by_ref().take_while(|line| line != "400 -").collect()
    }

    /// What was posted to it since this was called last.
    fn posted(&self) -> Vec<Value> {
        let path = self.folder.path().join("reports");
        let text = fs::read_to_string(&path).expect("readable");
        fs::write(&path, "").expect("ours");
        text.lines().map(|line| serde_json::from_str(line).expect("a JSON document")).collect()
    }
}

#[test]
fn apache_takes_reports_from_a_device_that_knows_the_password_and_from_no_other() {
    let Some(mut server) = server("reports.example") else { return skip(NOT_INSTALLED) };
    for (path, answer) in
        [("digest?door=1", "Digest username=\\\"sensor\\\", realm=\\\"reports\\\""), ("basic", "Basic c2Vuc29y")]
    {
        server.run_device(path, "s3cret-1", &[golden::AUTHORITY]);
        let asked = server.asked();
        assert_eq!(asked.len(), 4, "one challenge, then it knows: {asked:?}");
        assert_eq!(asked[0], "401 -");
        assert!(asked[1..].iter().all(|line| line.starts_with(&format!("204 {answer}"))), "{asked:?}");
        assert_eq!(kinds(&server.posted()), ["trigger", "interval", "interval"]);

        let said = server.run_device(path, "s3cret-2", &[golden::AUTHORITY]);
        let asked = server.asked();
        assert!(asked.iter().all(|line| line.starts_with("401 ")), "{asked:?}");
        assert!(asked.iter().any(|line| line.contains(answer)), "it tried: {asked:?}");
        assert!(said.iter().any(|line| line.contains("HTTP 401")), "{said:?}");
        assert_eq!(server.posted(), [] as [Value; 0]);
    }
}

#[test]
fn apache_may_challenge_every_report_anew() {
    let Some(mut server) = server("reports.example") else { return skip(NOT_INSTALLED) };
    server.run_device("once", "s3cret-1", &[golden::AUTHORITY]);
    // The answer to a challenge is good for one report; then it is stale.
    let asked: Vec<String> = server.asked().iter().map(|line| line.chars().take(10).collect()).collect();
    assert_eq!(asked, ["401 -", "204 Digest", "401 Digest", "204 Digest", "401 Digest", "204 Digest"]);
    assert_eq!(kinds(&server.posted()), ["trigger", "interval", "interval"]);
}

/// An uploaded authority, and what the device shows of itself, with its key.
fn uploaded(client: Option<(&str, &str)>) -> CertificateType {
    CertificateType::SelfSigned {
        ca_certificate: golden::AUTHORITY.to_owned(),
        client_certificate: client.map(|(certificate, _)| certificate.to_owned()),
        client_key: client.map(|(_, key)| key.to_owned()),
    }
}

#[test]
fn apache_is_trusted_when_an_uploaded_authority_signed_for_it() {
    let Some(mut server) = server("reports.example") else { return skip(NOT_INSTALLED) };
    server.run_device_by(uploaded(None), "basic", "s3cret-1", &[]);
    assert_eq!(kinds(&server.posted()), ["trigger", "interval", "interval"]);
    assert_eq!(server.asked().len(), 4);
}

#[test]
fn apache_lets_in_a_device_that_shows_its_certificate_and_no_other() {
    let Some(mut server) = server_that_asks("reports.example", true) else { return skip(NOT_INSTALLED) };
    let said = server.run_device_by(uploaded(None), "basic", "s3cret-1", &[]);
    assert!(said.iter().any(|line| line.contains("received fatal alert: CertificateRequired")), "{said:?}");
    assert_eq!((server.asked(), server.posted()), (vec![], vec![]));
    let key = (include_str!("../golden/certificates/device.pem"), include_str!("../golden/certificates/device.key"));
    server.run_device_by(uploaded(Some(key)), "basic", "s3cret-1", &[]);
    assert_eq!(kinds(&server.posted()), ["trigger", "interval", "interval"]);
}

#[test]
fn apache_is_asked_nothing_by_a_device_that_does_not_trust_its_certificate() {
    for (name, authorities, words) in [
        ("reports.example", &[][..], "invalid peer certificate: UnknownIssuer"),
        ("elsewhere.example", &[golden::AUTHORITY][..], "invalid peer certificate: certificate not valid for name"),
    ] {
        let Some(mut server) = server(name) else { return skip(NOT_INSTALLED) };
        let said = server.run_device("digest", "s3cret-1", authorities);
        assert!(said.iter().any(|line| line.contains(words)), "{said:?}");
        assert_eq!(server.asked(), [] as [String; 0]);
        assert_eq!(server.posted(), [] as [Value; 0]);
    }
}
