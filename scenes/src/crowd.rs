//! Crowds: people who arrive at random, walk through, stop on the way and leave.
//!
//! Who comes when, looks how and wants to go where is drawn here from the crowd's seed; how they get past one another is
//! `steering.rs`'s.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use glam::DVec2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::belongings::trolley_middle;
use crate::footprint::Footprint;
use crate::gait::shortest_turn;
use crate::motion::{Motion, TURN_S};
use crate::plan::Floor;
use crate::random::random_body;
use crate::route::{Grid, Way};
use crate::steering::{Goal, Ground, STEP_S, Scripted, Track, Walker, runs, steer};
use crate::{Carried, Person, Start, Thing};

/// A crowd in a scene file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crowd {
    /// Its people are `NAME-1`, `NAME-2`, …
    pub name: String,
    /// Where people come in; each at one of these.
    pub enters_m: Vec<(f64, f64)>,
    /// Where they go; each to one of these that is at least 1 m from where he or she came in.
    pub leaves_m: Vec<(f64, f64)>,
    /// Where all of them pass on the way.
    #[serde(default)]
    pub via: Vec<Via>,
    /// How many arrive in the mean, 0.1 to 120: a Poisson process.
    pub per_minute: f64,
    /// All that is random descends from it.
    #[serde(default)]
    pub seed: u64,
    /// When the first may arrive.
    #[serde(default)]
    pub from_s: f64,
    /// When the last may arrive, up to 3,600 s.
    pub until_s: f64,
    /// The slowest and the fastest walk at, 0.3 to 2.5 m/s.
    #[serde(default = "default_speeds")]
    pub speed_m_s: (f64, f64),
    /// What some of them carry; each of those one of these.
    #[serde(default)]
    pub carries: Vec<Carried>,
    /// The part of them that carries something, 0 to 1.
    #[serde(default = "default_share")]
    pub carrying_share: f64,
}

/// A place that a crowd's people pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Via {
    /// Where.
    pub at_m: (f64, f64),
    /// The least and the most somebody stays there, each within half a metre, up to 600 s.
    #[serde(default)]
    pub stays_s: (f64, f64),
}

fn default_speeds() -> (f64, f64) {
    (1.0, 1.5)
}

fn default_share() -> f64 {
    0.5
}

/// The most people the crowds of a scene may bring.
const PEOPLE_MAX: usize = 300;
/// Where somebody stays so long others do not wait but go round.
const LONG_S: f64 = 5.0;
/// Whoever comes in so near to a place to leave at leaves at another one.
const FAR_M: f64 = 1.0;

