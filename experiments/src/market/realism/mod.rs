//! Statistics of order-book markets: how much simulated trading looks like the real thing.
//!
//! * [`Market`]: days of a simulated market. [`MinuteBars`]: trades of a day, minute by minute.
//! * [`stylised_facts`]: the eleven facts of Cont, with intervals and verdicts.
//! * [`against`]: simulated days held against a recording, by the distances and a discriminator as in LOB-Bench.
//! * [`distances`]: how far two samples of a statistic lie apart.
//! * [`impact`]: what a large order does to the price, against the same market without it.
//! * [`study`]: all of it, as a file asks for it.
//! * [`three_class_accuracy`]: forecasts of up, flat and down.

pub mod against;
mod bars;
mod day;
pub mod discriminator;
pub mod distances;
pub(crate) mod draw;
pub mod features;
mod impact;
mod moments;
mod picture;
pub mod report;
mod study;
#[cfg(test)]
mod study_tests;
pub mod stylised_facts;
#[cfg(test)]
mod tests;
mod threads;

pub use bars::{BarBuilder, MinuteBars, Print};
pub use day::{Market, MarketError};
pub use impact::{Impact, ImpactConfig, ImpactPoint, impact};
pub use picture::{DayPicture, MarketPath, PathTape};
pub use study::{FactsConfig, ImpactSettings, RealismConfig, RealismReport, study};
pub use stylised_facts::{Fact, FactReport, FactSettings, StylisedFacts};

use moments::quantile;

/// The share of `predictions` that fall into the same class as what came true, `outcomes`, when the terciles of the outcomes part
/// down, flat and up; `None` without any, or if they are not as many.
pub fn three_class_accuracy(predictions: &[f64], outcomes: &[f64]) -> Option<f64> {
    if predictions.len() != outcomes.len() || outcomes.is_empty() {
        return None;
    }
    let [low, high] = [1.0, 2.0].map(|third| quantile(outcomes, third / 3.0));
    let class = |x: f64| u8::from(x > low) + u8::from(x > high);
    let pairs = predictions.iter().zip(outcomes);
    let right = pairs.filter(|(p, o)| class(**p) == class(**o)).count();
    Some(right as f64 / outcomes.len() as f64)
}
