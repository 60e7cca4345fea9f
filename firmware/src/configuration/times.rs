//! When a function works, when it reports regularly, and when its cumulative values begin anew (guide §5.3).

use serde::{Deserialize, Serialize};

use super::json::Json;
use super::reading::{Place, Read, StandIn};
use super::within;

/// *Report Regularly* and its *Periodic Report Scheme*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ReportRegularly {
    /// No periodic reports.
    Off,
    /// Counted from the moment the setting is saved.
    FromNowOn {
        /// Seconds between reports, 5 to 86400.
        interval_s: IntervalSeconds,
    },
    /// At fixed times of the local day, counted from midnight.
    OnTheDot {
        /// Minutes between reports: 5, 10, 15, 30, 60, 240, 360, 480 or 720.
        interval_min: DotMinutes,
    },
}

impl Default for ReportRegularly {
    /// What the guide's §5.3.1 pictures: on, from now on, every 10 s.
    fn default() -> Self {
        ReportRegularly::FromNowOn { interval_s: IntervalSeconds::try_from(10).expect("10 s is within 5 to 86400 s") }
    }
}

/// The interval of *From Now On* reports: 5 to 86400 s (guide §5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct IntervalSeconds(u32);

impl TryFrom<i64> for IntervalSeconds {
    type Error = String;

    fn try_from(seconds: i64) -> Result<Self, String> {
        within(seconds, 5..=86_400, "seconds").map(IntervalSeconds)
    }
}

impl From<IntervalSeconds> for i64 {
    fn from(interval: IntervalSeconds) -> i64 {
        interval.0.into()
    }
}

impl From<IntervalSeconds> for u32 {
    fn from(interval: IntervalSeconds) -> u32 {
        interval.0
    }
}

/// The interval of *On the Dot* reports in minutes: every choice divides the day, so slots align to local midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct DotMinutes(u32);

impl DotMinutes {
    /// 5, 10, 15, 30 minutes and 1, 4, 6, 8, 12 hours.
    pub const CHOICES: [u32; 9] = [5, 10, 15, 30, 60, 240, 360, 480, 720];
}

impl TryFrom<i64> for DotMinutes {
    type Error = String;

    fn try_from(minutes: i64) -> Result<Self, String> {
        let choice = Self::CHOICES.into_iter().find(|choice| i64::from(*choice) == minutes);
        choice
            .map(DotMinutes)
            .ok_or_else(|| format!("must be one of 5, 10, 15, 30, 60, 240, 360, 480, 720 minutes, not {minutes}"))
    }
}

impl From<DotMinutes> for i64 {
    fn from(interval: DotMinutes) -> i64 {
        interval.0.into()
    }
}

impl From<DotMinutes> for u32 {
    fn from(interval: DotMinutes) -> u32 {
        interval.0
    }
}

/// *Reset Cumulative Count on Schedule*. Off unless set, as the guide names no default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ResetOnSchedule {
    /// Never.
    #[default]
    Off,
    /// Once a day.
    EveryDay {
        /// By the device's wall clock.
        at: TimeOfDay,
    },
    /// Once a week.
    Weekly {
        /// The weekday.
        day: Day,
        /// By the device's wall clock.
        at: TimeOfDay,
    },
}

/// A weekday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Day {
    Sunday,
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
}

/// A time of day, written `HH:MM`, from `00:00` to `23:59`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay {
    minutes: u16,
}

/// Of a day.
const DAY_MINUTES: u16 = 24 * 60;

impl TimeOfDay {
    /// Since midnight.
    pub fn minutes(self) -> u16 {
        self.minutes
    }
}

/// Minutes since midnight of a time written `HH:MM`, up to 24:00.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number =
        |text: &str| (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse::<u16>().ok())?;
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let total = 60 * hours + minutes;
    (minutes < 60 && total <= DAY_MINUTES).then_some(total)
}

