//! Rooms, furniture, light and people, and where all of it is at any instant: the world a sensor looks at.
//!
//! A scene is a RON file that people write ([`Scene`]); [`Scene::at`] gives the people's poses at a time: dressed bodies
//! ([`PosedFigure`]) that are rendered, with solids ([`Solid`]) for what of them hides things and throws shadows. Lengths are
//! metres; x and y run along the floor from the room's south-west corner, z is up.
//!
//! This crate knows nothing of cameras, pixels or firmware.

mod altered;
mod anatomy;
mod belongings;
mod body;
mod carry;
mod color;
mod crowd;
mod door;
mod figure;
mod finish;
mod floor_light;
mod footprint;
mod furniture;
mod gait;
mod illumination;
mod lamp;
mod library;
mod marks;
mod motion;
mod occlusion;
mod passers;
mod person;
mod placement;
mod plan;
mod posed_figure;
mod random;
mod room;
mod route;
mod scene;
mod skeleton;
mod solid;
mod stance;
mod steering;
mod step;
mod sunlight;

pub use body::{Body, Hair, Wear};
pub use carry::{Carried, Thing};
pub use color::Color;
pub use crowd::{Crowd, Via};
pub use door::{Door, Swing};
pub use figure::{Corner, Figure};
pub use finish::Finish;
pub use floor_light::FloorLight;
pub use furniture::{Furniture, Piece};
pub use illumination::{FurnitureLight, Illuminance, Illumination, SurfaceLux};
pub use library::{library_names, no_such_scene};
pub use marks::{ABOUT_M, Bones, BonesSeen};
pub use motion::Activity;
pub use occlusion::{Occluder, SightLine};
pub use passers::{Passing, Way};
pub use person::{Person, PersonState, Posture, Start};
pub use placement::Looks;
pub use posed_figure::{PosedFigure, SkinPoint};
pub use random::{Clutter, random_scene};
pub use room::{Light, Luminaire, LuminaireKind, MIRRORS_MAX, Rectangle, Room, Sun, WINDOWS_MAX, Wall, WallPart};
pub use scene::{Scene, WorldState};
pub use solid::{Shape, Solid};
pub use step::Step;
pub use sunlight::{Beam, Sunlight};
