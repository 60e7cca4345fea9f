//! The maker of the simulated devices: upgrade packages, and the key that signs them.
//!
//! The key is for tests, and keeps nothing secret.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// An Ed25519 private key is any 32 bytes.
const SEED: &[u8; 32] = b"no secret: signs only for a twin";
const STRANGERS_SEED: &[u8; 32] = b"somebody else's, who would like ";

/// Payloads are so long.
const PAYLOAD_BYTES: usize = 200_000;

/// What kind of file a person uploads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Package {
    /// A program that comes up.
    #[default]
    Sound,
    /// Signed all the same, but no program: it never comes up.
    DoesNotStart,
    /// Signed by somebody else.
    Forged,
    /// Only the first half of the file.
    CutShort,
    /// For another model.
    ForAnotherModel,
}

fn key(seed: &[u8; 32]) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(seed).expect("any 32 bytes are a key")
}

/// What devices know the maker's packages by.
pub(crate) fn public_key() -> [u8; 32] {
    key(SEED).public_key().as_ref().try_into().expect("Ed25519 keys have 32 bytes")
}

impl Package {
    /// The file.
    pub(crate) fn file(self, software_version: &str) -> Vec<u8> {
        let mut payload = if self == Package::DoesNotStart { b"nothing".to_vec() } else { firmware::PROGRAM.to_vec() };
        payload.extend((payload.len()..PAYLOAD_BYTES).map(|i| (i * 31 % 253) as u8));
        let sha256: String = digest(&SHA256, &payload).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let manifest = json!({
            "model": if self == Package::ForAnotherModel { "VS125-P" } else { "VS121-P" },
            "software_version": software_version,
            "payload_bytes": payload.len(),
            "payload_sha256": sha256,
        })
        .to_string();
        let seed = if self == Package::Forged { STRANGERS_SEED } else { SEED };
        let signature = STANDARD.encode(key(seed).sign(manifest.as_bytes()));
        let mut file = format!("workplace-sensor upgrade 1\n{manifest}\n{signature}\n").into_bytes();
        file.extend(payload);
        if self == Package::CutShort {
            file.truncate(file.len() / 2);
        }
        file
    }
}
