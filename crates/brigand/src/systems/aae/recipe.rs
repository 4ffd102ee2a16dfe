//! The tables of the four forms' recipes.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::prior::PriorRecipe;
use super::{AdversarialAutoencoder, Form};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::networks::{Hidden, MlpRecipe, NetworkRecipe, SampleKind};
use crate::objectives::Objective;
use crate::systems::classifier::HeldOutRecipe;
use crate::systems::recognition::no_labels;
use crate::systems::registry::SystemRecipe;
use crate::systems::{OptimizerRecipe, Schedule, Setup, System};

/// The code that a sample is encoded into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeRecipe {
    /// Its coordinates.
    pub(super) size: usize,
}

/// The labels that training is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LabelsRecipe {
    /// How many samples have one, as evenly of every class as there are.
    pub(super) count: usize,
}

impl LabelsRecipe {
    /// Refuses data without so many labelled samples.
    pub(super) fn check_data(self, data: &Dataset) -> Result<()> {
        data.labels().ok_or_else(no_labels)?;
        if self.count > data.len() {
            return Err(Error::Recipe(format!(
                "labels.count is {}, {} has {} samples; give at most that",
                self.count,
                data.name(),
                data.len()
            )));
        }
        Ok(())
    }
}

/// Who is told the class, in the form whose decoder always is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConditionRecipe {
    /// Whether the discriminator hears it beside the code. Codes then have to follow the prior in each class; without,
    /// as in the paper, only in all classes together, which leaves room for the class in them.
    pub(super) discriminator: bool,
}

/// The phases of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PhasesRecipe {
    /// Whether encoder and decoder learn to reconstruct.
    pub(super) reconstruction: bool,
    /// Whether codes are made to follow the prior.
    pub(super) regularization: bool,
    /// Whether the encoder learns from labelled samples, in the form that does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) supervision: Option<bool>,
}

/// An optimizer for each phase, and the discriminators'.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OptimizersRecipe {
    /// Encoder and decoder, reconstructing.
    pub(super) reconstruction: OptimizerRecipe,
    /// The discriminators.
    pub(super) discriminator: OptimizerRecipe,
    /// The encoder, fooling the discriminators.
    pub(super) regularization: OptimizerRecipe,
    /// The encoder, learning classes, in the form that does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) supervision: Option<OptimizerRecipe>,
}

/// Everything that makes an adversarial auto-encoder. Tables that a form has no use for are absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tables {
    /// From samples to codes.
    pub(super) encoder: NetworkRecipe,
    /// From codes to samples.
    pub(super) decoder: NetworkRecipe,
    /// Judges codes.
    pub(super) discriminator: NetworkRecipe,
    /// The code.
    pub(super) latent: CodeRecipe,
    /// What codes are to follow; a standard normal where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) prior: Option<PriorRecipe>,
    /// The labels that training is told; all or none where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) labels: Option<LabelsRecipe>,
    /// Who is told the class, in the form whose decoder is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) condition: Option<ConditionRecipe>,
    /// What discriminator and encoder minimise.
    pub(super) objective: Objective,
    /// Which phases a step has.
    pub(super) phases: PhasesRecipe,
    /// How weights step.
    pub(super) optimizer: OptimizersRecipe,
    /// How step sizes change.
    pub(super) schedule: Schedule,
    /// When the classes it names are judged, in the forms that name any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) held_out: Option<HeldOutRecipe>,
}

impl Tables {
    /// What all forms start from: two hidden layers everywhere, codes of `size` coordinates.
    pub(super) fn ordinary(kind: SampleKind, size: usize) -> Self {
        let width = if kind == SampleKind::Image { 256 } else { 128 };
        let layers = |activation| {
            NetworkRecipe::Mlp(MlpRecipe { widths: vec![width; 2], activation, ..MlpRecipe::default() })
        };
        let adversarial = OptimizerRecipe::adam(5e-4, 0.5, 0.999);
        Self {
            encoder: layers(Hidden::Relu),
            decoder: layers(Hidden::Relu),
            discriminator: layers(Hidden::LeakyRelu),
            latent: CodeRecipe { size },
            prior: None,
            labels: None,
            condition: None,
            objective: Objective::NON_SATURATING,
            phases: PhasesRecipe { reconstruction: true, regularization: true, supervision: None },
            optimizer: OptimizersRecipe {
                reconstruction: OptimizerRecipe::adam(1e-3, 0.9, 0.999),
                discriminator: adversarial,
                regularization: adversarial,
                supervision: None,
            },
            schedule: Schedule::Constant {},
            held_out: None,
        }
    }

    fn check(&self) -> Result<()> {
        let OptimizersRecipe { reconstruction, discriminator, regularization, supervision } = self.optimizer;
        reconstruction.check("reconstruction")?;
        discriminator.check("discriminator")?;
        regularization.check("regularization")?;
        supervision.iter().try_for_each(|optimizer| optimizer.check("supervision"))?;
        self.objective.check()?;
        self.objective.refuse_energies()?;
        let size = self.latent.size;
        if size == 0 || size > 65_536 {
            return Err(Error::Recipe(format!("latent.size is {size}; give 1 to 65536")));
        }
        for (name, network) in [("encoder", &self.encoder), ("discriminator", &self.discriminator)] {
            if matches!(network, NetworkRecipe::Autoencoder(_)) {
                return Err(Error::Recipe(format!(
                    "{name}.kind=autoencoder has no codes to give; choose mlp, dcgan or resnet"
                )));
            }
        }
        if self.labels.is_some_and(|labels| labels.count == 0) {
            return Err(Error::Recipe(
                "labels.count is 0; give at least 1, or train aae without labels".into(),
            ));
        }
        self.prior.iter().try_for_each(|prior| prior.check(size))
    }

    /// Refuses tables that `other`, of the same form, lacks, and the lack of those that it has.
    fn check_like(&self, other: &Self) -> Result<()> {
        let present = |tables: &Self| {
            [
                ("prior", tables.prior.is_some()),
                ("labels", tables.labels.is_some()),
                ("condition", tables.condition.is_some()),
                ("held_out", tables.held_out.is_some()),
                ("phases.supervision", tables.phases.supervision.is_some()),
                ("optimizer.supervision", tables.optimizer.supervision.is_some()),
            ]
        };
        for ((name, here), (_, wanted)) in present(self).into_iter().zip(present(other)) {
            if here != wanted {
                let wrong = if wanted { "is missing" } else { "is not of this system" };
                return Err(Error::Recipe(format!("{name} {wrong}; compare with `brigand info`")));
            }
        }
        Ok(())
    }
}

/// The recipe of a form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub(super) struct FormRecipe<F> {
    tables: Tables,
    #[serde(skip)]
    form: PhantomData<F>,
}

impl<F: Form> SystemRecipe for FormRecipe<F> {
    fn defaults(kind: SampleKind) -> Result<Self> {
        Ok(Self { tables: F::defaults(kind), form: PhantomData })
    }

    fn check(&self) -> Result<()> {
        self.tables.check_like(&F::defaults(SampleKind::Image))?;
        self.tables.check()
    }

    fn build(self, setup: &Setup<'_>) -> Result<Box<dyn System>> {
        Ok(Box::new(AdversarialAutoencoder::<F>::new(self.tables, setup)?))
    }
}
