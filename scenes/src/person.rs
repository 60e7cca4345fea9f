//! People as a scene file states them, and what they are at an instant.

use glam::{DVec2, DVec3};
use serde::{Deserialize, Serialize};

use crate::motion::{Activity, Build, Motion};
use crate::{Body, Furniture, Piece, PosedFigure, Solid};

/// A person in a scene file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Names the person in expectations and pictures; unique in the scene.
    pub name: String,
    /// What the person looks like.
    #[serde(default)]
    pub body: Body,
    /// Where the person is at first.
    pub starts: Start,
    /// When the person appears, seconds after the scene's start.
    #[serde(default)]
    pub appears_s: f64,
    /// What the person does, one thing after another; whoever has done everything stays as he or she is.
    #[serde(default)]
    pub does: Vec<Step>,
}

/// Where a person is at first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Start {
    /// Upright.
    Stands {
        /// On the floor.
        at_m: (f64, f64),
        /// Counter-clockwise from +x.
        #[serde(default)]
        facing_deg: f64,
    },
    /// On a chair.
    Sits {
        /// The chair's name.
        on: String,
    },
}

/// One thing a person does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Step {
    /// Walks straight from way point to way point.
    Walk {
        /// The way points.
        via_m: Vec<(f64, f64)>,
        /// 0.2 to 3 m/s.
        #[serde(default = "default_speed")]
        speed_m_s: f64,
    },
    /// Stays standing.
    Stand {
        /// How long.
        for_s: f64,
    },
    /// Stays seated on the chair the person started on.
    Stay {
        /// How long.
        for_s: f64,
    },
    /// Turns on the spot.
    Face {
        /// Counter-clockwise from +x.
        heading_deg: f64,
    },
    /// Sits down on a chair at most 1.2 m away, stays, and gets up to where sitting down began.
    Sit {
        /// The chair's name.
        on: String,
        /// How long, from sitting down to getting up.
        for_s: f64,
    },
    /// Gets up from the chair the person started on.
    GetUp {
        /// Where the person then stands, at most 1.2 m from the chair.
        to_m: (f64, f64),
    },
    /// Is gone: through the door, up the stairs. Must come last.
    Leave,
}

fn default_speed() -> f64 {
    1.2
}

/// How far one can step to sit down or when getting up.
const REACH_M: f64 = 1.2;

/// How a person holds the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Posture {
    /// Upright.
    Standing,
    /// On a chair, or more than half way to it.
    Seated,
}

/// A person at an instant: the ground truth.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonState {
    /// Index into [`crate::Scene::people`].
    pub index: usize,
    /// The point of the floor below the pelvis.
    pub floor: DVec2,
    /// The middle of the head.
    pub head: DVec3,
    /// Standing or seated.
    pub posture: Posture,
    /// What the person is doing.
    pub activity: Activity,
    /// The body; `None` of somebody who is made of things alone.
    pub body: Option<PosedFigure>,
    /// What goes with the person beside the body. People of scene files have nothing with them yet.
    pub things: Vec<Solid>,
}

impl PersonState {
    /// Everything that hides what is behind it.
    pub fn solids(&self) -> Vec<Solid> {
        let mut solids = self.body.as_ref().map_or_else(Vec::new, PosedFigure::flesh);
        solids.extend(&self.things);
        solids
    }

    /// Points of the surface, clothes and hair included, that bound all of it.
    pub fn outline(&self) -> Vec<DVec3> {
        let corners = |solid: &Solid| solid.corners();
        let things = self.things.iter().flat_map(corners);
        self.body.iter().flat_map(PosedFigure::outline).chain(things).collect()
    }

    /// Points of the surface that stand for all of it.
    pub fn samples(&self) -> Vec<DVec3> {
        match &self.body {
            Some(body) => body.samples(),
            None => self.things.iter().map(|solid| solid.at).collect(),
        }
    }
}

