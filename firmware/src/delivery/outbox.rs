//! What delivery does in a step, and the books it keeps.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use firmware_shim::{ConnId, FlashOp, NetAction, NetEvent};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::Letter;
use crate::diagnostic::{Diagnostic, Failure, Receipt};
use crate::firmware::Tally;
use crate::storage::{Handshake, Journal, Kept, Sender};
use crate::tls::{Secure, Session};

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
    /// Secure connections.
    sessions: BTreeMap<ConnId, Secured>,
}

/// A secure connection.
enum Secured {
    Under(Box<Session>),
    /// It cannot even begin, and why.
    Impossible(String),
    /// It is over; whoever spoke on it has yet to hear so.
    Over,
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
            sessions: BTreeMap::new(),
        }
    }

    /// Asks for a connection, a secure one if it is said how.
    pub fn connect(&mut self, host: &str, port: u16, secure: Option<&Secure>) -> ConnId {
        self.last_conn += 1;
        let conn = ConnId(self.last_conn);
        self.network.push(NetAction::Connect { conn, host: host.to_owned(), port });
        // What cannot even begin ends when the connection is there.
        if let Some(secure) = secure {
            let session = Session::new(secure);
            self.sessions.insert(conn, session.map_or_else(Secured::Impossible, |it| Secured::Under(Box::new(it))));
        }
        conn
    }

    /// Lets others connect to a port.
    pub fn listen(&mut self, port: u16) {
        self.network.push(NetAction::Listen { port });
    }

    /// Lets nobody connect to a port any more.
    pub fn unlisten(&mut self, port: u16) {
        self.network.push(NetAction::Unlisten { port });
    }

    /// Sends one datagram.
    pub fn ask(&mut self, host: &str, port: u16, bytes: Vec<u8>) -> ConnId {
        self.last_conn += 1;
        let conn = ConnId(self.last_conn);
        self.network.push(NetAction::Ask { conn, host: host.to_owned(), port, bytes });
        conn
    }

    pub fn send(&mut self, conn: ConnId, bytes: Vec<u8>) {
        let bytes = match self.sessions.get_mut(&conn) {
            Some(Secured::Under(session)) => {
                session.send(&bytes);
                session.take_bytes()
            }
            Some(Secured::Impossible(_) | Secured::Over) => return,
            None => bytes,
        };
        self.network.push(NetAction::Send { conn, bytes });
    }

    pub fn close(&mut self, conn: ConnId) {
        if let Some(Secured::Under(mut session)) = self.sessions.remove(&conn) {
            session.say_goodbye();
            self.pass_on(conn, &mut session);
        }
        self.network.push(NetAction::Close { conn });
    }

    fn pass_on(&mut self, conn: ConnId, session: &mut Session) {
        let bytes = session.take_bytes();
        if !bytes.is_empty() {
            self.network.push(NetAction::Send { conn, bytes });
        }
    }

    /// What the network did, as it looks from inside secure connections: one is there once both sides know each other.
    pub fn open(&mut self, event: &NetEvent) -> Vec<NetEvent> {
        let conn = event.conn();
        let Some(session) = self.sessions.remove(&conn) else { return vec![event.clone()] };
        let mut session = match session {
            Secured::Under(session) => session,
            Secured::Impossible(reason) => {
                self.network.push(NetAction::Close { conn });
                return vec![NetEvent::ConnectFailed { conn, reason }];
            }
            Secured::Over => return vec![],
        };
        let mut events = Vec::new();
        match event {
            NetEvent::Connected { .. } | NetEvent::Accepted { .. } => {}
            NetEvent::ConnectFailed { .. } | NetEvent::Closed { .. } => return vec![event.clone()],
            NetEvent::Received { bytes, .. } => match session.hear(bytes) {
                Ok(heard) => {
                    let (is_new, is_over) = (heard.is_now_up, heard.is_over);
                    events.extend((is_new && !is_over).then_some(NetEvent::Connected { conn }));
                    // The last words may confirm what was sent.
                    let is_something = !(heard.plain.is_empty() || is_new && is_over);
                    events.extend(is_something.then_some(NetEvent::Received { conn, bytes: heard.plain }));
                    if is_over {
                        self.network.push(NetAction::Close { conn });
                        events.push(NetEvent::Closed { conn, reason: None });
                        // Until these are heard nothing more can be sent on it, least of all in plain text.
                        self.sessions.insert(conn, Secured::Over);
                        return events;
                    }
                }
                Err(reason) => {
                    self.pass_on(conn, &mut session);
                    self.network.push(NetAction::Close { conn });
                    return vec![match session.is_up() {
                        true => NetEvent::Closed { conn, reason: Some(reason) },
                        false => NetEvent::ConnectFailed { conn, reason },
                    }];
                }
            },
        }
        self.pass_on(conn, &mut session);
        self.sessions.insert(conn, Secured::Under(session));
        events
    }

    /// What the network did is heard: a secure connection that is over is forgotten.
    pub fn bury(&mut self, conn: ConnId) {
        if matches!(self.sessions.get(&conn), Some(Secured::Over)) {
            self.sessions.remove(&conn);
        }
    }

    /// Writes a report down until it has arrived, if it is not; says a word of it when there is no room.
    pub fn keep(&mut self, letter: &mut Letter) {
        let (None, Some(report)) = (letter.entry, letter.report) else { return };
        let id = self.last_entry + 1;
        if self.journal.push(&kept(id, report, letter)).is_err() {
            self.diagnostics.push(Diagnostic::JournalFull { report, recipient: letter.recipient.to_string() });
            return;
        }
        self.last_entry = id;
        self.tally.kept += 1;
        letter.entry = Some(id);
    }

    /// Has a report that is kept go out as somebody else; when there is no room to say so, that is found out once more after the next start.
    pub fn send_as(&mut self, letter: &mut Letter, sender: Sender) {
        let changes = letter.sender != sender;
        letter.sender = sender;
        if let (true, Some(id), Some(report)) = (changes, letter.entry, letter.report) {
            let _ = self.journal.rewrite(&kept(id, report, letter));
        }
    }

    /// Writes down how far a report that is kept has come at QoS 2; that goes to flash before anything of it goes to the network.
    pub fn note_handshake(&mut self, letter: &mut Letter, handshake: Handshake) {
        let Some(entry) = letter.entry else { return };
        if self.journal.note(entry, &handshake).is_err() {
            let (report, recipient) = (letter.report.unwrap_or_default(), letter.recipient.to_string());
            self.diagnostics.push(Diagnostic::JournalFull { report, recipient });
        }
        letter.handshake = Some(handshake);
    }

    /// Has a report be as if it was never published.
    pub fn forget_handshake(&mut self, letter: &mut Letter) {
        if let Some(entry) = letter.entry.filter(|_| letter.handshake.take().is_some()) {
            self.journal.forget_handshake(entry);
        }
    }

    /// Keeps a report no longer.
    pub fn strike(&mut self, letter: &mut Letter) {
        if let Some(entry) = letter.entry.take() {
            self.journal.strike(entry);
            self.tally.kept -= 1;
        }
    }

    pub fn note_sent(&mut self, letter: &Letter) {
        let recipient = letter.recipient.to_string();
        self.diagnostics.extend(letter.report.map(|report| Diagnostic::ReportSent { report, recipient }));
    }

    /// A report goes out without its picture, for there are too many already.
    pub fn note_without_snapshot(&mut self, letter: &Letter) {
        let why = format!("too many pictures wait for {}", letter.recipient);
        self.diagnostics.extend(letter.report.map(|report| Diagnostic::SnapshotLeftOut { report, why }));
    }

    /// A recipient has confirmed a report.
    pub fn note_delivered(&mut self, mut letter: Letter, receipt: Receipt) {
        self.strike(&mut letter);
        let recipient = letter.recipient.to_string();
        self.diagnostics.push(match letter.report {
            Some(report) => {
                self.tally.delivered += 1;
                Diagnostic::ReportDelivered { report, recipient, receipt }
            }
            None => Diagnostic::ConnectionTested { recipient, outcome: Ok(receipt) },
        });
    }

    /// A report waits for another attempt.
    pub fn note_held_back(&mut self, letter: &Letter, failure: Failure, retry_in: Duration) {
        let recipient = letter.recipient.to_string();
        let held_back = |report| Diagnostic::ReportHeldBack { report, recipient, failure, retry_in };
        self.diagnostics.extend(letter.report.map(held_back));
    }

    pub fn drop_letter(&mut self, mut letter: Letter, failure: Failure) {
        self.strike(&mut letter);
        let recipient = letter.recipient.to_string();
        self.diagnostics.push(match letter.report {
            Some(report) => {
                self.tally.dropped += 1;
                Diagnostic::ReportDropped { report, recipient, failure }
            }
            None => Diagnostic::ConnectionTested { recipient, outcome: Err(failure) },
        });
    }

    /// What has to be done to the flash.
    pub fn take_flash_ops(&mut self) -> Vec<FlashOp> {
        self.journal.take_ops()
    }
}

/// A report as it is written down.
fn kept(id: u64, report: u64, letter: &Letter) -> Kept {
    Kept {
        id,
        report,
        recipient: letter.recipient.to_string(),
        document: Arc::clone(&letter.document),
        sender: letter.sender.clone(),
        qos: letter.publication.as_ref().map(|to| to.qos),
        handshake: None,
    }
}
