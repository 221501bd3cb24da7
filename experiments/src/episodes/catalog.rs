//! Which episodes the segments of a log hold, put together from the segments' tables.

use std::collections::BTreeMap;

use palaestra_envs::sim::Lane;
use serde_json::Value;

use super::{
    facts::{Ending, EpisodeInfo, Part},
    id::{EpisodeId, EpisodeKind},
    table::{Table, from_hex},
};

/// The episodes of the segments added so far that are there from beginning to end, in the order of their ends.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    segments: Vec<(EpisodeKind, u32)>,
    /// Number of players, once it is known.
    players: Option<usize>,
    entries: Vec<Entry>,
    /// What few episodes have, by their place among the entries.
    rare: BTreeMap<usize, Rare>,
    /// Returns of all players, entry after entry.
    returns: Vec<f64>,
    /// Episodes whose end has not been found.
    begun: BTreeMap<EpisodeId, Begun>,
}

/// What is known of an episode.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// Its number within its kind.
    pub(super) number: u64,
    pub(super) row: u32,
    /// Place of the segment where it begins among the catalog's.
    pub(super) segment: u32,
    /// Row of the segment where it begins.
    pub(super) first_row: u64,
    pub(super) lane: Lane,
    pub(super) length: u64,
    pub(super) ending: Ending,
}

/// What most episodes do not have.
#[derive(Debug, Default)]
pub(super) struct Rare {
    /// Null if none were given.
    pub(super) options: Value,
    /// Hexadecimal.
    pub(super) carried: String,
    /// If there are several.
    pub(super) parts: Vec<Part>,
}

/// An episode of which the end is missing.
#[derive(Debug)]
struct Begun {
    segment: u32,
    parts: Vec<Part>,
    length: u64,
}

impl Catalog {
    /// Adds a segment, whose table has been checked. Segments of a kind are to be added in order.
    ///
    /// # Errors
    /// If it is of a game with another number of players.
    pub(super) fn add(
        &mut self,
        kind: EpisodeKind,
        number: u32,
        table: &Table,
    ) -> Result<(), &'static str> {
        if *self.players.get_or_insert(table.players()) != table.players() {
            return Err("it has another number of players than the segments before it");
        }
        let segment = self.segments.len() as u32;
        self.segments.push((kind, number));
        let mut first_row = 0_u64;
        for piece in 0..table.len() {
            let start = first_row;
            first_row = first_row.saturating_add(table.rows(piece));
            let id = EpisodeId {
                kind,
                number: table.number(piece),
            };
            let (first_step, ending) = (table.first_step(piece), table.ending(piece));
            let mut entry = Entry {
                number: id.number,
                row: table.row(piece),
                segment,
                first_row: start,
                lane: table.lane(piece),
                length: table.length(piece),
                ending: ending.unwrap_or(Ending::Cut),
            };
            let mut parts = Vec::new();
            if first_step > 0 || ending.is_none() {
                let part = Part {
                    file: kind.file_name(number),
                    first_row: start,
                };
                // A part without those before it leaves a mark that the episode is not whole.
                let begun = self.begun.entry(id).or_insert(Begun {
                    segment,
                    parts: Vec::new(),
                    length: 0,
                });
                if begun.length != first_step {
                    continue;
                }
                begun.parts.push(part);
                begun.length = begun.length.saturating_add(entry.length);
                if ending.is_none() {
                    continue;
                }
                entry.length = begun.length;
                if let Some(begun) = self.begun.remove(&id) {
                    entry.segment = begun.segment;
                    parts = begun.parts;
                    entry.first_row = parts[0].first_row;
                }
            }
            let (options, carried) = (table.options(piece), table.carried(piece));
            if !options.is_null() || !carried.is_empty() || parts.len() > 1 {
                let rare = Rare {
                    options: options.clone(),
                    carried: carried.to_owned(),
                    parts,
                };
                self.rare.insert(self.entries.len(), rare);
            }
            self.returns.extend(table.returns(piece));
            self.entries.push(entry);
        }
        Ok(())
    }

    /// The segments added.
    pub(super) fn segments(&self) -> &[(EpisodeKind, u32)] {
        &self.segments
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The kind of an entry.
    pub(super) fn kind(&self, entry: &Entry) -> EpisodeKind {
        self.segments[entry.segment as usize].0
    }

    /// Name of the segment where an entry begins.
    pub(super) fn file_name(&self, entry: &Entry) -> String {
        let (kind, number) = self.segments[entry.segment as usize];
        kind.file_name(number)
    }

    /// What few episodes have, by their place among the entries.
    pub(super) fn rare(&self) -> &BTreeMap<usize, Rare> {
        &self.rare
    }

    /// Returns of all players, entry after entry.
    pub(super) fn returns(&self) -> &[f64] {
        &self.returns
    }

    /// Forgets the episodes that are there from beginning to end, but not the segments.
    pub(super) fn clear_entries(&mut self) {
        self.entries.clear();
        self.rare.clear();
        self.returns.clear();
    }

    /// Episodes that are there in part only.
    pub(super) fn unfinished(&self) -> Vec<EpisodeId> {
        self.begun.keys().copied().collect()
    }

    /// All there is to know of each episode, in the order of their names.
    pub(super) fn infos(&self) -> Vec<EpisodeInfo> {
        let players = self.players.unwrap_or(0);
        let none = Rare::default();
        let infos = self.entries.iter().enumerate().map(|(place, entry)| {
            let rare = self.rare.get(&place).unwrap_or(&none);
            let only = || Part {
                file: self.file_name(entry),
                first_row: entry.first_row,
            };
            EpisodeInfo {
                id: EpisodeId {
                    kind: self.kind(entry),
                    number: entry.number,
                },
                row: entry.row as usize,
                lane: entry.lane,
                options: rare.options.clone(),
                carried: from_hex(&rare.carried).unwrap_or_default(),
                length: usize::try_from(entry.length).unwrap_or(usize::MAX),
                returns: self.returns[place * players..(place + 1) * players].to_vec(),
                ending: entry.ending,
                parts: match rare.parts.as_slice() {
                    [] => vec![only()],
                    parts => parts.to_vec(),
                },
            }
        });
        let mut infos: Vec<EpisodeInfo> = infos.collect();
        infos.sort_by_key(|info| info.id);
        // A copy of a segment tells nothing new.
        infos.dedup_by_key(|info| info.id);
        infos
    }
}
