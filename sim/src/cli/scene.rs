//! Scenes as people name them on the command line.

use std::path::Path;
use std::sync::Arc;

use anyhow::{anyhow, bail};
use device_model::Profile;
use ron_file::RonFile;
use scenes::{Scene, no_such_scene};

/// A scene of the library by name, or of a .ron file; with the name to show.
pub fn read(name: &str) -> anyhow::Result<(String, Arc<Scene>)> {
    if !Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ron")) {
        let found = Scene::from_library(name).ok_or_else(|| anyhow!(no_such_scene(name)))?;
        return Ok((name.to_owned(), Arc::new(found?)));
    }
    let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok((stem, Arc::new(Scene::from_file(&RonFile::read(Path::new(name))?)?)))
}

/// Seconds after a scene's start, as an argument.
pub fn seconds(text: &str) -> Result<f64, String> {
    let parsed = text.parse::<f64>().ok().filter(|seconds| (0.0..=1e6).contains(seconds));
    parsed.ok_or_else(|| "write seconds from 0 to 1,000,000".to_owned())
}

/// Which of the two a file is, its fields tell; the messages are those of what it is nearer to.
pub fn is_scenario(path: &Path) -> bool {
    std::fs::read_to_string(path).is_ok_and(|text| text.contains("duration_s"))
}

/// A device of the library by its lens (`standard`, `high-ceiling`) or its whole name, with the name to show.
pub fn lens(lens: &str) -> anyhow::Result<(Profile, String)> {
    let names = Profile::library_names();
    let short = |name: &str| name.strip_prefix("vs121-p-").unwrap_or(name).to_owned();
    match names.iter().find(|name| *name == lens || short(name) == lens) {
        Some(name) => Ok((Profile::library(name)?, short(name))),
        None => {
            let known: Vec<String> = names.iter().map(|name| short(name)).collect();
            bail!("there is no lens `{lens}`: expected {}", known.join(" or "))
        }
    }
}
