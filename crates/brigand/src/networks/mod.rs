//! Generators and discriminators.

mod autoencoder;
pub mod classifier;
mod dcgan;
pub mod inception;
mod mlp;
mod resnet;
mod state_file;

pub use autoencoder::AutoencoderRecipe;
pub use dcgan::DcganRecipe;
pub use mlp::{Hidden, HiddenNormalization, MlpRecipe};
pub use resnet::ResnetRecipe;

use brigand_autograd::{Activation, GradientOptions, Output, Variable, grad_of, without_recording};
use candle_core::Device;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::layers::{
    Activate, AppendCondition, Buffers, Builder, Features, Initialization, Layer, Linear, Minibatch,
    MinibatchDeviation, MinibatchDiscrimination, Mode, Pass, Projection, Reshape, SecondHead, Sequence,
    Weights,
};
use crate::random::Stream;

/// Layers with their parameters and running statistics.
pub struct Network {
    name: String,
    layers: Box<dyn Layer>,
    /// The parameters.
    pub weights: Weights,
    /// The running statistics.
    pub buffers: Buffers,
    /// The reference batch of virtual batch normalisation.
    pub reference: Option<Variable>,
}

/// How a network is run.
pub struct Setting<'a> {
    /// Other weights than its own: averaged or unrolled ones.
    pub weights: Option<&'a Weights>,
    /// How statistics of the batch are used.
    pub mode: Mode,
    /// Where dropout and noise draw from.
    pub random: Option<&'a mut Stream>,
    /// What each sample is conditioned on, `[batch, size]`.
    pub condition: Option<&'a Variable>,
}

impl Setting<'_> {
    /// The network's own weights, without random draws and condition.
    pub fn plain(mode: Mode) -> Self {
        Self { weights: None, mode, random: None, condition: None }
    }
}

/// What a network answers.
#[derive(Clone)]
pub struct Observed {
    /// The output.
    pub output: Variable,
    /// A discriminator's last features, `[batch, features]`.
    pub features: Option<Variable>,
    /// What a discriminator's second head says, `[batch, size]`.
    pub second: Option<Variable>,
    /// What a discriminator that reconstructs made of its input, `[batch, sample...]`.
    pub reconstruction: Option<Variable>,
}

impl Network {
    /// Builds the network called `name`; its first values depend on `seed` and the parameters' paths alone.
    pub fn build<L: Layer + 'static>(
        name: &str,
        seed: u64,
        device: &Device,
        make: impl FnOnce(&mut Builder) -> Result<L>,
    ) -> Result<Self> {
        let mut builder = Builder::new(name, seed, device);
        let layers = Box::new(make(&mut builder)?);
        let (weights, buffers) = (builder.weights, builder.buffers);
        Ok(Self { name: name.to_owned(), layers, weights, buffers, reference: None })
    }

    /// The network's name, for example `generator`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The output for `input`.
    pub fn forward(&mut self, input: &Variable, mode: Mode) -> Result<Variable> {
        Ok(self.observe(Setting::plain(mode), input)?.output)
    }

    /// The output for `input` and the features behind it.
    pub fn observe(&mut self, setting: Setting<'_>, input: &Variable) -> Result<Observed> {
        let weights = setting.weights.unwrap_or(&self.weights);
        let mut pass = Pass::new(weights, &mut self.buffers, setting.mode);
        pass.random = setting.random;
        pass.condition = setting.condition.cloned();
        let output = run(self.layers.as_ref(), &mut pass, self.reference.as_ref(), input)?;
        Ok(Observed::after(pass, output))
    }

    /// The output for `input` with running statistics, which it leaves alone; recorded, so that gradients can flow.
    pub fn judge(&self, setting: Setting<'_>, input: &Variable) -> Result<Observed> {
        let mut buffers = self.buffers.clone();
        let mut pass = Pass::new(setting.weights.unwrap_or(&self.weights), &mut buffers, Mode::Sampling);
        pass.condition = setting.condition.cloned();
        let output = run(self.layers.as_ref(), &mut pass, self.reference.as_ref(), input)?;
        Ok(Observed::after(pass, output))
    }

    /// Whether, in training, a sample's output depends on the other samples of its batch.
    pub fn couples_samples(&self) -> bool {
        self.layers.couples_samples()
    }

    /// The gradients of `output` by every parameter, in their order, plus by `also` at the end.
    ///
    /// # Errors
    /// If the output does not depend on a parameter: it would silently never learn.
    pub fn gradients(
        &self,
        output: Output<'_>,
        also: Option<&Variable>,
        retain_graph: bool,
    ) -> Result<Vec<Variable>> {
        let options = GradientOptions { retain_graph, ..GradientOptions::default() };
        every_gradient(&[self], &[output], also, options)
    }

    /// The gradients of weighted outputs by every parameter, and by `also`.
    pub fn gradients_and(
        &self,
        outputs: &[Output<'_>],
        also: &Variable,
    ) -> Result<(Vec<Variable>, Variable)> {
        let mut gradients = every_gradient(&[self], outputs, Some(also), GradientOptions::default())?;
        let last = gradients.pop();
        let missing = || Error::Internal(format!("{} gave no gradient by its input", self.name()));
        Ok((gradients, last.ok_or_else(missing)?))
    }

    /// The gradients of scalar `loss` by every parameter, `None` for those it does not depend on: a
    /// penalty on gradients does not see the last bias.
    pub fn gradients_or_none(&self, loss: &Variable) -> Result<Vec<Option<Variable>>> {
        let inputs: Vec<&Variable> = self.weights.values().iter().collect();
        let options = GradientOptions { allow_unused: true, ..GradientOptions::default() };
        Ok(grad_of(&[Output { variable: loss, weight: None }], &inputs, options)?)
    }

    /// The output for `input` with running statistics. Recorded only if the input has a history, as latents have that
    /// are searched for.
    pub fn sample(&self, input: &Variable) -> Result<Variable> {
        let make = || Ok(self.judge(Setting::plain(Mode::Sampling), input)?.output);
        if input.has_history() { make() } else { without_recording(make) }
    }
}

