use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::storage::{blank_image, perform};

fn kept(id: u64, recipient: &str, bytes: usize) -> Kept {
    let (recipient, document) = (recipient.to_owned(), "x".repeat(bytes).into());
    Kept { id, report: id, recipient, document, sender: Sender::default(), qos: None, handshake: None }
}

fn ids(image: &[u8]) -> Vec<u64> {
    let (_, kept, is_readable) = Journal::open(image);
    assert!(is_readable);
    kept.iter().map(|kept| kept.id).collect()
}

#[test]
fn what_is_written_down_is_there_until_it_is_struck_out() {
    let mut image = blank_image();
    let (mut journal, found, _) = Journal::open(&image);
    assert_eq!(found, []);
    let sender = Sender { client_id: "sensor".to_owned(), user_name: Some("bob".to_owned()) };
    let reports = [
        kept(7, "a", 400),
        Kept { sender, qos: Some(QualityOfService::ExactlyOnce), ..kept(8, "b", 20) },
        kept(9, "a", 30_000),
    ];
    reports.iter().for_each(|report| journal.push(report).expect("room"));
    perform(&mut image, &journal.take_ops());
    assert_eq!(Journal::open(&image).1, reports);
    journal.strike(8);
    perform(&mut image, &journal.take_ops());
    assert_eq!(ids(&image), [7, 9]);
    journal.strike(7);
    journal.strike(9);
    perform(&mut image, &journal.take_ops());
    assert_eq!(ids(&image), [0u64; 0]);
}

#[test]
fn what_is_written_anew_stands_in_the_place_of_what_stood_there() {
    let mut image = blank_image();
    let (mut journal, ..) = Journal::open(&image);
    (1..=3).for_each(|id| journal.push(&kept(id, "a", 400)).expect("room"));
    perform(&mut image, &journal.take_ops());
    let sender = Sender { user_name: Some("eve".to_owned()), ..Sender::default() };
    let anew = Kept { sender, ..kept(2, "a", 400) };
    journal.rewrite(&anew).expect("room");
    let ops = journal.take_ops();
    // The power may fail between any two of them.
    for done in 0..=ops.len() {
        let mut torn = image.clone();
        perform(&mut torn, &ops[..done]);
        let (mut journal, found, _) = Journal::open(&torn);
        let is_new = found[1] == anew;
        assert_eq!(
            found,
            [kept(1, "a", 400), if is_new { anew.clone() } else { kept(2, "a", 400) }, kept(3, "a", 400)]
        );
        assert!(is_new || done < ops.len());
        perform(&mut torn, &journal.take_ops());
        journal.strike(2);
        perform(&mut torn, &journal.take_ops());
        assert_eq!(ids(&torn), [1, 3], "after {done} of {}", ops.len());
    }
}

#[test]
fn one_that_cannot_be_reached_does_not_fill_it_for_the_others() {
    let mut image = blank_image();
    let (mut journal, ..) = Journal::open(&image);
    for id in 0..5 {
        journal.push(&kept(id, "away", 500)).expect("room");
    }
    // Ten times as much as there is room for goes through.
    for id in 5..40_000 {
        journal.push(&kept(id, "there", 3500)).expect("room");
        if id >= 1005 {
            journal.strike(id - 1000);
        }
        if id % 1000 == 0 {
            perform(&mut image, &journal.take_ops());
        }
    }
    perform(&mut image, &journal.take_ops());
    let expected: Vec<u64> = (0..5).chain(39_000..40_000).collect();
    assert_eq!(ids(&image), expected);
}

#[test]
fn three_thousand_of_the_longest_reports_to_the_longest_addresses_have_room() {
    let mut image = blank_image();
    let (mut journal, ..) = Journal::open(&image);
    // A topic of 1,024 bytes at a host of 253, to which the device is known by two names of 256.
    let (host, topic, name) = ("h".repeat(253), "t".repeat(1024), "n".repeat(256));
    let sender = Sender { client_id: name.clone(), user_name: Some(name) };
    let recipient = format!("mqtts://{host}:65535/{topic}");
    for id in 0..9_000 {
        let longest = Kept { sender: sender.clone(), ..kept(id, &recipient, 2500) };
        journal.push(&longest).expect("room");
        if id >= 3000 {
            journal.strike(id - 3000);
        }
    }
    perform(&mut image, &journal.take_ops());
    assert_eq!(ids(&image).len(), 3000);
}

