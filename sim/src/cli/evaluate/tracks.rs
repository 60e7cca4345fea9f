//! Tracks against a MOTChallenge sequence.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use analytics::metrics::{Followed, FollowedFrame, TrackingScores, tracking_scores};
use anyhow::{Context, bail};
use glam::DVec2;

/// What of the classes of MOT16 and MOT17 is somebody, but nobody to be followed: on a vehicle, static, a distractor, a reflection.
const DISTRACTORS: [u64; 4] = [2, 7, 8, 12];
const PEDESTRIAN: u64 = 1;
/// Up to here numbers are exact.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// A line of a file.
struct Row {
    frame: u64,
    followed: Followed,
    /// Of truth: whether it counts. Of tracks: how sure.
    seventh: f64,
    class: u64,
}

/// The scores of the tracks in a file for the sequence in a folder.
pub(super) fn scores(sequence: &Path, tracks: &Path) -> anyhow::Result<TrackingScores> {
    let (truth, found) = (rows(&sequence.join("gt/gt.txt"))?, rows(tracks)?);
    let numbers: BTreeSet<u64> = truth.keys().chain(found.keys()).copied().collect();
    let nobody: Vec<Row> = Vec::new();
    let frame = |number: &u64| {
        let (truth, found) = (truth.get(number).unwrap_or(&nobody), found.get(number).unwrap_or(&nobody));
        let followed = |rows: &[Row]| rows.iter().map(|row| row.followed).collect();
        let frame = FollowedFrame { truth: followed(truth), found: followed(found) };
        let frame = frame.without_what_means(|i| DISTRACTORS.contains(&truth[i].class));
        let counts = |followed: &Followed| {
            truth.iter().any(|row| row.followed.id == followed.id && row.seventh != 0.0 && row.class == PEDESTRIAN)
        };
        FollowedFrame { truth: frame.truth.into_iter().filter(counts).collect(), found: frame.found }
    };
    Ok(tracking_scores(&numbers.iter().map(frame).collect::<Vec<_>>()))
}

/// A file's lines by frame.
fn rows(file: &Path) -> anyhow::Result<BTreeMap<u64, Vec<Row>>> {
    let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_path(file);
    let mut reader = reader.with_context(|| format!("failed to read {}", file.display()))?;
    let mut frames: BTreeMap<u64, Vec<Row>> = BTreeMap::new();
    for record in reader.records() {
        let record = record.with_context(|| format!("failed to read {}", file.display()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let row = row(&record).with_context(|| {
            let found: Vec<&str> = record.iter().collect();
            format!(
                "{}:{line}: expected frame,id,x,y,width,height,…: a whole frame from 1, a whole identity, and numbers; found `{}`",
                file.display(),
                found.join(",")
            )
        })?;
        let frame = frames.entry(row.frame).or_default();
        if frame.iter().any(|other| other.followed.id == row.followed.id) {
            bail!("{}:{line}: {} is twice in frame {}", file.display(), row.followed.id, row.frame);
        }
        frame.push(row);
    }
    Ok(frames)
}

/// `None` when it is not as the format has it.
fn row(record: &csv::StringRecord) -> Option<Row> {
    let number = |i: usize| record.get(i)?.parse::<f64>().ok().filter(|number| number.is_finite());
    // Some write whole numbers as 1.0.
    let whole = |i: usize| {
        let whole = number(i).filter(|number| (0.0..WHOLE_MAX).contains(number) && number.fract() == 0.0);
        whole.map(|number| number as u64)
    };
    // Columns that a file need not have, but if it does must hold a number.
    let optional = |i: usize, unstated: f64| if record.len() > i { number(i) } else { Some(unstated) };
    let size = DVec2::new(number(4)?, number(5)?);
    let min = DVec2::new(number(2)?, number(3)?);
    let followed = Followed { id: whole(1)?, min, max: min + size };
    // Tracks have no class: −1 stands there. Truth without classes knows pedestrians only.
    let class = optional(7, PEDESTRIAN as f64)?.max(0.0) as u64;
    let row = Row { frame: whole(0)?, followed, seventh: optional(6, 1.0)?, class };
    (row.frame >= 1 && size.min_element() >= 0.0).then_some(row)
}
