//! Small games in language with names of their own.

use palaestra_agents::equilibrium::extensive::{
    BargainingRules, NegotiationRules, PersuasionRules,
};
use palaestra_envs::language::{
    BargainingConfig, Horizon, Money, NegotiationConfig, PersuasionConfig, RuleError,
};

/// All pairs of two types.
fn pairs(low: f64, high: f64) -> [[f64; 2]; 4] {
    [[low, low], [low, high], [high, low], [high, high]]
}

pub(super) fn bargaining() -> Result<BargainingRules, RuleError> {
    let config = BargainingConfig {
        horizon: Horizon::Known(2),
        complete_information: false,
        ..BargainingConfig::default()
    };
    BargainingRules::new(config, &pairs(0.8, 0.95), 10, 1)
}

pub(super) fn negotiation() -> Result<NegotiationRules, RuleError> {
    let config = NegotiationConfig {
        horizon: Horizon::Known(2),
        complete_information: false,
        ..NegotiationConfig::default()
    };
    let prices = (8..=15).map(|price| Money::whole(1000 * price)).collect();
    NegotiationRules::new(config, &pairs(0.8, 1.2), prices, 1)
}

pub(super) fn persuasion() -> Result<PersuasionRules, RuleError> {
    let config = PersuasionConfig {
        rounds: 1,
        ..PersuasionConfig::default()
    };
    PersuasionRules::new(config, 2)
}
