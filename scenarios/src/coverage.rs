//! What a sensor under a ceiling will cover: for whoever has to say so before anybody drills.
//!
//! Of the lens and the room alone: where on the floor, and at the heights of heads, the picture reaches, what hides what, how large heads are
//! and how light it is. The guide's recommended ranges (§6.1) are an envelope of operation, told beside what is seen.

mod advice;
mod grid;
mod outline;
mod page;
mod predict;
mod several;
#[cfg(test)]
mod tests;
mod units;

use std::sync::Arc;

use device_model::Profile;
use firmware::Configuration;
use firmware_shim::{Mounting, View};
use glam::DVec2;
use scenes::Scene;
use serde::Serialize;

use crate::Scenario;
pub use advice::{Advice, Weight};
pub use grid::{Cell, Grid, Level};
pub use outline::{Outline, Recommended, RecommendedFrom};
pub use page::{Signed, page, page_of_several};
pub use predict::{Found, PLACEMENTS, Placed, Prediction, Tally, take_pictures};
pub use several::{Suggestion, Together};
pub use units::Units;

/// The heads of people who stand are about so high, m: by VS133's guide (its formula of the detection area).
pub const STANDING_HEAD_M: f64 = 1.7;
/// And of people who sit, m: assumed, of a chair of 0.45 m.
pub const SEATED_HEAD_M: f64 = 1.2;

/// A sensor in a room.
#[derive(Clone, Debug)]
pub struct Site {
    /// For people.
    pub name: String,
    /// The room.
    pub scene: Arc<Scene>,
    /// The device.
    pub profile: Profile,
    /// The profile's name.
    pub profile_name: String,
    /// Where it hangs, in the room's x and y, metres.
    pub sensor_at: DVec2,
    /// How it hangs.
    pub mounting: Mounting,
    /// What is set on it: the line it counts at, if there is one.
    pub configuration: Configuration,
    /// What lies under drawings of it.
    pub floor_plan: Option<Arc<FloorPlan>>,
}

/// A floor plan that somebody else drew.
#[derive(Clone, Debug)]
pub struct FloorPlan {
    /// Where its south-west corner, or the origin of its lines, lies in the room, metres.
    pub at_m: DVec2,
    /// What is drawn.
    pub drawing: PlanDrawing,
}

/// What a floor plan has.
#[derive(Clone, Debug)]
pub enum PlanDrawing {
    /// A picture, as a `data:` URI, and how large it is in the room, metres.
    Picture {
        /// With its bytes.
        data_uri: String,
        /// Along x and y.
        size_m: DVec2,
    },
    /// Lines, each by its points, metres.
    Lines(Vec<Vec<DVec2>>),
}

impl Site {
    /// The site of a scenario, as it is at first.
    pub fn of(scenario: &Scenario) -> Self {
        Site {
            name: scenario.name.clone(),
            scene: Arc::clone(&scenario.scene),
            profile: scenario.profile.clone(),
            profile_name: scenario.profile_name.clone(),
            sensor_at: scenario.sensor_at,
            mounting: scenario.mounting,
            configuration: scenario.configuration.clone(),
            floor_plan: None,
        }
    }

    /// The lens as it hangs.
    pub fn view(&self) -> View {
        View { lens: self.profile.lens(), mounting: self.mounting }
    }

    /// The room's lengths along x and y, metres.
    pub fn room_m(&self) -> DVec2 {
        DVec2::new(self.scene.room.size_m.0, self.scene.room.size_m.1)
    }
}

/// What a sensor covers.
#[derive(Clone, Debug, Serialize)]
pub struct Coverage {
    /// What the picture shows of the floor: the monitored area.
    pub monitored: Outline,
    /// What it shows at the height of heads of people who sit: where those are detected.
    pub seated: Outline,
    /// The same of people who stand.
    pub standing: Outline,
    /// The guide's range at this height.
    pub recommended: Option<Recommended>,
    /// The floor, cell by cell.
    pub grid: Grid,
    /// What to think of before drilling, the gravest first.
    pub advice: Vec<Advice>,
}

impl Coverage {
    /// What a sensor covers in its room; lengths in its words are in `units`.
    pub fn of(site: &Site, units: Units) -> Self {
        let [monitored, seated, standing] =
            [0.0, SEATED_HEAD_M, STANDING_HEAD_M].map(|height_m| Outline::of(site, height_m));
        let recommended = Recommended::of(site);
        let grid = Grid::of(site);
        let advice = advice::all(site, &grid, recommended.as_ref(), units);
        Coverage { monitored, seated, standing, recommended, grid, advice }
    }
}