impl Crowd {
    /// When people arrive, seconds.
    fn arrivals(&self) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let mut arrivals = Vec::new();
        let mut at_s = self.from_s;
        // One more than are allowed, so that it is noticed.
        while arrivals.len() <= PEOPLE_MAX {
            at_s -= (1.0 - rng.random_range(0.0f64..1.0)).ln() * 60.0 / self.per_minute;
            if at_s > self.until_s {
                break;
            }
            arrivals.push(at_s);
        }
        arrivals
    }

    /// Where somebody who came in at a place may leave.
    fn exits(&self, entered: (f64, f64)) -> Vec<(f64, f64)> {
        let far = |exit: &&(f64, f64)| vec2(**exit).distance(vec2(entered)) >= FAR_M;
        self.leaves_m.iter().filter(far).copied().collect()
    }

    /// Every point of the floor the file names, with its field below the crowd.
    fn named_points(&self) -> Vec<(String, (f64, f64))> {
        let list = |name: &'static str, points: &[(f64, f64)]| -> Vec<(String, (f64, f64))> {
            points.iter().enumerate().map(|(i, point)| (format!("{name}[{i}]"), *point)).collect()
        };
        let via = self.via.iter().enumerate().map(|(i, via)| (format!("via[{i}].at_m"), via.at_m));
        list("enters_m", &self.enters_m).into_iter().chain(list("leaves_m", &self.leaves_m)).chain(via).collect()
    }

    /// What is wrong with it alone, as (field below the crowd, words).
    fn problem(&self, floor: &Floor) -> Option<(String, String)> {
        let out_of = |field: &str, value: f64, least: f64, most: f64, unit: &str| {
            let words = format!("{value} {unit} is out of {least} to {most} {unit}");
            (!(least..=most).contains(&value)).then(|| (field.to_owned(), words))
        };
        let order = |field: &str, (least, most): (f64, f64)| {
            let words = format!("{least} is more than {most}: the lower one comes first");
            (least > most).then(|| (field.to_owned(), words))
        };
        let none = |field: &str, empty: bool| empty.then(|| (field.to_owned(), "needs at least one (x, y)".to_owned()));
        let outside = || {
            let (x, y) = (floor.size.x, floor.size.y);
            let inside = |p: (f64, f64)| (0.0..=x).contains(&p.0) && (0.0..=y).contains(&p.1);
            let found = self.named_points().into_iter().find(|(_, point)| !inside(*point));
            found.map(|(field, (px, py))| (field, format!("({px}, {py}) is outside the room of {x} m × {y} m")))
        };
        let near = || {
            let stuck = self.enters_m.iter().position(|entry| self.exits(*entry).is_empty());
            let words = || format!("every place of `leaves_m` is nearer than {FAR_M} m: there is nowhere to go");
            stuck.map(|i| (format!("enters_m[{i}]"), words()))
        };
        let unwieldy = || {
            let found =
                self.carries.iter().position(|carried| matches!(carried.thing, Thing::Trolley | Thing::Wheelchair));
            let words = "crowds have no Trolley and no Wheelchair: write a person of `people` for it".to_owned();
            found.map(|i| (format!("carries[{i}].thing"), words))
        };
        let stays = |(i, via): (usize, &Via)| {
            let field = format!("via[{i}].stays_s");
            let (least, most) = via.stays_s;
            out_of(&field, least, 0.0, 600.0, "s")
                .or_else(|| out_of(&field, most, 0.0, 600.0, "s"))
                .or_else(|| order(&field, via.stays_s))
        };
        none("enters_m", self.enters_m.is_empty())
            .or_else(|| none("leaves_m", self.leaves_m.is_empty()))
            .or_else(outside)
            .or_else(near)
            .or_else(|| out_of("per_minute", self.per_minute, 0.1, 120.0, "a minute"))
            .or_else(|| out_of("from_s", self.from_s, 0.0, 3600.0, "s"))
            .or_else(|| out_of("until_s", self.until_s, 0.0, 3600.0, "s"))
            .or_else(|| order("until_s", (self.from_s, self.until_s)))
            .or_else(|| out_of("speed_m_s", self.speed_m_s.0, 0.3, 2.5, "m/s"))
            .or_else(|| out_of("speed_m_s", self.speed_m_s.1, 0.3, 2.5, "m/s"))
            .or_else(|| order("speed_m_s", self.speed_m_s))
            .or_else(|| out_of("carrying_share", self.carrying_share, 0.0, 1.0, "of them"))
            .or_else(unwieldy)
            .or_else(|| self.via.iter().enumerate().find_map(stays))
    }
}

