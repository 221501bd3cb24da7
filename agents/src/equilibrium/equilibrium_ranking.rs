//! Equilibrium-Ranking: Jacob, Shen, Farina and Andreas, *The Consensus Game: Language Model Generation via Equilibrium
//! Search* (arXiv 2310.09139).
//!
//! A signalling game between two ways of asking the same model. Nature draws "correct" or "incorrect"; the generator,
//! who sees that, picks a candidate; the discriminator, who sees the candidate, guesses which it was; both gain if it is
//! right. No-regret learning that is pulled towards each one's initial policy (piKL) makes them agree, and the candidate
//! they agree upon is the answer.

use std::sync::Arc;

use palaestra_envs::math;
use serde::{Deserialize, Serialize};

use super::{Iterate, Solver, SolverError, simplex};

/// Initial probabilities are not taken to be smaller than this.
const FLOOR: f64 = 1e-30;

/// The initial policies of generator and discriminator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConsensusGame {
    candidates: usize,
    /// `[2 * candidates]`: of each candidate given "incorrect", then given "correct".
    generator: Vec<f64>,
    /// `[2 * candidates]`: of "incorrect" for each candidate, then of "correct".
    discriminator: Vec<f64>,
}

impl ConsensusGame {
    /// The game of these likelihoods, which need not be normalised. `generator[v]` holds those of each candidate under
    /// the prompt for an incorrect (0) or correct (1) answer, `discriminator[v]` those of the verdict for each
    /// candidate. With `double_normalise`, as in the paper, both are first normalised over the other player's argument,
    /// which takes out how likely a candidate, or a verdict, is in any case.
    ///
    /// # Errors
    /// [`SolverError::Setting`] if a likelihood is negative or not finite, [`SolverError::Saved`] if the lists have
    /// different lengths or are empty.
    pub fn new(
        generator: &[Vec<f64>; 2],
        discriminator: &[Vec<f64>; 2],
        double_normalise: bool,
    ) -> Result<Self, SolverError> {
        let candidates = generator[0].len();
        for likelihoods in generator.iter().chain(discriminator) {
            SolverError::misfit("candidates", likelihoods.len(), candidates.max(1))?;
            for &p in likelihoods {
                let holds = p >= 0.0 && p.is_finite();
                SolverError::check("likelihood", p, holds, "finite and not negative")?;
            }
        }
        let mut game = Self {
            candidates,
            generator: generator.concat(),
            discriminator: discriminator.concat(),
        };
        if double_normalise {
            game.over_verdicts(false);
        }
        game.over_candidates(false);
        if double_normalise {
            game.over_candidates(true);
        }
        game.over_verdicts(true);
        for p in game.generator.iter_mut().chain(&mut game.discriminator) {
            *p = p.max(FLOOR);
        }
        Ok(game)
    }

    fn table(&mut self, discriminator: bool) -> &mut [f64] {
        if discriminator {
            &mut self.discriminator
        } else {
            &mut self.generator
        }
    }

    fn over_candidates(&mut self, discriminator: bool) {
        let n = self.candidates;
        let table = self.table(discriminator);
        table.chunks_exact_mut(n).for_each(simplex::normalise);
    }

    fn over_verdicts(&mut self, discriminator: bool) {
        let n = self.candidates;
        let (incorrect, correct) = self.table(discriminator).split_at_mut(n);
        for (a, b) in incorrect.iter_mut().zip(correct) {
            let mut pair = [*a, *b];
            simplex::normalise(&mut pair);
            [*a, *b] = pair;
        }
    }

    /// Number of candidates.
    pub fn candidates(&self) -> usize {
        self.candidates
    }

    /// The generator's initial policy, `[2 * candidates]`: given "incorrect", then given "correct".
    pub fn generator(&self) -> &[f64] {
        &self.generator
    }

    /// The discriminator's initial policy, `[2 * candidates]`: "incorrect" for each candidate, then "correct".
    pub fn discriminator(&self) -> &[f64] {
        &self.discriminator
    }
}

