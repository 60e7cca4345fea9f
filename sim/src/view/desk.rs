//! The window's state, and the one place where it changes: panels give actions, and never change anything themselves.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scenarios::{Happening, Scenario};

use super::history::{History, Seen};
use super::layout::{Layer, Layout, Orbit};
use super::pace::next_speed;
use super::session::{News, Order};

/// Bytes of pictures that are kept to go back to: several thousand frames.
const HISTORY_BYTES: usize = 256 << 20;

/// What a person wants of the window.
#[derive(Clone, Debug)]
pub enum Action {
    PlayOrPause,
    /// One frame on; from an earlier one to the next.
    Step,
    /// One frame back.
    StepBack,
    /// The oldest moment that is kept.
    First,
    /// The newest.
    Latest,
    /// The moment at a time, s.
    GoTo(f64),
    /// Faster or slower by so many steps.
    Faster(isize),
    Speed(f64),
    Restart,
    Happen(Happening),
    Switch(Layer),
    Orbit(Orbit),
    OpenReport(usize),
    OpenEvent(usize),
    /// The overview of keys.
    Help,
    /// Asks where to save to.
    AskSave,
    SaveTo(String),
    Screenshot,
    /// Closes what lies over the rest.
    Close,
}

/// What lies over the rest.
#[derive(Clone, Debug, PartialEq)]
pub enum Open {
    Report(usize),
    Event(usize),
    Help,
    Save { path: String, problem: Option<String> },
}

/// Something said at the window's edge.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    Told(String),
    Wrong(String),
}

/// How the run goes on.
#[derive(Clone, Debug, PartialEq)]
pub enum Running {
    /// The renderer is being started.
    Starting,
    Playing,
    Paused,
    /// It came to its end, or why it came to none.
    Ended(Option<String>),
}

/// The window's state.
pub struct Desk {
    pub scenario: Arc<Scenario>,
    pub history: History,
    pub layout: Layout,
    pub running: Running,
    /// A moment that one went back to; the newest without.
    pub gone_to: Option<u64>,
    pub open: Option<Open>,
    pub notice: Option<Notice>,
    /// What renders and what detects.
    pub made_by: String,
}

/// What the window is to do, after an action.
#[derive(Clone, Debug)]
pub enum Effect {
    Tell(Order),
    Screenshot(PathBuf),
}

impl Desk {
    pub fn new(scenario: Arc<Scenario>, layout: Layout) -> Self {
        Desk {
            scenario,
            history: History::new(HISTORY_BYTES),
            layout,
            running: Running::Starting,
            gone_to: None,
            open: None,
            notice: None,
            made_by: String::new(),
        }
    }

    /// Takes in what the loop tells.
    pub fn hear(&mut self, news: News) {
        match news {
            News::Ready(made_by) => self.made_by = made_by,
            News::Begun => {
                self.history = History::new(HISTORY_BYTES);
                self.gone_to = None;
                if !matches!(self.running, Running::Paused) {
                    self.running = Running::Playing;
                }
            }
            News::Seen(seen) => {
                if let Some(words) = seen.refused.last() {
                    self.notice = Some(Notice::Wrong(words.clone()));
                }
                self.history.push(*seen);
            }
            News::Ended(problem) => self.running = Running::Ended(problem),
        }
    }

    /// The moment that is shown.
    pub fn shown(&self) -> Option<&Seen> {
        match self.gone_to {
            Some(seq) => self.history.frame(seq),
            None => self.history.latest(),
        }
    }

    /// The present of the run, s.
    pub fn now_s(&self) -> f64 {
        self.history.latest().map_or(0.0, |seen| seen.at_s)
    }

