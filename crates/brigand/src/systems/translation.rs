//! What systems that translate images share.

use brigand_autograd::{Variable, without_recording};
use brigand_core::capability::{Content, Exhibit};
use brigand_core::players::OptimizerRecipe;
use brigand_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// Name of the mean absolute distance of held-out images' translations to their known partners, in [0, 1], of a mean over
/// the directions.
pub const PAIR_ERROR: &str = "pair_error";

/// How translators and discriminators step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TranslationOptimizers {
    /// The translators'.
    pub translator: OptimizerRecipe,
    /// The discriminators'.
    pub discriminator: OptimizerRecipe,
}

impl TranslationOptimizers {
    /// Refuses settings that no optimizer has.
    pub(super) fn check(&self) -> Result<()> {
        self.translator.check("translator")?;
        self.discriminator.check("discriminator")
    }
}

/// Refuses weights of losses, given by key, that are negative or not finite.
pub(super) fn check_losses(losses: &[(&str, f64)]) -> Result<()> {
    match losses.iter().find(|(_, value)| !(*value >= 0.0 && value.is_finite())) {
        Some((key, value)) => Err(Error::Recipe(format!("losses.{key} is {value}; give 0 or more"))),
        None => Ok(()),
    }
}

/// The mean absolute distance of two batches of images, on their scale.
pub(super) fn distance(a: &Variable, b: &Variable) -> Result<Variable> {
    Ok(a.sub(b)?.abs()?.mean_all()?)
}

/// The mean over all images of a number that is known of each batch.
#[derive(Default)]
pub(super) struct Mean {
    sum: f64,
    count: f64,
}

impl Mean {
    /// Adds the mean absolute distance of `found` and `wanted` on the scale [0, 1].
    pub(super) fn add_distance(&mut self, found: &Variable, wanted: &Variable) -> Result<()> {
        let distance = without_recording(|| distance(found, wanted))?.scalar()?;
        self.add(found.shape().first().copied().unwrap_or(0), distance / 2.0);
        Ok(())
    }

    /// Adds the mean of `count` images.
    pub(super) fn add(&mut self, count: usize, mean: f64) {
        self.sum += count as f64 * mean;
        self.count += count as f64;
    }

    /// The mean; none of nothing.
    pub(super) fn value(&self) -> Option<f64> {
        (self.count > 0.0).then(|| self.sum / self.count)
    }
}

/// The first images of each batch side by side, then the second, and so on; two of these groups in a row.
pub(super) fn side_by_side(series: &str, batches: &[&Variable]) -> Result<Exhibit> {
    let channels = batches.iter().filter_map(|of| of.shape().get(1)).max().copied().unwrap_or(1);
    let count = batches.iter().filter_map(|of| of.shape().first()).min().copied().unwrap_or(0);
    let mut shown = Vec::with_capacity(count * batches.len());
    for number in 0..count {
        for of in batches {
            let (_, _, height, width) = of.dims4("images beside each other")?;
            shown.push(of.narrow(0, number, 1)?.broadcast_to(&[1, channels, height, width])?);
        }
    }
    let images = Variable::concatenate(&shown.iter().collect::<Vec<_>>(), 0)?;
    let content = Content::Images { images, columns: 2 * batches.len() };
    Ok(Exhibit { series: series.to_owned(), content })
}
