//! Pictures on the screen that change: textures of Bevy's that egui shows.
//!
//! Egui's own would do, but bevy_egui gives a changed one to the driver an update late, and draws nothing in its place meanwhile.

use bevy::asset::{Assets, Handle, RenderAssetUsages};
use bevy::image::{Image, ImageSampler};
use bevy::render::render_resource::{Extent3d, TextureDimension, TextureFormat};
use bevy_egui::egui::{Color32, Painter, Pos2, Rect, TextureId, pos2};
use bevy_egui::{EguiTextureHandle, EguiUserTextures};

/// 8-bit sRGB pixels with alpha, row by row from the top left.
pub struct Pixels {
    pub width: u32,
    pub height: u32,
    pub rgba: Vec<u8>,
}

/// A place for one picture after the other.
#[derive(Default)]
pub struct Canvas {
    image: Option<(Handle<Image>, TextureId)>,
}

impl Canvas {
    /// Shows this from now on. To be called before the update draws.
    pub fn set(&mut self, pixels: Pixels, images: &mut Assets<Image>, textures: &mut EguiUserTextures) {
        let size = Extent3d { width: pixels.width, height: pixels.height, depth_or_array_layers: 1 };
        let (format, usages) = (TextureFormat::Rgba8UnormSrgb, RenderAssetUsages::default());
        let mut image = Image::new(size, TextureDimension::D2, pixels.rgba, format, usages);
        image.sampler = ImageSampler::linear();
        if let Some((handle, _)) = &self.image
            && let Some(mut before) = images.get_mut(handle)
        {
            *before = image;
            return;
        }
        let handle = images.add(image);
        let id = textures.add_image(EguiTextureHandle::Strong(handle.clone()));
        self.image = Some((handle, id));
    }

    /// Whether there is a picture yet.
    pub fn is_empty(&self) -> bool {
        self.image.is_none()
    }

    /// Draws the picture over a place.
    pub fn paint(&self, painter: &Painter, place: Rect) {
        if let Some((_, id)) = &self.image {
            painter.image(*id, place, Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0)), Color32::WHITE);
        }
    }
}
