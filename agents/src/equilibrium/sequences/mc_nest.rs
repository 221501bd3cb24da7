//! MC-NEST: Rabby et al., *MC-NEST: Enhancing Mathematical Reasoning in Large Language Models leveraging a Monte Carlo
//! Self-Refine Tree* (arXiv 2411.15645).
//!
//! A tree of answers: pick one by an upper confidence bound, refine it into a child, score the child by a few
//! evaluations, and let scores flow up. What the paper calls a Nash strategy is a uniform probability over the root's
//! children, added to the bound or multiplied with it; no equilibrium is computed, hence the name `uniform_root_prior`
//! here. [`Prior::MatrixNash`], which is ours, does compute one: that of the game in which two players name a child of the
//! root each and the better one wins.

use palaestra_envs::{math, stream::Stream};
use rand::RngExt;

use super::super::{nash_average, simplex};

/// Keeps bounds finite without visits.
const EPSILON: f64 = 1e-10;
/// The bound of the root.
const ROOT_BOUND: f64 = 10_000.0;
/// Scores above this are not believed.
const SUSPICIOUS: f64 = 95.0;
/// What such scores lose.
const PENALTY: f64 = 5.0;

/// How an answer to refine is picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// The largest bound plus prior.
    Greedy,
    /// In proportion to bound times prior; uniformly where all of them vanish.
    ImportanceSampling,
}

/// The probability that is added to the bounds of the root's children, or multiplied with them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Prior {
    /// The same for each.
    #[default]
    UniformRoot,
    /// That of an equilibrium over comparisons of each pair.
    MatrixNash,
}

/// Settings of the search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct McNestSettings {
    /// Weight of the exploration term.
    pub exploration: f64,
    /// Children after which an answer is not refined any more.
    pub max_children: usize,
    /// Evaluations of each answer.
    pub samples: usize,
    /// How an answer to refine is picked.
    pub pick: Pick,
    /// Which of the root's children are favoured.
    pub prior: Prior,
}

impl Default for McNestSettings {
    fn default() -> Self {
        Self {
            exploration: 1.0,
            max_children: 2,
            samples: 3,
            pick: Pick::Greedy,
            prior: Prior::UniformRoot,
        }
    }
}

/// An answer in the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt<A> {
    /// The answer.
    pub answer: A,
    /// Index of the answer that it refines; none for the root.
    pub parent: Option<usize>,
    /// Refinements of it.
    pub children: Vec<usize>,
    /// Its score when it was evaluated.
    pub evaluation: f64,
    /// Its score, with what has flowed up from its refinements.
    pub score: f64,
    /// How often it, or something below it, was evaluated.
    pub visits: u32,
}

/// Whoever can score and refine answers.
pub trait Refiner {
    /// An answer.
    type Answer;

    /// A score, usually from 0 to 100.
    fn evaluate(&mut self, answer: &Self::Answer) -> f64;

    /// Another answer that is meant to be better.
    fn refine(&mut self, answer: &Self::Answer) -> Self::Answer;

    /// The probability that the first answer is better than the second, where it is known otherwise than from their
    /// scores; asked for [`Prior::MatrixNash`].
    fn compare(&mut self, _: &Self::Answer, _: &Self::Answer) -> Option<f64> {
        None
    }
}

/// The tree of answers.
#[derive(Debug, Clone)]
pub struct McNest<A> {
    settings: McNestSettings,
    attempts: Vec<Attempt<A>>,
    /// Comparisons of the root's children, `[children][children]`, and the equilibrium over them.
    wins: Vec<Vec<f64>>,
    nash: Vec<f64>,
}

/// `(min + mean) / 2` of an answer's evaluations, each of which loses 5 above 95.
pub fn node_score(samples: &[f64]) -> f64 {
    let believed = samples
        .iter()
        .map(|&s| if s > SUSPICIOUS { s - PENALTY } else { s });
    let least = believed.clone().fold(f64::INFINITY, f64::min);
    let mean = believed.sum::<f64>() / samples.len() as f64;
    0.5 * (least + mean)
}

impl<A> McNest<A> {
    /// A tree of these attempts, the first of which is the root.
    pub fn new(settings: McNestSettings, attempts: Vec<Attempt<A>>) -> Self {
        Self {
            settings,
            attempts,
            wins: Vec::new(),
            nash: Vec::new(),
        }
    }

    /// A tree with the first answer, evaluated.
    pub fn start<R: Refiner<Answer = A>>(
        settings: McNestSettings,
        refiner: &mut R,
        answer: A,
    ) -> Self {
        let score = evaluated(settings.samples, refiner, &answer);
        let root = Attempt {
            answer,
            parent: None,
            children: Vec::new(),
            evaluation: score,
            score,
            visits: 1,
        };
        Self::new(settings, vec![root])
    }

    /// All answers, the root first.
    pub fn attempts(&self) -> &[Attempt<A>] {
        &self.attempts
    }

    /// The answer that was evaluated best, whatever its refinements are worth; of equal ones the earliest.
    pub fn best(&self) -> Option<&Attempt<A>> {
        let scores: Vec<f64> = self.attempts.iter().map(|a| a.evaluation).collect();
        self.attempts.get(simplex::best(&scores).0)
    }

    /// Whether an answer is refined no more: it has all its children, or one that is better than itself.
    pub fn is_full(&self, index: usize) -> bool {
        let node = &self.attempts[index];
        let better = |&child: &usize| self.attempts[child].score > node.score;
        node.children.len() >= self.settings.max_children || node.children.iter().any(better)
    }

