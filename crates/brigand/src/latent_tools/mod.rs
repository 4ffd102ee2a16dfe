//! Looking into what a generator has learnt: walks, sums, planes, directions and edges of its latent space, and back
//! from samples to latents.
//!
//! Each tool gives a [`LatentGrid`], whose samples are a picture row by row, and works on every system that has the
//! kind of latents it needs. Generators run with the running statistics of their batch normalisation, so a sample
//! depends on its own latent alone.

mod arithmetic;
mod choice;
mod classes;
mod code_neighbours;
mod codes;
mod directions;
mod grid;
mod interpolation;
mod inversion;
mod linear_direction;
mod planes;
mod rank_correlation;
mod reconstruction;
mod truncation;
mod truncation_sweep;

pub use arithmetic::{Terms, arithmetic};
pub use choice::Choice;
pub use classes::{category_grid, find_class};
pub use code_neighbours::code_neighbours;
pub use codes::draw_codes;
pub use directions::{Direction, DirectionSettings, Method, Sweep, direction_grid, directions, sweep};
pub use grid::LatentGrid;
pub use interpolation::{Interpolation, Path, lerp, moments, slerp};
pub use inversion::{SearchSettings, search};
pub use linear_direction::{logistic, mean_difference, orthogonal_to};
pub use planes::{code_grid, continuous_coordinates, manifold, quantile_shares, traversal};
pub use rank_correlation::spearman;
pub use reconstruction::{Reconstruction, examples, reconstruct};
pub use truncation::truncate;
pub use truncation_sweep::{Truncated, TruncationSweep, truncation_curve};
