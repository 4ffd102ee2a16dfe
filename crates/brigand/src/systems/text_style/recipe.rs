//! The recipe of `text-style`.

use brigand_core::batch::{Need, SECOND_TOKENS, SampleKind, TOKENS};
use brigand_core::limits::{above_zero, at_least_zero};
use brigand_core::objectives::Hinge;
use brigand_core::penalties::Constraint;
use brigand_core::players::{AdversarialRecipe, AverageRecipe, OptimizerRecipe};
use brigand_core::recipe::{Family, Length, Make, Row, SystemRecipe};
use brigand_core::system::System;
use brigand_core::{Result, Setup};
use serde::{Deserialize, Serialize};

use super::super::HeldOutRecipe;
use super::super::phases::{Phases, check_shares};
use super::super::text::{RelaxationRecipe, TextCnnRecipe};
use super::super::two_player::check_discriminator_steps;
use super::TextStyle;
use super::network::StyleGeneratorRecipe;
use super::noise::NoiseRecipe;

/// Its row of the registry.
pub(in super::super) const ROW: Row = Row {
    name: "text-style",
    family: Family::Sequences,
    summary: "lines of text from one style to the other without pairs: a cycle of relaxed words, or of their vectors",
    paper: "Shen et al. 2017, arXiv:1705.09655; Lee et al. 2018, arXiv:1804.02504",
    data: "opinions",
    length: |_| Length { steps: 1500, batch: 32 },
    make: Make::of::<TextStyleRecipe>(),
};

/// Everything that makes one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextStyleRecipe {
    /// The generator's network, one for both styles.
    pub generator: StyleGeneratorRecipe,
    /// The network of each of the two discriminators, one for each style.
    pub discriminator: TextCnnRecipe,
    /// What the generator writes.
    pub output: OutputRecipe,
    /// How lines are changed before they are written again in their own style.
    pub noise: NoiseRecipe,
    /// What the terms of the generator's loss are multiplied by.
    pub losses: StyleLosses,
    /// How long the phases before the adversarial one are.
    pub phases: StylePhases,
    /// What the players minimise, and what is added to the discriminators' losses.
    #[serde(flatten)]
    pub adversarial: AdversarialRecipe,
    /// How they step.
    pub optimizer: StyleOptimizers,
    /// Updates of the discriminators, each on a fresh batch, for one generator update.
    pub discriminator_steps: u64,
    /// Updates of the classifier, each on a fresh batch, in a step of the first phase.
    pub classifier_steps: u64,
    /// The largest norm of the gradients of a step of the generator; longer ones are shortened to it.
    pub gradient_norm: f64,
    /// The average of the generator's weights that lines are translated with.
    pub average: AverageRecipe,
    /// When held-out lines are translated and measured.
    pub held_out: HeldOutRecipe,
}

/// What the generator writes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum OutputRecipe {
    /// Choices of words through which gradients flow. The cycle is the likelihood of the line that was translated.
    Words {
        /// How the choices are made differentiable.
        #[serde(default)]
        relaxation: RelaxationRecipe,
    },
    /// Vectors like those of words, which are read as the words with the nearest ones. The cycle is the distance to the vectors of
    /// the line that was translated. A line keeps its number of words.
    Vectors {},
}

/// What the terms of the generator's loss are multiplied by.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StyleLosses {
    /// The discriminators' terms.
    pub adversarial: f64,
    /// A line that was translated and is translated back.
    pub cycle: f64,
    /// A line that is written again in its own style.
    pub same: f64,
    /// The style that a classifier finds, which is trained on the lines of both; 0 to have none.
    pub style: f64,
}

/// How long the phases before the adversarial one are, as shares of the run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StylePhases {
    /// The share of the run that trains the generator to write lines again in their own style.
    pub autoencoder: f64,
}

impl StylePhases {
    fn shares(self) -> [(&'static str, f64); 1] {
        [("autoencoder", self.autoencoder)]
    }

    /// The phases of a run of so many steps.
    pub(super) fn of_run(self, steps: u64) -> Phases {
        Phases::new(&self.shares(), steps)
    }
}

/// How the players step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StyleOptimizers {
    /// The generator's in its first phase.
    pub autoencoder: OptimizerRecipe,
    /// The generator's in the adversarial phase.
    pub generator: OptimizerRecipe,
    /// The discriminators'.
    pub discriminator: OptimizerRecipe,
    /// The classifier's.
    pub classifier: OptimizerRecipe,
}

impl SystemRecipe for TextStyleRecipe {
    // What text in one style lacks comes first, since that is what is said.
    const NEEDS: &'static [Need] = &[Need::Indices(SECOND_TOKENS), Need::Indices(TOKENS)];

    fn defaults(_: SampleKind) -> Result<Self> {
        Ok(Self {
            generator: StyleGeneratorRecipe { embedding: 32, hidden: 64 },
            discriminator: TextCnnRecipe::of(32, &[1, 2, 3]),
            output: OutputRecipe::Words { relaxation: RelaxationRecipe::default() },
            noise: NoiseRecipe { drop: 0.1, shuffle: 0 },
            losses: StyleLosses { adversarial: 1.0, cycle: 5.0, same: 1.0, style: 0.0 },
            phases: StylePhases { autoencoder: 0.2 },
            adversarial: AdversarialRecipe {
                constraint: Constraint::Spectral {},
                ..AdversarialRecipe::of(Hinge {}.into())
            },
            optimizer: StyleOptimizers {
                autoencoder: OptimizerRecipe::adam(3e-3, 0.9, 0.999),
                generator: OptimizerRecipe::adam(1e-3, 0.5, 0.9),
                discriminator: OptimizerRecipe::adam(1e-3, 0.5, 0.9),
                classifier: OptimizerRecipe::adam(3e-3, 0.9, 0.999),
            },
            discriminator_steps: 2,
            classifier_steps: 1,
            gradient_norm: 5.0,
            average: AverageRecipe::OFF,
            held_out: HeldOutRecipe { every: 100 },
        })
    }

    fn check(&self) -> Result<()> {
        self.generator.check()?;
        self.discriminator.check()?;
        match self.output {
            OutputRecipe::Words { relaxation } => relaxation.check()?,
            OutputRecipe::Vectors {} => {}
        }
        self.noise.check()?;
        let StyleLosses { adversarial, cycle, same, style } = self.losses;
        at_least_zero(&[
            ("losses.adversarial", adversarial),
            ("losses.cycle", cycle),
            ("losses.same", same),
            ("losses.style", style),
        ])?;
        check_shares(&self.phases.shares())?;
        self.adversarial.check()?;
        self.average.check()?;
        above_zero("gradient_norm", self.gradient_norm, 5.0)?;
        self.optimizer.autoencoder.check("autoencoder")?;
        self.optimizer.generator.check("generator")?;
        self.optimizer.discriminator.check("discriminator")?;
        self.optimizer.classifier.check("classifier")?;
        check_discriminator_steps("discriminator_steps", self.discriminator_steps)
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        let changes = match self.output {
            OutputRecipe::Words { relaxation } => relaxation.changes(),
            OutputRecipe::Vectors {} => false,
        };
        ["phases"].into_iter().chain(changes.then_some("output.relaxation")).collect()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        Ok(Box::new(TextStyle::new(self.clone(), setup)?))
    }
}
