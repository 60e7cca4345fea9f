//! Reports that have yet to arrive, on flash (guide §5.3.4, *Data Retransmission*).
//!
//! A ring of entries, the oldest first; what arrived is struck out where it stands. Before the ring closes, what is left in its oldest part is
//! written once more at its end, so that one recipient who cannot be reached does not fill it.
//!
//! Beside a report that is under way at QoS 2 stands how far its handshake has come, in up to two entries of their own: that it was
//! published, and that it was released. They only ever add to each other, so their order means nothing and either may be there twice; they
//! are struck out after the report, so that the power never leaves a report without them.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;

use embedded_storage_async::nor_flash::NorFlash;
use firmware_shim::{FLASH_BLOCK_BYTES, FlashOp};
use sequential_storage::Error;
use sequential_storage::cache::page_pointers::HeapPagePointers;
use sequential_storage::cache::page_states::HeapPageStates;
use sequential_storage::cache::{Cache, Uncached};
use sequential_storage::queue::{QueueConfig, QueueStorage};
use serde::{Deserialize, Serialize};

use super::{JOURNAL_BLOCKS, JOURNAL_INTENTS, Part, at_once};
use crate::configuration::QualityOfService;

/// Blocks that are kept free ahead of the newest entry: all that is left in the oldest block can be moved there.
const BLOCKS_AHEAD: usize = 2;

/// A report for one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// Ascending in the order in which they were made, over all power cycles.
    pub id: u64,
    /// The report's number.
    pub report: u64,
    /// The recipient's name.
    pub recipient: String,
    pub document: Arc<str>,
    /// As whom it goes there; at the end of its entry, where older ones have nothing.
    #[serde(skip)]
    pub sender: Sender,
    /// How surely, to a broker; after that.
    #[serde(skip)]
    pub qos: Option<QualityOfService>,
    /// How far it has come at QoS 2; in entries of its own.
    #[serde(skip)]
    pub handshake: Option<Handshake>,
}

impl Kept {
    fn read(entry: &[u8]) -> Option<Self> {
        let (kept, rest) = postcard::take_from_bytes::<Kept>(entry).ok()?;
        let (sender, qos): (Sender, Option<u8>) = postcard::from_bytes(rest).unwrap_or_default();
        let qos = qos.and_then(|qos| QualityOfService::try_from(i64::from(qos)).ok());
        Some(Kept { sender, qos, ..kept })
    }
}

/// As whom the device speaks to a recipient, without what is secret. There may be two recipients of one name that know the device
/// as different ones: each gets its own reports, also after the power was cut.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sender {
    /// Of MQTT; else empty.
    pub client_id: String,
    pub user_name: Option<String>,
}

/// How far a report has come that was published with QoS 2 (MQTT 3.1.1 §4.3.3), in a session that outlasts its connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Handshake {
    /// As whom the device published it: the broker knows the session by this.
    pub client_id: String,
    pub packet_id: u16,
    /// The broker has it (PUBREC): all that is left is to release it.
    pub is_released: bool,
}

/// Where an entry on a report's handshake has what others have their number; no report is given it.
const HANDSHAKE_MARK: u64 = u64::MAX;

/// An entry on the handshake of a report.
#[derive(Serialize, Deserialize)]
struct Progress {
    mark: u64,
    /// The report's number in the journal.
    id: u64,
    handshake: Handshake,
}

impl Progress {
    fn read(entry: &[u8]) -> Option<Self> {
        postcard::from_bytes(entry).ok().filter(|progress: &Progress| progress.mark == HANDSHAKE_MARK)
    }
}

/// The number that an entry begins with.
fn number(entry: &[u8]) -> Option<u64> {
    postcard::from_bytes(entry).ok()
}

/// The journal is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRoom;

type Pages = Cache<HeapPageStates, HeapPagePointers, Uncached>;

/// The reports on flash.
pub(crate) struct Journal {
    queue: QueueStorage<Part, Pages>,
    /// An entry on its way.
    buffer: Vec<u8>,
    /// The block that was written to last.
    newest: usize,
    /// The handshakes that stand in it, by the number of their report.
    handshakes: BTreeMap<u64, Handshake>,
}

impl Journal {
    /// The journal in a flash's image, and what it holds, oldest first. One that cannot be read any more is begun anew, and that is said.
    pub fn open(image: &[u8]) -> (Self, Vec<Kept>, bool) {
        let mut journal = Journal::over(Part::of(image, JOURNAL_BLOCKS, JOURNAL_INTENTS));
        if let Some(kept) = journal.read() {
            return (journal, kept, true);
        }
        let mut part = journal.queue.destroy().0;
        let end = part.bytes.len() as u32;
        let Ok(()) = at_once(part.erase(0, end));
        (Journal::over(part), Vec::new(), false)
    }

    fn over(part: Part) -> Self {
        let (end, pages) = (part.bytes.len() as u32, JOURNAL_BLOCKS.len());
        let cache = Cache::new(HeapPageStates::new(pages), HeapPagePointers::new(pages), Uncached);
        let queue = QueueStorage::new(part, QueueConfig::new(0..end), cache);
        Journal { queue, buffer: vec![0; FLASH_BLOCK_BYTES], newest: usize::MAX, handshakes: BTreeMap::new() }
    }

