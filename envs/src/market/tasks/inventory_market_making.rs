//! Making a market against a stochastic model: a dealer quotes a bid and an ask around a mid-price that wanders, and is paid the
//! distance when somebody trades with it, while what it holds exposes it to the price.
//!
//! The model of Avellaneda and Stoikov, *High-frequency trading in a limit order book* (Quantitative Finance 8, 2008), in the
//! time steps of Jerome, Sánchez-Betancourt, Savani, Herdegen, *Model-based gym environments for limit order book trading*
//! (arXiv 2209.07823). In a step of length `Δ = T / n` with quotes at the distances `δ^b`, `δ^a` from the mid-price `s`:
//!
//! ```text
//! with probability min(1, AΔ e^{-k δ^b}) a market sell order takes the bid:  q += 1, cash -= s - δ^b
//! with probability min(1, AΔ e^{-k δ^a}) a market buy order takes the ask:   q -= 1, cash += s + δ^a
//! s += σ √Δ ξ,   ξ ~ N(0, 1)
//! ```
//!
//! For distances that are not negative that is an arrival with probability `AΔ` that is filled with probability `e^{-kδ}`, as in
//! mbt-gym, which however never fills more often than orders arrive; here a negative distance attracts more of them, as in the
//! paper.
//!
//! The action is `(δ^b, δ^a)` and is not clipped: a distance may be negative, which gives shares away, and a very large one is
//! no quote. The observation is `(cash, q, t, s)`, `t` in `[0, T]`. An episode terminates after `n` steps at `T`. See
//! [`MarketMakingReward`] for the rewards.
//!
//! Closed forms for this problem are the agents `avellaneda_stoikov` and `cartea_jaimungal`; they find it in the model of the
//! specification, which holds [`InventoryMarketMakingArgs`], and read the inventory from the info field `inventory`.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shared::number;
use crate::{
    error::EnvError,
    math::{cos, exp, ln, sqrt},
    sim::{BatchEnvironment, BatchRows, Border, EnvSpec, Model, no_options},
    space::Space,
    state_columns,
    stream::unit_f64,
};

state_columns! {
    /// State of the dealer and its market.
    pub struct MarketMakingState / MarketMakingSlices {
        /// Cash, in units of the price.
        cash: DealerCash(f64),
        /// Shares held; negative when short.
        inventory: DealerInventory(i32),
        /// Mid-price.
        mid: MidPrice(f64),
        /// Steps made.
        steps: DealerSteps(u32),
    }
}

/// The info field that tells the inventory.
const INVENTORY: &str = "inventory";

/// What the dealer is paid for, with `W = cash + q s` its wealth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum MarketMakingReward {
    /// `ΔW` in every step.
    Profit,
    /// `ΔW - φ q² Δ` in every step, and `-α q²` at the end: the criterion of Cartea and Jaimungal.
    InventoryPenalty {
        /// `φ ≥ 0`.
        running: f64,
        /// `α ≥ 0`.
        terminal: f64,
    },
    /// `-e^{-γ (W_T - W_0)}` at the end, 0 before: the criterion of Avellaneda and Stoikov.
    ExponentialUtility {
        /// `γ > 0`.
        risk_aversion: f64,
    },
}

/// Arguments of [`InventoryMarketMaking`]. The defaults are those of Avellaneda and Stoikov's numerical section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct InventoryMarketMakingArgs {
    /// `s_0`: mid-price at the start.
    pub initial_price: f64,
    /// `σ`: standard deviation of the mid-price after one unit of time.
    pub volatility: f64,
    /// `A`: market orders per unit of time, on each side.
    pub arrival_rate: f64,
    /// `k`: a quote at distance `δ` is taken by a market order with probability `e^{-kδ}`.
    pub fill_exponent: f64,
    /// `T`: length of an episode in units of time.
    pub duration: f64,
    /// `n`: steps of an episode.
    pub steps: u32,
    /// Bound of the action space: distances from `-max_depth` to `max_depth`. A policy may go beyond it.
    pub max_depth: f64,
    /// What is paid for.
    pub reward: MarketMakingReward,
}