impl Observed {
    fn after(pass: Pass<'_>, output: Variable) -> Self {
        let Pass { features, second, reconstruction, .. } = pass;
        Self { output, features, second, reconstruction }
    }

    /// The same values without their history.
    pub fn detach(&self) -> Self {
        let detached = |of: &Option<Variable>| of.as_ref().map(Variable::detach);
        Self {
            output: self.output.detach(),
            features: detached(&self.features),
            second: detached(&self.second),
            reconstruction: detached(&self.reconstruction),
        }
    }
}

/// `features` to `size` numbers, through a hidden layer.
fn second_head(builder: &mut Builder, features: usize, size: usize) -> Result<SecondHead> {
    let mut layers = Sequence::new();
    layers.push(builder, |b| Linear::new(b, features, SECOND_HIDDEN, Initialization::Glorot))?;
    layers.push_plain(Activate(Activation::LeakyRelu(0.1)));
    layers.push(builder, |b| Linear::new(b, SECOND_HIDDEN, size, Initialization::Glorot))?;
    Ok(SecondHead(layers))
}

/// The gradients of weighted `outputs` by every parameter of each of `networks`.
///
/// # Errors
/// If the outputs do not depend on a parameter: it would silently never learn.
pub fn joint_gradients(networks: &[&Network], outputs: &[Output<'_>]) -> Result<Vec<Vec<Variable>>> {
    let mut gradients = every_gradient(networks, outputs, None, GradientOptions::default())?.into_iter();
    let own = |network: &&Network| gradients.by_ref().take(network.weights.names().len()).collect();
    Ok(networks.iter().map(own).collect())
}

/// The gradients by every parameter of each network in turn, and by `also` at the end.
fn every_gradient(
    networks: &[&Network],
    outputs: &[Output<'_>],
    also: Option<&Variable>,
    options: GradientOptions,
) -> Result<Vec<Variable>> {
    let own = networks.iter().flat_map(|network| network.weights.values());
    let inputs: Vec<&Variable> = own.chain(also).collect();
    let error = match grad_of(outputs, &inputs, options) {
        Ok(gradients) => return Ok(gradients.into_iter().flatten().collect()),
        Err(error) => error,
    };
    let mut owners = networks
        .iter()
        .flat_map(|network| network.weights.names().iter().map(move |path| (network.name(), path)));
    let unused = match &error {
        brigand_autograd::Error::Unused { index, .. } => owners.nth(*index),
        _ => None,
    };
    Err(match unused {
        Some((network, path)) => Error::Network(format!(
            "the loss does not depend on `{network}.{path}`, so it would never learn; leave that layer out or use \
             its output"
        )),
        None => error.into(),
    })
}

/// Runs `layers`, the reference batch (if there is one) in front of the others.
fn run(
    layers: &dyn Layer,
    pass: &mut Pass<'_>,
    reference: Option<&Variable>,
    input: &Variable,
) -> Result<Variable> {
    let Some(reference) = reference else { return layers.forward(pass, input) };
    pass.reference = reference.shape()[0];
    let output = layers.forward(pass, &Variable::concatenate(&[reference, input], 0)?)?;
    Ok(output.narrow(0, pass.reference, input.shape()[0])?)
}

pub use brigand_core::batch::{SampleKind, SampleShape};

/// Which network a player is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum NetworkRecipe {
    /// Fully connected layers.
    Mlp(MlpRecipe),
    /// Strided and transposed convolutions.
    Dcgan(DcganRecipe),
    /// Residual blocks.
    Resnet(ResnetRecipe),
    /// An encoder and a decoder; only a discriminator can be one.
    Autoencoder(AutoencoderRecipe),
}

/// How a discriminator ends, and what its layers have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Numbers for each sample, `[batch, outputs]`; `None` for one score, `[batch]`.
    pub outputs: Option<usize>,
    /// What it is told about the whole batch.
    pub minibatch: Minibatch,
    /// Whether every weight is spectrally normalised.
    pub spectral: bool,
    /// Where it hears what samples are conditioned on.
    pub condition: Hearing,
    /// Numbers that a second head on its features gives, behind a hidden layer; `None` for no such head.
    pub second: Option<usize>,
}

