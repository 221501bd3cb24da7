//! Checks that wrong actions are refused with an error that names them, and change nothing.

use super::{
    lab::{At, Lab, Setup, copy_all_actions, same_step, save_all, unchanged},
    report::{Failure, MET, Verdict, skipped},
};
use crate::{
    error::EnvError,
    sim::{PlayerSpec, Simulator},
    space::{BoxSpace, ColumnData, Columns, DType, Space},
};

/// One element of an action with a value that its space does not hold.
#[derive(Debug, Clone)]
enum Wrong {
    Real(usize, usize, f64),
    Integer(usize, usize, i32),
    Byte(usize, usize, u8),
    /// All bits of a field.
    Bits(usize, u8),
    Text(usize, String),
}

impl Wrong {
    fn write(&self, columns: &mut Columns, row: usize) {
        let at =
            |columns: &Columns, field: usize, element: usize| row * columns.width(field) + element;
        match self {
            Self::Real(field, element, value) => {
                let at = at(columns, *field, *element);
                match &mut columns.fields_mut()[*field].data {
                    ColumnData::F32(v) => v[at] = *value as f32,
                    ColumnData::F64(v) => v[at] = *value,
                    _ => {}
                }
            }
            Self::Integer(field, element, value) => {
                let at = at(columns, *field, *element);
                columns.i32_mut(*field)[at] = *value;
            }
            Self::Byte(field, element, value) => {
                let at = at(columns, *field, *element);
                columns.u8_mut(*field)[at] = *value;
            }
            Self::Bits(field, value) => {
                let width = columns.width(*field);
                columns.u8_mut(*field)[row * width..(row + 1) * width].fill(*value);
            }
            Self::Text(field, value) => columns.text_mut(*field)[row].clone_from(value),
        }
    }
}

/// Values that the player's action space does not hold.
fn wrong_values(player: &PlayerSpec) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    for (field, (_, leaf)) in player.action.leaves().into_iter().enumerate() {
        match leaf {
            Space::Box(b) => wrong_reals(b, field, player.lenient_bounds, &mut wrong),
            Space::Discrete { n, start } => {
                let end = i64::from(*start) + *n as i64;
                let below = i64::from(*start) - 1;
                let strangers = [below, end, i64::from(i32::MIN), i64::from(i32::MAX)];
                let outside = |x: &i64| *x < i64::from(*start) || *x >= end;
                let numbers = strangers.into_iter().filter(outside);
                wrong.extend(
                    numbers
                        .filter_map(|x| i32::try_from(x).ok())
                        .map(|x| Wrong::Integer(field, 0, x)),
                );
            }
            Space::MultiDiscrete { nvec } => {
                for (element, &n) in nvec.iter().enumerate() {
                    wrong.push(Wrong::Integer(field, element, -1));
                    wrong.push(Wrong::Integer(field, element, n as i32));
                }
            }
            Space::MultiBinary {
                n,
                min_ones,
                max_ones,
            } => {
                wrong.extend((0..*n).map(|element| Wrong::Byte(field, element, 2)));
                if *min_ones > 0 {
                    wrong.push(Wrong::Bits(field, 0));
                }
                if max_ones < n {
                    wrong.push(Wrong::Bits(field, 1));
                }
            }
            Space::Text {
                min_length,
                max_length,
                charset,
            } => {
                let letter = charset.chars().next().unwrap_or('a');
                let of_length = |n: usize| std::iter::repeat_n(letter, n).collect();
                if *max_length < 1 << 20 {
                    wrong.push(Wrong::Text(field, of_length(max_length + 1)));
                }
                if *min_length > 0 {
                    wrong.push(Wrong::Text(field, of_length(min_length - 1)));
                }
                let stranger = "aé\u{1}".chars().find(|&c| !charset.contains(c));
                if let (false, Some(c)) = (charset.is_empty(), stranger) {
                    wrong.push(Wrong::Text(
                        field,
                        c.to_string().repeat((*min_length).max(1)),
                    ));
                }
            }
            Space::Dict(_) | Space::Tuple(_) => {}
        }
    }
    wrong
}

fn wrong_reals(b: &BoxSpace, field: usize, lenient: bool, wrong: &mut Vec<Wrong>) {
    for (element, (&low, &high)) in b.low.iter().zip(&b.high).enumerate() {
        let bytes = b.dtype == DType::Uint8;
        if !bytes {
            wrong.push(Wrong::Real(field, element, f64::NAN));
        }
        if lenient {
            continue;
        }
        if bytes {
            // A byte below 0 or above 255 cannot be written.
            wrong.extend((low >= 1.0).then(|| Wrong::Byte(field, element, low as u8 - 1)));
            wrong.extend((high < 255.0).then(|| Wrong::Byte(field, element, high as u8 + 1)));
            continue;
        }
        if low.is_finite() {
            wrong.push(Wrong::Real(field, element, low - 1e-3 - low.abs() * 1e-3));
            wrong.push(Wrong::Real(field, element, f64::NEG_INFINITY));
        }
        if high.is_finite() {
            wrong.push(Wrong::Real(field, element, high + 1e-3 + high.abs() * 1e-3));
            wrong.push(Wrong::Real(field, element, f64::INFINITY));
        }
    }
}

/// Writes actions outside their spaces for all players of a row (where there is anything outside).
pub(super) fn spoil(simulator: &mut Simulator, row: usize) {
    let spec = simulator.spec().clone();
    for (player, border) in spec.players.iter().zip(&mut simulator.border_mut().players) {
        for wrong in wrong_values(player) {
            wrong.write(border.action_mut(), row);
        }
    }
}

