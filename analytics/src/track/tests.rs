use firmware_shim::{Lens, Mounting};
use glam::DVec3;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

const FRAME_MS: u64 = 100;

fn view_from(height_m: f64) -> View {
    let lens = Lens::with_horizontal_angle(320, 240, 95f64.to_radians(), [0.0; 4]);
    View { lens, mounting: Mounting { height_m, rotation_rad: 0.0, tilt_rad: 0.0 } }
}

/// A head in the room, as a perfect detector sees it.
fn head(view: &View, x: f64, y: f64, height_m: f64, posture: Posture) -> Detection {
    let head_px = view.pixel(DVec3::new(x, y, height_m)).expect("in the lens's field");
    Detection {
        head_px,
        box_min_px: head_px - DVec2::splat(20.0),
        box_max_px: head_px + DVec2::splat(20.0),
        posture,
        confidence: 0.9,
    }
}

/// A tracker, its view and the time.
struct Watch {
    view: View,
    tracker: Tracker,
    now: Uptime,
}

impl Watch {
    fn from_height(height_m: f64) -> Self {
        let view = view_from(height_m);
        Watch { view, tracker: Tracker::new(view, 0.5), now: Uptime::from_millis(5_000) }
    }

    fn standing(&self, x: f64, y: f64) -> Detection {
        head(&self.view, x, y, STANDING_HEAD_M, Posture::Standing)
    }

    fn seated(&self, x: f64, y: f64) -> Detection {
        head(&self.view, x, y, SEATED_HEAD_M, Posture::Seated)
    }

    /// The next frame, `ms` later.
    fn after(&mut self, ms: u64, detections: &[Detection]) -> Vec<Track> {
        self.now = self.now + Duration::from_millis(ms);
        self.tracker.update(self.now, detections)
    }

    fn frame(&mut self, detections: &[Detection]) -> Vec<Track> {
        self.after(FRAME_MS, detections)
    }

    /// Long enough to be believed and settled.
    fn watch(&mut self, frames: usize, detections: &[Detection]) -> Vec<Track> {
        (0..frames).map(|_| self.frame(detections)).last().unwrap_or_default()
    }
}

fn ids(tracks: &[Track]) -> Vec<u64> {
    tracks.iter().map(|track| track.id).collect()
}

#[track_caller]
fn assert_near(place: DVec2, x: f64, y: f64, within_m: f64) {
    assert!(place.distance(DVec2::new(x, y)) < within_m, "{place} is not within {within_m} m of ({x}, {y})");
}

#[test]
fn somebody_is_believed_on_the_third_sighting_and_stands_under_their_head() {
    let mut watch = Watch::from_height(3.0);
    let person = watch.standing(1.0, -0.5);
    assert!(watch.frame(std::slice::from_ref(&person)).is_empty());
    assert!(watch.frame(std::slice::from_ref(&person)).is_empty());
    let tracks = watch.frame(std::slice::from_ref(&person));
    let [track] = tracks.as_slice() else { panic!("one track: {tracks:?}") };
    assert_eq!((track.id, track.posture, track.coasting), (1, Posture::Standing, false));
    assert_near(track.floor, 1.0, -0.5, 1e-6);
    let foot_px = watch.view.pixel(DVec3::new(1.0, -0.5, 0.0)).unwrap();
    assert_near(track.foot_px, foot_px.x, foot_px.y, 1e-3);
    assert_eq!(track.head_px, person.head_px);
    assert_eq!((track.box_min_px, track.box_max_px), (person.box_min_px, person.box_max_px));
}

#[test]
fn clutter_that_flickers_is_nobody_and_takes_no_id() {
    let mut watch = Watch::from_height(3.0);
    let chair = watch.seated(-1.0, 0.5);
    for _ in 0..5 {
        assert!(watch.watch(2, std::slice::from_ref(&chair)).is_empty());
        assert!(watch.watch(2, &[]).is_empty());
    }
    let person = watch.standing(0.0, 0.0);
    assert_eq!(ids(&watch.watch(3, &[person])), [1]);
}

