//! The loop in a thread of its own: the same as ever, at the pace of the wall clock, with somebody who looks on.
//!
//! The window is told what happens and tells what is to happen; neither waits for the other but where the loop would run away
//! from a window that cannot follow.

// One thread runs the loop. What happens in it is a function of the timeline, whatever the window does and when.
#![allow(clippy::disallowed_methods)]

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use analytics::OnnxDetector;
use firmware_shim::Uptime;
use scenarios::{Happening, Lane, Moment, RunError, Scenario, Tracks, run_observed};

use super::history::{Seen, Told};
use super::pace::Pace;
use crate::inference::{self, Model};
use crate::light::HeadlessLight;
use crate::watch::Watch;

/// What the loop is told.
#[derive(Clone, Debug)]
pub enum Order {
    /// Time passes.
    Play,
    /// It does not.
    Pause,
    /// One frame more, then a pause.
    Step,
    /// So many times as fast as real time.
    Speed(f64),
    /// This happens now.
    Happen(Happening),
    /// All from the beginning.
    Restart,
}

/// What the loop tells.
pub enum News {
    /// It is ready; what renders and what detects, for people.
    Ready(String),
    /// A run begins.
    Begun,
    /// A frame was analysed.
    Seen(Box<Seen>),
    /// The run came to its end, or why it came to none.
    Ended(Option<String>),
}

/// How people are seen.
#[derive(Clone, Debug)]
pub enum Eye {
    /// Light, sensor, and a network: the built-in one unless another is named.
    Rendered(Option<PathBuf>),
    /// Truth.
    Oracle,
}

/// So many moments may wait for the window.
const AHEAD_MAX: usize = 8;

/// The loop's thread, seen from the window.
pub struct Session {
    orders: Option<Sender<Order>>,
    news: Option<Receiver<News>>,
    thread: Option<JoinHandle<()>>,
}

impl Session {
    /// Starts the loop; `wake` has the window look for news.
    pub fn start(scenario: Arc<Scenario>, eye: Eye, speed: f64, wake: impl Fn() + Send + 'static) -> Self {
        let (orders, asked) = channel();
        let (tell, news) = sync_channel(AHEAD_MAX);
        let thread = std::thread::spawn(move || {
            let tell = Teller { tell, wake: Box::new(wake) };
            if let Err(error) = work(&scenario, eye, speed, &asked, &tell) {
                tell.tell(News::Ended(Some(format!("{error:#}"))));
            }
        });
        Session { orders: Some(orders), news: Some(news), thread: Some(thread) }
    }

    /// Tells the loop something. One that has ended for good hears nothing.
    pub fn tell(&self, order: Order) {
        if let Some(orders) = &self.orders {
            orders.send(order).ok();
        }
    }

