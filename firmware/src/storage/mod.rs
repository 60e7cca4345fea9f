//! What outlasts the power: settings, and reports that have yet to arrive.
//!
//! Sans-IO: at power-on the firmware is given all that the flash holds and keeps it in memory from then on; what it changes there goes out
//! as operations for the chip. A loss of power can end them at any byte; [`settings`] and [`journal`] then hold what was there before or
//! what was to be there.

mod journal;
mod settings;

use std::convert::Infallible;
use std::future::Future;
use std::ops::Range;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use embedded_storage_async::nor_flash::{ErrorType, MultiwriteNorFlash, NorFlash, ReadNorFlash};
use firmware_shim::{FLASH_BLOCK_BYTES, FLASH_BYTES, FLASH_WORD_BYTES, FlashOp};

pub(crate) use journal::{Journal, Kept};
pub(crate) use settings::{ACCOUNT, CONFIGURATION, Settings, StoredConfiguration, TooLarge};

/// Where in the flash what is, in blocks. What is left is for firmware images.
const SETTINGS_BLOCKS: Range<usize> = 0..4;
/// Room for 3,000 reports of twice a usual size; see [`journal`].
const JOURNAL_BLOCKS: Range<usize> = 4..100;

/// A part of the flash as memory, and what has to be done to the chip to make it the same.
struct Part {
    first_block: usize,
    bytes: Vec<u8>,
    ops: Vec<FlashOp>,
    /// Blocks that were last read and last written, from where one can tell how far apart work is.
    last_read: usize,
    last_written: usize,
}

impl Part {
    /// # Panics
    /// When the image is not as large as the flash.
    fn of(image: &[u8], blocks: Range<usize>) -> Self {
        assert_eq!(image.len(), FLASH_BYTES, "an image is as large as the flash");
        let bytes = image[blocks.start * FLASH_BLOCK_BYTES..blocks.end * FLASH_BLOCK_BYTES].to_vec();
        Part { first_block: blocks.start, bytes, ops: Vec::new(), last_read: 0, last_written: 0 }
    }

    fn take_ops(&mut self) -> Vec<FlashOp> {
        std::mem::take(&mut self.ops)
    }
}

impl ErrorType for Part {
    /// Memory does not fail, and what the power does to the chip is seen at the next start.
    type Error = Infallible;
}

impl ReadNorFlash for Part {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Infallible> {
        let offset = offset as usize;
        self.last_read = offset / FLASH_BLOCK_BYTES;
        bytes.copy_from_slice(&self.bytes[offset..offset + bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl NorFlash for Part {
    const WRITE_SIZE: usize = FLASH_WORD_BYTES;
    const ERASE_SIZE: usize = FLASH_BLOCK_BYTES;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Infallible> {
        let (from, to) = (from as usize, to as usize);
        self.bytes[from..to].fill(0xFF);
        let blocks = from / FLASH_BLOCK_BYTES..to / FLASH_BLOCK_BYTES;
        self.ops.extend(blocks.map(|block| FlashOp::Erase { block: self.first_block + block }));
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Infallible> {
        let offset = offset as usize;
        self.last_written = offset / FLASH_BLOCK_BYTES;
        for (cell, byte) in self.bytes[offset..].iter_mut().zip(bytes) {
            *cell &= byte;
        }
        let at = self.first_block * FLASH_BLOCK_BYTES + offset;
        self.ops.push(FlashOp::Program { at, bytes: bytes.to_vec() });
        Ok(())
    }
}

impl MultiwriteNorFlash for Part {}

/// A flash fresh from the factory.
pub(crate) fn blank_image() -> Vec<u8> {
    vec![0xFF; FLASH_BYTES]
}

/// What comes of work in memory, which never waits.
fn at_once<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => unreachable!("memory is there at once"),
    }
}

/// Does to an image what the chip would.
pub(crate) fn perform(image: &mut [u8], ops: &[FlashOp]) {
    for op in ops {
        match op {
            FlashOp::Erase { block } => {
                image[block * FLASH_BLOCK_BYTES..(block + 1) * FLASH_BLOCK_BYTES].fill(0xFF);
            }
            FlashOp::Program { at, bytes } => image[*at..].iter_mut().zip(bytes).for_each(|(cell, byte)| *cell &= byte),
        }
    }
}
