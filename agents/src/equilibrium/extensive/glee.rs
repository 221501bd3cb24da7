//! GLEE's games as trees, played by the rules of `palaestra_envs::language` with offers from a grid.
//!
//! *After GLEE (Shapira et al., arXiv 2410.05254); grid, symbols and priors over types are ours.* Words are cheap talk: one of
//! a few symbols goes with an offer or is what the seller says. Under incomplete information nature draws the types first,
//! each listed pair equally likely, and a player's information sets know its own type and what was said and done.
//!
//! Bargaining and negotiation are not zero-sum: with complete information [`backward_induction`](super::super::backward_induction())
//! solves them; for the rest look at the gap.

use palaestra_envs::language::{
    Bargaining, BargainingConfig, Money, Negotiation, NegotiationConfig, Persuasion,
    PersuasionConfig, PersuasionPhase, RuleError, Scoring, SellerMessage, Signal, Verdict,
};

use super::{GameRules, Turn};

/// A position: the types once they are known, the game, and the line of play as both have seen it.
#[derive(Debug, Clone)]
pub struct Haggled<G> {
    /// Number of the pair of types.
    types: Option<usize>,
    game: G,
    line: String,
}

/// Bargaining with Alice's shares from a grid.
#[derive(Debug, Clone)]
pub struct BargainingRules {
    /// The game with each pair of types.
    starts: Vec<Bargaining>,
    parts: u32,
    symbols: usize,
}

impl BargainingRules {
    /// A bargaining in which Alice's share is a multiple of `1 / parts`, with one of `symbols` along with each offer.
    /// `types` are the pairs of discount factors that nature draws from; with none, those of the configuration.
    ///
    /// # Errors
    /// [`RuleError::Config`] if one of them is no game, or for a grid without parts or symbols.
    pub fn new(
        config: BargainingConfig,
        types: &[[f64; 2]],
        parts: u32,
        symbols: usize,
    ) -> Result<Self, RuleError> {
        some("parts", parts as usize)?;
        some("symbols", symbols)?;
        let types = if types.is_empty() {
            &[config.delta]
        } else {
            types
        };
        let starts = types
            .iter()
            .map(|&delta| Bargaining::new(BargainingConfig { delta, ..config }));
        Ok(Self {
            starts: starts.collect::<Result<_, _>>()?,
            parts,
            symbols,
        })
    }
}

fn some(key: &'static str, count: usize) -> Result<(), RuleError> {
    if count > 0 {
        return Ok(());
    }
    Err(RuleError::Config {
        key,
        problem: "must be at least 1".into(),
    })
}

/// What a player knows of the types, and the line of play.
fn key(types: [f64; 2], player: usize, complete: bool, line: &str) -> String {
    if complete {
        format!("{} {}{line}", types[0], types[1])
    } else {
        format!("{}{line}", types[player])
    }
}

/// Choices of the one who decides, in this order.
const VERDICTS: [Verdict; 3] = [Verdict::Accept, Verdict::Reject, Verdict::Exit];

/// The games of offers and answers as trees alike.
macro_rules! haggling {
    ($rules:ty, $game:ty, $name:literal, $types:ident, |$self:ident, $offer:ident, $running:ident| $propose:expr, offers: $offers:expr, exits: $exits:expr) => {
        impl GameRules for $rules {
            type Node = Haggled<$game>;

            fn name(&self) -> String {
                $name.into()
            }

            fn root(&self) -> Self::Node {
                Haggled {
                    types: (self.starts.len() == 1).then_some(0),
                    game: self.starts[0],
                    line: String::new(),
                }
            }

            fn turn(&self, node: &Self::Node) -> Turn {
                if node.types.is_none() {
                    let draws = self.starts.len();
                    return Turn::Chance(vec![1.0 / draws as f64; draws]);
                }
                let (game, config) = (&node.game, &node.game.config);
                match (game.mover(), game.metrics(Scoring::Paper)) {
                    (Some(player), _) => Turn::Decision {
                        player,
                        key: key(
                            config.$types,
                            player,
                            config.complete_information,
                            &node.line,
                        ),
                        actions: if game.offer().is_some() {
                            2 + usize::from($exits(config))
                        } else {
                            $offers(self) * self.symbols
                        },
                    },
                    (None, metrics) => {
                        Turn::End(metrics.map_or([0.0; 2], |metrics| [metrics.alice, metrics.bob]))
                    }
                }
            }

            fn after(&self, node: &Self::Node, action: usize) -> Self::Node {
                if node.types.is_none() {
                    return Haggled {
                        types: Some(action),
                        game: self.starts[action],
                        line: String::new(),
                    };
                }
                let mut next = node.clone();
                let ($self, $running) = (self, &mut next.game);
                let played = if node.game.offer().is_some() {
                    $running.decide(VERDICTS[action.min(2)])
                } else {
                    let $offer = action / self.symbols;
                    $propose
                };
                debug_assert!(played.is_ok(), "{played:?}");
                next.line = format!("{} {action}", node.line);
                next
            }
        }
    };
}

