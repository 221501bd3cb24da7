//! `bench`: steps per second through the public border, messages per second of the order book.

mod learning;
mod market;
mod solvers;

use std::{
    fmt::Write as _,
    path::PathBuf,
    process::Command as Process,
    time::{Duration, Instant},
};

use clap::{Args, Subcommand};
use palaestra_agents::{AgentContext, StepView};
use palaestra_envs::{
    control::CartPolePlainLoop,
    market::host::MarketView,
    sim::{Selection, Simulator},
    space::{Columns, DType, Space},
    stream::{Stream, StreamKey, unit_f32},
    wrappers::WrapperConfig,
};
use serde_json::{Value, json};

use super::{CliError, Exit, output::Output};
use crate::{Registries, run::RunError};

/// `palaestra bench`
#[derive(Debug, Clone, Args)]
pub(super) struct BenchArgs {
    /// Compare with other libraries on CartPole, by the script in this folder (needs Python)
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, default_missing_value = "tests/peers")]
    peers: Option<PathBuf>,
    #[command(subcommand)]
    what: Option<BenchWhat>,
}

#[derive(Debug, Clone, Subcommand)]
enum BenchWhat {
    /// Step an environment with random actions, or with an agent; counts the messages of order books, too
    Env(BenchEnvArgs),
    /// Match orders, without and with all that an exchange keeps beside the book
    Market(market::BenchMarketArgs),
    /// Solve games
    Solvers(solvers::BenchSolversArgs),
    /// Run sequence models and gradient steps alone, without an environment
    Learning(learning::BenchLearningArgs),
}

#[derive(Debug, Clone, Args)]
struct BenchEnvArgs {
    /// Identifier of the environment
    name: String,
    /// Arguments of the environment as JSON
    #[arg(long, default_value = "null")]
    args: String,
    /// Wrappers of the environment as JSON, the innermost first
    #[arg(long, value_name = "JSON", default_value = "[]")]
    wrappers: String,
    /// Let this agent act and learn instead of drawing random actions
    #[arg(long)]
    agent: Option<String>,
    /// Arguments of the agent as JSON
    #[arg(long, value_name = "JSON", default_value = "null", requires = "agent")]
    agent_args: String,
    /// Rows stepped together
    #[arg(long, default_value_t = 1024)]
    rows: usize,
    /// Threads that share the rows
    #[arg(long, default_value_t = 1)]
    shards: usize,
    /// Steps of the whole batch per repetition [default: as many as fill a second]
    #[arg(long)]
    steps: Option<u64>,
    /// Repetitions; the fastest counts
    #[arg(long, default_value_t = 3)]
    repetitions: u32,
}

pub(super) fn bench(
    registries: &Registries,
    output: &Output,
    args: &BenchArgs,
) -> Result<Exit, CliError> {
    if let Some(folder) = &args.peers {
        return peers(folder);
    }
    match &args.what {
        Some(BenchWhat::Env(args)) => bench_env(registries, output, args),
        Some(BenchWhat::Market(args)) => market::bench_market(output, args),
        Some(BenchWhat::Solvers(args)) => solvers::bench_solvers(output, args),
        Some(BenchWhat::Learning(args)) => learning::bench_learning(output, args),
        None => Err(CliError::argument(
            "nothing to measure",
            "name an environment, as in `palaestra bench env cartpole-v1`, say `palaestra bench market` or `palaestra bench solvers`, or give --peers",
        )),
    }
}

fn peers(folder: &std::path::Path) -> Result<Exit, CliError> {
    let script = folder.join("run.py");
    let program = std::env::current_exe().map_err(|source| crate::files::FileError {
        action: "find",
        path: PathBuf::from("palaestra"),
        source,
    })?;
    let status = Process::new("python3")
        .arg(&script)
        .arg("--palaestra")
        .arg(program)
        .status();
    match status {
        Ok(status) if status.success() => Ok(Exit::Success),
        Ok(_) => Ok(Exit::CheckFailed),
        Err(error) => Err(CliError::argument(
            format!("cannot run python3 {}: {error}", script.display()),
            "the comparison needs Python 3.11 and the folder tests/peers of the repository",
        )),
    }
}

