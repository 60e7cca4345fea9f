//! What delivery does in a step, and the books it keeps.

use std::sync::Arc;
use std::time::Duration;

use firmware_shim::{ConnId, FlashOp, NetAction};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::Letter;
use crate::diagnostic::{Diagnostic, Failure, Receipt};
use crate::firmware::Tally;
use crate::storage::{Journal, Kept};

/// Collects what delivery does in a step.
pub(crate) struct Outbox {
    last_conn: u64,
    /// For what nobody must be able to foretell.
    pub rng: ChaCha8Rng,
    pub network: Vec<NetAction>,
    pub diagnostics: Vec<Diagnostic>,
    pub tally: Tally,
    journal: Journal,
    last_entry: u64,
}

impl Outbox {
    /// Nothing is done yet; the journal's last entry so far has this number.
    pub fn new(entropy: u64, journal: Journal, last_entry: u64) -> Self {
        Outbox {
            last_conn: 0,
            rng: ChaCha8Rng::seed_from_u64(entropy),
            network: vec![],
            diagnostics: vec![],
            tally: Tally::default(),
            journal,
            last_entry,
        }
    }

    pub fn connect(&mut self, host: &str, port: u16) -> ConnId {
        self.last_conn += 1;
        let conn = ConnId(self.last_conn);
        self.network.push(NetAction::Connect { conn, host: host.to_owned(), port });
        conn
    }

    pub fn send(&mut self, conn: ConnId, bytes: Vec<u8>) {
        self.network.push(NetAction::Send { conn, bytes });
    }

    pub fn close(&mut self, conn: ConnId) {
        self.network.push(NetAction::Close { conn });
    }

    /// Writes a report down until it has arrived; `None`, and a word of it, when there is no room.
    pub fn keep(&mut self, report: u64, recipient: &str, document: &Arc<str>) -> Option<u64> {
        let kept =
            Kept { id: self.last_entry + 1, report, recipient: recipient.to_owned(), document: Arc::clone(document) };
        if self.journal.push(&kept).is_err() {
            self.diagnostics.push(Diagnostic::JournalFull { report, recipient: recipient.to_owned() });
            return None;
        }
        self.last_entry += 1;
        self.tally.kept += 1;
        Some(kept.id)
    }

    /// Keeps a report no longer.
    pub fn strike(&mut self, letter: &mut Letter) {
        if let Some(entry) = letter.entry.take() {
            self.journal.strike(entry);
            self.tally.kept -= 1;
        }
    }

    pub fn note_sent(&mut self, letter: &Letter) {
        let (report, recipient) = (letter.report, letter.recipient.to_string());
        self.diagnostics.push(Diagnostic::ReportSent { report, recipient });
    }

    /// A recipient has confirmed a report.
    pub fn note_delivered(&mut self, mut letter: Letter, receipt: Receipt) {
        self.strike(&mut letter);
        self.tally.delivered += 1;
        let (report, recipient) = (letter.report, letter.recipient.to_string());
        self.diagnostics.push(Diagnostic::ReportDelivered { report, recipient, receipt });
    }

    /// A report waits for another attempt.
    pub fn note_held_back(&mut self, letter: &Letter, failure: Failure, retry_in: Duration) {
        let (report, recipient) = (letter.report, letter.recipient.to_string());
        self.diagnostics.push(Diagnostic::ReportHeldBack { report, recipient, failure, retry_in });
    }

    pub fn drop_letter(&mut self, mut letter: Letter, failure: Failure) {
        self.strike(&mut letter);
        self.tally.dropped += 1;
        let (report, recipient) = (letter.report, letter.recipient.to_string());
        self.diagnostics.push(Diagnostic::ReportDropped { report, recipient, failure });
    }

    /// What has to be done to the flash.
    pub fn take_flash_ops(&mut self) -> Vec<FlashOp> {
        self.journal.take_ops()
    }
}