#[test]
fn an_erasure_that_the_power_ended_takes_nothing_else_along() {
    let mut image = blank_image();
    let (mut journal, ..) = Journal::open(&image);
    // Three blocks and a half.
    (0..700).for_each(|id| journal.push(&kept(id, "a", 300)).expect("room"));
    perform(&mut image, &journal.take_ops());
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut torn = 0;
    for struck in 0..500u64 {
        journal.strike(struck);
        let ops = journal.take_ops();
        let Some(erasure) = ops.iter().position(|op| matches!(op, FlashOp::Erase { .. })) else {
            perform(&mut image, &ops);
            continue;
        };
        perform(&mut image, &ops[..erasure]);
        let FlashOp::Erase { block } = ops[erasure] else { unreachable!("it is one") };
        for _ in 0..100 {
            let (mut after, share) = (image.clone(), rng.random_range(0.0..1.0));
            for byte in &mut after[block * FLASH_BLOCK_BYTES..(block + 1) * FLASH_BLOCK_BYTES] {
                *byte |= (0..8).filter(|_| rng.random_bool(share)).fold(0, |ones, bit| ones | 1 << bit);
            }
            // What is found, and what is written down then.
            let (mut journal, found, _) = Journal::open(&after);
            journal.push(&kept(700, "a", 300)).expect("room");
            let found_ids: Vec<u64> = found.iter().map(|kept| kept.id).collect();
            perform(&mut after, &journal.take_ops());
            let found = ids(&after);
            assert_eq!(found[..found.len() - 1], found_ids);
            let is_right = |first: u64| found.iter().copied().eq(first..=700);
            assert!(is_right(struck) || is_right(struck + 1), "{:?}… of {}", found.first(), found.len());
            torn += 1;
        }
        perform(&mut image, &ops[erasure..]);
    }
    assert!(torn >= 200, "{torn}");
}

fn handshake(packet_id: u16, is_released: bool) -> Handshake {
    Handshake { client_id: "sensor".to_owned(), packet_id, is_released }
}

/// How far each report has come, by its number.
fn progress(image: &[u8]) -> Vec<(u64, Option<Handshake>)> {
    let (_, kept, is_readable) = Journal::open(image);
    assert!(is_readable);
    kept.into_iter().map(|kept| (kept.id, kept.handshake)).collect()
}

#[test]
fn how_far_a_report_has_come_is_what_it_was_or_what_it_was_to_be_wherever_the_power_ends_a_write() {
    let mut image = blank_image();
    let (mut journal, ..) = Journal::open(&image);
    [1, 2].iter().for_each(|id| journal.push(&kept(*id, "a", 50)).expect("room"));
    perform(&mut image, &journal.take_ops());
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    type Step = fn(&mut Journal);
    let publish: Step = |journal| journal.note(1, &handshake(2, false)).expect("room");
    let release: Step = |journal| journal.note(1, &handshake(2, true)).expect("room");
    let steps = [
        (publish, vec![(1, Some(handshake(2, false))), (2, None)]),
        (release, vec![(1, Some(handshake(2, true))), (2, None)]),
        (|journal| journal.strike(1), vec![(2, None)]),
        (|journal| journal.strike(2), vec![]),
    ];
    let mut before = vec![(1, None), (2, None)];
    for (step, after) in steps {
        step(&mut journal);
        let ops = journal.take_ops();
        for (done, op) in ops.iter().enumerate() {
            let FlashOp::Program { at, bytes } = op else { panic!("nothing is erased") };
            for ended in 0..bytes.len() {
                let mut torn = image.clone();
                perform(&mut torn, &ops[..done]);
                // A part of the bits of the last byte.
                let byte = bytes[ended] | rng.random_range(0..=u8::MAX);
                let bytes = [&bytes[..ended], &[byte]].concat();
                perform(&mut torn, &[FlashOp::Program { at: *at, bytes }]);
                let found = progress(&torn);
                assert!(found == before || found == after, "{found:?}, {before:?} to {after:?}, op {done}, {ended}");
                // And so it stays, with what is written then.
                let (mut journal, ..) = Journal::open(&torn);
                journal.push(&kept(3, "a", 50)).expect("room");
                journal.note(3, &handshake(4, false)).expect("room");
                perform(&mut torn, &journal.take_ops());
                assert_eq!(progress(&torn), [&found[..], &[(3, Some(handshake(4, false)))]].concat());
                found.iter().map(|(id, _)| *id).chain([3]).for_each(|id| journal.strike(id));
                assert_eq!(journal.oldest(), None, "nothing is left behind");
            }
        }
        perform(&mut image, &ops);
        assert_eq!(progress(&image), after);
        before = after;
    }
}

