//! `aae-style`: the decoder is told the class, so that what remains for the code, once it must look the same for all
//! classes, is the style.

use brigand_autograd::Variable;

use super::code_discriminator::CodeDiscriminator;
use super::recipe::{ConditionRecipe, Tables};
use super::{Form, Turn};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::layers::Mode;
use crate::networks::{Network, SampleKind};
use crate::systems::recognition::no_labels;
use crate::systems::state::{Fragment, State};
use crate::systems::{
    CLASS, Distribution, LatentPart, LatentSpace, NOISE, OptimizerRecipe, Seen, Setup, labels,
};
use crate::training::history::{DISCRIMINATOR_LOSS, GENERATOR_LOSS};

/// A class, as often as its share says, beside a standard normal style of `size` coordinates.
pub(super) fn class_and_style(shares: Vec<f64>, size: usize) -> LatentSpace {
    LatentSpace::new(vec![
        LatentPart { name: CLASS, distribution: Distribution::Category { shares } },
        style(size),
    ])
}

fn style(size: usize) -> LatentPart {
    LatentPart { name: NOISE, distribution: Distribution::Normal { size, deviation: 1.0 } }
}

/// Who is told the class where the recipe does not say.
const CONDITION: ConditionRecipe = ConditionRecipe { discriminator: true };

/// The encoder says the style; the latent is the class, then the style.
pub(super) struct StyleApart {
    discriminator: CodeDiscriminator,
    space: LatentSpace,
    styles: LatentSpace,
    condition: ConditionRecipe,
}

impl StyleApart {
    /// The classes of samples, one-hot `[n, classes]`.
    fn one_hot(&self, labels: &[u32], like: &Variable) -> Result<Variable> {
        Ok(Variable::one_hot(labels, self.space.classes(), like.dtype(), like.device())?)
    }
}

impl Form for StyleApart {
    fn defaults(kind: SampleKind) -> Tables {
        let size = if kind == SampleKind::Image { 8 } else { 2 };
        let mut tables = Tables::ordinary(kind, size);
        tables.condition = Some(CONDITION);
        // Ten priors to match instead of one want a faster game.
        tables.optimizer.discriminator = OptimizerRecipe::adam(2e-3, 0.5, 0.999);
        tables.optimizer.regularization = OptimizerRecipe::adam(1e-3, 0.5, 0.999);
        tables
    }

    fn new(tables: &Tables, setup: &Setup<'_>) -> Result<Self> {
        if setup.classes.is_empty() {
            return Err(no_labels());
        }
        let (size, losses) = (tables.latent.size, [DISCRIMINATOR_LOSS, GENERATOR_LOSS]);
        let condition = tables.condition.unwrap_or(CONDITION);
        let heard = if condition.discriminator { setup.classes.len() } else { 0 };
        Ok(Self {
            discriminator: CodeDiscriminator::new("discriminator", losses, (size, heard), tables, setup)?,
            condition,
            space: class_and_style(setup.classes.to_vec(), size),
            styles: LatentSpace::new(vec![style(size)]),
        })
    }

    fn outputs(&self) -> usize {
        self.styles.size()
    }

    fn latent_space(&self) -> LatentSpace {
        self.space.clone()
    }

    fn latents(&self, said: &Variable, labels: Option<&[u32]>) -> Result<Variable> {
        let labels = labels.ok_or_else(|| {
            Error::Request(
                "the codes of this system leave the class out, so the samples' labels are needed; use labelled data"
                    .into(),
            )
        })?;
        Ok(Variable::concatenate(&[&self.one_hot(labels, said)?, said], 1)?)
    }

    fn regularize(&mut self, encoder: &mut Network, turn: &mut Turn<'_>) -> Result<Variable> {
        let styles = encoder.forward(&turn.batch.samples, Mode::Training)?;
        let drawn = self.styles.draw(styles.shape()[0], &mut turn.stream("prior"), styles.device())?;
        if !self.condition.discriminator {
            return self.discriminator.play(Seen::alone(&drawn), Seen::alone(&styles), turn);
        }
        let heard = self.one_hot(labels(&turn.batch)?, &styles)?;
        self.discriminator.play(Seen::with(&drawn, &heard), Seen::with(&styles, &heard), turn)
    }

    fn networks(&self) -> Vec<&Network> {
        vec![self.discriminator.network()]
    }

    fn check_data(&self, data: &Dataset) -> Result<()> {
        data.labels().map(|_| ()).ok_or_else(no_labels)
    }
}

impl Fragment for StyleApart {
    fn save(&self, _: &str, state: &mut State) -> Result<()> {
        self.discriminator.save("discriminator", state)
    }

    fn restore(&mut self, _: &str, state: &State) -> Result<()> {
        self.discriminator.restore("discriminator", state)
    }
}