/// What is wrong with the crowds of a scene, as (field, words).
pub(crate) fn problems(crowds: &[Crowd], people: &[Person], floor: &Floor) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    let mut report =
        |i: usize, (field, words): (String, String)| problems.push((format!("crowds[{i}].{field}"), words));
    let mut ways = None;
    let mut coming = 0;
    for (i, crowd) in crowds.iter().enumerate() {
        if crowds[..i].iter().any(|other| other.name == crowd.name) {
            report(i, ("name".into(), format!("`{}` is the name of another crowd, too", crowd.name)));
        }
        if let Some(problem) = crowd.problem(floor) {
            report(i, problem);
            continue;
        }
        let arrivals = crowd.arrivals().len();
        coming += arrivals;
        if coming > PEOPLE_MAX {
            let words = format!("the crowds would be more than {PEOPLE_MAX} people: lower `per_minute` or `until_s`");
            report(i, ("per_minute".into(), words));
            continue;
        }
        let taken = |person: &&Person| (1..=arrivals).any(|n| person.name == format!("{}-{n}", crowd.name));
        if let Some(person) = people.iter().find(taken) {
            report(i, ("name".into(), format!("one of the crowd would be `{}`, who is there already", person.name)));
        }
        let ways = ways.get_or_insert_with(|| Ways::new(floor, &[]));
        for (field, point) in crowd.named_points() {
            match ways.to(vec2(point)) {
                None => {
                    report(i, (field, format!("nobody can stand at ({}, {}): furniture is there", point.0, point.1)))
                }
                Some(way) if !ways.all[way].leads_from(&ways.grid, vec2(crowd.enters_m[0])) => {
                    let (from, to) = (crowd.enters_m[0], point);
                    let words = format!("there is no way from ({}, {}) to ({}, {})", from.0, from.1, to.0, to.1);
                    report(i, (field, words));
                }
                Some(_) => {}
            }
        }
    }
    problems
}

/// The ways to the places that are named, each found once.
struct Ways {
    footprints: Vec<Footprint>,
    grid: Grid,
    all: Vec<Way>,
    /// By the bits of the coordinates.
    known: BTreeMap<(u64, u64), Option<usize>>,
}

impl Ways {
    fn new(floor: &Floor, standing: &[DVec2]) -> Self {
        let footprints = Footprint::all(floor.furniture);
        let grid = Grid::new(floor.size, &footprints, standing);
        Ways { footprints, grid, all: Vec::new(), known: BTreeMap::new() }
    }

    /// Index of the way to a point; `None` when nobody can stand there.
    fn to(&mut self, point: DVec2) -> Option<usize> {
        *self.known.entry((point.x.to_bits(), point.y.to_bits())).or_insert_with(|| {
            self.all.push(self.grid.way_to(point)?);
            Some(self.all.len() - 1)
        })
    }
}

/// The people of crowds without problems, and how they move among people who follow a script.
pub(crate) fn people(crowds: &[Crowd], scripted: &[(&Person, &Motion)], floor: &Floor) -> Vec<(Person, Motion)> {
    if crowds.is_empty() {
        return Vec::new();
    }
    let standing: Vec<DVec2> = scripted.iter().flat_map(|(_, motion)| motion.stays_at(LONG_S)).collect();
    let mut ways = Ways::new(floor, &standing);
    let (mut people, mut walkers) = (Vec::new(), Vec::new());
    for crowd in crowds {
        for (n, appears_s) in crowd.arrivals().into_iter().enumerate() {
            let mut rng = ChaCha8Rng::seed_from_u64(crowd.seed);
            // A stream each, so that nobody changes when somebody else does; the first one is the arrivals'.
            rng.set_stream(n as u64 + 1);
            let mut pick = |among: usize| rng.random_range(0..among);
            let enters = crowd.enters_m[pick(crowd.enters_m.len())];
            let exits = crowd.exits(enters);
            let leaves = exits[pick(exits.len())];
            let body = random_body(&mut rng);
            let carries = match crowd.carries.len() {
                0 => vec![],
                _ if !rng.random_bool(crowd.carrying_share) => vec![],
                kinds => vec![crowd.carries[rng.random_range(0..kinds)]],
            };
            let (slowest, fastest) = crowd.speed_m_s;
            let speed_m_s = rng.random_range(slowest..=fastest);
            let mut goals: Vec<Goal> = Vec::new();
            for via in &crowd.via {
                let way = ways.to(vec2(via.at_m)).expect("a crowd without problems has ways");
                let stays_s = rng.random_range(via.stays_s.0..=via.stays_s.1);
                let aside = DVec2::from_angle(rng.random_range(0.0..TAU)) * rng.random_range(0.0..0.5);
                let beside = vec2(via.at_m) + aside;
                let at = if stays_s > 0.0 && ways.grid.is_clear(beside, beside) { beside } else { vec2(via.at_m) };
                goals.push(Goal { way, at, stays_s });
            }
            let way = ways.to(vec2(leaves)).expect("a crowd without problems has ways");
            goals.push(Goal { way, at: vec2(leaves), stays_s: 0.0 });
            walkers.push(Walker { enters: vec2(enters), appears_s, speed_m_s, goals, rng });
            let starts = Start::Stands { at_m: enters, facing_deg: 0.0 };
            people.push(Person {
                name: format!("{}-{}", crowd.name, n + 1),
                body,
                starts,
                appears_s,
                carries,
                does: vec![],
            });
        }
    }
    let others: Vec<Scripted> = scripted.iter().flat_map(|(person, motion)| in_the_way(person, motion)).collect();
    let ground = Ground { size: floor.size, footprints: &ways.footprints, grid: &ways.grid, ways: &ways.all };
    let tracks = steer(&mut walkers, &others, &ground);
    let first = scripted.len();
    (people.into_iter().zip(tracks).enumerate())
        .filter_map(|(i, (mut person, track))| {
            let (motion, facing) = follow(&track?, &person, (first + i) as f64 * 1.7);
            person.appears_s = motion.appears_s();
            let Start::Stands { facing_deg, .. } = &mut person.starts else { return None };
            *facing_deg = facing.to_degrees();
            Some((person, motion))
        })
        .collect()
}

