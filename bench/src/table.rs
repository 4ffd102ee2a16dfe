//! The comparison as Markdown.

use crate::compare::{Pair, Row};
use crate::measurement::{Measurement, median};

/// Ratios, then what they were made of.
pub(crate) fn write(rows: &[Row], rounds: usize) -> String {
    let Some(pair) = rows.first().and_then(|row| row.pairs.first()) else { return String::new() };
    let heading = format!(
        "{} {} beside PyTorch {}: {} threads, {rounds} pairs, one process each.\n",
        pair.ours.peer, pair.ours.version, pair.theirs.version, pair.ours.threads
    );
    let ratios = [
        "PyTorch / Brigand: how many times as much PyTorch takes; the median over the pairs (least to most).\n",
        "| workload | peer | time of a step | of the shortest step | time to sample | start to end of first step | peak memory |",
        "|---|---|---|---|---|---|---|",
    ];
    let medians = [
        "\nMedians, Brigand / PyTorch, and what Brigand's step computes.\n",
        "| workload | peer | step, ms | samples, images/s | first step, s | peak memory, MiB | step, GFLOP | step, GFLOP/s | matrix product, GFLOP/s | parameters, Brigand / PyTorch |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ];
    let mut lines = vec![heading];
    lines.extend(ratios.map(String::from));
    lines.extend(rows.iter().map(ratio_line));
    lines.extend(medians.map(String::from));
    lines.extend(rows.iter().map(median_line));
    if rows.iter().any(|row| row.workload.is_merged()) {
        lines.push(MERGED.into());
    }
    lines.extend(rows.iter().filter(|row| row.workload.extra_parameters > 0).map(|row| {
        let (name, extra) = (row.workload.name, row.workload.extra_parameters);
        format!("\n{name}: our discriminator has {extra} biases that PyTorch's has not.")
    }));
    lines.join("\n") + "\n"
}

const MERGED: &str = "\n\\* Another algorithm: both players step at once, from the same fakes and the same \
                      discriminator. Compared with PyTorch's ordinary step.";

/// The workload and the peer.
fn name(row: &Row) -> String {
    let mark = if row.workload.is_merged() { " \\*" } else { "" };
    let peer = row.pairs.first().map_or("", |pair| &pair.theirs.peer);
    format!("{}{mark} | {peer}", row.workload.name)
}

fn ratio_line(row: &Row) -> String {
    let ratio = |of: &dyn Fn(&Measurement) -> f64| {
        let of = |pair: &Pair| of(&pair.theirs) / of(&pair.ours);
        let (least, most) = row
            .pairs
            .iter()
            .map(of)
            .fold((f64::INFINITY, 0f64), |(least, most), ratio| (least.min(ratio), most.max(ratio)));
        format!("**{:.2}** ({least:.2} to {most:.2})", row.median(of))
    };
    format!(
        "| {} | {} | {} | {} | {} | {} |",
        name(row),
        ratio(&|side| side.step_ms_median),
        ratio(&|side| side.step_ms_min),
        ratio(&|side| side.sample_images_per_s.recip()),
        ratio(&|side| side.first_step_s),
        ratio(&|side| side.peak_rss_mib)
    )
}

fn median_line(row: &Row) -> String {
    let both = |digits: usize, of: &dyn Fn(&Measurement) -> f64| {
        let (ours, theirs) = (row.median(|pair| of(&pair.ours)), row.median(|pair| of(&pair.theirs)));
        format!("{ours:.digits$} / {theirs:.digits$}")
    };
    let counted = |of: fn(&Pair, f64) -> f64| {
        let counts: Option<Vec<f64>> =
            row.pairs.iter().map(|pair| pair.ours.step_gflop.map(|count| of(pair, count))).collect();
        counts.and_then(|counts| median(counts).ok())
    };
    let gflop = counted(|_, count| count).map_or("-".into(), |count| format!("{count:.2}"));
    let rate = counted(|pair, count| count / pair.ours.step_ms_median * 1e3);
    format!(
        "| {} | {} | {} | {} | {} | {gflop} | {} | {:.0} | {} |",
        name(row),
        both(1, &|side| side.step_ms_median),
        both(0, &|side| side.sample_images_per_s),
        both(2, &|side| side.first_step_s),
        both(0, &|side| side.peak_rss_mib),
        rate.map_or("-".into(), |rate| format!("{rate:.0}")),
        row.median(|pair| pair.product_rate),
        parameters(row)
    )
}

/// The parameters of each network, ours and theirs.
fn parameters(row: &Row) -> String {
    let Some(pair) = row.pairs.first() else { return String::new() };
    let theirs = |name: &str| pair.theirs.parameters.get(name).map_or("-".into(), usize::to_string);
    let of = |(name, count): (&String, &usize)| format!("{name} {count} / {}", theirs(name));
    pair.ours.parameters.iter().map(of).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Workload;

    fn measurement(step: f64, speed: f64, first: f64, memory: f64) -> Measurement {
        Measurement {
            workload: "dcgan-64".into(),
            peer: "someone".into(),
            version: "1".into(),
            threads: 2,
            step_ms_median: step,
            step_ms_min: step / 2.0,
            steps: 1,
            sample_images_per_s: speed,
            first_step_s: first,
            peak_rss_mib: memory,
            parameters: [("discriminator".into(), 4), ("generator".into(), 5)].into(),
            losses: [("generator_loss".into(), [1.0, 0.5])].into(),
            step_gflop: Some(30.0),
        }
    }

    #[test]
    fn more_than_one_always_means_that_pytorch_takes_more() {
        let pair = |ours: f64| Pair {
            ours: measurement(ours, 300.0, 0.5, 400.0),
            theirs: measurement(300.0, 100.0, 4.0, 1000.0),
            product_rate: 150.0,
        };
        let workload = Workload::find("dcgan-64-merged").unwrap();
        let table = write(&[Row { workload, pairs: vec![pair(200.0), pair(300.0), pair(150.0)] }], 3);
        let line = table.lines().find(|line| line.contains("**")).unwrap();
        assert_eq!(
            line,
            "| dcgan-64-merged \\* | someone | **1.50** (1.00 to 2.00) | **1.50** (1.00 to 2.00) | **3.00** (3.00 to 3.00) | **8.00** (8.00 to 8.00) \
             | **2.50** (2.50 to 2.50) |"
        );
        assert!(table.contains(
            "| 200.0 / 300.0 | 300 / 100 | 0.50 / 4.00 | 400 / 1000 | 30.00 | 150 | 150 \
                 | discriminator 4 / 4, generator 5 / 5 |"
        ));
    }
}
