//! What the checks work with: simulators built alike, random actions, comparison of rows.

use std::sync::Arc;

use serde_json::Value;

use super::{CheckOptions, report::Failure};
use crate::{
    error::EnvError,
    sim::{Autoreset, Border, Builder, EnvSpec, InfoKind, Plugin, RowReset, Simulator},
    space::{Columns, Space},
    stream::Stream,
};

/// Makes the environment under test.
pub(super) type Factory<'a> = &'a dyn Fn() -> Result<Box<dyn Plugin>, EnvError>;

/// The environment under test and the settings of the checks.
pub(super) struct Lab<'a> {
    pub(super) factory: Factory<'a>,
    pub(super) options: CheckOptions,
    pub(super) spec: Arc<EnvSpec>,
}

/// How to build a simulator.
#[derive(Debug, Clone)]
pub(super) struct Setup {
    pub(super) rows: usize,
    pub(super) shards: usize,
    pub(super) seed: u64,
    pub(super) autoreset: Autoreset,
    /// Time limit, if shorter than the environment's own.
    pub(super) limit: Option<u32>,
    /// Ask for all info fields.
    pub(super) info: bool,
}

/// A time limit on top of the environment's own.
struct Limit(u32);

impl Plugin for Limit {
    fn build(&self, builder: &mut Builder) -> Result<(), EnvError> {
        let limit = &mut builder.spec_mut().max_episode_steps;
        *limit = Some(limit.map_or(self.0, |own| own.min(self.0)));
        Ok(())
    }
}

impl Lab<'_> {
    /// The usual simulator of the checks.
    pub(super) fn setup(&self) -> Setup {
        Setup {
            rows: self.options.rows.max(3),
            shards: 1,
            seed: self.options.seed,
            autoreset: Autoreset::SameStep,
            limit: None,
            info: true,
        }
    }

    /// The usual simulator without a limit and with short ones, so that episodes end in every way.
    pub(super) fn setups(&self) -> [Setup; 3] {
        [None, Some(1), Some(5)].map(|limit| Setup {
            limit,
            ..self.setup()
        })
    }

    /// Builds a simulator; its episodes have not begun.
    pub(super) fn build(&self, setup: &Setup) -> Result<Simulator, Failure> {
        let mut builder = Simulator::builder((self.factory)()?)
            .rows(setup.rows)
            .shards(setup.shards)
            .seed(setup.seed)
            .autoreset(setup.autoreset);
        if let Some(limit) = setup.limit {
            builder = builder.wrap(Limit(limit));
        }
        if setup.info {
            for field in &self.spec.info {
                builder = builder.info(&field.name);
            }
        }
        Ok(builder.build()?)
    }

    /// Builds a simulator and begins its first episodes.
    pub(super) fn start(&self, setup: &Setup) -> Result<Simulator, Failure> {
        let mut simulator = self.build(setup)?;
        simulator.reset()?;
        Ok(simulator)
    }

    /// Random actions; two actors of the same name act alike.
    pub(super) fn actor(&self, name: &str) -> Actor {
        Actor {
            rng: Stream::new(self.options.seed, 0, &format!("conformance.{name}")),
            mask: Vec::new(),
        }
    }

    /// What the environment tells of itself in words: whether a wrapper may count steps differently.
    pub(super) fn is_bare(&self) -> bool {
        self.spec.wrappers.is_empty()
    }
}

/// A source of random legal actions.
#[derive(Debug)]
pub(super) struct Actor {
    pub(super) rng: Stream,
    mask: Vec<u8>,
}

impl Actor {
    /// Writes an action for each player that is to act in row `row`.
    pub(super) fn act(&mut self, simulator: &mut Simulator, row: usize) -> Result<(), Failure> {
        let spec = simulator.spec().clone();
        let players = &mut simulator.border_mut().players;
        for (player, border) in spec.players.iter().zip(players) {
            if !border.acting[row] {
                continue;
            }
            self.mask.clear();
            self.mask.extend_from_slice(border.mask_row(row));
            player
                .action
                .sample_row(border.action_mut(), row, &self.mask, &mut self.rng)
                .map_err(|empty| {
                    Failure::new(
                        format!("row {row}, player `{}`", player.name),
                        empty.to_string(),
                    )
                })?;
        }
        Ok(())
    }

