//! One short random episode of every registered environment, written out: what is seen, allowed, done and paid.
//!
//! A change of an environment shows as a change of its file in `playthroughs/`. If it is meant, write the files
//! anew with `INSTA_UPDATE=always cargo test --release -p palaestra-tests --test golden playthroughs` and read
//! the difference.

use std::fmt::Write as _;

use palaestra_envs::{
    registry,
    registry::EnvEntry,
    sim::{Autoreset, Border, EnvSpec, PlayerSpec, Simulator},
    space::{ColumnData, Space},
    stream::Stream,
};
use serde_json::Value;

const SEED: u64 = 7;
const LONGEST: usize = 12;

#[test]
fn every_registered_environment_plays_as_it_did() {
    let registry = registry();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("playthroughs");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for entry in registry.iter() {
            insta::assert_snapshot!(entry.id.as_str(), playthrough(entry));
        }
    });
}

#[test]
fn no_playthrough_is_left_of_an_environment_that_is_gone() {
    let registry = registry();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/playthroughs");
    for file in std::fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        if let Some(id) = name.strip_suffix(".snap") {
            assert!(registry.iter().any(|entry| entry.id == id), "{name}");
        }
    }
}

fn playthrough(entry: &EnvEntry) -> String {
    let env = entry.build(&Value::Null).unwrap();
    let spec = Simulator::builder(env).build().unwrap().spec().clone();
    let mut builder = Simulator::builder(entry.build(&Value::Null).unwrap())
        .seed(SEED)
        .autoreset(Autoreset::Disabled);
    for field in &spec.info {
        builder = builder.info(&field.name);
    }
    let mut simulator = builder.build().unwrap();
    let mut rng = Stream::new(SEED, 0, "policy.sample");
    let mut text = header(&spec, &entry.defaults);
    simulator.reset().unwrap();
    for step in 0..LONGEST {
        write!(text, "\n# state {step}\n{}", situation(&simulator)).unwrap();
        let acting: Vec<usize> = (0..spec.players.len())
            .filter(|&player| simulator.border().player(player).acting[0])
            .collect();
        for &index in &acting {
            let border = simulator.border_mut().player_mut(index);
            let mask = border.mask_row(0).to_vec();
            let player = &spec.players[index];
            player
                .action
                .sample_row(border.action_mut(), 0, &mask, &mut rng)
                .unwrap();
            let action = player.action.row_to_json(border.action(), 0);
            writeln!(text, "action {}: {action}", player.name).unwrap();
        }
        simulator.step().unwrap();
        text += &outcome(&spec, simulator.border());
        if simulator.border().ended(0) {
            break;
        }
    }
    text + "\n# last state\n" + &situation(&simulator)
}

fn header(spec: &EnvSpec, defaults: &Value) -> String {
    let mut text = format!("{}: {}\n", spec.id, spec.summary);
    let (low, high) = spec.reward_range;
    let limit = spec
        .max_episode_steps
        .map_or("none".into(), |n| n.to_string());
    writeln!(text, "arguments: {defaults}").unwrap();
    writeln!(
        text,
        "turns {:?}, rewards {low} to {high}, time limit {limit}, {}",
        spec.turns,
        if spec.stochastic {
            "stochastic"
        } else {
            "deterministic"
        }
    )
    .unwrap();
    for player in &spec.players {
        let (sees, does) = (json(&player.observation), json(&player.action));
        writeln!(text, "player {}\n  sees {sees}\n  does {does}", player.name).unwrap();
    }
    for field in &spec.info {
        let space = json(&field.space);
        writeln!(text, "info {} ({:?}): {space}", field.name, field.kind).unwrap();
    }
    text
}

fn json(space: &Space) -> String {
    serde_json::to_string(space).unwrap()
}

/// Picture, observations and legal actions.
fn situation(simulator: &Simulator) -> String {
    let spec = simulator.spec();
    let mut text = String::new();
    if let Some(picture) = simulator.render(0).unwrap() {
        for line in picture.lines() {
            text += format!("| {line}").trim_end();
            text += "\n";
        }
    }
    for (index, player) in spec.players.iter().enumerate() {
        let border = simulator.border().player(index);
        let seen = player.observation.row_to_json(border.observation(), 0);
        writeln!(text, "{} sees {seen}", player.name).unwrap();
        if border.acting[0] && player.action_mask {
            let mask = border.mask_row(0);
            writeln!(text, "{} may do {}", player.name, legal(player, mask)).unwrap();
        }
    }
    text
}

fn legal(player: &PlayerSpec, mask: &[u8]) -> String {
    let start = match player.action {
        Space::Discrete { start, .. } => start,
        _ => 0,
    };
    let allowed = (0..mask.len()).filter(|&i| mask[i] == 1);
    let list: Vec<String> = allowed.map(|i| (start + i as i32).to_string()).collect();
    list.join(" ")
}

/// Rewards, flags and info of the step just made.
fn outcome(spec: &EnvSpec, border: &Border) -> String {
    let mut text = String::new();
    for (player, p) in spec.players.iter().zip(&border.players) {
        writeln!(text, "reward {}: {}", player.name, p.reward[0]).unwrap();
    }
    for field in border.info.fields() {
        let values: Vec<String> = match &field.data {
            ColumnData::F32(v) => v.iter().map(ToString::to_string).collect(),
            ColumnData::F64(v) => v.iter().map(ToString::to_string).collect(),
            ColumnData::I32(v) => v.iter().map(ToString::to_string).collect(),
            ColumnData::U8(v) => v.iter().map(ToString::to_string).collect(),
            ColumnData::Text(v) => v.to_vec(),
        };
        writeln!(text, "info {}: {}", field.name, values.join(" ")).unwrap();
    }
    if border.terminated[0] {
        text += "terminated\n";
    }
    if border.truncated[0] {
        text += "truncated\n";
    }
    text
}
