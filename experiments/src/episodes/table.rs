//! Which episodes a segment holds: a row of facts each, written as columns of JSON in the file's metadata.

use palaestra_envs::sim::Lane;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{facts::Ending, id::EpisodeKind, layout::PlayerSpaces, real::Real};

/// Version of the segment format.
pub(super) const FORMAT: u32 = 1;

/// An episode, or a part of a long one, in a segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Piece {
    /// Number of the episode within its kind.
    pub(super) number: u64,
    /// Row of the batch.
    pub(super) row: u32,
    pub(super) lane: Lane,
    /// Options given at the reset, as JSON text (checkpoints are in a format that cannot hold a [`Value`]).
    #[serde(with = "json_text")]
    pub(super) options: Value,
    /// State that the row carried over from earlier episodes.
    pub(super) carried: Vec<u8>,
    /// Steps of the episode in earlier segments.
    pub(super) first_step: u64,
    /// Steps in this segment.
    pub(super) length: u64,
    /// How the episode ended; `None` if it goes on in a later segment.
    pub(super) ending: Option<Ending>,
}

impl Piece {
    /// Rows in the segment: one more than steps if the episode ends here.
    pub(super) fn rows(&self) -> u64 {
        self.length.saturating_add(u64::from(self.ending.is_some()))
    }
}

/// The metadata of a segment under `palaestra.episodes`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) format: u32,
    pub(super) env: String,
    pub(super) kind: EpisodeKind,
    pub(super) segment: u32,
    pub(super) turns_change: bool,
    pub(super) players: Vec<PlayerSpaces>,
    pub(super) episodes: Table,
}

/// What tells the version of a header.
#[derive(Deserialize)]
pub(super) struct Format {
    pub(super) format: u32,
}

/// Pieces as columns, which are several times shorter than a list of objects. A column that says nothing (lane
/// equal to row, no options) is left out, and a seed that is the same for all is given once.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Table {
    number: Vec<u64>,
    row: Vec<u32>,
    seed: Vec<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lane: Vec<u64>,
    episode: Vec<u64>,
    length: Vec<u64>,
    /// For each player.
    returns: Vec<Vec<Real>>,
    /// A letter each: terminated `T`, truncated `R`, cut by the end of the run `C`, goes on `+`.
    ending: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    first_step: Vec<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    options: Vec<Value>,
    /// Hexadecimal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    carried: Vec<String>,
}

impl Table {
    /// The table of `pieces`, with the sum of rewards up to the end of each, player by player.
    pub(super) fn of(pieces: &[Piece], returns: &[Vec<f64>]) -> Self {
        // Left out where every piece has the default.
        fn column<T: PartialEq>(
            pieces: &[Piece],
            value: impl Fn(&Piece) -> T,
            default: impl Fn(&Piece) -> T,
        ) -> Vec<T> {
            if pieces.iter().all(|p| value(p) == default(p)) {
                return Vec::new();
            }
            pieces.iter().map(value).collect()
        }
        let mut seed: Vec<u64> = pieces.iter().map(|p| p.lane.seed).collect();
        if seed.windows(2).all(|pair| pair[0] == pair[1]) {
            seed.truncate(1);
        }
        let reals = |player: &Vec<f64>| player.iter().map(|&x| Real::of(x)).collect();
        Self {
            number: pieces.iter().map(|p| p.number).collect(),
            row: pieces.iter().map(|p| p.row).collect(),
            seed,
            lane: column(pieces, |p| p.lane.lane, |p| u64::from(p.row)),
            episode: pieces.iter().map(|p| p.lane.episode).collect(),
            length: pieces.iter().map(|p| p.length).collect(),
            returns: returns.iter().map(reals).collect(),
            ending: pieces.iter().map(|p| letter(p.ending)).collect(),
            first_step: column(pieces, |p| p.first_step, |_| 0),
            options: column(pieces, |p| p.options.clone(), |_| Value::Null),
            carried: column(pieces, |p| to_hex(&p.carried), |_| String::new()),
        }
    }

