//! The final table, and which agent beats which.

use palaestra_envs::stream::Stream;

use super::{
    AgentSummary, Improvement, InfoSummary, ReportError, SEED, STATISTICS, bootstrap,
    load::{Entry, Loaded},
};
use crate::stats::{
    Aggregate, Interval, Scores, StatsError, Summary, aggregate_interval,
    probability_of_improvement_interval,
};

/// The final table. Scores that are not finite are left out of the statistics and noted.
pub(super) fn agents(
    loaded: &Loaded,
    notes: &mut Vec<String>,
) -> Result<Vec<AgentSummary>, ReportError> {
    let entries = loaded.entries.iter();
    entries.map(|entry| agent(loaded, entry, notes)).collect()
}

fn agent(
    loaded: &Loaded,
    entry: &Entry,
    notes: &mut Vec<String>,
) -> Result<AgentSummary, ReportError> {
    let line_up = loaded.line_up(entry);
    let results = || line_up.trials.iter().map(|trial| &trial.result);
    let player = || results().map(|result| &result.players[entry.player]);
    let scores: Vec<Option<f64>> = player()
        .map(|player| Some(player.score).filter(|score| score.is_finite()))
        .collect();
    let finite: Vec<f64> = scores.iter().flatten().copied().collect();
    if finite.len() < scores.len() {
        let seeds = results().zip(&scores).filter(|(_, score)| score.is_none());
        let seeds: Vec<String> = seeds.map(|(result, _)| result.seed.to_string()).collect();
        notes.push(format!(
            "The score of `{}` is not a finite number with the seeds {}; they are left out of its statistics.",
            entry.name,
            seeds.join(", ")
        ));
    }
    let iqm = if finite.is_empty() {
        None
    } else {
        Some(iqm(&finite)?)
    };
    let names = results().next().map_or(&[][..], |result| &result.info);
    let told = |(_, (name, _)): &(usize, &(String, f64))| !line_up.measures_games_by(name);
    let info = names
        .iter()
        .enumerate()
        .filter(told)
        .map(|(index, (name, _))| {
            let totals: Vec<f64> = results().map(|result| result.info[index].1).collect();
            summary(&totals).map(|total| InfoSummary {
                name: name.clone(),
                total,
            })
        });
    Ok(AgentSummary {
        name: entry.name.clone(),
        run: loaded.runs[line_up.run].name.clone(),
        label: line_up.label.clone(),
        player: line_up.players()[entry.player].to_owned(),
        seeds: results().map(|result| result.seed).collect(),
        score: summary(&finite),
        iqm,
        total_reward: summary(&player().map(|p| p.total_reward).collect::<Vec<_>>()),
        info: info.flatten().collect(),
        scores,
    })
}

/// The summary of the finite ones of `values`, if there are any.
fn summary(values: &[f64]) -> Option<Summary> {
    let finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    Summary::of(&finite).ok()
}

/// Interquartile mean with its interval. Every agent is resampled with the same draws, so that its numbers do not
/// depend on the company it is in.
pub(super) fn iqm(values: &[f64]) -> Result<Interval, StatsError> {
    aggregate_interval(
        &Scores::single_task(values)?,
        Aggregate::InterquartileMean,
        &bootstrap(STATISTICS.replicates),
        &mut Stream::new(SEED, 0, "bootstrap"),
    )
}

/// The matrix of probabilities of improvement; `None` with fewer than two agents that have scores, or a single seed for
/// each, which tells nothing of chances.
pub(super) fn improvement(agents: &[AgentSummary]) -> Result<Option<Improvement>, ReportError> {
    let scored = agents.iter().filter_map(|agent| {
        let finite: Vec<f64> = agent.scores.iter().flatten().copied().collect();
        Some(Scored {
            name: agent.name.clone(),
            iqm: agent.iqm?.estimate,
            scores: Scores::single_task(&finite).ok()?,
        })
    });
    compare(scored.collect())
}

/// An agent that has scores.
pub(super) struct Scored {
    pub(super) name: String,
    /// Interquartile mean of the scores.
    pub(super) iqm: f64,
    pub(super) scores: Scores,
}

/// As [`improvement`], over one or several tasks.
pub(super) fn compare(scored: Vec<Scored>) -> Result<Option<Improvement>, ReportError> {
    let count = scored.len();
    if count < 2 || scored.iter().all(|agent| agent.scores.runs() < 2) {
        return Ok(None);
    }
    let bootstrap = bootstrap(STATISTICS.comparison_replicates);
    let mut probability = vec![vec![None; count]; count];
    for x in 0..count {
        for y in x + 1..count {
            let mut rng = Stream::new(SEED, 0, "bootstrap");
            let (x_scores, y_scores) = (&scored[x].scores, &scored[y].scores);
            let beats =
                probability_of_improvement_interval(x_scores, y_scores, &bootstrap, &mut rng)?;
            probability[x][y] = Some(beats);
            probability[y][x] = Some(Interval {
                estimate: 1.0 - beats.estimate,
                low: 1.0 - beats.high,
                high: 1.0 - beats.low,
            });
        }
    }
    let mut best = 0;
    for (index, agent) in scored.iter().enumerate() {
        if agent.iqm > scored[best].iqm {
            best = index;
        }
    }
    Ok(Some(Improvement {
        agents: scored.into_iter().map(|agent| agent.name).collect(),
        probability,
        best,
    }))
}
