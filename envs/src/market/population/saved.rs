//! A population within a saved row.

use super::{Population, Trader};
use crate::{
    error::EnvError,
    market::flow::SavedFlow,
    sim::{read_value, write_value},
};

impl SavedFlow for Population {
    fn save(&self, out: &mut Vec<u8>) -> Result<(), EnvError> {
        let Self {
            traders,
            streams,
            busy,
            oracle,
            tape,
            imbalance,
            adopted,
            ..
        } = self;
        let traders = (traders, streams, busy);
        write_value(&(traders, oracle, tape, imbalance, adopted), out)
    }

    fn load(&mut self, bytes: &mut &[u8]) -> Result<(), EnvError> {
        let (traders, oracle, tape, imbalance, adopted) = read_value(bytes)?;
        let (traders, streams, busy) = traders;
        let saved = Self {
            config: self.config.clone(),
            ways: std::mem::take(&mut self.ways),
            traders,
            streams,
            busy,
            oracle,
            tape,
            imbalance,
            adopted,
        };
        *self = saved;
        if self.is_possible() {
            Ok(())
        } else {
            let message = "other traders than this population has";
            Err(EnvError::Snapshot(message.into()))
        }
    }
}

impl Population {
    /// Whether there is everybody whom the configuration wants, or, before the first reset, nobody.
    fn is_possible(&self) -> bool {
        let same = |(found, wanted): (&Trader, Trader)| match (found, wanted) {
            (Trader::Momentum(found), Trader::Momentum(_)) => found.fits(&self.config.momentum.1),
            (found, wanted) => std::mem::discriminant(found) == std::mem::discriminant(&wanted),
        };
        let counts = [self.traders.len(), self.streams.len(), self.busy.len()];
        counts == [0; 3]
            || counts == [self.ways.len(); 3]
                && self.traders.iter().zip(self.config.traders()).all(same)
    }
}
