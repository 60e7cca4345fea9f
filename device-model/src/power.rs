//! The two ways in for power (guide §3): PoE at the network port, and 5 V at the terminal block.
//!
//! Knows nothing of what runs on it.

use serde::{Deserialize, Serialize};

/// A way in for power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PowerSource {
    /// 802.3af, over the network's cable.
    Poe,
    /// The adapter at pins 1 and 2.
    Dc,
}

impl PowerSource {
    /// Each of them.
    pub const ALL: [PowerSource; 2] = [PowerSource::Poe, PowerSource::Dc];
}

/// Figures of one way in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PowerInput {
    /// What a source in order gives, V.
    pub nominal_v: f64,
    /// From this voltage on it supplies the device, V.
    pub turns_on_v: f64,
    /// Below this one it does not any more, V. Between the two it goes on as before.
    pub turns_off_v: f64,
    /// More than this it does not bear, V.
    pub max_v: f64,
}

/// Both ways in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PowerInputs {
    /// PoE.
    pub poe: PowerInput,
    /// DC.
    pub dc: PowerInput,
}

impl PowerInputs {
    /// The figures of one way in.
    pub fn of(&self, source: PowerSource) -> &PowerInput {
        match source {
            PowerSource::Poe => &self.poe,
            PowerSource::Dc => &self.dc,
        }
    }
}

/// What a device is supplied by. It runs while either way in supplies it: both feed one rail through diodes, so that going over from one to the
/// other is not felt (assumed: the guide says "choose one", and forbids neither both nor a change).
#[derive(Clone, Copy, Debug)]
pub struct PowerSupply {
    inputs: PowerInputs,
    poe: Feed,
    dc: Feed,
    cable_is_in: bool,
}

/// What comes at one way in.
#[derive(Clone, Copy, Debug)]
struct Feed {
    /// `None` when nothing is connected there.
    volts: Option<f64>,
    supplies: bool,
}

impl Feed {
    fn take(&mut self, volts: f64, input: &PowerInput) {
        self.supplies = volts >= if self.supplies { input.turns_off_v } else { input.turns_on_v };
    }
}

impl PowerSupply {
    /// A device that is connected to these sources, all in order, with its network cable in.
    pub fn new(inputs: PowerInputs, connected: &[PowerSource]) -> Self {
        let feed = |source| {
            let is_connected = connected.contains(&source);
            Feed { volts: is_connected.then(|| inputs.of(source).nominal_v), supplies: is_connected }
        };
        PowerSupply { inputs, poe: feed(PowerSource::Poe), dc: feed(PowerSource::Dc), cable_is_in: true }
    }

    /// What a source gives from now on, V; nothing happens when it is not connected.
    pub fn put(&mut self, source: PowerSource, volts: f64) {
        let feed = self.feed_mut(source);
        feed.volts = feed.volts.map(|_| volts);
        self.settle();
    }

    /// A source is in order again.
    pub fn restore(&mut self, source: PowerSource) {
        self.put(source, self.inputs.of(source).nominal_v);
    }

    /// Whether the network's cable, over which PoE comes, is in.
    pub fn plug_cable(&mut self, is_in: bool) {
        self.cable_is_in = is_in;
        self.settle();
    }

    fn settle(&mut self) {
        let over_cable = self.poe.volts.filter(|_| self.cable_is_in);
        self.poe.take(over_cable.unwrap_or(0.0), &self.inputs.poe);
        self.dc.take(self.dc.volts.unwrap_or(0.0), &self.inputs.dc);
    }

    /// Whether the device has power.
    pub fn is_on(&self) -> bool {
        self.poe.supplies || self.dc.supplies
    }

    /// What a source gives, V; `None` when it is not connected.
    pub fn volts(&self, source: PowerSource) -> Option<f64> {
        match source {
            PowerSource::Poe => self.poe.volts,
            PowerSource::Dc => self.dc.volts,
        }
    }

    /// Whether the network's cable is in.
    pub fn cable_is_in(&self) -> bool {
        self.cable_is_in
    }

    fn feed_mut(&mut self, source: PowerSource) -> &mut Feed {
        match source {
            PowerSource::Poe => &mut self.poe,
            PowerSource::Dc => &mut self.dc,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PowerSource::{Dc, Poe};
    use super::*;
    use crate::Profile;

    fn supply(connected: &[PowerSource]) -> PowerSupply {
        PowerSupply::new(Profile::library("vs121-p-standard").unwrap().power, connected)
    }

    #[test]
    fn either_way_in_is_enough() {
        let mut both = supply(&[Poe, Dc]);
        let steps = [(Poe, 0.0, true), (Dc, 0.0, false), (Poe, 48.0, true), (Dc, 5.0, true), (Poe, 0.0, true)];
        for (source, volts, is_on) in steps {
            both.put(source, volts);
            assert_eq!(both.is_on(), is_on, "{source:?} at {volts} V: {both:?}");
        }
    }

    #[test]
    fn what_is_not_connected_supplies_nothing() {
        let mut poe = supply(&[Poe]);
        poe.put(Dc, 5.0);
        poe.put(Poe, 0.0);
        assert_eq!((poe.is_on(), poe.volts(Dc)), (false, None));
    }

    #[test]
    fn poe_comes_over_the_cable_and_dc_does_not() {
        let (mut poe, mut dc) = (supply(&[Poe]), supply(&[Dc]));
        for (is_in, is_on) in [(false, false), (true, true)] {
            poe.plug_cable(is_in);
            dc.plug_cable(is_in);
            assert_eq!((poe.is_on(), dc.is_on()), (is_on, true));
        }
        poe.plug_cable(false);
        poe.put(Poe, 0.0);
        poe.plug_cable(true);
        assert!(!poe.is_on(), "the switch gives nothing");
    }

    #[test]
    fn a_voltage_that_sags_is_enough_until_it_turns_off_and_must_come_back_further() {
        let mut dc = supply(&[Dc]);
        let is_on = [4.6, 4.3, 4.1, 4.3, 4.6].map(|volts| {
            dc.put(Dc, volts);
            dc.is_on()
        });
        assert_eq!(is_on, [true, true, false, false, true]);
        let mut poe = supply(&[Poe]);
        let is_on = [37.0, 31.0, 29.0, 37.0, 42.0].map(|volts| {
            poe.put(Poe, volts);
            poe.is_on()
        });
        assert_eq!(is_on, [true, true, false, false, true]);
    }
}
