//! `twin detect`: the detector on anybody's pictures.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use analytics::{Detection, OnnxDetector, Posture, detect_in_picture};
use anyhow::{Context, bail};
use firmware_shim::RgbImage;
use image::ImageReader;
use scenarios::detections_drawn;
use serde::Serialize;

use crate::inference::{self, Model};
use crate::outcome::{say, write_json};

/// Find the people in pictures of any size, such as photographs of a ceiling camera.
///
/// A picture is scaled to the detector's 320×240, with bars where it is narrower or lower; what is found is told in the
/// picture's own pixels, as the file stores them (a photograph's note how to turn it is not followed).
#[derive(clap::Args)]
#[command(after_help = "Examples:
  twin detect ceiling.jpg
  twin detect photos/ --json people.json --draw drawn/

The JSON is a list of {file, width, height, people: [{head: [x, y], box: [x, y, w, h], posture, confidence}]}. Drawn are
boxes, thick around people who stand and thin around those who sit, and heads, which lie outside the picture where only the body is in it. Exit code 2: a picture could not be read; the
others are told all the same.")]
pub struct Args {
    /// PNG, JPEG, WebP or BMP files, or folders of such.
    #[arg(required = true, value_name = "IMAGE|DIR")]
    pictures: Vec<PathBuf>,
    /// Write what was found.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the pictures with what was found drawn in, as PNG, to this folder.
    #[arg(long, value_name = "DIR")]
    draw: Option<PathBuf>,
    /// Another model than the built-in one (contract: analytics/MODEL.md).
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

/// What pictures in a folder are known by.
const EXTENSIONS: [&str; 5] = ["png", "jpg", "jpeg", "webp", "bmp"];

/// A picture's people, as the JSON has them.
#[derive(Serialize)]
struct Found {
    file: String,
    width: u32,
    height: u32,
    people: Vec<Person>,
}

#[derive(Serialize)]
struct Person {
    head: [f64; 2],
    #[serde(rename = "box")]
    bounds: [f64; 4],
    posture: Posture,
    confidence: f64,
}

impl Person {
    fn new(detection: &Detection) -> Self {
        let round = |value: f64, parts: f64| (value * parts).round() / parts;
        let (min, size) = (detection.box_min_px, detection.box_max_px - detection.box_min_px);
        Person {
            head: detection.head_px.to_array().map(|v| round(v, 100.0)),
            bounds: [min.x, min.y, size.x, size.y].map(|v| round(v, 100.0)),
            posture: detection.posture,
            confidence: round(detection.confidence, 10_000.0),
        }
    }
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let files = find(&args.pictures)?;
    let model = Model::read(args.model.as_deref())?;
    inference::choose()?;
    let mut detector = OnnxDetector::from_bytes(&model.bytes, &model.name)?;
    if let Some(folder) = &args.draw {
        refuse_overwriting(&files, folder)?;
        fs::create_dir_all(folder).with_context(|| format!("failed to create {}", folder.display()))?;
    }
    let (mut all, mut unread) = (Vec::new(), false);
    for file in &files {
        let picture = match read_picture(file) {
            Ok(picture) => picture,
            Err(error) => {
                eprintln!("twin: {error:#}");
                unread = true;
                continue;
            }
        };
        let mut people = detect_in_picture(&mut detector, &picture).with_context(|| file.display().to_string())?;
        // In a picture nobody was there a moment ago.
        people.retain(|person| person.confidence >= detector.confidence_threshold);
        let seated = people.iter().filter(|person| person.posture == Posture::Seated).count();
        say(&format!("{}: {} standing, {seated} seated", file.display(), people.len() - seated));
        if let Some(folder) = &args.draw {
            let path = folder.join(drawn_name(file));
            let drawn = detections_drawn(&picture, &people);
            drawn.save(&path).with_context(|| format!("failed to write {}", path.display()))?;
        }
        all.push(Found {
            file: file.display().to_string(),
            width: picture.width,
            height: picture.height,
            people: people.iter().map(Person::new).collect(),
        });
    }
    if let Some(file) = &args.json {
        write_json(file, &all)?;
    }
    Ok(if unread { ExitCode::from(2) } else { ExitCode::SUCCESS })
}

/// The files, and those of folders by name.
fn find(named: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = fs::read_dir(path).with_context(|| format!("failed to read {}", path.display()))?;
        let known = |file: &PathBuf| {
            let extension = file.extension().map(|extension| extension.to_string_lossy().to_lowercase());
            extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
        };
        let mut found = Vec::new();
        for entry in entries {
            let file = entry.with_context(|| format!("failed to read {}", path.display()))?.path();
            if known(&file) && !file.is_dir() {
                found.push(file);
            }
        }
        if found.is_empty() {
            bail!("{} holds no pictures: none of its files ends in .{}", path.display(), EXTENSIONS.join(", ."));
        }
        found.sort();
        files.append(&mut found);
    }
    Ok(files)
}

fn drawn_name(file: &Path) -> PathBuf {
    Path::new(file.file_name().unwrap_or_default()).with_extension("png")
}

/// What is drawn must neither be drawn over nor take the place of a picture.
fn refuse_overwriting(files: &[PathBuf], folder: &Path) -> anyhow::Result<()> {
    let mut drawn: BTreeMap<PathBuf, &Path> = BTreeMap::new();
    let pictures: BTreeSet<PathBuf> = files.iter().filter_map(|file| file.canonicalize().ok()).collect();
    for file in files {
        let name = drawn_name(file);
        if folder.join(&name).canonicalize().is_ok_and(|path| pictures.contains(&path)) {
            bail!("{} would be drawn over; name another folder with --draw", folder.join(name).display());
        }
        if let Some(other) = drawn.insert(name.clone(), file) {
            bail!("{} and {} would both be drawn to {}", other.display(), file.display(), name.display());
        }
    }
    Ok(())
}

/// A picture of any of the formats.
pub(super) fn read_picture(file: &Path) -> anyhow::Result<RgbImage> {
    let failed = || format!("failed to read {}", file.display());
    let reader = ImageReader::open(file).with_context(failed)?.with_guessed_format().with_context(failed)?;
    let decoded = reader.decode().with_context(|| {
        format!("{} is no picture that can be read; expected PNG, JPEG, WebP or BMP", file.display())
    })?;
    let rgb = decoded.into_rgb8();
    Ok(RgbImage { width: rgb.width(), height: rgb.height(), pixels: rgb.into_raw().into() })
}
