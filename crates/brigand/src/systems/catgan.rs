//! `catgan`: a discriminator that sorts real samples into clusters with certainty and is at a loss before generated
//! ones (Springenberg 2015, arXiv:1511.06390). Told a few labels, its clusters become the classes.

use brigand_autograd::{Variable, grad, without_recording};
use candle_core::Device;
use serde::{Deserialize, Serialize};

use super::classifier::HeldOutRecipe;
use super::duel::Players;
use super::duels::ordinary;
use super::feed::Feed;
use super::player::{Player, descend};
use super::recognition::{HELD_OUT_ACCURACY, labels, largest, look_at_held_out, no_labels};
use super::registry::{Entry, Family, Length, SystemRecipe, own};
use super::state::{Fragment, State};
use super::{Report, Setup, System, TheoryLine};
use crate::error::{Error, Result};
use crate::evaluation::purity;
use crate::layers::Mode;
use crate::networks::{
    GeneratorOptions, Head, HiddenNormalization, MlpRecipe, Network, NetworkRecipe, SampleKind, SampleShape,
    Setting,
};
use crate::objectives::{cross_entropy, entropies, entropy_of_mean, mean_entropy};
use crate::random::Stream;
use crate::systems::{LatentRecipe, LatentSpace, Prior};
use crate::systems::{OptimizerRecipe, Schedule};
use crate::techniques::InstanceNoise;
use crate::training::history::{DISCRIMINATOR_LOSS, GENERATOR_LOSS};

/// Name of the entropy of the mean distribution over clusters of the real batch, in nats: `ln K` when all are used alike.
pub const ENTROPY_OF_MEAN: &str = "entropy_of_mean";
/// Name of the mean entropy of the real samples' distributions, in nats: 0 when all are certain.
pub const ENTROPY_ON_REAL: &str = "entropy_real";
/// Name of the mean entropy of the generated samples' distributions, in nats: `ln K` when nothing is known of them.
pub const ENTROPY_ON_FAKE: &str = "entropy_fake";
/// Name of how much the clusters tell of the held-out samples, in nats: the entropy of their mean distribution minus
/// their mean entropy. It needs no labels, so seeds and settings can be chosen by it.
pub const HELD_OUT_INFORMATION: &str = "held_out_information";
/// Name of the share of held-out samples that are of the most frequent class of their cluster.
pub const HELD_OUT_PURITY: &str = "held_out_purity";

/// The few labels that are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelsRecipe {
    /// Samples whose class is told; 0 learns without labels.
    pub count: usize,
    /// The weight of their cross-entropy in the discriminator's loss.
    pub weight: f64,
}

/// The weights of the three entropies in the discriminator's loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntropiesRecipe {
    /// Of the mean distribution, which is to be even.
    pub mean: f64,
    /// Of each real sample's distribution, which is to be certain.
    pub real: f64,
    /// Of each generated sample's distribution, which is to be uncertain.
    pub fake: f64,
}

/// Everything that makes a categorical GAN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatGanRecipe {
    /// Clusters; with labels, the classes.
    pub clusters: usize,
    /// The few labels that are told.
    pub labels: LabelsRecipe,
    /// What the discriminator minimises.
    pub entropies: EntropiesRecipe,
    /// The noise the generator starts from.
    pub latent: LatentRecipe,
    /// The generator's network.
    pub generator: NetworkRecipe,
    /// The discriminator's network.
    pub discriminator: NetworkRecipe,
    /// Noise on everything the discriminator sees.
    pub instance_noise: InstanceNoise,
    /// How they step.
    pub optimizer: Players<OptimizerRecipe>,
    /// How the step sizes change over the run.
    pub schedule: Schedule,
    /// When the clusters are judged.
    pub held_out: HeldOutRecipe,
}

