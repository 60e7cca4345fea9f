//! From a frame to who is where: detect, follow, count. Knows no clock: callers time the two halves if they want to.

use firmware_shim::{Frame, Uptime, View};
use glam::DVec2;
use serde::{Deserialize, Serialize};

use crate::count::Counter;
use crate::still_life::StillLife;
use crate::{Counts, Cover, DetectError, Detection, DetectionArea, Detector, Region, Track, Tracker};

/// What one frame came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysis {
    /// The frame's number.
    pub seq: u64,
    /// The middle of its exposure.
    pub taken_at: Uptime,
    /// What was seen in this frame alone.
    pub detections: Vec<Detection>,
    /// Who is believed to be there, ascending by id.
    pub tracks: Vec<Track>,
    /// How many of them are where.
    pub counts: Counts,
}

/// In a clean room what looks a little less like somebody is somebody: from this part of the detector's own threshold on, under Algorithm 2. In
/// random rooms without clutter the count is best there (docs/measured.md).
const CLEAN_SHARE: f64 = 0.9;

/// The part of the confidence that makes somebody new from which somebody who is followed already is held.
const HOLD_SHARE: f64 = 0.7;

/// How people are recognised (guide §5.3.4, which names the two and what they are for).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecognitionScheme {
    /// For complex environments with many objects, such as offices: what looks like a person and has not moved at all for a minute is
    /// a thing, and only what the detector is sure of is looked at. Who sits very still, or is too small for moves to be seen, may be taken for one.
    Algorithm1,
    /// For simple and clean environments, such as meeting rooms: whoever is seen counts, however still, even if the detector is less sure.
    /// Our default, as the guide is silent.
    #[default]
    Algorithm2,
}

/// The whole way from frames to counts.
pub struct Pipeline {
    detector: Box<dyn Detector>,
    /// Who is followed already is seen from this confidence on.
    holds_from: f64,
    /// Under [`RecognitionScheme::Algorithm1`].
    still_life: Option<StillLife>,
    tracker: Tracker,
    view: View,
    counter: Counter,
    /// Where nobody is known of.
    cover: Cover,
}

impl Pipeline {
    /// A pipeline that has seen nothing yet. Detections are in pixels of `view`'s lens.
    pub fn new(detector: Box<dyn Detector>, view: View, area: DetectionArea, regions: Vec<Region>) -> Self {
        let tracker = Tracker::new(view, detector.believes_from());
        let mut pipeline = Pipeline {
            detector,
            holds_from: 0.0,
            still_life: None,
            tracker,
            view,
            counter: Counter::new(area, &regions),
            cover: Cover::default(),
        };
        pipeline.set_scheme(RecognitionScheme::default());
        pipeline
    }

    /// Changes how people are recognised; what Algorithm 1 has learnt is forgotten when it is left.
    pub fn set_scheme(&mut self, scheme: RecognitionScheme) {
        let share = match scheme {
            RecognitionScheme::Algorithm1 => {
                self.still_life.get_or_insert_default();
                1.0
            }
            RecognitionScheme::Algorithm2 => {
                self.still_life = None;
                CLEAN_SHARE
            }
        };
        let believed_from = share * self.detector.believes_from();
        self.tracker.believe_from(believed_from);
        self.holds_from = HOLD_SHARE * believed_from;
    }

    /// Everything at once: [`detect`](Self::detect), then [`follow`](Self::follow).
    ///
    /// # Errors
    /// Those of the detector. The frame is then as good as never taken: the tracks stay as they are.
    pub fn analyse(&mut self, frame: &Frame) -> Result<Analysis, DetectError> {
        let detections = self.detect(frame)?;
        Ok(self.follow(frame.seq, frame.taken_at, detections))
    }

    /// The people seen in `frame`: the costly half. Under Algorithm 1 it remembers what kept still.
    ///
    /// # Errors
    /// Those of the detector.
    pub fn detect(&mut self, frame: &Frame) -> Result<Vec<Detection>, DetectError> {
        let mut detections = self.detector.detect(frame)?;
        let is_covered = |detection: &Detection| self.cover.hides(self.view.normalised(detection.head_px));
        detections.retain(|detection| detection.confidence >= self.holds_from && !is_covered(detection));
        Ok(match (&mut self.still_life, &frame.image) {
            (Some(still_life), Some(picture)) => still_life.without_things(frame.taken_at, picture, detections),
            _ => detections,
        })
    }

