//! Checks of randomness: everything follows from seed and actions, and different seeds differ.

use super::{
    lab::{
        At, Lab, Setup, copy_actions, copy_all_actions, same_row, same_situation, same_step,
        same_transition,
    },
    report::{Failure, MET, Verdict},
};
use crate::sim::{Autoreset, RowReset, Simulator};

/// Two simulators with the same seed and the same actions agree bit for bit, also after a second reset without
/// a seed.
pub(super) fn determinism(lab: &Lab<'_>) -> Verdict {
    for setup in lab.setups() {
        let mut a = lab.start(&setup)?;
        let mut b = lab.start(&setup)?;
        let mut actor = lab.actor("determinism");
        for episode in 0..2 {
            for step in 0..=lab.options.steps {
                if step > 0 {
                    actor.act_all(&mut a)?;
                    copy_all_actions(&a, &mut b);
                    a.step()?;
                    b.step()?;
                }
                for row in 0..setup.rows {
                    let place = format!("reset {episode}, row {row}, step {step}");
                    if step > 0 {
                        same_row(At(&a, row), At(&b, row), &place)?;
                    } else {
                        same_situation(At(&a, row), At(&b, row), &place)?;
                    }
                }
            }
            a.reset()?;
            b.reset()?;
        }
    }
    MET
}

