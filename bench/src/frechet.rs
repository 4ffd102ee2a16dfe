//! The Fréchet distance beside the computation of pytorch-fid in NumPy and SciPy, on the same features.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use brigand::evaluation::{Features, FrechetDistance, Moments};
use brigand::random::Stream;
use brigand::{hardware, npy};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::measurement::median;

/// How far the two values may differ, as a share of them: the peer adds up means in 32 bits.
const TOLERANCE: f64 = 1e-3;

/// What is measured.
#[derive(Args, Clone, Copy)]
pub(crate) struct Sizes {
    /// Samples on either side.
    #[arg(long, default_value_t = 10_000)]
    samples: usize,
    /// Features of each.
    #[arg(long, default_value_t = 2048)]
    features: usize,
    /// Pairs of measurements.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// One measurement of either side.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Timing {
    version: String,
    distance: f64,
    /// Both means and covariances, in seconds.
    moments_s: f64,
    /// From features to distance, in seconds.
    total_s: f64,
}

/// Measures both in turn and returns a Markdown table.
///
/// # Errors
/// If the peer fails or finds another distance.
pub(crate) fn compare(python: &Path, sizes: Sizes, threads: usize) -> Result<String, Failure> {
    hardware::set_threads(threads)?;
    let folder = tempfile::tempdir()?;
    let sets = ["real", "generated"].map(|name| {
        let path = folder.path().join(format!("{name}.npy"));
        let values = draw(sizes, name);
        npy::write(&path, &values, &[sizes.samples, sizes.features]).map(|()| (path, values))
    });
    let [real, generated] = sets;
    let ((real_path, real), (generated_path, generated)) = (real?, generated?);
    let real = Features::new(real, sizes.features)?;
    let generated = Features::new(generated, sizes.features)?;
    let mut pairs = Vec::new();
    for round in 0..sizes.rounds {
        let ours = measure(&real, &generated)?;
        let theirs = measure_peer(python, &real_path, &generated_path, threads)?;
        eprintln!("round {}: brigand {:.2} s, peer {:.2} s", round + 1, ours.total_s, theirs.total_s);
        if (ours.distance - theirs.distance).abs() > TOLERANCE * theirs.distance.abs() {
            return Err(
                format!("we find a distance of {}, the peer {}", ours.distance, theirs.distance).into()
            );
        }
        pairs.push((ours, theirs));
    }
    table(&pairs, sizes, threads)
}

/// Rectified features with a common factor, so that the covariance is neither diagonal nor well-conditioned.
fn draw(sizes: Sizes, name: &str) -> Vec<f32> {
    let mut stream = Stream::new(1, name, 0);
    let weights = stream.normal(sizes.features);
    (0..sizes.samples)
        .flat_map(|_| {
            let own = stream.normal(sizes.features + 1);
            let common = own.first().copied().unwrap_or(0.0);
            let mixed = own.into_iter().skip(1).zip(&weights).map(move |(own, weight)| own + common * weight);
            mixed.map(|value| value.max(0.0)).collect::<Vec<f32>>()
        })
        .collect()
}

fn measure(real: &Features, generated: &Features) -> Result<Timing, Failure> {
    let start = Instant::now();
    let (real, generated) = (Moments::of(real)?, Moments::of(generated)?);
    let moments_s = start.elapsed().as_secs_f64();
    let distance = FrechetDistance::between(&real, &generated)?.value;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Ok(Timing { version, distance, moments_s, total_s: start.elapsed().as_secs_f64() })
}

fn measure_peer(python: &Path, real: &Path, generated: &Path, threads: usize) -> Result<Timing, Failure> {
    let output = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("frechet_peer.py"))
        .args([real, generated])
        .envs(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"].map(|name| (name, threads.to_string())))
        .stderr(Stdio::inherit())
        .output()
        .map_err(|reason| {
            format!("cannot run {}: {reason}; give --python an existing file", python.display())
        })?;
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text)
        .map_err(|reason| format!("the peer printed no measurement ({reason}): {}", text.trim()).into())
}

fn table(pairs: &[(Timing, Timing)], sizes: Sizes, threads: usize) -> Result<String, Failure> {
    let of = |read: fn(&(Timing, Timing)) -> f64| median(pairs.iter().map(read));
    let version = pairs.first().map(|(_, theirs)| theirs.version.as_str()).unwrap_or_default();
    Ok(format!(
        "Fréchet distance, {} against {} samples of {} features, {threads} threads, {version}; medians of {} pairs.\n\n\
         | | brigand | pytorch-fid's computation | ratio |\n|---|---|---|---|\n\
         | moments, s | {:.2} | {:.2} | {:.1} |\n| all, s | {:.2} | {:.2} | {:.1} |\n",
        sizes.samples,
        sizes.samples,
        sizes.features,
        pairs.len(),
        of(|pair| pair.0.moments_s)?,
        of(|pair| pair.1.moments_s)?,
        of(|pair| pair.1.moments_s / pair.0.moments_s)?,
        of(|pair| pair.0.total_s)?,
        of(|pair| pair.1.total_s)?,
        of(|pair| pair.1.total_s / pair.0.total_s)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_takes_medians_of_ratios() {
        let timing = |total_s| Timing { version: "v".into(), distance: 1.0, moments_s: 1.0, total_s };
        let pairs = [(timing(1.0), timing(2.0)), (timing(1.0), timing(8.0)), (timing(4.0), timing(12.0))];
        let table = table(&pairs, Sizes { samples: 5, features: 3, rounds: 3 }, 2).unwrap();
        assert!(table.contains("| all, s | 1.00 | 8.00 | 3.0 |"), "{table}");
    }

    #[test]
    fn the_two_sets_differ() {
        let sizes = Sizes { samples: 40, features: 3, rounds: 1 };
        let [real, generated] =
            ["real", "generated"].map(|name| Features::new(draw(sizes, name), 3).unwrap());
        assert!(measure(&real, &generated).unwrap().distance > 0.0);
        assert!(measure(&real, &real).unwrap().distance < 1e-6);
    }
}