    /// Follows the people seen in frame `seq`, taken at `taken_at`, and counts them by where they stand on the floor. A
    /// person lost from sight a moment ago is still counted.
    pub fn follow(&mut self, seq: u64, taken_at: Uptime, detections: Vec<Detection>) -> Analysis {
        let mut tracks = self.tracker.update(taken_at, &detections);
        // A head that has just gone below a mask is one that coasts.
        let is_covered = |pixel: DVec2| self.cover.hides(self.view.normalised(pixel));
        tracks.retain(|track| !is_covered(track.foot_px) && !is_covered(track.head_px));
        let feet: Vec<DVec2> = tracks.iter().map(|track| self.view.normalised(track.foot_px)).collect();
        let counts = self.counter.count(&feet);
        Analysis { seq, taken_at, detections, tracks, counts }
    }

    /// Changes what is counted; the people are followed on.
    pub fn set_area(&mut self, area: DetectionArea, regions: Vec<Region>) {
        self.counter = Counter::new(area, &regions);
    }

    /// Looks from elsewhere from now on; everybody is forgotten.
    pub fn set_view(&mut self, view: View) {
        self.view = view;
        self.tracker.set_view(view);
    }

    /// Changes what is covered: nobody whose head or feet are there is told of. What is seen there must be painted over before.
    pub fn set_cover(&mut self, cover: Cover) {
        self.cover = cover;
    }

    /// Forgets everybody, as at the edge of a schedule. Their ids are not given again.
    pub fn drop_tracks(&mut self) {
        self.tracker.drop_tracks();
    }
}

#[cfg(test)]
mod tests {
    use firmware_shim::{Lens, Mounting};
    use glam::DVec3;

    use super::*;
    use crate::Posture;
    use crate::count::count;

    fn view() -> View {
        let lens = Lens::with_horizontal_angle(320, 240, 95f64.to_radians(), [0.0; 4]);
        View { lens, mounting: Mounting { height_m: 3.0, rotation_rad: 0.0, tilt_rad: 0.0 } }
    }

    /// Sees a standing person at each of these places on the floor, or fails while there are none to see.
    struct Standing(Vec<(f64, f64)>);

    /// Sees one person in every frame, as surely as it says, and believes by itself from 0.4 on.
    struct Unsure(f64);

    impl Detector for Unsure {
        fn detect(&mut self, frame: &Frame) -> Result<Vec<Detection>, DetectError> {
            let seen = Standing(vec![(0.5, 0.5)]).detect(frame)?;
            Ok(seen.into_iter().map(|detection| Detection { confidence: self.0, ..detection }).collect())
        }

        fn believes_from(&self) -> f64 {
            0.4
        }
    }

    impl Detector for Standing {
        fn detect(&mut self, frame: &Frame) -> Result<Vec<Detection>, DetectError> {
            if self.0.is_empty() {
                return Err(DetectError::NoPicture { seq: frame.seq });
            }
            let seen = self.0.iter().map(|&(x, y)| {
                let head_px = view().pixel(DVec3::new(x, y, 1.62)).expect("in the lens's field");
                let posture = Posture::Standing;
                Detection { head_px, box_min_px: head_px, box_max_px: head_px, posture, confidence: 1.0 }
            });
            Ok(seen.collect())
        }

        fn believes_from(&self) -> f64 {
            0.0
        }
    }

    /// A region around where the floor point (x, y) is seen, 0.1 of the image wide and high.
    fn region_around(id: u32, x: f64, y: f64) -> Region {
        let middle = view().normalised(view().pixel(DVec3::new(x, y, 0.0)).unwrap());
        let corners = [(-0.05, -0.05), (0.05, -0.05), (0.05, 0.05), (-0.05, 0.05)];
        let polygon = corners.map(|corner| middle + DVec2::from(corner)).to_vec();
        Region { id, name: format!("Region {id}"), polygon }
    }

    fn frame(seq: u64) -> Frame {
        Frame { seq, taken_at: Uptime::from_millis(100 * seq), image: None }
    }

