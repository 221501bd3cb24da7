//! What can be known of a hidden state while an episode is played: the exact belief under the environment's own model.

use std::sync::Arc;

use palaestra_agents::pomdp::{filter::ExactFilter, tracked_model};
use palaestra_envs::{
    pomdp::{PRIVILEGED_STATE, Pomdp, picture::Shown},
    sim::{EnvSpec, Simulator},
    space::ColumnData,
};
use serde::Serialize;

use crate::episodes::Episode;

/// Probabilities below this are not told.
const LEAST: f64 = 1e-6;

/// The belief before a step, tracked from the logged actions and observations.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BeliefFrame {
    /// What is believed.
    Known(KnownBelief),
    /// An observation contradicted the model, so that nothing is known from then on.
    Lost(BeliefLost),
}

/// A belief with the truth beside it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KnownBelief {
    /// The states in the model's order, without those that are next to impossible.
    pub states: Vec<StateProbability>,
    /// The true state.
    pub hidden: Option<String>,
    /// In nats.
    pub entropy: f64,
    /// A picture of it in text, if the problem draws one.
    pub picture: Option<String>,
}

/// The probability of a state.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StateProbability {
    /// Name of the state.
    pub state: String,
    /// Its probability.
    pub probability: f64,
}

/// An observation that the model says cannot be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error(
    "in step {step}, observation `{observation}` after action `{action}` is impossible under the model"
)]
pub struct BeliefLost {
    /// The step, from 0.
    pub step: usize,
    /// The action in it.
    pub action: String,
    /// What was seen after it.
    pub observation: String,
}

/// Tracks the belief along an episode.
pub(super) struct Tracker {
    model: Arc<Pomdp>,
    filter: ExactFilter,
    lost: Option<BeliefLost>,
}

impl Tracker {
    /// `None` if the environment has no explicit model, or wrappers come between it and the player.
    pub(super) fn of(spec: &EnvSpec) -> Option<Self> {
        if spec.players.len() != 1 {
            return None;
        }
        let model = tracked_model::<Pomdp>(spec, 0)?;
        Some(Self {
            filter: ExactFilter::new(model.clone()),
            model,
            lost: None,
        })
    }

    /// Takes in step `step` of `episode`, which the simulator has accepted.
    pub(super) fn follow(&mut self, episode: &Episode, step: usize) {
        if self.lost.is_some() {
            return;
        }
        let player = &episode.players[0];
        let action = number(player.action.i32(0), step);
        let observation = number(player.observation.i32(0), step + 1);
        if self.filter.update(action, observation).is_err() {
            let names = &self.model.parts().observations;
            let observation = names.get(observation).cloned();
            self.lost = Some(BeliefLost {
                step,
                action: self.action_name(episode, step).unwrap_or_default(),
                observation: observation.unwrap_or_else(|| "nothing".into()),
            });
        }
    }

    /// Name of the action in step `step` of `episode`.
    pub(super) fn action_name(&self, episode: &Episode, step: usize) -> Option<String> {
        let action = number(episode.players[0].action.i32(0), step);
        self.model.parts().actions.get(action).cloned()
    }

    /// The belief now, and the state that row 0 of `simulator` is in.
    pub(super) fn frame(&self, simulator: &Simulator) -> BeliefFrame {
        if let Some(lost) = &self.lost {
            return BeliefFrame::Lost(lost.clone());
        }
        let belief = self.filter.belief();
        let names = &self.model.parts().states;
        let listed: Vec<(usize, f64)> = belief.iter().collect();
        let told = listed.iter().filter(|(_, p)| *p >= LEAST);
        let told = told.map(|&(state, probability)| StateProbability {
            state: names[state].clone(),
            probability,
        });
        BeliefFrame::Known(KnownBelief {
            states: told.collect(),
            hidden: hidden(simulator).and_then(|state| names.get(state).cloned()),
            entropy: belief.entropy(),
            picture: self.model.picture(Shown::Belief(&listed)),
        })
    }
}

