//! The written forms of values that differ from device to device and run to run: what a serial number, a MAC address or
//! a device's local time looks like. Strict on purpose: a value is only ever replaced after it has proved its form.
//!
//! Knows nothing of where in a report such a value stands, or how a device makes it.

use std::net::Ipv4Addr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, FixedOffset, NaiveDateTime};
use serde::{Deserialize, Serialize};

/// A written form that a value can be checked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Form {
    /// Twelve characters of 0–9 and A–F, such as `6600D0233093`. That length and case are what the guide's samples have
    /// (§5.6, §7); requiring them is our decision.
    Serial,
    /// Six pairs of capital hexadecimal digits, such as `00:16:28:FA:8E:68` (guide §7).
    Mac,
    /// Four decimal numbers, such as `192.168.0.99`.
    Ipv4,
    /// The device's local time, such as `2022/12/20 18:15:52` (guide §7).
    LocalTime,
    /// ISO 8601 to the second with a numeric offset, such as `2022-12-20T18:15:52+03:00` (guide §7.4).
    Iso8601,
    /// An offset from UTC with unpadded hours, such as `UTC+8:00` or `UTC-3:30` (guide §7).
    TimeZone,
    /// A whole JPEG file as standard base64 without a data-URI prefix (guide §7, `snapshot`).
    Jpeg,
}

impl Form {
    /// What stands in a golden file in place of a value of this form.
    pub fn placeholder(self) -> &'static str {
        match self {
            Form::Serial => "<serial>",
            Form::Mac => "<mac>",
            Form::Ipv4 => "<ipv4>",
            Form::LocalTime => "<local time>",
            Form::Iso8601 => "<iso 8601>",
            Form::TimeZone => "<time zone>",
            Form::Jpeg => "<jpeg>",
        }
    }

    /// Whether `text` has this form, to the letter.
    pub fn admits(self, text: &str) -> bool {
        match self {
            Form::Serial => text.len() == 12 && text.bytes().all(is_capital_hex),
            Form::Mac => {
                let pairs: Vec<&str> = text.split(':').collect();
                pairs.len() == 6 && pairs.iter().all(|pair| pair.len() == 2 && pair.bytes().all(is_capital_hex))
            }
            Form::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
            Form::LocalTime => local_time(text).is_some(),
            Form::Iso8601 => iso_8601(text).is_some(),
            Form::TimeZone => is_time_zone(text),
            Form::Jpeg => is_jpeg(text),
        }
    }

    /// What a value of this form is, in words, for a message.
    pub fn described(self) -> &'static str {
        match self {
            Form::Serial => "a serial number (12 characters of 0-9, A-F)",
            Form::Mac => "a MAC address (00:16:28:FA:8E:68)",
            Form::Ipv4 => "an IPv4 address (192.168.0.99)",
            Form::LocalTime => "a local time (2022/12/20 18:15:52)",
            Form::Iso8601 => "an ISO 8601 time with offset (2022-12-20T18:15:52+03:00)",
            Form::TimeZone => "a time zone (UTC+8:00)",
            Form::Jpeg => "a JPEG file in base64",
        }
    }
}

/// The time in a string of the form [`Form::LocalTime`].
pub fn local_time(text: &str) -> Option<NaiveDateTime> {
    const FORMAT: &str = "%Y/%m/%d %H:%M:%S";
    let time = NaiveDateTime::parse_from_str(text, FORMAT).ok()?;
    // chrono takes unpadded numbers too; only what prints back to the same text has the form.
    (time.format(FORMAT).to_string() == text).then_some(time)
}

/// The instant in a string of the form [`Form::Iso8601`].
pub fn iso_8601(text: &str) -> Option<DateTime<FixedOffset>> {
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    (time.format("%Y-%m-%dT%H:%M:%S%:z").to_string() == text).then_some(time)
}

fn is_capital_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'A'..=b'F')
}

