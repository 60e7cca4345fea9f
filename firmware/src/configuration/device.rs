//! Who the device is, and how it hangs.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

/// Guide §5.4.2, and the address of §4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Device {
    /// Device name.
    pub name: String,
    /// Serial number; text, since samples hold letters.
    pub sn: String,
    /// Hardware address.
    pub mac: MacAddress,
    /// The device's own address, as it reports it.
    pub ip_address: Ipv4Addr,
}

impl Default for Device {
    fn default() -> Self {
        Device {
            name: "Workplace Sensor".to_owned(),
            sn: "6600D0233093".to_owned(),
            mac: MacAddress::try_from("24:E1:24:F5:4E:2F".to_owned()).expect("the guide's address is one"),
            ip_address: Ipv4Addr::new(192, 168, 5, 220),
        }
    }
}

/// How the device hangs. What is not set is as the device was calibrated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MountingSettings {
    /// Height of the lens above the floor, metres.
    pub height_m: Option<f64>,
    /// Turn about the vertical, degrees, counter-clockwise seen from above.
    pub rotation_deg: Option<f64>,
    /// Lean of the optical axis from straight down towards the image's up, degrees.
    pub tilt_deg: Option<f64>,
}

impl MountingSettings {
    /// The mounting in force on a device calibrated for `default`.
    pub fn resolve(&self, default: firmware_shim::Mounting) -> firmware_shim::Mounting {
        firmware_shim::Mounting {
            height_m: self.height_m.unwrap_or(default.height_m),
            rotation_rad: self.rotation_deg.map_or(default.rotation_rad, f64::to_radians),
            tilt_rad: self.tilt_deg.map_or(default.tilt_rad, f64::to_radians),
        }
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
