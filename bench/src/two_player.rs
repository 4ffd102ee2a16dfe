//! The two-player workloads: the same layers as `pytorch_two_player.py`.

use std::sync::Arc;

use brigand::Place;
use brigand::batch::SampleShape;
use brigand::data::{Dataset, DatasetSource};
use brigand::latent::{LatentRecipe, Prior};
use brigand::objectives::{Hinge, Objective, Wasserstein};
use brigand::penalties::{Constraint, Penalty};
use brigand::players::{AverageRecipe, OptimizerRecipe, Schedule};
use brigand::random::Stream;
use brigand::session::{Session, Span};
use brigand::systems::two_player::{
    CodesRecipe, ConditionRecipe, Order, Players, Techniques, TwoPlayerRecipe, UpdateRecipe,
};
use brigand_core::networks::{
    DcganRecipe, Hidden, HiddenNormalization, MlpRecipe, NetworkRecipe, ResnetRecipe,
};

use crate::Failure;

/// Images in a batch.
pub(crate) const BATCH: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Fully connected.
    Mlp,
    /// DCGAN's convolutions.
    Dcgan,
    /// Residual blocks, spectral normalisation in the discriminator.
    Resnet,
}

/// Two networks and how they are trained.
#[derive(Debug)]
pub(crate) struct TwoPlayer {
    /// Which fakes the generator's update uses.
    pub(crate) order: Order,
    /// Whether the critic's gradient is penalised.
    pub(crate) penalty: bool,
    family: Family,
    side: usize,
}

impl TwoPlayer {
    /// Networks of `family` for images of this side, updated one after the other from the same fakes.
    pub(crate) const fn new(family: Family, side: usize) -> Self {
        Self { order: Order::SharedFakes, penalty: false, family, side }
    }

    /// The same with both updates at once.
    pub(crate) const fn merged(self) -> Self {
        Self { order: Order::Merged, ..self }
    }

    /// The same with a penalty of the critic's gradient.
    pub(crate) const fn penalised(self) -> Self {
        Self { penalty: true, ..self }
    }

    fn sample_shape(&self) -> SampleShape {
        let channels = if self.side == 28 { 1 } else { 3 };
        SampleShape::Image { channels, height: self.side, width: self.side }
    }

    /// The two networks, untrained, with one batch of random images.
    pub(crate) fn session(&self, seed: u64, place: &Place) -> Result<Session, Failure> {
        let shape = self.sample_shape();
        let images = Stream::new(seed, "images", 0).uniform(BATCH * shape.elements(), -1.0, 1.0);
        let dataset = Dataset::from_values("random images", images, &shape.dims())?;
        let source = Box::new(DatasetSource(Arc::new(dataset)));
        let span = Span { steps: 1, batch: BATCH, seed };
        Ok(Session::new(&self.recipe(), vec![source], span, place)?)
    }

    /// The two networks and their updates.
    fn recipe(&self) -> TwoPlayerRecipe {
        let (generator, discriminator) = self.networks();
        let adam = OptimizerRecipe::adam(2e-4, 0.5, 0.999);
        let objective = match (self.penalty, self.family) {
            (true, _) => Wasserstein {}.into(),
            (false, Family::Resnet) => Hinge {}.into(),
            (false, _) => Objective::NON_SATURATING,
        };
        TwoPlayerRecipe {
            latent: LatentRecipe {
                size: if self.family == Family::Resnet { 128 } else { 100 },
                prior: Prior::Normal,
            },
            condition: ConditionRecipe::OFF,
            codes: CodesRecipe::OFF,
            generator,
            discriminator,
            objective,
            penalty: if self.penalty { Penalty::WGAN_GP } else { Penalty::None {} },
            constraint: match self.family {
                Family::Resnet => Constraint::Spectral {},
                Family::Mlp | Family::Dcgan => Constraint::None {},
            },
            schedule: Schedule::Constant {},
            optimizer: Players { generator: adam, discriminator: adam },
            update: UpdateRecipe { discriminator_steps: 1, order: self.order },
            average: AverageRecipe::OFF,
            techniques: Techniques::default(),
        }
    }

    fn networks(&self) -> (NetworkRecipe, NetworkRecipe) {
        match self.family {
            Family::Mlp => {
                let mlp = |widths: &[usize], normalization| {
                    NetworkRecipe::Mlp(MlpRecipe {
                        widths: widths.to_vec(),
                        activation: Hidden::LeakyRelu,
                        normalization,
                        ..MlpRecipe::default()
                    })
                };
                let generator = mlp(&[128, 256, 512, 1024], HiddenNormalization::BeforeActivation);
                (generator, mlp(&[512, 256], HiddenNormalization::None))
            }
            Family::Dcgan => {
                let dcgan = |batch_norm| {
                    NetworkRecipe::Dcgan(DcganRecipe { width: 64, batch_norm, dropout: Vec::new() })
                };
                (dcgan(true), dcgan(!self.penalty))
            }
            Family::Resnet => {
                let resnet = |width| NetworkRecipe::Resnet(ResnetRecipe { width, ..ResnetRecipe::default() });
                (resnet(128), resnet(64))
            }
        }
    }

    /// At how many positions each matrix or kernel of the generator and of the discriminator is applied to one
    /// sample, in the order of their parameters.
    pub(crate) fn positions(&self) -> (Vec<usize>, Vec<usize>) {
        match (self.family, self.side) {
            (Family::Mlp, _) => (vec![1; 5], vec![1; 3]),
            (Family::Dcgan, 28) => (vec![1, 49, 196], vec![196, 49, 1]),
            (Family::Dcgan, _) => (vec![1, 16, 64, 256, 1024], vec![1024, 256, 64, 16, 1]),
            (Family::Resnet, _) => {
                let generator = vec![1, 64, 64, 64, 256, 256, 256, 1024, 1024, 1024, 1024];
                (generator, vec![1024, 1024, 256, 256, 256, 256, 64, 64, 64, 64, 64, 64, 1])
            }
        }
    }

    /// Which of the discriminator's matrices or kernels read the image itself.
    pub(crate) fn first_layers(&self) -> &'static [usize] {
        // A residual block reads it with its main path and with its shortcut.
        if self.family == Family::Resnet { &[0, 2] } else { &[0] }
    }
}
