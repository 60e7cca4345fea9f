//! A scene: the file, checked, and the state of its world at any time.

use std::sync::Arc;

use glam::DVec2;
use ron_file::{FileErrors, RonFile};
use serde::{Deserialize, Serialize};

use crate::anatomy::Physique;
use crate::belongings;
use crate::crowd::{self, Crowd};
use crate::motion::Motion;
use crate::person::{PersonState, Posture, Start};
use crate::plan::Floor;
use crate::{Door, Figure, Furniture, Light, Luminaire, Person, PosedFigure, Room, Solid};

/// What a scene file says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SceneFile {
    room: Room,
    light: Light,
    #[serde(default)]
    furniture: Vec<Furniture>,
    #[serde(default)]
    doors: Vec<Door>,
    #[serde(default)]
    people: Vec<Person>,
    #[serde(default)]
    crowds: Vec<Crowd>,
}

/// A room, its light, what stands in it, and everybody's movements.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Walls, floor and ceiling.
    pub room: Room,
    /// How bright, from where.
    pub light: Light,
    /// What stands there.
    pub furniture: Vec<Furniture>,
    /// What swings.
    pub doors: Vec<Door>,
    /// Who comes: those of the file, then those of its crowds, who have nothing in `does`.
    pub people: Vec<Person>,
    /// One per person.
    motions: Vec<Motion>,
    /// One per person.
    bodies: Vec<Arc<Dressed>>,
}

/// A body with its clothes, and its measures.
#[derive(Debug)]
struct Dressed {
    physique: Physique,
    figure: Arc<Figure>,
}

/// Everybody at an instant.
#[derive(Clone, Debug, PartialEq)]
pub struct WorldState {
    /// Seconds after the scene's start.
    pub t_s: f64,
    /// Those present, by ascending index.
    pub people: Vec<PersonState>,
    /// The leaves of the doors, in the file's order.
    pub doors: Vec<Solid>,
}

/// The people that a scene's file names one by one, unchecked.
pub(crate) fn scripted_people(source: &RonFile) -> Result<Vec<Person>, FileErrors> {
    Ok(source.parse::<SceneFile>()?.people)
}

impl Scene {
    /// A scene from parts made by a program. The first thing wrong with it is the error, as (field, words).
    pub fn new(
        room: Room,
        light: Light,
        furniture: Vec<Furniture>,
        people: Vec<Person>,
    ) -> Result<Self, (String, String)> {
        SceneFile { room, light, furniture, doors: vec![], people, crowds: vec![] }.checked()
    }

    /// The same with these people instead; none of its crowds come. The first thing wrong with them is the error, as (field, words).
    pub(crate) fn with_people(&self, people: Vec<Person>) -> Result<Self, (String, String)> {
        let (room, light) = (self.room.clone(), self.light.clone());
        let (furniture, doors) = (self.furniture.clone(), self.doors.clone());
        SceneFile { room, light, furniture, doors, people, crowds: vec![] }.checked()
    }

    /// A scene from a file; all mistakes at once.
    pub fn from_file(source: &RonFile) -> Result<Self, FileErrors> {
        let file: SceneFile = source.parse()?;
        let problems = file.problems();
        if problems.is_empty() {
            return Ok(file.into_scene());
        }
        Err(FileErrors(problems.iter().map(|(field, words)| source.problem(field, words)).collect()))
    }

    /// Everybody at `t_s` seconds.
    pub fn at(&self, t_s: f64) -> WorldState {
        let mut people = Vec::with_capacity(self.people.len());
        for (index, (body, motion)) in self.bodies.iter().zip(&self.motions).enumerate() {
            let Some(moment) = motion.at(t_s) else { continue };
            let Dressed { physique, figure } = &**body;
            let carries = &self.people[index].carries;
            let pose = physique.at(&moment, carries);
            let (things, belongings) = belongings::all(carries, physique, &moment, &pose);
            let posed = PosedFigure { figure: Arc::clone(figure), pose, belongings };
            people.push(PersonState {
                index,
                floor: moment.at,
                head: posed.head(),
                posture: if moment.sit > 0.5 { Posture::Seated } else { Posture::Standing },
                activity: moment.activity,
                body: Some(posed),
                things,
            });
        }
        WorldState { t_s, people, doors: self.doors.iter().map(|door| door.leaf(t_s)).collect() }
    }

    /// The points of the floor below everybody at `t_s` seconds, by ascending index: what [`at`](Self::at) says of them, and far cheaper.
    pub fn floors_at(&self, t_s: f64) -> impl Iterator<Item = (usize, DVec2)> + '_ {
        self.motions.iter().enumerate().filter_map(move |(index, motion)| Some((index, motion.place_until(t_s).0?)))
    }

    /// Where one of the people stands or sits at a time, `None` who is not there; and before when that does not change for sure, which is the time
    /// itself of who is on the way. Seconds.
    pub fn floor_until(&self, index: usize, t_s: f64) -> (Option<DVec2>, f64) {
        self.motions[index].place_until(t_s)
    }

    /// The solids of all that stays: furniture, and lamps that hang in the room.
    pub fn fixed_solids(&self) -> Vec<Solid> {
        let shades = self.light.luminaires.iter().filter_map(Luminaire::shade);
        self.furniture.iter().flat_map(Furniture::solids).chain(shades).collect()
    }
}

impl SceneFile {
    /// The first problem is the error.
    fn checked(self) -> Result<Scene, (String, String)> {
        match self.problems().into_iter().next() {
            Some(problem) => Err(problem),
            None => Ok(self.into_scene()),
        }
    }

