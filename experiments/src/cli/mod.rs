//! The command line.
//!
//! A program of your own gets all of it with environments and agents added to the registries:
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     let registries = palaestra::Registries::default();
//!     // registries.agents.register("mine", "…", |context, args: MyArgs| …);
//!     palaestra::cli::main(registries)
//! }
//! ```
//!
//! Results go to stdout, progress and diagnostics to stderr. With `--json`, stdout is one JSON document.

mod bench;
mod check;
mod cores;
mod eval;
mod exit;
mod export;
mod inspect;
mod language;
mod market;
mod output;
mod picture;
mod play;
mod probe;
mod progress;
mod replay;
mod report;
mod run;
mod serve;
mod solve;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand, ValueEnum};
pub use exit::{CliError, Exit};
use output::Output;

use crate::Registries;

const EXIT_CODES: &str = "\
Exit codes:
  0    all went well
  1    it ran, but a check failed: conformance, replay, a damaged log or checkpoint
  2    wrong arguments, configuration or path
  3    some trials failed
  4    an agent failed, in the program or outside
  70   the machine failed: disk, memory
  130  stopped from the keyboard, after a checkpoint";

/// Run reinforcement-learning and game experiments, plug in agents, replay logged episodes.
#[derive(Debug, Parser)]
#[command(name = "palaestra", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
struct Global {
    /// Print one JSON document on stdout instead of text
    #[arg(long, global = true, display_order = 1000)]
    json: bool,
    /// Print results and errors only
    #[arg(long, short, global = true, display_order = 1000)]
    quiet: bool,
    /// Print more of what happens; twice for all of it
    #[arg(long, short, global = true, display_order = 1000, action = clap::ArgAction::Count)]
    verbose: u8,
    /// When to use colours; `NO_COLOR` and `CLICOLOR_FORCE` are respected
    #[arg(long, global = true, display_order = 1000, value_enum, default_value_t = Colour::Auto)]
    color: Colour,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Colour {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run an experiment
    #[command(
        after_help = "Example:\n  palaestra run experiments/configs/quickstart.toml --set env.num_envs=4"
    )]
    Run(RunArgs),
    /// Go on with a run that was stopped or killed
    #[command(after_help = "Example:\n  palaestra resume runs/quickstart")]
    Resume(ResumeArgs),
    /// Play evaluation episodes with the agents of a run, as trained, or of a configuration, untrained
    #[command(after_help = "Example:\n  palaestra eval runs/quickstart --episodes 100")]
    Eval(EvalArgs),
    /// Play logged episodes, or prove them by simulating them again
    #[command(after_help = "Example:\n  palaestra replay runs/quickstart --verify")]
    Replay(replay::ReplayArgs),
    /// Write logged episodes for other tools
    #[command(after_help = "Example:\n  palaestra export runs/quickstart --format minari")]
    Export(export::ExportArgs),
    /// Draw plots and write the page that tells what came out of one or several runs
    #[command(after_help = "Example:\n  palaestra report runs/quickstart")]
    Report(report::ReportArgs),
    /// Show environments, agents, sequence cores, wrappers, planners, bandit instances, games, or experiment files
    #[command(subcommand, after_help = "Example:\n  palaestra list envs --json")]
    List(inspect::ListArgs),
    /// Check that an environment, an agent or an experiment file keeps its promises
    #[command(subcommand, after_help = "Example:\n  palaestra check env cartpole-v1")]
    Check(check::CheckArgs),
    /// Find the optimum of a POMDP or a bandit, bounds on it, and what planners earn; or an equilibrium of a game
    #[command(
        after_help = "Example:\n  palaestra solve experiments/instances/pomdp/tiger.pomdp --policy tiger.json\n  palaestra solve tag-v1 --seconds 300 --save tag.solver --plot bounds.svg\n  palaestra solve log3\n  palaestra solve experiments/instances/bandits/log3.toml --json\n  palaestra solve exp3 --planner best --planner 'look_ahead={\"depth\": 4}' --plot cycle.svg\n  palaestra solve kuhn_poker --iterations 10000 --plot gaps.svg"
    )]
    Solve(solve::SolveArgs),
    /// Play a language game yourself, in the terminal or in a web page
    #[command(
        after_help = "Examples:\n  palaestra play experiments/configs/glee/bargaining_human.toml\n  palaestra play experiments/configs/glee/bargaining_human.toml --web --port 8765"
    )]
    Play(play::PlayArgs),
    /// Let games elsewhere ask an agent, over HTTP as GLEE's released code does
    #[command(
        after_help = "Example:\n  palaestra serve chat --args '{\"base_url\": \"http://127.0.0.1:8080/v1\", \"model\": \"local\"}'"
    )]
    Serve(serve::ServeArgs),
    /// Recordings of order books: replay and verify, convert, count
    #[command(
        subcommand,
        after_help = "Example:\n  palaestra market stats AAPL_2012-06-21_34200000_57600000_message_10.csv"
    )]
    Market(market::MarketArgs),
    /// Recorded language games: read them, explain what came out
    #[command(
        subcommand,
        after_help = "Example:\n  palaestra language import Data --out games"
    )]
    Language(language::LanguageArgs),
    /// Train sequence cores on small tasks that show what they can do
    #[command(
        after_help = "Example:\n  palaestra probe experiments/configs/probes/associative_recall.toml"
    )]
    Probe(probe::ProbeArgs),
    /// Measure steps per second
    #[command(after_help = "Example:\n  palaestra bench env cartpole-v1 --rows 8192")]
    Bench(bench::BenchArgs),
    /// Print the JSON Schema of experiment files, or of an environment's or agent's arguments
    #[command(after_help = "Example:\n  palaestra schema > palaestra.schema.json")]
    Schema(inspect::SchemaArgs),
    /// Write a commented experiment file to start from
    #[command(
        after_help = "Example:\n  palaestra new mine.toml --env lsd_bandit-v1 --agent ucb1 --agent uniform"
    )]
    New(inspect::NewArgs),
}

