//! What is always known of the state: a partition of the states such that every belief that can come up lies in one
//! block.
//!
//! Palaestra's own construction. A part of the state that is observed without error (the rover's cell, the robot's
//! place) makes beliefs live on few states: mixed observability (Ong, Png, Hsu, Lee, *Planning under Uncertainty for
//! Robotic Tasks with Mixed Observability*, IJRR 2010) without having to declare it. The blocks are found from the
//! tables: states that can follow one block by the same action and observation are in one block, and the closure of
//! this rule is the finest such partition. The initial belief, which may spread over several blocks, has a block of its
//! own then. Vectors over a block instead of all states make every backup cheaper by their ratio; where nothing is
//! known for sure there is one block, and nothing is lost.

use palaestra_envs::pomdp::Pomdp;
use serde::{Deserialize, Serialize};

use crate::pomdp::Belief;

const NOWHERE: u32 = u32::MAX;

/// A partition of the states that can come up, and a block for the initial belief if it fits into none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Blocks {
    /// Block and index within it of each state.
    place: Vec<(u32, u32)>,
    /// Index of each state within the initial belief's block.
    root_place: Vec<u32>,
    /// States of each block in ascending order.
    members: Vec<Vec<u32>>,
    /// The block of the initial belief.
    root: u32,
}

/// Union-find.
struct Unions(Vec<u32>);

impl Unions {
    fn find(&mut self, mut x: u32) -> u32 {
        while self.0[x as usize] != x {
            self.0[x as usize] = self.0[self.0[x as usize] as usize];
            x = self.0[x as usize];
        }
        x
    }

    fn join(&mut self, x: u32, y: u32) -> bool {
        let (x, y) = (self.find(x), self.find(y));
        self.0[x.max(y) as usize] = x.min(y);
        x != y
    }
}

impl Blocks {
    /// One block with all of `states` states.
    pub fn single(states: usize) -> Self {
        Self {
            place: (0..states as u32).map(|s| (0, s)).collect(),
            root_place: Vec::new(),
            members: vec![(0..states as u32).collect()],
            root: 0,
        }
    }

    /// The finest partition for beliefs that follow the initial one.
    pub fn of(model: &Pomdp) -> Self {
        let n = model.num_states();
        let mut unions = Unions((0..n as u32).collect());
        let mut reached = vec![false; n];
        let start = model.start().columns;
        let mut first = vec![NOWHERE; model.num_observations()];
        let mut spread = |group: &[u32], unions: &mut Unions, reached: &mut [bool]| {
            let mut changed = false;
            for action in 0..model.num_actions() {
                first.fill(NOWHERE);
                for &state in group {
                    for &next in model.transition(state as usize, action).columns {
                        changed |= !std::mem::replace(&mut reached[next as usize], true);
                        for &o in model.observation(action, next as usize).columns {
                            let first = &mut first[o as usize];
                            if *first == NOWHERE {
                                *first = next;
                            } else {
                                changed |= unions.join(*first, next);
                            }
                        }
                    }
                }
            }
            changed
        };
        spread(start, &mut unions, &mut reached);
        loop {
            let groups = groups(&mut unions, &reached);
            let mut changed = false;
            for group in &groups {
                changed |= spread(group, &mut unions, &mut reached);
            }
            if !changed {
                return Self::from_groups(n, groups, start);
            }
        }
    }

    fn from_groups(n: usize, mut members: Vec<Vec<u32>>, start: &[u32]) -> Self {
        let mut place = vec![(NOWHERE, 0); n];
        for (block, group) in members.iter().enumerate() {
            for (index, &state) in group.iter().enumerate() {
                place[state as usize] = (block as u32, index as u32);
            }
        }
        let block = place[start[0] as usize].0;
        let fits = block != NOWHERE && start.iter().all(|&s| place[s as usize].0 == block);
        let mut root_place = Vec::new();
        if !fits {
            root_place = vec![NOWHERE; n];
            for (index, &state) in start.iter().enumerate() {
                root_place[state as usize] = index as u32;
            }
            members.push(start.to_vec());
        }
        Self {
            root: if fits {
                block
            } else {
                members.len() as u32 - 1
            },
            place,
            root_place,
            members,
        }
    }

