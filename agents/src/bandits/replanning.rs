//! What learners share that plan: a payoff estimate for each state of each arm, and a plan made from them.
//!
//! They know how arms recover and tire (caps, periods, `k`), so that they always know the states; the payoffs they learn.
//! Transitions are deterministic, so every play tells about one state of one arm, and a plan is followed without
//! surprises.
//!
//! A plan is kept as what it was made from, a table of payoffs and the states at that time. It is made from them again
//! after a run is resumed, always from nothing: plans that depended on earlier plans would have to be saved too.

use std::sync::Arc;

use palaestra_envs::{
    bandits::{DeterministicPolicy, Greedy, Instance},
    math::ln,
    stream::Stream,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Arms, Averages, Memory, Play, Round, Rule, Table,
    cells::{Cells, structure},
    isotonic::isotonic,
    planning::{Graph, GraphPolicy, best_within, graph::MAX_EDGES},
};
use crate::{AgentContext, AgentError};

/// The planner of a learner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LearnerPlanner {
    /// The optimum for the estimates. For small instances: at most 2 million reachable states times choices.
    #[default]
    Exact,
    /// The best plan of several planners, for instances of any size.
    Best,
}

/// Policies for tables of payoffs.
#[derive(Debug)]
enum Planner {
    Exact(Arc<Graph>),
    Best,
}

/// Interleaved schedules that the portfolio draws for a learner, their length, and rounds in which a policy is valued:
/// less than for a plan that is made once.
const DRAWS: u64 = 4;
const DRAWN_ROUNDS: usize = 256;
const VALUED_ROUNDS: u32 = 2048;
/// Width of the interval that the exact planner proves around the optimum for estimates.
const TOLERANCE: f64 = 1e-9;

type Policy = Box<dyn DeterministicPolicy + Send + Sync>;

/// What a learner knows from the beginning.
#[derive(Debug)]
pub struct Problem {
    /// Arms and plays; its payoffs are not those of the environment.
    structure: Instance,
    cells: Cells,
    planner: Planner,
    monotone: bool,
}

impl Problem {
    /// The problem of agent `id`. `monotone`: whether the payoffs are known not to fall with rest and not to rise with
    /// plays.
    ///
    /// # Errors
    /// [`AgentError::Unsupported`] if the environment does not say how its arms recover, or if it is too large for the
    /// planner.
    pub(super) fn new(
        id: &str,
        context: &AgentContext,
        arms: &Arms,
        planner: LearnerPlanner,
        monotone: bool,
    ) -> Result<Self, AgentError> {
        let structure = structure(id, context, arms)?;
        let planner = match planner {
            LearnerPlanner::Best => Planner::Best,
            LearnerPlanner::Exact => {
                let graph = Graph::new(&structure, MAX_EDGES);
                let graph = graph.map_err(|error| AgentError::Unsupported {
                    agent: id.into(),
                    env: context.env.id.clone(),
                    reason: format!("{error}; set the argument `planner` to \"best\""),
                })?;
                Planner::Exact(Arc::new(graph))
            }
        };
        Ok(Self {
            cells: Cells::new(&structure),
            structure,
            planner,
            monotone,
        })
    }

    pub(super) fn structure(&self) -> &Instance {
        &self.structure
    }

    /// A blank memory.
    pub(super) fn memory(&self, seats: usize) -> PlanMemory {
        let cells = self.cells.count();
        PlanMemory {
            averages: Averages::new(seats, cells),
            states: Table::new(seats, self.cells.arms()),
            beliefs: Table::new(seats, cells),
            start: Table::new(seats, self.cells.arms()),
            planned: vec![0; seats],
            policies: Policies::default(),
            scratch: Scratch::default(),
        }
    }

    /// The arms with the payoffs of `table`, `[cells]`, and starting states `tau`.
    pub(super) fn instance(&self, table: &[f64], tau: &[i16]) -> Instance {
        let mean = |arm, state| table[self.cells.cell(arm, state)];
        self.structure.with_means(mean).with_start(tau)
    }

