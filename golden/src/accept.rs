//! How a golden file comes to be: a run that differs, or has none yet, leaves `NAME.json.new` beside where the golden file
//! is or would be; a person looks at it and accepts it. Nothing here overwrites a golden file without being told to.
//!
//! Knows nothing of why a run differs.

use std::fs;
use std::path::{Path, PathBuf};

use crate::golden_file::{GoldenError, GoldenFile, file_error};

const NEW: &str = ".new";

/// Writes `NAME.json.new` into `folder`, which is made if it is not there, and says where.
pub fn write_new(folder: &Path, file: &GoldenFile) -> Result<PathBuf, GoldenError> {
    let path = with_new(&GoldenFile::path(folder, &file.scenario)?);
    fs::create_dir_all(folder).map_err(|source| file_error("create folder", folder, source))?;
    file.write(&path)?;
    Ok(path)
}

/// Takes away a `.new` that an earlier run left, now that the scenario holds.
pub fn remove_new(folder: &Path, scenario: &str) -> Result<(), GoldenError> {
    let path = with_new(&GoldenFile::path(folder, scenario)?);
    match fs::remove_file(&path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(file_error("remove", &path, source)),
        _ => Ok(()),
    }
}

/// Makes every `NAME.json.new` in the folder at `path` (not in folders below it), or the one file named with or without
/// `.new`, the golden file, and returns the golden files' paths in ascending order. All are read first; if one is no golden
/// file, none is accepted. A folder with nothing new is no error; a file without is.
pub fn accept(path: &Path) -> Result<Vec<PathBuf>, GoldenError> {
    let new = if path.is_dir() { new_files(path)? } else { vec![new_file(path)?] };
    for file in &new {
        let (read, golden) = (GoldenFile::read(file)?, without_new(file));
        if GoldenFile::path(golden.parent().unwrap_or(Path::new("")), &read.scenario)? != golden {
            return Err(GoldenError::Misnamed { path: file.clone(), scenario: read.scenario });
        }
    }
    let promote = |new: PathBuf| {
        let golden = without_new(&new);
        fs::rename(&new, &golden).map_err(|source| file_error("rename", &new, source))?;
        Ok(golden)
    };
    new.into_iter().map(promote).collect()
}

fn new_files(folder: &Path) -> Result<Vec<PathBuf>, GoldenError> {
    let reading = |source| file_error("read folder", folder, source);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(reading)? {
        let path = entry.map_err(reading)?.path();
        if path.is_file() && is_new(&path) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn new_file(path: &Path) -> Result<PathBuf, GoldenError> {
    let file = if is_new(path) { path.to_owned() } else { with_new(path) };
    if file.is_file() && is_new(&file) { Ok(file) } else { Err(GoldenError::NothingNew { path: path.to_owned() }) }
}

fn is_new(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".json.new")
}

fn with_new(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(NEW);
    PathBuf::from(name)
}

fn without_new(path: &Path) -> PathBuf {
    path.with_extension("")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden_file::VERSION;

    fn golden(scenario: &str) -> GoldenFile {
        GoldenFile { version: VERSION, scenario: scenario.into(), rules: Vec::new(), reports: Vec::new() }
    }

    #[test]
    fn what_is_new_is_accepted_once() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("golden");
        assert_eq!(write_new(&folder, &golden("b")).unwrap(), folder.join("b.json.new"));
        write_new(&folder, &golden("a.1")).unwrap();
        assert_eq!(GoldenFile::load(&folder, "b").unwrap(), None, "a run writes no golden file");
        assert_eq!(accept(&folder).unwrap(), [folder.join("a.1.json"), folder.join("b.json")]);
        assert_eq!(GoldenFile::load(&folder, "b").unwrap(), Some(golden("b")));
        assert_eq!(accept(&folder).unwrap(), [""; 0].map(PathBuf::from));
    }

    #[test]
    fn one_file_is_accepted_by_either_name_and_the_others_wait() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c"] {
            write_new(folder.path(), &golden(name)).unwrap();
        }
        let path = |name: &str| folder.path().join(name);
        assert_eq!(accept(&path("a.json")).unwrap(), [path("a.json")]);
        assert_eq!(accept(&path("b.json.new")).unwrap(), [path("b.json")]);
        assert!(path("c.json.new").exists() && !path("c.json").exists());
        assert!(matches!(accept(&path("a.json")), Err(GoldenError::NothingNew { .. })));
        assert!(matches!(accept(&path("nowhere")), Err(GoldenError::NothingNew { .. })));
    }

    #[test]
    fn nothing_is_accepted_when_one_file_is_broken() {
        let folder = tempfile::tempdir().unwrap();
        write_new(folder.path(), &golden("a")).unwrap();
        let broken = folder.path().join("b.json.new");
        fs::write(&broken, "{").unwrap();
        assert!(accept(folder.path()).unwrap_err().to_string().contains("b.json.new:1:"));
        assert!(!folder.path().join("a.json").exists());
        golden("other").write(&broken).unwrap();
        assert!(matches!(accept(folder.path()), Err(GoldenError::Misnamed { .. })));
        assert!(!folder.path().join("a.json").exists());
    }

    #[test]
    fn a_stale_new_file_can_be_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let new = write_new(folder.path(), &golden("a")).unwrap();
        remove_new(folder.path(), "a").unwrap();
        assert!(!new.exists());
        remove_new(folder.path(), "a").unwrap();
    }
}
