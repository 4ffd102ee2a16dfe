//! Learned maps that a generator starts from.

use brigand_autograd::Variable;

use super::builder::Builder;
use super::initialization::Initialization;
use super::layer::unconditional_layer;
use super::linear::Linear;
use super::parameters::WeightId;
use super::pass::Pass;
use super::weight::Plan;
use crate::error::Result;

/// A learned map `[channels, height, width]` whose channels are scaled by a linear function of each sample's latent: from
/// `[batch, latent]` to `[batch, channels, height, width]` (Huang et al. 2024, arXiv:2501.05441).
pub struct ModulatedBasis {
    basis: WeightId,
    scale: Linear,
}

impl ModulatedBasis {
    /// For latents of `latent` numbers and maps of a shape; the basis starts standard normal.
    pub fn new(builder: &mut Builder, latent: usize, shape: [usize; 3], plan: &Plan) -> Result<Self> {
        let standard = Initialization::Normal { mean: 0.0, deviation: 1.0 };
        let [channels, ..] = shape;
        Ok(Self {
            basis: builder.weight("basis", &shape, (channels, channels), standard)?,
            scale: builder.block("scale", |b| Linear::new(b, latent, channels, &plan.without_bias()))?,
        })
    }

    /// The maps.
    pub fn run(&self, pass: &mut Pass<'_>, latents: &Variable) -> Result<Variable> {
        let (basis, scale) = (pass.weight(self.basis)?, self.scale.run(pass, latents)?);
        let (batch, shape) = (scale.shape()[0], basis.shape().to_vec());
        let basis = basis.reshape(&[&[1], shape.as_slice()].concat())?;
        Ok(scale.reshape(&[batch, shape[0], 1, 1])?.mul(&basis)?)
    }
}

unconditional_layer!(ModulatedBasis);
