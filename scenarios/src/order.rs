//! Whether what happens in a timeline can happen after what happened before: nothing comes back that was not away.
//!
//! Knows nothing of what the device makes of it.

use std::collections::{BTreeMap, BTreeSet};

use device_model::{PowerInputs, PowerSource, PowerSupply};
use golden::host_and_port;

use crate::{Event, Happening};

/// What cannot happen when it is to, as (field, words).
pub(crate) fn problems(timeline: &[Event], inputs: &PowerInputs, connected: &[PowerSource]) -> Vec<(String, String)> {
    let mut so_far = SoFar {
        power: PowerSupply::new(*inputs, connected),
        inputs: *inputs,
        connected: connected.to_vec(),
        clients: BTreeMap::new(),
        faults: BTreeSet::new(),
        was_exported: false,
        reset_held_until_s: f64::NEG_INFINITY,
    };
    let problems = timeline.iter().enumerate().filter_map(|(i, event)| {
        let (field, words) = so_far.take(event).err()?;
        Some((format!("timeline[{i}].event{field}"), words))
    });
    problems.collect()
}

/// A field of an event, with a dot before it, and words.
type Problem = (&'static str, String);

/// What the events up to now have come to.
struct SoFar<'t> {
    power: PowerSupply,
    inputs: PowerInputs,
    connected: Vec<PowerSource>,
    /// Those connected, and whether each has stopped.
    clients: BTreeMap<&'t str, bool>,
    /// Recipients, by host and port, that have one.
    faults: BTreeSet<(String, u16)>,
    was_exported: bool,
    reset_held_until_s: f64,
}

impl<'t> SoFar<'t> {
    fn take(&mut self, Event { at_s, event }: &'t Event) -> Result<(), Problem> {
        match event {
            Happening::PowerCut { source, after_flash_bytes } => self.cut(*source, after_flash_bytes.is_some()),
            Happening::PowerOn => {
                let in_order = |one: &PowerSource| self.power.volts(*one) == Some(self.inputs.of(*one).nominal_v);
                if self.connected.iter().all(in_order) {
                    return Err(("", "no power was cut before: put a PowerCut() above it".to_owned()));
                }
                self.connected.iter().for_each(|one| self.power.restore(*one));
                Ok(())
            }
            Happening::PowerRestored { source } => {
                if self.volts(*source)? == self.inputs.of(*source).nominal_v {
                    let words = format!("{source:?} is in order: put a PowerCut(source: {source:?}) above it");
                    return Err((".source", words));
                }
                self.power.restore(*source);
                Ok(())
            }
            Happening::PowerSags { source, volts } => {
                self.volts(*source)?;
                let max_v = self.inputs.of(*source).max_v;
                if !(0.0..=max_v).contains(volts) {
                    return Err((
                        ".volts",
                        format!("{volts} V is out of 0 to {max_v} V, which the device bears there"),
                    ));
                }
                self.power.put(*source, *volts);
                Ok(())
            }
            Happening::UnplugCable | Happening::PlugCable => {
                let goes_in = matches!(event, Happening::PlugCable);
                if self.power.cable_is_in() == goes_in {
                    let (is, other) = if goes_in { ("in", "an UnplugCable") } else { ("out", "a PlugCable") };
                    return Err(("", format!("the cable is {is} already: put {other} above it")));
                }
                self.power.plug_cable(goes_in);
                Ok(())
            }
            Happening::NetworkFault { recipient, .. } => {
                self.faults.extend(host_and_port(recipient).ok());
                Ok(())
            }
            Happening::NetworkRestored { recipient } => match host_and_port(recipient) {
                Ok(it) if !self.faults.remove(&it) => {
                    Err((".recipient", format!("{recipient} has no fault then: put a NetworkFault above it")))
                }
                _ => Ok(()),
            },
            Happening::ConnectClient { client, .. } => {
                self.clients.insert(client, false);
                Ok(())
            }
            Happening::StopClient { client } => match self.clients.get_mut(client.as_str()) {
                Some(has_stopped) if !*has_stopped => {
                    *has_stopped = true;
                    Ok(())
                }
                Some(_) => Err((".client", format!("{client} has stopped already"))),
                None => Err((".client", not_connected(client))),
            },
            Happening::DisconnectClient { client } => {
                self.clients.remove(client.as_str()).map(|_| ()).ok_or_else(|| (".client", not_connected(client)))
            }
            Happening::PressReset { for_s } => {
                if *at_s < self.reset_held_until_s {
                    return Err(("", format!("the reset button is held until {} s already", self.reset_held_until_s)));
                }
                self.reset_held_until_s = at_s + for_s;
                Ok(())
            }
            Happening::Export => {
                self.was_exported = true;
                Ok(())
            }
            Happening::ImportExported if !self.was_exported => {
                Err(("", "nothing was exported before: put an Export above it".to_owned()))
            }
            _ => Ok(()),
        }
    }

