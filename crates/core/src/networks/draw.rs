//! The two networks of DRAW (Gregor et al. 2015, arXiv:1502.04623): an encoder and a decoder that are run in turn, once
//! for each step of a drawing.

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::modules::{
    Builder, Cell, Glimpse, GlimpseAttention, Initialization, Linear, Lstm, LstmState, Pass, Plan, WeightId,
};

const PLAN: Plan = Plan::new(Initialization::Glorot);
/// The most filters along a side.
const MOST_FILTERS: usize = 64;

/// The size of one of the two networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawNetworkRecipe {
    /// Numbers of the LSTM's state.
    pub hidden: usize,
    /// Filters along each side of the patch that the encoder reads, or the decoder writes; 0 for whole images, without
    /// attention.
    pub attention: usize,
}

impl DrawNetworkRecipe {
    /// Refuses sizes that no network has; `network` names whose it is.
    ///
    /// # Errors
    /// [`Error::Recipe`], saying which value to give.
    pub fn check(&self, network: &str) -> Result<()> {
        if self.hidden == 0 || self.hidden > 4096 {
            return Err(Error::Recipe(format!("{network}.hidden is {}; give 1 to 4096", self.hidden)));
        }
        match self.attention {
            0 | 2..=MOST_FILTERS => Ok(()),
            1 => Err(Error::Recipe(format!(
                "{network}.attention is 1, and one filter has no distance to another; give 0 for no attention, or 2 to \
                 {MOST_FILTERS}"
            ))),
            other => Err(Error::Recipe(format!(
                "{network}.attention is {other}; give 0 for no attention, or 2 to {MOST_FILTERS}"
            ))),
        }
    }

    /// The attention of this size, if there is one.
    fn attention(
        &self,
        b: &mut Builder,
        hidden: usize,
        [_, height, width]: [usize; 3],
    ) -> Result<Option<GlimpseAttention>> {
        let make =
            |b: &mut Builder| GlimpseAttention::new(b, hidden, (self.attention, [height, width]), &PLAN);
        (self.attention > 0).then(|| b.block("attention", make)).transpose()
    }

    /// Rows and columns of what is read or written.
    fn patch(&self, [_, height, width]: [usize; 3]) -> [usize; 2] {
        if self.attention > 0 { [self.attention; 2] } else { [height, width] }
    }
}

/// Reads an image and what the drawing lacks of it, and gives numbers that the next code is drawn by.
pub struct DrawEncoder {
    attention: Option<GlimpseAttention>,
    cell: Lstm,
    leave: Linear,
}

impl DrawEncoder {
    /// An encoder of `image`s `[channels, height, width]` beside a decoder of `decoder` hidden numbers, which gives
    /// `outputs` numbers at each step.
    ///
    /// # Errors
    /// If a path is taken.
    pub fn new(
        b: &mut Builder,
        recipe: DrawNetworkRecipe,
        (decoder, outputs): (usize, usize),
        image: [usize; 3],
    ) -> Result<Self> {
        let [rows, columns] = recipe.patch(image);
        let read = 2 * image[0] * rows * columns;
        Ok(Self {
            attention: recipe.attention(b, decoder, image)?,
            cell: b.block("cell", |b| Lstm::new(b, read + decoder, recipe.hidden, &PLAN))?,
            leave: b.block("leave", |b| Linear::new(b, recipe.hidden, outputs, &PLAN))?,
        })
    }

    /// The state before the first step.
    ///
    /// # Errors
    /// If it does not fit the device.
    pub fn start(&self, images: &Variable) -> Result<LstmState> {
        self.cell.start(images)
    }

