//! `sagan`: self-attention in both networks, which relates distant parts of an image (Zhang et al. 2018,
//! arXiv:1805.08318). Spectral normalisation in both, a larger step size for the discriminator, hinge loss.

use brigand_autograd::{Variable, without_recording};
use brigand_core::batch::{Batch, IMAGES, Need, SampleKind, SampleShape, no_labels};
use brigand_core::capability::{Content, Exhibit, Sampler, Showing};
use brigand_core::latent::{CLASS, Distribution, LatentPart, LatentRecipe, LatentSpace, Prior};
use brigand_core::measurements::GENERATOR_LOSS;
use brigand_core::modules::{How, Mode, Network, Statistics};
use brigand_core::networks::{AttentionDiscriminator, AttentionGenerator, AttentionNetworkRecipe};
use brigand_core::objectives::{Hinge, Objective};
use brigand_core::penalties::{Constraint, Penalty};
use brigand_core::players::{
    AverageRecipe, Conditioned, Critic, DISCRIMINATOR, Draw, OptimizerRecipe, Player, Rules, Schedule, Turn,
};
use brigand_core::recipe::{Family, Length, Make, Row, SystemRecipe};
use brigand_core::system::{Parts, System};
use brigand_core::techniques::InstanceNoise;
use brigand_core::{Error, Place, Result, Setup, parts};
use serde::{Deserialize, Serialize};

use super::two_player::Players;

/// Name of the factor of the generator's attention, which starts at 0.
pub const ATTENTION_GAMMA: &str = "attention_gamma";
/// Samples whose attention is drawn.
const ATTENDED: usize = 8;

/// Everything that makes a SAGAN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaganRecipe {
    /// The noise the generator starts from.
    pub latent: LatentRecipe,
    /// The generator's network.
    pub generator: AttentionNetworkRecipe,
    /// The discriminator's network.
    pub discriminator: AttentionNetworkRecipe,
    /// What players minimise.
    pub objective: Objective,
    /// What is added to the discriminator's loss.
    #[serde(default)]
    pub penalty: Penalty,
    /// What constrains the discriminator besides spectral normalisation.
    #[serde(default)]
    pub constraint: Constraint,
    /// Noise on images before the discriminator.
    #[serde(default)]
    pub instance_noise: InstanceNoise,
    /// How they step.
    pub optimizer: Players<OptimizerRecipe>,
    /// How the step sizes change over the run.
    pub schedule: Schedule,
    /// The average of the generator's weights that samples are taken from.
    pub average: AverageRecipe,
}

/// Its row of the registry.
pub const ROW: Row = Row {
    name: "sagan",
    family: Family::Images,
    summary: "self-attention GAN: spectral normalisation in both networks, projection discriminator",
    paper: "Zhang et al. 2018, arXiv:1805.08318",
    data: "digits",
    length: |_| Length { steps: 3000, batch: 64 },
    make: Make::of::<SaganRecipe>(),
};

impl SaganRecipe {
    fn rules(&self) -> Rules {
        let Self { penalty, constraint, instance_noise: noise, .. } = *self;
        Rules { penalty, constraint, noise, ..Rules::plain(self.objective) }
    }
}

impl SystemRecipe for SaganRecipe {
    const NEEDS: &'static [Need] = &[Need::Samples, Need::Indices(brigand_core::batch::LABELS)];

    /// Narrow networks for small images, with the paper's ratio of step sizes at five times their size.
    fn defaults(kind: SampleKind) -> Result<Self> {
        match kind {
            SampleKind::Image => {}
            SampleKind::Points => {
                return Err(Error::Recipe(
                    "sagan needs images with classes; give --data digits or another set of labelled images"
                        .into(),
                ));
            }
        }
        let network = AttentionNetworkRecipe { width: 16, attention: 32 };
        Ok(Self {
            latent: LatentRecipe { size: 64, prior: Prior::Normal },
            generator: network,
            discriminator: network,
            objective: Objective::Hinge(Hinge {}),
            penalty: Penalty::default(),
            constraint: Constraint::default(),
            instance_noise: InstanceNoise::default(),
            optimizer: Players {
                generator: OptimizerRecipe::adam(5e-4, 0.0, 0.9),
                discriminator: OptimizerRecipe::adam(2e-3, 0.0, 0.9),
            },
            schedule: Schedule::Constant {},
            average: AverageRecipe { decay: 0.995 },
        })
    }

    fn check(&self) -> Result<()> {
        self.latent.check()?;
        self.generator.check("generator")?;
        self.discriminator.check(DISCRIMINATOR)?;
        self.rules().check()?;
        self.optimizer.generator.check("generator")?;
        self.optimizer.discriminator.check(DISCRIMINATOR)?;
        self.schedule.check()?;
        self.average.check()
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        self.schedule.spread_over_run()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        Ok(Box::new(Sagan::new(self, setup)?))
    }
}

/// Both players in training.
struct Sagan {
    place: Place,
    image: [usize; 3],
    space: LatentSpace,
    noise: usize,
    generator: Player<AttentionGenerator>,
    discriminator: Critic<AttentionDiscriminator>,
}

