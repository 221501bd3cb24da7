//! `replay`: play logged episodes, or prove them.

mod belief;

use std::{
    fmt::Write as _,
    io::{BufRead, IsTerminal},
    path::PathBuf,
    time::Duration,
};

use clap::{Args, ValueEnum};
use palaestra_agents::language::human::harmless;
use serde_json::json;

use super::{
    CliError, Exit,
    output::{Output, print, table},
    run::{open, select},
};
use crate::{
    Registries,
    episodes::{Ending, EpisodeId, EpisodeKind, EpisodeLog},
    replay::{Frame, VerifyReport, frames, verify},
    run::{RunFolder, Trial},
};

/// `palaestra replay`
#[derive(Debug, Clone, Args)]
pub(super) struct ReplayArgs {
    /// Folder of the run
    run: PathBuf,
    /// Simulate all logged episodes again and compare them bit for bit
    #[arg(long)]
    verify: bool,
    /// List the logged episodes
    #[arg(long)]
    list: bool,
    /// Only this trial (a name below trials/, or the start of one) [default: the first, or all with --verify]
    #[arg(long)]
    trial: Option<String>,
    /// Episode to play: a number, or a name such as `eval-0-3` [default: the first that came to its end]
    #[arg(long)]
    episode: Option<String>,
    /// Steps shown per second on a terminal; 0 shows all at once
    #[arg(long, default_value_t = 8.0, allow_negative_numbers = true)]
    speed: f64,
    /// Wait for Enter after each step
    #[arg(long)]
    step: bool,
    /// First step to show
    #[arg(long, default_value_t = 0)]
    jump: usize,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A picture in text where the environment draws one
    Text,
    /// One JSON document per step, a line each
    Json,
}

pub(super) fn replay(
    registries: &Registries,
    output: &Output,
    args: &ReplayArgs,
) -> Result<Exit, CliError> {
    let (folder, trials) = open(registries, &args.run, &[])?;
    let trials = select(trials, args.trial.as_deref())?;
    if args.speed.is_nan() || args.speed < 0.0 {
        return Err(CliError::argument(
            format!("--speed must not be negative, found {}", args.speed),
            "0 shows all steps at once",
        ));
    }
    if args.verify {
        return verify_all(registries, output, &folder, &trials);
    }
    if args.list {
        return list(output, &folder, &trials);
    }
    let trial = &trials[0];
    let log = EpisodeLog::open(&folder.trial(&trial.name))?;
    let id: EpisodeId = match &args.episode {
        Some(name) => name.parse().map_err(CliError::Episodes)?,
        None => first(&log),
    };
    let episode = log.read(id)?;
    let frames = frames(&episode, trial, registries)?;
    let frames = &frames[args.jump.min(frames.len() - 1)..];
    if args.format == Format::Json || output.is_json() {
        for frame in frames {
            print(&serde_json::to_string(frame).unwrap_or_default());
        }
        return Ok(Exit::Success);
    }
    let live = std::io::stdout().is_terminal();
    for frame in frames {
        let text = picture(trial, &id.to_string(), &episode.info.returns, frame);
        if live && !args.step && args.speed > 0.0 {
            // Clear the screen and go to its top.
            print(&format!("\x1b[2J\x1b[H{text}"));
            std::thread::sleep(Duration::from_secs_f64((1.0 / args.speed).min(60.0)));
        } else {
            print(&format!("{text}\n"));
        }
        if args.step
            && std::io::stdin()
                .lock()
                .read_line(&mut String::new())
                .is_err()
        {
            break;
        }
    }
    Ok(Exit::Success)
}

/// The first episode that came to its end, or if none did the first; where nothing is logged the one that should be there.
fn first(log: &EpisodeLog) -> EpisodeId {
    let episodes = log.episodes();
    let whole = episodes.iter().find(|info| info.ending.complete());
    let found = whole.or(episodes.first());
    found.map_or(
        EpisodeId {
            kind: EpisodeKind::Train,
            number: 0,
        },
        |info| info.id,
    )
}