#[test]
fn ids_ascend_in_the_order_of_belief_not_of_first_sight() {
    let mut watch = Watch::from_height(3.0);
    let (doubtful, sure) = (watch.standing(-1.0, 0.0), watch.standing(1.0, 0.0));
    let both = [doubtful, sure.clone()];
    watch.frame(&both);
    watch.frame(&[sure]);
    assert_eq!(ids(&watch.frame(&both)), [1]);
    let tracks = watch.frame(&both);
    assert_eq!(ids(&tracks), [1, 2]);
    assert_near(tracks[0].floor, 1.0, 0.0, 0.01);
}

#[test]
fn somebody_seen_a_metre_from_where_another_vanished_is_not_that_other() {
    let mut watch = Watch::from_height(3.0);
    let (left, right) = (watch.standing(-0.5, 0.0), watch.standing(0.5, 0.0));
    assert_eq!(ids(&watch.watch(10, &[left])), [1]);
    let tracks = watch.watch(3, &[right]);
    assert_eq!(ids(&tracks), [1, 2]);
    assert_eq!((tracks[0].coasting, tracks[1].coasting), (true, false));
}

#[test]
fn somebody_long_unseen_is_not_the_next_one_to_come_in_far_off() {
    let mut watch = Watch::from_height(3.0);
    let (left, right) = (watch.standing(-0.8, 0.0), watch.standing(0.8, 0.0));
    assert_eq!(ids(&watch.watch(10, &[left])), [1]);
    watch.watch(12, &[]);
    assert_eq!(ids(&watch.watch(3, &[right])), [1, 2]);
}

#[test]
fn two_people_passing_each_other_keep_their_ids() {
    for apart_m in [0.0, 0.3, 0.6] {
        let mut watch = Watch::from_height(3.0);
        let walk = 1.2;
        let mut tracks = Vec::new();
        for frame in 0..=20 {
            let x = -1.2 + walk * 0.1 * f64::from(frame);
            let pair = [watch.standing(x, apart_m / 2.0), watch.standing(-x, -apart_m / 2.0)];
            tracks = watch.frame(&pair);
        }
        assert_eq!(ids(&tracks), [1, 2], "{apart_m} m apart");
        // Who is first in a frame is first believed: number 1 walks to the right.
        assert_near(tracks[0].floor, 1.2, apart_m / 2.0, 0.1);
        assert_near(tracks[1].floor, -1.2, -apart_m / 2.0, 0.1);
    }
}

#[test]
fn two_people_crossing_at_a_right_angle_keep_their_ids() {
    let mut watch = Watch::from_height(3.0);
    let mut tracks = Vec::new();
    for frame in 0..=20 {
        let along = -1.2 + 0.12 * f64::from(frame);
        let pair = [watch.standing(along, 0.0), watch.standing(0.0, along)];
        tracks = watch.frame(&pair);
    }
    assert_eq!(ids(&tracks), [1, 2]);
    assert_near(tracks[0].floor, 1.2, 0.0, 0.1);
    assert_near(tracks[1].floor, 0.0, 1.2, 0.1);
}

#[test]
fn order_within_a_frame_does_not_matter() {
    let mut watch = Watch::from_height(3.0);
    let (left, right) = (watch.standing(-0.3, 0.0), watch.standing(0.3, 0.0));
    watch.watch(4, &[left.clone(), right.clone()]);
    let tracks = watch.watch(4, &[right, left]);
    assert_eq!(ids(&tracks), [1, 2]);
    assert_near(tracks[0].floor, -0.3, 0.0, 0.01);
}

#[test]
fn somebody_walking_unseen_for_a_second_is_still_the_same() {
    let mut watch = Watch::from_height(3.0);
    let at = |second: f64| -1.4 + 1.2 * second;
    for frame in 0..10 {
        let person = watch.standing(at(0.1 * f64::from(frame)), 0.2);
        watch.frame(&[person]);
    }
    for frame in 10..20 {
        let tracks = watch.frame(&[]);
        assert_eq!(ids(&tracks), [1]);
        assert!(tracks[0].coasting);
        assert_near(tracks[0].floor, at(0.1 * f64::from(frame)), 0.2, 0.15);
        let predicted = watch.standing(tracks[0].floor.x, tracks[0].floor.y);
        assert_near(tracks[0].head_px, predicted.head_px.x, predicted.head_px.y, 1e-6);
        assert_near(tracks[0].box_max_px, predicted.box_max_px.x, predicted.box_max_px.y, 1e-6);
    }
    let person = watch.standing(at(2.0), 0.2);
    let tracks = watch.frame(&[person]);
    assert_eq!(ids(&tracks), [1]);
    assert!(!tracks[0].coasting);
}

