//! What a person is told of certificates and keys that are of no use.

use firmware::Configuration;
use firmware::configuration::{CertificateType, ReportProtocol};
use ron_file::RonFile;

const AUTHORITY: &str = include_str!("../../../golden/certificates/authority.pem");
const DEVICE: &str = include_str!("../../../golden/certificates/device.pem");
const DEVICE_KEY: &str = include_str!("../../../golden/certificates/device.key");
const OTHER_KEY: &str = include_str!("../../../golden/certificates/authority.key");

/// PEM around bytes that are none of what it says.
fn pem_of_nonsense(what: &str) -> String {
    format!("-----BEGIN {what}-----\nbm9uc2Vuc2U=\n-----END {what}-----\n")
}

/// Settings that use these certificates by HTTPS and by MQTTS.
fn settings(certificates: &CertificateType) -> Configuration {
    let text = r#"(
        region_people_counting: (protocol: Http(urls: [(url: "https://a/"), (url: "https://b/")])),
        line_crossing_counting: (protocol: Mqtt(host: "c", client_id: "c", topic: "t", tls: CaSigned)),
    )"#;
    let mut settings: Configuration = RonFile::embedded("settings", text).parse().expect("settings without mistakes");
    let Configuration { region_people_counting, line_crossing_counting, .. } = &mut settings;
    if let ReportProtocol::Http { urls } = &mut region_people_counting.protocol {
        urls[1].certificate_type = certificates.clone();
    }
    if let ReportProtocol::Mqtt { tls, .. } = &mut line_crossing_counting.protocol {
        *tls = Some(certificates.clone());
    }
    settings
}

/// What is said of the certificates, for HTTPS; the same is said for MQTTS, and when the settings are imported.
fn told(ca_certificate: &str, client_certificate: Option<&str>, client_key: Option<&str>) -> String {
    let [client_certificate, client_key] = [client_certificate, client_key].map(|pem| pem.map(str::to_owned));
    let ca_certificate = ca_certificate.to_owned();
    let certificates = CertificateType::SelfSigned { ca_certificate, client_certificate, client_key };
    let settings = settings(&certificates);
    let problems = settings.validate();
    let imported = Configuration::import(&settings.export());
    if problems.is_empty() {
        assert_eq!(imported, Ok(settings));
        return String::new();
    }
    assert_eq!(imported, Err(problems.clone()));
    let places = ["region_people_counting.protocol.urls[1].certificate_type.", "line_crossing_counting.protocol.tls."];
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let told = places.map(|place| problems.iter().find_map(|problem| problem.strip_prefix(place)));
    let [Some(https), Some(mqtts)] = told else { panic!("{problems:?}") };
    assert_eq!((https, problems.len()), (mqtts, 2), "{problems:?}");
    https.to_owned()
}

#[test]
fn certificates_that_fit_are_taken() {
    assert_eq!(told(AUTHORITY, None, None), "");
    assert_eq!(told(AUTHORITY, Some(DEVICE), Some(DEVICE_KEY)), "");
    assert_eq!(told(&format!("{AUTHORITY}{AUTHORITY}"), None, None), "", "several authorities");
}

#[test]
fn what_cannot_be_read_is_named_with_its_field() {
    let no_certificate = "must hold a certificate in PEM";
    for nothing in ["", "nonsense", DEVICE_KEY, &AUTHORITY[..100]] {
        assert_eq!(told(nothing, None, None), format!("ca_certificate: {no_certificate}"), "{nothing}");
        let client = told(AUTHORITY, Some(nothing), Some(DEVICE_KEY));
        assert_eq!(client, format!("client_certificate: {no_certificate}"), "{nothing}");
    }
    let words = told(&pem_of_nonsense("CERTIFICATE"), None, None);
    assert!(words.starts_with("ca_certificate: must be that of an authority: "), "{words}");
    for nothing in ["", "nonsense", DEVICE] {
        let words = told(AUTHORITY, Some(DEVICE), Some(nothing));
        assert_eq!(words, "client_key: must be a private key in PEM", "{nothing}");
    }
}

#[test]
fn a_client_certificate_and_its_key_go_together() {
    let together = "client_key: a client certificate and its key go together";
    assert_eq!(told(AUTHORITY, Some(DEVICE), None), together);
    assert_eq!(told(AUTHORITY, None, Some(DEVICE_KEY)), together);
    for key in [OTHER_KEY, &pem_of_nonsense("PRIVATE KEY")] {
        let words = told(AUTHORITY, Some(DEVICE), Some(key));
        assert!(words.starts_with("client_key: must be of the client certificate: "), "{words}");
    }
    let words = told(AUTHORITY, Some(&pem_of_nonsense("CERTIFICATE")), Some(DEVICE_KEY));
    assert!(words.starts_with("client_"), "{words}");
}
