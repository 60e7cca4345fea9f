//! Getting a rendered picture off the GPU: what the camera has drawn in an update is copied in that same update, and waited
//! for.

use bevy::prelude::*;
use bevy::render::render_resource::{
    Buffer, BufferDescriptor, BufferUsages, CommandEncoderDescriptor, MapMode, PollType, TexelCopyBufferInfo,
    TexelCopyBufferLayout,
};
use bevy::render::renderer::{RenderAdapterInfo, RenderDevice, RenderQueue};
use bevy::render::view::ViewTarget;
use bevy::render::{Render, RenderApp, RenderSystems};
use device_model::{Pinhole, Radiance};
use half::f16;
use half::slice::HalfFloatSliceExt;
use scenarios::LightError;

/// Bytes of a pixel: four half floats.
const PIXEL_BYTES: u32 = 8;

/// What the last update has drawn.
#[derive(Resource, Default)]
struct Drawn {
    buffer: Option<Buffer>,
    /// Bytes from row to row; 0 when the update has drawn nothing.
    row_bytes: u32,
}

/// Copies what the camera has drawn, at the end of every update.
pub(super) fn plugin(app: &mut App) {
    let render = app.sub_app_mut(RenderApp);
    render.init_resource::<Drawn>();
    render.add_systems(Render, copy_out.in_set(RenderSystems::Cleanup));
}

fn copy_out(views: Query<&ViewTarget>, device: Res<RenderDevice>, queue: Res<RenderQueue>, mut drawn: ResMut<Drawn>) {
    drawn.row_bytes = 0;
    let Ok(view) = views.single() else { return };
    let texture = view.main_texture();
    let size = texture.size();
    let row_bytes = RenderDevice::align_copy_bytes_per_row((size.width * PIXEL_BYTES) as usize) as u32;
    let bytes = u64::from(row_bytes) * u64::from(size.height);
    if drawn.buffer.as_ref().is_none_or(|buffer| buffer.size() != bytes) {
        let usage = BufferUsages::COPY_DST | BufferUsages::MAP_READ;
        drawn.buffer = Some(device.create_buffer(&BufferDescriptor {
            label: None,
            size: bytes,
            usage,
            mapped_at_creation: false,
        }));
    }
    let Some(buffer) = &drawn.buffer else { return };
    let mut encoder = device.create_command_encoder(&CommandEncoderDescriptor::default());
    let layout = TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(row_bytes), rows_per_image: None };
    encoder.copy_texture_to_buffer(texture.as_image_copy(), TexelCopyBufferInfo { buffer, layout }, size);
    queue.submit([encoder.finish()]);
    drawn.row_bytes = row_bytes;
}

/// Blocks until all that was submitted to the GPU is done.
pub(super) fn wait(app: &App) -> Result<(), LightError> {
    let polled = app.world().resource::<RenderDevice>().poll(PollType::wait_indefinitely());
    polled.map(|_| ()).map_err(|error| LightError::Device { reason: error.to_string() })
}

/// Adds the luminance of what the last update has drawn to `sum`. `false` when it has drawn nothing.
pub(super) fn add_drawn(app: &App, pinhole: &Pinhole, sum: &mut [[f32; 3]]) -> Result<bool, LightError> {
    let render = app.sub_app(RenderApp).world();
    let drawn = render.resource::<Drawn>();
    let (width, rows) = (pinhole.width as usize, sum.chunks_exact_mut(pinhole.width as usize));
    let Some(buffer) = drawn.buffer.as_ref().filter(|_| drawn.row_bytes > 0) else { return Ok(false) };
    if buffer.size() != u64::from(drawn.row_bytes) * u64::from(pinhole.height) {
        return Ok(false);
    }
    let slice = buffer.slice(..);
    let (told, mapped) = std::sync::mpsc::channel();
    slice.map_async(MapMode::Read, move |result| {
        // Whoever waited may be gone.
        told.send(result).ok();
    });
    wait(app)?;
    let failed = |reason: String| LightError::Device { reason };
    let mapped = mapped.try_recv().map_err(|_| failed("a picture was never mapped".to_owned()))?;
    mapped.map_err(|error| failed(error.to_string()))?;
    let bytes = slice.get_mapped_range();
    let mut halves = vec![f16::ZERO; width * 4];
    let mut floats = vec![0f32; width * 4];
    for (row, bytes) in rows.zip(bytes.chunks_exact(drawn.row_bytes as usize)) {
        for (half, bytes) in halves.iter_mut().zip(bytes.chunks_exact(2)) {
            *half = f16::from_le_bytes([bytes[0], bytes[1]]);
        }
        halves.convert_to_f32_slice(&mut floats);
        for (sum, rgba) in row.iter_mut().zip(floats.chunks_exact(4)) {
            (0..3).for_each(|channel| sum[channel] += rgba[channel]);
        }
    }
    drop(bytes);
    buffer.unmap();
    Ok(true)
}

/// The dark, to which pictures are added.
pub(super) fn dark(pinhole: &Pinhole) -> Radiance {
    Radiance::uniform(pinhole.width, pinhole.height, 0.0)
}

/// Name and driver of the adapter.
pub(super) fn adapter_name(app: &App) -> String {
    let info = app.world().resource::<RenderAdapterInfo>();
    format!("{} ({:?}, {})", info.name, info.backend, info.driver_info)
}

/// Vulkan, or what the system has in its place; OpenGL would come with a window system.
pub(super) const BACKENDS: wgpu::Backends = wgpu::Backends::PRIMARY;

/// Bevy panics when there is no adapter; look before it does.
pub(super) fn require_adapter() -> Result<(), LightError> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = BACKENDS;
    let instance = wgpu::Instance::new(descriptor);
    let options = wgpu::RequestAdapterOptions::default();
    match bevy::tasks::block_on(instance.request_adapter(&options)) {
        Ok(_) => Ok(()),
        Err(_) => Err(LightError::NoAdapter),
    }
}
