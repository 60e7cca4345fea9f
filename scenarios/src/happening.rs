//! What can happen during a run: to the light, the hardware, the network, and by people's hands.

use chrono::{DateTime, Utc};
use device_model::PowerSource;
use firmware::{AccountCommand, Command, Configuration, Function};
use golden::Recipient;
use serde::{Deserialize, Serialize};

use crate::file::{DURATION_MAX_S, clock_problem, is_at, rtc};
use crate::network::Fault;
use crate::vendor::Package;

/// The highest voltage that DI takes (guide §2.2).
const DI_MAX_V: f64 = 5.0;
/// The highest voltage that anybody wires to DO, V: a three-phase line's, by mistake.
const WIRED_MAX_V: f64 = 400.0;

/// Something that happens during a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Seconds after the run's beginning.
    pub at_s: f64,
    /// What happens.
    pub event: Happening,
}

/// What can happen during a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Happening {
    /// The light changes to this level, lx.
    Lux(f64),
    /// The device's clock jumps: something is wrong with the chip, or its battery.
    Clock(DateTime<Utc>),
    /// A person sets the device's clock.
    SetClock(DateTime<Utc>),
    /// The device is configured anew, all of it.
    Configure(Box<Configuration>),
    /// A person imports a configuration, the text of an exported file.
    Import(String),
    /// A person exports the configuration.
    Export,
    /// A person imports what was exported last.
    ImportExported,
    /// A person does something about the account: activates the device, logs in, changes the password.
    Account(AccountCommand),
    /// A person tests the connection to one of a function's URLs.
    TestConnection {
        /// Whose.
        function: Function,
        /// *URL 1*, *URL 2* or *URL 3*.
        url: usize,
    },
    /// A voltage is put on DI and stays there; 0 V at first.
    Di {
        /// 0 to 5 V.
        volts: f64,
    },
    /// A button on DI is pressed. Its contact bounces.
    PressDi {
        /// How long it is held, seconds.
        for_s: f64,
    },
    /// Somebody sends this text to the device by RS485.
    Rs485(String),
    /// A circuit is wired to DO and COM. More than 12 V or 0.5 A welds the contact together.
    WireDo {
        /// Across the open contact.
        volts: f64,
        /// All of the circuit's resistance.
        ohms: f64,
    },
    /// The reset button is held down.
    PressReset {
        /// How long, seconds.
        for_s: f64,
    },
    /// A person resets the device to the factory's settings.
    Reset {
        /// *Keep the IP Configuration*.
        #[serde(default)]
        keep_ip: bool,
        /// *Keep the User Information*.
        #[serde(default)]
        keep_users: bool,
    },
    /// A person has the device start anew.
    Reboot,
    /// A person upgrades the device.
    Upgrade {
        /// Of the program in the package.
        software_version: String,
        /// What kind of package it is.
        #[serde(default)]
        package: Package,
        /// *Reset after Upgrading*.
        #[serde(default)]
        reset_after: bool,
    },
    /// From now on something is wrong with the way to a recipient.
    NetworkFault {
        /// One of the recipients, by its address.
        recipient: String,
        /// What.
        fault: Fault,
    },
    /// The way to a recipient is good again.
    NetworkRestored {
        /// One of the recipients, by its address.
        recipient: String,
    },
    /// Somebody connects to a port of the device and takes what it sends: a client of *Realtime Location Push*.
    ConnectClient {
        /// What the client is called.
        client: String,
        /// The device's port.
        port: u16,
    },
    /// The client takes nothing more, and does not say so.
    StopClient {
        /// Which.
        client: String,
    },
    /// The client closes its connection.
    DisconnectClient {
        /// Which.
        client: String,
    },
    /// The device's network cable is pulled out, and with it goes PoE. (Faults further up the network are [`NetworkFault`](Self::NetworkFault)s
    /// and take no power away. A decision.)
    UnplugCable,
    /// The cable is in again.
    PlugCable,
    /// A source, or each, gives nothing any more. The device loses its power when no other supplies it. A switch that gives no PoE goes on
    /// switching (a decision: its budget is spent, or the port's PoE is off).
    PowerCut {
        /// Which; every one that the device is connected to if not given.
        #[serde(default)]
        source: Option<PowerSource>,
        /// Only when so many more bytes were programmed or erased on its flash, in the middle of the next; at once if not given.
        #[serde(default)]
        after_flash_bytes: Option<u64>,
    },
    /// Every source is in order again; the device starts if it was without power.
    PowerOn,
    /// One source is in order again.
    PowerRestored {
        /// Which.
        source: PowerSource,
    },
    /// What a source gives changes to this voltage.
    PowerSags {
        /// Which.
        source: PowerSource,
        /// Volts at the device.
        volts: f64,
    },
}

