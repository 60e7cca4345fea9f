//! A headless Bevy app with one camera: poses a scene, draws it, and gives its luminance.

use std::sync::Arc;

use bevy::camera::{CameraOutputMode, Exposure as CameraExposure, Hdr, RenderTarget, visibility::NoFrustumCulling};
use bevy::core_pipeline::tonemapping::{DebandDither, Tonemapping};
use bevy::image::Image;
use bevy::prelude::*;
use bevy::render::RenderPlugin;
use bevy::render::render_resource::TextureFormat;
use bevy::render::settings::WgpuSettings;
use bevy::window::ExitCondition;
use device_model::{Pinhole, Radiance};
use glam::DVec3;
use scenarios::{Exposure, LightError, Stage};
use scenes::{Illumination, Light, Rectangle, Scene, Solid, Sunlight, WorldState};

use super::geometry::{Floor, Triangles};
use super::readback;
use super::surface::{self, Level, SurfaceMaterial};
use super::vertices::Vertices;
use crate::watch::Watch;

/// `Exposure::exposure()` is then 1, and a pixel's value its luminance in cd/m².
const EV100_OF_UNIT_EXPOSURE: f32 = -0.263_034_4;

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
    /// Whether scenes without and with sun have been shown.
    warm: [bool; 2],
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

/// The void around a room reaches so far from the room's corner in every direction: further than a room is long, with what
/// is seen of it in mirrors.
const VOID_M: f64 = 200.0;

/// How far the sun may have moved before the shadows of what stays are computed anew.
const SUN_STEP_DEG: f64 = 0.5;

/// The present scene and its entities.
struct Staged {
    scene: Arc<Scene>,
    solids: Vec<Solid>,
    mirrors: Vec<Rectangle>,
    camera: Entity,
    fixed: Entity,
    floor: Entity,
    people: Entity,
    material: Handle<SurfaceMaterial>,
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

