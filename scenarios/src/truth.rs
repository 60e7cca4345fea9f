//! Ground truth as the sensor could see it: who is where in the picture, how much of each is visible, who counts.
//!
//! A second path beside analytics: it shares the lens's mathematics with it, which are a calibration, and nothing of
//! how people are found, followed or counted.

mod ahead;
mod lens_table;
mod sight;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use analytics::Posture;
use firmware_shim::{Uptime, View};
use glam::{DVec2, DVec3};
use scenes::{Activity, PersonState, Scene};

use ahead::Ahead;
use sight::{Memory, Seen, Sight};

/// Less of a person than this, and the person is neither hit nor miss.
const VISIBLE_MIN: f64 = 0.3;

/// A person in a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct TruePerson {
    /// Index into the scene's people.
    pub index: usize,
    /// The point of the floor below the pelvis, sensor frame, metres.
    pub floor: DVec2,
    /// The middle of the head, sensor frame with z up from the floor, metres.
    pub head: DVec3,
    /// The floor point in the picture, pixels; `None` when out of the lens's field.
    pub foot_px: Option<DVec2>,
    /// The head in the picture, pixels; `None` when out of the lens's field.
    pub head_px: Option<DVec2>,
    /// Whether the head is in the picture with nothing in the way to it.
    pub head_in_sight: bool,
    /// The body's box in the picture, pixels: top left and bottom right. It may reach past the picture's edge.
    pub box_px: Option<(DVec2, DVec2)>,
    /// Standing or seated.
    pub posture: Posture,
    /// What the person is doing.
    pub activity: Activity,
    /// The part of the body's surface that is in the picture and not hidden by furniture or others, 0 to 1; what a body hides
    /// of itself is not left out.
    pub visible: f64,
}

impl TruePerson {
    /// Whether enough can be seen to demand that the person is found.
    pub fn is_visible(&self) -> bool {
        self.visible >= VISIBLE_MIN
    }
}

/// Everybody at an instant.
#[derive(Clone, Debug, PartialEq)]
pub struct TrueFrame {
    /// When.
    pub at: Uptime,
    /// Those present, by ascending index.
    pub people: Vec<TruePerson>,
}

/// How many people a count should have found: at least `sure`, and up to `possible` when people who can hardly be seen
/// are counted, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrueCount {
    /// People in the area who are visible enough.
    pub sure: u32,
    /// These and the ones in the area who are not.
    pub possible: u32,
}

impl TrueCount {
    /// How far a count is off, people.
    pub fn error(self, counted: u32) -> u32 {
        if counted < self.sure { self.sure - counted } else { counted.saturating_sub(self.possible) }
    }

    /// 1 − |counted − true| / max(true, 1), at least 0.
    pub fn accuracy(self, counted: u32) -> f64 {
        let true_count = if counted < self.sure { self.sure } else { counted.min(self.possible) };
        (1.0 - f64::from(self.error(counted)) / f64::from(true_count.max(1))).max(0.0)
    }
}

/// Where people are counted, in normalised image coordinates.
#[derive(Clone, Debug, PartialEq)]
pub struct TrueArea {
    /// By what is drawn.
    pub drawn: Drawn,
    /// Whose feet are in one of these polygons is not to be counted; whose head is may be counted or not.
    pub masks: Vec<Vec<DVec2>>,
}

/// What is drawn to count by.
#[derive(Clone, Debug, PartialEq)]
pub enum Drawn {
    /// The whole picture.
    WholeView,
    /// In at least one of these polygons.
    Mapped(Vec<Vec<DVec2>>),
    /// In none of them.
    NonMapped(Vec<Vec<DVec2>>),
}

impl TrueArea {
    /// The outlines drawn, if any.
    pub fn polygons(&self) -> &[Vec<DVec2>] {
        match &self.drawn {
            Drawn::WholeView => &[],
            Drawn::Mapped(polygons) | Drawn::NonMapped(polygons) => polygons,
        }
    }

    /// Whether a normalised floor point is counted.
    pub fn contains(&self, foot: DVec2) -> bool {
        let in_view = (0.0..=1.0).contains(&foot.x) && (0.0..=1.0).contains(&foot.y);
        let in_any = |polygons: &[Vec<DVec2>]| polygons.iter().any(|polygon| is_inside(polygon, foot));
        in_view
            && !self.masks(foot)
            && match &self.drawn {
                Drawn::WholeView => true,
                Drawn::Mapped(polygons) => in_any(polygons),
                Drawn::NonMapped(polygons) => !in_any(polygons),
            }
    }

    /// Whether a normalised point is under a mask.
    pub(crate) fn masks(&self, point: DVec2) -> bool {
        self.masks.iter().any(|mask| is_inside(mask, point))
    }
}

