//! The Wasserstein distance and its relatives.

use brigand_core::batch::SampleKind;
use brigand_core::networks::NetworkRecipe;
use brigand_core::objectives::{CTransform, GanQp};
use brigand_core::penalties::{Constraint, Cost, Probe};
use brigand_core::players::OptimizerRecipe;
use brigand_core::recipe::{Family, Row};
use brigand_core::techniques::Consistency;

use super::super::TwoPlayerRecipe;
use super::{boxed, critic, ordinary, penalty, rate, row, weight};

const FAMILY: Family = Family::Wasserstein;

pub(super) const ROWS: [Row; 7] = [
    row(
        (
            "wgan",
            FAMILY,
            "Wasserstein loss, critic with clipped weights",
            "Arjovsky et al. 2017, arXiv:1701.07875",
        ),
        |kind| boxed(wgan(kind)),
    ),
    row(
        (
            "wgan-gp",
            FAMILY,
            "Wasserstein loss with a two-sided gradient penalty between real and generated samples",
            "Gulrajani et al. 2017, arXiv:1704.00028",
        ),
        |kind| boxed(wgan_gp(kind)),
    ),
    row(
        (
            "wgan-lp",
            FAMILY,
            "Wasserstein loss with a one-sided gradient penalty: only gradient norms above 1 are penalised",
            "Petzka et al. 2017, arXiv:1709.08894",
        ),
        |kind| boxed(wgan_lp(kind)),
    ),
    row(
        (
            "ct-gan",
            FAMILY,
            "WGAN-GP with a consistency term between two dropout masks",
            "Wei et al. 2018, arXiv:1803.01541",
        ),
        |kind| boxed(ct_gan(kind)),
    ),
    row(
        (
            "wgan-div",
            FAMILY,
            "Wasserstein divergence: a penalty on the sixth power of the gradient norm, no Lipschitz constraint",
            "Wu et al. 2018, arXiv:1712.01026",
        ),
        |kind| boxed(wgan_div(kind)),
    ),
    row(
        (
            "c-transform",
            FAMILY,
            "Wasserstein distance whose second potential is the critic's c-transform over the batch",
            "Mallasto et al. 2019, arXiv:1910.00535",
        ),
        |kind| boxed(c_transform(kind)),
    ),
    row(
        (
            "gan-qp",
            FAMILY,
            "quadratic potential over pairs of real and generated samples, no Lipschitz constraint",
            "Su 2018, arXiv:1811.07296",
        ),
        |kind| boxed(gan_qp(kind)),
    ),
];

/// The authors' Adam: for convolutions on images with momentum, for points with a larger step.
fn adam(kind: SampleKind) -> OptimizerRecipe {
    OptimizerRecipe::adam(rate(kind, 1e-4), 0.5, 0.9)
}

fn wgan(kind: SampleKind) -> TwoPlayerRecipe {
    let rmsprop = OptimizerRecipe::Rmsprop { learning_rate: 5e-5, alpha: 0.99, epsilon: 1e-8, momentum: 0.0 };
    TwoPlayerRecipe { constraint: Constraint::Clip { bound: 0.01 }, ..critic(kind, rmsprop) }
}

fn wgan_gp(kind: SampleKind) -> TwoPlayerRecipe {
    TwoPlayerRecipe {
        penalty: penalty(Probe::Line, Cost::TwoSided, weight(kind)),
        ..critic(kind, adam(kind))
    }
}

fn wgan_lp(kind: SampleKind) -> TwoPlayerRecipe {
    TwoPlayerRecipe { penalty: penalty(Probe::Line, Cost::OneSided, weight(kind)), ..wgan_gp(kind) }
}

fn ct_gan(kind: SampleKind) -> TwoPlayerRecipe {
    let mut recipe = wgan_gp(kind);
    match &mut recipe.discriminator {
        NetworkRecipe::Dcgan(network) => network.dropout = vec![0.2, 0.5, 0.5],
        NetworkRecipe::Mlp(network) => network.dropout = vec![0.1, 0.1],
        NetworkRecipe::Resnet(_)
        | NetworkRecipe::ScaledResnet(_)
        | NetworkRecipe::Bottleneck(_)
        | NetworkRecipe::Autoencoder(_)
        | NetworkRecipe::Gran(_) => {}
    }
    recipe.techniques.consistency = Consistency { weight: 2.0, margin: 0.0 };
    recipe
}

fn wgan_div(kind: SampleKind) -> TwoPlayerRecipe {
    TwoPlayerRecipe { penalty: penalty(Probe::Line, Cost::SixthPower, 2.0), ..wgan_gp(kind) }
}

fn c_transform(kind: SampleKind) -> TwoPlayerRecipe {
    let objective = CTransform::default().into();
    TwoPlayerRecipe { objective, ..critic(kind, adam(kind)) }
}

/// Two critic steps, as in the author's code.
fn gan_qp(kind: SampleKind) -> TwoPlayerRecipe {
    let mut recipe = ordinary(kind);
    recipe.objective = GanQp::default().into();
    recipe.update.discriminator_steps = 2;
    recipe
}
