//! An environment of your own with Palaestra's whole command line: a complete program.
//!
//! ```text
//! cargo run --release -p palaestra --example custom_environment -- check env slippery_chain-v1
//! cargo run --release -p palaestra --example custom_environment -- bench env slippery_chain-v1
//! cargo run --release -p palaestra --example custom_environment -- run experiments/configs/custom_environment.toml
//! ```
//!
//! In a crate of your own the dependencies are `palaestra`, `palaestra-envs`, `rand`, `schemars`, `serde` and
//! `serde_json`.

use std::process::ExitCode;

use palaestra_envs::{
    EnvError,
    sim::{EnvSpec, Environment, RowObservation, RowPlugin, RowStep, no_options},
    space::Space,
    stream::Stream,
};
use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Arguments, as they appear under `args` in an experiment file.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Args {
    /// Number of places, at least 2.
    places: usize,
    /// Probability that a step goes the other way.
    slip: f64,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            places: 5,
            slip: 0.2,
        }
    }
}

/// A chain of places, after Dearden, Friedman, Russell, *Bayesian Q-Learning* (1998): forward leads, one place at a
/// time, to a large reward at the end; back leads to the first place and a small reward at once; both may slip.
struct SlipperyChain(Args);

impl SlipperyChain {
    fn new(args: Args) -> Result<Self, EnvError> {
        if args.places < 2 {
            let message = format!("a chain has at least 2 places, not {}", args.places);
            return Err(EnvError::argument("places", message));
        }
        if !(0.0..=1.0).contains(&args.slip) {
            let message = format!("a probability lies in 0..=1, {} does not", args.slip);
            return Err(EnvError::argument("slip", message));
        }
        Ok(Self(args))
    }
}

impl Environment for SlipperyChain {
    /// The place.
    type State = usize;

    fn spec(&self) -> EnvSpec {
        EnvSpec {
            max_episode_steps: Some(100),
            reward_range: (0.0, 10.0),
            ..EnvSpec::single(
                "slippery_chain-v1",
                "Walk a slippery chain to its end, or be content with little.",
                Space::discrete(self.0.places),
                Space::discrete(2),
            )
        }
    }

    fn reset(&self, _: &mut Stream, options: &Value) -> Result<usize, String> {
        no_options(options)?;
        Ok(0)
    }

    fn step(&self, place: &mut usize, step: &mut RowStep<'_>, rng: &mut Stream) {
        let forward = (step.discrete(0) == 1) != rng.random_bool(self.0.slip);
        let last = self.0.places - 1;
        let reward = match (forward, *place == last) {
            (true, true) => 10.0,
            (true, false) => 0.0,
            (false, _) => 2.0,
        };
        step.reward(0, reward);
        *place = if forward { (*place + 1).min(last) } else { 0 };
    }

    fn observe(&self, place: &usize, _player: usize, out: &mut RowObservation<'_>) {
        out.i32(0)[0] = *place as i32;
    }

    fn render(&self, place: &usize) -> Option<String> {
        let marks = (0..self.0.places).map(|p| if p == *place { '@' } else { '.' });
        Some(marks.collect())
    }
}

fn main() -> ExitCode {
    let mut registries = palaestra::Registries::default();
    registries.envs.register(
        "slippery_chain-v1",
        "mine",
        "Walk a slippery chain to its end, or be content with little.",
        |args: Args| Ok(Box::new(RowPlugin::new(SlipperyChain::new(args)?))),
    );
    palaestra::cli::main(registries)
}
