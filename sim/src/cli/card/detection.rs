//! What is seen in single pictures.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use device_model::Profile;
use scenarios::Subject;
use scenes::{Looks, Scene};

use crate::cli::sweep::plan::{Activity, Cell, Plan, fingerprint};
use crate::cli::sweep::store::{self, Header, Store};
use crate::cli::sweep::take;
use crate::cli::tally::{Figures, Seen};
use crate::inference::Model;
use crate::outcome::say;

/// Scenes without a factor of guide §6.3 or §6.4.
pub const ORDINARY: [&str; 10] = [
    "canteen-queue",
    "classroom",
    "cluttered-office",
    "corridor",
    "huddle-room",
    "lift-hall",
    "lobby",
    "meeting-room",
    "open-office",
    "shop-entrance",
];
/// Those with one, and the guide's words for it.
pub const ADVERSE: [(&str, &str); 6] = [
    ("factor-backlight", "backlight, §6.3"),
    ("factor-black-floor", "black floor and walls, §6.4"),
    ("factor-camouflage", "hair and clothes like the floor, §6.3"),
    ("factor-door", "a door in the area, §6.4"),
    ("factor-mirror", "a mirror, §6.3"),
    ("factor-sun", "direct sun, §6.4"),
];
/// Of guide §6.1: lens, height, and whether people who stand are recommended to be counted there (from 3 m on).
const RECOMMENDED: [(&str, f64, bool); 7] = [
    ("standard", 2.5, false),
    ("standard", 3.0, true),
    ("standard", 3.5, true),
    ("standard", 4.0, true),
    ("high-ceiling", 5.0, true),
    ("high-ceiling", 6.0, true),
    ("high-ceiling", 7.0, true),
];
const BRIGHT_LUX: [f64; 2] = [50.0, 300.0];
const DIM_LUX: [f64; 2] = [20.0, 35.0];
/// Beyond the envelope: lens, height, light.
const BEYOND: [(&str, f64, f64); 6] = [
    ("standard", 2.0, 300.0),
    ("standard", 5.0, 300.0),
    ("high-ceiling", 4.0, 300.0),
    ("high-ceiling", 8.0, 300.0),
    ("standard", 3.0, 5.0),
    ("standard", 3.0, 10.0),
];

/// What pictures are compared for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Bright,
    Dim,
    Empty,
    Adverse,
    CleanTwin,
    Beyond,
}

/// A line of a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    pub part: Part,
    /// Of adverse scenes and their twins.
    pub scene: String,
    pub lens: String,
    pub height_mm: u64,
    pub lux: u64,
    pub activity: Activity,
}

/// Figures by line.
pub struct Detection {
    pub lines: BTreeMap<Line, Figures>,
    pub left_out: Vec<String>,
}

impl Detection {
    pub fn measure(work: &Path, model: &Model, threshold: f64, pictures: u64, jobs: u64) -> anyhow::Result<Self> {
        let mut lines: BTreeMap<Line, Figures> = BTreeMap::new();
        let mut left_out = Vec::new();
        for part in [Part::Bright, Part::Dim, Part::Empty, Part::Adverse, Part::CleanTwin, Part::Beyond] {
            let cells = cells(part, &mut left_out)?;
            let seen = seen(work, part, cells, model, threshold, pictures, jobs)?;
            let mut groups: BTreeMap<Line, Vec<&Seen>> = BTreeMap::new();
            seen.iter().for_each(|(line, seen)| groups.entry(line.clone()).or_default().push(seen));
            lines.extend(groups.into_iter().map(|(line, seen)| (line, Figures::of(&seen, threshold))));
        }
        left_out.sort();
        left_out.dedup();
        Ok(Detection { lines, left_out })
    }
}

