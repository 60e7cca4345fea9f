//! Lengths as people read them.

/// What lengths are told in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Units {
    /// Metres.
    #[default]
    Metres,
    /// International feet.
    Feet,
}

/// Of the international foot.
const FOOT_M: f64 = 0.3048;

impl Units {
    /// The unit's sign.
    pub fn sign(self) -> &'static str {
        match self {
            Units::Metres => "m",
            Units::Feet => "ft",
        }
    }

    /// How much a length is in it.
    pub fn of(self, metres: f64) -> f64 {
        match self {
            Units::Metres => metres,
            Units::Feet => metres / FOOT_M,
        }
    }

    /// A length of so many metres: to the centimetre, or to a tenth of a foot as the guide has it.
    pub fn length(self, metres: f64) -> String {
        match self {
            Units::Metres => format!("{} m", trimmed(format!("{metres:.2}"))),
            Units::Feet => format!("{:.1} ft", self.of(metres)),
        }
    }

    /// A rectangle, as the guide writes it.
    pub fn size(self, [x, y]: [f64; 2]) -> String {
        format!("{} × {}", self.length(x), self.length(y))
    }

    /// A place in the room.
    pub fn place(self, [x, y]: [f64; 2]) -> String {
        let number = |metres: f64| match self {
            Units::Metres => trimmed(format!("{metres:.2}")),
            Units::Feet => format!("{:.1}", self.of(metres)),
        };
        format!("({}, {}) {}", number(x), number(y), self.sign())
    }

    /// An area of so many square metres.
    pub fn area(self, square_metres: f64) -> String {
        match self {
            Units::Metres => format!("{square_metres:.1} m²"),
            Units::Feet => format!("{:.0} ft²", square_metres / (FOOT_M * FOOT_M)),
        }
    }
}

/// A decimal fraction without zeros at its end.
fn trimmed(number: String) -> String {
    number.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_told_as_the_guide_has_them() {
        for (metres, in_metres, in_feet) in [(2.5, "2.5 m", "8.2 ft"), (3.0, "3 m", "9.8 ft"), (0.0, "0 m", "0.0 ft")] {
            assert_eq!((Units::Metres.length(metres), Units::Feet.length(metres)), (in_metres.into(), in_feet.into()));
        }
        assert_eq!(Units::Metres.size([4.4, 5.7]), "4.4 m × 5.7 m");
        assert_eq!(Units::Metres.place([1.25, 10.0]), "(1.25, 10) m");
        assert_eq!((Units::Metres.area(20.0), Units::Feet.area(20.0)), ("20.0 m²".into(), "215 ft²".into()));
    }
}
