//! Slow players: files are those of a run in which nobody is slow, whoever answers when.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use palaestra_agents::{
    Agent, AgentContext, AgentError, Mode, Pending, StepView,
    language::chat::mock::{Act, Endpoint, Received, obedient},
};
use palaestra_envs::{
    sim::{ActView, Selection},
    space::Columns,
    stream::Stream,
};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    Registries,
    config::Config,
    run::{Outcome, TrialResult, Watch, plan, run_trial},
};

/// Arguments of the test's agent.
#[derive(Default, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
struct LateArgs {
    /// Whether it answers late.
    slow: bool,
    /// Whether it says that it is slow.
    says_so: bool,
    /// Seed of how late.
    seed: u64,
}

/// Draws at random, after having been polled some times.
struct Late {
    inner: Box<dyn Agent>,
    args: LateArgs,
    draws: Stream,
    /// Of each seat that was asked, how often it is still to be polled.
    left: BTreeMap<(usize, usize), u32>,
}

impl Agent for Late {
    fn act(
        &mut self,
        view: &ActView<'_>,
        rows: &Selection,
        actions: &mut Columns,
    ) -> Result<(), AgentError> {
        self.inner.act(view, rows, actions)
    }

    fn is_slow(&self) -> bool {
        self.args.slow || self.args.says_so
    }

    fn poll(
        &mut self,
        view: &ActView<'_>,
        rows: &Selection,
        actions: &mut Columns,
        pending: &mut Pending,
    ) -> Result<(), AgentError> {
        let (draws, slow) = (&mut self.draws, self.args.slow);
        let mut ready = Vec::new();
        for row in rows.rows().filter(|&row| view.acting[row]) {
            let seat = (view.player, row);
            // The first row is much slower than the others.
            let mut late = || draws.random_range(0..if row == 0 { 40 } else { 4 });
            let left = self
                .left
                .entry(seat)
                .or_insert_with(|| if slow { late() } else { 0 });
            if *left == 0 {
                self.left.remove(&seat);
                ready.push(row);
            } else {
                *left -= 1;
                pending.mark(row);
                pending.bell().ring();
            }
        }
        let mut selection = rows.clone();
        selection.set(ready);
        self.inner.act(view, &selection, actions)
    }

    fn observe(&mut self, view: &StepView<'_>) -> Result<(), AgentError> {
        self.inner.observe(view)
    }

    fn set_mode(&mut self, mode: Mode) {
        self.inner.set_mode(mode);
    }

    fn save(&mut self) -> Result<Vec<u8>, AgentError> {
        self.inner.save()
    }

    fn load(&mut self, state: &[u8]) -> Result<(), AgentError> {
        self.left.clear();
        self.inner.load(state)
    }
}

fn registries() -> Registries {
    let mut registries = Registries::default();
    let random = palaestra_agents::registry();
    let build =
        move |context: &AgentContext, args: LateArgs| -> Result<Box<dyn Agent>, AgentError> {
            Ok(Box::new(Late {
                inner: random.get("random")?.build(context, &Value::Null)?,
                draws: Stream::new(args.seed, 0, "test.late"),
                args,
                left: BTreeMap::new(),
            }))
        };
    registries.agents.register("late", "Answers late.", build);
    registries
}

fn run(folder: &Path, text: &str, watch: &Watch) -> Option<TrialResult> {
    let config: Config = toml::from_str(text).unwrap();
    let trials = plan(&[(String::new(), Arc::new(config))]);
    match run_trial(&trials[0], &registries(), folder, watch).unwrap() {
        Outcome::Complete(result) => Some(result),
        Outcome::Interrupted => None,
    }
}

/// The files of a run that must not depend on who answered when.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let episodes = fs::read_dir(folder.join("episodes")).unwrap();
    let mut paths: Vec<_> = episodes.map(|entry| entry.unwrap().path()).collect();
    assert!(paths.len() > 1, "there are episodes");
    paths.extend([folder.join("metrics.parquet"), folder.join("trial.json")]);
    let named = paths.into_iter().map(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, fs::read(&path).unwrap())
    });
    named.collect()
}

