//! From what a person of a scene file does to a movement, or what is wrong with it.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use glam::DVec2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::carry::{self, ROLL_MAX_M_S};
use crate::footprint::Footprint;
use crate::gait::{beside, shortest_turn};
use crate::motion::{Build, Motion, TURN_S};
use crate::{Furniture, Person, Piece, Start, Step, Thing};

/// How far one can step to sit down or when getting up.
const REACH_M: f64 = 1.2;
/// The radius of a U-turn.
const U_TURN_M: f64 = 0.3;
/// The speed of somebody who moves up in a queue.
const QUEUE_M_S: f64 = 0.8;
/// The longest time that is planned turn by turn.
const LOITER_MAX_S: f64 = 3600.0;
/// How far people who loiter keep from furniture and walls.
const CLEAR_M: f64 = 0.3;

/// What people move on: the floor and what stands there.
pub(crate) struct Floor<'a> {
    /// Of the room.
    pub size: DVec2,
    pub furniture: &'a [Furniture],
}

impl Floor<'_> {
    pub fn chair(&self, on: &str, field: &str) -> Result<&Furniture, (String, String)> {
        let chairs = || self.furniture.iter().filter(|piece| piece.piece == Piece::Chair);
        match self.furniture.iter().find(|piece| piece.name == on) {
            Some(found) if found.piece == Piece::Chair => Ok(found),
            Some(_) => Err((field.to_owned(), format!("`{on}` is not a chair; people sit on a `Chair`"))),
            None => {
                let names: Vec<&str> = chairs().map(|chair| chair.name.as_str()).collect();
                let known = if names.is_empty() { "it has none".to_owned() } else { names.join(", ") };
                Err((field.to_owned(), format!("there is no chair `{on}`; the scene's chairs: {known}")))
            }
        }
    }

    fn holds(&self, point: DVec2, margin: f64) -> bool {
        point.cmpge(DVec2::splat(margin)).all() && point.cmple(self.size - margin).all()
    }
}

impl Person {
    fn has(&self, thing: Thing) -> bool {
        self.carries.iter().any(|carried| carried.thing == thing)
    }

    /// The person's movement, or what is wrong with it as (field below the person, words).
    pub(crate) fn plan(&self, build: Build, floor: &Floor, phase: f64) -> Result<Motion, (String, String)> {
        if !(0.0..=1e6).contains(&self.appears_s) {
            return Err(("appears_s".into(), format!("{} s is out of 0 to 1,000,000 s", self.appears_s)));
        }
        if let Some((i, words)) = carry::problem(&self.carries) {
            return Err((format!("carries[{i}].thing"), words));
        }
        let mut seated = false;
        let mut motion = match &self.starts {
            Start::Stands { at_m, facing_deg } => {
                let heading = angle(*facing_deg).map_err(|words| ("starts.facing_deg".to_owned(), words))?;
                Motion::new(build, self.appears_s, vec2(*at_m), heading, false, phase)
            }
            Start::Sits { on } => {
                let chair = floor.chair(on, "starts.on")?;
                self.must_be_able_to_sit("starts")?;
                seated = true;
                Motion::new(build, self.appears_s, chair.place(), chair.heading(), true, phase)
            }
        };
        if self.has(Thing::Wheelchair) {
            motion = motion.in_wheelchair();
        }
        for (i, step) in self.does.iter().enumerate() {
            let whole = format!("does[{i}]");
            if seated && !matches!(step, Step::GetUp { .. } | Step::Stay { .. }) {
                return Err((whole, "the person still sits: `GetUp(to_m: (x, y))` comes first".into()));
            }
            if !seated && matches!(step, Step::Stay { .. }) {
                return Err((whole, "the person does not sit: `Stand(for_s: …)` is for those who stand".into()));
            }
            if !seated && matches!(step, Step::GetUp { .. }) {
                return Err((whole, "the person does not sit; `Sit` gets up by itself".into()));
            }
            if matches!(step, Step::Leave) && i + 1 != self.does.len() {
                return Err((whole, "`Leave` must be the last step".into()));
            }
            self.take(step, &mut motion, floor).map_err(|(field, words)| {
                (if field.is_empty() { whole.clone() } else { format!("{whole}.{field}") }, words)
            })?;
            seated &= matches!(step, Step::Stay { .. });
        }
        Ok(motion)
    }

