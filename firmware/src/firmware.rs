//! The core: one step function. What a person tells it to do is in [`commands`], what it answers in [`queries`],
//! how reports leave in [`sending`].
//!
//! Everything that passes is an argument, everything that happens is a returned value: there is no clock, no socket and no
//! thread in here. What the firmware decides depends on nothing but the order and the values of its calls.

mod commands;
mod functions;
mod queries;
mod sending;

use std::sync::Arc;

use analytics::{Analysis, Counts, Cover, DetectError, DetectionArea, Detector, Pipeline, Placed, Stay, Track};
use firmware_shim::{Contact, FlashOp, Frame, Inputs, Lens, Mounting, Outputs, RtcTime, Uptime, View};

use crate::account::{Account, PrivacyMode};
use crate::command::{CommandError, Function};
use crate::configuration::{ConfigFile, Configuration, PrivacyMask, ReportProtocol};
use crate::counted::Counted;
use crate::debounce::Debounced;
use crate::delivery::{Delivery, Outbox};
use crate::diagnostic::Diagnostic;
use crate::dwell::RegionPassages;
use crate::factory::Factory;
use crate::line_crossing_counting::LineCrossing;
use crate::location_push::LocationPush;
use crate::ntp::NtpClient;
use crate::people_flow_analysis::PeopleFlow;
use crate::region_people_counting::{RegionCounting, Seen, detection_area};
use crate::report::Letterhead;
use crate::reset_button::ResetButton;
use crate::rota::Rota;
use crate::schedule::ReportedSlots;
use crate::storage::{self, ACCOUNT, BOOT, CONFIGURATION, Journal, REPORTED, Settings};
use crate::tls::{Calendar, Trust};
use crate::upgrade::{self, BootRecord};
use functions::Functions;
use sending::Unsent;

/// A program on trial that has run for so long has come up. A decision.
const PROVEN_AFTER: Uptime = Uptime::from_millis(10_000);

/// The sensor's firmware.
pub struct Firmware {
    configuration: Configuration,
    /// Where it is stored.
    settings: Settings,
    /// `None` until the device is activated.
    account: Option<Account>,
    /// Something is stored that cannot be read: nobody can log in, and nobody else may become the user.
    account_is_lost: bool,
    lens: Lens,
    default_mounting: Mounting,
    /// What certificates are judged by.
    calendar: Arc<Calendar>,
    pipeline: Pipeline,
    functions: Functions,
    /// What is masked; painted over before anything looks at a picture.
    cover: Cover,
    /// The same for pictures with all pixels.
    large_cover: Cover,
    /// The last frame that came.
    last_frame: Option<u64>,
    /// Reports made in the step under way, and those that wait for the picture that goes with them.
    unsent: Vec<Unsent>,
    di: Debounced,
    reset_button: ResetButton,
    /// The step under way is the last of this start.
    restarts: bool,
    factory: Factory,
    /// Of the program that runs.
    software_version: String,
    boot: BootRecord,
    /// A program on its way to flash.
    program: Vec<FlashOp>,
    delivery: Delivery,
    ntp: NtpClient,
    location_push: LocationPush,
    /// What a person has set the clock to since the last step.
    clock_set: Option<RtcTime>,
    outbox: Outbox,
    /// The slots of the calendar of which flash knows that they were reported, by function.
    reported: [ReportedSlots; 3],
    /// Whether the first step is past: that is the moment the firmware is up.
    is_up: bool,
    reports_made: u64,
}

/// What one step brings.
#[derive(Debug, Default)]
pub struct Step {
    /// For the hardware.
    pub outputs: Outputs,
    /// What the step's frame came to, if there was one and it could be analysed.
    pub analysis: Option<Analysis>,
    /// What was counted one by one.
    pub counted: Vec<Counted>,
    /// What happened, in order.
    pub diagnostics: Vec<Diagnostic>,
}

/// What became of reports since power-on, and what is kept from before. A report counts once for each of its recipients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Reports handed to delivery.
    pub offered: u64,
    /// Confirmed by their recipient; at MQTT QoS 0 nothing ever is.
    pub delivered: u64,
    /// Dropped, each with its diagnostic.
    pub dropped: u64,
    /// Kept on flash at present.
    pub kept: u64,
}