    /// The least payoff of all states at or beyond each state, where payoffs are monotone: an upper bound on one of
    /// them is an upper bound on all states before it.
    pub(super) fn tighten(&self, table: &mut [f64]) {
        if !self.monotone {
            return;
        }
        let least = self.instance(table, self.structure.start());
        let least = least.monotone_minorant();
        for arm in 0..self.cells.arms() {
            for state in self.cells.caps(arm).states() {
                table[self.cells.cell(arm, state)] = least.mean(arm, state);
            }
        }
    }

    /// The monotone table nearest to `table` in squares weighted by `weights`, where payoffs are monotone.
    pub(super) fn project(&self, table: &mut [f64], weights: &[f64]) {
        if !self.monotone {
            return;
        }
        for arm in 0..self.cells.arms() {
            let cells = self.cells.of(arm);
            // States that come round again are at or beyond each other: one payoff for all of them.
            let tail = self.cells.caps(arm).period as usize;
            isotonic(&mut table[cells.clone()], &weights[cells], tail);
        }
    }

    fn policy(&self, instance: &Instance) -> Policy {
        match &self.planner {
            Planner::Exact(graph) => {
                let policy = graph.solve(instance, TOLERANCE, None).policy;
                Box::new(GraphPolicy::new(graph.clone(), policy))
            }
            Planner::Best => match best_within(VALUED_ROUNDS, instance, DRAWS, DRAWN_ROUNDS) {
                Ok(plan) => plan.policy,
                Err(_) => Box::new(Greedy),
            },
        }
    }

    /// Writes the indices of the plan for `round`, and remembers the states that it is played in.
    pub(super) fn follow(&self, memory: &mut PlanMemory, round: &Round<'_>, index: &mut [f64]) {
        let seat = round.seat;
        let (beliefs, start) = (memory.beliefs.row(seat), memory.start.row(seat));
        let make = || {
            let start: Vec<i16> = start.iter().map(|&state| state as i16).collect();
            let instance = self.instance(beliefs, &start);
            let policy = self.policy(&instance);
            (instance, policy)
        };
        let phase = round.t.saturating_sub(memory.planned[seat]);
        let (instance, policy) = memory.policies.plan(seat, make);
        (memory.scratch).choose(instance, &**policy, phase, round, index);
        memory.remember(round);
    }

    /// Writes the indices of what is best as far as is known, from the instance's start on.
    pub(super) fn exploit(&self, memory: &mut PlanMemory, round: &Round<'_>, index: &mut [f64]) {
        let averages = &memory.averages;
        let make = || {
            let table = self.estimates(averages, round.seat);
            let instance = self.instance(&table, self.structure.start());
            let policy = self.policy(&instance);
            (instance, policy)
        };
        let (instance, policy) = memory.policies.best_known(round.seat, make);
        let phase = u64::from(round.elapsed);
        (memory.scratch).choose(instance, &**policy, phase, round, index);
    }

    /// The means of all states, 0 for those never played; monotone where payoffs are, and then those never played take
    /// after the states before them.
    pub(super) fn estimates(&self, averages: &Averages, seat: usize) -> Vec<f64> {
        // A weight that counts nothing beside a single play.
        const HARDLY: f64 = 1e-9;
        let (weights, mut table): (Vec<f64>, Vec<f64>) = averages.arms(seat).unzip();
        let weights: Vec<f64> = weights.iter().map(|n| n.max(HARDLY)).collect();
        self.project(&mut table, &weights);
        table
    }

    /// Counts the plays of a round in the states that were remembered.
    pub(super) fn learn(&self, memory: &mut PlanMemory, seat: usize, plays: &[Play]) {
        for play in plays {
            let state = memory.states.row(seat)[play.arm];
            let cell = self.cells.told(play.arm, state);
            memory.averages.add(seat, cell, play.payoff);
        }
        memory.policies.drop_best_known(seat);
    }
}

