//! `catgan`: a discriminator that assigns real samples to clusters with certainty and generated ones to none
//! (Springenberg 2015, arXiv:1511.06390). With a few labels, its clusters become the classes.

use brigand_autograd::{Variable, grad, without_recording};
use brigand_core::batch::{Batch, Need, SampleKind, no_labels};
use brigand_core::capability::{Classifier, Sampler, ScoreField};
use brigand_core::latent::{LatentRecipe, Prior};
use brigand_core::limits::at_least_zero;
use brigand_core::measurements::{DISCRIMINATOR_LOSS, GENERATOR_LOSS, HELD_OUT_ACCURACY};
use brigand_core::modules::Mode;
use brigand_core::networks::{Encoder, HiddenNormalization, MlpRecipe, NetworkRecipe};
use brigand_core::objectives::{cross_entropy, entropies, entropy_of_mean, largest, mean_entropy};
use brigand_core::players::{Draw, OptimizerRecipe, Player, Schedule, Turn};
use brigand_core::random::Stream;
use brigand_core::recipe::{Family, Length, Make, Row, SystemRecipe};
use brigand_core::system::{Parts, System, TheoryLine};
use brigand_core::techniques::InstanceNoise;
use brigand_core::{Error, Result, Setup, parts};
use serde::{Deserialize, Serialize};

use super::held_out::{HeldOutRecipe, check_labelled, for_each_portion};
use super::latent_generator::LatentGenerator;
use crate::evaluation::purity;

/// Name of the entropy of the mean distribution over clusters of the real batch, in nats: `ln K` when all are used alike.
pub const ENTROPY_OF_MEAN: &str = "entropy_of_mean";
/// Name of the mean entropy of the real samples' distributions, in nats: 0 when all are certain.
pub const ENTROPY_ON_REAL: &str = "entropy_real";
/// Name of the mean entropy of the generated samples' distributions, in nats: `ln K` when all clusters are equally likely.
pub const ENTROPY_ON_FAKE: &str = "entropy_fake";
/// Name of the mutual information of held-out samples and clusters, in nats: the entropy of their mean distribution minus
/// their mean entropy. It needs no labels, so seeds and settings can be chosen by it.
pub const HELD_OUT_INFORMATION: &str = "held_out_information";
/// Name of the share of held-out samples that are of the most frequent class of their cluster.
pub const HELD_OUT_PURITY: &str = "held_out_purity";
/// Name of the cross-entropy of the labelled samples, in nats.
const LABEL_LOSS: &str = "label_loss";

/// The few labels that training uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelsRecipe {
    /// Samples whose class is used; 0 learns without labels.
    pub count: usize,
    /// The weight of their cross-entropy in the discriminator's loss.
    pub weight: f64,
}

/// The weights of the three entropies in the discriminator's loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntropiesRecipe {
    /// Of the mean distribution, which should be even.
    pub mean: f64,
    /// Of each real sample's distribution, which should be certain.
    pub real: f64,
    /// Of each generated sample's distribution, which should be even.
    pub fake: f64,
}

/// How the two networks step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatGanOptimizers {
    /// The generator's.
    pub generator: OptimizerRecipe,
    /// The discriminator's.
    pub discriminator: OptimizerRecipe,
}

/// Everything that makes a categorical GAN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatGanRecipe {
    /// Clusters; with labels, the classes.
    pub clusters: usize,
    /// The few labels that training uses.
    pub labels: LabelsRecipe,
    /// What the discriminator minimises.
    pub entropies: EntropiesRecipe,
    /// The noise the generator starts from.
    pub latent: LatentRecipe,
    /// The generator's network.
    pub generator: NetworkRecipe,
    /// The discriminator's network.
    pub discriminator: NetworkRecipe,
    /// Noise on all inputs of the discriminator in training.
    pub instance_noise: InstanceNoise,
    /// How they step.
    pub optimizer: CatGanOptimizers,
    /// How the step sizes change over the run.
    pub schedule: Schedule,
    /// When the clusters are measured on held-out samples.
    pub held_out: HeldOutRecipe,
}

