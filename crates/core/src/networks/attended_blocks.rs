//! Residual blocks that halve maps, with one self-attention layer between them: the way down of discriminators, embedders
//! and generators that start from an image.

use brigand_autograd::Variable;

use crate::error::Result;
use crate::modules::{Builder, DownBlock, NormKind, Pass, Plan, SelfAttention};

/// Height and width.
type Size = (usize, usize);

/// Residual blocks called `down0`, `down1`..., and a layer called `attention`.
pub(super) struct AttendedBlocks {
    blocks: Vec<DownBlock>,
    /// The layer, and after which block it stands.
    attention: Option<(usize, SelfAttention)>,
}

impl AttendedBlocks {
    /// Blocks from each of `channels` to the next. `sides` are heights and widths from the input's down: a block halves
    /// while there is a next one, and keeps the size after that. Attention stands where maps first have the size
    /// `attended`. With `normalization` the blocks normalise in this way before each activation.
    pub(super) fn new(
        b: &mut Builder,
        channels: &[usize],
        (sides, attended): (&[Size], Option<Size>),
        (plan, normalization): (&Plan, Option<NormKind>),
    ) -> Result<Self> {
        let (mut blocks, mut attention) = (Vec::new(), None);
        for (number, pair) in channels.windows(2).enumerate() {
            let &[from, to] = pair else { continue };
            let shape = (number + 1 < sides.len(), number == 0);
            blocks.push(b.block(format!("down{number}"), |b| match normalization {
                None => DownBlock::new(b, (from, to), shape, plan),
                Some(kind) => DownBlock::normalized(b, (from, to), shape, (plan, kind)),
            })?);
            if shape.0 && attended.is_some() && sides.get(number + 1).copied() == attended {
                attention = Some((number, b.block("attention", |b| SelfAttention::new(b, to, plan))?));
            }
        }
        Ok(Self { blocks, attention })
    }

    /// The maps after every block, attention included.
    pub(super) fn outputs(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Vec<Variable>> {
        let (mut outputs, mut maps) = (Vec::with_capacity(self.blocks.len()), input.clone());
        for (number, block) in self.blocks.iter().enumerate() {
            maps = block.run(pass, &maps)?;
            if let Some((after, attention)) = &self.attention
                && *after == number
            {
                maps = attention.run(pass, &maps)?.0;
            }
            outputs.push(maps.clone());
        }
        Ok(outputs)
    }

    /// The maps after the last block.
    pub(super) fn run(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        Ok(self.outputs(pass, input)?.pop().unwrap_or_else(|| input.clone()))
    }
}
