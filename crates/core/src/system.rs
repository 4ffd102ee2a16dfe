//! The trait that the trainer depends on.

use brigand_autograd::Variable;

use crate::batch::Batch;
use crate::capability::{
    CaptionSampler, Classifier, Encoder, Exhibit, LineTranslator, Reconstructor, Reenactor, Sampler,
    ScaleSampler, ScoreField, SequenceSampler, Showing, SoundSampler, Tagger, Transcriber, Translator,
};
use crate::error::{Error, Result};
use crate::modules::{Estimate, Part, Statistics};
use crate::players::Turn;
use crate::state::State;

/// The parts of a system by name, as a checkpoint holds them.
pub type Parts<'a> = Vec<(&'static str, &'a mut dyn Part)>;

/// The named fields of a system as its parts: `parts!(self, generator, discriminator)`.
#[macro_export]
macro_rules! parts {
    ($system:ident, $($field:ident),+ $(,)?) => {
        vec![$((stringify!($field), &mut $system.$field as &mut dyn $crate::modules::Part)),+]
    };
}

/// A horizontal line that theory draws into a measurement's curve.
#[derive(Clone, Debug, PartialEq)]
pub struct TheoryLine {
    /// The measurement, as reported.
    pub metric: &'static str,
    /// What the line means, for example `ln 4`.
    pub label: &'static str,
    /// Its height.
    pub value: f64,
}

/// A system in training.
pub trait System: Send {
    /// Everything that training changes.
    fn parts(&mut self) -> Parts<'_>;

    /// One step: as many updates of each player as the recipe says.
    ///
    /// # Errors
    /// If the data cannot be read, or a computation fails.
    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()>;

    /// What it shows beside what its capabilities give.
    ///
    /// # Errors
    /// If a computation fails.
    fn show(&self, _showing: &Showing<'_>) -> Result<Vec<Exhibit>> {
        Ok(Vec::new())
    }

    /// Whether it is measured while training on samples that are kept from it.
    fn needs_held_out(&self) -> bool {
        false
    }

