//! What training finds out beside weights.

use brigand_autograd::Variable;
use brigand_core::modules::Part;
use brigand_core::random::Stream;
use brigand_core::state::State;
use brigand_core::{Error, Place, Result};

/// How far training has come, and what all scales share.
pub(super) struct Progress {
    /// Scales whose training has begun.
    pub(super) begun: usize,
    /// The factor of each scale's noise, `[scales]`; that of the coarsest is 1, others are known once they have begun.
    pub(super) amplitudes: Variable,
    /// The noise of the coarsest scale that gives the picture, `[1, 1, height, width]`.
    pub(super) fixed_noise: Variable,
    /// The picture, `[1, channels, height, width]`; zeros before the first scale has begun.
    pub(super) picture: Variable,
    scales: usize,
}

impl Progress {
    /// Before the first step.
    pub(super) fn new(
        place: &Place,
        seed: u64,
        sizes: &[[usize; 2]],
        [channels, height, width]: [usize; 3],
    ) -> Result<Self> {
        let [rows, columns] = sizes.first().copied().unwrap_or([1, 1]);
        let scales = sizes.len();
        Ok(Self {
            begun: 0,
            amplitudes: place.numbers(vec![1.0; scales], &[scales])?,
            fixed_noise: place
                .normal(&[1, 1, rows, columns], &mut Stream::new(seed, "singan/fixed noise", 0))?,
            picture: place.numbers(vec![0.0; channels * height * width], &[1, channels, height, width])?,
            scales,
        })
    }

    /// `noise` of `scale` times its amplitude.
    pub(super) fn scaled(&self, noise: &Variable, scale: usize) -> Result<Variable> {
        let amplitude = self.amplitudes.narrow(0, scale, 1)?;
        Ok(noise.mul(&amplitude.reshape(&vec![1; noise.rank()])?)?)
    }

    /// Begins `scale`, whose noise gets this amplitude `[1]`.
    pub(super) fn begin(&mut self, scale: usize, amplitude: &Variable) -> Result<()> {
        let after = self.scales.saturating_sub(scale + 1);
        let parts = [self.amplitudes.narrow(0, 0, scale)?, amplitude.reshape(&[1])?];
        let rest = self.amplitudes.narrow(0, scale + 1, after)?;
        let parts: Vec<&Variable> = parts.iter().chain([&rest]).filter(|part| part.elements() > 0).collect();
        self.amplitudes = Variable::concatenate(&parts, 0)?.detach();
        self.begun = scale + 1;
        Ok(())
    }

    /// The scales that sample: one that has not stepped yet where none has begun.
    pub(super) fn sampling(&self) -> usize {
        self.begun.max(1)
    }
}

impl Part for Progress {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        state.count(format!("{name}.begun"), self.begun as u64);
        for (of, value) in
            [("amplitudes", &self.amplitudes), ("fixed_noise", &self.fixed_noise), ("picture", &self.picture)]
        {
            state.put(format!("{name}.{of}"), value.tensor())?;
        }
        Ok(())
    }

    fn restore(&mut self, name: &str, state: &mut State) -> Result<()> {
        let begun = state.counter(&format!("{name}.begun"))?;
        if begun > self.scales as u64 {
            return Err(Error::State(format!(
                "the checkpoint has begun {begun} scales, the recipe's pyramid has {}; was recipe.toml changed?",
                self.scales
            )));
        }
        self.begun = begun as usize;
        for (of, value) in [
            ("amplitudes", &mut self.amplitudes),
            ("fixed_noise", &mut self.fixed_noise),
            ("picture", &mut self.picture),
        ] {
            *value = Variable::constant(state.take(&format!("{name}.{of}"), value.tensor())?);
        }
        Ok(())
    }
}
