//! *Export Config File* and *Import Config File* (guide §5.4): a configuration as JSON that a person can read and edit. It is stored in the same form.
//!
//! It holds passwords and keys, as it must to be imported again.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Configuration;
use super::problem::Problem;

/// The version of the form; a file of a newer one is refused.
const VERSION: u64 = 1;

/// A configuration, and of which version of the form it is.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfigFile {
    version: u64,
    pub configuration: Configuration,
}

impl ConfigFile {
    pub fn new(configuration: Configuration) -> Self {
        ConfigFile { version: VERSION, configuration }
    }

    /// Whether this firmware can use it.
    pub fn is_usable(&self) -> bool {
        self.version == VERSION && self.configuration.validate().is_empty()
    }
}

impl Configuration {
    /// The configuration as a file.
    pub fn export(&self) -> String {
        let file = ConfigFile::new(self.clone());
        serde_json::to_string_pretty(&file).expect("text keys and finite numbers always serialise")
    }

    /// The configuration of an exported file. What a person left out is as it comes from the factory.
    ///
    /// # Errors
    /// All mistakes: each setting that cannot be what it says, then what is wrong between settings that can.
    pub fn import(text: &str) -> Result<Configuration, Vec<Problem>> {
        let problem = |path: &str, message: String| vec![Problem { path: path.to_owned(), message }];
        let mut file: Value = serde_json::from_str(text)
            .map_err(|error| problem("file", format!("must be an exported configuration: {error}")))?;
        match file.get("version").map(Value::as_u64) {
            Some(Some(VERSION)) => {}
            Some(Some(version)) if version > VERSION => {
                let message = format!("is {version}, of newer firmware; this firmware reads version {VERSION}");
                return Err(problem("version", message));
            }
            _ => return Err(problem("version", format!("must be {VERSION}"))),
        }
        let mut problems: Vec<Problem> = Vec::new();
        let mut faults = Faults::default();
        let configuration = loop {
            match serde_path_to_error::deserialize::<_, ConfigFile>(&file) {
                Ok(file) => break file.configuration,
                Err(error) => {
                    let steps: Vec<Step> = error.path().iter().filter_map(step).collect();
                    let message = error.inner().to_string();
                    match faults.take_out(&mut file, &steps) {
                        Taken::Fault { path } => problems.push(Problem { path, message }),
                        Taken::Consequence => {}
                        Taken::Nothing => return Err([problems, problem("configuration", message)].concat()),
                    }
                }
            }
        };
        let of_what_is_left = configuration.validate().into_iter();
        problems.extend(of_what_is_left.map(|found| Problem { path: faults.path_as_written(&found.path), ..found }));
        if problems.is_empty() { Ok(configuration) } else { Err(problems) }
    }
}

/// A step into a document.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    /// The name of a variant, which is not told.
    Variant(String),
    Index(usize),
}

fn step(segment: &serde_path_to_error::Segment) -> Option<Step> {
    match segment {
        serde_path_to_error::Segment::Map { key } => Some(Step::Key(key.clone())),
        serde_path_to_error::Segment::Seq { index } => Some(Step::Index(*index)),
        serde_path_to_error::Segment::Enum { variant } => Some(Step::Variant(variant.clone())),
        serde_path_to_error::Segment::Unknown => None,
    }
}

/// What was wrong is taken out of the document, so that what else is wrong can be found.
#[derive(Default)]
struct Faults {
    /// Where things were taken out, as the person wrote the document.
    taken: Vec<Vec<Step>>,
}

enum Taken {
    /// Something a person wrote, at this place.
    Fault { path: String },
    /// Something that is wrong only for what was taken out of it before.
    Consequence,
    /// There is nothing that could go.
    Nothing,
}

impl Faults {
    /// Takes out what is at the end of these steps, or the last of what holds it that can go.
    fn take_out(&mut self, file: &mut Value, steps: &[Step]) -> Taken {
        for depth in (1..=steps.len()).rev() {
            if is_taken_out(file, &steps[..depth]) {
                let place = self.as_written(&steps[..depth]);
                let is_consequence = self.taken.iter().any(|taken| taken.starts_with(&place));
                self.taken.push(place.clone());
                return if is_consequence { Taken::Consequence } else { Taken::Fault { path: words(&place) } };
            }
        }
        Taken::Nothing
    }

    /// The same place in the document as it was written: items of lists that were taken out count.
    fn as_written(&self, steps: &[Step]) -> Vec<Step> {
        let mut place: Vec<Step> = Vec::new();
        for step in steps {
            let Step::Index(index) = step else {
                place.push(step.clone());
                continue;
            };
            let index = self.index_as_written(*index, |list| *list == place);
            place.push(Step::Index(index));
        }
        place
    }

    /// The same for a place in words.
    fn path_as_written(&self, path: &str) -> String {
        let mut written = String::new();
        for (i, part) in path.split('[').enumerate() {
            match part.split_once(']').and_then(|(index, rest)| Some((index.parse().ok()?, rest))) {
                Some((index, rest)) if i > 0 => {
                    let index = self.index_as_written(index, |list| words(list) == written);
                    written.push_str(&format!("[{index}]{rest}"));
                }
                _ => written.push_str(part),
            }
        }
        written
    }

