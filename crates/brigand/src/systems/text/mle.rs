//! `text-mle`: a recurrent language model of maximum likelihood, the baseline of every GAN of text.

use brigand_core::batch::{Need, SampleKind, TOKENS};
use brigand_core::capability::SequenceSampler;
use brigand_core::limits::above_zero;
use brigand_core::modules::Part;
use brigand_core::players::{AverageRecipe, OptimizerRecipe, Schedule, Turn};
use brigand_core::recipe::{Family, Length, Make, Row, SystemRecipe};
use brigand_core::system::{Parts, System};
use brigand_core::{Result, Setup};
use serde::{Deserialize, Serialize};

use super::super::HeldOutRecipe;
use super::language::{Language, LanguageModelRecipe, Steps};

/// Its row of the registry.
pub(super) const ROW: Row = Row {
    name: "text-mle",
    family: Family::Sequences,
    summary: "lines of text from an LSTM language model of maximum likelihood, the baseline of the GANs of text",
    paper: "Mikolov et al. 2010, doi:10.21437/Interspeech.2010-343",
    data: "grammar",
    length: |_| Length { steps: 1000, batch: 64 },
    make: Make::of::<TextMleRecipe>(),
};

/// How the model's weights step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextMleOptimizers {
    /// The optimizer of all its weights.
    pub generator: OptimizerRecipe,
}

/// Everything that makes one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextMleRecipe {
    /// The language model.
    pub generator: LanguageModelRecipe,
    /// How it steps.
    pub optimizer: TextMleOptimizers,
    /// The largest norm of the gradients of a step; longer ones are shortened to it.
    pub gradient_norm: f64,
    /// How the step size changes over the run.
    pub schedule: Schedule,
    /// The average of the weights that samples are taken from.
    pub average: AverageRecipe,
    /// When samples are compared with held-out lines.
    pub held_out: HeldOutRecipe,
}

impl SystemRecipe for TextMleRecipe {
    const NEEDS: &'static [Need] = &[Need::Indices(TOKENS)];

    fn defaults(_: SampleKind) -> Result<Self> {
        Ok(Self {
            generator: LanguageModelRecipe { embedding: 16, hidden: 32 },
            optimizer: TextMleOptimizers { generator: OptimizerRecipe::adam(1e-2, 0.9, 0.999) },
            gradient_norm: 5.0,
            schedule: Schedule::Constant {},
            average: AverageRecipe::OFF,
            held_out: HeldOutRecipe { every: 100 },
        })
    }

    fn check(&self) -> Result<()> {
        self.generator.check()?;
        self.schedule.check()?;
        self.average.check()?;
        above_zero("gradient_norm", self.gradient_norm, 5.0)?;
        self.optimizer.generator.check("generator")
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        self.schedule.spread_over_run()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        let Self { schedule, average, gradient_norm, .. } = *self;
        let steps = Steps { optimizer: self.optimizer.generator, schedule, average, longest: gradient_norm };
        Ok(Box::new(TextMle { recipe: *self, language: Language::new(self.generator, steps, setup)? }))
    }
}

/// A language model in training.
struct TextMle {
    recipe: TextMleRecipe,
    language: Language,
}

impl System for TextMle {
    fn parts(&mut self) -> Parts<'_> {
        vec![("generator", &mut self.language.generator as &mut dyn Part)]
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        self.language.maximise_likelihood(turn, turn.only_draw())?;
        if self.recipe.held_out.is_due(turn) {
            self.language.note_scores(turn)?;
        }
        Ok(())
    }

    fn needs_held_out(&self) -> bool {
        self.recipe.held_out.every > 0
    }

    fn as_sequence_sampler(&self) -> Option<&dyn SequenceSampler> {
        Some(&self.language)
    }
}
