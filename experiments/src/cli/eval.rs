//! `eval`: agents as trained, or untrained, on episodes that training never sees; within these by trial, where there are trials.

use std::{fmt::Write as _, sync::atomic::AtomicBool};

use palaestra_envs::stream::Stream;
use serde_json::{Value, json};

use super::{
    CliError, EvalArgs, Exit,
    output::{Output, table},
    picture::Picture,
    run::{open, read_document, summary, summary_table},
};
use crate::{
    Registries,
    config::Config,
    plot::{Axis, Band, LinePlot, Series, line_plot},
    report::text::capitalised,
    run::{ByTrial, Checkpoint, Evaluation, RunError, RunFolder, Trial, evaluate},
    stats::{Summary, paired_p_value},
};

/// Episodes of a trial where nothing is said of them.
const EPISODES: usize = 10;
/// Sign flips behind a p value.
const FLIPS: u32 = 99_999;

/// What one trial's agents came to.
struct Evaluated {
    trial: Trial,
    /// Name and agent of each player.
    players: Vec<(String, String)>,
    trained_env_steps: u64,
    evaluation: Evaluation,
}

pub(super) fn eval(
    registries: &Registries,
    output: &Output,
    args: &EvalArgs,
) -> Result<Exit, CliError> {
    let picture = args.plot.as_deref().map(Picture::new).transpose()?;
    let mut groups = vec![("", evaluate_all(registries, output, args, &args.set)?)];
    if !args.held_out.is_empty() {
        let set = [&args.set[..], &args.held_out].concat();
        let held_out = evaluate_all(registries, output, args, &set)?;
        groups.push((", held out", held_out));
    }
    let scored = groups.iter().flat_map(|(suffix, evaluated)| {
        evaluated.iter().flat_map(move |evaluated| {
            let players = evaluated.players.iter();
            let scores = players.zip(&evaluated.evaluation.returns);
            scores.map(move |((name, agent), score)| {
                let label = evaluated.trial.label_of(agent);
                (format!("{label}{suffix}"), name.clone(), *score)
            })
        })
    });
    output.text(&summary_table(&summary(scored), "mean return"));
    let fields = fields(&groups);
    for field in &fields {
        output.text(&field.table());
    }
    let document = |(suffix, evaluated): &(&str, Vec<Evaluated>)| {
        let held_out = !suffix.is_empty();
        let trials = evaluated.iter();
        trials
            .map(|trial| trial.document(held_out))
            .collect::<Vec<_>>()
    };
    let trials: Vec<Value> = groups.iter().flat_map(document).collect();
    let by_trial: Vec<Value> = fields.iter().map(Field::document).collect();
    output.document("eval/2", &json!({ "trials": trials, "by_trial": by_trial }));
    if let Some(picture) = picture {
        draw(&picture, &fields, output)?;
    }
    Ok(Exit::Success)
}

/// Plays the episodes of all trials.
fn evaluate_all(
    registries: &Registries,
    output: &Output,
    args: &EvalArgs,
    set: &[String],
) -> Result<Vec<Evaluated>, CliError> {
    let (folder, mut trials) = if args.target.is_dir() {
        let (folder, trials) = open(registries, &args.target, set)?;
        (Some(folder), trials)
    } else {
        let document = read_document(&args.target, set)?;
        (None, document.trials(registries)?)
    };
    let mut all = Vec::new();
    for trial in &mut trials {
        let mut config = Config::clone(&trial.config);
        let configured = match config.eval.episodes {
            0 => EPISODES,
            episodes => episodes,
        };
        config.eval.episodes = args.episodes.unwrap_or(configured).max(1);
        trial.config = config.into();
        match of_trial(registries, folder.as_ref(), trial)? {
            Some(evaluated) => all.push(evaluated),
            None => output.message(&format!(
                "trial `{}` has no checkpoint yet: left out",
                trial.name
            )),
        }
    }
    Ok(all)
}

