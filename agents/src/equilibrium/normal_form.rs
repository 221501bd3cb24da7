//! Games of any number of players in normal form: what everyone gets for each profile of actions.

use super::{BimatrixGame, GameError};

/// A game in normal form. Profiles are numbered, the last player's action fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct NormalFormGame {
    actions: Vec<usize>,
    /// `[players][profiles]`.
    payoffs: Vec<Vec<f64>>,
}

impl NormalFormGame {
    /// A game in which player `k` has `actions[k]` actions and gets `payoffs[k]`, one for each profile.
    ///
    /// # Errors
    /// [`GameError::Shape`] without players or actions, or for another number of payoffs; [`GameError::Payoff`] (player,
    /// profile) if one is not finite.
    pub fn new(actions: Vec<usize>, payoffs: Vec<Vec<f64>>) -> Result<Self, GameError> {
        let profiles = actions
            .iter()
            .try_fold(1usize, |all, &n| all.checked_mul(n));
        let profiles = profiles
            .filter(|&n| n > 0 && !actions.is_empty())
            .unwrap_or_default();
        if profiles == 0 || payoffs.len() != actions.len() {
            return Err(GameError::Shape {
                what: "list of payoffs by player",
                found: payoffs.len(),
                expected: actions.len().max(1),
            });
        }
        for (player, own) in payoffs.iter().enumerate() {
            if own.len() != profiles {
                return Err(GameError::Shape {
                    what: "payoffs of a player",
                    found: own.len(),
                    expected: profiles,
                });
            }
            if let Some(profile) = own.iter().position(|payoff| !payoff.is_finite()) {
                return Err(GameError::Payoff {
                    row: player,
                    column: profile,
                    value: own[profile],
                });
            }
        }
        Ok(Self { actions, payoffs })
    }

    /// Actions of each player.
    pub fn actions(&self) -> &[usize] {
        &self.actions
    }

    /// Number of profiles.
    pub fn profiles(&self) -> usize {
        self.payoffs[0].len()
    }

    /// What a player gets.
    pub fn payoff(&self, player: usize, profile: usize) -> f64 {
        self.payoffs[player][profile]
    }

    /// Profiles between two that differ in one action of a player.
    fn stride(&self, player: usize) -> usize {
        self.actions[player + 1..].iter().product()
    }

    /// What a player does in a profile.
    pub fn action(&self, profile: usize, player: usize) -> usize {
        profile / self.stride(player) % self.actions[player]
    }

    /// The profile in which `player` does `action` and everyone else the same.
    pub fn with(&self, profile: usize, player: usize, action: usize) -> usize {
        let stride = self.stride(player);
        profile - self.action(profile, player) * stride + action * stride
    }

    /// Profiles from which one player alone could go, with what that player would gain: `(player, profile, gain)`.
    pub(super) fn deviations(&self, profile: usize) -> impl Iterator<Item = (usize, usize, f64)> {
        (0..self.actions.len()).flat_map(move |player| {
            let own = self.action(profile, player);
            (0..self.actions[player])
                .filter(move |&action| action != own)
                .map(move |action| {
                    let other = self.with(profile, player, action);
                    let gain = self.payoff(player, other) - self.payoff(player, profile);
                    (player, other, gain)
                })
        })
    }

    /// Profiles in which nobody gains more than `slack` by doing something else: pure equilibria.
    pub fn pure_equilibria(&self, slack: f64) -> Vec<usize> {
        let stays = |profile: &usize| self.deviations(*profile).all(|(_, _, gain)| gain <= slack);
        (0..self.profiles()).filter(stays).collect()
    }
}

impl From<&BimatrixGame> for NormalFormGame {
    fn from(game: &BimatrixGame) -> Self {
        let [rows, columns] = game.actions();
        let payoffs = |player| {
            (0..rows * columns)
                .map(|profile| game.payoff(player, profile / columns, profile % columns))
                .collect()
        };
        Self {
            actions: vec![rows, columns],
            payoffs: vec![payoffs(0), payoffs(1)],
        }
    }
}
