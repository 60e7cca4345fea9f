//! Crowds in a corridor and in a furnished room.

use super::*;
use crate::gait::shortest_turn;
use crate::motion::{Activity, Moment};
use crate::plan::Floor;
use crate::skeleton::Bone;
use crate::{Body, Color, Furniture, Piece, Step};

fn crowd(name: &str, seed: u64, enters_m: &[(f64, f64)], leaves_m: &[(f64, f64)]) -> Crowd {
    Crowd {
        name: name.to_owned(),
        enters_m: enters_m.to_vec(),
        leaves_m: leaves_m.to_vec(),
        via: vec![],
        per_minute: 15.0,
        seed,
        from_s: 0.0,
        until_s: 60.0,
        speed_m_s: (0.9, 1.5),
        carries: vec![],
        carrying_share: 0.5,
    }
}

fn piece(piece: Piece, at_m: (f64, f64), turn_deg: f64) -> Furniture {
    Furniture { name: String::new(), piece, at_m, turn_deg, color: Color::new(0, 0, 0), finish: None }
}

fn person(name: &str, at_m: (f64, f64), does: Vec<Step>) -> Person {
    let starts = Start::Stands { at_m, facing_deg: 0.0 };
    Person { name: name.to_owned(), body: Body::default(), starts, appears_s: 0.0, carries: vec![], does }
}

/// A corridor of 12 m × 2.4 m with as many people one way as the other.
const CORRIDOR: DVec2 = DVec2::new(12.0, 2.4);

fn corridor(seed: u64) -> Vec<Crowd> {
    let (west, east) = ([(0.1, 0.8), (0.1, 1.6)], [(11.9, 0.8), (11.9, 1.6)]);
    vec![crowd("eastward", seed, &west, &east), crowd("westward", seed + 1000, &east, &west)]
}

/// A room with a table, a cupboard, chairs and a place where people stop.
fn office() -> Vec<Furniture> {
    vec![
        piece(Piece::Table { size_m: (2.4, 1.2, 0.74) }, (4.0, 3.0), 20.0),
        piece(Piece::Block { size_m: (0.4, 1.8, 1.6) }, (6.6, 1.2), 0.0),
        piece(Piece::Chair, (4.0, 1.9), 20.0),
        piece(Piece::RoundTable { diameter_m: 1.0, height_m: 0.72 }, (1.6, 5.0), 0.0),
    ]
}

const OFFICE: DVec2 = DVec2::new(8.0, 6.5);

fn visitors(seed: u64) -> Vec<Crowd> {
    let doors = [(0.2, 1.0), (7.8, 5.5), (4.0, 0.2)];
    let via = vec![Via { at_m: (5.6, 4.9), stays_s: (2.0, 6.0) }];
    vec![Crowd { via, ..crowd("visitors", seed, &doors, &doors) }, crowd("staff", seed + 1000, &doors, &doors)]
}

/// What `people` says, with a name for each.
fn come(crowds: &[Crowd], scripted: &[Person], size: DVec2, furniture: &[Furniture]) -> Vec<(String, Motion)> {
    let floor = Floor { size, furniture };
    let found = problems(crowds, scripted, &floor);
    assert!(found.is_empty(), "{found:?}");
    let build = Body::default().physique().expect("the default body").build();
    let plan = |person: &Person| person.plan(build, &floor, 0.0).expect("a plan");
    let motions: Vec<Motion> = scripted.iter().map(plan).collect();
    let scripted: Vec<(&Person, &Motion)> = scripted.iter().zip(&motions).collect();
    let come = people(crowds, &scripted, &floor).into_iter().map(|(person, motion)| (person.name, motion));
    let scripted = scripted.iter().map(|(person, motion)| (person.name.clone(), (*motion).clone()));
    scripted.chain(come).collect()
}

/// Everybody who is there at times a twentieth of a second apart.
fn states(come: &[(String, Motion)], until_s: f64) -> impl Iterator<Item = (f64, Vec<(&str, Moment)>)> {
    (0..(until_s * 20.0) as u32).map(move |i| {
        let t_s = f64::from(i) * 0.05;
        (t_s, come.iter().filter_map(|(name, motion)| Some((name.as_str(), motion.at(t_s)?))).collect())
    })
}

/// Nobody is nearer than 0.35 m to anybody else, in furniture or outside; everybody leaves again.
fn check_all_pass(come: &[(String, Motion)], scripted: usize, size: DVec2, furniture: &[Furniture], seed: u64) {
    check_apart(come, 0.35, size, furniture, seed);
    let stays = come[scripted..].iter().filter(|(_, motion)| motion.at(299.0).is_some()).count();
    assert_eq!(stays, 0, "seed {seed}: of {} people some never leave", come.len());
}

fn check_apart(come: &[(String, Motion)], least_m: f64, size: DVec2, furniture: &[Furniture], seed: u64) {
    let footprints = Footprint::all(furniture);
    for (t_s, people) in states(come, 120.0) {
        for (i, (name, moment)) in people.iter().enumerate() {
            for (other, theirs) in &people[..i] {
                let apart = moment.at.distance(theirs.at);
                assert!(apart >= least_m, "seed {seed}: {name} and {other} are {apart:.2} m apart at {t_s:.2} s");
            }
            assert!(
                moment.at.cmpgt(DVec2::ZERO).all() && moment.at.cmplt(size).all(),
                "seed {seed}: {name} is outside"
            );
            let in_furniture = footprints.iter().any(|footprint| footprint.distance(moment.at) < 0.1);
            assert!(!in_furniture, "seed {seed}: {name} is in furniture at {t_s:.2} s, {}", moment.at);
        }
    }
}

