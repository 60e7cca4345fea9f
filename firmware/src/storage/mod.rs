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

pub(crate) use journal::{Handshake, Journal, Kept, Sender};
pub(crate) use settings::{ACCOUNT, BOOT, CONFIGURATION, REPORTED, RESET, Reset, Settings, TooLarge, VALUE_BYTES_MAX};

/// Where in the flash what is, in blocks.
const SETTINGS_BLOCKS: Range<usize> = 0..4;
/// Room for 3,000 of the longest reports to the longest addresses; see [`journal`].
const JOURNAL_BLOCKS: Range<usize> = 4..228;
/// Where it is noted which block of the settings is being erased.
const SETTINGS_INTENTS: usize = 228;
/// And which of the journal.
const JOURNAL_INTENTS: usize = 229;
/// Where upgraded programs are; the factory's is elsewhere, and cannot be written.
pub(crate) const PROGRAM_SLOTS: [Range<usize>; 2] = [230..243, 243..256];

/// A note that a block is being erased: the block and its complement, each 16 bits, a mark, and room for what says that it is done.
///
/// A block whose erasure the power ended holds neither what was there nor nothing, and can look like anything. It is erased once more before it is
/// read.
const INTENT_BYTES: usize = 12;
const INTENT_MARK: [u8; 4] = [0x3C, 0x5A, 0xC3, 0xA5];
const INTENTS: usize = FLASH_BLOCK_BYTES / INTENT_BYTES;

/// A part of the flash as memory, and what has to be done to the chip to make it the same.
struct Part {
    first_block: usize,
    bytes: Vec<u8>,
    ops: Vec<FlashOp>,
    /// Blocks that were last read and last written, from where one can tell how far apart work is.
    last_read: usize,
    last_written: usize,
    intents: Intents,
}

/// The notes of erasures, one after the other.
struct Intents {
    /// The block they are in.
    block: usize,
    /// How many places are used.
    used: usize,
}

impl Part {
    /// # Panics
    /// When the image is not as large as the flash.
    fn of(image: &[u8], blocks: Range<usize>, intents: usize) -> Self {
        assert_eq!(image.len(), FLASH_BYTES, "an image is as large as the flash");
        let bytes = image[blocks.start * FLASH_BLOCK_BYTES..blocks.end * FLASH_BLOCK_BYTES].to_vec();
        let notes = &image[intents * FLASH_BLOCK_BYTES..(intents + 1) * FLASH_BLOCK_BYTES];
        let notes: Vec<&[u8]> = notes.chunks_exact(INTENT_BYTES).collect();
        let used = notes.iter().rposition(|note| note.iter().any(|byte| *byte != 0xFF)).map_or(0, |last| last + 1);
        let intents = Intents { block: intents, used };
        let mut part =
            Part { first_block: blocks.start, bytes, ops: Vec::new(), last_read: 0, last_written: 0, intents };
        if let Some(block) = used.checked_sub(1).and_then(|last| unfinished(notes[last], blocks.len())) {
            part.erase_block(block, used - 1);
        }
        part
    }

    /// Erases a block whose note is in this place.
    fn erase_block(&mut self, block: usize, place: usize) {
        self.bytes[block * FLASH_BLOCK_BYTES..(block + 1) * FLASH_BLOCK_BYTES].fill(0xFF);
        self.ops.push(FlashOp::Erase { block: self.first_block + block });
        let at = self.intents.block * FLASH_BLOCK_BYTES + place * INTENT_BYTES + 8;
        self.ops.push(FlashOp::Program { at, bytes: vec![0; 4] });
    }

    /// Notes that a block is going to be erased; gives the note's place.
    fn intend(&mut self, block: usize) -> usize {
        let Intents { block: intents, used } = &mut self.intents;
        if *used >= INTENTS {
            self.ops.push(FlashOp::Erase { block: *intents });
            *used = 0;
        }
        let place = *used;
        *used += 1;
        let at = *intents * FLASH_BLOCK_BYTES + place * INTENT_BYTES;
        self.ops.push(FlashOp::Program { at, bytes: intent(block).to_vec() });
        place
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
        for block in from as usize / FLASH_BLOCK_BYTES..to as usize / FLASH_BLOCK_BYTES {
            let place = self.intend(block);
            self.erase_block(block, place);
        }
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

/// The note that a block is going to be erased, without what says that it is done.
fn intent(block: usize) -> [u8; 8] {
    let block = u16::try_from(block).expect("a flash has few blocks");
    let ([a, b], [c, d], [e, f, g, h]) = (block.to_le_bytes(), (!block).to_le_bytes(), INTENT_MARK);
    [a, b, c, d, e, f, g, h]
}

/// The block, of so many, whose erasure a note says was begun and not ended. The end is told by most of its bits, for the erasure of the notes themselves may
/// have been ended by the power.
fn unfinished(note: &[u8], blocks: usize) -> Option<usize> {
    let block = (0..blocks).find(|block| note[..8] == intent(*block))?;
    let ones: u32 = note[8..].iter().map(|byte| byte.count_ones()).sum();
    (ones > 16).then_some(block)
}

/// A flash fresh from the factory.
pub(crate) fn blank_image() -> Vec<u8> {
    vec![0xFF; FLASH_BYTES]
}

/// What comes of work in memory, which never waits.
pub(crate) fn at_once<T>(work: impl Future<Output = T>) -> T {
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
