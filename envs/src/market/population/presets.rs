//! Named populations.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ActivityConfig, MarketMakerConfig, PopulationConfig, ValueConfig};

/// A population with a name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// The reference market `rmsc04` of ABIDES, unchanged.
    #[default]
    Rmsc04,
    /// The same kinds of traders, calibrated so that returns, volumes and market impact look like those of real markets.
    ///
    /// * News comes, and traders with it, in business time ([`ActivityConfig`]): volatility clusters, and volume goes with it.
    /// * Value traders come more often, hear the value more exactly and bid what they believe it is worth less a surplus, as in
    ///   Gode and Sunder, *Allocative efficiency of markets with zero-intelligence traders* (Journal of Political Economy 101,
    ///   1993): the price follows the value within a minute.
    /// * The ladders of market makers grow with the distance from the price, as do the books that Bouchaud, Mézard and Potters
    ///   observed (*Statistical properties of stock order books*, Quantitative Finance 2, 2002) and the latent ones of Tóth et al.
    ///   (*Anomalous price impact and the critical nature of liquidity in financial markets*, Physical Review X 1, 2011), from
    ///   which an impact in the square root of the size follows.
    BusinessTime,
}

impl Preset {
    /// Its parameters.
    pub fn config(self) -> PopulationConfig {
        let rmsc04 = PopulationConfig::default();
        match self {
            Self::Rmsc04 => rmsc04,
            Self::BusinessTime => PopulationConfig {
                activity: ActivityConfig {
                    deviation: 1.0,
                    memory: 900e9,
                },
                value: (
                    25,
                    ValueConfig {
                        pause: 15e9,
                        observation_variance: 20.0,
                        surplus: 60.0,
                        ..rmsc04.value.1
                    },
                ),
                market_makers: (
                    2,
                    MarketMakerConfig {
                        participation: 0.0,
                        min_size: 10,
                        levels: 30,
                        size_growth: 8.0,
                        level_spacing: 1.0,
                        quote_delay: 0,
                        ..rmsc04.market_makers.1
                    },
                ),
                ..rmsc04
            },
        }
    }
}