/// What a step works on, for those who measure; see [`Firmware::step_observed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Finding people in the frame.
    Inference,
    /// Following and counting them.
    Tracking,
    /// Everything else.
    Reporting,
}

impl Firmware {
    /// A device on which a person saved this configuration before it was switched off; see [`power_on`](Self::power_on).
    ///
    /// # Errors
    /// All mistakes of the configuration.
    pub fn new(
        configuration: &Configuration,
        factory: &Factory,
        detector: Box<dyn Detector>,
        entropy: u64,
    ) -> Result<Firmware, CommandError> {
        let flash = set_up_flash(configuration)?;
        Ok(Firmware::power_on(&flash, factory, detector, entropy))
    }

    /// Firmware as it comes out of the boot loader, with what the flash holds; the first [`step`](Self::step) is the moment it is up, from
    /// which intervals count. `entropy` is of the hardware's source of random numbers.
    ///
    /// # Panics
    /// When the image is not as large as the flash, or one of the factory's authorities is none.
    pub fn power_on(flash: &[u8], factory: &Factory, detector: Box<dyn Detector>, entropy: u64) -> Firmware {
        let Factory { lens, mounting: default_mounting, authorities, .. } = factory;
        let (lens, default_mounting) = (*lens, *default_mounting);
        let calendar = Arc::new(Calendar::default());
        let trust = Trust::new(authorities, Arc::clone(&calendar)).expect("the factory checks what it puts in");
        let mut settings = Settings::open(flash);
        let ended_reset = settings.end_reset().expect("the factory's settings have room");
        let stored = settings.get(&CONFIGURATION);
        let configuration_is_lost =
            !stored.as_ref().is_ok_and(|stored| stored.as_ref().is_none_or(|it| it.is_usable()));
        let usable = stored.ok().flatten().filter(ConfigFile::is_usable);
        let configuration = usable.map(|stored| stored.configuration).unwrap_or_default();

        let (journal, kept, journal_is_readable) = Journal::open(flash);
        let last_entry = kept.last().map_or(0, |kept| kept.id);
        let reports_made = kept.iter().map(|kept| kept.report).max().unwrap_or(0);
        let mut outbox = Outbox::new(entropy, journal, last_entry);
        outbox.tally.kept = kept.len() as u64;
        let mut boot = settings.get(&BOOT).ok().flatten().unwrap_or_default();
        let software_version = upgrade::running_version(flash, &boot, factory);
        if let Some(software_version) = boot.rolled_back.take() {
            outbox.diagnostics.push(Diagnostic::UpgradeRolledBack { software_version });
            settings.set(&BOOT, &boot).expect("a record is smaller than a block");
        }
        let account = settings.get(&ACCOUNT);
        // What cannot be read was torn by the power at the very slot that is not reported then.
        let reported = settings.get(&REPORTED).ok().flatten().unwrap_or_default();
        outbox.diagnostics.extend(ended_reset.then_some(Diagnostic::FactoryReset));
        outbox.diagnostics.extend(account.is_err().then_some(Diagnostic::AccountLost));
        outbox.diagnostics.extend(configuration_is_lost.then_some(Diagnostic::ConfigurationLost));
        outbox.diagnostics.extend((!journal_is_readable).then_some(Diagnostic::JournalLost));

        let view = view(&configuration, lens, default_mounting);
        let mut pipeline = Pipeline::new(detector, view, DetectionArea::WholeView, vec![]);
        set_up(&mut pipeline, &configuration);
        Firmware {
            pipeline,
            cover: cover(&configuration.privacy_mask),
            large_cover: cover(&configuration.privacy_mask),
            last_frame: None,
            unsent: vec![],
            configuration,
            account_is_lost: account.is_err(),
            account: account.ok().flatten().flatten(),
            settings,
            lens,
            default_mounting,
            calendar,
            functions: Functions::default(),
            di: Debounced::default(),
            reset_button: ResetButton::default(),
            restarts: false,
            factory: factory.clone(),
            software_version,
            boot,
            program: vec![],
            delivery: Delivery::new(kept, trust),
            ntp: NtpClient::default(),
            location_push: LocationPush::default(),
            clock_set: None,
            outbox,
            reported,
            is_up: false,
            reports_made,
        }
    }

    /// One step at `now`, which never lies before that of the step before. Step again at the same instant as long as the
    /// network has something to say.
    pub fn step(&mut self, now: Uptime, inputs: Inputs) -> Step {
        self.step_observed(now, inputs, &mut |_| {})
    }

