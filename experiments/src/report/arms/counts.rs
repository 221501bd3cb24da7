//! What was played in which state, round by round.

use palaestra_envs::{
    bandits::{Instance, policy::greedy_choice},
    space::{ColumnData, Columns},
};

/// Rounds by state of one arm, for as many states as occurred.
#[derive(Debug, Clone, Default)]
pub(super) struct PerState {
    /// By the number of plays in a row.
    played: Vec<u64>,
    /// By the number of idle rounds.
    idle: Vec<u64>,
}

impl PerState {
    fn add(&mut self, state: i16) {
        let side = if state < 0 {
            &mut self.played
        } else {
            &mut self.idle
        };
        let place = usize::from(state.unsigned_abs());
        if place >= side.len() {
            side.resize(place + 1, 0);
        }
        side[place] += 1;
    }

    pub(super) fn get(&self, state: i16) -> u64 {
        let side = if state < 0 { &self.played } else { &self.idle };
        let place = usize::from(state.unsigned_abs());
        side.get(place).copied().unwrap_or(0)
    }

    fn total(&self) -> u64 {
        self.played.iter().chain(&self.idle).sum()
    }
}

/// What was played in which state.
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) rounds: u64,
    pub(super) visits: Vec<PerState>,
    pub(super) plays: Vec<PerState>,
    /// What the best arms of each moment would have paid more than those played, in the mean.
    pub(super) myopic_regret: f64,
}

impl Counts {
    pub(super) fn new(arms: usize) -> Self {
        Self {
            rounds: 0,
            visits: vec![PerState::default(); arms],
            plays: vec![PerState::default(); arms],
            myopic_regret: 0.0,
        }
    }

    /// Adds an episode that starts in `states`.
    pub(super) fn add(&mut self, instance: &Instance, states: Vec<i16>, actions: &Columns) {
        let mut greedy = Vec::new();
        walk(instance, states, actions, |_, states, plays| {
            self.rounds += 1;
            greedy_choice(instance, states, &mut greedy);
            let mean = |arm: &usize| instance.mean(*arm, states[*arm]);
            self.myopic_regret += greedy.iter().map(mean).sum::<f64>();
            for (arm, state) in states.iter().enumerate() {
                self.visits[arm].add(*state);
                if plays(arm) {
                    self.plays[arm].add(*state);
                    self.myopic_regret -= mean(&arm);
                }
            }
        });
    }

    pub(super) fn pulls(&self) -> Vec<u64> {
        self.plays.iter().map(PerState::total).collect()
    }

    /// The states that occurred, ascending.
    pub(super) fn states(&self) -> Vec<i16> {
        let longest = |side: fn(&PerState) -> &Vec<u64>| {
            let lengths = self.visits.iter().map(|arm| side(arm).len());
            lengths.max().unwrap_or(0) as i16
        };
        let played = (1..longest(|arm| &arm.played)).rev().map(|n| -n);
        let all = played.chain(1..longest(|arm| &arm.idle));
        all.filter(|state| self.visits.iter().any(|arm| arm.get(*state) > 0))
            .collect()
    }
}

/// Calls `each(round, states, plays)` for every round of an episode that starts in `states`, with the states before the
/// round and which arms are played in it.
pub(super) fn walk(
    instance: &Instance,
    mut states: Vec<i16>,
    actions: &Columns,
    mut each: impl FnMut(usize, &[i16], &dyn Fn(usize) -> bool),
) {
    let Some(field) = actions.fields().first() else {
        return;
    };
    for round in 0..actions.rows() {
        let plays = |arm: usize| match &field.data {
            // One arm, or one beyond the last for none.
            ColumnData::I32(chosen) => usize::try_from(chosen[round]) == Ok(arm),
            ColumnData::U8(flags) => flags[round * field.width + arm] != 0,
            _ => false,
        };
        each(round, &states, &plays);
        instance.play_row(&mut states, plays, |_, _| ());
    }
}

/// `[arm][round]`: the mean payoff of each play in the last `rounds` rounds of an episode, nothing where there is none.
pub(super) fn last_plays(
    instance: &Instance,
    start: Vec<i16>,
    actions: &Columns,
    rounds: usize,
) -> Vec<Vec<Option<f64>>> {
    let first = actions.rows().saturating_sub(rounds);
    let mut payoffs = vec![Vec::new(); instance.num_arms()];
    walk(instance, start, actions, |round, states, plays| {
        if round >= first {
            for (arm, payoffs) in payoffs.iter_mut().enumerate() {
                payoffs.push(plays(arm).then(|| instance.mean(arm, states[arm])));
            }
        }
    });
    payoffs
}

#[cfg(test)]
mod tests {
    use palaestra_envs::{bandits::LsdBanditArgs, space::Column};
    use serde_json::json;

    use super::*;

    fn actions(data: ColumnData, rows: usize, width: usize) -> Columns {
        let name = String::new();
        Columns::new(rows, vec![Column { name, width, data }])
    }

    fn step2() -> Instance {
        let args: LsdBanditArgs = serde_json::from_value(json!({ "preset": "step2" })).unwrap();
        args.instance().unwrap()
    }

    #[test]
    fn states_follow_from_the_plays() {
        // `step2`: arm 0 is stationary (one state each side), arm 1 tells two delays apart; both start just played.
        let mut counts = Counts::new(2);
        let plays = actions(ColumnData::I32(vec![0, 0, 1, 1].into()), 4, 1);
        counts.add(&step2(), vec![-1, -1], &plays);
        assert_eq!((counts.rounds, counts.pulls()), (4, vec![2, 2]));
        assert_eq!(counts.states(), [-1, 1]);
        // Arm 1: just played, idle, idle, then played once.
        let arm = |state| (counts.visits[1].get(state), counts.plays[1].get(state));
        assert_eq!([arm(-1), arm(1)], [(2, 1), (2, 1)]);
    }

    #[test]
    fn several_plays_and_none() {
        let mut counts = Counts::new(2);
        let plays = actions(ColumnData::U8(vec![1, 1, 0, 0, 0, 1].into()), 3, 2);
        counts.add(&step2(), vec![-1, -1], &plays);
        assert_eq!(counts.pulls(), [1, 2]);
        let idle = actions(ColumnData::I32(vec![2, 2].into()), 2, 1);
        counts.add(&step2(), vec![-1, -1], &idle);
        assert_eq!((counts.pulls(), counts.rounds), (vec![1, 2], 5));
    }

    #[test]
    fn the_last_plays_have_their_payoffs_and_regret_is_against_the_moment() {
        let plays = actions(ColumnData::I32(vec![0, 0, 1, 1].into()), 4, 1);
        let payoffs = last_plays(&step2(), vec![-1, -1], &plays, 3);
        // Arm 0 pays 0.05; arm 1 has rested for two rounds, then for none.
        let none = None;
        assert_eq!(payoffs[0], [Some(0.05), none, none]);
        assert_eq!(payoffs[1], [none, Some(0.95), Some(0.06)]);
        let mut counts = Counts::new(2);
        counts.add(&step2(), vec![-1, -1], &plays);
        // Arm 1 would have paid 0.06, then 0.95, 0.95, 0.06.
        assert!((counts.myopic_regret - (0.01 + 0.9)).abs() < 1e-12);
    }
}
