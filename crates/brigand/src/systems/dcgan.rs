//! `dcgan`: strided convolutions with batch normalisation (Radford et al. 2015, arXiv:1511.06434).

use super::latent::{LatentRecipe, Prior};
use super::optimizer::OptimizerRecipe;
use super::{AverageRecipe, DuelRecipe, Players, UpdateRecipe};
use crate::networks::{DcganRecipe, NetworkRecipe, SampleKind};
use crate::objectives::Objective;
use crate::penalties::Penalty;

/// The paper's values, with 4x4 kernels, which double sizes exactly.
pub(super) fn recipe(_: SampleKind) -> DuelRecipe {
    let network = NetworkRecipe::Dcgan(DcganRecipe::default());
    DuelRecipe {
        latent: LatentRecipe { size: 100, prior: Prior::Normal },
        generator: network.clone(),
        discriminator: network,
        objective: Objective::NonSaturating {},
        penalty: Penalty::None {},
        optimizer: Players {
            generator: OptimizerRecipe::adam(2e-4, 0.5, 0.999),
            discriminator: OptimizerRecipe::adam(2e-4, 0.5, 0.999),
        },
        update: UpdateRecipe::default(),
        average: AverageRecipe::OFF,
    }
}
