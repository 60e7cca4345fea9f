//! How well people are followed: HOTA, MOTA and IDF1 of one sequence.
//!
//! Luiten et al., *HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking* (IJCV 2021); Bernardin and Stiefelhagen, *Evaluating
//! Multiple Object Tracking Performance: The CLEAR MOT Metrics* (2008); Ristani et al., *Performance Measures and a Data Set for
//! Multi-Target, Multi-Camera Tracking* (2016); where they leave a choice, that of the reference implementation `trackeval`.

use std::collections::BTreeMap;

use glam::DVec2;
use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;
use serde::Serialize;

use super::{area, common_area};

/// Somebody's box in a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Followed {
    /// Whose; the same in all frames.
    pub id: u64,
    /// Top left corner, px.
    pub min: DVec2,
    /// Bottom right corner, px.
    pub max: DVec2,
}

/// Who is truly there in a frame, and who was said to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FollowedFrame {
    /// True boxes; nobody twice.
    pub truth: Vec<Followed>,
    /// The tracker's; nobody twice.
    pub found: Vec<Followed>,
}

impl FollowedFrame {
    /// Without those true boxes for which `distracts` holds, by their place in the list, and without what means them: which boxes mean
    /// which is decided as a whole.
    pub fn without_what_means(mut self, distracts: impl Fn(usize) -> bool) -> Self {
        let score =
            |a: &Followed, b: &Followed| Some(overlap(a, b)).filter(|o| *o >= OVERLAP - f64::EPSILON).unwrap_or(0.0);
        let scores: Vec<Vec<f64>> =
            self.truth.iter().map(|a| self.found.iter().map(|b| score(a, b)).collect()).collect();
        let means = |(i, j): &(usize, usize)| scores[*i][*j] > 0.0 && distracts(*i);
        let meant: Vec<usize> = best_pairs(&scores).into_iter().filter(means).map(|(_, j)| j).collect();
        let kept = |boxes: Vec<Followed>, leave: &dyn Fn(usize) -> bool| -> Vec<Followed> {
            boxes.into_iter().enumerate().filter(|(i, _)| !leave(*i)).map(|(_, followed)| followed).collect()
        };
        self.truth = kept(self.truth, &distracts);
        self.found = kept(self.found, &|j| meant.contains(&j));
        self
    }
}

/// The scores of a sequence; all but the counts are 1 when all is right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct TrackingScores {
    /// The mean over overlaps from 0.05 to 0.95 of the root of detection times association accuracy.
    pub hota: f64,
    /// Detection accuracy, likewise the mean.
    pub det_a: f64,
    /// Association accuracy, likewise.
    pub ass_a: f64,
    /// 1 less the misses, false alarms and changes of identity for each true box; at an overlap of 0.5.
    pub mota: f64,
    /// The F1 score of boxes with the right identity, at an overlap of 0.5.
    pub idf1: f64,
    /// How often somebody's identity changed.
    pub id_switches: u32,
}

/// From which boxes that overlap mean the same person in MOTA and IDF1.
const OVERLAP: f64 = 0.5;
/// A pair that goes on is preferred to any other in MOTA, by more than overlaps can make up for.
const GOES_ON: f64 = 1000.0;
/// The algorithm that assigns takes whole numbers.
const STEPS_PER_UNIT: f64 = 1e12;

/// Boxes of one frame with identities counted from 0, and how much each true one and each found one overlap.
struct Frame {
    truth: Vec<usize>,
    found: Vec<usize>,
    overlaps: Vec<Vec<f64>>,
}

/// Scores frames in their order.
pub fn tracking_scores(frames: &[FollowedFrame]) -> TrackingScores {
    let (mut truths, mut founds) = (BTreeMap::new(), BTreeMap::new());
    let number = |ids: &mut BTreeMap<u64, usize>, boxes: &[Followed]| -> Vec<usize> {
        let number = |of: &Followed| {
            let next = ids.len();
            *ids.entry(of.id).or_insert(next)
        };
        boxes.iter().map(number).collect()
    };
    let frames: Vec<Frame> = frames
        .iter()
        .map(|frame| Frame {
            truth: number(&mut truths, &frame.truth),
            found: number(&mut founds, &frame.found),
            overlaps: frame.truth.iter().map(|a| frame.found.iter().map(|b| overlap(a, b)).collect()).collect(),
        })
        .collect();
    let (hota, det_a, ass_a) = hota(&frames, truths.len(), founds.len());
    let (mota, id_switches) = mota(&frames, truths.len());
    TrackingScores { hota, det_a, ass_a, mota, idf1: idf1(&frames, truths.len(), founds.len()), id_switches }
}