impl Person {
    /// The person's movement, or what is wrong with it as (field below the person, words).
    pub(crate) fn plan(&self, build: Build, furniture: &[Furniture], phase: f64) -> Result<Motion, (String, String)> {
        let chair = |on: &str, field: &str| {
            let named = furniture.iter().find(|f| f.name == on);
            match named {
                Some(found) if found.piece == Piece::Chair => Ok(found),
                Some(_) => Err((field.to_owned(), format!("`{on}` is not a chair; people sit on a `Chair`"))),
                None => {
                    let chairs: Vec<&str> =
                        furniture.iter().filter(|f| f.piece == Piece::Chair).map(|f| f.name.as_str()).collect();
                    let known = if chairs.is_empty() { "it has none".to_owned() } else { chairs.join(", ") };
                    Err((field.to_owned(), format!("there is no chair `{on}`; the scene's chairs: {known}")))
                }
            }
        };
        if !(0.0..=1e6).contains(&self.appears_s) {
            return Err(("appears_s".into(), format!("{} s is out of 0 to 1,000,000 s", self.appears_s)));
        }
        let angle = |degrees: f64, field: String| {
            if (-360.0..=360.0).contains(&degrees) {
                Ok(degrees.to_radians())
            } else {
                Err((field, format!("{degrees}° is out of −360° to 360°")))
            }
        };
        let mut seated = false;
        let mut motion = match &self.starts {
            Start::Stands { at_m, facing_deg } => {
                let heading = angle(*facing_deg, "starts.facing_deg".to_owned())?;
                Motion::new(build, self.appears_s, vec2(*at_m), heading, false, phase)
            }
            Start::Sits { on } => {
                let chair = chair(on, "starts.on")?;
                seated = true;
                Motion::new(build, self.appears_s, chair.place(), chair.heading(), true, phase)
            }
        };
        for (i, step) in self.does.iter().enumerate() {
            let field = |name: &str| format!("does[{i}]{}{name}", if name.is_empty() { "" } else { "." });
            let long = |for_s: f64| {
                if (0.0..=1e6).contains(&for_s) {
                    Ok(for_s)
                } else {
                    Err((field("for_s"), format!("{for_s} s is out of 0 to 1,000,000 s")))
                }
            };
            let near = |a: DVec2, b: DVec2, name: &str, what: &str| {
                if a.distance(b) <= REACH_M {
                    Ok(())
                } else {
                    let words =
                        format!("{what} is {:.2} m away, more than {REACH_M} m: walk nearer first", a.distance(b));
                    Err((field(name), words))
                }
            };
            if seated && !matches!(step, Step::GetUp { .. } | Step::Stay { .. }) {
                return Err((field(""), "the person still sits: `GetUp(to_m: (x, y))` comes first".into()));
            }
            if !seated && matches!(step, Step::Stay { .. }) {
                return Err((field(""), "the person does not sit: `Stand(for_s: …)` is for those who stand".into()));
            }
            match step {
                Step::Walk { via_m, speed_m_s } => {
                    if !(0.2..=3.0).contains(speed_m_s) {
                        return Err((field("speed_m_s"), format!("{speed_m_s} m/s is out of 0.2 to 3 m/s")));
                    }
                    if via_m.is_empty() {
                        return Err((field("via_m"), "needs at least one way point (x, y)".into()));
                    }
                    via_m.iter().for_each(|to| motion.walk(vec2(*to), *speed_m_s));
                }
                Step::Stand { for_s } | Step::Stay { for_s } => motion.stay(long(*for_s)?),
                Step::Face { heading_deg } => motion.face(angle(*heading_deg, field("heading_deg"))?),
                Step::Sit { on, for_s } => {
                    let chair = chair(on, &field("on"))?;
                    let stood = motion.end();
                    near(stood, chair.place(), "on", &format!("`{on}`"))?;
                    motion.sit_down(chair.place(), chair.heading());
                    motion.stay(long(*for_s)?);
                    motion.get_up(stood);
                }
                Step::GetUp { to_m } => {
                    if !seated {
                        return Err((field(""), "the person does not sit; `Sit` gets up by itself".into()));
                    }
                    near(motion.end(), vec2(*to_m), "to_m", "the place")?;
                    motion.get_up(vec2(*to_m));
                    seated = false;
                }
                Step::Leave => {
                    motion.leave();
                    if i + 1 != self.does.len() {
                        return Err((field(""), "`Leave` must be the last step".into()));
                    }
                }
            }
        }
        Ok(motion)
    }

    /// Every point of the floor the file names for this person, with its field below the person.
    pub(crate) fn named_points(&self) -> Vec<(String, (f64, f64))> {
        let mut points = Vec::new();
        if let Start::Stands { at_m, .. } = &self.starts {
            points.push(("starts.at_m".to_owned(), *at_m));
        }
        for (i, step) in self.does.iter().enumerate() {
            match step {
                Step::Walk { via_m, .. } => {
                    points.extend(via_m.iter().enumerate().map(|(j, p)| (format!("does[{i}].via_m[{j}]"), *p)));
                }
                Step::GetUp { to_m } => points.push((format!("does[{i}].to_m"), *to_m)),
                Step::Stand { .. } | Step::Stay { .. } | Step::Face { .. } | Step::Sit { .. } | Step::Leave => {}
            }
        }
        points
    }
}

fn vec2(point: (f64, f64)) -> DVec2 {
    DVec2::new(point.0, point.1)
}