/// Room to work in.
#[derive(Debug, Default)]
struct Scratch {
    tau: Vec<i16>,
    chosen: Vec<usize>,
}

impl Scratch {
    /// Writes the indices of what `policy` plays in `round`.
    fn choose(
        &mut self,
        instance: &Instance,
        policy: &dyn DeterministicPolicy,
        phase: u64,
        round: &Round<'_>,
        index: &mut [f64],
    ) {
        self.tau.clear();
        self.tau.extend(round.states.iter().map(|&s| s as i16));
        let phase = (phase % policy.period().max(1) as u64) as usize;
        policy.choose(instance, phase, &self.tau, &mut self.chosen);
        write(&self.chosen, index);
    }
}

/// Writes 1 for `chosen` arms and `-inf` for the rest: left out, unless the environment insists on more plays.
pub(super) fn write(chosen: &[usize], index: &mut [f64]) {
    index.fill(f64::NEG_INFINITY);
    chosen.iter().for_each(|&arm| index[arm] = 1.0);
}

/// What a planning learner remembers: estimates for each state of each arm, and what its plan was made from.
#[derive(Debug, Serialize, Deserialize)]
pub struct PlanMemory {
    /// Plays and means, `[seats, cells]`.
    pub(super) averages: Averages,
    /// The states in which the last plays were made, `[seats, N]`.
    states: Table,
    /// Payoffs that the plan was made for, `[seats, cells]`.
    beliefs: Table,
    /// States that it was made from, `[seats, N]`.
    start: Table,
    /// Round in which it was made; 0 if there is none.
    pub(super) planned: Vec<u64>,
    #[serde(skip)]
    policies: Policies,
    #[serde(skip)]
    scratch: Scratch,
}

impl PlanMemory {
    /// Plans for `beliefs` from the states of `round` on.
    pub(super) fn plan(&mut self, round: &Round<'_>, beliefs: &[f64]) {
        self.beliefs.row_mut(round.seat).copy_from_slice(beliefs);
        self.start.row_mut(round.seat).copy_from_slice(round.states);
        self.planned[round.seat] = round.t;
        self.policies.drop_plan(round.seat);
    }

    /// Remembers the states of `round`, in which plays are about to be made.
    pub(super) fn remember(&mut self, round: &Round<'_>) {
        self.states
            .row_mut(round.seat)
            .copy_from_slice(round.states);
    }
}

impl Memory for PlanMemory {
    fn lengths(&self) -> Vec<usize> {
        let tables = [&self.states, &self.beliefs, &self.start];
        let mut lengths = self.averages.lengths();
        tables
            .iter()
            .for_each(|table| lengths.extend(table.lengths()));
        lengths.push(self.planned.len());
        lengths
    }

    fn forget(&mut self, seat: usize) {
        self.averages.forget(seat);
        for table in [&mut self.states, &mut self.beliefs, &mut self.start] {
            table.forget(seat);
        }
        self.planned[seat] = 0;
        self.policies.drop_plan(seat);
        self.policies.drop_best_known(seat);
    }
}

/// Policies that follow from the rest of the memory, with the instance that each was made for. `[seats]`, or shorter.
#[derive(Default)]
struct Policies {
    plan: Vec<Option<(Instance, Policy)>>,
    best_known: Vec<Option<(Instance, Policy)>>,
}

impl std::fmt::Debug for Policies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policies").finish_non_exhaustive()
    }
}

impl Policies {
    fn plan(
        &mut self,
        seat: usize,
        make: impl FnOnce() -> (Instance, Policy),
    ) -> &(Instance, Policy) {
        get(&mut self.plan, seat).get_or_insert_with(make)
    }

