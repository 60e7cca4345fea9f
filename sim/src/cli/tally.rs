//! From what was seen in each picture to figures, with how sure they are.

use analytics::metrics::{Sheet, TrueBox};
use glam::DVec2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scenarios::TrueCount;

/// Of boxes' union, from which a detection means a person.
const OVERLAP: f64 = 0.5;
/// What lies below in 95 of 100 cases when it is drawn from a normal distribution, standard deviations.
const ONE_SIDED_95: f64 = 1.645;
/// Where no picture of n was wrong, up to 3 / n may be, with 95 % (the rule of three; Hanley and Lippman-Hand, JAMA 1983).
const RULE_OF_THREE: f64 = 3.0;
/// Times that the pictures are drawn anew to see how much their average precision varies.
const RESAMPLES: usize = 200;

/// What was made of one picture.
pub struct Seen {
    /// People to be counted.
    pub sure: u32,
    /// 1 − |counted − true| / true.
    pub accuracy: f64,
    nobody: bool,
    /// Somebody was seen where nobody was.
    alarm: bool,
    posture_right: u32,
    posture_of: u32,
    heads_off_px: Vec<f64>,
    sheet: Sheet,
}

impl Seen {
    /// What a detector with this threshold made of a picture: who was there, the box and confidence of all it found, the surest first, and what
    /// `mate` says to each pair of found and true.
    pub fn new(truth: &[TrueBox], found: &[Found], threshold: f64, mate: &dyn Fn(usize, usize) -> Match) -> Self {
        let mut sheet = Sheet::default();
        let (mut posture_right, mut posture_of, mut heads_off_px) = (0, 0, vec![]);
        for (i, judged) in sheet.add(truth, found, OVERLAP).iter().enumerate() {
            let Some(owner) = judged.truth.filter(|_| !judged.ignored && found[i].0 >= threshold) else { continue };
            let Match { posture_is_right, head_off_px } = mate(i, owner);
            posture_of += u32::from(posture_is_right.is_some());
            posture_right += u32::from(posture_is_right == Some(true));
            heads_off_px.extend(head_off_px);
        }
        let counted = found.iter().filter(|(confidence, ..)| *confidence >= threshold).count() as u32;
        let sure = truth.iter().filter(|person| !person.ignored).count() as u32;
        let accuracy = TrueCount { sure, possible: truth.len() as u32 }.accuracy(counted);
        let nobody = truth.is_empty();
        Seen { sure, accuracy, nobody, alarm: nobody && counted > 0, posture_right, posture_of, heads_off_px, sheet }
    }
}

/// Confidence and corners of who was found.
pub type Found = (f64, DVec2, DVec2);

/// How what was found of somebody is like what is true, as far as that is known.
pub struct Match {
    pub posture_is_right: Option<bool>,
    pub head_off_px: Option<f64>,
}

/// Figures of some pictures; what is found in those without anybody counts against precision. `None` where there is nothing to judge by.
pub struct Figures {
    /// With somebody to be counted.
    pub pictures: usize,
    pub people: u32,
    /// The mean, and what it is at least with 95 %.
    pub count_accuracy: Option<(f64, f64)>,
    /// Likewise.
    pub ap50: Option<(f64, f64)>,
    pub precision: Option<f64>,
    pub recall: Option<f64>,
    pub posture: Option<f64>,
    /// The mean.
    pub head_off_px: Option<f64>,
    /// Pictures without anybody.
    pub empty: usize,
    /// Of 1,000 of them those in which somebody is seen, and what it is at most with 95 %.
    pub alarms_per_1000: Option<(f64, f64)>,
}

impl Figures {
    pub fn of(seen: &[&Seen], threshold: f64) -> Self {
        let peopled: Vec<&Seen> = seen.iter().copied().filter(|seen| seen.sure > 0).collect();
        let empty: Vec<&Seen> = seen.iter().copied().filter(|seen| seen.nobody).collect();
        let accuracies: Vec<f64> = peopled.iter().map(|seen| seen.accuracy).collect();
        let alarms: Vec<f64> = empty.iter().map(|seen| 1.0 - f64::from(u8::from(seen.alarm))).collect();
        let mut sheet = Sheet::default();
        seen.iter().for_each(|seen| sheet.append(&seen.sheet));
        let (precision, recall) = sheet.precision_recall(threshold);
        let posture_of: u32 = peopled.iter().map(|seen| seen.posture_of).sum();
        let posture_right: u32 = peopled.iter().map(|seen| seen.posture_right).sum();
        let heads_off_px: Vec<f64> = peopled.iter().flat_map(|seen| &seen.heads_off_px).copied().collect();
        Figures {
            pictures: peopled.len(),
            people: peopled.iter().map(|seen| seen.sure).sum(),
            count_accuracy: at_least(&accuracies),
            ap50: sheet.average_precision().map(|precision| (precision, resampled(seen).min(precision))),
            precision,
            recall,
            posture: (posture_of > 0).then(|| f64::from(posture_right) / f64::from(posture_of)),
            head_off_px: (!heads_off_px.is_empty())
                .then(|| heads_off_px.iter().sum::<f64>() / heads_off_px.len() as f64),
            empty: empty.len(),
            alarms_per_1000: at_least(&alarms).map(|(mean, least)| (1000.0 * (1.0 - mean), 1000.0 * (1.0 - least))),
        }
    }
}

