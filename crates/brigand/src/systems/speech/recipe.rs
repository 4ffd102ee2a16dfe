//! The recipe of `speech-recognition`.

use brigand_core::batch::{FRAMES, Need, SampleKind, TOKENS};
use brigand_core::limits::{at_least_one, at_least_zero, within};
use brigand_core::players::{AdversarialRecipe, OptimizerRecipe, Schedule};
use brigand_core::recipe::{Family, Length, Make, Row, SystemRecipe};
use brigand_core::system::System;
use brigand_core::{Error, Result, Setup};
use serde::{Deserialize, Serialize};

use super::super::HeldOutRecipe;
use super::super::text::{ConvolutionsRecipe, CriticRecipe, RelaxationRecipe};
use super::super::two_player::{Players, check_discriminator_steps};
use super::Speech;

/// Its row of the registry.
pub(in super::super) const ROW: Row = Row {
    name: "speech-recognition",
    family: Family::Sequences,
    summary: "phonemes of speech without transcripts: a GAN between segments and unrelated text, then hidden Markov models",
    paper: "Liu et al. 2018, arXiv:1804.00316; Chen et al. 2019, arXiv:1904.04100",
    data: "cipher",
    length: |_| Length { steps: 2000, batch: 64 },
    make: Make::of::<SpeechRecipe>(),
};

/// Everything that makes one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeechRecipe {
    /// Where the segments of an utterance come from.
    pub segments: Segmentation,
    /// How many segments are found for each phoneme that text has in a line. With more than 1, more phonemes are cut than two are
    /// taken for one; the text that the critic is given then has phonemes repeated as often.
    pub segments_per_phoneme: f64,
    /// From a segment to phonemes.
    pub generator: SegmentGeneratorRecipe,
    /// The critic of sequences of phonemes.
    pub discriminator: ConvolutionsRecipe,
    /// Segments, and phonemes of text, that the critic is given at once.
    pub window: usize,
    /// How the choices of phonemes are made differentiable.
    pub relaxation: RelaxationRecipe,
    /// The weight of the squared difference between the probabilities of two frames of a segment.
    pub agreement: f64,
    /// What the players minimise, and what is added to the critic's loss.
    #[serde(flatten)]
    pub adversarial: AdversarialRecipe,
    /// How they step.
    pub optimizer: Players<OptimizerRecipe>,
    /// How the step sizes change over the run.
    pub schedule: Schedule,
    /// Critic updates, each on a fresh batch, for one generator update.
    pub discriminator_steps: u64,
    /// How many times the GAN is trained and hidden Markov models after it, in equal parts of the run. From the second time on
    /// the segments are those that the models found.
    pub iterations: u64,
    /// The hidden Markov models.
    pub hmm: HmmRecipe,
    /// How often the logarithms of the language model count when the GAN's phonemes are decoded.
    pub language_weight: f64,
    /// When held-out utterances are transcribed.
    pub held_out: HeldOutRecipe,
}

/// Where segments come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Segmentation {
    /// They are part of the data.
    Given,
    /// Where the features change most: `segments_per_phoneme` times as many as the text has phonemes in a line.
    Found,
}

/// From a segment to phonemes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SegmentGeneratorRecipe {
    /// Segments are put into so many clusters, and each cluster has its probabilities of phonemes (Liu et al. 2018).
    Clusters {
        /// How many clusters there are.
        #[serde(default = "usual_clusters")]
        count: usize,
    },
    /// A network of a frame of the segment, which is drawn around its middle, and of its neighbours (Chen et al. 2019).
    Frames {
        /// Frames on each side that it is given too.
        #[serde(default = "usual_context")]
        context: usize,
        /// Units of its hidden layer.
        #[serde(default = "usual_hidden")]
        hidden: usize,
    },
}

const fn usual_clusters() -> usize {
    60
}

const fn usual_context() -> usize {
    5
}

const fn usual_hidden() -> usize {
    128
}

/// Hidden Markov models of phonemes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HmmRecipe {
    /// States of a phoneme.
    pub states: usize,
    /// How often states and distributions are found in turn.
    pub passes: usize,
    /// What a frame counts for.
    pub counting: CountingRecipe,
    /// How often the logarithms of the language model count beside those of the frames.
    pub language_weight: f64,
    /// Whether models of the true phonemes of the trained utterances are measured beside them, as a bound of what can be reached.
    /// Nothing else is done with those.
    pub supervised: bool,
}