    /// Which item of a list it was before items were taken out of the list.
    fn index_as_written(&self, index: usize, is_the_list: impl Fn(&[Step]) -> bool) -> usize {
        let gone = self.taken.iter().filter_map(|taken| match taken.split_last()? {
            (Step::Index(index), list) if is_the_list(list) => Some(*index),
            _ => None,
        });
        let mut gone: Vec<usize> = gone.collect();
        gone.sort_unstable();
        gone.into_iter().fold(index, |index, gone| if gone <= index { index + 1 } else { index })
    }
}

fn is_taken_out(file: &mut Value, steps: &[Step]) -> bool {
    let Some((last, above)) = steps.split_last() else { return false };
    let parent = above.iter().try_fold(file, |value, step| match step {
        Step::Key(key) | Step::Variant(key) => value.get_mut(key),
        Step::Index(index) => value.get_mut(index),
    });
    match (parent, last) {
        (Some(Value::Object(settings)), Step::Key(key) | Step::Variant(key)) => settings.shift_remove(key).is_some(),
        (Some(Value::Array(items)), Step::Index(index)) if *index < items.len() => {
            items.remove(*index);
            true
        }
        _ => false,
    }
}

/// A place as people write it, without the file's own level.
fn words(place: &[Step]) -> String {
    let is_inside = place.len() > 1 && place[0] == Step::Key("configuration".to_owned());
    let parts = place.iter().skip(usize::from(is_inside)).map(|step| match step {
        Step::Key(key) => format!(".{key}"),
        Step::Variant(_) => String::new(),
        Step::Index(index) => format!("[{index}]"),
    });
    parts.collect::<String>().trim_start_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(change: impl Fn(&mut Value)) -> Vec<String> {
        let mut file: Value = serde_json::from_str(&Configuration::default().export()).expect("JSON");
        change(&mut file);
        let imported = Configuration::import(&file.to_string());
        imported.expect_err("a mistake").iter().map(Problem::to_string).collect()
    }

    #[test]
    fn what_is_exported_is_imported_to_the_last_bit() {
        let mut configuration = Configuration::default();
        configuration.mounting.height_m = Some(0.1 + 2.7);
        configuration.device.name = "Büro \"3\"".to_owned();
        assert_eq!(Configuration::import(&configuration.export()), Ok(configuration));
    }

    #[test]
    fn what_is_left_out_is_the_default() {
        let imported = Configuration::import(r#"{"version": 1, "configuration": {"device": {"name": "x"}}}"#);
        let mut expected = Configuration::default();
        expected.device.name = "x".to_owned();
        assert_eq!(imported, Ok(expected));
    }

    #[test]
    fn every_mistake_is_named_by_its_path() {
        let found = mistakes(|file| {
            let configuration = &mut file["configuration"];
            configuration["time_zone"] = "Mars/Olympus".into();
            configuration["device"]["mac"] = "24:E1".into();
            configuration["device"]["colour"] = "white".into();
            configuration["mounting"]["height_m"] = 0.2.into();
            configuration["region_people_counting"]["report_regularly"] =
                serde_json::json!({"FromNowOn": {"interval_s": 4}});
            configuration["privacy_mask"]["masks"] = serde_json::json!([
                {"name": "a", "polygon": [[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]]},
                {"name": "b", "polygon": [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]},
                {"name": "c", "polygon": [[0.1, 0.1], [0.9, 0.9]]},
            ]);
        });
        insta::assert_snapshot!(found.join("\n"));
    }

    #[test]
    fn what_is_wrong_between_items_is_named_by_the_items_as_they_were_written() {
        let found = mistakes(|file| {
            let region = |id: u32, corners: &[[f64; 2]]| serde_json::json!({"id": id, "name": "r", "polygon": corners});
            let triangle = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]];
            file["configuration"]["region_people_counting"]["detection_region"]["regions"] =
                serde_json::json!([region(1, &triangle[..2]), region(2, &triangle), region(2, &triangle)]);
        });
        let paths: Vec<&str> = found.iter().filter_map(|problem| problem.split(": ").next()).collect();
        let regions = "region_people_counting.detection_region.regions";
        assert_eq!(paths, [format!("{regions}[0].polygon"), format!("{regions}[2].id")]);
    }

    #[test]
    fn what_is_no_file_of_ours_is_refused() {
        let refused = |text: &str| Configuration::import(text).expect_err("refused")[0].to_string();
        assert!(refused("").starts_with("file: must be an exported configuration"));
        assert_eq!(refused("{}"), "version: must be 1");
        assert!(refused(r#"{"version": 2, "configuration": {}}"#).contains("newer firmware"));
        assert_eq!(
            mistakes(|file| file["more"] = 1.into()),
            ["more: unknown field `more`, expected `version` or `configuration`"]
        );
        assert!(refused(r#"{"version": 1}"#).contains("configuration"));
    }
}
