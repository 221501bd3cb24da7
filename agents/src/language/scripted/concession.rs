//! Curves of concession in time: the time-dependent tactics of Faratin, Sierra, Jennings, *Negotiation decision functions
//! for autonomous agents* (Robotics and Autonomous Systems 24, 1998).
//!
//! In round `t` of `T` the player asks for the share `opening - (opening - reserve) ((t-1)/(T-1))^(1/β)`: below `β = 1`
//! it stands firm until the end (Boulware), above it gives way at once (Conceder). It takes what is at least what it
//! would ask for next.

use palaestra_envs::{
    language::templates::{CONCESSION_NOTICE, SILENT},
    math,
    stream::Stream,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::haggle;
use crate::{
    AgentError, Registry,
    language::{
        decision::Decision,
        player::{self, Player, Seats, share},
        sight::Situation,
    },
};

/// Arguments of `boulware` and `conceder`, which differ in the default of `exponent`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConcessionArgs {
    /// `β`, positive; unless given 0.2 (Boulware) or 5 (Conceder).
    pub exponent: Option<f64>,
    /// Share asked for in the first round, 0 to 1; 0.9 unless given.
    pub opening: Option<f64>,
    /// Share asked for in the last round, 0 to `opening`; 0.3 unless given.
    pub reserve: Option<f64>,
    /// Rounds of the curve where the last one is not told; 12 unless given.
    pub patience: Option<u16>,
}

/// A curve of concession.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// `1/β`.
    pub power: f64,
    /// Share asked for in the first round.
    pub opening: f64,
    /// Share asked for in the last.
    pub reserve: f64,
    /// Rounds where the last one is not told.
    pub patience: u16,
}

impl ConcessionArgs {
    /// The curve, with `exponent` unless it is given.
    ///
    /// # Errors
    /// [`AgentError`] that names the argument.
    pub fn curve(&self, exponent: f64) -> Result<Curve, AgentError> {
        let exponent = self.exponent.unwrap_or(exponent);
        if !(exponent > 0.0 && exponent.is_finite()) {
            let message = format!("must be positive and finite, not {exponent}");
            return Err(AgentError::argument("exponent", message));
        }
        let opening = share("opening", self.opening.unwrap_or(0.9))?;
        let reserve = share("reserve", self.reserve.unwrap_or(0.3))?;
        if reserve > opening {
            let message = format!("is {reserve}, above `opening`, which is {opening}");
            return Err(AgentError::argument("reserve", message));
        }
        let patience = self.patience.unwrap_or(12);
        if patience < 1 {
            return Err(AgentError::argument("patience", "must be at least 1"));
        }
        Ok(Curve {
            power: 1.0 / exponent,
            opening,
            reserve,
            patience,
        })
    }
}

impl Curve {
    /// The share asked for in `round`, from 1, of `last` rounds if that is told.
    pub fn ask(&self, round: u16, last: Option<u16>) -> f64 {
        let steps = last.unwrap_or(self.patience).saturating_sub(1);
        let time = if steps == 0 {
            1.0
        } else {
            f64::from(round.saturating_sub(1).min(steps)) / f64::from(steps)
        };
        self.opening - (self.opening - self.reserve) * math::powf(time, self.power)
    }
}

impl Player for Curve {
    const SEATS: Seats = Seats::Haggling;

    fn decide(&self, see: &Situation, _: &mut Stream) -> Decision {
        let ask = self.ask(see.round, see.last);
        let take = self.ask(see.round + u16::from(!see.is_last()), see.last);
        let concedes = self.opening - ask > 0.01;
        haggle(
            see,
            ask,
            take,
            if concedes { CONCESSION_NOTICE } else { SILENT },
        )
    }
}

pub(super) fn register(registry: &mut Registry) {
    player::register(
        registry,
        "boulware",
        "Haggling: stands firm until shortly before the end (a time-dependent tactic of Faratin et al. 1998).",
        |args: ConcessionArgs| args.curve(0.2),
    );
    player::register(
        registry,
        "conceder",
        "Haggling: gives way early (a time-dependent tactic of Faratin et al. 1998).",
        |args: ConcessionArgs| args.curve(5.0),
    );
}
