//! A thread that steps a shard while its owner steps another.

use std::{
    hint::spin_loop,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};

use super::shard::Shard;
use crate::error::EnvError;

/// How long a thread looks for the next message before it goes to sleep. Waking takes about as long as a step of some
/// thousand rows; agents that think longer than this let the thread sleep.
const PATIENCE: Duration = Duration::from_micros(50);

/// A thread to which a shard can be handed; ends when dropped.
#[derive(Debug)]
pub(super) struct Worker {
    /// `None` once the thread is to end.
    to: Option<Sender<Box<Shard>>>,
    from: Receiver<(Box<Shard>, Result<(), EnvError>)>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub(super) fn spawn(number: usize) -> Result<Self, EnvError> {
        let (to, shards) = bounded::<Box<Shard>>(1);
        let (stepped, from) = bounded(1);
        let work = move || {
            while let Some(mut shard) = wait(&shards) {
                let outcome = shard.advance(None);
                if stepped.send((shard, outcome)).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name(format!("shard-{number}"));
        let thread = thread
            .spawn(work)
            .map_err(|e| EnvError::Layout(format!("no thread for shard {number}: {e}")))?;
        Ok(Self {
            to: Some(to),
            from,
            thread: Some(thread),
        })
    }

    /// Starts the prepared step of `shard`.
    ///
    /// # Panics
    /// If the thread has panicked.
    pub(super) fn start(&mut self, shard: Box<Shard>) {
        if self.to.as_ref().is_none_or(|to| to.send(shard).is_err()) {
            self.pass_panic_on();
        }
    }

    /// Waits for the shard that was started.
    ///
    /// # Panics
    /// If the thread has panicked.
    pub(super) fn finish(&mut self) -> (Box<Shard>, Result<(), EnvError>) {
        match wait(&self.from) {
            Some(done) => done,
            None => self.pass_panic_on(),
        }
    }

    /// What a panic on the calling thread would have done.
    fn pass_panic_on(&mut self) -> ! {
        match self.thread.take().map(JoinHandle::join) {
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            _ => panic!("the thread of a shard has ended"),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.to = None;
        if let Some(thread) = self.thread.take() {
            // A panic has been passed on already, or concerns nobody any more.
            drop(thread.join());
        }
    }
}

/// The next message; `None` when there will be no more.
fn wait<T>(messages: &Receiver<T>) -> Option<T> {
    let patient = Instant::now();
    loop {
        for _ in 0..64 {
            match messages.try_recv() {
                Ok(message) => return Some(message),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => spin_loop(),
            }
        }
        if patient.elapsed() > PATIENCE {
            return messages.recv().ok();
        }
    }
}
