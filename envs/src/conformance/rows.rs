//! Checks that rows are independent of each other and of how the batch is laid out, and that one can be saved and
//! restored.

use rand::RngExt;

use super::{
    lab::{
        Actor, At, Lab, Setup, copy_actions, copy_all_actions, same_row, same_situation, same_step,
        save_all, unchanged,
    },
    report::{Failure, MET, Verdict},
};
use crate::{
    error::EnvError,
    sim::{Autoreset, RowReset, Simulator},
};

/// A row of a batch goes as it would alone.
pub(super) fn batch_is_single(lab: &Lab<'_>) -> Verdict {
    for setup in lab.setups() {
        let mut batch = lab.start(&setup)?;
        let alone = Setup {
            rows: 1,
            seed: !setup.seed,
            ..setup.clone()
        };
        let mut singles = Vec::new();
        for row in 0..setup.rows {
            let mut single = lab.build(&alone)?;
            single.reset_rows(&[RowReset {
                lane: Some(batch.lane(row)?),
                ..RowReset::next(0)
            }])?;
            same_situation(
                At(&batch, row),
                At(&single, 0),
                &format!("row {row}, reset"),
            )?;
            singles.push(single);
        }
        let mut actor = lab.actor("batch");
        for step in 1..=lab.options.steps {
            actor.act_all(&mut batch)?;
            batch_step(&mut batch, &mut singles)?;
            for (row, single) in singles.iter().enumerate() {
                let place = format!("row {row}, step {step}");
                same_row(At(&batch, row), At(single, 0), &place)?;
            }
        }
    }
    MET
}

fn batch_step(batch: &mut Simulator, singles: &mut [Simulator]) -> Result<(), Failure> {
    for (row, single) in singles.iter_mut().enumerate() {
        copy_actions(batch, row, single, 0);
        single.step()?;
    }
    Ok(batch.step()?)
}

