//! Normalisation of plain operations.

use crate::error::Result;
use crate::variable::Variable;

use super::grouping::Grouping;

/// `values` `[channels]` or `[batch, channels]` shaped so that they broadcast over `[batch, channels, ...]`.
pub(super) fn along_channels(input: &Variable, values: &Variable) -> Result<Variable> {
    let mut shape = vec![1; 2 - values.rank().min(2)];
    shape.extend_from_slice(values.shape());
    shape.resize(input.rank().max(2), 1);
    values.reshape(&shape)
}

/// The axes of `[batch, channels, ...]` that statistics are taken over.
pub(super) fn statistics_axes(input: &Variable, grouping: Grouping) -> Vec<usize> {
    match grouping {
        Grouping::Batch => (0..input.rank()).filter(|&axis| axis != 1).collect(),
        Grouping::Instance | Grouping::Channels(_) => (2..input.rank()).collect(),
        Grouping::Layer => (1..input.rank()).collect(),
    }
}

/// Normalisation and affine map of plain operations, for any order of derivative.
pub(super) fn composed(
    input: &Variable,
    grouping: Grouping,
    scale: Option<&Variable>,
    shift: Option<&Variable>,
    epsilon: f64,
) -> Result<Variable> {
    let grouped = match grouping {
        Grouping::Channels(groups) => {
            let batch = input.size("normalize", 0)?;
            input.reshape(&[batch, groups, input.elements() / (batch * groups).max(1)])?
        }
        _ => input.clone(),
    };
    let axes = statistics_axes(&grouped, grouping);
    let centred = grouped.sub(&grouped.mean_keeping(&axes)?)?;
    let inverse = centred.square()?.mean_keeping(&axes)?.affine(1.0, epsilon)?.powf(-0.5)?;
    affine(centred.mul(&inverse)?.reshape(input.shape())?, grouping, scale, shift)
}

/// `scale normal + shift`.
pub(super) fn affine(
    normal: Variable,
    grouping: Grouping,
    scale: Option<&Variable>,
    shift: Option<&Variable>,
) -> Result<Variable> {
    let fitted = |values: &Variable| match grouping {
        Grouping::Layer if normal.shape().get(1..) == Some(values.shape()) => Ok(values.clone()),
        _ => along_channels(&normal, values),
    };
    let scaled = match scale {
        Some(scale) => normal.mul(&fitted(scale)?)?,
        None => normal.clone(),
    };
    match shift {
        Some(shift) => scaled.add(&fitted(shift)?),
        None => Ok(scaled),
    }
}
