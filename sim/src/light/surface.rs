//! What everything in the room looks like: its luminance at a level of 1 lx is baked into the corners of its triangles; the level
//! of an exposure scales it, the finish varies it, and the sun adds to it where a beam is.

use bevy::asset::uuid_handle;
use bevy::mesh::VertexBufferLayout;
use bevy::prelude::*;
use bevy::render::render_resource::binding_types::{sampler, texture_2d, texture_2d_array, uniform_buffer};
use bevy::render::render_resource::{
    BindGroupLayoutDescriptor, BindGroupLayoutEntries, ColorTargetState, ColorWrites, CompareFunction, DepthBiasState,
    DepthStencilState, Face, FragmentState, MultisampleState, PrimitiveState, RenderPipelineDescriptor,
    SamplerBindingType, ShaderStages, ShaderType, SpecializedRenderPipeline, StencilState, TextureFormat,
    TextureSampleType, VertexFormat, VertexState, VertexStepMode,
};
use bevy::render::view::ViewUniform;
use bevy::shader::{Shader, ShaderDefVal};
use scenes::{MIRRORS_MAX, Room, Sunlight, WINDOWS_MAX};

use super::finishes;
use super::vertices::{Look, Placed};

/// What the shader knows of the room and its light.
#[derive(Clone, Copy, Default, ShaderType)]
pub(super) struct Lighting {
    lux: f32,
    beams: u32,
    room_m: Vec2,
    /// Planes n · x = d as (n, d).
    mirrors: [Vec4; MIRRORS_MAX],
    u_of: [Vec4; WINDOWS_MAX],
    v_of: [Vec4; WINDOWS_MAX],
    /// Edges of the windows, m, in x and y.
    window_m: [Vec4; WINDOWS_MAX],
}

impl Lighting {
    pub fn new(lux: f64, room: &Room, sun: Option<&Sunlight>) -> Self {
        let room_m = Vec2::new(room.size_m.0 as f32, room.size_m.1 as f32);
        let mut lighting = Lighting { lux: lux as f32, room_m, ..default() };
        for (plane, mirror) in lighting.mirrors.iter_mut().zip(&room.mirrors) {
            let (rectangle, normal) = (room.part(mirror), room.part(mirror).normal());
            *plane = normal.extend(normal.dot(rectangle.corner)).as_vec4();
        }
        let row = |[x, y, z, w]: [f64; 4]| Vec4::new(x as f32, y as f32, z as f32, w as f32);
        for (i, beam) in sun.into_iter().flat_map(Sunlight::beams).enumerate() {
            lighting.beams = i as u32 + 1;
            (lighting.u_of[i], lighting.v_of[i]) = (row(beam.u_of), row(beam.v_of));
            lighting.window_m[i] = Vec4::new(beam.window_m[0] as f32, beam.window_m[1] as f32, 0.0, 0.0);
        }
        lighting
    }
}

const SHADER: Handle<Shader> = uuid_handle!("6a4f2f5e-7a5e-4b77-9b0e-2b6f5f8f6c01");
/// Layers by [`scenes::Finish::kind`].
pub(super) const FINISHES: Handle<Image> = uuid_handle!("6a4f2f5e-7a5e-4b77-9b0e-2b6f5f8f6c02");

/// Of pixels: luminances from 0.0001 to 60,000 cd/m², three of them.
pub(super) const FORMAT: TextureFormat = TextureFormat::Rgba16Float;
/// Of depths: 0 is infinitely far, as everywhere in Bevy.
pub(super) const DEPTH_FORMAT: TextureFormat = TextureFormat::Depth32Float;

/// Of the light on the floor: half floats are dense enough by far for what is then interpolated.
pub(super) const FLOOR_LIGHT_FORMAT: TextureFormat = TextureFormat::Rg16Float;

/// How surfaces are drawn.
#[derive(Resource)]
pub(super) struct SurfacePipeline {
    /// The view, the level, the finishes and their sampler, the light on the floor and its sampler.
    pub layout: BindGroupLayoutDescriptor,
}