impl Default for InventoryMarketMakingArgs {
    fn default() -> Self {
        Self {
            initial_price: 100.0,
            volatility: 2.0,
            arrival_rate: 140.0,
            fill_exponent: 1.5,
            duration: 1.0,
            steps: 200,
            max_depth: 3.0,
            reward: MarketMakingReward::Profit,
        }
    }
}

impl InventoryMarketMakingArgs {
    /// `Δ`: length of a step.
    pub fn step_length(&self) -> f64 {
        self.duration / f64::from(self.steps)
    }

    fn check(&self) -> Result<(), EnvError> {
        let positive = [
            ("volatility", self.volatility),
            ("arrival_rate", self.arrival_rate),
            ("fill_exponent", self.fill_exponent),
            ("duration", self.duration),
            ("max_depth", self.max_depth),
        ];
        if let Some((name, value)) = positive
            .into_iter()
            .find(|(_, x)| !(*x > 0.0 && x.is_finite()))
        {
            return Err(EnvError::argument(
                name,
                format!("must be positive and finite, not {value}"),
            ));
        }
        if !self.initial_price.is_finite() {
            return Err(EnvError::argument("initial_price", "must be finite"));
        }
        if self.steps == 0 {
            return Err(EnvError::argument(
                "steps",
                "an episode has at least one step",
            ));
        }
        let probability = self.arrival_rate * self.step_length();
        if probability > 1.0 {
            let message = format!(
                "arrival_rate · duration / steps = {probability} is the probability of a market order in a step and must not \
                 exceed 1: take more steps"
            );
            return Err(EnvError::argument("arrival_rate", message));
        }
        let (name, fine) = match self.reward {
            MarketMakingReward::Profit => return Ok(()),
            MarketMakingReward::InventoryPenalty { running, terminal } => (
                "reward",
                running >= 0.0 && terminal >= 0.0 && running.is_finite() && terminal.is_finite(),
            ),
            MarketMakingReward::ExponentialUtility { risk_aversion } => {
                ("reward", risk_aversion > 0.0 && risk_aversion.is_finite())
            }
        };
        if fine {
            Ok(())
        } else {
            Err(EnvError::argument(
                name,
                "penalties must be at least 0 and finite, risk aversion above 0",
            ))
        }
    }
}

/// The dealer's problem.
#[derive(Debug, Clone)]
pub struct InventoryMarketMaking {
    args: InventoryMarketMakingArgs,
    /// `AΔ`.
    arrival: f64,
    /// `σ √Δ`.
    shock: f64,
}

impl InventoryMarketMaking {
    /// The environment with its arguments.
    ///
    /// # Errors
    /// [`EnvError::Argument`] for an argument out of its range.
    pub fn new(args: &InventoryMarketMakingArgs) -> Result<Self, EnvError> {
        args.check()?;
        Ok(Self {
            arrival: args.arrival_rate * args.step_length(),
            shock: args.volatility * sqrt(args.step_length()),
            args: args.clone(),
        })
    }

    /// Whether a quote at distance `depth` is taken, given a uniform number.
    #[inline]
    fn is_taken(&self, depth: f64, uniform: f64) -> bool {
        uniform < self.arrival * exp(-self.args.fill_exponent * depth)
    }

    /// Reward of a step that changed the wealth by `gain` and left `inventory`; `wealth` since the start, with it.
    fn reward(&self, gain: f64, wealth: f64, inventory: f64, is_last: bool) -> f64 {
        let last = f64::from(u8::from(is_last));
        match self.args.reward {
            MarketMakingReward::Profit => gain,
            MarketMakingReward::InventoryPenalty { running, terminal } => {
                let penalty = running * self.args.step_length() + last * terminal;
                gain - penalty * inventory * inventory
            }
            MarketMakingReward::ExponentialUtility { risk_aversion } => {
                -last * exp(-risk_aversion * wealth)
            }
        }
    }
}

impl BatchEnvironment for InventoryMarketMaking {
    type State = MarketMakingState;

