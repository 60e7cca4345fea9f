//! What the window remembers from one time to the next: what is shown, and how large it was.

use std::path::{Path, PathBuf};
use std::{env, fs};

use serde::{Deserialize, Serialize};

/// What can be drawn over the sensor's picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Layer {
    Detections,
    Tracks,
    Trails,
    Truth,
    Regions,
    Line,
    Flow,
    Masks,
}

impl Layer {
    pub const ALL: [Layer; 8] = [
        Layer::Detections,
        Layer::Tracks,
        Layer::Trails,
        Layer::Truth,
        Layer::Regions,
        Layer::Line,
        Layer::Flow,
        Layer::Masks,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Layer::Detections => "Detections",
            Layer::Tracks => "Tracks",
            Layer::Trails => "Trails",
            Layer::Truth => "Truth",
            Layer::Regions => "Regions",
            Layer::Line => "Line",
            Layer::Flow => "Flow",
            Layer::Masks => "Masks",
        }
    }

    /// For whoever points at its switch.
    pub fn hint(self) -> &'static str {
        match self {
            Layer::Detections => {
                "What the detector found in this frame alone: a box, thick around who stands, and the head"
            }
            Layer::Tracks => "Who is followed, with a number, where the device has them stand",
            Layer::Trails => "Where they went in the last 3 s",
            Layer::Truth => {
                "Who really is there: a ring around the head, a square at the feet; grey if hardly to be seen"
            }
            Layer::Regions => "Regions in which people are counted",
            Layer::Line => "The line of line crossing counting; the arrow points to In",
            Layer::Flow => "The region of people flow analysis, with its edges A, B, C, D",
            Layer::Masks => "Privacy masks",
        }
    }
}

/// From which side the room is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Orbit {
    /// Where the camera is, counter-clockwise from the room's +x seen from above, degrees.
    pub azimuth_deg: f64,
    /// How high above the horizon, degrees; 90 is the top view.
    pub elevation_deg: f64,
    /// How far from what it looks at, times what shows all of the room.
    pub distance: f64,
    /// What it looks at, from the room's middle, m.
    pub aside_m: (f64, f64),
}

impl Default for Orbit {
    fn default() -> Self {
        Orbit { azimuth_deg: -120.0, elevation_deg: 42.0, distance: 1.0, aside_m: (0.0, 0.0) }
    }
}

/// What is remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Layout {
    /// Of the window, in points.
    pub size: (f32, f32),
    pub layers: Vec<Layer>,
    pub orbit: Orbit,
    pub speed: f64,
}

impl Default for Layout {
    fn default() -> Self {
        let hidden = [Layer::Detections];
        let layers = Layer::ALL.into_iter().filter(|layer| !hidden.contains(layer)).collect();
        Layout { size: (1280.0, 720.0), layers, orbit: Orbit::default(), speed: 1.0 }
    }
}

impl Layout {
    pub fn shows(&self, layer: Layer) -> bool {
        self.layers.contains(&layer)
    }

    /// Switches a layer.
    pub fn switch(&mut self, layer: Layer) {
        if self.shows(layer) {
            self.layers.retain(|other| *other != layer);
        } else {
            self.layers.push(layer);
        }
    }

    /// The remembered layout; one that is not there or cannot be read is the default, for it is nobody's work.
    pub fn read(file: Option<&Path>) -> Self {
        let text = file.and_then(|file| fs::read_to_string(file).ok());
        let layout: Layout = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let (width, height) = layout.size;
        let size = (width.clamp(SIZE_MIN.0, SIZE_MAX), height.clamp(SIZE_MIN.1, SIZE_MAX));
        Layout { size, ..layout }
    }

    /// Remembers it.
    pub fn write(&self, file: &Path) -> std::io::Result<()> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(file, serde_json::to_string_pretty(self).expect("text keys and finite numbers always serialise"))
    }
}

/// The smallest window in which nothing is cut off, in points.
pub const SIZE_MIN: (f32, f32) = (1120.0, 640.0);
const SIZE_MAX: f32 = 16_000.0;

/// Where the layout is remembered: in the user's folder for settings, if there is one.
pub fn file() -> Option<PathBuf> {
    let folder = |name: &str| env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    let settings = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")))?;
    Some(settings.join("twin/view.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_what_is_broken_is_the_default() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a/view.json");
        let mut layout = Layout::read(Some(&file));
        assert_eq!(layout, Layout::default(), "there is none yet");
        layout.switch(Layer::Truth);
        layout.switch(Layer::Detections);
        (layout.speed, layout.orbit.azimuth_deg) = (5.0, 33.0);
        layout.write(&file).unwrap();
        let again = Layout::read(Some(&file));
        assert_eq!(again, layout);
        assert!(again.shows(Layer::Detections) && !again.shows(Layer::Truth));
        for broken in ["", "{\"layers\": 7}", "not json"] {
            fs::write(&file, broken).unwrap();
            assert_eq!(Layout::read(Some(&file)), Layout::default(), "{broken}");
        }
        fs::write(&file, "{\"size\": [3, 1e30]}").unwrap();
        assert_eq!(Layout::read(Some(&file)).size, (SIZE_MIN.0, SIZE_MAX), "no window that one cannot find");
    }
}
