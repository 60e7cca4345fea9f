//! The room and its light, as a scene file states them.

use glam::DVec3;
use serde::{Deserialize, Serialize};

use crate::illumination::MEASURED_AT_M;
use crate::{Color, Finish, Shape, Solid};

/// Four walls, a floor and a ceiling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Room {
    /// Along x and y, 1 to 60 m.
    pub size_m: (f64, f64),
    /// Floor to ceiling, 2 to 12 m.
    pub ceiling_m: f64,
    /// The floor's colour.
    #[serde(default = "default_floor")]
    pub floor: Color,
    /// What the floor is made of.
    #[serde(default)]
    pub floor_finish: Finish,
    /// The walls' colour.
    #[serde(default = "default_walls")]
    pub walls: Color,
    /// What the walls are made of.
    #[serde(default = "default_walls_finish")]
    pub walls_finish: Finish,
    /// Mirrors on the walls.
    #[serde(default)]
    pub mirrors: Vec<WallPart>,
}

fn default_floor() -> Color {
    Color::new(150, 140, 128)
}

fn default_walls() -> Color {
    Color::new(215, 212, 205)
}

fn default_walls_finish() -> Finish {
    Finish::Plaster
}

/// A wall of the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wall {
    /// y = 0.
    South,
    /// x = the room's length along x.
    East,
    /// y = the room's length along y.
    North,
    /// x = 0.
    West,
}

impl Wall {
    /// All four.
    pub const ALL: [Wall; 4] = [Wall::South, Wall::East, Wall::North, Wall::West];
}

/// An upright rectangle on a wall: a window, a mirror.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WallPart {
    /// The wall it is on.
    pub wall: Wall,
    /// Where it begins along the wall: x of a south or north wall, y of an east or west wall.
    pub from_m: f64,
    /// Where it ends.
    pub to_m: f64,
    /// Height of its lower edge above the floor.
    pub bottom_m: f64,
    /// Height of its upper edge.
    pub top_m: f64,
}

impl WallPart {
    fn overlaps(&self, other: &WallPart) -> bool {
        let apart = |a: [f64; 2], b: [f64; 2]| a[1] <= b[0] || b[1] <= a[0];
        self.wall == other.wall
            && !apart([self.from_m, self.to_m], [other.from_m, other.to_m])
            && !apart([self.bottom_m, self.top_m], [other.bottom_m, other.top_m])
    }
}

/// A rectangle in space.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rectangle {
    /// One corner.
    pub corner: DVec3,
    /// An edge from there, metres.
    pub u: DVec3,
    /// The other edge from there; u × v points to the side that is looked at.
    pub v: DVec3,
}

impl Rectangle {
    /// Unit vector to the side that is looked at.
    pub fn normal(&self) -> DVec3 {
        self.u.cross(self.v).normalize()
    }
}

impl Room {
    /// A room of so many metres along x and y and up to the ceiling, in the colours of a scene that states none.
    pub fn empty(size_m: (f64, f64), ceiling_m: f64) -> Self {
        Room {
            size_m,
            ceiling_m,
            floor: default_floor(),
            floor_finish: Finish::default(),
            walls: default_walls(),
            walls_finish: default_walls_finish(),
            mirrors: vec![],
        }
    }

    /// All of a wall, seen from inside: u runs along the wall, v up.
    pub fn wall(&self, wall: Wall) -> Rectangle {
        let (x, y) = self.size_m;
        // Walking round with the room to the left.
        let (corner, u) = match wall {
            Wall::South => (DVec3::new(x, 0.0, 0.0), DVec3::X * -x),
            Wall::East => (DVec3::new(x, y, 0.0), DVec3::Y * -y),
            Wall::North => (DVec3::new(0.0, y, 0.0), DVec3::X * x),
            Wall::West => (DVec3::ZERO, DVec3::Y * y),
        };
        Rectangle { corner, u, v: DVec3::Z * self.ceiling_m }
    }

    /// A part of a wall, seen from inside.
    pub fn part(&self, part: &WallPart) -> Rectangle {
        let whole = self.wall(part.wall);
        let along = whole.u.normalize();
        // Where it begins, walking along u, which runs against the axis on two of the walls.
        let begins = if along.max_element() > 0.5 { part.from_m } else { whole.u.length() - part.to_m };
        Rectangle {
            corner: whole.corner + along * begins + DVec3::Z * part.bottom_m,
            u: along * (part.to_m - part.from_m),
            v: DVec3::Z * (part.top_m - part.bottom_m),
        }
    }

    /// Whether a part of a wall is free of windows and of the room's mirrors.
    pub(crate) fn is_free(&self, part: &WallPart, windows: &[WallPart]) -> bool {
        !self.mirrors.iter().chain(windows).any(|other| other.overlaps(part))
    }