/// `palaestra run`
#[derive(Debug, Clone, Args)]
struct RunArgs {
    /// Experiment file (TOML)
    config: PathBuf,
    /// Override a key: KEY=VALUE, e.g. `experiment.total_env_steps=1000` or `agents.0.args.epsilon=0.2`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Folder of the run [default: runs/NAME]
    #[arg(long)]
    out: Option<PathBuf>,
    /// Replace an earlier run in that folder
    #[arg(long)]
    force: bool,
    /// Trials run at a time [default: all cores]
    #[arg(long)]
    threads: Option<usize>,
    /// Check the configuration and print it as resolved, without running it
    #[arg(long)]
    dry_run: bool,
}

/// `palaestra resume`
#[derive(Debug, Clone, Args)]
struct ResumeArgs {
    /// Folder of the run
    run: PathBuf,
    /// Trials run at a time [default: all cores]
    #[arg(long)]
    threads: Option<usize>,
}

/// `palaestra eval`
#[derive(Debug, Clone, Args)]
struct EvalArgs {
    /// Folder of a run, or an experiment file
    target: PathBuf,
    /// Episodes of each trial [default: eval.episodes of the configuration, or 10]
    #[arg(long)]
    episodes: Option<usize>,
    /// Override a key of the configuration
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Play as many episodes again with this override on top: what the agents were not trained for
    #[arg(long, value_name = "KEY=VALUE")]
    held_out: Vec<String>,
    /// Draw returns by trial to this file (.svg or .png), where environments have trials
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

/// Runs the program on the arguments of the process.
pub fn main(mut registries: Registries) -> ExitCode {
    run_command(&mut registries, std::env::args_os()).into()
}

fn run_command(
    registries: &mut Registries,
    args: impl IntoIterator<Item = std::ffi::OsString>,
) -> Exit {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // clap knows which of help, version and usage errors goes where.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Success
            };
        }
    };
    let output = Output::new(&cli.global);
    let outcome = match &cli.command {
        Command::Run(args) => run::run(registries, &output, args),
        Command::Resume(args) => run::resume(registries, &output, args),
        Command::Eval(args) => eval::eval(registries, &output, args),
        Command::Play(args) => play::play(registries, &output, args),
        Command::Replay(args) => replay::replay(registries, &output, args),
        Command::Export(args) => export::export(registries, &output, args),
        Command::Report(args) => report::report(registries, &output, args),
        Command::List(args) => inspect::list(registries, &output, args),
        Command::Check(args) => check::check(registries, &output, args),
        Command::Serve(args) => serve::serve(registries, &output, args),
        Command::Solve(args) => solve::solve(registries, &output, args),
        Command::Market(args) => market::market(&output, args),
        Command::Language(args) => language::language(registries, &output, args),
        Command::Probe(args) => probe::probe(&output, args),
        Command::Bench(args) => bench::bench(registries, &output, args),
        Command::Schema(args) => inspect::schema(registries, args),
        Command::New(args) => inspect::new(registries, &output, args),
    };
    match outcome {
        Ok(exit) => exit,
        Err(error) => {
            output.error(&error);
            error.exit()
        }
    }
}