/// Its row of the registry.
pub(super) const ROW: Row = Row {
    name: "catgan",
    family: Family::Codes,
    summary: "categorical GAN: the discriminator assigns clusters without labels, or classes with a few labels",
    paper: "Springenberg 2015, arXiv:1511.06390",
    data: "digits",
    length: |kind| match kind {
        SampleKind::Image => Length { steps: 5000, batch: 100 },
        SampleKind::Points => Length { steps: 3000, batch: 128 },
    },
    make: Make::of::<CatGanRecipe>(),
};

impl SystemRecipe for CatGanRecipe {
    const NEEDS: &'static [Need] = &[Need::Samples];

    /// The paper's networks for MNIST made smaller; the values for points are ours.
    fn defaults(kind: SampleKind) -> Result<Self> {
        let mlp = |widths: &[usize], noise: f64| {
            let normalization = HiddenNormalization::BeforeActivation;
            NetworkRecipe::Mlp(MlpRecipe {
                widths: widths.to_vec(),
                normalization,
                noise,
                ..MlpRecipe::default()
            })
        };
        let labels = LabelsRecipe { count: 0, weight: 1.0 };
        let entropies = EntropiesRecipe { mean: 1.0, real: 1.0, fake: 1.0 };
        let (held_out, prior) = (HeldOutRecipe { every: 200 }, Prior::Normal);
        let both = |rate| {
            let adam = OptimizerRecipe::adam(rate, 0.5, 0.999);
            CatGanOptimizers { generator: adam, discriminator: adam }
        };
        Ok(match kind {
            SampleKind::Image => Self {
                clusters: 20,
                labels,
                entropies,
                latent: LatentRecipe { size: 64, prior },
                generator: mlp(&[256, 256], 0.0),
                discriminator: mlp(&[256, 128], 0.5),
                instance_noise: InstanceNoise { deviation: 0.3, until: 0 },
                optimizer: both(3e-4),
                schedule: Schedule::Constant {},
                held_out,
            },
            SampleKind::Points => Self {
                clusters: 2,
                labels,
                entropies,
                latent: LatentRecipe { size: 16, prior },
                generator: mlp(&[100, 100], 0.0),
                discriminator: mlp(&[100, 100, 100], 0.0),
                instance_noise: InstanceNoise { deviation: 0.05, until: 0 },
                optimizer: both(1e-3),
                schedule: Schedule::Linear { after: 0.5 },
                held_out,
            },
        })
    }

    fn check(&self) -> Result<()> {
        if self.clusters < 2 || self.clusters > 65_536 {
            return Err(Error::Recipe(format!(
                "clusters is {}, and fewer than two separate nothing; give 2 to 65536",
                self.clusters
            )));
        }
        let EntropiesRecipe { mean, real, fake } = self.entropies;
        let weights = [
            ("entropies.mean", mean),
            ("entropies.real", real),
            ("entropies.fake", fake),
            ("labels.weight", self.labels.weight),
            ("instance_noise.deviation", self.instance_noise.deviation),
        ];
        at_least_zero(&weights)?;
        if mean + real + fake == 0.0 && (self.labels.count == 0 || self.labels.weight == 0.0) {
            return Err(Error::Recipe(
                "the discriminator has nothing to learn from; give one of entropies.mean, entropies.real, \
                 entropies.fake a weight, or set labels.count and labels.weight"
                    .into(),
            ));
        }
        self.latent.check()?;
        self.schedule.check()?;
        self.optimizer.generator.check("generator")?;
        self.optimizer.discriminator.check("discriminator")
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        self.schedule.spread_over_run()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        self.check_data(setup)?;
        let sample = setup.schema.sample_shape()?;
        let discriminator = self.discriminator.encoder("discriminator", setup, sample, self.clusters)?;
        let discriminator = Player::new(discriminator, self.optimizer.discriminator)?;
        let steps = (self.optimizer.generator, self.schedule);
        Ok(Box::new(CatGan {
            generator: LatentGenerator::new("generator", &self.generator, self.latent, steps, setup)?,
            discriminator: discriminator.scheduled(self.schedule),
            recipe: self.clone(),
        }))
    }
}

