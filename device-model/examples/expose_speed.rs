//! How long a frame takes: `cargo run --release -p device-model --example expose_speed`.

// Timing is the whole purpose here, and no result depends on it.
#![allow(clippy::disallowed_methods)]

use std::time::Instant;

use device_model::{Camera, MainStream, Profile, Radiance};
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
        let wide = if wide_dynamic_range { " with wide dynamic range" } else { "" };
        let times = times_of(60, |seq| {
            std::hint::black_box(camera.expose(seq, &radiance));
        });
        println!("{luminance:7} cd/m²{wide}: {times}");
    }
    let all_pixels = profile.main_stream();
    let pinhole_of_all = all_pixels.pinhole();
    let camera = Camera::new(&profile, 1);
    let detail = Radiance::uniform(pinhole_of_all.width, pinhole_of_all.height, 30.0);
    let made = Instant::now();
    let stream = MainStream::new(&profile, 1);
    println!("main stream {}×{}", all_pixels.image.width, all_pixels.image.height);
    println!("made ready in {:.0} ms", made.elapsed().as_secs_f64() * 1e3);
    let times = times_of(20, |seq| {
        std::hint::black_box(stream.take(&camera, seq, camera.settings(seq), &detail));
    });
    println!("a picture: {times}");
}

/// What calls of `run` with 0, 1 and so on take.
fn times_of(count: u64, mut run: impl FnMut(u64)) -> String {
    let time_ms = |seq| {
        let start = Instant::now();
        run(seq);
        start.elapsed().as_secs_f64() * 1e3
    };
    let mut times_ms: Vec<f64> = (0..count).map(time_ms).collect();
    times_ms.sort_by(f64::total_cmp);
    let rank = |percent| times_ms[times_ms.len() * percent / 100];
    format!("fastest {:.2} ms, median {:.2} ms, 95th percentile {:.2} ms", rank(0), rank(50), rank(95))
}
