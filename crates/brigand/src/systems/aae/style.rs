//! `aae-style`: the decoder is given the class, so that what remains for the code, once it has the same distribution for
//! all classes, is the style.

use brigand_autograd::Variable;
use brigand_core::batch::{Batch, LABELS, Need, SampleKind};
use brigand_core::capability::{Encoder, Sampler};
use brigand_core::latent::{CLASS, Distribution, LatentPart, LatentSpace, NOISE};
use brigand_core::measurements::GENERATOR_LOSS;
use brigand_core::networks::Discriminator;
use brigand_core::players::{AdversarialRecipe, Conditioned, Critic, DISCRIMINATOR, Turn};
use brigand_core::recipe::SystemRecipe;
use brigand_core::system::{Parts, System};
use brigand_core::{Error, Result, Setup};
use serde::{Deserialize, Serialize};

use super::autoencoder::{Autoencoder, adversarial_loss};
use super::recipe::{OptimizersRecipe, PhasesRecipe, Tables};

/// A class, drawn in proportion to its share, beside a standard normal style of `size` coordinates.
pub(super) fn class_and_style(shares: Vec<f64>, size: usize) -> LatentSpace {
    LatentSpace::new(vec![
        LatentPart { name: CLASS, distribution: Distribution::Category { shares } },
        LatentPart { name: NOISE, distribution: Distribution::Normal { size, deviation: 1.0 } },
    ])
}

/// Which networks are given the class besides the decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConditionRecipe {
    /// Whether the discriminator has it beside the code. Codes then have to follow the prior in each class; without, as in
    /// the paper, only in all classes together, which leaves room for the class in them.
    discriminator: bool,
}

/// Everything that makes an adversarial auto-encoder of styles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AaeStyleRecipe {
    /// What all forms have.
    #[serde(flatten)]
    tables: Tables,
    /// What encoder and discriminators are trained by.
    #[serde(flatten)]
    adversarial: AdversarialRecipe,
    /// Which networks are given the class besides the decoder.
    condition: ConditionRecipe,
    /// Which phases a step has.
    phases: PhasesRecipe,
    /// How weights step.
    optimizer: OptimizersRecipe,
}

impl SystemRecipe for AaeStyleRecipe {
    const NEEDS: &'static [Need] = &[Need::Samples, Need::Indices(LABELS)];

    fn defaults(kind: SampleKind) -> Result<Self> {
        let size = match kind {
            SampleKind::Image => 8,
            SampleKind::Points => 2,
        };
        Ok(Self {
            tables: Tables::ordinary(kind, size),
            adversarial: AdversarialRecipe::default(),
            condition: ConditionRecipe { discriminator: true },
            phases: PhasesRecipe::ALL,
            // Ten priors to match instead of one need larger steps.
            optimizer: OptimizersRecipe::adam(1e-3, 2e-3, 1e-3),
        })
    }

    fn check(&self) -> Result<()> {
        self.tables.check()?;
        self.adversarial.check()?;
        self.optimizer.check()
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        self.tables.schedule.spread_over_run()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        let (tables, size, class_counts) =
            (&self.tables, self.tables.latent.size, setup.schema.class_counts());
        let space = class_and_style(class_counts.to_vec(), size);
        let condition = if self.condition.discriminator { class_counts.len() } else { 0 };
        let (shared, codes) = ((tables, self.phases, self.optimizer), (size, condition));
        Ok(Box::new(AaeStyle {
            autoencoder: Autoencoder::new(shared, (space, size), setup)?,
            discriminator: tables.critic(
                (DISCRIMINATOR, self.optimizer.discriminator),
                &self.adversarial,
                codes,
                setup,
            )?,
            condition: self.condition,
            classes: class_counts.len(),
            size,
        }))
    }
}

/// The encoder gives the style; the latent is the class, then the style.
struct AaeStyle {
    autoencoder: Autoencoder,
    discriminator: Critic<Discriminator>,
    condition: ConditionRecipe,
    classes: usize,
    size: usize,
}

impl System for AaeStyle {
    fn parts(&mut self) -> Parts<'_> {
        let mut parts = self.autoencoder.parts();
        parts.push((DISCRIMINATOR, &mut self.discriminator));
        parts
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let (draw, autoencoder) = (turn.only_draw(), &mut self.autoencoder);
        let batch = turn.batch(draw)?;
        let samples = batch.samples()?;
        let classes = autoencoder.codec.place().one_hot(batch.required_labels()?, self.classes)?;
        autoencoder.learn_to_reconstruct((turn, draw), samples, |styles| {
            Ok(Variable::concatenate(&[&classes, styles], 1)?)
        })?;
        if !autoencoder.phases.regularization {
            return Ok(());
        }
        let styles = autoencoder.outputs(draw, samples)?;
        let (place, size) = (autoencoder.codec.place(), self.size);
        let prior =
            draw.rows("prior", styles.shape()[0], |count, stream| place.normal(&[count, size], stream))?;
        let sides = if self.condition.discriminator {
            (Conditioned::under(prior, classes.clone()), Conditioned::under(styles, classes))
        } else {
            (Conditioned::alone(prior), Conditioned::alone(styles))
        };
        let loss = adversarial_loss(&mut self.discriminator, (turn, draw), sides, GENERATOR_LOSS)?;
        autoencoder.regularize(turn, &loss)
    }

    fn as_sampler(&self) -> Option<&dyn Sampler> {
        Some(&self.autoencoder.codec)
    }

    fn as_encoder(&self) -> Option<&dyn Encoder> {
        Some(self)
    }
}

impl Encoder for AaeStyle {
    fn encode(&self, batch: &Batch) -> Result<Variable> {
        let labels = batch.labels().ok_or_else(|| {
            Error::Request(
                "the codes of this system leave the class out, so the samples' labels are needed; use labelled data"
                    .into(),
            )
        })?;
        let codec = &self.autoencoder.codec;
        let styles = codec.encoder_outputs(batch.samples()?)?;
        Ok(Variable::concatenate(&[&codec.place().one_hot(labels, self.classes)?, &styles], 1)?)
    }
}
