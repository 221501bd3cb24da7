//! One row in text: a line for each arm.

use std::fmt::Write;

use bevy_ecs::prelude::World;

use super::systems::States;
use crate::{bandits::Instance, sim::Border};

/// Characters of a bar for a mean payoff of 1.
const WIDTH: usize = 20;

/// The round and its payoff, then for each arm whether it was played last, its state, and what a play would pay on
/// average now.
pub(super) fn row(world: &World, instance: &Instance, row: usize) -> Option<String> {
    let border = world.get_resource::<Border>()?;
    let tau = world.get_resource::<States>()?.row(row);
    let round = border.elapsed[row];
    let mut text = format!("round {round} of {}", instance.horizon());
    if round > 0 {
        let _ = write!(text, ", payoff {:.3}", border.players[0].reward[row]);
    }
    let digits = instance.num_arms().saturating_sub(1).to_string().len();
    for (arm, &tau) in tau.iter().enumerate() {
        let mean = instance.mean(arm, tau);
        // A negative state says that the last round was a play; before the first round there is none.
        let mark = if tau < 0 && round > 0 { '●' } else { ' ' };
        let full = (mean * WIDTH as f64).round() as usize;
        let bar = format!(
            "{}{}",
            "█".repeat(full),
            "░".repeat(WIDTH.saturating_sub(full))
        );
        let _ = write!(
            text,
            "\n{mark} arm {arm:<digits$}  τ {tau:>+6}  μ {mean:.3} {bar}"
        );
    }
    Some(text)
}
