//! What is wrong with a demand itself: one that cannot hold, or cannot fail.

use firmware::configuration::{REGIONS_MAX, URLS_MAX};

use super::{EVENTS, Expectation, LED_LOOK};

impl Expectation {
    /// What is wrong with it in a run of so many seconds: the field, with a dot before it, and what would be right.
    pub(crate) fn problem(&self, duration_s: f64) -> Option<(String, String)> {
        let within = |field: &str, value: f64, range: std::ops::RangeInclusive<f64>, unit: &str| {
            let words = || format!("{value}{unit} is out of {} to {}{unit}", range.start(), range.end());
            (!range.contains(&value)).then(|| (field.to_owned(), words()))
        };
        let one = |field: &str, words: String| Some((field.to_owned(), words));
        let during = |field: &str, at_s: f64| {
            let words = || format!("{at_s} s is outside the run of {duration_s} s");
            (!(0.0..=duration_s).contains(&at_s)).then(|| (field.to_owned(), words()))
        };
        match self {
            Expectation::CountAccuracy { at_least } => within(".at_least", *at_least, 0.0..=1.0, ""),
            Expectation::Reports { at_least: None, at_most: None, .. } => {
                one("", "Reports needs at_least, at_most or both".to_owned())
            }
            Expectation::Reports { at_least: Some(least), at_most: Some(most), .. } if least > most => {
                one(".at_most", format!("{most} is less than at_least, {least}: no run can be so"))
            }
            Expectation::Reports { at_least: Some(0), at_most: None, .. } => {
                one(".at_least", "0 would hold in every run; 1 or more".to_owned())
            }
            Expectation::Reports { report_type: Some(kind), .. } if kind != "interval" && kind != "trigger" => {
                one(".report_type", format!("`{kind}` is neither \"interval\" nor \"trigger\""))
            }
            Expectation::Reports { event: Some(event), .. } if !EVENTS.contains(&event.as_str()) => {
                one(".event", format!("`{event}` is none of {}", EVENTS.join(", ")))
            }
            Expectation::Reports { .. } | Expectation::CrossingsAreTrue { .. } => None,
            Expectation::DoContact { changes, within_s } => {
                let outside = changes.iter().enumerate();
                let mut outside = outside.filter_map(|(i, (at_s, _))| during(&format!(".changes[{i}]"), *at_s));
                let backwards = changes.windows(2).position(|pair| pair[1].0 < pair[0].0);
                outside
                    .next()
                    .or_else(|| {
                        let i = backwards? + 1;
                        let (before, at) = (changes[i - 1].0, changes[i].0);
                        one(&format!(".changes[{i}]"), format!("{at} s is before the change above it, at {before} s"))
                    })
                    .or_else(|| within(".within_s", *within_s, 0.0..=600.0, " s"))
            }
            Expectation::Led { at_s, .. } => {
                let last_s = duration_s - LED_LOOK.as_secs_f64();
                let words = format!(
                    "it is watched for a second from {at_s} s on, which is not within the run of {duration_s} s"
                );
                (!(0.0..=last_s).contains(at_s)).then(|| (".at_s".to_owned(), words))
            }
            Expectation::Refused { at_s, saying } => match saying.as_str() {
                "" => one(".saying", "is empty: some of the words of the refusal".to_owned()),
                _ => during(".at_s", *at_s),
            },
            Expectation::Connection { url, .. } if !(1..=URLS_MAX).contains(url) => {
                one(".url", format!("{url} is out of 1 to {URLS_MAX}"))
            }
            Expectation::RegionTotals { region, .. } if *region > REGIONS_MAX => {
                one(".region", format!("{region} is out of 0 to {REGIONS_MAX}"))
            }
            Expectation::Information { .. } if self.information().iter().all(|(_, expected, _)| expected.is_none()) => {
                one(
                    "",
                    "names nothing to be expected: name, model, sn, mac, hardware_version or software_version"
                        .to_owned(),
                )
            }
            Expectation::Connection { at_s, .. }
            | Expectation::Information { at_s, .. }
            | Expectation::RegionTotals { at_s, .. }
            | Expectation::SecurityQuestions { at_s, .. } => during(".at_s", *at_s),
            Expectation::Runs { software_version } if software_version.is_empty() => {
                one(".software_version", "is empty: a version such as \"31.7.0.79\"".to_owned())
            }
            Expectation::Runs { .. } => None,
            Expectation::LocationsAreTrue { at_least: 0, .. } => {
                one(".at_least", "0 would hold if nobody were told anything; 1 or more".to_owned())
            }
            Expectation::LocationsAreTrue { within_m, .. } => within(".within_m", *within_m, 0.0..=10.0, " m"),
            Expectation::TotalsAreTrue { lag_s, .. } => within(".lag_s", *lag_s, 0.0..=600.0, " s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of an expectation in a run of 30 s.
    fn told(expectation: &str) -> String {
        let parsed: Expectation = ron_file::RonFile::embedded("expectation", expectation).parse().expect("one");
        parsed.problem(30.0).map(|(field, words)| format!("{field}: {words}")).unwrap_or_default()
    }

    #[test]
    fn what_cannot_hold_or_cannot_fail_is_refused() {
        for (expectation, words) in [
            ("CountAccuracy(at_least: 97)", ".at_least: 97 is out of 0 to 1"),
            ("Reports()", ": Reports needs at_least, at_most or both"),
            ("Reports(at_least: 3, at_most: 1)", ".at_most: 1 is less than at_least, 3: no run can be so"),
            ("Reports(at_least: 0)", ".at_least: 0 would hold in every run; 1 or more"),
            ("Reports(report_type: \"regular\", at_most: 1)", ".report_type: `regular` is neither"),
            ("Reports(event: \"Lines\", at_most: 1)", ".event: `Lines` is none of"),
            ("DoContact(changes: [(50, Open)], within_s: 1)", ".changes[0]: 50 s is outside the run of 30 s"),
            (
                "DoContact(changes: [(9, Open), (8, Closed)], within_s: 1)",
                ".changes[1]: 8 s is before the change above",
            ),
            ("DoContact(changes: [], within_s: -1)", ".within_s: -1 s is out of 0 to 600 s"),
            ("Led(at_s: 29.5, looks: On)", ".at_s: it is watched for a second from 29.5 s on"),
            ("Refused(at_s: 31, saying: \"no\")", ".at_s: 31 s is outside the run of 30 s"),
            ("Refused(at_s: 3, saying: \"\")", ".saying: is empty"),
            (
                "Connection(at_s: 1, function: RegionPeopleCounting, url: 0, status: Connected)",
                ".url: 0 is out of 1 to 3",
            ),
            ("Connection(at_s: 31, function: RegionPeopleCounting, status: Connected)", ".at_s: 31 s is outside"),
            ("Information(at_s: 3)", ": names nothing"),
            ("Information(at_s: 40, name: \"Lobby\")", ".at_s: 40 s is outside"),
            ("RegionTotals(at_s: 40, region: 1, in: 0, out: 0)", ".at_s: 40 s is outside"),
            ("RegionTotals(at_s: 4, region: 17, in: 0, out: 0)", ".region: 17 is out of 0 to 16"),
            ("SecurityQuestions(at_s: 40, questions: None)", ".at_s: 40 s is outside"),
            ("Runs(software_version: \"\")", ".software_version: is empty"),
            ("LocationsAreTrue(within_m: 0.3, at_least: 0)", ".at_least: 0 would hold"),
            ("LocationsAreTrue(within_m: 30, at_least: 1)", ".within_m: 30 m is out of 0 to 10 m"),
            ("TotalsAreTrue(lag_s: -1)", ".lag_s: -1 s is out of 0 to 600 s"),
        ] {
            let told = told(expectation);
            assert!(told.starts_with(words), "{expectation}: {told}");
        }
    }

    #[test]
    fn what_may_hold_is_taken() {
        for expectation in [
            "Reports(at_least: 1, at_most: 1)",
            "Reports(at_most: 0)",
            "DoContact(changes: [(0, Open), (30, Closed)], within_s: 1)",
            "Led(at_s: 29, looks: Blinking)",
            "Refused(at_s: 30, saying: \"no\")",
        ] {
            assert_eq!(told(expectation), "", "{expectation}");
        }
    }
}