/// The mean of values from 0 to 1, and what it is at least with 95 %.
fn at_least(values: &[f64]) -> Option<(f64, f64)> {
    let count = values.len() as f64;
    if values.is_empty() {
        return None;
    }
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    let less = if variance > 0.0 { ONE_SIDED_95 * (variance / count).sqrt() } else { RULE_OF_THREE / count };
    Some((mean, (mean - less).max(0.0)))
}

/// The average precision that 95 of 100 draws of as many pictures from these exceed (the bootstrap; Efron, 1979).
fn resampled(seen: &[&Seen]) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut draws: Vec<f64> = (0..RESAMPLES)
        .filter_map(|_| {
            let mut sheet = Sheet::default();
            (0..seen.len()).for_each(|_| sheet.append(&seen[rng.random_range(0..seen.len())].sheet));
            sheet.average_precision()
        })
        .collect();
    draws.sort_by(f64::total_cmp);
    draws.get(draws.len() / 20).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many people, every other one seated, of whom the last `hidden` can hardly be seen, and so many found, all standing, 3 px off.
    fn seen(people: usize, hidden: usize, found: usize) -> Seen {
        let corners = |i: usize| (DVec2::new(30.0 * i as f64, 0.0), DVec2::new(30.0 * i as f64 + 20.0, 20.0));
        let person = |i| TrueBox { min: corners(i).0, max: corners(i).1, ignored: i + hidden >= people };
        let found: Vec<Found> = (0..found).map(|i| (0.9, corners(i).0, corners(i).1)).collect();
        let mate = |_, owner: usize| Match { posture_is_right: Some(owner.is_multiple_of(2)), head_off_px: Some(3.0) };
        Seen::new(&(0..people).map(person).collect::<Vec<_>>(), &found, 0.5, &mate)
    }

    fn figures(seen: &[Seen]) -> Figures {
        Figures::of(&seen.iter().collect::<Vec<_>>(), 0.5)
    }

    #[test]
    fn figures_are_of_pictures_with_people_and_alarms_of_those_without() {
        let told = figures(&[seen(4, 0, 4), seen(4, 0, 2), seen(2, 0, 2), seen(0, 0, 0), seen(0, 0, 1)]);
        assert_eq!((told.pictures, told.people, told.empty), (3, 10, 2));
        let (mean, least) = told.count_accuracy.unwrap();
        assert!((mean - 2.5 / 3.0).abs() < 1e-12);
        // Standard deviation of 1, 0.5, 1 is 0.2887.
        assert!((least - (mean - 1.645 * 0.288_675 / 3f64.sqrt())).abs() < 1e-4, "{least}");
        assert_eq!((told.precision, told.recall), (Some(8.0 / 9.0), Some(0.8)));
        assert_eq!((told.posture, told.head_off_px), (Some(4.0 / 8.0), Some(3.0)));
        assert_eq!(told.alarms_per_1000.unwrap().0, 500.0);
        let (ap, least) = told.ap50.unwrap();
        assert!((ap - 81.0 / 101.0).abs() < 1e-12 && least < ap, "{ap}, {least}");
    }

    #[test]
    fn nothing_wrong_in_few_pictures_proves_little() {
        let told = figures(&(0..30).map(|_| seen(3, 0, 3)).collect::<Vec<_>>());
        assert_eq!(told.count_accuracy, Some((1.0, 0.9)));
        let told = figures(&(0..1000).map(|_| seen(0, 0, 0)).collect::<Vec<_>>());
        let (alarms, most) = told.alarms_per_1000.unwrap();
        assert!(alarms == 0.0 && (most - 3.0).abs() < 1e-9, "{most}");
        assert!(told.count_accuracy.is_none() && told.ap50.is_none() && told.head_off_px.is_none());
    }

    #[test]
    fn who_can_hardly_be_seen_may_be_counted_or_not() {
        assert_eq!([3, 2, 1].map(|found| seen(3, 1, found).accuracy), [1.0, 1.0, 0.5]);
    }
}
