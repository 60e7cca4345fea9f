//! The scene library, embedded, so that the program finds it from any folder.

use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use ron_file::{FileErrors, RonFile, alternatives};

use crate::scene::scripted_people;
use crate::{Body, Scene};

static LIBRARY: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/library");

/// The library's scenes, sorted.
pub fn library_names() -> Vec<String> {
    let mut names: Vec<String> =
        LIBRARY.files().filter_map(|f| f.path().file_stem()?.to_str().map(str::to_owned)).collect();
    names.sort();
    names
}

/// What is wrong with a name that no scene of the library has.
pub fn no_such_scene(name: &str) -> String {
    let names = library_names();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    format!("the library has no scene `{name}`{}; or name a .ron file", alternatives(name, &names))
}

impl Scene {
    /// A scene of the library by its name, `None` when there is none of that name.
    pub fn from_library(name: &str) -> Option<Result<Self, FileErrors>> {
        file(name).map(|file| Scene::from_file(&file))
    }
}

fn file(name: &str) -> Option<RonFile> {
    let text = LIBRARY.get_file(format!("{name}.ron"))?.contents_utf8()?;
    Some(RonFile::embedded(format!("scenes/library/{name}.ron"), text))
}

/// Everybody's looks who is scripted in the library: detectors are judged on them and so never trained on them.
pub(crate) fn library_looks() -> &'static [Body] {
    static LOOKS: LazyLock<Vec<Body>> = LazyLock::new(|| {
        let people = |name: String| {
            scripted_people(&file(&name).expect("listed")).expect("the library's files are read in tests")
        };
        library_names().into_iter().flat_map(people).map(|person| person.body).collect()
    });
    &LOOKS
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
