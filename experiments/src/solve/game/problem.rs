//! Games that are known by name.

use std::sync::Arc;

use palaestra_agents::equilibrium::{
    BimatrixGame, ExtensiveGame, GameError, PreferenceGame, extensive::GameRules,
};
use palaestra_envs::language::RuleError;

use super::{super::SolveError, glee};

/// A game to solve.
#[derive(Debug, Clone)]
pub struct GameProblem {
    /// Its name.
    pub name: String,
    /// What it is.
    pub summary: String,
    /// The game itself.
    pub form: GameForm,
}

/// A game in one of three forms.
#[derive(Debug, Clone)]
pub enum GameForm {
    /// A tree with information sets.
    Extensive(Arc<ExtensiveGame>),
    /// A table of payoffs for two players.
    Normal(Arc<BimatrixGame>),
    /// Preferences between responses.
    Preferences(Arc<PreferenceGame>),
}

impl GameForm {
    /// Its name in documents.
    pub fn id(&self) -> &'static str {
        match self {
            Self::Extensive(_) => "extensive",
            Self::Normal(_) => "normal_form",
            Self::Preferences(_) => "preferences",
        }
    }
}

/// Name and summary of every game that is known by name; `random{N}_{seed}` beside them.
pub const GAMES: [(&str, &str); 11] = [
    (
        "kuhn_poker",
        "Poker with three cards, one card each and one bet.",
    ),
    (
        "leduc_poker",
        "Poker with six cards in three ranks, two rounds of betting and a public card.",
    ),
    (
        "glee_bargaining",
        "Two rounds of bargaining over eleven shares, each player patient or not, which only it knows.",
    ),
    (
        "glee_negotiation",
        "Two rounds of negotiation over eight prices, each value one of two, which only its player knows.",
    ),
    (
        "glee_persuasion",
        "One round of persuasion with two words: good things are worth 1.25 prices, half of them are good.",
    ),
    ("rps", "Rock, paper, scissors with payoffs -1, 0 and 1."),
    ("biased_rps", "Rock, paper, scissors with unequal stakes."),
    (
        "matching_pennies",
        "One player wants the same side, the other the other.",
    ),
    (
        "dice_cycle",
        "Preferences: non-transitive dice, each beats the next with probability 5/9.",
    ),
    (
        "biased_cycle",
        "Preferences: a cycle of three with unequal strengths.",
    ),
    (
        "extreme_rps",
        "Preferences: rock, paper, scissors with certain wins.",
    ),
];

/// Responses of a random preference game, at most.
const MOST_RESPONSES: usize = 2000;

impl GameProblem {
    /// The game of this name; the environments `kuhn_poker-v1` and `leduc_poker-v1` are the same games.
    ///
    /// # Errors
    /// [`SolveError::Planner`] for a random game of a size that makes none.
    pub fn named(name: &str) -> Result<Option<Self>, SolveError> {
        let id = match name {
            "kuhn_poker-v1" => "kuhn_poker",
            "leduc_poker-v1" => "leduc_poker",
            other => other,
        };
        if let Some(game) = random(id)? {
            return Ok(Some(Self {
                name: id.into(),
                summary: "Random preferences, uniform from a linear congruential generator.".into(),
                form: GameForm::Preferences(Arc::new(game)),
            }));
        }
        let Some((_, summary)) = GAMES.iter().find(|(known, _)| *known == id) else {
            return Ok(None);
        };
        let form = form(id).map_err(|error| SolveError::Game {
            planner: id.into(),
            error: error.into(),
        })?;
        Ok(form.map(|form| Self {
            name: id.into(),
            summary: (*summary).into(),
            form,
        }))
    }
}

fn form(id: &str) -> Result<Option<GameForm>, GameError> {
    let normal = |game| Some(GameForm::Normal(Arc::new(game)));
    let preferences = |game| Some(GameForm::Preferences(Arc::new(game)));
    Ok(match id {
        "kuhn_poker" => Some(GameForm::Extensive(Arc::new(ExtensiveGame::kuhn_poker()?))),
        "leduc_poker" => Some(GameForm::Extensive(Arc::new(ExtensiveGame::leduc_poker()?))),
        "glee_bargaining" => Some(tree(glee::bargaining())?),
        "glee_negotiation" => Some(tree(glee::negotiation())?),
        "glee_persuasion" => Some(tree(glee::persuasion())?),
        "rps" => normal(BimatrixGame::rock_paper_scissors()),
        "biased_rps" => normal(BimatrixGame::biased_rps()),
        "matching_pennies" => normal(BimatrixGame::matching_pennies()),
        "dice_cycle" => preferences(PreferenceGame::dice_cycle()),
        "biased_cycle" => preferences(PreferenceGame::biased_cycle()),
        "extreme_rps" => preferences(PreferenceGame::extreme_rps()),
        _ => None,
    })
}

fn tree<R: GameRules>(rules: Result<R, RuleError>) -> Result<GameForm, GameError> {
    let rules = rules.map_err(|error| GameError::Tree {
        game: "glee".into(),
        reason: error.to_string(),
    })?;
    Ok(GameForm::Extensive(Arc::new(ExtensiveGame::build(&rules)?)))
}

/// `random{N}_{seed}`; nothing for a name that is not of this kind.
fn random(id: &str) -> Result<Option<PreferenceGame>, SolveError> {
    let numbers = id
        .strip_prefix("random")
        .and_then(|rest| rest.split_once('_'));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let Some((n, seed)) = numbers.filter(|(n, seed)| digits(n) && digits(seed)) else {
        return Ok(None);
    };
    let wrong = |message: String| SolveError::Planner {
        message,
        help: "random{N}_{seed} is a random preference game of N responses, such as random10_7"
            .into(),
    };
    let responses = n.parse().ok().filter(|n| (1..=MOST_RESPONSES).contains(n));
    let responses = responses.ok_or_else(|| {
        wrong(format!(
            "`{id}`: N must be from 1 to {MOST_RESPONSES}, found {n}"
        ))
    })?;
    let seed = seed
        .parse()
        .map_err(|_| wrong(format!("`{id}`: the seed must be below 2^64, found {seed}")))?;
    Ok(Some(PreferenceGame::random(responses, seed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_game_is_there() {
        for (id, summary) in GAMES {
            let found = GameProblem::named(id).unwrap().unwrap();
            assert_eq!((found.name.as_str(), found.summary.as_str()), (id, summary));
        }
        let random = GameProblem::named("random10_7").unwrap().unwrap();
        assert_eq!(random.form.id(), "preferences");
        for unknown in ["chess", "random", "randomx_1", "random10", "random10_"] {
            assert!(GameProblem::named(unknown).unwrap().is_none(), "{unknown}");
        }
        for wrong in ["random0_1", "random10001_1", "random99999999999999999999_1"] {
            let refused = GameProblem::named(wrong).unwrap_err().to_string();
            assert!(refused.contains("N must be from 1 to 2000"), "{refused}");
        }
    }
}
