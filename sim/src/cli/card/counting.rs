//! What is counted over time: crossings of a line, stays on a chair.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, io};

use analytics::{OnnxDetector, RecognitionScheme};
use anyhow::Context;
use device_model::Profile;
use firmware::configuration::{
    DetectionLine, DwellSeconds, LineCrossingCounting, Polygon, RegionSettings, ReportRegularly,
};
use glam::DVec2;
use indicatif::{ProgressBar, ProgressStyle};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use scenarios::{CountingScores, EventScore, Lane, PlaceError, RunRecord, Scenario, Tracks, counting_scores};
use scenes::{Looks, Passing, Posture, Way};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::detection::library;
use crate::inference::Model;
use crate::light::HeadlessLight;
use crate::outcome::{say, write_json};

/// What people pass through, and at which height.
const CORRIDOR: &str = "corridor";
const HEIGHT_M: f64 = 3.0;
/// How far from the sensor people come and go, m.
const REACH_M: f64 = 2.6;
/// People of one run.
const PASSERS: usize = 24;

/// Crossings by kind.
pub struct Crossings {
    pub kinds: Vec<(Passing, EventScore, EventScore)>,
    pub place: PlaceError,
}

impl Crossings {
    pub fn measure(work: &Path, model: &Model, crossings: u64, jobs: u64) -> anyhow::Result<Self> {
        let (mut kinds, mut place) = (Vec::new(), PlaceError::default());
        for passing in [Passing::Alone, Passing::Abreast, Passing::Opposite, Passing::GroupOfFour] {
            let runs = crossings.div_ceil(PASSERS as u64) as usize;
            let name = format!("crossings-{passing:?}").to_lowercase();
            let all = measured(work, &name, model, runs, jobs, &|run| passers(passing, run as u64), &scores)?;
            let (mut line_in, mut line_out) = (EventScore::default(), EventScore::default());
            for scores in all {
                line_in.add(scores.line_in);
                line_out.add(scores.line_out);
                place.add(scores.place);
            }
            kinds.push((passing, line_in, line_out));
        }
        Ok(Crossings { kinds, place })
    }
}

fn passers(passing: Passing, run: u64) -> anyhow::Result<Scenario> {
    let corridor = library(CORRIDOR)?.with_ceiling(HEIGHT_M).context("the corridor does not fit under 3 m")?;
    let middle = DVec2::new(corridor.room.size_m.0, corridor.room.size_m.1) / 2.0;
    let reach = DVec2::new(REACH_M, 0.0);
    let way = Way { from: middle - reach, to: middle + reach, half_width_m: 0.75 };
    let rng = &mut ChaCha8Rng::seed_from_u64(run);
    let (scene, until_s) = corridor.with_passers(rng, passing, way, PASSERS);
    let profile = Profile::library("vs121-p-standard")?;
    // Three seconds more: what is told late is told.
    let mut scenario = Scenario::watching(CORRIDOR, scene, profile, "standard", middle, until_s + 3.0);
    scenario.seed = run;
    let view = scenario.view();
    let seen = |x: f64, y: f64| view.pixel(DVec2::new(x, y).extend(0.0)).map(|pixel| view.normalised(pixel));
    let line = [seen(0.0, -1.4), seen(0.0, 1.4)].into_iter().collect::<Option<Vec<DVec2>>>();
    let line = line.context("the line is out of view")?;
    scenario.configuration.line_crossing_counting = LineCrossingCounting {
        enable: true,
        report_regularly: ReportRegularly::Off,
        line: Some(DetectionLine::try_from(line).map_err(anyhow::Error::msg)?),
        ..LineCrossingCounting::default()
    };
    Ok(scenario)
}

/// Where people sit, at the height of the room.
const SEATS: [&str; 2] = ["meeting-room", "classroom"];
const STAY_S: f64 = 1800.0;
/// From a chair's middle to the sides of its region, m.
const SEAT_M: f64 = 0.45;
/// At most so many at once: regions are 16.
const SITTERS: usize = 10;
/// Runs between which it is looked whether there were enough stays.
const RUNS: usize = 4;

/// Stays of half an hour.
pub struct Stays {
    pub asked: u32,
    pub unbroken: u32,
}

impl Stays {
    pub fn measure(work: &Path, model: &Model, stays: u64, jobs: u64) -> anyhow::Result<Self> {
        let (mut asked, mut unbroken, mut run) = (0, 0, 0);
        // How many sit in a room depends on its chairs.
        while u64::from(asked) < stays {
            let first = run;
            let name = format!("stays-{first}");
            for scores in measured(work, &name, model, RUNS, jobs, &|i| sitters((first + i) as u64), &scores)? {
                asked += scores.stays;
                unbroken += scores.stays_unbroken;
            }
            run += RUNS;
        }
        Ok(Stays { asked, unbroken })
    }
}

