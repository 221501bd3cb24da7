//! What was played in the language games: how players fared, what was offered and taken, and theory beside it.

mod benchmark;
mod game;

use benchmark::{Benchmark, benchmark};
use game::Game;
use palaestra_agents::language::Family;

use super::{
    AcceptanceCurve, Acceptances, BenchmarkCell, Faring, LanguageReport, Matched, OfferPath,
    OfferPaths, OutcomeCloud, Outcomes, ReportError,
    load::{LineUp, Loaded},
};
use crate::episodes::{EpisodeKind, EpisodeLog};

/// What the names of the environments begin with.
const GAMES: &str = "glee_";
/// Widths of the bins of offered shares.
const BIN: f64 = 0.1;
/// Fewest offers behind a point of an acceptance curve.
const FEWEST: usize = 3;
/// Standard normal quantile of a two-sided 95 % interval.
const Z: f64 = 1.959_964;

/// What the logs tell of the language games; `None` if none was played.
pub(super) fn language(
    loaded: &Loaded,
    notes: &mut Vec<String>,
) -> Result<Option<LanguageReport>, ReportError> {
    let line_ups = loaded.line_ups.iter().enumerate();
    let line_ups: Vec<(usize, &LineUp)> = line_ups
        .filter(|(_, line_up)| line_up.config.env.id.starts_with(GAMES))
        .collect();
    if line_ups.is_empty() {
        return Ok(None);
    }
    let mut report = LanguageReport::default();
    let mut clouds = Vec::new();
    for (index, line_up) in line_ups {
        let games = read(line_up, notes)?;
        let Some(family) = games.first().map(|game| game.family) else {
            continue;
        };
        let names: Vec<String> = (loaded.entries.iter())
            .filter(|entry| entry.line_up == index)
            .map(|entry| entry.name.clone())
            .collect();
        for (player, name) in names.iter().enumerate() {
            report.players.push(faring(name, family, &games, player));
            if family != Family::Persuasion {
                paths(&mut report.paths, family).push(path(name, &games, player));
                let curve = acceptance(name, &games, player);
                curves(&mut report.acceptance, family).push(curve);
            }
        }
        report.matches.push(matched(line_up, family, &games));
        clouds.push(cloud(&line_up.name, &games));
    }
    // A curve of one point is none.
    report
        .paths
        .retain(|paths| paths.paths.iter().any(|path| path.rounds.len() > 1));
    report
        .acceptance
        .retain(|all| !all.curves.iter().all(|curve| curve.shares.is_empty()));
    if clouds.is_empty() {
        report.meaning = "No complete game is logged, so offers and outcomes are not known. `episodes = \"all\"` in \
                          `[log]` logs them."
            .into();
    } else {
        report.meaning = "From the logged games that were played to their end: those of the last evaluation, or of \
                          training where there is none. Gains, efficiency and fairness are the measures of GLEE (arXiv \
                          2410.05254)."
            .into();
        report.outcomes = Some(Outcomes {
            plot: "efficiency-fairness".into(),
            clouds,
        });
    }
    Ok(Some(report))
}

/// Name of a family.
fn name(family: Family) -> &'static str {
    match family {
        Family::Bargaining => "bargaining",
        Family::Negotiation => "negotiation",
        Family::Persuasion => "persuasion",
    }
}

/// The games of a line-up.
fn read(line_up: &LineUp, notes: &mut Vec<String>) -> Result<Vec<Game>, ReportError> {
    let low = line_up.config.env.args.get("value_low");
    let low = low.and_then(serde_json::Value::as_f64).unwrap_or(0.0);
    let mut games: Vec<(Option<u32>, Game)> = Vec::new();
    for trial in &line_up.trials {
        let log = EpisodeLog::open(&trial.folder)?;
        let mut problems: Vec<String> = log.problems().iter().map(ToString::to_string).collect();
        for episode in log.read_all() {
            match episode {
                Ok(episode) => {
                    let round = match episode.info.id.kind {
                        EpisodeKind::Train => None,
                        EpisodeKind::Eval { round } => Some(round),
                    };
                    games.extend(Game::read(&episode, low).map(|game| (round, game)));
                }
                Err(error) => problems.push(error.to_string()),
            }
        }
        if let Some(first) = problems.first() {
            notes.push(format!(
                "The episode log of trial `{}` is damaged, and games are from the rest of it: {first}.",
                trial.result.trial
            ));
        }
    }
    let last = games.iter().filter_map(|(round, _)| *round).max();
    let counted = games.into_iter().filter(|(round, _)| *round == last);
    Ok(counted.map(|(_, game)| game).collect())
}

/// The mean of the finite ones of some numbers.
fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values
        .into_iter()
        .filter(|value| value.is_finite())
        .fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
    (n > 0.0).then(|| sum / n)
}

