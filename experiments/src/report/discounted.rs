//! Discounted returns from the logged episodes, to be held against the bounds of a POMDP.

use std::fmt::Write as _;

use palaestra_envs::{math, stream::Stream};

use super::{
    DiscountedReturns, DiscountedRow, ReportError, SEED, STATISTICS, bootstrap,
    figures::{constant, count},
    load::{LineUp, Loaded, Trial},
};
use crate::{
    Registries,
    episodes::{Episode, EpisodeKind, EpisodeLog},
    stats::{Aggregate, Scores, aggregate_interval},
};

/// Episodes above which fewer replicates do.
const MANY: usize = 10_000;

/// The returns of all line-ups with a discount and a complete logged episode.
pub(super) fn returns(
    loaded: &Loaded,
    discounts: &[Option<f64>],
    registries: &Registries,
    notes: &mut Vec<String>,
) -> Result<DiscountedReturns, ReportError> {
    let mut rows = Vec::new();
    let mut limit = None;
    for (line_up, discount) in loaded.line_ups.iter().zip(discounts) {
        let &Some(discount) = discount else { continue };
        let Some(row) = row(line_up, discount, notes)? else {
            continue;
        };
        if row.truncated > 0 && limit.is_none() {
            let spec = line_up.env_spec(registries);
            limit = spec.and_then(|spec| Some((spec.max_episode_steps?, discount)));
        }
        rows.push(row);
    }
    Ok(DiscountedReturns {
        plot: "discounted".into(),
        meaning: meaning(&rows, limit),
        rows,
    })
}

/// What the numbers are, in sentences.
fn meaning(rows: &[DiscountedRow], limit: Option<(u32, f64)>) -> String {
    if rows.is_empty() {
        return "No complete episode of the agents is logged, so their discounted returns are not known. `episodes = \
                \"all\"` in `[log]` logs them."
            .into();
    }
    let evaluated = rows.iter().filter(|row| row.evaluated).count();
    let which = match evaluated {
        0 => {
            "all logged training episodes, which for a learner include those before it has learned"
        }
        n if n == rows.len() => "the logged episodes of the last evaluation",
        _ => "the logged episodes of the last evaluation, or of training where there is none",
    };
    let mut text = format!(
        "Discounted return: `Σ γ^t r_t` of an episode, which is what bounds bound where there are tables to compute \
         them from. Means over {which}; intervals are from resampling episodes."
    );
    let cut: usize = rows.iter().map(|row| row.truncated).sum();
    if cut > 0 {
        let all: usize = rows.iter().map(|row| row.episodes).sum();
        let _ = write!(
            text,
            " {} of {} episodes were cut by a time limit and lack what would have come after it",
            count(cut as u64),
            count(all as u64)
        );
        if let Some((steps, discount)) = limit {
            let left = math::powf(discount, f64::from(steps));
            let left = if left < 1e-6 {
                "less than a millionth".into()
            } else {
                constant(left)
            };
            let steps = count(steps.into());
            let _ = write!(
                text,
                "; rewards after {steps} steps would count {left} of their value"
            );
        }
        text.push('.');
    }
    text
}

/// The returns of one line-up; `None` if no complete episode of it is logged.
fn row(
    line_up: &LineUp,
    discount: f64,
    notes: &mut Vec<String>,
) -> Result<Option<DiscountedRow>, ReportError> {
    let mut trials: Vec<Vec<Return>> = Vec::new();
    for trial in &line_up.trials {
        trials.push(read(trial, discount, notes)?);
    }
    let evaluated = |of: &Vec<Return>| of.iter().filter_map(|r| r.round).max();
    let evaluated: Vec<Option<u32>> = trials.iter().map(evaluated).collect();
    // Evaluations count if there are any: training may explore.
    let any = evaluated.iter().any(Option::is_some);
    let (mut all, mut values, mut truncated) = (Vec::new(), Vec::new(), 0);
    for (returns, last) in trials.iter().zip(evaluated) {
        let counted = returns
            .iter()
            .filter(|r| r.round == last && r.round.is_some() == any);
        let counted: Vec<&Return> = counted.collect();
        if counted.is_empty() {
            continue;
        }
        truncated += counted.iter().filter(|r| r.truncated).count();
        let sum: f64 = counted.iter().map(|r| r.value).sum();
        values.push(sum / counted.len() as f64);
        all.extend(counted.iter().map(|r| r.value));
    }
    if all.is_empty() {
        return Ok(None);
    }
    let replicates = if all.len() > MANY {
        STATISTICS.curve_replicates
    } else {
        STATISTICS.comparison_replicates
    };
    Ok(Some(DiscountedRow {
        agent: line_up.name.clone(),
        evaluated: any,
        episodes: all.len(),
        truncated,
        discounted_return: aggregate_interval(
            &Scores::single_task(&all)?,
            Aggregate::Mean,
            &bootstrap(replicates),
            &mut Stream::new(SEED, 0, "bootstrap"),
        )?,
        values,
    }))
}

/// The return of an episode.
struct Return {
    value: f64,
    truncated: bool,
    /// The evaluation it was played in.
    round: Option<u32>,
}

/// The returns of the complete episodes in a trial's log.
fn read(trial: &Trial, discount: f64, notes: &mut Vec<String>) -> Result<Vec<Return>, ReportError> {
    let log = EpisodeLog::open(&trial.folder)?;
    let mut problems: Vec<String> = log.problems().iter().map(ToString::to_string).collect();
    let mut returns = Vec::new();
    for episode in log.read_all() {
        match episode {
            Ok(episode) => returns.extend(discounted(&episode, discount)),
            Err(error) => problems.push(error.to_string()),
        }
    }
    if let Some(first) = problems.first() {
        notes.push(format!(
            "The episode log of trial `{}` is damaged, and discounted returns are from the rest of it: {first}.",
            trial.result.trial
        ));
    }
    Ok(returns)
}

/// The return of `episode`; `None` if the end of the run cut it.
fn discounted(episode: &Episode, discount: f64) -> Option<Return> {
    let info = &episode.info;
    let rewards = &episode.players.first()?.reward;
    let value = rewards
        .iter()
        .rev()
        .fold(0.0, |after, &reward| f64::from(reward) + discount * after);
    info.ending.complete().then(|| Return {
        value,
        truncated: info.ending.truncated(),
        round: match info.id.kind {
            EpisodeKind::Train => None,
            EpisodeKind::Eval { round } => Some(round),
        },
    })
}