    fn best_known(
        &mut self,
        seat: usize,
        make: impl FnOnce() -> (Instance, Policy),
    ) -> &(Instance, Policy) {
        get(&mut self.best_known, seat).get_or_insert_with(make)
    }

    fn drop_plan(&mut self, seat: usize) {
        *get(&mut self.plan, seat) = None;
    }

    fn drop_best_known(&mut self, seat: usize) {
        *get(&mut self.best_known, seat) = None;
    }
}

fn get<T>(list: &mut Vec<Option<T>>, seat: usize) -> &mut Option<T> {
    if list.len() <= seat {
        list.resize_with(seat + 1, || None);
    }
    &mut list[seat]
}

/// What to plan for, given what was learned.
pub trait Belief: Send + 'static {
    /// Writes a payoff for each state of each arm, `[cells]`, into `table`, for a plan of round `t` and on.
    fn write(
        &self,
        problem: &Problem,
        averages: &Averages,
        seat: usize,
        t: u64,
        rng: &mut Stream,
        table: &mut [f64],
    );
}

/// Plans anew every `max(16, ⌊√t⌋)` rounds, for payoffs that a [`Belief`] makes of what was learned, and follows the
/// plan in between.
#[derive(Debug)]
pub struct Replanning<B> {
    pub(super) belief: B,
    pub(super) problem: Problem,
}

/// Rounds from a plan made in round `t` to the next.
fn interval(t: u64) -> u64 {
    t.isqrt().max(16)
}

impl<B: Belief> Rule for Replanning<B> {
    type Memory = PlanMemory;
    const UNIT_PAYOFFS: bool = true;
    const NEEDS_STATES: bool = true;

    fn memory(&self, seats: usize, _arms: usize) -> PlanMemory {
        self.problem.memory(seats)
    }

    fn indices(&self, memory: &mut PlanMemory, round: &mut Round<'_>, index: &mut [f64]) {
        if round.greedy {
            return self.problem.exploit(memory, round, index);
        }
        let planned = memory.planned[round.seat];
        // A new episode begins in other states than the plan led to.
        if planned == 0 || round.t >= planned + interval(planned) || round.elapsed == 0 {
            let mut table = vec![0.0; self.problem.cells.count()];
            let (averages, seat, t) = (&memory.averages, round.seat, round.t);
            (self.belief).write(&self.problem, averages, seat, t, round.rng, &mut table);
            memory.plan(round, &table);
        }
        self.problem.follow(memory, round, index);
    }

    fn learn(&self, memory: &mut PlanMemory, seat: usize, plays: &[Play], _rng: &mut Stream) {
        self.problem.learn(memory, seat, plays);
    }
}

/// `min(1, m + sqrt(α ln(t + 2) / n))`, and 1 for what was never played.
pub(super) fn upper_confidence(alpha: f64, t: u64, n: f64, mean: f64) -> f64 {
    if n > 0.0 {
        (mean + (alpha * ln(t as f64 + 2.0) / n).sqrt()).min(1.0)
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_made_after_the_square_root_of_the_rounds_but_not_too_often() {
        let mut plans = vec![1_u64];
        while plans[plans.len() - 1] < 100_000 {
            let last = plans[plans.len() - 1];
            plans.push(last + interval(last));
        }
        assert_eq!(plans[..3], [1, 17, 33]);
        // 16 up to round 256, then about 2√T.
        assert!((600..=640).contains(&plans.len()), "{}", plans.len());
    }

    #[test]
    fn the_upper_bound_is_the_papers_formula_cut_at_one() {
        assert_eq!(upper_confidence(0.5, 10, 0.0, 0.0), 1.0);
        // ln 12 = 2.484906649788
        let expected = 0.25 + (0.5 * 2.484_906_649_788_f64 / 8.0).sqrt();
        assert!((upper_confidence(0.5, 10, 8.0, 0.25) - expected).abs() < 1e-12);
        assert_eq!(upper_confidence(0.5, 10, 2.0, 0.9), 1.0);
    }
}
