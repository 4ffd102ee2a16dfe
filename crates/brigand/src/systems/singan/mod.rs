//! `singan`: a generative model of one picture (Shaham et al. 2019, arXiv:1905.01164). The picture is shrunk to several scales;
//! a small generator and a discriminator of patches are trained at each, from the coarsest to the finest, while those of
//! coarser scales stay as they are. Each generator adds detail to the enlarged image of the scale before.

mod progress;
mod pyramid;
mod recipe;
mod sampling;

pub use pyramid::PyramidRecipe;
pub use recipe::{SinganLosses, SinganRecipe, Updates};

use std::ops::Range;

use brigand_autograd::{Variable, without_recording};
use brigand_core::batch::PICTURE;
use brigand_core::capability::{Content, Exhibit, Reconstructor, Sampler, Sampling, ScaleSampler, Showing};
use brigand_core::latent::{LatentRecipe, LatentSpace, Prior};
use brigand_core::measurements::GENERATOR_LOSS;
use brigand_core::modules::Network;
use brigand_core::networks::{ScaleDiscriminator, ScaleGenerator};
use brigand_core::players::{Critic, DISCRIMINATOR, Draw, Player, Turn};
use brigand_core::random::Stream;
use brigand_core::recipe::{Family, Length, Make, Row};
use brigand_core::system::{Parts, System};
use brigand_core::{Error, Result, Setup, parts};

use progress::Progress;
use pyramid::{resized, scale_at, steps_of};

/// Name of the root mean square distance, on [-1, 1], of the picture at the scale in training to what the fixed noise gives.
pub const RECONSTRUCTION_ERROR: &str = "reconstruction_error";
/// Name of the number of the scale in training, 0 being the coarsest.
pub const SCALE: &str = "scale";
/// Samples that are shown scale by scale.
const SHOWN: usize = 4;
/// Frames of the walk that is shown.
const FRAMES: usize = 24;

/// Its row of the registry.
pub const ROW: Row = Row {
    name: "singan",
    family: Family::Images,
    summary: "a generative model of one picture: a pyramid of generators and discriminators of patches",
    paper: "Shaham et al. 2019, arXiv:1905.01164",
    data: "stones",
    length: |_| Length { steps: 2000, batch: 1 },
    make: Make::of::<SinganRecipe>(),
};

/// The networks of all scales, of which one is in training.
struct Singan {
    recipe: SinganRecipe,
    sampling: Sampling,
    channels: usize,
    /// Height and width of each scale, from the coarsest on.
    sizes: Vec<[usize; 2]>,
    generators: Vec<Player<ScaleGenerator>>,
    discriminators: Vec<Critic<ScaleDiscriminator>>,
    progress: Progress,
    /// What follows from the rest while one scale trains: its number, the picture in its size, and the reconstruction of the
    /// scale before in that size.
    current: Option<Current>,
}

struct Current {
    scale: usize,
    real: Variable,
    reconstructed: Variable,
}

impl Singan {
    fn new(recipe: &SinganRecipe, setup: &Setup) -> Result<Self> {
        let image @ [channels, height, width] = setup.schema.image(PICTURE)?;
        if setup.batch != 1 {
            return Err(Error::Recipe(format!(
                "training.batch is {}, and there is one picture to train on; set training.batch=1",
                setup.batch
            )));
        }
        let sizes = recipe.pyramid.sizes([height, width])?;
        let scales = sizes.len();
        if setup.steps < scales as u64 {
            return Err(Error::Recipe(format!(
                "training.steps is {}, and {scales} scales are trained one after another; give {scales} or more, better \
                 hundreds for each",
                setup.steps
            )));
        }
        let (mut generators, mut discriminators, mut noise) = (Vec::new(), Vec::new(), 0);
        for (scale, &[height, width]) in sizes.iter().enumerate() {
            let steps = steps_of(scale, setup.steps, scales);
            let network = Network::build("generator", setup, |b| {
                ScaleGenerator::new(b, &recipe.networks, scale, channels)
            })?;
            let player = Player::new(network, recipe.optimizer.generator)?;
            generators.push(player.scheduled(recipe.schedule).during(steps.clone()));
            let network = Network::build(DISCRIMINATOR, setup, |b| {
                ScaleDiscriminator::new(
                    b,
                    &recipe.networks,
                    scale,
                    [channels, height, width],
                    recipe.adversarial.constraint.reparametrisation(),
                )
            })?;
            let player = Player::new(network, recipe.optimizer.discriminator)?;
            discriminators.push(Critic::new(
                player.scheduled(recipe.schedule).during(steps),
                recipe.adversarial.rules(),
            )?);
            noise += noise_channels(scale, channels) * height * width;
        }
        Ok(Self {
            recipe: recipe.clone(),
            sampling: Sampling {
                space: LatentSpace::new(vec![LatentRecipe { size: noise, prior: Prior::Normal }.part()]),
                place: setup.place.clone(),
                shape: image.into(),
            },
            channels,
            progress: Progress::new(&setup.place, setup.seed, &sizes, image)?,
            sizes,
            generators,
            discriminators,
            current: None,
        })
    }

