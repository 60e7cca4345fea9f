//! What the device is called, and how it hangs.

use std::net::Ipv4Addr;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::json::Json;
use super::reading::{Place, Read};

/// What a person can set of who the device is: its name (guide §5.4.2), and the address of §4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Device {
    /// Device name.
    pub name: String,
    /// The device's own address, as it reports it.
    #[serde(deserialize_with = "read_ip_address")]
    pub ip_address: Ipv4Addr,
}

impl Default for Device {
    fn default() -> Self {
        Device { name: "Workplace Sensor".to_owned(), ip_address: Ipv4Addr::new(192, 168, 5, 220) }
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

/// The address of a network's device, from text.
pub(super) fn ip_address(text: &str) -> Result<Ipv4Addr, String> {
    text.parse().map_err(|_| format!("must be an address such as `192.168.5.220`, not `{text}`"))
}

fn read_ip_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Ipv4Addr, D::Error> {
    ip_address(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

impl Read for Device {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        let Device { name, ip_address } = Device::default();
        place.group(json, |group| {
            for (printed, which) in [("sn", "serial number"), ("mac", "hardware address")] {
                group.refuse(printed, &format!("is the device's own and no setting: leave the {which} out"));
            }
            Device { name: group.or("name", name), ip_address: group.or("ip_address", ip_address) }
        })
    }
}

impl Read for MountingSettings {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        place.group(json, |group| MountingSettings {
            height_m: group.or("height_m", None),
            rotation_deg: group.or("rotation_deg", None),
            tilt_deg: group.or("tilt_deg", None),
        })
    }
}
