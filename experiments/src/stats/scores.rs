//! Scores of an agent (runs × tasks) and the plain summary of one column.

use serde::{Deserialize, Serialize};

use super::{StatsError, check_finite};

/// Scores of one agent: `runs` × `tasks`, every value finite, at least one of each.
///
/// A run is one seed; a task is one environment (a stratum of the bootstrap). For an experiment on one environment use
/// [`Scores::single_task`].
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    runs: usize,
    tasks: usize,
    /// Task-major: the runs of task 0, then those of task 1: a stratum is a slice.
    by_task: Vec<f64>,
}

impl Scores {
    /// Scores from a flat row-major matrix: `values[run * tasks + task]`.
    ///
    /// # Errors
    /// [`StatsError::Shape`] if `values.len() != runs * tasks`, [`StatsError::Empty`], [`StatsError::NotFinite`].
    ///
    /// # Examples
    /// ```
    /// use palaestra::stats::{Aggregate, Scores};
    ///
    /// let scores = Scores::new(&[0.0, 1.0, 0.5, 2.0, 1.0, 3.0], 3, 2)?;
    /// assert_eq!(Aggregate::Mean.of(&scores), 1.25);
    /// # Ok::<(), palaestra::stats::StatsError>(())
    /// ```
    pub fn new(values: &[f64], runs: usize, tasks: usize) -> Result<Self, StatsError> {
        if runs.checked_mul(tasks) != Some(values.len()) {
            return Err(StatsError::Shape {
                runs,
                tasks,
                len: values.len(),
            });
        }
        if values.is_empty() {
            return Err(StatsError::Empty { what: "scores" });
        }
        check_finite("scores", values)?;
        let by_task = (0..tasks)
            .flat_map(|task| (0..runs).map(move |run| values[run * tasks + task]))
            .collect();
        Ok(Self {
            runs,
            tasks,
            by_task,
        })
    }

    /// Scores of one task, one value per run.
    ///
    /// # Errors
    /// [`StatsError::Empty`], [`StatsError::NotFinite`].
    pub fn single_task(values: &[f64]) -> Result<Self, StatsError> {
        Self::new(values, values.len(), 1)
    }

    /// Number of runs (seeds) per task, at least 1.
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// Number of tasks, at least 1.
    pub fn tasks(&self) -> usize {
        self.tasks
    }

    /// The scores of every run on `task`, in run order; `None` if there is no such task.
    pub fn task(&self, task: usize) -> Option<&[f64]> {
        self.by_task.chunks_exact(self.runs).nth(task)
    }

    /// All scores, task-major.
    pub(super) fn flat(&self) -> &[f64] {
        &self.by_task
    }

    /// One slice of `runs` values per task.
    pub(super) fn strata(&self) -> std::slice::ChunksExact<'_, f64> {
        self.by_task.chunks_exact(self.runs)
    }
}

/// Mean, standard deviation and standard error of one sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Number of values, at least 1.
    pub count: usize,
    /// Arithmetic mean.
    pub mean: f64,
    /// Sample standard deviation (divisor `count - 1`); `None` for a single value.
    pub standard_deviation: Option<f64>,
    /// Standard error of the mean, `standard_deviation / sqrt(count)`; `None` for a single value.
    pub standard_error: Option<f64>,
}

impl Summary {
    /// Summarises `values`.
    ///
    /// # Errors
    /// [`StatsError::Empty`], [`StatsError::NotFinite`].
    pub fn of(values: &[f64]) -> Result<Self, StatsError> {
        if values.is_empty() {
            return Err(StatsError::Empty { what: "sample" });
        }
        check_finite("sample", values)?;
        let count = values.len();
        let mean = mean(values);
        // Two passes: the one-pass formula cancels when the mean is large against the spread.
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let standard_deviation = (count > 1).then(|| (squares / (count - 1) as f64).sqrt());
        Ok(Self {
            count,
            mean,
            standard_deviation,
            standard_error: standard_deviation.map(|sd| sd / (count as f64).sqrt()),
        })
    }
}

/// Arithmetic mean of a sample that is not empty.
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summary_by_hand() {
        // 2, 4, 4, 4, 5, 5, 7, 9: mean 5, squared deviations 32, sd sqrt(32/7).
        let summary = Summary::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        assert_eq!(summary.mean, 5.0);
        assert!((summary.standard_deviation.unwrap() - 2.138_089_935_299_395).abs() < 1e-14);
        assert!((summary.standard_error.unwrap() - 0.755_928_946_018_454_4).abs() < 1e-14);
    }

    #[test]
    fn a_single_value_has_no_spread() {
        let summary = Summary::of(&[3.0]).unwrap();
        assert_eq!((summary.mean, summary.standard_deviation), (3.0, None));
    }

    #[test]
    fn bad_input_is_a_typed_error() {
        assert_eq!(
            Scores::new(&[], 0, 3),
            Err(StatsError::Empty { what: "scores" })
        );
        assert_eq!(
            Scores::new(&[1.0; 5], 2, 3),
            Err(StatsError::Shape {
                runs: 2,
                tasks: 3,
                len: 5
            })
        );
        assert!(matches!(
            Scores::single_task(&[1.0, f64::NAN]),
            Err(StatsError::NotFinite { index: 1, .. })
        ));
        assert!(matches!(
            Scores::new(&[1.0], usize::MAX, 2),
            Err(StatsError::Shape { .. })
        ));
        assert!(Summary::of(&[]).is_err());
    }

    #[test]
    fn tasks_are_columns() {
        let scores = Scores::new(&[1.0, 2.0, 3.0, 4.0], 2, 2).unwrap();
        assert_eq!(scores.task(0), Some(&[1.0, 3.0][..]));
        assert_eq!(scores.task(1), Some(&[2.0, 4.0][..]));
        assert_eq!(scores.task(2), None);
    }
}