    /// The upper confidence bound of an answer.
    pub fn bound(&self, index: usize) -> f64 {
        let node = &self.attempts[index];
        let Some(parent) = node.parent else {
            return ROOT_BOUND;
        };
        let above = math::ln(f64::from(self.attempts[parent].visits) + 1.0);
        let spread = math::sqrt(above / (f64::from(node.visits) + EPSILON));
        node.score + self.settings.exploration * spread
    }

    /// The uniform probability over the root's children; 0 elsewhere.
    pub fn uniform_root_prior(&self, index: usize) -> f64 {
        match self.attempts[index].parent {
            Some(0) => 1.0 / self.attempts[0].children.len() as f64,
            _ => 0.0,
        }
    }

    /// The equilibrium over comparisons of the root's children; 0 elsewhere, and for children that were not compared.
    pub fn matrix_nash_prior(&self, index: usize) -> f64 {
        if self.attempts[index].parent != Some(0) {
            return 0.0;
        }
        let place = self.attempts[0]
            .children
            .iter()
            .position(|&child| child == index);
        place
            .and_then(|place| self.nash.get(place))
            .copied()
            .unwrap_or_default()
    }

    fn prior(&self, index: usize) -> f64 {
        match self.settings.prior {
            Prior::UniformRoot => self.uniform_root_prior(index),
            Prior::MatrixNash => self.matrix_nash_prior(index),
        }
    }

    /// Compares the newest child of the root with its siblings, and solves the game over all of them.
    fn compare_newest<R: Refiner<Answer = A>>(&mut self, refiner: &mut R) {
        let children = &self.attempts[0].children;
        while self.wins.len() < children.len() {
            let newest = self.wins.len();
            let own = &self.attempts[children[newest]];
            let mut row = Vec::with_capacity(newest + 1);
            for (earlier, &child) in children[..newest].iter().enumerate() {
                let other = &self.attempts[child];
                let told = refiner.compare(&own.answer, &other.answer);
                let win = told.map_or_else(
                    || match own.evaluation.total_cmp(&other.evaluation) {
                        std::cmp::Ordering::Greater => 1.0,
                        std::cmp::Ordering::Equal => 0.5,
                        std::cmp::Ordering::Less => 0.0,
                    },
                    |p| p.clamp(0.0, 1.0),
                );
                row.push(win);
                self.wins[earlier].push(1.0 - win);
            }
            row.push(0.5);
            self.wins.push(row);
        }
        let n = self.wins.len();
        let advantages: Vec<f64> = self.wins.iter().flatten().map(|p| 2.0 * p - 1.0).collect();
        // Of several equilibria the most even one. A table of wins always has one.
        self.nash = nash_average(n, &advantages)
            .map_or_else(|_| vec![1.0 / n as f64; n], |found| found.weights);
    }

    /// Answers that may be refined; if all are full, none.
    pub fn candidates(&self) -> Vec<usize> {
        (0..self.attempts.len())
            .filter(|&index| !self.is_full(index))
            .collect()
    }

    /// Picks an answer to refine.
    pub fn select(&self, stream: &mut Stream) -> Option<usize> {
        let candidates = self.candidates();
        let prior = |&index: &usize| self.prior(index);
        let bounds = candidates.iter().map(|&index| self.bound(index));
        let chosen = match self.settings.pick {
            Pick::Greedy => {
                let scores: Vec<f64> = bounds
                    .zip(candidates.iter().map(prior))
                    .map(|(b, p)| b + p)
                    .collect();
                simplex::best(&scores).0
            }
            Pick::ImportanceSampling => {
                let mut weights: Vec<f64> = bounds
                    .zip(candidates.iter().map(prior))
                    .map(|(b, p)| (b * p).max(0.0))
                    .collect();
                simplex::normalise(&mut weights);
                simplex::pick(weights, stream.random())
            }
        };
        candidates.get(chosen).copied()
    }

    /// Lets an answer's new score flow up: every ancestor's becomes the mean of itself and its best child's.
    pub fn propagate(&mut self, index: usize) {
        let mut above = self.attempts[index].parent;
        while let Some(parent) = above {
            let children = &self.attempts[parent].children;
            let most = children
                .iter()
                .map(|&child| self.attempts[child].score)
                .fold(f64::NEG_INFINITY, f64::max);
            let node = &mut self.attempts[parent];
            node.score = 0.5 * (node.score + most);
            node.visits += 1;
            above = node.parent;
        }
    }

    /// One rollout: picks an answer, refines and evaluates it, and lets the score flow up. The new answer's index, or
    /// nothing if all are full.
    pub fn rollout<R: Refiner<Answer = A>>(
        &mut self,
        refiner: &mut R,
        stream: &mut Stream,
    ) -> Option<usize> {
        let parent = self.select(stream)?;
        let answer = refiner.refine(&self.attempts[parent].answer);
        let score = evaluated(self.settings.samples, refiner, &answer);
        let index = self.attempts.len();
        self.attempts.push(Attempt {
            answer,
            parent: Some(parent),
            children: Vec::new(),
            evaluation: score,
            score,
            visits: 1,
        });
        self.attempts[parent].children.push(index);
        if parent == 0 && self.settings.prior == Prior::MatrixNash {
            self.compare_newest(refiner);
        }
        self.propagate(index);
        Some(index)
    }
}

fn evaluated<R: Refiner>(samples: usize, refiner: &mut R, answer: &R::Answer) -> f64 {
    let samples: Vec<f64> = (0..samples.max(1))
        .map(|_| refiner.evaluate(answer))
        .collect();
    node_score(&samples)
}
