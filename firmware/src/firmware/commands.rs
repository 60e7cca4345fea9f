//! Carrying out what a person tells the device to do.

use firmware_shim::{RtcTime, Uptime};

use super::{Firmware, cover, save, set_up};
use crate::account::{Account, AccountError};
use crate::calendar;
use crate::command::{Command, CommandError};
use crate::configuration::{ClockSource, Configuration, ReportProtocol};
use crate::diagnostic::Diagnostic;
use crate::storage::{ACCOUNT, BOOT, RESET, Reset};
use crate::upgrade::{self, BootRecord};

impl Firmware {
    /// Carries out a command at `now`, when the clock reads `rtc`. What it causes on the wire comes with the next step, which
    /// belongs at the same instant.
    ///
    /// # Errors
    /// A command that cannot be carried out changes nothing.
    pub fn command(&mut self, now: Uptime, rtc: RtcTime, command: Command) -> Result<(), CommandError> {
        if self.restarts {
            return Err(CommandError::Restarting);
        }
        let rtc = self.clock_set.unwrap_or(rtc);
        match command {
            Command::Configure(configuration) => {
                let problems = configuration.validate();
                if !problems.is_empty() {
                    return Err(CommandError::Configuration(problems));
                }
                self.configure(now, rtc, *configuration)
            }
            Command::Import(file) => {
                let configuration = Configuration::import(&file).map_err(CommandError::Configuration)?;
                self.configure(now, rtc, configuration)
            }
            Command::Reset { keep_ip, keep_users } => {
                self.try_program_again()?;
                self.reset(keep_ip, keep_users)
            }
            Command::Reboot => {
                self.try_program_again()?;
                self.restarts = true;
                Ok(())
            }
            Command::TestConnection { function, url } => {
                let urls = match function.protocol(&self.configuration) {
                    ReportProtocol::Http { urls } => urls.as_slice(),
                    ReportProtocol::Mqtt { .. } => return Err(CommandError::NoTestOfBrokers),
                };
                let entry = url.checked_sub(1).and_then(|i| urls.get(i)).ok_or(CommandError::NoSuchUrl { url })?;
                let document = self.letterhead().connection_test(rtc);
                self.delivery.test(entry, document.into(), &mut self.outbox);
                Ok(())
            }
            Command::Upgrade { file, reset_after } => {
                let (program, boot) =
                    upgrade::install(&file, reset_after, &self.boot, &self.factory).map_err(CommandError::Upgrade)?;
                self.settings.set(&BOOT, &boot)?;
                self.program = program;
                self.restarts = true;
                Ok(())
            }
            Command::SetClock(time) => {
                if !matches!(self.configuration.clock.source, ClockSource::Manual) {
                    return Err(CommandError::Clock("is kept by the time server: choose Manual first"));
                }
                if !calendar::CLOCK_YEARS.contains(&calendar::year(time)) {
                    return Err(CommandError::Clock("must be set to the years 2000 to 2099"));
                }
                self.clock_set = Some(time);
                Ok(())
            }
            Command::Account(command) => {
                if self.account_is_lost {
                    return Err(CommandError::Account(AccountError::Lost));
                }
                let account = Account::after(self.account.as_ref(), command, &mut self.outbox.rng);
                let account = Some(account.map_err(CommandError::Account)?);
                if account != self.account {
                    self.settings.set(&ACCOUNT, &account)?;
                    self.account = account;
                }
                Ok(())
            }
        }
    }

    /// Puts a configuration without mistakes into force.
    pub(super) fn configure(
        &mut self,
        now: Uptime,
        rtc: RtcTime,
        configuration: Configuration,
    ) -> Result<(), CommandError> {
        save(&mut self.settings, &configuration)?;
        let before = std::mem::replace(&mut self.configuration, configuration);
        if before.mounting != self.configuration.mounting {
            self.pipeline.set_view(self.view());
        }
        set_up(&mut self.pipeline, &self.configuration);
        self.cover = cover(&self.configuration.privacy_mask);
        self.large_cover = cover(&self.configuration.privacy_mask);
        if self.is_up {
            self.apply_configuration(now, rtc);
        }
        Ok(())
    }

    /// The program on trial has come up.
    pub(super) fn prove_program(&mut self) -> Result<(), CommandError> {
        self.save_boot(self.boot.proven())?;
        self.outbox.diagnostics.push(Diagnostic::Upgraded { software_version: self.software_version.clone() });
        Ok(())
    }

    /// *Reset after Upgrading*. That it is done is written down last: a loss of power in between has it done at the next start.
    pub(super) fn reset_after_upgrade(&mut self) -> Result<(), CommandError> {
        self.reset(false, false)?;
        self.save_boot(self.boot.after_reset())
    }

    /// A person who has the device start anew does not say anything about the program on trial.
    fn try_program_again(&mut self) -> Result<(), CommandError> {
        if self.boot.is_on_trial() { self.save_boot(self.boot.to_be_tried_again()) } else { Ok(()) }
    }

    fn save_boot(&mut self, boot: BootRecord) -> Result<(), CommandError> {
        self.settings.set(&BOOT, &boot)?;
        self.boot = boot;
        Ok(())
    }

    /// Saves the factory's settings, and starts anew with them. That it is begun is written down first: however the power fails, all is as it was or all
    /// is reset.
    pub(super) fn reset(&mut self, keep_ip: bool, keep_users: bool) -> Result<(), CommandError> {
        let ip_address = keep_ip.then_some(self.configuration.device.ip_address);
        self.settings.set(&RESET, &Some(Reset { ip_address, keep_users }))?;
        self.settings.end_reset()?;
        self.outbox.diagnostics.push(Diagnostic::FactoryReset);
        self.restarts = true;
        Ok(())
    }
}
