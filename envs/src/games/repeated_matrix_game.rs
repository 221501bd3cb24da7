//! A two-player game in normal form, played for a number of rounds.
//!
//! In each round both players choose at the same time and are paid by a table. The observation is
//! `Discrete(1 + actions · other's actions)`: 0 at the start, then `1 + own · m + other's`, the last joint action
//! from the player's own side, where `m` is the number of the other's actions. A table can be indexed by it as it
//! is; flattened, it is the one-hot of the joint action with a start flag. The episode terminates with the last
//! round. Nothing is random.
//!
//! Named payoffs: rock-paper-scissors and matching pennies (zero sum, ±1); the prisoner's dilemma of Axelrod's
//! tournaments (*The Evolution of Cooperation*, 1984: 3, 0, 5, 1); a stag hunt (4, 1, 3, 2) and the battle of the
//! sexes (3, 2).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::EnvError,
    sim::{EnvSpec, Environment, PlayerSpec, RowObservation, RowStep, no_options},
    space::Space,
    stream::Stream,
};

/// Payoffs `[row player's action][column player's action] = [row player's, column player's]`.
pub type PayoffTable = Vec<Vec<[f64; 2]>>;

/// A game with a name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MatrixGame {
    /// Rock, paper, scissors: +1 for a win, -1 for a loss.
    #[default]
    RockPaperScissors,
    /// Cooperate or defect: 3 each, 0 against 5, 1 each.
    PrisonersDilemma,
    /// Heads or tails: the row player wins 1 if they match, else the column player does.
    MatchingPennies,
    /// Stag or hare: 4 each together, a lone stag hunter 1, a hare hunter beside it 3, two hare hunters 2.
    StagHunt,
    /// Opera or football: 3 for the one who prefers the joint choice, 2 for the other, 0 apart.
    BattleOfTheSexes,
}

impl MatrixGame {
    /// The payoffs.
    pub fn payoffs(self) -> PayoffTable {
        let zero_sum = |table: &[&[f64]]| {
            // Not `-a`, which would pay a negative zero.
            let line = |line: &&[f64]| line.iter().map(|&a| [a, 0.0 - a]).collect();
            table.iter().map(line).collect()
        };
        let symmetric = |table: [[f64; 2]; 2]| {
            let pay = |i: usize, j: usize| [table[i][j], table[j][i]];
            vec![vec![pay(0, 0), pay(0, 1)], vec![pay(1, 0), pay(1, 1)]]
        };
        match self {
            Self::RockPaperScissors => {
                zero_sum(&[&[0.0, -1.0, 1.0], &[1.0, 0.0, -1.0], &[-1.0, 1.0, 0.0]])
            }
            Self::MatchingPennies => zero_sum(&[&[1.0, -1.0], &[-1.0, 1.0]]),
            Self::PrisonersDilemma => symmetric([[3.0, 0.0], [5.0, 1.0]]),
            Self::StagHunt => symmetric([[4.0, 1.0], [3.0, 2.0]]),
            Self::BattleOfTheSexes => {
                vec![vec![[3.0, 2.0], [0.0, 0.0]], vec![[0.0, 0.0], [2.0, 3.0]]]
            }
        }
    }

    /// Names of the actions, which both players share.
    fn action_names(self) -> &'static [&'static str] {
        match self {
            Self::RockPaperScissors => &["rock", "paper", "scissors"],
            Self::PrisonersDilemma => &["cooperate", "defect"],
            Self::MatchingPennies => &["heads", "tails"],
            Self::StagHunt => &["stag", "hare"],
            Self::BattleOfTheSexes => &["opera", "football"],
        }
    }
}

/// Arguments of [`RepeatedMatrixGame`].
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RepeatedMatrixGameArgs {
    /// Which game, unless `payoffs` is given.
    pub game: MatrixGame,
    /// A table of your own, `[row player's action][column player's action] = [row player's, column player's]`;
    /// empty: that of `game`.
    pub payoffs: PayoffTable,
    /// Rounds of an episode, >= 1.
    pub rounds: u32,
}

impl Default for RepeatedMatrixGameArgs {
    fn default() -> Self {
        Self {
            game: MatrixGame::default(),
            payoffs: Vec::new(),
            rounds: 10,
        }
    }
}

/// What has happened in an episode.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Play {
    /// Rounds played.
    round: u32,
    /// Actions of the last round; `None` before the first.
    last: Option<[u32; 2]>,
    /// Sum of payoffs.
    total: [f64; 2],
}

/// The repeated game.
#[derive(Debug, Clone)]
pub struct RepeatedMatrixGame {
    payoffs: PayoffTable,
    rounds: u32,
    /// Names of the actions of a named game.
    names: &'static [&'static str],
}

