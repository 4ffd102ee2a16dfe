//! `aae-labels`: every class has its own component of the prior, which the discriminator is given beside the code.

use brigand_autograd::Variable;
use brigand_core::batch::{Batch, LABELS, Need, SampleKind};
use brigand_core::capability::{Classifier, Encoder, Sampler};
use brigand_core::latent::{Distribution, LatentPart, LatentSpace, NOISE};
use brigand_core::measurements::GENERATOR_LOSS;
use brigand_core::networks::Discriminator;
use brigand_core::planar::Planar;
use brigand_core::players::{AdversarialRecipe, Conditioned, Critic, DISCRIMINATOR, Draw, Turn};
use brigand_core::recipe::SystemRecipe;
use brigand_core::system::{Parts, System};
use brigand_core::{Error, Result, Setup};
use serde::{Deserialize, Serialize};

use super::super::held_out::{self, HeldOutRecipe, check_labelled};
use super::autoencoder::{Autoencoder, adversarial_loss};
use super::prior::PriorRecipe;
use super::recipe::{LabelsRecipe, OptimizersRecipe, PhasesRecipe, Tables};

/// Everything that makes an adversarial auto-encoder with a component of the prior for each class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AaeLabelsRecipe {
    /// What all forms have.
    #[serde(flatten)]
    tables: Tables,
    /// What encoder and discriminators are trained by.
    #[serde(flatten)]
    adversarial: AdversarialRecipe,
    /// The distribution that codes should follow.
    prior: PriorRecipe,
    /// The labels that training uses.
    labels: LabelsRecipe,
    /// Which phases a step has.
    phases: PhasesRecipe,
    /// How weights step.
    optimizer: OptimizersRecipe,
    /// When the classes of held-out samples are measured.
    held_out: HeldOutRecipe,
}

impl SystemRecipe for AaeLabelsRecipe {
    const NEEDS: &'static [Need] = &[Need::Samples, Need::Indices(LABELS)];

    fn defaults(kind: SampleKind) -> Result<Self> {
        Ok(Self {
            tables: Tables::ordinary(kind, 2),
            adversarial: AdversarialRecipe::default(),
            prior: PriorRecipe::GaussianWheel { components: 0 },
            labels: LabelsRecipe { count: 1000 },
            phases: PhasesRecipe::ALL,
            // Whole classes have to change places, against what is easiest to reconstruct.
            optimizer: OptimizersRecipe::adam(1e-4, 1e-3, 2e-3),
            held_out: HeldOutRecipe { every: 200 },
        })
    }

    fn check(&self) -> Result<()> {
        self.tables.check()?;
        self.adversarial.check()?;
        self.optimizer.check()?;
        self.labels.check()?;
        self.prior.check(self.tables.latent.size)
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        self.tables.schedule.spread_over_run()
    }

    fn files(&mut self) -> Vec<&mut String> {
        self.prior.files()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        let class_counts = setup.schema.class_counts();
        check_labelled(self.labels.count, class_counts)?;
        let classes = class_counts.len();
        let (tables, size) = (&self.tables, self.tables.latent.size);
        let distribution = self.prior.distribution(size, classes)?;
        let Distribution::Planar(planar) = distribution else {
            return Err(Error::Recipe(
                "the prior has no components for the classes; give prior.kind=gaussian-wheel or swiss-roll"
                    .into(),
            ));
        };
        if planar.components() != classes {
            return Err(Error::Recipe(format!(
                "prior.components is {}, the data has {classes} classes; give that or 0",
                planar.components()
            )));
        }
        let space = LatentSpace::new(vec![LatentPart { name: NOISE, distribution }]);
        let (shared, codes) = ((tables, self.phases, self.optimizer), (size, classes + 1));
        Ok(Box::new(AaeLabels {
            autoencoder: Autoencoder::new(shared, (space, size), setup)?,
            discriminator: tables.critic(
                (DISCRIMINATOR, self.optimizer.discriminator),
                &self.adversarial,
                codes,
                setup,
            )?,
            planar,
            labels: self.labels,
            held_out: self.held_out,
        }))
    }
}

/// The encoder gives a code in the plane, and the code is the latent.
struct AaeLabels {
    autoencoder: Autoencoder,
    discriminator: Critic<Discriminator>,
    planar: Planar,
    labels: LabelsRecipe,
    held_out: HeldOutRecipe,
}

impl AaeLabels {
    /// The loss of the encoder against a discriminator that compares codes of labelled samples with draws of their own
    /// component, and those of `samples`, whose labels are not used, with draws of the whole prior.
    fn regularization_loss(
        &mut self,
        turn: &mut Turn<'_>,
        draw: Draw,
        samples: &Variable,
    ) -> Result<Variable> {
        let feed = turn.feed();
        let (size, components) = (feed.batch_size(), self.planar.components());
        let labelled = feed.labelled(draw.number, size, self.labels.count)?;
        let labels = labelled.required_labels()?;
        let samples = Variable::concatenate(&[labelled.samples()?, samples], 0)?;
        let codes = self.autoencoder.outputs(draw, &samples)?;
        let unlabelled = codes.shape()[0] - labels.len();
        let (place, stream) = (self.autoencoder.codec.place(), &mut draw.stream("prior"));
        let mut of: Vec<usize> = labels.iter().map(|&label| label as usize).collect();
        of.extend(self.planar.choose(unlabelled, stream));
        let prior = place.numbers(self.planar.draw(&of, stream), codes.shape())?;
        // One more class stands for those that have no label.
        let classes: Vec<u32> =
            labels.iter().copied().chain(std::iter::repeat_n(components as u32, unlabelled)).collect();
        let classes = place.one_hot(&classes, components + 1)?;
        let sides = (Conditioned::under(prior, classes.clone()), Conditioned::under(codes, classes));
        adversarial_loss(&mut self.discriminator, (turn, draw), sides, GENERATOR_LOSS)
    }
}

impl System for AaeLabels {
    fn parts(&mut self) -> Parts<'_> {
        let mut parts = self.autoencoder.parts();
        parts.push((DISCRIMINATOR, &mut self.discriminator));
        parts
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let draw = turn.only_draw();
        let samples = turn.batch(draw)?.samples()?.clone();
        self.autoencoder.learn_to_reconstruct((turn, draw), &samples, |codes| Ok(codes.clone()))?;
        if self.autoencoder.phases.regularization {
            let loss = self.regularization_loss(turn, draw, &samples)?;
            self.autoencoder.regularize(turn, &loss)?;
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
        Some(&self.autoencoder.codec)
    }

    fn as_classifier(&self) -> Option<&dyn Classifier> {
        Some(self)
    }
}

impl Classifier for AaeLabels {
    /// All probability on the component that the code is of.
    fn classify(&self, batch: &Batch) -> Result<Variable> {
        let codec = &self.autoencoder.codec;
        let values = codec.encoder_outputs(batch.samples()?)?.to_vec()?;
        let (codes, _) = values.as_chunks::<2>();
        let classes: Vec<u32> = codes.iter().map(|&code| self.planar.component_of(code) as u32).collect();
        codec.place().one_hot(&classes, self.planar.components())
    }
}