/// What a frame counts for when distributions are estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CountingRecipe {
    /// The state on the best path (Viterbi training).
    BestPath,
    /// Every state, as probable as it is (Baum and Welch).
    AllPaths,
}

impl SystemRecipe for SpeechRecipe {
    const NEEDS: &'static [Need] = &[Need::Numbers(FRAMES), Need::Indices(TOKENS)];

    fn defaults(_: SampleKind) -> Result<Self> {
        Ok(Self {
            segments: Segmentation::Given,
            segments_per_phoneme: 1.1,
            generator: SegmentGeneratorRecipe::Clusters { count: usual_clusters() },
            discriminator: ConvolutionsRecipe { width: 64, layers: 2 },
            window: 10,
            relaxation: RelaxationRecipe::default(),
            agreement: 0.5,
            adversarial: AdversarialRecipe::wgan_gp(),
            optimizer: Players {
                generator: OptimizerRecipe::adam(1e-2, 0.5, 0.9),
                discriminator: OptimizerRecipe::adam(1e-3, 0.5, 0.9),
            },
            schedule: Schedule::Constant {},
            discriminator_steps: 3,
            iterations: 1,
            hmm: HmmRecipe {
                states: 3,
                passes: 4,
                counting: CountingRecipe::BestPath,
                language_weight: 10.0,
                supervised: false,
            },
            language_weight: 1.0,
            held_out: HeldOutRecipe { every: 200 },
        })
    }

    fn check(&self) -> Result<()> {
        match self.generator {
            SegmentGeneratorRecipe::Clusters { count } => within("generator.count", count, 1..=8192)?,
            SegmentGeneratorRecipe::Frames { context, hidden } => {
                within("generator.context", context, 0..=100)?;
                within("generator.hidden", hidden, 1..=8192)?;
            }
        }
        within("window", self.window, 1..=1024)?;
        within("hmm.states", self.hmm.states, 1..=100)?;
        at_least_one("iterations", self.iterations as usize)?;
        let weights = [
            ("agreement", self.agreement),
            ("language_weight", self.language_weight),
            ("hmm.language_weight", self.hmm.language_weight),
        ];
        at_least_zero(&weights)?;
        if !(0.1..=10.0).contains(&self.segments_per_phoneme) {
            return Err(Error::Recipe(format!(
                "segments_per_phoneme is {}; give a number from 0.1 to 10",
                self.segments_per_phoneme
            )));
        }
        self.discriminator.check()?;
        self.relaxation.check()?;
        self.adversarial.check()?;
        self.schedule.check()?;
        self.optimizer.check()?;
        check_discriminator_steps("discriminator_steps", self.discriminator_steps)
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        let relaxation = self.relaxation.changes().then_some("relaxation");
        self.schedule.spread_over_run().into_iter().chain(relaxation).chain(["iterations"]).collect()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        Ok(Box::new(Speech::new(self.clone(), setup)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_no_computer_holds_are_refused_with_their_key() {
        let huge = usize::MAX / 2;
        let changed = |change: &dyn Fn(&mut SpeechRecipe)| {
            let mut recipe = SpeechRecipe::defaults(SampleKind::Image).unwrap();
            change(&mut recipe);
            recipe.check()
        };
        let frames = |context, hidden| SegmentGeneratorRecipe::Frames { context, hidden };
        for (key, refused) in [
            (
                "generator.count",
                changed(&|recipe| recipe.generator = SegmentGeneratorRecipe::Clusters { count: huge }),
            ),
            ("generator.context", changed(&|recipe| recipe.generator = frames(huge, 8))),
            ("generator.hidden", changed(&|recipe| recipe.generator = frames(5, huge))),
            ("window", changed(&|recipe| recipe.window = huge)),
            ("hmm.states", changed(&|recipe| recipe.hmm.states = huge)),
        ] {
            let message = refused.unwrap_err().to_string();
            assert!(message.starts_with(&format!("{key} is {huge}; give ")), "{message}");
        }
        assert!(changed(&|recipe| recipe.generator = frames(0, 8192)).is_ok());
    }
}
