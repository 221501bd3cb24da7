//! Sticky actions: now and then the environment takes the previous action once more.
//!
//! *Machado, Bellemare, Talvitie, Veness, Hausknecht, Bowling, Revisiting the Arcade Learning Environment:
//! Evaluation Protocols and Open Problems for General Agents, JAIR 2018 (arXiv 1709.06009), section 5.*

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Wrapper,
    layer::{self, Layer, Pass, Work, check_probability},
    random,
};
use crate::{
    error::EnvError,
    sim::{Builder, StepSet, StreamId, masked_choice, read_value, write_value},
    space::Space,
};

/// With probability `probability`, independently in each step, what the player did last is done again instead of
/// what the agent chose. The memory is what was really done, and is empty when an episode starts. Where an action
/// mask forbids the previous action, the chosen one is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StickyActions {
    /// Probability that the previous action is repeated, in `0..=1`; 0.25 in the paper.
    #[serde(default = "paper_probability")]
    pub probability: f64,
    /// Names of the players it concerns; all if empty.
    #[serde(default)]
    pub players: Vec<String>,
}

fn paper_probability() -> f64 {
    0.25
}

/// The stage below holds the action done last, as nothing else writes there.
struct Sticky {
    player: usize,
    stage: usize,
    probability: f64,
    stream: StreamId,
    space: Space,
    /// Whether the player has acted in the running episode, `[rows]`.
    has_acted: Vec<bool>,
}

impl Layer for Sticky {
    fn save_row(&self, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        write_value(&self.has_acted[row], out)
    }

    fn load_row(&mut self, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        self.has_acted[row] = read_value(bytes)?;
        Ok(())
    }
}

impl Sticky {
    fn act(&mut self, pass: &mut Pass<'_>) {
        let elapsed = &pass.border.elapsed;
        let player = &mut pass.border.players[self.player];
        for row in pass.selection.rows() {
            if !player.acted[row] {
                continue;
            }
            let sticks = self.has_acted[row]
                && random::uniform(pass.lanes, self.stream, row, elapsed[row]) < self.probability
                && {
                    let last = player.action_at(self.stage - 1);
                    masked_choice(&self.space, last, row, player.mask_row(row)).is_none()
                };
            if !sticks {
                let (outer, inner) = player.action_stage(self.stage);
                inner.copy_row(row, outer, row);
            }
            self.has_acted[row] = true;
        }
    }

    fn reset(&mut self, pass: &mut Pass<'_>) {
        for run in pass.selection.runs() {
            self.has_acted[run.clone()].fill(false);
        }
    }
}

impl Wrapper for StickyActions {
    const NAME: &'static str = "sticky_actions";
    const SUMMARY: &'static str =
        "Repeat the previous action with some probability (Machado et al. 2018).";

    fn check(&self) -> Result<(), EnvError> {
        check_probability("probability", self.probability)
    }

    fn apply(&self, builder: &mut Builder) -> Result<(), EnvError> {
        for player in layer::players(builder, &self.players)? {
            let space = builder.spec().players[player].action.clone();
            let sticky = Sticky {
                player,
                stage: builder.add_action_stage(player, space.clone()),
                probability: self.probability,
                stream: layer::stream::<Sticky>(builder, Self::NAME),
                space,
                has_acted: vec![false; builder.rows()],
            };
            let work: &[(StepSet, Work<Sticky>)] =
                &[(StepSet::Act, Sticky::act), (StepSet::Reset, Sticky::reset)];
            layer::add(builder, sticky, work);
        }
        builder.spec_mut().stochastic |= self.probability > 0.0;
        Ok(())
    }
}
