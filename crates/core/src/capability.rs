//! What a trained system can do: evaluation, latent tools, export and the program depend on these traits and on no
//! system.

mod exhibit;
mod sampler;

use std::collections::BTreeMap;

use brigand_autograd::Variable;
use candle_core::Tensor;
use toml::Table;

use crate::batch::{Batch, Feed, Indices, MapLabel, NumberKey, SpectrogramField, TokenField};
use crate::error::Result;
use crate::networks::ImageClassifier;
use crate::place::Place;
use crate::random::Stream;

pub use exhibit::{Content, Exhibit, Showing};
pub use sampler::{Sampler, Sampling};

/// Makes images of any height and width through a series of scales, from the coarsest to the finest, which all show one
/// picture in other sizes.
pub trait ScaleSampler {
    /// Height and width of the picture at each scale, from the coarsest on.
    fn scales(&self) -> &[[usize; 2]];

    /// Channels of its images: 1 for grey, 3 for colour.
    fn image_channels(&self) -> usize;

    /// `count` images `[count, channels, height, width]` of `size` `[height, width]`, new from scale `start` on: before it
    /// they are the picture itself, stretched. From scale 0 on all of an image is new.
    ///
    /// # Errors
    /// If there is no such scale, or the size is too small for the coarsest one.
    fn sample_of_size(
        &self,
        size: [usize; 2],
        start: usize,
        count: usize,
        stream: &mut Stream,
    ) -> Result<Variable>;

    /// `frames` images `[frames, channels, height, width]` of the picture's size along a random walk of the noise around that
    /// of the picture, new from scale `start` on.
    ///
    /// # Errors
    /// If there is no such scale.
    fn walk(&self, frames: usize, start: usize, stream: &mut Stream) -> Result<Variable>;

    /// Given `images` `[n, channels, height, width]` in the picture's style: they take the place of what the scale before
    /// `start` would have made, and pass through those from `start` on. The result has the picture's height, and the width
    /// that keeps the images' shape. The first scales change whole objects, the last ones textures.
    ///
    /// # Errors
    /// If there is no such scale or it is the first, which has none before it, or the images have other channels.
    fn refine(&self, images: &Variable, start: usize, stream: &mut Stream) -> Result<Variable>;

    /// Given `images` enlarged `times` times, through the finest scale as often as it takes.
    ///
    /// # Errors
    /// If the images have other channels, or would become too large.
    fn enlarge(&self, images: &Variable, times: f64, stream: &mut Stream) -> Result<Variable>;
}

/// One way to translate: from a field of a batch to the kind of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direction {
    /// For example `a-to-b`.
    pub name: &'static str,
    /// The field it reads.
    pub from: NumberKey,
    /// The field whose kind it makes.
    pub to: NumberKey,
}

/// What a translator makes the style of a translation of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StyleInput {
    /// Numbers of a code [`crate::batch::CODES`], standard normal ones for a style at random.
    pub code: usize,
    /// Channels, height and width of images [`crate::batch::IMAGES`] whose style it can take; none where it has no encoder.
    pub image: Option<[usize; 3]>,
}

/// Makes samples of one domain from samples of another.
pub trait Translator {
    /// The ways.
    fn directions(&self) -> &[Direction];

    /// Channels of the images that are translated in a direction: 1 for grey, 3 for colour.
    fn channels(&self, direction: &Direction) -> usize;

    /// The labels of the maps that are translated in a direction, one-hot; `None` where images are.
    fn map_labels(&self, _direction: &Direction) -> Option<&[MapLabel]> {
        None
    }

    /// What styles are made of, where a translation has one: `batch` may have images or codes beside what is translated.
    fn style(&self) -> Option<StyleInput> {
        None
    }

    /// The translation of `batch` in one of its directions. Images of other sizes than those it was trained on work where
    /// the network allows it.
    ///
    /// # Errors
    /// If the batch lacks the field, or images of that size cannot be translated: the message says which can.
    fn translate(&self, direction: &Direction, batch: &Batch) -> Result<Variable>;
}

/// Draws a person, of whom some frames are known, in the poses of landmark drawings.
pub trait Reenactor {
    /// Frames that it makes, `[channels, height, width]`.
    fn frame(&self) -> [usize; 3];

