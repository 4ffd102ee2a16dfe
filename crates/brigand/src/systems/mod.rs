//! The named systems, the parts they are composed of, and the registry of them all.

mod aae;
mod adagan;
mod adversary;
mod average;
pub mod catgan;
pub mod classifier;
mod duel;
mod duels;
pub mod encoders;
mod feed;
pub mod imle;
mod neighbours;
mod optimizer;
mod player;
mod recognition;
mod registry;
mod state;

pub use adversary::{Adversary, Seen};
pub use brigand_core::latent::{
    CLASS, Distribution, LatentPart, LatentRecipe, LatentSpace, MEMBER, NOISE, Prior,
};
pub use brigand_core::planar::Planar;
pub use brigand_core::players::{AverageRecipe, OptimizerRecipe, Schedule};
pub use duel::{
    CATEGORY, CODE, CodesRecipe, ConditionRecipe, DiscriminatorHears, Duel, DuelRecipe, GeneratorHears,
    Order, Players, UpdateRecipe,
};
pub use feed::{Feed, RealBatch};
pub use neighbours::code_neighbours;
pub use optimizer::{Optimizer, UnrolledOptimizer};
pub use player::{Player, descend};
pub use recognition::{held_out_accuracy, labels, largest, recognised};
pub use registry::{Entry, Family, Length, Make, SystemRecipe, find, own, registry};
pub use state::{Fragment, State};

use std::collections::BTreeMap;

use brigand_autograd::Variable;
use candle_core::Device;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::networks::{Network, SampleShape};
use crate::random::Stream;

/// Named numbers that a training step reports: losses, accuracies.
pub type Report = BTreeMap<String, f64>;

/// What a system is built for.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    /// What samples look like.
    pub sample: SampleShape,
    /// Samples in a batch.
    pub batch: usize,
    /// Steps of the whole run.
    pub steps: u64,
    /// Decides the first weights.
    pub seed: u64,
    /// How many samples of each class the data has; empty without labels.
    pub classes: &'a [f64],
    /// Where it computes.
    pub device: &'a Device,
}

/// A horizontal line that theory draws into a metric's curve.
#[derive(Clone, Debug, PartialEq)]
pub struct TheoryLine {
    /// The metric, as named in the [`Report`].
    pub metric: &'static str,
    /// What the line means, for example `ln 4`.
    pub label: &'static str,
    /// Its height.
    pub value: f64,
}

/// Everything the trainer knows about what it trains.
pub trait System: Send {
    /// The networks, for counting, checkpoints and export.
    fn networks(&self) -> Vec<&Network>;

    /// One step: as many updates of each player as the recipe says, on fresh batches from `feed`.
    fn train_step(&mut self, feed: &mut Feed, step: u64) -> Result<Report>;

    /// What a sample looks like.
    fn sample_shape(&self) -> SampleShape;

    /// Where it computes.
    fn device(&self) -> &Device;

    /// What its latents consist of.
    ///
    /// # Errors
    /// If it makes no samples.
    fn latent_space(&self) -> Result<LatentSpace>;

    /// `count` latents, `[count, size]`.
    ///
    /// # Errors
    /// If the system has no latent space.
    fn latents(&self, count: usize, stream: &mut Stream) -> Result<Variable> {
        self.latent_space()?.draw(count, stream, self.device())
    }

    /// The samples that `latents` `[count, size]` stand for, `[count, sample...]`; each depends on its own latent
    /// alone. Latents with a history are searched, so gradients must flow back to them.
    fn generate(&self, latents: &Variable) -> Result<Variable>;

    /// The latents `[n, size]` that stand for `samples` `[n, sample...]`, where it has an encoder: what
    /// [`System::generate`] would take to make them again. `labels` are the samples' classes, for a system whose
    /// codes leave the class out.
    ///
    /// # Errors
    /// If it needs labels and gets none.
    fn encode(&self, _samples: &Variable, _labels: Option<&[u32]>) -> Result<Option<Variable>> {
        Ok(None)
    }

    /// `samples` `[n, sample...]` as it makes them again, where it can.
    ///
    /// # Errors
    /// As [`System::encode`].
    fn reconstruct(&self, samples: &Variable, labels: Option<&[u32]>) -> Result<Option<Variable>> {
        self.encode(samples, labels)?.map(|latents| self.generate(&latents)).transpose()
    }

    /// Probabilities `[n, classes]` of the classes or clusters it has learnt to tell `samples` `[n, sample...]` apart
    /// by, where it has learnt any.
    fn classify(&self, _samples: &Variable) -> Result<Option<Variable>> {
        Ok(None)
    }

    /// What its discriminator says of `places` `[n, sample...]`, and which way is uphill: scores `[n]` and their
    /// slopes `[n, sample...]`. `None` for a system without one that judges samples one by one.
    fn opinion(&self, _places: &Variable) -> Result<Option<(Variable, Variable)>> {
        Ok(None)
    }

    /// Writes everything that training changes, for a checkpoint.
    fn save(&mut self, state: &mut State) -> Result<()>;

    /// Takes back what [`System::save`] wrote.
    ///
    /// # Errors
    /// If something is missing or has another shape.
    fn restore(&mut self, state: &State) -> Result<()>;

    /// Whether it makes samples; one that does not has no latents and its runs no pictures.
    fn generates(&self) -> bool {
        true
    }

    /// Whether it is judged while training on samples that [`Feed::hold_out`] keeps from it.
    fn needs_held_out(&self) -> bool {
        false
    }

    /// Refuses data that it cannot learn from.
    fn check_data(&self, _data: &Dataset) -> Result<()> {
        Ok(())
    }

    /// The lines that theory draws into the history.
    fn theory(&self) -> Vec<TheoryLine> {
        Vec::new()
    }

    /// As [`System::generate`], in portions that bound the memory.
    fn generate_all(&self, latents: &Variable) -> Result<Variable> {
        const PORTION: usize = 256;
        let count = latents.shape().first().copied().unwrap_or(0);
        if count <= PORTION {
            return self.generate(latents);
        }
        let portions: Vec<Variable> = (0..count)
            .step_by(PORTION)
            .map(|start| self.generate(&latents.narrow(0, start, PORTION.min(count - start))?))
            .collect::<Result<_>>()?;
        Ok(Variable::concatenate(&portions.iter().collect::<Vec<_>>(), 0)?)
    }

    /// `count` samples for `seed`, `[count, sample...]`.
    fn sample(&self, count: usize, seed: u64) -> Result<Variable> {
        if count == 0 {
            return Err(Error::Request("asked for 0 samples; ask for at least 1".into()));
        }
        self.generate_all(&self.latents(count, &mut Stream::new(seed, "sample", 0))?)
    }
}
