//! The meta-game of a tournament: agents as actions, what they score against each other as payoffs.
//!
//! Three answers to who is best. α-Rank (Omidshafiei et al., arXiv 1903.01373), a population of agents for each player: what
//! survives selection and mutation. Nash averaging (Balduzzi et al., arXiv 1806.02643), for two players: how an agent does,
//! in both seats, against the most even equilibrium of all. And the profiles in which nobody would send another agent.

use palaestra_agents::equilibrium::{
    MOST_PROFILES, NormalFormGame, Selection, alpha_rank_populations, nash_average,
};

use super::{
    MetaCell, MetaGameReport, MetaRating,
    load::{LineUp, Loaded},
};
use crate::stats::Summary;

/// Selection: OpenSpiel's defaults, with payoffs divided by the largest.
const ALPHA: f64 = 100.0;
const POPULATION: u32 = 50;

/// The meta-game, if the only run is a tournament.
pub(super) fn meta_game(loaded: &Loaded, notes: &mut Vec<String>) -> Option<MetaGameReport> {
    let [run] = &loaded.runs[..] else {
        return None;
    };
    run.config.tournament.as_ref()?;
    let agents: Vec<String> = run
        .config
        .agents
        .iter()
        .map(|a| a.label().to_owned())
        .collect();
    let first = loaded.line_ups.first()?;
    let players: Vec<String> = first
        .players()
        .iter()
        .map(|name| (*name).to_owned())
        .collect();
    let profiles = agents.len().checked_pow(players.len() as u32)?;
    let mut samples: Vec<Vec<Vec<f64>>> = vec![vec![Vec::new(); players.len()]; profiles];
    for line_up in &loaded.line_ups {
        add(line_up, &agents, &mut samples)?;
    }
    let cells: Vec<MetaCell> = samples
        .iter()
        .enumerate()
        .map(|(profile, samples)| MetaCell {
            agents: names(&agents, players.len(), profile),
            scores: samples
                .iter()
                .map(|values| Summary::of(values).ok())
                .collect(),
        })
        .collect();
    let mut report = MetaGameReport {
        players,
        agents,
        plot: PLOT.into(),
        cells,
        pure_equilibria: Vec::new(),
        alpha_rank: Vec::new(),
        ratings: Vec::new(),
    };
    rank(&mut report, notes);
    Some(report)
}

/// Name of the picture.
pub(super) const PLOT: &str = "ratings";

/// Adds the scores of a line-up's trials to its profile.
fn add(line_up: &LineUp, agents: &[String], samples: &mut [Vec<Vec<f64>>]) -> Option<()> {
    for trial in &line_up.trials {
        let seats = trial.result.players.iter();
        let places = seats.map(|seat| agents.iter().position(|agent| *agent == seat.agent));
        let profile = places.collect::<Option<Vec<_>>>()?;
        let profile = profile
            .iter()
            .fold(0, |sum, place| sum * agents.len() + place);
        for (values, seat) in samples
            .get_mut(profile)?
            .iter_mut()
            .zip(&trial.result.players)
        {
            values.extend(seat.score.is_finite().then_some(seat.score));
        }
    }
    Some(())
}

/// The agents of a profile, in the order of the players.
fn names(agents: &[String], players: usize, profile: usize) -> Vec<String> {
    let mut rest = profile;
    let mut names: Vec<String> = (0..players)
        .map(|_| {
            let agent = agents[rest % agents.len()].clone();
            rest /= agents.len();
            agent
        })
        .collect();
    names.reverse();
    names
}

/// Ranks and rates, if every profile has been played.
fn rank(report: &mut MetaGameReport, notes: &mut Vec<String>) {
    let (agents, players) = (report.agents.len(), report.players.len());
    let missing = report
        .cells
        .iter()
        .filter(|cell| cell.scores.iter().any(Option::is_none));
    let missing: Vec<String> = missing.map(|cell| cell.agents.join(" vs ")).collect();
    if let Some(one) = missing.first() {
        notes.push(format!(
            "{} of {} pairings of the tournament have no scores (`{one}`): there is no ranking without all of them.",
            missing.len(),
            report.cells.len()
        ));
        return;
    }
    let payoff = |profile: usize, player: usize| {
        let cell: &MetaCell = &report.cells[profile];
        cell.scores[player]
            .as_ref()
            .map_or(0.0, |summary| summary.mean)
    };
    let profiles = report.cells.len();
    let largest = (0..profiles)
        .flat_map(|profile| (0..players).map(move |player| (profile, player)))
        .fold(0.0_f64, |most, (profile, player)| {
            most.max(payoff(profile, player).abs())
        });
    let scale = if largest > 0.0 { largest } else { 1.0 };
    let payoffs = (0..players).map(|player| {
        (0..profiles)
            .map(|profile| payoff(profile, player) / scale)
            .collect()
    });
    let Ok(game) = NormalFormGame::new(vec![agents; players], payoffs.collect()) else {
        notes.push("The scores make no game.".into());
        return;
    };
    let mean = |player: usize, agent: usize| {
        let own = (0..profiles).filter(|&profile| game.action(profile, player) == agent);
        let (sum, count) = own.fold((0.0, 0.0), |(sum, n), profile| {
            (sum + payoff(profile, player), n + 1.0)
        });
        sum / count
    };
    let mut ratings: Vec<MetaRating> = (0..agents)
        .map(|agent| {
            let means: Vec<f64> = (0..players).map(|player| mean(player, agent)).collect();
            MetaRating {
                agent: report.agents[agent].clone(),
                mean: means.iter().sum::<f64>() / players as f64,
                means,
                alpha_mass: None,
                nash_weight: None,
                nash_rating: None,
            }
        })
        .collect();
    let selection = Selection::Finite {
        alpha: ALPHA,
        population: POPULATION,
    };
    if profiles <= MOST_PROFILES
        && let Ok(found) = alpha_rank_populations(&game, selection)
    {
        if let Some(warning) = found.warning {
            notes.push(format!("α-Rank: {warning}."));
        }
        for (agent, rating) in ratings.iter_mut().enumerate() {
            let mass = |player: usize| -> f64 {
                let own = (0..profiles).filter(|&profile| game.action(profile, player) == agent);
                own.map(|profile| found.mass[profile]).sum()
            };
            rating.alpha_mass = Some((0..players).map(mass).collect());
        }
        report.alpha_rank = found.mass;
    } else {
        notes.push(format!(
            "α-Rank is left out: {profiles} pairings are more than {MOST_PROFILES}."
        ));
    }
    if players == 2 {
        // How much the one gains more than the other, in both seats.
        let lead = |a: usize, b: usize| payoff(a * agents + b, 0) - payoff(a * agents + b, 1);
        let advantages: Vec<f64> = (0..agents * agents)
            .map(|k| (k / agents, k % agents))
            .map(|(a, b)| 0.5 * (lead(a, b) - lead(b, a)))
            .collect();
        match nash_average(agents, &advantages) {
            Ok(found) => {
                for (agent, rating) in ratings.iter_mut().enumerate() {
                    rating.nash_weight = Some(found.weights[agent]);
                    rating.nash_rating = Some(found.ratings[agent]);
                }
            }
            Err(error) => notes.push(format!("Nash averaging is left out: {error}.")),
        }
    }
    let equilibria = game.pure_equilibria(0.0);
    report.pure_equilibria = equilibria
        .into_iter()
        .map(|profile| names(&report.agents, players, profile))
        .collect();
    report.ratings = ratings;
}
