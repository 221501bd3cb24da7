//! What the arms of an environment are, and how plays reach its action space and come back.

use palaestra_envs::{
    sim::{InfoField, PlayerBorder, PlayerSpec},
    space::{Column, ColumnData, Columns, Space},
};

use crate::{AgentContext, AgentError};

/// Info field with the payoff of every played arm, `[arms]`, NaN where an arm was not played.
pub const PAYOFFS: &str = "payoffs";
/// Info field with the mean payoff of every arm in the present state, `[arms]`.
pub const MEANS: &str = "privileged.means";
/// Info field with the state of every arm, `[arms]`. Where it follows from the plays alone (LSD bandits), it tells a
/// learner nothing that it could not keep track of itself.
pub const STATES: &str = "privileged.state";

/// A played arm and what it paid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Play {
    /// Index of the arm.
    pub arm: usize,
    /// Its payoff; learners see it [scaled](super::PayoffScale).
    pub payoff: f64,
}

/// The arms behind an action space.
///
/// * `Discrete(n)`: every value is an arm, one is played. If the environment has a field [`PAYOFFS`] or [`MEANS`]
///   for `n - 1` arms, the last value means "play nothing" and is no arm: it is chosen only where no arm may be
///   played, or by a policy that would rather not play.
/// * `MultiBinary(n)`: every bit is an arm, at most `max_ones` are played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arms {
    count: usize,
    plays: usize,
    fewest: usize,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// An integer: `start + arm`, or `start + count` to idle.
    Choice { start: i32 },
    /// A bit for each arm.
    Bits,
}

impl Arms {
    /// The arms of the context's players.
    ///
    /// # Errors
    /// [`AgentError::Unsupported`] if the action space is of another kind or has nothing to play.
    pub fn new(agent: &str, context: &AgentContext) -> Result<Self, AgentError> {
        let unsupported = |reason: &str| AgentError::Unsupported {
            agent: agent.into(),
            env: context.env.id.clone(),
            reason: reason.into(),
        };
        match context.player().action {
            Space::Discrete { n, start } if n > 0 => {
                let tells = |field: &InfoField| {
                    (field.name == PAYOFFS || field.name == MEANS) && field.space.width() + 1 == n
                };
                let idles = n > 1 && context.env.info.iter().any(tells);
                Ok(Self {
                    count: n - usize::from(idles),
                    plays: 1,
                    fewest: usize::from(!idles),
                    form: Form::Choice { start },
                })
            }
            Space::MultiBinary {
                n,
                min_ones,
                max_ones,
            } if max_ones.min(n) > 0 => Ok(Self {
                count: n,
                plays: max_ones.min(n),
                fewest: min_ones,
                form: Form::Bits,
            }),
            _ => Err(unsupported(
                "a bandit policy needs a Discrete action space, or a MultiBinary one with max_ones above 0",
            )),
        }
    }

    /// As many plays of `count` arms: of the pairs of an arm and its state, of which each arm offers one at a time.
    pub(super) fn with_count(&self, count: usize) -> Self {
        Self {
            count,
            ..self.clone()
        }
    }

    /// `N`: number of arms.
    pub fn count(&self) -> usize {
        self.count
    }

    /// `k`: the most arms that may be played at once, at least 1.
    pub fn plays(&self) -> usize {
        self.plays
    }

    /// Whether the payoff of every played arm must be told apart, because several are played at once.
    pub fn several(player: &PlayerSpec) -> bool {
        matches!(player.action, Space::MultiBinary { max_ones, .. } if max_ones > 1)
    }