fn bench_env(
    registries: &Registries,
    output: &Output,
    args: &BenchEnvArgs,
) -> Result<Exit, CliError> {
    let env_args: Value = read_json("--args", &args.args, "{\"preset\": \"spike5\"}")?;
    let agent_args: Value = read_json("--agent-args", &args.agent_args, "{\"core\": \"gru\"}")?;
    let example = "[{\"kind\": \"previous_action\"}]";
    let wrappers: Vec<WrapperConfig> = read_json("--wrappers", &args.wrappers, example)?;
    let plugin = registries.envs.build(&args.name, &env_args)?;
    let mut builder = Simulator::builder(plugin)
        .rows(args.rows)
        .shards(args.shards)
        .seed(1);
    for wrapper in &wrappers {
        builder = builder.wrap(wrapper.plugin()?);
    }
    let entry = args
        .agent
        .as_deref()
        .map(|id| registries.agents.get(id))
        .transpose()?;
    for name in entry.iter().flat_map(|entry| &entry.info) {
        builder = builder.info(name);
    }
    let mut simulator = builder.build()?;
    simulator.reset()?;
    let mut actor = match entry {
        Some(entry) => Actor::agent(entry, &agent_args, &simulator)?,
        None => Actor::random(&simulator),
    };
    let once = Instant::now();
    actor.step(&mut simulator, &mut Split::default())?;
    let first_step = once.elapsed();
    let per_repetition = match args.steps {
        Some(steps) => steps.max(1),
        None => steps_in_a_second(&mut simulator, &mut actor)?,
    };
    let mut rates = Vec::new();
    let mut splits = Vec::new();
    let mut message_rate: Option<f64> = None;
    let mut messages_per_step = 0.0;
    for _ in 0..args.repetitions.max(1) {
        let before = messages(&simulator)?;
        let mut split = Split::default();
        let started = Instant::now();
        for _ in 0..per_repetition {
            actor.step(&mut simulator, &mut split)?;
        }
        let steps = per_repetition as f64 * args.rows as f64;
        let seconds = started.elapsed().as_secs_f64();
        rates.push(steps / seconds);
        splits.push(split);
        if let (Some(before), Some(after)) = (before, messages(&simulator)?) {
            let rate = (after - before) as f64 / seconds;
            if message_rate.is_none_or(|best| rate > best) {
                message_rate = Some(rate);
                messages_per_step = (after - before) as f64 / steps;
            }
        }
    }
    let best = rates.iter().copied().fold(0.0, f64::max);
    let compares =
        simulator.spec().id == "cartpole-v1" && args.agent.is_none() && args.steps.is_none();
    let plain = compares.then(|| plain_loop(args.rows, per_repetition, args.repetitions));
    let who = args.agent.as_deref().unwrap_or("random actions");
    let mut text = format!(
        "{} with {who}, {} rows, {} shard(s): {:.2} M steps/s (best of {})",
        simulator.spec().id,
        args.rows,
        args.shards,
        best / 1e6,
        rates.len()
    );
    if let Some(plain) = plain {
        let _ = write!(
            text,
            "\nplain loop over arrays with the same kernel: {:.2} M steps/s; the simulator reaches {:.2} of it",
            plain / 1e6,
            best / plain
        );
    }
    if let Some(rate) = message_rate {
        let _ = write!(
            text,
            "\n{:.2} M messages/s reach its order books, {messages_per_step:.1} in a row's step",
            rate / 1e6
        );
    }
    let fastest = (0..rates.len()).max_by(|&a, &b| rates[a].total_cmp(&rates[b]));
    if let (Some(fastest), Actor::Agent { .. }) = (fastest, &actor) {
        let parts = splits[fastest].seconds();
        let [acting, environment, observing] = parts.map(|s| 100.0 * s / parts.iter().sum::<f64>());
        let _ = write!(
            text,
            "\nof the time {acting:.1} % is acting, {environment:.1} % the environment, {observing:.1} % observing and learning"
        );
    }
    output.text(&text);
    let splits = splits.iter().map(|split| {
        let [acting, environment, observing] = split.seconds();
        json!({ "acting_s": acting, "environment_s": environment, "observing_s": observing })
    });
    output.document(
        "bench-env/1",
        &json!({
            "env": simulator.spec().id,
            "agent": args.agent,
            "rows": args.rows,
            "shards": args.shards,
            "steps_per_repetition": per_repetition,
            "first_step_s": first_step.as_secs_f64(),
            "steps_per_second": best,
            "repetitions": rates,
            "split": args.agent.as_ref().map(|_| splits.collect::<Vec<_>>()),
            "plain_loop_steps_per_second": plain,
            "messages_per_second": message_rate,
            "messages_per_step": message_rate.map(|_| messages_per_step),
            "palaestra": env!("CARGO_PKG_VERSION"),
        }),
    );
    Ok(Exit::Success)
}

fn read_json<T: serde::de::DeserializeOwned>(
    name: &str,
    text: &str,
    example: &str,
) -> Result<T, CliError> {
    serde_json::from_str(text).map_err(|error| {
        CliError::argument(
            format!("{name} cannot be read: {error}"),
            &format!("e.g. {name} '{example}'"),
        )
    })
}

/// Messages that have reached the order books of all rows, those of resets included; `None` where there are no order books.
fn messages(simulator: &Simulator) -> Result<Option<u64>, CliError> {
    let mut sum = 0;
    for row in 0..simulator.rows() {
        match simulator.view::<MarketView>(row)? {
            Some(view) => sum += view.messages,
            None => return Ok(None),
        }
    }
    Ok(Some(sum))
}

/// Steps of the batch that take about a second; also warms up.
fn steps_in_a_second(simulator: &mut Simulator, actor: &mut Actor) -> Result<u64, CliError> {
    let mut steps = 0;
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(200) {
        actor.step(simulator, &mut Split::default())?;
        steps += 1;
    }
    Ok((steps * 5).max(1))
}

