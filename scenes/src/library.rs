//! The scene library, embedded, so that the program finds it from any folder.

use include_dir::{Dir, include_dir};
use ron_file::{FileErrors, RonFile};

use crate::Scene;

static LIBRARY: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/library");

/// The library's scenes, sorted.
pub fn library_names() -> Vec<String> {
    let mut names: Vec<String> =
        LIBRARY.files().filter_map(|f| f.path().file_stem()?.to_str().map(str::to_owned)).collect();
    names.sort();
    names
}

impl Scene {
    /// A scene of the library by its name, `None` when there is none of that name.
    pub fn from_library(name: &str) -> Option<Result<Self, FileErrors>> {
        let text = LIBRARY.get_file(format!("{name}.ron"))?.contents_utf8()?;
        Some(Scene::from_file(&RonFile::embedded(format!("scenes/library/{name}.ron"), text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scene_of_the_library_holds() {
        assert!(library_names().contains(&"meeting-room".to_owned()));
        for name in library_names() {
            let scene = Scene::from_library(&name).expect("listed");
            if let Err(errors) = scene {
                panic!("{errors}");
            }
        }
    }
}