/// What a person who follows a script takes of the floor.
fn in_the_way<'a>(person: &'a Person, motion: &'a Motion) -> Vec<Scripted<'a>> {
    let has = |thing: Thing| person.carries.iter().any(|carried| carried.thing == thing);
    let radius_m = if has(Thing::Wheelchair) { 0.42 } else { 0.29 };
    let mut taken = vec![Scripted { at: Box::new(|t_s| Some(motion.at(t_s)?.at)), radius_m }];
    if has(Thing::Trolley) {
        let physique = person.body.physique().expect("a person without problems has a body");
        let middle = move |t_s| motion.at(t_s).map(|moment| trolley_middle(&physique, moment.at, moment.heading));
        taken.push(Scripted { at: Box::new(middle), radius_m: 0.5 });
    }
    taken
}

/// The movement along a track, and where it faces first.
fn follow(track: &Track, person: &Person, phase: f64) -> (Motion, f64) {
    let build = person.body.physique().expect("random people have bodies").build();
    let walks = |run: &[DVec2]| run[0] != run[1];
    let runs = runs(&track.points);
    let heads = |run: &[DVec2]| (run[1] - run[0]).to_angle();
    let facing = runs.iter().find(|run| walks(run)).map_or(0.0, |run| heads(run));
    let mut motion = Motion::new(build, track.from_s, track.points[0], facing, false, phase);
    for (i, run) in runs.iter().enumerate() {
        if walks(run) {
            let legs = run.windows(2).map(|leg| (leg[1], leg[0].distance(leg[1]) / STEP_S));
            motion.follow(&legs.collect::<Vec<_>>());
            continue;
        }
        let stands_s = (run.len() - 1) as f64 * STEP_S;
        // Whoever goes on another way turns to it before.
        let next = runs.get(i + 1).map(|next| heads(next));
        match next.filter(|next| shortest_turn(motion.heading(), *next).abs() > 0.2 && stands_s > TURN_S - 0.01) {
            Some(next) => {
                motion.stay((stands_s - TURN_S).max(0.0));
                motion.face(next);
            }
            None => motion.stay(stands_s),
        }
    }
    if track.leaves {
        motion.leave();
    }
    (motion, facing)
}

fn vec2(point: (f64, f64)) -> DVec2 {
    DVec2::new(point.0, point.1)
}

#[cfg(test)]
mod tests;
