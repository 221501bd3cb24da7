//! Writes a model so that reading gives the same model, bit for bit.

use std::fmt::{Result, Write};

use crate::pomdp::{Pomdp, SparseRow, SparseRows};

/// The text of a file with this model.
pub fn write(model: &Pomdp) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = model_to(model, &mut text);
    text
}

fn model_to(model: &Pomdp, out: &mut String) -> Result {
    let parts = model.parts();
    writeln!(out, "discount: {}\nvalues: reward", parts.discount)?;
    for (section, names) in [
        ("states", &parts.states),
        ("actions", &parts.actions),
        ("observations", &parts.observations),
    ] {
        let numbered = names
            .iter()
            .enumerate()
            .all(|(i, name)| *name == i.to_string());
        if numbered {
            writeln!(out, "{section}: {}", names.len())?;
        } else {
            writeln!(out, "{section}: {}", names.join(" "))?;
        }
    }
    start(model, out)?;
    for (letter, tables, columns) in [
        ("T", &parts.transition, &parts.states),
        ("O", &parts.observation, &parts.observations),
    ] {
        writeln!(out)?;
        let all_equal = tables.iter().all(|table| *table == tables[0]);
        let any = ["*".to_owned()];
        let actions = if all_equal { &any[..] } else { &parts.actions };
        for (action, table) in actions.iter().zip(tables) {
            probabilities(
                out,
                &format!("{letter}: {action}"),
                table,
                (&parts.states, columns),
            )?;
        }
    }
    writeln!(out)?;
    (0..model.num_actions()).try_for_each(|action| rewards(model, action, out))
}

fn start(model: &Pomdp, out: &mut String) -> Result {
    let (start, states) = (model.start(), &model.parts().states);
    let count = start.columns.len();
    let flat = start.values.iter().all(|&p| p == 1.0 / count as f64);
    if flat && count == states.len() {
        return writeln!(out, "start: uniform");
    }
    if flat {
        let names: Vec<&str> = start.iter().map(|(s, _)| states[s].as_str()).collect();
        return writeln!(out, "start include: {}", names.join(" "));
    }
    write!(out, "start:")?;
    model
        .start_belief()
        .iter()
        .try_for_each(|p| write!(out, " {p}"))?;
    writeln!(out)
}

fn probabilities(
    out: &mut String,
    head: &str,
    table: &SparseRows,
    names: (&[String], &[String]),
) -> Result {
    let (states, columns) = names;
    let rows = || (0..states.len()).map(|s| table.row(s));
    let is_unit =
        |(s, row): (usize, SparseRow<'_>)| row.columns == [s as u32] && row.values == [1.0];
    let flat = 1.0 / columns.len() as f64;
    let is_flat = |row: SparseRow<'_>| {
        row.columns.len() == columns.len() && row.values.iter().all(|&p| p == flat)
    };
    if head.starts_with('T') && rows().enumerate().all(is_unit) {
        return writeln!(out, "{head} identity");
    }
    if rows().all(is_flat) {
        return writeln!(out, "{head} uniform");
    }
    let entries = |out: &mut String, state: &str, row: SparseRow<'_>| {
        row.iter()
            .try_for_each(|(c, p)| writeln!(out, "{head} : {state} : {} {p}", columns[c]))
    };
    if rows().all(|row| row == table.row(0)) {
        return entries(out, "*", table.row(0));
    }
    states
        .iter()
        .zip(rows())
        .try_for_each(|(state, row)| entries(out, state, row))
}

fn rewards(model: &Pomdp, action: usize, out: &mut String) -> Result {
    let parts = model.parts();
    let head = format!("R: {}", parts.actions[action]);
    if model.outcome_rewards(0, action, 0).is_none() {
        let all = model.rewards(action);
        if all.iter().all(|r| *r == all[0]) {
            return if all[0] == 0.0 {
                Ok(())
            } else {
                writeln!(out, "{head} : * : * : * {}", all[0])
            };
        }
        let paid = all.iter().zip(&parts.states).filter(|(r, _)| **r != 0.0);
        return paid
            .into_iter()
            .try_for_each(|(r, state)| writeln!(out, "{head} : {state} : * : * {r}"));
    }
    for (s, state) in parts.states.iter().enumerate() {
        for (at, (next, _)) in model.transition(s, action).iter().enumerate() {
            let all = model.outcome_rewards(s, action, at).unwrap_or(&[]);
            let (next_name, seen) = (&parts.states[next], model.observation(action, next));
            if all.iter().all(|r| *r == all[0]) {
                if all[0] != 0.0 {
                    writeln!(out, "{head} : {state} : {next_name} : * {}", all[0])?;
                }
                continue;
            }
            for (&o, r) in seen.columns.iter().zip(all).filter(|(_, r)| **r != 0.0) {
                writeln!(
                    out,
                    "{head} : {state} : {next_name} : {} {r}",
                    parts.observations[o as usize]
                )?;
            }
        }
    }
    Ok(())
}
