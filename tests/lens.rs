//! A point of the scene and its pixel: what the chain of renderer and lens shows where, against the formula of the lens.

use std::sync::Arc;

use device_model::{Camera, Exposure as CameraExposure, Profile};
use firmware_shim::{Mounting, View};
use glam::{DVec2, DVec3};
use scenarios::{Exposure, LightSource, Stage};
use scenes::{Activity, Color, Finish, Light, PersonState, Posture, Room, Scene, Shape, Solid, WorldState};
use sim::light::HeadlessLight;

/// Pixels from marker to marker, each way.
const SPACING_PX: u32 = 18;
/// A marker is looked for within so many pixels.
const WINDOW_PX: i64 = 7;
const ROOM_M: f64 = 60.0;

/// Where a point is seen: the angle to the axis, the polynomial of the lens, and the direction about the axis; from nothing but the
/// figures of the profile and the mounting.
fn projected(profile: &Profile, mounting: &Mounting, sensor_at: DVec2, point: DVec3) -> DVec2 {
    let (sin, cos) = mounting.rotation_rad.sin_cos();
    let (right, up) = (DVec3::new(cos, sin, 0.0), DVec3::new(-sin, cos, 0.0));
    let axis = DVec3::NEG_Z * mounting.tilt_rad.cos() + up * mounting.tilt_rad.sin();
    let down = axis.cross(right);
    let ray = (point - sensor_at.extend(mounting.height_m)).normalize();
    let polynomial = |angle: f64| {
        let terms = profile.optics.distortion.iter().zip([3, 5, 7, 9]);
        angle + terms.map(|(k, power)| k * angle.powi(power)).sum::<f64>()
    };
    let size = DVec2::new(f64::from(profile.image.width), f64::from(profile.image.height));
    let focal_px = size.x / 2.0 / polynomial(profile.optics.horizontal_angle_deg.to_radians() / 2.0);
    let about = DVec2::new(ray.dot(right), ray.dot(down)).normalize_or_zero();
    size / 2.0 + about * focal_px * polynomial(ray.dot(axis).acos())
}

/// Places of white sheets of which one is seen about every [`SPACING_PX`] pixels, between floor and shoulder height.
fn markers(view: &View, sensor_at: DVec2) -> Vec<DVec3> {
    let steps = |length: u32| (SPACING_PX / 2..length - SPACING_PX / 4).step_by(SPACING_PX as usize);
    let pixels = steps(view.lens.height).flat_map(|y| steps(view.lens.width).map(move |x| (x, y)));
    let marker = |(i, (x, y)): (usize, (u32, u32))| {
        let height_m = 1.5 * (i as f64 * 0.618_034).fract();
        let point = view.point_at_height(DVec2::new(f64::from(x) + 0.3, f64::from(y) + 0.7), height_m)?;
        // Steeply tilted views look over the room's walls.
        let at = point + sensor_at.extend(0.0);
        (at.x > 0.5 && at.y > 0.5 && at.x < ROOM_M - 0.5 && at.y < ROOM_M - 0.5).then_some(at)
    };
    pixels.enumerate().filter_map(marker).collect()
}

fn black_room(ceiling_m: f64) -> Scene {
    let (black, finish) = (Color::new(0, 0, 0), Finish::Plain);
    let room = Room {
        size_m: (ROOM_M, ROOM_M),
        ceiling_m,
        floor: black,
        floor_finish: finish,
        walls: black,
        walls_finish: finish,
        mirrors: vec![],
    };
    Scene::new(room, Light::default(), vec![], vec![]).expect("a scene without mistakes")
}

#[test]
fn a_point_and_its_pixel_agree_to_half_a_pixel_all_over_the_image() {
    let mut light = HeadlessLight::start().unwrap_or_else(|error| panic!("{error}"));
    let sensor_at = DVec2::splat(ROOM_M / 2.0);
    for (name, height_m, rotation_deg, tilt_deg) in [
        ("vs121-p-standard", 3.0, 0.0, 0.0),
        ("vs121-p-standard", 2.6, 127.0, 0.0),
        ("vs121-p-standard", 3.2, -30.0, 12.0),
        ("vs121-p-high-ceiling", 6.0, 90.0, -5.0),
    ] {
        let profile = Profile::library(name).expect("of the library");
        let mounting =
            Mounting { height_m, rotation_rad: f64::to_radians(rotation_deg), tilt_rad: f64::to_radians(tilt_deg) };
        let view = View { lens: profile.lens(), mounting };
        let markers = markers(&view, sensor_at);
        // A round sheet about six pixels wide, wherever it is: so small a part of the lens keeps what is level in proportion to
        // its depth, and its middle in the middle.
        let sheet = |at: &DVec3| {
            let radius = 3.0 * (height_m - at.z) / view.lens.focal_px;
            Solid::new(Shape::Cylinder { radius, half_height: 0.0005 }, *at, Color::new(255, 255, 255))
        };
        let all = PersonState {
            index: 0,
            floor: sensor_at,
            head: sensor_at.extend(1.0),
            posture: Posture::Standing,
            activity: Activity::Standing,
            body: None,
            things: markers.iter().map(sheet).collect(),
        };
        let scene = Arc::new(black_room(height_m));
        light.set_stage(&Stage { scene, sensor_at, view, pinhole: profile.pinhole() }).unwrap();
        let world = WorldState { t_s: 0.0, people: vec![all], doors: vec![] };
        light.expose(Some(&Exposure { seq: 0, worlds: vec![world], lux: 300.0 }), &mut |_| {}).unwrap();
        let (_, radiance) = light.expose(None, &mut |_| {}).unwrap().expect("one was asked for");
        let camera = Camera::new(&profile, 7);
        let picture = camera.take(0, CameraExposure { time_s: 0.01, gain: 1.0 }, &radiance).image;

        let (mut seen, mut worst) = (0, 0.0f64);
        for marker in &markers {
            let expected = projected(&profile, &mounting, sensor_at, *marker);
            let (mut sum, mut weight) = (DVec2::ZERO, 0.0);
            let middle = (expected.x.floor() as i64, expected.y.floor() as i64);
            for y in middle.1 - WINDOW_PX..=middle.1 + WINDOW_PX {
                for x in middle.0 - WINDOW_PX..=middle.0 + WINDOW_PX {
                    if x < 0 || y < 0 || x >= i64::from(picture.width) || y >= i64::from(picture.height) {
                        continue;
                    }
                    let index = (y * i64::from(picture.width) + x) as usize * 3 + 1;
                    // Noise of the dark stays below this.
                    let level = f64::from(picture.pixels[index]) - 40.0;
                    if level > 0.0 {
                        sum += DVec2::new(x as f64 + 0.5, y as f64 + 0.5) * level;
                        weight += level;
                    }
                }
            }
            assert!(weight > 0.0, "{name}, {rotation_deg}°, {tilt_deg}°: no marker near {expected}");
            seen += 1;
            worst = worst.max((sum / weight).distance(expected));
        }
        println!("{name}, {rotation_deg}°, {tilt_deg}°: {worst:.2} px off at worst, of {seen} markers");
        assert!(worst < 0.5, "{name}, {rotation_deg}°, {tilt_deg}°: {worst} px off");
        assert!(seen > 200, "{name}, {rotation_deg}°, {tilt_deg}°: only {seen} markers");
    }
}
