//! The DO–COM contact and the circuit that somebody wires to it (guide §2.2: 3.3 to 12 V, at most 500 mA).
//!
//! Knows nothing of why it is driven.

use firmware_shim::Contact;

/// The highest voltage across the contact, V.
const VOLTS_MAX: f64 = 12.0;
/// The highest current through it, A.
const AMPERES_MAX: f64 = 0.5;

/// A circuit in series with the contact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Circuit {
    /// Across the open contact.
    pub volts: f64,
    /// All of its resistance.
    pub ohms: f64,
}

impl Circuit {
    /// What is wrong with the circuit for a contact that is so, if anything is.
    fn overload(&self, contact: Contact) -> Option<Overload> {
        let amperes = self.volts / self.ohms;
        match contact {
            _ if self.volts > VOLTS_MAX => Some(Overload::Volts(self.volts)),
            Contact::Closed if amperes > AMPERES_MAX => Some(Overload::Amperes(amperes)),
            Contact::Open | Contact::Closed => None,
        }
    }
}

/// More than the contact bears.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Overload {
    /// More than 12 V across it.
    Volts(f64),
    /// More than 0.5 A through it.
    Amperes(f64),
}

impl std::fmt::Display for Overload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Overload::Volts(volts) => write!(f, "{volts} V across the DO contact, which bears {VOLTS_MAX} V"),
            Overload::Amperes(amperes) => {
                write!(f, "{amperes:.2} A through the DO contact, which bears {AMPERES_MAX} A")
            }
        }
    }
}

/// The contact. Without power it is open; one that was overloaded is welded together and stays closed (a decision: the guide gives the
/// limits and no more).
#[derive(Clone, Copy, Debug, Default)]
pub struct DigitalOutput {
    driven: Contact,
    circuit: Option<Circuit>,
    is_damaged: bool,
}

impl DigitalOutput {
    /// Firmware drives it so.
    ///
    /// # Errors
    /// The circuit has just damaged the contact.
    pub fn drive(&mut self, contact: Contact) -> Result<(), Overload> {
        self.driven = contact;
        self.bear()
    }

    /// Somebody wires a circuit to it, in place of the one before.
    ///
    /// # Errors
    /// The circuit has just damaged the contact.
    pub fn wire(&mut self, circuit: Circuit) -> Result<(), Overload> {
        self.circuit = Some(circuit);
        self.bear()
    }

    fn bear(&mut self) -> Result<(), Overload> {
        let overload = self.circuit.and_then(|circuit| circuit.overload(self.read()));
        match overload.filter(|_| !self.is_damaged) {
            Some(overload) => {
                self.is_damaged = true;
                Err(overload)
            }
            None => Ok(()),
        }
    }

    /// Whether it conducts.
    pub fn read(&self) -> Contact {
        if self.is_damaged { Contact::Closed } else { self.driven }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_bears_what_the_guide_allows() {
        let mut output = DigitalOutput::default();
        assert_eq!(output.wire(Circuit { volts: 12.0, ohms: 24.0 }), Ok(()));
        for contact in [Contact::Closed, Contact::Open] {
            assert_eq!((output.drive(contact), output.read()), (Ok(()), contact));
        }
    }

    #[test]
    fn too_much_current_welds_it_when_it_closes() {
        let mut output = DigitalOutput::default();
        assert_eq!(output.wire(Circuit { volts: 10.0, ohms: 10.0 }), Ok(()), "it is open");
        assert_eq!(output.drive(Contact::Closed), Err(Overload::Amperes(1.0)));
        assert_eq!((output.drive(Contact::Open), output.read()), (Ok(()), Contact::Closed));
    }

    #[test]
    fn too_high_a_voltage_damages_it_open_too() {
        let mut output = DigitalOutput::default();
        assert_eq!(output.wire(Circuit { volts: 24.0, ohms: 1000.0 }), Err(Overload::Volts(24.0)));
        assert_eq!(output.read(), Contact::Closed);
    }
}
