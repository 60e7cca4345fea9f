//! What the window has been told of a run: moments to go back to, reports, and what happened when.

use std::collections::VecDeque;
use std::sync::Arc;

use analytics::Analysis;
use firmware::Configuration;
use firmware_shim::{Contact, RgbImage};
use image::codecs::jpeg::JpegEncoder;
use scenarios::{Event, FrameRecord, Moment, Scenario, TrueFrame, schematic};
use serde_json::Value;

/// Of kept pictures: what one goes back to is looked at, not measured.
const JPEG_QUALITY: u8 = 85;

/// A frame and all that was known when it had been analysed.
#[derive(Clone)]
pub struct Seen {
    /// Its number.
    pub seq: u64,
    /// When it had been analysed, s.
    pub at_s: f64,
    /// The middle of its exposure, s.
    pub taken_at_s: f64,
    /// The picture as it was; only of the newest.
    pub fresh: Option<RgbImage>,
    /// The same, compressed.
    pub jpeg: Vec<u8>,
    /// What the device made of it, while it was up.
    pub analysed: Option<(Analysis, FrameRecord)>,
    pub truth: TrueFrame,
    /// The level of light, lx.
    pub lux: f64,
    /// What was set on the device; that of before while it is not up.
    pub configuration: Arc<Configuration>,
    pub is_up: bool,
    pub has_power: bool,
    pub cable_is_in: bool,
    pub do_contact: Option<Contact>,
    pub led_is_lit: bool,
    /// Reports that arrived up to now, and those given up.
    pub reports: usize,
    pub dropped: u64,
    /// Since the moment before.
    pub arrived: Vec<Report>,
    pub refused: Vec<String>,
    /// All that has happened and is going to, where that has changed.
    pub timeline: Option<Vec<Event>>,
}

/// A report off the wire.
#[derive(Clone, Debug)]
pub struct Report {
    /// When, s.
    pub at_s: f64,
    /// Where to, such as `POST http://192.168.0.9:80/reports`.
    pub to: String,
    /// What it is, in few words.
    pub title: String,
    /// The document, indented if it is JSON.
    pub text: String,
}

impl Report {
    fn new(capture: &scenarios::Capture) -> Self {
        let body = &capture.delivery.body;
        let json: Option<Value> = serde_json::from_slice(body).ok();
        let field = |name: &str| json.as_ref().and_then(|json| json.get(name)?.as_str());
        let title: Vec<&str> = [field("event"), field("report_type")].into_iter().flatten().collect();
        let title = if title.is_empty() { format!("{} bytes", body.len()) } else { title.join(" · ") };
        let text = json.as_ref().and_then(|json| serde_json::to_string_pretty(json).ok());
        let text = text.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
        Report { at_s: capture.at.as_secs_f64(), to: capture.delivery.to_string(), title, text }
    }
}

/// What of a run's record has been told.
#[derive(Default)]
pub struct Told {
    captures: usize,
    refused: usize,
    events: Option<usize>,
    configuration: Arc<Configuration>,
}

impl Seen {
    /// What there is to tell of a moment.
    pub fn of(scenario: &Scenario, moment: &Moment, told: &mut Told) -> Self {
        let picture = match moment.image {
            Some(image) => image.clone(),
            None => schematic(moment.truth, &scenario.view(), 1),
        };
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY)
            .encode(&picture.pixels, picture.width, picture.height, image::ExtendedColorType::Rgb8)
            .expect("memory takes every byte");
        if let Some(now) = moment.configuration
            && *now != *told.configuration
        {
            told.configuration = Arc::new(now.clone());
        }
        let record = moment.record;
        let arrived = record.captures[told.captures..].iter().map(Report::new).collect();
        let refused = record.refused[told.refused..].iter().map(|(_, words)| words.clone()).collect();
        let changed = told.events != Some(moment.timeline.len());
        (told.captures, told.refused) = (record.captures.len(), record.refused.len());
        told.events = Some(moment.timeline.len());
        Seen {
            seq: moment.seq,
            at_s: moment.at.as_secs_f64(),
            taken_at_s: moment.taken_at.as_secs_f64(),
            fresh: Some(picture),
            jpeg,
            analysed: moment.analysed.map(|(analysis, counts)| (analysis.clone(), counts)),
            truth: moment.truth.clone(),
            lux: moment.lux,
            configuration: Arc::clone(&told.configuration),
            is_up: moment.configuration.is_some(),
            has_power: moment.has_power,
            cable_is_in: moment.cable_is_in,
            do_contact: record.do_contact.last().map(|(_, contact)| *contact),
            led_is_lit: record.led.last().is_some_and(|(_, lit)| *lit),
            reports: record.captures.len(),
            dropped: moment.dropped,
            arrived,
            refused,
            timeline: changed.then(|| moment.timeline.to_vec()),
        }
    }

    /// The picture, of the newest as it was.
    pub fn picture(&self) -> Option<RgbImage> {
        self.fresh.clone().or_else(|| {
            let decoded = image::load_from_memory_with_format(&self.jpeg, image::ImageFormat::Jpeg).ok()?.into_rgb8();
            Some(RgbImage { width: decoded.width(), height: decoded.height(), pixels: decoded.into_raw().into() })
        })
    }
}

