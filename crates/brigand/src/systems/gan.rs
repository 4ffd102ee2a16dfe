//! `gan`: the original GAN with fully connected networks (Goodfellow et al. 2014, arXiv:1406.2661).

use super::latent::{LatentRecipe, Prior};
use super::optimizer::OptimizerRecipe;
use super::{AverageRecipe, DuelRecipe, Players, UpdateRecipe};
use crate::networks::{Hidden, HiddenNormalization, MlpRecipe, NetworkRecipe, SampleKind};
use crate::objectives::Objective;
use crate::penalties::Penalty;

/// The lecture's network at its small size for images (hidden layers 64, 128, 256, activation before batch
/// norm); two plain hidden layers for points.
pub(super) fn recipe(sample: SampleKind) -> DuelRecipe {
    let mlp = |widths: &[usize], activation, normalization| {
        NetworkRecipe::Mlp(MlpRecipe { widths: widths.to_vec(), activation, normalization })
    };
    let (latent, generator, discriminator) = if sample == SampleKind::Image {
        let generator = mlp(&[64, 128, 256], Hidden::LeakyRelu, HiddenNormalization::AfterActivation);
        (100, generator, mlp(&[128, 64], Hidden::LeakyRelu, HiddenNormalization::None))
    } else {
        let two = mlp(&[128, 128], Hidden::Relu, HiddenNormalization::None);
        (16, two.clone(), two)
    };
    DuelRecipe {
        latent: LatentRecipe { size: latent, prior: Prior::Normal },
        generator,
        discriminator,
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
