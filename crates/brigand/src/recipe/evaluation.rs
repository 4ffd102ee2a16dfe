//! The table of what is measured while training.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::evaluation::{Better, MetricRow, find_metric};

/// Measuring samples while training.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationRecipe {
    /// Steps between two evaluations, with one after the last; 0 for none.
    pub every: u64,
    /// The metrics by name, as `brigand evaluate --metrics` has them.
    pub metrics: Vec<String>,
    /// Samples generated for each evaluation, and at most so many real ones to compare them with.
    pub count: usize,
    /// What makes features: `classifier`, `classifier:RUN`, `inception:FILE`, `pixels`, or `auto` for the best that
    /// needs no file.
    pub features: String,
    /// The score by which the best checkpoint is kept; empty to keep none.
    pub best: String,
}

impl Default for EvaluationRecipe {
    fn default() -> Self {
        let fid = || "fid".to_owned();
        Self { every: 0, metrics: vec![fid()], count: 2000, features: "auto".into(), best: fid() }
    }
}

impl EvaluationRecipe {
    /// The metrics.
    ///
    /// # Errors
    /// For a name that is none, or a metric that cannot be measured while training.
    pub fn chosen(&self) -> Result<Vec<&'static MetricRow>> {
        let chosen: Vec<&'static MetricRow> =
            self.metrics.iter().map(|name| Ok(find_metric(name)?)).collect::<Result<_>>()?;
        match chosen.iter().find(|metric| metric.slow) {
            None => Ok(chosen),
            Some(metric) => Err(Error::Recipe(format!(
                "evaluation.metrics: {metric} takes too long for every few steps and is measured when the run is \
                 finished; use `brigand evaluate --metrics {metric}`"
            ))),
        }
    }

    /// The score by which the best checkpoint is kept, and which of its values are better.
    ///
    /// # Errors
    /// If no chosen metric gives it, or it is none to choose by.
    pub fn best_score(&self) -> Result<Option<(&'static str, Better)>> {
        if self.best.is_empty() {
            return Ok(None);
        }
        let given: Vec<(&'static str, Better)> = self
            .chosen()?
            .iter()
            .flat_map(|metric| metric.scores)
            .filter(|score| score.better != Better::Neither)
            .map(|score| (score.name, score.better))
            .collect();
        let found = given.iter().find(|(name, _)| *name == self.best).copied();
        found.map(Some).ok_or_else(|| {
            let names: Vec<&str> = given.iter().map(|(name, _)| *name).collect();
            Error::Recipe(format!(
                "evaluation.best is `{}`, which the chosen metrics do not give; choose one of {}, or \"\" for none",
                self.best,
                names.join(", ")
            ))
        })
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.every == 0 {
            return self.chosen().map(|_| ());
        }
        if self.metrics.is_empty() || self.count < 20 {
            return Err(Error::Recipe(format!(
                "evaluation.metrics names {} metrics and evaluation.count is {}; name at least one, and measure 20 \
                 samples or more",
                self.metrics.len(),
                self.count
            )));
        }
        self.best_score().map(|_| ())
    }
}
