//! `twin evaluate`: how good detectors are on annotated pictures, tracks by a sequence's truth, and counting in a scenario.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use analytics::metrics::TrueBox;
use analytics::{Detection, OnnxDetector, Posture, detect_in_picture};
use anyhow::{Context, bail};
use glam::DVec2;
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

mod counting;
mod tracks;

use super::LaneName;
use super::detect::read_picture;
use super::tally::{Figures, Match, Seen};
use crate::inference::{self, Model};
use crate::outcome::{say, write_json};

/// Judge detectors on annotated pictures in COCO's format, tracks in MOTChallenge's, as the program writes them or anybody else, or
/// counting in a scenario.
///
/// AP50 is COCO's average precision at an overlap of 0.5. Precision and recall are at the model's own threshold. Count accuracy is
/// 1 − |counted − true| / true, the mean over pictures with somebody in them; who is `iscrowd` may be counted or not. False alarms
/// are pictures out of 1,000 with nobody in them in which somebody is seen.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  twin evaluate ds/val
  twin evaluate ds/val --model mine.onnx --model analytics/models/detector.onnx --json verdict.json
  twin evaluate annotations/person_val.json --images photos/
  twin evaluate mot/corridor --tracks out/corridor/tracks.txt    # from `twin dataset --scenario` and `twin run --out`
  twin evaluate scenarios/library/corridor-crossings.ron         # crossings, flow and stays, as its device is set

A crossing or passage is found when one like it is told within 1 s, each for one; a stay, when one that is told covers 95 % of it but for 3 s.
Of tracks HOTA, MOTA and IDF1 are told as trackeval computes them for MOT17.")]
pub struct Args {
    /// A COCO file, or a folder with its annotations.json; with --tracks a folder with gt/gt.txt; or a scenario (.ron).
    data: PathBuf,
    /// Of a scenario: rendered pictures and the model, or the oracle that knows the truth.
    #[arg(long, value_enum, default_value_t = LaneName::Rendered)]
    lane: LaneName,
    /// Where the pictures are, when not where the file's `file_name`s say from its own folder.
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,
    /// A model (contract: analytics/MODEL.md); may be given more than once, to compare them. The built-in one without.
    #[arg(long, value_name = "FILE")]
    model: Vec<PathBuf>,
    /// Judge by this confidence instead of the model's own threshold.
    #[arg(long, value_name = "T", value_parser = confidence, conflicts_with = "tracks")]
    threshold: Option<f64>,
    /// Write the figures.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Judge the tracks in this file, MOTChallenge's format, by the sequence in the folder DATA, instead of detectors.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["images", "model", "detections"])]
    tracks: Option<PathBuf>,
    /// Write what the one model found, as a result file of COCO.
    #[arg(long, value_name = "FILE")]
    detections: Option<PathBuf>,
}

/// What is found with less confidence than this tells nothing.
const WEAKEST: f64 = 0.02;

/// What of a COCO file is needed.
#[derive(Deserialize)]
struct CocoFile {
    images: Vec<CocoImage>,
    annotations: Vec<CocoAnnotation>,
    #[serde(default)]
    categories: Vec<CocoCategory>,
}

#[derive(Deserialize)]
struct CocoImage {
    id: u64,
    file_name: String,
}

#[derive(Deserialize)]
struct CocoAnnotation {
    image_id: u64,
    #[serde(default)]
    category_id: u64,
    /// Left, top, width, height; what else has annotations need not have it.
    #[serde(default)]
    bbox: Value,
    /// 0 or 1; some write a boolean.
    #[serde(default)]
    iscrowd: Value,
    /// Ours; of others' we know nothing.
    #[serde(default)]
    head: Value,
    /// Ours.
    #[serde(default)]
    posture: Value,
}

/// Somebody in a picture.
struct TruePerson {
    truth: TrueBox,
    head: Option<DVec2>,
    posture: Option<Posture>,
}

impl TruePerson {
    /// `None` when the box is none.
    fn new(annotation: CocoAnnotation) -> Option<Self> {
        let [x, y, width, height]: [f64; 4] = serde_json::from_value(annotation.bbox).ok()?;
        let (min, size) = (DVec2::new(x, y), DVec2::new(width, height));
        let sound = size.cmpge(DVec2::ZERO).all() && min.abs().max(size).max_element() < COORDINATE_MAX;
        let ignored = annotation.iscrowd != 0 && annotation.iscrowd != false && !annotation.iscrowd.is_null();
        sound.then(|| TruePerson {
            truth: TrueBox { min, max: min + size, ignored },
            head: serde_json::from_value::<[f64; 2]>(annotation.head).ok().map(DVec2::from_array),
            posture: serde_json::from_value(annotation.posture).ok(),
        })
    }
}

/// No picture is larger, px.
const COORDINATE_MAX: f64 = 1e6;

#[derive(Deserialize)]
struct CocoCategory {
    id: u64,
    name: String,
}