/// The cells of a part, each with the line of the table that it belongs to.
fn cells(part: Part, left_out: &mut Vec<String>) -> anyhow::Result<Vec<(Line, Cell)>> {
    let mut cells = Vec::new();
    let mut add = |name: &str, scene: &Scene, lens: &str, height_m: f64, lux: f64, activity: Activity, looks: Looks| {
        let Some(scene) = scene.with_ceiling(height_m) else {
            left_out.push(format!("{name} under {height_m} m"));
            return anyhow::Ok(());
        };
        let has_chairs = scene.furniture.iter().any(|piece| piece.piece == scenes::Piece::Chair);
        if activity == Activity::Seated && !has_chairs {
            return Ok(());
        }
        let profile = Profile::library(&format!("vs121-p-{lens}"))?;
        let subject = Arc::new(Subject { looks, ..Subject::of_scene(name, Arc::new(scene), profile) });
        let is_own = matches!(part, Part::Adverse | Part::CleanTwin);
        let line = Line {
            part,
            scene: if is_own { name.to_owned() } else { String::new() },
            lens: lens.to_owned(),
            // Where nobody is all heights are one line: there are few alarms, and many pictures are needed to know how few.
            height_mm: if part == Part::Empty { 0 } else { (height_m * 1e3).round() as u64 },
            // Of the recommended heights all light that belongs together is one line.
            lux: if part == Part::Beyond { lux.round() as u64 } else { 0 },
            activity,
        };
        cells.push((line, Cell { subject, lens: lens.to_owned(), height_m, lux, activity }));
        Ok(())
    };
    let postures =
        |standing: bool| if standing { &[Activity::Standing, Activity::Seated][..] } else { &[Activity::Seated] };
    match part {
        Part::Bright | Part::Dim | Part::Empty => {
            let lux = if part == Part::Dim { DIM_LUX } else { BRIGHT_LUX };
            for (lens, height_m, standing) in RECOMMENDED {
                for name in ORDINARY {
                    let scene = library(name)?;
                    let activities = if part == Part::Empty { &[Activity::Nobody][..] } else { postures(standing) };
                    for &activity in activities {
                        for lux in lux {
                            add(name, &scene, lens, height_m, lux, activity, Looks::Library)?;
                        }
                    }
                }
            }
        }
        Part::Adverse | Part::CleanTwin => {
            for (name, _) in ADVERSE {
                let scene = library(name)?;
                let (scene, looks) = match part {
                    Part::Adverse => (scene, Looks::Own),
                    _ => (scene.clean_twin(), Looks::Library),
                };
                add(name, &scene, "standard", scene.room.ceiling_m, scene.light.lux, Activity::Standing, looks)?;
            }
        }
        Part::Beyond => {
            for (lens, height_m, lux) in BEYOND {
                for name in ORDINARY {
                    let scene = library(name)?;
                    for activity in [Activity::Standing, Activity::Seated] {
                        add(name, &scene, lens, height_m, lux, activity, Looks::Library)?;
                    }
                }
            }
        }
    }
    Ok(cells)
}

pub(super) fn library(name: &str) -> anyhow::Result<Scene> {
    Ok(Scene::from_library(name).with_context(|| format!("the library has no scene `{name}`"))??)
}

/// Takes the pictures of a part, or finds them taken, each with its line.
fn seen(
    work: &Path,
    part: Part,
    cells: Vec<(Line, Cell)>,
    model: &Model,
    threshold: f64,
    pictures: u64,
    jobs: u64,
) -> anyhow::Result<Vec<(Line, Seen)>> {
    let mut in_line: BTreeMap<Line, u64> = BTreeMap::new();
    cells.iter().for_each(|(line, _)| *in_line.entry(line.clone()).or_default() += 1);
    // The goals are judged by the others.
    let pictures = match part {
        Part::Adverse | Part::CleanTwin | Part::Beyond => pictures * 3 / 10,
        _ => pictures,
    };
    // Each line has its share of pictures; the fewer of its scenes fit under a ceiling the more are taken of each. Of some too many, since
    // in some pictures nobody finds room.
    let scarcest = in_line.values().min().copied().unwrap_or(1);
    let seeds = (pictures * 11 / 10).div_ceil(scarcest).max(1);
    let header = Header {
        targets: cells.iter().map(|(_, cell)| cell.subject.name.clone()).collect(),
        lens: None,
        heights_m: vec![],
        lux: vec![],
        activities: vec![],
        seeds,
        first_seed: FIRST_SEED,
        model: model.name.clone(),
        model_fingerprint: fingerprint(&model.bytes),
        threshold,
        fingerprint: fingerprint(
            format!("{:?}", cells.iter().map(|(_, cell)| rooms(cell)).collect::<Vec<_>>()).as_bytes(),
        ),
    };
    let (lines, cells): (Vec<Line>, Vec<Cell>) = cells.into_iter().unzip();
    let plan = Plan { cells, seeds, first_seed: FIRST_SEED, left_out: vec![] };
    let path = work.join(format!("{part:?}.jsonl").to_lowercase());
    let mut file = Store::open(&path, &header, &(0..plan.pictures()))?;
    say(&format!("{part:?}: {} pictures of {} kinds, {} taken already", plan.pictures(), plan.cells.len(), file.done));
    take(&plan, &(0..plan.pictures()), model, &mut file, jobs)?;
    let (_, pictures) = store::read(&path)?;
    let of_line = |index: u64| lines[(index / seeds) as usize].clone();
    Ok(pictures.iter().map(|picture| (of_line(picture.index), picture.judged(threshold))).collect())
}

/// Not that of any sweep somebody makes by hand.
const FIRST_SEED: u64 = 1_000_000;

/// What changes with the room or the device.
fn rooms(cell: &Cell) -> String {
    let Subject { scene, profile, looks, .. } = &*cell.subject;
    let room = (&scene.room, &scene.light, &scene.furniture, &scene.doors, &scene.people);
    format!("{room:?} {profile:?} {looks:?} {} {} {:?}", cell.height_m, cell.lux, cell.activity)
}
