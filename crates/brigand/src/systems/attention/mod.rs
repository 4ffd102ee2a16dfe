//! Class-conditional residual GANs with self-attention in both networks, which relates distant parts of an image, and spectral
//! normalisation in both. `sagan` (Zhang et al. 2018, arXiv:1805.08318): a larger step size for the discriminator. `biggan`
//! (Brock et al. 2018, arXiv:1809.11096): noise and class in every block, orthogonal regularisation, truncated sampling.

mod recipe;

pub use recipe::{AttentionRecipe, BIGGAN, SAGAN};

use brigand_autograd::{Variable, without_recording};
use brigand_core::batch::{Batch, IMAGES, no_labels};
use brigand_core::capability::{Content, Exhibit, Sampler, Sampling, Showing};
use brigand_core::latent::{CLASS, Distribution, LatentPart, LatentSpace};
use brigand_core::measurements::GENERATOR_LOSS;
use brigand_core::modules::{How, Mode, Network, Statistics};
use brigand_core::networks::{AttentionDiscriminator, AttentionGenerator, AttentionLayout, SHARED_EMBEDDING};
use brigand_core::players::{Conditioned, Critic, DISCRIMINATOR, Draw, Orthogonal, Player, Turn};
use brigand_core::system::{Parts, System};
use brigand_core::{Error, Result, Setup, parts};

/// Name of the factor of the generator's attention, which starts at 0.
pub const ATTENTION_GAMMA: &str = "attention_gamma";
/// Samples whose attention is drawn.
const ATTENDED: usize = 8;

/// Both players in training.
struct AttentionGan {
    sampling: Sampling,
    image: [usize; 3],
    noise: usize,
    generator: Player<AttentionGenerator>,
    discriminator: Critic<AttentionDiscriminator>,
    /// Discriminator updates in a step.
    rounds: u64,
}

impl AttentionGan {
    fn new(recipe: &AttentionRecipe, setup: &Setup) -> Result<Self> {
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
        let layout = AttentionLayout { image, classes, initialization: recipe.initialization };
        let generator = Network::build("generator", setup, |b| {
            AttentionGenerator::new(b, &recipe.generator, (recipe.modulation, noise), &layout)
        })?;
        let discriminator = Network::build(DISCRIMINATOR, setup, |b| {
            AttentionDiscriminator::new(b, &recipe.discriminator, &layout)
        })?;
        let orthogonal = Orthogonal::of(recipe.orthogonal).map(|term| term.except(&[SHARED_EMBEDDING]));
        let generator = Player::new(generator, recipe.optimizer.generator)?.with_term(orthogonal);
        let discriminator = Player::new(discriminator, recipe.optimizer.discriminator)?;
        let class = LatentPart { name: CLASS, distribution: Distribution::Category { shares } };
        Ok(Self {
            sampling: Sampling::new(LatentSpace::new(vec![recipe.latent.part(), class]), setup)?,
            image,
            noise,
            generator: generator.scheduled(recipe.schedule).averaged(recipe.average),
            discriminator: Critic::new(discriminator.scheduled(recipe.schedule), recipe.adversarial.rules())?,
            rounds: recipe.update.discriminator_steps.into(),
        })
    }

    /// Noise and one-hot classes of `latents`.
    fn split(&self, latents: &Variable) -> Result<(Variable, Variable)> {
        self.sampling.space.check(latents)?;
        Ok((latents.narrow(1, 0, self.noise)?, latents.narrow(1, self.noise, self.sampling.space.classes())?))
    }

    /// Fakes of the classes that the space draws.
    fn fakes(&mut self, (purpose, draw): (&str, Draw), count: usize, mode: Mode) -> Result<Conditioned> {
        let latents = draw.rows(purpose, count, |count, stream| self.latents(count, stream))?;
        let (noise, classes) = self.split(&latents)?;
        let images =
            self.generator.run_with(How::plain(mode), |g, pass| Ok(g.run(pass, &noise, &classes)?.0))?;
        Ok(Conditioned::under(images, classes))
    }

    /// One update of the discriminator on the real batch of `draw`, which it returns, and fresh fakes.
    fn update_discriminator(&mut self, turn: &mut Turn<'_>, draw: Draw) -> Result<Conditioned> {
        let real = self.real(&turn.batch(draw)?)?;
        let count = real.samples.shape()[0];
        let fake =
            without_recording(|| self.fakes(("latents/discriminator", draw), count, Mode::BatchStatistics))?;
        self.discriminator.learn(turn, draw, &real, &fake)?;
        Ok(real)
    }

    fn real(&self, batch: &Batch) -> Result<Conditioned> {
        let classes = self.sampling.place.one_hot(batch.required_labels()?, self.sampling.space.classes())?;
        Ok(Conditioned::under(batch.numbers(IMAGES)?.clone(), classes))
    }
}

impl System for AttentionGan {
    fn parts(&mut self) -> Parts<'_> {
        parts!(self, generator, discriminator)
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let (earlier, draw) = turn.rounds(self.rounds)?;
        for draw in earlier {
            self.update_discriminator(turn, draw)?;
        }
        let real = self.update_discriminator(turn, draw)?;
        let count = real.samples.shape()[0];
        let fake = self.fakes(("latents/generator", turn.only_draw()), count, Mode::Training)?;
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

impl Sampler for AttentionGan {
    fn sampling(&self) -> &Sampling {
        &self.sampling
    }

    fn is_modulated_by_latents(&self) -> bool {
        self.generator.module().is_modulated_by_noise()
    }

    fn generate_with(&self, latents: &Variable, statistics: &mut Statistics<'_>) -> Result<Variable> {
        let (noise, classes) = self.split(latents)?;
        self.generator.sample_with(latents, statistics, |g, pass| Ok(g.run(pass, &noise, &classes)?.0))
    }
}