/// One step for people.
fn picture(trial: &Trial, id: &str, returns: &[f64], frame: &Frame) -> String {
    let mut text = format!("{} · episode {id} · step {}", trial.label, frame.step);
    if let Some(belief) = &frame.belief {
        let _ = write!(
            text,
            "\n{}",
            belief::beside(frame.picture.as_deref(), belief)
        );
    } else if let Some(picture) = &frame.picture {
        let _ = write!(text, "\n{}", picture.trim_end());
    }
    let several = frame.players.len() > 1;
    for player in &frame.players {
        let name = if several {
            format!("{}: ", player.player)
        } else {
            String::new()
        };
        if frame.picture.is_none() {
            let _ = write!(
                text,
                "\n{name}sees {}",
                harmless(&player.observation.to_string())
            );
        }
        if let Some(action) = &player.action {
            // A player's words may hold what turns or clears a terminal.
            let _ = write!(text, "\n{name}plays {}", harmless(&action.to_string()));
            if let Some(called) = &player.action_name {
                let _ = write!(text, " ({called})");
            }
        }
        if let Some(reward) = player.reward {
            if player.action.is_some() {
                let _ = write!(text, ", reward {reward}");
            } else {
                let _ = write!(text, "\n{name}reward {reward}");
            }
        }
    }
    if frame.terminated {
        text.push_str("\nterminated");
    }
    if frame.truncated {
        text.push_str("\ntruncated");
    }
    if frame.players.iter().all(|p| p.reward.is_none()) {
        let returns: Vec<String> = returns.iter().map(|r| format!("{r}")).collect();
        let _ = write!(text, "\nend of the episode; return {}", returns.join(", "));
    }
    text
}

fn verify_all(
    registries: &Registries,
    output: &Output,
    folder: &RunFolder,
    trials: &[Trial],
) -> Result<Exit, CliError> {
    let mut report = VerifyReport::default();
    for trial in trials {
        let path = folder.trial(&trial.name);
        if path.exists() {
            report.add(verify(&EpisodeLog::open(&path)?, trial, registries)?);
        }
    }
    let mut text = format!(
        "{} of {} episodes verified, {} steps compared bit for bit",
        report.verified, report.episodes, report.steps
    );
    for d in &report.differences {
        let _ = write!(
            text,
            "\n{}: step {}, {}: logged {}, got {}",
            d.episode, d.step, d.field, d.logged, d.got
        );
    }
    for problem in &report.problems {
        let _ = write!(text, "\n{problem}");
    }
    for torn in &report.torn {
        let _ = write!(
            text,
            "\n{torn} was being written when the run was killed; `palaestra resume` writes it anew"
        );
    }
    output.text(&text);
    output.document("replay-verify/1", &report);
    Ok(if report.passed() {
        Exit::Success
    } else {
        Exit::CheckFailed
    })
}

fn list(output: &Output, folder: &RunFolder, trials: &[Trial]) -> Result<Exit, CliError> {
    let mut lines = Vec::new();
    let mut documents = Vec::new();
    for trial in trials {
        let log = EpisodeLog::open(&folder.trial(&trial.name))?;
        for info in log.episodes() {
            let returns: Vec<String> = info.returns.iter().map(|r| format!("{r:.2}")).collect();
            let ending = match info.ending {
                Ending::Terminated => "terminated",
                Ending::Truncated => "truncated",
                Ending::Cut => "cut by the end of the run",
            };
            lines.push(vec![
                trial.name.clone(),
                info.id.to_string(),
                info.row.to_string(),
                info.length.to_string(),
                returns.join(", "),
                ending.to_owned(),
            ]);
            documents.push(json!({ "trial": trial.name, "episode": info }));
        }
    }
    output.text(&table(
        &["trial", "episode", "row", "steps", "return", "ending"],
        &lines,
    ));
    output.document("replay-list/1", &json!({ "episodes": documents }));
    Ok(Exit::Success)
}
