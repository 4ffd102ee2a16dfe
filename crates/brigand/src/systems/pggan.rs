//! `pggan`: networks that grow from 4x4 images, doubling by doubling, while they train (Karras et al. 2017,
//! arXiv:1710.10196). Weights are scaled at run time, so that all learn equally fast; the generator normalises each
//! position's channels, the discriminator is given how much a batch varies; WGAN-GP with a term that keeps scores near 0.

mod growth;

use brigand_autograd::{Variable, without_recording};
use brigand_core::batch::{IMAGES, Need, SampleKind};
use brigand_core::capability::{Sampler, Sampling};
use brigand_core::latent::{LatentRecipe, LatentSpace, Prior};
use brigand_core::limits::at_least_zero;
use brigand_core::measurements::GENERATOR_LOSS;
use brigand_core::modules::{How, Mode, Network, Statistics};
use brigand_core::networks::{
    GrowingDiscriminator, GrowingGenerator, GrowingNetworkRecipe, Stage, StagedImages, doublings_to,
};
use brigand_core::penalties::Constraint;
use brigand_core::players::{
    AdversarialRecipe, AverageRecipe, Critic, DISCRIMINATOR, Draw, OptimizerRecipe, Player, Schedule, Turn,
};
use brigand_core::recipe::{Family, Length, Make, Row, SystemRecipe};
use brigand_core::system::{Parts, System};
use brigand_core::{Error, Result, Setup, parts};
use serde::{Deserialize, Serialize};

use super::two_player::Players;
pub use growth::{Growth, GrowthRecipe};

/// Name of the side of the images that a step trains on.
pub const SIDE: &str = "side";
/// Name of the newest block's share.
pub const SHARE: &str = "newest_block_share";

/// Everything that makes a PGGAN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PgganRecipe {
    /// The noise the generator starts from, which it brings to a mean square of 1.
    pub latent: LatentRecipe,
    /// When networks grow.
    pub growth: GrowthRecipe,
    /// The generator's network.
    pub generator: GrowingNetworkRecipe,
    /// The discriminator's network.
    pub discriminator: GrowingNetworkRecipe,
    /// Whether the discriminator's smallest maps have a plane of the standard deviation over groups of samples.
    pub minibatch_deviation: bool,
    /// The weight of the mean square of the scores of real images in the discriminator's loss.
    pub drift: f64,
    /// What generated samples and the discriminator are trained by.
    #[serde(flatten)]
    pub adversarial: AdversarialRecipe,
    /// How they step.
    pub optimizer: Players<OptimizerRecipe>,
    /// How the step sizes change over the run.
    pub schedule: Schedule,
    /// The average of the generator's weights that samples are taken from.
    pub average: AverageRecipe,
}

/// Its row of the registry.
pub const ROW: Row = Row {
    name: "pggan",
    family: Family::Images,
    summary: "progressive growing from 4x4 images, equalised learning rate, pixel norm, minibatch deviation",
    paper: "Karras et al. 2017, arXiv:1710.10196",
    data: "digits",
    length: |_| Length { steps: 3000, batch: 32 },
    make: Make::of::<PgganRecipe>(),
};

impl SystemRecipe for PgganRecipe {
    const NEEDS: &'static [Need] = &[Need::Samples];

    /// The paper's losses and step size; narrow networks for small images.
    fn defaults(kind: SampleKind) -> Result<Self> {
        kind.refuse_points("pggan needs images; give --data digits, or --data mnist --set data.size=32")?;
        let network = GrowingNetworkRecipe { width: 16, widest: 64 };
        let adam = OptimizerRecipe::adam(1e-3, 0.0, 0.99);
        Ok(Self {
            latent: LatentRecipe { size: 64, prior: Prior::Normal },
            growth: GrowthRecipe { until: 0.5 },
            generator: network,
            discriminator: network,
            minibatch_deviation: true,
            drift: 1e-3,
            adversarial: AdversarialRecipe::wgan_gp(),
            optimizer: Players { generator: adam, discriminator: adam },
            schedule: Schedule::Constant {},
            average: AverageRecipe { decay: 0.995 },
        })
    }

    fn check(&self) -> Result<()> {
        self.latent.check()?;
        self.growth.check()?;
        self.generator.check("generator")?;
        self.discriminator.check(DISCRIMINATOR)?;
        at_least_zero(&[("drift", self.drift)])?;
        match self.adversarial.constraint {
            Constraint::Spectral {} => {
                return Err(Error::Recipe(
                    "constraint.kind=spectral cannot be joined with pggan's weights, which are scaled at run time; choose \
                     another constraint"
                        .into(),
                ));
            }
            Constraint::None {}
            | Constraint::Clip { .. }
            | Constraint::GradientNormalization {}
            | Constraint::GranNormalization { .. } => {}
        }
        self.adversarial.check()?;
        self.optimizer.check()?;
        self.schedule.check()?;
        self.average.check()
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        [vec!["growth.until"], self.schedule.spread_over_run()].concat()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        Ok(Box::new(Pggan::new(self, setup)?))
    }
}

