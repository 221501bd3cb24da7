//! What a report says, as data: `report.json`. The page and the pictures are drawn from it and nothing else.
//!
//! Lists of agents are in one order everywhere: runs as given, agents as configured, players as the environment names
//! them. A statistic that cannot be had (the standard error of one seed) is absent or `null`.

mod bandit;
mod language;
mod market;
mod meta_game;
mod pomdp;
mod regret;

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    config::Config,
    run::RunStatus,
    stats::{Interval, Summary},
};

pub use bandit::{
    AgentArms, AgentStrip, Arms, ArmsReport, BanditInstance, BanditReport, NormalisedRow,
    NormalisedScores, PlannedStrip, Schedules, SchedulesReport, Told,
};
pub use language::{
    AcceptanceCurve, Acceptances, BenchmarkCell, Faring, LanguageReport, Matched, OfferPath,
    OfferPaths, OutcomeCloud, Outcomes,
};
pub use market::MarketEpisode;
pub use meta_game::{MetaCell, MetaGameReport, MetaRating};
pub use pomdp::{
    AlphaLine, AlphaPicture, BoundsTrace, DiscountedReturns, DiscountedRow, PomdpBound,
    PomdpProblem, PomdpReport, PomdpsReport,
};
pub use regret::{Growth, GrowthBasis, GrowthRow, Regret, RegretNotion, RegretReport, RegretRow};

/// Name and version of the form of this document.
pub const SCHEMA: &str = "report/2";

/// A report on one or several runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The runs, in the order given.
    pub runs: Vec<RunSummary>,
    /// How intervals are computed.
    pub statistics: Statistics,
    /// What `score` means here, in a sentence.
    pub score: String,
    /// Whether what counts as a seed is a game with a seed, as in a sweep over the games of one family: all intervals over
    /// seeds then tell how different the games are.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub seeds_are_games: bool,
    /// The final table.
    pub agents: Vec<AgentSummary>,
    /// How likely one agent beats another; absent with fewer than two agents, or with a single
    /// seed for each.
    pub improvement: Option<Improvement>,
    /// Agents on several tasks; absent if all ran on one environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tasks: Option<TasksReport>,
    /// Curves over the run.
    pub curves: Vec<CurvePlot>,
    /// Quantities with a single value per seed.
    pub values: Vec<ValuePlot>,
    /// Regret against a known rate; absent if the environment is not one that has regret.
    pub regret: Option<RegretReport>,
    /// What can be earned in a bandit, and how near the agents came to it; absent if the environment is not a bandit.
    pub bandit: Option<BanditReport>,
    /// What can be earned in a POMDP, and what was; absent if the environment is not one with an explicit model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pomdp: Option<PomdpReport>,
    /// The order books of episodes; absent if none was played in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market: Option<Vec<MarketEpisode>>,
    /// Offers, outcomes and theory; absent if no language game was played.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<LanguageReport>,
    /// Who beats whom in a tournament; absent if the run is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta_game: Option<MetaGameReport>,
    /// Pulls and visited states; absent if the environment is not a bandit.
    pub arms: Option<ArmsReport>,
    /// Quantities that were measured and are not drawn, with the reason.
    pub left_out: Vec<LeftOut>,
    /// What the reader must know: missing trials, values that are not finite, and the like.
    pub notes: Vec<String>,
    /// The pictures: file names below `plots/` without extension, in the order of the page.
    pub plots: Vec<String>,
}

impl Report {
    /// Whether the total reward of any agent says something beside its score. Over games it does not: training cuts them
    /// where it ends.
    pub fn total_is_not_the_score(&self) -> bool {
        let differs = |agent: &AgentSummary| agent.score != agent.total_reward;
        !self.seeds_are_games && self.agents.iter().any(differs)
    }

    /// What counts as a seed, in the plural.
    pub fn seeds(&self) -> &'static str {
        if self.seeds_are_games {
            "games"
        } else {
            "seeds"
        }
    }
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunSummary {
    /// Its name in this report.
    pub name: String,
    /// How the run stands.
    pub status: RunStatus,
    /// Trials planned.
    pub trials: usize,
    /// Complete trials, the only ones reported on.
    pub complete: usize,
    /// Names of the trials that are not complete.
    pub missing: Vec<String>,
    /// BLAKE3 of the configuration without seeds.
    pub config_hash: String,
    /// Version of the program that ran it.
    pub palaestra: String,
    /// Git commit of the folder it was started in.
    pub commit: Option<String>,
    /// Operating system and architecture.
    pub platform: String,
    /// Processor model.
    pub processor: Option<String>,
    /// Trials run at a time.
    pub threads: usize,
    /// Device of learned models.
    pub device: String,
    /// When it was started.
    pub started: Timestamp,
    /// When its status last changed.
    pub updated: Timestamp,
    /// The configuration.
    pub config: Config,
    /// The configuration as text, for the page.
    #[serde(skip)]
    pub resolved: String,
}