#[test]
fn what_is_moved_along_may_change_places() {
    let mut image = blank_image();
    let (mut journal, ..) = Journal::open(&image);
    let write = |journal: &mut Journal, is_released| {
        let progress = Progress { mark: HANDSHAKE_MARK, id: 1, handshake: handshake(2, is_released) };
        journal.write(&progress).expect("room");
    };
    write(&mut journal, true);
    journal.push(&kept(1, "a", 50)).expect("room");
    write(&mut journal, false);
    perform(&mut image, &journal.take_ops());
    assert_eq!(progress(&image), [(1, Some(handshake(2, true)))]);
}

#[test]
fn handshakes_do_not_fill_it_and_those_that_last_are_moved_along() {
    let mut image = blank_image();
    let (mut journal, ..) = Journal::open(&image);
    for id in 0..4 {
        journal.push(&kept(id, "away", 500)).expect("room");
        journal.note(id, &handshake(id as u16 + 1, false)).expect("room");
    }
    journal.note(3, &handshake(4, true)).expect("room");
    // Ten times as much as there is room for goes through.
    for id in 4..4_000 {
        journal.push(&kept(id, "there", 35_000)).expect("room");
        journal.note(id, &handshake(id as u16 + 1, false)).expect("room");
        journal.note(id, &handshake(id as u16 + 1, true)).expect("room");
        journal.strike(id);
        if id % 100 == 0 {
            perform(&mut image, &journal.take_ops());
        }
    }
    // What is said again and again is written down once.
    (0..200_000).for_each(|_| journal.note(2, &handshake(3, false)).expect("room"));
    perform(&mut image, &journal.take_ops());
    let expected: Vec<_> = (0..4).map(|id| (id, Some(handshake(id as u16 + 1, id == 3)))).collect();
    assert_eq!(progress(&image), expected);
}

#[test]
fn a_journal_of_before_there_were_handshakes_and_identities_is_read() {
    #[derive(Serialize)]
    struct KeptBefore {
        id: u64,
        report: u64,
        recipient: String,
        document: Arc<str>,
    }
    let mut image = blank_image();
    let (mut journal, ..) = Journal::open(&image);
    let before = KeptBefore { id: 7, report: 9, recipient: "a".to_owned(), document: "{}".into() };
    journal.write(&before).expect("room");
    perform(&mut image, &journal.take_ops());
    let expected = Kept { report: 9, document: "{}".into(), ..kept(7, "a", 0) };
    assert_eq!(Journal::open(&image).1, [expected]);
}

#[test]
fn what_is_no_journal_is_begun_anew() {
    let mut image = blank_image();
    let blocks = JOURNAL_BLOCKS.start * FLASH_BLOCK_BYTES..JOURNAL_BLOCKS.end * FLASH_BLOCK_BYTES;
    image[blocks].iter_mut().enumerate().for_each(|(i, byte)| *byte = (i * 7 % 251) as u8);
    let (mut journal, kept_before, _) = Journal::open(&image);
    assert_eq!(kept_before, []);
    journal.push(&kept(1, "a", 9)).expect("room");
    perform(&mut image, &journal.take_ops());
    assert_eq!(ids(&image), [1]);
}
