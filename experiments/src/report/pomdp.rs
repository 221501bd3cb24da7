//! The POMDPs that were played: what can be earned in them, and what was.

use std::sync::{Arc, atomic::Ordering};

use palaestra_agents::pomdp::planning::{
    AlphaPolicy, Informed, InformedBounds, Sarsop, SarsopSettings, Solver,
};
use palaestra_envs::{
    pomdp::Pomdp,
    sim::{EnvSpec, Model},
    wrappers::{TimeLimit, Wrapper},
};
use serde_json::Value;

use super::{
    AlphaLine, AlphaPicture, BoundsTrace, PomdpBound, PomdpProblem, PomdpReport, PomdpsReport,
    ReportError,
    discounted::returns,
    figures::count,
    load::{LineUp, Loaded},
};
use crate::{
    Registries,
    solve::{Limits, Stop, trace},
};

/// Possible transitions of a model up to which a report computes bounds: some seconds.
const MOST_ENTRIES: usize = 2_000_000;
/// Multiplications that SARSOP may take: some seconds. No clock is read, so that the same run gives the same report.
const MOST_WORK: u64 = 2_000_000_000;
/// Digits that a bound is worth.
const PRECISION: f64 = 1e-3;

/// A problem with those who played it.
struct Played {
    /// What makes it another one.
    key: String,
    name: String,
    line_ups: Vec<usize>,
    model: Arc<Pomdp>,
    /// What wrappers change about it.
    wrapped: Option<String>,
}

/// What can be earned where there is an explicit model, and what was; `None` if no agent played a POMDP.
pub(super) fn pomdp(
    registries: &Registries,
    loaded: &Loaded,
    notes: &mut Vec<String>,
) -> Result<Option<PomdpReport>, ReportError> {
    let mut played: Vec<Played> = Vec::new();
    let mut wrapped: Option<String> = None;
    let mut discounts = vec![None; loaded.line_ups.len()];
    for (index, line_up) in loaded.line_ups.iter().enumerate() {
        let Some(spec) = line_up.env_spec(registries) else {
            continue;
        };
        for note in &spec.notes {
            if !notes.contains(note) {
                notes.push(note.clone());
            }
        }
        let Some(model) = model(&spec) else {
            let reason = changed(line_up, &spec, registries);
            if reason.is_none() {
                discounts[index] = spec.discount;
            }
            wrapped = wrapped.or(reason);
            continue;
        };
        discounts[index] = spec.discount;
        let key = rules(line_up);
        match played.iter_mut().find(|known| known.key == key) {
            Some(known) => known.line_ups.push(index),
            None => played.push(Played {
                key,
                name: name(line_up),
                line_ups: vec![index],
                model,
                wrapped: hindered(&spec),
            }),
        }
    }
    if discounts.iter().all(Option::is_none) {
        return Ok(wrapped.map(|reason| PomdpReport::Unknown { reason }));
    }
    notes.extend(wrapped);
    let several = played.len() > 1;
    let problems = played.iter().enumerate().map(|(index, played)| {
        let suffix = if several {
            format!("-{}", index + 1)
        } else {
            String::new()
        };
        problem(played, loaded, &suffix)
    });
    Ok(Some(PomdpReport::Known(Box::new(PomdpsReport {
        problems: problems.collect(),
        returns: returns(loaded, &discounts, registries, notes)?,
    }))))
}

/// The exact model of an environment.
fn model(spec: &EnvSpec) -> Option<Arc<Pomdp>> {
    spec.model.as_ref().and_then(Model::get::<Pomdp>)
}

/// Says that wrappers have changed the problem, if there would be a model without them.
fn changed(line_up: &LineUp, wrapped: &EnvSpec, registries: &Registries) -> Option<String> {
    model(&*line_up.plain_env_spec(registries)?)?;
    Some(format!(
        "`{}` is wrapped (`{}`), which makes it another problem than its model describes: what can be earned in it is \
         not known.",
        wrapped.id,
        wrapped.wrappers.join(", ")
    ))
}

/// Says that wrappers come between the problem and the agents.
fn hindered(spec: &EnvSpec) -> Option<String> {
    let between = spec.wrappers.iter();
    let between = between.filter(|wrapper| !wrapper.starts_with(TimeLimit::NAME));
    let between: Vec<&str> = between.map(String::as_str).collect();
    (!between.is_empty()).then(|| {
        format!(
            "The bounds are those of the problem without wrappers: agents saw it through `{}`.",
            between.join(", ")
        )
    })
}

/// What makes a problem another one: the environment, its arguments without the time limit, and its wrappers.
fn rules(line_up: &LineUp) -> String {
    let env = &line_up.config.env;
    let mut args = env.args.clone();
    args.remove("horizon");
    let wrappers = serde_json::to_string(&env.wrappers).unwrap_or_default();
    format!("{} {} {wrappers}", env.id, Value::Object(args))
}

