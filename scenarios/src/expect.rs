//! What a scenario demands of a run, beside its golden file: judged against the ground truth and the captured reports.

mod answers;
pub(crate) mod crossings;
mod problems;

use std::time::Duration;

use firmware::Function;
use firmware_shim::{Contact, Uptime};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Scenario;
use crate::record::{Capture, RunRecord};
use crate::twin::run_time;
pub use answers::ConnectionStatus;

/// One demand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Expectation {
    /// The mean over analysed frames of 1 − |counted − true| / max(true, 1).
    CountAccuracy {
        /// 0 to 1.
        at_least: f64,
    },
    /// How many reports of a kind arrive.
    Reports {
        /// Such as `"Line Crossing Counting"`; any if not given.
        #[serde(default)]
        event: Option<String>,
        /// `"interval"` or `"trigger"`; any if not given.
        #[serde(default)]
        report_type: Option<String>,
        /// This many or more.
        #[serde(default)]
        at_least: Option<usize>,
        /// This many or fewer.
        #[serde(default)]
        at_most: Option<usize>,
    },
    /// Crossings of the line, and passages through the flow region, are counted when and as they happened, each within a second. Somebody has
    /// to cross.
    CrossingsAreTrue {
        /// How many may be missed or told that never were, of each kind: In, Out, each pair of edges. Fewer than happened of some kind.
        #[serde(default)]
        except: u32,
    },
    /// How the DO contact changes after it was first set.
    DoContact {
        /// Seconds, and how it is from then on.
        changes: Vec<(f64, Contact)>,
        /// How far off each may be, seconds.
        within_s: f64,
    },
    /// How the LED looks to somebody who watches it for a second.
    Led {
        /// From when on, seconds.
        at_s: f64,
        /// How it looks.
        looks: LedLook,
    },
    /// The device refuses what a person wants of it at this time. Whatever else it refuses fails the run.
    Refused {
        /// Of the event, seconds.
        at_s: f64,
        /// What the device says holds these words.
        saying: String,
    },
    /// *Status* of a place that a function sends to.
    Connection {
        /// Asked for then, seconds.
        at_s: f64,
        /// Whose.
        function: Function,
        /// *URL 1*, *URL 2* or *URL 3*; the broker is 1.
        #[serde(default = "first")]
        url: usize,
        /// How it stands.
        status: ConnectionStatus,
    },
    /// *Device Information*.
    Information {
        /// Asked for then, seconds.
        at_s: f64,
        /// *Device Name*; anything if not given, as for all of these.
        #[serde(default)]
        name: Option<String>,
        /// *Device Model*.
        #[serde(default)]
        model: Option<String>,
        /// *SN*.
        #[serde(default)]
        sn: Option<String>,
        /// *MAC*.
        #[serde(default)]
        mac: Option<String>,
        /// *Hardware Version*.
        #[serde(default)]
        hardware_version: Option<String>,
        /// *Software Version*.
        #[serde(default)]
        software_version: Option<String>,
    },
    /// *Total In/Out counting* of a detection region, since the last reset.
    RegionTotals {
        /// Asked for then, seconds.
        at_s: f64,
        /// Its number; 0 when none is drawn.
        region: u32,
        /// People who came.
        r#in: u64,
        /// People who went.
        out: u64,
    },
    /// What whoever forgot the password is asked.
    SecurityQuestions {
        /// Asked for then, seconds.
        at_s: f64,
        /// In order; `None`: there are none.
        questions: Option<Vec<String>>,
    },
    /// At the end this program runs.
    Runs {
        /// Its *Software Version*.
        software_version: String,
    },
    /// What clients of *Realtime Location Push* are told is where people are.
    LocationsAreTrue {
        /// How far off anybody told of may be from somebody who is there, metres.
        within_m: f64,
        /// How often anybody is told of, over all lines.
        at_least: usize,
    },
    /// The `current_total` of every report of region people counting is what was true at some instant shortly before it was made.
    TotalsAreTrue {
        /// People it may be off.
        #[serde(default)]
        within: u32,
        /// How long a change may take to be reported, seconds.
        lag_s: f64,
    },
}

fn first() -> usize {
    1
}

/// How an LED looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LedLook {
    /// Lit all the time.
    On,
    /// Dark all the time.
    Off,
    /// Now lit and now dark, more than once.
    Blinking,
    /// It goes out, or on, once.
    Changing,
}

/// How long somebody looks at an LED.
pub(crate) const LED_LOOK: Duration = Duration::from_secs(1);

impl LedLook {
    /// How an LED looks from `from` on that was lit, or not, from these times on.
    fn of(led: &[(Uptime, bool)], from: Uptime) -> LedLook {
        let until = from + LED_LOOK;
        let was_lit = led.iter().rfind(|(at, _)| *at <= from).is_some_and(|(_, is_lit)| *is_lit);
        match led.iter().filter(|(at, _)| *at > from && *at < until).count() {
            0 if was_lit => LedLook::On,
            0 => LedLook::Off,
            1 => LedLook::Changing,
            _ => LedLook::Blinking,
        }
    }
}