    /// Adds a step to a motion, or says what is wrong with it as (field below the step, words).
    fn take(&self, step: &Step, motion: &mut Motion, floor: &Floor) -> Result<(), (String, String)> {
        let long = |for_s: f64, least_s: f64, most_s: f64, field: &str| {
            let words = || format!("{for_s} s is out of {least_s} to {most_s:.0} s");
            within(for_s, least_s, most_s).ok_or_else(|| (field.to_owned(), words()))
        };
        let fast = |speed_m_s: f64, most_m_s: f64| {
            let most_m_s = if self.has(Thing::Wheelchair) { ROLL_MAX_M_S } else { most_m_s };
            let words = || format!("{speed_m_s} m/s is out of 0.2 to {most_m_s} m/s");
            within(speed_m_s, 0.2, most_m_s).ok_or_else(|| ("speed_m_s".to_owned(), words()))
        };
        let near = |a: DVec2, b: DVec2, field: &str, what: &str| {
            let words = || format!("{what} is {:.2} m away, more than {REACH_M} m: walk nearer first", a.distance(b));
            within(a.distance(b), 0.0, REACH_M).ok_or_else(|| (field.to_owned(), words()))
        };
        match step {
            Step::Walk { via_m, speed_m_s } => {
                if via_m.is_empty() {
                    return Err(("via_m".into(), "needs at least one way point (x, y)".into()));
                }
                fast(*speed_m_s, 3.0)?;
                via_m.iter().for_each(|to| motion.walk(vec2(*to), *speed_m_s));
            }
            Step::UTurn { left, speed_m_s } => {
                fast(*speed_m_s, 1.6)?;
                let way = u_turn(motion.end(), motion.heading(), *left);
                if let Some(outside) = way.iter().find(|point| !floor.holds(**point, 0.0)) {
                    let words =
                        format!("turning back would lead out of the room, to ({:.2}, {:.2})", outside.x, outside.y);
                    return Err((String::new(), words));
                }
                way.iter().for_each(|to| motion.walk(*to, *speed_m_s));
            }
            Step::Stand { for_s } | Step::Stay { for_s } => motion.stay(long(*for_s, 0.0, 1e6, "for_s")?),
            Step::Talk { to_m, for_s } => {
                let for_s = long(*for_s, 0.0, 1e6, "for_s")?;
                let way = vec2(*to_m) - motion.end();
                let turns = way.length() > 0.05 && shortest_turn(motion.heading(), way.to_angle()).abs() > 0.1;
                if turns {
                    motion.face(way.to_angle());
                }
                motion.talk((for_s - if turns { TURN_S } else { 0.0 }).max(0.0));
            }
            Step::Queue { to_m, moves, every_s } => {
                if !(1..=100).contains(moves) {
                    return Err(("moves".into(), format!("{moves} is out of 1 to 100")));
                }
                let every_s = long(*every_s, 1.0, 3600.0, "every_s")?;
                let way = (vec2(*to_m) - motion.end()) / f64::from(*moves);
                let walks_s = way.length() / QUEUE_M_S;
                if walks_s > every_s {
                    let words =
                        format!("each move takes {walks_s:.1} s at {QUEUE_M_S} m/s: write more moves or more seconds");
                    return Err(("every_s".into(), words));
                }
                for _ in 0..*moves {
                    motion.stay(every_s - walks_s);
                    motion.walk(motion.end() + way, QUEUE_M_S);
                }
            }
            Step::Loiter { around_m, radius_m, for_s, seed } => {
                let for_s = long(*for_s, 0.0, LOITER_MAX_S, "for_s")?;
                if within(*radius_m, 0.3, 10.0).is_none() {
                    return Err(("radius_m".into(), format!("{radius_m} m is out of 0.3 to 10 m")));
                }
                loiter(motion, floor, vec2(*around_m), *radius_m, for_s, *seed);
            }
            Step::Face { heading_deg } => {
                motion.face(angle(*heading_deg).map_err(|words| ("heading_deg".to_owned(), words))?);
            }
            Step::Sit { on, for_s } => {
                let chair = floor.chair(on, "on")?;
                self.must_be_able_to_sit("")?;
                let stood = motion.end();
                near(stood, chair.place(), "on", &format!("`{on}`"))?;
                let for_s = long(*for_s, 0.0, 1e6, "for_s")?;
                motion.sit_down(chair.place(), chair.heading());
                motion.stay(for_s);
                motion.get_up(stood);
            }
            Step::GetUp { to_m } => {
                near(motion.end(), vec2(*to_m), "to_m", "the place")?;
                motion.get_up(vec2(*to_m));
            }
            Step::Leave => motion.leave(),
        }
        Ok(())
    }

