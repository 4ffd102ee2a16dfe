//! `aae-labels`: every class has its own component of the prior, and the discriminator hears which one is meant.

use brigand_autograd::Variable;
use candle_core::{Device, Tensor};

use super::code_discriminator::CodeDiscriminator;
use super::prior::PriorRecipe;
use super::recipe::{LabelsRecipe, Tables};
use super::{Form, Turn};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::layers::Mode;
use crate::networks::{Network, SampleKind};
use crate::systems::classifier::HeldOutRecipe;
use crate::systems::recognition::no_labels;
use crate::systems::state::{Fragment, State};
use crate::systems::{
    Distribution, LatentPart, LatentSpace, NOISE, OptimizerRecipe, Planar, Seen, Setup, labels,
};
use crate::training::history::{DISCRIMINATOR_LOSS, GENERATOR_LOSS};

/// Labelled samples where the recipe does not say how many.
const LABELS: LabelsRecipe = LabelsRecipe { count: 1000 };

/// The encoder says a code in the plane, and the code is the latent.
pub(super) struct LabelInformed {
    discriminator: CodeDiscriminator,
    planar: Planar,
    told: LabelsRecipe,
}

impl Form for LabelInformed {
    fn defaults(kind: SampleKind) -> Tables {
        let mut tables = Tables::ordinary(kind, 2);
        tables.prior = Some(PriorRecipe::GaussianWheel { components: 0 });
        tables.labels = Some(LABELS);
        tables.held_out = Some(HeldOutRecipe { every: 200 });
        // Whole classes have to change places, against what is easiest to reconstruct.
        tables.optimizer.reconstruction = OptimizerRecipe::adam(1e-4, 0.9, 0.999);
        tables.optimizer.discriminator = OptimizerRecipe::adam(1e-3, 0.5, 0.999);
        tables.optimizer.regularization = OptimizerRecipe::adam(2e-3, 0.5, 0.999);
        tables
    }

    fn new(tables: &Tables, setup: &Setup<'_>) -> Result<Self> {
        let classes = setup.classes.len();
        if classes == 0 {
            return Err(no_labels());
        }
        let planar = tables.prior.as_ref().and_then(|prior| prior.planar(classes)).ok_or_else(|| {
            Error::Recipe(
                "the prior has no components for the classes; give prior.kind=gaussian-wheel or swiss-roll"
                    .into(),
            )
        })?;
        if planar.components() != classes {
            return Err(Error::Recipe(format!(
                "prior.components is {}, the data has {classes} classes; give that or 0",
                planar.components()
            )));
        }
        let (losses, heard) = ([DISCRIMINATOR_LOSS, GENERATOR_LOSS], classes + 1);
        Ok(Self {
            discriminator: CodeDiscriminator::new("discriminator", losses, (2, heard), tables, setup)?,
            planar,
            told: tables.labels.unwrap_or(LABELS),
        })
    }

    fn outputs(&self) -> usize {
        2
    }

    fn latent_space(&self) -> LatentSpace {
        LatentSpace::new(vec![LatentPart { name: NOISE, distribution: Distribution::Planar(self.planar) }])
    }

    fn latents(&self, said: &Variable, _: Option<&[u32]>) -> Result<Variable> {
        Ok(said.clone())
    }

    /// Labelled samples beside a draw of their own component, and all others beside one of any component.
    fn regularize(&mut self, encoder: &mut Network, turn: &mut Turn<'_>) -> Result<Variable> {
        let size = turn.feed.batch_size();
        let told = turn.feed.labelled(turn.step, size, self.told.count)?;
        let samples = Variable::concatenate(&[&told.samples, &turn.batch.samples], 0)?;
        let codes = encoder.forward(&samples, Mode::Training)?;
        let (known, unlabelled) = (labels(&told)?, self.planar.components() as u32);
        let rest = codes.shape()[0] - known.len();
        let mut stream = turn.stream("prior");
        let mut components: Vec<usize> = known.iter().map(|&label| label as usize).collect();
        components.extend(self.planar.choose(rest, &mut stream));
        let drawn =
            Tensor::from_vec(self.planar.draw(&components, &mut stream), codes.shape(), &Device::Cpu)?;
        let drawn = Variable::constant(drawn.to_device(codes.device())?);
        let said: Vec<u32> = known.iter().copied().chain(std::iter::repeat_n(unlabelled, rest)).collect();
        let heard = Variable::one_hot(&said, unlabelled as usize + 1, codes.dtype(), codes.device())?;
        self.discriminator.play(Seen::with(&drawn, &heard), Seen::with(&codes, &heard), turn)
    }

    /// All probability on the component that the code is of.
    fn classify(&self, said: &Variable) -> Result<Option<Variable>> {
        let values = said.to_vec()?;
        let (codes, _) = values.as_chunks::<2>();
        let named: Vec<u32> = codes.iter().map(|&code| self.planar.component_of(code) as u32).collect();
        Ok(Some(Variable::one_hot(&named, self.planar.components(), said.dtype(), said.device())?))
    }

    fn networks(&self) -> Vec<&Network> {
        vec![self.discriminator.network()]
    }

    fn check_data(&self, data: &Dataset) -> Result<()> {
        self.told.check_data(data)
    }
}

impl Fragment for LabelInformed {
    fn save(&self, _: &str, state: &mut State) -> Result<()> {
        self.discriminator.save("discriminator", state)
    }

    fn restore(&mut self, _: &str, state: &State) -> Result<()> {
        self.discriminator.restore("discriminator", state)
    }
}