fn assert_same(found: &Path, expected: &Path, what: &str) {
    let (found, expected) = (files(found), files(expected));
    assert!(found.keys().eq(expected.keys()), "{what}");
    for (name, bytes) in &expected {
        assert!(found[name] == *bytes, "{what}: {name}");
    }
}

const GAMES: [&str; 4] = [
    r#"id = "tic_tac_toe-v1""#,
    r#"id = "repeated_matrix_game-v1""#,
    r#"id = "kuhn_poker-v1", shards = 2"#,
    r#"id = "cartpole-v1", wrappers = [{ kind = "normalize_observation" }]"#,
];

fn experiment(env: &str, args: &str) -> String {
    format!(
        r#"
        schema = 1
        experiment = {{ name = "late", seeds = [3], total_env_steps = 1203 }}
        env = {{ num_envs = 5, {env} }}
        agents = [{{ id = "late", args = {args} }}]
        eval = {{ episodes = 12, every_env_steps = 300 }}
        log = {{ metrics_every_env_steps = 50 }}
        "#
    )
}

#[test]
fn files_do_not_depend_on_who_answers_when() {
    for env in GAMES {
        let place = tempfile::tempdir().unwrap();
        let folder = |name: &str| place.path().join(name);
        let watch = Watch::default();
        run(&folder("quick"), &experiment(env, "{}"), &watch).unwrap();
        // In step, by the same code: rows that are ready go on, and all are.
        let all = experiment(env, "{ says_so = true }");
        run(&folder("says_so"), &all, &watch).unwrap();
        assert_same(&folder("says_so"), &folder("quick"), env);
        for seed in 0..3 {
            let (name, watch) = (format!("late-{seed}"), Watch::default());
            let late = format!("{{ slow = true, seed = {seed} }}");
            run(&folder(&name), &experiment(env, &late), &watch).unwrap();
            assert_same(&folder(&name), &folder("quick"), env);
            assert_eq!(watch.env_steps.load(Ordering::Relaxed), 1205, "{env}");
        }
        // Stopped after every pass for a while, with rows ahead of others, and resumed.
        let late = experiment(env, "{ slow = true }");
        for _ in 0..30 {
            let watch = Watch {
                stop: true.into(),
                ..Watch::default()
            };
            run(&folder("stopped"), &late, &watch);
        }
        run(&folder("stopped"), &late, &Watch::default()).unwrap();
        assert_same(&folder("stopped"), &folder("quick"), env);
    }
}

/// Keeps requests waiting until others have come.
#[derive(Default)]
struct Gate {
    seen: Mutex<usize>,
    more: Condvar,
    /// Whether those waited for did not come.
    gave_up: AtomicBool,
}

impl Gate {
    fn come(&self) {
        *self.seen.lock().unwrap() += 1;
        self.more.notify_all();
    }

    /// Waits until `count` have come, for much longer than that takes.
    fn wait(&self, count: usize) {
        let seen = self.seen.lock().unwrap();
        let long = Duration::from_mins(2);
        let waited = self
            .more
            .wait_timeout_while(seen, long, |seen| *seen < count);
        let gave_up = waited.unwrap().1.timed_out();
        self.gave_up.fetch_or(gave_up, Ordering::Relaxed);
    }
}

/// What a request says of its seat's answer, as the agents `chat` and `http` ask.
fn schema(request: &Received) -> Value {
    let schema = &request.body["game_params"]["expects"]["schema"];
    if schema.is_null() {
        return request.body.clone();
    }
    json!({"response_format": {"json_schema": {"schema": schema}}})
}

/// An answer that follows from the request.
fn answer(request: &Received) -> Act {
    let body = request.body.to_string();
    let choice = body.bytes().fold(0, |sum, byte| sum + usize::from(byte));
    let said = obedient(&schema(request), choice);
    if request.body["game_params"].is_null() {
        Act::Say(said)
    } else {
        Act::Body(json!({"response": said}))
    }
}