    fn cut(&mut self, source: Option<PowerSource>, waits_for_flash: bool) -> Result<(), Problem> {
        let cut = match source {
            Some(source) => {
                self.volts(source)?;
                vec![source]
            }
            None => self.connected.clone(),
        };
        let field = if source.is_some() { ".source" } else { "" };
        if cut.iter().all(|one| self.power.volts(*one) == Some(0.0)) {
            return Err((field, "was cut before and is not back: put a PowerOn above it".to_owned()));
        }
        let was_on = self.power.is_on();
        cut.iter().for_each(|one| self.power.put(*one, 0.0));
        let loses_power = was_on && !self.power.is_on();
        if waits_for_flash && !loses_power {
            let words = "the device does not lose its power by this, so it cannot do so while it writes";
            return Err((".after_flash_bytes", words.to_owned()));
        }
        Ok(())
    }

    /// What a source that is connected gives.
    fn volts(&self, source: PowerSource) -> Result<f64, Problem> {
        let words = || format!("the device is not connected to it: add {source:?} to device.power");
        self.power.volts(source).ok_or_else(|| (".source", words()))
    }
}

fn not_connected(client: &str) -> String {
    format!("{client} is not connected then: put a ConnectClient above it")
}

#[cfg(test)]
mod tests {
    use device_model::Profile;

    use super::*;

    /// The problems of events, one a second, on a device with both sources.
    fn told(events: &str) -> String {
        let file = ron_file::RonFile::embedded("events", format!("[{events}]"));
        let events: Vec<Happening> = file.parse().expect("events");
        let timeline: Vec<Event> =
            (1..).map(f64::from).zip(events).map(|(at_s, event)| Event { at_s, event }).collect();
        let power = Profile::library("vs121-p-standard").unwrap().power;
        let told = problems(&timeline, &power, &[PowerSource::Poe, PowerSource::Dc]);
        told.iter().map(|(field, words)| format!("{field}: {words}")).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn nothing_comes_back_that_was_not_away() {
        let wrong = [
            ("PowerOn", "timeline[0].event: no power was cut"),
            ("PowerCut(), PowerOn, PowerOn", "timeline[2].event: no power was cut"),
            ("PowerCut(), PowerCut()", "timeline[1].event: was cut before"),
            ("PowerCut(after_flash_bytes: 9), PowerCut()", "timeline[1].event: was cut before"),
            ("PowerCut(source: Dc), PowerCut(source: Dc)", "timeline[1].event.source: was cut before"),
            ("PowerRestored(source: Dc)", "timeline[0].event.source: Dc is in order"),
            (
                "PowerCut(source: Dc, after_flash_bytes: 9)",
                "timeline[0].event.after_flash_bytes: the device does not lose",
            ),
            ("PowerSags(source: Dc, volts: 12)", "timeline[0].event.volts: 12 V is out of 0 to 5.5 V"),
            ("PlugCable", "timeline[0].event: the cable is in already"),
            ("UnplugCable, UnplugCable", "timeline[1].event: the cable is out already"),
            ("NetworkRestored(recipient: \"a:80\")", "timeline[0].event.recipient: a:80 has no fault"),
            ("PressReset(for_s: 3), PressReset(for_s: 1)", "timeline[1].event: the reset button is held until 4 s"),
            ("ImportExported, Export", "timeline[0].event: nothing was exported before"),
            ("StopClient(client: \"c\")", "timeline[0].event.client: c is not connected"),
            (
                "ConnectClient(client: \"c\", port: 1), DisconnectClient(client: \"c\"), DisconnectClient(client: \"c\")",
                "timeline[2].event.client: c is not connected",
            ),
            (
                "ConnectClient(client: \"c\", port: 1), DisconnectClient(client: \"c\"), StopClient(client: \"c\")",
                "timeline[2].event.client: c is not connected",
            ),
            (
                "ConnectClient(client: \"c\", port: 1), StopClient(client: \"c\"), StopClient(client: \"c\")",
                "timeline[2].event.client: c has stopped already",
            ),
        ];
        for (events, words) in wrong {
            let told = told(events);
            assert!(told.starts_with(words) && told.lines().count() == 1, "{events}: {told}");
        }
    }

    #[test]
    fn what_was_away_comes_back() {
        for events in [
            "PowerCut(), PowerOn, PowerCut(after_flash_bytes: 9), PowerOn",
            "PowerCut(source: Poe), PowerCut(source: Dc, after_flash_bytes: 9), PowerRestored(source: Dc), PowerOn",
            "PowerSags(source: Dc, volts: 4.3), PowerRestored(source: Dc), UnplugCable, PlugCable, UnplugCable",
            "PowerCut(source: Poe), PowerCut(), PowerOn",
            "Export, ImportExported",
            "PressReset(for_s: 1), PressReset(for_s: 11)",
            "UnplugCable, PowerCut(source: Poe), PowerRestored(source: Poe)",
            "NetworkFault(recipient: \"a:80\", fault: Refuses), NetworkFault(recipient: \"a:80\", fault: Silent), \
             NetworkRestored(recipient: \"A:80\")",
            "ConnectClient(client: \"c\", port: 1), StopClient(client: \"c\"), DisconnectClient(client: \"c\")",
        ] {
            assert_eq!(told(events), "", "{events}");
        }
    }
}
