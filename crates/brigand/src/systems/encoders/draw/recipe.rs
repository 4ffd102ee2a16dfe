//! What makes a DRAW.

use brigand_core::batch::{Need, SampleKind};
use brigand_core::latent::{LatentRecipe, Prior};
use brigand_core::networks::DrawNetworkRecipe;
use brigand_core::players::{OptimizerRecipe, Schedule};
use brigand_core::recipe::{Family, Length, Make, Row, SystemRecipe};
use brigand_core::system::System;
use brigand_core::{Error, Result, Setup};
use serde::{Deserialize, Serialize};

use super::super::super::held_out::HeldOutRecipe;
use super::super::posterior::check_gaussian;
use super::super::vae::{VaeLosses, VaeOptimizers};
use super::Draw;

/// The most steps of a drawing: training keeps all of them in memory.
const MOST_STEPS: usize = 256;
/// The most numbers of all codes of a drawing.
const MOST_NUMBERS: usize = 65_536;

/// How a drawing is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawingRecipe {
    /// Steps, each with a code of its own.
    pub steps: usize,
}

/// Everything that makes a DRAW.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawRecipe {
    /// How a drawing is made.
    pub drawing: DrawingRecipe,
    /// What the code of one step looks like; its prior is normal.
    pub latent: LatentRecipe,
    /// Reads images and gives means and log-variances of codes.
    pub encoder: DrawNetworkRecipe,
    /// Writes what a code stands for.
    pub decoder: DrawNetworkRecipe,
    /// The parts of the loss.
    pub losses: VaeLosses,
    /// How the networks step.
    pub optimizer: VaeOptimizers,
    /// The largest norm of each network's gradients; longer ones are shortened to it. 0 for none.
    pub clip_norm: f64,
    /// How step sizes change over the run.
    pub schedule: Schedule,
    /// When it is measured on held-out samples.
    pub held_out: HeldOutRecipe,
}

/// Its row of the registry.
pub(in super::super) const ROW: Row = Row {
    name: "draw",
    family: Family::Encoders,
    summary: "recurrent VAE that draws images in steps, with attention for reading and writing",
    paper: "Gregor et al. 2015, arXiv:1502.04623",
    data: "digits",
    length: |_| Length { steps: 3000, batch: 100 },
    make: Make::of::<DrawRecipe>(),
};

impl SystemRecipe for DrawRecipe {
    const NEEDS: &'static [Need] = &[Need::Samples];

    fn defaults(kind: SampleKind) -> Result<Self> {
        kind.refuse_points(
            "draw needs images; give --data digits or another set of images, and train vae on points",
        )?;
        let network = DrawNetworkRecipe { hidden: 128, attention: 5 };
        let adam = OptimizerRecipe::adam(3e-3, 0.5, 0.999);
        Ok(Self {
            drawing: DrawingRecipe { steps: 8 },
            latent: LatentRecipe { size: 10, prior: Prior::Normal },
            encoder: network,
            decoder: network,
            losses: VaeLosses { beta: 1.0 },
            optimizer: VaeOptimizers { encoder: adam, decoder: adam },
            clip_norm: 5.0,
            schedule: Schedule::Constant {},
            held_out: HeldOutRecipe { every: 500 },
        })
    }

    fn check(&self) -> Result<()> {
        let (steps, size) = (self.drawing.steps, self.latent.size);
        if steps == 0 || steps > MOST_STEPS {
            return Err(Error::Recipe(format!("drawing.steps is {steps}; give 1 to {MOST_STEPS}")));
        }
        check_gaussian(&self.latent, self.losses.beta)?;
        if steps * size > MOST_NUMBERS {
            return Err(Error::Recipe(format!(
                "drawing.steps is {steps} and latent.size {size}, together {} numbers; give at most {MOST_NUMBERS}",
                steps * size
            )));
        }
        self.encoder.check("encoder")?;
        self.decoder.check("decoder")?;
        if !(self.clip_norm >= 0.0 && self.clip_norm.is_finite()) {
            return Err(Error::Recipe(format!(
                "clip_norm is {}; give a positive number, or 0 for none",
                self.clip_norm
            )));
        }
        self.schedule.check()?;
        self.optimizer.encoder.check("encoder")?;
        self.optimizer.decoder.check("decoder")
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        self.schedule.spread_over_run()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        Ok(Box::new(Draw::new(self, setup)?))
    }
}
