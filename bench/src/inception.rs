//! The feature extractor beside PyTorch's: one batch through Inception-v3, pool3 and logits.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use brigand::hardware;
use brigand::inception::Inception;
use brigand::random::Stream;
use serde::{Deserialize, Serialize};

use crate::measurement::median;
use crate::{Conditions, Failure, now, ours, product};

const SIDE: usize = 299;

/// One measurement, by either side.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Extraction {
    peer: String,
    version: String,
    threads: usize,
    batch: usize,
    batch_ms_median: f64,
    batch_ms_min: f64,
    batches: usize,
    first_batch_s: f64,
    peak_rss_mib: f64,
    parameters: usize,
}

/// Puts random images through the network for a while.
pub(crate) fn measure(batch: usize, conditions: Conditions, started_at: f64) -> Result<Extraction, Failure> {
    let threads = conditions.threads()?;
    hardware::keep_freed_memory();
    hardware::set_threads(threads)?;
    let mut parameters = 0;
    let network = Inception::from_parameters(|name, shape| {
        let count = shape.iter().product();
        parameters += count;
        let fan_in = shape.iter().skip(1).product::<usize>().max(1);
        let bound = if name.ends_with("running_var") { 0.0 } else { (6.0 / fan_in as f32).sqrt() };
        let values = Stream::new(0, name, 0).uniform(count, -bound, bound);
        Ok(if bound == 0.0 { vec![1.0; count] } else { values })
    })?;
    let shape = [batch, 3, SIDE, SIDE];
    let images = Stream::new(0, "images", 0).uniform(shape.iter().product(), 0.0, 1.0);
    network.forward(&images, shape)?;
    let first_batch_s = now()? - started_at;
    network.forward(&images, shape)?;
    let (begin, mut times) = (Instant::now(), Vec::new());
    while begin.elapsed().as_secs_f64() < conditions.seconds {
        let start = Instant::now();
        network.forward(&images, shape)?;
        times.push(start.elapsed().as_secs_f64());
    }
    Ok(Extraction {
        peer: "brigand".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        threads,
        batch,
        batch_ms_median: median(times.iter().copied())? * 1e3,
        batch_ms_min: times.iter().copied().fold(f64::INFINITY, f64::min) * 1e3,
        batches: times.len(),
        first_batch_s,
        peak_rss_mib: ours::peak_memory()?,
        parameters,
    })
}

/// Measures both sides in turn, `rounds` times, each in a fresh process, and writes a Markdown table.
pub(crate) fn compare(
    python: &Path,
    rounds: usize,
    batch: usize,
    conditions: Conditions,
) -> Result<String, Failure> {
    hardware::set_threads(conditions.threads()?)?;
    let mut lines = vec![
        format!("Inception-v3, batch {batch} of {SIDE}x{SIDE}, {} threads.\n", conditions.threads()?),
        "| round | batch, ms, Brigand / PyTorch | ratio | images/s | first batch, s | peak memory, MiB | matrix product, GFLOP/s |".into(),
        "|---|---|---|---|---|---|---|".into(),
    ];
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("pytorch_inception.py");
    let mut ratios = Vec::new();
    for round in 1..=rounds {
        let rate = product::rate()?;
        let mut us = Command::new(std::env::current_exe()?);
        let ours = finish(us.arg("run-inception"), batch, conditions)?;
        let theirs = finish(Command::new(python).arg(&script), batch, conditions)?;
        if ours.parameters != theirs.parameters || ours.threads != theirs.threads {
            return Err(format!("not the same work: {ours:?}, {theirs:?}").into());
        }
        let ratio = theirs.batch_ms_median / ours.batch_ms_median;
        ratios.push(ratio);
        let speed = |side: &Extraction| batch as f64 / side.batch_ms_median * 1e3;
        lines.push(format!(
            "| {round} | {:.0} / {:.0} | {ratio:.2} | {:.1} / {:.1} | {:.1} / {:.1} | {:.0} / {:.0} | {rate:.0} |",
            ours.batch_ms_median,
            theirs.batch_ms_median,
            speed(&ours),
            speed(&theirs),
            ours.first_batch_s,
            theirs.first_batch_s,
            ours.peak_rss_mib,
            theirs.peak_rss_mib
        ));
    }
    lines.push(format!("\nPyTorch takes {:.2} times as long (the median over the rounds).", median(ratios)?));
    Ok(lines.join("\n") + "\n")
}

fn finish(command: &mut Command, batch: usize, conditions: Conditions) -> Result<Extraction, Failure> {
    command.args(["--batch", &batch.to_string(), "--seconds", &conditions.seconds.to_string()]);
    command.args(["--threads", &conditions.threads()?.to_string()]);
    command.args(["--started-at", &format!("{:.6}", now()?)]);
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{command:?} ended with {}; its message is above", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