    /// What is wrong with it, as (field, words).
    pub(crate) fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        for (axis, size) in [self.size_m.0, self.size_m.1].into_iter().enumerate() {
            if !(1.0..=60.0).contains(&size) {
                let hint = if size > 60.0 { "; sizes are in metres" } else { "" };
                problems.push((format!("size_m[{axis}]"), format!("{size} m is out of 1 to 60 m{hint}")));
            }
        }
        if !(2.0..=12.0).contains(&self.ceiling_m) {
            let hint = if self.ceiling_m > 12.0 { "; heights are in metres" } else { "" };
            problems.push(("ceiling_m".into(), format!("{} m is out of 2 to 12 m{hint}", self.ceiling_m)));
        }
        for (field, finish) in [("floor_finish", self.floor_finish), ("walls_finish", self.walls_finish)] {
            if let Some(words) = finish.problem() {
                problems.push((format!("{field}.edge_m"), words));
            }
        }
        if self.mirrors.len() > MIRRORS_MAX {
            let words = format!("{} mirrors are more than {MIRRORS_MAX}", self.mirrors.len());
            problems.push(("mirrors".into(), words));
        }
        problems.extend(self.part_problems("mirrors", &self.mirrors));
        problems.extend(overlaps("mirrors", &self.mirrors, &[]));
        problems
    }

    /// What is wrong with parts of its walls.
    fn part_problems(&self, field: &str, parts: &[WallPart]) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        for (i, part) in parts.iter().enumerate() {
            let length = match part.wall {
                Wall::South | Wall::North => self.size_m.0,
                Wall::East | Wall::West => self.size_m.1,
            };
            let mut report = |name: &str, words: String| problems.push((format!("{field}[{i}].{name}"), words));
            if !(0.0..length).contains(&part.from_m) {
                report("from_m", format!("{} m is out of the wall's 0 to {length} m", part.from_m));
            } else if !(part.from_m + PART_MIN_M..=length).contains(&part.to_m) {
                let least = part.from_m + PART_MIN_M;
                let hint = if part.to_m < part.from_m { "; it ends before it begins" } else { "" };
                report("to_m", format!("{} m is out of {least:.2} m to the wall's end at {length} m{hint}", part.to_m));
            }
            if !(0.0..self.ceiling_m).contains(&part.bottom_m) {
                report("bottom_m", format!("{} m is out of 0 to the ceiling at {} m", part.bottom_m, self.ceiling_m));
            } else if !(part.bottom_m + PART_MIN_M..=self.ceiling_m).contains(&part.top_m) {
                let least = part.bottom_m + PART_MIN_M;
                let hint = if part.top_m < part.bottom_m { "; it ends below where it begins" } else { "" };
                let ceiling_m = self.ceiling_m;
                report(
                    "top_m",
                    format!("{} m is out of {least:.2} m to the ceiling at {ceiling_m} m{hint}", part.top_m),
                );
            }
        }
        problems
    }
}

/// Which parts of walls lie partly where one above them in the list or a mirror is already, as (field, words).
fn overlaps(field: &str, parts: &[WallPart], mirrors: &[WallPart]) -> Vec<(String, String)> {
    let mirrors = mirrors.iter().enumerate().map(|(i, mirror)| (format!("mirrors[{i}] of the room"), mirror));
    let others: Vec<(String, &WallPart)> =
        mirrors.chain(parts.iter().enumerate().map(|(i, part)| (format!("{field}[{i}]"), part))).collect();
    let own = others.len() - parts.len();
    let overlap = |i: usize| {
        let (other, _) = others[..own + i].iter().find(|(_, other)| other.overlaps(&parts[i]))?;
        Some((format!("{field}[{i}]"), format!("it overlaps {other} on the same wall")))
    };
    (0..parts.len()).filter_map(overlap).collect()
}

/// The smallest edge of a window or a mirror.
const PART_MIN_M: f64 = 0.05;
/// Each mirror shows everything once more.
pub const MIRRORS_MAX: usize = 2;
/// Each window is looked for at every pixel when the sun shines.
pub const WINDOWS_MAX: usize = 4;
/// The most luminaires a scene may have: each costs a shadow of each person.
const LUMINAIRES_MAX: usize = 16;