/// Where a discriminator hears a condition of the given size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hearing {
    /// Nowhere.
    #[default]
    Nothing,
    /// Beside the sample, as coordinates or planes ([`AppendCondition`]).
    Sample(usize),
    /// Beside the features, with a hidden layer behind them.
    Features(usize),
    /// In the last layer ([`Projection`]).
    Projection(usize),
}

/// What a generator starts from and ends in besides a latent and a sample.
#[derive(Clone, Default)]
pub struct GeneratorOptions {
    /// The reference batch `[n, latent]` of virtual batch normalisation.
    pub reference: Option<Variable>,
    /// The size of the condition that its batch normalisation scales and shifts by.
    pub conditional: Option<usize>,
    /// Whether an image is left before its tanh.
    pub logits: bool,
}

/// Numbers in the hidden layer behind features and condition.
const JOINED: usize = 256;
/// Numbers in the hidden layer of a second head, as in InfoGAN's networks.
const SECOND_HIDDEN: usize = 128;

/// A discriminator up to its features, `[batch, features]`.
pub(crate) struct Body {
    layers: Sequence,
    features: usize,
    /// How the last layer, from features to scores, starts, and whether it has a bias.
    last: (Initialization, bool),
}

impl NetworkRecipe {
    /// A generator or decoder from `[batch, latent]` to `[batch, sample...]`, called `name`.
    ///
    /// # Errors
    /// If the network does not fit the samples, or has no batch normalisation to make virtual or conditional.
    pub fn generator(
        &self,
        name: &str,
        latent: usize,
        sample: SampleShape,
        options: GeneratorOptions,
        seed: u64,
        device: &Device,
    ) -> Result<Network> {
        let GeneratorOptions { reference, conditional, logits } = options;
        let mut network = Network::build(name, seed, device, |builder| {
            builder.virtual_statistics = reference.is_some();
            builder.conditional = conditional;
            builder.logits = logits;
            self.generator_layers(builder, latent, sample)
        })?;
        if (reference.is_some() || conditional.is_some()) && network.buffers.names().is_empty() {
            return Err(Error::Recipe(
                "virtual and conditional batch normalisation need batch normalisation in the generator, and this \
                 one has none; set generator.normalization=before-activation (mlp) or generator.batch_norm=true \
                 (dcgan), or leave the technique out"
                    .into(),
            ));
        }
        network.reference = reference;
        Ok(network)
    }

