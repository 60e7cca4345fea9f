//! What to think of before drilling: the guide's recommendations (§6), held against a site.

mod line;

use glam::{DVec2, DVec3};
use scenes::{Color, Illumination};
use serde::Serialize;

use super::grid::{Cell, Grid};
use super::outline::{Recommended, RecommendedFrom};
use super::{Site, Units};

/// How much depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// People will be missed.
    Problem,
    /// Counts may suffer.
    Warning,
    /// Something to set or to know.
    Hint,
}

/// A recommendation that a site does not follow, or is to be set up by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// How much depends on it.
    pub weight: Weight,
    /// What it is about, for programs: `too-low-standing`, `too-dark`, …
    pub topic: &'static str,
    /// Of the guide.
    pub section: &'static str,
    /// For people.
    pub words: String,
}

/// Everything about a site, the gravest first.
pub(super) fn all(site: &Site, grid: &Grid, recommended: Option<&Recommended>, units: Units) -> Vec<Advice> {
    let mut found = Found { advice: Vec::new() };
    height(site, recommended, units, &mut found);
    light(site, grid, recommended, &mut found);
    surroundings(site, grid, &mut found);
    colours(site, &mut found);
    line::look(site, recommended, units, &mut found);
    let mut advice = found.advice;
    advice.sort_by_key(|advice| advice.weight);
    advice
}

pub(super) struct Found {
    advice: Vec<Advice>,
}

impl Found {
    fn add(&mut self, weight: Weight, topic: &'static str, section: &'static str, words: String) {
        self.advice.push(Advice { weight, topic, section, words });
    }
}

/// Of people who sit (§6.1: more than 2.5 m, of which there is a row); m.
const SEATED_FROM_M: f64 = 2.5;
/// Of people who stand (§6.1: more than 3 m, which is also the optimum); m.
const STANDING_FROM_M: f64 = 3.0;
/// What looks down by less than this is in line with the ceiling, degrees. A decision.
const LEVEL_DEG: f64 = 2.0;

fn height(site: &Site, recommended: Option<&Recommended>, units: Units, found: &mut Found) {
    let height_m = site.mounting.height_m;
    let told = units.length(height_m);
    if height_m < SEATED_FROM_M {
        let words = format!(
            "The lens hangs at {told}: too low for people who sit, and for those who stand. Hang it at {} or more.",
            units.length(STANDING_FROM_M)
        );
        found.add(Weight::Problem, "too-low-seated", "§6.1", words);
    } else if height_m < STANDING_FROM_M {
        let words = format!(
            "The lens hangs at {told}: enough for people who sit, too low for people who stand or walk. For those it takes {}.",
            units.length(STANDING_FROM_M)
        );
        found.add(Weight::Warning, "too-low-standing", "§6.1", words);
    }
    match recommended.map(|recommended| recommended.from) {
        Some(RecommendedFrom::Beyond { nearest_m }) => {
            let words = format!(
                "The guide recommends nothing for {told} with this lens; its nearest row is {}. The range is drawn as wide as it is seen from there.",
                units.length(nearest_m)
            );
            found.add(Weight::Warning, "beyond-the-table", "§6.1", words);
        }
        Some(RecommendedFrom::Between { below_m, above_m }) => {
            let words = format!(
                "The guide has no row for {told}: the recommended range lies on the straight line between those of {} and {}.",
                units.length(below_m),
                units.length(above_m)
            );
            found.add(Weight::Hint, "between-rows", "§6.1", words);
        }
        Some(RecommendedFrom::Row) | None => {}
    }
    let tilt_deg = site.mounting.tilt_rad.to_degrees();
    if tilt_deg.abs() > LEVEL_DEG {
        let words =
            format!("The lens leans by {:.0}°. Mount it in line with the ceiling, straight down.", tilt_deg.abs());
        found.add(Weight::Warning, "tilted", "§6.3", words);
    }
}

/// Region people counting (§6.2), lx.
const REGION_LUX: f64 = 20.0;
/// Line crossing counting and people flow (§6.2), lx.
const LINE_LUX: f64 = 50.0;
/// A part of the range that is darker than it should be and larger than this is told. A decision.
const DARK_SHARE: f64 = 0.05;
/// The brightest tenth of the range over its darkest, from which on the contrast is clear. A decision: the guide gives no figure.
const CONTRAST: f64 = 5.0;

