//! How people of a crowd get past one another: a simulation with a fixed step that is run once, when a scene is loaded.
//!
//! Everybody takes the velocity nearest to the wanted one that ORCA allows (van den Berg et al., "Reciprocal n-body collision
//! avoidance", 2011; the crate `dodgy_2d`). What ORCA knows nothing of is added here: people turn and gather speed in time, stand
//! still rather than creep, go round a blockage after a while, and never step into one another.

use std::borrow::Cow;

use dodgy_2d::{Agent, AvoidanceOptions, Obstacle, Vec2};
use glam::DVec2;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::footprint::Footprint;
use crate::gait::shortest_turn;
use crate::route::{Grid, Way};

/// The simulation's step.
pub(crate) const STEP_S: f64 = 0.1;
/// Half the distance that people keep from one another where there is room.
const RADIUS_M: f64 = 0.27;
/// Middles of bodies never come nearer than this.
const APART_M: f64 = 0.48;
/// Nobody enters where somebody is nearer than this.
const ENTRY_M: f64 = 0.8;
/// Middles of bodies stay this far from furniture and walls.
const OBSTACLE_M: f64 = 0.20;
/// How far ahead in time others and furniture are considered.
const HORIZON_S: f32 = 2.0;
const OBSTACLE_HORIZON_S: f32 = 0.6;
/// Others who are further away do not matter.
const SIGHT_M: f64 = 4.0;
/// Whoever would be slower than the one stands, and walks again when the other is possible.
const STOPS_M_S: f64 = 0.15;
const STARTS_M_S: f64 = 0.22;
/// Least time somebody stands: that of a turn on the spot.
const STANDS_S: f64 = 0.6;
/// Speeding up, m/s²; turning, rad/s.
const SPEEDS_UP_M_S2: f64 = 2.0;
const TURNS_RAD_S: f64 = 2.4;
/// Nobody walks a sharper turn than this, rad: one stands first.
const SHARP: f64 = 1.8;
/// A place on the way is reached at this distance.
const REACHED_M: f64 = 0.45;
/// After so long behind a blockage people try another way for a while.
const PATIENCE_S: f64 = 1.6;
const DETOUR_S: f64 = 1.5;
/// Whoever has not come out so long after the last one came in stays.
pub(crate) const CLEARING_S: f64 = 240.0;

/// Somebody who is to be steered.
pub(crate) struct Walker {
    pub enters: DVec2,
    pub appears_s: f64,
    pub speed_m_s: f64,
    /// The places to go to; at the last one the walker leaves.
    pub goals: Vec<Goal>,
    pub rng: ChaCha8Rng,
}

/// A place on a walker's way.
pub(crate) struct Goal {
    /// Index into the ways.
    pub way: usize,
    /// Where exactly.
    pub at: DVec2,
    /// How long the walker stays there.
    pub stays_s: f64,
}

/// Where somebody is from a time on, every [`STEP_S`].
pub(crate) struct Track {
    pub from_s: f64,
    pub points: Vec<DVec2>,
    /// Whether the walker is gone after the last point.
    pub leaves: bool,
}

/// Somebody or something else that is there at times and takes some room, whatever the crowd does.
pub(crate) struct Scripted<'a> {
    pub at: Box<dyn Fn(f64) -> Option<DVec2> + 'a>,
    pub radius_m: f64,
}

/// What is walked on.
pub(crate) struct Ground<'a> {
    pub size: DVec2,
    pub footprints: &'a [Footprint],
    pub grid: &'a Grid,
    pub ways: &'a [Way],
}

/// A walker on the way.
struct Walking {
    walker: usize,
    at: DVec2,
    heading: f64,
    /// 0 of those who stand.
    speed: f64,
    /// Not before this time is walked again.
    stands_until_s: f64,
    /// Since when there is no getting on.
    blocked_since_s: Option<f64>,
    /// A turn away from the way, and until when.
    detour: (f64, f64),
    goal: usize,
    /// At a goal, until when the walker stays there.
    stays_until_s: Option<f64>,
    /// Gone at the end of the last step.
    left: bool,
}

/// A disc on the floor at the beginning and the end of a step.
#[derive(Clone, Copy)]
struct Disc {
    at: DVec2,
    next: DVec2,
    /// Where it goes, m/s: as the mean over some time, since people see others slow down and turn.
    velocity: DVec2,
    radius_m: f64,
}

/// Over how long the velocity of somebody who follows a script is taken.
const FORESIGHT_S: f64 = 0.8;