    /// Whether all columns have a value for each piece, and returns for `players` players.
    pub(super) fn check(&self, players: usize) -> Result<(), &'static str> {
        let pieces = self.len();
        let filled = [self.row.len(), self.episode.len(), self.length.len()]
            .into_iter()
            .chain(self.returns.iter().map(Vec::len))
            .chain([self.ending.len()])
            .all(|length| length == pieces);
        let optional = [self.lane.len(), self.first_step.len()]
            .into_iter()
            .chain([self.options.len(), self.carried.len()])
            .all(|length| length == 0 || length == pieces);
        let seeds = [pieces, pieces.min(1)].contains(&self.seed.len());
        let letters = self
            .ending
            .bytes()
            .all(|byte| ENDINGS.iter().any(|(b, _)| *b == byte));
        let hexadecimal = self.carried.iter().all(|text| from_hex(text).is_some());
        if self.returns.len() != players {
            return Err("its returns are not one per player");
        }
        if !(filled && optional && seeds && letters && hexadecimal) {
            return Err("its table of episodes contradicts itself");
        }
        Ok(())
    }

    /// Number of pieces.
    pub(super) fn len(&self) -> usize {
        self.number.len()
    }

    /// Numbers of the pieces' episodes.
    pub(super) fn numbers(&self) -> &[u64] {
        &self.number
    }

    pub(super) fn number(&self, i: usize) -> u64 {
        self.number[i]
    }

    pub(super) fn row(&self, i: usize) -> u32 {
        self.row[i]
    }

    pub(super) fn lane(&self, i: usize) -> Lane {
        Lane {
            seed: self.seed[if self.seed.len() == 1 { 0 } else { i }],
            lane: self.lane.get(i).copied().unwrap_or(self.row[i].into()),
            episode: self.episode[i],
        }
    }

    /// Null if none were given.
    pub(super) fn options(&self, i: usize) -> &Value {
        self.options.get(i).unwrap_or(&Value::Null)
    }

    /// Hexadecimal.
    pub(super) fn carried(&self, i: usize) -> &str {
        self.carried.get(i).map_or("", String::as_str)
    }

    pub(super) fn first_step(&self, i: usize) -> u64 {
        self.first_step.get(i).copied().unwrap_or(0)
    }

    pub(super) fn length(&self, i: usize) -> u64 {
        self.length[i]
    }

    /// Number of players.
    pub(super) fn players(&self) -> usize {
        self.returns.len()
    }

    /// Each player's return.
    pub(super) fn returns(&self, i: usize) -> impl Iterator<Item = f64> + '_ {
        self.returns.iter().map(move |player| player[i].0)
    }

    pub(super) fn ending(&self, i: usize) -> Option<Ending> {
        of_letter(self.ending.as_bytes()[i])
    }

    /// Rows in the segment: one more than steps if the episode ends here.
    pub(super) fn rows(&self, i: usize) -> u64 {
        self.length[i].saturating_add(u64::from(self.ending(i).is_some()))
    }
}

/// Letters for how a piece ends.
const ENDINGS: [(u8, Option<Ending>); 4] = [
    (b'T', Some(Ending::Terminated)),
    (b'R', Some(Ending::Truncated)),
    (b'C', Some(Ending::Cut)),
    (b'+', None),
];

fn letter(ending: Option<Ending>) -> char {
    let found = ENDINGS.iter().find(|(_, e)| *e == ending);
    found.map_or('+', |(letter, _)| char::from(*letter))
}

fn of_letter(letter: u8) -> Option<Ending> {
    ENDINGS.iter().find(|(l, _)| *l == letter)?.1
}

/// Bytes as hexadecimal digits.
pub(super) fn to_hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|b| [digit(b >> 4), digit(b & 15)])
        .collect()
}

/// The bytes that [`to_hex`] wrote.
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).map(|d| d as u8))
        .collect();
    let digits = digits.filter(|d| d.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|d| d[0] << 4 | d[1]).collect())
}

