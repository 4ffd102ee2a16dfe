//! Our side of a measurement.

use std::time::Instant;

use brigand::capability::Sampler;
use brigand::hardware;
use brigand::random::Stream;
use brigand::session::Session;

use crate::measurement::{Measurement, median};
use crate::workload::{BATCH, Workload};
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
    let mut session = workload.session(SEED)?;

    session.advance()?;
    let first_step_s = now()? - started_at;
    session.advance()?;
    let steps = step_times(&mut session, conditions.seconds)?;
    let sampler = session.system().sampler()?;
    let samplings =
        (0..SAMPLINGS as u64).map(|number| sampling_time(sampler, number)).collect::<Result<Vec<_>, _>>()?;

    let sizes = session.system_mut().sizes();
    let [(_, generator_parameters), (_, discriminator_parameters)] = sizes[..] else {
        return Err(format!("{} has {} networks, not 2", workload.name, sizes.len()).into());
    };
    Ok(Measurement {
        workload: workload.name.into(),
        peer: "brigand".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        threads,
        step_ms_median: median(steps.iter().copied())? * 1e3,
        step_ms_min: steps.iter().copied().fold(f64::INFINITY, f64::min) * 1e3,
        steps: steps.len(),
        sample_images_per_s: BATCH as f64 / median(samplings)?,
        first_step_s,
        peak_rss_mib: peak_memory()?,
        generator_parameters,
        discriminator_parameters,
        step_gflop: work::flop(workload, &mut session)? / 1e9,
    })
}

fn step_times(session: &mut Session, seconds: f64) -> Result<Vec<f64>, Failure> {
    let (begin, mut times) = (Instant::now(), Vec::new());
    while begin.elapsed().as_secs_f64() < seconds && times.len() < MOST_STEPS {
        let start = Instant::now();
        session.advance()?;
        times.push(start.elapsed().as_secs_f64());
    }
    Ok(times)
}

/// Seconds for one batch of images from fresh latents.
fn sampling_time(sampler: &dyn Sampler, number: u64) -> Result<f64, Failure> {
    let start = Instant::now();
    sampler.generate(&sampler.latents(BATCH, &mut Stream::new(SEED, "sampling", number))?)?;
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
