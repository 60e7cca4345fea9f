//! Where a value stands in a report: `device_info.device_sn`, or `dwell_time_data[*].dwell_start_time` for every element.
//!
//! Knows nothing of what the values mean.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A dotted path with `[*]` for every element of an array.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FieldPath(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Key(String),
    EveryElement,
}

/// Text that is no field path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no field path: write keys with dots between them and [*] for every element, such as {EXAMPLE}")]
pub struct FieldPathError {
    text: String,
}

const EXAMPLE: &str = "device_info.device_sn or dwell_time_data[*].dwell_start_time";

impl FieldPath {
    /// Calls `visit` with every value at this path, and with its own path, elements numbered.
    pub fn visit_mut(&self, document: &mut Value, visit: &mut dyn FnMut(&str, &mut Value)) {
        descend(&self.0, document, String::new(), visit);
    }
}

fn descend(path: &[Segment], value: &mut Value, place: String, visit: &mut dyn FnMut(&str, &mut Value)) {
    match path {
        [] => visit(&place, value),
        [Segment::Key(key), rest @ ..] => {
            if let Some(inner) = value.get_mut(key.as_str()) {
                descend(rest, inner, child_place(&place, key), visit);
            }
        }
        [Segment::EveryElement, rest @ ..] => {
            for (i, inner) in value.as_array_mut().into_iter().flatten().enumerate() {
                descend(rest, inner, format!("{place}[{i}]"), visit);
            }
        }
    }
}

/// The path of the value under `key` in the object at `place`.
pub(crate) fn child_place(place: &str, key: &str) -> String {
    if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") }
}

impl FromStr for FieldPath {
    type Err = FieldPathError;

    fn from_str(text: &str) -> Result<FieldPath, FieldPathError> {
        let mut segments = Vec::new();
        for part in text.split('.') {
            let key = part.trim_end_matches("[*]");
            let elements = (part.len() - key.len()) / "[*]".len();
            if key.is_empty() || !key.chars().all(|c| c.is_alphanumeric() || "_- ".contains(c)) {
                return Err(FieldPathError { text: text.to_owned() });
            }
            segments.push(Segment::Key(key.to_owned()));
            segments.extend(std::iter::repeat_n(Segment::EveryElement, elements));
        }
        Ok(FieldPath(segments))
    }
}

impl TryFrom<String> for FieldPath {
    type Error = FieldPathError;

    fn try_from(text: String) -> Result<FieldPath, FieldPathError> {
        text.parse()
    }
}

impl From<FieldPath> for String {
    fn from(path: FieldPath) -> String {
        path.to_string()
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::EveryElement => write!(f, "[*]")?,
                Segment::Key(key) if i == 0 => write!(f, "{key}")?,
                Segment::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_reads_back_as_written_and_a_malformed_one_is_refused() {
        for text in ["event", "device_info.device_sn", "dwell_time_data[*].region", "grid[*][*]"] {
            assert_eq!(text.parse::<FieldPath>().unwrap().to_string(), text);
        }
        for text in ["", ".event", "device_info.", "a..b", "[*]", "a[0]", "a[*", "a[*]b", "a,b"] {
            assert!(text.parse::<FieldPath>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn every_element_is_visited_under_its_own_number() {
        let mut document = json!({"data": [{"at": 1}, {"other": 2}, {"at": 3}]});
        let mut seen = Vec::new();
        let path: FieldPath = "data[*].at".parse().unwrap();
        path.visit_mut(&mut document, &mut |place, value| seen.push((place.to_owned(), value.clone())));
        assert_eq!(seen, [("data[0].at".to_owned(), json!(1)), ("data[2].at".to_owned(), json!(3))]);
    }
}
