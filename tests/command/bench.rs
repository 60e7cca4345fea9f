//! The program in a folder of its own, and what it said.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// A folder somewhere outside the repository, with the files a test puts there.
pub struct Bench {
    folder: TempDir,
}

/// What a command did.
pub struct Done {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Bench {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        // A repository of its own: golden files are not looked for above it, wherever temporary folders are.
        fs::create_dir(folder.path().join(".git")).expect("a folder in it");
        Bench { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn put(&self, name: &str, text: &str) -> &Self {
        fs::create_dir_all(self.path(name).parent().expect("a file has a folder")).unwrap();
        fs::write(self.path(name), text).unwrap();
        self
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).expect("JSON")
    }

    /// Runs `twin` in the folder.
    pub fn twin(&self, arguments: &[&str]) -> Done {
        self.twin_with(arguments, &[])
    }

    pub fn twin_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Done {
        let output = Command::new(env!("CARGO_BIN_EXE_twin"))
            .args(arguments)
            .envs(environment.iter().copied())
            .current_dir(self.folder.path())
            .output()
            .expect("twin starts");
        Done {
            code: output.status.code().expect("twin ends by itself"),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs scenarios in the oracle lane.
    pub fn oracle(&self, arguments: &[&str]) -> Done {
        self.twin(&[&["run", "--lane", "oracle"], arguments].concat())
    }
}

impl Done {
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Standard error names all of this, and nothing panicked.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is not in:\n{}", self.stderr);
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }
}

/// What arrived in a run that was kept in `folder`, in order: to whom (`POST http://…` or `MQTT …`), and the document.
pub fn arrivals(folder: &Path) -> Vec<(String, Value)> {
    let transcript = fs::read_to_string(folder.join("transcript.txt")).expect("a transcript");
    let told = transcript.lines().filter_map(|line| line.split_once(" s wire: ")?.1.rsplit_once(": "));
    let recipients: Vec<&str> = told.map(|(recipient, _bytes)| recipient).collect();
    let reports = fs::read_dir(folder.join("reports")).expect("reports");
    let mut reports: Vec<PathBuf> = reports.map(|report| report.expect("a report").path()).collect();
    reports.sort();
    assert_eq!(recipients.len(), reports.len(), "the transcript tells of every report");
    let document = |path: &PathBuf| serde_json::from_slice(&fs::read(path).expect("a report")).expect("JSON");
    recipients.into_iter().zip(&reports).map(|(to, path)| (to.to_owned(), document(path))).collect()
}

/// Replaces text that must be there.
#[track_caller]
pub fn edit(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "`{from}` is not there to be edited");
    text.replacen(from, to, 1)
}