    /// Whether it was fine-tuned on one person, whom it draws; it takes no frames of another then.
    fn is_of_one_person(&self) -> bool;

    /// The frames `[poses, channels, height, width]` of a person in the poses of `drawings` `[poses, 3, height, width]`.
    /// `person` has [`IMAGES`](crate::batch::IMAGES) and their [`LANDMARKS`](crate::batch::LANDMARKS).
    ///
    /// # Errors
    /// If no person is given and it needs one, or one is given and it takes none, or sizes do not fit.
    fn drive(&self, person: Option<&Batch>, drawings: &Variable) -> Result<Variable>;

    /// What fine-tuning on `person`, as [`Reenactor::drive`] takes one, starts from.
    ///
    /// # Errors
    /// If it was fine-tuned already.
    fn fine_tuning(&self, person: &Batch) -> Result<FineTuning>;
}

/// What fine-tuning starts from.
pub struct FineTuning {
    /// The recipe of the system that is fine-tuned, as it stands in a run folder.
    pub recipe: Table,
    /// Its tensors that are not first values of its own, by the names of its state.
    pub start: BTreeMap<String, Tensor>,
}

/// Makes images from captions.
pub trait CaptionSampler {
    /// What its images are made from besides captions.
    fn sampler(&self) -> &dyn Sampler;

    /// The words of a caption that the vocabulary lacks, which stand for the unknown word.
    ///
    /// # Errors
    /// If the caption has no word, or too many.
    fn unknown_words(&self, caption: &str) -> Result<Vec<String>>;

    /// `latents` of its sampler with these captions, one for each.
    ///
    /// # Errors
    /// As [`CaptionSampler::unknown_words`], or if there are not as many captions as latents.
    fn with_captions(&self, latents: &Variable, captions: &[&str]) -> Result<Variable>;

    /// The captions that `latents` hold, one for each.
    ///
    /// # Errors
    /// If they are no latents of its sampler.
    fn captions(&self, latents: &Variable) -> Result<Vec<String>>;

    /// The images of all `latents` for each caption, caption after caption.
    ///
    /// # Errors
    /// As [`CaptionSampler::with_captions`].
    fn images(&self, latents: &Variable, captions: &[String]) -> Result<Variable> {
        let count = latents.shape().first().copied().unwrap_or(0);
        let of = |caption: &String| {
            let latents = self.with_captions(latents, &vec![caption.as_str(); count])?;
            self.sampler().generate_all(&latents)
        };
        let images = captions.iter().map(of).collect::<Result<Vec<_>>>()?;
        Ok(Variable::concatenate(&images.iter().collect::<Vec<_>>(), 0)?)
    }

    /// How well images show their captions: `draws` images of each caption that `feed` holds out. `None` where it does not hold
    /// out ten captions of different meanings.
    ///
    /// # Errors
    /// If the held-out data has no captions over the same vocabulary.
    fn retrieval(&self, feed: &Feed, seed: u64, draws: u64) -> Result<Option<Retrieval>>;
}

/// Shares of images that the system's own encoders of images and captions, which were trained on its training data, find nearer to
/// their own held-out caption than to nine held-out captions of other meanings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retrieval {
    /// Held-out captions.
    pub captions: usize,
    /// Of the images made of these captions.
    pub made: f64,
    /// Of the real images that the captions belong to.
    pub real: f64,
    /// Of images made of captions of the training data instead: what an image gets that does not depend on its caption.
    pub random: f64,
}

/// Makes sequences over a vocabulary.
pub trait SequenceSampler {
    /// The word of each token.
    fn vocabulary(&self) -> &[String];

    /// `count` sequences of tokens.
    ///
    /// # Errors
    /// If none are asked for.
    fn sequences(&self, count: usize, stream: &mut Stream) -> Result<Vec<Vec<u32>>>;

    /// A sequence as people read it.
    fn text(&self, tokens: &[u32]) -> String;
}

/// Brings lines of text from one style to the other.
pub trait LineTranslator {
    /// What the two styles are called.
    fn styles(&self) -> [&str; 2];

    /// The vocabulary of its lines, and how many tokens they have at most.
    fn lines(&self) -> TokenField<'_>;