/// Whether two simulators, given the same random actions, ever differ in a row; stops at the first difference.
fn ever_differ(lab: &Lab<'_>, a: &mut Simulator, b: &mut Simulator) -> Result<bool, Failure> {
    // Actors of the same name, so that masks may differ between the two.
    let (mut actor, mut twin) = (lab.actor("seeds"), lab.actor("seeds"));
    let rows = a.rows();
    let differ = |a: &Simulator, b: &Simulator, step: usize| {
        (0..rows).any(|row| {
            let (a, b) = (At(a, row), At(b, row));
            same_situation(a, b, "").is_err() || (step > 0 && same_transition(a, b, "").is_err())
        })
    };
    // A rare accident may take long to tell two seeds apart.
    for step in 0..=4 * lab.options.steps {
        if step > 0 {
            actor.act_all(a)?;
            twin.act_all(b)?;
            a.step()?;
            b.step()?;
        }
        if differ(a, b, step) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Other seeds give other episodes exactly if the environment calls itself stochastic; likewise the lane's next
/// episode.
pub(super) fn other_seeds(lab: &Lab<'_>) -> Verdict {
    let setup = lab.setup();
    let stochastic = lab.spec.stochastic;
    let judge = |differ: bool, occasion: &str| {
        if differ == stochastic {
            return Ok(());
        }
        Err(Failure::new(
            occasion,
            if stochastic {
                "the same actions gave the same episodes, though the environment calls itself stochastic"
            } else {
                "the same actions gave other episodes, though the environment calls itself deterministic"
            },
        ))
    };
    let mut a = lab.start(&setup)?;
    let mut b = lab.start(&Setup {
        seed: setup.seed ^ 0x5eed,
        ..setup.clone()
    })?;
    judge(ever_differ(lab, &mut a, &mut b)?, "another seed")?;

    let mut a = lab.start(&setup)?;
    let mut b = lab.start(&setup)?;
    b.reset()?;
    judge(
        ever_differ(lab, &mut a, &mut b)?,
        "a second reset without a seed",
    )?;

    let seeded = |seed: u64| -> Result<Simulator, Failure> {
        let mut simulator = lab.start(&setup)?;
        let rows: Vec<RowReset> = (0..setup.rows)
            .map(|row| RowReset::seeded(row, seed + row as u64))
            .collect();
        simulator.reset_rows(&rows)?;
        Ok(simulator)
    };
    let (mut a, mut b) = (seeded(1_000)?, seeded(2_000)?);
    judge(
        ever_differ(lab, &mut a, &mut b)?,
        "another explicit seed of each row",
    )?;

    // The same lanes shifted by one row: what row 0 does in one simulator, row 1 does not in the other.
    let shifted = |by: u64| -> Result<Simulator, Failure> {
        let mut simulator = lab.start(&setup)?;
        let rows: Vec<RowReset> = (0..setup.rows)
            .map(|row| RowReset {
                lane: simulator.lane(row).ok().map(|mut lane| {
                    lane.lane += by;
                    lane
                }),
                ..RowReset::next(row)
            })
            .collect();
        simulator.reset_rows(&rows)?;
        Ok(simulator)
    };
    let (mut a, mut b) = (shifted(0)?, shifted(1)?);
    judge(ever_differ(lab, &mut a, &mut b)?, "another row")?;
    MET
}

/// The same explicit seed gives the same episodes in every row, whatever happened before and whatever seed the
/// simulator has.
pub(super) fn explicit_seeds(lab: &Lab<'_>) -> Verdict {
    for setup in lab.setups() {
        let mut a = lab.start(&setup)?;
        let mut actor = lab.actor("explicit_seeds");
        // Give the rows histories of different lengths.
        for step in 1..setup.rows {
            (step..setup.rows).try_for_each(|row| actor.act(&mut a, row))?;
            a.step_rows(&(step..setup.rows).collect::<Vec<_>>())?;
        }
        // What outlives episodes is no part of a seed; the comparison starts from equal values of it.
        let mut fresh = lab.start(&Setup {
            rows: 1,
            seed: !setup.seed,
            ..setup.clone()
        })?;
        let carried = fresh.save_carried(0)?;
        let again = |row: usize| RowReset::seeded(row, 42);
        fresh.load_carried(0, &carried)?;
        fresh.reset_rows(&[again(0)])?;
        for row in 0..setup.rows {
            a.load_carried(row, &carried)?;
        }
        a.reset_rows(&(0..setup.rows).map(again).collect::<Vec<_>>())?;
        for step in 0..=lab.options.steps {
            if step > 0 {
                actor.act(&mut fresh, 0)?;
                (0..setup.rows).for_each(|row| copy_actions(&fresh, 0, &mut a, row));
                fresh.step()?;
                a.step()?;
            }
            for row in 0..setup.rows {
                let place = format!("row {row}, step {step}");
                if step > 0 {
                    same_step(At(&a, row), At(&fresh, 0), &place)?;
                } else {
                    same_situation(At(&a, row), At(&fresh, 0), &place)?;
                }
            }
        }
    }
    MET
}

/// Any episode of a run can be made again alone from its lane and its actions, in a simulator that has seen
/// nothing else. What was left over from an earlier episode would show.
pub(super) fn replay(lab: &Lab<'_>) -> Verdict {
    for setup in lab.setups() {
        let mut run = lab.start(&setup)?;
        let alone = Setup {
            rows: 1,
            seed: setup.seed + 1,
            autoreset: Autoreset::Disabled,
            ..setup.clone()
        };
        let again = |run: &Simulator, row: usize, step: usize| -> Result<Simulator, Failure> {
            let mut simulator = lab.build(&alone)?;
            simulator.load_carried(0, &run.save_carried(row)?)?;
            let lane = Some(run.lane(row)?);
            simulator.reset_rows(&[RowReset {
                lane,
                ..RowReset::next(0)
            }])?;
            let place = format!("row {row}, episode that begins after step {step}");
            same_situation(At(run, row), At(&simulator, 0), &place)?;
            Ok(simulator)
        };
        let mut replays = (0..setup.rows)
            .map(|row| again(&run, row, 0))
            .collect::<Result<Vec<_>, _>>()?;
        let mut actor = lab.actor("replay");
        for step in 1..=lab.options.steps {
            actor.act_all(&mut run)?;
            for (row, replay) in replays.iter_mut().enumerate() {
                copy_actions(&run, row, replay, 0);
                replay.step()?;
            }
            run.step()?;
            for (row, replay) in replays.iter_mut().enumerate() {
                let place = format!("row {row}, step {step}");
                same_transition(At(&run, row), At(replay, 0), &place)?;
                if run.border().ended(row) {
                    *replay = again(&run, row, step)?;
                } else {
                    same_situation(At(&run, row), At(replay, 0), &place)?;
                }
            }
        }
    }
    MET
}
