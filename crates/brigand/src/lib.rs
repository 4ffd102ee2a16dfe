//! Train, sample, evaluate and explain generative adversarial networks.

pub mod data;
pub mod error;
pub mod files;
pub mod layers;
pub mod networks;
pub mod objectives;
pub mod pictures;
pub mod random;
pub mod recipe;
pub mod systems;
pub mod training;

pub use error::{Error, Result};
