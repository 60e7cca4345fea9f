//! Headless light: what the sensor's lens looks at, rendered by Bevy as luminance, one tagged exposure at a time.
//!
//! A thread renders the next exposure while the caller analyses the one before. Every light carries the number of the exposure
//! it was rendered for; a lost, repeated or foreign one is an error and never a frame. Knows nothing of noise, lenses or
//! firmware.

// One thread renders. What it gives is tagged and waited for, so it cannot change a result.
#![allow(clippy::disallowed_methods)]

mod drawing;
mod finishes;
mod geometry;
mod readback;
mod renderer;
mod surface;
mod vertices;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use device_model::Radiance;
use scenarios::{Exposure, LightError, LightSource, Stage, Work};

pub(crate) use self::readback::{BACKENDS, require_adapter};
use self::renderer::Renderer;
pub use self::renderer::Spent;

/// What the thread is asked for.
enum Job {
    Stage(Box<Stage>),
    Expose(Box<Exposure>),
}

/// What it answers.
enum Done {
    Staged(Result<(), LightError>),
    Exposed(u64, Result<Radiance, LightError>, Spent),
}

/// A renderer in a thread of its own.
pub struct HeadlessLight {
    /// `None` when the thread shall end.
    jobs: Option<Sender<Job>>,
    done: Receiver<Done>,
    thread: Option<JoinHandle<()>>,
    adapter: String,
    /// Exposures asked for whose light was not taken yet.
    outstanding: u32,
    spent: Vec<Spent>,
}

impl HeadlessLight {
    /// Starts the renderer. Without a usable graphics driver this is an error that says what to install.
    pub fn start() -> Result<Self, LightError> {
        let (jobs, asked) = channel();
        let (answer, done) = channel();
        let (tell, started) = channel();
        let thread = std::thread::spawn(move || match Renderer::start() {
            Err(error) => {
                // Whoever started this waits for it.
                tell.send(Err(error)).ok();
            }
            Ok(renderer) => {
                tell.send(Ok(renderer.adapter())).ok();
                work(renderer, &asked, &answer);
            }
        });
        let adapter = started.recv().unwrap_or_else(|_| Err(stopped()))?;
        Ok(HeadlessLight { jobs: Some(jobs), done, thread: Some(thread), adapter, outstanding: 0, spent: Vec::new() })
    }

    /// The name and driver of the graphics adapter that renders.
    pub fn adapter(&self) -> String {
        self.adapter.clone()
    }

    /// How long the exposures so far took to render, in the renderer's own thread; in order.
    pub fn spent(&self) -> &[Spent] {
        &self.spent
    }

    fn ask(&self, job: Job) -> Result<(), LightError> {
        self.jobs.as_ref().and_then(|jobs| jobs.send(job).ok()).ok_or_else(stopped)
    }
}

/// Does one job after the other until nobody asks any more.
fn work(mut renderer: Renderer, asked: &Receiver<Job>, answer: &Sender<Done>) {
    for job in asked {
        let done = match job {
            Job::Stage(stage) => Done::Staged(renderer.set_stage(&stage)),
            Job::Expose(exposure) => {
                let light = renderer.render(&exposure);
                Done::Exposed(exposure.seq, light, renderer.spent())
            }
        };
        if answer.send(done).is_err() {
            return;
        }
    }
}

fn stopped() -> LightError {
    LightError::Device { reason: "the renderer has stopped".to_owned() }
}

impl LightSource for HeadlessLight {
    fn set_stage(&mut self, stage: &Stage) -> Result<(), LightError> {
        self.outstanding = 0;
        self.ask(Job::Stage(Box::new(stage.clone())))?;
        loop {
            // Light that is still on its way is of the stage before.
            if let Done::Staged(result) = self.done.recv().map_err(|_| stopped())? {
                return result;
            }
        }
    }

    fn expose(
        &mut self,
        next: Option<&Exposure>,
        enter: &mut dyn FnMut(Work),
    ) -> Result<Option<(u64, Radiance)>, LightError> {
        enter(Work::Light);
        let before = self.outstanding;
        if let Some(next) = next {
            self.ask(Job::Expose(Box::new(next.clone())))?;
            self.outstanding += 1;
        }
        if before == 0 {
            return Ok(None);
        }
        match self.done.recv().map_err(|_| stopped())? {
            Done::Exposed(seq, light, spent) => {
                self.outstanding -= 1;
                self.spent.push(spent);
                Ok(Some((seq, light?)))
            }
            Done::Staged(_) => Err(stopped()),
        }
    }
}

impl Drop for HeadlessLight {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // What it panicked of was printed.
            thread.join().ok();
        }
    }
}
