//! Train, sample, evaluate and explain generative adversarial networks.

pub mod data;
pub mod error;
pub mod evaluation;
pub mod files;
mod great_arc;
pub mod hardware;
pub mod latent_tools;
pub mod networks;
pub mod npy;
pub mod numbers;
pub mod pictures;
pub mod recipe;
pub mod registry;
pub mod sampling;
pub mod systems;
pub mod theory;
pub mod training;

pub use brigand_core::{
    Place, Setup, batch, capability, latent, measurements, modules, objectives, penalties, place, players,
    random, session, setup, state, system, techniques,
};
pub use error::{Error, Result};

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct ReadmeExamples;
