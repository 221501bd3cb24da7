//! Regret, in notions that are kept apart by name.
//!
//! | notion | what was earned is subtracted from |
//! |---|---|
//! | `regret_opt` | `T·OPT`: the best policy with full information |
//! | `regret_planner` | `T·ρ`: the planner `best` with the true payoffs |
//! | `alpha_regret` | `T·γ_k·LP`: what is certain to be earned with monotone arms |
//! | `myopic_regret` | the arms that pay most in their present states, round by round; only if asked for |
//!
//! All can be negative: while a learner lives on payoffs that do not last, or against a yardstick below the optimum.

use palaestra_agents::bandits::planning::gamma;

use super::{
    Regret, RegretNotion, RegretReport, RegretRow, ReportError,
    bandit::Models,
    curves::player_key,
    figures::constant,
    growth::growth,
    load::{LineUp, Loaded, Points, Trial},
    reduce::reduce,
};
use crate::{Registries, stats::Summary};

/// Identifier of the bandit environment.
pub(super) const BANDIT: &str = "lsd_bandit-v1";
/// Key of the expected payoff so far.
pub(super) const EXPECTED_PAYOFF: &str = "info/expected_payoff";

/// A rate to measure against, and where it is from.
#[derive(Debug, Clone)]
pub(super) struct Rate {
    pub(super) value: f64,
    source: String,
}

/// A notion of regret against a rate.
struct Notion {
    id: &'static str,
    formula: &'static str,
    /// Name of the rate.
    symbol: &'static str,
    /// What the rate stands for.
    what: &'static str,
    remark: &'static str,
    /// The rate of each line-up.
    rates: Vec<Option<Rate>>,
}

/// The regret of all agents; `None` for environments of which nobody asks it: neither a bandit nor one that names a
/// rate. `myopic` has the myopic regret of every line-up, if it was asked for.
pub(super) fn regret(
    registries: &Registries,
    loaded: &Loaded,
    models: &Models,
    myopic: Option<&[Option<Vec<f64>>]>,
) -> Result<Option<RegretReport>, ReportError> {
    let notions = notions(registries, loaded, models);
    let Some(drawn) = notions
        .iter()
        .find(|notion| notion.rates.iter().any(Option::is_some))
    else {
        let is_bandit = |line_up: &LineUp| line_up.config.env.id == BANDIT;
        return Ok(loaded.line_ups.iter().any(is_bandit).then(|| RegretReport::Unknown {
            reason: "The best long-run rate of this instance is not known, so there is nothing that regret could be \
                     measured against. Where a bound or a planner's value is known, `optimal_rate` in `[env.args]` \
                     gives it."
                .into(),
        }));
    };
    let expected = loaded.tell(EXPECTED_PAYOFF);
    let mut series = Vec::new();
    for (line_up, rate) in loaded.line_ups.iter().zip(&drawn.rates) {
        let curves = rate
            .iter()
            .flat_map(|rate| curves(line_up, expected, rate.value));
        series.push(reduce(&line_up.name, curves.collect())?);
    }
    let told = notions
        .iter()
        .filter_map(|notion| notion.told(loaded, expected));
    let mut told: Vec<RegretNotion> = told.collect();
    told.extend(myopic.map(|values| myopic_notion(loaded, values)));
    Ok(Some(RegretReport::Known(Box::new(Regret {
        plots: ["regret".into(), "regret-log".into()],
        drawn: drawn.id,
        quantity: quantity(expected).into(),
        x_label: "round".into(),
        series,
        notions: told,
        growth: growth(loaded, drawn.id, &drawn.rates, expected)?,
    }))))
}

fn quantity(expected: bool) -> &'static str {
    if expected {
        "expected payoff"
    } else {
        "reward"
    }
}

/// The notions that are measured against rates, the strictest first.
fn notions(registries: &Registries, loaded: &Loaded, models: &Models) -> Vec<Notion> {
    let rates = |rate: &dyn Fn(usize, &LineUp) -> Option<Rate>| -> Vec<Option<Rate>> {
        let line_ups = loaded.line_ups.iter().enumerate();
        let single = |line_up: &LineUp| line_up.players().len() == 1;
        line_ups
            .map(|(index, line_up)| rate(index, line_up).filter(|_| single(line_up)))
            .collect()
    };
    let opt = |index: usize, line_up: &LineUp| {
        if let Some(model) = models.model(index) {
            let (value, source) = model.opt()?;
            return Some(Rate { value, source });
        }
        let value = line_up.env_spec(registries)?.reference_rate?;
        let source = format!("the environment `{}`", line_up.config.env.id);
        value.is_finite().then_some(Rate { value, source })
    };
    let planner = |index: usize, _: &LineUp| {
        let model = models.model(index)?;
        let plan = model.planned.as_ref().or(model.optimal.as_ref()).ok()?;
        Some(Rate {
            value: plan.value.rate,
            source: format!("the planner `{}`", plan.planner),
        })
    };
    let alpha = |index: usize, _: &LineUp| {
        let model = models.model(index)?;
        Some(Rate {
            value: gamma(model.instance.plays()) * model.bound,
            source: "the relaxation's bound `LP` times `γ_k`".into(),
        })
    };
    vec![
        Notion {
            id: "regret_opt",
            formula: "T·OPT − Σ μ",
            symbol: "OPT",
            what: "the best policy with full information",
            remark: "It is negative where a learner earns more than OPT for a while, from payoffs that do not last.",
            rates: rates(&opt),
        },
        Notion {
            id: "regret_planner",
            formula: "T·ρ − Σ μ",
            symbol: "ρ",
            what: "a planner that knows the true payoffs",
            remark: "It is negative where a learner has found a better schedule than that planner.",
            rates: rates(&planner),
        },
        Notion {
            id: "alpha_regret",
            formula: "T·γ_k·LP − Σ μ",
            symbol: "γ_k·LP",
            what: "a player of what is certain to be earned with monotone arms",
            remark: "It is usually negative, since good schedules earn more than is certain; nothing is tested on it.",
            rates: rates(&alpha),
        },
    ]
}