haggling!(
    BargainingRules, Bargaining, "glee_bargaining", delta,
    |rules, offer, game| {
        let money = game.config.money;
        let alice = money.fraction(offer as u32, rules.parts);
        game.propose(alice, money - alice)
    },
    offers: |rules: &Self| rules.parts as usize + 1,
    exits: |config: &BargainingConfig| config.walk_away
);

/// Negotiation with prices from a list.
#[derive(Debug, Clone)]
pub struct NegotiationRules {
    /// The game with each pair of types.
    starts: Vec<Negotiation>,
    prices: Vec<Money>,
    symbols: usize,
}

impl NegotiationRules {
    /// A negotiation over these prices, with one of `symbols` along with each. `types` are the pairs of valuations, over
    /// the scale, that nature draws from; with none, those of the configuration.
    ///
    /// # Errors
    /// [`RuleError::Config`] if one of them is no game, or without prices or symbols; [`RuleError::OutOfRange`] for a price
    /// that cannot be named.
    pub fn new(
        config: NegotiationConfig,
        types: &[[f64; 2]],
        prices: Vec<Money>,
        symbols: usize,
    ) -> Result<Self, RuleError> {
        some("prices", prices.len())?;
        some("symbols", symbols)?;
        for &price in &prices {
            Negotiation::new(config)?.propose(price)?;
        }
        let types = if types.is_empty() {
            &[config.factor]
        } else {
            types
        };
        let starts = types
            .iter()
            .map(|&factor| Negotiation::new(NegotiationConfig { factor, ..config }));
        Ok(Self {
            starts: starts.collect::<Result<_, _>>()?,
            prices,
            symbols,
        })
    }
}

haggling!(
    NegotiationRules, Negotiation, "glee_negotiation", factor,
    |rules, offer, game| game.propose(rules.prices[offer]),
    offers: |rules: &Self| rules.prices.len(),
    exits: |_: &NegotiationConfig| true
);

/// Persuasion in which the seller says one of a few symbols.
#[derive(Debug, Clone)]
pub struct PersuasionRules {
    start: Persuasion,
    symbols: usize,
}

impl PersuasionRules {
    /// A persuasion with these symbols to say; the tree grows like `(2 · symbols · 2)^rounds`.
    ///
    /// # Errors
    /// [`RuleError::Config`] if it is no game, without symbols, or for buyers who change: one player cannot forget.
    pub fn new(config: PersuasionConfig, symbols: usize) -> Result<Self, RuleError> {
        some("symbols", symbols)?;
        if config.myopic && config.rounds > 1 {
            return Err(RuleError::Config {
                key: "myopic",
                problem: "buyers who change are several players; a tree has one buyer".into(),
            });
        }
        // Recommendations of one bit are two symbols; any number of them is texts.
        let seller_message = SellerMessage::Text;
        let start = Persuasion::new(PersuasionConfig {
            seller_message,
            ..config
        })?;
        Ok(Self { start, symbols })
    }
}

/// A position: the game, what each player has seen, and what each has gained.
#[derive(Debug, Clone)]
pub struct Persuaded {
    game: Persuasion,
    seen: [String; 2],
    gains: [f64; 2],
}

impl GameRules for PersuasionRules {
    type Node = Persuaded;

    fn name(&self) -> String {
        "glee_persuasion".into()
    }

    fn root(&self) -> Persuaded {
        Persuaded {
            game: self.start,
            seen: [String::new(), String::new()],
            gains: [0.0; 2],
        }
    }

    fn turn(&self, node: &Persuaded) -> Turn {
        let p = self.start.config.p;
        match node.game.phase() {
            PersuasionPhase::Nature => Turn::Chance(vec![p, 1.0 - p]),
            PersuasionPhase::Seller => Turn::Decision {
                player: 0,
                key: node.seen[0].clone(),
                actions: self.symbols,
            },
            PersuasionPhase::Buyer => Turn::Decision {
                player: 1,
                key: node.seen[1].clone(),
                actions: 2,
            },
            PersuasionPhase::Done => Turn::End(node.gains),
        }
    }

    fn after(&self, node: &Persuaded, action: usize) -> Persuaded {
        let mut next = node.clone();
        let played = match node.game.phase() {
            PersuasionPhase::Nature => {
                next.seen[0] += if action == 0 { " good" } else { " bad" };
                next.game.draw(action == 0)
            }
            PersuasionPhase::Seller => {
                for seen in &mut next.seen {
                    *seen = format!("{seen} says {action}");
                }
                next.game.say(Signal::Text)
            }
            PersuasionPhase::Buyer => {
                let buys = action == 1;
                let decided = if buys { " buys" } else { " passes" };
                next.seen.iter_mut().for_each(|seen| *seen += decided);
                if node.game.is_revealed(buys) {
                    next.seen[1] += if node.game.is_high() { " good" } else { " bad" };
                }
                let rounds = f64::from(node.game.config.rounds);
                next.game.decide(buys).map(|gains| {
                    next.gains
                        .iter_mut()
                        .zip(gains)
                        .for_each(|(sum, gain)| *sum += gain / rounds);
                })
            }
            PersuasionPhase::Done => Ok(()),
        };
        debug_assert!(played.is_ok(), "{played:?}");
        next
    }
}