/// Steers everybody; one track each, `None` of those for whom there was never room to enter.
pub(crate) fn steer(walkers: &mut [Walker], scripted: &[Scripted], ground: &Ground) -> Vec<Option<Track>> {
    let mut tracks: Vec<Option<Track>> = walkers.iter().map(|_| None).collect();
    let last_s = walkers.iter().map(|walker| walker.appears_s).fold(0.0, f64::max);
    let mut waiting: Vec<usize> = (0..walkers.len()).collect();
    waiting.sort_by(|a, b| walkers[*a].appears_s.total_cmp(&walkers[*b].appears_s).then(a.cmp(b)));
    let mut there: Vec<Walking> = Vec::new();
    let obstacles = Obstacles::new(ground);

    for step in 0..=((last_s + CLEARING_S) / STEP_S) as u64 {
        let now_s = step as f64 * STEP_S;
        if there.is_empty() && waiting.first().is_none_or(|next| walkers[*next].appears_s > now_s) {
            if waiting.is_empty() {
                break;
            }
            continue;
        }
        let discs: Vec<Disc> = (scripted.iter())
            .filter_map(|other| {
                let next = (other.at)(now_s + STEP_S);
                let at = (other.at)(now_s).or(next)?;
                let velocity = (other.at)(now_s + FORESIGHT_S).map_or(DVec2::ZERO, |later| (later - at) / FORESIGHT_S);
                Some(Disc { at, next: next.unwrap_or(at), velocity, radius_m: other.radius_m })
            })
            .collect();
        waiting.retain(|&walker| {
            let enters = walkers[walker].enters;
            let free = there.iter().all(|other| other.at.distance(enters) > ENTRY_M)
                && discs.iter().all(|disc| disc.at.distance(enters) > ENTRY_M + disc.radius_m - RADIUS_M);
            let comes = free && walkers[walker].appears_s <= now_s;
            if comes {
                let ahead = ground.ways[walkers[walker].goals[0].way].ahead(ground.grid, enters);
                there.push(Walking {
                    walker,
                    at: enters,
                    heading: (ahead - enters).to_angle(),
                    speed: walkers[walker].speed_m_s,
                    stands_until_s: 0.0,
                    blocked_since_s: None,
                    detour: (0.0, 0.0),
                    goal: 0,
                    stays_until_s: None,
                    left: false,
                });
                tracks[walker] = Some(Track { from_s: now_s, points: vec![enters], leaves: false });
            }
            !comes
        });
        // Only now, so that nobody enters at the instant at which somebody leaves.
        there.retain(|who| !who.left);

        let wanted: Vec<DVec2> = there.iter_mut().map(|who| want(who, walkers, &discs, ground, now_s)).collect();
        let agents: Vec<Agent> = there.iter().map(Walking::agent).chain(discs.iter().map(Disc::agent)).collect();
        let possible: Vec<DVec2> = (there.iter().zip(&wanted).enumerate())
            .map(|(i, (who, wanted))| avoid(i, &agents, *wanted, walkers[who.walker].speed_m_s, &obstacles))
            .collect();
        for i in 0..there.len() {
            let others: Vec<Disc> = (there.iter().enumerate())
                .filter(|(j, _)| *j != i)
                .map(|(_, other)| Disc { at: other.at, next: other.at, velocity: DVec2::ZERO, radius_m: APART_M / 2.0 })
                .chain(discs.iter().map(|disc| Disc { radius_m: disc.radius_m - RADIUS_M + APART_M / 2.0, ..*disc }))
                .collect();
            there[i].go(possible[i], wanted[i], &others, &obstacles, now_s);
        }
        for who in &mut there {
            let track = tracks[who.walker].as_mut().expect("whoever is there has entered");
            track.points.push(who.at);
            who.left = who.has_left(&walkers[who.walker], now_s);
            track.leaves = who.left;
        }
    }
    tracks
}

/// The velocity somebody would have alone.
fn want(who: &mut Walking, walkers: &mut [Walker], discs: &[Disc], ground: &Ground, now_s: f64) -> DVec2 {
    let walker = &mut walkers[who.walker];
    let goal = &walker.goals[who.goal];
    if who.stays_until_s.is_some() {
        // Who stays somewhere steps aside for nobody but those who walk by a script and would not either.
        let near = |disc: &Disc| disc.next.distance(who.at) < disc.radius_m + RADIUS_M;
        return discs.iter().find(|disc| near(disc)).map_or(DVec2::ZERO, |disc| {
            (who.at - disc.next).normalize_or(DVec2::from_angle(who.heading)) * walker.speed_m_s
        });
    }
    let at_hand = who.at.distance(goal.at) < 1.2 && ground.grid.is_clear(who.at, goal.at);
    let ahead = if at_hand { goal.at } else { ground.ways[goal.way].ahead(ground.grid, who.at) };
    if who.blocked_since_s.is_some_and(|since| now_s - since > PATIENCE_S) {
        let side = if walker.rng.random_bool(0.6) { -1.0 } else { 1.0 };
        who.detour = (side * walker.rng.random_range(0.6..2.4), now_s + DETOUR_S);
        who.blocked_since_s = None;
    }
    let turn = if now_s < who.detour.1 { who.detour.0 } else { 0.0 };
    // Slower only at a place to stay.
    let left_m = who.at.distance(goal.at);
    let speed = if goal.stays_s > 0.0 { walker.speed_m_s.min(0.35 + left_m) } else { walker.speed_m_s };
    DVec2::from_angle((ahead - who.at).to_angle() + turn) * speed
}

