//! A device's figures: what one would read in its data sheet, as plain data.
//!
//! Profiles are RON files, and callers may vary them in code; [`Profile::problems`] judges both.

use std::time::Duration;

use firmware_shim::{Lens, Mounting, View};
use glam::DVec2;
use include_dir::{Dir, include_dir};
use ron_file::{FileError, FileErrors, RonFile};
use serde::{Deserialize, Serialize};

mod soundness;

use crate::power::PowerInputs;
use crate::radiance::Pinhole;

/// Everything about a device that makes its pictures what they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The maker's name of the model.
    pub model: String,
    /// From power on until firmware is up, in seconds.
    pub start_s: f64,
    /// What it can be supplied by.
    pub power: PowerInputs,
    /// The lens.
    pub optics: Optics,
    /// The analysis stream.
    pub image: ImageStream,
    /// The chip.
    pub sensor: SensorChip,
    /// Automatic exposure.
    pub exposure: ExposureControl,
    /// The image signal processor.
    pub processing: Processing,
    /// Wide dynamic range, when it is switched on.
    pub wide_dynamic_range: WideDynamicRange,
    /// How the device hangs unless a scenario says otherwise.
    pub mounting: MountingDefault,
    /// Where its maker recommends to count people, by ascending height; empty when nothing is known of that.
    #[serde(default)]
    pub recommended: Vec<RecommendedRange>,
}

/// What part of the floor a device is meant for, below it, when it hangs straight down.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecommendedRange {
    /// Of the lens above the floor.
    pub height_m: f64,
    /// Along the picture's width and along its height, metres.
    pub size_m: (f64, f64),
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
    /// Pixels of the main stream for one of these, each way.
    pub main_stream_factor: u32,
    /// Frames per second.
    pub frame_rate_hz: f64,
    /// From the middle of an exposure until firmware has the frame, in milliseconds.
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
    /// Dark signal non-uniformity (EMVA 1288): standard deviation in electrons of what the photosites deliver in darkness,
    /// each always the same.
    pub dsnu_e: f64,
    /// Photo response non-uniformity (EMVA 1288): standard deviation of the photosites' response in percent of its mean.
    pub prnu_percent: f64,
    /// How long after the first row's exposure that of the last begins and ends, in milliseconds (rolling shutter).
    pub readout_ms: f64,
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
    /// The 8-bit sRGB level of the metered linear signal to aim at.
    pub target_level: u8,
    /// What a pixel in the corners counts in metering when one in the centre counts 1.
    pub corner_weight: f64,
    /// A pixel brighter than this many times the target counts as just that.
    pub highlight_cap: f64,
    /// Integration of the first frames in milliseconds.
    pub start_time_ms: f64,
    /// Gain of the first frames.
    pub start_gain: f64,
    /// The part of an error, as a logarithm, that one correction takes away.
    pub speed: f64,
    /// Natural logarithm of the error that is left alone.
    pub dead_band: f64,
}

/// What the image signal processor does to a picture beyond shading correction and encoding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Processing {
    /// Part of the difference between luminance and its 3×3 blur that is added to it; 0 is off.
    pub sharpening: f64,
    /// Automatic white balance.
    pub white_balance: WhiteBalanceControl,
}

/// Limits and manners of the automatic white balance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhiteBalanceControl {
    /// Largest ratio of two channels' gains; 1 is off.
    pub range: f64,
    /// The part of a cast, as a logarithm, that one correction takes away.
    pub speed: f64,
    /// What has a smaller ratio than this between its strongest and weakest channel is taken for grey.
    pub grey_ratio_max: f64,
}

/// Two exposures of each frame merged into one picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WideDynamicRange {
    /// Integration of the long exposure over that of the short one.
    pub exposure_ratio: f64,
    /// The part of a region's contrast to the target brightness, as a logarithm, that tone mapping takes away.
    pub compression: f64,
    /// The most that tone mapping brightens a dark region, as a factor of its linear signal.
    pub lift_max: f64,
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