    /// One step: the outputs `[batch, outputs]`, the next state, and the filters that were read with. `images`
    /// `[batch, channels, height, width]` in [-1, 1] are read beside what they have more than the drawing, on the scale of
    /// [0, 1], where the decoder's state before this step says.
    ///
    /// # Errors
    /// If the inputs do not fit.
    pub fn step(
        &self,
        pass: &mut Pass<'_>,
        (images, drawing): (&Variable, &Drawing),
        state: &LstmState,
    ) -> Result<(Variable, LstmState, Option<Glimpse>)> {
        let images = images.affine(0.5, 0.5)?;
        let lacking = images.sub(&drawing.canvas.sigmoid()?)?;
        let both = Variable::concatenate(&[&images, &lacking], 1)?;
        let glimpse = self
            .attention
            .as_ref()
            .map(|attention| attention.run(pass, &drawing.state.hidden))
            .transpose()?;
        let read = match &glimpse {
            Some(glimpse) => glimpse.read(&both)?,
            None => both,
        };
        let input = Variable::concatenate(&[&read.flatten_from_second()?, &drawing.state.hidden], 1)?;
        let (hidden, state) = self.cell.step(pass, &input, state)?;
        Ok((self.leave.run(pass, &hidden)?, state, glimpse))
    }
}

/// A drawing that is not finished: what the decoder carries from step to step.
#[derive(Clone)]
pub struct Drawing {
    /// The sum of everything written so far: logits `a` of images `tanh(a / 2)`, `[batch, channels, height, width]`.
    pub canvas: Variable,
    state: LstmState,
}

/// Turns codes into what is added to the canvas.
pub struct DrawDecoder {
    /// What a canvas starts as.
    start: WeightId,
    cell: Lstm,
    write: Linear,
    attention: Option<GlimpseAttention>,
    image: [usize; 3],
    patch: [usize; 2],
}

impl DrawDecoder {
    /// A decoder of codes of `code` numbers into `image`s `[channels, height, width]`.
    ///
    /// # Errors
    /// If a path is taken.
    pub fn new(b: &mut Builder, recipe: DrawNetworkRecipe, code: usize, image: [usize; 3]) -> Result<Self> {
        let (hidden, patch) = (recipe.hidden, recipe.patch(image));
        let written = image[0] * patch[0] * patch[1];
        let pixels = image.iter().product();
        Ok(Self {
            start: b.weight("canvas", &image, (pixels, pixels), Initialization::ZERO)?,
            cell: b.block("cell", |b| Lstm::new(b, code, hidden, &PLAN))?,
            write: b.block("write", |b| Linear::new(b, hidden, written, &PLAN))?,
            attention: recipe.attention(b, hidden, image)?,
            image,
            patch,
        })
    }

    /// The drawings before the first step, one for each row of `like` `[batch, ...]`: a learned canvas.
    ///
    /// # Errors
    /// If they do not fit the device.
    pub fn start(&self, pass: &mut Pass<'_>, like: &Variable) -> Result<Drawing> {
        let (start, batch) = (pass.weight(self.start)?, like.shape().first().copied().unwrap_or(0));
        let [channels, height, width] = self.image;
        Ok(Drawing {
            canvas: start.broadcast_to(&[batch, channels, height, width])?,
            state: self.cell.start(like)?,
        })
    }

    /// The drawings after one step with `codes` `[batch, code]`, and the filters that were written with.
    ///
    /// # Errors
    /// If the codes do not fit.
    pub fn step(
        &self,
        pass: &mut Pass<'_>,
        codes: &Variable,
        drawing: &Drawing,
    ) -> Result<(Drawing, Option<Glimpse>)> {
        let (hidden, state) = self.cell.step(pass, codes, &drawing.state)?;
        let ([channels, ..], [rows, columns]) = (self.image, self.patch);
        let written = self.write.run(pass, &hidden)?;
        let written = written.reshape(&[codes.shape()[0], channels, rows, columns])?;
        let glimpse = self.attention.as_ref().map(|attention| attention.run(pass, &hidden)).transpose()?;
        let written = match &glimpse {
            Some(glimpse) => glimpse.write(&written)?,
            None => written,
        };
        Ok((Drawing { canvas: drawing.canvas.add(&written)?, state }, glimpse))
    }
}