/// Even-odd rule: a ray to the right crosses the outline an odd number of times.
pub(crate) fn is_inside(polygon: &[DVec2], point: DVec2) -> bool {
    let mut inside = false;
    for (i, a) in polygon.iter().enumerate() {
        let b = polygon[(i + 1) % polygon.len()];
        if (a.y > point.y) != (b.y > point.y) {
            let crossing = a.x + (point.y - a.y) / (b.y - a.y) * (b.x - a.x);
            inside ^= point.x < crossing;
        }
    }
    inside
}

/// The truth about one scene as one sensor sees it, at any time.
pub struct Truth {
    look: Arc<Look>,
    asked: Mutex<Asked>,
}

/// How the truth about an instant is found.
struct Look {
    scene: Arc<Scene>,
    sensor_at: DVec2,
    view: View,
    sight: Sight,
}

/// What was asked before, and what was found ahead. It changes no answer.
#[derive(Default)]
struct Asked {
    /// The last answer: the oracle and the judge ask for the same instants.
    last: Option<Arc<TrueFrame>>,
    /// By the scene's people.
    memory: Vec<Memory>,
    ahead: Option<Ahead>,
}

impl Truth {
    /// The truth about `scene` for a sensor at `sensor_at` in the room.
    pub fn new(scene: Arc<Scene>, sensor_at: DVec2, view: View) -> Self {
        let sight = Sight::new(&scene, sensor_at, view);
        Truth { look: Arc::new(Look { scene, sensor_at, view, sight }), asked: Mutex::default() }
    }

    /// The view the truth is projected through.
    pub fn view(&self) -> &View {
        &self.look.view
    }

    /// Has other cores find the truth of so many frames, which are then asked for one after another.
    pub fn look_ahead(&self, frames: u64, period: Duration) {
        self.lock().ahead = Some(Ahead::start(&self.look, frames, period));
    }

    /// Everybody at `at`; the run's time is the device's uptime, for it is switched on when the run begins.
    pub fn at(&self, at: Uptime) -> Arc<TrueFrame> {
        let mut asked = self.lock();
        if let Some(frame) = asked.last.as_ref().filter(|frame| frame.at == at) {
            return Arc::clone(frame);
        }
        let found = asked.ahead.as_mut().and_then(|ahead| ahead.take(at));
        let frame = found.unwrap_or_else(|| Arc::new(self.look.frame(at, &mut asked.memory)));
        asked.last = Some(Arc::clone(&frame));
        frame
    }

    fn lock(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many people a count at `at` should have found in `area`.
    pub fn count(&self, at: Uptime, area: &TrueArea) -> TrueCount {
        let (frame, view) = (self.at(at), self.view());
        let in_area = |person: &&TruePerson| person.foot_px.is_some_and(|foot| area.contains(view.normalised(foot)));
        let possible = frame.people.iter().filter(in_area).count() as u32;
        let is_sure = |person: &&TruePerson| {
            let is_masked = person.head_px.is_some_and(|head| area.masks(view.normalised(head)));
            person.is_visible() && !is_masked
        };
        let sure = frame.people.iter().filter(in_area).filter(is_sure).count() as u32;
        TrueCount { sure, possible }
    }
}

impl Look {
    fn frame(&self, at: Uptime, memory: &mut Vec<Memory>) -> TrueFrame {
        let world = self.scene.at(at.as_secs_f64());
        let seen = self.sight.look(&world, memory);
        let people = world.people.iter().zip(seen).map(|(person, seen)| self.project(person, seen)).collect();
        TrueFrame { at, people }
    }

