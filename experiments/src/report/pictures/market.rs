//! Pictures of the order books of episodes.

use crate::{
    market::realism::draw::{self, Captions},
    plot::PlotError,
    report::{MarketEpisode, Report},
};

/// Names of the pictures in the order of the page.
pub(super) fn names(report: &Report) -> impl Iterator<Item = String> + '_ {
    let episodes = report.market.iter().flatten();
    episodes.flat_map(|episode| episode.plots.iter().cloned())
}

/// The pictures of an episode, in the order of its names; the last one is a map.
pub(super) fn draw(episode: &MarketEpisode) -> Result<[String; 4], PlotError> {
    let volume = match episode.every {
        1 => "shares traded since the last decision".to_owned(),
        every => format!("shares traded in {every} decisions"),
    };
    let captions = Captions {
        who: Some(episode.agent.clone()),
        subtitle: format!("episode {} of {}", episode.episode, episode.trial),
        times: episode.times,
        volume,
    };
    draw::draw(&episode.path, None, &captions)
}
