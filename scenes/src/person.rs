//! People as a scene file states them, and what they are at an instant. What they do is in `step.rs`.

use glam::{DVec2, DVec3};
use serde::{Deserialize, Serialize};

use crate::motion::Activity;
use crate::{Body, Carried, PosedFigure, Solid, Step};

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
    /// What goes with the person.
    #[serde(default)]
    pub carries: Vec<Carried>,
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

/// How a person holds the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Posture {
    /// Upright.
    Standing,
    /// On a chair, more than half way to it, or in a wheelchair.
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
    /// What goes with the person beside the body: all that is carried, pushed or sat in.
    pub things: Vec<Solid>,
}

impl PersonState {
    /// Everything that hides what is behind it.
    pub fn solids(&self) -> Vec<Solid> {
        let mut solids = self.body.as_ref().map_or_else(Vec::new, PosedFigure::flesh);
        solids.extend(&self.things);
        solids
    }

    /// Points of the surface that bound the person: clothes, hair, and what is carried on the body or sat in. A trolley that
    /// is pushed and an umbrella do not count.
    pub fn outline(&self) -> Vec<DVec3> {
        match &self.body {
            Some(body) => body.outline(),
            None => self.things.iter().flat_map(Solid::corners).collect(),
        }
    }

    /// Points of the surface that stand for all of the body; what it carries may hide them.
    pub fn samples(&self) -> Vec<DVec3> {
        match &self.body {
            Some(body) => body.samples(),
            None => self.things.iter().map(|solid| solid.at).collect(),
        }
    }
}
