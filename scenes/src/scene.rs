//! A scene: the file, checked, and the state of its world at any time.

use ron_file::{FileErrors, RonFile};
use serde::{Deserialize, Serialize};

use crate::motion::Motion;
use crate::person::{PersonState, Posture};
use crate::{Furniture, LUMINAIRES_MAX, Light, Person, Room, Solid};

/// What a scene file says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SceneFile {
    room: Room,
    light: Light,
    #[serde(default)]
    furniture: Vec<Furniture>,
    #[serde(default)]
    people: Vec<Person>,
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
    /// Who comes.
    pub people: Vec<Person>,
    /// One per person.
    motions: Vec<Motion>,
}

/// Everybody at an instant.
#[derive(Clone, Debug, PartialEq)]
pub struct WorldState {
    /// Seconds after the scene's start.
    pub t_s: f64,
    /// Those present, by ascending index.
    pub people: Vec<PersonState>,
}

impl Scene {
    /// A scene from parts made by a program. The first thing wrong with it is the error, as (field, words).
    pub fn new(
        room: Room,
        light: Light,
        furniture: Vec<Furniture>,
        people: Vec<Person>,
    ) -> Result<Self, (String, String)> {
        let file = SceneFile { room, light, furniture, people };
        match file.problems().into_iter().next() {
            Some(problem) => Err(problem),
            None => Ok(file.into_scene()),
        }
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
        for (index, (person, motion)) in self.people.iter().zip(&self.motions).enumerate() {
            let Some(moment) = motion.at(t_s) else { continue };
            let posed = person.body.pose(&moment);
            let posture = if moment.sit > 0.5 { Posture::Seated } else { Posture::Standing };
            let state = PersonState { index, floor: moment.at, head: posed.head, posture, solids: posed.solids };
            people.push(state);
        }
        WorldState { t_s, people }
    }

    /// The furniture's solids.
    pub fn fixed_solids(&self) -> Vec<Solid> {
        self.furniture.iter().flat_map(Furniture::solids).collect()
    }
}

impl SceneFile {
    fn into_scene(self) -> Scene {
        let motions = self.plans().collect::<Result<Vec<_>, _>>().expect("a scene without problems has plans");
        Scene { room: self.room, light: self.light, furniture: self.furniture, people: self.people, motions }
    }

    fn plans(&self) -> impl Iterator<Item = Result<Motion, (String, String)>> + '_ {
        self.people.iter().enumerate().map(|(i, person)| person.plan(&self.furniture, i as f64 * 1.7))
    }

    /// Everything wrong, as (field, words).
    fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut report = |field: String, words: String| problems.push((field, words));
        let (x, y) = self.room.size_m;
        for (axis, size) in [x, y].into_iter().enumerate() {
            if !(1.0..=60.0).contains(&size) {
                let hint = if size > 60.0 { "; sizes are in metres" } else { "" };
                report(format!("room.size_m[{axis}]"), format!("{size} m is out of 1 to 60 m{hint}"));
            }
        }
        if !(2.0..=12.0).contains(&self.room.ceiling_m) {
            let hint = if self.room.ceiling_m > 12.0 { "; heights are in metres" } else { "" };
            report("room.ceiling_m".into(), format!("{} m is out of 2 to 12 m{hint}", self.room.ceiling_m));
        }
        if self.room.floor_tile_m != 0.0 && !(0.05..=5.0).contains(&self.room.floor_tile_m) {
            report("room.floor_tile_m".into(), format!("{} m is out of 0.05 to 5 m", self.room.floor_tile_m));
        }
        if !(0.0..=100_000.0).contains(&self.light.lux) {
            report("light.lux".into(), format!("{} lx is out of 0 to 100,000 lx", self.light.lux));
        }
        if !(0.0..=1.0).contains(&self.light.diffuse_share) {
            report("light.diffuse_share".into(), format!("{} is out of 0 to 1", self.light.diffuse_share));
        }
        if self.light.luminaires.is_empty() && self.light.diffuse_share < 1.0 {
            let words = "without luminaires all light is diffuse: write 1.0, or add luminaires".to_owned();
            report("light.diffuse_share".into(), words);
        }
        if self.light.luminaires.len() > LUMINAIRES_MAX {
            let words = format!("{} luminaires are more than {LUMINAIRES_MAX}", self.light.luminaires.len());
            report("light.luminaires".into(), words);
        }
        let inside = |(px, py): (f64, f64)| (0.0..=x).contains(&px) && (0.0..=y).contains(&py);
        let outside = |(px, py): (f64, f64)| format!("({px}, {py}) is outside the room of {x} m × {y} m");
        for (i, luminaire) in self.light.luminaires.iter().enumerate() {
            if !inside(luminaire.at_m) {
                report(format!("light.luminaires[{i}].at_m"), outside(luminaire.at_m));
            }
        }
        for (i, piece) in self.furniture.iter().enumerate() {
            if !inside(piece.at_m) {
                report(format!("furniture[{i}].at_m"), outside(piece.at_m));
            }
            if let Some((field, words)) = piece.problem() {
                report(format!("furniture[{i}].{field}"), words);
            }
            if self.furniture[..i].iter().any(|other| other.name == piece.name) {
                report(format!("furniture[{i}].name"), format!("`{}` is the name of another piece, too", piece.name));
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
        for (i, plan) in self.plans().enumerate() {
            if let Err((field, words)) = plan {
                report(format!("people[{i}].{field}"), words);
            }
        }
        problems
    }
}