    fn spec(&self) -> EnvSpec {
        let infinite = f64::INFINITY;
        let depth = self.args.max_depth;
        let mut spec = EnvSpec {
            reward_range: match self.args.reward {
                MarketMakingReward::ExponentialUtility { .. } => (-infinite, 0.0),
                _ => (-infinite, infinite),
            },
            model: Some(Model::new(Arc::new(self.args.clone()))),
            info: vec![number(
                INVENTORY,
                -f64::from(self.args.steps),
                f64::from(self.args.steps),
                "Shares held, whatever wrappers make of the observation.",
            )],
            ..EnvSpec::single(
                "inventory_market_making-v1",
                "Quote a bid and an ask around a Brownian mid-price and keep the inventory small.",
                Space::bounded(
                    vec![-infinite, -infinite, 0.0, -infinite],
                    vec![infinite, infinite, self.args.duration, infinite],
                ),
                Space::vector(2, -depth, depth),
            )
        };
        spec.players[0].lenient_bounds = true;
        spec
    }

    fn reset(
        &self,
        state: MarketMakingSlices<'_>,
        rows: &mut BatchRows<'_>,
    ) -> Result<(), EnvError> {
        for (i, row) in rows.range.clone().enumerate() {
            no_options(rows.options.row(row))
                .map_err(|message| EnvError::Options { row, message })?;
            state.cash[i].0 = 0.0;
            state.inventory[i].0 = 0;
            state.mid[i].0 = self.args.initial_price;
            state.steps[i].0 = 0;
        }
        Ok(())
    }

    fn step(&self, state: MarketMakingSlices<'_>, rows: &mut BatchRows<'_>) {
        for i in 0..rows.range.len() {
            let row = rows.range.start + i;
            let step = state.steps[i].0;
            let [bid, ask] = [0, 1].map(|k| {
                f64::from(rows.border.players[0].action_and_reward().0.f32(0)[row * 2 + k])
            });
            // Two blocks a step: takers, and the shock.
            let uniforms = |block| {
                let w = rows.random_block(row, 2 * u64::from(step) + block);
                (unit_f64(w[0], w[1]), unit_f64(w[2], w[3]))
            };
            let ((sells, buys), (u, v)) = (uniforms(0), uniforms(1));
            let bought = i32::from(self.is_taken(bid, sells));
            let sold = i32::from(self.is_taken(ask, buys));
            let (mid, held) = (state.mid[i].0, f64::from(state.inventory[i].0));
            let paid = f64::from(sold) * (mid + ask) - f64::from(bought) * (mid - bid);
            let inventory = held + f64::from(bought - sold);
            // Box and Muller; 1 - u lies in (0, 1].
            let normal = sqrt(-2.0 * ln(1.0 - u)) * cos(2.0 * std::f64::consts::PI * v);
            let next_mid = mid + self.shock * normal;
            let is_last = step + 1 == self.args.steps;
            let cash = state.cash[i].0 + paid;
            let gain = paid + inventory * next_mid - held * mid;
            state.cash[i].0 = cash;
            state.inventory[i].0 += bought - sold;
            state.mid[i].0 = next_mid;
            state.steps[i].0 = step + 1;
            let reward = self.reward(gain, cash + inventory * next_mid, inventory, is_last);
            rows.border.players[0].reward[row] = reward as f32;
            rows.border.terminated[row] = is_last;
        }
    }

    fn observe(&self, state: MarketMakingSlices<'_>, rows: &mut BatchRows<'_>) {
        if let Some(column) = rows.border.info.index_of(INVENTORY) {
            let told = &mut rows.border.info.f64_mut(column)[rows.range.clone()];
            for (told, inventory) in told.iter_mut().zip(&*state.inventory) {
                *told = f64::from(inventory.0);
            }
        }
        let out = rows.border.players[0].env_observation_mut().f32_mut(0);
        let out = &mut out[rows.range.start * 4..rows.range.end * 4];
        for (i, out) in out.chunks_exact_mut(4).enumerate() {
            let time = f64::from(state.steps[i].0) * self.args.step_length();
            let inventory = state.inventory[i].0 as f32;
            // Rounding must not carry the last time over the end.
            let time = time.min(self.args.duration) as f32;
            out.copy_from_slice(&[
                state.cash[i].0 as f32,
                inventory,
                time,
                state.mid[i].0 as f32,
            ]);
        }
    }