fn faring(agent: &str, family: Family, games: &[Game], player: usize) -> Faring {
    let agreed = || games.iter().filter_map(|game| Some((game, game.agreed()?)));
    let all = games.len() as f64;
    let (agreement, rounds) = match family {
        Family::Persuasion => {
            let sold: f64 = games.iter().map(|game| f64::from(game.counts.sold())).sum();
            let rounds: f64 = games.iter().map(|game| f64::from(game.counts.rounds)).sum();
            (sold / rounds, None)
        }
        _ => (
            agreed().count() as f64 / all,
            mean(agreed().map(|(_, offer)| f64::from(offer.round))),
        ),
    };
    let bad = |game: &Game| f64::from(game.counts.rounds - game.counts.high);
    Faring {
        agent: agent.into(),
        family: name(family).into(),
        games: games.len(),
        agreement,
        share: mean(agreed().filter_map(|(game, offer)| game.share(offer.amount, player))),
        rounds,
        gain: mean(games.iter().map(|game| game.gains[player])).unwrap_or(0.0),
        efficiency: mean(games.iter().filter_map(|game| game.efficiency)),
        fairness: mean(games.iter().filter_map(|game| game.fairness)),
        lies: (family == Family::Persuasion && player == 0)
            .then(|| mean(games.iter().map(|game| f64::from(game.lies) / bad(game))))
            .flatten(),
    }
}

/// The paths of a family.
fn paths(all: &mut Vec<OfferPaths>, family: Family) -> &mut Vec<OfferPath> {
    let known = all.iter().position(|paths| paths.family == name(family));
    let at = known.unwrap_or_else(|| {
        all.push(OfferPaths {
            plot: format!("offers-{}", name(family)),
            family: name(family).into(),
            paths: Vec::new(),
        });
        all.len() - 1
    });
    &mut all[at].paths
}

/// The acceptance curves of a family.
fn curves(all: &mut Vec<Acceptances>, family: Family) -> &mut Vec<AcceptanceCurve> {
    let known = all.iter().position(|curves| curves.family == name(family));
    let at = known.unwrap_or_else(|| {
        all.push(Acceptances {
            plot: format!("acceptance-{}", name(family)),
            family: name(family).into(),
            curves: Vec::new(),
        });
        all.len() - 1
    });
    &mut all[at].curves
}

/// What `player` asks for in each round: its mean share of its own offers.
fn path(agent: &str, games: &[Game], player: usize) -> OfferPath {
    let offers = || {
        let own = games
            .iter()
            .flat_map(|game| game.offers.iter().map(move |offer| (game, offer)));
        let own = own.filter(|(_, offer)| offer.proposer == player);
        own.filter_map(|(game, offer)| Some((offer.round, game.share(offer.amount, player)?)))
    };
    let mut rounds: Vec<u16> = offers().map(|(round, _)| round).collect();
    rounds.sort_unstable();
    rounds.dedup();
    let in_round = |round: u16| {
        offers()
            .filter(move |offer| offer.0 == round)
            .map(|offer| offer.1)
    };
    OfferPath {
        agent: agent.into(),
        shares: rounds
            .iter()
            .filter_map(|&round| mean(in_round(round)))
            .collect(),
        offers: rounds
            .iter()
            .map(|&round| in_round(round).count())
            .collect(),
        rounds,
    }
}

/// How often `player` accepts what gives it a share.
fn acceptance(agent: &str, games: &[Game], player: usize) -> AcceptanceCurve {
    let bins = (1.0 / BIN) as usize;
    let mut counts = vec![(0_usize, 0_usize); bins + 1];
    for game in games {
        for offer in game.offers.iter().filter(|offer| offer.proposer != player) {
            let Some(share) = game.share(offer.amount, player) else {
                continue;
            };
            if !(-1e-6..=1.0 + 1e-6).contains(&share) {
                continue;
            }
            // Offers on the grid of a hundredth that lie between two bins belong to the upper one.
            let bin = ((share + 1e-6) / BIN).round() as usize;
            counts[bin.min(bins)].0 += usize::from(offer.accepted);
            counts[bin.min(bins)].1 += 1;
        }
    }
    let mut curve = AcceptanceCurve {
        agent: agent.into(),
        ..AcceptanceCurve::default()
    };
    for (bin, (accepted, offers)) in counts.into_iter().enumerate() {
        if offers < FEWEST {
            continue;
        }
        let [low, high] = wilson(accepted, offers);
        curve.shares.push(bin as f64 * BIN);
        curve.accepted.push(accepted as f64 / offers as f64);
        curve.low.push(low);
        curve.high.push(high);
        curve.offers.push(offers);
    }
    curve
}