impl Expectation {
    /// What the run failed to do, a line each.
    pub(crate) fn failures(&self, scenario: &Scenario, record: &RunRecord) -> Vec<String> {
        match self {
            Expectation::CountAccuracy { at_least } => {
                let Some(accuracy) = record.count_accuracy() else {
                    return vec!["expected a count accuracy, but no frame was analysed".to_owned()];
                };
                if accuracy >= *at_least {
                    return vec![];
                }
                vec![format!("count accuracy is {accuracy:.4}, expected at least {at_least}")]
            }
            Expectation::Reports { event, report_type, at_least, at_most } => {
                let is = |capture: &Capture, name: &str, wanted: &Option<String>| {
                    wanted.is_none() || text(capture, name) == *wanted
                };
                let is_kind =
                    |capture: &&Capture| is(capture, "report_type", report_type) && is(capture, "event", event);
                let found = record.captures.iter().filter(is_kind).count();
                let kind: String = [event, report_type].into_iter().flatten().map(|kind| format!("{kind} ")).collect();
                let mut failures = Vec::new();
                if at_least.is_some_and(|least| found < least) {
                    failures
                        .push(format!("{found} {kind}reports arrived, expected at least {}", at_least.unwrap_or(0)));
                }
                if at_most.is_some_and(|most| found > most) {
                    failures.push(format!("{found} {kind}reports arrived, expected at most {}", at_most.unwrap_or(0)));
                }
                failures
            }
            Expectation::CrossingsAreTrue { except } => crossings::failures(scenario, record, *except),
            Expectation::DoContact { changes, within_s } => {
                let told = record.do_contact.iter().skip(1).map(|(at, contact)| (at.as_secs_f64(), *contact));
                let told: Vec<(f64, Contact)> = told.collect();
                let is_same = |((wanted_s, wanted), (at_s, contact)): (&(f64, Contact), &(f64, Contact))| {
                    wanted == contact && (wanted_s - at_s).abs() <= *within_s
                };
                let same = changes.len() == told.len() && changes.iter().zip(&told).all(is_same);
                if same { vec![] } else { vec![format!("the DO contact changed so: {told:?}; expected {changes:?}")] }
            }
            Expectation::Led { at_s, looks } => {
                let told = LedLook::of(&record.led, run_time(*at_s));
                if told == *looks {
                    return vec![];
                }
                vec![format!("the LED looks so from {at_s} s on: {told:?}; expected {looks:?}")]
            }
            Expectation::Refused { at_s, saying } => {
                if record.refused.iter().any(|(at, error)| self.allows(*at, error)) {
                    return vec![];
                }
                vec![format!("at {at_s} s the device was to refuse something, saying `{saying}`, and did not")]
            }
            Expectation::Connection { .. }
            | Expectation::Information { .. }
            | Expectation::RegionTotals { .. }
            | Expectation::SecurityQuestions { .. } => self.answer_failure(record).into_iter().collect(),
            Expectation::Runs { software_version } => match &record.software_version {
                Some(running) if running == software_version => vec![],
                running => {
                    let running = running.as_deref().unwrap_or("nothing");
                    vec![format!("{running} runs at the end, expected {software_version}")]
                }
            },
            Expectation::LocationsAreTrue { within_m, at_least } => {
                let judge = record.location_judges.iter().find(|judge| judge.within_m() == *within_m);
                judge.expect("there is one of each demand").failures(&scenario.scene, *at_least)
            }
            Expectation::TotalsAreTrue { within, lag_s } => {
                let mut counting =
                    record.captures.iter().filter(|c| text(c, "event").as_deref() == Some(EVENTS[0])).peekable();
                if counting.peek().is_none() {
                    return vec![
                        "expected totals to be true, but no report of region people counting arrived".to_owned(),
                    ];
                }
                counting.filter_map(|capture| false_total(record, capture, *within, *lag_s)).collect()
            }
        }
    }
}

impl Expectation {
    /// Whether it says that the device refuses this.
    pub(crate) fn allows(&self, at: Uptime, words: &str) -> bool {
        matches!(self, Expectation::Refused { at_s, saying } if run_time(*at_s) == at && words.contains(saying))
    }
}

/// What reports are of (guide §7).
const EVENTS: [&str; 4] =
    ["Region People Counting", "Dwell Time Detection", "Line Crossing Counting", "People Flow Analysis"];

fn text(capture: &Capture, name: &str) -> Option<String> {
    Some(field(capture, name)?.as_str()?.to_owned())
}

fn field(capture: &Capture, name: &str) -> Option<Value> {
    serde_json::from_slice::<Value>(&capture.delivery.body).ok()?.get(name).cloned()
}

fn false_total(record: &RunRecord, capture: &Capture, within: u32, lag_s: f64) -> Option<String> {
    // One that was kept speaks of when it was made.
    let made = std::str::from_utf8(&capture.delivery.body).ok().and_then(|document| record.made.get(document));
    let at_s = made.unwrap_or(&capture.at).as_secs_f64();
    let Some(total) = field(capture, "current_total").as_ref().and_then(Value::as_u64) else {
        return Some(format!("the report at {at_s:.3} s has no number `current_total`"));
    };
    let total = u32::try_from(total).unwrap_or(u32::MAX);
    // Frames are in the order of time.
    let first = record.frames.partition_point(|frame| frame.taken_at.as_secs_f64() < at_s - lag_s);
    let end = record.frames.partition_point(|frame| frame.taken_at.as_secs_f64() <= at_s);
    let errors = record.frames[first..end.max(first)].iter().map(|frame| (frame.truth.error(total), frame.truth.sure));
    // Before the first frame nobody can have been counted.
    let (error, truth) = errors.min().unwrap_or((total, 0));
    (error > within).then(|| {
        format!("the report at {at_s:.3} s says current_total {total}; the nearest true count in the {lag_s} s before is {truth}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_led_is_looked_at_for_a_second() {
        let at = Uptime::from_millis;
        let led = [(at(0), true), (at(2000), false), (at(2250), true), (at(2500), false), (at(5000), true)];
        let looks = |ms| LedLook::of(&led, at(ms));
        use LedLook::{Blinking, Changing, Off, On};
        let told = [0, 1000, 1001, 1500, 2250, 3000, 4000, 4500, 5000].map(looks);
        assert_eq!(told, [On, On, Changing, Blinking, Changing, Off, Off, Changing, On]);
    }
}
