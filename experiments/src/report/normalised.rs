//! Mean payoffs as shares of the upper bound.

use palaestra_envs::stream::Stream;

use super::{
    NormalisedRow, NormalisedScores, ReportError, SEED, STATISTICS,
    bandit::Models,
    bootstrap,
    load::{LineUp, Loaded, Points, Trial},
    regret::{EXPECTED_PAYOFF, earned_key},
};
use crate::stats::{Aggregate, Interval, Scores, StatsError, aggregate_interval};

/// The share of the run that counts as its last part.
const LATE: f64 = 0.25;

/// The normalised scores of all agents whose bound is known.
pub(super) fn normalised(
    models: &Models,
    loaded: &Loaded,
) -> Result<NormalisedScores, ReportError> {
    let line_ups = loaded.line_ups.iter().enumerate();
    let expected = loaded.tell(EXPECTED_PAYOFF);
    let mut rows = Vec::new();
    for (index, line_up) in line_ups {
        let Some(model) = models.model(index).filter(|model| model.bound > 0.0) else {
            continue;
        };
        let rates = line_up.trials.iter();
        let rates: Vec<Rates> = rates
            .filter_map(|trial| Rates::of(line_up, trial, expected))
            .collect();
        if rates.is_empty() {
            continue;
        }
        let shares = |of: fn(&Rates) -> f64| rates.iter().map(|r| of(r) / model.bound).collect();
        let late_values: Vec<f64> = shares(|rates| rates.late);
        let whole_values: Vec<f64> = shares(|rates| rates.whole);
        rows.push(NormalisedRow {
            agent: line_up.name.clone(),
            lp: model.bound,
            opt: model.opt().map(|opt| opt.0 / model.bound),
            late_rounds: rates
                .iter()
                .map(|rates| rates.late_rounds)
                .fold(0.0, f64::max),
            late: mean_interval(&late_values)?,
            late_values,
            whole: mean_interval(&whole_values)?,
            whole_values,
        });
    }
    let quantity = if expected {
        "expected payoff"
    } else {
        "reward"
    };
    Ok(NormalisedScores {
        plot: "normalised".into(),
        meaning: format!(
            "Normalised score: mean {quantity} a round as a share of `LP`, the most that any policy could earn in the \
             long run. In the last quarter of the run it shows what has been learned; over the whole run it also \
             counts what learning cost. It can exceed 1 for a while, from payoffs that do not last."
        ),
        quantity: quantity.into(),
        rows,
    })
}

/// Mean payoffs of one trial.
struct Rates {
    late_rounds: f64,
    late: f64,
    whole: f64,
}

impl Rates {
    fn of(line_up: &LineUp, trial: &Trial, expected: bool) -> Option<Self> {
        let points: &Points = trial.metrics.get(&earned_key(line_up, expected))?;
        let rows = line_up.config.env.num_envs.max(1) as f64;
        let (steps, earned) = *points.last()?;
        let late = (1.0 - LATE) * steps as f64;
        let before = points.iter().rfind(|point| point.0 as f64 <= late);
        let (from, earned_before) = before.copied().unwrap_or((0, 0.0));
        let late_rounds = (steps - from) as f64 / rows;
        Some(Self {
            late_rounds,
            late: (earned - earned_before) / late_rounds,
            whole: earned / (steps as f64 / rows),
        })
    }
}

/// The mean over seeds with its interval.
pub(super) fn mean_interval(values: &[f64]) -> Result<Interval, StatsError> {
    aggregate_interval(
        &Scores::single_task(values)?,
        Aggregate::Mean,
        &bootstrap(STATISTICS.comparison_replicates),
        &mut Stream::new(SEED, 0, "bootstrap"),
    )
}