impl Sagan {
    fn new(recipe: &SaganRecipe, setup: &Setup) -> Result<Self> {
        let (image, shares) = (setup.schema.image(IMAGES)?, setup.schema.class_counts().to_vec());
        let classes = match shares.len() {
            0 => return Err(no_labels()),
            1 => {
                return Err(Error::Data(
                    "all samples are of one class, so there is none to choose; give data with at least two"
                        .into(),
                ));
            }
            several => several,
        };
        let noise = recipe.latent.size;
        let generator = Network::build("generator", setup, |b| {
            AttentionGenerator::new(b, &recipe.generator, (noise, classes), image)
        })?;
        let discriminator = Network::build(DISCRIMINATOR, setup, |b| {
            AttentionDiscriminator::new(b, &recipe.discriminator, classes, image)
        })?;
        let generator = Player::new(generator, recipe.optimizer.generator)?;
        let discriminator = Player::new(discriminator, recipe.optimizer.discriminator)?;
        let class = LatentPart { name: CLASS, distribution: Distribution::Category { shares } };
        Ok(Self {
            place: setup.place.clone(),
            image,
            space: LatentSpace::new(vec![recipe.latent.part(), class]),
            noise,
            generator: generator.scheduled(recipe.schedule).averaged(recipe.average),
            discriminator: Critic::new(discriminator.scheduled(recipe.schedule), recipe.rules())?,
        })
    }

    /// Noise and one-hot classes of `latents`.
    fn split(&self, latents: &Variable) -> Result<(Variable, Variable)> {
        self.space.check(latents)?;
        Ok((latents.narrow(1, 0, self.noise)?, latents.narrow(1, self.noise, self.space.classes())?))
    }

    /// Fakes of the classes that the space draws.
    fn fakes(&mut self, (purpose, draw): (&str, Draw), count: usize, mode: Mode) -> Result<Conditioned> {
        let latents = draw.rows(purpose, count, |count, stream| self.latents(count, stream))?;
        let (noise, classes) = self.split(&latents)?;
        let images =
            self.generator.run_with(How::plain(mode), |g, pass| Ok(g.run(pass, &noise, &classes)?.0))?;
        Ok(Conditioned::under(images, classes))
    }

    fn real(&self, batch: &Batch) -> Result<Conditioned> {
        let classes = self.place.one_hot(batch.required_labels()?, self.space.classes())?;
        Ok(Conditioned::under(batch.numbers(IMAGES)?.clone(), classes))
    }
}

impl System for Sagan {
    fn parts(&mut self) -> Parts<'_> {
        parts!(self, generator, discriminator)
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let draw = turn.only_draw();
        let real = self.real(&turn.batch(draw)?)?;
        let count = real.samples.shape()[0];
        let fake =
            without_recording(|| self.fakes(("latents/discriminator", draw), count, Mode::BatchStatistics))?;
        self.discriminator.learn(turn, draw, &real, &fake)?;
        let fake = self.fakes(("latents/generator", draw), count, Mode::Training)?;
        let loss = self.discriminator.loss_for(&real, &fake, draw)?;
        turn.note(GENERATOR_LOSS, &loss);
        if let Some(gamma) = self.generator.evaluate(|g, pass| g.gamma(pass))? {
            turn.note(ATTENTION_GAMMA, &gamma.detach());
        }
        turn.descend(&mut [&mut self.generator], &loss)
    }

    /// The attention of samples: each beside how much its middle, and the middles of its left and upper half, attend to every
    /// other position; black is none.
    fn show(&self, showing: &Showing<'_>) -> Result<Vec<Exhibit>> {
        let latents = self.latents(ATTENDED, &mut showing.stream("attention"))?;
        let (noise, classes) = self.split(&latents)?;
        let (images, attention) = self.generator.sample(&latents, |g, pass| g.run(pass, &noise, &classes))?;
        let Some(attention) = attention else { return Ok(Vec::new()) };
        let [channels, height, width] = self.image;
        let halvings = ((height * width / attention.shape()[2].max(1)).max(1) as f64).sqrt() as usize;
        let (rows, columns) = (height / halvings.max(1), width / halvings.max(1));
        let mut shown = Vec::new();
        for number in 0..ATTENDED {
            shown.push(images.narrow(0, number, 1)?);
            for (row, column) in [(rows / 2, columns / 2), (rows / 2, columns / 4), (rows / 4, columns / 2)] {
                let one = attention.narrow(0, number, 1)?.narrow(1, row * columns + column, 1)?;
                let scaled = one.div(&one.max(2)?.reshape(&[1, 1, 1])?)?.affine(2.0, -1.0)?;
                let map = scaled.reshape(&[1, 1, rows, columns])?.resize_nearest(height, width)?;
                shown.push(map.broadcast_to(&[1, channels, height, width])?);
            }
        }
        let images = Variable::concatenate(&shown.iter().collect::<Vec<_>>(), 0)?;
        Ok(vec![Exhibit { series: "attention".into(), content: Content::Images { images, columns: 8 } }])
    }

    fn as_sampler(&self) -> Option<&dyn Sampler> {
        Some(self)
    }
}

impl Sampler for Sagan {
    fn space(&self) -> &LatentSpace {
        &self.space
    }

    fn place(&self) -> &Place {
        &self.place
    }

    fn sample_shape(&self) -> SampleShape {
        let [channels, height, width] = self.image;
        SampleShape::Image { channels, height, width }
    }

    fn generate_with(&self, latents: &Variable, statistics: &mut Statistics<'_>) -> Result<Variable> {
        let (noise, classes) = self.split(latents)?;
        self.generator.sample_with(latents, statistics, |g, pass| Ok(g.run(pass, &noise, &classes)?.0))
    }
}
