//! Normal noise on what a network sees and computes.

use brigand_autograd::Variable;
use brigand_core::modules::with_noise;

use super::{Layer, Mode, Pass};
use crate::error::{Error, Result};

/// Adds independent normal noise of this standard deviation from the pass's stream; sampling adds none.
pub struct GaussianNoise(pub f64);

impl GaussianNoise {
    /// Refuses a deviation that no noise can have.
    pub fn check(deviation: f64) -> Result<()> {
        if deviation >= 0.0 && deviation.is_finite() {
            return Ok(());
        }
        Err(Error::Recipe(format!("the noise of hidden layers is {deviation}; give 0 or more")))
    }
}

impl Layer for GaussianNoise {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        if pass.mode == Mode::Sampling {
            return Ok(input.clone());
        }
        let missing = || Error::Network("a network with noise was run without a random stream".into());
        with_noise(input, self.0, pass.random.as_deref_mut().ok_or_else(missing)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{Buffers, Weights};
    use crate::random::Stream;

    #[test]
    fn training_adds_noise_of_the_deviation_and_sampling_none() {
        let (weights, mut buffers) = (Weights::default(), Buffers::default());
        let input = Variable::from_slice(&[2.0_f32; 4000], &[4000, 1]).unwrap();
        let mut stream = Stream::new(1, "a test", 0);
        let mut pass = Pass::new(&weights, &mut buffers, Mode::Frozen);
        assert!(GaussianNoise(0.5).forward(&mut pass, &input).is_err());
        pass.random = Some(&mut stream);
        let noisy = GaussianNoise(0.5).forward(&mut pass, &input).unwrap().to_vec().unwrap();
        let deviation = (noisy.iter().map(|value| (value - 2.0).powi(2)).sum::<f64>() / 4000.0).sqrt();
        assert!((deviation - 0.5).abs() < 0.02, "{deviation}");
        pass.mode = Mode::Sampling;
        let kept = GaussianNoise(0.5).forward(&mut pass, &input).unwrap();
        assert_eq!(kept.to_vec().unwrap(), input.to_vec().unwrap());
        assert!(GaussianNoise::check(-0.1).is_err() && GaussianNoise::check(f64::NAN).is_err());
    }
}
