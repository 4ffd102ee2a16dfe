//! Exact divergences and distances between distributions, and the figures of the laboratory that show what
//! they mean for adversarial training.
//!
//! Everything here works in `f64`. Natural logarithms throughout; the Jensen-Shannon divergence has the factor
//! 1/2, so that `0 <= JS <= ln 2`.

mod checks;
mod density;
mod dirac;
mod discriminator_bound;
mod exact_transport;
pub mod figures;
mod fitting;
mod flow;
mod histogram;
mod line_transport;
mod normal;
mod points;
mod sinkhorn;
mod sliced;

pub use checks::TheoryError;
pub use density::Grid;
pub use dirac::{DiracGan, Game, Order};
pub use discriminator_bound::js_lower_bound;
pub use exact_transport::{Plan, earth_mover, optimal_assignment, optimal_plan};
pub use fitting::{Fit, Target, fit_normal};
pub use histogram::{Bins, Shares, js, kl, reverse_kl, total_variation};
pub use line_transport::{Piece, quantile_coupling, wasserstein, wasserstein_weighted};
pub use normal::{Normal, gaussian_kl};
pub use points::{Costs, Points};
pub use sinkhorn::{Entropic, Sinkhorn};
pub use sliced::{max_sliced_wasserstein, sliced_wasserstein};
