//! What a renderer is asked for, and what it gives. Renderers live elsewhere; this is their end of the loop.

use std::sync::Arc;

use device_model::{Flicker, Light, Pinhole, Radiance};
use firmware_shim::View;
use glam::DVec2;
use scenes::{PersonState, Scene, Solid, WorldState};

use crate::Work;

/// A scene seen by a sensor: all that stays the same over a run.
#[derive(Clone)]
pub struct Stage {
    /// Room, furniture and lamps.
    pub scene: Arc<Scene>,
    /// The sensor's place below the ceiling, in the room's x and y.
    pub sensor_at: DVec2,
    /// How it hangs and where it looks.
    pub view: View,
    /// The picture to render, looking along the optical axis.
    pub pinhole: Pinhole,
}

impl Stage {
    /// The world at its start, for warming up.
    pub fn first_exposure(&self) -> Exposure {
        Exposure { seq: 0, worlds: vec![self.scene.at(0.0)], lux: self.scene.light.lux }
    }
}

/// One exposure to render.
#[derive(Clone, Debug)]
pub struct Exposure {
    /// The frame it is for.
    pub seq: u64,
    /// Everybody at instants spread evenly over the exposure; its light is the mean of theirs.
    pub worlds: Vec<WorldState>,
    /// The level of light, lx.
    pub lux: f64,
}

/// What moves further than this during an exposure is rendered once more for each such way, px.
const BLUR_STEP_PX: f64 = 1.5;
/// The most renderings of one exposure.
const INSTANTS_MAX: f64 = 8.0;

/// The world over an exposure of `time_s` seconds around `t_s`, so that what moves is blurred as far as it moves: an instant for
/// each [`BLUR_STEP_PX`] that a door does or a head, which of all of a person is nearest to the lens.
pub(crate) fn instants(scene: &Scene, view: &View, t_s: f64, time_s: f64) -> Vec<WorldState> {
    let at = |part: f64| scene.at(t_s + time_s * (part - 0.5));
    let (first, last) = (at(0.0), at(1.0));
    let moved_px = |person: &PersonState| {
        let later = last.people.iter().find(|later| later.index == person.index)?;
        let depth_m = (view.mounting.height_m - person.head.z).max(NEAREST_M);
        Some(later.head.distance(person.head) / depth_m * view.lens.focal_px)
    };
    let swung_px = |(before, after): (&Solid, &Solid)| {
        let ways = before.corners().into_iter().zip(after.corners()).map(|(a, b)| a.distance(b));
        let depth_m = (view.mounting.height_m - before.at.z).max(NEAREST_M);
        ways.fold(0.0, f64::max) / depth_m * view.lens.focal_px
    };
    let doors = first.doors.iter().zip(&last.doors).map(swung_px);
    let most_px = first.people.iter().filter_map(moved_px).chain(doors).fold(0.0, f64::max);
    let count = (most_px / BLUR_STEP_PX).ceil().clamp(1.0, INSTANTS_MAX);
    (0..count as u32).map(|i| at((f64::from(i) + 0.5) / count)).collect()
}

/// Nobody's head is nearer to the lens.
const NEAREST_M: f64 = 0.3;

/// The light of a scene on its way to the lens, `t_s` seconds after the scene's start: daylight is steady, lamps swing.
pub(crate) fn scene_light<'r>(scene: &Scene, radiance: &'r Radiance, t_s: f64) -> Light<'r> {
    let light = &scene.light;
    // The sun's beams fall on a part of the room; as if on all of it, they drown what swings.
    let steady = light.sun.map_or(0.0, |sun| sun.lux / (sun.lux + light.lux.max(1.0)));
    let depth = light.flicker * (1.0 - light.daylight_share) * (1.0 - steady);
    let flicker = Flicker { frequency_hz: 2.0 * light.mains_hz, depth, phase_rad: 0.0 };
    Light { radiance, flicker: Some(flicker).filter(|_| depth > 0.0), middle_s: t_s }
}

/// A renderer.
pub trait LightSource {
    /// Sets the room, lamps and camera; whatever was outstanding is dropped. Returns when the stage is ready to be exposed.
    fn set_stage(&mut self, stage: &Stage) -> Result<(), LightError>;

    /// Starts rendering `next`, and gives the light of the exposure asked for by the call before, with its number. `enter`
    /// is told of [`Work::Light`] as it begins.
    fn expose(
        &mut self,
        next: Option<&Exposure>,
        enter: &mut dyn FnMut(Work),
    ) -> Result<Option<(u64, Radiance)>, LightError>;
}

