//! Two players small enough to be looked into at every step, made of the same networks, objectives, penalties and
//! optimizers as every trained system.

use brigand_autograd::{Output, Variable, without_recording};
use candle_core::Device;

use crate::data::Toy;
use crate::error::Result;
use crate::layers::Mode;
use crate::networks::{
    GeneratorOptions, Head, Hidden, HiddenNormalization, MlpRecipe, Network, NetworkRecipe, SampleShape,
};
use crate::objectives::{Objective, Scores};
use crate::penalties::Penalty;
use crate::random::Stream;
use crate::systems::{LatentRecipe, Optimizer, OptimizerRecipe};

/// A discriminator or critic with all it learns by.
pub(super) struct Judge {
    network: Network,
    optimizer: Optimizer,
    objective: Objective,
    penalty: Penalty,
    seed: u64,
    steps: u64,
}

impl Judge {
    pub(super) fn new(
        recipe: &NetworkRecipe,
        sample: SampleShape,
        (objective, penalty): (Objective, Penalty),
        optimizer: OptimizerRecipe,
        seed: u64,
    ) -> Result<Self> {
        let network = recipe.discriminator("discriminator", sample, Head::default(), seed, &Device::Cpu)?;
        Ok(Self { network, optimizer: Optimizer::new(optimizer), objective, penalty, seed, steps: 0 })
    }

    /// One step on a real and a generated batch.
    pub(super) fn learn(&mut self, real: &Variable, fake: &Variable) -> Result<()> {
        let fake = fake.detach();
        let real_scores = self.network.forward(real, Mode::Training)?;
        let fake_scores = self.network.forward(&fake, Mode::Training)?;
        let mut loss = self.objective.discriminator_loss(&Scores::new(&real_scores, &fake_scores))?;
        let mut stream = Stream::new(self.seed, "figure/penalty", self.steps);
        let network = &mut self.network;
        let mut critic = |samples: &Variable| network.forward(samples, Mode::Frozen);
        if let Some(term) = self.penalty.term(&mut critic, real, &fake, &mut stream)? {
            loss = loss.add(&term)?;
        }
        let gradients = self.network.gradients(Output { variable: &loss, weight: None }, None, false)?;
        self.steps += 1;
        self.optimizer.step(&mut self.network.weights, &gradients)
    }

    /// The scores of samples `[n, sample...]`.
    pub(super) fn scores(&self, samples: &Variable) -> Result<Vec<f64>> {
        Ok(self.network.sample(samples)?.to_vec()?)
    }
}

/// A generator with all it learns by.
pub(super) struct Maker {
    network: Network,
    optimizer: Optimizer,
    latent: LatentRecipe,
    seed: u64,
    steps: u64,
}

impl Maker {
    pub(super) fn new(
        recipe: &NetworkRecipe,
        sample: SampleShape,
        latent: LatentRecipe,
        optimizer: OptimizerRecipe,
        seed: u64,
    ) -> Result<Self> {
        let network = recipe.generator(
            "generator",
            latent.size,
            sample,
            GeneratorOptions::default(),
            seed,
            &Device::Cpu,
        )?;
        Ok(Self { network, optimizer: Optimizer::new(optimizer), latent, seed, steps: 0 })
    }

    /// A batch to train the judge on, number `draw`.
    pub(super) fn batch(&mut self, count: usize, draw: u64) -> Result<Variable> {
        let latents = self.latents(count, "figure/judged", draw)?;
        without_recording(|| self.network.forward(&latents, Mode::Frozen))
    }

    /// Samples for latents `[n, latent]`, as they are when training is over.
    pub(super) fn samples(&self, latents: &Variable) -> Result<Variable> {
        self.network.sample(latents)
    }

    pub(super) fn latents(&self, count: usize, purpose: &str, draw: u64) -> Result<Variable> {
        self.latent.draw(count, &mut Stream::new(self.seed, purpose, draw), &Device::Cpu)
    }

    /// The gradients of the generator's loss under `objective` on `count` samples.
    pub(super) fn gradients(
        &mut self,
        judge: &mut Judge,
        objective: Objective,
        count: usize,
    ) -> Result<Vec<Variable>> {
        let latents = self.latents(count, "figure/made", self.steps)?;
        let fake = self.network.forward(&latents, Mode::Training)?;
        let scores = judge.network.forward(&fake, Mode::Frozen)?;
        let loss = objective.generator_loss(&Scores::new(&scores.detach(), &scores))?;
        self.network.gradients(Output { variable: &loss, weight: None }, None, false)
    }

    /// One step against `judge`.
    pub(super) fn learn(&mut self, judge: &mut Judge, count: usize) -> Result<()> {
        let gradients = self.gradients(judge, judge.objective, count)?;
        self.steps += 1;
        self.optimizer.step(&mut self.network.weights, &gradients)
    }
}

/// Fully connected layers without normalisation.
pub(super) fn mlp(widths: &[usize], activation: Hidden) -> NetworkRecipe {
    let (widths, normalization) = (widths.to_vec(), HiddenNormalization::None);
    NetworkRecipe::Mlp(MlpRecipe { widths, activation, normalization, ..MlpRecipe::default() })
}

/// Batch number `draw` of a toy distribution, `[count, dimensions]`.
pub(super) fn toy_batch(toy: Toy, count: usize, draw: u64) -> Result<Variable> {
    let (points, _) = toy.draw(count, &mut Stream::new(0, "figure/real", draw));
    Ok(Variable::from_slice(&points, &[count, toy.dimensions()])?)
}

/// Numbers as a column of samples with one coordinate, `[n, 1]`.
pub(super) fn column(values: impl Iterator<Item = f64>) -> Result<Variable> {
    let values: Vec<f32> = values.map(|value| value as f32).collect();
    Ok(Variable::from_slice(&values, &[values.len(), 1])?)
}

/// The length of all gradients together.
pub(super) fn length(gradients: &[Variable]) -> Result<f64> {
    let mut sum = 0.0;
    for gradient in gradients {
        sum += gradient.to_vec()?.iter().map(|value| value * value).sum::<f64>();
    }
    Ok(sum.sqrt())
}
