//! Checks of how episodes end and begin again. The reference is a simulator without autoreset, whose rows are
//! reset by hand when they end.

use super::{
    lab::{
        At, Lab, Setup, copy_actions, copy_all_actions, reset_ended, same_situation, same_step,
        same_transition, save_all, unchanged,
    },
    refusals::spoil,
    report::{Failure, MET, Verdict},
};
use crate::{
    error::EnvError,
    sim::{Autoreset, RowReset, Simulator},
};

fn in_mode(setup: &Setup, autoreset: Autoreset) -> Setup {
    Setup {
        autoreset,
        ..setup.clone()
    }
}

/// Resets the rows in turn during the first steps, so that a time limit does not end all at once.
fn stagger(step: usize, simulators: [&mut Simulator; 2]) -> Result<(), Failure> {
    for simulator in simulators {
        if (1..simulator.rows()).contains(&step) {
            simulator.reset_rows(&[RowReset::next(step)])?;
        }
    }
    Ok(())
}

/// Same-step: the observation is the next episode's first, the final one is kept, reward and flags are those of
/// the step.
pub(super) fn same_step_mode(lab: &Lab<'_>) -> Verdict {
    for setup in lab.setups() {
        let mut simulator = lab.start(&setup)?;
        let mut reference = lab.start(&in_mode(&setup, Autoreset::Disabled))?;
        let mut actor = lab.actor("same_step");
        for step in 1..=lab.options.steps {
            actor.act_all(&mut reference)?;
            copy_all_actions(&reference, &mut simulator);
            reference.step()?;
            simulator.step()?;
            let place = |row: usize| format!("row {row}, step {step}");
            for row in 0..setup.rows {
                same_transition(At(&simulator, row), At(&reference, row), &place(row))?;
            }
            reset_ended(&mut reference)?;
            for row in 0..setup.rows {
                same_situation(At(&simulator, row), At(&reference, row), &place(row))?;
            }
            stagger(step, [&mut simulator, &mut reference])?;
        }
    }
    MET
}

/// Next-step: the last observation is returned as it is; the step after it ignores the action, gives reward 0
/// and no flag, and the next episode's first observation.
pub(super) fn next_step_mode(lab: &Lab<'_>) -> Verdict {
    for setup in lab.setups() {
        let mut simulator = lab.start(&in_mode(&setup, Autoreset::NextStep))?;
        let mut reference = lab.start(&in_mode(&setup, Autoreset::Disabled))?;
        let mut actor = lab.actor("next_step");
        let mut ended: Vec<usize> = Vec::new();
        for step in 1..=lab.options.steps {
            reset_ended(&mut reference)?;
            let going: Vec<usize> = (0..setup.rows).filter(|row| !ended.contains(row)).collect();
            for &row in &going {
                actor.act(&mut reference, row)?;
                copy_actions(&reference, row, &mut simulator, row);
            }
            for &row in &ended {
                // Whatever is there must not matter.
                spoil(&mut simulator, row);
            }
            reference.step_rows(&going)?;
            simulator.step().map_err(|e| {
                Failure::new(
                    format!("step {step}, rows {ended:?} had ended"),
                    e.to_string(),
                )
            })?;
            for row in 0..setup.rows {
                let place = format!("row {row}, step {step}");
                let (a, b) = (At(&simulator, row), At(&reference, row));
                if going.contains(&row) {
                    same_step(a, b, &place)?;
                } else {
                    same_situation(a, b, &place)?;
                    let border = simulator.border();
                    let silent = border.players.iter().all(|p| p.reward[row] == 0.0);
                    if border.ended(row) || !silent {
                        return Err(Failure::new(
                            place,
                            "a step that only resets must have reward 0 and no flag",
                        ));
                    }
                }
            }
            let border = simulator.border();
            ended = (0..setup.rows).filter(|&row| border.ended(row)).collect();
            if ended.is_empty() {
                stagger(step, [&mut simulator, &mut reference])?;
            }
        }
    }
    MET
}