    /// Writes actions in all rows.
    pub(super) fn act_all(&mut self, simulator: &mut Simulator) -> Result<(), Failure> {
        (0..simulator.rows()).try_for_each(|row| self.act(simulator, row))
    }
}

/// Copies the actions of all players from one row to another.
pub(super) fn copy_actions(from: &Simulator, from_row: usize, to: &mut Simulator, to_row: usize) {
    let players = to.border_mut().players.iter_mut();
    for (to, from) in players.zip(&from.border().players) {
        to.action_mut().copy_row(to_row, from.action(), from_row);
    }
}

/// Copies the actions of all rows.
pub(super) fn copy_all_actions(from: &Simulator, to: &mut Simulator) {
    (0..from.rows()).for_each(|row| copy_actions(from, row, to, row));
}

/// Starts the next episode in the rows that have ended (with autoreset off).
pub(super) fn reset_ended(simulator: &mut Simulator) -> Result<Vec<usize>, Failure> {
    let border = simulator.border();
    let ended: Vec<usize> = (0..border.rows())
        .filter(|&row| border.ended(row))
        .collect();
    let resets: Vec<RowReset> = ended.iter().copied().map(RowReset::next).collect();
    simulator.reset_rows(&resets)?;
    Ok(ended)
}

/// All rows as bytes.
pub(super) fn save_all(simulator: &Simulator) -> Result<Vec<Vec<u8>>, EnvError> {
    (0..simulator.rows())
        .map(|row| simulator.save_row(row))
        .collect()
}

/// Fails if a row other than those of `changed` is no longer what it was.
pub(super) fn unchanged(
    before: &[Vec<u8>],
    simulator: &Simulator,
    changed: &[usize],
    occasion: &str,
) -> Result<(), Failure> {
    for (row, before) in before.iter().enumerate() {
        if !changed.contains(&row) && *before != simulator.save_row(row)? {
            return Err(Failure::new(
                format!("row {row}"),
                format!("{occasion} has changed its state"),
            ));
        }
    }
    Ok(())
}

/// A row of a simulator, to be compared.
#[derive(Clone, Copy)]
pub(super) struct At<'a>(pub(super) &'a Simulator, pub(super) usize);

impl At<'_> {
    fn border(&self) -> &Border {
        self.0.border()
    }
}

/// Fails if the rows differ in what follows from the step just made: reward, flags, true next observation, and
/// the sums of an episode that ended.
pub(super) fn same_transition(a: At<'_>, b: At<'_>, place: &str) -> Result<(), Failure> {
    let differ = |what: String| Err(Failure::new(place, what));
    let (x, y) = (a.border(), b.border());
    let flags = |border: &Border, row: usize| (border.terminated[row], border.truncated[row]);
    if flags(x, a.1) != flags(y, b.1) {
        return differ(format!(
            "(terminated, truncated) is {:?} here and {:?} there",
            flags(x, a.1),
            flags(y, b.1)
        ));
    }
    let ended = x.ended(a.1);
    if ended && x.final_elapsed[a.1] != y.final_elapsed[b.1] {
        return differ(format!(
            "the episode's length is {} here and {} there",
            x.final_elapsed[a.1], y.final_elapsed[b.1]
        ));
    }
    for (index, player) in a.0.spec().players.iter().enumerate() {
        let (p, q) = (x.player(index), y.player(index));
        let differ = |what: String| differ(format!("player `{}`: {what}", player.name));
        if p.acted[a.1] != q.acted[b.1] {
            return differ(format!("acted is {} here, not there", p.acted[a.1]));
        }
        let rewards = (p.reward[a.1], q.reward[b.1]);
        if rewards.0.to_bits() != rewards.1.to_bits() {
            return differ(format!("reward {} here, {} there", rewards.0, rewards.1));
        }
        let seen = (
            x.next_observation(index, a.1),
            y.next_observation(index, b.1),
        );
        if let Some(what) = columns_differ(&player.observation, seen.0, a.1, seen.1, b.1) {
            return differ(format!("next observation {what}"));
        }
        if ended && p.final_return[a.1].to_bits() != q.final_return[b.1].to_bits() {
            return differ(format!(
                "the episode's return is {} here and {} there",
                p.final_return[a.1], q.final_return[b.1]
            ));
        }
    }
    same_info(a, b, InfoKind::Sum, place)
}

