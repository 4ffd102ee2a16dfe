//! Relativistic GANs (Jolicoeur-Martineau 2018, arXiv:1807.00734): is a real sample more real than a fake?
//! Each loss takes the side that should win and the side that should lose, so that the generator's is the
//! discriminator's with the sides exchanged.

use brigand_autograd::Variable;

use crate::error::Result;

/// What a lead over the other side costs: falling in its argument.
type Cost = fn(&Variable) -> Result<Variable>;

/// `mean softplus(-(winner_i - loser_i))`, pairs taken as they come.
pub(super) fn paired(winner: &Variable, loser: &Variable) -> Result<Variable> {
    Ok(winner.sub(loser)?.neg()?.softplus()?.mean_all()?)
}

/// `mean softplus(-a) + mean softplus(b)` with leads `a`, `b` over the other side's mean.
pub(super) fn average(winner: &Variable, loser: &Variable) -> Result<Variable> {
    over_averages(winner, loser, |lead| Ok(lead.neg()?.softplus()?))
}

/// `mean (a - 1)² + mean (b + 1)²`.
pub(super) fn average_least_squares(winner: &Variable, loser: &Variable) -> Result<Variable> {
    over_averages(winner, loser, |lead| Ok(lead.affine(1.0, -1.0)?.square()?))
}

/// `mean max(0, 1 - a) + mean max(0, 1 + b)`.
pub(super) fn average_hinge(winner: &Variable, loser: &Variable) -> Result<Variable> {
    over_averages(winner, loser, |lead| Ok(lead.affine(-1.0, 1.0)?.relu()?))
}

/// The cost of `winner - mean loser`, plus that of `-(loser - mean winner)`. The means carry gradients.
fn over_averages(winner: &Variable, loser: &Variable, cost: Cost) -> Result<Variable> {
    let lead = cost(&winner.sub(&loser.mean_all()?)?)?.mean_all()?;
    Ok(lead.add(&cost(&winner.mean_all()?.sub(loser)?)?.mean_all()?)?)
}
