//! Getting a rendered picture off the GPU: what the camera has drawn in an update is copied in that same update, and waited
//! for.

use bevy::prelude::*;
use bevy::render::RenderApp;
use bevy::render::render_resource::{
    Buffer, BufferDescriptor, BufferUsages, CommandEncoder, MapMode, PollType, TexelCopyBufferInfo,
    TexelCopyBufferLayout, Texture,
};
use bevy::render::renderer::{RenderAdapterInfo, RenderDevice};
use device_model::{Pinhole, Radiance};
use half::f16;
use half::slice::HalfFloatSliceExt;
use scenarios::LightError;

/// Bytes of a pixel: four half floats.
const PIXEL_BYTES: u32 = 8;

/// What was drawn last.
#[derive(Resource, Default)]
pub(super) struct Drawn {
    buffer: Option<Buffer>,
    /// Columns and rows; (0, 0) when nothing was drawn since it was read.
    size: (u32, u32),
    /// Why nothing will ever be drawn.
    pub failed: Option<String>,
}

/// Bytes from row to row.
fn row_bytes(width: u32) -> u32 {
    RenderDevice::align_copy_bytes_per_row((width * PIXEL_BYTES) as usize) as u32
}

impl Drawn {
    /// Has a picture copied to where it can be read, after all that `encoder` was told before.
    pub fn copy(&mut self, texture: &Texture, device: &RenderDevice, encoder: &mut CommandEncoder) {
        let size = texture.size();
        let row_bytes = row_bytes(size.width);
        let bytes = u64::from(row_bytes) * u64::from(size.height);
        let buffer = self.buffer.take().filter(|buffer| buffer.size() == bytes);
        let buffer = buffer.unwrap_or_else(|| {
            let usage = BufferUsages::COPY_DST | BufferUsages::MAP_READ;
            device.create_buffer(&BufferDescriptor { label: None, size: bytes, usage, mapped_at_creation: false })
        });
        let layout = TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(row_bytes), rows_per_image: None };
        let to = TexelCopyBufferInfo { buffer: &buffer, layout };
        encoder.copy_texture_to_buffer(texture.as_image_copy(), to, size);
        (self.buffer, self.size) = (Some(buffer), (size.width, size.height));
    }
}

/// Blocks until all that was submitted to the GPU is done.
pub(super) fn wait(app: &App) -> Result<(), LightError> {
    let polled = app.world().resource::<RenderDevice>().poll(PollType::wait_indefinitely());
    polled.map(|_| ()).map_err(|error| LightError::Device { reason: error.to_string() })
}

/// Adds the luminance of what was drawn to `sum`. `false` when nothing was since this was asked last.
pub(super) fn add_drawn(app: &mut App, pinhole: &Pinhole, sum: &mut [[f32; 3]]) -> Result<bool, LightError> {
    let mut drawn = app.sub_app_mut(RenderApp).world_mut().resource_mut::<Drawn>();
    if let Some(reason) = drawn.failed.take() {
        return Err(LightError::Device { reason });
    }
    let drawn_size = std::mem::take(&mut drawn.size);
    let Some(buffer) = drawn.buffer.clone().filter(|_| drawn_size == (pinhole.width, pinhole.height)) else {
        return Ok(false);
    };
    let (width, rows) = (pinhole.width as usize, sum.chunks_exact_mut(pinhole.width as usize));
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
    for (row, bytes) in rows.zip(bytes.chunks_exact(row_bytes(pinhole.width) as usize)) {
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
pub(crate) const BACKENDS: wgpu::Backends = wgpu::Backends::PRIMARY;

/// Bevy panics when there is no adapter; look before it does.
pub(crate) fn require_adapter() -> Result<(), LightError> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = BACKENDS;
    let instance = wgpu::Instance::new(descriptor);
    let options = wgpu::RequestAdapterOptions::default();
    match bevy::tasks::block_on(instance.request_adapter(&options)) {
        Ok(_) => Ok(()),
        Err(_) => Err(LightError::NoAdapter),
    }
}
