//! Raw serial NOR flash, as the board wires it: where configuration and stored reports outlast the power.
//!
//! Its size is that of common 128 Mbit chips (assumed; no data sheet of the device tells).

/// Bytes that are erased together.
pub const FLASH_BLOCK_BYTES: usize = 64 << 10;
/// Bytes that are programmed together, aligned to as many.
pub const FLASH_WORD_BYTES: usize = 4;
/// Bytes in all.
pub const FLASH_BYTES: usize = 16 << 20;

/// What firmware asks of the flash, in this order, and before anything it asks of the network in the same step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlashOp {
    /// Makes every bit of a block one.
    Erase {
        /// Number of the block.
        block: usize,
    },
    /// Makes bits zero; a bit that is zero stays so.
    Program {
        /// Address of the first byte, aligned to a word.
        at: usize,
        /// Whole words, within one block.
        bytes: Vec<u8>,
    },
}
