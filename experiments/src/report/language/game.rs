//! A logged episode as a game: who offered what, and how it was answered.

use palaestra_agents::language::{Family, Situation};
use palaestra_envs::language::{
    Scoring,
    metrics::{self, Counts, Deal, Metrics},
    structured::Due,
};

use crate::episodes::Episode;

/// An offer, and the answer to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Offer {
    pub(super) round: u16,
    pub(super) proposer: usize,
    /// Alice's share, or the price over the scale.
    pub(super) amount: f64,
    pub(super) accepted: bool,
}

/// A game that was played to its end.
#[derive(Debug, Clone)]
pub(super) struct Game {
    pub(super) family: Family,
    /// Discount factors, valuations, or p and v.
    pub(super) types: [f64; 2],
    /// The last round, if it was told.
    pub(super) last: Option<u16>,
    /// Whether both knew both types.
    pub(super) complete: bool,
    pub(super) offers: Vec<Offer>,
    /// Of persuasion, what happened, and how many bad things were recommended.
    pub(super) counts: Counts,
    pub(super) lies: u16,
    /// Normalised self-gains.
    pub(super) gains: [f64; 2],
    pub(super) efficiency: Option<f64>,
    pub(super) fairness: Option<f64>,
}

impl Game {
    /// Reads an episode; `None` if it was cut, or is not one of these games. `low` is what bad things are worth.
    pub(super) fn read(episode: &Episode, low: f64) -> Option<Self> {
        if !episode.info.ending.terminated() || episode.players.len() != 2 {
            return None;
        }
        let see = |player: usize, step: usize| {
            Situation::find(&episode.players[player].observation, step)
        };
        let (first, second) = (see(0, 0)?, see(1, 0)?);
        let family = first.family;
        let (types, complete) = match family {
            Family::Bargaining => ([first.delta.0, second.delta.0], first.delta.1.is_some()),
            Family::Negotiation => ([first.value.0, second.value.0], first.value.1.is_some()),
            Family::Persuasion => ([first.p?, second.worth?], first.worth.is_some()),
        };
        let mut game = Self {
            family,
            types,
            last: first.last,
            complete,
            offers: Vec::new(),
            counts: Counts::default(),
            lies: 0,
            gains: [0.0; 2],
            efficiency: None,
            fairness: None,
        };
        let mut good = false;
        for step in 0..episode.info.length {
            let mover = (0..2).find(|&player| episode.players[player].acted[step])?;
            let (before, after) = (see(mover, step)?, see(0, step + 1)?);
            let alices = see(0, step)?;
            if (alices.due, alices.round) == (after.due, after.round) {
                // An answer in words that was no move.
                continue;
            }
            let latest = || after.past().first();
            match before.due {
                Due::Offer => game.offers.push(Offer {
                    round: before.round,
                    proposer: mover,
                    amount: after.offer?,
                    accepted: false,
                }),
                Due::Decision => {
                    let accepted = latest()?.accepted == Some(true);
                    game.offers.last_mut()?.accepted = accepted;
                }
                Due::Words => {
                    good = before.good?;
                    let recommended = after.offer? > 0.5;
                    game.lies += u16::from(!good && recommended);
                }
                Due::Purchase => game.counts.count(good, latest()?.accepted == Some(true)),
                Due::Nothing => return None,
            }
        }
        game.measure(low);
        Some(game)
    }

    fn measure(&mut self, low: f64) {
        let agreed = self.agreed();
        let Metrics {
            alice,
            bob,
            efficiency,
            fairness,
        } = match self.family {
            Family::Bargaining => {
                let deal = agreed.map(|offer| Deal {
                    share: offer.amount,
                    round: offer.round,
                });
                let last = self.last.unwrap_or(1);
                metrics::bargaining(deal, self.types, last, Scoring::Paper)
            }
            Family::Negotiation => {
                let price = agreed.map(|offer| offer.amount);
                metrics::negotiation(price, self.types, Scoring::Paper)
            }
            Family::Persuasion => {
                let worth = [self.types[1], low];
                metrics::persuasion(self.counts, self.counts.rounds, worth, Scoring::Paper)
            }
        };
        self.gains = [alice, bob];
        self.efficiency = efficiency.map(|x| x.min(1.0));
        self.fairness = fairness;
    }

    /// The offer that was agreed on.
    pub(super) fn agreed(&self) -> Option<&Offer> {
        self.offers.last().filter(|offer| offer.accepted)
    }

    /// The share of what there is to divide that an amount gives to `player`; `None` where there is nothing.
    pub(super) fn share(&self, amount: f64, player: usize) -> Option<f64> {
        let alices = match self.family {
            Family::Bargaining => amount,
            Family::Negotiation => {
                let [seller, buyer] = self.types;
                if buyer <= seller {
                    return None;
                }
                (amount - seller) / (buyer - seller)
            }
            Family::Persuasion => return None,
        };
        Some(if player == 0 { alices } else { 1.0 - alices })
    }
}
