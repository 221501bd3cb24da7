//! Which episodes a segment holds: a row of facts each, written as columns of JSON in the file's metadata.

use palaestra_envs::sim::Lane;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{EpisodeKind, PlayerSpaces, log::Ending};

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
    /// Sum of rewards up to here, one per player.
    pub(super) returns: Vec<f64>,
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

/// A number that may be infinite or NaN, for which JSON has no number but a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Real {
    Finite(f64),
    Named(String),
}

impl From<f64> for Real {
    fn from(x: f64) -> Self {
        if x.is_finite() {
            Self::Finite(x)
        } else {
            Self::Named(x.to_string())
        }
    }
}

impl Real {
    fn value(&self) -> Option<f64> {
        match self {
            Self::Finite(x) => Some(*x),
            Self::Named(name) => name.parse().ok(),
        }
    }
}

impl Table {
    pub(super) fn of(pieces: &[Piece], players: usize) -> Self {
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
        let player = |i: usize| pieces.iter().map(|p| p.returns[i].into()).collect();
        let letter = |p: &Piece| p.ending.map_or('+', Ending::letter);
        Self {
            number: pieces.iter().map(|p| p.number).collect(),
            row: pieces.iter().map(|p| p.row).collect(),
            seed,
            lane: column(pieces, |p| p.lane.lane, |p| u64::from(p.row)),
            episode: pieces.iter().map(|p| p.lane.episode).collect(),
            length: pieces.iter().map(|p| p.length).collect(),
            returns: (0..players).map(player).collect(),
            ending: pieces.iter().map(letter).collect(),
            first_step: column(pieces, |p| p.first_step, |_| 0),
            options: column(pieces, |p| p.options.clone(), |_| Value::Null),
            carried: column(pieces, |p| to_hex(&p.carried), |_| String::new()),
        }
    }

    /// The pieces, or what is wrong with the table.
    pub(super) fn pieces(&self) -> Result<Vec<Piece>, &'static str> {
        fn at<T: Clone>(column: &[T], i: usize, default: T) -> Option<T> {
            if column.is_empty() {
                return Some(default);
            }
            column.get(i).cloned()
        }
        let letters: Vec<char> = self.ending.chars().collect();
        let piece = |i: usize| -> Option<Piece> {
            let row = *self.row.get(i)?;
            let ending = match letters.get(i)? {
                '+' => None,
                letter => Some(Ending::of_letter(*letter)?),
            };
            let returns = self.returns.iter().map(|r| r.get(i)?.value());
            let seed = if self.seed.len() == 1 { 0 } else { i };
            Some(Piece {
                number: self.number[i],
                row,
                lane: Lane {
                    seed: *self.seed.get(seed)?,
                    lane: at(&self.lane, i, u64::from(row))?,
                    episode: *self.episode.get(i)?,
                },
                options: at(&self.options, i, Value::Null)?,
                carried: from_hex(&at(&self.carried, i, String::new())?)?,
                first_step: at(&self.first_step, i, 0)?,
                length: *self.length.get(i)?,
                returns: returns.collect::<Option<_>>()?,
                ending,
            })
        };
        (0..self.number.len())
            .map(piece)
            .collect::<Option<_>>()
            .ok_or("its table of episodes contradicts itself")
    }
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

    fn pieces() -> impl Strategy<Value = Vec<Piece>> {
        let ending = prop_oneof![
            Just(None),
            Just(Some(Ending::Terminated)),
            Just(Some(Ending::Truncated)),
            Just(Some(Ending::Cut)),
        ];
        let options = prop_oneof![Just(Value::Null), Just(json!({ "level": 3 }))];
        let returns = prop::collection::vec(
            prop::num::f64::ANY.prop_filter("equal to itself", |x| !x.is_nan()),
            2,
        );
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
                    Piece {
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
                        returns,
                        ending,
                    }
                },
            );
        prop::collection::vec(piece, 0..5)
    }

    proptest! {
        #[test]
        fn a_table_gives_back_what_was_put_in(pieces in pieces()) {
            let text = serde_json::to_string(&Table::of(&pieces, 2)).unwrap();
            let table: Table = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(table.pieces().unwrap(), pieces.clone());
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
            returns: vec![22.0],
            ending: Some(Ending::Terminated),
        };
        let table = Table::of(&[piece(0), piece(1)], 1);
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
            assert!(table.pieces().is_err(), "{broken}");
        }
    }
}