    /// A discriminator from `[batch, sample...]` to scores `[batch]`, or to what `head` says, called `name`.
    pub fn discriminator(
        &self,
        name: &str,
        sample: SampleShape,
        head: Head,
        seed: u64,
        device: &Device,
    ) -> Result<Network> {
        Network::build(name, seed, device, |builder| {
            builder.spectral = head.spectral;
            if let Self::Autoencoder(recipe) = self {
                return recipe.layers(builder, sample);
            }
            self.judge_layers(builder, sample, head)
        })
    }

    pub(crate) fn generator_layers(
        &self,
        builder: &mut Builder,
        latent: usize,
        sample: SampleShape,
    ) -> Result<Sequence> {
        match self {
            Self::Mlp(recipe) => recipe.generator(builder, latent, sample),
            Self::Dcgan(recipe) => recipe.generator(builder, latent, sample),
            Self::Resnet(recipe) => recipe.generator(builder, latent, sample),
            Self::Autoencoder(_) => Err(Error::Recipe(
                "an auto-encoder is no generator; choose mlp, dcgan or resnet for generator.kind".into(),
            )),
        }
    }

    /// The layers up to the features, then what `head` says.
    fn judge_layers(&self, builder: &mut Builder, sample: SampleShape, head: Head) -> Result<Sequence> {
        let (mut layers, sample) = self.ears(sample, head.condition);
        let Body { layers: body, mut features, last: (initialization, bias) } = match self {
            Self::Mlp(recipe) => recipe.discriminator(builder, sample),
            Self::Dcgan(recipe) => recipe.discriminator(builder, sample),
            Self::Resnet(recipe) => recipe.discriminator(builder, sample),
            Self::Autoencoder(_) => {
                Err(Error::Recipe("an auto-encoder cannot stand inside another one".into()))
            }
        }?;
        layers.extend(body);
        layers.push_plain(Features);
        if let Some(size) = head.second {
            layers.push(builder, |b| second_head(b, features, size))?;
        }
        if let Hearing::Features(size) = head.condition {
            layers.push_plain(AppendCondition);
            layers.push(builder, |b| Linear::new(b, features + size, JOINED, Initialization::Glorot))?;
            layers.push_plain(Activate(Activation::LeakyRelu(0.2)));
            features = JOINED;
        }
        match head.minibatch {
            Minibatch::None => {}
            Minibatch::Discrimination => {
                layers.push(builder, |b| MinibatchDiscrimination::new(b, features))?;
                features += MinibatchDiscrimination::APPENDED;
            }
            Minibatch::Deviation => {
                layers.push_plain(MinibatchDeviation);
                features += 1;
            }
        }
        let outputs = head.outputs.unwrap_or(1);
        match (head.condition, bias) {
            (Hearing::Projection(size), _) => {
                layers.push(builder, |b| Projection::new(b, features, size, initialization))?;
            }
            (_, true) => layers.push(builder, |b| Linear::new(b, features, outputs, initialization))?,
            (_, false) => {
                layers.push(builder, |b| Linear::without_bias(b, features, outputs, initialization))?;
            }
        }
        if head.outputs.is_none() {
            layers.push_plain(Reshape(Vec::new()));
        }
        Ok(layers)
    }

    /// What stands before the first layer so that the body hears a condition beside its samples, and what the body
    /// then sees.
    fn ears(&self, sample: SampleShape, condition: Hearing) -> (Sequence, SampleShape) {
        let mut layers = Sequence::new();
        let Hearing::Sample(size) = condition else { return (layers, sample) };
        let seen = match (self, sample) {
            (Self::Dcgan(_) | Self::Resnet(_), SampleShape::Image { channels, height, width }) => {
                SampleShape::Image { channels: channels + size, height, width }
            }
            _ => {
                layers.push_plain(Reshape(vec![sample.elements()]));
                SampleShape::Points { dimensions: sample.elements() + size }
            }
        };
        layers.push_plain(AppendCondition);
        (layers, seen)
    }

    /// Whether a discriminator of this kind has dropout.
    pub fn has_dropout(&self) -> bool {
        match self {
            Self::Mlp(recipe) => !recipe.dropout.is_empty(),
            Self::Dcgan(recipe) => !recipe.dropout.is_empty(),
            Self::Resnet(recipe) => !recipe.dropout.is_empty(),
            Self::Autoencoder(_) => false,
        }
    }
}