impl Happening {
    /// What is wrong with it: the field, with a dot before it, and what would be right.
    pub(crate) fn problems(&self, recipients: &[Recipient]) -> Vec<(String, String)> {
        let one = |field: &str, words: String| vec![(field.to_owned(), words)];
        match self {
            Happening::Lux(lux) if !(0.0..=100_000.0).contains(lux) => {
                one("", format!("{lux} lx is out of 0 to 100,000 lx"))
            }
            Happening::Clock(time) | Happening::SetClock(time) => {
                clock_problem(time).map_or_else(Vec::new, |words| one("", words))
            }
            Happening::Di { volts } if !(0.0..=DI_MAX_V).contains(volts) => {
                one(".volts", format!("{volts} V is out of 0 to {DI_MAX_V} V"))
            }
            Happening::PressDi { for_s } | Happening::PressReset { for_s }
                if !(0.0..=DURATION_MAX_S).contains(for_s) =>
            {
                one(".for_s", format!("{for_s} s is out of 0 to a week"))
            }
            Happening::WireDo { volts, .. } if !(0.0..=WIRED_MAX_V).contains(volts) => {
                one(".volts", format!("{volts} V is out of 0 to {WIRED_MAX_V} V"))
            }
            Happening::WireDo { ohms, .. } if !(0.001..=1e9).contains(ohms) => {
                one(".ohms", format!("{ohms} Ω is out of 0.001 Ω to 1 GΩ"))
            }
            // It becomes the name of a file.
            Happening::ConnectClient { client, .. }
                if !(1..=64).contains(&client.len()) || !client.chars().all(is_of_a_name) =>
            {
                one(".client", format!("`{client}` is no name: 1 to 64 bytes of letters, digits, `-` and `_`"))
            }
            Happening::ConnectClient { port: 0, .. } => one(".port", "0 is no port: 1 to 65535".to_owned()),
            Happening::Upgrade { software_version, .. } if !(1..=64).contains(&software_version.len()) => {
                one(".software_version", "must be 1 to 64 bytes long".to_owned())
            }
            Happening::NetworkFault { recipient, fault } => match named(recipient, recipients) {
                Ok(recipient) => fault.problem(recipient).map_or_else(Vec::new, |words| one(".fault", words)),
                Err(words) => one(".recipient", words),
            },
            Happening::NetworkRestored { recipient } => {
                named(recipient, recipients).map_or_else(|words| one(".recipient", words), |_| vec![])
            }
            Happening::Configure(configuration) => {
                let problems = configuration.validate().into_iter();
                problems.map(|problem| (format!(".{}", problem.path), problem.message)).collect()
            }
            Happening::Lux(_)
            | Happening::Di { .. }
            | Happening::WireDo { .. }
            | Happening::Rs485(_)
            | Happening::PressDi { .. }
            | Happening::PressReset { .. }
            | Happening::Import(_)
            | Happening::Export
            | Happening::ImportExported
            | Happening::Account(_)
            | Happening::TestConnection { .. }
            | Happening::Reset { .. }
            | Happening::Reboot
            | Happening::Upgrade { .. }
            | Happening::ConnectClient { .. }
            | Happening::StopClient { .. }
            | Happening::DisconnectClient { .. }
            | Happening::UnplugCable
            | Happening::PlugCable
            | Happening::PowerCut { .. }
            | Happening::PowerOn
            | Happening::PowerRestored { .. }
            | Happening::PowerSags { .. } => vec![],
        }
    }
}

impl Happening {
    /// Whether the device may say no to it.
    pub(crate) fn can_be_refused(&self) -> bool {
        use Happening::{ConnectClient, Export, ImportExported};
        matches!(self, ConnectClient { .. } | Export | ImportExported) || self.command().is_some()
    }

    /// What a person has the device do, with the words for it, if that is what happens.
    pub(crate) fn command(&self) -> Option<(&'static str, Command)> {
        Some(match self {
            Happening::Configure(configuration) => {
                ("configured anew", Command::Configure(Box::new((**configuration).clone())))
            }
            Happening::Import(file) => ("a person imports a configuration", Command::Import(file.clone())),
            Happening::SetClock(time) => ("a person sets the clock", Command::SetClock(rtc(*time))),
            Happening::Account(command) => {
                let words = match command {
                    AccountCommand::Activate { .. } => "a person activates it",
                    AccountCommand::Login { .. } => "a person logs in",
                    AccountCommand::ChangePassword { .. } => "a person changes the password",
                    AccountCommand::SetSecurityQuestions { .. } => "a person sets security questions",
                    AccountCommand::Recover { .. } => "a person answers the security questions",
                };
                (words, Command::Account(command.clone()))
            }
            Happening::TestConnection { function, url } => {
                ("a person tests a connection", Command::TestConnection { function: *function, url: *url })
            }
            Happening::Reset { keep_ip, keep_users } => {
                ("a person resets it", Command::Reset { keep_ip: *keep_ip, keep_users: *keep_users })
            }
            Happening::Reboot => ("a person has it start anew", Command::Reboot),
            Happening::Upgrade { software_version, package, reset_after } => {
                let file = package.file(software_version);
                ("a person upgrades it", Command::Upgrade { file, reset_after: *reset_after })
            }
            _ => return None,
        })
    }
}

fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || "-_".contains(c)
}

/// The recipient of this address.
fn named<'r>(address: &str, recipients: &'r [Recipient]) -> Result<&'r Recipient, String> {
    recipients.iter().find(|one| is_at(one, address)).ok_or_else(|| {
        let known: Vec<&str> = recipients.iter().map(|one| one.address.as_str()).collect();
        format!("`{address}` is none of the recipients: {}", known.join(", "))
    })
}
