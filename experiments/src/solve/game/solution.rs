//! The document `solve-game/1`: what [`solve_game`](super::solve_game) finds.

use serde::Serialize;

use super::GamePlanner;

/// The document `solve-game/1`.
#[derive(Debug, Clone, Serialize)]
pub struct GameSolution {
    /// What was solved.
    pub game: SolvedGame,
    /// An equilibrium by linear programming, of zero-sum games that are not too large, and of preferences without
    /// regularisation.
    pub equilibrium: Option<GameEquilibrium>,
    /// What each solver found, in the order asked for.
    pub planners: Vec<GamePlannerReport>,
    /// What the reader must know.
    pub notes: Vec<String>,
}

impl GameSolution {
    /// The solver with the smallest gap; of several the first. None if all have failed.
    pub fn best(&self) -> Option<&GamePlannerReport> {
        let sound = self
            .planners
            .iter()
            .filter(|planner| planner.problem.is_none());
        sound.min_by(|a, b| a.gap.total_cmp(&b.gap))
    }
}

/// The game.
#[derive(Debug, Clone, Serialize)]
pub struct SolvedGame {
    /// `extensive`, `normal_form` or `preferences`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// What it is.
    pub summary: String,
    /// Actions of each player, or responses; of a game in extensive form information sets of each player.
    pub sizes: Vec<usize>,
    /// Nodes of the tree.
    pub nodes: Option<usize>,
}

/// An equilibrium.
#[derive(Debug, Clone, Serialize)]
pub struct GameEquilibrium {
    /// What the first player gets; of preferences the probability of being preferred.
    pub value: f64,
    /// Both players' policies; of preferences, which are symmetric, one.
    pub policy: Vec<GamePolicyRow>,
}

/// What a solver found.
#[derive(Debug, Clone, Serialize)]
pub struct GamePlannerReport {
    /// As asked for: its name, with parameters if there were any.
    pub label: String,
    /// Its name and all its parameters.
    pub config: GamePlanner,
    /// `average` or `last`: which of its policies is judged and shown.
    pub iterate: &'static str,
    /// `NashConv`, `preference gap` or `regularised gap`: what both players could gain together, in the regularised game
    /// where a temperature is set.
    pub measure: &'static str,
    /// Iterations done.
    pub iterations: u64,
    /// The gap after them; not a number (`null`) if it has diverged.
    pub gap: f64,
    /// Why what was found is not to be trusted, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What the first player gets under this policy; none for preferences, where it is 1/2.
    pub value: Option<f64>,
    /// Wall-clock seconds, without those to compute gaps.
    pub seconds: f64,
    /// The gap after 1, 2, 5, 10, … iterations and after the last; up to the one at which it diverged.
    pub trace: Vec<GamePoint>,
    /// The policy found.
    pub policy: Vec<GamePolicyRow>,
}

/// The gap at some time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct GamePoint {
    /// Iterations done.
    pub iteration: u64,
    /// The gap.
    pub gap: f64,
}

/// How a player acts in one place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GamePolicyRow {
    /// The player, from 0.
    pub player: usize,
    /// The information set; empty where there is only one.
    pub place: String,
    /// Probability of each action.
    pub probabilities: Vec<f64>,
}