    /// Does what a person wants; what is left to do is for the window.
    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        let tell = |order| vec![Effect::Tell(order)];
        match action {
            Action::PlayOrPause => match self.running {
                Running::Playing => self.pause(),
                Running::Paused => {
                    self.gone_to = None;
                    self.running = Running::Playing;
                    tell(Order::Play)
                }
                Running::Starting | Running::Ended(_) => vec![],
            },
            Action::Step => match self.gone_to {
                Some(seq) => {
                    self.go_to_frame(seq + 1);
                    vec![]
                }
                None if matches!(self.running, Running::Playing | Running::Paused) => {
                    self.running = Running::Paused;
                    tell(Order::Step)
                }
                None => vec![],
            },
            Action::StepBack => {
                let before = self.shown().map(|seen| seen.seq.saturating_sub(1));
                before.into_iter().for_each(|seq| self.go_to_frame(seq));
                self.pause()
            }
            Action::First => {
                let first = self.history.moments().next().map(|seen| seen.seq);
                first.into_iter().for_each(|seq| self.go_to_frame(seq));
                self.pause()
            }
            Action::Latest => {
                self.gone_to = None;
                vec![]
            }
            Action::GoTo(at_s) => {
                let seq = self.history.at(at_s).map(|seen| seen.seq);
                seq.into_iter().for_each(|seq| self.go_to_frame(seq));
                self.pause()
            }
            Action::Faster(steps) => self.set_speed(next_speed(self.layout.speed, steps)),
            Action::Speed(speed) => self.set_speed(speed),
            Action::Restart => {
                self.open = None;
                if matches!(self.running, Running::Ended(_)) {
                    self.running = Running::Playing;
                    return vec![Effect::Tell(Order::Play), Effect::Tell(Order::Restart)];
                }
                tell(Order::Restart)
            }
            Action::Happen(happening) => {
                if let Running::Ended(_) = self.running {
                    let words = "the run is over: start it anew (R) to have something happen";
                    self.notice = Some(Notice::Wrong(words.to_owned()));
                    return vec![];
                }
                // What happens happens now, whatever one was looking at.
                self.gone_to = None;
                self.notice = None;
                tell(Order::Happen(happening))
            }
            Action::Switch(layer) => {
                self.layout.switch(layer);
                vec![]
            }
            Action::Orbit(orbit) => {
                self.layout.orbit = orbit;
                vec![]
            }
            Action::OpenReport(index) => {
                self.open = Some(Open::Report(index));
                vec![]
            }
            Action::OpenEvent(index) => {
                self.open = Some(Open::Event(index));
                vec![]
            }
            Action::Help => {
                self.open = (self.open != Some(Open::Help)).then_some(Open::Help);
                vec![]
            }
            Action::AskSave => {
                let path = free_name(&format!("{}-by-hand", self.scenario.name), "ron");
                self.open = Some(Open::Save { path: path.display().to_string(), problem: None });
                vec![]
            }
            Action::SaveTo(path) => {
                self.save(&path);
                vec![]
            }
            Action::Screenshot => {
                let name = format!("{}-{:08.3}s", self.scenario.name, self.shown().map_or(0.0, |seen| seen.at_s));
                vec![Effect::Screenshot(free_name(&name, "png"))]
            }
            Action::Close => {
                if self.open.take().is_none() {
                    self.notice = None;
                }
                vec![]
            }
        }
    }

    fn pause(&mut self) -> Vec<Effect> {
        if self.running != Running::Playing {
            return vec![];
        }
        self.running = Running::Paused;
        vec![Effect::Tell(Order::Pause)]
    }

    fn set_speed(&mut self, speed: f64) -> Vec<Effect> {
        self.layout.speed = speed;
        vec![Effect::Tell(Order::Speed(speed))]
    }

    /// Shows a frame that is kept; the newest is where the run goes on.
    fn go_to_frame(&mut self, seq: u64) {
        let newest = self.history.latest().map(|seen| seen.seq);
        self.gone_to = self.history.frame(seq).map(|seen| seen.seq).filter(|seq| Some(*seq) != newest);
    }

    /// Writes the run up to now as a scenario, with all that was done by hand.
    fn save(&mut self, path: &str) {
        let path = path.trim();
        let written = match Path::new(path) {
            file if file.extension().is_none_or(|ending| ending != "ron") => {
                Err("a scenario's name ends in .ron".to_owned())
            }
            file if file.exists() => Err("there is such a file already: give another name".to_owned()),
            file => fs::write(file, self.scenario.to_file(&self.history.timeline)).map_err(|error| error.to_string()),
        };
        match written {
            Ok(()) => {
                self.open = None;
                self.notice = Some(Notice::Told(format!("saved; run it with: twin run {path}")));
            }
            Err(words) => self.open = Some(Open::Save { path: path.to_owned(), problem: Some(words) }),
        }
    }
}

/// A name in the current folder that no file has yet.
fn free_name(name: &str, ending: &str) -> PathBuf {
    let numbered = (2..).map(|n| format!("{name}-{n}.{ending}"));
    let mut names = std::iter::once(format!("{name}.{ending}")).chain(numbered).map(PathBuf::from);
    names.find(|path| !path.exists()).expect("there are enough numbers")
}

#[cfg(test)]
mod tests;