/// Intersection over union.
fn overlap(a: &Followed, b: &Followed) -> f64 {
    let both = common_area((a.min, a.max), (b.min, b.max));
    let either = area(a.min, a.max) + area(b.min, b.max) - both;
    if either > 0.0 { both / either } else { 0.0 }
}

/// Pairs of rows and columns with the largest sum; as many as there can be.
fn best_pairs(scores: &[Vec<f64>]) -> Vec<(usize, usize)> {
    let (rows, columns) = (scores.len(), scores.first().map_or(0, Vec::len));
    if rows == 0 || columns == 0 {
        return Vec::new();
    }
    let whole = |score: f64| (score * STEPS_PER_UNIT).round() as i64;
    // It gives each row a column, so there must not be more rows.
    if rows <= columns {
        let weights = Matrix::from_fn(rows, columns, |(i, j)| whole(scores[i][j]));
        kuhn_munkres(&weights).1.into_iter().enumerate().collect()
    } else {
        let weights = Matrix::from_fn(columns, rows, |(j, i)| whole(scores[i][j]));
        kuhn_munkres(&weights).1.into_iter().enumerate().map(|(j, i)| (i, j)).collect()
    }
}

/// How often each identity is there.
fn counts(of: usize, all: impl Iterator<Item = usize>) -> Vec<f64> {
    let mut counts = vec![0.0; of];
    all.for_each(|id| counts[id] += 1.0);
    counts
}

fn hota(frames: &[Frame], truths: usize, founds: usize) -> (f64, f64, f64) {
    let truth_counts = counts(truths, frames.iter().flat_map(|frame| frame.truth.iter().copied()));
    let found_counts = counts(founds, frames.iter().flat_map(|frame| frame.found.iter().copied()));
    // How well identities fit over all of the sequence.
    let mut common = vec![vec![0.0; founds]; truths];
    for frame in frames {
        let of_truth: Vec<f64> = frame.overlaps.iter().map(|row| row.iter().sum()).collect();
        let of_found: Vec<f64> =
            (0..frame.found.len()).map(|j| frame.overlaps.iter().map(|row| row[j]).sum()).collect();
        for (i, row) in frame.overlaps.iter().enumerate() {
            for (j, overlap) in row.iter().enumerate() {
                let rest = of_truth[i] + of_found[j] - overlap;
                if rest > f64::EPSILON {
                    common[frame.truth[i]][frame.found[j]] += overlap / rest;
                }
            }
        }
    }
    let fit = |i: usize, j: usize| common[i][j] / (truth_counts[i] + found_counts[j] - common[i][j]);
    let pairs: Vec<Vec<(usize, usize, f64)>> = frames
        .iter()
        .map(|frame| {
            let score = |i: usize, row: &[f64]| {
                row.iter().enumerate().map(|(j, overlap)| fit(frame.truth[i], frame.found[j]) * overlap).collect()
            };
            let scores: Vec<Vec<f64>> = frame.overlaps.iter().enumerate().map(|(i, row)| score(i, row)).collect();
            let named = |(i, j): (usize, usize)| (frame.truth[i], frame.found[j], frame.overlaps[i][j]);
            best_pairs(&scores).into_iter().map(named).collect()
        })
        .collect();
    let all = truth_counts.iter().sum::<f64>() + found_counts.iter().sum::<f64>();
    let mut sums = (0.0, 0.0, 0.0);
    const LEVELS: u32 = 19;
    for level in 1..=LEVELS {
        let from = 0.05 * f64::from(level) - f64::EPSILON;
        let mut matches: BTreeMap<(usize, usize), f64> = BTreeMap::new();
        for (i, j, _) in pairs.iter().flatten().filter(|(_, _, overlap)| *overlap >= from) {
            *matches.entry((*i, *j)).or_default() += 1.0;
        }
        let right: f64 = matches.values().sum();
        let associated = |((i, j), count): (&(usize, usize), &f64)| {
            count * count / (truth_counts[*i] + found_counts[*j] - count).max(1.0)
        };
        let det_a = right / (all - right).max(1.0);
        let ass_a = matches.iter().map(associated).sum::<f64>() / right.max(1.0);
        sums = (sums.0 + (det_a * ass_a).sqrt(), sums.1 + det_a, sums.2 + ass_a);
    }
    let mean = |sum: f64| sum / f64::from(LEVELS);
    (mean(sums.0), mean(sums.1), mean(sums.2))
}

