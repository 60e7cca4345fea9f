//! A device's figures: what one would read in its data sheet, as plain data.
//!
//! Profiles are RON files, and callers may vary them in code; [`Profile::problems`] judges both.

use std::ops::RangeInclusive;
use std::time::Duration;

use firmware_shim::{Lens, Mounting, View};
use glam::{DVec2, DVec3};
use include_dir::{Dir, include_dir};
use ron_file::{FileError, FileErrors, RonFile};
use serde::{Deserialize, Serialize};

use crate::radiance::Pinhole;

/// Everything about a device that makes its pictures what they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The maker's name of the model.
    pub model: String,
    /// The lens.
    pub optics: Optics,
    /// The analysis stream.
    pub image: ImageStream,
    /// The chip.
    pub sensor: SensorChip,
    /// Automatic exposure.
    pub exposure: ExposureControl,
    /// How the device hangs unless a scenario says otherwise.
    pub mounting: MountingDefault,
}

/// The lens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optics {
    /// Full angle across the image's width at its middle row, in degrees.
    pub horizontal_angle_deg: f64,
    /// k1 … k4 of [`Lens`].
    pub distortion: [f64; 4],
    /// Focal length over the diameter of the entrance pupil.
    pub f_number: f64,
    /// The part of the light the glass passes on the axis.
    pub transmission: f64,
    /// `p` of the fall-off `cosᵖ θ` towards the edge; the processor corrects it, the noise it brings stays.
    pub falloff_exponent: f64,
}

/// The stream of frames that analysis sees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageStream {
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Frames per second.
    pub frame_rate_hz: f64,
    /// From the end of an exposure until firmware has the frame, in milliseconds.
    pub latency_ms: f64,
}

/// The chip. An image pixel sums several photosites of each colour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SensorChip {
    /// Side of a photosite in micrometres.
    pub pixel_pitch_um: f64,
    /// Photosites that one channel of one image pixel sums.
    pub photosites_per_channel: u16,
    /// Electrons per photon.
    pub quantum_efficiency: f64,
    /// Electrons one photosite holds; converts to white at gain 1.
    pub full_well_e: f64,
    /// Standard deviation in electrons of reading one photosite.
    pub read_noise_e: f64,
    /// Bits of the converter.
    pub adc_bits: u8,
    /// What the converter delivers in darkness.
    pub black_level_dn: u16,
}

impl SensorChip {
    /// The largest number the converter delivers.
    pub(crate) fn dn_max(&self) -> u16 {
        u16::try_from((1u32 << self.adc_bits.min(16)) - 1).unwrap_or(u16::MAX)
    }
}

/// Limits and manners of the automatic exposure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExposureControl {
    /// Shortest integration in milliseconds.
    pub time_min_ms: f64,
    /// Longest integration in milliseconds, no more than a frame period.
    pub time_max_ms: f64,
    /// Largest gain; the smallest is 1.
    pub gain_max: f64,
    /// The 8-bit sRGB level of the mean linear signal to aim at.
    pub target_level: u8,
    /// Integration of the first frames in milliseconds.
    pub start_time_ms: f64,
    /// Gain of the first frames.
    pub start_gain: f64,
    /// The part of an error, as a logarithm, that one correction takes away.
    pub speed: f64,
    /// Natural logarithm of the error that is left alone.
    pub dead_band: f64,
}

/// [`Mounting`] in the units people measure in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MountingDefault {
    /// Height of the lens above the floor in metres.
    pub height_m: f64,
    /// Counter-clockwise seen from above, in degrees.
    pub rotation_deg: f64,
    /// From straight down towards the image's up, in degrees.
    pub tilt_deg: f64,
}

static LIBRARY: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/library");

/// The largest angle to the axis, in degrees, that a rectilinear picture can show with a reasonable number of pixels.
const CORNER_DEG_MAX: f64 = 75.0;
/// Rendered pixels per pixel of the lens image on the axis, each way.
const RENDER_DENSITY: f64 = 1.2;

impl Profile {
    /// The names of the profiles that come with the program.
    pub fn library_names() -> Vec<String> {
        let stems = LIBRARY.files().filter_map(|file| file.path().file_stem()?.to_str());
        let mut names: Vec<String> = stems.map(str::to_owned).collect();
        names.sort();
        names
    }

