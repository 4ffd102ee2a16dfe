//! GRAN's generator (Im et al. 2016, arXiv:1602.05110): an image is the sum of increments, and each step gets a code of the
//! increment before it.

use brigand_autograd::{Activation, Variable};
use serde::{Deserialize, Serialize};

use super::dcgan::DcganRecipe;
use super::encoder::Encoder;
use super::generator_layout::GeneratorLayout;
use super::normalizing::ByStep;
use super::{NetworkRecipe, Positions};
use crate::batch::SampleShape;
use crate::error::{Error, Result};
use crate::modules::{
    Builder, Chain, Initialization, Layer, Linear, NormKind, NormPlan, OnStep, Pass, Plan, Reparametrisation,
    Step, StepNorm,
};

/// The most steps: training keeps all of them in memory.
const MOST_STEPS: usize = 64;

/// First scales of codes. Samples differ less from each other in their increments than in their noise at first: with codes
/// as large as the noise, later steps would make a few forms of them and ignore the noise.
const CODE_SCALE: Initialization = Initialization::Constant { value: 0.1 };

/// A DCGAN generator that is run in steps: what it gives at each is added to a canvas, whose logits `a` are the image
/// `tanh(a / 2)`. A step's input is a layer of noise, and a code of the increment of the step before, which a DCGAN body
/// without batch normalisation and a layer with it find. All steps share their weights but for batch normalisation. With
/// one step it is DCGAN's generator behind one more layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GranRecipe {
    /// Channels of the map next to the image.
    pub width: usize,
    /// Steps.
    pub steps: usize,
    /// What each step starts from.
    pub noise: StepNoise,
}

/// What the steps of a generator start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepNoise {
    /// All start from the whole latent, as in the authors' program.
    Shared,
    /// Each starts from a part of the latent of its own, all of the same size.
    Fresh,
}

impl Default for GranRecipe {
    fn default() -> Self {
        Self { width: 32, steps: 3, noise: StepNoise::Shared }
    }
}

/// The networks of a generator in steps.
pub(super) struct StepGenerator {
    steps: usize,
    /// Numbers that a step starts from, and whether each step has its own.
    noise: (usize, StepNoise),
    enter: Linear,
    norm: StepNorm,
    /// From `[noise, code]` to increments.
    decoder: Chain<OnStep>,
    /// From an increment to a code; none in a generator of one step.
    coder: Option<Coder>,
    logits: bool,
}

/// From an increment to the code of it that the next step is given.
struct Coder {
    encoder: Encoder,
    /// Removes what the codes of a batch have in common, next to which the next step would not see how samples differ.
    norm: StepNorm,
}

impl Coder {
    /// The code of the increment of a step.
    fn code(&self, pass: &mut Pass<'_>, increment: &Variable, step: Step) -> Result<Variable> {
        let code = self.encoder.forward(pass, increment)?;
        self.norm.forward(pass, &code, step)
    }
}

impl GranRecipe {
    fn check(&self) -> Result<()> {
        if self.steps == 0 || self.steps > MOST_STEPS {
            return Err(Error::Recipe(format!(
                "the steps of a gran generator are {}; give 1 to {MOST_STEPS} for generator.steps",
                self.steps
            )));
        }
        Ok(())
    }

