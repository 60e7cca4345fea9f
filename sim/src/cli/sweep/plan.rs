//! What a sweep takes pictures of, in which order.

use std::hash::Hasher;
use std::path::Path;
use std::sync::Arc;

use analytics::Posture;
use anyhow::{Context, bail};
use device_model::Profile;
use fnv::FnvHasher;
use scenarios::{Circumstances, Scenario, Subject};
use serde::{Deserialize, Serialize};

use crate::cli::scene;

/// From here on a scene is looked at by the high ceiling mount version; guide §6.1.
const HIGH_FROM_M: f64 = 4.5;

/// What everybody in a picture does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Activity {
    /// Stands or walks.
    Standing,
    /// Sits on a chair.
    Seated,
    /// Nobody is there.
    Nobody,
}

impl Activity {
    pub fn name(self) -> &'static str {
        match self {
            Activity::Standing => "standing",
            Activity::Seated => "seated",
            Activity::Nobody => "nobody",
        }
    }

    fn posture(self) -> Option<Posture> {
        match self {
            Activity::Standing => Some(Posture::Standing),
            Activity::Seated => Some(Posture::Seated),
            Activity::Nobody => None,
        }
    }
}

/// Pictures that differ in nothing but the people's number, looks and places.
#[derive(Clone)]
pub struct Cell {
    pub subject: Arc<Subject>,
    /// The device, as files and figures call it.
    pub lens: String,
    pub height_m: f64,
    pub lux: f64,
    pub activity: Activity,
}

impl Cell {
    pub fn circumstances(&self) -> Circumstances {
        Circumstances { lux: self.lux, posture: self.activity.posture() }
    }

    /// A number for each cell, whatever others there are: the pictures of a cell are the same in every sweep.
    pub fn stream(&self) -> u64 {
        let Cell { subject, lens, height_m, lux, activity } = self;
        fingerprint(format!("{}|{lens}|{height_m}|{lux}|{}", subject.name, activity.name()).as_bytes())
    }
}

/// Cells, and how often each.
pub struct Plan {
    pub cells: Vec<Cell>,
    pub seeds: u64,
    pub first_seed: u64,
    /// Cells that cannot be, as words for people.
    pub left_out: Vec<String>,
}

impl Plan {
    pub fn pictures(&self) -> u64 {
        self.cells.len() as u64 * self.seeds
    }

    /// The cell and the seed of picture `index`.
    pub fn picture(&self, index: u64) -> (&Cell, u64) {
        (&self.cells[(index / self.seeds) as usize], self.first_seed.wrapping_add(index % self.seeds))
    }

    /// Adds a subject's cells; what does not fit below a ceiling, or has nobody to show, is left out.
    pub fn add(
        &mut self,
        target: &Target,
        heights_m: &[f64],
        lux: &[f64],
        activities: &[Activity],
    ) -> anyhow::Result<()> {
        let (own, _) = target.profile_for(target.own_height_m())?;
        let recommended: Vec<f64> = own.recommended.iter().map(|row| row.height_m).collect();
        let heights_m = if heights_m.is_empty() { &recommended } else { heights_m };
        for &height_m in heights_m {
            let (profile, lens) = target.profile_for(height_m)?;
            let name = &target.subject.name;
            let Some(subject) = target.subject.under(height_m) else {
                self.left_out.push(format!("{name} under {height_m} m: something of it does not fit below"));
                continue;
            };
            let subject = Arc::new(Subject { profile, ..subject });
            for &activity in activities {
                if activity == Activity::Seated && !target.has_chairs() {
                    self.left_out.push(format!("{name}, seated: there is no chair"));
                    continue;
                }
                for &lux in lux {
                    let (subject, lens) = (Arc::clone(&subject), lens.clone());
                    self.cells.push(Cell { subject, lens, height_m, lux, activity });
                }
            }
        }
        self.left_out.dedup();
        Ok(())
    }
}

/// A scene or scenario, and which device looks at it.
pub struct Target {
    subject: Subject,
    /// As asked for, or as the scenario has it; by height when neither.
    profile: Option<(Profile, String)>,
}

impl Target {
    /// A scene of the library by name, or the file of a scene or scenario; `lens` replaces what the scenario says.
    pub fn read(name: &str, lens: Option<&str>) -> anyhow::Result<Self> {
        let stated = lens.map(scene::lens).transpose()?;
        let path = Path::new(name);
        if scene::is_scenario(path) {
            let scenario = Scenario::read(path)?;
            let own = (scenario.profile.clone(), scenario.profile_name.clone());
            return Ok(Target { subject: Subject::of_scenario(&scenario), profile: Some(stated.unwrap_or(own)) });
        }
        let (name, scene) = scene::read(name)?;
        // Replaced by that of each height.
        let (any, _) = scene::lens("standard")?;
        Ok(Target { subject: Subject::of_scene(&name, scene, any), profile: stated })
    }

    pub fn name(&self) -> &str {
        &self.subject.name
    }

    fn own_height_m(&self) -> f64 {
        self.subject.scene.room.ceiling_m
    }

    fn has_chairs(&self) -> bool {
        self.subject.scene.furniture.iter().any(|piece| piece.piece == scenes::Piece::Chair)
    }

    fn profile_for(&self, height_m: f64) -> anyhow::Result<(Profile, String)> {
        match &self.profile {
            Some((profile, lens)) => Ok((profile.clone(), lens.clone())),
            None => scene::lens(if height_m >= HIGH_FROM_M { "high-ceiling" } else { "standard" }),
        }
    }

    /// Changes when the room or the device does.
    pub fn fingerprint(&self) -> u64 {
        let Subject { name, scene, profile, place, settings, looks } = &self.subject;
        let profile = self.profile.as_ref().map_or(profile, |(profile, _)| profile);
        let room = (&scene.room, &scene.light, &scene.furniture, &scene.doors);
        fingerprint(format!("{name} {room:?} {profile:?} {place:?} {settings:?} {looks:?}").as_bytes())
    }
}

/// The same on every machine and in every version, as Rust's own hashes are not.
pub fn fingerprint(bytes: &[u8]) -> u64 {
    let mut hasher = FnvHasher::default();
    hasher.write(bytes);
    hasher.finish()
}

/// Numbers, separated by commas, each in a range.
pub fn numbers(text: &str, range: std::ops::RangeInclusive<f64>) -> anyhow::Result<Vec<f64>> {
    let number = |part: &str| {
        let words = || format!("`{part}` is no number from {} to {}", range.start(), range.end());
        part.trim().parse::<f64>().ok().filter(|number| range.contains(number)).with_context(words)
    };
    let numbers = text.split(',').map(number).collect::<anyhow::Result<Vec<f64>>>()?;
    for (i, one) in numbers.iter().enumerate() {
        if numbers[..i].contains(one) {
            bail!("{one} is there twice");
        }
    }
    Ok(numbers)
}
