//! Other people in a room that is otherwise as it is: for measuring what is seen of whom, where.

use glam::DVec2;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::footprint::Footprint;
use crate::library::library_looks;
use crate::{Body, Carried, Person, Piece, Posture, Scene, Start, Step, Thing};

/// How far feet keep from walls and furniture, m.
const CLEAR_M: f64 = 0.3;
/// How far people keep from each other, m: shoulder to shoulder.
const APART_M: f64 = 0.55;
/// Places tried for each person before the room is taken as full.
const TRIES: u32 = 200;
/// The part of those who stand that walk.
const WALKING_SHARE: f64 = 0.5;
/// The part of people who have something with them.
const CARRYING_SHARE: f64 = 0.15;
const CARRIED: [Thing; 3] = [Thing::Backpack, Thing::Handbag, Thing::Laptop];

/// How people who are placed are dressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Looks {
    /// As anybody of the library.
    #[default]
    Library,
    /// As those whom the scene's file names.
    Own,
}

impl Scene {
    /// The same room with up to `wanted` other people, all standing or walking about or all on
    /// chairs, where `within` allows; fewer where there is no room or no chair. Crowds and scripts do not come.
    pub fn with_people_placed(
        &self,
        rng: &mut ChaCha8Rng,
        posture: Posture,
        wanted: usize,
        within: &dyn Fn(DVec2) -> bool,
        looks: Looks,
    ) -> Self {
        let starts = match posture {
            Posture::Seated => self.seats(rng, wanted, within),
            Posture::Standing => self.stands(rng, wanted, within),
        };
        self.with_people_starting(rng, starts, looks)
    }

    /// The same room with other people, who start so and do that; each of them anyhow dressed, and some with something in their hands. They
    /// have to be where people may be, and nobody sits where somebody sits.
    pub fn with_people_starting(&self, rng: &mut ChaCha8Rng, starts: Vec<(Start, Vec<Step>)>, looks: Looks) -> Self {
        let own: Vec<Body> = self.people.iter().map(|person| person.body.clone()).collect();
        let looks = if looks == Looks::Own && !own.is_empty() { &own } else { library_looks() };
        let people = starts.into_iter().enumerate().map(|(index, (starts, does))| Person {
            name: format!("person-{}", index + 1),
            body: looks[rng.random_range(0..looks.len())].clone(),
            starts,
            appears_s: 0.0,
            carries: if rng.random_bool(CARRYING_SHARE) {
                vec![Carried { thing: CARRIED[rng.random_range(0..CARRIED.len())], color: None }]
            } else {
                vec![]
            },
            does,
        });
        let people = people.collect();
        self.with_people(people)
            .unwrap_or_else(|(field, words)| panic!("people were placed against the rules of scenes: {field}: {words}"))
    }

    fn seats(&self, rng: &mut ChaCha8Rng, wanted: usize, within: &dyn Fn(DVec2) -> bool) -> Vec<(Start, Vec<Step>)> {
        let chairs = self.furniture.iter().filter(|piece| piece.piece == Piece::Chair && within(piece.place()));
        let mut free: Vec<&str> = chairs.map(|chair| chair.name.as_str()).collect();
        let mut seats = Vec::new();
        while seats.len() < wanted && !free.is_empty() {
            let on = free.swap_remove(rng.random_range(0..free.len())).to_owned();
            seats.push((Start::Sits { on }, vec![]));
        }
        seats
    }

    /// Tells of places on the floor whether somebody can stand there: so far from walls and furniture.
    pub fn free_floor(&self, clear_m: f64) -> impl Fn(DVec2) -> bool + use<> {
        let footprints = Footprint::all(&self.furniture);
        let size = DVec2::new(self.room.size_m.0, self.room.size_m.1);
        move |place| {
            place.cmpge(DVec2::splat(clear_m)).all()
                && place.cmple(size - clear_m).all()
                && footprints.iter().all(|footprint| footprint.distance(place) >= clear_m)
        }
    }