    /// `image` passed through `scales`: enlarged to each one's size of `sizes`, with the noise that `noise` gives for it, before
    /// its amplitude.
    fn refined(
        &self,
        image: Variable,
        scales: Range<usize>,
        sizes: &[[usize; 2]],
        mut noise: impl FnMut(usize, [usize; 4]) -> Result<Option<Variable>>,
    ) -> Result<Variable> {
        let mut image = image;
        for scale in scales {
            let (Some(&size), Some(generator)) = (sizes.get(scale), self.generators.get(scale)) else {
                return Err(Error::Internal(format!("there is no scale {scale}")));
            };
            let previous = resized(&image, size)?;
            let count = previous.shape().first().copied().unwrap_or(0);
            let shape = [count, noise_channels(scale, self.channels), size[0], size[1]];
            let noise = noise(scale, shape)?.map(|of| self.progress.scaled(&of, scale)).transpose()?;
            let recorded = noise.as_ref().filter(|noise| noise.has_history()).unwrap_or(&previous);
            image = generator.sample(recorded, |g, pass| g.run(pass, noise.as_ref(), &previous))?;
        }
        Ok(image)
    }

    /// What the coarsest scale starts from: no image, of `size`.
    fn nothing(&self, count: usize, [height, width]: [usize; 2]) -> Result<Variable> {
        let shape = [count, self.channels, height, width];
        self.sampling.place.numbers(vec![0.0; shape.iter().product()], &shape)
    }

    /// Noise of every scale from `stream`.
    fn drawn<'a>(
        &'a self,
        stream: &'a mut Stream,
    ) -> impl FnMut(usize, [usize; 4]) -> Result<Option<Variable>> + use<'a> {
        |_, shape| self.sampling.place.normal(&shape, stream).map(Some)
    }

    /// A new image of the scale before `scale`, in the size of `scale`.
    fn previous(&self, scale: usize, stream: &mut Stream) -> Result<Variable> {
        let start = self.nothing(1, self.size(0)?)?;
        let before = without_recording(|| self.refined(start, 0..scale, &self.sizes, self.drawn(stream)))?;
        resized(&before, self.size(scale)?)
    }

    fn size(&self, scale: usize) -> Result<[usize; 2]> {
        self.sizes.get(scale).copied().ok_or_else(|| Error::Internal(format!("there is no scale {scale}")))
    }

    /// The fixed noise of the coarsest scale, none of the others.
    fn fixed(&self, scale: usize) -> Option<Variable> {
        (scale == 0).then(|| self.progress.fixed_noise.clone())
    }

    /// The picture as the first `scales` make it of the fixed noise, in the size of the last of them.
    fn reconstructed(&self, scales: usize) -> Result<Variable> {
        let start = self.nothing(1, self.size(0)?)?;
        self.refined(start, 0..scales, &self.sizes, |scale, _| Ok(self.fixed(scale)))
    }

    /// Makes `scale` the one in training, with its amplitude and first weights where it is new.
    fn turn_to(&mut self, scale: usize, picture: &Variable) -> Result<()> {
        let size = self.size(scale)?;
        let real = resized(picture, size)?;
        let reconstructed = without_recording(|| resized(&self.reconstructed(scale)?, size))?;
        if scale >= self.progress.begun {
            let mut amplitude = self.sampling.place.numbers(vec![1.0], &[1])?;
            if scale > 0 {
                let lacking = reconstructed.sub(&real)?.square()?.mean_all()?.sqrt()?;
                amplitude = lacking.scale(self.recipe.losses.noise)?.reshape(&[1])?;
                self.inherit(scale)?;
            }
            self.progress.picture = picture.detach();
            self.progress.begin(scale, &amplitude)?;
        }
        self.current = Some(Current { scale, real, reconstructed });
        Ok(())
    }

    /// Starts the networks of `scale` from those of the scale before, where they have the same width.
    fn inherit(&mut self, scale: usize) -> Result<()> {
        let networks = &self.recipe.networks;
        if networks.width_at(scale) != networks.width_at(scale - 1) {
            return Ok(());
        }
        if let ([.., before], [own, ..]) = self.generators.split_at_mut(scale) {
            own.start_from(before)?;
        }
        if let ([.., before], [own, ..]) = self.discriminators.split_at_mut(scale) {
            own.player_mut().start_from(before.player())?;
        }
        Ok(())
    }

    /// A new image of `scale`, recorded for its generator.
    fn fake(&mut self, scale: usize, purpose: &str, draw: Draw) -> Result<Variable> {
        let mut stream = draw.stream(purpose);
        let previous = self.previous(scale, &mut stream)?;
        let [height, width] = self.size(scale)?;
        let shape = [1, noise_channels(scale, self.channels), height, width];
        let noise = self.progress.scaled(&self.sampling.place.normal(&shape, &mut stream)?, scale)?;
        self.generator(scale)?.train(|g, pass| g.run(pass, Some(&noise), &previous))
    }

    fn generator(&mut self, scale: usize) -> Result<&mut Player<ScaleGenerator>> {
        self.generators.get_mut(scale).ok_or_else(|| Error::Internal(format!("there is no scale {scale}")))
    }

    fn discriminator(&mut self, scale: usize) -> Result<&mut Critic<ScaleDiscriminator>> {
        let missing = || Error::Internal(format!("there is no scale {scale}"));
        self.discriminators.get_mut(scale).ok_or_else(missing)
    }

    /// One update of the generator of the scale in training.
    fn learn(&mut self, turn: &mut Turn<'_>, draw: Draw, current: &Current) -> Result<()> {
        let scale = current.scale;
        let fake = self.fake(scale, "latents/generator", draw)?;
        let mut loss = self.discriminator(scale)?.loss_for(&current.real, &fake, draw)?;
        let noise = self.fixed(scale);
        let own =
            self.generator(scale)?.train(|g, pass| g.run(pass, noise.as_ref(), &current.reconstructed))?;
        let error = own.sub(&current.real)?.square()?.mean_all()?;
        turn.note_derived(RECONSTRUCTION_ERROR, &error, |square| {
            square.first().map_or(0.0, |&square| f64::from(square).sqrt())
        });
        loss = loss.add(&error.scale(self.recipe.losses.reconstruction)?)?;
        turn.note(GENERATOR_LOSS, &loss);
        turn.descend(&mut [self.generator(scale)?], &loss)
    }
}

