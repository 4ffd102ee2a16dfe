//! The players of one size of a LAPGAN.

use brigand_autograd::{Variable, without_recording};
use brigand_core::batch::SampleShape;
use brigand_core::latent::LatentRecipe;
use brigand_core::modules::{
    Estimate, How, Mode, Network, Parameters, Part, Statistics, append_condition, with_noise,
};
use brigand_core::networks::{
    ConditionUse, DetailDiscriminator, DetailGenerator, Discriminator, DiscriminatorOptions, Generator,
    GeneratorOptions,
};
use brigand_core::players::{Conditioned, Critic, Draw, Player, Scorer, Turn};
use brigand_core::pyramid::Band;
use brigand_core::state::State;
use brigand_core::{Result, Setup};

use super::LapganRecipe;

/// A generator and its discriminator at one size.
pub(super) struct Level<G, D> {
    recipe: LapganRecipe,
    height: usize,
    generator: Player<G>,
    discriminator: Critic<D>,
}

/// The players of the smallest images: a GAN under the class.
pub(super) type SmallestLevel = Level<Generator, Discriminator>;

/// The players of one doubling: a GAN of detail under the enlarged smaller image and the class.
pub(super) type DetailLevel = Level<DetailGenerator, DetailDiscriminator>;

/// `generator_14`: what a player, its draws and its measurements are called.
fn names([_, height, _]: [usize; 3]) -> (String, String) {
    (format!("generator_{height}"), format!("discriminator_{height}"))
}

impl<G, D: Scorer<Input = Conditioned>> Level<G, D> {
    fn of(
        recipe: &LapganRecipe,
        height: usize,
        (generator, discriminator): (Network<G>, Network<D>),
    ) -> Result<Self> {
        let generator = Player::new(generator, recipe.optimizer.generator)?.averaged(recipe.average);
        let discriminator = Player::new(discriminator, recipe.optimizer.discriminator)?;
        Ok(Self {
            recipe: recipe.clone(),
            height,
            generator: generator.scheduled(recipe.schedule),
            discriminator: Critic::new(discriminator.scheduled(recipe.schedule), recipe.adversarial.rules())?,
        })
    }

    /// A step of the discriminator, then one of the generator; `fakes` makes a new batch for each, of which the last is
    /// returned.
    fn step(
        &mut self,
        (turn, draw): (&mut Turn<'_>, Draw),
        real: &Conditioned,
        fakes: impl Fn(&mut Player<G>, &str, Mode) -> Result<Conditioned>,
    ) -> Result<Conditioned> {
        let fake = without_recording(|| fakes(&mut self.generator, "discriminator", Mode::BatchStatistics))?;
        self.discriminator.learn(turn, draw, real, &fake)?;
        let fake = fakes(&mut self.generator, "generator", Mode::Training)?;
        let loss = self.discriminator.loss_for(real, &fake, draw)?;
        turn.note(&format!("{}_loss", self.generator.name()), &loss);
        turn.descend(&mut [&mut self.generator], &loss)?;
        Ok(fake)
    }
}

impl<G, D> Part for Level<G, D> {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        self.generator.save(&format!("{name}.generator"), state)?;
        self.discriminator.save(&format!("{name}.discriminator"), state)
    }

    fn restore(&mut self, name: &str, state: &mut State) -> Result<()> {
        self.generator.restore(&format!("{name}.generator"), state)?;
        self.discriminator.restore(&format!("{name}.discriminator"), state)
    }

    fn parameters(&self) -> Vec<&Parameters> {
        [Part::parameters(&self.generator), Part::parameters(&self.discriminator)].concat()
    }

    fn sample_by(&mut self, estimate: Option<&Estimate>) -> usize {
        self.generator.sample_by(estimate) + self.discriminator.sample_by(estimate)
    }
}

impl Level<Generator, Discriminator> {
    /// Players of `image`s `[channels, height, width]` of so many classes, 0 for none.
    pub(super) fn new(
        recipe: &LapganRecipe,
        (image, classes): ([usize; 3], usize),
        setup: &Setup,
    ) -> Result<Self> {
        let ((generator, discriminator), sample) = (names(image), SampleShape::of(&image)?);
        let options = GeneratorOptions::new(recipe.latent.size + classes, sample);
        let generator = recipe.smallest.generator.generator(&generator, setup, options)?;
        let options = DiscriminatorOptions {
            reparametrisation: recipe.adversarial.constraint.reparametrisation(),
            condition: if classes > 0 { ConditionUse::BesideSample(classes) } else { ConditionUse::None },
            ..DiscriminatorOptions::default()
        };
        let network = &recipe.smallest.discriminator;
        let discriminator = network.discriminator(&discriminator, setup, sample, options)?;
        Self::of(recipe, image[1], (generator, discriminator))
    }

