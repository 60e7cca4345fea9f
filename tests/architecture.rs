//! The crates depend on one another in one direction, and only one of them knows the renderer.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Which crates of ours a crate may use. What is not listed it must not.
const MAY_USE: [(&str, &[&str]); 9] = [
    ("ron-file", &[]),
    ("firmware-shim", &[]),
    ("golden", &[]),
    ("device-model", &["firmware-shim", "ron-file"]),
    ("analytics", &["firmware-shim"]),
    ("firmware", &["analytics", "firmware-shim"]),
    ("scenes", &["ron-file"]),
    ("scenarios", &["analytics", "device-model", "firmware", "firmware-shim", "golden", "ron-file", "scenes"]),
    ("sim", &["analytics", "device-model", "firmware", "firmware-shim", "golden", "ron-file", "scenarios", "scenes"]),
];

/// Crates of others that only one of ours may know.
const ONLY: [(&str, &str); 7] = [
    ("bevy", "sim"),
    ("egui", "sim"),
    ("wgpu", "sim"),
    ("clap", "sim"),
    ("axum", "golden"),
    ("rumqttd", "golden"),
    ("ort", "analytics"),
];

/// What each crate of ours uses when it is built, tests aside.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--manifest-path", manifest])
        .output()
        .expect("cargo starts");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    let name = |value: &Value| value["name"].as_str().expect("a name").to_owned();
    let list = |value: &Value, key: &str| value[key].as_array().expect("a list").clone();
    let used = |package: &Value| {
        let dependencies = list(package, "dependencies");
        dependencies.iter().filter(|dependency| dependency["kind"] != "dev").map(name).collect()
    };
    list(&metadata, "packages").iter().map(|package| (name(package), used(package))).collect()
}

#[test]
fn crates_depend_on_one_another_one_way() {
    let dependencies = dependencies();
    let known: BTreeSet<&str> = MAY_USE.iter().map(|(name, _)| *name).collect();
    let present: BTreeSet<&str> = dependencies.keys().map(String::as_str).collect();
    assert_eq!(present, known, "a crate came or went: say here what it may use");
    for (name, may_use) in MAY_USE {
        for used in dependencies[name].iter().filter(|used| known.contains(used.as_str())) {
            assert!(may_use.contains(&used.as_str()), "{name} must not use {used}");
        }
    }
}

#[test]
fn some_crates_are_known_in_one_place_only() {
    for (name, used) in dependencies() {
        for (outside, owner) in ONLY {
            let uses = used.iter().any(|used| used == outside || used.starts_with(&format!("{outside}_")));
            assert!(!uses || name == owner, "{name} must not know {outside}, only {owner} does");
        }
    }
}
