//! What a control loop decided, by frame. A frame is still being read out when the next one starts, so what is measured on
//! frame *n* decides frame *n + 2*, and frame *n + 1* can be rendered while *n* is analysed.

use std::collections::BTreeMap;

/// How many decisions are kept, so that a recent frame can be taken again.
const REMEMBERED: usize = 64;

/// Decisions, each valid from its frame until the next one.
#[derive(Clone, Debug)]
pub(crate) struct Decisions<T> {
    by_frame: BTreeMap<u64, T>,
}

impl<T: Copy> Decisions<T> {
    pub fn new() -> Self {
        Decisions { by_frame: BTreeMap::new() }
    }

    /// What holds for frame `seq`: nothing before the first decision.
    pub fn at(&self, seq: u64) -> Option<T> {
        self.by_frame.range(..=seq).next_back().map(|(_, decision)| *decision)
    }

    /// Decides by what was measured on frame `seq`.
    pub fn after(&mut self, seq: u64, decision: T) {
        self.by_frame.insert(seq + 2, decision);
        while self.by_frame.len() > REMEMBERED {
            self.by_frame.pop_first();
        }
    }
}
