//! A file of RON text and the three things done with it: reading, parsing, and pointing at a field.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use ron::extensions::Extensions;
use ron::ser::PrettyConfig;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::locate::{Step, dotted, locate, steps};
use crate::{FileError, explain};

/// The text of a RON file and the name it goes by in messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RonFile {
    /// A path, or for an embedded file something like `library:meeting-room`.
    pub name: String,
    /// The contents.
    pub text: String,
}

pub(crate) fn options() -> ron::Options {
    ron::Options::default().with_default_extension(Extensions::IMPLICIT_SOME | Extensions::UNWRAP_NEWTYPES)
}

impl RonFile {
    /// Reads a file.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let unreadable =
            |message: String| FileError { file: name.clone(), line: None, column: None, field: String::new(), message };
        if path.is_dir() {
            return Err(unreadable("is a folder, expected a RON file".to_owned()));
        }
        let bytes = fs::read(path).map_err(|error| {
            unreadable(match error.kind() {
                ErrorKind::NotFound => "no such file".to_owned(),
                ErrorKind::PermissionDenied => "permission to read the file is denied".to_owned(),
                _ => format!("failed to read: {error}"),
            })
        })?;
        match String::from_utf8(bytes) {
            Ok(mut text) => {
                // Some editors begin a file with a byte order mark.
                if text.starts_with('\u{feff}') {
                    text.remove(0);
                }
                Ok(RonFile { name, text })
            }
            Err(error) => {
                let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                let line = 1 + valid.iter().filter(|&&byte| byte == b'\n').count();
                Err(FileError { line: Some(line), ..unreadable("is not UTF-8 text, expected a RON file".to_owned()) })
            }
        }
    }

    /// A file that came with the program.
    pub fn embedded(name: impl Into<String>, text: impl Into<String>) -> Self {
        RonFile { name: name.into(), text: text.into() }
    }

    /// The text of a file that describes a value: [`parse`](Self::parse) gives it back.
    pub fn written<T: Serialize>(value: &T) -> String {
        let pretty = PrettyConfig::new().indentor("    ").compact_arrays(true);
        let text = options().to_string_pretty(value, pretty);
        text.expect("what can be read from RON can be written") + "\n"
    }

    /// The value the file describes.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, FileError> {
        let options = options();
        let mut track = serde_path_to_error::Track::new();
        let mut parser = ron::Deserializer::from_str_with_options(&self.text, &options)
            .map_err(|error| self.parse_error(&error, &[]))?;
        let value = T::deserialize(serde_path_to_error::Deserializer::new(&mut parser, &mut track));
        let value = value.map_err(|code| {
            let path = path_steps(&track.path());
            self.parse_error(&parser.span_error(code), &path)
        })?;
        parser.end().map_err(|code| self.parse_error(&parser.span_error(code), &[]))?;
        Ok(value)
    }

    /// A problem found after parsing, at the field's place in the text. The path is dotted, `people[2].does[1].to`; a
    /// variant's contents are reached without its name. A field that is not in the text because it has a default is
    /// pointed at by its nearest ancestor.
    pub fn problem(&self, path: &str, message: impl Into<String>) -> FileError {
        let at = locate(&options(), &self.text, &steps(path));
        FileError {
            file: self.name.clone(),
            line: at.map(|at| at.line),
            column: at.map(|at| at.col),
            field: path.to_owned(),
            message: message.into(),
        }
    }

    fn parse_error(&self, error: &ron::error::SpannedError, path: &[Step]) -> FileError {
        let explanation = explain::explain(error, &self.text);
        let at = if explanation.about_value { locate(&options(), &self.text, path) } else { None };
        let at = at.unwrap_or(explanation.at);
        let mut path = path.to_vec();
        if let Some(key) = explanation.key
            && path.last() != Some(&Step::Key(key.clone()))
        {
            path.push(Step::Key(key));
        }
        FileError {
            file: self.name.clone(),
            line: Some(at.line),
            column: Some(at.col),
            field: dotted(&path),
            message: explanation.message,
        }
    }
}

/// The steps serde took, without variants' names: [`locate`](crate::locate) sees through those.
fn path_steps(path: &serde_path_to_error::Path) -> Vec<Step> {
    use serde_path_to_error::Segment;
    let step = |segment: &Segment| match segment {
        Segment::Seq { index } => Some(Step::Index(*index)),
        Segment::Map { key } => Some(Step::Key(key.clone())),
        Segment::Enum { .. } | Segment::Unknown => None,
    };
    path.iter().filter_map(step).collect()
}
