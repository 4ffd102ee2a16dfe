//! Terms of a player's own weights.

use brigand_autograd::Variable;
use candle_core::Tensor;

use crate::error::Result;
use crate::modules::{Part, Weights, is_at_or_below};
use crate::state::State;

/// A term of a player's own weights that every loss of it gets.
pub trait WeightTerm: Part + Send {
    /// Its name in reports and checkpoints.
    fn name(&self) -> &'static str;

    /// The term; `None` where the weights have nothing that it applies to.
    fn term(&self, weights: &Weights) -> Result<Option<Variable>>;

    /// Updates its own state from the weights after a step.
    fn follow(&mut self, _weights: &Weights) -> Result<()> {
        Ok(())
    }
}

/// Orthogonal regularisation in BigGAN's form (Brock et al. 2018, arXiv:1809.11096, section 3.1): `weight sum_W |WᵀW ∘ (1 -
/// I)|²` over all matrices and kernels, with the filters (the slices along the first axis) as columns of `W`: filters
/// should be orthogonal, their lengths are free.
pub struct Orthogonal {
    weight: f64,
    except: &'static [&'static str],
}

impl Orthogonal {
    /// The term of this weight; nothing for weight 0.
    pub fn of(weight: f64) -> Option<Self> {
        (weight > 0.0).then_some(Self { weight, except: &[] })
    }

    /// The same without the weights at or below `paths`, such as an embedding of classes.
    #[must_use]
    pub fn except(self, paths: &'static [&'static str]) -> Self {
        Self { except: paths, ..self }
    }
}

/// `sum_W |WᵀW ∘ (1 - I)|²` over all but the weights at or below the paths `except`. `None` without matrices.
pub fn off_diagonal_penalty(weights: &Weights, except: &[&str]) -> Result<Option<Variable>> {
    let mut sum: Option<Variable> = None;
    let named = weights.names().iter().zip(weights.values());
    let counted = named
        .filter(|(name, weight)| weight.rank() >= 2 && !except.iter().any(|path| is_at_or_below(name, path)));
    for (_, weight) in counted {
        let filters = weight.flatten_from_second()?;
        let gram = filters.matmul(&filters.transposed()?)?.square()?.sum_all()?;
        let diagonal = filters.square()?.sum(&[1])?.square()?.sum_all()?;
        let term = gram.sub(&diagonal)?;
        sum = Some(match sum {
            Some(sum) => sum.add(&term)?,
            None => term,
        });
    }
    Ok(sum)
}

impl WeightTerm for Orthogonal {
    fn name(&self) -> &'static str {
        "orthogonal"
    }

    fn term(&self, weights: &Weights) -> Result<Option<Variable>> {
        Ok(off_diagonal_penalty(weights, self.except)?.map(|term| term.scale(self.weight)).transpose()?)
    }
}

/// It has no state of its own.
impl Part for Orthogonal {
    fn save(&self, _: &str, _: &mut State) -> Result<()> {
        Ok(())
    }

    fn restore(&mut self, _: &str, _: &mut State) -> Result<()> {
        Ok(())
    }
}

/// Weight decay in the loss: `weight / 2 * sum_w w²` over the weights at or below `paths`.
pub struct SquaredWeights {
    weight: f64,
    paths: &'static [&'static str],
}

impl SquaredWeights {
    /// The term of this weight for these paths; nothing for weight 0.
    pub fn of(weight: f64, paths: &'static [&'static str]) -> Option<Self> {
        (weight > 0.0).then_some(Self { weight, paths })
    }
}

impl WeightTerm for SquaredWeights {
    fn name(&self) -> &'static str {
        "weight_decay"
    }

    fn term(&self, weights: &Weights) -> Result<Option<Variable>> {
        let mut sum: Option<Variable> = None;
        let named = weights.names().iter().zip(weights.values());
        for (_, value) in named.filter(|(name, _)| self.paths.iter().any(|path| is_at_or_below(name, path))) {
            let own = value.square()?.sum_all()?;
            sum = Some(match sum {
                Some(sum) => sum.add(&own)?,
                None => own,
            });
        }
        Ok(sum.map(|sum| sum.scale(self.weight / 2.0)).transpose()?)
    }
}

/// It has no state of its own.
impl Part for SquaredWeights {
    fn save(&self, _: &str, _: &mut State) -> Result<()> {
        Ok(())
    }

    fn restore(&mut self, _: &str, _: &mut State) -> Result<()> {
        Ok(())
    }
}

/// Historical averaging (Salimans et al. 2016, arXiv:1606.03498, section 3.3): `weight |theta - mean|²`, the mean of the
/// player's weights over its past steps being a constant.
pub struct HistoricalAverage {
    weight: f64,
    mean: Weights,
    steps: u64,
}

impl HistoricalAverage {
    /// The term of this weight, whose mean is that of the first weights alone; nothing for weight 0.
    pub fn of(weight: f64, weights: &Weights) -> Option<Self> {
        (weight > 0.0).then(|| Self { weight, mean: weights.clone(), steps: 1 })
    }
}

impl WeightTerm for HistoricalAverage {
    fn name(&self) -> &'static str {
        "historical_averaging"
    }

    fn term(&self, weights: &Weights) -> Result<Option<Variable>> {
        let mut sum: Option<Variable> = None;
        for (value, mean) in weights.values().iter().zip(self.mean.values()) {
            let own = value.sub(&mean.detach())?.square()?.sum_all()?;
            sum = Some(match sum {
                Some(sum) => sum.add(&own)?,
                None => own,
            });
        }
        Ok(sum.map(|sum| sum.scale(self.weight)).transpose()?)
    }

    fn follow(&mut self, weights: &Weights) -> Result<()> {
        self.steps += 1;
        let share = 1.0 / self.steps as f64;
        let moved = weights.values().iter().zip(self.mean.values()).map(|(value, mean)| {
            let moved: candle_core::Result<Tensor> =
                (|| mean.tensor() + ((value.tensor() - mean.tensor())? * share)?)();
            Ok(Variable::leaf(moved?))
        });
        self.mean = self.mean.with_values(moved.collect::<Result<_>>()?)?;
        Ok(())
    }
}

impl Part for HistoricalAverage {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        state.count(format!("{name}.steps"), self.steps);
        self.mean.save(name, state)
    }

    fn restore(&mut self, name: &str, state: &mut State) -> Result<()> {
        self.steps = state.counter(&format!("{name}.steps"))?;
        self.mean.restore(name, state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squared_weights_are_half_the_square_sum_of_what_is_named() {
        let value = |values: &[f32]| Variable::from_slice(values, &[values.len()]).unwrap();
        let names = ["score.weight", "score.bias", "scored.weight"].map(str::to_owned).to_vec();
        let weights = Weights::new(names, vec![value(&[1.0, 2.0]), value(&[3.0]), value(&[9.0])]);
        let term = SquaredWeights::of(0.2, &["score"]).unwrap().term(&weights).unwrap().unwrap();
        assert!((term.scalar().unwrap() - 0.1 * 14.0).abs() < 1e-6);
        assert!(SquaredWeights::of(0.2, &["other"]).unwrap().term(&weights).unwrap().is_none());
        assert!(SquaredWeights::of(0.0, &["score"]).is_none());
    }
}
