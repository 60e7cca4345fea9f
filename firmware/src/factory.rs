//! What a device is made as, and what it says of itself.

use firmware_shim::{Lens, Mounting};

/// What the factory put into the device.
#[derive(Clone, Debug)]
pub struct Factory {
    /// Detections are in its pixels.
    pub lens: Lens,
    /// How the device hangs unless it is set.
    pub mounting: Mounting,
    /// Certificates, in PEM, of authorities that the device trusts besides those of Mozilla's store.
    pub authorities: Vec<String>,
    /// *Device Model*.
    pub model: String,
    /// *Hardware Version*.
    pub hardware_version: String,
    /// *Software Version* of the program that the device came with.
    pub software_version: String,
    /// The Ed25519 key by which upgrades are known to be the maker's; without one there are none.
    pub upgrade_key: Option<[u8; 32]>,
}

impl Factory {
    /// A device of the model and version of the guide that sees and hangs so. It trusts nobody but Mozilla's authorities, and takes no upgrades.
    pub fn new(lens: Lens, mounting: Mounting) -> Self {
        Factory {
            lens,
            mounting,
            authorities: vec![],
            model: "VS121-P".to_owned(),
            hardware_version: "1.0".to_owned(),
            software_version: "31.7.0.78-iot2".to_owned(),
            upgrade_key: None,
        }
    }
}

/// *Device Information* (guide §5.4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Information {
    /// *Device Name*.
    pub name: String,
    /// *Device Model*.
    pub model: String,
    /// *SN*.
    pub sn: String,
    /// *MAC*.
    pub mac: String,
    /// *Hardware Version*.
    pub hardware_version: String,
    /// *Software Version*.
    pub software_version: String,
}
