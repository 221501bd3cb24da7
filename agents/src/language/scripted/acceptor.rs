//! Takes what is not too little: people mostly refuse offers below some 40 % (Güth, Schmittberger, Schwarze, *An
//! experimental analysis of ultimatum bargaining*, J. Econ. Behav. Organ. 3, 1982, and many after them), and offer half.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::FixedShare;
use crate::{
    Registry,
    language::player::{self, share},
};

/// Arguments of `acceptor`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AcceptorArgs {
    /// Least share that it takes, 0 to 1.
    pub threshold: f64,
}

impl Default for AcceptorArgs {
    fn default() -> Self {
        Self { threshold: 0.4 }
    }
}

pub(super) fn register(registry: &mut Registry) {
    player::register(
        registry,
        "acceptor",
        "Haggling: offers an equal division and takes whatever is at least 40 %.",
        |args: AcceptorArgs| {
            Ok(FixedShare {
                ask: 0.5,
                take: share("threshold", args.threshold)?,
            })
        },
    );
}