    /// Whether places and members agree, for what was read from a file.
    pub(super) fn is_sound(&self) -> bool {
        let n = self.place.len();
        let root = self.root as usize;
        let agrees = |(block, states): (usize, &Vec<u32>)| {
            states.iter().enumerate().all(|(index, &s)| {
                let there = |place: Option<&u32>| place == Some(&(index as u32));
                (s as usize) < n
                    && (self.place[s as usize] == (block as u32, index as u32)
                        || block == root && there(self.root_place.get(s as usize)))
            })
        };
        let in_range = |&(block, index): &(u32, u32)| {
            block == NOWHERE
                || self
                    .members
                    .get(block as usize)
                    .is_some_and(|m| (index as usize) < m.len())
        };
        root < self.members.len()
            && (self.root_place.is_empty() || self.root_place.len() == n)
            && self
                .root_place
                .iter()
                .all(|&i| i == NOWHERE || (i as usize) < self.members[root].len())
            && self.place.iter().all(in_range)
            && self.members.iter().enumerate().all(agrees)
    }

    /// Number of blocks.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Never: there is at least one block.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Number of states of the model.
    pub fn states(&self) -> usize {
        self.place.len()
    }

    /// The states of a block in ascending order.
    pub fn members(&self, block: usize) -> &[u32] {
        &self.members[block]
    }

    /// The block of the initial belief.
    pub fn root(&self) -> usize {
        self.root as usize
    }

    /// Block of a state that follows another, and its index there.
    #[inline]
    pub fn place(&self, state: u32) -> (u32, u32) {
        self.place[state as usize]
    }

    /// The block that holds all of a belief, if one does.
    pub fn block_of(&self, belief: &Belief) -> Option<usize> {
        let block = self.place[*belief.states.first()? as usize].0;
        let same = |&s: &u32| self.place[s as usize].0 == block;
        if block != NOWHERE && belief.states.iter().all(same) {
            return Some(block as usize);
        }
        let in_root = |&s: &u32| {
            self.root_place
                .get(s as usize)
                .is_some_and(|&i| i != NOWHERE)
        };
        belief.states.iter().all(in_root).then_some(self.root())
    }

    /// Index of a state within `block`, to which it belongs.
    #[inline]
    pub fn index(&self, block: usize, state: u32) -> u32 {
        let (own, index) = self.place[state as usize];
        if own as usize == block {
            index
        } else {
            self.root_place[state as usize]
        }
    }

    /// The block with the largest part of a belief that fits into none, and that part.
    pub fn main_part(&self, belief: &Belief) -> Option<(usize, Belief)> {
        let mut mass = vec![0.0; self.members.len()];
        for (state, p) in belief.iter() {
            if let Some(mass) = mass.get_mut(self.place[state].0 as usize) {
                *mass += p;
            }
        }
        let block = (0..mass.len()).max_by(|&i, &j| mass[i].total_cmp(&mass[j]))?;
        let inside = |(s, p): (usize, f64)| {
            (self.place[s].0 as usize == block).then_some((s as u32, p / mass[block]))
        };
        let (states, probabilities): (Vec<u32>, Vec<f64>) =
            belief.iter().filter_map(inside).unzip();
        let part = Belief {
            states,
            probabilities,
        };
        (!part.states.is_empty()).then_some((block, part))
    }
}

/// The reached states by their set, in ascending order.
fn groups(unions: &mut Unions, reached: &[bool]) -> Vec<Vec<u32>> {
    let mut number = vec![NOWHERE; reached.len()];
    let mut groups: Vec<Vec<u32>> = Vec::new();
    for state in (0..reached.len() as u32).filter(|&s| reached[s as usize]) {
        let number = &mut number[unions.find(state) as usize];
        if *number == NOWHERE {
            *number = groups.len() as u32;
            groups.push(Vec::new());
        }
        groups[*number as usize].push(state);
    }
    groups
}
