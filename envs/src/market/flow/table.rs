//! Numbers drawn from a table of their chances.

/// A distribution on 1, 2, …, as the values of its inverse at equidistant points.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Table {
    /// Chance of at most 1, 2, …; the last is 1.
    pub(super) cumulative: Vec<f64>,
    /// For each of as many equal parts of [0, 1): where in `cumulative` a search for a number of it begins.
    guide: Vec<u32>,
}

impl Table {
    /// The distribution with these weights.
    pub(super) fn new(weights: impl Iterator<Item = f64>) -> Self {
        let mut sum = 0.0;
        let mut cumulative: Vec<f64> = weights
            .map(|weight| {
                sum += weight;
                sum
            })
            .collect();
        cumulative.iter_mut().for_each(|c| *c /= sum);
        if let Some(last) = cumulative.last_mut() {
            *last = 1.0;
        }
        let parts = cumulative.len();
        let begin = |part: usize| {
            let low = part as f64 / parts as f64;
            cumulative.partition_point(|c| *c <= low) as u32
        };
        let guide = (0..parts).map(begin).collect();
        Self { cumulative, guide }
    }

    /// The value for a number in [0, 1).
    #[inline]
    pub(super) fn value(&self, u: f64) -> i64 {
        let part = (u * self.guide.len() as f64) as usize;
        let mut at = self.guide[part.min(self.guide.len() - 1)] as usize;
        while self.cumulative[at] <= u {
            at += 1;
        }
        at as i64 + 1
    }
}