#[test]
fn somebody_unseen_for_longer_is_gone_and_the_id_is_never_given_again() {
    let mut watch = Watch::from_height(3.0);
    let person = watch.standing(0.5, 0.5);
    assert_eq!(ids(&watch.watch(5, std::slice::from_ref(&person))), [1]);
    assert_eq!(ids(&watch.watch(15, &[])), [1], "1.5 s");
    assert!(watch.frame(&[]).is_empty(), "1.6 s");
    assert_eq!(ids(&watch.watch(5, std::slice::from_ref(&person))), [2]);
    watch.tracker.drop_tracks();
    assert_eq!(ids(&watch.watch(5, &[person])), [3]);
}

#[test]
fn frames_may_come_at_any_interval() {
    let mut watch = Watch::from_height(3.0);
    let mut second = 0.0;
    let mut tracks = Vec::new();
    for ms in [100, 400, 50, 100, 700, 0, 100, 30, 600, 100] {
        second += ms as f64 / 1000.0;
        let person = watch.standing(-1.3 + 1.1 * second, 0.0);
        tracks = watch.after(ms, &[person]);
    }
    assert_eq!(ids(&tracks), [1]);
    assert_near(tracks[0].floor, -1.3 + 1.1 * second, 0.0, 0.1);
}

#[test]
fn a_frame_out_of_order_is_taken_as_one_at_the_same_time() {
    let mut watch = Watch::from_height(3.0);
    let person = watch.standing(0.5, 0.5);
    watch.watch(5, std::slice::from_ref(&person));
    let tracks = watch.tracker.update(Uptime::ZERO, &[person]);
    assert_eq!(ids(&tracks), [1]);
    assert_near(tracks[0].floor, 0.5, 0.5, 0.01);
}

#[test]
fn people_shoulder_to_shoulder_are_two_and_one_unseen_does_not_take_the_others_place() {
    let mut watch = Watch::from_height(3.0);
    let (left, right) = (watch.standing(-0.22, 0.0), watch.standing(0.23, 0.0));
    assert_eq!(watch.watch(10, &[left.clone(), right.clone()]).len(), 2);
    let leaning_over = watch.standing(0.08, 0.0);
    for frame in 0..14 {
        let tracks = watch.frame(std::slice::from_ref(if frame < 12 { &right } else { &leaning_over }));
        assert_eq!(ids(&tracks), [1, 2]);
        assert_eq!((tracks[0].coasting, tracks[1].coasting), (true, false));
    }
    let tracks = watch.frame(&[left, right]);
    assert_eq!(ids(&tracks), [1, 2]);
    assert_near(tracks[0].floor, -0.22, 0.0, 0.05);
}

#[test]
fn a_second_peak_on_the_same_head_is_nobody_new() {
    let mut watch = Watch::from_height(3.0);
    let pair = [watch.standing(0.0, 0.0), watch.standing(0.15, 0.0)];
    assert_eq!(ids(&watch.watch(10, &pair)), [1]);
}

/// Sits down or stands up at (1.3, 0.9) over `seconds`, and the detector tells the posture by the head's height.
fn change_height(watch: &mut Watch, from_m: f64, to_m: f64, seconds: f64) -> Vec<Track> {
    let posture_at = |height_m: f64| if height_m < 1.41 { Posture::Seated } else { Posture::Standing };
    let becomes = posture_at(to_m);
    let frames = 40;
    let mut tracks = Vec::new();
    for frame in 0..frames {
        let second = f64::from(frame) * 0.1 - 1.0;
        let height_m = from_m + (to_m - from_m) * (second / seconds.max(1e-9)).clamp(0.0, 1.0);
        let seen = head(&watch.view, 1.3, 0.9, height_m, posture_at(height_m));
        tracks = watch.frame(&[seen]);
        assert!(frame < 2 || ids(&tracks) == [1], "head at {height_m} m: {tracks:?}");
        // While the head is between the two heights the place is off; once we know better it is right at once.
        if let [track] = tracks.as_slice()
            && track.posture == becomes
            && height_m == to_m
        {
            assert_near(track.floor, 1.3, 0.9, 0.15);
        }
    }
    tracks
}

