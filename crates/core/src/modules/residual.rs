//! Residual blocks (He et al. 2015, arXiv:1512.03385) as GANs use them.

use brigand_autograd::{Activation, Variable};

use super::builder::Builder;
use super::chain::Chain;
use super::convolution::{Convolution, Window};
use super::layer::{Conditioning, Layer, Unconditional, unconditional_layer};
use super::norm::{Norm, NormKind, NormPlan};
use super::pass::Pass;
use super::weight::Plan;
use crate::error::Result;

/// `main(x) + shortcut(x)`.
pub struct Residual<C: Conditioning = Unconditional> {
    /// The path with the nonlinearities.
    pub main: Chain<C>,
    /// The path around them; empty for the identity.
    pub shortcut: Chain<C>,
}

impl<C: Conditioning> Layer<C> for Residual<C> {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable, condition: C::Value<'_>) -> Result<Variable> {
        let main = self.main.forward(pass, input, condition)?;
        Ok(main.add(&self.shortcut.forward(pass, input, condition)?)?)
    }

    fn couples_samples(&self) -> bool {
        self.main.couples_samples() || self.shortcut.couples_samples()
    }
}

/// `main(x)` and `shortcut(x)` joined along the channels, where a residual block would add them.
pub struct Concatenation<C: Conditioning = Unconditional> {
    /// The path with the nonlinearities.
    pub main: Chain<C>,
    /// The path around them; empty for the identity.
    pub shortcut: Chain<C>,
}

impl<C: Conditioning> Layer<C> for Concatenation<C> {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable, condition: C::Value<'_>) -> Result<Variable> {
        let main = self.main.forward(pass, input, condition)?;
        Ok(Variable::concatenate(&[&main, &self.shortcut.forward(pass, input, condition)?], 1)?)
    }

    fn couples_samples(&self) -> bool {
        self.main.couples_samples() || self.shortcut.couples_samples()
    }
}

/// `norm act up conv norm act conv`, around it `up conv`; generic over what its normalisation is conditioned on.
pub struct UpBlock<C: Conditioning> {
    first: Box<dyn Layer<C>>,
    second: Box<dyn Layer<C>>,
    inner: Convolution,
    outer: Convolution,
    shortcut: Convolution,
}

impl<C: Conditioning> UpBlock<C> {
    /// A block that doubles height and width; `norm` makes a normalisation of so many channels with its activation.
    pub fn new<N: Layer<C> + 'static>(
        builder: &mut Builder,
        (from, to): (usize, usize),
        plan: &Plan,
        mut norm: impl FnMut(&mut Builder, usize) -> Result<N>,
    ) -> Result<Self> {
        let window = Window::same(3);
        Ok(Self {
            first: Box::new(builder.block("norm1", |b| norm(b, from))?),
            inner: builder.block("conv1", |b| Convolution::new(b, (from, to), window, plan))?.doubling(),
            second: Box::new(builder.block("norm2", |b| norm(b, to))?),
            outer: builder.block("conv2", |b| Convolution::new(b, (to, to), window, plan))?,
            shortcut: builder
                .block("shortcut", |b| Convolution::new(b, (from, to), Window::same(1), plan))?
                .doubling(),
        })
    }
}

impl<C: Conditioning> Layer<C> for UpBlock<C> {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable, condition: C::Value<'_>) -> Result<Variable> {
        let main = self.first.forward(pass, input, condition)?;
        let main = self.inner.run(pass, &main)?;
        let main = self.second.forward(pass, &main, condition)?;
        let main = self.outer.run(pass, &main)?;
        Ok(main.add(&self.shortcut.run(pass, input)?)?)
    }

    fn couples_samples(&self) -> bool {
        self.first.couples_samples() || self.second.couples_samples()
    }
}

/// `[norm act] conv norm act conv [down]`, around it `conv [down]`; ReLU, and normalisation where there is one.
pub struct DownBlock {
    inner: Convolution,
    outer: Convolution,
    shortcut: Convolution,
    first: bool,
    norms: Option<(Option<Norm>, Norm)>,
}