/// How intervals are computed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statistics {
    /// Probability that intervals are to cover.
    pub confidence: f64,
    /// Bootstrap replicates behind the intervals of final scores.
    pub replicates: u32,
    /// Bootstrap replicates behind the probabilities of improvement, normalised scores, and exponents of regret.
    pub comparison_replicates: u32,
    /// Bootstrap replicates behind the bands of curves.
    pub curve_replicates: u32,
    /// Seed of the resampling.
    pub seed: u64,
}

/// A line of the final table: one agent, or one player of a game.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AgentSummary {
    /// Its name in tables and plots.
    pub name: String,
    /// The run, as in [`RunSummary::name`].
    pub run: String,
    /// Name of the agent, or of the line-up, in the run.
    pub label: String,
    /// The player.
    pub player: String,
    /// Seeds of the complete trials.
    pub seeds: Vec<u64>,
    /// Score per seed; `null` where it is not finite.
    pub scores: Vec<Option<f64>>,
    /// Mean score. This and what follows are over the finite scores; absent without any.
    pub score: Option<Summary>,
    /// Interquartile mean of the scores; with a single score the interval is empty.
    pub iqm: Option<Interval>,
    /// Total reward of the run, mean over rows.
    pub total_reward: Option<Summary>,
    /// Totals of info fields, mean over rows.
    pub info: Vec<InfoSummary>,
}

/// The total of an info field.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InfoSummary {
    /// Name of the field.
    pub name: String,
    /// Its total over the run, mean over rows.
    pub total: Summary,
}

/// The probability that one agent scores higher than another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Improvement {
    /// The agents that have scores.
    pub agents: Vec<String>,
    /// `probability[x][y]`: that a run of `x` scores higher than a run of `y`; ties count one half. The diagonal is
    /// `null`.
    pub probability: Vec<Vec<Option<Interval>>>,
    /// Index into `agents` of the one with the highest interquartile mean (the first of equals).
    pub best: usize,
}

/// Agents by tasks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TasksReport {
    /// Name of the picture.
    pub plot: String,
    /// What the numbers are.
    pub meaning: String,
    /// The environments, with their arguments where the name alone does not tell them apart.
    pub tasks: Vec<String>,
    /// A row for each agent.
    pub rows: Vec<TasksRow>,
}

/// An agent on all tasks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TasksRow {
    /// Its name.
    pub agent: String,
    /// Interquartile mean on each task; `null` where there is no score.
    pub cells: Vec<Option<Interval>>,
    /// Seeds on each task behind `all`.
    pub runs: usize,
    /// Interquartile mean of all scores of all tasks; `null` if a task has none.
    pub all: Option<Interval>,
}

/// A quantity over the run, one curve per agent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CurvePlot {
    /// Name of the picture.
    pub plot: String,
    /// Heading.
    pub title: String,
    /// The quantity, as on the axis.
    pub quantity: String,
    /// What `x` counts.
    pub x_label: String,
    /// The metric keys it is read from.
    pub keys: Vec<String>,
    /// How points were made from the metrics, if not as they are.
    pub smoothing: Option<String>,
    /// A known value to compare with.
    pub reference: Option<ReferenceLine>,
    /// The curves, one for every agent, empty for those without this metric.
    pub series: Vec<CurveSeries>,
}

/// A known value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReferenceLine {
    /// Where.
    pub value: f64,
    /// What it stands for.
    pub label: String,
}

/// The curve of one agent: interquartile mean over seeds with a pointwise bootstrap interval.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct CurveSeries {
    /// Name of the agent.
    pub agent: String,
    /// Seeds behind it.
    pub seeds: usize,
    /// Positions.
    pub x: Vec<f64>,
    /// Interquartile mean at each position.
    pub iqm: Vec<f64>,
    /// Lower end of the interval at each position.
    pub low: Vec<f64>,
    /// Upper end of the interval at each position.
    pub high: Vec<f64>,
}

/// A quantity with one value per seed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValuePlot {
    /// Name of the picture.
    pub plot: String,
    /// Heading.
    pub title: String,
    /// The quantity, as on the axis.
    pub quantity: String,
    /// The metric keys it is read from.
    pub keys: Vec<String>,
    /// The agents that have it.
    pub rows: Vec<ValueRow>,
}

/// The values of one agent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValueRow {
    /// Name of the agent.
    pub agent: String,
    /// One value per seed.
    pub values: Vec<f64>,
    /// Their interquartile mean.
    pub iqm: Interval,
}

/// A quantity that is not drawn.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeftOut {
    /// The quantity.
    pub quantity: String,
    /// Why.
    pub reason: String,
}
