//! Two builds of this program in turn.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use crate::measurement::median;
use crate::workload::Workload;
use crate::{Conditions, Failure, peer};

/// Which builds are compared.
#[derive(Args)]
pub(crate) struct Request {
    /// The `brigand-bench` that is compared with.
    #[arg(long)]
    old: PathBuf,
    /// The `brigand-bench` that is compared.
    #[arg(long)]
    new: PathBuf,
    /// Pairs of measurements for each workload.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Workloads that both builds have; all of this one if none is named.
    workloads: Vec<String>,
    #[command(flatten)]
    conditions: Conditions,
}

/// What all builds report of a workload.
#[derive(Clone, Debug, Deserialize)]
struct Timing {
    threads: usize,
    step_ms_median: f64,
    step_ms_min: f64,
    first_step_s: f64,
    peak_rss_mib: f64,
    sample_images_per_s: f64,
    step_gflop: Option<f64>,
}

/// Measures both builds in turn, `rounds` times each, each in a fresh process, and returns a Markdown table.
///
/// # Errors
/// If a process fails, or the two do not compute the same.
pub(crate) fn compare(request: &Request) -> Result<String, Failure> {
    if request.rounds == 0 {
        return Err("0 rounds measure nothing; give --rounds at least 1".into());
    }
    let mut lines = vec![
        format!(
            "New beside old, {} threads, {} pairs, one process each. Ratios are new / old, below 1 where the new build \
             takes less; the median over the pairs (least to most).\n",
            request.conditions.threads()?,
            request.rounds
        ),
        "| workload | time of a step | of the shortest step | time to sample | first step | peak memory \
         | step, ms, old / new | peak memory, MiB, old / new |"
            .into(),
        "|---|---|---|---|---|---|---|---|".into(),
    ];
    for workload in Workload::select(&request.workloads)? {
        let pairs = (0..request.rounds)
            .map(|round| measure_pair(request, workload.name, round))
            .collect::<Result<Vec<_>, _>>()?;
        lines.push(line(workload.name, &pairs)?);
    }
    Ok(lines.join("\n") + "\n")
}

fn measure_pair(request: &Request, name: &str, round: usize) -> Result<(Timing, Timing), Failure> {
    let of = |program| peer::measure_build::<Timing>(program, name, request.conditions);
    let (old, new) = (of(&request.old)?, of(&request.new)?);
    eprintln!(
        "{name} round {}: old {:.1} ms, new {:.1} ms a step; peak memory {:.0} and {:.0} MiB",
        round + 1,
        old.step_ms_median,
        new.step_ms_median,
        old.peak_rss_mib,
        new.peak_rss_mib
    );
    if (old.threads, old.step_gflop) != (new.threads, new.step_gflop) {
        return Err(format!("{name}: the two builds do not do the same work: {old:?}, {new:?}").into());
    }
    Ok((old, new))
}

fn line(name: &str, pairs: &[(Timing, Timing)]) -> Result<String, Failure> {
    let ratio = |of: fn(&Timing) -> f64| {
        let ratios = pairs.iter().map(|(old, new)| of(new) / of(old));
        let (least, most) = ratios
            .clone()
            .fold((f64::INFINITY, 0f64), |(least, most), ratio| (least.min(ratio), most.max(ratio)));
        median(ratios).map(|middle| format!("**{middle:.3}** ({least:.3} to {most:.3})"))
    };
    let both = |digits: usize, of: fn(&Timing) -> f64| {
        let (old, new) =
            (median(pairs.iter().map(|(old, _)| of(old)))?, median(pairs.iter().map(|(_, new)| of(new)))?);
        Ok::<_, Failure>(format!("{old:.digits$} / {new:.digits$}"))
    };
    Ok(format!(
        "| {name} | {} | {} | {} | {} | {} | {} | {} |",
        ratio(|of| of.step_ms_median)?,
        ratio(|of| of.step_ms_min)?,
        ratio(|of| of.sample_images_per_s.recip())?,
        ratio(|of| of.first_step_s)?,
        ratio(|of| of.peak_rss_mib)?,
        both(2, |of| of.step_ms_median)?,
        both(0, |of| of.peak_rss_mib)?
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_one_always_means_that_the_new_build_takes_less() {
        let timing = |step: f64, speed: f64| Timing {
            threads: 2,
            step_ms_median: step,
            step_ms_min: step / 2.0,
            first_step_s: 0.5,
            peak_rss_mib: 100.0,
            sample_images_per_s: speed,
            step_gflop: None,
        };
        let pair = |new: f64| (timing(100.0, 10.0), timing(new, 20.0));
        assert_eq!(
            line("gan-mlp", &[pair(50.0), pair(90.0), pair(120.0)]).unwrap(),
            "| gan-mlp | **0.900** (0.500 to 1.200) | **0.900** (0.500 to 1.200) | **0.500** (0.500 to 0.500) \
             | **1.000** (1.000 to 1.000) | **1.000** (1.000 to 1.000) | 100.00 / 90.00 | 100 / 100 |"
        );
    }

    #[test]
    fn the_report_of_an_older_build_is_read() {
        let report = r#"{"workload":"gan-mlp","peer":"brigand","version":"0.1.0","threads":2,"step_ms_median":4.0,
            "step_ms_min":3.0,"steps":9,"sample_images_per_s":50000.0,"first_step_s":0.03,"peak_rss_mib":56.0,
            "generator_parameters":1493520,"discriminator_parameters":533505,"step_gflop":1.02}"#;
        let timing: Timing = serde_json::from_str(report).unwrap();
        assert_eq!((timing.threads, timing.step_gflop), (2, Some(1.02)));
    }
}
