//! Who is who from frame to frame: detections become people with a place on the floor and a name that stays.
//!
//! All of it happens on the floor, in metres, where people move alike wherever they are in the picture. A head's pixel
//! gives the place on the floor only together with the head's height, and that is assumed from the posture.
//!
//! It does not know how people are found in the picture, nor what is counted.

mod assignment;
mod motion;

use std::time::Duration;

use firmware_shim::{Uptime, View};
use glam::{DVec2, DVec3};

use crate::{Detection, Posture};
use assignment::assign;
use motion::{MEASUREMENT_VARIANCE, Motion};

/// Height of the middle of a standing adult's head in metres. Assumed: a mean stature of 1.73 m (both sexes; NCD-RisC,
/// eLife 5:e13410, 2016, has 1.59–1.71 m worldwide and up to 1.76 m in Europe) with shoes on, less half a head of 0.22 m.
const STANDING_HEAD_M: f64 = 1.62;

/// Height of the middle of a seated adult's head in metres. Assumed: a seat of 0.44 m and a sitting height of 0.87 m,
/// slumped a little as people do, less half a head.
const SEATED_HEAD_M: f64 = 1.20;

/// A head is assumed no higher than this share of the mounting height. From 2.03 m up it changes nothing (the guide
/// mounts at 2.5 m at least); below, places get vague but stay finite.
const HEAD_SHARE_OF_MOUNTING: f64 = 0.8;

/// Somebody is believed to be there after this many sightings: clutter that flickers once or twice is nobody, and at ten
/// frames a second nobody walks through the view faster than that.
const HITS_TO_BELIEVE: u32 = 3;

/// How long somebody who was believed is still followed without being seen. Long enough for passing behind another
/// person or under a lamp, short enough that who leaves is soon gone.
const COAST_MAX: Duration = Duration::from_millis(1500);

/// Frames in a row in which somebody not yet believed may go unseen. Counted in frames, for at a low frame rate there is
/// only the next frame to confirm them.
const TENTATIVE_MISSES_MAX: u32 = 1;

/// How far off, in standard deviations of what the motion filter expects, a detection can still be the same person: in
/// two dimensions, 99 % of the right ones are nearer.
const GATE_SIGMAS: f64 = 3.0;

/// And how far off in metres at the most, however long they were not seen: about what walking makes in the second and
/// a half of coasting beyond what was predicted. Farther away it is more likely another person.
const GATE_MAX_M: f64 = 1.2;

/// Nobody new can begin this close, in metres, to a person seen in the same frame: bodies are deeper than that (chest to
/// back about 0.25 m), so it is a second peak on the same person.
const SPACING_MIN_M: f64 = 0.25;

/// Time constant in seconds with which belief in a posture follows what is seen: sitting down takes about a second, and
/// a detector's slips are shorter.
const POSTURE_TIME_CONSTANT_S: f64 = 0.5;

/// The posture changes when belief in being seated rises over this or falls under one minus this: some 0.7 s of seeing
/// nothing but the other one. The band between keeps it from flickering.
const POSTURE_SWITCH: f64 = 0.75;

/// Somebody who is believed to be there.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Counts people from 1 in the order in which they were believed; never given twice.
    pub id: u64,
    /// Where they stand: metres in the sensor frame.
    pub floor: DVec2,
    /// Where that point of the floor is seen, in pixels; it may lie outside the image.
    pub foot_px: DVec2,
    /// The middle of the head in pixels: as detected, or as predicted while coasting.
    pub head_px: DVec2,
    /// Top left corner of the body's box in pixels; while coasting it moves with the head.
    pub box_min_px: DVec2,
    /// Bottom right corner of the body's box.
    pub box_max_px: DVec2,
    /// Smoothed over time.
    pub posture: Posture,
    /// Of the latest detection, 0 to 1.
    pub confidence: f64,
    /// Not seen in this frame, but a moment ago.
    pub coasting: bool,
}

/// Follows everybody in the view.
pub struct Tracker {
    view: View,
    /// Only a detection at least this sure begins a person or counts towards believing in one; a weaker one can still be somebody who
    /// is followed already. That is the idea of ByteTrack (Zhang et al., ECCV 2022): what is weak where somebody was a moment ago is
    /// likely a person in a bad light, what is weak elsewhere is likely clutter.
    sure_confidence: f64,
    people: Vec<Person>,
    updated_at: Uptime,
    last_id: u64,
}

