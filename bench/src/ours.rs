//! Our side of a measurement.

use std::time::Instant;

use brigand::data::Dataset;
use brigand::hardware::{self, Device};
use brigand::random::Stream;
use brigand::systems::{Duel, Feed, System};

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
    let (device, shape) = (Device::Cpu, workload.sample_shape());
    let mut duel = Duel::new(workload.recipe(), &workload.setup(SEED, &device))?;
    let images = Stream::new(SEED, "images", 0).uniform(BATCH * shape.elements(), -1.0, 1.0);
    let dataset = Dataset::from_values("random images", images, &shape.dims())?;
    let mut feed = Feed::new(dataset, BATCH, SEED, &device)?;

    duel.train_step(&mut feed, 0)?;
    let first_step_s = now()? - started_at;
    duel.train_step(&mut feed, 1)?;
    let steps = step_times(&mut duel, &mut feed, conditions.seconds)?;
    let samplings =
        (0..SAMPLINGS as u64).map(|number| sampling_time(&duel, number)).collect::<Result<Vec<_>, _>>()?;

    let parameters: Vec<usize> = duel.networks().iter().map(|network| network.weights.count()).collect();
    let [generator_parameters, discriminator_parameters] = parameters[..] else {
        return Err(format!("a duel of {} networks", parameters.len()).into());
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
        step_gflop: work::flop(workload, &duel)? / 1e9,
    })
}

fn step_times(duel: &mut Duel, feed: &mut Feed, seconds: f64) -> Result<Vec<f64>, Failure> {
    let (begin, mut times) = (Instant::now(), Vec::new());
    while begin.elapsed().as_secs_f64() < seconds && times.len() < MOST_STEPS {
        let start = Instant::now();
        duel.train_step(feed, 2 + times.len() as u64)?;
        times.push(start.elapsed().as_secs_f64());
    }
    Ok(times)
}

/// Seconds for one batch of images from fresh latents.
fn sampling_time(duel: &Duel, number: u64) -> Result<f64, Failure> {
    let start = Instant::now();
    duel.generate(&duel.latents(BATCH, &mut Stream::new(SEED, "sampling", number))?)?;
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