impl SystemRecipe for CatGanRecipe {
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
        let image = kind == SampleKind::Image;
        let (generator, discriminator) = if image {
            (mlp(&[256, 256], 0.0), mlp(&[256, 128], 0.5))
        } else {
            (mlp(&[100, 100], 0.0), mlp(&[100, 100, 100], 0.0))
        };
        let optimizer = OptimizerRecipe::adam(if image { 3e-4 } else { 1e-3 }, 0.5, 0.999);
        Ok(Self {
            clusters: if image { 20 } else { 2 },
            labels: LabelsRecipe { count: 0, weight: 1.0 },
            entropies: EntropiesRecipe { mean: 1.0, real: 1.0, fake: 1.0 },
            latent: LatentRecipe { size: if image { 64 } else { 16 }, prior: Prior::Normal },
            generator,
            discriminator,
            instance_noise: InstanceNoise { deviation: if image { 0.3 } else { 0.05 }, until: 0 },
            optimizer: Players { generator: optimizer, discriminator: optimizer },
            schedule: ordinary(kind).schedule,
            held_out: HeldOutRecipe { every: 200 },
        })
    }

    fn check(&self) -> Result<()> {
        if self.clusters < 2 || self.clusters > 65_536 {
            return Err(Error::Recipe(format!(
                "clusters is {}, and fewer than two tell nothing apart; give 2 to 65536",
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
        if let Some((key, value)) = weights.iter().find(|(_, value)| !(*value >= 0.0 && value.is_finite())) {
            return Err(Error::Recipe(format!("{key} is {value}; give 0 or more")));
        }
        if mean + real + fake == 0.0 && (self.labels.count == 0 || self.labels.weight == 0.0) {
            return Err(Error::Recipe(
                "the discriminator has nothing to learn from; give one of entropies.mean, entropies.real, \
                 entropies.fake a weight, or set labels.count and labels.weight"
                    .into(),
            ));
        }
        self.latent.check()?;
        self.optimizer.generator.check("generator")?;
        self.optimizer.discriminator.check("discriminator")
    }

    fn build(self, setup: &Setup<'_>) -> Result<Box<dyn System>> {
        Ok(Box::new(CatGan::new(self, setup)?))
    }
}

/// Its row of the registry.
pub(super) const ROW: Entry = Entry {
    name: "catgan",
    family: Family::Codes,
    summary: "a discriminator that sorts samples into clusters without labels, or into classes with a few",
    paper: "Springenberg 2015, arXiv:1511.06390",
    data: "digits",
    length: |kind| match kind {
        SampleKind::Image => Length { steps: 5000, batch: 100 },
        SampleKind::Points => Length { steps: 3000, batch: 128 },
    },
    make: own::<CatGanRecipe>(),
};

/// A generator and a discriminator that names clusters.
struct CatGan {
    recipe: CatGanRecipe,
    sample: SampleShape,
    steps: u64,
    space: LatentSpace,
    generator: Player,
    discriminator: Player,
    device: Device,
}

impl CatGan {
    fn new(recipe: CatGanRecipe, setup: &Setup<'_>) -> Result<Self> {
        recipe.check()?;
        check_setup(&recipe, setup)?;
        let Setup { sample, seed, device, .. } = *setup;
        let options = GeneratorOptions::default();
        let generator =
            recipe.generator.generator("generator", recipe.latent.size, sample, options, seed, device)?;
        let head = Head { outputs: Some(recipe.clusters), ..Head::default() };
        if matches!(recipe.discriminator, NetworkRecipe::Autoencoder(_)) {
            return Err(Error::Recipe(
                "an auto-encoder names no clusters; choose mlp, dcgan or resnet for discriminator.kind"
                    .into(),
            ));
        }
        let discriminator =
            recipe.discriminator.discriminator("discriminator", sample, head, seed, device)?;
        Ok(Self {
            sample,
            steps: setup.steps,
            space: LatentSpace::new(vec![recipe.latent.part()]),
            generator: Player::new(generator, recipe.optimizer.generator),
            discriminator: Player::new(discriminator, recipe.optimizer.discriminator),
            device: device.clone(),
            recipe,
        })
    }

    /// The generator's batch.
    fn make(&mut self, feed: &Feed, purpose: &str, step: u64, mode: Mode) -> Result<Variable> {
        let mut stream = Stream::new(feed.seed(), purpose, step);
        let latents = self.space.draw(feed.batch_size(), &mut stream, &self.device)?;
        self.generator.network.forward(&latents, mode)
    }

    /// Logits `[batch, clusters]` in training; noise draws from `stream`.
    fn logits(
        &mut self,
        samples: &Variable,
        mode: Mode,
        (step, stream): (u64, &mut Stream),
    ) -> Result<Variable> {
        let noisy = self.recipe.instance_noise.add(samples, step, stream)?;
        let setting = Setting { random: Some(stream), ..Setting::plain(mode) };
        Ok(self.discriminator.network.observe(setting, &noisy)?.output)
    }

    /// Logits `[n, clusters]` outside training.
    fn judge(&self, samples: &Variable) -> Result<Variable> {
        Ok(self.discriminator.network.judge(Setting::plain(Mode::Sampling), samples)?.output)
    }

    /// One step down `mean H(p(x)) - H(mean p(x)) - mean H(p(G(z)))`, each weighted, plus the cross-entropy of the
    /// labels that are told.
    fn update_discriminator(&mut self, feed: &mut Feed, step: u64, report: &mut Report) -> Result<()> {
        let real = feed.batch(step)?.samples;
        let fake = without_recording(|| self.make(feed, "latents/discriminator", step, Mode::Frozen))?;
        let mut noise = Stream::new(feed.seed(), "noise/discriminator", step);
        // The running statistics are those of real samples, which it is asked about later.
        let real = self.logits(&real, Mode::Training, (step, &mut noise))?;
        let fake = self.logits(&fake, Mode::Frozen, (step, &mut noise))?;
        let weights = self.recipe.entropies;
        let terms = [
            (ENTROPY_OF_MEAN, entropy_of_mean(&real)?, -weights.mean),
            (ENTROPY_ON_REAL, mean_entropy(&real)?, weights.real),
            (ENTROPY_ON_FAKE, mean_entropy(&fake)?, -weights.fake),
        ];
        let mut loss = real.full_like(0.0)?.mean_all()?;
        for (name, entropy, weight) in &terms {
            report.insert((*name).into(), entropy.scalar()?);
            loss = loss.add(&entropy.scale(*weight)?)?;
        }
        if self.recipe.labels.count > 0 {
            let told = feed.labelled(step, feed.batch_size(), self.recipe.labels.count)?;
            let logits = self.logits(&told.samples, Mode::Frozen, (step, &mut noise))?;
            let targets =
                Variable::one_hot(labels(&told)?, self.recipe.clusters, logits.dtype(), &self.device)?;
            let known = cross_entropy(&logits, &targets)?;
            report.insert("label_loss".into(), known.scalar()?);
            loss = loss.add(&known.scale(self.recipe.labels.weight)?)?;
        }
        report.insert(DISCRIMINATOR_LOSS.into(), loss.scalar()?);
        descend(&mut [&mut self.discriminator], &loss, self.recipe.schedule.at(step, self.steps))
    }

    /// One step down `mean H(p(G(z))) - H(mean p(G(z)))`.
    fn update_generator(&mut self, feed: &Feed, step: u64, report: &mut Report) -> Result<()> {
        let made = self.make(feed, "latents/generator", step, Mode::Training)?;
        let mut noise = Stream::new(feed.seed(), "noise/generator", step);
        let fake = self.logits(&made, Mode::Frozen, (step, &mut noise))?;
        let loss = mean_entropy(&fake)?.sub(&entropy_of_mean(&fake)?)?;
        report.insert(GENERATOR_LOSS.into(), loss.scalar()?);
        descend(&mut [&mut self.generator], &loss, self.recipe.schedule.at(step, self.steps))
    }

    /// What the clusters tell of the held-out samples, and how well they match the classes where there are any.
    fn judge_held_out(&self, feed: &Feed, report: &mut Report) -> Result<()> {
        let (mut clusters, mut classes): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
        let mut logits = Vec::new();
        look_at_held_out(feed, &self.device, |batch| {
            let answers = without_recording(|| self.judge(&batch.samples))?;
            let rows = answers.to_vec_f32()?;
            clusters.extend(rows.chunks_exact(self.recipe.clusters).map(|row| largest(row) as u32));
            classes.extend(batch.labels.iter().flatten());
            logits.push(answers);
            Ok(())
        })?;
        let logits = Variable::concatenate(&logits.iter().collect::<Vec<_>>(), 0)?;
        let information = entropy_of_mean(&logits)?.scalar()? - mean_entropy(&logits)?.scalar()?;
        report.insert(HELD_OUT_INFORMATION.into(), information);
        if !classes.is_empty() {
            report.insert(HELD_OUT_PURITY.into(), purity(&clusters, &classes)?);
        }
        if self.recipe.labels.count > 0 {
            let right = clusters.iter().zip(&classes).filter(|(cluster, class)| cluster == class).count();
            report.insert(HELD_OUT_ACCURACY.into(), right as f64 / classes.len().max(1) as f64);
        }
        Ok(())
    }

    /// Everything a checkpoint holds, by name.
    fn parts(&mut self) -> [(&'static str, &mut dyn Fragment); 2] {
        [("generator", &mut self.generator), ("discriminator", &mut self.discriminator)]
    }
}

/// Refuses a batch without a mean, and labels that the data does not have.
fn check_setup(recipe: &CatGanRecipe, setup: &Setup<'_>) -> Result<()> {
    if setup.batch < 2 {
        return Err(Error::Recipe(
            "training.batch is 1, and the mean distribution over clusters needs several samples; give 2 or more, \
             better 100"
                .into(),
        ));
    }
    let (told, classes) = (recipe.labels.count, setup.classes.len());
    if told == 0 {
        return Ok(());
    }
    if classes == 0 {
        return Err(no_labels());
    }
    if classes != recipe.clusters {
        return Err(Error::Recipe(format!(
            "labels.count is {told}, so clusters are classes: the data has {classes} of them and clusters is {}; give \
             --set clusters={classes}",
            recipe.clusters
        )));
    }
    let samples = setup.classes.iter().sum::<f64>();
    if told as f64 > samples {
        return Err(Error::Recipe(format!(
            "labels.count is {told} and there are {samples} samples; give fewer"
        )));
    }
    Ok(())
}

impl System for CatGan {
    fn networks(&self) -> Vec<&Network> {
        vec![&self.generator.network, &self.discriminator.network]
    }

    fn train_step(&mut self, feed: &mut Feed, step: u64) -> Result<Report> {
        let mut report = Report::new();
        self.update_discriminator(feed, step, &mut report)?;
        self.update_generator(feed, step, &mut report)?;
        let every = self.recipe.held_out.every;
        if every > 0 && (step + 1).is_multiple_of(every) && feed.held_out_count() > 0 {
            self.judge_held_out(feed, &mut report)?;
        }
        Ok(report)
    }

    fn sample_shape(&self) -> SampleShape {
        self.sample
    }

    fn device(&self) -> &Device {
        &self.device
    }

    fn latent_space(&self) -> Result<LatentSpace> {
        Ok(self.space.clone())
    }

    fn generate(&self, latents: &Variable) -> Result<Variable> {
        self.space.check(latents)?;
        self.generator.network.sample(latents)
    }

    fn classify(&self, samples: &Variable) -> Result<Option<Variable>> {
        without_recording(|| Ok(Some(self.judge(samples)?.softmax(1)?)))
    }

    /// It takes for real what it is certain of: the score is minus the entropy.
    fn opinion(&self, places: &Variable) -> Result<Option<(Variable, Variable)>> {
        let places = Variable::leaf(places.tensor().clone());
        let scores = entropies(&self.judge(&places)?)?.neg()?;
        let slopes = grad(&scores.sum_all()?, &[&places], false)?;
        Ok(slopes.into_iter().next().map(|slopes| (scores.detach(), slopes)))
    }

    fn save(&mut self, state: &mut State) -> Result<()> {
        self.parts().into_iter().try_for_each(|(name, part)| part.save(name, state))
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.parts().into_iter().try_for_each(|(name, part)| part.restore(name, state))
    }

    fn needs_held_out(&self) -> bool {
        self.recipe.held_out.every > 0
    }

    fn theory(&self) -> Vec<TheoryLine> {
        let value = (self.recipe.clusters as f64).ln();
        let line = |metric, label| TheoryLine { metric, label, value };
        vec![
            line(ENTROPY_OF_MEAN, "all clusters alike"),
            line(ENTROPY_ON_FAKE, "nothing known"),
            line(HELD_OUT_INFORMATION, "certain and even"),
        ]
    }
}
