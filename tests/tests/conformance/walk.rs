//! A small sound environment that uses everything the suite checks (two players in turn, masks, chance, info, a
//! picture), and the places where it can be made faulty.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use palaestra_envs::{
    EnvError,
    sim::{BatchEnvironment, BatchRows, Border, EnvSpec, InfoField, InfoKind, PlayerSpec, Turns},
    space::Space,
    state_columns,
};

/// What is wrong with the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    // What it says of itself.
    PlayersShareAName,
    CallsItselfDeterministic,
    CallsItselfStochastic,
    // What it shows.
    ObservationTooLarge,
    ObservationIsNan,
    FinalObservationTooLarge,
    RewardTooLarge,
    RewardIsInfinite,
    InfoTooLarge,
    MaskIsEmpty,
    NobodyActs,
    BothFlags,
    // Where its numbers come from.
    CountsOverAllSimulators,
    DependsOnTheRow,
    RepeatsTheFirstEpisode,
    ForgetsToReset,
    BlanksWhatFollowsTermination,
    FirstObservationShowsTheAction,
    ShowsMoreWhenAskedForInfo,
    // What it does to the simulator.
    HoldsBackTheClock,
    WritesAllRowsOnReset,
    WritesAllRowsOnStep,
    KeepsStateUnsaved,
    CountsSaves,
    CountsPictures,
    Panics,
}

state_columns! {
    /// State of the walk.
    pub(crate) struct WalkState / WalkSlices {
        /// Where the walker stands, -6 to 6.
        position: Position(i32),
        /// Turns taken; parity says whose it is.
        turn: Turn(u32),
        /// Largest position so far.
        furthest: Furthest(i32),
    }
}

/// Two players in turn push a walker left (0), not at all (1; only on even places) or right (2); chance pushes it
/// right now and then. The game ends at -5 or 5; the first player is paid the position, the second its negative.
#[derive(Debug, Clone)]
pub(crate) struct Walk {
    pub(crate) fault: Fault,
    pub(crate) counter: Arc<AtomicU32>,
}

const END: i32 = 5;

impl Walk {
    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    /// Word `word` of the row's randomness at `turn`, 0 to 3.
    fn chance(&self, rows: &BatchRows<'_>, row: usize, turn: u32, word: usize) -> u32 {
        let block = match self.fault {
            Fault::CallsItselfStochastic => [turn; 4],
            Fault::CountsOverAllSimulators => [self.counter.fetch_add(1, Ordering::Relaxed); 4],
            Fault::DependsOnTheRow => [row as u32 + turn; 4],
            Fault::RepeatsTheFirstEpisode => {
                rows.lanes.key(rows.stream, row).block(0, u64::from(turn))
            }
            _ => rows.random_block(row, u64::from(turn)),
        };
        block[word]
    }
}

impl BatchEnvironment for Walk {
    type State = WalkState;

    fn spec(&self) -> EnvSpec {
        let seen = Space::vector(2, -6.0, 6.0);
        let player = |name| PlayerSpec {
            action_mask: true,
            ..PlayerSpec::new(name, seen.clone(), Space::discrete(3))
        };
        let second = if self.has(Fault::PlayersShareAName) {
            "first"
        } else {
            "second"
        };
        let field = |name: &str, kind| InfoField {
            name: name.into(),
            space: Space::vector(1, -6.0, 6.0),
            kind,
            summary: String::new(),
        };
        EnvSpec {
            players: vec![player("first"), player(second)],
            turns: Turns::Changing,
            reward_range: (-6.0, 6.0),
            stochastic: !self.has(Fault::CallsItselfDeterministic),
            info: vec![
                field("push", InfoKind::Sum),
                field("privileged.position", InfoKind::State),
            ],
            ..EnvSpec::single("walk-v1", "A walk.", seen.clone(), Space::discrete(3))
        }
    }

