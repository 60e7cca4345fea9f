//! The room and its light, as a scene file states them.

use serde::{Deserialize, Serialize};

use crate::Color;

/// Four walls, a floor and a ceiling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Room {
    /// Along x and y, 1 to 60 m.
    pub size_m: (f64, f64),
    /// Floor to ceiling, 2 to 12 m.
    pub ceiling_m: f64,
    /// The floor's colour.
    #[serde(default = "default_floor")]
    pub floor: Color,
    /// The edge length of floor tiles or carpet squares, which alternate slightly in brightness; 0 for none.
    #[serde(default)]
    pub floor_tile_m: f64,
    /// The walls' colour.
    #[serde(default = "default_walls")]
    pub walls: Color,
}

fn default_floor() -> Color {
    Color::new(150, 140, 128)
}

fn default_walls() -> Color {
    Color::new(215, 212, 205)
}

/// How bright it is, and where the light comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Light {
    /// Horizontal illuminance 0.8 m above the floor, averaged over the room, in lux.
    pub lux: f64,
    /// The part of it that comes from everywhere alike (walls, ceiling, sky) rather than straight from a luminaire.
    #[serde(default = "default_diffuse_share")]
    pub diffuse_share: f64,
    /// Lamps at the ceiling, all of the same flux.
    #[serde(default)]
    pub luminaires: Vec<Luminaire>,
}

fn default_diffuse_share() -> f64 {
    0.5
}

/// The most luminaires a scene may have: each costs a shadow of each person.
pub const LUMINAIRES_MAX: usize = 16;

/// A panel of 0.6 m × 0.6 m at the ceiling that shines downwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Luminaire {
    /// Its place below the ceiling, x and y.
    pub at_m: (f64, f64),
}