    fn stands(&self, rng: &mut ChaCha8Rng, wanted: usize, within: &dyn Fn(DVec2) -> bool) -> Vec<(Start, Vec<Step>)> {
        let free = self.free_floor(CLEAR_M);
        let size = DVec2::new(self.room.size_m.0, self.room.size_m.1);
        let mut places: Vec<DVec2> = Vec::new();
        let mut stands = Vec::new();
        for _ in 0..TRIES * wanted as u32 {
            if stands.len() == wanted {
                break;
            }
            let place = DVec2::new(rng.random_range(0.0..size.x), rng.random_range(0.0..size.y));
            let apart = places.iter().all(|other| other.distance(place) >= APART_M);
            if !within(place) || !free(place) || !apart {
                continue;
            }
            places.push(place);
            let facing_deg: f64 = rng.random_range(-180.0..180.0);
            let starts = Start::Stands { at_m: place.into(), facing_deg };
            let walks = rng.random_bool(WALKING_SHARE);
            let (speed_m_s, way_m) = (rng.random_range(0.5..1.5), 2.0);
            let to = |part: f64| place + part * way_m * DVec2::from_angle(facing_deg.to_radians());
            // As far as the way is free, or not at all.
            let way_is_free = (1..=10).all(|step| free(to(f64::from(step) / 10.0)));
            let does =
                if walks && way_is_free { vec![Step::Walk { via_m: vec![to(1.0).into()], speed_m_s }] } else { vec![] };
            stands.push((starts, does));
        }
        stands
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::library_names;

    #[test]
    fn people_are_placed_where_they_may_be_and_as_asked_for() {
        let mut placed = [0, 0];
        for name in library_names() {
            let scene = Scene::from_library(&name).expect("listed").unwrap_or_else(|errors| panic!("{errors}"));
            let middle = DVec2::new(scene.room.size_m.0, scene.room.size_m.1) / 2.0;
            let within = |place: DVec2| (place - middle).abs().cmple(DVec2::new(2.0, 1.5)).all();
            for (i, posture) in [Posture::Standing, Posture::Seated].into_iter().enumerate() {
                for seed in 0..5 {
                    let rng = || ChaCha8Rng::seed_from_u64(seed);
                    let filled = scene.with_people_placed(&mut rng(), posture, 4, &within, Looks::Library);
                    let world = filled.at(0.0);
                    assert!(world.people.len() <= 4);
                    for person in &world.people {
                        assert_eq!(person.posture, posture, "{name}");
                        assert!(within(person.floor), "{name}: {} is not within", person.floor);
                    }
                    placed[i] += world.people.len();
                    assert_eq!(
                        world,
                        scene.with_people_placed(&mut rng(), posture, 4, &within, Looks::Library).at(0.0),
                        "repeats"
                    );
                }
            }
        }
        assert!(placed[0] > 200 && placed[1] > 80, "{placed:?} standing and seated");
    }

    #[test]
    fn whatever_fits_under_a_ceiling_takes_people_and_pillars_reach_it() {
        let mut fits = 0;
        for name in library_names() {
            let scene = Scene::from_library(&name).expect("listed").unwrap_or_else(|errors| panic!("{errors}"));
            for ceiling_m in [2.0, 2.5, 4.0, 5.0, 8.0] {
                let Some(scene) = scene.with_ceiling(ceiling_m) else { continue };
                fits += 1;
                let rng = &mut ChaCha8Rng::seed_from_u64(1);
                scene.with_people_placed(rng, Posture::Standing, 2, &|_| true, Looks::Library);
                let tops = scene.furniture.iter().map(crate::Furniture::top_m);
                assert!(tops.fold(0.0, f64::max) <= ceiling_m, "{name} under {ceiling_m} m");
            }
        }
        assert!(fits > 50, "{fits} fit");
        let lobby = Scene::from_library("lobby").expect("listed").unwrap_or_else(|errors| panic!("{errors}"));
        let tops = |scene: &Scene| scene.furniture.iter().map(crate::Furniture::top_m).fold(0.0, f64::max);
        assert_eq!((tops(&lobby), lobby.with_ceiling(5.0).map(|lower| tops(&lower))), (6.0, Some(5.0)));
    }

    #[test]
    fn people_look_like_those_of_the_scene_or_of_the_library() {
        let scene =
            Scene::from_library("factor-camouflage").expect("listed").unwrap_or_else(|errors| panic!("{errors}"));
        let placed = |looks| {
            let rng = &mut ChaCha8Rng::seed_from_u64(1);
            scene.with_people_placed(rng, Posture::Standing, 8, &|_| true, looks).people
        };
        let is_own = |person: &Person| scene.people.iter().any(|own| own.body == person.body);
        assert!(placed(Looks::Own).iter().all(is_own));
        assert!(!placed(Looks::Library).iter().all(is_own));
    }

    #[test]
    fn nobody_is_placed_where_nobody_fits() {
        let scene = Scene::from_library("meeting-room").expect("listed").unwrap_or_else(|errors| panic!("{errors}"));
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        assert!(scene.with_people_placed(rng, Posture::Standing, 5, &|_| false, Looks::Own).people.is_empty());
        assert!(scene.with_people_placed(rng, Posture::Seated, 5, &|_| false, Looks::Own).people.is_empty());
        assert!(scene.with_people_placed(rng, Posture::Standing, 0, &|_| true, Looks::Own).people.is_empty());
    }
}
