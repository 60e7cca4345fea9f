//! Tests that lack a program of others skip themselves, and say so.

use std::io::Write;

/// Writes down why a test is not run, where `./twin test` collects it.
pub fn skip(why: &str) {
    println!("skipped: {why}");
    if let Some(list) = std::env::var_os("TWIN_SKIPPED_TESTS") {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(list);
        writeln!(file.expect("the list of skipped tests can be written"), "{why}").expect("and takes a line");
    }
}
