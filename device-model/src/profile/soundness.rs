//! What makes a profile impossible: every figure's range, and what figures must be to each other. It does not know files;
//! who reads one adds the place.

use std::ops::RangeInclusive;

use glam::{DVec2, DVec3};

use super::Profile;
use crate::power::PowerInput;

/// The largest angle to the axis, in degrees, that a rectilinear picture can show with a reasonable number of pixels.
const CORNER_DEG_MAX: f64 = 75.0;

impl Profile {
    /// What no such device could have, as field and message.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let Profile { optics, image, sensor, exposure, processing, mounting, .. } = self;
        let (mut problems, mut odd_inputs) = (Vec::new(), Vec::new());
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
        within("image.main_stream_factor", f64::from(image.main_stream_factor), 1.0..=8.0, "");
        within("image.frame_rate_hz", image.frame_rate_hz, 0.1..=120.0, " Hz");
        // A frame cannot be there before its last row was exposed and read.
        let readout_ms = if sensor.readout_ms.is_finite() { sensor.readout_ms.clamp(0.0, 1000.0) } else { 0.0 };
        let last_row_ms = (self.exposure.time_max_ms + readout_ms) / 2.0;
        within("start_s", self.start_s, 0.0..=600.0, " s");
        for (at, input) in [("power.poe", &self.power.poe), ("power.dc", &self.power.dc)] {
            let PowerInput { nominal_v, turns_on_v, turns_off_v, max_v } = *input;
            if !(0.0 < turns_off_v && turns_off_v <= turns_on_v && turns_on_v <= nominal_v && nominal_v <= max_v) {
                let order = "0 < turns_off_v ≤ turns_on_v ≤ nominal_v ≤ max_v";
                odd_inputs.push((at, format!("{turns_off_v}, {turns_on_v}, {nominal_v}, {max_v} V, expected {order}")));
            }
        }
        within("image.latency_ms", image.latency_ms, last_row_ms..=1000.0, " ms");
        within("sensor.pixel_pitch_um", sensor.pixel_pitch_um, 0.5..=50.0, " µm");
        within("sensor.photosites_per_channel", f64::from(sensor.photosites_per_channel), 1.0..=1024.0, "");
        within("sensor.quantum_efficiency", sensor.quantum_efficiency, 0.01..=1.0, "");
        within("sensor.full_well_e", sensor.full_well_e, 100.0..=1e6, " electrons");
        within("sensor.read_noise_e", sensor.read_noise_e, 0.0..=1000.0, " electrons");
        within("sensor.dsnu_e", sensor.dsnu_e, 0.0..=1000.0, " electrons");
        within("sensor.prnu_percent", sensor.prnu_percent, 0.0..=10.0, " %");
        within("sensor.adc_bits", f64::from(sensor.adc_bits), 8.0..=16.0, "");
        within("sensor.black_level_dn", f64::from(sensor.black_level_dn), 0.0..=f64::from(sensor.dn_max() / 4), "");
        let period_ms = 1000.0 / image.frame_rate_hz;
        within("sensor.readout_ms", sensor.readout_ms, 0.0..=period_ms, " ms, the frame period");
        within("exposure.time_max_ms", exposure.time_max_ms, 0.001..=period_ms, " ms, the frame period");
        within("exposure.time_min_ms", exposure.time_min_ms, 0.001..=exposure.time_max_ms, " ms, the longest time");
        within("exposure.gain_max", exposure.gain_max, 1.0..=1000.0, "");
        within("exposure.target_level", f64::from(exposure.target_level), 1.0..=254.0, "");
        within("exposure.corner_weight", exposure.corner_weight, 0.0..=1.0, "");
        // At 1 there would be no knowing how much too bright a picture is.
        within("exposure.highlight_cap", exposure.highlight_cap, 1.1..=100.0, "");
        within("exposure.start_time_ms", exposure.start_time_ms, exposure.time_min_ms..=exposure.time_max_ms, " ms");
        within("exposure.start_gain", exposure.start_gain, 1.0..=exposure.gain_max, "");
        within("exposure.speed", exposure.speed, 0.01..=1.0, "");
        within("exposure.dead_band", exposure.dead_band, 0.0..=0.5, "");
        within("processing.sharpening", processing.sharpening, 0.0..=4.0, "");
        let balance = &processing.white_balance;
        within("processing.white_balance.range", balance.range, 1.0..=4.0, "");
        within("processing.white_balance.speed", balance.speed, 0.001..=0.5, "");
        within("processing.white_balance.grey_ratio_max", balance.grey_ratio_max, 1.0..=4.0, "");
        let wide = &self.wide_dynamic_range;
        within("wide_dynamic_range.exposure_ratio", wide.exposure_ratio, 1.0..=256.0, "");
        within("wide_dynamic_range.compression", wide.compression, 0.0..=1.0, "");
        within("wide_dynamic_range.lift_max", wide.lift_max, 1.0..=64.0, "");
        within("mounting.height_m", mounting.height_m, 1.0..=20.0, " m");
        within("mounting.rotation_deg", mounting.rotation_deg, -360.0..=360.0, "°");
        within("mounting.tilt_deg", mounting.tilt_deg, -60.0..=60.0, "°");
        for row in &self.recommended {
            within("recommended", row.height_m, 1.0..=20.0, " m of height");
            within("recommended", row.size_m.0, 0.1..=100.0, " m along the picture's width");
            within("recommended", row.size_m.1, 0.1..=100.0, " m along the picture's height");
        }
        problems.extend(odd_inputs);
        if let Some(pair) = self.recommended.windows(2).find(|pair| pair[1].height_m <= pair[0].height_m) {
            let (before, after) = (pair[0].height_m, pair[1].height_m);
            problems.push(("recommended", format!("has {after} m after {before} m: heights must ascend")));
        }
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
}

