//! Average precision as COCO defines it, for one class at one overlap.
//!
//! Lin et al., *Microsoft COCO: Common Objects in Context* (2014), and the reference implementation `pycocotools`: precision
//! made to fall with recall, sampled at 101 recalls from 0 to 1. Boxes that are to be ignored are neither found nor missed, and what lies
//! on them is neither right nor wrong.

use glam::DVec2;

use super::{area, common_area};

/// Of a picture's detections only so many count, the surest.
pub const DETECTIONS_MAX: usize = 100;

/// From one recall at which precision is sampled to the next: times, not divided by, so that rounding is the reference's.
const RECALL_STEP: f64 = 0.01;

/// A box that is truly there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrueBox {
    /// Top left corner, px.
    pub min: DVec2,
    /// Bottom right corner, px.
    pub max: DVec2,
    /// Neither hit nor miss: COCO's `iscrowd`.
    pub ignored: bool,
}

/// A detection as it was judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// How sure the detector was.
    pub confidence: f64,
    /// The true box it was matched with, by its place in its picture's list.
    pub truth: Option<usize>,
    /// It lies on what is ignored: neither right nor wrong.
    pub ignored: bool,
}

/// The judgements of many pictures.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    judged: Vec<Judged>,
    /// True boxes that are not ignored.
    present: usize,
}

impl Sheet {
    /// Adds a picture: its true boxes, and its detections as (confidence, top left, bottom right). A detection means a true box when
    /// the two overlap by `overlap` of their union; the surest chooses first, and the one that overlaps it most. In the order of the
    /// detections' confidence.
    pub fn add(&mut self, truth: &[TrueBox], found: &[(f64, DVec2, DVec2)], overlap: f64) -> &[Judged] {
        let first = self.judged.len();
        // Ignored ones last: they are taken only by what finds no other.
        let mut order: Vec<usize> = (0..truth.len()).collect();
        order.sort_by_key(|i| truth[*i].ignored);
        let mut surest: Vec<&(f64, DVec2, DVec2)> = found.iter().collect();
        surest.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut taken = vec![false; truth.len()];
        for (confidence, min, max) in surest.into_iter().take(DETECTIONS_MAX) {
            // COCO's rule: as good as the overlap that is wanted, but for rounding.
            let mut best = overlap.min(1.0 - 1e-10);
            let mut chosen: Option<usize> = None;
            for &i in &order {
                if taken[i] && !truth[i].ignored {
                    continue;
                }
                if chosen.is_some_and(|chosen| !truth[chosen].ignored) && truth[i].ignored {
                    break;
                }
                let shared = shared_part(&truth[i], *min, *max);
                if shared >= best {
                    (best, chosen) = (shared, Some(i));
                }
            }
            if let Some(i) = chosen {
                taken[i] = true;
            }
            let ignored = chosen.is_some_and(|i| truth[i].ignored);
            self.judged.push(Judged { confidence: *confidence, truth: chosen, ignored });
        }
        self.present += truth.iter().filter(|truth| !truth.ignored).count();
        &self.judged[first..]
    }

    /// Adds the judgements of other pictures.
    pub fn append(&mut self, other: &Sheet) {
        self.judged.extend_from_slice(&other.judged);
        self.present += other.present;
    }

    /// 0 to 1; `None` when there is nobody to be found.
    pub fn average_precision(&self) -> Option<f64> {
        let mut counted: Vec<&Judged> = self.judged.iter().filter(|judged| !judged.ignored).collect();
        counted.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        let (mut right, mut curve) = (0usize, Vec::with_capacity(counted.len()));
        for (i, judged) in counted.iter().enumerate() {
            right += usize::from(judged.truth.is_some());
            curve.push((right as f64 / self.present as f64, right as f64 / (i + 1) as f64));
        }
        let mut best = 0.0f64;
        for (_, precision) in curve.iter_mut().rev() {
            best = best.max(*precision);
            *precision = best;
        }
        let at = |recall: f64| {
            let index = curve.partition_point(|(reached, _)| *reached < recall);
            curve.get(index).map_or(0.0, |(_, precision)| *precision)
        };
        (self.present > 0).then(|| (0..=100).map(|i| at(f64::from(i) * RECALL_STEP)).sum::<f64>() / 101.0)
    }

    /// Precision and recall of what is at least so sure; `None` where nothing was found, or nobody is to be.
    pub fn precision_recall(&self, from: f64) -> (Option<f64>, Option<f64>) {
        let sure = self.judged.iter().filter(|judged| !judged.ignored && judged.confidence >= from);
        let (all, right) = (sure.clone().count(), sure.filter(|judged| judged.truth.is_some()).count());
        let part = |of: usize| (of > 0).then(|| right as f64 / of as f64);
        (part(all), part(self.present))
    }
}

/// Intersection over union; of what is ignored, over the detection: however much larger it is, what lies on it is not wrong.
fn shared_part(truth: &TrueBox, min: DVec2, max: DVec2) -> f64 {
    let both = common_area((truth.min, truth.max), (min, max));
    let of = if truth.ignored { area(min, max) } else { area(truth.min, truth.max) + area(min, max) - both };
    if of > 0.0 { both / of } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(x: f64, ignored: bool) -> TrueBox {
        TrueBox { min: DVec2::new(x, 0.0), max: DVec2::new(x + 10.0, 10.0), ignored }
    }

    fn found(confidence: f64, x: f64) -> (f64, DVec2, DVec2) {
        (confidence, DVec2::new(x, 0.0), DVec2::new(x + 10.0, 10.0))
    }

    #[test]
    fn every_person_counts_once_and_the_surest_detection_has_the_choice() {
        let mut sheet = Sheet::default();
        let truth = [boxed(0.0, false), boxed(50.0, false)];
        let judged =
            sheet.add(&truth, &[found(0.5, 0.0), found(0.9, 1.0), found(0.8, 90.0), found(0.3, 51.0)], 0.5).to_vec();
        let truths: Vec<Option<usize>> = judged.iter().map(|judged| judged.truth).collect();
        assert_eq!(truths, [Some(0), None, None, Some(1)]);
        // Recall 0.5 with precision 1, recall 1 with precision 2/4: 51 of 101 recalls have the one, 50 the other.
        let expected = (51.0 + 50.0 * 0.5) / 101.0;
        assert!((sheet.average_precision().unwrap() - expected).abs() < 1e-12);
        assert_eq!(sheet.precision_recall(0.85), (Some(1.0), Some(0.5)));
        assert_eq!(sheet.precision_recall(0.95), (None, Some(0.0)));
    }

    #[test]
    fn what_is_ignored_is_neither_missed_nor_found() {
        let mut sheet = Sheet::default();
        let truth = [boxed(0.0, true), boxed(3.0, false)];
        // The first overlaps the ignored one more, and means the other all the same; the next two lie on the ignored one.
        let judged = sheet.add(&truth, &[found(0.9, 0.5), found(0.8, 0.0), found(0.7, 1.0)], 0.5);
        assert_eq!(
            judged.iter().map(|j| (j.truth, j.ignored)).collect::<Vec<_>>(),
            [(Some(1), false), (Some(0), true), (Some(0), true)]
        );
        assert_eq!(sheet.average_precision(), Some(1.0));
        assert_eq!(Sheet::default().average_precision(), None);
    }
}
