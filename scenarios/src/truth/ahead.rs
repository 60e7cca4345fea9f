//! The truth of a run's frames, found ahead of the run on the machine's other cores.
//!
//! What is true at an instant depends on the scene and that instant alone, so when and where it is found changes nothing. Whoever asks for other
//! instants than the frames' gets none here.

#![allow(clippy::disallowed_methods)] // Threads are what this module is for.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{JoinHandle, available_parallelism, spawn};
use std::time::Duration;

use firmware_shim::Uptime;

use super::{Look, TrueFrame};
use crate::oracle::taken_at;

/// Frames that one thread finds one after another: it remembers from one to the next.
const CHUNK: u64 = 512;
/// What a thread has found and nobody has asked for yet is at most so many people, each once a frame, and the chunk it works on: some 20 MB. A night in which
/// nobody is there takes no time to find, and is time to find what comes after it.
const PEOPLE_AHEAD_MAX: usize = 100_000;
/// An empty frame takes as much.
const FRAME_AS_PEOPLE: usize = 1;
const THREADS_MAX: usize = 4;

/// Threads that take turns, chunk by chunk.
pub(super) struct Ahead {
    threads: Vec<Thread>,
    /// Of the chunk under way, from last to first.
    frames: Chunk,
    /// Chunks taken.
    taken: usize,
}

struct Thread {
    chunks: Option<Receiver<Chunk>>,
    backlog: Arc<Backlog>,
    handle: Option<JoinHandle<()>>,
}

/// Frames, from last to first.
type Chunk = Vec<Arc<TrueFrame>>;

/// What a thread has found that nobody has asked for yet.
#[derive(Default)]
struct Backlog {
    people: Mutex<usize>,
    has_shrunk: Condvar,
}

impl Backlog {
    /// Waits until there is room for more, and takes it in.
    fn grow(&self, people: usize) {
        let backlog = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.has_shrunk.wait_while(backlog, |backlog| *backlog > PEOPLE_AHEAD_MAX);
        *waited.unwrap_or_else(PoisonError::into_inner) += people;
    }

    fn shrink(&self, people: usize) {
        let mut backlog = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        *backlog = backlog.saturating_sub(people);
        self.has_shrunk.notify_one();
    }
}

/// What a chunk takes.
fn people(chunk: &Chunk) -> usize {
    chunk.iter().map(|frame| frame.people.len() + FRAME_AS_PEOPLE).sum()
}

impl Ahead {
    /// Begins with the first of `frames` frames.
    pub fn start(look: &Arc<Look>, frames: u64, period: Duration) -> Self {
        let count = available_parallelism().map_or(1, |cores| cores.get().min(THREADS_MAX));
        let thread = |first: u64| {
            let (sender, chunks) = channel();
            let backlog = Arc::new(Backlog::default());
            let (look, its) = (Arc::clone(look), Arc::clone(&backlog));
            let handle = spawn(move || find(&look, frames, period, (first, count as u64), &its, &sender));
            Thread { chunks: Some(chunks), backlog, handle: Some(handle) }
        };
        Ahead { threads: (0..count as u64).map(thread).collect(), frames: Vec::new(), taken: 0 }
    }

    /// The frame taken at an instant, which is not before the one asked for last; `None` when none is.
    pub fn take(&mut self, at: Uptime) -> Option<Arc<TrueFrame>> {
        loop {
            while let Some(frame) = self.frames.pop_if(|frame| frame.at <= at) {
                if frame.at == at {
                    return Some(frame);
                }
            }
            if !self.frames.is_empty() {
                return None;
            }
            let thread = &self.threads[self.taken % self.threads.len()];
            self.frames = thread.chunks.as_ref()?.recv().ok()?;
            thread.backlog.shrink(people(&self.frames));
            self.taken += 1;
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // Then nobody waits for what it sends, and it ends.
        self.chunks = None;
        self.backlog.shrink(usize::MAX);
        if let Some(Err(panic)) = self.handle.take().map(JoinHandle::join)
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

/// Finds every `of`th chunk from the `first` on.
fn find(
    look: &Look,
    frames: u64,
    period: Duration,
    (first, of): (u64, u64),
    backlog: &Backlog,
    sender: &Sender<Chunk>,
) {
    let mut memory = Vec::new();
    for chunk in (first..frames.div_ceil(CHUNK)).step_by(of as usize) {
        let seqs = chunk * CHUNK..((chunk + 1) * CHUNK).min(frames);
        let found = seqs.map(|seq| Arc::new(look.frame(taken_at(seq, period), &mut memory)));
        let mut found: Chunk = found.collect();
        found.reverse();
        backlog.grow(people(&found));
        if sender.send(found).is_err() {
            return;
        }
    }
}