/// The velocity nearest to the wanted one that keeps clear of others and furniture.
fn avoid(own: usize, agents: &[Agent], wanted: DVec2, speed_m_s: f64, obstacles: &Obstacles) -> DVec2 {
    let me = &agents[own];
    let at = double(me.position);
    let matters = |(i, other): &(usize, &Agent)| {
        let close = double(other.position).distance(at) < SIGHT_M + f64::from(other.radius);
        // The library would roll a die for two who are just about to be in one place.
        let meets = me.velocity - other.velocity == (other.position - me.position) / STEP_S as f32;
        *i != own && close && !meets
    };
    let others: Vec<Cow<Agent>> =
        agents.iter().enumerate().filter(matters).map(|(_, other)| Cow::Borrowed(other)).collect();
    // Of two who meet each steps a little to the right, as people do; without it, two who meet straight on would both stop.
    let meets = |other: &Cow<Agent>| {
        let way = double(other.position) - at;
        way.dot(wanted) > 0.0 && double(other.velocity).dot(wanted) <= 0.0 && way.length() < 4.0
    };
    let turn = if others.iter().any(meets) { -0.3 } else { 0.0 };
    let options = AvoidanceOptions {
        obstacle_margin: OBSTACLE_M as f32,
        time_horizon: HORIZON_S,
        obstacle_time_horizon: OBSTACLE_HORIZON_S,
    };
    let velocity = me.compute_avoiding_velocity(
        &others,
        &obstacles.near(at),
        single(DVec2::from_angle(turn).rotate(wanted)),
        1.15 * speed_m_s as f32,
        STEP_S as f32,
        &options,
    );
    double(velocity)
}

impl Walking {
    fn agent(&self) -> Agent {
        let velocity = DVec2::from_angle(self.heading) * self.speed;
        let stays = self.stays_until_s.is_some();
        Agent {
            position: single(self.at),
            velocity: single(velocity),
            radius: RADIUS_M as f32,
            avoidance_responsibility: if stays { 0.01 } else { 1.0 },
        }
    }

    /// Goes on for a step with a velocity as near to the possible one as a person can, and as others leave room for.
    fn go(&mut self, possible: DVec2, wanted: DVec2, others: &[Disc], obstacles: &Obstacles, now_s: f64) {
        let (turn, speed) = (shortest_turn(self.heading, possible.to_angle()), possible.length());
        let (heading, speed) = if self.speed == 0.0 {
            let starts = speed > STARTS_M_S && (now_s >= self.stands_until_s || self.is_run_into(others));
            (possible.to_angle(), if starts { speed.min(STARTS_M_S + SPEEDS_UP_M_S2 * STEP_S) } else { 0.0 })
        } else if turn.abs() > SHARP {
            (self.heading, 0.0)
        } else {
            let turned = turn.clamp(-TURNS_RAD_S * STEP_S, TURNS_RAD_S * STEP_S);
            // As much of it as goes the way the body goes.
            let speed = (speed * (turn - turned).cos().max(0.0)).min(self.speed + SPEEDS_UP_M_S2 * STEP_S);
            (self.heading + turned, speed)
        };
        let room = |speed: &f64| {
            let next = self.at + DVec2::from_angle(heading) * *speed * STEP_S;
            *speed >= STOPS_M_S && self.has_room(next, others) && obstacles.leave_room(self.at, next)
        };
        match [speed, 0.6 * speed].into_iter().find(room) {
            Some(speed) => {
                (self.heading, self.speed) = (heading, speed);
                self.at += DVec2::from_angle(heading) * speed * STEP_S;
            }
            None if self.speed > 0.0 => (self.speed, self.stands_until_s) = (0.0, now_s + STANDS_S),
            None => {}
        }
        let blocked = self.speed == 0.0 && wanted != DVec2::ZERO && self.stays_until_s.is_none();
        self.blocked_since_s = if blocked { self.blocked_since_s.or(Some(now_s)) } else { None };
    }

