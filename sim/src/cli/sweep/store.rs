//! What was seen in each picture, as a file of JSON lines: the first says what was asked for, each further one is a picture. A sweep that
//! was cut short goes on where its file ends; the files of parts add up to that of the whole.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use analytics::metrics::TrueBox;
use analytics::{Detection, Posture};
use anyhow::{Context, bail};
use firmware_shim::Lens;
use glam::DVec2;
use scenarios::SamplePerson;
use serde::{Deserialize, Serialize};

use crate::cli::dataset::Partition;
use crate::cli::tally::{Match, Seen};

/// The file of a whole sweep.
pub const WHOLE: &str = "pictures.jsonl";

/// What was asked for. Two files belong together when theirs are the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// As given.
    pub targets: Vec<String>,
    pub lens: Option<String>,
    pub heights_m: Vec<f64>,
    pub lux: Vec<f64>,
    pub activities: Vec<super::plan::Activity>,
    pub seeds: u64,
    pub first_seed: u64,
    /// The model's name, and a number that changes with it.
    pub model: String,
    pub model_fingerprint: u64,
    pub threshold: f64,
    /// A number that changes with rooms and devices.
    pub fingerprint: u64,
}

/// A picture: who was there, and what was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    pub index: u64,
    pub people: Vec<Person>,
    pub found: Vec<Found>,
}

/// Somebody who was there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// Left, top, right and bottom, as far as it is in the picture, px.
    #[serde(rename = "box")]
    pub corners: [f64; 4],
    /// Hardly to be seen.
    pub ignored: bool,
    pub seated: bool,
}

/// Somebody who was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    #[serde(rename = "box")]
    pub corners: [f64; 4],
    pub confidence: f64,
    pub seated: bool,
}

impl Picture {
    pub fn new(index: u64, lens: &Lens, people: &[SamplePerson], found: &[Detection]) -> Self {
        let people = people.iter().filter_map(|person| Person::new(person, lens));
        let found = found.iter().map(|seen| Found {
            corners: corners(seen.box_min_px, seen.box_max_px),
            confidence: (seen.confidence * 1e5).round() / 1e5,
            seated: seen.posture == Posture::Seated,
        });
        Picture { index, people: people.collect(), found: found.collect() }
    }

    /// What a detector with this threshold made of it.
    pub fn judged(&self, threshold: f64) -> Seen {
        let split = |[left, top, right, bottom]: [f64; 4]| (DVec2::new(left, top), DVec2::new(right, bottom));
        let truth = self.people.iter().map(|person| {
            let (min, max) = split(person.corners);
            TrueBox { min, max, ignored: person.ignored }
        });
        let found = self.found.iter().map(|seen| {
            let (min, max) = split(seen.corners);
            (seen.confidence, min, max)
        });
        let mate = |found: usize, owner: usize| Match {
            posture_is_right: Some(self.found[found].seated == self.people[owner].seated),
            head_off_px: None,
        };
        Seen::new(&truth.collect::<Vec<_>>(), &found.collect::<Vec<_>>(), threshold, &mate)
    }
}

impl Person {
    /// `None` when nothing of the person's box is in the picture.
    fn new(person: &SamplePerson, lens: &Lens) -> Option<Self> {
        let size = DVec2::new(f64::from(lens.width), f64::from(lens.height));
        let (min, max) = person.person.box_px?;
        let (min, max) = (min.clamp(DVec2::ZERO, size), max.clamp(DVec2::ZERO, size));
        let seated = person.person.posture == Posture::Seated;
        (min.cmplt(max).all()).then(|| Person { corners: corners(min, max), ignored: person.ignored, seated })
    }
}

/// To a hundredth of a pixel.
fn corners(min: DVec2, max: DVec2) -> [f64; 4] {
    [min.x, min.y, max.x, max.y].map(|value| (value * 100.0).round() / 100.0)
}

/// The file of a part, or of the whole.
pub fn path(folder: &Path, partition: Option<Partition>) -> PathBuf {
    match partition {
        Some(Partition { part, parts }) => folder.join(format!("pictures-{part}of{parts}.jsonl")),
        None => folder.join(WHOLE),
    }
}

/// A file that pictures are added to.
pub struct Store {
    file: File,
    path: PathBuf,
    /// Pictures it holds.
    pub done: u64,
}