/// Both players in training.
struct Pggan {
    sampling: Sampling,
    image: [usize; 3],
    drift: f64,
    growth: Growth,
    generator: Player<GrowingGenerator>,
    discriminator: Critic<GrowingDiscriminator>,
}

impl Pggan {
    fn new(recipe: &PgganRecipe, setup: &Setup) -> Result<Self> {
        let image = setup.schema.image(IMAGES)?;
        let [channels, height, width] = image;
        let doublings = doublings_to([height, width])?;
        let size = (channels, doublings);
        let generator = Network::build("generator", setup, |b| {
            GrowingGenerator::new(b, &recipe.generator, recipe.latent.size, size)
        })?;
        let discriminator = Network::build(DISCRIMINATOR, setup, |b| {
            GrowingDiscriminator::new(b, &recipe.discriminator, recipe.minibatch_deviation, size)
        })?;
        let generator = Player::new(generator, recipe.optimizer.generator)?;
        let discriminator = Player::new(discriminator, recipe.optimizer.discriminator)?;
        let discriminator = discriminator.scheduled(recipe.schedule);
        Ok(Self {
            sampling: Sampling::new(LatentSpace::new(vec![recipe.latent.part()]), setup)?,
            image,
            drift: recipe.drift,
            growth: Growth::new(recipe.growth, doublings, setup.steps),
            generator: generator.scheduled(recipe.schedule).averaged(recipe.average),
            discriminator: Critic::of_coupled(discriminator, recipe.adversarial.rules())?,
        })
    }

    /// New fakes at a stage.
    fn fakes(
        &mut self,
        (purpose, draw): (&str, Draw),
        (count, stage): (usize, Stage),
        mode: Mode,
    ) -> Result<StagedImages> {
        let latents = draw.rows(purpose, count, |count, stream| self.latents(count, stream))?;
        let images = self.generator.run_with(How::plain(mode), |g, pass| g.run(pass, &latents, stage))?;
        Ok(StagedImages { images, stage })
    }

    /// From now on only what a stage uses is trained.
    fn train_at(&mut self, stage: Stage) {
        let paths = self.generator.module().paths(stage);
        self.generator.restrict(Some(&paths.iter().map(String::as_str).collect::<Vec<_>>()));
        let player = self.discriminator.player_mut();
        let paths = player.module().paths(stage);
        player.restrict(Some(&paths.iter().map(String::as_str).collect::<Vec<_>>()));
    }
}

impl System for Pggan {
    fn parts(&mut self) -> Parts<'_> {
        parts!(self, growth, generator, discriminator)
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let (draw, stage) = (turn.only_draw(), self.growth.stage());
        self.train_at(stage);
        let images = stage.of_images(turn.batch(draw)?.numbers(IMAGES)?)?;
        let (count, real) = (images.shape()[0], StagedImages { images, stage });
        let purpose = ("latents/discriminator", draw);
        let fake = without_recording(|| self.fakes(purpose, (count, stage), Mode::BatchStatistics))?;
        let drift = self.drift;
        self.discriminator.learn_with(turn, draw, (&real, &fake), |real, _| {
            let square = real.single()?.square()?.mean_all()?;
            Ok(if drift > 0.0 { vec![("drift", square.scale(drift)?)] } else { Vec::new() })
        })?;
        let fake = self.fakes(("latents/generator", draw), (count, stage), Mode::Training)?;
        let loss = self.discriminator.loss_for(&real, &fake, draw)?;
        turn.note(GENERATOR_LOSS, &loss);
        turn.report.note_number(SIDE, stage.side() as f64);
        turn.report.note_number(SHARE, stage.share);
        turn.descend(&mut [&mut self.generator], &loss)?;
        self.growth.advance();
        Ok(())
    }

    fn as_sampler(&self) -> Option<&dyn Sampler> {
        Some(self)
    }
}

impl Sampler for Pggan {
    /// Of the data's size at every stage: smaller images are enlarged by repeating pixels.
    fn sampling(&self) -> &Sampling {
        &self.sampling
    }

    fn generate_with(&self, latents: &Variable, statistics: &mut Statistics<'_>) -> Result<Variable> {
        self.sampling.space.check(latents)?;
        let ([_, height, width], stage) = (self.image, self.growth.stage());
        let images =
            self.generator.sample_with(latents, statistics, |g, pass| g.run(pass, latents, stage))?;
        Ok(images.clamp(-1.0, 1.0)?.resize_nearest(height, width)?)
    }
}