    fn must_be_able_to_sit(&self, field: &str) -> Result<(), (String, String)> {
        let hinders = self.carries.iter().find(|carried| !carried.thing.can_sit());
        hinders.map_or(Ok(()), |carried| {
            let words = format!(
                "nobody sits on a chair with a {:?}; with a Backpack, Handbag or Laptop people do",
                carried.thing
            );
            Err((field.to_owned(), words))
        })
    }
}

/// A half circle from somebody who faces along `heading`.
fn u_turn(from: DVec2, heading: f64, left: bool) -> Vec<DVec2> {
    const PARTS: u32 = 12;
    let side = if left { 1.0 } else { -1.0 };
    let middle = from + beside(heading, side * U_TURN_M);
    let along = |part: u32| heading + side * (PI * f64::from(part) / f64::from(PARTS) - FRAC_PI_2);
    (1..=PARTS).map(|part| middle + DVec2::from_angle(along(part)) * U_TURN_M).collect()
}

/// Slow walks to random places around one, with stops.
fn loiter(motion: &mut Motion, floor: &Floor, around: DVec2, radius_m: f64, for_s: f64, seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let footprints = Footprint::all(floor.furniture);
    let free = |point: DVec2| floor.holds(point, CLEAR_M) && footprints.iter().all(|f| f.distance(point) > CLEAR_M);
    let mut left_s = for_s;
    while left_s > 0.0 {
        let from = motion.end();
        // A few tries for a place with a free way to it; whoever finds none stays.
        let found = (0..8).find_map(|_| {
            let out = radius_m * rng.random_range(0f64..1.0).sqrt();
            let to = around + DVec2::from_angle(rng.random_range(0.0..TAU)) * out;
            let parts = (from.distance(to) / 0.1).ceil().max(1.0);
            let clear = (1..=parts as u32).all(|part| free(from.lerp(to, f64::from(part) / parts)));
            (from.distance(to) > 0.3 && clear).then_some(to)
        });
        let speed_m_s = rng.random_range(0.35..0.75);
        if let Some(to) = found
            && from.distance(to) / speed_m_s < left_s
        {
            motion.walk(to, speed_m_s);
            left_s -= from.distance(to) / speed_m_s;
        }
        let stands_s = rng.random_range(1.0f64..7.0).min(left_s);
        motion.stay(stands_s);
        left_s -= stands_s;
    }
}

fn within(value: f64, least: f64, most: f64) -> Option<f64> {
    (least..=most).contains(&value).then_some(value)
}

fn angle(degrees: f64) -> Result<f64, String> {
    let known = within(degrees, -360.0, 360.0).ok_or_else(|| format!("{degrees}° is out of −360° to 360°"));
    known.map(f64::to_radians)
}