    /// A step of both on `real` images of these classes.
    pub(super) fn learn(
        &mut self,
        turn: &mut Turn<'_>,
        draw: Draw,
        real: &Variable,
        classes: Option<&Variable>,
    ) -> Result<()> {
        let (count, noise) = (real.shape()[0], self.recipe.latent);
        let under = |images| Conditioned { samples: images, condition: classes.cloned() };
        let fakes = |generator: &mut Player<Generator>, purpose: &str, mode| {
            let draws = |count, stream: &mut _| noise.draw(count, stream, real.device());
            let drawn = draw.rows(&format!("latents/{purpose}"), count, draws)?.to_dtype(real.dtype())?;
            let latents = beside(&drawn, classes)?;
            Ok(under(generator.run_with(How::plain(mode), |g, pass| g.forward(pass, &latents, None))?))
        };
        self.step((turn, draw), &under(real.clone()), fakes)?;
        Ok(())
    }

    /// The images of `noise` and classes.
    pub(super) fn sample(
        &self,
        noise: &Variable,
        classes: Option<&Variable>,
        statistics: &mut Statistics<'_>,
    ) -> Result<Variable> {
        let latents = beside(noise, classes)?;
        self.generator.sample_with(&latents, statistics, |g, pass| g.forward(pass, &latents, None))
    }
}

/// Noise and classes as one latent.
fn beside(noise: &Variable, classes: Option<&Variable>) -> Result<Variable> {
    classes.map_or(Ok(noise.clone()), |classes| append_condition(noise, classes))
}

impl Level<DetailGenerator, DetailDiscriminator> {
    /// As for the smallest images.
    pub(super) fn new(
        recipe: &LapganRecipe,
        (image, classes): ([usize; 3], usize),
        setup: &Setup,
    ) -> Result<Self> {
        let (generator, discriminator) = names(image);
        let generator = Network::build(&generator, setup, |b| {
            DetailGenerator::new(b, &recipe.detail.generator, (image[0], classes))
        })?;
        let reparametrisation = recipe.adversarial.constraint.reparametrisation();
        let discriminator = Network::build(&discriminator, setup, |b| {
            DetailDiscriminator::new(b, &recipe.detail.discriminator, (image, classes), reparametrisation)
        })?;
        Self::of(recipe, image[1], (generator, discriminator))
    }

    /// A step of both on the band of real images of these classes. Notes the mean square of generated detail as a share of
    /// the real detail's.
    pub(super) fn learn(
        &mut self,
        turn: &mut Turn<'_>,
        draw: Draw,
        band: &Band,
        classes: Option<&Variable>,
    ) -> Result<()> {
        let (height, latent, deviation) = (self.height, self.recipe.latent, self.recipe.detail.noise);
        let stream = &mut draw.stream(&format!("enlarged/{height}"));
        let enlarged = match deviation > 0.0 {
            true => with_noise(&band.enlarged, deviation, stream)?,
            false => band.enlarged.clone(),
        };
        let condition = DetailDiscriminator::condition(&enlarged, classes)?;
        let (batch, _, rows, columns) = enlarged.dims4("a band")?;
        let planes = LatentRecipe { size: rows * columns, ..latent };
        let fakes = |generator: &mut Player<DetailGenerator>, purpose: &str, mode| {
            let purpose = format!("plane {height}/{purpose}");
            let draws = |count, stream: &mut _| planes.draw(count, stream, enlarged.device());
            let plane = draw.rows(&purpose, batch, draws)?.to_dtype(enlarged.dtype())?;
            let plane = plane.reshape(&[batch, 1, rows, columns])?;
            let detail =
                generator.run_with(How::plain(mode), |g, pass| g.run(pass, &enlarged, &plane, classes))?;
            Ok(Conditioned::under(enlarged.add(&detail)?, condition.clone()))
        };
        let real = Conditioned::under(band.image()?, condition.clone());
        let fake = self.step((turn, draw), &real, fakes)?;
        let energy = |detail: &Variable| detail.square()?.mean_all();
        let made = energy(&fake.samples.detach().sub(&band.enlarged)?)?;
        turn.note(&format!("detail_{height}"), &made.div(&energy(&band.detail)?.affine(1.0, 1e-12)?)?);
        Ok(())
    }

    /// `enlarged` images with the detail that `plane` stands for, in [-1, 1].
    pub(super) fn sample(
        &self,
        enlarged: &Variable,
        plane: &Variable,
        classes: Option<&Variable>,
    ) -> Result<Variable> {
        let detail =
            self.generator.sample(&enlarged.add(plane)?, |g, pass| g.run(pass, enlarged, plane, classes))?;
        Ok(enlarged.add(&detail)?.clamp(-1.0, 1.0)?)
    }
}
