//! The loop against a lamp that remembers what it was asked for.

use std::path::Path;
use std::sync::Mutex;

use analytics::{DetectError, Detection};
use device_model::Radiance;

use super::*;
use crate::happening::{Event, Happening};
use crate::light::{Exposure, LightError, Stage};

/// Remembers what it was asked for, and answers with the light level's brightness all over.
#[derive(Default)]
pub(super) struct Lamp {
    asked: Vec<Exposure>,
    size: (u32, u32),
    outstanding: Option<(u64, f64)>,
    /// Answers this exposure under a wrong number.
    mixes_up: Option<u64>,
}

impl LightSource for Lamp {
    fn set_stage(&mut self, stage: &Stage) -> Result<(), LightError> {
        self.size = (stage.pinhole.width, stage.pinhole.height);
        Ok(())
    }

    fn expose(
        &mut self,
        next: Option<&Exposure>,
        _: &mut dyn FnMut(Work),
    ) -> Result<Option<(u64, Radiance)>, LightError> {
        let answer = self.outstanding.take().map(|(seq, lux)| {
            let seq = if self.mixes_up == Some(seq) { seq + 1 } else { seq };
            (seq, Radiance::uniform(self.size.0, self.size.1, lux as f32))
        });
        self.outstanding = next.map(|exposure| (exposure.seq, exposure.lux));
        self.asked.extend(next.cloned());
        Ok(answer)
    }
}

/// Remembers the frames it was shown: number, time, mean level.
#[derive(Clone, Default)]
pub(super) struct Witness(pub Arc<Mutex<Vec<(u64, Uptime, f64)>>>);

impl Detector for Witness {
    fn detect(&mut self, frame: &Frame) -> Result<Vec<Detection>, DetectError> {
        let pixels = &frame.image.as_ref().expect("the rendered lane has pictures").pixels;
        let mean = pixels.iter().map(|p| f64::from(*p)).sum::<f64>() / pixels.len() as f64;
        self.0.lock().unwrap().push((frame.seq, frame.taken_at, mean));
        Ok(vec![])
    }

    fn believes_from(&self) -> f64 {
        0.0
    }
}

fn meeting(duration_s: f64, timeline: Vec<Event>) -> Scenario {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/library/meeting-room.ron"));
    let scenario = Scenario::read(path).unwrap_or_else(|errors| panic!("{errors}"));
    Scenario { duration_s, timeline, ..scenario }
}

#[test]
fn each_frame_is_exposed_to_the_world_and_the_light_of_its_own_time() {
    // So dim that no exposure can even the step out before the frames after it are taken.
    let dim = Event { at_s: 1.0, event: Happening::Lux(0.001) };
    let scenario = meeting(2.0, vec![dim]);
    let (mut lamp, witness) = (Lamp::default(), Witness::default());
    run(
        &scenario,
        Lane::Rendered { light: &mut lamp, detector: Box::new(witness.clone()) },
        Tracks::Dropped,
        &mut |_| {},
    )
    .unwrap();

    let shown = witness.0.lock().unwrap();
    assert_eq!(shown.len(), 20, "10 frames a second");
    for (i, ((seq, taken_at, mean), asked)) in shown.iter().zip(&lamp.asked).enumerate() {
        assert_eq!((*seq, asked.seq), (i as u64, i as u64), "none lost, none twice");
        assert_eq!(*taken_at, Uptime::from_millis(i as u64 * 100 + 50));
        assert_eq!(asked.worlds, [scenario.scene.at(taken_at.as_secs_f64())], "posed at the middle of its exposure");
        let lit = taken_at.as_secs_f64() < 1.0;
        assert_eq!(asked.lux, if lit { 320.0 } else { 0.001 });
        assert_eq!(lit, *mean > 40.0, "frame {i} has level {mean}");
    }
}

#[test]
fn light_under_a_wrong_number_never_becomes_a_frame() {
    let scenario = meeting(2.0, vec![]);
    let (mut lamp, witness) = (Lamp { mixes_up: Some(7), ..Lamp::default() }, Witness::default());
    let lane = Lane::Rendered { light: &mut lamp, detector: Box::new(witness.clone()) };
    let broken = run(&scenario, lane, Tracks::Dropped, &mut |_| {}).expect_err("frame 7 has no light");
    assert!(matches!(broken.error, RunError::Light(LightError::OutOfTurn { due: 7, got: Some(8) })), "{broken}");
    assert_eq!(witness.0.lock().unwrap().len(), 7);
    assert_eq!(broken.record.frames.len(), 7, "what there is of the run is kept");
}

#[test]
fn a_frame_that_is_not_due_before_the_end_is_not_analysed() {
    for (duration_s, frames) in [(1.0, 10), (1.06, 10), (1.1, 11)] {
        let record = run(&meeting(duration_s, vec![]), Lane::Oracle, Tracks::Dropped, &mut |_| {}).unwrap();
        assert_eq!(record.frames.len(), frames, "{duration_s} s");
    }
}

#[test]
fn the_truth_is_asked_where_the_device_is_configured_to_count() {
    let scenario = meeting(1.0, vec![]);
    let mut elsewhere = scenario.configuration.clone();
    elsewhere.region_people_counting.detection_region.area = firmware::configuration::Area::NonMapped;
    let event = Happening::Configure(Box::new(elsewhere));
    let scenario = Scenario { timeline: vec![Event { at_s: 0.5, event }], ..scenario };
    let record = run(&scenario, Lane::Oracle, Tracks::Dropped, &mut |_| {}).unwrap();
    let counts: Vec<u32> = record.frames.iter().map(|frame| frame.truth.sure).collect();
    assert_eq!(counts, [4, 4, 4, 4, 0, 0, 0, 0, 0, 0], "four in the mapped regions, nobody outside");
}

#[test]
fn a_cut_of_the_power_that_never_came_is_an_error() {
    let cut = |after_flash_bytes| {
        let cut = Happening::PowerCut { source: None, after_flash_bytes: Some(after_flash_bytes) };
        let events = [(0.5, cut), (1.0, Happening::PowerOn)];
        let timeline = events.map(|(at_s, event)| Event { at_s, event }).to_vec();
        run(&meeting(2.0, timeline), Lane::Oracle, Tracks::Dropped, &mut |_| {})
    };
    let never = cut(1).expect_err("nothing is written to flash");
    assert!(matches!(never.error, RunError::NeverCut { at } if at == Uptime::from_millis(1000)), "{never}");
}

#[test]
fn what_the_camera_is_set_to_is_what_the_device_made_of_the_timeline() {
    let scenario = meeting(25.0, vec![]);
    let with = |wide_dynamic_range| {
        let mut configuration = scenario.configuration.clone();
        configuration.image.wide_dynamic_range = wide_dynamic_range;
        Happening::Configure(Box::new(configuration))
    };
    let reset = Happening::Reset { keep_ip: false, keep_users: false };
    // While it starts it hears nothing.
    let events = [(0.5, with(true)), (1.0, reset), (5.0, with(true))];
    let timeline = events.map(|(at_s, event)| Event { at_s, event }).to_vec();
    let record = run(&meeting(25.0, timeline), Lane::Oracle, Tracks::Dropped, &mut |_| {}).unwrap();
    let wide = |ms| record.camera_after(Uptime::from_millis(ms)).expect("it was set").wide_dynamic_range;
    assert_eq!([0, 499, 500, 999, 20_999, 21_000, 25_000].map(wide), [false, false, true, true, true, false, false]);
}