impl CatGanRecipe {
    /// Refuses a batch without a mean, and labels that the data does not have.
    fn check_data(&self, setup: &Setup) -> Result<()> {
        if setup.batch < 2 {
            return Err(Error::Recipe(
                "training.batch is 1, and the mean distribution over clusters needs several samples; give 2 or more, \
                 better 100"
                    .into(),
            ));
        }
        let (labelled, class_counts) = (self.labels.count, setup.schema.class_counts());
        match (labelled, class_counts.len()) {
            (0, _) => Ok(()),
            (_, 0) => Err(no_labels()),
            (_, classes) if classes == self.clusters => check_labelled(labelled, class_counts),
            (_, classes) => Err(Error::Recipe(format!(
                "labels.count is {labelled}, so clusters are classes: the data has {classes} of them and clusters is \
                 {}; give --set clusters={classes}",
                self.clusters
            ))),
        }
    }
}

/// A generator and a discriminator of clusters in training.
struct CatGan {
    recipe: CatGanRecipe,
    generator: LatentGenerator,
    discriminator: Player<Encoder>,
}

impl CatGan {
    /// Logits `[batch, clusters]` in training; noise and dropout draw from `stream`.
    fn training_logits(
        &mut self,
        samples: &Variable,
        mode: Mode,
        (draw, stream): (Draw, &mut Stream),
    ) -> Result<Variable> {
        let noisy = self.recipe.instance_noise.add(samples, draw.step, stream)?;
        self.discriminator.run(mode, stream, |discriminator, pass| discriminator.forward(pass, &noisy))
    }

    /// Logits `[n, clusters]` outside training.
    fn logits(&self, samples: &Variable) -> Result<Variable> {
        self.discriminator.sample(samples, |discriminator, pass| discriminator.forward(pass, samples))
    }

    /// One step down `mean H(p(x)) - H(mean p(x)) - mean H(p(G(z)))`, each weighted, plus the cross-entropy of the
    /// labelled samples.
    fn update_discriminator(&mut self, turn: &mut Turn<'_>, draw: Draw) -> Result<()> {
        let real = turn.batch(draw)?.samples()?.clone();
        let (count, mode) = (real.shape()[0], Mode::BatchStatistics);
        let latents = self.generator.draw(draw, "latents/discriminator", count)?;
        let fake = without_recording(|| self.generator.generate_batch(&latents, mode))?;
        let mut noise = draw.stream("noise/discriminator");
        // The running statistics are those of real samples, which it classifies later.
        let real = self.training_logits(&real, Mode::Training, (draw, &mut noise))?;
        let fake = self.training_logits(&fake, mode, (draw, &mut noise))?;
        let weights = self.recipe.entropies;
        let terms = [
            (ENTROPY_OF_MEAN, entropy_of_mean(&real)?, -weights.mean),
            (ENTROPY_ON_REAL, mean_entropy(&real)?, weights.real),
            (ENTROPY_ON_FAKE, mean_entropy(&fake)?, -weights.fake),
        ];
        let mut loss = real.full_like(0.0)?.mean_all()?;
        for (name, entropy, weight) in &terms {
            turn.note(name, entropy);
            loss = loss.add(&entropy.scale(*weight)?)?;
        }
        let LabelsRecipe { count, weight } = self.recipe.labels;
        if count > 0 {
            let feed = turn.feed();
            let labelled = feed.labelled(draw.number, feed.batch_size(), count)?;
            let logits = self.training_logits(labelled.samples()?, mode, (draw, &mut noise))?;
            let targets =
                self.generator.place().one_hot(labelled.required_labels()?, self.recipe.clusters)?;
            let label_loss = cross_entropy(&logits, &targets)?;
            turn.note(LABEL_LOSS, &label_loss);
            loss = loss.add(&label_loss.scale(weight)?)?;
        }
        turn.note(DISCRIMINATOR_LOSS, &loss);
        turn.descend(&mut [&mut self.discriminator], &loss)
    }