    fn read(&mut self) -> Option<Vec<Kept>> {
        let Journal { queue, buffer, handshakes, .. } = self;
        let kept = at_once(async {
            let mut kept = BTreeMap::new();
            let mut entries = queue.iter().await.ok()?;
            while let Some(entry) = entries.next(buffer).await.ok()? {
                if let Some(Progress { id, handshake, .. }) = Progress::read(&entry) {
                    let was_released = handshakes.get(&id).is_some_and(|known: &Handshake| known.is_released);
                    let is_released = was_released || handshake.is_released;
                    handshakes.insert(id, Handshake { is_released, ..handshake });
                    continue;
                }
                let Some(report) = Kept::read(&entry) else { continue };
                // What was being moved when the power failed is there twice.
                if kept.insert(report.id, report).is_some() {
                    entry.pop().await.ok()?;
                }
            }
            // Bytes that are nothing at all read as no entries, and leave no room.
            let room = queue.find_max_fit().await.ok()?;
            if kept.is_empty() && room.is_none() {
                return None;
            }
            Some(kept)
        })?;
        // What ended with the power between a report and its handshake.
        let over: BTreeSet<u64> = self.handshakes.keys().filter(|id| !kept.contains_key(id)).copied().collect();
        self.forget_handshakes(&over);
        let with_handshake = |kept: Kept| Kept { handshake: self.handshakes.get(&kept.id).cloned(), ..kept };
        Some(kept.into_values().map(with_handshake).collect())
    }

    /// Writes a report down.
    ///
    /// # Errors
    /// There is no room for it.
    pub fn push(&mut self, kept: &Kept) -> Result<(), NoRoom> {
        self.write(&(kept, &kept.sender, kept.qos.map(u8::from)))
    }

    /// Writes down how far a report that is written down has come; nothing when that stands there already.
    ///
    /// # Errors
    /// There is no room for it.
    pub fn note(&mut self, id: u64, handshake: &Handshake) -> Result<(), NoRoom> {
        if self.handshakes.get(&id) == Some(handshake) {
            return Ok(());
        }
        self.write(&Progress { mark: HANDSHAKE_MARK, id, handshake: handshake.clone() })?;
        self.handshakes.insert(id, handshake.clone());
        Ok(())
    }

    fn write(&mut self, what: &impl Serialize) -> Result<(), NoRoom> {
        let entry = postcard::to_allocvec(what).map_err(|_| NoRoom)?;
        at_once(self.queue.push(&entry, false)).map_err(|_| NoRoom)?;
        let newest = self.queue.flash().last_written;
        if newest != self.newest {
            self.newest = newest;
            self.make_room();
        }
        Ok(())
    }

    /// Strikes a report out. After that it is never sent again.
    pub fn strike(&mut self, id: u64) {
        let Journal { queue, buffer, .. } = self;
        let struck = at_once(async {
            let mut entries = queue.iter().await?;
            while let Some(entry) = entries.next(buffer).await? {
                if number(&entry) == Some(id) {
                    entry.pop().await?;
                    break;
                }
            }
            Ok::<(), Error<Infallible>>(())
        });
        debug_assert!(struck.is_ok(), "memory was read at the start, and does not change by itself");
        self.forget_handshake(id);
    }

    /// Strikes out how far a report has come: it is to be published as if it never was.
    pub fn forget_handshake(&mut self, id: u64) {
        if self.handshakes.contains_key(&id) {
            self.forget_handshakes(&[id].into());
        }
    }

    fn forget_handshakes(&mut self, ids: &BTreeSet<u64>) {
        if ids.is_empty() {
            return;
        }
        let Journal { queue, buffer, handshakes, .. } = self;
        let struck = at_once(async {
            let mut entries = queue.iter().await?;
            while let Some(entry) = entries.next(buffer).await? {
                if Progress::read(&entry).is_some_and(|progress| ids.contains(&progress.id)) {
                    entry.pop().await?;
                }
            }
            Ok::<(), Error<Infallible>>(())
        });
        debug_assert!(struck.is_ok(), "memory was read at the start, and does not change by itself");
        handshakes.retain(|id, _| !ids.contains(id));
    }

    /// Moves the oldest entries to the end until there is room ahead, each of them at most once.
    fn make_room(&mut self) {
        let mut first_moved = None;
        while let Some((entry, block)) = self.oldest() {
            let ahead = (block + JOURNAL_BLOCKS.len() - self.newest - 1) % JOURNAL_BLOCKS.len();
            if ahead >= BLOCKS_AHEAD || block == self.newest || first_moved.as_ref() == Some(&entry) {
                return;
            }
            first_moved.get_or_insert_with(|| entry.clone());
            // Written down once more before it is struck out: the power may fail in between.
            if at_once(self.queue.push(&entry, false)).is_err() {
                return;
            }
            self.newest = self.queue.flash().last_written;
            if at_once(self.queue.pop(&mut self.buffer)).is_err() {
                return;
            }
        }
    }

    /// The oldest entry, and the block it is in.
    fn oldest(&mut self) -> Option<(Vec<u8>, usize)> {
        let entry = at_once(self.queue.peek(&mut self.buffer)).ok()??.to_vec();
        Some((entry, self.queue.flash().last_read))
    }

    /// What has to be done to the chip.
    pub fn take_ops(&mut self) -> Vec<FlashOp> {
        self.queue.flash().take_ops()
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::super::{blank_image, perform};
    use super::*;

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
                    assert!(
                        found == before || found == after,
                        "{found:?}, {before:?} to {after:?}, op {done}, {ended}"
                    );
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
}
