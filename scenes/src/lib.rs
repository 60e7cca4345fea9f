//! Rooms, furniture, light and people, and where all of it is at any instant: the world a sensor looks at.
//!
//! A scene is a RON file that people write ([`Scene`]); [`Scene::at`] gives the people's poses at a time as solid bodies
//! ([`Solid`]), the same ones that are rendered and that hide one another in the ground truth. Lengths are metres; x and
//! y run along the floor from the room's south-west corner, z is up.
//!
//! This crate knows nothing of cameras, pixels or firmware.

mod body;
mod color;
mod furniture;
mod illumination;
mod library;
mod motion;
mod person;
mod random;
mod room;
mod scene;
mod solid;

pub use body::{Body, Hair};
pub use color::Color;
pub use furniture::{Furniture, Piece};
pub use illumination::Illumination;
pub use library::library_names;
pub use motion::{Moment, Motion};
pub use person::{Person, PersonState, Posture, Start, Step};
pub use random::random_scene;
pub use room::{LUMINAIRES_MAX, Light, Luminaire, Room};
pub use scene::{Scene, WorldState};
pub use solid::{Shape, Solid};
