//! The sizes and options that a generator's layers are built from.

use crate::batch::SampleShape;
use crate::modules::Reparametrisation;

/// The sizes and options that the layers of a generator or decoder are built from.
pub(super) struct GeneratorLayout<N> {
    pub(super) latent: usize,
    pub(super) sample: SampleShape,
    pub(super) logits: bool,
    pub(super) reparametrisation: Reparametrisation,
    pub(super) normalizing: N,
}
