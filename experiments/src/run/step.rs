//! What training and evaluation have in common: one step with the agents in their seats.

use palaestra_agents::StepView;
use palaestra_envs::sim::{Selection, Simulator};

use super::{RunError, plan::Seated};

/// One step of all rows with the agents' actions, shown to them afterwards.
pub(super) fn act_and_step(
    simulator: &mut Simulator,
    seated: &mut [Seated],
    all_rows: &Selection,
) -> Result<(), RunError> {
    for seat in &mut *seated {
        for &player in &seat.players {
            let (view, actions) = simulator.border_mut().act_view(player);
            seat.agent.act(&view, all_rows, actions)?;
        }
    }
    simulator.step()?;
    for seat in seated {
        for &player in &seat.players {
            seat.agent.observe(&StepView {
                player,
                rows: all_rows,
                border: simulator.border(),
            })?;
        }
    }
    Ok(())
}
