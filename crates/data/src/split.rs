//! Parts of a data set.

/// Which part of a set that its authors divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Split {
    /// The part for training.
    #[default]
    Train,
    /// The held-out part, for evaluation.
    Test,
}
