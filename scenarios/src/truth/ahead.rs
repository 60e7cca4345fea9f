//! The truth of a run's frames, found ahead of the run on the machine's other cores.
//!
//! What is true at an instant depends on the scene and that instant alone, so when and where it is found changes nothing. Whoever asks for other
//! instants than the frames' gets none here.

#![allow(clippy::disallowed_methods)] // Threads are what this module is for.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{JoinHandle, available_parallelism, spawn};
use std::time::Duration;

use firmware_shim::Uptime;

use super::{Look, TrueFrame};
use crate::oracle::taken_at;

/// Frames that one thread finds one after another: it remembers from one to the next.
const CHUNK: u64 = 512;
/// Chunks that a thread may be ahead of being asked, beside the one it works on.
const CHUNKS_AHEAD: usize = 2;
const THREADS_MAX: usize = 4;

/// Threads that take turns, chunk by chunk.
pub(super) struct Ahead {
    threads: Vec<Thread>,
    /// Of the chunk under way, from last to first.
    frames: Vec<Arc<TrueFrame>>,
    /// Chunks taken.
    taken: usize,
}

struct Thread {
    chunks: Option<Receiver<Vec<Arc<TrueFrame>>>>,
    handle: Option<JoinHandle<()>>,
}

impl Ahead {
    /// Begins with the first of `frames` frames.
    pub fn start(look: &Arc<Look>, frames: u64, period: Duration) -> Self {
        let count = available_parallelism().map_or(1, |cores| cores.get().min(THREADS_MAX));
        let thread = |first: u64| {
            let (sender, chunks) = sync_channel(CHUNKS_AHEAD);
            let look = Arc::clone(look);
            let handle = spawn(move || find(&look, frames, period, (first, count as u64), &sender));
            Thread { chunks: Some(chunks), handle: Some(handle) }
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
            let thread = self.taken % self.threads.len();
            self.frames = self.threads[thread].chunks.as_ref()?.recv().ok()?;
            self.taken += 1;
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // Then nobody waits for what it sends, and it ends.
        self.chunks = None;
        if let Some(Err(panic)) = self.handle.take().map(JoinHandle::join)
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

/// Finds every `of`th chunk from the `first` on.
fn find(look: &Look, frames: u64, period: Duration, (first, of): (u64, u64), sender: &SyncSender<Vec<Arc<TrueFrame>>>) {
    let mut memory = Vec::new();
    for chunk in (first..frames.div_ceil(CHUNK)).step_by(of as usize) {
        let seqs = chunk * CHUNK..((chunk + 1) * CHUNK).min(frames);
        let found = seqs.map(|seq| Arc::new(look.frame(taken_at(seq, period), &mut memory)));
        let mut found: Vec<Arc<TrueFrame>> = found.collect();
        found.reverse();
        if sender.send(found).is_err() {
            return;
        }
    }
}
