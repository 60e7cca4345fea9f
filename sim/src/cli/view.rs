//! `twin view`: the window.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use device_model::Profile;
use glam::DVec2;
use ron_file::RonFile;
use scenarios::Scenario;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::run::{LaneName, check_picture_size};
use super::scene;
use crate::view::{self, Eye};

/// Watch a scenario run in a window, and interfere: press buttons, cut power, change the light, step through it frame by frame.
///
/// What is done by hand can be saved as a scenario that `twin run` takes, and gives the same reports there.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  twin view                                       # the meeting room of the library
  twin view scenarios/library/corridor-staff.ron
  twin view lobby                                 # a scene of the library: a sensor hangs over its middle
  twin view my-office.ron --lane oracle

Press ? in the window for what the keyboard does.")]
pub struct Args {
    /// A scenario (.ron file), or a scene of the library by name or as a .ron file; without, the library's scenario meeting-room.
    #[arg(value_name = "SCENE|SCENARIO")]
    what: Option<String>,
    /// rendered: light, sensor, network. oracle: no pixels, the detector knows the truth, and the picture is a drawing.
    #[arg(long, value_enum, default_value_t = LaneName::Rendered)]
    lane: LaneName,
    /// Another model than the built-in one (contract: analytics/MODEL.md).
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

/// What a scene without a scenario is watched by, and for how long, s.
const SCENE_PROFILE: &str = "vs121-p-standard";
const SCENE_S: f64 = 300.0;

/// What one sees who names nothing.
const FIRST: &str = include_str!("../../../scenarios/library/meeting-room.ron");

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.lane == LaneName::Oracle && args.model.is_some() {
        bail!("--model has no use in the oracle lane, which has no pixels");
    }
    let scenario = find(args.what.as_deref())?;
    let eye = match args.lane {
        LaneName::Rendered if !scenario.oracle_only => {
            check_picture_size(&scenario)?;
            Eye::Rendered(args.model.clone())
        }
        LaneName::Rendered | LaneName::Oracle => Eye::Oracle,
    };
    view::open(scenario, eye)?;
    Ok(ExitCode::SUCCESS)
}

/// What a file is: a scene has a room, a scenario has a scene.
#[derive(Deserialize)]
struct Kind {
    room: Option<IgnoredAny>,
}

/// The scenario that is meant, or one made around the scene that is.
fn find(what: Option<&str>) -> anyhow::Result<Scenario> {
    let Some(name) = what else {
        let path = Path::new("meeting-room.ron");
        return Ok(Scenario::from_file(RonFile::embedded("library:meeting-room", FIRST), path)?);
    };
    let is_file = Path::new(name).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("ron"));
    if is_file {
        // One that cannot be parsed is explained by whoever reads scenarios.
        let kind = RonFile::read(name)?.parse::<Kind>().ok();
        if kind.is_none_or(|kind| kind.room.is_none()) {
            return Ok(Scenario::read(Path::new(name))?);
        }
    }
    let (stem, scene) = scene::read(name)?;
    let (x, y) = scene.room.size_m;
    let profile = Profile::library(SCENE_PROFILE)?;
    let scenario = Scenario::watching(&stem, scene, profile, SCENE_PROFILE, DVec2::new(x, y) / 2.0, SCENE_S);
    let scene_reference = match is_file {
        true => std::path::absolute(name).unwrap_or_else(|_| PathBuf::from(name)).display().to_string(),
        false => name.to_owned(),
    };
    Ok(Scenario { scene_reference, ..scenario })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_a_scene_and_a_scenario_are_told_apart() {
        let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let found = |what: Option<&str>| find(what).unwrap_or_else(|error| panic!("{error:#}"));
        let first = found(None);
        assert_eq!((first.name.as_str(), first.recipients.len()), ("meeting-room", 1));

        let scene = found(Some("corridor"));
        assert_eq!((scene.name.as_str(), scene.recipients.len()), ("corridor", 0));
        let (x, y) = scene.scene.room.size_m;
        assert_eq!(scene.sensor_at, DVec2::new(x, y) / 2.0);

        let file = |path: &str| library.join(path).display().to_string();
        let scene_file = file("scenes/library/corridor.ron");
        assert_eq!(
            found(Some(&scene_file)).scene_reference,
            std::path::absolute(&scene_file).unwrap().display().to_string()
        );
        assert_eq!(found(Some(&file("scenarios/library/corridor-staff.ron"))).name, "corridor-staff");

        let nothing = find(Some("no-such-room")).map(|_| ()).expect_err("there is none");
        assert!(format!("{nothing:#}").contains("meeting-room"), "it names those there are: {nothing:#}");
        let nothing = find(Some("no-such-file.ron")).map(|_| ()).expect_err("there is none");
        assert!(format!("{nothing:#}").contains("no such file"), "{nothing:#}");
    }
}
