//! How long a frame takes: `cargo run --release -p device-model --example expose_speed`.

// Timing is the whole purpose here, and no result depends on it.
#![allow(clippy::disallowed_methods)]

use std::time::Instant;

use device_model::{Camera, Profile, Radiance};
use firmware_shim::CameraSettings;

fn main() {
    let profile = Profile::library("vs121-p-standard").expect("comes with the program");
    let pinhole = profile.pinhole();
    println!("rendered {}×{}, image {}×{}", pinhole.width, pinhole.height, profile.image.width, profile.image.height);
    let luminances = [0.0, 0.001, 0.01, 1.0, 30.0, 1000.0].map(|luminance| (luminance, false));
    for (luminance, wide_dynamic_range) in luminances.into_iter().chain([(30.0, true)]) {
        let mut camera = Camera::new(&profile, 1);
        camera.configure(CameraSettings { wide_dynamic_range, ..CameraSettings::default() });
        let radiance = Radiance::uniform(pinhole.width, pinhole.height, luminance);
        let mut times_ms: Vec<f64> = (0..60)
            .map(|seq| {
                let start = Instant::now();
                std::hint::black_box(camera.expose(seq, &radiance));
                start.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        times_ms.sort_by(f64::total_cmp);
        let [fastest, median, slow] = [0, 30, 57].map(|rank| times_ms[rank]);
        let wide = if wide_dynamic_range { " with wide dynamic range" } else { "" };
        println!(
            "{luminance:7} cd/m²{wide}: fastest {fastest:.2} ms, median {median:.2} ms, 95th percentile {slow:.2} ms"
        );
    }
}