impl Tracker {
    /// A tracker that has seen nobody. Detections are in pixels of `view`'s lens; their detector believes in them by themselves
    /// from the confidence `believed_from` on.
    pub fn new(view: View, believed_from: f64) -> Self {
        Tracker { view, sure_confidence: believed_from, people: Vec::new(), updated_at: Uptime::ZERO, last_id: 0 }
    }

    /// Changes from which confidence on somebody new is believed in.
    pub fn believe_from(&mut self, confidence: f64) {
        self.sure_confidence = confidence;
    }

    /// Takes the detections of the frame taken at `taken_at` and returns everybody believed to be there, ascending by id.
    /// Frames come in order, at any intervals. A detection that does not look down on the floor is passed over.
    pub fn update(&mut self, taken_at: Uptime, detections: &[Detection]) -> Vec<Track> {
        let step_s = taken_at.since(self.updated_at).as_secs_f64();
        self.updated_at = taken_at;
        self.people.retain(|person| taken_at.since(person.seen_at) <= COAST_MAX);
        for person in &mut self.people {
            person.motion.advance(step_s);
            person.misses += 1;
        }
        let sightings: Vec<Sighting> = detections.iter().filter_map(|seen| Sighting::of(&self.view, seen)).collect();
        let newcomers = self.recognise(taken_at, &sightings);
        for sighting in newcomers.into_iter().filter(|sighting| sighting.detection.confidence >= self.sure_confidence) {
            let same = |person: &Person| person.misses == 0 && person.distance(sighting) < SPACING_MIN_M;
            if !self.people.iter().any(same) {
                self.people.push(Person::first_seen(taken_at, sighting));
            }
        }
        self.people.retain(|person| person.id.is_some() || person.misses <= TENTATIVE_MISSES_MAX);
        for person in self.people.iter_mut().filter(|person| person.id.is_none() && person.hits >= HITS_TO_BELIEVE) {
            self.last_id += 1;
            person.id = Some(self.last_id);
        }
        self.tracks()
    }

    /// Looks from elsewhere from now on: everybody is forgotten, for tracks are on the floor of the old view. Ids are not given again.
    pub fn set_view(&mut self, view: View) {
        self.view = view;
        self.drop_tracks();
    }

    /// Forgets everybody; the next person gets the next id all the same.
    pub fn drop_tracks(&mut self) {
        self.people.clear();
    }

    /// Gives each person their sighting, and returns the sightings that are nobody's.
    fn recognise<'a, 'd>(&mut self, taken_at: Uptime, sightings: &'a [Sighting<'d>]) -> Vec<&'a Sighting<'d>> {
        let costs: Vec<Vec<Option<f64>>> =
            self.people.iter().map(|person| sightings.iter().map(|seen| person.cost(seen)).collect()).collect();
        let mut is_known = vec![false; sightings.len()];
        for (person, own) in self.people.iter_mut().zip(assign(&costs, GATE_SIGMAS * GATE_SIGMAS)) {
            if let Some(own) = own {
                person.see(taken_at, &sightings[own], self.sure_confidence);
                is_known[own] = true;
            }
        }
        sightings.iter().zip(is_known).filter(|(_, known)| !known).map(|(sighting, _)| sighting).collect()
    }

    /// Everybody believed. Whoever has walked out of the lens's field is not there to be shown, and is forgotten.
    fn tracks(&mut self) -> Vec<Track> {
        let mut tracks = Vec::new();
        let view = self.view;
        self.people.retain(|person| match view.pixel(person.motion.position.extend(0.0)) {
            Some(foot_px) => {
                tracks.extend(person.id.map(|id| person.track(id, foot_px, &view)));
                true
            }
            None => false,
        });
        tracks.sort_by_key(|track| track.id);
        tracks
    }
}

/// A detection with its two possible places on the floor.
struct Sighting<'d> {
    detection: &'d Detection,
    /// Metres in the sensor frame, if the person stands.
    if_standing: DVec2,
    /// And if they sit.
    if_seated: DVec2,
}

impl<'d> Sighting<'d> {
    fn of(view: &View, detection: &'d Detection) -> Option<Self> {
        let heights_m = [Posture::Standing, Posture::Seated].map(|posture| head_height_m(view, posture));
        let [if_standing, if_seated] = view
            .points_at_heights(detection.head_px, heights_m)
            .map(|point| point.filter(|point| point.is_finite()).map(DVec3::truncate));
        Some(Sighting { detection, if_standing: if_standing?, if_seated: if_seated? })
    }

    fn place(&self, posture: Posture) -> DVec2 {
        match posture {
            Posture::Standing => self.if_standing,
            Posture::Seated => self.if_seated,
        }
    }
}

