//! What the firmware has to say about its own work: one value per event, for a transcript and for whoever looks for a fault.
//!
//! Knows nothing of where it is written. Text is a lowercase fragment; the data is there for those who count.

use std::fmt;
use std::time::Duration;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Diagnostic {
    /// A report was made; it now goes to its recipients, if any.
    ReportMade {
        /// Numbers reports from 1; after a loss of power it goes on from the last that is kept on flash, if any is.
        report: u64,
        /// Periodic or trigger.
        kind: ReportKind,
        /// The document as it will go out.
        document: String,
    },
    /// A report was handed to the network for a recipient. At MQTT QoS 0 nothing more is ever heard of it.
    ReportSent {
        /// Which.
        report: u64,
        /// To whom.
        recipient: String,
    },
    /// A recipient confirmed a report.
    ReportDelivered {
        /// Which.
        report: u64,
        /// Who.
        recipient: String,
        /// How.
        receipt: Receipt,
    },
    /// A report will not reach a recipient.
    ReportDropped {
        /// Which.
        report: u64,
        /// Who goes without.
        recipient: String,
        /// Why.
        failure: Failure,
    },
    /// A report that is kept did not reach a recipient, and waits.
    ReportHeldBack {
        /// Which.
        report: u64,
        /// Who has yet to get it.
        recipient: String,
        /// Why.
        failure: Failure,
        /// How long until the next attempt.
        retry_in: Duration,
    },
    /// A test message reached its recipient, or did not.
    ConnectionTested {
        /// Whom.
        recipient: String,
        /// How it was confirmed, or why not.
        outcome: Result<Receipt, Failure>,
    },
    /// A report goes out without the picture that was to go with it.
    SnapshotLeftOut {
        /// Which.
        report: u64,
        /// Why.
        why: String,
    },
    /// Bytes came by RS485, and the device has no protocol for them.
    NotUnderstood {
        /// How many.
        bytes: usize,
    },
    /// Somebody has connected to be told where people are.
    ClientCame {
        /// At which port.
        port: u16,
        /// Else there are too many already.
        is_let_in: bool,
    },
    /// Somebody is not told any more where people are.
    ClientGone {
        /// The network's words, `None` for an orderly close.
        reason: Option<String>,
    },
    /// A time server's answer has set the clock.
    ClockSet {
        /// By how much the clock was behind, microseconds.
        offset_us: i64,
        /// Whose answer.
        server: String,
    },
    /// A time server did not tell the time.
    NoTime {
        /// Which.
        server: String,
        /// Why not.
        failure: Failure,
        /// How long until the next attempt.
        retry_in: Duration,
    },
    /// A program that was upgraded to has come up, and stays.
    Upgraded {
        /// Its version.
        software_version: String,
    },
    /// A program that was upgraded to did not come up: the one before runs again.
    UpgradeRolledBack {
        /// Its version.
        software_version: String,
    },
    /// The factory's settings are in force again, and the device starts anew.
    FactoryReset,
    /// The stored configuration cannot be read, or not be used by this firmware: the device has its defaults.
    ConfigurationLost,
    /// The stored account cannot be read: only a reset helps.
    AccountLost,
    /// What was kept on flash cannot be read: the reports that waited are lost.
    JournalLost,
    /// There is no room on flash for a report: it goes out at once or not at all.
    JournalFull {
        /// Which.
        report: u64,
        /// To whom.
        recipient: String,
    },
    /// A broker accepted the connection.
    ConnectionUp {
        /// The broker.
        recipient: String,
    },
    /// There is no connection to a broker, or no longer.
    ConnectionDown {
        /// The broker.
        recipient: String,
        /// Why.
        failure: Failure,
        /// How long until the next attempt.
        retry_in: Duration,
    },
    /// A line or region is drawn where the device, as it takes itself to hang, looks over the floor's end: nobody is counted by it.
    NoFloorInView {
        /// Which setting.
        setting: &'static str,
    },
    /// A frame could not be analysed; the counts stay as they were.
    DetectorFailed {
        /// The frame's number.
        seq: u64,
        /// The detector's words.
        reason: String,
    },
}

/// Periodic or trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportKind {
    /// Made when an interval ends.
    Interval,
    /// Made when a result changes.
    Trigger,
}

/// How a recipient confirms a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// An HTTP answer that says success: any 2xx.
    HttpStatus(u16),
    /// MQTT QoS 1.
    Puback,
    /// MQTT QoS 2, half of the handshake, of which the broker remembers nothing: it said that it has the report.
    Pubrec,
    /// MQTT QoS 2.
    Pubcomp,
}

