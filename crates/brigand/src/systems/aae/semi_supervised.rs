//! `aae-semi`: the encoder gives a class and a style; the class is made to look like one of several categories, and few
//! labelled samples decide which category is which.

use brigand_autograd::Variable;
use brigand_core::batch::{Batch, LABELS, Need, SampleKind};
use brigand_core::capability::{Classifier, Encoder, Sampler};
use brigand_core::measurements::GENERATOR_LOSS;
use brigand_core::networks::Discriminator;
use brigand_core::objectives::cross_entropy;
use brigand_core::players::{
    AdversarialRecipe, Conditioned, Critic, DISCRIMINATOR, Draw, Optimizer, OptimizerRecipe, Turn,
};
use brigand_core::recipe::SystemRecipe;
use brigand_core::system::{Parts, System};
use brigand_core::{Result, Setup};
use serde::{Deserialize, Serialize};

use super::super::held_out::{self, HeldOutRecipe, check_labelled};
use super::autoencoder::{Autoencoder, adversarial_loss};
use super::recipe::{LabelsRecipe, OptimizersRecipe, PhasesRecipe, Tables};
use super::style::class_and_style;

/// Name of the discriminator of classes.
const CLASS_DISCRIMINATOR: &str = "class_discriminator";
/// Name of the encoder's loss against it.
const CLASS_GENERATOR_LOSS: &str = "class_generator_loss";
/// Name of the cross-entropy of the labelled samples, in nats.
const LABEL_LOSS: &str = "label_loss";

/// The phases of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SupervisedPhases {
    /// Whether encoder and decoder learn to reconstruct.
    reconstruction: bool,
    /// Whether codes are made to follow the prior.
    regularization: bool,
    /// Whether the encoder learns from labelled samples.
    supervision: bool,
}

/// An optimizer for each phase, and the discriminators'.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SupervisedOptimizers {
    /// Encoder and decoder, reconstructing.
    reconstruction: OptimizerRecipe,
    /// The discriminators.
    discriminator: OptimizerRecipe,
    /// The encoder, against the discriminators.
    regularization: OptimizerRecipe,
    /// The encoder, learning classes.
    supervision: OptimizerRecipe,
}

/// Everything that makes a semi-supervised adversarial auto-encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AaeSemiRecipe {
    /// What all forms have.
    #[serde(flatten)]
    tables: Tables,
    /// What encoder and discriminators are trained by.
    #[serde(flatten)]
    adversarial: AdversarialRecipe,
    /// The labels that training uses.
    labels: LabelsRecipe,
    /// Which phases a step has.
    phases: SupervisedPhases,
    /// How weights step.
    optimizer: SupervisedOptimizers,
    /// When the classes of held-out samples are measured.
    held_out: HeldOutRecipe,
}

impl AaeSemiRecipe {
    fn optimizers(&self) -> OptimizersRecipe {
        let SupervisedOptimizers { reconstruction, discriminator, regularization, .. } = self.optimizer;
        OptimizersRecipe { reconstruction, discriminator, regularization }
    }
}

impl SystemRecipe for AaeSemiRecipe {
    const NEEDS: &'static [Need] = &[Need::Samples, Need::Indices(LABELS)];

    fn defaults(kind: SampleKind) -> Result<Self> {
        let size = match kind {
            SampleKind::Image => 10,
            SampleKind::Points => 2,
        };
        let OptimizersRecipe { reconstruction, discriminator, regularization } =
            OptimizersRecipe::adam(1e-3, 5e-4, 5e-4);
        let supervision = OptimizerRecipe::adam(1e-3, 0.9, 0.999);
        Ok(Self {
            tables: Tables::ordinary(kind, size),
            adversarial: AdversarialRecipe::default(),
            labels: LabelsRecipe { count: 100 },
            phases: SupervisedPhases { reconstruction: true, regularization: true, supervision: true },
            optimizer: SupervisedOptimizers { reconstruction, discriminator, regularization, supervision },
            held_out: HeldOutRecipe { every: 200 },
        })
    }

    fn check(&self) -> Result<()> {
        self.tables.check()?;
        self.adversarial.check()?;
        self.optimizers().check()?;
        self.optimizer.supervision.check("supervision")?;
        self.labels.check()
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        self.tables.schedule.spread_over_run()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        let class_counts = setup.schema.class_counts();
        check_labelled(self.labels.count, class_counts)?;
        let (tables, size, classes) = (&self.tables, self.tables.latent.size, class_counts.len());
        let SupervisedPhases { reconstruction, regularization, supervision } = self.phases;
        let phases = PhasesRecipe { reconstruction, regularization };
        let shared = (tables, phases, self.optimizers());
        // The class of most samples is unknown, so all count as equally likely.
        let space = class_and_style(vec![1.0; classes], size);
        let autoencoder = Autoencoder::new(shared, (space, classes + size), setup)?;
        let critic = |name, size| {
            tables.critic((name, self.optimizer.discriminator), &self.adversarial, (size, 0), setup)
        };
        Ok(Box::new(AaeSemi {
            supervision: Optimizer::new(self.optimizer.supervision, autoencoder.codec.encoder.weights())?,
            autoencoder,
            discriminator: critic(DISCRIMINATOR, size)?,
            class_discriminator: critic(CLASS_DISCRIMINATOR, classes)?,
            classes,
            supervised: supervision,
            labels: self.labels,
            held_out: self.held_out,
        }))
    }
}