impl ExposureControl {
    /// [`Self::target_level`] as a linear signal, a fraction of white: the inverse of the sRGB transfer function
    /// (IEC 61966-2-1).
    pub fn target(&self) -> f64 {
        let encoded = f64::from(self.target_level) / 255.0;
        if encoded <= 0.04045 { encoded / 12.92 } else { ((encoded + 0.055) / 1.055).powf(2.4) }
    }
}

static LIBRARY: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/library");

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

    /// The lens on the analysis image.
    pub fn lens(&self) -> Lens {
        let angle = self.optics.horizontal_angle_deg.to_radians();
        Lens::with_horizontal_angle(self.image.width, self.image.height, angle, self.optics.distortion)
    }

    /// The same device as its main stream shows it.
    pub fn main_stream(&self) -> Profile {
        let mut profile = self.clone();
        profile.image.width *= self.image.main_stream_factor;
        profile.image.height *= self.image.main_stream_factor;
        profile
    }

    /// The view of the device as it hangs by default.
    pub fn view(&self) -> View {
        View { lens: self.lens(), mounting: self.mounting.mounting() }
    }

    /// From the start of one frame to the start of the next.
    pub fn frame_period(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.image.frame_rate_hz)
    }

    /// From power on until firmware is up.
    pub fn start_time(&self) -> Duration {
        Duration::from_secs_f64(self.start_s)
    }

    /// From the middle of an exposure until firmware has the frame.
    pub fn latency(&self) -> Duration {
        Duration::from_secs_f64(self.image.latency_ms * 1e-3)
    }

    /// What must be rendered: all that the lens sees, `RENDER_DENSITY` times as dense as the lens image on the axis, so
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

impl Profile {
    /// The recommended range at a height, along the picture's width and its height, metres: as stated for heights that are, in a straight
    /// line between them. Below the lowest and above the highest it is as wide as seen from there; nothing is recommended then.
    pub fn recommended_range(&self, height_m: f64) -> DVec2 {
        let size = |row: &RecommendedRange| DVec2::new(row.size_m.0, row.size_m.1);
        let above = self.recommended.iter().position(|row| row.height_m >= height_m);
        let (below, above) = match above {
            Some(i) if i > 0 => (&self.recommended[i - 1], &self.recommended[i]),
            Some(first) => return size(&self.recommended[first]) * height_m / self.recommended[first].height_m,
            None => {
                return self.recommended.last().map_or(DVec2::ZERO, |last| size(last) * height_m / last.height_m);
            }
        };
        let part = (height_m - below.height_m) / (above.height_m - below.height_m);
        size(below).lerp(size(above), part)
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
    use glam::DVec3;

    use super::*;

    fn standard() -> Profile {
        Profile::library("vs121-p-standard").unwrap()
    }

    #[test]
    fn recommended_ranges_are_the_guides_rows_and_straight_lines_between_them() {
        let high = Profile::library("vs121-p-high-ceiling").unwrap();
        let rows = [(2.5, (4.0, 3.0)), (3.0, (5.7, 4.4)), (3.5, (6.4, 4.9)), (4.0, (7.4, 5.6))];
        for (height_m, size_m) in rows {
            assert_eq!(standard().recommended_range(height_m), DVec2::from(size_m));
        }
        for (height_m, size_m) in [(5.0, (10.0, 3.5)), (6.0, (12.0, 4.5)), (7.0, (14.0, 5.5))] {
            assert_eq!(high.recommended_range(height_m), DVec2::from(size_m));
        }
        assert!(standard().recommended_range(2.75).distance(DVec2::new(4.85, 3.7)) < 1e-9);
        assert!(standard().recommended_range(2.0).distance(DVec2::new(3.2, 2.4)) < 1e-9);
        assert!(high.recommended_range(8.0).distance(DVec2::new(16.0, 5.5 * 8.0 / 7.0)) < 1e-9);
        let mut silent = standard();
        silent.recommended.clear();
        assert_eq!(silent.recommended_range(3.0), DVec2::ZERO);
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
        assert_eq!((standard.width, standard.height), (464, 348));
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