impl RepeatedMatrixGame {
    /// The game with its arguments.
    ///
    /// # Errors
    /// [`EnvError::Argument`] if there are no rounds, or the payoffs are not a rectangle of finite numbers.
    pub fn new(args: &RepeatedMatrixGameArgs) -> Result<Self, EnvError> {
        if args.rounds == 0 {
            return Err(EnvError::argument("rounds", "must be at least 1"));
        }
        let named = args.payoffs.is_empty();
        let payoffs = if named {
            args.game.payoffs()
        } else {
            args.payoffs.clone()
        };
        let columns = payoffs[0].len();
        for (i, line) in payoffs.iter().enumerate() {
            if line.is_empty() || line.len() != columns {
                return Err(EnvError::argument(
                    &format!("payoffs[{i}]"),
                    format!(
                        "every line must have as many columns as the first, at least 1; \
                         this has {}, the first {columns}",
                        line.len()
                    ),
                ));
            }
            let wrong = |x: &f64| !(*x as f32).is_finite();
            if let Some(j) = line.iter().position(|pay| pay.iter().any(wrong)) {
                return Err(EnvError::argument(
                    &format!("payoffs[{i}][{j}]"),
                    "payoffs must be finite in single precision",
                ));
            }
        }
        // An observation numbers the joint actions in 32 bits.
        if payoffs.len().saturating_mul(columns) >= i32::MAX as usize {
            return Err(EnvError::argument("payoffs", "too many joint actions"));
        }
        Ok(Self {
            payoffs,
            rounds: args.rounds,
            names: if named { args.game.action_names() } else { &[] },
        })
    }

    /// Number of actions of each player.
    fn actions(&self) -> [usize; 2] {
        [self.payoffs.len(), self.payoffs[0].len()]
    }

    fn name(&self, action: u32) -> String {
        self.names
            .get(action as usize)
            .map_or_else(|| action.to_string(), |&name| name.to_owned())
    }
}

impl Environment for RepeatedMatrixGame {
    type State = Play;

    fn spec(&self) -> EnvSpec {
        let [rows, columns] = self.actions();
        let seen = Space::discrete(1 + rows * columns);
        let all = || self.payoffs.iter().flatten().flatten();
        let low = all().copied().fold(f64::INFINITY, f64::min);
        let high = all().copied().fold(f64::NEG_INFINITY, f64::max);
        EnvSpec {
            players: vec![
                PlayerSpec::new("row", seen.clone(), Space::discrete(rows)),
                PlayerSpec::new("column", seen.clone(), Space::discrete(columns)),
            ],
            // In single precision, as rewards are.
            reward_range: (f64::from(low as f32), f64::from(high as f32)),
            stochastic: false,
            ..EnvSpec::single(
                "repeated_matrix_game-v1",
                "Two players choose at the same time and are paid by a table, for a number of rounds.",
                seen.clone(),
                Space::discrete(rows),
            )
        }
    }

    fn reset(&self, _: &mut Stream, options: &Value) -> Result<Play, String> {
        no_options(options)?;
        Ok(Play::default())
    }

    fn step(&self, play: &mut Play, step: &mut RowStep<'_>, _: &mut Stream) {
        let joint = [0, 1].map(|player| step.discrete(player) as u32);
        let pay = self.payoffs[joint[0] as usize][joint[1] as usize];
        for (player, (total, pay)) in play.total.iter_mut().zip(pay).enumerate() {
            *total += pay;
            step.reward(player, pay as f32);
        }
        play.last = Some(joint);
        play.round += 1;
        if play.round == self.rounds {
            step.terminate();
        }
    }

    fn observe(&self, play: &Play, player: usize, out: &mut RowObservation<'_>) {
        let others = self.actions()[1 - player] as i32;
        out.i32(0)[0] = play.last.map_or(0, |joint| {
            1 + joint[player] as i32 * others + joint[1 - player] as i32
        });
    }