/// The encoder gives the classes' logits, then the style; the latent is the classes' probabilities, then the style.
struct AaeSemi {
    autoencoder: Autoencoder,
    discriminator: Critic<Discriminator>,
    class_discriminator: Critic<Discriminator>,
    supervision: Optimizer,
    classes: usize,
    supervised: bool,
    labels: LabelsRecipe,
    held_out: HeldOutRecipe,
}

/// The classes' part of the encoder's outputs, or of latents, and the rest.
fn parted(of: &Variable, classes: usize) -> Result<(Variable, Variable)> {
    let style = of.elements() / of.shape()[0].max(1) - classes;
    Ok((of.narrow(1, 0, classes)?, of.narrow(1, classes, style)?))
}

/// The latents of the encoder's outputs.
fn latents(outputs: &Variable, classes: usize) -> Result<Variable> {
    let (logits, style) = parted(outputs, classes)?;
    Ok(Variable::concatenate(&[&logits.softmax(1)?, &style], 1)?)
}

impl AaeSemi {
    /// The sum of the encoder's losses against both discriminators.
    fn regularization_loss(
        &mut self,
        turn: &mut Turn<'_>,
        draw: Draw,
        samples: &Variable,
    ) -> Result<Variable> {
        let latents = latents(&self.autoencoder.outputs(draw, samples)?, self.classes)?;
        let prior = self.autoencoder.codec.draw(draw, "prior", latents.shape()[0])?;
        let (classes, styles) = parted(&latents, self.classes)?;
        let (categories, normal) = parted(&prior, self.classes)?;
        let sides = (Conditioned::alone(normal), Conditioned::alone(styles));
        let by_style = adversarial_loss(&mut self.discriminator, (turn, draw), sides, GENERATOR_LOSS)?;
        let sides = (Conditioned::alone(categories), Conditioned::alone(classes));
        let critic = &mut self.class_discriminator;
        let by_class = adversarial_loss(critic, (turn, draw), sides, CLASS_GENERATOR_LOSS)?;
        Ok(by_style.add(&by_class)?)
    }

    /// The encoder steps down the cross-entropy of labelled samples.
    fn learn_classes(&mut self, turn: &mut Turn<'_>, draw: Draw) -> Result<()> {
        let feed = turn.feed();
        let labelled = feed.labelled(draw.number, feed.batch_size(), self.labels.count)?;
        let codec = &mut self.autoencoder.codec;
        let outputs = codec.encode_batch(labelled.samples()?, &mut draw.stream("dropout/supervision"))?;
        let targets = codec.place().one_hot(labelled.required_labels()?, self.classes)?;
        let loss = cross_entropy(&parted(&outputs, self.classes)?.0, &targets)?;
        turn.note(LABEL_LOSS, &loss);
        turn.descend(&mut [&mut codec.encoder.by(&mut self.supervision)], &loss)
    }
}

impl System for AaeSemi {
    fn parts(&mut self) -> Parts<'_> {
        let mut parts = self.autoencoder.parts();
        parts.push(("optimizer.supervision", &mut self.supervision));
        parts.push((DISCRIMINATOR, &mut self.discriminator));
        parts.push((CLASS_DISCRIMINATOR, &mut self.class_discriminator));
        parts
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let (draw, classes) = (turn.only_draw(), self.classes);
        let samples = turn.batch(draw)?.samples()?.clone();
        self.autoencoder.learn_to_reconstruct((turn, draw), &samples, |outputs| latents(outputs, classes))?;
        if self.autoencoder.phases.regularization {
            let loss = self.regularization_loss(turn, draw, &samples)?;
            self.autoencoder.regularize(turn, &loss)?;
        }
        if self.supervised {
            self.learn_classes(turn, draw)?;
        }
        if self.held_out.is_due(turn) {
            held_out::note_accuracy(turn, |batch| self.classify(batch))?;
        }
        Ok(())
    }

    fn needs_held_out(&self) -> bool {
        true
    }

    fn as_sampler(&self) -> Option<&dyn Sampler> {
        Some(&self.autoencoder.codec)
    }

    fn as_encoder(&self) -> Option<&dyn Encoder> {
        Some(self)
    }

    fn as_classifier(&self) -> Option<&dyn Classifier> {
        Some(self)
    }
}

impl Encoder for AaeSemi {
    fn encode(&self, batch: &Batch) -> Result<Variable> {
        latents(&self.autoencoder.codec.encoder_outputs(batch.samples()?)?, self.classes)
    }
}

impl Classifier for AaeSemi {
    fn classify(&self, batch: &Batch) -> Result<Variable> {
        let outputs = self.autoencoder.codec.encoder_outputs(batch.samples()?)?;
        Ok(parted(&outputs, self.classes)?.0.softmax(1)?)
    }
}
