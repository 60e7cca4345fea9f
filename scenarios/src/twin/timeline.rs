//! What the timeline has happen: to the light, the hardware and the network, and by people's hands.

use std::time::Duration;

use device_model::{Circuit, End};
use firmware::Command;
use firmware_shim::Uptime;

use super::{Twin, run_time};
use crate::{Happening, RunError};

impl Twin<'_> {
    /// Has everything happen that is due at an instant.
    pub(super) fn timeline_at(&mut self, at: Uptime) -> Result<(), RunError> {
        let scenario = self.scenario;
        while let Some(event) = scenario.timeline.get(self.happened).filter(|event| run_time(event.at_s) <= at) {
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
                Happening::PowerCut { after_flash_bytes } => {
                    let when = after_flash_bytes.map_or_else(String::new, |n| format!(" after {n} bytes to flash"));
                    self.note(at, format!("hardware: the power is cut{when}"));
                    self.device.cut_power(*after_flash_bytes);
                    self.fall_silent(at);
                }
                Happening::PowerOn => {
                    self.note(at, "hardware: the power is back".to_owned());
                    self.device.power_on(at, scenario.profile.start_time());
                }
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
                self.record.refused.push((at, "the device is not up".to_owned()));
            }
        }
    }
}
