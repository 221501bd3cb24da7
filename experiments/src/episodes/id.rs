//! Names of episodes and of the files they are in.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::error::EpisodeError;

/// Training or evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EpisodeKind {
    /// Training.
    Train,
    /// Evaluation.
    Eval {
        /// Number of the evaluation.
        round: u32,
    },
}

/// Name of an episode within a trial, written `train-12` or `eval-0-3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpisodeId {
    /// Training, or which evaluation.
    pub kind: EpisodeKind,
    /// Number within the kind, in the order in which logged episodes ended.
    pub number: u64,
}

impl EpisodeKind {
    /// Start of the names of its episodes and files.
    fn file_stem(self) -> String {
        match self {
            Self::Train => "train".into(),
            Self::Eval { round } => format!("eval-{round:04}"),
        }
    }

    /// Name of segment `number`.
    pub(super) fn file_name(self, number: u32) -> String {
        format!("{}-{number:06}.parquet", self.file_stem())
    }

    /// The kind and number of the segment called `name`, if it is one.
    pub(super) fn of_file(name: &str) -> Option<(Self, u32)> {
        let mut parts = name.strip_suffix(".parquet")?.split('-');
        let kind = match parts.next()? {
            "train" => Self::Train,
            "eval" => Self::Eval {
                round: parts.next()?.parse().ok()?,
            },
            _ => return None,
        };
        let number = parts.next()?.parse().ok()?;
        (parts.next().is_none() && kind.file_name(number) == name).then_some((kind, number))
    }
}

impl fmt::Display for EpisodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            EpisodeKind::Train => write!(f, "train-{}", self.number),
            EpisodeKind::Eval { round } => write!(f, "eval-{round}-{}", self.number),
        }
    }
}

impl FromStr for EpisodeId {
    type Err = EpisodeError;

    /// Reads `train-12`, `eval-0-3`, or a plain number, which means a training episode.
    fn from_str(text: &str) -> Result<Self, EpisodeError> {
        let parse = || -> Option<Self> {
            let (kind, number) = match text.split_once('-') {
                None => (EpisodeKind::Train, text),
                Some(("train", number)) => (EpisodeKind::Train, number),
                Some(("eval", rest)) => {
                    let (round, number) = rest.split_once('-')?;
                    let round = round.parse().ok()?;
                    (EpisodeKind::Eval { round }, number)
                }
                Some(_) => return None,
            };
            let number = number.parse().ok()?;
            Some(Self { kind, number })
        };
        parse().ok_or_else(|| EpisodeError::Name(text.to_owned()))
    }
}

impl Serialize for EpisodeId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EpisodeId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for text in ["train-12", "eval-0-3"] {
            assert_eq!(text.parse::<EpisodeId>().unwrap().to_string(), text);
        }
        assert_eq!("7".parse::<EpisodeId>().unwrap().to_string(), "train-7");
        for text in ["", "train", "eval-1", "eval-x-1", "test-1", "train--1"] {
            assert!(text.parse::<EpisodeId>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_names_of_segments_are_taken_for_segments() {
        let eval = EpisodeKind::Eval { round: 3 };
        for (kind, number) in [(EpisodeKind::Train, 12), (eval, 0), (eval, 1_234_567)] {
            assert_eq!(
                EpisodeKind::of_file(&kind.file_name(number)),
                Some((kind, number))
            );
        }
        for name in [
            "index.parquet",
            "train-1.parquet",
            "train-000001.parquet.tmp",
            "mine.parquet",
        ] {
            assert_eq!(EpisodeKind::of_file(name), None, "{name}");
        }
    }
}