    fn render(&self, play: &Play) -> Option<String> {
        let last = match play.last {
            Some([row, column]) => format!("{} against {}", self.name(row), self.name(column)),
            None => "not begun".into(),
        };
        Some(format!(
            "round {} of {}: {last}\ntotal {} against {}",
            play.round, self.rounds, play.total[0], play.total[1]
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        registry,
        sim::{Autoreset, Simulator},
    };

    /// Every joint action once, with the payoffs it must give: `[row action, column action, pay, pay]`.
    fn plays(args: &Value, table: &[[f32; 4]]) {
        let game = registry()
            .build("repeated_matrix_game-v1", args)
            .unwrap_or_else(|e| panic!("{e}"));
        let mut simulator = Simulator::builder(game)
            .rows(table.len())
            .autoreset(Autoreset::Disabled)
            .build()
            .unwrap();
        simulator.reset().unwrap();
        for player in 0..2 {
            let border = simulator.border_mut().player_mut(player);
            assert_eq!(border.observation().i32(0)[0], 0, "the start");
            for (action, line) in border.action_mut().i32_mut(0).iter_mut().zip(table) {
                *action = line[player] as i32;
            }
        }
        simulator.step().unwrap();
        for (row, line) in table.iter().enumerate() {
            let rewards = [0, 1].map(|p| simulator.border().player(p).reward[row]);
            assert_eq!(rewards, line[2..], "{args} {line:?}");
        }
    }

    #[test]
    fn named_games_pay_as_their_tables_say() {
        let pay = |cells: [[f32; 2]; 4]| {
            let joint = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
            [0, 1, 2, 3].map(|i| [joint[i][0], joint[i][1], cells[i][0], cells[i][1]])
        };
        let dilemma = [[3.0, 3.0], [0.0, 5.0], [5.0, 0.0], [1.0, 1.0]];
        plays(&json!({ "game": "prisoners_dilemma" }), &pay(dilemma));
        let pennies = [[1.0, -1.0], [-1.0, 1.0], [-1.0, 1.0], [1.0, -1.0]];
        plays(&json!({ "game": "matching_pennies" }), &pay(pennies));
        let stag = [[4.0, 4.0], [1.0, 3.0], [3.0, 1.0], [2.0, 2.0]];
        plays(&json!({ "game": "stag_hunt" }), &pay(stag));
        let sexes = [[3.0, 2.0], [0.0, 0.0], [0.0, 0.0], [2.0, 3.0]];
        plays(&json!({ "game": "battle_of_the_sexes" }), &pay(sexes));
        // Rock, paper, scissors: each beats the one before it, around the circle.
        let circle: Vec<[f32; 4]> = (0..9)
            .map(|i| {
                let (a, b) = (i / 3, i % 3);
                let pay = [0.0, 1.0, -1.0][(a + 3 - b) % 3];
                [a as f32, b as f32, pay, -pay]
            })
            .collect();
        plays(&Value::Null, &circle);
    }

    #[test]
    fn tables_of_ones_own_may_be_rectangular() {
        let args = json!({ "payoffs": [[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 0.5], [-1, -2]]], "rounds": 2 });
        plays(&args, &[[0.0, 2.0, 5.0, 6.0], [1.0, 1.0, 9.0, 0.5]]);
    }

    #[test]
    fn each_player_sees_the_last_joint_action_from_its_own_side() {
        let args =
            json!({ "payoffs": [[[0, 0], [0, 0], [0, 0]], [[0, 0], [0, 0], [0, 0]]], "rounds": 2 });
        let game = registry().build("repeated_matrix_game-v1", &args);
        let mut simulator = Simulator::builder(game.unwrap_or_else(|e| panic!("{e}")))
            .build()
            .unwrap();
        simulator.reset().unwrap();
        let act = |simulator: &mut Simulator, joint: [i32; 2]| {
            for (player, action) in joint.into_iter().enumerate() {
                let border = simulator.border_mut().player_mut(player);
                border.action_mut().i32_mut(0)[0] = action;
            }
            simulator.step().unwrap();
        };
        let seen = |s: &Simulator| [0, 1].map(|p| s.border().player(p).observation().i32(0)[0]);
        act(&mut simulator, [1, 2]);
        // Row: 1 + 1 · 3 + 2; column: 1 + 2 · 2 + 1.
        assert_eq!(seen(&simulator), [6, 6]);
        assert!(!simulator.border().terminated[0]);
        act(&mut simulator, [0, 1]);
        assert!(simulator.border().terminated[0] && !simulator.border().truncated[0]);
        let last = [0, 1].map(|p| simulator.border().player(p).final_observation.i32(0)[0]);
        assert_eq!(last, [2, 3]);
        assert_eq!(seen(&simulator), [0, 0], "the next episode has begun");
    }

    #[test]
    fn impossible_arguments_are_refused_where_they_stand() {
        for (args, path) in [
            (json!({ "rounds": 0 }), "rounds"),
            (json!({ "payoffs": [[]] }), "payoffs[0]"),
            (
                json!({ "payoffs": [[[1, 1], [1, 1]], [[1, 1]]] }),
                "payoffs[1]",
            ),
            (
                json!({ "payoffs": [[[1, 1], [1e300, 1]]] }),
                "payoffs[0][1]",
            ),
            (json!({ "payoffs": [[[1, 2, 3]]] }), "payoffs[0][0]"),
            (json!({ "game": "chicken" }), "game"),
        ] {
            let outcome = registry().build("repeated_matrix_game-v1", &args);
            match outcome.err() {
                Some(EnvError::Argument { path: found, .. }) => assert_eq!(found, path, "{args}"),
                other => panic!("{args}: {other:?}"),
            }
        }
    }
}
