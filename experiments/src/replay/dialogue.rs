//! What is done in a step of a language game, in words and numbers.

use palaestra_agents::language::{Family, Situation};
use palaestra_envs::language::{power, structured::Due};

use crate::episodes::Episode;

/// Names of the players in the order of seats.
const SEATS: [&str; 2] = ["Alice", "Bob"];

/// What `player` does in step `step` of `episode`, and what that is worth; `None` if this is no language game.
pub(super) fn told(episode: &Episode, player: usize, step: usize) -> Option<String> {
    let see = |player: usize, step: usize| {
        Situation::find(&episode.players.get(player)?.observation, step)
    };
    let (before, after) = (see(player, step)?, see(player, step + 1)?);
    if (before.due, before.round) == (after.due, after.round) {
        // An answer in words that the rules do not know.
        return Some("no move".into());
    }
    let gains = |offer: f64| -> Option<String> {
        let both = [see(0, step)?, see(1, step)?];
        let gains =
            both.map(|seat| power(seat.delta.0, before.round.max(1) - 1) * seat.gain(offer));
        Some(format!(
            "{} would gain {:.4}, {} {:.4}",
            SEATS[0], gains[0], SEATS[1], gains[1]
        ))
    };
    Some(match before.due {
        Due::Offer => {
            let offer = after.offer?;
            let what = match before.family {
                Family::Bargaining => format!("offers Alice {offer:.4}, Bob {:.4}", 1.0 - offer),
                _ => format!("names the price {offer:.4}"),
            };
            format!("{what}: {}", gains(offer)?)
        }
        Due::Decision => {
            let verdict = match (after.past().first()?.accepted, after.due) {
                (Some(true), _) => "accepts",
                (_, Due::Nothing) => "declines, which ends the game",
                _ => "declines",
            };
            format!("{verdict} {:.4}: {}", before.offer?, gains(before.offer?)?)
        }
        Due::Words => {
            let quality = if before.good? { "good" } else { "bad" };
            let said = if after.offer? > 0.5 {
                "recommends"
            } else {
                "does not recommend"
            };
            format!("{said} a {quality} thing")
        }
        Due::Purchase => {
            // The seller always knows what became of it.
            let bought = see(0, step + 1)?.past().first()?.accepted == Some(true);
            let chance = before.good_if_recommended(before.prior_of_good());
            let believed =
                format!("a recommended thing is good with {chance:.2} by what it has seen");
            format!("{}: {believed}", if bought { "buys" } else { "passes" })
        }
        Due::Nothing => return None,
    })
}
