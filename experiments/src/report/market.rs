//! The markets that were played in: one logged episode of each agent, simulated again.

use palaestra_envs::{market::host::MarketView, sim::Simulator};

use super::{
    MarketEpisode, ReportError,
    load::{LineUp, Loaded},
};
use crate::{
    Registries,
    episodes::{Episode, EpisodeId, EpisodeKind, EpisodeLog},
    market::realism::{PathTape, draw},
    replay::{place_actions, start},
    run::RunError,
};

/// Line-ups whose episodes are drawn.
const MOST_LINE_UPS: usize = 6;
/// Most moments of an episode: a picture is some hundred pixels wide.
const MOST_MOMENTS: usize = 500;
/// Seconds from which on a clock shows minutes.
const LONG: f64 = 3600.0;

/// One episode of each line-up, or `None` if none played in an order book or had its episodes logged.
pub(super) fn market(
    registries: &Registries,
    loaded: &Loaded,
    notes: &mut Vec<String>,
) -> Result<Option<Vec<MarketEpisode>>, ReportError> {
    let mut found = Vec::new();
    for line_up in &loaded.line_ups {
        // An environment that this program does not have cannot be looked into.
        let Some(mut simulator) = line_up.replay_simulator(registries) else {
            continue;
        };
        let Some(view) = simulator.view::<MarketView>(0).map_err(RunError::from)? else {
            continue;
        };
        let trial = &line_up.trials[0];
        let log = EpisodeLog::open(&trial.folder)?;
        let Some(id) = chosen(&log) else {
            continue;
        };
        if found.len() == MOST_LINE_UPS {
            notes.push(format!(
                "Order books are drawn of the first {MOST_LINE_UPS} agents only; `palaestra replay` shows the others."
            ));
            break;
        }
        let number = found.len() + 1;
        match log.read(id) {
            Ok(episode) => found.push(played(
                line_up,
                &mut simulator,
                view.tick,
                &episode,
                number,
            )?),
            Err(error) => notes.push(format!(
                "No order book is drawn of `{}`: {error}.",
                line_up.name
            )),
        }
    }
    Ok((!found.is_empty()).then_some(found))
}

/// The episode to show: the first of the last evaluation, or else the first of the training.
fn chosen(log: &EpisodeLog) -> Option<EpisodeId> {
    let complete = log.episodes().iter().filter(|info| info.ending.complete());
    let order = |id: &EpisodeId| match id.kind {
        EpisodeKind::Eval { round } => (0, u32::MAX - round, id.number),
        EpisodeKind::Train => (1, 0, id.number),
    };
    complete.map(|info| info.id).min_by_key(order)
}

/// Plays an episode again and looks at the book after each decision.
fn played(
    line_up: &LineUp,
    simulator: &mut Simulator,
    tick: i64,
    episode: &Episode,
    number: usize,
) -> Result<MarketEpisode, ReportError> {
    let length = episode.info.length;
    let every = length.div_ceil(MOST_MOMENTS).max(1);
    let mut tape = PathTape::new(tick);
    let (mut begin, mut volume, mut last) = (None, 0.0, 0.0);
    start(simulator, 0, episode).map_err(RunError::from)?;
    for step in 0..=length {
        if let Some(view) = simulator.view::<MarketView>(0).map_err(RunError::from)? {
            volume += view.volume as f64;
            last = (view.now - *begin.get_or_insert(view.now)) as f64 / 1e9;
            if step % every == 0 || step == length {
                let (bids, asks) = (view.bids.into_iter(), view.asks.into_iter());
                tape.add(last, std::mem::take(&mut volume), bids, asks);
            }
        }
        if step < length {
            place_actions(simulator, 0, episode, step);
            simulator.step().map_err(RunError::from)?;
        }
    }
    let mut path = tape.finish();
    let mut times = "seconds after the first decision";
    if last >= LONG {
        times = "minutes after the first decision";
        path.times.iter_mut().for_each(|time| *time /= 60.0);
    }
    Ok(MarketEpisode {
        agent: line_up.name.clone(),
        trial: line_up.trials[0].result.trial.clone(),
        episode: episode.info.id.to_string(),
        returns: episode.info.returns.clone(),
        every,
        times,
        path,
        plots: draw::NAMES
            .map(|name| format!("market_{name}-{number}"))
            .to_vec(),
    })
}
