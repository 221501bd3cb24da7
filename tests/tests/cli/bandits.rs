//! Whose luck and whose choices a bandit's log shows: the same bits for every batch size and number of threads, and
//! whatever other policies run beside.

use std::{collections::BTreeMap, fs};

use super::support::{Bench, files, is_result};

/// Policies of every kind: by index, by weights, by blocks, by sampled states, by plans, with full information.
const AGENTS: [(&str, &str); 8] = [
    ("ucb1", ""),
    ("thompson_beta", ""),
    ("exp3", ""),
    ("isi_comb_ucb1", "block = 4"),
    ("rgp_ts", ""),
    ("ucb_lsd", "monotone = true"),
    ("etc_lsd", "monotone = true"),
    ("planner", "planner = \"best\""),
];

/// Two seeds of `agents` on `burst2`, with two episodes of 20 rounds in each of `rows` rows.
fn experiment<'a>(rows: usize, agents: impl Iterator<Item = &'a (&'a str, &'a str)>) -> String {
    let agents =
        agents.map(|(id, args)| format!("[[agents]]\nid = \"{id}\"\nargs = {{ {args} }}\n"));
    format!(
        "schema = 1\n\
         [experiment]\nname = \"bandits\"\nseeds = [3, 4]\ntotal_env_steps = {}\n\
         [env]\nid = \"lsd_bandit-v1\"\nnum_envs = {rows}\nargs = {{ preset = \"burst2\", horizon = 20 }}\n\
         {}\
         [log]\ntensorboard = false\n",
        rows * 40,
        agents.collect::<String>()
    )
}

/// All steps of the run `name` as text, by trial, lane and episode of the lane.
fn steps(bench: &Bench, name: &str) -> BTreeMap<(String, u64, u64), String> {
    let list = bench.json(&["replay", name, "--list"]);
    let mut episodes = BTreeMap::new();
    for entry in list["episodes"].as_array().unwrap() {
        let (trial, episode) = (entry["trial"].as_str().unwrap(), &entry["episode"]);
        let number = |key: &str| episode["lane"][key].as_u64().unwrap();
        let id = episode["id"].as_str().unwrap();
        episodes.insert(format!("{trial},{id}"), (number("lane"), number("episode")));
    }
    let folder = format!("csv_{name}");
    bench.ok(&["export", name, "--format", "csv", "--out", &folder]);
    let table = fs::read_to_string(bench.path(&folder).join("steps.csv")).unwrap();
    let mut steps = BTreeMap::new();
    for line in table.lines().skip(1) {
        let (trial, rest) = line.split_once(',').unwrap();
        let (id, step) = rest.split_once(',').unwrap();
        let (lane, episode) = episodes[&format!("{trial},{id}")];
        let text: &mut String = steps.entry((trial.to_owned(), lane, episode)).or_default();
        *text += step;
        text.push('\n');
    }
    steps
}

#[test]
fn a_row_is_logged_the_same_in_every_batch() {
    let bench = Bench::new();
    let mut logs = Vec::new();
    for rows in [1024, 7, 1] {
        bench.write("batch.toml", &experiment(rows, AGENTS.iter()));
        let name = format!("rows{rows}");
        let one_seed = "experiment.seeds=[3]";
        bench.ok(&["run", "batch.toml", "--out", &name, "--set", one_seed]);
        logs.push(steps(&bench, &name));
        assert_eq!(logs[logs.len() - 1].len(), AGENTS.len() * rows * 2);
    }
    let (large, small) = logs.split_first().unwrap();
    for (key, text) in small.iter().flatten() {
        assert_eq!(text.lines().count(), 20, "{key:?}");
        assert_eq!(&large[key], text, "{key:?}");
    }
}

#[test]
fn threads_shards_and_company_change_no_bit_of_a_log() {
    let bench = Bench::new();
    let results = |run: &str| files(&bench.path(run), is_result);
    bench.write("all.toml", &experiment(7, AGENTS.iter()));
    bench.ok(&["run", "all.toml", "--out", "all", "--threads", "1"]);
    let expected = results("all");
    assert!(expected.len() >= 2 * 4 * AGENTS.len(), "{}", expected.len());

    bench.ok(&["run", "all.toml", "--out", "eight", "--threads", "8"]);
    assert!(results("eight") == expected, "one and eight threads");
    let shards = ["--set", "env.shards=3"];
    bench.ok(&[&["run", "all.toml", "--out", "shards"][..], &shards].concat());
    assert!(results("shards") == expected, "one and three shards");

    // In other company: the policies of odd number from the last to the first, and each of two alone.
    let odd: Vec<_> = AGENTS.iter().skip(1).step_by(2).rev().collect();
    for (name, agents) in [
        ("odd", &odd[..]),
        ("alone", &[&AGENTS[0]]),
        ("plan", &[&AGENTS[5]]),
    ] {
        bench.write("some.toml", &experiment(7, agents.iter().copied()));
        bench.ok(&["run", "some.toml", "--out", name]);
        let found = results(name);
        assert!(found.len() >= 2 * 4 * agents.len(), "{}", found.len());
        for file in &found {
            assert!(expected.contains(file), "{name}: {}", file.0);
        }
    }
}
