//! Getting a rendered picture off the GPU under the number of the exposure it was rendered for.
//!
//! Bevy's readback carries no frame number; each exposure has a readback entity of its own, alive for exactly one
//! rendered frame, and that entity is the tag.

use std::collections::BTreeMap;

use bevy::prelude::*;
use bevy::render::gpu_readback::{Readback, ReadbackComplete};
use bevy::render::render_resource::PollType;
use bevy::render::renderer::{RenderAdapterInfo, RenderDevice};
use device_model::{Pinhole, Radiance};
use half::f16;
use half::slice::HalfFloatSliceExt;
use scenarios::LightError;

/// Pictures that have arrived, by their readback entity.
#[derive(Resource, Default)]
struct Arrived(BTreeMap<Entity, Vec<u8>>);

/// Collects every readback that completes.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Arrived>();
    app.add_observer(|mut complete: On<ReadbackComplete>, mut arrived: ResMut<Arrived>| {
        let entity = complete.entity;
        arrived.0.insert(entity, std::mem::take(&mut complete.data));
    });
}

/// Asks for the picture that the coming frame renders into `image`.
pub(super) fn request(world: &mut World, image: Handle<Image>) -> Entity {
    world.spawn(Readback::texture(image)).id()
}

/// The frame is rendered: no further frame is to be read back under this entity.
pub(super) fn requested(world: &mut World, entity: Entity) {
    world.entity_mut(entity).remove::<Readback>();
}

/// Blocks until all that was submitted to the GPU is done and its readbacks are mapped.
pub(super) fn wait(app: &App) -> Result<(), LightError> {
    let device = app.world().resource::<RenderDevice>();
    let polled = device.poll(PollType::wait_indefinitely());
    polled.map(|_| ()).map_err(|error| LightError::Device { reason: error.to_string() })
}

/// The bytes read back under an entity, which ends with it.
pub(super) fn take(world: &mut World, entity: Entity) -> Option<Vec<u8>> {
    let bytes = world.resource_mut::<Arrived>().0.remove(&entity);
    world.despawn(entity);
    bytes
}

/// Luminance from the half floats of an RGBA picture, whose rows may be padded.
pub(super) fn decode(bytes: &[u8], pinhole: &Pinhole, seq: u64) -> Result<Radiance, LightError> {
    let (width, height) = (pinhole.width as usize, pinhole.height as usize);
    let row_bytes = bytes.len() / height.max(1);
    if !bytes.len().is_multiple_of(height.max(1)) || row_bytes < width * 8 {
        return Err(LightError::Lost { seq });
    }
    let mut halves = vec![f16::ZERO; width * 4];
    let mut floats = vec![0f32; width * 4];
    let mut pixels = Vec::with_capacity(width * height);
    for row in bytes.chunks_exact(row_bytes) {
        for (half, bytes) in halves.iter_mut().zip(row.chunks_exact(2)) {
            *half = f16::from_le_bytes([bytes[0], bytes[1]]);
        }
        halves.convert_to_f32_slice(&mut floats);
        pixels.extend(floats.chunks_exact(4).map(|rgba| [rgba[0], rgba[1], rgba[2]]));
    }
    Ok(Radiance { width: pinhole.width, height: pinhole.height, pixels })
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