    /// `lines` `[batch, length]` of one style in the other, which is number `to` of [`LineTranslator::styles`]; each is filled up
    /// with ends.
    ///
    /// # Errors
    /// If the lines have other tokens or another length than its own, or there is no such style.
    fn transfer(&self, lines: &Indices, to: usize) -> Result<Vec<Vec<u32>>>;
}

/// Finds the phonemes of speech.
pub trait Transcriber {
    /// How many numbers a frame of [`FRAMES`](crate::batch::FRAMES) has, and samples in a second of the sound that they are from:
    /// 0 where they are from none.
    fn features(&self) -> (usize, u32);

    /// The phonemes of each utterance of `batch`, which has [`FRAMES`](crate::batch::FRAMES) and
    /// [`FRAME_COUNT`](crate::batch::FRAME_COUNT), a space between each two.
    ///
    /// # Errors
    /// If it was not trained, or frames have another size.
    fn transcribe(&self, batch: &Batch) -> Result<Vec<String>>;
}

/// Finds the latents of samples.
pub trait Encoder {
    /// The latents `[batch, size]` that stand for the samples of `batch`: what a sampler would take to make them again.
    ///
    /// # Errors
    /// If the samples have another shape than those it was trained on, or it needs labels and the batch has none.
    fn encode(&self, batch: &Batch) -> Result<Variable>;
}

/// Makes samples again, from codes of its own.
pub trait Reconstructor {
    /// The samples of `batch` as it makes them again, `[batch, sample...]`.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    fn reconstruct(&self, batch: &Batch) -> Result<Variable>;
}

/// Assigns samples to classes or clusters.
pub trait Classifier {
    /// Probabilities `[batch, classes]`.
    ///
    /// # Errors
    /// If the samples have another shape than those it was trained on.
    fn classify(&self, batch: &Batch) -> Result<Variable>;

    /// It as a classifier of images for evaluation, apart from training; `None` for one whose features nothing is measured
    /// by.
    ///
    /// # Errors
    /// If its weights cannot be fetched from their device.
    fn image_classifier(&self) -> Result<Option<ImageClassifier>> {
        Ok(None)
    }
}

/// Makes images from sounds.
pub trait SoundSampler {
    /// The spectrograms that it takes.
    fn spectrogram(&self) -> SpectrogramField;

    /// Where it computes.
    fn place(&self) -> &Place;

    /// Channels, height and width of its images.
    fn image(&self) -> [usize; 3];

    /// Noise of `count` images, `[count, size]`.
    ///
    /// # Errors
    /// If it does not fit the device.
    fn noise(&self, count: usize, stream: &mut Stream) -> Result<Variable>;

    /// The images `[count, channels, height, width]` of spectrograms `[count, 1, bands, frames]` with this noise.
    ///
    /// # Errors
    /// If the spectrograms are others than those it was trained on.
    fn images(&self, noise: &Variable, spectrograms: &Variable) -> Result<Variable>;
}

/// The probability from which a label counts as found where none was measured on held-out images.
pub const UNMEASURED_THRESHOLD: f64 = 0.5;

/// Finds the labels of images, of which several may hold for one.
pub trait Tagger {
    /// What the labels are called.
    fn labels(&self) -> &[String];

    /// Channels, height and width of its images.
    fn image(&self) -> [usize; 3];

    /// The probability from which a label counts as found, the same for all: the one of the best F1 on held-out samples when
    /// these were measured last; `None` before, when [`UNMEASURED_THRESHOLD`] counts.
    fn threshold(&self) -> Option<f64>;

    /// The probability of each label, `[batch, labels]`.
    ///
    /// # Errors
    /// If the images have another shape than those it was trained on.
    fn probabilities(&self, batch: &Batch) -> Result<Variable>;
}

/// Scores single samples, as a discriminator does.
pub trait ScoreField {
    /// The scores `[n]` of `places` `[n, sample...]`, and their gradients by the places, `[n, sample...]`.
    ///
    /// # Errors
    /// If the places have another shape than samples.
    fn field(&self, places: &Variable) -> Result<(Variable, Variable)>;

    /// The score above which a sample counts as real; `None` where no score does, as with a critic for the Wasserstein
    /// distance.
    fn threshold(&self) -> Option<f64>;
}
