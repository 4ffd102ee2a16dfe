//! Adversarial auto-encoders: an auto-encoder whose codes are made to follow a prior by a discriminator of codes
//! (Makhzani et al. 2015, arXiv:1511.05644). Decoding draws of the prior then makes samples.
//!
//! Every step has up to three phases on the same batch. Reconstruction: encoder and decoder minimise the squared error.
//! Regularisation: the discriminator learns to classify codes against draws of the prior, and the encoder minimises the
//! generator's loss against it. Supervision, in one form: the encoder minimises the cross-entropy of the few labelled
//! samples. The four forms differ in what the encoder's output means and in the inputs of their discriminators.

mod autoencoder;
mod label_informed;
mod prior;
mod recipe;
mod semi_supervised;
mod style;
mod unsupervised;

use brigand_core::batch::SampleKind;
use brigand_core::recipe::{Family, Length, Make, Row};

/// The rows of the four forms.
pub(super) const ROWS: [Row; 4] = [
    row(
        "aae",
        "adversarial auto-encoder: the distribution of codes is matched to a prior by a discriminator of codes",
        Make::of::<unsupervised::AaeRecipe>(),
    ),
    row(
        "aae-labels",
        "adversarial auto-encoder with some labels: each class has its own component of the prior",
        Make::of::<label_informed::AaeLabelsRecipe>(),
    ),
    row(
        "aae-semi",
        "adversarial auto-encoder with a class code and a style code, semi-supervised",
        Make::of::<semi_supervised::AaeSemiRecipe>(),
    ),
    row(
        "aae-style",
        "adversarial auto-encoder with a class-conditional decoder: the code represents the style",
        Make::of::<style::AaeStyleRecipe>(),
    ),
];

const fn row(name: &'static str, summary: &'static str, make: Make) -> Row {
    let paper = "Makhzani et al. 2015, arXiv:1511.05644";
    Row { name, family: Family::Encoders, summary, paper, data: "digits", length, make }
}

fn length(kind: SampleKind) -> Length {
    match kind {
        SampleKind::Image => Length { steps: 4000, batch: 100 },
        SampleKind::Points => Length { steps: 5000, batch: 128 },
    }
}
