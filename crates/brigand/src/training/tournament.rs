//! Two runs against each other, by their discriminators' errors.

use brigand_autograd::Variable;
use brigand_core::capability::{Sampler, ScoreField};
use brigand_core::system::System;
use candle_core::Tensor;

use super::measuring::real_samples;
use super::prepared::load_data;
use crate::error::{Error, Result};
use crate::evaluation::{DataSamples, Errors, Samples, Tournament};
use crate::recipe::Recipe;

/// Samples that are scored at once.
const PORTION: usize = 256;

/// A run in a tournament.
pub struct Contender<'a> {
    /// What messages call it.
    pub name: &'a str,
    /// Its recipe.
    pub recipe: &'a Recipe,
    /// Its system, trained.
    pub system: &'a dyn System,
}

/// What a contender takes part by.
struct Parts<'a> {
    sampler: &'a dyn Sampler,
    field: &'a dyn ScoreField,
    threshold: f64,
}

impl Contender<'_> {
    fn parts(&self) -> Result<Parts<'_>> {
        let refused = |reason: &str| {
            Error::Request(format!("{} trained `{}`, {reason}", self.name, self.recipe.common.system))
        };
        let sampler = self.system.as_sampler().ok_or_else(|| {
            refused("which makes no samples from latents; give a run of a generator and a discriminator")
        })?;
        let field = self.system.as_score_field().ok_or_else(|| {
            refused(
                "which has no discriminator that scores images alone (without a class, a code or other images); give a \
                 run of one that has, for example dcgan",
            )
        })?;
        let threshold = field.threshold().ok_or_else(|| {
            refused(
                "whose objective has no score above which a sample counts as real, so its discriminator makes no errors that \
                 could be counted; give a run of one that has, for example dcgan or lsgan",
            )
        })?;
        Ok(Parts { sampler, field, threshold })
    }
}

/// The tournament of two runs on the test part of their data (the data itself where it has none) and on as many samples of
/// each, drawn for `seed`. Also answers the real samples.
///
/// # Errors
/// If a run makes no samples, has no discriminator of single samples or none whose errors can be counted, or the two
/// were trained on other data or another shape of it.
pub fn tournament(
    contenders: [&Contender<'_>; 2],
    most: usize,
    seed: u64,
) -> Result<(Tournament, DataSamples)> {
    let [first, second] = contenders;
    let (data, other) = (&first.recipe.common.data, &second.recipe.common.data);
    let parts = [first.parts()?, second.parts()?];
    let shapes = [0, 1].map(|index| parts[index].sampler.sample_shape());
    if data.source != other.source || shapes[0] != shapes[1] {
        return Err(Error::Request(format!(
            "{} was trained on `{}` of {:?} and {} on `{}` of {:?}; give two runs on the same data in the same shape",
            first.name,
            data.source,
            shapes[0].dims(),
            second.name,
            other.source,
            shapes[1].dims()
        )));
    }
    let real = real_samples(first.recipe, &load_data(first.recipe)?, most, seed)?;
    let mut on_real = [Vec::new(), Vec::new()];
    for start in (0..real.count()).step_by(PORTION) {
        let places: Vec<usize> = (start..(start + PORTION).min(real.count())).collect();
        let tensors = real.get(&places)?;
        let samples = Variable::constant(Tensor::cat(&tensors, 0)?);
        for (scores, parts) in on_real.iter_mut().zip(&parts) {
            scores.extend(parts.scores(&samples)?);
        }
    }
    let [first, second] = &parts;
    let [real_first, real_second] = &on_real;
    let count = real.count();
    let against = |discriminator: &Parts<'_>, generator: &Parts<'_>| -> Result<Errors> {
        let samples = generator.sampler.sample(count, seed)?;
        let mut scores = Vec::with_capacity(count);
        for start in (0..count).step_by(PORTION) {
            scores.extend(discriminator.scores(&samples.narrow(0, start, PORTION.min(count - start))?)?);
        }
        Ok(Errors::on_generated(&scores, discriminator.threshold))
    };
    let found = Tournament {
        real: [Errors::on_real(real_first, first.threshold), Errors::on_real(real_second, second.threshold)],
        generated: [against(first, second)?, against(second, first)?],
    };
    Ok((found, real))
}

impl Parts<'_> {
    /// The scores of `samples`, on whatever device and in whatever precision this one computes.
    fn scores(&self, samples: &Variable) -> Result<Vec<f32>> {
        let place = self.sampler.place();
        let samples = samples.detach().to_dtype(place.compute)?.to_device(&place.device)?;
        Ok(self.field.field(&samples)?.0.to_vec_f32()?)
    }
}