fn language(agent: &str, endpoint: &Endpoint, transcript: &Path, source: &str) -> String {
    let url = endpoint.url();
    let args = match agent {
        "chat" => format!(
            r#"base_url = "{url}", model = "mock", response_format = "json_schema", send_seed = true"#
        ),
        _ => format!(r#"url = "{url}""#),
    };
    format!(
        r#"
        schema = 1
        experiment = {{ name = "late", seeds = [3], total_env_steps = 96 }}
        env = {{ id = "glee_bargaining_text-v1", num_envs = 4, args = {{ rounds = 3 }} }}
        agents = [{{ id = "{agent}", args = {{ {args}, transcript = "{}", source = "{source}" }} }}]
        eval = {{ episodes = 4 }}
        "#,
        transcript.display()
    )
}

/// Game and row of each answer in a transcript, in the order in which they came.
fn games(transcript: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(transcript).unwrap();
    let records = text.lines().map(|line| {
        let record: Value = serde_json::from_str(line).unwrap();
        let game = record["game"].as_str().unwrap();
        let mut parts = game.split('-').skip(1).map(str::to_owned);
        (parts.next().unwrap(), parts.next().unwrap())
    });
    records.collect()
}

/// The files that are equal to the byte; metrics tell how long answers took.
fn episodes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = files(folder);
    files.remove("metrics.parquet");
    files
}

#[test]
fn games_behind_an_endpoint_wait_for_no_other() {
    for agent in ["chat", "http"] {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        let endpoint = Endpoint::start(answer).unwrap();
        let text = language(agent, &endpoint, &path("prompt.jsonl"), "record");
        let prompt = run(&path("prompt"), &text, &Watch::default()).unwrap();
        let asked = games(&path("prompt.jsonl"));
        assert_eq!(endpoint.received().len(), asked.len());
        // Each step is an answer; in the evaluation rows stop after an episode.
        let in_training = asked.iter().filter(|(part, _)| part == "train").count();
        assert_eq!(in_training, 96);
        assert!(asked.len() - in_training >= 4, "{asked:?}");

        // The first request is answered when the other rows have played all their games.
        let gate = Arc::new(Gate::default());
        let held = gate.clone();
        let endpoint = Endpoint::start(move |request| {
            if request.number == 0 {
                held.wait(72);
            }
            held.come();
            answer(request)
        })
        .unwrap();
        let text = language(agent, &endpoint, &path("late.jsonl"), "record");
        let late = run(&path("late"), &text, &Watch::default()).unwrap();
        assert_eq!(late, prompt);
        assert_eq!(episodes(&path("late")), episodes(&path("prompt")));
        assert!(
            !gate.gave_up.load(Ordering::Relaxed),
            "the others have waited"
        );

        // Stopped when the others are through. The question under way is answered once, and found again.
        let watch = Arc::new(Watch::default());
        let (gate, stop) = (Arc::new(Gate::default()), watch.clone());
        let held = gate.clone();
        let endpoint = Endpoint::start(move |request| {
            if request.number == 0 {
                held.wait(72);
                stop.stop.store(true, Ordering::Relaxed);
            }
            held.come();
            answer(request)
        })
        .unwrap();
        let text = language(agent, &endpoint, &path("stopped.jsonl"), "replay");
        assert!(run(&path("stopped"), &text, &watch).is_none());
        let before = endpoint.received().len();
        assert!(
            (73..96).contains(&before) && !gate.gave_up.load(Ordering::Relaxed),
            "{before}"
        );
        run(&path("stopped"), &text, &Watch::default()).unwrap();
        assert_eq!(endpoint.received().len(), asked.len());
        assert_eq!(episodes(&path("stopped")), episodes(&path("prompt")));

        // Without anybody to ask, from either transcript.
        for name in ["late", "stopped"] {
            let transcript = path(&format!("{name}.jsonl"));
            let text = language(agent, &endpoint, &transcript, "strict");
            let again = path(&format!("{name}-again"));
            assert_eq!(run(&again, &text, &Watch::default()).unwrap(), prompt);
            assert_eq!(episodes(&again), episodes(&path("prompt")));
        }
    }
}