/// Moments of a run, the latest last; as many as fit into so many bytes of pictures.
pub struct History {
    bytes_max: usize,
    bytes: usize,
    moments: VecDeque<Seen>,
    pub reports: Vec<Report>,
    /// What has happened and is going to.
    pub timeline: Vec<Event>,
}

impl History {
    pub fn new(bytes_max: usize) -> Self {
        History { bytes_max, bytes: 0, moments: VecDeque::new(), reports: Vec::new(), timeline: Vec::new() }
    }

    /// Adds a moment; the oldest goes where there is no room.
    pub fn push(&mut self, mut seen: Seen) {
        if let Some(before) = self.moments.back_mut() {
            before.fresh = None;
        }
        self.reports.append(&mut seen.arrived);
        if let Some(timeline) = seen.timeline.take() {
            self.timeline = timeline;
        }
        self.bytes += seen.jpeg.len();
        self.moments.push_back(seen);
        while self.bytes > self.bytes_max && self.moments.len() > 1 {
            self.bytes -= self.moments.pop_front().map_or(0, |gone| gone.jpeg.len());
        }
    }

    /// From the oldest that is kept.
    pub fn moments(&self) -> impl DoubleEndedIterator<Item = &Seen> + ExactSizeIterator {
        self.moments.iter()
    }

    pub fn latest(&self) -> Option<&Seen> {
        self.moments.back()
    }

    /// The frame of this number, or the nearest to it that is kept.
    pub fn frame(&self, seq: u64) -> Option<&Seen> {
        let first = self.moments.front()?.seq;
        let place = (seq.saturating_sub(first) as usize).min(self.moments.len() - 1);
        self.moments.get(place)
    }

    /// The frame that was the latest at a time, or the oldest that is kept.
    pub fn at(&self, at_s: f64) -> Option<&Seen> {
        let after = self.moments.partition_point(|seen| seen.at_s <= at_s);
        self.moments.get(after.saturating_sub(1))
    }

    /// The frames up to this number that were taken within so many seconds before it; the latest first.
    pub fn before(&self, seq: u64, within_s: f64) -> impl Iterator<Item = &Seen> {
        let end = self.moments.partition_point(|seen| seen.seq <= seq);
        let until_s = end.checked_sub(1).map_or(0.0, |last| self.moments[last].at_s);
        self.moments.range(..end).rev().take_while(move |seen| seen.at_s >= until_s - within_s)
    }
}

#[cfg(test)]
pub mod tests {
    use firmware_shim::Uptime;

    use super::*;

    /// Frame `seq` of ten a second, whose picture takes so many bytes.
    pub fn seen(seq: u64, bytes: usize) -> Seen {
        let at_s = seq as f64 / 10.0;
        Seen {
            seq,
            at_s,
            taken_at_s: at_s - 0.05,
            fresh: Some(RgbImage { width: 1, height: 1, pixels: [1, 2, 3].into() }),
            jpeg: vec![0; bytes],
            analysed: None,
            truth: TrueFrame { at: Uptime::ZERO, people: vec![] },
            lux: 300.0,
            configuration: Arc::default(),
            is_up: true,
            has_power: true,
            cable_is_in: true,
            do_contact: None,
            led_is_lit: true,
            reports: 0,
            dropped: 0,
            arrived: vec![],
            refused: vec![],
            timeline: None,
        }
    }

    #[test]
    fn the_oldest_moments_go_when_there_is_no_room() {
        let mut history = History::new(100);
        (0..50).for_each(|seq| history.push(seen(seq, 10)));
        let kept: Vec<u64> = history.moments().map(|seen| seen.seq).collect();
        assert_eq!(kept, (40..50).collect::<Vec<u64>>());
        let fresh: Vec<bool> = history.moments().map(|seen| seen.fresh.is_some()).collect();
        assert_eq!(fresh.iter().filter(|fresh| **fresh).count(), 1, "only the newest is as it was");
        assert!(fresh[9]);
        history.push(seen(50, 1000));
        assert_eq!(history.moments().len(), 1, "one moment is always there");
    }

    #[test]
    fn moments_are_found_by_time_and_number() {
        let mut history = History::new(100);
        (0..50).for_each(|seq| history.push(seen(seq, 10)));
        let at = |at_s| history.at(at_s).map(|seen| seen.seq);
        assert_eq!([at(0.0), at(4.25), at(4.3), at(99.0)], [Some(40), Some(42), Some(43), Some(49)]);
        let frame = |seq| history.frame(seq).map(|seen| seen.seq);
        assert_eq!([frame(3), frame(44), frame(80)], [Some(40), Some(44), Some(49)]);
        let before: Vec<u64> = history.before(44, 0.25).map(|seen| seen.seq).collect();
        assert_eq!(before, [44, 43, 42]);
        assert!(History::new(1).at(0.0).is_none());
    }
}
