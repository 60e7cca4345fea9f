//! The loop: virtual time, which waits for light and for the wire.
//!
//! Time advances from instant to instant: a frame is due, the firmware wants to wake, the timeline has an event. The
//! exposure after the one being analysed is already rendering meanwhile; what is decided on frame n can therefore touch
//! light no earlier than n + 2, and does not (the image sensor sees to that). At each instant the loop goes on until the
//! firmware has been told everything the network answered, and every byte it sent has come out at the recipients.
//!
//! Knows nothing of Bevy, and nothing of what is in a report.

mod observer;
mod picture;
mod timeline;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use analytics::{Analysis, Detector};
use device_model::{Camera, DigitalInput, DigitalOutput, End, Led, Overload, PowerSupply, Rs485, Rtc};
use firmware::{Counted, Diagnostic, Net, Query, Stage as FirmwareStage};
use firmware_shim::{Contact, Frame, Inputs, NetEvent, Uptime};
use golden::Wire;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::device::Device;
use crate::happening::Event;
use crate::light::LightSource;
use crate::network::Network;
use crate::oracle::OracleDetector;
use crate::record::{Capture, FrameRecord, FrameTracks, RunRecord, SheetFrame};
use crate::truth::{TrueArea, Truth};
use crate::{BrokenRun, RunError, Scenario};

pub use observer::{Moment, Observer};
use picture::Picture;

/// Where the time of a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// Asking for the next exposure's light, and waiting for this one's.
    Light,
    /// Light to 8-bit picture.
    Sensor,
    /// Picture to detections.
    Inference,
    /// Detections to tracks and counts.
    Tracking,
    /// The firmware's decisions and reports, and the wire.
    Firmware,
    /// Truth, transcript and the loop itself.
    Rest,
}

/// What sees people in a run, and by which light.
pub enum Lane<'a> {
    /// Rendered light, image sensor, network.
    Rendered {
        /// The renderer.
        light: &'a mut dyn LightSource,
        /// The network.
        detector: Box<dyn Detector>,
    },
    /// No pixels: the detector knows the truth.
    Oracle,
}

/// Whether it is kept who was followed in each frame, and what clients were told of it: of a day that is hundreds of megabytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracks {
    /// In [`RunRecord::tracks`] and [`RunRecord::locations`].
    Kept,
    /// Not.
    Dropped,
}

/// Of the scenario's random numbers: how the button on DI bounces. The oracle has the streams of frames' numbers.
const BUTTON_STREAM: u64 = u64::MAX;
/// How many frames a contact sheet shows.
const SHEET_FRAMES: u64 = 12;
/// Exchanges with the network at one instant; more means that device and recipient will never be done with each other.
/// (Three thousand kept reports take three each.)
const EXCHANGES_MAX: u32 = 100_000;

/// Runs a scenario to its end. `enter` is told of each piece of work as it begins, for whoever holds a watch; it is told
/// and not asked.
pub fn run<'a>(
    scenario: &'a Scenario,
    lane: Lane<'a>,
    tracks: Tracks,
    enter: &mut dyn FnMut(Work),
) -> Result<RunRecord, Box<BrokenRun>> {
    run_observed(scenario, lane, tracks, enter, None)
}

/// The same, with somebody who looks on and has a hand in it.
pub fn run_observed<'a, 'o>(
    scenario: &'a Scenario,
    lane: Lane<'a>,
    tracks: Tracks,
    enter: &mut dyn FnMut(Work),
    observer: Option<Observer<'o>>,
) -> Result<RunRecord, Box<BrokenRun>> {
    enter(Work::Rest);
    let broken = |error, record| Box::new(BrokenRun { error, record });
    let mut twin = Twin::new(scenario, lane, tracks, observer).map_err(|error| broken(error, RunRecord::default()))?;
    let ended = twin.run(enter);
    twin.record.dropped = twin.device.dropped();
    twin.record.software_version = twin.device.software_version();
    let end = run_time(scenario.duration_s);
    let under_way = twin.device.stays_under_way();
    twin.record.counted.extend(under_way.into_iter().map(|stay| (end, Counted::Stay(stay))));
    match ended {
        Ok(()) => Ok(twin.record),
        Err(error) => Err(broken(error, twin.record)),
    }
}

