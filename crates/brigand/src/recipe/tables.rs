//! The tables that every recipe has.

use std::fmt;

use brigand_autograd::Products;
use brigand_core::batch::Schema;
use brigand_core::{Place, Setup};
use candle_core::Device;
use serde::{Deserialize, Serialize};

use super::evaluation::EvaluationRecipe;
use crate::data::{Augmentation, Background, LONGEST, Tokens};
use crate::error::{Error, Result};

/// Where the real samples come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataRecipe {
    /// A data SPEC: `digits`, `mnist`, `folder:DIR`, `ring8`...
    pub source: String,
    /// Side that images are resized and cropped to; 0 leaves them as the source has them (folders: 64).
    pub size: usize,
    /// 1 for grey, 3 for colour, 0 for what the source has.
    pub channels: usize,
    /// What lies under the transparent parts of a folder's images: `white`, `black`, `grey` or `#rrggbb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<Background>,
    /// How training images are changed by chance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augment: Option<Augmentation>,
    /// What a token of a line of text is: `characters` or `words`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// Most tokens of a line of text; longer lines are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<usize>,
    /// Where files belong together, a data SPEC of samples that the system is measured on while it trains; empty to keep every
    /// sixth sample of `source` for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<String>,
    /// Of people: other frames beside the target in an episode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<usize>,
    /// What the classes are called, noted for systems that can be asked for one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
}

/// How long, how much at once, with which seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingRecipe {
    /// Steps; one step is one generator update.
    pub steps: u64,
    /// Samples in a batch.
    pub batch: usize,
    /// Decides first weights, batches, latents and every other draw. At most `i64::MAX`, TOML's largest.
    pub seed: u64,
    /// Steps between two lines of `metrics.jsonl`.
    pub report_every: u64,
    /// How convolutions, fully connected layers and attention multiply.
    #[serde(default)]
    pub precision: Precision,
}

/// How convolutions, fully connected layers and attention multiply. Weights, what lies between layers, statistics, losses and
/// optimizers are in single precision either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// In single precision.
    #[default]
    F32,
    /// Numbers rounded to bfloat16, added up in single precision; on the CPU, see [`Products::Bfloat16`].
    Bf16,
}

/// Pictures of the same latents while training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplesRecipe {
    /// Steps between two pictures; 0 for none but the last.
    pub every: u64,
    /// Samples in a picture of images; points have a fixed number.
    pub count: usize,
}

/// Checkpoints while training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointRecipe {
    /// Steps between two checkpoints; 0 for none but the last.
    pub every: u64,
    /// How many of the latest are kept.
    pub keep: usize,
    /// Batches over which the statistics of batch normalisation are estimated for the weights that sample, before a
    /// checkpoint and an evaluation; 0 to sample with the running statistics of training.
    #[serde(default = "CheckpointRecipe::statistics_batches")]
    pub statistics_batches: usize,
}

/// The most frames beside the target in an episode.
const MOST_FRAMES: usize = 64;
/// More batches take longer than training and change nothing.
const MOST_STATISTICS_BATCHES: usize = 10_000;

impl CheckpointRecipe {
    /// Enough that their noise is far below what differs between running and estimated statistics.
    pub(super) fn statistics_batches() -> usize {
        50
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        })
    }
}

/// The tables that every recipe has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Common {
    /// The system's name in the registry.
    pub system: String,
    /// Where the real samples come from.
    pub data: DataRecipe,
    /// How long, how much at once, with which seed.
    pub training: TrainingRecipe,
    /// Pictures while training.
    pub samples: SamplesRecipe,
    /// Checkpoints while training.
    pub checkpoint: CheckpointRecipe,
    /// Measuring samples while training.
    #[serde(default)]
    pub evaluation: EvaluationRecipe,
}

impl Common {
    /// Where and in which precision the system computes on `device`.
    pub fn place(&self, device: &Device) -> Place {
        let products = match self.training.precision {
            Precision::F32 => Products::Full,
            Precision::Bf16 => Products::Bfloat16,
        };
        Place { products, ..Place::on(device) }
    }

    /// What the system is built for.
    pub fn setup(&self, schema: Schema, place: Place) -> Setup {
        let TrainingRecipe { steps, batch, seed, .. } = self.training;
        Setup { schema, batch, steps, seed, place }
    }

    pub(super) fn check(&self) -> Result<()> {
        let refuse = |text: String| Err(Error::Recipe(text));
        if self.training.steps == 0 {
            return refuse("training.steps is 0; give at least 1".into());
        }
        if self.training.batch == 0 {
            return refuse("training.batch is 0; give at least 1".into());
        }
        if self.training.seed > i64::MAX as u64 {
            return refuse(format!("training.seed {} is larger than {}", self.training.seed, i64::MAX));
        }
        if self.training.report_every == 0 {
            return refuse("training.report_every is 0; give at least 1".into());
        }
        if self.samples.count == 0 || self.samples.count > 10_000 {
            return refuse(format!("samples.count is {}; give 1 to 10000", self.samples.count));
        }
        if self.checkpoint.keep == 0 {
            return refuse("checkpoint.keep is 0, so nothing could be resumed; give at least 1".into());
        }
        if self.checkpoint.statistics_batches > MOST_STATISTICS_BATCHES {
            return refuse(format!(
                "checkpoint.statistics_batches is {}; give 0 to {MOST_STATISTICS_BATCHES}",
                self.checkpoint.statistics_batches
            ));
        }
        if let Some(length) = self.data.length.filter(|length| !(1..=LONGEST).contains(length)) {
            return refuse(format!("data.length is {length}; give 1 to {LONGEST}"));
        }
        if self.data.frames.is_some_and(|frames| frames == 0 || frames > MOST_FRAMES) {
            return refuse(format!(
                "data.frames is {}; give 1 to {MOST_FRAMES}",
                self.data.frames.unwrap_or_default()
            ));
        }
        if ![0, 1, 3].contains(&self.data.channels) {
            return refuse(format!(
                "data.channels is {}; give 1 (grey), 3 (colour) or 0",
                self.data.channels
            ));
        }
        Ok(())
    }
}
