//! *System Upgrade* (guide §5.4): a signed package goes into the program slot that is not in use, is tried, and stays if it comes up.
//!
//! A package is ours, as the guide tells of none: four parts, the first three each ended by a line feed. `workplace-sensor upgrade 1`; the manifest, a
//! JSON object; the Ed25519 signature (RFC 8032) of the manifest's bytes, in base64; the payload, of which the manifest has the length and the SHA-256.
//!
//! What starts is decided by the boot loader, which runs before any program: [`boot`].

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use firmware_shim::{FLASH_BLOCK_BYTES, FLASH_WORD_BYTES, FlashOp};
use ring::digest::{SHA256, digest};
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::factory::Factory;
use crate::storage::{BOOT, PROGRAM_SLOTS, Settings};

/// How a package begins.
const BEGINNING: &str = "workplace-sensor upgrade 1";
/// How a payload begins that the processor can run.
pub const PROGRAM: &[u8] = b"\x7FVS121-P program\n";

/// What a package says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Of the devices it is for.
    pub model: String,
    /// *Software Version*.
    pub software_version: String,
    /// Length of the payload.
    pub payload_bytes: usize,
    /// Of the payload, in hexadecimal digits.
    pub payload_sha256: String,
}

/// Why a package is refused. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpgradeError {
    /// It is no package at all.
    NotAPackage(String),
    /// The program that runs has not come up yet.
    OnTrial,
    /// It was not signed by the maker, or was changed since.
    Signature,
    /// It is for another device.
    Model {
        /// Which.
        model: String,
    },
    /// The payload is not the one that the manifest is of.
    Payload(String),
    /// It is larger than a slot.
    TooLarge {
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        max: usize,
    },
}

impl fmt::Display for UpgradeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UpgradeError::NotAPackage(words) => write!(f, "the file is no upgrade package: {words}"),
            UpgradeError::OnTrial => f.write_str("the last upgrade has yet to come up: wait for 10 s"),
            UpgradeError::Signature => f.write_str("the package is not signed by the maker, or was changed since"),
            UpgradeError::Model { model } => write!(f, "the package is for a {model}"),
            UpgradeError::Payload(words) => write!(f, "the package is damaged: {words}"),
            UpgradeError::TooLarge { bytes, max } => {
                write!(f, "the package is too large: {bytes} bytes, and there is room for {max}")
            }
        }
    }
}

impl std::error::Error for UpgradeError {}

/// Which program starts, and how far it is trusted. Without one it is that of the factory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BootRecord {
    /// `None`: the factory's program.
    slot: Option<usize>,
    trust: Trust,
    /// What to go back to.
    before: Option<usize>,
    /// *Reset after Upgrading*.
    reset_after: bool,
    /// What was tried and did not come up.
    pub rolled_back: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Trust {
    #[default]
    Proven,
    /// It is to be tried.
    New,
    /// It was started, and has not proved itself yet.
    OnTrial,
}

impl BootRecord {
    pub fn is_on_trial(&self) -> bool {
        self.trust == Trust::OnTrial
    }

    /// It has come up, and has yet to reset the device if that is wanted.
    pub fn is_to_reset(&self) -> bool {
        self.trust == Trust::Proven && self.reset_after
    }

    /// It has come up.
    pub fn proven(&self) -> Self {
        BootRecord { trust: Trust::Proven, ..self.clone() }
    }

    /// The device is reset.
    pub fn after_reset(&self) -> Self {
        BootRecord { reset_after: false, ..self.clone() }
    }

    /// It is started anew before it could prove itself.
    pub fn to_be_tried_again(&self) -> Self {
        BootRecord { trust: Trust::New, ..self.clone() }
    }

    fn reverted(&self, version: Option<String>) -> Self {
        let rolled_back = Some(version.unwrap_or_else(|| "unreadable".to_owned()));
        BootRecord { slot: self.before, trust: Trust::Proven, before: None, reset_after: false, rolled_back }
    }
}

/// Checks a package and gives what is to be done to the flash to have it tried at the next start; the record goes there last.
pub(crate) fn install(
    file: &[u8],
    reset_after: bool,
    record: &BootRecord,
    factory: &Factory,
) -> Result<(Vec<FlashOp>, BootRecord), UpgradeError> {
    if record.is_on_trial() {
        // The other slot is what it would go back to.
        return Err(UpgradeError::OnTrial);
    }
    open(file, factory)?;
    let slot = if record.slot == Some(0) { 1 } else { 0 };
    let blocks = PROGRAM_SLOTS[slot].clone();
    let max = blocks.len() * FLASH_BLOCK_BYTES - LENGTH_BYTES;
    if file.len() > max {
        return Err(UpgradeError::TooLarge { bytes: file.len(), max });
    }
    let mut ops: Vec<FlashOp> = blocks.clone().map(|block| FlashOp::Erase { block }).collect();
    let mut bytes = (file.len() as u32).to_le_bytes().to_vec();
    bytes.extend(file);
    bytes.resize(bytes.len().next_multiple_of(FLASH_WORD_BYTES), 0xFF);
    let pieces = bytes.chunks(FLASH_BLOCK_BYTES).zip(blocks);
    ops.extend(pieces.map(|(piece, block)| FlashOp::Program { at: block * FLASH_BLOCK_BYTES, bytes: piece.to_vec() }));
    let record =
        BootRecord { slot: Some(slot), trust: Trust::New, before: record.slot, reset_after, rolled_back: None };
    Ok((ops, record))
}