struct Twin<'a, 'o> {
    scenario: &'a Scenario,
    truth: Arc<Truth>,
    picture: Option<Picture<'a>>,
    device: Device,
    rtc: Rtc,
    di: DigitalInput,
    dout: DigitalOutput,
    rs485: Rs485,
    power: PowerSupply,
    /// How the button on DI bounces.
    button: ChaCha8Rng,
    /// Until when the reset button is held.
    reset_held_until: Option<Uptime>,
    network: Network,
    wire: Wire,
    next_wake: Option<Uptime>,
    /// What the network did of itself, for the next step.
    heard: Vec<NetEvent>,
    /// What happens, in the order of time: by the scenario, and by the observer's hands.
    timeline: Vec<Event>,
    /// How many of these have happened.
    happened: usize,
    /// What the device is to be asked, in the order of time.
    asks: VecDeque<(Uptime, Query)>,
    /// The configuration that was exported last.
    exported: Option<String>,
    area: TrueArea,
    tracks: Tracks,
    observer: Option<Observer<'o>>,
    record: RunRecord,
}

impl<'a, 'o> Twin<'a, 'o> {
    fn new(
        scenario: &'a Scenario,
        lane: Lane<'a>,
        tracks: Tracks,
        observer: Option<Observer<'o>>,
    ) -> Result<Self, RunError> {
        let view = scenario.view();
        let truth = Arc::new(Truth::new(Arc::clone(&scenario.scene), scenario.sensor_at, view));
        let (picture, detector): (_, Box<dyn Detector>) = match lane {
            Lane::Rendered { light, detector } => {
                light.set_stage(&scenario.stage(&scenario.profile))?;
                let mut camera = Camera::new(&scenario.profile, scenario.seed);
                camera.configure(scenario.configuration.image);
                (Some(Picture::new(light, camera)), detector)
            }
            Lane::Oracle => {
                let period = scenario.profile.frame_period();
                truth.look_ahead(scenario.frames(), period);
                let oracle = OracleDetector::new(Arc::clone(&truth), scenario.oracle, scenario.seed, period);
                (None, Box::new(oracle))
            }
        };
        let device = Device::new(&scenario.configuration, scenario.factory(), detector, scenario.seed)?;
        let wire = Wire::start(&scenario.recipients)?;
        Ok(Twin {
            scenario,
            truth,
            picture,
            device,
            rtc: Rtc::starting_at(scenario.clock, scenario.clock_drift_ppm),
            di: DigitalInput::default(),
            dout: DigitalOutput::default(),
            rs485: Rs485::default(),
            power: PowerSupply::new(scenario.profile.power, &scenario.power),
            button: button_rng(scenario.seed),
            reset_held_until: None,
            network: Network::new(Net::new(wire.address_map())),
            wire,
            next_wake: Some(Uptime::ZERO),
            heard: Vec::new(),
            timeline: scenario.timeline.clone(),
            happened: 0,
            asks: scenario.asks(),
            exported: None,
            area: Scenario::true_area(&scenario.configuration),
            tracks,
            observer,
            record: RunRecord { location_judges: scenario.location_judges(), ..RunRecord::default() },
        })
    }

    fn run(&mut self, enter: &mut dyn FnMut(Work)) -> Result<(), RunError> {
        let scenario = self.scenario;
        let latency = scenario.profile.latency();
        let end = run_time(scenario.duration_s);
        let frames = scenario.frames();
        let sheet_every = frames.div_ceil(SHEET_FRAMES).max(1);

        self.start_light(self.next_exposure(0, frames))?;
        for seq in 0..frames {
            let next = self.next_exposure(seq + 1, frames);
            let taken_at = scenario.taken_at(seq);
            let frame = self.take_frame(seq, taken_at, next, enter)?;
            let due = taken_at + latency;
            self.advance_to(due, enter)?;
            self.analyse(due, frame, seq % sheet_every == 0, enter)?;
        }
        self.advance_to(end, enter)?;
        self.happen_at(end, enter)
    }

    /// Lets everything happen that is due before `until`.
    fn advance_to(&mut self, until: Uptime, enter: &mut dyn FnMut(Work)) -> Result<(), RunError> {
        loop {
            let event_at = self.timeline.get(self.happened).map(|event| run_time(event.at_s));
            let hardware = [self.di.next_change(), self.reset_held_until, self.device.next_change()];
            let asked_at = self.asks.front().map(|(at, _)| *at);
            let instants = [event_at, asked_at, self.next_wake, self.network.next_due()].into_iter().chain(hardware);
            let Some(at) = instants.flatten().min().filter(|at| *at < until) else {
                return Ok(());
            };
            self.happen_at(at, enter)?;
        }
    }

