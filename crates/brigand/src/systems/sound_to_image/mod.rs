//! `sound-to-image`: images from sounds (after Wan et al. 2019, arXiv:1808.04108): an encoder of spectrograms at their absolute
//! level in both networks, a projection discriminator, and pairs of images and sounds that do not belong together.

mod recipe;
mod strips;

use brigand_autograd::{Variable, without_recording};
use brigand_core::batch::{Batch, IMAGES, SPECTROGRAM, SpectrogramField};
use brigand_core::capability::{Exhibit, Showing, SoundSampler};
use brigand_core::measurements::GENERATOR_LOSS;
use brigand_core::modules::{How, Mode, Network};
use brigand_core::networks::{SoundDiscriminator, SoundGenerator};
use brigand_core::players::{
    Conditioned, Critic, DISCRIMINATOR, Draw, Player, Triple, Turn, Wrong, other_meanings,
};
use brigand_core::random::Stream;
use brigand_core::recipe::{Family, Length, Make, Row};
use brigand_core::system::{Parts, System};
use brigand_core::{Place, Result, Setup, parts};

use super::held_out::for_each_portion;
use super::translation::{Mean, PAIR_ERROR};
pub use recipe::{Level, SoundToImageRecipe, SoundUpdates};
pub use strips::{PITCH_LEVELS, level_strip, pitch_strip};

/// Power beside the loudest of a spectrogram that [`Level::Relative`] adds before the logarithm, so that what is softer counts
/// little: the faint noise of loud sounds is above the floor of spectrograms, that of soft ones below.
const SOFTEST: f64 = 0.01;

/// Its row of the registry.
pub const ROW: Row = Row {
    name: "sound-to-image",
    family: Family::Conditional,
    summary: "images from sounds: encoders of log-mel spectrograms at absolute level, projection discriminator, mismatched pairs",
    paper: "Wan et al. 2019, arXiv:1808.04108",
    data: "tone-discs",
    length: |_| Length { steps: 2000, batch: 32 },
    make: Make::of::<SoundToImageRecipe>(),
};

/// Both players in training.
struct SoundToImage {
    recipe: SoundToImageRecipe,
    field: SpectrogramField,
    image: [usize; 3],
    place: Place,
    generator: Player<SoundGenerator>,
    discriminator: Critic<SoundDiscriminator>,
}

impl SoundToImage {
    fn new(recipe: &SoundToImageRecipe, setup: &Setup) -> Result<Self> {
        let (image, field) = (setup.schema.image(IMAGES)?, setup.schema.spectrogram()?);
        let sample = image.into();
        let sound = (&recipe.sound, field.bands);
        let generator = Network::build("generator", setup, |b| {
            SoundGenerator::new(b, &recipe.generator, sound, (recipe.latent.size, sample))
        })?;
        let discriminator = Network::build(DISCRIMINATOR, setup, |b| {
            SoundDiscriminator::new(b, &recipe.discriminator, sound, sample)
        })?;
        let generator = Player::new(generator, recipe.optimizer.generator)?.scheduled(recipe.schedule);
        let discriminator =
            Player::new(discriminator, recipe.optimizer.discriminator)?.scheduled(recipe.schedule);
        Ok(Self {
            field,
            image,
            place: setup.place.clone(),
            generator: generator.averaged(recipe.average),
            discriminator: Critic::new(discriminator, recipe.adversarial.rules())?,
            recipe: recipe.clone(),
        })
    }

    /// Spectrograms `[batch, 1, bands, frames]` as both networks are given them.
    fn standardised(&self, spectrograms: &Variable) -> Result<Variable> {
        match self.recipe.level {
            Level::Absolute => {
                let (mean, deviation) = (f64::from(self.field.mean), f64::from(self.field.deviation));
                Ok(spectrograms.affine(1.0 / deviation, -mean / deviation)?)
            }
            Level::Relative => {
                let floor = f64::from(SpectrogramField::FLOOR);
                let power = spectrograms.exp()?.affine(1.0, -floor)?.relu()?;
                let loudest = power.flatten_from_second()?.max(1)?.affine(1.0, floor)?;
                let shares = power.div(&loudest.reshape(&[spectrograms.shape()[0], 1, 1, 1])?)?;
                Ok(shares.affine(1.0, SOFTEST)?.log()?)
            }
        }
    }

    /// The real images of a draw under their sounds, as both networks are given these, and the sounds.
    fn real(&self, batch: &Batch) -> Result<(Conditioned, Variable)> {
        let sounds = self.standardised(batch.numbers(SPECTROGRAM)?)?;
        Ok((Conditioned::under(batch.numbers(IMAGES)?.clone(), sounds.clone()), sounds))
    }