/// The fastest of some repetitions of CartPole as a plain loop, in steps per second.
fn plain_loop(rows: usize, steps: u64, repetitions: u32) -> f64 {
    let mut plain = CartPolePlainLoop::new(rows, 1);
    std::hint::black_box(plain.run(steps.div_ceil(5)));
    let mut best: f64 = 0.0;
    for _ in 0..repetitions.max(1) {
        let started = Instant::now();
        std::hint::black_box(plain.run(steps));
        best = best.max(rows as f64 * steps as f64 / started.elapsed().as_secs_f64());
    }
    best
}

/// Where the time of an agent's steps goes.
#[derive(Debug, Clone, Copy, Default)]
struct Split {
    acting: Duration,
    environment: Duration,
    /// Taking in what came of it; an agent that learns while it plays does so here.
    observing: Duration,
}

impl Split {
    fn seconds(self) -> [f64; 3] {
        [self.acting, self.environment, self.observing].map(|part| part.as_secs_f64())
    }
}

/// Who fills in the actions.
enum Actor {
    Random {
        key: StreamKey,
        next: u64,
        rng: Stream,
        spaces: Vec<Space>,
    },
    Agent {
        agent: Box<dyn palaestra_agents::Agent>,
        rows: Selection,
        players: usize,
    },
}

impl Actor {
    fn random(simulator: &Simulator) -> Self {
        let spaces = simulator
            .spec()
            .players
            .iter()
            .map(|p| p.action.clone())
            .collect();
        let key = StreamKey::new(1, 0, "bench");
        Self::Random {
            key,
            next: 0,
            rng: Stream::new(2, 0, "bench"),
            spaces,
        }
    }

    fn agent(
        entry: &palaestra_agents::AgentEntry,
        args: &Value,
        simulator: &Simulator,
    ) -> Result<Self, CliError> {
        let players = simulator.spec().players.len();
        let context = AgentContext {
            env: simulator.spec().clone(),
            players: (0..players).collect(),
            rows: simulator.rows(),
            seed: 1,
            total_steps: u64::MAX,
        };
        let agent = entry.build(&context, args)?;
        Ok(Self::Agent {
            agent,
            rows: Selection::all(simulator.rows()),
            players,
        })
    }

    /// A step of the whole batch. Only an agent's time is split: a clock would show beside random actions.
    fn step(&mut self, simulator: &mut Simulator, split: &mut Split) -> Result<(), CliError> {
        match self {
            Self::Random {
                key,
                next,
                rng,
                spaces,
            } => {
                for (player, space) in spaces.iter().enumerate() {
                    let (view, actions) = simulator.border_mut().act_view(player);
                    if !(view.mask_width == 0 && fill_quickly(space, actions, *key, next)) {
                        for row in (0..view.acting.len()).filter(|&row| view.acting[row]) {
                            space
                                .sample_row(actions, row, view.mask_row(row), rng)
                                .map_err(|e| RunError::Config(format!("row {row}: {e}")))?;
                        }
                    }
                }
                simulator.step()?;
            }
            Self::Agent {
                agent,
                rows,
                players,
            } => {
                let began = Instant::now();
                for player in 0..*players {
                    let (view, actions) = simulator.border_mut().act_view(player);
                    agent.act(&view, rows, actions)?;
                }
                let acted = Instant::now();
                simulator.step()?;
                let stepped = Instant::now();
                for player in 0..*players {
                    agent.observe(&StepView {
                        player,
                        rows,
                        border: simulator.border(),
                    })?;
                }
                split.acting += acted - began;
                split.environment += stepped - acted;
                split.observing += stepped.elapsed();
            }
        }
        Ok(())
    }
}

/// Fills a whole batch from random blocks, for the spaces where that is simple.
fn fill_quickly(space: &Space, actions: &mut Columns, key: StreamKey, next: &mut u64) -> bool {
    match space {
        Space::Discrete { n: 2, start: 0 } => {
            key.coin_flips(0, next, actions.i32_mut(0));
            true
        }
        Space::Discrete { n, start } => {
            for chunk in actions.i32_mut(0).chunks_mut(4) {
                let words = key.block(0, *next);
                *next += 1;
                for (action, word) in chunk.iter_mut().zip(words) {
                    *action = start + ((u64::from(word) * *n as u64) >> 32) as i32;
                }
            }
            true
        }
        Space::Box(b)
            if b.dtype == DType::Float32 && b.low.iter().chain(&b.high).all(|x| x.is_finite()) =>
        {
            let width = b.low.len();
            let mut index = 0;
            for chunk in actions.f32_mut(0).chunks_mut(4) {
                let words = key.block(0, *next);
                *next += 1;
                for (action, word) in chunk.iter_mut().zip(words) {
                    let (low, high) = (b.low[index % width] as f32, b.high[index % width] as f32);
                    *action = low + (high - low) * unit_f32(word);
                    index += 1;
                }
            }
            true
        }
        _ => false,
    }
}