/// An index in a column; one that nothing has if it is missing or negative.
fn number(values: &[i32], at: usize) -> usize {
    let number = values
        .get(at)
        .and_then(|&number| usize::try_from(number).ok());
    number.unwrap_or(usize::MAX)
}

/// The hidden state of row 0.
fn hidden(simulator: &Simulator) -> Option<usize> {
    let told = &simulator.border().info;
    let column = &told.fields()[told.index_of(PRIVILEGED_STATE)?];
    match &column.data {
        ColumnData::F64(values) => values.first().map(|state| *state as usize),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use palaestra_envs::sim::Lane;
    use serde_json::Value;

    use super::*;
    use crate::{
        Registries,
        config::Document,
        episodes::{Ending, EpisodeInfo, PlayerEpisode},
        replay::{Frame, frames},
    };

    const TEXT: &str = r#"
        schema = 1
        experiment = { name = "x", seeds = [0], total_env_steps = 10 }
        env = { id = "t_maze-v1", args = { start = "first_cell", length = 3 } }
        agents = [{ id = "random" }]
    "#;

    /// Frames of an episode in which the robot goes east and sees `observations`.
    fn east(observations: &[i32]) -> Vec<Frame> {
        let registries = Registries::default();
        let trials = Document::parse("x.toml", TEXT)
            .unwrap()
            .trials(&registries)
            .unwrap();
        let spec = trials[0]
            .replay_simulator(&registries, 1, &[])
            .unwrap()
            .spec()
            .clone();
        let length = observations.len() - 1;
        let mut player = PlayerEpisode {
            name: "player".into(),
            observation: spec.players[0].observation.columns(length + 1),
            action: spec.players[0].action.columns(length),
            reward: vec![0.0; length],
            acted: vec![true; length],
        };
        player.observation.i32_mut(0).copy_from_slice(observations);
        player.action.i32_mut(0).fill(1);
        let info = EpisodeInfo {
            id: "train-0".parse().unwrap(),
            row: 0,
            lane: Lane::of_seed(7),
            options: Value::Null,
            carried: Vec::new(),
            length,
            returns: vec![0.0],
            ending: Ending::Cut,
            parts: Vec::new(),
        };
        let players = vec![player];
        frames(&Episode { info, players }, &trials[0], &registries).unwrap()
    }

    fn known(frame: &Frame) -> &KnownBelief {
        match &frame.belief {
            Some(BeliefFrame::Known(known)) => known,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_belief_follows_what_was_seen() {
        // Nothing yet, the sign of the second cell, the corridor.
        let frames = east(&[5, 1, 2]);
        let names = |frame: &Frame| -> Vec<(String, f64)> {
            let states = known(frame).states.iter();
            states.map(|s| (s.state.clone(), s.probability)).collect()
        };
        let half = |name: &str| (name.to_owned(), 0.5);
        assert_eq!(names(&frames[0]), [half("x0-north"), half("x0-south")]);
        assert_eq!(names(&frames[1]), [("x1-south".to_owned(), 1.0)]);
        assert_eq!(names(&frames[2]), [("x2-south".to_owned(), 1.0)]);
        assert_eq!(known(&frames[2]).entropy, 0.0);
        let hidden = known(&frames[0]).hidden.clone().unwrap();
        assert!(hidden.starts_with("x0-"), "{hidden}");
        assert_eq!(frames[0].players[0].action_name.as_deref(), Some("east"));
    }

    #[test]
    fn an_impossible_observation_is_told_with_its_step() {
        // The second cell shows the sign, not the junction; the third is no sign any more.
        let frames = east(&[5, 0, 3, 2]);
        assert_eq!(known(&frames[1]).states.len(), 1);
        for frame in &frames[2..] {
            let Some(BeliefFrame::Lost(lost)) = &frame.belief else {
                panic!("{frame:?}");
            };
            assert_eq!(
                lost.to_string(),
                "in step 1, observation `junction` after action `east` is impossible under the model"
            );
        }
        let json = serde_json::to_value(&frames[2]).unwrap();
        assert_eq!(json["belief"]["lost"]["step"], 1);
    }
}