impl TryFrom<String> for TimeOfDay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match minutes(&text).filter(|minutes| *minutes < DAY_MINUTES) {
            Some(minutes) => Ok(TimeOfDay { minutes }),
            None => Err(format!("must be a time of day from `00:00` to `23:59`, not `{text}`")),
        }
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> String {
        format!("{:02}:{:02}", time.minutes / 60, time.minutes % 60)
    }
}

/// *Time Schedule*: when a function works, by weekday. All of every day unless set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct TimeSchedule {
    pub sunday: DayPeriods,
    pub monday: DayPeriods,
    pub tuesday: DayPeriods,
    pub wednesday: DayPeriods,
    pub thursday: DayPeriods,
    pub friday: DayPeriods,
    pub saturday: DayPeriods,
}

impl TimeSchedule {
    /// The periods of a weekday.
    pub fn of(&self, day: Day) -> &DayPeriods {
        match day {
            Day::Sunday => &self.sunday,
            Day::Monday => &self.monday,
            Day::Tuesday => &self.tuesday,
            Day::Wednesday => &self.wednesday,
            Day::Thursday => &self.thursday,
            Day::Friday => &self.friday,
            Day::Saturday => &self.saturday,
        }
    }
}

/// The periods of a day, at most three, in any order; where they overlap they are one. None: not at all on that day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Period>", into = "Vec<Period>")]
pub struct DayPeriods(Vec<Period>);

/// *Period1* to *Period3*.
const PERIODS_MAX: usize = 3;

impl DayPeriods {
    /// Whether the function works in this minute of the day.
    pub fn contain(&self, minute: u16) -> bool {
        self.0.iter().any(|period| (period.start..period.end).contains(&minute))
    }
}

impl Default for DayPeriods {
    fn default() -> Self {
        DayPeriods(vec![Period { start: 0, end: DAY_MINUTES }])
    }
}

impl TryFrom<Vec<Period>> for DayPeriods {
    type Error = String;

    fn try_from(periods: Vec<Period>) -> Result<Self, String> {
        if periods.len() > PERIODS_MAX {
            return Err(format!("must be at most {PERIODS_MAX} periods, not {}", periods.len()));
        }
        Ok(DayPeriods(periods))
    }
}

impl From<DayPeriods> for Vec<Period> {
    fn from(periods: DayPeriods) -> Vec<Period> {
        periods.0
    }
}

/// A period of a day, written `HH:MM-HH:MM`, up to `24:00`. `00:00-00:00` is a period that is not used, as on the device's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period {
    /// Minutes since midnight.
    start: u16,
    end: u16,
}

impl TryFrom<String> for Period {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let times = text.split_once('-').and_then(|(start, end)| Some((minutes(start)?, minutes(end)?)));
        match times {
            Some((start, end)) if start < end || (start, end) == (0, 0) => Ok(Period { start, end }),
            Some(_) => {
                Err(format!("must end after it starts, not `{text}`; a period over midnight is two, one on each day"))
            }
            None => Err(format!("must be a period such as `08:00-17:30`, from `00:00` to `24:00`, not `{text}`")),
        }
    }
}

impl From<Period> for String {
    fn from(period: Period) -> String {
        let Period { start, end } = period;
        format!("{:02}:{:02}-{:02}:{:02}", start / 60, start % 60, end / 60, end % 60)
    }
}

impl Read for ReportRegularly {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        let (name, settings) = place.choice(json, &["Off"], &["FromNowOn", "OnTheDot"])?;
        match name {
            "Off" => Some(ReportRegularly::Off),
            "FromNowOn" => {
                place.group(settings, |group| ReportRegularly::FromNowOn { interval_s: group.must("interval_s") })
            }
            _ => place.group(settings, |group| ReportRegularly::OnTheDot { interval_min: group.must("interval_min") }),
        }
    }
}

impl Read for IntervalSeconds {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        place.whole(json, "5 to 86400 seconds")
    }
}

impl StandIn for IntervalSeconds {
    fn stand_in() -> Self {
        IntervalSeconds(10)
    }
}

impl Read for DotMinutes {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        place.whole(json, "one of 5, 10, 15, 30, 60, 240, 360, 480, 720 minutes")
    }
}

