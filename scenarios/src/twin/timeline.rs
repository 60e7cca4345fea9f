//! What the timeline has happen: to the light, the hardware and the network, and by people's hands.

use std::time::Duration;

use device_model::{Circuit, End, PowerSource, PowerSupply};
use firmware::{Answer, Command, Query};
use firmware_shim::Uptime;

use super::{Twin, run_time};
use crate::device::NeverOff;
use crate::record::Asked;
use crate::{Happening, RunError};

/// Why a device says nothing.
const NOT_UP: &str = "the device is not up";

impl Twin<'_, '_> {
    /// Has everything happen that is due at an instant.
    pub(super) fn timeline_at(&mut self, at: Uptime) -> Result<(), RunError> {
        while let Some(event) = self.timeline.get(self.happened).filter(|event| run_time(event.at_s) <= at).cloned() {
            self.happened += 1;
            if let Some((words, command)) = event.event.command() {
                self.command(at, words, command);
            }
            match &event.event {
                Happening::Lux(lux) => self.note(at, format!("scene: the light changes to {lux} lx")),
                Happening::Clock(time) => {
                    self.note(at, format!("device: the clock is set to {time}"));
                    self.rtc.set(at, crate::file::rtc(*time));
                }
                Happening::Di { volts } => {
                    self.note(at, format!("hardware: DI at {volts} V"));
                    self.di.put(at, *volts);
                }
                Happening::PressDi { for_s } => {
                    self.note(at, format!("hardware: the button on DI is pressed for {for_s} s"));
                    self.di.press(at, Duration::from_secs_f64(*for_s), &mut self.button);
                }
                Happening::Rs485(text) => {
                    self.note(at, format!("hardware: {} bytes are sent by RS485", text.len()));
                    self.rs485.send(at, End::Outside, text.as_bytes());
                }
                Happening::WireDo { volts, ohms } => {
                    self.note(at, format!("hardware: {volts} V and {ohms} Ω are wired to DO"));
                    let borne = self.dout.wire(Circuit { volts: *volts, ohms: *ohms });
                    self.note_contact(at, borne);
                }
                Happening::PressReset { for_s } => {
                    self.note(at, format!("hardware: the reset button is held for {for_s} s"));
                    self.reset_held_until = Some(at + Duration::from_secs_f64(*for_s));
                }
                Happening::NetworkFault { recipient, fault } => {
                    self.note(at, format!("network: {recipient}: {fault:?}"));
                    self.heard.extend(self.network.set_fault(recipient, Some(*fault)));
                }
                Happening::NetworkRestored { recipient } => {
                    self.note(at, format!("network: {recipient} can be reached again"));
                    self.heard.extend(self.network.set_fault(recipient, None));
                }
                Happening::ConnectClient { client, port } => {
                    // What happened before at this instant may have opened the port.
                    self.step(at, None, &mut |_| {})?;
                    match self.network.connect_client(client, *port) {
                        Ok(event) => {
                            self.note(at, format!("network: {client} connects to the device's port {port}"));
                            self.heard.push(event);
                        }
                        Err(reason) => {
                            self.note(at, format!("network: {client} finds no way to port {port}: {reason}"));
                            self.record.refused.push((at, format!("port {port}: {reason}")));
                        }
                    }
                }
                Happening::StopClient { client } => {
                    self.note(at, format!("network: {client} takes nothing more"));
                    self.network.stop_client(client);
                }
                Happening::DisconnectClient { client } => {
                    self.note(at, format!("network: {client} closes its connection"));
                    self.heard.extend(self.network.disconnect_client(client));
                }
                Happening::UnplugCable => {
                    self.note(at, "hardware: the network cable is pulled out".to_owned());
                    let events = self.network.plug_cable(false);
                    self.heard.extend(events);
                    self.power(at, None, |power| power.plug_cable(false))?;
                }
                Happening::PlugCable => {
                    self.note(at, "hardware: the network cable is plugged in".to_owned());
                    let events = self.network.plug_cable(true);
                    self.heard.extend(events);
                    self.power(at, None, |power| power.plug_cable(true))?;
                }
                Happening::PowerCut { source, after_flash_bytes } => {
                    let what =
                        source.map_or_else(|| "the power is cut".to_owned(), |one| format!("{} is cut", name(one)));
                    let when = after_flash_bytes.map_or_else(String::new, |n| format!(" after {n} bytes to flash"));
                    self.note(at, format!("hardware: {what}{when}"));
                    let cut = source.map_or_else(|| PowerSource::ALL.to_vec(), |one| vec![one]);
                    self.power(at, *after_flash_bytes, |power| cut.iter().for_each(|one| power.put(*one, 0.0)))?;
                }
                Happening::PowerOn => {
                    self.note(at, "hardware: the power is back".to_owned());
                    let back = |power: &mut PowerSupply| PowerSource::ALL.iter().for_each(|one| power.restore(*one));
                    self.power(at, None, back)?;
                }
                Happening::PowerRestored { source } => {
                    self.note(at, format!("hardware: {} is back", name(*source)));
                    self.power(at, None, |power| power.restore(*source))?;
                }
                Happening::PowerSags { source, volts } => {
                    self.note(at, format!("hardware: {} is at {volts} V", name(*source)));
                    self.power(at, None, |power| power.put(*source, *volts))?;
                }
                Happening::Export => self.export(at),
                Happening::ImportExported => match self.exported.clone() {
                    Some(file) => self.command(at, "a person imports what was exported", Command::Import(file)),
                    None => {
                        self.record.refused.push((at, "there is nothing to import: nothing was exported".to_owned()))
                    }
                },
                Happening::SetClock(_)
                | Happening::Configure(_)
                | Happening::Import(_)
                | Happening::Account(_)
                | Happening::TestConnection { .. }
                | Happening::Reset { .. }
                | Happening::Reboot
                | Happening::Upgrade { .. } => {}
            }
        }
        Ok(())
    }

