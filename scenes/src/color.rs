//! Colours as people write them: `"#rrggbb"`, sRGB. What is lit is a surface's reflectance, which is linear.

use serde::{Deserialize, Serialize};

/// An opaque surface colour, sRGB-encoded, 8 bits a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Color {
    /// Red, green, blue.
    pub srgb: [u8; 3],
}

impl Color {
    /// A colour from its three sRGB bytes.
    pub const fn new(r: u8, g: u8, b: u8) -> Self {
        Color { srgb: [r, g, b] }
    }

    /// The diffuse reflectance, 0 to 1 per channel: the sRGB decoding of IEC 61966-2-1.
    pub fn reflectance(self) -> [f32; 3] {
        self.srgb.map(|byte| {
            let v = f32::from(byte) / 255.0;
            if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        })
    }
}

impl TryFrom<String> for Color {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.strip_prefix('#')
            .filter(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .map(|rgb| Color::new((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8))
            .ok_or_else(|| format!("`{text}` is not a colour: write \"#rrggbb\", such as \"#c0a080\""))
    }
}

impl From<Color> for String {
    fn from(color: Color) -> String {
        let [r, g, b] = color.srgb;
        format!("#{r:02x}{g:02x}{b:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_six_hex_digits_and_anything_else_is_explained() {
        assert_eq!(Color::try_from("#ff8000".to_owned()), Ok(Color::new(255, 128, 0)));
        for wrong in ["ff8000", "#ff800", "#ff80000", "#gg8000", "#+f8000", "red", "", "#ä8000", "#ff80é"] {
            assert!(Color::try_from(wrong.to_owned()).is_err(), "{wrong} passed");
        }
    }

    #[test]
    fn reflectance_of_middle_grey_is_about_a_fifth() {
        let [r, ..] = Color::new(119, 119, 119).reflectance();
        assert!((r - 0.184).abs() < 0.002, "{r}");
        assert_eq!(Color::new(255, 255, 255).reflectance(), [1.0; 3]);
    }
}
