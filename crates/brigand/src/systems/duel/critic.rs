//! The discriminator as the updates see it: a network and what normalises its answers.

use brigand_autograd::Variable;

use super::super::player::Player;
use crate::error::Result;
use crate::layers::{Mode, Weights};
use crate::networks::{Observed, Setting};
use crate::penalties::Constraint;
use crate::random::Stream;

/// A discriminator and its constraint.
pub(super) struct Critic {
    pub(super) player: Player,
    pub(super) constraint: Constraint,
}

impl Critic {
    /// Scores `[batch]` and features of `samples` under a condition, with other weights if given. Dropout draws from
    /// `stream`.
    pub(super) fn judge(
        &mut self,
        weights: Option<&Weights>,
        (samples, condition): (&Variable, Option<&Variable>),
        mode: Mode,
        stream: &mut Stream,
    ) -> Result<Observed> {
        let fixed = self.constraint.normalizes_gradients() && !samples.has_history();
        let samples = if fixed { Variable::leaf(samples.tensor().clone()) } else { samples.clone() };
        let setting = Setting { weights, mode, random: Some(stream), condition };
        let observed = self.player.network.observe(setting, &samples)?;
        Ok(Observed { output: self.constraint.normalize(&observed.output, &samples)?, ..observed })
    }

    /// Scores `[batch]` of `samples` one by one, outside training.
    pub(super) fn score(&self, samples: &Variable) -> Result<Variable> {
        let scores = self.player.network.judge(Setting::plain(Mode::Sampling), samples)?.output;
        self.constraint.normalize(&scores, samples)
    }

    /// Cuts the weights where the constraint says so; answers the share of them at the bound.
    pub(super) fn clip(&mut self) -> Result<Option<f64>> {
        self.constraint.clip_bound().map(|bound| self.player.network.weights.clip(bound)).transpose()
    }
}