/// The longest version of a program.
const VERSION_BYTES_MAX: usize = 64;
/// How long the file in a slot is, is written before it.
const LENGTH_BYTES: usize = 4;

/// A package that is what it says, and its payload.
fn open<'f>(file: &'f [u8], factory: &Factory) -> Result<(Manifest, &'f [u8]), UpgradeError> {
    let not = |words: &str| UpgradeError::NotAPackage(words.to_owned());
    let mut parts = file.splitn(4, |byte| *byte == b'\n');
    let mut line = || parts.next().and_then(|part| std::str::from_utf8(part).ok());
    if line() != Some(BEGINNING) {
        return Err(not("it begins with something else"));
    }
    let manifest_text = line().ok_or_else(|| not("it has no manifest"))?;
    let signature = line().and_then(|text| STANDARD.decode(text).ok()).ok_or_else(|| not("it has no signature"))?;
    let payload = parts.next().ok_or_else(|| not("it has no payload"))?;
    let key = factory.upgrade_key.ok_or(UpgradeError::Signature)?;
    let key = UnparsedPublicKey::new(&ED25519, key);
    key.verify(manifest_text.as_bytes(), &signature).map_err(|_| UpgradeError::Signature)?;
    let manifest: Manifest = serde_json::from_str(manifest_text).map_err(|error| not(&error.to_string()))?;
    let version = &manifest.software_version;
    if version.is_empty() || version.len() > VERSION_BYTES_MAX || version.chars().any(char::is_control) {
        return Err(not(&format!("its software_version is not 1 to {VERSION_BYTES_MAX} bytes of text")));
    }
    if manifest.model != factory.model {
        return Err(UpgradeError::Model { model: manifest.model });
    }
    if payload.len() != manifest.payload_bytes {
        let words = format!("{} of {} bytes are there", payload.len(), manifest.payload_bytes);
        return Err(UpgradeError::Payload(words));
    }
    if sha256(payload) != manifest.payload_sha256 {
        return Err(UpgradeError::Payload("its SHA-256 is another".to_owned()));
    }
    Ok((manifest, payload))
}

/// In hexadecimal digits.
fn sha256(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The file in a slot, if it is one.
fn stored<'f>(flash: &'f [u8], slot: usize, factory: &Factory) -> Option<(Manifest, &'f [u8])> {
    let blocks = PROGRAM_SLOTS.get(slot)?;
    let bytes = flash.get(blocks.start * FLASH_BLOCK_BYTES..blocks.end * FLASH_BLOCK_BYTES)?;
    let (length, rest) = bytes.split_first_chunk::<LENGTH_BYTES>()?;
    open(rest.get(..u32::from_le_bytes(*length) as usize)?, factory).ok()
}

/// The version of the program that runs.
pub(crate) fn running_version(flash: &[u8], record: &BootRecord, factory: &Factory) -> String {
    let manifest = record.slot.and_then(|slot| stored(flash, slot, factory)).map(|(manifest, _)| manifest);
    manifest.map_or_else(|| factory.software_version.clone(), |manifest| manifest.software_version)
}

/// What the boot loader does at a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boot {
    /// To be done to the flash before the program starts.
    pub flash: Vec<FlashOp>,
    /// Whether what is started is a program. If not, the hardware's watchdog is what ends it.
    pub comes_up: bool,
}

/// Chooses what starts: what is new is started on trial, and what is on trial still, for it has not come up at its last start, or is damaged, is left for what
/// was there before.
///
/// # Panics
/// When the image is not as large as the flash.
pub fn boot(flash: &[u8], factory: &Factory) -> Boot {
    let mut settings = Settings::open(flash);
    // What cannot be read is no reason not to start.
    let before: BootRecord = settings.get(&BOOT).ok().flatten().unwrap_or_default();
    let stored_version = |slot: Option<usize>| Some(stored(flash, slot?, factory)?.0.software_version);
    let mut record = before.clone();
    if record.trust == Trust::OnTrial {
        record = record.reverted(stored_version(record.slot));
    }
    while let Some(slot) = record.slot
        && stored(flash, slot, factory).is_none()
    {
        record = record.reverted(None);
    }
    if record.trust == Trust::New {
        record.trust = Trust::OnTrial;
    }
    if record != before {
        let Ok(()) = settings.set(&BOOT, &record) else {
            unreachable!("a record is smaller than a block");
        };
    }
    let payload = record.slot.and_then(|slot| stored(flash, slot, factory)).map(|(_, payload)| payload);
    Boot { flash: settings.take_ops(), comes_up: payload.is_none_or(|payload| payload.starts_with(PROGRAM)) }
}
