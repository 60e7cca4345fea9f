//! Crossings against the truth, which goes by people's ways over what is set at first.

use firmware::Configuration;
use firmware::configuration::TimeSchedule;

use crate::counting::{EventScore, counting_scores};
use crate::record::RunRecord;
use crate::{Event, Happening, Scenario};

/// Why crossings cannot be judged in a scenario.
pub(crate) fn problem(first: &Configuration, timeline: &[Event]) -> Option<String> {
    let Configuration { line_crossing_counting: line, people_flow_analysis: flow, .. } = first;
    let line = line.line.as_ref().filter(|_| line.enable).map(|_| &line.time_schedule);
    let flow = flow.region.as_ref().filter(|_| flow.enable).map(|_| &flow.time_schedule);
    let mut schedules = line.into_iter().chain(flow).peekable();
    if schedules.peek().is_none() {
        return Some("judges a line or a flow region, and neither is drawn and enabled at first".to_owned());
    }
    let sets_clock = |event: &&Event| matches!(event.event, Happening::Clock(_) | Happening::SetClock(_));
    if let Some(event) = timeline.iter().find(sets_clock)
        && schedules.any(|schedule| *schedule != TimeSchedule::default())
    {
        let words = "judges a time_schedule by the clock as it is at first, and the event at";
        return Some(format!("{words} {} s sets it: expect Reports instead", event.at_s));
    }
    let changes = |event: &&Event| match &event.event {
        Happening::Configure(configuration) => judged_by(configuration) != judged_by(first),
        Happening::Import(file) => {
            Configuration::import(file).is_ok_and(|imported| judged_by(&imported) != judged_by(first))
        }
        Happening::Reset { .. } | Happening::Upgrade { reset_after: true, .. } => true,
        Happening::PressReset { for_s } => *for_s > 10.0,
        _ => false,
    };
    let event = timeline.iter().find(changes)?;
    let words = "crossings are judged by what is set at first, and the event at";
    Some(format!("{words} {} s sets something else: split the scenario, or expect Reports instead", event.at_s))
}

/// The settings on which it depends what is counted.
fn judged_by(configuration: &Configuration) -> impl PartialEq {
    let Configuration { line_crossing_counting: line, people_flow_analysis: flow, mounting, privacy_mask, .. } =
        configuration;
    let masks: Vec<_> = privacy_mask.in_use().cloned().collect();
    let line =
        (line.enable, line.line.clone(), line.filter_u_turns, line.u_turn_area.clone(), line.time_schedule.clone());
    (line, (flow.enable, flow.region.clone(), flow.time_schedule.clone()), *mounting, masks)
}

/// What was counted otherwise than it happened, where more than `except` of a kind are wrong.
pub(super) fn failures(scenario: &Scenario, record: &RunRecord, except: u32) -> Vec<String> {
    let scores = counting_scores(scenario, record);
    let lines = [("In".to_owned(), scores.line_in), ("Out".to_owned(), scores.line_out)];
    let kinds: Vec<(String, EventScore)> = lines.into_iter().chain(scores.flow).collect();
    let most = kinds.iter().map(|(_, score)| score.happened).max().unwrap_or(0);
    if most <= except {
        let words = "expected crossings to be true, but at most";
        return vec![format!(
            "{words} {most} of a kind happened, and except: {except} allows all of them to be missed"
        )];
    }
    let wrong = |(name, score): (String, EventScore)| {
        let (missed, never) = (score.happened - score.matched, score.told - score.matched);
        (missed + never > except).then(|| {
            format!("{name}: of {} that happened {missed} are missed, and {never} told that never were", score.happened)
        })
    };
    kinds.into_iter().filter_map(wrong).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(settings: &str) -> Configuration {
        ron_file::RonFile::embedded("first", format!("({settings})")).parse().expect("a configuration")
    }

    fn line(settings: &str) -> String {
        format!("line_crossing_counting: (enable: true, {settings} line: [(0.5, 0.7), (0.5, 0.3)])")
    }

    #[test]
    fn crossings_are_judged_only_where_the_drawing_stays() {
        let told = |event: &str| {
            let event = ron_file::RonFile::embedded("event", event).parse().expect("an event");
            problem(&configuration(&line("")), &[Event { at_s: 8.0, event }])
        };
        let same = format!("Configure((general: (data_retransmission: true), {}))", line("trigger_report: true,"));
        for event in [same.as_str(), "PressReset(for_s: 9)", "Reboot", "Import(\"no file\")", "Export"] {
            assert_eq!(told(event), None, "{event}");
        }
        let other = format!("Configure(({}))", line("filter_u_turns: true,"));
        let hours = format!("Configure(({}))", line("time_schedule: (monday: []),"));
        for event in [&other, &hours, "Configure((mounting: (tilt_deg: 5)))", "PressReset(for_s: 11)", "Reset()"] {
            let words = told(event).unwrap_or_default();
            assert!(words.contains("the event at 8 s sets something else"), "{event}: {words}");
        }
    }

    #[test]
    fn crossings_are_judged_only_where_the_judge_knows_who_is_counted() {
        for (settings, words) in [
            (String::new(), "neither is drawn and enabled"),
            (line("").replace("true", "false"), "neither is drawn and enabled"),
        ] {
            let told = problem(&configuration(&settings), &[]).unwrap_or_default();
            assert!(told.contains(words), "{settings}: {told}");
        }
        let hours = configuration(&line("time_schedule: (monday: []),"));
        assert_eq!(problem(&hours, &[]), None);
        let event = ron_file::RonFile::embedded("event", r#"Clock("2026-03-02T08:00:00Z")"#).parse().expect("an event");
        let told = problem(&hours, &[Event { at_s: 8.0, event }]).unwrap_or_default();
        assert!(told.contains("the event at 8 s sets it"), "{told}");
    }
}
