//! Reading RON files that people write, with errors that name file, line and field.
//!
//! A file is read into a [`RonFile`], parsed into any type with [`RonFile::parse`], and judged by whoever owns that type;
//! what the judge finds becomes a [`FileError`] with [`RonFile::problem`], which looks up where the field stands in the text.
//! Fields may be optional without `Some(…)` and newtypes are written as what they wrap.
//!
//! This crate does not know what any file means, where libraries of files live, or how errors are shown.

mod error;
mod explain;
mod file;
mod locate;

pub use error::{FileError, FileErrors};
pub use explain::alternatives;
pub use file::RonFile;
