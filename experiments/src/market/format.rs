//! Telling formats apart.

use std::path::Path;

use clap::ValueEnum;
use palaestra_envs::market::data::itch;
use serde::Serialize;

/// A format of recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// LOBSTER message file (CSV)
    Lobster,
    /// NASDAQ TotalView-ITCH 5.0, each message after its length
    Itch,
    /// Databento DBN, schema MBO
    Dbn,
    /// Binance differences of depth, JSON lines
    Binance,
    /// Palaestra's own table of events
    Parquet,
}

impl Format {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lobster => "LOBSTER",
            Self::Itch => "ITCH 5.0",
            Self::Dbn => "DBN MBO",
            Self::Binance => "Binance depth",
            Self::Parquet => "Parquet",
        }
    }

    /// The format of a file that begins like this, uncompressed.
    pub(super) fn of_content(begin: &[u8]) -> Option<Self> {
        if begin.starts_with(b"PAR1") {
            return Some(Self::Parquet);
        }
        if begin.starts_with(b"DBN") {
            return Some(Self::Dbn);
        }
        if let [high, low, letter, ..] = *begin
            && itch::Message::length(letter) == Some(usize::from(u16::from_be_bytes([high, low])))
        {
            return Some(Self::Itch);
        }
        let line = begin.split(|byte| *byte == b'\n').next()?;
        let is_number = |field: &[u8]| {
            !field.is_empty()
                && field
                    .iter()
                    .all(|b| b.is_ascii_digit() || b"+-.".contains(b))
        };
        let mut fields = line.trim_ascii().split(|byte| *byte == b',');
        if fields.clone().count() == 6 && fields.all(is_number) {
            return Some(Self::Lobster);
        }
        let stamp = line
            .iter()
            .take_while(|b| b.is_ascii_digit() || b.is_ascii_whitespace());
        let is_json = line.get(stamp.count()) == Some(&b'{');
        let has = |key: &str| begin.windows(key.len()).any(|part| part == key.as_bytes());
        let is_depth = ["\"e\"", "\"stream\"", "\"lastUpdateId\""]
            .into_iter()
            .any(has);
        (is_json && is_depth).then_some(Self::Binance)
    }

    /// The format that a file of this name should have.
    pub(super) fn of_name(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let ends = |ending: &str| name.ends_with(ending);
        match () {
            () if ends(".parquet") => Some(Self::Parquet),
            () if ends(".dbn") => Some(Self::Dbn),
            () if ends(".csv") => Some(Self::Lobster),
            () if ends(".itch") || ends("itch50") || ends("itch5") => Some(Self::Itch),
            () if ends(".jsonl") || ends(".ndjson") => Some(Self::Binance),
            () => None,
        }
    }
}
