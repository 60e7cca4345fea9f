//! From a scene's lux to the strength of its lamps, and the material that turns both into luminance.

use bevy::asset::uuid_handle;
use bevy::prelude::*;
use bevy::render::render_resource::{AsBindGroup, ShaderType};
use bevy::shader::{Shader, ShaderRef};
use glam::DVec3;
use scenes::{Light, Room};

/// The most luminaires a scene may have.
const LAMPS_MAX: usize = scenes::LUMINAIRES_MAX;
/// Where `lux` is meant: the height of a desk.
const MEASURED_AT_M: f64 = 0.8;
/// Lamps hang a little below the ceiling.
const LAMP_DROP_M: f64 = 0.05;

/// Every surface of the room: diffuse, coloured by its vertices, lit by one [`Lighting`].
#[derive(Asset, TypePath, AsBindGroup, Clone, Default)]
pub(super) struct SurfaceMaterial {
    #[uniform(0)]
    pub lighting: Lighting,
}

/// The light in the shader's terms.
#[derive(ShaderType, Clone, Copy, Default)]
pub(super) struct Lighting {
    /// Illuminance of an upward surface by light from everywhere, lx.
    diffuse_lux: f32,
    lamp_count: u32,
    /// Place in m, luminous intensity straight down in cd.
    lamps: [Vec4; LAMPS_MAX],
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

impl Lighting {
    /// Lamps of equal strength which, with the diffuse share, give `lux` on average over the room, 0.8 m above the floor.
    pub fn new(room: &Room, light: &Light, lux: f64) -> Self {
        let places: Vec<DVec3> =
            (light.luminaires.iter()).map(|l| DVec3::new(l.at_m.0, l.at_m.1, room.ceiling_m - LAMP_DROP_M)).collect();
        let share = if places.is_empty() { 0.0 } else { 1.0 - light.diffuse_share };
        let per_candela = mean_lux_per_candela(room, &places);
        let candela = if per_candela > 0.0 { lux * share / per_candela } else { 0.0 };
        let mut lamps = [Vec4::ZERO; LAMPS_MAX];
        for (lamp, place) in lamps.iter_mut().zip(&places) {
            *lamp = place.as_vec3().extend(candela as f32);
        }
        Lighting { diffuse_lux: (lux * (1.0 - share)) as f32, lamp_count: places.len() as u32, lamps }
    }
}

/// The mean horizontal illuminance in lx, 0.8 m above the floor, of lamps of 1 cd each.
fn mean_lux_per_candela(room: &Room, lamps: &[DVec3]) -> f64 {
    const GRID: usize = 24;
    let mut sum = 0.0;
    for i in 0..GRID {
        for j in 0..GRID {
            let part = |k: usize| (k as f64 + 0.5) / GRID as f64;
            let point = DVec3::new(room.size_m.0 * part(i), room.size_m.1 * part(j), MEASURED_AT_M);
            sum += lamps.iter().map(|lamp| lux_per_candela(*lamp, point)).sum::<f64>();
        }
    }
    sum / (GRID * GRID) as f64
}

/// The horizontal illuminance at a point of a lamp of 1 cd straight down: cos θ of the lamp, cos θ of the surface, and
/// the inverse square of the distance.
fn lux_per_candela(lamp: DVec3, point: DVec3) -> f64 {
    let to_lamp = lamp - point;
    let cos = to_lamp.z.max(0.0) / to_lamp.length();
    cos * cos / to_lamp.length_squared()
}