/// Why a report or a connection came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The network could not open a connection.
    ConnectFailed {
        /// The network's words.
        reason: String,
    },
    /// The other side closed the connection, or it broke, before the work was done.
    ConnectionLost {
        /// The network's words, `None` for an orderly close.
        reason: Option<String>,
    },
    /// No answer came in time.
    NoAnswer {
        /// How long the device waited.
        waited: Duration,
    },
    /// An HTTP answer that does not say success.
    HttpStatus(u16),
    /// The broker refused the connection.
    Refused {
        /// The name of the CONNACK return code.
        code: String,
    },
    /// The other side does not speak the protocol, or our own side could not.
    Protocol {
        /// What was wrong.
        reason: String,
    },
    /// More reports wait for the recipient than the device holds; the oldest goes.
    QueueFull {
        /// How many it holds.
        waiting_max: usize,
    },
    /// There is no connection to the broker.
    NotConnected,
    /// The recipient is no longer configured.
    RecipientRemoved,
    /// Data retransmission was switched off.
    NotRetransmitted,
    /// The device starts anew, and the report is not kept.
    Restarting,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Diagnostic::ReportMade { report, kind, document } => write!(f, "report {report} ({kind}) made: {document}"),
            Diagnostic::ReportSent { report, recipient } => write!(f, "report {report} sent to {recipient}"),
            Diagnostic::ReportDelivered { report, recipient, receipt } => {
                write!(f, "report {report} delivered to {recipient}: {receipt}")
            }
            Diagnostic::ReportDropped { report, recipient, failure } => {
                write!(f, "report {report} dropped for {recipient}: {failure}")
            }
            Diagnostic::ReportHeldBack { report, recipient, failure, retry_in } => {
                write!(
                    f,
                    "report {report} held back for {recipient}: {failure}; next attempt in {} s",
                    retry_in.as_secs_f64()
                )
            }
            Diagnostic::ConnectionTested { recipient, outcome: Ok(receipt) } => {
                write!(f, "test message delivered to {recipient}: {receipt}")
            }
            Diagnostic::ConnectionTested { recipient, outcome: Err(failure) } => {
                write!(f, "test message not delivered to {recipient}: {failure}")
            }
            Diagnostic::SnapshotLeftOut { report, why } => write!(f, "report {report} goes without a snapshot: {why}"),
            Diagnostic::NotUnderstood { bytes } => write!(f, "{bytes} bytes by RS485 are not understood"),
            Diagnostic::ClientCame { port, is_let_in } => {
                write!(
                    f,
                    "a client has come to port {port} and is {}",
                    if *is_let_in { "let in" } else { "turned away" }
                )
            }
            Diagnostic::ClientGone { reason: None } => f.write_str("a client has gone"),
            Diagnostic::ClientGone { reason: Some(reason) } => write!(f, "a client is gone: {reason}"),
            Diagnostic::ClockSet { offset_us, server } => {
                write!(f, "the clock is put right by {:+.6} s, as {server} has it", *offset_us as f64 / 1e6)
            }
            Diagnostic::NoTime { server, failure, retry_in } => {
                write!(f, "no time from {server}: {failure}; next attempt in {} s", retry_in.as_secs_f64())
            }
            Diagnostic::Upgraded { software_version } => write!(f, "upgraded to {software_version}"),
            Diagnostic::UpgradeRolledBack { software_version } => {
                write!(f, "{software_version} did not come up: the program before it runs again")
            }
            Diagnostic::FactoryReset => f.write_str("reset to the factory's settings"),
            Diagnostic::ConfigurationLost => {
                f.write_str("the stored configuration is of no use: defaults are in force")
            }
            Diagnostic::AccountLost => f.write_str("the stored account cannot be read: reset the device"),
            Diagnostic::JournalLost => f.write_str("kept reports cannot be read and are lost"),
            Diagnostic::JournalFull { report, recipient } => {
                write!(f, "report {report} is not kept for {recipient}: no room on flash")
            }
            Diagnostic::ConnectionUp { recipient } => write!(f, "connected to {recipient}"),
            Diagnostic::ConnectionDown { recipient, failure, retry_in } => {
                write!(f, "not connected to {recipient}: {failure}; next attempt in {} s", retry_in.as_secs_f64())
            }
            Diagnostic::NoFloorInView { setting } => {
                write!(f, "{setting} lies where no floor is in view: nobody is counted by it")
            }
            Diagnostic::DetectorFailed { seq, reason } => write!(f, "failed to analyse frame {seq}: {reason}"),
        }
    }
}

impl fmt::Display for ReportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ReportKind::Interval => "interval",
            ReportKind::Trigger => "trigger",
        })
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Receipt::HttpStatus(status) => write!(f, "HTTP {status}"),
            Receipt::Puback => f.write_str("PUBACK"),
            Receipt::Pubrec => f.write_str("PUBREC"),
            Receipt::Pubcomp => f.write_str("PUBCOMP"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::ConnectFailed { reason } => write!(f, "failed to connect: {reason}"),
            Failure::ConnectionLost { reason: None } => f.write_str("closed by the other side"),
            Failure::ConnectionLost { reason: Some(reason) } => write!(f, "connection lost: {reason}"),
            Failure::NoAnswer { waited } => write!(f, "no answer within {} s", waited.as_secs_f64()),
            Failure::HttpStatus(status) => write!(f, "answered with HTTP {status}, success is 2xx"),
            Failure::Refused { code } => write!(f, "refused by the broker: {code}"),
            Failure::Protocol { reason } => write!(f, "protocol violated: {reason}"),
            Failure::QueueFull { waiting_max } => write!(f, "{waiting_max} newer reports are waiting already"),
            Failure::NotConnected => f.write_str("no connection"),
            Failure::RecipientRemoved => f.write_str("recipient no longer configured"),
            Failure::NotRetransmitted => f.write_str("data retransmission switched off"),
            Failure::Restarting => f.write_str("the device starts anew"),
        }
    }
}
