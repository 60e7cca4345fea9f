//! Reports waiting for one connection.

use std::collections::VecDeque;

use super::{Letter, Outbox};
use crate::diagnostic::Failure;

/// How many reports that are not kept wait for one connection while it is being opened or its other end has yet to answer earlier ones. A
/// decision.
const WAITING_MAX: usize = 100;
/// Reports kept for one recipient (guide §5.3.4).
const KEPT_OF_ONE_MAX: usize = 1000;

/// How many reports wait with their snapshots; later ones go without. A decision: pictures are large.
const SNAPSHOTS_MAX: usize = 8;

/// Reports waiting for one connection, oldest first.
#[derive(Debug, Default)]
pub(super) struct Waiting(VecDeque<Letter>);

impl Waiting {
    /// Takes in a report, of whose recipient so many kept ones are under way. The oldest of too many goes.
    pub fn push(&mut self, mut letter: Letter, under_way: usize, outbox: &mut Outbox) {
        if letter.snapshot.is_some() && self.0.iter().filter(|other| other.snapshot.is_some()).count() >= SNAPSHOTS_MAX
        {
            letter.snapshot = None;
            outbox.note_without_snapshot(&letter);
        }
        let is_kept = letter.entry.is_some();
        let is_alike = |other: &Letter| match is_kept {
            true => other.entry.is_some() && other.recipient == letter.recipient,
            false => other.entry.is_none(),
        };
        let (max, others) = if is_kept { (KEPT_OF_ONE_MAX, under_way) } else { (WAITING_MAX, 0) };
        let alike = others + self.0.iter().filter(|other| is_alike(other)).count();
        let oldest = self.0.iter().position(is_alike).filter(|_| alike >= max);
        if let Some(oldest) = oldest.and_then(|oldest| self.0.remove(oldest)) {
            outbox.drop_letter(oldest, Failure::QueueFull { waiting_max: max });
        }
        self.0.push_back(letter);
    }

    /// All go without their pictures.
    pub fn take_pictures_out(&mut self) {
        self.0.iter_mut().for_each(|letter| letter.snapshot = None);
    }

    /// Puts a report that was under way back to where it was.
    pub fn put_back(&mut self, letter: Letter) {
        self.0.push_front(letter);
    }

    pub fn pop(&mut self) -> Option<Letter> {
        self.0.pop_front()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Drops the reports that are not kept.
    pub fn drop_unkept(&mut self, failure: &Failure, outbox: &mut Outbox) {
        for letter in self.take_unless(|letter| letter.entry.is_some()) {
            outbox.drop_letter(letter, failure.clone());
        }
    }

    /// Gives out all but what stays.
    pub fn take_unless(&mut self, stays: impl Fn(&Letter) -> bool) -> Vec<Letter> {
        let (stay, go): (Vec<Letter>, Vec<Letter>) = self.0.drain(..).partition(|letter| stays(letter));
        self.0 = stay.into();
        go
    }

    /// The number of the oldest kept report.
    pub fn oldest_entry(&self) -> Option<u64> {
        self.0.iter().find_map(|letter| letter.entry)
    }

    /// Gives out the report with this number.
    pub fn take_entry(&mut self, entry: u64) -> Option<Letter> {
        let place = self.0.iter().position(|letter| letter.entry == Some(entry))?;
        self.0.remove(place)
    }
}