    /// [`step`](Self::step), telling `entering` of each stage as it begins. The observer is told and not asked: the step is
    /// the same whoever watches, and time stays out of it. A stage lasts until the next begins or the step ends.
    pub fn step_observed(&mut self, now: Uptime, inputs: Inputs, entering: &mut dyn FnMut(Stage)) -> Step {
        entering(Stage::Reporting);
        if !self.unsent.is_empty() {
            self.dispatch(inputs.picture.as_ref());
        }
        self.last_frame = inputs.frame.as_ref().map(|frame| frame.seq).or(self.last_frame);
        let mut set_rtc = self.clock_set.take();
        let mut rtc = set_rtc.unwrap_or(inputs.rtc);
        self.calendar.set(rtc);
        if !self.is_up {
            self.is_up = true;
            self.apply_configuration(now, rtc);
            // Whatever the clock reads now, no slot is reported a second time.
            for (rota, reported) in self.functions.rotas_mut().into_iter().zip(&self.reported) {
                rota.into_iter().for_each(|rota| rota.remember(reported.clone()));
            }
        }
        for event in &inputs.network {
            self.delivery.hear(event, now, &mut self.outbox);
            self.location_push.hear(event, &mut self.outbox);
            if let Some(time) = self.ntp.hear(event, now, rtc, &mut self.outbox) {
                (set_rtc, rtc) = (Some(time), time);
                self.calendar.set(rtc);
            }
        }
        self.delivery.proceed(now, &mut self.outbox);
        self.ntp.proceed(now, rtc, &mut self.outbox);
        // The guide has no protocol for it (a decision: the line is there, and nobody answers).
        if !inputs.rs485.is_empty() {
            self.outbox.diagnostics.push(Diagnostic::NotUnderstood { bytes: inputs.rs485.len() });
        }
        let signal = self.di.has_risen(now, inputs.di);
        if self.reset_button.is_held(now, inputs.reset_pressed) && self.reset(false, false).is_err() {
            unreachable!("the factory's settings have room");
        }
        let is_proven = self.boot.is_on_trial() && now >= PROVEN_AFTER;
        let proven = if is_proven { self.prove_program() } else { Ok(()) };
        let reset = if self.boot.is_to_reset() && !self.restarts { self.reset_after_upgrade() } else { Ok(()) };
        debug_assert!(proven.and(reset).is_ok(), "a record and the factory's settings have room");
        let analysis = match &inputs.frame {
            Some(frame) if self.is_watching() => self.analyse(frame, entering),
            _ => None,
        };
        if let Some(analysis) = &analysis {
            let view = self.view();
            self.location_push.tell(analysis, &view, now, rtc, &mut self.outbox);
        }
        let counted = self.report(now, rtc, signal, analysis.as_ref());
        let take_picture = self.wanted_picture();
        if take_picture.is_none() {
            self.dispatch(None);
        }
        self.delivery.proceed(now, &mut self.outbox);
        if self.restarts {
            self.delivery.shut_down(&mut self.outbox);
        }
        let outputs = Outputs { set_rtc, take_picture, ..self.outputs(now, rtc) };
        Step { outputs, analysis, counted, diagnostics: std::mem::take(&mut self.outbox.diagnostics) }
    }

    /// Has every function do what this instant asks of it, sends what they report, and gives what they count.
    fn report(&mut self, now: Uptime, rtc: RtcTime, signal: bool, analysis: Option<&Analysis>) -> Vec<Counted> {
        let view = self.view();
        let people: Option<Vec<Placed>> =
            analysis.map(|analysis| analysis.tracks.iter().map(|track| placed(&view, track)).collect());
        let seen = analysis.zip(people.as_deref()).map(|(analysis, people)| Seen {
            taken_at: analysis.taken_at,
            counts: &analysis.counts,
            people,
        });
        let were_on = self.is_watching();
        let mut counted = Vec::new();
        let Functions { region, line, flow } = &mut self.functions;
        let region = region.as_mut().map(|region| region.step(now, rtc, seen, &mut counted)).unwrap_or_default();
        let line =
            line.as_mut().map(|line| line.step(now, rtc, signal, people.as_deref(), &mut counted)).unwrap_or_default();
        let flow = flow.as_mut().map(|flow| flow.step(now, rtc, people.as_deref(), &mut counted)).unwrap_or_default();
        if were_on && !self.is_watching() {
            self.pipeline.drop_tracks();
        }
        for (reports, function) in [
            (region, Function::RegionPeopleCounting),
            (line, Function::LineCrossingCounting),
            (flow, Function::PeopleFlowAnalysis),
        ] {
            reports.iter().for_each(|report| self.send(report, function));
        }
        counted
    }

