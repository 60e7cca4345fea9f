//! Makes the authority that signs for the receivers of runs, and a certificate for a device: `cargo run -p golden --example certificates`.
//!
//! They are for tests, and keep nothing secret. Valid from 1975 to 2100, since programs of others judge them by the host's clock.

use std::error::Error;
use std::fs;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};

fn params(name: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(vec![])?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(1975, 1, 1);
    params.not_after = rcgen::date_time_ymd(2100, 1, 1);
    Ok(params)
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/certificates"));
    let mut authority = params("authority of a simulated network")?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_key = KeyPair::generate()?;
    fs::write(folder.join("authority.pem"), authority.self_signed(&authority_key)?.pem())?;
    fs::write(folder.join("authority.key"), authority_key.serialize_pem())?;

    let mut device = params("a simulated device")?;
    device.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let device_key = KeyPair::generate()?;
    let issuer = Issuer::new(authority, authority_key);
    fs::write(folder.join("device.pem"), device.signed_by(&device_key, &issuer)?.pem())?;
    fs::write(folder.join("device.key"), device_key.serialize_pem())?;
    Ok(())
}
