//! The flash chip, and what a loss of power in the middle of its work leaves behind.
//!
//! Knows nothing of what is stored.

use firmware_shim::{FLASH_BLOCK_BYTES, FLASH_BYTES, FlashOp};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The flash's contents, which outlast the power.
#[derive(Clone, Debug)]
pub struct Flash {
    bytes: Vec<u8>,
    /// Bytes that can still be programmed or erased before the power fails.
    fuse: Option<u64>,
    /// What half-done work leaves.
    torn: ChaCha8Rng,
}

/// The power failed before all was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerLost;

impl Flash {
    /// A flash that holds `image`. What a loss of power leaves behind descends from `seed`.
    ///
    /// # Panics
    /// When the image is not as large as the flash.
    pub fn holding(image: Vec<u8>, seed: u64) -> Self {
        assert_eq!(image.len(), FLASH_BYTES, "an image is as large as the flash");
        Flash { bytes: image, fuse: None, torn: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// All of it.
    pub fn image(&self) -> &[u8] {
        &self.bytes
    }

    /// Has the power fail when so many more bytes are programmed or erased; at the next for 0.
    pub fn fail_after(&mut self, bytes: u64) {
        self.fuse = Some(bytes);
    }

    /// The power is back: it fails no more.
    pub fn power_on(&mut self) {
        self.fuse = None;
    }

    /// Does what is asked, in order.
    ///
    /// # Errors
    /// The power failed meanwhile. What was under way is half done: bytes programmed so far, the next with some of its bits; of a block
    /// that was being erased some bits anywhere.
    pub fn perform(&mut self, ops: &[FlashOp]) -> Result<(), PowerLost> {
        ops.iter().try_for_each(|op| match op {
            FlashOp::Erase { block } => self.erase(*block),
            FlashOp::Program { at, bytes } => self.program(*at, bytes),
        })
    }

    /// Burns down the fuse: how many of `wanted` bytes are done.
    fn can_do(&mut self, wanted: usize) -> usize {
        let Some(fuse) = &mut self.fuse else { return wanted };
        let done = usize::try_from(*fuse).unwrap_or(usize::MAX).min(wanted);
        *fuse -= done as u64;
        done
    }

    fn program(&mut self, at: usize, bytes: &[u8]) -> Result<(), PowerLost> {
        let done = self.can_do(bytes.len());
        for (cell, byte) in self.bytes[at..at + bytes.len()].iter_mut().zip(bytes).take(done) {
            *cell &= byte;
        }
        if done == bytes.len() {
            return Ok(());
        }
        let some: u8 = self.torn.random();
        self.bytes[at + done] &= bytes[done] | some;
        Err(PowerLost)
    }

    fn erase(&mut self, block: usize) -> Result<(), PowerLost> {
        let done = self.can_do(FLASH_BLOCK_BYTES);
        let cells = &mut self.bytes[block * FLASH_BLOCK_BYTES..(block + 1) * FLASH_BLOCK_BYTES];
        if done == FLASH_BLOCK_BYTES {
            cells.fill(0xFF);
            return Ok(());
        }
        // All cells are drained together: the further it came, the more bits are one already.
        let share = done as f64 / FLASH_BLOCK_BYTES as f64;
        for cell in cells {
            let ones = (0..8).filter(|_| self.torn.random_bool(share)).fold(0, |ones, bit| ones | 1 << bit);
            *cell |= ones;
        }
        Err(PowerLost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blank() -> Flash {
        Flash::holding(vec![0xFF; FLASH_BYTES], 1)
    }

    fn program(at: usize, bytes: &[u8]) -> FlashOp {
        FlashOp::Program { at, bytes: bytes.to_vec() }
    }

    #[test]
    fn bits_are_made_zero_and_only_erasing_makes_them_one() {
        let mut flash = blank();
        flash.perform(&[program(8, &[0xF0, 1, 2, 3]), program(8, &[0x3C, 0xFF, 0xFF, 0xFF])]).expect("power");
        assert_eq!(flash.image()[7..13], [0xFF, 0x30, 1, 2, 3, 0xFF]);
        flash.perform(&[FlashOp::Erase { block: 0 }]).expect("power");
        assert!(flash.image().iter().all(|byte| *byte == 0xFF));
    }

    #[test]
    fn a_loss_of_power_leaves_what_was_done_and_a_byte_half_done() {
        let mut flash = blank();
        flash.fail_after(6);
        let ops = [program(0, &[1, 2, 3, 4]), program(4, &[5, 6, 0, 8]), program(8, &[9, 9, 9, 9])];
        assert_eq!(flash.perform(&ops), Err(PowerLost));
        assert_eq!(
            (&flash.image()[..6], &flash.image()[7..9]),
            ([1, 2, 3, 4, 5, 6].as_slice(), [0xFF, 0xFF].as_slice())
        );
        assert_eq!(flash.perform(&ops[..1]), Err(PowerLost), "until it is back");
        flash.power_on();
        assert_eq!(flash.perform(&ops), Ok(()));
        assert_eq!(flash.image()[..12], [1, 2, 3, 4, 5, 6, 0, 8, 9, 9, 9, 9]);
    }

    #[test]
    fn a_block_half_erased_holds_neither_what_was_there_nor_nothing() {
        let mut flash = blank();
        flash.perform(&[program(0, &[0; 64])]).expect("power");
        flash.fail_after(FLASH_BLOCK_BYTES as u64 / 2);
        assert_eq!(flash.perform(&[FlashOp::Erase { block: 0 }]), Err(PowerLost));
        let ones: u32 = flash.image()[..64].iter().map(|byte| byte.count_ones()).sum();
        assert!((150..360).contains(&ones), "{ones} of 512");
        assert!(flash.image()[64..].iter().all(|byte| *byte == 0xFF));
    }
}