/// Channels of a scale's noise: the coarsest has one map, the same for all channels of the image.
fn noise_channels(scale: usize, channels: usize) -> usize {
    if scale == 0 { 1 } else { channels }
}

impl System for Singan {
    fn parts(&mut self) -> Parts<'_> {
        parts!(self, generators, discriminators, progress)
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let picture = turn.batch(turn.only_draw())?.numbers(PICTURE)?.clone();
        // A run that is extended after its last scale has begun goes on with that one.
        let scale =
            scale_at(turn.step, turn.steps, self.sizes.len()).max(self.progress.begun.saturating_sub(1));
        let current = match self.current.take().filter(|current| current.scale == scale) {
            Some(current) => current,
            None => {
                for scale in self.progress.begun.min(scale)..=scale {
                    self.turn_to(scale, &picture)?;
                }
                self.current.take().ok_or_else(|| Error::Internal("no scale is in training".into()))?
            }
        };
        turn.report.note_number(SCALE, scale as f64);
        let updates = self.recipe.updates;
        let first = turn.step * (updates.discriminator_steps + updates.generator_steps);
        for update in 0..updates.discriminator_steps {
            let draw = turn.draw(first + update);
            let fake = without_recording(|| self.fake(scale, "latents/discriminator", draw))?;
            self.discriminator(scale)?.learn(turn, draw, &current.real, &fake)?;
        }
        for update in 0..updates.generator_steps {
            let draw = turn.draw(first + updates.discriminator_steps + update);
            self.learn(turn, draw, &current)?;
        }
        self.current = Some(current);
        Ok(())
    }

    /// Samples after each scale, from the coarsest on, all in the size of the finest, where scales that have not begun add
    /// nothing; and a walk around the picture as an animation.
    fn show(&self, showing: &Showing<'_>) -> Result<Vec<Exhibit>> {
        let latents = self.latents(SHOWN, &mut showing.stream("scales"))?;
        let mut shown = Vec::new();
        for number in 0..SHOWN {
            let latent = latents.narrow(0, number, 1)?;
            for scales in 1..=self.sizes.len() {
                shown.push(self.of_latents(&latent, scales)?);
            }
        }
        let images = Variable::concatenate(&shown.iter().collect::<Vec<_>>(), 0)?;
        let content = Content::Images { images, columns: self.sizes.len() };
        let walk = self.walk(FRAMES, 0, &mut showing.stream("walk"))?;
        let frames = (0..FRAMES).map(|frame| Ok(walk.narrow(0, frame, 1)?)).collect::<Result<_>>()?;
        let moving = Content::Animation { frames, columns: 1 };
        Ok(vec![
            Exhibit { series: "scales".into(), content },
            Exhibit { series: "walk".into(), content: moving },
        ])
    }

    fn as_sampler(&self) -> Option<&dyn Sampler> {
        Some(self)
    }

    fn as_scale_sampler(&self) -> Option<&dyn ScaleSampler> {
        Some(self)
    }

    fn as_reconstructor(&self) -> Option<&dyn Reconstructor> {
        Some(self)
    }
}
