//! Headless light: what the sensor's lens looks at, rendered by Bevy as luminance, one tagged exposure at a time.
//!
//! Exposures are pipelined by one: asking for the next hands over the light of the one before, so the GPU renders while
//! the CPU analyses. Every light carries the number of the exposure it was rendered for; a lost, repeated or foreign
//! one is an error here and never a frame. Knows nothing of noise, lenses or firmware.

mod finishes;
mod geometry;
mod readback;
mod surface;
mod vertices;

use bevy::camera::{Exposure as CameraExposure, Hdr, RenderTarget, visibility::NoFrustumCulling};
use bevy::core_pipeline::tonemapping::{DebandDither, Tonemapping};
use bevy::image::Image;
use bevy::prelude::*;
use bevy::render::RenderPlugin;
use bevy::render::render_resource::{TextureFormat, TextureUsages};
use bevy::render::settings::WgpuSettings;
use bevy::window::ExitCondition;
use device_model::{Pinhole, Radiance};
use glam::DVec3;
use scenarios::{Exposure, LightError, LightSource, Stage, Work};
use scenes::{Illumination, Light, Rectangle, Room, Solid, Sunlight, WorldState};

use self::geometry::{Floor, Triangles};
use self::surface::{Level, SurfaceMaterial};
use self::vertices::Vertices;

/// `Exposure::exposure()` is then 1, and a pixel's value its luminance in cd/m².
const EV100_OF_UNIT_EXPOSURE: f32 = -0.263_034_4;

/// Renders until a scene's first picture does not change any more; more than this is a fault.
const WARM_UP_MAX: u32 = 60;
/// A room that may be all black is warm when so many pictures were the same.
const DARK_FRAMES: u32 = 8;

/// A headless Bevy app with one camera.
pub struct HeadlessLight {
    app: App,
    /// Where the picture is rendered to, with its pinhole; made anew when the pinhole's size changes.
    target: Option<(Pinhole, Handle<Image>)>,
    stage: Option<Staged>,
    /// The exposure that is being rendered, and the readbacks of its instants.
    outstanding: Option<(u64, Vec<Entity>)>,
}

/// How far the sun may have moved before the shadows of what stays are computed anew.
const SUN_STEP_DEG: f64 = 0.5;

/// The present scene and its entities.
struct Staged {
    room: Room,
    light: Light,
    solids: Vec<Solid>,
    mirrors: Vec<Rectangle>,
    camera: Entity,
    fixed: Entity,
    floor: Entity,
    people: Entity,
    material: Handle<SurfaceMaterial>,
    lit: StillLife,
    /// Whether floor or walls are black, so that a picture may be, too.
    black: bool,
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
    fn light_up(
        room: &Room,
        light: &Light,
        solids: &[Solid],
        mirrors: &[Rectangle],
        sun_step: i64,
    ) -> (StillLife, Mesh) {
        let turns_deg_per_min = light.sun.map_or(0.0, |sun| sun.turns_deg_per_min.abs());
        let t_s = if sun_step == 0 { 0.0 } else { sun_step as f64 * SUN_STEP_DEG * 60.0 / turns_deg_per_min };
        let illumination = Illumination::new(room, light, solids, t_s);
        let mut fixed = Triangles::among_furniture(&illumination);
        fixed.walls(room, &light.windows, illumination.window_luminance());
        solids.iter().for_each(|solid| fixed.solid(solid));
        let mesh = fixed.into_vertices().mesh(mirrors, light.sun.is_some());
        let floor = Floor::new(room, &illumination);
        (StillLife { sun_step, illumination, floor }, mesh)
    }
}

