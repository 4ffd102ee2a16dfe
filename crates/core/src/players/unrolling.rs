//! Discriminators that have learned for some steps more (Metz et al. 2016, arXiv:1611.02163).

use brigand_autograd::{GradientOptions, Output, Variable, grad_of};

use super::comparison::Sides;
use super::critic::Critic;
use super::player::Learner;
use super::scorer::{Scored, Scorer};
use super::turn::Draw;
use crate::error::Result;
use crate::modules::{Mode, Weights};

impl<M: Scorer> Critic<M> {
    /// Its weights after `steps` more steps on this batch, of `scale` times the step size: as functions of the fakes where
    /// `full`, as constants else. `heads` gives the terms of its other heads; terms of its weights count too, and so do the
    /// bound of its weights and which of them are trained.
    ///
    /// # Errors
    /// If the inputs do not fit.
    pub fn unrolled(
        &mut self,
        (steps, full, scale): (u32, bool, f64),
        sides: &Sides<M::Input>,
        draw: Draw,
        heads: impl Fn(&Scored<M::Also>, &Scored<M::Also>) -> Result<Vec<(&'static str, Variable)>>,
    ) -> Result<Option<Weights>> {
        if steps == 0 {
            return Ok(None);
        }
        let (mut weights, mut optimizer) = (self.player.weights().clone(), self.player.unrolled(scale)?);
        let active = Learner::active(&self.player);
        for step in 0..steps {
            let purpose = format!("dropout/unrolled/{step}");
            let compared = self.compare(Some(&weights), sides, Mode::BatchStatistics, (&purpose, draw))?;
            let mut loss = compared.loss(&heads(&compared.real, &compared.fake)?)?;
            for (_, term) in self.player.terms_of(&weights)? {
                loss = loss.add(&term)?;
            }
            let inputs: Vec<&Variable> =
                active.iter().filter_map(|&index| weights.values().get(index)).collect();
            // The first-order variant still keeps the generator's graph, which its own loss needs.
            let options = GradientOptions { create_graph: full, retain_graph: true, allow_unused: false };
            let output = Output { variable: &loss, weight: None };
            let gradients: Vec<Variable> =
                grad_of(&[output], &inputs, options)?.into_iter().flatten().collect();
            weights = self.player.cut(optimizer.step_active(&weights, (&active, &gradients))?)?;
        }
        Ok(Some(weights))
    }
}