/// The light of exposure `due`, asked for before; starts `next`. Light under another number is an error.
pub(crate) fn take(
    light: &mut dyn LightSource,
    due: u64,
    next: Option<&Exposure>,
    enter: &mut dyn FnMut(Work),
) -> Result<Radiance, LightError> {
    match light.expose(next, enter)? {
        Some((got, radiance)) if got == due => Ok(radiance),
        other => Err(LightError::OutOfTurn { due, got: other.map(|(got, _)| got) }),
    }
}

/// Why there is no light.
#[derive(Debug, thiserror::Error)]
pub enum LightError {
    /// No graphics driver.
    #[error(
        "no Vulkan driver found to render with; the software one will do: \
         `apt-get install mesa-vulkan-drivers` (the oracle lane, `--lane oracle`, needs none)"
    )]
    NoAdapter,
    /// A picture did not come back for the exposure it was rendered for.
    #[error("the light of exposure {seq} was lost between renderer and sensor")]
    Lost {
        /// The exposure's number.
        seq: u64,
    },
    /// A picture came back for another exposure than the one that is due.
    #[error("the light of exposure {got:?} came where that of exposure {due} was due")]
    OutOfTurn {
        /// The exposure whose light was due.
        due: u64,
        /// The exposure whose light came.
        got: Option<u64>,
    },
    /// A still scene never gave the same picture twice.
    #[error("the renderer was not ready after {frames} frames of a still scene")]
    NeverSteady {
        /// Frames rendered.
        frames: u32,
    },
    /// The graphics device failed.
    #[error("the graphics device failed: {reason}")]
    Device {
        /// The driver's words.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use firmware_shim::{Lens, Mounting};
    use scenes::{Color, Finish, Light, Person, Room, Start, Step};

    use super::*;

    #[test]
    fn who_walks_fast_in_a_long_exposure_is_seen_at_many_instants_around_its_middle() {
        let room = Room {
            size_m: (8.0, 6.0),
            ceiling_m: 3.0,
            floor: Color::new(90, 90, 90),
            floor_finish: Finish::Plain,
            walls: Color::new(90, 90, 90),
            walls_finish: Finish::Plain,
            mirrors: vec![],
        };
        let walker = Person {
            name: "walker".into(),
            body: Default::default(),
            starts: Start::Stands { at_m: (1.0, 3.0), facing_deg: 0.0 },
            appears_s: 0.0,
            carries: vec![],
            does: vec![Step::Walk { via_m: vec![(7.0, 3.0)], speed_m_s: 2.0 }],
        };
        let scene = Scene::new(room, Light::default(), vec![], vec![walker]).expect("a scene without mistakes");
        let lens = Lens { width: 320, height: 240, focal_px: 180.0, distortion: [0.0; 4] };
        let view = View { lens, mounting: Mounting { height_m: 3.0, rotation_rad: 0.0, tilt_rad: 0.0 } };
        let times = |t_s: f64, time_s: f64| -> Vec<f64> {
            instants(&scene, &view, t_s, time_s).iter().map(|world| world.t_s).collect()
        };
        assert_eq!(times(1.5, 0.0001), [1.5], "nothing moves a pixel in a tenth of a millisecond");
        // 2 m/s for 33 ms at 1.3 m before the lens is about 9 px.
        let long = times(1.5, 0.033);
        assert!((5..=7).contains(&long.len()), "{long:?}");
        let mean = long.iter().sum::<f64>() / long.len() as f64;
        assert!((mean - 1.5).abs() < 1e-9 && long[0] > 1.5 - 0.0165 && long[long.len() - 1] < 1.5 + 0.0165, "{long:?}");
        assert_eq!(times(7.0, 0.033), [7.0], "who has arrived stands");

        let door = "doors: [(name: \"d\", hinge_m: (3, 3), points_deg: 0, color: \"#806040\", swings: [(at_s: 1, to_deg: 90)])]";
        let text = format!("(room: (size_m: (8, 6), ceiling_m: 3), light: (lux: 300, diffuse_share: 1), {door})");
        let swinging = Scene::from_file(&ron_file::RonFile::embedded("door", text)).unwrap_or_else(|e| panic!("{e}"));
        let count = |t_s: f64| instants(&swinging, &view, t_s, 0.033).len();
        assert!(count(1.6) > 3 && count(0.5) == 1, "{} and {}", count(1.6), count(0.5));
    }
}