/// The number of shards changes nothing: steps, steps of some rows, resets of some rows.
pub(super) fn shards(lab: &Lab<'_>) -> Verdict {
    for setup in lab.setups() {
        let mut one = lab.start(&setup)?;
        let mut several = [2, 3]
            .into_iter()
            .map(|shards| {
                lab.start(&Setup {
                    shards,
                    ..setup.clone()
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let mut actor = lab.actor("shards");
        for step in 1..=lab.options.steps {
            actor.act_all(&mut one)?;
            let some = some_rows(&mut actor, setup.rows);
            for simulator in &mut several {
                copy_all_actions(&one, simulator);
            }
            for simulator in several.iter_mut().chain([&mut one]) {
                match step % 4 {
                    2 => simulator.step_rows(&some)?,
                    3 => {
                        let resets: Vec<_> = some.iter().copied().map(RowReset::next).collect();
                        simulator.reset_rows(&resets)?;
                    }
                    _ => simulator.step()?,
                }
            }
            for simulator in &several {
                for row in 0..setup.rows {
                    let place = format!("{simulator:?}, row {row}, step {step}");
                    let (a, b) = (At(&one, row), At(simulator, row));
                    same_step(a, b, &place)?;
                    if step % 4 < 2 {
                        // Only a step of all rows hands all written actions, part of a saved row, to the shards.
                        same_row(a, b, &place)?;
                    }
                }
            }
        }
    }
    MET
}

/// A random set of rows, at least one.
fn some_rows(actor: &mut Actor, rows: usize) -> Vec<usize> {
    let certain = actor.rng.random_range(0..rows);
    (0..rows)
        .filter(|&row| row == certain || actor.rng.random())
        .collect()
}

/// A reset of some rows leaves the others as they are, now and later.
pub(super) fn reset_of_some(lab: &Lab<'_>) -> Verdict {
    for setup in lab.setups() {
        let mut a = lab.start(&setup)?;
        let mut b = lab.start(&setup)?;
        let mut actor = lab.actor("reset_of_some");
        for step in 1..=lab.options.steps {
            actor.act_all(&mut b)?;
            // Row 0 is reset at random in one simulator only, so its masks differ.
            (1..setup.rows).for_each(|row| copy_actions(&b, row, &mut a, row));
            actor.act(&mut a, 0)?;
            a.step()?;
            b.step()?;
            if step % 3 == 0 {
                let before = save_all(&a)?;
                let reset = if step % 2 == 0 {
                    RowReset::next(0)
                } else {
                    RowReset::seeded(0, step as u64)
                };
                a.reset_rows(&[reset])?;
                unchanged(&before, &a, &[0], "a reset of row 0")?;
            }
            for row in 1..setup.rows {
                let place = format!("row {row}, step {step}, after resets of row 0");
                same_row(At(&a, row), At(&b, row), &place)?;
            }
        }
    }
    MET
}

/// Rows can be stepped in any order and grouping, each at its own time, and the others stay as they are.
pub(super) fn step_of_some(lab: &Lab<'_>) -> Verdict {
    let modes = [Autoreset::SameStep, Autoreset::NextStep];
    for (autoreset, setup) in modes
        .iter()
        .flat_map(|mode| lab.setups().map(|s| (*mode, s)))
    {
        let setup = Setup { autoreset, ..setup };
        let steps = lab.options.steps.min(40);
        let mut together = lab.start(&setup)?;
        let mut actor = lab.actor("step_of_some");
        // For each step a copy of the batch before it, with the actions in place, and what it leads to.
        let mut log = vec![save_all(&together)?];
        let mut actions = Vec::new();
        for _ in 0..steps {
            actor.act_all(&mut together)?;
            actions.push(save_all(&together)?);
            together.step()?;
            log.push(save_all(&together)?);
        }
        let mut apart = lab.start(&setup)?;
        let mut carrier = lab.start(&setup)?;
        let mut made = vec![0; setup.rows];
        while made.iter().any(|&made| made < steps) {
            let mut some = some_rows(&mut actor, setup.rows);
            some.retain(|&row| made[row] < steps);
            for &row in &some {
                carrier.load_row(row, &actions[made[row]][row])?;
                copy_actions(&carrier, row, &mut apart, row);
            }
            let before = save_all(&apart)?;
            apart.step_rows(&some)?;
            unchanged(&before, &apart, &some, "a step of other rows")?;
            for &row in &some {
                made[row] += 1;
                if apart.save_row(row)? != log[made[row]][row] {
                    carrier.load_row(row, &log[made[row]][row])?;
                    let place = format!("row {row}, step {}, rows {some:?} stepped", made[row]);
                    same_row(At(&apart, row), At(&carrier, row), &place)?;
                    return Err(Failure::new(place, "differs from a step of all rows"));
                }
            }
        }
    }
    MET
}

/// A saved row, loaded into another row of another simulator (or back into its own), goes on identically and
/// disturbs no other row; bytes that are cut short or too long are refused.
pub(super) fn clone_restore(lab: &Lab<'_>) -> Verdict {
    for setup in lab.setups() {
        let mut source = lab.start(&setup)?;
        let mut target = lab.start(&Setup {
            seed: !setup.seed,
            rows: setup.rows + 1,
            shards: 2,
            ..setup.clone()
        })?;
        let mut actor = lab.actor("clone");
        let mut pair = (0, 0);
        for step in 0..lab.options.steps {
            if step % 6 == 0 {
                pair = (step / 6 % setup.rows, (step / 2 + 1) % (setup.rows + 1));
                let place = format!("step {step}, row {} to row {}", pair.0, pair.1);
                let bytes = source.save_row(pair.0)?;
                let others = save_all(&target)?;
                target.load_row(pair.1, &bytes)?;
                unchanged(&others, &target, &[pair.1], "loading another row")?;
                same_row(At(&source, pair.0), At(&target, pair.1), &place)?;
                if source.render(pair.0)? != target.render(pair.1)? {
                    return Err(Failure::new(place, "the copy is drawn differently"));
                }
            }
            actor.act_all(&mut source)?;
            (0..target.rows()).try_for_each(|row| actor.act(&mut target, row))?;
            copy_actions(&source, pair.0, &mut target, pair.1);
            source.step()?;
            target.step()?;
            let place = format!("step {step}, row {} loaded into row {}", pair.0, pair.1);
            same_row(At(&source, pair.0), At(&target, pair.1), &place)?;
        }
        rewind(lab, &setup)?;
    }
    refuses_bad_bytes(lab)
}

/// Going back to a saved row and taking the same actions gives the same again.
fn rewind(lab: &Lab<'_>, setup: &Setup) -> Result<(), Failure> {
    let mut simulator = lab.start(setup)?;
    let mut actor = lab.actor("rewind");
    for round in 0..lab.options.steps / 8 {
        let row = round % setup.rows;
        let here = simulator.save_row(row)?;
        let mut path = Vec::new();
        for _ in 0..4 {
            actor.act(&mut simulator, row)?;
            let before = simulator.save_row(row)?;
            simulator.step_rows(&[row])?;
            path.push((before, simulator.save_row(row)?));
        }
        // A clone with the actions of the path in place, to copy them from.
        let mut carrier = lab.start(setup)?;
        simulator.load_row(row, &here)?;
        for (step, (before, after)) in path.iter().enumerate() {
            carrier.load_row(row, before)?;
            copy_actions(&carrier, row, &mut simulator, row);
            simulator.step_rows(&[row])?;
            carrier.load_row(row, after)?;
            let place = format!("round {round}, row {row}, step {step} after going back");
            same_row(At(&simulator, row), At(&carrier, row), &place)?;
        }
    }
    Ok(())
}

fn refuses_bad_bytes(lab: &Lab<'_>) -> Verdict {
    let mut simulator = lab.start(&lab.setup())?;
    let bytes = simulator.save_row(0)?;
    let longer = [&bytes[..], &[0]].concat();
    for bad in [
        &bytes[..bytes.len() - 1],
        &bytes[..bytes.len() / 2],
        &[],
        &longer,
    ] {
        let outcome = simulator.load_row(0, bad);
        if !matches!(outcome, Err(EnvError::Snapshot(_))) {
            return Err(Failure::new(
                format!("{} bytes instead of {}", bad.len(), bytes.len()),
                format!("a saved row of another length should be refused, gave {outcome:?}"),
            ));
        }
    }
    MET
}
