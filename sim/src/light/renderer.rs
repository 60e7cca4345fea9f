//! A headless Bevy app with one camera: poses a scene, draws it, and gives its luminance.

use std::collections::BTreeSet;
use std::sync::Arc;

use bevy::camera::{Hdr, RenderTarget};
use bevy::image::Image;
use bevy::prelude::*;
use bevy::render::RenderPlugin;
use bevy::render::camera::CameraRenderGraph;
use bevy::render::settings::WgpuSettings;
use bevy::window::ExitCondition;
use device_model::{Pinhole, Radiance};
use glam::DVec3;
use scenarios::{Exposure, LightError, Stage};
use scenes::{Illumination, Light, Scene, Solid, Sunlight, WorldState};

use super::drawing::{self, Part, SensorView, Shown};
use super::geometry::{Floor, Triangles, Wardrobe};
use super::readback;
use super::surface::{self, FORMAT, Lighting};
use super::vertices::Vertices;
use crate::watch::Watch;

/// Renders until a scene's first picture does not change any more; more than this is a fault.
const WARM_UP_MAX: u32 = 60;
/// Bright enough to see anything by that is not black.
const WARM_UP_LUX: f64 = 300.0;
/// A room that may be all black is warm when so many pictures were the same.
const DARK_FRAMES: u32 = 8;

/// The app, its camera's target and the present scene.
pub(super) struct Renderer {
    app: App,
    /// Where the picture is rendered to, with its pinhole; made anew when the pinhole's size changes.
    target: Option<(Pinhole, Handle<Image>)>,
    stage: Option<Staged>,
    /// What has been shown, without or with sun, without or with mirrors, and with how many samples a pixel.
    warm: BTreeSet<(bool, bool, u32)>,
    spent: Spent,
}

/// How long an exposure took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// Posing the world and drawing it, s.
    pub render_s: f64,
    /// Luminance out of the GPU's memory, s.
    pub readback_s: f64,
}

/// How far the sun may have moved before the shadows of what stays are computed anew.
const SUN_STEP_DEG: f64 = 0.5;

/// The present scene and its entities.
struct Staged {
    scene: Arc<Scene>,
    solids: Vec<Solid>,
    wardrobe: Wardrobe,
    camera: Entity,
    lit: StillLife,
}

/// What stays where it is, in the sun of one moment.
struct StillLife {
    /// How many steps the sun has moved.
    sun_step: i64,
    illumination: Illumination,
    floor: Floor,
}

impl Staged {
    /// How many steps the sun has moved at a time of the scene.
    fn sun_step(light: &Light, t_s: f64) -> i64 {
        light.sun.map_or(0, |sun| (sun.turns_deg_per_min.abs() * t_s / 60.0 / SUN_STEP_DEG) as i64)
    }

    /// Lights all that stays, at the beginning of a step of the sun; and gives it.
    fn light_up(scene: &Scene, solids: &[Solid], sun_step: i64) -> (StillLife, Vertices) {
        let (room, light) = (&scene.room, &scene.light);
        let turns_deg_per_min = light.sun.map_or(0.0, |sun| sun.turns_deg_per_min.abs());
        let t_s = if sun_step == 0 { 0.0 } else { sun_step as f64 * SUN_STEP_DEG * 60.0 / turns_deg_per_min };
        let illumination = Illumination::new(room, light, solids, t_s);
        let mut fixed = Triangles::among_furniture(&illumination);
        fixed.walls(room, &light.windows, illumination.window_luminance());
        solids.iter().for_each(|solid| fixed.solid(solid));
        let floor = Floor::new(room, &illumination);
        let fixed = fixed.into_vertices();
        (StillLife { sun_step, illumination, floor }, fixed)
    }
}

impl Renderer {
    /// Starts the app. Without a usable graphics driver this is an error that says what to install.
    pub fn start() -> Result<Self, LightError> {
        readback::require_adapter()?;
        let mut app = App::new();
        app.add_plugins(
            DefaultPlugins
                .set(WindowPlugin { primary_window: None, exit_condition: ExitCondition::DontExit, ..default() })
                .set(RenderPlugin {
                    render_creation: WgpuSettings { backends: Some(readback::BACKENDS), ..default() }.into(),
                    synchronous_pipeline_compilation: true,
                    ..default()
                })
                .disable::<bevy::log::LogPlugin>()
                // This app is updated by hand, in a thread of its own.
                .disable::<bevy::winit::WinitPlugin>(),
        );
        app.add_plugins((surface::plugin, drawing::plugin));
        app.finish();
        app.cleanup();
        Ok(Renderer { app, target: None, stage: None, warm: BTreeSet::new(), spent: Spent::default() })
    }

