//! `bench solvers`: how fast games are solved.

use std::{sync::Arc, time::Instant};

use clap::Args;
use palaestra_agents::equilibrium::{
    Cfr, CfrVariant, ConsensusGame, Egpo, EquilibriumRanking, ExtensiveGame, Iterate,
    PreferenceGame, PreferenceLearner, RankingState, Solver, SolverError, Updates,
};
use serde_json::json;

use super::super::{
    CliError, Exit,
    output::{Output, table},
};
use crate::solve::SolveError;

#[derive(Debug, Clone, Args)]
pub(super) struct BenchSolversArgs {
    /// Repetitions; the fastest counts
    #[arg(long, default_value_t = 5)]
    repetitions: u32,
}

/// What is measured: the work, and a number that tells that it was done.
type Work = fn() -> Result<(f64, f64), SolverError>;

const MEASURED: [(&str, &str, Work); 3] = [
    (
        "kuhn_cfr_plus",
        "Kuhn poker, 1,000 iterations of CFR+",
        kuhn,
    ),
    (
        "egpo",
        "1,000 updates of EGPO on 1,000 games of 10 responses",
        egpo,
    ),
    (
        "equilibrium_ranking",
        "5,000 iterations of Equilibrium-Ranking on 8 candidates",
        ranking,
    ),
];

pub(super) fn bench_solvers(output: &Output, args: &BenchSolversArgs) -> Result<Exit, CliError> {
    let mut rows = Vec::new();
    let mut documents = Vec::new();
    for (name, what, work) in MEASURED {
        let (mut best, mut result) = (f64::INFINITY, 0.0);
        for _ in 0..args.repetitions.max(1) {
            let (seconds, value) = work().map_err(|error| SolveError::Game {
                planner: name.into(),
                error,
            })?;
            best = best.min(seconds);
            result = value;
        }
        rows.push(vec![
            what.to_owned(),
            format!("{:.2} ms", 1e3 * best),
            format!("{result:.2e}"),
        ]);
        documents.push(json!({ "name": name, "what": what, "seconds": best, "gap": result }));
    }
    output.text(&table(&["what", "fastest", "gap after it"], &rows));
    output.document(
        "bench-solvers/1",
        &json!({ "repetitions": args.repetitions.max(1), "measured": documents }),
    );
    Ok(Exit::Success)
}

/// The time that `work` takes, without what comes before and after it.
fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let begin = Instant::now();
    let result = work();
    (begin.elapsed().as_secs_f64(), result)
}

fn kuhn() -> Result<(f64, f64), SolverError> {
    let game = Arc::new(ExtensiveGame::kuhn_poker()?);
    let mut solver = Cfr::new(game, CfrVariant::Plus, Updates::Alternating)?;
    let (seconds, ()) = timed(|| solver.run(1000));
    Ok((seconds, solver.gap(Iterate::Average)))
}

fn egpo() -> Result<(f64, f64), SolverError> {
    let learners = (0..1000).map(|seed| {
        let game = Arc::new(PreferenceGame::random(10, seed));
        PreferenceLearner::new(game, Egpo::default())
    });
    let mut learners = learners.collect::<Result<Vec<_>, _>>()?;
    let (seconds, ()) = timed(|| learners.iter_mut().for_each(|learner| learner.run(1000)));
    let gaps = learners
        .iter_mut()
        .map(|learner| learner.gap(Iterate::Last));
    Ok((seconds, gaps.fold(0.0, f64::max)))
}

fn ranking() -> Result<(f64, f64), SolverError> {
    // Likelihoods that disagree about the best candidate.
    let likelihood = |shift: usize| {
        (0..8)
            .map(|k| 1.0 / (1.0 + ((k + shift) % 8) as f64))
            .collect::<Vec<f64>>()
    };
    let generator = [likelihood(3), likelihood(0)];
    let discriminator = [likelihood(5), likelihood(2)];
    let game = Arc::new(ConsensusGame::new(&generator, &discriminator, true)?);
    let state = RankingState::new(&game);
    let mut solver = EquilibriumRanking::resume(game, state)?;
    let (seconds, ()) = timed(|| solver.run(5000));
    Ok((seconds, solver.gap(Iterate::Last)))
}
