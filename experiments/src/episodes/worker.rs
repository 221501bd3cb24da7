//! The thread that puts episodes together and writes them while the run goes on.

use std::{path::PathBuf, sync::Arc, thread::JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::{
    block::{Block, Change},
    error::EpisodeError,
    facts::Ending,
    format::FileSchema,
    id::EpisodeKind,
    index::IndexWriter,
    layout::Layout,
    publisher::Publisher,
    segment::{self, Scratch},
    table::{FORMAT, Header, Table},
    tracks::State,
};
use crate::files;

/// Blocks that go round between the run and the thread. While the thread waits for the disk, the run fills
/// some.
const BLOCKS: usize = 6;

/// What a log is about.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) folder: PathBuf,
    pub(super) kind: EpisodeKind,
    /// The environment's identifier.
    pub(super) env: String,
    pub(super) layout: Arc<Layout>,
    /// Steps after which a segment is sealed, and a longer episode is cut into parts.
    pub(super) segment_steps: usize,
}

impl Subject {
    /// An index of nothing yet.
    pub(super) fn index(&self) -> Result<IndexWriter, EpisodeError> {
        let players = self.layout.players.iter();
        let players = players.map(|player| player.name.clone()).collect();
        IndexWriter::new(&self.folder, players)
    }
}

/// The thread, seen from the run.
#[derive(Debug)]
pub(super) struct Worker {
    orders: Sender<Order>,
    empty: Receiver<Block>,
    thread: JoinHandle<Result<IndexWriter, EpisodeError>>,
}

enum Order {
    /// Record these steps.
    Take(Block),
    /// Tell the state, once everything that is sealed is on disk.
    Save(Sender<Result<Vec<u8>, postcard::Error>>),
    /// Seal the rest, the episodes under way marked as cut.
    Finish,
}

impl Worker {
    pub(super) fn start(subject: Subject, state: State, rows: usize) -> Result<Self, EpisodeError> {
        let (orders, receiver) = bounded(BLOCKS);
        let (give_back, empty) = bounded(BLOCKS);
        for _ in 0..BLOCKS {
            // There is room for all of them.
            let _ = give_back.try_send(Block::new(&subject.layout, rows));
        }
        let folder = subject.folder.clone();
        let thread = std::thread::Builder::new().name("episodes".into());
        let work = move || Log::new(subject, state, rows)?.work(&receiver, &give_back);
        Ok(Self {
            orders,
            empty,
            thread: files::at("write", &folder, thread.spawn(work))?,
        })
    }

    /// An empty block; waits for one if the disk is slow.
    pub(super) fn empty_block(&self) -> Option<Block> {
        self.empty.recv().ok()
    }

    /// Hands a block over; `false` if the thread has broken off.
    pub(super) fn take(&self, block: Block) -> bool {
        self.orders.send(Order::Take(block)).is_ok()
    }

    /// The state after all blocks taken so far, once everything that is sealed is on disk; `None` if the thread
    /// has broken off.
    pub(super) fn save(&self) -> Option<Result<Vec<u8>, postcard::Error>> {
        let (reply, state) = bounded(1);
        self.orders.send(Order::Save(reply)).ok()?;
        state.recv().ok()
    }

    /// Seals the rest and ends the thread; an index of what it has written.
    pub(super) fn finish(self) -> Result<IndexWriter, EpisodeError> {
        // If it has broken off, joining tells why.
        let _ = self.orders.send(Order::Finish);
        self.join()
    }

    /// Ends the thread after what it has been given.
    pub(super) fn join(self) -> Result<IndexWriter, EpisodeError> {
        drop(self.orders);
        self.thread.join().unwrap_or(Err(EpisodeError::Writer))
    }
}

/// The log under way, in its thread.
struct Log {
    subject: Subject,
    schema: FileSchema,
    state: State,
    /// Of each row, the first step of the block at hand that has not been recorded.
    from: Vec<usize>,
    index: IndexWriter,
    scratch: Scratch,
    publisher: Publisher,
}

impl Log {
    fn new(subject: Subject, state: State, rows: usize) -> Result<Self, EpisodeError> {
        let schema = segment::schema(&subject.layout)
            .map_err(|e| EpisodeError::encode(&subject.folder, e))?;
        Ok(Self {
            index: subject.index()?,
            subject,
            schema,
            state,
            from: vec![0; rows],
            scratch: Scratch::default(),
            publisher: Publisher::new(),
        })
    }

    fn work(
        mut self,
        orders: &Receiver<Order>,
        give_back: &Sender<Block>,
    ) -> Result<IndexWriter, EpisodeError> {
        for order in orders {
            match order {
                Order::Take(mut block) => {
                    self.record(&mut block)?;
                    block.clear();
                    // The run may be over.
                    let _ = give_back.try_send(block);
                }
                Order::Save(reply) => {
                    self.publisher.wait()?;
                    // Nobody waits for it if the run has been broken off.
                    let _ = reply.send(postcard::to_allocvec(&self.state));
                }
                Order::Finish => {
                    self.finish()?;
                    break;
                }
            }
        }
        self.publisher.wait()?;
        Ok(self.index)
    }

    /// Records the steps of a block.
    fn record(&mut self, block: &mut Block) -> Result<(), EpisodeError> {
        let layout = self.subject.layout.clone();
        self.from.fill(0);
        let mut extra = 0;
        for mark in std::mem::take(&mut block.marks) {
            let (row, step) = (mark.row as usize, mark.step as usize);
            let run = self.from[row]..step;
            match mark.what {
                Change::Begins(origin) => {
                    self.state.begin(&layout, row, origin, block, extra);
                    extra += 1;
                }
                Change::Ends(ending) => {
                    self.state.end(&layout, row, (block, run, extra), ending);
                    extra += 1;
                    self.seal_if_full()?;
                }
                Change::IsLong => {
                    self.state.go_on(&layout, row, block, run);
                    self.state.leave(&layout, row, None);
                    self.seal_if_full()?;
                }
            }
            self.from[row] = step;
        }
        for row in self.state.open_rows() {
            self.state
                .go_on(&layout, row, block, self.from[row]..block.steps);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), EpisodeError> {
        let layout = self.subject.layout.clone();
        for row in self.state.unfinished(&layout) {
            self.state.leave(&layout, row, Some(Ending::Cut));
            self.seal_if_full()?;
        }
        if self.state.segment.pieces.is_empty() {
            return Ok(());
        }
        self.seal()
    }

    fn seal_if_full(&mut self) -> Result<(), EpisodeError> {
        if self.state.segment.steps < self.subject.segment_steps as u64 {
            return Ok(());
        }
        self.seal()
    }

    /// Writes the segment.
    fn seal(&mut self) -> Result<(), EpisodeError> {
        let Subject {
            folder,
            kind,
            env,
            layout,
            ..
        } = &self.subject;
        let (number, segment) = (self.state.sealed, &mut self.state.segment);
        let path = folder.join(kind.file_name(number));
        let header = Header {
            format: FORMAT,
            env: env.clone(),
            kind: *kind,
            segment: number,
            turns_change: layout.turns_change,
            players: layout.players.clone(),
            episodes: Table::of(&segment.pieces, &segment.returns),
        };
        files::create_folder(folder)?;
        let out = (path.as_path(), self.publisher.buffer()?);
        let bytes = segment.encode(layout, &self.schema, &header, out, &mut self.scratch)?;
        self.publisher.publish(path.clone(), bytes)?;
        segment.clear();
        self.state.sealed += 1;
        self.index.add(*kind, number, &header.episodes)
    }
}
