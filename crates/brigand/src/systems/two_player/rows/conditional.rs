//! Class-conditional systems, and InfoGAN's latent codes.

use brigand_core::batch::SampleKind;
use brigand_core::networks::{DcganRecipe, Hidden, HiddenNormalization, MlpRecipe, NetworkRecipe};
use brigand_core::objectives::Hinge;
use brigand_core::penalties::Constraint;
use brigand_core::players::OptimizerRecipe;
use brigand_core::recipe::{Family, Length, Row};

use super::super::{
    CodesRecipe, ConditionRecipe, DiscriminatorCondition, GeneratorCondition, Players, TwoPlayerRecipe,
};
use super::{both, boxed, ordinary, row, two_hidden_layers};

const FAMILY: Family = Family::Conditional;

/// Conditional rows, and InfoGAN's.
pub(super) const ROWS: [Row; 5] = [
    Row {
        length: |kind| match kind {
            SampleKind::Image => Length { steps: 15_000, batch: 64 },
            SampleKind::Points => Length { steps: 10_000, batch: 128 },
        },
        ..row(
            (
                "cgan",
                FAMILY,
                "conditional GAN: the class is an input of generator and discriminator",
                "Mirza and Osindero 2014, arXiv:1411.1784",
            ),
            |kind| boxed(cgan(kind)),
        )
    },
    Row {
        length: |kind| match kind {
            SampleKind::Image => Length { steps: 4000, batch: 64 },
            SampleKind::Points => Length { steps: 10_000, batch: 128 },
        },
        ..row(
            (
                "cgan-projection",
                FAMILY,
                "projection discriminator with the hinge loss, class-conditional batch normalisation in the generator",
                "Miyato and Koyama 2018, arXiv:1802.05637",
            ),
            |kind| boxed(projection(kind)),
        )
    },
    row(
        (
            "cgan-matching",
            FAMILY,
            "matching-aware discriminator: a second output scores whether sample and class match",
            "Reed et al. 2016, arXiv:1605.05396",
        ),
        |kind| boxed(matching(kind)),
    ),
    row(
        (
            "acgan",
            FAMILY,
            "auxiliary classifier: the discriminator also predicts the class",
            "Odena et al. 2016, arXiv:1610.09585",
        ),
        |kind| boxed(auxiliary(kind)),
    ),
    Row {
        length: |kind| match kind {
            SampleKind::Image => Length { steps: 3000, batch: 128 },
            SampleKind::Points => Length { steps: 10_000, batch: 128 },
        },
        ..row(
            (
                "infogan",
                Family::Codes,
                "latent codes that the discriminator predicts from the samples (mutual information)",
                "Chen et al. 2016, arXiv:1606.03657",
            ),
            |kind| boxed(infogan(kind)),
        )
    },
];

fn condition(generator: GeneratorCondition, discriminator: DiscriminatorCondition) -> ConditionRecipe {
    ConditionRecipe { generator, discriminator }
}

fn layers(widths: &[usize], normalization: HiddenNormalization) -> NetworkRecipe {
    let (widths, activation) = (widths.to_vec(), Hidden::LeakyRelu);
    NetworkRecipe::Mlp(MlpRecipe { widths, activation, normalization, ..MlpRecipe::default() })
}

/// Fully connected, as in the paper, with Adam and without its maxout layers.
fn cgan(kind: SampleKind) -> TwoPlayerRecipe {
    let (generator, discriminator) = match kind {
        SampleKind::Image => (
            layers(&[256, 512], HiddenNormalization::AfterActivation),
            layers(&[512, 256], HiddenNormalization::None),
        ),
        SampleKind::Points => (two_hidden_layers(), two_hidden_layers()),
    };
    TwoPlayerRecipe {
        condition: condition(GeneratorCondition::Latent, DiscriminatorCondition::Sample {}),
        generator,
        discriminator,
        ..ordinary(kind)
    }
}

/// Convolutions of a quarter of DCGAN's width, which a processor trains in minutes.
fn convolutions(kind: SampleKind, batch_norm: bool) -> NetworkRecipe {
    match kind {
        SampleKind::Image => {
            NetworkRecipe::Dcgan(DcganRecipe { width: 32, batch_norm, ..DcganRecipe::default() })
        }
        SampleKind::Points => two_hidden_layers(),
    }
}

/// Images take larger steps than the paper's 2e-4 and keep half of the first moment: with its values 63 % of the
/// digits are of the given class after 3,000 steps, with these 95 % after 4,000.
fn projection(kind: SampleKind) -> TwoPlayerRecipe {
    let adam = match kind {
        SampleKind::Image => OptimizerRecipe::adam(5e-4, 0.5, 0.9),
        SampleKind::Points => OptimizerRecipe::adam(1e-3, 0.0, 0.9),
    };
    let generator = match kind {
        SampleKind::Image => convolutions(kind, true),
        SampleKind::Points => layers(&[128, 128], HiddenNormalization::BeforeActivation),
    };
    TwoPlayerRecipe {
        condition: condition(GeneratorCondition::BatchNorm, DiscriminatorCondition::Projection {}),
        generator,
        discriminator: convolutions(kind, false),
        objective: Hinge {}.into(),
        constraint: Constraint::Spectral {},
        optimizer: both(adam),
        ..ordinary(kind)
    }
}

/// In the plane a generator can move its samples away from the data to where no other class is near, unless generated
/// samples count as not matching.
fn matching(kind: SampleKind) -> TwoPlayerRecipe {
    let fakes = kind == SampleKind::Points;
    TwoPlayerRecipe {
        condition: condition(
            GeneratorCondition::Latent,
            DiscriminatorCondition::Matching { weight: 1.0, fakes },
        ),
        generator: convolutions(kind, true),
        discriminator: convolutions(kind, true),
        ..ordinary(kind)
    }
}

/// The classifier is trained on real images only: if it is trained on generated ones too, as in the paper, both players
/// converge to class features that other classifiers do not recognise. In the plane the classification loss moves samples
/// away from the data, so it has a smaller weight there.
fn auxiliary(kind: SampleKind) -> TwoPlayerRecipe {
    let (weight, fakes) = if kind == SampleKind::Image { (1.0, false) } else { (0.1, true) };
    TwoPlayerRecipe {
        condition: condition(
            GeneratorCondition::Latent,
            DiscriminatorCondition::Classifier { weight, fakes },
        ),
        generator: convolutions(kind, true),
        discriminator: convolutions(kind, true),
        ..ordinary(kind)
    }
}

/// The paper's codes for digits: one of ten values, and two continuous ones beside 62 numbers of noise. Points have two
/// coordinates, which one code of eight values describes.
fn infogan(kind: SampleKind) -> TwoPlayerRecipe {
    let mut recipe = ordinary(kind);
    recipe.codes = match kind {
        SampleKind::Image => CodesRecipe { categories: 10, continuous: 2, ..CodesRecipe::OFF },
        SampleKind::Points => CodesRecipe { categories: 8, continuous: 0, ..CodesRecipe::OFF },
    };
    recipe.generator = convolutions(kind, true);
    recipe.discriminator = convolutions(kind, true);
    if kind == SampleKind::Image {
        recipe.latent.size = 62;
        recipe.optimizer = Players {
            generator: OptimizerRecipe::adam(1e-3, 0.5, 0.999),
            discriminator: OptimizerRecipe::adam(2e-4, 0.5, 0.999),
        };
    }
    recipe
}