impl DownBlock {
    /// A block; the first of a network has no leading activation.
    pub fn new(
        builder: &mut Builder,
        (from, to): (usize, usize),
        (halves, first): (bool, bool),
        plan: &Plan,
    ) -> Result<Self> {
        let window = Window::same(3);
        let resized = |of: Convolution| if halves { of.halving() } else { of };
        Ok(Self {
            inner: builder.block("conv1", |b| Convolution::new(b, (from, to), window, plan))?,
            outer: resized(builder.block("conv2", |b| Convolution::new(b, (to, to), window, plan))?),
            shortcut: resized(
                builder.block("shortcut", |b| Convolution::new(b, (from, to), Window::same(1), plan))?,
            ),
            first,
            norms: None,
        })
    }

    fn couples(&self) -> bool {
        let coupling = |norm: &Norm| Layer::<Unconditional>::couples_samples(norm);
        self.norms
            .as_ref()
            .is_some_and(|(leading, inner)| leading.as_ref().is_some_and(coupling) || coupling(inner))
    }

    /// The same with normalisations of this kind, each followed by ReLU.
    pub fn normalized(
        builder: &mut Builder,
        channels: (usize, usize),
        (halves, first): (bool, bool),
        (plan, kind): (&Plan, NormKind),
    ) -> Result<Self> {
        let norm = NormPlan::new(kind, Activation::Relu);
        let block = Self::new(builder, channels, (halves, first), plan)?;
        let leading =
            (!first).then(|| builder.block("norm1", |b| Norm::new(b, norm, channels.0))).transpose()?;
        let inner = builder.block("norm2", |b| Norm::new(b, norm, channels.1))?;
        Ok(Self { norms: Some((leading, inner)), ..block })
    }

    /// The output.
    pub fn run(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let (leading, inner) = match &self.norms {
            None => (None, None),
            Some((leading, inner)) => (leading.as_ref(), Some(inner)),
        };
        let activated = |pass: &mut Pass<'_>, norm: Option<&Norm>, maps: &Variable| match norm {
            Some(norm) => norm.run(pass, maps),
            None => Ok(maps.relu()?),
        };
        let leading = if self.first { input.clone() } else { activated(pass, leading, input)? };
        let main = self.inner.run(pass, &leading)?;
        let main = activated(pass, inner, &main)?;
        Ok(self.outer.run(pass, &main)?.add(&self.shortcut.run(pass, input)?)?)
    }
}

unconditional_layer!(DownBlock, couples);

/// `x + norm(conv(norm act(conv x)))` at one size, as image translators stack it.
pub struct Skip<C: Conditioning> {
    first: Box<dyn Layer<C>>,
    second: Box<dyn Layer<C>>,
    inner: Convolution,
    outer: Convolution,
}

impl<C: Conditioning> Skip<C> {
    /// A block of `channels`; `norm` makes a normalisation, followed by an activation where it is given `true`.
    pub fn new<N: Layer<C> + 'static>(
        builder: &mut Builder,
        channels: usize,
        plan: &Plan,
        mut norm: impl FnMut(&mut Builder, bool) -> Result<N>,
    ) -> Result<Self> {
        let (window, channels) = (Window::same(3).reflecting(), (channels, channels));
        Ok(Self {
            inner: builder.block("conv1", |b| Convolution::new(b, channels, window, plan))?,
            first: Box::new(builder.block("norm1", |b| norm(b, true))?),
            outer: builder.block("conv2", |b| Convolution::new(b, channels, window, plan))?,
            second: Box::new(builder.block("norm2", |b| norm(b, false))?),
        })
    }
}

impl<C: Conditioning> Layer<C> for Skip<C> {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable, condition: C::Value<'_>) -> Result<Variable> {
        let main = self.inner.run(pass, input)?;
        let main = self.first.forward(pass, &main, condition)?;
        let main = self.outer.run(pass, &main)?;
        Ok(input.add(&self.second.forward(pass, &main, condition)?)?)
    }

    fn couples_samples(&self) -> bool {
        self.first.couples_samples() || self.second.couples_samples()
    }
}