/// What Equilibrium-Ranking is set to and has found so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankingState {
    /// Step size of the generator and the discriminator.
    pub eta: [f64; 2],
    /// How strongly the generator and the discriminator are pulled to their initial policies.
    pub lambda: [f64; 2],
    /// Whether values are weighted by nature's probability 1/2, as in the paper.
    pub half_prior: bool,
    iteration: u64,
    generator: Vec<f64>,
    discriminator: Vec<f64>,
    /// Sums of the policies, the initial ones included.
    sums: [Vec<f64>; 2],
}

impl RankingState {
    /// The paper's settings, at the start of `game`: 0.1 for all.
    pub fn new(game: &ConsensusGame) -> Self {
        Self {
            eta: [0.1; 2],
            lambda: [0.1; 2],
            half_prior: true,
            iteration: 0,
            generator: game.generator.clone(),
            discriminator: game.discriminator.clone(),
            sums: [game.generator.clone(), game.discriminator.clone()],
        }
    }
}

/// Equilibrium-Ranking by piKL. The paper does 5000 iterations.
#[derive(Debug, Clone)]
pub struct EquilibriumRanking {
    game: Arc<ConsensusGame>,
    state: RankingState,
    /// Logarithms of the initial policies.
    anchors: [Vec<f64>; 2],
    /// Both policies before the last iteration.
    before: [Vec<f64>; 2],
}

impl EquilibriumRanking {
    /// A solver with the paper's settings.
    ///
    /// # Errors
    /// Never with these settings.
    pub fn new(game: Arc<ConsensusGame>) -> Result<Self, SolverError> {
        let state = RankingState::new(&game);
        Self::resume(game, state)
    }

    /// The candidate that the generator finds likeliest if it is to be correct.
    pub fn generator_choice(&self) -> usize {
        simplex::best(&self.state.generator[self.game.candidates..]).0
    }

    /// The candidate that the discriminator finds likeliest to be correct.
    pub fn discriminator_choice(&self) -> usize {
        simplex::best(&self.state.discriminator[self.game.candidates..]).0
    }

    /// Largest change of a probability in the last iteration since the start or loading; 0 before one. The paper's iterations may stop early where it stays
    /// below 1e-6.
    pub fn last_change(&self) -> f64 {
        let now = [&self.state.generator, &self.state.discriminator];
        let pairs = self.before.iter().flatten().zip(now.into_iter().flatten());
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    }
}

/// Writes the logits of the next policy, `(Q + λ log π₁) / (1 / (η t) + λ)`, where `Q` is `scale` times the other's sums.
fn pull(out: &mut [f64], sums: &[f64], anchor: &[f64], scale: f64, lambda: f64, divisor: f64) {
    for ((o, s), a) in out.iter_mut().zip(sums).zip(anchor) {
        *o = (scale * s + lambda * a) / divisor;
    }
}

impl Solver for EquilibriumRanking {
    type Game = ConsensusGame;
    type State = RankingState;
    /// The generator's and the discriminator's, each as in [`ConsensusGame`].
    type Policy = [Vec<f64>; 2];

    fn resume(game: Arc<ConsensusGame>, state: RankingState) -> Result<Self, SolverError> {
        let n = 2 * game.candidates;
        for table in [&state.generator, &state.discriminator]
            .into_iter()
            .chain(&state.sums)
        {
            SolverError::misfit("probabilities", table.len(), n)?;
        }
        for &eta in &state.eta {
            SolverError::positive("eta", eta)?;
        }
        for &lambda in &state.lambda {
            let holds = lambda >= 0.0 && lambda.is_finite();
            SolverError::check("lambda", lambda, holds, "finite and not negative")?;
        }
        let logs = |p: &[f64]| p.iter().map(|&p| math::ln(p)).collect();
        Ok(Self {
            anchors: [logs(&game.generator), logs(&game.discriminator)],
            before: [state.generator.clone(), state.discriminator.clone()],
            game,
            state,
        })
    }

