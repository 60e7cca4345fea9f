//! Tracks against a MOTChallenge sequence.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use analytics::metrics::{Followed, FollowedFrame, TrackingScores, tracking_scores};
use anyhow::{Context, bail};
use glam::DVec2;

/// What of MOTChallenge's classes is somebody, but nobody to be followed: on a vehicle, static, a distractor, a reflection.
const DISTRACTORS: [u64; 4] = [2, 7, 8, 12];
const PEDESTRIAN: u64 = 1;

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
            format!(
                "{}:{line}: expected frame,id,x,y,width,height,… in numbers, found {:?}",
                file.display(),
                record.as_slice()
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

fn row(record: &csv::StringRecord) -> Option<Row> {
    let number = |i: usize| record.get(i)?.parse::<f64>().ok().filter(|number| number.is_finite());
    let whole =
        |i: usize| number(i).filter(|number| *number >= 0.0 && number.fract() == 0.0).map(|number| number as u64);
    let min = DVec2::new(number(2)?, number(3)?);
    let followed = Followed { id: whole(1)?, min, max: min + DVec2::new(number(4)?, number(5)?) };
    // Files of truth without classes know pedestrians only.
    let class = if record.len() > 7 { whole(7).unwrap_or(0) } else { PEDESTRIAN };
    Some(Row { frame: whole(0)?, followed, seventh: number(6).unwrap_or(1.0), class })
}
