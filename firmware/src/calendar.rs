//! The device's calendar: what the real-time clock reads, as local time, and when the local day reaches a slot.
//!
//! Knows nothing of monotonic time, and nothing of how the clock came to read what it reads.

use chrono::{
    DateTime, Datelike, Duration, FixedOffset, NaiveDateTime, NaiveTime, Offset, TimeZone, Timelike, Utc, Weekday,
};
use chrono_tz::{OffsetComponents, Tz};
use firmware_shim::RtcTime;

/// What the clock can be set to (a decision; the page has a calendar).
pub const CLOCK_YEARS: std::ops::RangeInclusive<i32> = 2000..=2099;

/// A clock reading in a time zone, as reports carry it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// `YYYY/MM/DD HH:MM:SS`, daylight saving included.
    pub text: String,
    /// The standard offset, `UTC+8:00` style.
    pub timezone: String,
    /// Whether daylight saving applies.
    pub dst_status: bool,
}

/// A time zone, and whether its daylight saving is kept (guide §5.4.3, *Daylight Saving Time*).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Of the tz database.
    pub tz: Tz,
    /// Else the standard offset is in force all year.
    pub daylight_saving: bool,
}

impl From<Tz> for Zone {
    fn from(tz: Tz) -> Self {
        Zone { tz, daylight_saving: true }
    }
}

impl Zone {
    /// What is in force at an instant: the offset from UTC, and how much of it is daylight saving.
    ///
    /// Ireland's zone data turns daylight saving round (standard time in summer, an hour less in winter). There, as wherever
    /// the saving is negative, we take the offset in force as the standard one, so that offset and printed time always agree.
    fn offset_and_saving(self, at: DateTime<Utc>) -> (Duration, Duration) {
        let offset = *at.with_timezone(&self.tz).offset();
        let saving = offset.dst_offset().max(Duration::zero());
        let in_force = |at: DateTime<Utc>| {
            let offset = *at.with_timezone(&self.tz).offset();
            (Duration::seconds(i64::from(offset.fix().local_minus_utc())), offset.dst_offset())
        };
        if self.daylight_saving {
            return (in_force(at).0, saving);
        }
        // Where winter is the time that is turned back, summer's is not what is in force all year.
        let half_a_year = Duration::days(183);
        let winters = [at - half_a_year, at + half_a_year].map(in_force);
        let winter = winters.into_iter().find(|(_, saving)| *saving < Duration::zero());
        (winter.map_or_else(|| in_force(at).0 - saving, |(offset, _)| offset), Duration::zero())
    }

    /// The instant in local time.
    fn local(self, at: DateTime<Utc>) -> DateTime<FixedOffset> {
        let seconds = i32::try_from(self.offset_and_saving(at).0.num_seconds());
        let offset = seconds.ok().and_then(FixedOffset::east_opt).expect("zones are within a day of UTC");
        at.with_timezone(&offset)
    }
}

/// What the wall clock shows in `zone` when the real-time clock reads `rtc`.
pub fn local_time(rtc: RtcTime, zone: Zone) -> LocalTime {
    let (offset, saving) = zone.offset_and_saving(utc(rtc));
    let local = zone.local(utc(rtc));
    let minutes = (offset - saving).num_minutes();
    let sign = if minutes < 0 { '-' } else { '+' };
    LocalTime {
        text: local.format("%Y/%m/%d %H:%M:%S").to_string(),
        timezone: format!("UTC{sign}{}:{:02}", minutes.abs() / 60, minutes.abs() % 60),
        dst_status: !saving.is_zero(),
    }
}

/// The year of an instant, in UTC.
pub fn year(rtc: RtcTime) -> i32 {
    utc(rtc).year()
}

fn utc(rtc: RtcTime) -> DateTime<Utc> {
    DateTime::from_timestamp_nanos(rtc.0)
}

fn local(at: DateTime<Utc>, zone: Zone) -> NaiveDateTime {
    zone.local(at).naive_local()
}

fn offset(at: DateTime<Utc>, zone: Zone) -> Duration {
    zone.offset_and_saving(at).0
}