    /// Something happens to what supplies the device. A cut may wait for so many more bytes to flash.
    fn power(
        &mut self,
        at: Uptime,
        after_flash_bytes: Option<u64>,
        happens: impl FnOnce(&mut PowerSupply),
    ) -> Result<(), RunError> {
        let was_on = self.power.is_on();
        happens(&mut self.power);
        match (was_on, self.power.is_on()) {
            (true, false) => {
                self.device.cut_power(after_flash_bytes);
                self.fall_silent(at);
            }
            (false, true) => {
                let start = self.scenario.profile.start_time();
                self.device.power_on(at, start).map_err(|NeverOff| RunError::NeverCut { at })?;
                self.note_led(at, self.device.idle_led());
            }
            (true, true) | (false, false) => {}
        }
        Ok(())
    }

    fn export(&mut self, at: Uptime) {
        match self.device.ask(Query::Export) {
            Some(Ok(Answer::Export(file))) => {
                self.note(at, format!("device: a person exports the configuration, {} bytes", file.len()));
                self.exported = Some(file);
            }
            Some(Ok(other)) => unreachable!("the answer to an export is one: {other:?}"),
            failed => {
                let words = failed.and_then(Result::err).map_or_else(|| NOT_UP.to_owned(), |error| error.to_string());
                self.note(at, format!("device: exports nothing: {words}"));
                self.record.refused.push((at, words));
            }
        }
    }

    /// Asks the device what the scenario expects an answer to at this time or before it.
    pub(super) fn ask_until(&mut self, at: Uptime) {
        while let Some((at, query)) = self.asks.pop_front_if(|(when, _)| *when <= at) {
            self.record.answers.push(Asked { at, query, answer: self.device.ask(query) });
        }
    }

    fn command(&mut self, at: Uptime, words: &str, command: Command) {
        match self.device.command(at, self.rtc.read(at), command) {
            Some(Ok(())) => {
                self.note(at, format!("device: {words}"));
                self.look_where_it_counts(at);
            }
            Some(Err(error)) => {
                self.note(at, format!("device: refuses this: {words}: {error}"));
                self.record.refused.push((at, error.to_string()));
            }
            None => {
                self.note(at, format!("device: is not up, and does not hear this: {words}"));
                self.record.refused.push((at, NOT_UP.to_owned()));
            }
        }
    }
}

fn name(source: PowerSource) -> &'static str {
    match source {
        PowerSource::Poe => "PoE",
        PowerSource::Dc => "the DC adapter",
    }
}
