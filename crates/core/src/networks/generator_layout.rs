//! What a generator's layers are told before they are built.

use crate::batch::SampleShape;
use crate::modules::Reparametrisation;

/// What the layers of a generator or decoder are built for.
pub(super) struct GeneratorLayout<N> {
    pub(super) latent: usize,
    pub(super) sample: SampleShape,
    pub(super) logits: bool,
    pub(super) reparametrisation: Reparametrisation,
    pub(super) normalizing: N,
}
