//! `play`: a person takes a seat, in the terminal or in a web page.

use std::{
    fs::File,
    io::{BufReader, IsTerminal as _},
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use clap::Args;
use palaestra_agents::language::{
    chat::Secret,
    http::Listener,
    human::{self, Chair, Person},
};

use super::{
    CliError, Exit,
    output::Output,
    run::{default_folder, read_document},
};
use crate::{
    Registries,
    config::config_hash,
    files,
    play::{Desk, Input, Record, Setting, Site, Terminal, lines_of},
    run::{Manifest, RunFolder, RunReport, Watch, run_all},
};

/// `palaestra play`
#[derive(Debug, Clone, Args)]
pub(super) struct PlayArgs {
    /// Experiment file in which one agent is `human`
    config: PathBuf,
    /// Override a key of the configuration, e.g. `env.args.rounds=6`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Games to play [default: eval.episodes of the file]
    #[arg(long)]
    games: Option<u64>,
    /// Folder of the run [default: runs/NAME, with a number if there is one already]
    #[arg(long)]
    out: Option<PathBuf>,
    /// Replace an earlier run in that folder
    #[arg(long)]
    force: bool,
    /// Serve a web page instead of asking in the terminal, and print its address
    #[arg(long)]
    web: bool,
    /// Port of the page; 0 takes a free one
    #[arg(long, default_value_t = 0, requires = "web")]
    port: u16,
    /// Address at which the page is served; others can reach it only if it says so
    #[arg(long, default_value = "127.0.0.1", requires = "web")]
    host: IpAddr,
}

/// How the person is reached from outside its agent.
type Leave = Arc<dyn Fn() + Send + Sync>;

pub(super) fn play(
    registries: &mut Registries,
    output: &Output,
    args: &PlayArgs,
) -> Result<Exit, CliError> {
    if output.is_json() {
        let hint = "leave --json out; `palaestra replay RUN --json` tells what was played";
        return Err(CliError::argument(
            "`play` speaks with a person, not in JSON",
            hint,
        ));
    }
    let mut document = read_document(&args.config, &args.set)?;
    if let Some(games) = args.games {
        document.set(&format!("eval.episodes={games}"))?;
    }
    let trials = document.trials(registries)?;
    let setting =
        Setting::of(&trials).map_err(|[problem, hint]| CliError::argument(problem, &hint))?;
    let config = document.config()?;
    let path = match &args.out {
        Some(path) => path.clone(),
        None => free(default_folder(&config.experiment.name)),
    };
    let hash = config_hash(document.points()?.iter().map(|(_, config)| &**config));
    let manifest = Manifest::new(&config.experiment.name, hash, &trials, 1);
    // The page's address is taken first, so that nothing is written if it cannot be had.
    let listener = args.web.then(|| listen(args)).transpose()?;
    let mut folder = RunFolder::create(
        &path,
        args.force,
        manifest,
        document.text(),
        &document.resolved()?,
    )?;
    let _lock = folder.lock()?;
    let file = path.join("people.jsonl");
    let record = Record::new(files::at("create", &file, File::create(&file))?);
    let watch = Watch::default();
    let interrupted = Arc::new(AtomicBool::new(false));
    let mut run = |person: Arc<Mutex<dyn Person>>, leave: Leave| {
        let chair = Chair {
            person,
            games: setting.games,
        };
        human::seat(&mut registries.agents, Some(chair));
        let pressed = interrupted.clone();
        // A second handler cannot be installed; the first then goes on to serve.
        let _ = ctrlc::set_handler(move || {
            if pressed.swap(true, Ordering::Relaxed) {
                std::process::exit(i32::from(Exit::Interrupted as u8));
            }
            leave();
        });
        run_all(&mut folder, &trials, registries, 1, &watch)
    };
    let report = match listener {
        None => {
            let (send, receive) = crossbeam_channel::unbounded();
            let lines = send.clone();
            // Reads until the input ends; the program does not wait for it.
            std::thread::spawn(move || lines_of(BufReader::new(std::io::stdin()), &lines));
            let echoes = !std::io::stdin().is_terminal();
            let out = std::io::stdout();
            let terminal = Terminal::new(out, receive, echoes, setting.args.clone(), record);
            let leave = move || {
                let _ = send.send(Input::End);
            };
            run(Arc::new(Mutex::new(terminal)), Arc::new(leave))?
        }
        Some(listener) => {
            let address = listener.address().map_err(|error| taken(args, &error))?;
            let token = token()?;
            output.text(&format!(
                "open http://{address}/?token={token} to play; Ctrl-C ends it"
            ));
            let desk = Desk::new(setting.args.clone(), record);
            let site = Site::new(desk.clone(), Secret::new(token), address.port());
            let stop = listener.stop();
            std::thread::scope(|scope| {
                scope.spawn(|| listener.run(&|request| site.respond(request)));
                let left = desk.clone();
                let report = run(
                    Arc::new(Mutex::new(desk.clone())),
                    Arc::new(move || left.leave()),
                );
                desk.close();
                stop.store(true, Ordering::Relaxed);
                let _ = std::net::TcpStream::connect(reachable(address));
                report
            })?
        }
    };
    let interrupted = interrupted.load(Ordering::Relaxed);
    conclude(output, &folder, report, interrupted)
}

fn conclude(
    output: &Output,
    folder: &RunFolder,
    report: RunReport,
    interrupted: bool,
) -> Result<Exit, CliError> {
    if let Some(failure) = report.failures.into_iter().next() {
        return Err(CliError::Run(failure.error));
    }
    let place = folder.path.display();
    output.message(&format!(
        "saved in {place}: `palaestra replay {place}` shows it, `palaestra report {place}` sums it up"
    ));
    Ok(if interrupted {
        Exit::Interrupted
    } else {
        Exit::Success
    })
}

/// `path`, or with the first number that is free.
fn free(path: PathBuf) -> PathBuf {
    let mut free = path.clone();
    let mut number = 2;
    while free.exists() {
        let mut name = path.clone().into_os_string();
        name.push(format!("-{number}"));
        free = name.into();
        number += 1;
    }
    free
}

fn taken(args: &PlayArgs, error: &std::io::Error) -> CliError {
    CliError::argument(
        format!(
            "cannot listen at {}, port {}: {error}",
            args.host, args.port
        ),
        "choose another with --port; port 0 takes a free one",
    )
}

fn listen(args: &PlayArgs) -> Result<Listener, CliError> {
    let address = SocketAddr::new(args.host, args.port);
    Listener::bind(address).map_err(|error| taken(args, &error))
}

/// An address of this machine that leads to a listener.
fn reachable(address: SocketAddr) -> SocketAddr {
    let mut address = address;
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => IpAddr::from([127, 0, 0, 1]),
            SocketAddr::V6(_) => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
        });
    }
    address
}

/// 128 random bits of the system in hexadecimal.
fn token() -> Result<String, CliError> {
    use std::fmt::Write as _;

    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        let hint = "without randomness there is no token that others cannot guess";
        CliError::argument(format!("the system gives no random numbers: {error}"), hint)
    })?;
    Ok(bytes.iter().fold(String::new(), |mut token, byte| {
        // Writing to a String cannot fail.
        let _ = write!(token, "{byte:02x}");
        token
    }))
}