impl Notion {
    /// What came out; `None` if there is no rate to measure against.
    fn told(&self, loaded: &Loaded, expected: bool) -> Option<RegretNotion> {
        let line_ups = loaded.line_ups.iter().zip(&self.rates);
        let row = |(line_up, rate): (&LineUp, &Option<Rate>)| {
            let rate = rate.as_ref()?;
            let curves = curves(line_up, expected, rate.value);
            let last = || curves.iter().filter_map(|curve| curve.last());
            let values: Vec<f64> = last().map(|point| point.1).collect();
            Some(RegretRow {
                agent: line_up.name.clone(),
                rate: Some(rate.value),
                source: rate.source.clone(),
                rounds: last().map(|point| point.0).fold(0.0, f64::max),
                regret: Summary::of(&values).ok()?,
                values,
            })
        };
        let rows: Vec<RegretRow> = line_ups.filter_map(row).collect();
        let first = rows.first()?;
        let symbol = self.symbol;
        let rate = match first.rate {
            Some(rate) if rows.iter().all(|row| row.rate == first.rate) => {
                let source = if rows.iter().all(|row| row.source == first.source) {
                    first.source.as_str()
                } else {
                    "sources as listed in `report.json`"
                };
                format!("{symbol} = {} per round, from {source}", constant(rate))
            }
            _ => format!("{symbol} of each agent's own instance"),
        };
        let less = if expected {
            "less the expected payoffs of the arms played"
        } else {
            "less the rewards, since the environment does not tell expectations"
        };
        Some(RegretNotion {
            id: self.id,
            formula: self.formula,
            meaning: format!(
                "Against {}: what it would have earned by round T at its long-run rate, {less} ({rate}). {}",
                self.what, self.remark
            ),
            rows,
        })
    }
}

/// Regret against the best arms of each moment.
fn myopic_notion(loaded: &Loaded, values: &[Option<Vec<f64>>]) -> RegretNotion {
    let row = |(line_up, values): (&LineUp, &Option<Vec<f64>>)| {
        let values = values.clone()?;
        let rows = line_up.config.env.num_envs.max(1) as u64;
        let steps = line_up.trials.iter().map(|trial| trial.result.env_steps);
        Some(RegretRow {
            agent: line_up.name.clone(),
            rate: None,
            source: "the arms that pay most in their present states, round by round".into(),
            rounds: (steps.max().unwrap_or(0) / rows) as f64,
            regret: Summary::of(&values).ok()?,
            values,
        })
    };
    RegretNotion {
        id: "myopic_regret",
        formula: "Σ max μ(τ) − Σ μ",
        meaning: "Against the arms that pay most in their present states, round by round. It rewards greedy play, which \
                  can be far from the optimum, and is told because it was asked for; agents are left out of whom not all \
                  rounds are logged."
            .into(),
        rows: loaded.line_ups.iter().zip(values).filter_map(row).collect(),
    }
}

/// Key of what the first player of a line-up earned so far.
pub(super) fn earned_key(line_up: &LineUp, expected: bool) -> String {
    if expected {
        EXPECTED_PAYOFF.to_owned()
    } else {
        player_key(line_up, 0, "charts", "cumulative_reward")
    }
}

/// Regret against rounds per row, one curve per trial that has one.
pub(super) fn curves(line_up: &LineUp, expected: bool, rate: f64) -> Vec<Vec<(f64, f64)>> {
    let trials = line_up.trials.iter();
    trials
        .filter_map(|trial| curve(line_up, trial, expected, rate))
        .collect()
}

/// Regret of one trial against rounds per row.
pub(super) fn curve(
    line_up: &LineUp,
    trial: &Trial,
    expected: bool,
    rate: f64,
) -> Option<Vec<(f64, f64)>> {
    let points: &Points = trial.metrics.get(&earned_key(line_up, expected))?;
    let rows = line_up.config.env.num_envs.max(1) as f64;
    let at = |&(env_steps, earned): &(u64, f64)| {
        let round = env_steps as f64 / rows;
        (round, round * rate - earned)
    };
    Some(points.iter().map(at).collect())
}

/// The optimal rate, if it is known and the same for all agents.
pub(super) fn common_rate(loaded: &Loaded, regret: Option<&RegretReport>) -> Option<f64> {
    let Some(RegretReport::Known(regret)) = regret else {
        return None;
    };
    let notion = regret
        .notions
        .iter()
        .find(|notion| notion.id == "regret_opt")?;
    let first = notion.rows.first()?.rate;
    let all = notion.rows.len() == loaded.line_ups.len();
    let same = notion.rows.iter().all(|row| row.rate == first);
    first.filter(|_| all && same)
}
