//! The room's pictures, rendered in a thread of their own: one at a time, of the newest moment and camera that was asked for.

// One thread renders what a person looks at; nothing that is simulated knows of it.
#![allow(clippy::disallowed_methods)]

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use device_model::Radiance;
use scenarios::{Exposure, LightError, LightSource, Scenario};

use super::camera::Camera;
use crate::light::HeadlessLight;
use crate::view::canvas::Pixels;
use crate::view::theme;

/// No picture is larger, px: a person looks at it, and a CPU may have to draw it.
const PIXELS_MAX: f64 = 640.0 * 480.0;
/// How bright a white wall is in the light of the room.
const GAIN: f32 = 2.0;

/// A picture that is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asked {
    pub camera: Camera,
    /// The moment, s.
    pub t_s: f64,
    pub lux: f64,
    /// Of its place on the screen, px.
    pub width: f32,
    pub height: f32,
}

/// A picture and the camera it was taken with, or why there is none.
type Painted = Result<(Camera, Pixels), LightError>;

/// The thread, seen from the window.
pub struct Painter {
    asks: Option<Sender<Asked>>,
    painted: Receiver<Painted>,
    thread: Option<JoinHandle<()>>,
    /// The last one asked for, and whether it is still being painted.
    asked: Option<Asked>,
    is_busy: bool,
    problem: Option<String>,
}

impl Painter {
    pub fn start(scenario: Arc<Scenario>, wake: impl Fn() + Send + 'static) -> Self {
        let (asks, asked) = channel();
        let (tell, painted) = channel();
        let thread = std::thread::spawn(move || {
            if let Err(error) = work(&scenario, &asked, &tell, &wake) {
                // The window may be gone.
                tell.send(Err(error)).ok();
                wake();
            }
        });
        let thread = Some(thread);
        Painter { asks: Some(asks), painted, thread, asked: None, is_busy: false, problem: None }
    }

    /// Asks for a picture, unless one is being painted: then for what is wanted when that is done.
    pub fn ask(&mut self, asked: Asked) {
        if self.is_busy || self.asked == Some(asked) || asked.width < 8.0 || asked.height < 8.0 {
            return;
        }
        if let Some(asks) = &self.asks {
            self.is_busy = asks.send(asked).is_ok();
            self.asked = Some(asked);
        }
    }

    /// A picture that has come since.
    pub fn finished(&mut self) -> Option<(Camera, Pixels)> {
        match self.painted.try_recv().ok()? {
            Ok(painted) => {
                self.is_busy = false;
                Some(painted)
            }
            Err(error) => {
                self.problem = Some(error.to_string());
                None
            }
        }
    }

    /// Why there are no pictures.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }
}

impl Drop for Painter {
    fn drop(&mut self) {
        self.asks = None;
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn work(
    scenario: &Scenario,
    asks: &Receiver<Asked>,
    tell: &Sender<Painted>,
    wake: &dyn Fn(),
) -> Result<(), LightError> {
    let mut light = HeadlessLight::start()?;
    let mut staged = None;
    for asked in asks {
        let scale = (PIXELS_MAX / f64::from(asked.width * asked.height)).sqrt().min(1.0);
        let pixels = |length: f32| (f64::from(length) * scale).round().max(1.0) as u32;
        let (width, height) = (pixels(asked.width), pixels(asked.height));
        if staged != Some((asked.camera, width, height)) {
            light.set_stage(&asked.camera.stage(Arc::clone(&scenario.scene), scenario.lens(), width, height))?;
            staged = Some((asked.camera, width, height));
        }
        // What the eye sees in the dark: as bright a picture as by day.
        let shown_lux = scenario.scene.light.lux.max(1.0);
        let dimmed = (asked.lux / shown_lux).clamp(0.25, 1.0);
        let exposure = Exposure { seq: 0, worlds: vec![scenario.scene.at(asked.t_s)], lux: shown_lux };
        light.expose(Some(&exposure), &mut |_| {})?;
        let Some((_, radiance)) = light.expose(None, &mut |_| {})? else { return Err(LightError::Lost { seq: 0 }) };
        let image = developed(&radiance, width, height, GAIN * dimmed as f32 / shown_lux as f32);
        if tell.send(Ok((asked.camera, image))).is_err() {
            return Ok(());
        }
        wake();
    }
    Ok(())
}

/// Luminance as a person would like to see it; where nothing is, the window's own ground.
fn developed(radiance: &Radiance, width: u32, height: u32, gain: f32) -> Pixels {
    // From steps of luminance to shades: a shoulder for what shines, then the screen's own curve.
    const STEPS: f32 = 400.0;
    let shade = |step: u32| {
        let bright = 1.0 - (-(step as f32) / STEPS * 1.4).exp();
        let encoded = if bright <= 0.003_130_8 { 12.92 * bright } else { 1.055 * bright.powf(1.0 / 2.4) - 0.055 };
        (encoded * 255.0).round() as u8
    };
    let shades: Vec<u8> = (0..=4 * STEPS as u32).map(shade).collect();
    let last = shades.len() - 1;
    let scale = gain * std::f32::consts::PI * STEPS;
    let pixel = |luminance: &[f32; 3]| {
        if *luminance == [0.0; 3] {
            return theme::GROUND.to_array();
        }
        let [r, g, b] = luminance.map(|value| shades[((value * scale) as usize).min(last)]);
        [r, g, b, u8::MAX]
    };
    Pixels { width, height, rgba: radiance.pixels.iter().flat_map(pixel).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_brighter_is_brighter_and_where_nothing_is_the_ground_shows() {
        let lux = 300.0;
        let luminances = [0.0, 0.05, 0.2, 0.5, 0.9, 40.0].map(|reflectance| reflectance * lux / std::f32::consts::PI);
        let radiance = Radiance { width: 6, height: 1, pixels: luminances.map(|l| [l; 3]).to_vec() };
        let image = developed(&radiance, 6, 1, GAIN / lux);
        let pixels: Vec<&[u8]> = image.rgba.chunks(4).collect();
        assert_eq!(pixels[0], theme::GROUND.to_array());
        let shades: Vec<u8> = pixels[1..].iter().map(|pixel| pixel[1]).collect();
        assert!(shades.is_sorted_by(|a, b| a < b), "{shades:?}");
        assert!(shades[0] > 40 && shades[3] < 255, "{shades:?}");
    }
}