fn sitters(run: u64) -> anyhow::Result<Scenario> {
    let name = SEATS[run as usize % SEATS.len()];
    let room = library(name)?.with_ceiling(HEIGHT_M).context("the room does not fit under 3 m")?;
    let middle = DVec2::new(room.room.size_m.0, room.room.size_m.1) / 2.0;
    let profile = Profile::library("vs121-p-standard")?;
    let half = profile.recommended_range(HEIGHT_M) / 2.0;
    let within = |place: DVec2| (place - middle).abs().cmple(half).all();
    let rng = &mut ChaCha8Rng::seed_from_u64(run);
    let scene = room.with_people_placed(rng, Posture::Seated, SITTERS, &within, Looks::Library);
    let seats: Vec<DVec2> = scene.at(0.0).people.iter().map(|person| person.floor - middle).collect();
    let mut scenario = Scenario::watching(name, scene, profile, "standard", middle, STAY_S);
    scenario.seed = run;
    let view = scenario.view();
    let seen = |at: DVec2| {
        let pixel = view.pixel(at.extend(0.0))?;
        Some(view.normalised(pixel).clamp(DVec2::ZERO, DVec2::ONE))
    };
    let around = |seat: &DVec2| -> Option<Vec<DVec2>> {
        let corners = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)];
        corners.into_iter().map(|corner| seen(*seat + SEAT_M * DVec2::from(corner))).collect()
    };
    let outlines = seats.iter().map(around).collect::<Option<Vec<_>>>().context("a seat is out of view")?;
    let region = |(id, outline): (u32, Vec<DVec2>)| -> anyhow::Result<RegionSettings> {
        let polygon = Polygon::try_from(outline).map_err(anyhow::Error::msg)?;
        Ok(RegionSettings { id: NonZeroU32::new(id).context("ids count from 1")?, name: String::new(), polygon })
    };
    let regions = (1..).zip(outlines).map(region).collect::<anyhow::Result<_>>()?;
    let settings = &mut scenario.configuration.region_people_counting;
    settings.detection_region.regions = regions;
    (settings.dwell_time_detection, settings.min_dwell_s) =
        (true, DwellSeconds::try_from(0).map_err(anyhow::Error::msg)?);
    Ok(scenario)
}

fn scores(scenario: &Scenario, record: &RunRecord) -> anyhow::Result<CountingScores> {
    Ok(counting_scores(scenario, record))
}

/// Scenes that the two recognition schemes are compared in: with many objects, and clean.
pub const SCHEME_SCENES: [(&str, &str); 4] = [
    ("cluttered-office", "many objects"),
    ("open-office", "many objects"),
    ("meeting-room", "clean"),
    ("huddle-room", "clean"),
];
/// How long each looks, and from when on it is judged: the first scheme takes a minute to tell things from people.
const SCHEME_S: f64 = 160.0;
const JUDGED_FROM_S: f64 = 80.0;
/// Runs of each scene, every other one without anybody.
const SCHEME_RUNS: usize = 6;

/// What the recognition schemes are worth: by scene, with Algorithm 1 and with Algorithm 2.
pub struct Schemes {
    pub scenes: Vec<(&'static str, &'static str, [SchemeScore; 2])>,
}

/// Over frames.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct SchemeScore {
    /// Mean count accuracy with people.
    pub accuracy: f64,
    /// People counted too many, a mean, with nobody there.
    pub too_many: f64,
}

impl Schemes {
    /// Nothing when `wanted` is not.
    pub fn measure(work: &Path, model: &Model, wanted: bool, jobs: u64) -> anyhow::Result<Self> {
        let mut scenes = Vec::new();
        for (name, kind) in SCHEME_SCENES.into_iter().filter(|_| wanted) {
            let mut both = [SchemeScore::default(); 2];
            for (score, scheme) in both.iter_mut().zip([RecognitionScheme::Algorithm1, RecognitionScheme::Algorithm2]) {
                let folder = format!("scheme-{name}-{scheme:?}").to_lowercase();
                let look = |run: usize| watched(name, run as u64, scheme);
                let runs = measured(work, &folder, model, SCHEME_RUNS, jobs, &look, &|_, record| Ok(judged(record)))?;
                let mean = |odd: usize, value: fn(&SchemeScore) -> f64| {
                    let values: Vec<f64> = runs.iter().skip(odd).step_by(2).map(value).collect();
                    values.iter().sum::<f64>() / values.len().max(1) as f64
                };
                *score = SchemeScore { accuracy: mean(0, |run| run.accuracy), too_many: mean(1, |run| run.too_many) };
            }
            scenes.push((name, kind, both));
        }
        Ok(Schemes { scenes })
    }
}

