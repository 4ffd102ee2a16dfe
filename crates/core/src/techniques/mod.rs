//! What changes a discriminator's inputs, losses or updates: each can be switched on wherever there is a critic.

mod consistency;
mod feature_matching;
mod instance_noise;
mod packing;
mod unrolling;

pub use consistency::Consistency;
pub use feature_matching::FeatureMatching;
pub use instance_noise::InstanceNoise;
pub use packing::pack;
pub use unrolling::{UnrolledGradient, Unrolling};
