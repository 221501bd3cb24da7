//! Where each row's randomness comes from.

use bevy_ecs::prelude::Resource;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::stream::{Stream, StreamKey, first_blocks};

/// The origin of an episode: with the same arguments and actions, equal lanes give equal episodes, in any row
/// of any batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    /// Seed: the simulator's, or the one given at reset.
    pub seed: u64,
    /// Number of the lane within the seed: the row of the whole batch, or 0 for a seed given at reset.
    pub lane: u64,
    /// Number of the episode within the lane, from 0.
    pub episode: u64,
}

impl Lane {
    /// The first episode of an explicit seed.
    pub fn of_seed(seed: u64) -> Self {
        Self {
            seed,
            lane: 0,
            episode: 0,
        }
    }
}

/// Names one purpose of randomness within a simulator; see [`Builder::stream`](super::Builder::stream).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamId(pub(super) usize);

/// The lanes of all rows and the keys of their streams.
#[derive(Debug, Clone, Resource)]
pub struct Lanes {
    /// Seed and lane of each row.
    origins: Vec<(u64, u64)>,
    /// Number of each row's running episode; apart, as it changes with every reset.
    episodes: Vec<u64>,
    purposes: Vec<Purpose>,
    /// Rows (ascending) that begin as another episode did, with the number of the one that they play from then on.
    /// Empty but in the resets of such rows.
    repeated: Vec<(usize, u64)>,
}

/// The streams of all rows for one purpose.
#[derive(Debug, Clone)]
struct Purpose {
    name: String,
    keys: Vec<StreamKey>,
    /// Block 0 of each row's running episode. Made for all rows that begin an episode at once, because that is much
    /// faster, and few resets need more.
    first: Vec<[u32; 4]>,
}

impl Lanes {
    pub(super) fn new(seed: u64, first_lane: u64, rows: usize, purposes: &[String]) -> Self {
        let origins: Vec<(u64, u64)> = (0..rows as u64)
            .map(|row| (seed, first_lane + row))
            .collect();
        let purposes = purposes.iter().map(|name| Purpose {
            name: name.clone(),
            keys: origins
                .iter()
                .map(|(seed, lane)| StreamKey::new(*seed, *lane, name))
                .collect(),
            first: vec![[0; 4]; rows],
        });
        let mut lanes = Self {
            purposes: purposes.collect(),
            origins,
            episodes: vec![0; rows],
            repeated: Vec::new(),
        };
        lanes.make_first_blocks(&(0..rows).collect::<Vec<_>>());
        lanes
    }

    /// The lane of row `row`'s running episode.
    pub fn lane(&self, row: usize) -> Lane {
        let (seed, lane) = self.origins[row];
        Lane {
            seed,
            lane,
            episode: self.episodes[row],
        }
    }

    /// The key of row `row`'s stream for a purpose.
    #[inline(always)]
    pub fn key(&self, id: StreamId, row: usize) -> StreamKey {
        self.purposes[id.0].keys[row]
    }

    /// The number of row `row`'s running episode.
    #[inline]
    pub fn episode(&self, row: usize) -> u64 {
        self.episodes[row]
    }

    /// Row `row`'s stream for a purpose from the start of its running episode.
    pub fn stream(&self, id: StreamId, row: usize) -> Stream {
        self.key(id, row).stream(self.episodes[row])
    }

    /// As [`stream`](Self::stream), for a row that has drawn its start from `start`: goes on in it, unless the row
    /// begins as another episode did, so that chance after the start would be the same too.
    pub(super) fn stream_after_start(&self, id: StreamId, row: usize, start: Stream) -> Stream {
        match self.repeated.binary_search_by_key(&row, |(row, _)| *row) {
            Ok(at) => self.key(id, row).stream(self.repeated[at].1),
            Err(_) => start,
        }
    }

    /// Announces what [`stream_after_start`](Self::stream_after_start) is about.
    pub(super) fn set_repeated(&mut self, rows: Vec<(usize, u64)>) {
        self.repeated = rows;
    }

    /// Block `block` of row `row`'s stream for a purpose in its running episode, without state.
    #[inline(always)]
    pub fn block(&self, id: StreamId, row: usize, block: u64) -> [u32; 4] {
        if block == 0 {
            self.purposes[id.0].first[row]
        } else {
            self.key(id, row).block(self.episodes[row], block)
        }
    }

    /// Moves each of the given rows on to its lane's next episode.
    pub(super) fn next_episodes(&mut self, rows: &[usize]) {
        for &row in rows {
            self.episodes[row] += 1;
        }
        self.make_first_blocks(rows);
    }

    fn make_first_blocks(&mut self, rows: &[usize]) {
        for Purpose { keys, first, .. } in &mut self.purposes {
            first_blocks(rows, keys, &self.episodes, first);
        }
    }

    pub(super) fn set(&mut self, row: usize, lane: Lane) {
        self.episodes[row] = lane.episode;
        let origin = (lane.seed, lane.lane);
        if std::mem::replace(&mut self.origins[row], origin) != origin {
            for Purpose { name, keys, .. } in &mut self.purposes {
                keys[row] = StreamKey::new(lane.seed, lane.lane, name);
            }
        }
        self.make_first_blocks(&[row]);
    }
}

/// Options given at an explicit reset, per row; environments look theirs up in their reset systems.
#[derive(Debug, Clone, Default, Resource)]
pub struct ResetOptions(pub(super) Vec<(usize, Value)>);

impl ResetOptions {
    /// The options of row `row`, or JSON null.
    pub fn row(&self, row: usize) -> &Value {
        self.0
            .iter()
            .find(|(r, _)| *r == row)
            .map_or(&Value::Null, |(_, v)| v)
    }

    /// Whether no row has options, which is so in every autoreset.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