impl Store {
    /// Begins a file of the pictures `wanted`, or goes on with one that was begun for the same; a last line that was cut off is taken away.
    pub fn open(path: &Path, header: &Header, wanted: &Range<u64>) -> anyhow::Result<Self> {
        let first = serde_json::to_string(header)?;
        let write = || format!("failed to write {}", path.display());
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).with_context(write)?;
        // Two programs that write one file would spoil it.
        file.try_lock().with_context(|| format!("{} is being written by another program", path.display()))?;
        let mut text = String::new();
        file.read_to_string(&mut text).with_context(|| format!("failed to read {}", path.display()))?;
        let whole_lines = text.rfind('\n').map_or(0, |last| last + 1);
        let mut lines = text[..whole_lines].lines();
        let mut done = 0;
        match lines.next() {
            None => {
                file.set_len(0).with_context(write)?;
                writeln!(file, "{first}").with_context(write)?;
            }
            Some(line) if line == first => {
                for (number, line) in lines.enumerate() {
                    let index = parse(path, number + 1, line)?.index;
                    if index != wanted.start + number as u64 || index >= wanted.end {
                        let (name, line) = (path.display(), number + 2);
                        bail!("{name}:{line}: picture {index} is not the next one: delete the file");
                    }
                    done += 1;
                }
                file.set_len(whole_lines as u64).with_context(write)?;
            }
            Some(_) => bail!(
                "{} is of another sweep (other arguments, model or rooms): choose another folder, or delete it",
                path.display()
            ),
        }
        Ok(Store { file, path: path.to_owned(), done })
    }

    /// Adds the next picture.
    pub fn add(&mut self, picture: &Picture) -> anyhow::Result<()> {
        // In one piece, so that whoever stops the program cuts off at most one line.
        let line = serde_json::to_string(picture)? + "\n";
        self.done += 1;
        self.file.write_all(line.as_bytes()).with_context(|| format!("failed to write {}", self.path.display()))
    }
}

/// Line `number` of a file, from 0.
fn parse(path: &Path, number: usize, line: &str) -> anyhow::Result<Picture> {
    serde_json::from_str(line).with_context(|| format!("{}:{}: this is no line of a sweep", path.display(), number + 1))
}

/// A file's pictures, and what they were asked for with.
pub fn read(path: &Path) -> anyhow::Result<(Header, Vec<Picture>)> {
    let file = File::open(path).with_context(|| format!("failed to read {}", path.display()))?;
    let mut header = None;
    let mut pictures = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let line = line.with_context(|| format!("failed to read {}", path.display()))?;
        match header {
            None => {
                let words = || format!("{}:1: this is no line of a sweep", path.display());
                header = Some(serde_json::from_str(&line).with_context(words)?);
            }
            Some(_) => pictures.push(parse(path, number, &line)?),
        }
    }
    Ok((header.with_context(|| format!("{} is empty", path.display()))?, pictures))
}

/// Puts the files of all parts together into that of the whole, byte for byte what it would be had it not been divided.
pub fn merge(
    files: &[PathBuf],
    into: &Path,
    pictures: impl Fn(&Header) -> anyhow::Result<u64>,
) -> anyhow::Result<Header> {
    let Some((first, others)) = files.split_first() else { bail!("there is nothing to merge") };
    let (header, mut all) = read(first)?;
    for file in others {
        let (other, pictures) = read(file)?;
        if other != header {
            bail!("{} and {} are of different sweeps", first.display(), file.display());
        }
        all.extend(pictures);
    }
    all.sort_by_key(|picture| picture.index);
    if let Some(pair) = all.windows(2).find(|pair| pair[0].index == pair[1].index) {
        bail!("picture {} is there twice: name each part once", pair[0].index);
    }
    let wanted = pictures(&header)?;
    if let Some(beyond) = all.iter().find(|picture| picture.index >= wanted) {
        bail!("picture {} is beyond the {wanted} of the sweep", beyond.index);
    }
    let have = all.iter().map(|picture| picture.index);
    if let Some(missing) = (0..wanted).zip(have.chain(std::iter::repeat(u64::MAX))).find(|(i, index)| i != index) {
        bail!("{} of {wanted} pictures are there; the first that is missing is {}", all.len(), missing.0);
    }
    let write = || format!("failed to write {}", into.display());
    let mut text = serde_json::to_string(&header)? + "\n";
    for picture in &all {
        text += &(serde_json::to_string(picture)? + "\n");
    }
    fs::write(into, text).with_context(write)?;
    Ok(header)
}