fn vec2(point: (f64, f64)) -> DVec2 {
    DVec2::new(point.0, point.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::motion::{Activity, Moment};
    use crate::{Body, Carried};

    const BUILD: Build = Build { half_m: 0.09, seated_reach_m: 0.4, leg_m: 0.83 };

    /// What somebody does who stands at (3, 3) of an 8 m × 6 m floor, facing east.
    fn motion(does: Vec<Step>, things: &[Thing]) -> Motion {
        let person = Person {
            name: "a".into(),
            body: Body::default(),
            starts: Start::Stands { at_m: (3.0, 3.0), facing_deg: 0.0 },
            appears_s: 0.0,
            carries: things.iter().map(|thing| Carried { thing: *thing, color: None }).collect(),
            does,
        };
        let furniture = [Furniture {
            name: "table".into(),
            piece: Piece::Table { size_m: (1.0, 1.0, 0.74) },
            at_m: (4.5, 3.0),
            turn_deg: 0.0,
            color: crate::Color::new(0, 0, 0),
            finish: None,
        }];
        let floor = Floor { size: DVec2::new(8.0, 6.0), furniture: &furniture };
        person.plan(BUILD, &floor, 0.4).unwrap_or_else(|(field, words)| panic!("{field}: {words}"))
    }

    fn at(motion: &Motion, t_s: f64) -> Moment {
        motion.at(t_s).expect("there from the start")
    }

    fn every_tenth(seconds: f64) -> impl Iterator<Item = f64> {
        (0..(seconds * 10.0) as u32).map(|i| f64::from(i) * 0.1)
    }

    #[test]
    fn whoever_turns_back_comes_back_half_a_metre_beside() {
        let walk = |to: (f64, f64)| Step::Walk { via_m: vec![to], speed_m_s: 0.7 };
        let turn = Step::UTurn { left: true, speed_m_s: 0.7 };
        let motion = motion(vec![walk((3.7, 3.0)), turn, walk((3.0, 3.6))], &[]);
        let turns_s = PI * U_TURN_M / 0.7;
        let back = at(&motion, 1.0 + turns_s + 0.5);
        assert!(shortest_turn(back.heading, PI).abs() < 0.1, "{} rad", back.heading);
        assert!((back.at - DVec2::new(3.35, 3.6)).length() < 0.05, "{}", back.at);
        let ahead = every_tenth(3.5).map(|t_s| at(&motion, t_s)).map(|moment| moment.at.x).fold(0.0, f64::max);
        assert!((ahead - 4.0).abs() < 0.02, "turns at {ahead} m");
        assert!(every_tenth(2.0 + turns_s).all(|t_s| at(&motion, t_s).activity == Activity::Walking));
    }

    #[test]
    fn a_line_moves_up_in_step() {
        let queue = |from: f64| {
            let walk = Step::Walk { via_m: vec![(from, 5.0)], speed_m_s: 1.0 };
            let queue = Step::Queue { to_m: (from + 2.1, 5.0), moves: 3, every_s: 10.0 };
            motion(vec![walk, queue], &[])
        };
        let motion = queue(1.0);
        let arrives_s = DVec2::new(3.0, 3.0).distance(DVec2::new(1.0, 5.0));
        for (moves, x) in [1.0, 1.7, 2.4, 3.1].into_iter().enumerate() {
            let stands = at(&motion, arrives_s + 10.0 * moves as f64 + 0.01);
            assert!((stands.at.x - x).abs() < 1e-6, "after {moves} moves at {}", stands.at);
            assert_eq!(stands.activity, Activity::Standing);
        }
    }

    #[test]
    fn people_who_talk_face_the_group_and_move_their_hands_now_and_then() {
        let motion = motion(vec![Step::Talk { to_m: (3.0, 4.0), for_s: 30.0 }], &[]);
        let moments: Vec<Moment> = every_tenth(29.9).skip(10).map(|t_s| at(&motion, t_s)).collect();
        assert!(moments.iter().all(|m| m.activity == Activity::Talking && (m.heading - FRAC_PI_2).abs() < 1e-9));
        let raised = moments.iter().filter(|m| m.gesture.iter().any(|part| *part > 0.4)).count() as f64;
        assert!((0.1..0.8).contains(&(raised / moments.len() as f64)), "{raised} of {}", moments.len());
        for pair in moments.windows(2) {
            assert!((pair[0].gesture[0] - pair[1].gesture[0]).abs() < 0.2, "hands jump");
        }
        assert_eq!(at(&motion, 30.1).activity, Activity::Standing);
    }

    #[test]
    fn people_who_loiter_stay_around_go_round_the_table_and_do_it_again_with_the_seed() {
        let loiter = |seed| Step::Loiter { around_m: (3.8, 3.0), radius_m: 1.5, for_s: 90.0, seed };
        let ways: Vec<Vec<DVec2>> = [1, 1, 2]
            .map(|seed| {
                let motion = motion(vec![loiter(seed)], &[]);
                every_tenth(90.0).map(|t_s| at(&motion, t_s).at).collect()
            })
            .into();
        assert_eq!(ways[0], ways[1]);
        assert_ne!(ways[0], ways[2]);
        for way in &ways {
            let furthest = way.iter().map(|point| point.distance(DVec2::new(3.8, 3.0))).fold(0.0, f64::max);
            assert!((0.8..1.51).contains(&furthest), "{furthest} m");
            let in_table = |point: &&DVec2| (**point - DVec2::new(4.5, 3.0)).abs().max_element() < 0.7;
            assert_eq!(way.iter().find(in_table), None);
            let walked: f64 = way.windows(2).map(|pair| pair[0].distance(pair[1])).sum();
            assert!((5.0..50.0).contains(&walked), "{walked} m in 90 s");
        }
    }

    #[test]
    fn a_wheelchair_rolls_where_others_walk_and_its_user_is_seated_all_the_time() {
        let motion = motion(vec![Step::Walk { via_m: vec![(3.0, 5.0)], speed_m_s: 1.0 }], &[Thing::Wheelchair]);
        for t_s in every_tenth(4.0) {
            let moment = at(&motion, t_s);
            let activity = if t_s < 2.0 { Activity::Rolling } else { Activity::Resting };
            assert_eq!((moment.sit, moment.activity), (1.0, activity), "at {t_s} s");
        }
        assert_eq!(at(&motion, 1.0).at, DVec2::new(3.0, 4.0));
        let pushes = every_tenth(2.0).map(|t_s| at(&motion, t_s).push);
        assert!(pushes.fold(0.0, f64::max) > 0.4, "the wheels are pushed");
    }
}