    /// A profile that comes with the program, by name.
    pub fn library(name: &str) -> Result<Self, FileErrors> {
        let text = LIBRARY.get_file(format!("{name}.ron")).and_then(|file| file.contents_utf8());
        let title = format!("library:{name}");
        match text {
            Some(text) => Self::from_file(&RonFile::embedded(title, text)),
            None => Err(FileErrors::from(FileError {
                file: title,
                line: None,
                column: None,
                field: String::new(),
                message: format!("no such device profile, expected one of {}", Self::library_names().join(", ")),
            })),
        }
    }

    /// A profile from a file, with all that is wrong with it.
    pub fn from_file(file: &RonFile) -> Result<Self, FileErrors> {
        let profile: Profile = file.parse()?;
        let problems = profile.problems();
        FileErrors::check(problems.into_iter().map(|(field, message)| file.problem(field, message)).collect())?;
        Ok(profile)
    }

    /// What no such device could have, as field and message.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let Profile { optics, image, sensor, exposure, mounting, .. } = self;
        let mut problems = Vec::new();
        let mut within = |field, value: f64, range: RangeInclusive<f64>, unit: &str| {
            if !range.contains(&value) {
                problems.push((field, format!("is {value}, expected {} to {}{unit}", range.start(), range.end())));
            }
        };
        within("optics.horizontal_angle_deg", optics.horizontal_angle_deg, 10.0..=150.0, "°");
        within("optics.f_number", optics.f_number, 0.7..=32.0, "");
        within("optics.transmission", optics.transmission, 0.01..=1.0, "");
        within("optics.falloff_exponent", optics.falloff_exponent, 0.0..=6.0, "");
        within("image.width", f64::from(image.width), 16.0..=4096.0, " pixels");
        within("image.height", f64::from(image.height), 16.0..=4096.0, " pixels");
        within("image.frame_rate_hz", image.frame_rate_hz, 0.1..=120.0, " Hz");
        // A frame cannot be there before its exposure ends.
        within("image.latency_ms", image.latency_ms, self.exposure.time_max_ms / 2.0..=1000.0, " ms");
        within("sensor.pixel_pitch_um", sensor.pixel_pitch_um, 0.5..=50.0, " µm");
        within("sensor.photosites_per_channel", f64::from(sensor.photosites_per_channel), 1.0..=1024.0, "");
        within("sensor.quantum_efficiency", sensor.quantum_efficiency, 0.01..=1.0, "");
        within("sensor.full_well_e", sensor.full_well_e, 100.0..=1e6, " electrons");
        within("sensor.read_noise_e", sensor.read_noise_e, 0.0..=1000.0, " electrons");
        within("sensor.adc_bits", f64::from(sensor.adc_bits), 8.0..=16.0, "");
        within("sensor.black_level_dn", f64::from(sensor.black_level_dn), 0.0..=f64::from(sensor.dn_max() / 4), "");
        let period_ms = 1000.0 / image.frame_rate_hz;
        within("exposure.time_max_ms", exposure.time_max_ms, 0.001..=period_ms, " ms, the frame period");
        within("exposure.time_min_ms", exposure.time_min_ms, 0.001..=exposure.time_max_ms, " ms, the longest time");
        within("exposure.gain_max", exposure.gain_max, 1.0..=1000.0, "");
        within("exposure.target_level", f64::from(exposure.target_level), 1.0..=254.0, "");
        within("exposure.start_time_ms", exposure.start_time_ms, exposure.time_min_ms..=exposure.time_max_ms, " ms");
        within("exposure.start_gain", exposure.start_gain, 1.0..=exposure.gain_max, "");
        within("exposure.speed", exposure.speed, 0.01..=1.0, "");
        within("exposure.dead_band", exposure.dead_band, 0.0..=0.5, "");
        within("mounting.height_m", mounting.height_m, 1.0..=20.0, " m");
        within("mounting.rotation_deg", mounting.rotation_deg, -360.0..=360.0, "°");
        within("mounting.tilt_deg", mounting.tilt_deg, -60.0..=60.0, "°");
        if problems.is_empty() {
            problems.extend(self.lens_problem());
        }
        problems
    }

    /// A lens whose image folds back on itself, or whose corners look too far to the side.
    fn lens_problem(&self) -> Option<(&'static str, String)> {
        let lens = self.lens();
        let corner_px = DVec2::new(f64::from(lens.width), f64::from(lens.height)).length() / 2.0;
        let mut before = 0.0;
        for tenth_deg in 1..=(CORNER_DEG_MAX * 10.0) as u32 {
            let angle = (f64::from(tenth_deg) / 10.0).to_radians();
            let at = lens.project(DVec3::new(angle.sin(), 0.0, angle.cos()))?;
            let radius_px = at.x - f64::from(lens.width) / 2.0;
            if !(radius_px > before && radius_px.is_finite()) {
                let message = format!("folds the image back on itself at {:.1}° off the axis", angle.to_degrees());
                return Some(("optics.distortion", message));
            }
            if radius_px >= corner_px && angle.to_degrees() >= self.optics.horizontal_angle_deg / 2.0 {
                return None;
            }
            before = radius_px;
        }
        let message = format!(
            "makes the image's corners look more than {CORNER_DEG_MAX}° off the axis, which cannot be rendered"
        );
        Some(("optics.horizontal_angle_deg", message))
    }

    /// The lens on the analysis image.
    pub fn lens(&self) -> Lens {
        let angle = self.optics.horizontal_angle_deg.to_radians();
        Lens::with_horizontal_angle(self.image.width, self.image.height, angle, self.optics.distortion)
    }

    /// The view of the device as it hangs by default.
    pub fn view(&self) -> View {
        View { lens: self.lens(), mounting: self.mounting.mounting() }
    }

    /// From the start of one frame to the start of the next.
    pub fn frame_period(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.image.frame_rate_hz)
    }

    /// From the middle of an exposure until firmware has the frame.
    pub fn latency(&self) -> Duration {
        Duration::from_secs_f64(self.image.latency_ms * 1e-3)
    }

    /// What must be rendered: all that the lens sees, [`RENDER_DENSITY`] times as dense as the lens image on the axis, so
    /// that edges are smoothed. The width is a multiple of 8.
    pub fn pinhole(&self) -> Pinhole {
        let lens = self.lens();
        let (width, height) = (f64::from(lens.width), f64::from(lens.height));
        // The outermost rays are at the image's border, at its corners or, for a lens that bends the other way, between.
        let along_x = (0..=lens.width).flat_map(|x| [0.0, height].map(|y| DVec2::new(f64::from(x), y)));
        let along_y = (0..=lens.height).flat_map(|y| [0.0, width].map(|x| DVec2::new(x, f64::from(y))));
        let rays = along_x.chain(along_y).filter_map(|pixel| lens.unproject(pixel));
        let reach = rays.map(|ray| (ray.truncate() / ray.z).abs()).fold(DVec2::ZERO, DVec2::max);
        let columns = (2.0 * reach.x * lens.focal_px * RENDER_DENSITY / 8.0).round().max(1.0) * 8.0;
        let pixel_tan = 2.0 * reach.x / columns;
        let rows = (2.0 * reach.y / pixel_tan).ceil().max(2.0);
        Pinhole { width: columns as u32, height: rows as u32, tan_half_x: reach.x, tan_half_y: rows * pixel_tan / 2.0 }
    }
}