/// A picture and who is in it.
struct Annotated {
    id: u64,
    path: PathBuf,
    people: Vec<TruePerson>,
}

/// What came of a model. Bounds are of 95 %; `null` where there was nothing to judge by.
#[derive(Serialize)]
struct Verdict {
    model: String,
    inference: &'static str,
    threshold: f64,
    ap50: Option<f64>,
    ap50_at_least: Option<f64>,
    precision: Option<f64>,
    recall: Option<f64>,
    count_accuracy: Option<f64>,
    count_accuracy_at_least: Option<f64>,
    false_alarms_per_1000: Option<f64>,
    false_alarms_per_1000_at_most: Option<f64>,
    posture_accuracy: Option<f64>,
    head_error_px: Option<f64>,
}

fn confidence(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value| *value > 0.0 && *value <= 1.0);
    value.ok_or_else(|| "write a confidence over 0, up to 1, such as 0.4".to_owned())
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.detections.is_some() && args.model.len() > 1 {
        bail!("--detections takes what one model found; name one --model");
    }
    if let Some(tracks) = &args.tracks {
        return judge_tracks(&args.data, tracks, args.json.as_deref());
    }
    if args.data.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ron")) {
        if args.model.len() > 1 {
            bail!("a scenario is judged with one --model");
        }
        if args.threshold.is_some() {
            bail!("--threshold is for pictures: in a scenario the device believes by its model's own");
        }
        let model = args.model.first().map(PathBuf::as_path);
        counting::judge_scenario(&args.data, model, args.lane, args.json.as_deref())?;
        return Ok(ExitCode::SUCCESS);
    }
    let Annotations { pictures, person } = annotated(&args.data, args.images.as_deref())?;
    let models = match &args.model[..] {
        [] => vec![Model::read(None)?],
        files => files.iter().map(|file| Model::read(Some(file))).collect::<anyhow::Result<_>>()?,
    };
    let inference = inference::choose()?;
    let load = |model: &Model| OnnxDetector::from_bytes(&model.bytes, &model.name);
    let detectors: Vec<OnnxDetector> = models.iter().map(load).collect::<Result<_, _>>()?;
    let people = pictures.iter().flat_map(|picture| &picture.people);
    let ignored = people.clone().filter(|person| person.truth.ignored).count();
    say(&format!(
        "{} pictures, {} people, {ignored} more to be ignored; inference by {}",
        pictures.len(),
        people.count() - ignored,
        inference.describe()
    ));
    let mut verdicts = Vec::new();
    for (model, mut detector) in models.iter().zip(detectors) {
        detector.weakest = WEAKEST;
        let threshold = args.threshold.unwrap_or(detector.confidence_threshold);
        let (verdict, found) = judge(&model.name, inference.name(), detector, threshold, &pictures)?;
        tell(&verdict);
        verdicts.push(verdict);
        if let Some(file) = &args.detections {
            let found: Vec<Value> = found.iter().map(|(image, detection)| result(*image, person, detection)).collect();
            write_json(file, &found)?;
        }
    }
    if let Some(file) = &args.json {
        write_json(file, &json!({ "pictures": pictures.len(), "models": verdicts }))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn judge_tracks(sequence: &Path, tracks: &Path, json: Option<&Path>) -> anyhow::Result<ExitCode> {
    let scores = tracks::scores(sequence, tracks)?;
    say(&format!("{} for {}", tracks.display(), sequence.display()));
    say(&format!("  HOTA {:.4} (detection {:.4}, association {:.4})", scores.hota, scores.det_a, scores.ass_a));
    say(&format!("  MOTA {:.4}, IDF1 {:.4}; {} changes of identity", scores.mota, scores.idf1, scores.id_switches));
    if let Some(file) = json {
        write_json(file, &scores)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn judge(
    name: &str,
    inference: &'static str,
    mut detector: OnnxDetector,
    threshold: f64,
    pictures: &[Annotated],
) -> anyhow::Result<(Verdict, Vec<(u64, Detection)>)> {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} pictures, {eta} left")?;
    let progress = ProgressBar::new(pictures.len() as u64).with_style(style);
    let (mut seen, mut results) = (Vec::new(), Vec::new());
    for picture in pictures {
        progress.inc(1);
        let image = read_picture(&picture.path)?;
        let found = detect_in_picture(&mut detector, &image).with_context(|| picture.path.display().to_string())?;
        let truth: Vec<TrueBox> = picture.people.iter().map(|person| person.truth).collect();
        let boxes: Vec<_> =
            found.iter().map(|person| (person.confidence, person.box_min_px, person.box_max_px)).collect();
        let mate = |found_i: usize, owner: usize| {
            let (person, owner) = (&found[found_i], &picture.people[owner]);
            Match {
                posture_is_right: owner.posture.map(|posture| posture == person.posture),
                head_off_px: owner.head.map(|head| head.distance(person.head_px)),
            }
        };
        seen.push(Seen::new(&truth, &boxes, threshold, &mate));
        results.extend(found.into_iter().map(|person| (picture.id, person)));
    }
    progress.finish_and_clear();
    let figures = Figures::of(&seen.iter().collect::<Vec<_>>(), threshold);
    let verdict = Verdict {
        model: name.to_owned(),
        inference,
        threshold,
        ap50: figures.ap50.map(|(value, _)| value),
        ap50_at_least: figures.ap50.map(|(_, least)| least),
        precision: figures.precision,
        recall: figures.recall,
        count_accuracy: figures.count_accuracy.map(|(value, _)| value),
        count_accuracy_at_least: figures.count_accuracy.map(|(_, least)| least),
        false_alarms_per_1000: figures.alarms_per_1000.map(|(value, _)| value),
        false_alarms_per_1000_at_most: figures.alarms_per_1000.map(|(_, most)| most),
        posture_accuracy: figures.posture,
        head_error_px: figures.head_off_px,
    };
    Ok((verdict, results))
}

fn tell(verdict: &Verdict) {
    let part = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.1}"));
    say(&format!("{} (threshold {:.2})", verdict.model, verdict.threshold));
    say(&format!(
        "  AP50 {} (at least {}); precision {}, recall {}",
        part(verdict.ap50),
        part(verdict.ap50_at_least),
        part(verdict.precision),
        part(verdict.recall)
    ));
    say(&format!(
        "  count accuracy {} (at least {}); false alarms {} of 1,000 empty pictures (at most {})",
        part(verdict.count_accuracy),
        part(verdict.count_accuracy_at_least),
        number(verdict.false_alarms_per_1000),
        number(verdict.false_alarms_per_1000_at_most)
    ));
    say(&format!(
        "  posture right {}; head off by {} px",
        part(verdict.posture_accuracy),
        number(verdict.head_error_px)
    ));
}

/// A detection in COCO's result format.
fn result(image_id: u64, category_id: u64, person: &Detection) -> Value {
    let (min, size) = (person.box_min_px, person.box_max_px - person.box_min_px);
    json!({ "image_id": image_id, "category_id": category_id, "bbox": [min.x, min.y, size.x, size.y], "score": person.confidence })
}

/// What a COCO file says of people.
struct Annotations {
    pictures: Vec<Annotated>,
    /// Their category.
    person: u64,
}

/// The pictures of a COCO file by their numbers, with the people in them.
fn annotated(data: &Path, images: Option<&Path>) -> anyhow::Result<Annotations> {
    let file = if data.is_dir() { data.join("annotations.json") } else { data.to_owned() };
    let hint = if data.join("gt/gt.txt").exists() { "; of a MOTChallenge sequence name --tracks, too" } else { "" };
    let text = fs::read(&file).with_context(|| format!("failed to read {}{hint}", file.display()))?;
    let coco: CocoFile = serde_json::from_slice(&text)
        .with_context(|| format!("{} is not as COCO's files are, with images and annotations", file.display()))?;
    let named = file.display();
    let folder = images.unwrap_or_else(|| file.parent().unwrap_or(Path::new(".")));
    let mut pictures: BTreeMap<u64, Annotated> = BTreeMap::new();
    for CocoImage { id, file_name } in coco.images {
        let path = folder.join(file_name);
        if !path.is_file() {
            bail!("{named} lists {}, which is not there; --images says where pictures are", path.display());
        }
        if pictures.insert(id, Annotated { id, path, people: Vec::new() }).is_some() {
            bail!("{named} lists image {id} twice");
        }
    }
    if pictures.is_empty() {
        bail!("{named} lists no images");
    }
    let person = person_category(&coco.categories).with_context(|| format!("{named} has no category `person`"))?;
    for (i, annotation) in coco.annotations.into_iter().enumerate() {
        // Other things than people are not looked for.
        if person.is_some_and(|person| person != annotation.category_id) {
            continue;
        }
        let image_id = annotation.image_id;
        let words = || format!("{named}: annotations[{i}] is of image {image_id}, which the file does not list");
        let picture = pictures.get_mut(&image_id).with_context(words)?;
        let words = || format!("{named}: annotations[{i}].bbox: expected [left, top, width, height] in pixels");
        picture.people.push(TruePerson::new(annotation).with_context(words)?);
    }
    Ok(Annotations { pictures: pictures.into_values().collect(), person: person.unwrap_or(1) })
}

/// The category of people: `None` when the file has no categories, so that everything is a person.
fn person_category(categories: &[CocoCategory]) -> anyhow::Result<Option<u64>> {
    let person = categories.iter().find(|category| category.name.eq_ignore_ascii_case("person"));
    match (person, categories) {
        (Some(person), _) => Ok(Some(person.id)),
        (None, []) => Ok(None),
        (None, categories) => {
            let names: Vec<&str> = categories.iter().map(|category| category.name.as_str()).collect();
            bail!("it has {}", names.join(", "))
        }
    }
}
