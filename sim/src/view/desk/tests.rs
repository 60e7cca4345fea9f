//! What actions make of the desk, without a window.

use std::path::Path;

use super::*;
use crate::view::history::tests::seen;

fn desk(frames: u64) -> Desk {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/library/meeting-room.ron");
    let scenario = Scenario::read(&path).unwrap_or_else(|errors| panic!("{errors}"));
    let mut desk = Desk::new(Arc::new(scenario), Layout::default());
    desk.hear(News::Begun);
    (0..frames).for_each(|seq| desk.hear(News::Seen(Box::new(seen(seq, 10)))));
    desk
}

/// What the loop is told after these actions, in a word each.
fn told(desk: &mut Desk, actions: Vec<Action>) -> Vec<String> {
    let effects = actions.into_iter().flat_map(|action| desk.act(action)).collect::<Vec<Effect>>();
    effects
        .iter()
        .map(|effect| format!("{effect:?}").trim_start_matches("Tell(").trim_end_matches(')').to_owned())
        .collect()
}

fn shown(desk: &Desk) -> u64 {
    desk.shown().expect("there are frames").seq
}

#[test]
fn going_back_pauses_the_run_and_playing_returns_to_the_present() {
    let mut desk = desk(50);
    assert_eq!((shown(&desk), &desk.running), (49, &Running::Playing));
    assert_eq!(told(&mut desk, vec![Action::GoTo(2.04)]), ["Pause"]);
    assert_eq!(shown(&desk), 20);
    assert!(told(&mut desk, vec![Action::Step, Action::Step, Action::StepBack]).is_empty(), "only looks");
    assert_eq!(shown(&desk), 21);
    told(&mut desk, vec![Action::First]);
    assert_eq!(shown(&desk), 0);
    assert_eq!(told(&mut desk, vec![Action::PlayOrPause]), ["Play"]);
    assert_eq!((shown(&desk), &desk.running), (49, &Running::Playing));
}

#[test]
fn at_the_newest_moment_a_step_goes_on_with_the_run() {
    let mut desk = desk(3);
    assert_eq!(told(&mut desk, vec![Action::Step]), ["Step"]);
    assert_eq!(desk.running, Running::Paused);
    desk.hear(News::Seen(Box::new(seen(3, 10))));
    assert_eq!(shown(&desk), 3);
    told(&mut desk, vec![Action::StepBack]);
    assert_eq!(shown(&desk), 2);
    assert!(told(&mut desk, vec![Action::Step]).is_empty());
    assert_eq!((shown(&desk), desk.gone_to), (3, None), "the newest is where the run goes on");
    assert_eq!(told(&mut desk, vec![Action::Step]), ["Step"]);
}

#[test]
fn what_happens_happens_in_the_present_and_not_after_the_end() {
    let mut desk = desk(50);
    told(&mut desk, vec![Action::GoTo(1.0)]);
    assert_eq!(told(&mut desk, vec![Action::Happen(Happening::Lux(60.0))]), ["Happen(Lux(60.0"]);
    assert_eq!(desk.gone_to, None);
    desk.hear(News::Ended(None));
    assert!(told(&mut desk, vec![Action::Happen(Happening::Lux(70.0))]).is_empty());
    assert!(matches!(&desk.notice, Some(Notice::Wrong(words)) if words.contains("the run is over")));
    assert_eq!(told(&mut desk, vec![Action::Restart]), ["Play", "Restart"]);
}

#[test]
fn a_run_that_begins_anew_has_no_past() {
    let mut desk = desk(50);
    told(&mut desk, vec![Action::GoTo(1.0)]);
    desk.hear(News::Begun);
    assert!(desk.shown().is_none() && desk.history.reports.is_empty());
    assert_eq!(desk.running, Running::Paused, "who paused stays so");
}

#[test]
fn a_session_is_saved_where_no_file_is_and_runs() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = desk(5);
    let event = scenarios::Event { at_s: 1.251, event: Happening::PressDi { for_s: 0.3 } };
    let with_event = Seen { timeline: Some(vec![event]), ..seen(5, 10) };
    desk.hear(News::Seen(Box::new(with_event)));
    let path = folder.path().join("mine.ron");
    let save = |desk: &mut Desk, path: &Path| {
        desk.act(Action::SaveTo(path.display().to_string()));
        match &desk.open {
            Some(Open::Save { problem, .. }) => problem.clone(),
            _ => None,
        }
    };
    assert_eq!(save(&mut desk, &path), None);
    let saved = Scenario::read(&path).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(format!("{:?}", saved.timeline), "[Event { at_s: 1.251, event: PressDi { for_s: 0.3 } }]");
    assert!(save(&mut desk, &path).is_some_and(|words| words.contains("already")), "nothing is overwritten");
    assert!(save(&mut desk, &folder.path().join("mine.txt")).is_some_and(|words| words.contains(".ron")));
    assert!(save(&mut desk, &folder.path().join("no/such/folder.ron")).is_some());
}
