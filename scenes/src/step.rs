//! What people do, as a scene file states it.

use serde::{Deserialize, Serialize};

use crate::{Person, Start};

/// One thing a person does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Step {
    /// Walks straight from way point to way point.
    Walk {
        /// The way points.
        via_m: Vec<(f64, f64)>,
        /// 0.2 to 3 m/s; in a wheelchair at most 1.6.
        #[serde(default = "default_speed")]
        speed_m_s: f64,
    },
    /// Walks on and turns back on the way, in a half circle of 0.3 m radius.
    UTurn {
        /// To the left; otherwise to the right.
        #[serde(default = "yes")]
        left: bool,
        /// 0.2 to 1.6 m/s.
        #[serde(default = "default_turning_speed")]
        speed_m_s: f64,
    },
    /// Stays standing.
    Stand {
        /// How long.
        for_s: f64,
    },
    /// Turns to a point and talks, with gestures.
    Talk {
        /// To whom or what, usually the middle of a group.
        to_m: (f64, f64),
        /// How long, the turn included.
        for_s: f64,
    },
    /// Stands in line and moves up: `moves` times, every `every_s` seconds, in equal parts of the way to `to_m`. People in
    /// one line with equal places between them and one `every_s` keep their distances.
    Queue {
        /// The head of the line.
        to_m: (f64, f64),
        /// How often the line moves until the person is there, 1 to 100.
        moves: u32,
        /// From one move's end to the next one's, 1 to 3,600 s.
        every_s: f64,
    },
    /// Walks slowly about and stands now and then, round furniture.
    Loiter {
        /// The middle of it.
        around_m: (f64, f64),
        /// How far from there, 0.3 to 10 m.
        radius_m: f64,
        /// How long, up to 3,600 s.
        for_s: f64,
        /// Which way it goes.
        #[serde(default)]
        seed: u64,
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

fn default_turning_speed() -> f64 {
    0.7
}

fn yes() -> bool {
    true
}

impl Person {
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
                Step::GetUp { to_m } | Step::Talk { to_m, .. } | Step::Queue { to_m, .. } => {
                    points.push((format!("does[{i}].to_m"), *to_m));
                }
                Step::Loiter { around_m, .. } => points.push((format!("does[{i}].around_m"), *around_m)),
                Step::UTurn { .. }
                | Step::Stand { .. }
                | Step::Stay { .. }
                | Step::Face { .. }
                | Step::Sit { .. }
                | Step::Leave => {}
            }
        }
        points
    }

    /// The chairs named, as (field, name).
    pub(crate) fn named_chairs(&self) -> Vec<(String, &str)> {
        let first = match &self.starts {
            Start::Sits { on } => Some(("starts.on".to_owned(), on.as_str())),
            Start::Stands { .. } => None,
        };
        let later = self.does.iter().enumerate().filter_map(|(i, step)| match step {
            Step::Sit { on, .. } => Some((format!("does[{i}].on"), on.as_str())),
            _ => None,
        });
        first.into_iter().chain(later).collect()
    }
}
