//! Doors that swing.

use glam::{DQuat, DVec2, DVec3};
use serde::{Deserialize, Serialize};

use crate::{Color, Shape, Solid};

/// A door leaf on its hinge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Door {
    /// Names it; unique among the doors.
    pub name: String,
    /// Where its hinge stands, x and y.
    pub hinge_m: (f64, f64),
    /// From the hinge to the handle's edge, 0.4 to 2 m.
    #[serde(default = "default_width")]
    pub width_m: f64,
    /// 1 to 4 m.
    #[serde(default = "default_height")]
    pub height_m: f64,
    /// Where the leaf points from its hinge at first, counter-clockwise from +x.
    pub points_deg: f64,
    /// Its colour.
    pub color: Color,
    /// How it moves.
    #[serde(default)]
    pub swings: Vec<Swing>,
}

/// One movement of a door.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Swing {
    /// When it begins, seconds after the scene's start.
    pub at_s: f64,
    /// Where the leaf points after it.
    pub to_deg: f64,
    /// How long it takes, 0.2 to 60 s.
    #[serde(default = "default_takes")]
    pub takes_s: f64,
}

fn default_width() -> f64 {
    0.9
}

fn default_height() -> f64 {
    2.0
}

fn default_takes() -> f64 {
    1.2
}

const LEAF_M: f64 = 0.04;

impl Door {
    /// Where the leaf points at a time, radians.
    fn angle(&self, t_s: f64) -> f64 {
        let mut degrees = self.points_deg;
        for swing in self.swings.iter().take_while(|swing| swing.at_s < t_s) {
            let part = ((t_s - swing.at_s) / swing.takes_s).min(1.0);
            degrees += (swing.to_deg - degrees) * part * part * (3.0 - 2.0 * part);
        }
        degrees.to_radians()
    }

    /// The leaf at a time.
    pub fn leaf(&self, t_s: f64) -> Solid {
        let angle = self.angle(t_s);
        let middle = DVec2::new(self.hinge_m.0, self.hinge_m.1) + DVec2::from_angle(angle) * (self.width_m / 2.0);
        let half = DVec3::new(self.width_m, LEAF_M, self.height_m) / 2.0;
        let leaf = Solid::new(Shape::Cuboid(half), middle.extend(self.height_m / 2.0), self.color);
        Solid { turned: DQuat::from_rotation_z(angle), ..leaf }
    }

    /// What is wrong with it, as (field, words).
    pub(crate) fn problem(&self) -> Option<(String, String)> {
        let within = |field: &str, value: f64, low: f64, high: f64, unit: &str| {
            let wrong = !(low..=high).contains(&value);
            wrong.then(|| (field.to_owned(), format!("{value}{unit} is out of {low} to {high}{unit}")))
        };
        let own = within("width_m", self.width_m, 0.4, 2.0, " m")
            .or_else(|| within("height_m", self.height_m, 1.0, 4.0, " m"))
            .or_else(|| within("points_deg", self.points_deg, -720.0, 720.0, "°"));
        let mut rests_s = 0.0;
        own.or_else(|| {
            self.swings.iter().enumerate().find_map(|(i, swing)| {
                let wrong = within("at_s", swing.at_s, 0.0, 1e6, " s")
                    .or_else(|| within("to_deg", swing.to_deg, -720.0, 720.0, "°"))
                    .or_else(|| within("takes_s", swing.takes_s, 0.2, 60.0, " s"))
                    .or_else(|| {
                        let early = swing.at_s < rests_s;
                        early.then(|| {
                            (
                                "at_s".into(),
                                format!("{} s is before the swing above has ended, at {rests_s} s", swing.at_s),
                            )
                        })
                    });
                rests_s = swing.at_s + swing.takes_s;
                wrong.map(|(field, words)| (format!("swings[{i}].{field}"), words))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(swings: Vec<Swing>) -> Door {
        Door {
            name: "door".into(),
            hinge_m: (1.0, 2.0),
            width_m: 0.8,
            height_m: 2.0,
            points_deg: 0.0,
            color: Color::new(90, 80, 70),
            swings,
        }
    }

    #[test]
    fn a_door_swings_from_where_it_was_to_where_it_shall_be_and_rests() {
        let opens = Swing { at_s: 1.0, to_deg: 90.0, takes_s: 2.0 };
        let shuts = Swing { at_s: 5.0, to_deg: 0.0, takes_s: 1.0 };
        let door = door(vec![opens, shuts]);
        let handle = |t_s: f64| door.leaf(t_s).at.truncate() * 2.0 - DVec2::new(1.0, 2.0);
        for (t_s, expected) in
            [(0.0, (1.8, 2.0)), (1.0, (1.8, 2.0)), (3.0, (1.0, 2.8)), (4.9, (1.0, 2.8)), (9.0, (1.8, 2.0))]
        {
            assert!(handle(t_s).distance(expected.into()) < 1e-9, "{t_s} s: {}", handle(t_s));
        }
        let half_way = 1.0 + 0.8 * std::f64::consts::FRAC_1_SQRT_2;
        assert!((handle(2.0).x - half_way).abs() < 1e-9 && handle(2.0).y > 2.5);
    }

    #[test]
    fn mistakes_are_named() {
        let swing = |at_s: f64, takes_s: f64| Swing { at_s, to_deg: 90.0, takes_s };
        let field = |door: Door| door.problem().map(|(field, _)| field);
        assert_eq!(field(door(vec![swing(1.0, 1.0), swing(2.0, 1.0)])), None);
        assert_eq!(field(door(vec![swing(1.0, 1.0), swing(1.5, 1.0)])).as_deref(), Some("swings[1].at_s"));
        assert_eq!(field(door(vec![swing(1.0, 0.0)])).as_deref(), Some("swings[0].takes_s"));
        assert_eq!(field(Door { width_m: 9.0, ..door(vec![]) }).as_deref(), Some("width_m"));
    }
}
