//! The device on its power: firmware that starts anew when the power returns, and the flash that outlasts it.
//!
//! Firmware counts uptime from its own start; everything here is told and tells in run time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use analytics::{DetectError, Detection, Detector, Stay};
use device_model::{Flash, Led, PowerLost};
use firmware::{Answer, Command, CommandError, Configuration, Counted, Factory, Firmware, Query, Stage, Step};
use firmware_shim::{Frame, Inputs, RtcTime, Uptime};

/// The hardware starts a device anew that has not come up for so long (assumed).
const WATCHDOG: Duration = Duration::from_secs(60);

/// A device that may be without power.
pub(crate) struct Device {
    factory: Factory,
    detector: Shared,
    seed: u64,
    flash: Flash,
    state: State,
    /// How often it started.
    starts: u64,
    /// Reports that were given up in the starts before.
    dropped_before: u64,
}

enum State {
    Up { firmware: Box<Firmware>, since: Uptime },
    Starting { up_at: Uptime },
    Off,
}

/// The power was to come back, and never had gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NeverOff;

impl Device {
    /// A device that is just up, and on which nothing but its configuration was saved before.
    pub fn new(
        configuration: &Configuration,
        factory: Factory,
        detector: Box<dyn Detector>,
        seed: u64,
    ) -> Result<Self, CommandError> {
        let flash = Flash::holding(firmware::set_up_flash(configuration)?, seed);
        let detector = Shared(Arc::new(Mutex::new(detector)));
        let state = State::Starting { up_at: Uptime::ZERO };
        let mut device = Device { factory, detector, seed, flash, state, starts: 0, dropped_before: 0 };
        device
            .proceed(Uptime::ZERO)
            .unwrap_or_else(|PowerLost| unreachable!("there is power until a scenario takes it"));
        Ok(device)
    }

    /// Cuts the power at once, or when so many more bytes were written to flash.
    pub fn cut_power(&mut self, after_flash_bytes: Option<u64>) {
        match after_flash_bytes {
            Some(bytes) => self.flash.fail_after(bytes),
            None => self.go_off(),
        }
    }

    fn go_off(&mut self) {
        if let State::Up { firmware, .. } = std::mem::replace(&mut self.state, State::Off) {
            self.dropped_before += firmware.tally().dropped;
        }
    }

    /// The power returns; the device is up so much later.
    ///
    /// # Errors
    /// It never was without power: less was written to flash than the cut waited for.
    pub fn power_on(&mut self, now: Uptime, start: Duration) -> Result<(), NeverOff> {
        if !matches!(self.state, State::Off) {
            return Err(NeverOff);
        }
        self.flash.power_on();
        self.state = State::Starting { up_at: now + start };
        Ok(())
    }

    /// The firmware asked to be started anew.
    pub fn restart(&mut self, now: Uptime, start: Duration) {
        self.go_off();
        self.state = State::Starting { up_at: now + start };
    }