    fn project(&self, person: &PersonState, seen: Seen) -> TruePerson {
        let Seen { visible, box_px, head_in_sight } = seen;
        TruePerson {
            index: person.index,
            floor: person.floor - self.sensor_at,
            foot_px: self.sight.pixel(person.floor.extend(0.0)),
            head: person.head - self.sensor_at.extend(0.0),
            head_in_sight,
            head_px: self.sight.pixel(person.head),
            box_px,
            posture: match person.posture {
                scenes::Posture::Standing => Posture::Standing,
                scenes::Posture::Seated => Posture::Seated,
            },
            activity: person.activity,
            visible,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardly_visible_people_are_neither_hit_nor_miss() {
        let count = TrueCount { sure: 4, possible: 5 };
        assert_eq!([3, 4, 5, 6].map(|counted| count.error(counted)), [1, 0, 0, 1]);
        assert_eq!(count.accuracy(4), 1.0);
        assert_eq!(count.accuracy(5), 1.0);
        assert_eq!(count.accuracy(3), 0.75);
        assert_eq!(count.accuracy(6), 0.8);
        assert_eq!(TrueCount { sure: 0, possible: 0 }.accuracy(3), 0.0);
    }

    /// Somebody who stands at (4, 3) in an 8 m × 6 m room, 1 m east of the sensor, with something beside.
    fn seen_beside(furniture: &str) -> TruePerson {
        seen(furniture, "")
    }

    /// The same, who carries something.
    fn seen(furniture: &str, carries: &str) -> TruePerson {
        let text = format!(
            "(
                room: (size_m: (8, 6), ceiling_m: 3),
                light: (lux: 300, diffuse_share: 1),
                furniture: [{furniture}],
                people: [(name: \"a\", starts: Stands(at_m: (4, 3)), carries: [{carries}])],
            )"
        );
        let scene = Scene::from_file(&ron_file::RonFile::embedded("room", text)).unwrap_or_else(|e| panic!("{e}"));
        let tangent = [1.0 / 3.0, 2.0 / 15.0, 17.0 / 315.0, 62.0 / 2835.0];
        let lens = firmware_shim::Lens::with_horizontal_angle(320, 240, 118f64.to_radians(), tangent);
        let mounting = firmware_shim::Mounting { height_m: 3.0, rotation_rad: 0.0, tilt_rad: 0.0 };
        let truth = Truth::new(Arc::new(scene), DVec2::new(3.0, 3.0), View { lens, mounting });
        let frame = truth.at(Uptime::ZERO);
        frame.people[0].clone()
    }

    #[test]
    fn a_person_is_projected_to_where_the_lens_sees_the_person() {
        let person = seen_beside("");
        assert_eq!(person.floor, DVec2::new(1.0, 0.0));
        let (head, foot) = (person.head_px.unwrap(), person.foot_px.unwrap());
        assert!(person.head.truncate().length() < 1.2 && (1.5..1.9).contains(&person.head.z), "{}", person.head);
        assert!(head.x > foot.x + 10.0, "a head is further out than the feet: {head}, {foot}");
        let (min, max) = person.box_px.unwrap();
        assert!(min.cmplt(head).all() && head.cmplt(max).all(), "the head is in the box");
        assert_eq!(person.visible, 1.0);
    }

    #[test]
    fn the_library_shows_the_heads_of_its_people_under_their_own_ceilings() {
        for name in scenes::library_names() {
            let scene =
                Arc::new(Scene::from_library(&name).expect("listed").unwrap_or_else(|errors| panic!("{errors}")));
            let high = scene.room.ceiling_m >= 4.5;
            let profile = if high { "vs121-p-high-ceiling" } else { "vs121-p-standard" };
            let mut view = device_model::Profile::library(profile).unwrap().view();
            view.mounting.height_m = scene.room.ceiling_m;
            let sensor_at = DVec2::new(scene.room.size_m.0, scene.room.size_m.1) / 2.0;
            let truth = Truth::new(Arc::clone(&scene), sensor_at, view);
            let (mut seen, mut all) = (0, 0);
            for second in (0..40).step_by(2) {
                for person in &truth.at(Uptime(second * 1_000_000_000)).people {
                    all += 1;
                    seen += u32::from(person.head_px.is_some_and(|head| view.lens.contains(head)));
                }
            }
            // Who comes or goes in a room longer than the view is beyond its border for a while.
            let long = ["corridor", "shop-entrance"].contains(&name.as_str());
            assert!(seen * 4 > all * if long { 2 } else { 3 }, "{name}: {seen} heads of {all} are in the picture");
        }
    }

    #[test]
    fn furniture_between_lens_and_person_hides_as_much_as_it_covers() {
        // A wall 1.4 m high, half way between: it hides the legs.
        let low =
            seen_beside("(name: \"wall\", piece: Block(size_m: (0.05, 3, 1.4)), at_m: (3.6, 3), color: \"#888888\")");
        assert!((0.3..0.9).contains(&low.visible), "{}", low.visible);
        assert!(low.is_visible() && low.head_in_sight);
        let high =
            seen_beside("(name: \"wall\", piece: Block(size_m: (0.05, 3, 2.8)), at_m: (3.6, 3), color: \"#888888\")");
        assert!(!high.is_visible() && !high.head_in_sight, "{}", high.visible);
        let behind =
            seen_beside("(name: \"wall\", piece: Block(size_m: (0.05, 3, 2.8)), at_m: (4.6, 3), color: \"#888888\")");
        assert_eq!(behind.visible, 1.0);
    }

    #[test]
    fn what_is_remembered_and_left_out_changes_nothing() {
        // Doors, crowds, things in hands, wheelchairs, people who sit, turned and tilted sensors, high ceilings.
        let mut all_some_and_none = [0; 3];
        for (i, name) in scenes::library_names().into_iter().enumerate() {
            let scene = Scene::from_library(&name).expect("listed").unwrap_or_else(|errors| panic!("{errors}"));
            let profile = if scene.room.ceiling_m >= 4.5 { "vs121-p-high-ceiling" } else { "vs121-p-standard" };
            let mut view = device_model::Profile::library(profile).unwrap().view();
            let (rotation_rad, tilt_rad) = (0.4 * i as f64, 0.08 * (i % 3) as f64);
            view.mounting = firmware_shim::Mounting { height_m: scene.room.ceiling_m, rotation_rad, tilt_rad };
            let sensor_at = DVec2::new(scene.room.size_m.0, scene.room.size_m.1) * 0.4;
            let sight = Sight::new(&scene, sensor_at, view);
            let mut memory = Vec::new();
            for frame in 0..150 {
                // Ten frames a second, with a jump now and then.
                let world = scene.at(f64::from(frame) * 0.1 + f64::from(frame / 50) * 7.0);
                for (own, seen) in sight.look(&world, &mut memory).into_iter().enumerate() {
                    let plainly = sight.look_plainly(&world, own);
                    assert_eq!(seen, plainly, "{name}: person {own} at {} s", world.t_s);
                    all_some_and_none[if seen.visible == 1.0 { 0 } else { 1 + usize::from(seen.visible == 0.0) }] += 1;
                }
            }
        }
        assert!(all_some_and_none.iter().all(|people| *people >= 100), "{all_some_and_none:?}");
    }

    #[test]
    fn what_is_found_ahead_is_what_would_have_been_found() {
        let scene = Scene::from_library("canteen-queue").expect("listed").unwrap_or_else(|errors| panic!("{errors}"));
        let profile = device_model::Profile::library("vs121-p-standard").unwrap();
        let period = profile.frame_period();
        let truth = || Truth::new(Arc::new(scene.clone()), DVec2::new(4.0, 3.0), profile.view());
        let (ahead, alone) = (truth(), truth());
        // More than the threads do in one go, and not a whole number of that.
        const FRAMES: u64 = 1300;
        ahead.look_ahead(FRAMES, period);
        // A frame is left out, the device is off for a while, somebody asks between frames, and after the last.
        let asked = (0..FRAMES).filter(|seq| *seq != 7 && !(100..900).contains(seq)).chain([FRAMES + 5]);
        for at in asked.map(|seq| crate::oracle::taken_at(seq, period)) {
            assert_eq!(ahead.at(at), alone.at(at));
            let between = at + Duration::from_millis(30);
            assert_eq!(ahead.at(between), alone.at(between));
            assert_eq!(ahead.at(at), alone.at(at), "asked again");
        }
        // Threads whose frames nobody wants any more end.
        truth().look_ahead(1_000_000, period);
    }

    #[test]
    fn an_umbrella_hides_who_holds_it() {
        let [bare, box_, umbrella] = ["", "(thing: Box)", "(thing: Umbrella)"].map(|carries| seen("", carries).visible);
        assert!(bare == 1.0 && box_ < 1.0 && umbrella < 0.7 * box_, "{bare}, {box_}, {umbrella}");
    }

    #[test]
    fn people_count_as_true_from_thirty_percent_on() {
        let person = |visible: f64| TruePerson { visible, ..seen_beside("") };
        assert!(person(0.3).is_visible());
        assert!(!person(0.299).is_visible());
    }

    #[test]
    fn a_point_is_in_a_polygon_by_the_even_odd_rule() {
        let l_shape = [(0.1, 0.1), (0.9, 0.1), (0.9, 0.4), (0.4, 0.4), (0.4, 0.9), (0.1, 0.9)];
        let polygons = vec![l_shape.map(|(x, y)| DVec2::new(x, y)).to_vec()];
        let area = |drawn| TrueArea { drawn, masks: vec![] };
        let (mapped, non_mapped) = (area(Drawn::Mapped(polygons.clone())), area(Drawn::NonMapped(polygons)));
        for (x, y, inside) in [(0.2, 0.8, true), (0.8, 0.2, true), (0.8, 0.8, false)] {
            let point = DVec2::new(x, y);
            assert_eq!((mapped.contains(point), non_mapped.contains(point)), (inside, !inside), "{point}");
        }
        let outside_the_picture = DVec2::new(0.5, 1.01);
        for area in [area(Drawn::WholeView), mapped, non_mapped] {
            assert!(!area.contains(outside_the_picture), "{area:?}");
        }
    }
}