/// Fails if the rows differ in what there is to act on: observation, who acts, masks, time.
pub(super) fn same_situation(a: At<'_>, b: At<'_>, place: &str) -> Result<(), Failure> {
    let differ = |what: String| Err(Failure::new(place, what));
    let (x, y) = (a.border(), b.border());
    if x.elapsed[a.1] != y.elapsed[b.1] {
        return differ(format!(
            "{} steps have been made here and {} there",
            x.elapsed[a.1], y.elapsed[b.1]
        ));
    }
    for (index, player) in a.0.spec().players.iter().enumerate() {
        let (p, q) = (x.player(index), y.player(index));
        let differ = |what: String| differ(format!("player `{}`: {what}", player.name));
        let seen = (p.observation(), q.observation());
        if let Some(what) = columns_differ(&player.observation, seen.0, a.1, seen.1, b.1) {
            return differ(format!("observation {what}"));
        }
        if p.acting[a.1] != q.acting[b.1] {
            return differ(format!("acting is {} here, not there", p.acting[a.1]));
        }
        if p.mask_row(a.1) != q.mask_row(b.1) {
            return differ(format!(
                "action mask {:?} here, {:?} there",
                p.mask_row(a.1),
                q.mask_row(b.1)
            ));
        }
        if p.episode_return[a.1].to_bits() != q.episode_return[b.1].to_bits() {
            return differ(format!(
                "return so far {} here, {} there",
                p.episode_return[a.1], q.episode_return[b.1]
            ));
        }
    }
    same_info(a, b, InfoKind::State, place)
}

/// Fails if the rows differ in the step just made or in the present situation.
pub(super) fn same_step(a: At<'_>, b: At<'_>, place: &str) -> Result<(), Failure> {
    same_transition(a, b, place)?;
    same_situation(a, b, place)
}

/// As [`same_step`], and the rows' whole saved state must be equal too.
pub(super) fn same_row(a: At<'_>, b: At<'_>, place: &str) -> Result<(), Failure> {
    same_step(a, b, place)?;
    if a.0.save_row(a.1)? != b.0.save_row(b.1)? {
        return Err(Failure::new(
            place,
            "border and info are equal, but the hidden state differs",
        ));
    }
    Ok(())
}

fn same_info(a: At<'_>, b: At<'_>, kind: InfoKind, place: &str) -> Result<(), Failure> {
    let (x, y) = (&a.border().info, &b.border().info);
    for field in a.0.spec().info.iter().filter(|field| field.kind == kind) {
        let (Some(i), Some(j)) = (x.index_of(&field.name), y.index_of(&field.name)) else {
            continue;
        };
        let (i, j) = (one_field(x, i, a.1), one_field(y, j, b.1));
        if let Some(what) = columns_differ(&field.space, &i, 0, &j, 0) {
            return Err(Failure::new(place, format!("info `{}` {what}", field.name)));
        }
    }
    Ok(())
}

/// Row `row` of field `index` alone.
pub(super) fn one_field(columns: &Columns, index: usize, row: usize) -> Columns {
    let all = columns.with_rows(1);
    let mut alone = Columns::new(1, vec![all.fields()[index].clone()]);
    let source = Columns::new(columns.rows(), vec![columns.fields()[index].clone()]);
    alone.copy_row(0, &source, row);
    alone
}

/// The first place where two values of a space differ bit for bit, in words.
pub(super) fn columns_differ(
    space: &Space,
    a: &Columns,
    a_row: usize,
    b: &Columns,
    b_row: usize,
) -> Option<String> {
    if a.row_bits_equal(a_row, b, b_row) {
        return None;
    }
    let (x, y) = (space.row_to_json(a, a_row), space.row_to_json(b, b_row));
    Some(json_difference(&x, &y, "").unwrap_or_else(|| "differs in its bits".into()))
}

fn json_difference(x: &Value, y: &Value, path: &str) -> Option<String> {
    match (x, y) {
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => x
            .iter()
            .zip(y)
            .enumerate()
            .find_map(|(i, (x, y))| json_difference(x, y, &format!("{path}[{i}]"))),
        (Value::Object(x), Value::Object(y)) => x.iter().find_map(|(key, x)| {
            json_difference(
                x,
                y.get(key).unwrap_or(&Value::Null),
                &format!("{path}.{key}"),
            )
        }),
        _ if x == y => None,
        _ => Some(
            format!("{path} is {x} here and {y} there")
                .trim_start()
                .into(),
        ),
    }
}
