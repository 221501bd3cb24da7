//! What a report shows of markets.

use super::*;

const MAKING: &str = r#"
    schema = 1
    experiment = { name = "making", seeds = [0, 1], total_env_steps = 240 }
    env = { id = "market_making-v1", num_envs = 2, args = { steps = 40, warm_up = 5.0, interval = 2.0 } }
    agents = [{ id = "fixed_spread", name = "quoting" }, { id = "random" }]
"#;

#[test]
fn an_episode_of_each_agent_is_drawn_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = run(folder.path(), MAKING);
    let report = read_one(&path);
    let episodes = report.market.as_ref().unwrap();
    let agents: Vec<&str> = episodes.iter().map(|e| e.agent.as_str()).collect();
    assert_eq!(agents, ["quoting", "random"]);
    let quoting = &episodes[0];
    assert_eq!(
        (quoting.trial.as_str(), quoting.episode.as_str()),
        ("quoting-seed0", "train-0")
    );
    // The first observation and one after each decision.
    let market = &quoting.path;
    assert_eq!((market.times.len(), quoting.every), (41, 1));
    assert_eq!((market.times[0], market.times[40]), (0.0, 80.0));
    assert_eq!(market.volume[0], 0.0);
    assert!(market.volume.iter().sum::<f64>() > 0.0);
    assert!(market.spread.iter().flatten().all(|spread| *spread >= 1.0));
    assert!(market.depth.iter().flatten().any(|size| *size > 0.0));
    // The same streams, other orders: the two markets part, but begin alike.
    assert_eq!(market.mid[0], episodes[1].path.mid[0]);
    assert_ne!(market.depth, episodes[1].path.depth);

    write(&report, &path).unwrap();
    let page = html(&path);
    for text in ["Order books", "Price: quoting", "Volume: random", "#market"] {
        assert!(page.contains(text), "{text}");
    }
    let names = ["price", "spread", "volume", "depth"];
    for name in names
        .iter()
        .flat_map(|name| [1, 2].map(|k| format!("market_{name}-{k}")))
    {
        assert!(report.plots.contains(&name), "{name}: {:?}", report.plots);
        assert!(path.join(format!("plots/{name}.png")).is_file());
    }
    assert_eq!(
        json(&path)["market"][1]["path"]["times"]
            .as_array()
            .unwrap()
            .len(),
        41
    );
}

#[test]
fn evaluations_come_first_and_long_episodes_are_thinned() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"
        schema = 1
        experiment = { name = "long", seeds = [0], total_env_steps = 2400 }
        env = { id = "market_making-v1", num_envs = 2, args = { steps = 1200, warm_up = 5.0, interval = 4.0 } }
        agents = [{ id = "fixed_spread" }]
        eval = { episodes = 2 }
    "#;
    let report = read_one(&run(folder.path(), text));
    let episode = &report.market.as_ref().unwrap()[0];
    assert_eq!(episode.episode, "eval-0-0");
    assert_eq!((episode.every, episode.path.times.len()), (3, 401));
    assert_eq!(episode.times, "minutes after the first decision");
    assert_eq!(episode.path.times[400], 80.0);
}

#[test]
fn what_is_no_market_or_has_no_log_has_no_order_book() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(read_one(&run(folder.path(), CARTPOLE)).market, None);
    let text = format!(
        "{}\n    log = {{ episodes = \"none\" }}",
        MAKING.replace("\"making\"", "\"unlogged\"")
    );
    assert_eq!(read_one(&run(folder.path(), &text)).market, None);
}
