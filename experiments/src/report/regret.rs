//! Dynamic regret against the best known long-run rate, for environments that name one.
//!
//! `R(t) = t ρ − Σ_{s ≤ t} μ_s`: what a policy that earns the rate `ρ` in every round would have earned by round `t`,
//! less the expected payoffs of what was played. It is negative while a learner lives on payoffs that do not last.

use palaestra_envs::bandits::{LsdBanditArgs, presets::PRESETS};
use serde_json::Value;

use super::{
    Regret, RegretReport, RegretRow, ReportError,
    curves::player_key,
    figures::constant,
    load::{LineUp, Loaded, Points, Trial},
    reduce::reduce,
};
use crate::{Registries, stats::Summary};

/// Identifier of the bandit environment.
pub(super) const BANDIT: &str = "lsd_bandit-v1";
/// Key of the expected payoff so far.
pub(super) const EXPECTED_PAYOFF: &str = "info/expected_payoff";

/// A rate to measure against, and where it is from.
struct Rate {
    value: f64,
    source: String,
}

/// The regret of all agents; `None` for environments of which nobody asks it: neither a bandit nor one that names a
/// rate.
pub(super) fn regret(
    registries: &Registries,
    loaded: &Loaded,
) -> Result<Option<RegretReport>, ReportError> {
    let rates = loaded
        .line_ups
        .iter()
        .map(|line_up| rate(registries, line_up));
    let rates: Vec<Option<Rate>> = rates.collect();
    let line_ups: Vec<(&LineUp, &Rate)> = (loaded.line_ups.iter().zip(&rates))
        .filter_map(|(line_up, rate)| Some((line_up, rate.as_ref()?)))
        .filter(|(line_up, _)| line_up.players().len() == 1)
        .collect();
    let Some(&(_, first)) = line_ups.first() else {
        let is_bandit = |line_up: &LineUp| line_up.config.env.id == BANDIT;
        return Ok(loaded.line_ups.iter().any(is_bandit).then(|| RegretReport::Unknown {
            reason: "The best long-run rate of this instance is not known, so there is nothing that regret could be \
                     measured against. Where a bound or a planner's value is known, `optimal_rate` in `[env.args]` \
                     gives it."
                .into(),
        }));
    };
    let expected = line_ups.iter().all(|(line_up, _)| {
        let mut trials = line_up.trials.iter();
        trials.all(|trial| trial.metrics.contains_key(EXPECTED_PAYOFF))
    });
    let (mut series, mut rows) = (Vec::new(), Vec::new());
    for (line_up, rate) in loaded.line_ups.iter().zip(&rates) {
        let rate = rate.as_ref().filter(|_| line_up.players().len() == 1);
        let curves: Vec<Vec<(f64, f64)>> = match rate {
            Some(rate) => {
                let trials = line_up.trials.iter();
                let curve = |trial| regret_curve(line_up, trial, expected, rate.value);
                trials.filter_map(curve).collect()
            }
            None => Vec::new(),
        };
        if let Some(rate) = rate {
            let last = || curves.iter().filter_map(|curve| curve.last());
            let values: Vec<f64> = last().map(|point| point.1).collect();
            if let Ok(regret) = Summary::of(&values) {
                rows.push(RegretRow {
                    agent: line_up.name.clone(),
                    rate: rate.value,
                    source: rate.source.clone(),
                    rounds: last().map(|point| point.0).fold(0.0, f64::max),
                    values,
                    regret,
                });
            }
        }
        series.push(reduce(&line_up.name, curves)?);
    }
    let same = (line_ups.iter()).all(|(_, rate)| rate.value.to_bits() == first.value.to_bits());
    let quantity = if expected {
        "expected payoff"
    } else {
        "reward"
    };
    Ok(Some(RegretReport::Known(Regret {
        plots: ["regret".into(), "regret-log".into()],
        notion: notion(first, same, expected),
        quantity: quantity.into(),
        x_label: "round".into(),
        series,
        rows,
    })))
}

fn notion(rate: &Rate, same: bool, expected: bool) -> String {
    let against = if same {
        format!(
            "R = {} per round; source: {}",
            constant(rate.value),
            rate.source
        )
    } else {
        "R of each agent's own instance, as listed in the table".into()
    };
    let earned = if expected {
        "by expected payoff: T·R less the sum of the mean payoffs of the arms played"
    } else {
        "by realised reward, since the environment does not tell expectations: T·R less the rewards"
    };
    format!(
        "Dynamic regret against the best known long-run rate ({against}), {earned}. It is negative where a learner \
         earns more than R for a while, from payoffs that do not last."
    )
}

/// Regret of one trial against rounds per row.
fn regret_curve(
    line_up: &LineUp,
    trial: &Trial,
    expected: bool,
    rate: f64,
) -> Option<Vec<(f64, f64)>> {
    let key = if expected {
        EXPECTED_PAYOFF.to_owned()
    } else {
        player_key(line_up, 0, "charts", "cumulative_reward")
    };
    let points: &Points = trial.metrics.get(&key)?;
    let rows = line_up.config.env.num_envs.max(1) as f64;
    let at = |&(env_steps, earned): &(u64, f64)| {
        let round = env_steps as f64 / rows;
        (round, round * rate - earned)
    };
    Some(points.iter().map(at).collect())
}

/// The rate that the environment of a line-up names, if this program has the environment.
fn rate(registries: &Registries, line_up: &LineUp) -> Option<Rate> {
    let value = line_up.env_spec(registries)?.reference_rate?;
    let env = &line_up.config.env;
    value.is_finite().then(|| Rate {
        value,
        source: source(&env.id, Value::Object(env.args.clone())),
    })
}

/// Where a rate is from.
fn source(id: &str, args: Value) -> String {
    let bandit = (id == BANDIT).then(|| serde_json::from_value::<LsdBanditArgs>(args).ok());
    let Some(args) = bandit.flatten() else {
        return format!("the environment `{id}`");
    };
    if args.optimal_rate.is_some() {
        return "`optimal_rate` in the configuration".into();
    }
    if args.instance.is_some() {
        return "`optimal_rate` of the instance in the configuration".into();
    }
    let Some(name) = args.preset else {
        return "the known optimum of the environment's default instance".into();
    };
    let preset = PRESETS.iter().find(|preset| preset.id == name);
    let origin = preset.map_or(String::new(), |preset| {
        format!(", instance from {}", preset.source)
    });
    format!("the known optimum of `{name}`{origin}")
}

/// The rate, if there is one for all agents, and regret is told by expected payoff.
pub(super) fn common_rate(regret: Option<&RegretReport>) -> Option<f64> {
    let Some(RegretReport::Known(regret)) = regret else {
        return None;
    };
    let first = regret.rows.first()?.rate;
    let all = regret.rows.len() == regret.series.len();
    let same = regret
        .rows
        .iter()
        .all(|row| row.rate.to_bits() == first.to_bits());
    (all && same).then_some(first)
}