fn head_height_m(view: &View, posture: Posture) -> f64 {
    let height_m = match posture {
        Posture::Standing => STANDING_HEAD_M,
        Posture::Seated => SEATED_HEAD_M,
    };
    height_m.min(HEAD_SHARE_OF_MOUNTING * view.mounting.height_m)
}

/// Somebody, believed or not yet.
struct Person {
    /// Once believed.
    id: Option<u64>,
    motion: Motion,
    posture: Posture,
    /// Belief that they are seated, 0 to 1, smoothed.
    seated_belief: f64,
    hits: u32,
    /// Frames since the last hit.
    misses: u32,
    seen_at: Uptime,
    /// The latest.
    detection: Detection,
}

impl Person {
    fn first_seen(taken_at: Uptime, sighting: &Sighting<'_>) -> Self {
        let posture = sighting.detection.posture;
        Person {
            id: None,
            motion: Motion::starting_at(sighting.place(posture)),
            posture,
            seated_belief: seated(posture),
            hits: 1,
            misses: 0,
            seen_at: taken_at,
            detection: sighting.detection.clone(),
        }
    }

    /// Where the sighting would put this person: the detector may be wrong about the posture, and so may we, so of the
    /// two places it is the one nearer to where they are expected.
    fn place(&self, sighting: &Sighting<'_>) -> DVec2 {
        let (ours, theirs) = (sighting.place(self.posture), sighting.place(sighting.detection.posture));
        let expected = self.motion.position;
        if expected.distance_squared(theirs) < expected.distance_squared(ours) { theirs } else { ours }
    }

    fn distance(&self, sighting: &Sighting<'_>) -> f64 {
        self.motion.position.distance(self.place(sighting))
    }

    /// How unlikely it is that the sighting is of this person: twice the negative logarithm of the Gaussian likelihood,
    /// up to a constant. The logarithm of the variance matters: without it somebody long unseen, whose gate is wide,
    /// would take over the detection of somebody just seen.
    fn cost(&self, sighting: &Sighting<'_>) -> Option<f64> {
        let distance = self.distance(sighting);
        let variance = self.motion.expected_variance();
        // The other gate, of so many sigmas, is the cost of leaving a person without a detection.
        (distance <= GATE_MAX_M).then(|| distance * distance / variance + (variance / MEASUREMENT_VARIANCE).ln())
    }

    fn see(&mut self, taken_at: Uptime, sighting: &Sighting<'_>, sure_confidence: f64) {
        let since_seen_s = taken_at.since(self.seen_at).as_secs_f64();
        self.see_posture(since_seen_s, sighting);
        self.motion.correct(self.place(sighting));
        if sighting.detection.confidence >= sure_confidence {
            self.hits += 1;
        }
        self.misses = 0;
        self.seen_at = taken_at;
        self.detection = sighting.detection.clone();
    }

    fn see_posture(&mut self, since_seen_s: f64, sighting: &Sighting<'_>) {
        let weight = 1.0 - (-since_seen_s / POSTURE_TIME_CONSTANT_S).exp();
        self.seated_belief += weight * (seated(sighting.detection.posture) - self.seated_belief);
        let before = self.posture;
        if self.seated_belief > POSTURE_SWITCH {
            self.posture = Posture::Seated;
        } else if self.seated_belief < 1.0 - POSTURE_SWITCH {
            self.posture = Posture::Standing;
        }
        let (was, is) = (sighting.place(before), sighting.place(self.posture));
        // Near the image's edge the two are up to a metre apart. Nobody moved: only our idea of where they are does. It
        // is the old one, unless the head went up or down at once and its new place was the nearer all along.
        let expected = self.motion.position;
        if expected.distance_squared(was) < expected.distance_squared(is) {
            self.motion.shift(is - was);
        }
    }

    fn track(&self, id: u64, foot_px: DVec2, view: &View) -> Track {
        let coasting = self.misses > 0;
        let predicted = || view.pixel(self.motion.position.extend(head_height_m(view, self.posture)));
        let head_px = if coasting { predicted() } else { None }.unwrap_or(self.detection.head_px);
        let moved = head_px - self.detection.head_px;
        Track {
            id,
            floor: self.motion.position,
            foot_px,
            head_px,
            box_min_px: self.detection.box_min_px + moved,
            box_max_px: self.detection.box_max_px + moved,
            posture: self.posture,
            confidence: self.detection.confidence,
            coasting,
        }
    }
}

/// A posture as belief in being seated.
fn seated(posture: Posture) -> f64 {
    match posture {
        Posture::Standing => 0.0,
        Posture::Seated => 1.0,
    }
}

#[cfg(test)]
mod tests;