fn mota(frames: &[Frame], truths: usize) -> (f64, u32) {
    // Whom each true person was last, and in the frame before in which anything was compared.
    let (mut last, mut before) = (vec![None; truths], vec![None; truths]);
    let (mut right, mut wrong, mut all, mut switches) = (0u32, 0u32, 0u32, 0u32);
    for frame in frames {
        all += frame.truth.len() as u32;
        if frame.truth.is_empty() || frame.found.is_empty() {
            wrong += frame.found.len() as u32;
            continue;
        }
        let score = |i: usize, row: &[f64]| -> Vec<f64> {
            let goes_on = |j: usize| before[frame.truth[i]] == Some(frame.found[j]);
            let score = |(j, overlap): (usize, &f64)| {
                if *overlap < OVERLAP - f64::EPSILON { 0.0 } else { overlap + if goes_on(j) { GOES_ON } else { 0.0 } }
            };
            row.iter().enumerate().map(score).collect()
        };
        let scores: Vec<Vec<f64>> = frame.overlaps.iter().enumerate().map(|(i, row)| score(i, row)).collect();
        let pairs: Vec<(usize, usize)> =
            best_pairs(&scores).into_iter().filter(|(i, j)| scores[*i][*j] > f64::EPSILON).collect();
        before.fill(None);
        for (i, j) in &pairs {
            let (person, found) = (frame.truth[*i], frame.found[*j]);
            switches += u32::from(last[person].is_some_and(|last| last != found));
            (last[person], before[person]) = (Some(found), Some(found));
        }
        right += pairs.len() as u32;
        wrong += (frame.found.len() - pairs.len()) as u32;
    }
    ((f64::from(right) - f64::from(wrong) - f64::from(switches)) / f64::from(all.max(1)), switches)
}

fn idf1(frames: &[Frame], truths: usize, founds: usize) -> f64 {
    let mut common = vec![vec![0.0; founds]; truths];
    let mut boxes = 0;
    for frame in frames {
        boxes += frame.truth.len() + frame.found.len();
        for (i, row) in frame.overlaps.iter().enumerate() {
            for (j, _) in row.iter().enumerate().filter(|(_, overlap)| **overlap >= OVERLAP) {
                common[frame.truth[i]][frame.found[j]] += 1.0;
            }
        }
    }
    // One tracker's identity for each true one: what misses and false alarms leave over is what the pairs have in common.
    let right = best_pairs(&common).into_iter().fold(0.0, |sum, (i, j)| sum + common[i][j]);
    2.0 * right / (boxes as f64).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(id: u64, x: f64) -> Followed {
        Followed { id, min: DVec2::new(x, 0.0), max: DVec2::new(x + 10.0, 10.0) }
    }

    #[test]
    fn who_is_followed_all_the_way_scores_one_and_who_is_not_scores_nothing() {
        let walk = |found: &dyn Fn(f64) -> Vec<Followed>| -> Vec<FollowedFrame> {
            (0..10)
                .map(f64::from)
                .map(|t| FollowedFrame { truth: vec![at(7, t), at(3, 50.0)], found: found(t) })
                .collect()
        };
        let right = tracking_scores(&walk(&|t| vec![at(1, 50.0), at(2, t)]));
        assert_eq!((right.hota, right.mota, right.idf1, right.id_switches), (1.0, 1.0, 1.0, 0));
        let nobody = tracking_scores(&walk(&|_| vec![]));
        assert_eq!((nobody.hota, nobody.mota, nobody.idf1), (0.0, 0.0, 0.0));
        assert!(nobody.idf1.is_sign_positive(), "not -0");
        // The names change half way: every box is right, and of each person's ten boxes five have one name.
        let swapped = tracking_scores(&walk(&|t| {
            let (a, b) = if t < 5.0 { (1, 2) } else { (2, 1) };
            vec![at(a, 50.0), at(b, t)]
        }));
        assert_eq!((swapped.id_switches, swapped.mota, swapped.idf1, swapped.det_a), (2, 0.9, 0.5, 1.0));
        assert!((swapped.ass_a - 5.0 / 15.0).abs() < 1e-12, "{}", swapped.ass_a);
        let none: Vec<FollowedFrame> = Vec::new();
        assert_eq!(tracking_scores(&none).mota, 0.0);
    }
}