/// NaN and values outside the action space are refused with row and player named, and change nothing in any row.
/// The actions of players that are not to act do not matter.
pub(super) fn invalid_actions(lab: &Lab<'_>) -> Verdict {
    let mut tried = 0;
    for shards in [1, 2] {
        let setup = Setup {
            shards,
            ..lab.setup()
        };
        let mut simulator = lab.start(&setup)?;
        let mut untroubled = lab.start(&setup)?;
        let mut actor = lab.actor("invalid");
        for step in 1..=lab.options.steps.min(20) {
            actor.act_all(&mut simulator)?;
            copy_all_actions(&simulator, &mut untroubled);
            let row = step % setup.rows;
            for (index, player) in lab.spec.players.iter().enumerate() {
                let acting = simulator.border().player(index).acting[row];
                for wrong in wrong_values(player) {
                    wrong.write(simulator.border_mut().player_mut(index).action_mut(), row);
                    if acting {
                        tried += 1;
                        let place = format!("row {row}, step {step}, {shards} shards, {wrong:?}");
                        refuse_invalid(&mut simulator, row, player, &place)?;
                        copy_all_actions(&untroubled, &mut simulator);
                    }
                }
            }
            simulator.step()?;
            untroubled.step()?;
            for row in 0..setup.rows {
                let place = format!("row {row}, step {step}, after refused actions");
                same_step(At(&simulator, row), At(&untroubled, row), &place)?;
            }
        }
    }
    if tried == 0 {
        return skipped("every value that can be written is an action");
    }
    MET
}

fn refuse_invalid(
    simulator: &mut Simulator,
    row: usize,
    player: &PlayerSpec,
    place: &str,
) -> Result<(), Failure> {
    // The first step also hands the written actions, which are part of a saved row, to the shards.
    let first = simulator.step();
    let before = save_all(simulator)?;
    for outcome in [first, simulator.step(), simulator.step_rows(&[row])] {
        match outcome {
            Err(EnvError::InvalidAction {
                row: at,
                player: name,
                ..
            }) if at == row && name == player.name => {}
            other => {
                let what = format!("the action should be refused, gave {other:?}");
                return Err(Failure::new(place, what));
            }
        }
    }
    unchanged(&before, simulator, &[], "a refused action")
        .map_err(|f| Failure::new(place, format!("{}: {}", f.place, f.what)))
}

/// Every action that a mask forbids is refused with row and player named, and changes nothing.
pub(super) fn masked_actions(lab: &Lab<'_>) -> Verdict {
    if lab.spec.players.iter().all(|player| !player.action_mask) {
        return skipped("no player has an action mask");
    }
    let mut tried = 0;
    let setup = lab.setup();
    let mut simulator = lab.start(&setup)?;
    let mut copy = lab.start(&setup)?;
    let mut actor = lab.actor("masked");
    for step in 1..=lab.options.steps {
        actor.act_all(&mut simulator)?;
        copy_all_actions(&simulator, &mut copy);
        let row = step % setup.rows;
        for (index, player) in lab.spec.players.iter().enumerate() {
            let border = simulator.border().player(index);
            if !border.acting[row] {
                continue;
            }
            for forbidden in forbidden_choices(&player.action, border.mask_row(row)) {
                let columns = simulator.border_mut().player_mut(index).action_mut();
                if !force(&player.action, columns, row, forbidden) {
                    continue;
                }
                tried += 1;
                let before = save_all(&simulator)?;
                let outcome = simulator.step();
                let named = matches!(&outcome, Err(EnvError::MaskedAction { row: at, player: name, .. })
                    if *at == row && *name == player.name);
                let place = format!("row {row}, step {step}, player `{}`", player.name);
                if !named {
                    let what = format!("choice {forbidden} is masked out, but gave {outcome:?}");
                    return Err(Failure::new(place, what));
                }
                unchanged(&before, &simulator, &[], "a refused action")?;
                copy_all_actions(&copy, &mut simulator);
            }
        }
        simulator.step()?;
        copy.step()?;
    }
    if tried == 0 {
        return skipped("no action was ever masked out");
    }
    MET
}

/// Indices of the mask that are 0.
fn forbidden_choices(space: &Space, mask: &[u8]) -> Vec<usize> {
    let any = !matches!(space, Space::Dict(_) | Space::Tuple(_));
    (0..mask.len()).filter(|&i| any && mask[i] == 0).collect()
}

/// Makes the action in row `row` take the choice `index` of the mask; returns whether that is possible within
/// the space.
fn force(space: &Space, columns: &mut Columns, row: usize, index: usize) -> bool {
    match space {
        Space::Discrete { start, .. } => {
            columns.i32_mut(0)[row] = start + index as i32;
            true
        }
        Space::MultiDiscrete { nvec } => {
            let mut first = 0;
            for (element, &n) in nvec.iter().enumerate() {
                if index < first + n {
                    columns.i32_mut(0)[row * nvec.len() + element] = (index - first) as i32;
                    return true;
                }
                first += n;
            }
            false
        }
        Space::MultiBinary { n, max_ones, .. } => {
            let bits = &mut columns.u8_mut(0)[row * n..(row + 1) * n];
            // Trade a bit for it, so that their number stays allowed.
            if bits.iter().map(|&bit| usize::from(bit)).sum::<usize>() == *max_ones
                && let Some(bit) = bits.iter_mut().find(|bit| **bit == 1)
            {
                *bit = 0;
            }
            bits[index] = 1;
            *max_ones > 0
        }
        _ => false,
    }
}