/// Wilson's interval of a share (*Probable inference, the law of succession, and statistical inference*, JASA 22, 1927).
fn wilson(hits: usize, of: usize) -> [f64; 2] {
    let (n, share) = (of as f64, hits as f64 / of as f64);
    let scale = 1.0 + Z * Z / n;
    let centre = (share + Z * Z / (2.0 * n)) / scale;
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt() / scale;
    [(centre - half).max(0.0), (centre + half).min(1.0)]
}

/// Whether two games are one cell of the tables.
fn alike(a: &Game, b: &Game) -> bool {
    (a.types, a.last, a.complete) == (b.types, b.last, b.complete)
}

/// Games in groups of one cell each, in the order in which cells come first.
fn cells(games: &[Game]) -> Vec<Vec<&Game>> {
    let mut cells: Vec<Vec<&Game>> = Vec::new();
    for game in games {
        match cells.iter_mut().find(|cell| alike(cell[0], game)) {
            Some(cell) => cell.push(game),
            None => cells.push(vec![game]),
        }
    }
    cells
}

/// Theory beside what was played, game by game.
fn matched(line_up: &LineUp, family: Family, games: &[Game]) -> Matched {
    let cells: Vec<BenchmarkCell> = cells(games).iter().map(|cell| compared(cell)).collect();
    let differences = || cells.iter().filter_map(|cell| Some(cell.difference?.abs()));
    let largest = differences().fold(None, |most: Option<f64>, x| {
        Some(most.map_or(x, |y| x.max(y)))
    });
    Matched {
        name: line_up.name.clone(),
        family: name(family).into(),
        quantity: match family {
            Family::Bargaining => "Alice's share",
            Family::Negotiation => "price",
            Family::Persuasion => "sales per round",
        }
        .into(),
        with_itself: line_up.plays_itself(),
        mean_difference: mean(differences()),
        largest_difference: largest,
        as_theory: cells.iter().filter(|cell| cell.agrees).count(),
        cells,
    }
}

fn compared(cell: &[&Game]) -> BenchmarkCell {
    let game = cell[0];
    let played = match game.family {
        Family::Persuasion => mean(cell.iter().map(|game| game.gains[0])),
        _ => mean(cell.iter().filter_map(|game| Some(game.agreed()?.amount))),
    };
    let agreed = cell.iter().filter(|game| game.agreed().is_some()).count();
    let agreement = match game.family {
        Family::Persuasion => played.unwrap_or(0.0),
        _ => agreed as f64 / cell.len() as f64,
    };
    let theory = benchmark(game);
    let value = match theory {
        Benchmark::Value(value) => Some(value),
        Benchmark::NoTrade | Benchmark::Open => None,
    };
    let difference = value.zip(played).map(|(value, played)| played - value);
    BenchmarkCell {
        types: game.types,
        rounds: game.last,
        complete: game.complete,
        games: cell.len(),
        theory: value,
        open: theory == Benchmark::Open,
        played,
        difference,
        agreement,
        gains: [0, 1].map(|player| mean(cell.iter().map(|game| game.gains[player])).unwrap_or(0.0)),
        agrees: match theory {
            Benchmark::Value(_) => difference.is_some_and(|d| d.abs() <= TOLERANCE),
            Benchmark::NoTrade => agreed == 0,
            Benchmark::Open => true,
        },
    }
}

/// What a played value may differ by from theory to count as the same: a step of the default grid of offers.
const TOLERANCE: f64 = 0.01 + 1e-6;

/// Efficiency and fairness of a line-up, as the paper's analysis clips them.
fn cloud(agent: &str, games: &[Game]) -> OutcomeCloud {
    let clipped = |value: Option<f64>| value.map_or(f64::NAN, |x| x.clamp(0.0, 1.0));
    let point = |games: &[&Game]| -> Option<[f64; 2]> {
        let efficiency = mean(games.iter().map(|game| clipped(game.efficiency)))?;
        let fairness = mean(games.iter().map(|game| clipped(game.fairness)))?;
        Some([efficiency, fairness])
    };
    let all: Vec<&Game> = games.iter().collect();
    OutcomeCloud {
        line_up: agent.into(),
        centre: point(&all),
        cells: cells(games).iter().filter_map(|cell| point(cell)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::wilson;

    #[test]
    fn intervals_of_shares_are_wilsons() {
        // Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263, and 0 of 20.
        let [low, high] = wilson(81, 263);
        assert!(
            (low - 0.2553).abs() < 5e-5 && (high - 0.3662).abs() < 5e-5,
            "{low} {high}"
        );
        let [low, high] = wilson(0, 20);
        assert!(low == 0.0 && (high - 0.1611).abs() < 5e-5, "{high}");
    }
}
