//! Who is who: the assignment of detections to tracks that is the most likely as a whole.
//!
//! Knows only how unlikely each pair is.

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

/// Costs are compared in thousandths: the algorithm wants whole numbers, so that its result is exact.
const STEPS_PER_UNIT: f64 = 1000.0;

/// For each track the detection that is its own, if any. `costs[track][detection]` is how unlikely the pair is, `None`
/// where it is impossible; a track without a detection costs `unassigned_cost`, and no pair dearer than that is made.
pub(super) fn assign(costs: &[Vec<Option<f64>>], unassigned_cost: f64) -> Vec<Option<usize>> {
    let tracks = costs.len();
    let detections = costs.first().map_or(0, Vec::len);
    if tracks == 0 || detections == 0 {
        return vec![None; tracks];
    }
    let gain = |cost: Option<f64>| match cost {
        Some(cost) => ((unassigned_cost - cost) * STEPS_PER_UNIT).round().max(0.0) as i64,
        None => 0,
    };
    // A column per track besides those of the detections, so that every track may go without one, at no gain.
    let mut gains = Matrix::new(tracks, detections + tracks, 0i64);
    for (track, row) in costs.iter().enumerate() {
        for (detection, &cost) in row.iter().enumerate() {
            gains[(track, detection)] = gain(cost);
        }
    }
    let (_, columns) = kuhn_munkres(&gains);
    let pairs = columns.into_iter().enumerate();
    pairs.map(|(track, column)| (column < detections && gains[(track, column)] > 0).then_some(column)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_decides_not_the_nearest_pair() {
        // The nearest pair, track 0 with detection 1, would leave track 1 a far one.
        let costs = [vec![Some(2.0), Some(1.0)], vec![None, Some(2.0)]];
        assert_eq!(assign(&costs, 9.0), [Some(0), Some(1)]);
    }

    #[test]
    fn a_good_pair_is_not_broken_up_to_make_two_bad_ones() {
        let costs = [vec![Some(6.0), None], vec![Some(0.1), Some(6.0)]];
        assert_eq!(assign(&costs, 9.0), [None, Some(0)]);
    }

    #[test]
    fn impossible_and_too_dear_pairs_are_not_made() {
        assert_eq!(assign(&[vec![None], vec![Some(9.5)]], 9.0), [None, None]);
    }

    #[test]
    fn more_tracks_than_detections_or_none_at_all() {
        assert_eq!(assign(&[vec![Some(5.0)], vec![Some(1.0)], vec![Some(3.0)]], 9.0), [None, Some(0), None]);
        assert_eq!(assign(&[vec![], vec![]], 9.0), [None, None]);
        assert!(assign(&[], 9.0).is_empty());
    }
}
