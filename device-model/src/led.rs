//! The LED, as somebody sees it who looks at the device (guide §2.3: on while the device is on).
//!
//! Knows nothing of why it is driven.

/// The LED. Without power it is dark; with power and nobody to drive it, as while the device starts, it is lit, for the guide has it on whenever the
/// device is (a decision: a pull-up at its driver).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Led {
    /// No power.
    Dark,
    /// Power, and no firmware yet.
    Undriven,
    /// Firmware drives it on or off.
    Driven {
        /// On.
        on: bool,
    },
}

impl Led {
    /// Whether it is lit.
    pub fn is_lit(self) -> bool {
        match self {
            Led::Dark => false,
            Led::Undriven => true,
            Led::Driven { on } => on,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_lit_with_power_unless_firmware_says_otherwise() {
        let leds = [Led::Dark, Led::Undriven, Led::Driven { on: true }, Led::Driven { on: false }];
        assert_eq!(leds.map(Led::is_lit), [false, true, true, false]);
    }
}
