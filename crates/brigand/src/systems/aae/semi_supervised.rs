//! `aae-semi`: the encoder says a class and a style; the class is made to look like one of several categories, and few
//! labelled samples teach it which category is which.

use brigand_autograd::Variable;

use super::code_discriminator::CodeDiscriminator;
use super::recipe::{LabelsRecipe, Tables};
use super::style::class_and_style;
use super::{Form, Turn};
use crate::data::Dataset;
use crate::error::Result;
use crate::layers::Mode;
use crate::networks::{Network, SampleKind};
use crate::objectives::cross_entropy;
use crate::systems::classifier::HeldOutRecipe;
use crate::systems::recognition::no_labels;
use crate::systems::state::{Fragment, State};
use crate::systems::{LatentSpace, OptimizerRecipe, Seen, Setup, labels};
use crate::training::history::{DISCRIMINATOR_LOSS, GENERATOR_LOSS};

/// Labelled samples where the recipe does not say how many.
const LABELS: LabelsRecipe = LabelsRecipe { count: 100 };

/// The encoder says the classes' logits, then the style; the latent is the classes' probabilities, then the style.
pub(super) struct SemiSupervised {
    styles: CodeDiscriminator,
    categories: CodeDiscriminator,
    space: LatentSpace,
    classes: usize,
    told: LabelsRecipe,
}

impl SemiSupervised {
    /// The classes' part of what the encoder says, or of latents, and the rest.
    fn parted(&self, of: &Variable) -> Result<(Variable, Variable)> {
        let style = self.space.size() - self.classes;
        Ok((of.narrow(1, 0, self.classes)?, of.narrow(1, self.classes, style)?))
    }
}

impl Form for SemiSupervised {
    fn defaults(kind: SampleKind) -> Tables {
        let size = if kind == SampleKind::Image { 10 } else { 2 };
        let mut tables = Tables::ordinary(kind, size);
        tables.labels = Some(LABELS);
        tables.held_out = Some(HeldOutRecipe { every: 200 });
        tables.phases.supervision = Some(true);
        tables.optimizer.supervision = Some(OptimizerRecipe::adam(1e-3, 0.9, 0.999));
        tables
    }

    fn new(tables: &Tables, setup: &Setup<'_>) -> Result<Self> {
        let (size, classes) = (tables.latent.size, setup.classes.len());
        if classes == 0 {
            return Err(no_labels());
        }
        let discriminator =
            |name, losses, size| CodeDiscriminator::new(name, losses, (size, 0), tables, setup);
        let category_losses = ["class_discriminator_loss", "class_generator_loss"];
        Ok(Self {
            styles: discriminator("discriminator", [DISCRIMINATOR_LOSS, GENERATOR_LOSS], size)?,
            categories: discriminator("class_discriminator", category_losses, classes)?,
            // Of most samples nobody knows the class, so all count as equally likely.
            space: class_and_style(vec![1.0; classes], size),
            classes,
            told: tables.labels.unwrap_or(LABELS),
        })
    }

    fn outputs(&self) -> usize {
        self.space.size()
    }

    fn latent_space(&self) -> LatentSpace {
        self.space.clone()
    }

    fn latents(&self, said: &Variable, _: Option<&[u32]>) -> Result<Variable> {
        let (logits, style) = self.parted(said)?;
        Ok(Variable::concatenate(&[&logits.softmax(1)?, &style], 1)?)
    }

    fn regularize(&mut self, encoder: &mut Network, turn: &mut Turn<'_>) -> Result<Variable> {
        let latents = self.latents(&encoder.forward(&turn.batch.samples, Mode::Training)?, None)?;
        let drawn = self.space.draw(latents.shape()[0], &mut turn.stream("prior"), latents.device())?;
        let ((classes, style), (categories, normal)) = (self.parted(&latents)?, self.parted(&drawn)?);
        let by_style = self.styles.play(Seen::alone(&normal), Seen::alone(&style), turn)?;
        let by_class = self.categories.play(Seen::alone(&categories), Seen::alone(&classes), turn)?;
        Ok(by_style.add(&by_class)?)
    }

    fn supervise(&self, encoder: &mut Network, turn: &mut Turn<'_>) -> Result<Option<Variable>> {
        let size = turn.feed.batch_size();
        let told = turn.feed.labelled(turn.step, size, self.told.count)?;
        let (logits, _) = self.parted(&encoder.forward(&told.samples, Mode::Training)?)?;
        let targets = Variable::one_hot(labels(&told)?, self.classes, logits.dtype(), logits.device())?;
        let loss = cross_entropy(&logits, &targets)?;
        turn.note("label_loss", &loss)?;
        Ok(Some(loss))
    }

    fn classify(&self, said: &Variable) -> Result<Option<Variable>> {
        Ok(Some(self.parted(said)?.0.softmax(1)?))
    }

    fn networks(&self) -> Vec<&Network> {
        vec![self.styles.network(), self.categories.network()]
    }

    fn check_data(&self, data: &Dataset) -> Result<()> {
        self.told.check_data(data)
    }
}

impl Fragment for SemiSupervised {
    fn save(&self, _: &str, state: &mut State) -> Result<()> {
        self.styles.save("discriminator", state)?;
        self.categories.save("class_discriminator", state)
    }

    fn restore(&mut self, _: &str, state: &State) -> Result<()> {
        self.styles.restore("discriminator", state)?;
        self.categories.restore("class_discriminator", state)
    }
}