impl MountingDefault {
    /// In the units of calculation.
    pub fn mounting(&self) -> Mounting {
        Mounting {
            height_m: self.height_m,
            rotation_rad: self.rotation_deg.to_radians(),
            tilt_rad: self.tilt_deg.to_radians(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standard() -> Profile {
        Profile::library("vs121-p-standard").unwrap()
    }

    #[test]
    fn every_profile_of_the_library_is_sound() {
        let names = Profile::library_names();
        assert!(names.contains(&"vs121-p-standard".to_owned()), "{names:?}");
        for name in names {
            Profile::library(&name).unwrap_or_else(|errors| panic!("{errors}"));
        }
    }

    #[test]
    fn the_recommended_ranges_of_the_guide_are_in_the_picture() {
        // Guide §6.1: height, then the range along the image's short and long side, in metres.
        let standard = [(2.5, 3.0, 4.0), (3.0, 4.4, 5.7), (3.5, 4.9, 6.4), (4.0, 5.6, 7.4)];
        let high_ceiling = [(5.0, 3.5, 10.0), (6.0, 4.5, 12.0), (7.0, 5.5, 14.0)];
        let rows = standard.map(|row| ("vs121-p-standard", row)).into_iter();
        for (name, (height_m, short, long)) in rows.chain(high_ceiling.map(|row| ("vs121-p-high-ceiling", row))) {
            let mut profile = Profile::library(name).unwrap();
            profile.mounting.height_m = height_m;
            let view = profile.view();
            for (x, y) in [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)] {
                let corner = DVec3::new(x * long / 2.0, y * short / 2.0, 0.0);
                let pixel = view.pixel(corner).expect("in the lens's field");
                assert!(view.lens.contains(pixel), "{corner} is seen at {pixel} from {height_m} m");
            }
            const SEATED_HEAD_M: f64 = 1.2;
            for (x, y) in [(long / 2.0, 0.0), (0.0, short / 2.0)] {
                let head = DVec3::new(x, y, SEATED_HEAD_M);
                let pixel = view.pixel(head).expect("in the lens's field");
                assert!(view.lens.contains(pixel), "a head at {head} is seen at {pixel} from {height_m} m");
            }
        }
    }

    #[test]
    fn the_rendered_picture_holds_all_that_the_lens_sees_and_little_more() {
        for angle in [40.0, 95.0, 118.0] {
            let mut profile = standard();
            profile.optics.horizontal_angle_deg = angle;
            let (lens, pinhole) = (profile.lens(), profile.pinhole());
            let size = DVec2::new(f64::from(pinhole.width), f64::from(pinhole.height));
            let mut reach = DVec2::ZERO;
            for y in 0..=lens.height {
                for x in 0..=lens.width {
                    let ray = lens.unproject(DVec2::new(f64::from(x), f64::from(y))).unwrap();
                    reach = reach.max((pinhole.project(ray) - size / 2.0).abs());
                }
            }
            assert!((reach - 1e-6).cmple(size / 2.0).all(), "{reach} is outside {size}");
            assert!((size / 2.0 - reach).cmple(DVec2::ONE).all(), "{reach} leaves room in {size}");
            assert_eq!(pinhole.width % 8, 0);
            let density = size / 2.0 / DVec2::new(pinhole.tan_half_x, pinhole.tan_half_y);
            assert!((density.x - density.y).abs() < 1e-6, "pixels are square: {density}");
            let ratio = density.x / lens.focal_px / RENDER_DENSITY;
            assert!((0.98..1.02).contains(&ratio), "{density} for {}", lens.focal_px);
        }
        let standard = standard().pinhole();
        assert_eq!((standard.width, standard.height), (400, 300));
    }

    #[test]
    fn a_mistake_is_named_with_its_place_and_the_range() {
        let text = LIBRARY.get_file("vs121-p-standard.ron").unwrap().contents_utf8().unwrap();
        let told = |from: &str, to: &str| {
            assert!(text.contains(from));
            Profile::from_file(&RonFile::embedded("device.ron", text.replace(from, to))).unwrap_err().to_string()
        };
        let line_of = |needle: &str| 1 + text.lines().position(|line| line.contains(needle)).unwrap();
        assert_eq!(
            told("time_max_ms: 33.0", "time_max_ms: 250.0").lines().last().unwrap(),
            format!(
                "device.ron:{}:22: exposure.time_max_ms: is 250, expected 0.001 to 100 ms, the frame period",
                line_of("time_max_ms")
            )
        );
        let two = told("width: 320,\n        height: 240", "width: 0,\n        height: 99999");
        assert_eq!(two.lines().count(), 2, "{two}");
        assert!(told("f_number: 2.0", "f_number: NaN").contains("optics.f_number: is NaN, expected 0.7 to 32"));
        assert!(told("f_number", "f_nmber").contains("did you mean `f_number`?"));
        assert!(told("angle_deg: 118.0", "angle_deg: 150.0").contains("corners look more than 75° off the axis"));
        assert!(told("(0.3333333333,", "(-2.9,").contains("optics.distortion: folds the image back"));
    }

    #[test]
    fn an_unknown_profile_is_told_with_those_there_are() {
        let error = Profile::library("vs999").unwrap_err().to_string();
        assert_eq!(
            error,
            "library:vs999: no such device profile, expected one of vs121-p-high-ceiling, vs121-p-standard"
        );
    }
}
