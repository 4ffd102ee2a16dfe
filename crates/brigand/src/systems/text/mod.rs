//! Systems of token sequences: GANs through relaxed tokens (`text-gumbel`, `text-wgan`), through a policy gradient
//! (`seqgan`), and the language model of maximum likelihood that they are compared with (`text-mle`).

mod critics;
mod generators;
mod language;
mod mle;
mod phases;
mod policy;
mod relaxation;
mod relaxed;
mod scores;
mod seqgan;
mod text_cnn;
mod vocabulary;

pub use critics::{ConvolutionsRecipe, CriticRecipe, ResidualCriticRecipe, SequenceCritic};
pub use generators::{
    GeneratorRecipe, RecurrentGenerator, RecurrentRecipe, RelaxedGenerator, ResidualGenerator,
    ResidualGeneratorRecipe,
};
pub use language::LanguageModelRecipe;
pub use mle::TextMleRecipe;
pub use phases::PhasesRecipe;
pub use policy::Baseline;
pub use relaxation::RelaxationRecipe;
pub use relaxed::{RelaxedTextRecipe, TextGumbelRecipe, TextWganRecipe};
pub use seqgan::SeqganRecipe;
pub use text_cnn::{FilterRecipe, TextCnnRecipe};
pub(super) use text_cnn::{SCORE, TextCnn};
pub(super) use vocabulary::{Vocabulary, indices};

use brigand_core::recipe::Row;

/// The rows of the registry.
pub(super) const ROWS: [Row; 4] = [relaxed::TEXT_GUMBEL, relaxed::TEXT_WGAN, seqgan::ROW, mle::ROW];
