//! Names of measurements that several systems report and history pictures use.

/// The discriminator's loss.
pub const DISCRIMINATOR_LOSS: &str = "discriminator_loss";
/// The generator's loss.
pub const GENERATOR_LOSS: &str = "generator_loss";
/// The share of real samples that the discriminator classifies as real.
pub const ACCURACY_ON_REAL: &str = "discriminator_accuracy_real";
/// The share of generated samples that the discriminator classifies as generated.
pub const ACCURACY_ON_FAKE: &str = "discriminator_accuracy_fake";
/// The share of the held-out samples that are classified correctly.
pub const HELD_OUT_ACCURACY: &str = "held_out_accuracy";
/// The mean negative log-likelihood of a token of the held-out sequences, in nats.
pub const HELD_OUT_NLL: &str = "held_out_nll";