    /// The configuration in force.
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// What leaves the device of what it sees; `None` until it is activated.
    pub fn privacy_mode(&self) -> Option<PrivacyMode> {
        self.account.as_ref().map(|account| account.privacy)
    }

    /// The counts the firmware believes, for observers; nobody while the function is disabled.
    pub fn believed(&self) -> Counts {
        self.functions.region.as_ref().map(RegionCounting::believed).unwrap_or_default()
    }

    /// Who came into and went out of each region since the last reset; nobody more while the function is disabled.
    pub fn region_passages(&self) -> Vec<RegionPassages> {
        self.functions.region.as_ref().map(RegionCounting::passages).unwrap_or_default()
    }

    /// Stays in regions that have not ended.
    pub fn stays_under_way(&self) -> Vec<Stay> {
        self.functions.region.as_ref().map(|region| region.stays_under_way().collect()).unwrap_or_default()
    }

    /// What became of reports so far.
    pub fn tally(&self) -> Tally {
        self.outbox.tally
    }

    /// How the device takes itself to hang and see.
    pub fn view(&self) -> View {
        view(&self.configuration, self.lens, self.default_mounting)
    }

    /// What every report tells of the device.
    fn letterhead(&self) -> Letterhead {
        Letterhead::new(&self.configuration, &self.factory.identity)
    }

    fn apply_configuration(&mut self, now: Uptime, rtc: RtcTime) {
        let configuration = &self.configuration;
        let Configuration { region_people_counting, line_crossing_counting, people_flow_analysis, .. } = configuration;
        let protocols = [
            (region_people_counting.enable, &region_people_counting.protocol),
            (line_crossing_counting.enable, &line_crossing_counting.protocol),
            (people_flow_analysis.enable, &people_flow_analysis.protocol),
        ];
        let used: Vec<&ReportProtocol> =
            protocols.into_iter().filter(|(enable, _)| *enable).map(|(_, protocol)| protocol).collect();
        self.location_push.configure(configuration, &mut self.outbox);
        self.ntp.configure(&configuration.clock.source, now, &mut self.outbox);
        self.delivery.reconfigure(&used, configuration.general.data_retransmission, now, &mut self.outbox);
        let view = view(configuration, self.lens, self.default_mounting);
        let head = self.letterhead();
        let Functions { region, line, flow } = std::mem::take(&mut self.functions);
        self.functions = Functions {
            region: Some(RegionCounting::start(configuration, &head, &view, now, rtc, region)),
            line: Some(LineCrossing::start(configuration, &head, &view, now, rtc, line)),
            flow: Some(PeopleFlow::start(configuration, &head, &view, now, rtc, flow)),
        };
        if self.functions.line.as_ref().is_some_and(LineCrossing::sees_no_floor) {
            let setting = "line_crossing_counting.line, or its u_turn_area,";
            self.outbox.diagnostics.push(Diagnostic::NoFloorInView { setting });
        }
        if self.functions.flow.as_ref().is_some_and(PeopleFlow::sees_no_floor) {
            let setting = "people_flow_analysis.region";
            self.outbox.diagnostics.push(Diagnostic::NoFloorInView { setting });
        }
        if !self.is_watching() {
            self.pipeline.drop_tracks();
        }
    }

    /// Whether anybody wants to know what frames show.
    fn is_watching(&self) -> bool {
        self.functions.are_on() || self.location_push.has_clients()
    }

    fn analyse(&mut self, frame: &Frame, entering: &mut dyn FnMut(Stage)) -> Option<Analysis> {
        entering(Stage::Inference);
        let masked = self.masked(frame);
        let detections = self.pipeline.detect(masked.as_ref().unwrap_or(frame));
        entering(Stage::Tracking);
        let analysis = detections.map(|detections| self.pipeline.follow(frame.seq, frame.taken_at, detections));
        entering(Stage::Reporting);
        let failed = |error: DetectError| Diagnostic::DetectorFailed { seq: frame.seq, reason: error.to_string() };
        analysis.map_err(|error| self.outbox.diagnostics.push(failed(error))).ok()
    }

