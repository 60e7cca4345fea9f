//! *Privacy Mask* (guide §5.3.5).

use serde::{Deserialize, Serialize};

use super::NAME_BYTES_MAX;
use super::json::Json;
use super::problem::Problems;
use super::reading::{Place, Read, StandIn};
use super::region::Polygon;

/// *Privacy Mask* (guide §5.3.5): nothing below is ever seen, and nobody there counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrivacyMask {
    /// Whether masks are in use at all.
    pub enable: bool,
    /// What they are painted with.
    pub color: MaskColor,
    /// At most 8.
    pub masks: Vec<Mask>,
}

impl Default for PrivacyMask {
    fn default() -> Self {
        PrivacyMask { enable: true, color: MaskColor::White, masks: vec![] }
    }
}

/// *Type* of masks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum MaskColor {
    White,
    Black,
}

impl MaskColor {
    /// Red, green, blue.
    pub fn rgb(self) -> [u8; 3] {
        match self {
            MaskColor::White => [255; 3],
            MaskColor::Black => [0; 3],
        }
    }
}

/// One mask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mask {
    /// A name for people.
    #[serde(default)]
    pub name: String,
    /// Whether it is in use. On unless said otherwise: a mask is drawn to be used.
    #[serde(default = "enabled")]
    pub enable: bool,
    /// Its outline in normalised image coordinates.
    pub polygon: Polygon,
}

fn enabled() -> bool {
    true
}

/// Masks a device can hold (guide §5.3.5).
const MASKS_MAX: usize = 8;

impl PrivacyMask {
    pub(super) fn check(&self, problems: &mut Problems) {
        if self.masks.len() > MASKS_MAX {
            problems.add("masks", format!("must be at most {MASKS_MAX} masks, not {}", self.masks.len()));
        }
        for (i, mask) in self.masks.iter().enumerate().filter(|(_, mask)| mask.name.len() > NAME_BYTES_MAX) {
            let message = format!("must be at most {NAME_BYTES_MAX} bytes long, not {}", mask.name.len());
            problems.add(format!("masks[{i}].name"), message);
        }
    }

    /// The masks in use.
    pub fn in_use(&self) -> impl Iterator<Item = &Mask> {
        self.masks.iter().filter(|mask| self.enable && mask.enable)
    }
}

impl Read for PrivacyMask {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        let PrivacyMask { enable, color, masks } = PrivacyMask::default();
        place.group(json, |group| PrivacyMask {
            enable: group.or("enable", enable),
            color: group.or("color", color),
            masks: group.or("masks", masks),
        })
    }
}

impl Read for MaskColor {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        place.name(json, &[("White", MaskColor::White), ("Black", MaskColor::Black)])
    }
}

impl Read for Mask {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        place.group(json, |group| Mask {
            name: group.or("name", String::new()),
            enable: group.or("enable", enabled()),
            polygon: group.must("polygon"),
        })
    }
}

impl StandIn for Mask {
    fn stand_in() -> Self {
        Mask { name: String::new(), enable: enabled(), polygon: Polygon::stand_in() }
    }
}
