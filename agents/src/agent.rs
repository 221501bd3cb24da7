//! The trait of everything that decides.

use std::sync::Arc;

use palaestra_envs::{
    sim::{ActView, Border, EnvSpec, PlayerBorder, PlayerSpec, Selection},
    space::Columns,
};

use crate::{AgentError, Pending};

/// Whether an agent is to learn and explore, or to show what it has learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Explore and learn.
    #[default]
    Train,
    /// Act as well as known; learn nothing.
    Evaluate,
}

/// What an agent is built for.
#[derive(Debug, Clone)]
pub struct AgentContext {
    /// The environment with its wrappers.
    pub env: Arc<EnvSpec>,
    /// The players it plays, whose spaces are equal.
    pub players: Vec<usize>,
    /// Rows of the batch.
    pub rows: usize,
    /// Seed of all its randomness.
    pub seed: u64,
    /// Environment steps it will be trained for, over all rows; 0 if it only plays what it has learned.
    pub total_steps: u64,
}

impl AgentContext {
    /// The spec of its (first) player.
    pub fn player(&self) -> &PlayerSpec {
        &self.env.players[self.players[0]]
    }

    /// Number of (player, row) pairs. State per seat is laid out `[players, rows]`: the seat of the agent's
    /// `k`-th player in row `row` is `k * rows + row`.
    pub fn seats(&self) -> usize {
        self.players.len() * self.rows
    }

    /// The seat of player `player` in row 0.
    ///
    /// # Panics
    /// If the agent does not play that player.
    pub fn first_seat(&self, player: usize) -> usize {
        let position = self.players.iter().position(|&p| p == player);
        position.expect("an agent is shown only players it plays") * self.rows
    }

    /// Horizon of one episode in steps, if it has a limit.
    pub fn horizon(&self) -> Option<u64> {
        self.env.max_episode_steps.map(u64::from)
    }
}

/// What happened in the step just made, for one player.
#[derive(Debug, Clone, Copy)]
pub struct StepView<'a> {
    /// Index of the player.
    pub player: usize,
    /// The rows that were stepped.
    pub rows: &'a Selection,
    /// All buffers. Under same-step autoreset, the observation of a row that ended is already the next
    /// episode's first; [`Border::next_observation`] gives the true one.
    pub border: &'a Border,
}

impl<'a> StepView<'a> {
    /// The player's buffers.
    #[inline]
    pub fn own(&self) -> &'a PlayerBorder {
        self.border.player(self.player)
    }

    /// Whether row `row`'s episode ended.
    #[inline]
    pub fn ended(&self, row: usize) -> bool {
        self.border.ended(row)
    }
}

/// Something that decides, for one or more players in all rows of a batch.
///
/// The order of calls: [`act`](Self::act) for each of its players, a step of the simulator,
/// [`observe`](Self::observe) for each of its players, and so on. Rows in which a player is not to act
/// (`view.acting`) may be left alone.
pub trait Agent: Send {
    /// Chooses actions for the rows of `rows` in which the player is to act and writes them to `actions`.
    ///
    /// # Errors
    /// Whatever keeps the agent from answering.
    fn act(
        &mut self,
        view: &ActView<'_>,
        rows: &Selection,
        actions: &mut Columns,
    ) -> Result<(), AgentError>;

    /// Whether rows may have to wait for its answers, as they do for people and for models behind an endpoint. In a run
    /// with such an agent all agents are [polled](Self::poll), and rows are stepped as soon as they can be: the other
    /// agents act and observe in some of the rows at a time.
    fn is_slow(&self) -> bool {
        false
    }

    /// As [`act`](Self::act), but without waiting: what is not answered yet is marked in `pending`, which is empty before.
    /// The agent is polled again, with an unchanged view, for the rows that were pending and for those that were
    /// stepped meanwhile; it may be polled at any time, and should be when the [bell](Pending::bell) has rung. Questions that
    /// are open when a state is [loaded](Self::load) are void: their rows are asked about again.
    ///
    /// # Errors
    /// As [`act`](Self::act).
    fn poll(
        &mut self,
        view: &ActView<'_>,
        rows: &Selection,
        actions: &mut Columns,
        pending: &mut Pending,
    ) -> Result<(), AgentError> {
        let _ = pending;
        self.act(view, rows, actions)
    }

    /// Sees the step just made.
    ///
    /// # Errors
    /// Whatever keeps the agent from learning.
    fn observe(&mut self, view: &StepView<'_>) -> Result<(), AgentError> {
        let _ = view;
        Ok(())
    }

    /// Switches between training and evaluation.
    fn set_mode(&mut self, mode: Mode) {
        let _ = mode;
    }

    /// Reports its own metrics (`losses/value_loss`, …) since the last call.
    fn metrics(&mut self, record: &mut dyn FnMut(&str, f64)) {
        let _ = record;
    }

    /// Whether it has left for good. An evaluation ends with the episode in which an agent does.
    fn has_left(&self) -> bool {
        false
    }

    /// Its whole state: what it has learned, its counters and its randomness.
    ///
    /// # Errors
    /// If the state cannot be had.
    fn save(&mut self) -> Result<Vec<u8>, AgentError>;

    /// Takes up a saved state; the agent was built from the same context and arguments.
    ///
    /// # Errors
    /// [`AgentError::State`] if it does not fit.
    fn load(&mut self, state: &[u8]) -> Result<(), AgentError>;

    /// Takes up what was learned from the state of an agent with the same arguments that was built for other rows or
    /// players; what belongs to single rows starts anew.
    ///
    /// # Errors
    /// [`AgentError::State`] if it does not fit.
    fn adopt(&mut self, state: &[u8]) -> Result<(), AgentError> {
        self.load(state)
    }

    /// Called once when the run is over.
    ///
    /// # Errors
    /// If something outside this process does not end well.
    fn finish(&mut self) -> Result<(), AgentError> {
        Ok(())
    }
}