    /// The name and driver of the graphics adapter that renders.
    pub fn adapter(&self) -> String {
        readback::adapter_name(&self.app)
    }

    fn target(&mut self, pinhole: Pinhole) -> Handle<Image> {
        if let Some((before, image)) = &mut self.target
            && (before.width, before.height) == (pinhole.width, pinhole.height)
        {
            *before = pinhole;
            return image.clone();
        }
        let image = Image::new_target_texture(pinhole.width, pinhole.height, FORMAT, None);
        let image = self.app.world_mut().resource_mut::<Assets<Image>>().add(image);
        self.target = Some((pinhole, image.clone()));
        image
    }

    /// Poses the world and the light for an instant.
    fn pose(&mut self, instant: &WorldState, lux: f64) {
        let staged = self.stage.as_mut().expect("a stage is set before exposures are asked for");
        let t_s = instant.t_s;
        let mut changed = Vec::new();
        let sun_step = Staged::sun_step(&staged.scene.light, t_s);
        if sun_step != staged.lit.sun_step {
            let (lit, fixed) = Staged::light_up(&staged.scene, &staged.solids, sun_step);
            staged.lit = lit;
            changed.push((Part::Fixed, fixed));
        }
        let illumination = &staged.lit.illumination;
        let mut moving = Triangles::in_the_open(illumination);
        for person in &instant.people {
            person.body.iter().for_each(|body| moving.body(body, &mut staged.wardrobe, illumination));
            person.things.iter().for_each(|thing| moving.solid(thing));
        }
        instant.doors.iter().for_each(|leaf| moving.solid(leaf));
        changed.push((Part::Moving, moving.into_vertices()));

        let sun = staged.scene.light.sun.zip(illumination.sun());
        let sun = sun.map(|(sun, now)| Sunlight { direction: sun.direction(t_s), ..now.clone() });
        let mut shown = self.app.world_mut().resource_mut::<Shown>();
        shown.lighting = Lighting::new(lux, &staged.scene.room, sun.as_ref());
        shown.floor_light = Some(staged.lit.floor.shaded(instant));
        for (part, vertices) in changed {
            shown.change(part, vertices);
        }
    }

    /// How long the last exposure took.
    pub fn spent(&self) -> Spent {
        self.spent
    }

    /// The light of an exposure: the mean over its instants.
    pub fn render(&mut self, exposure: &Exposure) -> Result<Radiance, LightError> {
        self.draw(exposure)?.ok_or(LightError::Lost { seq: exposure.seq })
    }

    /// The same; `None` as long as the app draws nothing yet.
    fn draw(&mut self, exposure: &Exposure) -> Result<Option<Radiance>, LightError> {
        let (pinhole, _) = self.target.as_ref().expect("a stage has a target");
        let (pinhole, mut light) = (*pinhole, readback::dark(pinhole));
        self.spent = Spent::default();
        for instant in &exposure.worlds {
            let watch = Watch::start();
            self.pose(instant, exposure.lux);
            self.app.update();
            readback::wait(&self.app)?;
            let render_s = watch.elapsed_s();
            if !readback::add_drawn(&mut self.app, &pinhole, &mut light.pixels)? {
                return Ok(None);
            }
            self.spent.render_s += render_s;
            self.spent.readback_s += watch.elapsed_s() - render_s;
        }
        if exposure.worlds.len() > 1 {
            let part = 1.0 / exposure.worlds.len() as f32;
            light.pixels.iter_mut().flatten().for_each(|sum| *sum *= part);
        }
        Ok(Some(light))
    }

