//! The environment `lsd_bandit-v1`: the LSD bandit engine behind the border, for one player.
//!
//! | | |
//! |---|---|
//! | observation | `float32` Box `[N]`, the states `τ` with bounds `−C … D`; with `hide_state` a Box `[1]` that is always 0 |
//! | action, exactly 1 play | `Discrete(N)`: the arm |
//! | action, at most 1 play | `Discrete(N + 1)`: the arm, or `N` to idle |
//! | action, `k > 1` plays | `MultiBinary(N)` with exactly, or at most, `k` ones |
//! | action mask | with `mask_unavailable`: 1 for each arm that would pay something now, and for idling |
//! | reward | sum of the payoffs of the arms played |
//! | end | truncation after `horizon` rounds, never termination |
//! | reset option | `{"state": […]}`: a state for each arm |
//!
//! Info fields, on request:
//!
//! | name | shape, kind | value |
//! |---|---|---|
//! | `payoffs` | `[N]`, sum | payoff of each arm played in this step, NaN for the others (semi-bandit feedback) |
//! | `expected_payoff` | `[1]`, sum | sum of the mean payoffs of the arms played: the reward without its noise |
//! | `privileged.means` | `[N]`, state | mean payoff of a play of each arm in the next step |
//! | `privileged.state` | `[N]`, state | the states `τ`, also with `hide_state` |
//!
//! `payoffs` is the one field whose values lie outside its space (NaN lies in none): between −∞ and ∞ or absent.
//!
//! **Common random numbers.** The noise of an arm in a round is a function of (seed, lane, episode, round, arm) alone
//! ([`payoff_bits`], purpose [`PAYOFF_STREAM`]). Two policies on one seed share their luck, whatever they have played
//! before.
//!
//! The environment's [`EnvSpec::model`] is its [`Instance`]. It names the optimal long-run mean reward where the instance knows it
//! ([`EnvSpec::reference_rate`]); the presets' sources are in [`presets`](super::presets).
//!
//! It is written as a plugin with a resource and systems of its own: the states of a shard are one dense array
//! `[rows, N]`, which moves in vector instructions whatever `N` is.
//!
//! [`payoff_bits`]: super::noise::payoff_bits

mod args;
mod render;
mod systems;

use std::sync::Arc;

pub use args::LsdBanditArgs;
use systems::{Hosted, States, Told};

use super::instance::Instance;
use super::noise::NoiseConfig;
use crate::{
    error::EnvError,
    sim::{Builder, EnvSpec, InfoField, InfoKind, Model, PlayerSpec, Plugin, StepSet},
    space::{BoxSpace, DType, Space},
};

/// Purpose of the stream that payoff noise is drawn from.
pub const PAYOFF_STREAM: &str = "bandit.payoff";

/// The LSD bandit as an environment; see the [module](self) for its border.
///
/// ```
/// use palaestra_envs::{bandits::{LsdBandit, LsdBanditArgs}, sim::Simulator};
///
/// let args = LsdBanditArgs { preset: Some("step2".into()), ..LsdBanditArgs::default() };
/// let mut simulator = Simulator::builder(LsdBandit::new(&args)?).rows(4).build()?;
/// simulator.reset()?;
/// simulator.border_mut().player_mut(0).action_mut().i32_mut(0).fill(1);
/// simulator.step()?;
/// // Both arms start just played; arm 0 has now rested for a round, arm 1 has been played twice in a row. Its
/// // payoff depends on the delay only, so that one satiated state stands for all.
/// assert_eq!(simulator.border().player(0).observation().f32(0)[..2], [1.0, -1.0]);
/// assert_eq!(simulator.spec().reference_rate, Some(0.5));
/// # Ok::<(), palaestra_envs::EnvError>(())
/// ```
#[derive(Debug, Clone)]
pub struct LsdBandit {
    instance: Arc<Instance>,
    hide_state: bool,
    mask_unavailable: bool,
}

/// How the player names the arms to play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    /// One arm, exactly.
    Arm,
    /// One arm, or `N` for none.
    ArmOrIdle,
    /// A flag for each arm.
    Subset,
}

impl LsdBandit {
    /// The environment with its arguments.
    ///
    /// # Errors
    /// [`EnvError::Argument`] if the instance is unknown, given twice, or not valid; it names all problems.
    pub fn new(args: &LsdBanditArgs) -> Result<Self, EnvError> {
        Ok(Self {
            instance: Arc::new(args.instance()?),
            hide_state: args.hide_state,
            mask_unavailable: args.mask_unavailable,
        })
    }

    /// The compiled instance.
    pub fn instance(&self) -> &Arc<Instance> {
        &self.instance
    }

    fn choice(&self) -> Choice {
        match (self.instance.plays(), self.instance.exact()) {
            (1, true) => Choice::Arm,
            (1, false) => Choice::ArmOrIdle,
            _ => Choice::Subset,
        }
    }