    /// The phase, by its key in the recipe's `phases`, in which all of the first `step` steps were, if none of them trained what makes
    /// its samples.
    fn untrained_phase(&self, _step: u64) -> Option<&'static str> {
        None
    }

    /// The lines that theory draws into the history.
    fn theory(&self) -> Vec<TheoryLine> {
        Vec::new()
    }

    /// It as something that makes samples from latents.
    fn as_sampler(&self) -> Option<&dyn Sampler> {
        None
    }

    /// It as something that makes images from captions.
    fn as_caption_sampler(&self) -> Option<&dyn CaptionSampler> {
        None
    }

    /// It as something that makes images of any size through scales.
    fn as_scale_sampler(&self) -> Option<&dyn ScaleSampler> {
        None
    }

    /// It as something that translates.
    fn as_translator(&self) -> Option<&dyn Translator> {
        None
    }

    /// It as something that draws a person in given poses.
    fn as_reenactor(&self) -> Option<&dyn Reenactor> {
        None
    }

    /// It as something that makes sequences.
    fn as_sequence_sampler(&self) -> Option<&dyn SequenceSampler> {
        None
    }

    /// It as something that brings lines of text to another style.
    fn as_line_translator(&self) -> Option<&dyn LineTranslator> {
        None
    }

    /// It as something that finds the phonemes of speech.
    fn as_transcriber(&self) -> Option<&dyn Transcriber> {
        None
    }

    /// It as something that finds latents.
    fn as_encoder(&self) -> Option<&dyn Encoder> {
        None
    }

    /// It as something that makes samples again without latents of its own.
    fn as_reconstructor(&self) -> Option<&dyn Reconstructor> {
        None
    }

    /// It as something that assigns classes or clusters.
    fn as_classifier(&self) -> Option<&dyn Classifier> {
        None
    }

    /// It as something that makes images from sounds.
    fn as_sound_sampler(&self) -> Option<&dyn SoundSampler> {
        None
    }

    /// It as something that finds several labels of an image.
    fn as_tagger(&self) -> Option<&dyn Tagger> {
        None
    }

    /// It as something that scores samples one by one.
    fn as_score_field(&self) -> Option<&dyn ScoreField> {
        None
    }

    /// It as something that makes samples from latents.
    ///
    /// # Errors
    /// If it makes none.
    fn sampler(&self) -> Result<&dyn Sampler> {
        self.as_sampler().ok_or_else(|| {
            Error::Request("this system makes no samples from latents; give a run of one that does".into())
        })
    }

    /// The samples of `batch` as it makes them again, where it can: through an encoder and a sampler, or by itself.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    fn reconstruct(&self, batch: &Batch) -> Result<Option<Variable>> {
        if let Some(own) = self.as_reconstructor() {
            return own.reconstruct(batch).map(Some);
        }
        match (self.as_encoder(), self.as_sampler()) {
            (Some(encoder), Some(sampler)) => sampler.generate(&encoder.encode(batch)?).map(Some),
            (None, _) | (_, None) => Ok(None),
        }
    }

    /// Everything that training changes, for a checkpoint.
    ///
    /// # Errors
    /// If a tensor cannot be fetched from its device.
    fn save(&mut self) -> Result<State> {
        let mut state = State::default();
        self.parts().into_iter().try_for_each(|(name, part)| part.save(name, &mut state))?;
        Ok(state)
    }

    /// Takes back what [`System::save`] gave.
    ///
    /// # Errors
    /// If something is missing, does not fit, or is left over.
    fn restore(&mut self, mut state: State) -> Result<()> {
        self.parts().into_iter().try_for_each(|(name, part)| part.restore(name, &mut state))?;
        state.refuse_remains()
    }

    /// How many trained numbers each network has, by its name; those of equal names, such as the networks of several scales,
    /// are added.
    fn sizes(&mut self) -> Vec<(String, usize)> {
        let parts = self.parts();
        let mut sizes: Vec<(String, usize)> = Vec::new();
        for network in parts.iter().flat_map(|(_, part)| part.parameters()) {
            let count = network.weights().count();
            match sizes.iter_mut().find(|(name, _)| name == network.name()) {
                Some((_, sum)) => *sum += count,
                None => sizes.push((network.name().to_owned(), count)),
            }
        }
        sizes
    }
}

/// The statistics of so many batches of `latents` (by their number), for exactly the weights that sample: running statistics
/// lag behind the weights, averaged weights have none, and truncated latents have others (Brock et al. 2018,
/// arXiv:1809.11096, "standing statistics"). Of no network where samples use no statistics.
///
/// # Errors
/// If a computation fails.
pub fn estimate(
    sampler: &dyn Sampler,
    batches: usize,
    latents: &dyn Fn(&dyn Sampler, u64) -> Result<Variable>,
) -> Result<Estimate> {
    let mut estimate = Estimate::default();
    for number in 0..batches as u64 {
        sampler.generate_with(&latents(sampler, number)?, &mut Statistics::Estimated(&mut estimate))?;
        if estimate.networks() == 0 {
            break;
        }
    }
    Ok(estimate)
}

/// Makes the system sample with statistics that are [estimated](estimate) anew. Training's own statistics stay. Systems
/// without batch statistics in what samples are left as they are.
///
/// # Errors
/// If a computation fails.
pub fn estimate_statistics(
    system: &mut dyn System,
    batches: usize,
    latents: &dyn Fn(&dyn Sampler, u64) -> Result<Variable>,
) -> Result<()> {
    let Some(sampler) = system.as_sampler() else { return Ok(()) };
    let estimate = estimate(sampler, batches, latents)?;
    if estimate.networks() == 0 {
        return Ok(());
    }
    let taken: usize = system.parts().into_iter().map(|(_, part)| part.sample_by(Some(&estimate))).sum();
    if taken == estimate.networks() {
        return Ok(());
    }
    let named = estimate.networks();
    Err(Error::Internal(format!(
        "statistics of {named} networks were estimated, and {taken} networks took them"
    )))
}
