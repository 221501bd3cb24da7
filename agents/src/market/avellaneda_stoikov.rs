//! The market maker of Avellaneda and Stoikov, *High-frequency trading in a limit order book* (Quantitative Finance 8, 2008).
//!
//! A dealer with exponential utility `-e^{-γ W}` holds `q` shares of a mid-price `s` with volatility `σ`; market orders take a
//! quote at distance `δ` at a rate `A e^{-kδ}`. For small `γ` the optimal quotes lie symmetrically around a reservation price:
//!
//! ```text
//! r = s - q γ σ² (T - t)                          eq. (3.17)
//! p^a - p^b = γ σ² (T - t) + (2/γ) ln(1 + γ/k)    eq. (3.18), with the mean of the paper's spread
//! ```

use palaestra_envs::math::ln;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dealer::{Dealer, Market, Quotes, market, needs};
use crate::{AgentError, Registry};

const ID: &str = "avellaneda_stoikov";

/// The closed form.
///
/// ```
/// use palaestra_agents::market::AvellanedaStoikov;
///
/// let dealer = AvellanedaStoikov { risk_aversion: 0.1, volatility: 2.0, fill_exponent: 1.5, duration: 1.0 };
/// assert_eq!(dealer.reservation_price(100.0, 3.0, 0.0), 98.8); // long: both quotes move down
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AvellanedaStoikov {
    /// `γ > 0`, per unit of wealth.
    pub risk_aversion: f64,
    /// `σ`, price per square root of time.
    pub volatility: f64,
    /// `k > 0`, per unit of price.
    pub fill_exponent: f64,
    /// `T`.
    pub duration: f64,
}

impl AvellanedaStoikov {
    /// `γ σ² (T - t)`.
    fn risk(&self, time: f64) -> f64 {
        self.risk_aversion * self.volatility * self.volatility * (self.duration - time)
    }

    /// `r`: the price at which the dealer is indifferent between holding `inventory` shares and one more or less.
    pub fn reservation_price(&self, mid: f64, inventory: f64, time: f64) -> f64 {
        mid - inventory * self.risk(time)
    }

    /// Distance from bid to ask.
    pub fn spread(&self, time: f64) -> f64 {
        let gamma = self.risk_aversion;
        self.risk(time) + 2.0 / gamma * ln(1.0 + gamma / self.fill_exponent)
    }

    /// Bid and ask price.
    pub fn quotes(&self, mid: f64, inventory: f64, time: f64) -> (f64, f64) {
        let (centre, half) = (
            self.reservation_price(mid, inventory, time),
            0.5 * self.spread(time),
        );
        (centre - half, centre + half)
    }
}

/// Arguments of `avellaneda_stoikov`. In `inventory_market_making-v1` everything else is known from the environment; of an order book
/// the other two must be said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AvellanedaStoikovArgs {
    /// `γ > 0`: aversion to risk, per unit of wealth.
    pub risk_aversion: f64,
    /// `σ > 0`: in an order book, ticks per square root of a second; wealth is then in ticks times quotes.
    pub volatility: Option<f64>,
    /// `k > 0`: in an order book, per tick.
    pub fill_exponent: Option<f64>,
}

impl Default for AvellanedaStoikovArgs {
    fn default() -> Self {
        Self {
            risk_aversion: 0.1,
            volatility: None,
            fill_exponent: None,
        }
    }
}

/// A parameter, if it can be one.
fn positive(name: &str, value: Option<f64>) -> Result<f64, AgentError> {
    match value {
        Some(value) if value > 0.0 && value.is_finite() => Ok(value),
        Some(value) => {
            let message = format!("must be positive and finite, not {value}");
            Err(AgentError::argument(name, message))
        }
        None => Err(AgentError::argument(name, "must be said of an order book")),
    }
}

impl AvellanedaStoikovArgs {
    /// The dealer, and the length of a step.
    fn dealer(&self, market: &Market) -> Result<(AvellanedaStoikov, f64), AgentError> {
        let (volatility, fill_exponent, duration, step_length) = match market {
            Market::Model(model) => (
                Some(model.volatility),
                Some(model.fill_exponent),
                model.duration,
                model.step_length(),
            ),
            Market::Book(book) => {
                let duration = f64::from(book.steps) * book.interval;
                (None, None, duration, book.interval)
            }
        };
        let dealer = AvellanedaStoikov {
            risk_aversion: self.risk_aversion,
            volatility: positive("volatility", self.volatility.or(volatility))?,
            fill_exponent: positive("fill_exponent", self.fill_exponent.or(fill_exponent))?,
            duration,
        };
        Ok((dealer, step_length))
    }
}

struct Table {
    dealer: AvellanedaStoikov,
    step_length: f64,
}

impl Quotes for Table {
    fn depths(&self, step: u32, inventory: f64) -> (f64, f64) {
        let time = f64::from(step) * self.step_length;
        let (bid, ask) = self.dealer.quotes(0.0, inventory, time);
        (-bid, ask)
    }
}

/// Registers `avellaneda_stoikov`.
pub(super) fn register(registry: &mut Registry) {
    let entry = registry.register(
        ID,
        "Quotes around a price that falls with the inventory: Avellaneda and Stoikov's optimum under exponential utility.",
        |context, args: AvellanedaStoikovArgs| {
            positive("risk_aversion", Some(args.risk_aversion))?;
            let market = market(ID, context)?;
            let (dealer, step_length) = args.dealer(&market)?;
            let quotes = Table {
                dealer,
                step_length,
            };
            Ok(Box::new(Dealer {
                id: ID,
                market,
                quotes,
            }))
        },
    );
    needs(entry);
}