    /// The next of the news, if there is any yet.
    pub fn next_news(&self) -> Option<News> {
        self.news.as_ref()?.try_recv().ok()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The loop ends at its next moment, when there is nobody to tell and nobody who tells.
        (self.orders, self.news) = (None, None);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

struct Teller {
    tell: SyncSender<News>,
    wake: Box<dyn Fn() + Send>,
}

impl Teller {
    /// Whether anybody listens.
    fn tell(&self, news: News) -> bool {
        let told = self.tell.send(news).is_ok();
        (self.wake)();
        told
    }
}

/// Runs the scenario as often as it is asked for, until nobody asks any more.
fn work(scenario: &Scenario, eye: Eye, speed: f64, orders: &Receiver<Order>, news: &Teller) -> anyhow::Result<()> {
    let mut rendering = match &eye {
        Eye::Rendered(model) => {
            let (model, inference) = (Model::read(model.as_deref())?, inference::choose()?);
            let light = HeadlessLight::start()?;
            news.tell(News::Ready(format!("{} · {}", light.adapter(), inference.name())));
            Some((light, model))
        }
        Eye::Oracle => {
            news.tell(News::Ready("oracle lane: no pixels, the detector knows the truth".to_owned()));
            None
        }
    };
    let mut driver = Driver { orders, playing: true, pace: Pace::new(speed), watch: Watch::start(), wish: None };
    loop {
        let lane = match &mut rendering {
            Some((light, model)) => {
                let detector = Box::new(OnnxDetector::from_bytes(&model.bytes, &model.name)?);
                Lane::Rendered { light, detector }
            }
            None => Lane::Oracle,
        };
        news.tell(News::Begun);
        let mut told = Told::default();
        let mut observer = |moment: &Moment| {
            if !news.tell(News::Seen(Box::new(Seen::of(scenario, moment, &mut told)))) {
                driver.wish = Some(Wish::Leave);
                return ControlFlow::Break(());
            }
            driver.attend(moment.at)
        };
        let ran = run_observed(scenario, lane, Tracks::Dropped, &mut |_| {}, Some(&mut observer));
        match ran.map_err(|broken| broken.error) {
            Ok(_) => news.tell(News::Ended(None)),
            Err(RunError::Stopped { .. }) => true,
            Err(error) => news.tell(News::Ended(Some(error.to_string()))),
        };
        match driver.wish() {
            Wish::Restart => driver.pace.rest(),
            Wish::Leave => return Ok(()),
        }
    }
}

/// What is wanted of a run that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Restart,
    Leave,
}

/// Paces a run, and listens to orders.
struct Driver<'o> {
    orders: &'o Receiver<Order>,
    playing: bool,
    pace: Pace,
    watch: Watch,
    wish: Option<Wish>,
}

impl Driver<'_> {
    /// Lets the moment last as long as it is to; gives what is to happen in it.
    fn attend(&mut self, at: Uptime) -> ControlFlow<(), Vec<Happening>> {
        let mut happens = Vec::new();
        loop {
            let order = if self.playing {
                let wait_s = self.pace.wait_s(self.watch.elapsed_s(), at.as_secs_f64());
                match self.next_order(wait_s) {
                    Ok(Some(order)) => Some(order),
                    Ok(None) => return ControlFlow::Continue(happens),
                    Err(Gone) => None,
                }
            } else {
                self.orders.recv().ok()
            };
            match order {
                Some(Order::Happen(happening)) => {
                    happens.push(happening);
                    // Who looks at one frame sees what becomes of it in the next.
                    if !self.playing {
                        return ControlFlow::Continue(happens);
                    }
                }
                Some(Order::Step) => {
                    self.playing = false;
                    return ControlFlow::Continue(happens);
                }
                Some(other) => self.take(&other),
                None => self.wish = Some(Wish::Leave),
            }
            if self.wish.is_some() {
                return ControlFlow::Break(());
            }
        }
    }

    fn take(&mut self, order: &Order) {
        match order {
            Order::Play => {
                self.playing = true;
                self.pace.rest();
            }
            Order::Pause => self.playing = false,
            Order::Speed(speed) => self.pace = Pace::new(*speed),
            Order::Restart => self.wish = Some(Wish::Restart),
            // Of a moment, and there is none.
            Order::Step | Order::Happen(_) => {}
        }
    }

    /// An order that comes within a time, if one does.
    fn next_order(&self, wait_s: f64) -> Result<Option<Order>, Gone> {
        if wait_s <= 0.0 {
            return match self.orders.try_recv() {
                Ok(order) => Ok(Some(order)),
                Err(TryRecvError::Empty) => Ok(None),
                Err(TryRecvError::Disconnected) => Err(Gone),
            };
        }
        match self.orders.recv_timeout(Duration::from_secs_f64(wait_s)) {
            Ok(order) => Ok(Some(order)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Gone),
        }
    }

    /// What is wanted after a run: waits until somebody wants something.
    fn wish(&mut self) -> Wish {
        loop {
            if let Some(wish) = self.wish.take() {
                return wish;
            }
            match self.orders.recv() {
                Ok(order) => self.take(&order),
                Err(_) => return Wish::Leave,
            }
        }
    }
}

/// The window is.
struct Gone;
