//! What was played in the language games: how players fared, what was offered and taken, and theory beside it.

mod benchmark;
mod game;

use benchmark::{Benchmark, benchmark};
use game::{Game, Setting};
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
pub(super) const BIN: f64 = 0.1;
/// More players or line-ups than these in one picture are told apart by who plays only.
const MOST_CURVES: usize = 8;
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
    let mut played = Vec::new();
    for (index, line_up) in line_ups {
        let (stopped, games): (Vec<Game>, Vec<Game>) =
            (read(line_up, notes)?.into_iter()).partition(|game| game.stopped);
        let Some(family) = games.first().or(stopped.first()).map(|game| game.family) else {
            continue;
        };
        if !stopped.is_empty() {
            notes.push(format!(
                "{} of {} games of `{}` were stopped because a player gave no valid move or gave up; offers, outcomes \
                 and means are of the others.",
                stopped.len(),
                stopped.len() + games.len(),
                line_up.name
            ));
        }
        let names = loaded.entries.iter().filter(|entry| entry.line_up == index);
        let names: Vec<String> = names.map(|entry| entry.name.clone()).collect();
        for (player, name) in names.iter().enumerate() {
            let faring = faring(name, family, &games, &stopped, player);
            report.players.push(faring);
        }
        if !games.is_empty() {
            report.matches.push(matched(line_up, family, &games));
            played.push(Played {
                line_up,
                names,
                family,
                games,
            });
        }
    }
    for family in [Family::Bargaining, Family::Negotiation] {
        let sides = sides(&played, family);
        if sides.is_empty() {
            continue;
        }
        let pooled = sides.iter().any(|side| side.pooled);
        report.paths.push(OfferPaths {
            plot: format!("offers-{}", name(family)),
            family: name(family).into(),
            pooled,
            paths: sides.iter().map(path).collect(),
        });
        report.acceptance.push(Acceptances {
            plot: format!("acceptance-{}", name(family)),
            family: name(family).into(),
            pooled,
            curves: sides.iter().map(acceptance).collect(),
        });
    }
    let (pooled, clouds) = clouds(&played);
    // A curve of one point is none.
    report
        .paths
        .retain(|paths| paths.paths.iter().any(|path| path.rounds.len() > 1));
    report
        .acceptance
        .retain(|all| !all.curves.iter().all(|curve| curve.shares.is_empty()));
    if clouds.is_empty() && !report.players.is_empty() {
        report.meaning = "None of the logged games was brought to its end by the players: all were stopped, because one \
                          of them gave no valid move or gave up."
            .into();
    } else if clouds.is_empty() {
        report.meaning = "No complete game is logged, so offers and outcomes are not known. `episodes = \"all\"` in \
                          `[log]` logs them."
            .into();
    } else {
        report.meaning = "From the logged games that the players brought to their end: those of the last evaluation, \
                          or of training where there is none. Gains, efficiency and fairness are the measures of GLEE \
                          (arXiv 2410.05254), means over games."
            .into();
        report.outcomes = Some(Outcomes {
            plot: "efficiency-fairness".into(),
            pooled,
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
    let args = &line_up.config.env.args;
    let low = args.get("value_low").and_then(serde_json::Value::as_f64);
    let reading = args.get("reading").cloned();
    let setting = Setting {
        low: low.unwrap_or(0.0),
        reading: reading
            .and_then(|reading| serde_json::from_value(reading).ok())
            .unwrap_or_default(),
    };
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
                    games.extend(Game::read(&episode, &setting).map(|game| (round, game)));
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

/// The games of a line-up.
struct Played<'a> {
    line_up: &'a LineUp,
    /// Names of its players.
    names: Vec<String>,
    family: Family,
    games: Vec<Game>,
}

impl Played<'_> {
    /// Who plays as `player`, whoever the others are.
    fn agent(&self, player: usize) -> String {
        let line_up = self.line_up;
        let run = line_up
            .name
            .strip_suffix(&line_up.label)
            .unwrap_or_default();
        format!("{run}{}", line_up.trials[0].result.players[player].agent)
    }
}

/// Somebody who plays: games, each with the seat that it has in it.
struct Side<'a> {
    name: String,
    games: Vec<(&'a Game, usize)>,
    /// Whether its rivals and seats are several.
    pooled: bool,
}

/// Who plays a family: each player of each line-up, or each agent if those are too many for a picture.
fn sides<'a>(played: &'a [Played<'a>], family: Family) -> Vec<Side<'a>> {
    let played = || played.iter().filter(|played| played.family == family);
    let seats = || played().flat_map(|played| (0..played.names.len()).map(move |p| (played, p)));
    let pooled = seats().count() > MOST_CURVES;
    let mut sides: Vec<Side<'a>> = Vec::new();
    for (played, player) in seats() {
        let games = played.games.iter().map(|game| (game, player));
        let name = if pooled {
            played.agent(player)
        } else {
            played.names[player].clone()
        };
        match sides.iter_mut().find(|side| pooled && side.name == name) {
            Some(side) => side.games.extend(games),
            None => sides.push(Side {
                name,
                games: games.collect(),
                pooled,
            }),
        }
    }
    sides
}

/// Efficiency and fairness of each line-up, or of all games of each agent if those are too many for a picture.
fn clouds(played: &[Played<'_>]) -> (bool, Vec<OutcomeCloud>) {
    if played.len() <= MOST_CURVES {
        let clouds = played.iter().map(|played| {
            let games: Vec<&Game> = played.games.iter().collect();
            cloud(&played.line_up.name, &games)
        });
        return (false, clouds.collect());
    }
    let mut agents: Vec<(String, Vec<&Game>)> = Vec::new();
    for played in played {
        let mut names: Vec<String> = (0..played.names.len()).map(|p| played.agent(p)).collect();
        // Who meets itself has played once.
        names.dedup();
        for name in names {
            match agents.iter_mut().find(|(known, _)| *known == name) {
                Some((_, games)) => games.extend(&played.games),
                None => agents.push((name, played.games.iter().collect())),
            }
        }
    }
    let clouds = agents.iter().map(|(name, games)| cloud(name, games));
    (true, clouds.collect())
}

fn faring(agent: &str, family: Family, games: &[Game], stopped: &[Game], player: usize) -> Faring {
    let agreed = || games.iter().filter_map(|game| Some((game, game.agreed()?)));
    let all = games.len() as f64;
    let (agreement, rounds) = match family {
        Family::Persuasion => {
            let sold: f64 = games.iter().map(|game| f64::from(game.counts.sold())).sum();
            let rounds: f64 = games.iter().map(|game| f64::from(game.counts.rounds)).sum();
            ((rounds > 0.0).then(|| sold / rounds), None)
        }
        _ => (
            (all > 0.0).then(|| agreed().count() as f64 / all),
            mean(agreed().map(|(_, offer)| f64::from(offer.round))),
        ),
    };
    let bad = |game: &Game| f64::from(game.counts.rounds - game.counts.high);
    let words = || games.iter().chain(stopped).filter_map(|game| game.words);
    Faring {
        agent: agent.into(),
        family: name(family).into(),
        games: games.len(),
        agreement,
        share: mean(agreed().filter_map(|(game, offer)| game.share(offer.amount, player))),
        rounds,
        gain: mean(games.iter().map(|game| game.gains[player])),
        efficiency: mean(games.iter().filter_map(|game| game.efficiency)),
        fairness: mean(games.iter().filter_map(|game| game.fairness)),
        lies: (family == Family::Persuasion && player == 0)
            .then(|| mean(games.iter().map(|game| f64::from(game.lies) / bad(game))))
            .flatten(),
        stopped: stopped.len(),
        invalid: mean(words().map(|words| f64::from(words.invalid[player]))),
        fallbacks: mean(words().map(|words| f64::from(words.fallbacks[player]))),
    }
}

/// What somebody asks for in each round: its mean share of its own offers.
fn path(side: &Side<'_>) -> OfferPath {
    let offers = || {
        let offers = side.games.iter().flat_map(|&(game, player)| {
            let own = game
                .offers
                .iter()
                .filter(move |offer| offer.proposer == player);
            own.map(move |offer| (game, player, offer))
        });
        offers.filter_map(|(game, player, offer)| {
            Some((offer.round, game.share(offer.amount, player)?))
        })
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
        agent: side.name.clone(),
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

/// How often somebody accepts what gives it a share.
fn acceptance(side: &Side<'_>) -> AcceptanceCurve {
    let bins = (1.0 / BIN) as usize;
    let mut counts = vec![(0_usize, 0_usize); bins + 1];
    for &(game, player) in &side.games {
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
        agent: side.name.clone(),
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
    let kind = |game: &Game| (game.family, game.types, game.low, game.last, game.complete);
    kind(a) == kind(b)
}

/// Games in groups of one cell each, in the order in which cells come first.
fn cells<'a>(games: &[&'a Game]) -> Vec<Vec<&'a Game>> {
    let mut cells: Vec<Vec<&'a Game>> = Vec::new();
    for &game in games {
        match cells.iter_mut().find(|cell| alike(cell[0], game)) {
            Some(cell) => cell.push(game),
            None => cells.push(vec![game]),
        }
    }
    cells
}

/// Theory beside what was played, game by game.
fn matched(line_up: &LineUp, family: Family, games: &[Game]) -> Matched {
    let cells = matched_cells(&games.iter().collect::<Vec<&Game>>());
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
        compared: cells.iter().filter(|cell| cell.agrees.is_some()).count(),
        as_theory: cells
            .iter()
            .filter(|cell| cell.agrees == Some(true))
            .count(),
        cells,
    }
}

/// The cells of some games, each with its theory.
fn matched_cells(games: &[&Game]) -> Vec<BenchmarkCell> {
    cells(games).iter().map(|cell| compared(cell)).collect()
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
    let near = difference.is_some_and(|d| d.abs() <= tolerance(game.family, value, cell));
    let at = mean((cell.iter()).filter_map(|game| Some(f64::from(game.agreed()?.round))));
    // A deal of theory is one in every game; of a bargaining in which time costs somebody something, at once.
    let in_time = match game.family {
        Family::Bargaining => game.types == [1.0; 2] || at == Some(1.0),
        Family::Negotiation | Family::Persuasion => true,
    };
    let always = game.family == Family::Persuasion || agreed == cell.len();
    BenchmarkCell {
        types: game.types,
        value_low: (game.family == Family::Persuasion).then_some(game.low),
        rounds: game.last,
        complete: game.complete,
        games: cell.len(),
        theory: value,
        open: theory == Benchmark::Open,
        played,
        difference,
        agreement,
        agreed_in: at,
        gains: [0, 1].map(|player| mean(cell.iter().map(|game| game.gains[player])).unwrap_or(0.0)),
        agrees: match theory {
            Benchmark::Value(_) => Some(near && always && in_time),
            Benchmark::NoTrade => Some(agreed == 0),
            Benchmark::Open => None,
        },
    }
}

/// What a played value may differ by from theory to count as the same: a step of the default grid of offers.
const TOLERANCE: f64 = 0.01 + 1e-6;
/// Standard errors within which a share of sales is the one of theory.
const ERRORS: f64 = 3.0;

/// [`TOLERANCE`], and of sales what chance can do.
fn tolerance(family: Family, theory: Option<f64>, cell: &[&Game]) -> f64 {
    let (Family::Persuasion, Some(sales)) = (family, theory) else {
        return TOLERANCE;
    };
    let rounds: f64 = cell.iter().map(|game| f64::from(game.counts.rounds)).sum();
    let error = (sales * (1.0 - sales) / rounds).max(0.0).sqrt();
    TOLERANCE.max(ERRORS * error)
}

/// Efficiency and fairness of some games, as the paper's analysis clips them.
fn cloud(name: &str, games: &[&Game]) -> OutcomeCloud {
    let clipped = |value: Option<f64>| value.map_or(f64::NAN, |x| x.clamp(0.0, 1.0));
    let point = |games: &[&Game]| -> Option<[f64; 2]> {
        let efficiency = mean(games.iter().map(|game| clipped(game.efficiency)))?;
        let fairness = mean(games.iter().map(|game| clipped(game.fairness)))?;
        Some([efficiency, fairness])
    };
    OutcomeCloud {
        line_up: name.into(),
        centre: point(games),
        cells: cells(games).iter().filter_map(|cell| point(cell)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use palaestra_envs::language::metrics::Counts;

    use super::{
        Family,
        game::{Game, Offer},
        matched_cells, wilson,
    };

    /// A bargaining with a known end, agreed on in some round, or never.
    fn bargained(delta: f64, deal: Option<(f64, u16)>) -> Game {
        let offers = deal.map(|(amount, round)| Offer {
            round,
            proposer: 0,
            amount,
            accepted: true,
        });
        Game {
            family: Family::Bargaining,
            types: [delta; 2],
            low: 0.0,
            last: Some(1),
            complete: true,
            stopped: false,
            words: None,
            offers: offers.into_iter().collect(),
            counts: Counts::default(),
            lies: 0,
            gains: [0.0; 2],
            efficiency: None,
            fairness: None,
        }
    }

    /// Theory: Alice makes the only offer and gets all of it.
    #[test]
    fn play_is_as_theory_if_there_always_is_a_deal_at_once() {
        let agrees = |games: &[Game]| {
            let games: Vec<&Game> = games.iter().collect();
            let [cell] = &matched_cells(&games)[..] else {
                panic!("several cells");
            };
            cell.agrees
        };
        let at_once = bargained(0.9, Some((1.0, 1)));
        assert_eq!(agrees(&[at_once.clone(), at_once.clone()]), Some(true));
        assert_eq!(agrees(&[bargained(0.9, Some((0.98, 1)))]), Some(false));
        let never = bargained(0.9, None);
        assert_eq!(agrees(&[at_once.clone(), never]), Some(false));
        let late = bargained(0.9, Some((1.0, 3)));
        assert_eq!(agrees(&[late.clone(), at_once.clone()]), Some(false));
        // Time that costs nobody anything may pass.
        assert_eq!(agrees(&[bargained(1.0, Some((1.0, 3)))]), Some(true));
        // Where theory is silent nothing is as it says.
        let open = Game {
            complete: false,
            ..at_once
        };
        assert_eq!(agrees(&[open]), None);
    }

    /// Sales are held to three standard errors where those are more than a hundredth.
    #[test]
    fn sales_are_as_theory_within_what_chance_does() {
        let sold = |rounds: u16, gain: f64| {
            let game = Game {
                family: Family::Persuasion,
                types: [0.5, 1.25],
                counts: Counts {
                    rounds,
                    ..Counts::default()
                },
                gains: [gain, 0.0],
                ..bargained(1.0, None)
            };
            matched_cells(&[&game])[0].agrees
        };
        // Theory says 0.625; of 20 rounds that is to 0.32, of 10,000 to 0.0145.
        assert_eq!(sold(20, 0.9), Some(true));
        assert_eq!(sold(20, 1.0), Some(false));
        assert_eq!(sold(10_000, 0.639), Some(true));
        assert_eq!(sold(10_000, 0.641), Some(false));
    }

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
