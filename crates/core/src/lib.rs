//! The parts of adversarial systems: named batches, modules with typed conditions, objectives and penalties,
//! players, and the one path from gradients to optimizers.
//!
//! Imports run one way: `state`, `place` <- `batch` <- `setup` <- `modules` <- `objectives`, `penalties` <- `players`
//! <- `capability` <- `system` <- `recipe`.

pub mod batch;
pub mod capability;
pub mod error;
pub mod latent;
pub mod limits;
pub mod measurements;
pub mod modules;
pub mod networks;
pub mod objectives;
pub mod penalties;
pub mod place;
pub mod planar;
pub mod players;
pub mod pyramid;
pub mod random;
pub mod recipe;
pub mod session;
pub mod setup;
pub mod state;
pub mod system;
pub mod techniques;

pub use error::{Error, Result};
pub use place::Place;
pub use setup::Setup;