/// Plays the episodes of `trial` with its agents as the run in `folder` has trained them; `None` if it has not yet.
fn of_trial(
    registries: &Registries,
    folder: Option<&RunFolder>,
    trial: &Trial,
) -> Result<Option<Evaluated>, CliError> {
    let simulator = trial.simulator(registries, trial.seed)?;
    let mut seated = trial.seat_agents(registries, simulator.spec())?;
    let mut trained_env_steps = 0;
    if let Some(folder) = folder {
        let Some(checkpoint) = Checkpoint::latest(&folder.trial(&trial.name))? else {
            return Ok(None);
        };
        trained_env_steps = checkpoint.env_steps;
        for (seat, state) in seated.iter_mut().zip(&checkpoint.agents) {
            seat.agent.load(state).map_err(RunError::from)?;
        }
    }
    let never = AtomicBool::new(false);
    let evaluation = evaluate(trial, registries, &mut seated, None, u32::MAX, &never)?;
    let players = simulator.spec().players.iter().enumerate();
    let players = players.map(|(index, player)| {
        let seat = seated.iter().find(|seat| seat.players.contains(&index));
        let agent = seat.map_or(String::new(), |seat| seat.label.clone());
        (player.name.clone(), agent)
    });
    Ok(evaluation.map(|evaluation| Evaluated {
        trial: trial.clone(),
        players: players.collect(),
        trained_env_steps,
        evaluation,
    }))
}

impl Evaluated {
    fn document(&self, held_out: bool) -> Value {
        json!({
            "trial": self.trial.name, "label": self.trial.label, "seed": self.trial.seed, "held_out": held_out,
            "trained_env_steps": self.trained_env_steps, "episodes": self.trial.config.eval.episodes,
            "mean_returns": self.evaluation.returns,
        })
    }
}

/// An info field by trial, and by who played; the episodes of all seeds together.
struct Field {
    name: String,
    players: Vec<(String, ByTrial)>,
}

fn fields(groups: &[(&str, Vec<Evaluated>)]) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for (suffix, evaluated) in groups {
        for evaluated in evaluated {
            let label = format!("{}{suffix}", evaluated.trial.label);
            for told in &evaluated.evaluation.by_trial {
                let at = fields.iter().position(|field| field.name == told.field);
                let at = at.unwrap_or_else(|| {
                    fields.push(Field {
                        name: told.field.clone(),
                        players: Vec::new(),
                    });
                    fields.len() - 1
                });
                let players = &mut fields[at].players;
                match players.iter_mut().find(|(known, _)| *known == label) {
                    Some((_, known)) => known.episodes.extend(told.episodes.iter().cloned()),
                    None => players.push((label.clone(), told.clone())),
                }
            }
        }
    }
    fields
}

/// The last trial of an episode against the first.
struct Gain {
    summary: Summary,
    /// Of the mean gain being no greater than 0.
    p_value: f64,
}

impl Field {
    /// What is told of trial `j` by the episodes of a player; `None` if it is nothing.
    fn trial(told: &ByTrial, j: usize) -> Option<Summary> {
        Summary::of(&told.of_trial(j)).ok()
    }

    /// Over the episodes that told of both ends.
    fn gain(told: &ByTrial) -> Option<Gain> {
        let gains = told.episodes.iter().filter_map(|episode| {
            let gain = episode.last()? - episode.first()?;
            gain.is_finite().then_some(gain)
        });
        let gains: Vec<f64> = gains.collect();
        let mut rng = Stream::new(0, 0, "sign flips");
        Some(Gain {
            summary: Summary::of(&gains).ok()?,
            p_value: paired_p_value(&gains, FLIPS, &mut rng).ok()?,
        })
    }

    /// Most trials that any player met.
    fn width(&self) -> usize {
        let widths = self.players.iter().map(|(_, told)| told.trials());
        widths.max().unwrap_or(0)
    }

