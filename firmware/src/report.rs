//! The documents of guide §7, key for key and in the guide's order.
//!
//! The guide's samples are no valid JSON; ours are. What it prints differently between kinds, we keep: `max_counted` in the
//! periodic occupancy report and `Max_counted` in the periodic counting report, `time_info` before `report_type` in
//! trigger reports of region people counting. A reader must not depend on the order.
//!
//! Knows nothing of when a report is made or where it goes.

mod dwell;
mod flow;
mod line;
mod region;

use std::net::Ipv4Addr;

use firmware_shim::RtcTime;
use serde::Serialize;

use crate::calendar::{Zone, local_time};
use crate::configuration::Configuration;
use crate::diagnostic::ReportKind;
use crate::factory::Identity;

pub(crate) use dwell::{DwellFigures, EndedStay, interval_dwell, trigger_dwell};
pub(crate) use flow::interval_flow;
pub(crate) use line::{Passed, interval_line, trigger_line};
pub(crate) use region::Profile;

/// A document on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub kind: ReportKind,
    /// Compact JSON.
    pub document: String,
    /// Whether *Data Retransmission* is for it (guide §5.3.4).
    pub is_kept: bool,
}

impl Report {
    fn new(kind: ReportKind, document: &impl Serialize) -> Self {
        let document = serde_json::to_string(document).expect("text keys and plain numbers always serialise");
        Report { kind, document, is_kept: true }
    }

    /// The same, of a kind that is never sent again.
    fn fleeting(self) -> Self {
        Report { is_kept: false, ..self }
    }
}

/// What every report tells of its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Letterhead {
    device: DeviceInfo,
    pub zone: Zone,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct DeviceInfo {
    device: String,
    device_sn: String,
    device_mac: String,
    ip_address: Ipv4Addr,
}

#[derive(Serialize)]
struct IntervalTime {
    timezone: String,
    dst_status: bool,
    start_time: String,
    end_time: String,
}

#[derive(Serialize)]
struct TriggerTime {
    time: String,
    timezone: String,
    dst_status: bool,
}

/// How most documents begin.
#[derive(Serialize)]
struct Head<Time> {
    event: &'static str,
    report_type: &'static str,
    device_info: DeviceInfo,
    time_info: Time,
}

impl Letterhead {
    pub fn new(configuration: &Configuration, identity: &Identity) -> Self {
        let device = &configuration.device;
        let device = DeviceInfo {
            device: device.name.clone(),
            device_sn: identity.sn.as_str().to_owned(),
            device_mac: identity.mac.as_str().to_owned(),
            ip_address: device.ip_address,
        };
        Letterhead { device, zone: configuration.zone() }
    }

    /// The message of a connection test (guide §5.3; what it says is a decision) when the clock reads `time`.
    pub fn connection_test(&self, time: RtcTime) -> String {
        #[derive(Serialize)]
        struct ConnectionTest {
            event: &'static str,
            device_info: DeviceInfo,
            time_info: TriggerTime,
        }
        let Head { device_info, time_info, event, .. } = self.trigger("Connection Test", time);
        let message = ConnectionTest { event, device_info, time_info };
        serde_json::to_string(&message).expect("text keys and plain values always serialise")
    }

    /// Of the periodic report of the interval between two readings of the clock.
    fn interval(&self, event: &'static str, start: RtcTime, end: RtcTime) -> Head<IntervalTime> {
        let (started, ended) = (local_time(start, self.zone), local_time(end, self.zone));
        let time_info = IntervalTime {
            timezone: ended.timezone,
            dst_status: ended.dst_status,
            start_time: started.text,
            end_time: ended.text,
        };
        Head { event, report_type: "interval", device_info: self.device.clone(), time_info }
    }

    /// Of the trigger report made when the clock reads `time`.
    fn trigger(&self, event: &'static str, time: RtcTime) -> Head<TriggerTime> {
        let local = local_time(time, self.zone);
        let time_info = TriggerTime { time: local.text, timezone: local.timezone, dst_status: local.dst_status };
        Head { event, report_type: "trigger", device_info: self.device.clone(), time_info }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use chrono_tz::Tz;

    use super::*;

    pub const START: RtcTime = RtcTime(1_671_531_352_000_000_000);
    pub const END: RtcTime = RtcTime(1_671_534_952_000_000_000);

    pub fn head() -> Letterhead {
        head_of(&Configuration { time_zone: Tz::Asia__Shanghai, ..Configuration::default() })
    }

    /// The letterhead of the guide's device.
    pub fn head_of(configuration: &Configuration) -> Letterhead {
        Letterhead::new(configuration, &Identity::default())
    }
}
