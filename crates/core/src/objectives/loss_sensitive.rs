//! Loss-sensitive GAN (Qi 2017, arXiv:1701.06264): a fake must lose against its real sample by a margin that
//! grows with their distance. `L = -score` is the loss of a sample, low on real ones.

use brigand_autograd::Variable;

use super::Scores;
use crate::error::Result;

/// `gamma mean L(x) + mean C(margin_i + L(x_i) - L(y_i))` with margins `lambda |x_i - y_i|_1` (constants) and
/// `C(a) = max(a, slope a)`: slope 0 is the paper's, slope 1 makes it a Wasserstein GAN plus a constant.
pub(super) fn discriminator(scores: &Scores<'_>, lambda: f64, gamma: f64, slope: f64) -> Result<Variable> {
    let (real, fake) = scores.samples("loss-sensitive")?;
    let margins =
        real.detach().sub(&fake.detach())?.flatten_from_second()?.abs()?.sum(&[1])?.scale(lambda)?;
    let excess = margins.add(&scores.fake.sub(scores.real)?)?;
    let cost = excess.leaky_relu(slope)?.mean_all()?;
    Ok(if gamma == 0.0 { cost } else { cost.sub(&scores.real.mean_all()?.scale(gamma)?)? })
}
