//! Layers that add a measure of the similarity of the samples of a batch to a discriminator's features.

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use super::builder::Builder;
use super::condition::append_condition;
use super::initialization::Initialization;
use super::layer::unconditional_layer;
use super::parameters::WeightId;
use super::pass::Pass;
use crate::error::Result;

/// What a discriminator computes over its whole batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Minibatch {
    /// Nothing: every sample is scored by itself.
    #[default]
    None,
    /// Closeness to the other samples in learned projections.
    Discrimination,
    /// The mean standard deviation of the features.
    Deviation,
}

/// Projections of minibatch discrimination, and the numbers in each.
const KERNELS: usize = 100;
const NUMBERS: usize = 5;

/// Minibatch discrimination (Salimans et al. 2016, arXiv:1606.03498, section 3.2): to features
/// `[batch, features]` it appends `o_b(i) = sum_{j != i} exp(-|M_ib - M_jb|_1)` for each of 100 learned
/// projections `M_ib` of 5 numbers: `[batch, features + 100]`.
pub struct MinibatchDiscrimination {
    projection: WeightId,
}

impl MinibatchDiscrimination {
    /// Numbers it appends.
    pub const APPENDED: usize = KERNELS;

    /// A layer for `features`.
    pub fn new(builder: &mut Builder, features: usize) -> Result<Self> {
        let normal = Initialization::Normal { mean: 0.0, deviation: 0.05 };
        let wide = KERNELS * NUMBERS;
        builder.couple_samples();
        Ok(Self { projection: builder.weight("projection", &[features, wide], (features, wide), normal)? })
    }
}

impl MinibatchDiscrimination {
    fn run(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let projected = input.matmul(&pass.weight(self.projection)?)?;
        let closeness = closeness(&projected, KERNELS)?;
        Ok(Variable::concatenate(&[input, &closeness], 1)?)
    }

    fn couples(&self) -> bool {
        true
    }
}

unconditional_layer!(MinibatchDiscrimination, couples);

/// `o_b(i)` `[batch, kernels]` of projections `[batch, kernels x numbers]`.
fn closeness(projected: &Variable, kernels: usize) -> Result<Variable> {
    let (batch, wide) = (projected.shape()[0], projected.shape()[1]);
    let numbers = wide / kernels;
    let rows = projected.reshape(&[batch, 1, kernels, numbers])?;
    let columns = projected.reshape(&[1, batch, kernels, numbers])?;
    let distance = rows.sub(&columns)?.abs()?.sum(&[3])?;
    // Each sample is at distance 0 from itself, which the sum leaves out.
    Ok(distance.neg()?.exp()?.sum(&[1])?.affine(1.0, -1.0)?)
}

/// Samples that share one standard deviation, at most.
const GROUP: usize = 4;

/// The standard deviation of each feature over groups of up to four samples, averaged over features, appended
/// as one number (Karras et al. 2017, arXiv:1710.10196, section 3): `[batch, features + 1]`; or, to maps, averaged over
/// channels and positions and appended as a constant plane: `[batch, channels + 1, height, width]`.
pub struct MinibatchDeviation;

impl MinibatchDeviation {
    /// `input` with what is appended.
    ///
    /// # Errors
    /// If the input is neither vectors nor maps.
    pub fn run(&self, _: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let batch = input.shape().first().copied().unwrap_or(0);
        let features = input.elements() / batch.max(1);
        let group = (1..=GROUP.min(batch)).rev().find(|group| batch % group == 0).unwrap_or(1);
        let grouped = input.reshape(&[group, batch / group, features])?;
        let deviation = grouped.variance(&[0])?.affine(1.0, 1e-8)?.sqrt()?.mean(&[1])?;
        let spread = deviation.reshape(&[1, batch / group])?.broadcast_to(&[group, batch / group])?;
        append_condition(input, &spread.reshape(&[batch, 1])?)
    }

    fn couples(&self) -> bool {
        true
    }
}

unconditional_layer!(MinibatchDeviation, couples);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn deviation_of_four_samples_and_of_maps_is_the_same() {
        // Two features with deviations 1 and 0.
        let values = [1f32, 5.0, -1.0, 5.0, 1.0, 5.0, -1.0, 5.0];
        let of = |shape: &[usize]| {
            let setup = crate::Setup {
                schema: crate::batch::Schema::default(),
                batch: 4,
                steps: 1,
                seed: 1,
                place: crate::Place::cpu(),
            };
            let network = super::super::Network::build("a test", &setup, |_| Ok(MinibatchDeviation)).unwrap();
            let input = Variable::from_slice(&values, shape).unwrap();
            let found = network.evaluate(None, |layer, pass| layer.run(pass, &input)).unwrap();
            (found.shape().to_vec(), found.to_vec().unwrap())
        };
        let (shape, vectors) = of(&[4, 2]);
        assert_eq!(shape, [4, 3]);
        assert!((vectors[2] - 0.500_05).abs() < 1e-6 && vectors[2] == vectors[11], "{vectors:?}");
        let (shape, maps) = of(&[4, 1, 1, 2]);
        assert_eq!(shape, [4, 2, 1, 2]);
        assert_eq!(maps[..4], [1.0, 5.0, vectors[2], vectors[2]]);
    }

    #[test]
    fn closeness_of_three_samples() {
        let projected = Variable::from_slice(&[0f32, 1.0, 1.0, 1.0, 3.0, 0.0], &[3, 2]).unwrap();
        let found = closeness(&projected, 2).unwrap().to_vec().unwrap();
        let expected = [0.417_667, 1.367_879, 0.503_215, 1.367_879, 0.185_122, 0.735_759];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{found} instead of {expected}");
        }
    }
}
