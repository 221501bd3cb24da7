//! Diverse Beam Search: Vijayakumar et al. (arXiv 1610.02424).
//!
//! Beams in groups, one after the other at every step: a token loses `λ` for each beam of an earlier group that has just
//! emitted it. One group is ordinary beam search; as many groups as beams is most diverse.

use super::super::SolverError;

/// Settings of the search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DiverseBeamSettings {
    /// Beams in all.
    pub beams: usize,
    /// Groups, which divide the beams.
    pub groups: usize,
    /// What a token loses for each beam of an earlier group that has emitted it at this step.
    pub penalty: f64,
    /// Tokens at most.
    pub length: usize,
    /// The token that ends a text, if there is one.
    pub stop: Option<usize>,
}

impl Default for DiverseBeamSettings {
    fn default() -> Self {
        Self {
            beams: 8,
            groups: 4,
            penalty: 0.5,
            length: 32,
            stop: None,
        }
    }
}

/// A text that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Beam {
    /// Its tokens, with the stop token if it has ended.
    pub tokens: Vec<usize>,
    /// Logarithm of its probability, without penalties.
    pub log_probability: f64,
}

/// Searches texts: `next` writes the logarithms of the next token's probabilities, `[vocabulary]`, after the tokens so
/// far. Beams of each group, the likeliest first; of equally good ones the lexicographically smaller.
///
/// # Errors
/// [`SolverError::Setting`] unless there are beams, tokens and groups that divide the beams.
pub fn diverse_beam_search(
    vocabulary: usize,
    settings: DiverseBeamSettings,
    mut next: impl FnMut(&[usize], &mut [f64]),
) -> Result<Vec<Vec<Beam>>, SolverError> {
    let DiverseBeamSettings {
        beams,
        groups,
        penalty,
        length,
        stop,
    } = settings;
    let tokens = vocabulary as f64;
    SolverError::check("vocabulary", tokens, vocabulary > 0, "positive")?;
    SolverError::check("beams", beams as f64, beams > 0, "positive")?;
    let divides = groups > 0 && beams.is_multiple_of(groups);
    SolverError::check("groups", groups as f64, divides, "a divisor of the beams")?;
    let width = beams / groups;
    let empty = Beam {
        tokens: Vec::new(),
        log_probability: 0.0,
    };
    let mut found = vec![vec![empty]; groups];
    let mut logs = vec![0.0; vocabulary];
    let mut emitted = vec![0u32; vocabulary];
    for _ in 0..length {
        emitted.fill(0);
        for group in &mut found {
            // Score with penalties, and the beam.
            let mut grown: Vec<(f64, Beam)> = Vec::with_capacity(group.len() * vocabulary);
            for beam in &*group {
                if stop.is_some() && beam.tokens.last() == stop.as_ref() {
                    grown.push((beam.log_probability, beam.clone()));
                    continue;
                }
                next(&beam.tokens, &mut logs);
                for (token, log) in logs.iter().enumerate() {
                    let log_probability = beam.log_probability + log;
                    let mut tokens = beam.tokens.clone();
                    tokens.push(token);
                    grown.push((
                        log_probability - penalty * f64::from(emitted[token]),
                        Beam {
                            tokens,
                            log_probability,
                        },
                    ));
                }
            }
            grown.sort_by(|(a, x), (b, y)| b.total_cmp(a).then_with(|| x.tokens.cmp(&y.tokens)));
            grown.truncate(width);
            let before = group.iter().map(|b| b.tokens.len()).max().unwrap_or(0);
            *group = grown.into_iter().map(|(_, beam)| beam).collect();
            for beam in &*group {
                // Beams that had already ended emit nothing.
                if beam.tokens.len() > before
                    && let Some(&token) = beam.tokens.last()
                {
                    emitted[token] += 1;
                }
            }
        }
    }
    for group in &mut found {
        group.sort_by(|x, y| {
            y.log_probability
                .total_cmp(&x.log_probability)
                .then_with(|| x.tokens.cmp(&y.tokens))
        });
    }
    Ok(found)
}