impl HeadlessLight {
    /// Starts the renderer. Without a usable graphics driver this is an error that says what to install.
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
        Ok(HeadlessLight { app, target: None, stage: None, outstanding: None })
    }

    /// The name and driver of the graphics adapter that renders.
    pub fn adapter(&self) -> String {
        readback::adapter_name(&self.app)
    }

    fn target(&mut self, pinhole: Pinhole) -> Handle<Image> {
        if let Some((size, image)) = &self.target
            && (size.width, size.height) == (pinhole.width, pinhole.height)
        {
            return image.clone();
        }
        let format = TextureFormat::Rgba16Float;
        let mut image = Image::new_target_texture(pinhole.width, pinhole.height, format, None);
        image.texture_descriptor.usage |= TextureUsages::COPY_SRC;
        let image = self.app.world_mut().resource_mut::<Assets<Image>>().add(image);
        self.target = Some((pinhole, image.clone()));
        image
    }

    /// Poses the world and the light for an instant.
    fn pose(&mut self, instant: &WorldState, lux: f64) {
        let staged = self.stage.as_mut().expect("a stage is set before exposures are asked for");
        let t_s = instant.t_s;
        let mut meshes = Vec::new();
        let sun_step = Staged::sun_step(&staged.light, t_s);
        if sun_step != staged.lit.sun_step {
            let (lit, mesh) = Staged::light_up(&staged.room, &staged.light, &staged.solids, &staged.mirrors, sun_step);
            staged.lit = lit;
            meshes.push((staged.fixed, mesh));
        }
        let (illumination, sunny) = (&staged.lit.illumination, staged.light.sun.is_some());
        let mut moving = Triangles::in_the_open(illumination);
        for person in &instant.people {
            person.body.iter().for_each(|body| moving.body(body));
            person.things.iter().for_each(|thing| moving.solid(thing));
        }
        instant.doors.iter().for_each(|leaf| moving.solid(leaf));
        meshes.push((staged.people, moving.into_vertices().mesh(&staged.mirrors, sunny)));
        let floor = staged.lit.floor.shaded(&illumination.shade(&instant.people));
        meshes.push((staged.floor, floor.mesh(&staged.mirrors, sunny)));

        let sun = staged.light.sun.zip(illumination.sun());
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

    /// Renders a frame; and reads it back if it is to be `seen`, under the entity it gives.
    fn update(&mut self, seen: bool) -> Option<Entity> {
        let staged = self.stage.as_ref().expect("a stage is set before frames are rendered");
        let (_, image) = self.target.as_ref().expect("a stage has a target");
        let world = self.app.world_mut();
        if let Some(mut camera) = world.get_mut::<Camera>(staged.camera) {
            camera.is_active = seen;
        }
        let tag = seen.then(|| readback::request(world, image.clone()));
        self.app.update();
        if let Some(entity) = tag {
            readback::requested(self.app.world_mut(), entity);
        }
        tag
    }

    /// Renders `next`, and gives the light of the exposure asked for before.
    fn exchange(
        &mut self,
        next: Option<&Exposure>,
        enter: &mut dyn FnMut(Work),
    ) -> Result<Option<(u64, Radiance)>, LightError> {
        enter(Work::Render);
        let before = self.outstanding.take();
        if before.is_some() {
            readback::wait(&self.app)?;
        }
        match next {
            None => {
                self.update(false);
            }
            Some(next) => {
                let mut instants = Vec::with_capacity(next.worlds.len());
                for world in &next.worlds {
                    self.pose(world, next.lux);
                    instants.extend(self.update(true));
                }
                self.outstanding = Some((next.seq, instants));
            }
        }
        enter(Work::Readback);
        let Some((seq, instants)) = before else { return Ok(None) };
        // All are taken, even when one is lost: none may stay.
        let arrived: Vec<Option<Vec<u8>>> =
            instants.into_iter().map(|entity| readback::take(self.app.world_mut(), entity)).collect();
        let (pinhole, _) = self.target.as_ref().expect("a stage has a target");
        let mut pictures =
            arrived.into_iter().map(|bytes| readback::decode(&bytes.ok_or(LightError::Lost { seq })?, pinhole, seq));
        let mut light = pictures.next().ok_or(LightError::Lost { seq })??;
        let mut count = 1.0;
        for picture in pictures {
            light
                .pixels
                .iter_mut()
                .flatten()
                .zip(picture?.pixels.iter().flatten())
                .for_each(|(sum, more)| *sum += more);
            count += 1.0;
        }
        if count > 1.0 {
            light.pixels.iter_mut().flatten().for_each(|sum| *sum /= count);
        }
        Ok(Some((seq, light)))
    }
}

impl LightSource for HeadlessLight {
    fn set_stage(&mut self, stage: &Stage) -> Result<(), LightError> {
        while self.outstanding.is_some() {
            self.exchange(None, &mut |_| {})?;
        }
        let image = self.target(stage.pinhole);
        let (room, light) = (stage.scene.room.clone(), stage.scene.light.clone());
        let solids = stage.scene.fixed_solids();
        let mirrors: Vec<Rectangle> = room.mirrors.iter().map(|part| room.part(part)).collect();
        let (lit, fixed) = Staged::light_up(&room, &light, &solids, &mirrors, 0);
        let none_yet = Vertices::default().mesh(&[], light.sun.is_some());
        let black = [room.floor, room.walls].iter().any(|c| c.reflectance() == [0.0; 3]);

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
        self.stage = Some(Staged { room, light, solids, mirrors, camera, fixed, floor, people, material, lit, black });
        self.warm_up(&stage.first_exposure())
    }

    fn expose(
        &mut self,
        next: Option<&Exposure>,
        enter: &mut dyn FnMut(Work),
    ) -> Result<Option<(u64, Radiance)>, LightError> {
        self.exchange(next, enter)
    }
}

impl HeadlessLight {
    /// Renders the first exposure until everything it needs has reached the GPU: the same picture, not empty, twice.
    fn warm_up(&mut self, first: &Exposure) -> Result<(), LightError> {
        let staged = self.stage.as_ref().expect("a stage is being set");
        let may_be_dark = first.lux == 0.0 || staged.black;
        let mut last: Option<Radiance> = None;
        let mut same = 0;
        for _ in 0..WARM_UP_MAX {
            let light = self.exchange(Some(first), &mut |_| {}).or_else(|error| match error {
                // Until the target has reached the GPU there is nothing to read back.
                LightError::Lost { .. } => Ok(None),
                other => Err(other),
            })?;
            let Some((_, light)) = light else { continue };
            let lit = light.pixels.iter().any(|pixel| pixel.iter().any(|v| *v > 0.0));
            let unchanged = last.as_ref().is_some_and(|last| last.pixels == light.pixels);
            same = if unchanged { same + 1 } else { 0 };
            // Nothing tells a dark picture from one that is not ready, but that it stays so.
            if same >= 1 && lit || same >= DARK_FRAMES && may_be_dark {
                self.exchange(None, &mut |_| {})?;
                return Ok(());
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
        far: 120.0,
        ..default()
    };
    (
        Camera3d::default(),
        Camera { clear_color: ClearColorConfig::Custom(Color::BLACK), ..default() },
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
