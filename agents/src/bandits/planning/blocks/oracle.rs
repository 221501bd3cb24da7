//! The best block for given payoffs or indices, by exact dynamic programming.

use std::collections::HashMap;

use palaestra_envs::bandits::{ArmCaps, Instance};

use crate::bandits::planning::PlanError;

const PLANNER: &str = "block_oracle";

/// Largest size of an oracle that planners accept: pairs of states and choices, over all rounds of the block.
pub const MAX_ORACLE_SIZE: u64 = 4_000_000;

/// Scores closer than this are ties: what is left of sums that are equal but for rounding.
const TIE: f64 = 1e-12;

/// Finds the best block of a fixed length for tables of payoffs (or of a learner's indices) over (arm, state).
///
/// What may happen in a block does not depend on the payoffs, so the states of the block and their successors are laid
/// out once. Each search then costs one look at each pair of a state and a choice ([`Self::size`]).
///
/// Within the block an arm is *untouched* until its first play. After it, its state follows from the block alone,
/// except in a run of plays that began in the very first round: there it is unknown until the run is longer than `C`.
#[derive(Debug, Clone)]
pub struct BlockOracle {
    prefix: Vec<Vec<usize>>,
    layout: Layout,
    choices: Vec<Vec<usize>>,
    rounds: Vec<Layer>,
    size: u64,
}

/// The states that are possible before one round of the block.
#[derive(Debug, Clone)]
struct Layer {
    /// Codes of the arms, `[states, N]`.
    codes: Vec<u32>,
    /// Index of the next round's state for each choice, `[states, choices]`; empty in the last round.
    next: Vec<u32>,
}

impl BlockOracle {
    /// The oracle for blocks of `length` rounds with the arms, caps and plays of `instance`; its payoffs do not matter.
    ///
    /// # Errors
    /// [`PlanError::TooLarge`] if the size would be above `limit`, [`PlanError::Unsuitable`] for length 0.
    pub fn new(instance: &Instance, length: usize, limit: u64) -> Result<Self, PlanError> {
        Self::calibrated(instance, &[], length, limit)
    }

    /// The oracle for blocks that begin with the rounds `prefix`, followed by `length` free rounds.
    ///
    /// # Errors
    /// As [`Self::new`].
    ///
    /// # Panics
    /// If the prefix plays arms that do not exist.
    pub fn calibrated(
        instance: &Instance,
        prefix: &[Vec<usize>],
        length: usize,
        limit: u64,
    ) -> Result<Self, PlanError> {
        if length == 0 {
            return Err(super::empty(PLANNER));
        }
        let choices = choices(PLANNER, instance)?;
        let layout = Layout::new(instance);
        let mut first = vec![UNTOUCHED; layout.arms()];
        for (position, choice) in prefix.iter().enumerate() {
            layout.step(&mut first, choice, position == 0);
        }
        let mut rounds = Vec::with_capacity(length);
        let mut size = 0;
        let mut codes = first;
        for position in prefix.len()..prefix.len() + length {
            let states = codes.len() / layout.arms();
            size += (states * choices.len()) as u64;
            if size > limit {
                return Err(too_large(size, limit));
            }
            let mut layer = Layer {
                codes,
                next: Vec::new(),
            };
            codes = Vec::new();
            if position + 1 < prefix.len() + length {
                // Looked up only, never iterated: the order of states is that of discovery.
                let mut known: HashMap<Box<[u32]>, u32> = HashMap::new();
                let mut next = vec![UNTOUCHED; layout.arms()];
                for state in layer.codes.chunks_exact(layout.arms()) {
                    for choice in &choices {
                        next.copy_from_slice(state);
                        layout.step(&mut next, choice, position == 0);
                        let fresh = known.len() as u32;
                        let index = known.get(next.as_slice()).copied().unwrap_or(fresh);
                        if index == fresh {
                            codes.extend_from_slice(&next);
                            known.insert(Box::from(next.as_slice()), fresh);
                        }
                        layer.next.push(index);
                    }
                    // Most blocks that are too long show it long before the round is laid out.
                    let so_far = size + (known.len() * choices.len()) as u64;
                    if so_far > limit {
                        return Err(too_large(so_far, limit));
                    }
                }
            }
            rounds.push(layer);
        }
        Ok(Self {
            prefix: prefix.to_vec(),
            layout,
            choices,
            rounds,
            size,
        })
    }

