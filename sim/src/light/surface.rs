//! The material of everything: its luminance at a level of 1 lx is baked into the corners of its triangles, and the level
//! of an exposure scales it.

use bevy::asset::uuid_handle;
use bevy::prelude::*;
use bevy::render::render_resource::AsBindGroup;
use bevy::shader::{Shader, ShaderRef};

/// Every surface of the room.
#[derive(Asset, TypePath, AsBindGroup, Clone, Default)]
pub(super) struct SurfaceMaterial {
    /// The level of light, lx.
    #[uniform(0)]
    pub lux: f32,
}

const SHADER: Handle<Shader> = uuid_handle!("6a4f2f5e-7a5e-4b77-9b0e-2b6f5f8f6c01");

impl Material for SurfaceMaterial {
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

/// Adds the material and its shader.
pub(super) fn plugin(app: &mut App) {
    app.add_plugins(MaterialPlugin::<SurfaceMaterial>::default());
    let mut shaders = app.world_mut().resource_mut::<Assets<Shader>>();
    let shader = Shader::from_wgsl(include_str!("surface.wgsl"), "sim/src/light/surface.wgsl");
    shaders.insert(&SHADER, shader).expect("a handle made of a UUID takes any asset");
}