    /// Images of the sounds of some pairs.
    fn fakes(&mut self, sounds: &Variable, (purpose, draw): (&str, Draw), mode: Mode) -> Result<Conditioned> {
        let noise = draw.rows(purpose, sounds.shape()[0], |count, stream| self.noise(count, stream))?;
        let images = self.generator.run_with(How::plain(mode), |g, pass| g.run(pass, &noise, sounds))?;
        Ok(Conditioned::under(images, sounds.clone()))
    }

    /// One update of the discriminator; the real images and their sounds.
    fn update_discriminator(&mut self, turn: &mut Turn<'_>, draw: Draw) -> Result<(Conditioned, Variable)> {
        let batch = turn.batch(draw)?;
        let (real, sounds) = self.real(&batch)?;
        let from = ("latents/discriminator", draw);
        let fake = without_recording(|| self.fakes(&sounds, from, Mode::BatchStatistics))?;
        let wrong = match self.recipe.update.mismatched {
            false => None,
            true => {
                // Without classes every sound means something else.
                let meanings = match batch.labels() {
                    Some(classes) => classes.to_vec(),
                    None => (0..sounds.shape()[0] as u32).collect(),
                };
                let others = other_meanings(&meanings, &mut draw.stream("wrong"));
                let of = |others: Vec<u32>| sounds.index_select(0, &others);
                others.map(of).transpose()?.map(|sounds| Conditioned::under(real.samples.clone(), sounds))
            }
        };
        let triple =
            Triple { real: &real, wrong: wrong.as_ref().map_or(Wrong::None, Wrong::Beside), fake: &fake };
        self.discriminator.learn_triple(turn, draw, triple, |_, _| Ok(Vec::new()))?;
        Ok((real, sounds))
    }

    /// Notes the distance of held-out sounds' images to the pictures that belong to them.
    fn note_held_out(&self, turn: &mut Turn<'_>) -> Result<()> {
        let (mut error, mut stream) = (Mean::default(), Stream::new(turn.feed().seed(), "held-out/noise", 0));
        for_each_portion(turn.feed(), |batch| {
            let sounds = batch.numbers(SPECTROGRAM)?;
            let made = self.images(&self.noise(sounds.shape()[0], &mut stream)?, sounds)?;
            error.add_distance(&made, batch.numbers(IMAGES)?)
        })?;
        if let Some(error) = error.value() {
            turn.report.note_number(PAIR_ERROR, error);
        }
        Ok(())
    }
}

impl System for SoundToImage {
    fn parts(&mut self) -> Parts<'_> {
        parts!(self, generator, discriminator)
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let (earlier, draw) = turn.rounds(self.recipe.update.discriminator_steps.into())?;
        for draw in earlier {
            self.update_discriminator(turn, draw)?;
        }
        let (real, sounds) = self.update_discriminator(turn, draw)?;
        let fake = self.fakes(&sounds, ("latents/generator", draw), Mode::Training)?;
        let loss = self.discriminator.loss_for(&real, &fake, draw)?;
        turn.note(GENERATOR_LOSS, &loss);
        turn.descend(&mut [&mut self.generator], &loss)?;
        if self.recipe.held_out.is_due(turn) { self.note_held_out(turn) } else { Ok(()) }
    }

    fn needs_held_out(&self) -> bool {
        self.recipe.held_out.every > 0
    }

    /// Sounds with their pictures and images made of them; the same sounds at rising levels; tones of rising pitch.
    fn show(&self, showing: &Showing<'_>) -> Result<Vec<Exhibit>> {
        Ok(vec![
            strips::sounds(self, showing)?,
            strips::levels(self, showing)?,
            strips::pitches(self, showing)?,
        ])
    }

    fn as_sound_sampler(&self) -> Option<&dyn SoundSampler> {
        Some(self)
    }
}

impl SoundSampler for SoundToImage {
    fn spectrogram(&self) -> SpectrogramField {
        self.field
    }

    fn place(&self) -> &Place {
        &self.place
    }

    fn image(&self) -> [usize; 3] {
        self.image
    }

    fn noise(&self, count: usize, stream: &mut Stream) -> Result<Variable> {
        let latent = self.recipe.latent;
        self.place.numbers(latent.part().distribution.draw(count, stream), &[count, latent.size])
    }

    fn images(&self, noise: &Variable, spectrograms: &Variable) -> Result<Variable> {
        let sounds = self.standardised(spectrograms)?;
        self.generator.sample(noise, |g, pass| g.run(pass, noise, &sounds))
    }
}