    fn render(&self, border: &Border, row: usize) -> Option<String> {
        let observation = &border.players[0].env_observation().f32(0)[row * 4..row * 4 + 4];
        let [cash, inventory, time, mid] = observation else {
            return None;
        };
        let wealth = cash + inventory * mid;
        Some(format!(
            "t = {time:.3}   mid {mid:.2}   inventory {inventory:+}   cash {cash:+.2}   wealth {wealth:+.2}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        conformance::{CheckOptions, check},
        registry,
        sim::Simulator,
    };

    fn args(reward: &Value) -> Value {
        json!({ "steps": 5, "duration": 0.025, "reward": reward })
    }

    #[test]
    fn every_reward_conforms() {
        let registry = registry();
        let entry = registry.get("inventory_market_making-v1").unwrap();
        for reward in [
            json!({ "kind": "profit" }),
            json!({ "kind": "inventory_penalty", "running": 0.5, "terminal": 0.1 }),
            json!({ "kind": "exponential_utility", "risk_aversion": 0.1 }),
        ] {
            let report = check(entry, &args(&reward), &CheckOptions::default());
            assert!(report.passed(), "{report}");
        }
    }

    /// Rewards over an episode, and cash, inventory and mid-price at its end.
    fn play(reward: &Value) -> (Vec<f64>, [f64; 3]) {
        let env = registry()
            .build("inventory_market_making-v1", &args(reward))
            .unwrap();
        let mut simulator = Simulator::builder(env).seed(3).build().unwrap();
        simulator.reset().unwrap();
        let mut rewards = Vec::new();
        for _ in 0..5 {
            // So near that most orders are taken, the bid more often.
            let (_, actions) = simulator.border_mut().act_view(0);
            actions.f32_mut(0).copy_from_slice(&[-0.1, 0.3]);
            simulator.step().unwrap();
            rewards.push(f64::from(simulator.border().players[0].reward[0]));
        }
        let last = simulator.border().players[0].final_observation.f32(0);
        (rewards, [last[0], last[1], last[3]].map(f64::from))
    }

    #[test]
    fn rewards_add_up_to_their_criteria() {
        let (profits, [cash, inventory, mid]) = play(&json!({ "kind": "profit" }));
        let wealth = cash + inventory * mid;
        assert!(inventory != 0.0);
        assert!((profits.iter().sum::<f64>() - wealth).abs() < 1e-3);
        // The same draws under another reward: only the terminal penalty differs without a running one.
        let (penalised, end) =
            play(&json!({ "kind": "inventory_penalty", "running": 0.0, "terminal": 2.0 }));
        assert_eq!(end, [cash, inventory, mid]);
        assert_eq!(penalised[..4], profits[..4]);
        let penalty = profits[4] - penalised[4];
        assert!((penalty - 2.0 * inventory * inventory).abs() < 1e-4);
        let (utility, _) = play(&json!({ "kind": "exponential_utility", "risk_aversion": 0.1 }));
        assert_eq!(utility[..4], [0.0; 4]);
        assert!((utility[4] + exp(-0.1 * wealth)).abs() < 1e-4);
    }

    #[test]
    fn wrong_arguments_are_named() {
        let refused = |args: Value| {
            let built = registry().build("inventory_market_making-v1", &args);
            built.err().unwrap().to_string()
        };
        assert!(refused(json!({ "steps": 100 })).contains("take more steps"));
        assert!(refused(json!({ "volatility": 0 })).starts_with("`volatility`"));
        assert!(refused(json!({ "steps": 0 })).starts_with("`steps`"));
        let reward = json!({ "kind": "inventory_penalty", "running": -1, "terminal": 0 });
        assert!(refused(json!({ "reward": reward })).starts_with("`reward`"));
    }
}