    fn reset(&self, state: WalkSlices<'_>, rows: &mut BatchRows<'_>) -> Result<(), EnvError> {
        for (i, row) in rows.range.clone().enumerate() {
            let start = self.chance(rows, row, 0, 0) % 5;
            state.position[i].0 = start as i32 - 2;
            state.turn[i].0 = 0;
            if !self.has(Fault::ForgetsToReset) {
                state.furthest[i].0 = state.position[i].0;
            }
        }
        if self.has(Fault::WritesAllRowsOnReset) {
            let player = rows.border.player_mut(1);
            player.env_observation_mut().f32_mut(0).fill(0.0);
        }
        Ok(())
    }

    fn step(&self, state: WalkSlices<'_>, rows: &mut BatchRows<'_>) {
        let push_column = rows.border.info.index_of("push");
        for (i, row) in rows.range.clone().enumerate() {
            let turn = state.turn[i].0;
            assert!(!self.has(Fault::Panics) || turn < 3, "the walker stumbles");
            let action = rows.border.player((turn % 2) as usize).env_action().i32(0)[row];
            let slip = i32::from(self.chance(rows, row, turn, 1).is_multiple_of(4));
            let position = (state.position[i].0 + action - 1 + slip).min(6);
            state.position[i].0 = position;
            state.turn[i].0 = turn + 1;
            state.furthest[i].0 = state.furthest[i].0.max(position);
            let mut reward = position as f32;
            match self.fault {
                Fault::RewardTooLarge if position == 3 => reward = 7.0,
                Fault::RewardIsInfinite if position == 3 => reward = f32::INFINITY,
                _ => {}
            }
            let border = &mut *rows.border;
            border.player_mut(0).reward[row] = reward;
            border.player_mut(1).reward[row] = -reward;
            border.terminated[row] = position.abs() >= END;
            if let Some(column) = push_column {
                border.info.f32_mut(column)[row] = (action - 1) as f32;
            }
        }
        if self.has(Fault::WritesAllRowsOnStep) {
            let last = rows.border.rows() - 1;
            rows.border.player_mut(0).reward.swap(0, last);
            rows.border.player_mut(0).reward.fill(1.0);
        }
    }

    fn observe(&self, state: WalkSlices<'_>, rows: &mut BatchRows<'_>) {
        let border = &mut *rows.border;
        let position_column = border.info.index_of("privileged.position");
        for (i, row) in rows.range.clone().enumerate() {
            let (position, turn) = (state.position[i].0, state.turn[i].0);
            let mut shown = [position as f32, state.furthest[i].0 as f32];
            let ends = border.terminated[row];
            match self.fault {
                Fault::ObservationTooLarge if position == 2 => shown[0] = 6.5,
                Fault::ObservationIsNan if turn == 3 => shown[1] = f32::NAN,
                Fault::FinalObservationTooLarge if position.abs() >= END => shown[0] = 100.0,
                Fault::BlanksWhatFollowsTermination if ends => shown = [0.0; 2],
                Fault::ShowsMoreWhenAskedForInfo if position_column.is_some() => shown[1] = -6.0,
                Fault::FirstObservationShowsTheAction if turn == 0 => {
                    shown[1] = border.player(0).env_action().i32(0)[row] as f32;
                }
                _ => {}
            }
            for index in 0..2 {
                let p = border.player_mut(index);
                p.env_observation_mut().f32_mut(0)[2 * row..2 * row + 2].copy_from_slice(&shown);
                let silent = self.has(Fault::NobodyActs) && turn == 2;
                p.acting[row] = turn % 2 == index as u32 && !silent;
                let even = u8::from(position % 2 == 0);
                p.mask_row_mut(row).copy_from_slice(&[1, even, 1]);
                if self.has(Fault::MaskIsEmpty) && position == 1 {
                    p.mask_row_mut(row).fill(0);
                }
            }
            if let Some(column) = position_column {
                let told = if self.has(Fault::InfoTooLarge) && turn == 4 {
                    60.0
                } else {
                    position as f32
                };
                border.info.f32_mut(column)[row] = told;
            }
        }
    }

    fn render(&self, border: &Border, row: usize) -> Option<String> {
        let position = border.player(0).env_observation().f32(0)[2 * row];
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        let seen = self.has(Fault::CountsPictures).then_some(count);
        Some(format!("at {position} {seen:?}"))
    }
}
