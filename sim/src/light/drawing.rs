//! Drawing the scene: the corners of its triangles go to the graphics driver as they are, and one pass of the camera's own
//! schedule draws them and copies the picture to where it can be read.
//!
//! Bevy's own meshes and materials would do the same; but what they prepare for thousands of things costs more here, where
//! all is new in every picture, than three parts take to draw.

use bevy::ecs::schedule::ScheduleLabel;
use bevy::prelude::*;
use bevy::render::render_asset::RenderAssets;
use bevy::render::render_resource::{
    BindGroupEntries, BufferUsages, CachedPipelineState, Extent3d, FilterMode, IndexFormat, LoadOp, Operations,
    PipelineCache, RawBufferVec, RenderPassDepthStencilAttachment, RenderPassDescriptor, Sampler, SamplerDescriptor,
    SpecializedRenderPipelines, StoreOp, TexelCopyBufferLayout, Texture, TextureDescriptor, TextureDimension,
    TextureUsages, TextureView, TextureViewDescriptor, UniformBuffer,
};
use bevy::render::renderer::{RenderContext, RenderDevice, RenderQueue, ViewQuery};
use bevy::render::texture::{GpuImage, TextureCache};
use bevy::render::view::{ViewTarget, ViewUniformOffset, ViewUniforms};
use bevy::render::{ExtractSchedule, MainWorld, Render, RenderApp, RenderSystems};
use bevy::shader::ShaderCacheError;

use super::geometry::FloorTexels;
use super::readback::Drawn;
use super::surface::{DEPTH_FORMAT, FINISHES, FLOOR_LIGHT_FORMAT, Lighting, SurfacePipeline, Way};
use super::vertices::{Look, Placed, Vertices};

/// The schedule of the sensor's camera.
#[derive(ScheduleLabel, Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct SensorView;

/// A part of the scene that changes as one. In the order in which they are drawn: what is near hides what is drawn later,
/// which is then not shaded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Moving,
    Fixed,
    Floor,
}

const PARTS: usize = 3;

/// What the next update draws.
#[derive(Resource, Default)]
pub(super) struct Shown {
    pub lighting: Lighting,
    /// Whether the sun shines into the room.
    pub sunny: bool,
    pub mirrors: u32,
    /// The light on the floor where it has changed.
    pub floor_light: Option<FloorTexels>,
    changed: [Option<Vertices>; PARTS],
}

impl Shown {
    /// Draws a part so from now on.
    pub fn change(&mut self, part: Part, vertices: Vertices) {
        self.changed[part as usize] = Some(vertices);
    }
}

/// A part in the driver's memory.
struct Sent {
    looks: RawBufferVec<Look>,
    placed: RawBufferVec<Placed>,
    indices: RawBufferVec<u32>,
    /// Places have changed.
    moved: bool,
    /// Looks or triangles have.
    rebuilt: bool,
}

impl Sent {
    fn change(&mut self, Vertices { looks, placed, indices }: Vertices) {
        // As long as the same people walk about only their places are new.
        let others = *self.looks.values() != looks || *self.indices.values() != indices;
        *self.placed.values_mut() = placed;
        if others {
            *self.looks.values_mut() = looks;
            *self.indices.values_mut() = indices;
        }
        self.moved = true;
        self.rebuilt |= others;
    }

    fn send(&mut self, device: &RenderDevice, queue: &RenderQueue) {
        if std::mem::take(&mut self.moved) {
            self.placed.write_buffer(device, queue);
        }
        if std::mem::take(&mut self.rebuilt) {
            self.looks.write_buffer(device, queue);
            self.indices.write_buffer(device, queue);
        }
    }
}

impl Default for Sent {
    fn default() -> Self {
        Sent {
            looks: RawBufferVec::new(BufferUsages::VERTEX),
            placed: RawBufferVec::new(BufferUsages::VERTEX),
            indices: RawBufferVec::new(BufferUsages::INDEX),
            moved: false,
            rebuilt: false,
        }
    }
}

/// What is drawn: the driver's side.
#[derive(Resource, Default)]
struct Surfaces {
    lighting: UniformBuffer<Lighting>,
    sunny: bool,
    mirrors: u32,
    parts: [Sent; PARTS],
    new_floor_light: Option<FloorTexels>,
    floor_light: Option<FloorLight>,
}

/// The light on the floor in the driver's memory.
struct FloorLight {
    texture: Texture,
    view: TextureView,
    sampler: Sampler,
}

impl FloorLight {
    fn new(device: &RenderDevice, size: Extent3d) -> Self {
        let texture = device.create_texture(&TextureDescriptor {
            label: Some("light on the floor"),
            size,
            mip_level_count: 1,
            sample_count: 1,
            dimension: TextureDimension::D2,
            format: FLOOR_LIGHT_FORMAT,
            usage: TextureUsages::TEXTURE_BINDING | TextureUsages::COPY_DST,
            view_formats: &[],
        });
        let view = texture.create_view(&TextureViewDescriptor::default());
        let filter = FilterMode::Linear;
        let sampler = device.create_sampler(&SamplerDescriptor { mag_filter: filter, min_filter: filter, ..default() });
        FloorLight { texture, view, sampler }
    }
}

/// Adds the drawing, and [`Shown`].
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Shown>();
    let render = app.sub_app_mut(RenderApp);
    render
        .init_resource::<Surfaces>()
        .init_resource::<SurfacePipeline>()
        .init_resource::<SpecializedRenderPipelines<SurfacePipeline>>()
        .init_resource::<Drawn>()
        .add_schedule(Schedule::new(SensorView))
        .add_systems(ExtractSchedule, extract)
        .add_systems(Render, send.in_set(RenderSystems::PrepareResources))
        .add_systems(SensorView, draw);
}