#[cfg(test)]
mod tests {
    use ron_file::RonFile;

    use super::*;

    #[test]
    fn a_mistake_is_named_with_its_place_and_the_range() {
        let text = include_str!("../../library/vs121-p-standard.ron");
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
        assert!(told("angle_deg: 120.0", "angle_deg: 150.0").contains("corners look more than 75° off the axis"));
        assert!(told("(0.2333333333,", "(-2.9,").contains("optics.distortion: folds the image back"));
        assert!(
            told("readout_ms: 32.0", "readout_ms: 101.0").contains("sensor.readout_ms: is 101, expected 0 to 100 ms")
        );
    }

    #[test]
    fn every_figure_out_of_its_range_is_named() {
        type Mistake = (&'static str, fn(&mut Profile));
        let mistakes: [Mistake; 17] = [
            ("power.poe", |p| p.power.poe.turns_off_v = 43.0),
            ("power.dc", |p| p.power.dc.nominal_v = f64::NAN),
            ("recommended", |p| p.recommended[1].height_m = 2.5),
            ("recommended", |p| p.recommended[0].size_m.1 = f64::NAN),
            ("image.main_stream_factor", |p| p.image.main_stream_factor = 0),
            ("sensor.dsnu_e", |p| p.sensor.dsnu_e = -1.0),
            ("sensor.prnu_percent", |p| p.sensor.prnu_percent = 40.0),
            ("sensor.readout_ms", |p| p.sensor.readout_ms = f64::NAN),
            ("exposure.corner_weight", |p| p.exposure.corner_weight = 1.5),
            ("exposure.highlight_cap", |p| p.exposure.highlight_cap = 1.0),
            ("processing.sharpening", |p| p.processing.sharpening = -0.1),
            ("processing.white_balance.range", |p| p.processing.white_balance.range = 0.5),
            ("processing.white_balance.speed", |p| p.processing.white_balance.speed = 0.0),
            ("processing.white_balance.grey_ratio_max", |p| p.processing.white_balance.grey_ratio_max = 0.9),
            ("wide_dynamic_range.exposure_ratio", |p| p.wide_dynamic_range.exposure_ratio = 0.5),
            ("wide_dynamic_range.compression", |p| p.wide_dynamic_range.compression = 1.1),
            ("wide_dynamic_range.lift_max", |p| p.wide_dynamic_range.lift_max = 0.0),
        ];
        for (field, make) in mistakes {
            let mut profile = Profile::library("vs121-p-standard").unwrap();
            make(&mut profile);
            let problems = profile.problems();
            assert!(matches!(problems[..], [(named, _)] if named == field), "{field}: {problems:?}");
        }
    }
}
