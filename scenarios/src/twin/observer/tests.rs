//! A run that somebody had a hand in, and the same made again from the file that was saved of it.

use std::path::Path;

use super::*;
use crate::network::Fault;
use crate::twin::tests::{Lamp, Witness};
use crate::twin::{Lane, Tracks, run, run_observed};

fn library(name: &str) -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("library").join(name);
    Scenario::read(&path).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Has something happen at these frames; gives the run, and the timeline as it was at the last frame.
fn with_hands<'a>(scenario: &'a Scenario, lane: Lane<'a>, hands: &[(u64, Happening)]) -> (RunRecord, Vec<Event>) {
    let mut timeline = Vec::new();
    let mut observer = |moment: &Moment| {
        timeline = moment.timeline.to_vec();
        let now = hands.iter().filter(|(seq, _)| *seq == moment.seq);
        ControlFlow::Continue(now.map(|(_, event)| event.clone()).collect())
    };
    let ran = run_observed(scenario, lane, Tracks::Kept, &mut |_| {}, Some(&mut observer));
    (ran.unwrap_or_else(|broken| panic!("{broken}")), timeline)
}

/// The scenario of a file with this text.
fn saved(text: &str) -> Scenario {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("saved.ron");
    std::fs::write(&path, text).expect("a file");
    Scenario::read(&path).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

/// Everything that came over the wire, and when.
fn arrived(record: &RunRecord) -> Vec<(Uptime, golden::Delivery)> {
    record.captures.iter().map(|capture| (capture.at, capture.delivery.clone())).collect()
}

#[test]
fn what_was_done_by_hand_and_saved_runs_again_to_the_same_bytes() {
    let scenario = library("meeting-room.ron");
    let (recipient, mut configuration) = ("192.168.0.9:80".to_owned(), scenario.configuration.clone());
    configuration.general.data_retransmission = true;
    configuration.line_crossing_counting.filter_staff = true;
    let hands = [
        (20, Happening::Lux(60.0)),
        (31, Happening::PressDi { for_s: 0.3 }),
        (40, Happening::Configure(Box::new(configuration))),
        (55, Happening::NetworkFault { recipient: recipient.clone(), fault: Fault::Refuses }),
        (140, Happening::NetworkRestored { recipient }),
        (200, Happening::PowerCut { source: None, after_flash_bytes: None }),
        (230, Happening::PowerOn),
        // While it starts.
        (240, Happening::Reboot),
        (500, Happening::UnplugCable),
        (520, Happening::PlugCable),
    ];
    let (by_hand, timeline) = with_hands(&scenario, Lane::Oracle, &hands);
    assert_eq!(timeline.len(), hands.len(), "{timeline:?}");
    let again = run(&saved(&scenario.to_file(&timeline)), Lane::Oracle, Tracks::Kept, &mut |_| {}).unwrap();
    assert_eq!(arrived(&again), arrived(&by_hand));
    assert_eq!(again.transcript, by_hand.transcript);
    assert_eq!(again.refused, by_hand.refused);

    let untouched = run(&scenario, Lane::Oracle, Tracks::Kept, &mut |_| {}).unwrap();
    assert_ne!(arrived(&again), arrived(&untouched), "hands have changed what was reported");
}

#[test]
fn light_that_was_changed_by_hand_falls_on_the_same_frames_again() {
    let scenario = Scenario { duration_s: 3.0, ..library("meeting-room.ron") };
    let shown = |scenario: &Scenario, hands: &[(u64, Happening)]| {
        let (mut lamp, witness) = (Lamp::default(), Witness::default());
        let lane = Lane::Rendered { light: &mut lamp, detector: Box::new(witness.clone()) };
        let (_, timeline) = with_hands(scenario, lane, hands);
        let frames = witness.0.lock().unwrap().clone();
        (frames, timeline)
    };
    let (by_hand, timeline) = shown(&scenario, &[(5, Happening::Lux(20.0)), (20, Happening::Lux(0.001))]);
    let (again, _) = shown(&saved(&scenario.to_file(&timeline)), &[]);
    assert_eq!(again, by_hand);
    let level = |seq: usize| by_hand[seq].2;
    assert!(level(22) < level(4) / 2.0, "the light went out: {by_hand:?}");
}

#[test]
fn what_cannot_follow_what_came_before_is_refused_in_words() {
    let scenario = Scenario { duration_s: 2.0, ..library("meeting-room.ron") };
    let (record, timeline) = with_hands(&scenario, Lane::Oracle, &[(3, Happening::PowerOn), (9, Happening::PlugCable)]);
    assert!(timeline.is_empty(), "{timeline:?}");
    let refused: Vec<&str> = record.refused.iter().map(|(_, words)| words.as_str()).collect();
    assert_eq!(refused.len(), 2);
    assert!(refused[0].contains("no power was cut") && refused[1].contains("the cable is in"), "{refused:?}");
}

#[test]
fn whoever_looks_on_can_end_the_run() {
    let scenario = library("meeting-room.ron");
    let mut observer = |moment: &Moment| match moment.seq {
        7 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(vec![]),
    };
    let ended = run_observed(&scenario, Lane::Oracle, Tracks::Dropped, &mut |_| {}, Some(&mut observer));
    let broken = ended.expect_err("it was ended");
    assert!(matches!(broken.error, RunError::Stopped { .. }), "{broken}");
    assert_eq!(broken.record.frames.len(), 8);
}

#[test]
fn every_scenario_of_the_library_is_the_same_when_it_is_written_and_read_again() {
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("library");
    let files = std::fs::read_dir(&library).expect("a library").map(|file| file.expect("a file").path());
    let files: Vec<_> = files.filter(|path| path.extension().is_some_and(|ending| ending == "ron")).collect();
    assert!(files.len() > 40, "{files:?}");
    for path in files {
        let scenario = Scenario::read(&path).unwrap_or_else(|errors| panic!("{errors}"));
        let text = scenario.to_file(&scenario.timeline);
        let again = saved(&text);
        assert_eq!(again.to_file(&again.timeline), text, "{}", path.display());
        assert_eq!(again.configuration, scenario.configuration, "{}", path.display());
        assert_eq!((again.view(), again.sensor_at), (scenario.view(), scenario.sensor_at), "{}", path.display());
        assert_eq!(format!("{:?}", again.timeline), format!("{:?}", scenario.timeline), "{}", path.display());
    }
}
