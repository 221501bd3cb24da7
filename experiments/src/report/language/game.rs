//! A logged episode as a game: who offered what, and how it was answered.

use palaestra_agents::language::{Family, Situation};
use palaestra_envs::language::{
    Scoring,
    answer::{Expected, Reading, read, resigned},
    metrics::{self, Counts, Deal, Metrics},
    structured::Due,
};

use crate::episodes::{Ending, Episode, PlayerEpisode};

/// An offer, and the answer to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Offer {
    pub(super) round: u16,
    pub(super) proposer: usize,
    /// Alice's share, or the price over the scale.
    pub(super) amount: f64,
    pub(super) accepted: bool,
}

/// What a game in words took.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Words {
    /// Answers that were no moves, by player.
    pub(super) invalid: [u32; 2],
    /// Moves that were played for a player.
    pub(super) fallbacks: [u32; 2],
}

/// What a line-up's games have in common and do not show.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Setting {
    /// What bad things of persuasion are worth.
    pub(super) low: f64,
    /// How answers are read.
    pub(super) reading: Reading,
}

/// A game that was played to its end, or stopped.
#[derive(Debug, Clone)]
pub(super) struct Game {
    pub(super) family: Family,
    /// Discount factors, valuations, or p and v.
    pub(super) types: [f64; 2],
    /// What bad things of persuasion are worth.
    pub(super) low: f64,
    /// The last round, if it was told.
    pub(super) last: Option<u16>,
    /// Whether both knew both types.
    pub(super) complete: bool,
    /// Whether it ended for a reason outside the rules: a player gave no valid move, or gave up. Gains and measures then
    /// mean nothing.
    pub(super) stopped: bool,
    /// Of a game in words.
    pub(super) words: Option<Words>,
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
    /// Reads an episode; `None` if it was cut, or is not one of these games.
    pub(super) fn read(episode: &Episode, setting: &Setting) -> Option<Self> {
        if episode.info.ending == Ending::Cut || episode.players.len() != 2 {
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
            low: setting.low,
            last: first.last,
            complete,
            stopped: false,
            words: expects(&episode.players[0]).map(|_| Words::default()),
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
            let moved = (alices.due, alices.round) != (after.due, after.round);
            let bad = is_no_move(&episode.players[mover], step, &setting.reading);
            if let Some(words) = &mut game.words {
                words.invalid[mover] += u32::from(bad);
                words.fallbacks[mover] += u32::from(bad && moved && after.due != Due::Nothing);
            }
            if !moved {
                continue;
            }
            let latest = || after.past().first();
            // Offers and words end no game, and a decision that was made is seen.
            let decided = latest().is_some_and(|exchange| exchange.accepted.is_some());
            let decides = matches!(before.due, Due::Decision | Due::Purchase);
            if after.due == Due::Nothing && !(decides && decided) {
                game.stopped = true;
                return Some(game);
            }
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
        // What a time limit has cut is no game.
        if see(0, episode.info.length)?.due != Due::Nothing {
            return None;
        }
        game.measure();
        Some(game)
    }

    fn measure(&mut self) {
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
                let worth = [self.types[1], self.low];
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

/// Where a player in words is told what is due.
fn expects(player: &PlayerEpisode) -> Option<usize> {
    player.observation.index_of("expects")
}

/// Whether what a player said is no move. Giving up is none that counts.
fn is_no_move(player: &PlayerEpisode, step: usize, reading: &Reading) -> bool {
    let Some(expects) = expects(player) else {
        return false;
    };
    let answer = &player.action.text(0)[step];
    let due: Option<Expected> = serde_json::from_str(&player.observation.text(expects)[step]).ok();
    resigned(answer).is_none() && due.is_some_and(|due| read(answer, &due, reading).is_err())
}