    /// Is up if it is time, and if what the boot loader starts is a program.
    ///
    /// # Errors
    /// The power failed while the boot loader wrote to flash.
    fn proceed(&mut self, now: Uptime) -> Result<(), PowerLost> {
        if let State::Starting { up_at } = self.state
            && now >= up_at
        {
            // Nobody can foretell it, and no two starts are alike.
            let entropy = self.seed.wrapping_add(self.starts.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            self.starts += 1;
            let boot = firmware::boot(self.flash.image(), &self.factory);
            if let Err(lost) = self.flash.perform(&boot.flash) {
                self.state = State::Off;
                return Err(lost);
            }
            if !boot.comes_up {
                self.state = State::Starting { up_at: up_at + WATCHDOG };
                return Ok(());
            }
            let detector = Box::new(self.detector.clone());
            let firmware = Firmware::power_on(self.flash.image(), &self.factory, detector, entropy);
            self.state = State::Up { firmware: Box::new(firmware), since: up_at };
        }
        Ok(())
    }

    /// What is set on it, while it is up.
    pub fn configuration(&self) -> Option<&Configuration> {
        match &self.state {
            State::Up { firmware, .. } => Some(firmware.configuration()),
            State::Starting { .. } | State::Off => None,
        }
    }

    /// How its LED is driven while it does not work.
    pub fn idle_led(&self) -> Led {
        if matches!(self.state, State::Off) { Led::Dark } else { Led::Undriven }
    }

    /// Whether it works.
    pub fn is_up(&self) -> bool {
        matches!(self.state, State::Up { .. })
    }

    /// When it will be up, while it starts.
    pub fn next_change(&self) -> Option<Uptime> {
        match self.state {
            State::Starting { up_at } => Some(up_at),
            State::Up { .. } | State::Off => None,
        }
    }

    /// One step of the firmware; `None` when it is not up.
    ///
    /// # Errors
    /// The power failed while the device wrote to flash: nothing else of the step happened.
    pub fn step(
        &mut self,
        now: Uptime,
        inputs: Inputs,
        entering: &mut dyn FnMut(Stage),
    ) -> Result<Option<Step>, PowerLost> {
        self.proceed(now)?;
        let State::Up { firmware, since } = &mut self.state else { return Ok(None) };
        let start = since.since(Uptime::ZERO);
        // What was exposed before it was up is nobody's.
        let frame = inputs.frame.filter(|frame| frame.taken_at >= *since);
        let frame = frame.map(|frame| Frame { taken_at: frame.taken_at - start, ..frame });
        let mut step = firmware.step_observed(now - start, Inputs { frame, ..inputs }, entering);
        if let Some(analysis) = &mut step.analysis {
            analysis.taken_at = analysis.taken_at + start;
        }
        step.counted.iter_mut().for_each(|counted| {
            if let Counted::Stay(stay) = counted {
                *stay = later(*stay, start);
            }
        });
        step.outputs.next_wake = step.outputs.next_wake.map(|wake| wake + start);
        if let Err(lost) = self.flash.perform(&step.outputs.flash) {
            self.go_off();
            return Err(lost);
        }
        Ok(Some(step))
    }

    /// A person tells the device to do something; `None` when it is not up and nobody hears it.
    pub fn command(&mut self, now: Uptime, rtc: RtcTime, command: Command) -> Option<Result<(), CommandError>> {
        match &mut self.state {
            State::Up { firmware, since } => Some(firmware.command(now - since.since(Uptime::ZERO), rtc, command)),
            State::Starting { .. } | State::Off => None,
        }
    }

    /// A person asks the device something; `None` when it is not up.
    pub fn ask(&self, query: Query) -> Option<Result<Answer, CommandError>> {
        match &self.state {
            State::Up { firmware, .. } => Some(firmware.ask(query)),
            State::Starting { .. } | State::Off => None,
        }
    }

    /// Of the program that runs, if one does.
    pub fn software_version(&self) -> Option<String> {
        match &self.state {
            State::Up { firmware, .. } => Some(firmware.information().software_version),
            State::Starting { .. } | State::Off => None,
        }
    }

    /// Reports that were given up for some recipient, over all starts.
    pub fn dropped(&self) -> u64 {
        match &self.state {
            State::Up { firmware, .. } => self.dropped_before + firmware.tally().dropped,
            State::Starting { .. } | State::Off => self.dropped_before,
        }
    }

    /// Stays in regions that have not ended.
    pub fn stays_under_way(&self) -> Vec<Stay> {
        let State::Up { firmware, since } = &self.state else { return Vec::new() };
        let start = since.since(Uptime::ZERO);
        firmware.stays_under_way().into_iter().map(|stay| later(stay, start)).collect()
    }
}

fn later(stay: Stay, by: Duration) -> Stay {
    Stay { since: stay.since + by, until: stay.until + by, ..stay }
}

/// The network in the device's program memory, which every start finds there.
#[derive(Clone)]
struct Shared(Arc<Mutex<Box<dyn Detector>>>);

impl Detector for Shared {
    fn detect(&mut self, frame: &Frame) -> Result<Vec<Detection>, DetectError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).detect(frame)
    }

    fn believes_from(&self) -> f64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).believes_from()
    }
}

#[cfg(test)]
mod tests;
