//! COCO's format for boxes and keypoints, and putting parts together.

use std::fs;
use std::path::{Path, PathBuf};

use analytics::Posture;
use anyhow::{Context, bail};
use firmware_shim::View;
use glam::DVec2;
use scenarios::{Sample, SamplePerson};
use serde_json::{Value, json};

use crate::outcome::say;

/// The file of a whole dataset.
pub(super) const ALL: &str = "annotations.json";
/// Identities of a picture's people follow on from its number times this: nobody's depends on other pictures.
const PEOPLE_MAX: u64 = 1000;

/// The file of a part.
pub(super) fn part_file(folder: &Path, part: u64, parts: u64) -> PathBuf {
    folder.join(format!("annotations-{part}of{parts}.json"))
}

/// A COCO file in the making.
#[derive(Default)]
pub(super) struct Coco {
    images: Vec<Value>,
    annotations: Vec<Value>,
}

impl Coco {
    pub fn add(&mut self, number: u64, file_name: &str, sample: &Sample) {
        // From 1: pycocotools takes an annotation 0 for none.
        let id = number + 1;
        let (width, height) = (sample.image.width, sample.image.height);
        let View { lens, mounting } = sample.view;
        self.images.push(json!({
            "id": id,
            "file_name": format!("images/{file_name}"),
            "width": width,
            "height": height,
            "lux": round(sample.lux),
            "lens": { "focal_px": lens.focal_px, "distortion": lens.distortion },
            "mounting": {
                "height_m": mounting.height_m,
                "rotation_deg": mounting.rotation_rad.to_degrees(),
                "tilt_deg": mounting.tilt_rad.to_degrees(),
            },
        }));
        let size = DVec2::new(f64::from(width), f64::from(height));
        for (i, person) in sample.people.iter().enumerate() {
            self.annotations.extend(annotation(id * PEOPLE_MAX + i as u64, id, size, person));
        }
    }

    /// Adds what follows on.
    pub fn append(&mut self, mut more: Coco) {
        self.images.append(&mut more.images);
        self.annotations.append(&mut more.annotations);
    }

    pub fn write(self, path: &Path) -> anyhow::Result<()> {
        let document = json!({
            "info": { "description": "random rooms rendered by twin dataset" },
            "images": self.images,
            "categories": [{ "id": 1, "name": "person", "keypoints": ["head"], "skeleton": [] }],
            "annotations": self.annotations,
        });
        fs::write(path, serde_json::to_vec(&document)?).with_context(|| format!("failed to write {}", path.display()))
    }
}

/// One hundredth of a pixel, or a centimetre, is more than the truth is good for, and keeps the file small.
fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// `None` when nothing of the person can be in the picture, whose size this is.
fn annotation(id: u64, image_id: u64, size: DVec2, sample: &SamplePerson) -> Option<Value> {
    let person = &sample.person;
    let (head, whole) = (person.head_px?, person.box_px?);
    let [min, max] = [whole.0, whole.1].map(|corner| corner.clamp(DVec2::ZERO, size));
    // Less than can be written is nothing.
    if (max - min).min_element() < 0.01 {
        return None;
    }
    let bounds = |min: DVec2, max: DVec2| [min.x, min.y, max.x - min.x, max.y - min.y].map(round);
    // COCO's marks: 0 not labelled, at (0, 0); 1 hidden; 2 visible. What is outside the picture is not labelled.
    let inside = head.cmpge(DVec2::ZERO).all() && head.cmplt(size).all();
    let keypoint = match (inside, person.head_in_sight) {
        (false, _) => json!([0, 0, 0]),
        (true, in_sight) => json!([round(head.x), round(head.y), if in_sight { 2 } else { 1 }]),
    };
    Some(json!({
        "id": id,
        "image_id": image_id,
        "category_id": 1,
        "bbox": bounds(min, max),
        "whole_bbox": bounds(whole.0, whole.1),
        "area": round((max - min).element_product()),
        "iscrowd": u8::from(sample.ignored),
        "keypoints": keypoint,
        "num_keypoints": u8::from(inside),
        "head": [round(head.x), round(head.y)],
        "posture": match person.posture { Posture::Standing => "standing", Posture::Seated => "seated" },
        "activity": person.activity,
        "floor_m": person.floor.to_array().map(round),
        "head_m": person.head.to_array().map(round),
        "visible": round(person.visible),
    }))
}

/// Puts the annotations of the parts in a folder together, to what they would be had they not been divided.
pub(super) fn merge(folder: &Path) -> anyhow::Result<()> {
    let all = folder.join(ALL);
    if all.exists() {
        bail!("{} is there already: the dataset is whole", all.display());
    }
    let files = fs::read_dir(folder).with_context(|| format!("failed to read {}", folder.display()))?;
    let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    let parts_of = |name: String| name.strip_prefix("annotations-1of")?.strip_suffix(".json")?.parse::<u64>().ok();
    let divisions: Vec<u64> = names.filter_map(parts_of).collect();
    let parts = match divisions[..] {
        [parts] => parts,
        [] => bail!("{} has no annotations-1ofN.json: copy the folders of all parts into it", folder.display()),
        _ => bail!("{} has parts of several datasets", folder.display()),
    };
    let mut whole = Coco::default();
    for part in 1..=parts {
        let path = part_file(folder, part, parts);
        let text = fs::read(&path).with_context(|| format!("part {part} of {parts} is missing: {}", path.display()))?;
        let mut document: Value =
            serde_json::from_slice(&text).with_context(|| format!("{} is no annotation file", path.display()))?;
        for (key, list) in [("images", &mut whole.images), ("annotations", &mut whole.annotations)] {
            match document[key].take() {
                Value::Array(entries) => list.extend(entries),
                _ => bail!("{} has no list `{key}`", path.display()),
            }
        }
    }
    let pictures = whole.images.len();
    whole.write(&all)?;
    say(&format!("{pictures} pictures of {parts} parts in {}", folder.display()));
    Ok(())
}