fn watched(name: &str, run: u64, scheme: RecognitionScheme) -> anyhow::Result<Scenario> {
    let room = library(name)?;
    let height_m = room.room.ceiling_m;
    let middle = DVec2::new(room.room.size_m.0, room.room.size_m.1) / 2.0;
    let profile = Profile::library("vs121-p-standard")?;
    let half = profile.recommended_range(height_m) / 2.0;
    let within = |place: DVec2| (place - middle).abs().cmple(half).all();
    let rng = &mut ChaCha8Rng::seed_from_u64(run);
    let people = if run.is_multiple_of(2) { SITTERS } else { 0 };
    let scene = room.with_people_placed(rng, Posture::Seated, people, &within, Looks::Library);
    let mut scenario = Scenario::watching(name, scene, profile, "standard", middle, SCHEME_S);
    scenario.seed = run;
    scenario.configuration.general.recognition_scheme = scheme;
    Ok(scenario)
}

fn judged(record: &RunRecord) -> SchemeScore {
    let frames = record.frames.iter().filter(|frame| frame.taken_at.as_secs_f64() >= JUDGED_FROM_S);
    let (mut score, mut count) = (SchemeScore::default(), 0.0);
    for frame in frames {
        score.accuracy += frame.truth.accuracy(frame.counted);
        score.too_many += f64::from(frame.counted.saturating_sub(frame.truth.possible));
        count += 1.0;
    }
    SchemeScore { accuracy: score.accuracy / f64::max(count, 1.0), too_many: score.too_many / f64::max(count, 1.0) }
}

/// What runs come to, several at a time; each is kept in a file and not made again.
fn measured<T: Clone + Send + Serialize + DeserializeOwned>(
    work: &Path,
    name: &str,
    model: &Model,
    runs: usize,
    jobs: u64,
    scenario: &(dyn Fn(usize) -> anyhow::Result<Scenario> + Sync),
    judge: &(dyn Fn(&Scenario, &RunRecord) -> anyhow::Result<T> + Sync),
) -> anyhow::Result<Vec<T>> {
    let folder = work.join(name);
    fs::create_dir_all(&folder).with_context(|| format!("failed to create {}", folder.display()))?;
    say(&format!("{name}: {runs} runs"));
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} runs, {eta} left")?;
    let progress = ProgressBar::new(runs as u64).with_style(style);
    let (next, done) = (AtomicUsize::new(0), Mutex::new(vec![None; runs]));
    let work_through = || -> anyhow::Result<()> {
        let mut light = HeadlessLight::start()?;
        loop {
            let run = next.fetch_add(1, Ordering::Relaxed);
            if run >= runs {
                return Ok(());
            }
            let file = folder.join(format!("{run}.json"));
            let score = match fs::read(&file) {
                Ok(text) => serde_json::from_slice(&text)
                    .with_context(|| format!("{} holds no scores: delete it", file.display()))?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let scenario = scenario(run)?;
                    let detector = Box::new(OnnxDetector::from_bytes(&model.bytes, &model.name)?);
                    let lane = Lane::Rendered { light: &mut light, detector };
                    let record =
                        scenarios::run(&scenario, lane, Tracks::Kept, &mut |_| {}).map_err(|broken| broken.error)?;
                    let score = judge(&scenario, &record)?;
                    // In one piece, or not at all.
                    let unfinished = file.with_extension("new");
                    write_json(&unfinished, &score)?;
                    fs::rename(&unfinished, &file).with_context(|| format!("failed to write {}", file.display()))?;
                    score
                }
                Err(error) => return Err(error).with_context(|| format!("failed to read {}", file.display())),
            };
            done.lock().unwrap_or_else(|poisoned| poisoned.into_inner())[run] = Some(score);
            progress.inc(1);
        }
    };
    let ended: Vec<anyhow::Result<()>> = std::thread::scope(|scope| {
        let work_on = || {
            let ended = work_through();
            if ended.is_err() {
                // The others need not go on.
                next.store(runs, Ordering::Relaxed);
            }
            ended
        };
        let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(work_on)).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined.map(|done| done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    ended.into_iter().collect::<anyhow::Result<()>>()?;
    progress.finish_and_clear();
    let done = done.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    Ok(done.into_iter().flatten().collect())
}
