//! Where the device of the functions' tests hangs.

use firmware_shim::{Lens, Mounting, View};
use glam::DVec2;

/// Straight down from 3 m.
pub(crate) fn view() -> View {
    let lens = Lens::with_horizontal_angle(320, 240, 95f64.to_radians(), [0.0; 4]);
    View { lens, mounting: Mounting { height_m: 3.0, rotation_rad: 0.0, tilt_rad: 0.0 } }
}

/// Where in the picture a place of the floor is seen, normalised.
pub(crate) fn seen(floor: DVec2) -> DVec2 {
    view().normalised(view().pixel(floor.extend(0.0)).expect("in the lens's field"))
}
