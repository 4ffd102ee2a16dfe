//! Discriminators that reconstruct: the score of a sample is minus its reconstruction error (Zhao et al. 2016,
//! arXiv:1609.03126).

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use super::{Head, NetworkRecipe, SampleShape};
use crate::error::{Error, Result};
use crate::layers::{Builder, Layer, Pass, Sequence};

/// An encoder with a discriminator's architecture and a decoder with a generator's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AutoencoderRecipe {
    /// Numbers of a code.
    #[serde(default = "code")]
    pub code: usize,
    /// From samples to codes.
    #[serde(default = "mlp")]
    pub encoder: Box<NetworkRecipe>,
    /// From codes to samples.
    #[serde(default = "mlp")]
    pub decoder: Box<NetworkRecipe>,
}

fn code() -> usize {
    32
}

fn mlp() -> Box<NetworkRecipe> {
    Box::new(NetworkRecipe::Mlp(super::MlpRecipe::default()))
}

impl AutoencoderRecipe {
    pub(super) fn layers(&self, builder: &mut Builder, sample: SampleShape) -> Result<Sequence> {
        if self.code == 0 || self.code > 65_536 {
            return Err(Error::Recipe(format!("an auto-encoder's code is {}; give 1 to 65536", self.code)));
        }
        let head = Head { outputs: Some(self.code), ..Head::default() };
        let encoder = builder.within("encoder", |b| self.encoder.judge_layers(b, sample, head))?;
        let decoder = builder.within("decoder", |b| self.decoder.generator_layers(b, self.code, sample))?;
        let mut layers = Sequence::new();
        layers.push_plain(Reconstruction { encoder, decoder });
        Ok(layers)
    }
}

/// `-mean (x - decode(encode(x)))²` over each sample's elements, `[batch]`; the codes are the features, and what was
/// decoded is left in the pass.
struct Reconstruction {
    encoder: Sequence,
    decoder: Sequence,
}

impl Layer for Reconstruction {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let codes = self.encoder.forward(pass, input)?;
        let rebuilt = self.decoder.forward(pass, &codes)?;
        let error = input.sub(&rebuilt)?;
        pass.features = Some(codes);
        pass.reconstruction = Some(rebuilt);
        Ok(error.square()?.flatten_from_second()?.mean(&[1])?.neg()?)
    }

    fn couples_samples(&self) -> bool {
        self.encoder.couples_samples() || self.decoder.couples_samples()
    }
}
