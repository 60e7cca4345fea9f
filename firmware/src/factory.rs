//! What a device is made as, and what it says of itself.

use firmware_shim::{Lens, Mounting};
use serde::{Deserialize, Serialize};

/// What the factory put into the device.
#[derive(Clone, Debug)]
pub struct Factory {
    /// Which device it is.
    pub identity: Identity,
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
    /// The device of the guide's pictures, which sees and hangs so. It trusts nobody but Mozilla's authorities, and takes no upgrades.
    pub fn new(lens: Lens, mounting: Mounting) -> Self {
        Factory {
            identity: Identity::default(),
            lens,
            mounting,
            authorities: vec![],
            model: "VS121-P".to_owned(),
            hardware_version: "V1.0".to_owned(),
            software_version: "31.7.0.78-iot2".to_owned(),
            upgrade_key: None,
        }
    }
}

/// Which device it is: printed on it, and the same whatever is set, imported or reset (guide §5.4.2: a user can edit the name alone).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// *SN*.
    pub sn: SerialNumber,
    /// *MAC*.
    pub mac: MacAddress,
}

impl Default for Identity {
    /// That of the guide's pictures.
    fn default() -> Self {
        Identity { sn: SerialNumber("6600D0233093".to_owned()), mac: MacAddress("24:E1:24:F5:4E:2F".to_owned()) }
    }
}

/// A serial number: 1 to 64 letters and digits. Text, since samples hold letters; the limit is ours, for everything has a bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SerialNumber(String);

impl SerialNumber {
    /// As printed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SerialNumber {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            Ok(SerialNumber(text))
        } else {
            Err(format!("must be 1 to 64 letters and digits such as `6600D0233093`, not `{text}`"))
        }
    }
}

impl From<SerialNumber> for String {
    fn from(sn: SerialNumber) -> String {
        sn.0
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_a_device_is_has_a_form() {
        for good in ["6600D0233093", "369362028335", "A"] {
            assert!(SerialNumber::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["", "36 93", &"1".repeat(65), "№1"] {
            let words = SerialNumber::try_from(bad.to_owned()).expect_err(bad);
            assert!(words.contains("1 to 64 letters and digits"), "{words}");
        }
        assert!(MacAddress::try_from("00:16:28:fa:8E:68".to_owned()).is_ok());
        for bad in ["", "24:E1", "00:16:28:FA:8E:6", "00:16:28:FA:8E:6G", "00-16-28-FA-8E-68", "00:16:28:FA:8E:68:00"] {
            let words = MacAddress::try_from(bad.to_owned()).expect_err(bad);
            assert!(words.contains("six pairs of hexadecimal digits"), "{words}");
        }
    }
}