    /// Lights all that stays, at the beginning of a step of the sun; and gives its mesh.
    fn light_up(scene: &Scene, solids: &[Solid], mirrors: &[Rectangle], sun_step: i64) -> (StillLife, Mesh) {
        let (room, light) = (&scene.room, &scene.light);
        let turns_deg_per_min = light.sun.map_or(0.0, |sun| sun.turns_deg_per_min.abs());
        let t_s = if sun_step == 0 { 0.0 } else { sun_step as f64 * SUN_STEP_DEG * 60.0 / turns_deg_per_min };
        let illumination = Illumination::new(room, light, solids, t_s);
        let mut fixed = Triangles::among_furniture(&illumination);
        fixed.walls(room, &light.windows, illumination.window_luminance());
        solids.iter().for_each(|solid| fixed.solid(solid));
        let mut fixed = fixed.into_vertices();
        fixed.void(VOID_M);
        let mesh = fixed.into_mesh(mirrors, light.sun.is_some());
        let floor = Floor::new(room, &illumination);
        (StillLife { sun_step, illumination, floor }, mesh)
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
                .disable::<bevy::log::LogPlugin>(),
        );
        app.add_plugins((surface::plugin, readback::plugin));
        app.finish();
        app.cleanup();
        Ok(Renderer { app, target: None, stage: None, warm: [false; 2], spent: Spent::default() })
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
        let format = TextureFormat::Rgba16Float;
        let image = Image::new_target_texture(pinhole.width, pinhole.height, format, None);
        let image = self.app.world_mut().resource_mut::<Assets<Image>>().add(image);
        self.target = Some((pinhole, image.clone()));
        image
    }

    /// Poses the world and the light for an instant.
    fn pose(&mut self, instant: &WorldState, lux: f64) {
        let staged = self.stage.as_mut().expect("a stage is set before exposures are asked for");
        let t_s = instant.t_s;
        let mut meshes = Vec::new();
        let sun_step = Staged::sun_step(&staged.scene.light, t_s);
        if sun_step != staged.lit.sun_step {
            let (lit, mesh) = Staged::light_up(&staged.scene, &staged.solids, &staged.mirrors, sun_step);
            staged.lit = lit;
            meshes.push((staged.fixed, mesh));
        }
        let (illumination, sunny) = (&staged.lit.illumination, staged.scene.light.sun.is_some());
        let mut moving = Triangles::in_the_open(illumination);
        for person in &instant.people {
            person.body.iter().for_each(|body| moving.body(body));
            person.things.iter().for_each(|thing| moving.solid(thing));
        }
        instant.doors.iter().for_each(|leaf| moving.solid(leaf));
        meshes.push((staged.people, moving.into_vertices().into_mesh(&staged.mirrors, sunny)));
        let floor = staged.lit.floor.shaded(&instant.people);
        meshes.push((staged.floor, floor.clone().into_mesh(&staged.mirrors, sunny)));

        let sun = staged.scene.light.sun.zip(illumination.sun());
        let sun = sun.map(|(sun, now)| Sunlight { direction: sun.direction(t_s), ..now.clone() });
        let level = Level::new(lux, sun.as_ref());
        let world = self.app.world_mut();
        for (entity, mesh) in meshes {
            let mesh = world.resource_mut::<Assets<Mesh>>().add(mesh);
            world.entity_mut(entity).insert(Mesh3d(mesh));
        }
        let mut materials = world.resource_mut::<Assets<SurfaceMaterial>>();
        if let Some(mut material) = materials.get_mut(&staged.material) {
            material.level = level;
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
            if !readback::add_drawn(&self.app, &pinhole, &mut light.pixels)? {
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
        let mirrors: Vec<Rectangle> = room.mirrors.iter().map(|part| room.part(part)).collect();
        let (lit, fixed) = Staged::light_up(&stage.scene, &solids, &mirrors, 0);
        let none_yet = Vertices::default().into_mesh(&[], light.sun.is_some());

        let world = self.app.world_mut();
        if let Some(old) = self.stage.take() {
            for entity in [old.camera, old.fixed, old.floor, old.people] {
                world.despawn(entity);
            }
        }
        let level = Level::new(light.lux, None);
        let material = world.resource_mut::<Assets<SurfaceMaterial>>().add(SurfaceMaterial::new(level));
        let mut meshes = world.resource_mut::<Assets<Mesh>>();
        let (fixed, none_yet) = (meshes.add(fixed), meshes.add(none_yet));
        let surfaces = |mesh: Handle<Mesh>| (Mesh3d(mesh), MeshMaterial3d(material.clone()), NoFrustumCulling);
        let fixed = world.spawn(surfaces(fixed)).id();
        let floor = world.spawn(surfaces(none_yet.clone())).id();
        let people = world.spawn(surfaces(none_yet)).id();
        let camera = world.spawn(camera(stage, image)).id();
        let scene = Arc::clone(&stage.scene);
        self.stage = Some(Staged { scene, solids, mirrors, camera, fixed, floor, people, material, lit });
        // With and without sun are two pipelines. What a stage brings itself, meshes and a target, is there in the update that first
        // shows it, as the meshes of people are in every update.
        let sunny = usize::from(stage.scene.light.sun.is_some());
        if !self.warm[sunny] {
            self.warm[sunny] = self.warm_up(&Exposure { lux: WARM_UP_LUX, ..stage.first_exposure() })?;
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
        far: 4.0 * VOID_M as f32,
        ..default()
    };
    (
        Camera3d::default(),
        // What is read is the picture before it would be copied to its target. There is nothing to clear: the void is drawn.
        Camera { clear_color: ClearColorConfig::None, output_mode: CameraOutputMode::Skip, ..default() },
        Projection::Perspective(projection),
        Transform::from_translation(at.as_vec3()).with_rotation(Quat::from_mat3(&rotation.as_mat3())),
        RenderTarget::Image(image.into()),
        CameraExposure { ev100: EV100_OF_UNIT_EXPOSURE },
        Hdr,
        Tonemapping::None,
        DebandDither::Disabled,
        Msaa::Off,
    )
}
