//! An episode step by step, to be looked at.

use palaestra_envs::pomdp::PRIVILEGED_STATE;
use serde::Serialize;
use serde_json::Value;

use super::{
    belief::{BeliefFrame, Tracker},
    dialogue, place_actions, start,
};
use crate::{
    Registries,
    episodes::Episode,
    run::{RunError, Trial},
};

/// What a player sees and does in a frame.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlayerFrame {
    /// Name of the player.
    pub player: String,
    /// What it sees.
    pub observation: Value,
    /// What it does then; nothing if it does not act, or the episode is over.
    pub action: Option<Value>,
    /// What that is, by the explicit model or as a move of a language game; absent elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_name: Option<String>,
    /// Reward for that.
    pub reward: Option<f32>,
}

/// The state before a step, and the step; the last frame has no step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Frame {
    /// Steps made before.
    pub step: usize,
    /// The players in order.
    pub players: Vec<PlayerFrame>,
    /// A picture of the state in text, if the environment draws one.
    pub picture: Option<String>,
    /// What can be known of the hidden state; absent without an explicit model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub belief: Option<BeliefFrame>,
    /// Whether this step reaches a terminal state.
    pub terminated: bool,
    /// Whether the episode is cut with this step.
    pub truncated: bool,
}

/// The frames of `episode`, which `trial` logged: one per step, and one for the end.
///
/// # Errors
/// If the episode cannot be simulated again.
pub fn frames(
    episode: &Episode,
    trial: &Trial,
    registries: &Registries,
) -> Result<Vec<Frame>, RunError> {
    let mut simulator = trial.replay_simulator(registries, 1, &[])?;
    let spec = simulator.spec().clone();
    let mut tracker = Tracker::of(&spec);
    if tracker.is_some() && spec.info_index(PRIVILEGED_STATE).is_some() {
        simulator = trial.replay_simulator(registries, 1, &[PRIVILEGED_STATE])?;
    }
    start(&mut simulator, 0, episode)?;
    let mut frames = Vec::with_capacity(episode.info.length + 1);
    for step in 0..=episode.info.length {
        let steps = step < episode.info.length;
        let players = spec.players.iter().zip(&episode.players).enumerate().map(
            |(index, (player, logged))| {
                let acts = steps && logged.acted[step];
                let tracked = tracker.as_ref().filter(|_| acts);
                PlayerFrame {
                    player: player.name.clone(),
                    observation: player.observation.row_to_json(&logged.observation, step),
                    action: acts.then(|| player.action.row_to_json(&logged.action, step)),
                    action_name: match tracked {
                        Some(tracker) => tracker.action_name(episode, step),
                        None if acts => dialogue::told(episode, index, step),
                        None => None,
                    },
                    reward: steps.then(|| logged.reward[step]),
                }
            },
        );
        frames.push(Frame {
            step,
            players: players.collect(),
            picture: simulator.render(0)?,
            belief: tracker.as_ref().map(|tracker| tracker.frame(&simulator)),
            terminated: steps && episode.terminated(step),
            truncated: steps && episode.truncated(step),
        });
        if steps {
            place_actions(&mut simulator, 0, episode, step);
            simulator.step()?;
            if let Some(tracker) = &mut tracker {
                tracker.follow(episode, step);
            }
        }
    }
    Ok(frames)
}