    fn by_region(analysis: &Analysis) -> Vec<(u32, u32)> {
        analysis.counts.regions.iter().map(|region| (region.id, region.count)).collect()
    }

    #[test]
    fn people_are_counted_where_they_stand_not_where_their_heads_are_seen() {
        let places = vec![(1.2, 0.0), (-1.0, 0.5)];
        let regions = vec![region_around(1, 1.2, 0.0), region_around(2, 0.0, -1.0)];
        let head = view().normalised(view().pixel(DVec3::new(1.2, 0.0, 1.62)).unwrap());
        assert_eq!(count(DetectionArea::Mapped, &regions, &[head]).total, 0, "the head is seen outside the region");
        let mut pipeline = Pipeline::new(Box::new(Standing(places)), view(), DetectionArea::Mapped, regions.clone());
        let analyses: Vec<Analysis> = (0..3).map(|seq| pipeline.analyse(&frame(seq)).unwrap()).collect();
        assert_eq!((analyses[0].detections.len(), analyses[0].tracks.len()), (2, 0));
        let last = &analyses[2];
        assert_eq!((last.seq, last.taken_at), (2, Uptime::from_millis(200)));
        assert_eq!((last.counts.total, by_region(last)), (1, vec![(1, 1), (2, 0)]));

        pipeline.set_area(DetectionArea::NonMapped, regions);
        let same_people = pipeline.analyse(&frame(3)).unwrap();
        assert_eq!(same_people.tracks.iter().map(|track| track.id).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(same_people.counts, Counts { total: 1, regions: Vec::new() });

        pipeline.drop_tracks();
        assert_eq!(pipeline.analyse(&frame(4)).unwrap().counts.total, 0);
    }

    #[test]
    fn in_clean_rooms_less_makes_somebody_and_less_holds_them() {
        use RecognitionScheme::{Algorithm1, Algorithm2};
        let counted = |scheme, confidences: [f64; 2]| {
            let mut pipeline = Pipeline::new(Box::new(Unsure(0.0)), view(), DetectionArea::WholeView, vec![]);
            pipeline.set_scheme(scheme);
            let mut seq = 0;
            confidences.map(|confidence| {
                pipeline.detector = Box::new(Unsure(confidence));
                // Longer than somebody unseen is followed.
                seq += 40;
                let counts: Vec<u32> =
                    (seq - 40..seq).map(|seq| pipeline.analyse(&frame(seq)).unwrap().counts.total).collect();
                counts[39]
            })
        };
        assert_eq!(counted(Algorithm1, [0.38, 0.38]), [0, 0]);
        assert_eq!(counted(Algorithm2, [0.38, 0.38]), [1, 1]);
        assert_eq!(counted(Algorithm2, [0.34, 0.34]), [0, 0], "clutter");
        assert_eq!(counted(Algorithm1, [0.45, 0.26]), [1, 0]);
        assert_eq!(counted(Algorithm2, [0.45, 0.26]), [1, 1]);
    }

    #[test]
    fn somebody_lost_from_sight_is_still_counted_for_a_moment() {
        let mut pipeline =
            Pipeline::new(Box::new(Standing(vec![(0.5, 0.5)])), view(), DetectionArea::WholeView, vec![]);
        for seq in 0..5 {
            pipeline.analyse(&frame(seq)).unwrap();
        }
        let counts: Vec<u32> =
            (5..25).map(|seq| pipeline.follow(seq, frame(seq).taken_at, Vec::new()).counts.total).collect();
        assert_eq!(counts, [[1; 15].as_slice(), &[0; 5]].concat(), "1.5 s");
    }

    #[test]
    fn a_frame_that_cannot_be_analysed_changes_nothing() {
        let mut pipeline = Pipeline::new(Box::new(Standing(vec![])), view(), DetectionArea::WholeView, vec![]);
        let seen = Standing(vec![(0.5, 0.5)]).detect(&frame(0)).unwrap();
        for seq in 0..3 {
            pipeline.follow(seq, frame(seq).taken_at, seen.clone());
        }
        assert!(matches!(pipeline.analyse(&frame(3)), Err(DetectError::NoPicture { seq: 3 })));
        assert_eq!(pipeline.follow(4, frame(4).taken_at, seen).counts.total, 1);
    }
}
