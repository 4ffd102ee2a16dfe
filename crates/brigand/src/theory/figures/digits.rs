//! The embedded digits, some of them held out.

use brigand_autograd::Variable;

use crate::data::{Dataset, Options, Spec, load};
use crate::error::Result;
use crate::random::Stream;
use brigand_core::batch::SampleShape;

/// Held-out digits, on which discriminators are evaluated.
pub(super) const HELD_OUT: usize = 297;

/// The digits for training and for evaluation.
pub(super) struct Digits {
    set: Dataset,
    trained: usize,
}

impl Digits {
    pub(super) fn new() -> Result<Self> {
        let set = load(&Spec::Digits, &Options::default())?;
        Ok(Self { trained: set.len().saturating_sub(HELD_OUT), set })
    }

    fn get(&self, indices: &[usize]) -> Result<Variable> {
        let batch = self.set.get(indices)?;
        Ok(Variable::from_slice(&batch.values, &batch.shape)?)
    }

    /// A batch to train on, number `draw`.
    pub(super) fn batch(&self, count: usize, draw: u64) -> Result<Variable> {
        let mut stream = Stream::new(0, "figure/digits", draw);
        self.get(&(0..count).map(|_| stream.index(self.trained)).collect::<Vec<_>>())
    }

    /// Those that nothing is trained on.
    pub(super) fn held_out(&self) -> Result<Variable> {
        self.get(&(self.trained..self.set.len()).collect::<Vec<_>>())
    }

    pub(super) fn shape(&self) -> Result<SampleShape> {
        SampleShape::of(self.set.shape())
    }
}
