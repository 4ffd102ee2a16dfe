//! Train, sample, evaluate and explain generative adversarial networks.

pub mod hardware;
pub mod latent_tools;
pub mod recipe;
pub mod registry;
pub mod sampling;
pub mod systems;
pub mod theory;
pub mod training;

pub use brigand_core::{
    Error, Place, Result, Setup, batch, capability, error, latent, measurements, modules, objectives,
    penalties, place, players, pyramid, random, session, setup, state, system, techniques,
};
pub use brigand_data as data;
pub use brigand_data::{files, npy, numbers};
pub use brigand_evaluation as evaluation;
pub use brigand_evaluation::{efficientnet, inception, pictures, pretrained, state_file};

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct ReadmeExamples;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/new-system.md")]
struct NewSystemExample;
