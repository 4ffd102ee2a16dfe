//! Adaptive instance normalisation (Huang and Belongie 2017, arXiv:1703.06868) whose scales and shifts of all layers are
//! parts of one vector of each sample, the style.

use brigand_autograd::{Activation, Grouping, Variable};

use super::layer::{Conditioning, Layer};
use super::pass::Pass;
use crate::error::{Error, Result};

/// Added to the variance.
const EPSILON: f64 = 1e-5;

/// The style of each sample, of which every layer reads its own part.
pub struct OnStyle;

/// Scales and shifts of all layers of a network, `[batch, size]` with the [size](StyleLayout::size) of its layout.
#[derive(Clone, Copy)]
pub struct Style<'a>(pub &'a Variable);

impl Conditioning for OnStyle {
    type Value<'a> = Style<'a>;
}

/// Which part of the style each layer reads: layers get theirs one after another, as they are built.
#[derive(Debug, Default)]
pub struct StyleLayout {
    size: usize,
}

impl StyleLayout {
    /// Numbers of the style that the layers so far read.
    pub fn size(&self) -> usize {
        self.size
    }
}

/// `(1 + scale) (x - mean) / sqrt(variance + 1e-5) + shift` with mean and variance of each channel of each sample over
/// positions, and scale and shift from the style; then an activation. Departs: 1 is added to the scale, so that a style of
/// zeros is plain instance normalisation.
pub struct AdaptiveNorm {
    start: usize,
    channels: usize,
    activation: Activation,
}

impl AdaptiveNorm {
    /// A normalisation of `channels`, which reads the next `2 channels` numbers of the style: scales, then shifts. It has no
    /// weights of its own.
    pub fn new(layout: &mut StyleLayout, channels: usize, activation: Activation) -> Self {
        let start = layout.size;
        layout.size += 2 * channels;
        Self { start, channels, activation }
    }
}

impl Layer<OnStyle> for AdaptiveNorm {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable, Style(style): Style<'_>) -> Result<Variable> {
        let (batch, channels, _, _) = input.dims4("adaptive normalisation")?;
        let fits = channels == self.channels && style.rank() == 2 && style.shape()[0] == batch;
        if !fits || style.shape()[1] < self.start + 2 * channels {
            return Err(Error::Network(format!(
                "a style of shape {:?} was given for maps of shape {:?}, of which a layer of {} channels reads numbers {} to {}",
                style.shape(),
                input.shape(),
                self.channels,
                self.start,
                self.start + 2 * self.channels
            )));
        }
        let style = pass.computed(style)?;
        let part = |start: usize| style.narrow(1, start, channels)?.reshape(&[batch, channels, 1, 1]);
        let normal = input.normalize(Grouping::Instance, None, None, EPSILON, Activation::Identity)?;
        let scaled = normal.mul(&part(self.start)?.affine(1.0, 1.0)?)?;
        Ok(scaled.add(&part(self.start + channels)?)?.activate(self.activation)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Schema;
    use crate::modules::{How, Mode, Network};
    use crate::place::Place;
    use crate::setup::Setup;

    fn setup() -> Setup {
        let (schema, place) = (Schema::of_samples(&[2, 1, 2], &[]), Place::cpu());
        Setup { schema, batch: 1, steps: 1, seed: 0, place }
    }

    /// Two layers, of 1 and 2 channels: the second reads numbers 2 to 6 of the style.
    #[test]
    fn each_layer_reads_its_own_part_of_the_style() {
        let mut layout = StyleLayout::default();
        let first = AdaptiveNorm::new(&mut layout, 1, Activation::Identity);
        let second = AdaptiveNorm::new(&mut layout, 2, Activation::Identity);
        assert_eq!(layout.size(), 6);
        let mut network = Network::build("n", &setup(), |_| Ok((first, second))).unwrap();
        // Each channel is -1 and 1 after normalisation, whatever it was.
        let maps = Variable::from_slice(&[0.0_f32, 4.0, 10.0, 6.0], &[1, 2, 1, 2]).unwrap();
        let style = [9.0_f32, 9.0, 1.0, -0.5, 0.25, 3.0];
        let style = Variable::from_slice(&style, &[1, 6]).unwrap();
        let run = network
            .run(How::plain(Mode::Training), |(_, second), pass| second.forward(pass, &maps, Style(&style)));
        // Channel 0: 2 (-1, 1) + 0.25; channel 1: 0.5 (1, -1) + 3.
        let found = run.unwrap().to_vec_f32().unwrap();
        let wanted = [-1.75, 2.25, 3.5, 2.5];
        assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-4), "{found:?}");
        let short = style.narrow(1, 0, 5).unwrap();
        let refused = network
            .run(How::plain(Mode::Training), |(_, second), pass| second.forward(pass, &maps, Style(&short)));
        assert!(refused.unwrap_err().to_string().contains("numbers 2 to 6"));
    }
}