    fn state(&self) -> &RankingState {
        &self.state
    }

    fn step(&mut self) {
        let n = self.game.candidates;
        let state = &mut self.state;
        state.iteration += 1;
        let t = state.iteration as f64;
        let scale = if state.half_prior { 0.5 } else { 1.0 } / t;
        let divisor = [0, 1].map(|i| 1.0 / (state.eta[i] * t) + state.lambda[i]);
        // Each is pulled by what the other has done on average; sums are added to only afterwards.
        let [own, other] = &mut state.sums;
        let (generator, discriminator) = (&mut state.generator, &mut state.discriminator);
        self.before[0].copy_from_slice(generator);
        self.before[1].copy_from_slice(discriminator);
        pull(
            generator,
            other,
            &self.anchors[0],
            scale,
            state.lambda[0],
            divisor[0],
        );
        pull(
            discriminator,
            own,
            &self.anchors[1],
            scale,
            state.lambda[1],
            divisor[1],
        );
        for logits in generator.chunks_exact_mut(n) {
            let total = simplex::log_sum_exp(logits);
            logits.iter_mut().for_each(|v| *v = math::exp(*v - total));
        }
        let (incorrect, correct) = discriminator.split_at_mut(n);
        for (a, b) in incorrect.iter_mut().zip(correct) {
            // The logistic function of the difference, without overflow.
            let odds = math::exp(-(*a - *b).abs());
            let (large, small) = (1.0 / (1.0 + odds), odds / (1.0 + odds));
            (*a, *b) = if *a >= *b {
                (large, small)
            } else {
                (small, large)
            };
        }
        for (sum, p) in own.iter_mut().zip(&*generator) {
            *sum += p;
        }
        for (sum, p) in other.iter_mut().zip(&*discriminator) {
            *sum += p;
        }
    }

    fn iteration(&self) -> u64 {
        self.state.iteration
    }

    fn policy(&self, which: Iterate) -> [Vec<f64>; 2] {
        let state = &self.state;
        match which {
            Iterate::Last => [state.generator.clone(), state.discriminator.clone()],
            Iterate::Average => {
                let count = state.iteration as f64 + 1.0;
                state
                    .sums
                    .clone()
                    .map(|sum| sum.into_iter().map(|s| s / count).collect())
            }
        }
    }

    /// What both could gain together by best replies that pay, as they do, `λ` times the divergence from their initial
    /// policies, weighted like the game's payoffs by nature's probability.
    fn gap(&mut self, which: Iterate) -> f64 {
        let n = self.game.candidates;
        let [generator, discriminator] = self.policy(which);
        let prior = if self.state.half_prior { 0.5 } else { 1.0 };
        let mut total = 0.0;
        // At each information set: λ log Σ π₁ exp(Q / λ) - (Σ π Q - λ KL(π, π₁)).
        let mut set = |own: &[f64], values: &[f64], anchor: &[f64], lambda: f64| {
            if lambda == 0.0 {
                total += prior * (simplex::best(values).1 - simplex::dot(own, values));
                return;
            }
            let tilted: Vec<f64> = values
                .iter()
                .zip(anchor)
                .map(|(q, a)| a + prior * q / lambda)
                .collect();
            let best = lambda * (simplex::log_sum_exp(&tilted) - simplex::log_sum_exp(anchor));
            let logs = simplex::logs(own);
            let now =
                prior * simplex::dot(own, values) - lambda * simplex::kl_of_logits(&logs, anchor);
            total += best - now;
        };
        for v in 0..2 {
            let range = v * n..(v + 1) * n;
            set(
                &generator[range.clone()],
                &discriminator[range.clone()],
                &self.anchors[0][range],
                self.state.lambda[0],
            );
        }
        for y in 0..n {
            let pair = |table: &[f64]| [table[y], table[n + y]];
            set(
                &pair(&discriminator),
                &pair(&generator),
                &pair(&self.anchors[1]),
                self.state.lambda[1],
            );
        }
        total
    }
}