/// The environment with the arguments that were given.
fn name(line_up: &LineUp) -> String {
    let env = &line_up.config.env;
    let mut name = format!("`{}`", env.id);
    for (key, value) in env.args.iter().filter(|(key, _)| *key != "horizon") {
        let value = value.to_string();
        let value = if value.len() > 60 { "…" } else { &value };
        name = format!("{name}, `{key} = {value}`");
    }
    name
}

fn problem(played: &Played, loaded: &Loaded, suffix: &str) -> PomdpProblem {
    let model = &played.model;
    let mut told = PomdpProblem {
        name: played.name.clone(),
        agents: (played.line_ups.iter())
            .map(|index| loaded.line_ups[*index].name.clone())
            .collect(),
        states: model.num_states(),
        actions: model.num_actions(),
        observations: model.num_observations(),
        discount: model.discount(),
        bounds: Vec::new(),
        remark: played.wrapped.clone(),
        trace: None,
        vectors: None,
    };
    let entries = model.parts().transition.iter();
    let entries: usize = entries.map(|rows| rows.offset(rows.rows())).sum();
    if entries > MOST_ENTRIES {
        told.remark = Some(format!(
            "No bounds are computed: {} possible transitions are above the {} up to which a report does so.",
            count(entries as u64),
            count(MOST_ENTRIES as u64)
        ));
        return told;
    }
    let settings = SarsopSettings {
        precision: PRECISION,
        ..SarsopSettings::default()
    };
    match Informed::new(model) {
        Ok(informed) => {
            let solver = Sarsop::from_bounds(model.clone(), settings, &informed);
            solve(&mut told, model, &informed.bounds, solver, suffix);
        }
        Err(error) => told.remark = Some(format!("No bounds are computed: {error}.")),
    }
    told
}

/// Fills in what `solver` finds until it has done [`MOST_WORK`].
fn solve(
    told: &mut PomdpProblem,
    model: &Pomdp,
    bounds: &InformedBounds,
    mut solver: Sarsop,
    suffix: &str,
) {
    let limits = Limits::seconds(f64::INFINITY);
    let run = trace(&mut solver, &limits, |solver, _| {
        let enough = solver.work() >= MOST_WORK;
        limits.interrupt.store(enough, Ordering::Relaxed);
    });
    let points = run.points.iter();
    let points = points.filter_map(|point| Some((point.iteration, point.lower?, point.upper?)));
    let points: Vec<(u64, f64, f64)> = points.collect();
    let converged = run.stop == Stop::Converged;
    let bound = |id, value, provenance: &str| PomdpBound {
        id,
        value,
        provenance: provenance.into(),
    };
    told.bounds = vec![
        bound(
            "mdp",
            bounds.mdp,
            "upper bound: the state is always known; value iteration",
        ),
        bound(
            "qmdp",
            bounds.qmdp,
            "upper bound: the state is known from the next step on; Littman, Cassandra, Kaelbling 1995",
        ),
        bound(
            "fib",
            bounds.fib,
            "upper bound: the fast informed bound; Hauskrecht 2000",
        ),
    ];
    if let Some(&(done, lower, upper)) = points.last() {
        let how = if converged {
            format!("converged after {} iterations", count(done))
        } else {
            format!(
                "not converged after {} iterations, where a report stops",
                count(done)
            )
        };
        let source = format!("SARSOP (Kurniawati, Hsu, Lee 2008), {how}");
        told.bounds.push(bound(
            "sarsop_upper",
            upper,
            &format!("upper bound: {source}"),
        ));
        told.bounds.push(bound(
            "sarsop_lower",
            lower,
            &format!("lower bound, which its policy earns at least: {source}"),
        ));
    }
    told.bounds.push(bound(
        "blind",
        bounds.blind,
        "lower bound: the best single action for ever; Hauskrecht 1997",
    ));
    let drawn = points.iter().any(|point| point.0 > 0);
    told.trace = Some(BoundsTrace {
        plot: drawn.then(|| format!("bounds{suffix}")),
        iterations: points.iter().map(|point| point.0).collect(),
        lower: points.iter().map(|point| point.1).collect(),
        upper: points.iter().map(|point| point.2).collect(),
        converged,
    });
    told.vectors = alpha_picture(model, &solver.policy(), suffix);
}

/// The vectors of two states that a belief can spread over.
fn alpha_picture(model: &Pomdp, policy: &AlphaPolicy, suffix: &str) -> Option<AlphaPicture> {
    let parts = model.parts();
    let [first, second] = &parts.states[..] else {
        return None;
    };
    let [vectors] = &policy.vectors[..] else {
        return None;
    };
    let vectors = vectors.iter().filter_map(|vector| {
        Some(AlphaLine {
            action: parts.actions.get(vector.action as usize)?.clone(),
            values: vector.values[..].try_into().ok()?,
        })
    });
    Some(AlphaPicture {
        plot: format!("vectors{suffix}"),
        states: [first.clone(), second.clone()],
        vectors: vectors.collect(),
    })
}
