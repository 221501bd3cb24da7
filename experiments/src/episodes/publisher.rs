//! Writes finished files to disk, one after another, while the next is being made.

use std::{path::PathBuf, thread::JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::error::EpisodeError;
use crate::files::{self, FileError};

/// Files in memory: one that is being written, one that waits, one that is being made.
const BUFFERS: usize = 3;

/// A thread that writes files, and the memory of those files.
pub(super) struct Publisher {
    thread: Option<Thread>,
    free: Vec<Vec<u8>>,
}

/// The thread, seen from outside.
struct Thread {
    files: Sender<(PathBuf, Vec<u8>)>,
    /// Memory of files that are on disk.
    written: Receiver<Vec<u8>>,
    handle: JoinHandle<Result<(), FileError>>,
}

impl Publisher {
    pub(super) fn new() -> Self {
        Self {
            thread: None,
            free: vec![Vec::new(); BUFFERS],
        }
    }

    /// Memory for a file; waits for it if the disk is slow.
    ///
    /// # Errors
    /// If an earlier file could not be written.
    pub(super) fn buffer(&mut self) -> Result<Vec<u8>, EpisodeError> {
        if let Some(buffer) = self.free.pop() {
            return Ok(buffer);
        }
        let written = self.thread.as_ref().map(|thread| thread.written.recv());
        match written {
            Some(Ok(buffer)) => Ok(buffer),
            _ => Err(self.broken_off()),
        }
    }

    /// Has a file written to `path`, after those before it.
    ///
    /// # Errors
    /// If an earlier file could not be written.
    pub(super) fn publish(&mut self, path: PathBuf, bytes: Vec<u8>) -> Result<(), EpisodeError> {
        let thread = match &mut self.thread {
            Some(thread) => thread,
            none => none.insert(Thread::start(&path)?),
        };
        if thread.files.send((path, bytes)).is_err() {
            return Err(self.broken_off());
        }
        Ok(())
    }

    /// Waits until all files are on disk.
    ///
    /// # Errors
    /// If one could not be written.
    pub(super) fn wait(&mut self) -> Result<(), EpisodeError> {
        let mut all = Vec::with_capacity(BUFFERS);
        while all.len() < BUFFERS {
            all.push(self.buffer()?);
        }
        self.free = all;
        Ok(())
    }

    /// Why the thread has broken off.
    fn broken_off(&mut self) -> EpisodeError {
        match self.thread.take().map(Thread::join) {
            Some(Ok(Err(error))) => error.into(),
            _ => EpisodeError::Writer,
        }
    }
}

impl Drop for Publisher {
    /// Lets files be finished, so that nobody finds half of one.
    fn drop(&mut self) {
        // Nobody is left to be told of a failure; the file is then absent, as after a kill.
        drop(self.thread.take().map(Thread::join));
    }
}

impl Thread {
    fn start(first: &std::path::Path) -> Result<Self, FileError> {
        let (files, to_write) = bounded::<(PathBuf, Vec<u8>)>(BUFFERS);
        let (give_back, written) = bounded(BUFFERS);
        let work = move || {
            for (path, bytes) in to_write {
                files::write_atomically(&path, &bytes)?;
                // Nobody waits for it if the run has been broken off.
                let _ = give_back.send(bytes);
            }
            Ok(())
        };
        let name = std::thread::Builder::new().name("segments".into());
        Ok(Self {
            files,
            written,
            handle: files::at("write", first, name.spawn(work))?,
        })
    }

    fn join(self) -> std::thread::Result<Result<(), FileError>> {
        drop(self.files);
        self.handle.join()
    }
}
