//! `twin dataset`: pictures of random rooms with their truth, in COCO's keypoint format.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use analytics::Posture;
use anyhow::{Context, bail};
use device_model::Profile;
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use indicatif::{ProgressBar, ProgressStyle};
use scenarios::{LightError, Sample, SamplePerson};
use serde_json::{Value, json};

use crate::light::HeadlessLight;
use crate::outcome::say;

/// Export pictures of random rooms with the truth about them, for training.
///
/// The scene library never appears in them. The format is COCO's for keypoints: `annotations.json` and `images/*.jpg`.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  twin dataset --out /tmp/train --scenes 1500 --frames 4 --seed 1")]
pub struct Args {
    /// The folder to write to; must not hold a dataset yet.
    #[arg(long)]
    out: PathBuf,
    /// Random rooms.
    #[arg(long, default_value_t = 250)]
    scenes: u64,
    /// Pictures of each room.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    frames: u32,
    /// Another seed gives other rooms.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The device whose lens and sensor are varied around, by its name in the library.
    #[arg(long, default_value = "vs121-p-standard")]
    profile: String,
}

/// Little loss at a fifth of the size of a PNG, which cannot compress noise.
const JPEG_QUALITY: u8 = 95;

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let profile = Profile::library(&args.profile)?;
    let images = args.out.join("images");
    if images.exists() {
        bail!("{} holds a dataset already; choose another folder with --out", args.out.display());
    }
    fs::create_dir_all(&images).with_context(|| format!("failed to create {}", images.display()))?;

    let mut light = HeadlessLight::start()?;
    let progress = ProgressBar::new(args.scenes * u64::from(args.frames));
    progress.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} pictures, {eta} left")?);
    let mut coco = Coco::default();
    let mut sink = |sample: Sample| -> anyhow::Result<()> {
        progress.inc(1);
        coco.add(&images, &sample)
    };
    export(&mut light, &profile, args, &mut sink)?;
    progress.finish_and_clear();
    // Written last: a folder with annotations is complete.
    let annotations = args.out.join("annotations.json");
    fs::write(&annotations, serde_json::to_vec(&coco.into_json())?)
        .with_context(|| format!("failed to write {}", annotations.display()))?;
    say(&format!("{} pictures in {}", args.scenes * u64::from(args.frames), args.out.display()));
    Ok(ExitCode::SUCCESS)
}

fn export(
    light: &mut HeadlessLight,
    profile: &Profile,
    args: &Args,
    sink: &mut dyn FnMut(Sample) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    scenarios::export_dataset::<ExportError>(light, profile, args.seed, args.scenes, args.frames, &mut |sample| {
        sink(sample).map_err(ExportError)
    })
    .map_err(|error| error.0)
}

/// Whatever stops an export.
struct ExportError(anyhow::Error);

impl From<LightError> for ExportError {
    fn from(error: LightError) -> Self {
        ExportError(error.into())
    }
}

/// A COCO file in the making.
#[derive(Default)]
struct Coco {
    images: Vec<Value>,
    annotations: Vec<Value>,
}

impl Coco {
    fn add(&mut self, folder: &Path, sample: &Sample) -> anyhow::Result<()> {
        let id = self.images.len();
        let name = format!("{id:06}.jpg");
        let path = folder.join(&name);
        let image = &sample.image;
        let file = fs::File::create(&path).with_context(|| format!("failed to create {}", path.display()))?;
        JpegEncoder::new_with_quality(std::io::BufWriter::new(file), JPEG_QUALITY)
            .encode(&image.pixels, image.width, image.height, ExtendedColorType::Rgb8)
            .with_context(|| format!("failed to write {}", path.display()))?;
        self.images.push(json!({
            "id": id, "file_name": format!("images/{name}"), "width": image.width, "height": image.height,
        }));
        for person in &sample.people {
            if let Some(annotation) = annotation(self.annotations.len(), id, person) {
                self.annotations.push(annotation);
            }
        }
        Ok(())
    }

    fn into_json(self) -> Value {
        json!({
            "info": { "description": "random rooms rendered by twin dataset" },
            "images": self.images,
            "categories": [{ "id": 1, "name": "person", "keypoints": ["head"], "skeleton": [] }],
            "annotations": self.annotations,
        })
    }
}

/// `None` when nothing of the person can be in the picture.
fn annotation(id: usize, image_id: usize, sample: &SamplePerson) -> Option<Value> {
    let person = &sample.person;
    let (head, (min, max)) = (person.head_px?, person.box_px?);
    let size = max - min;
    // One hundredth of a pixel is more than the truth is good for, and keeps the file small.
    let round = |v: f64| (v * 100.0).round() / 100.0;
    Some(json!({
        "id": id,
        "image_id": image_id,
        "category_id": 1,
        "bbox": [round(min.x), round(min.y), round(size.x), round(size.y)],
        "area": round(size.x * size.y),
        "iscrowd": u8::from(sample.ignored),
        "keypoints": [round(head.x), round(head.y), 2],
        "num_keypoints": 1,
        "posture": match person.posture { Posture::Standing => "standing", Posture::Seated => "seated" },
        "visible": round(person.visible),
    }))
}
