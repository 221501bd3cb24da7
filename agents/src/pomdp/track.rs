//! How a belief follows an episode: from the actions and observations of the border, by the environment's model.

use std::{fmt::Debug, sync::Arc};

use palaestra_envs::{
    pomdp::{Generative, Observed, Pomdp},
    space::Columns,
    stream::Stream,
};
use rand::RngExt;
use serde::{Serialize, de::DeserializeOwned};

use super::{Belief, Workspace, filter::ParticleFilter};

/// An action as columns of the border hold it.
pub trait BorderAction: Copy {
    /// The action in row `row`.
    fn read(columns: &Columns, row: usize) -> Self;
    /// Puts it in row `row`.
    fn write(self, columns: &mut Columns, row: usize);
}

/// An action of a Discrete space that starts at 0.
impl BorderAction for usize {
    fn read(columns: &Columns, row: usize) -> Self {
        columns.i32(0)[row] as Self
    }

    fn write(self, columns: &mut Columns, row: usize) {
        columns.i32_mut(0)[row] = self as i32;
    }
}

/// Keeps beliefs of one kind up to date.
pub trait Track: Send {
    /// What is known of the hidden state.
    type Belief: Clone + Debug + Serialize + DeserializeOwned + Send;
    /// What the player does.
    type Action: BorderAction;
    /// What those who decide are told of an observation.
    type Seen;

    /// The belief before the first step.
    fn start(&self, rng: &mut Stream) -> Self::Belief;

    /// Makes `belief` that before the first step.
    fn restart(&self, belief: &mut Self::Belief, rng: &mut Stream) {
        *belief = self.start(rng);
    }

    /// Takes `action` into `belief`, and the observation in row `row` of the columns.
    ///
    /// # Errors
    /// A sentence on why the model cannot explain the observation.
    fn update(
        &mut self,
        belief: &mut Self::Belief,
        action: Self::Action,
        seen: (&Columns, usize),
        rng: &mut Stream,
    ) -> Result<Self::Seen, String>;

    /// Whether `belief`, which may come from a file, is one over the model's states.
    fn fits(&self, belief: &Self::Belief) -> bool;

    /// How often a belief ran out of particles, if that can happen.
    fn depletions(_belief: &Self::Belief) -> Option<u64> {
        None
    }
}

/// Beliefs that a search can start from.
pub trait Search: Track<Action = usize, Seen = <Self::Model as Observed>::Key> {
    /// The model that is searched.
    type Model: Observed;

    /// The model that is searched.
    fn model(&self) -> &Self::Model;

    /// Draws states of `belief`.
    fn sampler<'a>(
        &self,
        belief: &'a Self::Belief,
    ) -> impl FnMut(&mut Stream) -> <Self::Model as Generative>::State + use<'a, Self>;
}

/// Exact beliefs, by the tables of the model.
#[derive(Debug)]
pub struct Exact {
    model: Arc<Pomdp>,
    work: Workspace,
}

impl Exact {
    /// Beliefs over the states of `model`.
    pub fn new(model: Arc<Pomdp>) -> Self {
        Self {
            work: Workspace::new(&model),
            model,
        }
    }
}

impl Track for Exact {
    type Belief = Belief;
    type Action = usize;
    type Seen = u32;

    fn start(&self, _: &mut Stream) -> Belief {
        Belief::start(&self.model)
    }

    fn update(
        &mut self,
        belief: &mut Belief,
        action: usize,
        (columns, row): (&Columns, usize),
        _: &mut Stream,
    ) -> Result<u32, String> {
        let observation = self.model.read(columns, row);
        let next = observation
            .and_then(|seen| belief.update(&self.model, action, seen as usize, &mut self.work));
        let (Some((next, _)), Some(seen)) = (next, observation) else {
            let seen = columns.i32(0)[row];
            return Err(format!(
                "observation {seen} after action {action} is impossible under the environment's model"
            ));
        };
        *belief = next;
        Ok(seen)
    }

    fn fits(&self, belief: &Belief) -> bool {
        !belief.states.is_empty()
            && belief.states.len() == belief.probabilities.len()
            && belief.states.iter().all(|state| self.model.holds(state))
    }
}

impl Search for Exact {
    type Model = Pomdp;

    fn model(&self) -> &Pomdp {
        &self.model
    }

    fn sampler<'a>(&self, belief: &'a Belief) -> impl FnMut(&mut Stream) -> u32 + use<'a> {
        sampler(belief)
    }
}

/// Draws states of a belief.
pub fn sampler(belief: &Belief) -> impl FnMut(&mut Stream) -> u32 + '_ {
    let draw = place(belief.probabilities.iter().copied());
    move |rng| belief.states[draw(rng)]
}

/// Draws places of `weights`, of which there is at least one and which sum to 1.
fn place(weights: impl Iterator<Item = f64>) -> impl Fn(&mut Stream) -> usize {
    let mut sum = 0.0;
    let sums = weights.map(|weight| {
        sum += weight;
        sum
    });
    let sums: Vec<f64> = sums.collect();
    move |rng| {
        let u: f64 = rng.random();
        sums.partition_point(|&sum| sum <= u).min(sums.len() - 1)
    }
}

/// Weighted particles, by simulation and likelihood.
#[derive(Debug)]
pub struct Particles<M> {
    model: Arc<M>,
    count: usize,
}

impl<M> Particles<M> {
    /// Beliefs of `count` particles over the states of `model`.
    pub fn new(model: Arc<M>, count: usize) -> Self {
        Self { model, count }
    }
}

impl<M> Track for Particles<M>
where
    M: Observed<State: Debug + Serialize + DeserializeOwned + Send> + Send + Sync,
{
    type Belief = ParticleFilter<M::State>;
    type Action = usize;
    type Seen = M::Key;

    fn start(&self, rng: &mut Stream) -> Self::Belief {
        ParticleFilter::new(&*self.model, self.count, rng)
    }

    fn restart(&self, belief: &mut Self::Belief, rng: &mut Stream) {
        belief.restart(&*self.model, rng);
    }

    fn update(
        &mut self,
        belief: &mut Self::Belief,
        action: usize,
        (columns, row): (&Columns, usize),
        rng: &mut Stream,
    ) -> Result<M::Key, String> {
        let Some(seen) = self.model.read(columns, row) else {
            return Err("nothing was seen, which the environment's model does not know of".into());
        };
        let updated = belief.update(&*self.model, action, &seen, rng);
        updated.map_err(|depleted| format!("{depleted}; give more `particles`"))?;
        Ok(self.model.key(&seen))
    }

    fn fits(&self, belief: &Self::Belief) -> bool {
        let states = || belief.particles().map(|(state, _)| state);
        states().count() == self.count && states().all(|state| self.model.holds(state))
    }

    fn depletions(belief: &Self::Belief) -> Option<u64> {
        Some(belief.depletions())
    }
}

impl<M> Search for Particles<M>
where
    M: Observed<State: Debug + Serialize + DeserializeOwned + Send> + Send + Sync,
{
    type Model = M;

    fn model(&self) -> &M {
        &self.model
    }

    fn sampler<'a>(
        &self,
        belief: &'a Self::Belief,
    ) -> impl FnMut(&mut Stream) -> M::State + use<'a, M> {
        let states: Vec<&M::State> = belief.particles().map(|(state, _)| state).collect();
        let draw = place(belief.particles().map(|(_, weight)| weight));
        move |rng| states[draw(rng)].clone()
    }
}
