//! The hardware boundary: everything a sensor's firmware can see of the outside, and all it can do to it.
//!
//! A device under test is stepped with [`Inputs`] at an [`Uptime`] and answers with [`Outputs`]; both are plain values, so
//! the same firmware runs in the twin, on a bench or in a test.
//!
//! This crate does not know that anything is simulated, and knows no report format, no analytics and no renderer.

mod boundary;
mod camera;
mod flash;
mod frame;
mod optics;
mod time;

pub use boundary::{ConnId, Contact, Inputs, Level, NetAction, NetEvent, Outputs};
pub use camera::{CameraSettings, PowerLineFrequency};
pub use flash::{FLASH_BLOCK_BYTES, FLASH_BYTES, FLASH_WORD_BYTES, FlashOp};
pub use frame::{Frame, RgbImage};
pub use optics::{Lens, Mounting, View};
pub use time::{RtcTime, Uptime};
