//! What a discriminator has besides its body, and gives besides its scores.

use brigand_autograd::Variable;

use crate::modules::{Minibatch, Reparametrisation};

/// What a discriminator has besides its body.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DiscriminatorOptions {
    /// What it computes over its whole batch.
    pub minibatch: Minibatch,
    /// How every weight is used.
    pub reparametrisation: Reparametrisation,
    /// Where it uses a condition.
    pub condition: ConditionUse,
    /// Numbers of an auxiliary head on the features, behind a hidden layer; `None` for no such head.
    pub auxiliary: Option<usize>,
}

/// Where a discriminator uses a condition `[batch, size]` of the given size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConditionUse {
    /// Nowhere.
    #[default]
    None,
    /// Beside the sample, as coordinates of a vector or constant planes of an image (Mirza and Osindero 2014,
    /// arXiv:1411.1784).
    BesideSample(usize),
    /// Beside the features, with a hidden layer behind them.
    BesideFeatures(usize),
    /// In the last layer (projection discriminator, Miyato and Koyama 2018, arXiv:1802.05637).
    Projection(usize),
}

/// The outputs of a discriminator besides its scores.
#[derive(Clone)]
pub struct Heads {
    /// The auxiliary head's numbers, `[batch, size]`.
    pub auxiliary: Option<Variable>,
    /// An auto-encoder's reconstruction of its input, `[batch, sample...]`.
    pub reconstruction: Option<Variable>,
}