/// How bright it is, and where the light comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Light {
    /// Horizontal illuminance 0.8 m above the floor, averaged over the room, in lux; without the sun's own beams.
    pub lux: f64,
    /// The part of it that comes from everywhere alike (walls, ceiling) rather than straight from a luminaire or a window.
    #[serde(default = "default_diffuse_share")]
    pub diffuse_share: f64,
    /// The part of it that comes straight from the windows.
    #[serde(default)]
    pub daylight_share: f64,
    /// Lamps.
    #[serde(default)]
    pub luminaires: Vec<Luminaire>,
    /// Windows: as bright as their share of the light makes them.
    #[serde(default)]
    pub windows: Vec<WallPart>,
    /// How the lamps swing with the mains: half of the swing from darkest to brightest over their mean, 0 for steady light to 1.
    #[serde(default)]
    pub flicker: f64,
    /// Frequency of the mains, 50 or 60 Hz.
    #[serde(default = "default_mains")]
    pub mains_hz: f64,
    /// The sun, which shines in through the windows.
    #[serde(default)]
    pub sun: Option<Sun>,
}

fn default_mains() -> f64 {
    50.0
}

fn default_diffuse_share() -> f64 {
    0.5
}

impl Default for Light {
    /// 300 lx from everywhere alike.
    fn default() -> Self {
        Light {
            lux: 300.0,
            diffuse_share: 1.0,
            daylight_share: 0.0,
            luminaires: Vec::new(),
            windows: Vec::new(),
            flicker: 0.0,
            mains_hz: default_mains(),
            sun: None,
        }
    }
}

/// A lamp.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Luminaire {
    /// Its place below the ceiling, x and y.
    pub at_m: (f64, f64),
    /// What it is.
    #[serde(default)]
    pub kind: LuminaireKind,
    /// How much light it gives beside the others, 0 to 100.
    #[serde(default = "default_flux")]
    pub flux: f64,
}

fn default_flux() -> f64 {
    1.0
}

/// Height of a pendant's shade, m.
const SHADE_M: f64 = 0.18;
/// Lamps and their shades do not touch.
const SHADE_GAP_M: f64 = 0.02;

impl Luminaire {
    /// The shade of a lamp that hangs in the room, above what shines; those at the ceiling are out of a sensor's sight.
    pub(crate) fn shade(&self) -> Option<Solid> {
        let LuminaireKind::Pendant { height_m } = self.kind else { return None };
        let shape = Shape::Cylinder { radius: 0.15, half_height: SHADE_M / 2.0 };
        let at = DVec3::new(self.at_m.0, self.at_m.1, height_m + SHADE_GAP_M + SHADE_M / 2.0);
        Some(Solid::new(shape, at, Color::new(226, 222, 212)))
    }
}

/// Kinds of lamps. All shine downwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum LuminaireKind {
    /// A panel of 0.6 m × 0.6 m.
    #[default]
    Panel,
    /// A batten of 1.2 m × 0.1 m.
    Batten {
        /// Counter-clockwise from along x.
        #[serde(default)]
        turn_deg: f64,
    },
    /// A spot of 0.1 m that shines most straight down: half as bright at 38°.
    Downlight,
    /// A lamp of 0.3 m under a shade, which hangs from the ceiling.
    Pendant {
        /// Height above the floor.
        height_m: f64,
    },
}

/// The sun as it shines on the windows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sun {
    /// Where it stands, counter-clockwise from +x, at the scene's start.
    pub azimuth_deg: f64,
    /// How high it stands, 1° to 90°.
    pub elevation_deg: f64,
    /// Illuminance behind the glass of what faces it, lx.
    pub lux: f64,
    /// How fast its azimuth changes; the true sun goes clockwise at about a quarter of a degree a minute.
    #[serde(default = "default_turn")]
    pub turns_deg_per_min: f64,
}

fn default_turn() -> f64 {
    -0.25
}

impl Sun {
    /// Whether it shines on what faces so, or comes to within its first hour.
    fn comes_before(&self, outwards: DVec3) -> bool {
        // It is looked for at every degree of its way.
        let steps = self.turns_deg_per_min.abs().ceil().max(1.0) as u32 * 60;
        (0..=steps).any(|step| self.direction(3600.0 * f64::from(step) / f64::from(steps)).dot(outwards) > 0.0)
    }

    /// Unit vector to where it stands at a time of the scene.
    pub fn direction(&self, t_s: f64) -> DVec3 {
        let azimuth = (self.azimuth_deg + self.turns_deg_per_min * t_s / 60.0).to_radians();
        let (sin, cos) = self.elevation_deg.to_radians().sin_cos();
        DVec3::new(azimuth.cos() * cos, azimuth.sin() * cos, sin)
    }
}

impl Light {
    /// The part of the light that comes straight from the luminaires.
    pub fn lamp_share(&self) -> f64 {
        (1.0 - self.diffuse_share - self.daylight_share).max(0.0)
    }