/// The ways of drawing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Way {
    /// Whether the sun shines into the room.
    pub sunny: bool,
    /// The floor has its light from a texture, all else from its corners.
    pub floor: bool,
    /// What is seen in a mirror turns the other way round.
    pub mirrored: bool,
    /// Samples of a pixel.
    pub samples: u32,
}

impl FromWorld for SurfacePipeline {
    fn from_world(_: &mut World) -> Self {
        let entries = BindGroupLayoutEntries::sequential(
            ShaderStages::VERTEX_FRAGMENT,
            (
                uniform_buffer::<ViewUniform>(true),
                uniform_buffer::<Lighting>(false),
                texture_2d_array(TextureSampleType::Float { filterable: true }),
                sampler(SamplerBindingType::Filtering),
                texture_2d(TextureSampleType::Float { filterable: true }),
                sampler(SamplerBindingType::Filtering),
            ),
        );
        SurfacePipeline { layout: BindGroupLayoutDescriptor::new("surfaces", &entries) }
    }
}

impl SpecializedRenderPipeline for SurfacePipeline {
    type Key = Way;

    fn specialize(&self, way: Way) -> RenderPipelineDescriptor {
        let defined = [(way.sunny || way.floor, "PLACE"), (way.sunny, "SUN"), (way.floor, "FLOOR")];
        let lengths = [("MIRRORS_MAX", MIRRORS_MAX), ("WINDOWS_MAX", WINDOWS_MAX)];
        let lengths = lengths.map(|(name, length)| ShaderDefVal::UInt(name.into(), length as u32));
        let defined = defined.into_iter().filter(|(holds, _)| *holds).map(|(_, name)| name.into());
        let shader_defs: Vec<ShaderDefVal> = defined.chain(lengths).collect();
        use VertexFormat::{Float32x2, Float32x3, Float32x4};
        let looks = VertexBufferLayout::from_vertex_formats(VertexStepMode::Vertex, [Float32x2, Float32x4]);
        let placed = VertexBufferLayout::from_vertex_formats(VertexStepMode::Vertex, [Float32x3, Float32x2]);
        let placed = placed.offset_locations_by(looks.attributes.len() as u32);
        assert_eq!(looks.array_stride, size_of::<Look>() as u64);
        assert_eq!(placed.array_stride, size_of::<Placed>() as u64);
        RenderPipelineDescriptor {
            label: Some("surfaces".into()),
            layout: vec![self.layout.clone()],
            vertex: VertexState {
                shader: SHADER,
                shader_defs: shader_defs.clone(),
                buffers: vec![looks, placed],
                ..default()
            },
            fragment: Some(FragmentState {
                shader: SHADER,
                shader_defs,
                targets: vec![Some(ColorTargetState { format: FORMAT, blend: None, write_mask: ColorWrites::ALL })],
                ..default()
            }),
            primitive: PrimitiveState {
                cull_mode: Some(if way.mirrored { Face::Front } else { Face::Back }),
                ..default()
            },
            depth_stencil: Some(DepthStencilState {
                format: DEPTH_FORMAT,
                depth_write_enabled: Some(true),
                depth_compare: Some(CompareFunction::Greater),
                stencil: StencilState::default(),
                bias: DepthBiasState::default(),
            }),
            multisample: MultisampleState { count: way.samples, ..default() },
            ..default()
        }
    }
}

/// Adds the shader and the finishes.
pub(super) fn plugin(app: &mut App) {
    const ANY: &str = "a handle made of a UUID takes any asset";
    let shader = Shader::from_wgsl(include_str!("surface.wgsl"), "sim/src/light/surface.wgsl");
    app.world_mut().resource_mut::<Assets<Shader>>().insert(&SHADER, shader).expect(ANY);
    app.world_mut().resource_mut::<Assets<Image>>().insert(&FINISHES, finishes::texture()).expect(ANY);
}
