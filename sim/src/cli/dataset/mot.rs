//! MOTChallenge's format for sequences: who is where, frame by frame.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context;
use glam::DVec2;
use scenarios::{Sample, Scenario};

/// Less than can be written is nothing.
const LEAST_PX: f64 = 0.01;

/// Ground truth in the making.
#[derive(Default)]
pub(super) struct Tracks {
    lines: String,
    frames: u64,
    size: (u32, u32),
}

impl Tracks {
    /// Adds frame `number`, from 1.
    pub fn add(&mut self, number: u64, sample: &Sample) {
        self.frames = number;
        self.size = (sample.image.width, sample.image.height);
        for person in &sample.people {
            let Some(whole) = person.person.box_px else { continue };
            // What is in the picture, as in the other format and in what a detector tells.
            let size = DVec2::new(f64::from(self.size.0), f64::from(self.size.1));
            let [min, max] = [whole.0, whole.1].map(|corner| corner.clamp(DVec2::ZERO, size));
            if (max - min).min_element() < LEAST_PX {
                continue;
            }
            // Frame, identity, box, whether to consider it, class (1: pedestrian), visible fraction.
            let (identity, consider) = (person.person.index + 1, u8::from(!person.ignored));
            let _ = writeln!(
                self.lines,
                "{number},{identity},{:.2},{:.2},{:.2},{:.2},{consider},1,{:.2}",
                min.x,
                min.y,
                max.x - min.x,
                max.y - min.y,
                person.person.visible
            );
        }
    }

    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Writes `gt/gt.txt` and `seqinfo.ini`.
    pub fn write(&self, folder: &Path, scenario: &Scenario) -> anyhow::Result<()> {
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))
        };
        let truth = folder.join("gt");
        fs::create_dir_all(&truth).with_context(|| format!("failed to create {}", truth.display()))?;
        write("gt/gt.txt", &self.lines)?;
        let (width, height) = self.size;
        let information = format!(
            "[Sequence]\nname={}\nimDir=img1\nframeRate={}\nseqLength={}\nimWidth={width}\nimHeight={height}\nimExt=.jpg\n",
            scenario.name, scenario.profile.image.frame_rate_hz, self.frames
        );
        write("seqinfo.ini", &information)
    }
}
