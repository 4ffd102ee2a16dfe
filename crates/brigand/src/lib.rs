//! Train, sample, evaluate and explain generative adversarial networks.

pub mod data;
pub mod error;
pub mod evaluation;
pub mod files;
mod great_arc;
pub mod hardware;
pub mod latent_tools;
pub mod layers;
pub mod networks;
pub mod npy;
pub mod numbers;
pub mod objectives;
pub mod penalties;
pub mod pictures;
pub mod random;
pub mod recipe;
pub mod sampling;
pub mod systems;
pub mod techniques;
pub mod theory;
pub mod training;

pub use error::{Error, Result};

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct ReadmeExamples;