/// The weekday that the wall clock in `zone` shows, and the minute since midnight.
pub fn minute_of_week(rtc: RtcTime, zone: Zone) -> (Weekday, u16) {
    let shown = local(utc(rtc), zone);
    (shown.weekday(), (shown.num_seconds_from_midnight() / 60) as u16)
}

/// An instant with the offset then in force, as dwell times are written: `2022-12-20T18:15:52+03:00`.
pub fn iso_8601(rtc: RtcTime, zone: Zone) -> String {
    zone.local(utc(rtc)).format("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// The same to the millisecond.
pub fn iso_8601_ms(rtc: RtcTime, zone: Zone) -> String {
    zone.local(utc(rtc)).format("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
}

/// The times of the local day at which something is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slots {
    /// Whole multiples of this since midnight; it divides the day.
    Every(Duration),
    /// Once on a weekday, or on every day.
    At(Option<Weekday>, NaiveTime),
}

impl Slots {
    /// The next slot after the time shown, or at it if `inclusive`.
    fn next(&self, shown: NaiveDateTime, inclusive: bool) -> NaiveDateTime {
        match self {
            Slots::Every(every) => next_multiple(shown, *every, inclusive),
            Slots::At(weekday, time) => {
                let today = shown.date();
                let is_meant = |day: &chrono::NaiveDate| weekday.is_none_or(|weekday| day.weekday() == weekday);
                let is_ahead = |at: &NaiveDateTime| if inclusive { *at >= shown } else { *at > shown };
                let days = today.iter_days().filter(is_meant);
                days.map(|day| day.and_time(*time)).find(is_ahead).unwrap_or(NaiveDateTime::MAX)
            }
        }
    }
}

/// The first instant after `after` at which the wall clock in `zone` shows a slot.
///
/// Where daylight saving repeats an hour, its multiples come again: an hour has passed, and reports tell the two apart by
/// `dst_status`; what is due once a day is not. Where it leaves an hour out, the slots in it fall on the instant the clock jumps. (A decision.)
pub fn next_slot(after: RtcTime, slots: &Slots, zone: Zone) -> RtcTime {
    let next = next_shown(after, slots, zone);
    let is_once_a_day = matches!(slots, Slots::At(..));
    if is_once_a_day && is_second_pass(next, zone) { next_shown(next, slots, zone) } else { next }
}

/// Whether the wall clock has shown this time of day before: the hour comes twice.
fn is_second_pass(at: RtcTime, zone: Zone) -> bool {
    let earliest = zone.tz.from_local_datetime(&local(utc(at), zone)).earliest();
    zone.daylight_saving && earliest.is_some_and(|earliest| rtc(earliest.with_timezone(&Utc)) < at)
}

/// The first instant after `after` at which the wall clock in `zone` shows a slot, be it for the second time.
fn next_shown(after: RtcTime, slots: &Slots, zone: Zone) -> RtcTime {
    let start = utc(after);
    let shown = local(start, zone);
    let steady = start + (slots.next(shown, false) - shown);
    if offset(steady, zone) == offset(start, zone) {
        return rtc(steady);
    }
    let change = offset_change(start, steady, zone);
    // What the old offset would show at the change; a slot from there to what the new one shows was jumped over.
    let would_show = change.naive_utc() + offset(start, zone);
    let shows = local(change, zone);
    if slots.next(would_show, true) <= shows {
        return rtc(change);
    }
    let next = match slots {
        Slots::Every(_) => slots.next(shows, true),
        Slots::At(..) => slots.next(would_show.max(shows), true),
    };
    rtc(change + (next - shows))
}

fn rtc(at: DateTime<Utc>) -> RtcTime {
    // Beyond the year 2262 nanoseconds do not fit; no dot is ever reached there.
    RtcTime(at.timestamp_nanos_opt().unwrap_or(i64::MAX))
}

/// The next multiple of `every` since midnight after `time`, or at it if `inclusive`.
fn next_multiple(time: NaiveDateTime, every: Duration, inclusive: bool) -> NaiveDateTime {
    let midnight = time.date().and_time(NaiveTime::MIN);
    let since = time - midnight;
    let (since_ns, every_ns) = (since.num_nanoseconds().unwrap_or(0), every.num_nanoseconds().unwrap_or(1).max(1));
    let reached = since_ns - since_ns % every_ns;
    if inclusive && reached == since_ns {
        return time;
    }
    midnight + Duration::nanoseconds(reached + every_ns)
}

/// The instant in (`from`, `to`] from which the offset of `to` is in force, to the second.
fn offset_change(from: DateTime<Utc>, to: DateTime<Utc>, zone: Zone) -> DateTime<Utc> {
    let before = offset(from, zone);
    let (mut early, mut late) = (from.timestamp(), to.timestamp());
    while late - early > 1 {
        let middle = early + (late - early) / 2;
        let at = DateTime::from_timestamp(middle, 0);
        if at.is_some_and(|at| offset(at, zone) == before) { early = middle } else { late = middle }
    }
    DateTime::from_timestamp(late, 0).unwrap_or(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> RtcTime {
        rtc(text.parse().expect("an instant in RFC 3339"))
    }

    fn shown(text: &str, zone: Tz) -> (String, String, bool) {
        let time = local_time(at(text), zone.into());
        (time.text, time.timezone, time.dst_status)
    }

    #[test]
    fn times_are_local_and_the_zone_is_the_standard_one() {
        let check = |instant, zone, text: &str, timezone: &str, dst| {
            assert_eq!(shown(instant, zone), (text.to_owned(), timezone.to_owned(), dst));
        };
        check("2022-12-20T10:15:52Z", Tz::Asia__Shanghai, "2022/12/20 18:15:52", "UTC+8:00", false);
        check("2022-07-20T10:15:52Z", Tz::Europe__Berlin, "2022/07/20 12:15:52", "UTC+1:00", true);
        check("2022-01-20T10:15:52Z", Tz::Europe__Berlin, "2022/01/20 11:15:52", "UTC+1:00", false);
        check("2023-08-04T06:51:18Z", Tz::America__Los_Angeles, "2023/08/03 23:51:18", "UTC-8:00", true);
        check("2022-01-20T00:00:00Z", Tz::Asia__Kolkata, "2022/01/20 05:30:00", "UTC+5:30", false);
        check("2022-01-20T00:00:00Z", Tz::America__St_Johns, "2022/01/19 20:30:00", "UTC-3:30", false);
        check("2022-01-20T00:00:00.999Z", Tz::UTC, "2022/01/20 00:00:00", "UTC+0:00", false);
        check("2022-01-20T12:00:00Z", Tz::Europe__Dublin, "2022/01/20 12:00:00", "UTC+0:00", false);
    }

    fn dots(start: &str, end: &str, minutes: i64, zone: Tz) -> Vec<String> {
        let slots = Slots::Every(Duration::minutes(minutes));
        shown_slots(start, end, slots, zone).iter().map(|time| time[11..].to_owned()).collect()
    }

    fn shown_slots(start: &str, end: &str, slots: Slots, zone: Tz) -> Vec<String> {
        let zone = zone.into();
        let next = |after: &RtcTime| Some(next_slot(*after, &slots, zone));
        let all = std::iter::successors(next(&at(start)), next);
        all.take_while(|slot| *slot < at(end)).map(|slot| local_time(slot, zone).text[..16].to_owned()).collect()
    }

    #[test]
    fn dots_align_to_local_midnight() {
        assert_eq!(dots("2022-01-20T10:03:00Z", "2022-01-20T10:31:00Z", 10, Tz::UTC), ["10:10", "10:20", "10:30"]);
        assert_eq!(
            dots("2022-01-20T00:00:00Z", "2022-01-21T00:01:00Z", 480, Tz::Asia__Shanghai),
            ["16:00", "00:00", "08:00"]
        );
        assert_eq!(dots("2022-01-20T00:01:00Z", "2022-01-20T01:01:00Z", 30, Tz::Asia__Kathmandu), ["06:00", "06:30"]);
    }

    #[test]
    fn an_hour_lived_twice_has_its_dots_twice() {
        let (start, end) = ("2022-10-29T22:30:00Z", "2022-10-30T02:30:00Z");
        assert_eq!(dots(start, end, 60, Tz::Europe__Berlin), ["01:00", "02:00", "02:00", "03:00"]);
        assert_eq!(dots(start, "2022-10-30T07:30:00Z", 240, Tz::Europe__Berlin), ["04:00", "08:00"]);
    }

    #[test]
    fn dots_in_an_hour_left_out_fall_on_the_jump() {
        let (start, end) = ("2022-03-27T00:15:00Z", "2022-03-27T01:45:00Z");
        assert_eq!(dots(start, end, 30, Tz::Europe__Berlin), ["01:30", "03:00", "03:30"]);
        // In Egypt midnight itself was left out on 28 April 2023.
        assert_eq!(dots("2023-04-27T12:00:00Z", "2023-04-28T12:00:00Z", 720, Tz::Africa__Cairo), ["01:00", "12:00"]);
    }

    #[test]
    fn what_is_due_once_a_day_is_due_once_on_days_of_any_length() {
        let check = |start, end, weekday, time: &str, expected: &[&str]| {
            let slots = Slots::At(weekday, time.parse().expect("a time"));
            assert_eq!(shown_slots(start, end, slots, Tz::Europe__Berlin), expected);
        };
        check(
            "2022-10-28T22:00:00Z",
            "2022-10-31T12:00:00Z",
            None,
            "02:30:00",
            &["2022/10/29 02:30", "2022/10/30 02:30", "2022/10/31 02:30"],
        );
        check(
            "2022-03-25T22:00:00Z",
            "2022-03-28T12:00:00Z",
            None,
            "02:30:00",
            &["2022/03/26 02:30", "2022/03/27 03:00", "2022/03/28 02:30"],
        );
        check(
            "2022-10-29T22:00:00Z",
            "2022-11-14T12:00:00Z",
            Some(Weekday::Sun),
            "18:04:00",
            &["2022/10/30 18:04", "2022/11/06 18:04", "2022/11/13 18:04"],
        );
        // Begun within the hour that comes twice, in its first pass and in its second.
        for begun in ["2022-10-30T00:45:00Z", "2022-10-30T01:10:00Z"] {
            check(begun, "2022-10-31T12:00:00Z", None, "02:30:00", &["2022/10/31 02:30"]);
        }
    }

    #[test]
    fn without_daylight_saving_the_standard_offset_is_in_force_all_year() {
        let zone = Zone { tz: Tz::Europe__Berlin, daylight_saving: false };
        let summer = local_time(at("2022-07-20T10:15:52Z"), zone);
        assert_eq!((summer.text.as_str(), summer.timezone.as_str()), ("2022/07/20 11:15:52", "UTC+1:00"));
        assert!(!summer.dst_status);
        assert_eq!(iso_8601(at("2022-07-20T10:15:52Z"), zone), "2022-07-20T11:15:52+01:00");
        // Neither is an hour left out nor does one come twice.
        let due = |after: &str| next_slot(at(after), &Slots::At(None, "02:30:00".parse().expect("a time")), zone);
        assert_eq!(due("2022-03-26T23:30:00Z"), at("2022-03-27T01:30:00Z"));
        assert_eq!(due("2022-10-29T23:30:00Z"), at("2022-10-30T01:30:00Z"));
        assert_eq!(due("2022-10-30T01:30:00Z"), at("2022-10-31T01:30:00Z"));
        let dublin = Zone { tz: Tz::Europe__Dublin, ..zone };
        for month in ["01", "07"] {
            let told = local_time(at(&format!("2022-{month}-20T10:15:52Z")), dublin);
            assert_eq!(told.text, format!("2022/{month}/20 10:15:52"));
            assert_eq!(told.timezone, "UTC+0:00");
        }
    }

    #[test]
    fn dwell_times_carry_the_offset_in_force() {
        assert_eq!(iso_8601(at("2022-12-20T15:15:52.7Z"), Tz::Europe__Istanbul.into()), "2022-12-20T18:15:52+03:00");
        assert_eq!(iso_8601(at("2022-07-20T15:15:52Z"), Tz::America__St_Johns.into()), "2022-07-20T12:45:52-02:30");
    }

    #[test]
    fn the_week_goes_by_the_wall_clock() {
        assert_eq!(minute_of_week(at("2022-12-19T22:30:00Z"), Tz::Asia__Shanghai.into()), (Weekday::Tue, 390));
        assert_eq!(minute_of_week(at("2022-12-19T22:30:59Z"), Tz::America__New_York.into()), (Weekday::Mon, 1050));
    }
}
