//! From what was seen in each picture to figures, with how sure they are.

use analytics::metrics::{Sheet, TrueBox};
use glam::DVec2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scenarios::TrueCount;

use super::store::Picture;

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
    sheet: Sheet,
}

impl Seen {
    pub fn new(picture: &Picture, threshold: f64) -> Self {
        let point = |x: f64, y: f64| DVec2::new(x, y);
        let truth: Vec<TrueBox> = picture
            .people
            .iter()
            .map(|person| {
                let [left, top, right, bottom] = person.corners;
                TrueBox { min: point(left, top), max: point(right, bottom), ignored: person.ignored }
            })
            .collect();
        let found: Vec<_> = picture
            .found
            .iter()
            .map(|seen| {
                let [left, top, right, bottom] = seen.corners;
                (seen.confidence, point(left, top), point(right, bottom))
            })
            .collect();
        let mut sheet = Sheet::default();
        let (mut posture_right, mut posture_of) = (0, 0);
        // Both are in the order of confidence.
        for (judged, seen) in sheet.add(&truth, &found, OVERLAP).iter().zip(&picture.found) {
            let owner = judged.truth.filter(|_| !judged.ignored && seen.confidence >= threshold);
            if let Some(owner) = owner {
                posture_of += 1;
                posture_right += u32::from(picture.people[owner].seated == seen.seated);
            }
        }
        let counted = picture.found.iter().filter(|seen| seen.confidence >= threshold).count() as u32;
        let sure = picture.people.iter().filter(|person| !person.ignored).count() as u32;
        let count = TrueCount { sure, possible: picture.people.len() as u32 };
        let nobody = picture.people.is_empty();
        let alarm = nobody && counted > 0;
        Seen { sure, accuracy: count.accuracy(counted), nobody, alarm, posture_right, posture_of, sheet }
    }
}

/// Figures of some pictures. `None` where there is nothing to judge by.
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
        peopled.iter().for_each(|seen| sheet.append(&seen.sheet));
        let (precision, recall) = sheet.precision_recall(threshold);
        let posture_of: u32 = peopled.iter().map(|seen| seen.posture_of).sum();
        let posture_right: u32 = peopled.iter().map(|seen| seen.posture_right).sum();
        Figures {
            pictures: peopled.len(),
            people: peopled.iter().map(|seen| seen.sure).sum(),
            count_accuracy: at_least(&accuracies),
            ap50: sheet.average_precision().map(|precision| (precision, resampled(&peopled).min(precision))),
            precision,
            recall,
            posture: (posture_of > 0).then(|| f64::from(posture_right) / f64::from(posture_of)),
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
    use super::super::store::{Found, Person};
    use super::*;

    fn picture(people: usize, found: usize) -> Picture {
        let corners = |i: usize| [30.0 * i as f64, 0.0, 30.0 * i as f64 + 20.0, 20.0];
        let person = |i| Person { corners: corners(i), ignored: false, seated: i % 2 == 1 };
        let seen = |i| Found { corners: corners(i), confidence: 0.9, seated: false };
        Picture { index: 0, people: (0..people).map(person).collect(), found: (0..found).map(seen).collect() }
    }

    fn figures(pictures: &[Picture]) -> Figures {
        let seen: Vec<Seen> = pictures.iter().map(|picture| Seen::new(picture, 0.5)).collect();
        Figures::of(&seen.iter().collect::<Vec<_>>(), 0.5)
    }

    #[test]
    fn figures_are_of_pictures_with_people_and_alarms_of_those_without() {
        let told = figures(&[picture(4, 4), picture(4, 2), picture(2, 2), picture(0, 0), picture(0, 1)]);
        assert_eq!((told.pictures, told.people, told.empty), (3, 10, 2));
        let (mean, least) = told.count_accuracy.unwrap();
        assert!((mean - 2.5 / 3.0).abs() < 1e-12);
        // Standard deviation of 1, 0.5, 1 is 0.2887.
        assert!((least - (mean - 1.645 * 0.288_675 / 3f64.sqrt())).abs() < 1e-4, "{least}");
        assert_eq!((told.precision, told.recall), (Some(1.0), Some(0.8)));
        assert_eq!(told.posture, Some(4.0 / 8.0));
        assert_eq!(told.alarms_per_1000.unwrap().0, 500.0);
        let (ap, least) = told.ap50.unwrap();
        assert!((ap - 81.0 / 101.0).abs() < 1e-12 && least < ap, "{ap}, {least}");
    }

    #[test]
    fn nothing_wrong_in_few_pictures_proves_little() {
        let told = figures(&vec![picture(3, 3); 30]);
        assert_eq!(told.count_accuracy, Some((1.0, 0.9)));
        let told = figures(&vec![picture(0, 0); 1000]);
        let (alarms, most) = told.alarms_per_1000.unwrap();
        assert!(alarms == 0.0 && (most - 3.0).abs() < 1e-9, "{most}");
        assert!(told.count_accuracy.is_none() && told.ap50.is_none());
    }

    #[test]
    fn who_can_hardly_be_seen_may_be_counted_or_not() {
        let mut hidden = picture(3, 3);
        hidden.people[2].ignored = true;
        assert_eq!(Seen::new(&hidden, 0.5).accuracy, 1.0);
        hidden.found.pop();
        assert_eq!(Seen::new(&hidden, 0.5).accuracy, 1.0);
        hidden.found.pop();
        assert_eq!(Seen::new(&hidden, 0.5).accuracy, 0.5);
    }
}
