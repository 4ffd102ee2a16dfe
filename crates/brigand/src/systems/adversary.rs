//! A discriminator inside a larger system: of codes, of pairs, of samples.

use brigand_autograd::Variable;

use super::player::{Player, descend};
use super::state::{Fragment, State};
use crate::error::Result;
use crate::layers::Mode;
use crate::networks::{Network, Observed, Setting};
use crate::objectives::{Objective, Scores};
use crate::random::Stream;
use crate::systems::OptimizerRecipe;

/// What a discriminator looks at: samples or codes, and what they are conditioned on.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// `[batch, ...]`.
    pub samples: &'a Variable,
    /// `[batch, size]`, where the discriminator hears a condition.
    pub condition: Option<&'a Variable>,
}

impl<'a> Seen<'a> {
    /// Samples without a condition.
    pub fn alone(samples: &'a Variable) -> Self {
        Self { samples, condition: None }
    }

    /// Samples and what belongs to them.
    pub fn with(samples: &'a Variable, condition: &'a Variable) -> Self {
        Self { samples, condition: Some(condition) }
    }
}

/// A discriminator that learns, and the objective that it and whoever it judges minimise.
pub struct Adversary {
    /// The discriminator.
    pub player: Player,
    objective: Objective,
}

impl Adversary {
    /// A discriminator that has not stepped yet.
    pub fn new(network: Network, optimizer: OptimizerRecipe, objective: Objective) -> Self {
        Self { player: Player::new(network, optimizer), objective }
    }

    /// What it says of both sides; dropout draws from `stream`.
    fn judge(
        &mut self,
        (real, fake): (Seen<'_>, Seen<'_>),
        mode: Mode,
        stream: &mut Stream,
    ) -> Result<(Observed, Observed)> {
        let mut observe = |seen: Seen<'_>| {
            let setting =
                Setting { weights: None, mode, random: Some(&mut *stream), condition: seen.condition };
            self.player.network.observe(setting, seen.samples)
        };
        Ok((observe(real)?, observe(fake)?))
    }

    /// One step of the discriminator, with `scale` times its step size; no gradient flows into what it sees. Answers
    /// its loss.
    pub fn learn(&mut self, real: Seen<'_>, fake: Seen<'_>, stream: &mut Stream, scale: f64) -> Result<f64> {
        let detached = |seen: Seen<'_>| (seen.samples.detach(), seen.condition.map(Variable::detach));
        let (real, fake) = (detached(real), detached(fake));
        let sides = (
            Seen { samples: &real.0, condition: real.1.as_ref() },
            Seen { samples: &fake.0, condition: fake.1.as_ref() },
        );
        let (real, fake) = self.judge(sides, Mode::Training, stream)?;
        let loss = self.objective.discriminator_loss(&scores(&real, &fake, sides))?;
        descend(&mut [&mut self.player], &loss, scale)?;
        Ok(loss.scalar()?)
    }

    /// What it says of both sides while it stands still.
    pub fn observe(
        &mut self,
        real: Seen<'_>,
        fake: Seen<'_>,
        stream: &mut Stream,
    ) -> Result<(Observed, Observed)> {
        self.judge((real, fake), Mode::Frozen, stream)
    }

    /// The loss of whoever made the fakes: it falls as they are taken for real.
    pub fn fooled(&mut self, real: Seen<'_>, fake: Seen<'_>, stream: &mut Stream) -> Result<Variable> {
        let (judged_real, judged_fake) = self.judge((real, fake), Mode::Frozen, stream)?;
        self.objective.generator_loss(&scores(&judged_real, &judged_fake, (real, fake)))
    }

    /// The loss of whoever made both sides: the discriminator's with the sides exchanged.
    pub fn exchanged(&mut self, real: Seen<'_>, fake: Seen<'_>, stream: &mut Stream) -> Result<Variable> {
        let (judged_real, judged_fake) = self.judge((real, fake), Mode::Frozen, stream)?;
        self.objective.discriminator_loss(&scores(&judged_fake, &judged_real, (fake, real)))
    }
}

/// Everything an objective may look at.
fn scores<'a>(real: &'a Observed, fake: &'a Observed, seen: (Seen<'a>, Seen<'a>)) -> Scores<'a> {
    Scores {
        real: &real.output,
        fake: &fake.output,
        samples: Some((seen.0.samples, seen.1.samples)),
        fake_features: fake.features.as_ref(),
    }
}

/// The share of scores above `threshold`.
pub(super) fn share_above(scores: &Variable, threshold: f64) -> Result<f64> {
    let scores = scores.to_vec_f32()?;
    let above = scores.iter().filter(|&&score| f64::from(score) > threshold).count();
    Ok(above as f64 / scores.len().max(1) as f64)
}

impl Fragment for Adversary {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        self.player.save(name, state)
    }

    fn restore(&mut self, name: &str, state: &State) -> Result<()> {
        self.player.restore(name, state)
    }
}