mod json_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use serde_json::Value;

    pub(super) fn serialize<S: Serializer>(value: &Value, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&value.to_string())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Value, D::Error> {
        serde_json::from_str(&String::deserialize(input)?).map_err(Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Pieces with the returns of two players.
    fn pieces() -> impl Strategy<Value = Vec<(Piece, [f64; 2])>> {
        let ending = prop_oneof![
            Just(None),
            Just(Some(Ending::Terminated)),
            Just(Some(Ending::Truncated)),
            Just(Some(Ending::Cut)),
        ];
        let options = prop_oneof![Just(Value::Null), Just(json!({ "level": 3 }))];
        let real = prop::num::f64::ANY.prop_filter("equal to itself", |x| !x.is_nan());
        let returns = [real.clone(), real];
        let lane = (any::<u64>(), any::<u64>(), any::<u64>());
        let carried = prop::collection::vec(any::<u8>(), 0..4);
        let piece = (
            any::<(u64, u32, u64, u64)>(),
            lane,
            options,
            returns,
            ending,
            carried,
        )
            .prop_map(
                |(
                    (number, row, first_step, length),
                    (seed, lane, episode),
                    options,
                    returns,
                    ending,
                    carried,
                )| {
                    let piece = Piece {
                        number,
                        row,
                        lane: Lane {
                            seed,
                            lane,
                            episode,
                        },
                        options,
                        carried,
                        first_step,
                        length,
                        ending,
                    };
                    (piece, returns)
                },
            );
        prop::collection::vec(piece, 0..5)
    }

    /// The pieces that a table tells of.
    fn pieces_of(table: &Table) -> Vec<(Piece, [f64; 2])> {
        table.check(2).unwrap();
        let piece = |i| Piece {
            number: table.number(i),
            row: table.row(i),
            lane: table.lane(i),
            options: table.options(i).clone(),
            carried: from_hex(table.carried(i)).unwrap(),
            first_step: table.first_step(i),
            length: table.length(i),
            ending: table.ending(i),
        };
        let returns = |i| table.returns(i).collect::<Vec<_>>().try_into().unwrap();
        (0..table.len()).map(|i| (piece(i), returns(i))).collect()
    }

    proptest! {
        #[test]
        fn a_table_gives_back_what_was_put_in(pieces in pieces()) {
            let (alone, returns): (Vec<_>, Vec<_>) = pieces.iter().cloned().unzip();
            let returns = [0, 1].map(|player| returns.iter().map(|r| r[player]).collect());
            let text = serde_json::to_string(&Table::of(&alone, &returns)).unwrap();
            let table: Table = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(pieces_of(&table), pieces);
            let pieces = alone;
            let bytes = postcard::to_allocvec(&pieces).unwrap();
            prop_assert_eq!(postcard::from_bytes::<Vec<Piece>>(&bytes).unwrap(), pieces);
        }
    }

    #[test]
    fn ordinary_episodes_take_few_bytes_and_contradictions_are_noticed() {
        let piece = |number: u64| Piece {
            number,
            row: 7,
            lane: Lane {
                seed: 3,
                lane: 7,
                episode: number,
            },
            options: Value::Null,
            carried: Vec::new(),
            first_step: 0,
            length: 22,
            ending: Some(Ending::Terminated),
        };
        let table = Table::of(&[piece(0), piece(1)], &[vec![22.0, 22.0]]);
        let text = serde_json::to_string(&table).unwrap();
        assert_eq!(
            text,
            r#"{"number":[0,1],"row":[7,7],"seed":[3],"episode":[0,1],"length":[22,22],"returns":[[22.0,22.0]],"ending":"TT"}"#
        );
        for broken in [
            text.replace("TT", "T"),
            text.replace("TT", "TX"),
            text.replace("[7,7]", "[7]"),
        ] {
            let table: Table = serde_json::from_str(&broken).unwrap();
            assert!(table.check(1).is_err(), "{broken}");
        }
    }
}
