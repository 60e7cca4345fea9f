//! What surfaces are made of, as far as their colour varies over them.

use serde::{Deserialize, Serialize};

/// How a surface's colour varies over it. A surface's own colour is the mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Finish {
    /// Nothing but its colour.
    #[default]
    Plain,
    /// Boards with grain.
    Wood,
    /// Loops of wool, a little stained.
    Carpet,
    /// Square tiles with joints, no two quite alike.
    Tiles {
        /// From joint to joint, 0.05 to 5 m.
        edge_m: f64,
    },
    /// Poured floor: clouds and specks.
    Concrete,
    /// Painted walls and things: nearly even.
    Plaster,
    /// Woven cloth.
    Fabric,
    /// Cloth with stripes across.
    Stripes,
    /// Cloth with checks.
    Checks,
    /// Foliage.
    Leaves,
    /// Strands of hair.
    Hair,
}

impl Finish {
    /// One of each kind; tiles of 1 m.
    pub const KINDS: [Finish; 11] = [
        Finish::Plain,
        Finish::Wood,
        Finish::Carpet,
        Finish::Tiles { edge_m: 1.0 },
        Finish::Concrete,
        Finish::Plaster,
        Finish::Fabric,
        Finish::Stripes,
        Finish::Checks,
        Finish::Leaves,
        Finish::Hair,
    ];
    /// Tiles along an edge of one repetition.
    pub const TILES: u32 = 4;

    /// Its place in [`Finish::KINDS`].
    pub fn kind(self) -> usize {
        match self {
            Finish::Plain => 0,
            Finish::Wood => 1,
            Finish::Carpet => 2,
            Finish::Tiles { .. } => 3,
            Finish::Concrete => 4,
            Finish::Plaster => 5,
            Finish::Fabric => 6,
            Finish::Stripes => 7,
            Finish::Checks => 8,
            Finish::Leaves => 9,
            Finish::Hair => 10,
        }
    }

    /// After how many metres it repeats, along both directions of a surface.
    pub fn repeats_m(self) -> f64 {
        match self {
            Finish::Plain => 1.0,
            Finish::Wood | Finish::Carpet => 2.0,
            Finish::Tiles { edge_m } => edge_m * f64::from(Self::TILES),
            Finish::Concrete | Finish::Plaster => 3.0,
            Finish::Fabric => 0.5,
            Finish::Stripes | Finish::Checks => 0.24,
            Finish::Leaves => 0.6,
            Finish::Hair => 0.2,
        }
    }

    /// What is wrong with it.
    pub(crate) fn problem(self) -> Option<String> {
        match self {
            Finish::Tiles { edge_m } if !(0.05..=5.0).contains(&edge_m) => {
                Some(format!("{edge_m} m is out of 0.05 to 5 m"))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_stands_where_it_says() {
        for (index, finish) in Finish::KINDS.into_iter().enumerate() {
            assert_eq!(finish.kind(), index, "{finish:?}");
        }
    }
}