    /// The flags of `mask` that concern arms; empty without a mask.
    #[inline]
    pub fn mask<'a>(&self, mask: &'a [u8]) -> &'a [u8] {
        &mask[..mask.len().min(self.count)]
    }

    /// Replaces `chosen` by the arms with the largest `index`, best first, ties to the lowest arm: as many as may
    /// be played, of those that `mask` (empty: all) allows. Arms with index `-inf` (or NaN) are left out unless
    /// too few others are allowed. Whether the choice is legal.
    #[inline]
    pub fn choose(&self, index: &[f64], mask: &[u8], chosen: &mut Vec<usize>) -> bool {
        chosen.clear();
        if self.plays == 1 && mask.is_empty() {
            // The common case by itself, because it is the inner loop of every learner.
            let (mut best, mut arm) = (f64::NEG_INFINITY, None);
            for (i, &value) in index.iter().enumerate() {
                if value > best {
                    (best, arm) = (value, Some(i));
                }
            }
            chosen.extend(arm.or((self.fewest > 0).then_some(0)));
            return true;
        }
        for (arm, &value) in index.iter().enumerate() {
            if !mask.is_empty() && mask[arm] == 0 {
                continue;
            }
            // Behind all that are as good: an earlier arm wins a tie.
            let better = |other: &usize| index[*other] >= value || value.is_nan();
            let rank = chosen.partition_point(better);
            if rank < self.plays {
                chosen.truncate(self.plays - 1);
                chosen.insert(rank, arm);
            }
        }
        let wanted = |arm: &usize| index[*arm] > f64::NEG_INFINITY;
        while chosen.len() > self.fewest && !chosen.last().is_some_and(wanted) {
            chosen.pop();
        }
        chosen.len() >= self.fewest
    }

    /// Writes the chosen arms into row `row` of `actions`.
    #[inline]
    pub fn write(&self, chosen: &[usize], actions: &mut Columns, row: usize) {
        match self.form {
            Form::Choice { start } => {
                let arm = chosen.first().copied().unwrap_or(self.count);
                actions.i32_mut(0)[row] = start + arm as i32;
            }
            Form::Bits => {
                let bits = &mut actions.u8_mut(0)[row * self.count..(row + 1) * self.count];
                bits.fill(0);
                chosen.iter().for_each(|&arm| bits[arm] = 1);
            }
        }
    }

    /// Replaces `plays` by what was played in row `row` in the last step.
    ///
    /// One play: its payoff is the reward. Several: their payoffs are told by `payoffs`, the environment's field
    /// of that name (`[rows, arms]`); without it the reward is shared equally among them.
    #[inline]
    pub fn read(
        &self,
        own: &PlayerBorder,
        payoffs: Option<&[f64]>,
        row: usize,
        plays: &mut Vec<Play>,
    ) {
        plays.clear();
        let reward = f64::from(own.reward[row]);
        match self.form {
            Form::Choice { start } => {
                let arm = (own.action().i32(0)[row] - start) as usize;
                if arm < self.count {
                    plays.push(Play {
                        arm,
                        payoff: reward,
                    });
                }
            }
            Form::Bits => {
                let range = row * self.count..(row + 1) * self.count;
                if let Some(payoffs) = payoffs {
                    let told = payoffs[range].iter().enumerate();
                    plays.extend(
                        told.filter(|(_, payoff)| !payoff.is_nan())
                            .map(|(arm, &payoff)| Play { arm, payoff }),
                    );
                } else {
                    let bits = own.action().u8(0)[range].iter().enumerate();
                    plays.extend(
                        bits.filter(|(_, bit)| **bit != 0)
                            .map(|(arm, _)| Play { arm, payoff: 0.0 }),
                    );
                    let share = reward / plays.len().max(1) as f64;
                    plays.iter_mut().for_each(|play| play.payoff = share);
                }
            }
        }
    }

    /// The column of `info` called `name`, if it was asked for and has a value for each arm.
    pub fn field<'a>(&self, info: &'a Columns, name: &str) -> Option<&'a [f64]> {
        match &info.fields()[info.index_of(name)?] {
            Column {
                width,
                data: ColumnData::F64(values),
                ..
            } if *width == self.count => Some(values),
            _ => None,
        }
    }
}
