//! Normal noise on inputs and hidden layers.

use brigand_autograd::Variable;
use candle_core::{Device, Tensor};

use super::layer::unconditional_layer;
use super::pass::Pass;
use crate::error::{Error, Result};
use crate::random::Stream;

/// `input` plus independent normal noise of standard deviation `deviation`.
pub fn with_noise(input: &Variable, deviation: f64, stream: &mut Stream) -> Result<Variable> {
    if deviation == 0.0 {
        return Ok(input.clone());
    }
    let noise = stream.normal(input.elements());
    let noise = Tensor::from_vec(noise, input.shape(), &Device::Cpu)?.to_dtype(input.dtype())?;
    Ok(input.add(&Variable::constant(noise.to_device(input.device())?).scale(deviation)?)?)
}

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

impl GaussianNoise {
    fn run(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        if !pass.mode().draws() {
            return Ok(input.clone());
        }
        with_noise(input, self.0, pass.stream()?)
    }
}

unconditional_layer!(GaussianNoise);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Schema;
    use crate::modules::{How, Mode, Network};
    use crate::{Place, Setup};

    #[test]
    fn training_adds_noise_of_the_deviation_and_sampling_none() {
        let setup = Setup { schema: Schema::default(), batch: 1, steps: 1, seed: 1, place: Place::cpu() };
        let mut network = Network::build("noise", &setup, |_| Ok(GaussianNoise(0.5))).unwrap();
        let input = Variable::from_slice(&[2.0_f32; 4000], &[4000, 1]).unwrap();
        assert!(
            network.run(How::plain(Mode::BatchStatistics), |noise, pass| noise.run(pass, &input)).is_err()
        );
        let mut stream = Stream::new(1, "a test", 0);
        let how = How { random: Some(&mut stream), ..How::plain(Mode::BatchStatistics) };
        let noisy = network.run(how, |noise, pass| noise.run(pass, &input)).unwrap().to_vec().unwrap();
        let deviation = (noisy.iter().map(|value| (value - 2.0).powi(2)).sum::<f64>() / 4000.0).sqrt();
        assert!((deviation - 0.5).abs() < 0.02, "{deviation}");
        let kept = network.evaluate(None, |noise, pass| noise.run(pass, &input)).unwrap();
        assert_eq!(kept.to_vec().unwrap(), input.to_vec().unwrap());
        assert!(GaussianNoise::check(-0.1).is_err() && GaussianNoise::check(f64::NAN).is_err());
    }
}