    fn action_space(&self) -> Space {
        let (arms, plays) = (self.instance.num_arms(), self.instance.plays());
        match self.choice() {
            Choice::Arm => Space::discrete(arms),
            Choice::ArmOrIdle => Space::discrete(arms + 1),
            Choice::Subset => Space::MultiBinary {
                n: arms,
                min_ones: if self.instance.exact() { plays } else { 0 },
                max_ones: plays,
            },
        }
    }

    /// `−C` and `D` of each arm.
    fn state_bounds(&self) -> (Vec<f64>, Vec<f64>) {
        (0..self.instance.num_arms())
            .map(|arm| self.instance.caps(arm))
            .map(|caps| (f64::from(-caps.played), f64::from(caps.idle)))
            .unzip()
    }

    fn observation_space(&self) -> Space {
        if self.hide_state {
            return Space::vector(1, 0.0, 1.0);
        }
        let (low, high) = self.state_bounds();
        Space::bounded(low, high)
    }

    fn spec(&self) -> EnvSpec {
        let instance = &self.instance;
        let (low, high) = instance.noise().payoff_range();
        let plays = instance.plays() as f64;
        let mut player = PlayerSpec::new("player", self.observation_space(), self.action_space());
        player.action_mask = self.mask_unavailable;
        EnvSpec {
            players: vec![player],
            max_episode_steps: Some(instance.horizon()),
            reward_range: (plays * f64::from(low), plays * f64::from(high)),
            reference_rate: instance.optimal_rate(),
            model: Some(Model::new(instance.clone())),
            stochastic: payoffs_vary(instance),
            ..EnvSpec::single(
                "lsd_bandit-v1",
                "Play arms whose payoffs depend on the time since each was last switched.",
                Space::discrete(1),
                Space::discrete(1),
            )
        }
    }

    /// Offers the info fields; returns where to write those that were asked for.
    fn offer_info(&self, builder: &mut Builder) -> Told {
        let arms = self.instance.num_arms();
        let mut offer = |name: &str, kind, low: Vec<f64>, high: Vec<f64>, summary: &str| {
            builder.offer_info(InfoField {
                name: name.into(),
                space: Space::Box(BoxSpace {
                    dtype: DType::Float64,
                    shape: vec![low.len()],
                    low,
                    high,
                }),
                kind,
                summary: summary.into(),
            })
        };
        let (least, most) = self.state_bounds();
        let plays = self.instance.plays() as f64;
        let infinite = vec![f64::INFINITY; arms];
        Told {
            payoffs: offer(
                "payoffs",
                InfoKind::Sum,
                infinite.iter().map(|x| -x).collect(),
                infinite,
                "Payoff of each arm that was played, NaN for the others.",
            ),
            expected: offer(
                "expected_payoff",
                InfoKind::Sum,
                vec![0.0],
                vec![plays],
                "Sum of the mean payoffs of the arms that were played.",
            ),
            means: offer(
                "privileged.means",
                InfoKind::State,
                vec![0.0; arms],
                vec![1.0; arms],
                "Mean payoff of a play of each arm in its present state.",
            ),
            states: offer(
                "privileged.state",
                InfoKind::State,
                least,
                most,
                "State of each arm: rounds idle, or minus the rounds played in a row.",
            ),
        }
    }
}

/// Whether the same plays can pay differently in two episodes.
fn payoffs_vary(instance: &Instance) -> bool {
    match instance.noise() {
        NoiseConfig::None => false,
        NoiseConfig::Gaussian { sigma } => sigma > 0.0,
        NoiseConfig::Bernoulli => (0..instance.num_arms()).any(|arm| {
            let mut means = instance.caps(arm).states().map(|s| instance.mean(arm, s));
            means.any(|mean| mean > 0.0 && mean < 1.0)
        }),
    }
}

impl Plugin for LsdBandit {
    fn build(&self, builder: &mut Builder) -> Result<(), EnvError> {
        builder.environment(self.spec());
        let told = self.offer_info(builder);
        let hosted = Hosted {
            instance: self.instance.clone(),
            payoff_stream: builder.stream(PAYOFF_STREAM),
            choice: self.choice(),
            hide_state: self.hide_state,
            told,
        };
        builder.insert_resource(hosted);
        builder.insert_row_resource(States::new(self.instance.clone(), builder.rows()));
        builder.add_system(StepSet::Reset, systems::reset);
        if told.expected.is_some() {
            builder.add_system(StepSet::Simulate, systems::tell_expected_payoff);
        }
        builder.add_system(StepSet::Simulate, systems::pay);
        builder.add_system(StepSet::Simulate, systems::move_states);
        builder.add_system(StepSet::Observe, systems::observe);
        if self.mask_unavailable {
            builder.add_system(StepSet::Observe, systems::mask);
        }
        if told.means.is_some() || told.states.is_some() {
            builder.add_system(StepSet::Observe, systems::tell_state);
        }
        let instance = self.instance.clone();
        builder.set_renderer(move |world, row| render::row(world, &instance, row));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