    /// The frame with its masks on, when there are any.
    fn masked(&mut self, frame: &Frame) -> Option<Frame> {
        let image = frame.image.as_ref().filter(|_| !self.cover.is_empty())?;
        let image = self.cover.painted(image, self.configuration.privacy_mask.color.rgb());
        Some(Frame { image: Some(image), ..frame.clone() })
    }

    /// Writes down of which slots of the calendar reports were made, if there are others than before.
    fn note_reported(&mut self) {
        let reported = self.functions.rotas().map(|rota| rota.map_or(&[][..], Rota::reported));
        if self.is_up && reported.iter().zip(&self.reported).any(|(now, before)| now != before) {
            self.reported = reported.map(<[_]>::to_vec);
            self.settings.set(&REPORTED, &self.reported).expect("a few runs of slots are smaller than a block");
        }
    }

    fn outputs(&mut self, now: Uptime, rtc: RtcTime) -> Outputs {
        // The record that has a program started goes to flash after it; that a slot was reported, after the report.
        let mut flash = std::mem::take(&mut self.program);
        flash.extend(self.settings.take_ops());
        flash.extend(self.outbox.take_flash_ops());
        self.note_reported();
        flash.extend(self.settings.take_ops());
        let Functions { region, line, flow } = &self.functions;
        let wakes = [
            region.as_ref().and_then(|region| region.next_wake(now, rtc)),
            line.as_ref().and_then(|line| line.next_wake(now, rtc)),
            flow.as_ref().and_then(|flow| flow.next_wake(now, rtc)),
            self.di.next_wake(),
            self.reset_button.next_wake(now),
            self.delivery.next_wake(),
            self.ntp.next_wake(),
            self.boot.is_on_trial().then_some(PROVEN_AFTER),
        ];
        let mut awaiting = self.delivery.awaiting();
        awaiting.extend(self.ntp.awaiting());
        awaiting.sort();
        Outputs {
            flash,
            network: std::mem::take(&mut self.outbox.network),
            awaiting,
            next_wake: wakes.into_iter().flatten().min(),
            camera: self.configuration.image,
            // Without an overcrowding alarm the contact is closed, as it is for any alarm that is off.
            do_contact: region.as_ref().map_or(Contact::Closed, RegionCounting::do_contact),
            led_on: self.reset_button.led_on(now),
            restart: self.restarts,
            set_rtc: None,
            take_picture: None,
        }
    }
}

/// The flash of a device on which a person saved this configuration and nothing else happened.
///
/// # Errors
/// What is wrong with the configuration.
pub fn set_up_flash(configuration: &Configuration) -> Result<Vec<u8>, CommandError> {
    let problems = configuration.validate();
    if !problems.is_empty() {
        return Err(CommandError::Configuration(problems));
    }
    let mut image = storage::blank_image();
    let mut settings = Settings::open(&image);
    save(&mut settings, configuration)?;
    storage::perform(&mut image, &settings.take_ops());
    Ok(image)
}

fn save(settings: &mut Settings, configuration: &Configuration) -> Result<(), CommandError> {
    Ok(settings.set(&CONFIGURATION, &ConfigFile::new(configuration.clone()))?)
}

fn placed(view: &View, track: &Track) -> Placed {
    Placed { id: track.id, floor: track.floor, foot: view.normalised(track.foot_px), seen: !track.coasting }
}

fn view(configuration: &Configuration, lens: Lens, default_mounting: Mounting) -> View {
    View { lens, mounting: configuration.mounting.resolve(default_mounting) }
}

/// Has the analytics look for what is set.
fn set_up(pipeline: &mut Pipeline, configuration: &Configuration) {
    let (area, regions) = detection_area(&configuration.region_people_counting.detection_region);
    pipeline.set_area(area, regions);
    pipeline.set_scheme(configuration.general.recognition_scheme);
    pipeline.set_cover(cover(&configuration.privacy_mask));
}

fn cover(masks: &PrivacyMask) -> Cover {
    Cover::new(&masks.in_use().map(|mask| mask.polygon.corners()).collect::<Vec<_>>())
}