/// Offsets in use on Earth run from −12:00 to +14:00 in quarters of an hour.
fn is_time_zone(text: &str) -> bool {
    let Some((sign, rest)) =
        text.strip_prefix("UTC+").map(|rest| (1, rest)).or_else(|| text.strip_prefix("UTC-").map(|rest| (-1, rest)))
    else {
        return false;
    };
    let Some((hours, minutes)) = rest.split_once(':') else { return false };
    let number = |digits: &str| digits.parse::<u8>().ok().map(i32::from);
    let (Some(hour), Some(minute)) = (number(hours), number(minutes)) else { return false };
    let as_printed = format!("{hour}:{minute:02}") == rest;
    let offset_min = sign * (hour * 60 + minute);
    as_printed && matches!(minute, 0 | 15 | 30 | 45) && (-12 * 60..=14 * 60).contains(&offset_min)
}

fn is_jpeg(text: &str) -> bool {
    const START_OF_IMAGE: [u8; 3] = [0xFF, 0xD8, 0xFF];
    const END_OF_IMAGE: [u8; 2] = [0xFF, 0xD9];
    STANDARD
        .decode(text)
        .is_ok_and(|bytes| bytes.len() > 5 && bytes.starts_with(&START_OF_IMAGE) && bytes.ends_with(&END_OF_IMAGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(form: Form, good: &[&str], near_misses: &[&str]) {
        for text in good {
            assert!(form.admits(text), "{form:?} should admit {text:?}");
        }
        for text in near_misses {
            assert!(!form.admits(text), "{form:?} should refuse {text:?}");
        }
        assert!(!form.admits(form.placeholder()), "a placeholder is no value");
        assert!(!form.admits(""));
    }

    #[test]
    fn serial_numbers() {
        check(
            Form::Serial,
            &["369362028335", "6600D0233093"],
            &["36936202833", "3693620283350", "6600d0233093", "6600G0233093", "66-0D0233093"],
        );
    }

    #[test]
    fn mac_addresses() {
        check(
            Form::Mac,
            &["00:16:28:FA:8E:68"],
            &["00:16:28:fa:8e:68", "00-16-28-FA-8E-68", "00:16:28:FA:8E", "0:16:28:FA:8E:68", "00:16:28:FA:8E:68:00"],
        );
    }

    #[test]
    fn ipv4_addresses() {
        check(Form::Ipv4, &["192.168.0.99", "0.0.0.0"], &["192.168.0.256", "192.168.0", "192.168.0.9:80", "::1"]);
    }

    #[test]
    fn local_times() {
        check(
            Form::LocalTime,
            &["2022/12/20 18:15:52", "2024/02/29 00:00:00"],
            &[
                "2022-12-20 18:15:52",
                "2022/12/20T18:15:52",
                "2022/2/20 18:15:52",
                "2023/02/29 00:00:00",
                "2022/12/20 24:00:00",
                "2022/12/20 18:15",
                "2022/12/20 18:15:52 ",
            ],
        );
    }

    #[test]
    fn iso_times() {
        check(
            Form::Iso8601,
            &["2022-12-20T18:15:52+03:00", "2022-12-20T18:15:52-03:30"],
            &[
                "2022-12-20 18:15:52+03:00",
                "2022-12-20T18:15:52Z",
                "2022-12-20T18:15:52.000+03:00",
                "2022-12-20T18:15:52",
                "2022-13-20T18:15:52+03:00",
            ],
        );
    }

    #[test]
    fn time_zones() {
        check(
            Form::TimeZone,
            &["UTC+8:00", "UTC-3:30", "UTC+14:00", "UTC-12:00", "UTC+0:00", "UTC+5:45"],
            &[
                "UTC+08:00",
                "UTC8:00",
                "GMT+8:00",
                "UTC+8",
                "UTC+8:0",
                "UTC+15:00",
                "UTC-12:30",
                "UTC+8:10",
                "UTC+-8:00",
            ],
        );
    }

    #[test]
    fn jpegs() {
        let jpeg = STANDARD.encode([0xFF, 0xD8, 0xFF, 0xE0, 0, 0x10, 0xFF, 0xD9]);
        let cut_off = STANDARD.encode([0xFF, 0xD8, 0xFF, 0xE0, 0, 0x10]);
        let png = STANDARD.encode([0x89, b'P', b'N', b'G', 0xFF, 0xD9]);
        let with_prefix = format!("data:image/jpeg;base64,{jpeg}");
        check(Form::Jpeg, &[&jpeg], &[&cut_off, &png, &with_prefix, &jpeg[1..]]);
    }
}