    fn into_scene(mut self) -> Scene {
        let mut motions = self.plans().collect::<Result<Vec<_>, _>>().expect("a scene without problems has plans");
        let scripted: Vec<(&Person, &Motion)> = self.people.iter().zip(&motions).collect();
        for (person, motion) in crowd::people(&self.crowds, &scripted, &self.floor()) {
            self.people.push(person);
            motions.push(motion);
        }
        let dressed = |person: &Person| {
            let physique = person.body.physique().expect("a scene without problems has bodies");
            let figure = Arc::new(Figure::new(&person.body, &physique));
            Arc::new(Dressed { physique, figure })
        };
        let bodies = self.people.iter().map(dressed).collect();
        Scene {
            room: self.room,
            light: self.light,
            furniture: self.furniture,
            doors: self.doors,
            people: self.people,
            motions,
            bodies,
        }
    }

    fn floor(&self) -> Floor<'_> {
        Floor { size: DVec2::new(self.room.size_m.0, self.room.size_m.1), furniture: &self.furniture }
    }

    fn plans(&self) -> impl Iterator<Item = Result<Motion, (String, String)>> + '_ {
        // What is wrong with a body is said elsewhere; the plan is that of an ordinary one then.
        let build = |person: &Person| {
            let ordinary = crate::Body::default();
            let body = if person.body.problem().is_some() { &ordinary } else { &person.body };
            body.physique().expect("a body without problems has one").build()
        };
        self.people.iter().enumerate().map(move |(i, person)| person.plan(build(person), &self.floor(), i as f64 * 1.7))
    }

    /// Everything wrong, as (field, words).
    fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut report = |field: String, words: String| problems.push((field, words));
        let (x, y) = self.room.size_m;
        for (field, words) in self.room.problems() {
            report(format!("room.{field}"), words);
        }
        for (field, words) in self.light.problems(&self.room) {
            report(format!("light.{field}"), words);
        }
        let inside = |(px, py): (f64, f64)| (0.0..=x).contains(&px) && (0.0..=y).contains(&py);
        let outside = |(px, py): (f64, f64)| format!("({px}, {py}) is outside the room of {x} m × {y} m");
        let ceiling_m = self.room.ceiling_m;
        let above_ceiling = |top_m: f64| {
            (top_m > ceiling_m + 1e-9).then(|| format!("it reaches {top_m:.2} m, above the ceiling at {ceiling_m} m"))
        };
        let names = [
            ("furniture", self.furniture.iter().map(|piece| &piece.name).collect::<Vec<_>>()),
            ("doors", self.doors.iter().map(|door| &door.name).collect()),
            ("people", self.people.iter().map(|person| &person.name).collect()),
        ];
        for (field, names) in names {
            for (i, _) in names.iter().enumerate().filter(|(_, name)| name.trim().is_empty()) {
                report(format!("{field}[{i}].name"), "is empty: write what it shall be called by".into());
            }
        }
        for (i, piece) in self.furniture.iter().enumerate() {
            if !inside(piece.at_m) {
                report(format!("furniture[{i}].at_m"), outside(piece.at_m));
            }
            if let Some((field, words)) = piece.problem() {
                report(format!("furniture[{i}].{field}"), words);
            } else if let Some(words) = above_ceiling(piece.top_m()) {
                report(format!("furniture[{i}].piece"), words);
            }
            if self.furniture[..i].iter().any(|other| other.name == piece.name) {
                report(format!("furniture[{i}].name"), format!("`{}` is the name of another piece, too", piece.name));
            }
        }
        for (i, door) in self.doors.iter().enumerate() {
            if !inside(door.hinge_m) {
                report(format!("doors[{i}].hinge_m"), outside(door.hinge_m));
            }
            if let Some((field, words)) = door.problem() {
                report(format!("doors[{i}].{field}"), words);
            } else if let Some(words) = above_ceiling(door.height_m) {
                report(format!("doors[{i}].height_m"), words);
            }
            if self.doors[..i].iter().any(|other| other.name == door.name) {
                report(format!("doors[{i}].name"), format!("`{}` is the name of another door, too", door.name));
            }
        }
        for (i, person) in self.people.iter().enumerate() {
            if self.people[..i].iter().any(|other| other.name == person.name) {
                report(format!("people[{i}].name"), format!("`{}` is the name of someone else, too", person.name));
            }
            if let Some((field, words)) = person.body.problem() {
                report(format!("people[{i}].body.{field}"), words);
            }
            for (field, point) in person.named_points() {
                if !inside(point) {
                    report(format!("people[{i}].{field}"), outside(point));
                }
            }
        }
        for (i, person) in self.people.iter().enumerate() {
            for (field, on) in person.named_chairs() {
                if let Err((field, words)) = self.floor().chair(on, &field) {
                    report(format!("people[{i}].{field}"), words);
                }
            }
        }
        let mut taken: Vec<&str> = Vec::new();
        for (i, person) in self.people.iter().enumerate() {
            if let Start::Sits { on } = &person.starts {
                if taken.contains(&on.as_str()) {
                    report(format!("people[{i}].starts.on"), format!("somebody else starts on `{on}`, too"));
                }
                taken.push(on);
            }
        }
        // Ways are looked for in a room, between places and round furniture that hold.
        if problems.is_empty() {
            for (i, plan) in self.plans().enumerate() {
                if let Err((field, words)) = plan {
                    problems.push((format!("people[{i}].{field}"), words));
                }
            }
        }
        if problems.is_empty() {
            problems = crowd::problems(&self.crowds, &self.people, &self.floor());
        }
        problems
    }
}

#[cfg(test)]
mod tests;
