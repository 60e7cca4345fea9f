//! The material of everything: its luminance at a level of 1 lx is baked into the corners of its triangles; the level of an
//! exposure scales it, the finish varies it, and the sun adds to it where a beam is.

use bevy::asset::uuid_handle;
use bevy::prelude::*;
use bevy::render::render_resource::{AsBindGroup, ShaderType};
use bevy::shader::{Shader, ShaderRef};
use scenes::{Sunlight, WINDOWS_MAX};

use super::finishes;

/// Every surface of the room.
#[derive(Asset, TypePath, AsBindGroup, Clone)]
pub(super) struct SurfaceMaterial {
    /// What changes from exposure to exposure.
    #[uniform(0)]
    pub level: Level,
    /// Layers by [`scenes::Finish::kind`].
    #[texture(1, dimension = "2d_array")]
    #[sampler(2)]
    pub finishes: Handle<Image>,
}

/// How bright it is. The shader's arrays are as long as a scene may have windows.
#[derive(Clone, Copy, Default, ShaderType)]
pub(super) struct Level {
    lux: f32,
    beams: u32,
    u_of: [Vec4; WINDOWS_MAX],
    v_of: [Vec4; WINDOWS_MAX],
    /// Edges of the windows, m, in x and y.
    window_m: [Vec4; WINDOWS_MAX],
}

impl Level {
    pub fn new(lux: f64, sun: Option<&Sunlight>) -> Self {
        let mut level = Level { lux: lux as f32, ..default() };
        let row = |[x, y, z, w]: [f64; 4]| Vec4::new(x as f32, y as f32, z as f32, w as f32);
        for (i, beam) in sun.into_iter().flat_map(Sunlight::beams).enumerate() {
            level.beams = i as u32 + 1;
            (level.u_of[i], level.v_of[i]) = (row(beam.u_of), row(beam.v_of));
            level.window_m[i] = Vec4::new(beam.window_m[0] as f32, beam.window_m[1] as f32, 0.0, 0.0);
        }
        level
    }
}

const SHADER: Handle<Shader> = uuid_handle!("6a4f2f5e-7a5e-4b77-9b0e-2b6f5f8f6c01");
const FINISHES: Handle<Image> = uuid_handle!("6a4f2f5e-7a5e-4b77-9b0e-2b6f5f8f6c02");

impl SurfaceMaterial {
    pub fn new(level: Level) -> Self {
        SurfaceMaterial { level, finishes: FINISHES }
    }
}

impl Material for SurfaceMaterial {
    fn vertex_shader() -> ShaderRef {
        ShaderRef::Handle(SHADER)
    }

    fn fragment_shader() -> ShaderRef {
        ShaderRef::Handle(SHADER)
    }

    fn enable_prepass() -> bool {
        false
    }

    fn enable_shadows() -> bool {
        false
    }
}

/// Adds the material, its shader and its finishes.
pub(super) fn plugin(app: &mut App) {
    app.add_plugins(MaterialPlugin::<SurfaceMaterial>::default());
    const ANY: &str = "a handle made of a UUID takes any asset";
    let shader = Shader::from_wgsl(include_str!("surface.wgsl"), "sim/src/light/surface.wgsl");
    app.world_mut().resource_mut::<Assets<Shader>>().insert(&SHADER, shader).expect(ANY);
    app.world_mut().resource_mut::<Assets<Image>>().insert(&FINISHES, finishes::texture()).expect(ANY);
}