/// Disabled: a step of a row that ended is an error that changes nothing; the other rows can go on; after a
/// reset the row has no flag up and goes on with its lane's next episode.
pub(super) fn disabled_mode(lab: &Lab<'_>) -> Verdict {
    let setup = Setup {
        limit: Some(5),
        ..in_mode(&lab.setup(), Autoreset::Disabled)
    };
    let mut simulator = lab.start(&setup)?;
    let mut actor = lab.actor("disabled");
    let mut seen = 0;
    for step in 1..=lab.options.steps {
        let place = |row: usize| format!("row {row}, step {step}");
        actor.act_all(&mut simulator)?;
        simulator.step()?;
        let rows = |border: &crate::sim::Border, ended: bool| -> Vec<usize> {
            (0..border.rows())
                .filter(|&row| border.ended(row) == ended)
                .collect()
        };
        let (ended, going) = (
            rows(simulator.border(), true),
            rows(simulator.border(), false),
        );
        if let Some(&row) = ended.first() {
            seen += 1;
            let before = save_all(&simulator)?;
            let outcomes = [simulator.step(), simulator.step_rows(&[row])];
            for outcome in outcomes {
                if outcome != Err(EnvError::StepAfterEnd { row }) {
                    let what = format!("a step after the end should be refused, gave {outcome:?}");
                    return Err(Failure::new(place(row), what));
                }
            }
            unchanged(&before, &simulator, &[], "a refused step after the end")?;
            going
                .iter()
                .try_for_each(|&row| actor.act(&mut simulator, row))?;
            simulator.step_rows(&going)?;
            unchanged(&before, &simulator, &going, "a step of other rows")?;
        }
        let lanes = (0..setup.rows)
            .map(|row| simulator.lane(row))
            .collect::<Result<Vec<_>, _>>()?;
        let reset = reset_ended(&mut simulator)?;
        for row in reset {
            let border = simulator.border();
            let silent = border.players.iter().all(|p| p.reward[row] == 0.0);
            if border.ended(row) || !silent || border.elapsed[row] != 0 {
                return Err(Failure::new(
                    place(row),
                    "after a reset, flags must be down and reward and time 0",
                ));
            }
            if simulator.lane(row)?.episode != lanes[row].episode + 1 {
                return Err(Failure::new(
                    place(row),
                    "a reset must go on to the next episode",
                ));
            }
        }
        let border = simulator.border();
        stagger_one(step, border.rows(), &mut simulator)?;
    }
    if seen == 0 {
        return Err(Failure::new(
            format!("{} steps with a time limit of 5", lab.options.steps),
            "no episode has ended",
        ));
    }
    MET
}

fn stagger_one(step: usize, rows: usize, simulator: &mut Simulator) -> Result<(), Failure> {
    if (1..rows).contains(&step) {
        simulator.reset_rows(&[RowReset::next(step)])?;
    }
    Ok(())
}

/// A limit of H steps truncates exactly at the H-th unless the episode terminates there, and changes nothing
/// before.
pub(super) fn time_limit(lab: &Lab<'_>) -> Verdict {
    let own = lab.spec.max_episode_steps.unwrap_or(u32::MAX);
    for limit in [1, 2, 7].into_iter().filter(|&limit| limit <= own) {
        let setup = in_mode(&lab.setup(), Autoreset::Disabled);
        let mut free = lab.start(&setup)?;
        let mut limited = lab.start(&Setup {
            limit: Some(limit),
            ..setup.clone()
        })?;
        let mut actor = lab.actor("time_limit");
        let mut made = vec![0; setup.rows];
        for step in 1..=lab.options.steps {
            actor.act_all(&mut free)?;
            copy_all_actions(&free, &mut limited);
            free.step()?;
            limited.step()?;
            for (row, made) in made.iter_mut().enumerate() {
                *made += 1;
                let place = format!("limit {limit}, row {row}, step {step}");
                let border = free.border();
                // Wrappers may make several environment steps of one, so their own count is taken.
                let elapsed = match (lab.is_bare(), border.ended(row)) {
                    (true, _) => *made,
                    (false, true) => border.final_elapsed[row],
                    (false, false) => border.elapsed[row],
                };
                judge_limit(&free, &limited, row, [elapsed, limit], &place)?;
                if limited.border().ended(row) {
                    *made = 0;
                }
            }
            let over: Vec<RowReset> = (0..setup.rows)
                .filter(|&row| limited.border().ended(row))
                .map(RowReset::next)
                .collect();
            free.reset_rows(&over)?;
            limited.reset_rows(&over)?;
            stagger(step, [&mut free, &mut limited])?;
            if let Some(made) = made.get_mut(step) {
                *made = 0;
            }
        }
    }
    MET
}

/// Compares a row of a simulator with a time limit with its twin without, `elapsed` environment steps into the
/// episode.
fn judge_limit(
    free: &Simulator,
    limited: &Simulator,
    row: usize,
    [elapsed, limit]: [u32; 2],
    place: &str,
) -> Result<(), Failure> {
    let (f, l) = (free.border(), limited.border());
    if elapsed > limit {
        // Only where the limit falls within an action that stands for several environment steps.
        if l.truncated[row] && l.final_elapsed[row] == limit {
            return Ok(());
        }
        return Err(Failure::new(
            place,
            format!("not truncated after {elapsed} steps"),
        ));
    }
    if elapsed < limit || f.terminated[row] {
        return same_transition(At(limited, row), At(free, row), place);
    }
    if !l.truncated[row] || l.terminated[row] {
        return Err(Failure::new(
            place,
            format!(
                "the last step allowed has terminated = {}, truncated = {}",
                l.terminated[row], l.truncated[row]
            ),
        ));
    }
    for (index, player) in free.spec().players.iter().enumerate() {
        let (p, q) = (f.player(index), l.player(index));
        let same_reward = p.reward[row].to_bits() == q.reward[row].to_bits();
        let next = f.next_observation(index, row);
        if !same_reward || !q.final_observation.row_bits_equal(row, next, row) {
            return Err(Failure::new(
                place,
                format!(
                    "player `{}`: the truncated step has another reward or observation",
                    player.name
                ),
            ));
        }
    }
    Ok(())
}
