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
        let (sender, qos) = postcard::from_bytes(rest).unwrap_or_default();
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
        self.write(&(kept, &kept.sender, kept.qos))
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

    /// Writes down anew a report that is written down, for it goes to somebody else now. When the power fails in between, either is there.
    ///
    /// # Errors
    /// There is no room for it.
    pub fn rewrite(&mut self, kept: &Kept) -> Result<(), NoRoom> {
        self.push(kept)?;
        self.pop_first(|entry| {
            number(entry) == Some(kept.id) && Kept::read(entry).is_none_or(|it| it.sender != kept.sender)
        });
        Ok(())
    }

    /// Strikes a report out. After that it is never sent again.
    pub fn strike(&mut self, id: u64) {
        self.pop_first(|entry| number(entry) == Some(id));
        self.forget_handshake(id);
    }

    fn pop_first(&mut self, is_it: impl Fn(&[u8]) -> bool) {
        let Journal { queue, buffer, .. } = self;
        let popped = at_once(async {
            let mut entries = queue.iter().await?;
            while let Some(entry) = entries.next(buffer).await? {
                if is_it(&entry) {
                    entry.pop().await?;
                    break;
                }
            }
            Ok::<(), Error<Infallible>>(())
        });
        debug_assert!(popped.is_ok(), "memory was read at the start, and does not change by itself");
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
mod tests;
