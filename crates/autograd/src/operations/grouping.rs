//! Which elements are normalised together.

use crate::error::{Result, shape_error};
use crate::variable::Variable;

/// Which elements share a mean and a variance, in `[batch, channels, ...]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// Batch normalisation (arXiv:1502.03167): each channel over batch and positions.
    Batch,
    /// Instance normalisation (arXiv:1607.08022): each channel of each sample over positions.
    Instance,
    /// Layer normalisation (arXiv:1607.06450): each sample over everything else; scale and shift
    /// have the shape of a sample.
    Layer,
    /// Group normalisation (arXiv:1803.08494): each sample's channels in this many groups.
    Channels(usize),
}

/// A grouping of an input as the kernels see it.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    pub(super) grouping: Grouping,
    /// `[batch, channels, inner]`, with one scale for each channel.
    pub(super) shape: [usize; 3],
    /// How many statistics there are: per channel, or per group of channels of each sample.
    pub(super) statistics: usize,
}

impl Plan {
    /// An error if the input has no channels or no elements, or the groups do not divide the channels.
    pub(super) fn new(operation: &'static str, input: &Variable, grouping: Grouping) -> Result<Self> {
        let (batch, channels) = (input.size(operation, 0)?, input.size(operation, 1)?);
        if input.elements() == 0 {
            return Err(shape_error(operation, format!("nothing to average in shape {:?}", input.shape())));
        }
        let shape = [batch, channels, input.elements() / (batch * channels)];
        let plan = |shape, statistics| Self { grouping, shape, statistics };
        Ok(match grouping {
            Grouping::Batch => plan(shape, channels),
            Grouping::Instance => plan(shape, batch * channels),
            Grouping::Layer => plan([batch, input.elements() / batch, 1], batch),
            Grouping::Channels(groups) if groups == 0 || !channels.is_multiple_of(groups) => {
                let reason =
                    format!("{groups} groups do not divide the {channels} channels of {:?}", input.shape());
                return Err(shape_error(operation, reason));
            }
            Grouping::Channels(groups) => plan(shape, batch * groups),
        })
    }
}