    /// Means by trial, and the gain from the first to the last.
    fn table(&self) -> String {
        let name = self.name.replace('_', " ");
        let header = [&[name.as_str()][..], &self.names()[..]].concat();
        let rows = (0..self.width()).map(|j| {
            let cell = |(_, told): &(String, ByTrial)| shown(Self::trial(told, j));
            let cells = self.players.iter().map(cell);
            [(j + 1).to_string()].into_iter().chain(cells).collect()
        });
        let rows: Vec<Vec<String>> = rows.collect();
        let mut text = format!("\n{}", table(&header, &rows));
        for (player, told) in &self.players {
            let last = told.trials();
            if let Some(Gain { summary, p_value }) = Self::gain(told) {
                let _ = write!(
                    text,
                    "\n\n{player}: {name} {last} less {name} 1 of the same episode {}, over {} episodes; p = {p_value:.5} \
                     (sign flips) that it is no gain",
                    shown(Some(summary)),
                    summary.count,
                );
            }
        }
        text
    }

    fn names(&self) -> Vec<&str> {
        let names = self.players.iter().map(|(name, _)| name.as_str());
        names.collect()
    }

    fn document(&self) -> Value {
        let players = self.players.iter().map(|(name, told)| {
            let trials = (0..told.trials()).map(|j| Self::trial(told, j));
            let gain = Self::gain(told);
            json!({
                "agent": name,
                "trials": trials.collect::<Vec<_>>(),
                "last_less_first": gain.as_ref().map(|gain| gain.summary),
                "p_value": gain.map(|gain| gain.p_value),
            })
        });
        json!({ "field": self.name, "agents": players.collect::<Vec<_>>() })
    }

    /// A curve for each player.
    fn curves(&self) -> LinePlot {
        let series = self.players.iter().map(|(name, told)| {
            let trials = (0..told.trials()).map(|j| Self::trial(told, j));
            let trials: Vec<Option<Summary>> = trials.collect();
            let of = |edge: f64| {
                let value = |summary: &Summary| {
                    summary.mean + edge * 1.96 * summary.standard_error.unwrap_or(0.0)
                };
                let values = trials.iter().map(|e| e.as_ref().map_or(f64::NAN, value));
                values.collect()
            };
            Series {
                name: name.clone(),
                x: (1..=trials.len()).map(|j| j as f64).collect(),
                centre: of(0.0),
                band: Some(Band {
                    lower: of(-1.0),
                    upper: of(1.0),
                }),
            }
        });
        let (name, episodes) = (self.name.replace('_', " "), &self.players);
        let episodes = episodes.iter().map(|(_, told)| told.episodes.len()).min();
        LinePlot {
            title: format!("{} within an episode", capitalised(&name)),
            subtitle: format!(
                "mean over {} evaluation episodes each, 95 % interval of the mean",
                episodes.unwrap_or(0)
            ),
            x: Axis::linear("trial of the episode"),
            y: Axis::linear(name),
            series: series.collect(),
            references: Vec::new(),
        }
    }
}

fn shown(summary: Option<Summary>) -> String {
    let Some(summary) = summary else {
        return "–".into();
    };
    match summary.standard_error {
        Some(error) => format!("{:.4} ± {error:.4}", summary.mean),
        None => format!("{:.4}", summary.mean),
    }
}

fn draw(picture: &Picture<'_>, fields: &[Field], output: &Output) -> Result<(), CliError> {
    if fields.is_empty() {
        let message = "--plot: nothing is told by trial in this environment".to_owned();
        let advice = "the wrapper `trials` makes trials of an environment's episodes";
        return Err(CliError::argument(message, advice));
    }
    for field in fields {
        let suffix = if fields.len() == 1 {
            String::new()
        } else {
            format!("-{}", field.name)
        };
        let path = picture.write(line_plot(&field.curves())?, &suffix)?;
        output.message(&format!("\n{}: {}", path.display(), field.name));
    }
    Ok(())
}
