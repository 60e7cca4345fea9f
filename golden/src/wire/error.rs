//! What can go wrong at the receiving end, and what to do about it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Why the wire could not be laid, or did not come to rest.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// A recipient's address has no host or no port.
    #[error(
        "recipient address `{address}` is not HOST:PORT with a port of 1 to 65535: write it as the device is configured with it, such as 192.168.0.9:80"
    )]
    Address {
        /// As given.
        address: String,
    },
    /// Two recipients have one address.
    #[error("two recipients have the address `{address}`: a device could not tell them apart; give it once")]
    AddressTwice {
        /// As given.
        address: String,
    },
    /// The fixed port a person asked for is taken.
    #[error(
        "port {} for recipient {recipient} is busy on this machine: end the program that listens on {listen} (perhaps another run), \
         choose another port in `listen`, or leave `listen` out to get a free one",
        listen.port()
    )]
    PortBusy {
        /// The recipient's address.
        recipient: String,
        /// The host's.
        listen: SocketAddr,
    },
    /// Listening failed for another reason.
    #[error(
        "failed to listen on {listen} for recipient {recipient}: {source}; ports below 1024 need rights that others do not"
    )]
    Listen {
        /// The recipient's address.
        recipient: String,
        /// The host's.
        listen: SocketAddr,
        /// The system's words.
        source: io::Error,
    },
    /// No receiver could be started.
    #[error("failed to start the receiver of {recipient}: {reason}")]
    Receiver {
        /// The recipient's address.
        recipient: String,
        /// What failed.
        reason: String,
    },
    /// The worker threads could not be started.
    #[error("failed to start the threads of the receivers: {0}")]
    Threads(io::Error),
    /// What a device sent cannot be understood, so no receiver could deliver it.
    #[error("{recipient} was sent what it cannot take: {reason}")]
    Malformed {
        /// The recipient's address.
        recipient: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A receiver delivered what the device never sent.
    #[error("{recipient} delivered what the device did not send: {what}; does another program use the port?")]
    Stray {
        /// The recipient's address.
        recipient: String,
        /// What it was.
        what: String,
    },
    /// Not everything that was sent had arrived in time.
    #[error("not everything had arrived after {} s: {}", waited.as_secs_f64(), missing.join("; "))]
    Unsettled {
        /// How long was waited, in real time.
        waited: Duration,
        /// One entry for each thing missing.
        missing: Vec<String>,
    },
}