#[test]
fn standing_up_and_sitting_down_near_the_edge_change_neither_the_id_nor_the_place() {
    for height_m in [2.5, 3.0, 4.0] {
        for seconds in [0.0, 0.5, 1.0, 1.5] {
            for (from_m, to_m, becomes) in
                [(SEATED_HEAD_M, STANDING_HEAD_M, Posture::Standing), (STANDING_HEAD_M, SEATED_HEAD_M, Posture::Seated)]
            {
                let mut watch = Watch::from_height(height_m);
                let tracks = change_height(&mut watch, from_m, to_m, seconds);
                assert_eq!(tracks[0].posture, becomes, "under {height_m} m, within {seconds} s");
                assert_near(tracks[0].floor, 1.3, 0.9, 0.05);
            }
        }
    }
}

#[test]
fn a_slip_of_the_detector_about_the_posture_moves_nobody() {
    let mut watch = Watch::from_height(3.0);
    let right = watch.standing(1.2, 0.8);
    let wrong = Detection { posture: Posture::Seated, ..right.clone() };
    watch.watch(10, std::slice::from_ref(&right));
    for seen in [&wrong, &right, &wrong, &wrong, &wrong, &wrong, &wrong, &right] {
        let tracks = watch.frame(std::slice::from_ref(seen));
        assert_eq!((ids(&tracks).as_slice(), tracks[0].posture), ([1].as_slice(), Posture::Standing));
        assert_near(tracks[0].floor, 1.2, 0.8, 0.01);
    }
}

#[test]
fn mounted_below_the_heads_it_assumes_it_still_follows() {
    for height_m in [1.5, 0.9] {
        let mut watch = Watch::from_height(height_m);
        let seen = head(&watch.view, 0.1, 0.1, height_m * 0.7, Posture::Standing);
        let tracks = watch.watch(5, &[seen]);
        assert_eq!(ids(&tracks), [1]);
        assert!(tracks[0].floor.is_finite() && tracks[0].foot_px.is_finite());
    }
}

#[test]
fn detections_that_show_no_floor_are_passed_over() {
    let mut watch = Watch::from_height(3.0);
    let person = watch.standing(0.0, 0.0);
    let beyond = Detection { head_px: DVec2::new(5_000.0, 0.0), ..person.clone() };
    let nowhere = Detection { head_px: DVec2::NAN, ..person.clone() };
    assert_eq!(ids(&watch.watch(5, &[beyond, nowhere, person])), [1]);
}

#[test]
fn a_weak_detection_begins_nobody_but_keeps_somebody() {
    let mut watch = Watch::from_height(3.0);
    let sure = watch.standing(0.5, 0.5);
    let weak = Detection { confidence: 0.4, ..sure.clone() };
    assert!(watch.watch(30, std::slice::from_ref(&weak)).is_empty(), "clutter that looks a little like a head");
    let begun = watch.watch(10, std::slice::from_ref(&sure));
    assert_eq!(begun.len(), 1);
    // Far longer than anybody is followed unseen.
    let kept = watch.watch(50, std::slice::from_ref(&weak));
    assert_eq!(kept.iter().map(|track| track.id).collect::<Vec<_>>(), [begun[0].id]);
    assert!(!kept[0].coasting);
}

#[test]
fn a_detector_that_believes_only_in_more_lets_nobody_begin_with_less() {
    let mut watch = Watch::from_height(3.0);
    watch.tracker = Tracker::new(watch.view, 0.8);
    let sure = watch.standing(0.5, 0.5);
    let weak = Detection { confidence: 0.7, ..sure.clone() };
    assert!(watch.watch(30, std::slice::from_ref(&weak)).is_empty());
    let begun = Detection { confidence: 0.8, ..sure };
    assert_eq!(watch.watch(10, std::slice::from_ref(&begun)).len(), 1);
}

