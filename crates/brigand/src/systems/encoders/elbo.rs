//! The lower bound of the likelihood that systems with a decoder maximise, as they measure it.

use brigand_autograd::{Variable, without_recording};
use brigand_core::Result;
use brigand_core::players::Turn;
use brigand_core::random::Stream;

use super::super::held_out::for_each_portion;
use super::posterior::KL_DIVERGENCE;

/// Name of minus the log-likelihood of the samples given their codes, in nats a sample.
const RECONSTRUCTION_LOSS: &str = "reconstruction_loss";
/// Name of the sum of it and the divergence, which is at least minus the log-likelihood of the samples.
const ELBO_LOSS: &str = "elbo_loss";
/// Name of the same for held-out samples.
const HELD_OUT_ELBO_LOSS: &str = "held_out_elbo_loss";

/// Notes both parts of the bound for a training batch, and their sum.
pub(super) fn note_elbo(turn: &mut Turn<'_>, reconstruction: &Variable, divergence: &Variable) -> Result<()> {
    turn.note(RECONSTRUCTION_LOSS, reconstruction);
    turn.note(KL_DIVERGENCE, divergence);
    let both = Variable::stack(&[&reconstruction.detach(), &divergence.detach()], 0)?;
    turn.note_derived(ELBO_LOSS, &both, |parts| parts.iter().map(|&part| f64::from(part)).sum());
    Ok(())
}

/// Notes the bound for all held-out samples. `loss` gives it for samples `[n, sample...]`, a mean over them, and draws
/// their codes from the stream.
pub(super) fn note_held_out_elbo(
    turn: &mut Turn<'_>,
    mut loss: impl FnMut(&Variable, &mut Stream) -> Result<Variable>,
) -> Result<()> {
    let feed = turn.feed();
    let (mut sum, mut stream) = (0.0, Stream::new(feed.seed(), "codes/held-out", 0));
    for_each_portion(feed, |batch| {
        let samples = batch.samples()?;
        sum += without_recording(|| loss(samples, &mut stream))?.scalar()? * samples.shape()[0] as f64;
        Ok(())
    })?;
    let count = feed.held_out_count().max(1);
    turn.report.note_number(HELD_OUT_ELBO_LOSS, sum / count as f64);
    Ok(())
}
