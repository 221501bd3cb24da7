//! What theory says of a game, where it says one thing.

use palaestra_agents::language::Family;
use palaestra_envs::language::{
    grid::FACTORS,
    theory::{self, Trade},
};

use super::game::Game;

/// What rational players would do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Benchmark {
    /// Alice's share, the price, or the seller's gain per round.
    Value(f64),
    /// They would not trade.
    NoTrade,
    /// Theory leaves it open.
    Open,
}

/// The benchmark of a game.
pub(super) fn benchmark(game: &Game) -> Benchmark {
    let known = |value: Option<f64>| value.map_or(Benchmark::Open, Benchmark::Value);
    match (game.family, game.complete, game.last) {
        (Family::Bargaining, true, Some(last)) => {
            Benchmark::Value(theory::bargaining_share(game.types, 1, last))
        }
        (Family::Bargaining, true, None) => known(theory::rubinstein(game.types)),
        (Family::Negotiation, true, Some(last)) => theory::negotiation(game.types, last)
            .map_or(Benchmark::NoTrade, |Trade { price, .. }| {
                Benchmark::Value(price)
            }),
        // One price, posted under the prior over the published valuations.
        (Family::Negotiation, false, Some(1)) => {
            let posted = theory::seller_price(game.types[0], &FACTORS);
            let sold = posted.filter(|posted| game.types[1] >= posted.price);
            sold.map_or(Benchmark::NoTrade, |posted| Benchmark::Value(posted.price))
        }
        (Family::Persuasion, _, _) => {
            let [p, worth] = game.types;
            Benchmark::Value(theory::bayesian_persuasion(p, worth, game.low).seller)
        }
        (Family::Bargaining | Family::Negotiation, _, _) => Benchmark::Open,
    }
}