/// A detector as ours is: off by up to two pixels each way, and blind one time in twenty.
fn seen_badly(rng: &mut ChaCha8Rng, mut detection: Detection) -> Option<Detection> {
    let off = DVec2::new(rng.random_range(-2.0..2.0), rng.random_range(-2.0..2.0));
    detection.head_px += off;
    (!rng.random_bool(0.05)).then_some(detection)
}

#[test]
fn two_people_who_pass_shoulder_to_shoulder_at_three_metres_are_never_taken_for_each_other() {
    const APART_M: f64 = 0.5;
    for seed in 0..300 {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let mut watch = Watch::from_height(3.0);
        let (first, second): (f64, f64) = (rng.random_range(0.5..2.0), rng.random_range(0.5..2.0));
        // They meet in the middle.
        let from_s = (1.3 / first).min(1.3 / second);
        let mut owners: [Option<u64>; 2] = [None, None];
        for frame in 0..=(20.0 * from_s) as i32 {
            let t_s = 0.1 * f64::from(frame) - from_s;
            let places = [DVec2::new(first * t_s, APART_M / 2.0), DVec2::new(-second * t_s, -APART_M / 2.0)];
            let seen: Vec<Detection> =
                places.iter().filter_map(|place| seen_badly(rng, watch.standing(place.x, place.y))).collect();
            for track in watch.frame(&seen).iter().filter(|track| !track.coasting) {
                let nearest = usize::from(track.floor.distance(places[1]) < track.floor.distance(places[0]));
                let owner = owners[nearest].get_or_insert(track.id);
                assert_eq!(*owner, track.id, "seed {seed}, {t_s:.1} s: {first:.2} and {second:.2} m/s");
            }
        }
        assert!(owners[0].is_some() && owners[0] != owners[1], "seed {seed}: {owners:?}");
    }
}

#[test]
fn forty_people_who_mill_about_keep_their_ids() {
    let rng = &mut ChaCha8Rng::seed_from_u64(5);
    let mut watch = Watch::from_height(4.0);
    // Each walks in a circle of their own; neighbours come as near as 0.6 m.
    let circles: Vec<(DVec2, f64, f64)> = (0..40)
        .map(|i| {
            let middle = DVec2::new(f64::from(i % 8) - 3.5, f64::from(i / 8) - 2.0) * 0.62;
            (middle, rng.random_range(0.0..6.3), rng.random_range(0.5..2.0))
        })
        .collect();
    let mut owners: Vec<Option<u64>> = vec![None; circles.len()];
    let mut changes = 0;
    for frame in 0..600 {
        let t_s = 0.1 * f64::from(frame);
        let places: Vec<DVec2> =
            circles.iter().map(|(at, phase, pace)| *at + 0.1 * DVec2::from_angle(phase + pace * t_s)).collect();
        let seen: Vec<Detection> =
            places.iter().filter_map(|place| seen_badly(rng, watch.standing(place.x, place.y))).collect();
        let tracks = watch.frame(&seen);
        for (owner, place) in owners.iter_mut().zip(&places) {
            let distance = |track: &&Track| track.floor.distance(*place);
            let Some(nearest) = tracks.iter().min_by(|a, b| distance(a).total_cmp(&distance(b))) else { continue };
            if distance(&nearest) < 0.25 {
                changes += u32::from(owner.replace(nearest.id).is_some_and(|before| before != nearest.id));
            }
        }
        assert!(frame < 10 || tracks.len() == 40, "{} tracks in frame {frame}", tracks.len());
    }
    assert_eq!(changes, 0);
    assert!(owners.iter().all(Option::is_some));
}

#[test]
fn somebody_who_goes_behind_another_for_a_second_is_the_same_afterwards() {
    let mut watch = Watch::from_height(3.0);
    let mut tracks = Vec::new();
    for frame in 0..40 {
        let x = -1.6 + 0.08 * f64::from(frame);
        let standing = watch.standing(0.0, 0.35);
        // Hidden while beside the one who stands.
        let seen = if x.abs() < 0.4 { vec![standing] } else { vec![standing, watch.standing(x, 0.0)] };
        tracks = watch.frame(&seen);
    }
    assert_eq!(ids(&tracks), [1, 2]);
    assert_near(tracks[1].floor, -1.6 + 0.08 * 39.0, 0.0, 0.15);
}