fn light(site: &Site, grid: &Grid, recommended: Option<&Recommended>, found: &mut Found) {
    let counts =
        |place: DVec2, cell: &Cell| recommended.map_or(cell.floor.is_seen(), |recommended| recommended.contains(place));
    let mut lux: Vec<f64> =
        grid.iter().filter(|(place, cell)| counts(*place, cell)).filter_map(|(_, cell)| cell.lux).collect();
    if lux.is_empty() {
        return;
    }
    lux.sort_by(f64::total_cmp);
    let share_below = |limit: f64| lux.partition_point(|lux| *lux < limit) as f64 / lux.len() as f64;
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let (for_regions, for_lines) = (share_below(REGION_LUX), share_below(LINE_LUX));
    if for_regions > DARK_SHARE {
        let words = format!(
            "{} of the range has less than 20 lx, too little for counting people in regions (down to {:.0} lx). Add light.",
            percent(for_regions),
            lux[0]
        );
        found.add(Weight::Problem, "too-dark-for-regions", "§6.2", words);
    }
    if for_lines > DARK_SHARE {
        let words = format!(
            "{} of the range has less than 50 lx: line crossing and people flow want more. Between 20 and 50 lx switch wide dynamic range off for them.",
            percent(for_lines)
        );
        found.add(Weight::Warning, "too-dark-for-lines", "§6.2", words);
    }
    let tenth = lux.len() / 10;
    let contrast = lux[lux.len() - 1 - tenth] / lux[tenth].max(0.1);
    if contrast >= CONTRAST {
        let words = format!(
            "The bright parts of the range have {contrast:.0} times the light of the dark ones. People may be seen against the light: even it out."
        );
        found.add(Weight::Warning, "strong-contrast", "§6.4", words);
        if for_lines <= DARK_SHARE {
            let words = "With more than 50 lx and a clear contrast, switch wide dynamic range on.".to_owned();
            found.add(Weight::Hint, "wide-dynamic-range", "§6.2", words);
        }
    }
    if site.scene.light.flicker > 0.0 {
        let words =
            format!("The lamps swing with the mains: set Power Line Frequency to {:.0} Hz.", site.scene.light.mains_hz);
        found.add(Weight::Hint, "mains-frequency", "§5.3.4", words);
    }
}

/// Points along each side in which openings and leaves of doors are looked at.
const POINTS: usize = 9;

fn surroundings(site: &Site, grid: &Grid, found: &mut Found) {
    let view = site.view();
    let is_seen = |point: DVec3| {
        let pixel = view.pixel(point - site.sensor_at.extend(0.0));
        point.z < site.mounting.height_m && pixel.is_some_and(|pixel| view.lens.contains(pixel))
    };
    let along = |i: usize| i as f64 / (POINTS - 1) as f64;
    for door in &site.scene.doors {
        let hinge = DVec2::from(door.hinge_m);
        let swings = door.swings.iter().map(|swing| swing.to_deg).chain([door.points_deg]);
        let (from, to) = swings.fold((f64::MAX, f64::MIN), |(from, to), angle| (from.min(angle), to.max(angle)));
        let edges =
            (0..POINTS).map(|i| hinge + door.width_m * DVec2::from_angle((from + (to - from) * along(i)).to_radians()));
        let mut points = edges.flat_map(|edge| [0.0, door.height_m].map(|z| edge.extend(z)));
        if points.any(is_seen) {
            let words = format!("The door `{}` swings in the picture. Keep the sensor away from doors.", door.name);
            found.add(Weight::Warning, "door-in-view", "§6.3", words);
        }
    }
    let room = &site.scene.room;
    for mirror in &room.mirrors {
        let plane = room.part(mirror);
        let mut points =
            (0..POINTS * POINTS).map(|i| plane.corner + plane.u * along(i % POINTS) + plane.v * along(i / POINTS));
        if points.any(is_seen) {
            let words = format!(
                "A mirror on the {} wall is in the picture: whoever stands before it may be counted twice. Keep the line away from it.",
                format!("{:?}", mirror.wall).to_lowercase()
            );
            found.add(Weight::Warning, "mirror-in-view", "§6.3", words);
        }
    }
    let illumination = Illumination::new(room, &site.scene.light, &[], 0.0);
    if let Some(sun) = illumination.sun() {
        let lit = grid.area_m2(|place, cell| cell.floor.is_seen() && sun.reaches(place.extend(0.0)));
        if lit > 0.0 {
            let words = format!(
                "The sun shines on {lit:.1} m² of the floor that is in the picture. Shade the window, or hang the sensor elsewhere."
            );
            found.add(Weight::Warning, "sunlight", "§6.3", words);
        }
    }
}

/// What reflects less than this of the light is black. A decision: a good black paint reflects about 0.04.
const BLACK: f32 = 0.05;
/// Colours that differ by no more than this in any channel, of 255, are close. A decision.
const CLOSE: u8 = 24;

fn colours(site: &Site, found: &mut Found) {
    let room = &site.scene.room;
    for (what, topic, color) in [("floor", "black-floor", room.floor), ("walls", "black-walls", room.walls)] {
        let reflectance = color.reflectance().iter().sum::<f32>() / 3.0;
        if reflectance < BLACK {
            let verb = if what == "floor" { "is" } else { "are" };
            let words = format!(
                "The {what} {verb} black ({:.0} % of the light comes back): the picture is darker for it. Add light.",
                100.0 * reflectance
            );
            found.add(Weight::Warning, topic, "§6.4", words);
        }
    }
    let is_close = |color: Color| color.srgb.iter().zip(room.floor.srgb).all(|(a, b)| a.abs_diff(b) <= CLOSE);
    let people = &site.scene.people;
    for (what, topic, of) in [
        ("hair", "hair-like-the-floor", &(|body: &scenes::Body| body.hair_color) as &dyn Fn(&scenes::Body) -> Color),
        ("clothes", "clothes-like-the-floor", &|body| body.top),
    ] {
        let count = people.iter().filter(|person| is_close(of(&person.body))).count();
        if count > 0 {
            let words = format!(
                "Of the {} people of the scene {count} {} {what} of nearly the floor's colour: they stand out little.",
                people.len(),
                if count == 1 { "has" } else { "have" }
            );
            found.add(Weight::Warning, topic, "§6.4", words);
        }
    }
}