    /// Sets the room, lamps and camera; returns when the first exposure can be rendered.
    pub fn set_stage(&mut self, stage: &Stage) -> Result<(), LightError> {
        let image = self.target(stage.pinhole);
        let (room, light) = (&stage.scene.room, &stage.scene.light);
        let solids = stage.scene.fixed_solids();
        let sunny = light.sun.is_some();

        let world = self.app.world_mut();
        let mut still = None;
        if let Some(old) = self.stage.take() {
            world.despawn(old.camera);
            // The same room with other people in it is lit and drawn already, and that is what takes long. Where the sun has gone on
            // since, the first exposure notices.
            let same = (&old.scene.room, &old.scene.light, &old.solids) == (room, light, &solids);
            still = same.then_some(old.lit);
        }
        let (lit, fixed) = match still {
            Some(lit) => (lit, None),
            None => {
                let (lit, fixed) = Staged::light_up(&stage.scene, &solids, 0);
                (lit, Some(fixed))
            }
        };
        let camera = world.spawn(camera(stage, image)).id();
        let mut shown = world.resource_mut::<Shown>();
        (shown.sunny, shown.mirrors) = (sunny, room.mirrors.len() as u32);
        if let Some(fixed) = fixed {
            shown.change(Part::Fixed, fixed);
            shown.change(Part::Floor, Floor::surface(room));
        }
        self.stage =
            Some(Staged { scene: Arc::clone(&stage.scene), solids, wardrobe: Wardrobe::default(), camera, lit });
        // Each needs pipelines of its own. What a stage brings itself, corners and a target, is there in the update that first shows it.
        let kind = (sunny, !room.mirrors.is_empty(), msaa(stage).samples());
        if !self.warm.contains(&kind) && self.warm_up(&Exposure { lux: WARM_UP_LUX, ..stage.first_exposure() })? {
            self.warm.insert(kind);
        }
        Ok(())
    }

    /// Renders the first exposure until everything it needs has reached the GPU: the same picture, not empty, twice. `false` when
    /// nothing but darkness was seen.
    fn warm_up(&mut self, first: &Exposure) -> Result<bool, LightError> {
        let room = &self.stage.as_ref().expect("a stage is being set").scene.room;
        let may_be_dark = [room.floor, room.walls].iter().all(|color| color.reflectance() == [0.0; 3]);
        let mut last: Option<Radiance> = None;
        let mut same = 0;
        for _ in 0..WARM_UP_MAX {
            let Some(light) = self.draw(first)? else { continue };
            let lit = light.pixels.iter().any(|pixel| pixel.iter().any(|v| *v > 0.0));
            let unchanged = last.as_ref().is_some_and(|last| last.pixels == light.pixels);
            same = if unchanged { same + 1 } else { 0 };
            // Nothing tells a dark picture from one that is not ready, but that it stays so.
            if same >= 1 && lit || same >= DARK_FRAMES && may_be_dark {
                return Ok(lit);
            }
            last = Some(light);
        }
        Err(LightError::NeverSteady { frames: WARM_UP_MAX })
    }
}

/// Pixels of a picture whose edges are smoothed: the main stream's, which people look at. On a CPU that costs much; what the detector
/// sees is made from more pixels than it has, which smooths edges, too.
const SMOOTH_FROM_PX: u32 = 1_000_000;

/// From this mounting height on, m, heads are so few pixels that which of them are hit must not depend on their middles alone: a sensor's
/// pixel gathers the light of all of its area.
const SMOOTH_FROM_M: f64 = 4.5;

fn msaa(stage: &Stage) -> Msaa {
    let large = stage.pinhole.width * stage.pinhole.height >= SMOOTH_FROM_PX;
    if large || stage.view.mounting.height_m >= SMOOTH_FROM_M { Msaa::Sample4 } else { Msaa::Off }
}

fn camera(stage: &Stage, image: Handle<Image>) -> impl Bundle {
    let axes = stage.view.axes();
    // Bevy's camera looks along its own -z with +y up.
    let rotation = glam::DMat3::from_cols(axes.x_axis, -axes.y_axis, -axes.z_axis);
    let at = DVec3::new(stage.sensor_at.x, stage.sensor_at.y, stage.view.mounting.height_m);
    let pinhole = &stage.pinhole;
    let projection = PerspectiveProjection {
        fov: 2.0 * (pinhole.tan_half_y as f32).atan(),
        aspect_ratio: (pinhole.tan_half_x / pinhole.tan_half_y) as f32,
        near: 0.02,
        ..default()
    };
    (
        // What is read is the picture before it would be copied to its target, which Bevy wants a camera that clears to have.
        // Around the room is nothing.
        Camera { clear_color: ClearColorConfig::Custom(Color::BLACK), ..default() },
        CameraRenderGraph::new(SensorView),
        Projection::Perspective(projection),
        Transform::from_translation(at.as_vec3()).with_rotation(Quat::from_mat3(&rotation.as_mat3())),
        RenderTarget::Image(image.into()),
        Hdr,
        msaa(stage),
    )
}
