//! The report of one or several runs: a page, its pictures, and every number behind them.
//!
//! ```text
//! OUT/
//!   report.html    one file that needs no other, no script and no network; for screens, phones and paper
//!   report.json    all numbers of the page and its pictures (`report/2`)
//!   plots/*.svg    the pictures, each also as PNG
//! ```
//!
//! Only complete trials are reported on, and the page says how many are missing. Reduction follows Agarwal,
//! Schwarzer, Castro, Courville, Bellemare, *Deep Reinforcement Learning at the Edge of the Statistical Precipice*,
//! NeurIPS 2021: interquartile means with bootstrap intervals over seeds, and probabilities of improvement.
//!
//! The way from runs to the page: `load` reads the folders; `scores`, `curves`, `regret` and `arms`
//! reduce them to a [`Report`], plain data; `pictures` draws it and `page` lays it out. The same runs give the same
//! bytes: resampling is seeded, and the only dates are those of the manifests.
//!
//! For bandits that offer their exact model, `bandit` plans with full information, so that `regret`, `normalised` and
//! `schedules` can compare what was earned with what could have been. For POMDPs that offer theirs, `pomdp` computes
//! bounds and `discounted` the returns that are held against them. For language games, `language` reads offers and outcomes from
//! the logs and holds them against theory.

mod arms;
mod bandit;
mod curves;
mod discounted;
mod document;
pub(crate) mod figures;
mod growth;
mod language;
mod load;
mod market;
mod meta_game;
mod normalised;
pub(crate) mod page;
mod pictures;
mod pomdp;
mod reduce;
mod regret;
mod schedules;
mod scores;
pub(crate) mod sheet;
mod tasks;
pub(crate) mod text;
mod trials;
mod write;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use bandit::Models;
pub use document::{
    AcceptanceCurve, Acceptances, AgentArms, AgentStrip, AgentSummary, AlphaLine, AlphaPicture,
    Arms, ArmsReport, BanditInstance, BanditReport, BenchmarkCell, BoundsTrace, CurvePlot,
    CurveSeries, DiscountedReturns, DiscountedRow, Faring, Growth, GrowthBasis, GrowthRow,
    Improvement, InfoSummary, LanguageReport, LeftOut, MarketEpisode, Matched, MetaCell,
    MetaGameReport, MetaRating, NormalisedRow, NormalisedScores, OfferPath, OfferPaths,
    OutcomeCloud, Outcomes, PlannedStrip, PomdpBound, PomdpProblem, PomdpReport, PomdpsReport,
    ReferenceLine, Regret, RegretNotion, RegretReport, RegretRow, Report, RunSummary, SCHEMA,
    Schedules, SchedulesReport, Statistics, TasksReport, TasksRow, Told, ValuePlot, ValueRow,
};
use load::Loaded;
use tasks::Tasks;
pub use write::write;
pub(crate) use write::write_page;

use crate::{
    Registries,
    config::ConfigError,
    episodes::EpisodeError,
    files::FileError,
    plot::PlotError,
    run::{RunError, RunStatus},
    stats::{Bootstrap, StatsError},
};

/// Seed of all resampling in reports.
const SEED: u64 = 0;

