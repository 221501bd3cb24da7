//! Many random episodes, watched: observations, rewards, ends, turns, masks, info.

use std::collections::BTreeMap;

use super::{
    lab::{Actor, Lab},
    report::{Failure, MET, Verdict},
};
use crate::{
    sim::{Border, InfoKind, PlayerSpec, Simulator, Turns},
    space::{ColumnData, Columns, Space},
};

/// The first offence against each demand that was seen.
#[derive(Debug, Default)]
pub(super) struct Ledger(BTreeMap<&'static str, Failure>);

impl Ledger {
    fn demand(
        &mut self,
        check: &'static str,
        met: bool,
        place: impl FnOnce() -> String,
        what: impl FnOnce() -> String,
    ) {
        if !met && !self.0.contains_key(check) {
            self.0.insert(check, Failure::new(place(), what()));
        }
    }

    /// How the demand called `check` fared.
    pub(super) fn verdict(&self, check: &str) -> Verdict {
        self.0
            .get(check)
            .map_or(MET, |failure| Err(failure.clone()))
    }
}

/// What is known of a row between two steps.
#[derive(Debug, Clone, Default)]
struct Running {
    steps: u32,
    returns: Vec<f64>,
    acting: Vec<bool>,
}

/// Plays random episodes until there have been enough.
pub(super) fn play(lab: &Lab<'_>) -> Result<Ledger, Failure> {
    let mut ledger = Ledger::default();
    let mut simulator = lab.start(&lab.setup())?;
    let mut actor = lab.actor("long_play");
    let players = lab.spec.players.len();
    let start = Running {
        steps: 0,
        returns: vec![0.0; players],
        acting: vec![false; players],
    };
    let rows = simulator.rows();
    let mut running = vec![start; rows];
    for (row, run) in running.iter_mut().enumerate() {
        watch_situation(lab, &mut ledger, simulator.border(), row, run, 0);
    }
    let (mut episodes, mut step) = (0, 0);
    while episodes < lab.options.episodes && step * rows < lab.options.max_steps {
        step += 1;
        if act(&mut actor, &mut simulator, &mut ledger).is_err() {
            break; // An empty mask, which the ledger has.
        }
        simulator
            .step()
            .map_err(|e| Failure::new(format!("step {step}"), e.to_string()))?;
        let border = simulator.border();
        for (row, run) in running.iter_mut().enumerate() {
            watch_transition(lab, &mut ledger, border, row, run, step);
            if border.ended(row) {
                episodes += 1;
                watch_end(lab, &mut ledger, border, row, run, step);
            }
            watch_situation(lab, &mut ledger, border, row, run, step);
        }
    }
    Ok(ledger)
}

fn act(actor: &mut Actor, simulator: &mut Simulator, ledger: &mut Ledger) -> Result<(), Failure> {
    actor.act_all(simulator).inspect_err(|failure| {
        ledger.demand(
            "masks",
            false,
            || failure.place.clone(),
            || failure.what.clone(),
        );
    })
}

/// Rewards, flags and counters of the step just made.
fn watch_transition(
    lab: &Lab<'_>,
    ledger: &mut Ledger,
    border: &Border,
    row: usize,
    run: &mut Running,
    step: usize,
) {
    let place = || format!("row {row}, step {step}");
    // Bounds are compared in single precision, as rewards are.
    let (low, high) = lab.spec.reward_range;
    let (low, high) = (low as f32, high as f32);
    for (index, player) in lab.spec.players.iter().enumerate() {
        let p = border.player(index);
        let reward = p.reward[row];
        ledger.demand(
            "rewards",
            reward.is_finite() && reward >= low && reward <= high,
            || format!("{}, player `{}`", place(), player.name),
            || format!("reward {reward}, declared range {low}..={high}"),
        );
        run.returns[index] += f64::from(reward);
        let acted = lab.spec.turns == Turns::EveryStep || run.acting[index];
        ledger.demand(
            "turns",
            p.acted[row] == acted,
            || format!("{}, player `{}`", place(), player.name),
            || format!("acted is {}, but acting was {acted}", p.acted[row]),
        );
    }
    run.steps += 1;
    ledger.demand(
        "episodes",
        !(border.terminated[row] && border.truncated[row]),
        place,
        || "terminated and truncated are both up".into(),
    );
    for (column, field) in border.info.fields().iter().enumerate() {
        let declared = lab.spec.info.iter().find(|f| f.name == field.name);
        let Some(declared) = declared else { continue };
        watch_values(
            ledger,
            "info",
            &declared.space,
            &super::lab::one_field(&border.info, column, row),
            0,
            declared.kind == InfoKind::Sum,
            || format!("{}, info `{}`", place(), field.name),
        );
    }
}

/// The final observation and the sums of an episode that ended in this step.
fn watch_end(
    lab: &Lab<'_>,
    ledger: &mut Ledger,
    border: &Border,
    row: usize,
    run: &mut Running,
    step: usize,
) {
    let place = || format!("row {row}, step {step}");
    let length = border.final_elapsed[row];
    // Wrappers may make several environment steps of one.
    let counted = if lab.is_bare() {
        length == run.steps
    } else {
        length >= run.steps
    };
    ledger.demand("episodes", counted, place, || {
        format!("an episode of {} steps counts {length}", run.steps)
    });
    let limit = lab.spec.max_episode_steps.unwrap_or(u32::MAX);
    ledger.demand("episodes", length <= limit, place, || {
        format!("an episode has {length} steps, the limit is {limit}")
    });
    for (index, player) in lab.spec.players.iter().enumerate() {
        let p = border.player(index);
        watch_values(
            ledger,
            "observations",
            &player.observation,
            &p.final_observation,
            row,
            false,
            || format!("{}, player `{}`, final observation", place(), player.name),
        );
        // The same additions in the same order.
        let (told, added) = (p.final_return[row], run.returns[index]);
        let equal = told.to_bits() == added.to_bits();
        ledger.demand("episodes", equal || !lab.is_bare(), place, || {
            format!(
                "player `{}`: rewards add up to {added}, the return is {told}",
                player.name
            )
        });
    }
    run.steps = 0;
    run.returns.fill(0.0);
}

/// Observations, masks and turns of the situation to act in.
fn watch_situation(
    lab: &Lab<'_>,
    ledger: &mut Ledger,
    border: &Border,
    row: usize,
    run: &mut Running,
    step: usize,
) {
    let place = || format!("row {row}, step {step}");
    let elapsed = border.elapsed[row];
    let limit = lab.spec.max_episode_steps.unwrap_or(u32::MAX);
    let counted = if lab.is_bare() {
        elapsed == run.steps
    } else {
        (elapsed == 0) == (run.steps == 0) && elapsed >= run.steps
    };
    ledger.demand("episodes", counted && elapsed < limit, place, || {
        format!(
            "{} steps into a running episode, elapsed is {elapsed} (limit {limit})",
            run.steps
        )
    });
    for (index, player) in lab.spec.players.iter().enumerate() {
        let p = border.player(index);
        watch_values(
            ledger,
            "observations",
            &player.observation,
            p.observation(),
            row,
            false,
            || format!("{}, player `{}`", place(), player.name),
        );
        run.acting[index] = p.acting[row];
        if p.acting[row] {
            let mask = p.mask_row(row);
            ledger.demand(
                "masks",
                mask_fault(player, mask).is_none(),
                || format!("{}, player `{}`", place(), player.name),
                || mask_fault(player, mask).unwrap_or_default(),
            );
        }
    }
    let expected = match lab.spec.turns {
        Turns::EveryStep => run.acting.iter().all(|&acting| acting),
        Turns::Changing => run.acting.contains(&true),
    };
    ledger.demand("turns", expected, place, || match lab.spec.turns {
        Turns::EveryStep => "a player is not to act, though all act in every step".into(),
        Turns::Changing => "nobody is to act in a running episode".into(),
    });
}

/// Why no action can be chosen under `mask`, if so.
fn mask_fault(player: &PlayerSpec, mask: &[u8]) -> Option<String> {
    if mask.is_empty() {
        return None;
    }
    if let Some(flag) = mask.iter().find(|&&flag| flag > 1) {
        return Some(format!("the mask has a flag {flag}; 0 and 1 are allowed"));
    }
    let any = |part: &[u8]| part.contains(&1);
    let possible = match &player.action {
        Space::MultiBinary { min_ones, .. } => {
            mask.iter().map(|&flag| usize::from(flag)).sum::<usize>() >= *min_ones
        }
        Space::MultiDiscrete { nvec } => {
            let mut rest = mask;
            nvec.iter().all(|&n| {
                let (part, tail) = rest.split_at(n);
                rest = tail;
                any(part)
            })
        }
        _ => any(mask),
    };
    (!possible).then(|| format!("the mask {mask:?} allows no action"))
}

/// Row `row` of `values` must lie in `space` and be finite. `gaps`: NaN is allowed.
fn watch_values(
    ledger: &mut Ledger,
    check: &'static str,
    space: &Space,
    values: &Columns,
    row: usize,
    gaps: bool,
    place: impl Fn() -> String,
) {
    let mut odd = None;
    for field in values.fields() {
        let range = row * field.width..(row + 1) * field.width;
        let found = match &field.data {
            ColumnData::F32(v) => v[range]
                .iter()
                .map(|&x| f64::from(x))
                .find(|x| !x.is_finite()),
            ColumnData::F64(v) => v[range].iter().copied().find(|x| !x.is_finite()),
            _ => None,
        };
        odd = odd.or(found);
    }
    if let Some(x) = odd {
        ledger.demand(check, gaps && x.is_nan(), place, || {
            format!("{x} is not finite")
        });
        return;
    }
    if let Err(violation) = space.check_row(values, row) {
        ledger.demand(check, false, place, || violation.to_string());
    }
}