    /// Whether somebody who does not give way is about to come where this one is.
    fn is_run_into(&self, others: &[Disc]) -> bool {
        others.iter().any(|other| {
            let way = self.at - other.at;
            other.velocity.dot(way) > 0.0 && way.length() < APART_M + 2.0 * other.radius_m
        })
    }

    /// Whether a place is far enough from others, or at least no nearer to them than now.
    fn has_room(&self, next: DVec2, others: &[Disc]) -> bool {
        others.iter().all(|other| {
            let (apart, before) = (next.distance(other.next), self.at.distance(other.next));
            apart >= other.radius_m + APART_M / 2.0 || apart >= before
        })
    }

    /// Goes over to the next goal where one is reached; whether it was the last.
    fn has_left(&mut self, walker: &Walker, now_s: f64) -> bool {
        let goal = &walker.goals[self.goal];
        let last = self.goal + 1 == walker.goals.len();
        if let Some(until_s) = self.stays_until_s {
            if now_s >= until_s {
                self.stays_until_s = None;
                self.goal += 1;
            }
            return false;
        }
        // A place that others take is reached beside them.
        let crowded = self.speed == 0.0 && self.at.distance(goal.at) < 0.9;
        let reached_m = if goal.stays_s > 0.0 { 0.15 } else { REACHED_M };
        if self.at.distance(goal.at) > reached_m && !crowded {
            return false;
        }
        if goal.stays_s > 0.0 {
            (self.speed, self.stands_until_s) = (0.0, now_s + STANDS_S);
            self.stays_until_s = Some(now_s + goal.stays_s);
        } else if !last {
            self.goal += 1;
        }
        last
    }
}

impl Disc {
    fn agent(&self) -> Agent {
        Agent {
            position: single(self.at),
            velocity: single(self.velocity),
            radius: self.radius_m as f32,
            // They follow their script.
            avoidance_responsibility: 0.0,
        }
    }
}

/// Walls and furniture.
struct Obstacles<'a> {
    size: DVec2,
    walls: Obstacle,
    pieces: Vec<(&'a Footprint, Obstacle)>,
}

impl<'a> Obstacles<'a> {
    fn new(ground: &Ground<'a>) -> Self {
        let size = ground.size;
        // Clockwise: people are inside.
        let corners = [DVec2::ZERO, DVec2::new(0.0, size.y), size, DVec2::new(size.x, 0.0)];
        let closed = |corners: [DVec2; 4]| Obstacle::Closed { vertices: corners.map(single).to_vec() };
        let pieces = ground.footprints.iter().map(|piece| (piece, closed(piece.corners()))).collect();
        Obstacles { size, walls: closed(corners), pieces }
    }

    fn near(&self, at: DVec2) -> Vec<Cow<'_, Obstacle>> {
        let near = self.pieces.iter().filter(|(piece, _)| piece.distance(at) < 2.0);
        near.map(|(_, obstacle)| Cow::Borrowed(obstacle)).chain([Cow::Borrowed(&self.walls)]).collect()
    }

    /// Whether a place is far enough from all of them, or at least no nearer than the one before.
    fn leave_room(&self, before: DVec2, next: DVec2) -> bool {
        let to_wall = |point: DVec2| point.min(self.size - point).min_element();
        let fine = |from: f64, to: f64| to >= OBSTACLE_M || to >= from;
        fine(to_wall(before), to_wall(next))
            && self.pieces.iter().all(|(piece, _)| fine(piece.distance(before), piece.distance(next)))
    }
}

/// A track's stretches of walking, without the corners of the simulation's steps, and of standing (all points alike). The
/// last point of each is the first of the next one.
pub(crate) fn runs(points: &[DVec2]) -> Vec<Vec<DVec2>> {
    let walks = |run: &[DVec2]| run[0] != run[1];
    let mut runs: Vec<Vec<DVec2>> = Vec::new();
    for pair in points.windows(2) {
        match runs.last_mut() {
            Some(run) if walks(run) == walks(pair) => run.push(pair[1]),
            _ => runs.push(pair.to_vec()),
        }
    }
    runs.into_iter().map(|run| if walks(&run) { smoothed(&run) } else { run }).collect()
}

/// The mean over half a second, over less near the ends, which stay.
fn smoothed(run: &[DVec2]) -> Vec<DVec2> {
    let mean = |i: usize| {
        let reach = 1.min(i).min(run.len() - 1 - i);
        let around = &run[i - reach..=i + reach];
        around.iter().sum::<DVec2>() / around.len() as f64
    };
    (0..run.len()).map(mean).collect()
}

fn single(point: DVec2) -> Vec2 {
    Vec2::new(point.x as f32, point.y as f32)
}

fn double(point: Vec2) -> DVec2 {
    DVec2::new(f64::from(point.x), f64::from(point.y))
}