    /// Rounds of a block, its prefix included.
    pub fn length(&self) -> usize {
        self.prefix.len() + self.rounds.len()
    }

    /// Pairs of a state and a choice that one search looks at.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The sets of arms that may be played in a round: the larger ones first, then in lexicographic order.
    pub fn choices(&self) -> &[Vec<usize>] {
        &self.choices
    }

    /// Replaces `block` by the best block whatever the states before it: a play counts `table.mean(arm, state)` if its
    /// state follows from the block alone, else 0. Returns the score. `table` has the arms of the oracle's instance.
    ///
    /// Ties go to the larger score of the present round, then to the choice that comes first.
    pub fn isi(&self, table: &Instance, block: &mut Vec<Vec<usize>>) -> f64 {
        self.solve(&self.layout.known(table, None), |_, _| 0.0, block)
    }

    /// Replaces `block` by the best block from the states `tau`: every play counts `table.mean(arm, state)`. Returns
    /// the score of the rounds after the prefix.
    ///
    /// Ties as for [`Self::isi`].
    pub fn from_states(&self, table: &Instance, tau: &[i16], block: &mut Vec<Vec<usize>>) -> f64 {
        // The state of an arm that idles from the start of the block on, `[rounds, N]`.
        let mut idle: Vec<Vec<i16>> = vec![tau.to_vec()];
        for position in 1..self.length() {
            let mut next = idle[position - 1].clone();
            table.idle_row(&mut next);
            idle.push(next);
        }
        self.solve(
            &self.layout.known(table, Some(tau)),
            |position, arm| table.mean(arm, idle[position][arm]),
            block,
        )
    }

    /// `known`: the score of each (arm, code), `first(position, arm)`: that of a first play in the block.
    fn solve(
        &self,
        known: &[f64],
        first: impl Fn(usize, usize) -> f64,
        block: &mut Vec<Vec<usize>>,
    ) -> f64 {
        let n = self.layout.arms();
        let score = |position: usize, codes: &[u32], choice: &[usize]| -> f64 {
            let of_arm = |&arm: &usize| match codes[arm] {
                UNTOUCHED => first(self.prefix.len() + position, arm),
                code => known[self.layout.offsets[arm] + code as usize],
            };
            choice.iter().map(of_arm).sum()
        };
        // The score of each choice in each state and all that is best after it, from the last round to the first.
        let mut after: Vec<Vec<f64>> = vec![Vec::new(); self.rounds.len() + 1];
        for (position, layer) in self.rounds.iter().enumerate().rev() {
            let later = &after[position + 1];
            let states = layer.codes.chunks_exact(n).enumerate();
            let best = states.map(|(state, codes)| {
                let values = self.choices.iter().enumerate().map(|(c, choice)| {
                    let next = layer.next.get(state * self.choices.len() + c);
                    score(position, codes, choice) + next.map_or(0.0, |&next| later[next as usize])
                });
                values.fold(f64::NEG_INFINITY, f64::max)
            });
            after[position] = best.collect();
        }
        block.clear();
        block.extend_from_slice(&self.prefix);
        let mut state = 0;
        for (position, layer) in self.rounds.iter().enumerate() {
            let codes = &layer.codes[state * n..(state + 1) * n];
            let goal = after[position][state];
            let (mut best, mut now) = (None, f64::NEG_INFINITY);
            for (c, choice) in self.choices.iter().enumerate() {
                let paid = score(position, codes, choice);
                let next = layer.next.get(state * self.choices.len() + c).copied();
                let total = paid + next.map_or(0.0, |next| after[position + 1][next as usize]);
                let tie = TIE * (1.0 + goal.abs());
                if total >= goal - tie && paid > now + tie {
                    (best, now) = (Some((choice, next)), paid);
                }
            }
            let Some((choice, next)) = best else {
                break; // Only scores that are not numbers leave nothing to choose.
            };
            block.push(choice.clone());
            state = next.map_or(0, |next| next as usize);
        }
        after[0].first().copied().unwrap_or(0.0)
    }
}

fn too_large(size: u64, limit: u64) -> PlanError {
    PlanError::TooLarge {
        planner: PLANNER,
        what: "pairs of a state and a choice within the block",
        size,
        limit,
        help: "take a shorter block",
    }
}

/// Code of an arm that has not been played in the block.
const UNTOUCHED: u32 = 0;

