//! Our side of a measurement.

use std::collections::BTreeMap;
use std::time::Instant;

use brigand::batch::{Batch, IMAGES};
use brigand::hardware;
use brigand::players::{Measurements, Report};
use brigand::random::Stream;
use brigand::session::Session;

use crate::measurement::{Measurement, median};
use crate::workload::Workload;
use crate::{Conditions, Failure, now, work};

const SEED: u64 = 0;
/// No more steps than the peer's script takes.
const MOST_STEPS: usize = 500;
const SAMPLINGS: usize = 12;

/// Trains `workload` for a while, then samples; as the peer's script does.
pub(crate) fn measure(
    workload: &Workload,
    conditions: Conditions,
    started_at: f64,
) -> Result<Measurement, Failure> {
    let threads = conditions.threads()?;
    hardware::keep_freed_memory();
    hardware::set_threads(threads)?;
    let mut session = workload.session(SEED, &conditions.precision.place())?;

    let begun = session.advance()?.read(0)?;
    let first_step_s = now()? - started_at;
    session.advance()?;
    let (steps, last) = step_times(&mut session, conditions.seconds)?;
    let losses = losses(&begun, &last.read(session.step())?)?;
    let images = images_to_translate(&session)?;
    let samplings = (0..SAMPLINGS as u64)
        .map(|number| sampling_time(&session, images.as_ref(), number))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Measurement {
        workload: workload.name.into(),
        peer: conditions.precision.name().into(),
        version: env!("CARGO_PKG_VERSION").into(),
        threads,
        step_ms_median: median(steps.iter().copied())? * 1e3,
        step_ms_min: steps.iter().copied().fold(f64::INFINITY, f64::min) * 1e3,
        steps: steps.len(),
        sample_images_per_s: session.span().batch as f64 / median(samplings)?,
        first_step_s,
        peak_rss_mib: peak_memory()?,
        parameters: session.system_mut().sizes().into_iter().collect(),
        losses,
        step_gflop: work::flop(workload, &mut session)?.map(|flop| flop / 1e9),
    })
}

/// The times of steps in seconds, and what the last one reports.
fn step_times(session: &mut Session, seconds: f64) -> Result<(Vec<f64>, Report), Failure> {
    let (begin, mut times, mut last) = (Instant::now(), Vec::new(), Report::default());
    while begin.elapsed().as_secs_f64() < seconds && times.len() < MOST_STEPS {
        let start = Instant::now();
        last = session.advance()?;
        times.push(start.elapsed().as_secs_f64());
    }
    Ok((times, last))
}

/// The losses among what two steps reported.
fn losses(first: &Measurements, last: &Measurements) -> Result<BTreeMap<String, [f64; 2]>, Failure> {
    let of = first.iter().filter(|(name, _)| name.ends_with("_loss"));
    let both = |(name, &first): (&String, &f64)| {
        let last = last.get(name).ok_or_else(|| format!("the last step reports no {name}"))?;
        Ok((name.clone(), [first, *last]))
    };
    of.map(both).collect()
}

/// A batch of random images of the first domain, where the system translates.
fn images_to_translate(session: &Session) -> Result<Option<Batch>, Failure> {
    if session.system().as_translator().is_none() {
        return Ok(None);
    }
    let [channels, height, width] = session.feed().schema().image(IMAGES)?;
    let shape = [session.span().batch, channels, height, width];
    let values = Stream::new(SEED, "images", 0).uniform(shape.iter().product(), -1.0, 1.0);
    Ok(Some(Batch::of(session.feed().place().numbers(values, &shape)?)))
}

/// Seconds for one batch of samples: from fresh latents, or translations of `images`.
fn sampling_time(session: &Session, images: Option<&Batch>, number: u64) -> Result<f64, Failure> {
    let (system, count) = (session.system(), session.span().batch);
    let mut stream = Stream::new(SEED, "sampling", number);
    let start = Instant::now();
    if let (Some(translator), Some(images)) = (system.as_translator(), images) {
        let direction = translator.directions().first().ok_or("a translator without directions")?;
        translator.translate(direction, images)?;
    } else if let Some(lines) = system.as_sequence_sampler() {
        lines.sequences(count, &mut stream)?;
    } else {
        let sampler = system.sampler()?;
        sampler.generate(&sampler.latents(count, &mut stream)?)?;
    }
    Ok(start.elapsed().as_secs_f64())
}

/// The most memory this process ever held, in MiB, as Linux tells it.
pub(crate) fn peak_memory() -> Result<f64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status").map_err(|reason| {
        format!("cannot read the peak memory from /proc/self/status: {reason}; run this on Linux")
    })?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib =
        line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse::<f64>().ok());
    Ok(kib.ok_or("/proc/self/status does not tell VmHWM; run this on Linux")? / 1024.0)
}