    /// The generator of `sample`s from `latent` numbers, left before its last activation with `logits`.
    pub(super) fn generator(
        &self,
        b: &mut Builder,
        (latent, sample, logits): (usize, SampleShape, bool),
    ) -> Result<StepGenerator> {
        self.check()?;
        let (steps, size) = (self.steps, self.noise_size(latent)?);
        let dcgan = |batch_norm| DcganRecipe { width: self.width, batch_norm, ..DcganRecipe::default() };
        let mut positions = Positions(0);
        // As in the authors' program. With DCGAN's small first weights, Adam turns all rows of this layer into one direction
        // within 400 steps, after which there are only a few different samples.
        let enter = Plan::new(Initialization::Glorot).without_bias();
        let enter = b.block(positions.next(), |b| Linear::new(b, size, size, &enter))?;
        let plan = NormPlan::new(NormKind::Batch, Activation::Tanh);
        let norm = b.block(positions.next(), |b| StepNorm::new(b, plan, size, steps))?;
        let layout = GeneratorLayout {
            latent: if steps > 1 { 2 * size } else { size },
            sample,
            logits: true,
            reparametrisation: Reparametrisation::Plain,
            normalizing: ByStep(steps),
        };
        let decoder = b.block("decoder", |b| dcgan(true).generator(b, &layout))?;
        let coder = |b: &mut Builder| -> Result<Coder> {
            let encoder = NetworkRecipe::Dcgan(dcgan(false));
            let encoder =
                b.block("encoder", |b| encoder.encoder_layers(b, sample, size, Reparametrisation::Plain))?;
            let plan = NormPlan { scale: CODE_SCALE, ..plan };
            // Nothing follows the last step.
            let norm = b.block("code", |b| StepNorm::new(b, plan, size, steps - 1))?;
            Ok(Coder { encoder, norm })
        };
        let coder = (steps > 1).then(|| coder(b)).transpose()?;
        Ok(StepGenerator { steps, noise: (size, self.noise), enter, norm, decoder, coder, logits })
    }

    /// Numbers of a latent that each step starts from.
    fn noise_size(&self, latent: usize) -> Result<usize> {
        match self.noise {
            StepNoise::Shared => Ok(latent),
            StepNoise::Fresh if latent.is_multiple_of(self.steps) => Ok(latent / self.steps),
            StepNoise::Fresh => Err(Error::Recipe(format!(
                "a latent of {latent} numbers cannot be divided among {} steps; give a multiple of them for latent.size \
                 (with a class or codes: so that the whole latent is one), or set generator.noise=shared",
                self.steps
            ))),
        }
    }
}

impl StepGenerator {
    /// The canvas after each step of `latents` `[batch, latent]`, `[batch, channels, height, width]` each: images, or their
    /// logits.
    pub(super) fn canvases(&self, pass: &mut Pass<'_>, latents: &Variable) -> Result<Vec<Variable>> {
        let (size, noise) = self.noise;
        let mut canvases = Vec::with_capacity(self.steps);
        let (mut canvas, mut code): (Option<Variable>, Option<Variable>) = (None, None);
        for step in 0..self.steps {
            let own = match noise {
                StepNoise::Shared => latents.clone(),
                StepNoise::Fresh => latents.narrow(1, step * size, size)?,
            };
            let entered = self.enter.run(pass, &own)?;
            let entered = self.norm.forward(pass, &entered, Step(step))?;
            let input = match (&self.coder, &code) {
                (None, _) => entered,
                (Some(_), Some(code)) => Variable::concatenate(&[&entered, code], 1)?,
                (Some(_), None) => Variable::concatenate(&[&entered, &entered.full_like(0.0)?], 1)?,
            };
            let increment = self.decoder.forward(pass, &input, Step(step))?;
            // Nothing follows the last increment.
            if let Some(coder) = self.coder.as_ref().filter(|_| step + 1 < self.steps) {
                code = Some(coder.code(pass, &increment, Step(step))?);
            }
            let next = match &canvas {
                Some(canvas) => canvas.add(&increment)?,
                None => increment,
            };
            canvases.push(if self.logits { next.clone() } else { next.scale(0.5)?.tanh()? });
            canvas = Some(next);
        }
        Ok(canvases)
    }

    /// The canvas after the last step.
    pub(super) fn forward(&self, pass: &mut Pass<'_>, latents: &Variable) -> Result<Variable> {
        let missing = || Error::Internal("a generator in steps without steps".into());
        self.canvases(pass, latents)?.pop().ok_or_else(missing)
    }

    pub(super) fn couples_samples(&self) -> bool {
        self.norm.couples_samples()
    }
}