#[test]
fn two_streams_in_a_corridor_pass_one_another() {
    for seed in 0..6 {
        let come = come(&corridor(seed), &[], CORRIDOR, &[]);
        assert!((12..60).contains(&come.len()), "{}", come.len());
        check_all_pass(&come, 0, CORRIDOR, &[], seed);
    }
}

#[test]
fn even_in_a_crush_nobody_walks_into_anybody() {
    for seed in 0..2 {
        let mut crowds = corridor(seed);
        crowds.iter_mut().for_each(|crowd| (crowd.per_minute, crowd.until_s) = (60.0, 30.0));
        // What the steering promises, less what smoothing takes of it.
        check_apart(&come(&crowds, &[], CORRIDOR, &[]), 0.45, CORRIDOR, &[], seed);
    }
}

#[test]
fn people_go_round_furniture_and_those_who_stand_in_the_way_and_stop_where_they_are_to() {
    let standing = [person("one", (2.0, 1.6), vec![]), person("two", (6.0, 3.2), vec![])];
    for seed in 0..6 {
        let come = come(&visitors(seed), &standing, OFFICE, &office());
        check_all_pass(&come, standing.len(), OFFICE, &office(), seed);
        let stop = DVec2::new(5.6, 4.9);
        let mut stopped = 0;
        let visitors: Vec<_> = come.iter().filter(|(name, _)| name.starts_with("visitors")).collect();
        for (_, motion) in &visitors {
            let standing = (0..2400)
                .filter_map(|i| motion.at(f64::from(i) * 0.1))
                .filter(|moment| moment.activity == Activity::Standing && moment.at.distance(stop) < 1.45);
            stopped += usize::from(standing.count() >= 20);
        }
        assert_eq!(stopped, visitors.len(), "seed {seed}");
    }
}

#[test]
fn a_crowd_gives_way_to_somebody_who_follows_a_script() {
    let there = Step::Walk { via_m: vec![(11.0, 1.2)], speed_m_s: 1.2 };
    let back = Step::Walk { via_m: vec![(1.0, 1.2)], speed_m_s: 1.2 };
    // Nobody can give way to somebody who turns about in no time.
    let turn = Step::Stand { for_s: 1.0 };
    let does = [there, turn.clone(), back, turn].into_iter().cycle().take(16).collect();
    let walker = [person("walker", (1.0, 1.2), does)];
    for seed in 0..4 {
        let mut crowds = corridor(seed);
        crowds.iter_mut().for_each(|crowd| crowd.per_minute = 8.0);
        check_all_pass(&come(&crowds, &walker, CORRIDOR, &[]), 1, CORRIDOR, &[], seed);
    }
}

#[test]
fn crowds_come_again_with_their_seed_at_the_rate_they_are_given() {
    let once = come(&corridor(3), &[], CORRIDOR, &[]);
    assert_eq!(once, come(&corridor(3), &[], CORRIDOR, &[]));
    assert_ne!(once, come(&corridor(4), &[], CORRIDOR, &[]));
    let floor = Floor { size: CORRIDOR, furniture: &[] };
    let people = people(&corridor(3), &[], &floor);
    let alike = people.iter().filter(|(person, _)| person.body == people[0].0.body).count();
    assert_eq!(alike, 1, "everybody looks like somebody else");
    let arrivals: usize = (0..40).map(|seed| corridor(seed)[0].arrivals().len()).sum();
    // 600 in the mean, and a Poisson count's deviation is its root.
    assert!((525..=675).contains(&arrivals), "{arrivals} in 40 minutes");
}

#[test]
fn whoever_goes_with_a_crowd_walks_without_jumps_and_looks_where_he_or_she_goes() {
    for (name, motion) in come(&visitors(2), &[], OFFICE, &office()) {
        let mut before: Option<Moment> = None;
        for i in 0..9000 {
            let Some(now) = motion.at(f64::from(i) * 0.02) else { continue };
            if let Some(before) = before.replace(now) {
                let way = now.at - before.at;
                assert!(way.length() < 0.04, "{name} jumps by {} m", way.length());
                assert!(shortest_turn(before.heading, now.heading).abs() < 0.35, "{name} spins at {}", now.at);
                for foot in 0..2 {
                    assert!(now.feet[foot].at.distance(before.feet[foot].at) < 0.2, "{name}: a foot jumps");
                }
            }
        }
    }
}

#[test]
fn the_feet_of_a_crowd_stay_where_they_bear_weight() {
    let floor = Floor { size: OFFICE, furniture: &office() };
    let (mut marks, mut worst) = (0, 0.0f64);
    for (person, motion) in people(&visitors(1), &[], &floor).iter().take(8) {
        let physique = person.body.physique().expect("a body");
        for (foot, bone) in [(0, Bone::LeftFoot), (1, Bone::RightFoot)] {
            let mut mark: Option<DVec2> = None;
            for i in 0..6000 {
                let Some(moment) = motion.at(f64::from(i) * 0.01) else { continue };
                if moment.feet[foot].lift_m > 0.0 {
                    mark = None;
                    continue;
                }
                let at = physique.ball(&physique.at(&moment, &person.carries), bone);
                marks += u32::from(mark.is_none());
                let slip = mark.get_or_insert(at.truncate()).distance(at.truncate());
                worst = worst.max(slip);
                assert!(
                    slip < 0.01,
                    "{}: {} slips by {slip:.3} m at {:.2} s",
                    person.name,
                    bone.name(),
                    f64::from(i) * 0.01
                );
                assert!(at.z.abs() < 0.01, "{}: {} is at {} m", person.name, bone.name(), at.z);
            }
        }
    }
    assert!(marks > 100, "only {marks} steps were looked at; the worst slips by {worst} m");
}