    /// Timeline events that are due at an instant, a step without a frame, then questions.
    fn happen_at(&mut self, at: Uptime, enter: &mut dyn FnMut(Work)) -> Result<(), RunError> {
        self.timeline_at(at)?;
        self.step(at, None, enter)?;
        self.ask_until(at);
        enter(Work::Rest);
        Ok(())
    }

    /// The truth is asked where the device counts.
    fn look_where_it_counts(&mut self, at: Uptime) {
        if let Some(configuration) = self.device.configuration() {
            self.area = Scenario::true_area(configuration);
            if self.record.areas.last().is_none_or(|(_, area)| *area != self.area) {
                self.record.areas.push((at, self.area.clone()));
            }
        }
    }

    /// Has the firmware analyse a frame at the instant it is due.
    fn analyse(&mut self, due: Uptime, frame: Frame, keep: bool, enter: &mut dyn FnMut(Work)) -> Result<(), RunError> {
        let (taken_at, image) = (frame.taken_at, frame.image.clone());
        self.timeline_at(due)?;
        let seq = frame.seq;
        let analysis = self.step(due, Some(frame), enter)?;
        self.ask_until(due);
        enter(Work::Rest);
        let Some(analysis) = analysis else { return self.show(seq, due, taken_at, image.as_ref(), None) };
        let truth = self.truth.count(taken_at, &self.area);
        let counts = FrameRecord { taken_at, counted: analysis.counts.total, truth };
        self.record.frames.push(counts);
        self.show(seq, due, taken_at, image.as_ref(), Some((&analysis, counts)))?;
        if self.tracks == Tracks::Kept {
            self.record.tracks.push(FrameTracks { seq: analysis.seq, tracks: analysis.tracks.clone() });
        }
        if keep {
            let (area, truth) = (self.area.clone(), self.truth.at(taken_at));
            self.record.sheet.push(SheetFrame { image, analysis, truth, area, counts });
        }
        Ok(())
    }

    /// Steps the firmware until it and the network are done with each other, then takes in what arrived.
    fn step(
        &mut self,
        now: Uptime,
        frame: Option<Frame>,
        enter: &mut dyn FnMut(Work),
    ) -> Result<Option<Analysis>, RunError> {
        let sent_before = self.network.bytes_sent();
        let mut frame = frame;
        self.reset_held_until.take_if(|until| now >= *until);
        let mut network = std::mem::take(&mut self.heard);
        network.extend(self.network.due(now));
        // What time it really is: the device's clock began right.
        self.wire.set_calendar(self.scenario.clock.0.saturating_add_unsigned(now.0));
        let mut analysis = None;
        let mut entering = |stage| {
            enter(match stage {
                FirmwareStage::Inference => Work::Inference,
                FirmwareStage::Tracking => Work::Tracking,
                FirmwareStage::Reporting => Work::Firmware,
            });
        };
        let mut picture = None;
        for _ in 0..EXCHANGES_MAX {
            let reset_pressed = self.reset_held_until.is_some();
            let (rtc, di) = (self.rtc.read(now), self.di.read(now));
            let inputs = Inputs {
                rtc,
                frame: frame.take(),
                di,
                reset_pressed,
                rs485: self.rs485.receive(now, End::Device),
                network,
                picture: picture.take(),
            };
            let was_up = self.device.is_up();
            let Ok(step) = self.device.step(now, inputs, &mut entering) else {
                self.note(now, "hardware: the power fails while the device writes to flash".to_owned());
                self.fall_silent(now);
                self.take_in(now)?;
                return Ok(None);
            };
            let Some(step) = step else {
                self.next_wake = None;
                return Ok(None);
            };
            entering(FirmwareStage::Reporting);
            if !was_up || self.record.areas.is_empty() {
                self.look_where_it_counts(now);
            }
            for diagnostic in &step.diagnostics {
                self.record.note(now, diagnostic);
                if let Diagnostic::DetectorFailed { seq, reason } = diagnostic {
                    return Err(RunError::Detector { seq: *seq, reason: reason.clone() });
                }
            }
            let seen_at = step.analysis.as_ref().map_or(now, |analysis| analysis.taken_at);
            self.record.counted.extend(step.counted.into_iter().map(|counted| (seen_at, counted)));
            let borne = self.dout.drive(step.outputs.do_contact);
            self.note_contact(now, borne);
            self.note_led(now, Led::Driven { on: step.outputs.led_on });
            analysis = analysis.or(step.analysis);
            if let Some(picture) = &mut self.picture {
                picture.camera.configure(step.outputs.camera);
            }
            if self.record.camera.last().is_none_or(|(_, before)| *before != step.outputs.camera) {
                self.record.camera.push((now, step.outputs.camera));
            }
            if let Some(time) = step.outputs.set_rtc {
                self.rtc.set(now, time);
            }
            network = self.network.carry_out(now, &step.outputs.network);
            if step.outputs.restart {
                self.take_told()?;
                self.device.restart(now, self.scenario.profile.start_time());
                self.fall_silent(now);
                self.take_in(now)?;
                return Ok(analysis);
            }
            if let Some(seq) = step.outputs.take_picture {
                picture = Some(self.take_picture(seq)?);
                continue;
            }
            if network.is_empty() && !step.outputs.awaiting.is_empty() {
                network = self.network.receive(now, &step.outputs.awaiting)?;
            }
            if network.is_empty() {
                self.next_wake = step.outputs.next_wake;
                if self.next_wake.is_some_and(|wake| wake <= now) {
                    return Err(RunError::NeverAtRest { at: now });
                }
                if self.network.bytes_sent() > sent_before {
                    self.take_in(now)?;
                }
                self.take_told()?;
                return Ok(analysis);
            }
        }
        Err(RunError::NeverAtRest { at: now })
    }

