//! What one process reports.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Failure;

/// One measurement of a workload, by either side.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Measurement {
    /// The workload.
    pub(crate) workload: String,
    /// Who ran it.
    pub(crate) peer: String,
    /// Its version.
    pub(crate) version: String,
    /// Threads it computed with.
    pub(crate) threads: usize,
    /// Median time of a training step, in milliseconds.
    pub(crate) step_ms_median: f64,
    /// Shortest time of a training step, in milliseconds.
    pub(crate) step_ms_min: f64,
    /// Steps measured.
    pub(crate) steps: usize,
    /// Samples generated in a second, in batches of the size that is trained: images, translations or lines.
    pub(crate) sample_images_per_s: f64,
    /// From the start of the process to the end of the first step, in seconds.
    pub(crate) first_step_s: f64,
    /// The most memory the process ever held, in MiB.
    pub(crate) peak_rss_mib: f64,
    /// Parameters of each network.
    pub(crate) parameters: BTreeMap<String, usize>,
    /// Each loss at the first step and at the last.
    pub(crate) losses: BTreeMap<String, [f64; 2]>,
    /// Billions of floating-point operations of a step, of workloads whose operations we count.
    #[serde(default)]
    pub(crate) step_gflop: Option<f64>,
}

/// The middle one of `values`.
///
/// # Errors
/// If there are none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Result<f64, Failure> {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    sorted
        .get(sorted.len() / 2)
        .copied()
        .ok_or_else(|| "nothing was measured; give more --seconds or --rounds".into())
}