impl StandIn for DotMinutes {
    fn stand_in() -> Self {
        DotMinutes(10)
    }
}

impl Read for ResetOnSchedule {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        let (name, settings) = place.choice(json, &["Off"], &["EveryDay", "Weekly"])?;
        match name {
            "Off" => Some(ResetOnSchedule::Off),
            "EveryDay" => place.group(settings, |group| ResetOnSchedule::EveryDay { at: group.must("at") }),
            _ => {
                place.group(settings, |group| ResetOnSchedule::Weekly { day: group.must("day"), at: group.must("at") })
            }
        }
    }
}

impl Read for Day {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        let names = [
            ("Sunday", Day::Sunday),
            ("Monday", Day::Monday),
            ("Tuesday", Day::Tuesday),
            ("Wednesday", Day::Wednesday),
            ("Thursday", Day::Thursday),
            ("Friday", Day::Friday),
            ("Saturday", Day::Saturday),
        ];
        place.name(json, &names)
    }
}

impl StandIn for Day {
    fn stand_in() -> Self {
        Day::Sunday
    }
}

impl Read for TimeOfDay {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        place.text(json, "a time of day such as `18:04`")
    }
}

impl StandIn for TimeOfDay {
    fn stand_in() -> Self {
        TimeOfDay { minutes: 0 }
    }
}

impl Read for TimeSchedule {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        place.group(json, |group| TimeSchedule {
            sunday: group.or("sunday", DayPeriods::default()),
            monday: group.or("monday", DayPeriods::default()),
            tuesday: group.or("tuesday", DayPeriods::default()),
            wednesday: group.or("wednesday", DayPeriods::default()),
            thursday: group.or("thursday", DayPeriods::default()),
            friday: group.or("friday", DayPeriods::default()),
            saturday: group.or("saturday", DayPeriods::default()),
        })
    }
}

impl Read for DayPeriods {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        let periods: Vec<Period> = Read::read(json, place)?;
        place.accept(DayPeriods::try_from(periods))
    }
}

impl Read for Period {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        place.text(json, "a period such as `08:00-17:30`")
    }
}

impl StandIn for Period {
    fn stand_in() -> Self {
        Period { start: 0, end: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_refused_by_what_is_wrong_with_them() {
        let check = |text: &str, words: &str| {
            let error = Period::try_from(text.to_owned()).expect_err(text);
            assert!(error.contains(words), "{text}: {error}");
        };
        check("25:00-26:00", "from `00:00` to `24:00`");
        check("08:00-25:00", "from `00:00` to `24:00`");
        check("08:60-09:00", "such as");
        check("8:00-9:00", "such as");
        check("+8:00-09:00", "such as");
        check("17:00-08:00", "must end after it starts");
        check("08:00-08:00", "must end after it starts");
        check("24:00-24:00", "must end after it starts");
        check("08:00", "such as");
        for text in ["00:00-24:00", "08:05-17:30", "00:00-00:00", "23:59-24:00"] {
            assert_eq!(String::from(Period::try_from(text.to_owned()).expect(text)), text);
        }
        assert!(TimeOfDay::try_from("24:00".to_owned()).is_err());
        assert_eq!(TimeOfDay::try_from("18:04".to_owned()).map(TimeOfDay::minutes), Ok(18 * 60 + 4));
    }

    #[test]
    fn a_day_is_the_sum_of_its_periods() {
        let periods =
            ["08:00-12:00", "11:00-13:00", "00:00-00:00"].map(|text| Period::try_from(text.to_owned()).expect(text));
        let day = DayPeriods::try_from(periods.to_vec()).expect("three");
        let works: Vec<u16> = (0..24).filter(|hour| day.contain(60 * hour)).collect();
        assert_eq!(works, [8, 9, 10, 11, 12]);
        assert!(day.contain(8 * 60) && !day.contain(8 * 60 - 1) && !day.contain(13 * 60));
        let error = DayPeriods::try_from(periods.repeat(2)).expect_err("six");
        assert_eq!(error, "must be at most 3 periods, not 6");
        assert!(DayPeriods::default().contain(23 * 60 + 59));
    }
}
