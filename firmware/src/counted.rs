//! What the device counts one by one, for observers: reports carry only sums.

use analytics::{Direction, Stay};

/// Something that was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Somebody crossed the detection line.
    Crossing(Direction),
    /// Somebody went through the flow region. Edges are counted from 0, which is A.
    Passage {
        /// The edge of coming.
        from: usize,
        /// The edge of going.
        to: usize,
    },
    /// Somebody's stay in a region has ended; 0 stands for all of the detection area where no region is drawn.
    Stay(Stay),
}