    /// What a device that is not up is to the world; nothing changes for one that is.
    fn fall_silent(&mut self, now: Uptime) {
        if !self.device.is_up() {
            self.network.drop_all();
            self.heard.clear();
            self.next_wake = None;
            let borne = self.dout.drive(Contact::Open);
            self.note_contact(now, borne);
            self.note_led(now, self.device.idle_led());
        }
    }

    /// How the contact is now, and whether its circuit has just damaged it.
    fn note_contact(&mut self, now: Uptime, borne: Result<(), Overload>) {
        if let Err(overload) = borne {
            self.note(now, format!("hardware: {overload}: it is welded together"));
        }
        let contact = self.dout.read();
        if self.record.do_contact.last().is_none_or(|(_, before)| *before != contact) {
            self.record.do_contact.push((now, contact));
            self.note(now, format!("device: the DO contact is {}", words(contact)));
        }
    }

    /// How the LED is driven now.
    fn note_led(&mut self, now: Uptime, led: Led) {
        let is_lit = led.is_lit();
        if self.record.led.last().is_none_or(|(_, before)| *before != is_lit) {
            self.record.led.push((now, is_lit));
            self.note(now, format!("device: the LED is {}", if is_lit { "on" } else { "off" }));
        }
    }

    /// Waits for every byte sent to come out at the recipients, and keeps what did.
    fn take_in(&mut self, now: Uptime) -> Result<(), RunError> {
        self.wire.settle(self.network.bytes_sent())?;
        for delivery in self.wire.drain() {
            self.note(now, format!("wire: {delivery}: {} bytes", delivery.body.len()));
            self.record.captures.push(Capture { at: now, delivery });
        }
        Ok(())
    }

    /// What clients of the device were sent, for those who judge it.
    fn take_told(&mut self) -> Result<(), RunError> {
        let mut told = BTreeMap::new();
        self.network.take_told(&mut told).map_err(RunError::Client)?;
        for (client, text) in told {
            for judge in &mut self.record.location_judges {
                judge.hear(&client, &text, self.scenario, &self.truth, &self.record.areas);
            }
            if self.tracks == Tracks::Kept {
                self.record.locations.entry(client).or_default().push_str(&text);
            }
        }
        Ok(())
    }

    fn note(&mut self, at: Uptime, words: String) {
        self.record.transcript.push(format!("{at} {words}"));
    }
}

/// A stream of the scenario's seed that nothing else draws from.
fn button_rng(seed: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(BUTTON_STREAM);
    rng
}

fn words(contact: Contact) -> &'static str {
    match contact {
        Contact::Open => "open",
        Contact::Closed => "closed",
    }
}

/// Seconds of a file as run time, to the nanosecond.
pub(crate) fn run_time(seconds: f64) -> Uptime {
    Uptime::ZERO + Duration::from_secs_f64(seconds)
}

#[cfg(test)]
mod tests;
