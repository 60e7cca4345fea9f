//! Why a scenario could not be run. A run that was made and found wrong is no error.

use firmware::{CommandError, NetError};
use firmware_shim::Uptime;
use golden::WireError;

use crate::LightError;
use crate::record::RunRecord;

/// A run that came to no end, and what there is of it.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct BrokenRun {
    /// Why it broke off.
    pub error: RunError,
    /// Until then.
    pub record: RunRecord,
}

/// Why a run came to no end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No light.
    #[error(transparent)]
    Light(#[from] LightError),
    /// No recipients.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The device's end of the network.
    #[error(transparent)]
    Net(#[from] NetError),
    /// A client of the device was not sent what the device sent it.
    #[error("a client of the device waits in vain for what it was sent: {0}")]
    Client(#[source] std::io::Error),
    /// The firmware does not take the scenario's configuration, or one of the timeline.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The detector could not analyse a frame: people would be missed for a reason that is none of theirs.
    #[error("failed to analyse frame {seq}: {reason}")]
    Detector {
        /// The frame's number.
        seq: u64,
        /// The detector's words.
        reason: String,
    },
    /// A cut of the power was to come in the middle of writing to flash, and did not.
    #[error(
        "the power comes back at {at} and was never cut: the device wrote less to flash than `after_flash_bytes` of the PowerCut before; give a \
         smaller number"
    )]
    NeverCut {
        /// When it was to come back.
        at: Uptime,
    },
    /// Whoever looked on ended it.
    #[error("the run was ended at {at}")]
    Stopped {
        /// When.
        at: Uptime,
    },
    /// Device and recipients never came to rest, or the device wants to wake at once for ever.
    #[error("the device never came to rest at {at}: virtual time cannot pass")]
    NeverAtRest {
        /// When.
        at: Uptime,
    },
}