    /// One step down `mean H(p(G(z))) - H(mean p(G(z)))`.
    fn update_generator(&mut self, turn: &mut Turn<'_>, draw: Draw) -> Result<()> {
        let count = turn.feed().batch_size();
        let latents = self.generator.draw(draw, "latents/generator", count)?;
        let fake = self.generator.generate_batch(&latents, Mode::Training)?;
        let mut noise = draw.stream("noise/generator");
        let logits = self.training_logits(&fake, Mode::BatchStatistics, (draw, &mut noise))?;
        let loss = mean_entropy(&logits)?.sub(&entropy_of_mean(&logits)?)?;
        turn.note(GENERATOR_LOSS, &loss);
        turn.descend(&mut [&mut self.generator.player], &loss)
    }

    /// Notes the information in the clusters of the held-out samples, and how well they match the classes where there are
    /// any.
    fn note_held_out(&self, turn: &mut Turn<'_>) -> Result<()> {
        let (mut clusters, mut classes): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
        let mut logits = Vec::new();
        for_each_portion(turn.feed(), |batch| {
            let portion = self.logits(batch.samples()?)?;
            let rows = portion.to_vec_f32()?;
            clusters.extend(rows.chunks_exact(self.recipe.clusters).map(|row| largest(row) as u32));
            classes.extend(batch.labels().unwrap_or_default());
            logits.push(portion);
            Ok(())
        })?;
        let logits = Variable::concatenate(&logits.iter().collect::<Vec<_>>(), 0)?;
        let information = entropy_of_mean(&logits)?.scalar()? - mean_entropy(&logits)?.scalar()?;
        turn.report.note_number(HELD_OUT_INFORMATION, information);
        if !classes.is_empty() {
            turn.report.note_number(HELD_OUT_PURITY, purity(&clusters, &classes)?);
        }
        if self.recipe.labels.count > 0 {
            let equal = clusters.iter().zip(&classes).filter(|(cluster, class)| cluster == class).count();
            turn.report.note_number(HELD_OUT_ACCURACY, equal as f64 / classes.len().max(1) as f64);
        }
        Ok(())
    }
}

impl System for CatGan {
    fn parts(&mut self) -> Parts<'_> {
        parts!(self, generator, discriminator)
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let draw = turn.only_draw();
        self.update_discriminator(turn, draw)?;
        self.update_generator(turn, draw)?;
        if self.recipe.held_out.is_due(turn) { self.note_held_out(turn) } else { Ok(()) }
    }

    fn needs_held_out(&self) -> bool {
        self.recipe.held_out.every > 0
    }

    fn theory(&self) -> Vec<TheoryLine> {
        let value = (self.recipe.clusters as f64).ln();
        let line = |metric, label| TheoryLine { metric, label, value };
        vec![
            line(ENTROPY_OF_MEAN, "all clusters alike"),
            line(ENTROPY_ON_FAKE, "all equally likely"),
            line(HELD_OUT_INFORMATION, "certain and even"),
        ]
    }

    fn as_sampler(&self) -> Option<&dyn Sampler> {
        Some(&self.generator)
    }

    fn as_classifier(&self) -> Option<&dyn Classifier> {
        Some(self)
    }

    fn as_score_field(&self) -> Option<&dyn ScoreField> {
        Some(self)
    }
}

impl Classifier for CatGan {
    fn classify(&self, batch: &Batch) -> Result<Variable> {
        Ok(self.logits(batch.samples()?)?.softmax(1)?)
    }
}

impl ScoreField for CatGan {
    /// Certain samples count as real: the score is minus the entropy.
    fn field(&self, places: &Variable) -> Result<(Variable, Variable)> {
        let places = Variable::leaf(places.tensor().clone());
        let scores = entropies(&self.logits(&places)?)?.neg()?;
        let slopes = grad(&scores.sum_all()?, &[&places], false)?;
        let missing = || Error::Internal("a discriminator gave no slopes by its samples".into());
        Ok((scores.detach(), slopes.into_iter().next().ok_or_else(missing)?))
    }

    /// No entropy parts real samples from generated ones.
    fn threshold(&self) -> Option<f64> {
        None
    }
}