fn extract(mut main: ResMut<MainWorld>, mut surfaces: ResMut<Surfaces>) {
    let mut shown = main.resource_mut::<Shown>();
    *surfaces.lighting.get_mut() = shown.lighting;
    (surfaces.sunny, surfaces.mirrors) = (shown.sunny, shown.mirrors);
    surfaces.new_floor_light = shown.floor_light.take();
    for (sent, changed) in surfaces.parts.iter_mut().zip(&mut shown.changed) {
        if let Some(vertices) = changed.take() {
            sent.change(vertices);
        }
    }
}

fn send(mut surfaces: ResMut<Surfaces>, device: Res<RenderDevice>, queue: Res<RenderQueue>) {
    if let Some(FloorTexels { size: (width, height), texels }) = surfaces.new_floor_light.take() {
        let size = Extent3d { width, height, depth_or_array_layers: 1 };
        let before = surfaces.floor_light.take().filter(|light| light.texture.size() == size);
        let light = before.unwrap_or_else(|| FloorLight::new(&device, size));
        let bytes: Vec<u8> = texels.iter().flatten().flat_map(|value| value.to_le_bytes()).collect();
        let texel_bytes = (bytes.len() / texels.len()) as u32;
        let layout =
            TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(width * texel_bytes), rows_per_image: None };
        queue.write_texture(light.texture.as_image_copy(), &bytes, layout, size);
        surfaces.floor_light = Some(light);
    }
    surfaces.lighting.write_buffer(&device, &queue);
    for part in &mut surfaces.parts {
        part.send(&device, &queue);
    }
}

fn draw(
    view: ViewQuery<(&ViewTarget, &ViewUniformOffset, &Msaa)>,
    (surfaces, uniforms, images): (Res<Surfaces>, Res<ViewUniforms>, Res<RenderAssets<GpuImage>>),
    (pipeline, mut pipelines): (Res<SurfacePipeline>, ResMut<SpecializedRenderPipelines<SurfacePipeline>>),
    cache: Res<PipelineCache>,
    mut textures: ResMut<TextureCache>,
    mut drawn: ResMut<Drawn>,
    mut context: RenderContext,
) {
    let (target, offset, msaa) = view.into_inner();
    let Some(finishes) = images.get(&FINISHES) else { return };
    let (Some(view), Some(lighting)) = (uniforms.uniforms.binding(), surfaces.lighting.binding()) else { return };
    let Some(floor_light) = &surfaces.floor_light else { return };
    let images_of = [(false, 0..1), (true, 1..1 + surfaces.mirrors)];
    let images_of = images_of.into_iter().filter(|(_, instances)| !instances.is_empty());
    let mut draws = Vec::new();
    for (mirrored, instances) in images_of {
        for part in [Part::Moving, Part::Fixed, Part::Floor] {
            let floor = part == Part::Floor;
            let way = Way { sunny: surfaces.sunny, floor, mirrored, samples: msaa.samples() };
            draws.push((part, pipelines.specialize(&cache, &pipeline, way), instances.clone()));
        }
    }
    // Pipelines that a scene needs first are made in the update after; till then nothing is drawn.
    for (_, id, _) in &draws {
        match cache.get_render_pipeline_state(*id) {
            CachedPipelineState::Ok(_) => {}
            CachedPipelineState::Err(
                ShaderCacheError::ShaderNotLoaded(_) | ShaderCacheError::ShaderImportNotYetAvailable,
            )
            | CachedPipelineState::Queued
            | CachedPipelineState::Creating(_) => return,
            CachedPipelineState::Err(error) => {
                drawn.failed = Some(error.to_string());
                return;
            }
        }
    }
    let bindings = context.render_device().create_bind_group(
        "surfaces",
        &cache.get_bind_group_layout(&pipeline.layout),
        &BindGroupEntries::sequential((
            view,
            lighting,
            &finishes.texture_view,
            &finishes.sampler,
            &floor_light.view,
            &floor_light.sampler,
        )),
    );
    let size = target.main_texture().size();
    let depth = textures.get(
        context.render_device(),
        TextureDescriptor {
            label: Some("depth"),
            size,
            mip_level_count: 1,
            sample_count: msaa.samples(),
            dimension: TextureDimension::D2,
            format: DEPTH_FORMAT,
            usage: TextureUsages::RENDER_ATTACHMENT,
            view_formats: &[],
        },
    );
    let mut pass = context.begin_tracked_render_pass(RenderPassDescriptor {
        label: Some("surfaces"),
        color_attachments: &[Some(target.get_color_attachment())],
        depth_stencil_attachment: Some(RenderPassDepthStencilAttachment {
            view: &depth.default_view,
            depth_ops: Some(Operations { load: LoadOp::Clear(0.0), store: StoreOp::Discard }),
            stencil_ops: None,
        }),
        timestamp_writes: None,
        occlusion_query_set: None,
        multiview_mask: None,
    });
    pass.set_bind_group(0, &bindings, &[offset.offset]);
    for (part, id, instances) in draws {
        let Sent { looks, placed, indices, .. } = &surfaces.parts[part as usize];
        let count = indices.len() as u32;
        let (Some(looks), Some(placed), Some(indices)) = (looks.buffer(), placed.buffer(), indices.buffer()) else {
            continue;
        };
        let Some(pipeline) = cache.get_render_pipeline(id) else { continue };
        pass.set_render_pipeline(pipeline);
        pass.set_vertex_buffer(0, looks.slice(..));
        pass.set_vertex_buffer(1, placed.slice(..));
        pass.set_index_buffer(indices.slice(..), IndexFormat::Uint32);
        pass.draw_indexed(0..count, 0, instances);
    }
    drop(pass);
    let device = context.render_device().clone();
    drawn.copy(target.main_texture(), &device, context.command_encoder());
}