    /// What is wrong with it in its room, as (field, words).
    pub(crate) fn problems(&self, room: &Room) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut report = |field: String, words: String| problems.push((field, words));
        if !(0.0..=100_000.0).contains(&self.lux) {
            report("lux".into(), format!("{} lx is out of 0 to 100,000 lx", self.lux));
        }
        for (field, share) in [("diffuse_share", self.diffuse_share), ("daylight_share", self.daylight_share)] {
            if !(0.0..=1.0).contains(&share) {
                report(field.into(), format!("{share} is out of 0 to 1"));
            }
        }
        if !(0.0..=1.0).contains(&self.flicker) {
            report("flicker".into(), format!("{} is out of 0 to 1", self.flicker));
        }
        if self.mains_hz != 50.0 && self.mains_hz != 60.0 {
            report("mains_hz".into(), format!("{} Hz is neither 50 nor 60 Hz", self.mains_hz));
        }
        let shares = self.diffuse_share + self.daylight_share;
        if shares > 1.0 + 1e-9 {
            report("daylight_share".into(), format!("with the diffuse share it makes {shares}, more than 1"));
        }
        if self.windows.is_empty() && self.daylight_share > 0.0 {
            report("daylight_share".into(), "there are no windows: write 0, or add windows".into());
        }
        let lowest = MEASURED_AT_M + PART_MIN_M;
        let too_low = |window: &WallPart| window.top_m < lowest;
        if self.daylight_share > 0.0 && !self.windows.is_empty() && self.windows.iter().all(too_low) {
            let words = format!(
                "no window reaches {lowest} m: nothing of it comes to {MEASURED_AT_M} m, where lux is measured"
            );
            report("daylight_share".into(), words);
        }
        if self.luminaires.is_empty() && shares < 1.0 - 1e-9 {
            let words = if self.windows.is_empty() {
                "without luminaires all light is diffuse: write 1.0, or add luminaires".to_owned()
            } else {
                format!("without luminaires diffuse and daylight share make 1, not {shares}")
            };
            report("diffuse_share".into(), words);
        }
        for (field, count, most) in
            [("luminaires", self.luminaires.len(), LUMINAIRES_MAX), ("windows", self.windows.len(), WINDOWS_MAX)]
        {
            if count > most {
                report(field.into(), format!("{count} {field} are more than {most}"));
            }
        }
        let (x, y) = room.size_m;
        for (i, luminaire) in self.luminaires.iter().enumerate() {
            let (px, py) = luminaire.at_m;
            if !(0.0..=x).contains(&px) || !(0.0..=y).contains(&py) {
                let words = format!("({px}, {py}) is outside the room of {x} m × {y} m");
                report(format!("luminaires[{i}].at_m"), words);
            }
            if !(0.0..=100.0).contains(&luminaire.flux) {
                report(format!("luminaires[{i}].flux"), format!("{} is out of 0 to 100", luminaire.flux));
            }
            match luminaire.kind {
                LuminaireKind::Batten { turn_deg } if !(-360.0..=360.0).contains(&turn_deg) => {
                    report(format!("luminaires[{i}].kind.turn_deg"), format!("{turn_deg}° is out of −360° to 360°"));
                }
                LuminaireKind::Pendant { height_m } if !(1.0..=room.ceiling_m).contains(&height_m) => {
                    let words = format!("{height_m} m is out of 1 m to the ceiling at {} m", room.ceiling_m);
                    report(format!("luminaires[{i}].kind.height_m"), words);
                }
                _ => {}
            }
        }
        if self.lamp_share() > 1e-9 && !self.luminaires.is_empty() && self.luminaires.iter().all(|l| l.flux == 0.0) {
            report("luminaires".into(), "all of them have a flux of 0: at least one must shine".into());
        }
        if let Some(sun) = &self.sun {
            let ranges = [
                ("azimuth_deg", sun.azimuth_deg, -360.0, 360.0, "°"),
                ("elevation_deg", sun.elevation_deg, 1.0, 90.0, "°"),
                ("lux", sun.lux, 0.0, 130_000.0, " lx"),
                ("turns_deg_per_min", sun.turns_deg_per_min, -360.0, 360.0, "°"),
            ];
            for (field, value, low, high, unit) in ranges {
                if !(low..=high).contains(&value) {
                    report(format!("sun.{field}"), format!("{value}{unit} is out of {low} to {high}{unit}"));
                }
            }
            if self.windows.is_empty() {
                report("sun".into(), "there are no windows for it to shine through: add one".into());
            } else if !self.windows.iter().any(|window| sun.comes_before(-room.part(window).normal())) {
                let words = format!(
                    "{}° stands before no window, nor does it come before one in the first hour; -90 is south",
                    sun.azimuth_deg
                );
                report("sun.azimuth_deg".into(), words);
            }
        }
        problems.extend(room.part_problems("windows", &self.windows));
        problems.extend(overlaps("windows", &self.windows, &room.mirrors));
        problems
    }
}
