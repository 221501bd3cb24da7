//! Checks of what the environment says of itself.

use serde_json::{Value, json};

use super::{
    lab::Lab,
    report::{Failure, MET, Verdict, skipped},
};
use crate::{
    error::EnvError,
    registry::EnvEntry,
    space::{BoxSpace, DType, Space},
};

/// Identifier, players, spaces and ranges make sense, and a second build says the same.
pub(super) fn spec(lab: &Lab<'_>) -> Verdict {
    let spec = &lab.spec;
    let fail = |place: &str, what: String| Err(Failure::new(place, what));
    if !is_identifier(&spec.id) {
        return fail(
            "id",
            format!(
                "`{}` is not of the form [namespace/]name-vN with a name of letters, digits, _ : . -",
                spec.id
            ),
        );
    }
    if spec.players.is_empty() {
        return fail("players", "there are none".into());
    }
    for (i, player) in spec.players.iter().enumerate() {
        let place = format!("player `{}`", player.name);
        if player.name.is_empty() || spec.players[..i].iter().any(|p| p.name == player.name) {
            return fail(&place, "names must be given and differ".into());
        }
        for (what, space) in [
            ("observation", &player.observation),
            ("action", &player.action),
        ] {
            check_space(space).map_err(|e| Failure::new(format!("{place}, {what} space"), e))?;
        }
        if player.action_mask && player.action.mask_width() == 0 {
            return fail(&place, "this kind of action space has no mask".into());
        }
    }
    let (low, high) = spec.reward_range;
    if low > high || low.is_nan() || high.is_nan() {
        return fail("reward_range", format!("{low} is not below {high}"));
    }
    if spec.max_episode_steps == Some(0) {
        return fail(
            "max_episode_steps",
            "an episode has at least one step".into(),
        );
    }
    for (i, field) in spec.info.iter().enumerate() {
        let place = format!("info `{}`", field.name);
        if spec.info[..i].iter().any(|f| f.name == field.name) {
            return fail(&place, "names must differ".into());
        }
        if matches!(field.space, Space::Dict(_) | Space::Tuple(_)) {
            return fail(&place, "its space must be a leaf".into());
        }
        check_space(&field.space).map_err(|e| Failure::new(place, e))?;
    }
    if **lab.build(&lab.setup())?.spec() != **spec {
        return fail("", "a second build says something else".into());
    }
    MET
}

/// Whether `id` has the form `[namespace/]name-vN`.
fn is_identifier(id: &str) -> bool {
    let name = id.rsplit_once('/').map_or(id, |(_, name)| name);
    let legal = |c: char| c.is_alphanumeric() || "_:.-".contains(c);
    name.rsplit_once("-v").is_some_and(|(name, version)| {
        let number = !version.is_empty() && version.chars().all(|c| c.is_ascii_digit());
        !name.is_empty() && name.chars().all(legal) && number
    })
}

/// Whether a space holds at least one value and is written consistently.
fn check_space(space: &Space) -> Result<(), String> {
    let leaves = space.leaves();
    for (i, (name, leaf)) in leaves.iter().enumerate() {
        let of = if name.is_empty() {
            String::new()
        } else {
            format!("`{name}`: ")
        };
        if leaves[..i].iter().any(|(other, _)| other == name) {
            return Err(format!("{of}two fields have this name"));
        }
        let fault = match leaf {
            Space::Box(b) => box_fault(b),
            Space::Discrete { n, start } => {
                let last = i64::from(*start) + *n as i64 - 1;
                (*n == 0 || last > i64::from(i32::MAX))
                    .then(|| format!("{n} values from {start} are none, or too many"))
            }
            Space::MultiDiscrete { nvec } => nvec
                .iter()
                .position(|&n| n == 0 || n > i32::MAX as usize)
                .map(|i| format!("element {i} has {} values", nvec[i])),
            Space::MultiBinary {
                n,
                min_ones,
                max_ones,
            } => (min_ones > max_ones || max_ones > n)
                .then(|| format!("{min_ones}..={max_ones} of {n} bits cannot be set")),
            Space::Text {
                min_length,
                max_length,
                ..
            } => (min_length > max_length)
                .then(|| format!("no text is {min_length}..={max_length} characters long")),
            Space::Dict(_) | Space::Tuple(_) => None,
        };
        if let Some(fault) = fault {
            return Err(format!("{of}{fault}"));
        }
    }
    Ok(())
}

fn box_fault(b: &BoxSpace) -> Option<String> {
    let width: usize = b.shape.iter().product();
    if b.low.len() != width || b.high.len() != width {
        return Some(format!(
            "shape {:?} asks for {width} bounds, there are {} and {}",
            b.shape,
            b.low.len(),
            b.high.len()
        ));
    }
    let fits = |x: f64| b.dtype != DType::Uint8 || (0.0..=255.0).contains(&x);
    b.low
        .iter()
        .zip(&b.high)
        .enumerate()
        .find_map(|(i, (&low, &high))| {
            // Written so that NaN fails; a box from +inf or to -inf holds nothing finite.
            let sound = low <= high && low < f64::INFINITY && high > f64::NEG_INFINITY;
            (!sound || !fits(low) || !fits(high))
                .then(|| format!("bounds {low}..={high} of element {i} hold no value"))
        })
}

/// The default arguments build what no arguments build, and unknown ones are refused.
pub(super) fn arguments(lab: &Lab<'_>, entry: Option<&EnvEntry>, args: &Value) -> Verdict {
    let Some(entry) = entry else {
        return skipped("made by a factory, not from arguments");
    };
    if lab.spec.id != entry.id {
        return Err(Failure::new(
            "id",
            format!(
                "registered as `{}`, but calls itself `{}`",
                entry.id, lab.spec.id
            ),
        ));
    }
    if args.is_null() {
        let defaults = || entry.build(&entry.defaults);
        let lab = Lab {
            factory: &defaults,
            options: lab.options.clone(),
            spec: lab.spec.clone(),
        };
        if **lab.build(&lab.setup())?.spec() != *lab.spec {
            return Err(Failure::new(
                "",
                "the listed defaults build something else than no arguments",
            ));
        }
    }
    let mut stranger = if args.is_object() {
        args
    } else {
        &entry.defaults
    }
    .clone();
    stranger["no_environment_has_this_argument"] = json!(1);
    match entry.build(&stranger) {
        Err(EnvError::Argument { .. }) => MET,
        Err(other) => Err(Failure::new(
            "",
            format!("an unknown argument should give EnvError::Argument, gave: {other}"),
        )),
        Ok(_) => Err(Failure::new(
            "",
            "an unknown argument was accepted; does the struct deny unknown fields?",
        )),
    }
}