/// How what is known of an arm within a block is written as a number: 0 if it is untouched; `j` in `1..C` after `j`
/// plays in a row from the first round on; then the states `−C … −1, 1 … D`.
#[derive(Debug, Clone)]
struct Layout {
    caps: Vec<ArmCaps>,
    /// Where each arm's codes start in a table, `[N + 1]`.
    offsets: Vec<usize>,
}

impl Layout {
    fn new(instance: &Instance) -> Self {
        let caps: Vec<ArmCaps> = (0..instance.num_arms()).map(|a| instance.caps(a)).collect();
        let mut offsets = vec![0];
        for caps in &caps {
            let end = offsets[offsets.len() - 1] + Self::code(*caps, caps.idle) as usize + 1;
            offsets.push(end);
        }
        Self { caps, offsets }
    }

    fn arms(&self) -> usize {
        self.caps.len()
    }

    /// Code of a known state: `−C` follows the `C − 1` runs of unknown length, and there is no state 0.
    fn code(caps: ArmCaps, tau: i16) -> u32 {
        let distance = i32::from(tau) + i32::from(caps.played) - i32::from(tau > 0);
        (i32::from(caps.played) + distance) as u32
    }

    /// Moves the codes of all arms by a round in which the arms of `choice` are played.
    fn step(&self, codes: &mut [u32], choice: &[usize], first_round: bool) {
        for (arm, (code, &caps)) in codes.iter_mut().zip(&self.caps).enumerate() {
            let full = caps.played as u32;
            let run = *code < full;
            *code = if choice.contains(&arm) {
                match *code {
                    UNTOUCHED if first_round => 1, // For C = 1 this is the code of −1.
                    UNTOUCHED => Self::code(caps, -1),
                    run_length if run => run_length + 1,
                    code => Self::code(caps, caps.play(Self::state(caps, code))),
                }
            } else {
                match *code {
                    UNTOUCHED => UNTOUCHED,
                    _ if run => Self::code(caps, 1),
                    code => Self::code(caps, caps.idle(Self::state(caps, code))),
                }
            };
        }
    }

    /// The inverse of [`Self::code`].
    fn state(caps: ArmCaps, code: u32) -> i16 {
        let distance = code as i32 - 2 * i32::from(caps.played);
        (distance + i32::from(distance >= 0)) as i16
    }

    /// The score of each (arm, code) from that of each (arm, state). A run that began in the first round counts as what
    /// it is from the states `tau` before the block, or 0 if they are not known.
    fn known(&self, table: &Instance, tau: Option<&[i16]>) -> Vec<f64> {
        let mut known = vec![0.0; self.offsets[self.arms()]];
        for (arm, &caps) in self.caps.iter().enumerate() {
            let own = &mut known[self.offsets[arm]..self.offsets[arm + 1]];
            for tau in caps.states() {
                own[Self::code(caps, tau) as usize] = table.mean(arm, tau);
            }
            if let Some(tau) = tau {
                let mut state = tau[arm];
                for run in 1..caps.played {
                    state = caps.play(state);
                    own[run as usize] = table.mean(arm, state);
                }
            }
        }
        known
    }
}

/// The sets of arms that `instance` allows to be played: the larger ones first, then in lexicographic order.
pub(super) fn choices(
    planner: &'static str,
    instance: &Instance,
) -> Result<Vec<Vec<usize>>, PlanError> {
    const LIMIT: u64 = 100_000;
    let (n, k) = (instance.num_arms(), instance.plays());
    let fewest = if instance.exact() { k } else { 0 };
    let of_size = |size: usize| {
        (0..size as u64).fold(1_u64, |ways, i| {
            ways.saturating_mul(n as u64 - i) / (i + 1) // Exact: a product of i + 1 successive numbers.
        })
    };
    let count = (fewest..=k).map(of_size).fold(0, u64::saturating_add);
    if count > LIMIT {
        return Err(PlanError::TooLarge {
            planner,
            what: "sets of arms",
            size: count,
            limit: LIMIT,
            help: "plan for fewer plays a round",
        });
    }
    let mut choices = Vec::with_capacity(count as usize);
    for size in (fewest..=k).rev() {
        let mut choice: Vec<usize> = (0..size).collect();
        loop {
            choices.push(choice.clone());
            let Some(i) = (0..size).rposition(|i| choice[i] < n - size + i) else {
                break;
            };
            choice[i] += 1;
            for j in i + 1..size {
                choice[j] = choice[j - 1] + 1;
            }
        }
    }
    Ok(choices)
}