/// The configuration of the resampling.
const STATISTICS: Statistics = Statistics {
    confidence: 0.95,
    replicates: 50_000,
    comparison_replicates: 10_000,
    curve_replicates: 2_000,
    seed: SEED,
};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// No run was named.
    #[error("a report needs at least one run folder")]
    NoRun,
    /// A run could not be read.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The configuration of a run could not be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A run of which no trial is complete.
    #[error(
        "no trial of {} is complete yet (its status: {}); `palaestra resume {0}` finishes it",
        .path.display(), status_name(*.status)
    )]
    NoCompleteTrial {
        /// The run.
        path: PathBuf,
        /// How it stands.
        status: RunStatus,
    },
    /// Runs on different environments.
    #[error(
        "`{}` ran on `{}` and `{}` on `{}`: returns of different environments cannot be compared; report on each run \
         by itself", .first.0, .first.1, .second.0, .second.1
    )]
    MixedEnvironments {
        /// Name and environment of the first run.
        first: (String, String),
        /// Name and environment of one that differs.
        second: (String, String),
    },
    /// Runs whose scores mean different things.
    #[error(
        "the scores of `{}` are {}, those of `{}` are {}: they cannot be compared; report on each run by itself, or \
         give both the same `eval.episodes`", .first.0, .first.1, .second.0, .second.1
    )]
    MixedScores {
        /// Name of the first run and what its scores are.
        first: (String, String),
        /// Name and scores of one that differs.
        second: (String, String),
    },
    /// A metrics file that is damaged, or not one of ours.
    #[error("{}: {reason}; remove the trial's folder and `palaestra resume` the run to make it again", .path.display())]
    Metrics {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Trials of one agent that do not belong together.
    #[error("trial `{trial}` does not fit the others of `{label}`: {reason}")]
    MixedTrials {
        /// The trial.
        trial: String,
        /// Its agent or line-up.
        label: String,
        /// What differs.
        reason: String,
    },
    /// The episode log.
    #[error(transparent)]
    Episodes(#[from] EpisodeError),
    /// A statistic could not be computed.
    #[error(transparent)]
    Stats(#[from] StatsError),
    /// A picture could not be drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// A file could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The document could not be written as JSON.
    #[error("cannot write the report as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// A status in words.
fn status_name(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Running => "running, or killed",
        RunStatus::Interrupted => "interrupted",
        RunStatus::Failed => "failed",
        RunStatus::Complete => "complete",
    }
}

/// What a report is to tell beyond the usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Also the regret against the arms that pay most in their present states, which rewards greedy play.
    pub myopic: bool,
}

/// Reads the runs in `paths` and reduces them to a report. `registries` is asked for what the environments know about
/// themselves (the rate that regret is measured against, the model of a bandit); agents need not be registered.
///
/// # Errors
/// [`ReportError`].
pub fn report(
    registries: &Registries,
    paths: &[PathBuf],
    options: Options,
) -> Result<Report, ReportError> {
    let loaded = Loaded::read(paths)?;
    let several = Tasks::of(&loaded);
    let mut notes = loaded.notes(several.is_some());
    let agents = scores::agents(&loaded, &mut notes)?;
    let meta_game = meta_game::meta_game(&loaded, &mut notes);
    let several = several.filter(|_| meta_game.is_none());
    let (tasks, improvement) = match &several {
        Some(tasks) => {
            let (table, improvement) = tasks.report(&agents)?;
            (Some(table), improvement)
        }
        None if meta_game.is_some() => (None, None),
        None => (None, scores::improvement(&agents)?),
    };
    let models = Models::of(registries, &loaded, &mut notes);
    let mut played = arms::arms(registries, &loaded, &mut notes)?;
    let myopic = options.myopic.then_some(&played.myopic[..]);
    let regret = regret::regret(registries, &loaded, &models, myopic)?;
    let known_rate = regret::common_rate(&loaded, regret.as_ref());
    // A tournament has a curve for every seat of every pairing: nobody can read them.
    let drawn = if meta_game.is_some() {
        curves::Drawn::default()
    } else {
        let drawn = curves::curves(&loaded, &agents, known_rate, &mut notes)?;
        match &several {
            Some(tasks) => tasks.apart(drawn, &agents),
            None => drawn,
        }
    };
    let arms = played.report.take();
    let bandit = models.report(&loaded, played)?;
    let pomdp = pomdp::pomdp(registries, &loaded, &mut notes)?;
    let market = market::market(registries, &loaded, &mut notes)?;
    let language = language::language(&loaded, &mut notes)?;
    let mut report = Report {
        schema: SCHEMA,
        score: loaded.score_meaning(),
        seeds_are_games: loaded.games.is_some(),
        runs: loaded.runs,
        statistics: STATISTICS,
        agents,
        improvement,
        tasks,
        curves: drawn.curves,
        values: drawn.values,
        regret,
        bandit,
        pomdp,
        market,
        language,
        meta_game,
        arms,
        left_out: drawn.left_out,
        notes,
        plots: Vec::new(),
    };
    report.plots = pictures::names(&report);
    Ok(report)
}

/// Resampling with `replicates` at the report's confidence.
fn bootstrap(replicates: u32) -> Bootstrap {
    Bootstrap {
        replicates,
        confidence: STATISTICS.confidence,
    }
}
